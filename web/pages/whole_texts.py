"""Long texts that other pages cut, read whole page by page: a version of a paper, a comment, a report."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from application.papers import pages_of, report_of, versions_of
from application.visits import VisitedCycle
from domain.access import Matter
from domain.times import When
from errors import InputError, NotFoundError
from i18n.values import voice
from ledger.paging import Paged, PageRequest
from web import urls
from web.auth import reads_cycle
from web.checks import Number
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]
WhichPage = Annotated[PageNumber, Query(alias=urls.PAGE)]


@router.get(urls.DRAFT_TEXT)
async def paper(request: Request, cycle: ReadableCycle, kind: str, number: Number, asked: WhichPage = 1) -> Response:
    """The text of a version of a paper."""
    versions = versions_of(cycle, kind)
    version = next((one for one in versions if one.number == number), None)
    if version is None or not version.document.text:
        raise InputError("no_such_version", kind=kind, number=number, latest=versions[-1].number)
    pager = urls.draft_text_url(cycle.stream, kind, number), asked
    back = urls.draft_url(cycle.stream, kind, number)
    return await _whole(request, cycle, version.document.text, pager, version.when, kind=kind, number=number, back=back)


@router.get(urls.COMMENT)
async def comment(request: Request, cycle: ReadableCycle, number: Number, asked: WhichPage = 1) -> Response:
    """A comment."""
    found = cycle.readable_state().comments.comments.get(number)
    if found is None:
        raise InputError("no_such_comment", number=number)
    back = urls.draft_url(cycle.stream, found.on) if found.on else urls.cycle_url(cycle.stream)
    pager = urls.comment_url(cycle.stream, number), asked
    return await _whole(request, cycle, found.text, pager, found.when, comment=found, back=back)


@router.get(urls.REPORT_TEXT)
async def report(request: Request, cycle: ReadableCycle, unit: str, asked: WhichPage = 1) -> Response:
    """The text of a mid-year report."""
    found = report_of(cycle, unit)
    if found.document is None or not found.document.text:
        raise NotFoundError("page_not_found")
    pager, back = (urls.report_text_url(cycle.stream, unit), asked), urls.report_url(cycle.stream, unit)
    return await _whole(request, cycle, found.document.text, pager, found.when, unit=unit, back=back)


async def _whole(
    request: Request, cycle: VisitedCycle, digest: str, pager: tuple[str, int], when: When, **facts: Any
) -> Response:
    """`pager` is the address, and which page was asked for."""
    address, number = pager
    text = (await get_services(request).application.texts.get({digest})).get(digest)
    shown = Paged.of(pages_of(text or ""), PageRequest(number, 1))
    return page(
        request,
        "whole_text.html",
        cycle=cycle,
        names=cycle.names,
        voice=voice,
        when=when,
        words=shown.rows[0] if text is not None else None,
        pager=Pager(shown, address),
        **{"comment": None, "kind": None, "number": None, "unit": None, **facts},
    )
