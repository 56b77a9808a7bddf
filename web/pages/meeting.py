"""Meeting mode: for whoever keeps the minutes, during the meeting or days after.

What is typed is kept at once, act by act. It is checked as a whole, with the deviations shown, and entered all or
nothing, for the closing and the opening year together: one signature, one append.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError

from application.engine import RefusedError
from application.fields import FormField, form_fields, parse_day
from audit.replay import digests_in
from domain.access import Matter
from domain.codec import plain
from domain.commands import parse_command
from domain.steps.meetings import RecordMeeting
from domain.types import Command, Refused, Slug
from errors import CodedError, InputError, Kind
from i18n import _
from i18n.messages import sentence, word
from i18n.timeline import describe, voice
from i18n.words import kind_of
from web.auth import COOKIE, Cycle, checked_form, reads_cycle
from web.forms import as_fields, inputs, typed
from web.minutes import (
    STANCES,
    Checked,
    Minutes,
    all_said,
    check,
    keep,
    minutes_of,
    must_keep_minutes,
    other_of,
    place_of,
)
from web.pages.acting import FORM_ERRORS, said_of, take_files
from web.permitted_acts import permitted_acts, require_permitted
from web.reauthentication import address_of, reauthenticated
from web.render import page
from web.services import services
from web.sheets import sheet_of

router = APIRouter(include_in_schema=False)
Seen = Annotated[Cycle, Depends(reads_cycle(Matter.CYCLE))]

_SLUG: TypeAdapter[str] = TypeAdapter(Slug)
IN_MEETINGS = (
    "present-draft",
    "take-stance",
    "take-stance-together",
    "comment",
    "sign",
    "sign-jointly",
    "name-witnesses",
    "decline-to-sign",
    "assign-role",
    "register-targets",
    "state-contents",
    "report-result",
    "score-round",
    "record-totals",
    "record-ballot",
    "rank",
    "exclude-unit",
    "nominate",
    "choose-next",
    "record-letter",
    "note-disagreement",
    "submit",
)
_GRID = ("present", "stance", "sign")
CLOSED = frozenset(
    {
        "ScoresAppraised",
        "RoundScored",
        "AwardsDecided",
        "AwardHeld",
        "AwardReleased",
        "AwardAnnulled",
    }
)
"""What minutes do not show to members before publication."""


@router.get("/cum/{organiser}/{year}/{cluster}/hoi-nghi")
async def begin(request: Request, cycle: Seen, kind: str = "", sua: str = "") -> Response:
    """Begin minutes, go on with some, or change the head of some (`sua`)."""
    must_keep_minutes(cycle)
    if sua:
        minutes = await minutes_of(services(request), cycle, sua)
        return await _header(request, cycle, minutes.header, minutes.on, other=minutes.other)
    begun = [
        (place.rsplit("/", 1)[-1], saved)
        for place, saved in await services(request).drafts.list(cycle.visitor.contact.id)
        if place.startswith(f"{cycle.path}/hoi-nghi/")
    ]
    return await _header(request, cycle, {"kind": kind} if kind else {}, "", begun=begun)


async def _header(
    request: Request,
    cycle: Cycle,
    values: Mapping[str, Any],
    on: str,
    *,
    text: str = "",
    other: str = "",
    begun: Sequence[Any] = (),
    more: tuple[str, ...] = (),
) -> Response:
    work = services(request)
    lines = await work.board.lines(open_only=True)
    own = cycle.stream.split("/")
    others = [
        (line["cycle"], f"{line['cluster']}, {line['year']}")
        for line in lines
        if line["cycle"] != cycle.stream and line["cycle"].split("/")[0] == own[0]
    ]
    people = await work.office.people.everyone() if cycle.may(Matter.PEOPLE) else ()
    return page(
        request,
        "minutes_new.html",
        422 if text else 200,
        cycle=cycle,
        fields=inputs(RecordMeeting, values, more),
        on=on,
        text=text,
        begun=begun,
        others=others,
        other=other,
        units=_units(cycle),
        people=people,
    )


def _units(cycle: Cycle) -> list[tuple[str, str]]:
    units = (*cycle.state.membership.members(), cycle.state.lifecycle.organiser)
    return [(unit, cycle.names.get(unit, unit)) for unit in units]


@router.post("/cum/{organiser}/{year}/{cluster}/hoi-nghi")
async def begun(request: Request, cycle: Seen) -> Response:
    """Keep the meeting's own data and go on to what was decided."""
    form = await checked_form(request)
    must_keep_minutes(cycle)
    values, on, other = typed(form), str(form.get("_on", "")), str(form.get("_other", ""))
    values.setdefault("id", f"hn-{uuid4().hex[:6]}")
    if "_more" in form:
        return await _header(request, cycle, values, on, other=other, more=(str(form["_more"]),))
    try:
        id_ = _SLUG.validate_python(str(values["id"]))
        parse_day(on, "_on")
        if not values.get("kind"):
            raise InputError("meeting_without_kind")
        parse_command(RecordMeeting.NAME, as_fields(RecordMeeting, {**values, "id": id_}))
        work = services(request)
        before = await work.drafts.load(cycle.visitor.contact.id, place_of(cycle, id_))
        minutes = Minutes(id_, **before[0]) if before is not None else Minutes(id_, on, values)
    except (InputError, Refused, ValidationError) as error:
        text = said_of(error, cycle) if isinstance(error, CodedError) else sentence("field_bad", {"place": "id"})
        return await _header(request, cycle, values, on, text=text, other=other)
    minutes.on, minutes.header, minutes.other = on, values, other
    minutes.meeting_id = minutes.meeting_id or str(uuid4())
    await keep(work, cycle, minutes)
    return RedirectResponse(place_of(cycle, id_), 303)


