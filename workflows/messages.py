"""What travels between client, workflows and activities: plain data, small enough for Temporal's limits.

Neither names nor texts pass here: payloads hold ids and digests.

Annotations are not postponed in this module: pydantic would resolve them inside the sandbox of a workflow, where
`datetime` is another object, and keep the incomplete validator for the whole process.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

from ledger.events import Draft, RecordedEvent
from ledger.signing import BatchItem, SignedBatch

TASK_QUEUE = "thidua"
RUNS_IN_MEMORY = 350
"""More than the 332 clusters of the bench.

An idle cycle beyond them costs nothing; its next command costs a replay (ADR 7).
"""

_JSON = PydanticJSONPlainPayloadConverter()


class MessageConverter(CompositePayloadConverter):
    """Payloads by pydantic.

    Temporal makes a converter for every run of a workflow. All share one set of validators: with a set of its own, an
    idle run takes 100 kB more.
    """

    def __init__(self) -> None:
        usual = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(_JSON if isinstance(one, JSONPlainPayloadConverter) else one for one in usual))


DATA_CONVERTER = DataConverter(payload_converter_class=MessageConverter)
TASK_TIMEOUT = timedelta(seconds=3)
"""A killed worker's task goes to another worker after this; the server's default of ten seconds is felt by people."""


@dataclass
class EventMessage:
    """A stored event for a workflow: the columns of `RecordedEvent` that deciders use, and the digest in hex."""

    stream: str
    version: int
    type: str
    schema: int
    payload: str
    command_id: UUID
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
    digest: str


_SHARED = tuple(name for name in EventMessage.__dataclass_fields__ if name != "digest")


def event_message(row: RecordedEvent) -> EventMessage:
    """Return a stored row as it travels to a workflow."""
    return EventMessage(**{name: getattr(row, name) for name in _SHARED}, digest=row.digest.hex())


@dataclass
class RecallRequest:
    """Ask whether a command whose id is known says the same again. `unit` is the signed header's."""

    item: BatchItem
    unit: str


@dataclass
class LoadRequest:
    """A stream, above a version."""

    stream: str
    after: int


@dataclass
class DraftMessage:
    """An event to be appended, with the index of the item that it follows from.

    The append takes actor, unit and command digest from the signed header, never from here.
    """

    item: int
    draft: Draft


@dataclass
class PartMessage:
    """Events for one stream on top of its tip; `digest` is the tip's, in hex."""

    stream: str
    version: int
    digest: str
    events: list[DraftMessage]


@dataclass
class AppendRequest:
    """Events for one stream, or for several streams of one meeting: all of them are appended, or none."""

    parts: list[PartMessage]
    batch: SignedBatch


@dataclass
class AppendAnswer:
    """`status` is appended, known, behind (events are the tail), or silent (the clock had nothing to do)."""

    status: str
    events: list[EventMessage]
