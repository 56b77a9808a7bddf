"""Who is asking, and whether they may: the login behind a cookie, the form's token, the domain's tables of rights.

Every route names the matter it shows (`reads`, `reads_cycle`); what is acted is decided by the law itself.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData

from accounts import Account, Login
from domain.access import Matter, Reader, may_read, readers
from domain.cycle import State, members_and_organiser
from domain.rules import Edition
from domain.steps.lifecycle import business_now
from domain.streams import cycle_stream, decider_of
from domain.types import Event, EventEnvelope
from errors import CodedError, Kind, NotFoundError
from ledger.events import RecordedEvent
from vault.persons import Contact
from web.services import Services, services

COOKIE = "thidua"
MATTERS: dict[Any, Matter] = {}
"""What each dependency guards: a test visits every route with every role and compares with the domain's table."""


class ForbiddenError(CodedError):
    """This person may not see or do it, or the form was not one of ours."""

    kind = Kind.FORBIDDEN


class LoginNeededError(ForbiddenError):
    """The request carries no valid login, or no valid token. Its status is 401: HTTP asks to log in by that."""

    def __init__(self, code: str = "login_needed") -> None:
        super().__init__(code)

    @property
    def http_status(self) -> int:
        """See `CodedError`."""
        return 401


class CodeNeededError(ForbiddenError):
    """Logged in, but one-time codes must be set up first."""

    def __init__(self) -> None:
        super().__init__("code_needed")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is logged in. `contact` is who acts; `absent` whom they stand in for."""

    login: Login
    secret: str
    contact: Contact
    absent: Contact | None = None

    @property
    def unit(self) -> str:
        """The unit that is spoken for."""
        return self.contact.unit if self.absent is None else self.absent.unit

    @property
    def signs_as(self) -> Contact:
        """Who a command names as its actor: the person themselves, for the unit that is spoken for."""
        one = self.contact
        return Contact(one.id, self.unit, one.name, one.office, one.email, one.phone, one.commitment)

    def readers(self, stream: str | None = None, state: State | None = None) -> frozenset[Reader]:
        """What they are to what they want to read."""
        account = self.login.account
        return readers(
            self.contact.id, self.unit, account.kind, administrator=account.administrator, stream=stream, state=state
        )

    def may(self, matter: Matter, stream: str | None = None, state: State | None = None) -> bool:
        """Whether they may read it."""
        return may_read(matter, self.readers(stream, state))


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle as somebody looks at it: its rows, what they tell, the state now."""

    stream: str
    history: tuple[tuple[RecordedEvent, EventEnvelope[Event]], ...]
    state: State
    rules: Edition
    names: Mapping[str, str]
    visitor: Visitor

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/cum/{self.stream}"

    @property
    def now(self) -> datetime:
        """What time it is in it."""
        return business_now(self.state.lifecycle, datetime.now(UTC))

    @property
    def readers(self) -> frozenset[Reader]:
        """What the visitor is to it."""
        return self.visitor.readers(self.stream, self.state)

    def may(self, matter: Matter) -> bool:
        """Whether the visitor may read a matter of it."""
        return may_read(matter, self.readers)


def form_token(secret: str) -> str:
    """What a form must carry that was made for the holder of a cookie."""
    return hmac.new(secret.encode(), b"form", sha256).hexdigest()


async def checked_form(request: Request) -> FormData:
    """The form that was sent, after its token fitted the cookie.

    Raises:
        ForbiddenError
    """
    # A score sheet of a large edition has thousands of fields.
    form = await request.form(max_fields=10_000, max_files=500)
    secret = request.cookies.get(COOKIE, "")
    given = str(form.get("_form", "")).encode()
    if not secret or not hmac.compare_digest(given, form_token(secret).encode()):
        raise ForbiddenError("form_not_ours")
    return form


NOT_CARRIED = frozenset({"_form", "_password", "_code", "_new", "_again", "_secret"})
"""Secrets and what belongs to one page only: never written into another page."""


def what_was_typed(form: FormData) -> list[tuple[str, str]]:
    """The fields of a form that may stand in another page, those of one name as often as they were sent."""
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name not in NOT_CARRIED]


