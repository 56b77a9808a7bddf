"""The mapping between stored rows and domain events, both ways; the only module of `ledger` that knows the domain."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID

from domain.codec import decode, encode
from domain.commands import AuthenticatedCommand, CommandPayload
from domain.records import Event, EventEnvelope, Meta, Refused
from domain.times import When
from domain.types import Provenance, Sureness
from ledger.events import Draft
from ledger.signing import BatchItem, Header


class StoredEvent(Protocol):
    """The columns that make an envelope: of a row of the ledger, or of the message that carries it to a workflow."""

    @property
    def version(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def schema(self) -> int: ...
    @property
    def payload(self) -> str: ...
    @property
    def command_id(self) -> UUID: ...
    @property
    def actor(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def stand_in_for(self) -> str | None: ...
    @property
    def provenance(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def meeting(self) -> str | None: ...
    @property
    def happened_earliest(self) -> datetime: ...
    @property
    def happened_latest(self) -> datetime: ...
    @property
    def effective(self) -> date | None: ...
    @property
    def act_key(self) -> str | None: ...
    @property
    def recorded_at(self) -> datetime | None: ...


@lru_cache(maxsize=1_000)
def _provenance(kind: Sureness, source: str) -> Provenance:
    """Return one object for equal provenances: many events have the same few."""
    return Provenance(kind=kind, source=source)


def to_envelope(stored: StoredEvent) -> EventEnvelope[Event]:
    """Return a stored event in the form that deciders take.

    Raises:
        UnknownEventError: the event was written by a newer version.
    """
    meta = Meta(
        stored.version,
        stored.actor,
        stored.unit,
        When(stored.happened_earliest, stored.happened_latest),
        _provenance(stored.provenance, stored.source),
        stored.command_id,
        stored.stand_in_for,
        stored.meeting,
        stored.effective,
        stored.act_key,
        stored.recorded_at,
    )
    return EventEnvelope(decode(stored.type, stored.schema, stored.payload), meta)


def to_draft(envelope: EventEnvelope[Event], command_digest: bytes | None = None) -> Draft:
    """Return a decided event in the form that the ledger takes. `command_digest` names its signed command, if any."""
    event, meta = envelope
    return Draft(
        type=event.NAME,
        schema=event.SCHEMA,
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
