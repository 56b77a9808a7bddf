"""The body of an event: one JSON document with everything that its writer knows, kept and hashed as exact bytes.

A body has one spelling: the keys in the order of `EventBody`, an optional one left out when it has no value, no white
space, no key twice, instants in UTC. docs/ledger-format.md tells it to those who read a ledger in another language.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from errors import CodedError, Kind

BODY_BYTES = 1_000_000
"""The most bytes of a body. Temporal's limit of two megabytes holds for the messages that bring its parts."""

Provenance: TypeAlias = Literal["stated", "inferred", "rehearsed", "unsourced"]
Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A character that JSON can spell, and no text of PostgreSQL can hold."""


class BadBodyError(CodedError, ValueError):
    """The bytes are no body. `code` says why: `body_too_long`, `body_unreadable`, `body_spelling`, `body_elsewhere`."""

    kind = Kind.CORRUPT


class EventBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A body as it was read. `payload` holds the bytes of the event's own JSON object; digests are in hex.

    The first four fields are the index: `ledger.append` compares the first bytes of a body with it. Fields are only
    added, with a default: names, order and meaning of those that exist never change.
    """

    stream: str
    version: int
    law: int
    command_id: UUID
    type: str
    schema: int
    payload: msgspec.Raw
    command_digest: str | None = None
    actor: str
    unit: str
    stand_in_for: str | None = None
    provenance: Provenance
    source: str = ""
    meeting: str | None = None
    happened_earliest: Instant
    happened_latest: Instant
    effective: date | None = None
    act_key: str | None = None


encode_body = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(EventBody).decode
_decode_any = msgspec.json.Decoder().decode


def decode_body(body: bytes) -> EventBody:
    """Return the fields of a body. Its spelling is not checked.

    Raises:
        BadBodyError: `body_unreadable`: it is not UTF-8, no JSON, or lacks a field or has one too many.
    """
    try:
        return _decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors and those of UTF-8 are ValueErrors
        raise BadBodyError("body_unreadable") from error


def check_body(body: bytes) -> EventBody:
    """Return the fields of a body that has the one spelling of its content.

    Raises:
        BadBodyError: `body_too_long`; `body_unreadable`, as `decode_body`; `body_spelling`: there is white space, a key
            stands twice or elsewhere, the payload is no object, an instant is not in UTC, or it has a NUL.
    """
    if len(body) > BODY_BYTES:
        raise BadBodyError("body_too_long", count=len(body), most=BODY_BYTES)
    content = decode_body(body)
    payload = bytes(content.payload)
    try:
        # Keys that stand twice are lost when the payload is read, so it comes out shorter.
        again = encode_body(_decode_any(payload))
    except (ValueError, RecursionError) as error:
        raise BadBodyError("body_unreadable") from error
    if (
        again != payload
        or payload[:1] != b"{"
        or encode_body(content) != body
        or content.happened_earliest.tzinfo is not UTC
        or content.happened_latest.tzinfo is not UTC
        or (b"\\u0000" in body and _NUL.search(body))
    ):
        raise BadBodyError("body_spelling")
    return content
