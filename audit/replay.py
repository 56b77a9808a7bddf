"""Replay: the state of a stream as it was, computed from events alone.

To a day: the events dated at or before its end, in stream order. To a version: the first so many. As known on a day:
what had been recorded by then. `evolve` takes any such subset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from domain.codec import plain, state_digest
from domain.cycle import State
from domain.deviations import deviations
from domain.obligations import obligations, steps
from domain.rules import NO_RULES, Edition
from domain.streams import decider_of
from domain.types import Event, EventEnvelope, When, end_of
from ledger.events import NO_DIGEST, RecordedEvent
from ledger.mapping import to_envelope

_WEAKEST = ("stated", "inferred", "rehearsed")


def _weaker(one: str, other: str | None) -> str:
    return one if other is None else max(one, other, key=_WEAKEST.index)


@dataclass(frozen=True, slots=True)
class SurenessIndex:
    """How sure what is derived from events is: as the least sure of the events that it follows from."""

    by_event: Mapping[str, str]
    by_when: Mapping[When, str]
    by_day: Mapping[date, str]

    @classmethod
    def of(cls, history: Iterable[EventEnvelope[Event]]) -> SurenessIndex:
        """Of a history."""
        by_event, by_when, by_day = dict[str, str](), dict[When, str](), dict[date, str]()
        for event, meta in history:
            kind = meta.provenance.kind
            by_event[event.NAME] = _weaker(kind, by_event.get(event.NAME))
            by_when[meta.happened] = _weaker(kind, by_when.get(meta.happened))
            by_day[meta.happened.day] = _weaker(kind, by_day.get(meta.happened.day))
        return cls(by_event, by_when, by_day)


@dataclass(frozen=True, slots=True)
class Replay:
    """A state with what it was computed from. `possible` are events whose date straddles the day asked for."""

    stream: str
    state: Any
    rules: Edition
    events: int
    last_version: int
    possible: tuple[RecordedEvent, ...]
    sure: SurenessIndex


def select(
    rows: Sequence[RecordedEvent], *, at: date | None = None, version: int | None = None, known_on: date | None = None
) -> tuple[list[RecordedEvent], list[RecordedEvent]]:
    """The rows that count, and those that only may."""
    kept, possible = [], []
    for row in rows:
        if version is not None and row.version > version:
            continue
        if known_on is not None and row.recorded_at > end_of(known_on):
            continue
        if at is not None and row.happened_latest > end_of(at):
            if row.happened_earliest < end_of(at):
                possible.append(row)
            continue
        kept.append(row)
    return kept, possible


def replay(
    stream: str,
    rows: Sequence[RecordedEvent],
    editions: Mapping[str, Edition],
    *,
    at: date | None = None,
    version: int | None = None,
    known_on: date | None = None,
) -> Replay:
    """Compute a stream's state as it was. `editions` holds the rules by digest."""
    decider = decider_of(stream)
    kept, possible = select(rows, at=at, version=version, known_on=known_on)
    told: list[EventEnvelope[Event]] = [to_envelope(row) for row in kept]
    state = decider.fold(told)
    digest = decider.edition(state)
    rules = editions.get(digest, NO_RULES) if digest else NO_RULES
    return Replay(
        stream, state, rules, len(kept), kept[-1].version if kept else 0, tuple(possible), SurenessIndex.of(told)
    )


def broken_at(rows: Sequence[RecordedEvent]) -> int | None:
    """The position of a stream's first row that was changed or does not follow the one before it; None if none was."""
    previous = NO_DIGEST
    for version, row in enumerate(rows, start=1):
        if row.version != version or row.previous != previous or row.expected_digest() != row.digest:
            return row.position
        previous = row.digest
    return None


def replay_as_json(found: Replay, texts: Mapping[str, str]) -> dict[str, Any]:
    """A replay as JSON values. `texts` gives the words behind digests, where they still exist."""
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
            {
                "step": s.name,
                "done": s.done.day.isoformat() if s.done else None,
                "waiting_for": list(s.waiting_for),
                "sureness": found.sure.by_when.get(s.done) if s.done else None,
            }
            for s in steps(owed, found.rules)
        ]
        answer["deviations"] = [
            {**plain(asdict(d)), "sureness": found.sure.by_day.get(d.on) if d.on else None}
            for d in deviations(found.state, found.rules)
        ]
        answer["obligations"] = [
            {
                "duty": o.duty.value,
                "bearer": o.bearer,
                "subject": o.subject or None,
                "due": o.due.isoformat() if o.due else None,
                "done": o.done.day.isoformat() if o.done else None,
                "late": o.late,
                "extended": o.extended,
                "waits_for": list(o.waits_for),
                "sureness": found.sure.by_when.get(o.done) if o.done else None,
            }
            for o in owed
        ]
    return answer


def digests_in(value: Any) -> set[str]:
    """Everything in plain values that looks like a digest: candidates for texts to look up."""
    if isinstance(value, str):
        return {value} if len(value) == 64 and all(c in "0123456789abcdef" for c in value) else set()  # noqa: PLR2004
    if isinstance(value, Mapping):
        return set().union(*(digests_in(entry) for entry in value.values())) if value else set()
    if isinstance(value, (list, tuple)):
        return set().union(*(digests_in(entry) for entry in value)) if value else set()
    return set()
