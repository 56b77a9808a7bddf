"""The checks that each request passes before it is routed: address and headers can be read and are not too long.

So no route meets a NUL, ill-formed UTF-8 or an address of 100 kB, and a new route needs no check of its own. What a
body holds is checked where bodies are read (`web.posted_forms`, `web.json_bodies`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from urllib.parse import unquote_to_bytes

from starlette.types import Message, Receive, Scope

from errors import CodedError, InputError, NotFoundError, QuotaError
from web import quotas

PATH_BYTES = 4_000
SEGMENT_CHARS = 200
"""One part of a path between slashes. File names, the longest, are cut (`domain.file_references`)."""

QUERY_BYTES = 8_000
HEADER_BYTES = 8_000
CONTENT_TYPE_BYTES = 200
"""Parsers of parameters take time by the square of the length."""

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ufffe\uffff]")
_CONTROL_IN_QUERY = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""A text of several lines may be filled into a form by its link."""

_CONTROL_IN_HEADER = re.compile(rb"[\0-\x08\x0a-\x1f\x7f]")
_FORMS: dict[bytes, re.Pattern[bytes]] = {
    b"content-length": re.compile(rb"[0-9]{1,15}"),
    b"content-type": re.compile(rb"""[^";\\]*(;[^";\\]*("[^"\\]*" *)?){0,4}"""),
    b"host": re.compile(rb"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"),
}
"""Headers that this program acts upon, and how they must be written."""


def refusal(scope: Scope) -> CodedError | None:
    """Why a request is not routed; None for one that is."""
    if not _path_is_readable(scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")):
        return NotFoundError("page_not_found", "path")
    return next(chain(_bad_query(scope.get("query_string", b"")), _bad_headers(scope)), None)


def _path_is_readable(raw: bytes) -> bool:
    text = _text(raw, _CONTROL) if len(raw) <= PATH_BYTES else None
    return text is not None and all(len(part) <= SEGMENT_CHARS for part in text.split("/"))


def _text(raw: bytes, control: re.Pattern[str]) -> str | None:
    """A part of an address without its escapes; None where it is ill-formed or holds control characters."""
    if not raw.isascii() or _BROKEN_ESCAPE.search(raw):
        return None
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None
    return None if control.search(text) else text


def _bad_query(query: bytes) -> Iterator[InputError]:
    if len(query) > QUERY_BYTES:
        yield InputError("bad_address", "query")
        return
    for pair in query.split(b"&"):
        if _text(pair, _CONTROL_IN_QUERY) is None:
            name = _text(pair.partition(b"=")[0], _CONTROL)
            yield InputError("bad_address", name[:40] if name else "query")


def _bad_headers(scope: Scope) -> Iterator[InputError]:
    for name, value in scope["headers"]:
        if not _is_written(name, value):
            yield InputError("bad_header", f"header {name[:40].decode('latin-1')}")
        elif name == b"content-length" and int(value) > _most_bytes(scope):
            yield _too_large(scope)


def _is_written(name: bytes, value: bytes) -> bool:
    """Whether a header can be parsed: the length comes first, so that nothing looks at a long one."""
    if len(value) > (CONTENT_TYPE_BYTES if name == b"content-type" else HEADER_BYTES):
        return False
    form = _FORMS.get(name)
    return (form is None or form.fullmatch(value) is not None) and not _CONTROL_IN_HEADER.search(value)


def without_unreadable(scope: Scope) -> None:
    """Take away what no parser may meet, also of a request that is refused: its page is made from the rest.

    Of cookies, those with a quote or a backslash go: ours have none, and the time to read escapes goes by the square
    of their number.
    """
    headers = [(name, value) for name, value in scope["headers"] if _is_written(name, value)]
    scope["headers"] = [(name, _plain_cookies(value) if name == b"cookie" else value) for name, value in headers]


def _plain_cookies(value: bytes) -> bytes:
    return b";".join(pair for pair in value.split(b";") if b'"' not in pair and b"\\" not in pair)


def without_ranges(scope: Scope) -> None:
    """Take away a request for a part of a file: files are small, and a range that cannot be had has no page."""
    scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"range"]


def is_api(scope: Scope) -> bool:
    """Whether a program asks: it is answered in JSON, errors included."""
    path: str = scope["path"]
    return path == "/api" or path.startswith("/api/")


def _most_bytes(scope: Scope) -> int:
    return quotas.API_BYTES if is_api(scope) else quotas.REQUEST_BYTES


def _too_large(scope: Scope) -> QuotaError:
    return QuotaError("too_large", most=_most_bytes(scope) // 1_000_000)


class LimitedBody:
    """The body of a request, refused once it is too large, whatever its header says of its length.

    The time to read JSON goes by its values, so those are counted, too, before it is read.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope, self._receive = scope, receive
        self._left, self._parts = _most_bytes(scope), quotas.API_PARTS

    async def receive(self) -> Message:
        """The next part of the body.

        Raises:
            QuotaError: `too_large` or `too_many_parts`.
        """
        message = await self._receive()
        body = message.get("body", b"")
        self._left -= len(body)
        if is_api(self._scope):
            self._parts -= body.count(b",") + body.count(b"[") + body.count(b"{")
        if self._left < 0:
            raise _too_large(self._scope)
        if self._parts < 0:
            raise QuotaError("too_many_parts", most=quotas.API_PARTS)
        return message
