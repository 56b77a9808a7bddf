"""The search index: clusters, units, papers, minutes, free texts and acts of all years.

It is computed from the ledger like the board, with a cursor of its own, so that no page waits for a slow index. Words
are found without diacritics; those that are written as they were typed come first. Each act is indexed by its sentence
in every language: the rows do not depend on the worker's language, and readers find acts by the words of either. A free
text is indexed by its words only, and erased from the index with the text.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from typing import Any

from domain.records import CLOCK
from domain.steps.corrections import ActCorrected
from domain.streams import is_cycle
from domain.withdrawals import TAKING_BACK, withdrawals
from i18n import language
from ledger.connection import SEARCH_LOCK, Connection
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.paging import Paged, PageRequest
from ledger.postgres import PostgresLedger
from projections import cursors
from projections.board import title_of
from projections.board_lines import NAMED
from projections.known_editions import KnownEditions
from projections.search_entries import Entry, entries, texts_named
from projections.search_words import TypedWords, stream_tag
from projections.stream_states import StreamStates
from vault.texts import ERASED, Texts

NAME = "search"
PAGE = 200
PAUSE_S = 0.01
"""Pause between pages, so that other tasks of the process run."""

MOST_HITS = 1_000
"""So many rows are counted and shown; more words find fewer rows."""

_FILE = re.compile(r"tep/([0-9a-f]{64})/")

_CHANGE_WITHDRAWALS = frozenset({ActCorrected.NAME, *(event.NAME for event in TAKING_BACK)})

_COLUMNS = [one.name for one in fields(Entry)]
_LEXEMES = {"words", "kept"}
_WRITE = (
    f"insert into projections.search_entry ({', '.join(_COLUMNS)}) values ("  # noqa: S608 - ours
    + ", ".join(
        f"array_to_tsvector(${n}::text[])" if name in _LEXEMES else f"${n}" for n, name in enumerate(_COLUMNS, 1)
    )
    + ") on conflict (stream, kind, ref) do update set titles = excluded.titles, words = excluded.words, "
    "name = excluded.name, sort_key = excluded.sort_key"
)

_KINDS = "array['cluster', 'unit', 'document', 'minutes', 'text', 'act']"
"""In the order of the page."""

_FIND = """with found as materialized (
    select e.* from unnest($1::text[]::tsquery[]) q (query)
    cross join lateral (
        select * from projections.search_entry where words @@ q.query and ({visible}) limit {most}
    ) e limit {most}
)
select total, shown.*, shown.titles ->> $2 as title,
    (select to_jsonb(one) from (
        select b.cycle_year, {named} from projections.board b where b.stream = shown.stream
    ) one) as named
