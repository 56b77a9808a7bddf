"""Working days, as data of a rules edition. All holidays come from the edition; none is built in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from domain.problems import invalid
from domain.times import Day
from domain.types import FrozenModel, Label

DAYS_OFF_MOST = 60
"""The longest single holiday that is accepted. Tết takes about ten days."""

Weekday = Annotated[int, Field(ge=1, le=7)]
"""Monday is 1, Sunday 7 (ISO 8601)."""

IfDayOff = Literal["stays", "next", "previous"]


class DaysOff(FrozenModel):
    """A holiday from its first to its last day, or a single day."""

    first: Day
    last: Day | None = None
    title: Label

    @model_validator(mode="after")
    def _is_valid_range(self) -> DaysOff:
        last = self.last or self.first
        if last < self.first:
            raise invalid("range_backwards")
        if (last - self.first).days >= DAYS_OFF_MOST:
            raise invalid("holiday_too_long", most=DAYS_OFF_MOST)
        return self

    def covers(self, day: date) -> bool:
        """Return whether the day belongs to the holiday."""
        return self.first <= day <= (self.last or self.first)


class Calendar(FrozenModel):
    """Days off: the weekend, and the holidays announced for a year."""

    weekend: tuple[Weekday, ...] = Field(default=(6, 7), max_length=6)
    days_off: tuple[DaysOff, ...] = Field(default=(), max_length=400)
    worked: tuple[Day, ...] = Field(default=(), max_length=400)
    """Working days on a weekend that make up for other days (làm bù)."""

    def works(self, day: date) -> bool:
        """Return whether the day is a working day."""
        if day in self.worked:
            return True
        return day.isoweekday() not in self.weekend and not any(off.covers(day) for off in self.days_off)

    def settled(self, day: date, if_off: IfDayOff) -> date:
        """Return the day itself, or for a day off the next or previous working day, as `if_off` says."""
        step = {"stays": 0, "next": 1, "previous": -1}[if_off]
        while step and not self.works(day):
            day += timedelta(days=step)
        return day

    def after(self, day: date, count: int) -> date:
        """Return the `count`th working day after a day."""
        for _ in range(count):
            day = self.settled(day + timedelta(days=1), "next")
        return day


def overlaps(days_off: Iterable[DaysOff]) -> list[str]:
    """Return the titles of holidays that share a day with an earlier one in the list."""
    titles, earlier = [], list[DaysOff]()
    for holiday in days_off:
        if any(holiday.covers(other.first) or other.covers(holiday.first) for other in earlier):
            titles.append(holiday.title)
        earlier.append(holiday)
    return titles
