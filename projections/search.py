"""The search index: units, documents and acts of all years, found by words without diacritics.

It is computed from the ledger like the board, with a cursor of its own, so that no page waits for a slow index. Free
texts are not indexed, because they can be erased. Each act is indexed by its sentence in every language: the rows do
not depend on the worker's language, and readers find acts by the words of either.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.access import is_open_to_members
from domain.records import CLOCK
from domain.steps.corrections import ActCorrected
from domain.streams import is_cycle
from domain.titles import names_of
from domain.types import Document
from i18n import LANGUAGES, in_language, language
from i18n.timeline import describe
from ledger.connection import SEARCH_LOCK, Connection
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.paging import Paged, PageRequest
from ledger.postgres import PostgresLedger
from projections import cursors
from projections.board import title_of
from projections.board_lines import NAMED
from projections.known_editions import KnownEditions
from projections.stream_states import StreamStates
from vault.texts import Texts

NAME = "search"
PAGE = 200
PAUSE_S = 0.01
"""Pause between pages, so that other tasks of the process run."""

MOST_HITS = 1_000
"""So many rows are counted and shown; more words find fewer rows."""

_FILE = re.compile(r"tep/([0-9a-f]{64})/")

IndexRow = tuple[str, str, str, str, str, date | None, str]
"""stream, kind, ref, unit, titles as JSON, at, and the words to be indexed."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A row of the index, with the title in the reader's language. `kind` and `ref`: see projections/schema.sql.

    `cluster` is how the cluster of its cycle is named, with the year.
    """

    stream: str
    kind: str
    ref: str
    unit: str
    title: str
    at: date | None
    cluster: str
    corrected: int | None
    """The version of the act that corrected it."""


class SearchIndex:
    """The index on PostgreSQL."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger, self._states = ledger, StreamStates(ledger)
        self._editions = KnownEditions(Texts(ledger.pool))

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
            cycles = [row for row in page if is_cycle(row.stream)]
            await connection.executemany(
                "insert into projections.file_use (digest, stream, version) values ($1, $2, $3) on conflict do nothing",
                [(found, row.stream, row.version) for row in cycles for found in set(_FILE.findall(row.payload))],
            )
            for row in cycles:
                if row.type == ActCorrected.NAME:
                    await _mark_corrected(connection, row)
            await cursors.advance(connection, NAME, page[-1].position)
        return page[-1].position

    async def _entries(self, row: RecordedEvent) -> list[IndexRow]:
        """Return the rows that an event adds to the index."""
        state = await self._states.after(row)
        if row.actor == CLOCK:
            return []
        envelope, names = to_envelope(row), names_of(state, await self._editions.in_force(state))
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

    async def find(
        self,
        words: str,
        *,
        streams: str | None = None,
        asked: PageRequest = PageRequest(),  # noqa: B008 - frozen
    ) -> Paged[SearchHit]:
        """Return a page of the rows that contain all words; the last word may be the beginning of one.

        Titles are in the language in use. Beyond `MOST_HITS` rows are not counted, and not shown. `streams`: only
        streams under this path, such as a city.
        """
        return await self._page(words, asked, "$2::text is null or stream like $2 || '/%'", streams)

    async def find_as_member(
        self,
        words: str,
        *,
        unit: str,
        person: str,
        asked: PageRequest = PageRequest(),  # noqa: B008 - frozen
    ) -> Paged[SearchHit]:
        """As `find`, in the cycles of which `unit` is, or was, a member, and in those that `person` oversees.

        Of acts, those that the unit entered are found. Documents of closed events are found by the unit that entered
        them, by the overseer, and by each member once the results are published.
        """
        of_unit = "select b.stream from projections.board b where b.units @> array[$2]"
        overseen = "select b.stream from projections.board b where b.units @> array['@' || $3]"
        published = f"{of_unit} and (b.line ->> 'published')::boolean"
        return await self._page(
            words,
            asked,
            # The board counts the organiser among the units; its people who are no secretariat are no members.
            f"stream in ({of_unit}) and stream not like $2 || '/%' "
            f"and (kind in ('unit', 'document') or unit = $2 or kind = 'closed' and stream in ({published})) "
            f"or stream in ({overseen}) and kind <> 'act'",
            unit,
            person,
        )

    async def _page(self, words: str, asked: PageRequest, where: str, *arguments: str | None) -> Paged[SearchHit]:
        source = f"projections.search_entry e where words @@ to_tsquery('simple', $1) and ({where})"
        pool = self._ledger.pool
        plain = await pool.fetchval("select projections.without_diacritics($1)", words.replace("\x00", ""))
        parts = re.findall(r"\w+", plain)
        if not parts:
            return Paged.of((), asked)
        wanted = " & ".join([*parts[:-1], f"{parts[-1]}:*"])
        count = f"select count(*) from (select from {source} limit {MOST_HITS}) found"  # noqa: S608 - ours
        total = int(await pool.fetchval(count, wanted, *arguments))
        asked = asked.within(total)
        at = len(arguments) + 2
        rows = await pool.fetch(
            f"select stream, kind, ref, unit, titles ->> ${at}::text as title, at, corrected, "  # noqa: S608 - ours
            f"(select to_jsonb(named) from (select b.cycle_year, {NAMED} from projections.board b "
            f"where b.stream = e.stream) named) as named from {source} "
            f"order by case kind when 'unit' then 0 when 'document' then 1 else 2 end, at desc nulls first, stream, "
            f"kind, ref limit ${at + 1}::bigint offset ${at + 2}::bigint",
            wanted,
            *arguments,
            language(),
            min(asked.size or MOST_HITS, max(0, MOST_HITS - asked.offset)),
            asked.offset,
        )
        return Paged(tuple(map(_hit, rows)), total, asked)

    async def corrected_uses(self, digests: Iterable[str]) -> list[tuple[str, str, int, int]]:
        """Return the corrected events that name files: digest, stream, version, and the version of the correction."""
        rows = await self._ledger.pool.fetch(
            "select digest, stream, version, corrected from projections.file_use "
            "where digest = any($1) and corrected is not null order by stream, version",
            list(digests),
        )
        return [tuple(row) for row in rows]

    async def forget(self) -> None:
        """Delete the index; the next `catch_up` rebuilds it from the ledger."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from projections.search_entry")
            await connection.execute("delete from projections.file_use")
            await cursors.reset(connection, NAME)


def _hit(row: Mapping[str, Any]) -> SearchHit:
    named = json.loads(row["named"]) if row["named"] else None  # the board can be behind the index
    cluster = f"{title_of(named)}, {named['cycle_year']}" if named is not None else ""
    return SearchHit(
        row["stream"], row["kind"], row["ref"], row["unit"], row["title"], row["at"], cluster, row["corrected"]
    )


async def _mark_corrected(connection: Connection, row: RecordedEvent) -> None:
    """Mark the entries of the acts that a correction takes back."""
    event = to_envelope(row).event
    versions = list(event.versions) if isinstance(event, ActCorrected) else []
    await connection.execute(
        "update projections.search_entry set corrected = $3 where stream = $1 and kind <> 'unit' "
        "and split_part(ref, '.', 1) = any($2::text[])",
        row.stream,
        [str(version) for version in versions],
        row.version,
    )
    await connection.execute(
        "update projections.file_use set corrected = $3 where stream = $1 and version = any($2::bigint[])",
        row.stream,
        versions,
        row.version,
    )


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
