"""The entrance: log in with password and one-time code, take up an invitation, log out, choose a language."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from accounts import Account
from accounts.secrets import new_totp, totp_address, totp_step
from errors import InputError
from i18n import LANGUAGES
from i18n.messages import sentence
from web.auth import COOKIE, Visitor, checked_form, needs_code, require_login, today, visitor_of, what_was_typed
from web.cookies import LANGUAGE_COOKIE, set_cookie
from web.reauthentication import address_of, reauthenticated
from web.render import local_path, page
from web.services import Services, services

router = APIRouter(include_in_schema=False)

_FORMS = re.compile(r"/lam/|/hoi-nghi|/bat-dau-nam$")
"""Pages that can be shown again as they were left, without doing anything."""


@router.get("/dang-nhap")
async def show_login(request: Request, den: str = "/") -> Response:
    """The form to log in with."""
    return page(request, "login.html", to=local_path(den), carried=[], text="", who="")


@router.post("/dang-nhap")
async def log_in(request: Request) -> Response:
    """Log in; then go on where the login was asked for, with what had been typed."""
    form = await checked_form(request)
    work = services(request)
    person, to = str(form.get("person", "")).strip().lower(), local_path(str(form.get("_to", "/")))
    kept = [pair for pair in what_was_typed(form) if pair[0] not in {"person", "_to"}]
    password, code = str(form.get("_password", "")), str(form.get("_code", ""))
    account, wrong = await _prove(work, person, password, code, address_of(request))
    if account is None:
        return page(request, "login.html", 401, to=to, carried=kept, text=sentence(wrong), who=person)
    strength = "rehearsal" if work.office.rehearsal else "password+totp" if account.totp else "password"
    secret = await work.accounts.open(account.person, strength)
    if kept:
        # The form stands again as it was left; nobody's act is sent by a login.
        request.state.secret = secret
        response: Response = page(request, "carried.html", to=to, carried=kept, form=bool(_FORMS.search(to)))
    else:
        response = RedirectResponse(to if not needs_code(work, account) else "/ma-mot-lan", 303)
    set_cookie(request, response, secret)
    response.set_cookie(LANGUAGE_COOKIE, account.language, samesite="lax", path="/", max_age=31_536_000)
    return response


async def _prove(work: Services, person: str, password: str, code: str, address: str) -> tuple[Account | None, str]:
    """Who proved to be whom; otherwise the code of what is said. Slower the more often it failed, never shut."""
    account = await work.accounts.get(person)
    if not await reauthenticated(work, person, password, address):
        return None, "login_does_not_fit"
    if account is None:
        return None, "login_does_not_fit"
    asked = account.totp and not work.office.rehearsal
    if asked and not await work.accounts.code_fits(person, code):
        await work.accounts.failed(person, address)
        return None, "code_does_not_fit"
    await work.accounts.forgive(person, address)
    return (account, "") if account.open_on(today()) else (None, "account_closed")


@router.get("/ma-mot-lan")
async def show_code(request: Request, visitor: Annotated[Visitor, Depends(require_login)]) -> Response:
    """Set up one-time codes."""
    secret = new_totp()
    return _code_page(request, visitor, secret, "")


def _code_page(request: Request, visitor: Visitor, secret: str, text: str, status: int = 200) -> Response:
    square = segno.make(totp_address(secret, visitor.contact.id)).svg_data_uri(scale=5)
    return page(request, "code.html", status, secret=secret, square=square, text=text)


@router.post("/ma-mot-lan")
async def set_code(request: Request, visitor: Annotated[Visitor, Depends(require_login)]) -> Response:
    """Keep the secret once a code of it fits."""
    form = await checked_form(request)
    work, secret = services(request), str(form.get("_secret", ""))
    if not re.fullmatch(r"[A-Z2-7]{32}", secret):
        return _code_page(request, visitor, new_totp(), sentence("code_does_not_fit"), 422)
    person, code = visitor.contact.id, str(form.get("_code", ""))
    if visitor.login.account.totp and not await reauthenticated(
        work, person, str(form.get("_password", "")), address_of(request)
    ):
        return _code_page(request, visitor, secret, sentence("password_does_not_fit"), 422)
    if totp_step(secret, code, datetime.now(UTC), 0) is None:  # the old one stays until a code of the new one fits
        return _code_page(request, visitor, secret, sentence("code_does_not_fit"), 422)
    await work.accounts.set_totp(person, secret)
    await work.accounts.code_fits(person, code)
    await work.accounts.end_all(visitor.contact.id)
    fresh = await work.accounts.open(visitor.contact.id, "password+totp")
    response = RedirectResponse("/", 303)
    set_cookie(request, response, fresh)
    return response


@router.get("/loi-moi/{secret}")
async def show_invitation(request: Request, secret: str) -> Response:
    """Take up an invitation: choose a password."""
    account = await services(request).accounts.invited(secret)
    if account is None:
        return page(request, "trouble.html", 404, text=sentence("invitation_void"), carried=[], code="invitation_void")
    return page(request, "invitation.html", person=account.person, secret=secret, text="")


@router.post("/loi-moi/{secret}")
async def accept_invitation(request: Request, secret: str) -> Response:
    """Keep the password and go to the login."""
    form = await checked_form(request)
    work, password = services(request), str(form.get("_password", ""))
    account = await work.accounts.invited(secret)
    if account is None:
        return page(request, "trouble.html", 404, text=sentence("invitation_void"), carried=[], code="invitation_void")
    try:
        if password != str(form.get("_again", "")):
            raise InputError("passwords_differ")
        await work.accounts.accept(secret, password)
    except InputError as error:
        text = sentence(error.code, error.facts)
        return page(request, "invitation.html", 422, person=account.person, secret=secret, text=text)
    return RedirectResponse("/dang-nhap", 303)


@router.post("/dang-xuat")
async def log_out(request: Request) -> Response:
    """End the login."""
    await checked_form(request)
    await services(request).accounts.end(request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/dang-nhap", 303)
    response.delete_cookie(COOKIE, path="/")
    return response


@router.get("/ngon-ngu/{language}")
async def choose_language(request: Request, language: str, ve: str = "/") -> Response:
    """Read on in another language."""
    response = RedirectResponse(local_path(ve), 303)
    if language in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, samesite="lax", path="/", max_age=31_536_000)
        visitor = await visitor_of(request)
        if visitor is not None:
            account = visitor.login.account
            await services(request).accounts.prefer(account.person, language=language, digest=account.digest)
    return response
