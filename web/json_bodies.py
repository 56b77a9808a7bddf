"""JSON bodies of the interface, read in one place, with bounds: each route of the interface gets them checked.

How large a body may be, and how many values it may have, is checked before (`web.request_checks`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from email.message import Message
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from errors import InputError
from web.error_answers import printable, unstorable_text

DEPTH = 32
"""Lists and objects inside each other. The deepest act, a correction with a table of scores, has seven."""

LARGEST_NUMBER = 10**15


class CheckedRoute(APIRoute):
    """A route whose JSON body is read by `read_json`, before anything else is done with the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        handle = super().get_route_handler()
        has_body = self.body_field is not None

        async def handle_checked(request: Request) -> Response:
            if not has_body:
                return await handle(request)
            if not _is_json(request.headers.get("content-type", "")):
                raise InputError("json_expected", "header content-type")
            return await handle(_WithJson(request, read_json(await request.body())))

        return handle_checked


class _WithJson(Request):
    """The request with its JSON body, which is read already."""

    def __init__(self, request: Request, values: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._body = b" "  # FastAPI asks for the values where the body is not empty
        self._values = values

    async def json(self) -> Any:
        """See `Request`."""
        return self._values


def _is_json(content_type: str) -> bool:
    message = Message()
    try:
        message["content-type"] = content_type
        kind, charset = message.get_content_type(), message.get_param("charset")
    except (ValueError, LookupError):
        return False
    return (kind == "application/json" or kind.endswith("+json")) and str(charset or "utf-8").lower() == "utf-8"


def read_json(body: bytes) -> Any:
    """The values of a JSON text.

    Raises:
        InputError: `json_unreadable`, `json_too_deep`, `json_key_twice`, `number_too_large` or `unstorable_text`.
    """
    try:
        values = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError:
        raise InputError("json_too_deep", most=DEPTH) from None
    except ValueError:  # also UnicodeDecodeError, and a number of more than 4,300 digits
        raise InputError("json_unreadable") from None
    _check_bounds(values)
    if (unstorable := unstorable_text({"": values} if not isinstance(values, (dict, list)) else values)) is not None:
        raise unstorable
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise InputError("json_key_twice")
    return values


def _no_number(_name: str) -> Any:
    raise InputError("json_unreadable")  # NaN and Infinity are no JSON


def _check_bounds(values: Any) -> None:
    left: list[tuple[tuple[str, ...], Any]] = [((), values)]  # no recursion: the sender decides how deep it is
    while left:
        path, value = left.pop()
        if isinstance(value, (dict, list)) and len(path) >= DEPTH:
            raise InputError("json_too_deep", most=DEPTH)
        if isinstance(value, (int, float)) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            raise InputError("number_too_large", ".".join(path))
        if isinstance(value, dict):
            left.extend(((*path, printable(name[:40])), part) for name, part in value.items())
        elif isinstance(value, list):
            left.extend(((*path, str(number)), part) for number, part in enumerate(value))
