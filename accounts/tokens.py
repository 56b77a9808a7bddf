"""Personal tokens on PostgreSQL: a program that carries one acts for its person, within the token's scope."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from accounts import Account, Scope
from accounts.log import AccountChange, By, note
from accounts.logins import ACCOUNT_COLUMNS, today
from accounts.secrets import new_secret, secret_digest
from ledger.connection import Pool


class Tokens:
    """The tokens of all persons. `pool` is of the role `thidua_web`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def new_token(self, person: str, name: str, scope: Scope, days: int) -> str:
        """Make a personal token for programs; return its secret, which is not stored."""
        secret = f"td_{new_secret()}"
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into accounts.token (digest, person, name, scope, expires_at) "
                "values ($1, $2, $3, $4, now() + make_interval(days => $5))",
                secret_digest(secret),
                person,
                name,
                scope,
                days,
            )
            until = today() + timedelta(days=days)
            await note(connection, AccountChange.TOKEN_MADE, person, By(person), scope=scope, until=until)
        return secret

    async def of_token(self, secret: str) -> tuple[Account, Scope] | None:
        """Return account and scope of a valid token's secret, else None."""
        row = await self._pool.fetchrow(
            "with t as (update accounts.token set seen_at = now() where digest = $1 and revoked_at is null "  # noqa: S608
            "and expires_at > now() returning person, scope) "
            f"select {ACCOUNT_COLUMNS}, t.scope from t join accounts.account a using (person)",
            secret_digest(secret),
        )
        if row is None:
            return None
        *columns, scope = row
        account = Account(*columns)
        return (account, scope) if account.open_on(today()) else None

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
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                "update accounts.token set revoked_at = now() "
                "where person = $1 and encode(digest, 'hex') = $2 and revoked_at is null",
                person,
                id_,
            )
            if done == "UPDATE 1":
                await note(connection, AccountChange.TOKEN_REVOKED, person, By(person))
