"""Steps, obligations and deviations as JSON values: the one form that replay, the board and the pages are made from.

A user that shows less picks keys, and adds what depends on the reader or on the moment.
"""

from __future__ import annotations

from typing import Any

from domain.codec import plain
from domain.deviations import Deviation
from domain.due_dates import Obligation
from domain.obligations import StepProgress


def step_values(step: StepProgress) -> dict[str, Any]:
    """A step of the year: `done` is the day it was done, or None; `told` is None in a year that goes on."""
    return {
        "step": step.name,
        "done": step.done.day.isoformat() if step.done else None,
        "waiting_for": list(step.waiting_for),
        "told": step.told,
        "unnamed": step.unnamed,
    }


def obligation_values(owed: Obligation) -> dict[str, Any]:
    """An obligation: `due` is the instant after which it is late, `done` the day it was done; either may be None."""
    return {
        "duty": owed.duty.value,
        "bearer": owed.bearer,
        "subject": owed.subject or None,
        "due": owed.due.isoformat() if owed.due else None,
        "done": owed.done.day.isoformat() if owed.done else None,
        "late": owed.late,
        "extended": owed.extended,
        "waits_for": list(owed.waits_for),
        "article": owed.article,
    }


def deviation_values(deviation: Deviation) -> dict[str, Any]:
    """A deviation from the rules; `article` is None for a remark."""
    values: dict[str, Any] = plain(deviation)
    return values
