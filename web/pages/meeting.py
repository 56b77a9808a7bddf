"""The minutes of a meeting: one page for all who keep them, during the meeting or days after.

Each field, row and act is saved as it is typed, under the revision that its writer had read. The minutes are checked
as a whole, with the deviations shown, and entered all or nothing, for the closing and the opening year together: one
signature, one append.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from application.act_view import may_be_corrected, names_actor
from application.corrected_acts import CycleCorrections
from application.event_texts import event_texts, persons_in
from application.fields import clean_line
from application.minutes import day_come, other_cycle, recorded_near, require_minutes_keeper
from application.minutes_cells import HEAD, ON, OTHER, is_group
from application.permitted_acts import year_takes
from application.printed_minutes import absent_at, printed_minutes
from application.slugs import SLUG
from application.visits import VisitedCycle
from domain.access import Matter
from domain.steps.commenting import CommentAdded, StanceTaken
from domain.steps.meetings import MeetingKind, RecordMeeting
from domain.steps.signatories import SignatoriesNamed
from domain.steps.signing import CovenantSigned
from errors import InputError, QuotaError
from i18n import _, ngettext
from i18n.messages import number_ranges
from web import urls
from web.act_files import FILE_STEP, chosen_for, store_files
from web.act_form import LESS, error_text, file_list, typed_text, version_in, without_row
from web.auth import checked_form, reads_cycle
from web.autosave import is_autosave, not_saved
from web.error_answers import note_retry, unstorable_text
from web.form_problems import FormProblem, form_sentence
from web.forms import new_id
from web.minutes_entering import check_page, enter
from web.minutes_faults import input_id
from web.minutes_page import Conflicts, MinutesNotes, minutes_page, minutes_state
from web.minutes_steps import press
from web.minutes_words import cell_title
from web.open_minutes import (
    CHECK,
    BegunMinutes,
    OpenMinutes,
    begin_minutes,
    begun_minutes,
    begun_near,
    open_minutes,
    other_years,
    save_cells,
)
from web.posted_minutes import BASE, PostedMinutes, all_known, cell_text, paths_around, posted_cells, with_theirs
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]
Part = Annotated[str, Query(alias=urls.PART)]

SURE = "_sure"
"""The button that begins minutes although others can be of the same meeting."""

REVISION = "_revision"
"""The field that says which revision of the minutes the page showed."""


_OF_EACH_UNIT = frozenset(event.NAME for event in (StanceTaken, CovenantSigned, CommentAdded, SignatoriesNamed))
"""Types of events that a meeting has for each unit, or that say who wrote: they stand behind what was decided."""


_BEGUN_WITH = ("id", "kind", "name", "_on", "_other")
"""The fields of the form that begins minutes."""


# Beginning ----------------------------------------------------------------------------------------------------------


@router.get(urls.MEETINGS)
async def meetings(request: Request, cycle: ReadableCycle, kind: str = "") -> Response:
    """Go on with minutes that were begun, or begin some."""
    require_minutes_keeper(cycle)
    return await _begin_page(request, cycle, {"kind": kind, "id": new_id(RecordMeeting)})


async def _begin_page(
    request: Request,
    cycle: VisitedCycle,
    typed: Mapping[str, str],
    *,
    problem: FormProblem | None = None,
    same: Sequence[BegunMinutes] = (),
    same_recorded: Sequence[str] = (),
    status: int = 200,
) -> Response:
    services = get_services(request)
    begun = await begun_minutes(services, cycle)
    meetings_held = cycle.readable_state().meetings
    return page(
        request,
        "minutes_new.html",
        status,
        cycle=cycle,
        typed={**dict.fromkeys(_BEGUN_WITH, ""), **typed},
        problems=[problem] if problem is not None else [],
        faulty={problem.path: problem.here} if problem is not None else {},
        begun=[one for one in begun if not one.dropped],
        dropped=[one for one in begun if one.dropped],
        same=same,
        same_recorded=[(id_, meetings_held[id_]) for id_ in same_recorded],
        others=await other_years(services, cycle),
        entered=list(meetings_held.items())[::-1],
        correctable=may_be_corrected(cycle),
        kinds=get_args(MeetingKind),
        shut=not year_takes(cycle, RecordMeeting),
    )


@router.post(urls.MEETINGS)
async def begin(request: Request, cycle: ReadableCycle) -> Response:
    """Begin minutes, unless others can be of the same meeting and that was not said."""
    form = await checked_form(request)
    require_minutes_keeper(cycle)
    services = get_services(request)
    typed = {name: str(form.get(name, "")).strip() for name in _BEGUN_WITH}
    typed["id"] = typed["id"] or new_id(RecordMeeting)
    try:
        on = await _checked_head(request, cycle, typed)
        begun = await begun_minutes(services, cycle)
        if typed["id"] not in {one.meeting for one in begun} and SURE not in form:
            same, recorded = begun_near(begun, typed["kind"], on), recorded_near(cycle, typed["kind"], on)
            if same or recorded:
                return await _begin_page(request, cycle, typed, same=same, same_recorded=recorded, status=409)
        head = {ON: typed["_on"], OTHER: typed["_other"]}
        head |= {f"{HEAD}.kind": typed["kind"], f"{HEAD}.name": typed["name"]}
        await begin_minutes(services, cycle, typed["id"], head)
    except InputError as error:
        text = form_sentence(error)
        where = {"_on": "when-on", "kind": "f-kind", "name": "f-name", "_other": "f-other"}.get(error.path, "")
        problem = FormProblem(text, text, error.path if where else "", where)
        status = error.http_status if isinstance(error, QuotaError) else 422
        return await _begin_page(request, cycle, typed, problem=problem, status=status)
    return RedirectResponse(urls.minutes_url(cycle.stream, typed["id"]), 303)


async def _checked_head(request: Request, cycle: VisitedCycle, typed: Mapping[str, str]) -> date:
    """The day of the meeting, once all that was typed of it can be used.

    Raises:
        InputError
    """
    try:
        SLUG.validate_python(typed["id"])
    except ValidationError:
        raise InputError("field_bad", place="id", found=typed["id"]) from None
    on = day_come(typed["_on"], cycle, "_on")
    if typed["kind"] not in get_args(MeetingKind):
        raise InputError("meeting_without_kind", "kind")
    clean_line(typed["name"], "name")
    if typed["_other"] and await other_cycle(get_services(request).application, cycle.visitor, typed["_other"]) is None:
        raise InputError("not_yours_to_say", "_other")
    return on


# Writing ------------------------------------------------------------------------------------------------------------


@router.get(urls.MINUTES)
async def minutes(
    request: Request,
    cycle: ReadableCycle,
    meeting: str,
    part: Part = "",
    whole: Annotated[str, Query(alias=urls.WHOLE)] = "",
) -> Response:
    """A part of the minutes as they stand; once they are entered, what was recorded."""
    opened, elsewhere = await _being_written(request, cycle, meeting)
    if opened is None:
        return RedirectResponse(elsewhere, 303)
    name = urls.minutes_part(part)
    if name == CHECK:
        return await check_page(request, opened, MinutesNotes())
    return await minutes_page(request, opened, name, MinutesNotes(whole=bool(whole)))


async def _being_written(request: Request, cycle: VisitedCycle, meeting: str) -> tuple[OpenMinutes | None, str]:
    """Minutes that are being written; or None, and where they lead: they were entered, or thrown away.

    Raises:
        ForbiddenError, InputError: as `open_minutes`.
    """
    require_minutes_keeper(cycle)
    if meeting in cycle.state.meetings:
        return None, urls.recorded_minutes_url(cycle.stream, meeting)
    opened = await open_minutes(get_services(request), cycle, meeting)
    return (None, urls.meetings_url(cycle.stream)) if opened.is_dropped else (opened, "")


@router.get(urls.MINUTES_CHANGES)
async def changes(
    request: Request,
    cycle: ReadableCycle,
    meeting: str,
    part: Part = "",
    since: Annotated[str, Query(alias=urls.FROM)] = "",
) -> Response:
    """What others have saved since a revision, and who writes, for a page that is open."""
    opened, _elsewhere = await _being_written(request, cycle, meeting)
    if opened is None:
        return JSONResponse({"over": True})
    return JSONResponse(
        await minutes_state(get_services(request), opened, urls.minutes_part(part), version_in(since) or 0)
    )


@router.post(urls.MINUTES)
async def write(request: Request, cycle: ReadableCycle, meeting: str, part: Part = "") -> Response:
    """Save cells; begin, take out or put back a row or an act; or enter all of it."""
    form = await checked_form(request, storable=False)
    require_minutes_keeper(cycle)
    services, body = get_services(request), typed_text(form)
    if meeting in cycle.state.meetings:
        return _over(request, urls.recorded_minutes_url(cycle.stream, meeting), _("These minutes are entered already."))
    opened, name = await open_minutes(services, cycle, meeting), urls.minutes_part(part)
    if opened.is_dropped and body.get("_step") != "undrop":
        text = _("Somebody has thrown these minutes away. They can be put back on the page of the meetings.")
        return _over(request, urls.meetings_url(cycle.stream), text)
    problem = await store_files(services, cycle, form, body)
    try:
        if body.get("_step") == FILE_STEP:
            if (unstorable := unstorable_text(body)) is not None:
                raise unstorable
            return await _with_file(request, opened, form, body, problem)
        if problem is not None:
            raise problem
        return await _written(request, opened, name, form, body)
    except InputError as error:
        note_retry(error)
        text = error_text(error, cycle)
        if is_autosave(request):
            return not_saved(request, text, error.http_status)
        told = MinutesNotes(text=text, status=error.http_status)
        return await minutes_page(request, await open_minutes(services, cycle, meeting), name, told)


def _over(request: Request, url: str, text: str) -> Response:
    """The answer to a page whose minutes are written no more."""
    return not_saved(request, text, 409) if is_autosave(request) else RedirectResponse(url, 303)


async def _written(request: Request, opened: OpenMinutes, name: str, form: FormData, body: dict[str, str]) -> Response:
    """Save what was typed, and do what the button says."""
    services, cycle, meeting = get_services(request), opened.cycle, opened.minutes.id
    read, scripted = version_in(body.get(REVISION)) or 0, is_autosave(request)
    posted = posted_cells(opened, form, body, changed=not scripted)
    typed = posted.cells
    unkept = (
        ""
        if all_known(opened, form)
        else _(
            "Something that you typed is not kept: what it belongs to is not in these minutes any more. "
            "Load the page again."
        )
    )
    year = typed.pop(OTHER, None)
    own, both = {**typed}, with_theirs(opened, typed, body)
    typed |= both
    alone = {path: value for path, value in typed.items() if path not in both}
    found = await save_cells(services, opened, alone, read, own_tabs=not scripted)
    found += await save_cells(services, opened, both, opened.revision)
    conflicts: Conflicts = [(one, typed[one.path]) for one in found]
    if year is not None and year != opened.value(OTHER):
        if year and await other_cycle(services.application, cycle.visitor, year) is None:
            raise InputError("not_yours_to_say")
        conflicts = [*conflicts, *((one, year) for one in await save_cells(services, opened, {OTHER: year}, read))]
    shorter = _without_row(opened, body)
    together = with_theirs(opened, shorter, body)
    if clash := [path for path in shorter if path not in together and opened.kept(path) and f"{BASE}{path}" in body]:
        # A row whose cell a colleague has changed, too: taking it out would take theirs with it.
        conflicts = [*conflicts, *((opened.saved[path], shorter.pop(path)) for path in clash)]
    shorter |= together
    opened = await open_minutes(services, cycle, meeting)
    done = await press(services, opened, body, shorter)
    opened = await open_minutes(services, cycle, meeting)
    if scripted:
        state = await minutes_state(services, opened, name, read, conflicts, typed)
        told = {
            "anew": done.anew or year is not None,
            "focus": done.focus,
            "unkept": unkept,
            "merged": [path for path, value in both.items() if value != own[path]],
            "refused": {input_id(name): text for name, text in posted.faults.items()},
        }
        return JSONResponse({**state, **told})
    if posted.faults:
        told_at = MinutesNotes(conflicts=conflicts, problems=_problems(opened, posted), status=422)
        return await minutes_page(request, opened.showing(posted.unkept), name, told_at)
    if conflicts:
        text = _("A colleague has changed the same meanwhile, and nothing of it is overwritten: choose below.")
        return await minutes_page(request, opened, name, MinutesNotes(conflicts=conflicts, text=text, status=409))
    if unkept:
        return await minutes_page(request, opened, name, MinutesNotes(text=unkept, status=409))
    if body.get("_step") == "enter":
        return await enter(request, opened, body)
    if more := body.get("_more", ""):
        return await minutes_page(request, opened, name, MinutesNotes(more=more))
    url = done.url or urls.minutes_url(cycle.stream, meeting, part=done.part or name)
    return RedirectResponse(f"{url}#{done.focus}" if done.focus else url, 303)


def _problems(opened: OpenMinutes, posted: PostedMinutes) -> list[FormProblem]:
    """Why cells could not be kept, each at its input."""
    return [
        FormProblem(f"{cell_title(opened, path)}: {text}", text, name, input_id(name))
        for name, text in posted.faults.items()
        for path in paths_around(name)
        if path in posted.unkept
    ]


def _without_row(opened: OpenMinutes, body: Mapping[str, str]) -> dict[str, str]:
    """The cell of which a button takes a row out, without that row; nothing where no such button was pressed."""
    row, left = body.get(LESS, ""), {**body}
    without_row(left)
    path = _cell_around(opened, row)
    return {path: cell_text(path, left)} if path else {}


def _cell_around(opened: OpenMinutes, name: str) -> str:
    """The path of the cell of several inputs that a name stands in; "" for no cell that the visitor may write."""
    return next((path for path in paths_around(name) if is_group(path) and opened.accepts(path)), "")


async def _with_file(
    request: Request, opened: OpenMinutes, form: FormData, body: dict[str, str], problem: InputError | None
) -> Response:
    """Save the cell for which a file was sent; the answer is the list of its files."""
    services, path = get_services(request), chosen_for(form)
    cell, read = _cell_around(opened, path), version_in(body.get(REVISION)) or 0
    if problem is None and cell and await save_cells(services, opened, {cell: cell_text(cell, body)}, read):
        text = _("A colleague has changed this meanwhile. Load the page again to see it, and send the file once more.")
        return page(request, "file_list.html", 409, path=path, value=body.get(path, ""), text=text)
    return file_list(request, opened.cycle, body, path, problem)


# What was recorded --------------------------------------------------------------------------------------------------


@router.get(urls.RECORDED_MINUTES)
async def recorded(
    request: Request, cycle: ReadableCycle, meeting: str, entered: Annotated[str, Query(alias=urls.ENTERED_AS)] = ""
) -> Response:
    """The minutes of a recorded meeting: to read, to print."""
    held = cycle.readable_state().meetings.get(meeting)
    if held is None:
        raise InputError("no_such_minutes", meeting=meeting)
    application = get_services(request).application
    pairs = [
        (row, envelope)
        for row, envelope in cycle.readable_history()
        if row.version == held.version or (row.meeting == meeting and row.type != "MeetingHeld")
    ]
    words = await event_texts(application, cycle.background, (envelope for _row, envelope in pairs))
    lines = {row.version: (row, one) for (row, _envelope), one in zip(pairs, words, strict=True)}
    head = lines.pop(held.version, None)
    corrected = cycle.readable_state().corrections.corrected
    standing = [
        (envelope, one)
        for (row, envelope), one in zip(pairs, words, strict=True)
        if row.version not in corrected or row.version == held.version
    ]
    persons = persons_in((held.event, *(envelope.event for envelope, _one in standing)))
    first, entry = cycle.by_version[held.version]
    told_by = not entry.meta.provenance.source and names_actor(cycle, first)
    people = await application.people.names({*persons, *([first.actor] if told_by else [])})
    writer = people.get(first.actor, "") if told_by else ""
    names = {**people, **cycle.background.titled}
    return page(
        request,
        "minutes_read.html",
        cycle=cycle,
        held=held,
        head=None if head is None else head[1],
        lines=sorted(lines.values(), key=lambda pair: pair[0].type in _OF_EACH_UNIT),
        main=sum(row.type not in _OF_EACH_UNIT for row, _one in lines.values()),
        entered_text=ngettext(
            "{count} entry is entered, number {numbers}:",
            "{count} entries are entered, numbers {numbers}:",
            len(pairs),
        ).format(count=len(pairs), numbers=number_ranges(row.version for row, _envelope in pairs)),
        printed=printed_minutes(cycle, held, standing, names, writer),
        absent=absent_at(cycle, held),
        meeting=meeting,
        entered=version_in(entered) == held.version,
        corrections=(corrections := CycleCorrections(cycle)),
        corrected=corrected,
        replacing=corrections.replacing,
        sure=held.sureness,
    )
