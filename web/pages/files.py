"""Evidence as files: uploaded here, named in an act by a reference, given back as an attachment."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from application.file_access import closed_uploaders, corrected_uses
from application.papers import pages_of
from application.previews import PICTURE_TYPE, FilePreview, can_be_previewed
from application.visits import ForbiddenError, Visitor
from domain.access import Matter
from errors import InputError, NotFoundError
from i18n.messages import sentence
from ledger.paging import Paged, PageRequest
from vault.file_kinds import shown_name
from vault.files import StoredFile
from web import urls
from web.auth import checked_form, note_file, reads
from web.checks import Number
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
    # The name only chooses among files with the same bytes: what opens them is the digest.
    services = get_services(request)
    file = await services.file_access.opened(visitor, digest, name)
    if (body := await services.files.body(file)) is None:
        raise NotFoundError("page_not_found")
    await note_file(request, visitor, digest, exported=True)
    return as_attachment(body, file.name, file.media_type)


@router.get(urls.FILE_PREVIEW)
async def look(
    request: Request,
    visitor: OwnReader,
    digest: str,
    name: str,
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
) -> Response:
    """A file to be looked at, by visitors who may open it: pages as pictures, or text. A script asks for it alone."""
    services = get_services(request)
    file = await services.file_access.opened(visitor, digest, name)
    await note_file(request, visitor, digest, exported=False)
    found: FilePreview | None = None
    if can_be_previewed(file.media_type):
        found = await services.previews.first(digest, file.media_type, partial(services.files.body, file))
    rows: Sequence[object] = ()
    if found is not None:
        rows = range(1, found.pages + 1) if found.pages else pages_of("\n".join(found.paragraphs))
    shown = Paged.of(rows, PageRequest(number, PICTURES if found is not None and found.pages else 1))
    return page(
        request,
        "file_part.html" if "hx-request" in request.headers else "file_view.html",
        file=file,
        found=found,
        shown=shown.rows,
        pager=Pager(shown, urls.preview_url(file.reference)),
    )


PICTURES = 10
"""Pictures of pages on a page."""


@router.get(urls.FILE_PAGE)
async def picture(request: Request, visitor: OwnReader, digest: str, name: str, number: Number) -> Response:
    """A page of a file as a picture, for visitors who may open the file."""
    services = get_services(request)
    file = await services.file_access.opened(visitor, digest, name)
    await note_file(request, visitor, digest, exported=False)
    found: bytes | None = None
    if can_be_previewed(file.media_type):
        body = partial(services.files.body, file)
        found = await services.previews.picture(digest, file.media_type, number, body)
    if found is None:
        raise NotFoundError("page_not_found")
    return Response(found, media_type=PICTURE_TYPE)
