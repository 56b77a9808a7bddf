"""Mail preferences (language, daily or weekly mail) and the notices that wait for such a mail, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger.connection import Pool

AT_ONCE = "each"


@dataclass(frozen=True, slots=True)
class MailPreferences:
    """`language` of the mails ("vi", "en"); `digest`: each mail `AT_ONCE`, or one mail "daily" or "weekly"."""

    language: str
    digest: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that waits for a daily or weekly mail, in the language that its addressee had when `at` was.

    `at` is when its event was recorded.
    """

    person: str
    position: int
    kind: str
    unit: str
    subject: str
    body: str
    at: datetime


class Digests:
    """The waiting notices of all persons. `pool` is of the role `thidua_app`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def preferences(self, people: Iterable[str]) -> dict[str, MailPreferences]:
        """Return the preferences of those of these persons who have an account."""
        rows = await self._pool.fetch(
            "select person, language, digest from accounts.account where person = any($1)", list(people)
        )
        return {row["person"]: MailPreferences(row["language"], row["digest"]) for row in rows}

    async def put(self, notice: Waiting) -> None:
        """Store a notice. One that is stored already is not changed."""
        await self._pool.execute(
            "insert into accounts.digest_item (person, position, kind, unit, subject, body, at) "
            "values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            notice.person,
            notice.position,
            notice.kind,
            notice.unit,
            notice.subject,
            notice.body,
            notice.at,
        )

    async def waiting(self) -> dict[str, list[Waiting]]:
        """Return all waiting notices by person, in the order of positions."""
        rows = await self._pool.fetch(
            "select person, position, kind, unit, subject, body, at from accounts.digest_item "
            "order by person, position, kind"
        )
        found: dict[str, list[Waiting]] = {}
        for row in rows:
            found.setdefault(row["person"], []).append(Waiting(*row))
        return found

    async def sent(self, person: str, position: int) -> None:
        """Delete a person's notices up to a position: they were sent."""
        await self._pool.execute(
            "delete from accounts.digest_item where person = $1 and position <= $2", person, position
        )
