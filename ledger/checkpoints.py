"""Checkpoints: signed notes on how large the ledger is and what its Merkle root is, in a file outside the database.

With them a ledger is recognised whose events were changed, cut off, or restored from an old copy. A reader who has kept
one line of the file elsewhere can prove later that all events up to its size are unchanged.

The tree stands in the database as one row (`ledger.tree`): its frontier, and the newest note. The row advances in one
transaction under a lock that is only tried, so that several workers make one checkpoint, not two. The file is written
after the commit: it may lag behind the row and never leads. A line of the file is the whole note as a JSON string.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import InputError
from ledger.connection import LOCK_CLASS, TREE_LOCK, Connection, Pool
from ledger.merkle import Frontier
from ledger.notes import Checkpoint, LogIdentity, NoteError, NoteSigner, SignedCheckpoint
from ledger.protocol import LedgerError, Stopped

FILE = "checkpoints.jsonl"
DIGESTS_AT_ONCE = 20_000
_TAIL_BYTES = 64_000
"""The newest lines of a file are looked for in so many bytes at its end."""

_MOST_GIVEN_BYTES = 50_000_000

_ROW = "select size, frontier, note from ledger.tree"
_STORE = """
    insert into ledger.tree (size, frontier, note) values ($1, $2, $3)
    on conflict (one) do update set size = excluded.size, frontier = excluded.frontier, note = excluded.note
"""


# The file ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a file of checkpoints that is none of this log's. `code` is that of `NoteError`."""

    number: int
    code: str


class CheckpointFile:
    """The file of checkpoints, one a line, in the order of their sizes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def newest(self, log: LogIdentity) -> SignedCheckpoint | None:
        """Return the last checkpoint of a log; None when there is none. Lines that are none are passed over."""
        try:
            with self.path.open("rb") as stored:
                stored.seek(max(0, os.fstat(stored.fileno()).st_size - _TAIL_BYTES))
                lines = stored.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return None
        for line in reversed(lines):
            try:
                return _opened(line, log)
            except NoteError:
                continue
        return None

    def add(self, signed: SignedCheckpoint, log: LogIdentity) -> bool:
        """Add a checkpoint, unless the newest one is as large. Return whether it was added.

        A line that was half written when the machine stopped is removed first.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            newest = self.newest(log)
            if newest is not None and newest.checkpoint.size >= signed.checkpoint.size:
                return False
            out.truncate(_whole_lines(out.fileno()))
            out.write(json.dumps(signed.note, ensure_ascii=False).encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())
        return True

    def read(self, log: LogIdentity) -> Iterator[SignedCheckpoint | BadLine]:
        """Yield what every whole line holds, in order. A last line without its end was half written: it is left out."""
        try:
            stored = self.path.open("rb")
        except FileNotFoundError:
            return
        with stored:
            for number, line in enumerate(stored, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield _opened(line, log)
                except NoteError as error:
                    yield BadLine(number, error.code)


def _whole_lines(descriptor: int) -> int:
    """Return the number of bytes up to the end of the last whole line."""
    size = end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - _TAIL_BYTES)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0 if size else size


def _opened(line: bytes, log: LogIdentity) -> SignedCheckpoint:
    try:
        note = json.loads(line)
    except ValueError:
        raise NoteError("note_malformed") from None
    if not isinstance(note, str):
        raise NoteError("note_malformed")
    return SignedCheckpoint.open(note, log)


def read_given(file: Path, log: LogIdentity) -> list[SignedCheckpoint]:
    """Return the checkpoints of a file that was kept elsewhere: one note as it is, or a file of ours, a note a line.

    Raises:
        InputError: `checkpoint_file_unreadable`, or as `given_checkpoints`.
    """
    try:
        if file.stat().st_size > _MOST_GIVEN_BYTES:
            raise InputError("checkpoint_file_unreadable", file=str(file), problem="too large")
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise InputError("checkpoint_file_unreadable", file=str(file), problem=reason) from None
    return given_checkpoints(text, log, str(file))


def given_checkpoints(text: str, log: LogIdentity, name: str = "") -> list[SignedCheckpoint]:
    """Return the checkpoints of a text: one note as it is, or notes as JSON strings, one a line.

    Raises:
        InputError: `checkpoint_file_empty`; `checkpoint_file_malformed` or `checkpoint_file_signature`, with the line;
            `checkpoint_file_foreign`: they are of another installation; `checkpoint_file_unsigned`: not by the key;
            `checkpoint_file_untrusted`: all are later than the key is trusted. Others that are later are left out.
    """
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise InputError("checkpoint_file_empty", file=name)
    if not text.lstrip().startswith('"'):
        lines = [json.dumps(text.strip("\n") + "\n")]
    else:
        lines = [line for line in text.split("\n") if line.strip()]
    found, untrusted = list[SignedCheckpoint](), 0
    for number, line in enumerate(lines, start=1):
        try:
            found.append(_opened(line.encode(), log))
        except NoteError as error:
            if error.code == "note_untrusted" and (untrusted := untrusted or number):
                continue
            code = error.code.replace("note_", "checkpoint_file_")
            raise InputError(code, file=name, line=number, **error.facts) from None
    if untrusted and not found:
        raise InputError("checkpoint_file_untrusted", file=name, line=untrusted)
    return found


# The tree ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Advance:
    """What an attempt to make a checkpoint came to.

    `signed` is the newest one; None where the ledger is empty, or another process makes the first one. `recomputed`:
    the stored tree did not fit, so the whole ledger was read again.
    """

    signed: SignedCheckpoint | None
    is_new: bool = False
    recomputed: bool = False