from (select count(*) as total from found) counted left join lateral (
    select * from found order by array_position({kinds}, kind), not words @@ $3::text::tsquery, name <> $4,
        not words @@ $5::text::tsquery, sort_key, year desc, at desc nulls last, stream, ref
    limit $6::bigint offset $7::bigint
) shown on true"""
"""The queries of $1 are looked up one by one, until there are enough rows. What is begun but not whole, and what has
other diacritics, comes after what fits better."""


_HAVE_MANY = f"""select count(*) = {MOST_HITS} from (
    select from unnest($1::text[]::tsquery[]) q (query)
    cross join lateral (select from projections.search_entry where words @@ q.query limit {MOST_HITS}) e
    limit {MOST_HITS}
) found"""  # noqa: S608 - ours

_PROBED = 6
"""So many queries for the newest rows are tried before all rows are: words that stand in many rows stand in these."""


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A row of the index, with the title in the reader's language.

    `kind`, `ref` and `about`: see projections/schema.sql.
    `cluster` is how the cluster of its cycle is named, with the year. `text` is the part of a free text that fits.
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
    withdrawn: int | None
    """The version of the act that withdrew what it hands in."""
    about: str = ""
    text: str = ""


class SearchIndex:
    """The index on PostgreSQL."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger, self._states = ledger, StreamStates(ledger)
        self._editions = KnownEditions(Texts(ledger.pool))
        self._progress = cursors.Progress(ledger.pool, NAME)

    async def wait_until_reached(self, position: int) -> bool:
        """Wait until events up to a position are indexed, a second at most; not at all for one that is far behind."""
        return await self._progress.wait_until_reached(position, farthest=PAGE)

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
            found = await self._entries(connection, [row for row in page if is_cycle(row.stream)])
            await connection.executemany(_WRITE, [astuple(one) for one in found])
            await connection.execute(
                "insert into projections.search_tag select unnest($1::text[]) on conflict do nothing",
                sorted({word for one in found for word in one.words if word[0] == "@"}),
            )
            cycles = [row for row in page if is_cycle(row.stream)]
            await connection.executemany(
                "insert into projections.file_use (digest, stream, version) values ($1, $2, $3) on conflict do nothing",
                [(found, row.stream, row.version) for row in cycles for found in set(_FILE.findall(row.payload))],
            )
            for row in cycles:
                if row.type == ActCorrected.NAME:
                    await _mark_corrected(connection, row)
            # A correction can take a withdrawal back.
            changed = {row.stream for row in cycles if row.type in _CHANGE_WITHDRAWALS}
            for stream in sorted(changed):
                await self._mark_withdrawn(connection, stream, page[-1].position)
            await cursors.advance(connection, NAME, page[-1].position)
        return page[-1].position

    async def _mark_withdrawn(self, connection: Connection, stream: str, position: int) -> None:
        """Mark the entries of a cycle that were withdrawn by a position of the ledger, and those only."""
        rows = [row for row in await self._ledger.load(stream, limit_bytes=None) if row.position <= position]
        found = withdrawals([to_envelope(row) for row in rows])
        named = {one.what.meta.version: one.by.meta.version for one in found if one.is_named}
        await connection.execute(
            "update projections.search_entry e set withdrawn = w.by from ("
            "select ref, ($3::bigint[])[array_position($2::text[], split_part(ref, '.', 1))] as by, kind "
            "from projections.search_entry where stream = $1 and kind not in ('cluster', 'unit')) w "
            "where e.stream = $1 and (e.kind, e.ref) = (w.kind, w.ref) and e.withdrawn is distinct from w.by",
            stream,
            [str(version) for version in named],
            list(named.values()),
        )

    async def _entries(self, connection: Connection, rows: Sequence[RecordedEvent]) -> list[Entry]:
        """Return the rows that events add to the index."""
        envelopes = [to_envelope(row) for row in rows]
        named = [
            set() if row.actor == CLOCK else texts_named(one.event) for row, one in zip(rows, envelopes, strict=True)
        ]
        # The lock makes an erasure wait until these rows are stored: then it takes them along.
        stored = await connection.fetch(
            "select digest, body from vault.text where digest = any($1) and body is not null for share",
            list(set().union(*named)),
        )
        texts = {row["digest"]: row["body"] for row in stored}
        found: list[Entry] = []
        for row, envelope, digests in zip(rows, envelopes, named, strict=True):
            state = await self._states.after(row)
            if row.actor != CLOCK:
                rules = await self._editions.in_force(state)
                own = {digest: texts[digest] for digest in digests if digest in texts}
                found.extend(entries(row, envelope, state, rules, own))
        return found

    async def find(
        self,
        words: str,
        *,
        streams: str | None = None,
        asked: PageRequest = PageRequest(),  # noqa: B008 - frozen
    ) -> Paged[SearchHit]:
        """Return a page of the rows that contain all words, the best first; the last word may be the beginning of one.

        Titles are in the language in use. Beyond `MOST_HITS` rows are not counted, and not shown. `streams`: only
        streams of this organiser.
        """
        return await self._page(words, asked, None if streams is None else [streams], "true")

    async def find_as_member(
        self,
        words: str,
        *,
        unit: str,
        person: str,
        asked: PageRequest = PageRequest(),  # noqa: B008 - frozen
    ) -> Paged[SearchHit]:
        """As `find`, in the cycles of which `unit` is, or was, a member, and in those that `person` oversees.

        Of acts, those that the unit entered are found. What is closed before publication is found by the unit that
        entered it, by the overseer, and by each member once the results are published.
        """
        # The board counts the organiser among the units; its people who are no secretariat are no members.
        cycles = await self._ledger.pool.fetch(
            "select stream, units @> array[$1] and organiser <> $1 as member, units @> array[$2] as overseen, "
            "coalesce((line ->> 'published')::boolean, false) as published "
            "from projections.board where units && array[$1, $2]",
            unit,
            f"@{person}",
        )
        own = [row["stream"] for row in cycles if row["member"]]
        overseen = [row["stream"] for row in cycles if row["overseen"]]
        published = [row["stream"] for row in cycles if row["member"] and row["published"]]
        return await self._page(
            words,
            asked,
            [*own, *overseen],
            "stream = any($8) and (kind <> 'act' and open or unit = $11 or kind <> 'act' and stream = any($10)) "
            "or stream = any($9) and kind <> 'act'",
            own,
            overseen,
            published,
            unit,
        )

    async def _page(
        self, words: str, asked: PageRequest, scope: Sequence[str] | None, visible: str, *arguments: Any
    ) -> Paged[SearchHit]:
        """Return a page of what is found within cycles and organisers; `visible` names its arguments from $8 on."""
        typed = TypedWords.of(words)
        if not typed.plain or scope == []:
            return Paged.of((), asked)
        async with self._ledger.pool.acquire() as connection, connection.transaction(readonly=True):
            # The planner does not know the queries, and takes the index for dearer than reading all rows.
            await connection.execute("set local enable_seqscan = off")
            tags_of_scope = None if scope is None else [stream_tag(one) for one in scope]
            # To find the newest takes a look-up for each year, which stops early only where there are many.
            queries = typed.newest(await _tags(connection), tags_of_scope)
            for tried in (queries[:_PROBED], [typed.within(tags_of_scope)]):
                if queries and await connection.fetchval(_HAVE_MANY, tried):
                    break
            else:
                queries = typed.complete(tags_of_scope)
            query = _FIND.format(visible=visible, most=MOST_HITS, named=NAMED, kinds=_KINDS)
            given = (queries, language(), typed.as_written, typed.name, typed.whole)

            async def page(request: PageRequest) -> list[Any]:
                size = min(request.size or MOST_HITS, max(0, MOST_HITS - request.offset))
                return list(await connection.fetch(query, *given, size, request.offset, *arguments))

            rows = await page(asked)
            total = int(rows[0]["total"])
            if (shown := asked.within(total)) != asked:
                rows = await page(shown)
        rows = [row for row in rows if row["stream"] is not None]
        texts = await Texts(self._ledger.pool).get({row["text"] for row in rows if row["text"] is not None})
        excerpts = {digest: typed.excerpt(text) for digest, text in texts.items() if text != ERASED}
        return Paged(tuple(_hit(row, excerpts) for row in rows), total, shown)

    async def streams_naming(self, digest: str) -> frozenset[str]:
        """Return the streams with an event that names a file."""
        query = "select distinct stream from projections.file_use where digest = $1"
        return frozenset(row["stream"] for row in await self._ledger.pool.fetch(query, digest))

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
            await connection.execute("delete from projections.search_tag")
            await connection.execute("delete from projections.file_use")
            await cursors.reset(connection, NAME)


