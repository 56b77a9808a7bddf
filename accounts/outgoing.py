"""Mails about the year's work on PostgreSQL: the notices that wait for a mail, and the mails that are being sent.

A notice is put in once, and stays for some days after it was sent. A person has one mail at a time: what comes
meanwhile waits for the next one. A mail whose recipient is refused for now is tried again after growing pauses; its
state is here, so a new worker goes on where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from ledger.connection import Pool

AT_ONCE = "each"

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=4)
"""Pauses between two tries double from the first to the longest."""

LEASE = timedelta(minutes=5)
"""How long a mail belongs to the worker that took it. No mail server that answers at all takes so long."""

GIVE_UP = timedelta(hours=48)
"""A mail whose recipient is refused for so long fails."""

KEPT = timedelta(days=7)
"""How long a notice that was dealt with stays."""

SENT = "sent"


@dataclass(frozen=True, slots=True)
class WaitingNotice:
    """A notice to a person, in the person's language. `at` is when its event was recorded.

    `gathered`: the person wants a daily or weekly mail. It is not sent before `ready_at`.
    """

    person: str
    position: int
    kind: str
    unit: str
    subject: str
    body: str
    rehearsed: bool
    gathered: bool
    at: datetime
    ready_at: datetime


@dataclass(frozen=True, slots=True)
class FirstWaiting:
    """A person for whom notices wait: when the event of the first was recorded, and how often the person wants mail."""

    person: str
    at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail to a person; `notices` are what it tells. With `outcome` it is sent, or never will be."""

    id: UUID
    person: str
    tries: int
    first_try_at: datetime | None
    unknown: bool
    outcome: str | None
    notices: tuple[WaitingNotice, ...]


_WAITS = "n.done_at is null and n.mail is null and n.ready_at <= $1"
_NOTICE = "person, position, kind, unit, subject, body, rehearsed, gathered, at, ready_at"
_MAIL = "id, person, tries, first_try_at, unknown, outcome"


