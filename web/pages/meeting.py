"""Meeting mode: for the person who keeps the minutes, during the meeting or days after.

What is typed is kept at once, act by act. It is checked as a whole, with the deviations shown, and entered all or
nothing, for the closing and the opening year together: one signature, one append.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from application.application import CommandInput
from application.corrected_acts import CycleCorrections
from application.engine import RefusedError
from application.event_texts import event_texts
from application.fields import FormField, clean_fields, form_fields, parse_day
from application.form_values import as_fields, flattened, nested
from application.minutes import (
    STANCES,
    Minutes,
    MinutesCheck,
    check,
    command_inputs,
    other_cycle,
    require_minutes_keeper,
)
from application.permitted_acts import permitted_acts
from application.slugs import SLUG
from application.visits import VisitedCycle
from domain.access import Matter
from domain.commands import parse_command
from domain.file_references import with_file_names
from domain.numbers import whole_number
from domain.records import Command, Refused
from domain.steps.meetings import RecordMeeting
from domain.titles import TitleKind, title_key
from errors import CodedError, InputError, Kind, QuotaError
from i18n import _
from i18n.fields import field_label
from i18n.messages import sentence, word
from i18n.values import vote_subject
from i18n.words import kind_of
from ledger.paging import PageRequest
from web import urls
from web.act_form import FORM_ERRORS, error_text, suggested_persons, typed_text, without_row
from web.auth import checked_form, reads_cycle
from web.autosave import is_autosave, not_saved
from web.cookies import cookie_secret
from web.form_problems import ActProblems, all_errors
from web.forms import inputs, new_id
from web.minutes_drafts import keep_minutes, kept_minutes
from web.reauthentication import address_of, reauthenticated
from web.render import page
from web.services import get_services
from web.signing_mail import tell_of_signature

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]

_ANSWERS = ("present", "stance", "sign")
"""What the table of units asks of each unit."""


@router.get(urls.MEETINGS)
async def begin(
    request: Request, cycle: ReadableCycle, kind: str = "", edited: Annotated[str, Query(alias=urls.EDITED)] = ""
) -> Response:
    """Begin minutes, go on with some, or change the head of some that are `edited`."""
    require_minutes_keeper(cycle)
    services = get_services(request)
    if edited:
        minutes = await kept_minutes(services, cycle, edited)
        return await _header(request, cycle, minutes.header, minutes.on, other=minutes.other)
    before = f"{urls.meetings_url(cycle.stream)}/"
    person = cycle.visitor.contact.id
    begun = [
        (path.removeprefix(before), _of_meeting((await services.drafts.load(person, path) or ({},))[0]), saved)
        for path, saved in (await services.drafts.page(person, PageRequest(), under=before)).rows
    ]
    return await _header(request, cycle, {"kind": kind} if kind else {}, "", begun=begun)


def _of_meeting(draft: Mapping[str, Any]) -> str:
    """The name and the day of the meeting whose minutes a draft is."""
    header = draft.get("header", {})
    kind = str(header.get("kind", ""))
    return ", ".join(filter(None, (header.get("name") or (kind and word("meeting", kind)), draft.get("on"))))


async def _header(
    request: Request,
    cycle: VisitedCycle,
    values: Mapping[str, Any],
    on: str,
    *,
    errors: Sequence[CodedError] = (),
    other: str = "",
    begun: Sequence[Any] = (),
    more: tuple[str, ...] = (),
    back_to: str = "",
    status: int = 200,
) -> Response:
    services, organiser = get_services(request), cycle.state.lifecycle.organiser
    others = [
        (stream, f"{name}, {year}")
        for stream, name, year in await services.board.open_cycles(organiser)
        if stream != cycle.stream
    ]
    fields = inputs(RecordMeeting, values, more, rehearsal=services.application.rehearsal, back_to=back_to)
    problems = ActProblems(cycle, RecordMeeting, values, fields, None).of(errors)
    return page(
        request,
        "minutes_new.html",
        status,
        cycle=cycle,
        fields=fields,
        on=on,
        problems=problems,
        faulty={one.path: one.here for one in reversed(problems) if one.path},
        begun=begun,
        others=others,
        other=other,
        units=cycle.units(),
        people=await suggested_persons(services, cycle),
    )


@router.post(urls.MEETINGS)
async def begun(request: Request, cycle: ReadableCycle) -> Response:
    """Keep the meeting's own data and go on to what was decided."""
    form = await checked_form(request)
    require_minutes_keeper(cycle)
    body = typed_text(form)
    shorter = without_row(body)
    values, on, other = nested(body.items()), str(form.get("_on", "")), str(form.get("_other", ""))
    values.setdefault("id", new_id(RecordMeeting))
    if "_more" in form or shorter:
        more = (str(form.get("_more", "")),)
        return await _header(request, cycle, values, on, other=other, more=more, back_to=shorter)
    services = get_services(request)
    try:
        id_ = SLUG.validate_python(str(values["id"]))
        parse_day(on, "_on")
        if not values.get("kind"):
            raise InputError("meeting_without_kind", "kind")
        clean = clean_fields(RecordMeeting, {**values, "id": id_}).values
        parse_command(RecordMeeting.NAME, as_fields(RecordMeeting, clean))
        if other and await other_cycle(services.application, cycle.visitor, other) is None:
            raise InputError("not_yours_to_say")
        before = await services.drafts.load(cycle.visitor.contact.id, urls.minutes_url(cycle.stream, id_))
        minutes = Minutes(id_, **before[0]) if before is not None else Minutes(id_, on, values)
        minutes.on, minutes.header, minutes.other = on, values, other
        minutes.meeting_id = minutes.meeting_id or str(uuid4())
        await keep_minutes(services, cycle, minutes, new=before is None)
    except (InputError, Refused, ValidationError) as error:
        first = error if isinstance(error, CodedError) else InputError("field_bad", place="id", found=values["id"])
        status = first.http_status if isinstance(first, QuotaError) else 422
        fields = as_fields(RecordMeeting, values)
        errors = [first] if first.path == "_on" else await all_errors(services, RecordMeeting, fields, first)
        return await _header(request, cycle, values, on, errors=errors, other=other, status=status)
    return RedirectResponse(urls.minutes_url(cycle.stream, id_), 303)


