"""Shared drafts on PostgreSQL: what several people fill in together, cell by cell, and have not sent yet.

A cell is saved with the revision that its writer had read. A later value of somebody else is not overwritten: the
writer is told both. Who may read and write a draft is decided by who calls this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from errors import QuotaError
from ledger.connection import LOCK_CLASS, Connection, Pool

WRITERS = 3
"""So many save at once: others wait without a connection, which the pages need."""

VALUE_CHARACTERS = 20_000
"""Of one cell: a list of twenty files is the longest."""

KEPT = timedelta(days=180)
"""A draft in which nothing was saved for so long is removed, and what its readers had seen of it."""

LATEST = 2**62
"""In place of a revision that was read: whatever stands there was read, or does not matter."""


@dataclass(frozen=True, slots=True)
class SharedCell:
    """The last value of a cell; "" where it was emptied. Revisions grow in the order of saving.

    `sent`: it was entered into the register, and is no draft any more.
    """

    path: str
    value: str
    revision: int
    person: str
    at: datetime
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """What a person had seen of a draft, and of what it is about, when they last looked at it."""

    revision: int
    version: int
    at: datetime


class SharedDrafts:
    """The shared drafts of an installation, each under a name: the address of its page, and whose it is.

    A draft has at most so many `characters` in all of its cells.
    """

    def __init__(self, pool: Pool, characters: int) -> None:
        self._pool, self._characters = pool, characters
        self._turns = asyncio.Semaphore(WRITERS)

    async def cells(self, draft: str) -> tuple[SharedCell, ...]:
        """Return the cells, the latest last; those that were sent, too."""
        rows = await self._pool.fetch(
            "select path, value, revision, person, at, sent from accounts.shared_draft "
            "where draft = $1 order by revision",
            draft,
        )
        return tuple(SharedCell(*row) for row in rows)

    async def save(
        self,
        draft: str,
        values: Mapping[str, str],
        *,
        read: int,
        person: str,
        own_tabs: bool = False,
        apart: bool = False,
        longest: int = VALUE_CHARACTERS,
    ) -> tuple[SharedCell, ...]:
        """Save cells by path, all of them or, where one is in conflict, none; `read` is the revision that was read.

        Returns the conflicts: cells that somebody else has changed since, to another value. `own_tabs`: what the person
        changed elsewhere counts, too, as for a whole page that is sent. `apart`: the others are saved all the same.
        `longest`: a value has at most so many characters.

        Raises:
            QuotaError: `not_kept`: a value or the whole draft is too long.
        """
        if any(len(value) > longest for value in values.values()):
            raise QuotaError("not_kept")
        if not values:
            return ()
        async with self._turns, self._pool.acquire() as connection, connection.transaction():
            # One writer of a draft after another, so that revisions become visible in their order.
            await connection.execute("select pg_advisory_xact_lock(hashtextextended($2, $1))", LOCK_CLASS, draft)
            rows = await connection.fetch(
                "select path, value, revision, person, at, sent from accounts.shared_draft "
                "where draft = $1 and path = any($2) and revision > $3 and (person <> $4 or $5) order by revision",
                draft,
                list(values),
                read,
                person,
                own_tabs,
            )
            conflicts = tuple(found for row in rows if (found := SharedCell(*row)).value != values[found.path])
            refused = {one.path for one in conflicts}
            rest = {path: value for path, value in values.items() if path not in refused}
            if rest and (apart or not refused):
                await self._store(connection, draft, rest, person)
        return conflicts

    async def _store(self, connection: Connection, draft: str, values: Mapping[str, str], person: str) -> None:
        await connection.execute(
            "insert into accounts.shared_draft (draft, path, value, revision, person) "
            "select $1, path, value, nextval('accounts.shared_revision'), $4 "
            "from unnest($2::text[], $3::text[]) as typed (path, value) "
            "on conflict (draft, path) do update set value = excluded.value, revision = excluded.revision, "
            "person = excluded.person, at = now(), sent = false "
            "where shared_draft.value <> excluded.value or shared_draft.sent",
            draft,
            list(values),
            list(values.values()),
            person,
        )
        size = await connection.fetchval("select sum(length(value)) from accounts.shared_draft where draft = $1", draft)
        if size > self._characters:
            raise QuotaError("not_kept")

    async def mark_sent(self, draft: str, paths: Sequence[str], *, until: int) -> None:
        """Note that cells were sent. What was saved after the revision `until` stays a draft."""
        await self._pool.execute(
            "update accounts.shared_draft set sent = true where draft = $1 and path = any($2) and revision <= $3",
            draft,
            list(paths),
            until,
        )

    async def look(self, draft: str, person: str, *, revision: int, version: int) -> Look | None:
        """Note what a person sees now; returns what they had seen the time before, None at the first time."""
        row = await self._pool.fetchrow(
            "with before as (select revision, version, at from accounts.shared_look where draft = $1 and person = $2), "
            "now_seen as (insert into accounts.shared_look (draft, person, revision, version) values ($1, $2, $3, $4) "
            "on conflict (draft, person) do update set revision = excluded.revision, version = excluded.version, "
            "at = now()) select revision, version, at from before",
            draft,
            person,
            revision,
            version,
        )
        return None if row is None else Look(*row)

    async def begun(self, start: str) -> tuple[tuple[str, datetime], ...]:
        """Return the unsent drafts whose names begin so, each with when it was saved, the latest first."""
        rows = await self._pool.fetch(
            "select draft, max(at) from accounts.shared_draft where starts_with(draft, $1) and not sent "
            "group by draft order by max(at) desc, draft",
            start,
        )
        return tuple((draft, at) for draft, at in rows)

    async def looking(self, drafts: Sequence[str], since: datetime) -> tuple[tuple[str, str], ...]:
        """Return who has looked at which of some drafts since an instant: draft and person, each person once."""
        rows = await self._pool.fetch(
            "select distinct on (person) draft, person from accounts.shared_look "
            "where draft = any($1) and at >= $2 order by person, at desc",
            list(drafts),
            since,
        )
        return tuple((draft, person) for draft, person in rows)


async def remove_old(pool: Pool) -> int:
    """Remove drafts in which nothing was saved for so long (`KEPT`); returns how many cells they had.

    `pool` is of the role `thidua_app`, which may see when a cell was saved and not what it holds.
    """
    async with pool.acquire() as connection, connection.transaction():
        removed = await connection.execute(
            "delete from accounts.shared_draft where draft in "
            "(select draft from accounts.shared_draft group by draft having max(at) < now() - $1::interval)",
            KEPT,
        )
        # What is left of looks at drafts that were never begun, or are gone.
        await connection.execute(
            "delete from accounts.shared_look where at < now() - $1::interval and draft not in "
            "(select draft from accounts.shared_draft)",
            KEPT,
        )
    return int(removed.rpartition(" ")[2])
