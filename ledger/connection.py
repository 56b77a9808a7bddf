"""How connections to PostgreSQL are opened, which errors mean that the server is away, and the numbers of our locks."""

from __future__ import annotations

from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"
Pool: TypeAlias = "asyncpg.Pool[Any]"

STATEMENT_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_S = 5
POOL_CONNECTIONS = 8

LOCK_CLASS = 7163
"""First key of every advisory lock of this program. The second keys follow; 1 is taken by `ledger.append` itself."""

SETUP_LOCK = 2
BOARD_LOCK = 3
SEARCH_LOCK = 4

UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
"""Errors of a lost or missing server. asyncpg raises InternalClientError when the server closes the connection just as
a statement begins."""

_SETTINGS: dict[str, Any] = {
    "timeout": CONNECT_TIMEOUT_S,
    "command_timeout": STATEMENT_TIMEOUT_MS / 1000,
    "server_settings": {"statement_timeout": str(STATEMENT_TIMEOUT_MS), "application_name": "thidua"},
}


async def connect(url: str) -> Connection:
    """Open one connection, with a time limit for connecting and for each statement."""
    connection: Connection = await asyncpg.connect(url, **_SETTINGS)
    return connection


async def open_pool(url: str, size: int = POOL_CONNECTIONS) -> Pool:
    """Open a pool of up to `size` connections, with the same time limits. It connects when it is first used."""
    return await asyncpg.create_pool(url, min_size=0, max_size=size, reset=_keep_session, **_SETTINGS)


async def _keep_session(_connection: Any) -> None:
    """Replace asyncpg's reset of a returned connection, which costs a round trip: we change no session state."""
