"""How an installation is founded on a database: schema, roles, law, keys and certificates.

The engine of one machine (`local/engine.py`) and the services of compose (`local/services.py`) are set up by it.
"""

from __future__ import annotations

from collections.abc import Callable

from ledger.events import RecordedEvent
from ledger.postgres import open_ledger
from ledger.protocol import Append, Stopped, load_all
from ledger.setup import apply_schema, as_role, claim, look_at, set_role_password
from local.certificates import CERTIFICATES, Certificates
from local.installation import ROLES, Installation, installation_in, is_founded
from local.ownership import check_new, check_own, note_founded
from local.paths import Paths

DATABASE = "thidua"
"""The name of our database on a server of our own."""

Bootstrap = Callable[[Installation, tuple[RecordedEvent, ...], int], Append | None]
"""Returns what to append to the installation's own stream, from its rows and the writer epoch: law and keys."""

RoleUrls = tuple[str, str, str]
"""The addresses of a database for application, reader and web."""


async def installation_for(paths: Paths, database_url: str | None, *, rehearsal: bool = False) -> Installation:
    """Return the installation of the data folder; found one where there is none, and none was.

    Raises:
        InputError: as `check_new`.
    """
    if not is_founded(paths.data):
        await check_new(paths, database_url)
    return installation_in(paths.data, rehearsal=rehearsal)


async def look_at_ledger(paths: Paths, installed: Installation, owner: str, name: str) -> RoleUrls:
    """Check that the database is this installation's, without a change; return its addresses.

    Raises:
        InputError: as `check_own`.
        LedgerError: as `look_at`.
    """
    urls = role_urls(owner, installed)
    try:
        await look_at(urls[0], installed.id, name)
    except Stopped as error:
        if error.code in {"passwords_unset", "other_installation", "no_ledger"}:
            # As the owner it can be said whose the database is, and what was lost.
            await check_own(paths, installed, owner, name)
        raise
    return urls


async def found_ledger(
    paths: Paths, installed: Installation, owner: str, bootstrap: Bootstrap, name: str, *, reading: bool = False
) -> RoleUrls:
    """Make of the database the ledger of the installation, where it is not yet; note that it has one.

    Raises:
        InputError: as `check_own`. Nothing was changed.
        LedgerError: as `prepare_ledger`.
    """
    await check_own(paths, installed, owner, name)
    Certificates(paths.data / CERTIFICATES).make_missing()
    urls = await prepare_ledger(owner, bootstrap, installed, name, reading=reading)
    note_founded(paths, installed)
    return urls


async def prepare_ledger(
    owner: str, bootstrap: Bootstrap, installed: Installation, name: str | None = None, *, reading: bool = False
) -> RoleUrls:
    """Prepare schema, roles, the installation's law and its keys; return the addresses for application, reader and web.

    `name` is what an error calls the database; by default its address. With `reading`, nothing is appended to a founded
    ledger: a command that only reads puts no law in force, and works where a newer one is.

    Raises:
        LedgerError: `schema_differs`: another version of the program made the database. `older_law`: a newer version
            has put its law in force.
    """
    await apply_schema(owner, name)
    await set_passwords(owner, installed)
    await claim(owner, installed.id)
    ledger = await open_ledger(owner, installed.id)
    try:
        rows = await load_all(ledger, "installation")
        if not (rows and reading) and (request := bootstrap(installed, rows, ledger.epoch)) is not None:
            await ledger.append(request)
    finally:
        await ledger.close()
    return role_urls(owner, installed)


async def set_passwords(owner: str, installed: Installation) -> None:
    """Let the roles of a database log in with the passwords of the installation."""
    for role in ROLES:
        await set_role_password(owner, role, installed.passwords[role])


def role_urls(owner: str, installed: Installation) -> RoleUrls:
    """Return the addresses of the owner's database for application, reader and web."""
    app, reader, web = (as_role(owner, role, installed.passwords[role]) for role in ROLES)
    return app, reader, web
