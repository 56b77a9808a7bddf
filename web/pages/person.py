"""The page of a person: how they are called and reached, their account, and who stands in for them.

Administrators see everybody; the secretariat the people of its own unit and of its clusters' units.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from accounts import Account, Kind
from accounts.log import By
from accounts.logins import today
from application.visits import ForbiddenError, Visitor
from domain.access import Matter, Reader, may_manage
from domain.administration import (
    CloseAccount,
    CorrectContact,
    EndStandIn,
    MakeAccount,
    NameStandIn,
    OpenAccount,
    RemoveCodes,
    SetLastDay,
)
from domain.records import Command
from errors import CodedError, InputError, NotFoundError
from i18n import _
from projections.people import PersonLine
from vault.persons import Contact
from web import urls
from web.account_management import (
    TOLD,
    form_status,
    last_day,
    managed_kinds,
    record_and_invite,
    require_days_left,
    state_words,
)
from web.act_form import typed_text
from web.administrators import administrator
from web.auth import checked_form, possible_stand_ins, reads
from web.contacts import changed_fields, contact_fields, correct_contact
from web.form_problems import faulty_field, form_sentence
from web.render import page
from web.services import Services, get_services
from web.stand_ins import stand_in_asked

router = APIRouter(include_in_schema=False)
AccountManager = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]


@router.get(urls.PERSON)
async def person_page(request: Request, visitor: AccountManager, person: str) -> Response:
    """A person: how they are called and reached, their account, and who stands in for them."""
    return await _person(request, visitor, person)


async def _person(
    request: Request,
    visitor: Visitor,
    person: str,
    *,
    error: CodedError | None = None,
    good: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The page. `typed` is what could not be used, and `error` tells why."""
    services, organiser = get_services(request), visitor.sees_people_of
    one = await services.people.person(organiser, person, today())
    if one is None:
        raise NotFoundError("no_such_person")
    account, contact = await services.accounts.get(person), await services.application.person(person)
    unit = await services.application.people.of_unit(one.unit)
    colleagues = await possible_stand_ins(services, contact, unit)
    own_stand_ins = [one for one in await services.stand_ins.list(for_person=person) if one.until >= today()]
    return page(
        request,
        "person.html",
        200 if error is None else form_status(error),
        one=one,
        account=account,
        text="" if error is None else form_sentence(error),
        faulty="" if error is None else faulty_field(error),
        good=good,
        typed=typed or {},
        states=state_words(),
        kinds=[kind for kind in managed_kinds(visitor) if kind != "auditor"],
        may_manage=_manages(visitor, one, account),
        may_correct=_corrects(visitor, one),
        itself=person == visitor.contact.id,
        colleagues=colleagues,
        stand_ins=own_stand_ins,
        names=await services.application.people.names({one.person for one in own_stand_ins}),
    )


def _manages(visitor: Visitor, one: PersonLine, account: Account | None) -> bool:
    """Whether the visitor may change a person's account and mail address; the mail address opens the account."""
    kind, administrator = ("staff", False) if account is None else (account.kind, account.administrator)
    return one.managed and may_manage(kind, visitor.readers(), administrator=administrator)


