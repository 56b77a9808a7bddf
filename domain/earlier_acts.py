"""The earlier act behind a refusal: the second person is told who came first, and when.

A refusal names what it is about; the act is looked up in the history, so that no state has to remember who did what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from domain.cycle import EVENTS_OF
from domain.duties import Duty
from domain.joint_acts import UnitNamed
from domain.obligations import DUTY_COMMANDS
from domain.records import Event, EventEnvelope
from domain.scoring.scores import CrossChecked, RoundScored, ScoresAppraised, SelfScoreWithdrawn
from domain.steps.awards import AwardAnnulled, AwardReleased, AwardReturned, ObjectHandedOver
from domain.steps.commenting import CommentWithdrawn, StanceWithdrawn
from domain.steps.conclusion import NominationsSubmitted, ResultsPublished, TotalsRecorded, UnitExcluded
from domain.steps.corrections import ActCorrected, DeviationAcknowledged, DisagreementNoted, SourceNamed
from domain.steps.cross_checks import CrossChecksAssigned
from domain.steps.escalation import EscalationConfirmed
from domain.steps.extensions import ExtensionAsked, ExtensionGranted, ExtensionRefused
from domain.steps.letters import LetterRecorded, SiteChecked
from domain.steps.lifecycle import (
    CalendarChanged,
    CycleFiled,
    CycleOpened,
    CycleReopened,
    DutyClosed,
    DutyReopened,
    TimeStepped,
    YearPlanReceived,
)
from domain.steps.meetings import MeetingHeld
from domain.steps.membership import RoleAssigned, UnitAdmitted, UnitReleased
from domain.steps.midyear import CorrectionAnswered, ReportAccepted, ReportSentBack, ReportWithdrawn
from domain.steps.signing import CovenantSigned, CovenantSignedJointly
from domain.steps.succession import ClosedEarly, HandedOver, TakenOver, UnitsSucceeded
from domain.steps.voting import BallotRecorded


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The events that can stand behind a refusal. `fields` maps facts of the refusal to fields that must agree."""

    events: tuple[type[Event], ...]
    fields: Mapping[str, tuple[str, ...]]


def _of(*events: type[Event], **fields: str) -> _Earlier:
    """Events of these types; a fact is compared with the first of the named fields that the event has."""
    return _Earlier(events, {fact: tuple(names.split()) for fact, names in fields.items()})


