"""The whole verification: the ledger, and the texts and names in the vault that must match it."""

from __future__ import annotations

from collections.abc import Sequence

from application.application import Application
from audit.replay import broken_at
from audit.verify import Progress, VerificationReport, verify
from i18n.messages import sentence
from ledger.checkpoints import Checkpoint
from ledger.events import RecordedEvent


def chain_warning(rows: Sequence[RecordedEvent], name: str = "") -> str:
    """Return the warning for readers of a stream whose rows were changed; empty if none was.

    `name` is how the cycle is called; on the command line it is called by its stream.
    """
    position = broken_at(rows)
    return "" if position is None else sentence("chain_broken", {"cycle": name or rows[0].stream, "position": position})


async def verify_all(
    app: Application,
    *,
    checkpoints: tuple[Checkpoint, ...] = (),
    entry_key: str | None = None,
    progress: Progress = lambda _: None,
) -> tuple[VerificationReport, list[dict[str, str]]]:
    """Return the report on the ledger, and the problems of the vault: altered texts and renamed persons."""
    report = await verify(
        app.ledger,
        app.edition,
        app.gate.installation,
        app.ledger.epoch,
        checkpoints=checkpoints,
        entry_key=entry_key,
        progress=progress,
    )
    vault_problems = [
        *({"code": "text_altered", "detail": digest} for digest in await app.texts.altered()),
        *({"code": "person_renamed", "detail": person} for person in sorted(await _renamed(app, report))),
    ]
    return report, vault_problems


async def _renamed(app: Application, report: VerificationReport) -> set[str]:
    """Return the ids of persons who signed with a commitment that fits neither their name nor a former one."""
    known = await app.people.commitments()
    differing = {person for person, used in report.commitments.items() if used - known.get(person, frozenset(used))}
    return differing | set(await app.people.renamed())
