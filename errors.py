"""The base of all coded errors: what a person or a program is told has a code, facts, and a kind. And where one arose.

The kind says whose turn it is. Exit codes of the command line and HTTP statuses follow from it, in the two tables
below and nowhere else. Only the standard library is imported here, so that every package may import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from traceback import format_tb
from typing import Any


class Kind(StrEnum):
    """Whose turn it is after an error."""

    INPUT = "input"
    """What was typed or sent cannot be used: change it."""

    REFUSED = "refused"
    """A rule forbids it as things stand."""

    NOT_FOUND = "not found"
    """What was named does not exist."""

    FORBIDDEN = "forbidden"
    """This person, or this token, may not do or see it."""

    PENDING = "pending"
    """No answer in time; it may still be carried out. The same command id again does nothing twice."""

    AWAY = "away"
    """The database or the engine cannot be reached, or takes nothing now: try again later."""

    CORRUPT = "corrupt"
    """What is stored is not what was recorded, or cannot be read: the operator must look at it."""

    OURS = "ours"
    """A mistake of the program or a fault of the machine: trying again does not help, the operator must know."""


EXIT_CODES: Mapping[Kind, int] = {
    Kind.INPUT: 2,
    Kind.NOT_FOUND: 2,
    Kind.AWAY: 3,
    Kind.CORRUPT: 4,
    Kind.PENDING: 5,
    Kind.REFUSED: 10,
    Kind.FORBIDDEN: 10,
    Kind.OURS: 70,
}
"""Exit codes of the command line, as docs/cli.md documents them."""

HTTP_STATUSES: Mapping[Kind, int] = {
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.REFUSED: 409,
    Kind.INPUT: 422,
    Kind.CORRUPT: 500,
    Kind.OURS: 500,
    Kind.PENDING: 503,
    Kind.AWAY: 503,
}


RETRY_S: Mapping[Kind, int] = {Kind.PENDING: 5, Kind.AWAY: 5}
"""Seconds after which trying again makes sense, for a response's header."""


class CodedError(Exception):
    """An error that people are told of.

    `code` names the sentence (`i18n/sentences.py`) and `facts` fill it. `path` says where in the input the error is:
    a field, a line of a file, an option; it is empty where that is not known. A class of errors has a kind.
    """

    kind: Kind = Kind.OURS

    def __init__(self, code: str, path: str = "", /, **facts: Any) -> None:
        super().__init__(code, path, facts)
        self.code = code
        self.path = path
        self.facts = facts

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends with this error."""
        return EXIT_CODES[self.kind]

    @property
    def http_status(self) -> int:
        """The status of a response that tells this error."""
        return HTTP_STATUSES[self.kind]

    @property
    def retry_after(self) -> int | None:
        """Seconds after which the same request may succeed; None where trying again does not help."""
        return RETRY_S.get(self.kind)


class InputError(CodedError):
    """What was typed or sent cannot be used."""

    kind = Kind.INPUT


class QuotaError(InputError):
    """More than one person, or one form, may send or keep. With `retry_after` seconds, it is only too much for now."""

    _retry_after: int | None = None

    def __init__(self, code: str, path: str = "", /, *, retry_after: int | None = None, **facts: Any) -> None:
        super().__init__(code, path, **facts)
        self._retry_after = retry_after

    @property
    def http_status(self) -> int:
        """See `CodedError`. HTTP has a status for each of the two."""
        return 413 if self._retry_after is None else 429

    @property
    def retry_after(self) -> int | None:
        """See `CodedError`."""
        return self._retry_after


class NotFoundError(InputError):
    """What was named in an address or on the command line does not exist."""

    kind = Kind.NOT_FOUND


class AwayError(CodedError):
    """The database or the engine cannot be reached."""

    kind = Kind.AWAY


class InternalError(CodedError):
    """A mistake of the program, or a fault of the machine that it runs on."""


def where(error: BaseException) -> str:
    """Return the lines of the program that an error passed, without its text, which may hold what users wrote."""
    return "".join(format_tb(error.__traceback__)).rstrip()
