"""The city board: every cluster at a glance, filters to bookmark, reminding and more time for many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.datastructures import FormData

from application.application import CommandInput
from application.board import BoardRow, LateTask, board_rows, wait_until_reached
from application.engine import UnreachableError
from application.fields import parse_day
from application.visits import Visitor
from domain.access import Matter
from domain.duties import Duty
from domain.obligations import DUTIES_OF_STEP
from domain.records import Refused
from domain.times import day_ending
from errors import CodedError, InputError
from i18n import _
from i18n.messages import day, sentence, word
from i18n.sorting import folded
from web import urls
from web.auth import checked_form, cookie_secret, reads
from web.downloads import as_csv
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
BoardReader = Annotated[Visitor, Depends(reads(Matter.BOARD))]
Secretary = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]

AT_ONCE = 8
"""So many batches are submitted side by side."""
PER_PAGE = 40
"""Rows on a page: as many as a person looks through."""


class BoardFilters(BaseModel):
    """Which clusters the board shows: of a year, at a step, with a matter, whose names hold words."""

    year: str = Field("", alias=urls.YEAR)
    step: str = Field("", alias=urls.STEP)
    matter: str = Field("", alias=urls.MATTER)
    words: str = Field("", alias=urls.WORDS)

    @classmethod
    def of_form(cls, form: FormData) -> BoardFilters:
        """The filters that a form carries in hidden fields."""
        return cls.model_validate({name: value for name, value in form.items() if isinstance(value, str)})

    def query(self) -> dict[str, str]:
        """The filters as an address or a form carries them."""
        return BoardFilters.model_dump(self, by_alias=True, include=set(BoardFilters.model_fields))

    def fits(self, row: BoardRow) -> bool:
        """Whether a row is shown."""
        matters = {
            "tre": bool(row.late),
            "gia-han": bool(row.asked),
            "bao": bool(row.escalations),
            "khac": bool(row.open_deviations),
            "dang-mo": not row.filed,
        }
        named = folded(self.words) in folded(f"{row.cluster} {row.cycle}")
        return matters.get(self.matter, True) and named and self.step in {"", row.step}


class BoardQuery(BoardFilters):
    """The filters, and which page of the rows."""

    page: int = Field(1, alias=urls.PAGE)


@router.get(urls.BOARD)
async def board(request: Request, visitor: BoardReader, query: Annotated[BoardQuery, Query()]) -> Response:
    """All clusters that fit the filters."""
    return await _board(request, visitor, query, number=query.page)


@router.get(urls.BOARD_CSV)
async def board_csv(request: Request, visitor: BoardReader, filters: Annotated[BoardFilters, Query()]) -> Response:
    """The same rows for a spreadsheet."""
    rows = [
        {
            "cycle": row.cycle,
            "cluster": row.cluster,
            "year": row.year,
            "step": word("step", row.step),
            "next_deadline": day(day_ending(row.next_due)) if row.next_due else "",
            "waiting_for": "; ".join(row.waiting_for),
            "overdue": len(row.late),
            "deviations": row.open_deviations,
            "extensions_asked": len(row.asked),
            "how_sure": word("sureness", "rehearsed" if row.rehearsed else "stated"),
        }
        for row in await board_rows(get_services(request).board, visitor, filters.year or None)
        if filters.fits(row)
    ]
    return as_csv(rows, "bang-thanh-pho")


async def _board(
    request: Request,
    visitor: Visitor,
    filters: BoardFilters,
    *,
    outcome: Sequence[tuple[str, str]] = (),
    text: str = "",
    number: int = 1,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """The board's page. `outcome` is that of commands in many cycles, `number` the page of the rows."""
    services = get_services(request)
    await wait_until_reached(services.board, visitor.login.position)
    rows = await board_rows(services.board, visitor, filters.year or None)
    fitting = [row for row in rows if filters.fits(row)]
    pages = max(1, -(-len(fitting) // PER_PAGE))
    number = max(1, min(number, pages))
    return page(
        request,
        "board.html",
        rows=fitting[(number - 1) * PER_PAGE : number * PER_PAGE],
        fitting=len(fitting),
        all=len(rows),
        number=number,
        pages=pages,
        years=await services.board.years(),
        filters=filters,
        query=filters.query(),
        steps=[*DUTIES_OF_STEP, "filed", "past"],
        wide=True,
        outcome=outcome,
        text=text,
        id=uuid4(),
        typed=typed or {},
        acts=visitor.may(Matter.PEOPLE),
        duties=[one.value for one in Duty],
    )


@router.get(urls.LATE_UNITS)
async def late_units(
    request: Request, visitor: Secretary, year: Annotated[str, Query(alias=urls.YEAR)] = ""
) -> Response:
    """The late units, each with telephone numbers and a text that is ready for a chat."""
    return await _late(request, visitor, year)


async def _late(request: Request, visitor: Visitor, year: str, *, outcome: Sequence[tuple[str, str]] = ()) -> Response:
    services = get_services(request)
    await wait_until_reached(services.board, visitor.login.position)
    rows = [
        (row, late, await services.application.people.of_unit(late.unit), _chat(row, late))
        for row in await board_rows(services.board, visitor, year or None)
        for late in row.late
    ]
    return page(request, "late.html", rows=rows, outcome=outcome, id=uuid4(), wide=True)


def _chat(row: BoardRow, late: LateTask) -> str:
    """A text for a chat, in the reader's language."""
    text = _("{cluster}, {year}: please {duty}. It was due on {due}. The secretariat asks you to do it soon.")
    return text.format(cluster=row.cluster, year=row.year, duty=word("duty", late.duty), due=day(day_ending(late.due)))


@router.post(urls.LATE_UNITS)
async def remind_one(request: Request, visitor: Secretary) -> Response:
    """Record that one late unit was reminded, by telephone or by a message."""
    form = await checked_form(request)
    stream, unit, duty = (str(form.get(name, "")) for name in ("cycle", "unit", "duty"))
    fields: dict[str, Any] = {"units": [unit], "duty": duty, "channel": str(form.get("channel", "telephone"))}
    if note := str(form.get("text", "")).strip():
        fields["text"] = note
    command_id = _command_id(form, "remind", stream, duty, unit, fields["channel"])
    outcome = await _submit_all(
        get_services(request), visitor, [CommandInput(stream, "remind-units", fields, command_id)]
    )
    await _note_position(request)
    return await _late(request, visitor, str(form.get(urls.YEAR, "")), outcome=outcome)


@router.post(urls.BOARD)
async def for_many(request: Request, visitor: Secretary) -> Response:
    """Remind the late units of the chosen clusters, or give all of them more time: one signature over all of it."""
    form = await checked_form(request)
    services, chosen = get_services(request), [str(one) for one in form.getlist("cycle")]
    filters = BoardFilters.of_form(form)
    typed = {"cycle": chosen, **{name: str(form.get(name, "")) for name in ("until", "reason", "duty")}}
    if not chosen:
        return await _board(request, visitor, filters, text=sentence("nothing_chosen"), typed=typed)
    if form.get("_do") not in {"remind", "extend"}:
        return await _board(request, visitor, filters, typed=typed)
    try:
        inputs = await _for_each(services, visitor, chosen, form)
    except (InputError, Refused) as error:
        return await _board(request, visitor, filters, text=sentence(error.code, error.facts), typed=typed)
    outcome = await _submit_all(services, visitor, inputs)
    await _note_position(request)
    return await _board(request, visitor, filters, outcome=outcome)


async def _for_each(services: Services, visitor: Visitor, chosen: Sequence[str], form: FormData) -> list[CommandInput]:
    """The commands for the chosen clusters.

    Raises:
        InputError: a date cannot be read, a reason is missing, or no unit is late.
    """
    if str(form.get("_do")) == "extend":
        until = parse_day(str(form.get("until", "")))
        if not (reason := str(form.get("reason", "")).strip()):
            raise InputError("reason_missing")
        fields = {"duty": str(form.get("duty", "")), "until": until.isoformat(), "reason": reason}
        return [
            CommandInput(stream, "extend", fields, _command_id(form, "extend", stream, fields["duty"]))
            for stream in chosen
        ]
    rows = {row.cycle: row for row in await board_rows(services.board, visitor, None)}
    inputs = []
    for stream in chosen:
        late = [one for one in rows[stream].late if not one.waits] if stream in rows else []
        for duty in dict.fromkeys(one.duty for one in late):
            units = list(dict.fromkeys(one.unit for one in late if one.duty == duty))
            reminder = {"units": units, "duty": duty, "channel": "message"}
            inputs.append(CommandInput(stream, "remind-units", reminder, _command_id(form, "remind", stream, duty)))
    if not inputs:
        raise InputError("nobody_is_late")
    return inputs


def _command_id(form: FormData, *parts: str) -> UUID:
    """A command id from the id of the page that was shown, so that a second click does nothing twice."""
    return uuid5(NAMESPACE_URL, "/".join((str(form.get("_id", "")), *parts)))


async def _submit_all(services: Services, visitor: Visitor, inputs: Sequence[CommandInput]) -> list[tuple[str, str]]:
    """Submit commands to many cycles under one signature.

    Returns each cycle with what went wrong, in words, and "" where the commands were entered.
    """
    application = services.application
    items = [await application.item(one) for one in inputs]
    batch = application.sign(visitor.signs_as, items, visitor.login.strength, visitor.stand_in_for)
    slots, client = asyncio.Semaphore(AT_ONCE), application.client

    async def one(stream: str) -> tuple[str, str]:
        async with slots:
            try:
                if client is None:
                    raise UnreachableError
                await client.submit(stream, batch.only(stream))
            except CodedError as error:
                return stream, sentence(error.code, error.facts)
        return stream, ""

    return list(await asyncio.gather(*(one(stream) for stream in dict.fromkeys(item.stream for item in items))))


async def _note_position(request: Request) -> None:
    """Wait until the board holds what was just entered, and let later pages wait, too."""
    services = get_services(request)
    position = await services.application.ledger.last_position()
    await services.accounts.moved_to(cookie_secret(request), position)
    await wait_until_reached(services.board, position)
