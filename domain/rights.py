"""Who may say what in a cycle: one table.

Rights are granted from the signed actor and unit, against the state of the cycle: who is a member, head or deputy
now. The head and the deputy keep the minutes, so they may enter what a meeting decided about any unit; the
secretariat may record whatever is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from domain.rules import Duty
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
    """What somebody is to a cycle."""

    SECRETARIAT = "secretariat"
    HEAD = "head"
    DEPUTY = "deputy"
    OWN = "own"
    """The unit that the act is about."""
    OVERSEER = "overseer"
    CLOCK = "clock"


S, H, D, O, V, C = Party  # noqa: E741 - one letter each keeps the table readable
_SECRETARIAT = frozenset({S})
_MINUTES = frozenset({S, H, D})
_OWN = frozenset({S, H, D, O})
_CLOCK = frozenset({C})

MAY: dict[type[Command], frozenset[Party]] = {
    lifecycle.OpenCycle: _SECRETARIAT,
    lifecycle.AdoptEdition: _SECRETARIAT,
    lifecycle.ChangeCalendar: _SECRETARIAT,
    lifecycle.StepTo: _SECRETARIAT,
    lifecycle.ReceiveYearPlan: _SECRETARIAT,
    lifecycle.CloseDuty: frozenset({S, C}),
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
    commenting.AddComment: frozenset({S, H, D, O, V}),
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
    letters.RecordLetter: frozenset({S, H, D, O, V}),
    letters.AnswerLetter: frozenset({S, H, D, O, V}),
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
    awards.FileComplaint: frozenset({S, H, D, O}),
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
    corrections.CorrectAct: _MINUTES | {O},
}

DATES = frozenset({S, H, D})
"""Who may state that something happened earlier than now. A unit's own act happens when it is signed."""

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
"""The acts that a hard close takes from the units."""

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
"""What binds or makes public: an entry point asks once more, for each submission, who says it."""


def is_binding(act: str, fields: Mapping[str, Any]) -> bool:
    """Whether an act, or what a correction puts in the place of one, binds or makes public."""
    instead = fields.get("instead") if act == corrections.CorrectAct.NAME else None
    names = {act, str(instead.get("act")) if isinstance(instead, Mapping) else ""}
    return any(one.NAME in names for one in BINDING)


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
"""What comes to a file that was put away, and does not take it out again."""


NAMES_ANY_UNIT = frozenset({membership.AdmitUnit, letters.RecordLetter, letters.AnswerLetter})
"""Acts about a unit that the register need not know: one that joins, and bodies elsewhere that write."""


def about(act: Command) -> str | None:
    """The unit whose own act it is, if it is one's."""
    if isinstance(act, scores.CrossCheck):
        return act.by
    if isinstance(act, (commenting.AddComment, awards.FileComplaint, letters.AnswerLetter)):
        return act.by.unit
    if isinstance(act, letters.RecordLetter):
        return act.sender.unit
    unit = getattr(act, "unit", None)
    return unit if isinstance(unit, str) and unit not in {"unknown", "vacant"} else None


def parties(authenticated: AuthenticatedCommand, state: State) -> frozenset[Party]:
    """What the sayer is to the cycle, for this act."""
    if authenticated.actor == CLOCK:  # no signed command carries this name: check and append refuse it
        return _CLOCK
    found = set(
        roles_of(
            authenticated.actor,
            authenticated.unit,
            state,
            lifecycle.business_now(state.lifecycle, authenticated.issued),
        )
    )
    # A cycle that is not open yet has its organiser in its name only.
    if authenticated.unit == (state.lifecycle.organiser or authenticated.stream.split("/")[0]):
        found.add(S)
    # A comment withdrawn by number and a correction name no unit: their own rule looks at whose act it was.
    unnamed = isinstance(authenticated.command, (commenting.WithdrawComment, corrections.CorrectAct))
    if not unnamed and about(authenticated.command) != authenticated.unit:
        found.discard(O)
    return frozenset(found)


def roles_of(person: str, unit: str, state: State, now: datetime) -> frozenset[Party]:
    """What somebody is to the cycle now, whatever they say of it."""
    mine: set[Party] = set()
    if unit and unit == state.lifecycle.organiser:
        mine.add(S)
    if state.membership.is_member(unit, now):
        mine.add(O)
        if unit == state.membership.holder("head", now):
            mine.add(H)
        if unit == state.membership.holder("deputy", now):
            mine.add(D)
    overseer = state.membership.overseer
    if overseer is not None and overseer.id == person:
        mine.add(V)
    return frozenset(mine)


def permitted_commands(person: str, unit: str, state: State, now: datetime) -> tuple[type[Command], ...]:
    """The acts that somebody could say of the cycle now, about their own unit or any: what a page may offer.

    Only offered: whether the very act is theirs to say is decided when it is said.
    """
    mine = roles_of(person, unit, state, now)
    return tuple(act for act, parties in MAY.items() if mine & parties)


def may_correct(wrong: Meta, unit: str, mine: frozenset[Party], state: State) -> bool:
    """Whether an act is one's to correct: one's own; the cluster's, for its minutes; any, for the secretariat."""
    if S in mine:
        return True
    of_the_level_above = wrong.unit == state.lifecycle.organiser or wrong.actor == CLOCK
    return not of_the_level_above and (bool(mine & DATES) or wrong.unit == unit)


def check(authenticated: AuthenticatedCommand, state: State, *, correcting: bool = False) -> frozenset[Party]:
    """Return what the sayer is to the cycle. `correcting`: the act stands in for one that was wrong.

    Raises:
        Refused: `no_such_unit`, `not_yours`, `cycle_is_filed`, `cycle_not_open` or `duty_closed`.
    """
    act = type(authenticated.command)
    mine = parties(authenticated, state)
    if state.lifecycle.opened and act not in NAMES_ANY_UNIT and (unit := about(authenticated.command)) is not None:
        known = {*state.membership.names, state.lifecycle.organiser}
        if unit not in known:
            raise Refused("no_such_unit", unit=unit, known=", ".join(sorted(known)))
    allowed = MAY.get(act)
    if allowed is None or not mine & allowed:
        raise Refused("not_yours", act=act.NAME)
    if not state.lifecycle.opened and act is not lifecycle.OpenCycle:
        raise Refused("cycle_not_open")
    if state.lifecycle.filed is not None and act not in AFTER_FILING and not correcting:
        raise Refused("cycle_is_filed", on=state.lifecycle.filed.astimezone(ICT).date())
    duty = CLOSED_BY.get(act)
    if (
        duty is not None
        and duty in state.lifecycle.closed
        and S not in mine
        and about(authenticated.command) == authenticated.unit
    ):
        raise Refused("duty_closed", duty=duty)
    return mine