@router.get(urls.MINUTES)
async def minutes_page(request: Request, cycle: ReadableCycle, meeting: str) -> Response:
    """The minutes as they stand."""
    return await _page(request, cycle, await kept_minutes(get_services(request), cycle, meeting))


async def _page(
    request: Request,
    cycle: VisitedCycle,
    minutes: Minutes,
    *,
    text: str = "",
    faulty: str = "",
    checked: MinutesCheck | None = None,
    status: int = 200,
) -> Response:
    typed = set(flattened({str(n): one["values"] for n, one in enumerate(minutes.acts)}).values())
    names = {**await get_services(request).application.people.names(typed), **cycle.background.titled}
    lines = []
    for index, one in enumerate(minutes.acts):
        act = Command.KNOWN[one["act"]]
        fields, values = {field.name: field for field in form_fields(act)}, as_fields(act, one["values"])
        leaves = [leaf for name, value in values.items() for leaf in _leaves(fields[name], value, names)]
        lines.append((index, one["act"], "; ".join(leaves), one["stream"]))
    return page(
        request,
        "minutes.html",
        status,
        cycle=cycle,
        minutes=minutes,
        text=text,
        faulty=faulty,
        checked=checked,
        lines=lines,
        choices=[act.NAME for act in permitted_acts(cycle) if act.IN_MINUTES],
        stances=STANCES,
        members=cycle.members(),
        signed=cycle.readable_state().signing.signatures,
        other=(await get_services(request).board.titles({minutes.other})).get(minutes.other, ""),
        wide=True,
    )


def _leaves(field: FormField, value: Any, names: Mapping[str, str]) -> list[str]:
    """The innermost values of a field, each in words with its label; keys are left out."""
    if field.name == "id" and field.kind == "line":
        return []
    if isinstance(value, Mapping):
        parts = {part.name: part for part in field.parts}
        return [leaf for name, entry in value.items() for leaf in _leaves(parts.get(name, field), entry, names)]
    if isinstance(value, (list, tuple)):
        return [leaf for entry in value for leaf in _leaves(field, entry, names)]
    kind, text = kind_of(field.choice_type), str(value)
    if isinstance(value, bool):
        return [f"{field_label(field.name)}: {_('yes') if value else _('no')}"]
    title = next((names[key] for key in (text, *(title_key(one, text) for one in _TITLED)) if names.get(key)), None)
    if title is None and field.name == "subject" and kind is None:
        title = vote_subject(text, names)
    return [f"{field_label(field.name)}: {title or (word(kind, value) if kind else with_file_names(text))}"]


_TITLED: tuple[TitleKind, ...] = ("award", "criterion", "round", "letter")


