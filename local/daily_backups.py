"""The daily backups in a folder: which of them count, and which are too old to be kept.

Others may be able to write there. So those count that the key of backups proves, by the names that the daily backup
gives; a false one neither stands for a day nor pushes a true one out.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from errors import InputError
from local.backup_files import BACKUP_FILE, CLOCKS_DIFFER, CODE_FILE, Backup, read_said
from local.backup_key import BackupKey

_NAME = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def daily_backups(folder: Path, key: BackupKey, now: datetime) -> list[Path]:
    """Return the folders of the daily backups that are proved, the newest first. `now` is in the zone of their names.

    A name is the day of the backup; one that took until after midnight was made on the next day. A later day than
    today's is none, and an older backup under a newer name is not counted.

    Raises:
        InputError: `file_unreadable`: the folder.
    """
    try:
        named = sorted((one for one in folder.iterdir() if _NAME.fullmatch(one.name)), reverse=True)
    except OSError as error:
        raise InputError("file_unreadable", str(folder), problem=error.strerror) from None
    return [one for one in named if not one.is_symlink() and _is_proved(one, key, now)]


def remove_older(newest_first: Sequence[Path], most: int) -> list[Path]:
    """Remove all but the newest backups; return what is left."""
    for old in newest_first[most:]:
        shutil.rmtree(old)
    return list(newest_first[:most])


def _is_proved(folder: Path, key: BackupKey, now: datetime) -> bool:
    try:
        day, said = date.fromisoformat(folder.name), read_said(folder / BACKUP_FILE)
        if not key.proves(said, read_said(folder / CODE_FILE).decode()):
            return False
        made = Backup.parse(said, folder / BACKUP_FILE)
        sizes = {name: (folder / name).lstat().st_size for name in made.files}
    except (InputError, ValueError, OSError):
        return False
    made_at = datetime.fromisoformat(made.made_at).astimezone(now.tzinfo)
    is_of_its_day = timedelta(0) <= made_at.date() - day <= timedelta(days=1)
    is_whole = all(kept.size == sizes[name] for name, kept in made.files.items())
    return is_of_its_day and is_whole and day <= now.date() and made_at <= now + CLOCKS_DIFFER
