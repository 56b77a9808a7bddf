"""Deadlines: commands of the clock (reminder, overdue, escalation, hard close) and of persons (extension, escalation).

The clock is an actor like a person: `due` returns its commands for the earliest instant that has come, and these are
decided, recorded and folded like all others. So an auditor sees them in their order.
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
from domain.duties import Duty
from domain.msgids import N_, NC_
from domain.obligations import Obligation, obligations
from domain.parties import CLOCK_ONLY, OWN_UNIT, SECRETARIAT, Readers
from domain.rules import Edition
from domain.steps.lifecycle import CloseDuty, DutyClosed
from domain.types import (
    AlreadyRecorded,
    Command,
    Day,
    Event,
    LastInstant,
    Meta,
    Refused,
    StepDecider,
    Text,
    UnitId,
    When,
    day_ending,
    end_of,
    start_of,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State

OFFICE_OPENS = timedelta(hours=8)
"""The time of day, Vietnamese time, of reminders and escalation proposals: the start of office hours."""

CORRECTION_REMINDER_DAYS = 1
"""Duties without a deadline in the edition (corrections of a report) are reminded of one day before."""

CLOCK_IDS = UUID("5d0c9a52-6f0e-5b3e-9d5a-3c7c0c1d5a11")

Reason = Text


# Commands of the clock -------------------------------------------------------------------


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


class ProposeEscalation(
    Command,
    name="propose-escalation",
    label=NC_("act", "propose escalation"),
    summary=N_("Propose that the secretariat ask the overseer to intervene, because units are late for some days."),
    allowed=CLOCK_ONLY,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty
    units: Annotated[tuple[UnitId, ...], Field(max_length=limits.UNITS_PER_CLUSTER)]
    due: AwareDatetime


# Commands --------------------------------------------------------------------------------


class ConfirmEscalation(
    Command,
    name="confirm-escalation",
    label=NC_("act", "confirm escalation"),
    summary=N_("Ask the overseer to intervene, as proposed."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty


class AskExtension(
    Command,
    name="ask-extension",
    label=NC_("act", "ask extension"),
    summary=N_("Ask for an extension of a unit's deadline."),
    allowed=OWN_UNIT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    unit: UnitId
    duty: Duty
    until: Day
    reason: Reason


class GrantExtension(
    Command,
    name="extend",
    label=NC_("act", "extend"),
    summary=N_("Extend a deadline for one unit, or for all units; no request is needed."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    duty: Duty
    until: Day
    unit: UnitId | None = None
    reason: Reason


class RefuseExtension(
    Command,
    name="refuse-extension",
    label=NC_("act", "refuse extension"),
    summary=N_("Refuse a unit's request for an extension."),
    allowed=SECRETARIAT,
    about="unit",
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    unit: UnitId
    duty: Duty
    reason: Reason


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


class EscalationProposed(
    Event,
    name="EscalationProposed",
    schema=1,
    sentence=N_("Escalation is proposed for {units}: {duty}."),
    readers=Readers.ALL_MEMBERS,
    correctable=False,
    in_summary=None,
):
    duty: Duty
    units: tuple[UnitId, ...]
    due: LastInstant


class EscalationConfirmed(
    Event,
    name="EscalationConfirmed",
    schema=1,
    sentence=N_("The secretariat asks the overseer to step in: {duty}, {units}."),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    duty: Duty
    units: tuple[UnitId, ...]


class ExtensionAsked(
    Event,
    name="ExtensionAsked",
    schema=1,
    sentence=N_("{unit} asks for more time until {until}: {duty}. {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    unit: UnitId
    duty: Duty
    until: Day
    reason: Reason


class ExtensionGranted(
    Event,
    name="ExtensionGranted",
    schema=1,
    sentence=N_("More time until {until} for {unit}: {duty}. {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    duty: Duty
    until: date
    unit: UnitId | None
    reason: Reason


class ExtensionRefused(
    Event,
    name="ExtensionRefused",
    schema=1,
    sentence=N_("No more time for {unit}: {duty}. {reason}"),
    readers=Readers.ALL_MEMBERS,
    correctable=True,
    in_summary=None,
):
    unit: UnitId
    duty: Duty
    reason: Reason


# State -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Escalation:
    """An escalation: `proposed` and `confirmed` are the versions of its events."""

    units: tuple[str, ...]
    proposed: int
    confirmed: int | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension up to the end of a day; `granted` is when it was given."""

    until: date
    granted: When


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Events of the clock, extensions and open requests for them, escalations, closed duties."""

    recorded: Mapping[str, int] = field(default_factory=dict)
    """By the key of a clock command (`_key`), the version of its event: the clock does not issue it again."""
    extensions: Mapping[tuple[Duty, str], Extension] = field(default_factory=dict)
    """By duty and unit ("" for all units)."""
    extension_requests: Mapping[tuple[str, Duty], ExtensionAsked] = field(default_factory=dict)
    escalations: Mapping[Duty, Escalation] = field(default_factory=dict)
    closings: Mapping[Duty, int] = field(default_factory=dict)
    """Duties that were closed once, by the clock or a person: the clock does not close them again after a reopening."""

    def extended_to(self, duty: Duty, unit: str, done: When | None) -> datetime | None:
        """Return the extended deadline: the later one of the unit's own extension and that of all units.

        `done` is when the unit did its duty. An extension that was granted later does not make a late act timely.
        """
        if not self.extensions:
            return None
        extensions = [self.extensions[key] for key in ((duty, unit), (duty, "")) if key in self.extensions]
        days = [extension.until for extension in extensions if done is None or not done.before(extension.granted)]
        return end_of(max(days)) if days else None


# Decisions -------------------------------------------------------------------------------


def remind(command: Remind, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield UnitReminded(**dict(command))


def mark_overdue(command: MarkOverdue, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield DeadlinePassed(**dict(command))


def propose_escalation(command: ProposeEscalation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield EscalationProposed(**dict(command))


def confirm_escalation(command: ConfirmEscalation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.deadlines.escalations.get(command.duty)
    if existing is None:
        raise Refused("nothing_to_escalate", duty=command.duty)
    if existing.confirmed is not None:
        raise AlreadyRecorded(existing.confirmed)
    yield EscalationConfirmed(duty=command.duty, units=existing.units)


def _require_extension(duty: Duty, unit: str | None, until: date, state: State, rules: Edition) -> None:
    """Refuse an extension that extends nothing; `unit` None: an extension for all units."""
    concerned = [
        obligation
        for obligation in obligations(state, rules)
        if obligation.duty == duty and (unit is None or obligation.bearer == unit)
    ]
    if not concerned:
        raise Refused("duty_not_owed", duty=duty, unit=unit or "")
    if unit is not None and all(obligation.done is not None for obligation in concerned):
        raise Refused("duty_is_done", duty=duty, unit=unit)
    deadlines = [obligation.due for obligation in concerned if obligation.due is not None]
    if not deadlines:
        raise Refused("duty_has_no_deadline", duty=duty)
    # The earliest deadline counts: an extension for all leaves a later one of a single unit as it is.
    if end_of(until) <= min(deadlines):
        raise Refused("extension_is_no_extension", due=day_ending(min(deadlines)))


def ask_extension(command: AskExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    _require_extension(command.duty, command.unit, command.until, state, rules)
    if (command.unit, command.duty) in state.deadlines.extension_requests:
        raise Refused("extension_is_asked", unit=command.unit, duty=command.duty)
    yield ExtensionAsked(**dict(command))


def grant_extension(command: GrantExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    _require_extension(command.duty, command.unit, command.until, state, rules)
    yield ExtensionGranted(**dict(command))


def refuse_extension(command: RefuseExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (command.unit, command.duty) not in state.deadlines.extension_requests:
        raise Refused("extension_not_asked", unit=command.unit, duty=command.duty)
    yield ExtensionRefused(**dict(command))


# Commands that the clock issues ----------------------------------------------------------


def _key(kind: str, duty: Duty, unit: str, subject: str | None, due: datetime, days: int = 0) -> str:
    """Identify a clock command: a deadline that moves gives new keys, and so new reminders."""
    return f"{kind}/{duty}/{unit}/{subject or ''}/{due.isoformat()}/{days}"


def _at_office_opening(due: datetime, days: int) -> datetime:
    return start_of(day_ending(due) + timedelta(days=days)) + OFFICE_OPENS


@dataclass(frozen=True, slots=True)
class _ClockCommand:
    """A command that the clock issues at `instant`, once for each `key`; `build` makes it."""

    instant: datetime
    key: str
    build: Callable[[], Command]


def _clock_commands(state: State, rules: Edition) -> Iterator[_ClockCommand]:
    """Yield all commands of the clock for the obligations of the state, issued ones too."""
    late_units: dict[tuple[Duty, datetime], list[str]] = {}
    last_due: dict[Duty, datetime] = {}
    for obligation in obligations(state, rules):
        if obligation.due is None:
            continue
        last_due[obligation.duty] = max(obligation.due, last_due.get(obligation.duty, obligation.due))
        if obligation.done is not None:
            continue
        units = late_units.setdefault((obligation.duty, obligation.due), [])
        if obligation.bearer not in units:
            units.append(obligation.bearer)
        yield from _commands_for(obligation, obligation.due, rules)
    for (duty, due_), units in late_units.items():
        deadline = rules.deadline(duty)
        if deadline is not None and deadline.escalate_days_after is not None:
            instant = _at_office_opening(due_, deadline.escalate_days_after)
            build = partial(ProposeEscalation, duty=duty, units=tuple(units), due=due_)
            yield _ClockCommand(instant, _key("escalate", duty, "", None, due_), build)
    for duty, due_ in last_due.items():
        deadline = rules.deadline(duty)
        if deadline is not None and deadline.close_days_after is not None and duty not in state.deadlines.closings:
            instant = due_ + timedelta(days=deadline.close_days_after)
            yield _ClockCommand(instant, _key("close", duty, "", None, due_), partial(CloseDuty, duty=duty))


def _commands_for(obligation: Obligation, due_: datetime, rules: Edition) -> Iterator[_ClockCommand]:
    """Yield reminders, unless the obligation waits for other units, and the command that marks it overdue."""
    deadline = rules.deadline(obligation.duty)
    days_before = deadline.remind_days_before if deadline else (CORRECTION_REMINDER_DAYS,)
    duty, unit, subject = obligation.duty, obligation.bearer, obligation.subject or None
    if not obligation.waits_for:
        for days in days_before:
            build = partial(Remind, duty=duty, unit=unit, subject=subject, due=due_, days_before=days)
            yield _ClockCommand(_at_office_opening(due_, -days), _key("remind", duty, unit, subject, due_, days), build)
    overdue = partial(MarkOverdue, duty=duty, unit=unit, subject=subject, due=due_)
    yield _ClockCommand(due_, _key("overdue", duty, unit, subject, due_), overdue)


def _pending(state: State, rules: Edition) -> list[_ClockCommand]:
    """Return the clock commands that are not recorded yet; none while the register is backfilled or filed."""
    lifecycle = state.lifecycle
    if lifecycle.clock == "backfill" or lifecycle.filed is not None or lifecycle.clock_since is None:
        return []
    return [
        pending
        for pending in _clock_commands(state, rules)
        if pending.instant > lifecycle.clock_since and pending.key not in state.deadlines.recorded
    ]


def next_due(state: State, rules: Edition) -> datetime | None:
    """Return the earliest instant at which the clock will issue a command; None when it has none."""
    return min((pending.instant for pending in _pending(state, rules)), default=None)


def due(state: State, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
    """Return the earliest instant that has come, with the clock's commands for it; None when there are none.

    Later instants follow when the events are folded: call again until it returns None.
    """
    ready = [pending for pending in _pending(state, rules) if pending.instant <= now]
    if not ready:
        return None
    first = min(pending.instant for pending in ready)
    together = sorted((pending for pending in ready if pending.instant == first), key=lambda pending: pending.key)
    return first, tuple(pending.build() for pending in together)


def clock_command_id(stream: str, command: Command, instant: datetime) -> UUID:
    """Return the command id of a clock command: equal inputs give equal ids, so a retry is no second command."""
    return uuid5(CLOCK_IDS, f"{stream}\n{command.NAME}\n{command.model_dump_json()}\n{instant.isoformat()}")


# Evolution -------------------------------------------------------------------------------


def _with_recorded(deadlines: Deadlines, key: str, meta: Meta) -> Deadlines:
    return replace(deadlines, recorded=with_entry(deadlines.recorded, key, meta.version))


def _reminded(deadlines: Deadlines, event: UnitReminded, meta: Meta) -> Deadlines:
    return _with_recorded(
        deadlines, _key("remind", event.duty, event.unit, event.subject, event.due, event.days_before), meta
    )


def _passed(deadlines: Deadlines, event: DeadlinePassed, meta: Meta) -> Deadlines:
    return _with_recorded(deadlines, _key("overdue", event.duty, event.unit, event.subject, event.due), meta)


def _proposed(deadlines: Deadlines, event: EscalationProposed, meta: Meta) -> Deadlines:
    existing = deadlines.escalations.get(event.duty)
    # A proposal that is not confirmed yet goes into the new one.
    unconfirmed = existing.units if existing is not None and existing.confirmed is None else ()
    escalation = Escalation(tuple(dict.fromkeys((*unconfirmed, *event.units))), meta.version)
    return replace(
        _with_recorded(deadlines, _key("escalate", event.duty, "", None, event.due), meta),
        escalations=with_entry(deadlines.escalations, event.duty, escalation),
    )


def _confirmed(deadlines: Deadlines, event: EscalationConfirmed, meta: Meta) -> Deadlines:
    existing = deadlines.escalations.get(event.duty, Escalation(event.units, meta.version))
    return replace(
        deadlines, escalations=with_entry(deadlines.escalations, event.duty, replace(existing, confirmed=meta.version))
    )


def _extension_asked(deadlines: Deadlines, event: ExtensionAsked, meta: Meta) -> Deadlines:
    return replace(
        deadlines, extension_requests=with_entry(deadlines.extension_requests, (event.unit, event.duty), event)
    )


def _without_requests(deadlines: Deadlines, unit: str | None, duty: Duty) -> Deadlines:
    """Remove the open requests for a duty: those of one unit, or of all units when `unit` is None."""
    remaining = {
        (asking, asked_for): request
        for (asking, asked_for), request in deadlines.extension_requests.items()
        if asked_for != duty or (unit is not None and asking != unit)
    }
    return replace(deadlines, extension_requests=remaining)


def _extension_granted(deadlines: Deadlines, event: ExtensionGranted, meta: Meta) -> Deadlines:
    extension = Extension(event.until, meta.happened)
    return replace(
        _without_requests(deadlines, event.unit, event.duty),
        extensions=with_entry(deadlines.extensions, (event.duty, event.unit or ""), extension),
    )


decider = StepDecider(
    slice_name="deadlines",
    empty=Deadlines(),
    decides={
        Remind: remind,
        MarkOverdue: mark_overdue,
        ProposeEscalation: propose_escalation,
        ConfirmEscalation: confirm_escalation,
        AskExtension: ask_extension,
        GrantExtension: grant_extension,
        RefuseExtension: refuse_extension,
    },
    evolves={
        UnitReminded: _reminded,
        DeadlinePassed: _passed,
        EscalationProposed: _proposed,
        EscalationConfirmed: _confirmed,
        ExtensionAsked: _extension_asked,
        ExtensionGranted: _extension_granted,
        DutyClosed: lambda deadlines, event, meta: replace(
            deadlines, closings=with_entry(deadlines.closings, event.duty, meta.version)
        ),
        ExtensionRefused: lambda deadlines, event, meta: _without_requests(deadlines, event.unit, event.duty),
    },
)
