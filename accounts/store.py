"""Accounts and logins on PostgreSQL. Of every secret only a digest is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from accounts import Account, Kind, Login, Scope
from accounts.secrets import fits, hashed, kept, token, totp_step
from errors import InputError
from i18n import installation_language

IDLE = timedelta(hours=8)
LONGEST = timedelta(days=7)
INVITED = timedelta(days=7)
RECENT = timedelta(minutes=15)
SEEN_EVERY = timedelta(minutes=1)

_ACCOUNT = (
    "person, kind, administrator, password is not null, totp is not null, language, digest, until, "
    "disabled_at is not null"
)


class Accounts:
    """The accounts. `pool` is an asyncpg pool of the web's role."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    # Accounts -----------------------------------------------------------------------------

    async def make(self, person: str, kind: Kind, *, administrator: bool = False, until: date | None = None) -> Account:
        """Make an account for a person of the book, in the installation's language until the person chooses one.

        Raises:
            InputError: `account_exists`.
        """
        done = await self._run(
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
        """Somebody's account."""
        row = await self._row(f"select {_ACCOUNT} from accounts.account where person = $1", person)  # noqa: S608 - ours
        return Account(*row) if row else None

    async def must(self, person: str) -> Account:
        """Somebody's account, which is there.

        Raises:
            InputError: `unknown_person`.
        """
        if (found := await self.get(person)) is None:
            raise InputError("unknown_person", person=person)
        return found

    async def everyone(self) -> tuple[Account, ...]:
        """All accounts, by person."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(f"select {_ACCOUNT} from accounts.account order by person")  # noqa: S608 - ours
        return tuple(Account(*row) for row in rows)

    async def change(self, person: str, *, until: date | None, disabled: bool) -> None:
        """Set the last day of an account, and whether it is closed; closing ends its logins and tokens."""
        await self._run(
            "update accounts.account set until = $2, disabled_at = case when $3 then coalesce(disabled_at, now()) end "
            "where person = $1",
            person,
            until,
            disabled,
        )
        if disabled:
            await self.end_all(person)

    async def prefer(self, person: str, *, language: str, digest: str) -> None:
        """Set in which language somebody reads, and how often mail comes."""
        await self._run(
            "update accounts.account set language = $2, digest = $3 where person = $1", person, language, digest
        )

    async def set_password(self, person: str, password: str) -> None:
        """Set a password; every login but the one that asks must be made anew by the caller.

        Raises:
            InputError: `password_too_short`.
        """
        await self._run(
            "update accounts.account set password = $2 where person = $1",
            person,
            await asyncio.to_thread(hashed, password),
        )

    async def set_totp(self, person: str, secret: str | None) -> None:
        """Set the secret of one-time codes, or take it away so that it must be set up again."""
        await self._run("update accounts.account set totp = $2, totp_step = 0 where person = $1", person, secret)

    # Proofs -------------------------------------------------------------------------------

    async def password_fits(self, person: str, password: str) -> bool:
        """Whether it is the person's password. Takes as long for nobody as for somebody."""
        row = await self._row("select password from accounts.account where person = $1", person)
        # A hash takes a moment of a whole core: others are answered meanwhile.
        return await asyncio.to_thread(fits, row["password"] if row else None, password)

    async def code_fits(self, person: str, code: str) -> bool:
        """Whether it is a code of now that was not used yet; then it is used."""
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
        """Note that a proof did not fit."""
        await self._run("insert into accounts.attempt (person, address) values ($1, $2)", person[:80], address)
        await self._run("delete from accounts.attempt where at < now() - $1::interval", RECENT)

    async def failures(self, person: str, address: str) -> tuple[int, int]:
        """How often it was tried in vain lately: for the person from this address, and from anywhere."""
        row = await self._row(
            "select count(*) filter (where address = $2), count(*) from accounts.attempt "
            "where person = $1 and at > now() - $3::interval",
            person[:80],
            address,
            RECENT,
        )
        return int(row[0]), int(row[1])

    async def forgive(self, person: str, address: str) -> None:
        """Forget what failed from an address once it fitted."""
        await self._run("delete from accounts.attempt where person = $1 and address = $2", person[:80], address)

    # Logins -------------------------------------------------------------------------------

    async def open(self, person: str, strength: str) -> str:
        """A new login; returns the secret that its cookie holds."""
        secret = token()
        await self._run(
            "insert into accounts.login (digest, person, strength) values ($1, $2, $3)", kept(secret), person, strength
        )
        return secret

    async def login(self, secret: str) -> Login | None:
        """The login that a cookie names; None when it ran out, was ended, or the account opens nothing today."""
        row = await self._row(
            f"select {', '.join('a.' + part.strip() for part in _ACCOUNT.split(','))}, "  # noqa: S608 - ours
            "l.strength, l.position, l.stands_in_for, l.made_at, l.seen_at "
            "from accounts.login l join accounts.account a using (person) "
            "where l.digest = $1 and l.seen_at > now() - $2::interval and l.made_at > now() - $3::interval",
            kept(secret),
            IDLE,
            LONGEST,
        )
        if row is None:
            return None
        *account, strength, position, stands_in_for, made_at, seen_at = row
        found = Login(Account(*account), strength, position, stands_in_for, made_at)
        if not found.account.open_on(_today()):
            return None
        if seen_at < datetime.now(UTC) - SEEN_EVERY:
            await self._run("update accounts.login set seen_at = now() where digest = $1", kept(secret))
        return found

    async def moved_to(self, secret: str, position: int) -> None:
        """Note how far the ledger goes with this person's last act."""
        await self._run(
            "update accounts.login set position = greatest(position, $2) where digest = $1", kept(secret), position
        )

    async def stand_in(self, secret: str, for_person: str | None) -> None:
        """From now on this login acts for somebody who is away, or for nobody but its own person."""
        await self._run("update accounts.login set stands_in_for = $2 where digest = $1", kept(secret), for_person)

    async def end(self, secret: str) -> None:
        """End one login."""
        await self._run("delete from accounts.login where digest = $1", kept(secret))

    async def end_all(self, person: str, but: str | None = None) -> None:
        """End all logins and tokens of a person, but for one login."""
        mine = kept(but) if but else b""
        await self._run("delete from accounts.login where person = $1 and digest <> $2", person, mine)
        await self._run("update accounts.token set revoked_at = now() where person = $1 and revoked_at is null", person)

    # Invitations --------------------------------------------------------------------------

    async def invite(self, person: str) -> str:
        """A secret with which the person sets a password, once, within a week; earlier ones are void."""
        secret = token()
        await self._run("delete from accounts.invitation where person = $1 and used_at is null", person)
        await self._run("insert into accounts.invitation (digest, person) values ($1, $2)", kept(secret), person)
        return secret

    async def invited(self, secret: str) -> Account | None:
        """Whom an invitation is for; None when it is used, void or too old."""
        row = await self._row(
            "select person from accounts.invitation where digest = $1 and used_at is null "
            "and made_at > now() - $2::interval",
            kept(secret),
            INVITED,
        )
        found = await self.get(row["person"]) if row else None
        return found if found is not None and found.open_on(_today()) else None

    async def accept(self, secret: str, password: str) -> Account | None:
        """Take an invitation up. None when it is used, void or too old.

        Raises:
            InputError: `password_too_short`.
        """
        password = await asyncio.to_thread(hashed, password)
        async with self._pool.acquire() as connection, connection.transaction():
            person = await connection.fetchval(
                "update accounts.invitation set used_at = now() where digest = $1 and used_at is null "
                "and made_at > now() - $2::interval returning person",
                kept(secret),
                INVITED,
            )
            if person is None:
                return None
            await connection.execute("update accounts.account set password = $2 where person = $1", person, password)
        await self.end_all(person)
        return await self.get(person)

    # Tokens -------------------------------------------------------------------------------

    async def new_token(self, person: str, name: str, scope: Scope, days: int) -> str:
        """A personal token for programs; returns its secret, which is shown once."""
        secret = f"td_{token()}"
        await self._run(
            "insert into accounts.token (digest, person, name, scope, expires_at) "
            "values ($1, $2, $3, $4, now() + make_interval(days => $5))",
            kept(secret),
            person,
            name,
            scope,
            days,
        )
        return secret

    async def of_token(self, secret: str) -> tuple[Account, Scope] | None:
        """Whose token it is, and what it is good for."""
        row = await self._row(
            "update accounts.token set seen_at = now() where digest = $1 and revoked_at is null "
            "and expires_at > now() returning person, scope",
            kept(secret),
        )
        account = await self.get(row["person"]) if row else None
        return (account, row["scope"]) if account is not None and account.open_on(_today()) else None

    async def tokens(self, person: str) -> list[dict[str, Any]]:
        """A person's tokens, without their secrets."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "select encode(digest, 'hex') as id, name, scope, made_at, expires_at, seen_at, revoked_at "
                "from accounts.token where person = $1 order by made_at",
                person,
            )
        return [dict(row) for row in rows]

    async def revoke(self, person: str, id_: str) -> None:
        """Make a token useless."""
        await self._run(
            "update accounts.token set revoked_at = now() where person = $1 and encode(digest, 'hex') = $2", person, id_
        )

    async def _run(self, query: str, *arguments: Any) -> str:
        async with self._pool.acquire() as connection:
            done: str = await connection.execute(query, *arguments)
        return done

    async def _row(self, query: str, *arguments: Any) -> Any:
        async with self._pool.acquire() as connection:
            return await connection.fetchrow(query, *arguments)


def _today() -> date:
    return (datetime.now(UTC) + timedelta(hours=7)).date()
