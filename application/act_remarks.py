"""What one should know of an act before it is recorded, beside what it would record: it stands with its summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from application.papers import earlier_answers, host_answers_to
from application.visits import VisitedCycle
from domain.duties import Duty
from domain.late_escalations import late_still
from domain.records import Command
from domain.steps.conclusion import DecideAwards
from domain.steps.drafting import PresentDraft
from domain.steps.escalation import ConfirmEscalation
from domain.steps.meetings import RecordMeeting
from i18n import _, ngettext
from i18n.values import person_named, voice


def remarks_on(cycle: VisitedCycle, act: type[Command], values: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences for who is about to enter an act with these values."""
    found = _REMARKS.get(act)
    return tuple(found(cycle, values)) if found is not None else ()


def _of_escalation(cycle: VisitedCycle, values: Mapping[str, Any]) -> Iterator[str]:
    """To whom it goes, and which of the proposed units are not late any more: the act names all of them."""
    state = cycle.readable_state()
    overseer = state.membership.overseer
    if overseer is None:
        yield _("The cluster has no overseer yet: nobody is there to be told.")
    else:
        yield _("Goes to {person}, who oversees the cluster.").format(person=person_named(overseer, cycle.names))
    late = late_still(state.deadlines, cycle.readable.obligations)
    for duty, one in state.deadlines.escalations.items():
        done = [unit for unit in one.units if unit not in late.get(duty, ())]
        if duty == values.get("duty") and one.confirmed is None and done:
            names = ", ".join(cycle.names.get(unit, unit) for unit in done)
            yield _("Of these, {units} are not late any more: they have done it, or were given more time.").format(
                units=names
            )


def _of_earlier_versions(cycle: VisitedCycle, values: Mapping[str, Any]) -> Iterator[str]:
    """Who has answered or signed the versions before the one that is presented; which comments are answered."""
    for one in earlier_answers(cycle, str(values.get("kind", ""))):
        if one.answered:
            yield ngettext(
                "{count} unit has answered version {number}; its answer is not one to the new version.",
                "{count} units have answered version {number}; their answers are not answers to the new version.",
                one.answered,
            ).format(count=one.answered, number=one.number)
        if one.signers:
            yield _("Signed version {number} already: {units}. Their signatures are of version {number}.").format(
                number=one.number, units=", ".join(one.signers)
            )
    comments = host_answers_to(cycle, str(values.get("kind", "")))
    if comments.comments:
        yield ngettext(
            "{count} comment on this paper: {answered} answered as taken up or explained, {open} not answered yet.",
            "{count} comments on this paper: {answered} answered as taken up or explained, {open} not answered yet.",
            len(comments.comments),
        ).format(count=len(comments.comments), answered=comments.answered, open=len(comments.unanswered))
    if comments.unanswered:
        said = dict.fromkeys(voice(one.by, cycle.names) for one in comments.unanswered)
        yield _("Not answered yet are comments of: {units}. Say what was taken up, and explain what was not.").format(
            units=", ".join(said)
        )


def _of_decision(cycle: VisitedCycle, _values: Mapping[str, Any]) -> Iterator[str]:
    """That the cluster has submitted nothing, though the rules ask for it."""
    owed = (one for one in cycle.readable.obligations if one.duty is Duty.SUBMISSION and one.done is None)
    if next(owed, None) is not None:
        yield _("The cluster has not submitted its results and nominations yet: the decision would stand before them.")


def _of_meeting(cycle: VisitedCycle, values: Mapping[str, Any]) -> Iterator[str]:
    """That a final meeting is recorded before any unit has points."""
    of_year = str(values.get("of_year") or cycle.state.lifecycle.year)
    is_final = "final" in (values.get("kind"), values.get("also")) and of_year == str(cycle.state.lifecycle.year)
    if is_final and has_no_points(cycle):
        yield _("No unit has points yet, though the final meeting goes through them. Enter the scores, too.")


def has_no_points(cycle: VisitedCycle) -> bool:
    """Whether no unit has points in any round; False for visitors to whom those of others are closed."""
    return cycle.readable.everything and not (cycle.state.scores or cycle.state.conclusion.totals)


_REMARKS: Mapping[type[Command], Callable[[VisitedCycle, Mapping[str, Any]], Iterator[str]]] = {
    ConfirmEscalation: _of_escalation,
    DecideAwards: _of_decision,
    PresentDraft: _of_earlier_versions,
    RecordMeeting: _of_meeting,
}
