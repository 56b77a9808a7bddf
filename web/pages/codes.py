"""One-time codes: set up, replaced, turned off; recovery codes."""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from accounts.passwords import BusyError
from accounts.secrets import totp_address
from application.visits import Visitor
from domain.strengths import Strength
from errors import CodedError, InputError
from i18n.messages import sentence
from web import urls
from web.auth import checked_form, must_have_codes, require_login
from web.cookies import cookie_secret, set_device, set_login
from web.form_problems import faulty_field
from web.reauthentication import address_of, code_proved, reauthenticated
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
LoggedIn = Annotated[Visitor, Depends(require_login)]


@router.get(urls.CODE)
async def show_codes(request: Request, visitor: LoggedIn) -> Response:
    """Set up one-time codes, or change them."""
    return await _codes(request, visitor)


_FORMS = {"begin": "begin", "recovery": "recovery", "off": "off"}
"""By what a button does, the form that it stands in, as the template names it."""


async def _codes(request: Request, visitor: Visitor, error: CodedError | None = None, step: str = "") -> Response:
    """The page. `step` is what the button of the form does that an error is about."""
    services, person = get_services(request), visitor.contact.id
    secret = await services.codes.pending(person, cookie_secret(request))
    return page(
        request,
        "code.html",
        200 if error is None else error.http_status,
        secret=secret,
        square="" if secret is None else segno.make(totp_address(secret, person)).svg_data_uri(scale=5),
        text="" if error is None else sentence(error.code, error.facts),
        faulty="" if error is None else faulty_field(error),
        step=_FORMS.get(step, "other" if visitor.login.account.totp else "first"),
        left=await services.codes.recovery_codes_left(person),
        must_have=must_have_codes(services, visitor.login.account),
    )


@router.post(urls.CODE)
async def change_codes(request: Request, visitor: LoggedIn) -> Response:
    """Do what the button says. Who has codes already proves it with the password and a code.

    A new secret is shown after the password, and to the login only that asked for it.
    """
    form = await checked_form(request)
    step = str(form.get("_do", "set-up"))
    try:
        if step == "begin":
            await _require_password(request, visitor, form)
            await get_services(request).codes.setting_up(visitor.contact.id, cookie_secret(request))
            return RedirectResponse(urls.CODE, 303)
        if visitor.login.account.totp:
            await _require_proof(request, visitor, form)
        if step == "set-up":
            return await _set_up(request, visitor, str(form.get("_new", "")))
        if step == "recovery" and visitor.login.account.totp:
            return await _new_recovery_codes(request, visitor)
        if step == "off" and not must_have_codes(get_services(request), visitor.login.account):
            return await _turn_off(request, visitor)
    except (InputError, BusyError) as error:
        return await _codes(request, visitor, error, step)
    return RedirectResponse(urls.CODE, 303)


async def _require_password(request: Request, visitor: Visitor, form: FormData) -> None:
    """Ask for the password.

    Raises:
        InputError: `password_does_not_fit`.
        TooManyAttemptsError, BusyError
    """
    password = str(form.get("_password", ""))
    if not await reauthenticated(get_services(request), visitor.contact.id, password, address_of(request)):
        raise InputError("password_does_not_fit")


async def _require_proof(request: Request, visitor: Visitor, form: FormData) -> None:
    """Ask for password and code.

    Raises:
        InputError: `password_does_not_fit`, `code_does_not_fit`.
        TooManyAttemptsError, BusyError
    """
    await _require_password(request, visitor, form)
    services, person = get_services(request), visitor.contact.id
    if not await code_proved(services, person, str(form.get("_code", "")), address_of(request)):
        raise InputError("code_does_not_fit")


async def _set_up(request: Request, visitor: Visitor, code: str) -> Response:
    """Put the shown secret in force once a code of it fits; those before it stay until then."""
    services, person = get_services(request), visitor.contact.id
    recovery_codes = await services.codes.confirm(person, cookie_secret(request), code)
    if recovery_codes is None:
        raise InputError("code_does_not_fit", "_new")
    fresh = await services.accounts.open(person, Strength.PASSWORD_AND_CODE)
    device = await services.throttle.passed(person, address_of(request), with_code=True)
    response = page(request, "recovery.html", recovery_codes=recovery_codes)
    set_login(request, response, fresh)
    set_device(request, response, device)
    return response


async def _turn_off(request: Request, visitor: Visitor) -> Response:
    """Remove the codes; the visitor goes on with a login that was opened without one."""
    accounts, person = get_services(request).accounts, visitor.contact.id
    await accounts.remove_own_codes(person)
    response = RedirectResponse(urls.CODE, 303)
    set_login(request, response, await accounts.open(person, Strength.PASSWORD))
    return response


async def _new_recovery_codes(request: Request, visitor: Visitor) -> Response:
    codes = await get_services(request).codes.new_recovery_codes(visitor.contact.id)
    return page(request, "recovery.html", recovery_codes=codes)
