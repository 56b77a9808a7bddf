"""When the newest backup was made: a note outside of the backups, which worker and pages read to tell of its age."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from errors import InputError
from local.private_files import write_private

LAST_BACKUP = "THIDUA_LAST_BACKUP"
"""A setting: the file of the note."""

LAST_BACKUP_FILE = "last-backup.json"
"""The file in the data folder."""

_READABLE = 0o644


@dataclass(frozen=True, slots=True)
class LastBackup:
    """What is known of the newest backup. `made_at` is None before the first one."""

    made_at: datetime | None


def note_backup(file: Path, made_at: str) -> None:
    """Note a backup that was made. Everybody may read when.

    Raises:
        InputError: `file_unwritable`: the backup is there all the same.
    """
    try:
        write_private(file, json.dumps({"made_at": made_at}))
        file.chmod(_READABLE)
    except OSError as error:
        raise InputError("file_unwritable", str(file), problem=error.strerror) from None


def last_backup(file: Path) -> LastBackup | None:
    """Return what a note says; None where it cannot be read. Without a note no backup was made."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        try:
            made_at = datetime.fromisoformat(json.loads(file.read_bytes())["made_at"])
        except FileNotFoundError:
            return LastBackup(None)
        return LastBackup(made_at.astimezone(UTC))
    return None
