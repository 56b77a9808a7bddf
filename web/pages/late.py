"""The late units: telephone numbers and a text for a chat, and reminding or giving more time to many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.datastructures import FormData

from application.application import CommandInput
from application.board import LateUnit, late_page
from application.fields import parse_day
from application.many_acts import submit_lines
from application.reminders import Reminder, late_reminders
from application.visits import Visitor
from domain.access import Matter
from domain.duties import Duty
from domain.times import day_ending
from errors import CodedError, InputError
from i18n import _
from i18n.messages import counted, day, days_left, word
from i18n.sorting import folded
from ledger.paging import PageRequest
from projections.board import title_of
from projections.board_lines import LateFilter, LateState, Line
from web import urls
from web.answers import MOST_LINES, Answered, FormOutcome, answers_for_organiser, command_id, note_position, page_id
from web.auth import checked_form, reads
from web.form_problems import faulty_field, form_sentence
from web.paging import PageNumber, Pager
from web.reminding import announce, letters_sent, reach_of_all, reminding
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
Secretary = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]

REMIND, SEND, TELEPHONED, EXTEND = "remind", "send-reminders", "telephoned", "extend"


MOST_CHARS = 120
"""So much of the words that are looked for is read."""

STATES: Mapping[str, LateState] = {
    "da-nhac": "reminded",
    "chua-nhac": "not-reminded",
    "da-xin": "asked",
    "chua-xin": "silent",
}
"""What became of overdue tasks, as addresses name it."""


class LateQuery(BaseModel):
    """Which overdue tasks: of a year, in clusters whose names hold words, of a duty, in a state; and which page."""

    year: str = Field("", alias=urls.YEAR)
    words: str = Field("", alias=urls.WORDS)
    duty: str = Field("", alias=urls.DUTY)
    state: str = Field("", alias=urls.STATE)
    page: PageNumber = Field(1, alias=urls.PAGE)

    def query(self) -> dict[str, Any]:
        """As an address or a form carries it."""
        return self.model_dump(by_alias=True)

    def filters(self) -> dict[str, str]:
        """The same without the page."""
        return {name: value for name, value in self.query().items() if name != urls.PAGE}

    def wanted(self) -> LateFilter:
        """Which tasks fit. An unknown duty or state leaves out none."""
        duty = self.duty if self.duty in set(Duty) else None
        words = folded(self.words[:MOST_CHARS])
        return LateFilter(year=self.year or None, duty=duty, state=STATES.get(self.state), words=words)


@router.get(urls.LATE_UNITS)
async def late_units(request: Request, visitor: Secretary, query: Annotated[LateQuery, Query()]) -> Response:
    """The late units, each with telephone numbers and a text that is ready for a chat."""
    return await _late(request, visitor, query)


async def _late(
    request: Request,
    visitor: Visitor,
    query: LateQuery,
    *,
    outcome: FormOutcome | None = None,
    done: str = "",
    error: CodedError | None = None,
    form: FormData | None = None,
) -> Response:
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    found, units = await late_page(services.board, visitor, query.wanted(), PageRequest(query.page))
    contacts = await services.application.people.of_units({one.task.unit for one in found.rows})
    failed = form is not None and (outcome is None or bool(outcome.again))
    status = error.http_status if error is not None else outcome.status if outcome is not None else 200
    sent = frozenset(map(str, form.getlist("_task"))) if form is not None else frozenset[str]()
    ticked = sent if outcome is None else outcome.again
    return page(
        request,
        "late.html",
        status,
        rows=[
            (
                one,
                one.task,
                contacts.get(one.task.unit, ()),
                _chat(one),
                _value(one.cycle, one.task.duty, one.task.unit),
            )
            for one in found.rows
        ],
        units=units,
        pager=Pager(found, urls.LATE_UNITS, query.filters()),
        filtered=query.wanted() != LateFilter(),
        duties=[duty.value for duty in Duty],
        states=list(STATES),
        years=await services.board.years(),
        query=query,
        outcome=outcome,
        done=done,
        text="" if error is None else form_sentence(error),
        faulty="" if error is None else faulty_field(error),
        ticked=ticked,
        typed={
            shown: str(form.get(name, "")) if failed and form is not None else ""
            for name, shown in (("until", "until"), ("reason", "reason"), ("_do", "do"))
        },
        id=page_id(form) if failed and form is not None else uuid4(),
        acts=answers_for_organiser(visitor),
        wide=True,
    )


def _chat(late: LateUnit) -> str:
    """A text for a chat, in the reader's language."""
    text = _("{cluster}, {year}: please {duty}. It was due on {due} ({late}). The secretariat asks you to do it soon.")
    return text.format(
        cluster=late.cluster,
        year=late.year,
        duty=word("duty", late.task.duty),
        due=day(day_ending(late.task.due)),
        late=days_left((day_ending(late.task.due) - day_ending(late.now)).days, over=True),
    )


@dataclass(frozen=True, slots=True)
class Ticked:
    """A task that was ticked."""

    stream: str
    duty: Duty
    unit: str

    @classmethod
    def parse(cls, text: str) -> Ticked:
        """A task as `_value` wrote it.

        Raises:
            InputError: `form_unreadable`.
        """
        stream, duty, unit = (*text.split("|", 2), "", "")[:3]
        if duty not in {one.value for one in Duty}:
            raise InputError("form_unreadable")
        return cls(stream, Duty(duty), unit)


def _value(cycle: str, duty: str, unit: str) -> str:
    """The value of an input that stands for a late task."""
    return f"{cycle}|{duty}|{unit}"


