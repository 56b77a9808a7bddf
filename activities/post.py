"""The activity of the post: reads the ledger on, puts notices into the mails of their addressees, and has these sent.

Each mail is in the language of its addressee's account; people without an account get the installation's language. Who
did an act is not told of it. A mail server that is away stops the mails, no cycle, and not the reading.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from temporalio import activity

from accounts.logins import day_of
from accounts.outgoing import AT_ONCE, Outgoing, WaitingNotice
from accounts.recipients import Recipient, recipients, secretaries
from activities.post_delivery import Delivery
from audit.replay import digests_in
from domain.codec import plain
from domain.due_dates import next_office_hours
from domain.installation import POST_STREAM
from domain.notice_kinds import OVERSEER, Notice
from domain.notices import at_office_hours, notices
from domain.post import NoticeFailed, NoticeGathered, PostAdvanced, cursor
from domain.records import CLOCK, Event, EventEnvelope, Meta
from domain.rules import Edition
from domain.state import State, members_and_organiser
from domain.steps.corrections import ActCorrected
from domain.streams import is_cycle
from domain.times import When
from domain.types import Provenance
from i18n import _, in_language
from i18n.notices import Circumstances, message_of
from ledger.events import RecordedEvent, StreamTip
from ledger.mapping import to_draft, to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Behind, Part, load_all
from mail import Mailer
from projections.board_lines import BoardLines
from projections.known_editions import KnownEditions
from projections.stream_states import StreamStates
from vault.persons import Contact, People
from vault.texts import ERASED, Texts

PAGE = 50
"""Rows of a round. What comes of this many rows fits into one append, for large clusters, too."""

WAIT_S = 30.0
HEARTBEAT_S = 5.0
PAUSE_S = 0.2
"""Seconds to wait after a round, so that events caused together are dealt with in one round."""

ASKED_MOST = 2
"""How many persons of the secretariat a mail names to somebody without an account."""

log = structlog.get_logger()


class PostActivities:
    """Registered on a worker; keeps the folded states of the streams between rounds.

    `pages_of` returns the whole address of the page that a notice of a cycle leads to; and another act that does the
    same duty, with the address of its page, where there is one.
    """

    def __init__(
        self,
        ledger: PostgresLedger,
        people: People,
        texts: Texts,
        mailer: Mailer,
        sender: str,
        pages_of: Callable[[Notice, str], tuple[str, tuple[str, str] | None]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger, self._people, self._texts, self._pages_of = ledger, people, texts, pages_of
        self._now, self._outgoing = now, Outgoing(ledger.pool)
        self._delivery = Delivery(ledger.pool, people, mailer, sender, now, self._record_mail, activity.heartbeat)
        self._states = StreamStates(ledger)
        self._editions, self._board = KnownEditions(texts), BoardLines(ledger.pool)
        self._tip: StreamTip | None = None
        self._position = 0

    @activity.defn(name="deliver")
    async def deliver(self) -> int:
        """Deliver what is outstanding, and wait up to 30 s for more. Returns 1 when something was delivered."""
        wake = asyncio.Event()
        ending = asyncio.create_task(activity.wait_for_worker_shutdown())
        ending.add_done_callback(lambda _task: wake.set())
        try:
            return await self._run_rounds(wake)
        finally:
            ending.cancel()

    async def _run_rounds(self, wake: asyncio.Event) -> int:
        """Run rounds for 30 s: an activity for every act would cost the server more than the act itself."""
        sent = 0
        end = asyncio.get_running_loop().time() + WAIT_S
        async with self._ledger.notices(wake.set):
            if self._tip is None:
                await self._open()
            while asyncio.get_running_loop().time() < end and not activity.is_worker_shutdown():
                wake.clear()
                activity.heartbeat()
                if await self._round() | await self._delivery.round():
                    sent = 1
                    await asyncio.sleep(PAUSE_S)
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), HEARTBEAT_S)
        return sent

    async def _open(self) -> None:
        # Every round ends with `PostAdvanced`, so the last event has the position.
        last = await self._ledger.last(POST_STREAM)
        self._position = cursor(to_envelope(last)) if last is not None else 0
        self._tip = last.tip if last is not None else StreamTip()

    async def _round(self) -> bool:
        """Deal with one page of the ledger. False when it had only the post's own events."""
        page = await self._ledger.read(self._position, PAGE)
        if not page:
            return False
        last = page[-1]
        if all(row.stream == POST_STREAM for row in page):
            self._position = last.position
            return False
        events: list[Event] = []
        for row in page:
            activity.heartbeat()
            if is_cycle(row.stream):
                events.extend(await self._notify(row))
        await self._record([*events, PostAdvanced(position=last.position)], last.recorded_at)
        return True

    async def _notify(self, row: RecordedEvent) -> list[Event]:
        """Put the notices of one event into mails; returns what came of it at once."""
        envelope, state = to_envelope(row), await self._states.after(row)
        entered_by: dict[int, str] = {}
        if isinstance(envelope.event, ActCorrected):
            entered_by = {one.version: one.unit for one in await load_all(self._ledger, row.stream)}
        rules, outcomes = await self._editions.in_force(state), list[Event]()
        for notice in notices(envelope, state, entered_by, rules):
            outcomes.extend(await self._tell(row, envelope, notice, state, rules))
        return outcomes

    async def _tell(
        self, row: RecordedEvent, envelope: EventEnvelope[Event], notice: Notice, state: State, rules: Edition
    ) -> list[Event]:
        """Put a notice into the mail of each of its addressees."""
        contacts, actor = await self._contacts(notice, state), envelope.meta.actor
        common = {"position": row.position, "kind": notice.NAME, "unit": notice.to}
        found = await recipients(self._ledger.pool, contacts, day_of(self._now()), but=actor)
        if not found:
            told_already = any(contact.id == actor and contact.email for contact in contacts)
            return [] if told_already else [NoticeFailed(**common, person=None, reason="no_address")]
        ready_at, rehearsed = row.recorded_at, row.provenance == "rehearsed"
        if at_office_hours(notice, state):
            ready_at = max(ready_at, next_office_hours(ready_at, rules.calendar))
        outcomes: list[Event] = []
        for one in found:
            with in_language(one.language):
                told = await self._circumstances(envelope, notice, state, row.stream, one)
                subject, body = message_of(notice, state, rules, rehearsed=rehearsed, told=told)
            gathered, person = one.digest != AT_ONCE, one.contact.id
            await self._outgoing.put(
                WaitingNotice(
                    person,
                    row.position,
                    notice.NAME,
                    notice.to,
                    subject,
                    body,
                    rehearsed,
                    gathered,
                    row.recorded_at,
                    ready_at,
                )
            )
            if gathered:
                outcomes.append(NoticeGathered(**common, person=person))
        return outcomes

    async def _circumstances(
        self, envelope: EventEnvelope[Event], notice: Notice, state: State, stream: str, to: Recipient
    ) -> Circumstances:
        """What the mail says besides the notice, in the language in use."""
        lifecycle, sender = state.lifecycle, await self._sender_of(envelope.meta, state)
        told = Circumstances(
            sender=sender,
            texts=await self._texts.get(digests_in(plain(notice))),
            namesake=await self._board.has_namesake(lifecycle.cluster_name, lifecycle.organiser),
        )
        if to.has_account:
            page, other = self._pages_of(notice, stream)
            return replace(told, page=page, other=other)
        ask = _("You have no account in Sổ Thi Đua. To get one, or to say that this is done, ask {whom}.")
        return replace(told, ask=ask.format(whom=await self._whom_to_ask(state)))

    async def _sender_of(self, meta: Meta, state: State) -> str:
        """Who asks, in words: a unit; for the secretariat also the person, who can be asked."""
        lifecycle = state.lifecycle
        if meta.actor == CLOCK:
            text = _("{unit} (reminded by the register, as the deadlines say)")
            return text.format(unit=lifecycle.organiser_name)
        unit = members_and_organiser(state).get(meta.unit, "")
        person = await self._people.get(meta.actor) if meta.unit == lifecycle.organiser else None
        named = person.name if person is not None and person.name != ERASED else ""
        return " - ".join(filter(None, (named, unit)))

    async def _whom_to_ask(self, state: State) -> str:
        """The secretariat of the organiser: names, telephone numbers, mail addresses."""
        book, organiser = await self._people.of_unit(state.lifecycle.organiser), state.lifecycle.organiser_name
        found = await secretaries(self._ledger.pool, book, day_of(self._now()))
        persons = [", ".join(filter(None, (one.name, one.phone, one.email))) for one in found[:ASKED_MOST]]
        return "; ".join([organiser, *persons])

    async def _contacts(self, notice: Notice, state: State) -> tuple[Contact, ...]:
        if notice.to != OVERSEER:
            return await self._people.of_unit(notice.to)
        overseer = state.membership.overseer
        found = await self._people.get(overseer.id) if overseer is not None and overseer.id else None
        return (found,) if found else ()

    async def _record_mail(self, events: list[Event], mail: UUID) -> bool:
        """Record the outcome of a mail under its id."""
        return await self._record([*events, PostAdvanced(position=self._position)], self._now(), mail)

    async def _record(self, events: list[Event], now: datetime, command: UUID | None = None) -> bool:
        """Record events in the post's own stream, unsigned. What is recorded under the same id already stays.

        False when another worker has recorded first: then the round is repeated, and sends nothing twice.
        """
        if self._tip is None:
            return False
        command = command or uuid5(NAMESPACE_URL, f"post/{self._tip.version}/{self._tip.digest.hex()}")
        drafts = tuple(
            to_draft(EventEnvelope(event, _meta(self._tip.version + n, command, now)), None)
            for n, event in enumerate(events, start=1)
        )
        answer = await self._ledger.append(Append((Part(POST_STREAM, self._tip, drafts),)))
        if isinstance(answer, Behind):
            # Another worker delivers, too: go on from its last position.
            await self._open()
            return False
        if answer.known:
            await self._open()
            return True
        self._tip = answer.events[-1].tip
        last = events[-1]
        self._position = last.position if isinstance(last, PostAdvanced) else self._position
        return True


def _meta(version: int, command: UUID, now: datetime) -> Meta:
    return Meta(version, "post", "", When.at(now), Provenance(kind="stated"), command)
