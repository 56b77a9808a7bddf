"""Forms as browsers send them, read in one place: what cannot be read or stored is refused before a page sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message
from urllib.parse import parse_qsl, unquote_to_bytes

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from application.work import beside, of_many
from errors import InputError, QuotaError
from web import quotas
from web.error_answers import unstorable_text

NAME_CHARS = 300
_AT_ONCE_BYTES = 50_000
"""A longer form is decoded and checked beside the event loop."""


_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_TOO_MUCH = re.compile("maximum|Too many")
"""What the parser says of more than it was told to take."""

_REPLACED = "\ufffd"
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{1,200}")


async def posted_form(request: Request, *, storable: bool = True) -> FormData:
    """The form that was sent. `storable`: with characters that no database stores it is refused.

    Raises:
        InputError: `form_unreadable` or `unstorable_text`.
        QuotaError: `form_too_large`, `too_large`.
    """
    kind = _content_type(request)
    body = await request.body() if kind == _URLENCODED else b""
    is_long = len(body) > _AT_ONCE_BYTES
    form = await (_long_form(body) if is_long else _parsed(request))
    fields = [(name, (one.filename or "") if isinstance(one, UploadFile) else one) for name, one in form.multi_items()]
    if is_long:
        await beside(_check, fields, body, storable=storable)
    else:
        await of_many(len(fields), _check, fields, body, storable=storable)
    return form


def _check(fields: Sequence[tuple[str, str]], body: bytes, *, storable: bool) -> None:
    # The parser puts U+FFFD in place of what is ill-formed. It may also have been typed: then the body tells.
    replaced = any(_REPLACED in name or _REPLACED in text for name, text in fields)
    if (replaced and not _is_utf8(body)) or any(len(name) > NAME_CHARS for name, _text in fields):
        raise InputError("form_unreadable")
    for name, text in fields:
        if storable and (unstorable := unstorable_text({name: text})) is not None:
            raise unstorable


async def _parsed(request: Request) -> FormData:
    try:
        return await request.form(
            max_fields=quotas.FORM_FIELDS, max_files=quotas.FORM_FILES, max_part_size=quotas.FIELD_BYTES
        )
    except HTTPException as error:
        if _TOO_MUCH.search(str(error.detail)):
            raise _too_large() from None
        raise InputError("form_unreadable") from None
    except UnicodeError:
        raise InputError("form_unreadable") from None


async def _long_form(body: bytes) -> FormData:
    """A long form, which the parser would decode in one go."""
    try:
        return FormData(await beside(_decoded, body))
    except ValueError:
        raise _too_large() from None


def _decoded(body: bytes) -> list[tuple[str, str | UploadFile]]:
    text = body.decode("latin-1")
    if any(len(part) > quotas.FIELD_BYTES for part in text.split("&")):
        raise ValueError
    return [*parse_qsl(text, keep_blank_values=True, max_num_fields=quotas.FORM_FIELDS, errors="replace")]


def _too_large() -> QuotaError:
    return QuotaError("form_too_large", fields=quotas.FORM_FIELDS, files=quotas.FORM_FILES)


def _content_type(request: Request) -> str:
    """The media type of a form, "" where the request has no body.

    Raises:
        InputError: `form_unreadable`: it is no form in UTF-8.
    """
    header = request.headers.get("content-type", "")
    if not header and request.headers.get("content-length", "0") == "0":
        return ""
    message = Message()
    try:
        message["content-type"] = header
        kind, charset, boundary = message.get_content_type(), message.get_param("charset"), message.get_boundary()
    except (ValueError, LookupError):
        raise InputError("form_unreadable") from None
    has_boundary = kind != _MULTIPART or _BOUNDARY.fullmatch(boundary or "") is not None
    if kind not in {_URLENCODED, _MULTIPART} or str(charset or "utf-8").lower() != "utf-8" or not has_boundary:
        raise InputError("form_unreadable")
    return kind


def _is_utf8(body: bytes) -> bool:
    try:
        unquote_to_bytes(body).decode()
    except UnicodeDecodeError:
        return False
    return True
