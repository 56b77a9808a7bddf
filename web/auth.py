"""Authentication and the right to read: the login behind a cookie, the form's token, the domain's table of readers.

Every route names the matter that it shows (`reads`, `reads_cycle`). Whether a command may be entered is decided by the
decider.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from accounts import Account
from application.visits import ForbiddenError, VisitedCycle, Visitor, open_cycle
from application.work import beside
from domain.access import Matter
from domain.streams import cycle_stream
from domain.times import ICT
from errors import QuotaError
from web import quotas
from web.services import Services, get_services

COOKIE = "thidua"
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


def cookie_secret(request: Request) -> str:
    """The secret of the login, or of the forms, that the browser sent; "" without one."""
    return request.cookies.get(COOKIE, "")


def form_token(secret: str) -> str:
    """The token that a form must carry which was made for the holder of a cookie."""
    return hmac.new(secret.encode(), b"form", sha256).hexdigest()


async def checked_form(request: Request) -> FormData:
    """The form that was sent, once its token fits the cookie.

    Raises:
        ForbiddenError
        QuotaError: `form_too_large`.
    """
    try:
        form = await _form(request)
    except HTTPException as error:
        if re.search("maximum|Too many", str(error.detail)):
            raise QuotaError("form_too_large", fields=quotas.FORM_FIELDS, files=quotas.FORM_FILES) from error
        raise
    secret = cookie_secret(request)
    given = str(form.get("_form", "")).encode()
    if not secret or not hmac.compare_digest(given, form_token(secret).encode()):
        raise ForbiddenError("form_not_ours")
    return form


async def _form(request: Request) -> FormData:
    length = int(request.headers.get("content-length") or 0)
    plain = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if not plain or length < _AT_ONCE_BYTES:
        return await request.form(
            max_fields=quotas.FORM_FIELDS, max_files=quotas.FORM_FILES, max_part_size=quotas.FIELD_BYTES
        )
    # A long field is decoded in one go, so that is done beside the event loop.
    body = await request.body()
    try:
        return FormData(await beside(_decoded, body))
    except ValueError:
        raise QuotaError("form_too_large", fields=quotas.FORM_FIELDS, files=quotas.FORM_FILES) from None


def _decoded(body: bytes) -> list[tuple[str, str | UploadFile]]:
    text = body.decode("latin-1")
    if any(len(part) > quotas.FIELD_BYTES for part in text.split("&")):
        raise ValueError
    return [*parse_qsl(text, keep_blank_values=True, max_num_fields=quotas.FORM_FIELDS, errors="replace")]


_AT_ONCE_BYTES = 200_000

NOT_CARRIED = frozenset({"_form", "_password", "_code", "_new", "_again", "_secret"})
"""Secrets, and what belongs to one page only: these are never written into another page."""


def carried_fields(form: FormData) -> list[tuple[str, str]]:
    """The fields of a form that another page may carry on; a name stands as often as it was sent."""
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str) and name not in NOT_CARRIED]


async def visitor_of(request: Request) -> Visitor | None:
    """The visitor whose login this request's cookie holds; None without one."""
    secret = cookie_secret(request)
    services = get_services(request)
    login = await services.accounts.login(secret) if secret else None
    contact = await services.application.people.get(login.account.person) if login is not None else None
    if login is None or contact is None:
        return None
    absent = None
    if login.stands_in_for is not None and await stands_in(services, contact.id, login.stands_in_for):
        absent = await services.application.people.get(login.stands_in_for)
    return Visitor(login, contact, absent)


async def require_login(request: Request) -> Visitor:
    """A dependency: a visitor who is logged in, one-time codes or not.

    Raises:
        LoginNeededError
    """
    visitor = await visitor_of(request)
    if visitor is None:
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
    if services.application.rehearsal or account.totp:
        return False
    return account.kind == "secretariat" or account.administrator


MATTERS[require_login] = Matter.OWN


async def stands_in(services: Services, person: str, for_person: str) -> bool:
    """Whether a person stands in for another today, whose account is open."""
    day, account = today(), await services.accounts.get(for_person)
    return (
        account is not None
        and account.open_on(day)
        and any(
            one.for_person == for_person and one.since <= day <= one.until
            for one in await services.stand_ins.list(person=person)
        )
    )


def today() -> date:
    """The day in Việt Nam."""
    return datetime.now(ICT).date()


def reads(matter: Matter) -> Callable[[Request], Awaitable[Visitor]]:
    """A dependency: a visitor who may read a matter that belongs to no cycle."""

    async def depend(request: Request) -> Visitor:
        return await reader_of(request, await require_strong_login(request), matter)

    MATTERS[depend] = matter
    return depend


def reads_cycle(matter: Matter) -> Callable[..., Awaitable[VisitedCycle]]:
    """A dependency: a cycle, opened for a visitor who may read a matter of it."""

    async def depend(request: Request, organiser: str, year: str, cluster: str) -> VisitedCycle:
        visitor = await require_strong_login(request)
        return await cycle_for(request, visitor, matter, cycle_stream(organiser, year, cluster))

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


async def cycle_for(request: Request, visitor: Visitor, matter: Matter, stream: str) -> VisitedCycle:
    """A cycle, opened for a visitor who may read a matter of it; auditors' reading is noted.

    Raises:
        InputError, ForbiddenError
    """
    cycle = await open_cycle(get_services(request).application, stream, visitor)
    if not cycle.may(matter):
        raise ForbiddenError("not_yours_to_read")
    await _note_reading(request, visitor, matter)
    return cycle


async def _note_reading(request: Request, visitor: Visitor, matter: Matter) -> None:
    """Write into the read log what an auditor reads."""
    # A page that polls for progress was noted the first time.
    if visitor.login.account.kind == "auditor" and "hx-request" not in request.headers:
        await get_services(request).read_log.add(visitor.contact.id, matter.value, request.url.path)
