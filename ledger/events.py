"""The envelope of a stored event and the digests that chain it.

An event's *content digest* covers every column the writer knows; its *digest* covers the content digest, the
previous event's digest and what the ledger adds under its lock (position, time). Both carry a format tag, so that
another format can follow some day without being mistaken for this one. The split lets the database chain a row by
hashing some hundred bytes, however long its payload is.
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
"""What stands before the first event of a stream."""

_PLACE = struct.Struct(">QQ").pack
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StreamTip:
    """Where a stream stands: the version and digest of its last event; 0 and zeros for an empty one."""

    version: int = 0
    digest: bytes = NO_DIGEST


@dataclass(frozen=True, slots=True)
class Draft:
    """An event on its way into the ledger; the envelope without what the ledger adds."""

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
        """sha256 over every column but those that the ledger adds."""
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
        """The stream's head once this is its last event."""
        return StreamTip(self.version, self.digest)

    def expected_digest(self) -> bytes:
        """The digest that this row must carry, worked out from its columns."""
        # From `stream` to `act_key`: what the writer knew.
        return chain_digest(self.previous, self.position, self.recorded_at, _content(*self[1:18]))


def chain_digest(previous: bytes, position: int, recorded_at: datetime, content: bytes) -> bytes:
    """Chain a content digest to its predecessor. `ledger.append` in the database computes the same."""
    return sha256(CHAIN_TAG + previous + _PLACE(position, _micros(recorded_at)) + content).digest()


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
    # Length-prefixed: the lengths of all columns come first, "-" for a missing one, so no two rows read alike.
    # Written out column by column, because a replay spends most of its time here.
    v, c, s = str(version), str(command_id), str(schema)
    d, d_length = ("", "-") if command_digest is None else (command_digest.hex(), 2 * len(command_digest))
    by_lengths, by = _by(actor, unit, stand_in_for, provenance, source, meeting)
    e = str(_micros(earliest))
    l = e if latest is earliest else str(_micros(latest))  # noqa: E741
    f, f_length = ("", "-") if effective is None else (str(effective), 10)
    k, k_length = ("", "-") if act_key is None else (act_key, len(act_key))
    text = (
        f"{CONTENT_TAG}\n{len(stream)},{len(v)},{len(type_)},{len(s)},{len(payload)},{len(c)},{d_length},{by_lengths},"
        f"{len(e)},{len(l)},{f_length},{k_length}\n{stream}{v}{type_}{s}{payload}{c}{d}{by}{e}{l}{f}{k}"
    )
    return sha256(text.encode()).digest()


@lru_cache(maxsize=4_096)
def _by(
    actor: str, unit: str, stand_in_for: str | None, provenance: str, source: str, meeting: str | None
) -> tuple[str, str]:
    """Lengths and text of who says a thing and how surely: a stream repeats the same few."""
    return (
        f"{len(actor)},{len(unit)},{_length(stand_in_for)},{len(provenance)},{len(source)},{_length(meeting)}",
        f"{actor}{unit}{stand_in_for or ''}{provenance}{source}{meeting or ''}",
    )


def _length(value: str | None) -> str | int:
    return "-" if value is None else len(value)
