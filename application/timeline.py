"""The timeline of a stream: every event in words, with what an auditor asks of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from application.application import Application
from application.downloads import Cell, Table, day_cell, table_of
from application.event_texts import Background, event_texts
from application.visits import History, VisitedCycle
from application.work import of_many
from domain.dates import as_written
from domain.installation import STREAM
from domain.records import CLOCK, OPERATOR, Command, Event, EventEnvelope
from domain.times import When
from i18n import N_, _
from i18n.messages import word
from i18n.sorting import folded
from i18n.timeline import EventText
from ledger.events import RecordedEvent
from ledger.paging import Paged, PageRequest


def step_of(row: RecordedEvent) -> str:
    """The step module of the domain that an event belongs to."""
    return Event.KNOWN[row.type].__module__.rsplit(".", 1)[-1]


def step_of_act(act: type[Command]) -> str:
    """The step module of the domain that an act, and what it brings, belongs to."""
    return act.__module__.rsplit(".", 1)[-1]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """An event of a timeline, with the names of who entered it, of the person they stood in for, and of the unit.

    `corrected_by` is the version of the correction.
    """

    row: RecordedEvent
    told: EventText
    who: str
    corrected_by: int | None
    absent: str = ""
    unit_name: str = ""

    @property
    def text(self) -> str:
        """The event in a sentence."""
        return self.told.sentence

    @property
    def step(self) -> str:
        """The step module of the domain that the event belongs to."""
        return step_of(self.row)

    @property
    def on(self) -> str:
        """The date on which it happened, as exactly as it is known, as people write it."""
        return as_written(When(self.row.happened_earliest, self.row.happened_latest))

    def values(self) -> dict[str, Any]:
        """The entry as the JSON interface and JSON files give it."""
        row = self.row
        return {
            "version": row.version,
            "position": row.position,
            "type": row.type,
            "text": self.text,
            "details": self.told.values(),
            "on": self.on,
            "recorded": row.recorded_at,
            "actor": row.actor,
            "unit": row.unit,
            "stand_in_for": row.stand_in_for,
            "sureness": row.provenance,
            "source": row.source,
            "meeting": row.meeting,
            "corrected_by": self.corrected_by,
            "digest": row.digest.hex(),
            "command": str(row.command_id),
            "room": self.step,
            "who": self.who,
        }

    def in_words(self) -> dict[str, Cell]:
        """The entry as a row for people, by the columns of `timeline_table`."""
        row = self.row
        return {
            "act": row.version,
            "position": row.position,
            "on": day_cell(self.on),
            "text": self.text,
            "details": "\n".join(map(str, (*self.told.details, *self.told.circumstances[1:]))),
            "recorded": row.recorded_at,
            "who": self.who,
            "unit": self.unit_name,
            "absent": self.absent,
            "how_sure": word("sureness", row.provenance),
            "source": row.source,
            "corrected_by": self.corrected_by,
            "digest": row.digest.hex(),
        }


_COLUMNS = (
    *("act", "position", "on", "text", "details", "recorded", "who", "unit", "absent", "how_sure", "source"),
    *("corrected_by", "digest"),
)


def timeline_table(entries: Sequence[TimelineEntry]) -> Table:
    """A timeline for a spreadsheet."""
    return table_of(_("Timeline"), _COLUMNS, [one.in_words() for one in entries])


async def timeline(
    application: Application,
    history: Iterable[tuple[RecordedEvent, EventEnvelope[Event]]],
    background: Background,
    corrected: Mapping[int, int],
    most: int | None = None,
) -> list[TimelineEntry]:
    """The timeline of a history. `corrected` maps versions to the versions of their corrections.

    `most` is how many characters of each text are told; None: all.
    """
    pairs = tuple(history)
    words = await event_texts(application, background, (envelope for _row, envelope in pairs), most=most)
    people = await application.people.names(
        {one for row, _envelope in pairs for one in (row.actor, row.stand_in_for) if one is not None}
    )
    return [
        TimelineEntry(
            row,
            one,
            _who(row.actor, people),
            corrected.get(row.version),
            (people.get(row.stand_in_for) or _("a person without a name here")) if row.stand_in_for else "",
            background.names.get(row.unit, row.unit),
        )
        for (row, _envelope), one in zip(pairs, words, strict=True)
    ]


def _who(actor: str, names: Mapping[str, str]) -> str:
    if actor in _NO_PERSONS:
        return _(_NO_PERSONS[actor])
    return names.get(actor) or _("a person without a name here")


_NO_PERSONS: Mapping[str, str] = {
    CLOCK: N_("the clock"),
    OPERATOR: N_("The operator of the machine"),
    STREAM: N_("the register itself"),
}
"""Actors that are no persons, in words."""


async def installation_timeline(application: Application, asked: PageRequest) -> Paged[TimelineEntry]:
    """A page of the installation's own stream: its keys, what was done to accounts, what was erased."""
    shown = Paged.of(await application.history(STREAM), asked)
    return shown.with_rows(await timeline(application, shown.rows, Background(()), {}))


async def timeline_of(
    application: Application, cycle: VisitedCycle, history: History | None = None, most: int | None = None
) -> list[TimelineEntry]:
    """The timeline of a cycle, as far as the visitor may read it; or of the part of that `history` that is named.

    `most` as in `timeline`.
    """
    if history is None:
        history = await of_many(len(cycle.history), cycle.readable_history)
    return await timeline(application, history, cycle.background, cycle.readable_state().corrections.corrected, most)


@dataclass(frozen=True, slots=True)
class TimelineFilter:
    """Which entries: of a unit, with a sureness, of a step, whose words hold some; "" leaves out none."""

    unit: str = ""
    sureness: str = ""
    step: str = ""
    words: str = ""
    newest_first: bool = False

    def _fits(self, row: RecordedEvent) -> bool:
        return self.unit in {"", row.unit} and self.sureness in {"", row.provenance} and self.step in {"", step_of(row)}

    def _history(self, cycle: VisitedCycle) -> History:
        found = tuple(pair for pair in cycle.readable_history() if self._fits(pair[0]))
        return found[::-1] if self.newest_first else found

    async def page(
        self, application: Application, cycle: VisitedCycle, asked: PageRequest, most: int | None = None
    ) -> Paged[TimelineEntry]:
        """A page of the entries that fit; of each text `most` characters are told.

        Only a search for words tells those of other pages, too.
        """
        history = await of_many(len(cycle.history), self._history, cycle)
        if words := folded(self.words):
            entries = await timeline_of(application, cycle, history, most)
            found = await of_many(len(entries), lambda: [one for one in entries if words in folded(str(one.told))])
            return Paged.of(found, asked)
        shown = Paged.of(history, asked)
        return shown.with_rows(await timeline_of(application, cycle, shown.rows, most))
