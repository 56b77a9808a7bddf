"""The register of acknowledgements, corrections, and of sources that tell the same thing otherwise.

Deviations themselves are derived (`domain.deviations`); only their acknowledgement is an event. A correction names the
act that it corrects; the fold leaves that act out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PositiveInt

from domain import limits
from domain.deviations import deviations
from domain.rules import Edition
from domain.types import AlreadyRecorded, Command, Day, Event, Fact, Label, Meta, Refused, StepDecider, Text, put

if TYPE_CHECKING:
    from domain.cycle import State


# Commands --------------------------------------------------------------------------------


class AcknowledgeDeviation(Command, name="acknowledge"):
    """The secretariat has seen a deviation and says why it stands."""

    key: str = Field(max_length=limits.LABEL_CHARS)
    reason: Text


class CorrectAct(Command, name="correct"):
    """An act in this register was wrong. `instead` is the act that should have been entered, if any.

    `version` is the place of the wrong act (of any of its events) in the stream.
    """

    version: PositiveInt
    reason: Text
    instead: dict[str, Any] | None = None


class SourceStatement(Fact):
    """What one source says of something."""

    source: Label
    says: Label


class NoteDisagreement(Command, name="note-disagreement"):
    """Sources tell the same thing otherwise; both are kept, and neither is taken for the truth."""

    about: Label
    told: Annotated[tuple[SourceStatement, ...], Field(min_length=2, max_length=limits.PEOPLE_PER_ACT)]


class NameSource(Command, name="name-source"):
    """What a source is that acts are stated by: its title, where it can be read, what was misprinted in it."""

    id: Label
    title: Label
    published: Day | None = None
    address: Label | None = None
    misprints: Annotated[tuple[Label, ...], Field(max_length=limits.PEOPLE_PER_ACT)] = ()


# Events ----------------------------------------------------------------------------------


class DisagreementNoted(Event, name="DisagreementNoted"):
    about: Label
    told: tuple[SourceStatement, ...]


class SourceNamed(Event, name="SourceNamed"):
    id: Label
    title: Label
    published: Day | None
    address: Label | None
    misprints: tuple[Label, ...]


class DeviationAcknowledged(Event, name="DeviationAcknowledged"):
    key: str
    reason: Text


class ActCorrected(Event, name="ActCorrected"):
    versions: tuple[int, ...]
    reason: Text


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Corrections:
    """Acknowledgements by deviation key; corrections by the version that was corrected."""

    acknowledged: Mapping[str, str] = field(default_factory=dict)
    corrected: Mapping[int, int] = field(default_factory=dict)
    disagreements: Mapping[str, tuple[DisagreementNoted, date]] = field(default_factory=dict)
    """By what they are about, with the day."""
    sources: Mapping[str, tuple[SourceNamed, int]] = field(default_factory=dict)
    """What each source is, with the version of the event that says so."""


# Decisions -------------------------------------------------------------------------------


def acknowledge(command: AcknowledgeDeviation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if command.key not in {deviation.key for deviation in deviations(state, rules)}:
        raise Refused("no_such_deviation", key=command.key)
    if command.key in state.corrections.acknowledged:
        raise Refused("deviation_is_acknowledged", key=command.key)
    yield DeviationAcknowledged(**dict(command))


def disagree(command: NoteDisagreement, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if command.about in state.corrections.disagreements:
        raise Refused("disagreement_is_noted", about=command.about)
    yield DisagreementNoted(**dict(command))


def name_source(command: NameSource, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (known := state.corrections.sources.get(command.id)) is not None:
        if dict(known[0]) == dict(command):
            raise AlreadyRecorded(known[1])
        raise Refused("id_is_taken", id=command.id)
    yield SourceNamed(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _corrected(corrections: Corrections, event: ActCorrected, meta: Meta) -> Corrections:
    return replace(corrections, corrected={**corrections.corrected, **dict.fromkeys(event.versions, meta.version)})


decider = StepDecider(
    slice_name="corrections",
    empty=Corrections(),
    decides={AcknowledgeDeviation: acknowledge, NoteDisagreement: disagree, NameSource: name_source},
    evolves={
        DeviationAcknowledged: lambda corrections, event, meta: replace(
            corrections, acknowledged=put(corrections.acknowledged, event.key, event.reason)
        ),
        DisagreementNoted: lambda corrections, event, meta: replace(
            corrections, disagreements=put(corrections.disagreements, event.about, (event, meta.happened.day))
        ),
        SourceNamed: lambda corrections, event, meta: replace(
            corrections, sources=put(corrections.sources, event.id, (event, meta.version))
        ),
        ActCorrected: _corrected,
    },
)
