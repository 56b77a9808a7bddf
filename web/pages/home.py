"""Tasks: what the visitor's unit must do, overdue first, and what was begun and not sent; the guides."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from application.board import wait_until_reached
from application.tasks import tasks_of
from application.visits import Visitor
from domain.access import Matter
from i18n.guides import guide
from web import urls
from web.auth import reads
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
OwnReader = Annotated[Visitor, Depends(reads(Matter.OWN))]


@router.get(urls.HOME)
async def home(visitor: OwnReader) -> Response:
    """The first page that suits the account."""
    return RedirectResponse(urls.TASKS if visitor.login.account.kind == "staff" else urls.BOARD, 303)


@router.get(urls.TASKS)
async def tasks(request: Request, visitor: OwnReader) -> Response:
    """What the visitor's unit must do, in all of its cycles."""
    services = get_services(request)
    await wait_until_reached(services.board, visitor.login.position)
    found = [] if visitor.login.account.kind == "auditor" else await tasks_of(services.board, visitor.unit)
    begun = await services.drafts.list(visitor.contact.id)
    return page(request, "inbox.html", tasks=found, begun=begun)


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