async def _tags(connection: Connection) -> list[str]:
    """Return the tags of the groups and years, in the order of groups, of each the newest year first."""
    tags = [str(row["tag"]) for row in await connection.fetch("select tag from projections.search_tag")]
    tags.sort(key=lambda tag: int(tag.partition(".")[2]), reverse=True)
    return sorted(tags, key=lambda tag: tag.partition(".")[0])


def _hit(row: Mapping[str, Any], excerpts: Mapping[str, str]) -> SearchHit:
    named = json.loads(row["named"]) if row["named"] else None  # the board can be behind the index
    cluster = f"{title_of(named)}, {named['cycle_year']}" if named is not None else ""
    return SearchHit(
        row["stream"],
        row["kind"],
        row["ref"],
        row["unit"],
        row["title"],
        row["at"],
        cluster,
        row["corrected"],
        row["withdrawn"],
        row["about"],
        excerpts.get(row["text"], ""),
    )


async def _mark_corrected(connection: Connection, row: RecordedEvent) -> None:
    """Mark the entries of the acts that a correction takes back."""
    event = to_envelope(row).event
    versions = list(event.versions) if isinstance(event, ActCorrected) else []
    await connection.execute(
        "update projections.search_entry set corrected = $3 where stream = $1 and kind not in ('cluster', 'unit') "
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
