"""docs/adding-an-act.md is applied to a copy of the tree, and its act is used there from the form to the timeline."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from resources import ROOT

PAGE = ROOT / "docs" / "adding-an-act.md"
STEP = "domain/steps/targets.py"
CATALOGUE = "i18n/catalogues/vi.po"
LEFT_OUT = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", "histories")


class Block(NamedTuple):
    """A block of the page: its file, the lines that show the place, and these lines with the new ones."""

    file: str
    place: str
    text: str

    def apply(self, root: Path) -> None:
        file = root / self.file
        before = file.read_text() if file.exists() else ""
        if self.place:
            assert before.count(self.place) == 1, f"{self.file}: the place is not there once: {self.place!r}"
            file.write_text(before.replace(self.place, self.text))
        else:
            file.write_text(before + self.text)


def blocks() -> list[Block]:
    found = []
    for file, body in re.findall(r"^```diff (\S+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        lines = body.splitlines()
        assert all(line[:1] in {"+", " "} for line in lines), file
        place = [line[1:] for line in lines if line.startswith(" ")]
        # The last line of a place can be the beginning of a line of the file.
        found.append(Block(file, "\n".join(place), "\n".join(line[1:] for line in lines) + "\n" * (not place)))
    return found


def new_tree(folder: Path, without: Collection[str] = ()) -> Path:
    """A copy of the tree with the blocks of the page applied, but for those of some files."""
    copy = shutil.copytree(ROOT, folder / "tree", ignore=LEFT_OUT)
    for block in blocks():
        if block.file not in without:
            block.apply(copy)
    return copy


def compiled_beside(tree: Path) -> Path:
    """A folder whose code Python runs first: what it compiles goes beside the tree, for those who run there next.

    The environment has a place of its own for compiled files, which would keep them.
    """
    folder = tree.with_name(f"{tree.name}-compiled")
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.pycache_prefix = {str(folder)!r}\n")
    return folder


def run(tree: Path, *arguments: str, language: str = "vi") -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("THIDUA", "PYTHON", "COV"))},
        "PYTHONPATH": f"{compiled_beside(tree)}:{tree}:{tree / 'tests'}",
        "THIDUA_LANG": language,
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def compile_catalogue(tree: Path) -> None:
    # The place of compiled catalogues in the wheel comes before that of the environment.
    for file in (tree / "i18n" / "catalogues").glob("*.po"):
        target = tree / "i18n" / "locale" / file.stem / "LC_MESSAGES"
        target.mkdir(parents=True)
        done = run(tree, "-m", "babel.messages.frontend", "-q", "compile", "-i", str(file), "-o", f"{target}/thidua.mo")
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The copy with the act; tests do not change it."""
    copy = new_tree(tmp_path_factory.mktemp("act"))
    compile_catalogue(copy)
    done = run(copy, "tools/acts_doc.py")
    assert done.returncode == 0, done.stderr
    return copy


def test_what_is_touched_stands_on_the_page(tree: Path) -> None:
    changed = sorted(
        str(file.relative_to(tree))
        for file in tree.rglob("*")
        if file.is_file()
        and "locale" not in file.parts
        and (not (old := ROOT / file.relative_to(tree)).exists() or old.read_bytes() != file.read_bytes())
    )
    print(*changed, sep="\n")
    (listed,) = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert changed == listed.split()


def test_the_command_line_explains_the_act_in_vietnamese(tree: Path) -> None:
    for name in ("withdraw-registration", "rút đăng ký"):
        done = run(tree, "-m", "thidua", "acts", name)
        assert done.returncode == 0, done.stderr
        for text in ("withdraw-registration", "rút đăng ký", "Đơn vị rút bản đăng ký thi đua.", "unit*", "reason*"):
            assert text in done.stdout
        assert all(party in done.stdout for party in ("thư ký", "cụm trưởng", "chính đơn vị đó"))


