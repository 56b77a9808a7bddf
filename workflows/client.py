"""The desk over Temporal: always update-with-start, because a filed cycle has no run and an annulment comes later.

An update whose run ended under it is sent again with the same command ids; the ledger knows what was done.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode

from application.engine import PendingError, RefusedError, UnreachableError
from domain.streams import is_cycle
from ledger.protocol import Diverged
from ledger.receipts import Receipt
from ledger.signing import SignedBatch
from workflows.messages import DATA_CONVERTER, TASK_QUEUE, TASK_TIMEOUT

ANSWER_DEADLINE_S = 20.0
RESEND_S = 0.2
EXIT_PAUSE_S = 0.3
IN_FLIGHT_PER_STREAM = 8
"""A Temporal server that is not ours allows ten updates in flight on a workflow; leave room for others."""

_ENDED = {"AcceptedUpdateCompletedWorkflow", "WorkflowUpdateRejectedBecauseOfEnd"}
_AWAY = {RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}


class TemporalClient:
    """See `desk.EngineClient`."""

    def __init__(self, client: Client, task_queue: str = TASK_QUEUE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._slots: dict[str, asyncio.Semaphore] = {}

    async def submit(self, stream: str, batch: SignedBatch) -> Receipt:
        """See the protocol."""
        slots = self._slots.setdefault(stream, asyncio.Semaphore(IN_FLIGHT_PER_STREAM))
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                async with slots:
                    return await self._until_answered(stream, batch)
        except RuntimeError as error:  # a lazy client that finds nobody
            raise UnreachableError from error
        except (TimeoutError, PendingError) as error:
            raise PendingError(str(batch.items[0].command_id)) from error

    async def _until_answered(self, stream: str, batch: SignedBatch) -> Receipt:
        while True:
            try:
                return await self._send(stream, batch)
            except WorkflowUpdateFailedError as error:
                cause = error.cause
                if not isinstance(cause, ApplicationError):
                    raise PendingError from error
                if cause.type in _ENDED:
                    await asyncio.sleep(RESEND_S)
                    continue
                raise _refusal(cause) from None
            except WorkflowUpdateRPCTimeoutOrCancelledError as error:
                # The SDK says the same when it was us who gave up: then giving up must not be swallowed.
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise asyncio.CancelledError from error
                await asyncio.sleep(RESEND_S)
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:  # the run ended between start and update
                    await asyncio.sleep(RESEND_S)
                    continue
                # FAILED_PRECONDITION: the last task of the run timed out with a killed worker; the next one may do.
                if error.status in {RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.FAILED_PRECONDITION, *_AWAY}:
                    await asyncio.sleep(RESEND_S)
                    continue
                raise

    async def _send(self, stream: str, batch: SignedBatch) -> Receipt:
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            "ClusterCycle" if is_cycle(stream) else "CityYear",
            stream,
            id=stream,
            task_queue=self._task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            task_timeout=TASK_TIMEOUT,
        )
        receipt: Receipt = await self._client.execute_update_with_start_workflow(
            "submit",
            batch,
            start_workflow_operation=start,
            result_type=Receipt,
            rpc_timeout=timedelta(seconds=ANSWER_DEADLINE_S),
        )
        return receipt


def _refusal(error: ApplicationError) -> RefusedError | Diverged | PendingError:
    if error.type not in {"Refused", "NotSigned", "Diverged", "CommandReused"}:
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
    """The bridge's own warnings go to the terminal of whoever waits; what matters reaches them as an answer."""
    levels = TelemetryFilter(core_level="ERROR", other_level="ERROR")
    metrics = None if metrics_port is None else PrometheusConfig(bind_address=f"127.0.0.1:{metrics_port}")
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter=levels), metrics=metrics))


@asynccontextmanager
async def open_client(
    address: str, namespace: str, *, lazy: bool = False, metrics_port: int | None = None
) -> AsyncIterator[Client]:
    """A connection to the engine that is truly gone when the context ends.

    A process that hosted a client crashes at interpreter exit in some runs while the bridge's threads live; dropping
    the last reference and pausing before exit avoids it (sdk-python issue 300).

    A lazy one connects when it is first used: whoever mostly reads can start while the engine is away. The metrics of
    client and worker are served on `metrics_port` of loopback, for Prometheus.

    Raises:
        UnreachableError: nobody answers at `address`.
    """
    try:
        client = await Client.connect(
            address, namespace=namespace, runtime=_quiet_runtime(metrics_port), data_converter=DATA_CONVERTER, lazy=lazy
        )
    except RuntimeError as error:
        raise UnreachableError from error
    except asyncio.CancelledError:
        await asyncio.sleep(EXIT_PAUSE_S)  # the bridge still calls back
        raise
    try:
        yield client
    finally:
        del client
        gc.collect()
        await asyncio.sleep(EXIT_PAUSE_S)
