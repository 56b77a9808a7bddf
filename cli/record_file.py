"""The form of a recording file: cluster, sources, people, meetings with their acts, acts outside meetings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from cli.scenario import Source
from cli.year_file import PersonEntry
from domain import limits
from domain.city_year import ClusterPlan
from domain.dates import Dated
from domain.kernel import Act, Document, Fact, Label, Slug, UnitId
from domain.problems import repeated, wrong
from domain.streams import cycle_stream
from i18n.acts import ACTS_VI, MEETINGS_VI

ACTS_PER_FILE = 500


def _act_name(value: object) -> object:
    """The act's name in the domain; what nobody knows is left for the list of acts to refuse."""
    text = " ".join(str(value).split()).lower()
    name = ACTS_VI.get(text, text)
    if name not in Act.KNOWN:
        raise wrong("no_such_act", names=", ".join(ACTS_VI))
    return name


def _kind(value: object) -> object:
    return MEETINGS_VI.get(str(value).strip().lower(), value)


class Entry(Fact):
    """An act: its name, its fields, and how sure it is. Without a date or source of its own it has its meeting's."""

    act: Annotated[Label, BeforeValidator(_act_name)]
    on: Dated | None = None
    source: Label | None = None
    inferred_from: Label | None = None
    rehearsed: bool = False
    fields: dict[str, Any] = Field(default_factory=dict)


Entries = Annotated[tuple[Entry, ...], Field(max_length=ACTS_PER_FILE)]


class MeetingEntry(Fact):
    """A meeting with the acts that happened in it; the fields of `record-meeting`, and when it was."""

    id: Slug
    kind: Annotated[Label, BeforeValidator(_kind)]
    on: Dated
    source: Label | None = None
    inferred_from: Label | None = None
    rehearsed: bool = False
    place: Label | None = None
    online: bool = False
    host: UnitId | None = None
    chairs: tuple[dict[str, Any], ...] = ()
    present: tuple[dict[str, Any], ...] = ()
    notes: tuple[Label, ...] = ()
    acts: Entries = ()


class RecordFile(Fact):
    """A recording file. `edition` is a file beside it; without one, no rules are known and departures are remarks."""

    organiser: UnitId
    organiser_name: Label
    year: Annotated[int, Field(ge=1945, le=2200)]
    cycle: Slug | None = None
    cluster: ClusterPlan
    plan: Document | None = None
    edition: Label | None = None
    sources: tuple[Source, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    people: tuple[PersonEntry, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    meetings: tuple[MeetingEntry, ...] = Field(default=(), max_length=limits.PEOPLE_PER_ACT)
    acts: Entries = ()

    @model_validator(mode="after")
    def _known(self) -> RecordFile:
        if doubled := repeated(meeting.id for meeting in self.meetings):
            raise wrong("named_again", names=", ".join(sorted(doubled)))
        if not self.meetings and not self.acts:
            raise wrong("nothing_told")
        sources = {source.id for source in self.sources}
        named = [told.source for told in (*self.acts, *(act for meeting in self.meetings for act in meeting.acts))]
        for source in (*(meeting.source for meeting in self.meetings), *named):
            if source is not None and source not in sources:
                raise wrong("no_such_source", source=source, names=", ".join(sorted(sources)))
        return self

    @property
    def stream(self) -> str:
        """The cycle's full name."""
        return cycle_stream(self.organiser, self.cycle or str(self.year), self.cluster.id)
