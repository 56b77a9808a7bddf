"""The log of what auditors read, on PostgreSQL. The web process can add entries, but neither change nor delete them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.connection import Pool
from ledger.paging import Paged, PageRequest, fetch_page


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

    async def page(self, asked: PageRequest) -> Paged[ReadRecord]:
        """Return a page of the entries, the newest first."""
        found = await fetch_page(
            self._pool, asked, "at, person, what, path", "accounts.read_log", "at desc, number desc"
        )
        return found.map(lambda row: ReadRecord(*row))
