"""Starting a year: a table of clusters and units, a preview of what will follow, one button, and the progress."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import UploadFile

from application.edition_checks import digest_of
from application.error_mapping import coded_error
from application.fields import clean_line, parse_day
from application.last_year import LastYear, last_year
from application.pasted_text import Changes
from application.table_columns import UNUSED, Head
from application.tables import Rows, rows_of_text, table_of, text_of
from application.visits import Visitor
from application.work import beside
from application.year_columns import COLUMNS, find_year_head
from application.year_days import DAY_FIELD, DayError, lapsed_duties, proposed_days, set_days, typed_days
from application.year_file import (
    YearFile,
    check_may_start,
    check_open_cycles,
    default_start,
    enter_people,
    start_year,
)
from application.year_preview import preview_clusters
from application.year_table import TableResult, read_table
from domain.access import Matter
from domain.duties import Duty
from domain.numbers import whole_number
from domain.records import Refused
from domain.rules import Edition
from domain.streams import cycle_stream
from domain.times import ICT
from errors import InputError, InternalError, Kind, QuotaError
from i18n import _
from i18n.cleaning import cleaning_notes
from i18n.messages import day, sentence, word
from ledger.paging import Paged, PageRequest
from vault.persons import Contact
from web import urls
from web.act_form import typed_text
from web.auth import checked_form, reads
from web.chosen_editions import chosen_edition, own_editions, program_editions
from web.cookies import cookie_secret
from web.downloads import as_attachment
from web.form_problems import faulty_field, form_sentence
from web.paging import PageNumber, Pager
from web.render import page
from web.services import Services, get_services

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)
Secretary = Annotated[Visitor, Depends(reads(Matter.YEAR))]

DRAFT = "bat-dau-nam"
"""The key of the draft; it is no address, so the task list does not show it."""
CLUSTERS_PER_PAGE = 10
"""How many clusters of a new year are shown on a page: each has a table of all of its tasks."""

EXAMPLE = (
    (
        "Cụm thi đua số 1",
        "Ủy ban MTTQ Việt Nam phường Hoàn Kiếm",
        "",
        "",
        "Phó Chủ tịch phụ trách",
        "Nguyễn Văn A",
        "Phó Chủ tịch",
        "a@example.vn",
        "024 3825 0000",
    ),
    ("Cụm thi đua số 1", "Ủy ban MTTQ Việt Nam phường Cửa Nam", "", "", "", "", "", "", ""),
)


@dataclass(slots=True)
class YearOpening:
    """A year that is being opened: the streams of its cycles, and what failed, with the reason.

    `seal` names the form that was looked at.
    """

    streams: tuple[str, ...]
    seal: str
    request: str
    """The id of the request that began it: the log has it, too."""
    names: Mapping[str, str]
    """How the clusters are called, by stream."""
    done: bool = False
    failed: list[tuple[str, str]] = field(default_factory=list)
    stopped: str = ""


@router.get(urls.NEW_YEAR)
async def begin(request: Request, visitor: Secretary) -> Response:
    """The form: as it was left, or empty."""
    services = get_services(request)
    kept = await services.drafts.load(visitor.contact.id, DRAFT)
    last = await last_year(services.application, visitor.unit)
    known: dict[str, Any] = {}
    if named := request.query_params.get(urls.EDITION_NAMED, ""):
        kept = ({**(kept[0] if kept else {}), "edition": named}, datetime.now(UTC))
    if last is not None:
        year = max(datetime.now(UTC).year, last.year + 1)
        known = {"organiser_name": last.organiser_name, "year": str(year)}
    own = await own_editions(services, visitor)
    return _form(request, {**known, **(kept[0] if kept else {})}, last=last, own=own)


def _form(
    request: Request,
    typed: dict[str, Any],
    error: InputError | Refused | None = None,
    status: int = 200,
    head: Head | None = None,
    last: LastYear | None = None,
    own: Sequence[tuple[str, str]] = (),
) -> Response:
    """The form, with what is wrong in it; `head`: columns of the table that a person may have to choose.

    `last`: the year whose clusters may be taken again. `own` are the organiser's own editions.
    """
    now = datetime.now(UTC)
    defaults = {"year": str(now.year), "edition": "specimen-2020.yaml", **typed}
    text, faulty = ("", "") if error is None else (form_sentence(error), faulty_field(error))
    facts: dict[str, Any] = {"typed": defaults, "text": text, "faulty": faulty, "editions": [*own, *program_editions()]}
    return page(request, "year.html", status, **facts, columns=COLUMNS, head=head, last=last)


@router.get(urls.NEW_YEAR_TEMPLATE)
async def template(_visitor: Secretary) -> Response:
    """The table's template, with two rows to show how."""
    lines = [";".join(COLUMNS), *(";".join(row) for row in EXAMPLE)]
    return as_attachment("\ufeff" + "\r\n".join(lines) + "\r\n", "mau-cum-thi-dua.csv", "text/csv; charset=utf-8")


