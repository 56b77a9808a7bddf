"""Login with password and one-time code, invitations, logout, language."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from accounts import Account
from accounts.secrets import new_totp, totp_address, totp_step
from application.visits import Visitor
from errors import InputError
from i18n import LANGUAGES
from i18n.messages import sentence
from web import urls
from web.auth import carried_fields, checked_form, needs_code, require_login, sent_form, today, visitor_of
from web.cookies import cookie_secret, forget_login, set_language, set_login
from web.other_persons_form import other_persons_form
from web.reauthentication import address_of, reauthenticated
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)

_OF_THE_LOGIN = frozenset({"person", "_to"})
_TOTP_SECRET = re.compile(r"[A-Z2-7]{32}")


@router.get(urls.LOGIN)
async def show_login(request: Request, back_to: Annotated[str, Query(alias=urls.BACK_TO)] = urls.HOME) -> Response:
    """The form to log in with."""
    return page(request, "login.html", to=urls.local_path(back_to), carried=[], text="", who="")


@router.post(urls.LOGIN)
async def log_in(request: Request) -> Response:
    """Log in; then go on where the login was asked for, with what had been typed."""
    sent = await sent_form(request)
    form, services = sent.fields, get_services(request)
    person, to = str(form.get("person", "")).strip().lower(), urls.local_path(str(form.get("_to", urls.HOME)))
    carried = [pair for pair in carried_fields(form) if pair[0] not in _OF_THE_LOGIN]
    password, code = str(form.get("_password", "")), str(form.get("_code", ""))
    account, wrong = await _proved_account(services, person, password, code, address_of(request))
    if account is None:
        return page(request, "login.html", 401, to=to, carried=carried, text=sentence(wrong), who=person)
    strength = "rehearsal" if services.application.rehearsal else "password+totp" if account.totp else "password"
    await services.accounts.end(cookie_secret(request))  # one browser, one login
    secret = await services.accounts.open(account.person, strength)
    if carried and sent.made_for not in {"", account.person}:
        login, contact = await services.accounts.login(secret), await services.application.person(account.person)
        request.state.visitor = Visitor(login, contact) if login is not None else None
        response: Response = await other_persons_form(request, sent, may_read=True, to=to, but=_OF_THE_LOGIN)
    elif carried:
        # The form is shown as it was left: a login sends no act.
        request.state.made_for = account.person
        response = page(request, "carried.html", to=to, carried=carried, form=urls.shows_form_again(to))
    else:
        response = RedirectResponse(to if not needs_code(services, account) else urls.CODE, 303)
    set_login(request, response, secret)
    set_language(request, response, account.language)
    return response


async def _proved_account(
    services: Services, person: str, password: str, code: str, address: str
) -> tuple[Account | None, str]:
    """The account that a password and a code prove; otherwise None and the code of the sentence.

    Each failure makes the next answer slower; an account is never locked out.
    """
    account = await services.accounts.get(person)
    if not await reauthenticated(services, person, password, address) or account is None:
        return None, "login_does_not_fit"
    asked = account.totp and not services.application.rehearsal
    if asked and not await services.accounts.code_fits(person, code):
        await services.accounts.failed(person, address)
        return None, "code_does_not_fit"
    await services.accounts.forgive(person, address)
    return (account, "") if account.open_on(today()) else (None, "account_closed")


@router.get(urls.CODE)
async def show_code(request: Request, visitor: Annotated[Visitor, Depends(require_login)]) -> Response:
    """Set up one-time codes."""
    secret = new_totp()
    return _code_page(request, visitor, secret, "")


def _code_page(request: Request, visitor: Visitor, secret: str, text: str, status: int = 200) -> Response:
    square = segno.make(totp_address(secret, visitor.contact.id)).svg_data_uri(scale=5)
    return page(request, "code.html", status, secret=secret, square=square, text=text)


@router.post(urls.CODE)
async def set_code(request: Request, visitor: Annotated[Visitor, Depends(require_login)]) -> Response:
    """Keep the secret once a code of it fits."""
    form = await checked_form(request)
    services, secret = get_services(request), str(form.get("_secret", ""))
    if not _TOTP_SECRET.fullmatch(secret):
        return _code_page(request, visitor, new_totp(), sentence("code_does_not_fit"), 422)
    person, code = visitor.contact.id, str(form.get("_code", ""))
    if visitor.login.account.totp and not await reauthenticated(
        services, person, str(form.get("_password", "")), address_of(request)
    ):
        return _code_page(request, visitor, secret, sentence("password_does_not_fit"), 422)
    if totp_step(secret, code, datetime.now(UTC), 0) is None:  # the old one stays until a code of the new one fits
        return _code_page(request, visitor, secret, sentence("code_does_not_fit"), 422)
    await services.accounts.set_totp(person, secret)
    await services.accounts.code_fits(person, code)
    await services.accounts.end_all(visitor.contact.id)
    fresh = await services.accounts.open(visitor.contact.id, "password+totp")
    response = RedirectResponse(urls.HOME, 303)
    set_login(request, response, fresh)
    return response


@router.get(urls.INVITATION)
async def show_invitation(request: Request, secret: str) -> Response:
    """Take up an invitation: choose a password."""
    account = await get_services(request).accounts.invited(secret)
    if account is None:
        return _void(request)
    return page(request, "invitation.html", person=account.person, secret=secret, text="")


def _void(request: Request) -> Response:
    return page(request, "error.html", 404, text=sentence("invitation_void"), carried=[], code="invitation_void")


@router.post(urls.INVITATION)
async def accept_invitation(request: Request, secret: str) -> Response:
    """Keep the password and go to the login."""
    form = await checked_form(request)
    services, password = get_services(request), str(form.get("_password", ""))
    account = await services.accounts.invited(secret)
    if account is None:
        return _void(request)
    try:
        if password != str(form.get("_again", "")):
            raise InputError("passwords_differ")
        await services.accounts.accept(secret, password)
    except InputError as error:
        text = sentence(error.code, error.facts)
        return page(request, "invitation.html", 422, person=account.person, secret=secret, text=text)
    return RedirectResponse(urls.LOGIN, 303)


@router.post(urls.LOGOUT)
async def log_out(request: Request) -> Response:
    """End the login, whoever's it is: the button may stand on a page of somebody who was logged in before."""
    await checked_form(request)
    await get_services(request).accounts.end(cookie_secret(request))
    response = RedirectResponse(urls.LOGIN, 303)
    forget_login(request, response)
    response.headers["Clear-Site-Data"] = '"cache"'  # no page of theirs comes back by the browser's Back
    return response


@router.get(urls.LANGUAGE)
async def choose_language(
    request: Request, language: str, back_to: Annotated[str, Query(alias=urls.LANGUAGE_BACK_TO)] = urls.HOME
) -> Response:
    """Show pages in another language from now on."""
    response = RedirectResponse(urls.local_path(back_to), 303)
    if language in LANGUAGES:
        set_language(request, response, language)
        visitor = await visitor_of(request)
        if visitor is not None:
            account = visitor.login.account
            await get_services(request).accounts.prefer(account.person, language=language, digest=account.digest)
    return response
