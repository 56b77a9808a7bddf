"""Steps, obligations and deviations as JSON values: the one form that replay, the board and the pages are made from.

A user that shows less picks keys, and adds what depends on the reader or on the moment.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.codec import plain
from domain.dates import as_iso
from domain.deviations import Deviation
from domain.due_dates import Obligation
from domain.obligations import StepProgress
from domain.times import When


def step_values(step: StepProgress) -> dict[str, Any]:
    """A step of the year: `done` is the date of the last act, as it is known, or None.

    `told` is None in a year that goes on.
    """
    return {
        "step": step.name,
        "done": as_iso(step.done) if step.done else None,
        "waiting_for": list(step.waiting_for),
        "told": step.told,
        "unnamed": step.unnamed,
    }


def obligation_values(owed: Obligation) -> dict[str, Any]:
    """An obligation: `due` is the instant after which it is late, `done` the date it was done; either may be None."""
    return {
        "duty": owed.duty.value,
        "bearer": owed.bearer,
        "subject": owed.subject or None,
        "due": owed.due.isoformat() if owed.due else None,
        "done": as_iso(owed.done) if owed.done else None,
        "late": owed.late,
        "extended": owed.extended,
        "waits_for": list(owed.waits_for),
        "article": owed.article,
    }


def deviation_values(deviation: Deviation) -> dict[str, Any]:
    """A deviation from the rules; `article` is None for a remark."""
    facts = {name: as_iso(fact) if isinstance(fact, When) else fact for name, fact in deviation.facts.items()}
    values: dict[str, Any] = plain(replace(deviation, facts=facts, on=None))
    return {**values, "on": as_iso(deviation.on) if deviation.on else None}
