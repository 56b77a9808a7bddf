"""Events on their way into the ledger and as it stores them, and the digests that chain them.

An event's *body* (`ledger/bodies.py`) holds everything that the writer knows. Its *digest* covers the sha256 of the
body, the digest of the event before it in its stream, and what the ledger adds under its lock: position and time. So
the database chains a row by hashing about a hundred bytes, however long the body is. The columns beside the body are
an index; `RecordedEvent.fault` compares them with it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import msgspec

from ledger.bodies import BadBodyError, EventBody, Provenance, check_body, decode_body, encode_body

EVENT_TAG = b"thidua-event-2"
"""The first bytes under every digest of an event, so that no other format's digest can be mistaken for it."""

INSTALLATION_STREAM = "installation"
"""The stream that names the keys: an append says with which version of it signatures were checked."""

NO_DIGEST = bytes(32)
"""The `previous` of the first event of a stream."""

_POSITION_AND_TIME = struct.Struct(">QQ").pack
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StreamTip:
    """Version and digest of a stream's last event; 0 and zero bytes for an empty stream."""

    version: int = 0
    digest: bytes = NO_DIGEST


@dataclass(frozen=True, slots=True)
class LedgerTip:
    """Position and digest of the ledger's last event; 0 and zero bytes for an empty ledger."""

    position: int = 0
    digest: bytes = NO_DIGEST


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be appended: its body without stream and version. `payload` is the JSON of the event itself."""

    type: str
    schema: int
    law: int
    payload: str
    command_id: UUID
    command_digest: bytes | None
    actor: str
    unit: str
    stand_in_for: str | None
    provenance: Provenance
    source: str
    meeting: str | None
    happened_earliest: datetime
    happened_latest: datetime
    effective: date | None
    act_key: str | None = None

    def body(self, stream: str, version: int) -> bytes:
        """Return the body for a place in a stream.

        Raises:
            BadBodyError: as `check_body`.
        """
        try:
            body = encode_body(
                EventBody(
                    stream=stream,
                    version=version,
                    law=self.law,
                    type=self.type,
                    schema=self.schema,
                    payload=msgspec.Raw(self.payload),
                    command_id=self.command_id,
                    command_digest=None if self.command_digest is None else self.command_digest.hex(),
                    actor=self.actor,
                    unit=self.unit,
                    stand_in_for=self.stand_in_for,
                    provenance=self.provenance,
                    source=self.source,
                    meeting=self.meeting,
                    happened_earliest=self.happened_earliest,
                    happened_latest=self.happened_latest,
                    effective=self.effective,
                    act_key=self.act_key,
                )
            )
        except ValueError as error:  # a text that UTF-8 cannot spell
            raise BadBodyError("body_unreadable") from error
        content = check_body(body)
        if (content.stream, content.version) != (stream, version):
            raise BadBodyError("body_elsewhere", stream=content.stream, version=content.version)
        return body


class _Content:
    """Decodes the body at the first use. It has no setter, so the value that it leaves on the row is found first."""

    def __get__(self, row: RecordedEvent, _owner: type | None = None) -> EventBody:
        content = row.__dict__["content"] = decode_body(row.body)
        return content


class RecordedEvent(msgspec.Struct, frozen=True, dict=True):
    """A stored event: a row of the ledger. What only the body tells is read from it; times are aware.

    `position` counts from 1 over the whole ledger, `version` over its stream. Reading a field of a body that was
    changed raises `BadBodyError`, which is a ValueError.
    """

    position: int
    stream: str
    version: int
    law: int
    command_id: UUID
    body: bytes
    recorded_at: datetime
    previous: bytes
    digest: bytes

    content = _Content()

    @property
    def tip(self) -> StreamTip:
        """The stream's tip when this is its last event."""
        return StreamTip(self.version, self.digest)

    def expected_digest(self) -> bytes:
        """Return the digest that this row must have, computed from its body and from what the ledger added."""
        return chain_digest(self.previous, self.position, self.recorded_at, self.body)

    def fault(self) -> str | None:
        """Return what is wrong with the body: a code of `BadBodyError`, or `columns` when they say otherwise."""
        try:
            content = self.__dict__["content"] = check_body(self.body)
        except BadBodyError as error:
            return error.code
        index = content.stream, content.version, content.law, content.command_id
        return None if index == (self.stream, self.version, self.law, self.command_id) else "columns"

    @property
    def type(self) -> str:
        return self.content.type

    @property
    def schema(self) -> int:
        return self.content.schema

    @property
    def payload(self) -> str:
        return bytes(self.content.payload).decode()

    @property
    def command_digest(self) -> bytes | None:
        digest = self.content.command_digest
        return None if digest is None else bytes.fromhex(digest)

    @property
    def actor(self) -> str:
        return self.content.actor

    @property
    def unit(self) -> str:
        return self.content.unit

    @property
    def stand_in_for(self) -> str | None:
        return self.content.stand_in_for

    @property
    def provenance(self) -> Provenance:
        return self.content.provenance

    @property
    def source(self) -> str:
        return self.content.source

    @property
    def meeting(self) -> str | None:
        return self.content.meeting

    @property
    def happened_earliest(self) -> datetime:
        return self.content.happened_earliest

    @property
    def happened_latest(self) -> datetime:
        return self.content.happened_latest

    @property
    def effective(self) -> date | None:
        return self.content.effective

    @property
    def act_key(self) -> str | None:
        return self.content.act_key


def chain_digest(previous: bytes, position: int, recorded_at: datetime, body: bytes) -> bytes:
    """Chain a body to the digest before it. `ledger.append` in the database computes the same."""
    return chain_digest_at(previous, position, micros_of(recorded_at), body)


def micros_of(recorded_at: datetime) -> int:
    """Return a time of recording as digests cover it: in microseconds since 1970."""
    return (recorded_at - _EPOCH) // _MICROSECOND


def chain_digest_at(previous: bytes, position: int, micros: int, body: bytes) -> bytes:
    """As `chain_digest`, for one who checks many events that were recorded at the same time."""
    return sha256(EVENT_TAG + previous + _POSITION_AND_TIME(position, micros) + sha256(body).digest()).digest()
