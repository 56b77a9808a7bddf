"""Calendar addresses on PostgreSQL: a secret in the address of a person's calendar feed stands in place of a login."""

from __future__ import annotations

from accounts.log import AccountChange, By, note
from accounts.secrets import new_secret, secret_digest
from ledger.connection import Pool


class Calendars:
    """The calendar addresses of all persons, one for each person at most."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def new(self, person: str) -> str:
        """Return the secret of a new address; the person's earlier address no longer works."""
        secret = new_secret()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into accounts.calendar (digest, person) values ($1, $2) on conflict (person) "
                "do update set digest = excluded.digest, made_at = now()",
                secret_digest(secret),
                person,
            )
            await note(connection, AccountChange.CALENDAR_MADE, person, By(person))
        return secret

    async def person_of(self, secret: str) -> str | None:
        """Return the person whose address has this secret, None when there is none."""
        person: str | None = await self._pool.fetchval(
            "select person from accounts.calendar where digest = $1", secret_digest(secret)
        )
        return person
