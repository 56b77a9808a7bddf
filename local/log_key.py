"""The key that signs checkpoints, in a file of the data folder that only its owner reads.

The name of the key is the origin of the log in its checkpoints: the host that it was made on, and the installation. It
is kept with the key, because a log keeps its origin when its machine gets another name.
"""

from __future__ import annotations

import json
import platform
import re
import stat
from pathlib import Path
from urllib.parse import urlsplit

from nacl.signing import SigningKey

from errors import InputError
from ledger.notes import Ed25519Signer
from local.private_files import write_private

LOG_KEY_FILE = "log-key.json"


def make_log_key(file: Path, installation: str, address: str = "") -> None:
    """Make the file, if there is none. `address` is that of the site, if one is set: its host names the log."""
    if file.exists():
        return
    host = urlsplit(address).hostname or platform.node() or "localhost"
    made = {
        "origin": f"{re.sub(r'[^a-z0-9.-]+', '-', host.lower())}/{installation}",
        "private_key": bytes(SigningKey.generate()).hex(),
    }
    write_private(file, json.dumps(made, indent=1))


def log_key(file: Path) -> Ed25519Signer:
    """Return the key of a file.

    Raises:
        InputError: `key_file_missing`, `key_file_bad`, or `key_file_open`: others than its owner may read it.
    """
    try:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError("key_file_open", file=str(file))
        stored = json.loads(file.read_text())
        return Ed25519Signer(stored["origin"], SigningKey(bytes.fromhex(stored["private_key"])))
    except OSError as error:
        raise InputError("key_file_missing", file=str(file), problem=error.strerror) from None
    except (ValueError, KeyError, TypeError):
        raise InputError("key_file_bad", file=str(file)) from None
