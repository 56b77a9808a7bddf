"""Authentication and the right to read: the login behind a cookie, the form's token, the domain's table of readers.

Every route names the matter that it shows (`reads`, `reads_cycle`). Whether a command may be entered is decided by the
decider.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData

from accounts import Account, Login
from accounts.logins import today
from application.visits import ForbiddenError, VisitedCycle, Visitor, open_cycle
from domain.access import Matter
from domain.streams import cycle_stream
from domain.strengths import Strength
from vault.persons import Contact
from web import urls
from web.cookies import cookie_secret, sent_browser_secret
from web.posted_forms import posted_form
from web.request_checks import is_api
from web.services import Services, get_services

_SEAL_CHARS = 64
MATTERS: dict[Any, Matter] = {}
"""The matter that each dependency guards. A test visits every route with every role and compares with the domain."""


class LoginNeededError(ForbiddenError):
    """The request carries no valid login, or no valid token. HTTP asks for a login by the status 401."""

    def __init__(self, code: str = "login_needed") -> None:
        super().__init__(code)

    @property
    def http_status(self) -> int:
        """See `CodedError`."""
        return 401


class CodeNeededError(ForbiddenError):
    """The visitor is logged in, but must set up one-time codes first."""

    def __init__(self) -> None:
        super().__init__("code_needed")


class OtherPersonsFormError(ForbiddenError):
    """The form was made for another person than the one who is logged in now, in the same browser."""

    def __init__(self) -> None:
        super().__init__("form_of_other_person")


@dataclass(frozen=True, slots=True)
class SentForm:
    """A form that was sent, and the person for whom its page was made; "" for visitors without a login."""

    fields: FormData
    made_for: str


def form_token(secret: str, person: str) -> str:
    """The token of a form that was made for a person ("": without a login), in the browser that holds a secret."""
    return f"{_seal(secret, person)}{person.encode().hex()}"


def _seal(secret: str, person: str) -> str:
    return hmac.new(secret.encode(), b"form\n" + person.encode(), sha256).hexdigest()


def _made_for(secret: str, token: str) -> str | None:
    """The person for whom a form was made; None where the token was not made in this browser."""
    try:
        person = bytes.fromhex(token[_SEAL_CHARS:]).decode()
    except ValueError:
        return None
    fits = secret and hmac.compare_digest(token[:_SEAL_CHARS].encode(), _seal(secret, person).encode())
    return person if fits else None


async def sent_form(request: Request, *, storable: bool = True) -> SentForm:
    """The form that was sent, once its token shows that one of our pages in this browser held it.

    Raises:
        ForbiddenError: `form_not_ours`.
        InputError: as `posted_form`.
    """
    form = await posted_form(request, storable=storable)
    made_for = _made_for(sent_browser_secret(request), str(form.get("_form", "")))
    if made_for is None:
        raise ForbiddenError("form_not_ours")
    request.state.made_for = made_for
    return SentForm(form, made_for)


async def checked_form(request: Request, *, storable: bool = True) -> FormData:
    """The form that was sent, once its token shows that it was made for the visitor.

    `storable`: a form with characters that cannot be stored is refused. A page that shows such a form again, with the
    field that holds them, checks them itself.

    Raises:
        ForbiddenError: `form_not_ours`, or the form was made for another person (`OtherPersonsFormError`).
        InputError: as `posted_form`.
    """
    sent = await sent_form(request, storable=storable)
    if made_for_another(request, sent):
        raise OtherPersonsFormError
    return sent.fields


def made_for_another(request: Request, sent: SentForm) -> bool:
    """Whether the person who is logged in is not the one for whom the form was made."""
    visitor = getattr(request.state, "visitor", None)
    return visitor is not None and visitor.contact.id != sent.made_for


NOT_CARRIED = frozenset({"_form", "_password", "_code", "_new", "_again", "_secret"})
"""Secrets, and what belongs to one page only: these are never written into another page."""


def carried_fields(form: FormData) -> list[tuple[str, str]]:
    """The fields of a form that another page may carry on; a name stands as often as it was sent."""
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name not in NOT_CARRIED]


async def visitor_of(request: Request) -> Visitor | None:
    """The visitor whose login this request's cookie holds; None without one."""
    secret = cookie_secret(request)
    services = get_services(request)
    login = await services.accounts.login(secret, used=not _asks_by_itself(request)) if secret else None
    contact = await services.application.people.get(login.account.person) if login is not None else None
    if login is None or contact is None:
        return None
    absent = None
    if login.stands_in_for is not None and await stands_in(services, contact, login.stands_in_for):
        absent = await services.application.people.get(login.stands_in_for)
    return Visitor(login, contact, absent)


