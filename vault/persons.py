"""Persons on PostgreSQL.

A person's commitment is the sha256 over a salt and the name. The person's signed commands contain it, so that another
name under the same id is noticed. Erasing a person erases the salt, and nobody can test guesses at the name any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from ledger.connection import Pool
from vault.texts import ERASED

_COLUMNS = "id, unit, name, office, email, phone, commitment"


@dataclass(frozen=True, slots=True)
class Contact:
    """A person and how to reach them. `name` is `ERASED` after an erasure."""

    id: str
    unit: str
    name: str
    office: str | None
    email: str | None
    phone: str | None
    commitment: str


def commitment_of(salt: bytes, name: str) -> str:
    """Return the digest of a name that signed commands and events hold."""
    return sha256(b"thidua-person-1\n" + salt + name.encode()).hexdigest()


class People:
    """The store of persons. The role of `pool` decides what may be done; only `thidua_app` may erase."""

    def __init__(self, pool: Pool) -> None:
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
        """Enter a person. When the id is entered already, change nothing and return that person.

        With the `salt` of another installation, the commitment is the same there and here.
        """
        salt = salt or secrets.token_bytes(16)
        await self._pool.execute(
            "insert into vault.person (id, unit, name, office, email, phone, salt, commitment) "
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
        """Return the person with an id, None when there is none."""
        rows = await self._fetch("where id = $1", person)
        return rows[0] if rows else None

    async def of_unit(self, unit: str) -> tuple[Contact, ...]:
        """Return a unit's persons, by id."""
        return await self._fetch("where unit = $1 order by id", unit)

    async def of_units(self, units: Iterable[str]) -> dict[str, tuple[Contact, ...]]:
        """Return the persons of some units, by unit and then by id; units without persons are left out."""
        found: dict[str, tuple[Contact, ...]] = {}
        for one in await self._fetch("where unit = any($1) order by unit, id", list(units)):
            found[one.unit] = (*found.get(one.unit, ()), one)
        return found

    async def everyone(self) -> tuple[Contact, ...]:
        """Return all persons, by unit and id."""
        return await self._fetch("order by unit, id")

    async def reach(self, person: str, *, office: str | None, email: str | None, phone: str | None) -> None:
        """Change a person's office and addresses; None leaves a value as it is."""
        await self._pool.execute(
            "update vault.person set office = coalesce($2, office), email = coalesce($3, email), "
            "phone = coalesce($4, phone) where id = $1 and erased_at is null",
            person,
            office,
            email,
            phone,
        )

    async def names(self, people: Iterable[str]) -> dict[str, str]:
        """Return the names of persons by id. Erased persons have none."""
        query = "select id, name from vault.person where id = any($1) and name is not null"
        rows = await self._pool.fetch(query, list(people))
        return {row["id"]: row["name"] for row in rows}

    async def salts(self, people: Iterable[str]) -> dict[str, bytes]:
        """Return the salts of persons by id. Erased persons have none."""
        query = "select id, salt from vault.person where id = any($1) and salt is not null"
        rows = await self._pool.fetch(query, list(people))
        return {row["id"]: row["salt"] for row in rows}

    async def erase(self, person: str) -> bool:
        """Erase all of a person but id, unit and commitment. Return False when there is none, or it was done before."""
        done = await self._pool.execute(
            "update vault.person set name = null, office = null, email = null, phone = null, salt = null, "
            "erased_at = now() where id = $1 and erased_at is null",
            person,
        )
        return bool(done == "UPDATE 1")

    async def renamed(self) -> tuple[str, ...]:
        """Return the ids whose stored name has another commitment: it was changed in the database."""
        rows = await self._pool.fetch("select id, salt, name, commitment from vault.person where name is not null")
        return tuple(row["id"] for row in rows if commitment_of(row["salt"], row["name"]) != row["commitment"])

    async def _fetch(self, where: str, *arguments: str | list[str]) -> tuple[Contact, ...]:
        rows = await self._pool.fetch(f"select {_COLUMNS} from vault.person {where}", *arguments)  # noqa: S608 - ours
        return tuple(Contact(**{**row, "name": row["name"] or ERASED}) for row in rows)
