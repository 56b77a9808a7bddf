"""Units of a cluster as commands and events name them: their roles, places below them, and the rule about members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field

from domain import limits
from domain.dates import as_iso
from domain.problems import invalid, repeated
from domain.records import Meta, Refused
from domain.times import When
from domain.types import FrozenModel, Label, Slug, UnitId

Role = Literal["head", "deputy"]
Manner = Literal["elected", "introduced", "appointed", "assigned", "handed-over", "unknown"]
"""How a head or deputy was chosen; "unknown": the source does not say."""

Holder = UnitId | Literal["unknown", "vacant"]


class Unit(FrozenModel):
    """A committee that belongs to a cluster. `kind` is the distinction that a rules edition makes between units."""

    id: UnitId
    name: Label
    kind: Slug | None = None


Units = Annotated[tuple[Unit, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]
Unnamed = Annotated[int, Field(ge=1, le=limits.UNITS_PER_CLUSTER)] | Literal["unknown"]
"""The number of units whose names no source gives, if it is known. No act of such a unit is ever recorded."""


def known_count(unnamed: int | Literal["unknown"] | None) -> int:
    """Return the number of unnamed units that is certain: 0 when it is unknown."""
    return unnamed if isinstance(unnamed, int) else 0


class JointFields(FrozenModel):
    """Who did something together.

    `units` None: the source says "the units" without their names; then all members of that day did it, and all unnamed
    units of the cluster. `unnamed` is the number of those that did it and whose names are not known.
    """

    units: Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)] | None = None
    unnamed: Unnamed | None = None


class DoneJointly(FrozenModel):
    """Who did something together, as an event has it. `named` False: the source says "the units"."""

    units: tuple[UnitId, ...]
    named: bool
    unnamed: Unnamed | None = None


@dataclass(frozen=True, slots=True)
class TogetherUnits:
    """Units with those that are not named, as a sentence names them."""

    units: tuple[UnitId, ...]
    unnamed: Unnamed | None = None


def check_units(units: tuple[Unit, ...], unnamed: Unnamed | None) -> None:
    """Refuse a cluster without units, and a list that names a unit twice.

    Raises:
        PydanticCustomError: `nobody_in_cluster`, or `units_twice` with the repeated ids.
    """
    if not units and unnamed is None:
        raise invalid("nobody_in_cluster")
    if doubled := repeated(unit.id for unit in units):
        raise invalid("units_twice", units=", ".join(sorted(doubled)))


class SampledPlace(FrozenModel):
    """A place below a member unit, such as a residential unit, a school or a commune of a district."""

    name: Label
    kind: Label | None = None


SampledPlaces = Annotated[tuple[SampledPlace, ...], Field(max_length=limits.PEOPLE_PER_ACT)]


class OwnActsContext(Protocol):
    """What the rule about other units' acts asks."""

    @property
    def organiser(self) -> str: ...

    def is_recorded(self, meeting: str | None) -> bool:
        """Return whether a meeting with this id is recorded in the cycle."""


def require_own_or_decided(unit: str, meta: Meta, state: OwnActsContext) -> None:
    """Refuse that a rival undoes or replaces what a unit handed in, unless a recorded meeting decided it.

    Head and deputy enter what a meeting decided about any unit; they are also its rivals.

    Raises:
        Refused: `meeting_must_decide`.
    """
    if meta.unit != unit:
        require_decided(meta, state, "meeting_must_decide", unit=unit)


def require_decided(
    meta: Meta, state: OwnActsContext, code: str = "enter_what_meeting_decided", /, **facts: str
) -> None:
    """Refuse what head, deputy or a member enters without a recorded meeting that decided it; the organiser needs none.

    Raises:
        Refused: `code`.
    """
    if meta.unit != state.organiser and not state.is_recorded(meta.meeting):
        raise Refused(code, **facts)


def require_unnamed(found: int, unnamed: Unnamed | None) -> None:
    """Refuse more unnamed units than the cluster has.

    Raises:
        Refused: `more_than_unnamed`.
    """
    if unnamed != "unknown" and found > known_count(unnamed):
        raise Refused("more_than_unnamed", found=found, known=known_count(unnamed))


class UnitsContext(Protocol):
    """What the rule about members asks. The context of most steps includes it."""

    def could_be_member(self, unit: str, when: When) -> bool:
        """Return whether the unit was a member at some instant of the range."""


def require_member(unit: str, meta: Meta, state: UnitsContext) -> None:
    """Refuse a command about a unit that was no member at any instant of the command's date range.

    Raises:
        Refused: `not_a_member`.
    """
    if not state.could_be_member(unit, meta.happened):
        raise Refused("not_a_member", unit=unit, on=as_iso(meta.happened))
