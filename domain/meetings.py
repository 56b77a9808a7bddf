"""Meetings: where acts happen. Chairs, host, presenters and guests are facts of a meeting, not of a role.

Acts name the meeting they belong to in their circumstances; the meeting itself is recorded once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from domain import limits
from domain.commenting import Voice
from domain.kernel import Act, Event, Label, Meta, Refused, Room, Slug, UnitId, When, put
from domain.rules import Edition

if TYPE_CHECKING:
    from domain.cycle import State

MeetingKind = Literal["launching", "thematic", "quarterly", "mid-year", "final", "other"]
Voices = Annotated[tuple[Voice, ...], Field(max_length=limits.PEOPLE_PER_ACT)]


class RecordMeeting(Act, name="record-meeting"):
    """A meeting took place."""

    id: Slug
    kind: MeetingKind
    place: Label | None = None
    online: bool = False
    host: UnitId | None = None
    chairs: Voices = ()
    present: Voices = ()
    notes: tuple[Label, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    """Remarks on the source, such as a misprint that was not copied."""


class MeetingHeld(Event, name="MeetingHeld"):
    id: Slug
    kind: MeetingKind
    place: Label | None
    online: bool
    host: UnitId | None
    chairs: tuple[Voice, ...]
    present: tuple[Voice, ...]
    notes: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting as recorded."""

    kind: MeetingKind
    place: str | None
    online: bool
    host: str | None
    chairs: tuple[Voice, ...]
    present: tuple[Voice, ...]
    notes: tuple[str, ...]
    when: When
    sureness: str
    version: int


Meetings = Mapping[str, Meeting]


def record(cmd: RecordMeeting, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.id in state.meetings:
        raise Refused("meeting_is_recorded", meeting=cmd.id)
    yield MeetingHeld(**dict(cmd))


def _held(meetings: Meetings, e: MeetingHeld, m: Meta) -> Meetings:
    new = Meeting(
        e.kind, e.place, e.online, e.host, e.chairs, e.present, e.notes, m.happened, m.provenance.kind, m.version
    )
    return put(meetings, e.id, new)


def first_of(kind: MeetingKind, meetings: Meetings) -> Meeting | None:
    """The earliest meeting of a kind."""
    return min((m for m in meetings.values() if m.kind == kind), key=lambda m: m.when.earliest, default=None)


room = Room(slice_name="meetings", empty={}, decides={RecordMeeting: record}, evolves={MeetingHeld: _held})
