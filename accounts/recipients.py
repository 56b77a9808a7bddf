"""Who of some persons gets mail about the year's work, and how: the one rule for the post and for what pages announce.

Left out are the person who did the act, persons without a mail address, persons whose account is closed (they have left
this work), and auditors, who do nothing in a year. A person without an account gets mail, because a unit must hear of
its deadlines before its first login; the mail then says whom to ask, and links to nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from accounts.outgoing import AT_ONCE
from i18n import installation_language
from ledger.connection import Pool
from vault.persons import Contact


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who gets mail. `digest`: each mail `AT_ONCE`, or one mail "daily" or "weekly"."""

    contact: Contact
    address: str
    language: str
    digest: str
    has_account: bool


async def recipients(pool: Pool, people: Iterable[Contact], on: date, but: str = "") -> list[Recipient]:
    """Return those of these persons who get mail on a day; `but` is the person who did the act."""
    reachable = [one for one in people if one.email and one.id != but]
    rows = await pool.fetch(
        "select person, language, digest, kind = 'auditor' or disabled_at is not null or until < $2 as gets_none "
        "from accounts.account where person = any($1)",
        [one.id for one in reachable],
        on,
    )
    accounts = {row["person"]: row for row in rows}
    found = []
    for one in reachable:
        account = accounts.get(one.id)
        if account is None:
            found.append(Recipient(one, one.email or "", installation_language(), AT_ONCE, has_account=False))
        elif not account["gets_none"]:
            language, digest = account["language"], account["digest"]
            found.append(Recipient(one, one.email or "", language, digest, has_account=True))
    return found


async def secretaries(pool: Pool, people: Iterable[Contact], on: date) -> list[Contact]:
    """Return those of these persons who have an open account of the secretariat: whom others can ask."""
    known = {one.id: one for one in people}
    rows = await pool.fetch(
        "select person from accounts.account where person = any($1) and kind = 'secretariat' and disabled_at is null "
        "and (until is null or until >= $2) order by person",
        list(known),
        on,
    )
    return [known[row["person"]] for row in rows]
