"""The frame of a cycle: opened by the organiser, under which plan and rules, on whose clock, closed when filed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AwareDatetime, Field, model_validator

from domain import limits
from domain.problems import invalid, repeated
from domain.rules import Duty, Edition
from domain.types import (
    ICT,
    Command,
    Digest,
    Document,
    Event,
    FrozenModel,
    Instant,
    Label,
    Meta,
    Person,
    Refused,
    Slug,
    StepDecider,
    Text,
    UnitId,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State

ClockMode = Literal["wall", "stepped", "backfill"]


class Unit(FrozenModel):
    """A committee that belongs to a cluster. `kind` is what a rules edition distinguishes units by."""

    id: UnitId
    name: Label
    kind: Slug | None = None


Units = Annotated[tuple[Unit, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]
Unnamed = Annotated[int, Field(ge=1, le=limits.UNITS_PER_CLUSTER)] | Literal["unknown"]
"""Units that nobody names, and perhaps nobody counts; no act of one of them is ever invented."""


def counted(unnamed: int | Literal["unknown"] | None) -> int:
    """As many as are certain."""
    return unnamed if isinstance(unnamed, int) else 0


def units_fit(units: tuple[Unit, ...], unnamed: Unnamed | None) -> None:
    """Refuse a cluster of nobody, and a list that names a unit twice.

    Raises:
        PydanticCustomError: `nobody_in_cluster`, or `units_twice` with the ids that stand twice.
    """
    if not units and unnamed is None:
        raise invalid("nobody_in_cluster")
    if doubled := repeated(unit.id for unit in units):
        raise invalid("units_twice", units=", ".join(sorted(doubled)))


# What people say -------------------------------------------------------------------------


class OpenCycle(Command, name="open-cycle"):
    """Open one cluster's year. Said by the secretariat, for all clusters at once."""

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
    def _once(self) -> OpenCycle:
        units_fit(self.units, self.unnamed)
        if self.organiser in {unit.id for unit in self.units}:
            raise invalid("organiser_is_member")
        return self


class AdoptEdition(Command, name="adopt-edition"):
    """Put another rules edition in force."""

    edition: Digest
    basis: Document | None = None


class ChangeCalendar(Command, name="change-calendar"):
    """Go on by another clock, from an instant: a register that was backfilled is handed over to real time."""

    clock: ClockMode
    since: Instant


class ReceiveYearPlan(Command, name="receive-year-plan"):
    """The organiser's plan for the year came: what was opened provisionally stands on it from now on."""

    year_plan: Document


class StepTo(Command, name="step-to"):
    """In a rehearsal: it is now this instant."""

    now: Instant


class CloseDuty(Command, name="close-duty"):
    """The hard close: from now on units cannot do this themselves."""

    duty: Duty


class ReopenDuty(Command, name="reopen-duty"):
    """Take a hard close back."""

    duty: Duty
    reason: Text


class FileCycle(Command, name="file-cycle"):
    """Put the year's file away. Afterwards only a correction can be entered."""


class ReopenCycle(Command, name="reopen-cycle"):
    """Take a filed cycle out of the archive again."""

    reason: Text


# What happened ---------------------------------------------------------------------------


class CycleOpened(Event, name="CycleOpened"):
    organiser: UnitId
    organiser_name: Label
    cluster_name: Label
    year: int
    units: tuple[Unit, ...]
    overseer: Person | None
    year_plan: Document | None
    edition: Digest
    clock: ClockMode
    starts: AwareDatetime
    unnamed: Unnamed | None = None


class EditionAdopted(Event, name="EditionAdopted"):
    edition: Digest
    basis: Document | None


class CalendarChanged(Event, name="CalendarChanged"):
    clock: ClockMode
    since: AwareDatetime


class YearPlanReceived(Event, name="YearPlanReceived"):
    year_plan: Document


class TimeStepped(Event, name="TimeStepped"):
    now: AwareDatetime


class DutyClosed(Event, name="DutyClosed"):
    duty: Duty


class DutyReopened(Event, name="DutyReopened"):
    duty: Duty
    reason: Text


class CycleFiled(Event, name="CycleFiled"):
    pass


class CycleReopened(Event, name="CycleReopened"):
    reason: Text


# What we hold to be true -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where the cycle stands. `now` is the business time of a stepped or backfilled register."""

    opened: bool = False
    organiser: str = ""
    organiser_name: str = ""
    cluster_name: str = ""
    year: int = 0
    units: Mapping[str, str] = field(default_factory=dict)
    unnamed: Unnamed | None = None
    overseer: Person | None = None
    year_plan: Document | None = None
    edition: str | None = None
    editions: tuple[str, ...] = ()
    clock: ClockMode = "wall"
    clock_since: datetime | None = None
    now: datetime | None = None
    closed: Mapping[Duty, int] = field(default_factory=dict)
    filed: datetime | None = None
    closed_early: datetime | None = None
    handed_to: tuple[str, ...] = ()
    predecessors: tuple[str, ...] = ()
    rehearsed: bool = False
    """Something of it was acted out and did not happen: nobody may take this cycle for history."""


