"""The mapping between stored bodies and domain events, both ways; the only module of `ledger` that knows the domain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from domain import law
from domain.codec import decode, encode
from domain.commands import AuthenticatedCommand, CommandPayload
from domain.records import Event, EventEnvelope, Meta, Refused
from domain.times import When
from domain.types import Provenance, Sureness
from ledger.bodies import EventBody
from ledger.events import Draft
from ledger.signing import BatchItem, Header


class StoredEvent(Protocol):
    """What makes an envelope: a row of the ledger, or the message that carries it to a workflow."""

    @property
    def content(self) -> EventBody: ...
    @property
    def recorded_at(self) -> datetime | None: ...


@lru_cache(maxsize=1_000)
def _provenance(kind: Sureness, source: str) -> Provenance:
    """Return one object for equal provenances: many events have the same few."""
    return Provenance(kind=kind, source=source)


def to_envelope(stored: StoredEvent, decoded: Callable[[str, int, bytes], Event] = decode) -> EventEnvelope[Event]:
    """Return a stored event in the form that deciders take. `decoded` may remember payloads that were read before.

    Raises:
        UnknownEventError: the event was written by a newer version.
        ValueError: the body was changed, and cannot be read.
    """
    body = stored.content
    meta = Meta(
        body.version,
        body.actor,
        body.unit,
        When(body.happened_earliest, body.happened_latest),
        _provenance(body.provenance, body.source),
        body.command_id,
        body.stand_in_for,
        body.meeting,
        body.effective,
        body.act_key,
        stored.recorded_at,
    )
    return EventEnvelope(decoded(body.type, body.schema, bytes(body.payload)), meta)


def to_draft(envelope: EventEnvelope[Event], command_digest: bytes | None = None) -> Draft:
    """Return a decided event in the form that the ledger takes. `command_digest` names its signed command, if any."""
    event, meta = envelope
    return Draft(
        type=event.NAME,
        schema=event.SCHEMA,
        law=law.LAW,
        payload=encode(event),
        command_id=meta.command_id,
        command_digest=command_digest,
        actor=meta.actor,
        unit=meta.unit,
        stand_in_for=meta.stand_in_for,
        provenance=meta.provenance.kind,
        source=meta.provenance.source,
        meeting=meta.meeting,
        happened_earliest=meta.happened.earliest.astimezone(UTC),
        happened_latest=meta.happened.latest.astimezone(UTC),
        effective=meta.effective,
        act_key=meta.act_key,
    )


def authenticate(item: BatchItem, header: Header) -> AuthenticatedCommand:
    """Return the command of a signed item, with the person whom the header names. It checks no signature.

    Raises:
        Refused: the payload cannot be read.
    """
    try:
        payload = CommandPayload.model_validate_json(item.payload)
    except ValueError:
        raise Refused("malformed_command") from None
    return payload.authenticated(
        item.stream,
        item.command_id,
        actor=header.actor,
        unit=header.unit,
        issued=header.issued,
        strength=header.strength,
        stand_in_for=header.stand_in_for,
    )
