"""The installation's id, keys and passwords: made at first use, in files of the data folder that only the owner reads.

The web process has key files of its own, for signing and for accounts, so it needs neither the other key nor the
passwords of roles that may append.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from nacl.signing import SigningKey

from local.account_keys import ACCOUNT_KEY_FILE, AccountKeys
from local.log_key import LOG_KEY_FILE, make_log_key
from local.paths import INSTALLATION_FILE
from local.private_files import write_private

ROLES = ("thidua_app", "thidua_reader", "thidua_web")
WEB_KEY_FILE = "web-key.json"


@dataclass(frozen=True, slots=True)
class EntryKey:
    """The key that an entry point signs with: its id and its private half."""

    installation: str
    rehearsal: bool
    key: str
    private: SigningKey

    @property
    def public_key(self) -> str:
        """The public half, in hex."""
        return bytes(self.private.verify_key).hex()


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation: id, entry keys, passwords of database roles. One for `rehearsal` may be deleted."""

    id: str
    key: str
    rehearsal: bool
    passwords: dict[str, str]
    private: SigningKey
    web: EntryKey

    @property
    def public_key(self) -> str:
        """The entry key's public half, in hex."""
        return bytes(self.private.verify_key).hex()


def is_founded(data: Path) -> bool:
    """Return whether a data folder holds an installation."""
    return (data / INSTALLATION_FILE).exists()


def installation_in(data: Path, *, rehearsal: bool = False) -> Installation:
    """Return the installation of a data folder; make one if there is none."""
    file = data / INSTALLATION_FILE
    if not file.exists():
        made = {
            "id": secrets.token_hex(8),
            "key": "entry-1",
            "rehearsal": rehearsal,
            "passwords": {role: secrets.token_urlsafe(24) for role in ROLES},
            "private_key": bytes(SigningKey.generate()).hex(),
        }
        write_private(file, json.dumps(made, indent=1))
    stored = json.loads(file.read_text())
    if missing := set(ROLES) - set(stored["passwords"]):  # the folder is older than a role
        stored["passwords"].update({role: secrets.token_urlsafe(24) for role in sorted(missing)})
        write_private(file, json.dumps(stored, indent=1))
    private = SigningKey(bytes.fromhex(stored.pop("private_key")))
    web_file = data / WEB_KEY_FILE
    if not web_file.exists():
        made = {
            "installation": stored["id"],
            "rehearsal": stored["rehearsal"],
            "key": "web-1",
            "private_key": bytes(SigningKey.generate()).hex(),
        }
        write_private(web_file, json.dumps(made, indent=1))
    AccountKeys(data / ACCOUNT_KEY_FILE).make()
    make_log_key(data / LOG_KEY_FILE, stored["id"], os.environ.get("THIDUA_WEB_ADDRESS", ""))
    return Installation(private=private, web=entry_key(web_file), **stored)


def entry_key(file: Path) -> EntryKey:
    """Read an entry point's key file.

    Raises:
        OSError, ValueError, KeyError: the file is missing or damaged.
    """
    stored = json.loads(file.read_text())
    private = SigningKey(bytes.fromhex(stored["private_key"]))
    return EntryKey(stored["installation"], stored["rehearsal"], stored["key"], private)
