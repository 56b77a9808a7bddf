"""Signed notes and checkpoints, as c2sp.org/signed-note and c2sp.org/tlog-checkpoint define them.

A note is a text and, after an empty line, lines with signatures. The text of a checkpoint is the origin (which log),
the size of the Merkle tree, and its root. Tools that others wrote can read and verify both.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

from errors import CodedError, Kind
from ledger.merkle import HASH_BYTES

_ED25519 = b"\x01"
"""The type of the signature, as c2sp.org/signed-note assigns it."""

_KEY_ID_BYTES, _PUBLIC_BYTES = 4, 32
_MOST_BYTES = 100_000
"""A longer note is not read; one of ours has some 300 bytes."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_NAME = re.compile(r"[^\s+]+")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_CHECKPOINT_LINES = 3


class NoteError(CodedError):
    """A text is no note, no checkpoint, or not one that the key has signed. `code` says what is wrong."""

    kind = Kind.INPUT


class NoteSigner(Protocol):
    """What signs checkpoints: a key with the name that stands in its signatures, the origin of the log."""

    @property
    def verifier(self) -> NoteVerifier:
        """The public half."""

    def sign(self, text: str) -> str:
        """Return the signed note of a text."""


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class NoteVerifier:
    """A public Ed25519 key with its name. As text it is a *verifier key*: `example.org/log+530d903a+AekyeR…`."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> NoteVerifier:
        """Read a verifier key.

        Raises:
            NoteError: `note_key_bad`.
        """
        name, _plus, rest = text.strip().partition("+")
        key_id, _plus, encoded = rest.partition("+")
        material = _decoded(encoded)
        if material is None or material[:1] != _ED25519 or len(material) != 1 + _PUBLIC_BYTES:
            raise NoteError("note_key_bad")
        found = cls(name, material[1:])
        if not _NAME.fullmatch(name) or key_id != _key_id(name, found.public).hex():
            raise NoteError("note_key_bad")
        return found

    def __str__(self) -> str:
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{_key_id(self.name, self.public).hex()}+{encoded}"

    def has_signed(self, note: Note) -> bool:
        """Return whether one of the note's signatures is this key's; those of other keys are ignored.

        Raises:
            NoteError: `note_signature`: a signature carries the key's name and id, and is wrong.
        """
        found = False
        for name, signature in note.signatures:
            if name != self.name or signature[:_KEY_ID_BYTES] != _key_id(self.name, self.public):
                continue
            try:
                VerifyKey(self.public).verify(note.text.encode(), signature[_KEY_ID_BYTES:])
            except (CryptoError, ValueError):
                raise NoteError("note_signature") from None
            found = True
        return found


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """A private Ed25519 key that signs notes under a name."""

    name: str
    private: SigningKey

    @property
    def verifier(self) -> NoteVerifier:
        """The public half."""
        return NoteVerifier(self.name, bytes(self.private.verify_key))

    def sign(self, text: str) -> str:
        """Return the signed note of a text, which ends with a line break."""
        signature = _key_id(self.name, self.verifier.public) + self.private.sign(text.encode()).signature
        return f"{text}\n— {self.name} {base64.b64encode(signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signatures: the name of each key, and key id and signature as bytes. None is checked yet."""

    text: str
    signatures: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, note: str) -> Note:
        """Take a note apart.

        Raises:
            NoteError: `note_malformed`.
        """
        text, blank, block = note.rpartition("\n\n")
        if not blank or not text or not block.endswith("\n") or len(note) > _MOST_BYTES or _has_control(note):
            raise NoteError("note_malformed")
        signatures = []
        for line in block[:-1].split("\n"):
            found = _SIGNATURE.fullmatch(line)
            signature = _decoded(found[2]) if found else None
            if found is None or signature is None or len(signature) <= _KEY_ID_BYTES:
                raise NoteError("note_malformed")
            signatures.append((found[1], signature))
        return cls(f"{text}\n", tuple(signatures))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log looked like at a size: the root over the digests of its first `size` events."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text of the note."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note; lines after the third one are extensions, and are ignored.

        Raises:
            NoteError: `note_malformed`.
        """
        lines = text.split("\n")[:-1]
        if len(lines) < _CHECKPOINT_LINES or not all(lines) or not _SIZE.fullmatch(lines[1]):
            raise NoteError("note_malformed")
        root = _decoded(lines[2])
        if root is None or len(root) != HASH_BYTES:
            raise NoteError("note_malformed")
        return cls(lines[0], int(lines[1]), root)


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """What is known of a log from elsewhere: its origin, and the keys whose signatures are trusted.

    A compromised key is trusted up to a size: `limits` has them by public key.
    """

    origin: str
    keys: tuple[NoteVerifier, ...]
    limits: Mapping[bytes, int] = field(default_factory=dict)

    def trusts(self, key: NoteVerifier, size: int) -> bool:
        """Return whether one of the keys is trusted for a checkpoint of a size."""
        return size <= self.limits.get(key.public, size)

    @classmethod
    def of(cls, *keys: NoteVerifier) -> LogIdentity:
        """Return the log that all the keys are named after."""
        return cls(keys[0].name, keys)


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with the exact text of its note."""

    checkpoint: Checkpoint
    note: str

    @classmethod
    def sign(cls, checkpoint: Checkpoint, signer: NoteSigner) -> SignedCheckpoint:
        """Sign a checkpoint."""
        return cls(checkpoint, signer.sign(checkpoint.text))

    @classmethod
    def open(cls, note: str, log: LogIdentity) -> SignedCheckpoint:
        """Read a note of a log, which one of its keys must have signed.

        Raises:
            NoteError: `note_malformed`; `note_foreign`: it is of another log; `note_unsigned`: none of the keys has
                signed it; `note_signature`: a signature is wrong; `note_untrusted`: only a key has signed it that is
                not trusted for this size any more.
        """
        parsed = Note.parse(note)
        checkpoint = Checkpoint.parse(parsed.text)
        if checkpoint.origin != log.origin:
            raise NoteError("note_foreign", origin=checkpoint.origin)
        # All of them: a wrong signature of one key is an error although another key's is right.
        signers = [key for key in log.keys if key.has_signed(parsed)]
        if not signers:
            raise NoteError("note_unsigned")
        if not any(log.trusts(key, checkpoint.size) for key in signers):
            raise NoteError("note_untrusted")
        return cls(checkpoint, note)


def _decoded(text: str) -> bytes | None:
    """Return the bytes of standard base64 in its one canonical form; None for anything else."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if base64.b64encode(found).decode() == text else None


def _has_control(text: str) -> bool:
    return any(char < " " and char != "\n" for char in text)
