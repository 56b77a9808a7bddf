"""Pages of a cycle beside the cluster's own: the visitor's clusters, the points of all units, a sheet, a paper."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from application.score_sheets import most_points
from application.score_tables import criteria_in_order, reasons_in, score_table, score_tables
from application.visits import VisitedCycle, Visitor
from application.work import of_many
from domain.access import Matter
from domain.scoring.scores import calculated_scores
from errors import InputError
from i18n.values import Words, round_title, total_told
from ledger.paging import PageRequest
from projections.board import title_of
from web import urls
from web.auth import reads, reads_cycle
from web.downloads import TableExtension, as_table
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]


@router.get(urls.CYCLES)
async def mine(
    request: Request,
    visitor: Annotated[Visitor, Depends(reads(Matter.OWN))],
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
) -> Response:
    """The clusters that the visitor's unit belongs to, over all years, and those that the visitor oversees."""
    board = get_services(request).board
    await board.wait_until_reached(visitor.login.position)
    found = await board.cycles_page(visitor.unit, PageRequest(number), overseer=visitor.contact.id)
    return page(request, "mine.html", title_of=title_of, lines=found.rows, pager=Pager(found, urls.CYCLES))


@router.get(urls.SCORES)
async def scores(request: Request, cycle: ReadableCycle) -> Response:
    """The totals of all units, as far as the reader may see them: a sheet to print and to sign."""
    found = await of_many(len(cycle.history), score_table, cycle)
    return page(
        request,
        "scores.html",
        cycle=cycle,
        state=cycle.readable_state(),
        scores=found,
        names=cycle.names,
        round_title=round_title,
        total_told=total_told,
        words_of=Words(cycle.background.titled, {}),
        wide=True,
    )


@router.get(urls.SCORES_DOWNLOAD)
async def scores_download(request: Request, cycle: ReadableCycle, extension: TableExtension) -> Response:
    """The totals of all units for a spreadsheet; a workbook has the points by criterion on a sheet of their own."""
    texts = await get_services(request).application.texts.get(reasons_in(cycle))
    tables = await of_many(len(cycle.history), score_tables, cycle, texts)
    return await as_table(extension, f"{cycle.stream.replace('/', '-')}-diem", *tables)


@router.get(urls.SCORE_SHEET)
async def sheet(request: Request, cycle: ReadableCycle, unit: str) -> Response:
    """A unit's score sheet in all rounds side by side, as far as the reader may see them."""
    state, rules = cycle.readable_state(), cycle.rules
    if unit not in cycle.names:
        raise InputError("no_such_unit", unit=unit, known=", ".join(name for _unit, name in cycle.units()))
    order = rules.rounds_in_order(r for of, r in state.scores if of == unit)
    rounds = [name for name in order if (unit, name) in state.scores]
    entries = {name: {item.criterion: item for item in state.scores[unit, name].sheet} for name in rounds}
    texts = await get_services(request).application.texts.get(
        {item.reason for sheet in entries.values() for item in sheet.values() if item.reason}
    )
    totals = {name: found for name in rounds if (found := calculated_scores(state, rules, name).get(unit)) is not None}
    results = {name: {line.criterion: line for line in found.lines} for name, found in totals.items()}
    return page(
        request,
        "sheet.html",
        cycle=cycle,
        unit=unit,
        rounds=rounds,
        entries=entries,
        texts=texts,
        results=results,
        totals=totals,
        most=most_points(cycle, unit),
        nodes=list(criteria_in_order(rules.criteria)),
        wide=True,
        sure=max((state.scores[unit, name].sureness for name in rounds), default=None),
    )
