"""Texts and rules editions on PostgreSQL. Events name them by digest. A text can be erased, an edition cannot."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from errors import CodedError, Kind
from ledger.connection import Pool

ERASED = "(erased)"
"""Returned in place of what was erased."""

ALTERED = "(changed in the database)"
"""Returned in place of a text that does not fit its digest."""


def salted_digest(salt: bytes, body: str) -> str:
    """Return the digest that events hold. The salt is erased with the text, so that guesses at it cannot be tested."""
    return sha256(b"thidua-text-1\n" + salt + body.encode()).hexdigest()


class TextAlteredError(CodedError):
    """A stored text does not fit its digest: it was changed in the database."""

    kind = Kind.CORRUPT

    def __init__(self) -> None:
        super().__init__("text_altered")


def _checked(row: Any, body: str) -> str:
    """Return the digest of a row that was found by the plain form of a text, if it is the digest of that text."""
    digest: str = row["digest"]
    if salted_digest(row["salt"], body) != digest:
        raise TextAlteredError
    return digest


def _shown(row: Any) -> str:
    body: str | None = row["body"]
    if body is None:
        return ERASED
    return body if salted_digest(row["salt"], body) == row["digest"] else ALTERED


class Texts:
    """The store of texts and editions. The role of `pool` decides what may be done; only `thidua_app` may erase."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, body: str, salt: bytes | None = None) -> str:
        """Store a text and return its digest. A text that is stored already keeps its digest.

        With the `salt` of another installation, the digest is the same there and here.

        Raises:
            TextAlteredError: another text was put under the plain form of this one: it would be signed in its place.
        """
        salt, plain = salt or secrets.token_bytes(16), sha256(body.encode()).digest()
        async with self._pool.acquire() as connection:
            await connection.execute(
                "insert into vault.text (digest, salt, body, plain) values ($1, $2, $3, $4) on conflict do nothing",
                salted_digest(salt, body),
                salt,
                body,
                plain,
            )
            row = await connection.fetchrow("select digest, salt from vault.text where plain = $1", plain)
        return _checked(row, body)

    async def get(self, digests: Iterable[str], most: int | None = None) -> dict[str, str]:
        """Return the stored texts by digest, `ERASED` for those that were erased, `ALTERED` for those changed.

        `most` cuts each after so many characters.
        """
        if not (wanted := list(digests)):
            return {}
        rows = await self._pool.fetch("select digest, salt, body from vault.text where digest = any($1)", wanted)
        return {row["digest"]: _shown(row)[:most] for row in rows}

    async def digest_of(self, body: str) -> str | None:
        """Return the digest of a stored text, None when it is not stored.

        Raises:
            TextAlteredError
        """
        row = await self._pool.fetchrow(
            "select digest, salt from vault.text where plain = $1", sha256(body.encode()).digest()
        )
        return None if row is None else _checked(row, body)

    async def known(self, digests: Iterable[str]) -> set[str]:
        """Return those of some digests that texts have, or had before they were erased."""
        rows = await self._pool.fetch("select digest from vault.text where digest = any($1)", list(digests))
        return {row["digest"] for row in rows}

    async def salts(self, digests: Iterable[str]) -> dict[str, bytes]:
        """Return the salts of texts by digest, for an export to another installation. Erased texts have none."""
        query = "select digest, salt from vault.text where digest = any($1) and salt is not null"
        rows = await self._pool.fetch(query, list(digests))
        return {row["digest"]: row["salt"] for row in rows}

    async def erase(self, digest: str) -> bool:
        """Erase a text and its salt. Return False when there is none, or it was erased before."""
        done = await self._pool.execute(
            "update vault.text set body = null, salt = null, plain = null, erased_at = now() "
            "where digest = $1 and erased_at is null",
            digest,
        )
        return bool(done == "UPDATE 1")

    async def put_edition(self, body: str) -> str:
        """Store a rules edition and return its digest."""
        digest = sha256(body.encode()).hexdigest()
        await self._pool.execute(
            "insert into vault.edition (digest, body) values ($1, $2) on conflict do nothing", digest, body
        )
        return digest

    async def editions(self) -> list[tuple[str, str]]:
        """Return the stored rules editions that are unchanged, each with its digest."""
        rows = await self._pool.fetch("select digest, body from vault.edition order by digest")
        return [
            (row["digest"], row["body"]) for row in rows if sha256(row["body"].encode()).hexdigest() == row["digest"]
        ]

    async def edition_like(self, beginning: str) -> str | None:
        """Return the stored edition whose digest begins so, None when there is none or more than one."""
        query = "select digest from vault.edition where digest like $1 || '%' limit 2"
        rows = await self._pool.fetch(query, beginning)
        return await self.edition(rows[0]["digest"]) if len(rows) == 1 else None

    async def edition(self, digest: str) -> str | None:
        """Return a stored edition, None when it is unknown or has another digest: it was changed in the database."""
        body: str | None = await self._pool.fetchval("select body from vault.edition where digest = $1", digest)
        return body if body is not None and sha256(body.encode()).hexdigest() == digest else None
