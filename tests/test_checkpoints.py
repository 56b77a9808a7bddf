"""Checkpoints: several workers agree, the file never leads, and what does not fit is said or refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from conftest import NewInstallation
from test_ledger import append, draft

from errors import InputError
from ledger.checkpoints import BadLine, CheckpointFile, CheckpointLog, given_checkpoints, read_given
from ledger.events import StreamTip
from ledger.merkle import Frontier
from ledger.notes import Checkpoint, LogIdentity, SignedCheckpoint
from ledger.postgres import PostgresLedger, open_ledger
from ledger.protocol import Stopped
from local.log_key import LOG_KEY_FILE, log_key, make_log_key

SIZE = 5


class Place:
    """A ledger with some events, and what makes checkpoints of it."""

    def __init__(self, ledger: PostgresLedger, owner_url: str, data: Path) -> None:
        self.ledger, self.owner_url, self.data = ledger, owner_url, data
        self.signer = log_key(data / LOG_KEY_FILE)
        self.log = LogIdentity.of(self.signer.verifier)
        self.file = CheckpointFile(data / "checkpoints" / "checkpoints.jsonl")

    def worker(self, file: CheckpointFile | None = None) -> CheckpointLog:
        return CheckpointLog(self.ledger.pool, file or self.file, self.signer)

    async def grow(self, count: int = 1) -> None:
        for _ in range(count):
            await self.ledger.append(append(f"s-{uuid4().hex}", StreamTip(), draft()))

    async def as_owner(self, *statements: str) -> None:
        owner = await asyncpg.connect(self.owner_url)
        await owner.execute("alter table ledger.event disable trigger all")
        for statement in statements:
            await owner.execute(statement)
        await owner.close()

    async def root(self, size: int) -> bytes:
        tree = Frontier()
        tree.extend(row.digest for row in (await self.ledger.read(0, size)))
        return tree.root()

    def sizes(self) -> list[int]:
        return [one.checkpoint.size for one in self.file.read(self.log) if isinstance(one, SignedCheckpoint)]


@pytest.fixture
async def place(new_installation: NewInstallation) -> AsyncIterator[Place]:
    endpoints, installed, where = await new_installation()
    ledger = await open_ledger(endpoints.database_url, installed.id)
    made = Place(ledger, endpoints.owner_url, where.data)
    await made.grow(SIZE - await ledger.last_position())
    yield made
    await ledger.close()


async def test_a_checkpoint_is_the_root_of_all_events(place: Place) -> None:
    first = await place.worker().advance()
    assert first.signed is not None
    assert (first.is_new, first.recomputed) == (True, False)
    assert first.signed.checkpoint == Checkpoint(place.signer.name, SIZE, await place.root(SIZE))
    await place.grow(3)
    second = await place.worker().advance()
    assert second.signed is not None
    assert second.signed.checkpoint.root == await place.root(SIZE + 3)
    assert place.sizes() == [SIZE, SIZE + 3]
    assert place.file.newest(place.log) == second.signed


async def test_nothing_new_is_no_checkpoint(place: Place) -> None:
    first = await place.worker().advance()
    again = await place.worker().advance()
    assert (again.signed, again.is_new) == (first.signed, False)
    assert place.sizes() == [SIZE]


async def test_several_workers_make_one_checkpoint(place: Place) -> None:
    files = [CheckpointFile(place.data / f"worker-{n}" / "checkpoints.jsonl") for n in range(4)]
    workers = [place.worker(file) for file in files]
    for _ in range(3):
        await place.grow(2)
        made = await asyncio.gather(*(worker.advance() for worker in workers))
        assert sum(one.is_new for one in made) == 1
    await asyncio.gather(*(worker.advance() for worker in workers))
    newest = {file.newest(place.log) for file in files}
    assert {one.checkpoint.size for one in newest if one} == {SIZE + 6}, "a file that lagged has caught up"
    assert len(newest) == 1
    notes: dict[int, set[str]] = {}
    for file in files:
        for one in file.read(place.log):
            assert isinstance(one, SignedCheckpoint)
            notes.setdefault(one.checkpoint.size, set()).add(one.note)
    assert all(len(found) == 1 for found in notes.values()), "two notes for one size"


async def test_the_file_lags_after_a_crash_and_catches_up(place: Place) -> None:
    await place.worker().advance()
    await place.grow()
    elsewhere = CheckpointFile(place.data / "lost" / "checkpoints.jsonl")
    made = await place.worker(elsewhere).advance()  # as if the machine stopped between the commit and the file
    assert place.sizes() == [SIZE]
    assert (await place.worker().advance()).signed == made.signed
    assert place.sizes() == [SIZE, SIZE + 1]


async def test_a_half_written_line_is_passed_over_and_removed(place: Place) -> None:
    await place.worker().advance()
    whole = place.file.path.read_bytes()
    await place.grow()
    for cut in (b'"half', b'"' + b"x" * 200_000):
        place.file.path.write_bytes(whole + cut)
        assert [type(one) for one in place.file.read(place.log)] == [SignedCheckpoint]
    assert place.file.newest(place.log) is None, "it lies further back than the newest lines are looked for"
    await place.worker().advance()
    assert place.sizes() == [SIZE, SIZE + 1]
    assert b"half" not in place.file.path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        "update ledger.tree set size = size - 1",
        "update ledger.tree set frontier = frontier || frontier",
        "update ledger.tree set frontier = decode(repeat('ab', 32 * 2), 'hex')",
        "update ledger.tree set note = 'x'",
        "delete from ledger.tree",
    ],
)
async def test_a_tree_that_does_not_fit_is_computed_again_and_said(place: Place, change: str) -> None:
    await place.worker().advance()
    await place.as_owner(change)
    await place.grow()
    made = await place.worker().advance()
    assert made.signed is not None
    assert (made.recomputed, made.signed.checkpoint.root) == (True, await place.root(SIZE + 1))
    assert not (await place.worker().advance()).recomputed


async def test_an_old_copy_is_refused(place: Place) -> None:
    await place.worker().advance()
    # A copy from before the last two events, with the tree of then.
    await place.as_owner("delete from ledger.event where position > 3", "delete from ledger.tree")
    with pytest.raises(Stopped, match="checkpoint_ahead"):
        await place.worker().advance(wait=True)
    # It went on from there, and has as many events as the checkpoint, or more: but others.
    await place.grow(3)
    with pytest.raises(Stopped, match="checkpoint_differs"):
        await place.worker().advance(wait=True)
    assert place.sizes() == [SIZE], "nothing else was signed"


async def test_no_second_root_is_signed_for_what_the_row_has_signed(place: Place) -> None:
    """The row's own note counts, too, where the file is lost."""
    await place.worker().advance()
    await place.as_owner(
        "update ledger.event set digest = sha256('other') where position = 5",
        "update ledger.tree set frontier = decode(repeat('ab', 32 * 2), 'hex')",
    )
    with pytest.raises(Stopped, match="checkpoint_differs"):
        await place.worker(CheckpointFile(place.data / "none" / "checkpoints.jsonl")).advance()


