"""Whose turn it is to do what one process must do and several could."""

from __future__ import annotations

from ledger.connection import LOCK_CLASS, Connection, connect


class Turn:
    """The process that asks first has the turn for as long as it lives, by an advisory lock on a connection of its own.

    So two processes of different versions do not undo by turns what the other has done.
    """

    def __init__(self, url: str, lock: int) -> None:
        self._url, self._lock = url, lock
        self._connection: Connection | None = None
        self._is_mine = False
        self.was_lost = False
        """The connection ended by itself, as it does when the database server ends or crashes. Set back by the user."""

    async def is_mine(self) -> bool:
        """Whether this process has the turn.

        Raises:
            ConnectionError, TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError,
            asyncpg.InternalClientError: the database does not answer, or the connection was lost.
        """
        if self._connection is None:
            self._connection = await connect(self._url)
        # Also where it is mine: a connection that has ended has given the lock back.
        question = "select $3 or pg_try_advisory_lock($1, $2)"
        try:
            self._is_mine = await self._connection.fetchval(question, LOCK_CLASS, self._lock, self._is_mine)
        except BaseException:
            self.was_lost = True
            self.close()
            raise
        return self._is_mine

    def close(self) -> None:
        """Leave the turn to others."""
        if self._connection is not None:
            self._connection.terminate()
        self._connection, self._is_mine = None, False
