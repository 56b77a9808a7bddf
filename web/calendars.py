"""Deadlines as a calendar feed (RFC 5545).

Each task is a whole-day entry with a stable id, so that a calendar program moves the entry when the deadline moves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from application.tasks import TaskCard
from domain.times import day_ending
from i18n import _
from i18n.messages import word
from web.urls import task_url


def calendar_of(tasks: Iterable[TaskCard], address: str) -> bytes:
    """The feed of open tasks that have a deadline; `address` is that of the site."""
    calendar = Calendar()
    calendar.add("prodid", "-//So Thi Dua//thidua//VI")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("Sổ Thi Đua: deadlines"))
    calendar.add("refresh-interval", timedelta(hours=6), parameters={"VALUE": "DURATION"})
    dated = [(task, task.due) for task in tasks if task.due is not None]
    alike = Counter(_summary(task) for task, _due in dated)
    for task, due in dated:
        summary = _summary(task)
        # Two cycles can ask the same of a unit: then the entry says for which cluster and year.
        named = f"{summary} ({task.cluster}, {task.year})" if alike[summary] > 1 else summary
        calendar.add_component(_entry(task, due, named, address))
    body: bytes = calendar.to_ical()
    return body


def _summary(task: TaskCard) -> str:
    mark = f"[{_('rehearsal')}] " if task.rehearsed else ""
    return f"{mark}{word('duty', task.duty)}{f': {task.subject}' if task.subject else ''}"


def _entry(task: TaskCard, due: datetime, summary: str, address: str) -> Event:
    day = day_ending(due)
    event = Event()
    event.add("uid", f"{task.cycle}/{task.duty}/{task.subject_id}@thidua".replace(" ", "-"))
    event.add("dtstamp", datetime.now(UTC))
    event.add("dtstart", day)
    event.add("dtend", day + timedelta(days=1))
    event.add("summary", summary)
    event.add("description", f"{task.cluster}, {task.year}")
    event.add("url", address + task_url(task.cycle, task.duty, task.unit, task.subject_id))
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", event["summary"])
    alarm.add("trigger", timedelta(days=-1))
    event.add_component(alarm)
    return event
