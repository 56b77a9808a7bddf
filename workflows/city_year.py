"""The workflow of an organiser's year: decides its own commands, then opens the cycles ordered with them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from domain.codec import plain
    from domain.cycle import CYCLE
    from domain.records import AlreadyRecorded, Refused
    from domain.rules import NO_RULES
    from domain.streams import is_cycle
    from ledger.mapping import authenticate, to_draft, to_envelope
    from ledger.receipts import FailedOpening, Receipt
    from ledger.signing import BatchItem, Header, SignedBatch
    from workflows.messages import (
        AppendAnswer,
        AppendRequest,
        DraftMessage,
        EventMessage,
        LoadRequest,
        PartMessage,
        RecallRequest,
    )
    from workflows.stream import COMMANDS_PER_RUN, StreamWorkflow, start_cycle
    from workflows.stream_state import answer_to, locally, undecidable


@workflow.defn(name="CityYear")
class CityYear(StreamWorkflow):
    """The workflow of a year's stream; its id is the stream's name."""

    @workflow.run
    async def run(self, stream: str) -> None:
        """Run without end, because clusters can be added at any time."""
        await self.main_loop(stream)

    @workflow.update(name="submit")
    async def submit(self, batch: SignedBatch) -> Receipt:
        """Carry out the year's own commands, then open every cycle whose command is in the batch.

        A cycle that cannot be opened is listed in the receipt with the reason; the others are open.
        """
        receipt = await self.carry_out(batch)
        others = [item for item in batch.items if item.stream != self.stream]
        failed = await asyncio.gather(*(self._open(batch, item) for item in others))
        receipt.failed = [failure for failure in failed if failure is not None]
        if others:
            # A run keeps data of each child until that child ends, so continue in a new run.
            self._commands = COMMANDS_PER_RUN
        return receipt

    @submit.validator
    def validate_submit(self, batch: SignedBatch) -> None:
        """Refuse a malformed batch, before it enters the workflow's history."""
        self.validate(batch)

    async def _open(self, batch: SignedBatch, item: BatchItem) -> FailedOpening | None:
        try:
            if not is_cycle(item.stream) or not item.stream.startswith(f"{self.stream}/"):
                raise Refused("not_a_cycle_name", name=item.stream[:80])
            await self._append_opening(batch, item)
        except Refused as error:
            return FailedOpening(item.stream, error.code, plain(error.facts))
        except AlreadyRecorded:
            return FailedOpening(item.stream, "cycle_is_open", {"cluster": item.stream})
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            told = answer_to(error, item)
            return FailedOpening(item.stream, told.message, dict(told.details[1]))
        # The workflow may run already, after a repeated opening or an earlier command.
        try:
            await start_cycle(item.stream)
        except ChildWorkflowError:
            # The cycle is open; its next command starts the workflow, or the worker, which compares every 30 s.
            workflow.logger.warning("not_started", extra={"stream": item.stream})
        return None

    async def _append_opening(self, batch: SignedBatch, item: BatchItem) -> None:
        page = await locally("load", LoadRequest(item.stream, 0), list[EventMessage])
        header = Header.parse(batch.header)
        if any(event.content.command_id == item.command_id for event in page):
            await locally("recall", RecallRequest(replace(batch, items=(item,))), bool)
            return
        try:
            state = CYCLE.fold(to_envelope(event) for event in page)
            envelopes = CYCLE.decide(authenticate(item, header), state, NO_RULES, len(page))
        except (Refused, AlreadyRecorded):
            raise
        except Exception as error:  # noqa: BLE001 - a programming error must not block the year for other commands
            raise undecidable(item, error) from None
        # Only this cycle's item is sent: with all items, the cost would grow with the square of the clusters.
        single = replace(batch, items=(item,))
        part = PartMessage(
            item.stream, 0, bytes(32).hex(), [DraftMessage(0, to_draft(envelope)) for envelope in envelopes]
        )
        request = AppendRequest([part], single)
        answer = await locally("append", request, AppendAnswer)
        if answer.status == "behind":
            raise Refused("cycle_is_open", cluster=item.stream)
