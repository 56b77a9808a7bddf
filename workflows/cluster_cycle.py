"""The workflow of one cluster's cycle."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.records import Refused
    from domain.streams import is_cycle
    from ledger.receipts import Receipt
    from ledger.signing import BatchItem, SignedBatch
    from workflows.stream import StreamWorkflow
    from workflows.stream_state import refused


@workflow.defn(name="ClusterCycle")
class ClusterCycle(StreamWorkflow):
    """The workflow of a cycle's stream; its id is the stream's name."""

    @workflow.run
    async def run(self, stream: str) -> None:
        """Run until the cycle is filed."""
        await self.main_loop(stream)

    @workflow.update(name="submit")
    async def submit(self, batch: SignedBatch) -> Receipt:
        """Carry out signed commands."""
        return await self.carry_out(batch)

    @submit.validator
    def validate_submit(self, batch: SignedBatch) -> None:
        """Refuse a malformed batch, before it enters the workflow's history."""
        self.validate(batch)

    def _items_to_decide(self, batch: SignedBatch) -> list[tuple[int, BatchItem]]:
        """Return all items: a meeting may concern two cycles, and then both get their events or neither."""
        for index, item in enumerate(batch.items):
            if not is_cycle(item.stream):
                raise refused(Refused("not_a_cycle_name", name=item.stream[:80]), index)
        return list(enumerate(batch.items))

    @workflow.query
    def status(self) -> dict[str, object]:
        """Return what this run has folded, for operators; nothing before it has loaded its stream."""
        if not self._loaded:
            return {}
        return {"version": self._own.version, "digest": self._own.digest, "acts": self._commands}
