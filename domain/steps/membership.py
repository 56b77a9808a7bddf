"""Membership and roles: which units belong to the cluster, and which are head or deputy, at each instant.

Units hold roles for dated terms. "unknown" (the source does not name the holder) and "vacant" (no unit holds the role)
are different facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from domain.dates import as_iso
from domain.joint_acts import UnitNamed
from domain.msgids import N_, NC_
from domain.parties import MINUTES_KEEPERS, SECRETARIAT, Readers, Section
from domain.records import Command, Event, Meta, Refused, StepDecider, effective_from
from domain.rules import Edition
from domain.steps.lifecycle import CycleOpened
from domain.steps.succession import UnitsSucceeded
from domain.times import ICT, Day, When, end_of, start_of
from domain.types import Document, FrozenModel, Label, Person, Slug, UnitId, with_entry
from domain.units import Holder, Manner, Role, Unit, UnitsContext, require_member


class MembershipContext(UnitsContext, Protocol):
    """What membership reads of the cycle."""

    @property
    def membership(self) -> Membership: ...

    @property
    def organiser(self) -> str:
        """The id of the organiser; "" before the cycle is opened."""


class RoleFields(FrozenModel):
    """The fields of the assignment of a role, shared by command and event."""

    role: Role
    holder: Holder
    manner: Manner
    basis: Document | None = None
    until: Day | None = None
    """The last day of the term, if one is set; afterwards the previous holder holds the role again."""
    stands_in_for: UnitId | None = None


# Commands --------------------------------------------------------------------------------


class AssignRole(
    Command,
    RoleFields,
    name="assign-role",
    label=NC_("act", "assign role"),
    summary=N_("Assign a role to a unit, for a term or as a stand-in for the holder."),
    allowed=MINUTES_KEEPERS,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=True,
    names_any_unit=False,
    reads=lambda command: (f"role/{command.role}",),
):
    """The term begins on the day on which the command takes effect."""


class NameOverseer(
    Command,
    name="name-overseer",
    label=NC_("act", "name overseer"),
    summary=N_("Name the city leader who oversees the cluster."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: ("overseer",),
):
    overseer: Person


class AdmitUnit(
    Command,
    name="admit-unit",
    label=NC_("act", "admit unit"),
    summary=N_("Admit a unit to the cluster."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=True,
):
    unit: UnitId
    name: Label
    kind: Slug | None = None
    basis: Document | None = None


class ReleaseUnit(
    Command,
    name="release-unit",
    label=NC_("act", "release unit"),
    summary=N_("Release a unit that leaves the cluster or ceases to exist."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    unit: UnitId
    basis: Document | None = None


# Events ----------------------------------------------------------------------------------


class RoleAssigned(
    Event,
    RoleFields,
    name="RoleAssigned",
    schema=1,
    sentence=N_("{holder} is {role} ({manner})."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MEMBERS,
    subjects=lambda event: (f"role/{event.role}",),
):
    pass


class OverseerNamed(
    Event,
    name="OverseerNamed",
    schema=1,
    sentence=N_("An overseer is named."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MEMBERS,
    subjects=lambda event: ("overseer",),
):
    overseer: Person


class UnitAdmitted(
    Event,
    name="UnitAdmitted",
    schema=1,
    sentence=N_("{unit} joins the cluster."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MEMBERS,
    subjects=lambda event: ("members",),
):
    unit: Unit
    basis: Document | None


class UnitReleased(
    Event,
    name="UnitReleased",
    schema=1,
    sentence=N_("{unit} leaves the cluster."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=Section.MEMBERS,
    subjects=lambda event: ("members",),
):
    unit: UnitId
    basis: Document | None


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Term:
    """One holding of a role: from `since` until the next term begins, or until `until` when that is set."""

    holder: str
    since: datetime
    manner: Manner
    sureness: str
    until: datetime | None = None
    stands_in_for: str | None = None
    basis: Document | None = None
    """The decision behind it, which stays in force beyond the year until another one replaces it."""

    begun: When | None = None
    """The date from which it holds, where only a range is known: a month, a year. None where the day is known."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A period of a unit's membership."""

    since: datetime
    until: datetime | None = None

    def covers(self, when: When) -> bool:
        """True when `when` ends within the stay."""
        return when.ends_within(self.since, self.until)


