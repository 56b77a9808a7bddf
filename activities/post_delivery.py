"""Sends the mails of the post: one mail for one person with all that waits, tried again where a recipient is refused.

A mail server that is away stops all mails, a recipient that is refused for now delays only their own mail. The outcome
of each mail is noted at once, then recorded in the post's stream under the mail's id, so nothing is recorded twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import structlog
from prometheus_client import Counter

from accounts.logins import day_of
from accounts.outgoing import AT_ONCE, LEASE, SENT, FirstWaiting, Outgoing, OutgoingMail
from accounts.recipients import recipients
from domain.post import DigestFailed, DigestSent, NoticeFailed, NoticeSent, NoticeUnknown, digest_due
from domain.records import Event
from errors import where
from i18n import in_language
from i18n.notices import gathered
from ledger.connection import DATABASE_ERRORS, Pool, is_of_statement
from mail import DeferredError, Mailer, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from mail.messages import compose, message_id, raw
from vault.persons import People

MAILS_AT_ONCE = 20
"""Mails of a round. Between two rounds the ledger is read on."""

NOTICES_IN_MAIL = 200
"""The most notices of a mail; the others are in the next one. The outcomes of this many fit into one append."""

GATHER_S = 30.0
"""Seconds for which the first notice waits for more: the clock reminds in all clusters at the same time."""

AWAY_S = 10.0
"""Seconds until the next try when the mail server is away."""

BEAT_S = 5.0
"""Seconds between two signs of life while a mail server takes its time."""

NOTE_PAUSE_S = 0.5
"""Seconds until the outcome of a mail is noted again when the database did not take it."""

_MAILS = Counter("thidua_mails", "Mails that were tried, by what became of them", ("outcome",))

log = structlog.get_logger()

Record = Callable[[list[Event], UUID], Awaitable[bool]]
"""Records events in the post's stream under an id; False when another worker has recorded first."""


