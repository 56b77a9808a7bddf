"""The clock: reminders, missed deadlines and the hard close, as commands of an actor that is no person.

`due` returns the clock's commands for the earliest instant that has come, and these are decided, recorded and folded
like all others. So an auditor sees them in their order. The clock also proposes escalations (`escalation`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol
from uuid import UUID, uuid5

from pydantic import AwareDatetime

from domain import due_dates
from domain.due_dates import Obligation
from domain.duties import Duty
from domain.msgids import N_, NC_
from domain.parties import CLOCK_ONLY, Readers
from domain.records import Command, Event, Meta, StepDecider
from domain.rules import Edition
from domain.steps.escalation import EscalationProposed, ProposeEscalation
from domain.steps.lifecycle import CloseDuty, DutyClosed
from domain.types import LastInstant, UnitId, with_entry

CLOCK_IDS = UUID("5d0c9a52-6f0e-5b3e-9d5a-3c7c0c1d5a11")


class ClockContext(Protocol):
    """What the clock reads of the cycle."""

    @property
    def deadlines(self) -> ClockRecord: ...

    @property
    def clock_since(self) -> datetime | None:
        """The instant after which the clock issues commands; None while it issues none.

        It issues none before the cycle is opened, while the register is backfilled, and after it is filed.
        """

    def obligations(self, rules: Edition) -> tuple[Obligation, ...]:
        """Return all obligations of the cycle, done or open, in the order of the year."""


# Commands --------------------------------------------------------------------------------


class Remind(
    Command,
    name="remind",
    label=NC_("act", "remind"),
    summary=N_("Remind a unit of a deadline that comes near."),
    allowed=CLOCK_ONLY,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty
    unit: UnitId
    subject: UnitId | None
    due: AwareDatetime
    days_before: int


class MarkOverdue(
    Command,
    name="mark-overdue",
    label=NC_("act", "mark overdue"),
    summary=N_("Record that a unit has missed a deadline."),
    allowed=CLOCK_ONLY,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty
    unit: UnitId
    subject: UnitId | None
    due: AwareDatetime


# Events ----------------------------------------------------------------------------------


class UnitReminded(
    Event,
    name="UnitReminded",
    schema=1,
    sentence=N_("The clock reminds {unit}: {duty}, by {due}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    duty: Duty
    unit: UnitId
    subject: UnitId | None
    due: LastInstant
    days_before: int


class DeadlinePassed(
    Event,
    name="DeadlinePassed",
    schema=1,
    sentence=N_("The deadline of {unit} has passed: {duty}, {due}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    duty: Duty
    unit: UnitId
    subject: UnitId | None
    due: LastInstant


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClockRecord:
    """What the clock has done, so that it does nothing twice: a part of the slice `deadlines` (`domain.cycle`)."""

    recorded: Mapping[str, int] = field(default_factory=dict)
    """By the key of a clock command (`_key`), the version of its event: the clock does not issue it again."""
    closings: Mapping[Duty, int] = field(default_factory=dict)
    """Duties that were closed once, by the clock or a person: the clock does not close them again after a reopening."""


COMMANDS_EXPIRE = timedelta(hours=1)
"""How long after it was signed a command is appended at most. The ledger refuses a later one."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Up to which instant the clock has issued its commands when the last act of a person was appended.

    All that is due is issued before a command is decided. What an act makes due at an earlier instant, the clock could
    not have known at that instant, so it never issues it: a unit that is admitted in September is not reminded of June.
    """

    recorded: datetime
    issued_until: datetime | None


def remembered(memory: Memory | None, before: datetime | None, *, real_time: bool, recorded: datetime) -> Memory | None:
    """Return the memory after an act that was stored at `recorded`. `before` is the register's time before the act."""
    if real_time:
        return Memory(recorded, recorded - COMMANDS_EXPIRE)
    if memory is not None and memory.recorded == recorded:
        return memory  # appended together: the clock has issued nothing in between, even if the time was stepped
    return Memory(recorded, before)


# Decisions -------------------------------------------------------------------------------


def remind(command: Remind, meta: Meta, state: ClockContext, rules: Edition) -> Iterator[UnitReminded]:
    yield UnitReminded(**dict(command))


def mark_overdue(command: MarkOverdue, meta: Meta, state: ClockContext, rules: Edition) -> Iterator[DeadlinePassed]:
    yield DeadlinePassed(**dict(command))


# Commands that the clock issues ----------------------------------------------------------


def _key(kind: str, duty: Duty, unit: str, subject: str | None, due: datetime, days: int = 0) -> str:
    """Identify a clock command: a deadline that moves gives new keys, and so new reminders."""
    return f"{kind}/{duty}/{unit}/{subject or ''}/{due.isoformat()}/{days}"


@dataclass(frozen=True, slots=True)
class _ClockCommand:
    """A command that the clock issues at `instant`, once for each `key`; `build` makes it."""

    instant: datetime
    key: str
    build: Callable[[], Command]


