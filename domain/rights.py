"""Who may issue which command in a cycle: one table, and the checks that are made against it.

Rights follow from the signed actor and unit and from the cycle's state: which unit is a member, head or deputy now. The
head and the deputy keep the minutes, so they may enter what a meeting decided about any unit. The secretariat may
record every fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from domain.duties import Duty
from domain.steps import (
    awards,
    commenting,
    conclusion,
    corrections,
    deadlines,
    drafting,
    letters,
    lifecycle,
    manual_reminders,
    meetings,
    membership,
    midyear,
    scores,
    signing,
    succession,
    targets,
    voting,
)
from domain.types import CLOCK, ICT, Command, Meta, Refused

if TYPE_CHECKING:
    from domain.commands import AuthenticatedCommand
    from domain.cycle import State


class Party(StrEnum):
    """A role in a cycle that rights are granted to."""

    SECRETARIAT = "secretariat"
    HEAD = "head"
    DEPUTY = "deputy"
    OWN = "own"
    """A member unit, for commands about itself."""
    OVERSEER = "overseer"
    CLOCK = "clock"


_SECRETARIAT = frozenset({Party.SECRETARIAT})
_CLOCK = frozenset({Party.CLOCK})
_MINUTES = frozenset({Party.SECRETARIAT, Party.HEAD, Party.DEPUTY})
"""The parties that may enter what a meeting decided."""
_OWN = _MINUTES | {Party.OWN}
_ANY_PERSON = _OWN | {Party.OVERSEER}

MAY: dict[type[Command], frozenset[Party]] = {
    lifecycle.OpenCycle: _SECRETARIAT,
    lifecycle.AdoptEdition: _SECRETARIAT,
    lifecycle.ChangeCalendar: _SECRETARIAT,
    lifecycle.StepTo: _SECRETARIAT,
    lifecycle.ReceiveYearPlan: _SECRETARIAT,
    lifecycle.CloseDuty: _SECRETARIAT | _CLOCK,
    lifecycle.ReopenDuty: _SECRETARIAT,
    lifecycle.FileCycle: _SECRETARIAT,
    lifecycle.ReopenCycle: _SECRETARIAT,
    membership.AssignRole: _MINUTES,
    membership.NameOverseer: _SECRETARIAT,
    membership.AdmitUnit: _SECRETARIAT,
    membership.ReleaseUnit: _SECRETARIAT,
    succession.MergeUnits: _SECRETARIAT,
    succession.SplitUnit: _SECRETARIAT,
    succession.DissolveUnit: _SECRETARIAT,
    succession.CloseEarly: _SECRETARIAT,
    succession.HandOver: _SECRETARIAT,
    succession.TakeOver: _SECRETARIAT,
    drafting.PresentDraft: _MINUTES,
    commenting.TakeStance: _OWN,
    commenting.WithdrawStance: _OWN,
    commenting.TakeStanceTogether: _MINUTES,
    commenting.AddComment: _ANY_PERSON,
    commenting.WithdrawComment: _OWN,
    signing.SignCovenant: _OWN,
    signing.SignJointly: _MINUTES,
    signing.NameWitnesses: _MINUTES,
    signing.DeclineToSign: _OWN,
    targets.RegisterTargets: _OWN,
    targets.ReturnRegistration: _MINUTES,
    targets.AcceptRegistration: _MINUTES,
    targets.StateContents: _MINUTES,
    targets.ReportResult: _OWN,
    meetings.RecordMeeting: _MINUTES,
    letters.RecordLetter: _ANY_PERSON,
    letters.AnswerLetter: _ANY_PERSON,
    letters.RecordSiteCheck: _MINUTES,
    midyear.ReportMidyear: _OWN,
    midyear.WithdrawReport: _OWN,
    midyear.SendBack: _MINUTES,
    midyear.AnswerCorrection: _OWN,
    midyear.AcceptReport: _SECRETARIAT,
    scores.ScoreSelf: _OWN,
    scores.WithdrawScore: _OWN,
    scores.CrossCheck: _OWN,
    scores.AppraiseScores: _SECRETARIAT,
    scores.ScoreRound: _MINUTES,
    voting.RecordBallot: _MINUTES,
    conclusion.RecordTotals: _MINUTES,
    conclusion.RankUnits: _MINUTES,
    conclusion.Nominate: _MINUTES,
    conclusion.ChooseNext: _MINUTES,
    conclusion.ExcludeUnit: _MINUTES,
    conclusion.Submit: _MINUTES,
    conclusion.DecideAwards: _SECRETARIAT,
    conclusion.PublishResults: _SECRETARIAT,
    awards.HoldAward: _SECRETARIAT,
    awards.ReleaseAward: _SECRETARIAT,
    awards.AnnulAward: _SECRETARIAT,
    awards.RecordReturn: _SECRETARIAT,
    awards.HandOverObject: _MINUTES,
    awards.FileComplaint: _OWN,
    awards.AnswerComplaint: _SECRETARIAT,
    deadlines.Remind: _CLOCK,
    deadlines.MarkOverdue: _CLOCK,
    deadlines.ProposeEscalation: _CLOCK,
    deadlines.ConfirmEscalation: _SECRETARIAT,
    deadlines.AskExtension: _OWN,
    deadlines.GrantExtension: _SECRETARIAT,
    deadlines.RefuseExtension: _SECRETARIAT,
    manual_reminders.RemindUnits: _MINUTES,
    corrections.AcknowledgeDeviation: _SECRETARIAT,
    corrections.NoteDisagreement: _MINUTES,
    corrections.NameSource: _MINUTES,
    corrections.CorrectAct: _OWN,
}

DATES = _MINUTES
"""The parties that may state an earlier date than now. A unit's own act happens when it is signed."""

