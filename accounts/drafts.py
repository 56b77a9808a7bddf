"""Drafts on PostgreSQL: what a person typed on a page and has not sent yet."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from errors import InputError, QuotaError
from ledger.connection import Pool
from ledger.paging import Paged, PageRequest, fetch_page

MOST_CHARACTERS = 4_000_000
"""The most characters of a draft, as JSON."""

PATH_BYTES = 2_000
"""The most bytes of a draft's path: PostgreSQL's index takes no key of more than 2,700."""


class Drafts:
    """The drafts of all persons, by person and path: the page's address with its query.

    A person keeps at most `most` drafts, and `characters` in all of them.
    """

    def __init__(self, pool: Pool, most: int, characters: int) -> None:
        self._pool, self._most, self._characters = pool, most, characters

    async def save(self, person: str, path: str, body: dict[str, Any]) -> None:
        """Save a draft in place of the one before.

        Raises:
            InputError: `link_too_long`: its path has more than `PATH_BYTES`.
            QuotaError: `not_kept`: it has more than `MOST_CHARACTERS`; `drafts_full`: the person keeps too much.
        """
        if len(path.encode()) > PATH_BYTES:
            raise InputError("link_too_long")
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

    async def page(self, person: str, asked: PageRequest, *, under: str = "/") -> Paged[tuple[str, datetime]]:
        """Return path and time of a person's drafts whose path begins with `under`, the newest first.

        Drafts whose key is no path are not among them.
        """
        source, order = "accounts.draft where person = $1 and starts_with(path, $2)", "saved_at desc, path"
        found = await fetch_page(self._pool, asked, "path, saved_at", source, order, person, under)
        return found.map(lambda row: (row["path"], row["saved_at"]))
