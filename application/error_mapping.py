"""Errors of the database driver and of the system that can be foreseen, as coded errors."""

from __future__ import annotations

from errors import AwayError, CodedError, InputError, InternalError
from ledger.connection import is_disk_full, is_lost, is_overloaded, is_unstorable_text


def coded_error(error: BaseException) -> CodedError | None:
    """A coded error itself, or the one that a foreign error means; None for a mistake of ours."""
    if isinstance(error, CodedError):
        return error
    if is_lost(error) or is_overloaded(error):
        return AwayError("database_unreachable", problem=str(error) or type(error).__name__)
    if is_disk_full(error):
        return InternalError("disk_full")
    if is_unstorable_text(error):
        return InputError("unstorable_text", where="")
    return None
