"""The first page: what can be done now, what waits for others, what was done lately; for the secretariat its answers.

What was begun and not sent, the sheet of tasks, and the guides stand here, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field
from starlette.datastructures import FormData

from accounts.logins import today
from application.heat import heat_page
from application.own_acts import own_acts
from application.tasks import (
    DoneTask,
    SentMatter,
    TaskCard,
    ToAnswer,
    by_cluster,
    lately_done,
    listed_tasks,
    sent_matters,
    tasks_table,
)
from application.visits import ForbiddenError, Visitor
from application.waiting_answers import (
    all_to_answer,
    asked_times,
    open_deviations,
    proposed_escalations,
    reports_to_accept,
)
from application.work import of_many
from domain.access import Matter
from domain.duties import Duty
from domain.obligations import DUTIES_OF_STEP
from domain.times import ICT
from errors import InputError
from i18n.guides import NAMES, guide
from ledger.paging import ALL_ROWS, Paged, PageRequest
from projections.home_lines import OwnAct, TaskQuery
from web import urls
from web.answers import (
    FormOutcome,
    answer_in,
    answers_for_organiser,
    chosen,
    give_answer,
    line_key,
    line_value,
    note_position,
    page_id,
)
from web.auth import checked_form, reads
from web.downloads import TableExtension, as_table
from web.draft_titles import begun_drafts
from web.form_problems import faulty_field, form_sentence
from web.paging import PageNumber, Pager
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
OwnReader = Annotated[Visitor, Depends(reads(Matter.OWN))]
SHEET_ROWS = 300
"""Tasks on a page to print: more would take longer to load than to read."""

LATEST_DRAFTS = 5
"""How many of the latest drafts stand above the tasks; the others have a page of their own."""

SECRETARY_ROWS = 20
"""Rows of most lists on the secretariat's first page: it has seven of them."""

FEW_ROWS = 10
"""Clusters on it whose requests and escalations are answered: their rows are the longest."""

DEVIATION_ROWS = 30
CLUSTER_ROWS = 25
LATEST_ACTS = 10
"""How many of the latest acts of the visitor's unit stand here; the others have a page of their own."""


class HomePages(BaseModel):
    """Which page of each list."""

    tasks: PageNumber = Field(1, alias=urls.PAGE)
    requests: PageNumber = Field(1, alias=urls.REQUESTS_PAGE)
    reports: PageNumber = Field(1, alias=urls.REPORTS_PAGE)
    deviations: PageNumber = Field(1, alias=urls.DEVIATIONS_PAGE)
    clusters: PageNumber = Field(1, alias=urls.CLUSTERS_PAGE)

    def query(self) -> dict[str, Any]:
        """As an address carries them: first pages are left out."""
        shown = self.model_dump(by_alias=True)
        return {name: number for name, number in shown.items() if number > 1}

    def pager(self, found: Paged[Any], parameter: str, anchor: str) -> Pager:
        """The links of a list, which keep the pages of the other lists."""
        query = {name: number for name, number in self.query().items() if name != parameter}
        return Pager(found, urls.TASKS, query, parameter, anchor)


Pages = Annotated[HomePages, Query()]


@router.get(urls.HOME)
async def home(visitor: OwnReader) -> Response:
    """The first page that suits the account."""
    return RedirectResponse(urls.BOARD if visitor.login.account.kind == "auditor" else urls.TASKS, 303)


@router.get(urls.TASKS)
async def tasks(request: Request, visitor: OwnReader, pages: Pages) -> Response:
    """What the visitor's unit must do, in all of its cycles; for the secretariat first what it must answer."""
    return await _tasks_page(request, visitor, pages)


@router.post(urls.TASKS)
async def answer(request: Request, visitor: OwnReader, pages: Pages) -> Response:
    """Answer the chosen lines, a command for each, and say what became of each."""
    form = await checked_form(request)
    if not answers_for_organiser(visitor):
        raise ForbiddenError("not_yours_to_say")
    try:
        given = answer_in(form)
    except InputError as error:
        return await _tasks_page(request, visitor, pages, form=form, error=error)
    if given is None:
        return await _tasks_page(request, visitor, pages, form=form)
    outcome = await give_answer(get_services(request), visitor, given, page_id(form))
    await note_position(request)
    return await _tasks_page(request, visitor, pages, form=form, outcome=outcome)


