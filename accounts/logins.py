"""Logins on PostgreSQL: opened after a password, found by the secret of a cookie, ended."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from accounts import Account, Before, Login
from accounts.secrets import new_secret, secret_digest
from domain.strengths import Strength
from domain.times import ICT
from errors import InputError
from ledger.connection import Connection, Pool

LOGIN_IDLE = timedelta(hours=8)
"""A login that was not used for so long has ended."""

LOGIN_LIFETIME = timedelta(days=7)
SEEN_INTERVAL = timedelta(minutes=1)
"""The time of a login's last use is written this often at most."""

ACCOUNT_COLUMNS = (
    "a.person, a.kind, a.administrator, a.password is not null, a.totp is not null, a.language, a.digest, a.until, "
    "a.disabled_at is not null"
)
"""The columns of an `Account`, of the table `accounts.account a`."""


class Logins:
    """The logins of all persons. `pool` is of the role `thidua_web`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, person: str, strength: Strength, *, asks_code: bool = True) -> str:
        """Open a login; return the secret for its cookie. It knows what failed since the login before.

        `asks_code`: of who has one-time codes by now, a password alone opens none. Only rehearsals ask for no code.

        Raises:
            InputError: `code_missing`.
        """
        secret = new_secret()
        opened = await self._pool.execute(
            # The row is locked: codes that are set up meanwhile either are seen here, or end this login.
            "with before as (select person, last_login_at, failed_passwords, failed_codes from accounts.account "
            "where person = $2 and (totp is null or not $4) for update), reset as (update accounts.account "
            "set last_login_at = now(), failed_passwords = 0, failed_codes = 0 "
            "where person = $2 and (totp is null or not $4)) "
            "insert into accounts.login (digest, person, strength, last_login_at, failed_passwords, failed_codes) "
            "select $1, person, $3, last_login_at, failed_passwords, failed_codes from before",
            secret_digest(secret),
            person,
            strength,
            asks_code and strength == Strength.PASSWORD,
        )
        if opened != "INSERT 0 1":
            raise InputError("code_missing")
        return secret

    async def login(self, secret: str, *, used: bool = True) -> Login | None:
        """Return the login of a cookie's secret, None when it has ended or the account is not valid today.

        `used`: a person does something with it. What an open page asks by itself keeps no login alive.
        """
        row = await self._pool.fetchrow(
            f"select {ACCOUNT_COLUMNS}, "  # noqa: S608 - ours
            "l.strength, l.position, l.stands_in_for, l.made_at, l.last_login_at, l.failed_passwords, l.failed_codes, "
            "l.seen_at from accounts.login l join accounts.account a using (person) "
            "where l.digest = $1 and l.seen_at > now() - $2::interval and l.made_at > now() - $3::interval",
            secret_digest(secret),
            LOGIN_IDLE,
            LOGIN_LIFETIME,
        )
        if row is None:
            return None
        *account, strength, position, stands_in_for, made_at, last_login, passwords, codes, seen_at = row
        before = Before(last_login, passwords, codes)
        found = Login(Account(*account), Strength(strength), position, stands_in_for, made_at, before)
        if not found.account.open_on(today()):
            return None
        if used and seen_at < datetime.now(UTC) - SEEN_INTERVAL:
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
        async with self._pool.acquire() as connection, connection.transaction():
            await end_logins_and_tokens(connection, person, but)


async def end_logins(connection: Connection, person: str, but: str | None = None) -> None:
    """End all logins of a person. The login with the secret `but` stays."""
    mine = secret_digest(but) if but else b""
    await connection.execute("delete from accounts.login where person = $1 and digest <> $2", person, mine)


async def end_logins_and_tokens(connection: Connection, person: str, but: str | None = None) -> None:
    """End all logins and tokens of a person. The login with the secret `but` stays."""
    await end_logins(connection, person, but)
    await connection.execute(
        "update accounts.token set revoked_at = now() where person = $1 and revoked_at is null", person
    )


async def end_all_access(connection: Connection, person: str, but: str | None = None) -> None:
    """End everything that opens this person's account: logins, tokens, the calendar's address, unused links.

    The login with the secret `but` stays.
    """
    await end_logins_and_tokens(connection, person, but)
    await connection.execute("delete from accounts.calendar where person = $1", person)
    await void_links(connection, person)


async def void_links(connection: Connection, person: str) -> None:
    """Make all invitations and links for a new password void that the person has not used."""
    await connection.execute("delete from accounts.invitation where person = $1 and used_at is null", person)


async def void_codes(connection: Connection, person: str) -> None:
    """Remove one-time codes and recovery codes of a person, and codes that are being set up."""
    await connection.execute(
        "update accounts.account set totp = null, totp_step = 0, totp_new = null, totp_new_at = null, "
        "totp_new_login = null where person = $1",
        person,
    )
    await connection.execute("delete from accounts.recovery_code where person = $1", person)


def today() -> date:
    """Return the day in Việt Nam."""
    return day_of(datetime.now(ICT))


def day_of(instant: datetime) -> date:
    """Return the day of an instant in Việt Nam."""
    return instant.astimezone(ICT).date()
