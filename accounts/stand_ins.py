"""Stand-ins on PostgreSQL: persons who act for another person for some days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from accounts.log import AccountChange, By, note
from ledger.connection import Connection, Pool


@dataclass(frozen=True, slots=True)
class StandIn:
    """`person` acts for `for_person` from `since` to `until`, both days included."""

    person: str
    for_person: str
    since: date
    until: date
    named_by: str


class StandIns:
    """The stand-ins of all persons."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def name(self, stand_in: StandIn) -> None:
        """Store a stand-in whom the absent person names, and note it.

        The same persons with the same first day again change the last day.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await store_stand_in(connection, stand_in)
            await note(
                connection,
                AccountChange.STAND_IN_NAMED,
                stand_in.person,
                By(stand_in.named_by),
                for_person=stand_in.for_person,
                since=stand_in.since,
                until=stand_in.until,
            )

    async def end(self, person: str, for_person: str, *, by: By) -> None:
        """End all stand-ins of `person` for `for_person` now, and note it; where there is none, nothing is noted."""
        async with self._pool.acquire() as connection, connection.transaction():
            if await end_stand_ins(connection, person, for_person):
                await note(connection, AccountChange.STAND_IN_ENDED, person, by, for_person=for_person)

    async def list(self, *, person: str | None = None, for_person: str | None = None) -> tuple[StandIn, ...]:
        """Return the stand-ins that were not ended: by a person, for a person, or all. Past ones are among them."""
        rows = await self._pool.fetch(
            "select person, for_person, since, until, named_by from accounts.stand_in where ended_at is null "
            "and ($1::text is null or person = $1) and ($2::text is null or for_person = $2) "
            "order by since, person",
            person,
            for_person,
        )
        return tuple(StandIn(*row) for row in rows)


async def store_stand_in(connection: Connection, stand_in: StandIn) -> None:
    """Store a stand-in, where both persons are known here."""
    await connection.execute(
        "insert into accounts.stand_in (person, for_person, since, until, named_by) "
        "select a.person, p.id, $3, $4, $5 from accounts.account a, vault.person p where a.person = $1 and p.id = $2 "
        "on conflict (person, for_person, since) do update set until = excluded.until, ended_at = null, "
        "named_by = excluded.named_by",
        stand_in.person,
        stand_in.for_person,
        stand_in.since,
        stand_in.until,
        stand_in.named_by,
    )


async def end_stand_ins(connection: Connection, person: str, for_person: str) -> bool:
    """End all stand-ins of `person` for `for_person` now; return whether there was one."""
    done = await connection.execute(
        "update accounts.stand_in set ended_at = now() where person = $1 and for_person = $2 and ended_at is null",
        person,
        for_person,
    )
    return bool(done != "UPDATE 0")
