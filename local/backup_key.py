"""The key that proves backups: who can write where they lie, but has not this key, cannot make a false one.

`backup.json` holds the digests of a backup's files, and its code under this key (HMAC-SHA256) stands beside it. The key
is in the data folder and among the backed up keys, never with the database unless that was asked for.
"""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from errors import InputError
from local.private_files import read_private, write_private

BACKUP_KEY_FILE = "backup-key.json"
_BYTES = 32
_PURPOSE = b"thidua backup 1\n"
"""What is proved begins so: a code of this key means nothing elsewhere."""


@dataclass(frozen=True, slots=True)
class BackupKey:
    """The key of an installation."""

    installation: str
    key: bytes

    @classmethod
    def make_missing(cls, file: Path, installation: str) -> None:
        """Make a new key in a file, if there is none."""
        if not file.exists():
            made = {"installation": installation, "backup_key": secrets.token_hex(_BYTES)}
            write_private(file, json.dumps(made, indent=1))

    @classmethod
    def read(cls, file: Path) -> BackupKey:
        """Read a file.

        Raises:
            InputError: `key_file_missing`, `key_file_open`, `key_file_bad`.
        """
        text = read_private(file)
        try:
            stored = json.loads(text)
            found = cls(str(stored["installation"]), bytes.fromhex(stored["backup_key"]))
        except (ValueError, KeyError, TypeError):
            found = None
        if found is None or len(found.key) != _BYTES:
            raise InputError("key_file_bad", file=str(file))
        return found

    def code(self, said: bytes) -> str:
        """The code of what a backup says of itself, in hex."""
        return hmac.digest(self.key, _PURPOSE + said, "sha256").hex()

    def proves(self, said: bytes, code: str) -> bool:
        """Whether a code is the one of what a backup says of itself."""
        return hmac.compare_digest(self.code(said).encode(), code.strip().encode())
