"""A worker of somebody else's: it takes the acts of cycles, answers what it likes, and writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from ledger.receipts import CommandOutcome, Receipt
from ledger.signing import SignedBatch
from workflows.client import TemporalClient

KNOWN = False
"""Whether it says that the acts were recorded before. Set by tests."""


@workflow.defn(name="ClusterCycle")
class LyingCycle:
    """Says of every act that the ledger has it."""

    @workflow.run
    async def run(self, _stream: str) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def submit(self, batch: SignedBatch) -> Receipt:
        return Receipt([CommandOutcome(item.command_id, [1], known=KNOWN) for item in batch.items])


@asynccontextmanager
async def lying_engine(client: Client, *streams: str) -> AsyncIterator[TemporalClient]:
    """The engine's client, after the workflows of some streams were ended and the liar's queue has them."""
    queue = f"liar-{uuid4()}"
    for stream in streams:
        await client.get_workflow_handle(stream).terminate("in the way")
    async with Worker(client, task_queue=queue, workflows=[LyingCycle], workflow_runner=UnsandboxedWorkflowRunner()):
        yield TemporalClient(client, queue)
    for stream in streams:
        await client.get_workflow_handle(stream).terminate("a liar")
