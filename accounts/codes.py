"""One-time codes and recovery codes on PostgreSQL. Secrets of one-time codes are encrypted, recovery codes hashed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from accounts.log import AccountChange, By, note
from accounts.logins import end_logins_and_tokens
from accounts.secrets import new_recovery_codes, new_totp, recovery_digest, secret_digest, totp_step
from ledger.connection import ACCOUNT_KEYS_LOCK, LOCK_CLASS, Connection, Pool
from local.account_keys import AccountKeyError, AccountKeys

SETUP_LIFETIME = timedelta(minutes=15)
"""While codes are set up, the same secret is shown for so long."""


class Codes:
    """The codes of all persons. `pool` is of the role `thidua_web`; `keys` are those of the installation."""

    def __init__(self, pool: Pool, keys: AccountKeys) -> None:
        self._pool, self._keys = pool, keys

    async def pending(self, person: str, login: str) -> str | None:
        """Return the secret that is being set up with the login of this secret; no other login sees it."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await self._unconfirmed(connection, person, login)

    async def setting_up(self, person: str, login: str) -> str:
        """Return the secret that is being set up with this login; make one when there is none, or it is too old.

        One that another login has begun is void. The caller has asked for the password.

        Raises:
            AccountKeyError
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await self._require_current_key(connection)
            if (secret := await self._unconfirmed(connection, person, login)) is None:
                secret = new_totp()
                await connection.execute(
                    "update accounts.account set totp_new = $2, totp_new_at = now(), totp_new_login = $3 "
                    "where person = $1",
                    person,
                    self._keys.encrypt(person, secret),
                    secret_digest(login),
                )
        return secret

    async def confirm(self, person: str, login: str, code: str) -> list[str] | None:
        """Put the secret that is being set up in force, once a code of it fits; return new recovery codes, else None.

        All logins and tokens end, because they were opened without a code of it.

        Raises:
            AccountKeyError
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await self._require_current_key(connection)
            secret = await self._unconfirmed(connection, person, login)
            step = None if secret is None else totp_step(secret, code, datetime.now(UTC), 0)
            if step is None:
                return None
            await connection.execute(
                "update accounts.account set totp = totp_new, totp_step = $2, totp_new = null, totp_new_at = null, "
                "totp_new_login = null where person = $1",
                person,
                step,
            )
            await end_logins_and_tokens(connection, person)
            await note(connection, AccountChange.CODES_SET_UP, person, By(person))
            return await self._renew_recovery_codes(connection, person)

    async def fits(self, person: str, code: str) -> bool:
        """Return True when it is a valid one-time code or recovery code that was not used yet, and mark it used.

        Raises:
            AccountKeyError
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "select totp, totp_step from accounts.account where person = $1 for update", person
            )
            if row is None or row["totp"] is None:
                return False
            if (digest := recovery_digest(person, code)) is not None:
                return await self._use_recovery_code(connection, person, digest)
            secret = self._keys.decrypt(person, row["totp"])
            step = totp_step(secret, code, datetime.now(UTC), row["totp_step"])
            if step is None:
                return False
            await connection.execute("update accounts.account set totp_step = $2 where person = $1", person, step)
        return True

    async def new_recovery_codes(self, person: str) -> list[str]:
        """Return new recovery codes, which are not stored; earlier ones are void."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await self._renew_recovery_codes(connection, person)

    async def recovery_codes_left(self, person: str) -> int:
        """Return how many recovery codes were not used yet."""
        left: int = await self._pool.fetchval(
            "select count(*) from accounts.recovery_code where person = $1 and used_at is null", person
        )
        return left

    async def _unconfirmed(self, connection: Connection, person: str, login: str) -> str | None:
        stored = await connection.fetchval(
            "select case when totp_new_at > now() - $2::interval and totp_new_login = $3 then totp_new end "
            "from accounts.account where person = $1 for update",
            person,
            SETUP_LIFETIME,
            secret_digest(login),
        )
        return None if stored is None else self._keys.decrypt(person, stored)

    async def _require_current_key(self, connection: Connection) -> None:
        """Hold the key in force until the transaction ends.

        Raises:
            AccountKeyError: the key file here is not the one that the database goes by.
        """
        await connection.execute("select pg_advisory_xact_lock_shared($1, $2)", LOCK_CLASS, ACCOUNT_KEYS_LOCK)
        here = self._keys.current
        await connection.execute("insert into accounts.code_key (id) values ($1) on conflict do nothing", here)
        if await connection.fetchval("select id from accounts.code_key") != here:
            raise AccountKeyError("account_key_unfit", file=self._keys.file.name)

    async def _use_recovery_code(self, connection: Connection, person: str, digest: bytes) -> bool:
        done = await connection.execute(
            "update accounts.recovery_code set used_at = now() where person = $1 and digest = $2 and used_at is null",
            person,
            digest,
        )
        if done != "UPDATE 1":
            return False
        left = await connection.fetchval(
            "select count(*) from accounts.recovery_code where person = $1 and used_at is null", person
        )
        await note(connection, AccountChange.RECOVERY_CODE_USED, person, By(person), left=str(left))
        return True

    async def _renew_recovery_codes(self, connection: Connection, person: str) -> list[str]:
        codes = new_recovery_codes()
        await connection.execute("delete from accounts.recovery_code where person = $1", person)
        await connection.executemany(
            "insert into accounts.recovery_code (person, digest) values ($1, $2)",
            [(person, recovery_digest(person, code)) for code in codes],
        )
        await note(connection, AccountChange.RECOVERY_CODES_MADE, person, By(person))
        return codes


async def rotate_key(pool: Pool, keys: AccountKeys) -> int:
    """Encrypt all secrets again under a new key; return how many. Safe to interrupt at any point, and to run again.

    1. Nobody else encrypts until the end (a lock).
    2. The new key is added to the file; the old one stays in it.
    3. One transaction encrypts all secrets again and names the new key as the one in force.
    4. Only when that is stored, the old key is removed from the file.

    Raises:
        AccountKeyError: a secret cannot be read with this file.
    """
    async with pool.acquire() as connection:
        await connection.execute("select pg_advisory_lock($1, $2)", LOCK_CLASS, ACCOUNT_KEYS_LOCK)
        try:
            made = keys.begin_rotation()
            async with connection.transaction():
                rows = await connection.fetch(
                    "select person, totp, totp_new from accounts.account "
                    "where totp is not null or totp_new is not null for update"
                )
                for person, *stored in rows:
                    again = [None if one is None else keys.encrypt(person, keys.decrypt(person, one)) for one in stored]
                    await connection.execute(
                        "update accounts.account set totp = $2, totp_new = $3 where person = $1", person, *again
                    )
                await connection.execute(
                    "insert into accounts.code_key (id) values ($1) on conflict (only_row) do update set id = $1", made
                )
            keys.end_rotation()
        finally:
            await connection.execute("select pg_advisory_unlock($1, $2)", LOCK_CLASS, ACCOUNT_KEYS_LOCK)
    return len(rows)
