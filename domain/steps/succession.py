"""Succession: units that merge, split or are dissolved during the year; clusters that end early or hand over.

The rules edition says what a successor inherits from its predecessors. The event keeps it, so that a later edition does
not change it. Such a case: on 1 July 2025 all districts of the country were dissolved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Protocol

from pydantic import Field, StringConstraints

from domain import limits
from domain.dates import as_iso
from domain.msgids import N_, NC_
from domain.parties import SECRETARIAT, Readers, Section
from domain.problems import repeated
from domain.records import Command, Event, Meta, Refused, StepDecider
from domain.rules import Edition, Inherited
from domain.times import When
from domain.types import Document, IsKey, Label, Text, UnitId, Unknown
from domain.units import Unit, Units, UnitsContext, require_member


class SuccessionContext(UnitsContext, Protocol):
    """What succession reads of the cycle."""

    @property
    def organiser(self) -> str:
        """The id of the organiser; "" before the cycle is opened."""

    def members(self) -> tuple[str, ...]:
        """Return the units that are members and have not left, in the order in which they joined."""

    @property
    def closed_early(self) -> When | None:
        """When the cluster was closed before the end of its year; None when it was not."""

    @property
    def handed_to(self) -> tuple[str, ...]:
        """The cycles that take over from this one."""

    @property
    def predecessors(self) -> tuple[str, ...]:
        """The cycles that this one took over from."""


SuccessionKind = Literal["merged", "split", "dissolved"]
CycleName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+$", max_length=3 * limits.SLUG_CHARS),
    IsKey("cycle"),
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
    reads=lambda command: ("members",),
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
    reads=lambda command: ("members",),
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
    reads=lambda command: ("members",),
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
    predecessors: Annotated[tuple[CycleName | Unknown, ...], Field(min_length=1, max_length=limits.UNITS_PER_CLUSTER)]
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
    subjects=lambda event: ("members", "role/head", "role/deputy"),
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
    sentence=lambda event: (
        N_("This cycle goes on from {predecessors}.")
        if set(event.predecessors) != {"unknown"}
        else N_("This cycle goes on from another one, which no source names."),
        dict(event),
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    predecessors: tuple[CycleName | Unknown, ...]
    basis: Document | None


# Decisions -------------------------------------------------------------------------------


def merge(command: MergeUnits, meta: Meta, state: SuccessionContext, rules: Edition) -> Iterator[UnitsSucceeded]:
    if doubled := repeated(command.units):
        raise Refused("named_twice", name=doubled[0])
    yield _units_succeeded("merged", command.units, (command.into,), (), command.basis, meta, state, rules)


def split(command: SplitUnit, meta: Meta, state: SuccessionContext, rules: Edition) -> Iterator[UnitsSucceeded]:
    if doubled := repeated(unit.id for unit in command.into):
        raise Refused("named_twice", name=doubled[0])
    yield _units_succeeded("split", (command.unit,), command.into, (), command.basis, meta, state, rules)


def dissolve(command: DissolveUnit, meta: Meta, state: SuccessionContext, rules: Edition) -> Iterator[UnitsSucceeded]:
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
    state: SuccessionContext,
    rules: Edition,
) -> UnitsSucceeded:
    for unit in units:
        require_member(unit, meta, state)
        if unit not in state.members():
            raise Refused("not_a_member", unit=unit, on=as_iso(meta.happened))
    for successor in into:
        if successor.id == state.organiser:
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


def close_early(command: CloseEarly, meta: Meta, state: SuccessionContext, rules: Edition) -> Iterator[ClosedEarly]:
    if state.closed_early is not None:
        raise Refused("closed_already", on=as_iso(state.closed_early))
    yield ClosedEarly(**dict(command))


def hand_over(command: HandOver, meta: Meta, state: SuccessionContext, rules: Edition) -> Iterator[HandedOver]:
    if set(command.handed_to) <= set(state.handed_to):
        raise Refused("taken_over_already", names=", ".join(command.handed_to))
    yield HandedOver(**dict(command))


def take_over(command: TakeOver, meta: Meta, state: SuccessionContext, rules: Edition) -> Iterator[TakenOver]:
    if set(command.predecessors) <= set(state.predecessors):
        raise Refused("taken_over_already", names=", ".join(command.predecessors))
    yield TakenOver(**dict(command))


decider: StepDecider[object, SuccessionContext, Edition] = StepDecider(
    title=N_("Mergers, splits and handovers"),
    slice_name=None,
    decides={
        MergeUnits: merge,
        SplitUnit: split,
        DissolveUnit: dissolve,
        CloseEarly: close_early,
        HandOver: hand_over,
        TakeOver: take_over,
    },
    evolves={},
)
"""It has no slice: membership and lifecycle react to its events."""
