"""What `make audit` makes of what its tools find, and that every dependency has its reason."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tools"))

import supply_chain as tool  # noqa: E402 - a script, not a module of the program


def component(name: str, *licences: str) -> dict[str, Any]:
    named = [{"license": {"name": one}} if "::" in one else {"expression": one} for one in licences]
    return {"name": name, "licenses": named}


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("AGPL-3.0-only", False),
        ("AGPL-3.0-only OR MIT", True),
        ("MIT AND PSF-2.0", True),
        ("MIT AND AGPL-3.0-only", False),
        ("(MIT OR GPL-3.0-only) AND ISC", True),
    ],
)
def test_a_licence_is_allowed_by_what_one_may_choose(expression: str, allowed: bool) -> None:
    assert tool.allows(expression, tool.ALLOWED) is allowed


def test_an_unknown_licence_and_one_that_is_not_allowed_are_faults() -> None:
    users = frozenset({"given", "strange", "silent", "lesser"})
    found = tool.licence_faults(
        [
            component("Given", "License :: OSI Approved :: MIT License"),
            component("strange", "AGPL-3.0-only"),
            component("silent"),
            component("lesser", "LGPL-3.0-only"),
            component("tests-only", "LGPL-3.0-only"),
        ],
        users,
    )
    assert [line.split(":")[0] for line in found] == ["strange", "silent", "lesser"]


def test_what_no_index_answered_is_not_called_checked() -> None:
    found = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]},
            {"name": "c", "skip_reason": "not found"},
        ]
    }
    lines, checked, skipped = tool.vulnerabilities(found)
    assert (lines, checked, skipped) == (["b 2: CVE-1 (mended in: 3)"], 2, 1)


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.split(r"[\[<>=]", one)[0] for one in wanted} - {"thidua"}
    text = (ROOT / "docs" / "dependencies.md").read_text()
    assert {name for name in names if not re.search(rf"\b{re.escape(name)}\b", text)} == set()
    assert set(tool.locked()) >= {tool.normal(name) for name in names}
