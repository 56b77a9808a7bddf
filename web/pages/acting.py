"""Acting: one act per page, and a summary of what would be recorded before it is sent.

What is typed is saved as one goes. The form carries the command's id from the first look on, so sending it again, by a
second click or after a lost answer, does nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData, UploadFile

from application.application import CommandInput
from application.command_to_form import form_of_row
from application.dry_run import DryRun
from application.dry_run_texts import DryRunTexts
from application.engine import PendingError, UnreachableError
from application.fields import FieldFiller
from audit.replay import digests_in
from domain.access import Matter
from domain.codec import plain
from domain.deviations import deviations
from domain.rights import BINDING, is_binding
from domain.types import Command, Refused, normalize_text
from errors import CodedError, InputError, Kind
from i18n import _
from i18n.fields import path_label
from i18n.messages import problem_in_words, sentence
from i18n.page_texts import STEPS
from i18n.state_text import deviation_text
from i18n.timeline import describe
from vault.texts import salted_digest
from web.act_form import ActForm, parse_act_form, place_in
from web.act_view import ActView, act_view, row_at
from web.auth import COOKIE, Cycle, ForbiddenError, checked_form, reads_cycle
from web.error_answers import unstorable_text
from web.forms import as_typed, flat, inputs, typed
from web.permitted_acts import may_date, permitted_acts, require_permitted
from web.reauthentication import address_of, reauthenticated
from web.render import page
from web.services import Services, services
from web.sheets import sheet_of, titled

FORM_ERRORS = (InputError, Refused, PendingError, UnreachableError)
"""What is told beside the form that was sent. Any other error has a page of its own."""

router = APIRouter(include_in_schema=False)
Seen = Annotated[Cycle, Depends(reads_cycle(Matter.CYCLE))]

LOOK = "_xem"
"""In an address: not the form, but the summary of what was kept of it."""

FILE = "_file."
"""Before the path of the field that a file is chosen for."""

WITH_TEXT = frozenset({"present-draft", "report-midyear", "answer-correction"})
"""Acts whose document is typed or pasted into the register itself."""


@router.get("/cum/{organiser}/{year}/{cluster}/lam")
async def choose(request: Request, cycle: Seen) -> Response:
    """Every act that the visitor could say."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for act in permitted_acts(cycle):
        if act.NAME != "open-cycle":
            room = STEPS[act.__module__.rsplit(".", 1)[-1]]
            about = _((act.__doc__ or "").strip().splitlines()[0]).replace("`", "")
            groups.setdefault(_(room), []).append((act.NAME, about))
    return page(request, "choose.html", cycle=cycle, groups=groups)


@router.get("/cum/{organiser}/{year}/{cluster}/lam/{act}")
async def form(request: Request, cycle: Seen, act: str) -> Response:
    """The form of an act: as it was left, or as the link fills it in."""
    wrong = place_in(request.query_params.get("_sua"))
    known = require_permitted(cycle, act, correcting=wrong is not None)
    work = services(request)
    given = typed(request.query_params)
    kept = await work.drafts.load(cycle.visitor.contact.id, _place(request))
    if kept is not None:
        body, saved = kept
        if LOOK in request.query_params:
            return await _summary(request, cycle, parse_act_form(known, body))
        return await _form(request, cycle, parse_act_form(known, body), saved=saved)
    if LOOK in request.query_params:  # a browser's Back after it was sent
        return RedirectResponse(_place(request), 303)
    if wrong is not None:
        return await _form(request, cycle, await _to_put_right(work, cycle, known, wrong))
    values = {**_usual(cycle, known), **given}
    return await _form(request, cycle, ActForm(known, values, uuid4()))


async def _to_put_right(work: Services, cycle: Cycle, act: type[Command], version: int) -> ActForm:
    """The form as it was when the wrong act was said, to be changed where it was wrong."""
    row = row_at(cycle, version)
    said = await form_of_row(work.office, row)
    if said is None or said.act is not act:
        raise Refused("not_correctable", version=version)
    return ActForm(
        act,
        as_typed(act, said.fields),
        uuid4(),
        source=row.source if row.provenance == "stated" else "",
        meeting=row.meeting or "",
        corrects=version,
    )


def _asked(request: Request) -> str:
    """What the link to the form asked for."""
    return urlencode(sorted(pair for pair in request.query_params.multi_items() if pair[0] != LOOK))


def _place(request: Request) -> str:
    """Under what a draft is kept: the page with what its link asked for."""
    asked = _asked(request)
    return request.url.path + (f"?{asked}" if asked else "")


def _usual(cycle: Cycle, act: type[Command]) -> dict[str, Any]:
    """What goes without saying: a unit speaks for itself."""
    unit = cycle.visitor.unit
    if unit == cycle.state.lifecycle.organiser:
        return {}
    fields = act.model_fields
    found: dict[str, Any] = {"unit": unit} if "unit" in fields and fields["unit"].is_required() else {}
    if "by" in fields:
        found["by"] = unit if act.NAME == "cross-check" else {"unit": unit}
    return found


