"""Signed commands: Ed25519 over exact bytes, with the key of the entry point that authenticated the person.

One signature covers a header with a list of (stream, command id, payload digest), such as a meeting's acts or the
opening of fifty cycles. The export of one cycle contains that list, but no payload of another cycle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Annotated, Literal, Protocol
from uuid import UUID

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from errors import CodedError, Kind
from ledger.events import LedgerTip

FORMAT: Literal["thidua-command-2"] = "thidua-command-2"
LIFETIME = timedelta(hours=1)
"""From issue to expiry: the ledger refuses a command that comes later, unless it is known."""

SKEW = timedelta(minutes=2)
"""The clocks of the machine that signs and of the one that stores may differ by so much."""

HEADER_BYTES = 300_000
"""The most bytes of a header: it lists up to 600 items with three hundred bytes each."""

PAYLOAD_BYTES = 1_000_000
"""The most bytes of one command: its event, which holds as much, cannot be longer either."""

BATCH_BYTES = 1_400_000
"""The most bytes of a header with all payloads. Temporal takes two megabytes; a quotation mark counts twice there."""

_SIGNATURE = re.compile("[0-9a-f]{128}")
_BIGINT = 2**63 - 1


class NotSignedError(CodedError):
    """A command has no valid signature that covers it. `code` says what is wrong."""

    kind = Kind.REFUSED


class KnownKey(Protocol):
    """A public key as the stream of the installation names it (`domain.installation.NamedKey`)."""

    @property
    def public(self) -> bytes:
        """The public half."""

    @property
    def retired(self) -> bool:
        """Whether it signs nothing more."""

    def may_sign(self, stream: str, payload: str, strength: str) -> bool:
        """Return whether it may sign a command: `payload` is its signed text, `strength` that of its header."""


class KeySource(Protocol):
    """The keys of a ledger, which change while a process runs."""

    @property
    def latest(self) -> Keys:
        """The keys that were read last; none before the first time. It waits for nothing."""

    async def current(self) -> Keys:
        """Return the keys that were read last."""

    async def refresh(self) -> Keys:
        """Return the keys that the ledger names now; the same object when nothing changed."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One command of a batch: its stream, its id, its exact payload."""

    stream: str
    command_id: UUID
    payload: str

    @property
    def size(self) -> int:
        """How many bytes the payload has.

        Raises:
            UnicodeEncodeError: it is no text that can be written.
        """
        return len(self.payload.encode())

    @property
    def payload_digest(self) -> str:
        """The sha256 of the payload in hex, as in the header's list."""
        return sha256(self.payload.encode()).hexdigest()


class _HeaderText(BaseModel):
    """The JSON of a header. Strict, because a header is read before its signature is checked."""

    model_config = ConfigDict(strict=True, extra="forbid")

    format: Literal["thidua-command-2"]
    installation: str
    key: str
    epoch: int
    actor: str
    commitment: str | None
    unit: str
    stand_in_for: str | None
    strength: str
    issued: AwareDatetime
    expires: AwareDatetime
    read: tuple[Annotated[int, Field(ge=0, le=_BIGINT)], Annotated[str, Field(pattern="^[0-9a-f]{64}$")]]
    orders: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Header:
    """The signed facts about a list of commands: person, strength of the login, time, installation, key.

    `read` is the newest event of the ledger that the entry point had read when it signed. The ledger takes the commands
    only where that event stands, so rewriting it makes every later signature wrong.
    """

    installation: str
    key: str
    epoch: int
    actor: str
    commitment: str | None
    unit: str
    stand_in_for: str | None
    strength: str
    issued: datetime
    expires: datetime
    read: LedgerTip
    items: tuple[tuple[str, str, str], ...]

    @classmethod
    @lru_cache(maxsize=256)
    def parse(cls, text: str) -> Header:
        """Read a header. Cached, because a command's header is read when it is checked, decided and appended.

        Raises:
            NotSignedError: `malformed`.
        """
        try:
            fields = dict(_HeaderText.model_validate_json(text))
        except ValueError:
            raise NotSignedError("malformed") from None
        del fields["format"]
        position, digest = fields.pop("read")
        return cls(items=fields.pop("orders"), read=LedgerTip(position, bytes.fromhex(digest)), **fields)

    def covers(self, item: BatchItem) -> bool:
        """Return True when the list names exactly this command."""
        return (item.stream, str(item.command_id), item.payload_digest) in self.items


