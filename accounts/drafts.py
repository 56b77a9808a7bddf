"""Drafts on PostgreSQL: what a person typed on a page and has not sent yet."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from errors import QuotaError
from ledger.connection import Pool

MOST_CHARACTERS = 4_000_000
"""The most characters of a draft, as JSON."""


class Drafts:
    """The drafts of all persons, by person and path: the page's address with its query.

    A person keeps at most `most` drafts, and `characters` in all of them.
    """

    def __init__(self, pool: Pool, most: int, characters: int) -> None:
        self._pool, self._most, self._characters = pool, most, characters

    async def save(self, person: str, path: str, body: dict[str, Any]) -> None:
        """Save a draft in place of the one before.

        Raises:
            QuotaError: `not_kept`: it has more than `MOST_CHARACTERS`; `drafts_full`: the person keeps too much.
        """
        text = json.dumps(body, ensure_ascii=False)
        if len(text) > MOST_CHARACTERS:
            raise QuotaError("not_kept")
        done = await self._pool.execute(
            "insert into accounts.draft (person, path, body, size) select $1, $2, $3, $4::integer "
            "where (select count(*) < $5 and coalesce(sum(size), 0) + $4::integer <= $6 from accounts.draft "
            "where person = $1 and path <> $2) on conflict (person, path) "
            "do update set body = excluded.body, size = excluded.size, saved_at = now()",
            person,
            path,
            text,
            len(text),
            self._most,
            self._characters,
        )
        if done != "INSERT 0 1":
            raise QuotaError("drafts_full", most=self._most, millions=self._characters // 1_000_000)

    async def load(self, person: str, path: str) -> tuple[dict[str, Any], datetime] | None:
        """Return a draft and when it was saved, None when there is none."""
        row = await self._pool.fetchrow(
            "select body, saved_at from accounts.draft where person = $1 and path = $2", person, path
        )
        return (json.loads(row["body"]), row["saved_at"]) if row else None

    async def drop(self, person: str, path: str) -> None:
        """Delete a draft: it was sent."""
        await self._pool.execute("delete from accounts.draft where person = $1 and path = $2", person, path)

    async def list(self, person: str) -> tuple[tuple[str, datetime], ...]:
        """Return path and time of a person's drafts, the newest first."""
        rows = await self._pool.fetch(
            "select path, saved_at from accounts.draft where person = $1 order by saved_at desc", person
        )
        return tuple((row["path"], row["saved_at"]) for row in rows)
