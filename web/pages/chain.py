"""The chain: verifying the whole ledger, with its progress; and what was read and taken out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from accounts.read_log import OPERATOR
from application.account_log import operator_name
from application.verification_job import VerificationJob, start_verification
from application.visits import Visitor
from audit.verify import Problem
from domain.access import Matter
from errors import NotFoundError
from ledger.paging import Paged, PageRequest
from web import urls
from web.auth import checked_form, reads
from web.downloads import as_json
from web.paging import PageNumber, Pager
from web.reading_words import in_words
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
HistoryReader = Annotated[Visitor, Depends(reads(Matter.HISTORY))]


@router.get(urls.VERIFICATION)
async def verify_page(request: Request, _visitor: HistoryReader) -> Response:
    """The page that begins a verification."""
    return page(request, "verify.html", job=None, id="")


@router.post(urls.VERIFICATION)
async def start_verify(request: Request, _visitor: HistoryReader) -> Response:
    """Begin to verify; the next page shows the progress."""
    await checked_form(request)
    services = get_services(request)
    return RedirectResponse(urls.verification_url(await start_verification(services.application, services.jobs)), 303)


@router.get(urls.VERIFICATION_JOB)
async def verify_progress(
    request: Request, _visitor: HistoryReader, job: str, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """The progress of a verification, or its result."""
    found = get_services(request).jobs.get(job, VerificationJob)
    problems: list[Problem | dict[str, str]] = [*found.report.problems, *found.beside] if found.report else []
    shown = Paged.of(problems, PageRequest(number))
    pager = Pager(shown, urls.verification_url(job))
    names = await get_services(request).board.titles({one.stream for one in shown.rows if isinstance(one, Problem)})
    return page(request, "verify.html", job=found, id=job, problems=shown.rows, pager=pager, names=names)


@router.get(urls.VERIFICATION_RESULT)
async def verify_json(request: Request, _visitor: HistoryReader, job: str) -> Response:
    """The result of a verification as JSON."""
    found = get_services(request).jobs.get(job, VerificationJob)
    if found.report is None:
        raise NotFoundError("no_such_job")
    report = found.report
    return await as_json(
        {
            "ok": report.ok and not found.beside,
            "events": report.events,
            "signatures": report.signatures,
            "clock_acts": report.clock_acts,
            "root": report.root,
            "streams": dict(report.streams),
            "problems": [asdict(one) for one in report.problems],
            "beside": found.beside,
        },
        "kiem-tra",
    )


@router.get(urls.READ_LOG)
async def read_log(
    request: Request,
    visitor: Annotated[Visitor, Depends(reads(Matter.READINGS))],
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
    only: Annotated[str, Query(alias=urls.ONLY_EXPORTS, max_length=1)] = "",
) -> Response:
    """What auditors have read, and what anybody has taken out, in words."""
    services = get_services(request)
    people = services.application.people
    found = await services.read_log.page(PageRequest(number), exported=bool(only))
    words = await in_words({one.path for one in found.rows}, services.board, people, visitor)
    names = await people.names({one.person for one in found.rows})
    return page(
        request,
        "readings.html",
        rows=[
            (one, words[one.path], operator_name() if one.person == OPERATOR else names.get(one.person, ""))
            for one in found.rows
        ],
        pager=Pager(found, urls.READ_LOG, {urls.ONLY_EXPORTS: only}),
        only=bool(only),
        wide=True,
    )
