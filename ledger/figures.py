"""What an operator watches of the ledger: how far it is, what no checkpoint covers, whether appends are stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.connection import Pool
from ledger.events import INSTALLATION_STREAM

LOOKED_AT = 2_000
"""A figure of one day looks at no more events: it is asked every few seconds."""

_FIGURES = """
    select clock_timestamp() as now, i.clock_stopped, pg_database_size(current_database()) as database_bytes,
        coalesce(t.size, 0) as covered, coalesce(last.position, 0) as position, last.recorded_at as last_at,
        (select recorded_at from ledger.event where position > coalesce(t.size, 0) order by position limit 1)
            as uncovered_since,
        (select law from ledger.event where stream = $1 order by version desc limit 1) as law,
        (select version from ledger.event where stream = $1 order by version desc limit 1) as own_version
    from ledger.installation i
    left join ledger.tree t on true
    left join lateral (select position, recorded_at from ledger.event order by position desc limit 1) last on true
"""


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """The ledger at an instant of the database's clock.

    `covered` is the position up to which the newest checkpoint reaches, `uncovered_since` when the first event after it
    was recorded. `clock_stopped` says why appends are stopped; None while they are not. `own_version` is that of the
    last event of the installation's stream.
    """

    now: datetime
    clock_stopped: str | None
    database_bytes: int
    covered: int
    position: int
    last_at: datetime | None
    uncovered_since: datetime | None
    law: int | None
    own_version: int | None


async def ledger_figures(pool: Pool) -> LedgerFigures:
    """Return the figures of now; any role of the program may read them."""
    (row,) = await pool.fetch(_FIGURES, INSTALLATION_STREAM)
    return LedgerFigures(**row)


async def recorded_after(pool: Pool, position: int, *, but: str = "") -> datetime | None:
    """Return when the first event after a position was recorded; None without one.

    Events of the stream `but` do not count.
    """
    query = "select recorded_at from ledger.event where position > $1 and stream <> $2 order by position limit 1"
    found: datetime | None = await pool.fetchval(query, position, but)
    return found


async def recorded_today(pool: Pool, stream: str, types: Sequence[str]) -> int:
    """Return how many events of some types a stream has of the last 24 hours, among its `LOOKED_AT` newest ones."""
    query = """
        select count(*) from (
            select body, recorded_at from ledger.event where stream = $1 order by version desc limit $2
        ) newest
        where recorded_at > clock_timestamp() - interval '1 day' and ledger.fields(body) ->> 'type' = any($3)
    """
    return int(await pool.fetchval(query, stream, LOOKED_AT, list(types)))
