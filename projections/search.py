"""The search index: units, documents and acts of all years, found by words without diacritics.

It is computed from the ledger like the board, with a cursor of its own, so that no page waits for a slow index. Free
texts are not indexed, because they can be erased. Each act is indexed by its sentence in every language: the rows do
not depend on the worker's language, and readers find acts by the words of either.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.access import is_open_to_members
from domain.records import CLOCK
from domain.state import members_and_organiser
from domain.streams import is_cycle
from domain.types import Document
from i18n import LANGUAGES, in_language, language
from i18n.timeline import describe
from ledger.connection import SEARCH_LOCK
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger
from projections import cursors
from projections.stream_states import StreamStates

NAME = "search"
PAGE = 200
PAUSE_S = 0.01
"""Pause between pages, so that other tasks of the process run."""

MOST_HITS = 60

IndexRow = tuple[str, str, str, str, str, date | None, str]
"""stream, kind, ref, unit, titles as JSON, at, and the words to be indexed."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A row of the index, with the title in the reader's language. `kind` and `ref`: see projections/schema.sql."""

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
        """Bring the index up to the ledger's last event; return its position."""
        last_position = await self._ledger.last_position()
        position = await cursors.position_of(self._ledger.pool, NAME)
        while position < last_position:
            position = await self._index_page()
            await asyncio.sleep(PAUSE_S)
        return position

    async def _index_page(self) -> int:
        """Index one page of the ledger, rows and cursor in one transaction; return the position reached."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            position = await cursors.locked_position(connection, NAME, SEARCH_LOCK)
            if not (page := await self._ledger.read(position, PAGE)):
                return position
            rows = [entry for row in page if is_cycle(row.stream) for entry in await self._entries(row)]
            await connection.executemany(
                "insert into projections.search_entry (stream, kind, ref, unit, titles, at, words) "
                "values ($1, $2, $3, $4, $5, $6, to_tsvector('simple', projections.without_diacritics($7))) "
                "on conflict (stream, kind, ref) do update set titles = excluded.titles, words = excluded.words",
                rows,
            )
            await cursors.advance(connection, NAME, page[-1].position)
        return page[-1].position

    async def _entries(self, row: RecordedEvent) -> list[IndexRow]:
        """Return the rows that an event adds to the index."""
        state = await self._states.after(row)
        if row.actor == CLOCK:
            return []
        envelope, names = to_envelope(row), members_and_organiser(state)
        at = envelope.meta.happened.day
        found: list[IndexRow] = [
            (
                row.stream,
                "document" if is_open_to_members(type(envelope.event)) else "closed",
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

    async def find(self, words: str, *, streams: str | None = None) -> tuple[SearchHit, ...]:
        """Return up to `MOST_HITS` rows that contain all words; the last word may be the beginning of one.

        Titles are in the language in use. `streams`: only streams under this path, such as a city.
        """
        return await self._fetch(words, "$4::text is null or stream like $4 || '/%'", streams)

    async def find_as_member(self, words: str, *, unit: str, person: str) -> tuple[SearchHit, ...]:
        """As `find`, in the cycles of which `unit` is, or was, a member, and in those that `person` oversees.

        Of acts, those that the unit entered are found. Documents of closed events are found by the unit that entered
        them, by the overseer, and by each member once the results are published.
        """
        of_unit = "select b.stream from projections.board b where b.units @> array[$4]"
        overseen = "select b.stream from projections.board b where b.units @> array['@' || $5]"
        published = f"{of_unit} and (b.line ->> 'published')::boolean"
        return await self._fetch(
            words,
            # The board counts the organiser among the units; its people who are no secretariat are no members.
            f"stream in ({of_unit}) and stream not like $4 || '/%' "
            f"and (kind in ('unit', 'document') or unit = $4 or kind = 'closed' and stream in ({published})) "
            f"or stream in ({overseen}) and kind <> 'act'",
            unit,
            person,
        )

    async def _fetch(self, words: str, where: str, *arguments: str | None) -> tuple[SearchHit, ...]:
        query = f"""
            select stream, kind, ref, unit, titles ->> $2::text, at from projections.search_entry
            where words @@ to_tsquery('simple', $1) and ({where})
            order by case kind when 'unit' then 0 when 'document' then 1 else 2 end, at desc nulls first, stream
            limit $3
        """  # noqa: S608 - `where` is ours
        pool = self._ledger.pool
        plain = await pool.fetchval("select projections.without_diacritics($1)", words.replace("\x00", ""))
        parts = re.findall(r"\w+", plain)
        if not parts:
            return ()
        wanted = " & ".join([*parts[:-1], f"{parts[-1]}:*"])
        rows = await pool.fetch(query, wanted, language(), MOST_HITS, *arguments)
        return tuple(SearchHit(*row) for row in rows)

    async def people(self, words: str) -> Sequence[tuple[str, str, str]]:
        """Return persons whose name or id contains the words: id, unit, name."""
        rows = await self._ledger.pool.fetch(
            "select id, unit, name from vault.person where projections.without_diacritics(name || ' ' || id) "
            "like '%' || projections.without_diacritics($1) || '%' order by id limit $2",
            words.replace("\x00", "").replace("%", "").replace("_", ""),
            MOST_HITS,
        )
        return [(row["id"], row["unit"], row["name"]) for row in rows]

    async def forget(self) -> None:
        """Delete the index; the next `catch_up` rebuilds it from the ledger."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from projections.search_entry")
            await cursors.reset(connection, NAME)


def _as_json(titles: Mapping[str, str]) -> str:
    return json.dumps(titles, ensure_ascii=False)


def _same_in_all(title: str) -> str:
    return _as_json(dict.fromkeys(LANGUAGES, title))


def _documents(value: Any) -> Iterator[Document]:
    """Yield the documents among an event's fields."""
    for _name, entry in value:
        for one in entry if isinstance(entry, tuple) else (entry,):
            if isinstance(one, Document):
                yield one


def _title(one: Document) -> str:
    return " ".join(part for part in (one.number, one.title, one.issuer) if part) or "-"


def _words(one: Document) -> str:
    # The parts of a number such as 37/KH-MTTQ-BTT are indexed, too.
    return f"{_title(one)} {re.sub(r'[^0-9A-Za-zÀ-ỹ]+', ' ', _title(one))}"
