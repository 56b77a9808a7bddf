"""The messages between client, workflows and activities: plain data within Temporal's size limits.

They hold no names and no texts: payloads refer to these by ids and digests.

Annotations are not postponed in this module: pydantic would resolve them inside the sandbox of a workflow, where
`datetime` is another object, and keep the incomplete validator for the whole process.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)

from domain.installation import STREAM
from domain.streams import is_cycle
from ledger.bodies import EventBody, decode_body
from ledger.events import Draft, RecordedEvent
from ledger.signing import BatchItem, SignedBatch

TASK_QUEUE = "thidua"
RUNS_IN_MEMORY = 350
"""How many runs a worker caches: more than the 332 clusters of the bench.

A cycle outside the cache takes no memory; its next command costs a replay (ADR 7).
"""

_JSON = PydanticJSONPlainPayloadConverter()
_CONVERTERS = {
    converter.encoding.encode(): converter
    for converter in (
        _JSON if isinstance(one, JSONPlainPayloadConverter) else one
        for one in DefaultPayloadConverter.default_encoding_payload_converters
    )
}


class MessageConverter(CompositePayloadConverter):
    """Converts payloads with pydantic.

    Temporal makes a converter for every run of a workflow, and some for every activation. All of them share one set of
    validators, which would take 100 kB for each idle run, and one table, which would take a twentieth of the worker's
    time.
    """

    _any_converter_takes_context = False

    def __init__(self) -> None:
        self.converters = _CONVERTERS


DATA_CONVERTER = DataConverter(payload_converter_class=MessageConverter)
TASK_TIMEOUT = timedelta(seconds=3)
"""After this, a killed worker's task goes to another worker. Users would notice the server's default of 10 s."""


def workflow_of(stream: str, installation: str) -> tuple[str, str]:
    """Return type and id of the workflow of a stream of an installation.

    Installations may share a Temporal server. All of them call their own stream the same, so its workflow's id names
    the installation.
    """
    if stream == STREAM:
        return "InstallationStream", f"{STREAM}/{installation}"
    return "ClusterCycle" if is_cycle(stream) else "CityYear", stream


@dataclass
class EventMessage:
    """A stored event for a workflow: its body as text, its digest in hex."""

    body: str
    digest: str
    recorded_at: datetime | None = None

    @cached_property
    def content(self) -> EventBody:
        """The fields of the body."""
        return decode_body(self.body.encode())


def event_message(row: RecordedEvent) -> EventMessage:
    """Return a stored row as a message to a workflow."""
    return EventMessage(row.body.decode(), row.digest.hex(), row.recorded_at)


@dataclass
class RecallRequest:
    """Asks whether a known command id comes with the same content as before. `unit` is the signed header's."""

    item: BatchItem
    unit: str


@dataclass
class LoadRequest:
    """Asks for the events of a stream after a version."""

    stream: str
    after: int


@dataclass
class DraftMessage:
    """An event to be appended, with the index of the item that it follows from.

    The append takes actor, unit, stand-in and command digest from the signed header, whatever the draft says.
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
    """Asks to append events to one or several streams: all of them or none."""

    parts: list[PartMessage]
    batch: SignedBatch


@dataclass
class AppendAnswer:
    """`status` is appended, known, behind (events are the tail), or silent (the clock had nothing to do)."""

    status: str
    events: list[EventMessage]
