"""The position up to which each projection is computed, and the lock under which one process advances it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ledger.connection import LOCK_CLASS, Connection, Pool

WAIT_S = 1.0
"""Seconds that a page waits at most for what its visitor has just entered."""


class Progress:
    """How far a projection is, for pages that show what their visitor has just entered."""

    def __init__(self, pool: Pool, name: str) -> None:
        self._pool, self._name = pool, name
        self._stands_at = -1

    async def wait_until_reached(self, position: int, *, farthest: int | None = None) -> bool:
        """Wait until the projection is computed up to a position, `WAIT_S` seconds at most; True when it is.

        While nobody computes it (no worker runs) only the first reader waits: the next ones are answered at once,
        until it moves on again. Where more than `farthest` events are missing, nobody waits.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + WAIT_S
        while (reached := await position_of(self._pool, self._name)) < position:
            if reached == self._stands_at or (farthest is not None and position - reached > farthest):
                return False
            if clock() > end:
                self._stands_at = reached
                return False
            await asyncio.sleep(0.05)
        return True


async def position_of(connection: Connection | Pool, name: str) -> int:
    """Return the position of a projection, 0 when nothing is computed yet."""
    return int(await connection.fetchval("select position from projections.cursor where name = $1", name) or 0)


async def locked_position(connection: Connection, name: str, lock: int) -> int:
    """Take the projection's lock until the transaction ends, and return its position."""
    await connection.execute("select pg_advisory_xact_lock($1, $2)", LOCK_CLASS, lock)
    return await position_of(connection, name)


async def advance(connection: Connection, name: str, position: int) -> None:
    """Store a projection's position, in the transaction that changes its rows."""
    await connection.execute(
        "insert into projections.cursor (name, position) values ($1, $2) "
        "on conflict (name) do update set position = excluded.position",
        name,
        position,
    )


async def reset(connection: Connection, name: str) -> None:
    """Forget a projection's position: it is computed from the beginning again."""
    await connection.execute("delete from projections.cursor where name = $1", name)


async def positions(pool: Pool, names: Sequence[str]) -> dict[str, int]:
    """Return the positions of projections, 0 for one of which nothing is computed yet."""
    query = """
        select name, coalesce(position, 0) as position
        from unnest($1::text[]) asked (name) left join projections.cursor using (name)
    """
    return {row["name"]: row["position"] for row in await pool.fetch(query, list(names))}
