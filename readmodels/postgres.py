"""The projector and its tables: cursor and lines change in one transaction, under a session lock.

Whoever reads may let the projector catch up first, so a page shows what its own act has changed, and works when no
worker runs.
"""

from __future__ import annotations

import json
from typing import Any

from activities.telling import told_of
from domain.rules import NO_RULES, Edition
from domain.streams import is_cycle, law_of
from eventstore.postgres import PostgresLedger
from eventstore.store import load_all
from readmodels.board import line_of

NAME = "board"
LOCK = 7163
PAGE = 2_000
_CURSOR = "select position from readmodels.cursor where name = $1"


class Board:
    """The board over all cycles. `texts` is a `documents.postgres.Texts`."""

    def __init__(self, ledger: PostgresLedger, texts: Any) -> None:
        self._ledger, self._texts = ledger, texts
        self._editions: dict[str, Edition] = {}

    async def catch_up(self) -> int:
        """Bring the lines up to the ledger's last event; returns its position."""
        async with self._ledger.pool.acquire() as connection:
            head: int = await connection.fetchval("select max(position) from ledger.event") or 0
            if await connection.fetchval(_CURSOR, NAME) == head:
                return head
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1, 3)", LOCK)
            position: int = await connection.fetchval(_CURSOR, NAME) or 0
            while True:
                touched = await connection.fetch(
                    "select stream, max(position) as last from (select stream, position from ledger.event "
                    "where position > $1 order by position limit $2) page group by stream", position, PAGE,
                )  # fmt: skip
                if not touched:
                    break
                for row in touched:
                    if is_cycle(row["stream"]):
                        await self._project(connection, row["stream"], row["last"])
                position = max(row["last"] for row in touched)
            await connection.execute(
                "insert into readmodels.cursor (name, position) values ($1, $2) "
                "on conflict (name) do update set position = excluded.position", NAME, position,
            )  # fmt: skip
        return position

    async def _project(self, connection: Any, stream: str, position: int) -> None:
        law = law_of(stream)
        state = law.fold(told_of(row) for row in await load_all(self._ledger, stream))
        line = line_of(stream, state, await self._rules(law.edition(state)))
        await connection.execute(
            "insert into readmodels.board (stream, year, position, line) values ($1, $2, $3, $4) on conflict (stream) "
            "do update set position = excluded.position, line = excluded.line, year = excluded.year",
            stream, stream.split("/")[1], position, json.dumps(line, ensure_ascii=False),
        )  # fmt: skip

    async def _rules(self, digest: str | None) -> Edition:
        if digest is None:
            return NO_RULES
        if digest not in self._editions:
            body = await self._texts.edition(digest)
            self._editions[digest] = Edition.model_validate_json(body) if body else NO_RULES
        return self._editions[digest]

    async def lines(self, year: str | None = None) -> list[dict[str, Any]]:
        """The lines of a year, or of all, by name."""
        async with self._ledger.pool.acquire() as connection:
            rows = await connection.fetch(
                "select line from readmodels.board where $1::text is null or year = $1 order by year, stream", year
            )
        return [json.loads(row["line"]) for row in rows]

    async def forget(self) -> None:
        """Empty the tables; the next catch-up rebuilds them from the ledger."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from readmodels.board")
            await connection.execute("delete from readmodels.cursor where name = $1", NAME)
