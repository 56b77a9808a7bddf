"""The projector and its tables: cursor and lines change in one transaction, under a lock of its own.

Whoever reads may let the projector catch up first, so a page shows what its own act has changed, and works when no
worker runs.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import structlog

from domain.rules import NO_RULES, Edition, edition_of
from domain.streams import decider_of, is_cycle
from ledger.connection import DATABASE_ERRORS
from ledger.events import RecordedEvent
from ledger.postgres import PostgresLedger
from projections.board import line_of
from projections.stream_states import StreamStates, collector_at_rest

log = structlog.get_logger()
NAME = "board"
LOCK = 7163
PAGE = 2_000
REBUILD_PAGE = 20_000
"""From the beginning: a line is worked out once for each stream of a page, so pages are large."""

_CURSOR = "select position from projections.cursor where name = $1"


def _whose(line: dict[str, Any]) -> list[str]:
    """The units that a cycle is of, and its overseer as @person."""
    return [*line["names"], *([f"@{line['overseer']}"] if line["overseer"] else [])]


class Board:
    """The board over all cycles. `texts` is a `vault.texts.Texts`."""

    def __init__(self, ledger: PostgresLedger, texts: Any) -> None:
        self._ledger, self._texts = ledger, texts
        self._folds = StreamStates(ledger)
        self._editions: dict[str, Edition] = {}

    async def catch_up(self) -> int:
        """Bring the lines up to the ledger's last event; returns its position."""
        last_position = await self._ledger.last_position()
        async with self._ledger.pool.acquire() as connection:
            if await connection.fetchval(_CURSOR, NAME) == last_position:
                return last_position
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1, 3)", LOCK)
            position: int = await connection.fetchval(_CURSOR, NAME) or 0
            with nullcontext() if position else collector_at_rest():
                position = await self._go_on(connection, position, PAGE if position else REBUILD_PAGE)
            await connection.execute(
                "insert into projections.cursor (name, position) values ($1, $2) "
                "on conflict (name) do update set position = excluded.position",
                NAME,
                position,
            )
        return position

    async def _go_on(self, connection: Any, position: int, size: int) -> int:
        """Write the lines of everything above a position; returns the last one."""
        while page := await self._ledger.read(position, size):
            touched: dict[str, list[RecordedEvent]] = {}
            for row in page:
                if is_cycle(row.stream):
                    touched.setdefault(row.stream, []).append(row)
            for rows in touched.values():
                await self._write(connection, rows)
            position = page[-1].position
        return position

    async def _write(self, connection: Any, rows: list[RecordedEvent]) -> None:
        stream, position = rows[-1].stream, rows[-1].position
        try:
            state = await self._folds.after(*rows)
            line = line_of(stream, state, await self._rules(decider_of(stream).edition(state)))
        except DATABASE_ERRORS:
            raise  # nothing is wrong with the cycle: the next catch-up tries again
        except Exception:
            # A cycle whose line cannot be worked out keeps its old one; the others go on.
            log.exception("no line", stream=stream, position=position)
            return
        await connection.execute(
            "insert into projections.board (stream, year, position, line, units, filed) "
            "values ($1, $2, $3, $4, $5, $6) on conflict (stream) do update "
            "set position = excluded.position, line = excluded.line, "
            "year = excluded.year, units = excluded.units, filed = excluded.filed",
            stream,
            stream.split("/")[1],
            position,
            json.dumps(line, ensure_ascii=False),
            _whose(line),
            line["filed"] is not None,
        )

    async def _rules(self, digest: str | None) -> Edition:
        if digest is None:
            return NO_RULES
        if digest not in self._editions:
            body = await self._texts.edition(digest)
            self._editions[digest] = edition_of(body) if body else NO_RULES
        return self._editions[digest]

    async def lines(
        self, year: str | None = None, *, unit: str | None = None, open_only: bool = False
    ) -> list[dict[str, Any]]:
        """The lines of a year, or of all, by name; of the cycles in which a unit owes or ever owed something."""
        query = (
            "select line from projections.board where ($1::text is null or year = $1) "
            "and ($2::text is null or units @> array[$2]) and not ($3 and filed) order by year desc, stream"
        )
        async with self._ledger.pool.acquire() as connection:
            rows = await connection.fetch(query, year, unit, open_only)
        return [json.loads(row["line"]) for row in rows]

    async def years(self) -> list[str]:
        """The years that have cycles, the newest first."""
        async with self._ledger.pool.acquire() as connection:
            rows = await connection.fetch("select distinct year from projections.board order by year desc")
        return [row["year"] for row in rows]

    async def has_reached(self, position: int) -> bool:
        """Whether the lines hold everything up to a position."""
        async with self._ledger.pool.acquire() as connection:
            return int(await connection.fetchval(_CURSOR, NAME) or 0) >= position

    async def forget(self) -> None:
        """Empty the tables; the next catch-up rebuilds them from the ledger."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from projections.board")
            await connection.execute("delete from projections.cursor where name = $1", NAME)
