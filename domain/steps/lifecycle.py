"""Lifecycle of a cycle: opening, plan, rules edition, clock, closed duties, filing.

A cycle is one cluster's year. A filed one accepts commands that say so (`after_filing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Literal, Protocol

from pydantic import AwareDatetime, Field, model_validator

from domain import limits
from domain.dates import as_iso
from domain.duties import Duty
from domain.joint_acts import UnitNamed
from domain.msgids import N_, NC_
from domain.parties import CLOCK_ONLY, SECRETARIAT, Readers, Section
from domain.problems import invalid
from domain.records import Command, Event, Meta, Refused, StepDecider, effective_from
from domain.rules import Adoption, Edition
from domain.steps.succession import ClosedEarly, HandedOver, TakenOver
from domain.times import ICT, Instant, When, day_ending
from domain.types import (
    Digest,
    Document,
    EditionDigest,
    FrozenModel,
    Label,
    Person,
    Text,
    UnitId,
    added_later,
    changed_key,
    with_entry,
)
from domain.units import Unit, Units, Unnamed, check_units, known_count


class LifecycleContext(Protocol):
    """What the lifecycle reads of the cycle: itself only."""

    @property
    def lifecycle(self) -> Lifecycle: ...


ClockMode = Literal["wall", "stepped", "backfill"]
"""Where business time comes from: real time, `StepTo` (rehearsals), or the dates of recorded acts (past years)."""


ClusterLevel = Literal["central", "province", "district", "commune"]
"""The level of the units of a cluster; no district is one since 1 July 2025."""


class UnnamedKind(FrozenModel):
    """How many of the unnamed units are of a kind, in the words of the source."""

    kind: Label
    count: Unnamed


UnnamedKinds = Annotated[tuple[UnnamedKind, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]


class ClusterFacts(FrozenModel):
    """What a source tells of a cluster beside its units, shared by command and event.

    `regrouped` is why the clusters were regrouped.
    """

    level: ClusterLevel | None = added_later()
    regrouped: Label | None = added_later()
    unnamed_kinds: UnnamedKinds = added_later(())


# Commands --------------------------------------------------------------------------------


class OpenCycle(
    Command,
    ClusterFacts,
    name="open-cycle",
    label=NC_("act", "open cycle"),
    summary=N_("Open the year of one cluster."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    """The secretariat opens the year of all clusters at once (`domain.city_year`)."""

    organiser: UnitId
    organiser_name: Label
    cluster_name: Label
    year: Annotated[int, Field(ge=1945, le=2200)]
    units: Units = ()
    unnamed: Unnamed | None = None
    overseer: Person | None = None
    year_plan: Document | None = None
    edition: Digest
    clock: ClockMode
    starts: Instant

    @model_validator(mode="after")
    def _check_unique(self) -> OpenCycle:
        check_units(self.units, self.unnamed)
        check_kinds(self.unnamed_kinds, self.unnamed)
        if self.organiser in {unit.id for unit in self.units}:
            raise invalid("organiser_is_member")
        return self


def check_kinds(kinds: tuple[UnnamedKind, ...], unnamed: Unnamed | None) -> None:
    """Refuse more unnamed units by kind than there are.

    Raises:
        PydanticCustomError: `kinds_beyond_unnamed`.
    """
    counted = sum(known_count(one.count) for one in kinds)
    if kinds and unnamed != "unknown" and counted > known_count(unnamed):
        raise invalid("kinds_beyond_unnamed", found=counted, known=known_count(unnamed))


class AdoptEdition(
    Command,
    name="adopt-edition",
    label=NC_("act", "adopt edition"),
    summary=N_("Adopt another rules edition."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: ("edition",),
):
    edition: Digest
    basis: Document | None = None


class ChangeCalendar(
    Command,
    name="change-calendar",
    label=NC_("act", "change calendar"),
    summary=N_("Change the clock of a backfilled register, to go on in real time."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    clock: ClockMode
    since: Instant


class ReceiveYearPlan(
    Command,
    name="receive-year-plan",
    label=NC_("act", "receive year plan"),
    summary=N_("Record the organiser's plan for the year, when it arrives after the opening."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
    reads=lambda command: ("year-plan",),
):
    year_plan: Document


class StepTo(
    Command,
    name="step-to",
    label=NC_("act", "step to"),
    summary=N_("Set the time of a rehearsal."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    now: Instant


class CloseDuty(
    Command,
    name="close-duty",
    label=NC_("act", "close duty"),
    summary=N_("Close a duty: from now on units cannot do it themselves."),
    allowed=SECRETARIAT | CLOCK_ONLY,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty


class ReopenDuty(
    Command,
    name="reopen-duty",
    label=NC_("act", "reopen duty"),
    summary=N_("Reopen a closed duty."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty
    reason: Text


class FileCycle(
    Command,
    name="file-cycle",
    label=NC_("act", "file cycle"),
    summary=N_("File the cycle. Afterwards only corrections and a few other acts are accepted."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=True,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    pass


class ReopenCycle(
    Command,
    name="reopen-cycle",
    label=NC_("act", "reopen cycle"),
    summary=N_("Reopen a filed cycle."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=True,
    in_minutes=False,
    names_any_unit=False,
):
    reason: Text


REHEARSAL_COMMANDS: frozenset[type[Command]] = frozenset({StepTo})
"""The tools of a rehearsal: a cycle on another clock refuses them, so no visitor is offered them there."""

REHEARSAL_CLOCK: ClockMode = "stepped"


# Events ----------------------------------------------------------------------------------


_OPENED: Mapping[tuple[bool, bool], str] = {
    (False, False): N_("The cycle {year} is opened for {cluster_name}."),
    (True, False): N_("The cycle {year} is opened for {cluster_name} ({level})."),
    (False, True): N_("The cycle {year} is opened for {cluster_name}. Clusters were regrouped: {regrouped}."),
    (True, True): N_("The cycle {year} is opened for {cluster_name} ({level}). Clusters were regrouped: {regrouped}."),
}
"""By whether the level of the cluster is told, and why the clusters were regrouped."""


class CycleOpened(
    Event,
    ClusterFacts,
    name="CycleOpened",
    schema=1,
    sentence=lambda event: (_OPENED[event.level is not None, event.regrouped is not None], dict(event)),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=Section.MEMBERS,
):
    organiser: UnitId
    organiser_name: Label
    cluster_name: Label
    year: int
    units: tuple[Unit, ...]
    overseer: Person | None
    year_plan: Document | None
    edition: EditionDigest
    clock: ClockMode
    starts: AwareDatetime
    unnamed: Unnamed | None = None


class EditionAdopted(
    Event,
    name="EditionAdopted",
    schema=1,
    sentence=lambda event: (
        N_("Another rules edition is put in force: {edition}."),
        # What it changes depends on the edition before it, too.
        {"edition": event.edition if event.replaces is None else changed_key(event.replaces, event.edition)},
    ),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
    subjects=lambda event: ("edition",),
):
    edition: EditionDigest
    basis: Document | None
    replaces: EditionDigest | None = added_later()
    """The edition that was in force before."""


class CalendarChanged(
    Event,
    name="CalendarChanged",
    schema=1,
    sentence=N_("From now on the register follows another clock: {clock}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    clock: ClockMode
    since: AwareDatetime


class YearPlanReceived(
    Event,
    name="YearPlanReceived",
    schema=1,
    sentence=N_("The year plan has come: {year_plan}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
    subjects=lambda event: ("year-plan",),
):
    year_plan: Document


class TimeStepped(
    Event,
    name="TimeStepped",
    schema=1,
    sentence=N_("It is now {now}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    now: AwareDatetime


class DutyClosed(
    Event,
    name="DutyClosed",
    schema=1,
    sentence=N_("Closed for units: {duty}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    duty: Duty


class DutyReopened(
    Event,
    name="DutyReopened",
    schema=1,
    sentence=N_("Opened again: {duty}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    duty: Duty
    reason: Text


class CycleFiled(
    Event,
    name="CycleFiled",
    schema=1,
    sentence=N_("The year is filed."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    pass


class CycleReopened(
    Event,
    name="CycleReopened",
    schema=1,
    sentence=N_("The filed year is reopened."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    reason: Text


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The cycle as a whole. `now` is the business time of a stepped or backfilled register."""

    opened: bool = False
    organiser: str = ""
    organiser_name: str = ""
    cluster_name: str = ""
    year: int = 0
    level: ClusterLevel | None = None
    regrouped: str | None = None
    """Why the clusters were regrouped."""
    units: Mapping[str, str] = field(default_factory=dict)
    unnamed: Unnamed | None = None
    unnamed_kinds: tuple[UnnamedKind, ...] = ()
    overseer: Person | None = None
    year_plan: Document | None = None
    edition: str | None = None
    editions: tuple[str, ...] = ()
    adoptions: tuple[Adoption, ...] = ()
    """The editions that were adopted after the opening, in the order in which they came into force."""
    clock: ClockMode = "wall"
    clock_since: datetime | None = None
    began: datetime | None = None
    """When the cycle began, as its opening says; None in a register of past years, whose opening is only inferred."""
    now: datetime | None = None
    closed: Mapping[Duty, int] = field(default_factory=dict)
    """Closed duties, with the version of the event."""
    filed: When | None = None
    closed_early: When | None = None
    handed_to: tuple[str, ...] = ()
    predecessors: tuple[str, ...] = ()
    rehearsed: bool = False
    """True when it holds a rehearsed event: the cycle is then no historical record."""

    @property
    def all_adoptions(self) -> tuple[Adoption, ...]:
        """The edition of the opening, if one was named, and those that were adopted later."""
        first = self.opened_with
        return (Adoption(first), *self.adoptions) if first is not None else self.adoptions

    @property
    def opened_with(self) -> str | None:
        """The rules edition that the cycle was opened with; None before the opening."""
        return self.editions[0] if self.opened and self.editions else None


