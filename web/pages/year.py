"""Start the year: a table of clusters and units, a preview of all that will follow, one button, and how far it is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import uuid4

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from application.error_mapping import coded_error
from application.fields import parse_day
from application.tables import rows_of
from application.yaml_files import read_model
from application.year_file import YearFile, check_open_cycles, default_start, enter_file_people, start_year
from application.year_table import COLUMNS, TableResult, overdue_at_start, preview_clusters, read_table
from domain.access import Matter
from domain.rules import Edition
from domain.streams import cycle_stream
from domain.types import Refused
from errors import InputError, InternalError, Kind, NotFoundError
from i18n import _
from i18n.messages import sentence
from resources import RULES
from web.auth import Visitor, checked_form, reads
from web.render import as_attachment, page
from web.services import Services, services

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)
Secretary = Annotated[Visitor, Depends(reads(Matter.YEAR))]

PLACE = "bat-dau-nam"
EXAMPLE = (
    (
        "Cụm thi đua số 1",
        "Ủy ban MTTQ Việt Nam phường Hoàn Kiếm",
        "hoan-kiem",
        "",
        "Phó Chủ tịch phụ trách",
        "Nguyễn Văn A",
        "Phó Chủ tịch",
        "a@example.vn",
        "024 3825 0000",
    ),
    ("Cụm thi đua số 1", "Ủy ban MTTQ Việt Nam phường Cửa Nam", "cua-nam", "", "", "", "", "", ""),
)


@dataclass(slots=True)
class YearOpening:
    """A year that is being opened."""

    streams: tuple[str, ...]
    person: str
    seal: str
    done: bool = False
    failed: list[tuple[str, str]] = field(default_factory=list)
    stopped: str = ""


@router.get("/bat-dau-nam")
async def begin(request: Request, visitor: Secretary) -> Response:
    """The form: as it was left, or empty."""
    kept = await services(request).drafts.load(visitor.contact.id, PLACE)
    return _form(request, dict(kept[0]) if kept else {})


def _form(request: Request, typed: dict[str, Any], text: str = "") -> Response:
    now = datetime.now(UTC)
    usual = {"year": str(now.year), "edition": "specimen-2020.yaml", **typed}
    editions = [(file.name, read_model(file, Edition).title) for file in sorted(RULES.glob("*.yaml"))]
    return page(request, "year.html", 422 if text else 200, typed=usual, text=text, editions=editions, columns=COLUMNS)


@router.get("/bat-dau-nam/mau.csv")
async def template(_visitor: Secretary) -> Response:
    """The table's template, with two rows to show how."""
    lines = [";".join(COLUMNS), *(";".join(row) for row in EXAMPLE)]
    return as_attachment("\ufeff" + "\r\n".join(lines) + "\r\n", "mau-cum-thi-dua.csv", "text/csv; charset=utf-8")


@router.post("/bat-dau-nam")
async def look(request: Request, visitor: Secretary) -> Response:
    """Read the table and show what will follow; nothing is entered."""
    form = await checked_form(request)
    typed: dict[str, Any] = {
        name: str(value) for name, value in form.multi_items() if isinstance(value, str) and not name.startswith("_")
    }
    upload = form.get("file")
    work = services(request)
    try:
        body = typed.get("table", "").encode()
        if isinstance(upload, UploadFile) and upload.filename:
            body = await upload.read()
        rows = await rows_of(body)
        typed["table"] = "\n".join("\t".join(cell.replace("\t", " ") for cell in row) for row in rows)
        await work.drafts.save(visitor.contact.id, PLACE, typed)
        if form.get("_step") == "edit":
            return _form(request, typed)
        reading, edition = _read(visitor, rows, typed)
        starts = default_start(reading.year.year, datetime.now(UTC))
        digest = sha256(edition.model_dump_json().encode()).hexdigest()
        found = preview_clusters(reading.year, edition, digest, starts)
    except (InputError, Refused) as error:
        return _form(request, typed, sentence(error.code, error.facts))
    return page(
        request,
        "year_look.html",
        reading=reading,
        edition=edition,
        found=found,
        typed=typed,
        late=overdue_at_start(found, starts),
        starts=starts,
        wide=True,
        tasks=sum(len(one.tasks) for one in found),
        reminders=sum(one.reminders for one in found),
        people=len(reading.year.people),
        seal=_seal(typed),
    )


