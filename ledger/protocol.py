"""What a ledger is: the protocol that both stores keep, checked by one contract test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from errors import CodedError, Kind
from ledger.events import Draft, RecordedEvent, StreamTip
from ledger.signing import SignedCommand

PAGE_BYTES = 256_000
"""A page of events on its way to a workflow: far from Temporal's two megabytes, few enough pages for a year."""

EVENTS_PER_APPEND = 2_000
CLOCK_JUMP_S = 60
CLOCK_BACK_S = 3_600


class LedgerError(CodedError):
    """Something about the ledger that a caller cannot mend by trying again.

    The base class itself is raised for calls that no correct program makes: `append_size`, `ledger_closed`.
    """


class Diverged(LedgerError):  # noqa: N818 - the word of the design
    """A version that the caller has folded carries another digest: two installations, or a workflow reset."""

    kind = Kind.CORRUPT


class UnreadableRowError(LedgerError):
    """A stored row is no event any more (`row_unreadable`), or of a type that is not known here (`row_unknown`)."""

    kind = Kind.CORRUPT


class CommandReused(LedgerError):  # noqa: N818
    """A command id comes back with another content."""

    kind = Kind.REFUSED


class Expired(LedgerError):  # noqa: N818
    """A command that the ledger does not know came after its time."""

    kind = Kind.REFUSED


class Stopped(LedgerError):  # noqa: N818
    """The ledger cannot be used until the operator acts: no schema, clock jumped, wrong epoch, unsafe settings."""

    kind = Kind.AWAY


@dataclass(frozen=True, slots=True)
class Part:
    """Events for one stream, on top of where the caller believes it stands."""

    stream: str
    expected: StreamTip
    events: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Append:
    """One or several streams in one transaction: all of it or nothing.

    `commands` holds the signed command of each command id; clock acts have none. After `expires`, by the ledger's time,
    only what is known already is answered.
    """

    parts: tuple[Part, ...]
    commands: tuple[tuple[UUID, SignedCommand], ...] = ()
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The stored rows, new ones or, when the command was known, those of the first time."""

    events: tuple[RecordedEvent, ...]
    known: bool = False


@dataclass(frozen=True, slots=True)
class Behind:
    """Nothing was written: others wrote first. `tail` is what the caller has not folded yet, of its first stream."""

    tail: tuple[RecordedEvent, ...]


class Ledger(Protocol):
    """Append-only, in one order, chained."""

    async def append(self, request: Append) -> Appended | Behind:
        """Append, or answer with what the caller has missed.

        Raises:
            Diverged: the caller's past is not the ledger's.
            CommandReused: a known command id with another content.
            Expired: it came too late.
            Stopped: the ledger takes nothing now; `code` says why.
        """

    async def load(
        self, stream: str, after: int = 0, limit_bytes: int | None = PAGE_BYTES
    ) -> tuple[RecordedEvent, ...]:
        """The stream's events above version `after`: at least one if there is one, about `limit_bytes` at most.

        None stands for no limit: the whole stream.
        """

    async def last(self, stream: str) -> RecordedEvent | None:
        """The stream's last event."""

    async def read(self, after: int = 0, limit: int = 1_000) -> tuple[RecordedEvent, ...]:
        """Events of all streams above position `after`, in order."""

    async def streams(self) -> tuple[tuple[str, StreamTip], ...]:
        """Every stream with its head, in the order of their first events."""

    async def command(self, digest: bytes) -> SignedCommand | None:
        """The signed command that an event's `command_digest` names."""

    async def now(self) -> datetime:
        """The ledger's time."""


async def load_all(ledger: Ledger, stream: str, after: int = 0) -> tuple[RecordedEvent, ...]:
    """The whole stream above a version."""
    return await ledger.load(stream, after, None)
