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
from domain.problems import invalid
from domain.rules import DraftKind, Edition
from domain.steps.membership import require_member
from domain.types import (
    AlreadySaid,
    Command,
    Event,
    FrozenModel,
    Label,
    Meta,
    Person,
    Refused,
    StepDecider,
    Text,
    UnitId,
    When,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State

Stance = Literal["agreed", "agreed-in-substance", "changes-requested"]


class Voice(FrozenModel):
    """Who said a thing in a meeting: a unit, a person, or people named together."""

    unit: UnitId | None = None
    person: Person | None = None
    group: Label | None = None

    @model_validator(mode="after")
    def _one(self) -> Voice:
        if sum(part is not None for part in (self.unit, self.person, self.group)) != 1:
            raise invalid("voice_is_one")
        return self


Voices = Annotated[tuple[Voice, ...], Field(max_length=limits.PEOPLE_PER_ACT)]


# What people say -------------------------------------------------------------------------


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

    by: Voice
    text: Text
    on: DraftKind | None = None
    asks_for_change: bool = False
    answers: PositiveInt | None = None
    """The number of the comment that it answers."""


class WithdrawComment(Command, name="withdraw-comment"):
    """Take a comment back, by its number."""

    number: int


# What happened ---------------------------------------------------------------------------


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
    by: Voice
    text: Text
    on: DraftKind | None
    asks_for_change: bool
    answers: int | None = None


class CommentWithdrawn(Event, name="CommentWithdrawn"):
    number: int


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taken:
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
    by: Voice
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

    stances: Mapping[tuple[str, str], Taken] = field(default_factory=dict)
    together: tuple[Taken, ...] = ()
    comments: Mapping[int, Comment] = field(default_factory=dict)

    def answered(self, unit: str) -> Taken | None:
        """The first stance that answers for the unit: its own, or one taken by all together."""
        own = [taken for (of, _), taken in self.stances.items() if of == unit]
        return min((*own, *self.together), key=lambda taken: taken.when.earliest, default=None)


def _key(unit: str, on: DraftKind | None) -> tuple[str, str]:
    return unit, on or ""


def take(cmd: TakeStance, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    existing = state.comments.stances.get(_key(cmd.unit, cmd.on))
    if existing is not None and (existing.stance, existing.text) == (cmd.stance, cmd.text):
        raise AlreadySaid(existing.version)
    yield StanceTaken(**dict(cmd))


def withdraw(cmd: WithdrawStance, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if _key(cmd.unit, cmd.on) not in state.comments.stances:
        raise Refused("no_stance", unit=cmd.unit)
    yield StanceWithdrawn(**dict(cmd))


def take_together(cmd: TakeStanceTogether, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    for existing in state.comments.together:
        if (existing.by, existing.stance, existing.on) == (cmd.group, cmd.stance, cmd.on):
            raise AlreadySaid(existing.version)
    yield StanceTakenTogether(**dict(cmd))


def comment(cmd: AddComment, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.answers is not None and cmd.answers not in state.comments.comments:
        raise Refused("no_such_comment", number=cmd.answers)
    same = (cmd.by, cmd.text, cmd.on)
    for existing in state.comments.comments.values():
        if (existing.by, existing.text, existing.on) == same and not existing.withdrawn:
            raise AlreadySaid(existing.version)
    yield CommentAdded(number=len(state.comments.comments) + 1, **dict(cmd))


def withdraw_comment(cmd: WithdrawComment, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.comments.comments.get(cmd.number)
    if existing is None or existing.withdrawn:
        raise Refused("no_such_comment", number=cmd.number)
    if meta.unit not in {existing.by.unit, state.lifecycle.organiser}:
        raise Refused("not_yours", act=WithdrawComment.NAME)
    yield CommentWithdrawn(number=cmd.number)


def _taken(c: Comments, e: StanceTaken, m: Meta) -> Comments:
    before = c.stances.get(_key(e.unit, e.on))
    first = m.happened if before is None else before.first
    taken = Taken(e.unit, e.stance, e.on, e.text, m.happened, m.provenance.kind, m.version, first)
    return replace(c, stances=with_entry(c.stances, _key(e.unit, e.on), taken))


def _taken_together(c: Comments, e: StanceTakenTogether, m: Meta) -> Comments:
    taken = Taken(e.group, e.stance, e.on, None, m.happened, m.provenance.kind, m.version)
    return replace(c, together=(*c.together, taken))


def _stance_withdrawn(c: Comments, e: StanceWithdrawn, m: Meta) -> Comments:
    gone = _key(e.unit, e.on)
    return replace(c, stances={key: taken for key, taken in c.stances.items() if key != gone})


def _commented(c: Comments, e: CommentAdded, m: Meta) -> Comments:
    new = Comment(
        e.number, e.by, e.text, e.on, e.asks_for_change, m.happened, m.provenance.kind, m.version, answers=e.answers
    )
    return replace(c, comments=with_entry(c.comments, e.number, new))


def _comment_withdrawn(c: Comments, e: CommentWithdrawn, m: Meta) -> Comments:
    if (existing := c.comments.get(e.number)) is None:
        return c
    return replace(c, comments=with_entry(c.comments, e.number, replace(existing, withdrawn=True)))


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
