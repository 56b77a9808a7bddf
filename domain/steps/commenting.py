"""Comments: stances of units, or of a group, on the drafts, and the changes that they ask for.

A unit gives its opinion on the drafts by a stance or by a comment: one task, which either of them does. A stance that a
source reports of a group stays one collective stance. It is never expanded into stances of single units, because they
did not take them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from pydantic import PositiveInt

from domain import limits
from domain.duties import Duty
from domain.msgids import N_, NC_
from domain.parties import ANY_PERSON, MINUTES_KEEPERS, OWN_UNIT, Readers, Section
from domain.records import OF_EARLIER_ACT, AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import DraftKind, Edition
from domain.times import When, earlier_of
from domain.types import FrozenModel, Label, Participant, Text, UnitId, added_later, with_entry
from domain.units import OwnActsContext, UnitsContext, require_member, require_own_or_decided


class CommentingContext(UnitsContext, OwnActsContext, Protocol):
    """What commenting reads of the cycle."""

    @property
    def comments(self) -> Comments: ...

    @property
    def organiser(self) -> str:
        """The id of the organiser; "" before the cycle is opened."""

    def draft_read(self, kind: DraftKind, when: When) -> int | None:
        """Return the number of the latest version that can have been presented by then; None when there is none."""


Stance = Literal["agreed", "agreed-in-substance", "changes-requested"]


class StanceFields(FrozenModel):
    """The fields of a stance, shared by command and event."""

    unit: UnitId
    stance: Stance
    on: DraftKind | None = None
    text: Text | None = None
    number: PositiveInt | None = added_later()
    """The version of the draft that it is about; None for a stance on all drafts, or on one that is not presented."""


# Commands --------------------------------------------------------------------------------


class TakeStance(
    Command,
    StanceFields,
    name="take-stance",
    label=NC_("act", "take stance"),
    summary=N_("Record a unit's stance on the drafts, or on one of them."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=Duty.STANCE,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: ("draft" if command.on is None else f"draft/{command.on}", f"stance/{command.unit}"),
):
    pass


class WithdrawStance(
    Command,
    name="withdraw-stance",
    label=NC_("act", "withdraw stance"),
    summary=N_("Withdraw a unit's stance."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: (f"stance/{command.unit}",),
):
    unit: UnitId
    on: DraftKind | None = None


class TakeStanceTogether(
    Command,
    name="take-stance-together",
    label=NC_("act", "take stance together"),
    summary=N_("Record a stance that a group takes together; the stances of its units are not known."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: ("draft" if command.on is None else f"draft/{command.on}",),
):
    stance: Stance
    group: Label
    on: DraftKind | None = None


class AddComment(
    Command,
    name="comment",
    label=NC_("act", "comment"),
    summary=N_("Comment on one draft or on all, and ask for a change if needed."),
    allowed=ANY_PERSON,
    about="by.unit",
    closed_by=Duty.STANCE,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    by: Participant
    text: Text
    on: DraftKind | None = None
    asks_for_change: bool = False
    answers: PositiveInt | None = None
    """The number of the comment that this one answers."""
    draft_version: PositiveInt | None = added_later()
    """The version of the draft that was read."""
    paragraph: PositiveInt | None = added_later()
    """The paragraph of that version which it is about, counted without empty lines; None: the whole draft."""


class WithdrawComment(
    Command,
    name="withdraw-comment",
    label=NC_("act", "withdraw comment"),
    summary=N_("Withdraw a comment, given by its number."),
    allowed=OWN_UNIT,
    about=OF_EARLIER_ACT,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    number: int


# Events ----------------------------------------------------------------------------------


class StanceTaken(
    Event,
    StanceFields,
    name="StanceTaken",
    schema=1,
    sentence=lambda event: (
        N_("{unit}: {stance}.") if event.number is None else N_("{unit}: {stance}, version {number} of the {on}."),
        dict(event),
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.STANCES,
    subjects=lambda event: (f"stance/{event.unit}",),
):
    pass


class StanceWithdrawn(
    Event,
    name="StanceWithdrawn",
    schema=1,
    sentence=N_("{unit} withdraws its stance."),
    sentence_if_decided=N_("By decision of the meeting, the stance of {unit} is withdrawn."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.STANCES,
    subjects=lambda event: (f"stance/{event.unit}",),
):
    unit: UnitId
    on: DraftKind | None


class StanceTakenTogether(
    Event,
    name="StanceTakenTogether",
    schema=1,
    sentence=N_("{group}: {stance}, all together."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.STANCES,
):
    stance: Stance
    group: Label
    on: DraftKind | None


class CommentAdded(
    Event,
    name="CommentAdded",
    schema=1,
    sentence=N_("{by}: {text}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.COMMENTS,
):
    number: int
    by: Participant
    text: Text
    on: DraftKind | None
    asks_for_change: bool
    answers: int | None = None
    draft_version: int | None = added_later()
    paragraph: int | None = added_later()


class CommentWithdrawn(
    Event,
    name="CommentWithdrawn",
    schema=1,
    sentence=N_("Comment {number} is withdrawn."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.COMMENTS,
):
    number: int


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordedStance:
    """A unit's or a group's latest stance; `by` is the unit's id, or the name of the group."""

    by: str
    stance: Stance
    on: DraftKind | None
    text: str | None
    when: When
    sureness: str
    version: int
    first: When | None = None
    """When the unit first took a stance: a later change does not make it late."""
    number: int | None = None


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
    draft_version: int | None = None
    paragraph: int | None = None


