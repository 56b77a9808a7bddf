"""Every code has its sentence, every sentence its Vietnamese; the catalogue is what the code says."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from error_help import coded_errors

import domain
from domain.access import Matter, Reader
from domain.cycle import ENTERED_BY_PERSONS
from domain.duties import Duty
from domain.joint_acts import JointAct
from domain.records import Event
from domain.rules import AwardRule, Inherited, RoundRule
from domain.scoring.classes import ClassCondition, ScoreClass
from domain.scoring.criteria import Scoring
from domain.scoring.methods import RoundingMode, Stepped
from domain.titles import TitleKind
from i18n import KEYWORDS, in_language
from i18n.acts import FORMER_NAMES_VI, readable_names, stored_names
from i18n.messages import SENTENCES, counted, days_left, sentence, word
from i18n.problems import PROBLEMS
from i18n.sorting import alphabetical, by_given_name, natural_key
from i18n.words import COUNTS, DUTIES, WORDS, kind_of

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


def test_every_duty_and_event_has_words() -> None:
    assert {duty.value for duty in Duty} == set(DUTIES)
    assert [name for name, event in Event.KNOWN.items() if not event.SENTENCE] == []


Key = tuple[str | None, tuple[str, ...]]
"""A message of a catalogue: its context, and the English text or the texts for one and for many."""


def messages() -> set[Key]:
    found: set[Key] = set()
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    options = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true"}}
    for folder in ("accounts", "activities", "application", "cli", "domain", "i18n", "local", "web"):
        for _file, _line, message, _comments, context in extract_from_dir(
            ROOT / folder, method_map=methods, options_map=options, keywords=KEYWORDS
        ):
            found.add((context, (message,) if isinstance(message, str) else tuple(message)))
    assert len(found) > 1_000
    assert len({texts for _context, texts in found if len(texts) == 2}) > 40
    return found


@pytest.fixture(scope="module")
def vietnamese() -> dict[Key, str]:
    found: dict[Key, str] = {}
    with (ROOT / "i18n" / "catalogues" / "vi.po").open("rb") as file:
        for m in read_po(file, locale="vi"):
            if m.id:
                (text,) = m.string if isinstance(m.string, (tuple, list)) else (m.string,)
                found[m.context, (m.id,) if isinstance(m.id, str) else tuple(m.id)] = text
    return found


def test_every_text_is_translated(vietnamese: dict[Key, str]) -> None:
    missing = messages() - set(vietnamese)
    assert missing == set()
    assert {m for m, text in vietnamese.items() if not text} == set()


def test_a_translation_has_the_blanks_of_its_source(vietnamese: dict[Key, str]) -> None:
    for (_context, sources), text in vietnamese.items():
        extra = set(re.findall(r"\{(\w+)\}", text)) - set(re.findall(r"\{(\w+)\}", sources[-1]))
        assert extra == set(), (sources, text)


# Numbers ------------------------------------------------------------------------------------------------------


def test_a_number_has_its_form_in_english_and_one_form_in_vietnamese() -> None:
    with in_language("en"):
        assert [days_left(-n, over=True) for n in (1, 2)] == ["1 day late", "2 days late"]
        assert days_left(2, over=False) == "2 days left"
        assert [counted("unit", n) for n in (0, 1, 2)] == ["0 units", "1 unit", "2 units"]
    with in_language("vi"):
        assert [days_left(-n, over=True) for n in (1, 2)] == ["quá hạn 1 ngày", "quá hạn 2 ngày"]
        assert [counted("unit", n) for n in (0, 1, 2)] == ["0 đơn vị", "1 đơn vị", "2 đơn vị"]


@pytest.mark.parametrize(
    ("code", "facts", "text"),
    [
        ("criteria_missing", {"count": 1, "criteria": "1.2"}, "The sheet lacks 1 criterion: 1.2."),
        ("criteria_missing", {"count": 2, "criteria": "1.2, 3"}, "The sheet lacks 2 criteria: 1.2, 3."),
        ("points_out_of_range", {"criterion": "1", "points": "1.0", "max": 0}, "1: 1.0 point, but it takes 0 to 0."),
        ("points_out_of_range", {"criterion": "1", "points": "1.5", "max": 1}, "1: 1.5 points, but it takes 0 to 1."),
        (
            "file_field",
            {"place": "x", "problem": "string_too_short", "given": {"min_length": 1}, "found": "''"},
            "`x`: at least 1 character is expected (found '').",
        ),
    ],
)
def test_a_sentence_goes_by_its_number(code: str, facts: dict[str, Any], text: str) -> None:
    with in_language("en"):
        assert sentence(code, facts) == text


# Words --------------------------------------------------------------------------------------------------------

NOT_SHOWN = (
    Matter,
    Reader,
    Inherited,
    JointAct,
    RoundingMode,
    TitleKind,
    *(
        model.model_fields[field].annotation
        for model, field in (
            (AwardRule, "share_rounding"),
            (RoundRule, "by"),
            (ClassCondition, "otherwise"),
            (ScoreClass, "share_of"),
            (Scoring, "classes_of"),
            (Stepped, "of"),
        )
    ),
)
"""Types whose values stand in the code of rights and of titles and in the files of editions only: none is printed."""

SHARED = {
    "auditor": {"account": ("người kiểm tra", "auditor")},
    "bylaws": {"draft": ("quy chế", "operating regulations"), "paper": ("quy chế", "operating regulations")},
    "covenant": {"draft": ("giao ước", "covenant"), "covenant": ("giao ước", "covenant")},
    "criteria": {"draft": ("tiêu chí", "criteria"), "paper": ("tiêu chí", "criteria")},
    "deputy": {"role": ("cụm phó", "deputy head unit"), "party": ("cụm phó", "deputy head unit")},
    "head": {"role": ("cụm trưởng", "head unit"), "party": ("cụm trưởng", "head unit")},
    "in-person": {"channel": ("gặp trực tiếp", "in person"), "meeting_form": ("trực tiếp", "in person")},
    "midyear-report": {"duty": ("nộp báo cáo sơ kết", "hand in the mid-year report")},
    "none": {"no_class": ("không xếp loại", "no class")},
    "other": {"meeting": ("hội nghị", "meeting"), "paper": ("khác", "other")},
    "overseer": {"party": ("lãnh đạo phụ trách cụm", "overseer")},
    "own": {"party": ("chính đơn vị đó", "the unit itself")},
    "plan": {"draft": ("kế hoạch", "plan"), "paper": ("kế hoạch", "plan")},
    "secretariat": {
        "account": ("thư ký thành phố", "city secretariat"),
        "party": ("thư ký", "secretariat"),
    },
    "signature": {"duty": ("ký giao ước", "sign the covenant")},
    "term-covenant": {
        "draft": ("giao ước theo giai đoạn", "covenant for a term"),
        "covenant": ("giao ước theo giai đoạn", "covenant for a term"),
    },
    "unknown": {
        "amount": ("chưa rõ", "unknown"),
        "holder": ("chưa rõ", "unknown"),
        "manner": ("chưa nêu cách chọn", "how is not told"),
    },
    "self-score": {"duty": ("tự chấm điểm", "score itself")},
}
"""Every value that more than one type of the domain has, with its word by kind: Vietnamese, English."""


def closed_types(annotation: Any) -> Iterator[Any]:
    """The enums and literals in an annotation."""
    if get_origin(annotation) is Literal or (inspect.isclass(annotation) and issubclass(annotation, StrEnum)):
        yield annotation
    for part in () if get_origin(annotation) is Literal else get_args(annotation):
        yield from closed_types(part)


def types_of_the_domain() -> set[Any]:
    found: set[Any] = set()
    for info in pkgutil.walk_packages(domain.__path__, "domain."):
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            found.update(closed_types(value))
            for field in getattr(value, "model_fields", {}).values() if inspect.isclass(value) else ():
                found.update(closed_types(field.annotation))
    return found


def values_of(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else tuple(member.value for member in kind)


def test_a_value_of_two_types_has_its_own_word_in_each() -> None:
    by_value: dict[str, set[Any]] = {}
    for one in types_of_the_domain():
        for value in values_of(one):
            by_value.setdefault(value, set()).add(one)
    shared: dict[str, dict[str, tuple[str, ...]]] = {}
    for value, types in by_value.items():
        if len(types) < 2:
            continue
        for one in types:
            kind = kind_of(one)
            assert (kind is None) == (one in NOT_SHOWN), one
            if kind is not None:
                assert value in WORDS[kind].words, (kind, value)
                words = []
                for language in ("vi", "en"):
                    with in_language(language):
                        words.append(word(kind, value))
                shared.setdefault(value, {})[kind] = tuple(words)
    assert shared == SHARED


def test_equal_english_words_of_two_kinds_have_contexts() -> None:
    same_thing = ({"covenant", "draft"}, {"party", "role", "vote_subject"}, {"key_kind", "key_role"})
    found: dict[str, set[str]] = {}
    for kind, table in WORDS.items():
        for text in table.words.values():
            found.setdefault(text, set()).add(kind)
    assert {text: kinds for text, kinds in found.items() if len(kinds) > 1 and kinds not in same_thing} == {}


def test_every_value_of_a_kind_has_a_word() -> None:
    without = {"day_off": {"stays"}}  # nothing is said of a deadline that does not move
    for kind, table in WORDS.items():
        if table.type is not None:
            assert set(values_of(table.type)) - set(table.words) == without.get(kind, set()), kind


def test_pages_and_commands_name_kinds_that_exist() -> None:
    sources = [*SOURCES, *(ROOT / "i18n").glob("*.py"), *(ROOT / "web" / "templates").glob("*.html")]
    texts = [file.read_text() for file in sources]
    assert {kind for text in texts for kind in re.findall(r"""\bword\(["'](\w+)""", text)} <= set(WORDS)
    assert {what for text in texts for what in re.findall(r"""\bcounted\(["'](\w+)""", text)} == set(COUNTS)