async def require_login(request: Request) -> Visitor:
    """A dependency: a visitor who is logged in, one-time codes or not.

    Raises:
        LoginNeededError
    """
    visitor = await visitor_of(request)
    if visitor is None or _lacks_code(get_services(request), visitor.login):
        raise LoginNeededError
    request.state.visitor = visitor
    return visitor


async def require_strong_login(request: Request) -> Visitor:
    """The visitor, logged in as strongly as their account asks for.

    Raises:
        LoginNeededError, CodeNeededError
    """
    visitor = await require_login(request)
    if needs_code(get_services(request), visitor.login.account):
        raise CodeNeededError
    return visitor


def needs_code(services: Services, account: Account) -> bool:
    """Whether an account must set up one-time codes first: secretariat and administrators, except in rehearsals."""
    return not account.totp and must_have_codes(services, account)


def _lacks_code(services: Services, login: Login) -> bool:
    """Whether a login was opened by a password alone though its account has codes, outside rehearsals."""
    return login.account.totp and login.strength is Strength.PASSWORD and not services.application.rehearsal


def must_have_codes(services: Services, account: Account) -> bool:
    """Whether an account may not be without one-time codes."""
    return not services.application.rehearsal and (account.kind == "secretariat" or account.administrator)


MATTERS[require_login] = Matter.OWN


async def stands_in(services: Services, contact: Contact, for_person: str) -> bool:
    """Whether a person stands in for another today, who is of the same unit and has an account of the same kind."""
    day, absent = today(), await services.application.people.get(for_person)
    named = any(
        one.for_person == for_person and one.since <= day <= one.until
        for one in await services.stand_ins.list(person=contact.id)
    )
    return named and absent is not None and await may_stand_in(services, contact, absent)


async def may_stand_in(services: Services, person: Contact, absent: Contact) -> bool:
    """Whether one person may stand in for another at all: of one unit, with open accounts of one kind."""
    return person in await possible_stand_ins(services, absent, [person])


async def possible_stand_ins(services: Services, absent: Contact, among: Sequence[Contact]) -> list[Contact]:
    """Those of some persons who may stand in for an absent one."""
    day, accounts = today(), await services.accounts.of([absent.id, *(one.id for one in among)])
    own = accounts.get(absent.id)
    if own is None or not own.open_on(day):
        return []
    fitting = {id_ for id_, one in accounts.items() if one.kind == own.kind and one.open_on(day)} - {absent.id}
    return [one for one in among if one.unit == absent.unit and one.id in fitting]


def reads(matter: Matter) -> Callable[[Request], Awaitable[Visitor]]:
    """A dependency: a visitor who may read a matter that belongs to no cycle."""

    async def depend(request: Request) -> Visitor:
        return await reader_of(request, await require_strong_login(request), matter)

    MATTERS[depend] = matter
    return depend


def reads_cycle(matter: Matter, *, again_and_again: bool = False) -> Callable[..., Awaitable[VisitedCycle]]:
    """A dependency: a cycle, opened as `open_cycle` does for a visitor who may read a matter of it."""

    async def depend(request: Request, organiser: str, year: str, cluster: str) -> VisitedCycle:
        visitor = await require_strong_login(request)
        stream = cycle_stream(organiser, year, cluster)
        return await cycle_for(request, visitor, matter, stream, again_and_again=again_and_again)

    MATTERS[depend] = matter
    return depend


