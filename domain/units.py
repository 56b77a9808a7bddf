"""Units of a cluster as commands and events name them: their roles, places below them, and the rule about members."""

from __future__ import annotations

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
