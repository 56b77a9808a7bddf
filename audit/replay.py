"""Replay: a past state of a stream, computed from events alone.

A replay takes a subset of the events, in stream order: those that happened up to the end of a day, those up to a
version, or those recorded up to the end of a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from domain.city_year import CITY_YEAR, CityState
from domain.codec import plain, state_digest
from domain.cycle import CYCLE
from domain.decider import Decider
from domain.deviations import deviations
from domain.due_dates import Obligation
from domain.obligations import obligations, steps
from domain.records import Event, EventEnvelope
from domain.rules import Edition, in_force
from domain.state import State
from domain.streams import is_cycle, is_year
from domain.summaries import deviation_values, obligation_values, step_values
from domain.times import When, end_of
from ledger.events import NO_DIGEST, RecordedEvent
from ledger.mapping import to_envelope

_DIGEST = re.compile(r"[0-9a-f]{64}")
S = TypeVar("S")
_WEAKEST = ("stated", "inferred", "unsourced", "rehearsed")
"""Kinds of provenance, the weakest last."""


def _weaker(kind: str, other: str | None) -> str:
    return kind if other is None else max(kind, other, key=_WEAKEST.index)


@dataclass(frozen=True, slots=True)
class SurenessIndex:
    """The weakest provenance of the events with an event name or a date: for what is derived from them."""

    by_event: Mapping[str, str]
    by_when: Mapping[When, str]

    @classmethod
    def of(cls, history: Iterable[EventEnvelope[Event]]) -> SurenessIndex:
        """Return the index of a history."""
        by_event, by_when = dict[str, str](), dict[When, str]()
        for event, meta in history:
            kind = meta.provenance.kind
            by_event[event.NAME] = _weaker(kind, by_event.get(event.NAME))
            by_when[meta.happened] = _weaker(kind, by_when.get(meta.happened))
        return cls(by_event, by_when)


@dataclass(frozen=True, slots=True)
class Replay(Generic[S]):
    """A replayed state. `possible` are events whose date range contains the end of the day asked for: not included."""

    stream: str
    state: S
    rules: Edition
    events: int
    last_version: int
    possible: tuple[RecordedEvent, ...]
    sure: SurenessIndex


def select(
    rows: Sequence[RecordedEvent], *, at: date | None = None, version: int | None = None, known_on: date | None = None
) -> tuple[list[RecordedEvent], list[RecordedEvent]]:
    """Return the rows that belong to the replay, and those that possibly do.

    An opening that was inferred comes with the first act that belongs: a cycle that a file opened can have older acts.
    """
    selected, possible = [], []
    opening: RecordedEvent | None = None
    for row in rows:
        if version is not None and row.version > version:
            continue
        if known_on is not None and row.recorded_at > end_of(known_on):
            continue
        if at is not None and row.happened_latest > end_of(at):
            if row.version == 1 and row.provenance == "inferred":
                opening = row
            elif row.happened_earliest < end_of(at):
                possible.append(row)
            continue
        selected.append(row)
    if opening is not None and selected:
        selected.insert(0, opening)
    elif opening is not None and at is not None and opening.happened_earliest < end_of(at):
        possible.insert(0, opening)
    return selected, possible


def replay(
    stream: str,
    rows: Sequence[RecordedEvent],
    editions: Mapping[str, Edition],
    *,
    at: date | None = None,
    version: int | None = None,
    known_on: date | None = None,
) -> Replay[State] | Replay[CityState]:
    """Compute a past state of a stream. `editions` holds the rules by digest.

    Raises:
        KeyError: the stream is one of the installation's own, which have no state.
    """
    if is_cycle(stream):
        return replay_with(CYCLE, stream, rows, editions, at=at, version=version, known_on=known_on)
    if is_year(stream):
        return replay_with(CITY_YEAR, stream, rows, editions, at=at, version=version, known_on=known_on)
    raise KeyError(stream)


def replay_with(
    decider: Decider[S],
    stream: str,
    rows: Sequence[RecordedEvent],
    editions: Mapping[str, Edition],
    *,
    at: date | None = None,
    version: int | None = None,
    known_on: date | None = None,
) -> Replay[S]:
    """Compute a past state of a stream whose decider is known, as `replay`."""
    selected, possible = select(rows, at=at, version=version, known_on=known_on)
    envelopes: list[EventEnvelope[Event]] = [to_envelope(row) for row in selected]
    state = decider.fold(envelopes)
    rules = in_force(decider.adoptions(state), editions)
    return Replay(
        stream,
        state,
        rules,
        len(selected),
        selected[-1].version if selected else 0,
        tuple(possible),
        SurenessIndex.of(envelopes),
    )


def broken_at(rows: Sequence[RecordedEvent]) -> int | None:
    """Return the position of a stream's first row that was changed or does not follow its predecessor; None if none."""
    previous = NO_DIGEST
    for version, row in enumerate(rows, start=1):
        if row.version != version or row.previous != previous or row.expected_digest() != row.digest:
            return row.position
        previous = row.digest
    return None


def replay_as_json(found: Replay[State] | Replay[CityState], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return a replay as JSON values. `texts` holds the texts that still exist, by digest."""
    answer: dict[str, Any] = {
        "stream": found.stream,
        "events": found.events,
        "version": found.last_version,
        "state_digest": state_digest(found.state),
        "state": plain(found.state),
        "texts": dict(sorted(texts.items())),
        "possible": [{"version": row.version, "type": row.type} for row in found.possible],
    }
    if isinstance(found.state, State):
        owed = obligations(found.state, found.rules)
        answer["steps"] = [
            {**step_values(step), "sureness": found.sure.by_when.get(step.done) if step.done else None}
            for step in steps(found.state, found.rules, owed)
        ]
        answer["deviations"] = [
            {**deviation_values(one), "sureness": found.sure.by_when.get(one.on) if one.on else None}
            for one in deviations(found.state, found.rules)
        ]
        answer["obligations"] = [_obligation(one, found.sure) for one in owed]
    return answer


def _obligation(owed: Obligation, sure: SurenessIndex) -> dict[str, Any]:
    values = obligation_values(owed)
    del values["article"]
    return {**values, "sureness": sure.by_when.get(owed.done) if owed.done else None}


def digests_in(value: Any) -> set[str]:
    """Return all strings in plain values that look like digests: candidates for texts to load."""
    if isinstance(value, str):
        return {value} if _DIGEST.fullmatch(value) else set()
    if isinstance(value, Mapping):
        return set().union(*(digests_in(entry) for entry in value.values())) if value else set()
    if isinstance(value, (list, tuple)):
        return set().union(*(digests_in(entry) for entry in value)) if value else set()
    return set()
