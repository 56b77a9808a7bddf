"""Chasing: the secretariat reminds units by hand (đôn đốc), often by telephone. That somebody was reminded is a fact.

The clock's own reminders are in `deadlines`; these are people's, and say in which way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from domain import limits
from domain.rules import Duty, Edition
from domain.steps.membership import require_member
from domain.types import Command, Event, Meta, StepDecider, Text, UnitId, When

if TYPE_CHECKING:
    from domain.cycle import State

Channel = Literal["message", "telephone", "in-person"]


class RemindUnits(Command, name="remind-units"):
    """The secretariat reminds units of what they owe: by a message of the register, by telephone, in person."""

    units: Annotated[tuple[UnitId, ...], Field(min_length=1, max_length=limits.UNITS_PER_CLUSTER)]
    duty: Duty
    channel: Channel = "message"
    text: Text | None = None


class UnitsReminded(Event, name="UnitsReminded"):
    units: tuple[UnitId, ...]
    duty: Duty
    channel: Channel
    text: Text | None


@dataclass(frozen=True, slots=True)
class ManualReminder:
    """One reminder by hand."""

    units: tuple[str, ...]
    duty: Duty
    channel: Channel
    by: str
    when: When
    version: int


ManualReminders = tuple[ManualReminder, ...]


# Decisions -------------------------------------------------------------------------------


def remind(command: RemindUnits, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    for unit in command.units:
        if unit != state.lifecycle.organiser:
            require_member(unit, meta, state)
    yield UnitsReminded(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _reminded(manual_reminders: ManualReminders, event: UnitsReminded, meta: Meta) -> ManualReminders:
    return (
        *manual_reminders,
        ManualReminder(event.units, event.duty, event.channel, meta.actor, meta.happened, meta.version),
    )


decider = StepDecider(
    slice_name="manual_reminders", empty=(), decides={RemindUnits: remind}, evolves={UnitsReminded: _reminded}
)