@router.post(urls.LATE_UNITS)
async def for_late_units(request: Request, visitor: Secretary) -> Response:
    """Remind the ticked units, record that they were telephoned, or give them more time: a command for each line."""
    form = await checked_form(request)
    names = (urls.YEAR, urls.WORDS, urls.DUTY, urls.STATE, urls.PAGE)
    query = LateQuery.model_validate({name: str(form.get(name, "")) for name in names})
    do, services = str(form.get("_do", "")), get_services(request)
    if do not in {REMIND, SEND, TELEPHONED, EXTEND}:
        return await _late(request, visitor, query, form=form)
    try:
        reminders = await _chosen(request, visitor, form, told=do == TELEPHONED)
        reach = await reach_of_all(services, visitor, reminders) if do in {REMIND, SEND} else None
        if reach is not None and not reach.letters and do == SEND:
            raise InputError("nobody_reads_mail")
        if do == REMIND:
            carried = [*query.query().items(), *(("_task", str(one)) for one in form.getlist("_task"))]
            back = urls.with_query(urls.LATE_UNITS, query.query())
            return await announce(request, visitor, reminders, carried, page_id(form), urls.LATE_UNITS, back)
        told = _extending(form, reminders) if do == EXTEND else _reminding(form, reminders, do)
    except InputError as error:
        return await _late(request, visitor, query, error=error, form=form)
    errors = await submit_lines(services.application, visitor.submitter(), [command for command, _told in told])
    outcome = FormOutcome.of([(one, error, {}) for (_command, one), error in zip(told, errors, strict=True)])
    await note_position(request)
    entered = [one for one, error in zip(reminders, errors, strict=False) if error is None]
    done = ""
    if entered and do == SEND:
        done = letters_sent(await reach_of_all(services, visitor, entered))
    elif entered and do == TELEPHONED:
        units = counted("unit", len({unit for one in entered for unit in one.units}))
        done = _("The reminder of {units} is recorded.").format(units=units)
    return await _late(request, visitor, query, outcome=outcome, done=done, form=form)


async def _chosen(request: Request, visitor: Visitor, form: FormData, *, told: bool) -> list[Reminder]:
    """The reminders of the ticked tasks. `told`: the units were told already: that is recorded, late or not.

    Otherwise a task is left out that is done meanwhile, or that waits for another unit.

    Raises:
        InputError: nothing is ticked, too much is, or nothing of it is late any more.
    """
    ticked = [Ticked.parse(str(one)) for one in dict.fromkeys(form.getlist("_task"))]
    if not ticked:
        raise InputError("no_line_chosen", "_task")
    if len(ticked) > MOST_LINES:
        raise InputError("too_many_lines", "_task", most=MOST_LINES)
    services = get_services(request)
    streams = list(dict.fromkeys(one.stream for one in ticked))
    if not told:
        late = await late_reminders(services.board, services.application.texts, visitor, streams)
        found = {(one.cycle, one.duty, unit) for one in late for unit in one.units}
        ticked = [one for one in ticked if (one.stream, one.duty, one.unit) in found]
    if not ticked:
        raise InputError("nobody_is_late", "_task")
    rows = await services.board.lines_of(streams, visitor.unit)
    units: dict[tuple[str, Duty], list[str]] = {}
    for one in ticked:
        units.setdefault((one.stream, one.duty), []).append(one.unit)
    return [_reminder(stream, rows.get(stream), duty, of) for (stream, duty), of in units.items()]


def _reminder(stream: str, line: Line | None, duty: Duty, units: Sequence[str]) -> Reminder:
    names = line["names"] if line is not None else {}
    title, year = (title_of(line), line["year"]) if line is not None else ("…", 0)
    return Reminder(stream, title, year, duty, tuple(units), tuple(names.get(unit, "…") for unit in units))


def _reminding(form: FormData, reminders: Sequence[Reminder], do: str) -> list[tuple[CommandInput, Answered]]:
    note = str(form.get("text", "")).strip()
    channel = "message" if do == SEND else "telephone"
    return [
        (command, Answered(_values(one), f"{one.cluster}, {one.year}", _told(one)))
        for command, one in zip(reminding(reminders, page_id(form), channel, note), reminders, strict=True)
    ]


def _values(one: Reminder) -> tuple[str, ...]:
    return tuple(_value(one.cycle, one.duty.value, unit) for unit in one.units)


def _told(one: Reminder) -> str:
    return f"{word('duty', one.duty)}: {', '.join(one.names)}"


def _extending(form: FormData, reminders: Sequence[Reminder]) -> list[tuple[CommandInput, Answered]]:
    """More time for each unit.

    Raises:
        InputError: a date cannot be read, or a reason is missing.
    """
    until = parse_day(str(form.get("until", "")), "until")
    if not (reason := str(form.get("reason", "")).strip()):
        raise InputError("reason_missing")
    text = _("{unit}: more time until {day} for “{duty}”")
    return [
        (
            CommandInput(
                one.cycle,
                "extend",
                {"unit": unit, "duty": one.duty.value, "until": until.isoformat(), "reason": reason},
                command_id(page_id(form), "extend", one.cycle, one.duty.value, unit),
            ),
            Answered(
                (_value(one.cycle, one.duty.value, unit),),
                f"{one.cluster}, {one.year}",
                text.format(unit=name, day=day(until), duty=word("duty", one.duty)),
            ),
        )
        for one in reminders
        for unit, name in zip(one.units, one.names, strict=True)
    ]
