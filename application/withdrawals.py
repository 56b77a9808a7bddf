"""What an act takes back: the report, score, stance or comment that stood until it was withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from domain.records import Event, EventEnvelope
from domain.scoring.scores import ScoredSelfTogether, SelfScored, SelfScoreWithdrawn
from domain.steps.commenting import CommentAdded, CommentWithdrawn, StanceTaken, StanceWithdrawn
from domain.steps.corrections import ActCorrected
from domain.steps.midyear import MidyearReported, MidyearReportedTogether, ReportWithdrawn

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


def withdrawn_events(envelopes: Iterable[EventEnvelope[Event]]) -> dict[int, EventEnvelope[Event]]:
    """Return by the version of each withdrawal the event that it takes back, as far as the envelopes have it."""
    found: dict[int, EventEnvelope[Event]] = {}
    standing: dict[Hashable, list[EventEnvelope[Event]]] = {}
    corrected: set[int] = set()
    for envelope in envelopes:
        event = envelope.event
        if isinstance(event, ActCorrected):
            corrected.update(event.versions)
        elif (of := _HANDED_IN.get(type(event))) is not None:
            for matter in of(event):
                standing.setdefault(matter, []).append(envelope)
        elif (of := _TAKES_BACK.get(type(event))) is not None:
            for matter in of(event):
                stood = [one for one in standing.pop(matter, []) if one.meta.version not in corrected]
                if stood:
                    found[envelope.meta.version] = stood[-1]
    return found
