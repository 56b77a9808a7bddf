"""Which keys have signed the checkpoints of an installation, and how far each is trusted: its stream tells both."""

from __future__ import annotations

from application.key_ring import KeyRing
from domain.installation import Keyring, KeyRole, NamedKey
from ledger.notes import LogIdentity, NoteVerifier
from ledger.protocol import UnreadableRowError


async def keys_to_verify_with(keys: KeyRing) -> Keyring:
    """Return the keys that the ledger names; none where its stream cannot be read, which the verification tells of."""
    try:
        return await keys.known()
    except UnreadableRowError:
        return {}


def log_identity(known: Keyring, own: NoteVerifier) -> LogIdentity:
    """Return the log of a key: all keys that the ledger names for its origin have signed it, and this one."""
    named = [NoteVerifier(own.name, one.public) for one in _log_keys(known, own.name)]
    return LogIdentity(own.name, tuple(dict.fromkeys([*named, own])), _limits(known, own.name))


def log_of_given(known: Keyring, given: NoteVerifier) -> LogIdentity:
    """Return the log of a key that somebody has kept: no other one has signed it, and it may have been compromised."""
    return LogIdentity(given.name, (given,), _limits(known, given.name))


def _log_keys(known: Keyring, origin: str) -> list[NamedKey]:
    return [key for key in known.values() if key.role is KeyRole.LOG and key.origin == origin]


def _limits(known: Keyring, origin: str) -> dict[bytes, int]:
    return {one.public: one.trusted_until for one in _log_keys(known, origin) if one.trusted_until is not None}
