"""What was done to accounts: who changed what of whose account, when, and by which door.

What others did to an account is an event of the installation's stream; what persons did to their own, and what came
without a login, is in a log on PostgreSQL. `accounts.history` is the view of both. `note` alone writes the log. The
roles of the program add entries, and neither change nor delete them; the database sets the time. An entry names persons
by id and holds no telephone number, no mail address and no secret, because it stays when a person is erased.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from ledger.connection import Connection, Pool
from ledger.paging import Paged, PageRequest, fetch_page


class AccountChange(StrEnum):
    """What was done to an account. The comment says which facts an entry has.

    Those that others do are made from events (`accounts.history`), and the log takes no entry of them.
    """

    MADE = "made"  # kind, administrator, until
    INVITED = "invited"
    LINK_SHOWN = "link-shown"  # to who invited them, on paper: a person without a mail address
    CLOSED = "closed"
    OPENED = "opened"
    LAST_DAY_CHANGED = "last-day-changed"  # until
    KIND_CHANGED = "kind-changed"  # kind, administrator
    PASSWORD_CHOSEN = "password-chosen"  # noqa: S105 - by an invitation
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - by a person who knew it
    PASSWORD_LINK_SENT = "password-link-sent"  # noqa: S105 - by mail, to a person who forgot the password
    PASSWORD_RESET = "password-reset"  # noqa: S105 - by such a link
    RESET = "reset"  # password and codes are void, an invitation was made
    CODES_SET_UP = "codes-set-up"
    CODES_REMOVED = "codes-removed"
    RECOVERY_CODES_MADE = "recovery-codes-made"
    RECOVERY_CODE_USED = "recovery-code-used"  # left
    CONTACT_CHANGED = "contact-changed"  # fields: their names, comma-separated
    TOKEN_MADE = "token-made"  # noqa: S105 - scope, until
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    STAND_IN_NAMED = "stand-in-named"  # for_person, since, until
    STAND_IN_ENDED = "stand-in-ended"  # for_person
    CALENDAR_MADE = "calendar-made"
    ERASED = "erased"  # of the person, all but the id
    SIGNATURE_TOLD = "signature-told"  # act, cycle, version, mail: of a signature soon after the login was renewed


class Door(StrEnum):
    """The way by which a change came in."""

    PAGES = "pages"
    LINK = "link"
    """An invitation or a link for a new password, opened without a login."""
    COMMAND_LINE = "command-line"


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a change, and by which door. `person` is None for the operator, and for a visitor without a login."""

    person: str | None
    door: Door = Door.PAGES


OPERATOR = By(None, Door.COMMAND_LINE)


SOON = timedelta(hours=24)
"""A signature within this time after a login was renewed is told to its person, and shown to auditors."""

_ANEW = (
    "(l.change in ('password-reset', 'reset', 'codes-removed', 'recovery-code-used') "
    "or l.change = 'password-chosen' and exists (select from accounts.history b where b.person = l.person "
    "and b.at < l.at and b.change in ('password-chosen', 'password-changed', 'password-reset', 'reset')) "
    "or l.change = 'codes-set-up' and exists (select from accounts.history b where b.person = l.person "
    "and b.at < l.at and b.change in ('codes-set-up', 'codes-removed', 'reset')))"
)
"""Whether a line `l` of the log made a login anew: by a reset, with other codes, without the codes. The first password
and the first codes of an account do not."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A login was renewed: how, and when."""

    change: AccountChange
    at: datetime


@dataclass(frozen=True, slots=True)
class SoonSigned:
    """A binding event that a person entered soon after their login was renewed."""

    person: str
    renewal: Renewal
    stream: str
    version: int
    type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LogEntry:
    """`by` did `change` to the account of `person`; `facts` by name, days as yyyy-mm-dd."""

    at: datetime
    change: str
    person: str
    by: By
    facts: Mapping[str, str]


async def note(
    database: Pool | Connection, change: AccountChange, person: str, by: By, **facts: str | date | bool | None
) -> None:
    """Add an entry, without the facts that are None. On a connection, it is part of the connection's transaction."""
    kept = {name: _plain(value) for name, value in facts.items() if value is not None}
    await database.execute(
        "insert into accounts.log (change, person, by_person, door, facts) values ($1, $2, $3, $4, $5)",
        change.value,
        person,
        by.person,
        by.door.value,
        json.dumps(kept, ensure_ascii=False, sort_keys=True),
    )


def _plain(value: str | date | bool | list[str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return value if isinstance(value, str) else value.isoformat()


class AccountLog:
    """The log, for those who read it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, asked: PageRequest, person: str = "") -> Paged[LogEntry]:
        """Return a page of the entries, the newest first: all, or those that were done to or by a person."""
        found = await fetch_page(
            self._pool,
            asked,
            "at, change, person, by_person, door, facts",
            "accounts.history where $1 = '' or person = $1 or by_person = $1",
            "at desc, number desc",
            person,
        )
        return found.map(_entry)

    async def renewal(self, person: str) -> Renewal | None:
        """Return how a person's login was renewed last, if that was within `SOON`."""
        row = await self._pool.fetchrow(
            "select l.change, l.at from accounts.history l where l.person = $1 and l.at > now() - $2::interval "  # noqa: S608 - ours
            f"and {_ANEW} order by l.at desc limit 1",
            person,
            SOON,
        )
        return None if row is None else Renewal(AccountChange(row["change"]), row["at"])

    async def soon_signed(self, binding: Iterable[str], asked: PageRequest) -> Paged[SoonSigned]:
        """Return a page of what was signed within `SOON` after a login was renewed, the latest first.

        It follows from the lines of this log and from the ledger alone. `binding` are the names of events that bind; a
        correction that takes one back binds, too.
        """
        source = (
            "(select distinct on (e.position) l.person, l.change, l.at as renewed_at, e.stream, e.version, e.type, "  # noqa: S608 - ours
            "e.recorded_at, e.position from accounts.history l join ledger.event_fields e on e.actor = l.person "
            "and e.recorded_at >= l.at and e.recorded_at < l.at + $2::interval and (e.type = any($1) "
            "or e.type = 'ActCorrected' and exists (select from ledger.event_fields w where w.stream = e.stream "
            "and w.type = any($1) and w.version in (select v::bigint from "
            "jsonb_array_elements_text(e.payload::jsonb -> 'versions') v))) "
            f"where {_ANEW} order by e.position, l.at desc) found"
        )
        columns = "person, change, renewed_at, stream, version, type, recorded_at"
        found = await fetch_page(self._pool, asked, columns, source, "position desc", list(binding), SOON)
        return found.map(_soon_signed)


def _soon_signed(row: Sequence[Any]) -> SoonSigned:
    person, change, renewed_at, stream, version, type_, at = row
    return SoonSigned(person, Renewal(AccountChange(change), renewed_at), stream, version, type_, at)


def _entry(row: Sequence[Any]) -> LogEntry:
    at, change, whose, by, door, facts = row
    kept = {name: _plain(value) for name, value in json.loads(facts).items() if value is not None}
    return LogEntry(at, change, whose, By(by, Door(door)), kept)