async def test_lines_of_others_are_told_with_their_numbers(place: Place, tmp_path: Path) -> None:
    await place.worker().advance()
    make_log_key(tmp_path / LOG_KEY_FILE, "another")
    other = log_key(tmp_path / LOG_KEY_FILE)
    foreign = SignedCheckpoint.sign(Checkpoint(other.name, 1, bytes(32)), other).note
    forged = SignedCheckpoint.sign(Checkpoint(place.signer.name, 1, bytes(32)), other).note
    with place.file.path.open("a") as out:
        for line in ("", "{}", "x", json.dumps(foreign), json.dumps(forged)):
            out.write(f"{line}\n")
    assert [one for one in place.file.read(place.log) if isinstance(one, BadLine)] == [
        BadLine(2, "note_malformed"),
        BadLine(3, "note_malformed"),
        BadLine(4, "note_malformed"),
        BadLine(5, "note_foreign"),
        BadLine(6, "note_unsigned"),
    ]
    newest = place.file.newest(place.log)
    assert newest is not None
    assert newest.checkpoint.size == SIZE


async def test_a_file_from_elsewhere_is_read_or_refused_with_a_sentence(place: Place, tmp_path: Path) -> None:
    made = await place.worker().advance()
    assert made.signed is not None
    note = made.signed.note
    assert given_checkpoints(note, place.log) == [made.signed]
    assert given_checkpoints("\ufeff".strip("\ufeff") + note.replace("\n", "\r\n"), place.log) == [made.signed]
    assert read_given(place.file.path, place.log) == [made.signed]
    kept = tmp_path / "kept"
    for text, code in (
        ("", "checkpoint_file_empty"),
        (" \n", "checkpoint_file_empty"),
        (note[: len(note) // 2], "checkpoint_file_malformed"),
        (json.dumps(note)[:-9], "checkpoint_file_malformed"),
        (note.replace(f"\n{SIZE}\n", f"\n{SIZE + 1}\n"), "checkpoint_file_signature"),
        (note.replace(place.signer.name, "elsewhere.example/1"), "checkpoint_file_foreign"),
    ):
        kept.write_text(text)
        with pytest.raises(InputError, match=code):
            read_given(kept, place.log)
    kept.write_bytes(b"\xff\xfe")
    for file in (kept, tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="checkpoint_file_unreadable"):
            read_given(file, place.log)


def test_a_key_file_with_wrong_rights_is_refused(tmp_path: Path) -> None:
    file = tmp_path / LOG_KEY_FILE
    with pytest.raises(InputError, match="key_file_missing"):
        log_key(file)
    make_log_key(file, "abc", "https://thidua.example:8443")
    made = log_key(file)
    assert made.name == "thidua.example/abc"
    make_log_key(file, "abc")
    assert log_key(file) == made, "it is made once"
    file.chmod(0o640)
    with pytest.raises(InputError, match="key_file_open"):
        log_key(file)
    file.chmod(0o600)
    file.write_text("{}")
    with pytest.raises(InputError, match="key_file_bad"):
        log_key(file)
