"""What a person wants of mail (language, digests), and the notices that wait for a digest, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

AT_ONCE = "each"


@dataclass(frozen=True, slots=True)
class MailPreferences:
    """`language` of the mails ("vi", "en"); `digest`: each mail `AT_ONCE`, or one mail "daily" or "weekly"."""

    language: str
    digest: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that waits for its digest, in the addressee's language of then. `at` is when it was recorded."""

    person: str
    position: int
    kind: str
    unit: str
    subject: str
    body: str
    at: datetime


class Digests:
    """`pool` is an asyncpg pool of the application."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def preferences(self, people: Iterable[str]) -> dict[str, MailPreferences]:
        """The preferences of these persons, as far as they have an account."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select person, language, digest from accounts.account where person = any($1)", list(people)
            )
        return {row["person"]: MailPreferences(row["language"], row["digest"]) for row in rows}

    async def put(self, one: Waiting) -> None:
        """Let a notice wait; the same one again changes nothing."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "insert into accounts.digest_item (person, position, kind, unit, subject, body, at) "
                "values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
                one.person,
                one.position,
                one.kind,
                one.unit,
                one.subject,
                one.body,
                one.at,
            )

    async def waiting(self) -> dict[str, list[Waiting]]:
        """Everything that waits, by person, in order."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select person, position, kind, unit, subject, body, at from accounts.digest_item "
                "order by person, position, kind"
            )
        found: dict[str, list[Waiting]] = {}
        for row in rows:
            found.setdefault(row["person"], []).append(Waiting(*row))
        return found

    async def sent(self, person: str, position: int) -> None:
        """What waited up to a position went out."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "delete from accounts.digest_item where person = $1 and position <= $2", person, position
            )
