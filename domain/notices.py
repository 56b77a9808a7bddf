"""Notices: which units are notified of an event. A pure function of the event and the state after it.

Events of a backfilled cycle cause no notices, because they happened long ago.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from domain import notice_kinds as kinds
from domain.due_dates import Obligation
from domain.duties import Duty
from domain.notice_kinds import OVERSEER, Notice
from domain.records import Event, EventEnvelope
from domain.rules import NO_RULES, Edition
from domain.scoring import scores
from domain.state import State
from domain.steps import (
    awards,
    clock,
    commenting,
    conclusion,
    corrections,
    drafting,
    escalation,
    extensions,
    lifecycle,
    manual_reminders,
    midyear,
)


def _head(state: State) -> str:
    """Return the head unit; the organiser while no head is known."""
    head = state.membership.holder("head")
    return head if head in state.membership.stays else state.lifecycle.organiser


def _opened(e: lifecycle.CycleOpened, state: State) -> Iterator[Notice]:
    for unit in state.membership.members():
        yield kinds.CycleOpenedNotice(to=unit, year=e.year)


def _calendar(e: lifecycle.CalendarChanged, state: State) -> Iterator[Notice]:
    for unit in state.membership.members():
        yield kinds.CycleGoesLiveNotice(to=unit, year=state.lifecycle.year)


def _presented(e: drafting.DraftPresented, state: State) -> Iterator[Notice]:
    kind = kinds.DraftReissuedNotice if e.reissues is not None else kinds.DraftPresentedNotice
    for unit in state.membership.members():
        yield kind(to=unit, draft=e.kind, number=e.number)


def _reminded(e: clock.UnitReminded, state: State) -> Iterator[Notice]:
    yield kinds.RemindedNotice(to=e.unit, duty=e.duty, subject=e.subject, due=e.due)


def _passed(e: clock.DeadlinePassed, state: State) -> Iterator[Notice]:
    organiser = state.lifecycle.organiser
    yield kinds.OverdueNotice(to=e.unit, duty=e.duty, subject=e.subject, due=e.due)
    if e.unit != organiser:
        yield kinds.OverdueOfUnitNotice(to=organiser, unit=e.unit, duty=e.duty, subject=e.subject, due=e.due)


def _reminded_by_hand(e: manual_reminders.UnitsReminded, state: State) -> Iterator[Notice]:
    for unit in e.units if e.channel == "message" else ():
        yield kinds.RemindedByHandNotice(to=unit, duty=e.duty, reason=e.text)


def _proposed(e: escalation.EscalationProposed, state: State) -> Iterator[Notice]:
    yield kinds.EscalationProposedNotice(to=state.lifecycle.organiser, duty=e.duty, units=e.units, due=e.due)


def _confirmed(e: escalation.EscalationConfirmed, state: State) -> Iterator[Notice]:
    if state.membership.overseer is None:
        yield kinds.EscalatedToNobodyNotice(to=state.lifecycle.organiser, duty=e.duty, units=e.units)
        return
    yield kinds.EscalationConfirmedNotice(to=OVERSEER, duty=e.duty, units=e.units)
    for unit in e.units:
        yield kinds.EscalatedNotice(to=unit, duty=e.duty)


def _asked(e: extensions.ExtensionAsked, state: State) -> Iterator[Notice]:
    yield kinds.ExtensionAskedNotice(
        to=state.lifecycle.organiser, unit=e.unit, duty=e.duty, until=e.until, reason=e.reason
    )


def _granted(e: extensions.ExtensionGranted, state: State) -> Iterator[Notice]:
    for unit in (e.unit,) if e.unit else state.membership.members():
        yield kinds.ExtensionGrantedNotice(to=unit, duty=e.duty, until=e.until, reason=e.reason)


def _refused(e: extensions.ExtensionRefused, state: State) -> Iterator[Notice]:
    yield kinds.ExtensionRefusedNotice(to=e.unit, duty=e.duty, reason=e.reason)


def _sent_back(e: midyear.ReportSentBack, state: State) -> Iterator[Notice]:
    yield kinds.ReportSentBackNotice(to=e.unit, reason=e.text)


def _answered(e: midyear.CorrectionAnswered, state: State) -> Iterator[Notice]:
    for unit in dict.fromkeys((_head(state), state.lifecycle.organiser)):
        yield kinds.CorrectionAnsweredNotice(to=unit, unit=e.unit)


def _accepted(e: midyear.ReportAccepted, state: State) -> Iterator[Notice]:
    yield kinds.ReportAcceptedNotice(to=e.unit)


def _reopened(e: lifecycle.DutyReopened, state: State) -> Iterator[Notice]:
    for unit in state.membership.members():
        yield kinds.DutyReopenedNotice(to=unit, duty=e.duty, reason=e.reason)


def _submitted(e: conclusion.NominationsSubmitted, state: State) -> Iterator[Notice]:
    title = e.submission.title or e.submission.number
    yield kinds.SubmittedNotice(to=state.lifecycle.organiser, title=title)


def _published(e: conclusion.ResultsPublished, state: State) -> Iterator[Notice]:
    for unit in state.membership.members():
        yield kinds.ResultsPublishedNotice(to=unit)


def _held(e: awards.AwardHeld, state: State) -> Iterator[Notice]:
    yield kinds.AwardHeldNotice(to=e.unit, award=e.award)


def _released(e: awards.AwardReleased, state: State) -> Iterator[Notice]:
    yield kinds.AwardReleasedNotice(to=e.unit, award=e.award)


def _annulled(e: awards.AwardAnnulled, state: State) -> Iterator[Notice]:
    yield kinds.AwardAnnulledNotice(to=e.unit, award=e.award)


def _complained(e: awards.ComplaintFiled, state: State) -> Iterator[Notice]:
    yield kinds.ComplaintFiledNotice(to=state.lifecycle.organiser, number=e.number)


def _corrected(e: corrections.ActCorrected, state: State) -> Iterator[Notice]:
    for unit in dict.fromkeys((_head(state), state.lifecycle.organiser)):
        yield kinds.ActCorrectedNotice(to=unit, versions=e.versions)


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
    awards.AwardHeld: _held,
    awards.AwardReleased: _released,
    awards.AwardAnnulled: _annulled,
    awards.ComplaintFiled: _complained,
}


WITHDRAWN: Mapping[type[Event], Duty] = {
    scores.SelfScoreWithdrawn: Duty.SELF_SCORE,
    midyear.ReportWithdrawn: Duty.MIDYEAR_REPORT,
    commenting.StanceWithdrawn: Duty.STANCE,
    commenting.CommentWithdrawn: Duty.STANCE,
}
"""Events by which a unit's own act is taken back, with the duty that is owed again."""

