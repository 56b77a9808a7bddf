"""Acknowledged deviations, corrected commands, named sources, and sources that disagree.

Deviations are derived from the state (`domain.deviations`); only their acknowledgement is an event. A correction names
the events of the wrong command by version, and the fold leaves them out (`domain.cycle`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Protocol

from pydantic import Field, PositiveInt

from domain import limits
from domain.msgids import N_, NC_, Plural
from domain.parties import MINUTES_KEEPERS, OWN_UNIT, SECRETARIAT, Readers
from domain.records import OF_EARLIER_ACT, AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.times import Day, When
from domain.types import FrozenModel, IsDeviationKey, Label, Text, with_entry


class CorrectionsContext(Protocol):
    """What corrections read of the cycle."""

    @property
    def corrections(self) -> Corrections: ...

    def has_deviation(self, key: str, rules: Edition) -> bool:
        """Return whether the cycle has a deviation with this key."""


# Commands --------------------------------------------------------------------------------


class AcknowledgeDeviation(
    Command,
    name="acknowledge",
    label=NC_("act", "acknowledge"),
    summary=N_("Acknowledge a deviation, with the reason why it stays."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    key: str = Field(max_length=limits.LABEL_CHARS)
    reason: Text


class CorrectAct(
    Command,
    name="correct",
    label=NC_("act", "correct"),
    summary=N_("Correct a wrong act in this register; another act can take its place."),
    allowed=OWN_UNIT,
    about=OF_EARLIER_ACT,
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    """`version` is the stream version of any event of the wrong command.

    `instead` holds the name (`act`) and the fields of the command that replaces it; None: nothing replaces it.
    """

    version: PositiveInt
    reason: Text
    instead: dict[str, Any] | None = None


class SourceStatement(FrozenModel):
    """A source, and what it says."""

    source: Label
    says: Label


class NoteDisagreement(
    Command,
    name="note-disagreement",
    label=NC_("act", "note disagreement"),
    summary=N_("Note that sources disagree; all statements are kept, and none is taken as true."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
):
    about: Label
    told: Annotated[tuple[SourceStatement, ...], Field(min_length=2, max_length=limits.PEOPLE_PER_ACT)]


class NameSource(
    Command,
    name="name-source",
    label=NC_("act", "name source"),
    summary=N_("Describe a source of recorded acts: its title, address and misprints."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    """`id` is the name by which the provenance of events refers to it."""

    id: Label
    title: Label
    published: Day | None = None
    address: Label | None = None
    misprints: Annotated[tuple[Label, ...], Field(max_length=limits.PEOPLE_PER_ACT)] = ()


# Events ----------------------------------------------------------------------------------


class DisagreementNoted(
    Event,
    name="DisagreementNoted",
    schema=1,
    sentence=N_("Sources differ on {about}: {told}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    about: Label
    told: tuple[SourceStatement, ...]


class SourceNamed(
    Event,
    name="SourceNamed",
    schema=1,
    sentence=N_("Source {id}: {title}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    id: Label
    title: Label
    published: Day | None
    address: Label | None
    misprints: tuple[Label, ...]


class DeviationAcknowledged(
    Event,
    name="DeviationAcknowledged",
    schema=1,
    sentence=N_("The deviation {key} is acknowledged: {reason}"),
    correctable=True,
    in_summary=None,
):
    key: Annotated[str, IsDeviationKey()]
    reason: Text


class ActCorrected(
    Event,
    name="ActCorrected",
    schema=1,
    sentence=Plural(
        "The act {versions} is corrected: {reason}", "The acts {versions} are corrected: {reason}", "versions"
    ),
    readers=Readers.OF_EARLIER_EVENTS,
    correctable=False,
    in_summary=None,
):
    versions: tuple[int, ...]
    reason: Text


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Corrections:
    """Acknowledgements by deviation key, corrections by corrected version, disagreements and sources."""

    acknowledged: Mapping[str, str] = field(default_factory=dict)
    """By deviation key, the digest of the reason."""
    corrected: Mapping[int, int] = field(default_factory=dict)
    """By version of the wrong event, the version of the correction."""
    disagreements: Mapping[str, tuple[DisagreementNoted, When]] = field(default_factory=dict)
    """By what the sources disagree about, with the day of the note."""
    sources: Mapping[str, tuple[SourceNamed, int]] = field(default_factory=dict)
    """By id, with the version of the event."""


# Decisions -------------------------------------------------------------------------------


def acknowledge(
    command: AcknowledgeDeviation, meta: Meta, state: CorrectionsContext, rules: Edition
) -> Iterator[DeviationAcknowledged]:
    if not state.has_deviation(command.key, rules):
        raise Refused("no_such_deviation", key=command.key)
    if command.key in state.corrections.acknowledged:
        raise Refused("deviation_is_acknowledged", key=command.key)
    yield DeviationAcknowledged(**dict(command))


def note_disagreement(
    command: NoteDisagreement, meta: Meta, state: CorrectionsContext, rules: Edition
) -> Iterator[DisagreementNoted]:
    if command.about in state.corrections.disagreements:
        raise Refused("disagreement_is_noted", about=command.about)
    yield DisagreementNoted(**dict(command))


def name_source(command: NameSource, meta: Meta, state: CorrectionsContext, rules: Edition) -> Iterator[SourceNamed]:
    if (existing := state.corrections.sources.get(command.id)) is not None:
        named, version = existing
        if dict(named) == dict(command):
            raise AlreadyRecorded(version)
        raise Refused("id_is_taken", id=command.id)
    yield SourceNamed(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _act_corrected(corrections: Corrections, event: ActCorrected, meta: Meta) -> Corrections:
    return replace(corrections, corrected={**corrections.corrected, **dict.fromkeys(event.versions, meta.version)})


decider: StepDecider[Corrections, CorrectionsContext, Edition] = StepDecider(
    title=N_("Corrections, sources, acknowledgements"),
    slice_name="corrections",
    decides={AcknowledgeDeviation: acknowledge, NoteDisagreement: note_disagreement, NameSource: name_source},
    evolves={
        DeviationAcknowledged: lambda corrections, event, meta: replace(
            corrections, acknowledged=with_entry(corrections.acknowledged, event.key, event.reason)
        ),
        DisagreementNoted: lambda corrections, event, meta: replace(
            corrections, disagreements=with_entry(corrections.disagreements, event.about, (event, meta.happened))
        ),
        SourceNamed: lambda corrections, event, meta: replace(
            corrections, sources=with_entry(corrections.sources, event.id, (event, meta.version))
        ),
        ActCorrected: _act_corrected,
    },
)
