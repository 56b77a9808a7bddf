"""People: who may come in, who stands in for whom; and everybody's own page: password, calendar, mail, tokens."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import TypeAdapter, ValidationError

from accounts import Kind, Scope
from accounts.stand_ins import StandIn
from application.fields import parse_day
from application.persons import is_mail_address
from domain.access import Matter, may_manage
from domain.types import RESERVED, Label, Slug
from errors import InputError, NotFoundError
from i18n import LANGUAGES, _, in_language
from i18n.messages import sentence
from i18n.sorting import Key, alphabetical, by_given_name
from mail import DeferredError, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from web.auth import ForbiddenError, Visitor, checked_form, reads, today
from web.calendars import calendar_of
from web.pages.home import tasks_of
from web.reauthentication import address_of, reauthenticated
from web.render import page
from web.services import Services, services

router = APIRouter(include_in_schema=False)
Keeper = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]
Somebody = Annotated[Visitor, Depends(reads(Matter.OWN))]

_SLUG: TypeAdapter[str] = TypeAdapter(Slug)
_LABEL: TypeAdapter[str] = TypeAdapter(Label)
TOKEN_DAYS = 365


@router.get("/nguoi-dung")
async def people(request: Request, visitor: Keeper) -> Response:
    """Everybody, with their accounts; who stands in for whom."""
    return await _people(request, visitor)


def _by_name(unit: tuple[str, str]) -> Key:
    return alphabetical(unit[1])


async def _people(
    request: Request, visitor: Visitor, *, text: str = "", good: str = "", typed: dict[str, str] | None = None
) -> Response:
    work = services(request)
    accounts = {one.person: one for one in await work.accounts.everyone()}
    everyone = sorted(await work.office.people.everyone(), key=lambda one: by_given_name(one.name))
    rows = [(one, accounts.get(one.id)) for one in everyone]
    names = {one.id: one.name for one, _account in rows}
    units: dict[str, str] = {}
    for line in await work.board.lines():
        units.update(line["names"])
    return page(
        request,
        "people.html",
        422 if text else 200,
        rows=rows,
        text=text,
        good=good,
        typed=typed or {},
        kinds=[kind for kind in get_args(Kind) if may_manage(kind, visitor.readers())],
        names=names,
        units=sorted(units.items(), key=_by_name),
        stand_ins=await work.stand_ins.list(),
        administrator=visitor.login.account.administrator,
        wide=True,
    )


@router.post("/nguoi-dung")
async def enter(request: Request, visitor: Keeper) -> Response:
    """Enter a person, make an account, send an invitation."""
    form = await checked_form(request)
    typed = {name: str(value).strip() for name, value in form.multi_items() if not name.startswith("_")}
    try:
        good = await _enter(services(request), visitor, typed)
    except InputError as error:
        return await _people(request, visitor, text=sentence(error.code, error.facts), typed=typed)
    return await _people(request, visitor, good=good)


async def _enter(work: Services, visitor: Visitor, typed: dict[str, str]) -> str:
    """Enter somebody; returns what is told.

    Raises:
        InputError, ForbiddenError
    """
    kind, administrator = typed.get("kind", "staff"), typed.get("administrator") == "yes"
    if kind not in get_args(Kind) or not may_manage(kind, visitor.readers(), administrator=administrator):
        raise ForbiddenError("not_yours_to_manage")
    name, email = _checked(_LABEL, typed.get("name", ""), "name"), typed.get("email") or None
    unit = _checked(_SLUG, typed.get("unit", ""), "unit")
    if email is not None and not is_mail_address(email):
        raise InputError("bad_email", found=email[:80])
    until = _until(typed.get("until", ""))
    if kind == "auditor" and until is None:
        raise InputError("auditor_needs_end")
    person = _checked(_SLUG, typed.get("id") or await _free_id(work, name), "id")
    if person in RESERVED:
        raise InputError("id_reserved", person=person)
    office = _checked(_LABEL, typed["office"], "office") if typed.get("office") else None
    phone = _checked(_LABEL, typed["phone"], "phone") if typed.get("phone") else None
    known = await work.office.people.get(person)
    if known is not None and (known.unit, known.name) != (unit, name):
        raise InputError("person_differs", person=person, field="name", found=known.name)
    await _must_be_ours(work, visitor, unit, known=kind != "staff")
    await work.office.people.enter(person, unit, name, office=office, email=email, phone=phone)
    await work.office.people.reach(person, office=office, email=email, phone=phone)
    await work.accounts.make(person, kind, administrator=administrator, until=until)  # type: ignore[arg-type]
    return await _invite(work, person, email)


async def _must_be_ours(work: Services, visitor: Visitor, unit: str, *, known: bool = True) -> None:
    """Whoever is no administrator keeps to the people of their own organiser's clusters.

    `known`: the unit need not belong to any cluster.

    Raises:
        InputError
    """
    if unit == visitor.unit:
        return
    lines = await work.board.lines(unit=unit)
    if visitor.login.account.administrator:
        if not lines and not known:
            raise InputError("unit_unknown_web", unit=unit)
        return
    if not any(line["cycle"].startswith(f"{visitor.unit}/") for line in lines):
        raise InputError("unit_elsewhere", unit=unit)


def _checked(adapter: TypeAdapter[str], value: str, place: str) -> str:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        raise InputError("field_bad", place=place, found=value[:80]) from None


async def _free_id(work: Services, name: str) -> str:
    """An id from a name, that nobody has yet."""
    plain = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    base = re.sub(r"[^a-z0-9]+", "-", "".join(c for c in plain if not unicodedata.combining(c))).strip("-") or "nguoi"
    number, person = 1, base
    while await work.office.people.get(person) is not None:
        number += 1
        person = f"{base}-{number}"
    return person


def _until(text: str) -> date | None:
    return parse_day(text) if text else None


async def _invite(work: Services, person: str, email: str | None) -> str:
    """Send an invitation in the language of its account; without a mail address, return the link to pass on."""
    way = f"{work.settings.address}/loi-moi/{await work.accounts.invite(person)}"
    if email is None or work.mailer is None:
        return _("No mail address: give {person} this address, it works once, for a week: {way}").format(
            person=person, way=way
        )
    message = EmailMessage()
    message["From"], message["To"] = work.settings.sender, email
    message["Message-ID"], message["Date"] = make_msgid(domain="thidua"), format_datetime(datetime.now(UTC))
    with in_language((await work.accounts.must(person)).language):
        message["Subject"] = _("Your account in Sổ Thi Đua")
        text = _("You can come in as {person}. Choose a password here; the address works once, for a week:\n\n{way}")
    message.set_content(text.format(person=person, way=way))
    try:
        await work.mailer.send(message)
    except (MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError):
        return _("The mail could not be sent. Give {person} this address, it works once: {way}").format(
            person=person, way=way
        )
    return _("{person} is entered, and an invitation is on its way to {email}.").format(person=person, email=email)


@router.post("/nguoi-dung/{person}")
async def change(request: Request, visitor: Keeper, person: str) -> Response:
    """Invite again, close or open an account, set its last day, or take one-time codes away."""
    form = await checked_form(request)
    work, do = services(request), str(form.get("_do", ""))
    if do == "make":
        return await _make(request, visitor, person, str(form.get("kind", "staff")))
    account = await work.accounts.must(person)
    if not may_manage(account.kind, visitor.readers(), administrator=account.administrator):
        raise ForbiddenError("not_yours_to_manage")
    good = _("Done.")
    try:
        await _must_be_ours(work, visitor, (await work.office.person(person)).unit)
        if do == "invite":
            contact = await work.office.person(person)
            good = await _invite(work, person, contact.email)
        elif do == "code":
            await work.accounts.set_totp(person, None)
        elif do in {"close", "open", "until"}:
            until = _until(str(form.get("until", "")).strip()) if do == "until" else account.until
            if account.kind == "auditor" and until is None:
                raise InputError("auditor_needs_end")
            disabled = {"close": True, "open": False}.get(do, account.disabled)
            await work.accounts.change(person, until=until, disabled=disabled)
    except InputError as error:
        return await _people(request, visitor, text=sentence(error.code, error.facts))
    return await _people(request, visitor, good=good)


async def _make(request: Request, visitor: Visitor, person: str, kind: str) -> Response:
    """An account and an invitation for somebody who stands in the book already."""
    work = services(request)
    if kind not in get_args(Kind) or not may_manage(kind, visitor.readers()):
        raise ForbiddenError("not_yours_to_manage")
    try:
        contact = await work.office.person(person)
        if kind == "auditor":
            raise InputError("auditor_needs_end")
        await _must_be_ours(work, visitor, contact.unit)
        await work.accounts.make(person, kind)  # type: ignore[arg-type]
        good = await _invite(work, person, contact.email)
    except InputError as error:
        return await _people(request, visitor, text=sentence(error.code, error.facts))
    return await _people(request, visitor, good=good)


# One's own ---------------------------------------------------------------------------------


@router.get("/toi")
async def me(request: Request, visitor: Somebody) -> Response:
    """One's own page."""
    return await _me(request, visitor)


