"""The activity of the post: reads the ledger on, has the notices of its events put into mails, and has these sent.

A mail server that is away stops the mails, no cycle, and not the reading. What came of the notices is appended in
parts, so that their number has no limit. A worker that is killed between two parts reads the event again; what stands
in the ledger then is not recorded again, and what waits for a mail or was sent is not put in again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from temporalio import activity

from activities.post_delivery import Delivery, Record
from activities.post_notices import NoticeMaker, Outcome, PagesOf
from domain.codec import UnknownEventError
from domain.installation import POST_STREAM
from domain.post import PostAdvanced, cursor
from domain.records import Event, EventEnvelope, Meta
from domain.streams import is_cycle
from domain.times import When
from domain.types import Provenance
from ledger.events import RecordedEvent, StreamTip
from ledger.mapping import to_draft, to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Behind, Part
from mail import Mailer
from vault.persons import People
from vault.texts import Texts

PAGE = 50
"""Rows of a round."""

EVENTS_IN_PART = 500
"""The most outcomes of one append. Acts wait for the ledger's lock while it runs, so it is far below what may be."""

POST_PAGE = 100
"""Rows that are read together where the last event of the post cannot be read."""

WAIT_S = 30.0
HEARTBEAT_S = 5.0
PAUSE_S = 0.2
"""Seconds to wait after a round, so that events caused together are dealt with in one round."""

log = structlog.get_logger()


