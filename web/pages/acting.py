"""Acting: one act per page, and a summary of what would be recorded before it is sent.

What is typed is saved while the person types. The form carries the command's id from the first page on, so sending it
again, by a second click or after a lost answer, does nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from application.act_defaults import default_values
from application.act_subjects import subject_of
from application.act_view import ActView, act_view
from application.application import CommandInput
from application.command_to_form import days_in_words, happened_of
from application.corrections import correction_draft
from application.event_texts import event_texts
from application.extension_requests import ExtensionRequest, requests_of
from application.form_values import as_typed
from application.gate import GateClosedError
from application.granted_awards import granted_awards
from application.met_deadlines import owed_by_form
from application.permitted_acts import may_date, permitted_acts, require_permitted, year_takes
from application.score_sheets import sheet_of
from application.visits import ForbiddenError, VisitedCycle
from domain.access import Matter
from domain.records import Command
from domain.steps.awards import HandOverObject
from domain.steps.conclusion import DecideAwards, Nominate
from domain.steps.corrections import CorrectAct
from domain.steps.drafting import PresentDraft
from domain.steps.extensions import GrantExtension, RefuseExtension
from domain.steps.targets import RegisterTargets
from domain.times import day_ending
from errors import CodedError, InputError, Kind, QuotaError
from i18n import _
from i18n.messages import day, sentence, word
from i18n.page_texts import STEPS
from i18n.sorting import folded
from i18n.timeline import EventText
from web import urls
from web.act_files import FILE_STEP, REMOVE, chosen_for, store_files
from web.act_form import (
    FORM_ERRORS,
    ActForm,
    asked,
    draft_path,
    error_text,
    file_list,
    offered_choices,
    parse_act_form,
    suggested_persons,
    typed_text,
    typed_values,
    version_in,
    without_row,
)
from web.act_summary import FROM_FORM, IN_TIME, SHOWN, Summary, command_of, summary_of, summary_so_far
from web.auth import checked_form, reads_cycle
from web.autosave import is_autosave, not_saved
from web.entering import enter
from web.error_answers import note_retry, unstorable_text
from web.form_problems import ActProblems, FormProblem, all_errors
from web.forms import inputs
from web.offline_sheets import OFFLINE_STEP, OfflineForm, read_upload
from web.other_answers import other_answer
from web.reauthentication import address_of, reauthenticated
from web.render import act_title, clock_time, page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]

WITH_TEXT = frozenset({"present-draft", "report-midyear", "answer-correction"})
"""Acts whose document is typed or pasted as a text."""
TAKES_BACK = frozenset({"correct", "withdraw-report", "withdraw-score", "withdraw-stance"})
"""Acts by which head and deputy can take back what another unit entered: the form asks for the meeting that decided."""
_OF_MEMBERS = frozenset({Nominate, DecideAwards})
"""Acts that name members only: the organiser is not among what is offered."""
_MEETING_DECIDES = TAKES_BACK | {"assign-cross-checks", "cross-check", "rank", "score-self"}
_OPENS_WITH: Mapping[type[Command], tuple[str, ...]] = {RegisterTargets: ("targets 3",)}
"""Lists that are opened with so many empty rows: most units fill in several."""
MARKED = "_marked"
"""The field of a form whose page marks inputs as wrong."""
_NOT_KEPT = frozenset({"_form", "_password", "_step", "_more", "_less", IN_TIME, SHOWN, MARKED})
"""Fields of the form that its draft does not hold."""


@router.get(urls.ACTS)
async def choose(
    request: Request, cycle: ReadableCycle, words: Annotated[str, Query(alias=urls.WORDS)] = ""
) -> Response:
    """Every act that the visitor may enter, by matter; with `words`, those whose name, matter or purpose has them."""
    wanted = folded(words).split()
    groups: dict[str, list[tuple[str, str, str]]] = {_(title): [] for title in STEPS.values()}
    for act in permitted_acts(cycle):
        matter = _(STEPS[act.__module__.rsplit(".", 1)[-1]])
        purpose = _(act.SUMMARY).replace("`", "")
        text = folded(f"{act_title(act.NAME)} {matter} {purpose}")
        if act.NAME != "open-cycle" and all(one in text for one in wanted):
            # What is corrected is chosen among the entries: their numbers are not known by heart.
            at = urls.recorded_url(cycle.stream) if act is CorrectAct else urls.act_url(cycle.stream, act.NAME)
            groups[matter].append((act.NAME, purpose, at))
    found = {matter: acts for matter, acts in groups.items() if acts}
    return page(request, "choose.html", cycle=cycle, groups=found, words=words)


@router.get(urls.ACT)
async def form(request: Request, cycle: ReadableCycle, act: str) -> Response:
    """The form of an act: as it was left, or as the link fills it in."""
    wrong = version_in(request.query_params.get(urls.CORRECTS))
    known = require_permitted(cycle, act, correcting=wrong is not None)
    services = get_services(request)
    kept = await services.drafts.load(cycle.visitor.contact.id, draft_path(request, request.url.path))
    if kept is not None:
        body, saved = kept
        if urls.SUMMARY in request.query_params:
            return await _summary(request, cycle, parse_act_form(known, body))
        return await _form(request, cycle, parse_act_form(known, body), saved=saved)
    if urls.SUMMARY in request.query_params:  # a browser's Back after it was sent
        return RedirectResponse(draft_path(request, request.url.path), 303)
    if wrong is not None:
        return await _form(request, cycle, await _correcting_form(services, cycle, known, wrong))
    if (again := version_in(request.query_params.get(urls.AGAIN))) is not None:
        return await _form(request, cycle, await _form_again(services, cycle, known, again))
    values = {**default_values(cycle, known), **typed_values(request.query_params)}
    opened = ActForm(known, values, uuid4(), read=len(cycle.history))
    return await _form(request, cycle, opened, more=_OPENS_WITH.get(known, ()))


async def _correcting_form(services: Services, cycle: VisitedCycle, act: type[Command], version: int) -> ActForm:
    """The form as it was when the wrong act was entered, to be changed where it was wrong."""
    row, wrong = await correction_draft(services.application, cycle, act, version)
    return ActForm(
        act,
        as_typed(act, wrong.fields),
        uuid4(),
        on=days_in_words(happened_of(row)),
        source=row.source,
        meeting=row.meeting or "",
        corrects=version,
    )


async def _form_again(services: Services, cycle: VisitedCycle, act: type[Command], version: int) -> ActForm:
    """The form filled in with an act that was withdrawn, or with the version of a draft that a new one replaces."""
    if act is PresentDraft:
        return await _new_version(services, cycle, version)
    _row, withdrawn = await correction_draft(services.application, cycle, act, version)
    return ActForm(act, as_typed(act, withdrawn.fields), uuid4(), read=len(cycle.history))


async def _new_version(services: Services, cycle: VisitedCycle, version: int) -> ActForm:
    """The form of a draft's next version, with title and text of the one that was presented by the act `version`."""
    drafts = cycle.readable_state().drafts
    found = next(((kind, one) for kind, of in drafts.items() for one in of if one.version == version), None)
    if found is None:
        raise InputError("no_such_act", version=version)
    kind, draft = found
    document = {"title": draft.document.title} if draft.document.title else {}
    if draft.document.text and (text := (await services.application.texts.get({draft.document.text}))):
        document["text"] = text[draft.document.text]
    values = {**default_values(cycle, PresentDraft), "kind": kind, "document": document, "term": draft.term}
    return ActForm(PresentDraft, as_typed(PresentDraft, values), uuid4(), read=len(cycle.history))


