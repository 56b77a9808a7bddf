"""What becomes of an award afterwards: held back, released, complained about, annulled, object and money returned.

A hold is no refusal: a matter is being looked into. All of it can come years later, when the cycle is long filed, and
papers come late: what is told before the thing it answers is recorded, and shown as a deviation.
Source: Emulation Law 06/2022 and Decree 152/2025 (voluntary, public, with holds and revocations).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from domain.rules import Edition
from domain.steps.commenting import Voice
from domain.steps.scoring_methods import Amount
from domain.types import (
    AlreadySaid,
    Command,
    Document,
    Event,
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

HoldCause = Literal["discipline", "complaint", "other-cause"]
Returned = Literal["object", "money"]


# What people say -------------------------------------------------------------------------


class HoldAward(Command, name="hold-award"):
    """An award is held back while a matter is looked into."""

    unit: UnitId
    award: Slug
    cause: HoldCause
    reason: Text
    basis: Document | None = None


class ReleaseAward(Command, name="release-award"):
    """The matter is settled: the award goes its way again."""

    unit: UnitId
    award: Slug
    reason: Text


class AnnulAward(Command, name="annul-award"):
    """An award that was given is taken back; by which decision and why, where a source says it."""

    unit: UnitId
    award: Slug
    decision: Document | None = None
    reason: Text | None = None


class RecordReturn(Command, name="record-return"):
    """The object or the money of an award came back; `amount` in đồng."""

    unit: UnitId
    award: Slug
    what: Returned
    amount: Amount | None = None
    receipt: Document | None = None


class HandOverObject(Command, name="hand-over-object"):
    """An object that goes from unit to unit, such as a rotating flag (cờ luân lưu), changes hands."""

    object: Label
    unit: UnitId
    given_by: UnitId | None = None


class FileComplaint(Command, name="file-complaint"):
    """Somebody complains about the year: a result, an award, a procedure."""

    by: Voice
    text: Text
    award: Slug | None = None
    document: Document | None = None


class AnswerComplaint(Command, name="answer-complaint"):
    """A complaint is answered, by its number."""

    number: int
    text: Text
    document: Document | None = None


# What happened ---------------------------------------------------------------------------


class AwardHeld(Event, name="AwardHeld"):
    unit: UnitId
    award: Slug
    cause: HoldCause
    reason: Text
    basis: Document | None


class AwardReleased(Event, name="AwardReleased"):
    unit: UnitId
    award: Slug
    reason: Text


class AwardAnnulled(Event, name="AwardAnnulled"):
    unit: UnitId
    award: Slug
    decision: Document | None
    reason: Text | None


class AwardReturned(Event, name="AwardReturned"):
    unit: UnitId
    award: Slug
    what: Returned
    amount: Amount | None
    receipt: Document | None


class ObjectHandedOver(Event, name="ObjectHandedOver"):
    object: Label
    unit: UnitId
    given_by: UnitId | None


class ComplaintFiled(Event, name="ComplaintFiled"):
    number: int
    by: Voice
    text: Text
    award: Slug | None
    document: Document | None


class ComplaintAnswered(Event, name="ComplaintAnswered"):
    number: int
    text: Text
    document: Document | None


# What we hold to be true -----------------------------------------------------------------

Key = tuple[str, str]
"""Unit and award."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Since when an award is held back, and why; `released` is when that ended."""

    cause: HoldCause
    since: When
    version: int
    released: When | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint; `answered` is when it was."""

    by: Voice
    text: str
    award: str | None
    when: When
    version: int
    answered: When | None = None


@dataclass(frozen=True, slots=True)
class AwardsState:
    """What became of awards, by unit and award; complaints by number."""

    holds: Mapping[Key, Hold] = field(default_factory=dict)
    annulled: Mapping[Key, When] = field(default_factory=dict)
    returned: Mapping[tuple[str, str, str], When] = field(default_factory=dict)
    complaints: Mapping[int, Complaint] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    """With which unit an object is that goes from one to the other."""


def hold(cmd: HoldAward, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.awards.holds.get((cmd.unit, cmd.award))
    if existing is not None and existing.released is None:
        raise AlreadySaid(existing.version)
    yield AwardHeld(**dict(cmd))


def release(cmd: ReleaseAward, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.awards.holds.get((cmd.unit, cmd.award))
    if existing is None or existing.released is not None:
        raise Refused("award_not_held", unit=cmd.unit, award=cmd.award)
    yield AwardReleased(**dict(cmd))


def annul(cmd: AnnulAward, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (before := state.awards.annulled.get((cmd.unit, cmd.award))) is not None:
        raise Refused("award_is_annulled", unit=cmd.unit, award=cmd.award, on=before.day)
    yield AwardAnnulled(**dict(cmd))


def returned(cmd: RecordReturn, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (before := state.awards.returned.get((cmd.unit, cmd.award, cmd.what))) is not None:
        raise Refused("award_is_returned", unit=cmd.unit, award=cmd.award, on=before.day)
    yield AwardReturned(**dict(cmd))


def hand_over(cmd: HandOverObject, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.awards.objects.get(cmd.object) == cmd.unit:
        raise Refused("object_is_there", object=cmd.object, unit=cmd.unit)
    yield ObjectHandedOver(**dict(cmd))


def complain(cmd: FileComplaint, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    for existing in state.awards.complaints.values():
        if (existing.by, existing.text, existing.award) == (cmd.by, cmd.text, cmd.award):
            raise AlreadySaid(existing.version)
    yield ComplaintFiled(number=len(state.awards.complaints) + 1, **dict(cmd))


def answer(cmd: AnswerComplaint, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.number not in state.awards.complaints:
        raise Refused("no_such_complaint", number=cmd.number)
    yield ComplaintAnswered(**dict(cmd))


def _released(a: AwardsState, e: AwardReleased, m: Meta) -> AwardsState:
    existing = a.holds.get((e.unit, e.award), Hold("other-cause", m.happened, m.version))
    return replace(a, holds=with_entry(a.holds, (e.unit, e.award), replace(existing, released=m.happened)))


def _complained(a: AwardsState, e: ComplaintFiled, m: Meta) -> AwardsState:
    new = Complaint(e.by, e.text, e.award, m.happened, m.version)
    return replace(a, complaints=with_entry(a.complaints, e.number, new))


def _answered(a: AwardsState, e: ComplaintAnswered, m: Meta) -> AwardsState:
    if (existing := a.complaints.get(e.number)) is None:
        return a
    return replace(a, complaints=with_entry(a.complaints, e.number, replace(existing, answered=m.happened)))


decider = StepDecider(
    slice_name="awards",
    empty=AwardsState(),
    decides={
        HoldAward: hold,
        ReleaseAward: release,
        AnnulAward: annul,
        RecordReturn: returned,
        FileComplaint: complain,
        AnswerComplaint: answer,
        HandOverObject: hand_over,
    },
    evolves={
        AwardHeld: lambda a, e, m: replace(
            a, holds=with_entry(a.holds, (e.unit, e.award), Hold(e.cause, m.happened, m.version))
        ),
        AwardReleased: _released,
        AwardAnnulled: lambda a, e, m: replace(a, annulled=with_entry(a.annulled, (e.unit, e.award), m.happened)),
        AwardReturned: lambda a, e, m: replace(
            a, returned=with_entry(a.returned, (e.unit, e.award, e.what), m.happened)
        ),
        ObjectHandedOver: lambda a, e, m: replace(a, objects=with_entry(a.objects, e.object, e.unit)),
        ComplaintFiled: _complained,
        ComplaintAnswered: _answered,
    },
)
