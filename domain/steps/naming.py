"""Naming a unit that sources counted and did not name: it was a member all along, and what all did, it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from domain.joint_acts import JointAct, SharedAct, UnitNamed, UnnamedActs, missing
from domain.msgids import N_, NC_
from domain.parties import SECRETARIAT
from domain.records import Command, Meta, Refused, StepDecider
from domain.rules import Edition
from domain.times import When
from domain.types import Label, Slug, UnitId
from domain.units import Unit, Unnamed


class NamingContext(Protocol):
    """What naming reads of the cycle."""

    @property
    def unnamed(self) -> Unnamed | None:
        """The number of units of the cluster that no source names."""

    @property
    def organiser(self) -> str:
        """The id of the organiser; "" before the cycle is opened."""

    @property
    def together(self) -> UnnamedActs: ...

    def members(self) -> tuple[str, ...]:
        """Return the units that are members and have not left, in the order in which they joined."""


class NameUnit(
    Command,
    name="name-unit",
    label=NC_("act", "name unit"),
    summary=N_("Name a unit of the cluster that was counted and not named so far."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=True,
    reads=lambda command: ("members",),
):
    unit: UnitId
    name: Label
    kind: Slug | None = None


def name_unit(command: NameUnit, meta: Meta, state: NamingContext, rules: Edition) -> Iterator[UnitNamed]:
    if command.unit in state.members() or command.unit == state.organiser:
        raise Refused("is_a_member", unit=command.unit)
    if state.unnamed is None:
        raise Refused("nobody_is_unnamed")
    shares = (_shared(act, state) for act in state.together)
    unit = Unit(id=command.unit, name=command.name, kind=command.kind)
    yield UnitNamed(unit=unit, shares=tuple(one for one in shares if one is not None))


def _shared(act: JointAct, state: NamingContext) -> SharedAct | None:
    """Return a joint act as the one unit shares it; None unless all unnamed units took part."""
    acts = state.together[act]
    everybody = any(one.whole for one in acts) or (
        isinstance(state.unnamed, int) and missing(act, state.together, state.unnamed) == 0
    )
    if not acts or not everybody:
        return None
    first, last = min(one.when.earliest for one in acts), max(one.when.latest for one in acts)
    return SharedAct(
        act=act,
        on=When(first, last),
        versions=tuple(one.version for one in acts),
        number=acts[-1].number,
        titles=acts[-1].titles,
        document=acts[-1].document,
    )


decider: StepDecider[None, NamingContext, Edition] = StepDecider(
    title=N_("Units that are named later"), slice_name=None, decides={NameUnit: name_unit}, evolves={}
)
