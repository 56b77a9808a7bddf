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
from temporalio.exceptions import ApplicationError

from domain.installation import STREAM
from domain.streams import STREAM_CHARS, is_cycle, is_year
from errors import CodedError
from ledger.bodies import EventBody, decode_body
from ledger.events import Draft, RecordedEvent
from ledger.signing import SignedBatch

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
KEYS_UNREAD = "KeysUnread"
"""The type of the error for an update whose key is not known yet where it is checked: send it again."""

FAILED = "Failed"
"""The type of the error of an activity that failed by a mistake of ours. The same again would fail again."""

NOT_OURS = "NotOurs"
"""The type of the error that ends a workflow which no stream of this installation has."""

PENDING = "Pending"
"""The type of the error for an update that came to no end in time. It may still be carried out."""

TASK_TIMEOUT = timedelta(seconds=3)
"""After this, a killed worker's task goes to another worker. Users would notice the server's default of 10 s."""


TOLD = frozenset({"Refused", "NotSigned", "Diverged", "CommandReused"})
"""The types of the errors that answer an update for good, with a code and facts."""


def coded(error: CodedError, type_: str) -> ApplicationError:
    """Return a coded error in the form in which it leaves activities and workflows. It is not tried again."""
    return ApplicationError(error.code, error.code, error.facts, type=type_, non_retryable=True)


def not_ours(code: str = "not_ours") -> ApplicationError:
    """Return the error that ends a workflow which no stream of this installation has."""
    return ApplicationError(code, code, {}, type=NOT_OURS, non_retryable=True)


def workflow_of(stream: str, installation: str) -> tuple[str, str]:
    """Return type and id of the workflow of a stream of an installation.

    Installations may share a Temporal server. All of them call their own stream the same, so its workflow's id names
    the installation.
    """
    if stream == STREAM:
        return "InstallationStream", f"{STREAM}/{installation}"
    return "ClusterCycle" if is_cycle(stream) else "CityYear", stream


def stream_of(workflow_type: str, workflow_id: str) -> str | None:
    """Return the stream whose workflow has this type and id, None when no stream has such a workflow.

    A stranger who reaches the Temporal server can start workflows of any type with any id.
    """
    if workflow_id.startswith(f"{STREAM}/"):
        return STREAM if workflow_type == "InstallationStream" else None
    is_name = len(workflow_id) <= STREAM_CHARS and (is_cycle(workflow_id) or is_year(workflow_id))
    return workflow_id if is_name and workflow_of(workflow_id, "")[0] == workflow_type else None


def may_ask(workflow_type: str, workflow_id: str, stream: str, installation: str) -> bool:
    """Return whether a workflow may read and write a stream: its own, those of a meeting, those that it opens."""
    own = stream_of(workflow_type, workflow_id)
    if own is None:
        return False
    if own == STREAM:
        return stream == STREAM and workflow_id == workflow_of(STREAM, installation)[1]
    if is_cycle(own):
        return is_cycle(stream)
    return stream == own or (is_cycle(stream) and stream.startswith(f"{own}/"))


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
    """Asks whether a known command has the same content as before. The batch holds this command only."""

    batch: SignedBatch


@dataclass
class LoadRequest:
    """Asks for the events of a stream after a version. `digest` is that of the event with this version, in hex."""

    stream: str
    after: int
    digest: str = ""


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