CLOSED_BY: dict[type[Command], Duty] = {
    commenting.TakeStance: Duty.STANCE,
    signing.SignCovenant: Duty.SIGNATURE,
    midyear.ReportMidyear: Duty.MIDYEAR_REPORT,
    midyear.WithdrawReport: Duty.MIDYEAR_REPORT,
    midyear.AnswerCorrection: Duty.CORRECTION,
    scores.ScoreSelf: Duty.SELF_SCORE,
    scores.WithdrawScore: Duty.SELF_SCORE,
    scores.CrossCheck: Duty.CROSS_CHECK,
}
"""Commands that a unit may no longer issue after the hard close of the duty. The secretariat still may."""

BINDING: frozenset[type[Command]] = frozenset(
    {
        signing.SignCovenant,
        signing.SignJointly,
        conclusion.Submit,
        conclusion.DecideAwards,
        conclusion.PublishResults,
        awards.AnnulAward,
        lifecycle.FileCycle,
    }
)
"""Commands that bind or publish: an entry point asks for the password again before each submission."""


def is_binding(act: str, fields: Mapping[str, Any]) -> bool:
    """Return whether a command, or the one that a correction puts in its place, is binding."""
    instead = fields.get("instead") if act == corrections.CorrectAct.NAME else None
    names = {act, str(instead.get("act")) if isinstance(instead, Mapping) else ""}
    return any(command.NAME in names for command in BINDING)


AFTER_FILING = frozenset(
    {
        corrections.CorrectAct,
        corrections.AcknowledgeDeviation,
        lifecycle.ReopenCycle,
        awards.HoldAward,
        awards.ReleaseAward,
        awards.AnnulAward,
        awards.RecordReturn,
        awards.FileComplaint,
        awards.AnswerComplaint,
        letters.AnswerLetter,
    }
)
"""Commands that a filed cycle still accepts without being reopened."""


NAMES_ANY_UNIT = frozenset({membership.AdmitUnit, letters.RecordLetter, letters.AnswerLetter})
"""Commands about a unit that need not be known to the cycle: one that joins, and outside bodies that write."""


def subject_unit(command: Command) -> str | None:
    """Return the unit whose own act the command is; None for commands of no single unit."""
    if isinstance(command, scores.CrossCheck):
        return command.by
    if isinstance(command, (commenting.AddComment, awards.FileComplaint, letters.AnswerLetter)):
        return command.by.unit
    if isinstance(command, letters.RecordLetter):
        return command.sender.unit
    unit = getattr(command, "unit", None)
    return unit if isinstance(unit, str) and unit not in {"unknown", "vacant"} else None


