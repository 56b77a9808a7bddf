"""Membership and roles: which units belong to the cluster when, and which unit is head or deputy when.

Roles are held by units for a dated term. Nobody having written a name down (unknown) and nobody holding the
role (vacant) are two different facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from domain.rules import Edition
from domain.steps.lifecycle import CycleOpened, Unit
from domain.types import (
    ICT,
    Command,
    Day,
    Document,
    Event,
    Label,
    Meta,
    Person,
    Refused,
    Slug,
    StepDecider,
    UnitId,
    When,
    end_of,
    start_of,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State

Role = Literal["head", "deputy"]
Manner = Literal["elected", "introduced", "appointed", "assigned", "handed-over", "unknown"]
"""The five real ways to choose a head, and a record that does not say."""

Holder = UnitId | Literal["unknown", "vacant"]


# What people say -------------------------------------------------------------------------


class AssignRole(Command, name="assign-role"):
    """A unit takes a role from the day it takes effect; or stands in for the unit that holds it."""

    role: Role
    holder: Holder
    manner: Manner
    basis: Document | None = None
    until: Day | None = None
    """The last day of the term, where one is set; then whoever held the role before holds it again."""
    stands_in_for: UnitId | None = None


class NameOverseer(Command, name="name-overseer"):
    """A city leader takes charge of the cluster."""

    overseer: Person


class AdmitUnit(Command, name="admit-unit"):
    """A unit joins the cluster."""

    unit: UnitId
    name: Label
    kind: Slug | None = None
    basis: Document | None = None


class ReleaseUnit(Command, name="release-unit"):
    """A unit leaves the cluster, or ceases to exist."""

    unit: UnitId
    basis: Document | None = None


# What happened ---------------------------------------------------------------------------


class RoleAssigned(Event, name="RoleAssigned"):
    role: Role
    holder: Holder
    manner: Manner
    basis: Document | None
    until: Day | None = None
    stands_in_for: UnitId | None = None


class OverseerNamed(Event, name="OverseerNamed"):
    overseer: Person


class UnitAdmitted(Event, name="UnitAdmitted"):
    unit: Unit
    basis: Document | None


class UnitReleased(Event, name="UnitReleased"):
    unit: UnitId
    basis: Document | None


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """One holding of a role, from an instant until the next one begins, or until a day that was set."""

    holder: str
    since: datetime
    manner: Manner
    sureness: str
    until: datetime | None = None
    stands_in_for: str | None = None
    basis: Document | None = None
    """The decision that gave it: it stays in force beyond the year, until another one replaces it."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A unit's time in the cluster."""

    since: datetime
    until: datetime | None = None

    def covers(self, when: When) -> bool:
        """True when something happened within it: who joins on a later day is not there yet."""
        begun = self.since < when.latest or self.since == when.earliest
        return begun and (self.until is None or when.latest < self.until or (when.earliest < when.latest == self.until))


BEGINNING = datetime.fromisoformat("1900-01-01T00:00:00+07:00")


