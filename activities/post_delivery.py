"""Sends the mails of the post: one mail for one person with all that waits, tried again where a recipient is refused.

A mail server that is away stops all mails, a recipient that is refused for now delays only their own mail. The outcome
of each mail is noted at once, then recorded in the post's stream under the mail's id, so nothing is recorded twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from accounts.logins import day_of
from accounts.outgoing import AT_ONCE, SENT, FirstWaiting, Outgoing, OutgoingMail
from accounts.recipients import recipients
from domain.post import DigestFailed, DigestSent, NoticeFailed, NoticeSent, NoticeUnknown, digest_due
from domain.records import Event
from i18n import in_language
from i18n.notices import gathered
from ledger.connection import Pool
from mail import DeferredError, Mailer, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from mail.messages import compose, message_id
from vault.persons import People

MAILS_AT_ONCE = 20
"""Mails of a round. Between two rounds the ledger is read on."""

NOTICES_IN_MAIL = 200
"""The most notices of a mail; the others are in the next one. The outcomes of this many fit into one append."""

GATHER_S = 30.0
"""Seconds for which the first notice waits for more: the clock reminds in all clusters at the same time."""

AWAY_S = 10.0
"""Seconds until the next try when the mail server is away."""

log = structlog.get_logger()

Record = Callable[[list[Event], UUID], Awaitable[bool]]
"""Records events in the post's stream under an id; False when another worker has recorded first."""


class Delivery:
    """The mails of an installation. `record` records their outcomes, `alive` is called before each mail."""

    def __init__(
        self,
        pool: Pool,
        people: People,
        mailer: Mailer,
        sender: str,
        now: Callable[[], datetime],
        record: Record,
        alive: Callable[[], None],
    ) -> None:
        self._pool, self._people, self._mailer, self._sender = pool, people, mailer, sender
        self._now, self._record, self._alive = now, record, alive
        self._outgoing = Outgoing(pool)
        self._away_until: datetime | None = None

    async def round(self) -> bool:
        """Form the mails that are due, send some, record the outcomes. False when nothing came of it."""
        now = self._now()
        for first in await self._outgoing.first_waiting(now):
            if _due(first) <= now and (notices := await self._outgoing.waiting(first.person, now, NOTICES_IN_MAIL)):
                log.debug("mail formed", person=first.person, notices=len(notices))
                await self._outgoing.form(notices, now)
        if self._away_until is not None and now < self._away_until:
            return False
        worked = False
        for mail in await self._outgoing.due(now, MAILS_AT_ONCE):
            self._alive()
            try:
                worked |= await self._deliver(mail)
            except MailServerAwayError as error:
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
            log.info("mail deferred", person=mail.person, tries=mail.tries, reason=str(error), unknown=unknown)
            if await self._outgoing.later(mail, self._now(), unknown=unknown):
                return False
            outcome = str(error)[:200] or "deferred"
        except UndeliverableError as error:
            outcome = str(error)[:200] or "refused"
        await self._outgoing.settle(mail.id, outcome)
        return True

    async def _send(self, mail: OutgoingMail) -> None:
        """Send a mail to its person's address of now.

        Raises:
            MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError
        """
        now, contact = self._now(), await self._people.get(mail.person)
        found = await recipients(self._pool, [contact] if contact is not None else [], day_of(now))
        if not found or not mail.notices:
            raise UndeliverableError("no_address")
        with in_language(found[0].language):
            subject, text = gathered([(notice.subject, notice.body) for notice in mail.notices])
        try:
            message = compose(
                sender=self._sender, to=found[0].address, subject=subject, text=text, identity=mail.id, at=now
            )
        except Exception as error:  # email raises many types for bad addresses; others get their mail
            raise UndeliverableError("bad_address") from error
        await self._mailer.send(message)

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


def _due(first: FirstWaiting) -> datetime:
    """When the mail of a person is sent. People who no longer want a daily or weekly mail get what waits now."""
    if first.digest == AT_ONCE:
        return first.at + timedelta(seconds=GATHER_S)
    return digest_due(first.at, first.digest)
