"""One cluster's year."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.streams import is_cycle
    from domain.types import Refused
    from ledger.receipts import Receipt
    from ledger.signing import BatchItem, SignedBatch
    from workflows.stream import StreamWorkflow
    from workflows.stream_state import refused


@workflow.defn(name="ClusterCycle")
class ClusterCycle(StreamWorkflow):
    """The workflow of a cycle's stream; its id is the stream's name."""

    @workflow.run
    async def run(self, stream: str) -> None:
        """Live until the cycle is filed."""
        await self.main_loop(stream)

    @workflow.update(name="submit")
    async def submit(self, batch: SignedBatch) -> Receipt:
        """Carry out signed commands."""
        return await self.carry_out(batch)

    @submit.validator
    def validate_submit(self, batch: SignedBatch) -> None:
        """Refuse what is no command, before it enters history."""
        self.validate(batch)

    def _reach(self, batch: SignedBatch) -> list[tuple[int, BatchItem]]:
        """All of them: a meeting may close one year and open the next, and then both are told or neither."""
        for index, item in enumerate(batch.items):
            if not is_cycle(item.stream):
                raise refused(Refused("not_a_cycle_name", name=item.stream[:80]), index)
        return list(enumerate(batch.items))

    @workflow.signal
    def reload(self) -> None:
        """Another stream's workflow has written into ours."""
        self._reload = True

    @workflow.query
    def status(self) -> dict[str, object]:
        """For operators: what this run has folded."""
        return {"version": self._own.version, "digest": self._own.digest, "acts": self._acts}
