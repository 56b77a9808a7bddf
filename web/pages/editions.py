"""Rules editions: the organiser's own with their parts, those in the register, those that come with the program."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from accounts.edition_drafts import EditionDraft
from application.edition_facts import (
    Uses,
    copy_title,
    facts_of,
    facts_of_edition,
    is_copy,
    uses_in_words,
    uses_of,
)
from application.edition_parts import PARTS, EditionPart, fields_of, part_values, with_part
from application.edition_summary import summary_of
from application.edition_texts import Values, mark_of
from application.edition_work import read_edition, written_edition
from application.form_values import nested
from application.slugs import slug_of
from application.visits import Visitor
from application.work import beside
from application.yaml_files import read_model
from domain.numbers import whole_number
from domain.rules import NO_RULES, Edition, edition_of
from errors import InputError
from i18n import _
from i18n.editions import edition_title
from i18n.messages import sentence
from web import urls
from web.act_form import typed_text, without_row
from web.auth import checked_form
from web.downloads import as_attachment
from web.edition_files import WITHOUT_NAME, SentTable, drop_table, keep_table, sent_rules
from web.edition_forms import edition_form
from web.edition_inputs import part_inputs, typed_part
from web.open_edition import (
    SHOWN,
    Opened,
    OpenedDraft,
    OpenEdition,
    Secretary,
    change_part,
    conflict_of,
    copied,
    file_sentence,
    own_files,
    part_named,
    unit_names,
)
from web.read_editions import draft_in_list
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)

YAML = "application/yaml"


# The list ---------------------------------------------------------------------------------------------------------


@router.get(urls.EDITIONS)
async def editions(request: Request, visitor: Secretary) -> Response:
    """The editions that one can look at, copy, and change."""
    return await _list(request, visitor)


async def _list(request: Request, visitor: Visitor, error: InputError | None = None) -> Response:
    services = get_services(request)
    drafts = await services.edition_drafts.list(visitor.unit)
    people = await services.application.people.names({person for one in drafts for person in (one.person, one.maker)})
    names = await unit_names(services, visitor)
    told = {one.id: await draft_in_list(visitor.unit, one, names) for one in drafts}
    uses = await uses_of(services.board, visitor.unit)
    stored = [(digest, edition_of(body)) for digest, body in await services.application.texts.editions()]
    own = await beside(_own_editions)
    text = "" if error is None else file_sentence(error)
    return page(
        request,
        "editions.html",
        error.http_status if error is not None else 200,
        drafts=drafts,
        people=people,
        told=told,
        in_force={one.id: _where(one, uses) for one in drafts},
        stored=sorted(
            (
                (digest, edition_title(one), facts_of_edition(one), uses_in_words(uses.get(digest, ())))
                for digest, one in stored
                if one.id != NO_RULES.id
            ),
            key=lambda row: (not row[3], row[1]),
        ),
        own=[(key, name, facts_of_edition(one), ()) for key, name, one in own],
        text=text,
        is_table=error is not None and error.code == "edition_in_word",
        faulty="file" if error is not None else "",
    )


def _where(draft: EditionDraft, uses: Uses) -> tuple[str, ...]:
    """Where a draft is in force, as it was at one time or another."""
    found = [one for digest in dict.fromkeys(time.digest for time in draft.in_force) for one in uses.get(digest, ())]
    return uses_in_words(found)


@lru_cache
def _own_editions() -> tuple[tuple[str, str, Edition], ...]:
    """The editions that come with the program: key and title; the year of the key tells namesakes apart."""
    found = [(key, read_model(file, Edition)) for key, file in own_files().items()]
    titles = Counter(one.title for _key, one in found)
    years = {key: "".join(re.findall("[0-9]{4}", key)[-1:]) for key, _one in found}
    return tuple(
        (key, f"{edition_title(one)} {years[key]}" if titles[one.title] > 1 else edition_title(one), one)
        for key, one in found
    )


@router.post(urls.EDITIONS)
async def begin(request: Request, visitor: Secretary) -> Response:
    """Begin an edition: from nothing, from a file of rules, or with the table of criteria in a file."""
    form = await checked_form(request)
    services, do = get_services(request), str(form.get("_do", ""))
    try:
        if do == "file":
            sent = await sent_rules(form)
            if isinstance(sent, SentTable):
                key = await copied(services, visitor, sent.values())
                await keep_table(services.drafts, visitor.contact.id, key, sent)
                return RedirectResponse(urls.criteria_table_url(key), 303)
            values = sent
        elif do == "empty":
            values = {"id": WITHOUT_NAME, "title": _("New rules")}
        else:
            return await _list(request, visitor)
        return RedirectResponse(urls.edition_url(await copied(services, visitor, values)), 303)
    except InputError as error:
        return await _list(request, visitor, error)


# One edition ------------------------------------------------------------------------------------------------------


@router.get(urls.EDITION)
async def edition(request: Request, visitor: Secretary, opened: Opened) -> Response:
    """An edition: its parts in short, what was found in them, and where it is in force."""
    return await _edition(request, visitor, opened)


async def _edition(
    request: Request, visitor: Visitor, opened: OpenEdition, *, text: str = "", status: int = 200
) -> Response:
    services, draft = get_services(request), opened.draft
    uses = await uses_of(services.board, visitor.unit)
    persons = {draft.person, draft.maker, *(one.person for one in draft.in_force)} if draft is not None else set()
    times = () if draft is None else draft.in_force
    return page(
        request,
        "edition.html",
        status,
        opened=opened,
        check=opened.check,
        parts=[(part, summary_of(opened.values, part), opened.check.of(part)) for part in PARTS],
        facts=facts_of(opened.values),
        is_copy=is_copy(opened.title),
        times=[(one, uses[one.digest]) for one in times if one.digest in uses],
        uses=() if times else uses.get(opened.key, uses.get(opened.check.digest, ())),
        changed=bool(times) and opened.check.digest != times[0].digest,
        people=await services.application.people.names(persons),
        text=text,
    )


@router.get(urls.EDITION_FILE)
async def file(_visitor: Secretary, opened: Opened) -> Response:
    """The edition as the file that `thidua rules check` reads."""
    name = slug_of(opened.title, "ban-quy-dinh")
    return as_attachment(await written_edition(opened.values), f"{name}.yaml", YAML)


@router.post(urls.EDITION)
async def with_edition(request: Request, visitor: Secretary, opened: Opened) -> Response:
    """Copy an edition as the start of another one, or delete a draft."""
    form = await checked_form(request)
    services, do = get_services(request), str(form.get("_do", ""))
    if do == "copy":
        mine = (one.title for one in await services.edition_drafts.list(visitor.unit))
        values = {**opened.values, "title": copy_title(opened.title, mine)}
        values.pop("specimen", None)
        try:
            return RedirectResponse(urls.edition_url(await copied(services, visitor, values)), 303)
        except InputError as error:
            text = sentence(error.code, error.facts)
            return await _edition(request, visitor, opened, text=text, status=error.http_status)
    if do == "delete" and opened.draft is not None:
        revision = whole_number(form.get("_revision")) or 0
        if form.get("_sure") != "yes":
            text = _("Tick that it is to be deleted.")
            return await _edition(request, visitor, opened, text=text, status=422)
        if not await services.edition_drafts.drop(visitor.unit, opened.key, revision):
            text = _("Somebody has saved this edition since you opened it. Nothing was deleted.")
            return await _edition(request, visitor, opened, text=text, status=409)
        await drop_table(services.drafts, visitor.contact.id, opened.key)
        return RedirectResponse(urls.EDITIONS, 303)
    return await _edition(request, visitor, opened)


# A part as a form -------------------------------------------------------------------------------------------------


@router.get(urls.EDITION_PART)
async def part_form(request: Request, _visitor: Secretary, opened: OpenedDraft, part: str) -> Response:
    """The form of a part, with what was found in it."""
    known = part_named(part)
    if known.id == urls.CRITERIA_PART:
        return RedirectResponse(urls.criteria_url(opened.key), 303)
    return await _form(request, opened, known, part_values(opened.values, known))


@router.post(urls.EDITION_PART)
async def save_part(request: Request, visitor: Secretary, opened: OpenedDraft, part: str) -> Response:
    """Save a part as it was typed, whatever is wrong in it; or show the form with a row more or less."""
    form = await checked_form(request)
    known = part_named(part)
    if known.id == urls.CRITERIA_PART:
        return RedirectResponse(urls.criteria_url(opened.key), 303)
    body = typed_text(form)
    shorter = without_row(body)
    typed = typed_part(fields_of(known), nested(body.items()))
    held = {name: value for name, value in part_values(opened.values, known).items() if name in known.in_text}
    values = part_values(with_part({}, known, {**held, **typed}), known)
    read = str(body.get(SHOWN, ""))
    if "_more" in body or shorter or body.get("_step") != "save":
        return await _form(request, opened, known, values, more=(body.get("_more", ""),), read=read)
    try:
        now = await change_part(get_services(request), visitor, opened, known, read, values)
    except InputError as error:
        return await _form(request, opened, known, values, read=read, error=error)
    if now is not None:
        return await _conflict(request, now, known, values)
    return RedirectResponse(urls.with_query(request.url.path, {urls.ENTERED_AS: "1"}), 303)


async def _form(
    request: Request,
    opened: OpenEdition,
    part: EditionPart,
    values: Values,
    *,
    more: tuple[str, ...] = (),
    read: str = "",
    error: InputError | None = None,
    conflict: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    whole = with_part(opened.values, part, values)
    check = await opened.check_of(whole)
    return edition_form(
        request,
        "edition_part.html",
        opened,
        part_inputs(part, values, more, whole),
        check.of(part),
        error=error,
        status=status,
        part=part,
        read=read or mark_of(part_values(opened.values, part)),
        conflict=conflict,
    )


async def _conflict(request: Request, now: OpenEdition, part: EditionPart, values: Values) -> Response:
    """The form as it was typed, beside what somebody else has saved meanwhile."""
    told = await conflict_of(request, now, part, summary_of(now.values, part))
    return await _form(request, now, part, values, conflict=told, status=409)


# A part as text ---------------------------------------------------------------------------------------------------


@router.get(urls.EDITION_TEXT)
async def part_text(request: Request, _visitor: Secretary, opened: OpenedDraft, part: str) -> Response:
    """A part as the text of its file, for what has no input of its own."""
    known = part_named(part)
    return _text(request, opened, known, await written_edition(part_values(opened.values, known)))


@router.post(urls.EDITION_TEXT)
async def save_text(request: Request, visitor: Secretary, opened: OpenedDraft, part: str) -> Response:
    """Save a part from its text."""
    form = await checked_form(request)
    known, typed = part_named(part), str(form.get("text", "")).replace("\r\n", "\n")
    read = str(form.get(SHOWN, ""))
    if form.get("_step") != "save":
        return _text(request, opened, known, typed, read=read)
    try:
        values = await read_edition(typed, _(known.title))
        if strange := _strange(values, part_values(values, known)):
            line = next((n for n, one in enumerate(typed.split("\n"), 1) if one.strip().startswith(f"{strange}:")), 1)
            raise InputError("edition_other_part", f"text:{line}", part=_(known.title))
        now = await change_part(get_services(request), visitor, opened, known, read, values)
    except InputError as error:
        return _text(request, opened, known, typed, read=read, error=error)
    if now is not None:
        told = await conflict_of(request, now, known, summary_of(now.values, known))
        return _text(request, now, known, typed, conflict=told, status=409)
    return RedirectResponse(urls.with_query(request.url.path, {urls.ENTERED_AS: "1"}), 303)


def _strange(values: Values, held: Values) -> str:
    """The first name of a text that does not belong to the part that holds `held` of it."""
    for name, value in values.items():
        if name not in held:
            return name
        kept = held[name]
        if (
            isinstance(value, dict)
            and isinstance(kept, dict)
            and (lost := [str(one) for one in value if one not in kept])
        ):
            return lost[0]
    return ""


def _text(
    request: Request,
    opened: OpenEdition,
    part: EditionPart,
    typed: str,
    *,
    read: str = "",
    error: InputError | None = None,
    conflict: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    return page(
        request,
        "edition_text.html",
        error.http_status if error is not None else status,
        opened=opened,
        part=part,
        typed=typed,
        findings=opened.check.of(part),
        read=read or mark_of(part_values(opened.values, part)),
        text="" if error is None else file_sentence(error),
        conflict=conflict,
        saved=request.method == "GET" and urls.ENTERED_AS in request.query_params,
    )
