"""Migrations and the owner's few acts on PostgreSQL.

Plain SQL files, each applied once under a lock and never changed afterwards; every package that keeps something in the
database brings its own.
"""

from __future__ import annotations

from typing import Any

from ledger.connection import open_connection
from ledger.protocol import Stopped
from resources import schema_files

MIGRATION_LOCK = 7163
PACKAGES = ("ledger", "vault", "projections", "accounts")


async def migrate(url: str, packages: tuple[str, ...] = PACKAGES) -> None:
    """Bring the schema up to date, as the owner, under a lock; each file once, in one transaction each.

    Raises:
        Stopped: `migration_changed`, when a file that was applied no longer reads the same.
    """
    connection = await open_connection(url)
    try:
        await connection.execute("select pg_advisory_lock($1, 2)", MIGRATION_LOCK)
        await connection.execute(
            "create table if not exists public.migration (name text primary key, digest text not null, "
            "applied_at timestamptz not null default now())"
        )
        for package in packages:
            for file in schema_files(package):
                await _apply(connection, f"{package}/{file.name}", file.read_text(encoding="utf-8"))
    finally:
        await connection.close()


async def _apply(connection: Any, name: str, sql: str) -> None:
    digest = await connection.fetchval("select encode(sha256(convert_to($1, 'UTF8')), 'hex')", sql)
    applied = await connection.fetchval("select digest from public.migration where name = $1", name)
    if applied is None:
        async with connection.transaction():
            await connection.execute(sql)
            await connection.execute("insert into public.migration (name, digest) values ($1, $2)", name, digest)
    elif applied != digest:
        raise Stopped("migration_changed", name=name)


async def set_role_password(url: str, role: str, password: str) -> None:
    """Let one of our roles log in. The password is sent as a SCRAM verifier's input, quoted by the server itself."""
    connection = await open_connection(url)
    try:
        statement = await connection.fetchval(
            "select format('alter role %I login password %L', $1::text, $2::text)", role, password
        )
        await connection.execute(statement)
    finally:
        await connection.close()


async def claim(url: str, installation: str) -> bool:
    """Make this the installation's ledger. False when it was claimed before."""
    connection = await open_connection(url)
    try:
        done = await connection.execute(
            "insert into ledger.installation (id, epoch) values ($1, 1) on conflict do nothing", installation
        )
        return bool(done == "INSERT 0 1")
    finally:
        await connection.close()


async def confirm_clock(url: str) -> None:
    """Let appends go on after the operator has looked at the clock."""
    connection = await open_connection(url)
    try:
        await connection.execute(
            "update ledger.installation set clock_stopped = null, "
            "confirmed_until = (select recorded_at from ledger.event order by position desc limit 1)"
        )
    finally:
        await connection.close()
