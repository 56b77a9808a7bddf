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
from domain.steps.commenting import Voice, Voices
from domain.steps.membership import require_member
from domain.types import (
    AlreadySaid,
    Command,
    Day,
    Document,
    Event,
    FrozenModel,
    Label,
    Meta,
    Refused,
    Slug,
    StepDecider,
    Text,
    UnitId,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State

LetterKind = Literal[
    "guidance-request", "official-letter", "direction", "guidance", "conclusions-notice", "report", "other-letter"
]


class SampledPlace(FrozenModel):
    """A place below the member unit that a check looked at: a residential unit, a school, a commune of a district."""

    name: Label
    kind: Label | None = None


SampledPlaces = Annotated[tuple[SampledPlace, ...], Field(max_length=limits.PEOPLE_PER_ACT)]


# What people say -------------------------------------------------------------------------


class RecordLetter(Command, name="record-letter"):
    """A letter went up or down: a request for guidance, a direction, a notice of conclusions, any other.

    A direction may be given by word in a meeting: then it has words and no document.
    """

    id: Slug
    kind: LetterKind
    sender: Voice
    recipients: Voices = ()
    document: Document | None = None
    text: Text | None = None
    answer_by: Day | None = None


class AnswerLetter(Command, name="answer-letter"):
    """A letter is answered, or a direction is followed up; `done` says that nothing more is to come."""

    letter: Slug
    by: Voice
    text: Text | None = None
    document: Document | None = None
    done: bool = True


class RecordSiteCheck(Command, name="record-site-check"):
    """Somebody looked on the spot, at a unit or at places below it."""

    id: Slug
    unit: UnitId
    team: Voices = ()
    places: SampledPlaces = ()
    findings: Text | None = None
    minutes: Document | None = None


# What happened ---------------------------------------------------------------------------


class LetterRecorded(Event, name="LetterRecorded"):
    id: Slug
    kind: LetterKind
    sender: Voice
    recipients: tuple[Voice, ...]
    document: Document | None
    text: Text | None
    answer_by: Day | None


class LetterAnswered(Event, name="LetterAnswered"):
    letter: Slug
    by: Voice
    text: Text | None
    document: Document | None
    done: bool


class SiteChecked(Event, name="SiteChecked"):
    id: Slug
    unit: UnitId
    team: tuple[Voice, ...]
    places: tuple[SampledPlace, ...]
    findings: Text | None
    minutes: Document | None


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a letter, or one step of following a direction."""

    told: LetterAnswered
    when: When
    version: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as recorded; `version` is its event's place in the stream."""

    told: LetterRecorded
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class Check:
    """A check on the spot."""

    told: SiteChecked
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class Letters:
    """Letters and checks by id; answers by the id of what they answer, which may not be known yet."""

    letters: Mapping[str, Letter] = field(default_factory=dict)
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)

    def settled(self, letter: str) -> bool:
        """True when nothing more is to come: from each unit that was written to, where units were."""
        done = [answer.told.by.unit for answer in self.answers.get(letter, ()) if answer.told.done]
        known = self.letters.get(letter)
        asked = {to.unit for to in known.told.recipients if to.unit is not None} if known is not None else set()
        return bool(done) and (None in done or not asked or asked <= set(done))


def record(cmd: RecordLetter, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (existing := state.letters.letters.get(cmd.id)) is not None:
        if dict(existing.told) == dict(cmd):
            raise AlreadySaid(existing.version)
        raise Refused("id_is_taken", id=cmd.id)
    yield LetterRecorded(**dict(cmd))


def answer(cmd: AnswerLetter, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    for existing in state.letters.answers.get(cmd.letter, ()):
        if dict(existing.told) == dict(cmd) and existing.when == meta.happened:
            raise AlreadySaid(existing.version)
    yield LetterAnswered(**dict(cmd))


def check(cmd: RecordSiteCheck, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if (existing := state.letters.checks.get(cmd.id)) is not None:
        if dict(existing.told) == dict(cmd):
            raise AlreadySaid(existing.version)
        raise Refused("id_is_taken", id=cmd.id)
    yield SiteChecked(**dict(cmd))


def _answered(letters: Letters, e: LetterAnswered, m: Meta) -> Letters:
    new = Answer(e, m.happened, m.version)
    return replace(letters, answers=with_entry(letters.answers, e.letter, (*letters.answers.get(e.letter, ()), new)))


decider = StepDecider(
    slice_name="letters",
    empty=Letters(),
    decides={RecordLetter: record, AnswerLetter: answer, RecordSiteCheck: check},
    evolves={
        LetterRecorded: lambda s, e, m: replace(
            s, letters=with_entry(s.letters, e.id, Letter(e, m.happened, m.provenance.kind, m.version))
        ),
        LetterAnswered: _answered,
        SiteChecked: lambda s, e, m: replace(
            s, checks=with_entry(s.checks, e.id, Check(e, m.happened, m.provenance.kind, m.version))
        ),
    },
)
