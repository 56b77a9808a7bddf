"""What travels between desk, workflow and activities: plain data, small enough for Temporal's limits.

Neither names nor texts pass here: payloads hold ids and digests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

from domain.codec import decode
from domain.kernel import Event, Meta, Provenance, Told, When
from eventstore.envelope import Envelope

TASK_QUEUE = "thidua"
RUNS_IN_MEMORY = 350
"""More than the 332 clusters of the bench. An idle cycle beyond them costs nothing, its next act a replay (ADR 7)."""

_JSON = PydanticJSONPlainPayloadConverter()


class WireConverter(CompositePayloadConverter):
    """Payloads by pydantic.

    A converter is made for every run of a workflow; with validators of its own, an idle run
    would take 100 kB more, so all share one set.
    """

    def __init__(self) -> None:
        usual = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(_JSON if isinstance(one, JSONPlainPayloadConverter) else one for one in usual))


DATA_CONVERTER = DataConverter(payload_converter_class=WireConverter)
TASK_TIMEOUT = timedelta(seconds=3)
"""A killed worker's task goes to another one after this; the server's default of ten seconds is felt at a desk."""


@dataclass
class WireOrder:
    """A command: the stream it is for, its id, its signed payload as exact text."""

    stream: str
    command_id: str
    payload: str


@dataclass
class HandedIn:
    """A signed header with its commands. `signature` is hex."""

    header: str
    signature: str
    orders: list[WireOrder]


@dataclass
class Outcome:
    """What came of a command: the versions of its events; `known` when it had been carried out before."""

    command_id: str
    versions: list[int]
    known: bool = False


@dataclass
class Opening:
    """An order for another stream that failed, and why."""

    stream: str
    code: str
    facts: dict[str, Any]


@dataclass
class Receipt:
    """The workflow's answer. What it says is read again from the ledger before anybody is told."""

    outcomes: list[Outcome]
    failed: list[Opening] = field(default_factory=list)


@dataclass
class WireEvent:
    """A stored event as a workflow needs it."""

    stream: str
    version: int
    type: str
    schema: int
    payload: str
    command_id: str
    actor: str
    unit: str
    stand_in_for: str | None
    provenance: str
    source: str
    meeting: str | None
    earliest: str
    latest: str
    effective: str | None
    digest: str

    def told(self) -> Told[Event]:
        """The event for the law."""
        meta = Meta(
            version=self.version,
            actor=self.actor,
            unit=self.unit,
            happened=When(earliest=datetime.fromisoformat(self.earliest), latest=datetime.fromisoformat(self.latest)),
            provenance=Provenance(kind=self.provenance, source=self.source),
            command_id=UUID(self.command_id),
            stand_in_for=self.stand_in_for,
            meeting=self.meeting,
            effective=date.fromisoformat(self.effective) if self.effective else None,
        )
        return Told(decode(self.type, self.schema, self.payload), meta)


@dataclass
class RecallRequest:
    """A command whose id is known: is it the same one? `unit` is whom the signed header speaks for."""

    order: WireOrder
    unit: str


@dataclass
class LoadRequest:
    """A stream, above a version."""

    stream: str
    after: int


@dataclass
class WirePart:
    """Events for one stream on top of its head, each with the index of the order it follows from."""

    stream: str
    version: int
    digest: str
    events: list[WireDraft]


@dataclass
class AppendRequest:
    """Events for one stream or, of a meeting that speaks of two cycles, for several: all of them or none."""

    parts: list[WirePart]
    handed: HandedIn


@dataclass
class WireDraft:
    """An event to be appended; who said it is taken from the signed header, never from here."""

    order: int
    type: str
    schema: int
    payload: str
    provenance: str
    source: str
    meeting: str | None
    earliest: str
    latest: str
    effective: str | None
    act_key: str | None = None


@dataclass
class AppendAnswer:
    """`status` is appended, known, behind (events are the tail), or silent (the clock had nothing to say)."""

    status: str
    events: list[WireEvent]


def wire_event(row: Envelope) -> WireEvent:
    """A stored row for a workflow."""
    return WireEvent(
        stream=row.stream,
        version=row.version,
        type=row.type,
        schema=row.schema,
        payload=row.payload,
        command_id=str(row.command_id),
        actor=row.actor,
        unit=row.unit,
        stand_in_for=row.stand_in_for,
        provenance=row.provenance,
        source=row.source,
        meeting=row.meeting,
        earliest=row.happened_earliest.isoformat(),
        latest=row.happened_latest.isoformat(),
        effective=row.effective.isoformat() if row.effective else None,
        digest=row.digest.hex(),
    )


def wire_draft(order: int, told: Told[Event]) -> WireDraft:
    """An event that was decided, for the append."""
    meta = told.meta
    return WireDraft(
        order=order,
        type=told.event.NAME,
        schema=told.event.SCHEMA,
        payload=told.event.model_dump_json(),
        provenance=meta.provenance.kind,
        source=meta.provenance.source,
        meeting=meta.meeting,
        earliest=meta.happened.earliest.isoformat(),
        latest=meta.happened.latest.isoformat(),
        effective=meta.effective.isoformat() if meta.effective else None,
        act_key=meta.act_key,
    )
