"""Who the visitor is here, and what they may do: in plain words, for who comes here for the first time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from application.own_roles import own_cycle
from application.tasks import by_cluster, listed_tasks
from application.visits import Visitor
from domain.access import Matter
from i18n.guides import GUIDES_BY_KIND, MINUTES_GUIDE
from ledger.paging import PageRequest
from projections.home_lines import TaskQuery
from web import urls
from web.auth import reads
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)

MOST_CYCLES = 10
"""So many of the visitor's latest cycles are told; "My clusters" has the others."""

MOST_TASKS = 30


@router.get(urls.WHO)
async def who(request: Request, visitor: Annotated[Visitor, Depends(reads(Matter.OWN))]) -> Response:
    """The visitor's name, unit, account and parts in their cycles, what they may do, and what is theirs this year."""
    services, kind = get_services(request), visitor.login.account.kind
    await services.board.wait_until_reached(visitor.login.position)
    # The secretariat has as many cycles as the city has clusters: its board tells them.
    asked = PageRequest(1, MOST_CYCLES)
    found = await services.board.cycles_page(visitor.unit, asked, overseer=visitor.contact.id)
    cycles = [own_cycle(line, visitor) for line in found.rows] if kind == "staff" else []
    wanted = TaskQuery(visitor.unit, ready=None)
    texts = services.application.texts
    tasks = await listed_tasks(services.home, texts, wanted, PageRequest(1, MOST_TASKS), brief=True)
    keeps_minutes = any(one.keeps_minutes and one.step != "filed" for one in cycles)
    guides = [GUIDES_BY_KIND[kind], *([MINUTES_GUIDE] if keeps_minutes or kind == "secretariat" else [])]
    return page(
        request,
        "who.html",
        unit_name=", ".join(await services.board.names_of(visitor.unit)),
        cycles=cycles,
        more_cycles=found.next is not None,
        keeps_minutes=keeps_minutes,
        oversees=any("overseer" in one.parts for one in cycles),
        groups=by_cluster(tasks.rows) if kind == "staff" else (),
        more_tasks=tasks.next is not None,
        guides=guides,
    )
