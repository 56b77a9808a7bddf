"""Login with password and one-time code, logout, language."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from accounts import Account
from accounts.attempts import Origin
from accounts.logins import today
from accounts.passwords import BusyError
from accounts.throttle import TooManyAttemptsError
from application.visits import Visitor
from domain.strengths import Strength
from errors import InputError
from i18n import LANGUAGES
from i18n.messages import sentence
from web import urls
from web.auth import carried_fields, checked_form, needs_code, sent_form, visitor_of
from web.cookies import cookie_secret, forget_login, set_device, set_language, set_login
from web.form_problems import faulty_field
from web.other_persons_form import other_persons_form
from web.reauthentication import address_of, code_proved, reauthenticated
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)

_OF_THE_LOGIN = frozenset({"person", "_to"})


@router.get(urls.LOGIN)
async def show_login(
    request: Request,
    back_to: Annotated[str, Query(alias=urls.BACK_TO)] = urls.HOME,
    chosen: Annotated[str, Query(alias=urls.PASSWORD_CHOSEN)] = "",
) -> Response:
    """The form to log in with; `chosen`: a password was chosen just now."""
    return page(request, "login.html", to=urls.local_path(back_to), carried=[], text="", who="", chosen=bool(chosen))


@router.post(urls.LOGIN)
async def log_in(request: Request) -> Response:
    """Log in; then go on where the login was asked for, with what had been typed."""
    sent = await sent_form(request)
    form, services = sent.fields, get_services(request)
    typed, to = str(form.get("person", "")).strip().lower(), urls.local_path(str(form.get("_to", urls.HOME)))
    carried = [pair for pair in carried_fields(form) if pair[0] not in _OF_THE_LOGIN]
    password, code = str(form.get("_password", "")), str(form.get("_code", ""))
    source = address_of(request)
    try:
        person = await services.accounts.account_named(typed, today())
        account, wrong = await _proved_account(services, person, password, code, source)
        secret = "" if account is None else await _opened(services, account)
    except (TooManyAttemptsError, BusyError) as error:
        text = sentence(error.code, error.facts)
        return page(request, "login.html", error.http_status, to=to, carried=carried, text=text, who=typed)
    except InputError as error:  # codes were set up while the password was being checked
        account, wrong, secret = None, error.code, ""
    if account is None:
        text, faulty = sentence(wrong), faulty_field(InputError(wrong))
        return page(request, "login.html", 401, to=to, carried=carried, text=text, faulty=faulty, who=typed)
    device = await services.throttle.passed(account.person, source, with_code=_with_code(services, account))
    await services.accounts.end(cookie_secret(request))  # one browser, one login
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
    set_device(request, response, device)
    set_language(request, response, account.language)
    return response


def _with_code(services: Services, account: Account) -> bool:
    """Whether a code is asked for. In a rehearsal none is; its gate signs with a strength of its own."""
    return account.totp and not services.application.rehearsal


async def _opened(services: Services, account: Account) -> str:
    """The secret of a new login of an account that was proved.

    Raises:
        InputError: `code_missing`.
    """
    strength = Strength.PASSWORD_AND_CODE if _with_code(services, account) else Strength.PASSWORD
    return await services.accounts.open(account.person, strength, asks_code=not services.application.rehearsal)


async def _proved_account(
    services: Services, person: str, password: str, code: str, source: Origin
) -> tuple[Account | None, str]:
    """The account that a password and a code prove; otherwise None and the code of the sentence.

    Each failure makes a next attempt wait; an account is never locked.

    Raises:
        TooManyAttemptsError, BusyError
    """
    if not await reauthenticated(services, person, password, source):
        return None, "login_does_not_fit"
    account = await services.accounts.get(person)  # now: the check may have waited, and codes been set up meanwhile
    if account is None:
        return None, "login_does_not_fit"
    if _with_code(services, account):
        if not code.strip():
            return None, "code_missing"
        if not await code_proved(services, person, code, source):
            return None, "code_does_not_fit"
    return (account, "") if account.open_on(today()) else (None, "account_closed")


@router.post(urls.LOGOUT)
async def log_out(request: Request) -> Response:
    """End the login of this browser: the button may stand on the page of a person who was logged in before."""
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
