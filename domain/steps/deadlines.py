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
    AlreadySaid,
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
    start_of,
    with_entry,
)

if TYPE_CHECKING:
    from domain.cycle import State

OFFICE_OPENS = timedelta(hours=8)
"""Reminders and proposals speak at 8:00, when somebody reads them."""

CORRECTION_REMINDER_DAYS = 1
CLOCK_IDS = UUID("5d0c9a52-6f0e-5b3e-9d5a-3c7c0c1d5a11")

Reason = Text


# What the clock says ----------------------------------------------------------------------


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


# What people say -------------------------------------------------------------------------


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


# What happened ---------------------------------------------------------------------------


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


# What we hold to be true -----------------------------------------------------------------


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

    spoken: Mapping[str, int] = field(default_factory=dict)
    extensions: Mapping[tuple[Duty, str], Extension] = field(default_factory=dict)
    asked: Mapping[tuple[str, Duty], ExtensionAsked] = field(default_factory=dict)
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


def remind(cmd: Remind, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield UnitReminded(**dict(cmd))


def mark_overdue(cmd: MarkOverdue, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield DeadlinePassed(**dict(cmd))


def propose(cmd: ProposeEscalation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    yield EscalationProposed(**dict(cmd))


def confirm(cmd: ConfirmEscalation, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    existing = state.deadlines.escalations.get(cmd.duty)
    if existing is None:
        raise Refused("nothing_to_escalate", duty=cmd.duty)
    if existing.confirmed is not None:
        raise AlreadySaid(existing.confirmed)
    yield EscalationConfirmed(duty=cmd.duty, units=existing.units)


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


def ask(cmd: AskExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    _must_extend(cmd.duty, cmd.unit, cmd.until, state, rules)
    if (cmd.unit, cmd.duty) in state.deadlines.asked:
        raise Refused("extension_is_asked", unit=cmd.unit, duty=cmd.duty)
    yield ExtensionAsked(**dict(cmd))


def grant(cmd: GrantExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    _must_extend(cmd.duty, cmd.unit, cmd.until, state, rules)
    yield ExtensionGranted(**dict(cmd))


def refuse(cmd: RefuseExtension, meta: Meta, state: State, rules: Edition) -> Iterator[Event]:
    if (cmd.unit, cmd.duty) not in state.deadlines.asked:
        raise Refused("extension_not_asked", unit=cmd.unit, duty=cmd.duty)
    yield ExtensionRefused(**dict(cmd))


# The clock --------------------------------------------------------------------------------


def _key(kind: str, duty: Duty, unit: str, subject: str | None, instant: datetime, days: int = 0) -> str:
    return f"{kind}/{duty}/{unit}/{subject or ''}/{instant.isoformat()}/{days}"


def _at_opening(instant: datetime, days: int) -> datetime:
    return start_of(day_ending(instant) + timedelta(days=days)) + OFFICE_OPENS


@dataclass(frozen=True, slots=True)
class _Speech:
    """Something the clock will have to say at an instant, unless `key` stands among what it has said."""

    instant: datetime
    key: str
    act: Callable[[], Command]


def _speeches(state: State, rules: Edition) -> Iterator[_Speech]:
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
            yield _Speech(instant, _key("escalate", duty, "", None, when), act)
    for duty, when in ends.items():
        deadline = rules.deadline(duty)
        if deadline is not None and deadline.close_days_after is not None and duty not in state.deadlines.closings:
            instant = when + timedelta(days=deadline.close_days_after)
            yield _Speech(instant, _key("close", duty, "", None, when), partial(CloseDuty, duty=duty))


def _about(owed: Obligation, when: datetime, rules: Edition) -> Iterator[_Speech]:
    deadline = rules.deadline(owed.duty)
    leads = deadline.remind_days_before if deadline else (CORRECTION_REMINDER_DAYS,)
    duty, unit, subject = owed.duty, owed.bearer, owed.subject or None
    if not owed.waits_for:
        for days in leads:
            act = partial(Remind, duty=duty, unit=unit, subject=subject, due=when, days_before=days)
            yield _Speech(_at_opening(when, -days), _key("remind", duty, unit, subject, when, days), act)
    overdue = partial(MarkOverdue, duty=duty, unit=unit, subject=subject, due=when)
    yield _Speech(when, _key("overdue", duty, unit, subject, when), overdue)


def _pending(state: State, rules: Edition) -> list[_Speech]:
    lifecycle = state.lifecycle
    if lifecycle.clock == "backfill" or lifecycle.filed is not None or lifecycle.clock_since is None:
        return []
    return [
        speech
        for speech in _speeches(state, rules)
        if speech.instant > lifecycle.clock_since and speech.key not in state.deadlines.spoken
    ]


def next_due(state: State, rules: Edition) -> datetime | None:
    """The first instant at which the clock will have something to say."""
    return min((speech.instant for speech in _pending(state, rules)), default=None)


def due(state: State, rules: Edition, now: datetime) -> tuple[datetime, tuple[Command, ...]] | None:
    """The clock's commands of the earliest instant that has come, or None; call again until it is silent."""
    ripe = [speech for speech in _pending(state, rules) if speech.instant <= now]
    if not ripe:
        return None
    first = min(speech.instant for speech in ripe)
    together = sorted((speech for speech in ripe if speech.instant == first), key=lambda speech: speech.key)
    return first, tuple(speech.act() for speech in together)


def clock_command_id(stream: str, act: Command, instant: datetime) -> UUID:
    """The id of a clock act: the same however often and wherever it is worked out."""
    return uuid5(CLOCK_IDS, f"{stream}\n{act.NAME}\n{act.model_dump_json()}\n{instant.isoformat()}")


def _spoke(d: Deadlines, key: str, meta: Meta) -> Deadlines:
    return replace(d, spoken=with_entry(d.spoken, key, meta.version))


def _reminded(d: Deadlines, e: UnitReminded, m: Meta) -> Deadlines:
    return _spoke(d, _key("remind", e.duty, e.unit, e.subject, e.due, e.days_before), m)


def _passed(d: Deadlines, e: DeadlinePassed, m: Meta) -> Deadlines:
    return _spoke(d, _key("overdue", e.duty, e.unit, e.subject, e.due), m)


def _proposed(d: Deadlines, e: EscalationProposed, m: Meta) -> Deadlines:
    said = _spoke(d, _key("escalate", e.duty, "", None, e.due), m)
    before = d.escalations.get(e.duty)
    waiting = before.units if before is not None and before.confirmed is None else ()
    units = tuple(dict.fromkeys((*waiting, *e.units)))
    return replace(said, escalations=with_entry(d.escalations, e.duty, Escalation(units, m.version)))


def _confirmed(d: Deadlines, e: EscalationConfirmed, m: Meta) -> Deadlines:
    existing = d.escalations.get(e.duty, Escalation(e.units, m.version))
    return replace(d, escalations=with_entry(d.escalations, e.duty, replace(existing, confirmed=m.version)))


def _asked(d: Deadlines, e: ExtensionAsked, m: Meta) -> Deadlines:
    return replace(d, asked=with_entry(d.asked, (e.unit, e.duty), e))


def _answered(d: Deadlines, unit: str | None, duty: Duty) -> Deadlines:
    return replace(d, asked={k: a for k, a in d.asked.items() if k[1] != duty or (unit is not None and k[0] != unit)})


def _granted(d: Deadlines, e: ExtensionGranted, m: Meta) -> Deadlines:
    given = Extension(e.until, m.happened)
    return replace(_answered(d, e.unit, e.duty), extensions=with_entry(d.extensions, (e.duty, e.unit or ""), given))


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
        DutyClosed: lambda d, e, m: replace(d, closings=with_entry(d.closings, e.duty, m.version)),
        ExtensionRefused: lambda d, e, m: _answered(d, e.unit, e.duty),
    },
)
