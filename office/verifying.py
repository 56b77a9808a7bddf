"""The whole verification: the ledger, and what lies beside it and must fit what the ledger says of it."""

from __future__ import annotations

from audit.verify import Progress, Report, verify
from eventstore.checkpoints import Checkpoint
from office.office import Office


async def verified(
    office: Office, *, checkpoints: tuple[Checkpoint, ...] = (), entry_key: str | None = None,
    progress: Progress = lambda _: None,
) -> tuple[Report, list[dict[str, str]]]:  # fmt: skip
    """The report on the ledger, and what is wrong beside it: texts that were altered, persons who were renamed."""
    report = await verify(
        office.ledger, office.edition, office.signer.installation, office.ledger.epoch, checkpoints=checkpoints,
        entry_key=entry_key, progress=progress,
    )  # fmt: skip
    beside = [
        *({"code": "text_altered", "detail": digest} for digest in await office.texts.altered()),
        *({"code": "person_renamed", "detail": person} for person in sorted(await _renamed(office, report))),
    ]
    return report, beside


async def _renamed(office: Office, report: Report) -> set[str]:
    """Persons whose name does not fit the commitment that they signed with."""
    others = {
        contact.id
        for contact in await office.people.everyone()
        if report.commitments.get(contact.id, contact.commitment) != contact.commitment
    }
    return others | set(await office.people.renamed())
