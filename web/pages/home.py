"""Tasks: what the visitor's unit must do, overdue first, and what was begun and not sent; the guides."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from application.board import requests_page
from application.gate import account_may_write
from application.tasks import TaskCard, tasks_page, tasks_table
from application.visits import Visitor
from application.work import of_many
from domain.access import Matter
from i18n.guides import guide
from ledger.paging import ALL_ROWS, Paged, PageRequest
from web import urls
from web.auth import reads, today
from web.downloads import TableExtension, as_table
from web.draft_titles import begun_drafts
from web.paging import PageNumber, Pager
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
OwnReader = Annotated[Visitor, Depends(reads(Matter.OWN))]
SHEET_ROWS = 300
"""Tasks on a page to print: more would take longer to load than to read."""

LATEST_DRAFTS = 5
"""How many of the latest drafts stand above the tasks; the others have a page of their own."""


@router.get(urls.HOME)
async def home(visitor: OwnReader) -> Response:
    """The first page that suits the account."""
    return RedirectResponse(urls.TASKS if visitor.login.account.kind == "staff" else urls.BOARD, 303)


@router.get(urls.TASKS)
async def tasks(
    request: Request, visitor: OwnReader, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """What the visitor's unit must do, in all of its cycles."""
    services, asked = get_services(request), PageRequest(number)
    texts = services.application.texts
    await services.board.wait_until_reached(visitor.login.position)
    found = await _tasks(services, visitor, asked)
    requests = (
        await requests_page(services.board, texts, visitor) if visitor.login.account.kind == "secretariat" else None
    )
    begun = await services.drafts.page(visitor.contact.id, PageRequest(1, LATEST_DRAFTS))
    drafts = await begun_drafts(services, begun.rows)
    return page(
        request,
        "inbox.html",
        tasks=found.rows,
        pager=Pager(found, urls.TASKS),
        begun=begun,
        drafts=drafts,
        requests=requests.rows if requests is not None else (),
        more_requests=requests is not None and requests.pages > 1,
        acts=account_may_write(visitor.login.account.kind, for_organiser=True),
    )


@router.get(urls.TASKS_SHEET)
async def tasks_sheet(
    request: Request, visitor: OwnReader, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """The tasks of the visitor's unit as a table, to print."""
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    found = await _tasks(services, visitor, PageRequest(number, SHEET_ROWS))
    return page(
        request,
        "tasks_sheet.html",
        tasks=found.rows,
        pager=Pager(found, urls.TASKS_SHEET),
        unit_name=found.rows[0].unit_name if found.rows else "",
        today=today(),
    )


@router.get(urls.TASKS_DOWNLOAD)
async def tasks_download(request: Request, visitor: OwnReader, extension: TableExtension) -> Response:
    """All tasks of the visitor's unit for a spreadsheet."""
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    found = await _tasks(services, visitor, ALL_ROWS)
    return await as_table(extension, "viec-phai-lam", await of_many(found.total, tasks_table, found.rows))


async def _tasks(services: Services, visitor: Visitor, asked: PageRequest) -> Paged[TaskCard]:
    """The tasks of the visitor's unit. Auditors have none."""
    if visitor.login.account.kind == "auditor":
        return Paged.of((), asked)
    return await tasks_page(services.board, services.application.texts, visitor.unit, asked)


@router.get(urls.DRAFTS)
async def drafts(
    request: Request, visitor: OwnReader, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """What the visitor has begun and not sent."""
    services = get_services(request)
    found = await services.drafts.page(visitor.contact.id, PageRequest(number))
    return page(request, "drafts.html", begun=await begun_drafts(services, found.rows), pager=Pager(found, urls.DRAFTS))


@router.get(urls.HELP)
async def helps() -> Response:
    """The first guide."""
    return RedirectResponse(urls.guide_url("dang-nhap"), 303)


@router.get(urls.GUIDE)
async def help_page(request: Request, name: str) -> Response:
    """A one-page guide."""
    found = guide(name)
    if found is None:
        return page(request, "error.html", 404, text="", carried=[], code="page_not_found")
    return page(request, "guide.html", body=found)
