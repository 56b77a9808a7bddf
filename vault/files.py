"""Files on PostgreSQL: taken by type and size, named by digest, given back as what was handed in.

The type is what the first bytes say, whatever the name says; nothing is opened or converted here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from errors import InputError

MOST_BYTES = 10_000_000
TYPES: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "application/pdf", ".pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"PK\x03\x04", "application/zip", ".docx"),
)
"""The first bytes, the type it is given back as, and the ending when the name has none of ours."""
_ENDINGS = (".pdf", ".png", ".jpg", ".jpeg", ".docx", ".xlsx", ".odt", ".ods")
REFERENCE = re.compile(r"tep/([0-9a-f]{64})/([\w.-]+)")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file without its bytes. `reference` is what an act says of it."""

    digest: str
    name: str
    media_type: str
    size: int
    unit: str
    person: str
    at: datetime

    @property
    def reference(self) -> str:
        """How evidence names it."""
        return f"tep/{self.digest}/{self.name}"


class Files:
    """`pool` is an asyncpg pool of the web's role."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def put(self, name: str, body: bytes, *, unit: str, person: str) -> Kept:
        """Keep a file; the same bytes again are the same file.

        Raises:
            InputError: it is empty, too large, or of none of the types that are taken.
        """
        if not body:
            raise InputError("file_empty")
        if len(body) > MOST_BYTES:
            raise InputError("upload_too_large", found=len(body), most=MOST_BYTES)
        media_type, ending = next(((kind, end) for first, kind, end in TYPES if body.startswith(first)), ("", ""))
        if not media_type:
            raise InputError("upload_type", types=", ".join(_ENDINGS))
        digest, plain = sha256(body).hexdigest(), _plain(name, ending)
        async with self._pool.acquire() as connection:
            await connection.execute(
                "insert into documents.file (digest, name, media_type, size, body, unit, person) "
                "values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
                digest,
                plain,
                media_type,
                len(body),
                body,
                unit,
                person,
            )
        (found,) = await self._fetch("where digest = $1 and unit = $2", digest, unit)
        return found

    async def of_unit(self, unit: str) -> tuple[Kept, ...]:
        """A unit's files, the newest first."""
        return await self._fetch("where unit = $1 and body is not null order by at desc limit 200", unit)

    async def of_digest(self, digest: str) -> tuple[Kept, ...]:
        """Who has handed these bytes in, and under which names; none that was erased."""
        return await self._fetch("where digest = $1 and body is not null", digest)

    async def body(self, one: Kept) -> bytes | None:
        """A file's bytes; None when it was erased."""
        query = "select body from documents.file where digest = $1 and unit = $2"
        async with self._pool.acquire() as connection:
            found: bytes | None = await connection.fetchval(query, one.digest, one.unit)
        return found

    async def _fetch(self, where: str, *arguments: str) -> tuple[Kept, ...]:
        query = f"select digest, name, media_type, size, unit, person, at from documents.file {where}"  # noqa: S608 - ours
        async with self._pool.acquire() as connection:
            return tuple(Kept(*row) for row in await connection.fetch(query, *arguments))


def _plain(name: str, ending: str) -> str:
    """A name without anything that means something to a shell, an address or a header."""
    plain = re.sub(r"[^\w.-]+", "-", name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1], flags=re.ASCII).strip("-.")[:80]
    return plain if plain.lower().endswith(_ENDINGS) else f"{plain or 'tep'}{ending}"
