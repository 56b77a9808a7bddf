"""The search index: units, documents and acts of all years, by words without diacritics.

Rebuilt from the ledger like the board, with its own cursor, so that pages never wait for it. Free texts are not in it,
because they can be erased. Each act is indexed by its sentence in every language, so that the rows do not depend on the
worker's language and a reader finds an act by the words of either.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.cycle import members_and_organiser
from domain.streams import is_cycle
from domain.types import CLOCK, Document
from i18n import LANGUAGES, in_language, language
from i18n.timeline import describe
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger
from projections.stream_states import StreamStates

NAME = "search"
LOCK = 7163
PAGE = 200
BREATH_S = 0.01
"""Seconds between two pages, in which the process does other work."""

MOST = 60
CLOSED = frozenset({"AwardsDecided", "AwardAnnulled", "AwardHeld", "AwardReleased"})
"""Members do not find the documents of these events: they may name a decision that is not published yet."""

_CURSOR = "select position from projections.cursor where name = $1"

IndexRow = tuple[str, str, str, str, str, date | None, str]
"""Stream, kind, ref, unit, titles as JSON, day, words."""


@dataclass(frozen=True, slots=True)
class Found:
    """A search result; `title` is in the reader's language.

    `ref` is a unit's id, an act's version in its stream, or for a document version and number ("12.0").
    """

    stream: str
    kind: str
    ref: str
    unit: str
    title: str
    at: date | None


class SearchIndex:
    """The index on PostgreSQL."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger, self._states = ledger, StreamStates(ledger)

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
        """Index one page of the ledger, rows and cursor in one transaction; returns the new position."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1, 4)", LOCK)
            position: int = await connection.fetchval(_CURSOR, NAME) or 0
            if not (page := await self._ledger.read(position, PAGE)):
                return position
            rows = [found for row in page if is_cycle(row.stream) for found in await self._rows_of(row)]
            await connection.executemany(
                "insert into projections.found (stream, kind, ref, unit, titles, at, words) "
                "values ($1, $2, $3, $4, $5, $6, to_tsvector('simple', projections.folded($7))) "
                "on conflict (stream, kind, ref) do update set titles = excluded.titles, words = excluded.words",
                rows,
            )
            await connection.execute(
                "insert into projections.cursor (name, position) values ($1, $2) "
                "on conflict (name) do update set position = excluded.position",
                NAME,
                page[-1].position,
            )
        return page[-1].position

    async def _rows_of(self, row: RecordedEvent) -> list[IndexRow]:
        """The rows that an event adds to the index."""
        state = await self._states.after(row)
        if row.actor == CLOCK:
            return []
        envelope, names = to_envelope(row), members_and_organiser(state)
        at = envelope.meta.happened.day
        found: list[IndexRow] = [
            (
                row.stream,
                "closed" if row.type in CLOSED else "document",
                f"{row.version}.{n}",
                row.unit,
                _same_in_all(_title(one)),
                at,
                _words(one),
            )
            for n, one in enumerate(_documents(envelope.event))
        ]
        sentences = {}
        for each in LANGUAGES:
            with in_language(each):
                sentences[each] = describe(envelope, names, {})
        words = " ".join(sentences.values())
        found.append((row.stream, "act", str(row.version), row.unit, _as_json(sentences), at, words))
        if row.type in {"CycleOpened", "UnitAdmitted", "UnitsSucceeded"}:
            found.extend(
                (row.stream, "unit", unit, unit, _same_in_all(name), None, f"{name} {unit}")
                for unit, name in state.membership.names.items()
            )
        return found

    async def find(self, words: str, *, streams: str | None, unit: str | None, everything: bool) -> tuple[Found, ...]:
        """What has all these words; the last one may be the beginning of a word. Titles are in the language in use.

        `streams` limits the result to the streams of an organiser, `unit` to the cycles of a unit. Without
        `everything`, only the unit's own acts are found, and no documents of `CLOSED` events.
        """
        query = """
            select stream, kind, ref, unit, titles ->> $6::text, at from projections.found
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
            rows = await connection.fetch(query, asked, streams, unit, everything, MOST, language())
        return tuple(Found(*row) for row in rows)

    async def people(self, words: str) -> Sequence[tuple[str, str, str]]:
        """Persons by a part of the name or id: id, unit, name."""
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
        """Empty the index; the next catch-up builds it again."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from projections.found")
            await connection.execute("delete from projections.cursor where name = $1", NAME)


def _as_json(titles: Mapping[str, str]) -> str:
    return json.dumps(titles, ensure_ascii=False)


def _same_in_all(title: str) -> str:
    return _as_json(dict.fromkeys(LANGUAGES, title))


def _documents(value: Any) -> Iterator[Document]:
    """The documents that an event names."""
    for _name, entry in value:
        for one in entry if isinstance(entry, tuple) else (entry,):
            if isinstance(one, Document):
                yield one


def _title(one: Document) -> str:
    return " ".join(part for part in (one.number, one.title, one.issuer) if part) or "-"


def _words(one: Document) -> str:
    # Index the parts of a number, too: 37/KH-MTTQ-BTT.
    return f"{_title(one)} {re.sub(r'[^0-9A-Za-zÀ-ỹ]+', ' ', _title(one))}"
