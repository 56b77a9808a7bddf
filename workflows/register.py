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
    from activities.wire import (
        TASK_TIMEOUT,
        AppendAnswer,
        AppendRequest,
        HandedIn,
        Outcome,
        RecallRequest,
        Receipt,
        WireOrder,
        WirePart,
    )
    from domain import limits
    from domain.kernel import RESERVED, AlreadySaid, Refused
    from eventstore.signing import Header, NotSignedError
    from workflows.folded import Folded, locally, refused

ENGINE_EPOCH = 3
"""Raised when a change of the law would give a running workflow other commands: then `thidua resume` restarts all."""

ACTS_PER_RUN = 300
DECISIONS_PER_COMMAND = 5


class Register:
    """What both kinds of stream share. Subclasses only name themselves and may act after an append."""

    def __init__(self) -> None:
        self.stream = ""
        self._own: Folded
        self._loaded = False
        self._lock = asyncio.Lock()
        self._acts = 0
        self._reload = False

    # The story ------------------------------------------------------------------------------

    async def live(self, stream: str) -> None:
        """Load, then wait for what comes first: a deadline, a call to reload, the time to continue as new, filing."""
        self.stream = stream
        self._own = Folded(stream)
        await self._own.catch_up()
        self._loaded = True
        while True:
            async with self._lock:
                await self._hear()
                await self._own.speak()
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

    async def hand_in(self, handed: HandedIn) -> Receipt:
        """Decide and append a list of commands: all of them or none, of whatever streams are in our reach."""
        await workflow.wait_condition(lambda: self._loaded)
        mine = self._reach(handed)
        others = [s for s in dict.fromkeys(order.stream for _, order in mine) if s != self.stream]
        async with self._lock:
            try:
                await self._hear()
                await self._own.speak()
                outcomes = await self._carry_out(handed, mine, [Folded(stream) for stream in others])
                for stream in others:
                    await _wake(stream)
                await self._own.speak()
            except ActivityError as error:
                # Only application errors may leave a handler; the desk knows their types.
                raise error.cause if isinstance(error.cause, ApplicationError) else error from None
        return Receipt(outcomes)

    async def _hear(self) -> None:
        """Fold what another stream's workflow has written into ours, if it has told us."""
        if self._reload:
            self._reload = False
            await self._own.catch_up()

    def _reach(self, handed: HandedIn) -> list[tuple[int, WireOrder]]:
        """The commands that are decided here, each with its index in the list."""
        return [(place, order) for place, order in enumerate(handed.orders) if order.stream == self.stream]

    def check(self, handed: HandedIn) -> None:
        """Refuse before anything is written what can be seen to be no command of this stream."""
        try:
            header = Header.parse(handed.header)
        except NotSignedError as error:
            raise ApplicationError(error.code, error.code, {}, type="NotSigned", non_retryable=True) from None
        if not 0 < len(handed.orders) <= limits.COMMANDS_PER_HANDOVER:
            raise refused(Refused("too_many_commands", most=limits.COMMANDS_PER_HANDOVER))
        if (
            header.actor in RESERVED
            or not header.actor
            or len({order.command_id for order in handed.orders}) != len(handed.orders)
        ):
            raise ApplicationError("malformed", "malformed", {}, type="NotSigned", non_retryable=True)

    # Deciding -------------------------------------------------------------------------------

    async def _carry_out(
        self, handed: HandedIn, mine: list[tuple[int, WireOrder]], guests: list[Folded]
    ) -> list[Outcome]:
        folds = {fold.stream: fold for fold in (self._own, *guests)}
        for guest in guests:
            await guest.catch_up()
            await guest.speak()  # what was due there comes before what is said now, as it does here
        for _ in range(DECISIONS_PER_COMMAND):
            outcomes, parts = await self._decide(handed, mine, folds)
            if not parts:
                return outcomes
            answer = await locally("append", AppendRequest(parts, handed), AppendAnswer)
            if answer.status == "appended":
                for fold in folds.values():
                    await fold.take_in(answer.events)
                self._acts += len(mine)
                return [
                    outcome
                    if outcome.known
                    else Outcome(outcome.command_id, folds[order.stream].commands[outcome.command_id])
                    for outcome, (_, order) in zip(outcomes, mine, strict=True)
                ]
            # Known or behind: the ledger holds rows that we have not folded. Fold them and decide again.
            for fold in folds.values():
                await fold.catch_up()
        raise refused(Refused("too_busy"))

    async def _decide(
        self, handed: HandedIn, mine: list[tuple[int, WireOrder]], folds: dict[str, Folded]
    ) -> tuple[list[Outcome], list[WirePart]]:
        header = Header.parse(handed.header)
        prospects = {stream: fold.prospect() for stream, fold in folds.items()}
        outcomes: list[Outcome] = []
        for place, order in mine:
            if (versions := folds[order.stream].commands.get(order.command_id)) is not None:
                await locally("recall", RecallRequest(order, header.unit), bool)
                outcomes.append(Outcome(order.command_id, versions, known=True))
                continue
            try:
                await prospects[order.stream].decide(place, order, header, alone=len(mine) == 1)
            except AlreadySaid as said:
                outcomes.append(Outcome(order.command_id, [said.version], known=True))
                continue
            except Refused as error:
                raise refused(error, place) from None
            except (ActivityError, ApplicationError):
                raise  # what it needed to know, such as an edition, could not be had
            except Exception as error:  # noqa: BLE001 - see below
                # A mistake of ours must not stop the register for everybody else: this act is refused, loudly.
                workflow.logger.exception("undecidable")
                raise refused(
                    Refused("undecidable", act=order.payload[:200], kind=type(error).__name__), place
                ) from None
            outcomes.append(Outcome(order.command_id, []))
        return outcomes, [prospect.part for prospect in prospects.values() if prospect.part.events]

    # The clock ------------------------------------------------------------------------------

    def _alarm(self) -> datetime | None:
        """When to wake; None while nothing is due, or business time stands still until somebody steps it."""
        instant, own = self._own.next_due, self._own
        return None if instant is None or own.law.now(own.state, instant) < instant else instant

    def _finished(self) -> bool:
        frame = getattr(self._own.state, "frame", None)
        return frame is not None and frame.filed is not None

    def _full(self) -> bool:
        return self._acts >= ACTS_PER_RUN or workflow.info().is_continue_as_new_suggested()


async def _wake(stream: str) -> None:
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
