"""Whether the commands of a batch stand in the ledger, for those who wait until they do.

One connection listens to the notices of appends for the whole process, and each notice leads to one query for all that
wait. A notice can be lost, with its connection: so there is a query every `POLL_S`, too, while anybody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextvars import Context
from typing import Protocol
from uuid import UUID

import structlog

from ledger.bodies import BadBodyError
from ledger.connection import is_lost, is_overloaded
from ledger.events import RecordedEvent
from ledger.notices import AnnouncesAppends, wake_on_appends
from ledger.protocol import UnreadableRowError
from ledger.receipts import CommandOutcome
from ledger.signing import BatchItem, Header, SignedBatch, SignedCommand

POLL_S = 0.25
"""How long after its append a command is found at the latest when its notice was lost."""

log = structlog.get_logger()


class ReadableRows(AnnouncesAppends, Protocol):
    """What is read of a ledger."""

    async def of_commands(self, commands: Collection[tuple[str, UUID]]) -> tuple[RecordedEvent, ...]:
        """Return the events of commands, which are named by stream and id, in the order of their positions."""

    async def commands(self, digests: Collection[bytes]) -> dict[bytes, SignedCommand]:
        """See `ledger.protocol.Ledger`."""


class Standing:
    """What the ledger holds of a batch, as far as it was looked up.

    `outcomes` has the commands that stand there with the same payload and unit: `known` are those that another
    signature brought. `reused` has the ids that stand there with other content. Neither is ever taken back, because
    the ledger is append-only.
    """

    def __init__(self, batch: SignedBatch) -> None:
        self.batch = batch
        self.outcomes: dict[UUID, CommandOutcome] = {}
        self.reused: set[UUID] = set()
        self.unreadable: UnreadableRowError | None = None
        self.decided: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when no command of the batch is missing."""

    @property
    def missing(self) -> list[BatchItem]:
        """The commands that were not found."""
        return [
            item
            for item in self.batch.items
            if item.command_id not in self.outcomes and item.command_id not in self.reused
        ]

    def note(self, item: BatchItem, rows: Collection[RecordedEvent], *, known: bool) -> None:
        """Note that a command stands in the ledger."""
        self.outcomes[item.command_id] = CommandOutcome(item.command_id, [row.version for row in rows], known=known)


class RecordedCommands:
    """Looks up commands in a ledger, at once or as soon as they are recorded."""

    def __init__(self, source: ReadableRows, *, poll_s: float = POLL_S) -> None:
        self._source, self._poll_s = source, poll_s
        self._waiting: set[Standing] = set()
        self._appended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def waiting(self, batch: SignedBatch) -> Iterator[Standing]:
        """Look for a batch again and again while the context lasts, until its `decided` is done."""
        standing = Standing(batch)
        self._waiting.add(standing)
        if self._task is None or self._task.done():
            # In a context of its own: it is no part of the request that happens to be the first.
            self._task = asyncio.create_task(self._look_on(), context=Context())
        try:
            yield standing
        finally:
            self._waiting.discard(standing)

    async def look(self, standing: Standing) -> None:
        """Look up once what is missing of a batch.

        Raises:
            UnreadableRowError: a row with one of the ids is no event any more.
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the ledger cannot be read.
        """
        await self._find([standing])
        if standing.unreadable is not None:
            raise standing.unreadable

    async def close(self) -> None:
        """End looking and listening."""
        tasks = [task for task in (self._task, self._listener) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_on(self) -> None:
        while self._waiting:
            if self._listener is None or self._listener.done():  # it was never there, or its connection was lost
                listening = wake_on_appends(self._source, self._note_append)
                self._listener = asyncio.create_task(listening, context=Context())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s):
                    await self._appended.wait()
            self._appended.clear()
            try:
                await self._find([one for one in self._waiting if not one.decided.done()])
            except Exception as error:  # those who wait are told when the engine has answered
                if not (is_lost(error) or is_overloaded(error)):
                    log.exception("our bug")

    def _note_append(self) -> None:
        if self._waiting:
            self._appended.set()

    async def _find(self, standings: Collection[Standing]) -> None:
        """Look up what is missing of some batches with one query, and with a second one for repeated commands."""
        missing = {(item.stream, item.command_id) for one in standings for item in one.missing}
        if not missing:
            return
        found: dict[tuple[str, UUID], list[RecordedEvent]] = defaultdict(list)
        for row in await self._source.of_commands(missing):
            found[row.stream, row.command_id].append(row)
        repeated = [
            (one, item, rows, digest) for one in standings for item, rows, digest in _not_by_this_signature(one, found)
        ]
        if repeated:
            stored = await self._source.commands({digest for *_, digest in repeated if digest is not None})
            for one, item, rows, digest in repeated:
                if _is_same(item, one.batch, None if digest is None else stored.get(digest)):
                    one.note(item, rows, known=True)
                else:
                    one.reused.add(item.command_id)
        for one in standings:
            if not one.missing and not one.decided.done():
                one.decided.set_result(None)


def _not_by_this_signature(
    standing: Standing, found: dict[tuple[str, UUID], list[RecordedEvent]]
) -> Iterable[tuple[BatchItem, list[RecordedEvent], bytes | None]]:
    """Note the commands that were recorded by the batch itself; return the others, each with its digest.

    The digest of a command covers header, signature and payload.
    """
    others: list[tuple[BatchItem, list[RecordedEvent], bytes | None]] = []
    unit = Header.parse(standing.batch.header).unit
    for item in standing.missing:
        if not (rows := found.get((item.stream, item.command_id))):
            continue
        try:
            digest = rows[0].command_digest
        except BadBodyError:
            facts = {"cycle": item.stream, "position": rows[0].position}
            standing.unreadable = UnreadableRowError("row_unreadable", **facts)
            continue
        if digest == standing.batch.command(item, unit).digest:
            standing.note(item, rows, known=False)
        else:
            others.append((item, rows, digest))
    return others


def _is_same(item: BatchItem, batch: SignedBatch, stored: SignedCommand | None) -> bool:
    """Whether a stored command has the payload and the unit of a batch's, as `ledger.memory.same_content` asks."""
    return stored is not None and (stored.unit, stored.payload) == (Header.parse(batch.header).unit, item.payload)
