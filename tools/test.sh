#!/bin/sh
# All tests, on an engine of their own in a folder that is thrown away. Nothing is written into the checkout.
set -eu
sh tools/lint.sh
place=$(mktemp -d "${TMPDIR:-/var/tmp}/thidua-test-XXXXXX")
chmod 755 "$place"
trap 'rm -rf "$place"' EXIT
CHROMIUM=$(sh tools/chromium.sh)
export CHROMIUM
export THIDUA_TEST_FOLDER="$place" THIDUA_TEMPORAL=built
export COVERAGE_FILE="$place/coverage" HYPOTHESIS_STORAGE_DIRECTORY="$place/hypothesis" PYTHONDONTWRITEBYTECODE=1
.venv/bin/python -m pytest -p no:cacheprovider --cov --cov-report=term "$@"
.venv/bin/python -m coverage report --include='domain/*,eventstore/*' --fail-under=95 >"$place/report" || { cat "$place/report"; exit 1; }
tail -n 1 "$place/report" | sed 's/^TOTAL.* /branch coverage of domain and eventstore: /'