async def _me(request: Request, visitor: Visitor, *, text: str = "", good: str = "", shown: str = "") -> Response:
    work, person = services(request), visitor.contact.id
    colleagues = [one for one in await work.office.people.everyone() if one.id != person and one.name]
    may_stand_in = [
        (one.for_person, await work.office.people.get(one.for_person))
        for one in await work.stand_ins.list(person=person)
        if one.since <= today() <= one.until
    ]
    mine = [one for one in colleagues if one.unit == visitor.contact.unit]
    return page(
        request,
        "me.html",
        422 if text else 200,
        text=text,
        good=good,
        shown=shown,
        may_stand_in=may_stand_in,
        tokens=await work.accounts.tokens(person),
        scopes=get_args(Scope),
        colleagues=mine,
        languages=LANGUAGES,
        my_stand_ins=await work.stand_ins.list(for_person=person),
        names={one.id: one.name for one in colleagues},
    )


@router.post("/toi")
async def change_me(request: Request, visitor: Somebody) -> Response:
    """Change one's own things, as the button says."""
    form = await checked_form(request)
    typed = {name: str(value).strip() for name, value in form.multi_items()}
    typed["_address"] = address_of(request)
    steps = {
        "password": _new_password,
        "mail": _mail,
        "stand-in": _stand_in,
        "end-stand-in": _end_stand_in,
        "act-for": _act_for,
        "calendar": _calendar,
        "token": _token,
        "revoke": _revoke,
    }
    step = steps.get(typed.get("_do", ""))
    if step is None:
        return await _me(request, visitor)
    try:
        good, shown = await step(services(request), visitor, typed)
    except InputError as error:
        return await _me(request, visitor, text=sentence(error.code, error.facts))
    if typed["_do"] in {"act-for", "mail"}:
        return RedirectResponse("/toi", 303)
    return await _me(request, visitor, good=good, shown=shown)


