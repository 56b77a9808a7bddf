"""The guards of the code itself can fail: each is shown a mistake of the kind that it is there for."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from browser_help import ROOT

from domain.records import Command, Event

LEFT_OUT = shutil.ignore_patterns(".venv", ".git", "__pycache__", "tests", "histories", "docs")
BIN = Path(sys.executable).parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code, to be spoilt."""
    return shutil.copytree(ROOT, tmp_path / "code", ignore=LEFT_OUT)


def imports_kept(code: Path) -> bool:
    done = subprocess.run(
        [str(BIN / "lint-imports"), "--no-cache"],
        cwd=code,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "kept" in done.stdout.lower(), done.stdout + done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("domain/dates.py", "import temporalio"),
        ("projections/stream_states.py", "from cli.outcome import say"),
        ("audit/replay.py", "from workflows.post import Post"),
        ("application/csv_escaping.py", "import asyncpg"),
        ("ledger/postgres.py", "import asyncpg"),
        ("accounts/drafts.py", "import asyncpg"),
        ("web/cookies.py", "import temporalio"),
        ("ledger/signing.py", "from domain.types import Command"),
        ("domain/rules.py", "def f() -> None:\n    import domain.steps.midyear"),
        ("domain/dates.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import domain.commands"),
    ],
)
def test_an_import_that_crosses_a_border_is_found(copy: Path, file: str, line: str) -> None:
    spoilt = copy / file
    spoilt.write_text(spoilt.read_text() + f"\n{line}\n")
    assert not imports_kept(copy)


def test_the_code_as_it_is_crosses_none(copy: Path) -> None:
    assert imports_kept(copy)


@pytest.mark.parametrize(
    "text",
    ["import os\n", "def f(x):\n    return x\n", 'import subprocess\n\nsubprocess.run("ls", shell=True)\n'],
    ids=["unused", "untyped", "shell"],
)
def test_style_is_held_to(copy: Path, text: str) -> None:
    (copy / "domain" / "moi.py").write_text(text)
    done = subprocess.run(
        [str(BIN / "ruff"), "check", "--no-cache", "domain/moi.py"], cwd=copy, capture_output=True, check=False
    )
    assert done.returncode == 1


def test_types_are_held_to(copy: Path) -> None:
    (copy / "domain" / "moi.py").write_text('"""M."""\n\n\ndef f(x: int) -> str:\n    """F."""\n    return x\n')
    done = subprocess.run(
        [str(BIN / "mypy"), "--cache-dir", str(copy / ".mypy"), "domain/moi.py"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Incompatible return value" in done.stdout) == (1, True), done.stdout


def borrowed(file: Path) -> list[str]:
    """What a step imports of other steps and is neither a command nor an event of theirs."""
    found = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    return [
        f"{file.name}: {node.module}.{alias.name}"
        for node in found
        if (node.module or "").startswith("domain.steps") or node.module == "domain.scoring.scores"
        for alias in node.names
        if not issubclass(getattr(import_module(node.module), alias.name), (Command, Event))
    ]


def test_a_step_takes_nothing_from_another_step_but_commands_and_events(tmp_path: Path) -> None:
    steps = [*(ROOT / "domain" / "steps").glob("*.py"), ROOT / "domain" / "scoring" / "scores.py"]
    assert len(steps) > 20
    assert [line for file in steps for line in borrowed(file)] == []
    spoilt = tmp_path / "awards.py"
    spoilt.write_text("from domain.steps.conclusion import Conclusion, Nominate")
    assert borrowed(spoilt) == ["awards.py: domain.steps.conclusion.Conclusion"]


def names_kept(code: Path) -> subprocess.CompletedProcess[str]:
    """Run the check of names and arrows on a copy, which becomes a repository of its own."""
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["/usr/bin/env", "git", *command], cwd=code, check=True, capture_output=True)
    return subprocess.run(
        [sys.executable, "tools/check_names.py"], cwd=code, capture_output=True, text=True, check=False
    )


def test_names_and_arrows_are_as_they_should_be(copy: Path) -> None:
    done = names_kept(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "lines", "found"),
    [
        ("domain/dates.py", "belongings = 1", "private identifier belongings"),
        ("domain/dates.py", "def f(told_of: int) -> None: ...", "private identifier told_of"),
        ("web/retelling.py", "", "module called retelling"),
        ("audit/replay.py", "class Command: ...", "class Command stands at"),
        ("ledger/signing.py", "def f() -> None:\n    import application.fields", "which stands above it"),
        (
            "domain/types.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from domain import cycle",
            "circle",
        ),
        ("unknown_layer.py", "", "stands in no layer"),
    ],
)
def test_a_name_or_an_arrow_that_should_not_be_is_found(copy: Path, file: str, lines: str, found: str) -> None:
    spoilt = copy / file
    spoilt.write_text((spoilt.read_text() if spoilt.exists() else "") + f"\n{lines}\n")
    done = names_kept(copy)
    assert done.returncode == 1
    assert found in done.stdout
