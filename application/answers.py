"""What became of a signed batch, as the ledger tells it: the one place where a submission gets its answer.

The engine's word is believed only where it refuses. "Recorded" is said when the ledger holds every command of the batch
with the same payload and unit, often before the engine has answered; "recorded before" when the ledger holds them from
an earlier signature, or when the decision on what it holds says so. ADR 16 tells why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from application.engine import ANSWER_DEADLINE_S, EngineClient, PendingError, RefusedError
from application.work import of_many
from domain.codec import UnknownEventError
from domain.records import AlreadyRecorded, Refused
from domain.rules import Adoption, Edition
from domain.streams import folded, is_year
from errors import CodedError
from i18n.messages import SENTENCES
from ledger.connection import is_lost, is_overloaded
from ledger.mapping import authenticate, to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import load_all
from ledger.receipts import CommandOutcome, FailedOpening, Receipt
from ledger.recorded import POLL_S, Standing
from ledger.signing import BatchItem, Header, SignedBatch

LOOK_S = 5.0
"""How long the ledger is asked for what the engine has said before the answer is "pending"."""

CLOSING_S = 1.0
"""How long updates that still run are waited for when the process ends."""

_SUBMISSIONS = Counter(
    "thidua_submissions",
    "Batches of acts that this process has submitted: recorded, or the code of the error",
    ("outcome",),
)
_SECONDS = Histogram(
    "thidua_submission_seconds",
    "Time until the ledger's answer to a batch of acts",
    buckets=(0.02, 0.05, 0.1, 0.15, 0.3, 1, 3, 10, 30),
)

log = structlog.get_logger()


class Answers:
    """The answers to an installation's submissions. `rules` returns the edition that follows from adoptions."""

    def __init__(self, ledger: PostgresLedger, rules: Callable[[Sequence[Adoption]], Awaitable[Edition]]) -> None:
        self._ledger, self._rules = ledger, rules
        self._running: set[asyncio.Task[Receipt]] = set()

    async def submit(
        self, client: EngineClient, stream: str, batch: SignedBatch, *, to_the_end: bool = False
    ) -> Receipt:
        """Submit a batch to a stream's workflow, and return what the ledger holds of it as soon as it holds all of it.

        The update goes on without us then. With `to_the_end`, it is waited for: until the clock, too, has done what is
        due after the commands.

        Raises:
            RefusedError: the engine refuses it; or `command_reused`: the ledger holds a command with other content.
            PendingError: neither engine nor ledger have told in time, or the engine says more than the ledger holds.
            UnreachableError: the engine does not answer, and nothing was sent.
            Diverged, UnreadableRowError: see `ledger.protocol`.
        """
        outcome = "failed"
        try:
            with _SECONDS.time():
                receipt = await self._submit(client, stream, batch, to_the_end=to_the_end)
            outcome = "recorded"
        except CodedError as error:
            # The engine names the code of a refusal, and a foreign one can name any.
            outcome = error.code if error.code in SENTENCES else "other"
            raise
        finally:
            _SUBMISSIONS.labels(outcome).inc()
        return receipt

    async def _submit(self, client: EngineClient, stream: str, batch: SignedBatch, *, to_the_end: bool) -> Receipt:
        clock = asyncio.get_running_loop().time
        deadline = clock() + ANSWER_DEADLINE_S
        with self._ledger.recorded.waiting(batch) as standing:
            update = asyncio.create_task(client.submit(stream, batch))
            self._running.add(update)
            update.add_done_callback(self._ended)
            first: set[asyncio.Future[Any]] = {update} if to_the_end else {update, standing.decided}
            try:
                await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                update.cancel()
                raise
        if update.done():
            said = _said(update, batch)
            wait_until = clock() + LOOK_S if isinstance(said, BaseException) else max(deadline, clock() + LOOK_S)
            is_told = await self._look(standing, wait_until, once=isinstance(said, BaseException))
        else:
            said, is_told = Receipt([]), True
        return await self._answer(stream, standing, said, is_told=is_told)

    async def settle(self, wait_s: float) -> None:
        """Wait until the updates that run now have ended, but not longer than so many seconds."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=wait_s)

    async def close(self, wait_s: float = CLOSING_S) -> None:
        """Let updates that still run come to their end, and let go of those that do not."""
        await self.settle(wait_s)
        left = set(self._running)
        for update in left:
            update.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _ended(self, update: asyncio.Task[Receipt]) -> None:
        """Let go of an update. An error of one that nobody waits for any more changes nothing."""
        self._running.discard(update)
        if not update.cancelled():
            update.exception()

    async def _look(self, standing: Standing, until: float, *, once: bool) -> bool:
        """Look at the ledger, while it is away again and again. Returns whether it has told."""
        while True:
            try:
                async with asyncio.timeout_at(until):
                    await self._ledger.recorded.look(standing)
            except Exception as error:
                if not (is_lost(error) or is_overloaded(error)):
                    raise
                if once or asyncio.get_running_loop().time() >= until:
                    return False
                await asyncio.sleep(POLL_S)
            else:
                return True

    async def _answer(
        self, stream: str, standing: Standing, said: Receipt | BaseException, *, is_told: bool
    ) -> Receipt:
        """Combine what the ledger holds with what the engine has said."""
        batch = standing.batch
        for index, item in enumerate(batch.items):
            if item.command_id in standing.reused and not _is_opening(stream, item):
                raise RefusedError("command_reused", {"command": str(item.command_id)}, index)
        if not standing.missing and not standing.reused:
            return Receipt([standing.outcomes[item.command_id] for item in batch.items])
        if isinstance(said, BaseException):
            raise said
        if not is_told:
            raise _pending(batch)
        failed = {one.stream: one for one in said.failed}
        for item in batch.items:
            if item.command_id in standing.reused:
                facts = {"command": str(item.command_id)}
                failed[item.stream] = FailedOpening(item.stream, "command_reused", facts)
        outcomes = standing.outcomes | await self._recorded_before(stream, standing)
        unknown = [
            item
            for item in batch.items
            if item.command_id not in outcomes and not (_is_opening(stream, item) and item.stream in failed)
        ]
        if unknown:
            commands = [str(item.command_id) for item in unknown]
            log.error("the engine says more than the ledger holds", stream=stream, commands=commands)
            raise _pending(batch)
        found = [outcomes[item.command_id] for item in batch.items if item.command_id in outcomes]
        gone = {item.stream for item in batch.items if item.command_id in outcomes}
        return Receipt(found, [one for one in failed.values() if one.stream not in gone])

    async def _recorded_before(self, stream: str, standing: Standing) -> dict[UUID, CommandOutcome]:
        """Return the commands that stand nowhere because what they say is recorded already, or leads to no event.

        They are decided again, on what the ledger held before the batch.
        """
        items = [item for item in standing.batch.items if not _is_opening(stream, item)]
        streams = dict.fromkeys(item.stream for item in items if item.command_id not in standing.outcomes)
        found: dict[UUID, CommandOutcome] = {}
        for one in streams:
            of_stream = [item for item in items if item.stream == one]
            found |= await self._decide_again(one, of_stream, standing)
        return found

    async def _decide_again(
        self, stream: str, items: Sequence[BatchItem], standing: Standing
    ) -> dict[UUID, CommandOutcome]:
        header, outcomes = Header.parse(standing.batch.header), standing.outcomes
        rows, state = await load_all(self._ledger, stream), folded(stream)
        new = [outcomes[item.command_id] for item in items if item.command_id in outcomes]
        first = min((one.versions[0] for one in new if not one.known), default=len(rows) + 1)
        try:
            envelopes = await of_many(first, lambda: [to_envelope(row) for row in rows if row.version < first])
        except (UnknownEventError, ValueError):  # a row was changed; verification tells of it
            return {}
        await of_many(len(envelopes), state.fold, envelopes)
        found: dict[UUID, CommandOutcome] = {}
        for item in items:
            if (outcome := outcomes.get(item.command_id)) is not None and outcome.known:
                continue
            try:
                decided = state.decide(
                    authenticate(item, header), await self._rules(state.adoptions()), len(envelopes), tuple(envelopes)
                )
            except AlreadyRecorded as earlier:
                found[item.command_id] = CommandOutcome(item.command_id, [earlier.version], known=True)
                continue
            except Refused:
                break
            if not decided:
                found[item.command_id] = CommandOutcome(item.command_id, [])
            for envelope in decided:
                envelopes.append(envelope)
                state.evolve(envelope)
        return found


def _said(update: asyncio.Task[Receipt], batch: SignedBatch) -> Receipt | BaseException:
    """What the engine has answered, or why not."""
    if update.cancelled():
        return _pending(batch)
    return update.exception() or update.result()


def _is_opening(stream: str, item: BatchItem) -> bool:
    """Whether an item opens a cycle of a year, so that others of its batch can be recorded without it."""
    return is_year(stream) and item.stream != stream


def _pending(batch: SignedBatch) -> PendingError:
    return PendingError(str(batch.items[0].command_id))
