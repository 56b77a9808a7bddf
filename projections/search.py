"""What can be found: units, documents and acts of all years, by words without diacritics.

Rebuilt from the ledger like the board, with a cursor of its own, so that a slow index keeps no page waiting. Free texts
are not in it: they can be erased.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.cycle import members_and_organiser
from domain.streams import is_cycle
from domain.types import CLOCK, Document
from i18n.timeline import describe
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger
from projections.stream_states import StreamStates

NAME = "search"
LOCK = 7163
PAGE = 200
BREATH_S = 0.01
"""Between pages: whoever shares the process is answered meanwhile."""

MOST = 60
CLOSED = frozenset({"AwardsDecided", "AwardAnnulled", "AwardHeld", "AwardReleased"})
"""Whose papers members do not find: they could tell of a decision before it is published."""

_CURSOR = "select position from projections.cursor where name = $1"

IndexRow = tuple[str, str, str, str, str, date | None, str]


@dataclass(frozen=True, slots=True)
class Found:
    """Something that fits. `ref` is a unit's id, or an act's place in its stream."""

    stream: str
    kind: str
    ref: str
    unit: str
    title: str
    at: date | None


class SearchIndex:
    """The index on PostgreSQL."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger, self._folds = ledger, StreamStates(ledger)

    async def catch_up(self) -> int:
        """Bring the index up to the ledger's last event; returns its position."""
        last_position = await self._ledger.last_position()
        async with self._ledger.pool.acquire() as connection:
            position = int(await connection.fetchval(_CURSOR, NAME) or 0)
        while position < last_position:
            position = await self._page()
            await asyncio.sleep(BREATH_S)
        return position

    async def _page(self) -> int:
        """One page of the ledger, rows and cursor in one transaction; returns how far it came."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1, 4)", LOCK)
            position: int = await connection.fetchval(_CURSOR, NAME) or 0
            if not (page := await self._ledger.read(position, PAGE)):
                return position
            rows = [found for row in page if is_cycle(row.stream) for found in await self._of(row)]
            await connection.executemany(
                "insert into projections.found (stream, kind, ref, unit, title, at, words) "
                "values ($1, $2, $3, $4, $5, $6, to_tsvector('simple', projections.folded($7))) "
                "on conflict (stream, kind, ref) do update set title = excluded.title, words = excluded.words",
                rows,
            )
            await connection.execute(
                "insert into projections.cursor (name, position) values ($1, $2) "
                "on conflict (name) do update set position = excluded.position",
                NAME,
                page[-1].position,
            )
        return page[-1].position

    async def _of(self, row: RecordedEvent) -> list[IndexRow]:
        """What an event adds to the index."""
        state = await self._folds.after(row)
        if row.actor == CLOCK:
            return []
        told, names = to_envelope(row), members_and_organiser(state)
        at = told.meta.happened.day
        found: list[IndexRow] = [
            (
                row.stream,
                "closed" if row.type in CLOSED else "document",
                f"{row.version}.{n}",
                row.unit,
                _title(one),
                at,
                _words(one),
            )
            for n, one in enumerate(_documents(told.event))
        ]
        sentence = describe(told, names, {})
        found.append((row.stream, "act", str(row.version), row.unit, sentence, at, sentence))
        if row.type in {"CycleOpened", "UnitAdmitted", "UnitsSucceeded"}:
            found.extend(
                (row.stream, "unit", unit, unit, name, None, f"{name} {unit}")
                for unit, name in state.membership.names.items()
            )
        return found

    async def find(self, words: str, *, streams: str | None, unit: str | None, everything: bool) -> tuple[Found, ...]:
        """What fits all words (the last one may be a beginning): of streams that begin so, or of a unit's cycles.

        Without `everything`, of acts only the unit's own.
        """
        query = """
            select stream, kind, ref, unit, title, at from projections.found
            where words @@ to_tsquery('simple', $1)
            and ($2::text is null or stream like $2 || '/%')
            and ($3::text is null or stream in (select b.stream from projections.board b where b.units @> array[$3]))
            and ($4 or kind = 'unit' or kind = 'document' or (kind = 'act' and unit = $3))
            order by case kind when 'unit' then 0 when 'document' then 1 else 2 end, at desc nulls first, stream
            limit $5
        """
        async with self._ledger.pool.acquire() as connection:
            folded = await connection.fetchval("select projections.folded($1)", words.replace("\x00", ""))
            parts = re.findall(r"\w+", folded)
            if not parts:
                return ()
            asked = " & ".join([*parts[:-1], f"{parts[-1]}:*"])
            rows = await connection.fetch(query, asked, streams, unit, everything, MOST)
        return tuple(Found(*row) for row in rows)

    async def people(self, words: str) -> Sequence[tuple[str, str, str]]:
        """Persons whose name fits: id, unit, name."""
        async with self._ledger.pool.acquire() as connection:
            rows = await connection.fetch(
                "select id, unit, name from people.person "
                "where projections.folded(name || ' ' || id) like '%' || projections.folded($1) || '%' "
                "order by id limit $2",
                words.replace("\x00", "").replace("%", "").replace("_", ""),
                MOST,
            )
        return [(row["id"], row["unit"], row["name"]) for row in rows]

    async def forget(self) -> None:
        """Throw the index away, to be built again."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from projections.found")
            await connection.execute("delete from projections.cursor where name = $1", NAME)


def _documents(value: Any) -> Iterator[Document]:
    """The documents that an event names."""
    for _name, entry in value:
        for one in entry if isinstance(entry, tuple) else (entry,):
            if isinstance(one, Document):
                yield one


def _title(one: Document) -> str:
    return " ".join(part for part in (one.number, one.title, one.issuer) if part) or "-"


def _words(one: Document) -> str:
    # A number is found by its parts, too: 37/KH-MTTQ-BTT.
    return f"{_title(one)} {re.sub(r'[^0-9A-Za-zÀ-ỹ]+', ' ', _title(one))}"
