"""The keys of an installation along its ledger: which ones were accepted at a position, and who named them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from audit.report import StreamReport
from domain import installation
from domain.commands import CommandPayload
from domain.law import LawPutInForce
from domain.records import Event, EventEnvelope, Refused
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.protocol import Ledger, load_all
from ledger.signing import Keys


@dataclass(slots=True)
class KeyHistory:
    """The public keys by the position of the event that names each. `epoch` is the ledger's writer epoch."""

    installation: str
    epoch: int
    rehearsal: bool = False
    named: list[tuple[int, str, bytes]] = field(default_factory=list)

    def at(self, position: int) -> Keys:
        """Return the keys that were accepted before the event at a position."""
        return Keys(self.installation, self.epoch, {key: public for at, key, public in self.named if at < position})

    def is_command_line(self, key: str, position: int) -> bool:
        """Return whether the key accepted under this name is that of the command line: the founding names it."""
        return bool(self.named) and self.at(position).public.get(key) == self.named[0][2]

    def as_json(self) -> dict[str, Any]:
        """Return the history as JSON values, for another process."""
        return {
            "installation": self.installation,
            "epoch": self.epoch,
            "rehearsal": self.rehearsal,
            "named": [(position, key, public.hex()) for position, key, public in self.named],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> KeyHistory:
        """Return the history that `as_json` returned."""
        named = [(position, key, bytes.fromhex(public)) for position, key, public in data.pop("named")]
        return cls(named=named, **data)


async def key_history(
    ledger: Ledger, installation_id: str, epoch: int, entry_key: str | None, found: StreamReport
) -> KeyHistory:
    """Read the installation's own stream. A key counts if the command that names it is signed with an earlier key.

    `entry_key` is the installation's first public key in hex, if it is known from another source.
    """
    history = KeyHistory(installation_id, epoch)
    rows = await load_all(ledger, installation.STREAM)
    envelopes: list[tuple[RecordedEvent, EventEnvelope[Event]]] = []
    for row in rows:
        with suppress(Exception):  # the check of the stream tells of it
            envelopes.append((row, to_envelope(row)))
    commands = await ledger.commands({row.command_digest for row, _ in envelopes if row.command_digest is not None})
    for row, envelope in envelopes:
        event = envelope.event
        if isinstance(event, installation.InstallationFounded) and row.position == 1:
            if event.installation != installation_id:
                found.problem(row.position, row.stream, "other_installation")
            if entry_key is not None and event.public_key != entry_key:
                found.problem(row.position, row.stream, "other_key")
            history.rehearsal = event.rehearsal
            history.named.append((row.position, event.key, bytes.fromhex(event.public_key)))
        elif isinstance(event, installation.EntryKeyNamed) and row.command_digest is not None:
            command = commands.get(row.command_digest)
            if command is None or _command_of(command.payload) != installation.NameEntryKey(**dict(event)):
                found.problem(row.position, row.stream, "does_not_follow")
                continue
            # The signature itself is checked with the stream; until then a key that nobody named proves nothing.
            history.named.append((row.position, event.key, bytes.fromhex(event.public_key)))
        elif row.command_digest is not None and not isinstance(event, LawPutInForce):
            found.problem(row.position, row.stream, "does_not_follow")
    return history


def _command_of(payload: str) -> Any:
    try:
        return CommandPayload.model_validate_json(payload).parsed()
    except (Refused, ValueError):
        return None
