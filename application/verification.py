"""The whole verification: the ledger, and what lies beside it and must fit what the ledger says of it."""

from __future__ import annotations

from collections.abc import Sequence

from application.application import Application
from audit.replay import broken_at
from audit.verify import Progress, VerificationReport, verify
from i18n.messages import sentence
from ledger.checkpoints import Checkpoint
from ledger.events import RecordedEvent


def chain_warning(rows: Sequence[RecordedEvent]) -> str:
    """What whoever reads a changed stream must be told; empty where it was not changed."""
    position = broken_at(rows)
    return "" if position is None else sentence("chain_broken", {"cycle": rows[0].stream, "position": position})


async def verify_all(
    app: Application,
    *,
    checkpoints: tuple[Checkpoint, ...] = (),
    entry_key: str | None = None,
    progress: Progress = lambda _: None,
) -> tuple[VerificationReport, list[dict[str, str]]]:
    """The report on the ledger, and what is wrong beside it: texts that were altered, persons who were renamed."""
    report = await verify(
        app.ledger,
        app.edition,
        app.signer.installation,
        app.ledger.epoch,
        checkpoints=checkpoints,
        entry_key=entry_key,
        progress=progress,
    )
    beside = [
        *({"code": "text_altered", "detail": digest} for digest in await app.texts.altered()),
        *({"code": "person_renamed", "detail": person} for person in sorted(await _renamed(app, report))),
    ]
    return report, beside


async def _renamed(app: Application, report: VerificationReport) -> set[str]:
    """Persons whose name does not fit the commitment that they signed with."""
    others = {
        contact.id
        for contact in await app.people.everyone()
        if report.commitments.get(contact.id, contact.commitment) != contact.commitment
    }
    return others | set(await app.people.renamed())
