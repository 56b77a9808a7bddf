"""The installation's own stream: its id, and the keys that commands are signed with.

Its first event is unsigned and is accepted because the ledger is empty. Every further key is named by a command that
is signed with a key named before.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.msgids import N_, NC_
from domain.parties import SECRETARIAT
from domain.records import Command, Event, EventEnvelope
from domain.types import Digest, Slug

STREAM = "installation"
POST_STREAM = "post"


class InstallationFounded(
    Event,
    name="InstallationFounded",
    schema=1,
    sentence=N_("The register is founded."),
    correctable=False,
    in_summary=None,
):
    """The ledger's first event. `public_key` is the entry point's Ed25519 key, in hex."""

    installation: str
    epoch: int
    key: str
    public_key: str
    rehearsal: bool


class NameEntryKey(
    Command,
    name="name-entry-key",
    label=NC_("act", "name entry key"),
    summary=N_("Name the key of another entry point."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    """`public_key` is its Ed25519 key, in hex."""

    key: Slug
    public_key: Digest


class EntryKeyNamed(
    Event,
    name="EntryKeyNamed",
    schema=1,
    sentence=N_("The register takes acts through a further entry: its key is named."),
    correctable=False,
    in_summary=None,
):
    key: Slug
    public_key: Digest


def keys(history: Iterable[EventEnvelope[Event]]) -> dict[str, bytes]:
    """Return the public keys that the stream names, by key id."""
    return {
        envelope.event.key: bytes.fromhex(envelope.event.public_key)
        for envelope in history
        if isinstance(envelope.event, (InstallationFounded, EntryKeyNamed))
    }
