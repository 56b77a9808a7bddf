"""Drafts on PostgreSQL: what a person typed on a page and has not sent yet."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from errors import InputError
from ledger.connection import Pool
from ledger.paging import Paged, PageRequest, fetch_page

MOST_CHARACTERS = 4_000_000
"""The most characters of a draft, as JSON."""


class Drafts:
    """The drafts of all persons, by person and path: the page's address with its query."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def save(self, person: str, path: str, body: dict[str, Any]) -> None:
        """Save a draft in place of the one before.

        Raises:
            InputError: `not_kept`: it has more than `MOST_CHARACTERS`.
        """
        text = json.dumps(body, ensure_ascii=False)
        if len(text) > MOST_CHARACTERS:
            raise InputError("not_kept")
        await self._pool.execute(
            "insert into accounts.draft (person, path, body) values ($1, $2, $3) on conflict (person, path) "
            "do update set body = excluded.body, saved_at = now()",
            person,
            path,
            text,
        )

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
