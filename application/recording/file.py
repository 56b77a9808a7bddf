"""The form of a recording file: cluster, sources, people, meetings with their acts, acts outside meetings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
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
from application.sources import Source
from application.yaml_files import YamlPath
from domain import limits
from domain.dates import Dated, as_written
from domain.problems import invalid, invalid_at, repeated
from domain.records import Command
from domain.steps.lifecycle import ClockMode, ClusterLevel, UnnamedKinds, check_kinds
from domain.steps.meetings import Meeting, MeetingForm, MeetingKind
from domain.streams import cycle_stream
from domain.times import Day
from domain.types import Document, Exactness, FrozenModel, Label, Person, Slug, UnitId, normalize_text
from domain.units import Unit, Units, Unnamed
from i18n.acts import EXACTNESS_VI, LEVELS_VI, MEETING_FORMS_VI, MEETINGS_VI, readable_names, stored_names

ACTS_PER_FILE = 2_000
WhichCycle = Literal["this", "next"]
"""The cycle of the file, or the cycle that a meeting of the file opens."""


def _act_name(value: object) -> object:
    """Return the English name of an act that the file names in Vietnamese or in English."""
    text = " ".join(str(value).split()).lower()
    name = readable_names().get(text, text)
    if name not in Command.KNOWN:
        raise invalid("no_such_act_name", act=text)
    return name


def _meeting_kind(value: object) -> object:
    """Return the English name of a kind of meeting that the file names in Vietnamese or in English."""
    text = str(value).strip().lower()
    kind = MEETINGS_VI.get(text, text)
    if kind not in MEETINGS_VI.values():
        raise invalid("no_such_kind", names=", ".join(MEETINGS_VI), typed=text)
    return kind


def _word_in(kinds: Mapping[str, str]) -> BeforeValidator:
    """Return a validator that takes a value in Vietnamese or in English."""

    def read(value: object) -> object:
        text = " ".join(str(value).split()).lower()
        return kinds.get(text, text)

    return BeforeValidator(read)


def _in_both(kinds: Mapping[str, str]) -> WithJsonSchema:
    return WithJsonSchema({"enum": [*kinds, *kinds.values()]})


class StatedHow(FrozenModel):
    """How sure an entry is: stated by a source of the file, inferred from something, or rehearsed."""

    source: Label | None = None
    inferred_from: Annotated[str, AfterValidator(normalize_text)] | None = Field(
        default=None, max_length=limits.LABEL_CHARS
    )
    rehearsed: bool = False
    stated: bool = False
    """Only in exported files: stated by the person who entered it, without a source."""

    @model_validator(mode="after")
    def _sure_in_one_way(self) -> StatedHow:
        if self.inferred_from is not None and (self.source is not None or self.rehearsed):
            raise invalid("sure_in_one_way")
        return self


class ActEntry(StatedHow):
    """An act: its name, its fields, and how sure it is. Without its own date or source it has those of its meeting.

    `effective` is the day from which it holds. `signatories` (in files: `hands`) are the persons who prepared, approved
    and signed it. `cycle: next` puts the act into the cycle that the file opens. Only exported files have `id`, `key`,
    and `corrects` (the id of the act that a correction is about).
    """

    act: Annotated[
        Label, BeforeValidator(_act_name), WithJsonSchema({"enum": [*stored_names(), *stored_names().values()]})
    ]
    on: Dated | None = None
    effective: Day | None = None
    cycle: WhichCycle | None = None
    signatories: dict[str, Any] | None = Field(default=None, alias="hands")
    fields: dict[str, Any] = Field(default_factory=dict)
    id: UUID | None = None
    key: Label | None = None
    corrects: UUID | None = None


class OutsideEntry(ActEntry):
    """An act that stands outside the meetings of the file. `meeting` is the id of the meeting that it belongs to."""

    meeting: Slug | None = None


class MeetingEntry(Meeting, StatedHow):
    """A meeting with the acts that happened in it: the fields of `record-meeting`, and the date."""

    kind: Annotated[
        MeetingKind, BeforeValidator(_meeting_kind), WithJsonSchema({"enum": [*MEETINGS_VI, *MEETINGS_VI.values()]})
    ]
    also: (
        Annotated[
            MeetingKind, BeforeValidator(_meeting_kind), WithJsonSchema({"enum": [*MEETINGS_VI, *MEETINGS_VI.values()]})
        ]
        | None
    ) = None
    held: Annotated[MeetingForm, _word_in(MEETING_FORMS_VI), _in_both(MEETING_FORMS_VI)] | None = None
    attendance_exactness: Annotated[Exactness, _word_in(EXACTNESS_VI), _in_both(EXACTNESS_VI)] = "exact"
    on: Dated
    cycle: WhichCycle = "this"
    acts: Annotated[tuple[ActEntry, ...], Field(max_length=ACTS_PER_FILE)] = ()


class ClusterEntry(FrozenModel):
    """A cluster: its units, or the number of its unnamed units. With neither, it has the units of `continues`.

    `regrouped` is why the clusters were regrouped, `unnamed_kinds` how many of the unnamed units are of which kind.
    """

    id: Slug
    name: Label
    units: Units = ()
    unnamed: Unnamed | None = None
    unnamed_kinds: UnnamedKinds = ()
    level: Annotated[ClusterLevel, _word_in(LEVELS_VI), _in_both(LEVELS_VI)] | None = None
    regrouped: Label | None = None
    overseer: Person | None = None

    @model_validator(mode="after")
    def _kinds_are_possible(self) -> ClusterEntry:
        check_kinds(self.unnamed_kinds, self.unnamed)
        return self


class NextCycle(FrozenModel):
    """The cycle that a meeting of the file opens. Without `cluster`, it is a cycle of the same cluster."""

    year: Annotated[int, Field(ge=1945, le=2200)]
    cycle: Slug | None = None
    cluster: ClusterEntry | None = None
    plan: Document | None = None
    edition: Label | None = None


class RecordFile(FrozenModel):
    """A recording file. Its rules edition is the file `edition` beside it; without one, deviations are only remarks.

    `continues` names an earlier cycle of the same cluster. Its units are taken over unless the file gives others, and
    so are its head and deputy: those it chose for the next year, or those appointed by a decision still in force.
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
    year_is_right: bool = False
    """Answers the question whether the year of a meeting that closes one year and opens the next is wrong by one."""

    sources: tuple[Source, ...] = Field(default=(), max_length=ACTS_PER_FILE)
    people: tuple[PersonEntry, ...] = Field(default=(), max_length=ACTS_PER_FILE)
    meetings: tuple[MeetingEntry, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    acts: Annotated[tuple[OutsideEntry, ...], Field(max_length=ACTS_PER_FILE)] = ()
    left_out: tuple[Label, ...] = Field(default=(), max_length=ACTS_PER_FILE)
    """Only in exported files: acts that are not in the file because they need the clock."""

    calendar: ClockMode = "backfill"
    starts: AwareDatetime | None = None
    editions: dict[Label, Any] = Field(default_factory=dict)
    """Rules editions in the file itself, by the names that acts use for them."""

    salts: dict[str, Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]] = Field(default_factory=dict)
    """Only in exported files: with these salts, texts and names get the digests that they have in the first ledger."""

    @model_validator(mode="after")
    def _consistent(self) -> RecordFile:
        if not self.meetings and not self.acts:
            raise invalid("nothing_told")
        if not self.cluster.units and self.cluster.unnamed is None and self.continues is None:
            raise invalid_at(("cluster",), self.cluster.id, "nobody_in_cluster")
        doubled = repeated(meeting.id for meeting in self.meetings)
        sources = {source.id for source in self.sources}
        for path, entry in self.entries():
            if isinstance(entry, MeetingEntry) and entry.id in doubled:
                raise invalid_at((*path, "id"), entry.id, "named_again", names=", ".join(sorted(doubled)))
            if self.next is None and entry.cycle == "next":
                raise invalid_at((*path, "cycle"), entry.cycle, "no_next_cycle")
            if entry.source is not None and not entry.rehearsed and entry.source not in sources:
                names = ", ".join(sorted(sources))
                raise invalid_at((*path, "source"), entry.source, "no_such_source", source=entry.source, names=names)
        if self.next is not None and not self.year_is_right:
            self._ask_about_years(self.next)
        return self

    def _ask_about_years(self, following: NextCycle) -> None:
        """Ask about a year that looks wrong by one.

        Documented final meetings were held from October to March of the next year. One that also opens the next year
        and was held before July, or a year and a half after the beginning of its year, is mostly one of another year.

        Raises:
            ValidationError: `year_wrong_by_one` or `next_year_wrong`.
        """
        if following.year != self.year + 1 and following.cycle is None:
            path = ("next", "year")
            raise invalid_at(path, following.year, "next_year_wrong", year=self.year, likely=self.year + 1)
        for index, meeting in enumerate(self.meetings):
            if len({meeting.cycle, *(act.cycle or meeting.cycle for act in meeting.acts)}) == 1:
                continue
            likely = None
            if meeting.on.last_day < date(self.year, 7, 1):
                likely = meeting.on.day.year - 1
            elif meeting.on.day >= date(self.year + 1, 7, 1):
                likely = meeting.on.day.year
            if likely is not None:
                facts = {"year": self.year, "next": following.year, "likely": likely, "on": as_written(meeting.on)}
                raise invalid_at(("meetings", index, "on"), facts["on"], "year_wrong_by_one", **facts)

    def entries(self) -> Iterator[tuple[YamlPath, MeetingEntry | ActEntry]]:
        """Yield meetings and acts in the order of the file, each with its path in it."""
        for index, meeting in enumerate(self.meetings):
            yield ("meetings", index), meeting
            for number, entry in enumerate(meeting.acts):
                yield ("meetings", index, "acts", number), entry
        for index, outside in enumerate(self.acts):
            yield ("acts", index), outside

    def units(self) -> tuple[Unit, ...]:
        """Return the units that the file lists, of this cycle and of the next."""
        following = self.next.cluster if self.next else None
        return (*self.cluster.units, *(following.units if following else ()))

    def stream(self, which: WhichCycle = "this") -> str:
        """Return the stream of the file's cycle, or of the cycle that it opens."""
        if which == "next" and self.next is not None:
            cluster = self.next.cluster or self.cluster
            return cycle_stream(self.organiser, self.next.cycle or str(self.next.year), cluster.id)
        return cycle_stream(self.organiser, self.cycle or str(self.year), self.cluster.id)

    def streams(self) -> list[str]:
        """Return the streams of all cycles of the file."""
        return [self.stream(), *([self.stream("next")] if self.next else [])]

    @property
    def continued(self) -> str | None:
        """The stream of the cycle that this one continues."""
        return None if self.continues is None else cycle_stream(self.organiser, self.continues, self.cluster.id)

    @property
    def is_exported(self) -> bool:
        """Whether `export` wrote the file: only such a file may give digests and commitments in place of texts."""
        return bool(self.salts) or any(entry.id is not None for entry in self.acts)