def test_the_act_is_used_from_the_form_to_the_timeline(tree: Path) -> None:
    done = run(tree, "tests/new_act_checks.py")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("code").startswith(str(tree))
    assert found == {
        "form": [["Đơn vị", "unit", True], ["Lý do", "text", True]],
        "refusals": {"dong-da": None, "hoan-kiem": None, "ba-dinh": "not_yours", "mttq-hanoi": None},
        "binds": False,
        "offered": ["dong-da", "hoan-kiem", "ba-dinh"],
        "minutes": 1,
        "from_minutes": ["record-meeting", "withdraw-registration"],
        "api": [["reason", "unit"]],
        "api_request": True,
        "stored": ["RegistrationWithdrawn", 1, "cb-dong-da", "dong-da", "rehearsed"],
        "registrations": [],
        "told": {
            "vi": "dong-da rút bản đăng ký: Ghi nhầm.",
            "en": "dong-da takes its registration back: Ghi nhầm.",
        },
    }


def test_the_page_of_all_acts_has_it(tree: Path) -> None:
    text = (tree / "docs" / "vi" / "viec.md").read_text()
    (entry,) = re.findall(r"^### Rút đăng ký \(withdraw-registration\)\n(.*?)^##", text, re.MULTILINE | re.DOTALL)
    assert entry.split("\n") == [
        "",
        "Đơn vị rút bản đăng ký thi đua.",
        "",
        "- Ai nhập: thư ký; cụm trưởng; cụm phó; đơn vị, với việc của chính mình.",
        "- Khi nào: từ khi mở năm đến khi lưu hồ sơ năm. Ghi được trong biên bản hội nghị.",
        "- Sổ ghi: “*Đơn vị* rút bản đăng ký: *lý do*”",
        "",
        "",
    ]


TRANSLATED = "tests/test_words.py::test_every_text_is_translated"
STORED_KEYS = "tests/test_record.py::test_no_event_is_stored_under_other_keys"


def test_the_tests_of_the_copy_pass(tree: Path) -> None:
    done = pytest_in(tree, "tests/test_withdrawn_registration.py", STORED_KEYS)
    assert done.returncode == 0, done.stdout + done.stderr


def pytest_in(copy: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    return run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", *tests)


# What is missing is named -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "instead", "named"),
    [
        (
            '    label=NC_("act", "withdraw registration"),\n',
            "",
            "WithdrawRegistration: the keyword `label` is",
        ),
        ('takes its registration back: {reason}"', 'takes it back: {why}"', "RegistrationWithdrawn: sentence="),
        ("Iterator[RegistrationWithdrawn]", "Iterator[Event]", "withdraw_registration: the return type names no event"),
        ("        WithdrawRegistration: withdraw_registration,\n", "", "no step decides WithdrawRegistration"),
        ("        RegistrationWithdrawn: _withdrawn,\n", "", "no step evolves from RegistrationWithdrawn"),
    ],
    ids=["keyword", "sentence", "events", "decision", "evolution"],
)
def test_import_names_what_is_missing(tree: Path, tmp_path: Path, line: str, instead: str, named: str) -> None:
    spoilt = tmp_path / "domain"
    shutil.copytree(tree / "domain", spoilt)
    shutil.copy(tree / "errors.py", tmp_path)
    file = tmp_path / STEP
    text = file.read_text()
    assert text.count(line) == 1
    file.write_text(text.replace(line, instead))
    done = run(tmp_path, "-c", "import domain.cycle")
    assert done.returncode == 1
    assert named in done.stderr.splitlines()[-1]


def test_tests_name_the_missing_translation_and_the_missing_keys(tmp_path: Path) -> None:
    copy = new_tree(tmp_path, {CATALOGUE, "tests/data/event-fields.json"})
    done = pytest_in(copy, TRANSLATED, STORED_KEYS)
    assert done.returncode == 1, done.stdout + done.stderr
    for failed, named in ((TRANSLATED, "withdraw registration"), (STORED_KEYS, "RegistrationWithdrawn")):
        assert f"FAILED {failed}" in done.stdout
        assert named in done.stdout
