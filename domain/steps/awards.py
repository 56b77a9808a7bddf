"""Awards after the decision: holds and releases, complaints, annulments, returned objects and money.

These commands can come years later, when the cycle is filed. Records can come out of order: an answer without the thing
it answers is recorded, and shown as a deviation. A hold is not a refusal: the award waits for an investigation.
Source: Emulation Law 06/2022 and Decree 152/2025 (voluntary, public, with holds and revocations).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from domain.dates import as_iso
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, OWN_UNIT, SECRETARIAT, Readers
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.times import When
from domain.types import Amount, AwardId, Document, FrozenModel, Label, Participant, Text, UnitId, with_entry


class AwardsContext(Protocol):
    """What awards read of the cycle: themselves only."""

    @property
    def awards(self) -> AwardsState: ...


HoldCause = Literal["discipline", "complaint", "other-cause"]
Returned = Literal["object", "money"]


class HoldFields(FrozenModel):
    """The fields of a hold of an award, shared by command and event."""

    unit: UnitId
    award: AwardId
    cause: HoldCause
    reason: Text
    basis: Document | None = None


class ReleaseFields(FrozenModel):
    """The fields of the release of a held award, shared by command and event."""

    unit: UnitId
    award: AwardId
    reason: Text


class AnnulmentFields(FrozenModel):
    """The fields of the annulment of an award, shared by command and event."""

    unit: UnitId
    award: AwardId
    decision: Document | None = None
    reason: Text | None = None


class ReturnFields(FrozenModel):
    """The fields of the return of an award's money or object, shared by command and event."""

    unit: UnitId
    award: AwardId
    what: Returned
    amount: Amount | None = None
    receipt: Document | None = None


# Commands --------------------------------------------------------------------------------