@router.post(urls.MINUTES)
async def minutes_step(request: Request, cycle: ReadableCycle, meeting: str) -> Response:
    """Keep, take an act out, check, or enter: as the button says."""
    form = await checked_form(request)
    services = get_services(request)
    minutes = await kept_minutes(services, cycle, meeting)
    step, own_url = str(form.get("_step", "check")), urls.minutes_url(cycle.stream, meeting)
    if "unit-grid" in form:
        minutes.units = {
            unit: answers
            for unit, _name in cycle.units()
            if (answers := {one: str(form[f"{one}:{unit}"]) for one in _ANSWERS if form.get(f"{one}:{unit}")})
        }
    if step.startswith("out:"):
        left_out = whole_number(step.removeprefix("out:"))
        minutes.acts = [one for n, one in enumerate(minutes.acts) if n != left_out]
    try:
        await keep_minutes(services, cycle, minutes)
    except QuotaError as error:
        if step not in {"enter", "drop"}:  # entering needs no draft, and dropping one makes room
            text = error_text(error, cycle)
            if is_autosave(request):
                return not_saved(request, text, error.http_status)
            return await _page(request, cycle, minutes, text=text, status=error.http_status)
    if step == "add" and form.get("act"):
        return RedirectResponse(urls.minutes_act_url(cycle.stream, meeting, urls.NEW_ACT, act=str(form["act"])), 303)
    if step == "drop":
        await services.drafts.drop(cycle.visitor.contact.id, own_url)
        return RedirectResponse(urls.cycle_url(cycle.stream), 303)
    if step in {"check", "enter"}:
        password = str(form.get("_password", ""))
        return await _check_or_enter(request, cycle, minutes, enter=step == "enter", password=password)
    if is_autosave(request):
        return page(request, "saved.html", sheet=None, notes=(), problem="", is_new=False)
    return RedirectResponse(own_url, 303)


async def _check_or_enter(
    request: Request, cycle: VisitedCycle, minutes: Minutes, *, enter: bool, password: str
) -> Response:
    services, visitor = get_services(request), cycle.visitor
    commands: Sequence[CommandInput] = ()
    try:
        commands = command_inputs(cycle, minutes)
        checked = await check(services.application, visitor, commands)
        if not enter:
            return await _page(request, cycle, minutes, checked=checked)
        if checked.binding and not await reauthenticated(services, visitor.contact.id, password, address_of(request)):
            text = sentence("password_does_not_fit")
            return await _page(request, cycle, minutes, checked=checked, text=text, faulty="_password", status=422)
        submitter = visitor.submitter(confirmed=checked.binding)
        receipt = await services.application.submit(cycle.stream, submitter, commands)
    except FORM_ERRORS as error:
        text = error_text(error, cycle)
        if isinstance(error, RefusedError) and error.index is not None:
            text = f"{_part(error.index, len(commands) - len(minutes.acts))}: {text}"
        status = {Kind.PENDING: 503, Kind.AWAY: 503, Kind.FORBIDDEN: 403}.get(error.kind, 422)
        return await _page(request, cycle, minutes, text=text, status=status)
    await tell_of_signature(services, visitor.contact, commands, receipt)
    await services.drafts.drop(visitor.contact.id, urls.minutes_url(cycle.stream, minutes.id))
    await services.accounts.moved_to(cookie_secret(request), await services.application.ledger.last_position())
    version = receipt.outcomes[0].versions[0]
    return RedirectResponse(urls.recorded_minutes_url(cycle.stream, minutes.id, version), 303)


def _part(index: int, before: int) -> str:
    """The part of the minutes that a command comes from, in words; `before`: so many come before the listed acts."""
    if index >= before:
        return _("In line {number}").format(number=index - before + 1)
    return _("In the table of the units") if index else _("In the head of the minutes")


@router.get(urls.RECORDED_MINUTES)
async def recorded(request: Request, cycle: ReadableCycle, meeting: str) -> Response:
    """The minutes of a recorded meeting: to read, to print."""
    held = cycle.readable_state().meetings.get(meeting)
    if held is None:
        raise InputError("no_such_minutes", meeting=meeting)
    pairs = [
        (row, envelope)
        for row, envelope in cycle.readable_history()
        if row.version == held.version or (row.meeting == meeting and row.type != "MeetingHeld")
    ]
    words = await event_texts(
        get_services(request).application, cycle.background, (envelope for _row, envelope in pairs)
    )
    lines = {row.version: (row, one) for (row, _envelope), one in zip(pairs, words, strict=True)}
    head = lines.pop(held.version, None)
    return page(
        request,
        "minutes_read.html",
        cycle=cycle,
        held=held,
        head=None if head is None else head[1],
        lines=list(lines.values()),
        meeting=meeting,
        corrections=(corrections := CycleCorrections(cycle)),
        corrected=cycle.readable_state().corrections.corrected,
        replacing=corrections.replacing,
        sure=held.sureness,
    )
