"""What came of a signed batch, as the engine answers it. Entry points read its events from the ledger again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass
class CommandOutcome:
    """What came of a command: the versions of its events; `known` when it had been carried out before."""

    command_id: UUID
    versions: list[int]
    known: bool = False


@dataclass
class FailedOpening:
    """A cycle that could not be opened, and why."""

    stream: str
    code: str
    facts: dict[str, Any]


@dataclass
class Receipt:
    """An outcome for each command of the batch, and the cycles that could not be opened."""

    outcomes: list[CommandOutcome]
    failed: list[FailedOpening] = field(default_factory=list)
