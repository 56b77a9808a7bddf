"""Days for a year that begins late: what to propose where the rules' day has passed, and how such days are recorded.

The deciders give a duty whose day passed before the year began no day at all. The secretariat sets one, as an extension
for all units of each cluster; what is proposed here only fills in the form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import uuid5

from application.application import Application, CommandInput
from application.fields import optional_day
from application.gate import Submitter
from application.year_file import COMMANDS, YearFile
from application.year_preview import ClusterPreview
from domain.due_dates import usual_due
from domain.duties import Duty
from domain.rules import Edition
from domain.steps.extensions import GrantExtension
from domain.streams import cycle_stream
from domain.times import ICT, day_ending
from errors import CodedError, InputError
from i18n import _
from i18n.messages import day as day_in_words

APART_DAYS = 10
"""Working days between the start and the first proposed day, and from each to the next, where there is room."""

COMMANDS_AT_ONCE = 400
"""So many days are recorded under one signature."""

DAY_FIELD = "day-"
"""What the names of the fields begin with that hold the day of a duty whose day in the rules has passed."""


class DayError(Exception):
    """A day that was typed for a duty cannot be used."""

    def __init__(self, duty: Duty, error: InputError) -> None:
        super().__init__()
        self.duty, self.error = duty, error


def lapsed_duties(previews: Iterable[ClusterPreview]) -> dict[Duty, date]:
    """Return the duties whose last day has passed before the year starts, with that day, in the order of the year."""
    found = {
        Duty(task.duty): day_ending(task.lapsed)
        for preview in previews
        for task in preview.tasks
        if task.lapsed is not None and task.due is None
    }
    return {duty: found[duty] for duty in Duty if duty in found}


def proposed_days(lapsed: Iterable[Duty], year: int, edition: Edition, starts: datetime) -> dict[Duty, date]:
    """Return a working day for each of these duties, in their order, before the first day that the rules still set.

    Where no working day is left before that, the last ones share it.
    """
    duties, calendar, first = list(lapsed), edition.calendar, starts.astimezone(ICT).date()
    coming = [due for duty in Duty if (due := usual_due(duty, year, edition)) is not None and due > starts]
    last = calendar.settled(day_ending(min(coming)), "previous") if coming else None
    apart = APART_DAYS
    while apart > 1 and last is not None and calendar.after(first, apart * len(duties)) >= last:
        apart -= 1
    found, day = {}, first
    for duty in duties:
        day = calendar.after(day, apart)
        found[duty] = day if last is None else max(min(day, last), first)
    return found


def typed_days(typed: Mapping[str, Any], today: date) -> dict[Duty, date]:
    """The days that were typed for duties; a field that was left empty sets none.

    Raises:
        DayError: a day cannot be used.
    """
    found = {}
    for duty in Duty:
        try:
            on = optional_day(str(typed.get(f"{DAY_FIELD}{duty}", "")), "until")
            if on is not None and on < today:
                raise InputError("last_day_past", "until", day=on)
        except InputError as error:
            raise DayError(duty, error) from None
        if on is not None:
            found[duty] = on
    return found


async def set_days(
    app: Application, year: YearFile, days: Mapping[Duty, date], submitter: Submitter, today: date
) -> list[tuple[str, CodedError]]:
    """Record days for duties in all cycles of a year that begins today; returns the streams where that failed, and why.

    The same days again change nothing: command ids are derived from the content.

    Raises:
        InputError, GateClosedError: then nothing was recorded.
    """
    reason = _("The year was begun on {day}, when the day of the rules had passed.").format(day=day_in_words(today))
    inputs = [
        CommandInput(
            stream,
            GrantExtension.NAME,
            {"duty": duty.value, "until": day.isoformat(), "reason": reason},
            uuid5(COMMANDS, f"{app.gate.installation}\n{stream}\n{GrantExtension.NAME}\n{duty}\n{day}"),
        )
        for stream in (cycle_stream(year.organiser, year.cycle_name, one.id) for one in year.clusters)
        for duty, day in days.items()
    ]
    size = COMMANDS_AT_ONCE // max(1, len(days)) * max(1, len(days))  # a cycle's commands stay together
    failed: list[tuple[str, CodedError]] = []
    for part in _parts(inputs, size):
        failed += [(stream, error) for stream, error in await app.submit_to_each(submitter, part) if error is not None]
    return failed


def _parts(inputs: Sequence[CommandInput], size: int) -> Iterable[Sequence[CommandInput]]:
    return (inputs[first : first + size] for first in range(0, len(inputs), size))
