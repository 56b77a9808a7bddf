"""Files that only their owner reads, replaced as a whole; and logs, which a group may read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from errors import InputError


def read_private(file: Path) -> str:
    """Return the text of a file.

    Raises:
        InputError: `key_file_missing`; `key_file_open`: others than its owner may read or write it; `key_file_bad`: it
            is no text.
    """
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise InputError("key_file_open", file=str(file))
            return opened.read().decode()
    except OSError as error:
        raise InputError("key_file_missing", file=str(file), problem=error.strerror) from None
    except ValueError:
        raise InputError("key_file_bad", file=str(file)) from None


def open_unlinked(file: Path) -> BinaryIO:
    """Open a file of a folder in which others can write: a link is not followed, and a named pipe not waited for.

    Raises:
        OSError: it cannot be opened, or is a link; `ENODEV`: it is no file.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV), str(file))
    return os.fdopen(descriptor, "rb")


def write_private(file: Path, text: str, *, owner: os.stat_result | None = None, mode: int = 0o600) -> None:
    """Write a file through a draft beside it: after a crash, there is the old file or the new one.

    `owner` is whose user and group it gets. Where root writes among others' files, rights are set here and not
    afterwards: then another file could have its name.
    """
    draft = file.with_suffix(".new")
    with suppress(FileNotFoundError):
        draft.unlink()  # left by a crash
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fchmod(descriptor, mode)
        if owner is not None:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        os.fsync(out.fileno())
    draft.rename(file)
    sync_folder(file.parent)


def open_log(file: Path) -> int:
    """Open a log to be written at its end; return its descriptor. A line can hold what somebody has typed."""
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)


def sync_folder(path: Path) -> None:
    """Make sure that the names of the files in a folder are on the disk."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def secret_of(env: Mapping[str, str], name: str) -> str | None:
    """Return a setting, or the text of the file that the setting NAME_FILE names; None where neither is set.

    Raises:
        InputError: as `read_private`.
    """
    if value := env.get(name):
        return value
    file = env.get(f"{name}_FILE")
    return read_private(Path(file)).strip() or None if file else None
