"""The whole verification: the ledger, what its events name in the vault, and the checkpoints to agree with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from audit.beside import Vault, check_ledger_rows, recorded_erasures
from audit.marks import Marks
from audit.processes import stream_processes
from audit.replay import broken_at
from audit.report import PROBLEMS_KEPT, BesideProblem, VerificationReport
from audit.verify import Progress, verify
from domain.rules import Edition, edition_of
from i18n.messages import sentence
from ledger.checkpoints import CheckpointFile, stored_checkpoint
from ledger.events import RecordedEvent
from ledger.notes import LogIdentity, NoteError, SignedCheckpoint
from ledger.postgres import PostgresLedger
from vault.texts import Texts

PROCESSES = min(2, os.cpu_count() or 1)
FEW = 5_000
"""Fewer events are verified by this process alone: starting others would take longer."""

REMARKS = frozenset({"checkpoint_untrusted", "epoch_raised", "erased_is_there", "file_missing"})
"""What is no sign of a change: an act can name a file that was never uploaded, a checkpoint be of a stolen key."""


def chain_warning(rows: Sequence[RecordedEvent], name: str = "") -> str:
    """Return the warning for readers of a stream whose rows were changed; empty if none was.

    `name` is how the cycle is called; on the command line it is called by its stream.
    """
    position = broken_at(rows)
    return "" if position is None else sentence("chain_broken", {"cycle": name or rows[0].stream, "position": position})


async def marks_of(
    ledger: PostgresLedger, log: LogIdentity | None, file: Path | None = None, kept: Sequence[SignedCheckpoint] = ()
) -> Marks:
    """Collect the checkpoints that a ledger is compared with: those kept elsewhere, the file, the row in the database.

    Without `log` file and row are not read: whose they are is not known.
    """
    marks = Marks()
    if kept:
        marks.add("kept", kept)
    if log is None:
        return marks
    if file is not None:
        marks.add("file", CheckpointFile(file).read(log))
    try:
        if (signed := await stored_checkpoint(ledger.pool, log)) is not None:
            marks.add("database", [signed])
    except NoteError as error:
        if error.code == "note_untrusted":
            marks.beside.append(BesideProblem("checkpoint_untrusted"))
        else:
            marks.beside.append(BesideProblem("tree_row", error.code))
    return marks


async def verify_all(
    ledger: PostgresLedger,
    installation: str,
    *,
    marks: Marks | None = None,
    root_key: str | None = None,
    processes: int | None = None,
    progress: Progress = lambda _part, _done, _all: None,
) -> VerificationReport:
    """Verify a ledger with all that belongs to it. `processes` None: as many as its size is worth."""
    texts = Texts(ledger.pool)

    async def edition(digest: str) -> Edition | None:
        body = await texts.edition(digest)
        return edition_of(body) if body else None

    erasures = await recorded_erasures(ledger)
    vault = Vault(ledger.pool, erasures)
    if processes is None:
        processes = PROCESSES if await ledger.last_position() >= FEW else 0
    report = await verify(
        ledger,
        edition,
        installation,
        ledger.epoch,
        marks=marks,
        root_key=root_key,
        outside=vault,
        pool_of=stream_processes(ledger.url, processes, erasures) if processes else None,
        progress=progress,
    )
    found = [*report.beside, *[one async for one in vault.altered()]]
    found += await vault.check_erased()
    found += [one async for one in check_ledger_rows(ledger.pool, installation)]
    if ledger.epoch > max(report.epoch, 1):
        found.append(BesideProblem("epoch_raised", f"{ledger.epoch}"))
    found = list(dict.fromkeys(found))
    report.remarks = [one for one in found if one.code in REMARKS][:PROBLEMS_KEPT]
    report.beside = [one for one in found if one.code not in REMARKS][:PROBLEMS_KEPT]
    return report
