"""Letters between the levels: requests for guidance, directions and their follow-up; and site checks.

They change no other state: they document why other commands were issued. Papers come late, so an answer can be recorded
before the letter that it answers; a deviation shows it until the letter is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, Protocol

from pydantic import PositiveInt

from domain.msgids import N_, NC_, Plural
from domain.parties import ANY_PERSON, MINUTES_KEEPERS, Readers, Section
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.times import Day, When
from domain.types import (
    Document,
    FrozenModel,
    IsLetter,
    Participant,
    Participants,
    Slug,
    Text,
    UnitId,
    Unknown,
    added_later,
    with_entry,
)
from domain.units import SampledPlace, SampledPlaces, TogetherUnits, UnitsContext, Unnamed, require_member


class LettersContext(UnitsContext, Protocol):
    """What letters read of the cycle."""

    @property
    def letters(self) -> Letters: ...


LetterKind = Literal[
    "guidance-request", "official-letter", "direction", "guidance", "conclusions-notice", "report", "other-letter"
]


class AnswerFields(FrozenModel):
    """The fields of an answer to a letter, shared by command and event."""

    letter: Annotated[Slug, IsLetter()]
    by: Participant
    text: Text | None = None
    document: Document | None = None
    done: bool = True


# Commands --------------------------------------------------------------------------------


class RecordLetter(
    Command,
    name="record-letter",
    label=NC_("act", "record letter"),
    summary=N_(
        "Record a letter between the levels: a request for guidance, a direction, a notice of conclusions, any other."
    ),
    allowed=ANY_PERSON,
    about="sender.unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=True,
):
    """A direction that was given orally in a meeting has a text and no document."""

    id: Slug
    kind: LetterKind
    sender: Participant
    recipients: Participants = ()
    document: Document | None = None
    text: Text | None = None
    answer_by: Day | None = None


class AnswerLetter(
    Command,
    AnswerFields,
    name="answer-letter",
    label=NC_("act", "answer letter"),
    summary=N_("Answer a letter, or report the follow-up of a direction."),
    allowed=ANY_PERSON,
    about="by.unit",
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=True,
):
    """`done` False: more is to follow."""


class RecordSiteCheck(
    Command,
    name="record-site-check",
    label=NC_("act", "record site check"),
    summary=N_("Record a site check at a unit, or at places below it."),
    allowed=MINUTES_KEEPERS,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    """`unit` is `unknown` where the source does not name the units; `unnamed` is their number.

    `places_per_unit` is the number of places at each unit, where the source says "two per unit".
    """

    id: Slug
    unit: UnitId | Unknown
    team: Participants = ()
    places: SampledPlaces = ()
    findings: Text | None = None
    minutes: Document | None = None
    unnamed: Unnamed | None = added_later()
    places_per_unit: PositiveInt | None = added_later()


# Events ----------------------------------------------------------------------------------


class LetterRecorded(
    Event,
    name="LetterRecorded",
    schema=1,
    sentence=lambda event: (
        N_("{sender} to {recipients} ({kind}): {document} {text}")
        if event.recipients
        else N_("{sender} ({kind}): {document} {text}"),
        dict(event),
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.LETTERS,
):
    id: Slug
    kind: LetterKind
    sender: Participant
    recipients: tuple[Participant, ...]
    document: Document | None
    text: Text | None
    answer_by: Day | None


class LetterAnswered(
    Event,
    AnswerFields,
    name="LetterAnswered",
    schema=1,
    sentence=N_("{by} answers {letter}: {document} {text}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.LETTERS,
):
    pass


class SiteChecked(
    Event,
    name="SiteChecked",
    schema=1,
    sentence=lambda event: (
        N_("Checked on the spot: {unit}. {findings}")
        if event.places_per_unit is None
        else Plural(
            "Checked on the spot: {unit}, {places_per_unit} place of each. {findings}",
            "Checked on the spot: {unit}, {places_per_unit} places of each. {findings}",
            "places_per_unit",
        ),
        {**dict(event), "unit": event.unit if event.unit != "unknown" else event.unnamed_units},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    id: Slug
    unit: UnitId | Unknown
    team: tuple[Participant, ...]
    places: tuple[SampledPlace, ...]
    findings: Text | None
    minutes: Document | None
    unnamed: Unnamed | None = added_later()
    places_per_unit: PositiveInt | None = added_later()

    @property
    def unnamed_units(self) -> TogetherUnits:
        """The units that the source does not name."""
        return TogetherUnits(units=(), unnamed=self.unnamed or "unknown")


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LetterAnswer:
    """One answer to a letter, or one follow-up of a direction."""

    event: LetterAnswered
    when: When
    version: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A recorded letter; `version` is the stream version of its event."""

    event: LetterRecorded
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class SiteCheck:
    """A recorded site check."""

    event: SiteChecked
    when: When
    sureness: str
    version: int