def _clock_commands(state: ClockContext, rules: Edition) -> Iterator[_ClockCommand]:
    """Yield all commands of the clock for the obligations of the state, issued ones too."""
    late_units: dict[tuple[Duty, datetime], list[str]] = {}
    last_due: dict[Duty, datetime] = {}
    reminders: dict[tuple[Duty, datetime], tuple[tuple[int, datetime], ...]] = {}
    for obligation in state.obligations(rules):
        if obligation.due is None:
            continue
        last_due[obligation.duty] = max(obligation.due, last_due.get(obligation.duty, obligation.due))
        if obligation.done is not None:
            continue
        units = late_units.setdefault((obligation.duty, obligation.due), [])
        if obligation.bearer not in units:
            units.append(obligation.bearer)
        key = (obligation.duty, obligation.due)
        if key not in reminders:
            reminders[key] = tuple(due_dates.reminders(*key, rules))
        yield from _commands_for(obligation, obligation.due, reminders[key])
    for (duty, due_), units in late_units.items():
        if (instant := due_dates.escalation(duty, due_, rules)) is not None:
            build = partial(ProposeEscalation, duty=duty, units=tuple(units), due=due_)
            yield _ClockCommand(instant, _key("escalate", duty, "", None, due_), build)
    for duty, due_ in last_due.items():
        instant = due_dates.closing(duty, due_, rules)
        if instant is not None and duty not in state.deadlines.closings:
            yield _ClockCommand(instant, _key("close", duty, "", None, due_), partial(CloseDuty, duty=duty))


def _commands_for(
    obligation: Obligation, due_: datetime, reminders: Iterable[tuple[int, datetime]]
) -> Iterator[_ClockCommand]:
    """Yield reminders, unless the obligation waits for other units, and the command that marks it overdue."""
    duty, unit, subject = obligation.duty, obligation.bearer, obligation.subject or None
    if not obligation.waits_for:
        for days, instant in reminders:
            build = partial(Remind, duty=duty, unit=unit, subject=subject, due=due_, days_before=days)
            yield _ClockCommand(instant, _key("remind", duty, unit, subject, due_, days), build)
    overdue = partial(MarkOverdue, duty=duty, unit=unit, subject=subject, due=due_)
    yield _ClockCommand(due_, _key("overdue", duty, unit, subject, due_), overdue)


def _pending(state: ClockContext, rules: Edition) -> list[_ClockCommand]:
    """Return the clock commands that are not recorded yet."""
    since = state.clock_since
    if since is None:
        return []
    return [
        pending
        for pending in _clock_commands(state, rules)
        if pending.instant > since and pending.key not in state.deadlines.recorded
    ]


def next_due(state: ClockContext, rules: Edition) -> datetime | None:
    """Return the earliest instant at which the clock will issue a command; None when it has none."""
    return min((pending.instant for pending in _pending(state, rules)), default=None)


def due(state: ClockContext, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
    """Return the earliest instant that has come, with the clock's commands for it; None when there are none.

    Later instants follow when the events are folded: call again until it returns None.
    """
    ready = [pending for pending in _pending(state, rules) if pending.instant <= now]
    if not ready:
        return None
    first = min(pending.instant for pending in ready)
    together = sorted((pending for pending in ready if pending.instant == first), key=lambda pending: pending.key)
    return first, tuple(pending.build() for pending in together)


def has_passed(owed: Obligation, deadlines: ClockRecord) -> bool:
    """Return whether the clock has recorded that the last day of an obligation has passed."""
    if owed.due is None:
        return False
    overdue = _key("overdue", owed.duty, owed.bearer, owed.subject or None, owed.due)
    escalated = _key("escalate", owed.duty, "", None, owed.due)  # the clock may have begun in between
    return overdue in deadlines.recorded or escalated in deadlines.recorded


def clock_command_id(stream: str, command: Command, instant: datetime) -> UUID:
    """Return the command id of a clock command: equal inputs give equal ids, so a retry is no second command."""
    return uuid5(CLOCK_IDS, f"{stream}\n{command.NAME}\n{command.model_dump_json()}\n{instant.isoformat()}")


# Evolution -------------------------------------------------------------------------------


def _with_recorded(deadlines: ClockRecord, key: str, meta: Meta) -> ClockRecord:
    return replace(deadlines, recorded=with_entry(deadlines.recorded, key, meta.version))


def _reminded(deadlines: ClockRecord, event: UnitReminded, meta: Meta) -> ClockRecord:
    return _with_recorded(
        deadlines, _key("remind", event.duty, event.unit, event.subject, event.due, event.days_before), meta
    )


def _passed(deadlines: ClockRecord, event: DeadlinePassed, meta: Meta) -> ClockRecord:
    return _with_recorded(deadlines, _key("overdue", event.duty, event.unit, event.subject, event.due), meta)


decider: StepDecider[ClockRecord, ClockContext, Edition] = StepDecider(
    title=N_("Deadlines and the clock"),
    slice_name="deadlines",
    decides={Remind: remind, MarkOverdue: mark_overdue},
    evolves={
        UnitReminded: _reminded,
        DeadlinePassed: _passed,
        EscalationProposed: lambda deadlines, event, meta: _with_recorded(
            deadlines, _key("escalate", event.duty, "", None, event.due), meta
        ),
        DutyClosed: lambda deadlines, event, meta: replace(
            deadlines, closings=with_entry(deadlines.closings, event.duty, meta.version)
        ),
    },
)
