"""The chain: verifying the whole ledger, with its progress; and what was read and taken out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from application.account_log import operator_name
from application.verification_job import KeptCheckpoints, VerificationJob, VerificationRunsError, start_verification
from application.verification_text import (
    beside_text,
    compared_lines,
    counts_text,
    limits_lines,
    origin_lines,
    problem_text,
    result_text,
    undecided_lines,
    untrusted_text,
)
from application.visits import Visitor
from domain.access import Matter
from domain.records import OPERATOR
from domain.times import ICT
from errors import CodedError, InputError, NotFoundError
from i18n import _
from i18n.messages import sentence
from ledger.notes import NoteError
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
    return _beginning(request, KeptCheckpoints())


def _beginning(request: Request, kept: KeptCheckpoints, error: CodedError | None = None) -> Response:
    text = sentence(error.code, error.facts) if error else ""
    return page(request, "verify.html", error.http_status if error else 200, job=None, id="", kept=kept, text=text)


@router.post(urls.VERIFICATION)
async def start_verify(request: Request, visitor: HistoryReader) -> Response:
    """Begin to verify, or join the verification that runs; the next page shows the progress."""
    form = await checked_form(request)
    services = get_services(request)
    kept = KeptCheckpoints(str(form.get("checkpoint", "")).strip(), str(form.get("key", "")).strip())
    try:
        job = await start_verification(services.application, services.jobs, kept, by=visitor.contact.name)
    except (InputError, NoteError, VerificationRunsError) as error:
        return _beginning(request, kept, error)
    return RedirectResponse(urls.verification_url(job), 303)


@router.get(urls.VERIFICATION_JOB)
async def verify_progress(
    request: Request, _visitor: HistoryReader, job: str, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """The progress of a verification, or its result."""
    found = get_services(request).jobs.get(job, VerificationJob)
    shown: Paged[tuple[object, str, str]] = Paged.of((), PageRequest(number))
    lines: list[str] = []
    if (report := found.report) is not None:
        beside = [("-", "-", beside_text(one)) for one in (*report.beside, *report.remarks)]
        streams = {one.stream for one in report.problems} | {one.stream for one in report.untrusted}
        titles = await get_services(request).board.titles(streams)
        found_at: list[tuple[int | None, str, str]] = [
            *((one.position, one.stream, problem_text(one)) for one in report.problems),
            *((one.position, one.stream, untrusted_text(one)) for one in report.untrusted),
        ]
        problems = [(at or "-", titles.get(stream) or _("the register itself"), text) for at, stream, text in found_at]
        shown = Paged.of([*problems, *beside], PageRequest(number))
        lines = [*undecided_lines(report), *compared_lines(report), *limits_lines()]
    return page(
        request,
        "verify.html",
        job=found,
        id=job,
        problems=shown.rows,
        pager=Pager(shown, urls.verification_url(job)),
        kept=KeptCheckpoints(),
        text="",
        lines=lines,
        counts=counts_text(report) if report else "",
        origins=list(origin_lines(report)) if report else [],
        result=result_text(report) if report else "",
    )


@router.get(urls.VERIFICATION_RESULT)
async def verify_json(request: Request, _visitor: HistoryReader, job: str) -> Response:
    """The result of a verification as JSON."""
    found = get_services(request).jobs.get(job, VerificationJob)
    if found.report is None:
        raise NotFoundError("no_such_job")
    report = found.report
    found_first = {
        "first_broken_position": report.first_broken,
        "first_decided_otherwise_position": report.first_decided_otherwise,
    }
    data = {"ok": report.ok, "proven": report.proven, **found_first, **asdict(report)}
    on = (found.ended or datetime.now(UTC)).astimezone(ICT)
    return await as_json(data, f"kiem-tra-{on:%Y-%m-%d}")


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
