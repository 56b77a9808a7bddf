"""Pages of a cycle beside the cluster's own: the visitor's clusters, the points of all units, a sheet, a paper."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from application.comment_threads import threads
from application.comparison import compared
from application.corrected_acts import CycleCorrections
from application.permitted_acts import permitted_acts
from application.score_tables import criteria_in_order, reasons_in, score_table, score_tables
from application.visits import VisitedCycle, Visitor
from application.work import of_many
from domain.access import Matter
from domain.scoring.scores import calculated_scores
from errors import InputError
from i18n.values import Words, round_title, total_told, voice
from ledger.paging import Paged, PageRequest
from projections.board import title_of
from web import urls
from web.auth import reads, reads_cycle
from web.checks import Number
from web.downloads import TableExtension, as_table
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]
COMMENTS = "y-kien"
"""The anchor of the comments on a page."""


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
        nodes=list(criteria_in_order(rules.criteria)),
        wide=True,
        sure=max((state.scores[unit, name].sureness for name in rounds), default=None),
    )


@router.get(urls.DRAFT)
async def draft(
    request: Request,
    cycle: ReadableCycle,
    kind: str,
    first: Annotated[Number, Query(alias=urls.FROM)] = 0,
    second: Annotated[Number, Query(alias=urls.TO)] = 0,
    number: Annotated[PageNumber, Query(alias=urls.COMMENTS_PAGE)] = 1,
) -> Response:
    """A paper in its versions; what changed between two of them is marked. Comments on it beside."""
    state = cycle.readable_state()
    versions = state.drafts.get(kind, ())  # type: ignore[call-overload]
    if not versions:
        raise InputError("nothing_presented", kind=kind)
    numbers = [one.number for one in versions]
    new = second if second in numbers else numbers[-1]
    old = first if first in numbers else max(1, new - 1)
    comments = [c for c in state.comments.comments.values() if c.on in {None, kind}]
    shown = Paged.of(await of_many(len(comments), threads, comments), PageRequest(number))
    stays = {urls.FROM: first or "", urls.TO: second or ""}
    taken = (*state.comments.stances.values(), *state.comments.collective_stances)
    stances = [one for one in taken if one.on in {None, kind}]
    texts = await get_services(request).application.texts.get(
        {one.document.text for one in versions if one.document.text}
        | {one.comment.text for one in shown.rows}
        | {one.text for one in stances if one.text}
    )
    by_number = {one.number: texts.get(one.document.text or "", "") for one in versions}
    return page(
        request,
        "draft.html",
        cycle=cycle,
        kind=kind,
        corrections=CycleCorrections(cycle),
        versions=versions,
        old=old,
        new=new,
        texts=texts,
        compared=await compared(by_number[old], by_number[new]),
        threads=shown.rows,
        comments_pager=Pager(shown, urls.draft_url(cycle.stream, kind), stays, urls.COMMENTS_PAGE, COMMENTS),
        voice=voice,
        names=cycle.names,
        stances=stances,
        permitted={act.NAME for act in permitted_acts(cycle)},
        sure=versions[-1].sureness,
    )
