"""What every worker does beside its workflows: it checks the signature of each update before it enters a history.

Validators of updates are not repeated when a run is replayed. So they may look at what this process knows, which a
workflow may not: the keys that it has read.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from temporalio.worker import (
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from application.metrics import program_version
from ledger.signing import KeySource, NotSignedError, SignedBatch
from workflows.messages import KEYS_UNREAD, coded
from workflows.stream import ENGINE_EPOCH

log = structlog.get_logger()


class SignatureCheck(Interceptor):
    """Refuses updates without a valid signature. It must be made where an event loop runs.

    The append checks again, with the newest keys: a key that was retired a moment ago is found there. A key that is not
    known here may have been named a moment ago: the keys are read again, and the client sends again (`KEYS_UNREAD`).
    """

    def __init__(self, keys: KeySource) -> None:
        self._keys, self._loop = keys, asyncio.get_running_loop()
        self._reading: asyncio.Task[None] | None = None

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002, ARG002 - Temporal's name
    ) -> type[WorkflowInboundInterceptor] | None:
        """See `Interceptor`."""
        check = self._check

        class Inbound(WorkflowInboundInterceptor):
            def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002 - as above
                super().handle_update_validator(input)  # the workflow's own: form and sizes come first
                for argument in input.args:
                    if isinstance(argument, SignedBatch):
                        check(argument)

        return Inbound

    def _check(self, batch: SignedBatch) -> None:
        """Check a batch, in the thread of a workflow."""
        try:
            self._keys.latest.verify(batch.header, batch.signature, batch.items)
        except NotSignedError as error:
            is_new = error.code == "unknown_key"
            if is_new:
                self._loop.call_soon_threadsafe(self._read_again)
            raise coded(error, KEYS_UNREAD if is_new else "NotSigned") from None

    def _read_again(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = self._loop.create_task(self._read())

    async def _read(self) -> None:
        try:
            await self._keys.refresh()
        except Exception:  # the next update asks again
            log.exception("keys cannot be read")


def worker_options(keys: KeySource) -> dict[str, Any]:
    """Return the options of every worker that runs workflows of streams.

    A run that cannot go on fails, whatever the error: one that does not fit its history, or whose arguments cannot be
    read. Temporal would try its task again for ever. The next run starts from the ledger.

    A worker says which program it is. Temporal's own way reads and compiles each module that is loaded, which takes
    seconds.
    """
    return {
        "interceptors": [SignatureCheck(keys)],
        "workflow_failure_exception_types": [Exception],
        "build_id": f"thidua {program_version()}, engine epoch {ENGINE_EPOCH}",
    }
