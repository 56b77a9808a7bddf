"""The key file of accounts: secrets of one-time codes are encrypted under a key of its own (XChaCha20-Poly1305).

The file holds one key, and two while they are being replaced. Each ciphertext names its key and is bound to its owner.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from errors import CodedError, InputError, Kind
from local.private_files import read_private, write_private

ACCOUNT_KEY_FILE = "account-key.json"


class AccountKeyError(CodedError):
    """A stored secret cannot be read with the key file, or the file is not the one that the database goes by."""

    kind = Kind.CORRUPT


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The keys of a file, read each time, because another process may replace them."""

    file: Path

    def make(self) -> None:
        """Make the file with a first key, if there is none."""
        if not self.file.exists():
            self._write({(made := secrets.token_hex(4)): secrets.token_bytes(Aead.KEY_SIZE)}, made)

    @property
    def current(self) -> str:
        """The id of the key that encrypts."""
        return self._read()[1]

    def encrypt(self, owner: str, text: str) -> str:
        """Encrypt a text of a person under the current key.

        Raises:
            AccountKeyError
        """
        keys, current = self._read()
        sealed = Aead(keys[current]).encrypt(text.encode(), owner.encode())
        return f"{current}.{base64.b64encode(sealed).decode()}"

    def decrypt(self, owner: str, stored: str) -> str:
        """Return the text of a person.

        Raises:
            AccountKeyError: the file lacks the key, or the ciphertext was changed or belongs to another person.
        """
        name, _point, sealed = stored.partition(".")
        keys, _current = self._read()
        try:
            return Aead(keys[name]).decrypt(base64.b64decode(sealed), owner.encode()).decode()
        except (KeyError, ValueError, CryptoError) as error:
            raise AccountKeyError("account_key_unfit", file=self.file.name) from error

    def begin_rotation(self) -> str:
        """Add a key that encrypts from now on; return its id. Older keys stay, so that what they encrypted is read."""
        keys, _current = self._read()
        made = secrets.token_hex(4)
        self._write({**keys, made: secrets.token_bytes(Aead.KEY_SIZE)}, made)
        return made

    def end_rotation(self) -> None:
        """Remove all keys but the current one."""
        keys, current = self._read()
        self._write({current: keys[current]}, current)

    def _read(self) -> tuple[dict[str, bytes], str]:
        try:
            stored = json.loads(read_private(self.file))
            keys = {name: bytes.fromhex(key) for name, key in stored["keys"].items()}
            return keys, {name: name for name in keys}[stored["current"]]
        except InputError as error:
            code = "account_key_open" if error.code == "key_file_open" else "account_key_unreadable"
            raise AccountKeyError(code, file=self.file.name) from error
        except (ValueError, KeyError, AttributeError) as error:
            raise AccountKeyError("account_key_unreadable", file=self.file.name) from error

    def _write(self, keys: dict[str, bytes], current: str) -> None:
        named = {name: key.hex() for name, key in keys.items()}
        write_private(self.file, json.dumps({"current": current, "keys": named}, indent=1))