async def _tasks_page(
    request: Request,
    visitor: Visitor,
    pages: HomePages,
    *,
    form: FormData | None = None,
    outcome: FormOutcome | None = None,
    error: InputError | None = None,
) -> Response:
    """The first page. `form` is what was sent, `outcome` what became of it, `error` why nothing was entered."""
    services, secretary = get_services(request), answers_for_organiser(visitor)
    await _wait_for_own(services, visitor)
    lists, answers = await asyncio.gather(
        _own_lists(services, visitor, pages), _answer_lists(services, visitor, pages) if secretary else _nothing()
    )
    failed = form is not None and (outcome is None or bool(outcome.again))
    typed, faulty = _typed(form) if failed else {}, "" if error is None else faulty_field(error)
    return page(
        request,
        "inbox.html",
        (outcome.status if outcome is not None else 200) if error is None else error.http_status,
        **lists,
        answers=answers,
        acts=secretary,
        outcome=outcome,
        text="" if error is None else form_sentence(error),
        faulty=faulty,
        anchor=_anchor(faulty, typed, answers or {}),
        chosen=frozenset() if form is None else chosen(form, outcome),
        typed=typed,
        id=page_id(form) if failed and form is not None else uuid4(),
        action=urls.with_query(urls.TASKS, pages.query()),
        line_value=line_value,
        line_key=line_key,
        wide=secretary,
    )


def _typed(form: FormData | None) -> dict[str, str]:
    """What was typed and pressed, for the page that shows it again."""
    names = {"_line": "line", "reason": "reason", "_duty": "duty", "_do": "do"}
    if form is None:
        return {}
    found = {name: str(form.get(field, "")) for field, name in names.items()}
    stream, _bar, rest = found["line"].partition("|")
    return {**found, "line": line_key(stream, rest.partition("|")[2]) if stream else ""}


def _anchor(faulty: str, typed: Mapping[str, str], answers: Mapping[str, Any]) -> str:
    """The id of the input or list that an error is about; "" where the page does not show it any more."""
    if faulty == "_report":
        return "reports" if answers.get("reports") else ""
    if faulty == "reason" and typed.get("line"):
        asked = {(line_key(one.cycle, one.request.unit), one.request.duty) for one in answers.get("requests", ())}
        return "reason-refused" if (typed["line"], typed["duty"]) in asked else ""
    if not answers.get("deviations"):
        return ""
    return {"_deviation": "deviations", "reason": "reason-deviations"}.get(faulty, "")


async def _wait_for_own(services: Services, visitor: Visitor) -> None:
    """Wait until the lists have what the visitor has just entered."""
    position = visitor.login.position
    await asyncio.gather(services.board.wait_until_reached(position), services.search.wait_until_reached(position))


async def _nothing() -> None:
    """Nothing to answer: only the secretariat answers."""


async def _own_lists(services: Services, visitor: Visitor, pages: HomePages) -> dict[str, Any]:
    """The lists that everybody has."""
    secretary, texts, unit = answers_for_organiser(visitor), services.application.texts, visitor.unit
    is_auditor = visitor.login.account.kind == "auditor"
    # A report to accept stands among the answers.
    but = Duty.MIDYEAR_ACCEPTANCE if secretary else None
    ready, far = (TaskQuery(unit, ready=True, far=far, but=but) for far in (False, True))
    asked = PageRequest(pages.tasks, SECRETARY_ROWS) if secretary else PageRequest(pages.tasks)
    waits = PageRequest(1, SECRETARY_ROWS) if secretary else PageRequest()
    if is_auditor:
        nothing, done = Paged[TaskCard].of((), asked), list[DoneTask]()
        found, later, waiting, sent = nothing, nothing, nothing, list[SentMatter]()
        entered = Paged[OwnAct].of((), asked)
    else:
        found, later, waiting, done, sent, entered = await asyncio.gather(
            listed_tasks(services.home, texts, ready, asked, brief=secretary),
            listed_tasks(services.home, texts, far, waits, brief=True),
            listed_tasks(services.home, texts, TaskQuery(unit, ready=False), waits, brief=True),
            lately_done(services.home, unit),
            sent_matters(services.home, unit),
            own_acts(services.home, texts, visitor, PageRequest(1, LATEST_ACTS)),
        )
    begun = await services.drafts.page(visitor.contact.id, PageRequest(1, LATEST_DRAFTS))
    return {
        "groups": by_cluster(found.rows),
        "later": later,
        "pager": pages.pager(found, urls.PAGE, "lam-duoc"),
        "waiting": by_cluster(waiting.rows),
        "all_waiting": waiting,
        "sent": sent,
        "done": done,
        "entered": entered,
        "begun": begun,
        "drafts": await begun_drafts(services, begun.rows),
    }


