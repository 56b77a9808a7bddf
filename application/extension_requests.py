"""Requests for more time as they stand where they are answered: who, until when, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from application.visits import VisitedCycle
from domain.obligations import open_requests
from vault.texts import Texts


@dataclass(frozen=True, slots=True)
class ExtensionRequest:
    """A unit's request for more time that waits for an answer: the day that it asks for, and why."""

    unit: str
    name: str
    duty: str
    until: date
    reason: str
    due: datetime | None
    """When the duty is due as things stand."""
    closed: bool
    """The hard close has come: more time alone does not let the unit do it again."""


async def requests_of(cycle: VisitedCycle, texts: Texts) -> tuple[ExtensionRequest, ...]:
    """Return the requests of a cycle that wait for an answer."""
    owed, state = cycle.readable.obligations, cycle.readable_state()
    open_ = open_requests(state, owed)
    words = await texts.get({asked.reason for asked in open_.values()})
    return tuple(
        ExtensionRequest(
            unit,
            cycle.names.get(unit, unit),
            duty.value,
            asked.until,
            words.get(asked.reason, "…"),
            min((one.due for one in owed if (one.bearer, one.duty) == (unit, duty) and one.due), default=None),
            duty in state.lifecycle.closed,
        )
        for (unit, duty), asked in open_.items()
    )
