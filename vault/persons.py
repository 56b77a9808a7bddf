"""The book of persons on PostgreSQL.

A person's commitment is sha256 over a salt and the name. It goes into what the person signs, so that nobody can put
another name behind an id unseen; when the person is erased, the salt goes too, and the commitment says nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

ERASED = "(erased)"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as the office knows them. `name` is `ERASED` after an erasure."""

    id: str
    unit: str
    name: str
    office: str | None
    email: str | None
    phone: str | None
    commitment: str


def commitment_of(salt: bytes, name: str) -> str:
    """What a signed command and an event say of a name."""
    return sha256(b"thidua-person-1\n" + salt + name.encode()).hexdigest()


class People:
    """The book. `pool` is an asyncpg pool of the application."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def enter(
        self,
        person: str,
        unit: str,
        name: str,
        *,
        office: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        salt: bytes | None = None,
    ) -> Contact:
        """Enter a person, or return who is entered under the id; unit and name of an entry do not change.

        With the `salt` of another register, the commitment is the same there and here.
        """
        salt = salt or secrets.token_bytes(16)
        async with self._pool.acquire() as connection:
            await connection.execute(
                "insert into people.person (id, unit, name, office, email, phone, salt, commitment) "
                "values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
                person,
                unit,
                name,
                office,
                email,
                phone,
                salt,
                commitment_of(salt, name),
            )
        found = await self.get(person)
        if found is None:
            raise LookupError(person)
        return found

    async def get(self, person: str) -> Contact | None:
        """The person under an id."""
        rows = await self._fetch("where id = $1", person)
        return rows[0] if rows else None

    async def of_unit(self, unit: str) -> tuple[Contact, ...]:
        """A unit's people."""
        return await self._fetch("where unit = $1 order by id", unit)

    async def everyone(self) -> tuple[Contact, ...]:
        """All people, by unit and id."""
        return await self._fetch("order by unit, id")

    async def reach(self, person: str, *, office: str | None, email: str | None, phone: str | None) -> None:
        """How somebody is reached from now on; what is None stays as it was."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "update people.person set office = coalesce($2, office), email = coalesce($3, email), "
                "phone = coalesce($4, phone) where id = $1 and erased_at is null",
                person,
                office,
                email,
                phone,
            )

    async def names(self, people: Iterable[str]) -> dict[str, str]:
        """The names of persons by id; none of who was erased."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select id, name from people.person where id = any($1) and name is not null", list(people)
            )
        return {row["id"]: row["name"] for row in rows}

    async def salts(self, people: Iterable[str]) -> dict[str, bytes]:
        """The salts of persons by id; none of who was erased."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select id, salt from people.person where id = any($1) and salt is not null", list(people)
            )
        return {row["id"]: row["salt"] for row in rows}

    async def erase(self, person: str) -> bool:
        """Forget a person: only id, unit and commitment stay. False when there is nobody, or it was done before."""
        async with self._pool.acquire() as connection:
            done = await connection.execute(
                "update people.person set name = null, office = null, email = null, phone = null, salt = null, "
                "erased_at = now() where id = $1 and erased_at is null",
                person,
            )
        return bool(done == "UPDATE 1")

    async def renamed(self) -> tuple[str, ...]:
        """Ids whose name no longer fits the commitment."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch("select id, salt, name, commitment from people.person where name is not null")
        return tuple(row["id"] for row in rows if commitment_of(row["salt"], row["name"]) != row["commitment"])

    async def _fetch(self, where: str, *arguments: str) -> tuple[Contact, ...]:
        query = f"select id, unit, name, office, email, phone, commitment from people.person {where}"  # noqa: S608 - ours
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(query, *arguments)
        return tuple(Contact(r[0], r[1], r[2] or ERASED, r[3], r[4], r[5], r[6]) for r in rows)
