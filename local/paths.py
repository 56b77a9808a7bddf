"""Where this installation keeps its data, its cache and its logs.

Each folder is set by environment (`THIDUA_DATA`, `THIDUA_CACHE`, `THIDUA_LOGS`) or follows the XDG
defaults. PostgreSQL refuses to run as root, so for root the data must lie where a system user can reach
it: when a home folder is closed to others, root's defaults move to /var.
"""

from __future__ import annotations

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
        """Create what is missing, closed to nobody who must pass through."""
        for folder in (self.data, self.cache, self.logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        return self


def paths() -> Paths:
    """The folders of the installation that the environment names."""
    data = _folder("THIDUA_DATA", "XDG_DATA_HOME", ".local/share", "/var/lib")
    cache = _folder("THIDUA_CACHE", "XDG_CACHE_HOME", ".cache", "/var/cache")
    state = _folder("THIDUA_LOGS", "XDG_STATE_HOME", ".local/state", "/var/log")
    return Paths(data=data, cache=cache, logs=state)


def reachable_by_others(path: Path) -> bool:
    """True when every folder on the way down to `path` that exists lets other users pass."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents) if part.exists())


def _folder(own: str, xdg: str, under_home: str, for_root: str) -> Path:
    if named := os.environ.get(own):
        return Path(named).absolute()
    usual = Path(os.environ.get(xdg) or Path.home() / under_home).absolute() / "thidua"
    if os.geteuid() == 0 and not reachable_by_others(usual):
        return Path(for_root) / "thidua"
    return usual
