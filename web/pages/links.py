"""Choosing a password without a login: by an invitation, or by a link that is mailed when it was forgotten.

Looking at a link uses nothing up (GET and HEAD): programs that scan mail open every link. Only the form does.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from accounts import Account
from accounts.passwords import BusyError
from accounts.throttle import TooManyAttemptsError
from domain.strengths import Strength
from errors import InputError
from i18n.messages import sentence
from web import urls
from web.auth import checked_form, needs_code
from web.cookies import cookie_secret, set_device, set_language, set_login
from web.form_problems import faulty_field
from web.own_words import own_words
from web.password_mails import ask_for_mail
from web.reauthentication import address_of, count_mail, wrong_secret
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
_LOOKING = ["GET", "HEAD"]


@router.api_route(urls.INVITATION, methods=_LOOKING)
@router.api_route(urls.NEW_PASSWORD, methods=_LOOKING)
async def show_link(request: Request, secret: str) -> Response:
    """The form to choose a password with."""
    account = await get_services(request).accounts.invited(secret)
    if account is None:
        return await _void(request)
    return page(request, "invitation.html", person=account.person, text="")


async def _void(request: Request) -> Response:
    await wrong_secret(get_services(request), address_of(request))
    return page(request, "error.html", 404, text=sentence("invitation_void"), carried=[], code="invitation_void")


@router.post(urls.INVITATION)
@router.post(urls.NEW_PASSWORD)
async def choose_password(request: Request, secret: str) -> Response:
    """Keep the password and log in; who has one-time codes goes to the login. This device is known for passwords now.

    A browser that can show what is typed sends the password once.
    """
    form = await checked_form(request)
    services, password = get_services(request), str(form.get("_password", ""))
    account = await services.accounts.invited(secret)
    if account is None:
        return await _void(request)
    person = account.person
    try:
        if password != str(form.get("_again", password)):
            raise InputError("passwords_differ")
        own = await own_words(services, await services.application.people.get(person))
        account = await services.accounts.accept(secret, password, own)
        if account is None:
            return await _void(request)
    except (InputError, BusyError) as error:
        text, faulty = sentence(error.code, error.facts), faulty_field(error)
        return page(request, "invitation.html", error.http_status, person=person, text=text, faulty=faulty)
    device = await services.throttle.passed(account.person, address_of(request), with_code=False)
    response = await _logged_in(request, account)
    set_device(request, response, device)
    return response


async def _logged_in(request: Request, account: Account) -> Response:
    """Log in with the password that was chosen just now; to the login where a one-time code is asked for besides."""
    services = get_services(request)
    if account.totp and not services.application.rehearsal:
        return RedirectResponse(urls.chosen_url(), 303)
    try:
        login = await services.accounts.open(
            account.person, Strength.PASSWORD, asks_code=not services.application.rehearsal
        )
    except InputError:  # codes were set up meanwhile
        return RedirectResponse(urls.chosen_url(), 303)
    await services.accounts.end(cookie_secret(request))  # one browser, one login
    response = RedirectResponse(urls.CODE if needs_code(services, account) else urls.HOME, 303)
    set_login(request, response, login)
    set_language(request, response, account.language)
    return response


@router.get(urls.FORGOTTEN)
async def show_forgotten(request: Request) -> Response:
    """The form to ask for a link with."""
    return page(request, "forgotten.html", text="", asked=False, who="")


@router.post(urls.FORGOTTEN)
async def ask_for_link(request: Request) -> Response:
    """Send a link for a new password by mail. The answer comes first and is the same whether there is an account."""
    form = await checked_form(request)
    services, person = get_services(request), str(form.get("person", "")).strip().lower()[:80]
    try:
        await count_mail(services, person, address_of(request))
        ask_for_mail(services, person)
    except (TooManyAttemptsError, BusyError) as error:
        text = sentence(error.code, error.facts)
        return page(request, "forgotten.html", error.http_status, text=text, asked=False, who=person)
    return page(request, "forgotten.html", text="", asked=True, who="")
