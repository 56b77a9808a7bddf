"""The score grid: a round's sheets of several units in one table, or of one unit as a list, saved cell by cell.

Everybody who may enter the round's act for the visitor's unit fills in the same sheets. What is ready is entered as one
act for each unit, all of them or none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import FormData

from accounts.shared_drafts import LATEST, SharedCell
from application.score_grid import ScoreGrid, grid_of, points_before, unit_of
from application.typed_sheets import EVIDENCE
from application.visits import VisitedCycle
from application.work import of_many
from domain.access import Matter
from errors import InputError, NotFoundError, QuotaError
from web import urls
from web.act_files import FILE_STEP, chosen_for, store_files
from web.act_form import error_text, file_list, typed_text, version_in
from web.auth import checked_form, reads_cycle
from web.autosave import is_autosave
from web.error_answers import note_retry, unstorable_text
from web.grid_entering import SHOWN, enter_ready
from web.grid_page import (
    Conflicts,
    GridPart,
    PageNotes,
    cell_id,
    cell_problems,
    conflicts_told,
    grid_page,
    in_words,
    reasons_part,
    with_posted,
)
from web.open_grid import OpenGrid, PostedCells, draft_name, open_grid, posted_cells, state_of
from web.paging import PageNumber
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE, again_and_again=True))]

TAKE = "_take"
"""The button that fills in what earlier rounds propose: its value is a cell, a unit, or all."""

REVISION = "_revision"
"""The field that says which revision of the draft the page showed."""


def _part(
    unit: Annotated[str, Query(alias=urls.UNIT)] = "", number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> GridPart:
    return GridPart(unit, number)


async def _planned(cycle: ReadableCycle, round: str) -> ScoreGrid:  # noqa: A002 - a part of the address
    return await of_many(len(cycle.history), grid_of, cycle, round)


async def _opened(request: Request, grid: Annotated[ScoreGrid, Depends(_planned)]) -> OpenGrid:
    return await open_grid(get_services(request), grid)


Opened = Annotated[OpenGrid, Depends(_opened)]
Planned = Annotated[ScoreGrid, Depends(_planned)]
Part = Annotated[GridPart, Depends(_part)]


@router.get(urls.GRID)
async def grid(
    request: Request, opened: Opened, part: Part, entered: Annotated[str, Query(alias=urls.ENTERED_AS)] = ""
) -> Response:
    """The grid, with what others have changed since the visitor looked."""
    cycle = opened.grid.cycle
    look = await get_services(request).shared.look(
        opened.draft, cycle.visitor.contact.id, revision=opened.revision, version=len(cycle.history)
    )
    return await grid_page(request, opened, part, PageNotes(), look=look, entered=entered)


@router.get(urls.GRID_CHANGES)
async def changes(
    request: Request,
    opened: Opened,
    part: Part,
    since: Annotated[str, Query(alias=urls.FROM)] = "",
    version: Annotated[str, Query(alias=urls.AFTER_VERSION)] = "",
) -> Response:
    """What others have saved since a revision, for a page that is open; no content where nothing came."""
    read = version_in(since) or 0
    if opened.revision <= read and len(opened.grid.cycle.history) == version_in(version):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return await _state(request, opened, part, read)


@router.get(urls.GRID_REASONS)
async def reasons(request: Request, opened: Opened, part: Part) -> Response:
    """The list of changes that need a reason, for a page that is open."""
    return await reasons_part(request, opened, part)


@router.get(urls.GRID_CELL)
async def cell(request: Request, opened: Opened, unit: str, criterion: str) -> Response:
    """What belongs to a cell: the earlier rounds with their evidence and reasons, and the evidence of this one."""
    grid = opened.grid
    index = grid.index_of.get(criterion)
    if unit not in grid.units or index is None:
        raise NotFoundError("page_not_found")
    items = [(name, grid.item_before(unit, name, criterion)) for name in grid.before[unit]]
    before = [(name, item) for name, item in items if item is not None]
    return page(
        request,
        "grid_cell.html",
        cycle=grid.cycle,
        opened=opened,
        unit=unit,
        criterion=grid.criteria[index],
        evidence_id=cell_id(0, index, EVIDENCE),
        before=before,
        texts=await get_services(request).application.texts.get(item.reason for _name, item in before if item.reason),
        points_before=points_before,
        evidence=opened.values.get(f"{unit}.{criterion}.{EVIDENCE}", ""),
    )


@router.post(urls.GRID)
async def fill_in(request: Request, grid: Planned, part: Part) -> Response:
    """Save cells; or enter what is ready, if it is what the page has shown."""
    form = await checked_form(request, storable=False)
    services, body = get_services(request), typed_text(form)
    if (unstorable := unstorable_text({name: one for name, one in body.items() if name not in grid.paths})) is not None:
        raise unstorable
    problem = await _store_files(services, grid, form, body)
    posted = posted_cells(grid, form, body)
    if body.get("_step") == FILE_STEP:
        return await _with_file(request, grid, form, body, posted, problem)
    read = version_in(body.get(REVISION)) or 0
    if is_autosave(request):
        return await _saved(request, grid, part, posted, body)
    opened = await open_grid(services, grid)
    changed = opened.changes(posted.cells)
    conflicts = with_posted(await _save(services, grid, changed, read, apart=True, own_tabs=True), posted.cells)
    opened = await open_grid(services, grid, posted.unkept)
    if take := body.get(TAKE):
        opened = await _take(services, opened, part, take)
    told = PageNotes(conflicts=conflicts, notes=posted.notes, form=body)
    if problem is not None:
        note_retry(problem)
        told = replace(told, text=error_text(problem, grid.cycle), status=problem.http_status)
    elif posted.faults:
        faults = cell_problems(opened, opened.shown(part.unit, part.page).rows, posted.faults.items())
        told = replace(told, problems=faults, status=422)
    elif conflicts:
        told = replace(told, text=conflicts_told(conflicts), status=409)
    elif (step := body.get("_step")) in {"enter", "look"}:
        sent = body if step == "enter" else {name: one for name, one in body.items() if name != SHOWN}
        return await enter_ready(request, opened, part, sent, posted.notes)
    return await grid_page(request, opened, part, told)


async def _with_file(
    request: Request,
    grid: ScoreGrid,
    form: FormData,
    body: dict[str, str],
    posted: PostedCells,
    problem: InputError | None,
) -> Response:
    """The answer to a script that sends a file: the list of the cell's files."""
    path = chosen_for(form)
    if problem is None and path in posted.cells:
        read = version_in(body.get(REVISION)) or 0
        await _add_evidence(get_services(request), grid, path, posted.cells[path], read)
    return file_list(request, grid.cycle, body, path, problem)


