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
from domain.types import (
    AlreadySaid,
    Command,
    Day,
    Event,
    FrozenModel,
    Label,
    Meta,
    Refused,
    StepDecider,
    Text,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State


# What people say -------------------------------------------------------------------------


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


class SourceSays(FrozenModel):
    """What one source says of something."""

    source: Label
    says: Label


class NoteDisagreement(Command, name="note-disagreement"):
    """Sources tell the same thing otherwise; both are kept, and neither is taken for the truth."""

    about: Label
    told: Annotated[tuple[SourceSays, ...], Field(min_length=2, max_length=limits.PEOPLE_PER_ACT)]


class NameSource(Command, name="name-source"):
    """What a source is that acts are stated by: its title, where it can be read, what was misprinted in it."""

    id: Label
    title: Label
    published: Day | None = None
    address: Label | None = None
    misprints: Annotated[tuple[Label, ...], Field(max_length=limits.PEOPLE_PER_ACT)] = ()


# What happened ---------------------------------------------------------------------------


class DisagreementNoted(Event, name="DisagreementNoted"):
    about: Label
    told: tuple[SourceSays, ...]


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


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Corrections:
    """Acknowledgements by deviation key; corrections by the version that was corrected."""

    acknowledged: Mapping[str, str] = field(default_factory=dict)
    corrected: Mapping[int, int] = field(default_factory=dict)
    disagreements: Mapping[str, tuple[DisagreementNoted, date]] = field(default_factory=dict)
    """By what they are about, with the day."""
    sources: Mapping[str, tuple[SourceNamed, int]] = field(default_factory=dict)
    """What each source is, with the version of the event that says so."""


def acknowledge(cmd: AcknowledgeDeviation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.key not in {deviation.key for deviation in deviations(state, rules)}:
        raise Refused("no_such_deviation", key=cmd.key)
    if cmd.key in state.corrections.acknowledged:
        raise Refused("deviation_is_acknowledged", key=cmd.key)
    yield DeviationAcknowledged(**dict(cmd))


def disagree(cmd: NoteDisagreement, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.about in state.corrections.disagreements:
        raise Refused("disagreement_is_noted", about=cmd.about)
    yield DisagreementNoted(**dict(cmd))


def name_source(cmd: NameSource, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (known := state.corrections.sources.get(cmd.id)) is not None:
        if dict(known[0]) == dict(cmd):
            raise AlreadySaid(known[1])
        raise Refused("id_is_taken", id=cmd.id)
    yield SourceNamed(**dict(cmd))


def _corrected(r: Corrections, e: ActCorrected, m: Meta) -> Corrections:
    return replace(r, corrected={**r.corrected, **dict.fromkeys(e.versions, m.version)})


decider = StepDecider(
    slice_name="corrections",
    empty=Corrections(),
    decides={AcknowledgeDeviation: acknowledge, NoteDisagreement: disagree, NameSource: name_source},
    evolves={
        DeviationAcknowledged: lambda r, e, m: replace(r, acknowledged=with_entry(r.acknowledged, e.key, e.reason)),
        DisagreementNoted: lambda r, e, m: replace(
            r, disagreements=with_entry(r.disagreements, e.about, (e, m.happened.day))
        ),
        SourceNamed: lambda r, e, m: replace(r, sources=with_entry(r.sources, e.id, (e, m.version))),
        ActCorrected: _corrected,
    },
)