BEGINNING = datetime.fromisoformat("1900-01-01T00:00:00+07:00")
"""The start of the stays of units that are members from the opening: before every date that a register holds."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Terms by role, in the order of their beginning; stays, names and kinds by unit; the overseer."""

    terms: Mapping[Role, tuple[Term, ...]] = field(default_factory=dict)
    stays: Mapping[str, tuple[Stay, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    overseer: Person | None = None
    duties_since: Mapping[str, datetime] = field(default_factory=dict)
    """From when successors have duties that inherited those of their predecessors; others: from when they joined."""

    def holder(self, role: Role, at: datetime | None = None) -> str:
        """Return the unit that holds the role at an instant, or "unknown" or "vacant".

        Without an instant: the last holder that is no stand-in, because a stand-in does not bear the role's duties.
        """
        if at is not None:
            return self.holder_on(role, When.at(at))
        terms = self.terms.get(role, ())
        candidates = [term for term in terms if term.stands_in_for is None] or list(terms)
        return candidates[-1].holder if candidates else "unknown"

    def holder_on(self, role: Role, when: When) -> str:
        """Return the unit that holds the role at the end of `when`: of a day, before the next day begins."""
        terms = [term for term in self.terms.get(role, ()) if when.ends_within(term.since, term.until)]
        return terms[-1].holder if terms else "unknown"

    def members(self) -> tuple[str, ...]:
        """Return the units whose stay has no end, in the order in which they joined."""
        return tuple(unit for unit, stays in self.stays.items() if stays[-1].until is None)

    def has_duties_since(self, unit: str) -> datetime:
        """Return the instant from which a unit has duties: what was due before is not owed."""
        stays = self.stays.get(unit)
        return self.duties_since.get(unit, stays[-1].since if stays else BEGINNING)

    def members_on(self, when: When) -> tuple[str, ...]:
        """Return the units that were members at `when`: a unit that joins on a later day is not."""
        return tuple(unit for unit, stays in self.stays.items() if any(stay.covers(when) for stay in stays))

    def is_member(self, unit: str, now: datetime) -> bool:
        """True when the unit is a member at an instant."""
        return self.could_be_member(unit, When.at(now))

    def could_be_member(self, unit: str, when: When) -> bool:
        """True when the unit was a member at some instant of the range."""
        return any(when.touches(stay.since, stay.until) for stay in self.stays.get(unit, ()))

    def stays_after_joining(self, unit: str, since: datetime) -> Mapping[str, tuple[Stay, ...]]:
        """Return the stays after a unit joins; a stay that has not ended goes on."""
        stays = self.stays.get(unit, ())
        return self.stays if stays and stays[-1].until is None else with_entry(self.stays, unit, (*stays, Stay(since)))

    def stays_after_leaving(self, unit: str, until: datetime) -> Mapping[str, tuple[Stay, ...]]:
        """Return the stays after a unit leaves."""
        *earlier, last = self.stays.get(unit, (Stay(BEGINNING),))
        return with_entry(self.stays, unit, (*earlier, replace(last, until=until)))


# Decisions -------------------------------------------------------------------------------


def assign_role(command: AssignRole, meta: Meta, state: MembershipContext, rules: Edition) -> Iterator[RoleAssigned]:
    since = effective_from(meta)
    if command.holder not in {"unknown", "vacant"}:
        require_member(
            command.holder, meta if meta.effective is None else meta._replace(happened=When.at(since)), state
        )
    if command.until is not None and end_of(command.until) <= since:
        raise Refused("term_ends_before", until=command.until, since=since.astimezone(ICT).date())
    existing = state.membership
    held = existing.terms.get(command.role) and existing.holder(command.role, since) == command.holder
    # A unit that holds the role at only one of the two instants can have another term: papers come late.
    if held and existing.holder(command.role) == command.holder:
        raise Refused("role_is_held", role=command.role, unit=command.holder)
    yield RoleAssigned(**dict(command))


def name_overseer(
    command: NameOverseer, meta: Meta, state: MembershipContext, rules: Edition
) -> Iterator[OverseerNamed]:
    yield OverseerNamed(**dict(command))


def admit_unit(command: AdmitUnit, meta: Meta, state: MembershipContext, rules: Edition) -> Iterator[UnitAdmitted]:
    if command.unit in state.membership.members() or command.unit == state.organiser:
        raise Refused("is_a_member", unit=command.unit)
    yield UnitAdmitted(unit=Unit(id=command.unit, name=command.name, kind=command.kind), basis=command.basis)


def release_unit(command: ReleaseUnit, meta: Meta, state: MembershipContext, rules: Edition) -> Iterator[UnitReleased]:
    require_member(command.unit, meta, state)
    if command.unit not in state.membership.members():
        raise Refused("not_a_member", unit=command.unit, on=as_iso(meta.happened))
    yield UnitReleased(unit=command.unit, basis=command.basis)


# Evolution -------------------------------------------------------------------------------


def _opened(membership: Membership, event: CycleOpened, meta: Meta) -> Membership:
    return replace(
        membership,
        stays={unit.id: (Stay(BEGINNING),) for unit in event.units},
        names={unit.id: unit.name for unit in event.units},
        kinds={unit.id: unit.kind for unit in event.units if unit.kind is not None},
        overseer=event.overseer,
    )


def _assigned(membership: Membership, event: RoleAssigned, meta: Meta) -> Membership:
    until = end_of(event.until) if event.until is not None else None
    term = Term(
        event.holder,
        effective_from(meta),
        event.manner,
        meta.provenance.kind,
        until,
        event.stands_in_for,
        event.basis,
        _begun(meta),
    )
    # Papers come late: an earlier term can be recorded after a later one.
    terms = sorted((*membership.terms.get(event.role, ()), term), key=lambda term: term.since)
    return replace(membership, terms=with_entry(membership.terms, event.role, tuple(terms)))


def _begun(meta: Meta) -> When | None:
    """Return the range of the day from which an event is in force; None where that day is known."""
    return meta.happened if meta.effective is None and meta.happened.day != meta.happened.last_day else None


def _admitted(membership: Membership, event: UnitAdmitted, meta: Meta) -> Membership:
    return replace(
        membership,
        # A unit that was a member before, and comes again, begins anew.
        duties_since={unit: since for unit, since in membership.duties_since.items() if unit != event.unit.id},
        stays=membership.stays_after_joining(event.unit.id, effective_from(meta)),
        names=with_entry(membership.names, event.unit.id, event.unit.name),
        kinds=membership.kinds
        if event.unit.kind is None
        else with_entry(membership.kinds, event.unit.id, event.unit.kind),
    )


def _named(membership: Membership, event: UnitNamed, meta: Meta) -> Membership:
    unit = event.unit
    return replace(
        membership,
        stays=with_entry(membership.stays, unit.id, (Stay(BEGINNING),)),
        names=with_entry(membership.names, unit.id, unit.name),
        kinds=membership.kinds if unit.kind is None else with_entry(membership.kinds, unit.id, unit.kind),
    )


def _released(membership: Membership, event: UnitReleased, meta: Meta) -> Membership:
    until = meta.happened.latest if meta.effective is None else start_of(meta.effective)
    return replace(membership, stays=membership.stays_after_leaving(event.unit, until))


def _units_succeeded(membership: Membership, event: UnitsSucceeded, meta: Meta) -> Membership:
    # Predecessors end, and successors begin, at the start of the effective day.
    since = effective_from(meta)
    names = dict(membership.names)
    for predecessor in event.gone:
        membership = replace(membership, stays=membership.stays_after_leaving(predecessor, since))
    for unit in event.successors:
        names[unit.id] = unit.name
        membership = replace(membership, stays=membership.stays_after_joining(unit.id, since))
    kinds = {**membership.kinds, **{unit.id: unit.kind for unit in event.successors if unit.kind is not None}}
    if "duties" in event.inherits and event.predecessors:
        first = min(map(membership.has_duties_since, event.predecessors))
        inherited = {unit.id: min(first, membership.has_duties_since(unit.id)) for unit in event.successors}
        membership = replace(membership, duties_since={**membership.duties_since, **inherited})
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
            term = Term(successor, since, "handed-over", "inferred", last.until, last.stands_in_for, begun=_begun(meta))
            terms[role] = tuple(sorted((*existing, term), key=lambda term: term.since))
    return replace(membership, terms=terms)


decider: StepDecider[Membership, MembershipContext, Edition] = StepDecider(
    title=N_("Units and roles"),
    slice_name="membership",
    decides={AssignRole: assign_role, NameOverseer: name_overseer, AdmitUnit: admit_unit, ReleaseUnit: release_unit},
    evolves={
        CycleOpened: _opened,
        RoleAssigned: _assigned,
        OverseerNamed: lambda membership, event, meta: replace(membership, overseer=event.overseer),
        UnitAdmitted: _admitted,
        UnitNamed: _named,
        UnitReleased: _released,
        UnitsSucceeded: _units_succeeded,
    },
)
