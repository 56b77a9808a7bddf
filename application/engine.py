"""The desk: hand in a command, get its outcome in words.

A protocol with one implementation for now: Temporal's update-with-start. Whoever hands in commands has signed them
already; what the desk answers is read again from the ledger before a receipt is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from domain.types import Refused
from errors import AwayError, CodedError, Kind
from ledger.receipts import Receipt
from ledger.signing import SignedBatch


class RefusedError(Refused):
    """A command of a batch was refused, so none of them was carried out. `index` is its index in the batch."""

    def __init__(self, code: str, facts: Mapping[str, Any], index: int | None = None) -> None:
        super().__init__(code, **facts)
        self.index = index


class PendingError(CodedError):
    """No answer yet. The command may still be carried out: hand it in again with the same id, or look later."""

    kind = Kind.PENDING

    def __init__(self, command: str = "…") -> None:
        super().__init__("pending", command=command)


class UnreachableError(AwayError):
    """The engine does not answer. Nothing was handed in."""

    def __init__(self) -> None:
        super().__init__("unreachable")


class EngineClient(Protocol):
    """Hands commands in."""

    async def submit(self, stream: str, batch: SignedBatch) -> Receipt:
        """Hand in a signed list of commands to one stream.

        Raises:
            RefusedError: a rule or a signature forbids it.
            Diverged: the engine's past is not the ledger's.
            PendingError: no answer in time.
            UnreachableError: the engine does not answer.
        """
