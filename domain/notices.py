"""Notices: which units are notified of an event. A pure function of the event and the state after it.

Events of a backfilled cycle cause no notices, because they happened long ago.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from domain.records import Event, EventEnvelope
from domain.state import State
from domain.steps import (
    awards,
    clock,
    conclusion,
    corrections,
    drafting,
    escalation,
    extensions,
    lifecycle,
    manual_reminders,
    midyear,
)
from domain.times import day_ending

OVERSEER = "overseer"
"""Stands for the addressee where a notice goes to the overseer of the cluster."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message. `to` is a unit's id, the organiser's id or `OVERSEER`; `facts` fill the text of `kind`."""

    kind: str
    to: str
    facts: Mapping[str, Any]


def _head(state: State) -> str:
    """Return the head unit; the organiser while no head is known."""
    head = state.membership.holder("head")
    return head if head in state.membership.stays else state.lifecycle.organiser


def _all_members(kind: str, state: State, **facts: Any) -> Iterator[Notice]:
    for unit in state.membership.members():
        yield Notice(kind, unit, facts)


def _opened(e: lifecycle.CycleOpened, state: State) -> Iterator[Notice]:
    yield from _all_members("cycle_opened", state, year=e.year)


def _calendar(e: lifecycle.CalendarChanged, state: State) -> Iterator[Notice]:
    yield from _all_members("cycle_goes_live", state, year=state.lifecycle.year)


def _presented(e: drafting.DraftPresented, state: State) -> Iterator[Notice]:
    kind = "draft_reissued" if e.reissues is not None else "draft_presented"
    yield from _all_members(kind, state, draft=e.kind, number=e.number)


def _reminded(e: clock.UnitReminded, state: State) -> Iterator[Notice]:
    yield Notice("reminded", e.unit, {"duty": e.duty, "subject": e.subject, "due": day_ending(e.due)})


def _passed(e: clock.DeadlinePassed, state: State) -> Iterator[Notice]:
    facts = {"duty": e.duty, "subject": e.subject, "due": day_ending(e.due), "unit": e.unit}
    yield Notice("overdue", e.unit, facts)
    if e.unit != state.lifecycle.organiser:
        yield Notice("overdue_of_unit", state.lifecycle.organiser, facts)


def _reminded_by_hand(e: manual_reminders.UnitsReminded, state: State) -> Iterator[Notice]:
    for unit in e.units if e.channel == "message" else ():
        yield Notice("reminded_by_hand", unit, {"duty": e.duty})


def _proposed(e: escalation.EscalationProposed, state: State) -> Iterator[Notice]:
    yield Notice("escalation_proposed", state.lifecycle.organiser, {"duty": e.duty, "units": e.units})


def _confirmed(e: escalation.EscalationConfirmed, state: State) -> Iterator[Notice]:
    if state.membership.overseer is None:
        yield Notice("escalated_to_nobody", state.lifecycle.organiser, {"duty": e.duty, "units": e.units})
        return
    yield Notice("escalation_confirmed", OVERSEER, {"duty": e.duty, "units": e.units})
    for unit in e.units:
        yield Notice("escalated", unit, {"duty": e.duty})


def _asked(e: extensions.ExtensionAsked, state: State) -> Iterator[Notice]:
    yield Notice("extension_asked", state.lifecycle.organiser, {"duty": e.duty, "unit": e.unit, "until": e.until})


def _granted(e: extensions.ExtensionGranted, state: State) -> Iterator[Notice]:
    for unit in (e.unit,) if e.unit else state.membership.members():
        yield Notice("extension_granted", unit, {"duty": e.duty, "until": e.until})


def _refused(e: extensions.ExtensionRefused, state: State) -> Iterator[Notice]:
    yield Notice("extension_refused", e.unit, {"duty": e.duty})


def _sent_back(e: midyear.ReportSentBack, state: State) -> Iterator[Notice]:
    yield Notice("report_sent_back", e.unit, {})


def _answered(e: midyear.CorrectionAnswered, state: State) -> Iterator[Notice]:
    for unit in dict.fromkeys((_head(state), state.lifecycle.organiser)):
        yield Notice("correction_answered", unit, {"unit": e.unit})


def _accepted(e: midyear.ReportAccepted, state: State) -> Iterator[Notice]:
    yield Notice("report_accepted", e.unit, {})


def _reopened(e: lifecycle.DutyReopened, state: State) -> Iterator[Notice]:
    yield from _all_members("duty_reopened", state, duty=e.duty)


def _submitted(e: conclusion.NominationsSubmitted, state: State) -> Iterator[Notice]:
    yield Notice("submitted", state.lifecycle.organiser, {"title": e.submission.title or e.submission.number})


def _published(e: conclusion.ResultsPublished, state: State) -> Iterator[Notice]:
    yield from _all_members("results_published", state)


def _award(kind: str) -> Callable[[Any, State], Iterator[Notice]]:
    """Return the function that notifies a unit of a decision about its award."""

    def notice(e: awards.AwardHeld | awards.AwardReleased | awards.AwardAnnulled, state: State) -> Iterator[Notice]:
        yield Notice(kind, e.unit, {"award": e.award})

    return notice


def _complained(e: awards.ComplaintFiled, state: State) -> Iterator[Notice]:
    yield Notice("complaint_filed", state.lifecycle.organiser, {"number": e.number})


def _corrected(e: corrections.ActCorrected, state: State) -> Iterator[Notice]:
    for unit in dict.fromkeys((_head(state), state.lifecycle.organiser)):
        yield Notice("act_corrected", unit, {"versions": e.versions})


NOTICES_OF: Mapping[type[Event], Callable[[Any, State], Iterator[Notice]]] = {
    lifecycle.CycleOpened: _opened,
    lifecycle.CalendarChanged: _calendar,
    drafting.DraftPresented: _presented,
    clock.UnitReminded: _reminded,
    clock.DeadlinePassed: _passed,
    manual_reminders.UnitsReminded: _reminded_by_hand,
    escalation.EscalationProposed: _proposed,
    escalation.EscalationConfirmed: _confirmed,
    extensions.ExtensionAsked: _asked,
    extensions.ExtensionGranted: _granted,
    extensions.ExtensionRefused: _refused,
    midyear.ReportSentBack: _sent_back,
    midyear.CorrectionAnswered: _answered,
    midyear.ReportAccepted: _accepted,
    lifecycle.DutyReopened: _reopened,
    conclusion.NominationsSubmitted: _submitted,
    conclusion.ResultsPublished: _published,
    corrections.ActCorrected: _corrected,
    awards.AwardHeld: _award("award_held"),
    awards.AwardReleased: _award("award_released"),
    awards.AwardAnnulled: _award("award_annulled"),
    awards.ComplaintFiled: _complained,
}


def notices(envelope: EventEnvelope[Event], after: State) -> tuple[Notice, ...]:
    """Return the notices that an event causes. `after` is the state after the event."""
    notices_of = NOTICES_OF.get(type(envelope.event))
    if notices_of is None or after.lifecycle.clock == "backfill":
        return ()
    return tuple(notices_of(envelope.event, after))
