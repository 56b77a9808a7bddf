"""Forms as browsers send them, read in one place: what cannot be read or stored is refused before a page sees it."""

from __future__ import annotations

import re
from email.message import Message
from urllib.parse import unquote_to_bytes

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from errors import InputError
from web.error_answers import unstorable_text
from web.gate import BODY_BYTES

MOST_FIELDS = 10_000
"""A score sheet of a large edition has thousands of fields."""

MOST_FILES = 500
NAME_CHARS = 300

_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_REPLACED = "\ufffd"
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{1,200}")


async def posted_form(request: Request, *, storable: bool = True) -> FormData:
    """The form that was sent. `storable`: with characters that no database stores it is refused.

    Raises:
        InputError: `form_unreadable` or `unstorable_text`.
        TooLargeError
    """
    kind = _content_type(request)
    body = await request.body() if kind == _URLENCODED else b""
    try:
        form = await request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES, max_part_size=BODY_BYTES)
    except (HTTPException, UnicodeError):
        raise InputError("form_unreadable") from None
    fields = [(name, (one.filename or "") if isinstance(one, UploadFile) else one) for name, one in form.multi_items()]
    # The parser puts U+FFFD in place of what is ill-formed. It may also have been typed: then the body tells.
    replaced = any(_REPLACED in name or _REPLACED in text for name, text in fields)
    if (replaced and not _is_utf8(body)) or any(len(name) > NAME_CHARS for name, _text in fields):
        raise InputError("form_unreadable")
    for name, text in fields:
        if storable and (unstorable := unstorable_text({name: text})) is not None:
            raise unstorable
    return form


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
