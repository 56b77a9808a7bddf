"""Meetings: where acts happen. Chairs, host, presenters and guests are facts of a meeting, not of a role.

Acts name the meeting they belong to in their circumstances; the meeting itself is recorded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PositiveInt

from domain import limits
from domain.dates import Dated
from domain.rules import Edition
from domain.steps.commenting import Voice, Voices
from domain.types import (
    AlreadySaid,
    Command,
    Event,
    FrozenModel,
    Label,
    Meta,
    Refused,
    Slug,
    StepDecider,
    UnitId,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State

MeetingKind = Literal["launching", "thematic", "quarterly", "mid-year", "final", "other"]


class Presenter(FrozenModel):
    """Who presented which paper, in the words of the source."""

    by: Voice
    paper: Label


class Meeting(FrozenModel):
    """A meeting as told; `chairs`, `present` and the like name a unit, a person, or people together.

    `attendance` is a number where nobody names who came; `unclear` are people whose capacity the source does not say.
    `notes` are remarks on the source, such as a misprint that was not copied.
    """

    id: Slug
    kind: MeetingKind
    name: Label | None = None
    place: Label | None = None
    online: bool = False
    host: UnitId | None = None
    chairs: Voices = ()
    opened_by: Voice | None = None
    concluded_by: Voice | None = None
    presenters: tuple[Presenter, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    present: Voices = ()
    guests: Voices = ()
    unclear: Voices = ()
    attendance: PositiveInt | None = None
    postponed_from: Dated | None = None
    notes: tuple[Label, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)


class RecordMeeting(Command, Meeting, name="record-meeting"):
    """A meeting took place."""


class MeetingHeld(Event, Meeting, name="MeetingHeld"):
    pass


@dataclass(frozen=True, slots=True)
class Held:
    """A meeting as recorded."""

    told: MeetingHeld
    when: When
    sureness: str
    version: int


Meetings = Mapping[str, Held]


def record(cmd: RecordMeeting, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (existing := state.meetings.get(cmd.id)) is not None:
        if dict(existing.told) == dict(cmd):
            raise AlreadySaid(existing.version)
        raise Refused("meeting_is_recorded", meeting=cmd.id)
    yield MeetingHeld(**dict(cmd))


def first_of(kind: MeetingKind, meetings: Meetings) -> Held | None:
    """The earliest meeting of a kind."""
    return min((m for m in meetings.values() if m.told.kind == kind), key=lambda m: m.when.earliest, default=None)


decider = StepDecider(
    slice_name="meetings",
    empty={},
    decides={RecordMeeting: record},
    evolves={MeetingHeld: lambda held, e, m: with_entry(held, e.id, Held(e, m.happened, m.provenance.kind, m.version))},
)