async def _store_files(services: Services, grid: ScoreGrid, form: FormData, body: dict[str, str]) -> InputError | None:
    """Store files as `store_files` does. Each unit's sheet is an act, and may have as many as any other."""
    problem = await store_files(services, grid.cycle, form, body, act_of=unit_of)
    if problem is None or problem.code != "too_many_files":
        return problem
    unit = grid.cycle.names.get(unit_of(problem.path), "")
    return QuotaError("too_many_files_of_unit", problem.path, unit=unit, **problem.facts)


async def _take(services: Services, opened: OpenGrid, part: GridPart, what: str) -> OpenGrid:
    """Fill in what is proposed; what somebody has typed into these cells meanwhile stays."""
    taken = opened.proposed(what, opened.shown(part.unit, part.page).rows)
    await _save(services, opened.grid, taken, opened.revision, apart=True)
    return await open_grid(services, opened.grid)


async def _add_evidence(services: Services, grid: ScoreGrid, path: str, value: str, read: int) -> None:
    """Save evidence with a file that was sent; what somebody else has added meanwhile stays."""
    for conflict in await _save(services, grid, {path: value}, read):
        lines = dict.fromkeys((*conflict.value.splitlines(), *value.splitlines()))
        await _save(services, grid, {path: "\n".join(lines)}, LATEST)


async def _save(
    services: Services,
    grid: ScoreGrid,
    values: Mapping[str, str],
    read: int,
    *,
    apart: bool = False,
    own_tabs: bool = False,
) -> tuple[SharedCell, ...]:
    """Save cells as `SharedDrafts.save`; returns those that are in conflict."""
    person = grid.cycle.visitor.contact.id
    return await services.shared.save(
        draft_name(grid), values, read=read, person=person, apart=apart, own_tabs=own_tabs
    )


async def _saved(
    request: Request,
    grid: ScoreGrid,
    part: GridPart,
    posted: PostedCells,
    body: Mapping[str, str],
) -> Response:
    """The answer to a script that saves cells, or fills in what is proposed.

    Where one is in conflict, none is saved. One that cannot be kept does not hold up the others.
    """
    services, since = get_services(request), version_in(body.get(REVISION)) or 0
    conflicts = await _save(services, grid, posted.cells, since)
    opened = await open_grid(services, grid)
    if TAKE in body and not conflicts:
        opened = await _take(services, opened, part, body[TAKE])
    told = with_posted(conflicts, posted.cells)
    return await _state(request, opened, part, since, conflicts=told, notes=posted.notes, faults=posted.faults)


async def _state(
    request: Request,
    opened: OpenGrid,
    part: GridPart,
    since: int,
    *,
    conflicts: Conflicts = (),
    notes: Sequence[str] = (),
    faults: Mapping[str, str] | None = None,
) -> Response:
    await opened.settle()
    people = {one.person for one in opened.saved.values() if one.revision > since}
    names = await get_services(request).application.people.names(people) if people else {}
    told = [
        {"path": one.path, "value": one.value, "mine": mine, "revision": one.revision, "text": text}
        for one, mine, text in in_words(opened, conflicts, names)
    ]
    state = state_of(opened, opened.shown(part.unit, part.page).rows, since, names)
    return JSONResponse({**state, "conflicts": told, "notes": " ".join(notes), "unkept": faults or {}})
