"""The city board: every cluster at a glance, filters to bookmark, reminding and more time for many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.datastructures import FormData

from application.application import CommandInput
from application.board import board_page, board_tables, count_clusters, organiser_of
from application.fields import parse_day
from application.gate import GateClosedError
from application.reminders import Reminder, late_reminders
from application.visits import Visitor
from application.work import of_many
from application.year_scores import year_score_tables
from domain.access import Matter
from domain.duties import Duty
from domain.obligations import DUTIES_OF_STEP
from domain.records import Refused
from errors import CodedError, InputError
from i18n import ngettext
from i18n.messages import sentence
from i18n.sorting import folded
from ledger.paging import PageRequest
from projections.board_lines import BoardMatter, LineFilter
from web import urls
from web.answers import answers_for_organiser, command_id, note_position, page_id
from web.auth import checked_form, reads
from web.downloads import TableExtension, as_table
from web.form_problems import faulty_field, form_sentence
from web.paging import PageNumber, Pager
from web.reminding import announce, letters_sent, reach_of_all, reminding
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
BoardReader = Annotated[Visitor, Depends(reads(Matter.BOARD))]
Secretary = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]

MOST_LATE = 8
"""How many overdue tasks of a cluster the board names; the others stand on the cluster's page."""

MATTERS: dict[str, BoardMatter] = {
    "tre": "late",
    "gia-han": "asked",
    "bao": "escalated",
    "khac": "deviating",
    "dang-mo": "open",
}
"""The matters that clusters are filtered by, as addresses name them."""


class BoardFilters(BaseModel):
    """Which clusters the board shows: of a year, at a step, with a matter, whose names hold words."""

    year: str = Field("", alias=urls.YEAR)
    step: str = Field("", alias=urls.STEP)
    matter: str = Field("", alias=urls.MATTER)
    words: str = Field("", alias=urls.WORDS)

    def query(self) -> dict[str, str]:
        """The filters as an address or a form carries them."""
        return BoardFilters.model_dump(self, by_alias=True, include=set(BoardFilters.model_fields))

    def wanted(self) -> LineFilter:
        """Which lines of the board fit. An unknown matter leaves out none."""
        return LineFilter(
            year=self.year or None,
            step=self.step or None,
            matter=MATTERS.get(self.matter),
            words=folded(self.words),
        )


class BoardQuery(BoardFilters):
    """The filters, and which page of the rows."""

    page: PageNumber = Field(1, alias=urls.PAGE)

    @classmethod
    def of_form(cls, form: FormData) -> BoardQuery:
        """The filters and the page that a form carries in hidden fields."""
        return cls.model_validate({name: value for name, value in form.items() if isinstance(value, str)})


@router.get(urls.BOARD)
async def board(request: Request, visitor: BoardReader, query: Annotated[BoardQuery, Query()]) -> Response:
    """All clusters that fit the filters."""
    return await _board(request, visitor, query)


@router.get(urls.BOARD_DOWNLOAD)
async def board_download(
    request: Request, visitor: BoardReader, extension: TableExtension, filters: Annotated[BoardFilters, Query()]
) -> Response:
    """The same rows for a spreadsheet; a workbook has the overdue tasks on a sheet of their own."""
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    found = await board_page(services.board, services.application.texts, visitor, filters.wanted())
    return await as_table(extension, "bang-theo-doi", *await of_many(found.total, board_tables, found.rows))


@router.get(urls.YEAR_SCORES)
async def year_scores(
    request: Request,
    visitor: BoardReader,
    extension: TableExtension,
    year: Annotated[str, Query(alias=urls.YEAR, max_length=20)] = "",
) -> Response:
    """The points of all clusters of a year for a spreadsheet; without a year those of the last one."""
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    year = year or max(await services.board.years(), default="")
    wanted = LineFilter(organiser=organiser_of(visitor), year=year)
    lines = await services.board.board_page(wanted, datetime.now(UTC))
    async with (
        services.year_scores,
        year_score_tables(services.application, visitor, [line["cycle"] for line in lines.rows]) as tables,
    ):
        return await as_table(extension, f"diem-{year}" if year.isalnum() else "diem", *tables)


