"""People: entering persons, their accounts and invitations, and who stands in for whom."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import TypeAdapter

from accounts import Kind
from accounts.log import By
from application.fields import optional_day
from application.persons import is_mail_address
from application.slugs import SLUG, slug_of
from application.visits import ForbiddenError, Visitor
from domain.access import Matter, may_manage
from domain.records import RESERVED
from domain.types import Label
from errors import InputError
from i18n import _, in_language
from i18n.messages import sentence
from i18n.sorting import Key, alphabetical, by_given_name
from mail import DeferredError, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from web import urls
from web.act_form import typed_text
from web.auth import checked_form, reads
from web.checks import checked
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
AccountManager = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]

LABEL: TypeAdapter[str] = TypeAdapter(Label)


@router.get(urls.PEOPLE)
async def people(request: Request, visitor: AccountManager) -> Response:
    """All persons with their accounts, and who stands in for whom."""
    return await _people(request, visitor)


def _by_name(unit: tuple[str, str]) -> Key:
    return alphabetical(unit[1])


async def _people(
    request: Request, visitor: Visitor, *, text: str = "", good: str = "", typed: dict[str, str] | None = None
) -> Response:
    services = get_services(request)
    accounts = {one.person: one for one in await services.accounts.everyone()}
    everyone = sorted(await services.application.people.everyone(), key=lambda one: by_given_name(one.name))
    units: dict[str, str] = {}
    for line in await services.board.lines():
        units.update(line["names"])
    return page(
        request,
        "people.html",
        422 if text else 200,
        rows=[(one, accounts.get(one.id)) for one in everyone],
        text=text,
        good=good,
        typed=typed or {},
        kinds=[kind for kind in get_args(Kind) if may_manage(kind, visitor.readers())],
        names={one.id: one.name for one in everyone},
        units=sorted(units.items(), key=_by_name),
        stand_ins=await services.stand_ins.list(),
        administrator=visitor.login.account.administrator,
        wide=True,
    )


@router.post(urls.PEOPLE)
async def enter(request: Request, visitor: AccountManager) -> Response:
    """Enter a person, make an account, send an invitation."""
    form = await checked_form(request)
    typed = {name: value.strip() for name, value in typed_text(form).items() if not name.startswith("_")}
    try:
        good = await _enter(get_services(request), visitor, typed)
    except InputError as error:
        return await _people(request, visitor, text=sentence(error.code, error.facts), typed=typed)
    return await _people(request, visitor, good=good)


async def _enter(services: Services, visitor: Visitor, typed: dict[str, str]) -> str:
    """Enter a person; returns the sentence about the invitation.

    Raises:
        InputError, ForbiddenError
    """
    kind, administrator = typed.get("kind", "staff"), typed.get("administrator") == "yes"
    if kind not in get_args(Kind) or not may_manage(kind, visitor.readers(), administrator=administrator):
        raise ForbiddenError("not_yours_to_manage")
    name, email = checked(LABEL, typed.get("name", ""), "name"), typed.get("email") or None
    unit = checked(SLUG, typed.get("unit", ""), "unit")
    if email is not None and not is_mail_address(email):
        raise InputError("bad_email", found=email[:80])
    until = optional_day(typed.get("until", ""))
    if kind == "auditor" and until is None:
        raise InputError("auditor_needs_end")
    person = checked(SLUG, typed.get("id") or await _free_id(services, name), "id")
    if person in RESERVED:
        raise InputError("id_reserved", person=person)
    office = checked(LABEL, typed["office"], "office") if typed.get("office") else None
    phone = checked(LABEL, typed["phone"], "phone") if typed.get("phone") else None
    book = services.application.people
    known = await book.get(person)
    if known is not None and (known.unit, known.name) != (unit, name):
        raise InputError("person_differs", person=person, field="name", found=known.name)
    await _require_manageable_unit(services, visitor, unit, unit_may_be_new=kind != "staff")
    await book.enter(person, unit, name, office=office, email=email, phone=phone)
    await book.reach(person, office=office, email=email, phone=phone)
    by = By(visitor.contact.id)
    await services.accounts.make(person, kind, administrator=administrator, until=until, by=by)  # type: ignore[arg-type]
    return await _invite(services, person, email, by)


async def _require_manageable_unit(
    services: Services, visitor: Visitor, unit: str, *, unit_may_be_new: bool = True
) -> None:
    """Check that the visitor may manage accounts of a unit: without being an administrator, only of own clusters.

    `unit_may_be_new`: the unit need not belong to any cluster.

    Raises:
        InputError
    """
    if unit == visitor.unit:
        return
    lines = await services.board.lines(unit=unit)
    if visitor.login.account.administrator:
        if not lines and not unit_may_be_new:
            raise InputError("unit_unknown_web", unit=unit)
        return
    if not any(line["cycle"].startswith(f"{visitor.unit}/") for line in lines):
        raise InputError("unit_elsewhere", unit=unit)


async def _free_id(services: Services, name: str) -> str:
    """An id from a name that no person has yet."""
    base = slug_of(name, "nguoi")
    number, person = 1, base
    while await services.application.people.get(person) is not None:
        number += 1
        person = f"{base}-{number}"
    return person


async def _invite(services: Services, person: str, email: str | None, by: By) -> str:
    """Send an invitation in the language of its account; returns a sentence.

    Without a mail address, the sentence holds the link to pass on.
    """
    url = services.settings.address + urls.invitation_url(await services.accounts.invite(person, by=by))
    if email is None or services.mailer is None:
        return _("No mail address: give {person} this address, it works once, for a week: {way}").format(
            person=person, way=url
        )
    message = EmailMessage()
    message["From"], message["To"] = services.settings.sender, email
    message["Message-ID"], message["Date"] = make_msgid(domain="thidua"), format_datetime(datetime.now(UTC))
    with in_language((await services.accounts.must(person)).language):
        message["Subject"] = _("Your account in Sổ Thi Đua")
        text = _("You can come in as {person}. Choose a password here; the address works once, for a week:\n\n{way}")
    message.set_content(text.format(person=person, way=url))
    try:
        await services.mailer.send(message)
    except (MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError):
        return _("The mail could not be sent. Give {person} this address, it works once: {way}").format(
            person=person, way=url
        )
    return _("{person} is entered, and an invitation is on its way to {email}.").format(person=person, email=email)


@router.post(urls.PERSON)
async def change(request: Request, visitor: AccountManager, person: str) -> Response:
    """Invite again, close or open an account, set its last day, or take one-time codes away: as the button says."""
    form = await checked_form(request)
    services, step = get_services(request), str(form.get("_do", ""))
    if step == "make":
        return await _make(request, visitor, person, str(form.get("kind", "staff")))
    account = await services.accounts.must(person)
    if not may_manage(account.kind, visitor.readers(), administrator=account.administrator):
        raise ForbiddenError("not_yours_to_manage")
    good, by = _("Done."), By(visitor.contact.id)
    try:
        contact = await services.application.person(person)
        await _require_manageable_unit(services, visitor, contact.unit)
        if step == "invite":
            good = await _invite(services, person, contact.email, by)
        elif step == "code":
            await services.accounts.remove_codes(person, by=by)
        elif step in {"close", "open", "until"}:
            until = optional_day(str(form.get("until", "")).strip()) if step == "until" else account.until
            if account.kind == "auditor" and until is None:
                raise InputError("auditor_needs_end")
            disabled = {"close": True, "open": False}.get(step, account.disabled)
            await services.accounts.change(person, until=until, disabled=disabled, by=by)
    except InputError as error:
        return await _people(request, visitor, text=sentence(error.code, error.facts))
    return await _people(request, visitor, good=good)


async def _make(request: Request, visitor: Visitor, person: str, kind: str) -> Response:
    """Make an account for a person who is entered already, and invite them."""
    services = get_services(request)
    if kind not in get_args(Kind) or not may_manage(kind, visitor.readers()):
        raise ForbiddenError("not_yours_to_manage")
    try:
        contact = await services.application.person(person)
        if kind == "auditor":
            raise InputError("auditor_needs_end")
        await _require_manageable_unit(services, visitor, contact.unit)
        by = By(visitor.contact.id)
        await services.accounts.make(person, kind, by=by)  # type: ignore[arg-type]
        good = await _invite(services, person, contact.email, by)
    except InputError as error:
        return await _people(request, visitor, text=sentence(error.code, error.facts))
    return await _people(request, visitor, good=good)
