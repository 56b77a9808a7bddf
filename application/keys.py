"""Naming and retiring the keys of an installation. A root key signs, and the events are appended without the engine.

So a stolen key can be retired while nothing but the database runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from application.key_ring import KeyRing, event_of
from domain import installation
from domain.commands import CommandPayload
from domain.installation import STREAM, KeyHolder, KeyRole, NamedKey, NameKey, RetireKey, next_name
from domain.records import OPERATOR, Command, Event, EventEnvelope, Meta
from domain.strengths import Strength
from domain.times import When
from domain.types import Provenance
from errors import InputError
from ledger.events import LedgerTip, RecordedEvent
from ledger.mapping import to_draft
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Behind, KeysChanged, Part, load_all
from ledger.signing import BatchItem, SignedBatch
from local.installation import Installation
from local.key_files import KEY_FILES, PrivateKey
from local.private_files import sync_folder


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key with the rows of the events that named and retired it; `retired` is the last statement about it."""

    key: NamedKey
    named: RecordedEvent
    retired: RecordedEvent | None = None


def signed_by_root(
    root: PrivateKey, epoch: int, commands: Iterable[Command], read: LedgerTip
) -> tuple[list[BatchItem], SignedBatch]:
    """Sign commands about keys. `read` is the ledger's newest event."""
    items = [BatchItem(STREAM, uuid4(), CommandPayload.of(one).model_dump_json()) for one in commands]
    now = datetime.now(UTC)
    return items, root.signer(epoch).sign(
        items, actor=OPERATOR, unit="", issued=now, strength=Strength.OS_ACCOUNT, read=read
    )


def name_key(key: PrivateKey) -> NameKey:
    """Return the command that names a key."""
    return NameKey(
        key=key.key,
        public_key=key.public_key,
        role=KeyRole.ENTRY if key.kind in set(KeyHolder) else KeyRole(key.kind),
        holder=KeyHolder(key.kind) if key.kind in set(KeyHolder) else None,
        origin=key.origin or None,
    )


class KeyAdministration:
    """The keys of an open installation. `ledger` must be one that appends; `root_file` is where the root key lies now.

    Every method that changes something raises `InputError` when the root key cannot be read (`root_key_away`: it is not
    in the data folder), and `Refused` when the ledger's keys do not allow it.
    """

    def __init__(self, ledger: PostgresLedger, installed: Installation, root_file: Path | None = None) -> None:
        self._ledger, self._installed, self._root_file = ledger, installed, root_file
        self._ring = KeyRing(ledger, installed.id, ledger.epoch)

    async def lines(self) -> list[KeyLine]:
        """Return all keys, in the order in which they were named."""
        found: dict[str, KeyLine] = {}
        known: installation.Keyring = {}
        for row in await load_all(self._ledger, STREAM):
            event = event_of(row)
            known = installation.evolve(known, event)
            if isinstance(event, (installation.InstallationFounded, installation.KeyNamed)):
                found[event.key] = KeyLine(known[event.key], row)
            elif isinstance(event, installation.KeyRetired):
                found[event.key] = replace(found[event.key], key=known[event.key], retired=row)
        return list(found.values())

    def is_here(self, key: NamedKey) -> bool:
        """Return whether a file of the data folder holds the private half."""
        try:
            return self._installed.key(key.kind).public == key.public
        except InputError:
            return False

    async def check_root(self) -> None:
        """Check that the root key is here, and holds."""
        _check_root(self._root(), await self._ring.known())

    async def add(self, kind: str) -> tuple[PrivateKey, RecordedEvent]:
        """Make a new key of a kind, have it named, and put it into the kind's file. Older keys stay accepted.

        The new key lies in a file of its own until it is named: an interrupted call is finished by the next one.
        """
        root, known = self._root(), await self._ring.known()
        _check_root(root, known)
        file = self._root_file if kind == "root" and self._root_file else self._installed.folder / KEY_FILES[kind]
        waiting = file.with_suffix(".next.json")
        made = self._waiting(waiting, kind, known)
        if made is None:
            made = await self._made(kind, next_name(known, kind))
            made.write(waiting)
        if made.key not in known:
            await self._enter(name_key(made))
        row = next(line.named for line in await self.lines() if line.key.key == made.key)
        waiting.rename(file)
        sync_folder(file.parent)
        return made, row

    def _waiting(self, file: Path, kind: str, known: installation.Keyring) -> PrivateKey | None:
        """Return the key that an interrupted call has made, unless it was retired since."""
        if not file.exists():
            return None
        made = self._installed.key(kind, file)
        named = known.get(made.key)
        return made if named is None or (named.public == made.public and not named.retired) else None

    async def _made(self, kind: str, name: str) -> PrivateKey:
        origin = ""
        if kind == "log":
            # The log keeps its origin, also where the file of its key was lost.
            origin = next(line.key.origin or "" for line in await self.lines() if line.key.role is KeyRole.LOG)
        return PrivateKey.make(kind, self._installed.id, rehearsal=self._installed.rehearsal, key=name, origin=origin)

    async def retire(self, key: str, trusted_until: int | None = None) -> RecordedEvent:
        """Retire a key. `trusted_until`: it was compromised, and what it signed after this position is not trusted."""
        return await self._enter(RetireKey(key=key, trusted_until=trusted_until))

    async def check_retire(self, key: str, trusted_until: int | None = None) -> NamedKey:
        """Check that `retire` can be carried out, and return the key."""
        root, known = self._root(), await self._ring.known()
        _check_root(root, known)
        installation.decide(RetireKey(key=key, trusted_until=trusted_until), known, await self._ledger.last_position())
        return known[key]

    def _root(self) -> PrivateKey:
        try:
            return self._installed.key("root", self._root_file)
        except InputError as error:
            if error.code == "key_file_missing" and self._root_file is None:
                raise InputError("root_key_away", folder=str(self._installed.folder)) from None
            raise

    async def _enter(self, command: Command) -> RecordedEvent:
        root = self._root()
        while True:
            keys = await self._ring.refresh()
            rows = await load_all(self._ledger, STREAM)
            known = await self._ring.known()
            _check_root(root, known)
            read = await self._ledger.tip()
            event = installation.decide(command, known, read.position)
            (item,), batch = signed_by_root(root, self._ledger.epoch, [command], read)
            header = keys.verify(batch.header, batch.signature, [item])
            signed = batch.command(item, "")
            envelope = EventEnvelope[Event](event, _meta(rows[-1].version + 1, item.command_id, header.issued))
            part = Part(STREAM, rows[-1].tip, (to_draft(envelope, signed.digest),))
            request = Append((part,), ((item.command_id, signed),), header.expires, read, rows[-1].version)
            try:
                answer = await self._ledger.append(request)
            except KeysChanged:
                continue
            if not isinstance(answer, Behind):
                return answer.events[0]


def _check_root(root: PrivateKey, known: installation.Keyring) -> None:
    """Check that the ledger accepts a root key.

    Raises:
        InputError: `root_key_unknown`, `root_key_retired`.
    """
    named = known.get(root.key)
    if named is None or named.public != root.public or named.role is not KeyRole.ROOT:
        raise InputError("root_key_unknown", key=root.key)
    if named.retired:
        raise InputError("root_key_retired", key=root.key)


def _meta(version: int, command_id: UUID, issued: datetime) -> Meta:
    when, stated = When.at(issued), Provenance(kind="stated")
    return Meta(version, actor=OPERATOR, unit="", happened=when, provenance=stated, command_id=command_id)
