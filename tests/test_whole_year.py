"""A whole year with the head changing inside its closing meeting, made of documented facts, replayed to any day."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from engine_help import assert_ledger_verifies

from application.recording.run import record_file
from audit.replay import replay, replay_as_json
from cli.session import Session
from domain.state import members_and_organiser
from domain.times import start_of
from i18n.state_text import state_lines
from i18n.timeline import describe
from ledger.mapping import to_envelope

FILE = Path(__file__).parent.parent / "scenarios" / "year-2019-2020.yaml"
CLOSING, OPENED = "mttq-tinh-ghep/2019/cum-ghep", "mttq-tinh-ghep/2020/cum-ghep"
FIRST, LAST = date(2019, 1, 1), date(2020, 12, 31)
MEETING = date(2020, 1, 15)


async def test_the_year_replayed_to_any_day(app: Session) -> None:
    done = await record_file(app, FILE, "thu-ky-ghep")
    found = {cycle["cycle"]: {one["code"] for one in cycle["deviations"]} for cycle in done["cycles"]}
    assert found[CLOSING] >= {"bylaws_late", "signed_text_open", "final_next_year", "head_nominated"}
    rows = {stream: [row for row, _ in await app.history(stream)] for stream in (CLOSING, OPENED)}
    editions: dict[str, Any] = {}
    for stream in rows:
        state, rules = await app.state(stream)
        editions[state.lifecycle.edition] = rules
    seen = 0
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        closing = replay(CLOSING, rows[CLOSING], editions, at=day)
        opened = replay(OPENED, rows[OPENED], editions, at=day)
        assert closing.events >= seen, "what has happened does not go away"
        seen = closing.events
        noon = start_of(day) + timedelta(hours=12)
        members, holder = closing.state.membership.members(), closing.state.membership.holder
        assert ("thanh-cau" in members) == (day >= date(2019, 11, 20))
        assert (holder("head", noon) == "an-lac") == (day >= date(2019, 5, 20))
        assert ("head" in closing.state.conclusion.next) == (day >= MEETING)
        assert (opened.state.membership.holder("head", noon) == "binh-minh") == (day >= MEETING)
        if day.day == 1:
            replay_as_json(closing, {})
            replay_as_json(opened, {})
    assert seen == len(rows[CLOSING])
    for row in (*rows[CLOSING], *rows[OPENED]):
        sentence = describe(to_envelope(row), members_and_organiser(closing.state), {})
        assert not re.search(r"[{}]|object at|None", sentence), sentence
    assert closing.state.lifecycle.rehearsed, "nobody can take it for history"
    assert list(state_lines(closing.state, {})), "what an auditor reads on the screen"
    both = [row.recorded_at for stream in rows for row in rows[stream] if row.meeting == "tong-ket-2019-va-ky-2020"]
    assert len(both) > len(rows), "the meeting stands in both"
    assert len(set(both)) == 1, "and was entered at once"
    await assert_ledger_verifies(app)


LATER = """
organiser: {organiser}
organiser_name: "Ủy ban"
year: 2021
cluster: {{id: cum-ghep, name: "Cụm thi đua (ghép)"}}
continues: "{earlier}"
acts:
  - {{act: ghi kết quả, on: 05/2021, fields: {{title: "Nhà", amount: 3, measure: "nhà"}}}}
"""


@pytest.mark.parametrize(
    ("earlier", "head", "deputy", "how"),
    [
        ("2019", "binh-minh", "eo-gio", "elected"),
        ("2020", "unknown", "unknown", None),
    ],
)
async def test_what_was_chosen_or_appointed_stays_in_force_in_the_next_year(
    app: Session, tmp_path: Path, earlier: str, head: str, deputy: str, how: str | None
) -> None:
    organiser = f"o-{uuid4().hex[:8]}"
    file = tmp_path / "year.yaml"
    file.write_text(FILE.read_text().replace("mttq-tinh-ghep", organiser))
    await record_file(app, file, "thu-ky-ghep")
    later = tmp_path / "later.yaml"
    later.write_text(LATER.format(organiser=organiser, earlier=earlier))
    for dry_run in (True, False):
        done = await record_file(app, later, "thu-ky-ghep", dry_run=dry_run)
        assert "thanh-cau" in done["cycles"][0]["units"], "the members of the earlier year's end"
    state, _rules = await app.state(f"{organiser}/2021/cum-ghep")
    assert state.lifecycle.predecessors == (f"{organiser}/{earlier}/cum-ghep",)
    assert (state.membership.holder("head"), state.membership.holder("deputy")) == (head, deputy)
    if how is not None:
        assert (state.membership.terms["head"][0].manner, state.membership.terms["head"][0].sureness) == (
            how,
            "inferred",
        )
    assert (await record_file(app, later, "thu-ky-ghep"))["counts"]["entered"] == 0


async def test_an_appointment_by_decision_holds_until_another_replaces_it(app: Session, tmp_path: Path) -> None:
    organiser = f"o-{uuid4().hex[:8]}"
    first = tmp_path / "first.yaml"
    fields = '{role: head, holder: a, manner: appointed, basis: {number: "31/QĐ"}}'
    decision = f"{{act: 'phân công cụm trưởng, cụm phó', on: 20/05/2020, fields: {fields}}}"
    first.write_text(
        f"organiser: {organiser}\norganiser_name: O\nyear: 2020\n"
        "cluster: {id: cum-ghep, name: Cụm, units: [{id: a, name: A}, {id: b, name: B}]}\n"
        f"people: [{{id: tk, unit: {organiser}, name: N}}]\nacts:\n  - {decision}\n"
    )
    await record_file(app, first, "tk")
    later = tmp_path / "later.yaml"
    later.write_text(LATER.format(organiser=organiser, earlier="2020"))
    await record_file(app, later, "tk")
    state, _rules = await app.state(f"{organiser}/2021/cum-ghep")
    (term,) = state.membership.terms["head"]
    assert (term.holder, term.basis.number if term.basis else None) == ("a", "31/QĐ")
