"""The store of texts on PostgreSQL. Events name a text by digest; here it can be read, and erased."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

ERASED = "(erased)"


def salted_digest(salt: bytes, body: str) -> str:
    """What an event says of a text. Without the salt nobody can test a guess at what was erased."""
    return sha256(b"thidua-text-1\n" + salt + body.encode()).hexdigest()


class Texts:
    """Texts and editions. `pool` is an asyncpg pool of the application or the reader."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def put(self, body: str, salt: bytes | None = None) -> str:
        """Store a text and return its digest; the same text again gets the same one.

        With the `salt` of another register, the digest is the same there and here.
        """
        salt, plain = salt or secrets.token_bytes(16), sha256(body.encode()).digest()
        async with self._pool.acquire() as connection:
            await connection.execute(
                "insert into documents.text (digest, salt, body, plain) values ($1, $2, $3, $4) on conflict do nothing",
                salted_digest(salt, body),
                salt,
                body,
                plain,
            )
            digest: str = await connection.fetchval("select digest from documents.text where plain = $1", plain)
        return digest

    async def get(self, digests: Iterable[str]) -> dict[str, str]:
        """The texts that are known, `ERASED` for those that were erased."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select digest, body from documents.text where digest = any($1)", list(digests)
            )
        return {row["digest"]: ERASED if row["body"] is None else row["body"] for row in rows}

    async def digest_of(self, body: str) -> str | None:
        """The digest of a text that is stored; None when it is not."""
        async with self._pool.acquire() as connection:
            digest: str | None = await connection.fetchval(
                "select digest from documents.text where plain = $1", sha256(body.encode()).digest()
            )
        return digest

    async def salts(self, digests: Iterable[str]) -> dict[str, bytes]:
        """The salts of texts by digest, for a file that takes them to another register; none of what was erased."""
        query = "select digest, salt from documents.text where digest = any($1) and salt is not null"
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(query, list(digests))
        return {row["digest"]: row["salt"] for row in rows}

    async def altered(self) -> tuple[str, ...]:
        """Digests whose stored text no longer fits them."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch("select digest, salt, body from documents.text where body is not null")
        return tuple(row["digest"] for row in rows if salted_digest(row["salt"], row["body"]) != row["digest"])

    async def erase(self, digest: str) -> bool:
        """Erase a text and its salt. False when there is none, or it was erased before."""
        async with self._pool.acquire() as connection:
            done = await connection.execute(
                "update documents.text set body = null, salt = null, plain = null, erased_at = now() "
                "where digest = $1 and erased_at is null",
                digest,
            )
        return bool(done == "UPDATE 1")

    async def put_edition(self, body: str) -> str:
        """Store a rules edition for ever and return its digest."""
        digest = sha256(body.encode()).hexdigest()
        async with self._pool.acquire() as connection:
            await connection.execute(
                "insert into documents.edition (digest, body) values ($1, $2) on conflict do nothing", digest, body
            )
        return digest

    async def edition_like(self, beginning: str) -> str | None:
        """The one stored edition whose digest begins so; None when there is none, or several."""
        query = "select digest from documents.edition where digest like $1 || '%' limit 2"
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(query, beginning)
        return await self.edition(rows[0]["digest"]) if len(rows) == 1 else None

    async def edition(self, digest: str) -> str | None:
        """A stored edition; None when it is unknown or no longer fits its digest."""
        async with self._pool.acquire() as connection:
            body: str | None = await connection.fetchval("select body from documents.edition where digest = $1", digest)
        return body if body is not None and sha256(body.encode()).hexdigest() == digest else None