def parties(authenticated: AuthenticatedCommand, state: State) -> frozenset[Party]:
    """Return the roles that the actor has for this command."""
    if authenticated.actor == CLOCK:  # no signed command has this actor: workflow and append refuse it
        return _CLOCK
    roles = set(
        roles_of(
            authenticated.actor,
            authenticated.unit,
            state,
            lifecycle.business_now(state.lifecycle, authenticated.issued),
        )
    )
    # Before a cycle is opened, only the stream's name tells its organiser.
    if authenticated.unit == (state.lifecycle.organiser or authenticated.stream.split("/")[0]):
        roles.add(Party.SECRETARIAT)
    # These two name no unit. Their own decision checks whose act is withdrawn or corrected.
    unnamed = isinstance(authenticated.command, (commenting.WithdrawComment, corrections.CorrectAct))
    if not unnamed and subject_unit(authenticated.command) != authenticated.unit:
        roles.discard(Party.OWN)
    return frozenset(roles)


def roles_of(person: str, unit: str, state: State, now: datetime) -> frozenset[Party]:
    """Return the roles that a person of a unit has in the cycle now, for any command."""
    roles: set[Party] = set()
    if unit and unit == state.lifecycle.organiser:
        roles.add(Party.SECRETARIAT)
    if state.membership.is_member(unit, now):
        roles.add(Party.OWN)
        if unit == state.membership.holder("head", now):
            roles.add(Party.HEAD)
        if unit == state.membership.holder("deputy", now):
            roles.add(Party.DEPUTY)
    overseer = state.membership.overseer
    if overseer is not None and overseer.id == person:
        roles.add(Party.OVERSEER)
    return frozenset(roles)


def permitted_commands(person: str, unit: str, state: State, now: datetime) -> tuple[type[Command], ...]:
    """Return the commands that a page may offer to a person now.

    This is no permission: `check` decides on the command itself when it is issued.
    """
    roles = roles_of(person, unit, state, now)
    return tuple(command for command, allowed in MAY.items() if roles & allowed)


def may_correct(wrong: Meta, unit: str, roles: frozenset[Party], state: State) -> bool:
    """Return whether a person of `unit` with these roles may correct the act that `wrong` describes.

    The secretariat may correct every act, head and deputy those of all units, a unit its own. Acts of the organiser and
    of the clock are corrected by the secretariat only.
    """
    if Party.SECRETARIAT in roles:
        return True
    of_organiser_or_clock = wrong.unit == state.lifecycle.organiser or wrong.actor == CLOCK
    return not of_organiser_or_clock and (bool(roles & DATES) or wrong.unit == unit)


def check(authenticated: AuthenticatedCommand, state: State, *, correcting: bool = False) -> frozenset[Party]:
    """Return the roles that the actor has for this command. `correcting`: the command replaces a wrong one.

    Raises:
        Refused: `no_such_unit`, `not_yours`, `cycle_is_filed`, `cycle_not_open` or `duty_closed`.
    """
    command = type(authenticated.command)
    subject = subject_unit(authenticated.command)
    roles = parties(authenticated, state)
    if state.lifecycle.opened and command not in NAMES_ANY_UNIT and subject is not None:
        known = {*state.membership.names, state.lifecycle.organiser}
        if subject not in known:
            raise Refused("no_such_unit", unit=subject, known=", ".join(sorted(known)))
    allowed = MAY.get(command)
    if allowed is None or not roles & allowed:
        raise Refused("not_yours", act=command.NAME)
    if not state.lifecycle.opened and command is not lifecycle.OpenCycle:
        raise Refused("cycle_not_open")
    if state.lifecycle.filed is not None and command not in AFTER_FILING and not correcting:
        raise Refused("cycle_is_filed", on=state.lifecycle.filed.astimezone(ICT).date())
    duty = CLOSED_BY.get(command)
    is_closed = duty is not None and duty in state.lifecycle.closed
    if is_closed and Party.SECRETARIAT not in roles and subject == authenticated.unit:
        raise Refused("duty_closed", duty=duty)
    return roles
