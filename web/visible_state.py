"""What of a cycle's state a reader may see, as JSON values: the one place that closes points before publication."""

from __future__ import annotations

from typing import Any

from audit.replay import digests_in
from domain.access import Matter, may_see_deviation, may_see_sheet
from domain.codec import plain
from domain.deviations import deviations
from domain.obligations import obligations, steps
from web.auth import Cycle
from web.services import Services

CLOSED = ("grants", "decision", "decided", "decided_version")
"""What was decided, until it is published."""


async def state_of(work: Services, cycle: Cycle) -> dict[str, Any]:
    """The cycle for a reader: state, steps, obligations, deviations, and the texts that it names."""
    state = cycle.state
    shown = plain(state)
    shown["scores"] = {
        f"{unit}|{round_}": plain(scored)
        for (unit, round_), scored in state.scores.items()
        if may_see_sheet(unit, round_, cycle.visitor.unit, cycle.readers, state)
    }
    if state.conclusion.published is None and not cycle.may(Matter.ALL_SCORES):
        for name in CLOSED:
            shown["conclusion"].pop(name, None)
        shown["awards"] = {"objects": shown["awards"]["objects"]}
    owed = obligations(state, cycle.rules)
    return {
        "cycle": cycle.stream,
        "version": len(cycle.history),
        "state": shown,
        "texts": dict(sorted((await work.office.texts.get(digests_in(shown))).items())),
        "steps": [
            {
                "step": one.name,
                "done": one.done.day.isoformat() if one.done else None,
                "waiting_for": list(one.waiting_for),
            }
            for one in steps(owed, cycle.rules)
        ],
        "obligations": [
            {
                "duty": one.duty.value,
                "bearer": one.bearer,
                "subject": one.subject or None,
                "due": one.due.isoformat() if one.due else None,
                "done": one.done.day.isoformat() if one.done else None,
                "overdue": one.overdue(cycle.now),
                "waits_for": list(one.waits_for),
                "article": one.article,
            }
            for one in owed
        ],
        "deviations": [
            {
                "key": one.key,
                "code": one.code,
                "article": one.article,
                "facts": plain(dict(one.facts)),
                "on": one.on.isoformat() if one.on else None,
                "settled": one.settled,
                "acknowledged": one.acknowledged,
            }
            for one in deviations(state, cycle.rules)
            if may_see_deviation(one.code, cycle.readers, state)
        ],
    }
