"""The installation's own stream: its id, and the keys by which it can be told who signed what.

Its first event is unsigned and is accepted because the ledger is empty. It names the root key. Every other key is
named, and retired, by a command that a root key signed; a root key signs nothing else, so it can lie elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import Field

from domain.commands import CommandPayload
from domain.msgids import N_, NC_
from domain.parties import SECRETARIAT
from domain.records import Command, Event, EventEnvelope, Refused
from domain.strengths import Strength
from domain.types import Digest, Label, Slug

STREAM = "installation"
POST_STREAM = "post"


class KeyRole(StrEnum):
    """What a key signs. Stored, so the values never change."""

    ROOT = "root"
    """Commands that name and retire keys, and nothing else."""
    ENTRY = "entry"
    """Commands of people, at the entry point that authenticated them."""
    LOG = "log"
    """Checkpoints of the ledger."""


class KeyHolder(StrEnum):
    """The entry point that holds an entry key. Stored, so the values never change."""

    CLI = "cli"
    """The command line, where the account of the operating system is the proof."""
    WEB = "web"
    """Pages and JSON interface."""


class InstallationFounded(
    Event,
    name="InstallationFounded",
    schema=1,
    sentence=N_("The register is founded."),
    correctable=False,
    in_summary=None,
):
    """The ledger's first event. `public_key` is the first root key, Ed25519 in hex."""

    installation: str
    epoch: int
    key: str
    public_key: Digest
    rehearsal: bool


class NameKey(
    Command,
    name="name-key",
    label=NC_("act", "name key"),
    summary=N_("Name a key: from now on what it signs is accepted."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    """`public_key` is Ed25519 in hex. An entry key has a holder, a log key the origin of its log."""

    key: Slug
    public_key: Digest
    role: KeyRole
    holder: KeyHolder | None = None
    origin: Label | None = None


class KeyNamed(
    Event,
    name="KeyNamed",
    schema=1,
    sentence=N_("The key {key} is named: what it signs is accepted."),
    correctable=False,
    in_summary=None,
):
    """See `NameKey`. Other keys of its role stay accepted until they are retired."""

    key: Slug
    public_key: Digest
    role: KeyRole
    holder: KeyHolder | None = None
    origin: Label | None = None


class RetireKey(
    Command,
    name="retire-key",
    label=NC_("act", "retire key"),
    summary=N_("Retire a key: from now on what it signs is refused."),
    allowed=SECRETARIAT,
    about=None,
    closed_by=None,
    binding=False,
    after_filing=False,
    in_minutes=False,
    names_any_unit=False,
):
    """`trusted_until` is the last position up to which a compromised key is trusted; None: it was not compromised.

    A later statement about the same key replaces the position.
    """

    key: Slug
    trusted_until: int | None = Field(default=None, ge=0)


class KeyRetired(
    Event,
    name="KeyRetired",
    schema=1,
    sentence=N_("The key {key} is retired: what it signs is refused."),
    correctable=False,
    in_summary=None,
):
    """See `RetireKey`."""

    key: Slug
    trusted_until: int | None = None


KEY_ACTS = frozenset({NameKey.NAME, RetireKey.NAME})
"""The commands that only a root key signs."""


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A key as the events of the stream tell of it."""

    key: str
    public: bytes
    role: KeyRole
    holder: KeyHolder | None = None
    origin: str | None = None
    retired: bool = False
    trusted_until: int | None = None
    """The last position up to which what it signed is trusted; None for no limit."""

    @property
    def kind(self) -> str:
        """What the operator calls such a key: its holder, or else its role."""
        return (self.holder or self.role).value

    def may_sign(self, stream: str, payload: str, strength: str) -> bool:
        """Return whether it may sign a command: `payload` is its signed text, `strength` that of its header."""
        if stream == STREAM and _act_of(payload) in KEY_ACTS:
            return self.role is KeyRole.ROOT
        # Only the command line has the proof of the operating system: a thief of the web's key has not.
        return self.role is KeyRole.ENTRY and (self.holder is KeyHolder.CLI or strength != Strength.OS_ACCOUNT)


Keyring = Mapping[str, NamedKey]
"""All keys that were ever named, by name."""


def evolve(known: Keyring, event: Event) -> Keyring:
    """Return the keys after an event of the stream; events about other matters change nothing."""
    if isinstance(event, InstallationFounded):
        return {event.key: NamedKey(event.key, bytes.fromhex(event.public_key), KeyRole.ROOT)}
    if isinstance(event, KeyNamed):
        public = bytes.fromhex(event.public_key)
        return {**known, event.key: NamedKey(event.key, public, event.role, event.holder, event.origin)}
    if isinstance(event, KeyRetired) and event.key in known:
        gone = replace(known[event.key], retired=True, trusted_until=event.trusted_until)
        return {**known, event.key: gone}
    return known


def keys(history: Iterable[EventEnvelope[Event]]) -> Keyring:
    """Return the keys that the stream names."""
    known: Keyring = {}
    for envelope in history:
        known = evolve(known, envelope.event)
    return known


def decide(command: Command, known: Keyring, read: int) -> KeyNamed | KeyRetired:
    """Return what follows from a command about a key; `read` is the newest position that its signer had read.

    Raises:
        Refused: `key_known`, `key_incomplete`, `no_such_key`, `key_gone`, `last_key`, `not_read_yet`; `unknown_act`:
            the command is about no key.
    """
    if isinstance(command, NameKey):
        return _name(command, known)
    if isinstance(command, RetireKey):
        return _retire(command, known, read)
    raise Refused("unknown_act", act=command.NAME)


def _name(command: NameKey, known: Keyring) -> KeyNamed:
    if command.key in known or bytes.fromhex(command.public_key) in {one.public for one in known.values()}:
        raise Refused("key_known", key=command.key)
    needs = (command.role is KeyRole.ENTRY, command.role is KeyRole.LOG)
    if needs != (command.holder is not None, command.origin is not None):
        raise Refused("key_incomplete", key=command.key)
    return KeyNamed(**dict(command))


def _retire(command: RetireKey, known: Keyring, read: int) -> KeyRetired:
    key = known.get(command.key)
    if key is None:
        raise Refused("no_such_key", key=command.key)
    if key.retired and command.trusted_until in {None, key.trusted_until}:
        raise Refused("key_gone", key=command.key)
    if command.trusted_until is not None and command.trusted_until > read:
        raise Refused("not_read_yet", position=command.trusted_until, last=read)
    others = [one for one in known.values() if one.role is key.role and not one.retired and one != key]
    if key.role is not KeyRole.ENTRY and not key.retired and not others:
        # Without a root key no other key can be named; without a log key the ledger's end is not watched.
        raise Refused("last_key", key=command.key, holder=key.role.value)
    return KeyRetired(**dict(command))


def _act_of(payload: str) -> str:
    try:
        return CommandPayload.model_validate_json(payload).act
    except ValueError:
        return ""


def is_rehearsal(first: Event) -> bool:
    """Whether the stream's first event founds an installation that may be thrown away."""
    return isinstance(first, InstallationFounded) and first.rehearsal


def next_name(known: Keyring, first: str) -> str:
    """Return the name of the next key of a kind, such as `web-2`, where `first` is "web"."""
    number = 1
    while f"{first}-{number}" in known:
        number += 1
    return f"{first}-{number}"
