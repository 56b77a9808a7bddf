"""No text that a user reads holds one of the program's own names: the collector, the catalogue, commands."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import shown_texts
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from engine_help import CITY, open_cycle, submit, units
from pydantic import BaseModel
from shown_texts import COLLECTED, collect, collect_mail, collecting, found_in, of_calendar, of_page, report
from speech import RULES

from application.recording.file import RecordFile
from application.year_file import YearFile
from cli import acting, auditing, showing
from cli.session import Session
from domain.city_year import ClusterPlan, ClustersArranged, OpeningOrdered, YearPlanIssued
from domain.cycle import ENTERED_BY_PERSONS
from domain.deviations import CODES_OF_KEYS
from domain.records import Event, EventEnvelope, Meta
from domain.rules import Edition
from domain.times import When, start_of
from domain.types import Document, Provenance
from domain.units import Unit
from errors import InputError
from i18n import KEYWORDS, in_language
from i18n.fields import FIELDS, place_in_words
from i18n.messages import sentence
from i18n.timeline import describe
from i18n.values import deviation_title
from i18n.words import WORDS

ROOT = Path(__file__).parent.parent


# The collector ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Khen thưởng: co-thi-dua.", "co-thi-dua"),
        ("Vị trí 4, CovenantSigned", "CovenantSigned"),
        ("late_act: Điều 4", "late_act"),
        ("clusters.1.units.3.name: cần điền", "clusters.1.units.3.name"),
        ("Bạn không có quyền làm việc này (extend).", "extend"),
        ("Cụm trưởng: vacant", "vacant"),
        ("chờ: phuong-moi", "phuong-moi"),
    ],
)
def test_the_collector_finds_a_key_among_vietnamese_words(text: str, key: str) -> None:
    assert [found for found, _beside in found_in(text, "page", "vi")] == [key]


@pytest.mark.parametrize(
    "text",
    [
        "Cụm thi đua số 1, 2026 (Ủy ban MTTQ thành phố Hà Nội): ký giao ước",
        "37/KH-MTTQ-BTT, Điều 4, 9,5 điểm",
        "https://thidua.example.vn/cum/mttq-hanoi/2026/cum-1 và an@phuong.gov.vn, bang-diem.xlsx",
        "— thidua 8mFa3juZL/kqHc08gBoXNGnd/2U8EtLu8d/hYKIYoMRe+OpkOncws=",
    ],
)
def test_the_collector_finds_none_in_words_addresses_numbers_and_signatures(text: str) -> None:
    assert found_in(text, "page", "vi") == ()


def test_english_shares_short_words_with_keys_and_no_compound_ones() -> None:
    found = found_in("The unit signs; late_act and nv-2 stand here, its mid-year report not.", "page", "en")
    assert [key for key, _beside in found] == ["late_act", "nv-2"]


def test_what_is_typed_at_the_command_line_may_be_shown_there_only() -> None:
    assert found_in("xem danh sách bằng `thidua acts`; thêm --unit", "terminal", "vi") == ()
    assert found_in("xem danh sách ở `units`", "page", "vi") != ()


def test_of_a_page_what_is_read_is_read() -> None:
    page = (
        "<html lang='vi'><title>Việc</title><a href='/lam/sign' aria-label='ký: late_act'>Ký</a><code>cua-nam</code>"
        "<option value='vacant'>khuyết</option><script>units</script><p>co-<b>thi-dua</b></p></html>"
    )
    assert of_page(page.replace("'", '"')) == ["Việc", "Ký", "khuyết", "co-thi-dua", "ký: late_act"]


async def test_pages_feeds_downloads_and_mails_are_collected() -> None:
    feed = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:chấm chéo: don-vi-2\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        kind, body = scope["answer"]
        await send({"type": "http.response.start", "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": body.encode()})

    async def ignore(_message: Any) -> None:
        return None

    for kind, body in (
        ("text/html; charset=utf-8", "<html lang='vi'><p>late_act</p></html>"),
        ("text/calendar", feed),
        ("text/csv; charset=utf-8", "\ufeffcụm;how_sure\r\n1;2\r\n"),
        ("application/json", '{"code": "x", "text": "extend: sai", "place": null}'),
        ("application/pdf", "late_act"),
    ):
        await collecting(app)({"type": "http", "path": "/", "answer": (kind, body)}, None, ignore)
    mail = EmailMessage()
    mail["Subject"] = "Cụm 1: nv-1"
    mail.set_content("Hãy làm.")
    collect_mail(mail)
    kept = list(COLLECTED)
    COLLECTED.clear()  # they are shown on purpose
    assert {(one.surface, one.key) for one in report(kept)} == {
        ("page", "late_act"),
        ("calendar", "don-vi-2"),
        ("download", "how_sure"),
        ("interface", "extend"),
        ("mail", "nv-1"),
    }
    assert of_calendar(feed) == ["chấm chéo: don-vi-2"]


@pytest.mark.xfail(strict=True, reason="the check itself: a test that shows a key fails")
def test_a_test_that_shows_a_key_fails() -> None:
    collect("page", "/", "Khen thưởng: co-thi-dua")
    assert COLLECTED


# The catalogue ------------------------------------------------------------------------------------------------

TYPED_IN = ("application/judgement.py", "cli/", "i18n/problems.py", "i18n/sentences.py", "i18n/page_texts.py")
"""Whose texts are shown on the command line, too, where words in backquotes are typed as they stand."""


def test_no_text_of_the_catalogue_holds_a_key() -> None:
    typed: set[str] = set()
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    for folder in ("accounts", "activities", "application", "cli", "domain", "i18n", "local", "web"):
        for file, _line, message, _comments, _context in extract_from_dir(
            ROOT / folder, method_map=methods, keywords=KEYWORDS
        ):
            if f"{folder}/{file}".startswith(TYPED_IN):
                typed.update([message] if isinstance(message, str) else message)
    found = []
    with (ROOT / "i18n/catalogues/vi.po").open("rb") as file:
        for one in read_po(file, locale="vi"):
            if not one.id:
                continue
            english = [one.id] if isinstance(one.id, str) else list(one.id)
            vietnamese = [one.string] if isinstance(one.string, str) else list(one.string)
            surface = "terminal" if set(english) & typed else "page"
            for tongue, texts in (("en", english), ("vi", vietnamese)):
                # The name of a fact stands for its words.
                plain = [shown_texts.FACT.sub("…", text) for text in texts]
                found += [(tongue, key, text) for text in plain for key, _b in found_in(text, surface, tongue)]
    assert found == []


# Places and deviations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "vi", "en"),
    [
        ("clusters.1.units.3.name", "cụm 2, đơn vị 4, tên", "cluster 2, unit 4, name"),
        ("until", "đến ngày", "until"),
        ("meetings.0.on", "hội nghị 1, ngày xảy ra", "meeting 1, when it happened"),
        ("on", "về dự thảo nào", "on which draft"),
        ("notes.2", "ghi chú, mục 3", "notes, entry 3"),
        ("instead", "nội dung đúng", "what should have been entered"),
        ("sorce", "`sorce`", "`sorce`"),
        ("Năm", "Năm", "Năm"),
        ("year.yaml", "year.yaml", "year.yaml"),
        ("/data/year.yaml:3", "/data/year.yaml:3", "/data/year.yaml:3"),
    ],
)
def test_a_place_is_said_by_labels(path: str, vi: str, en: str) -> None:
    with in_language("vi"):
        assert place_in_words(path) == vi
    with in_language("en"):
        assert place_in_words(path) == en


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def fields_of(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    if model not in seen:
        seen.add(model)
        for name, field in model.model_fields.items():
            yield name
            for inner in models_in(field.annotation):
                yield from fields_of(inner, seen)


def test_every_field_that_a_person_fills_in_has_a_label() -> None:
    seen: set[type[BaseModel]] = set()
    wanted = {name for model in (*ENTERED_BY_PERSONS, RecordFile, YearFile) for name in fields_of(model, seen)}
    assert len(wanted) > 100
    assert wanted - set(FIELDS) == {"stated"} - set(FIELDS)


def test_every_deviation_is_called_by_its_key_too() -> None:
    """A stored acknowledgement has the key only, so the key must lead to the words."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse((ROOT / "domain/deviations.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Deviation":
            key, code = node.args[0], node.args[1]
            text = (
                ast.unparse(key).removeprefix("f").strip("'\"")
                if not isinstance(key, ast.Name)
                else _assigned(key.id, code)
            )
            assert isinstance(code, ast.Constant)
            found.setdefault(re.split("[/{]", text)[0], set()).add(str(code.value))
    assert found == {key: set(codes) for key, codes in CODES_OF_KEYS.items()}
    many = {key for key, codes in CODES_OF_KEYS.items() if len(codes) > 1}
    assert many == set(WORDS["deviation_key"].words)


