"""A stream as a workflow holds it: folded as far as the ledger has told, and what would follow from a command.

A cycle's workflow holds its own for as long as it runs. Where a meeting speaks of two cycles, it holds the other one
for that one append.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.codec import plain
    from domain.decider import Decider
    from domain.rules import NO_RULES, Edition, edition_of
    from domain.streams import decider_of
    from domain.types import Event, EventEnvelope, Refused
    from ledger.mapping import authenticate, to_draft, to_envelope
    from ledger.signing import BatchItem, Header
    from workflows.messages import AppendAnswer, DraftMessage, EventMessage, LoadRequest, PartMessage

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


def refused(error: Refused, index: int | None = None) -> ApplicationError:
    """A refusal on its way to the desk: code, facts, and which command of the list it was."""
    return ApplicationError(error.code, error.code, plain(error.facts), index, type="Refused", non_retryable=True)


class StreamState:
    """A stream's state with the rules in force, its head, and the commands that are in it."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.decider: Decider = decider_of(stream)
        self.state: Any = self.decider.empty()
        self.rules: Edition = NO_RULES
        self.version = 0
        self.digest = bytes(32).hex()
        self.commands: dict[UUID, list[int]] = {}
        self.next_due: datetime | None = None
        self.edition: str | None = None
        """The digest of the rules in force."""

    async def catch_up(self) -> None:
        """Fold what the ledger holds above us."""
        while page := await self._page(self.version):
            await self.apply(page)

    async def apply(self, events: list[EventMessage]) -> None:
        """Fold stored events; those that were folded before, and those of other streams, are passed over."""
        corrected = False
        for event in events:
            if event.stream != self.stream or event.version <= self.version:
                continue
            corrected = corrected or event.type == "ActCorrected"
            self.state = self.decider.evolve(self.state, to_envelope(event))
            self.version, self.digest = event.version, event.digest
            self.commands.setdefault(event.command_id, []).append(event.version)
        if corrected:
            # What was corrected is left out of the fold, which only the whole history can do.
            self.state = self.decider.fold(await self.history())
        if (digest := self.decider.edition(self.state)) != self.edition:
            self.rules, self.edition = await self.rules_of(digest), digest
        self.next_due = self.decider.next_due(self.state, self.rules)

    async def run_due_timers(self) -> None:
        """Let the clock say what is due."""
        while self.next_due is not None and self.next_due <= self.decider.now(self.state, workflow.now()):
            before = self.version
            answer = await locally("run_due_timers", LoadRequest(self.stream, before), AppendAnswer)
            await self.apply(answer.events)
            if self.version == before:
                return  # the ledger's clock is a moment behind ours; the run loop asks again

    def speculate(self) -> Speculation:
        """A place to try commands, one after another."""
        return Speculation(self)

    async def _page(self, after: int) -> list[EventMessage]:
        return await locally("load", LoadRequest(self.stream, after), list[EventMessage])

    async def history(self) -> tuple[EventEnvelope[Event], ...]:
        """All that was folded."""
        events: list[EventMessage] = []
        while page := await self._page(events[-1].version if events else 0):
            events.extend(page)
        # Others may have written meanwhile: what we have not taken in yet is no part of our past.
        return tuple(to_envelope(event) for event in events if event.version <= self.version)

    async def rules_of(self, digest: str | None) -> Edition:
        """A rules edition by digest."""
        return NO_RULES if digest is None else edition_of(await locally("edition", digest, str))


class Speculation:
    """What would follow from a list of commands on top of a folded stream. Nothing of it is true yet."""

    def __init__(self, folded: StreamState) -> None:
        self._folded = folded
        self._state, self._rules, self.edition = folded.state, folded.rules, folded.edition
        self.part = PartMessage(folded.stream, folded.version, folded.digest, [])

    async def decide(self, index: int, item: BatchItem, header: Header, *, alone: bool) -> None:
        """Add what follows from one more command; `index` is its index in the list, `alone` that it is all of it.

        Raises:
            Refused, AlreadyRecorded
        """
        decider = self._folded.decider
        authenticated = authenticate(item, header)
        correcting = authenticated.command.NAME == "correct"
        if correcting and not alone:
            raise Refused("correction_stands_alone")
        history = await self._folded.history() if correcting else ()
        version = self.part.version + len(self.part.events)
        told = decider.decide(authenticated, self._state, self._rules, version, history)
        for one in told:
            self.part.events.append(DraftMessage(index, to_draft(one)))
            self._state = decider.evolve(self._state, one)
        if (digest := decider.edition(self._state)) != self.edition:
            self._rules, self.edition = await self._folded.rules_of(digest), digest
