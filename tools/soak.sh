#!/bin/sh
# Every combination where `make test` tries a sample, and the largest inputs, on engines of their own in a folder that is
# thrown away.
set -eu
place=$(mktemp -d "$(sh tools/test_folder.sh)/thidua-soak-XXXXXX")
chmod 755 "$place"
trap 'rm -rf "$place"' EXIT
SOFFICE=$(sh tools/libreoffice.sh) || echo "NOT TRIED: no LibreOffice opens the downloads" >&2
export SOFFICE
export THIDUA_SOAK=1 THIDUA_TEST_FOLDER="$place" THIDUA_TEMPORAL=built
.venv/bin/python -m pytest -p no:cacheprovider tests/test_characters.py tests/test_freezing.py tests/test_supervisor.py \
  tests/test_faults.py tests/test_kills.py tests/test_post_kills.py tests/test_web_api.py tests/test_tampering.py \
  tests/test_golden.py tests/test_watching.py tests/test_web_closed.py tests/test_spreadsheets.py tests/test_score_workbook.py tests/test_second_reckoner.py tests/test_time_properties.py \
  tests/test_browser.py tests/test_export.py "$@"
