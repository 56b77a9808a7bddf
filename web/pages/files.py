"""Evidence as files: uploaded here, named in an act by a reference, given back as an attachment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from application.file_access import closed_uploaders, corrected_uses, may_open
from application.visits import ForbiddenError, Visitor
from domain.access import Matter
from errors import InputError, NotFoundError
from i18n.messages import sentence
from ledger.paging import PageRequest
from vault.file_kinds import shown_name
from vault.files import StoredFile
from web import urls
from web.auth import checked_form, note_file, reads
from web.downloads import as_attachment
from web.error_answers import note_retry
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
OwnReader = Annotated[Visitor, Depends(reads(Matter.OWN))]


@router.get(urls.FILES)
async def files(
    request: Request, visitor: OwnReader, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """The unit's files, each with the code by which an act can name it."""
    return await _files(request, visitor, number)


async def _files(
    request: Request,
    visitor: Visitor,
    number: int = 1,
    *,
    text: str = "",
    fresh: StoredFile | None = None,
    sent_name: str = "",
    status: int = 200,
) -> Response:
    services = get_services(request)
    but = await closed_uploaders(services.accounts, visitor)
    found = await services.files.of_unit(visitor.unit, PageRequest(number), but=but)
    pager = Pager(found, urls.FILES)
    corrected = await corrected_uses(services.application, services.search, visitor, found.rows)
    return page(
        request,
        "files.html",
        status,
        files=found.rows,
        pager=pager,
        text=text,
        fresh=fresh,
        sent_name=sent_name,
        corrected=corrected,
    )


@router.post(urls.FILES)
async def upload(request: Request, visitor: OwnReader) -> Response:
    """Store a file."""
    form = await checked_form(request)
    services, sent = get_services(request), form.get("file")
    fresh, text, status, sent_name = None, "", 200, ""
    if visitor.login.account.kind == "auditor":
        raise ForbiddenError("not_yours_to_say")
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise InputError("file_empty")
        sent_name = shown_name(sent.filename)
        fresh = await services.files.put(sent.filename, await sent.read(), unit=visitor.unit, person=visitor.contact.id)
    except InputError as error:
        note_retry(error)
        text, status = sentence(error.code, error.facts), error.http_status
    return await _files(request, visitor, text=text, fresh=fresh, sent_name=sent_name, status=status)


@router.get(urls.FILE)
async def download(request: Request, visitor: OwnReader, digest: str, name: str) -> Response:
    """A file, as an attachment, for its unit and for readers of an event that names it."""
    services = get_services(request)
    # The name only chooses among files with the same bytes: what opens them is the digest.
    found = sorted(await services.files.of_digest(digest), key=lambda one: one.name != name)
    if not found:
        raise NotFoundError("page_not_found")
    for one in found:
        may = await may_open(services.application, services.accounts, services.board, visitor, one)
        if may and (body := await services.files.body(one)) is not None:
            await note_file(request, visitor)
            return as_attachment(body, one.name, one.media_type)
    raise ForbiddenError("not_yours_to_read")
