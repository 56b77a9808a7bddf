"""What acts take back: reports, scores, stances and comments that stood until they were withdrawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.records import Command, Event, EventEnvelope
from domain.scoring.scores import ScoredSelfTogether, SelfScored, SelfScoreWithdrawn, WithdrawScore
from domain.steps.commenting import (
    CommentAdded,
    CommentWithdrawn,
    StanceTaken,
    StanceWithdrawn,
    WithdrawComment,
    WithdrawStance,
)
from domain.steps.corrections import ActCorrected, CorrectAct
from domain.steps.midyear import MidyearReported, MidyearReportedTogether, ReportWithdrawn, WithdrawReport

TAKE_BACK: frozenset[type[Command]] = frozenset(
    {CorrectAct, WithdrawComment, WithdrawReport, WithdrawScore, WithdrawStance}
)
"""Acts after which something that stood stands no more."""

_Matters = Mapping[type[Event], Callable[[Any], Iterable[Hashable]]]

_HANDED_IN: _Matters = {
    MidyearReported: lambda event: (("report", event.unit),),
    MidyearReportedTogether: lambda event: (("report", unit) for unit in event.units),
    SelfScored: lambda event: (("score", event.unit),),
    ScoredSelfTogether: lambda event: (("score", unit) for unit in event.units),
    StanceTaken: lambda event: (("stance", event.unit, event.on),),
    CommentAdded: lambda event: (("comment", event.number),),
}
"""What each of these events hands in, as what takes it back names it."""

_TAKES_BACK: _Matters = {
    ReportWithdrawn: lambda event: (("report", event.unit),),
    SelfScoreWithdrawn: lambda event: (("score", event.unit),),
    StanceWithdrawn: lambda event: (("stance", event.unit, event.on),),
    CommentWithdrawn: lambda event: (("comment", event.number),),
}

TAKING_BACK: frozenset[type[Event]] = frozenset(_TAKES_BACK)
"""The events that take something back."""

_WITHDRAWN_BY: Mapping[type[Event], tuple[type[Command], tuple[str, ...]]] = {
    MidyearReported: (WithdrawReport, ("unit",)),
    SelfScored: (WithdrawScore, ("unit",)),
    StanceTaken: (WithdrawStance, ("unit", "on")),
    CommentAdded: (WithdrawComment, ("number",)),
}
"""The act that takes back what an event hands in, and the fields that both have."""


def withdrawing(event: Event) -> tuple[type[Command], dict[str, Any]] | None:
    """Return the act that takes back what an event hands in, with its fields; None where there is none."""
    if (found := _WITHDRAWN_BY.get(type(event))) is None:
        return None
    act, names = found
    return act, {name: value for name in names if (value := getattr(event, name)) is not None}


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What was withdrawn, the act that withdrew it, and what was handed in afterwards in its place."""

    what: EventEnvelope[Event]
    by: EventEnvelope[Event]
    again: EventEnvelope[Event] | None = None

    @property
    def is_named(self) -> bool:
        """Whether the entry as a whole is withdrawn: what several units handed in together stands for the others."""
        return not isinstance(self.what.event, (MidyearReportedTogether, ScoredSelfTogether))


def withdrawals(envelopes: Sequence[EventEnvelope[Event]]) -> tuple[Withdrawal, ...]:
    """Return the withdrawals that stand, in order, as far as the envelopes have what they take back."""
    corrected = {version for one in envelopes if isinstance(one.event, ActCorrected) for version in one.event.versions}
    standing: dict[Hashable, EventEnvelope[Event]] = {}
    found: list[Withdrawal] = []
    latest: dict[Hashable, int] = {}  # the withdrawal of a matter that nothing has replaced yet
    for envelope in envelopes:
        if envelope.meta.version in corrected:
            continue
        for matter in _matters(_HANDED_IN, envelope.event):
            standing[matter] = envelope
            if (at := latest.pop(matter, None)) is not None:
                found[at] = replace(found[at], again=envelope)
        for matter in _matters(_TAKES_BACK, envelope.event):
            if (what := standing.pop(matter, None)) is not None:
                latest[matter] = len(found)
                found.append(Withdrawal(what, envelope))
    return tuple(found)


def by_version(found: Iterable[Withdrawal]) -> Mapping[int, tuple[Withdrawal, ...]]:
    """Return the withdrawals that the entry with a version has part in: as what is withdrawn, by it, or after it."""
    parts: dict[int, list[Withdrawal]] = defaultdict(list)
    for one in found:
        if one.is_named:
            parts[one.what.meta.version].append(one)
        parts[one.by.meta.version].append(one)
        if one.again is not None:
            parts[one.again.meta.version].append(one)
    return {version: tuple(of) for version, of in parts.items()}


def _matters(of: _Matters, event: Event) -> Iterable[Hashable]:
    told = of.get(type(event))
    return () if told is None else told(event)
