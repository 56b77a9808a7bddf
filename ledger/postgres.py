"""The ledger on PostgreSQL 16 or newer: the checks when it is opened, and its queries. Appends are in `writer`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger.connection import Connection, Pool, connect, open_connection, open_pool
from ledger.events import NO_DIGEST, LedgerTip, RecordedEvent, StreamTip
from ledger.memory import same_content
from ledger.metrics import counted_append
from ledger.protocol import PAGE_BYTES, Append, Appended, Behind, Diverged, Expired, KeysChanged, Stopped
from ledger.recorded import RecordedCommands
from ledger.setup import address_of, has_schema
from ledger.signing import SignedCommand
from ledger.watch import DatabaseWatch
from ledger.writer import Writer

PAGE_EVENTS = 1_000
DURABLE_SETTINGS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""Settings of the server without which an answered append can be lost in a crash."""

_COLUMNS = ", ".join(RecordedEvent.__struct_fields__)
_LOAD = f"select {_COLUMNS} from ledger.event where stream = $1 and version > $2 order by version limit $3"  # noqa: S608 - our own columns
_LAST = f"select {_COLUMNS} from ledger.event where stream = $1 order by version desc limit 1"  # noqa: S608 - our own columns
_READ = f"select {_COLUMNS} from ledger.event where position > $1 order by position limit $2"  # noqa: S608 - our own columns
_OF_COMMAND = f"select {_COLUMNS} from ledger.event where stream = $1 and command_id = $2 order by version"  # noqa: S608 - as above
_OF_COMMANDS = f"""
    select {_COLUMNS} from rows from (unnest($1::text[]), unnest($2::uuid[])) as asked (stream, command_id)
    join ledger.event using (stream, command_id) order by position
"""  # noqa: S608 - as above
_KNOWN = f"select {_COLUMNS} from ledger.event where stream = any($1) and command_id = any($2) order by position"  # noqa: S608 - our own columns


class PostgresLedger:
    """See `ledger.protocol.Ledger`. Made by `open_ledger`. It appends under the writer `epoch`.

    `opening` opens a connection, as `open_connection`. `recorded` tells when commands stand here.
    """

    def __init__(self, pool: Pool, url: str, epoch: int, *, opening: Any = open_connection) -> None:
        self.pool = pool
        self.url = url
        self.epoch = epoch
        self._opening = opening
        self._writer = Writer(url, epoch, self._answer_unwritten)
        self.recorded = RecordedCommands(self)

    # Writing ------------------------------------------------------------------------------

    async def append(self, request: Append) -> Appended | Behind:
        with counted_append() as outcome:
            answer = await self._writer.append(request)
            if isinstance(answer, Behind):
                outcome.name = "behind"
            elif answer.known:
                outcome.name = "known"
            else:
                outcome.name, outcome.events = "appended", len(answer.events)
        return answer

    async def _answer_unwritten(self, request: Append, status: str) -> Appended | Behind:
        """Answer a request that `ledger.append` did not write: "known", "expired", "unread", "keys" or "behind"."""
        if status == "expired" and request.expires is not None:
            raise Expired("expired", expires=request.expires.isoformat())
        if status == "unread" and request.read is not None:
            raise Diverged("read_diverged", position=request.read.position)
        if status == "keys":
            raise KeysChanged("keys_changed")
        return await (self._known(request) if status == "known" else self._behind(request))

    async def _known(self, request: Append) -> Appended:
        ids = [event.command_id for part in request.parts for event in part.events]
        rows = _recorded_events(await self.pool.fetch(_KNOWN, [part.stream for part in request.parts], ids))
        stored = {
            row.command_digest: command
            for row in rows
            if row.command_digest and (command := await self.command(row.command_digest))
        }
        same_content(request, list(rows), stored)
        return Appended(rows, known=True)

    async def _behind(self, request: Append) -> Behind:
        for part in request.parts:
            digest: bytes | None = NO_DIGEST
            if part.expected.version:
                digest = await self.pool.fetchval(
                    "select digest from ledger.event where stream = $1 and version = $2",
                    part.stream,
                    part.expected.version,
                )
            if digest != part.expected.digest:
                raise Diverged("diverged", stream=part.stream, version=part.expected.version)
        first = request.parts[0]
        return Behind(await self.load(first.stream, first.expected.version, None))

    # Reading ------------------------------------------------------------------------------

    async def load(
        self, stream: str, after: int = 0, limit_bytes: int | None = PAGE_BYTES
    ) -> tuple[RecordedEvent, ...]:
        limit = None if limit_bytes is None else PAGE_EVENTS
        rows = _recorded_events(await self.pool.fetch(_LOAD, stream, after, limit))
        if limit_bytes is None:
            return rows
        size = 0
        for index, row in enumerate(rows):
            size += len(row.body)
            if index and size > limit_bytes:
                return rows[:index]
        return rows

    async def row(self, stream: str, version: int) -> RecordedEvent | None:
        """Return one event of a stream; None when there is none with this version."""
        rows = _recorded_events(await self.pool.fetch(_LOAD, stream, version - 1, 1))
        return rows[0] if rows and rows[0].version == version else None

    async def last(self, stream: str) -> RecordedEvent | None:
        row = await self.pool.fetchrow(_LAST, stream)
        return RecordedEvent(*row) if row else None

    async def read(self, after: int = 0, limit: int = 1_000) -> tuple[RecordedEvent, ...]:
        return _recorded_events(await self.pool.fetch(_READ, after, limit))

    async def streams(self) -> tuple[tuple[str, StreamTip], ...]:
        query = """
            select first.stream, tip.version, tip.digest
            from (select stream, position from ledger.event where version = 1) first
            cross join lateral (
                select version, digest from ledger.event where stream = first.stream order by version desc limit 1
            ) tip
            order by first.position
        """
        rows = await self.pool.fetch(query)
        return tuple((row["stream"], StreamTip(row["version"], row["digest"])) for row in rows)

    async def existing(self, streams: Sequence[str]) -> list[str]:
        """Return those of some streams that have events, in the order in which they are given."""
        query = "select stream from ledger.event where version = 1 and stream = any($1)"
        found = {row["stream"] for row in await self.pool.fetch(query, list(streams))}
        return [stream for stream in streams if stream in found]

    async def command(self, digest: bytes) -> SignedCommand | None:
        return (await self.commands([digest])).get(digest)

    async def commands(self, digests: Collection[bytes]) -> dict[bytes, SignedCommand]:
        query = """
            select c.digest, c.payload, c.unit, b.header, b.signature
            from ledger.command c join ledger.batch b on b.digest = c.batch where c.digest = any($1)
        """
        rows = await self.pool.fetch(query, list(digests)) if digests else ()
        return {
            row["digest"]: SignedCommand(row["header"], row["signature"].hex(), row["payload"], row["unit"])
            for row in rows
        }

    async def of_command(self, stream: str, command_id: UUID) -> tuple[RecordedEvent, ...]:
        return _recorded_events(await self.pool.fetch(_OF_COMMAND, stream, command_id))

    async def of_commands(self, commands: Collection[tuple[str, UUID]]) -> tuple[RecordedEvent, ...]:
        """Return the events of commands, which are named by stream and id, in the order of their positions."""
        streams, ids = [stream for stream, _id in commands], [command_id for _stream, command_id in commands]
        return _recorded_events(await self.pool.fetch(_OF_COMMANDS, streams, ids))

    async def tip(self) -> LedgerTip:
        row = await self.pool.fetchrow("select position, digest from ledger.event order by position desc limit 1")
        return LedgerTip(*row) if row else LedgerTip()

    async def digests_at(self, positions: Collection[int]) -> dict[int, bytes]:
        query = "select position, digest from ledger.event where position = any($1)"
        rows = await self.pool.fetch(query, list(positions)) if positions else ()
        return {row["position"]: row["digest"] for row in rows}

    async def last_position(self) -> int:
        return int(await self.pool.fetchval("select max(position) from ledger.event") or 0)

    async def now(self) -> datetime:
        found: datetime = await self.pool.fetchval("select clock_timestamp()")
        return found

    @contextlib.asynccontextmanager
    async def notices(self, wake: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
        """Call `wake` after every group of appends while the context lasts. The groups are announced by NOTIFY.

        The event is set when the connection is lost, and no notice comes any more.

        Raises:
            ConnectionError, TimeoutError, OSError, asyncpg.PostgresError: as `connection.open_connection`.
        """
        connection = await connect(self.url, opening=self._opening)
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda *_: lost.set())
            await connection.add_listener("ledger", lambda *_: wake())
            yield lost
        finally:
            connection.terminate()

    async def close(self) -> None:
        """Close every connection."""
        await self.recorded.close()
        await self._writer.close()
        self.pool.terminate()


