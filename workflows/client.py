"""The engine's client over Temporal.

What it returns is what a worker has said; `application.answers` compares it with the ledger.

It sends update-with-start unless it knows that there is a run: a filed cycle has none, yet an award may still be
annulled. An update whose run ends meanwhile is sent again with the same command ids; the ledger recognises what was
done.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import lru_cache
from typing import Any

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode

from application.engine import ANSWER_DEADLINE_S, PendingError, RefusedError, UnreachableError
from application.heartbeat import SILENT_S
from ledger.protocol import Diverged
from ledger.receipts import Receipt
from ledger.signing import Header, NotSignedError, SignedBatch
from local.certificates import ClientTls
from workflows.messages import DATA_CONVERTER, KEYS_UNREAD, TASK_QUEUE, TASK_TIMEOUT, TOLD, workflow_of
from workflows.polls import last_polls, server_answers
from workflows.stream import MEMO
from workflows.tracing import Tracing

RESEND_S = 0.2
KEYS_S = 3.0
"""How long a batch is sent again while a worker says that it does not know the key: it reads the keys meanwhile."""

ASKED_S = 3.0
"""Deadline of the questions whether server and worker answer."""

EXIT_PAUSE_S = 0.3
CONNECTIONS = 5
"""How often a connection is tried that was cut while it was being made. Nothing was sent then."""

RUNNING_KNOWN = 1_000
"""So many workflows are remembered as running. An update alone costs less than one with a start (docs/speed.md)."""

IN_FLIGHT_PER_STREAM = 8
"""A foreign Temporal server allows ten updates in flight per workflow. Leave room for other clients."""

_ENDED = {"AcceptedUpdateCompletedWorkflow", "WorkflowUpdateRejectedBecauseOfEnd"}
_REJECTED = {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.PERMISSION_DENIED,
    RPCStatusCode.UNAUTHENTICATED,
    RPCStatusCode.UNIMPLEMENTED,
}
"""The server refuses the request itself: a mistake of program or set-up, which sending again does not mend."""

AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
"""The server does not answer."""


class TemporalClient:
    """See `application.engine.EngineClient`."""

    def __init__(self, client: Client, task_queue: str = TASK_QUEUE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._running: dict[str, None] = {}
        self._connected = False

    async def submit(self, stream: str, batch: SignedBatch) -> Receipt:
        """See `application.engine.EngineClient`."""
        try:
            batch.check_form()
        except NotSignedError as error:  # the workflow's validator says the same; larger ones do not even get there
            raise RefusedError(error.code, error.facts) from None
        slots = self._slots.setdefault(stream, asyncio.Semaphore(IN_FLIGHT_PER_STREAM))
        sent = False
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                await self._connect()
                async with slots:
                    sent = True
                    return await self._until_answered(stream, batch)
        except (TimeoutError, PendingError, RuntimeError, RPCError) as error:
            # The SDK raises RuntimeErrors of its own at any time. Only before the first sending do they say that
            # nothing was handed in; after that a server may have taken it.
            if not sent:
                raise UnreachableError from error
            if isinstance(error, RPCError) and error.status in _REJECTED:
                raise
            raise PendingError(str(batch.items[0].command_id)) from error

    async def answers(self) -> bool:
        """Whether the server answers; nothing is entered by it."""
        return await server_answers(self._client, ASKED_S)

    async def has_worker(self) -> bool:
        """Whether the server has seen a worker poll lately."""
        try:
            async with asyncio.timeout(ASKED_S):
                return min((await last_polls(self._client, self._task_queue)).values(), default=SILENT_S) < SILENT_S
        except (TimeoutError, RPCError, RuntimeError):
            return False

    async def _connect(self) -> None:
        """Let a lazy client connect, by a question that enters nothing.

        Raises:
            RuntimeError, RPCError: the server cannot be reached.
        """
        if self._connected:
            return
        for left in reversed(range(CONNECTIONS)):
            try:
                await self._client.service_client.check_health()
            except RPCError as error:
                if error.status == RPCStatusCode.CANCELLED and left:
                    # The connection was cut while it was being made, as by a server that is busy starting.
                    await asyncio.sleep(RESEND_S)
                    continue
                if error.status in AWAY:
                    raise
            break
        self._connected = True

    async def _until_answered(self, stream: str, batch: SignedBatch) -> Receipt:
        keys_end = asyncio.get_running_loop().time() + KEYS_S
        while True:
            try:
                return await self._send(stream, batch)
            except WorkflowUpdateFailedError as error:
                cause = error.cause
                if not isinstance(cause, ApplicationError):
                    raise PendingError from error
                if cause.type in _ENDED or (cause.type == KEYS_UNREAD and asyncio.get_running_loop().time() < keys_end):
                    await asyncio.sleep(RESEND_S)
                    continue
                raise _refusal(cause) from None
            except WorkflowUpdateRPCTimeoutOrCancelledError as error:
                # The SDK raises this also when our own task was cancelled, which must be passed on.
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise asyncio.CancelledError from error
                await asyncio.sleep(RESEND_S)
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:  # the run ended between start and update
                    await asyncio.sleep(RESEND_S)
                    continue
                # FAILED_PRECONDITION: the run's last task timed out because its worker was killed; try again.
                if error.status in {RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.FAILED_PRECONDITION, *AWAY}:
                    await asyncio.sleep(RESEND_S)
                    continue
                raise

    async def _send(self, stream: str, batch: SignedBatch) -> Receipt:
        """Send a batch: as an update alone while the stream's workflow is known to run, otherwise with a start."""
        name, id_ = workflow_of(stream, Header.parse(batch.header).installation)
        if id_ in self._running:
            handle: WorkflowHandle[Any, Any] = self._client.get_workflow_handle(id_)
            try:
                answer: Receipt = await handle.execute_update(
                    "submit", batch, result_type=Receipt, rpc_timeout=timedelta(seconds=ANSWER_DEADLINE_S)
                )
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise
                self._running.pop(id_, None)  # filed, or terminated, since then
            else:
                return answer
        receipt = await self._send_with_start(name, id_, stream, batch)
        self._running[id_] = None
        if len(self._running) > RUNNING_KNOWN:
            del self._running[next(iter(self._running))]
        return receipt

    async def _send_with_start(self, name: str, id_: str, stream: str, batch: SignedBatch) -> Receipt:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            name,
            stream,
            id=id_,
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            task_timeout=TASK_TIMEOUT,
            memo=MEMO,
        )
        try:
            receipt: Receipt = await self._client.execute_update_with_start_workflow(
                "submit",
                batch,
                start_workflow_operation=start,
                result_type=Receipt,
                rpc_timeout=timedelta(seconds=ANSWER_DEADLINE_S),
            )
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
            # The SDK keeps the error in the start's own future, too, and asyncio complains unless it is fetched there.
            with suppress(Exception, asyncio.CancelledError):
                await start.workflow_handle()
            raise
        return receipt


