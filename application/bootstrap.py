"""The first events of an installation: its id and its keys. `local.engine` knows no domain and calls this."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from application.keys import name_key, signed_by_root
from domain import installation
from domain.installation import STREAM, InstallationFounded
from domain.records import OPERATOR, Event, EventEnvelope, Meta
from domain.times import When
from domain.types import Provenance
from ledger.events import Draft, LedgerTip, RecordedEvent, StreamTip
from ledger.mapping import to_draft
from ledger.protocol import Append, Part
from ledger.signing import SignedCommand
from local.installation import Installation


def bootstrap(installed: Installation, rows: tuple[RecordedEvent, ...]) -> Append | None:
    """Return the append that founds the ledger; None if `rows`, the installation's stream, exist already.

    It names the root key, and by commands that are signed with it the keys of command line, web and log.

    Raises:
        InputError: a key file cannot be read.
    """
    if rows:
        return None
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
    return Append((Part(STREAM, StreamTip(), tuple(drafts)),), tuple(stored), read=LedgerTip())


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
