"""Working days: which days an office is open, as data of a rules edition. Nothing here knows a holiday by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from domain.problems import wrong
from domain.types import Day, Fact, Label

DAYS_OFF_MOST = 60
"""Longest single holiday that is believed: Tết takes about ten days."""

Weekday = Annotated[int, Field(ge=1, le=7)]
"""Monday is 1, Sunday 7 (ISO 8601)."""

IfDayOff = Literal["stays", "next", "previous"]


class DaysOff(Fact):
    """A holiday from its first to its last day, or a single day."""

    first: Day
    last: Day | None = None
    title: Label

    @model_validator(mode="after")
    def _forward(self) -> DaysOff:
        last = self.last or self.first
        if last < self.first:
            raise wrong("range_backwards")
        if (last - self.first).days >= DAYS_OFF_MOST:
            raise wrong("holiday_too_long", most=DAYS_OFF_MOST)
        return self

    def covers(self, day: date) -> bool:
        """True for a day of it."""
        return self.first <= day <= (self.last or self.first)


class Calendar(Fact):
    """Days on which nobody works: every week's, and those that were announced for a year."""

    weekend: tuple[Weekday, ...] = Field(default=(6, 7), max_length=6)
    days_off: tuple[DaysOff, ...] = Field(default=(), max_length=400)
    worked: tuple[Day, ...] = Field(default=(), max_length=400)
    """Days of a weekend that are worked instead of others (làm bù)."""

    def works(self, day: date) -> bool:
        """True for a working day."""
        if day in self.worked:
            return True
        return day.isoweekday() not in self.weekend and not any(off.covers(day) for off in self.days_off)

    def settled(self, day: date, if_off: IfDayOff) -> date:
        """The day itself, or the working day after or before it."""
        step = {"stays": 0, "next": 1, "previous": -1}[if_off]
        while step and not self.works(day):
            day += timedelta(days=step)
        return day

    def after(self, day: date, count: int) -> date:
        """The `count`th working day after a day."""
        for _ in range(count):
            day = self.settled(day + timedelta(days=1), "next")
        return day


def overlaps(days_off: Iterable[DaysOff]) -> list[str]:
    """Titles of holidays that share a day with an earlier one: a slip of whoever typed the list."""
    found, seen = [], list[DaysOff]()
    for one in days_off:
        if any(one.covers(other.first) or other.covers(one.first) for other in seen):
            found.append(one.title)
        seen.append(one)
    return found
