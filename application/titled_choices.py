"""What a form offers in place of an id or a number that people would have to know.

Awards, criteria, targets, letters, versions, complaints and deviations are chosen by their titles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from application.visits import VisitedCycle
from domain.records import Command
from domain.scoring.scores import ScoreRound
from domain.steps.awards import AnswerComplaint
from domain.steps.commenting import AddComment, Comment, TakeStance, WithdrawComment
from domain.steps.conclusion import RuleClass
from domain.steps.corrections import NameSource
from domain.steps.extensions import AskExtension
from domain.steps.signing import SignCovenant, SignJointly
from domain.steps.targets import ReportResult
from domain.steps.voting import RecordBallot
from domain.titles import title_key
from i18n import _
from i18n.messages import day, word
from i18n.state_text import deviation_text
from i18n.values import voice
from i18n.words import WORDS

Choices = tuple[tuple[str, str], ...]
"""What is sent, and what is shown for it."""


MOST_COMMENTS = 100
"""So many of the latest comments can be chosen to be answered; a link beside each comment leads to its answer."""


def titled_choices(cycle: VisitedCycle, act: type[Command]) -> Mapping[str, Choices]:
    """The choices of an act's fields by the fields' names. A field is not among them where nothing can be chosen.

    A name holds wherever it stands in the act; with a slash before it, such as `/number`, for the act's own field only.
    """
    state, rules = cycle.readable_state(), cycle.rules
    awards = tuple((one.id, one.title) for one in rules.awards)
    found: dict[str, Choices] = {
        "award": awards,
        "criterion": tuple((id_, leaf.title) for id_, leaf in rules.leaves().items()),
        "key": tuple(
            (one.key, deviation_text(one, cycle.names))
            for one in cycle.readable.deviations
            if not one.settled and not one.acknowledged
        ),
        "letter": tuple(
            (id_, _letter(cycle.names.get(title_key("letter", id_), ""), one.event.kind, day(one.when)))
            for id_, one in state.letters.letters.items()
        ),
    }
    if (choices := _OF_ACTS.get(act)) is not None:
        found |= choices(cycle)
    return {name: choices for name, choices in found.items() if choices}


def _of_ballot(cycle: VisitedCycle) -> Mapping[str, Choices]:
    roles: Iterable[str] = WORDS["vote_subject"].words
    awards = ((one.id, one.title) for one in cycle.rules.awards)
    return {"subject": (*((one, word("vote_subject", one)) for one in roles), *awards)}


def _of_round(cycle: VisitedCycle) -> Mapping[str, Choices]:
    return {"round": tuple((one.id, one.title) for one in cycle.rules.rounds)}


def _of_ruling(cycle: VisitedCycle) -> Mapping[str, Choices]:
    classes = tuple((one.id, one.title) for one in cycle.rules.scoring.classes)
    return {"/to": (*classes, ("none", _("no class"))) if classes else ()}


def _of_result(cycle: VisitedCycle) -> Mapping[str, Choices]:
    """The targets that units registered: by their titles, with the unit."""
    registered = cycle.readable_state().targets.registrations.items()
    return {
        "/target": tuple(
            {
                one.id: f"{one.title} ({cycle.names.get(unit, unit)})"
                for unit, registration in registered
                for one in registration.event.targets
            }.items()
        )
    }


def _of_covenant(cycle: VisitedCycle) -> Mapping[str, Choices]:
    """The versions of the covenant, the latest first."""
    return {"/number": _versions(cycle, ("covenant",))}


def _of_stance(cycle: VisitedCycle) -> Mapping[str, Choices]:
    return {"/number": _versions(cycle, tuple(cycle.readable_state().drafts))}


def _versions(cycle: VisitedCycle, kinds: Iterable[str]) -> Choices:
    drafts: Mapping[Any, Any] = cycle.readable_state().drafts
    found: dict[str, list[str]] = {}
    for kind in kinds:
        for one in drafts.get(kind, ()):
            found.setdefault(str(one.number), []).append(f"{word('draft', kind)} ({day(one.when)})")
    return tuple(
        (number, f"{_('version {number}').format(number=number)}: {', '.join(of)}")
        for number, of in sorted(found.items(), key=lambda pair: -int(pair[0]))
    )


def _of_comment(cycle: VisitedCycle) -> Mapping[str, Choices]:
    standing = [one for one in cycle.readable_state().comments.comments.values() if not one.withdrawn]
    return {"/answers": tuple(_comment(cycle, one) for one in reversed(standing[-MOST_COMMENTS:]))}


def _of_withdrawal(cycle: VisitedCycle) -> Mapping[str, Choices]:
    """The comments that stand and that the visitor's unit may withdraw: its own, of the organiser all."""
    unit, standing = cycle.visitor.unit, cycle.readable_state().comments.comments.values()
    all_ = unit == cycle.state.lifecycle.organiser
    found = [one for one in standing if not one.withdrawn and (all_ or one.by.unit == unit)]
    return {"/number": tuple(_comment(cycle, one) for one in reversed(found[-MOST_COMMENTS:]))}


def _of_extension(cycle: VisitedCycle) -> Mapping[str, Choices]:
    """What the visitor's unit owes by a day; the organiser asks for every unit."""
    unit, owed = cycle.visitor.unit, cycle.readable.obligations
    if unit == cycle.state.lifecycle.organiser:
        return {}
    duties = dict.fromkeys(one.duty.value for one in owed if one.bearer == unit and one.done is None and one.due)
    return {"/duty": tuple((duty, word("duty", duty)) for duty in duties)}


def _comment(cycle: VisitedCycle, one: Comment) -> tuple[str, str]:
    about = f" ({word('draft', one.on)})" if one.on else ""
    shown = _("{who}, {day}").format(who=voice(one.by, cycle.names), day=day(one.when))
    return str(one.number), f"{shown}{about} · {_('comment {number}').format(number=one.number)}"


def _of_source(cycle: VisitedCycle) -> Mapping[str, Choices]:
    """The sources that acts name, in the order in which they were first named."""
    named = dict.fromkeys(row.source for row, _envelope in cycle.readable_history() if row.source)
    return {"/id": tuple((source, source) for source in named)}


def _of_complaint(cycle: VisitedCycle) -> Mapping[str, Choices]:
    complaints = cycle.readable_state().awards.complaints
    return {
        "/number": tuple(
            (str(number), _("{who}, {day}").format(who=voice(one.by, cycle.names), day=day(one.when)))
            for number, one in complaints.items()
        )
    }


_OF_ACTS: Mapping[type[Command], Callable[[VisitedCycle], Mapping[str, Choices]]] = {
    AddComment: _of_comment,
    AnswerComplaint: _of_complaint,
    AskExtension: _of_extension,
    NameSource: _of_source,
    RecordBallot: _of_ballot,
    ReportResult: _of_result,
    RuleClass: _of_ruling,
    ScoreRound: _of_round,
    SignCovenant: _of_covenant,
    SignJointly: _of_covenant,
    TakeStance: _of_stance,
    WithdrawComment: _of_withdrawal,
}


def _letter(title: str, kind: str, when: str) -> str:
    return f"{title or word('letter', kind)}, {when}"
