"""The ledger on PostgreSQL 15 or newer.

All appends go through one advisory lock, with group commit: what waits while a transaction is under way travels in
the next one, each request answered on its own. Order by an identity column without the lock lost a third of the
events for a reader with a cursor, so the position is given under the lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg

from eventstore.checkpoints import Checkpoint, last_checkpoint, merkle_root
from eventstore.envelope import Envelope, Head
from eventstore.memory import same_content
from eventstore.signing import Handover
from eventstore.store import (
    CLOCK_JUMP_S,
    EVENTS_PER_APPEND,
    PAGE_BYTES,
    Append,
    Appended,
    Behind,
    Diverged,
    LedgerError,
    SignedCommand,
    Stopped,
)  # fmt: skip

STATEMENT_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_S = 5
READERS = 8
GROUP_EVENTS = 2_000
PAGE_EVENTS = 1_000
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

_COLUMNS = ", ".join(Envelope.__slots__)
_APPEND = "select * from ledger.append($1::ledger.new_part[], $2::ledger.new_event[], $3::ledger.new_command[], $4)"
_LOAD = f"select {_COLUMNS} from ledger.event where stream = $1 and version > $2 order by version limit {PAGE_EVENTS}"  # noqa: S608
_READ = f"select {_COLUMNS} from ledger.event where position > $1 order by position limit $2"  # noqa: S608
_KNOWN = f"select {_COLUMNS} from ledger.event where stream = any($1) and command_id = any($2) order by position"  # noqa: S608


@dataclass(slots=True)
class _Waiting:
    request: Append
    answer: asyncio.Future[Appended | Behind]


class PostgresLedger:
    """See `eventstore.store.Ledger`. Made by `open_ledger`; `epoch` is the writer epoch it appends under."""

    def __init__(self, pool: asyncpg.Pool[Any], url: str, epoch: int) -> None:
        self.pool = pool
        self._url = url
        self.epoch = epoch
        self._writer: asyncpg.Connection[Any] | None = None
        self._queue: deque[_Waiting] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._clocks = _clocks()

    # Writing ------------------------------------------------------------------------------

    async def append(self, request: Append) -> Appended | Behind:
        count = sum(len(part.events) for part in request.parts)
        if not 0 < count <= EVENTS_PER_APPEND:
            raise LedgerError("append_size", count=count, most=EVENTS_PER_APPEND)
        waiting = _Waiting(request, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._run())
        return await asyncio.shield(waiting.answer)

    async def _run(self) -> None:
        while self._queue:
            group = self._next_group()
            try:
                await self._commit(group)
            except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError, TimeoutError) as error:
                await self._lose_writer()
                _fail(group, error)
            except asyncpg.PostgresError as error:
                await self._one_by_one(group, error)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                _fail(group, error)

    def _next_group(self) -> list[_Waiting]:
        """What waits, at most one request for each stream: a second one could not see the first one's rows."""
        group, streams, size, later = [], set[str](), 0, deque[_Waiting]()
        while self._queue and size < GROUP_EVENTS:
            waiting = self._queue.popleft()
            if waiting.answer.cancelled():
                continue
            mine = {part.stream for part in waiting.request.parts}
            if mine & streams:
                later.append(waiting)
                continue
            streams |= mine
            size += sum(len(part.events) for part in waiting.request.parts)
            group.append(waiting)
        self._queue.extendleft(reversed(later))
        return group

    async def _one_by_one(self, group: list[_Waiting], error: asyncpg.PostgresError) -> None:
        """A failing append never fails its neighbours: try each of the group alone."""
        if len(group) == 1:
            _fail(group, _stopped(error) or error)
            return
        for waiting in group:
            try:
                await self._commit([waiting])
            except asyncpg.PostgresError as own:
                _fail([waiting], _stopped(own) or own)
            except Exception as own:  # noqa: BLE001 - as above
                await self._lose_writer()
                _fail([waiting], own)

    async def _commit(self, group: list[_Waiting]) -> None:
        if not group:
            return
        await self._watch_clock()
        parts, events, commands = [], [], []
        for number, waiting in enumerate(group):
            for part in waiting.request.parts:
                parts.append((number, part.stream, part.expected.version, part.expected.digest))
                for place, draft in enumerate(part.events):
                    version = part.expected.version + 1 + place
                    events.append((
                        number, part.stream, version, None if place else part.expected.digest,
                        draft.content_digest(part.stream, version), draft.type, draft.schema, draft.payload,
                        draft.command_id, draft.command_digest, draft.actor, draft.unit, draft.stand_in_for,
                        draft.provenance, draft.source, draft.meeting, draft.happened_earliest, draft.happened_latest,
                        draft.effective, draft.act_key,
                    ))  # fmt: skip
            for _, command in waiting.request.commands:
                handover = command.handover
                commands.append((
                    number, command.digest, command.payload, command.unit, handover.digest, handover.header,
                    handover.signature,
                ))  # fmt: skip
        writer = await self._writing()
        rows = await writer.fetch(_APPEND, parts, events, commands, self.epoch)
        answered: dict[int, list[Any]] = {}
        for row in rows:
            answered.setdefault(row["request"], []).append(row)
        for number, waiting in enumerate(group):
            await self._answer(waiting, answered[number])

    async def _answer(self, waiting: _Waiting, rows: list[Any]) -> None:
        request, status = waiting.request, rows[0]["status"]
        try:
            if status == "appended":
                answer: Appended | Behind = Appended(_stored(request, rows))
            elif status == "known":
                answer = await self._known(request)
            else:
                answer = await self._behind(request)
        except LedgerError as error:
            _fail([waiting], error)
        else:
            if not waiting.answer.done():
                waiting.answer.set_result(answer)

    async def _known(self, request: Append) -> Appended:
        ids = [event.command_id for part in request.parts for event in part.events]
        async with self.pool.acquire() as connection:
            rows = _envelopes(await connection.fetch(_KNOWN, [part.stream for part in request.parts], ids))
        stored = {
            row.command_digest: command
            for row in rows
            if row.command_digest and (command := await self.command(row.command_digest))
        }
        same_content(request, list(rows), stored)
        return Appended(rows, known=True)

    async def _behind(self, request: Append) -> Behind:
        for part in request.parts:
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
        tail: list[Envelope] = []
        while page := await self.load(first.stream, tail[-1].version if tail else first.expected.version):
            tail.extend(page)
        return Behind(tuple(tail))

    async def _writing(self) -> asyncpg.Connection[Any]:
        if self._writer is None or self._writer.is_closed():
            self._writer = await _connect(self._url)
        return self._writer

    async def _lose_writer(self) -> None:
        if self._writer is not None:
            self._writer.terminate()
            self._writer = None

    async def _watch_clock(self) -> None:
        """Stop when the wall clock jumped against the monotonic one; mere idleness moves both."""
        before, after = self._clocks, _clocks()
        drift = (after[0] - before[0]) - (after[1] - before[1])
        self._clocks = after
        if abs(drift) > CLOCK_JUMP_S:
            writer = await self._writing()
            await writer.execute("select ledger.stop_clock($1)", f"jumped {drift:.0f} s")

    # Reading ------------------------------------------------------------------------------

    async def load(self, stream: str, after: int = 0, limit_bytes: int = PAGE_BYTES) -> tuple[Envelope, ...]:
        async with self.pool.acquire() as connection:
            rows = _envelopes(await connection.fetch(_LOAD, stream, after))
        size = 0
        for place, row in enumerate(rows):
            size += len(row.payload)
            if place and size > limit_bytes:
                return rows[:place]
        return rows

    async def read(self, after: int = 0, limit: int = 1_000) -> tuple[Envelope, ...]:
        async with self.pool.acquire() as connection:
            return _envelopes(await connection.fetch(_READ, after, limit))

    async def streams(self) -> tuple[tuple[str, Head], ...]:
        query = """
            select f.stream, l.version, l.digest
            from (select stream, position from ledger.event where version = 1) f
            cross join lateral (
                select version, digest from ledger.event where stream = f.stream order by version desc limit 1
            ) l
            order by f.position
        """
        async with self.pool.acquire() as connection:
            return tuple((r["stream"], Head(r["version"], r["digest"])) for r in await connection.fetch(query))

    async def command(self, digest: bytes) -> SignedCommand | None:
        query = """
            select c.payload, c.unit, h.header, h.signature
            from ledger.command c join ledger.handover h on h.digest = c.handover where c.digest = $1
        """
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(query, digest)
        return SignedCommand(Handover(row["header"], row["signature"]), row["payload"], row["unit"]) if row else None

    async def now(self) -> datetime:
        async with self.pool.acquire() as connection:
            found: datetime = await connection.fetchval("select clock_timestamp()")
        return found

    @contextlib.asynccontextmanager
    async def notices(self, wake: Callable[[], None]) -> AsyncIterator[None]:
        """Call `wake` after every group of appends, by NOTIFY, while the context lasts."""
        connection = await _connect(self._url)
        try:
            await connection.add_listener("ledger", lambda *_: wake())
            yield
        finally:
            connection.terminate()

    async def close(self) -> None:
        """Close every connection."""
        if self._drain is not None and not self._drain.done():
            await self._drain
        await self._lose_writer()
        self.pool.terminate()


