"""The installation: its id and its entry keys, made at first use, kept in the data folder by the owner alone.

The web process has a key file of its own: it can sign for whom it has let in, and can read neither the other key nor
the passwords of the roles that may append.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from nacl.signing import SigningKey

ROLES = ("thidua_app", "thidua_reader", "thidua_web")
WEB_KEY_FILE = "web-key.json"


@dataclass(frozen=True, slots=True)
class EntryKey:
    """What an entry point signs with: the key's id and its private half; `installation` is whose it is."""

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
    """Who we are: id, entry key, passwords of our database roles; `rehearsal` ones may be thrown away."""

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


INSTALLATION_FILE = "installation.json"


def is_founded(data: Path) -> bool:
    """Whether there is an installation in a data folder."""
    return (data / INSTALLATION_FILE).exists()


def installation_in(data: Path, *, rehearsal: bool = False) -> Installation:
    """Read the installation of a data folder, or make one."""
    file = data / INSTALLATION_FILE
    if not file.exists():
        made = {
            "id": secrets.token_hex(8),
            "key": "entry-1",
            "rehearsal": rehearsal,
            "passwords": {role: secrets.token_urlsafe(24) for role in ROLES},
            "private_key": bytes(SigningKey.generate()).hex(),
        }
        _write_private(file, json.dumps(made, indent=1))
    data_read = json.loads(file.read_text())
    if missing := set(ROLES) - set(data_read["passwords"]):  # the folder is older than a role
        data_read["passwords"].update({role: secrets.token_urlsafe(24) for role in sorted(missing)})
        _write_private(file, json.dumps(data_read, indent=1))
    private = SigningKey(bytes.fromhex(data_read.pop("private_key")))
    web_file = data / WEB_KEY_FILE
    if not web_file.exists():
        made = {
            "installation": data_read["id"],
            "rehearsal": data_read["rehearsal"],
            "key": "web-1",
            "private_key": bytes(SigningKey.generate()).hex(),
        }
        _write_private(web_file, json.dumps(made, indent=1))
    return Installation(private=private, web=entry_key(web_file), **data_read)


def entry_key(file: Path) -> EntryKey:
    """Read an entry point's key file.

    Raises:
        OSError, ValueError, KeyError: it cannot be read.
    """
    found = json.loads(file.read_text())
    private = SigningKey(bytes.fromhex(found["private_key"]))
    return EntryKey(found["installation"], found["rehearsal"], found["key"], private)


def is_rehearsal(data: Path) -> bool:
    """True when the folder is missing or empty, or holds an installation that may be thrown away."""
    file = data / "installation.json"
    if file.exists():
        return bool(json.loads(file.read_text())["rehearsal"])
    return not data.exists() or not any(data.iterdir())


def _write_private(file: Path, text: str) -> None:
    draft = file.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)
