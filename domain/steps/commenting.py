"""Comments: what each unit, or all together, think of the drafts, and the edits they ask for.

What a source says of all together stays one collective stance: it is never expanded into stances that single
units did not take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from domain import limits
from domain.problems import wrong
from domain.rules import DraftKind, Edition
from domain.steps.membership import require_member
from domain.types import (
    AlreadyRecorded,
    Command,
    Event,
    Fact,
    Label,
    Meta,
    Person,
    Refused,
    StepDecider,
    Text,
    UnitId,
    When,
    put,
)

if TYPE_CHECKING:
    from domain.cycle import State

Stance = Literal["agreed", "agreed-in-substance", "changes-requested"]


class Participant(Fact):
    """Who said a thing in a meeting: a unit, a person, or people named together."""

    unit: UnitId | None = None
    person: Person | None = None
    group: Label | None = None

    @model_validator(mode="after")
    def _one(self) -> Participant:
        if sum(part is not None for part in (self.unit, self.person, self.group)) != 1:
            raise wrong("voice_is_one")
        return self


Participants = Annotated[tuple[Participant, ...], Field(max_length=limits.PEOPLE_PER_ACT)]


# Commands --------------------------------------------------------------------------------


class TakeStance(Command, name="take-stance"):
    """A unit says what it thinks of the drafts, or of one of them."""

    unit: UnitId
    stance: Stance
    on: DraftKind | None = None
    text: Text | None = None


class WithdrawStance(Command, name="withdraw-stance"):
    """A unit takes its stance back."""

    unit: UnitId
    on: DraftKind | None = None


class TakeStanceTogether(Command, name="take-stance-together"):
    """The delegates say it together; no single unit's stance is known."""

    stance: Stance
    group: Label
    on: DraftKind | None = None


class AddComment(Command, name="comment"):
    """An edit asked for, or a remark, on a draft or on all of them."""

    by: Participant
    text: Text
    on: DraftKind | None = None
    asks_for_change: bool = False
    answers: PositiveInt | None = None
    """The number of the comment that it answers."""


class WithdrawComment(Command, name="withdraw-comment"):
    """Take a comment back, by its number."""

    number: int


# Events ----------------------------------------------------------------------------------


class StanceTaken(Event, name="StanceTaken"):
    unit: UnitId
    stance: Stance
    on: DraftKind | None
    text: Text | None


class StanceWithdrawn(Event, name="StanceWithdrawn"):
    unit: UnitId
    on: DraftKind | None


class StanceTakenTogether(Event, name="StanceTakenTogether"):
    stance: Stance
    group: Label
    on: DraftKind | None


class CommentAdded(Event, name="CommentAdded"):
    number: int
    by: Participant
    text: Text
    on: DraftKind | None
    asks_for_change: bool
    answers: int | None = None


class CommentWithdrawn(Event, name="CommentWithdrawn"):
    number: int


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordedStance:
    """A stance as it stands; `by` is a unit's id, or the name of the group."""

    by: str
    stance: Stance
    on: DraftKind | None
    text: str | None
    when: When
    sureness: str
    version: int
    first: When | None = None
    """When the unit first answered: a later change of mind does not make it late."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment; `withdrawn` ones stay visible."""

    number: int
    by: Participant
    text: str
    on: DraftKind | None
    asks_for_change: bool
    when: When
    sureness: str
    version: int
    withdrawn: bool = False
    answers: int | None = None


@dataclass(frozen=True, slots=True)
class Comments:
    """Stances by (unit, draft), collective ones in order, comments by number."""

    stances: Mapping[tuple[str, str], RecordedStance] = field(default_factory=dict)
    collective_stances: tuple[RecordedStance, ...] = ()
    comments: Mapping[int, Comment] = field(default_factory=dict)

    def answered(self, unit: str) -> RecordedStance | None:
        """The first stance that answers for the unit: its own, or one taken by all together."""
        own = [taken for (of, _), taken in self.stances.items() if of == unit]
        return min((*own, *self.collective_stances), key=lambda taken: taken.when.earliest, default=None)


