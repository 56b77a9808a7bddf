"""A whole year with the head changing inside its closing meeting, made of documented facts, replayed to any day."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from engine_help import whole

from activities.telling import told_of
from audit.replay import replay, view
from cli.recording import carry_out
from cli.session import Session
from cli.standing import standing
from cli.timeline import describe
from domain.cycle import members_and_organiser
from domain.kernel import start_of

FILE = Path(__file__).parent.parent / "scenarios" / "year-2019-2020.yaml"
CLOSING, OPENED = "mttq-tinh-ghep/2019/cum-ghep", "mttq-tinh-ghep/2020/cum-ghep"
FIRST, LAST = date(2019, 1, 1), date(2020, 12, 31)
MEETING = date(2020, 1, 15)


async def test_the_year_replayed_to_any_day(office: Session) -> None:
    done = await carry_out(office, FILE, "thu-ky-ghep")
    found = {cycle["cycle"]: {one["code"] for one in cycle["deviations"]} for cycle in done["cycles"]}
    assert found[CLOSING] >= {"bylaws_late", "signed_text_open", "final_next_year", "head_nominated"}
    rows = {stream: [row for row, _ in await office.history(stream)] for stream in (CLOSING, OPENED)}
    editions: dict[str, Any] = {}
    for stream in rows:
        state, rules = await office.state(stream)
        editions[state.frame.edition] = rules
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
            view(closing, {})
            view(opened, {})
    assert seen == len(rows[CLOSING])
    for row in (*rows[CLOSING], *rows[OPENED]):
        sentence = describe(told_of(row), members_and_organiser(closing.state), {})
        assert not re.search(r"[{}]|object at|None", sentence), sentence
    assert list(standing(closing.state, {})), "what an auditor reads on the screen"
    both = [row.recorded_at for stream in rows for row in rows[stream] if row.meeting == "tong-ket-2019-va-ky-2020"]
    assert len(both) > len(rows), "the meeting stands in both"
    assert len(set(both)) == 1, "and was entered at once"
    await whole(office)
