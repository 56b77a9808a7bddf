"""Whether the database answers, so that requests do not wait for one that has stopped answering.

A server that is shut down refuses connections at once. One that hangs (stopped, swapped out, behind a broken network)
says nothing: every statement would wait for its own limit, and every page with it. So one connection asks it a trivial
question all the time. When the answer stays out, all connections are cut: a statement that waits gets a
`ConnectionError` at that moment, and a new one gets it at once, until the question is answered again. Statements that
take long while the database answers are not touched.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from weakref import WeakSet

import structlog

from ledger.connection import DATABASE_ERRORS, Connection, open_connection

ASK_S = 0.5
"""Pause between two questions."""

ANSWER_S = 3.0
"""A database that answers a trivial question later than this does not answer: a page says so within five seconds."""

REFUSE_S = 1.0
"""For so long no new connection is tried after one could not be opened in time."""

LATE_S = 0.5
"""A deadline that is noticed so much later was missed by this process, which was busy, and not by the database."""

log = structlog.get_logger()


class DatabaseWatch:
    """The connections of a pool, with a question to the server beside them."""

    def __init__(self, url: str, *, ask_s: float = ASK_S, answer_s: float = ANSWER_S) -> None:
        self._url, self._ask_s, self._answer_s = url, ask_s, answer_s
        self._connections: WeakSet[Any] = WeakSet()
        self._opening: set[asyncio.Future[Any]] = set()
        self._refuses_until = 0.0
        self.away = False
        """The server does not answer."""

    async def connect(self, *arguments: Any, **options: Any) -> Any:
        """Open a connection for a pool, as `open_connection`.

        Raises:
            ConnectionError: the server does not answer, or stopped to while the connection was opened.
        """
        clock = asyncio.get_running_loop().time
        if self.away or clock() < self._refuses_until:
            raise ConnectionError("the database does not answer")
        opening = asyncio.ensure_future(open_connection(*arguments, **{**options, "timeout": self._answer_s}))
        self._opening.add(opening)
        connection = None
        try:
            connection = await opening
        except TimeoutError:
            # The server's door hangs, whatever its open connections do: those who wait for their turn need not try.
            self._refuses_until = clock() + REFUSE_S
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self.away and (task is None or not task.cancelling()):
                raise ConnectionError("the database does not answer") from None
            opening.cancel()
            raise
        finally:
            self._opening.discard(opening)
            if connection is None:  # it may have been opened all the same, too late to be used
                opening.add_done_callback(_close)
        if self.away:  # since it was opened, and before its turn came to be given out
            connection.terminate()
            raise ConnectionError("the database does not answer")
        self._connections.add(connection)
        return connection

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Ask while the context lasts."""
        asking = asyncio.create_task(self._ask())
        try:
            yield
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking

    async def _ask(self) -> None:
        connection: Connection | None = None
        clock = asyncio.get_running_loop().time
        try:
            while True:
                begun = clock()
                try:
                    async with asyncio.timeout(self._answer_s):
                        connection = connection or await open_connection(self._url)
                        await connection.fetchval("select 1")
                    self._note(away=False)
                except Exception as error:
                    # Whatever it is: if this task ended, a database that was away would be refused for ever.
                    if not isinstance(error, DATABASE_ERRORS):
                        log.exception("our bug")
                    if connection is not None:
                        connection.terminate()
                        connection = None
                    # A server that refuses says so to everybody by itself.
                    missed = isinstance(error, TimeoutError)
                    if missed and clock() - begun < self._answer_s + LATE_S:
                        self._cut()
                    elif not missed:
                        self._note(away=False)
                await asyncio.sleep(self._ask_s)
        finally:
            if connection is not None:
                connection.terminate()

    def _note(self, *, away: bool) -> None:
        if away and not self.away:
            log.warning("the database does not answer", seconds=self._answer_s)
        elif self.away and not away:
            log.info("the database answers again")
        self.away = away

    def _cut(self) -> None:
        self._note(away=True)
        for opening in list(self._opening):
            opening.cancel()
        for connection in list(self._connections):
            connection.terminate()
        self._connections.clear()


def _close(opening: asyncio.Future[Any]) -> None:
    """Close a connection that no request waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().terminate()