def business_now(lifecycle: Lifecycle, real_now: datetime) -> datetime:
    """Return the time in the cycle: real time on the wall clock, otherwise the time that events have set."""
    return real_now if lifecycle.clock == "wall" or lifecycle.now is None else lifecycle.now


def _current_day(lifecycle: Lifecycle) -> date | None:
    """Return the day at which a stepped or backfilled register stands."""
    if lifecycle.now is None:
        return None
    # The time of a backfilled register is the end of its last act: of an act of a day, 24:00 of that day.
    moved = lifecycle.clock == "backfill" and lifecycle.now != lifecycle.clock_since
    return day_ending(lifecycle.now) if moved else lifecycle.now.astimezone(ICT).date()


# Decisions -------------------------------------------------------------------------------


def open_cycle(command: OpenCycle, meta: Meta, state: LifecycleContext, rules: Edition) -> Iterator[CycleOpened]:
    if state.lifecycle.opened:
        raise Refused("cycle_is_open", cluster=state.lifecycle.cluster_name)
    yield CycleOpened(**dict(command))


def adopt_edition(
    command: AdoptEdition, meta: Meta, state: LifecycleContext, rules: Edition
) -> Iterator[EditionAdopted]:
    if state.lifecycle.edition == command.edition:
        raise Refused("edition_in_force", edition=rules.id)
    yield EditionAdopted(**dict(command), replaces=state.lifecycle.edition)


