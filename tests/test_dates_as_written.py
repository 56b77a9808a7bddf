"""A date that is known by month or year is written so wherever it is shown; no first day is invented."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from test_recording import SECRETARY, Copy

from application.event_texts import Background
from application.recording.export import export_cycle
from application.recording.file import RecordFile
from application.recording.run import record_file
from application.timeline import timeline
from application.yaml_files import read_model
from audit.replay import replay, replay_as_json, select
from cli.outcome import explain
from cli.session import Session
from domain.cycle import CYCLE
from domain.dates import as_iso, as_written, format_when, parse_when
from domain.deviations import deviations
from domain.times import When
from domain.types import Document
from errors import InputError
from i18n.messages import day
from i18n.state_text import state_lines
from projections.board import line_of

DAYS = st.dates(date(1950, 1, 1), date(2190, 12, 31))


@given(DAYS, st.integers(0, 900), st.booleans(), st.booleans())
def test_a_date_is_read_back_from_each_of_its_forms(first: date, days: int, by_month: bool, by_year: bool) -> None:
    last = first + timedelta(days=days)
    if by_month or by_year:
        first, last = (
            first.replace(day=1),
            (last.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1),
        )
    if by_year:
        first, last = date(first.year, 1, 1), date(last.year, 12, 31)
    when = When.on(first, last)
    assert parse_when(format_when(when)) == parse_when(as_written(when)) == when
    assert parse_when(as_iso(when).replace("/", "..")) == when
    assert day(as_iso(when)) == as_written(when)


@pytest.mark.parametrize(
    ("typed", "written", "iso"),
    [
        ("20/07/2026", "20/07/2026", "2026-07-20"),
        ("02/2024", "02/2024", "2024-02"),
        ("01/02/2024..29/02/2024", "02/2024", "2024-02"),
        ("2013", "2013", "2013"),
        ("2010..2019", "2010 - 2019", "2010/2019"),
        ("27/10/2022..02/11/2022", "27/10/2022 - 02/11/2022", "2022-10-27/2022-11-02"),
        ("2022-10-27T09:00:00+07:00", "27/10/2022", "2022-10-27"),
    ],
)
def test_a_date_is_written_as_exactly_as_it_is_known(typed: str, written: str, iso: str) -> None:
    assert (as_written(parse_when(typed)), as_iso(parse_when(typed))) == (written, iso)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("02/2013", "2013-02"), (2013, "2013"), ("05/02/2013", "2013-02-05"), ("2013-02-05", "2013-02-05")],
)
def test_a_document_is_dated_by_day_month_or_year(typed: Any, stored: str) -> None:
    document = Document.model_validate({"number": "1/KH", "issued": typed})
    assert json.loads(document.model_dump_json())["issued"] == stored
    assert Document.model_validate_json(document.model_dump_json()) == document


@pytest.mark.parametrize("typed", ["2013..2014", "01/02/2013..03/02/2013", "2013-02-05T08:00:00+07:00", "31/02/2013"])
def test_a_document_is_of_one_date(typed: str) -> None:
    with pytest.raises(ValidationError):
        Document.model_validate({"number": "1/KH", "issued": typed})


INVENTED = re.compile(r"01/01/2016|2016-01-01|31/01/2016|2016-01-31|01/2016\D{1,3}31/01")


async def test_no_surface_invents_a_day_of_a_month(app: Session, tmp_path: Path) -> None:
    """`DL-C6-2015-final` was held "in January 2016"; a head is appointed there, and a paper is of a month."""
    copy = Copy(tmp_path, "DL-C6-2015-final")
    acts = (
        "    acts:\n"
        "      - {act: 'phân công cụm trưởng, cụm phó', fields: {role: head, holder: ea-hleo, manner: unknown}}\n"
        '      - {act: trình dự thảo, fields: {kind: plan, document: {number: "1/KH", issuer: X, issued: 01/2016}}}\n'
        '      - {act: ghi việc các nguồn nêu khác nhau, fields: {about: "số", '
        'told: [{source: a, says: "1"}, {source: b, says: "2"}]}}\n'
    )
    tried = await record_file(app, copy.but("    acts:\n", acts), SECRETARY, dry_run=True)
    assert {one["on"] for one in tried["told"]} == {"01/2016"}
    report = await record_file(app, copy.but("    acts:\n", acts), SECRETARY)
    stream = f"{copy.organiser}/2015/cum-6"
    history = await app.history(stream)
    rows = [row for row, _envelope in history]
    state, rules = await app.state(stream)
    background = Background([envelope for _row, envelope in history], rules, state.membership.names)
    entries = await timeline(app, history, background, {})
    found = replay(stream, rows, {})
    replayed = replay_as_json(found, {})
    del replayed["state"]  # that is the state as it is digested, with the instants of each range
    surfaces = {
        "timeline": [(one.on, str(one.told)) for one in entries if one.row.version > 1],
        "summary": list(state_lines(state, {})),
        "board": {**line_of(stream, state, rules), "now": None},  # its clock, not a date of an act
        "replay": replayed,
        "report": report,
        "export": [line for line in (await export_cycle(app, stream)).splitlines() if "starts" not in line],
    }
    assert any(one.on == parse_when("01/2016") for one in deviations(state, rules))
    for name, shown in surfaces.items():
        text = json.dumps(shown, ensure_ascii=False, default=str)
        assert "01/2016" in text or "2016-01" in text, name
        assert not INVENTED.search(text), (name, INVENTED.search(text))


LETTER = """
  - act: ghi công văn
    on: 03/09/2015
    source: bao-dak-lak
    fields: {id: hoi-1, kind: guidance-request, sender: {unit: ea-hleo}, recipients: [{group: "Tỉnh ủy"}], text: "Hỏi"}
