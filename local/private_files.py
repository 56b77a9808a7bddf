"""Files that only their owner reads, replaced as a whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_private(file: Path, text: str) -> None:
    """Write a file through a draft beside it: after a crash, there is the old file or the new one."""
    draft = file.with_suffix(".new")
    with suppress(FileNotFoundError):
        draft.unlink()  # left by a crash
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
