"""Checkpoints: the last position and digests of the ledger, in a file outside the database.

With them a ledger is recognised whose last events were deleted, or that was restored from an old copy. The root is a
Merkle tree hash over the events' digests in order (RFC 6962, section 2.1). An auditor who has kept one line of the file
can later prove that all events up to its position are unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

FILE = "checkpoints.jsonl"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger up to and including `position`: the last event's digest and the Merkle root, in hex."""

    position: int
    digest: str
    root: str
    recorded_at: str


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of RFC 6962 over byte strings."""
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, node = 1, sha256(b"\x00" + leaf).digest()
        while stack and stack[-1][0] == size:
            left = stack.pop()[1]
            size, node = size * 2, sha256(b"\x01" + left + node).digest()
        stack.append((size, node))
    if not stack:
        return sha256(b"").digest()
    node = stack.pop()[1]
    while stack:
        node = sha256(b"\x01" + stack.pop()[1] + node).digest()
    return node


def last_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint, None when there is none."""
    found = all_checkpoints(folder)
    return found[-1] if found else None


def all_checkpoints(folder: Path) -> list[Checkpoint]:
    """Return every checkpoint, oldest first. Lines that cannot be read are skipped: the last may be half written."""
    file = folder / FILE
    if not file.exists():
        return []
    found = []
    for line in file.read_text().splitlines():
        try:
            found.append(Checkpoint(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Add a checkpoint, unless the newest one has the same position."""
    newest = last_checkpoint(folder)
    if newest is not None and newest.position == checkpoint.position:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("a") as out:
        out.write(json.dumps(asdict(checkpoint)) + "\n")