"""


async def test_a_letter_of_an_earlier_day_does_not_move_the_opening(app: Session, tmp_path: Path) -> None:
    copy = Copy(tmp_path, "DL-C6-2015-final")
    copy.file.write_text(copy.text + "acts:" + LETTER)
    await record_file(app, copy.file, SECRETARY)
    history = await app.history(f"{copy.organiser}/2015/cum-6")
    opened = history[0][1]
    assert (opened.event.NAME, opened.meta.happened) == ("CycleOpened", parse_when("01/2016"))
    rows = [row for row, _envelope in history]
    early, _possible = select(rows, at=date(2015, 9, 30))
    state = CYCLE.fold(envelope for row, envelope in history if row in early)
    assert list(state.letters.letters) == ["hoi-1"]
    assert state.lifecycle.opened, "what is replayed is of an open cycle"
    nothing, _possible = select(rows, at=date(2015, 9, 1))
    assert nothing == []


COMBINED = """\
organiser: {organiser}
organiser_name: "O"
year: {year}
next: {{year: {next}}}
cluster: {{id: c, name: "C", units: [{{id: a, name: "A"}}]}}
meetings:
  - id: tk
    kind: tổng kết
    on: {on}
    acts:
      - {{act: cùng ký giao ước, cycle: next, fields: {{units: [a], sheet: {{title: "T"}}}}}}
"""


@pytest.mark.parametrize(
    ("year", "following", "on", "likely", "line"),
    [
        (2024, 2025, "15/01/2024", "2023", 9),
        (2024, 2025, "30/06/2024", "2023", 9),
        (2024, 2025, "01/07/2024", "", 0),
        (2024, 2025, "26/03/2025", "", 0),
        (2024, 2025, "30/06/2025", "", 0),
        (2024, 2025, "20/12/2025", "2025", 9),
        (2024, 2025, "2024", "", 0),
        (2024, 2025, "2025", "", 0),
        (2024, 2024, "20/12/2024", "2025", 4),
        (2024, 2026, "20/12/2024", "2025", 4),
    ],
)
def test_a_combined_meeting_whose_year_looks_wrong_by_one_is_asked_about(
    tmp_path: Path, year: int, following: int, on: str, likely: str, line: int
) -> None:
    file = tmp_path / "f.yaml"
    text = COMBINED.format(organiser=f"o-{uuid4().hex[:8]}", year=year, next=following, on=on)
    file.write_text(text)
    if not likely:
        assert read_model(file, RecordFile).year == year
        return
    with pytest.raises(InputError) as asked:
        read_model(file, RecordFile)
    _code, said = explain(asked.value)
    assert f"f.yaml:{line}: " in said
    assert likely in said
    file.write_text(text.replace("next:", "year_is_right: true\nnext:"))
    assert read_model(file, RecordFile).year == year, "the answer is heard"
