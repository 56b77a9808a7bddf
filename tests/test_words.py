"""Every code has its sentence, every sentence its Vietnamese; the catalogue is what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from error_help import coded_errors

from domain.notices import NOTICES_OF
from domain.rights import MAY, Party
from domain.rules import Duty
from domain.types import Event
from i18n.acts import ACTS_VI
from i18n.messages import SENTENCES
from i18n.problems import PROBLEMS
from i18n.sentences import DUTIES, NOTICES
from i18n.sorting import alphabetical, by_given_name
from i18n.timeline import SAID

ROOT = Path(__file__).parent.parent
SOURCES = [
    file
    for folder in (
        "accounts",
        "activities",
        "application",
        "audit",
        "cli",
        "domain",
        "ledger",
        "local",
        "projections",
        "vault",
        "web",
        "workflows",
    )
    for file in (ROOT / folder).rglob("*.py")
]
RAISED = {*(one.__name__ for one in coded_errors()), "sentence"}


def codes() -> set[str]:
    found = set()
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in RAISED
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return found


def test_every_code_has_a_sentence() -> None:
    found = codes()
    assert len(found) > 80
    assert found - set(SENTENCES) == set()


def test_every_problem_of_a_validator_has_words() -> None:
    found = {
        str(node.args[0].value)
        for file in SOURCES
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "invalid"
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(found) > 10
    assert found - set(PROBLEMS) == set()


def test_every_duty_notice_and_event_has_words() -> None:
    assert {duty.value for duty in Duty} == set(DUTIES)
    told = {
        notice
        for text in (ROOT / "domain" / "notices.py").read_text().splitlines()
        for notice in re.findall(r'(?:Notice|_award)\("(\w+)"|_all_members\("(\w+)"', text)
    }
    kinds = {one or other for one, other in told} | {"draft_reissued", "draft_presented"}
    assert kinds == set(NOTICES)
    assert NOTICES_OF
    own = {
        "InstallationFounded",
        "PostAdvanced",
        "NoticeSent",
        "NoticeFailed",
        "NoticeUnknown",
        "YearPlanIssued",
        "ClustersArranged",
        "OpeningOrdered",
        "EntryKeyNamed",
        "NoticeGathered",
        "DigestSent",
        "DigestFailed",
    }
    assert {name for name in Event.KNOWN if not name.startswith("Test")} - own == set(SAID)


def messages() -> set[str]:
    found: set[str] = set()
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    options = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}
    for folder in ("accounts", "application", "cli", "i18n", "web"):
        for _file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, method_map=methods, options_map=options, keywords={"_": None, "N_": None}
        ):
            found.update([message] if isinstance(message, str) else message)
    assert len(found) > 1_000
    # What `thidua acts` says of an act is its docstring.
    return found | {(act.__doc__ or "").strip().splitlines()[0] for act in MAY}


@pytest.fixture(scope="module")
def vietnamese() -> dict[str, str]:
    with (ROOT / "i18n" / "catalogues" / "vi.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in read_po(file, locale="vi") if m.id}


def test_every_text_is_translated(vietnamese: dict[str, str]) -> None:
    missing = messages() - set(vietnamese)
    assert missing == set()
    assert {m for m, text in vietnamese.items() if not text} == set()


def test_a_translation_has_the_blanks_of_its_source(vietnamese: dict[str, str]) -> None:
    for source, text in vietnamese.items():
        extra = set(re.findall(r"\{(\w+)\}", text)) - set(re.findall(r"\{(\w+)\}", source))
        assert extra == set(), (source, text)


def test_every_act_of_a_person_has_a_vietnamese_name() -> None:
    said = {act.NAME for act, parties in MAY.items() if parties != {Party.CLOCK}}
    assert set(ACTS_VI.values()) == said
    assert len(set(ACTS_VI.values())) == len(ACTS_VI), "one name for each"


def test_vietnamese_order() -> None:
    words = ["Tây Hồ", "Đống Đa", "Ba Đình", "Láng", "Ân", "An", "Ăn", "Dương", "Lang", "Ứng Hòa", "Từ Liêm"]
    wanted = ["An", "Ăn", "Ân", "Ba Đình", "Dương", "Đống Đa", "Lang", "Láng", "Tây Hồ", "Từ Liêm", "Ứng Hòa"]
    assert sorted(words, key=alphabetical) == wanted
    assert sorted(["Trần Thị Bình", "Nguyễn Văn An"], key=by_given_name) == ["Nguyễn Văn An", "Trần Thị Bình"]
