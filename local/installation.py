"""The installation: its id and its entry key, made at first use, kept in the data folder by the owner alone."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from nacl.signing import SigningKey

ROLES = ("thidua_app", "thidua_reader")


@dataclass(frozen=True, slots=True)
class Installation:
    """Who we are: id, entry key, passwords of our database roles; `rehearsal` ones may be thrown away."""

    id: str
    key: str
    rehearsal: bool
    passwords: dict[str, str]
    private: SigningKey

    @property
    def public_key(self) -> str:
        """The entry key's public half, in hex."""
        return bytes(self.private.verify_key).hex()


def installation_in(data: Path, *, rehearsal: bool = False) -> Installation:
    """Read the installation of a data folder, or make one."""
    file = data / "installation.json"
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
    private = SigningKey(bytes.fromhex(data_read.pop("private_key")))
    return Installation(private=private, **data_read)


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
