"""Evidence as files: handed in here, named in an act by a reference, given back as an attachment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from domain.access import Matter, Reader
from errors import InputError, NotFoundError
from i18n.messages import sentence
from web.auth import ForbiddenError, Visitor, checked_form, reads
from web.render import as_attachment, page
from web.services import Services, services

router = APIRouter(include_in_schema=False)
Somebody = Annotated[Visitor, Depends(reads(Matter.OWN))]


@router.get("/tep")
async def files(request: Request, visitor: Somebody) -> Response:
    """The unit's files, with the reference that an act names."""
    found = await services(request).files.of_unit(visitor.unit)
    return page(request, "files.html", files=found, text="", fresh=None)


@router.post("/tep")
async def take(request: Request, visitor: Somebody) -> Response:
    """Take a file."""
    form = await checked_form(request)
    work, upload = services(request), form.get("file")
    fresh, text = None, ""
    if visitor.login.account.kind == "auditor":
        raise ForbiddenError("not_yours_to_say")
    try:
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise InputError("file_empty")
        body = await upload.read()
        fresh = await work.files.put(upload.filename, body, unit=visitor.unit, person=visitor.contact.id)
    except InputError as error:
        text = sentence(error.code, error.facts)
    found = await work.files.of_unit(visitor.unit)
    return page(request, "files.html", 422 if text else 200, files=found, text=text, fresh=fresh)


@router.get("/tep/{digest}/{name}")
async def give(request: Request, visitor: Somebody, digest: str, name: str) -> Response:
    """A file, as an attachment, for whoever shares a cluster with the unit that handed it in."""
    work = services(request)
    found = [one for one in await work.files.of_digest(digest) if one.name == name]
    if not found:
        raise NotFoundError("page_not_found")
    for one in found:
        if await _may_open(work, visitor, one.unit) and (body := await work.files.body(one)) is not None:
            return as_attachment(body, one.name, one.media_type)
    raise ForbiddenError("not_yours_to_read")


async def _may_open(work: Services, visitor: Visitor, unit: str) -> bool:
    if visitor.unit == unit or Reader.AUDITOR in visitor.readers():
        return True
    lines = await work.board.lines(unit=unit)
    return any(visitor.unit in line["names"] or line["overseer"] == visitor.contact.id for line in lines)
