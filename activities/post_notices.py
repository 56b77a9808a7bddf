"""Makes the notices of an event and puts them into the mails of their addressees.

Each is in the language of its addressee's account; people without an account get the installation's language. Who did
an act is not told of it. A notice that cannot be made, by a fault of the program or of what is stored, keeps no other
one waiting: it is left out, the outcome says so, and the log says where the error arose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog

from accounts.logins import day_of
from accounts.outgoing import AT_ONCE, Outgoing, WaitingNotice
from accounts.recipients import Recipient, recipients, secretaries
from audit.replay import digests_in
from domain.codec import plain
from domain.due_dates import next_office_hours
from domain.notice_kinds import OVERSEER, Notice
from domain.notices import at_office_hours, notices
from domain.post import NoticeFailed, NoticeGathered, NoticeSkipped
from domain.records import CLOCK, Event, EventEnvelope, Meta
from domain.rules import Edition
from domain.state import State, members_and_organiser
from domain.steps.corrections import ActCorrected
from errors import where
from i18n import _, in_language
from i18n.notices import Circumstances, message_of
from ledger.connection import DATABASE_ERRORS, Pool, is_of_statement
from ledger.events import RecordedEvent
from ledger.mapping import to_envelope
from ledger.protocol import Ledger, load_all
from projections.board_lines import BoardLines
from projections.known_editions import KnownEditions
from projections.stream_states import StreamStates
from vault.persons import Contact, People
from vault.texts import ERASED, Texts

ASKED_MOST = 2
"""How many persons of the secretariat a mail names to somebody without an account."""

log = structlog.get_logger()

PagesOf = Callable[[Notice, str], tuple[str, tuple[str, str] | None]]
"""The whole address of the page that a notice of a cycle leads to; and another act that does the same duty, with the
address of its page, where there is one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a notice at once, and the id under which it is recorded: the same whenever the event is read."""

    event: Event
    id: UUID


@dataclass(frozen=True, slots=True)
class _Cause:
    """The event that notices are about, with the state after it and the rules in force."""

    row: RecordedEvent
    envelope: EventEnvelope[Event]
    state: State
    rules: Edition


class NoticeMaker:
    """Keeps the folded states of the streams from one event to the next. `alive` is called before each notice."""

    def __init__(
        self,
        ledger: Ledger,
        pool: Pool,
        people: People,
        texts: Texts,
        pages_of: PagesOf,
        now: Callable[[], datetime],
        alive: Callable[[], object],
    ) -> None:
        self._ledger, self._pool, self._people, self._texts = ledger, pool, people, texts
        self._pages_of, self._now, self._alive = pages_of, now, alive
        self._outgoing, self._states = Outgoing(pool), StreamStates(ledger)
        self._editions, self._board = KnownEditions(texts), BoardLines(pool)

    async def put(self, row: RecordedEvent) -> list[Outcome]:
        """Put the notices of one event of a cycle into mails; return what came of them at once.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError: the database is at
                fault and not the notice. Then the event is to be read again.
        """
        try:
            envelope, state = to_envelope(row), await self._states.after(row)
            entered_by: dict[int, str] = {}
            if isinstance(envelope.event, ActCorrected):
                entered_by = {one.version: one.unit for one in await load_all(self._ledger, row.stream)}
            rules = await self._editions.in_force(state)
            found = notices(envelope, state, entered_by, rules)
        except Exception as error:  # noqa: BLE001 - `_skipped` logs it, or raises it again
            return [_skipped(row, error)]
        cause, outcomes = _Cause(row, envelope, state, rules), list[Outcome]()
        for notice in found:
            self._alive()
            try:
                outcomes.extend(await self._put(notice, cause))
            except Exception as error:  # noqa: BLE001 - `_skipped` logs it, or raises it again
                outcomes.append(_skipped(row, error, notice))
        return outcomes

    async def _put(self, notice: Notice, cause: _Cause) -> list[Outcome]:
        """Put a notice into the mail of each of its addressees. Those who read the same get a text made once."""
        contacts, actor = await self._contacts(notice, cause.state), cause.envelope.meta.actor
        found = await recipients(self._pool, contacts, day_of(self._now()), but=actor)
        if not found:
            told_already = any(contact.id == actor and contact.email for contact in contacts)
            return [] if told_already else [_no_address(notice, cause.row)]
        alike: dict[tuple[str, bool], list[Recipient]] = {}
        for one in found:
            alike.setdefault((one.language, one.has_account), []).append(one)
        outcomes: list[Outcome] = []
        for readers in alike.values():
            try:
                outcomes.extend(await self._put_alike(notice, cause, readers))
            except Exception as error:  # noqa: BLE001 - `_skipped` logs it, or raises it again
                outcomes.append(_skipped(cause.row, error, notice, readers[0]))
        return outcomes

    async def _put_alike(self, notice: Notice, cause: _Cause, readers: list[Recipient]) -> list[Outcome]:
        """Put a notice into the mails of persons who read the same text."""
        row, state, rules = cause.row, cause.state, cause.rules
        ready_at, rehearsed = row.recorded_at, row.provenance == "rehearsed"
        if at_office_hours(notice, state):
            ready_at = max(ready_at, next_office_hours(ready_at, rules.calendar))
        with in_language(readers[0].language):
            told = await self._circumstances(notice, cause, has_account=readers[0].has_account)
            subject, body = message_of(notice, state, rules, rehearsed=rehearsed, told=told)
        waiting = [
            WaitingNotice(
                one.contact.id,
                row.position,
                notice.NAME,
                notice.to,
                subject,
                body,
                rehearsed,
                one.digest != AT_ONCE,
                row.recorded_at,
                ready_at,
            )
            for one in readers
        ]
        await self._outgoing.put(waiting)
        return [_gathered(one) for one in waiting if one.gathered]

    async def _circumstances(self, notice: Notice, cause: _Cause, *, has_account: bool) -> Circumstances:
        """What the mail says besides the notice, in the language in use."""
        lifecycle, sender = cause.state.lifecycle, await self._sender_of(cause.envelope.meta, cause.state)
        told = Circumstances(
            sender=sender,
            texts=await self._texts.get(digests_in(plain(notice))),
            namesake=await self._board.has_namesake(lifecycle.cluster_name, lifecycle.organiser),
        )
        if has_account:
            page, other = self._pages_of(notice, cause.row.stream)
            return replace(told, page=page, other=other)
        ask = _("You have no account in Sổ Thi Đua. To get one, or to say that this is done, ask {whom}.")
        return replace(told, ask=ask.format(whom=await self._whom_to_ask(cause.state)))

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
        found = await secretaries(self._pool, book, day_of(self._now()))
        persons = [", ".join(filter(None, (one.name, one.phone, one.email))) for one in found[:ASKED_MOST]]
        return "; ".join([organiser, *persons])

    async def _contacts(self, notice: Notice, state: State) -> tuple[Contact, ...]:
        if notice.to != OVERSEER:
            return await self._people.of_unit(notice.to)
        overseer = state.membership.overseer
        found = await self._people.get(overseer.id) if overseer is not None and overseer.id else None
        return (found,) if found else ()


def _skipped(
    row: RecordedEvent, error: Exception, notice: Notice | None = None, reader: Recipient | None = None
) -> Outcome:
    """Log that a notice is left out, to readers like `reader`; without `notice`, all of the event.

    An error of the database that is not the statement's own concerns every notice, and is raised again.
    """
    if isinstance(error, DATABASE_ERRORS) and not is_of_statement(error):
        raise error
    kind, unit = (None, None) if notice is None else (notice.NAME, notice.to)
    name = type(error).__name__
    log.error("notice skipped", position=row.position, kind=kind, unit=unit, error=name, where=where(error))
    like = "" if reader is None else f"{reader.language}/{reader.has_account}"
    return _outcome(NoticeSkipped(position=row.position, kind=kind, unit=unit, error=name), row.position, like)


def _no_address(notice: Notice, row: RecordedEvent) -> Outcome:
    position = row.position
    event = NoticeFailed(position=position, kind=notice.NAME, unit=notice.to, person=None, reason="no_address")
    return _outcome(event, position, "")


def _gathered(notice: WaitingNotice) -> Outcome:
    position, person = notice.position, notice.person
    event = NoticeGathered(position=position, kind=notice.kind, unit=notice.unit, person=person)
    return _outcome(event, position, person)


def _outcome(event: NoticeSkipped | NoticeFailed | NoticeGathered, position: int, to: str) -> Outcome:
    key = f"post/{position}/{event.NAME}/{event.kind or ''}/{event.unit or ''}/{to}"
    return Outcome(event, uuid5(NAMESPACE_URL, key))
