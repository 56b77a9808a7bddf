"""What lies beside the events: texts, persons, files and editions of the vault, and rows of the ledger of no event.

Digests are computed here and not by the database: a person who can change its rows could change its functions, too.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from audit.report import PROBLEMS_KEPT, BesideProblem, StreamReport
from domain.administration import PersonErased, TextErased
from domain.file_references import REFERENCE
from domain.installation import STREAM
from domain.references import Named
from ledger.connection import Pool
from ledger.mapping import to_envelope
from ledger.protocol import Ledger, load_all
from vault.persons import commitment_of
from vault.texts import salted_digest

ROWS_AT_ONCE = 1_000
FILES_AT_ONCE = 4
"""A file has up to ten megabytes."""


@dataclass(frozen=True, slots=True)
class Erasures:
    """What the ledger says was erased: texts by digest, persons by id."""

    texts: Collection[str] = ()
    persons: Collection[str] = ()


async def recorded_erasures(ledger: Ledger) -> Erasures:
    """Read from the installation's stream what was erased. Whether these events are right, its own check tells."""
    texts, persons = set[str](), set[str]()
    for row in await load_all(ledger, STREAM):
        with suppress(Exception):  # the check of the stream tells of it
            match to_envelope(row).event:
                case TextErased(text=text):
                    texts.add(text)
                case PersonErased(person=person):
                    persons.add(person)
    return Erasures(texts, persons)


class Vault:
    """The vault as a verification reads it. The role of `pool` must be one that may read it."""

    def __init__(self, pool: Pool, erasures: Erasures = Erasures()) -> None:
        self._pool, self._erasures = pool, erasures

    # What events name -----------------------------------------------------------------------

    async def check(self, texts: set[str], persons: set[Named], files: set[str], found: StreamReport) -> None:
        """See `NamedOutside`. `files` are payloads that seem to name files."""
        if texts:
            await self._check_texts(texts, found)
        if persons:
            await self._check_persons(persons, found)
        named = {match[1] for payload in files for match in REFERENCE.finditer(payload)}
        if named:
            await self._check_files(named, found)

    async def _check_texts(self, texts: set[str], found: StreamReport) -> None:
        query = "select digest, body is not null as there from vault.text where digest = any($1)"
        stored = {row["digest"]: row["there"] for row in await self._pool.fetch(query, list(texts))}
        for digest in sorted(texts):
            if not stored.get(digest) and digest not in self._erasures.texts:
                # An erased row without a recorded erasure may have been emptied by hand.
                _note(found, "text_erased" if digest in stored else "text_missing", digest)

    async def _check_persons(self, persons: set[Named], found: StreamReport) -> None:
        rows = await self._pool.fetch(
            "select id, commitment, name is not null as there from vault.person where id = any($1) "
            "union all select person, commitment, true from vault.former_name where person = any($1)",
            list({person for person, _commitment in persons}),
        )
        known, erased = {(row["id"], row["commitment"]) for row in rows}, {r["id"] for r in rows if not r["there"]}
        ids = {row["id"] for row in rows}
        for person, commitment in sorted(persons):
            if person not in ids:
                _note(found, "person_missing", person)
            elif (person, commitment) not in known:
                _note(found, "person_renamed", person)
            elif person in erased and person not in self._erasures.persons:
                _note(found, "person_erased", person)

    async def _check_files(self, files: set[str], found: StreamReport) -> None:
        query = "select distinct digest from vault.file where digest = any($1)"
        stored = {row["digest"] for row in await self._pool.fetch(query, list(files))}
        for digest in sorted(files - stored):
            _note(found, "file_missing", digest)

    async def check_commands(self, used: array[int]) -> list[BesideProblem]:
        """See `NamedOutside`."""
        ordered, found = sorted(used), list[BesideProblem]()
        async for row in self._rows("ledger.command", "digest", "digest"):
            digest: bytes = row["digest"]
            beginning = int.from_bytes(digest[:8])
            at = bisect_left(ordered, beginning)
            if (at == len(ordered) or ordered[at] != beginning) and len(found) < PROBLEMS_KEPT:
                found.append(BesideProblem("command_idle", digest.hex()))
        return found

    async def check_erased(self) -> list[BesideProblem]:
        """Return what was recorded as erased and is there: it was not carried out, or a backup brought it back.

        A salt alone is a finding, too: guesses at the text or name can be tested with it.
        """
        texts = (
            "select digest as name_of from vault.text where digest = any($1) "
            "and (body is not null or salt is not null or plain is not null) order by 1"
        )
        persons = (
            "select id as name_of from vault.person where id = any($1) and (name is not null or salt is not null) "
            "union select person from vault.former_name "
            "where person = any($1) and (name is not null or salt is not null) order by 1"
        )
        found = [*await self._pool.fetch(texts, list(self._erasures.texts))]
        found += await self._pool.fetch(persons, list(self._erasures.persons))
        return [BesideProblem("erased_is_there", row["name_of"]) for row in found[:PROBLEMS_KEPT]]

    # What is stored -------------------------------------------------------------------------

    async def altered(self) -> AsyncIterator[BesideProblem]:
        """Yield every row of the vault that does not fit its digest."""
        for table, columns, order, count, code, fits in _TABLES:
            async for row in self._rows(table, columns, order, count):
                if not fits(row):
                    yield BesideProblem(code, row["name_of"])

    async def _rows(self, table: str, columns: str, order: str, count: int = ROWS_AT_ONCE) -> AsyncIterator[Any]:
        """Yield the rows of a table, some at a time."""
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            query = f"select {columns} from {table} order by {order}"  # noqa: S608 - ours
            async for row in connection.cursor(query, prefetch=count):
                yield row