def _assigned(_name: str, code: ast.expr) -> str:
    """The key that stands in a variable, by the code: two places build theirs before."""
    return "class" if isinstance(code, ast.Constant) and str(code.value).startswith("class_") else "stance-unpresented"


def test_an_acknowledged_deviation_is_called_by_its_name_its_unit_and_its_duty() -> None:
    with in_language("vi"):
        assert deviation_title("late/midyear-report/cua-nam/None", {"cua-nam": "Cửa Nam"}) == (
            "làm sau thời hạn (nộp báo cáo sơ kết, Cửa Nam)"
        )


def test_the_events_of_a_year_are_sentences() -> None:
    meta = Meta(1, "an", CITY, When.at(start_of(date(2026, 1, 5))), Provenance(kind="stated"), uuid4())
    plan = ClusterPlan(id="cum-1", name="Cụm thi đua số 1", units=(Unit(id="cua-nam", name="Cửa Nam"),))
    told = [
        describe(EventEnvelope[Event](event, meta), {CITY: "Thành phố"}, {})
        for event in (
            YearPlanIssued(
                organiser=CITY, organiser_name="Thành phố", year=2026, plan=Document(number="37/KH"), edition="0" * 64
            ),
            ClustersArranged(clusters=(plan,)),
            OpeningOrdered(clusters=("cum-1",)),
        )
    ]
    assert told[0] == "Ban hành kế hoạch năm 2026: 37/KH."
    assert told[1] == "Các cụm thi đua trong năm: Cụm thi đua số 1 (Cửa Nam)."
    assert [found_in(text, "page", "vi") for text in told] == [(), (), ()]


