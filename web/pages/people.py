"""People: a list to search, and entering persons.

Administrators see everybody; the secretariat the people of its own unit and of its clusters' units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from accounts import Kind
from accounts.logins import today
from application.downloads import Cell, Table, spoken_phone, table_of
from application.slugs import SLUG, is_slug, slug_of
from application.visits import ForbiddenError, Visitor
from application.work import of_many
from domain.access import Matter, may_manage
from domain.administration import MakeAccount
from domain.records import NO_PERSONS
from errors import CodedError, InputError
from i18n import _
from i18n.messages import word
from i18n.sorting import folded
from ledger.paging import ALL_ROWS, PageRequest
from projections.people import MOST_UNITS, PeopleQuery, PersonLine
from vault.persons import NewPerson
from web import urls
from web.account_management import TOLD, form_status, last_day, managed_kinds, record_and_invite, state_words
from web.act_form import typed_text
from web.administrators import administrator
from web.auth import checked_form, reads
from web.checks import checked
from web.contacts import ContactFields, contact_fields
from web.downloads import TableExtension, as_table
from web.form_problems import faulty_field, form_sentence
from web.inviting import uninvited
from web.paging import PageNumber, Pager
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
AccountManager = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]


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
    states = state_words()
    rows: list[dict[str, Cell]] = [
        {
            "name": one.name,
            "unit": one.unit_name if one.unit_name != one.unit else None,  # no name is known: an id tells nothing
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
    parameters = {
        urls.WORDS: query.words,
        urls.UNIT: query.unit,
        urls.ACCOUNT_KIND: query.kind,
        urls.STATE: query.state,
    }
    return page(
        request,
        "people.html",
        200 if entered is None else form_status(entered.error),
        found=found,
        query=query,
        filtered=parameters,
        pager=Pager(found, urls.PEOPLE, parameters),
        states=state_words(),
        good=good,
        entered=entered or _Entered({}),
        text="" if entered is None else entered.text,
        kinds=managed_kinds(visitor),
        all_kinds=get_args(Kind),
        units=await services.people.choices(organiser),
        stand_ins=await services.people.stand_ins(organiser, today()),
        administrator=visitor.login.account.administrator,
        # Not beside what was searched for, nor on further pages: it looks at everybody.
        uninvited=await uninvited(services, visitor) if query == PeopleQuery() and number == 1 else None,
        mails=services.mailer is not None,
        wide=True,
    )


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
        invited = await record_and_invite(services, visitor, person, contact.email)
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
    return _NewAccount(kind, administrator, last_day(kind, typed.get("until", "")))  # type: ignore[arg-type]


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


async def _free_id(services: Services, name: str) -> str:
    """An id from a name that no person has yet."""
    base = slug_of(name, "nguoi")
    number, person = 1, base
    while await services.application.people.get(person) is not None or person in NO_PERSONS:
        number += 1
        person = f"{base}-{number}"
    return person
