"""The key that signs checkpoints.

The origin of the log stands in its checkpoints as the name of the key: the host that it was made on, and the
installation. It is kept with the key, because a log keeps its origin when its machine gets another name, and when its
key is replaced.
"""

from __future__ import annotations

import platform
import re
from pathlib import Path
from urllib.parse import urlsplit

from ledger.notes import Ed25519Signer
from local.key_files import LOG_KEY_FILE, PrivateKey, read_key

__all__ = ["LOG_KEY_FILE", "log_key", "make_log_key"]


def make_log_key(file: Path, installation: str, address: str = "", *, rehearsal: bool = False) -> None:
    """Make the file, if there is none. `address` is that of the site, if one is set: its host names the log."""
    if file.exists():
        return
    host = urlsplit(address).hostname or platform.node() or "localhost"
    origin = f"{re.sub(r'[^a-z0-9.-]+', '-', host.lower())}/{installation}"
    PrivateKey.make("log", installation, rehearsal=rehearsal, origin=origin).write(file)


def log_key(file: Path) -> Ed25519Signer:
    """Return what signs checkpoints with the key of a file.

    Raises:
        InputError: as `read_key`.
    """
    return read_key(file, "log").note_signer
