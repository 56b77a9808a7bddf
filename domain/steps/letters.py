"""Traffic up and down: letters, requests for guidance, directions with their follow-up, and checks on the spot.

What is said here binds nobody by itself: it is why other acts were done. Papers come late, so an answer may be entered
before the letter it answers; until that comes, the register shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from domain import limits
from domain.rules import Edition
from domain.steps.commenting import Participant, Participants
from domain.steps.membership import require_member
from domain.types import (
    AlreadyRecorded,
    Command,
    Day,
    Document,
    Event,
    Fact,
    Label,
    Meta,
    Refused,
    Slug,
    StepDecider,
    Text,
    UnitId,
    When,
    put,
)

if TYPE_CHECKING:
    from domain.cycle import State

LetterKind = Literal[
    "guidance-request", "official-letter", "direction", "guidance", "conclusions-notice", "report", "other-letter"
]


class SampledPlace(Fact):
    """A place below the member unit that a check looked at: a residential unit, a school, a commune of a district."""

    name: Label
    kind: Label | None = None


SampledPlaces = Annotated[tuple[SampledPlace, ...], Field(max_length=limits.PEOPLE_PER_ACT)]


# Commands --------------------------------------------------------------------------------


class RecordLetter(Command, name="record-letter"):
    """A letter went up or down: a request for guidance, a direction, a notice of conclusions, any other.

    A direction may be given by word in a meeting: then it has words and no document.
    """

    id: Slug
    kind: LetterKind
    sender: Participant
    recipients: Participants = ()
    document: Document | None = None
    text: Text | None = None
    answer_by: Day | None = None


class AnswerLetter(Command, name="answer-letter"):
    """A letter is answered, or a direction is followed up; `done` says that nothing more is to come."""

    letter: Slug
    by: Participant
    text: Text | None = None
    document: Document | None = None
    done: bool = True


class RecordSiteCheck(Command, name="record-site-check"):
    """Somebody looked on the spot, at a unit or at places below it."""

    id: Slug
    unit: UnitId
    team: Participants = ()
    places: SampledPlaces = ()
    findings: Text | None = None
    minutes: Document | None = None


# Events ----------------------------------------------------------------------------------


class LetterRecorded(Event, name="LetterRecorded"):
    id: Slug
    kind: LetterKind
    sender: Participant
    recipients: tuple[Participant, ...]
    document: Document | None
    text: Text | None
    answer_by: Day | None


class LetterAnswered(Event, name="LetterAnswered"):
    letter: Slug
    by: Participant
    text: Text | None
    document: Document | None
    done: bool


class SiteChecked(Event, name="SiteChecked"):
    id: Slug
    unit: UnitId
    team: tuple[Participant, ...]
    places: tuple[SampledPlace, ...]
    findings: Text | None
    minutes: Document | None


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LetterAnswer:
    """One answer to a letter, or one step of following a direction."""

    event: LetterAnswered
    when: When
    version: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as recorded; `version` is its event's place in the stream."""

    event: LetterRecorded
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class SiteCheck:
    """A check on the spot."""

    event: SiteChecked
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class Letters:
    """Letters and checks by id; answers by the id of what they answer, which may not be known yet."""

    letters: Mapping[str, Letter] = field(default_factory=dict)
    answers: Mapping[str, tuple[LetterAnswer, ...]] = field(default_factory=dict)
    checks: Mapping[str, SiteCheck] = field(default_factory=dict)

    def settled(self, letter: str) -> bool:
        """True when nothing more is to come: from each unit that was written to, where units were."""
        done = [answer.event.by.unit for answer in self.answers.get(letter, ()) if answer.event.done]
        known = self.letters.get(letter)
        asked = {to.unit for to in known.event.recipients if to.unit is not None} if known is not None else set()
        return bool(done) and (None in done or not asked or asked <= set(done))


# Decisions -------------------------------------------------------------------------------


def record(command: RecordLetter, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (existing := state.letters.letters.get(command.id)) is not None:
        if dict(existing.event) == dict(command):
            raise AlreadyRecorded(existing.version)
        raise Refused("id_is_taken", id=command.id)
    yield LetterRecorded(**dict(command))


def answer(command: AnswerLetter, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    for existing in state.letters.answers.get(command.letter, ()):
        if dict(existing.event) == dict(command) and existing.when == meta.happened:
            raise AlreadyRecorded(existing.version)
    yield LetterAnswered(**dict(command))


def check(command: RecordSiteCheck, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(command.unit, meta, state)
    if (existing := state.letters.checks.get(command.id)) is not None:
        if dict(existing.event) == dict(command):
            raise AlreadyRecorded(existing.version)
        raise Refused("id_is_taken", id=command.id)
    yield SiteChecked(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _answered(letters: Letters, event: LetterAnswered, meta: Meta) -> Letters:
    new = LetterAnswer(event, meta.happened, meta.version)
    return replace(letters, answers=put(letters.answers, event.letter, (*letters.answers.get(event.letter, ()), new)))


decider = StepDecider(
    slice_name="letters",
    empty=Letters(),
    decides={RecordLetter: record, AnswerLetter: answer, RecordSiteCheck: check},
    evolves={
        LetterRecorded: lambda letters, event, meta: replace(
            letters,
            letters=put(letters.letters, event.id, Letter(event, meta.happened, meta.provenance.kind, meta.version)),
        ),
        LetterAnswered: _answered,
        SiteChecked: lambda letters, event, meta: replace(
            letters,
            checks=put(letters.checks, event.id, SiteCheck(event, meta.happened, meta.provenance.kind, meta.version)),
        ),
    },
)
