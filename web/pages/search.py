"""Search over all years that the visitor may read: clusters, units, papers, minutes, texts, acts and people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from accounts.logins import today
from application.search import found_for
from application.visits import Visitor
from domain.access import Matter
from ledger.paging import PageRequest
from projections.people import PeopleQuery
from projections.search import MOST_HITS, SearchHit
from web import urls
from web.auth import reads
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
MOST_CHARS = 120


@router.get(urls.SEARCH)
async def search(
    request: Request,
    visitor: Annotated[Visitor, Depends(reads(Matter.OWN))],
    typed: Annotated[str, Query(alias="q")] = "",
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
) -> Response:
    """What fits the words; people on the first page."""
    services, words = get_services(request), typed[:MOST_CHARS]
    found = await found_for(services.search, visitor, words, PageRequest(number))
    with_people = found.number == 1 and words.strip() and visitor.may(Matter.PEOPLE)
    asked, query = PageRequest(1), PeopleQuery(words)
    people = await services.people.page(visitor.sees_people_of, query, today(), asked) if with_people else None
    return page(
        request,
        "search.html",
        words=words,
        found=found.rows,
        people=people.rows if people is not None else (),
        more_people=people is not None and people.pages > 1,
        more=found.total == MOST_HITS,
        link_to=lambda hit: _link(hit, visitor),
        pager=Pager(found, urls.SEARCH, {"q": words}),
    )


def _link(hit: SearchHit, visitor: Visitor) -> str:
    """The page that shows what was found to this visitor."""
    matter, _, key = hit.about.partition("/")
    if hit.kind == "minutes" and matter == "meeting":
        return urls.recorded_minutes_url(hit.stream, key)
    if hit.kind == "act" or (hit.kind in {"document", "minutes", "text"} and visitor.may(Matter.HISTORY)):
        return urls.receipt_url(hit.stream, hit.ref.partition(".")[0])
    if hit.kind in {"document", "text"} and matter == "draft":
        return urls.draft_url(hit.stream, key)
    return urls.cycle_url(hit.stream)