def _refusal(error: ApplicationError) -> RefusedError | Diverged | PendingError:
    if error.type not in TOLD | {KEYS_UNREAD}:
        return PendingError()
    details = list(error.details)
    code = str(details[0]) if details else error.message
    facts = details[1] if len(details) > 1 and isinstance(details[1], dict) else {}
    if error.type == "Diverged":
        return Diverged(code, **facts)
    index = details[2] if len(details) > 2 and isinstance(details[2], int) else None  # noqa: PLR2004 - third detail
    return RefusedError(code, facts, index)


@lru_cache
def _quiet_runtime(metrics_port: int | None) -> Runtime:
    """Return a runtime that logs errors only: its warnings would appear on the user's terminal."""
    levels = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    metrics = (
        None
        if metrics_port is None
        else PrometheusConfig(
            bind_address=f"127.0.0.1:{metrics_port}",
            counters_total_suffix=True,
            unit_suffix=True,
            durations_as_seconds=True,
        )
    )
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=levels), metrics=metrics))


@asynccontextmanager
async def open_client(
    address: str,
    namespace: str,
    tls: ClientTls | None,
    *,
    lazy: bool = False,
    metrics_port: int | None = None,
    traces: bool = False,
) -> AsyncIterator[Client]:
    """Open a client of the engine and close it completely when the context ends.

    A process with a client crashes in some runs at interpreter exit while threads of the SDK's bridge still run.
    Dropping the last reference and pausing before exit avoids that (sdk-python issue 300).

    A `lazy` client connects at its first use, so a process that mostly reads can start while the engine is away.
    `metrics_port` on loopback serves the metrics of client and worker to Prometheus. With `traces`
    a trace is carried from client to workers. Without `tls` the connection is plain.

    Raises:
        UnreachableError: no server answers at `address`, or it does not take what `tls` shows.
        InputError: as `ClientTls.config`.
    """
    try:
        client = await Client.connect(
            address,
            namespace=namespace,
            tls=tls.config() if tls else None,
            runtime=_quiet_runtime(metrics_port),
            data_converter=DATA_CONVERTER,
            interceptors=[Tracing()] if traces else [],
            lazy=lazy,
        )
    except RuntimeError as error:
        raise UnreachableError from error
    except asyncio.CancelledError:
        await asyncio.sleep(EXIT_PAUSE_S)  # let callbacks of the bridge finish
        raise
    try:
        yield client
    finally:
        del client
        gc.collect()
        await asyncio.sleep(EXIT_PAUSE_S)