def business_now(lifecycle: Lifecycle, real_now: datetime) -> datetime:
    """What time it is in the cycle: real time on the wall clock, else what the register was told."""
    return real_now if lifecycle.clock == "wall" or lifecycle.now is None else lifecycle.now


def open_cycle(cmd: OpenCycle, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.opened:
        raise Refused("cycle_is_open", cluster=state.lifecycle.cluster_name)
    yield CycleOpened(**dict(cmd))


def adopt(cmd: AdoptEdition, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.edition == cmd.edition:
        raise Refused("edition_in_force", edition=rules.id)
    yield EditionAdopted(**dict(cmd))


def change_calendar(cmd: ChangeCalendar, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.clock != "backfill":
        raise Refused("calendar_is_running", clock=state.lifecycle.clock)
    if cmd.clock == "backfill":
        raise Refused("calendar_is_backfill")
    if state.lifecycle.now is not None and cmd.since < state.lifecycle.now:
        raise Refused("time_goes_back", now=state.lifecycle.now)
    yield CalendarChanged(**dict(cmd))


def receive_plan(cmd: ReceiveYearPlan, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.year_plan == cmd.year_plan:
        raise Refused("year_plan_known")
    yield YearPlanReceived(year_plan=cmd.year_plan)


def step(cmd: StepTo, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.clock != "stepped":
        raise Refused("calendar_not_stepped", clock=state.lifecycle.clock)
    if state.lifecycle.now is not None and cmd.now <= state.lifecycle.now:
        raise Refused("time_goes_back", now=state.lifecycle.now)
    yield TimeStepped(now=cmd.now)


def close(cmd: CloseDuty, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.duty in state.lifecycle.closed:
        raise Refused("duty_is_closed", duty=cmd.duty)
    yield DutyClosed(duty=cmd.duty)


def reopen(cmd: ReopenDuty, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if cmd.duty not in state.lifecycle.closed:
        raise Refused("duty_is_open", duty=cmd.duty)
    yield DutyReopened(**dict(cmd))


def file(cmd: FileCycle, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.filed is not None:
        raise Refused("cycle_is_filed", on=state.lifecycle.filed.astimezone(ICT).date())
    yield CycleFiled()


def reopen_cycle(cmd: ReopenCycle, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if state.lifecycle.filed is None:
        raise Refused("cycle_is_not_filed")
    yield CycleReopened(reason=cmd.reason)


def _opened(lifecycle: Lifecycle, e: CycleOpened, meta: Meta) -> Lifecycle:
    return replace(
        lifecycle,
        opened=True,
        organiser=e.organiser,
        organiser_name=e.organiser_name,
        cluster_name=e.cluster_name,
        year=e.year,
        units={unit.id: unit.name for unit in e.units},
        unnamed=e.unnamed,
        overseer=e.overseer,
        year_plan=e.year_plan,
        edition=e.edition,
        editions=(*lifecycle.editions, e.edition),
        clock=e.clock,
        clock_since=e.starts,
        now=e.starts,
    )


def _reopened(lifecycle: Lifecycle, e: DutyReopened, meta: Meta) -> Lifecycle:
    return replace(lifecycle, closed={duty: version for duty, version in lifecycle.closed.items() if duty != e.duty})


decider = StepDecider(
    slice_name="lifecycle",
    empty=Lifecycle(),
    decides={
        OpenCycle: open_cycle,
        AdoptEdition: adopt,
        ChangeCalendar: change_calendar,
        ReceiveYearPlan: receive_plan,
        StepTo: step,
        CloseDuty: close,
        ReopenDuty: reopen,
        FileCycle: file,
        ReopenCycle: reopen_cycle,
    },
    evolves={
        CycleOpened: _opened,
        EditionAdopted: lambda f, e, m: replace(f, edition=e.edition, editions=(*f.editions, e.edition)),
        CalendarChanged: lambda f, e, m: replace(f, clock=e.clock, clock_since=e.since, now=e.since),
        YearPlanReceived: lambda f, e, m: replace(f, year_plan=e.year_plan),
        TimeStepped: lambda f, e, m: replace(f, now=e.now),
        DutyClosed: lambda f, e, m: replace(f, closed=with_entry(f.closed, e.duty, m.version)),
        DutyReopened: _reopened,
        CycleFiled: lambda f, e, m: replace(f, filed=m.happened.latest),
        CycleReopened: lambda f, e, m: replace(f, filed=None),
    },
)
