"""Putting a rules edition in force: in which clusters, from when on, by which paper; what it moves; the receipts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from application.edition_adoption import ClusterAdoption, PlannedAdoption, adopt, previewed
from application.edition_differences import differences
from application.edition_facts import is_copy
from application.fields import clean_line, optional_day, parse_day
from application.gate import GateClosedError
from application.visits import Visitor
from application.work import beside
from domain.numbers import uuid_of
from domain.records import Refused
from domain.steps.lifecycle import AdoptEdition, EditionAdopted
from domain.times import ICT
from errors import CodedError, InputError, Kind
from i18n import _
from i18n.editions import edition_title
from i18n.messages import sentence
from ledger.mapping import to_envelope
from web import urls
from web.answers import command_id, note_position, page_id
from web.auth import checked_form
from web.form_problems import faulty_field, form_sentence
from web.open_edition import SHOWN, Opened, OpenEdition, Secretary, unit_names
from web.reauthentication import address_of, reauthenticated
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)

_PAPER = ("title", "number", "issued", "issuer")
_CYCLE = "cycle"
MOST_CLUSTERS = 60
"""Clusters that one form puts an edition in force in: each is decided on a copy first."""


@router.get(urls.EDITION_ADOPTION)
async def choose(
    request: Request, visitor: Secretary, opened: Opened, entered: Annotated[str, Query(alias=urls.ENTERED_AS)] = ""
) -> Response:
    """The form: clusters, day and paper; after entering, the receipts."""
    done = await _receipts(request, visitor, entered) if uuid_of(entered) else []
    return await _form(request, visitor, opened, {}, [], done=done)


async def _receipts(request: Request, visitor: Visitor, of_page: str) -> list[tuple[str, str, int]]:
    """What a page has entered: cluster, cycle, version."""
    services = get_services(request)
    cycles = await services.board.open_cycles(visitor.unit)
    ids = _ids(of_page, [stream for stream, _name, _year in cycles])
    rows = await services.application.ledger.of_commands(list(ids.items()))
    versions = {row.stream: row.version for row in reversed(rows)}
    return [(f"{name}, {year}", stream, versions[stream]) for stream, name, year in cycles if stream in versions]


def _ids(of_page: str, streams: Sequence[str]) -> dict[str, UUID]:
    """The ids of a page's commands, by cycle: a second click enters nothing twice."""
    return {stream: command_id(of_page, AdoptEdition.NAME, stream) for stream in streams}


@router.post(urls.EDITION_ADOPTION)
async def put_in_force(request: Request, visitor: Secretary, opened: Opened) -> Response:
    """Show what would be recorded, and enter it with the password once that was seen."""
    form = await checked_form(request)
    typed = {name: str(form.get(name, "")).strip() for name in (*_PAPER, "effective", "_id")}
    chosen = [str(one) for one in form.getlist(_CYCLE)]
    if form.get("_step") == "edit":
        return await _form(request, visitor, opened, typed, chosen)
    if opened.check.edition is None:
        error = InputError("edition_unfit", title=opened.title)
        return await _form(request, visitor, opened, typed, chosen, error=error)
    try:
        planned = await _planned(request, visitor, opened, form, typed, chosen)
        ids = _ids(page_id(form), planned.streams)
        found = await previewed(get_services(request).application, visitor, planned, ids)
    except (InputError, GateClosedError, Refused) as error:
        return await _form(request, visitor, opened, typed, chosen, error=error)
    wrong = [one for one in found if one.wrong]
    if form.get("_step") == "send" and (entered := await _entered_as(request, ids)):  # a second click
        await _note(request, visitor, opened, entered, typed)
        return RedirectResponse(urls.edition_adoption_url(opened.key, typed["_id"]), 303)
    if form.get("_step") != "send" or wrong:
        return await _look(request, opened, planned, found, typed, status=422 if wrong else 200)
    if form.get(SHOWN) != _mark(planned, found):
        text = _("This is not what the page showed when you sent it. Nothing is sent yet: look at it once more.")
        return await _look(request, opened, planned, found, typed, text=text, status=409)
    password = str(form.get("_password", ""))
    fits = password and await reauthenticated(get_services(request), visitor.contact.id, password, address_of(request))
    if not fits:
        text = sentence("password_does_not_fit" if password else "password_needed")
        return await _look(request, opened, planned, found, typed, text=text, faulty="_password", status=422)
    return await _entered(request, visitor, opened, planned, found, typed, ids)


async def _entered_as(request: Request, ids: dict[str, UUID]) -> str:
    """The digest of the edition that the commands of a page have put in force, if all were entered; else ""."""
    rows = await get_services(request).application.ledger.of_commands(list(ids.items()))
    adopted = (to_envelope(row).event for row in rows)
    digest = next((one.edition for one in adopted if isinstance(one, EditionAdopted)), "")
    return digest if {row.stream for row in rows} == set(ids) else ""


async def _entered(
    request: Request,
    visitor: Visitor,
    opened: OpenEdition,
    planned: PlannedAdoption,
    found: list[ClusterAdoption],
    typed: dict[str, str],
    ids: dict[str, UUID],
) -> Response:
    try:
        outcome = await adopt(get_services(request).application, visitor, planned, ids)
    except (InputError, GateClosedError, Refused) as error:
        return await _look(request, opened, planned, found, typed, text=form_sentence(error), status=error.http_status)
    await note_position(request)
    failed = [(stream, error) for stream, error in outcome if error is not None]
    if len(failed) < len(outcome):
        await _note(request, visitor, opened, planned.digest, typed)
    if failed:
        titles = {one.stream: one.title for one in found}
        found = await previewed(get_services(request).application, visitor, planned, ids)
        told = "; ".join(f"{titles[stream]}: {sentence(error.code, error.facts)}" for stream, error in failed)
        again = _("Nothing you typed is lost. The same button again does nothing twice.")
        waits = any(error.kind in {Kind.PENDING, Kind.AWAY} for _stream, error in failed)
        text = f"{told} {again}" if waits else told
        return await _look(request, opened, planned, found, typed, text=text, status=failed[0][1].http_status)
    return RedirectResponse(urls.edition_adoption_url(opened.key, typed["_id"]), 303)


