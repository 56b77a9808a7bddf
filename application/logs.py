"""Logging of the processes: one line per entry, with the same keys in all of them, without user input.

A line is a JSON document with `timestamp`, `level`, `part` (of the program), `logger` (the module) and `event`; the
facts of an entry stand beside them. `THIDUA_LOG_FORMAT=text` makes lines for a terminal instead.

What libraries log passes here, too. The text of an exception may hold what people wrote, or rows of the database: its
class, code and place in the program are logged in its stead. Mail addresses are blotted out wherever they stand.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Literal

import structlog

from errors import CodedError, InputError, where

FORMAT = "THIDUA_LOG_FORMAT"
Part = Literal["web", "worker", "supervisor"]
KEYS = ("timestamp", "level", "part", "logger", "event")
"""The keys that every line has, in this order at its beginning."""

_ADDRESS = re.compile(r"[^\s<>\"'(,;:]+@[^\s<>\"'),;:]+")
_Entry = MutableMapping[str, Any]


def log_format(env: Mapping[str, str]) -> Literal["json", "text"] | None:
    """The format that is set; None where none is.

    Raises:
        InputError: `setting_bad_log_format`.
    """
    match env.get(FORMAT, ""):
        case "":
            return None
        case "json" | "text" as found:
            return found
        case other:
            raise InputError("setting_bad_log_format", setting=FORMAT, found=other[:80])


def configure(part: Part) -> None:
    """Configure logging for a process: ours, and that of the libraries, go to stdout.

    Raises:
        InputError: `setting_bad_log_format`.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _name, entry: {**entry, "part": part},
        without_texts,
        _in_order,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=lambda value: type(value).__name__)
    if log_format(os.environ) == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_with_exception, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            keep_exc_info=False,
            keep_stack_info=False,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)


def to_stderr() -> None:
    """Configure structlog for a command, whose stdout is its answer."""
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))


def without_texts(_logger: Any, _name: str, entry: _Entry) -> _Entry:
    """Put class, code and place of an exception in place of its text; blot out mail addresses."""
    error = _exception_of(entry.pop("exc_info", None))
    if error is not None:
        chain = list(_chain(error))
        entry["error"] = " < ".join(map(_name_of, chain))
        entry["where"] = "\n".join(filter(None, map(where, chain)))
    for key, value in entry.items():
        if not key.startswith("_"):  # what structlog carries along
            entry[key] = _blotted(value)
    return entry


def _blotted(value: Any) -> Any:
    """A value without the mail addresses in it, however deep they stand."""
    if isinstance(value, str):
        return _ADDRESS.sub("<address>", value) if "@" in value else value
    if isinstance(value, Mapping):
        return {key: _blotted(one) for key, one in value.items()}
    return [_blotted(one) for one in value] if isinstance(value, (list, tuple, set, frozenset)) else value


def _in_order(_logger: Any, _name: str, entry: _Entry) -> _Entry:
    return {key: entry[key] for key in KEYS if key in entry} | dict(entry)


def _with_exception(_logger: Any, _name: str, entry: _Entry) -> _Entry:
    """Take the exception of a library's log record; structlog leaves it there."""
    record: logging.LogRecord = entry["_record"]
    return {**entry, "exc_info": record.exc_info}


def _exception_of(found: Any) -> BaseException | None:
    """The exception that an entry was logged with, in each of the forms in which logging knows it."""
    if isinstance(found, tuple):
        found = found[1]
    elif found is True:
        found = sys.exc_info()[1]
    return found if isinstance(found, BaseException) else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what led to it."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def _name_of(error: BaseException) -> str:
    """Class, and what says more without a text: our code, PostgreSQL's, or the system's."""
    code = error.code if isinstance(error, CodedError) else getattr(error, "sqlstate", None) or _errno(error)
    return type(error).__name__ + (f"({code})" if code else "")


def _errno(error: BaseException) -> str | None:
    return error.strerror if isinstance(error, OSError) else None
