"""After an act: its receipt, read from the ledger; and how to put it right when it turns out to be wrong."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from application.command_to_form import form_of_row
from domain.access import Matter
from web.act_view import act_view, may_be_corrected, why_not_corrected
from web.auth import Cycle, reads_cycle
from web.render import page
from web.services import services

router = APIRouter(include_in_schema=False)
Seen = Annotated[Cycle, Depends(reads_cycle(Matter.CYCLE))]


@router.get("/cum/{organiser}/{year}/{cluster}/bien-nhan/{version}")
async def receipt(request: Request, cycle: Seen, version: int, truoc: int = 0) -> Response:
    """The receipt of an act. `truoc`: a colleague had said it before."""
    work = services(request)
    act = await act_view(work, cycle, version)
    who = await work.office.people.get(act.first.actor)
    absent = await work.office.people.get(act.first.stand_in_for) if act.first.stand_in_for else None
    return page(
        request,
        "receipt.html",
        cycle=cycle,
        rows=act.rows,
        who=who,
        absent=absent,
        sentences=act.sentences,
        before=bool(truoc),
        sure=act.first.provenance,
        correctable=version in may_be_corrected(cycle),
        corrected=cycle.state.corrections.corrected.get(version),
    )


@router.get("/cum/{organiser}/{year}/{cluster}/sua/{version}")
async def put_right(request: Request, cycle: Seen, version: int) -> Response:
    """What can be done about an act that was wrong: enter it again as it should be, or take it out."""
    work = services(request)
    act = await act_view(work, cycle, version)
    if (refusal := why_not_corrected(cycle)[version]) is not None:
        raise refusal
    said = await form_of_row(work.office, act.first)
    return page(
        request,
        "correct.html",
        cycle=cycle,
        rows=act.rows,
        sentences=act.sentences,
        said=said,
        version=version,
        sure=act.first.provenance,
    )