async def _note(request: Request, visitor: Visitor, opened: OpenEdition, digest: str, typed: dict[str, str]) -> None:
    """Note on the draft that it was put in force, as it was then."""
    if opened.draft is not None:
        drafts, person = get_services(request).edition_drafts, visitor.contact.id
        await drafts.note_in_force(visitor.unit, opened.key, digest, person, typed["_id"])


async def _planned(
    request: Request, visitor: Visitor, opened: OpenEdition, form: FormData, typed: dict[str, str], chosen: list[str]
) -> PlannedAdoption:
    """What the form asks for.

    Raises:
        InputError: no cluster is chosen, one is not the organiser's, or a field cannot be used.
    """
    edition = opened.check.edition
    if edition is None or uuid_of(typed["_id"]) is None:
        raise InputError("form_unreadable")
    cycles = [stream for stream, _name, _year in await get_services(request).board.open_cycles(visitor.unit)]
    streams = [one for one in cycles if one in chosen or form.get("_all") == "yes"]
    if not streams:
        raise InputError("no_cluster_chosen", _CYCLE)
    if len(streams) > MOST_CLUSTERS:
        raise InputError("too_many_clusters", _CYCLE, most=MOST_CLUSTERS)
    effective = optional_day(typed["effective"], "effective")
    today = datetime.now(ICT).date()
    if effective is not None and effective > today:
        raise InputError("in_force_to_come", "effective", on=effective, now=today)
    basis = _paper(typed)
    return PlannedAdoption(edition, tuple(streams), effective, basis)


def _paper(typed: dict[str, str]) -> dict[str, Any]:
    """The paper that puts the edition in force.

    Raises:
        InputError: a day cannot be read, it is to come, or nothing names the paper.
    """
    paper: dict[str, Any] = {name: clean_line(typed[name], name).text for name in _PAPER if typed[name]}
    if paper.get("issued"):
        issued: date = parse_day(paper["issued"], "issued")
        paper["issued"] = issued.isoformat()
    if paper and not (paper.get("title") or paper.get("number")):
        raise InputError("paper_unnamed", "number")
    return paper


def _mark(planned: PlannedAdoption, found: list[ClusterAdoption]) -> str:
    """A digest of what a page shows as what would be recorded."""
    shown = [planned.digest, planned.effective, planned.basis, [asdict(one) for one in found]]
    return sha256(json.dumps(shown, sort_keys=True, default=str).encode()).hexdigest()[:32]


async def _changes(request: Request, planned: PlannedAdoption, found: list[ClusterAdoption]) -> list[dict[str, Any]]:
    """What the edition changes of each edition that it replaces, and in which clusters it does."""
    services, changes = get_services(request), []
    names = await unit_names(services, request.state.visitor)
    for digest in dict.fromkeys(one.replaces for one in found if one.replaces):
        before = await services.application.edition(digest)
        if before is not None:
            changes.append(
                {
                    "before": edition_title(before),
                    "clusters": [one.title for one in found if one.replaces == digest],
                    "parts": await beside(differences, before, planned.edition, names),
                }
            )
    return changes


async def _look(
    request: Request,
    opened: OpenEdition,
    planned: PlannedAdoption,
    found: list[ClusterAdoption],
    typed: dict[str, str],
    *,
    text: str = "",
    faulty: str = "",
    status: int = 200,
) -> Response:
    wrong = [one for one in found if one.wrong]
    if wrong and not text:
        text = _("Nothing was entered: in these clusters it would not be taken. Take them out, or mend what is told.")
    return page(
        request,
        "edition_look.html",
        status,
        opened=opened,
        found=found,
        wrong=wrong,
        typed=typed,
        streams=planned.streams,
        shown=_mark(planned, found),
        text=text,
        faulty=faulty,
        effective=planned.effective,
        changes=await _changes(request, planned, found),
        is_copy=is_copy(planned.edition.title),
    )


async def _form(
    request: Request,
    visitor: Visitor,
    opened: OpenEdition,
    typed: dict[str, str],
    chosen: Sequence[str],
    *,
    error: CodedError | None = None,
    done: Sequence[tuple[str, str, int]] = (),
) -> Response:
    cycles = await get_services(request).board.open_cycles(visitor.unit)
    edition = opened.values
    first = edition.get("valid_from")
    proposed = {
        "number": str(edition.get("number", "")),
        "issuer": str(edition.get("issuer", "")),
        "title": str(edition.get("title", "")),
        "issued": f"{edition['issued']:%d/%m/%Y}" if isinstance(edition.get("issued"), date) else "",
        "effective": f"{first:%d/%m/%Y}" if isinstance(first, date) and first <= datetime.now(ICT).date() else "",
    }
    return page(
        request,
        "edition_adoption.html",
        error.http_status if error is not None else 200,
        opened=opened,
        cycles=cycles,
        chosen=frozenset(chosen),
        typed={**proposed, **typed},
        id=typed.get("_id") or str(uuid4()),
        text="" if error is None else form_sentence(error),
        faulty="" if error is None else faulty_field(error),
        done=done,
        is_copy=is_copy(opened.title),
    )
