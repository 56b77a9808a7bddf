"""What a cluster's page opens on: open tasks by duty, what was answered to a unit, and what waits for an answer.

All of it comes from the part of the cycle that the visitor may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from application.visits import VisitedCycle
from domain.deviations import Deviation
from domain.due_dates import Obligation
from domain.duties import Duty
from domain.late_escalations import late_still
from domain.obligations import in_turn
from domain.steps.awards import Complaint
from domain.steps.midyear import MidyearReport
from domain.times import When
from i18n import _
from i18n.messages import day, word
from i18n.values import voice


@dataclass(frozen=True, slots=True)
class DutyTasks:
    """The open tasks of one duty with one last day."""

    duty: Duty
    due: datetime | None
    tasks: tuple[Obligation, ...]


@dataclass(frozen=True, slots=True)
class AnswerToUnit:
    """What was answered to a unit: in words, with the digest of the reason or text where there is one.

    `version` is that of the event; `kind` is "good", "bad" or "" for what is neither.
    """

    sentence: str
    when: When
    kind: str = ""
    text: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the visitor can answer, beside requests for more time (`application.extension_requests`)."""

    escalations: tuple[tuple[Duty, tuple[str, ...]], ...]
    """The duties whose escalation is proposed, each with the units that are late still."""
    reports: tuple[tuple[str, MidyearReport], ...]
    complaints: tuple[tuple[int, Complaint], ...]
    deviations: int

    def __bool__(self) -> bool:
        return bool(self.escalations or self.reports or self.complaints or self.deviations)


def open_tasks(cycle: VisitedCycle) -> tuple[Obligation, ...]:
    """The obligations that wait to be done; none of a cycle that is filed."""
    if cycle.state.lifecycle.filed is not None:
        return ()
    return in_turn([one for one in cycle.readable.obligations if one.done is None])


def by_duty(tasks: Iterable[Obligation]) -> list[DutyTasks]:
    """Tasks that are alike but for their units, the earliest first, those without a last day at the end."""
    groups: dict[tuple[Duty, datetime | None], list[Obligation]] = {}
    for one in tasks:
        groups.setdefault((one.duty, one.due), []).append(one)
    found = [DutyTasks(duty, due, tuple(alike)) for (duty, due), alike in groups.items()]
    return sorted(found, key=lambda group: (group.due is None, group.due.timestamp() if group.due else 0))


def is_closed(cycle: VisitedCycle, task: Obligation) -> bool:
    """Whether the hard close has come for a member's duty: then the unit cannot do it by itself."""
    return task.duty in cycle.state.lifecycle.closed and task.bearer != cycle.state.lifecycle.organiser


def answers_to(cycle: VisitedCycle, unit: str) -> list[AnswerToUnit]:
    """What was answered to a unit: requests, report, registration, comments, complaints; the latest first."""
    found = [*_of_deadlines(cycle, unit), *_of_papers(cycle, unit), *_of_words(cycle, unit)]
    return sorted(found, key=lambda one: one.when.latest, reverse=True)


def _of_deadlines(cycle: VisitedCycle, unit: str) -> Iterator[AnswerToUnit]:
    deadlines = cycle.readable_state().deadlines
    for (duty, of), granted in deadlines.extensions.items():
        if of in {unit, ""}:
            sentence = _("More time until {day}: {duty}").format(day=day(granted.until), duty=word("duty", duty))
            yield AnswerToUnit(sentence, granted.granted, "good", granted.reason)
    for (of, duty), refused in deadlines.refused_requests.items():
        if of == unit:
            sentence = _("More time was refused: {duty}").format(duty=word("duty", duty))
            yield AnswerToUnit(sentence, refused.refused, "bad", refused.reason)


def _of_papers(cycle: VisitedCycle, unit: str) -> Iterator[AnswerToUnit]:
    state = cycle.readable_state()
    report = state.midyear.get(unit)
    if report is not None and report.accepted is not None:
        yield AnswerToUnit(_("The mid-year report was accepted"), report.accepted, "good")
    elif report is not None and report.asked is not None and report.answered is None:
        sentence = _("The mid-year report was sent back")
        yield AnswerToUnit(sentence, report.asked, "bad", report.asked_text, report.asked_version)
    reply, status = state.targets.replies.get(unit), state.targets.registration_status(unit)
    if reply is not None and unit in state.targets.registrations and reply.status == status:
        sentence = _("Registration of targets: {status}").format(status=word("registration", status))
        yield AnswerToUnit(sentence, reply.when, "good" if status == "accepted" else "bad", version=reply.version)


def _of_words(cycle: VisitedCycle, unit: str) -> Iterator[AnswerToUnit]:
    state = cycle.readable_state()
    said = state.comments.comments
    for one in said.values():
        answered = said.get(one.answers) if one.answers is not None else None
        if answered is not None and not one.withdrawn and answered.by.unit == unit != one.by.unit:
            sentence = _("{who} answers your comment").format(who=voice(one.by, cycle.names))
            yield AnswerToUnit(sentence, one.when, "", one.text, one.version)
    for complaint in state.awards.complaints.values():
        if complaint.by.unit == unit and complaint.answered is not None:
            yield AnswerToUnit(_("The complaint was answered"), complaint.answered)


def proposed(cycle: VisitedCycle) -> tuple[tuple[Duty, tuple[str, ...]], ...]:
    """The duties whose escalation is proposed, each with those of the proposed units that are late still."""
    return tuple(late_still(cycle.readable_state().deadlines, cycle.readable.obligations).items())


def waiting_for_answer(cycle: VisitedCycle, permitted: frozenset[str], deviations: Sequence[Deviation]) -> Waiting:
    """What waits for an answer that the visitor may give: `permitted` are the names of the acts that they may enter."""
    state = cycle.readable_state()
    if state.lifecycle.clock == "backfill" or state.lifecycle.filed is not None:
        return Waiting((), (), (), 0)
    may = permitted.__contains__
    return Waiting(
        proposed(cycle) if may("confirm-escalation") else (),
        tuple(
            (of, one)
            for of, one in state.midyear.items()
            if one.accepted is None and (one.asked is None or one.answered is not None) and may("accept-report")
        ),
        tuple(
            (number, one)
            for number, one in state.awards.complaints.items()
            if one.answered is None and may("answer-complaint")
        ),
        sum(not one.settled and not one.acknowledged for one in deviations) if may("acknowledge") else 0,
    )
