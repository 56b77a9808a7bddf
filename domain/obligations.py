"""Obligations: what each unit has to do, derived from the state and never stored.

An obligation is a duty of one bearer, in some cases about another unit, with the instant when it is due and the date
when it was done. Steps of the year, task lists, deadlines and lateness are all computed from this one list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from domain.due_dates import Obligation, correction_due, due_in_force, usual_due, with_extension
from domain.duties import Duty
from domain.joint_acts import JointAct, UnnamedActs, missing
from domain.records import Command
from domain.rules import CovenantKind, DraftKind, Edition
from domain.scoring.scores import AppraiseScores, CrossCheck, Scores, ScoreSelf, ScoreSelfTogether, WithdrawScore
from domain.steps.commenting import (
    AddComment,
    Comments,
    TakeStance,
    TakeStanceTogether,
    WithdrawComment,
    WithdrawStance,
)
from domain.steps.conclusion import Conclusion, DecideAwards, PublishResults, Submit
from domain.steps.cross_checks import AssignCrossChecks, Checkers, checkers
from domain.steps.drafting import Drafts, PresentDraft
from domain.steps.extensions import ExtensionAsked, Extensions
from domain.steps.lifecycle import ChangeCalendar, FileCycle, Lifecycle, OpenCycle, ReopenCycle
from domain.steps.meetings import Meetings, RecordMeeting, first_of
from domain.steps.membership import BEGINNING, AdmitUnit, Membership
from domain.steps.midyear import (
    AcceptReport,
    AnswerCorrection,
    MidyearReports,
    ReportMidyear,
    ReportMidyearTogether,
    SendBack,
    WithdrawReport,
)
from domain.steps.naming import NameUnit
from domain.steps.signing import SignCovenant, Signing, SignJointly
from domain.steps.succession import MergeUnits, SplitUnit
from domain.times import ICT, When
from domain.units import Unnamed


class ObligationsContext(Protocol):
    """The slices that obligations are computed from."""

    @property
    def lifecycle(self) -> Lifecycle: ...

    @property
    def membership(self) -> Membership: ...

    @property
    def drafts(self) -> Drafts: ...

    @property
    def comments(self) -> Comments: ...

    @property
    def signing(self) -> Signing: ...

    @property
    def term_signing(self) -> Signing: ...

    @property
    def meetings(self) -> Meetings: ...

    @property
    def midyear(self) -> MidyearReports: ...

    @property
    def cross_checks(self) -> Checkers: ...

    @property
    def scores(self) -> Scores: ...

    @property
    def conclusion(self) -> Conclusion: ...

    @property
    def deadlines(self) -> Extensions: ...

    @property
    def together(self) -> UnnamedActs: ...


@dataclass(frozen=True, slots=True)
class _Owed:
    """An obligation before deadlines and extensions of the edition are applied. `due` is a date of its own."""

    bearer: str
    subject: str = ""
    done: When | None = None
    waits_for: tuple[str, ...] = ()
    due: datetime | None = None
    awaited: Duty | None = None
    """What the units that it waits for must do first."""


def _head(state: ObligationsContext) -> str:
    """Return the head unit; the organiser while no member is known as head, because every duty needs a bearer."""
    holder = state.membership.holder("head")
    return holder if holder in state.membership.members() else state.lifecycle.organiser


def _draft(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    # Papers that a later edition requires do not undo what was complete under the earlier one.
    edition: Edition | None = rules
    done = None
    while edition is not None and done is None:
        presented = [state.drafts[kind][0].when for kind in edition.required_drafts if kind in state.drafts]
        is_complete = bool(presented) and len(presented) == len(edition.required_drafts)
        last = max(presented, key=lambda when: when.earliest) if is_complete else None
        done = last if edition is rules or rules.at(last) is edition else None
        edition = edition.replaced
    yield _Owed(_head(state), done=done)


def _opinion_given(unit: str, state: ObligationsContext) -> When | None:
    """Return when a unit gave its opinion on the drafts, by a stance or by a comment."""

    def was_member(when: When) -> bool:
        return state.membership.could_be_member(unit, when)

    given: list[tuple[DraftKind | None, When]] = []
    for stance in state.comments.stances_of(unit, was_member):
        given += [(stance.on, stance.first or stance.when), (stance.on, stance.when)]
    given += [(comment.on, comment.when) for comment in state.comments.comments_of(unit, was_member)]
    dates = [when for on, when in given if is_of_draft(on, when, state)]
    return min(dates, key=lambda when: when.earliest, default=None)


def is_of_draft(on: DraftKind | None, when: When, state: ObligationsContext) -> bool:
    """Return whether a draft had been presented by then that a stance or a comment could be about.

    A register that was entered afterwards need not hold the presentation: the source tells of the stance.
    """
    lifecycle = state.lifecycle
    in_real_time_since = None if is_past_year(state) else lifecycle.clock_since
    if lifecycle.began is None and (in_real_time_since is None or when.latest <= in_real_time_since):
        return True
    drafts = state.drafts.values() if on is None else [state.drafts.get(on, ())]
    return any(not when.before(version.when) for versions in drafts for version in versions)


def _signings(covenants: Iterable[CovenantKind], state: ObligationsContext) -> list[Signing]:
    return [state.signing if kind == "covenant" else state.term_signing for kind in covenants]


def covenants_to_sign(state: ObligationsContext, rules: Edition) -> tuple[CovenantKind, ...]:
    """Return the covenants that units sign this year: as the edition says, or the one that the sources tell of.

    A cluster that has no covenant for the year signs the one for a longer term in its place.
    """
    covenants = rules.covenants_of(state.lifecycle.year)
    has_yearly = "covenant" in state.drafts or state.signing.first_signed is not None
    if covenants == ("covenant",) and not has_yearly and state.term_signing.first_signed is not None:
        return ("term-covenant",)
    return covenants


def _signed(unit: str, state: ObligationsContext, rules: Edition) -> When | None:
    """Return when a unit signed the last of the covenants of the year; None unless it signed all.

    A covenant that a later edition asks for does not undo what was complete under the earlier one, unless that edition
    sets a day for signing that was still to come.
    """
    edition: Edition | None = rules
    while edition is not None:
        signings = _signings(covenants_to_sign(state, edition), state)
        dates = [signing.signatures[unit].when for signing in signings if unit in signing.signatures]
        done = max(dates, key=lambda when: when.earliest) if dates and len(dates) == len(signings) else None
        if done is not None and (edition is rules or rules.at(done) is edition):
            return done
        due = usual_due(Duty.SIGNATURE, state.lifecycle.year, edition)
        edition = None if edition.since is None or (due is not None and due > edition.since) else edition.replaced
    return None


def _reported(unit: str, state: ObligationsContext) -> When | None:
    report = state.midyear.get(unit)
    return None if report is None else report.first or report.when


def _self_scored(unit: str, state: ObligationsContext) -> When | None:
    scored = state.scores.get((unit, "self"))
    return None if scored is None else scored.first or scored.when


_DONE: Mapping[Duty, Callable[[str, ObligationsContext, Edition], When | None]] = {
    Duty.STANCE: lambda unit, state, rules: _opinion_given(unit, state),
    Duty.SIGNATURE: _signed,
    Duty.MIDYEAR_REPORT: lambda unit, state, rules: _reported(unit, state),
    Duty.SELF_SCORE: lambda unit, state, rules: _self_scored(unit, state),
}
"""The duties that each unit has for itself, with the function that returns when a unit did it."""


def _of_each(duty: Duty, state: ObligationsContext, rules: Edition, waits_for: tuple[str, ...] = ()) -> Iterator[_Owed]:
    for unit in state.membership.members():
        yield _Owed(unit, done=_DONE[duty](unit, state, rules), waits_for=waits_for, awaited=Duty.DRAFT)


def _stance(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    return _of_each(Duty.STANCE, state, rules, () if state.drafts else (_head(state),))


def _signature(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    covenants = covenants_to_sign(state, rules)
    if not covenants:
        return iter(())
    return _of_each(
        Duty.SIGNATURE, state, rules, () if all(kind in state.drafts for kind in covenants) else (_head(state),)
    )


def _midyear_report(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    return _of_each(Duty.MIDYEAR_REPORT, state, rules)


def _correction(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    members = state.membership.members()
    for unit, report in state.midyear.items():
        if report.asked is not None:
            done = report.answered or report.accepted
            if done is None and unit not in members:
                continue  # a unit that has left owes nothing; its successor reports for itself
            due = None if done is not None else correction_due(report.asked, rules.at(report.asked))
            yield _Owed(unit, done=done, due=due)


def _midyear_acceptance(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    for unit in _bound_by(Duty.MIDYEAR_REPORT, state, rules):
        report = state.midyear.get(unit)
        waiting = report is None or (report.asked is not None and report.answered is None)
        yield _Owed(
            state.lifecycle.organiser,
            unit,
            done=report.accepted if report else None,
            waits_for=(unit,) if waiting else (),
            awaited=Duty.MIDYEAR_REPORT if report is None else Duty.CORRECTION,
        )


def _self_score(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    return _of_each(Duty.SELF_SCORE, state, rules)


def cross_checkers(state: ObligationsContext, rules: Edition) -> Checkers:
    """Return which member cross-checks which, by the checked unit; empty while neither edition nor act says so."""
    if not rules.has_round("cross-checked"):
        return {}
    members = state.membership.members()
    listed = members if state.cross_checks else _listed_for_checks(state, rules)
    pairs = checkers(listed, state.cross_checks, rules)
    return {unit: by for unit, by in pairs.items() if unit in members and by in members}


def _listed_for_checks(state: ObligationsContext, rules: Edition) -> tuple[str, ...]:
    """Return the units of which each checks the next, in the order in which they joined.

    A unit that joins when the time of the self-score has passed, or that leaves when the cross-checks were due, moves
    no other unit's duty.
    """
    membership = state.membership
    members, late = membership.members(), set[str]()
    due = usual_due(Duty.CROSS_CHECK, state.lifecycle.year, rules)
    if any(membership.has_duties_since(unit) != BEGINNING for unit in members):
        scoring = _obligations_of(Duty.SELF_SCORE, state, rules)
        late = {one.bearer for one in scoring if _came_too_late(one, state, rules)}

    def is_listed(unit: str) -> bool:
        until = membership.stays[unit][-1].until
        return unit not in late and (until is None or (due is not None and due < until))

    return tuple(unit for unit in membership.stays if is_listed(unit))


def _cross_check(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    bound, pairs = _bound_by(Duty.SELF_SCORE, state, rules), cross_checkers(state, rules)
    # What was checked was checked by its checker, whichever unit would be the next in the list now.
    members = state.membership.members() if rules.has_round("cross-checked") else ()
    done = {unit: state.scores[unit, "cross-checked"] for unit in members if (unit, "cross-checked") in state.scores}
    for checked in dict.fromkeys((*pairs, *done)):
        if (scored := done.get(checked)) is not None:
            yield _Owed(scored.by, checked, done=scored.first or scored.when)
        elif checked in bound:
            waits = () if (checked, "self") in state.scores else (checked,)
            yield _Owed(pairs[checked], checked, waits_for=waits, awaited=Duty.SELF_SCORE)


def _appraisal(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    bound = _bound_by(Duty.SELF_SCORE, state, rules)
    for unit in state.membership.members() if rules.has_round("appraised") else ():
        scored = state.scores.get((unit, "appraised"))
        if scored is None and unit not in bound:
            continue
        waits = () if (unit, "self") in state.scores else (unit,)
        done = (scored.first or scored.when) if scored else None
        yield _Owed(state.lifecycle.organiser, unit, done=done, waits_for=waits, awaited=Duty.SELF_SCORE)


def _final_meeting(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    meeting = first_of("final", state.meetings, state.lifecycle.year)
    yield _Owed(_head(state), done=meeting.when if meeting else None)


def _submission(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    yield _Owed(_head(state), done=state.conclusion.submitted)


def _decision(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    waits = () if state.conclusion.submitted else (_head(state),)
    yield _Owed(state.lifecycle.organiser, done=state.conclusion.decided, waits_for=waits, awaited=Duty.SUBMISSION)


def _publication(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    yield _Owed(state.lifecycle.organiser, done=state.conclusion.published)


def _filing(state: ObligationsContext, rules: Edition) -> Iterator[_Owed]:
    yield _Owed(state.lifecycle.organiser, done=state.lifecycle.filed)


_OWED: dict[Duty, Callable[[ObligationsContext, Edition], Iterator[_Owed]]] = {
    Duty.DRAFT: _draft,
    Duty.STANCE: _stance,
    Duty.SIGNATURE: _signature,
    Duty.MIDYEAR_REPORT: _midyear_report,
    Duty.CORRECTION: _correction,
    Duty.MIDYEAR_ACCEPTANCE: _midyear_acceptance,
    Duty.SELF_SCORE: _self_score,
    Duty.CROSS_CHECK: _cross_check,
    Duty.APPRAISAL: _appraisal,
    Duty.FINAL_MEETING: _final_meeting,
    Duty.SUBMISSION: _submission,
    Duty.DECISION: _decision,
    Duty.PUBLICATION: _publication,
    Duty.FILING: _filing,
}
if unowed := set(Duty) - set(_OWED):
    raise TypeError(f"no function computes who owes {unowed}")


@dataclass(frozen=True, slots=True)
class DutyCommands:
    """The commands of a duty: `done_by` fulfil it; from `opened_by` on it is owed, or waits for no other unit."""

    done_by: tuple[type[Command], ...]
    opened_by: tuple[type[Command], ...]


_BEGINNING = (OpenCycle, ChangeCalendar)
"""A year that was entered afterwards owes nothing until it goes on in real time."""
_JOINING = (AdmitUnit, NameUnit, MergeUnits, SplitUnit, ChangeCalendar)

DUTY_COMMANDS: Mapping[Duty, DutyCommands] = {
    Duty.DRAFT: DutyCommands((PresentDraft,), _BEGINNING),
    Duty.STANCE: DutyCommands(
        (TakeStance, TakeStanceTogether, AddComment), (PresentDraft, WithdrawStance, WithdrawComment, *_JOINING)
    ),
    Duty.SIGNATURE: DutyCommands((SignCovenant, SignJointly), (PresentDraft, *_JOINING)),
    Duty.MIDYEAR_REPORT: DutyCommands((ReportMidyear, ReportMidyearTogether), (OpenCycle, WithdrawReport, *_JOINING)),
    Duty.CORRECTION: DutyCommands((AnswerCorrection, AcceptReport), (SendBack, ChangeCalendar)),
    Duty.MIDYEAR_ACCEPTANCE: DutyCommands(
        (AcceptReport,), (ReportMidyear, ReportMidyearTogether, AnswerCorrection, ChangeCalendar)
    ),
    Duty.SELF_SCORE: DutyCommands((ScoreSelf, ScoreSelfTogether), (OpenCycle, WithdrawScore, *_JOINING)),
    Duty.CROSS_CHECK: DutyCommands(
        (CrossCheck,), (ScoreSelf, ScoreSelfTogether, AssignCrossChecks, NameUnit, ChangeCalendar)
    ),
    Duty.APPRAISAL: DutyCommands((AppraiseScores,), (ScoreSelf, ScoreSelfTogether, NameUnit, ChangeCalendar)),
    Duty.FINAL_MEETING: DutyCommands((RecordMeeting,), _BEGINNING),
    Duty.SUBMISSION: DutyCommands((Submit,), _BEGINNING),
    Duty.DECISION: DutyCommands((DecideAwards,), (Submit, ChangeCalendar)),
    Duty.PUBLICATION: DutyCommands((PublishResults,), _BEGINNING),
    Duty.FILING: DutyCommands((FileCycle,), (*_BEGINNING, ReopenCycle)),
}
if undone := set(Duty) - set(DUTY_COMMANDS):
    raise TypeError(f"no commands are named for {undone}")


def obligations(state: ObligationsContext, rules: Edition) -> tuple[Obligation, ...]:
    """Return all obligations of the cycle, done or open, in the order of the year.

    A year that is entered afterwards owes nothing: only what was done is returned, and a source that tells no more
    makes no work.
    """
    found = (obligation for obligation in extensible(state, rules) if not _is_free_of(obligation, state, rules))
    if is_past_year(state):
        return tuple(obligation for obligation in found if obligation.done is not None)
    return tuple(found)


def is_past_year(state: ObligationsContext) -> bool:
    """Return whether the year is entered afterwards from what sources tell, so that it has no open tasks."""
    return state.lifecycle.clock == "backfill"


def extensible(state: ObligationsContext, rules: Edition) -> tuple[Obligation, ...]:
    """Return all obligations, and those that a new unit is free of because their time had passed before it joined."""
    return tuple(obligation for duty in Duty for obligation in _obligations_of(duty, state, rules))


def _obligations_of(duty: Duty, state: ObligationsContext, rules: Edition) -> Iterator[Obligation]:
    """Yield the obligations of one duty. Without a deadline in the edition they have no due date."""
    if not state.lifecycle.opened:
        return
    for owed in _OWED[duty](state, rules):
        if owed.done is None and state.lifecycle.closed_early is not None and duty is not Duty.FILING:
            continue  # the successor cycle has its own obligations
        usual, article, lapsed = due_in_force(duty, state.lifecycle.year, rules, owed.done)
        extension = state.deadlines.extended_to(duty, owed.bearer, owed.done)
        due, extended = with_extension(owed.due or usual or lapsed, extension)
        if lapsed is not None and owed.due is None and not extended:
            due = None
        obligation = Obligation(
            duty,
            owed.bearer,
            owed.subject,
            due,
            owed.done,
            extended,
            owed.waits_for,
            article,
            lapsed,
            owed.awaited if owed.waits_for else None,
        )
        if owed.due is None and due is not None and due <= _begins(obligation, state):
            obligation = replace(obligation, due=None, extended=False, article=None, lapsed=due)
        yield obligation


_OF_CLUSTER = frozenset({Duty.DRAFT, Duty.FINAL_MEETING, Duty.SUBMISSION, Duty.DECISION, Duty.PUBLICATION, Duty.FILING})
"""Duties of the cluster as a whole: it does not matter when the unit joined that bears them now."""


def _joined(obligation: Obligation, state: ObligationsContext) -> datetime:
    """Return when the last of the units joined that the obligation is of and about."""
    units = () if obligation.duty in _OF_CLUSTER else (obligation.bearer, obligation.subject)
    return max(map(state.membership.has_duties_since, units), default=BEGINNING)


def _begins(obligation: Obligation, state: ObligationsContext) -> datetime:
    """Return from when the obligation can exist: from the beginning of the cycle, and since the units joined."""
    joined = _joined(obligation, state)
    return joined if state.lifecycle.began is None else max(joined, state.lifecycle.began)


def _is_free_of(obligation: Obligation, state: ObligationsContext, rules: Edition) -> bool:
    """Return whether a unit joined when the time of a duty that it has not done had passed."""
    return obligation.done is None and _came_too_late(obligation, state, rules)


def _came_too_late(obligation: Obligation, state: ObligationsContext, rules: Edition) -> bool:
    """Return whether a unit joined when the time of a duty had passed.

    Without a deadline, that time had passed when all members of then had done the duty. When the whole cycle began too
    late for a deadline, the duty is owed all the same, without a date.
    """
    joined = _joined(obligation, state)
    if obligation.lapsed is not None or obligation.due is not None or joined == BEGINNING:
        return obligation.lapsed is not None and obligation.lapsed <= joined
    if obligation.duty not in _DONE:
        return False
    before = state.membership.members_on(When.at(joined - _A_MOMENT))
    done = [_DONE[obligation.duty](unit, state, rules) for unit in before]
    return bool(done) and all(when is not None and when.latest <= joined for when in done)


_A_MOMENT = timedelta(microseconds=1)


def _bound_by(duty: Duty, state: ObligationsContext, rules: Edition) -> tuple[str, ...]:
    """Return the members that have done one of the duties of each unit, or owe it."""
    members = state.membership.members()
    if all(state.membership.has_duties_since(unit) == BEGINNING for unit in members):
        return members
    return tuple(o.bearer for o in _obligations_of(duty, state, rules) if not _is_free_of(o, state, rules))


_AFTER: Mapping[Duty, Duty] = {Duty.PUBLICATION: Duty.DECISION, Duty.FILING: Duty.PUBLICATION}
"""By duty, the one before it. It can be recorded out of turn, but is asked of no unit while that one is open."""


def in_turn(open_: Sequence[Obligation]) -> tuple[Obligation, ...]:
    """Return the open duties of a cycle, each waiting for the one that comes before it where that is open, too."""
    bearers = {one.duty: one.bearer for one in open_}

    def waiting(owed: Obligation) -> Obligation:
        before = _AFTER.get(owed.duty)
        if before is None or before not in bearers or owed.waits_for:
            return owed
        return replace(owed, waits_for=(bearers[before],), awaited=before)

    return tuple(map(waiting, open_))


def open_requests(state: ObligationsContext, owed: Iterable[Obligation]) -> Mapping[tuple[str, Duty], ExtensionAsked]:
    """Return the requests for more time that wait for an answer, by unit and duty.

    A request is closed by an answer, and when its duty is done. `owed` is the result of `obligations`.
    """
    open_ = {(one.bearer, one.duty) for one in owed if one.done is None}
    return {key: asked for key, asked in state.deadlines.extension_requests.items() if key in open_}


# Steps ------------------------------------------------------------------------------------

DUTIES_OF_STEP: dict[str, tuple[Duty, ...]] = {
    "plan-draft": (Duty.DRAFT,),
    "comments": (Duty.STANCE,),
    "signing": (Duty.SIGNATURE,),
    "midyear-check": (Duty.MIDYEAR_REPORT, Duty.CORRECTION, Duty.MIDYEAR_ACCEPTANCE),
    "final-evaluation": (
        Duty.SELF_SCORE,
        Duty.CROSS_CHECK,
        Duty.APPRAISAL,
        Duty.FINAL_MEETING,
        Duty.SUBMISSION,
        Duty.DECISION,
        Duty.PUBLICATION,
        Duty.FILING,
    ),
}
"""The five steps of a cycle, with the duties that complete each. Steps order tasks; they never forbid a command."""


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step of the year. `done` is the date of its last duty, `waiting_for` the units with open duties.

    `unnamed` is the number of units that it waits for, too, and whose names are not known.

    `told` is None in a year that goes on. In one that is entered afterwards a step waits for no unit: it is told by a
    source, with the last date that is told, or it is not.
    """

    name: str
    done: When | None
    waiting_for: tuple[str, ...]
    told: bool | None = None
    unnamed: Unnamed | Literal[0] = 0


