"""What a backup says of itself, and reading it: in a copy that nobody else can write, and only the copy counts.

Who can write where backups lie could put another file into the place of one that was checked. So a file is copied and
checked in one reading, and what was proved is what is parsed and loaded.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from errors import InputError
from ledger.checkpoints import FILE as CHECKPOINT_FILE
from ledger.setup import FORMAT as LEDGER_FORMAT
from ledger.setup import schema_digest
from local.backup_key import BACKUP_KEY_FILE, BackupKey
from local.key_files import ROOT_KEY_FILE
from local.ownership import KEPT
from local.private_files import open_unlinked

BACKUP_FILE = "backup.json"
CODE_FILE = "backup.code"
"""The code of `backup.json` under the key of backups, in hex."""

KEYS_FILE = "keys.json"
KEYS_INSIDE = "keys"
"""The folder of the keys inside a backup that was asked to hold them."""

DUMP_FILE = "database.dump"
FORMAT = 2
MAY_BE_AWAY = frozenset({ROOT_KEY_FILE, BACKUP_KEY_FILE})
"""Files that a folder of keys may lack: one is taken away, the other can be lost."""

COPY = "restoring"
"""The folder of the copy, in that of the data: it is there while a restore runs."""

CLOCKS_DIFFER = timedelta(minutes=5)
_READ_BYTES = 1 << 20
"""So much is read at once; and no more of a file that says something."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a backup: its size in bytes and its sha256 in hex."""

    size: int
    sha256: str

    @classmethod
    def of(cls, file: Path) -> Kept:
        """Read a file."""
        digest, size = sha256(), 0
        with file.open("rb") as opened:
            while read := opened.read(_READ_BYTES):
                digest.update(read)
                size += len(read)
        return cls(size, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself. `tip` is the digest of the last of its `events`, in hex; `law` the highest in them.

    `schema` is the sha256 of the database's schema, `made_at` a moment in UTC.
    """

    installation: str
    program: str
    schema: str
    ledger_format: int
    law: int
    events: int
    tip: str
    made_at: str
    files: Mapping[str, Kept] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def parse(cls, said: bytes, file: Path) -> Backup:
        """Parse the bytes of `backup.json`. `file` is what an error names.

        Raises:
            InputError: `backup_unreadable`.
        """
        told = _parsed(said, file)
        try:
            found = cls(**{**told, "files": _files(told)})
            is_typed = datetime.fromisoformat(found.made_at).tzinfo is not None and type(found.law) is int
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError("backup_unreadable", file=str(file)) from None
        if not is_typed or DUMP_FILE not in found.files or not {DUMP_FILE, CHECKPOINT_FILE}.issuperset(found.files):
            raise InputError("backup_unreadable", file=str(file))
        return found


@dataclass(frozen=True, slots=True)
class AskedBackup:
    """The folder of a backup that is to be restored, and that of its keys, if they are elsewhere.

    `digest` is the sha256 of `backup.json`, in hex, which its maker has noted. It is for when the key is lost.
    """

    folder: Path
    keys: Path | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class ProvedBackup:
    """A backup that was checked, in the folder of its copy; its keys by name in another one.

    `source` is the folder that was copied, which errors name.
    """

    made: Backup
    folder: Path
    keys: Path
    key_files: tuple[str, ...]
    source: Path


@contextmanager
def proved_backup(asked: AskedBackup, data: Path, program: str, law: int) -> Iterator[ProvedBackup]:
    """Yield a backup that all is there of as its installation has made it, for this program, in a copy below `data`.

    The caller holds the lock of `data`. The copy is removed at the end, also after an error.

    Raises:
        InputError: `backup_missing`, `backup_unreadable`, `backup_damaged`: no backup, or not the whole of one;
            `backup_of_other_release`: this program cannot read its database; `clock_behind_backup`;
            `backup_without_keys`; `backup_keys_foreign`: they are of another installation; `key_file_open`;
            `backup_digest_differs`; `backup_not_proved`: no code, no key, or not the code of this key.
        OSError: the disk is full.
    """
    copy = data / COPY
    shutil.rmtree(copy, ignore_errors=True)  # left by a restore that was killed
    copy.mkdir(mode=0o700)
    try:
        yield _proved(asked, copy, program, law)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def read_said(file: Path) -> bytes:
    """Return the bytes of a file that says something of a backup.

    Raises:
        InputError: `backup_missing`.
    """
    try:
        with open_unlinked(file) as opened:
            return opened.read(_READ_BYTES)
    except OSError as error:
        raise InputError("backup_missing", file=str(file), problem=error.strerror) from None


def _proved(asked: AskedBackup, copy: Path, program: str, law: int) -> ProvedBackup:
    folder = asked.folder
    said = read_said(folder / BACKUP_FILE)
    made = Backup.parse(said, folder / BACKUP_FILE)
    if (made.schema, made.ledger_format) != (schema_digest(), LEDGER_FORMAT) or made.law > law:
        raise InputError("backup_of_other_release", folder=str(folder), found=made.program, own=program)
    made_at, now = datetime.fromisoformat(made.made_at), datetime.now(UTC)
    if made_at > now + CLOCKS_DIFFER:
        raise InputError("clock_behind_backup", made=made_at, now=now)
    if asked.keys is None and not (folder / KEYS_INSIDE).is_dir():
        raise InputError("backup_without_keys", folder=str(folder))
    keys, copied_keys = asked.keys or folder / KEYS_INSIDE, copy / KEYS_INSIDE
    copied_keys.mkdir(mode=0o700)
    key_files = _copy_keys(keys, copied_keys, made.installation)
    if asked.digest is None:
        _check_code(said, folder, keys, copied_keys)
    elif asked.digest.strip().lower() != sha256(said).hexdigest():
        raise InputError("backup_digest_differs", folder=str(folder))
    for name, kept in made.files.items():
        _copy(folder / name, copy / name, kept)
    return ProvedBackup(made, copy, copied_keys, key_files, folder)


def _check_code(said: bytes, folder: Path, keys: Path, copied_keys: Path) -> None:
    try:
        code = read_said(folder / CODE_FILE).decode()
        is_proved = BackupKey.read(copied_keys / BACKUP_KEY_FILE).proves(said, code)
    except (InputError, ValueError):
        is_proved = False
    if not is_proved:
        raise InputError("backup_not_proved", folder=str(folder), keys=str(keys))


def _copy_keys(keys: Path, copy: Path, installation: str) -> tuple[str, ...]:
    """Copy a folder of keys; return the names of its files."""
    listed = keys / KEYS_FILE
    told = _parsed(read_said(listed), listed)
    try:
        files, found = _files(told), str(told["installation"])
        known = set(KEPT).issuperset(files) and set(KEPT) - MAY_BE_AWAY <= set(files)
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise InputError("backup_unreadable", file=str(listed))
    for name, kept in files.items():
        _copy(keys / name, copy / name, kept, is_key=True)
    if found != installation:
        raise InputError("backup_keys_foreign", folder=str(keys), found=found, expected=installation)
    return tuple(files)


def _parsed(said: bytes, file: Path) -> dict[str, Any]:
    try:
        told = json.loads(said)
    except (ValueError, RecursionError):
        raise InputError("backup_unreadable", file=str(file)) from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise InputError("backup_unreadable", file=str(file))
    return told


def _files(told: Mapping[str, Any]) -> dict[str, Kept]:
    files = {str(name): Kept(**kept) for name, kept in told["files"].items()}
    if not all(type(kept.size) is int for kept in files.values()):
        raise TypeError
    return files


def _copy(source: Path, target: Path, kept: Kept, *, is_key: bool = False) -> None:
    """Copy a file that is as it is listed. Of a larger one not more is copied than shows it."""
    try:
        opened = open_unlinked(source)
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise InputError("backup_damaged", file=str(source)) from None
        raise InputError("backup_missing", file=str(source), problem=error.strerror) from None
    with opened:
        if is_key and os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InputError("key_file_open", file=str(source))
        digest, left = sha256(), kept.size + 1
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            while left > 0 and (read := opened.read(min(_READ_BYTES, left))):
                digest.update(read)
                out.write(read)
                left -= len(read)
    if (left, digest.hexdigest()) != (1, kept.sha256):
        raise InputError("backup_damaged", file=str(source))
