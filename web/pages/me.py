"""A visitor's own page: password, stand-ins, mail and language, calendar, tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import TypeAdapter

from accounts import Scope
from accounts.attempts import Origin
from accounts.log import By
from accounts.logins import today
from accounts.passwords import BusyError
from accounts.stand_ins import StandIn
from application.tasks import tasks_page
from application.visits import Visitor
from domain.access import Matter
from domain.strengths import Strength
from domain.types import Label
from errors import InputError, NotFoundError
from i18n import LANGUAGES, _, in_language
from web import urls
from web.act_form import typed_text
from web.auth import checked_form, possible_stand_ins, reads, require_login, stands_in
from web.calendars import calendar_of, shown_of
from web.checks import checked
from web.contacts import contact_fields, correct_contact
from web.cookies import cookie_secret
from web.form_problems import faulty_field, form_sentence
from web.own_words import own_words
from web.reauthentication import address_of, reauthenticated, wrong_secret
from web.render import page
from web.services import Services, get_services
from web.stand_ins import stand_in_asked

router = APIRouter(include_in_schema=False)
OwnReader = Annotated[Visitor, Depends(reads(Matter.OWN))]

_LABEL: TypeAdapter[str] = TypeAdapter(Label)
TOKEN_DAYS = 365
"""Days for which a new token works."""


@router.get(urls.ME)
async def me(request: Request, visitor: OwnReader) -> Response:
    """The visitor's own page."""
    return await _me(request, visitor)