def steps(
    state: ObligationsContext, rules: Edition, owed: Sequence[Obligation] | None = None
) -> tuple[StepProgress, ...]:
    """Return the five steps in order. The cross-check is optional: it counts only where the edition sets a deadline.

    `owed` is the result of `obligations` for the same state, if the caller has it already.
    """
    owed = obligations(state, rules) if owed is None else owed
    is_past, progress = is_past_year(state), []
    for name, duties in DUTIES_OF_STEP.items():
        counted = [o for o in owed if o.duty in duties and (o.duty is not Duty.CROSS_CHECK or rules.deadline(o.duty))]
        waiting_for = tuple(dict.fromkeys(obligation.bearer for obligation in counted if obligation.done is None))
        dates = [obligation.done for obligation in counted if obligation.done is not None]
        dates.extend(when for duty in duties for when in unnamed_done(duty, state, rules))
        unnamed = 0 if is_past else _most(unnamed_open(duty, state, rules) for duty in duties)
        done = max(dates, key=lambda when: when.latest) if dates and not waiting_for and not unnamed else None
        progress.append(StepProgress(name, done, waiting_for, done is not None if is_past else None, unnamed))
    return tuple(progress)


def _most(counts: Iterable[Unnamed | Literal[0]]) -> Unnamed | Literal[0]:
    found = tuple(counts)
    return "unknown" if "unknown" in found else max((one for one in found if one != "unknown"), default=0)


