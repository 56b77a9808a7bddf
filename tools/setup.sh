#!/bin/sh
# Makes the virtual environment: the only thing the project writes into its own checkout.
# Packages are exactly those of requirements.lock, checked by their hashes; uv installs them (its own hash stands below).
set -eu

say() { printf '%s\n' "$*"; }

"$PYTHON" - <<'PY' || { say "Sổ Thi Đua needs Python 3.11 or newer; set PYTHON=/path/to/python3 (found: $("$PYTHON" --version 2>&1))"; exit 2; }
import sys
sys.exit(sys.version_info < (3, 11))
PY

started=$(date +%s)
if [ ! -x "$VENV/bin/python" ]; then
    say "[1/3] virtual environment in $VENV"
    "$PYTHON" -m venv --without-pip "$VENV"
fi
if [ ! -x "$VENV/uv/bin/uv" ]; then
    "$PYTHON" -m venv "$VENV/uv"
    "$VENV/uv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement tools/uv.hashes
fi
say "[2/3] packages of requirements.lock (about a minute the first time)"
"$VENV/uv/bin/uv" pip sync --quiet --python "$VENV/bin/python" --require-hashes requirements.lock
"$VENV/uv/bin/uv" pip install --quiet --python "$VENV/bin/python" --no-deps --no-build-isolation --editable .
# Compiled files go into the environment, too: nothing else of the checkout is written to.
packages=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo 'import sys; sys.pycache_prefix = sys.prefix + "/share/pycache"' > "$packages/thidua-pycache.pth"
say "[3/3] message catalogues and templates"
for po in i18n/catalogues/*.po; do
    name=$(basename "$po" .po)
    target="$VENV/share/locale/$name/LC_MESSAGES"
    mkdir -p "$target"
    "$VENV/bin/pybabel" --quiet compile --input-file "$po" --output-file "$target/thidua.mo" --locale "$name"
done
mkdir -p "$VENV/share/templates"
"$VENV/bin/python" -c 'from web.render import load_templates; load_templates()'
say "ready after $(( $(date +%s) - started )) s"
