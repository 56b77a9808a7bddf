"""What people type as their account: its name, or the mail address or the telephone number of one person alone."""

from __future__ import annotations

import re
from datetime import date

from ledger.connection import Pool
from vault.persons import folded_phone

LEAST_DIGITS = 8
"""A number of fewer digits, such as 113, belongs to no person."""

MOST_CHARS = 320
"""Of the longest mail address."""

_NUMBER = re.compile(r"\+?[0-9][0-9 .()/-]*")


class LoginNames:
    """Finds accounts by what people type. `pool` is of the role `thidua_web`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def account_named(self, typed: str, on: date) -> str:
        """Return the account that a text means on a day: its name, or an address or number that no other account has.

        Accounts that are closed count only where no open one has it. What means no account, or several, is returned as
        it was typed: it is no account's name, so no password fits it, and attempts at it are those at an unknown
        account. Attempts by another name of an account are attempts at that account.
        """
        found = await self.accounts_named(typed, on)
        meant = [person for person, is_open in found.items() if is_open] or list(found)
        return meant[0] if len(meant) == 1 else _storable(typed)

    async def accounts_named(self, typed: str, on: date) -> dict[str, bool]:
        """Return all accounts that a text can mean, and whether each is open on a day: the one of that name alone."""
        typed = _storable(typed)
        rows = await self._pool.fetch(
            "select a.person, a.disabled_at is null and (a.until is null or a.until >= $4) as open "
            "from accounts.account a where a.person = $1 or a.person in (select id from vault.person where $2 <> '' "
            "and split_part(search, E'\\n', 2) = $2 union all select id from vault.person where $3 <> '' "
            "and split_part(search, E'\\n', 3) = $3) order by a.person",
            typed,
            typed if "@" in typed else "",
            _digits(typed),
            on,
        )
        found = {row["person"]: row["open"] for row in rows}
        return {typed: found[typed]} if typed in found else found


def _storable(typed: str) -> str:
    """A text as a query can hold it."""
    return typed[:MOST_CHARS].encode("utf-8", "replace").decode().replace("\0", "").strip().lower()


def _digits(typed: str) -> str:
    """The digits of a telephone number as searches have them; "" for what is none."""
    digits = folded_phone(typed) if _NUMBER.fullmatch(typed) else ""
    return digits if len(digits) >= LEAST_DIGITS else ""