@router.post(urls.ACT)
async def send(request: Request, cycle: ReadableCycle, act: str) -> Response:
    """Save, show the summary, or send: as the button says."""
    posted = await checked_form(request, storable=False)
    services, corrects = get_services(request), version_in(posted.get(urls.CORRECTS))
    known = require_permitted(cycle, act, correcting=corrects is not None)
    body = typed_text(posted)
    file_problem, shorter = await store_files(services, cycle, posted, body), without_row(body)
    act_form, step = parse_act_form(known, body), str(posted.get("_step", "look"))
    draft_problem = await _keep(request, cycle, body, step)
    problem = draft_problem or file_problem
    if step == FILE_STEP:
        listed = file_list(request, cycle, body, chosen_for(posted), problem)
        listed.headers["HX-Trigger-After-Swap"] = "filed"  # what would be recorded has the file now
        return listed
    if problem is not None:
        return await _unusable(request, cycle, act_form, problem)
    if step == OFFLINE_STEP:
        return await _filled_offline(request, cycle, act_form, body, posted)
    if "_more" in body or shorter or REMOVE in posted or step == "edit":
        return await _form(request, cycle, act_form, more=(body.get("_more", ""),), back_to=shorter)
    if step == "save":
        return await _saved(request, cycle, act_form, posted)
    if step == "drop":
        await services.drafts.drop(cycle.visitor.contact.id, draft_path(request, request.url.path))
        return RedirectResponse(urls.cycle_url(cycle.stream), 303)
    sends = step == "send" or (step == FROM_FORM and SHOWN in posted)
    if not sends:  # the summary is a page of its own: a browser's Back and Reload show it again
        summary = urls.with_query(request.url.path, {urls.SUMMARY: 1})
        return RedirectResponse(f"{summary}&{asked(request)}".rstrip("&"), 303)
    return await _entered(request, cycle, act_form, posted)


