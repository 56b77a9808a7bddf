"""Calendars on PostgreSQL: their secret addresses, and what they were told of each duty.

A secret in the address of a person's calendar feed stands in place of a login.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.log import AccountChange, By, note
from accounts.secrets import new_secret, secret_digest
from ledger.connection import Pool

KEPT = timedelta(days=60)
"""How long a feed says that an entry is over. A calendar that is read less often keeps the entry."""


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """What a feed tells of a duty. `sequence` counts its changes, `changed_at` is the last one.

    `over`: it is done, or no longer owed.
    """

    id: UUID
    shown: Mapping[str, Any]
    over: bool
    sequence: int
    changed_at: datetime


class Calendars:
    """The calendar addresses of all persons, one for each person at most, and the entries of all units."""

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

    async def follow(
        self, unit: str, entries: Mapping[UUID, Mapping[str, Any]], now: datetime, *, complete: bool
    ) -> list[CalendarEntry]:
        """Take down what a unit's feed shows now, by the entries' lasting ids; return all that it tells.

        An entry that is no longer among them is over, if `complete`: otherwise the list may lag behind.
        """
        ids, shown = list(entries), [json.dumps(one, sort_keys=True) for one in entries.values()]
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into accounts.calendar_entry as e (id, unit, shown, changed_at) "
                "select k.id, $1, k.shown, $4 from unnest($2::uuid[], $3::jsonb[]) k (id, shown) order by k.id "
                "on conflict (id) do update set shown = excluded.shown, over = false, sequence = e.sequence + 1, "
                "changed_at = excluded.changed_at where e.over or e.shown <> excluded.shown",
                unit,
                ids,
                shown,
                now,
            )
            if complete:
                await connection.execute(
                    "update accounts.calendar_entry set over = true, sequence = sequence + 1, changed_at = $3 "
                    "where unit = $1 and not over and id <> all($2::uuid[])",
                    unit,
                    ids,
                    now,
                )
            await connection.execute(
                "delete from accounts.calendar_entry where unit = $1 and over and changed_at < $2", unit, now - KEPT
            )
            rows = await connection.fetch(
                "select id, shown, over, sequence, changed_at from accounts.calendar_entry where unit = $1 "
                "order by shown ->> 'day', id",
                unit,
            )
        return [CalendarEntry(**{**row, "shown": json.loads(row["shown"])}) for row in rows]
