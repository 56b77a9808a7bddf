"""The workflow of a stream: loads it, folds it, decides commands one after another, speaks when the clock is due.

Every run starts by loading the stream: first start, continue-as-new, a changed engine and a lost Temporal database
are one path. Nothing is true here until the ledger has returned it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.telling import saying_of
    from activities.wire import (
        AppendAnswer,
        AppendRequest,
        HandedIn,
        LoadRequest,
        Outcome,
        RecallRequest,
        Receipt,
        WireDraft,
        WireEvent,
        WireOrder,
        wire_draft,
    )  # fmt: skip
    from domain import limits
    from domain.codec import plain
    from domain.kernel import RESERVED, AlreadySaid, Event, Refused, Told
    from domain.rules import NO_RULES, Edition, edition_of
    from domain.streams import law_of
    from eventstore.signing import Header, NotSignedError

ENGINE_EPOCH = 2
"""Raised when a change of the law would give a running workflow other commands: then `thidua resume` restarts all."""

ACTS_PER_RUN = 300
DECISIONS_PER_COMMAND = 5
T = TypeVar("T")


async def locally(activity: str, request: object, answer: type[T]) -> T:
    """Run one of our local activities until it answers; its refusals are not tried again."""
    found: T = await workflow.execute_local_activity(
        activity,
        request,
        result_type=answer,
        start_to_close_timeout=timedelta(seconds=30),
        # Retries beyond a second become timers of the server, so that other updates are answered meanwhile.
        local_retry_threshold=timedelta(seconds=1),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(milliseconds=200), backoff_coefficient=1.6, maximum_interval=timedelta(seconds=5)
        ),
    )
    return found


def refused(error: Refused, place: int | None = None) -> ApplicationError:
    """A refusal on its way to the desk: code, facts, and which command of the list it was."""
    return ApplicationError(error.code, error.code, plain(error.facts), place, type="Refused", non_retryable=True)


class Register:
    """What both kinds of stream share. Subclasses only name themselves and may act after an append."""

    def __init__(self) -> None:
        self.stream = ""
        self._state: Any = None
        self._rules: Edition = NO_RULES
        self._rules_digest: str | None = None
        self._version = 0
        self._digest = bytes(32).hex()
        self._commands: dict[str, list[int]] = {}
        self._loaded = False
        self._lock = asyncio.Lock()
        self._acts = 0
        self._reload = False
        self._next_due: datetime | None = None

    # The story ------------------------------------------------------------------------------

    async def live(self, stream: str) -> None:
        """Load, then wait for what comes first: a deadline, a call to reload, the time to continue as new, filing."""
        self.stream = stream
        self._state = law_of(stream).empty()
        await self._catch_up()
        self._loaded = True
        while True:
            async with self._lock:
                if self._reload:
                    self._reload = False
                    await self._catch_up()
                await self._speak()
            if self._finished() or self._full():
                await workflow.wait_condition(workflow.all_handlers_finished)
                # An act that came in while we waited may have reopened the file.
                if self._finished():
                    return
                workflow.continue_as_new(stream)
            alarm = self._alarm()
            with suppress(TimeoutError):
                await workflow.wait_condition(
                    lambda: self._reload or self._finished() or self._full() or self._alarm() != alarm,  # noqa: B023
                    timeout=None if alarm is None else max(alarm - workflow.now(), timedelta(seconds=1)),
                )

    async def hand_in(self, handed: HandedIn) -> Receipt:
        """Decide and append a list of commands for this stream: all of them or none."""
        await workflow.wait_condition(lambda: self._loaded)
        async with self._lock:
            await self._speak()
            try:
                outcomes = await self._carry_out(handed)
            except ActivityError as error:
                # Only application errors may leave a handler; the desk knows their types.
                raise error.cause if isinstance(error.cause, ApplicationError) else error from None
            await self._speak()
        return Receipt(outcomes)

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

    async def _carry_out(self, handed: HandedIn) -> list[Outcome]:
        mine = [(place, order) for place, order in enumerate(handed.orders) if order.stream == self.stream]
        for _ in range(DECISIONS_PER_COMMAND):
            outcomes, drafts = await self._decide(handed, mine)
            if not drafts:
                return outcomes
            request = AppendRequest(self.stream, self._version, self._digest, handed, drafts)
            answer = await locally("append", request, AppendAnswer)
            if answer.status == "appended":
                await self._take_in(answer.events)
                self._acts += len(mine)
                return [
                    outcome if outcome.known else Outcome(outcome.command_id, self._commands[outcome.command_id])
                    for outcome in outcomes
                ]
            # Known or behind: the ledger holds rows that we have not folded. Fold them and decide again.
            await self._catch_up()
        raise refused(Refused("too_busy"))

    async def _decide(
        self, handed: HandedIn, mine: list[tuple[int, WireOrder]]
    ) -> tuple[list[Outcome], list[WireDraft]]:
        law, header = law_of(self.stream), Header.parse(handed.header)
        state, version = self._state, self._version
        outcomes: list[Outcome] = []
        drafts: list[WireDraft] = []
        for place, order in mine:
            if (versions := self._commands.get(order.command_id)) is not None:
                await locally("recall", RecallRequest(order, header.unit), bool)
                outcomes.append(Outcome(order.command_id, versions, known=True))
                continue
            try:
                saying = saying_of(order.stream, order.command_id, order.payload, header)
                correcting = saying.act.NAME == "correct"
                if correcting and len(mine) > 1:
                    raise Refused("correction_stands_alone")
                history = await self._history() if correcting else ()
                told = law.decide(saying, state, self._rules, version, history)
            except AlreadySaid as said:
                outcomes.append(Outcome(order.command_id, [said.version], known=True))
                continue
            except Refused as error:
                raise refused(error, place) from None
            except Exception as error:  # noqa: BLE001 - see below
                # A mistake of ours must not stop the register for everybody else: this act is refused, loudly.
                workflow.logger.exception("undecidable")
                raise refused(
                    Refused("undecidable", act=order.payload[:200], kind=type(error).__name__), place
                ) from None
            for one in told:
                drafts.append(wire_draft(place, one))
                state = law.evolve(state, one)
            version += len(told)
            outcomes.append(Outcome(order.command_id, []))
        return outcomes, drafts

    # The ledger -----------------------------------------------------------------------------

    async def _catch_up(self) -> None:
        while page := await self._page(self._version):
            await self._take_in(page)

    async def _page(self, after: int) -> list[WireEvent]:
        return await locally("load", LoadRequest(self.stream, after), list[WireEvent])

    async def _history(self) -> tuple[Told[Event], ...]:
        events: list[WireEvent] = []
        while page := await self._page(events[-1].version if events else 0):
            events.extend(page)
        # Others may have written meanwhile: what we have not taken in yet is no part of our past.
        return tuple(event.told() for event in events if event.version <= self._version)

    async def _take_in(self, events: list[WireEvent]) -> None:
        law = law_of(self.stream)
        corrected = False
        for event in events:
            if event.version <= self._version:
                continue
            told = event.told()
            corrected = corrected or event.type == "ActCorrected"
            self._state = law.evolve(self._state, told)
            self._version, self._digest = event.version, event.digest
            self._commands.setdefault(event.command_id, []).append(event.version)
        if corrected:
            # What was corrected is left out of the fold, which only the whole history can do.
            self._state = law.fold(await self._history())
        if (digest := law.edition(self._state)) != self._rules_digest:
            body = await locally("edition", digest, str)
            self._rules, self._rules_digest = edition_of(body), digest
        self._next_due = law.next_due(self._state, self._rules)

    # The clock ------------------------------------------------------------------------------

    async def _speak(self) -> None:
        while self._is_due():
            before = self._version
            answer = await locally("speak", LoadRequest(self.stream, self._version), AppendAnswer)
            await self._take_in(answer.events)
            if self._version == before:
                return  # the ledger's clock is a moment behind ours; the run loop asks again

    def _is_due(self) -> bool:
        return self._next_due is not None and self._next_due <= law_of(self.stream).now(self._state, workflow.now())

    def _alarm(self) -> datetime | None:
        """When to wake; None while nothing is due, or business time stands still until somebody steps it."""
        instant = self._next_due
        return None if instant is None or law_of(self.stream).now(self._state, instant) < instant else instant

    def _finished(self) -> bool:
        frame = getattr(self._state, "frame", None)
        return frame is not None and frame.filed is not None

    def _full(self) -> bool:
        return self._acts >= ACTS_PER_RUN or workflow.info().is_continue_as_new_suggested()
