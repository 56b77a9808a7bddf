"""The answer to a signed batch. It holds versions only; entry points read the events from the ledger.

What the engine answers is not told to people: `application.answers` makes a receipt of what stands in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass
class CommandOutcome:
    """The versions of a command's events; `known` when the command had been carried out before."""

    command_id: UUID
    versions: list[int]
    known: bool = False


@dataclass
class FailedOpening:
    """A cycle that could not be opened, with code and facts of the error."""

    stream: str
    code: str
    facts: dict[str, Any]


@dataclass
class Receipt:
    """An outcome for each command of the batch, and the cycles that could not be opened."""

    outcomes: list[CommandOutcome]
    failed: list[FailedOpening] = field(default_factory=list)
