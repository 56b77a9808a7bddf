"""People: a list to search, entering persons, and a page for each person: contact, account, stand-ins.

Administrators see everybody; the secretariat the people of its own unit and of its clusters' units.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from accounts import Account, Kind
from accounts.log import By
from accounts.logins import today
from application.downloads import Cell, Table, spoken_phone, table_of
from application.engine import PendingError, UnreachableError
from application.fields import optional_day
from application.slugs import SLUG, is_slug, slug_of
from application.visits import ForbiddenError, Visitor
from application.work import of_many
from domain.access import Matter, Reader, may_manage
from domain.administration import (
    CloseAccount,
    CorrectContact,
    EndStandIn,
    InviteToAccount,
    MakeAccount,
    NameStandIn,
    OpenAccount,
    RemoveCodes,
    SetLastDay,
)
from domain.records import NO_PERSONS, Command, Refused
from errors import HTTP_STATUSES, CodedError, InputError, NotFoundError
from errors import Kind as ErrorKind
from i18n import _
from i18n.messages import word
from i18n.sorting import folded
from ledger.paging import ALL_ROWS, PageRequest
from projections.people import MOST_UNITS, STATES, PeopleQuery, PersonLine
from vault.persons import Contact, NewPerson
from web import urls
from web.account_mail import invite
from web.act_form import typed_text
from web.administrators import administrator
from web.auth import checked_form, possible_stand_ins, reads
from web.checks import checked
from web.contacts import ContactFields, changed_fields, contact_fields, correct_contact
from web.downloads import TableExtension, as_table
from web.form_problems import faulty_field, form_sentence
from web.inviting import uninvited
from web.paging import PageNumber, Pager
from web.render import page
from web.services import Services, get_services
from web.stand_ins import stand_in_asked

router = APIRouter(include_in_schema=False)
AccountManager = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]


TOLD = (InputError, Refused, PendingError, UnreachableError)
"""Errors that the form tells itself, with what was typed."""


def _status(error: CodedError | None) -> int:
    """The status of a form that is shown again; without an error, something is to be chosen or confirmed."""
    return HTTP_STATUSES[ErrorKind.INPUT] if error is None else error.http_status


def _managed_kinds(visitor: Visitor) -> list[str]:
    return [kind for kind in get_args(Kind) if may_manage(kind, visitor.readers())]


# The list -----------------------------------------------------------------------------------------------------------


@router.get(urls.PEOPLE)
async def people(
    request: Request,
    visitor: AccountManager,
    words: Annotated[str, Query(alias=urls.WORDS, max_length=120)] = "",
    unit: Annotated[str, Query(alias=urls.UNIT, max_length=120)] = "",
    kind: Annotated[str, Query(alias=urls.ACCOUNT_KIND, max_length=20)] = "",
    state: Annotated[str, Query(alias=urls.STATE, max_length=20)] = "",
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
) -> Response:
    """The persons with their accounts, in pages, and who stands in for whom."""
    return await _people(request, visitor, PeopleQuery(words, unit, kind, state), number)


@router.get(urls.PEOPLE_DOWNLOAD)
async def people_download(
    request: Request,
    visitor: AccountManager,
    extension: TableExtension,
    words: Annotated[str, Query(alias=urls.WORDS, max_length=120)] = "",
    unit: Annotated[str, Query(alias=urls.UNIT, max_length=120)] = "",
    kind: Annotated[str, Query(alias=urls.ACCOUNT_KIND, max_length=20)] = "",
    state: Annotated[str, Query(alias=urls.STATE, max_length=20)] = "",
) -> Response:
    """The persons that fit, as the list shows them, for a spreadsheet."""
    query = PeopleQuery(words, unit, kind, state)
    found = await get_services(request).people.page(visitor.sees_people_of, query, today(), ALL_ROWS)
    return await as_table(extension, "nguoi-dung", await of_many(found.total, _table, found.rows))


def _table(lines: Sequence[PersonLine]) -> Table:
    states = _state_words()
    rows: list[dict[str, Cell]] = [
        {
            "name": one.name,
            "unit": one.unit_name if one.unit_name != one.unit else None,  # no name is known: an id tells nobody
            "office": one.office,
            "phone": spoken_phone(one.phone or ""),
            "email": one.email,
            "account": "" if one.kind is None else _account_in_words(one),
            "state": states[one.state],
            "until": one.until,
        }
        for one in lines
    ]
    columns = ("name", "unit", "office", "phone", "email", "account", "state", "until")
    return table_of(_("People"), columns, rows)


def _account_in_words(one: PersonLine) -> str:
    kind = word("account", one.kind)
    return f"{kind}, {_('administrator')}" if one.administrator else kind


@dataclass(frozen=True, slots=True)
class _Entered:
    """What was typed of a new person, and what has to be chosen or confirmed before the person is entered."""

    typed: Mapping[str, str]
    text: str = ""
    faulty: str = ""
    """The field that `text` is about."""
    error: CodedError | None = None
    choices: tuple[tuple[str, str], ...] = ()
    """Units that the typed one may stand for."""
    alike: tuple[PersonLine, ...] = ()
    """Persons who may be the same."""


async def _people(
    request: Request,
    visitor: Visitor,
    query: PeopleQuery | None = None,
    number: int = 1,
    *,
    good: str = "",
    entered: _Entered | None = None,
) -> Response:
    services, organiser, query = get_services(request), visitor.sees_people_of, query or PeopleQuery()
    found = await services.people.page(organiser, query, today(), PageRequest(number))
    units = await services.people.units(organiser, limit=MOST_UNITS + 1)
    parameters = {
        urls.WORDS: query.words,
        urls.UNIT: query.unit,
        urls.ACCOUNT_KIND: query.kind,
        urls.STATE: query.state,
    }
    return page(
        request,
        "people.html",
        200 if entered is None else _status(entered.error),
        found=found,
        query=query,
        filtered=parameters,
        pager=Pager(found, urls.PEOPLE, parameters),
        states=_state_words(),
        good=good,
        entered=entered or _Entered({}),
        text="" if entered is None else entered.text,
        kinds=_managed_kinds(visitor),
        all_kinds=get_args(Kind),
        units=units if len(units) <= MOST_UNITS else [],
        stand_ins=await services.people.stand_ins(organiser, today()),
        administrator=visitor.login.account.administrator,
        # Not beside what was searched for, nor on further pages: it looks at everybody.
        uninvited=await uninvited(services, visitor) if query == PeopleQuery() and number == 1 else None,
        mails=services.mailer is not None,
        wide=True,
    )


def _state_words() -> dict[str, str]:
    words = (_("account in use"), _("invited"), _("account closed"), _("no account"))
    return dict(zip(STATES, words, strict=True))


# Entering -----------------------------------------------------------------------------------------------------------


@router.post(urls.PEOPLE)
async def enter(request: Request, visitor: AccountManager) -> Response:
    """Enter a person, make an account, send an invitation. A person who is entered already is not changed."""
    form, services = await checked_form(request), get_services(request)
    typed = {name: value.strip() for name, value in typed_text(form).items() if not name.startswith("_")}
    try:
        account = _new_account(visitor, typed)
        contact = contact_fields(typed)
        if choices := await _units_meant(services, visitor, typed.get("unit", ""), account.kind):
            text = _("Which unit is it?")
            return await _people(request, visitor, entered=_Entered(typed, text, "unit", choices=tuple(choices)))
        typed["unit"] = unit = await _unit(services, visitor, typed.get("unit", ""), account.kind)
        alike = await _alike(services, visitor, unit, contact)
        if not {one.id for one in alike} <= set(str(form.get("_not_these", "")).split(",")):
            text = _("There is such a person already; nothing was entered and nothing was changed.")
            return await _people(request, visitor, entered=_Entered(typed, text, alike=alike))
        person = await _enter(services, visitor, typed, contact, account)
        invited = await _invite(services, visitor, person, contact.email)
    except TOLD as error:
        return await _people(
            request, visitor, entered=_Entered(typed, form_sentence(error), faulty_field(error), error)
        )
    return await _people(request, visitor, good=" ".join((invited, *contact.notes)))


@dataclass(frozen=True, slots=True)
class _NewAccount:
    kind: Kind
    administrator: bool
    until: date | None


def _new_account(visitor: Visitor, typed: Mapping[str, str]) -> _NewAccount:
    """Read which account is asked for.

    Raises:
        ForbiddenError: the visitor may not make it.
        InputError: `auditor_needs_end`, `last_day_past`.
    """
    kind, administrator = typed.get("kind", "staff"), typed.get("administrator") == "yes"
    if kind not in get_args(Kind) or not may_manage(kind, visitor.readers(), administrator=administrator):
        raise ForbiddenError("not_yours_to_manage")
    return _NewAccount(kind, administrator, _last_day(kind, typed.get("until", "")))  # type: ignore[arg-type]


def _last_day(kind: str, text: str) -> date | None:
    until = optional_day(text, "until")
    if kind == "auditor" and until is None:
        raise InputError("auditor_needs_end")
    if until is not None and until < today():
        raise InputError("last_day_past", day=until)
    return until


async def _units_meant(services: Services, visitor: Visitor, typed: str, kind: str) -> list[tuple[str, str]]:
    """Units among which the visitor must choose: those that fit what was typed, where it names none exactly."""
    if not typed or await _is_unit(services, visitor, typed, kind):
        return []
    found = await services.people.units(visitor.sees_people_of, typed, limit=20)
    return [] if len(_named(found, typed)) == 1 else found


def _named(units: list[tuple[str, str]], typed: str) -> list[str]:
    return [unit for unit, name in units if folded(typed) in {folded(name), unit}]


async def _unit(services: Services, visitor: Visitor, typed: str, kind: str) -> str:
    """The unit that was typed, by its id or its name.

    Raises:
        InputError: `unit_unknown_web`, `unit_elsewhere`.
    """
    if await _is_unit(services, visitor, typed, kind):
        return typed
    named = _named(await services.people.units(visitor.sees_people_of, typed, limit=20), typed)
    if len(named) == 1:
        return named[0]
    unknown = "unit_unknown_web" if visitor.login.account.administrator else "unit_elsewhere"
    raise InputError(unknown, unit=typed[:80])


async def _is_unit(services: Services, visitor: Visitor, typed: str, kind: str) -> bool:
    """Whether it is the id of a unit whose people the visitor manages.

    An administrator may enter people of units that are in no cluster, but for staff: a unit of theirs is mistyped.
    """
    if typed == visitor.unit:
        return True
    if visitor.login.account.administrator and kind != "staff" and is_slug(typed):
        return True
    return typed in dict(await services.people.units(visitor.sees_people_of, typed, limit=MOST_UNITS))


async def _alike(services: Services, visitor: Visitor, unit: str, fields: ContactFields) -> tuple[PersonLine, ...]:
    return await services.people.alike(
        visitor.sees_people_of, today(), name=fields.name, email=fields.email, phone=fields.phone, unit=unit
    )


async def _enter(
    services: Services, visitor: Visitor, typed: Mapping[str, str], fields: ContactFields, account: _NewAccount
) -> str:
    """Enter a new person with an account; returns the person's id.

    Raises:
        InputError: `id_taken`, `id_reserved`, `field_bad`.
    """
    person = checked(SLUG, typed.get("id") or await _free_id(services, fields.name), "id")
    if person in NO_PERSONS:
        raise InputError("id_reserved", person=person)
    new = NewPerson(person, typed["unit"], fields.name, fields.office, fields.email, fields.phone)
    if not await services.application.people.add(new):
        raise InputError("id_taken", person=person)  # whose it is, is not said: it may be another organiser's
    made = MakeAccount(person=person, kind=account.kind, administrator=account.administrator, until=account.until)
    await services.administration.record(administrator(visitor), made)
    return person


async def _invite(services: Services, visitor: Visitor, person: str, email: str | None) -> str:
    """Record that a person is invited, and send the invitation."""
    await services.administration.record(administrator(visitor), InviteToAccount(person=person))
    return await invite(services, person, email, By(visitor.contact.id))


async def _free_id(services: Services, name: str) -> str:
    """An id from a name that no person has yet."""
    base = slug_of(name, "nguoi")
    number, person = 1, base
    while await services.application.people.get(person) is not None or person in NO_PERSONS:
        number += 1
        person = f"{base}-{number}"
    return person


# A person -----------------------------------------------------------------------------------------------------------


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
        200 if error is None else _status(error),
        one=one,
        account=account,
        text="" if error is None else form_sentence(error),
        faulty="" if error is None else faulty_field(error),
        good=good,
        typed=typed or {},
        states=_state_words(),
        kinds=[kind for kind in _managed_kinds(visitor) if kind != "auditor"],
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
    return await _invite(asked.services, asked.visitor, asked.one.id, asked.contact.email)


async def _invite_again(asked: _Asked) -> str:
    _require_days_left(asked.managed())
    return await _invite(asked.services, asked.visitor, asked.one.id, asked.contact.email)


def _require_days_left(account: Account) -> None:
    """Refuse to open or invite where the last day is over: the login would be refused.

    Raises:
        InputError: `last_day_was`.
    """
    if account.until is not None and account.until < today():
        raise InputError("last_day_was", day=account.until)


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
    _require_days_left(asked.managed())
    await asked.record(OpenAccount(person=asked.one.id))
    return _("The account of {name} is open again.").format(name=asked.one.name)


async def _set_last_day(asked: _Asked) -> str:
    account = asked.managed()
    until = _last_day(account.kind, asked.typed.get("until", ""))
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