def _seal(typed: dict[str, Any]) -> str:
    """What was looked at: the button opens that and nothing typed since in another window."""
    return sha256(json.dumps(typed, sort_keys=True).encode()).hexdigest()


def _read(visitor: Visitor, rows: list[list[str]], typed: dict[str, Any]) -> tuple[TableResult, Edition]:
    """The year of a form.

    Raises:
        InputError
    """
    file = RULES / str(typed.get("edition", ""))
    if file.parent != RULES or not file.is_file():
        raise InputError("edition_missing", edition=typed.get("edition", ""))
    year = str(typed.get("year", "")).strip()
    if not year.isdigit():
        raise InputError("field_bad", place="year", found=year[:20])
    plan = {name: typed[f"plan_{name}"] for name in ("number", "title", "issued") if typed.get(f"plan_{name}")}
    if plan.get("issued"):
        plan["issued"] = parse_day(plan["issued"]).isoformat()
    head = {
        "organiser": visitor.unit,
        "organiser_name": typed.get("organiser_name") or visitor.unit,
        "year": int(year),
        "plan": plan or {"title": _("Emulation plan of {year}").format(year=year)},
        "edition": file.name,
    }
    return read_table(rows, head), read_model(file, Edition)


@router.post("/bat-dau-nam/mo")
async def start(request: Request, visitor: Secretary) -> Response:
    """Open every cluster's cycle; the next page tells how far it is."""
    form = await checked_form(request)
    work = services(request)
    kept = await work.drafts.load(visitor.contact.id, PLACE)
    if kept is None or _seal(kept[0]) != str(form.get("_seal", "")):
        return RedirectResponse("/bat-dau-nam", 303)
    typed = kept[0]
    reading, edition = _read(visitor, await rows_of(str(typed["table"]).encode()), typed)
    year, id_ = reading.year, uuid4().hex
    streams = tuple(cycle_stream(year.organiser, year.cycle_name, cluster.id) for cluster in year.clusters)
    job = work.jobs[id_] = YearOpening(streams, visitor.contact.id, _seal(typed))
    work.start(_open(work, visitor, year, edition, job))
    return RedirectResponse(f"/bat-dau-nam/{id_}", 303)


async def _open(work: Services, visitor: Visitor, year: YearFile, edition: Edition, job: YearOpening) -> None:
    try:
        await check_open_cycles(work.office, year)
        person = await enter_file_people(work.office, visitor.contact.id, year.organiser, year.people)
        receipt = await start_year(
            work.office,
            year,
            edition,
            person,
            clock="wall",
            starts=default_start(year.year, datetime.now(UTC)),
            strength=visitor.login.strength,
        )
        job.failed = [(one.stream, sentence(one.code, one.facts)) for one in receipt.failed]
        if not job.failed:
            await work.drafts.drop(visitor.contact.id, PLACE)
        await work.accounts.moved_to(visitor.secret, await work.office.ledger.last_position())
    except Exception as error:
        found = coded_error(error) or InternalError("our_bug_web", request=type(error).__name__)
        if found.kind is Kind.OURS:
            log.exception("year not opened")
        job.stopped = sentence(found.code, found.facts)
    job.done = True


@router.get("/bat-dau-nam/{job}")
async def progress(request: Request, _visitor: Secretary, job: str) -> Response:
    """How far it is; what failed, with the reason and a way to try again."""
    work = services(request)
    found = work.jobs.get(job)
    if not isinstance(found, YearOpening):
        raise NotFoundError("no_such_job")
    there = {stream for stream, _head in await work.office.ledger.streams()}
    return page(request, "year_open.html", job=found, id=job, opened=[one for one in found.streams if one in there])
