"""Which coded error a page or the JSON interface answers with; what the operator must know is logged here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import JSONResponse

from application.error_mapping import coded_error
from application.pasted_text import where_in
from errors import RETRY_S, CodedError, InputError, InternalError, Kind
from i18n import _
from i18n.messages import sentence
from ledger.connection import DATABASE_ERRORS

log = structlog.get_logger()

BUGS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Mistakes of ours: they, too, must not cost the visitor what was typed."""

ANSWERED: tuple[type[Exception], ...] = (CodedError, *DATABASE_ERRORS, *BUGS)
"""Handlers are registered for these classes, not for `Exception`: only so they get the request whose form was read."""

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""What PostgreSQL stores in no text: NUL, and halves of surrogate pairs, which JSON can carry."""


_retry_after: ContextVar[int | None] = ContextVar("retry_after", default=None)


def forget_retry() -> None:
    """Forget what was noted: a new request begins."""
    _retry_after.set(None)


def note_retry(error: CodedError) -> None:
    """Note when the request may come again that this error refuses."""
    if error.retry_after is not None:
        _retry_after.set(error.retry_after)


def retry_after(status: int) -> int | None:
    """The seconds after which a refused request may come again, for a header of its answer, which has this status."""
    if status < HTTPStatus.BAD_REQUEST:
        return None
    waits = status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return _retry_after.get() or (RETRY_S[Kind.AWAY] if waits else None)


def answered(request: Request, error: Exception, sent: Mapping[str, Any]) -> CodedError:
    """The coded error that is told. `sent` is what came with the request, by name: a text at fault is looked up in it.

    A mistake of ours, or a fault of the machine, is logged with its traceback.
    """
    found = coded_error(error)
    if found is None:
        log.error("our bug", exc_info=error)
        return InternalError("our_bug_web", request=request.state.request_id)
    note_retry(found)
    if found.kind is Kind.OURS:
        log.error("fault", code=found.code, exc_info=error)
    elif found.kind is Kind.CORRUPT:
        log.error("corrupt", code=found.code, facts=found.facts)
    elif found is not error and found.kind is Kind.AWAY:
        log.warning("database", exc_info=error)
    elif found is not error and found.kind is Kind.INPUT:
        return unstorable_text({**request.path_params, **request.query_params, **sent}) or found
    return found


def json_error(error: CodedError, status: int | None = None) -> JSONResponse:
    """An error as programs get it, always in this shape; `status` where it is not that of the error's kind."""
    body = {"code": error.code, "text": sentence(error.code, error.facts), "place": error.path or None}
    asks_for_token = {"WWW-Authenticate": "Bearer"} if error.http_status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(body, status or error.http_status, asks_for_token)


def unstorable_text(sent: Any) -> InputError | None:
    """The error of the first text in plain data that cannot be stored; its path joins names and indexes by dots."""
    found = _unstorable(sent)
    if found is None:
        return None
    path, text = found
    at = UNSTORABLE.search(text)
    where = "" if at is None else _("in line {line}, “{words}”").format(**where_in(text, at.start()))
    return InputError("unstorable_text", ".".join(map(printable, path)), where=where)


def printable(text: str) -> str:
    """A text that can be sent in UTF-8, with escapes in place of what cannot be stored."""
    return UNSTORABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _unstorable(sent: Any) -> tuple[tuple[str, ...], str] | None:
    """The path of the first text that cannot be stored, and the text; "" where the name of the field is at fault."""
    left: list[tuple[tuple[str, ...], Any]] = [((), sent)]  # no recursion: the sender decides how deep it is
    while left:
        path, value = left.pop()
        if UNSTORABLE.search("".join(path[-1:])):
            return path, ""
        if isinstance(value, str) and UNSTORABLE.search(value):
            return path, value
        inner: Sequence[tuple[Any, Any]] = ()
        if isinstance(value, Mapping):
            inner = list(value.items())
        elif isinstance(value, (list, tuple)):
            inner = list(enumerate(value))
        left.extend(((*path, str(name)), part) for name, part in reversed(inner))
    return None