@router.post("/cum/{organiser}/{year}/{cluster}/lam/{act}")
async def send(request: Request, cycle: Seen, act: str) -> Response:
    """Save, look, or send: as the button says."""
    posted = await checked_form(request)
    work, wrong_act = services(request), place_in(posted.get("_sua"))
    known = require_permitted(cycle, act, correcting=wrong_act is not None)
    body = {name: str(value) for name, value in posted.multi_items() if isinstance(value, str)}
    wrong = await take_files(work, cycle, posted, body)
    act_form, step = parse_act_form(known, body), str(posted.get("_step", "look"))
    keep = {name: value for name, value in body.items() if name not in {"_form", "_password", "_step", "_more"}}
    unstorable = unstorable_text(body)
    if unstorable is None:
        await work.drafts.save(cycle.visitor.contact.id, _place(request), keep)
    if wrong or unstorable:
        text, path = (wrong, "") if unstorable is None else (said_of(unstorable, cycle), unstorable.path)
        return await _form(request, cycle, act_form, text=text, place=path, status=422)
    if "_more" in body or step == "edit":
        return await _form(request, cycle, act_form, more=(body.get("_more", ""),))
    if step == "save":
        return await _saved(request, cycle, act_form)
    if step == "drop":
        await work.drafts.drop(cycle.visitor.contact.id, _place(request))
        return RedirectResponse(cycle.path, 303)
    if step != "send":  # the summary is a page of its own: a browser's Back and Reload show it again
        return RedirectResponse(f"{request.url.path}?{urlencode({LOOK: 1})}&{_asked(request)}".rstrip("&"), 303)
    try:
        said = await _said(work, cycle, act_form)
        if is_binding(said.act, said.fields) and not await _proved(request, cycle, posted):
            return await _look(request, cycle, act_form, said, text=sentence("password_does_not_fit"), status=422)
        return await _send(request, cycle, said)
    except FORM_ERRORS as error:
        return await _not_entered(request, cycle, act_form, error)


async def _said(work: Services, cycle: Cycle, act_form: ActForm) -> CommandInput:
    """What the form says. What corrects keeps of the wrong act what no form asks for.

    Raises:
        InputError, ForbiddenError
    """
    said = act_form.said(cycle.stream)
    if act_form.corrects is None:
        return said
    row = row_at(cycle, act_form.corrects)
    wrong = await form_of_row(work.office, row)
    return said if wrong is None else wrong.with_circumstances(said, row)


async def _summary(request: Request, cycle: Cycle, act_form: ActForm) -> Response:
    """What would be recorded of a form that was kept; the form, if it cannot be."""
    try:
        return await _look(request, cycle, act_form, await _said(services(request), cycle, act_form))
    except FORM_ERRORS as error:
        return await _not_entered(request, cycle, act_form, error)


async def take_files(work: Services, cycle: Cycle, posted: FormData, body: dict[str, str]) -> str:
    """Keep the files that came with a form, and name each in the field it was chosen for; returns what is wrong."""
    visitor = cycle.visitor
    for name, upload in posted.multi_items():
        if not isinstance(upload, UploadFile) or not upload.filename or not name.startswith(FILE):
            continue
        try:
            kept = await work.files.put(
                upload.filename, await upload.read(), unit=visitor.unit, person=visitor.contact.id
            )
        except InputError as error:
            return sentence(error.code, error.facts)
        path = name.removeprefix(FILE)
        between = "\n" if path.endswith(".evidence") else " "
        body[path] = between.join(part for part in (body.get(path, "").strip(), kept.reference) if part)
    return ""


async def _not_entered(request: Request, cycle: Cycle, act_form: ActForm, error: CodedError) -> Response:
    """The form again, with what is wrong and where, or with the advice to try again."""
    text = said_of(error, cycle)
    if error.kind in {Kind.PENDING, Kind.AWAY}:
        return await _form(request, cycle, act_form, text=text, again=True, status=503)
    place = str(error.facts.get("place", error.path))
    return await _form(request, cycle, act_form, text=text, place=place, status=422)


def said_of(error: CodedError, cycle: Cycle) -> str:
    """The sentence of an error; of a field that cannot be used, by the name it has on the page."""
    facts = titled(error.facts, cycle.rules)
    if error.code == "unstorable_text" and error.path:
        return f"{path_label(error.path)}: {sentence(error.code)}"
    if error.code != "malformed_act":
        return sentence(error.code, facts, cycle.names)
    problem = problem_in_words(str(facts.get("problem", "")), facts.get("given") or {})
    return f"{path_label(str(facts.get('place', '')))}: {problem}"


async def _proved(request: Request, cycle: Cycle, posted: FormData) -> bool:
    password = str(posted.get("_password", ""))
    return await reauthenticated(services(request), cycle.visitor.contact.id, password, address_of(request))