async def _new_password(work: Services, visitor: Visitor, typed: dict[str, str]) -> tuple[str, str]:
    person = visitor.contact.id
    if not await reauthenticated(work, person, typed.get("_password", ""), typed["_address"]):
        raise InputError("password_does_not_fit")
    if typed.get("_new") != typed.get("_again"):
        raise InputError("passwords_differ")
    await work.accounts.set_password(person, typed.get("_new", ""))
    await work.accounts.end_all(person, but=visitor.secret)
    return _("The password is changed; all other logins and tokens are ended."), ""


async def _mail(work: Services, visitor: Visitor, typed: dict[str, str]) -> tuple[str, str]:
    digest, language = typed.get("digest", "each"), typed.get("language", "vi")
    if digest not in {"each", "daily", "weekly"} or language not in LANGUAGES:
        raise InputError("field_bad", place="digest", found=digest[:20])
    await work.accounts.prefer(visitor.contact.id, language=language, digest=digest)
    return _("Kept."), ""


async def _stand_in(work: Services, visitor: Visitor, typed: dict[str, str]) -> tuple[str, str]:
    other = await work.office.people.get(typed.get("person", ""))
    since, until = _until(typed.get("since", "")), _until(typed.get("until", ""))
    account = await work.accounts.get(other.id) if other is not None else None
    # Of the same kind: what is read goes by the account, what is said by the unit; a stand-in must not gain by either.
    mine = visitor.login.account
    if other is None or account is None or account.kind != mine.kind or other.id == visitor.contact.id:
        raise InputError("stand_in_unknown")
    if since is None or until is None or until < since:
        raise InputError("stand_in_dates")
    await work.stand_ins.name(StandIn(other.id, visitor.contact.id, since, until, visitor.contact.id))
    return _("{name} stands in for you.").format(name=other.name), ""


async def _end_stand_in(work: Services, visitor: Visitor, typed: dict[str, str]) -> tuple[str, str]:
    await work.stand_ins.end(typed.get("person", ""), visitor.contact.id)
    return _("It is ended."), ""


async def _act_for(work: Services, visitor: Visitor, typed: dict[str, str]) -> tuple[str, str]:
    await work.accounts.stand_in(visitor.secret, typed.get("person") or None)
    return "", ""


async def _calendar(work: Services, visitor: Visitor, _typed: dict[str, str]) -> tuple[str, str]:
    secret = await work.calendars.new(visitor.contact.id)
    return _("The address of your calendar; earlier ones are void:"), f"{work.settings.address}/lich/{secret}.ics"


async def _token(work: Services, visitor: Visitor, typed: dict[str, str]) -> tuple[str, str]:
    if (scope := typed.get("scope", "read")) not in get_args(Scope):
        raise InputError("field_bad", place="scope", found=scope[:20])
    if not await reauthenticated(work, visitor.contact.id, typed.get("_password", ""), typed["_address"]):
        raise InputError("password_does_not_fit")
    name = _checked(_LABEL, typed.get("name", ""), "name")
    secret = await work.accounts.new_token(visitor.contact.id, name, scope, TOKEN_DAYS)  # type: ignore[arg-type]
    return _("The token; it is shown only now:"), secret


async def _revoke(work: Services, visitor: Visitor, typed: dict[str, str]) -> tuple[str, str]:
    await work.accounts.revoke(visitor.contact.id, typed.get("token", ""))
    return _("It is useless from now on."), ""


@router.get("/lich/{secret}.ics")
async def calendar(request: Request, secret: str) -> Response:
    """A calendar of somebody's deadlines, at a private address."""
    work = services(request)
    person = await work.calendars.person_of(secret)
    account = await work.accounts.get(person) if person is not None else None
    contact = await work.office.people.get(person) if person is not None else None
    if account is None or contact is None or not account.open_on(today()):
        raise NotFoundError("no_such_calendar")
    tasks: Any = await tasks_of(work, contact.unit)
    # Calendar programs send no language cookie.
    with in_language(account.language):
        body = calendar_of(tasks, work.settings.address)
    return Response(body, media_type="text/calendar; charset=utf-8")
