"""The workflow of a stream: loads and folds it, decides commands one after another, runs timers that are due.

Every run starts by loading the stream, so first start, continue-as-new, a changed engine and a lost Temporal database
take the same path. The state here changes only by events that the ledger has returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
)

with workflow.unsafe.imports_passed_through():
    from domain import limits
    from domain.records import RESERVED, AlreadyRecorded, Refused
    from domain.state import State
    from ledger.receipts import CommandOutcome, Receipt
    from ledger.signing import BatchItem, Header, NotSignedError, SignedBatch
    from workflows.messages import TASK_TIMEOUT, AppendAnswer, AppendRequest, PartMessage, RecallRequest
    from workflows.stream_state import StreamState, locally, refused, undecidable

ENGINE_EPOCH = 9
"""Raised when a change makes running workflows issue other commands to Temporal; then the worker starts them again."""

EPOCH_MEMO = "engine_epoch"
MEMO = {EPOCH_MEMO: ENGINE_EPOCH}
"""What every run is started with, so that a list of runs tells which engine epoch they are of."""

COMMANDS_PER_RUN = 300
"""A run continues as new after this many commands, or earlier if Temporal suggests it."""

DECISIONS_PER_BATCH = 5
"""How often a batch is decided again when other writers append first, before it is refused as `too_busy`."""


class StreamWorkflow:
    """The base of the workflows of streams. Subclasses define the update, and which items of a batch they decide."""

    def __init__(self) -> None:
        self.stream = ""
        self._own: StreamState
        self._loaded = False
        self._lock = asyncio.Lock()
        self._commands = 0
        self._reload = False

    # Main loop ------------------------------------------------------------------------------

    async def main_loop(self, stream: str) -> None:
        """Load the stream, then wait in turn for a deadline, a reload signal, a full history or the filing."""
        self.stream = stream
        self._own = StreamState(stream)
        await self._own.catch_up()
        self._loaded = True
        while True:
            async with self._lock:
                await self._catch_up_if_notified()
                await self._own.run_due_timers()
            if self._is_filed() or self._is_history_full():
                await workflow.wait_condition(workflow.all_handlers_finished)
                # A command that arrived meanwhile, here or through another stream's workflow, may have reopened it.
                if self._is_filed() and not self._reload:
                    return
                workflow.continue_as_new(stream, memo=MEMO)
            await self._wait_for_work()

    async def _wait_for_work(self) -> None:
        wake_at = self._wake_at()
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._reload or self._is_filed() or self._is_history_full() or self._wake_at() != wake_at,
                timeout=None if wake_at is None else max(wake_at - workflow.now(), timedelta(seconds=1)),
            )

    async def carry_out(self, batch: SignedBatch) -> Receipt:
        """Decide and append the batch's commands that belong here: all of them or none."""
        await workflow.wait_condition(lambda: self._loaded)
        items = self._items_to_decide(batch)
        others = [s for s in dict.fromkeys(item.stream for _, item in items) if s != self.stream]
        async with self._lock:
            try:
                await self._catch_up_if_notified()
                await self._own.run_due_timers()
                outcomes = await self._decide_and_append(batch, items, [StreamState(stream) for stream in others])
                for stream in others:
                    await _notify(stream)
                await self._own.run_due_timers()
            except ActivityError as error:
                # Only application errors may leave a handler; the client maps their types.
                raise error.cause if isinstance(error.cause, ApplicationError) else error from None
        return Receipt(outcomes)

    async def _catch_up_if_notified(self) -> None:
        """Fold what another stream's workflow has appended to this stream, if it has signalled that."""
        if self._reload:
            self._reload = False
            await self._own.catch_up()

    def _items_to_decide(self, batch: SignedBatch) -> list[tuple[int, BatchItem]]:
        """Return the items that this workflow decides, each with its index in the batch."""
        return [(index, item) for index, item in enumerate(batch.items) if item.stream == self.stream]

    def validate(self, batch: SignedBatch) -> None:
        """Refuse a malformed batch before anything is written.

        Raises:
            ApplicationError: `NotSigned` or `Refused`.
        """
        try:
            header = Header.parse(batch.header)
        except NotSignedError as error:
            raise ApplicationError(error.code, error.code, {}, type="NotSigned", non_retryable=True) from None
        if not 0 < len(batch.items) <= limits.COMMANDS_PER_BATCH:
            raise refused(Refused("too_many_commands", most=limits.COMMANDS_PER_BATCH))
        if (
            header.actor in RESERVED
            or not header.actor
            or len({item.command_id for item in batch.items}) != len(batch.items)
        ):
            raise ApplicationError("malformed", "malformed", {}, type="NotSigned", non_retryable=True)

    # Deciding -------------------------------------------------------------------------------

    async def _decide_and_append(
        self, batch: SignedBatch, items: list[tuple[int, BatchItem]], others: list[StreamState]
    ) -> list[CommandOutcome]:
        """Decide the items and append their events; decide again if other writers were faster."""
        states = {state.stream: state for state in (self._own, *others)}
        try:
            return await self._append_decided(batch, items, states, others)
        finally:
            for state in states.values():
                state.forget_past()

    async def _append_decided(
        self,
        batch: SignedBatch,
        items: list[tuple[int, BatchItem]],
        states: dict[str, StreamState],
        others: list[StreamState],
    ) -> list[CommandOutcome]:
        for other in others:
            await other.catch_up()
            await other.run_due_timers()  # as here, timers that are due come before new commands
        for _ in range(DECISIONS_PER_BATCH):
            try:
                outcomes, parts = await self._decide(batch, items, states)
            except ApplicationError:
                # The append arbitrates what is accepted. A refusal must ask: somebody may have read an event that is
                # not folded here, such as one that was appended just before the worker was killed.
                if await _catch_up(states.values()):
                    continue
                raise
            if not parts:
                by_id = all(item.command_id in states[item.stream].commands for _, item in items)
                if not by_id and await _catch_up(states.values()):
                    continue
                return outcomes
            answer = await locally("append", AppendRequest(parts, batch), AppendAnswer)
            if answer.status == "appended":
                for state in states.values():
                    await state.apply(answer.events)
                self._commands += len(items)
                return [
                    outcome
                    if outcome.known
                    else CommandOutcome(outcome.command_id, states[item.stream].commands[outcome.command_id])
                    for outcome, (_, item) in zip(outcomes, items, strict=True)
                ]
            # "known" or "behind": the ledger holds rows that are not folded here. Fold them and decide again.
            for state in states.values():
                await state.catch_up()
        raise refused(Refused("too_busy"))

    async def _decide(
        self, batch: SignedBatch, items: list[tuple[int, BatchItem]], states: dict[str, StreamState]
    ) -> tuple[list[CommandOutcome], list[PartMessage]]:
        """Return each item's outcome, without versions if it is new, and the events to append."""
        header = Header.parse(batch.header)
        speculations = {stream: state.speculate() for stream, state in states.items()}
        outcomes: list[CommandOutcome] = []
        for index, item in items:
            if (versions := states[item.stream].commands.get(item.command_id)) is not None:
                await locally("recall", RecallRequest(item, header.unit), bool)
                outcomes.append(CommandOutcome(item.command_id, versions, known=True))
                continue
            try:
                await speculations[item.stream].decide(index, item, header, is_single=len(items) == 1)
            except AlreadyRecorded as earlier:
                outcomes.append(CommandOutcome(item.command_id, [earlier.version], known=True))
                continue
            except Refused as error:
                raise refused(error, index) from None
            except (ActivityError, ApplicationError):
                raise  # something that the decision needs, such as an edition, could not be loaded
            except Exception as error:  # noqa: BLE001 - it must not block the stream for other commands
                raise refused(undecidable(item, error), index) from None
            outcomes.append(CommandOutcome(item.command_id, []))
        return outcomes, [speculation.part for speculation in speculations.values() if speculation.part.events]

    # Conditions -----------------------------------------------------------------------------

    def _wake_at(self) -> datetime | None:
        """Return when the next timer is due; None if there is none, or the stream's time stands still before it."""
        instant, own = self._own.next_due, self._own
        return None if instant is None or own.folded.now(instant) < instant else instant

    def _is_filed(self) -> bool:
        state = self._own.folded.state
        return isinstance(state, State) and state.lifecycle.filed is not None

    def _is_history_full(self) -> bool:
        return self._commands >= COMMANDS_PER_RUN or workflow.info().is_continue_as_new_suggested()


async def _catch_up(states: Iterable[StreamState]) -> bool:
    """Fold what the ledger holds after some states; return whether there was anything."""
    is_behind = False
    for state in states:
        before = state.version
        await state.catch_up()
        is_behind = is_behind or state.version != before
    return is_behind


async def _notify(stream: str) -> None:
    """Signal a stream's workflow that another one appended to it; start it if it does not run, to watch deadlines."""
    try:
        await workflow.get_external_workflow_handle(stream).signal("reload")
    except FailureError:
        try:
            await start_cycle(stream)
        except ChildWorkflowError:
            # The events are recorded. The next command starts the workflow, or the worker (`workflows/runs.py`).
            workflow.logger.warning("not_started", extra={"stream": stream})


async def start_cycle(stream: str) -> None:
    """Start a cycle's workflow unless it runs. It goes on after the workflow that started it has ended."""
    with suppress(WorkflowAlreadyStartedError):
        await workflow.start_child_workflow(
            "ClusterCycle",
            stream,
            id=stream,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            task_timeout=TASK_TIMEOUT,
            memo=MEMO,
        )
