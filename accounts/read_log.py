"""The log of what auditors read, and of what anybody took out, on PostgreSQL.

The program's roles can add entries, but neither change nor delete them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.connection import Pool
from ledger.paging import Paged, PageRequest, fetch_page


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A person read a page: `what` is the matter (`domain.access.Matter`), `path` the page's address.

    `person` is `domain.records.OPERATOR` where it was taken out on the command line.
    `exported`: it was taken out of the register, as a file or by a program.
    """

    at: datetime
    person: str
    what: str
    path: str
    exported: bool


class ReadLog:
    """The log of all persons."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, person: str, what: str, path: str, *, exported: bool = False) -> None:
        """Add an entry, with the time of the database."""
        await self._pool.execute(
            "insert into accounts.read_log (person, what, path, exported) values ($1, $2, $3, $4)",
            person,
            what,
            path,
            exported,
        )

    async def page(self, asked: PageRequest, *, exported: bool = False) -> Paged[ReadRecord]:
        """Return a page of the entries, the newest first; `exported`: only of what was taken out."""
        columns, source = "at, person, what, path, exported", "accounts.read_log where exported or not $1"
        found = await fetch_page(self._pool, asked, columns, source, "at desc, number desc", exported)
        return found.map(lambda row: ReadRecord(*row))