EARLIER: Mapping[str, _Earlier] = {
    "act_is_corrected": _of(ActCorrected, version="versions"),
    "award_is_annulled": _of(AwardAnnulled, unit="unit", award="award"),
    "award_is_returned": _of(AwardReturned, unit="unit", award="award"),
    "award_not_held": _of(AwardReleased, unit="unit", award="award"),
    "ballot_is_recorded": _of(BallotRecorded, ballot="id"),
    "calendar_is_backfill": _of(CalendarChanged),
    "calendar_is_running": _of(CalendarChanged),
    "closed_already": _of(ClosedEarly),
    "correction_is_open": _of(ReportSentBack, unit="unit"),
    "cross_checks_are_so": _of(CrossChecksAssigned),
    "cycle_is_filed": _of(CycleFiled),
    "cycle_is_not_filed": _of(CycleReopened),
    "cycle_is_open": _of(CycleOpened),
    "deviation_is_acknowledged": _of(DeviationAcknowledged, key="key"),
    "disagreement_is_noted": _of(DisagreementNoted, about="about"),
    "duty_closed": _of(DutyClosed, duty="duty"),
    "duty_is_closed": _of(DutyClosed, duty="duty"),
    "duty_is_open": _of(DutyReopened, duty="duty"),
    "extension_is_asked": _of(ExtensionAsked, unit="unit", duty="duty"),
    "extension_is_no_extension": _of(ExtensionGranted, unit="unit", duty="duty"),
    "extension_not_asked": _of(ExtensionGranted, ExtensionRefused, unit="unit", duty="duty"),
    "id_is_taken": _of(LetterRecorded, SiteChecked, SourceNamed, id="id"),
    "is_a_member": _of(UnitAdmitted, UnitNamed, UnitsSucceeded, unit="unit successors"),
    "meeting_is_recorded": _of(MeetingHeld, meeting="id"),
    "no_correction_asked": _of(CorrectionAnswered, ReportAccepted, unit="unit"),
    "no_report": _of(ReportWithdrawn, unit="unit"),
    "no_score": _of(SelfScoreWithdrawn, unit="unit"),
    "no_stance": _of(StanceWithdrawn, unit="unit"),
    "no_such_comment": _of(CommentWithdrawn, number="number"),
    "nobody_is_unnamed": _of(UnitNamed),
    "nominations_are_submitted": _of(NominationsSubmitted),
    "not_a_member": _of(UnitReleased, UnitsSucceeded, unit="unit gone"),
    "nothing_to_escalate": _of(EscalationConfirmed, duty="duty"),
    "object_is_there": _of(ObjectHandedOver, unit="unit", object="object"),
    "report_is_accepted": _of(ReportAccepted, unit="unit"),
    "results_are_published": _of(ResultsPublished),
    "role_is_held": _of(RoleAssigned, unit="holder", role="role"),
    "score_is_appraised": _of(ScoresAppraised, unit="unit"),
    "scored_upon": _of(CrossChecked, ScoresAppraised, RoundScored, unit="unit"),
    "signed_already": _of(CovenantSigned, CovenantSignedJointly, unit="unit units", number="number"),
    "taken_over_already": _of(HandedOver, TakenOver, ClosedEarly),
    "time_goes_back": _of(TimeStepped),
    "totals_are_recorded": _of(TotalsRecorded, round="round"),
    "unit_is_excluded": _of(UnitExcluded, unit="unit"),
    "year_plan_known": _of(YearPlanReceived),
}
"""By the code of a refusal, the acts that can have come before. A fact that is empty agrees with everything."""

_BY_VERSION = "changed_since"
_BY_DUTY = "duty_is_done"


def may_follow(code: str) -> bool:
    """Return whether an earlier act can stand behind a refusal with this code."""
    return code in EARLIER or code in {_BY_VERSION, _BY_DUTY}


def earlier_act(
    code: str, facts: Mapping[str, Any], history: Iterable[EventEnvelope[Event]]
) -> EventEnvelope[Event] | None:
    """Return the latest act that stands and that caused the refusal with this code and facts; None if there is none."""
    envelopes = tuple(history)
    if code == _BY_VERSION:
        return next((one for one in envelopes if one.meta.version == facts.get("version")), None)
    if code == _BY_DUTY:
        commands = DUTY_COMMANDS[Duty(_plain(facts["duty"]))].done_by
        wanted = _of(*(event for command in commands for event in EVENTS_OF[command]), unit="unit units by")
    elif (found := EARLIER.get(code)) is None:
        return None
    else:
        wanted = found
    taken_back = {version for one in envelopes if isinstance(one.event, ActCorrected) for version in one.event.versions}
    for envelope in reversed(envelopes):
        stands = envelope.meta.version not in taken_back
        if stands and isinstance(envelope.event, wanted.events) and _agrees(envelope.event, wanted.fields, facts):
            return envelope
    return None


def _agrees(event: Event, fields: Mapping[str, tuple[str, ...]], facts: Mapping[str, Any]) -> bool:
    for fact, names in fields.items():
        name = next((one for one in names if one in type(event).model_fields), None)
        if name is None or not _holds(getattr(event, name), _plain(facts.get(fact, ""))):
            return False
    return True


def _holds(value: Any, wanted: str) -> bool:
    """Return whether a field is what a refusal names, or is among what it names."""
    if wanted == "" or value is None:  # for all units
        return True
    if isinstance(value, (tuple, list, frozenset)):
        return any(_holds(one, wanted) for one in value)
    return _plain(getattr(value, "id", value)) == wanted


def _plain(value: Any) -> str:
    return str(getattr(value, "value", value))