class HoldAward(
    Command,
    HoldFields,
    name="hold-award",
    label=NC_("act", "hold award"),
    summary=N_("Hold an award back while a matter is investigated."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    pass


class ReleaseAward(
    Command,
    ReleaseFields,
    name="release-award",
    label=NC_("act", "release award"),
    summary=N_("Release an award that was held back, after the matter is settled."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    pass


class AnnulAward(
    Command,
    AnnulmentFields,
    name="annul-award",
    label=NC_("act", "annul award"),
    summary=N_("Annul an award that was given, with the decision and the reason where they are known."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=True,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    pass


class RecordReturn(
    Command,
    ReturnFields,
    name="record-return",
    label=NC_("act", "record return"),
    summary=N_("Record that the object or the money of an award was returned."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    """`amount` is in đồng."""


class HandOverObject(
    Command,
    name="hand-over-object",
    label=NC_("act", "hand over object"),
    summary=N_("Record that an object such as a rotating flag (cờ luân lưu) goes to another unit."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    object: Label
    unit: UnitId
    given_by: UnitId | None = None


class FileComplaint(
    Command,
    name="file-complaint",
    label=NC_("act", "file complaint"),
    summary=N_("File a complaint about a result, an award or a procedure of the year."),
    allowed=OWN_UNIT,
    about="by.unit",
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    by: Participant
    text: Text
    award: AwardId | None = None
    document: Document | None = None


class AnswerComplaint(
    Command,
    name="answer-complaint",
    label=NC_("act", "answer complaint"),
    summary=N_("Answer a complaint, given by its number."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    number: int
    text: Text
    document: Document | None = None


# Events ----------------------------------------------------------------------------------


class AwardHeld(
    Event,
    HoldFields,
    name="AwardHeld",
    schema=1,
    sentence=N_("{award} of {unit} is held back ({cause}): {reason}"),
    correctable=True,
    in_summary=None,
):
    pass


class AwardReleased(
    Event,
    ReleaseFields,
    name="AwardReleased",
    schema=1,
    sentence=N_("{award} of {unit} is released: {reason}"),
    correctable=True,
    in_summary=None,
):
    pass


_ANNULLED: Mapping[tuple[bool, bool], str] = {
    (True, True): N_("{award} of {unit} is annulled by {decision}: {reason}"),
    (True, False): N_("{award} of {unit} is annulled by {decision}."),
    (False, True): N_("{award} of {unit} is annulled: {reason}"),
    (False, False): N_("{award} of {unit} is annulled."),
}
"""By whether the decision and the reason are known."""


class AwardAnnulled(
    Event,
    AnnulmentFields,
    name="AwardAnnulled",
    schema=1,
    sentence=lambda event: (
        _ANNULLED[event.decision is not None, event.reason is not None],
        dict(event),
    ),
    correctable=True,
    in_summary=None,
):
    pass


class AwardReturned(
    Event,
    ReturnFields,
    name="AwardReturned",
    schema=1,
    sentence=N_("{unit} returned {what} of {award}."),
    correctable=True,
    in_summary=None,
):
    pass


class ObjectHandedOver(
    Event,
    name="ObjectHandedOver",
    schema=1,
    sentence=N_("{object} goes to {unit}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    object: Label
    unit: UnitId
    given_by: UnitId | None


class ComplaintFiled(
    Event,
    name="ComplaintFiled",
    schema=1,
    sentence=N_("Complaint {number}, {by}: {text}"),
    correctable=True,
    in_summary=None,
):
    number: int
    by: Participant
    text: Text
    award: AwardId | None
    document: Document | None


class ComplaintAnswered(
    Event,
    name="ComplaintAnswered",
    schema=1,
    sentence=N_("Complaint {number} is answered: {text}"),
    correctable=True,
    in_summary=None,
):
    number: int
    text: Text
    document: Document | None


# State -----------------------------------------------------------------------------------

AwardKey = tuple[str, str]
"""Unit and award."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold of an award; `since` and `released` are when it began and ended."""

    cause: HoldCause
    since: When
    version: int
    released: When | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint; `answered` is when it was answered."""

    by: Participant
    text: str
    award: str | None
    when: When
    version: int
    answered: When | None = None


@dataclass(frozen=True, slots=True)
class AwardsState:
    """Holds, annulments and returns by unit and award; complaints by number; objects by name."""

    holds: Mapping[AwardKey, Hold] = field(default_factory=dict)
    annulled: Mapping[AwardKey, When] = field(default_factory=dict)
    returned: Mapping[tuple[str, str, str], When] = field(default_factory=dict)
    """By unit, award and what was returned."""
    complaints: Mapping[int, Complaint] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    """The unit that has the object now."""


# Decisions -------------------------------------------------------------------------------


def hold(command: HoldAward, meta: Meta, state: AwardsContext, rules: Edition) -> Iterator[AwardHeld]:
    existing = state.awards.holds.get((command.unit, command.award))
    if existing is not None and existing.released is None:
        raise AlreadyRecorded(existing.version)
    yield AwardHeld(**dict(command))


def release(command: ReleaseAward, meta: Meta, state: AwardsContext, rules: Edition) -> Iterator[AwardReleased]:
    existing = state.awards.holds.get((command.unit, command.award))
    if existing is None or existing.released is not None:
        raise Refused("award_not_held", unit=command.unit, award=command.award)
    yield AwardReleased(**dict(command))


def annul(command: AnnulAward, meta: Meta, state: AwardsContext, rules: Edition) -> Iterator[AwardAnnulled]:
    if (since := state.awards.annulled.get((command.unit, command.award))) is not None:
        raise Refused("award_is_annulled", unit=command.unit, award=command.award, on=as_iso(since))
    yield AwardAnnulled(**dict(command))


def record_return(command: RecordReturn, meta: Meta, state: AwardsContext, rules: Edition) -> Iterator[AwardReturned]:
    if (since := state.awards.returned.get((command.unit, command.award, command.what))) is not None:
        raise Refused("award_is_returned", unit=command.unit, award=command.award, on=as_iso(since))
    yield AwardReturned(**dict(command))


def hand_over(command: HandOverObject, meta: Meta, state: AwardsContext, rules: Edition) -> Iterator[ObjectHandedOver]:
    if state.awards.objects.get(command.object) == command.unit:
        raise Refused("object_is_there", object=command.object, unit=command.unit)
    yield ObjectHandedOver(**dict(command))


def file_complaint(
    command: FileComplaint, meta: Meta, state: AwardsContext, rules: Edition
) -> Iterator[ComplaintFiled]:
    for existing in state.awards.complaints.values():
        if (existing.by, existing.text, existing.award) == (command.by, command.text, command.award):
            raise AlreadyRecorded(existing.version)
    yield ComplaintFiled(number=len(state.awards.complaints) + 1, **dict(command))


def answer_complaint(
    command: AnswerComplaint, meta: Meta, state: AwardsContext, rules: Edition
) -> Iterator[ComplaintAnswered]:
    if command.number not in state.awards.complaints:
        raise Refused("no_such_complaint", number=command.number)
    yield ComplaintAnswered(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _award_released(awards: AwardsState, event: AwardReleased, meta: Meta) -> AwardsState:
    key = (event.unit, event.award)
    # An evolve function accepts every history: the event of the hold can be missing from it.
    existing = awards.holds.get(key, Hold("other-cause", meta.happened, meta.version))
    return replace(awards, holds=with_entry(awards.holds, key, replace(existing, released=meta.happened)))


def _complaint_filed(awards: AwardsState, event: ComplaintFiled, meta: Meta) -> AwardsState:
    new = Complaint(event.by, event.text, event.award, meta.happened, meta.version)
    return replace(awards, complaints=with_entry(awards.complaints, event.number, new))


def _complaint_answered(awards: AwardsState, event: ComplaintAnswered, meta: Meta) -> AwardsState:
    if (existing := awards.complaints.get(event.number)) is None:
        return awards
    return replace(
        awards, complaints=with_entry(awards.complaints, event.number, replace(existing, answered=meta.happened))
    )


decider: StepDecider[AwardsState, AwardsContext, Edition] = StepDecider(
    title=N_("Held and annulled awards, objects, complaints"),
    slice_name="awards",
    decides={
        HoldAward: hold,
        ReleaseAward: release,
        AnnulAward: annul,
        RecordReturn: record_return,
        HandOverObject: hand_over,
        FileComplaint: file_complaint,
        AnswerComplaint: answer_complaint,
    },
    evolves={
        AwardHeld: lambda awards, event, meta: replace(
            awards,
            holds=with_entry(awards.holds, (event.unit, event.award), Hold(event.cause, meta.happened, meta.version)),
        ),
        AwardReleased: _award_released,
        AwardAnnulled: lambda awards, event, meta: replace(
            awards, annulled=with_entry(awards.annulled, (event.unit, event.award), meta.happened)
        ),
        AwardReturned: lambda awards, event, meta: replace(
            awards, returned=with_entry(awards.returned, (event.unit, event.award, event.what), meta.happened)
        ),
        ObjectHandedOver: lambda awards, event, meta: replace(
            awards, objects=with_entry(awards.objects, event.object, event.unit)
        ),
        ComplaintFiled: _complaint_filed,
        ComplaintAnswered: _complaint_answered,
    },
)
