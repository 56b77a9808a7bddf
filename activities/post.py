"""The activity of the post: reads the ledger on, makes the notices' mails, sends them and records the outcomes.

Each mail is in the language of its addressee's account; people without an account get the installation's language.
Delivery is at least once: a round that was cut off is repeated with the same message ids. A mail server that is away
stops the post and no cycle.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from temporalio import activity

from accounts.digests import AT_ONCE, Digests, MailPreferences, Waiting
from audit.replay import digests_in
from domain.codec import plain
from domain.installation import POST_STREAM
from domain.notice_kinds import OVERSEER, Notice
from domain.notices import notices
from domain.post import (
    DigestFailed,
    DigestSent,
    NoticeFailed,
    NoticeGathered,
    NoticeSent,
    NoticeUnknown,
    PostAdvanced,
    cursor,
    digest_due,
)
from domain.records import Event, EventEnvelope, Meta
from domain.state import State
from domain.steps.corrections import ActCorrected
from domain.streams import is_cycle
from domain.times import When
from domain.types import Provenance
from i18n import in_language, installation_language, ngettext
from i18n.notices import message_of
from ledger.events import RecordedEvent, StreamTip
from ledger.mapping import to_draft, to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Behind, Part, load_all
from mail import DeferredError, Mailer, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from projections.board_lines import BoardLines
from projections.known_editions import KnownEditions
from projections.stream_states import StreamStates
from vault.persons import Contact, People
from vault.texts import Texts

PAGE = 50
"""Rows of a round. The deliveries of this many rows fit into one append, for large clusters, too."""

WAIT_S = 30.0
HEARTBEAT_S = 5.0
PAUSE_S = 0.2
"""Seconds to wait after a round, so that events caused together are dealt with in one round."""

AWAY_S = 10.0
"""Seconds until the next try when the mail server is away."""

DIGESTS_S = 60.0
"""Seconds between two looks for digests that are due."""

DEFERRALS = 5
"""After so many deferrals a message counts as undeliverable."""

log = structlog.get_logger()


class PostActivities:
    """Registered on a worker; keeps the folded states of the streams between rounds."""

    def __init__(
        self,
        ledger: PostgresLedger,
        people: People,
        mailer: Mailer,
        sender: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger, self._people, self._mailer, self._sender = ledger, people, mailer, sender
        self._digests, self._now, self._digests_checked = Digests(ledger.pool), now, 0.0
        self._states, self._texts = StreamStates(ledger), Texts(ledger.pool)
        self._board, self._editions = BoardLines(ledger.pool), KnownEditions(self._texts)
        self._tip: StreamTip | None = None
        self._position = 0
        # By message id, of the rounds that are not recorded yet:
        self._sent: set[str] = set()
        self._deferrals: dict[str, int] = {}
        self._unknown: set[str] = set()

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
                if await self._digest_round() | await self._round():
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
        events: list[Event] = []
        for row in page:
            if row.stream != POST_STREAM:
                try:
                    events.extend(await self._notify(row))
                except MailServerAwayError as error:
                    log.warning("mail server away", reason=str(error), position=row.position)
                    # Record only progress: a mail server may be away for days.
                    if events or row.position - 1 > self._position:
                        await self._record([*events, PostAdvanced(position=row.position - 1)], row.recorded_at)
                    await asyncio.sleep(AWAY_S)
                    return True
            activity.heartbeat()
        last = page[-1]
        if all(row.stream == POST_STREAM for row in page):
            self._position = last.position
            return False
        if await self._record([*events, PostAdvanced(position=last.position)], last.recorded_at):
            for kept in (self._sent, self._deferrals, self._unknown):
                kept.clear()
        return True

    async def _notify(self, row: RecordedEvent) -> list[Event]:
        """Send the notices of one event; returns the outcomes."""
        if not is_cycle(row.stream):
            return []
        envelope, state = to_envelope(row), await self._states.after(row)
        entered_by: dict[int, str] = {}
        if isinstance(envelope.event, ActCorrected):
            entered_by = {one.version: one.unit for one in await load_all(self._ledger, row.stream)}
        outcomes: list[Event] = []
        for notice in notices(envelope, state, entered_by):
            outcomes.extend(await self._deliver_notice(row, notice, state))
        return outcomes

    async def _deliver_notice(self, row: RecordedEvent, notice: Notice, state: State) -> list[Event]:
        """Send a notice to each of its addressees, or put it into their digests."""
        contacts = await self._contacts(notice, state)
        common = {"position": row.position, "kind": notice.NAME, "unit": notice.to}
        reachable = [contact for contact in contacts if contact.email]
        if not reachable:
            return [NoticeFailed(**common, person=None, reason="no_address")]
        outcomes: list[Event] = []
        rehearsed = row.provenance == "rehearsed"
        texts = await self._texts.get(digests_in(plain(notice)))
        preferences = await self._digests.preferences(contact.id for contact in reachable)
        rules, organiser = await self._editions.in_force(state), state.lifecycle.organiser
        namesake = await self._board.has_namesake(state.lifecycle.cluster_name, organiser)
        for contact in reachable:
            activity.heartbeat()
            wishes = preferences.get(contact.id) or _without_account()
            with in_language(wishes.language):
                subject, body = message_of(notice, state, rules, rehearsed=rehearsed, namesake=namesake, texts=texts)
            if wishes.digest != AT_ONCE:
                await self._digests.put(
                    Waiting(contact.id, row.position, notice.NAME, notice.to, subject, body, row.recorded_at)
                )
                outcomes.append(NoticeGathered(**common, person=contact.id))
                continue
            message = self._message(row, notice, contact, subject, body)
            if not _set_recipient(message, contact):
                outcomes.append(NoticeFailed(**common, person=contact.id, reason="bad_address"))
                continue
            outcomes.extend(await self._send_notice(message, {**common, "person": contact.id}, rehearsed=rehearsed))
        return outcomes

    async def _send_notice(self, message: EmailMessage, common: dict[str, Any], *, rehearsed: bool) -> list[Event]:
        """Send the mail of a notice; returns the outcome.

        Raises:
            MailServerAwayError: as `_send`.
        """
        message_id = str(message["Message-ID"])
        outcome: Event = NoticeSent(**common, message_id=message_id, rehearsed=rehearsed)
        try:
            if message_id not in self._sent:
                await self._send(message, message_id)
        except UndeliverableError as error:
            outcome = NoticeFailed(**common, reason=str(error)[:200])
        except UnknownOutcomeError:
            self._unknown.add(message_id)
            try:
                await self._send(message, message_id)
            except (UnknownOutcomeError, UndeliverableError) as again:
                raise MailServerAwayError(str(again)) from again
        # The mail may have arrived twice, or once although the last try failed.
        return [NoticeUnknown(**common, message_id=message_id), outcome] if message_id in self._unknown else [outcome]

    async def _digest_round(self) -> bool:
        """Send the digests that are due. False when there was none."""
        clock = asyncio.get_running_loop().time()
        if clock - self._digests_checked < DIGESTS_S:
            return False
        self._digests_checked = clock
        waiting = await self._digests.waiting()
        preferences, events = await self._digests.preferences(waiting), list[Event]()
        for person, items in waiting.items():
            wishes = preferences.get(person) or _without_account()
            # People who no longer want a digest get the waiting notices now.
            if wishes.digest != AT_ONCE and digest_due(items[0].at, wishes.digest) > self._now():
                continue
            try:
                events.append(await self._send_digest(person, wishes.language, items))
            except (MailServerAwayError, UnknownOutcomeError) as error:
                log.warning("mail server away", reason=str(error), digest=person)
                self._digests_checked = 0.0  # try again soon, under the same message id
                break
        if not events:
            return False
        await self._record([*events, PostAdvanced(position=self._position)], self._now())
        for event in events:
            if isinstance(event, (DigestSent, DigestFailed)):
                await self._digests.sent(event.person, event.position)
        return True

    async def _send_digest(self, person: str, language: str, items: list[Waiting]) -> Event:
        contact, last = await self._people.get(person), items[-1].position
        if contact is None or not contact.email:
            return DigestFailed(person=person, position=last, reason="no_address")
        message = EmailMessage()
        message["From"] = self._sender
        if not _set_recipient(message, contact):
            return DigestFailed(person=person, position=last, reason="bad_address")
        with in_language(language):
            subject = ngettext("Sổ Thi Đua: {count} notice", "Sổ Thi Đua: {count} notices", len(items))
        message["Subject"] = subject.format(count=len(items))
        name = f"{person}/{items[0].position}/{last}/{len(items)}"
        message["Message-ID"] = f"<{uuid5(NAMESPACE_URL, f'digest/{name}')}@thidua>"
        message["Date"] = items[-1].at
        message.set_content("\n\n".join(f"{n}. {one.subject}\n\n{one.body}" for n, one in enumerate(items, start=1)))
        try:
            await self._send(message, str(message["Message-ID"]))
        except UndeliverableError as error:
            return DigestFailed(person=person, position=last, reason=str(error)[:200])
        return DigestSent(person=person, position=last, notices=len(items), message_id=str(message["Message-ID"]))

    async def _send(self, message: EmailMessage, message_id: str) -> None:
        """Send a message, and note that it is sent: a repeated round of this worker does not send it again.

        Raises:
            MailServerAwayError: the round must be repeated later.
            UndeliverableError: refused for good, or deferred too often.
            UnknownOutcomeError
        """
        try:
            await self._mailer.send(message)
        except DeferredError as error:
            self._deferrals[message_id] = self._deferrals.get(message_id, 0) + 1
            if self._deferrals[message_id] >= DEFERRALS:
                raise UndeliverableError(str(error)) from error
            raise MailServerAwayError(str(error)) from error
        self._sent.add(message_id)

    async def _contacts(self, notice: Notice, state: State) -> tuple[Contact, ...]:
        if notice.to != OVERSEER:
            return await self._people.of_unit(notice.to)
        overseer = state.membership.overseer
        found = await self._people.get(overseer.id) if overseer is not None and overseer.id else None
        return (found,) if found else ()

    def _message(self, row: RecordedEvent, notice: Notice, contact: Contact, subject: str, body: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["Subject"] = subject
        message["Message-ID"] = f"<{_message_uuid(row, notice, contact)}@thidua>"
        message["Date"] = row.recorded_at
        message.set_content(body)
        return message

    async def _record(self, events: list[Event], now: datetime) -> bool:
        """Record a round in the post's own stream, unsigned.

        False when another worker has recorded first: then the round is repeated without the messages that are sent.
        """
        if self._tip is None:
            return False
        command = uuid5(NAMESPACE_URL, f"post/{self._tip.version}/{self._tip.digest.hex()}")
        drafts = tuple(
            to_draft(EventEnvelope(event, _meta(self._tip.version + n, command, now)), None)
            for n, event in enumerate(events, start=1)
        )
        answer = await self._ledger.append(Append((Part(POST_STREAM, self._tip, drafts),)))
        if isinstance(answer, Behind):
            # Another worker delivers, too: go on from its last position.
            self._tip = None
            await self._open()
            return False
        self._tip = answer.events[-1].tip
        last = events[-1]
        self._position = last.position if isinstance(last, PostAdvanced) else self._position
        return True


def _without_account() -> MailPreferences:
    """The preferences of people without an account."""
    return MailPreferences(installation_language(), AT_ONCE)


def _set_recipient(message: EmailMessage, contact: Contact) -> bool:
    """Set the recipient of a message; False when the address is not valid."""
    try:
        message["To"] = contact.email or ""
    except Exception:  # noqa: BLE001 - email raises many types for bad addresses; the other addressees get their mail
        return False
    return True


def _meta(version: int, command: UUID, now: datetime) -> Meta:
    return Meta(version, "post", "", When.at(now), Provenance(kind="stated"), command)


def _message_uuid(row: RecordedEvent, notice: Notice, contact: Contact) -> UUID:
    return uuid5(NAMESPACE_URL, f"{row.digest.hex()}/{notice.NAME}/{notice.to}/{contact.id}")