async def _me(
    request: Request,
    visitor: Visitor,
    *,
    text: str = "",
    faulty: str = "",
    good: str = "",
    secret: str = "",
    status: int = 200,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The page. `secret` is an address or a token that is shown once; `typed` is what could not be used."""
    services, person = get_services(request), visitor.contact.id
    book = services.application.people
    colleagues = await possible_stand_ins(services, visitor.contact, await book.of_unit(visitor.contact.unit))
    my_stand_ins = await services.stand_ins.list(for_person=person)
    absent = [
        (one.for_person, await book.get(one.for_person))
        for one in await services.stand_ins.list(person=person)
        if await stands_in(services, visitor.contact, one.for_person)
    ]
    return page(
        request,
        "me.html",
        status,
        text=text,
        faulty=faulty,
        good=good,
        secret=secret,
        codes_left=await services.codes.recovery_codes_left(person),
        may_stand_in=absent,
        tokens=await services.accounts.tokens(person),
        scopes=get_args(Scope),
        colleagues=colleagues,
        my_stand_ins=my_stand_ins,
        names=await book.names({one.person for one in my_stand_ins}),
        typed=typed or {},
        unit_name=", ".join(await services.board.names_of(visitor.contact.unit)),
    )


@dataclass(frozen=True, slots=True)
class OwnChange:
    """A change that a visitor asks for: what was typed, from which address, with which login."""

    services: Services
    visitor: Visitor
    typed: Mapping[str, str]
    address: Origin
    login_secret: str

    @property
    def by(self) -> By:
        """The visitor, for the log."""
        return By(self.visitor.contact.id)

    async def require_password(self) -> None:
        """Ask for the password once more.

        Raises:
            InputError: `password_does_not_fit`.
            TooManyAttemptsError, BusyError
        """
        password = self.typed.get("_password", "")
        if not await reauthenticated(self.services, self.visitor.contact.id, password, self.address):
            raise InputError("password_does_not_fit")


@dataclass(frozen=True, slots=True)
class Changed:
    """What the page says of a change, and the address or token that it shows once. Without both it is shown anew."""

    good: str = ""
    secret: str = ""


@router.post(urls.ME)
async def change_me(request: Request, visitor: OwnReader) -> Response:
    """Change one thing, as the button says."""
    # Passwords are taken as they are typed, with their spaces, as everywhere else.
    typed = {
        name: value if name.startswith("_") else value.strip()
        for name, value in typed_text(await checked_form(request)).items()
    }
    step = _STEPS.get(typed.get("_do", ""))
    if step is None:
        return await _me(request, visitor)
    asked = OwnChange(get_services(request), visitor, typed, address_of(request), cookie_secret(request))
    try:
        changed = await step(asked)
    except (InputError, BusyError) as error:
        text, faulty = form_sentence(error), faulty_field(error)
        return await _me(request, visitor, text=text, faulty=faulty, status=error.http_status, typed=typed)
    if typed["_do"] == "contact":
        visitor = await require_login(request)
    if typed["_do"] in {"act-for", "mail"}:  # name and language of the page change with it
        return RedirectResponse(urls.ME, 303)
    return await _me(request, visitor, good=changed.good, secret=changed.secret)


async def _new_password(asked: OwnChange) -> Changed:
    await asked.require_password()
    if asked.typed.get("_new") != asked.typed.get("_again"):
        raise InputError("passwords_differ")
    services, contact = asked.services, asked.visitor.contact
    own = await own_words(services, contact)
    await services.accounts.set_password(contact.id, asked.typed.get("_new", ""), own, but=asked.login_secret)
    return Changed(
        _(
            "The password is changed; all other logins, tokens and links are ended, and the address of your calendar "
            "is void."
        )
    )


async def _mail(asked: OwnChange) -> Changed:
    digest, language = asked.typed.get("digest", "each"), asked.typed.get("language", "vi")
    if digest not in {"each", "daily", "weekly"} or language not in LANGUAGES:
        raise InputError("field_bad", place="digest", found=digest[:20])
    await asked.services.accounts.prefer(asked.visitor.contact.id, language=language, digest=digest)
    return Changed()


async def _contact(asked: OwnChange) -> Changed:
    fields, before = contact_fields(asked.typed), asked.visitor.contact
    if fields.email != before.email:
        await asked.require_password()
    return Changed(await correct_contact(asked.services, asked.by, before, fields))


async def _stand_in(asked: OwnChange) -> Changed:
    absent = asked.visitor.contact
    other, since, until = await stand_in_asked(asked.services, absent, asked.typed)
    await asked.services.stand_ins.name(StandIn(other.id, absent.id, since, until, absent.id))
    return Changed(_("{name} stands in for you.").format(name=other.name))


async def _end_stand_in(asked: OwnChange) -> Changed:
    await asked.services.stand_ins.end(asked.typed.get("person", ""), asked.visitor.contact.id, by=asked.by)
    return Changed(_("It is ended."))


async def _act_for(asked: OwnChange) -> Changed:
    absent = asked.typed.get("person") or None
    if absent is not None and not await stands_in(asked.services, asked.visitor.contact, absent):
        raise InputError("stands_in_no_more")
    await asked.services.accounts.stand_in(asked.login_secret, absent)
    return Changed()


async def _calendar(asked: OwnChange) -> Changed:
    services = asked.services
    secret = await services.calendars.new(asked.visitor.contact.id)
    url = services.settings.address + urls.calendar_url(secret)
    return Changed(_("The address of your calendar; earlier ones are void:"), url)


async def _token(asked: OwnChange) -> Changed:
    if (scope := asked.typed.get("scope", "read")) not in get_args(Scope):
        raise InputError("field_bad", place="scope", found=scope[:20])
    services, login = asked.services, asked.visitor.login
    if scope != "read" and login.strength is Strength.PASSWORD and not services.application.rehearsal:
        raise InputError("token_needs_code")  # it would reach further than the login
    await asked.require_password()
    name, accounts = checked(_LABEL, asked.typed.get("name", ""), "name"), asked.services.accounts
    secret = await accounts.new_token(asked.visitor.contact.id, name, scope, TOKEN_DAYS)  # type: ignore[arg-type]
    return Changed(_("The token; it is shown only now:"), secret)


async def _revoke(asked: OwnChange) -> Changed:
    await asked.services.accounts.revoke(asked.visitor.contact.id, asked.typed.get("token", ""))
    return Changed(_("The token is void from now on."))


_STEPS: Mapping[str, Callable[[OwnChange], Awaitable[Changed]]] = {
    "password": _new_password,
    "mail": _mail,
    "contact": _contact,
    "stand-in": _stand_in,
    "end-stand-in": _end_stand_in,
    "act-for": _act_for,
    "calendar": _calendar,
    "token": _token,
    "revoke": _revoke,
}


@router.get(urls.CALENDAR)
async def calendar(request: Request, secret: str) -> Response:
    """A calendar of a person's deadlines, at a private address."""
    services = get_services(request)
    person = await services.calendars.person_of(secret)
    account = await services.accounts.get(person) if person is not None else None
    contact = await services.application.people.get(person) if person is not None else None
    if person is None:
        await wrong_secret(services, address_of(request))
    if account is None or contact is None or not account.open_on(today()):
        raise NotFoundError("no_such_calendar")
    position = await services.application.ledger.last_position()
    complete = await services.board.wait_until_reached(position)
    tasks = (await tasks_page(services.board, services.application.texts, contact.unit, dated=True)).rows
    shown = shown_of(tasks, services.application.gate.installation)
    entries = await services.calendars.follow(contact.unit, shown, datetime.now(UTC), complete=complete)
    with in_language(account.language):  # calendar programs send no language cookie
        body = calendar_of(entries, services.settings.address)
    return Response(body, media_type="text/calendar; charset=utf-8")
