"""Escalation: the clock proposes that the overseer intervene when units are late; the secretariat confirms it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol

from pydantic import AwareDatetime, Field

from domain import limits
from domain.duties import Duty
from domain.msgids import N_, NC_
from domain.parties import CLOCK_ONLY, SECRETARIAT, Readers
from domain.records import AlreadyRecorded, Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.types import LastInstant, UnitId, with_entry


class EscalationContext(Protocol):
    """What escalation reads of the cycle: itself only."""

    @property
    def deadlines(self) -> Escalations: ...


# Commands --------------------------------------------------------------------------------


class ProposeEscalation(
    Command,
    name="propose-escalation",
    label=NC_("act", "propose escalation"),
    summary=N_("Propose that the secretariat ask the overseer to intervene, because units are late for some days."),
    allowed=CLOCK_ONLY,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty
    units: Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]
    due: AwareDatetime


class ConfirmEscalation(
    Command,
    name="confirm-escalation",
    label=NC_("act", "confirm escalation"),
    summary=N_("Ask the overseer to intervene, as proposed."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty


# Events ----------------------------------------------------------------------------------


class EscalationProposed(
    Event,
    name="EscalationProposed",
    schema=1,
    sentence=N_("Escalation is proposed for {units}: {duty}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    duty: Duty
    units: tuple[UnitId, ...]
    due: LastInstant


class EscalationConfirmed(
    Event,
    name="EscalationConfirmed",
    schema=1,
    sentence=N_("The secretariat asks the overseer to step in: {duty}, {units}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    duty: Duty
    units: tuple[UnitId, ...]


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Escalation:
    """An escalation: `proposed` and `confirmed` are the versions of its events."""

    units: tuple[str, ...]
    proposed: int
    confirmed: int | None = None


@dataclass(frozen=True)
class Escalations:
    """Escalations by duty: a part of the slice `deadlines` (see `domain.cycle.Deadlines`)."""

    escalations: Mapping[Duty, Escalation] = field(default_factory=dict)


# Decisions -------------------------------------------------------------------------------


def propose(
    command: ProposeEscalation, meta: Meta, state: EscalationContext, rules: Edition
) -> Iterator[EscalationProposed]:
    yield EscalationProposed(**dict(command))


def confirm(
    command: ConfirmEscalation, meta: Meta, state: EscalationContext, rules: Edition
) -> Iterator[EscalationConfirmed]:
    existing = state.deadlines.escalations.get(command.duty)
    if existing is None:
        raise Refused("nothing_to_escalate", duty=command.duty)
    if existing.confirmed is not None:
        raise AlreadyRecorded(existing.confirmed)
    yield EscalationConfirmed(duty=command.duty, units=existing.units)


# Evolution -------------------------------------------------------------------------------


def _proposed(deadlines: Escalations, event: EscalationProposed, meta: Meta) -> Escalations:
    existing = deadlines.escalations.get(event.duty)
    # A proposal that is not confirmed yet goes into the new one.
    unconfirmed = existing.units if existing is not None and existing.confirmed is None else ()
    escalation = Escalation(tuple(dict.fromkeys((*unconfirmed, *event.units))), meta.version)
    return replace(deadlines, escalations=with_entry(deadlines.escalations, event.duty, escalation))


def _confirmed(deadlines: Escalations, event: EscalationConfirmed, meta: Meta) -> Escalations:
    existing = deadlines.escalations.get(event.duty, Escalation(event.units, meta.version))
    return replace(
        deadlines, escalations=with_entry(deadlines.escalations, event.duty, replace(existing, confirmed=meta.version))
    )


decider: StepDecider[Escalations, EscalationContext, Edition] = StepDecider(
    title=N_("Escalation to the overseer"),
    slice_name="deadlines",
    decides={ProposeEscalation: propose, ConfirmEscalation: confirm},
    evolves={EscalationProposed: _proposed, EscalationConfirmed: _confirmed},
)