class CheckpointLog:
    """Makes the checkpoints of a ledger, signed by `signer`, and keeps them in a file.

    `log` has the keys that signed earlier ones, too; without it, this key signed all of them.
    """

    def __init__(self, pool: Pool, file: CheckpointFile, signer: NoteSigner, log: LogIdentity | None = None) -> None:
        self._pool, self._file, self._signer = pool, file, signer
        self._log = log or LogIdentity.of(signer.verifier)

    async def advance(self, *, wait: bool = False) -> Advance:
        """Make a checkpoint of all events that are stored now, unless there is nothing new.

        1. Take the lock; when another process has it, that one makes the checkpoint. With `wait`, wait for it.
        2. Read the row. It is trusted when its note is ours, its frontier has the note's root, and the file's newest
           checkpoint is no larger and no other one. Otherwise compute the tree again from the first event.
        3. Add the digests of the events that came since, sign the root, store the row, commit.
        4. Write the note into the file.

        Raises:
            Stopped: `checkpoint_ahead`: the file has seen more events than the ledger has; `checkpoint_differs`: it has
                seen other ones. Nothing is signed then.
            LedgerError: `checkpoint_gap`: a position is missing, so the ledger was damaged.
        """
        seen = await asyncio.to_thread(self._file.newest, self._log)
        async with self._pool.acquire() as connection, connection.transaction():
            if wait:
                await connection.execute("select pg_advisory_xact_lock($1, $2)", LOCK_CLASS, TREE_LOCK)
                made = await self._advance(connection, seen)
            elif await connection.fetchval("select pg_try_advisory_xact_lock($1, $2)", LOCK_CLASS, TREE_LOCK):
                made = await self._advance(connection, seen)
            else:
                made = Advance(self._note_of(await connection.fetchrow(_ROW)))
        if made.signed is not None:
            await asyncio.to_thread(self._file.add, made.signed, self._log)
        return made

    async def _advance(self, connection: Connection, seen: SignedCheckpoint | None) -> Advance:
        row = await connection.fetchrow(_ROW)
        before, tree = self._note_of(row), None
        if before is not None and (seen is None or _can_follow(before.checkpoint, seen.checkpoint)):
            tree = _tree_of(row, before.checkpoint)
        recomputed = tree is None and (row is not None or seen is not None)
        if tree is None:
            tree = await self._computed(connection, [one.checkpoint for one in (before, seen) if one is not None])
        else:
            await self._extend(connection, tree)
            if before is not None and tree.size == before.checkpoint.size:
                return Advance(before)
        if not tree.size:
            return Advance(None)
        signed = SignedCheckpoint.sign(Checkpoint(self._log.origin, tree.size, tree.root()), self._signer)
        await connection.execute(_STORE, tree.size, tree.to_bytes(), signed.note)
        return Advance(signed, is_new=True, recomputed=recomputed)

    def _note_of(self, row: Any) -> SignedCheckpoint | None:
        """Return the checkpoint of the stored row; None when there is no row, or the note is not ours."""
        try:
            return SignedCheckpoint.open(row["note"], self._log) if row is not None else None
        except NoteError:
            return None

    async def _computed(self, connection: Connection, seen: list[Checkpoint]) -> Frontier:
        """Compute the tree from the first event on. What was signed before must be on the way."""
        tree = Frontier()
        for earlier in sorted(seen, key=lambda one: one.size):
            await self._extend(connection, tree, earlier.size)
            facts = {"size": earlier.size, "file": str(self._file.path)}
            if tree.size < earlier.size:
                raise Stopped("checkpoint_ahead", **facts)
            if tree.root() != earlier.root:
                raise Stopped("checkpoint_differs", **facts)
        await self._extend(connection, tree)
        return tree

    @staticmethod
    async def _extend(connection: Connection, tree: Frontier, size: int | None = None) -> None:
        """Add the digests of the stored events to a tree, up to a size if one is given."""
        while size is None or tree.size < size:
            count = DIGESTS_AT_ONCE if size is None else min(DIGESTS_AT_ONCE, size - tree.size)
            rows = await connection.fetch(
                "select position, digest from ledger.event where position > $1 order by position limit $2",
                tree.size,
                count,
            )
            if not rows:
                return
            if rows[-1]["position"] != tree.size + len(rows):
                raise LedgerError("checkpoint_gap", size=tree.size)
            tree.extend(row["digest"] for row in rows)


async def stored_checkpoint(pool: Pool, log: LogIdentity) -> SignedCheckpoint | None:
    """Return the checkpoint of the row in the database, None when there is none.

    Raises:
        NoteError: as `SignedCheckpoint.open`, or `note_frontier`: the tree beside it is another one.
    """
    row = await pool.fetchrow(_ROW)
    if row is None:
        return None
    signed = SignedCheckpoint.open(row["note"], log)
    if _tree_of(row, signed.checkpoint) is None:
        raise NoteError("note_frontier")
    return signed


def _tree_of(row: Any, checkpoint: Checkpoint | None) -> Frontier | None:
    """Return the stored tree; None when it is no tree, or not the one of the checkpoint beside it."""
    try:
        tree = Frontier.from_bytes(row["size"], row["frontier"])
    except ValueError:
        return None
    return tree if checkpoint is not None and (checkpoint.size, checkpoint.root) == (tree.size, tree.root()) else None


def _can_follow(later: Checkpoint, earlier: Checkpoint) -> bool:
    """Return whether one checkpoint can come after another, as far as sizes, and the roots of equal sizes, tell."""
    return later.size > earlier.size or (later.size == earlier.size and later.root == earlier.root)
