"""The ledger on PostgreSQL 15 or newer: what opens it, and what reads it. Its writer has a room of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from ledger.checkpoints import Checkpoint, last_checkpoint, merkle_root
from ledger.connection import OPTIONS, connect, open_connection
from ledger.events import NO_DIGEST, RecordedEvent, StreamTip
from ledger.memory import same_content
from ledger.protocol import PAGE_BYTES, Append, Appended, Behind, Diverged, Expired, Stopped
from ledger.signing import SignedCommand
from ledger.writer import Writer

READERS = 8
PAGE_EVENTS = 1_000
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

_COLUMNS = ", ".join(RecordedEvent._fields)
_LOAD = f"select {_COLUMNS} from ledger.event where stream = $1 and version > $2 order by version limit $3"  # noqa: S608
_LAST = f"select {_COLUMNS} from ledger.event where stream = $1 order by version desc limit 1"  # noqa: S608
_READ = f"select {_COLUMNS} from ledger.event where position > $1 order by position limit $2"  # noqa: S608
_KNOWN = f"select {_COLUMNS} from ledger.event where stream = any($1) and command_id = any($2) order by position"  # noqa: S608


class PostgresLedger:
    """See `ledger.protocol.Ledger`. Made by `open_ledger`; `epoch` is the writer epoch it appends under."""

    def __init__(self, pool: asyncpg.Pool[Any], url: str, epoch: int) -> None:
        self.pool = pool
        self._url = url
        self.epoch = epoch
        self._writer = Writer(url, epoch, self._explain)

    # Writing ------------------------------------------------------------------------------

    async def append(self, request: Append) -> Appended | Behind:
        return await self._writer.append(request)

    async def _explain(self, request: Append, status: str) -> Appended | Behind:
        """Answer a request of which nothing was written."""
        if status == "expired" and request.expires is not None:
            raise Expired("expired", expires=request.expires.isoformat())
        return await (self._known(request) if status == "known" else self._behind(request))

    async def _known(self, request: Append) -> Appended:
        ids = [event.command_id for part in request.parts for event in part.events]
        async with self.pool.acquire() as connection:
            rows = _recorded_events(await connection.fetch(_KNOWN, [part.stream for part in request.parts], ids))
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
                async with self.pool.acquire() as connection:
                    digest = await connection.fetchval(
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
        async with self.pool.acquire() as connection:
            rows = _recorded_events(
                await connection.fetch(_LOAD, stream, after, None if limit_bytes is None else PAGE_EVENTS)
            )
        if limit_bytes is None:
            return rows
        size = 0
        for index, row in enumerate(rows):
            size += len(row.payload)
            if index and size > limit_bytes:
                return rows[:index]
        return rows

    async def last(self, stream: str) -> RecordedEvent | None:
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(_LAST, stream)
        return RecordedEvent._make(row) if row else None

    async def read(self, after: int = 0, limit: int = 1_000) -> tuple[RecordedEvent, ...]:
        async with self.pool.acquire() as connection:
            return _recorded_events(await connection.fetch(_READ, after, limit))

    async def streams(self) -> tuple[tuple[str, StreamTip], ...]:
        query = """
            select f.stream, l.version, l.digest
            from (select stream, position from ledger.event where version = 1) f
            cross join lateral (
                select version, digest from ledger.event where stream = f.stream order by version desc limit 1
            ) l
            order by f.position
        """
        async with self.pool.acquire() as connection:
            return tuple((r["stream"], StreamTip(r["version"], r["digest"])) for r in await connection.fetch(query))

    async def command(self, digest: bytes) -> SignedCommand | None:
        query = """
            select c.payload, c.unit, h.header, h.signature
            from ledger.command c join ledger.handover h on h.digest = c.handover where c.digest = $1
        """
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(query, digest)
        return SignedCommand(row["header"], row["signature"].hex(), row["payload"], row["unit"]) if row else None

    async def last_position(self) -> int:
        """The position of the last event; 0 while there is none."""
        async with self.pool.acquire() as connection:
            return int(await connection.fetchval("select max(position) from ledger.event") or 0)

    async def now(self) -> datetime:
        async with self.pool.acquire() as connection:
            found: datetime = await connection.fetchval("select clock_timestamp()")
        return found

    @contextlib.asynccontextmanager
    async def notices(self, wake: Callable[[], None]) -> AsyncIterator[None]:
        """Call `wake` after every group of appends, by NOTIFY, while the context lasts."""
        connection = await connect(self._url)
        try:
            await connection.add_listener("ledger", lambda *_: wake())
            yield
        finally:
            connection.terminate()

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.close()
        self.pool.terminate()


async def _as_it_is(_connection: Any) -> None:
    """No reader leaves anything behind in its session, so nothing is worth a round trip to put it back."""


async def open_pool(url: str, size: int = READERS) -> asyncpg.Pool[Any]:
    """A pool of connections that give up in time. It opens the first one when it is used."""
    opening: Any = open_connection  # the stubs ask for the whole signature of `asyncpg.connect`
    pool: asyncpg.Pool[Any] = await asyncpg.create_pool(
        url, min_size=0, max_size=size, connect=opening, reset=_as_it_is, **OPTIONS
    )
    return pool


async def open_ledger(
    url: str, installation: str | None, *, writing: bool = True, checkpoints: Path | None = None
) -> PostgresLedger:
    """Open the ledger at `url`, after the checks that make appending safe.

    Raises:
        Stopped: the database has no schema yet (`no_ledger`), settings risk loss, it is a replica, another
            installation's ledger, or older than `checkpoints`.
        ConnectionError, TimeoutError, OSError, asyncpg.PostgresError: as `connection.open_connection`.
    """
    pool = await open_pool(url)
    try:
        async with pool.acquire() as connection:
            row = await _installation(connection)
            if installation is not None and row["id"] != installation:
                raise Stopped("other_installation", expected=installation, found=row["id"])
            if writing:
                await _check_settings(connection)
                if checkpoints is not None:
                    await _check_not_ahead(connection, checkpoints)
        return PostgresLedger(pool, url, row["epoch"])
    except BaseException:
        pool.terminate()
        raise


async def _installation(connection: Any) -> Any:
    try:
        row = await connection.fetchrow("select id, epoch, clock_stopped from ledger.installation")
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        row = None
    if row is None:
        raise Stopped("no_ledger")
    return row


async def _check_settings(connection: Any) -> None:
    for name, wanted in SAFE.items():
        found = await connection.fetchval("select current_setting($1)", name)
        if found != wanted:
            raise Stopped("unsafe_setting", name=name, found=found, expected=wanted)
    if await connection.fetchval("select pg_is_in_recovery()"):
        raise Stopped("is_a_replica")


async def _check_not_ahead(connection: Any, folder: Path) -> None:
    """A ledger that lacks what a checkpoint has seen is an old copy: appending to it would fork the past."""
    newest = last_checkpoint(folder)
    if newest is None:
        return
    digest = await connection.fetchval("select digest from ledger.event where position = $1", newest.position)
    if digest is None or digest.hex() != newest.digest:
        raise Stopped("checkpoint_ahead", position=newest.position, folder=str(folder))


async def checkpoint(ledger: PostgresLedger) -> Checkpoint | None:
    """Where the ledger stands now; None while it is empty."""
    query = "select position, digest, recorded_at from ledger.event order by position"
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch(query)
    if not rows:
        return None
    last = rows[-1]
    root = merkle_root([row["digest"] for row in rows])
    return Checkpoint(last["position"], last["digest"].hex(), root.hex(), last["recorded_at"].isoformat())


def _recorded_events(rows: list[Any]) -> tuple[RecordedEvent, ...]:
    return tuple(map(RecordedEvent._make, rows))
