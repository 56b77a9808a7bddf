"""Evidence files on PostgreSQL, by digest and name.

The kind follows from the contents, not from the file's name (`vault.file_kinds`). Nothing is converted here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from domain.file_references import reference_of
from errors import InputError, QuotaError
from ledger.connection import Pool
from ledger.paging import Paged, PageRequest, fetch_page
from vault.file_kinds import kind_of, name_for, shown_name

MOST_BYTES = 10_000_000
_HOUR_S = 3_600
_COLUMNS = "digest, name, media_type, size, unit, person, at"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file without its bytes."""

    digest: str
    name: str
    media_type: str
    size: int
    unit: str
    person: str
    at: datetime

    @property
    def reference(self) -> str:
        """What evidence fields of acts hold."""
        return reference_of(self.digest, self.name)


class Files:
    """The store of files. `pool` is of the role `thidua_web`. A person stores at most `bytes_a_day` in 24 hours."""

    def __init__(self, pool: Pool, bytes_a_day: int) -> None:
        self._pool, self._bytes_a_day = pool, bytes_a_day

    async def put(self, name: str, body: bytes, *, unit: str, person: str) -> StoredFile:
        """Store a file for a unit. The same bytes under the same name are stored once for a unit.

        Raises:
            InputError: `file_empty`, or as `kind_of`.
            QuotaError: `upload_too_large`, or `uploads_of_a_day`.
        """
        if not body:
            raise InputError("file_empty")
        if len(body) > MOST_BYTES:
            raise QuotaError("upload_too_large", found=len(body), most=MOST_BYTES)
        kind = kind_of(body, shown_name(name))
        stored = await self._pool.fetchval(
            "select coalesce(sum(size), 0) from vault.file where person = $1 and at > now() - interval '1 day'", person
        )
        if stored + len(body) > self._bytes_a_day:
            raise QuotaError("uploads_of_a_day", retry_after=_HOUR_S, most=self._bytes_a_day // 1_000_000)
        digest, own_name = sha256(body).hexdigest(), name_for(name, kind)
        await self._pool.execute(
            "insert into vault.file (digest, name, media_type, size, body, unit, person) "
            "values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            digest,
            own_name,
            kind.media_type,
            len(body),
            body,
            unit,
            person,
        )
        (found,) = await self._fetch("where digest = $1 and unit = $2 and name = $3", digest, unit, own_name)
        return found

    async def of_unit(self, unit: str, asked: PageRequest, *, but: Collection[str] = ()) -> Paged[StoredFile]:
        """Return a page of a unit's files that were not erased, the newest first; without those that `but` uploaded."""
        source = "vault.file where unit = $1 and body is not null and person <> all($2::text[])"
        found = await fetch_page(self._pool, asked, _COLUMNS, source, "at desc, digest", unit, list(but))
        return found.map(lambda row: StoredFile(*row))

    async def of_digest(self, digest: str) -> tuple[StoredFile, ...]:
        """Return the files with this digest that were not erased: one for each unit and name."""
        return await self._fetch("where digest = $1 and body is not null", digest)

    async def kinds(self, digests: Iterable[str]) -> dict[str, tuple[str, int]]:
        """Return media type and size of the files with these digests that were not erased."""
        query = "select distinct digest, media_type, size from vault.file where digest = any($1) and body is not null"
        rows = await self._pool.fetch(query, list(digests))
        return {row["digest"]: (row["media_type"], row["size"]) for row in rows}

    async def body(self, file: StoredFile) -> bytes | None:
        """Return a file's bytes, None when it was erased."""
        query = "select body from vault.file where digest = $1 and unit = $2 and name = $3"
        found: bytes | None = await self._pool.fetchval(query, file.digest, file.unit, file.name)
        return found

    async def _fetch(self, where: str, *arguments: str) -> tuple[StoredFile, ...]:
        query = f"select {_COLUMNS} from vault.file {where}"  # noqa: S608 - ours
        return tuple(StoredFile(*row) for row in await self._pool.fetch(query, *arguments))