async def _filled_offline(
    request: Request, cycle: VisitedCycle, act_form: ActForm, body: dict[str, str], posted: FormData
) -> Response:
    """The form with what a sheet holds that was filled in elsewhere; as it was, where that cannot be used."""
    try:
        read = await read_upload(cycle, act_form, body, posted)
    except InputError as error:
        read = OfflineForm(body, [error], [])
    if not read.faults:
        act_form = parse_act_form(act_form.act, read.body)
        if (problem := await _keep(request, cycle, read.body, "save")) is not None:
            read.faults.append(problem)
    good = " ".join(read.notes) if not read.faults else ""
    return await _form(request, cycle, act_form, errors=read.faults, good=good, status=422 if read.faults else 200)


async def _entered(request: Request, cycle: VisitedCycle, act_form: ActForm, posted: FormData) -> Response:
    """The receipt of the act that is entered; its summary or form again where it cannot be."""
    try:
        return await _check_and_send(request, cycle, act_form, posted)
    except FORM_ERRORS as error:
        return await _not_entered(request, cycle, act_form, error)


async def _check_and_send(request: Request, cycle: VisitedCycle, act_form: ActForm, posted: FormData) -> Response:
    """Send what was shown, unless it would be recorded otherwise by now, or the password does not fit."""
    services = get_services(request)
    command = await command_of(services, cycle, act_form)
    has_been_sent = any(row.command_id == command.command_id for row in cycle.rows)
    if not has_been_sent and (IN_TIME in posted or posted.get("_step") == FROM_FORM):
        summary = await summary_of(services, cycle, act_form)
        if text := _otherwise_by_now(summary, posted):
            return await _preview(request, cycle, summary, text=text, status=409)
    confirmed = await services.application.gate.binds(command)
    if confirmed and not await _proved(request, cycle, posted):
        text = sentence("password_does_not_fit" if posted.get("_password") else "password_needed")
        return await _preview(request, cycle, await summary_of(services, cycle, act_form), text=text, status=422)
    return await _send(request, cycle, command, confirmed=confirmed)


def _otherwise_by_now(summary: Summary, posted: FormData) -> str:
    """What to tell before an act is sent that would be recorded otherwise than its summary said; "" where it would not.

    A summary can have said that the act is in time.
    """
    late = [one for one in summary.found.deadlines if one.late]
    if IN_TIME in posted and late:
        text = _(
            "The deadline has passed since you looked at the summary: {duty}, due {day}. Nothing is sent yet. Sent "
            "now, it is recorded as done after the deadline; you can send it all the same, or ask for more time."
        )
        return text.format(duty=word("duty", late[0].duty), day=day(day_ending(late[0].due)))
    if posted.get("_step") == FROM_FORM and posted.get(SHOWN) != summary.mark:
        return _("This is not what the page showed when you sent it. Nothing is sent yet: look at it once more.")
    return ""


async def _keep(request: Request, cycle: VisitedCycle, body: dict[str, str], step: str) -> InputError | None:
    """Keep what was typed as a draft; return why it cannot be kept."""
    if (unstorable := unstorable_text(body)) is not None:
        return unstorable
    draft = {name: value for name, value in body.items() if name not in _NOT_KEPT}
    try:
        await get_services(request).drafts.save(cycle.visitor.contact.id, draft_path(request, request.url.path), draft)
    except QuotaError as error:
        return (
            None if step in {"send", FROM_FORM, "drop"} else error
        )  # sending needs no draft, and dropping one makes room
    return None


async def _unusable(request: Request, cycle: VisitedCycle, act_form: ActForm, problem: InputError) -> Response:
    """The form again, or for a script that saves it the part that says why it is not saved."""
    note_retry(problem)
    text = error_text(problem, cycle)
    if is_autosave(request):
        return not_saved(request, text, problem.http_status)
    return await _form(request, cycle, act_form, errors=(problem,), status=problem.http_status)


async def _summary(request: Request, cycle: VisitedCycle, act_form: ActForm) -> Response:
    """What would be recorded of a form that was kept; the form itself where it cannot be."""
    try:
        return await _preview(request, cycle, await summary_of(get_services(request), cycle, act_form))
    except FORM_ERRORS as error:
        return await _not_entered(request, cycle, act_form, error)


