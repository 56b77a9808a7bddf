"""The log of what auditors read, on PostgreSQL. The web process can add entries, but neither change nor delete them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.connection import Pool


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """An auditor read a page: `what` is the matter (`domain.access.Matter`), `path` the page's address."""

    at: datetime
    person: str
    what: str
    path: str


class ReadLog:
    """The log of all auditors."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, person: str, what: str, path: str) -> None:
        """Add an entry, with the time of the database."""
        await self._pool.execute(
            "insert into accounts.read_log (person, what, path) values ($1, $2, $3)", person, what, path
        )

    async def latest(self, limit: int = 500) -> tuple[ReadRecord, ...]:
        """Return the last entries, the newest first."""
        rows = await self._pool.fetch(
            "select at, person, what, path from accounts.read_log order by at desc limit $1", limit
        )
        return tuple(ReadRecord(*row) for row in rows)
