"""The events of the installation itself: its id, keys and law. `local.engine` knows no domain and calls this.

The first event names the keys. Each start puts the law of this version in force if another one is, signed with the key
of the command line: so the start after an upgrade does.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from application.keys import name_key, signed_by_root
from domain import installation, law
from domain.commands import CommandPayload
from domain.installation import STREAM, InstallationFounded
from domain.law import LawPutInForce, PutLawInForce
from domain.records import OPERATOR, Event, EventEnvelope, Meta
from domain.strengths import Strength
from domain.times import When
from domain.types import Provenance
from ledger.events import Draft, LedgerTip, RecordedEvent, StreamTip
from ledger.mapping import to_draft
from ledger.protocol import Append, Part, Stopped
from ledger.signing import BatchItem, SignedCommand
from local.installation import Installation

Stored = tuple[UUID, SignedCommand]


def bootstrap(installed: Installation, rows: tuple[RecordedEvent, ...], epoch: int) -> Append | None:
    """Return the append that founds the ledger, or puts the law in force; None if `rows`, its stream, need neither.

    `epoch` is the ledger's writer epoch.

    Raises:
        InputError: a key file cannot be read.
        Stopped: `older_law`: a newer version has put its law in force.
    """
    if law_in_force(rows) > law.LAW:
        check_law(rows)
    if any(row.type == LawPutInForce.NAME for row in rows) and law_in_force(rows) == law.LAW:
        return None
    tip = rows[-1].tip if rows else StreamTip()
    read = LedgerTip(rows[-1].position, rows[-1].digest) if rows else LedgerTip()
    drafts, commands = ([], []) if rows else _founded(installed)
    stored = _law_command(installed, epoch, read)
    drafts.append(_draft(LawPutInForce(law=law.LAW), tip.version + len(drafts) + 1, *stored))
    return Append((Part(STREAM, tip, tuple(drafts)),), (*commands, stored), read=read)


def law_in_force(rows: tuple[RecordedEvent, ...]) -> int:
    """Return the law that the installation's stream, whose events are `rows`, has put in force last."""
    return rows[-1].law if rows else law.FIRST_LAW


def check_law(rows: tuple[RecordedEvent, ...]) -> None:
    """Check that this version of the program may decide: that its law is in force.

    Raises:
        Stopped: `older_law` or `law_not_in_force`.
    """
    in_force = law_in_force(rows)
    if in_force > law.LAW:
        raise Stopped("older_law", law=in_force)
    if in_force < law.LAW:
        raise Stopped("law_not_in_force", law=in_force)


def _founded(installed: Installation) -> tuple[list[Draft], list[Stored]]:
    """The first event, and what the root key says: the keys of command line, web and log. No law decides it."""
    root = installed.key("root")
    founded = InstallationFounded(
        installation=installed.id,
        epoch=1,
        key=root.key,
        public_key=root.public_key,
        rehearsal=installed.rehearsal,
    )
    known = installation.evolve({}, founded)
    drafts = [_draft(founded, 1, uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}"), None)]
    commands = [name_key(installed.key(kind)) for kind in ("cli", "web", "log")]
    # Nothing stands there that they could have read.
    items, batch = signed_by_root(root, 1, commands, LedgerTip())
    stored = []
    for item, command in zip(items, commands, strict=True):
        event = installation.decide(command, known, 0)
        known, signed = installation.evolve(known, event), batch.command(item, "")
        drafts.append(_draft(event, len(drafts) + 1, item.command_id, signed))
        stored.append((item.command_id, signed))
    return [replace(one, law=law.FIRST_LAW) for one in drafts], stored


def _law_command(installed: Installation, epoch: int, read: LedgerTip) -> Stored:
    payload = CommandPayload.of(PutLawInForce(law=law.LAW)).model_dump_json()
    item = BatchItem(STREAM, uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}/law/{law.LAW}"), payload)
    batch = (
        installed.key("cli")
        .signer(epoch)
        .sign([item], actor=OPERATOR, unit="", issued=datetime.now(UTC), strength=Strength.OS_ACCOUNT, read=read)
    )
    return item.command_id, batch.command(item, "")


def _draft(event: Event, version: int, command_id: UUID, signed: SignedCommand | None) -> Draft:
    meta = Meta(
        version=version,
        actor=OPERATOR if signed else "installation",
        unit="",
        happened=When.at(datetime.now(UTC)),
        provenance=Provenance(kind="stated"),
        command_id=command_id,
    )
    return to_draft(EventEnvelope(event, meta), signed.digest if signed else None)
