"""What can be foreseen to go wrong, mapped once: each error's kind, code and facts, for terminal and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from application.engine import PendingError, RefusedError, UnreachableError
from application.fields import InputError
from domain.types import Refused
from ledger.connection import UNREACHABLE
from ledger.protocol import LedgerError
from local.process import EngineUnavailableError

Kind = Literal["input", "refused", "pending", "away"]
"""What was typed cannot be used; a rule forbids it; no answer yet; somebody is not there."""

FORESEEN: tuple[type[Exception], ...] = (
    InputError,
    Refused,
    RefusedError,
    PendingError,
    UnreachableError,
    EngineUnavailableError,
    LedgerError,
    *UNREACHABLE,
)
_INPUT_CODES = {"unknown_act", "malformed_act", "not_a_cycle_name", "malformed_command", "too_many_commands"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error for people: `code` and `facts` make the sentence, `place` says where."""

    kind: Kind
    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""


def trouble_of(error: BaseException) -> Trouble | None:
    """The trouble of an error; None for what nobody has foreseen."""
    if isinstance(error, InputError):
        return Trouble("input", error.code, error.facts, error.place)
    if isinstance(error, (Refused, RefusedError)):
        return Trouble("input" if error.code in _INPUT_CODES else "refused", error.code, error.facts)
    if isinstance(error, PendingError):
        return Trouble("pending", "pending", {"command": error.args[0] if error.args else "…"})
    if isinstance(error, UnreachableError):
        return Trouble("away", "unreachable")
    if isinstance(error, (EngineUnavailableError, LedgerError)):
        return Trouble("away", error.code, error.facts)
    if isinstance(error, UNREACHABLE):
        return Trouble("away", "database_unreachable", {"problem": str(error) or type(error).__name__})
    return None
