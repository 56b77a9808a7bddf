"""Whose a folder and a database are, looked at before anything in them is made or changed.

An installation is founded where none was, and nothing is changed in a database of another one: setting the
passwords of its roles locks its worker and pages out.
"""

from __future__ import annotations

import json

from errors import InputError
from ledger.setup import address_of, can_log_in, installation_of, takes_password
from local.account_keys import ACCOUNT_KEY_FILE
from local.backup_key import BACKUP_KEY_FILE
from local.certificates import CERTIFICATES
from local.installation import ROLES, Installation
from local.key_files import KEY_FILES
from local.paths import CHECKPOINTS, INSTALLATION_FILE, OUTBOX, POSTGRESQL, Paths
from local.private_files import write_private

FOUNDED_FILE = "founded.json"
"""In the folder of logs: the real installations that have a ledger, by data folder. So a loss is noticed."""

KEPT = (INSTALLATION_FILE, *KEY_FILES.values(), ACCOUNT_KEY_FILE, BACKUP_KEY_FILE)
"""The files of an installation, each of which only its owner reads."""

TRACES = (POSTGRESQL, CHECKPOINTS, OUTBOX)
"""What an installation leaves in its folder; an installation that is being founded makes it after its own file."""


async def check_new(paths: Paths, database_url: str | None) -> None:
    """Check that an installation may be founded: none was in the folder, and none owns the database that is set.

    Raises:
        InputError: `installation_damaged`, `installation_gone`, `database_taken` or `database_server_taken`. Nothing
            was changed.
    """
    folder = str(paths.data)
    if any((paths.data / name).exists() for name in TRACES):
        raise InputError("installation_damaged", folder=folder)
    if folder in _founded(paths):
        raise InputError("installation_gone", folder=folder, file=str(paths.logs / FOUNDED_FILE))
    if database_url is not None:
        if await installation_of(database_url) is not None:
            raise InputError("database_taken", database=address_of(database_url), folder=folder)
        if await can_log_in(database_url, ROLES[0]):
            raise InputError("database_server_taken", database=address_of(database_url))


def check_empty(paths: Paths, installation: str) -> None:
    """Check that an installation may be restored into the data folder: nothing of one is there, nor belongs there.

    What was lost may come back: the installation that was noted for this folder.

    Raises:
        InputError: `folder_not_empty`, `folder_of_another`.
    """
    known = {*KEPT, *TRACES, CERTIFICATES}
    if found := sorted(name for name in known if (paths.data / name).exists()):
        raise InputError("folder_not_empty", folder=str(paths.data), found=", ".join(found))
    if _founded(paths).get(str(paths.data), installation) != installation:
        raise InputError("folder_of_another", folder=str(paths.data), file=str(paths.logs / FOUNDED_FILE))


def note_founded(paths: Paths, installed: Installation) -> None:
    """Note that the installation of the data folder has a ledger. A rehearsal may be lost."""
    known, folder = _founded(paths), str(paths.data)
    if not installed.rehearsal and known.get(folder) != installed.id:
        write_private(paths.logs / FOUNDED_FILE, json.dumps({**known, folder: installed.id}, indent=1))


def check_ledger_kept(paths: Paths, installed: Installation, database: str) -> None:
    """Check, of a database without a ledger, that the installation never had one.

    Raises:
        InputError: `ledger_gone`.
    """
    if _founded(paths).get(str(paths.data)) == installed.id:
        raise InputError("ledger_gone", database=database, folder=str(paths.data), file=str(paths.logs / FOUNDED_FILE))


async def check_own(paths: Paths, installed: Installation, url: str, database: str) -> None:
    """Check that a database belongs to this installation, or to none yet. `database` is what an error calls it.

    Raises:
        InputError: `database_of_another`; `database_server_taken`: another database of its server belongs to another
            installation, whose roles have the same names; `ledger_gone`. Nothing was changed.
    """
    found, role = await installation_of(url), ROLES[0]
    if found == installed.id:
        return
    if found is not None:
        raise InputError(
            "database_of_another", database=database, found=found, own=installed.id, folder=str(paths.data)
        )
    check_ledger_kept(paths, installed, database)
    if await can_log_in(url, role) and not await takes_password(url, role, installed.passwords[role]):
        raise InputError("database_server_taken", database=database)


def _founded(paths: Paths) -> dict[str, str]:
    try:
        found = json.loads((paths.logs / FOUNDED_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, dict) else {}
