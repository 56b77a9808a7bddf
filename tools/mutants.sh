#!/bin/sh
# Mutation tests of the domain. The mutation tester has an environment of its own, from tools/mutants.lock.
set -eu
place=$(mktemp -d "${TMPDIR:-/var/tmp}/thidua-mutants-XXXXXX")
trap 'rm -rf "$place"' EXIT
if [ ! -x .venv/mutants/bin/python ]; then
    .venv/bin/python -m venv --without-pip .venv/mutants
fi
.venv/uv/bin/uv pip sync --quiet --python .venv/mutants/bin/python --require-hashes tools/mutants.lock
.venv/mutants/bin/python tools/mutants.py make "$place/mutants.json" --count "${COUNT:-400}" --seed "${SEED:-1}"
.venv/bin/python tools/mutants.py run "$place/mutants.json"
