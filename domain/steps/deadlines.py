"""Deadlines: the clock's acts (reminder, overdue, escalation, hard close) and people's (extensions, escalation).

The clock is one more actor. `due` answers with its commands of the earliest instant that has come; they are
decided, recorded and folded like anybody's, so an auditor sees them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid5

from pydantic import AwareDatetime, Field

from domain import limits
from domain.obligations import Obligation, obligations
from domain.rules import Duty, Edition
from domain.steps.lifecycle import CloseDuty, DutyClosed
from domain.types import (
    AlreadyRecorded,
    Command,
    Day,
    Event,
    Meta,
    Refused,
    StepDecider,
    Text,
    UnitId,
    When,
    day_ending,
    end_of,
    put,
    start_of,
)

if TYPE_CHECKING:
    from domain.cycle import State

OFFICE_OPENS = timedelta(hours=8)
"""Reminders and proposals speak at 8:00, when somebody reads them."""

CORRECTION_REMINDER_DAYS = 1
CLOCK_IDS = UUID("5d0c9a52-6f0e-5b3e-9d5a-3c7c0c1d5a11")

Reason = Text


# Commands of the clock -------------------------------------------------------------------


class Remind(Command, name="remind"):
    """A deadline comes near."""

    duty: Duty
    unit: UnitId
    subject: UnitId | None
    due: AwareDatetime
    days_before: int


class MarkOverdue(Command, name="mark-overdue"):
    """A deadline has passed."""

    duty: Duty
    unit: UnitId
    subject: UnitId | None
    due: AwareDatetime


class ProposeEscalation(Command, name="propose-escalation"):
    """Some units are late for long enough that the secretariat should ask the overseer to step in."""

    duty: Duty
    units: Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]
    due: AwareDatetime


# Commands --------------------------------------------------------------------------------


class ConfirmEscalation(Command, name="confirm-escalation"):
    """The secretariat asks the overseer to step in, as proposed."""

    duty: Duty


class AskExtension(Command, name="ask-extension"):
    """A unit asks for more time."""

    unit: UnitId
    duty: Duty
    until: Day
    reason: Reason


class GrantExtension(Command, name="extend"):
    """The secretariat gives more time, asked for or not; to one unit, or to all when none is named."""

    duty: Duty
    until: Day
    unit: UnitId | None = None
    reason: Reason


class RefuseExtension(Command, name="refuse-extension"):
    """The secretariat gives no more time."""

    unit: UnitId
    duty: Duty
    reason: Reason


# Events ----------------------------------------------------------------------------------


class UnitReminded(Event, name="UnitReminded"):
    duty: Duty
    unit: UnitId
    subject: UnitId | None
    due: AwareDatetime
    days_before: int


class DeadlinePassed(Event, name="DeadlinePassed"):
    duty: Duty
    unit: UnitId
    subject: UnitId | None
    due: AwareDatetime


class EscalationProposed(Event, name="EscalationProposed"):
    duty: Duty
    units: tuple[UnitId, ...]
    due: AwareDatetime


class EscalationConfirmed(Event, name="EscalationConfirmed"):
    duty: Duty
    units: tuple[UnitId, ...]


class ExtensionAsked(Event, name="ExtensionAsked"):
    unit: UnitId
    duty: Duty
    until: Day
    reason: Reason


class ExtensionGranted(Event, name="ExtensionGranted"):
    duty: Duty
    until: date
    unit: UnitId | None
    reason: Reason


class ExtensionRefused(Event, name="ExtensionRefused"):
    unit: UnitId
    duty: Duty
    reason: Reason


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Escalation:
    """A proposal to ask the overseer for help; `confirmed` is the version of the confirming event."""

    units: tuple[str, ...]
    proposed: int
    confirmed: int | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """More time, up to the end of a day; `granted` is when that was said."""

    until: date
    granted: When


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What the clock has said, by key; extensions by duty and unit ("" for all); requests that wait."""

    recorded: Mapping[str, int] = field(default_factory=dict)
    extensions: Mapping[tuple[Duty, str], Extension] = field(default_factory=dict)
    extension_requests: Mapping[tuple[str, Duty], ExtensionAsked] = field(default_factory=dict)
    escalations: Mapping[Duty, Escalation] = field(default_factory=dict)
    closings: Mapping[Duty, int] = field(default_factory=dict)
    """Duties that were closed once, by whomever: the clock does not close them again after a reopening."""

    def extended_to(self, duty: Duty, unit: str, done: When | None) -> datetime | None:
        """The instant up to which a unit's time was extended: the later of its own and everybody's extension.

        More time that was given after the deed does not make it timely.
        """
        if not self.extensions:
            return None
        found = [self.extensions[key] for key in ((duty, unit), (duty, "")) if key in self.extensions]
        days = [e.until for e in found if done is None or not done.before(e.granted)]
        return end_of(max(days)) if days else None