HANDED_IN: Mapping[type[Event], Duty] = {
    scores.SelfScored: Duty.SELF_SCORE,
    midyear.MidyearReported: Duty.MIDYEAR_REPORT,
}
"""Events by which a unit hands in what it alone owes."""


def notices(
    envelope: EventEnvelope[Event],
    after: State,
    entered_by: Mapping[int, str] = MappingProxyType({}),
    rules: Edition = NO_RULES,
) -> tuple[Notice, ...]:
    """Return the notices that an event causes. `after` is the state after the event.

    `entered_by` names by version the units that entered earlier events; it is needed for corrections only. By `rules`
    a notice of a duty says when it is due, and which article says so.
    """
    if after.lifecycle.clock == "backfill":
        return ()
    notices_of = NOTICES_OF.get(type(envelope.event))
    caused = () if notices_of is None else notices_of(envelope.event, after)
    found = (*caused, *_to_whose_act_it_was(envelope, after, entered_by))
    # Once for all notices of an event: they follow from the whole cluster, of which each member may get one.
    obligations = cache(lambda: after.obligations(rules))
    return tuple(_dated(notice, rules, obligations) for notice in found if _may_know(notice, after))


def _dated(notice: Notice, rules: Edition, obligations: Callable[[], tuple[Obligation, ...]]) -> Notice:
    """Fill in when the duty of a notice is due, and by which article, where the event does not say so."""
    wanted = {name for name in ("due", "article") if name in type(notice).model_fields and not getattr(notice, name)}
    if notice.asks is None or not wanted or rules is NO_RULES:
        return notice
    duty, bearer, subject = notice.asks
    bearers = getattr(notice, "units", (bearer,))
    owed = [one for one in obligations() if one.duty is duty and one.bearer in bearers and one.done is None]
    one = next((one for one in owed if one.subject == subject), owed[0] if owed else None)
    return notice if one is None else notice.model_copy(update={name: getattr(one, name) for name in wanted})


def _to_whose_act_it_was(
    envelope: EventEnvelope[Event], state: State, entered_by: Mapping[int, str]
) -> Iterator[Notice]:
    """Yield the notices to units whose own act another unit took back, entered or corrected."""
    event, by = envelope.event, envelope.meta.unit
    if isinstance(event, corrections.ActCorrected):
        for unit in dict.fromkeys(entered_by.get(version, "") for version in event.versions):
            if unit not in {"", by, state.lifecycle.organiser}:
                versions = tuple(version for version in event.versions if entered_by.get(version) == unit)
                yield kinds.OwnActCorrectedNotice(to=unit, by=by, versions=versions)
        return
    if isinstance(event, commenting.CommentWithdrawn):
        comment = state.comments.comments.get(event.number)
        unit = by if comment is None else comment.by.unit or by
    else:
        unit = getattr(event, "unit", by)
    if unit == by:
        return
    if (duty := WITHDRAWN.get(type(event))) is not None:
        yield kinds.OwnActWithdrawnNotice(to=unit, by=by, duty=duty)
    elif by != state.lifecycle.organiser and (duty := HANDED_IN.get(type(event))) is not None:
        yield kinds.OwnActReplacedNotice(to=unit, by=by, duty=duty)


def at_office_hours(notice: Notice, state: State) -> bool:
    """Return whether a mail with the notice can wait for office hours: in real time, deadlines pass at midnight."""
    return state.lifecycle.clock == "wall" and isinstance(notice, kinds.OverdueNotice | kinds.OverdueOfUnitNotice)


def _may_know(notice: Notice, state: State) -> bool:
    """Return whether the addressee may know the facts: a member learns some only when the results are published."""
    to_member = notice.to not in {OVERSEER, state.lifecycle.organiser}
    return notice.BEFORE_PUBLICATION or not to_member or state.conclusion.published is not None