async def reader_of(request: Request, visitor: Visitor, matter: Matter) -> Visitor:
    """The visitor, once they may read a matter that belongs to no cycle; auditors' reading is noted.

    Raises:
        ForbiddenError
    """
    if not visitor.may(matter):
        raise ForbiddenError("not_yours_to_read")
    await _note_reading(request, visitor, matter)
    return visitor


async def cycle_for(
    request: Request, visitor: Visitor, matter: Matter, stream: str, *, again_and_again: bool = False
) -> VisitedCycle:
    """A cycle, opened for a visitor who may read a matter of it; auditors' reading is noted.

    Raises:
        InputError, ForbiddenError
    """
    application = get_services(request).application
    cycle = await open_cycle(application, stream, visitor, again_and_again=again_and_again)
    if not cycle.may(matter):
        raise ForbiddenError("not_yours_to_read")
    await _note_reading(request, visitor, matter)
    return cycle


_ASKED_AGAIN = frozenset(
    {urls.VERIFICATION_JOB, urls.NEW_YEAR_JOB, urls.INVITING, urls.GRID_CHANGES, urls.MINUTES_CHANGES}
)
"""Routes that an open page asks again and again, by a script."""


def _asks_by_itself(request: Request) -> bool:
    """Whether an open page asks, and no person: no login lives longer by it, and it was noted the first time.

    The route tells, as anybody can send the header to any page.
    """
    return getattr(request.scope.get("route"), "path", "") in _ASKED_AGAIN and "hx-request" in request.headers


EXPORTS = frozenset(
    {
        urls.ACT_SHEET,
        urls.BOARD_DOWNLOAD,
        urls.COMPARISON_DOWNLOAD,
        urls.CRITERIA_FILE,
        urls.DEVIATIONS_DOWNLOAD,
        urls.EDITION_FILE,
        urls.MOMENT_DOWNLOAD,
        urls.PEOPLE_DOWNLOAD,
        urls.HANDOUT_DOWNLOAD,
        urls.SCORES_DOWNLOAD,
        urls.SCORE_WORKBOOK,
        urls.TASKS_DOWNLOAD,
        urls.TIMELINE_DOWNLOAD,
        urls.YEAR_SCORES,
        urls.VERIFICATION_RESULT,
    }
)
"""Routes whose answers are files of what the register holds. That of a template holds nothing of it."""

_SEARCH_OF_API = "/search"


def _exports(request: Request, matter: Matter) -> bool:
    """Whether the answer leaves the register: as a file, or to a program. What is the holder's own does not count."""
    route = getattr(request.scope.get("route"), "path", "")
    if is_api(request.scope):
        return request.method == "GET" and (matter is not Matter.OWN or route == _SEARCH_OF_API)
    return route in EXPORTS


async def _note_reading(request: Request, visitor: Visitor, matter: Matter) -> None:
    """Write into the read log what an auditor reads, and what anybody takes out."""
    exported = _exports(request, matter)
    if getattr(request.scope.get("route"), "path", "") in {urls.FILE, urls.FILE_PREVIEW, urls.FILE_PAGE}:
        return  # noted once it is known that the visitor gets it
    if (exported or visitor.login.account.kind == "auditor") and not _asks_by_itself(request):
        await get_services(request).read_log.add(visitor.contact.id, matter.value, request.url.path, exported=exported)


async def note_file(request: Request, visitor: Visitor, digest: str, *, exported: bool) -> None:
    """Write into the read log that the visitor gets a file, or, if the visitor is an auditor, looks at it."""
    if not exported and visitor.login.account.kind != "auditor":
        return
    # A file's name is part of its event; who reads the log need not be a reader of the event.
    path = f"{urls.FILES}/{digest}"
    await get_services(request).read_log.add(visitor.contact.id, Matter.OWN.value, path, exported=exported)