def test_every_act_of_a_person_has_a_vietnamese_name() -> None:
    assert set(stored_names().values()) == {act.NAME for act in ENTERED_BY_PERSONS}
    assert len(stored_names()) == len(ENTERED_BY_PERSONS), "one name for each"
    assert not set(stored_names()) & {act.LABEL.replace("-", " ") for act in ENTERED_BY_PERSONS}, "all are translated"


def test_vietnamese_names_of_acts_stay_valid_in_files() -> None:
    """Recording files hold them: a reworded label would make files that people have kept unreadable."""
    known: dict[str, str] = json.loads((ROOT / "tests/data/act-names-vi.json").read_text())
    assert {name: readable_names().get(name) for name in known} == known
    assert not set(FORMER_NAMES_VI) & set(stored_names()), "a former name is no other act's"


def test_vietnamese_order() -> None:
    words = ["Tây Hồ", "Đống Đa", "Ba Đình", "Láng", "Ân", "An", "Ăn", "Dương", "Lang", "Ứng Hòa", "Từ Liêm"]
    wanted = ["An", "Ăn", "Ân", "Ba Đình", "Dương", "Đống Đa", "Lang", "Láng", "Tây Hồ", "Từ Liêm", "Ứng Hòa"]
    assert sorted(words, key=alphabetical) == wanted
    numbered = ["Phường 10", "Phường 2", "Phường 1A", "Phường 1", "Phường", "Phường 02", "Phường 123456789012", "Phú"]
    in_order = ["Phú", "Phường", "Phường 1", "Phường 1A", "Phường 2", "Phường 02", "Phường 10", "Phường 123456789012"]
    assert sorted(numbered, key=alphabetical) == in_order
    assert sorted(numbered, key=lambda one: natural_key(one).encode()) == in_order
    assert sorted(["Trần Thị Bình", "Nguyễn Văn An"], key=by_given_name) == ["Nguyễn Văn An", "Trần Thị Bình"]