@dataclass(frozen=True, slots=True)
class Comments:
    """Stances by unit and draft ("" for all drafts), collective stances in order, comments by number."""

    stances: Mapping[tuple[str, str], RecordedStance] = field(default_factory=dict)
    collective_stances: tuple[RecordedStance, ...] = ()
    comments: Mapping[int, Comment] = field(default_factory=dict)

    def stances_of(self, unit: str, was_member: Callable[[When], bool]) -> tuple[RecordedStance, ...]:
        """The stances that count for the unit: its own, and those that all took together when it was a member."""
        own = (stance for (of, _), stance in self.stances.items() if of == unit)
        return (*own, *(stance for stance in self.collective_stances if was_member(stance.when)))

    def comments_of(self, unit: str, was_member: Callable[[When], bool]) -> tuple[Comment, ...]:
        """The comments that count as the unit's opinion on the drafts: its standing ones, made when it was a member.

        An answer to another comment is about that comment, not about a draft.
        """
        own = (one for one in self.comments.values() if one.by.unit == unit and not one.withdrawn)
        return tuple(one for one in own if one.answers is None and was_member(one.when))

    def depth(self, number: int) -> int:
        """How many comments stand above a comment and answer each other, with itself: 1 for one that answers none.

        It counts to `limits.ANSWERS_DEPTH` only: corrections can make comments answer each other in a circle.
        """
        depth, at = 0, self.comments.get(number)
        while at is not None and depth < limits.ANSWERS_DEPTH:
            depth += 1
            at = None if at.answers is None else self.comments.get(at.answers)
        return depth


def _key(unit: str, on: DraftKind | None) -> tuple[str, str]:
    return unit, on or ""


# Decisions -------------------------------------------------------------------------------


def take_stance(command: TakeStance, meta: Meta, state: CommentingContext, rules: Edition) -> Iterator[StanceTaken]:
    require_member(command.unit, meta, state)
    number = _version_read(command, meta, state)
    existing = state.comments.stances.get(_key(command.unit, command.on))
    same = (command.stance, command.text, number)
    if existing is not None and (existing.stance, existing.text, existing.number) == same:
        raise AlreadyRecorded(existing.version)
    if existing is not None:
        require_own_or_decided(command.unit, meta, state)
    yield StanceTaken(**{**dict(command), "number": number})


def _version_read(command: TakeStance, meta: Meta, state: CommentingContext) -> int | None:
    """Return the version of the draft that a stance is about.

    Raises:
        Refused: `stance_on_no_version`, or `no_such_version`.
    """
    latest = None if command.on is None else state.draft_read(command.on, meta.happened)
    if command.number is None:
        return latest
    if command.on is None:
        raise Refused("stance_on_no_version")
    if latest is None or command.number > latest:
        raise Refused("no_such_version", kind=command.on, number=command.number, latest=latest or 0)
    return command.number


def withdraw_stance(
    command: WithdrawStance, meta: Meta, state: CommentingContext, rules: Edition
) -> Iterator[StanceWithdrawn]:
    if _key(command.unit, command.on) not in state.comments.stances:
        raise Refused("no_stance", unit=command.unit)
    require_own_or_decided(command.unit, meta, state)
    yield StanceWithdrawn(**dict(command))


