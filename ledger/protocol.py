"""The protocol of a ledger, its requests, answers and errors. One contract test checks both implementations."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from errors import CodedError, Kind
from ledger.events import Draft, LedgerTip, RecordedEvent, StreamTip
from ledger.signing import SignedCommand

PAGE_BYTES = 256_000
"""About the most bytes of a page of events. Well below Temporal's two megabytes for a payload; a year is few pages."""

RAISES_LAW = ("installation", "LawPutInForce")
"""Stream and type of the only events that may carry a higher law than the event before them (`domain/law.py`)."""


class LedgerError(CodedError):
    """An error of the ledger that a second attempt does not mend.

    The base class itself is raised for calls that no correct program makes: `append_size`, `ledger_closed`.
    """


class Diverged(LedgerError):  # noqa: N818 - a state of the stream
    """The ledger has not the event that the caller knows: it was rewritten, or restored, or a workflow was reset.

    `diverged`: the stream has another digest at the caller's version; `read_diverged`: the ledger has not the event
    that was the newest when the command was signed.
    """

    kind = Kind.CORRUPT


class UnreadableRowError(LedgerError):
    """A stored row is no event any more (`row_unreadable`), or of a type that is not known here (`row_unknown`)."""

    kind = Kind.CORRUPT


class CommandReused(LedgerError):  # noqa: N818 - as above
    """A known command id comes with another content."""

    kind = Kind.REFUSED


class Expired(LedgerError):  # noqa: N818 - as above
    """An unknown command came after it expired."""

    kind = Kind.REFUSED


class KeysChanged(LedgerError):  # noqa: N818 - as above
    """Signatures were checked with the keys of an older version of the installation's stream: check them again."""

    kind = Kind.PENDING


class Stopped(LedgerError):  # noqa: N818 - as above
    """The ledger cannot be used until the operator acts: no schema, clock jumped, other epoch or law, settings."""

    kind = Kind.AWAY


@dataclass(frozen=True, slots=True)
class Part:
    """Events for one stream. `expected` is the last event that the caller knows there."""

    stream: str
    expected: StreamTip
    events: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class Append:
    """A request: events for one or several streams, stored in one transaction or not at all.

    `commands` holds the signed command of each command id; acts of the clock have none. After `expires`, by the
    ledger's time, the request is refused unless all its commands are known; so it is when the ledger has not the event
    `read`, the newest one when the commands were signed. `keys` is the version of the installation's stream with whose
    keys the signatures were checked: a key that was retired a moment ago must sign nothing more.
    """

    parts: tuple[Part, ...]
    commands: tuple[tuple[UUID, SignedCommand], ...] = ()
    expires: datetime | None = None
    read: LedgerTip | None = None
    keys: int | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """The stored rows. With `known`, all commands had been stored before, and these are the rows of that time."""

    events: tuple[RecordedEvent, ...]
    known: bool = False


@dataclass(frozen=True, slots=True)
class Behind:
    """Nothing was written, because a stream has newer events. `tail` holds those of the request's first stream."""

    tail: tuple[RecordedEvent, ...]


class Ledger(Protocol):
    """Streams of events, append-only, in one order, chained by digests."""

    async def append(self, request: Append) -> Appended | Behind:
        """Append, or answer with the events that the caller has missed.

        Raises:
            Diverged: the digest at an expected version, or of the event that was read, is another one.
            BadBodyError: an event makes no body; see `ledger.bodies`.
            CommandReused: a known command id comes with another content.
            Expired: an unknown command came after it expired.
            KeysChanged: an event of the installation's stream is newer than the keys that were read.
            Stopped: the ledger refuses all appends; `code` says why.
        """

    async def load(
        self, stream: str, after: int = 0, limit_bytes: int | None = PAGE_BYTES
    ) -> tuple[RecordedEvent, ...]:
        """Return the stream's events above version `after`: about `limit_bytes` of them, at least one if there is one.

        Without a limit (None), all of them.
        """

    async def last(self, stream: str) -> RecordedEvent | None:
        """Return the stream's last event, None when it has none."""

    async def read(self, after: int = 0, limit: int = 1_000) -> tuple[RecordedEvent, ...]:
        """Return events of all streams above position `after`, in order."""

    async def tip(self) -> LedgerTip:
        """Return position and digest of the ledger's last event."""

    async def streams(self) -> tuple[tuple[str, StreamTip], ...]:
        """Return every stream with its tip, in the order of their first events."""

    async def command(self, digest: bytes) -> SignedCommand | None:
        """Return the signed command that an event's `command_digest` names, None when there is none."""

    async def commands(self, digests: Collection[bytes]) -> dict[bytes, SignedCommand]:
        """Return the signed commands with these digests; those that there are not are left out."""

    async def of_command(self, stream: str, command_id: UUID) -> tuple[RecordedEvent, ...]:
        """Return the events of one command in a stream, found by its id."""

    async def digests_at(self, positions: Collection[int]) -> dict[int, bytes]:
        """Return the digests of the events at some positions, those that there are."""

    async def last_position(self) -> int:
        """Return the position of the last event, 0 when there is none."""

    async def now(self) -> datetime:
        """Return the ledger's time: for PostgreSQL, the server's clock."""


async def load_all(ledger: Ledger, stream: str, after: int = 0) -> tuple[RecordedEvent, ...]:
    """Return all events of a stream above a version."""
    return await ledger.load(stream, after, None)
