"""A cycle's state as a reader may see it, as JSON values: what follows from closed events is not in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from application.application import Application
from application.recorded_acts import all_acts
from application.visits import VisitedCycle
from application.work import of_many
from audit.replay import digests_in
from domain.codec import plain
from domain.due_dates import Obligation
from domain.obligations import steps
from domain.summaries import deviation_values, obligation_values, step_values

_OF_OBLIGATIONS = ("duty", "bearer", "subject", "due", "done", "waits_for", "article")


async def visible_state(application: Application, cycle: VisitedCycle) -> dict[str, Any]:
    """The cycle for its visitor: state, steps, obligations, deviations, and the texts that it names."""
    readable, events = cycle.readable, len(cycle.history)
    visible = await of_many(events, plain, readable.state)
    digests = await of_many(events, digests_in, visible)
    owed = await of_many(events, lambda: readable.obligations)
    return {
        "cycle": cycle.stream,
        # Not the number of all events: that counts the closed ones.
        "version": max(readable.versions, default=0),
        "state": visible,
        "texts": dict(sorted((await application.texts.get(digests)).items())),
        "steps": [step_values(one) for one in steps(readable.state, cycle.rules, owed)],
        "obligations": [_obligation(one, cycle.now) for one in owed],
        "deviations": [deviation_values(one) for one in await of_many(events, lambda: readable.deviations)],
        "acts": [one.values() for one in await all_acts(application, cycle)],
    }


def _obligation(owed: Obligation, now: datetime) -> dict[str, Any]:
    values = obligation_values(owed)
    return {**{key: values[key] for key in _OF_OBLIGATIONS}, "overdue": owed.overdue(now)}
