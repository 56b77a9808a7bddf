"""The keys of an installation along its ledger: which ones were accepted at a position, and what each may sign."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from audit.report import StreamReport
from domain import installation
from domain.administration import ADMINISTRATION
from domain.commands import CommandPayload
from domain.installation import KEY_ACTS, KeyHolder, Keyring, KeyRole, NamedKey
from domain.law import LawPutInForce
from domain.records import Command, Event, EventEnvelope, Refused
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.protocol import Ledger, load_all
from ledger.signing import Header, Keys, NotSignedError, SignedCommand


@dataclass(slots=True)
class KeyHistory:
    """The keys from each position on at which one was named or retired. `epoch` is the ledger's writer epoch."""

    installation: str
    epoch: int
    rehearsal: bool = False
    changes: list[tuple[int, Keyring]] = field(default_factory=list)
    """The position of each event about a key, and the keys after it."""
    _at: dict[int, Keys] = field(default_factory=dict)

    @property
    def newest(self) -> Keyring:
        """The keys as the last event about them left them."""
        return self.changes[-1][1] if self.changes else {}

    def at(self, position: int) -> Keys:
        """Return the keys before the event at a position: the same object for all positions between two changes."""
        number = bisect_left(self.changes, position, key=lambda change: change[0])
        if number not in self._at:
            public = self.changes[number - 1][1] if number else {}
            self._at[number] = Keys(self.installation, self.epoch, public)
        return self._at[number]

    def trusted_until(self, key: str) -> int | None:
        """Return up to which position a key is trusted that was retired as compromised; None for no limit."""
        known = self.newest.get(key)
        return None if known is None else known.trusted_until

    def is_command_line(self, key: str, position: int) -> bool:
        """Return whether the key of this name before the event at a position is one of the command line."""
        known = self.at(position).public.get(key)
        return isinstance(known, NamedKey) and known.holder is KeyHolder.CLI

    def as_json(self) -> dict[str, Any]:
        """Return the history as JSON values, for another process."""
        return {
            "installation": self.installation,
            "epoch": self.epoch,
            "rehearsal": self.rehearsal,
            "changes": [
                (position, [asdict(key) | {"public": key.public.hex()} for key in known.values()])
                for position, known in self.changes
            ],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> KeyHistory:
        """Return the history that `as_json` returned."""
        changes: list[tuple[int, Keyring]] = [
            (position, {one["key"]: _key(one) for one in known}) for position, known in data.pop("changes")
        ]
        return cls(changes=changes, **data)


def _key(data: Mapping[str, Any]) -> NamedKey:
    role, holder, public = KeyRole(data["role"]), data["holder"], bytes.fromhex(data["public"])
    given = {**data, "role": role, "holder": holder and KeyHolder(holder), "public": public}
    return NamedKey(**given)


async def key_history(
    ledger: Ledger, installation_id: str, epoch: int, root_key: str | None, found: StreamReport
) -> KeyHistory:
    """Read the installation's own stream, and check that every event about a key follows from its command.

    That a root key signed the command is checked with the stream. `root_key` is the installation's first public key in
    hex, if it is known from another source.
    """
    history = KeyHistory(installation_id, epoch)
    rows = await load_all(ledger, installation.STREAM)
    envelopes: list[tuple[RecordedEvent, EventEnvelope[Event]]] = []
    for row in rows:
        with suppress(Exception):  # the check of the stream tells of it
            envelopes.append((row, to_envelope(row)))
    commands = await ledger.commands({row.command_digest for row, _ in envelopes if row.command_digest is not None})
    for row, envelope in envelopes:
        event, known = envelope.event, history.newest
        if isinstance(event, installation.InstallationFounded) and row.position == 1:
            if event.installation != installation_id:
                found.problem(row.position, row.stream, "other_installation")
            if root_key is not None and event.public_key != root_key:
                found.problem(row.position, row.stream, "other_key")
            history.rehearsal = event.rehearsal
        elif isinstance(event, (*ADMINISTRATION, LawPutInForce)):
            continue  # it is checked with the stream (`audit.streams`)
        elif row.command_digest is not None:
            if not _follows(event, commands.get(row.command_digest), known):
                found.problem(row.position, row.stream, "does_not_follow")
                continue
        else:
            continue  # the check of the stream tells that it is unsigned
        if (changed := installation.evolve(known, event)) is not known:
            history.changes.append((row.position, changed))
    return history


def _follows(event: Event, signed: SignedCommand | None, known: Keyring) -> bool:
    """Return whether an event of the stream is what its command says: `signed`, on top of the keys `known`."""
    command = None if signed is None else _command_of(signed.payload)
    if signed is None or command is None or command.NAME not in KEY_ACTS:
        return False
    try:
        return installation.decide(command, known, Header.parse(signed.header).read.position) == event
    except (Refused, NotSignedError):
        return False


def _command_of(payload: str) -> Command | None:
    try:
        return CommandPayload.model_validate_json(payload).parsed()
    except (Refused, ValueError):
        return None
