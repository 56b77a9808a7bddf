"""The database schema, and what the owner of the database does beside it: passwords, claim, confirmation of the clock.

Before the first release there are no migrations. The four files `*/schema.sql` are one baseline: they are edited in
place and applied to an empty database. The database stores their sha256; a database with another one is refused. The
first release freezes the baseline, and changes after it become numbered migrations.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from urllib.parse import urlsplit

from ledger.connection import (
    DATABASE_ERRORS,
    LOCK_CLASS,
    SETUP_LOCK,
    Connection,
    is_database_missing,
    is_login_refused,
    open_connection,
)
from ledger.protocol import Stopped
from resources import SCHEMA_FILES

FORMAT = 2
"""The format of the ledger's bytes (docs/ledger-format.md); ledger/schema.sql stores it."""

SCHEMAS = tuple(file.parent.name for file in SCHEMA_FILES)
"""The names of the database schemas, each that of its package."""

_FIRST_SCHEMA = "\ncreate schema "


@lru_cache(maxsize=1)
def schema_sql() -> str:
    """Return the baseline: all schema files, one after another."""
    return "\n".join(file.read_text(encoding="utf-8") for file in SCHEMA_FILES)


def schema_digest() -> str:
    """Return the sha256 of the baseline, in hex."""
    return sha256(schema_sql().encode()).hexdigest()


async def apply_schema(url: str, database: str | None = None) -> None:
    """Apply the baseline to an empty database, in one transaction under a lock; do nothing when it was applied before.

    Args:
        url: the owner's address of the database.
        database: what an error calls the database; by default host, port and name.

    Raises:
        Stopped: as `has_schema`. Nothing was changed.
    """
    connection = await open_connection(url)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1, $2)", LOCK_CLASS, SETUP_LOCK)
            if not await has_schema(connection, database or address_of(url)):
                await connection.execute(schema_sql())
                await connection.execute("insert into ledger.baseline (digest) values ($1)", schema_digest())
    finally:
        await connection.close()


async def make_roles(url: str) -> None:
    """Make the roles where they are missing, and let nobody else connect to the database: what a dump does not hold.

    It is what the baseline says before its first schema.
    """
    connection = await open_connection(url)
    try:
        await connection.execute(schema_sql().split(_FIRST_SCHEMA, 1)[0])
    finally:
        await connection.close()


async def raise_epoch(url: str) -> int:
    """Begin a new writer epoch and return it: what was signed in an earlier one is not appended any more."""
    connection = await open_connection(url)
    try:
        epoch: int = await connection.fetchval("update ledger.installation set epoch = epoch + 1 returning epoch")
        return epoch
    finally:
        await connection.close()


async def has_schema(connection: Connection, database: str) -> bool:
    """Return True when the database was made by this baseline, False when it has no ledger.

    Raises:
        Stopped: `other_format`: its events are stored in a format that this version does not read; `schema_differs`: it
            was made by another baseline, or by the migrations before there was one.
    """
    if await connection.fetchval("select to_regnamespace('ledger')") is None:
        return False
    found = None
    if await connection.fetchval("select to_regclass('ledger.baseline')") is not None:
        # Format 1 had no column for its number.
        query = "select digest, coalesce((to_jsonb(b) ->> 'format')::integer, 1) as format from ledger.baseline b"
        row = await connection.fetchrow(query)
        if row is not None and row["format"] != FORMAT:
            raise Stopped("other_format", database=database, found=row["format"], expected=FORMAT)
        found = row and row["digest"]
    if found != schema_digest():
        raise Stopped("schema_differs", database=database)
    return True


def address_of(url: str) -> str:
    """Return host, port and name of a database, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"


async def installation_of(url: str) -> str | None:
    """Return the id of the installation that owns the ledger of a database, whatever its schema; None without one."""
    connection = await open_connection(url)
    try:
        if await connection.fetchval("select to_regclass('ledger.installation')") is None:
            return None
        found: str | None = await connection.fetchval("select id from ledger.installation")
        return found
    finally:
        await connection.close()


async def can_log_in(url: str, role: str) -> bool:
    """Whether the server of a database has a role that may log in. Roles belong to all databases of a server."""
    connection = await open_connection(url)
    try:
        return bool(await connection.fetchval("select rolcanlogin from pg_roles where rolname = $1", role))
    finally:
        await connection.close()


async def takes_password(url: str, role: str, password: str) -> bool:
    """Whether the server lets a role in with a password."""
    try:
        connection = await open_connection(as_role(url, role, password))
    except DATABASE_ERRORS as error:
        if is_login_refused(error):
            return False
        raise
    await connection.close()
    return True


def as_role(url: str, role: str, password: str) -> str:
    """Return the address of a database for another role."""
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{role}:{password}@{rest.rsplit('@', 1)[-1]}"


async def look_at(url: str, installation: str, database: str | None = None) -> None:
    """Check, as a role that reads the ledger, that this version can read a database and that it is this installation's.

    Raises:
        Stopped: as `has_schema`; `no_ledger`; `other_installation`; `passwords_unset`: the server does not take the
            role's password.
    """
    try:
        connection = await open_connection(url)
    except DATABASE_ERRORS as error:
        if is_login_refused(error):
            raise Stopped("passwords_unset") from None
        if is_database_missing(error):
            raise Stopped("no_ledger") from None
        raise
    try:
        found = None
        if await has_schema(connection, database or address_of(url)):
            found = await connection.fetchval("select id from ledger.installation")
    finally:
        await connection.close()
    if found is None:
        raise Stopped("no_ledger")
    if found != installation:
        raise Stopped("other_installation", expected=installation, found=found)


async def set_role_password(url: str, role: str, password: str) -> None:
    """Let a role log in with a password. The server quotes both."""
    connection = await open_connection(url)
    try:
        statement = await connection.fetchval(
            "select format('alter role %I login password %L', $1::text, $2::text)", role, password
        )
        await connection.execute(statement)
    finally:
        await connection.close()


async def claim(url: str, installation: str) -> bool:
    """Write the installation's id into the ledger. Return False when it has an id already."""
    connection = await open_connection(url)
    try:
        done = await connection.execute(
            "insert into ledger.installation (id, epoch) values ($1, 1) on conflict do nothing", installation
        )
        return bool(done == "INSERT 0 1")
    finally:
        await connection.close()


async def confirm_clock(url: str) -> None:
    """Allow appends again, after an operator has checked the clock: recorded times up to now are confirmed."""
    connection = await open_connection(url)
    try:
        await connection.execute(
            "update ledger.installation set clock_stopped = null, "
            "confirmed_until = (select recorded_at from ledger.event order by position desc limit 1)"
        )
    finally:
        await connection.close()
