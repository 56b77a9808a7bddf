"""Persons on PostgreSQL.

A person's commitment is the sha256 over a salt and the name. The person's signed commands contain it, so that another
name under the same id is noticed. Erasing a person erases the salt, and guesses at the name can no longer be tested.
A corrected name gets a new commitment; the former name stays beside it, so that earlier signatures can be verified.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from i18n.sorting import folded, name_key
from ledger.connection import Connection, Pool
from vault.texts import ERASED

Then = Callable[[Connection, tuple[str, ...]], Awaitable[None]]
"""What belongs to a correction, on its connection."""

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


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person who is to be entered."""

    id: str
    unit: str
    name: str
    office: str | None = None
    email: str | None = None
    phone: str | None = None


def commitment_of(salt: bytes, name: str) -> str:
    """Return the digest of a name that signed commands and events hold."""
    return sha256(b"thidua-person-1\n" + salt + name.encode()).hexdigest()


def folded_name(name: str) -> str:
    """A name as searches compare it: lower case, without diacritics, one space between words."""
    return " ".join(folded(name).split())


def folded_phone(phone: str) -> str:
    """The digits of a telephone number; the prefix of Việt Nam is the 0 of a domestic number."""
    digits = re.sub(r"[^0-9]", "", phone)
    return f"0{digits[2:]}" if digits.startswith("84") and len(digits) > _DOMESTIC_DIGITS else digits


_DOMESTIC_DIGITS = 10


def _search(name: str, email: str | None, phone: str | None) -> str:
    return "\n".join((folded_name(name), (email or "").lower(), folded_phone(phone or "")))


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
        await self._insert(Contact(person, unit, name, office, email, phone, commitment_of(salt, name)), salt)
        found = await self.get(person)
        if found is None:
            raise LookupError(person)
        return found

    async def add(self, entry: NewPerson) -> bool:
        """Enter a person who is new. Return False, and change nothing, when the id is taken."""
        salt = secrets.token_bytes(16)
        commitment = commitment_of(salt, entry.name)
        contact = Contact(entry.id, entry.unit, entry.name, entry.office, entry.email, entry.phone, commitment)
        return await self._insert(contact, salt)

    async def _insert(self, contact: Contact, salt: bytes) -> bool:
        done = await self._pool.execute(
            "insert into vault.person (id, unit, name, office, email, phone, salt, commitment, sort_key, search) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing",
            contact.id,
            contact.unit,
            contact.name,
            contact.office,
            contact.email,
            contact.phone,
            salt,
            contact.commitment,
            name_key(contact.name),
            _search(contact.name, contact.email, contact.phone),
        )
        return bool(done == "INSERT 0 1")

    async def get(self, person: str) -> Contact | None:
        """Return the person with an id, None when there is none."""
        rows = await self._fetch("where id = $1", person)
        return rows[0] if rows else None

    async def some(self, people: Iterable[str]) -> tuple[Contact, ...]:
        """Return the persons with some ids, by id; those who were erased, or are none, are left out."""
        return await self._fetch("where id = any($1) and name is not null order by id", list(people))

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

    async def correct(
        self, person: str, *, name: str, office: str | None, email: str | None, phone: str | None, then: Then
    ) -> tuple[str, ...]:
        """Set a person's name and how the person is reached; return the names of the fields that changed.

        Where something changed, `then` is called in the same transaction, with the names of the fields.

        Raises:
            LookupError: there is no such person, or the person was erased.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            before = await connection.fetchrow(
                "select name, office, email, phone from vault.person where id = $1 and erased_at is null for update",
                person,
            )
            if before is None:
                raise LookupError(person)
            if name != before["name"]:
                await connection.execute(
                    "select vault.correct_name($1, $2, $3, $4)", person, name, secrets.token_bytes(16), name_key(name)
                )
            await connection.execute(
                "update vault.person set office = $2, email = $3, phone = $4, search = $5 where id = $1",
                person,
                office,
                email,
                phone,
                _search(name, email, phone),
            )
            after = {"name": name, "office": office, "email": email, "phone": phone}
            changed = tuple(field for field, value in after.items() if before[field] != value)
            if changed:
                await then(connection, changed)
        return changed

    async def known(self, commitments: Iterable[str]) -> set[str]:
        """Return those of some commitments that persons have, or had before their names were corrected."""
        query = (
            "select commitment from vault.person where commitment = any($1) "
            "union all select commitment from vault.former_name where commitment = any($1)"
        )
        return {row["commitment"] for row in await self._pool.fetch(query, list(commitments))}

    async def former_commitments(self, people: Iterable[str]) -> set[str]:
        """Return the commitments to the names that persons had before corrections."""
        rows = await self._pool.fetch("select commitment from vault.former_name where person = any($1)", list(people))
        return {row["commitment"] for row in rows}

    async def former_names(self, people: Iterable[str]) -> set[tuple[str, str]]:
        """Return the names that persons had before corrections, each with the person's id."""
        query = "select person, name from vault.former_name where person = any($1) and name is not null"
        return {(row["person"], row["name"]) for row in await self._pool.fetch(query, list(people))}

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
        """Erase all of a person but id, unit and commitments. Return False when nothing was left."""
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "update vault.person set name = null, office = null, email = null, phone = null, salt = null, "
                "sort_key = null, search = null, erased_at = now() where id = $1 and erased_at is null",
                person,
            )
            await connection.execute("update vault.former_name set name = null, salt = null where person = $1", person)
        return bool(done == "UPDATE 1")

    async def _fetch(self, where: str, *arguments: str | list[str]) -> tuple[Contact, ...]:
        rows = await self._pool.fetch(f"select {_COLUMNS} from vault.person {where}", *arguments)  # noqa: S608 - ours
        return tuple(Contact(**{**row, "name": row["name"] or ERASED}) for row in rows)
