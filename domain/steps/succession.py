"""Succession: units that merge, split or are dissolved during the year; clusters that end early or hand over.

The rules edition says what a successor inherits from its predecessors. The event keeps it, so that a later edition does
not change it. Such a case: on 1 July 2025 all districts of the country were dissolved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from domain import limits
from domain.msgids import N_, NC_
from domain.parties import SECRETARIAT, Readers, Section
from domain.problems import repeated
from domain.rules import Edition, Inherited
from domain.steps.lifecycle import Lifecycle, Unit, Units
from domain.steps.membership import Membership, Term, effective_from, require_member
from domain.types import ICT, Command, Document, Event, Label, Meta, Refused, StepDecider, Text, UnitId

if TYPE_CHECKING:
    from domain.cycle import State

SuccessionKind = Literal["merged", "split", "dissolved"]
CycleName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+$", max_length=3 * limits.SLUG_CHARS)
]
CycleNames = Annotated[tuple[CycleName, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]


# Commands --------------------------------------------------------------------------------


class MergeUnits(
    Command,
    name="merge-units",
    label=NC_("act", "merge units"),
    summary=N_("Merge units into a new unit, or into one of them."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    units: Annotated[tuple[UnitId, ...], Field(min_length=2, max_length=limits.UNITS_PER_CLUSTER)]
    into: Unit
    basis: Document | None = None


class SplitUnit(
    Command,
    name="split-unit",
    label=NC_("act", "split unit"),
    summary=N_("Split a unit into several units."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    unit: UnitId
    into: Annotated[tuple[Unit, ...], Field(min_length=2, max_length=limits.UNITS_PER_CLUSTER)]
    basis: Document | None = None


class DissolveUnit(
    Command,
    name="dissolve-unit",
    label=NC_("act", "dissolve unit"),
    summary=N_("Dissolve a unit, and name the units that take over from it."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    """`into` are successors in the cluster, `outside` are others, in words."""

    unit: UnitId
    into: Units = ()
    outside: Annotated[tuple[Label, ...], Field(max_length=limits.UNITS_PER_CLUSTER)] = ()
    basis: Document | None = None


class CloseEarly(
    Command,
    name="close-early",
    label=NC_("act", "close early"),
    summary=N_("Close the cluster before the end of its year, and name the cycles that take over from it."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    reason: Text
    handed_to: CycleNames = ()
    basis: Document | None = None


class HandOver(
    Command,
    name="hand-over",
    label=NC_("act", "hand over"),
    summary=N_("Hand the units over to other cycles, when the cluster does not continue after the year."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    handed_to: Annotated[CycleNames, Field(min_length=1)]
    basis: Document | None = None


class TakeOver(
    Command,
    name="take-over",
    label=NC_("act", "take over"),
    summary=N_("Take over from other cycles, whose clusters ended early or were rearranged."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    predecessors: Annotated[CycleNames, Field(min_length=1)]
    basis: Document | None = None


# Events ----------------------------------------------------------------------------------


class UnitsSucceeded(
    Event,
    name="UnitsSucceeded",
    schema=1,
    sentence=lambda event: (
        N_("{manner}: {gone}; from now on: {successors}."),
        {**dict(event), "successors": (*event.successors, *event.outside)},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MEMBERS,
):
    manner: SuccessionKind
    predecessors: tuple[UnitId, ...]
    """The units that have successors; one of them can be its own successor."""
    gone: tuple[UnitId, ...]
    """The predecessors that end."""
    successors: tuple[Unit, ...]
    outside: tuple[Label, ...]
    inherits: tuple[Inherited, ...]
    basis: Document | None


class ClosedEarly(
    Event,
    name="ClosedEarly",
    schema=1,
    sentence=N_("The cluster ends early ({handed_to}): {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    reason: Text
    handed_to: tuple[CycleName, ...]
    basis: Document | None


class HandedOver(
    Event,
    name="HandedOver",
    schema=1,
    sentence=N_("The units belong to other clusters from now on: {handed_to}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    handed_to: tuple[CycleName, ...]
    basis: Document | None


class TakenOver(
    Event,
    name="TakenOver",
    schema=1,
    sentence=N_("This cycle goes on from {predecessors}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    predecessors: tuple[CycleName, ...]
    basis: Document | None


# Decisions -------------------------------------------------------------------------------


def merge(command: MergeUnits, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if doubled := repeated(command.units):
        raise Refused("named_twice", name=doubled[0])
    yield _units_succeeded("merged", command.units, (command.into,), (), command.basis, meta, state, rules)


def split(command: SplitUnit, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if doubled := repeated(unit.id for unit in command.into):
        raise Refused("named_twice", name=doubled[0])
    yield _units_succeeded("split", (command.unit,), command.into, (), command.basis, meta, state, rules)


def dissolve(command: DissolveUnit, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield _units_succeeded(
        "dissolved", (command.unit,), command.into, command.outside, command.basis, meta, state, rules
    )


def _units_succeeded(
    manner: SuccessionKind,
    units: tuple[str, ...],
    into: tuple[Unit, ...],
    outside: tuple[str, ...],
    basis: Document | None,
    meta: Meta,
    state: State,
    rules: Edition,
) -> UnitsSucceeded:
    for unit in units:
        require_member(unit, meta, state)
        if unit not in state.membership.members():
            raise Refused("not_a_member", unit=unit, on=meta.happened.day)
    for successor in into:
        if successor.id == state.lifecycle.organiser:
            raise Refused("is_a_member", unit=successor.id)
    successors = {successor.id for successor in into}
    gone = tuple(unit for unit in units if unit not in successors)
    if manner == "dissolved" and not gone:
        raise Refused("named_twice", name=units[0])
    return UnitsSucceeded(
        manner=manner,
        predecessors=units,
        gone=gone,
        successors=into,
        outside=outside,
        inherits=rules.inherits,
        basis=basis,
    )


def close_early(command: CloseEarly, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.closed_early is not None:
        raise Refused("closed_already", on=state.lifecycle.closed_early.astimezone(ICT).date())
    yield ClosedEarly(**dict(command))


def hand_over(command: HandOver, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if set(command.handed_to) <= set(state.lifecycle.handed_to):
        raise Refused("taken_over_already", names=", ".join(command.handed_to))
    yield HandedOver(**dict(command))


def take_over(command: TakeOver, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if set(command.predecessors) <= set(state.lifecycle.predecessors):
        raise Refused("taken_over_already", names=", ".join(command.predecessors))
    yield TakenOver(**dict(command))


# Evolution -------------------------------------------------------------------------------


def _succeeded(membership: Membership, event: UnitsSucceeded, meta: Meta) -> Membership:
    # Predecessors end, and successors begin, at the start of the effective day.
    since = effective_from(meta)
    names = dict(membership.names)
    for predecessor in event.gone:
        membership = replace(membership, stays=membership.stays_after_leaving(predecessor, since))
    for unit in event.successors:
        names[unit.id] = unit.name
        membership = replace(membership, stays=membership.stays_after_joining(unit.id, since))
    kinds = {**membership.kinds, **{unit.id: unit.kind for unit in event.successors if unit.kind is not None}}
    membership = replace(membership, names=names, kinds=kinds)
    # A role passes on only when there is exactly one successor.
    if "role" not in event.inherits or len(event.successors) != 1:
        return membership
    terms, successor = dict(membership.terms), event.successors[0].id
    for role, existing in membership.terms.items():
        open_terms = [
            term for term in existing if term.holder in event.gone and (term.until is None or since < term.until)
        ]
        if open_terms and membership.holder(role, since) in event.gone:
            last = open_terms[-1]
            term = Term(successor, since, "handed-over", "inferred", last.until, last.stands_in_for)
            terms[role] = tuple(sorted((*existing, term), key=lambda term: term.since))
    return replace(membership, terms=terms)


decider = StepDecider(
    slice_name="membership",
    empty=Membership(),
    decides={MergeUnits: merge, SplitUnit: split, DissolveUnit: dissolve},
    evolves={UnitsSucceeded: _succeeded},
)


def _handed_over(lifecycle: Lifecycle, event: HandedOver | ClosedEarly, meta: Meta) -> Lifecycle:
    return replace(lifecycle, handed_to=tuple(dict.fromkeys((*lifecycle.handed_to, *event.handed_to))))


def _closed_early(lifecycle: Lifecycle, event: ClosedEarly, meta: Meta) -> Lifecycle:
    return replace(_handed_over(lifecycle, event, meta), closed_early=meta.happened.latest)


def _taken_over(lifecycle: Lifecycle, event: TakenOver, meta: Meta) -> Lifecycle:
    return replace(lifecycle, predecessors=tuple(dict.fromkeys((*lifecycle.predecessors, *event.predecessors))))


handover_decider = StepDecider(
    slice_name="lifecycle",
    empty=Lifecycle(),
    decides={CloseEarly: close_early, HandOver: hand_over, TakeOver: take_over},
    evolves={ClosedEarly: _closed_early, HandedOver: _handed_over, TakenOver: _taken_over},
)
"""The commands about the whole cluster: they change the lifecycle slice."""