async def _board(
    request: Request,
    visitor: Visitor,
    query: BoardQuery,
    *,
    outcome: Sequence[tuple[str, str]] = (),
    done: str = "",
    error: CodedError | None = None,
    typed: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    """The board's page. `outcome` is that of commands in many cycles, `done` says it, `error` why none was sent."""
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    texts = services.application.texts
    found = await board_page(services.board, texts, visitor, query.wanted(), PageRequest(query.page))
    return page(
        request,
        "board.html",
        status,
        rows=found.rows,
        all=await count_clusters(services.board, visitor, query.year or None),
        pager=Pager(found, urls.BOARD, query.query()),
        years=await services.board.years(),
        filters=query,
        query=query.query(),
        steps=[*DUTIES_OF_STEP, "filed", "past"],
        wide=True,
        outcome=outcome,
        names=await services.board.titles({stream for stream, _text in outcome}),
        done=done,
        text="" if error is None else form_sentence(error),
        faulty="" if error is None else faulty_field(error),
        id=uuid4(),
        typed=typed or {},
        acts=answers_for_organiser(visitor),
        reaches=visitor.may(Matter.PEOPLE),
        duties=[one.value for one in Duty],
        most_late=MOST_LATE,
    )


@router.post(urls.BOARD)
async def for_many(request: Request, visitor: Secretary) -> Response:
    """Remind the late units of the chosen clusters, or give all of them more time: one signature over all of it."""
    form = await checked_form(request)
    services, chosen = get_services(request), [str(one) for one in form.getlist("cycle")]
    query = BoardQuery.of_form(form)
    typed = {"cycle": chosen, **{name: str(form.get(name, "")) for name in ("until", "reason", "duty")}}
    if not chosen:
        return await _board(request, visitor, query, error=InputError("nothing_chosen"), typed=typed)
    do, reminders, texts = form.get("_do"), list[Reminder](), services.application.texts
    if do not in {"remind", "send-reminders", "extend"}:
        return await _board(request, visitor, query, typed=typed)
    try:
        if do != "extend" and not (reminders := await late_reminders(services.board, texts, visitor, chosen)):
            raise InputError("nobody_is_late")
        if do == "remind":
            back = urls.board_url(query.query(), page=query.page)
            carried = [*query.query().items(), (urls.PAGE, query.page), *(("cycle", stream) for stream in chosen)]
            return await announce(request, visitor, reminders, carried, page_id(form), urls.BOARD, back)
        inputs = reminding(reminders, page_id(form)) if reminders else _extending(form, chosen)
        outcome = await _submit_all(services, visitor, inputs)
    except GateClosedError as error:
        return await _board(request, visitor, query, error=error, typed=typed, status=error.http_status)
    except (InputError, Refused) as error:
        return await _board(request, visitor, query, error=error, typed=typed)
    await note_position(request)
    entered = {stream for stream, wrong in outcome if not wrong}
    reminded = [one for one in reminders if one.cycle in entered]
    done = letters_sent(await reach_of_all(services, visitor, reminded)) if reminded else ""
    if entered and not reminders:
        done = _extended(len(entered))
    return await _board(request, visitor, query, outcome=outcome, done=done)


def _extended(count: int) -> str:
    text = ngettext("More time was given to {count} cluster.", "More time was given to {count} clusters.", count)
    return text.format(count=count)


def _extending(form: FormData, chosen: Sequence[str]) -> list[CommandInput]:
    """The extensions for the chosen clusters.

    Raises:
        InputError: a date cannot be read, or a reason is missing.
    """
    until = parse_day(str(form.get("until", "")), "until")
    if not (reason := str(form.get("reason", "")).strip()):
        raise InputError("reason_missing")
    fields = {"duty": str(form.get("duty", "")), "until": until.isoformat(), "reason": reason}
    return [
        CommandInput(stream, "extend", fields, command_id(page_id(form), "extend", stream, fields["duty"]))
        for stream in chosen
    ]


async def _submit_all(services: Services, visitor: Visitor, inputs: Sequence[CommandInput]) -> list[tuple[str, str]]:
    """Submit commands to many cycles under one signature.

    Returns each cycle with what went wrong, in words, and "" where the commands were entered.

    Raises:
        GateClosedError: then nothing was submitted.
    """
    found = await services.application.submit_to_each(visitor.submitter(), inputs)
    return [(stream, "" if error is None else sentence(error.code, error.facts)) for stream, error in found]