async def _form(
    request: Request,
    cycle: Cycle,
    act_form: ActForm,
    *,
    text: str = "",
    place: str = "",
    again: bool = False,
    good: str = "",
    more: tuple[str, ...] = (),
    status: int = 200,
    saved: Any = None,
) -> Response:
    fields = inputs(act_form.act, act_form.values, more, with_text=act_form.act.NAME in WITH_TEXT)
    sheet = sheet_of(cycle, act_form.act, act_form.values)
    work = services(request)
    people = await work.office.people.everyone() if cycle.may(Matter.PEOPLE) else ()
    wrong = await _wrong(work, cycle, act_form)
    return page(
        request,
        "act.html",
        status,
        cycle=cycle,
        act_form=act_form,
        fields=fields,
        text=text,
        place=place,
        again=again,
        good=good,
        saved=saved,
        sheet=sheet,
        units=_units(cycle),
        dated=may_date(cycle),
        people=people,
        about=_((act_form.act.__doc__ or "").strip().splitlines()[0]),
        binding=act_form.act in BINDING,
        wrong=wrong,
        must_date=may_date(cycle) and cycle.state.lifecycle.clock == "backfill" and act_form.wrong is None,
        awards=[(one.id, one.title) for one in cycle.rules.awards],
        asked=_asked(request),
    )


async def _wrong(work: Services, cycle: Cycle, act_form: ActForm) -> ActView | None:
    """The act that the form is about, where there is one that the visitor may read: a slip must not lock the form."""
    try:
        return None if act_form.wrong is None else await act_view(work, cycle, act_form.wrong)
    except (InputError, ForbiddenError):
        if act_form.corrects is not None:
            raise
        return None


def _units(cycle: Cycle) -> list[tuple[str, str]]:
    return [
        (unit, cycle.names.get(unit, unit))
        for unit in (*cycle.state.membership.members(), cycle.state.lifecycle.organiser)
    ]


async def _saved(request: Request, cycle: Cycle, act_form: ActForm) -> Response:
    """What goes into the corner of a form that saves itself; without a script, the form again."""
    if "hx-request" not in request.headers:
        return await _form(request, cycle, act_form, good=_("Saved. Nothing is sent yet."))
    return page(request, "saved.html", sheet=sheet_of(cycle, act_form.act, act_form.values))


async def _look(
    request: Request, cycle: Cycle, act_form: ActForm, said: CommandInput, *, text: str = "", status: int = 200
) -> Response:
    """The summary: what would be recorded, in the register's own words, and which deviations would come or go."""
    work, visitor = services(request), cycle.visitor
    dry_run = await DryRun.of(work.office, {}, [row for row, _told in cycle.history])
    before = {one.key: one for one in deviations(dry_run.state, dry_run.rules)}
    order = await work.office.item(said, FieldFiller(DryRunTexts(work.office.texts), work.office.people))
    told = await dry_run.decide(order, visitor.contact.id, visitor.unit, visitor.login.strength)
    after = {one.key: one for one in deviations(dry_run.state, dry_run.rules)}
    words = {**words_in(said.fields), **await work.office.texts.get(digests_in([plain(one.event) for one in told]))}
    names = trial_names(dry_run)
    return page(
        request,
        "look.html",
        status,
        cycle=cycle,
        act_form=act_form,
        text=text,
        binding=act_form.act in BINDING,
        told=[describe(one, names, words) for one in told],
        new=[deviation_text(one, names) for key, one in after.items() if key not in before],
        gone=[deviation_text(one, names) for key, one in before.items() if key not in after],
        carried={**flat(act_form.values), **act_form.extras},
        asked=_asked(request),
    )


def trial_names(dry_run: DryRun) -> Mapping[str, str]:
    """Names of everybody in a tried state."""
    return {**dry_run.state.membership.names, dry_run.state.lifecycle.organiser: dry_run.state.lifecycle.organiser_name}


def words_in(fields: Mapping[str, Any]) -> dict[str, str]:
    """Texts that nobody has stored yet, by the digest that a trial gives them."""
    found: dict[str, str] = {}
    for value in flat(fields).values():
        try:
            body = normalize_text(value)
        except ValueError:
            continue
        found[salted_digest(b"", body)] = body
    return found


async def _send(request: Request, cycle: Cycle, said: CommandInput) -> Response:
    work, visitor = services(request), cycle.visitor
    receipt = await work.office.submit(
        cycle.stream,
        visitor.signs_as,
        [said],
        strength=visitor.login.strength,
        stand_in_for=visitor.absent.id if visitor.absent is not None else None,
    )
    versions = receipt.outcomes[0].versions
    await work.drafts.drop(visitor.contact.id, _place(request))
    rows = await work.office.ledger.load(cycle.stream, versions[0] - 1) if versions else ()
    if rows:
        await work.accounts.moved_to(request.cookies.get(COOKIE, ""), rows[0].position)
    mine = "" if rows and rows[0].command_id == said.command_id else "?truoc=1"
    return RedirectResponse(f"{cycle.path}/bien-nhan/{versions[0]}{mine}", 303)
