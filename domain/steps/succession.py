"""Succession: units merge, split and are dissolved in the middle of a year; a cluster ends early and hands over.

What a successor inherits of what its predecessors did is the edition's to say, and is kept in the event: a later
edition does not change who was bound. On 1 July 2025 all districts of the country ended in this way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from domain import limits
from domain.problems import repeated
from domain.rules import Edition, Inherited
from domain.steps.lifecycle import Lifecycle, Unit, Units
from domain.steps.membership import Membership, Term, began, require_member
from domain.types import ICT, Command, Document, Event, Label, Meta, Refused, StepDecider, Text, UnitId

if TYPE_CHECKING:
    from domain.cycle import State

Manner = Literal["merged", "split", "dissolved"]
CycleName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9-]+/[a-z0-9-]+/[a-z0-9-]+$", max_length=3 * limits.SLUG_CHARS)
]
CycleNames = Annotated[tuple[CycleName, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]


# What people say -------------------------------------------------------------------------


class MergeUnits(Command, name="merge-units"):
    """Units become one: a new unit, or one of them that takes in the others."""

    units: Annotated[tuple[UnitId, ...], Field(min_length=2, max_length=limits.UNITS_PER_CLUSTER)]
    into: Unit
    basis: Document | None = None


class SplitUnit(Command, name="split-unit"):
    """A unit becomes several."""

    unit: UnitId
    into: Annotated[tuple[Unit, ...], Field(min_length=2, max_length=limits.UNITS_PER_CLUSTER)]
    basis: Document | None = None


class DissolveUnit(Command, name="dissolve-unit"):
    """A unit ends. `into` are members that take over from it, `outside` others in words."""

    unit: UnitId
    into: Units = ()
    outside: Annotated[tuple[Label, ...], Field(max_length=limits.UNITS_PER_CLUSTER)] = ()
    basis: Document | None = None


class CloseEarly(Command, name="close-early"):
    """The cluster ends before its year does; the cycles that take over from it, as far as they are known."""

    reason: Text
    handed_to: CycleNames = ()
    basis: Document | None = None


class HandOver(Command, name="hand-over"):
    """The year ends, and the cluster does not go on as it is: its units belong to these cycles from now on."""

    handed_to: Annotated[CycleNames, Field(min_length=1)]
    basis: Document | None = None


class TakeOver(Command, name="take-over"):
    """This cycle goes on from others: clusters that ended early, or were arranged anew."""

    predecessors: Annotated[CycleNames, Field(min_length=1)]
    basis: Document | None = None


# What happened ---------------------------------------------------------------------------


class UnitsSucceeded(Event, name="UnitsSucceeded"):
    manner: Manner
    predecessors: tuple[UnitId, ...]
    """Whom others take over from; one of them may go on itself."""
    gone: tuple[UnitId, ...]
    successors: tuple[Unit, ...]
    outside: tuple[Label, ...]
    inherits: tuple[Inherited, ...]
    basis: Document | None


class ClosedEarly(Event, name="ClosedEarly"):
    reason: Text
    handed_to: tuple[CycleName, ...]
    basis: Document | None


class HandedOver(Event, name="HandedOver"):
    handed_to: tuple[CycleName, ...]
    basis: Document | None


class TakenOver(Event, name="TakenOver"):
    predecessors: tuple[CycleName, ...]
    basis: Document | None


def merge(cmd: MergeUnits, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if doubled := repeated(cmd.units):
        raise Refused("named_twice", name=doubled[0])
    yield _succeeded("merged", cmd.units, (cmd.into,), (), cmd.basis, meta, state, rules)


def split(cmd: SplitUnit, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if doubled := repeated(unit.id for unit in cmd.into):
        raise Refused("named_twice", name=doubled[0])
    yield _succeeded("split", (cmd.unit,), cmd.into, (), cmd.basis, meta, state, rules)


def dissolve(cmd: DissolveUnit, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield _succeeded("dissolved", (cmd.unit,), cmd.into, cmd.outside, cmd.basis, meta, state, rules)


def _succeeded(
    manner: Manner,
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
    for heir in into:
        if heir.id == state.lifecycle.organiser:
            raise Refused("is_a_member", unit=heir.id)
    heirs = {heir.id for heir in into}
    gone = tuple(unit for unit in units if unit not in heirs)
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


def close_early(cmd: CloseEarly, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.closed_early is not None:
        raise Refused("closed_already", on=state.lifecycle.closed_early.astimezone(ICT).date())
    yield ClosedEarly(**dict(cmd))


def hand_over(cmd: HandOver, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if set(cmd.handed_to) <= set(state.lifecycle.handed_to):
        raise Refused("taken_over_already", names=", ".join(cmd.handed_to))
    yield HandedOver(**dict(cmd))


def take_over(cmd: TakeOver, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if set(cmd.predecessors) <= set(state.lifecycle.predecessors):
        raise Refused("taken_over_already", names=", ".join(cmd.predecessors))
    yield TakenOver(**dict(cmd))


def _passed_on(m: Membership, e: UnitsSucceeded, meta: Meta) -> Membership:
    # What takes effect on a day is true from its beginning, and what ends on it until then.
    since = began(meta)
    names = dict(m.names)
    for unit in e.gone:
        m = replace(m, stays=m.left(unit, since))
    for heir in e.successors:
        names[heir.id] = heir.name
        m = replace(m, stays=m.joined(heir.id, since))
    kinds = {**m.kinds, **{heir.id: heir.kind for heir in e.successors if heir.kind is not None}}
    m = replace(m, names=names, kinds=kinds)
    if "role" not in e.inherits or len(e.successors) != 1:
        return m
    terms, taken_by = dict(m.terms), e.successors[0].id
    for role, held in m.terms.items():
        left = [term for term in held if term.holder in e.gone and (term.until is None or since < term.until)]
        if left and m.holder(role, since) in e.gone:
            term = Term(taken_by, since, "handed-over", "inferred", left[-1].until, left[-1].stands_in_for)
            terms[role] = tuple(sorted((*held, term), key=lambda one: one.since))
    return replace(m, terms=terms)


decider = StepDecider(
    slice_name="membership",
    empty=Membership(),
    decides={MergeUnits: merge, SplitUnit: split, DissolveUnit: dissolve},
    evolves={UnitsSucceeded: _passed_on},
)


def _handed(f: Lifecycle, e: HandedOver | ClosedEarly, meta: Meta) -> Lifecycle:
    return replace(f, handed_to=tuple(dict.fromkeys((*f.handed_to, *e.handed_to))))


def _ended(f: Lifecycle, e: ClosedEarly, meta: Meta) -> Lifecycle:
    return replace(_handed(f, e, meta), closed_early=meta.happened.latest)


def _continued(f: Lifecycle, e: TakenOver, meta: Meta) -> Lifecycle:
    return replace(f, predecessors=tuple(dict.fromkeys((*f.predecessors, *e.predecessors))))


handover_decider = StepDecider(
    slice_name="lifecycle",
    empty=Lifecycle(),
    decides={CloseEarly: close_early, HandOver: hand_over, TakeOver: take_over},
    evolves={ClosedEarly: _ended, HandedOver: _handed, TakenOver: _continued},
)
"""What concerns the whole cluster changes the frame."""
