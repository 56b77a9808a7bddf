"""Search: units, documents, acts and people, over all years that somebody may read; without diacritics, too."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from domain.access import Matter, Reader
from projections.search import SearchHit
from web.auth import Visitor, reads
from web.render import page
from web.services import Services, services

router = APIRouter(include_in_schema=False)
LONGEST = 120


async def found_by(work: Services, visitor: Visitor, words: str) -> tuple[SearchHit, ...]:
    """What somebody may find."""
    who = visitor.readers()
    if not words.strip():
        return ()
    if Reader.AUDITOR in who:
        return await work.search.find(words, streams=None, unit=None, everything=True)
    if Reader.SECRETARIAT in who:
        return await work.search.find(words, streams=visitor.unit, unit=None, everything=True)
    return await work.search.find(words, streams=None, unit=visitor.unit, everything=False)


@router.get("/tim")
async def search(request: Request, visitor: Annotated[Visitor, Depends(reads(Matter.OWN))], q: str = "") -> Response:
    """What fits the words."""
    work, words = services(request), q[:LONGEST]
    found = await found_by(work, visitor, words)
    people = await work.search.people(words) if words.strip() and visitor.may(Matter.PEOPLE) else ()
    return page(request, "search.html", q=words, found=found, people=people)
