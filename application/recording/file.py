"""The form of a recording file: cluster, sources, people, meetings with their acts, acts outside meetings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from application.persons import PersonEntry
from cli.scenario import Source
from domain import limits
from domain.dates import Dated
from domain.problems import invalid, repeated
from domain.steps.lifecycle import ClockMode, Units, Unnamed
from domain.steps.meetings import Meeting, MeetingKind
from domain.streams import cycle_stream
from domain.types import Command, Day, Document, FrozenModel, Label, Person, Slug, UnitId, normalize_text
from i18n.acts import ACTS_VI, MEETINGS_VI

ACTS_PER_FILE = 2_000
Which = Literal["this", "next"]
"""The cycle of the file, or the one that it opens."""


def _act_name(value: object) -> object:
    """The act's name in the domain; what nobody knows is left for the list of acts to refuse."""
    text = " ".join(str(value).split()).lower()
    name = ACTS_VI.get(text, text)
    if name not in Command.KNOWN:
        raise invalid("no_such_act", names=", ".join(ACTS_VI))
    return name


def _kind(value: object) -> object:
    text = str(value).strip().lower()
    kind = MEETINGS_VI.get(text, text)
    if kind not in MEETINGS_VI.values():
        raise invalid("no_such_kind", names=", ".join(MEETINGS_VI))
    return kind


class StatedHow(FrozenModel):
    """When something happened, and how sure it is: stated by a source of the file, inferred from what, or rehearsed."""

    source: Label | None = None
    inferred_from: Annotated[str, AfterValidator(normalize_text)] | None = Field(
        default=None, max_length=limits.LABEL_CHARS
    )
    rehearsed: bool = False

    @model_validator(mode="after")
    def _one(self) -> StatedHow:
        if self.inferred_from is not None and (self.source is not None or self.rehearsed):
            raise invalid("sure_in_one_way")
        return self


class ActEntry(StatedHow):
    """An act: its name, its fields, and how sure it is. Without a date or source of its own it has its meeting's.

    `effective` is from when on it holds, `signatories` (in files: `hands`) who prepared, approved and signed it.
    `cycle: next` tells it of the cycle that the file opens. `id`, `key`, and `corrects` (the id of the act that a
    correction is about) stand in exported files.
    """

    act: Annotated[Label, BeforeValidator(_act_name), WithJsonSchema({"enum": [*ACTS_VI, *ACTS_VI.values()]})]
    on: Dated | None = None
    effective: Day | None = None
    cycle: Which | None = None
    signatories: dict[str, Any] | None = Field(default=None, alias="hands")
    fields: dict[str, Any] = Field(default_factory=dict)
    id: UUID | None = None
    key: Label | None = None
    corrects: UUID | None = None


class OutsideEntry(ActEntry):
    """An act outside meetings, or one of a meeting that is named by its id."""

    meeting: Slug | None = None


class MeetingEntry(Meeting, StatedHow):
    """A meeting with the acts that happened in it; the fields of `record-meeting`, and when it was."""

    kind: Annotated[
        MeetingKind, BeforeValidator(_kind), WithJsonSchema({"enum": [*MEETINGS_VI, *MEETINGS_VI.values()]})
    ]
    on: Dated
    cycle: Which = "this"
    acts: Annotated[tuple[ActEntry, ...], Field(max_length=ACTS_PER_FILE)] = ()


class ClusterEntry(FrozenModel):
    """A cluster: its units, a number of units that nobody names, or those of the cycle that it continues."""

    id: Slug
    name: Label
    units: Units = ()
    unnamed: Unnamed | None = None
    overseer: Person | None = None


class NextCycle(FrozenModel):
    """The cycle that a meeting of the file opens; of the same cluster where no other is told."""

    year: Annotated[int, Field(ge=1945, le=2200)]
    cycle: Slug | None = None
    cluster: ClusterEntry | None = None
    plan: Document | None = None
    edition: Label | None = None


class RecordFile(FrozenModel):
    """A recording file. `edition` is a file beside it; without one, no rules are known and deviations are remarks.

    `continues` names an earlier cycle of the same cluster: its units, and the head and deputy that it chose or that a
    decision still in force appointed, are taken over where the file tells nothing else.
    """

    organiser: UnitId
    organiser_name: Label
    year: Annotated[int, Field(ge=1945, le=2200)]
    cycle: Slug | None = None
    cluster: ClusterEntry
    continues: Slug | None = None
    plan: Document | None = None
    edition: Label | None = None
    next: NextCycle | None = None
    sources: tuple[Source, ...] = Field(default=(), max_length=ACTS_PER_FILE)
    people: tuple[PersonEntry, ...] = Field(default=(), max_length=ACTS_PER_FILE)
    meetings: tuple[MeetingEntry, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    acts: Annotated[tuple[OutsideEntry, ...], Field(max_length=ACTS_PER_FILE)] = ()
    left_out: tuple[Label, ...] = Field(default=(), max_length=ACTS_PER_FILE)
    """In files that the register wrote: acts that could not be said again without the clock."""

    calendar: ClockMode = "backfill"
    starts: AwareDatetime | None = None
    editions: dict[Label, Any] = Field(default_factory=dict)
    """Rules editions in the file itself, by the name that acts call them."""

    salts: dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]] = Field(default_factory=dict)
    """In files that the register wrote: what makes texts and names have the same digests in another register."""

    @model_validator(mode="after")
    def _known(self) -> RecordFile:
        if doubled := repeated(meeting.id for meeting in self.meetings):
            raise invalid("named_again", names=", ".join(sorted(doubled)))
        if not self.meetings and not self.acts:
            raise invalid("nothing_told")
        if not self.cluster.units and self.cluster.unnamed is None and self.continues is None:
            raise invalid("nobody_in_cluster")
        if self.next is None and any(which == "next" for which in self._cycles()):
            raise invalid("no_next_cycle")
        sources = {source.id for source in self.sources}
        for told in self._told():
            if told.source is not None and not told.rehearsed and told.source not in sources:
                raise invalid("no_such_source", source=told.source, names=", ".join(sorted(sources)))
        return self

    def _told(self) -> Iterator[StatedHow]:
        yield from self.meetings
        for meeting in self.meetings:
            yield from meeting.acts
        yield from self.acts

    def _cycles(self) -> Iterator[Which | None]:
        for told in self._told():
            if isinstance(told, (MeetingEntry, ActEntry)):
                yield told.cycle

    def stream(self, which: Which = "this") -> str:
        """The full name of the file's cycle, or of the one that it opens."""
        if which == "next" and self.next is not None:
            cluster = self.next.cluster or self.cluster
            return cycle_stream(self.organiser, self.next.cycle or str(self.next.year), cluster.id)
        return cycle_stream(self.organiser, self.cycle or str(self.year), self.cluster.id)

    @property
    def continued(self) -> str | None:
        """The full name of the cycle that this one continues."""
        return None if self.continues is None else cycle_stream(self.organiser, self.continues, self.cluster.id)
