"""Duties of units: what an obligation is, and when it is due.

Every date of a duty is worked out here from the rules edition: the last day, the last day of a correction, extensions,
and when the clock reminds, proposes an escalation and closes the duty. Another kind of rule for the last day is one
class in `domain.rules.Deadline.due` and one function of `day_of_rule` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import singledispatch

from domain.duties import Duty
from domain.rules import Edition, PeriodDay, YearDay
from domain.times import ICT, When, day_ending, end_of, start_of
from domain.workdays import Calendar

OFFICE_OPENS = timedelta(hours=8)
"""The time of day, Vietnamese time, of reminders and escalation proposals: the start of office hours."""

OFFICE_CLOSES = timedelta(hours=17)

ESCALATION_WORKING_DAYS = 2
"""An escalation is proposed on the second working day after the last day, or later."""

CORRECTION_REMINDER_DAYS = 1
"""Duties without a deadline in the edition (corrections of a report) are reminded of one day before."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """`bearer` owes `duty`; `subject` is the unit it is about, empty for the bearer itself.

    `due` is the instant after which it is late (24:00 of the last day), extensions included. `waits_for` lists the
    units that must act first, and `awaited` is what they must do. `lapsed` is a deadline that had passed before the
    unit joined, or before the cycle began: it binds no unit, and an extension can set another.
    """

    duty: Duty
    bearer: str
    subject: str
    due: datetime | None
    done: When | None
    extended: bool = False
    waits_for: tuple[str, ...] = ()
    article: str | None = None
    """The article of the rules that sets the deadline; None where there is no deadline."""
    lapsed: datetime | None = None
    awaited: Duty | None = None

    @property
    def late(self) -> bool:
        """Whether it was certainly done after it was due."""
        return self.done is not None and self.due is not None and self.done.after(self.due)

    def overdue(self, now: datetime) -> bool:
        """Return whether it is open although it is past due."""
        return self.done is None and self.due is not None and now >= self.due


# Due dates --------------------------------------------------------------------------------


@singledispatch
def day_of_rule(rule: object, year: int, calendar: Calendar) -> date:
    """Return the day that a rule of the edition names in the cycle that begins in `year`, before days off are avoided.

    Raises:
        TypeError: no function for this kind of rule. This is a programming error.
    """
    raise TypeError(f"no day is worked out for {type(rule).__name__}")


@day_of_rule.register
def _year_day(rule: YearDay, year: int, calendar: Calendar) -> date:
    return rule.of(year)


def usual_due(duty: Duty, year: int, rules: Edition) -> datetime | None:
    """Return when a duty is due in the cycle that begins in `year`, without extensions; None without a deadline."""
    deadline = rules.deadline(duty)
    if deadline is None:
        return None
    if isinstance(deadline.due, PeriodDay):
        day = rules.period.day(deadline.due, year)
    else:
        day = day_of_rule(deadline.due, year, rules.calendar)
    return end_of(rules.calendar.settled(day, deadline.if_day_off))


def due_in_force(
    duty: Duty, year: int, rules: Edition, done: When | None
) -> tuple[datetime | None, str | None, datetime | None]:
    """Return when a duty is due, the article that says so, and else a deadline that had passed before it came.

    A duty that was done is held to the edition in force then, an open one to the edition in force now. A deadline that
    had passed when its edition was adopted binds no unit: the one of the edition before it counts.
    """
    edition: Edition | None = rules.at(done)
    lapsed = None
    while edition is not None:
        due = usual_due(duty, year, edition)
        if due is None:
            break
        if edition.since is None or due > edition.since:
            deadline = edition.deadline(duty)
            return due, deadline.article if deadline is not None else None, None
        lapsed, edition = lapsed or due, edition.replaced
    return None, None, lapsed


def correction_due(asked: When, rules: Edition) -> datetime:
    """Return when a correction is due that was asked for at `asked`, counted from the last day that this can mean."""
    if rules.answer_correction_in == "working-days":
        return end_of(rules.calendar.after(asked.last_day, rules.answer_correction_days))
    return end_of(asked.last_day + timedelta(days=rules.answer_correction_days))


def with_extension(due: datetime | None, extended_to: datetime | None) -> tuple[datetime | None, bool]:
    """Return the due date after an extension, and whether the extension moved it: an earlier one shortens nothing."""
    if due is not None and extended_to is not None and extended_to > due:
        return extended_to, True
    return due, False


# The clock --------------------------------------------------------------------------------


def reminders(duty: Duty, due: datetime, rules: Edition) -> Iterator[tuple[int, datetime]]:
    """Yield how many days before the last day the clock reminds, with the instant.

    What would come on a day off comes on the working day before. Where two reminders come to the same day, the clock
    reminds once: with the fewer days.
    """
    deadline, last = rules.deadline(duty), day_ending(due)
    found: dict[date, int] = {}
    for days in sorted(deadline.remind_days_before if deadline is not None else (CORRECTION_REMINDER_DAYS,)):
        found.setdefault(rules.calendar.settled(last - timedelta(days=days), "previous"), days)
    for day, days in found.items():
        yield days, start_of(day) + OFFICE_OPENS


def escalation(duty: Duty, due: datetime, rules: Edition) -> datetime | None:
    """Return when the clock proposes an escalation for units that are late; None where the edition has none.

    It is a working day, and not before the second one after the last day: a unit that was late for a weekend is not
    put before the overseer.
    """
    deadline = rules.deadline(duty)
    if deadline is None or deadline.escalate_days_after is None:
        return None
    last = day_ending(due)
    named = rules.calendar.settled(last + timedelta(days=deadline.escalate_days_after), "next")
    return start_of(max(named, rules.calendar.after(last, ESCALATION_WORKING_DAYS))) + OFFICE_OPENS


def closing(duty: Duty, due: datetime, rules: Edition) -> datetime | None:
    """Return when the clock closes the duty (the hard close); None where the edition has no hard close."""
    deadline = rules.deadline(duty)
    if deadline is None or deadline.close_days_after is None:
        return None
    return due + timedelta(days=deadline.close_days_after)


def alarm(due: datetime, rules: Edition) -> datetime:
    """Return when a calendar reminds of a last day: in office hours of the working day before it."""
    return start_of(rules.calendar.settled(day_ending(due) - timedelta(days=1), "previous")) + OFFICE_OPENS


def next_office_hours(instant: datetime, calendar: Calendar) -> datetime:
    """Return the instant itself in office hours, otherwise when the next ones begin."""
    day = instant.astimezone(ICT).date()
    if calendar.works(day) and start_of(day) + OFFICE_OPENS <= instant < start_of(day) + OFFICE_CLOSES:
        return instant
    if instant >= start_of(day) + OFFICE_OPENS:
        day += timedelta(days=1)
    return start_of(calendar.settled(day, "next")) + OFFICE_OPENS
