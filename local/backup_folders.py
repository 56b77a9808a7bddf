"""The folder of a backup: it gets its name when all of it is written; what a kill leaves the next backup removes."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from errors import InputError
from local.private_files import sync_folder

DRAFT_SUFFIX = ".backup-draft"


def check_new_folder(folder: Path) -> None:
    """Check that nothing stands where a backup goes: no folder, or an empty one.

    Raises:
        InputError: `backup_in_the_way`, `file_unwritable`.
    """
    try:
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise InputError("backup_in_the_way", folder=str(folder))
    except OSError as error:
        raise InputError("file_unwritable", str(folder), problem=error.strerror) from None


@contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """Yield a folder beside the one that is asked for, which becomes it when all has gone well.

    A draft is locked while its process lives. Those that are not were left by a process that was killed: they are
    removed first.

    Raises:
        InputError: as `check_new_folder`.
    """
    check_new_folder(folder)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}{DRAFT_SUFFIX}")
    try:
        with _locked(folder.parent):  # so that no other process removes the draft before it is locked
            _remove_left(folder.parent)
            draft.mkdir(mode=0o700)
            own = os.open(draft, os.O_RDONLY)
            fcntl.flock(own, fcntl.LOCK_EX)
    except OSError as error:
        raise InputError("file_unwritable", str(folder), problem=error.strerror) from None
    try:
        yield draft
        sync_folder(draft)
        try:
            draft.rename(folder)  # in the place of an empty folder, too
        except OSError as error:
            raise InputError("file_unwritable", str(folder), problem=error.strerror) from None
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        os.close(own)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_left(folder: Path) -> None:
    for draft in folder.glob(f".*{DRAFT_SUFFIX}"):
        with suppress(OSError):  # another user's, or alive
            descriptor = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(draft, ignore_errors=True)
            finally:
                os.close(descriptor)
