"""Evidence files on PostgreSQL, named by digest.

The media type follows from the first bytes, not from the file's name. Nothing is opened or converted here.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from errors import InputError, QuotaError
from ledger.connection import Pool
from ledger.paging import Paged, PageRequest, fetch_page

MOST_BYTES = 10_000_000
_HOUR_S = 3_600
TYPES: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "application/pdf", ".pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"PK\x03\x04", "application/zip", ".docx"),
)
"""First bytes, media type, and the ending that is added to a name without one of `_ENDINGS`."""
_ENDINGS = (".pdf", ".png", ".jpg", ".jpeg", ".docx", ".xlsx", ".odt", ".ods")
_COLUMNS = "digest, name, media_type, size, unit, person, at"
REFERENCE = re.compile(r"tep/([0-9a-f]{64})/([\w.-]+)")


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
        return f"tep/{self.digest}/{self.name}"


class Files:
    """The store of files. `pool` is of the role `thidua_web`. A person stores at most `bytes_a_day` in 24 hours."""

    def __init__(self, pool: Pool, bytes_a_day: int) -> None:
        self._pool, self._bytes_a_day = pool, bytes_a_day

    async def put(self, name: str, body: bytes, *, unit: str, person: str) -> StoredFile:
        """Store a file for a unit. The same bytes of the same unit are stored once, under the first name.

        Raises:
            InputError: `file_empty` or `upload_type`.
            QuotaError: `upload_too_large`, or `uploads_of_a_day`.
        """
        if not body:
            raise InputError("file_empty")
        if len(body) > MOST_BYTES:
            raise QuotaError("upload_too_large", found=len(body), most=MOST_BYTES)
        media_type, ending = next(((kind, end) for first, kind, end in TYPES if body.startswith(first)), ("", ""))
        if not media_type:
            raise InputError("upload_type", types=", ".join(_ENDINGS))
        stored = await self._pool.fetchval(
            "select coalesce(sum(size), 0) from vault.file where person = $1 and at > now() - interval '1 day'", person
        )
        if stored + len(body) > self._bytes_a_day:
            raise QuotaError("uploads_of_a_day", retry_after=_HOUR_S, most=self._bytes_a_day // 1_000_000)
        digest, safe_name = sha256(body).hexdigest(), _safe_name(name, ending)
        await self._pool.execute(
            "insert into vault.file (digest, name, media_type, size, body, unit, person) "
            "values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            digest,
            safe_name,
            media_type,
            len(body),
            body,
            unit,
            person,
        )
        (found,) = await self._fetch("where digest = $1 and unit = $2", digest, unit)
        return found

    async def of_unit(self, unit: str, asked: PageRequest, *, but: Collection[str] = ()) -> Paged[StoredFile]:
        """Return a page of a unit's files that were not erased, the newest first; without those that `but` uploaded."""
        source = "vault.file where unit = $1 and body is not null and person <> all($2::text[])"
        found = await fetch_page(self._pool, asked, _COLUMNS, source, "at desc, digest", unit, list(but))
        return found.map(lambda row: StoredFile(*row))

    async def of_digest(self, digest: str) -> tuple[StoredFile, ...]:
        """Return the files with this digest that were not erased: one for each unit that uploaded it."""
        return await self._fetch("where digest = $1 and body is not null", digest)

    async def body(self, file: StoredFile) -> bytes | None:
        """Return a file's bytes, None when it was erased."""
        query = "select body from vault.file where digest = $1 and unit = $2"
        found: bytes | None = await self._pool.fetchval(query, file.digest, file.unit)
        return found

    async def _fetch(self, where: str, *arguments: str) -> tuple[StoredFile, ...]:
        query = f"select {_COLUMNS} from vault.file {where}"  # noqa: S608 - ours
        return tuple(StoredFile(*row) for row in await self._pool.fetch(query, *arguments))


def _safe_name(name: str, ending: str) -> str:
    """Return a file name without characters that mean something to a shell, an address or an HTTP header."""
    safe = re.sub(r"[^\w.-]+", "-", name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1], flags=re.ASCII).strip("-.")[:80]
    return safe if safe.lower().endswith(_ENDINGS) else f"{safe or 'tep'}{ending}"