def take_stance_together(
    command: TakeStanceTogether, meta: Meta, state: CommentingContext, rules: Edition
) -> Iterator[StanceTakenTogether]:
    for existing in state.comments.collective_stances:
        if (existing.by, existing.stance, existing.on) == (command.group, command.stance, command.on):
            raise AlreadyRecorded(existing.version)
    yield StanceTakenTogether(**dict(command))


def add_comment(command: AddComment, meta: Meta, state: CommentingContext, rules: Edition) -> Iterator[CommentAdded]:
    if command.answers is not None:
        if command.answers not in state.comments.comments:
            raise Refused("no_such_comment", number=command.answers)
        if state.comments.depth(command.answers) >= limits.ANSWERS_DEPTH:
            raise Refused("answers_too_deep", most=limits.ANSWERS_DEPTH)
    same = (command.by, command.text, command.on)
    for existing in state.comments.comments.values():
        if (existing.by, existing.text, existing.on) == same and not existing.withdrawn:
            raise AlreadyRecorded(existing.version)
    yield CommentAdded(number=len(state.comments.comments) + 1, **dict(command))


def withdraw_comment(
    command: WithdrawComment, meta: Meta, state: CommentingContext, rules: Edition
) -> Iterator[CommentWithdrawn]:
    existing = state.comments.comments.get(command.number)
    if existing is None or existing.withdrawn:
        raise Refused("no_such_comment", number=command.number)
    if meta.unit not in {existing.by.unit, state.organiser}:
        raise Refused("not_yours", act=WithdrawComment.NAME)
    yield CommentWithdrawn(number=command.number)


# Evolution -------------------------------------------------------------------------------


def _stance_taken(comments: Comments, event: StanceTaken, meta: Meta) -> Comments:
    key = _key(event.unit, event.on)
    existing = comments.stances.get(key)
    first = earlier_of(None if existing is None else existing.first or existing.when, meta.happened)
    if existing is not None and meta.happened.before(existing.when):
        # A paper of an earlier day that comes later: what was said last is what counts.
        return replace(comments, stances=with_entry(comments.stances, key, replace(existing, first=first)))
    new = RecordedStance(
        event.unit,
        event.stance,
        event.on,
        event.text,
        meta.happened,
        meta.provenance.kind,
        meta.version,
        first,
        event.number,
    )
    return replace(comments, stances=with_entry(comments.stances, key, new))


def _stance_taken_together(comments: Comments, event: StanceTakenTogether, meta: Meta) -> Comments:
    new = RecordedStance(event.group, event.stance, event.on, None, meta.happened, meta.provenance.kind, meta.version)
    return replace(comments, collective_stances=(*comments.collective_stances, new))


def _stance_withdrawn(comments: Comments, event: StanceWithdrawn, meta: Meta) -> Comments:
    withdrawn = _key(event.unit, event.on)
    return replace(comments, stances={key: stance for key, stance in comments.stances.items() if key != withdrawn})


def _comment_added(comments: Comments, event: CommentAdded, meta: Meta) -> Comments:
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
        draft_version=event.draft_version,
        paragraph=event.paragraph,
    )
    return replace(comments, comments=with_entry(comments.comments, event.number, new))


def _comment_withdrawn(comments: Comments, event: CommentWithdrawn, meta: Meta) -> Comments:
    if (existing := comments.comments.get(event.number)) is None:
        return comments
    return replace(comments, comments=with_entry(comments.comments, event.number, replace(existing, withdrawn=True)))


decider: StepDecider[Comments, CommentingContext, Edition] = StepDecider(
    title=N_("Stances and comments on the drafts"),
    slice_name="comments",
    decides={
        TakeStance: take_stance,
        WithdrawStance: withdraw_stance,
        TakeStanceTogether: take_stance_together,
        AddComment: add_comment,
        WithdrawComment: withdraw_comment,
    },
    evolves={
        StanceTaken: _stance_taken,
        StanceWithdrawn: _stance_withdrawn,
        StanceTakenTogether: _stance_taken_together,
        CommentAdded: _comment_added,
        CommentWithdrawn: _comment_withdrawn,
    },
)
