"""The table of the board, one line for each cycle, kept up to date with the ledger.

Cursor and lines change in one transaction, under the projection's lock. A reader may call `catch_up` before it reads:
then it sees what its own act has changed, also when no worker runs.
"""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import structlog

from domain.cycle import CYCLE
from domain.rules import NO_RULES, Adoption, Edition, edition_of, in_force
from domain.streams import is_cycle
from ledger.connection import BOARD_LOCK, DATABASE_ERRORS, Connection
from ledger.events import RecordedEvent
from ledger.postgres import PostgresLedger
from projections import cursors
from projections.board import line_of
from projections.stream_states import StreamStates, without_cycle_collector
from vault.texts import Texts

log = structlog.get_logger()
NAME = "board"
PAGE = 2_000
"""Events that are read at once."""

REBUILD_PAGE = 20_000
"""The same for a rebuild: a line is computed once for each stream of a page, so larger pages compute fewer lines."""


def _units_of(line: dict[str, Any]) -> list[str]:
    """Return the units of a cycle, and its overseer as @person."""
    return [*line["names"], *([f"@{line['overseer']}"] if line["overseer"] else [])]


class Board:
    """The board over all cycles. Rules editions are read from `texts`."""

    def __init__(self, ledger: PostgresLedger, texts: Texts) -> None:
        self._ledger, self._texts = ledger, texts
        self._states = StreamStates(ledger)
        self._editions: dict[str, Edition] = {}

    async def catch_up(self) -> int:
        """Bring the lines up to the ledger's last event; return its position."""
        last_position = await self._ledger.last_position()
        if await cursors.position_of(self._ledger.pool, NAME) == last_position:
            return last_position
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            position = await cursors.locked_position(connection, NAME, BOARD_LOCK)
            with nullcontext() if position else without_cycle_collector():
                position = await self._project(connection, position, PAGE if position else REBUILD_PAGE)
            await cursors.advance(connection, NAME, position)
        return position

    async def _project(self, connection: Connection, position: int, size: int) -> int:
        """Write the lines of all streams with events above a position; return the last position."""
        while page := await self._ledger.read(position, size):
            touched: dict[str, list[RecordedEvent]] = {}
            for row in page:
                if is_cycle(row.stream):
                    touched.setdefault(row.stream, []).append(row)
            for rows in touched.values():
                await self._write(connection, rows)
            position = page[-1].position
        return position

    async def _write(self, connection: Connection, rows: list[RecordedEvent]) -> None:
        stream, position = rows[-1].stream, rows[-1].position
        try:
            state = await self._states.after(*rows)
            line = line_of(stream, state, await self._rules(CYCLE.adoptions(state)))
        except DATABASE_ERRORS:
            raise  # nothing is wrong with the cycle: the next catch-up tries again
        except Exception:
            # This cycle keeps its old line; the other cycles get their new ones.
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
            _units_of(line),
            line["filed"] is not None,
        )

    async def _rules(self, adoptions: tuple[Adoption, ...]) -> Edition:
        for digest in {adoption.edition for adoption in adoptions} - set(self._editions):
            body = await self._texts.edition(digest)
            self._editions[digest] = edition_of(body) if body else NO_RULES
        return in_force(adoptions, self._editions)

    async def lines(
        self, year: str | None = None, *, unit: str | None = None, open_only: bool = False
    ) -> list[dict[str, Any]]:
        """Return lines, the newest year first, then by stream.

        Args:
            year: only the cycles of this year.
            unit: only the cycles of this unit; "@person" for those with this overseer.
            open_only: only the cycles that are not filed.
        """
        query = (
            "select line from projections.board where ($1::text is null or year = $1) "
            "and ($2::text is null or units @> array[$2]) and not ($3 and filed) order by year desc, stream"
        )
        rows = await self._ledger.pool.fetch(query, year, unit, open_only)
        return [json.loads(row["line"]) for row in rows]

    async def years(self) -> list[str]:
        """Return the years that have cycles, the newest first."""
        rows = await self._ledger.pool.fetch("select distinct year from projections.board order by year desc")
        return [row["year"] for row in rows]

    async def has_reached(self, position: int) -> bool:
        """Return True when the lines are computed at least up to a position."""
        return await cursors.position_of(self._ledger.pool, NAME) >= position

    async def forget(self) -> None:
        """Delete all lines; the next `catch_up` rebuilds them from the ledger."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from projections.board")
            await cursors.reset(connection, NAME)
