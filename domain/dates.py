"""Dates as sources give them: a day, a month, a year or a range, in Vietnamese and ISO forms."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from domain.problems import invalid
from domain.times import When

_FORMS = (
    (re.compile(r"(?P<d>[0-9]{1,2})/(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})"), "day"),
    (re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"), "day"),
    (re.compile(r"(?P<m>[0-9]{1,2})/(?P<y>[0-9]{4})"), "month"),
    (re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{2})"), "month"),
    (re.compile(r"(?P<y>[0-9]{4})"), "year"),
)


def parse_when(value: object) -> When:
    """Parse 20/07/2026, 07/2026, 2026, or two of these with "..", "-" or "đến" between them; also ISO forms.

    Raises:
        PydanticCustomError: `no_such_date` or `range_backwards`.
    """
    if isinstance(value, When):
        return value
    if isinstance(value, datetime) or (isinstance(value, str) and _INSTANT.match(value.strip())):
        return _instants(value if isinstance(value, str) else value.isoformat())
    text = value.isoformat() if isinstance(value, date) else str(value).strip()
    ends = re.split(r"\s*(?:\.\.|…|đến|–|\s-\s)\s*", text)
    if len(ends) > 2:  # noqa: PLR2004 - from, to
        raise invalid("no_such_date")
    first, last = _days(ends[0])[0], _days(ends[-1])[1]
    if last < first:
        raise invalid("range_backwards")
    return When.on(first, last)


_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")


def _instants(text: str) -> When:
    """Parse one exact instant, or two with ".." between them, each with its UTC offset: the form of exported files."""
    try:
        ends = [datetime.fromisoformat(end.strip()) for end in text.split("..")]
    except ValueError:
        raise invalid("no_such_date") from None
    if any(end.tzinfo is None for end in ends):
        raise invalid("no_such_date")
    return When(ends[0], ends[-1])


def format_when(when: When) -> str:
    """Return the shortest text that `parse_when` reads as the same range: a month and a year are written as such."""
    if when.is_instant:
        return when.earliest.isoformat()
    ends = written_ends(when)
    if ends is None:
        return f"{when.earliest.isoformat()}..{when.latest.isoformat()}"
    return "..".join(dict.fromkeys(_WRITTEN[ends[0]].format(day) for day in ends[1:]))


_WRITTEN: Mapping[str, str] = {"day": "{:%d/%m/%Y}", "month": "{:%m/%Y}", "year": "{:%Y}"}
_WRITTEN_ISO: Mapping[str, str] = {"day": "{:%Y-%m-%d}", "month": "{:%Y-%m}", "year": "{:%Y}"}


def written_ends(when: When) -> tuple[str, date, date] | None:
    """Return how exactly a range of whole days is known, "day", "month" or "year", with its first and last day.

    Whole months are known by month, whole years by year. None for a range that has other ends.
    """
    first, last = when.day, when.last_day
    if when != When.on(first, max(first, last)):
        return None
    after = last + timedelta(days=1) if last < date.max else last
    if first.day != 1 or after.day != 1:
        return "day", first, last
    return ("year" if first.month == after.month == 1 else "month"), first, last


def as_written(when: When) -> str:
    """Return a date as people write it: 20/07/2026, 07/2026, 2026, or the first and the last with a dash between.

    Of an instant it is the day.
    """
    exactness, *ends = written_ends(when) or ("day", when.day, when.last_day)
    return " - ".join(dict.fromkeys(_WRITTEN[exactness].format(day) for day in ends))


def as_iso(when: When) -> str:
    """Return a date as JSON holds it: 2026-07-20, 2026-07, 2026, or the first and the last with a slash between."""
    if when.is_instant:  # nearly all acts: a board's line holds hundreds
        return when.day.isoformat()
    exactness, *ends = written_ends(when) or ("day", when.day, when.last_day)
    return "/".join(dict.fromkeys(_WRITTEN_ISO[exactness].format(day) for day in ends))


def from_iso(text: str) -> When:
    """Return the date that `as_iso` has written.

    Raises:
        PydanticCustomError: as `parse_when`.
    """
    return parse_when(text.replace("/", ".."))


def _days(text: str) -> tuple[date, date]:
    """Return the first and the last day of a day, month or year."""
    for form, exact in _FORMS:
        if match := form.fullmatch(text.strip()):
            part = {name: int(number) for name, number in match.groupdict().items()}
            try:
                if exact == "day":
                    day = date(part["y"], part["m"], part["d"])
                    return day, day
                if exact == "month":
                    last = calendar.monthrange(part["y"], part["m"])[1]
                    return date(part["y"], part["m"], 1), date(part["y"], part["m"], last)
                return date(part["y"], 1, 1), date(part["y"], 12, 31)
            except ValueError:
                break
    raise invalid("no_such_date")


def _parse_unless_stored(value: object) -> object:
    # The stored form is a dict with the two instants of the range.
    return value if isinstance(value, dict) else parse_when(value)


Dated = Annotated[
    When,
    BeforeValidator(_parse_unless_stored),
    WithJsonSchema(
        {"type": ["string", "integer"], "examples": ["20/07/2026", "07/2026", "2026", "20/07/2026..25/07/2026"]}
    ),
]
"""A date in a file, as the range that it can mean."""