def _key(unit: str, on: DraftKind | None) -> tuple[str, str]:
    return unit, on or ""


# Decisions -------------------------------------------------------------------------------


def take(command: TakeStance, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(command.unit, meta, state)
    existing = state.comments.stances.get(_key(command.unit, command.on))
    if existing is not None and (existing.stance, existing.text) == (command.stance, command.text):
        raise AlreadyRecorded(existing.version)
    yield StanceTaken(**dict(command))


def withdraw(command: WithdrawStance, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if _key(command.unit, command.on) not in state.comments.stances:
        raise Refused("no_stance", unit=command.unit)
    yield StanceWithdrawn(**dict(command))


def take_together(command: TakeStanceTogether, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    for existing in state.comments.collective_stances:
        if (existing.by, existing.stance, existing.on) == (command.group, command.stance, command.on):
            raise AlreadyRecorded(existing.version)
    yield StanceTakenTogether(**dict(command))


def comment(command: AddComment, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if command.answers is not None and command.answers not in state.comments.comments:
        raise Refused("no_such_comment", number=command.answers)
    same = (command.by, command.text, command.on)
    for existing in state.comments.comments.values():
        if (existing.by, existing.text, existing.on) == same and not existing.withdrawn:
            raise AlreadyRecorded(existing.version)
    yield CommentAdded(number=len(state.comments.comments) + 1, **dict(command))


def withdraw_comment(command: WithdrawComment, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.comments.comments.get(command.number)
    if existing is None or existing.withdrawn:
        raise Refused("no_such_comment", number=command.number)
    if meta.unit not in {existing.by.unit, state.lifecycle.organiser}:
        raise Refused("not_yours", act=WithdrawComment.NAME)
    yield CommentWithdrawn(number=command.number)


# Evolution -------------------------------------------------------------------------------


def _taken(comments: Comments, event: StanceTaken, meta: Meta) -> Comments:
    before = comments.stances.get(_key(event.unit, event.on))
    first = meta.happened if before is None else before.first
    taken = RecordedStance(
        event.unit, event.stance, event.on, event.text, meta.happened, meta.provenance.kind, meta.version, first
    )
    return replace(comments, stances=put(comments.stances, _key(event.unit, event.on), taken))


def _taken_together(comments: Comments, event: StanceTakenTogether, meta: Meta) -> Comments:
    taken = RecordedStance(event.group, event.stance, event.on, None, meta.happened, meta.provenance.kind, meta.version)
    return replace(comments, collective_stances=(*comments.collective_stances, taken))


def _stance_withdrawn(comments: Comments, event: StanceWithdrawn, meta: Meta) -> Comments:
    gone = _key(event.unit, event.on)
    return replace(comments, stances={key: taken for key, taken in comments.stances.items() if key != gone})


def _commented(comments: Comments, event: CommentAdded, meta: Meta) -> Comments:
    new = Comment(
        event.number,
        event.by,
        event.text,
        event.on,
        event.asks_for_change,
        meta.happened,
        meta.provenance.kind,
        meta.version,
        answers=event.answers,
    )
    return replace(comments, comments=put(comments.comments, event.number, new))


def _comment_withdrawn(comments: Comments, event: CommentWithdrawn, meta: Meta) -> Comments:
    if (existing := comments.comments.get(event.number)) is None:
        return comments
    return replace(comments, comments=put(comments.comments, event.number, replace(existing, withdrawn=True)))


decider = StepDecider(
    slice_name="comments",
    empty=Comments(),
    decides={
        TakeStance: take,
        WithdrawStance: withdraw,
        TakeStanceTogether: take_together,
        AddComment: comment,
        WithdrawComment: withdraw_comment,
    },
    evolves={
        StanceTaken: _taken,
        StanceWithdrawn: _stance_withdrawn,
        StanceTakenTogether: _taken_together,
        CommentAdded: _commented,
        CommentWithdrawn: _comment_withdrawn,
    },
)
