"""Days and instants in Vietnamese time, and ranges of time whose exact date is not known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema

from domain.problems import invalid

ICT = timezone(timedelta(hours=7), "ICT")
"""Asia/Ho_Chi_Minh, as a fixed offset: Việt Nam has had no other since 1975, and a zone table is external input."""

EARLIEST = datetime(1899, 12, 31, 17, tzinfo=UTC)
LATEST = datetime(2299, 12, 31, 17, tzinfo=UTC)
"""0:00 of 1 January 1900 and of 1 January 2300 in Việt Nam, in UTC, because comparing within one zone is faster.

Dates outside these bounds are typing errors.
"""


def _in_bounds(instant: datetime) -> datetime:
    if not EARLIEST <= instant <= LATEST:
        raise invalid("date_bounds", earliest=1900, latest=2299)
    return instant


def _parse_day(value: object) -> object:
    """Parse "20/07/2026", as written in Việt Nam, or "2026-07-20"; leave values that are no text to pydantic."""
    if isinstance(value, (int, float)):  # pydantic would take a number for seconds since 1970
        raise invalid("no_such_day")
    if not isinstance(value, str):
        return value
    # Only these two forms are parsed: pydantic would take "0" for a day of 1970.
    try:
        if written := re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})", value.strip()):
            day, month, year = map(int, written.groups())
            return date(year, month, day)
        return date.fromisoformat(value.strip())
    except ValueError:
        raise invalid("no_such_day") from None


def _day_in_bounds(day: date) -> date:
    _in_bounds(start_of(day))
    return day


Instant = Annotated[AwareDatetime, AfterValidator(_in_bounds)]
Day = Annotated[
    date,
    BeforeValidator(_parse_day),
    AfterValidator(_day_in_bounds),
    WithJsonSchema({"type": "string", "examples": ["20/07/2026", "2026-07-20"]}),
]


@dataclass(frozen=True, slots=True)
class When:
    """The range in which something happened: not before `earliest` and not after `latest`.

    A range ends at 24:00 of its last day, which is 0:00 of the next day. So an exact instant at midnight belongs to the
    day that ends, and of two ranges that meet, one is before the other.

    Raises:
        ValueError: the range ends before it begins, or lies outside the bounds of dates.
    """

    earliest: AwareDatetime
    latest: AwareDatetime

    def __post_init__(self) -> None:
        if EARLIEST <= self.earliest <= self.latest <= LATEST:
            return
        if self.latest < self.earliest:
            raise invalid("range_backwards")
        _in_bounds(self.earliest)
        _in_bounds(self.latest)

    @classmethod
    def at(cls, instant: datetime) -> When:
        """Return the range of a known instant."""
        return cls(earliest=instant, latest=instant)

    @classmethod
    def on(cls, first: date, last: date | None = None) -> When:
        """Return the range from 0:00 of `first` to 24:00 of `last` (default: the same day), Vietnamese time."""
        return cls(earliest=start_of(first), latest=end_of(last or first))

    def before(self, other: When) -> bool:
        """Return whether this range ends before the other begins, so that the order is certain."""
        return self.latest < other.earliest or self.latest == other.earliest < other.latest

    def after(self, deadline: datetime) -> bool:
        """Return whether this is certainly later than a deadline (24:00 of its last day). Exactly then is in time."""
        return When.at(deadline).before(self)

    def ends_within(self, since: datetime, until: datetime | None) -> bool:
        """Return whether this ends in the period from `since`, included, to `until`, not included."""
        if self.is_instant:
            return since <= self.latest and (until is None or self.latest < until)
        return since < self.latest and (until is None or self.latest <= until)

    def touches(self, since: datetime, until: datetime | None) -> bool:
        """Return whether this and the period from `since` to `until` can have an instant in common."""
        if self.is_instant:
            return since <= self.latest and (until is None or self.latest <= until)
        return since < self.latest and (until is None or self.earliest < until)

    @property
    def is_instant(self) -> bool:
        """Whether the exact instant is known."""
        return self.earliest == self.latest

    @property
    def day(self) -> date:
        """The earliest possible day, in Vietnamese time."""
        return self.earliest.astimezone(ICT).date()

    @property
    def last_day(self) -> date:
        """The last possible day, in Vietnamese time: the day that ends with the range."""
        return self.day if self.is_instant else day_ending(self.latest)


def earlier_of(first: When | None, second: When) -> When:
    """Return the range that begins first; `first` None: the second."""
    return second if first is None or second.earliest < first.earliest else first


def start_of(day: date) -> datetime:
    """Return 0:00 of the day, Vietnamese time."""
    return datetime.combine(day, time(), ICT)


def end_of(day: date) -> datetime:
    """Return 24:00 of the day, Vietnamese time. An act at exactly this instant is still in time."""
    return start_of(day) + timedelta(days=1)


def day_ending(instant: datetime) -> date:
    """Return the day that ends at the instant, or that contains it: the inverse of `end_of`."""
    return (instant.astimezone(ICT) - timedelta(microseconds=1)).date()