@dataclass(frozen=True, slots=True)
class Letters:
    """Letters and checks by id; answers by the id of their letter, which is perhaps not recorded yet."""

    letters: Mapping[str, Letter] = field(default_factory=dict)
    answers: Mapping[str, tuple[LetterAnswer, ...]] = field(default_factory=dict)
    checks: Mapping[str, SiteCheck] = field(default_factory=dict)

    def asks_for_answer(self, letter: str) -> bool:
        """True for a letter with a day for the answer, and for kinds that are answered by their nature."""
        recorded = self.letters.get(letter)
        return recorded is not None and (
            recorded.event.answer_by is not None or recorded.event.kind in {"direction", "guidance-request"}
        )

    def settled(self, letter: str) -> bool:
        """True when no answer is open: each recipient unit has given its last one.

        A last answer of a participant that is no unit counts for all recipients.
        """
        answered = [answer.event.by.unit for answer in self.answers.get(letter, ()) if answer.event.done]
        recorded = self.letters.get(letter)
        recipients = recorded.event.recipients if recorded is not None else ()
        units = {recipient.unit for recipient in recipients if recipient.unit is not None}
        return bool(answered) and (None in answered or units <= set(answered))


# Decisions -------------------------------------------------------------------------------


def record_letter(command: RecordLetter, meta: Meta, state: LettersContext, rules: Edition) -> Iterator[LetterRecorded]:
    if (existing := state.letters.letters.get(command.id)) is not None:
        if dict(existing.event) == dict(command):
            raise AlreadyRecorded(existing.version)
        raise Refused("id_is_taken", id=command.id)
    yield LetterRecorded(**dict(command))


def answer_letter(command: AnswerLetter, meta: Meta, state: LettersContext, rules: Edition) -> Iterator[LetterAnswered]:
    for existing in state.letters.answers.get(command.letter, ()):
        if dict(existing.event) == dict(command) and existing.when == meta.happened:
            raise AlreadyRecorded(existing.version)
    yield LetterAnswered(**dict(command))


def record_site_check(
    command: RecordSiteCheck, meta: Meta, state: LettersContext, rules: Edition
) -> Iterator[SiteChecked]:
    if command.unit != "unknown":
        if command.unnamed is not None:
            raise Refused("named_and_unnamed", unit=command.unit)
        require_member(command.unit, meta, state)
    if (existing := state.letters.checks.get(command.id)) is not None:
        if dict(existing.event) == dict(command):
            raise AlreadyRecorded(existing.version)
        raise Refused("id_is_taken", id=command.id)
    yield SiteChecked(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _answered(letters: Letters, event: LetterAnswered, meta: Meta) -> Letters:
    new = LetterAnswer(event, meta.happened, meta.version)
    return replace(
        letters, answers=with_entry(letters.answers, event.letter, (*letters.answers.get(event.letter, ()), new))
    )


decider: StepDecider[Letters, LettersContext, Edition] = StepDecider(
    title=N_("Letters and site checks"),
    slice_name="letters",
    decides={RecordLetter: record_letter, AnswerLetter: answer_letter, RecordSiteCheck: record_site_check},
    evolves={
        LetterRecorded: lambda letters, event, meta: replace(
            letters,
            letters=with_entry(
                letters.letters, event.id, Letter(event, meta.happened, meta.provenance.kind, meta.version)
            ),
        ),
        LetterAnswered: _answered,
        SiteChecked: lambda letters, event, meta: replace(
            letters,
            checks=with_entry(
                letters.checks, event.id, SiteCheck(event, meta.happened, meta.provenance.kind, meta.version)
            ),
        ),
    },
)
