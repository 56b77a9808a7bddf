"""Meeting mode: the form of one act of the minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from application.fields import clean_fields
from application.form_values import as_fields, nested
from application.minutes import Minutes, other_cycle
from application.permitted_acts import require_permitted
from application.score_sheets import sheet_of
from application.titled_choices import titled_choices
from application.visits import VisitedCycle
from domain.access import Matter
from domain.numbers import whole_number
from errors import InputError, QuotaError
from i18n import _
from web import quotas, urls
from web.act_files import FILE_STEP, REMOVE, chosen_for, store_files
from web.act_form import file_list, suggested_persons, typed_text, without_row
from web.auth import checked_form, reads_cycle
from web.form_problems import ActProblems, all_errors
from web.forms import inputs, without_made
from web.minutes_drafts import keep_minutes, kept_minutes
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]


@router.get(urls.MINUTES_ACT)
async def act_form(request: Request, cycle: ReadableCycle, meeting: str, number: str, act: str = "") -> Response:
    """The form of one act of the minutes."""
    minutes = await kept_minutes(get_services(request), cycle, meeting)
    if (index := _index(minutes, number)) is not None:
        one = minutes.acts[index]
        return await _act(request, cycle, minutes, number, one["act"], one["values"], one["stream"])
    return await _act(request, cycle, minutes, urls.NEW_ACT, act, {}, cycle.stream)


def _index(minutes: Minutes, number: str) -> int | None:
    """The index of an act that the minutes hold; None for a new one."""
    index = whole_number(number)
    return index if index is not None and index < len(minutes.acts) else None


async def _act(
    request: Request,
    cycle: VisitedCycle,
    minutes: Minutes,
    number: str,
    name: str,
    values: Mapping[str, Any],
    stream: str,
    *,
    more: tuple[str, ...] = (),
    back_to: str = "",
    problem: InputError | None = None,
) -> Response:
    act = require_permitted(cycle, name)
    services = get_services(request)
    other = await other_cycle(services.application, cycle.visitor, minutes.other)
    acted_in = other if other is not None and stream == minutes.other else cycle
    fields = inputs(act, values, more, rehearsal=services.application.rehearsal, back_to=back_to)
    sheet = sheet_of(acted_in, act, values)
    errors = [] if problem is None else await all_errors(services, act, as_fields(act, values), problem)
    problems = ActProblems(acted_in, act, values, fields, sheet).of(errors)
    return page(
        request,
        "minutes_act.html",
        200 if problem is None else problem.http_status,
        cycle=cycle,
        minutes=minutes,
        number=number,
        act=act,
        fields=fields,
        problems=problems,
        faulty={one.path: one.here for one in reversed(problems) if one.path},
        units=acted_in.units(),
        people=await suggested_persons(services, cycle),
        stream=stream,
        other=other,
        titled=titled_choices(acted_in, act),
        sheet=sheet,
        about=_(act.SUMMARY),
    )


@router.post(urls.MINUTES_ACT)
async def keep_act(request: Request, cycle: ReadableCycle, meeting: str, number: str) -> Response:
    """Keep one act in the minutes."""
    form = await checked_form(request)
    services = get_services(request)
    minutes = await kept_minutes(services, cycle, meeting)
    name = str(form.get("_act", ""))
    body = typed_text(form)
    problem, shorter = await store_files(services, cycle, form, body), without_row(body)
    values = nested(body.items())
    stream = str(form.get("_stream", cycle.stream))
    other = await other_cycle(services.application, cycle.visitor, minutes.other)
    if other is None or stream != other.stream:
        stream = cycle.stream
    if str(form.get("_step")) == FILE_STEP:
        return file_list(request, cycle, body, chosen_for(form), problem)
    if problem is None and len(minutes.acts) >= quotas.ACTS_IN_MINUTES and _index(minutes, number) is None:
        problem = QuotaError("too_many_acts_in_minutes", most=quotas.ACTS_IN_MINUTES)
    if problem is not None:
        return await _act(request, cycle, minutes, number, name, values, stream, problem=problem)
    if "_more" in form or shorter or REMOVE in form or str(form.get("_step")) == "edit":
        more = (str(form.get("_more", "")),)
        return await _act(request, cycle, minutes, number, name, values, stream, more=more, back_to=shorter)
    known = require_permitted(cycle, name)
    values = without_made(known, values)
    try:
        clean_fields(known, values)
    except InputError as error:
        return await _act(request, cycle, minutes, number, name, values, stream, problem=error)
    one = {"id": uuid4().hex, "act": name, "values": values, "stream": stream}
    if (index := _index(minutes, number)) is not None:
        one["id"] = minutes.acts[index]["id"]
        minutes.acts[index] = one
    else:
        minutes.acts.append(one)
    try:
        await keep_minutes(services, cycle, minutes)
    except QuotaError as error:
        return await _act(request, cycle, minutes, number, name, values, stream, problem=error)
    return RedirectResponse(urls.minutes_url(cycle.stream, meeting), 303)