def change_calendar(
    command: ChangeCalendar, meta: Meta, state: LifecycleContext, rules: Edition
) -> Iterator[CalendarChanged]:
    if state.lifecycle.clock != "backfill":
        raise Refused("calendar_is_running", clock=state.lifecycle.clock)
    if command.clock == "backfill":
        raise Refused("calendar_is_backfill")
    if state.lifecycle.now is not None and command.since < state.lifecycle.now:
        raise Refused("time_goes_back", now=_current_day(state.lifecycle))
    yield CalendarChanged(**dict(command))


def receive_year_plan(
    command: ReceiveYearPlan, meta: Meta, state: LifecycleContext, rules: Edition
) -> Iterator[YearPlanReceived]:
    if state.lifecycle.year_plan == command.year_plan:
        raise Refused("year_plan_known")
    yield YearPlanReceived(year_plan=command.year_plan)


def step_to(command: StepTo, meta: Meta, state: LifecycleContext, rules: Edition) -> Iterator[TimeStepped]:
    if state.lifecycle.clock != REHEARSAL_CLOCK:
        raise Refused("calendar_not_stepped", clock=state.lifecycle.clock)
    if state.lifecycle.now is not None and command.now <= state.lifecycle.now:
        raise Refused("time_goes_back", now=_current_day(state.lifecycle))
    yield TimeStepped(now=command.now)


def close_duty(command: CloseDuty, meta: Meta, state: LifecycleContext, rules: Edition) -> Iterator[DutyClosed]:
    if command.duty in state.lifecycle.closed:
        raise Refused("duty_is_closed", duty=command.duty)
    yield DutyClosed(duty=command.duty)


def reopen_duty(command: ReopenDuty, meta: Meta, state: LifecycleContext, rules: Edition) -> Iterator[DutyReopened]:
    if command.duty not in state.lifecycle.closed:
        raise Refused("duty_is_open", duty=command.duty)
    yield DutyReopened(**dict(command))


def file_cycle(command: FileCycle, meta: Meta, state: LifecycleContext, rules: Edition) -> Iterator[CycleFiled]:
    if state.lifecycle.filed is not None:
        raise Refused("cycle_is_filed", on=as_iso(state.lifecycle.filed))
    yield CycleFiled()


