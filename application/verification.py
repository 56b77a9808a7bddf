"""The whole verification: the ledger, and what lies beside it and must fit what the ledger says of it."""

from __future__ import annotations

from collections.abc import Sequence

from application.application import Application
from audit.replay import broken_at
from audit.verify import Progress, VerificationReport, verify
from i18n.messages import sentence
from ledger.checkpoints import Checkpoint
from ledger.events import RecordedEvent


def warning_of(rows: Sequence[RecordedEvent]) -> str:
    """What whoever reads a changed stream must be told; empty where it was not changed."""
    position = broken_at(rows)
    return "" if position is None else sentence("chain_broken", {"cycle": rows[0].stream, "position": position})


async def verified(
    office: Application,
    *,
    checkpoints: tuple[Checkpoint, ...] = (),
    entry_key: str | None = None,
    progress: Progress = lambda _: None,
) -> tuple[VerificationReport, list[dict[str, str]]]:
    """The report on the ledger, and what is wrong beside it: texts that were altered, persons who were renamed."""
    report = await verify(
        office.ledger,
        office.edition,
        office.signer.installation,
        office.ledger.epoch,
        checkpoints=checkpoints,
        entry_key=entry_key,
        progress=progress,
    )
    beside = [
        *({"code": "text_altered", "detail": digest} for digest in await office.texts.altered()),
        *({"code": "person_renamed", "detail": person} for person in sorted(await _renamed(office, report))),
    ]
    return report, beside


async def _renamed(office: Application, report: VerificationReport) -> set[str]:
    """Persons whose name does not fit the commitment that they signed with."""
    others = {
        contact.id
        for contact in await office.people.everyone()
        if report.commitments.get(contact.id, contact.commitment) != contact.commitment
    }
    return others | set(await office.people.renamed())
