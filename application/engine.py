"""The protocol of the engine's client: submit a signed batch, hear what the engine says of it.

`workflows.client` implements it with Temporal's update-with-start. What people are told is made by
`application.answers`, which asks the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from domain.records import Refused
from errors import AwayError, CodedError, Kind
from ledger.receipts import Receipt
from ledger.signing import SignedBatch

ANSWER_DEADLINE_S = 20.0
"""How long an answer is waited for."""


class RefusedError(Refused):
    """A command of a batch was refused, so none of them was carried out. `index` is its index in the batch."""

    def __init__(self, code: str, facts: Mapping[str, Any], index: int | None = None) -> None:
        super().__init__(code, **facts)
        self.index = index


class PendingError(CodedError):
    """No answer in time. The command may still be carried out: submit it again with the same id, or look later."""

    kind = Kind.PENDING

    def __init__(self, command: str = "…") -> None:
        super().__init__("pending", command=command)


class UnreachableError(AwayError):
    """The engine does not answer. Nothing was submitted."""

    def __init__(self) -> None:
        super().__init__("unreachable")


class EngineClient(Protocol):
    """Submits signed batches to the engine. Only `application.answers` calls it: an engine can claim anything."""

    async def submit(self, stream: str, batch: SignedBatch) -> Receipt:
        """Submit a signed batch to one stream.

        Raises:
            RefusedError: a rule or a signature forbids it.
            Diverged: the engine has folded events that the ledger does not hold.
            PendingError: no answer in time, or none that can be understood; it may have been sent.
            UnreachableError: the engine does not answer, and nothing was sent.
        """
