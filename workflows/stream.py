"""The workflow of a stream: loads it, folds it, decides commands one after another, speaks when the clock is due.

Every run starts by loading the stream: first start, continue-as-new, a changed engine and a lost Temporal database
are one path. Nothing is true here until the ledger has returned it.
"""

from __future__ import annotations

import asyncio
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
    from domain.types import RESERVED, AlreadyRecorded, Refused
    from ledger.receipts import CommandOutcome, Receipt
    from ledger.signing import BatchItem, Header, NotSignedError, SignedBatch
    from workflows.messages import TASK_TIMEOUT, AppendAnswer, AppendRequest, PartMessage, RecallRequest
    from workflows.stream_state import StreamState, locally, refused

ENGINE_EPOCH = 4
"""Raised when a change of the law would give a running workflow other commands: then `thidua resume` restarts all."""

ACTS_PER_RUN = 300
DECISIONS_PER_COMMAND = 5


class StreamWorkflow:
    """What both kinds of stream share. Subclasses only name themselves and may act after an append."""

    def __init__(self) -> None:
        self.stream = ""
        self._own: StreamState
        self._loaded = False
        self._lock = asyncio.Lock()
        self._acts = 0
        self._reload = False

    # The story ------------------------------------------------------------------------------

    async def main_loop(self, stream: str) -> None:
        """Load, then wait for what comes first: a deadline, a call to reload, the time to continue as new, filing."""
        self.stream = stream
        self._own = StreamState(stream)
        await self._own.catch_up()
        self._loaded = True
        while True:
            async with self._lock:
                await self._catch_up_if_notified()
                await self._own.run_due_timers()
            if self._finished() or self._full():
                await workflow.wait_condition(workflow.all_handlers_finished)
                # An act that came in while we waited, from another stream's workflow even, may have reopened the file.
                if self._finished() and not self._reload:
                    return
                workflow.continue_as_new(stream)
            alarm = self._alarm()
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._reload or self._finished() or self._full() or self._alarm() != alarm,  # noqa: B023
                    timeout=None if alarm is None else max(alarm - workflow.now(), timedelta(seconds=1)),
                )

    async def carry_out(self, batch: SignedBatch) -> Receipt:
        """Decide and append a list of commands: all of them or none, of whatever streams are in our reach."""
        await workflow.wait_condition(lambda: self._loaded)
        mine = self._reach(batch)
        others = [s for s in dict.fromkeys(item.stream for _, item in mine) if s != self.stream]
        async with self._lock:
            try:
                await self._catch_up_if_notified()
                await self._own.run_due_timers()
                outcomes = await self._carry_out(batch, mine, [StreamState(stream) for stream in others])
                for stream in others:
                    await _notify(stream)
                await self._own.run_due_timers()
            except ActivityError as error:
                # Only application errors may leave a handler; the desk knows their types.
                raise error.cause if isinstance(error.cause, ApplicationError) else error from None
        return Receipt(outcomes)

    async def _catch_up_if_notified(self) -> None:
        """Fold what another stream's workflow has written into ours, if it has told us."""
        if self._reload:
            self._reload = False
            await self._own.catch_up()

    def _reach(self, batch: SignedBatch) -> list[tuple[int, BatchItem]]:
        """The commands that are decided here, each with its index in the list."""
        return [(index, item) for index, item in enumerate(batch.items) if item.stream == self.stream]

    def validate(self, batch: SignedBatch) -> None:
        """Refuse before anything is written what can be seen to be no command of this stream."""
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

    async def _carry_out(
        self, batch: SignedBatch, mine: list[tuple[int, BatchItem]], guests: list[StreamState]
    ) -> list[CommandOutcome]:
        states = {state.stream: state for state in (self._own, *guests)}
        for guest in guests:
            await guest.catch_up()
            await guest.run_due_timers()  # what was due there comes before what is said now, as it does here
        for _ in range(DECISIONS_PER_COMMAND):
            outcomes, parts = await self._decide(batch, mine, states)
            if not parts:
                return outcomes
            answer = await locally("append", AppendRequest(parts, batch), AppendAnswer)
            if answer.status == "appended":
                for state in states.values():
                    await state.apply(answer.events)
                self._acts += len(mine)
                return [
                    outcome
                    if outcome.known
                    else CommandOutcome(outcome.command_id, states[item.stream].commands[outcome.command_id])
                    for outcome, (_, item) in zip(outcomes, mine, strict=True)
                ]
            # Known or behind: the ledger holds rows that we have not folded. Fold them and decide again.
            for state in states.values():
                await state.catch_up()
        raise refused(Refused("too_busy"))

    async def _decide(
        self, batch: SignedBatch, mine: list[tuple[int, BatchItem]], states: dict[str, StreamState]
    ) -> tuple[list[CommandOutcome], list[PartMessage]]:
        header = Header.parse(batch.header)
        speculations = {stream: state.speculate() for stream, state in states.items()}
        outcomes: list[CommandOutcome] = []
        for index, item in mine:
            if (versions := states[item.stream].commands.get(item.command_id)) is not None:
                await locally("recall", RecallRequest(item, header.unit), bool)
                outcomes.append(CommandOutcome(item.command_id, versions, known=True))
                continue
            try:
                await speculations[item.stream].decide(index, item, header, alone=len(mine) == 1)
            except AlreadyRecorded as said:
                outcomes.append(CommandOutcome(item.command_id, [said.version], known=True))
                continue
            except Refused as error:
                raise refused(error, index) from None
            except (ActivityError, ApplicationError):
                raise  # what it needed to know, such as an edition, could not be had
            except Exception as error:  # noqa: BLE001 - see below
                # A mistake of ours must not stop the register for everybody else: this act is refused, loudly.
                workflow.logger.exception("undecidable")
                raise refused(
                    Refused("undecidable", act=item.payload[:200], kind=type(error).__name__), index
                ) from None
            outcomes.append(CommandOutcome(item.command_id, []))
        return outcomes, [speculate.part for speculate in speculations.values() if speculate.part.events]

    # The clock ------------------------------------------------------------------------------

    def _alarm(self) -> datetime | None:
        """When to wake; None while nothing is due, or business time stands still until somebody steps it."""
        instant, own = self._own.next_due, self._own
        return None if instant is None or own.decider.now(own.state, instant) < instant else instant

    def _finished(self) -> bool:
        lifecycle = getattr(self._own.state, "lifecycle", None)
        return lifecycle is not None and lifecycle.filed is not None

    def _full(self) -> bool:
        return self._acts >= ACTS_PER_RUN or workflow.info().is_continue_as_new_suggested()


async def _notify(stream: str) -> None:
    """Tell a stream's workflow that others wrote into it; start it where none runs, for it may have deadlines."""
    try:
        await workflow.get_external_workflow_handle(stream).signal("reload")
    except FailureError:
        try:
            await start_cycle(stream)
        except ChildWorkflowError:
            # What was written stands; the next act, or `thidua resume`, starts it.
            workflow.logger.warning("not_started", extra={"stream": stream})


async def start_cycle(stream: str) -> None:
    """Start a cycle's workflow, unless it runs. It outlives whoever started it."""
    with suppress(WorkflowAlreadyStartedError):
        await workflow.start_child_workflow(
            "ClusterCycle",
            stream,
            id=stream,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            task_timeout=TASK_TIMEOUT,
        )