def _joint_acts(duty: Duty, state: ObligationsContext, rules: Edition) -> tuple[JointAct, ...]:
    """Return what unnamed units do together when they do a duty that each unit has."""
    if duty is Duty.SIGNATURE:
        return tuple(_JOINT_SIGNATURES[kind] for kind in covenants_to_sign(state, rules))
    return _JOINT_ACTS.get(duty, ())


_JOINT_SIGNATURES: Mapping[CovenantKind, JointAct] = {"covenant": "signature", "term-covenant": "term-signature"}
_JOINT_ACTS: Mapping[Duty, tuple[JointAct, ...]] = {
    Duty.MIDYEAR_REPORT: ("midyear-report",),
    Duty.SELF_SCORE: ("self-score",),
}


def unnamed_done(duty: Duty, state: ObligationsContext, rules: Edition) -> tuple[When, ...]:
    """Return when units that are not named did a duty together."""
    if duty is Duty.STANCE:
        taken = state.comments.collective_stances if state.lifecycle.unnamed else ()
        return tuple(stance.when for stance in taken if is_of_draft(stance.on, stance.when, state))
    return tuple(
        one.when for act in _joint_acts(duty, state, rules) for one in state.together.get(act, ()) if one.unnamed
    )


def unnamed_open(duty: Duty, state: ObligationsContext, rules: Edition) -> Unnamed | Literal[0]:
    """Return how many of the units that are not named have not done a duty that each unit has."""
    unnamed = state.lifecycle.unnamed
    if unnamed is None or state.lifecycle.closed_early is not None:
        return 0
    if duty is Duty.STANCE:
        return 0 if unnamed_done(duty, state, rules) else unnamed
    return _most(missing(act, state.together, unnamed) for act in _joint_acts(duty, state, rules))


def current_step(progress: Sequence[StepProgress]) -> str:
    """Return the name of the first step that is not done, or "filed"; "past" for a year that is entered afterwards.

    A step in which no unit owes anything is passed over, such as the signing in the midst of a covenant's term.
    """
    if any(step.told is not None for step in progress):
        return "past"
    undone = [step for step in progress if step.done is None]
    open_ = [step.name for step in undone if step.waiting_for or step.unnamed]
    if not open_ and len(undone) == len(progress):
        return undone[0].name  # the cycle is not opened
    return open_[0] if open_ else "filed"


_BEFORE_ALL = datetime.min.replace(tzinfo=ICT)

# Tasks ------------------------------------------------------------------------------------


def tasks(state: ObligationsContext, rules: Edition, unit: str) -> tuple[Obligation, ...]:
    """Return the open obligations of a unit or the organiser: earliest due first, those without a date last."""
    open_ = [o for o in obligations(state, rules) if o.bearer == unit and o.done is None]
    return tuple(sorted(open_, key=lambda o: (o.due is None, o.due or _BEFORE_ALL, list(Duty).index(o.duty))))
