"""The first events of an installation: its id and its entry keys. `local.engine` knows no domain and calls this."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.commands import CommandPayload
from domain.installation import STREAM, EntryKeyNamed, InstallationFounded, NameEntryKey, keys
from domain.records import OPERATOR, Event, EventEnvelope, Meta
from domain.strengths import Strength
from domain.times import When
from domain.types import Provenance
from ledger.events import Draft, LedgerTip, RecordedEvent, StreamTip
from ledger.mapping import to_draft, to_envelope
from ledger.protocol import Append, Part
from ledger.signing import BatchItem, Header, SignedCommand, Signer
from local.installation import Installation


def bootstrap(installed: Installation, rows: tuple[RecordedEvent, ...]) -> Append | None:
    """Return the append that names the installation and its keys; None if `rows`, its stream, already names them."""
    tip = rows[-1].tip if rows else StreamTip()
    known_keys = keys(to_envelope(row) for row in rows)
    drafts: list[Draft] = [] if rows else [_founded(installed)]
    commands: list[tuple[UUID, SignedCommand]] = []
    if installed.web.key not in known_keys:
        newest = LedgerTip(rows[-1].position, rows[-1].digest) if rows else LedgerTip()
        command_id, signed = _web_key(installed, newest)
        event = EntryKeyNamed(key=installed.web.key, public_key=installed.web.public_key)
        drafts.append(_draft(event, tip.version + len(drafts) + 1, command_id, signed))
        commands.append((command_id, signed))
    read = Header.parse(commands[0][1].header).read if commands else None
    return Append((Part(STREAM, tip, tuple(drafts)),), tuple(commands), read=read) if drafts else None


def _founded(installed: Installation) -> Draft:
    event = InstallationFounded(
        installation=installed.id,
        epoch=1,
        key=installed.key,
        public_key=installed.public_key,
        rehearsal=installed.rehearsal,
    )
    return _draft(event, 1, uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}"), None)


def _web_key(installed: Installation, read: LedgerTip) -> tuple[UUID, SignedCommand]:
    """Return the command that names the web's key, signed with the installation's first key."""
    command = NameEntryKey(key=installed.web.key, public_key=installed.web.public_key)
    command_id = uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}/{command.key}")
    item = BatchItem(STREAM, command_id, CommandPayload.of(command).model_dump_json())
    signer = Signer(installed.id, 1, installed.key, installed.private)
    batch = signer.sign(
        [item], actor=OPERATOR, unit="", issued=datetime.now(UTC), strength=Strength.OS_ACCOUNT, read=read
    )
    return command_id, batch.command(item, "")


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