class PostActivities:
    """Registered on a worker."""

    def __init__(
        self,
        ledger: PostgresLedger,
        people: People,
        texts: Texts,
        mailer: Mailer,
        sender: str,
        pages_of: PagesOf,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger, self._now = ledger, now
        self._notices = NoticeMaker(ledger, ledger.pool, people, texts, pages_of, now, _goes_on)
        self._delivery = partial(Delivery, ledger.pool, people, mailer, sender, now, _goes_on)

    @activity.defn(name="deliver")
    async def deliver(self) -> int:
        """Deliver what is outstanding, and wait up to 30 s for more. Returns 1 when something was delivered."""
        wake = asyncio.Event()
        ending = asyncio.create_task(activity.wait_for_worker_shutdown())
        ending.add_done_callback(lambda _task: wake.set())
        try:
            async with self._ledger.notices(wake.set):
                return int(await self.new_run().run(wake))
        finally:
            ending.cancel()

    def new_run(self) -> PostRun:
        """Return what one call of the activity does."""
        return PostRun(self._ledger, self._notices, self._delivery, self._now)


class PostRun:
    """One call of the activity: its rounds, and where it stands in the ledger.

    Two calls may overlap, in two workers or in one whose sign of life came late. The slower one is `Behind`.
    """

    def __init__(
        self,
        ledger: PostgresLedger,
        notices: NoticeMaker,
        delivery: Callable[[Record], Delivery],
        now: Callable[[], datetime],
    ) -> None:
        self._ledger, self._notices, self._now = ledger, notices, now
        self._delivery = delivery(self._record_mail)
        self._tip, self._position = StreamTip(), 0

    async def run(self, wake: asyncio.Event) -> bool:
        """Run rounds for 30 s: an activity for every act would cost the server more than the act itself.

        True when something was delivered.
        """
        sent, clock = False, asyncio.get_running_loop().time
        end = clock() + WAIT_S
        await self.open()
        while clock() < end and _goes_on():
            wake.clear()
            if await self.round() | await self._delivery.round():
                sent = True
                await asyncio.sleep(PAUSE_S)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), HEARTBEAT_S)
        return sent

    async def open(self) -> None:
        """Go on from the last position that the ledger has. Every append of the post ends with one."""
        last = await self._ledger.last(POST_STREAM)
        self._tip = last.tip if last is not None else StreamTip()
        self._position = _position_in(last) or await self._position_below(self._tip.version)

    async def _position_below(self, version: int) -> int:
        """Return the last position that the post's stream tells below a version, past rows that cannot be read.

        Beginning again with the first event would mail what was mailed long ago.
        """
        while version > 1:
            first = max(0, version - 1 - POST_PAGE)
            rows = await self._ledger.load(POST_STREAM, first)
            for row in reversed([row for row in rows if row.version < version]):
                if position := _position_in(row):
                    log.warning("post goes on from an earlier event", version=row.version, position=position)
                    return position
            version = first + 1
        return 0

    async def round(self) -> bool:
        """Deal with one page of the ledger. False when it has nothing but the post's own events any more."""
        while page := await self._ledger.read(self._position, PAGE):
            if any(row.stream != POST_STREAM for row in page):
                break
            self._position = page[-1].position
            _goes_on()
        else:
            return False
        outcomes, done, at = list[Outcome](), self._position, page[0].recorded_at
        for row in page:
            if not _goes_on():
                break
            if is_cycle(row.stream):
                outcomes.extend(await self._unrecorded(await self._notices.put(row)))
            while len(outcomes) > EVENTS_IN_PART:
                # Outcomes of this row remain, so it is not done yet.
                if not await self._record_outcomes(outcomes[:EVENTS_IN_PART], done, row.recorded_at):
                    return True
                del outcomes[:EVENTS_IN_PART]
            done, at = row.position, row.recorded_at
        if done > self._position:
            await self._record_outcomes(outcomes, done, at)
        return True

    async def _unrecorded(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Return those outcomes that the ledger has not. A worker that ended amid an event has left some."""
        if not outcomes:
            return []
        known = await self._ledger.of_commands([(POST_STREAM, outcome.id) for outcome in outcomes])
        ids = {row.command_id for row in known}
        return [outcome for outcome in outcomes if outcome.id not in ids]

    async def _record_outcomes(self, outcomes: list[Outcome], position: int, now: datetime) -> bool:
        """Record outcomes, and how far the ledger was read. See `_record`."""
        advanced = uuid5(NAMESPACE_URL, f"post/{self._tip.version}/{self._tip.digest.hex()}")
        return await self._record([(outcome.event, outcome.id) for outcome in outcomes], position, advanced, now)

    async def _record_mail(self, events: list[Event], mail: UUID) -> bool:
        """Record the outcome of a mail under its id."""
        return await self._record([(event, mail) for event in events], self._position, mail, self._now())

    async def _record(self, events: list[tuple[Event, UUID]], position: int, command: UUID, now: datetime) -> bool:
        """Record events in the post's own stream, each under its id, then under `command` how far the ledger was read.

        They are unsigned. What is recorded under the same ids already stays. False when another worker has recorded
        first: then the round is repeated, and sends nothing twice.
        """
        told = [*events, (PostAdvanced(position=position), command)]
        drafts = tuple(
            to_draft(EventEnvelope(event, _meta(self._tip.version + n, id_, now)), None)
            for n, (event, id_) in enumerate(told, start=1)
        )
        answer = await self._ledger.append(Append((Part(POST_STREAM, self._tip, drafts),)))
        if isinstance(answer, Behind):
            # Another worker delivers, too: go on from its last position.
            await self.open()
            return False
        if answer.known:
            await self.open()
        else:
            self._tip, self._position = answer.events[-1].tip, position
        return True


def _goes_on() -> bool:
    """Tell Temporal that the activity is alive. False when its worker ends: then no new piece of work is begun."""
    activity.heartbeat()
    return not activity.is_worker_shutdown()


def _position_in(row: RecordedEvent | None) -> int:
    """Return up to which position the ledger was read, as an event of the post says; 0 when it does not say."""
    try:
        return cursor(to_envelope(row)) if row is not None else 0
    except (UnknownEventError, ValueError):
        return 0


def _meta(version: int, command: UUID, now: datetime) -> Meta:
    return Meta(version, "post", "", When.at(now), Provenance(kind="stated"), command)
