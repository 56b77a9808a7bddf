"""Accounts on PostgreSQL: made, changed, closed, reset; their passwords. Of every secret only a hash is stored.

`Accounts` is what the program works with; logins, links and tokens are its parts, each in a module of its own. What
changes an account is noted in the log (`accounts/log.py`) in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from accounts import Account, Kind
from accounts.invitations import Invitations, new_link
from accounts.log import AccountChange, By, note
from accounts.logins import ACCOUNT_COLUMNS, Logins, end_all_access, end_logins, end_logins_and_tokens
from accounts.passwords import PASSWORD_WORK, hash_password, password_matches
from accounts.tokens import Tokens
from errors import InputError
from i18n import installation_language


class Accounts(Logins, Invitations, Tokens):
    """The accounts of all persons. `pool` is of the role `thidua_web`; that of the command line makes and resets."""

    async def make(
        self, person: str, kind: Kind, *, by: By, administrator: bool = False, until: date | None = None
    ) -> Account:
        """Make an account for a person who is entered, in the installation's language until the person chooses one.

        Raises:
            InputError: `account_exists`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "insert into accounts.account (person, kind, administrator, until, language) "
                "values ($1, $2, $3, $4, $5) on conflict do nothing",
                person,
                kind,
                administrator,
                until,
                installation_language(),
            )
            if done != "INSERT 0 1":
                raise InputError("account_exists", person=person)
            await note(connection, AccountChange.MADE, person, by, kind=kind, administrator=administrator, until=until)
        return await self.must(person)

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

    async def change(self, person: str, *, until: date | None, disabled: bool, by: By) -> None:
        """Set an account's last day, and whether it is closed. Closing ends its logins, tokens, calendar and links."""
        async with self._pool.acquire() as connection, connection.transaction():
            before = await connection.fetchrow(
                "select until, disabled_at is not null from accounts.account where person = $1 for update", person
            )
            if before is None:
                return
            await connection.execute(
                "update accounts.account set until = $2, "
                "disabled_at = case when $3 then coalesce(disabled_at, now()) end where person = $1",
                person,
                until,
                disabled,
            )
            if disabled:
                await end_all_access(connection, person)
            if until != before[0]:
                await note(connection, AccountChange.LAST_DAY_CHANGED, person, by, until=until)
            if disabled != before[1]:
                await note(connection, AccountChange.CLOSED if disabled else AccountChange.OPENED, person, by)

    async def change_kind(self, person: str, kind: Kind, *, administrator: bool, by: By) -> None:
        """Make an account one of another kind, administrator or not. Its logins and tokens end.

        Raises:
            InputError: `unknown_person`, `auditor_needs_end`.
        """
        account = await self.must(person)
        if kind == "auditor" and account.until is None:
            raise InputError("auditor_needs_end")
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "update accounts.account set kind = $2, administrator = $3 where person = $1",
                person,
                kind,
                administrator,
            )
            await end_logins_and_tokens(connection, person)
            await note(connection, AccountChange.KIND_CHANGED, person, by, kind=kind, administrator=administrator)

    async def reset(self, person: str, *, by: By) -> str:
        """Make password and codes void, end all access, forget known devices; return an invitation's secret.

        Raises:
            InputError: `unknown_person`.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "update accounts.account set password = null, totp = null, totp_step = 0, totp_new = null, "
                "totp_new_at = null, totp_new_login = null where person = $1",
                person,
            )
            if done != "UPDATE 1":
                raise InputError("unknown_person", person=person)
            await connection.execute("delete from accounts.recovery_code where person = $1", person)
            await connection.execute("delete from accounts.known_source where person = $1", person)
            await end_all_access(connection, person)
            await note(connection, AccountChange.RESET, person, by)
            return await new_link(connection, person, "invitation")

    async def remove_codes(self, person: str, *, by: By) -> None:
        """Remove one-time codes and recovery codes; who must have them sets them up again at the next login.

        All logins end: one that was opened with a code must not go on counting as such.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "update accounts.account set totp = null, totp_step = 0, totp_new = null, totp_new_at = null, "
                "totp_new_login = null where person = $1",
                person,
            )
            await connection.execute("delete from accounts.recovery_code where person = $1", person)
            await end_logins(connection, person)
            await note(connection, AccountChange.CODES_REMOVED, person, by)

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