def reopen_cycle(command: ReopenCycle, meta: Meta, state: LifecycleContext, rules: Edition) -> Iterator[CycleReopened]:
    if state.lifecycle.filed is None:
        raise Refused("cycle_is_not_filed")
    yield CycleReopened(reason=command.reason)


# Evolution -------------------------------------------------------------------------------


def _opened(lifecycle: Lifecycle, event: CycleOpened, meta: Meta) -> Lifecycle:
    return replace(
        lifecycle,
        opened=True,
        organiser=event.organiser,
        organiser_name=event.organiser_name,
        cluster_name=event.cluster_name,
        year=event.year,
        units={unit.id: unit.name for unit in event.units},
        unnamed=event.unnamed,
        unnamed_kinds=event.unnamed_kinds,
        level=event.level,
        regrouped=event.regrouped,
        overseer=event.overseer,
        year_plan=event.year_plan,
        edition=event.edition,
        editions=(*lifecycle.editions, event.edition),
        clock=event.clock,
        clock_since=event.starts,
        began=None if event.clock == "backfill" else event.starts,
        now=event.starts,
    )


def _unit_named(lifecycle: Lifecycle, event: UnitNamed, meta: Meta) -> Lifecycle:
    left: Unnamed | None = lifecycle.unnamed
    if isinstance(left, int):
        left = left - 1 or None
    units = with_entry(lifecycle.units, event.unit.id, event.unit.name)
    # The source does not say as which kind the named unit was counted: the opening still tells the kinds.
    return replace(lifecycle, unnamed=left, unnamed_kinds=(), units=units)


def _adopted(lifecycle: Lifecycle, event: EditionAdopted, meta: Meta) -> Lifecycle:
    # Papers come late: an adoption can be recorded after a later one.
    since = effective_from(meta)
    adoptions = sorted((*lifecycle.adoptions, Adoption(event.edition, since)), key=lambda one: one.since or since)
    return replace(
        lifecycle,
        edition=adoptions[-1].edition,
        editions=(*lifecycle.editions, event.edition),
        adoptions=tuple(adoptions),
    )


def _reopened(lifecycle: Lifecycle, event: DutyReopened, meta: Meta) -> Lifecycle:
    return replace(
        lifecycle, closed={duty: version for duty, version in lifecycle.closed.items() if duty != event.duty}
    )


def _handed_over(lifecycle: Lifecycle, event: HandedOver | ClosedEarly, meta: Meta) -> Lifecycle:
    return replace(lifecycle, handed_to=tuple(dict.fromkeys((*lifecycle.handed_to, *event.handed_to))))


def _closed_early(lifecycle: Lifecycle, event: ClosedEarly, meta: Meta) -> Lifecycle:
    return replace(_handed_over(lifecycle, event, meta), closed_early=meta.happened)


def _taken_over(lifecycle: Lifecycle, event: TakenOver, meta: Meta) -> Lifecycle:
    return replace(lifecycle, predecessors=tuple(dict.fromkeys((*lifecycle.predecessors, *event.predecessors))))


decider: StepDecider[Lifecycle, LifecycleContext, Edition] = StepDecider(
    title=N_("Opening and filing the year"),
    slice_name="lifecycle",
    decides={
        OpenCycle: open_cycle,
        AdoptEdition: adopt_edition,
        ChangeCalendar: change_calendar,
        StepTo: step_to,
        ReceiveYearPlan: receive_year_plan,
        CloseDuty: close_duty,
        ReopenDuty: reopen_duty,
        FileCycle: file_cycle,
        ReopenCycle: reopen_cycle,
    },
    evolves={
        CycleOpened: _opened,
        UnitNamed: _unit_named,
        EditionAdopted: _adopted,
        CalendarChanged: lambda lifecycle, event, meta: replace(
            lifecycle, clock=event.clock, clock_since=event.since, now=event.since
        ),
        YearPlanReceived: lambda lifecycle, event, meta: replace(lifecycle, year_plan=event.year_plan),
        TimeStepped: lambda lifecycle, event, meta: replace(lifecycle, now=event.now),
        DutyClosed: lambda lifecycle, event, meta: replace(
            lifecycle, closed=with_entry(lifecycle.closed, event.duty, meta.version)
        ),
        DutyReopened: _reopened,
        CycleFiled: lambda lifecycle, event, meta: replace(lifecycle, filed=meta.happened),
        CycleReopened: lambda lifecycle, event, meta: replace(lifecycle, filed=None),
        ClosedEarly: _closed_early,
        HandedOver: _handed_over,
        TakenOver: _taken_over,
    },
)
