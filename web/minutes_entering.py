"""Checking minutes as a whole, and entering them: all of it or nothing, once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from application.engine import RefusedError
from application.minutes import PARTS, PlannedCommand, check, planned
from errors import CodedError, Kind
from i18n import _
from i18n.messages import sentence
from web import urls
from web.act_form import FORM_ERRORS, error_text
from web.answers import note_position
from web.form_problems import MOST, FormProblem
from web.minutes_faults import MinutesFault, all_faults, cell_anchor
from web.minutes_page import MinutesNotes, minutes_page
from web.minutes_words import cell_title
from web.open_minutes import CHECK, OpenMinutes
from web.reauthentication import address_of, reauthenticated
from web.services import get_services
from web.signing_mail import tell_of_signature

SHOWN = "_shown"
"""The field that says what the page has shown: a digest of the commands that it would enter."""


async def check_page(request: Request, opened: OpenMinutes, told: MinutesNotes) -> Response:
    """What would be recorded, with the button that does it; or what is wrong, each with the way to its line."""
    services = get_services(request)
    if opened.elsewhere:
        return await minutes_page(request, opened, CHECK, replace(told, text=told.text or _elsewhere_text()))
    if faults := await all_faults(services, opened, unfinished=True):
        return await minutes_page(request, opened, CHECK, replace(told, faults=faults))
    plan: Sequence[PlannedCommand] = ()
    try:
        plan = _plan(opened)
        checked = await check(services.application, opened.cycle.visitor, [one.command for one in plan])
    except FORM_ERRORS as error:
        fault = _fault(opened, plan, error)
        return await minutes_page(request, opened, CHECK, replace(told, faults=[fault]))
    if checked.refused:
        faults = [_fault(opened, plan, one) for one in checked.refused[:MOST]]
        return await minutes_page(request, opened, CHECK, replace(told, faults=faults))
    return await minutes_page(request, opened, CHECK, replace(told, checked=checked, shown=_digest(plan)))


def _elsewhere_text() -> str:
    return _(
        "These minutes also decide for another year, whose minutes you do not keep. Somebody who keeps the minutes of "
        "both years can enter them; what you wrote stays."
    )


def _plan(opened: OpenMinutes) -> list[PlannedCommand]:
    """The commands of the minutes, with those who wrote them where they are more than the one who enters them."""
    together = set(opened.writers) - {opened.person}
    prepared = sorted(opened.writers) if together else ()
    return planned(opened.cycle, opened.minutes, names=opened.names, prepared=prepared)


def _digest(plan: Sequence[PlannedCommand]) -> str:
    said = [[one.command.stream, one.command.act, one.command.fields, str(one.command.happened)] for one in plan]
    return sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]


async def enter(request: Request, opened: OpenMinutes, form: Mapping[str, str]) -> Response:
    """Enter the minutes, if they are what the page has shown; then their record."""
    services, visitor, cycle = get_services(request), opened.cycle.visitor, opened.cycle
    plan: Sequence[PlannedCommand] = ()
    try:
        plan = [] if opened.elsewhere else _plan(opened)
        if not plan or form.get(SHOWN) != _digest(plan):
            text = _("This is not what the page showed when you sent it. Nothing is sent yet: look at it once more.")
            return await check_page(request, opened, MinutesNotes(text=text if form.get(SHOWN) else "", status=409))
        binding = await _is_binding(request, plan)
        password = form.get("_password", "")
        if binding and not await reauthenticated(services, visitor.contact.id, password, address_of(request)):
            told = MinutesNotes(text=sentence("password_does_not_fit"), faulty="_password", status=422)
            return await check_page(request, opened, told)
        commands = [one.command for one in plan]
        receipt = await services.application.submit(cycle.stream, visitor.submitter(confirmed=binding), commands)
    except FORM_ERRORS as error:
        if error.kind not in {Kind.PENDING, Kind.AWAY} and await _is_recorded(request, opened):
            return RedirectResponse(urls.recorded_minutes_url(cycle.stream, opened.minutes.id), 303)
        return await _not_entered(request, opened, plan, error)
    await tell_of_signature(services, visitor.contact, commands, receipt)
    await services.shared.mark_sent(opened.draft, list(opened.saved), until=opened.revision)
    await note_position(request)
    version = receipt.outcomes[0].versions[0]
    return RedirectResponse(urls.recorded_minutes_url(cycle.stream, opened.minutes.id, version), 303)


async def _is_binding(request: Request, plan: Sequence[PlannedCommand]) -> bool:
    gate = get_services(request).application.gate
    return any([await gate.binds(one.command) for one in plan])


async def _is_recorded(request: Request, opened: OpenMinutes) -> bool:
    """Whether a colleague has entered the same minutes meanwhile."""
    state, _rules = await get_services(request).application.state(opened.cycle.stream)
    return opened.minutes.id in state.meetings


async def _not_entered(
    request: Request, opened: OpenMinutes, plan: Sequence[PlannedCommand], error: CodedError
) -> Response:
    fault, status = (
        _fault(opened, plan, error),
        {Kind.PENDING: 503, Kind.AWAY: 503, Kind.FORBIDDEN: 403}.get(error.kind, 422),
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        again = _("Nothing you typed is lost. The same button again does nothing twice.")
        return await check_page(request, opened, MinutesNotes(text=f"{fault.problem.text} {again}", status=503))
    return await minutes_page(request, opened, CHECK, MinutesNotes(faults=[fault], status=status))


def _fault(opened: OpenMinutes, plan: Sequence[PlannedCommand], error: CodedError) -> MinutesFault:
    """Why the minutes cannot be entered, and in which line: the part, and the place on its page."""
    text = error_text(error, opened.cycle)
    index = error.index if isinstance(error, RefusedError) else None
    if index is None or index >= len(plan) or not plan[index].path:
        return MinutesFault(PARTS[0], FormProblem(text, text))
    one = plan[index]
    told = f"{cell_title(opened, one.path)}: {text}"
    return MinutesFault(one.part, FormProblem(told, text, one.path, cell_anchor(one.path)))
