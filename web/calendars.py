"""Deadlines as a calendar feed (RFC 5545).

Each duty of a unit is a whole-day entry with a lasting id, so that a calendar program moves the entry when the deadline
moves, and strikes it when the duty is done. Two units' feeds in one calendar have entries of their own. An entry makes
nobody busy, and its alarm rings in office hours of the working day before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from icalendar import Alarm, Calendar, Event

from accounts.calendars import CalendarEntry
from application.tasks import TaskCard
from domain.times import day_ending, start_of
from i18n import _
from i18n.messages import word
from i18n.notices import or_act
from web.urls import other_task_url, task_url

_COPIED = ("cycle", "cluster", "organiser", "year", "duty", "unit", "unit_name", "subject", "subject_id", "rehearsed")


def shown_of(tasks: Iterable[TaskCard], installation: str) -> dict[UUID, dict[str, Any]]:
    """What a feed shows of each task that has a deadline, by the entry's lasting id, as JSON values."""
    found = {}
    for task in tasks:
        if task.due is None:
            continue
        values = {name: getattr(task, name) for name in _COPIED}
        alarm = task.alarm.isoformat() if task.alarm is not None else None
        name = f"{installation}/{task.cycle}/{task.duty}/{task.subject_id}/{task.unit}"
        found[uuid5(NAMESPACE_URL, f"calendar/{name}")] = {
            **values,
            "day": day_ending(task.due).isoformat(),
            "alarm": alarm,
        }
    return found


def calendar_of(entries: Iterable[CalendarEntry], address: str) -> bytes:
    """The feed of some entries, in the language in use; `address` is that of the site."""
    calendar = Calendar()
    calendar.add("prodid", "-//So Thi Dua//thidua//VI")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _("Sổ Thi Đua: deadlines"))
    calendar.add("refresh-interval", timedelta(hours=6), parameters={"VALUE": "DURATION"})
    listed = list(entries)
    alike = Counter(_title(entry.shown) for entry in listed)
    for entry in listed:
        # Two cycles can ask the same of a unit: then the entry says for which cluster and year.
        calendar.add_component(_event(entry, _title(entry.shown, long=alike[_title(entry.shown)] > 1), address))
    body: bytes = calendar.to_ical()
    return body


def _event(entry: CalendarEntry, title: str, address: str) -> Event:
    shown, day = entry.shown, date.fromisoformat(entry.shown["day"])
    task = (shown["cycle"], shown["duty"], shown["unit"], shown["subject_id"])
    url, other = address + task_url(*task), other_task_url(*task)
    links = [url] if other is None else [url, ": ".join(or_act(other[0], address + other[1]))]
    event = Event()
    event.add("uid", f"{entry.id}@thidua")
    event.add("sequence", entry.sequence)
    event.add("dtstamp", entry.changed_at)
    event.add("last-modified", entry.changed_at)
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", title)
    event.add("description", "\n".join((*_lines(shown), *links)))
    event.add("url", url)
    event.add("status", "CANCELLED" if entry.over else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    event.add("x-microsoft-cdo-busystatus", "FREE")
    if shown["alarm"] is not None and not entry.over:
        event.add_component(_alarm(datetime.fromisoformat(shown["alarm"]), day, title))
    return event


def _alarm(at: datetime, day: date, title: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", at - start_of(day))  # from the beginning of the day, where the calendar is
    return alarm


def _title(shown: Mapping[str, Any], *, long: bool = False) -> str:
    mark = f"[{_('rehearsal')}] " if shown["rehearsed"] else ""
    duty = word("duty", shown["duty"])
    what = f"{duty}: {shown['subject']}" if shown["subject"] else duty
    whose = f"{shown['unit_name']}; {shown['cluster']}, {shown['year']}" if long else shown["unit_name"]
    return f"{mark}{what} ({whose})"


def _lines(shown: Mapping[str, Any]) -> tuple[str, ...]:
    return shown["unit_name"], f"{shown['cluster']}, {shown['year']}", shown["organiser"]
