"""Checkpoints: where the ledger stood, kept outside the database, so that a cut tail or a restored copy is noticed.

The root is a Merkle tree hash over the events' digests in order (RFC 6962, section 2.1). An auditor who kept one line
of the file can later prove that everything up to its position is still there, unchanged.
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
    """The ledger up to and with `position`: the last event's digest and the Merkle root, in hex."""

    position: int
    digest: str
    root: str
    recorded_at: str


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of RFC 6962 over byte strings."""
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
    """The newest checkpoint; a half-written last line is passed over."""
    found = all_checkpoints(folder)
    return found[-1] if found else None


def all_checkpoints(folder: Path) -> list[Checkpoint]:
    """Every checkpoint, oldest first."""
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
    """Add a checkpoint unless the newest says the same."""
    newest = last_checkpoint(folder)
    if newest is not None and newest.position == checkpoint.position:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("a") as out:
        out.write(json.dumps(asdict(checkpoint)) + "\n")