@router.get("/cum/{organiser}/{year}/{cluster}/hoi-nghi/{meeting}")
async def minutes_page(request: Request, cycle: Seen, meeting: str) -> Response:
    """The minutes as they stand."""
    return await _page(request, cycle, await minutes_of(services(request), cycle, meeting))


async def _page(
    request: Request,
    cycle: Cycle,
    minutes: Minutes,
    *,
    text: str = "",
    checked: Checked | None = None,
    status: int = 200,
) -> Response:
    can = {act.NAME for act in permitted_acts(cycle)}
    lines = []
    for number, one in enumerate(minutes.acts):
        act = Command.KNOWN[one["act"]]
        fields, values = {field.name: field for field in form_fields(act)}, as_fields(act, one["values"])
        shown = "; ".join(leaf for name, value in values.items() for leaf in _leaves(fields[name], value, cycle.names))
        lines.append((number, one["act"], shown, one["stream"]))
    return page(
        request,
        "minutes.html",
        status,
        cycle=cycle,
        minutes=minutes,
        text=text,
        checked=checked,
        lines=lines,
        choices=[name for name in IN_MEETINGS if name in can],
        stances=STANCES,
        members=_units(cycle)[:-1],
        signed=cycle.state.signing.signatures,
        place=place_of(cycle, minutes.id),
        wide=True,
    )


def _leaves(field: FormField, value: Any, names: Mapping[str, str]) -> list[str]:
    """The values inside a field, each in words."""
    if isinstance(value, Mapping):
        parts = {part.name: part for part in field.parts}
        return [leaf for name, entry in value.items() for leaf in _leaves(parts.get(name, field), entry, names)]
    if isinstance(value, (list, tuple)):
        return [leaf for entry in value for leaf in _leaves(field, entry, names)]
    kind = kind_of(field.choice_type)
    return [names.get(str(value)) or (word(kind, value) if kind else str(value))]


@router.post("/cum/{organiser}/{year}/{cluster}/hoi-nghi/{meeting}")
async def minutes_step(request: Request, cycle: Seen, meeting: str) -> Response:
    """Keep, take an act out, check, or enter."""
    form = await checked_form(request)
    work = services(request)
    minutes = await minutes_of(work, cycle, meeting)
    step = str(form.get("_step", "check"))
    if "unit-grid" in form:
        minutes.units = {
            unit: found
            for unit, _name in _units(cycle)
            if (found := {n: str(form[f"{n}:{unit}"]) for n in _GRID if form.get(f"{n}:{unit}")})
        }
    if step.startswith("out:") and step.removeprefix("out:").isdigit():
        minutes.acts = [one for n, one in enumerate(minutes.acts) if n != int(step.removeprefix("out:"))]
    await keep(work, cycle, minutes)
    if step == "add" and form.get("act"):
        return RedirectResponse(f"{place_of(cycle, meeting)}/viec/moi?act={form['act']}", 303)
    if step == "drop":
        await work.drafts.drop(cycle.visitor.contact.id, place_of(cycle, meeting))
        return RedirectResponse(cycle.path, 303)
    if step in {"check", "enter"}:
        password = str(form.get("_password", ""))
        return await _check_or_enter(request, cycle, minutes, enter=step == "enter", password=password)
    return RedirectResponse(place_of(cycle, meeting), 303)