async def _not_entered(request: Request, cycle: VisitedCycle, act_form: ActForm, error: CodedError) -> Response:
    """The form again, with what is wrong and where, or with the advice to try again."""
    if error.kind in {Kind.PENDING, Kind.AWAY}:
        return await _form(request, cycle, act_form, errors=(error,), again=True, status=503)
    if isinstance(error, GateClosedError):
        return await _form(request, cycle, act_form, errors=(error,), status=403)
    errors = await all_errors(get_services(request), act_form.act, act_form.fields, error)
    since: tuple[EventText, ...] = ()
    if error.code == "changed_since":  # shown with the form, which is now based on it
        newer = [pair[1] for pair in cycle.readable_history() if pair[1].meta.version > int(error.facts["read"])]
        since = await event_texts(get_services(request).application, cycle.background, newer)
        act_form = replace(act_form, read=len(cycle.history))
    return await _form(request, cycle, act_form, errors=errors, since=since, status=422)


async def _proved(request: Request, cycle: VisitedCycle, posted: FormData) -> bool:
    password = str(posted.get("_password", ""))
    if not password:  # no attempt
        return False
    return await reauthenticated(get_services(request), cycle.visitor.contact.id, password, address_of(request))


async def _form(
    request: Request,
    cycle: VisitedCycle,
    act_form: ActForm,
    *,
    errors: Sequence[CodedError] = (),
    again: bool = False,
    good: str = "",
    more: tuple[str, ...] = (),
    back_to: str = "",
    status: int = 200,
    saved: Any = None,
    since: tuple[EventText, ...] = (),
) -> Response:
    """The form's page. `errors` are what is wrong with what was typed, each of which may name a field."""
    services, dated = get_services(request), may_date(cycle)
    fields = inputs(
        act_form.act,
        act_form.values,
        more,
        with_text=act_form.act.NAME in WITH_TEXT,
        rehearsal=services.application.rehearsal,
        back_to=back_to,
    )
    sheet = sheet_of(cycle, act_form.act, act_form.values)
    problems = ActProblems(cycle, act_form.act, act_form.values, fields, sheet).of(errors)
    wrong = await _wrong(services, cycle, act_form)
    looked_through = not errors or bool(since)
    summary, refused = await summary_so_far(services, cycle, act_form) if looked_through else (None, "")
    return page(
        request,
        "act.html",
        status,
        cycle=cycle,
        act_form=act_form,
        fields=fields,
        problems=problems,
        faulty={one.path: one.here for one in reversed(problems) if one.path},
        request_for_time=await _request_for_time(services, cycle, act_form),
        closed=_closed(cycle, act_form),
        again=again,
        good=good,
        saved=saved,
        since=since,
        sheet=sheet,
        units=cycle.members() if act_form.act in _OF_MEMBERS else cycle.units(),
        dated=dated,
        meetings=[(meeting, held) for meeting, held in cycle.state.meetings.items()],
        decided=dated and _takes_back(act_form) and cycle.visitor.unit != cycle.state.lifecycle.organiser,
        people=await suggested_persons(services, cycle),
        # What was sent comes back with its form, so that nothing typed is lost.
        shut=request.method == "GET" and act_form.corrects is None and not year_takes(cycle, act_form.act),
        about=_(act_form.act.SUMMARY),
        wrong=wrong,
        now=cycle.now,
        owed=() if act_form.wrong is not None else owed_by_form(cycle, act_form.act, act_form.values),
        summary=summary,
        refused=refused,
        binds=act_form.act.BINDING or (summary is not None and summary.binding),
        other=other_answer(cycle, act_form) if not refused and act_form.wrong is None else None,
        about_acts=await subject_of(services.application, cycle, act_form.act, act_form.values),
        granted=granted_awards(cycle) if act_form.act is HandOverObject else (),
        must_date=dated and cycle.state.lifecycle.clock == "backfill" and act_form.wrong is None,
        titled=await offered_choices(services, cycle, act_form.act),
        action=_action(request, cycle, act_form),
        offline=_offline(request, cycle, act_form) if sheet is not None and sheet.round else "",
    )


def _offline(request: Request, cycle: VisitedCycle, act_form: ActForm) -> str:
    """The address of the form's sheet to fill in without a connection; a correction has none."""
    return "" if act_form.corrects is not None else urls.act_sheet_url(_action(request, cycle, act_form))


