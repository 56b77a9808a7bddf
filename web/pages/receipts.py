"""After an act: its receipt, read from the ledger; and how to put it right when it turns out to be wrong."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from application.act_view import ActView, act_view, may_be_corrected, may_open, names_actor, why_not_corrected
from application.application import Application, CommandInput
from application.command_preview import preview
from application.command_to_form import form_of_row
from application.corrected_acts import CycleCorrections
from application.following_tasks import following_tasks
from application.gate import GateClosedError
from application.granted_awards import granted_awards
from application.met_deadlines import met_by
from application.permitted_acts import permitted_acts
from application.visits import ForbiddenError, VisitedCycle
from application.work import of_many
from domain.access import Matter
from domain.obligations import DUTY_COMMANDS
from domain.records import Command, Refused
from domain.steps.awards import HandOverObject, ObjectHandedOver
from domain.steps.conclusion import AwardsDecided, ResultsPublished
from domain.withdrawals import withdrawing
from errors import InputError
from web import urls
from web.auth import reads_cycle
from web.checks import Number
from web.render import page
from web.services import get_services

_LEAD_TO_HANDING_OVER = frozenset({AwardsDecided.NAME, ResultsPublished.NAME, ObjectHandedOver.NAME})
"""Events after whose receipts awards are handed over."""

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]


@router.get(urls.RECEIPT)
async def receipt(
    request: Request,
    cycle: ReadableCycle,
    version: Number,
    known_before: Annotated[Number, Query(alias=urls.KNOWN_BEFORE)] = 0,
) -> Response:
    """The receipt of an act. `known_before`: a colleague had entered it already."""
    application = get_services(request).application
    act = await act_view(application, cycle, version)
    first = act.first
    names = names_actor(cycle, first)
    types = {row.type for row in act.rows}
    again = await _handed_in_again(application, cycle, act)
    following = await of_many(len(cycle.history), following_tasks, cycle, types)
    hands_over = bool(types & _LEAD_TO_HANDING_OVER) and HandOverObject in permitted_acts(cycle)
    return page(
        request,
        "receipt.html",
        cycle=cycle,
        rows=act.rows,
        who=await application.people.get(first.actor) if names else None,
        of_unit=cycle.names.get(first.unit, ""),
        absent=await application.people.get(first.stand_in_for) if names and first.stand_in_for else None,
        told=act.told,
        before=bool(known_before),
        sure=first.provenance,
        deadlines=await met_by(cycle, act.rows),
        granted=granted_awards(cycle) if hands_over else (),
        following=[one for one in following if again is None or again[0] not in DUTY_COMMANDS[one.duty].done_by],
        correctable=version in may_be_corrected(cycle),
        corrected=(by := cycle.readable_state().corrections.corrected.get(version)),
        corrections=await CycleCorrections(cycle).in_words(application, {by or 0, version}),
        again=again,
        withdraw=await _can_be_withdrawn(application, cycle, version),
    )


async def _can_be_withdrawn(
    application: Application, cycle: VisitedCycle, version: int
) -> tuple[type[Command], dict[str, Any]] | None:
    """The act by which the visitor's unit can take back what it handed in, with its fields; None where it cannot."""
    row, envelope = cycle.by_version[version]
    standing = version not in cycle.readable_state().corrections.corrected
    standing = standing and not any(one.what is envelope for one in cycle.background.withdrawals.get(version, ()))
    if row.unit != cycle.visitor.unit or not standing or (found := withdrawing(envelope.event)) is None:
        return None
    act, fields = found
    if act not in permitted_acts(cycle):
        return None
    try:  # what was accepted since, or is closed by now, can no longer be taken back
        await preview(application, cycle, CommandInput(cycle.stream, act.NAME, fields))
    except (InputError, GateClosedError, Refused, ForbiddenError):
        return None
    return found


async def _handed_in_again(
    application: Application, cycle: VisitedCycle, act: ActView
) -> tuple[type[Command], int] | None:
    """The act whose form the visitor can hand in anew after it was withdrawn, with its version; None for others."""
    withdrawn = next((found for row in act.rows if (found := cycle.background.withdrawn.get(row.version))), None)
    own = withdrawn is not None and getattr(withdrawn.event, "unit", None) == cycle.visitor.unit
    if withdrawn is None or not own:
        return None
    row, _envelope = cycle.by_version[withdrawn.meta.version]
    form = await form_of_row(application, row) if may_open(cycle, row) else None
    return (form.act, row.version) if form is not None and form.act in permitted_acts(cycle) else None


@router.get(urls.CORRECTION)
async def correction(request: Request, cycle: ReadableCycle, version: Number) -> Response:
    """What can be done about an act that was wrong: enter it again as it should be, or take it out."""
    application = get_services(request).application
    act = await act_view(application, cycle, version)
    if (refusal := why_not_corrected(cycle)[version]) is not None:
        raise refusal
    return page(
        request,
        "correct.html",
        cycle=cycle,
        rows=act.rows,
        told=act.told,
        form=await form_of_row(application, act.first),
        version=version,
        sure=act.first.provenance,
    )
