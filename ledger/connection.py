"""How a connection to PostgreSQL is opened, and what its loss looks like to whoever used it."""

from __future__ import annotations

from typing import Any

import asyncpg

STATEMENT_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_S = 5

UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError)
"""What a lost or missing server is raised as. asyncpg calls it an internal error of the client when the server's
farewell is read just as a statement begins."""


async def connect(url: str) -> asyncpg.Connection[Any]:
    """A connection of its own that gives up in time."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        url,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=STATEMENT_TIMEOUT_MS / 1000,
        server_settings={"statement_timeout": str(STATEMENT_TIMEOUT_MS), "application_name": "thidua"},
    )
    return connection