async def _connect(url: str) -> asyncpg.Connection[Any]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        url, timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_MS / 1000,
        server_settings={"statement_timeout": str(STATEMENT_TIMEOUT_MS), "application_name": "thidua"},
    )  # fmt: skip
    return connection


async def open_pool(url: str, size: int = READERS) -> asyncpg.Pool[Any]:
    """A pool of connections that gives up in time.

    Raises:
        OSError, asyncpg.PostgresError: nobody answers at `url`.
    """
    return await asyncpg.create_pool(
        url, min_size=0, max_size=size, timeout=CONNECT_TIMEOUT_S, command_timeout=STATEMENT_TIMEOUT_MS / 1000,
        server_settings={"statement_timeout": str(STATEMENT_TIMEOUT_MS), "application_name": "thidua"},
    )  # fmt: skip


async def open_ledger(
    url: str, installation: str | None, *, writing: bool = True, checkpoints: Path | None = None
) -> PostgresLedger:
    """Open the ledger at `url`, after the checks that make appending safe.

    Raises:
        Stopped: settings risk loss, it is a replica, another installation's ledger, or older than `checkpoints`.
        LedgerError: `no_ledger`, when the database has no schema yet.
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
        raise LedgerError("no_ledger")
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


def _clocks() -> tuple[float, float]:
    # BOOTTIME goes on while a laptop sleeps, as the wall clock does.
    return time.time(), time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _envelopes(rows: list[Any]) -> tuple[Envelope, ...]:
    return tuple([Envelope(*row) for row in rows])


def _stored(request: Append, rows: list[Any]) -> tuple[Envelope, ...]:
    """The rows as stored: what was sent, with what the ledger added."""
    stored, added = [], iter(rows)
    for part in request.parts:
        for place, draft in enumerate(part.events):
            row = next(added)
            stored.append(
                Envelope(
                    row["position"],
                    part.stream,
                    part.expected.version + 1 + place,
                    draft.type,
                    draft.schema,
                    draft.payload,
                    draft.command_id,
                    draft.command_digest,
                    draft.actor,
                    draft.unit,
                    draft.stand_in_for,
                    draft.provenance,
                    draft.source,
                    draft.meeting,
                    draft.happened_earliest.astimezone(UTC),
                    draft.happened_latest.astimezone(UTC),
                    draft.effective,
                    draft.act_key,
                    row["recorded_at"],
                    row["previous"],
                    row["digest"],
                )
            )
    return tuple(stored)


def _fail(group: list[_Waiting], error: BaseException) -> None:
    for waiting in group:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)


def _stopped(error: asyncpg.PostgresError) -> Stopped | None:
    if error.sqlstate == "TD002":
        return Stopped("other_epoch", epoch=error.detail)
    if error.sqlstate == "TD003":
        return Stopped("clock_stopped", why=error.detail)
    return None