class Delivery:
    """The mails of an installation. `record` records their outcomes.

    `goes_on` is called before each mail, and while one is sent; when it says False, no other one is begun.
    """

    def __init__(
        self,
        pool: Pool,
        people: People,
        mailer: Mailer,
        sender: str,
        now: Callable[[], datetime],
        goes_on: Callable[[], bool],
        record: Record,
    ) -> None:
        self._pool, self._people, self._mailer, self._sender = pool, people, mailer, sender
        self._now, self._record, self._goes_on = now, record, goes_on
        self._outgoing = Outgoing(pool)
        self._away_until: datetime | None = None

    async def round(self) -> bool:
        """Form the mails that are due, send some, record the outcomes. False when nothing came of it."""
        now = self._now()
        for first in await self._outgoing.first_waiting(now):
            self._goes_on()
            if _due(first) <= now and (notices := await self._outgoing.waiting(first.person, now, NOTICES_IN_MAIL)):
                log.debug("mail formed", person=first.person, notices=len(notices))
                await self._outgoing.form(notices, now)
        if self._away_until is not None and now < self._away_until:
            return False
        worked = False
        for mail in await self._outgoing.due(now, MAILS_AT_ONCE):
            if not self._goes_on():
                break
            try:
                worked |= await self._deliver(mail)
            except MailServerAwayError as error:
                _MAILS.labels("server_away").inc()
                log.warning("mail server away", reason=str(error))
                self._away_until = self._now() + timedelta(seconds=AWAY_S)
                break
        return worked

    async def _deliver(self, mail: UUID) -> bool:
        """Try a mail whose time has come, and record its outcome. False when it stays as it is.

        Raises:
            MailServerAwayError
        """
        taken = await self._outgoing.take(mail, self._now())
        if taken is not None and not await self._try(taken):
            return False
        settled = await self._outgoing.settled(mail)
        if settled is None or not await self._record(self._outcomes(settled), settled.id):
            return False
        await self._outgoing.close(mail, self._now())
        return True

    async def _try(self, mail: OutgoingMail) -> bool:
        """Send a mail; True when it has an outcome.

        Raises:
            MailServerAwayError
        """
        outcome = SENT
        try:
            await self._send(mail)
        except MailServerAwayError:
            await self._outgoing.untried(mail, self._now())
            raise
        except (DeferredError, UnknownOutcomeError) as error:
            unknown = isinstance(error, UnknownOutcomeError)
            _MAILS.labels("unknown" if unknown else "deferred").inc()
            log.info("mail deferred", person=mail.person, tries=mail.tries, reason=str(error), unknown=unknown)
            if await self._outgoing.later(mail, self._now(), unknown=unknown):
                return False
            outcome = _reason(error) or "deferred"
        except UndeliverableError as error:
            outcome = _reason(error) or "refused"
        _MAILS.labels("sent" if outcome == SENT else "failed").inc()
        await self._settle(mail, outcome)
        return True

    async def _settle(self, mail: OutgoingMail, outcome: str) -> None:
        """Note the outcome of a mail. A database that is away is waited for: without the note it is sent again."""
        clock = asyncio.get_running_loop().time
        end = clock() + LEASE.total_seconds() / 2
        while True:
            try:
                return await self._outgoing.settle(mail.id, outcome)
            except DATABASE_ERRORS as error:
                if is_of_statement(error) or clock() > end:
                    raise
                log.warning("outcome of a mail waits", mail=str(mail.id), reason=type(error).__name__)
            self._goes_on()
            await asyncio.sleep(NOTE_PAUSE_S)

    async def _send(self, mail: OutgoingMail) -> None:
        """Send a mail to its person's address of now.

        Raises:
            MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError
        """
        now, contact = self._now(), await self._people.get(mail.person)
        found = await recipients(self._pool, [contact] if contact is not None else [], day_of(now))
        if not found or not mail.notices:
            raise UndeliverableError("no_address")
        sender, address = self._sender, found[0].address
        try:
            with in_language(found[0].language):
                subject, text = gathered([(notice.subject, notice.body) for notice in mail.notices])
            message = compose(sender=sender, to=address, subject=subject, text=text, identity=mail.id, at=now)
            raw(message, utf8=not address.isascii())
        except Exception as error:  # email raises many types for bad addresses; others get their mail
            log.warning("mail not written", person=mail.person, error=type(error).__name__, where=where(error))
            raise UndeliverableError("bad_address") from error
        await self._hand_over(message)

    async def _hand_over(self, message: EmailMessage) -> None:
        """Give a message to the mailer, and show meanwhile that this goes on: a mail server may take minutes.

        Raises:
            MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError
        """
        sending = asyncio.ensure_future(self._mailer.send(message))
        try:
            while not (await asyncio.wait({sending}, timeout=BEAT_S))[0]:
                self._goes_on()
            sending.result()
        except (MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError):
            raise
        except Exception as error:
            # A mistake of ours stops this mail alone. How far it came is not known.
            # Without the text, which may hold an address.
            log.error("mail not sent", error=type(error).__name__, where=where(error))  # noqa: TRY400
            raise UnknownOutcomeError(type(error).__name__) from error
        finally:
            sending.cancel()

    def _outcomes(self, mail: OutgoingMail) -> list[Event]:
        """The events that tell the outcome of a mail."""
        events: list[Event] = []
        sent_as = message_id(mail.id, self._sender)
        for notice in mail.notices:
            if notice.gathered:
                continue
            common = {"position": notice.position, "kind": notice.kind, "unit": notice.unit, "person": mail.person}
            if mail.unknown:  # the mail may have arrived twice, or once although the last try failed
                events.append(NoticeUnknown(**common, message_id=sent_as))
            if mail.outcome == SENT:
                events.append(NoticeSent(**common, message_id=sent_as, rehearsed=notice.rehearsed))
            else:
                events.append(NoticeFailed(**common, reason=mail.outcome or ""))
        if digest := [notice for notice in mail.notices if notice.gathered]:
            last = digest[-1].position
            if mail.outcome == SENT:
                events.append(DigestSent(person=mail.person, position=last, notices=len(digest), message_id=sent_as))
            else:
                events.append(DigestFailed(person=mail.person, position=last, reason=mail.outcome or ""))
        return events


def _reason(error: Exception) -> str:
    """What an error says, as far as it can be stored."""
    return "".join(filter(str.isprintable, str(error)))[:200]


def _due(first: FirstWaiting) -> datetime:
    """When the mail of a person is sent. People who no longer want a daily or weekly mail get what waits now."""
    if first.digest == AT_ONCE:
        return first.at + timedelta(seconds=GATHER_S)
    return digest_due(first.at, first.digest)