async def _answer_lists(services: Services, visitor: Visitor, pages: HomePages) -> dict[str, Any]:
    """What the secretariat answers, and how far its clusters are."""
    home, texts, organiser = services.home, services.application.texts, visitor.unit
    requests, reports, escalations, deviations, clusters, late = await asyncio.gather(
        asked_times(home, texts, organiser, PageRequest(pages.requests, FEW_ROWS)),
        reports_to_accept(home, texts, organiser, PageRequest(pages.reports, SECRETARY_ROWS)),
        proposed_escalations(home, organiser, PageRequest(1, FEW_ROWS)),
        open_deviations(home, organiser, PageRequest(pages.deviations, DEVIATION_ROWS)),
        heat_page(home, organiser, PageRequest(pages.clusters, CLUSTER_ROWS)),
        home.late_clusters(organiser, datetime.now(UTC)),
    )
    asked, escalated, _deviating = await home.to_answer(organiser)
    return {
        "requests": [one for row in requests.rows for one in row],
        "requests_pager": pages.pager(requests, urls.REQUESTS_PAGE, "gia-han"),
        "reports": reports.rows,
        "reports_pager": pages.pager(reports, urls.REPORTS_PAGE, "bao-cao"),
        "escalations": [one for row in escalations.rows for one in row],
        "more_escalations": escalations.next is not None,
        "deviations": deviations.rows,
        "deviations_pager": pages.pager(deviations, urls.DEVIATIONS_PAGE, "noi-dung-khac"),
        "clusters": clusters.rows,
        "clusters_pager": pages.pager(clusters, urls.CLUSTERS_PAGE, "tien-do"),
        "steps": list(DUTIES_OF_STEP),
        "late": late,
        "asked": asked,
        "escalated": escalated,
    }


@router.get(urls.WAITING_TASKS)
async def waiting_tasks(
    request: Request, visitor: OwnReader, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """All tasks of the visitor's unit that wait for others."""
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    wanted = TaskQuery(visitor.unit, ready=False)
    found = await listed_tasks(services.home, services.application.texts, wanted, PageRequest(number), brief=True)
    return page(request, "waiting.html", groups=by_cluster(found.rows), pager=Pager(found, urls.WAITING_TASKS))


@router.get(urls.OWN_ACTS)
async def entered_lately(
    request: Request, visitor: OwnReader, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """What the visitor's unit has entered lately, each with its receipt."""
    services = get_services(request)
    await _wait_for_own(services, visitor)
    found = await own_acts(services.home, services.application.texts, visitor, PageRequest(number))
    return page(request, "own_acts.html", acts=found.rows, pager=Pager(found, urls.OWN_ACTS))


@router.get(urls.TASKS_SHEET)
async def tasks_sheet(
    request: Request, visitor: OwnReader, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """The tasks of the visitor's unit as a table, to print."""
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    found = await _all_tasks(services, visitor, PageRequest(number, SHEET_ROWS))
    answers = await _all_to_answer(services, visitor, PageRequest(1, SHEET_ROWS)) if found.number == 1 else []
    days = {one.now.astimezone(ICT).date() for one in found.rows}
    return page(
        request,
        "tasks_sheet.html",
        tasks=found.rows,
        answers=answers,
        cut=len(answers) >= SHEET_ROWS,
        pager=Pager(found, urls.TASKS_SHEET),
        unit_name=found.rows[0].unit_name if found.rows else "",
        # A rehearsal has a day of its own.
        today=days.pop() if len(days) == 1 else today(),
    )


@router.get(urls.TASKS_DOWNLOAD)
async def tasks_download(request: Request, visitor: OwnReader, extension: TableExtension) -> Response:
    """All tasks of the visitor's unit for a spreadsheet."""
    services = get_services(request)
    await services.board.wait_until_reached(visitor.login.position)
    found = await _all_tasks(services, visitor, ALL_ROWS)
    answers = await _all_to_answer(services, visitor, ALL_ROWS)
    rows = len(answers) + found.total
    return await as_table(extension, "viec-phai-lam", await of_many(rows, tasks_table, answers, found.rows))


async def _all_tasks(services: Services, visitor: Visitor, asked: PageRequest) -> Paged[TaskCard]:
    """The tasks of the visitor's unit, those that wait for others at the end. Auditors have none."""
    if visitor.login.account.kind == "auditor":
        return Paged.of((), asked)
    but = Duty.MIDYEAR_ACCEPTANCE if answers_for_organiser(visitor) else None
    wanted = TaskQuery(visitor.unit, ready=None, but=but)
    return await listed_tasks(services.home, services.application.texts, wanted, asked, brief=True)


async def _all_to_answer(services: Services, visitor: Visitor, asked: PageRequest) -> list[ToAnswer]:
    """What the visitor answers; nothing for others than the secretariat."""
    if not answers_for_organiser(visitor):
        return []
    return await all_to_answer(services.home, services.application.texts, visitor.unit, asked)


@router.get(urls.DRAFTS)
async def drafts(
    request: Request, visitor: OwnReader, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """What the visitor has begun and not sent."""
    services = get_services(request)
    found = await services.drafts.page(visitor.contact.id, PageRequest(number))
    return page(request, "drafts.html", begun=await begun_drafts(services, found.rows), pager=Pager(found, urls.DRAFTS))


@router.get(urls.HELP)
async def helps() -> Response:
    """The first guide."""
    return RedirectResponse(urls.guide_url("dang-nhap"), 303)


@router.get(urls.GUIDE)
async def help_page(request: Request, name: str) -> Response:
    """A one-page guide."""
    found = guide(name)
    if found is None:
        return page(request, "error.html", 404, text="", carried=[], code="page_not_found")
    return page(request, "guide.html", body=found, name=name, guides=NAMES)
