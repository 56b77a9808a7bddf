"""Accounts on PostgreSQL, and their passwords. Of every secret only a hash is stored.

`Accounts` is what the program works with; logins, links and tokens are its parts, each in a module of its own. What
persons change of their own accounts is noted in the log (`accounts/log.py`) in the same transaction. What others change
is recorded in the ledger first, and `accounts/following.py` alone carries it out.
"""

from __future__ import annotations

from collections.abc import Iterable

from accounts import Account
from accounts.invitations import Invitations
from accounts.log import AccountChange, By, note
from accounts.login_names import LoginNames
from accounts.logins import ACCOUNT_COLUMNS, Logins, end_all_access, end_logins, void_codes
from accounts.passwords import PASSWORD_WORK, hash_password, password_matches
from accounts.tokens import Tokens
from errors import InputError


class Accounts(Logins, LoginNames, Invitations, Tokens):
    """The accounts of all persons. `pool` is of the role `thidua_web`, or of `thidua_app` for invitations."""

    async def get(self, person: str) -> Account | None:
        """Return a person's account, None when there is none."""
        row = await self._pool.fetchrow(
            f"select {ACCOUNT_COLUMNS} from accounts.account a where person = $1",  # noqa: S608 - ours
            person,
        )
        return Account(*row) if row else None

    async def must(self, person: str) -> Account:
        """Return a person's account.

        Raises:
            InputError: `unknown_person`.
        """
        if (found := await self.get(person)) is None:
            raise InputError("unknown_person", person=person)
        return found

    async def of(self, people: Iterable[str]) -> dict[str, Account]:
        """Return the accounts of those of these persons who have one, by person."""
        query = f"select {ACCOUNT_COLUMNS} from accounts.account a where person = any($1)"  # noqa: S608 - ours
        return {row["person"]: Account(*row) for row in await self._pool.fetch(query, list(people))}

    async def secretaries(self) -> frozenset[str]:
        """Return the persons who have an account of the secretariat."""
        rows = await self._pool.fetch("select person from accounts.account where kind = 'secretariat'")
        return frozenset(row["person"] for row in rows)

    async def everyone(self) -> tuple[Account, ...]:
        """Return all accounts, by person."""
        rows = await self._pool.fetch(f"select {ACCOUNT_COLUMNS} from accounts.account a order by person")  # noqa: S608 - ours
        return tuple(Account(*row) for row in rows)

    async def remove_own_codes(self, person: str) -> None:
        """Remove a person's one-time codes and recovery codes, as they asked.

        All logins end: one that was opened with a code must not go on counting as such.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await void_codes(connection, person)
            await end_logins(connection, person)
            await note(connection, AccountChange.CODES_REMOVED, person, By(person))

    async def prefer(self, person: str, *, language: str, digest: str) -> None:
        """Set a person's language, and how often mail comes."""
        await self._pool.execute(
            "update accounts.account set language = $2, digest = $3 where person = $1", person, language, digest
        )

    async def set_password(
        self, person: str, password: str, own: tuple[str, ...] = (), *, but: str | None = None
    ) -> None:
        """Set a person's own new password. Ends all access, except the login with the secret `but`.

        Raises:
            InputError: the password is not taken; see `accounts.passwords.hash_password`.
            BusyError
        """
        hashed = await PASSWORD_WORK.run(hash_password, password, own)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("update accounts.account set password = $2 where person = $1", person, hashed)
            await end_all_access(connection, person, but)
            await note(connection, AccountChange.PASSWORD_CHANGED, person, By(person))

    async def password_fits(self, person: str, password: str) -> bool:
        """Return True when it is the person's password. Takes the same time for an unknown account.

        Raises:
            BusyError
        """
        row = await self._pool.fetchrow("select password from accounts.account where person = $1", person)
        return await PASSWORD_WORK.run(password_matches, row["password"] if row else None, password)
