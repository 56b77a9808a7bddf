"""Deadlines as a calendar feed (RFC 5545): each task a whole-day entry with a stable id, so a moved deadline moves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from icalendar import Alarm, Calendar, Event

from domain.types import day_ending
from i18n import _
from i18n.messages import word

if TYPE_CHECKING:
    from web.pages.home import TaskCard


def calendar_of(tasks: Iterable[TaskCard], address: str) -> bytes:
    """The feed of somebody's open tasks; undated ones are not in it."""
    calendar = Calendar()
    calendar.add("prodid", "-//So Thi Dua//thidua//VI")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("Sổ Thi Đua: deadlines"))
    calendar.add("refresh-interval", timedelta(hours=6), parameters={"VALUE": "DURATION"})
    for task in tasks:
        if task.due is None:
            continue
        day = day_ending(task.due)
        event = Event()
        event.add("uid", f"{task.cycle}/{task.duty}/{task.subject_id}@thidua".replace(" ", "-"))
        event.add("dtstamp", datetime.now(UTC))
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        mark = f"[{_('rehearsal')}] " if task.rehearsed else ""
        event.add("summary", f"{mark}{word('duty', task.duty)}{f': {task.subject}' if task.subject else ''}")
        event.add("description", f"{task.cluster}, {task.year}")
        event.add("url", f"{address}{task.way}")
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", event["summary"])
        alarm.add("trigger", timedelta(days=-1))
        event.add_component(alarm)
        calendar.add_component(event)
    body: bytes = calendar.to_ical()
    return body
