"""From stored rows to what the law folds, and from what the law decides to rows. The one place where both meet."""

from __future__ import annotations

from datetime import UTC
from functools import lru_cache
from uuid import UUID

from domain.codec import decode, encode
from domain.kernel import Event, Meta, Provenance, Refused, Sureness, Told, When
from domain.saying import Command, Saying
from eventstore.envelope import Draft, Envelope
from eventstore.signing import Header


@lru_cache(maxsize=1_000)
def _provenance(kind: Sureness, source: str) -> Provenance:
    """Few sources tell of many events."""
    return Provenance(kind=kind, source=source)


def told_of(row: Envelope) -> Told[Event]:
    """A stored row for the law.

    Raises:
        UnknownEventError: the row was written by a newer version.
    """
    (
        _position,
        _stream,
        version,
        type_,
        schema,
        payload,
        command_id,
        _command,
        actor,
        unit,
        stand_in_for,
        kind,
        source,
        meeting,
        earliest,
        latest,
        effective,
        act_key,
        _recorded,
        _previous,
        _digest,
    ) = row
    return Told(
        decode(type_, schema, payload),
        Meta(
            version,
            actor,
            unit,
            When(earliest, latest),
            _provenance(kind, source),
            command_id,
            stand_in_for,
            meeting,
            effective,
            act_key,
        ),
    )


def draft_of(told: Told[Event], command_digest: bytes | None) -> Draft:
    """What the law decided, for the ledger."""
    meta, event = told.meta, told.event
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


def saying_of(stream: str, command_id: str | UUID, payload: str, header: Header) -> Saying:
    """A signed command as the law hears it.

    Raises:
        Refused: it cannot be read.
    """
    try:
        command = Command.model_validate_json(payload)
    except ValueError:
        raise Refused("malformed_command") from None
    return command.said(
        stream,
        UUID(str(command_id)),
        actor=header.actor,
        unit=header.unit,
        issued=header.issued,
        strength=header.strength,
        stand_in_for=header.stand_in_for,
    )