@dataclass(frozen=True)
class SignedBatch:
    """A header as exact text, its signature in hex, and the items that it covers.

    The same object is signed by the entry point, sent through Temporal, and checked before the append.
    """

    header: str
    signature: str
    items: tuple[BatchItem, ...]

    def check_form(self) -> Header:
        """Return the header of a batch that has the form and the sizes of a signed one. The signature is not checked.

        Raises:
            NotSignedError: `malformed`; `batch_too_long`: it is more than the engine takes at once.
        """
        try:
            header, payloads = len(self.header.encode()), [item.size for item in self.items]
        except UnicodeEncodeError:
            raise NotSignedError("malformed") from None
        if (total := header + sum(payloads)) > BATCH_BYTES or max(payloads, default=0) > PAYLOAD_BYTES:
            raise NotSignedError("batch_too_long", count=total, most=BATCH_BYTES)
        if header > HEADER_BYTES or _SIGNATURE.fullmatch(self.signature) is None:
            raise NotSignedError("malformed")
        if len({item.command_id for item in self.items}) != len(self.items):
            raise NotSignedError("malformed")
        return Header.parse(self.header)

    def only(self, stream: str) -> SignedBatch:
        """Return the batch with the items of one stream: the header still names all of them."""
        return replace(self, items=tuple(item for item in self.items if item.stream == stream))

    def command(self, item: BatchItem, unit: str) -> SignedCommand:
        """Return one item in the form that the ledger stores; `unit` is the header's."""
        return SignedCommand(self.header, self.signature, item.payload, unit)


@dataclass(frozen=True)
class SignedCommand:
    """A command in the form that the ledger stores beside its events; `signature` is hex, `unit` the header's."""

    header: str
    signature: str
    payload: str
    unit: str

    @cached_property
    def batch_digest(self) -> bytes:
        """The sha256 over signature and header. The tag is part of stored digests, so it keeps its first name."""
        return sha256(b"thidua-handover-1\n" + bytes.fromhex(self.signature) + self.header.encode()).digest()

    @cached_property
    def digest(self) -> bytes:
        """The sha256 over batch and payload, in the events of the command as `command_digest`."""
        return sha256(b"thidua-signed-1\n" + self.batch_digest + self.payload.encode()).digest()


@dataclass(frozen=True, slots=True)
class Signer:
    """An entry point's private key, with the fields that are the same in all its headers."""

    installation: str
    epoch: int
    key: str
    private: SigningKey

    def sign(
        self,
        items: Iterable[BatchItem],
        *,
        actor: str,
        unit: str,
        issued: datetime,
        strength: str,
        read: LedgerTip,
        commitment: str | None = None,
        stand_in_for: str | None = None,
    ) -> SignedBatch:
        """Sign a list of commands for one person. `read` is the ledger's newest event."""
        covered = tuple(items)
        header = {
            "format": FORMAT,
            "installation": self.installation,
            "key": self.key,
            "epoch": self.epoch,
            "actor": actor,
            "commitment": commitment,
            "unit": unit,
            "stand_in_for": stand_in_for,
            "strength": strength,
            "issued": issued.isoformat(),
            "expires": (issued + LIFETIME).isoformat(),
            "read": [read.position, read.digest.hex()],
            "orders": [[item.stream, str(item.command_id), item.payload_digest] for item in covered],
        }
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
        return SignedBatch(text, self.private.sign(text.encode()).signature.hex(), covered)


@dataclass(frozen=True, slots=True)
class Keys:
    """The public keys of an installation, by name, and its writer epoch.

    `version` is that of the installation's stream, as far as it was read: `ledger.append` takes no command whose
    signature was checked with older keys.
    """

    installation: str
    epoch: int
    public: Mapping[str, KnownKey]
    version: int = 0

    def verify(self, header: str, signature: str, items: Iterable[BatchItem], *, any_epoch: bool = False) -> Header:
        """Return the parsed header if its signature is valid and covers the items. `ledger.append` checks the expiry.

        With `any_epoch`, headers of earlier epochs are valid, too: for verifying stored commands.

        Raises:
            NotSignedError: `malformed`, `other_installation`, `other_epoch`, `unknown_key`, `key_retired`,
                `bad_signature`, `not_covered`, `wrong_key`: a key of its role or holder may not sign this.
        """
        parsed = Header.parse(header)
        if parsed.installation != self.installation:
            raise NotSignedError("other_installation")
        if parsed.epoch != self.epoch and not (any_epoch and parsed.epoch <= self.epoch):
            raise NotSignedError("other_epoch")
        known = self.public.get(parsed.key)
        if known is None:
            raise NotSignedError("unknown_key")
        if known.retired:
            raise NotSignedError("key_retired", key=parsed.key)
        try:
            VerifyKey(known.public).verify(header.encode(), bytes.fromhex(signature))
        except (CryptoError, ValueError):
            raise NotSignedError("bad_signature") from None
        for item in items:
            if not parsed.covers(item):
                raise NotSignedError("not_covered", command=str(item.command_id))
            if not known.may_sign(item.stream, item.payload, parsed.strength):
                raise NotSignedError("wrong_key", key=parsed.key)
        return parsed
