"""The workflow of a stream: loads and folds it, decides commands one after another, runs timers that are due.

Every run starts by loading the stream, so first start, continue-as-new, a changed engine and a lost Temporal database
take the same path. The state here changes only by events that the ledger has returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    FailureError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from domain import limits
    from domain.records import RESERVED, AlreadyRecorded, Refused
    from domain.state import State
    from domain.streams import STREAM_CHARS, is_decided
    from ledger.receipts import CommandOutcome, Receipt
    from ledger.signing import BatchItem, Header, NotSignedError, SignedBatch
    from workflows.messages import (
        TASK_TIMEOUT,
        AppendAnswer,
        AppendRequest,
        PartMessage,
        RecallRequest,
        coded,
        not_ours,
        stream_of,
    )
    from workflows.stream_state import (
        UPDATE_TIME,
        StreamState,
        answer_to,
        is_diverged,
        is_not_ours,
        locally,
        pending,
        refused,
        undecidable,
    )

ENGINE_EPOCH = 10
"""Raised when a change makes running workflows issue other commands to Temporal; then the worker starts them again."""

EPOCH_MEMO = "engine_epoch"
MEMO = {EPOCH_MEMO: ENGINE_EPOCH}
"""What every run is started with, so that a list of runs tells which engine epoch they are of."""

SPAN = "__thidua_span"
"""The name under which a worker that traces offers what makes a span (`workflows/tracing.py`)."""

COMMANDS_PER_RUN = 300
"""A run continues as new after this many commands, or earlier if Temporal suggests it."""

PAUSE = timedelta(seconds=10)
"""How long the main loop waits before it loads its stream again, after an error that no retry mended."""

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
        self._is_doubtful = True
        """Whether the state here may differ from the ledger: before the first load, and after errors of our making."""

    # Main loop ------------------------------------------------------------------------------

    async def main_loop(self, stream: str) -> None:
        """Load the stream, then wait in turn for a deadline, a reload signal, a full history or the end.

        A run ends with the filing of its cycle, or while its stream has no event. After an error that no retry mends
        the stream is loaded again, for ever.

        Raises:
            ApplicationError: `NotOurs`: no stream has a workflow of this type and id. A stranger who reaches the
                Temporal server can start workflows; this one must not last.
        """
        if _own_stream() != stream:
            raise not_ours()
        self.stream = stream
        while True:
            try:
                await self._live()
            except Exception as error:
                if is_cancelled_exception(error) or is_not_ours(error):
                    raise
                workflow.logger.exception("the stream is loaded again")
                self._is_doubtful = True
                await workflow.sleep(PAUSE)
                if self._is_history_full():
                    await self._continue_when_idle()
            else:
                return

    async def _live(self) -> None:
        """Do what is due until the stream's end."""
        while True:
            async with self._lock:
                await self._catch_up_if_needed()
                await self._own.run_due_timers()
            self._loaded = True
            if self._is_over():
                await workflow.wait_condition(workflow.all_handlers_finished)
                async with self._lock:
                    await self._own.catch_up()  # another worker's answers may be in this run's history, and false
                # A command that arrived meanwhile, here or through another stream's workflow, may have reopened it.
                if self._is_over() and not self._reload and workflow.all_handlers_finished():
                    return
            elif self._is_history_full():
                await self._continue_when_idle()
            else:
                await self._wait_for_work()

    async def _continue_when_idle(self) -> None:
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(self.stream, memo=MEMO)

    @workflow.signal(dynamic=True)
    def take_note(self, name: str, _arguments: Sequence[RawValue]) -> None:
        """Take note of the signal `reload`: another stream's workflow has appended to this stream.

        All others are dropped, and no argument is read. Signals without a handler would be kept in memory.
        """
        if name == "reload":
            self._reload = True

    async def _wait_for_work(self) -> None:
        wake_at = self._wake_at()
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: (
                    self._reload
                    or self._is_doubtful
                    or self._is_over()
                    or self._is_history_full()
                    or self._wake_at() != wake_at
                ),
                timeout=None if wake_at is None else max(wake_at - workflow.now(), timedelta(seconds=1)),
            )

    async def carry_out(self, batch: SignedBatch) -> Receipt:
        """Decide and append the batch's commands that belong here: all of them or none.

        Only application errors leave it: the client maps their types. A mistake of ours refuses this batch; the next
        ones find a state that is loaded anew.

        Raises:
            ApplicationError: `Refused`, `NotSigned`, `Diverged`, `CommandReused`; `Pending` when it had no end in time.
        """
        try:
            await self._until_loaded()
            return Receipt(await self._carried_out(batch, self._items_to_decide(batch)))
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            raise answer_to(error, batch.items[0]) from None
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not stop the stream for others
            self._is_doubtful = True
            raise refused(undecidable(batch.items[0], error)) from None

    async def _until_loaded(self) -> None:
        if not self._loaded:
            try:
                await workflow.wait_condition(lambda: self._loaded, timeout=UPDATE_TIME)
            except TimeoutError:
                raise pending() from None

    async def _carried_out(self, batch: SignedBatch, items: list[tuple[int, BatchItem]]) -> list[CommandOutcome]:
        others = [s for s in dict.fromkeys(item.stream for _, item in items) if s != self.stream]
        async with self._lock:
            try:
                outcomes = await self._decide_and_append(batch, items, others)
            except FailureError as error:
                if not is_diverged(error):
                    raise
                # The state here is not the ledger's, such as after a foreign worker's answers. Decide on the ledger's.
                self._is_doubtful = True
                outcomes = await self._decide_and_append(batch, items, others)
            await self._follow_up(others)
        return outcomes

    async def _follow_up(self, others: list[str]) -> None:
        """Do what comes after an append. It is recorded, whatever becomes of this; the main loop tries again."""
        try:
            for stream in others:
                await _notify(stream)
            await self._own.run_due_timers()
        except Exception:  # noqa: BLE001 - none takes back what is recorded
            self._is_doubtful = True
            workflow.logger.exception("not followed up")

    async def _catch_up_if_needed(self) -> None:
        """Fold what another stream's workflow has appended here, if it has signalled that; all, if in doubt."""
        if self._is_doubtful:
            self._reload = False
            own = StreamState(self.stream)
            await own.catch_up()
            self._own, self._is_doubtful = own, False
        elif self._reload:
            self._reload = False
            await self._own.catch_up()

    def _items_to_decide(self, batch: SignedBatch) -> list[tuple[int, BatchItem]]:
        """Return the items that this workflow decides, each with its index in the batch."""
        return [(index, item) for index, item in enumerate(batch.items) if item.stream == self.stream]

    def validate(self, batch: SignedBatch) -> None:
        """Refuse a malformed batch before anything is written. `SignatureCheck` then looks at the signature.

        It may come before the main loop's first step.

        Raises:
            ApplicationError: `NotSigned` or `Refused`.
        """
        try:
            if _own_stream() is None:
                raise NotSignedError("malformed")
            if not 0 < len(batch.items) <= limits.COMMANDS_PER_BATCH:
                raise refused(Refused("too_many_commands", most=limits.COMMANDS_PER_BATCH))
            header = batch.check_form()
            if header.actor in RESERVED or not header.actor:
                raise NotSignedError("malformed")
        except NotSignedError as error:
            raise coded(error, "NotSigned") from None
        for index, item in enumerate(batch.items):
            if len(item.stream) > STREAM_CHARS or not is_decided(item.stream):
                raise refused(Refused("not_a_cycle_name", name=item.stream[:80]), index)

    # Deciding -------------------------------------------------------------------------------

    async def _decide_and_append(
        self, batch: SignedBatch, items: list[tuple[int, BatchItem]], others: list[str]
    ) -> list[CommandOutcome]:
        """Decide the items and append their events; decide again if other writers were faster."""
        await self._catch_up_if_needed()
        await self._own.run_due_timers()
        loaded = [StreamState(stream) for stream in others]
        states = {state.stream: state for state in (self._own, *loaded)}
        try:
            return await self._append_decided(batch, items, states, loaded)
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
        with _span("decide", items=len(items)):
            return await self._decided(batch, items, states)

    async def _decided(
        self, batch: SignedBatch, items: list[tuple[int, BatchItem]], states: dict[str, StreamState]
    ) -> tuple[list[CommandOutcome], list[PartMessage]]:
        header = Header.parse(batch.header)
        speculations = {stream: state.speculate() for stream, state in states.items()}
        outcomes: list[CommandOutcome] = []
        for index, item in items:
            if (versions := states[item.stream].commands.get(item.command_id)) is not None:
                await locally("recall", RecallRequest(replace(batch, items=(item,))), bool)
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

    def _is_over(self) -> bool:
        """Return whether nothing keeps the run: its cycle is filed, or its stream has no event yet."""
        state = self._own.folded.state
        return not self._own.version or (isinstance(state, State) and state.lifecycle.filed is not None)

    def _is_history_full(self) -> bool:
        return self._commands >= COMMANDS_PER_RUN or workflow.info().is_continue_as_new_suggested()


def _span(name: str, **counts: int) -> AbstractContextManager[None]:
    """A span of a trace, where the worker traces. It is made outside, and nothing here depends on it."""
    made = workflow.extern_functions().get(SPAN)
    return made(name, **counts) if made is not None else nullcontext()


def _own_stream() -> str | None:
    """Return the stream that this workflow's type and id stand for, None when there is none."""
    info = workflow.info()
    return stream_of(info.workflow_type, info.workflow_id)


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