class Outgoing:
    """The mails of all persons. `pool` is of the role `thidua_app`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # Notices ------------------------------------------------------------------------------

    async def put(self, notices: Sequence[WaitingNotice]) -> None:
        """Store notices, all or none. One that is stored already, waiting or sent, is not changed."""
        await self._pool.executemany(
            f"insert into accounts.notice ({_NOTICE}) "  # noqa: S608 - ours
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing",
            [astuple(notice) for notice in notices],
        )

    async def first_waiting(self, now: datetime) -> list[FirstWaiting]:
        """Return the persons for whom notices wait that may be sent, and who have no mail yet."""
        rows = await self._pool.fetch(
            "select n.person, min(n.at) as at, coalesce(a.digest, $2) as digest from accounts.notice n "  # noqa: S608 - ours
            f"left join accounts.account a using (person) where {_WAITS} "
            "and not exists (select from accounts.mail m where m.person = n.person) "
            "group by n.person, a.digest order by n.person",
            now,
            AT_ONCE,
        )
        return [FirstWaiting(**row) for row in rows]

    async def waiting(self, person: str, now: datetime, limit: int) -> list[WaitingNotice]:
        """Return the first notices to a person that may be sent, in the order of events."""
        rows = await self._pool.fetch(
            f"select {_NOTICE} from accounts.notice n where {_WAITS} and n.person = $2 "  # noqa: S608 - ours
            "order by position, kind, unit limit $3",
            now,
            person,
            limit,
        )
        return [WaitingNotice(*row) for row in rows]

    # Mails --------------------------------------------------------------------------------

    async def form(self, notices: Sequence[WaitingNotice], now: datetime) -> None:
        """Make one mail of notices to one person. Its id comes from them, so the same ones make no second mail."""
        person = notices[0].person
        keys = ",".join(f"{one.position}/{one.kind}/{one.unit}" for one in notices)
        mail = uuid5(NAMESPACE_URL, f"mail/{person}/{notices[0].at.isoformat()}/{keys}")
        async with self._pool.acquire() as connection, connection.transaction():
            made = await connection.execute(
                "insert into accounts.mail (id, person, next_try_at) values ($1, $2, $3) on conflict do nothing",
                mail,
                person,
                now,
            )
            if made == "INSERT 0 1":
                await connection.execute(
                    "update accounts.notice n set mail = $1 from unnest($3::bigint[], $4::text[], $5::text[]) "
                    "k (position, kind, unit) where n.person = $2 and done_at is null "
                    "and (n.position, n.kind, n.unit) = (k.position, k.kind, k.unit)",
                    mail,
                    person,
                    [one.position for one in notices],
                    [one.kind for one in notices],
                    [one.unit for one in notices],
                )

    async def due(self, now: datetime, limit: int) -> list[UUID]:
        """Return the mails that are to be tried now, or whose outcome is not in the ledger yet."""
        rows = await self._pool.fetch(
            "select id from accounts.mail where next_try_at <= $1 or outcome is not null "
            "order by next_try_at, id limit $2",
            now,
            limit,
        )
        return [row["id"] for row in rows]

    async def take(self, mail: UUID, now: datetime) -> OutgoingMail | None:
        """Take a mail in order to send it; None when another worker has it, or it is gone.

        Until the outcome is noted the mail is as good as sent: a worker that ends before has perhaps sent it.
        """
        row = await self._pool.fetchrow(
            f"update accounts.mail set tries = tries + 1, first_try_at = coalesce(first_try_at, $2), "  # noqa: S608 - ours
            "unknown = unknown or sending_since is not null, sending_since = $2, next_try_at = $2 + $3::interval "
            f"where id = $1 and next_try_at <= $2 and outcome is null returning {_MAIL}",
            mail,
            now,
            LEASE,
        )
        return await self._with_notices(row)

    async def settled(self, mail: UUID) -> OutgoingMail | None:
        """Return a mail that has an outcome."""
        query = f"select {_MAIL} from accounts.mail where id = $1 and outcome is not null"  # noqa: S608 - ours
        return await self._with_notices(await self._pool.fetchrow(query, mail))

    async def _with_notices(self, row: Mapping[str, Any] | None) -> OutgoingMail | None:
        if row is None:
            return None
        query = f"select {_NOTICE} from accounts.notice where mail = $1 order by position, kind, unit"  # noqa: S608 - ours
        notices = tuple(WaitingNotice(*one) for one in await self._pool.fetch(query, row["id"]))
        return OutgoingMail(**row, notices=notices)

    async def untried(self, mail: OutgoingMail, now: datetime) -> None:
        """Note that a mail was not tried, because the server is away: it is as it was before."""
        await self._pool.execute(
            "update accounts.mail set tries = tries - 1, sending_since = null, next_try_at = $2, "
            "first_try_at = case when tries = 1 then null else first_try_at end where id = $1",
            mail.id,
            now,
        )

    async def later(self, mail: OutgoingMail, now: datetime, *, unknown: bool = False) -> bool:
        """Note that a mail is to be tried again. False when it has been tried for so long that it fails."""
        if mail.first_try_at is not None and now - mail.first_try_at >= GIVE_UP:
            return False
        pause = min(FIRST_PAUSE * 2 ** min(mail.tries - 1, 20), LONGEST_PAUSE)
        await self._pool.execute(
            "update accounts.mail set sending_since = null, next_try_at = $2, unknown = unknown or $3 where id = $1",
            mail.id,
            now + pause,
            unknown,
        )
        return True

    async def settle(self, mail: UUID, outcome: str) -> None:
        """Note the outcome of a mail: `SENT`, or why it never will be."""
        await self._pool.execute(
            "update accounts.mail set outcome = $2, sending_since = null where id = $1", mail, outcome
        )

    async def close(self, mail: UUID, now: datetime) -> None:
        """Remove a mail whose outcome is in the ledger. Its notices lose their texts, and go some days later."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "update accounts.notice set done_at = $2, subject = '', body = '' where mail = $1", mail, now
            )
            await connection.execute("delete from accounts.mail where id = $1", mail)
            await connection.execute("delete from accounts.notice where done_at < $1", now - KEPT)