async def open_ledger(
    url: str,
    installation: str | None,
    *,
    writing: bool = True,
    watch: DatabaseWatch | None = None,
) -> PostgresLedger:
    """Open the ledger at `url`. With `writing`, check first that appending is safe.

    Args:
        url: the address of the database; the role decides what may be done.
        installation: the id that the ledger must belong to; None accepts any.
        writing: check the server's settings.
        watch: opens the connections, and cuts them when the database stops answering.

    Raises:
        Stopped: `no_ledger`: the database is empty; `schema_differs`: see `ledger.setup`; `other_installation`,
            `unsafe_setting` or `is_a_replica`.
        ConnectionError, TimeoutError, OSError, asyncpg.PostgresError: as `connection.open_connection`.
    """
    pool = await (open_pool(url) if watch is None else open_pool(url, opening=watch.connect))
    try:
        async with pool.acquire() as connection:
            row = await _installation(connection, address_of(url))
            if installation is not None and row["id"] != installation:
                raise Stopped("other_installation", expected=installation, found=row["id"])
            if writing:
                await _check_settings(connection)
        return PostgresLedger(pool, url, row["epoch"], opening=open_connection if watch is None else watch.connect)
    except BaseException:
        pool.terminate()
        raise


async def _installation(connection: Connection, database: str) -> Any:
    row = None
    if await has_schema(connection, database):
        row = await connection.fetchrow("select id, epoch from ledger.installation")
    if row is None:
        raise Stopped("no_ledger")
    return row


async def _check_settings(connection: Connection) -> None:
    for name, wanted in DURABLE_SETTINGS.items():
        found = await connection.fetchval("select current_setting($1)", name)
        if found != wanted:
            raise Stopped("unsafe_setting", name=name, found=found, expected=wanted)
    if await connection.fetchval("select pg_is_in_recovery()"):
        raise Stopped("is_a_replica")


def _recorded_events(rows: list[Any]) -> tuple[RecordedEvent, ...]:
    return tuple(RecordedEvent(*row) for row in rows)
