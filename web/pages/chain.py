"""The chain: verifying the whole ledger with its progress, and what auditors have read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from application.verification import verify_all
from audit.verify import VerificationReport
from domain.access import Matter
from errors import NotFoundError
from web.auth import Visitor, checked_form, reads
from web.render import as_json, page
from web.services import Services, services

router = APIRouter(include_in_schema=False)
Auditor = Annotated[Visitor, Depends(reads(Matter.HISTORY))]

JOBS_KEPT = 20


@dataclass(slots=True)
class Verifying:
    """A verification on its way."""

    events: int
    seen: int = 0
    report: VerificationReport | None = None
    failed: str = ""
    beside: list[dict[str, str]] = field(default_factory=list)


@router.get("/kiem-tra")
async def verify_page(request: Request, _visitor: Auditor) -> Response:
    """Where the chain is verified."""
    return page(request, "verify.html", job=None, id="")


@router.post("/kiem-tra")
async def start_verify(request: Request, _visitor: Auditor) -> Response:
    """Begin to verify; the next page tells how far it is."""
    await checked_form(request)
    return RedirectResponse(f"/kiem-tra/{await begin_verifying(services(request))}", 303)


async def begin_verifying(work: Services) -> str:
    """Begin to verify in the background; returns the job's id."""
    id_ = uuid4().hex
    job = Verifying(await work.office.ledger.last_position())
    while len(work.jobs) >= JOBS_KEPT:
        work.jobs.pop(next(iter(work.jobs)))
    work.jobs[id_] = job
    work.start(_verify(work, job))
    return id_


async def _verify(work: Services, job: Verifying) -> None:
    def progress(seen: int) -> None:
        job.seen = seen

    try:
        job.report, job.beside = await verify_all(work.office, progress=progress)
    except Exception as error:  # noqa: BLE001 - whatever stops it is told on the page
        job.failed = type(error).__name__


@router.get("/kiem-tra/{job}")
async def verify_progress(request: Request, _visitor: Auditor, job: str) -> Response:
    """How far it is, or what came of it."""
    found = services(request).jobs.get(job)
    if not isinstance(found, Verifying):
        raise NotFoundError("no_such_job")
    return page(request, "verify.html", job=found, id=job)


@router.get("/kiem-tra/{job}/ket-qua.json")
async def verify_json(request: Request, _visitor: Auditor, job: str) -> Response:
    """What came of it as JSON."""
    found = services(request).jobs.get(job)
    if not isinstance(found, Verifying) or found.report is None:
        raise NotFoundError("no_such_job")
    report = found.report
    return as_json(
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


@router.get("/nhat-ky-doc")
async def readings(request: Request, _visitor: Annotated[Visitor, Depends(reads(Matter.READINGS))]) -> Response:
    """What auditors have read."""
    return page(request, "readings.html", rows=await services(request).read_log.latest())
