"""The installation's id, keys and passwords: made at first use, in files of the data folder that only the owner reads.

Each process has a key file of its own (`local/key_files.py`). The web needs neither the keys of others nor the
passwords of roles that may append.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from errors import InputError
from local.account_keys import ACCOUNT_KEY_FILE, AccountKeys
from local.backup_key import BACKUP_KEY_FILE, BackupKey
from local.key_files import KEY_FILES, LOG_KEY_FILE, ROOT_KEY_FILE, PrivateKey, read_key
from local.log_key import make_log_key
from local.paths import INSTALLATION_FILE
from local.private_files import read_private, write_private

ROLES = ("thidua_app", "thidua_reader", "thidua_web")


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation: id, passwords of database roles, keys by file. One for `rehearsal` may be deleted.

    `root_public_key` is that of the first root key, in hex: a ledger that begins with another one is noticed. None
    where the file was lost and made again.
    """

    id: str
    rehearsal: bool
    passwords: dict[str, str]
    root_public_key: str | None
    folder: Path

    def key(self, kind: str, file: Path | None = None) -> PrivateKey:
        """Read a key: from the data folder, or from the file that is named.

        Raises:
            InputError: as `read_key`.
        """
        return read_key(file or self.folder / KEY_FILES[kind], kind, self.id)

    @property
    def cli(self) -> PrivateKey:
        """The command line's entry key."""
        return self.key("cli")

    @property
    def web(self) -> PrivateKey:
        """The web's entry key."""
        return self.key("web")


def is_founded(data: Path) -> bool:
    """Return whether a data folder holds an installation."""
    return (data / INSTALLATION_FILE).exists()


def installation_in(data: Path, *, rehearsal: bool = False) -> Installation:
    """Return the installation of a data folder; make one if there is none.

    Raises:
        InputError: `key_file_open`, `key_file_bad`, `key_file_missing`: its file cannot be used.
    """
    file = data / INSTALLATION_FILE
    if not file.exists():
        _found(data, rehearsal=rehearsal)
    installed = read_installation(data)
    if missing := set(ROLES) - set(installed.passwords):  # the folder is older than a role
        installed.passwords.update({role: secrets.token_urlsafe(24) for role in sorted(missing)})
        stored = json.loads(read_private(file))
        write_private(file, json.dumps({**stored, "passwords": installed.passwords}, indent=1))
    AccountKeys(data / ACCOUNT_KEY_FILE).make()
    BackupKey.make_missing(data / BACKUP_KEY_FILE, installed.id)
    return installed


def read_installation(folder: Path) -> Installation:
    """Return the installation whose file lies in a folder.

    Raises:
        InputError: `key_file_open`, `key_file_bad`, `key_file_missing`.
    """
    file = folder / INSTALLATION_FILE
    try:
        stored = json.loads(read_private(file))
        return Installation(
            stored["id"], stored["rehearsal"], dict(stored["passwords"]), stored["root_public_key"], folder
        )
    except (ValueError, KeyError, TypeError):
        raise InputError("key_file_bad", file=str(file)) from None


def _found(data: Path, *, rehearsal: bool) -> None:
    """Make the files of an installation: the root key first, its own last.

    So after a crash the keys that were made are used. A folder with keys, but without the root key, is no new one.
    """
    made: PrivateKey | None = None
    for kind, name in KEY_FILES.items():
        with suppress(InputError):
            made = made or read_key(data / name, kind)
    id_, rehearsal = (made.installation, made.rehearsal) if made else (secrets.token_hex(8), rehearsal)
    for kind in ("root", "cli", "web"):
        if not (data / KEY_FILES[kind]).exists() and not (made and kind == "root"):
            PrivateKey.make(kind, id_, rehearsal=rehearsal).write(data / KEY_FILES[kind])
    make_log_key(data / LOG_KEY_FILE, id_, os.environ.get("THIDUA_WEB_ADDRESS", ""), rehearsal=rehearsal)
    has_root = (data / ROOT_KEY_FILE).exists()
    founded = {
        "id": id_,
        "rehearsal": rehearsal,
        "passwords": {role: secrets.token_urlsafe(24) for role in ROLES},
        "root_public_key": read_key(data / ROOT_KEY_FILE, "root", id_).public_key if has_root else None,
    }
    write_private(data / INSTALLATION_FILE, json.dumps(founded, indent=1))
