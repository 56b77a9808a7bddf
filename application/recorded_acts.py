"""What stands in a cycle's register, act by act, for everybody who may read the cycle: with all that was entered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from application.application import Application
from application.event_texts import IN_LISTS, event_texts
from application.timeline import step_of
from application.visits import History, VisitedCycle
from application.work import of_many
from domain.records import CLOCK, Event, EventEnvelope
from i18n.timeline import EventText
from ledger.events import RecordedEvent
from ledger.paging import Paged, PageRequest


@dataclass(frozen=True, slots=True)
class RecordedAct:
    """An event of an act that stands, in words. Who entered it is for readers of the timeline."""

    row: RecordedEvent
    told: EventText

    def values(self) -> dict[str, Any]:
        """The act as the JSON interface gives it."""
        row = self.row
        return {
            "version": row.version,
            "type": row.type,
            "text": self.told.sentence,
            "details": self.told.values(),
            "sureness": row.provenance,
        }


def standing_acts(cycle: VisitedCycle) -> History:
    """What persons entered and no correction took back, as far as the visitor may read it, in order."""
    corrected = cycle.readable_state().corrections.corrected
    return tuple(
        (row, envelope)
        for row, envelope in cycle.readable_history()
        if row.actor != CLOCK and row.version not in corrected
    )


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers between two acts of the list that it leaves out, and why: what the reader may know of it."""

    first: int
    last: int
    by_clock: bool
    corrected: bool
    closed: bool
    """Some of them are closed to the reader: nothing else is told of these."""


def gaps_below(cycle: VisitedCycle, acts: Sequence[RecordedAct]) -> dict[int, Gap]:
    """By the version of an act of the list, what is left out between it and the act before it."""
    versions = [row.version for row, _envelope in standing_acts(cycle)]
    before = dict(zip(versions, (0, *versions), strict=False))
    found = ((one.row.version, _gap(cycle, before[one.row.version] + 1, one.row.version - 1)) for one in acts)
    return {version: gap for version, gap in found if gap is not None}


def _gap(cycle: VisitedCycle, first: int, last: int) -> Gap | None:
    if first > last:
        return None
    readable = cycle.readable.versions
    seen = [version for version in range(first, last + 1) if version in readable]
    clock = [version for version in seen if cycle.by_version[version][0].actor == CLOCK]
    return Gap(first, last, bool(clock), len(clock) < len(seen), len(seen) <= last - first)


def steps_of(history: History) -> list[str]:
    """The steps that events belong to, each once, in the order of the events."""
    return list(dict.fromkeys(step_of(row) for row, _envelope in history))


async def recorded_acts(
    application: Application, cycle: VisitedCycle, asked: PageRequest, step: str = "", most: int = IN_LISTS
) -> Paged[RecordedAct]:
    """A page of the acts that stand, the latest first; `step` leaves out those of other steps.

    `most` characters of each text are told.
    """
    standing = await of_many(len(cycle.history), standing_acts, cycle)
    fitting = [pair for pair in reversed(standing) if step in {"", step_of(pair[0])}]
    shown = Paged.of(fitting, asked)
    return shown.with_rows(await _told(application, cycle, shown.rows, most))


async def all_acts(application: Application, cycle: VisitedCycle) -> list[RecordedAct]:
    """All acts that stand, in order."""
    return await _told(application, cycle, await of_many(len(cycle.history), standing_acts, cycle))


async def _told(
    application: Application,
    cycle: VisitedCycle,
    pairs: Sequence[tuple[RecordedEvent, EventEnvelope[Event]]],
    most: int | None = None,
) -> list[RecordedAct]:
    envelopes = (envelope for _row, envelope in pairs)
    words = await event_texts(application, cycle.background, envelopes, most=most)
    return [RecordedAct(row, one) for (row, _envelope), one in zip(pairs, words, strict=True)]
