"""Workbooks of scores: a cluster's points with formulas, and a unit's sheet to fill in without a connection."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from application.act_defaults import default_values
from application.offline_sheets import offline_sheet
from application.permitted_acts import require_permitted
from application.score_sheets import sheet_of
from application.score_workbook import book_of, score_workbook
from application.spreadsheets import WORKBOOK
from application.visits import VisitedCycle
from application.work import beside
from domain.access import Matter
from errors import NotFoundError
from web import urls
from web.act_form import draft_path, parse_act_form, typed_values
from web.auth import reads_cycle
from web.downloads import as_attachment
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]


@router.get(urls.SCORE_WORKBOOK)
async def workbook(cycle: ReadableCycle) -> Response:
    """The points that count, as far as the reader may see them, in a workbook whose sums and ranks are formulas."""
    body = await beside(lambda: score_workbook(book_of(cycle)))
    return as_attachment(body, f"{cycle.stream.replace('/', '-')}-diem-cong-thuc.xlsx", WORKBOOK)


@router.get(urls.ACT_SHEET)
async def act_sheet(request: Request, cycle: ReadableCycle, act: str) -> Response:
    """The score sheet of an act's form, with what the form holds.

    Raises:
        NotFoundError: `page_not_found`: the form has no sheet, or does not know yet of which unit and round.
    """
    known = require_permitted(cycle, act)
    path = draft_path(request, urls.form_of_sheet(request.url.path))
    kept = await get_services(request).drafts.load(cycle.visitor.contact.id, path)
    if kept is None:
        values = {**default_values(cycle, known), **typed_values(request.query_params)}
    else:
        values = dict(parse_act_form(known, kept[0]).values)
    sheet = sheet_of(cycle, known, values)
    if sheet is None or not sheet.round:
        raise NotFoundError("page_not_found")
    body = await beside(offline_sheet, cycle, sheet)
    name = "-".join((*cycle.stream.split("/"), sheet.unit, "bang-cham"))
    return as_attachment(body, f"{name}.xlsx", WORKBOOK)