# Decisions -------------------------------------------------------------------------------


def remind(command: Remind, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield UnitReminded(**dict(command))


def mark_overdue(command: MarkOverdue, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield DeadlinePassed(**dict(command))


def propose(command: ProposeEscalation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield EscalationProposed(**dict(command))


def confirm(command: ConfirmEscalation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.deadlines.escalations.get(command.duty)
    if existing is None:
        raise Refused("nothing_to_escalate", duty=command.duty)
    if existing.confirmed is not None:
        raise AlreadyRecorded(existing.confirmed)
    yield EscalationConfirmed(duty=command.duty, units=existing.units)


def _must_extend(duty: Duty, unit: str | None, until: date, state: State, rules: Edition) -> None:
    owed = [o for o in obligations(state, rules) if o.duty == duty and (unit is None or o.bearer == unit)]
    if not owed:
        raise Refused("duty_not_owed", duty=duty, unit=unit or "")
    if unit is not None and all(o.done is not None for o in owed):
        raise Refused("duty_is_done", duty=duty, unit=unit)
    dated = [o.due for o in owed if o.due is not None]
    if not dated:
        raise Refused("duty_has_no_deadline", duty=duty)
    # For all: somebody may have more time already, and keeps it.
    if end_of(until) <= min(dated):
        raise Refused("extension_is_no_extension", due=day_ending(min(dated)))


def ask(command: AskExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    _must_extend(command.duty, command.unit, command.until, state, rules)
    if (command.unit, command.duty) in state.deadlines.extension_requests:
        raise Refused("extension_is_asked", unit=command.unit, duty=command.duty)
    yield ExtensionAsked(**dict(command))


def grant(command: GrantExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    _must_extend(command.duty, command.unit, command.until, state, rules)
    yield ExtensionGranted(**dict(command))


def refuse(command: RefuseExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (command.unit, command.duty) not in state.deadlines.extension_requests:
        raise Refused("extension_not_asked", unit=command.unit, duty=command.duty)
    yield ExtensionRefused(**dict(command))


# Commands that the clock issues ----------------------------------------------------------


def _key(kind: str, duty: Duty, unit: str, subject: str | None, instant: datetime, days: int = 0) -> str:
    return f"{kind}/{duty}/{unit}/{subject or ''}/{instant.isoformat()}/{days}"


def _at_opening(instant: datetime, days: int) -> datetime:
    return start_of(day_ending(instant) + timedelta(days=days)) + OFFICE_OPENS


@dataclass(frozen=True, slots=True)
class _ClockCommand:
    """Something the clock will have to say at an instant, unless `key` stands among what it has said."""

    instant: datetime
    key: str
    act: Callable[[], Command]


def _clock_commands(state: State, rules: Edition) -> Iterator[_ClockCommand]:
    """Everything the clock has to say about what is open."""
    late: dict[tuple[Duty, datetime], list[str]] = {}
    ends: dict[Duty, datetime] = {}
    for owed in obligations(state, rules):
        if owed.due is None:
            continue
        ends[owed.duty] = max(owed.due, ends.get(owed.duty, owed.due))
        if owed.done is not None:
            continue
        if owed.bearer not in (units := late.setdefault((owed.duty, owed.due), [])):
            units.append(owed.bearer)
        yield from _about(owed, owed.due, rules)
    for (duty, when), units in late.items():
        deadline = rules.deadline(duty)
        if deadline is not None and deadline.escalate_days_after is not None:
            instant = _at_opening(when, deadline.escalate_days_after)
            act = partial(ProposeEscalation, duty=duty, units=tuple(units), due=when)
            yield _ClockCommand(instant, _key("escalate", duty, "", None, when), act)
    for duty, when in ends.items():
        deadline = rules.deadline(duty)
        if deadline is not None and deadline.close_days_after is not None and duty not in state.deadlines.closings:
            instant = when + timedelta(days=deadline.close_days_after)
            yield _ClockCommand(instant, _key("close", duty, "", None, when), partial(CloseDuty, duty=duty))


def _about(owed: Obligation, when: datetime, rules: Edition) -> Iterator[_ClockCommand]:
    deadline = rules.deadline(owed.duty)
    leads = deadline.remind_days_before if deadline else (CORRECTION_REMINDER_DAYS,)
    duty, unit, subject = owed.duty, owed.bearer, owed.subject or None
    if not owed.waits_for:
        for days in leads:
            act = partial(Remind, duty=duty, unit=unit, subject=subject, due=when, days_before=days)
            yield _ClockCommand(_at_opening(when, -days), _key("remind", duty, unit, subject, when, days), act)
    overdue = partial(MarkOverdue, duty=duty, unit=unit, subject=subject, due=when)
    yield _ClockCommand(when, _key("overdue", duty, unit, subject, when), overdue)


def _pending(state: State, rules: Edition) -> list[_ClockCommand]:
    lifecycle = state.lifecycle
    if lifecycle.clock == "backfill" or lifecycle.filed is not None or lifecycle.clock_since is None:
        return []
    return [
        pending
        for pending in _clock_commands(state, rules)
        if pending.instant > lifecycle.clock_since and pending.key not in state.deadlines.recorded
    ]


def next_due(state: State, rules: Edition) -> datetime | None:
    """The first instant at which the clock will have something to say."""
    return min((pending.instant for pending in _pending(state, rules)), default=None)


def due(state: State, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
    """The clock's commands of the earliest instant that has come, or None; call again until it is silent."""
    ripe = [pending for pending in _pending(state, rules) if pending.instant <= now]
    if not ripe:
        return None
    first = min(pending.instant for pending in ripe)
    together = sorted((pending for pending in ripe if pending.instant == first), key=lambda pending: pending.key)
    return first, tuple(pending.act() for pending in together)


def clock_command_id(stream: str, act: Command, instant: datetime) -> UUID:
    """The id of a clock act: the same however often and wherever it is worked out."""
    return uuid5(CLOCK_IDS, f"{stream}\n{act.NAME}\n{act.model_dump_json()}\n{instant.isoformat()}")


def _with_recorded(deadlines: Deadlines, key: str, meta: Meta) -> Deadlines:
    return replace(deadlines, recorded=put(deadlines.recorded, key, meta.version))


# Evolution -------------------------------------------------------------------------------


def _reminded(deadlines: Deadlines, event: UnitReminded, meta: Meta) -> Deadlines:
    return _with_recorded(
        deadlines, _key("remind", event.duty, event.unit, event.subject, event.due, event.days_before), meta
    )


def _passed(deadlines: Deadlines, event: DeadlinePassed, meta: Meta) -> Deadlines:
    return _with_recorded(deadlines, _key("overdue", event.duty, event.unit, event.subject, event.due), meta)


def _proposed(deadlines: Deadlines, event: EscalationProposed, meta: Meta) -> Deadlines:
    said = _with_recorded(deadlines, _key("escalate", event.duty, "", None, event.due), meta)
    before = deadlines.escalations.get(event.duty)
    waiting = before.units if before is not None and before.confirmed is None else ()
    units = tuple(dict.fromkeys((*waiting, *event.units)))
    return replace(said, escalations=put(deadlines.escalations, event.duty, Escalation(units, meta.version)))


def _confirmed(deadlines: Deadlines, event: EscalationConfirmed, meta: Meta) -> Deadlines:
    existing = deadlines.escalations.get(event.duty, Escalation(event.units, meta.version))
    return replace(
        deadlines, escalations=put(deadlines.escalations, event.duty, replace(existing, confirmed=meta.version))
    )


def _asked(deadlines: Deadlines, event: ExtensionAsked, meta: Meta) -> Deadlines:
    return replace(deadlines, extension_requests=put(deadlines.extension_requests, (event.unit, event.duty), event))


def _answered(deadlines: Deadlines, unit: str | None, duty: Duty) -> Deadlines:
    return replace(
        deadlines,
        extension_requests={
            k: a for k, a in deadlines.extension_requests.items() if k[1] != duty or (unit is not None and k[0] != unit)
        },
    )


def _granted(deadlines: Deadlines, event: ExtensionGranted, meta: Meta) -> Deadlines:
    given = Extension(event.until, meta.happened)
    return replace(
        _answered(deadlines, event.unit, event.duty),
        extensions=put(deadlines.extensions, (event.duty, event.unit or ""), given),
    )


decider = StepDecider(
    slice_name="deadlines",
    empty=Deadlines(),
    decides={
        Remind: remind,
        MarkOverdue: mark_overdue,
        ProposeEscalation: propose,
        ConfirmEscalation: confirm,
        AskExtension: ask,
        GrantExtension: grant,
        RefuseExtension: refuse,
    },
    evolves={
        UnitReminded: _reminded,
        DeadlinePassed: _passed,
        EscalationProposed: _proposed,
        EscalationConfirmed: _confirmed,
        ExtensionAsked: _asked,
        ExtensionGranted: _granted,
        DutyClosed: lambda deadlines, event, meta: replace(
            deadlines, closings=put(deadlines.closings, event.duty, meta.version)
        ),
        ExtensionRefused: lambda deadlines, event, meta: _answered(deadlines, event.unit, event.duty),
    },
)
