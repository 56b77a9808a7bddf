"""Manual reminders (đôn đốc): the secretariat reminds units itself, by message, by telephone or in person.

The reminders that the clock issues are in `clock`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field

from domain import limits
from domain.duties import Duty
from domain.msgids import N_, NC_, Plural
from domain.parties import MINUTES_KEEPERS, Readers
from domain.records import Command, Event, Meta, StepDecider
from domain.rules import Edition
from domain.times import When
from domain.types import Text, UnitId
from domain.units import UnitsContext, require_member


class ManualRemindersContext(UnitsContext, Protocol):
    """What manual reminders read of the cycle."""

    @property
    def organiser(self) -> str:
        """The id of the organiser; "" before the cycle is opened."""


Channel = Literal["message", "telephone", "in-person"]


# Commands --------------------------------------------------------------------------------


class RemindUnits(
    Command,
    name="remind-units",
    label=NC_("act", "remind units"),
    summary=N_("Remind units of a duty: by a message of the register, by telephone or in person."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    units: Annotated[tuple[UnitId, ...], Field(min_length=1, max_length=limits.UNITS_PER_CLUSTER)]
    duty: Duty
    channel: Channel = "message"
    text: Text | None = None


# Events ----------------------------------------------------------------------------------


class UnitsReminded(
    Event,
    name="UnitsReminded",
    schema=1,
    sentence=Plural(
        "{units} is reminded {channel}: {duty}. {text}", "{units} are reminded {channel}: {duty}. {text}", "units"
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    units: tuple[UnitId, ...]
    duty: Duty
    channel: Channel
    text: Text | None


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ManualReminder:
    """One manual reminder; `by` is the person who reminded."""

    units: tuple[str, ...]
    duty: Duty
    channel: Channel
    by: str
    when: When
    version: int


ManualReminders = tuple[ManualReminder, ...]


# Decisions -------------------------------------------------------------------------------


def remind(command: RemindUnits, meta: Meta, state: ManualRemindersContext, rules: Edition) -> Iterator[UnitsReminded]:
    for unit in command.units:
        if unit != state.organiser:
            require_member(unit, meta, state)
    yield UnitsReminded(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _reminded(manual_reminders: ManualReminders, event: UnitsReminded, meta: Meta) -> ManualReminders:
    return (
        *manual_reminders,
        ManualReminder(event.units, event.duty, event.channel, meta.actor, meta.happened, meta.version),
    )


decider: StepDecider[ManualReminders, ManualRemindersContext, Edition] = StepDecider(
    title=N_("Reminders by people"),
    slice_name="manual_reminders",
    decides={RemindUnits: remind},
    evolves={UnitsReminded: _reminded},
)
