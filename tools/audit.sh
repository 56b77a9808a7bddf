#!/bin/sh
# Vulnerabilities, licences, abandoned packages, and the SBOM. What audits has an environment of its own, from
# tools/audit.lock, which `uv pip compile` makes of cyclonedx-bom and pip-audit as `make lock` makes ours.
# It ends with 0, 1 or 3, as tools/supply_chain.py says; `make audit` names the code and ends with 2 for both.
set -eu
place=$(mktemp -d "${TMPDIR:-/var/tmp}/thidua-audit-XXXXXX")
trap 'rm -rf "$place"' EXIT
if [ ! -x .venv/audit/bin/python ]; then
    .venv/bin/python -m venv --without-pip .venv/audit
fi
.venv/uv/bin/uv pip sync --quiet --python .venv/audit/bin/python --require-hashes tools/audit.lock
logs=$(.venv/bin/python -c 'from local.paths import paths; print(paths().make().logs)')
.venv/audit/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
    --output-format JSON --output-file "$logs/sbom.json" .venv/bin/python
echo "SBOM (CycloneDX): $logs/sbom.json"
# Vulnerabilities make it end with 1: they are told below, with the rest.
.venv/audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --progress-spinner off \
    --format json >"$place/vulnerabilities.json" 2>"$place/told" || true
if [ ! -s "$place/vulnerabilities.json" ]; then
    echo "pip-audit ended without a result:" >&2
    tail -n 3 "$place/told" >&2
    echo '{"dependencies": []}' >"$place/vulnerabilities.json"
fi
.venv/bin/python tools/supply_chain.py "$logs/sbom.json" "$place/vulnerabilities.json"
