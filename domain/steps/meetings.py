"""Meetings of the cluster, with place, chairs, presenters, guests and attendance.

A meeting is recorded once. Other commands name the meeting at which they happened in their circumstances (`Meta`).
Chairs, host and presenters belong to one meeting; roles (`membership`) do not decide them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field, PositiveInt

from domain import limits
from domain.dates import Dated
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, Readers, Section
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.times import When
from domain.types import (
    Exactness,
    FrozenModel,
    IsPlace,
    Label,
    Participant,
    Participants,
    Slug,
    UnitId,
    Whole,
    added_later,
    with_entry,
)


class MeetingsContext(Protocol):
    """What meetings read of the cycle: themselves only."""

    @property
    def meetings(self) -> Meetings: ...


MeetingKind = Literal["launching", "thematic", "quarterly", "mid-year", "final", "other"]


MeetingForm = Literal["in-person", "online", "both"]
"""How a meeting was held; "both": in person, and online elsewhere."""


class Presenter(FrozenModel):
    """A participant and the paper that it presented, in the words of the source."""

    by: Participant
    paper: Label


class Meeting(FrozenModel):
    """The fields of a meeting, shared by command and event.

    `of_year` is the year that the meeting launches, reviews or closes, when that is not the cycle's own: a meeting that
    closes a year and opens the next is recorded in both. `attendance` is the number of participants when their names
    are not known; `unclear` are persons whose capacity the source does not say. `notes` are remarks on the source, such
    as a misprint that was not copied. `also` is a second kind: a mid-year review that is a thematic meeting, too.
    `online` is kept for older records; `held` tells the form in full.
    """

    id: Slug
    kind: MeetingKind
    name: Label | None = None
    place: Annotated[Label, IsPlace()] | None = None
    online: bool = False
    host: UnitId | None = None
    chairs: Participants = ()
    opened_by: Participant | None = None
    concluded_by: Participant | None = None
    presenters: tuple[Presenter, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    present: Participants = ()
    guests: Participants = ()
    unclear: Participants = ()
    attendance: Annotated[PositiveInt, Whole] | None = None
    postponed_from: Dated | None = None
    notes: tuple[Label, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    of_year: Annotated[int, Field(ge=1945, le=2200)] | None = added_later()
    also: MeetingKind | None = added_later()
    held: MeetingForm | None = added_later()
    attendance_exactness: Exactness = added_later("exact")


@dataclass(frozen=True, slots=True)
class MeetingTold:
    """The kinds of a meeting and its form, as a sentence names them."""

    kind: MeetingKind
    also: MeetingKind | None
    held: MeetingForm | None


# Commands --------------------------------------------------------------------------------


class RecordMeeting(
    Command,
    Meeting,
    name="record-meeting",
    label=NC_("act", "record meeting"),
    summary=N_("Record a meeting that took place."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    pass


# Events ----------------------------------------------------------------------------------


class MeetingHeld(
    Event,
    Meeting,
    name="MeetingHeld",
    schema=1,
    sentence=lambda event: (
        N_("A meeting is held ({kind}): {place}.")
        if event.of_year is None
        else N_("A meeting of the year {of_year} is held ({kind}): {place}."),
        {**dict(event), "kind": MeetingTold(event.kind, event.also, event.held)},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MEETINGS,
):
    pass


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordedMeeting:
    """A recorded meeting; `version` is the stream version of its event."""

    event: MeetingHeld
    when: When
    sureness: str
    version: int


Meetings = Mapping[str, RecordedMeeting]


# Decisions -------------------------------------------------------------------------------


def record_meeting(command: RecordMeeting, meta: Meta, state: MeetingsContext, rules: Edition) -> Iterator[MeetingHeld]:
    if (existing := state.meetings.get(command.id)) is not None:
        if dict(existing.event) == dict(command):
            raise AlreadyRecorded(existing.version)
        raise Refused("meeting_is_recorded", meeting=command.id)
    yield MeetingHeld(**dict(command))


def first_of(kind: MeetingKind, meetings: Meetings, year: int) -> RecordedMeeting | None:
    """Return the earliest meeting of a kind for the cycle's `year`; None when there is none."""
    of_kind = (
        one
        for one in meetings.values()
        if kind in {one.event.kind, one.event.also} and one.event.of_year in {None, year}
    )
    return min(of_kind, key=lambda meeting: meeting.when.earliest, default=None)


# Evolution -------------------------------------------------------------------------------


decider: StepDecider[Meetings, MeetingsContext, Edition] = StepDecider(
    title=N_("Meetings"),
    slice_name="meetings",
    decides={RecordMeeting: record_meeting},
    evolves={
        MeetingHeld: lambda meetings, event, meta: with_entry(
            meetings, event.id, RecordedMeeting(event, meta.happened, meta.provenance.kind, meta.version)
        )
    },
)
