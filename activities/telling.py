"""From stored rows to what the law folds, and from what the law decides to rows. The one place where both meet."""

from __future__ import annotations

from datetime import UTC

from domain.codec import decode, encode
from domain.kernel import Event, Meta, Provenance, Told, When
from eventstore.envelope import Draft, Envelope

_KINDS = {kind: Provenance(kind=kind) for kind in ("stated", "inferred", "rehearsed")}


def told_of(row: Envelope) -> Told[Event]:
    """A stored row for the law.

    Raises:
        UnknownEventError: the row was written by a newer version.
    """
    provenance = _KINDS[row.provenance] if not row.source else Provenance(kind=row.provenance, source=row.source)
    happened = When(row.happened_earliest, row.happened_latest)
    return Told(
        decode(row.type, row.schema, row.payload),
        Meta(
            row.version,
            row.actor,
            row.unit,
            happened,
            provenance,
            row.command_id,
            row.stand_in_for,
            row.meeting,
            row.effective,
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
    )
