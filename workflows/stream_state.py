"""A stream's state in a workflow, and the speculative decisions on top of it.

A workflow keeps the state of its own stream while it runs. For a batch with commands of several cycles, it holds the
other states until the append.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from domain.codec import plain
    from domain.records import Event, EventEnvelope, Refused
    from domain.rules import NO_RULES, Adoption, Edition, edition_of, in_force
    from domain.streams import folded
    from ledger.mapping import authenticate, to_draft, to_envelope
    from ledger.signing import BatchItem, Header
    from workflows.messages import (
        FAILED,
        NOT_OURS,
        PENDING,
        TOLD,
        AppendAnswer,
        DraftMessage,
        EventMessage,
        LoadRequest,
        PartMessage,
    )

T = TypeVar("T")


UPDATE_TIME = timedelta(seconds=20)
"""How long an update waits for the stream to be loaded, and for each activity: as long as its caller waits."""


async def locally(activity: str, request: object, answer: type[T]) -> T:
    """Run a local activity and return its answer. What is away is tried again: for ever, in an update `UPDATE_TIME`."""
    result: T = await workflow.execute_local_activity(
        activity,
        request,
        result_type=answer,
        start_to_close_timeout=timedelta(seconds=30),
        schedule_to_close_timeout=UPDATE_TIME if workflow.current_update_info() is not None else None,
        # Retries after more than a second wait in a server timer, so that other updates are handled meanwhile.
        local_retry_threshold=timedelta(seconds=1),
        retry_policy=RetryPolicy(
            initial_interval=timedelta(milliseconds=200), backoff_coefficient=1.6, maximum_interval=timedelta(seconds=5)
        ),
    )
    return result


def refused(error: Refused, index: int | None = None) -> ApplicationError:
    """Return a refusal as an error for the client: code, facts, and the index of the command in the batch."""
    return ApplicationError(error.code, error.code, plain(error.facts), index, type="Refused", non_retryable=True)


def undecidable(item: BatchItem, error: Exception) -> Refused:
    """Log the programming error that a decision has raised, and return the refusal of the command."""
    workflow.logger.exception("undecidable")
    return Refused("undecidable", act=item.payload[:200], kind=type(error).__name__)


def pending() -> ApplicationError:
    """Return the answer to an update that came to no end in time."""
    return ApplicationError("pending", "pending", {}, type=PENDING, non_retryable=True)


def answer_to(error: FailureError, item: BatchItem) -> ApplicationError:
    """Return what the client is told of an activity that failed for an update; `item` is what it was about.

    An activity that had no end in time may have done its work: then nothing is refused.
    """
    cause = cause_of(error)
    if cause is None:
        return pending()
    if cause.type == FAILED:
        return refused(Refused("undecidable", act=item.payload[:200], kind=cause.message))
    return cause if cause.type in TOLD else pending()


def cause_of(error: BaseException) -> ApplicationError | None:
    """Return what an activity has raised, None for other errors, such as that it had no end in time.

    A local activity's error comes as it is; one that was tried again until the time was over comes in another.
    """
    inside = error.cause if isinstance(error, ActivityError) else error
    return inside if isinstance(inside, ApplicationError) else None


def is_diverged(error: BaseException) -> bool:
    """Return whether the ledger has other events than those that were folded here."""
    return (cause := cause_of(error)) is not None and cause.message == "diverged"


def is_not_ours(error: BaseException) -> bool:
    """Return whether activities do not answer this workflow."""
    return (cause := cause_of(error)) is not None and cause.type == NOT_OURS


class StreamState:
    """A stream as folded so far: state, rules in force, tip, and the versions of each command's events by id."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.folded = folded(stream)
        self.rules: Edition = NO_RULES
        self.version = 0
        self.digest = bytes(32).hex()
        self.commands: dict[UUID, list[int]] = {}
        self.next_due: datetime | None = None
        self.adoptions: tuple[Adoption, ...] = ()
        """The editions that `rules` is made of."""
        self._editions: dict[str, Edition] = {}
        self._past: list[EventEnvelope[Event]] | None = None
        """The whole history up to `version`, while a correction may need it; None when it is not kept."""

    async def catch_up(self) -> None:
        """Fold all events that the ledger holds after `version`."""
        if not self.version:
            self._past = []  # all of it comes now, so a correction in it need not load it again
        while page := await self._page(self.version, self.digest):
            await self.apply(page)
        self.forget_past()

    def forget_past(self) -> None:
        """Let go of the history: it is kept for one correction, or for one start, and takes memory."""
        self._past = None

    async def apply(self, events: list[EventMessage]) -> None:
        """Fold stored events. Events of other streams, and those folded before, are skipped."""
        has_correction = False
        for event in events:
            body = event.content
            if body.stream != self.stream or body.version <= self.version:
                continue
            has_correction = has_correction or body.type == "ActCorrected"
            envelope = to_envelope(event)
            self.folded.evolve(envelope)
            if self._past is not None:
                self._past.append(envelope)
            self.version, self.digest = body.version, event.digest
            self.commands.setdefault(body.command_id, []).append(body.version)
        if has_correction:
            # Corrected events are left out, which only a fold of the whole history can do.
            self.folded.fold(await self.history())
        if (adoptions := self.folded.adoptions()) != self.adoptions:
            self.rules, self.adoptions = await self.rules_of(adoptions), adoptions
        self.next_due = self.folded.next_due(self.rules)

    async def run_due_timers(self) -> None:
        """Append and fold the commands of the clock that are due."""
        while self.next_due is not None and self.next_due <= self.folded.now(workflow.now()):
            before = self.version
            answer = await locally("run_due_timers", LoadRequest(self.stream, before), AppendAnswer)
            await self.apply(answer.events)
            if self.version == before:
                return  # the database's clock is slightly behind; the main loop tries again

    def speculate(self) -> Speculation:
        """Return a speculation on top of the current state."""
        return Speculation(self)

    async def _page(self, after: int, digest: str) -> list[EventMessage]:
        return await locally("load", LoadRequest(self.stream, after, digest), list[EventMessage])

    async def history(self) -> tuple[EventEnvelope[Event], ...]:
        """Return the whole history, up to the version that is folded here. It is loaded once, and kept for a while."""
        if self._past is None:
            self._past = await self._load_past()
        return tuple(self._past)

    async def _load_past(self) -> list[EventEnvelope[Event]]:
        events: list[EventMessage] = []
        while page := await self._page(*((events[-1].content.version, events[-1].digest) if events else (0, ""))):
            events.extend(page)
        # Later events, appended meanwhile by other writers, are not folded yet.
        return [to_envelope(event) for event in events if event.content.version <= self.version]

    async def rules_of(self, adoptions: tuple[Adoption, ...]) -> Edition:
        """Return the rules in force, after loading the editions that are not loaded yet."""
        for digest in dict.fromkeys(adoption.edition for adoption in adoptions):
            if digest not in self._editions:
                self._editions[digest] = edition_of(await locally("edition", digest, str))
        return in_force(adoptions, self._editions)


class Speculation:
    """Decides commands one after another on top of a stream's state, without changing that state.

    `part` collects the events to append. They count only after the ledger has accepted them.
    """

    def __init__(self, base: StreamState) -> None:
        self._base = base
        self._folded, self._rules, self._adoptions = base.folded.copy(), base.rules, base.adoptions
        self.part = PartMessage(base.stream, base.version, base.digest, [])

    async def decide(self, index: int, item: BatchItem, header: Header, *, is_single: bool) -> None:
        """Decide one more command. `index` is its index in the batch; `is_single` tells that the batch has no other.

        Raises:
            Refused, AlreadyRecorded
        """
        authenticated = authenticate(item, header)
        is_correction = authenticated.command.NAME == "correct"
        if is_correction and not is_single:
            raise Refused("correction_stands_alone")
        history = await self._base.history() if is_correction else ()
        version = self.part.version + len(self.part.events)
        for envelope in self._folded.decide(authenticated, self._rules, version, history):
            self.part.events.append(DraftMessage(index, to_draft(envelope)))
            self._folded.evolve(envelope)
        if (adoptions := self._folded.adoptions()) != self._adoptions:
            self._rules, self._adoptions = await self._base.rules_of(adoptions), adoptions