@router.post(urls.NEW_YEAR)
async def look(request: Request, visitor: Secretary) -> Response:
    """Read the table and show what will follow; nothing is entered."""
    form = await checked_form(request)
    typed: dict[str, Any] = {name: text for name, text in typed_text(form).items() if not name.startswith("_")}
    services = get_services(request)
    rows: Rows = []
    try:
        if form.get("_step") == "columns":  # of the preview: all else stays as it was looked at
            kept = await services.drafts.load(visitor.contact.id, DRAFT)
            if kept is None or await _seal(services, visitor, kept[0]) != str(form.get("_seal", "")):
                return RedirectResponse(urls.NEW_YEAR, 303)
            typed = {**kept[0], **{name: value for name, value in typed.items() if name.startswith(_COLUMN)}}
            rows = await rows_of_text(str(typed["table"]))
        elif form.get("_step") == "last" and (last := await last_year(services.application, visitor.unit)) is not None:
            typed = {name: text for name, text in typed.items() if not name.startswith(_COLUMN) and name != "remarks"}
            typed["table"] = text_of(last.rows)
            rows = await rows_of_text(typed["table"])
        else:
            rows = await _sent_table(form.get("file"), typed)
        await services.drafts.save(visitor.contact.id, DRAFT, typed)
        if form.get("_step") == "edit":
            return _form(request, typed, own=await own_editions(services, visitor))
        return await _look(request, visitor, rows, typed)
    except (InputError, Refused) as error:
        return await _refused(request, visitor, typed, error, rows)


_COLUMN = "column-"
"""What the names of the fields begin with in which a person chooses what a column holds."""


async def _sent_table(upload: object, typed: dict[str, Any]) -> Rows:
    """The rows that were pasted or uploaded; `typed` gets them as text, and the remarks on a file.

    Raises:
        InputError
    """
    if isinstance(upload, UploadFile) and upload.filename:
        table = await table_of(await upload.read())
        for name in [name for name in typed if name.startswith(_COLUMN)]:
            del typed[name]  # of another table
        typed["remarks"] = json.dumps(table.remarks)
    else:
        table = await table_of(str(typed.get("table", "")).encode())
        typed.pop("remarks", None)
    typed["table"] = text_of(table.rows)
    return await rows_of_text(typed["table"])


def _choices(typed: Mapping[str, Any]) -> dict[int, str]:
    """What a person chose for the columns of the table, by index."""
    found: dict[int, str] = {}
    for name, value in typed.items():
        number = whole_number(name.removeprefix(_COLUMN)) if name.startswith(_COLUMN) else None
        if number is not None and value in {*COLUMNS, UNUSED}:
            found[number] = str(value)
    return found


