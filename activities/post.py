"""The post's round: read the ledger on, work out who is to be told, hand messages to a mailer, record what came of it.

At least once: a round that was cut off is repeated, with the same message ids. A dead mail server stops the post and
no cycle.
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

from accounts.digests import Digests, Waiting
from domain.cycle import State
from domain.installation import POST_STREAM
from domain.notices import OVERSEER, Notice, notices
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
from domain.streams import is_cycle
from domain.types import Event, EventEnvelope, Meta, Provenance, When
from i18n import _
from i18n.messages import message_of
from ledger.events import RecordedEvent, StreamTip
from ledger.mapping import to_draft, to_envelope
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Behind, Part
from mail import DeferredError, Mailer, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from projections.stream_states import StreamStates
from vault.persons import Contact, People

PAGE = 50
"""Rows of a round: with notices to every unit of a large cluster they still fit one append."""

WAIT_S = 30.0
HEARTBEAT_S = 5.0
GATHER_S = 0.2
"""What happens in one breath is recorded as one round."""

AWAY_S = 10.0
DIGESTS_S = 60.0
"""How often it is looked whether a digest is due."""

DEFERRALS = 5

log = structlog.get_logger()


class PostActivities:
    """Registered on a worker; keeps what it has folded so far."""

    def __init__(
        self,
        ledger: PostgresLedger,
        people: People,
        mailer: Mailer,
        sender: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger, self._people, self._mailer, self._sender = ledger, people, mailer, sender
        self._digests, self._now, self._looked = Digests(ledger.pool), now, 0.0
        self._states = StreamStates(ledger)
        self._tip: StreamTip | None = None
        self._position = 0
        self._taken: set[str] = set()
        self._tries: dict[str, int] = {}
        self._unknown: set[str] = set()

    @activity.defn(name="deliver")
    async def deliver(self) -> int:
        """Deliver what is owed; wait a while when nothing is. Returns 1 when something was."""
        wake = asyncio.Event()
        ending = asyncio.create_task(activity.wait_for_worker_shutdown())
        ending.add_done_callback(lambda _task: wake.set())
        try:
            return await self._rounds(wake)
        finally:
            ending.cancel()

    async def _rounds(self, wake: asyncio.Event) -> int:
        """Rounds for a while in one activity: one for every act would cost the server more than the act itself."""
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
                    await asyncio.sleep(GATHER_S)
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), HEARTBEAT_S)
        return sent

    async def _open(self) -> None:
        # Every round ends with how far it came, so the last event says it.
        last = await self._ledger.last(POST_STREAM)
        self._position = cursor(to_envelope(last)) if last is not None else 0
        self._tip = last.tip if last is not None else StreamTip()

    async def _round(self) -> bool:
        """One page of the ledger. False when there was nothing but our own events."""
        page = await self._ledger.read(self._position, PAGE)
        if not page:
            return False
        events: list[Event] = []
        for row in page:
            if row.stream != POST_STREAM:
                try:
                    events.extend(await self._tell(row))
                except MailServerAwayError as error:
                    log.warning("mailer away", reason=str(error), position=row.position)
                    # Nothing new is nothing to record: a mail server may be away for days.
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
            for kept in (self._taken, self._tries, self._unknown):
                kept.clear()
        return True

    async def _tell(self, row: RecordedEvent) -> list[Event]:
        if not is_cycle(row.stream):
            return []
        told, state = to_envelope(row), await self._states.after(row)
        recorded: list[Event] = []
        for notice in notices(told, state):
            recorded.extend(await self._send(row, notice, state))
        return recorded

    async def _send(self, row: RecordedEvent, notice: Notice, state: State) -> list[Event]:
        contacts = await self._contacts(notice, state)
        common = {"position": row.position, "kind": notice.kind, "unit": notice.to}
        reachable = [contact for contact in contacts if contact.email]
        if not reachable:
            return [NoticeFailed(**common, person=None, reason="no_address")]
        recorded: list[Event] = []
        rehearsed = row.provenance == "rehearsed"
        gathered = await self._digests.wanted(contact.id for contact in reachable)
        for contact in reachable:
            activity.heartbeat()
            if contact.id in gathered:
                await self._gather(row, notice, state, contact)
                recorded.append(NoticeGathered(**common, person=contact.id))
                continue
            message = self._message(row, notice, state, contact)
            if not _addressed(message, contact):
                recorded.append(NoticeFailed(**common, person=contact.id, reason="bad_address"))
                continue
            recorded.extend(await self._given(message, {**common, "person": contact.id}, rehearsed=rehearsed))
        return recorded

    async def _given(self, message: EmailMessage, common: dict[str, Any], *, rehearsed: bool) -> list[Event]:
        """Give a message to the mailer; what came of it.

        Raises:
            MailServerAwayError: as `_hand_over`.
        """
        message_id = str(message["Message-ID"])
        last: Event = NoticeSent(**common, message_id=message_id, rehearsed=rehearsed)
        try:
            if message_id not in self._taken:
                await self._hand_over(message, message_id)
        except UndeliverableError as error:
            last = NoticeFailed(**common, reason=str(error)[:200])
        except UnknownOutcomeError:
            self._unknown.add(message_id)
            try:
                await self._hand_over(message, message_id)
            except (UnknownOutcomeError, UndeliverableError) as again:
                raise MailServerAwayError(str(again)) from again
        # It may have come twice, or once although it failed in the end.
        return [NoticeUnknown(**common, message_id=message_id), last] if message_id in self._unknown else [last]

    async def _gather(self, row: RecordedEvent, notice: Notice, state: State, contact: Contact) -> None:
        """Let a notice wait for its addressee's digest."""
        subject, body = message_of(notice, state, row.stream, rehearsed=row.provenance == "rehearsed")
        await self._digests.put(
            Waiting(contact.id, row.position, notice.kind, notice.to, subject, body, row.recorded_at)
        )

    async def _digest_round(self) -> bool:
        """Send the digests whose time has come. False when there was none."""
        clock = asyncio.get_running_loop().time()
        if clock - self._looked < DIGESTS_S:
            return False
        self._looked = clock
        waiting = await self._digests.waiting()
        modes, events = await self._digests.wanted(waiting), list[Event]()
        for person, items in waiting.items():
            # Who has changed their mind meanwhile gets what waits at once.
            if digest_due(items[0].at, modes.get(person, "each")) > self._now() and person in modes:
                continue
            try:
                events.append(await self._send_digest(person, items))
            except (MailServerAwayError, UnknownOutcomeError) as error:
                log.warning("mailer away", reason=str(error), digest=person)
                self._looked = 0.0  # soon again, under the same message id
                break
        if not events:
            return False
        await self._record([*events, PostAdvanced(position=self._position)], self._now())
        for event in events:
            if isinstance(event, (DigestSent, DigestFailed)):
                await self._digests.sent(event.person, event.position)
        return True

    async def _send_digest(self, person: str, items: list[Waiting]) -> Event:
        contact, last = await self._people.get(person), items[-1].position
        if contact is None or not contact.email:
            return DigestFailed(person=person, position=last, reason="no_address")
        message = EmailMessage()
        message["From"] = self._sender
        if not _addressed(message, contact):
            return DigestFailed(person=person, position=last, reason="bad_address")
        message["Subject"] = _("Sổ Thi Đua: {count} notices").format(count=len(items))
        name = f"{person}/{items[0].position}/{last}/{len(items)}"
        message["Message-ID"] = f"<{uuid5(NAMESPACE_URL, f'digest/{name}')}@thidua>"
        message["Date"] = items[-1].at
        message.set_content("\n\n".join(f"{n}. {one.subject}\n\n{one.body}" for n, one in enumerate(items, start=1)))
        try:
            await self._hand_over(message, str(message["Message-ID"]))
        except UndeliverableError as error:
            return DigestFailed(person=person, position=last, reason=str(error)[:200])
        return DigestSent(person=person, position=last, notices=len(items), message_id=str(message["Message-ID"]))

    async def _hand_over(self, message: EmailMessage, message_id: str) -> None:
        """Give a message to the mailer, once while this worker lives.

        Raises:
            MailServerAwayError: now is no time; the round is repeated, without those who have theirs.
            UndeliverableError: for good, or deferred too often.
        """
        try:
            await self._mailer.send(message)
        except DeferredError as error:
            self._tries[message_id] = self._tries.get(message_id, 0) + 1
            if self._tries[message_id] >= DEFERRALS:
                raise UndeliverableError(str(error)) from error
            raise MailServerAwayError(str(error)) from error
        self._taken.add(message_id)

    async def _contacts(self, notice: Notice, state: State) -> tuple[Contact, ...]:
        if notice.to != OVERSEER:
            return await self._people.of_unit(notice.to)
        overseer = state.membership.overseer
        found = await self._people.get(overseer.id) if overseer is not None and overseer.id else None
        return (found,) if found else ()

    def _message(self, row: RecordedEvent, notice: Notice, state: State, contact: Contact) -> EmailMessage:
        subject, body = message_of(notice, state, row.stream, rehearsed=row.provenance == "rehearsed")
        message = EmailMessage()
        message["From"] = self._sender
        message["Subject"] = subject
        message["Message-ID"] = f"<{_message_uuid(row, notice, contact)}@thidua>"
        message["Date"] = row.recorded_at
        message.set_content(body)
        return message

    async def _record(self, events: list[Event], now: datetime) -> bool:
        """Record a round. Deliveries are unsigned; they stand in the post's own stream only.

        False when another worker was first: then the rows are told again, without those who have theirs.
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
            # Another worker delivers, too: read on from what it recorded.
            self._tip = None
            await self._open()
            return False
        self._tip = answer.events[-1].tip
        last = events[-1]
        self._position = last.position if isinstance(last, PostAdvanced) else self._position
        return True


def _addressed(message: EmailMessage, contact: Contact) -> bool:
    """Put the addressee on a message; False when there can be no such address."""
    try:
        message["To"] = contact.email or ""
    except Exception:  # noqa: BLE001 - the library raises whatever an address runs it into; nobody else waits for it
        return False
    return True


def _meta(version: int, command: UUID, now: datetime) -> Meta:
    return Meta(version, "post", "", When.at(now), Provenance(kind="stated"), command)


def _message_uuid(row: RecordedEvent, notice: Notice, contact: Contact) -> UUID:
    return uuid5(NAMESPACE_URL, f"{row.digest.hex()}/{notice.kind}/{notice.to}/{contact.id}")
