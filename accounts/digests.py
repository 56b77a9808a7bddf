"""Who wants one mail a day or a week in place of single ones, and the notices that wait for it, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that waits for its digest. `at` is when it was recorded."""

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

    async def wanted(self, people: Iterable[str]) -> dict[str, str]:
        """Of these persons, those who want a digest: "daily" or "weekly"."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select person, digest from accounts.account where person = any($1) and digest <> 'each'", list(people)
            )
        return {row["person"]: row["digest"] for row in rows}

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
