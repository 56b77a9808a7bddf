"""The files of an installation's keys, each of which only its owner reads.

Each process has its own: the command line, the web, the worker for checkpoints. The root key, which names and retires
the others, may be taken away to another place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from nacl.signing import SigningKey

from errors import InputError
from ledger.notes import Ed25519Signer
from ledger.signing import Signer
from local.private_files import read_private, write_private

ROOT_KEY_FILE = "root-key.json"
CLI_KEY_FILE = "cli-key.json"
WEB_KEY_FILE = "web-key.json"
LOG_KEY_FILE = "log-key.json"

KEY_FILES = {"root": ROOT_KEY_FILE, "cli": CLI_KEY_FILE, "web": WEB_KEY_FILE, "log": LOG_KEY_FILE}
"""The file of each kind of key in the data folder."""


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key with its private half. `kind` is one of `KEY_FILES`; `key` its name; `origin` that of a log key's log."""

    installation: str
    rehearsal: bool
    kind: str
    key: str
    private: SigningKey
    origin: str = ""

    @classmethod
    def make(cls, kind: str, installation: str, *, rehearsal: bool, key: str = "", origin: str = "") -> PrivateKey:
        """Make a key. Without a name it is the first of its kind."""
        return cls(installation, rehearsal, kind, key or f"{kind}-1", SigningKey.generate(), origin)

    def renewed(self, key: str) -> PrivateKey:
        """Return a new key in the place of this one."""
        return replace(self, key=key, private=SigningKey.generate())

    @property
    def public(self) -> bytes:
        """The public half."""
        return bytes(self.private.verify_key)

    @property
    def public_key(self) -> str:
        """The public half, in hex."""
        return self.public.hex()

    def signer(self, epoch: int) -> Signer:
        """What signs commands with it, in a writer epoch."""
        return Signer(self.installation, epoch, self.key, self.private)

    @property
    def note_signer(self) -> Ed25519Signer:
        """What signs checkpoints with it."""
        return Ed25519Signer(self.origin, self.private)

    def write(self, file: Path) -> None:
        """Write it into a file that only its owner may read."""
        data = {
            "installation": self.installation,
            "rehearsal": self.rehearsal,
            "kind": self.kind,
            "key": self.key,
            **({"origin": self.origin} if self.origin else {}),
            "private_key": bytes(self.private).hex(),
        }
        write_private(file, json.dumps(data, indent=1))


def read_key(file: Path, kind: str, installation: str = "") -> PrivateKey:
    """Read a key file of a kind; with `installation`, it must be of this one.

    Raises:
        InputError: `key_file_missing`; `key_file_open`: others than its owner may read it; `key_file_bad`;
            `key_file_kind`: it holds another key; `key_file_foreign`: it is of another installation.
    """
    text = read_private(file)
    try:
        stored = json.loads(text)
        key = PrivateKey(
            str(stored["installation"]),
            bool(stored["rehearsal"]),
            str(stored["kind"]),
            str(stored["key"]),
            SigningKey(bytes.fromhex(stored["private_key"])),
            str(stored.get("origin", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError("key_file_bad", file=str(file)) from None
    if key.kind != kind:
        raise InputError("key_file_kind", file=str(file))
    if installation and key.installation != installation:
        raise InputError("key_file_foreign", file=str(file))
    return key


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key file that is read at each use: while the process runs, another one may put a new key there."""

    file: Path
    kind: str
    installation: str

    def read(self) -> PrivateKey:
        """Read it.

        Raises:
            InputError: as `read_key`.
        """
        return read_key(self.file, self.kind, self.installation)
