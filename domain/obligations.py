"""Who owes what: derived from the state for every unit, never stored.

An obligation is a duty of one bearer, perhaps about another unit, with the instant it is due and the moment it
was done. Steps of the year, review tasks, deadlines and lateness are all read off this one list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from domain.rules import Duty, Edition
from domain.steps.meetings import first_of
from domain.steps.midyear import correction_due
from domain.types import ICT, When, end_of

if TYPE_CHECKING:
    from domain.cycle import State


@dataclass(frozen=True, slots=True)
class Obligation:
    """`bearer` owes `duty`, about the unit `subject` where that is another one.

    `due` is the instant after which it is late (24:00 of the last day), extensions included. `waits_for` names
    the units whose act must come first.
    """

    duty: Duty
    bearer: str
    subject: str
    due: datetime | None
    done: When | None
    extended: bool = False
    waits_for: tuple[str, ...] = ()
    article: str | None = None
    """Where the rules ask for it by that day; None where they name no day."""

    @property
    def late(self) -> bool:
        """It was done after it was due, for every reading of its date."""
        return self.done is not None and self.due is not None and self.done.earliest > self.due

    def overdue(self, now: datetime) -> bool:
        """It is still open although its time is over."""
        return self.done is None and self.due is not None and now >= self.due


@dataclass(frozen=True, slots=True)
class _Owed:
    bearer: str
    subject: str = ""
    done: When | None = None
    waits_for: tuple[str, ...] = ()
    due: When | None = None


def _head(state: State) -> str:
    """The head unit, or the organiser while nobody is known to lead: somebody must bear the duty."""
    holder = state.membership.holder("head")
    return holder if holder in state.membership.stays else state.lifecycle.organiser


def _draft(state: State, rules: Edition) -> Iterator[_Owed]:
    first = [state.drafts[kind][0].when if kind in state.drafts else None for kind in rules.required_drafts]
    known = [when for when in first if when is not None]
    done = max(known, key=lambda when: when.earliest) if known and len(known) == len(first) else None
    yield _Owed(_head(state), done=done)


def _stance(state: State, rules: Edition) -> Iterator[_Owed]:
    waits = () if state.drafts else (_head(state),)
    for unit in state.membership.members():
        taken = state.comments.stance_of(unit)
        yield _Owed(unit, done=(taken.first or taken.when) if taken else None, waits_for=waits)


def _signature(state: State, rules: Edition) -> Iterator[_Owed]:
    waits = () if "covenant" in state.drafts else (_head(state),)
    for unit in state.membership.members():
        signature = state.signing.signatures.get(unit)
        yield _Owed(unit, done=signature.when if signature else None, waits_for=waits)


def _midyear_report(state: State, rules: Edition) -> Iterator[_Owed]:
    for unit in state.membership.members():
        report = state.midyear.get(unit)
        yield _Owed(unit, done=(report.first or report.when) if report else None)


def _correction(state: State, rules: Edition) -> Iterator[_Owed]:
    for unit, report in state.midyear.items():
        if report.asked is not None:
            due = correction_due(report, rules)
            done = report.answered or report.accepted
            yield _Owed(unit, done=done, due=due)


def _midyear_acceptance(state: State, rules: Edition) -> Iterator[_Owed]:
    for unit in state.membership.members():
        report = state.midyear.get(unit)
        waiting = report is None or (report.asked is not None and report.answered is None)
        yield _Owed(
            state.lifecycle.organiser,
            unit,
            done=report.accepted if report else None,
            waits_for=(unit,) if waiting else (),
        )


def _self_score(state: State, rules: Edition) -> Iterator[_Owed]:
    for unit in state.membership.members():
        scored = state.scores.get((unit, "self"))
        yield _Owed(unit, done=(scored.first or scored.when) if scored else None)


def _cross_check(state: State, rules: Edition) -> Iterator[_Owed]:
    members = state.membership.members() if rules.has_round("cross-checked") else ()
    for place, unit in enumerate(members if len(members) > 1 else ()):
        # No source says who checks whom: each unit checks the next one of the list.
        checked = members[(place + 1) % len(members)]
        scored = state.scores.get((checked, "cross-checked"))
        waits = () if (checked, "self") in state.scores else (checked,)
        yield _Owed(unit, checked, done=(scored.first or scored.when) if scored else None, waits_for=waits)


def _appraisal(state: State, rules: Edition) -> Iterator[_Owed]:
    for unit in state.membership.members() if rules.has_round("appraised") else ():
        scored = state.scores.get((unit, "appraised"))
        waits = () if (unit, "self") in state.scores else (unit,)
        yield _Owed(
            state.lifecycle.organiser, unit, done=(scored.first or scored.when) if scored else None, waits_for=waits
        )


def _final_meeting(state: State, rules: Edition) -> Iterator[_Owed]:
    meeting = first_of("final", state.meetings)
    yield _Owed(_head(state), done=meeting.when if meeting else None)


def _submission(state: State, rules: Edition) -> Iterator[_Owed]:
    yield _Owed(_head(state), done=state.conclusion.submitted)


def _decision(state: State, rules: Edition) -> Iterator[_Owed]:
    waits = () if state.conclusion.submitted else (_head(state),)
    yield _Owed(state.lifecycle.organiser, done=state.conclusion.decided, waits_for=waits)


def _publication(state: State, rules: Edition) -> Iterator[_Owed]:
    yield _Owed(state.lifecycle.organiser, done=state.conclusion.published)


def _filing(state: State, rules: Edition) -> Iterator[_Owed]:
    filed = state.lifecycle.filed
    yield _Owed(state.lifecycle.organiser, done=When.at(filed) if filed else None)


_OWED: dict[Duty, Callable[[State, Edition], Iterator[_Owed]]] = {
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
if missing := set(Duty) - set(_OWED):
    raise TypeError(f"no rule says who owes {missing}")


def obligations(state: State, rules: Edition) -> tuple[Obligation, ...]:
    """Everything owed in the cycle, done or open, in the order of the year."""
    return tuple(found for duty in Duty for found in obligations_of(duty, state, rules))


def obligations_of(duty: Duty, state: State, rules: Edition) -> Iterator[Obligation]:
    """What is owed of one duty. A duty without a deadline in the edition is owed without a date."""
    if not state.lifecycle.opened:
        return
    day, deadline = rules.due(duty, state.lifecycle.year), rules.deadline(duty)
    article = deadline.article if deadline is not None else None
    usual = None if day is None else end_of(day)
    for owed in _OWED[duty](state, rules):
        if owed.done is None and state.lifecycle.closed_early is not None and duty is not Duty.FILING:
            continue  # whoever takes over owes it in a cycle of their own
        due = owed.due.latest if owed.due else usual
        extension = state.deadlines.extended_to(duty, owed.bearer, owed.done)
        if due is not None and extension is not None and extension > due:
            yield Obligation(duty, owed.bearer, owed.subject, extension, owed.done, True, owed.waits_for, article)
        else:
            yield Obligation(duty, owed.bearer, owed.subject, due, owed.done, False, owed.waits_for, article)


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
"""The five steps of a cycle, by the duties that make each one done. Steps gate tasks and deadlines, never acts."""


@dataclass(frozen=True, slots=True)
class StepProgress:
    """A step of the year: when it was done, and who still owes something."""

    name: str
    done: When | None
    waiting_for: tuple[str, ...]


def steps(owed: Sequence[Obligation], rules: Edition) -> tuple[StepProgress, ...]:
    """The five steps in order. The optional cross-check counts only where the edition has a deadline for it."""
    found = []
    for name, duties in DUTIES_OF_STEP.items():
        mine = [o for o in owed if o.duty in duties and (o.duty is not Duty.CROSS_CHECK or rules.deadline(o.duty))]
        open_ = tuple(dict.fromkeys(obligation.bearer for obligation in mine if obligation.done is None))
        done = [obligation.done for obligation in mine if obligation.done is not None]
        finished = bool(done) and not open_
        found.append(StepProgress(name, max(done, key=lambda when: when.latest) if finished else None, open_))
    return tuple(found)


def current_step(found: Sequence[StepProgress]) -> str:
    """The first step that is not done, or "filed"."""
    return next((step.name for step in found if step.done is None), "filed")


_EVER = datetime.min.replace(tzinfo=ICT)

# Tasks ------------------------------------------------------------------------------------


def tasks(state: State, rules: Edition, unit: str) -> tuple[Obligation, ...]:
    """What a unit (or the organiser) must still do, the earliest due first; undated ones last."""
    mine = [o for o in obligations(state, rules) if o.bearer == unit and o.done is None]
    return tuple(sorted(mine, key=lambda o: (o.due is None, o.due or _EVER, list(Duty).index(o.duty))))
