#!/bin/sh
# All tests, on engines of their own in a folder that is thrown away. Nothing is written into the checkout but compiled
# files, which lie in `.venv` (`tools/setup.sh`).
set -eu
sh tools/lint.sh
place=$(mktemp -d "$(sh tools/test_folder.sh)/thidua-test-XXXXXX")
chmod 755 "$place"
trap 'rm -rf "$place"' EXIT
CHROMIUM=$(sh tools/chromium.sh)
export CHROMIUM
# Where `make soak` has put it; without it a test says that it was not tried.
SOFFICE=$(.venv/bin/python -c 'from local.paths import paths; print(paths().cache)')/libreoffice/soffice
export SOFFICE
export THIDUA_TEST_FOLDER="$place" THIDUA_TEMPORAL=built
export COVERAGE_FILE="$place/coverage" HYPOTHESIS_STORAGE_DIRECTORY="$place/hypothesis"
# Pytest keeps what tests print: what takes minutes the first time is done, and tells so, before it starts.
.venv/bin/python -c 'from local.temporal import build; build(print)'
# Two processes, each with an engine and whole files of tests; a machine with two cores has no room for more.
.venv/bin/python -m pytest -p no:cacheprovider -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term "$@"
.venv/bin/python -m coverage report --include='domain/*,ledger/*' --fail-under=95 >"$place/report" || { cat "$place/report"; exit 1; }
sed -n 's/^TOTAL.* /branch coverage of domain and ledger: /p' "$place/report"