def _corrects(visitor: Visitor, one: PersonLine) -> bool:
    """Whether the visitor may correct how a person is called and reached, on this page: not the visitor themselves."""
    if Reader.AUDITOR in visitor.readers() or not one.managed:
        return False
    return one.id != visitor.contact.id and (visitor.login.account.administrator or not one.administrator)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A change of a person that a visitor asks for."""

    services: Services
    visitor: Visitor
    one: PersonLine
    contact: Contact
    account: Account | None
    typed: Mapping[str, str]

    @property
    def by(self) -> By:
        """The visitor, for those who are told."""
        return By(self.visitor.contact.id)

    async def record(self, command: Command) -> None:
        """Record what the visitor does.

        Raises:
            GateClosedError, RefusedError, PendingError, UnreachableError
        """
        await self.services.administration.record(administrator(self.visitor), command)

    def managed(self) -> Account:
        """The account, which the visitor may manage.

        Raises:
            ForbiddenError, InputError
        """
        if self.account is None:
            raise InputError("unknown_person", person=self.one.id)
        if not _manages(self.visitor, self.one, self.account):
            raise ForbiddenError("not_yours_to_manage")
        return self.account


@router.post(urls.PERSON)
async def change(request: Request, visitor: AccountManager, person: str) -> Response:
    """Change one thing of a person, as the button says."""
    form, services = await checked_form(request), get_services(request)
    one = await services.people.person(visitor.sees_people_of, person, today())
    if one is None:
        raise NotFoundError("no_such_person")
    typed = {name: value.strip() for name, value in typed_text(form).items()}
    step = _STEPS.get(typed.get("_do", ""))
    if step is None:
        return await _person(request, visitor, person)
    account, contact = await services.accounts.get(person), await services.application.person(person)
    try:
        good = await step(_Asked(services, visitor, one, contact, account, typed))
    except TOLD as error:
        return await _person(request, visitor, person, error=error, typed=typed)
    return await _person(request, visitor, person, good=good)


async def _correct(asked: _Asked) -> str:
    wanted = contact_fields(asked.typed)
    if not _corrects(asked.visitor, asked.one):
        raise ForbiddenError("not_yours_to_correct")
    if wanted.email != asked.contact.email and not _manages(asked.visitor, asked.one, asked.account):
        raise ForbiddenError("not_yours_to_correct")
    if changed := changed_fields(asked.contact, wanted):
        await asked.record(CorrectContact(person=asked.one.id, fields=changed))
    return await correct_contact(asked.services, asked.by, asked.contact, wanted)


async def _make(asked: _Asked) -> str:
    """Make an account for a person who is entered already, and invite them."""
    kind = asked.typed.get("kind", "staff")
    if kind not in get_args(Kind) or not (asked.one.managed and may_manage(kind, asked.visitor.readers())):
        raise ForbiddenError("not_yours_to_manage")
    if kind == "auditor":
        raise InputError("auditor_needs_end")
    await asked.record(MakeAccount(person=asked.one.id, kind=kind))
    return await record_and_invite(asked.services, asked.visitor, asked.one.id, asked.contact.email)


async def _invite_again(asked: _Asked) -> str:
    require_days_left(asked.managed())
    return await record_and_invite(asked.services, asked.visitor, asked.one.id, asked.contact.email)


async def _remove_codes(asked: _Asked) -> str:
    asked.managed()
    await asked.record(RemoveCodes(person=asked.one.id))
    return _("One-time codes were taken away from {name}; they are set up anew at the next login.").format(
        name=asked.one.name
    )


async def _close(asked: _Asked) -> str:
    asked.managed()
    await asked.record(CloseAccount(person=asked.one.id))
    return _("The account of {name} is closed.").format(name=asked.one.name)


async def _open(asked: _Asked) -> str:
    require_days_left(asked.managed())
    await asked.record(OpenAccount(person=asked.one.id))
    return _("The account of {name} is open again.").format(name=asked.one.name)


async def _set_last_day(asked: _Asked) -> str:
    account = asked.managed()
    until = last_day(account.kind, asked.typed.get("until", ""))
    await asked.record(SetLastDay(person=asked.one.id, until=until))
    return _("The last day of {name} is set.").format(name=asked.one.name)


async def _name_stand_in(asked: _Asked) -> str:
    asked.managed()
    other, since, until = await stand_in_asked(asked.services, asked.contact, asked.typed)
    await asked.record(NameStandIn(person=other.id, for_person=asked.one.id, since=since, until=until))
    return _("{name} stands in for {whom}.").format(name=other.name, whom=asked.one.name)


async def _end_stand_in(asked: _Asked) -> str:
    asked.managed()
    person = asked.typed.get("person", "")
    if any(one.person == person for one in await asked.services.stand_ins.list(for_person=asked.one.id)):
        await asked.record(EndStandIn(person=person, for_person=asked.one.id))
    return _("It is ended.")


_STEPS: Mapping[str, Callable[[_Asked], Awaitable[str]]] = {
    "contact": _correct,
    "make": _make,
    "invite": _invite_again,
    "code": _remove_codes,
    "close": _close,
    "open": _open,
    "until": _set_last_day,
    "stand-in": _name_stand_in,
    "end-stand-in": _end_stand_in,
}
