"""The first page of a rehearsal: a visitor chooses whom to be, and is logged in as them without a password."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from accounts.logins import today
from domain.strengths import Strength
from i18n.messages import sentence
from web import urls
from web.auth import sent_form
from web.cookies import cookie_secret, set_login
from web.rehearsal_roles import ABOUT, PARTS, offered_roles, tries
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)


@router.get(urls.ROLES)
async def show_roles(request: Request) -> Response:
    """Whom one may be, with three things to try as each."""
    roles, services = await offered_roles(request), get_services(request)
    if roles is None:
        return _not_there(request)
    contacts = {role.person: await services.application.people.get(role.person) for role in roles.roles}
    titles = await services.board.titles({*roles.documented, *(role.cycle for role in roles.roles)})
    shown = [(role, contacts[role.person], tries(role)) for role in roles.roles if contacts[role.person] is not None]
    documented = [(urls.cycle_url(cycle), titles[cycle]) for cycle in roles.documented if cycle in titles]
    return page(
        request,
        "roles.html",
        password=roles.password,
        shown=shown,
        titles=titles,
        documented=documented,
        parts=PARTS,
        about=ABOUT,
        wide=True,
    )


@router.post(urls.ROLES)
async def take_role(request: Request) -> Response:
    """Log in as the chosen person, and go where they want to try something."""
    roles, services = await offered_roles(request), get_services(request)
    form = (await sent_form(request)).fields
    role = roles.role_of(str(form.get("person", ""))) if roles is not None else None
    account = await services.accounts.get(role.person) if role is not None else None
    if account is None or not account.open_on(today()):
        return _not_there(request)
    secret = await services.accounts.open(account.person, Strength.PASSWORD, asks_code=False)
    await services.accounts.end(cookie_secret(request))  # one browser, one login
    response = RedirectResponse(urls.local_path(str(form.get("_to", urls.HOME))), 303)
    set_login(request, response, secret)
    response.headers["Clear-Site-Data"] = '"cache"'  # no page of another role comes back by the browser's Back
    return response


def _not_there(request: Request) -> Response:
    """What stands in the place of this page where there is none. It does not repeat whom somebody wanted to be."""
    code = "page_not_found"
    return page(request, "error.html", HTTPStatus.NOT_FOUND, text=sentence(code), carried=[], code=code)