async def visitor_of(request: Request) -> Visitor | None:
    """Who is logged in with this request's cookie."""
    secret = request.cookies.get(COOKIE, "")
    work = services(request)
    login = await work.accounts.login(secret) if secret else None
    contact = await work.office.people.get(login.account.person) if login is not None else None
    if login is None or contact is None:
        return None
    absent = None
    if login.stands_in_for is not None and await stands_in(work, contact.id, login.stands_in_for):
        absent = await work.office.people.get(login.stands_in_for)
    return Visitor(login, secret, contact, absent)


async def require_strong_login(request: Request) -> Visitor:
    """Who is logged in, as strongly as they must be.

    Raises:
        LoginNeededError, CodeNeededError
    """
    visitor = await visitor_of(request)
    if visitor is None:
        raise LoginNeededError
    request.state.visitor = visitor
    if needs_code(services(request), visitor.login.account):
        raise CodeNeededError
    return visitor


def needs_code(work: Services, account: Account) -> bool:
    """Whether somebody must set up one-time codes first: the secretariat and administrators, outside rehearsals."""
    return not work.office.rehearsal and not account.totp and (account.kind == "secretariat" or account.administrator)


async def require_login(request: Request) -> Visitor:
    """A dependency: somebody who is logged in, however weakly.

    Raises:
        LoginNeededError
    """
    visitor = await visitor_of(request)
    if visitor is None:
        raise LoginNeededError
    request.state.visitor = visitor
    return visitor


MATTERS[require_login] = Matter.OWN


async def stands_in(work: Services, person: str, for_person: str) -> bool:
    """Whether somebody stands in for somebody today."""
    day, account = today(), await work.accounts.get(for_person)
    return (
        account is not None
        and account.open_on(day)
        and any(
            one.for_person == for_person and one.since <= day <= one.until
            for one in await work.stand_ins.list(person=person)
        )
    )


def today() -> date:
    """The day in Việt Nam."""
    return (datetime.now(UTC) + timedelta(hours=7)).date()


def reads(matter: Matter) -> Callable[[Request], Awaitable[Visitor]]:
    """A dependency: somebody who may read a matter that belongs to no cycle."""

    async def depend(request: Request) -> Visitor:
        visitor = await require_strong_login(request)
        if not visitor.may(matter):
            raise ForbiddenError("not_yours_to_read")
        await note_reading(request, visitor, matter)
        return visitor

    MATTERS[depend] = matter
    return depend


def reads_cycle(matter: Matter) -> Callable[..., Awaitable[Cycle]]:
    """A dependency: a cycle, opened for somebody who may read a matter of it."""

    async def depend(request: Request, organiser: str, year: str, cluster: str) -> Cycle:
        visitor = await require_strong_login(request)
        cycle = await open_cycle(services(request), cycle_stream(organiser, year, cluster), visitor)
        if not cycle.may(matter):
            raise ForbiddenError("not_yours_to_read")
        await note_reading(request, visitor, matter)
        return cycle

    MATTERS[depend] = matter
    return depend


async def open_cycle(work: Services, stream: str, visitor: Visitor) -> Cycle:
    """A cycle as somebody looks at it.

    Raises:
        NotFoundError: there is none.
    """
    if stream.count("/") != 2:  # noqa: PLR2004 - organiser, cycle, cluster
        raise NotFoundError("no_such_cycle", cycle=stream)
    history = await work.office.history(stream)
    decider = decider_of(stream)
    state: Any = decider.fold(told for _row, told in history)
    rules = await work.office.rules(decider.edition(state))
    people = await work.office.people.names(_persons(state))
    return Cycle(stream, history, state, rules, {**people, **members_and_organiser(state)}, visitor)


def _persons(state: State) -> set[str]:
    """Persons whom pages of a cycle name."""
    meetings = [held.event for held in state.meetings.values()]
    voices = [
        *(one.by for one in state.comments.comments.values()),
        *state.signing.witnesses,
        *(one for told in meetings for one in (*told.chairs, *told.present, *told.guests, *told.unclear)),
        *(one for told in meetings for one in (told.opened_by, told.concluded_by) if one is not None),
    ]
    found = {one.person.id for one in voices if one.person is not None}
    if state.membership.overseer is not None:
        found.add(state.membership.overseer.id)
    return {one for one in found if one is not None}


async def note_reading(request: Request, visitor: Visitor, matter: Matter) -> None:
    """Write down what an auditor reads."""
    # A page that asks how far something is comes again and again; it was noted the first time.
    if visitor.login.account.kind == "auditor" and "hx-request" not in request.headers:
        await services(request).read_log.add(visitor.contact.id, matter.value, request.url.path)