@router.get(urls.NEW_YEAR_LOOK)
async def look_on(
    request: Request, visitor: Secretary, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """Another page of what will follow from the form as it was left."""
    kept = await get_services(request).drafts.load(visitor.contact.id, DRAFT)
    if kept is None or not kept[0].get("table"):
        return RedirectResponse(urls.NEW_YEAR, 303)
    typed, rows = dict(kept[0]), list[list[str]]()
    try:
        rows = await rows_of_text(str(typed["table"]))
        return await _look(request, visitor, rows, typed, number)
    except (InputError, Refused) as error:
        return await _refused(request, visitor, typed, error, rows)


async def _refused(
    request: Request, visitor: Visitor, typed: dict[str, Any], error: InputError | Refused, rows: Rows
) -> Response:
    """The form again, with what is wrong, and what its columns are when that is it."""
    status = error.http_status if isinstance(error, QuotaError) else 422
    head = find_year_head(rows, _choices(typed)) if error.code == "table_head" or _choices(typed) else None
    own = await own_editions(get_services(request), visitor)
    return _form(request, typed, error, status, head, own=own)


async def _look(
    request: Request,
    visitor: Visitor,
    rows: Rows,
    typed: dict[str, Any],
    number: int = 1,
    *,
    text: str = "",
    faulty: str = "",
) -> Response:
    """A page of what will follow; `text` says what is wrong with the day of the duty `faulty`.

    Raises:
        InputError, Refused
    """
    people = await get_services(request).application.people.everyone()
    edition = await chosen_edition(get_services(request), visitor, typed)
    table, changes = await beside(_read, visitor, rows, typed, people)
    table.remarks = [*map(tuple, json.loads(typed.get("remarks", "[]"))), *table.remarks]
    starts = default_start(table.year.year, edition, datetime.now(UTC))
    found = await beside(preview_clusters, table.year, edition, starts)
    lapsed = await beside(lapsed_duties, found)
    proposed = proposed_days(lapsed, table.year.year, edition, starts)
    days = {one: str(typed.get(f"{DAY_FIELD}{one}", day(proposed[one]))) for one in lapsed}
    shown = Paged.of(found, PageRequest(number, CLUSTERS_PER_PAGE))
    return page(
        request,
        "year_look.html",
        422 if text else 200,
        table=table,
        edition=edition,
        found=shown.rows,
        pager=Pager(shown, urls.NEW_YEAR_LOOK),
        lapsed=[(one, on, days[one]) for one, on in lapsed.items()],
        days={one.value: text for one, text in days.items()},
        text=text,
        faulty=faulty,
        wide=True,
        tasks=sum(len(one.tasks) for one in found),
        reminders=sum(one.reminders for one in found),
        people=len(table.year.people),
        notes=cleaning_notes({**changes, **table.changes}),
        seal=_seal_of(typed, edition),
        columns=COLUMNS,
    )


def _seal_of(typed: dict[str, Any], edition: Edition) -> str:
    """A digest of what was previewed: the button opens that, and nothing that was typed since in another window."""
    looked_at = {name: value for name, value in typed.items() if not name.startswith(DAY_FIELD)}
    return sha256(json.dumps([looked_at, edition.model_dump_json()], sort_keys=True).encode()).hexdigest()


async def _seal(services: Services, visitor: Visitor, typed: dict[str, Any]) -> str:
    """The digest of a form as it was kept, under the rules as they are; "" where these cannot be used."""
    try:
        return _seal_of(typed, await chosen_edition(services, visitor, typed))
    except InputError:
        return ""


_LINES = {"organiser_name": "organiser_name", "plan_number": "number", "plan_title": "title", "plan_issued": "issued"}
"""The fields of the form that are one line of text, with the fields that have their labels."""


def _read(
    visitor: Visitor, rows: Rows, typed: dict[str, Any], people: Sequence[Contact]
) -> tuple[TableResult, dict[str, Changes]]:
    """The year of a form, and what was changed in the form's own fields.

    Raises:
        InputError
    """
    text = str(typed.get("year", "")).strip()
    if (year := whole_number(text)) is None:
        raise InputError("year_bad", "year")
    lines = {name: clean_line(str(typed.get(name, "")), name) for name in _LINES}
    plan = {name: lines[f"plan_{name}"].text for name in ("number", "title", "issued") if lines[f"plan_{name}"].text}
    if plan.get("issued"):
        plan["issued"] = parse_day(plan["issued"], "plan_issued").isoformat()
    head = {
        "organiser": visitor.unit,
        "organiser_name": lines["organiser_name"].text,
        "year": year,
        "plan": plan or {"title": _("Emulation plan of {year}").format(year=year)},
        "edition": str(typed.get("edition", "")),
    }
    changes = {_LINES[name]: one.changes for name, one in lines.items() if one.changes}
    return read_table(rows, head, _choices(typed), people), changes


@router.post(urls.NEW_YEAR_START)
async def start(request: Request, visitor: Secretary) -> Response:
    """Open every cluster's cycle; the next page shows the progress."""
    form = await checked_form(request)
    services = get_services(request)
    kept = await services.drafts.load(visitor.contact.id, DRAFT)
    if kept is None or await _seal(services, visitor, kept[0]) != str(form.get("_seal", "")):
        return RedirectResponse(urls.NEW_YEAR, 303)
    typed = {**kept[0], **{name: str(value) for name, value in form.items() if name.startswith(DAY_FIELD)}}
    people = await services.application.people.everyone()
    rows = await rows_of_text(str(typed["table"]))
    try:
        days = typed_days(typed, datetime.now(ICT).date())
    except DayError as wrong:
        text = f"{word('duty', wrong.duty).capitalize()}: {sentence(wrong.error.code, wrong.error.facts)}"
        return await _look(request, visitor, rows, typed, text=text, faulty=wrong.duty)
    await services.drafts.save(visitor.contact.id, DRAFT, typed)  # with the days, for another attempt
    edition = await chosen_edition(services, visitor, typed)
    table, _changes = await beside(_read, visitor, rows, typed, people)
    year = table.year
    streams = tuple(cycle_stream(year.organiser, year.cycle_name, cluster.id) for cluster in year.clusters)
    names = dict(zip(streams, (cluster.name for cluster in year.clusters), strict=True))
    job = YearOpening(streams, _seal_of(typed, edition), str(request.state.request_id), names)
    draft = str(typed.get("edition", ""))
    work = _open(services, visitor, cookie_secret(request), year, edition, draft, days, job)
    return RedirectResponse(urls.new_year_url(services.jobs.start(job, work)), 303)


async def _open(
    services: Services,
    visitor: Visitor,
    login_secret: str,
    year: YearFile,
    edition: Edition,
    draft: str,
    days: Mapping[Duty, date],
    job: YearOpening,
) -> None:
    application = services.application
    try:
        await check_may_start(application, visitor.submitter(), year)
        await check_open_cycles(application, year)
        await enter_people(application, year.people)
        receipt = await start_year(
            application,
            year,
            edition,
            visitor.submitter(),
            clock="wall",
            starts=default_start(year.year, edition, datetime.now(UTC)),
        )
        await services.edition_drafts.note_in_force(visitor.unit, draft, digest_of(edition), visitor.contact.id)
        job.failed = [(job.names[one.stream], sentence(one.code, one.facts)) for one in receipt.failed]
        if days and not job.failed:
            wrong = await set_days(application, year, days, visitor.submitter(), datetime.now(ICT).date())
            job.failed = [(job.names[stream], sentence(error.code, error.facts)) for stream, error in wrong]
        if not job.failed:
            await services.drafts.drop(visitor.contact.id, DRAFT)
        await services.accounts.moved_to(login_secret, await application.ledger.last_position())
    except Exception as error:
        found = coded_error(error) or InternalError("our_bug_web", request=job.request)
        if found.kind is Kind.OURS:
            log.exception("year not opened")
        job.stopped = sentence(found.code, found.facts)
    job.done = True


@router.get(urls.NEW_YEAR_JOB)
async def progress(
    request: Request,
    _visitor: Secretary,
    job: str,
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
) -> Response:
    """The progress; what failed, with the reason and a way to try again."""
    services = get_services(request)
    found = services.jobs.get(job, YearOpening)
    opened = await services.application.ledger.existing(found.streams)
    failed = Paged.of(found.failed, PageRequest(number))
    pager = Pager(failed, urls.new_year_url(job))
    return page(request, "year_open.html", job=found, id=job, opened=opened, failed=failed.rows, pager=pager)
