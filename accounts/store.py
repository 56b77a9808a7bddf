"""Accounts on PostgreSQL, with passwords, logins, invitations and tokens. Of every secret only a hash is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts import Account, Kind, Login, Scope
from accounts.secrets import hash_password, new_secret, password_matches, secret_digest, totp_step
from domain.times import ICT
from errors import InputError
from i18n import installation_language
from ledger.connection import Pool

LOGIN_IDLE = timedelta(hours=8)
"""A login that was not used for so long has ended."""

LOGIN_LIFETIME = timedelta(days=7)
INVITATION_LIFETIME = timedelta(days=7)
ATTEMPTS_WINDOW = timedelta(minutes=15)
"""Failed attempts of this time slow further ones down."""

SEEN_INTERVAL = timedelta(minutes=1)
"""The time of a login's last use is written this often at most."""

_ACCOUNT = (
    "person, kind, administrator, password is not null, totp is not null, language, digest, until, "
    "disabled_at is not null"
)


class Accounts:
    """The accounts of all persons. `pool` is of the role `thidua_web`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # Accounts -----------------------------------------------------------------------------

    async def make(self, person: str, kind: Kind, *, administrator: bool = False, until: date | None = None) -> Account:
        """Make an account for a person who is entered, in the installation's language until the person chooses one.

        Raises:
            InputError: `account_exists`.
        """
        done = await self._pool.execute(
            "insert into accounts.account (person, kind, administrator, until, language) values ($1, $2, $3, $4, $5) "
            "on conflict do nothing",
            person,
            kind,
            administrator,
            until,
            installation_language(),
        )
        if done != "INSERT 0 1":
            raise InputError("account_exists", person=person)
        return await self.must(person)

    async def get(self, person: str) -> Account | None:
        """Return a person's account, None when there is none."""
        row = await self._pool.fetchrow(f"select {_ACCOUNT} from accounts.account where person = $1", person)  # noqa: S608 - ours
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
        query = f"select {_ACCOUNT} from accounts.account where person = any($1)"  # noqa: S608 - ours
        return {row["person"]: Account(*row) for row in await self._pool.fetch(query, list(people))}

    async def everyone(self) -> tuple[Account, ...]:
        """Return all accounts, by person."""
        rows = await self._pool.fetch(f"select {_ACCOUNT} from accounts.account order by person")  # noqa: S608 - ours
        return tuple(Account(*row) for row in rows)

    async def change(self, person: str, *, until: date | None, disabled: bool) -> None:
        """Set an account's last day, and whether it is disabled. Disabling ends its logins and tokens."""
        await self._pool.execute(
            "update accounts.account set until = $2, disabled_at = case when $3 then coalesce(disabled_at, now()) end "
            "where person = $1",
            person,
            until,
            disabled,
        )
        if disabled:
            await self.end_all(person)

    async def prefer(self, person: str, *, language: str, digest: str) -> None:
        """Set a person's language, and how often mail comes."""
        await self._pool.execute(
            "update accounts.account set language = $2, digest = $3 where person = $1", person, language, digest
        )

    async def set_password(self, person: str, password: str) -> None:
        """Set a password. It ends no login; the caller does.

        Raises:
            InputError: `password_too_short`.
        """
        await self._pool.execute(
            "update accounts.account set password = $2 where person = $1",
            person,
            await asyncio.to_thread(hash_password, password),
        )

    async def set_totp(self, person: str, secret: str | None) -> None:
        """Set the secret of one-time codes; None removes it, so that it must be set up again."""
        await self._pool.execute(
            "update accounts.account set totp = $2, totp_step = 0 where person = $1", person, secret
        )

    # Passwords and codes -----------------------------------------------------------------

    async def password_fits(self, person: str, password: str) -> bool:
        """Return True when it is the person's password. Takes the same time for an unknown account."""
        row = await self._pool.fetchrow("select password from accounts.account where person = $1", person)
        # In a thread: the hash takes a noticeable time of a whole core.
        return await asyncio.to_thread(password_matches, row["password"] if row else None, password)

    async def code_fits(self, person: str, code: str) -> bool:
        """Return True when it is a valid one-time code that was not used yet, and mark it used."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "select totp, totp_step from accounts.account where person = $1 for update", person
            )
            if row is None or row["totp"] is None:
                return False
            step = totp_step(row["totp"], code, datetime.now(UTC), row["totp_step"])
            if step is None:
                return False
            await connection.execute("update accounts.account set totp_step = $2 where person = $1", person, step)
        return True

    async def failed(self, person: str, address: str) -> None:
        """Store that a password or a code was wrong."""
        await self._pool.execute("insert into accounts.attempt (person, address) values ($1, $2)", person[:80], address)
        await self._pool.execute("delete from accounts.attempt where at < now() - $1::interval", ATTEMPTS_WINDOW)

    async def failures(self, person: str, address: str) -> tuple[int, int]:
        """Count the failed attempts of the last minutes: for the person from this address, and from anywhere."""
        (counts,) = await self._pool.fetch(
            "select count(*) filter (where address = $2), count(*) from accounts.attempt "
            "where person = $1 and at > now() - $3::interval",
            person[:80],
            address,
            ATTEMPTS_WINDOW,
        )
        return int(counts[0]), int(counts[1])

    async def forgive(self, person: str, address: str) -> None:
        """Delete the person's failed attempts from an address, after a successful one."""
        await self._pool.execute(
            "delete from accounts.attempt where person = $1 and address = $2", person[:80], address
        )

    # Logins -------------------------------------------------------------------------------

    async def open(self, person: str, strength: str) -> str:
        """Open a login; return the secret for its cookie."""
        secret = new_secret()
        await self._pool.execute(
            "insert into accounts.login (digest, person, strength) values ($1, $2, $3)",
            secret_digest(secret),
            person,
            strength,
        )
        return secret

    async def login(self, secret: str) -> Login | None:
        """Return the login of a cookie's secret, None when it has ended or the account is not valid today."""
        row = await self._pool.fetchrow(
            f"select {', '.join('a.' + part.strip() for part in _ACCOUNT.split(','))}, "  # noqa: S608 - ours
            "l.strength, l.position, l.stands_in_for, l.made_at, l.seen_at "
            "from accounts.login l join accounts.account a using (person) "
            "where l.digest = $1 and l.seen_at > now() - $2::interval and l.made_at > now() - $3::interval",
            secret_digest(secret),
            LOGIN_IDLE,
            LOGIN_LIFETIME,
        )
        if row is None:
            return None
        *account, strength, position, stands_in_for, made_at, seen_at = row
        found = Login(Account(*account), strength, position, stands_in_for, made_at)
        if not found.account.open_on(_today()):
            return None
        if seen_at < datetime.now(UTC) - SEEN_INTERVAL:
            await self._pool.execute(
                "update accounts.login set seen_at = now() where digest = $1", secret_digest(secret)
            )
        return found

    async def moved_to(self, secret: str, position: int) -> None:
        """Store the ledger's position after the person's last own act."""
        await self._pool.execute(
            "update accounts.login set position = greatest(position, $2) where digest = $1",
            secret_digest(secret),
            position,
        )

    async def stand_in(self, secret: str, for_person: str | None) -> None:
        """Let this login act for another person; None ends that. The caller checks that the person is a stand-in."""
        await self._pool.execute(
            "update accounts.login set stands_in_for = $2 where digest = $1", secret_digest(secret), for_person
        )

    async def end(self, secret: str) -> None:
        """End one login."""
        await self._pool.execute("delete from accounts.login where digest = $1", secret_digest(secret))

    async def end_all(self, person: str, but: str | None = None) -> None:
        """End all logins and tokens of a person. The login with the secret `but` stays."""
        mine = secret_digest(but) if but else b""
        await self._pool.execute("delete from accounts.login where person = $1 and digest <> $2", person, mine)
        await self._pool.execute(
            "update accounts.token set revoked_at = now() where person = $1 and revoked_at is null", person
        )

    # Invitations --------------------------------------------------------------------------

    async def invite(self, person: str) -> str:
        """Return the secret of a new invitation, with which the person sets a password once. Earlier ones are void."""
        secret = new_secret()
        await self._pool.execute("delete from accounts.invitation where person = $1 and used_at is null", person)
        await self._pool.execute(
            "insert into accounts.invitation (digest, person) values ($1, $2)", secret_digest(secret), person
        )
        return secret

    async def void_invitations(self, person: str) -> None:
        """Make all invitations of a person void that were not used."""
        await self._pool.execute("delete from accounts.invitation where person = $1 and used_at is null", person)

    async def invited(self, secret: str) -> Account | None:
        """Return the account that an invitation is for, None when it is used, void or too old."""
        row = await self._pool.fetchrow(
            "select person from accounts.invitation where digest = $1 and used_at is null "
            "and made_at > now() - $2::interval",
            secret_digest(secret),
            INVITATION_LIFETIME,
        )
        found = await self.get(row["person"]) if row else None
        return found if found is not None and found.open_on(_today()) else None

    async def accept(self, secret: str, password: str) -> Account | None:
        """Set the password of an invited person; return None when the invitation is used, void or too old.

        Raises:
            InputError: `password_too_short`.
        """
        password = await asyncio.to_thread(hash_password, password)
        async with self._pool.acquire() as connection, connection.transaction():
            person = await connection.fetchval(
                "update accounts.invitation set used_at = now() where digest = $1 and used_at is null "
                "and made_at > now() - $2::interval returning person",
                secret_digest(secret),
                INVITATION_LIFETIME,
            )
            if person is None:
                return None
            await connection.execute("update accounts.account set password = $2 where person = $1", person, password)
        await self.end_all(person)
        return await self.get(person)

    # Tokens -------------------------------------------------------------------------------

    async def new_token(self, person: str, name: str, scope: Scope, days: int) -> str:
        """Make a personal token for programs; return its secret, which is not stored."""
        secret = f"td_{new_secret()}"
        await self._pool.execute(
            "insert into accounts.token (digest, person, name, scope, expires_at) "
            "values ($1, $2, $3, $4, now() + make_interval(days => $5))",
            secret_digest(secret),
            person,
            name,
            scope,
            days,
        )
        return secret

    async def of_token(self, secret: str) -> tuple[Account, Scope] | None:
        """Return account and scope of a valid token's secret, else None."""
        row = await self._pool.fetchrow(
            "update accounts.token set seen_at = now() where digest = $1 and revoked_at is null "
            "and expires_at > now() returning person, scope",
            secret_digest(secret),
        )
        if row is None:
            return None
        account = await self.get(row["person"])
        return (account, row["scope"]) if account is not None and account.open_on(_today()) else None

    async def tokens(self, person: str) -> list[dict[str, Any]]:
        """Return a person's tokens, revoked and expired ones among them, without their secrets."""
        rows = await self._pool.fetch(
            "select encode(digest, 'hex') as id, name, scope, made_at, expires_at, seen_at, revoked_at "
            "from accounts.token where person = $1 order by made_at",
            person,
        )
        return [dict(row) for row in rows]

    async def revoke(self, person: str, id_: str) -> None:
        """Revoke a token of a person. `id_` is its digest in hex."""
        await self._pool.execute(
            "update accounts.token set revoked_at = now() where person = $1 and encode(digest, 'hex') = $2", person, id_
        )


def _today() -> date:
    """Return the day in Việt Nam."""
    return datetime.now(ICT).date()
