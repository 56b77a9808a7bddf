"""The installation's own events, for `local.engine`, which knows no domain: who we are, and with which keys we sign."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from activities.telling import draft_of, told_of
from domain.installation import STREAM, EntryKeyNamed, InstallationFounded, NameEntryKey, keys
from domain.kernel import Event, Meta, Provenance, Told, When
from domain.saying import Command
from eventstore.envelope import Draft, Envelope, Head
from eventstore.signing import Order, Signer
from eventstore.store import Append, Part, SignedCommand
from local.installation import Installation

ACTOR = "operator"


def founding(installed: Installation, rows: tuple[Envelope, ...]) -> Append | None:
    """Name the installation and its keys, as far as the stream does not name them yet."""
    head = rows[-1].head if rows else Head()
    known = keys(told_of(row) for row in rows)
    drafts: list[Draft] = [] if rows else [_founded(installed)]
    commands: list[tuple[UUID, SignedCommand]] = []
    if installed.web.key not in known:
        command_id, signed = _web_key(installed)
        event = EntryKeyNamed(key=installed.web.key, public_key=installed.web.public_key)
        drafts.append(_draft(event, head.version + len(drafts) + 1, command_id, signed))
        commands.append((command_id, signed))
    return Append((Part(STREAM, head, tuple(drafts)),), tuple(commands)) if drafts else None


def _founded(installed: Installation) -> Draft:
    event = InstallationFounded(
        installation=installed.id,
        epoch=1,
        key=installed.key,
        public_key=installed.public_key,
        rehearsal=installed.rehearsal,
    )
    return _draft(event, 1, uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}"), None)


def _web_key(installed: Installation) -> tuple[UUID, SignedCommand]:
    """The command that names the web's key, signed with the installation's first one."""
    act = NameEntryKey(key=installed.web.key, public_key=installed.web.public_key)
    command_id = uuid5(NAMESPACE_URL, f"{STREAM}/{installed.id}/{act.key}")
    order = Order(STREAM, command_id, Command.of(act).model_dump_json())
    signer = Signer(installed.id, 1, installed.key, installed.private)
    handover = signer.sign([order], actor=ACTOR, unit="", issued=datetime.now(UTC), strength="os-account")
    return command_id, SignedCommand(handover, order.payload, "")


def _draft(event: Event, version: int, command_id: UUID, signed: SignedCommand | None) -> Draft:
    meta = Meta(
        version=version,
        actor=ACTOR if signed else "installation",
        unit="",
        happened=When.at(datetime.now(UTC)),
        provenance=Provenance(kind="stated"),
        command_id=command_id,
    )
    return draft_of(Told(event, meta), signed.digest if signed else None)
