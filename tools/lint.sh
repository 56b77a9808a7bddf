#!/bin/sh
# Style, types and import rules: what `make test` checks before it runs anything.
set -eu
bin=.venv/bin
cache=$("$bin/python" -c 'from local.paths import paths; print(paths().make().cache)')
"$bin/ruff" check --cache-dir "$cache/ruff" .
"$bin/ruff" format --cache-dir "$cache/ruff" --check --quiet . || { echo "run: .venv/bin/ruff format ."; exit 1; }
"$bin/mypy" --cache-dir "$cache/mypy"
"$bin/lint-imports" --cache-dir "$cache/imports" >"$cache/imports.log" 2>&1 || { cat "$cache/imports.log"; exit 1; }
tail -n 1 "$cache/imports.log" | sed 's/^/import rules: /'
"$bin/python" tools/check_names.py
