"""The writer of the ledger on PostgreSQL: group commit over two lanes.

All appends go through one advisory lock. What waits travels together, each request answered on its own; while one
group is under the lock, the next is prepared and already stands in line on a second connection, so that neither this
process nor the server waits for the other. Order by an identity column without the lock lost a third of the events
for a reader with a cursor, so the position is given under the lock.
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

from ledger.connection import connect, is_lost
from ledger.events import RecordedEvent
from ledger.protocol import (
    CLOCK_JUMP_S,
    EVENTS_PER_APPEND,
    Append,
    Appended,
    Behind,
    LedgerError,
    Stopped,
)

LANES = 2
GROUP_EVENTS = 2_000
SMALL_GROUP = 8
"""So few requests are not worth splitting over two lanes."""

_APPEND = """
    select statuses, first, recorded_at, digests
    from ledger.append(
        $1::ledger.new_part[], $2::ledger.new_event[], $3::ledger.new_command[], $4::ledger.handover[], $5
    )
"""


RowTuple = tuple[Any, ...]


@dataclass(slots=True)
class _Waiting:
    """A request with its rows for `ledger.append`, but for the number that it gets in its group."""

    request: Append
    parts: list[RowTuple]
    events: list[RowTuple]
    commands: list[RowTuple]
    answer: asyncio.Future[Appended | Behind]

    def settle(self, answer: Appended | Behind) -> None:
        """Answer, if somebody still waits."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """As `settle`."""
        if not self.answer.done():
            self.answer.set_exception(error)


@dataclass(slots=True)
class _Lane:
    """A connection that appends one group after another. `under_way` is how many requests it carries now."""

    connection: asyncpg.Connection[Any] | None = None
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
    """Appends under writer epoch `epoch`. `explain` answers a request of which nothing was written, or raises."""

    def __init__(self, url: str, epoch: int, explain: Callable[[Append, str], Awaitable[Appended | Behind]]) -> None:
        self._url, self._epoch, self._explain = url, epoch, explain
        self._queue: deque[_Waiting] = deque()
        self._lanes = [_Lane() for _ in range(LANES)]
        self._explaining: set[asyncio.Task[None]] = set()
        self._clocks = _clocks()
        self._jump: str | None = None
        self._closed = False

    async def append(self, request: Append) -> Appended | Behind:
        """See `ledger.protocol.Ledger`."""
        count = sum(len(part.events) for part in request.parts)
        if not 0 < count <= EVENTS_PER_APPEND:
            raise LedgerError("append_size", count=count, most=EVENTS_PER_APPEND)
        if self._closed:
            raise LedgerError("ledger_closed")
        # Rows are made here: what cannot be made into one is the error of this request alone.
        waiting = _Waiting(request, *_rows(request), asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        for lane in self._lanes:
            if lane.idle:
                lane.work = asyncio.create_task(self._drain(lane))
                break
        return await waiting.answer

    async def close(self) -> None:
        """Finish what is under way, then let go."""
        self._closed = True
        under_way = [lane.work for lane in self._lanes if lane.work is not None]
        await asyncio.gather(*map(asyncio.shield, under_way), return_exceptions=True)
        await asyncio.gather(*self._explaining, return_exceptions=True)
        for lane in self._lanes:
            lane.lose()

    async def _drain(self, lane: _Lane) -> None:
        while group := self._next_group():
            lane.under_way = len(group)
            try:
                self._answer(group, await self._send(lane, group))
            except asyncpg.PostgresError as error:
                await self._one_by_one(lane, group, error)
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                lane.lose()
                _fail(group, error)
            except BaseException as error:
                lane.lose()
                _fail([*group, *self._queue], error)
                raise
            finally:
                lane.under_way = 0

    def _next_group(self) -> list[_Waiting]:
        """This lane's share of what waits; at most one request for each stream, for a second could not see its rows."""
        share = max(SMALL_GROUP, -(-(len(self._queue) + sum(lane.under_way for lane in self._lanes)) // LANES))
        group, streams, size, later = list[_Waiting](), set[str](), 0, deque[_Waiting]()
        while self._queue and len(group) < share and size < GROUP_EVENTS:
            waiting = self._queue.popleft()
            if waiting.answer.done():  # given up
                continue
            mine = {part.stream for part in waiting.request.parts}
            if mine & streams:
                later.append(waiting)
                continue
            streams |= mine
            size += len(waiting.events)
            group.append(waiting)
        self._queue.extendleft(reversed(later))
        return group

    async def _one_by_one(self, lane: _Lane, group: list[_Waiting], error: asyncpg.PostgresError) -> None:
        """A failing append never fails its neighbours: try each of the group alone, while there is a server to try."""
        if len(group) == 1 or _concerns_all(error):
            lane.lose()
            _fail(group, _stopped(error) or error)
            return
        for index, waiting in enumerate(group):
            if waiting.answer.done():
                continue
            try:
                self._answer([waiting], await self._send(lane, [waiting]))
            except Exception as own:  # noqa: BLE001 - as above
                if not isinstance(own, asyncpg.PostgresError) or _concerns_all(own):
                    lane.lose()
                    _fail(group[index:], own)
                    return
                waiting.fail(_stopped(own) or own)

    async def _send(self, lane: _Lane, group: list[_Waiting]) -> Any:
        """One transaction for a group; requests are counted from 1, and each handover goes once."""
        if lane.connection is None or lane.connection.is_closed():
            lane.connection = await connect(self._url)
        await self._watch_clock(lane.connection)
        numbered = list(enumerate(group, start=1))
        batches = {command.batch_digest: command for one in group for _, command in one.request.commands}
        (row,) = await lane.connection.fetch(
            _APPEND,
            [(number, *part) for number, one in numbered for part in one.parts],
            [(number, *event) for number, one in numbered for event in one.events],
            [(number, *command) for number, one in numbered for command in one.commands],
            [(digest, batch.header, bytes.fromhex(batch.signature)) for digest, batch in batches.items()],
            self._epoch,
        )
        return row

    def _answer(self, group: list[_Waiting], row: Any) -> None:
        position, digests, index = row["first"], row["digests"], 0
        for waiting, status in zip(group, row["statuses"], strict=True):
            count = len(waiting.events)
            if status == "appended":
                made = digests[index : index + count]
                waiting.settle(Appended(_stored(waiting.request, position, row["recorded_at"], made)))
                position += count
            else:
                # Beside the lane: it takes reading, and the next group need not wait for that.
                task = asyncio.create_task(self._explain_to(waiting, status))
                self._explaining.add(task)
                task.add_done_callback(self._explaining.discard)
            index += count

    async def _explain_to(self, waiting: _Waiting, status: str) -> None:
        try:
            waiting.settle(await self._explain(waiting.request, status))
        except Exception as error:  # noqa: BLE001 - as above
            waiting.fail(error)

    async def _watch_clock(self, connection: asyncpg.Connection[Any]) -> None:
        """Stop when the wall clock jumped against the monotonic one; mere idleness moves both.

        A jump is forgotten only when the ledger has heard of it, and until then no lane appends.
        """
        now = _clocks()
        drift = (now[0] - self._clocks[0]) - (now[1] - self._clocks[1])
        if self._jump is None and abs(drift) > CLOCK_JUMP_S:
            self._jump = f"jumped {drift:.0f} s"
        if self._jump is not None:
            await connection.execute("select ledger.stop_clock($1)", self._jump)
            self._jump = None
        self._clocks = now


def _rows(request: Append) -> tuple[list[RowTuple], list[RowTuple], list[RowTuple]]:
    parts: list[RowTuple] = []
    events: list[RowTuple] = []
    for part in request.parts:
        stream, first = part.stream, part.expected.digest
        parts.append((stream, part.expected.version, first, request.expires))
        for version, d in enumerate(part.events, start=part.expected.version + 1):
            events.append(
                (
                    stream,
                    version,
                    first if version == part.expected.version + 1 else None,
                    d.content_digest(stream, version),
                    d.type,
                    d.schema,
                    d.payload,
                    d.command_id,
                    d.command_digest,
                    d.actor,
                    d.unit,
                    d.stand_in_for,
                    d.provenance,
                    d.source,
                    d.meeting,
                    d.happened_earliest,
                    d.happened_latest,
                    d.effective,
                    d.act_key,
                )
            )
    commands: list[RowTuple] = [
        (command.digest, command.batch_digest, command.payload, command.unit) for _, command in request.commands
    ]
    return parts, events, commands


def _stored(request: Append, position: int, recorded_at: datetime, digests: list[bytes]) -> tuple[RecordedEvent, ...]:
    """The rows as stored: what was sent, with what the ledger added."""
    stored, added = [], iter(digests)
    for part in request.parts:
        previous = part.expected.digest
        for version, d in enumerate(part.events, start=part.expected.version + 1):
            digest = next(added)
            stored.append(
                RecordedEvent(
                    position,
                    part.stream,
                    version,
                    d.type,
                    d.schema,
                    d.payload,
                    d.command_id,
                    d.command_digest,
                    d.actor,
                    d.unit,
                    d.stand_in_for,
                    d.provenance,
                    d.source,
                    d.meeting,
                    d.happened_earliest,
                    d.happened_latest,
                    d.effective,
                    d.act_key,
                    recorded_at,
                    previous,
                    digest,
                )
            )
            position, previous = position + 1, digest
    return tuple(stored)


def _clocks() -> tuple[float, float]:
    # BOOTTIME goes on while a laptop sleeps, as the wall clock does.
    return time.time(), time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _fail(group: list[_Waiting], error: BaseException) -> None:
    for waiting in group:
        waiting.fail(error)


def _concerns_all(error: asyncpg.PostgresError) -> bool:
    """Epoch and clock hold for every request; so does a lost connection."""
    return (error.sqlstate or "").startswith("TD00") or is_lost(error)


def _stopped(error: asyncpg.PostgresError) -> Stopped | None:
    if error.sqlstate == "TD002":
        return Stopped("other_epoch", epoch=error.detail)
    if error.sqlstate == "TD003":
        return Stopped("clock_stopped", why=error.detail)
    return None
