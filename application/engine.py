"""The desk: hand in a command, get its outcome in words.

A protocol with one implementation for now: Temporal's update-with-start. Whoever hands in commands has signed them
already; what the desk answers is read again from the ledger before a receipt is shown.
"""

from __future__ import annotations

from typing import Any, Protocol

from ledger.receipts import Receipt
from ledger.signing import SignedBatch


class RefusedError(Exception):
    """The command was refused by a rule. `place` is its index in the list."""

    def __init__(self, code: str, facts: dict[str, Any], place: int | None = None) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts
        self.place = place


class PendingError(Exception):
    """No answer yet. The command may still be carried out: hand it in again with the same id, or look later."""


class UnreachableError(Exception):
    """The engine does not answer. Nothing was handed in."""


class EngineClient(Protocol):
    """Hands commands in."""

    async def submit(self, stream: str, batch: SignedBatch) -> Receipt:
        """Hand in a signed list of commands to one stream.

        Raises:
            RefusedError: a rule or a signature forbids it.
            PendingError: no answer in time.
            UnreachableError: nobody is there.
        """
