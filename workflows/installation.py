"""The workflow of the installation's own stream: decides account administration and erasures."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.installation import STREAM
    from domain.records import Refused
    from ledger.receipts import Receipt
    from ledger.signing import BatchItem, SignedBatch
    from workflows.stream import StreamWorkflow
    from workflows.stream_state import refused


@workflow.defn(name="InstallationStream")
class InstallationStream(StreamWorkflow):
    """One for each installation; its id names the installation, because all of them call this stream the same.

    The command line appends to this stream beside it and sends no signal. So every command loads first what came since;
    administration is rare, and a state that is behind would refuse, or know as done, what is not so any more.
    """

    @workflow.run
    async def run(self, stream: str) -> None:
        """Run without end."""
        await self.main_loop(stream)

    @workflow.update(name="submit")
    async def submit(self, batch: SignedBatch) -> Receipt:
        """Carry out signed commands."""
        self._reload = True
        return await self.carry_out(batch)

    @submit.validator
    def validate_submit(self, batch: SignedBatch) -> None:
        """Refuse a malformed batch, before it enters the workflow's history."""
        self.validate(batch)

    def _items_to_decide(self, batch: SignedBatch) -> list[tuple[int, BatchItem]]:
        """Return all items. Commands of other streams have workflows of their own."""
        for index, item in enumerate(batch.items):
            if item.stream != STREAM:
                raise refused(Refused("not_a_cycle_name", name=item.stream[:80]), index)
        return list(enumerate(batch.items))
