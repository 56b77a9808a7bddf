"""Việc phải làm: what somebody must do, overdue first; what was begun and not sent; the guides."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from domain.access import Matter
from i18n.guides import guide
from web.auth import Visitor, reads
from web.render import page
from web.services import Services, services
from web.task_links import extension_link, task_link

router = APIRouter(include_in_schema=False)
Somebody = Annotated[Visitor, Depends(reads(Matter.OWN))]

FRESH_S = 1.0
"""How long a page waits for what its reader has just entered."""


@dataclass(frozen=True, slots=True)
class TaskCard:
    """One thing to do."""

    cycle: str
    cluster: str
    year: int
    duty: str
    subject: str
    subject_id: str
    due: datetime | None
    now: datetime
    extended: bool
    waits_for: tuple[str, ...]
    answered: tuple[str, ...]
    owed_by: int
    way: str
    more_time: str
    asked: bool
    article: str | None
    rehearsed: bool

    @property
    def overdue(self) -> bool:
        """Its time is over."""
        return self.due is not None and self.now >= self.due


@router.get("/")
async def home(visitor: Somebody) -> Response:
    """Each to their own first page."""
    kind = visitor.login.account.kind
    return RedirectResponse({"secretariat": "/bang", "staff": "/viec", "auditor": "/bang"}[kind], 303)


@router.get("/viec")
async def inbox(request: Request, visitor: Somebody) -> Response:
    """What the visitor's unit must do, in all of its cycles."""
    work = services(request)
    await until_fresh(work, visitor)
    found = [] if visitor.login.account.kind == "auditor" else await tasks_of(work, visitor.unit)
    begun = await work.drafts.list(visitor.contact.id)
    return page(request, "inbox.html", tasks=found, begun=begun, unit=visitor.unit)


async def until_fresh(work: Services, visitor: Visitor) -> None:
    """Wait a moment until the board holds the visitor's own last act."""
    await until_reached(work, visitor.login.position)


async def until_reached(work: Services, position: int) -> None:
    """Wait a moment until the board holds everything up to a position."""
    end = asyncio.get_running_loop().time() + FRESH_S
    while not await work.board.has_reached(position):
        if asyncio.get_running_loop().time() > end:
            return
        await asyncio.sleep(0.05)


async def tasks_of(work: Services, unit: str) -> list[TaskCard]:
    """A unit's open tasks, overdue first, then by date; undated ones last."""
    found = [
        _task(line, owed, unit)
        for line in await work.board.lines(unit=unit, open_only=True)
        for owed in line["open"]
        if owed["unit"] == unit
    ]
    return sorted(found, key=lambda task: (task.due is None, task.due or task.now, task.cycle))


def _task(line: dict[str, Any], owed: dict[str, Any], unit: str) -> TaskCard:
    names, same = line["names"], [other for other in line["open"] if other["duty"] == owed["duty"]]
    waiting = {other["unit"] for other in same}
    now = datetime.fromisoformat(line["now"]) if line["now"] else datetime.now(UTC)
    return TaskCard(
        cycle=line["cycle"],
        cluster=line["cluster"],
        year=line["year"],
        duty=owed["duty"],
        subject=names.get(owed["subject"], owed["subject"] or ""),
        subject_id=owed["subject"] or "",
        due=datetime.fromisoformat(owed["due"]) if owed["due"] else None,
        now=now,
        extended=owed["extended"],
        waits_for=tuple(names.get(one, one) for one in owed["waits_for"]),
        answered=tuple(names[one] for one in line["members"] if one not in waiting and one != unit)
        if unit in line["members"]
        else (),
        owed_by=len(waiting),
        way=task_link(line["cycle"], owed),
        more_time=extension_link(line["cycle"], owed),
        asked={"unit": unit, "duty": owed["duty"]} in line["extensions_asked"],
        rehearsed=line["rehearsed"],
        article=owed["article"],
    )


@router.get("/tro-giup")
async def helps() -> Response:
    """The guide that suits who is asking."""
    return RedirectResponse("/tro-giup/dang-nhap", 303)


@router.get("/tro-giup/{name}")
async def help_page(request: Request, name: str) -> Response:
    """A one-page guide."""
    found = guide(name)
    if found is None:
        return page(request, "trouble.html", 404, text="", carried=[], code="page_not_found")
    return page(request, "guide.html", body=found)
