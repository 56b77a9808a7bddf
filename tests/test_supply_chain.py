"""The audit of dependencies: what could not be checked is no success, and says so."""

from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from resources import ROOT


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "tools")
    spec = spec_from_file_location("supply_chain", ROOT / "tools" / "supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECKED = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "version": "1", "skip_reason": "no index"}
FAULTY = {"name": "c", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}


@pytest.mark.parametrize(
    ("found", "old", "code", "words"),
    [
        ([CHECKED], [], 0, "1 packages checked, 0 known"),
        ([CHECKED, SKIPPED], [], 3, "NOT CHECKED for vulnerabilities: 1 packages"),
        ([], [], 3, "NOT CHECKED for vulnerabilities: all packages"),
        ([CHECKED], None, 3, "NOT CHECKED for abandoned packages"),
        ([FAULTY, SKIPPED], [], 1, "FAULT c 1: PYSEC-1 (mended in: 2)"),
        ([CHECKED], ["x 1: its newest release is older than 3 years"], 1, "FAULT x 1"),
    ],
)
def test_each_outcome_has_an_exit_code_and_words(
    audit: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: list[Any],
    old: list[str] | None,
    code: int,
    words: str,
) -> None:
    (tmp_path / "sbom").write_text(json.dumps({"components": []}))
    (tmp_path / "found").write_text(json.dumps({"dependencies": found}))
    monkeypatch.setattr(audit, "given_out", frozenset)  # both ask an index
    monkeypatch.setattr(audit, "abandoned", lambda _locked: old)
    assert audit.main(str(tmp_path / "sbom"), str(tmp_path / "found")) == code
    assert words in capsys.readouterr().out
