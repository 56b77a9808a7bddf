"""The installation's own stream: whose ledger it is, and with which keys commands are signed.

Its first event is the only unsigned one that no clock and no delivery accounts for: it is accepted because the
ledger is empty. Every further key is named by a command that a key known before has signed.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.types import Command, Digest, Event, EventEnvelope, Slug

STREAM = "installation"
POST_STREAM = "post"


class InstallationFounded(Event, name="InstallationFounded"):
    """The ledger's first event. `public_key` is the entry point's Ed25519 key, in hex."""

    installation: str
    epoch: int
    key: str
    public_key: str
    rehearsal: bool


class NameEntryKey(Command, name="name-entry-key"):
    """Another entry point signs from now on. `public_key` is its Ed25519 key, in hex."""

    key: Slug
    public_key: Digest


class EntryKeyNamed(Event, name="EntryKeyNamed"):
    key: Slug
    public_key: Digest


def keys(history: Iterable[EventEnvelope[Event]]) -> dict[str, bytes]:
    """The public keys that the stream has named, by key id."""
    return {
        told.event.key: bytes.fromhex(told.event.public_key)
        for told in history
        if isinstance(told.event, (InstallationFounded, EntryKeyNamed))
    }