@dataclass(frozen=True, slots=True)
class Membership:
    """Terms of each role in the order they began; stays of each unit, for one may come back; who oversees."""

    terms: Mapping[Role, tuple[Term, ...]] = field(default_factory=dict)
    stays: Mapping[str, tuple[Stay, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    overseer: Person | None = None

    def holder(self, role: Role, at: datetime | None = None) -> str:
        """The unit that held the role at an instant, or "unknown" or "vacant".

        Without an instant: the last one to take it for good. Who stands in for a time does not bear the role's duties.
        """
        terms = self.terms.get(role, ())
        if at is None:
            held = [term for term in terms if term.stands_in_for is None] or list(terms)
        else:
            held = [term for term in terms if term.since <= at and (term.until is None or at < term.until)]
        return held[-1].holder if held else "unknown"

    def members(self) -> tuple[str, ...]:
        """The units that belong to the cluster in the end, in the order they came."""
        return tuple(unit for unit, stays in self.stays.items() if stays[-1].until is None)

    def members_on(self, when: When) -> tuple[str, ...]:
        """The units that belonged to it when something happened: who joins on a later day is not there yet."""
        return tuple(unit for unit, stays in self.stays.items() if any(stay.covers(when) for stay in stays))

    def belongs(self, unit: str, now: datetime) -> bool:
        """True when the unit is a member at an instant."""
        return self.could_be_member(unit, now, now)

    def could_be_member(self, unit: str, earliest: datetime, latest: datetime) -> bool:
        """True when the unit was a member at some instant of the range."""
        return any(
            stay.since <= latest and (stay.until is None or earliest <= stay.until) for stay in self.stays.get(unit, ())
        )

    def joined(self, unit: str, since: datetime) -> Mapping[str, tuple[Stay, ...]]:
        """The stays when a unit joins; who is there already goes on."""
        before = self.stays.get(unit, ())
        return (
            self.stays if before and before[-1].until is None else with_entry(self.stays, unit, (*before, Stay(since)))
        )

    def left(self, unit: str, until: datetime) -> Mapping[str, tuple[Stay, ...]]:
        """The stays when a unit leaves."""
        *before, last = self.stays.get(unit, (Stay(BEGINNING),))
        return with_entry(self.stays, unit, (*before, replace(last, until=until)))


def require_member(unit: str, meta: Meta, state: State) -> None:
    """Refuse an act of a unit that was no member at any reading of the act's date.

    Raises:
        Refused: `not_a_member`.
    """
    # An opened register may tell of days before its opening: founding members count from the beginning.
    if not state.membership.could_be_member(unit, meta.happened.earliest, meta.happened.latest):
        raise Refused("not_a_member", unit=unit, on=meta.happened.day)


def began(meta: Meta) -> datetime:
    """From when on something holds: the day it takes effect, or else the earliest that it can have happened."""
    return meta.happened.earliest if meta.effective is None else start_of(meta.effective)


def assign(cmd: AssignRole, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    since = began(meta)
    if cmd.holder not in {"unknown", "vacant"}:
        require_member(cmd.holder, meta if meta.effective is None else meta._replace(happened=When.at(since)), state)
    if cmd.until is not None and end_of(cmd.until) <= since:
        raise Refused("term_ends_before", until=cmd.until, since=since.astimezone(ICT).date())
    existing = state.membership
    held = existing.terms.get(cmd.role) and existing.holder(cmd.role, since) == cmd.holder
    # A paper that comes late may tell of an earlier holding of the unit that holds it now, or of a later one.
    if held and existing.holder(cmd.role) == cmd.holder:
        raise Refused("role_is_held", role=cmd.role, unit=cmd.holder)
    yield RoleAssigned(**dict(cmd))


def name_overseer(cmd: NameOverseer, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield OverseerNamed(**dict(cmd))


def admit(cmd: AdmitUnit, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.unit in state.membership.members() or cmd.unit == state.lifecycle.organiser:
        raise Refused("is_a_member", unit=cmd.unit)
    yield UnitAdmitted(unit=Unit(id=cmd.unit, name=cmd.name, kind=cmd.kind), basis=cmd.basis)


def release(cmd: ReleaseUnit, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    require_member(cmd.unit, meta, state)
    if cmd.unit not in state.membership.members():
        raise Refused("not_a_member", unit=cmd.unit, on=meta.happened.day)
    yield UnitReleased(unit=cmd.unit, basis=cmd.basis)


def _founded(m: Membership, e: CycleOpened, meta: Meta) -> Membership:
    return replace(
        m,
        stays={unit.id: (Stay(BEGINNING),) for unit in e.units},
        names={unit.id: unit.name for unit in e.units},
        kinds={unit.id: unit.kind for unit in e.units if unit.kind is not None},
        overseer=e.overseer,
    )


def _assigned(m: Membership, e: RoleAssigned, meta: Meta) -> Membership:
    until = end_of(e.until) if e.until is not None else None
    term = Term(e.holder, began(meta), e.manner, meta.provenance.kind, until, e.stands_in_for, e.basis)
    # Paper comes late: an earlier term may be entered after a later one.
    terms = sorted((*m.terms.get(e.role, ()), term), key=lambda t: t.since)
    return replace(m, terms=with_entry(m.terms, e.role, tuple(terms)))


def _admitted(m: Membership, e: UnitAdmitted, meta: Meta) -> Membership:
    return replace(
        m,
        stays=m.joined(e.unit.id, began(meta)),
        names=with_entry(m.names, e.unit.id, e.unit.name),
        kinds=m.kinds if e.unit.kind is None else with_entry(m.kinds, e.unit.id, e.unit.kind),
    )


def _released(m: Membership, e: UnitReleased, meta: Meta) -> Membership:
    until = meta.happened.latest if meta.effective is None else start_of(meta.effective)
    return replace(m, stays=m.left(e.unit, until))


decider = StepDecider(
    slice_name="membership",
    empty=Membership(),
    decides={AssignRole: assign, NameOverseer: name_overseer, AdmitUnit: admit, ReleaseUnit: release},
    evolves={
        CycleOpened: _founded,
        RoleAssigned: _assigned,
        OverseerNamed: lambda m, e, meta: replace(m, overseer=e.overseer),
        UnitAdmitted: _admitted,
        UnitReleased: _released,
    },
)
