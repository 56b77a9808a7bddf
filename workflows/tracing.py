"""Carries a trace through Temporal: from the client that submits, into the update, and on into the activities.

The SDK's own interceptor hangs an update below the start of its workflow, which may lie a year back. Here it hangs
below the request that sent it, as an act is followed from click to ledger.

Nothing of it reaches a decision. A span is made outside the workflow's own code, while the run is not replayed; the
headers that a run reads are part of its history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio import activity, client, worker, workflow
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadConverter

from workflows.stream import SPAN

HEADER = "_trace"

_tracer = trace.get_tracer("thidua.engine")
_propagator = TraceContextTextMapPropagator()
_carried: ContextVar[dict[str, str] | None] = ContextVar("carried", default=None)
"""The trace of the update that runs: in workflows, OpenTelemetry's own context is not used."""

contexts.get_current()  # its implementation is looked for at the first use, which must not be in a sandbox


class Tracing(client.Interceptor, worker.Interceptor):
    """For a client and its workers. It is left out where nothing is configured that sends spans."""

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:  # noqa: A002 - theirs
        """See `client.Interceptor`."""
        return _Client(next)

    def intercept_activity(
        self,
        next: worker.ActivityInboundInterceptor,  # noqa: A002 - as above
    ) -> worker.ActivityInboundInterceptor:
        """See `worker.Interceptor`."""
        return _Activity(next)

    def workflow_interceptor_class(
        self,
        input: worker.WorkflowInterceptorClassInput,  # noqa: A002 - as above
    ) -> type[worker.WorkflowInboundInterceptor] | None:
        """See `worker.Interceptor`."""
        input.unsafe_extern_functions[SPAN] = _span_in_workflow
        return _Workflow


class _Client(client.OutboundInterceptor):
    async def start_workflow_update(self, input: Any) -> Any:  # noqa: A002 - as above
        with _client_span(input.id) as header:
            input.headers = {**input.headers, **header}
            return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(self, input: Any) -> Any:  # noqa: A002 - as above
        update = input.update_workflow_input
        with _client_span(input.start_workflow_input.id) as header:
            update.headers = {**update.headers, **header}
            return await super().start_update_with_start_workflow(input)


class _Workflow(worker.WorkflowInboundInterceptor):
    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(_FromWorkflow(outbound))

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:  # noqa: A002 - as above
        if (carrier := _read(input.headers)) is None:
            return await super().handle_update_handler(input)
        _carried.set(carrier)  # an update is a task of its own, with a context of its own: it ends with it
        with _span_in_workflow(f"update {input.update}"):
            return await super().handle_update_handler(input)


class _FromWorkflow(worker.WorkflowOutboundInterceptor):
    def start_local_activity(self, input: worker.StartLocalActivityInput) -> Any:  # noqa: A002 - as above
        if (carrier := _carried.get()) is not None:
            input.headers = {**input.headers, **_header(carrier)}
        return super().start_local_activity(input)


class _Activity(worker.ActivityInboundInterceptor):
    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:  # noqa: A002 - as above
        if (carrier := _read(input.headers)) is None:
            return await super().execute_activity(input)
        info = activity.info()
        with _span(
            f"activity {info.activity_type}",
            _propagator.extract(carrier),
            {"thidua.activity": info.activity_type, "thidua.stream": info.workflow_id or ""},
        ):
            return await super().execute_activity(input)


@contextmanager
def _client_span(workflow_id: str) -> Iterator[dict[str, Payload]]:
    """A span of what is sent to a workflow; yields the header that carries it."""
    with _span("submit", contexts.get_current(), {"thidua.stream": workflow_id}, SpanKind.CLIENT):
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        yield _header(carrier) if carrier else {}


@contextmanager
def _span(
    name: str, parent: contexts.Context, attributes: Mapping[str, Any], kind: SpanKind = SpanKind.INTERNAL
) -> Iterator[None]:
    """A span whose error is told by its status alone: the text may hold what people wrote."""
    with _tracer.start_as_current_span(
        name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except Exception:
            span.set_status(Status(StatusCode.ERROR))
            raise


def _span_in_workflow(name: str, **attributes: int) -> AbstractContextManager[None]:
    """A span of a workflow's code, below that of the update that runs; none outside an update."""
    return _WorkflowSpan(name, attributes)


class _WorkflowSpan(AbstractContextManager[None]):
    def __init__(self, name: str, attributes: Mapping[str, int]) -> None:
        self._name, self._attributes = name, attributes
        self._span: trace.Span | None = None
        self._above: dict[str, str] | None = None

    def __enter__(self) -> None:
        if (carrier := _carried.get()) is None or workflow.unsafe.is_replaying():
            return
        stream, counts = workflow.info().workflow_id, {f"thidua.{key}": n for key, n in self._attributes.items()}
        self._span = _tracer.start_span(
            self._name, _propagator.extract(carrier), attributes={"thidua.stream": stream, **counts}
        )
        own: dict[str, str] = {}
        _propagator.inject(own, trace.set_span_in_context(self._span))
        self._above = carrier
        _carried.set(own)

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if self._span is None:
            return
        _carried.set(self._above)
        if kind is not None:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def _header(carrier: Mapping[str, str]) -> dict[str, Payload]:
    return {HEADER: PayloadConverter.default.to_payload(dict(carrier))}


def _read(headers: Mapping[str, Payload]) -> dict[str, str] | None:
    """The trace that headers carry; None where they carry none, or something else."""
    if (payload := headers.get(HEADER)) is None:
        return None
    try:
        found = PayloadConverter.default.from_payload(payload)
    except Exception:  # noqa: BLE001 - a stranger can send anything, and it must not stop an update
        return None
    is_carrier = isinstance(found, dict) and all(isinstance(one, str) for one in found.values())
    return found if is_carrier else None