# The command line ---------------------------------------------------------------------------------------------


@pytest.fixture
def at_the_terminal(app: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The installation that commands of this process open."""

    @asynccontextmanager
    async def opened(*_need: object, **_options: object) -> AsyncIterator[Session]:
        yield app

    for module in (acting, auditing, showing):
        monkeypatch.setattr(module, "session", opened)
    monkeypatch.setenv("COLUMNS", "400")
    return app


async def test_commands_answer_in_words(at_the_terminal: Session, capsys: pytest.CaptureFixture[str]) -> None:
    app, (first, second) = at_the_terminal, units(2)
    stream = await open_cycle(app, RULES, members=[first, second])
    cycle = stream.removeprefix(f"{CITY}/")
    await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Dự thảo"}})
    await submit(app, stream, first, "take-stance", {"unit": first, "stance": "agreed"})
    await app.people.enter("thu-ky", CITY, "Trần Thị Thư", email="thu@example.invalid")
    for command in (
        lambda: showing.board(None, as_json=False),
        lambda: showing.tasks(first, as_json=False),
        lambda: showing.inbox(second, as_json=False),
        lambda: auditing.timeline(cycle, as_json=False),
        lambda: auditing.replay_(cycle, at=None, version=None, known_on=None, as_json=False),
        lambda: auditing.verify_((), None, 1, as_json=False),
        lambda: acting.act(
            cycle, "extend", {"duty": "stance", "until": "2026-12-31", "reason": "Mưa lũ"}, "thu-ky", as_json=False
        ),
    ):
        with in_language("vi"):
            await command()
        printed = capsys.readouterr()
        collect("terminal", "", printed.out + printed.err, "vi")
        assert printed.out.strip()


async def test_a_refusal_names_units_duties_and_acts_in_words(at_the_terminal: Session) -> None:
    app, (first, second) = at_the_terminal, units(2)
    stream = await open_cycle(app, RULES, members=[first, second])
    await app.people.enter("cb-1", first, "Nguyễn Văn An", email="an@example.invalid")
    with in_language("vi"), pytest.raises(Exception) as refused:  # noqa: PT011 - its code is asserted
        await acting.act(stream, "take-stance", {"unit": second, "stance": "agreed"}, "cb-1", as_json=False)
    code = getattr(refused.value, "code", "")
    with in_language("vi"):
        told = sentence(code, getattr(refused.value, "facts", {}))
    assert code == "not_yours"
    assert told == "Bạn không có quyền ghi việc này (“cho ý kiến về dự thảo”)."


def test_of_a_list_or_a_table_nothing_is_shown_that_only_a_programmer_reads() -> None:
    from application.yaml_files import read_model  # noqa: PLC0415 - of this test only

    with pytest.raises(InputError) as wrong:
        read_model(ROOT / "docs/examples/year-2026.yaml", Edition)
    assert "{" not in str(wrong.value.facts["found"])
