"""Drafts, stand-ins, calendar addresses and the log of reading, on PostgreSQL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from accounts.secrets import kept, token
from errors import InputError

DRAFT_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class StandIn:
    """`person` acts for `for_person` from one day to another, both included."""

    person: str
    for_person: str
    since: date
    until: date
    named_by: str


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """Something that an auditor read."""

    at: datetime
    person: str
    what: str
    where: str


class Belongings:
    """`pool` is an asyncpg pool of the web's role."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    # Drafts -------------------------------------------------------------------------------

    async def keep(self, person: str, place: str, body: dict[str, Any]) -> None:
        """Save what was typed so far.

        Raises:
            InputError: it is more than anybody types.
        """
        text = json.dumps(body, ensure_ascii=False)
        if len(text) > DRAFT_BYTES:
            raise InputError("not_kept")
        await self._run(
            "insert into accounts.draft (person, place, body) values ($1, $2, $3) on conflict (person, place) "
            "do update set body = excluded.body, saved_at = now()",
            person,
            place,
            text,
        )

    async def kept(self, person: str, place: str) -> tuple[dict[str, Any], datetime] | None:
        """What was typed and not sent, and when it was saved."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(
                "select body, saved_at from accounts.draft where person = $1 and place = $2", person, place
            )
        return (json.loads(row["body"]), row["saved_at"]) if row else None

    async def drop(self, person: str, place: str) -> None:
        """Forget a draft: it was sent."""
        await self._run("delete from accounts.draft where person = $1 and place = $2", person, place)

    async def drafts(self, person: str) -> list[tuple[str, datetime]]:
        """Where somebody has typed something and not sent it, the newest first."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select place, saved_at from accounts.draft where person = $1 order by saved_at desc", person
            )
        return [(row["place"], row["saved_at"]) for row in rows]

    # Stand-ins ----------------------------------------------------------------------------

    async def name_stand_in(self, one: StandIn) -> None:
        """Somebody acts for somebody else for a time; naming them again changes the last day."""
        await self._run(
            "insert into accounts.stand_in (person, for_person, since, until, named_by) values ($1, $2, $3, $4, $5) "
            "on conflict (person, for_person, since) do update set until = excluded.until, ended_at = null, "
            "named_by = excluded.named_by",
            one.person,
            one.for_person,
            one.since,
            one.until,
            one.named_by,
        )

    async def end_stand_in(self, person: str, for_person: str) -> None:
        """It ends now."""
        await self._run(
            "update accounts.stand_in set ended_at = now() where person = $1 and for_person = $2 and ended_at is null",
            person,
            for_person,
        )

    async def stand_ins(self, *, person: str | None = None, for_person: str | None = None) -> tuple[StandIn, ...]:
        """Stand-ins that were not ended: of a person, for a person, or all."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select person, for_person, since, until, named_by from accounts.stand_in where ended_at is null "
                "and ($1::text is null or person = $1) and ($2::text is null or for_person = $2) "
                "order by since, person",
                person,
                for_person,
            )
        return tuple(StandIn(*row) for row in rows)

    # Calendars ----------------------------------------------------------------------------

    async def new_calendar(self, person: str) -> str:
        """A new private address for the person's calendar; the one before is void."""
        secret = token()
        await self._run(
            "insert into accounts.calendar (digest, person) values ($1, $2) on conflict (person) "
            "do update set digest = excluded.digest, made_at = now()",
            kept(secret),
            person,
        )
        return secret

    async def of_calendar(self, secret: str) -> str | None:
        """Whose calendar an address names."""
        async with self._pool.acquire() as connection:
            person: str | None = await connection.fetchval(
                "select person from accounts.calendar where digest = $1", kept(secret)
            )
        return person

    # Reading ------------------------------------------------------------------------------

    async def read(self, person: str, what: str, where: str) -> None:
        """Note that an auditor read something."""
        await self._run("insert into accounts.reading (person, what, where_) values ($1, $2, $3)", person, what, where)

    async def readings(self, limit: int = 500) -> tuple[ReadRecord, ...]:
        """What auditors read, the newest first."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select at, person, what, where_ from accounts.reading order by at desc limit $1", limit
            )
        return tuple(ReadRecord(*row) for row in rows)

    async def _run(self, query: str, *arguments: Any) -> None:
        async with self._pool.acquire() as connection:
            await connection.execute(query, *arguments)
