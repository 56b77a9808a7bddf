"""The folders of an installation: data, cache and logs.

Each is set by environment (`THIDUA_DATA`, `THIDUA_CACHE`, `THIDUA_LOGS`) or follows the XDG defaults. PostgreSQL
refuses to run as root, so root's data must be reachable for a system user: if root's home folder is closed to others,
the defaults move to /var.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """The three folders of an installation, all of them absolute."""

    data: Path
    cache: Path
    logs: Path

    def make(self) -> Paths:
        """Create missing folders, readable for the system user that runs PostgreSQL."""
        for folder in (self.data, self.cache, self.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        return self


def paths() -> Paths:
    """Return the folders of the installation, as the environment sets them."""
    data = _folder("THIDUA_DATA", "XDG_DATA_HOME", ".local/share", "/var/lib")
    cache = _folder("THIDUA_CACHE", "XDG_CACHE_HOME", ".cache", "/var/cache")
    state = _folder("THIDUA_LOGS", "XDG_STATE_HOME", ".local/state", "/var/log")
    return Paths(data=data, cache=cache, logs=state)


POSTGRESQL, CHECKPOINTS, OUTBOX = "postgresql", "checkpoints", "outbox"
"""Folders in that of the data: the database's own, signed checkpoints, mails of a rehearsal."""

DATA_DISK, DATABASE_DISK = "THIDUA_DATA_DISK", "THIDUA_DATABASE_DISK"
"""Settings that name a folder on the disk of the data, and on that of the database: their free space is watched."""

INSTALLATION_FILE = "installation.json"

ROLES_FILE = "rehearsal-roles.json"
"""In the folder of a rehearsal: whom one may be there, and their password (`application.rehearsal_roles`)."""


def is_rehearsal(data: Path) -> bool:
    """Return whether the folder may be deleted: missing, empty, or with an installation for rehearsal."""
    file = data / INSTALLATION_FILE
    if file.exists():
        return bool(json.loads(file.read_text())["rehearsal"])
    return not data.exists() or not any(data.iterdir())


def reachable_by_others(path: Path) -> bool:
    """Return whether `path` and all its existing parent folders are open to other users."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents) if part.exists())


def _folder(own: str, xdg: str, under_home: str, for_root: str) -> Path:
    if named := os.environ.get(own):
        return Path(named).absolute()
    default = Path(os.environ.get(xdg) or Path.home() / under_home).absolute() / "thidua"
    if os.geteuid() == 0 and not reachable_by_others(default):
        return Path(for_root) / "thidua"
    return default
