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
from domain.steps.commenting import Participant
from domain.steps.scoring_methods import Amount
from domain.types import (
    AlreadyRecorded,
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
    put,
)

if TYPE_CHECKING:
    from domain.cycle import State

HoldCause = Literal["discipline", "complaint", "other-cause"]
Returned = Literal["object", "money"]


# Commands --------------------------------------------------------------------------------


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

    by: Participant
    text: Text
    award: Slug | None = None
    document: Document | None = None


class AnswerComplaint(Command, name="answer-complaint"):
    """A complaint is answered, by its number."""

    number: int
    text: Text
    document: Document | None = None


# Events ----------------------------------------------------------------------------------


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
    by: Participant
    text: Text
    award: Slug | None
    document: Document | None


class ComplaintAnswered(Event, name="ComplaintAnswered"):
    number: int
    text: Text
    document: Document | None


# State -----------------------------------------------------------------------------------

AwardKey = tuple[str, str]
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

    by: Participant
    text: str
    award: str | None
    when: When
    version: int
    answered: When | None = None


@dataclass(frozen=True, slots=True)
class AwardsState:
    """What became of awards, by unit and award; complaints by number."""

    holds: Mapping[AwardKey, Hold] = field(default_factory=dict)
    annulled: Mapping[AwardKey, When] = field(default_factory=dict)
    returned: Mapping[tuple[str, str, str], When] = field(default_factory=dict)
    complaints: Mapping[int, Complaint] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    """With which unit an object is that goes from one to the other."""


# Decisions -------------------------------------------------------------------------------


def hold(command: HoldAward, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.awards.holds.get((command.unit, command.award))
    if existing is not None and existing.released is None:
        raise AlreadyRecorded(existing.version)
    yield AwardHeld(**dict(command))


def release(command: ReleaseAward, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.awards.holds.get((command.unit, command.award))
    if existing is None or existing.released is not None:
        raise Refused("award_not_held", unit=command.unit, award=command.award)
    yield AwardReleased(**dict(command))


def annul(command: AnnulAward, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (before := state.awards.annulled.get((command.unit, command.award))) is not None:
        raise Refused("award_is_annulled", unit=command.unit, award=command.award, on=before.day)
    yield AwardAnnulled(**dict(command))


def returned(command: RecordReturn, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (before := state.awards.returned.get((command.unit, command.award, command.what))) is not None:
        raise Refused("award_is_returned", unit=command.unit, award=command.award, on=before.day)
    yield AwardReturned(**dict(command))


def hand_over(command: HandOverObject, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.awards.objects.get(command.object) == command.unit:
        raise Refused("object_is_there", object=command.object, unit=command.unit)
    yield ObjectHandedOver(**dict(command))


def complain(command: FileComplaint, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    for existing in state.awards.complaints.values():
        if (existing.by, existing.text, existing.award) == (command.by, command.text, command.award):
            raise AlreadyRecorded(existing.version)
    yield ComplaintFiled(number=len(state.awards.complaints) + 1, **dict(command))


def answer(command: AnswerComplaint, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if command.number not in state.awards.complaints:
        raise Refused("no_such_complaint", number=command.number)
    yield ComplaintAnswered(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _released(awards: AwardsState, event: AwardReleased, meta: Meta) -> AwardsState:
    existing = awards.holds.get((event.unit, event.award), Hold("other-cause", meta.happened, meta.version))
    return replace(
        awards, holds=put(awards.holds, (event.unit, event.award), replace(existing, released=meta.happened))
    )


def _complained(awards: AwardsState, event: ComplaintFiled, meta: Meta) -> AwardsState:
    new = Complaint(event.by, event.text, event.award, meta.happened, meta.version)
    return replace(awards, complaints=put(awards.complaints, event.number, new))


def _answered(awards: AwardsState, event: ComplaintAnswered, meta: Meta) -> AwardsState:
    if (existing := awards.complaints.get(event.number)) is None:
        return awards
    return replace(awards, complaints=put(awards.complaints, event.number, replace(existing, answered=meta.happened)))


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
        AwardHeld: lambda awards, event, meta: replace(
            awards, holds=put(awards.holds, (event.unit, event.award), Hold(event.cause, meta.happened, meta.version))
        ),
        AwardReleased: _released,
        AwardAnnulled: lambda awards, event, meta: replace(
            awards, annulled=put(awards.annulled, (event.unit, event.award), meta.happened)
        ),
        AwardReturned: lambda awards, event, meta: replace(
            awards, returned=put(awards.returned, (event.unit, event.award, event.what), meta.happened)
        ),
        ObjectHandedOver: lambda awards, event, meta: replace(
            awards, objects=put(awards.objects, event.object, event.unit)
        ),
        ComplaintFiled: _complained,
        ComplaintAnswered: _answered,
    },
)