async def _request_for_time(services: Services, cycle: VisitedCycle, act_form: ActForm) -> ExtensionRequest | None:
    """The open request that the form answers; None for other forms."""
    if act_form.act not in {GrantExtension, RefuseExtension}:
        return None
    asked = (act_form.values.get("unit"), act_form.values.get("duty"))
    found = await requests_of(cycle, services.application.texts)
    return next((one for one in found if (one.unit, one.duty) == asked), None)


def _closed(cycle: VisitedCycle, act_form: ActForm) -> str:
    """The duty that is closed, where the visitor's unit can no longer do it by this form; "" where it can."""
    duty, unit = act_form.act.CLOSED_BY, cycle.visitor.unit
    # Head and deputy enter what a meeting told of other units by the same form.
    is_own = unit != cycle.state.lifecycle.organiser and act_form.values.get("unit") in (None, "", unit)
    return duty.value if duty is not None and is_own and duty in cycle.state.lifecycle.closed else ""


def _takes_back(act_form: ActForm) -> bool:
    """Whether the form can enter what only a meeting decides, as to take back or change what another unit entered."""
    return act_form.act.NAME in _MEETING_DECIDES or act_form.corrects is not None


def _action(request: Request, cycle: VisitedCycle, act_form: ActForm) -> str:
    """The address that the form is sent to: its own, with the query of its link."""
    return draft_path(request, urls.act_url(cycle.stream, act_form.act.NAME))


async def _wrong(services: Services, cycle: VisitedCycle, act_form: ActForm) -> ActView | None:
    """The act that the form corrects or takes out.

    None where a typed version names no act that the visitor may read: a typing mistake must not lock the form.
    """
    try:
        return None if act_form.wrong is None else await act_view(services.application, cycle, act_form.wrong)
    except (InputError, ForbiddenError):
        if act_form.corrects is not None:
            raise
        return None


async def _saved(request: Request, cycle: VisitedCycle, act_form: ActForm, posted: FormData) -> Response:
    """The parts of the page that a form which saves itself replaces; without a script, the form again.

    They say what will be changed in what was pasted, or that it cannot be recorded as it is: it is saved all the same.
    """
    errors, notes = tuple[CodedError, ...](), list[str]()
    try:
        _clean, notes = act_form.cleaned()
    except InputError as error:
        errors = (error,)
    if is_autosave(request):
        services = get_services(request)
        summary, refused = await summary_so_far(services, cycle, act_form)
        # A page without marks has none to take away.
        is_marked = MARKED in posted and summary is None
        return page(
            request,
            "saved.html",
            still_wrong=await _problems_of(services, cycle, act_form) if is_marked else None,
            cycle=cycle,
            now=cycle.now,
            sheet=sheet_of(cycle, act_form.act, act_form.values),
            notes=notes,
            problem=" ".join(error_text(one, cycle) for one in errors),
            summary=summary,
            refused=refused,
            # What stands there already is not announced again.
            is_new=summary is None or posted.get(SHOWN) != summary.mark,
        )
    good = " ".join((_("Saved at {time}. Nothing is sent yet.").format(time=clock_time()), *notes))
    return await _form(request, cycle, act_form, errors=errors, good=good)


async def _problems_of(services: Services, cycle: VisitedCycle, act_form: ActForm) -> tuple[FormProblem, ...]:
    """What is wrong with a form as it stands, each with its input."""
    try:
        await summary_of(services, cycle, act_form)
    except FORM_ERRORS as error:
        errors = await all_errors(services, act_form.act, act_form.fields, error)
        fields = inputs(act_form.act, act_form.values, with_text=act_form.act.NAME in WITH_TEXT)
        sheet = sheet_of(cycle, act_form.act, act_form.values)
        return ActProblems(cycle, act_form.act, act_form.values, fields, sheet).of(errors)
    return ()


async def _preview(
    request: Request, cycle: VisitedCycle, summary: Summary, *, text: str = "", status: int = 200
) -> Response:
    """The summary on a page of its own: what would be recorded, in words, and which deviations would come or go."""
    return page(
        request,
        "look.html",
        status,
        cycle=cycle,
        act_form=summary.act_form,
        text=text,
        summary=summary,
        wrong=await _wrong(get_services(request), cycle, summary.act_form),
        now=cycle.now,
        action=_action(request, cycle, summary.act_form),
    )


async def _send(request: Request, cycle: VisitedCycle, command: CommandInput, *, confirmed: bool) -> Response:
    """Enter the command. `confirmed`: the password was asked for once more."""
    entered = await enter(request, cycle, command, confirmed=confirmed, draft=draft_path(request, request.url.path))
    return RedirectResponse(urls.receipt_url(cycle.stream, entered.version, known=entered.known), 303)
