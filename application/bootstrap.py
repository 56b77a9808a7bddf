"""The events of the installation itself: its id, law and entry keys. `local.engine` knows no domain and calls this.

Each start appends what its stream does not say yet, signed with the key of the command line. So the start after an
upgrade puts the law of the new version in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from domain import law
from domain.commands import CommandPayload
from domain.installation import STREAM, EntryKeyNamed, InstallationFounded, NameEntryKey, keys
from domain.law import LawPutInForce, PutLawInForce
from domain.records import Command, Event, EventEnvelope, Meta
from domain.strengths import Strength
from domain.times import When
from domain.types import Provenance
from ledger.events import Draft, LedgerTip, RecordedEvent, StreamTip
from ledger.mapping import to_draft, to_envelope
from ledger.protocol import Append, Part, Stopped
from ledger.signing import BatchItem, SignedCommand, Signer
from local.installation import Installation

ACTOR = "operator"


def bootstrap(installed: Installation, rows: tuple[RecordedEvent, ...], epoch: int) -> Append | None:
    """Return the append that names what `rows`, the installation's stream, does not name yet; None if there is nothing.

    `epoch` is the ledger's writer epoch.

    Raises:
        Stopped: `older_law`: a newer version has put its law in force.
    """
    if law_in_force(rows) > law.LAW:
        check_law(rows)
    tip = rows[-1].tip if rows else StreamTip()
    read = LedgerTip(rows[-1].position, rows[-1].digest) if rows else LedgerTip()
    signer = Signer(installed.id, epoch, installed.key, installed.private)
    drafts: list[Draft] = [] if rows else [_founded(installed)]
    commands: list[tuple[UUID, SignedCommand]] = []
    for name, command, event in _missing(installed, rows):
        command_id = uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}/{name}")
        signed = _signed(signer, command_id, command, read)
        drafts.append(_draft(event, tip.version + len(drafts) + 1, command_id, signed))
        commands.append((command_id, signed))
    return Append((Part(STREAM, tip, tuple(drafts)),), tuple(commands), read=read) if drafts else None


def _missing(installed: Installation, rows: tuple[RecordedEvent, ...]) -> Iterator[tuple[str, Command, Event]]:
    """Yield what is not named yet: a name for the command's id, the command, and its event. The law comes first."""
    if law_in_force(rows) < law.LAW or not any(row.type == LawPutInForce.NAME for row in rows):
        yield f"law/{law.LAW}", PutLawInForce(law=law.LAW), LawPutInForce(law=law.LAW)
    key, public = installed.web.key, installed.web.public_key
    if key not in keys(to_envelope(row) for row in rows):
        yield key, NameEntryKey(key=key, public_key=public), EntryKeyNamed(key=key, public_key=public)


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


def _founded(installed: Installation) -> Draft:
    event = InstallationFounded(
        installation=installed.id,
        epoch=1,
        key=installed.key,
        public_key=installed.public_key,
        rehearsal=installed.rehearsal,
    )
    # No law decides it, so it puts none in force.
    return replace(_draft(event, 1, uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}"), None), law=law.FIRST_LAW)


def _signed(signer: Signer, command_id: UUID, command: Command, read: LedgerTip) -> SignedCommand:
    item = BatchItem(STREAM, command_id, CommandPayload.of(command).model_dump_json())
    batch = signer.sign([item], actor=ACTOR, unit="", issued=datetime.now(UTC), strength=Strength.OS_ACCOUNT, read=read)
    return batch.command(item, "")


def _draft(event: Event, version: int, command_id: UUID, signed: SignedCommand | None) -> Draft:
    meta = Meta(
        version=version,
        actor=ACTOR if signed else "installation",
        unit="",
        happened=When.at(datetime.now(UTC)),
        provenance=Provenance(kind="stated"),
        command_id=command_id,
    )
    return to_draft(EventEnvelope(event, meta), signed.digest if signed else None)
