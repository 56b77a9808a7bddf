"""Appends to the ledger on PostgreSQL: group commit over two connections.

All appends take one advisory lock, and positions are given under it. Positions from an identity column without the lock
would not do: transactions commit in another order, and a reader that follows the positions lost a third of the events.

Requests that wait are sent together as one group, one transaction, and each is answered on its own. While one group is
under the lock, the next is prepared and already waits for the lock on a second connection, so that neither this process
nor the server is idle.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from errors import CodedError
from ledger.bodies import BadBodyError
from ledger.connection import Connection, connect, is_lost, may_pass
from ledger.events import INSTALLATION_STREAM, RecordedEvent
from ledger.protocol import Append, Appended, Behind, LedgerError, Stopped
from ledger.signing import SignedCommand

EVENTS_PER_APPEND = 2_000
"""The most events of one request."""

CLOCK_JUMP_S = 60
"""The wall clock may differ from the monotonic clock by so much between two groups."""

LANES = 2
GROUP_EVENTS = 2_000
"""A group is closed when it has so many events, so it has fewer than twice as many."""

SMALL_GROUP = 8
"""So few requests are not split over two lanes."""

_APPEND = """
    select statuses, first_position, recorded_at, digests
    from ledger.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
"""

Answer = Appended | Behind


@dataclass(slots=True)
class _PendingAppend:
    """A request that waits, with the bodies of its events in order."""

    request: Append
    bodies: list[bytes]
    answer: asyncio.Future[Answer]

    def settle(self, answer: Answer) -> None:
        """Answer, unless the caller was cancelled."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Answer with an error, unless the caller was cancelled."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True)
class _Lane:
    """A connection that appends one group after another. `under_way` is the number of requests in its group now."""

    connection: Connection | None = None
    work: asyncio.Task[None] | None = None
    under_way: int = 0

    @property
    def idle(self) -> bool:
        return self.work is None or self.work.done()

    def lose(self) -> None:
        """Drop the connection; the next group opens another."""
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None


