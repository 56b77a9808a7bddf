"""Links on PostgreSQL with which a person chooses a password without a login: invitations, and for a forgotten one.

Looking at a link uses nothing up: programs that scan mail open every link. Only choosing the password does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from accounts import Account
from accounts.log import AccountChange, By, Door, note
from accounts.logins import ACCOUNT_COLUMNS, end_all_access, today, void_links
from accounts.passwords import PASSWORD_WORK, hash_password
from accounts.secrets import new_secret, secret_digest
from ledger.connection import Connection, Pool

Purpose = Literal["invitation", "forgotten"]
LIFETIMES: dict[Purpose, timedelta] = {"invitation": timedelta(days=7), "forgotten": timedelta(hours=1)}

_VALID = "used_at is null and made_at > now() - case purpose when 'invitation' then $2::interval else $3::interval end"


class Invitations:
    """The links of all persons. `pool` is of the role `thidua_web`, or of `thidua_app` for invitations."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def invite(self, person: str) -> str:
        """Return the secret of a new invitation, with which the person sets a password once. Earlier ones are void.

        That somebody is invited was recorded in the ledger before; the secret is not in it.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await void_links(connection, person)
            return await new_link(connection, person, "invitation")

    async def withdraw_links(self, person: str) -> None:
        """Make all links of a person void that were not used."""
        async with self._pool.acquire() as connection:
            await void_links(connection, person)

    async def forgotten(self, person: str) -> str:
        """Return the secret of a link for a new password. Earlier ones go on working: anybody can ask."""
        async with self._pool.acquire() as connection, connection.transaction():
            await note(connection, AccountChange.PASSWORD_LINK_SENT, person, By(None))
            return await new_link(connection, person, "forgotten")

    async def invited(self, secret: str) -> Account | None:
        """Return the account that a link is for, None when it is used, void or too old. Uses nothing up."""
        row = await self._pool.fetchrow(
            f"select {ACCOUNT_COLUMNS} from accounts.invitation i join accounts.account a using (person) "  # noqa: S608 - ours
            f"where i.digest = $1 and {_VALID.replace('made_at', 'i.made_at')}",
            secret_digest(secret),
            *LIFETIMES.values(),
        )
        found = Account(*row) if row else None
        return found if found is not None and found.open_on(today()) else None

    async def accept(self, secret: str, password: str, own: tuple[str, ...] = ()) -> Account | None:
        """Set the password of a person by a link; return None when it is used, void or too old.

        All logins, tokens, other links and the calendar's address end. One-time codes stay.

        Raises:
            InputError: the password is not taken; see `accounts.passwords.hash_password`. The link is not used up.
            BusyError
        """
        hashed = await PASSWORD_WORK.run(hash_password, password, own)
        async with self._pool.acquire() as connection, connection.transaction():
            used = await connection.fetchrow(
                f"update accounts.invitation set used_at = now() where digest = $1 and {_VALID} "  # noqa: S608 - ours
                "returning person, purpose",
                secret_digest(secret),
                *LIFETIMES.values(),
            )
            if used is None:
                return None
            person: str = used["person"]
            await connection.execute("update accounts.account set password = $2 where person = $1", person, hashed)
            await end_all_access(connection, person)
            change = AccountChange.PASSWORD_RESET if used["purpose"] == "forgotten" else AccountChange.PASSWORD_CHOSEN
            await note(connection, change, person, By(person, Door.LINK))
            row = await connection.fetchrow(
                f"select {ACCOUNT_COLUMNS} from accounts.account a where person = $1",  # noqa: S608 - ours
                person,
            )
        return Account(*row) if row else None


async def new_link(connection: Connection, person: str, purpose: Purpose) -> str:
    """Return the secret of a new link."""
    secret = new_secret()
    await connection.execute(
        "insert into accounts.invitation (digest, person, purpose) values ($1, $2, $3)",
        secret_digest(secret),
        person,
        purpose,
    )
    return secret
