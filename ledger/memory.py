"""The ledger in memory, for tests. It gives the same answers as the one on PostgreSQL; nothing is durable."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from uuid import UUID

from ledger.events import INSTALLATION_STREAM, NO_DIGEST, Draft, LedgerTip, RecordedEvent, StreamTip, chain_digest
from ledger.protocol import (
    PAGE_BYTES,
    RAISES_LAW,
    Append,
    Appended,
    Behind,
    CommandReused,
    Diverged,
    Expired,
    KeysChanged,
    Part,
    Stopped,
)
from ledger.signing import SignedCommand


class MemoryLedger:
    """See `ledger.protocol.Ledger`."""

    def __init__(self) -> None:
        self._events: list[RecordedEvent] = []
        self._streams: dict[str, list[RecordedEvent]] = {}
        self._commands: dict[bytes, SignedCommand] = {}

    async def append(self, request: Append) -> Appended | Behind:
        bodies = {
            (part.stream, version): draft.body(part.stream, version)
            for part in request.parts
            for version, draft in enumerate(part.events, start=part.expected.version + 1)
        }
        known = self._known(request)
        if known is not None:
            return known
        self._check_signed(request)
        for part in request.parts:
            rows = self._streams.get(part.stream, [])
            tip = rows[-1].tip if rows else StreamTip()
            if tip != part.expected:
                below = rows[part.expected.version - 1].tip if 0 < part.expected.version <= len(rows) else StreamTip()
                if below != part.expected:
                    raise Diverged("diverged", stream=part.stream, version=part.expected.version)
                first = request.parts[0]
                return Behind(tuple(self._streams.get(first.stream, [])[first.expected.version :]))
        self._check_law(request)
        now = max(datetime.now(UTC), self._events[-1].recorded_at if self._events else datetime.min.replace(tzinfo=UTC))
        stored = [row for part in request.parts for row in self._store(part, bodies, now)]
        for _, command in request.commands:
            self._commands[command.digest] = command
        return Appended(tuple(stored))

    def _check_signed(self, request: Append) -> None:
        if request.expires is not None and request.expires < datetime.now(UTC):
            raise Expired("expired", expires=request.expires.isoformat())
        if request.read is not None and not self._holds(request.read):
            raise Diverged("read_diverged", position=request.read.position)
        if request.keys is not None and request.keys < len(self._streams.get(INSTALLATION_STREAM, [])):
            raise KeysChanged("keys_changed")

    def _check_law(self, request: Append) -> None:
        law = self._events[-1].law if self._events else 1
        for stream, draft in ((part.stream, draft) for part in request.parts for draft in part.events):
            if draft.law < law:
                raise Stopped("older_law", law=str(law))
            if draft.law > law and (stream, draft.type) != RAISES_LAW:
                raise Stopped("law_not_in_force", law=str(law))
            law = draft.law

    def _holds(self, tip: LedgerTip) -> bool:
        if tip.position == 0:
            return tip.digest == NO_DIGEST
        return tip.position <= len(self._events) and self._events[tip.position - 1].digest == tip.digest

    def _known(self, request: Append) -> Appended | None:
        ids = {event.command_id for part in request.parts for event in part.events}
        rows = [row for part in request.parts for row in self._streams.get(part.stream, []) if row.command_id in ids]
        if {row.command_id for row in rows} != ids:
            return None
        same_content(request, rows, self._commands)
        return Appended(tuple(rows), known=True)

    def _store(self, part: Part, bodies: Mapping[tuple[str, int], bytes], now: datetime) -> list[RecordedEvent]:
        rows = self._streams.setdefault(part.stream, [])
        return [self._row(part.stream, rows, draft, bodies, now) for draft in part.events]

    def _row(
        self,
        stream: str,
        rows: list[RecordedEvent],
        draft: Draft,
        bodies: Mapping[tuple[str, int], bytes],
        now: datetime,
    ) -> RecordedEvent:
        previous = rows[-1].tip if rows else StreamTip()
        version, position = previous.version + 1, len(self._events) + 1
        body = bodies[stream, version]
        digest = chain_digest(previous.digest, position, now, body)
        row = RecordedEvent(position, stream, version, draft.law, draft.command_id, body, now, previous.digest, digest)
        rows.append(row)
        self._events.append(row)
        return row

    async def load(
        self, stream: str, after: int = 0, limit_bytes: int | None = PAGE_BYTES
    ) -> tuple[RecordedEvent, ...]:
        page: list[RecordedEvent] = []
        size = 0
        for row in self._streams.get(stream, [])[after:]:
            size += len(row.body)
            if page and limit_bytes is not None and size > limit_bytes:
                break
            page.append(row)
        return tuple(page)

    async def last(self, stream: str) -> RecordedEvent | None:
        rows = self._streams.get(stream)
        return rows[-1] if rows else None

    async def read(self, after: int = 0, limit: int = 1_000) -> tuple[RecordedEvent, ...]:
        return tuple(self._events[after : after + limit])

    async def tip(self) -> LedgerTip:
        return LedgerTip(self._events[-1].position, self._events[-1].digest) if self._events else LedgerTip()

    async def streams(self) -> tuple[tuple[str, StreamTip], ...]:
        return tuple((stream, rows[-1].tip) for stream, rows in self._streams.items())

    async def command(self, digest: bytes) -> SignedCommand | None:
        return self._commands.get(digest)

    async def commands(self, digests: Collection[bytes]) -> dict[bytes, SignedCommand]:
        return {digest: self._commands[digest] for digest in digests if digest in self._commands}

    async def of_command(self, stream: str, command_id: UUID) -> tuple[RecordedEvent, ...]:
        return tuple(row for row in self._streams.get(stream, []) if row.command_id == command_id)

    async def digests_at(self, positions: Collection[int]) -> dict[int, bytes]:
        return {at: self._events[at - 1].digest for at in positions if 0 < at <= len(self._events)}

    async def last_position(self) -> int:
        return len(self._events)

    async def now(self) -> datetime:
        return datetime.now(UTC)


def same_content(request: Append, rows: list[RecordedEvent], stored: dict[bytes, SignedCommand]) -> None:
    """Check that known commands come with the same unit and payload. Times and signature are not compared.

    Raises:
        CommandReused: a command has another unit or payload.
    """
    repeated = dict(request.commands)
    for row in rows:
        before = stored.get(row.command_digest) if row.command_digest else None
        new = repeated.get(row.command_id)
        if (before is None) != (new is None) or (
            before is not None and new is not None and (before.unit, before.payload) != (new.unit, new.payload)
        ):
            raise CommandReused("command_reused", command=str(row.command_id))