class Writer:
    """Appends under a writer epoch.

    Args:
        url: the address of the database, as the role that may append.
        epoch: the writer epoch; `ledger.append` refuses another one than the ledger's.
        answer_unwritten: answers a request that was not written, given its status in `ledger.append`, or raises.
    """

    def __init__(self, url: str, epoch: int, answer_unwritten: Callable[[Append, str], Awaitable[Answer]]) -> None:
        self._url, self._epoch, self._answer_unwritten = url, epoch, answer_unwritten
        self._queue: deque[_PendingAppend] = deque()
        self._lanes = [_Lane() for _ in range(LANES)]
        self._unwritten: set[asyncio.Task[None]] = set()
        self._clocks = _clocks()
        self._jump: str | None = None
        self._closed = False

    async def append(self, request: Append) -> Answer:
        """See `ledger.protocol.Ledger`."""
        count = sum(len(part.events) for part in request.parts)
        if not 0 < count <= EVENTS_PER_APPEND:
            raise LedgerError("append_size", count=count, most=EVENTS_PER_APPEND)
        if self._closed:
            raise LedgerError("ledger_closed")
        # Bodies are made and read here, so that an event that makes none is the error of this request alone.
        waiting = _PendingAppend(request, _bodies(request), asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        for lane in self._lanes:
            if lane.idle:
                lane.work = asyncio.create_task(self._drain(lane))
                break
        return await waiting.answer

    async def close(self) -> None:
        """Answer all waiting requests, then close the connections. Later requests are refused."""
        self._closed = True
        under_way = [lane.work for lane in self._lanes if lane.work is not None]
        await asyncio.gather(*map(asyncio.shield, under_way), return_exceptions=True)
        await asyncio.gather(*self._unwritten, return_exceptions=True)
        for lane in self._lanes:
            lane.lose()

    async def _drain(self, lane: _Lane) -> None:
        while group := self._next_group():
            lane.under_way = len(group)
            try:
                self._settle(group, await self._send(lane, group))
            except Exception as error:  # noqa: BLE001 - every error is the answer to those who wait
                await self._one_by_one(lane, group, error)
            except BaseException as error:
                lane.lose()
                _fail([*group, *self._queue], error)
                raise
            finally:
                lane.under_way = 0

    def _next_group(self) -> list[_PendingAppend]:
        """Take this lane's share of the waiting requests from the queue.

        A group has at most one request for each stream: a second one would be checked before the first one's rows
        exist. A request for the installation's stream, which names and retires keys, is a group of its own.
        """
        share = max(SMALL_GROUP, -(-(len(self._queue) + sum(lane.under_way for lane in self._lanes)) // LANES))
        group, streams, size, later = list[_PendingAppend](), set[str](), 0, deque[_PendingAppend]()
        while self._queue and len(group) < share and size < GROUP_EVENTS:
            waiting = self._queue.popleft()
            if waiting.answer.done():  # cancelled
                continue
            mine = {part.stream for part in waiting.request.parts}
            if mine & streams or (streams and INSTALLATION_STREAM in mine | streams):
                later.append(waiting)
                continue
            streams |= mine
            size += len(waiting.bodies)
            group.append(waiting)
        self._queue.extendleft(reversed(later))
        return group

    async def _one_by_one(self, lane: _Lane, group: list[_PendingAppend], error: Exception) -> None:
        """Send each request of a failed group alone, so that one request's error is not the answer to the others.

        An error that concerns all of them, such as a lost server, is the answer to all.
        """
        if len(group) == 1 or _concerns_all(error):
            lane.lose()
            _fail(group, _own_error(error) or error)
            return
        for index, waiting in enumerate(group):
            if waiting.answer.done():
                continue
            try:
                self._settle([waiting], await self._send(lane, [waiting]))
            except Exception as own:  # noqa: BLE001 - as above
                if _concerns_all(own):
                    lane.lose()
                    _fail(group[index:], own)
                    return
                waiting.fail(_own_error(own) or own)

    async def _send(self, lane: _Lane, group: list[_PendingAppend]) -> Any:
        """Send a group as one transaction."""
        if lane.connection is None or lane.connection.is_closed():
            lane.connection = await connect(self._url)
        await self._watch_clock(lane.connection)
        (row,) = await lane.connection.fetch(_APPEND, *_arguments(group), self._epoch)
        return row

    def _settle(self, group: list[_PendingAppend], row: Any) -> None:
        position, digests, index = row["first_position"], row["digests"], 0
        for waiting, status in zip(group, row["statuses"], strict=True):
            count = len(waiting.bodies)
            if status == "appended":
                made = digests[index : index + count]
                waiting.settle(Appended(_stored(waiting, position, row["recorded_at"], made)))
                position += count
            else:
                # In a task of its own: it needs queries, and the lane's next group must not wait for them.
                task = asyncio.create_task(self._settle_unwritten(waiting, status))
                self._unwritten.add(task)
                task.add_done_callback(self._unwritten.discard)
            index += count

    async def _settle_unwritten(self, waiting: _PendingAppend, status: str) -> None:
        try:
            waiting.settle(await self._answer_unwritten(waiting.request, status))
        except Exception as error:  # noqa: BLE001 - as above
            waiting.fail(error)

    async def _watch_clock(self, connection: Connection) -> None:
        """Stop the ledger when the wall clock jumped against the monotonic clock. Idle time moves both.

        `_jump` is kept until the database has stored it: a lane that fails to store it leaves it to the next one, and
        no lane appends in between.
        """
        now = _clocks()
        drift = (now[0] - self._clocks[0]) - (now[1] - self._clocks[1])
        if self._jump is None and abs(drift) > CLOCK_JUMP_S:
            self._jump = f"jumped {drift:.0f} s"
        if self._jump is not None:
            await connection.execute("select ledger.stop_clock($1)", self._jump)
            self._jump = None
        self._clocks = now


def _bodies(request: Append) -> list[bytes]:
    return [
        draft.body(part.stream, version)
        for part in request.parts
        for version, draft in enumerate(part.events, start=part.expected.version + 1)
    ]


def _arguments(group: list[_PendingAppend]) -> list[list[Any]]:
    """Return the arrays that `ledger.append` takes: requests, parts and events by number; each signed batch once."""
    expires, read, read_digest, keys = list[Any](), list[Any](), list[Any](), list[Any]()
    part_request, part_stream, part_version, part_digest = list[Any](), list[Any](), list[Any](), list[Any]()
    event_part, event_law, event_command, event_body = list[Any](), list[Any](), list[Any](), list[Any]()
    commands: tuple[list[Any], ...] = [], [], [], [], []
    batches = dict[bytes, SignedCommand]()
    for number, waiting in enumerate(group, start=1):
        request = waiting.request
        expires.append(request.expires)
        read.append(None if request.read is None else request.read.position)
        read_digest.append(None if request.read is None else request.read.digest)
        keys.append(request.keys)
        for part in request.parts:
            part_request.append(number)
            part_stream.append(part.stream)
            part_version.append(part.expected.version)
            part_digest.append(part.expected.digest)
            for draft in part.events:
                event_part.append(len(part_request))
                event_law.append(draft.law)
                event_command.append(draft.command_id)
        event_body.extend(waiting.bodies)
        for _, command in request.commands:
            batches[command.batch_digest] = command
            values = number, command.digest, command.batch_digest, command.payload, command.unit
            for column, value in zip(commands, values, strict=True):
                column.append(value)
    if not any(digest is not None for digest in read_digest):
        read.clear()
        read_digest.clear()
    if not any(version is not None for version in keys):
        keys.clear()
    return [
        expires,
        read,
        read_digest,
        keys,
        part_request,
        part_stream,
        part_version,
        part_digest,
        event_part,
        event_law,
        event_command,
        event_body,
        *commands,
        list(batches),
        [batch.header for batch in batches.values()],
        [bytes.fromhex(batch.signature) for batch in batches.values()],
    ]


def _stored(
    waiting: _PendingAppend, position: int, recorded_at: datetime, digests: list[bytes]
) -> tuple[RecordedEvent, ...]:
    """Return the rows as the database stored them: the bodies that were sent, and what the ledger added."""
    stored, added = [], zip(waiting.bodies, digests, strict=True)
    for part in waiting.request.parts:
        previous = part.expected.digest
        for version, draft in enumerate(part.events, start=part.expected.version + 1):
            body, digest = next(added)
            stored.append(
                RecordedEvent(
                    position, part.stream, version, draft.law, draft.command_id, body, recorded_at, previous, digest
                )
            )
            position, previous = position + 1, digest
    return tuple(stored)


def _clocks() -> tuple[float, float]:
    """Return the wall clock and the monotonic clock, in seconds."""
    # BOOTTIME counts while a laptop sleeps, as the wall clock does; MONOTONIC does not.
    return time.time(), time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _fail(group: list[_PendingAppend], error: BaseException) -> None:
    for waiting in group:
        waiting.fail(error)


def _concerns_all(error: Exception) -> bool:
    """Return True for a wrong epoch and a stopped clock, which hold for every request, and for a lost connection.

    An error of ours, such as a value that cannot be sent, is one request's.
    """
    if isinstance(error, asyncpg.PostgresError):
        return error.sqlstate in {"TD002", "TD003"} or is_lost(error)
    return may_pass(error)


def _own_error(error: Exception) -> CodedError | None:
    """Return what the error codes in ledger/schema.sql mean; None for other errors."""
    if not isinstance(error, asyncpg.PostgresError):
        return None
    if error.sqlstate == "TD002":
        return Stopped("other_epoch", epoch=error.detail)
    if error.sqlstate == "TD003":
        return Stopped("clock_stopped", why=error.detail)
    if error.sqlstate == "TD004":
        return Stopped("older_law", law=error.detail)
    if error.sqlstate == "TD006":
        return Stopped("law_not_in_force", law=error.detail)
    if error.sqlstate == "TD005":
        return BadBodyError("body_elsewhere", stream=error.detail)
    return None