async def _check_or_enter(request: Request, cycle: Cycle, minutes: Minutes, *, enter: bool, password: str) -> Response:
    work, visitor = services(request), cycle.visitor
    try:
        said = all_said(cycle, minutes)
        checked = await check(work, cycle, said)
        if not enter:
            return await _page(request, cycle, minutes, checked=checked)
        if checked.binding and not await reauthenticated(work, visitor.contact.id, password, address_of(request)):
            text = sentence("password_does_not_fit")
            return await _page(request, cycle, minutes, checked=checked, text=text, status=422)
        receipt = await work.office.submit(
            cycle.stream,
            visitor.signs_as,
            said,
            strength=visitor.login.strength,
            stand_in_for=visitor.absent.id if visitor.absent is not None else None,
        )
    except FORM_ERRORS as error:
        text = said_of(error, cycle)
        if isinstance(error, RefusedError) and error.index is not None:
            text = f"{_('In line {number}').format(number=error.index)}: {text}"
        away = error.kind in {Kind.PENDING, Kind.AWAY}
        return await _page(request, cycle, minutes, text=text, status=503 if away else 422)
    await work.drafts.drop(visitor.contact.id, place_of(cycle, minutes.id))
    version = receipt.outcomes[0].versions[0]
    await work.accounts.moved_to(request.cookies.get(COOKIE, ""), await work.office.ledger.last_position())
    return RedirectResponse(f"{cycle.path}/bien-ban/{minutes.id}?vao-so={version}", 303)


# One act of the minutes ---------------------------------------------------------------------


@router.get("/cum/{organiser}/{year}/{cluster}/hoi-nghi/{meeting}/viec/{number}")
async def act_form(request: Request, cycle: Seen, meeting: str, number: str, act: str = "") -> Response:
    """The form of one act of the minutes."""
    minutes = await minutes_of(services(request), cycle, meeting)
    if number.isdigit() and int(number) < len(minutes.acts):
        one = minutes.acts[int(number)]
        return await _act(request, cycle, minutes, number, one["act"], one["values"], one["stream"])
    return await _act(request, cycle, minutes, "moi", act, {}, cycle.stream)


async def _act(
    request: Request,
    cycle: Cycle,
    minutes: Minutes,
    number: str,
    name: str,
    values: Mapping[str, Any],
    stream: str,
    *,
    more: tuple[str, ...] = (),
    text: str = "",
) -> Response:
    act = require_permitted(cycle, name)
    people = await services(request).office.people.everyone() if cycle.may(Matter.PEOPLE) else ()
    other = await other_of(services(request), cycle.visitor, minutes)
    shown = other if other is not None and stream == minutes.other else cycle
    return page(
        request,
        "minutes_act.html",
        422 if text else 200,
        cycle=cycle,
        minutes=minutes,
        number=number,
        act=act,
        fields=inputs(act, values, more),
        units=_units(shown),
        people=people,
        stream=stream,
        other=other,
        text=text,
        awards=[(one.id, one.title) for one in cycle.rules.awards],
        place=place_of(cycle, minutes.id),
        sheet=sheet_of(shown, act, values),
        about=_((act.__doc__ or "").strip().splitlines()[0]),
    )


@router.post("/cum/{organiser}/{year}/{cluster}/hoi-nghi/{meeting}/viec/{number}")
async def keep_act(request: Request, cycle: Seen, meeting: str, number: str) -> Response:
    """Keep one act in the minutes."""
    form = await checked_form(request)
    work = services(request)
    minutes = await minutes_of(work, cycle, meeting)
    name = str(form.get("_act", ""))
    body = {key: str(value) for key, value in form.multi_items() if isinstance(value, str)}
    wrong = await take_files(work, cycle, form, body)
    values = typed(body)
    stream = str(form.get("_stream", cycle.stream))
    if stream not in {cycle.stream, minutes.other}:
        stream = cycle.stream
    if wrong:
        return await _act(request, cycle, minutes, number, name, values, stream, text=wrong)
    if "_more" in form or str(form.get("_step")) == "edit":
        return await _act(request, cycle, minutes, number, name, values, stream, more=(str(form.get("_more", "")),))
    require_permitted(cycle, name)
    one = {"id": uuid4().hex, "act": name, "values": values, "stream": stream}
    if number.isdigit() and int(number) < len(minutes.acts):
        one["id"] = minutes.acts[int(number)]["id"]
        minutes.acts[int(number)] = one
    else:
        minutes.acts.append(one)
    await keep(work, cycle, minutes)
    return RedirectResponse(place_of(cycle, meeting), 303)


@router.get("/cum/{organiser}/{year}/{cluster}/bien-ban/{meeting}")
async def recorded(request: Request, cycle: Seen, meeting: str) -> Response:
    """The minutes of a meeting as the register holds them: to read, to print."""
    held = cycle.state.meetings.get(meeting)
    if held is None:
        raise InputError("no_such_minutes", meeting=meeting)
    rows = [(row, told) for row, told in cycle.history if row.meeting == meeting]
    if not cycle.may(Matter.ALL_SCORES):
        rows = [(row, told) for row, told in rows if row.type not in CLOSED]
    texts = await services(request).office.texts.get(digests_in([plain(told.event) for _row, told in rows]))
    return page(
        request,
        "minutes_read.html",
        cycle=cycle,
        held=held,
        names=cycle.names,
        voice=voice,
        lines=[(row, describe(told, cycle.names, texts)) for row, told in rows if row.type != "MeetingHeld"],
        sure=held.sureness,
    )
