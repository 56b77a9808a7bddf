"""Signed commands: Ed25519 over exact bytes, by the entry point that authenticated the person.

One signature covers a header with a list of (stream, command id, payload digest): a meeting's acts, or the opening
of fifty cycles. A bundle of one cycle shows that list, never another cycle's content.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from hashlib import sha256
from uuid import UUID

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey

FORMAT = "thidua-command-1"
LIFETIME = timedelta(hours=1)
"""How long a signed command can wait; then what was pending becomes refused."""


class NotSignedError(Exception):
    """A command does not carry a signature that covers it. `code` says what is wrong."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Order:
    """One command on its way: where it goes, its id, its exact payload."""

    stream: str
    command_id: UUID
    payload: str

    @property
    def payload_digest(self) -> str:
        """What the header's list says of the payload."""
        return sha256(self.payload.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Header:
    """Who says a list of commands, known how, when, on which installation."""

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
    orders: tuple[tuple[str, str, str], ...]

    @classmethod
    @lru_cache(maxsize=256)
    def parse(cls, text: str) -> Header:
        """Read a header. An act's is read when it is checked, decided and appended.

        Raises:
            NotSignedError: `malformed`.
        """
        try:
            data = json.loads(text)
            if data.pop("format") != FORMAT:
                raise NotSignedError("malformed")
            data["issued"] = datetime.fromisoformat(data["issued"])
            data["expires"] = datetime.fromisoformat(data["expires"])
            data["orders"] = tuple((str(s), str(c), str(p)) for s, c, p in data["orders"])
            return cls(**data)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NotSignedError("malformed") from None

    def covers(self, order: Order) -> bool:
        """True when the list names exactly this command."""
        return (order.stream, str(order.command_id), order.payload_digest) in self.orders


@dataclass(frozen=True)
class Handover:
    """A header as exact text, with its signature."""

    header: str
    signature: bytes

    @cached_property
    def digest(self) -> bytes:
        """sha256 over signature and header."""
        return sha256(b"thidua-handover-1\n" + self.signature + self.header.encode()).digest()

    def command_digest(self, payload: str) -> bytes:
        """What an event keeps of the command it follows from."""
        return sha256(b"thidua-signed-1\n" + self.digest + payload.encode()).digest()


@dataclass(frozen=True, slots=True)
class Signer:
    """An entry point's private key, with what every header of the installation says."""

    installation: str
    epoch: int
    key: str
    private: SigningKey

    def sign(
        self,
        orders: Iterable[Order],
        *,
        actor: str,
        unit: str,
        issued: datetime,
        strength: str,
        commitment: str | None = None,
        stand_in_for: str | None = None,
    ) -> Handover:
        """Sign a list of commands for one person."""
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
            "orders": [[order.stream, str(order.command_id), order.payload_digest] for order in orders],
        }
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
        return Handover(text, self.private.sign(text.encode()).signature)


@dataclass(frozen=True, slots=True)
class Keys:
    """The public keys of an installation, by key id, and its writer epoch."""

    installation: str
    epoch: int
    public: Mapping[str, bytes]

    def verify(self, handover: Handover, orders: Iterable[Order], *, any_epoch: bool = False) -> Header:
        """Return the header if its signature is right and covers the orders. Expiry is the ledger's to judge.

        Raises:
            NotSignedError: `malformed`, `other_installation`, `other_epoch`, `unknown_key`, `bad_signature`,
                `not_covered`.
        """
        header = Header.parse(handover.header)
        if header.installation != self.installation:
            raise NotSignedError("other_installation")
        if header.epoch != self.epoch and not (any_epoch and header.epoch <= self.epoch):
            raise NotSignedError("other_epoch")
        public = self.public.get(header.key)
        if public is None:
            raise NotSignedError("unknown_key")
        try:
            VerifyKey(public).verify(handover.header.encode(), handover.signature)
        except (CryptoError, ValueError):
            raise NotSignedError("bad_signature") from None
        for order in orders:
            if not header.covers(order):
                raise NotSignedError("not_covered", command=str(order.command_id))
        return header
