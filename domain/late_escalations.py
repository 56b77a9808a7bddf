"""Which proposed escalations still have a unit that is late: what is offered to be confirmed.

A proposal stays as it was recorded, though a unit has done its duty since then or was given more time.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.due_dates import Obligation
from domain.duties import Duty
from domain.state import Deadlines
from domain.steps.clock import has_passed


def late_still(deadlines: Deadlines, owed: Iterable[Obligation]) -> dict[Duty, tuple[str, ...]]:
    """Return the duties whose escalation waits to be confirmed, each with those of its units that are late still.

    A deadline has passed when the clock has recorded it: only an event changes the answer.
    """
    late = {(one.duty, one.bearer) for one in owed if one.done is None and has_passed(one, deadlines)}
    waiting = {duty: one.units for duty, one in deadlines.escalations.items() if one.confirmed is None}
    found = {duty: tuple(unit for unit in units if (duty, unit) in late) for duty, units in waiting.items()}
    return {duty: units for duty, units in found.items() if units}