def _text_fits(row: Any) -> bool:
    body = row["body"]
    if body is None:
        return True
    fits = salted_digest(row["salt"], body) == row["name_of"]
    return fits and bool(sha256(body.encode()).digest() == row["plain"])


def _name_fits(row: Any) -> bool:
    if row["name"] is None:
        return True
    return row["salt"] is not None and commitment_of(row["salt"], row["name"]) == row["commitment"]


def _file_fits(row: Any) -> bool:
    body = row["body"]
    return body is None or (sha256(body).hexdigest() == row["name_of"] and len(body) == row["size"])


def _edition_fits(row: Any) -> bool:
    return bool(sha256(row["body"].encode()).hexdigest() == row["name_of"])


_PERSON = "salt, name, commitment"
_TABLES: tuple[tuple[str, str, str, int, str, Callable[[Any], bool]], ...] = (
    ("vault.text", "digest as name_of, salt, body, plain", "digest", ROWS_AT_ONCE, "text_altered", _text_fits),
    ("vault.edition", "digest as name_of, body", "digest", ROWS_AT_ONCE, "edition_altered", _edition_fits),
    ("vault.person", f"id as name_of, {_PERSON}", "id", ROWS_AT_ONCE, "person_renamed", _name_fits),
    ("vault.former_name", f"person as name_of, {_PERSON}", "person", ROWS_AT_ONCE, "person_renamed", _name_fits),
    ("vault.file", "digest as name_of, size, body", "digest, unit", FILES_AT_ONCE, "file_altered", _file_fits),
)
"""Table, columns, order, rows at once, the code of a row that does not fit, and what tells whether it does."""


def _note(found: StreamReport, code: str, detail: str) -> None:
    found.beside.append(BesideProblem(code, detail))


async def check_ledger_rows(pool: Pool, installation: str) -> AsyncIterator[BesideProblem]:
    """Yield what is wrong with the rows of the ledger that no event holds: the installation's, commands, batches."""
    rows = await pool.fetch("select id, epoch from ledger.installation")
    if [row["id"] for row in rows] != [installation]:
        yield BesideProblem("installation_row", ", ".join(row["id"] for row in rows))
    for row in await pool.fetch(_IDLE_BATCHES):
        yield BesideProblem("batch_idle", row["digest"].hex())


_IDLE_BATCHES = """
    select b.digest from ledger.batch b
    where not exists (select from ledger.command c where c.batch = b.digest) order by b.digest limit 50
"""
