"""The columns of a stored event and the digests that chain it.

An event's *content digest* covers every column the writer knows. Its *digest* covers the content digest, the digest of
the event before it in its stream, and what the ledger adds under its lock: position and time. So the database chains a
row by hashing about a hundred bytes, however long the payload is. Both digests begin with a format tag, so that a later
format cannot be mistaken for this one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

CONTENT_TAG = "thidua-event-1"
CHAIN_TAG = b"thidua-chain-1"
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
class Draft:
    """An event to be appended: its columns without stream, version and what the ledger adds."""

    type: str
    schema: int
    payload: str
    command_id: UUID
    command_digest: bytes | None
    actor: str
    unit: str
    stand_in_for: str | None
    provenance: str
    source: str
    meeting: str | None
    happened_earliest: datetime
    happened_latest: datetime
    effective: date | None
    act_key: str | None = None

    def content_digest(self, stream: str, version: int) -> bytes:
        """Return the sha256 over every column but those that the ledger adds."""
        return _content(
            stream,
            version,
            self.type,
            self.schema,
            self.payload,
            self.command_id,
            self.command_digest,
            self.actor,
            self.unit,
            self.stand_in_for,
            self.provenance,
            self.source,
            self.meeting,
            self.happened_earliest,
            self.happened_latest,
            self.effective,
            self.act_key,
        )


class RecordedEvent(NamedTuple):
    """A stored event. Times are aware; `position` counts from 1 over the whole ledger, `version` over its stream."""

    position: int
    stream: str
    version: int
    type: str
    schema: int
    payload: str
    command_id: UUID
    command_digest: bytes | None
    actor: str
    unit: str
    stand_in_for: str | None
    provenance: str
    source: str
    meeting: str | None
    happened_earliest: datetime
    happened_latest: datetime
    effective: date | None
    act_key: str | None
    recorded_at: datetime
    previous: bytes
    digest: bytes

    @property
    def tip(self) -> StreamTip:
        """The stream's tip when this is its last event."""
        return StreamTip(self.version, self.digest)

    def expected_digest(self) -> bytes:
        """Return the digest that this row must have, computed from its other columns."""
        # The columns from `stream` to `act_key` are those that the writer knew.
        return chain_digest(self.previous, self.position, self.recorded_at, _content(*self[1:18]))


def chain_digest(previous: bytes, position: int, recorded_at: datetime, content: bytes) -> bytes:
    """Chain a content digest to the digest before it. `ledger.append` in the database computes the same."""
    return sha256(CHAIN_TAG + previous + _POSITION_AND_TIME(position, _micros(recorded_at)) + content).digest()


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // _MICROSECOND


def _content(  # noqa: PLR0913, PLR0917 - one argument a column
    stream: str,
    version: int,
    type_: str,
    schema: int,
    payload: str,
    command_id: UUID,
    command_digest: bytes | None,
    actor: str,
    unit: str,
    stand_in_for: str | None,
    provenance: str,
    source: str,
    meeting: str | None,
    earliest: datetime,
    latest: datetime,
    effective: date | None,
    act_key: str | None,
) -> bytes:
    # The lengths of all columns come first, "-" for a missing one, so that no two rows give the same text.
    # Written out column by column, because a replay spends most of its time here.
    number, command, schema_number = str(version), str(command_id), str(schema)
    signed, signed_length = ("", "-") if command_digest is None else (command_digest.hex(), 2 * len(command_digest))
    source_lengths, source_text = _source_columns(actor, unit, stand_in_for, provenance, source, meeting)
    first = str(_micros(earliest))
    last = first if latest is earliest else str(_micros(latest))
    day, day_length = ("", "-") if effective is None else (str(effective), 10)
    key, key_length = ("", "-") if act_key is None else (act_key, len(act_key))
    text = (
        f"{CONTENT_TAG}\n{len(stream)},{len(number)},{len(type_)},{len(schema_number)},{len(payload)},{len(command)},"
        f"{signed_length},{source_lengths},{len(first)},{len(last)},{day_length},{key_length}\n"
        f"{stream}{number}{type_}{schema_number}{payload}{command}{signed}{source_text}{first}{last}{day}{key}"
    )
    return sha256(text.encode()).digest()


@lru_cache(maxsize=4_096)
def _source_columns(
    actor: str, unit: str, stand_in_for: str | None, provenance: str, source: str, meeting: str | None
) -> tuple[str, str]:
    """Return lengths and text of the columns from actor to meeting. Cached, because a stream repeats few of them."""
    return (
        f"{len(actor)},{len(unit)},{_length(stand_in_for)},{len(provenance)},{len(source)},{_length(meeting)}",
        f"{actor}{unit}{stand_in_for or ''}{provenance}{source}{meeting or ''}",
    )


def _length(value: str | None) -> str | int:
    return "-" if value is None else len(value)
