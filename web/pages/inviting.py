"""Inviting all who were not invited yet, and the list to hand out: who has which account, and how each gets in.

An invitation goes by mail. Who has no mail address gets a link on paper, which is shown once and noted in the log of
accounts; the link of somebody with a mail address is not shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from accounts.invitations import LIFETIMES
from accounts.log import AccountChange, By, note
from accounts.logins import today
from application.downloads import Cell, Table, table_of
from application.engine import PendingError, UnreachableError
from application.visits import Visitor
from application.work import of_many
from domain.access import Matter, may_manage
from domain.records import Refused
from errors import CodedError, InputError
from i18n import _
from ledger.paging import ALL_ROWS, PageRequest
from projections.people import MemberLine
from web import urls
from web.account_mail import invitation_link
from web.auth import checked_form, reads
from web.downloads import TableExtension, as_table
from web.form_problems import form_sentence
from web.inviting import AT_A_TIME, Inviting, invite_all, record_invitations, require_inviter, uninvited
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
AccountManager = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]

PATIENCE_S = 3.0
"""An answer waits so long for the invitations; then its page shows how far they are."""

HANDOUT_ROWS = 200
"""Persons on a page of the list to hand out."""


@router.post(urls.INVITE_ALL)
async def invite(request: Request, visitor: AccountManager) -> Response:
    """Invite those who were shown, by mail; the next page tells what became of it."""
    form, services = await checked_form(request), get_services(request)
    require_inviter(visitor)
    found = await uninvited(services, visitor)
    people = await services.people.uninvited_by_mail(visitor.sees_people_of, today())
    # Between this look and the start of the job nothing may be waited for: two clicks would start two.
    for id_, running in services.jobs.of_kind(Inviting):
        if running.by == visitor.contact.id and not running.done:
            return RedirectResponse(urls.inviting_url(id_), 303)
    if found is None or not people or services.mailer is None or str(form.get("_seal", "")) != found.digest:
        return RedirectResponse(urls.PEOPLE, 303)  # it shows whom there is to invite now
    job = Inviting(len(people), visitor.contact.id, str(request.state.request_id))
    id_ = services.jobs.start(job, invite_all(services, visitor, people, job))
    for _pause in range(int(PATIENCE_S / 0.05)):
        if job.done:
            break
        await asyncio.sleep(0.05)
    return RedirectResponse(urls.inviting_url(id_), 303)


@router.get(urls.INVITING)
async def progress(request: Request, _visitor: AccountManager, job: str) -> Response:
    """How many were invited, and who was not."""
    found = get_services(request).jobs.get(job, Inviting)
    return page(request, "inviting.html", job=found, id=job)


# The list to hand out -----------------------------------------------------------------------------------------------


@router.get(urls.HANDOUT)
async def handout(
    request: Request, visitor: AccountManager, number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1
) -> Response:
    """Who has which account, unit by unit, to print; and a button for the links of those without a mail address."""
    return await _handout(request, visitor, number)


async def _handout(request: Request, visitor: Visitor, number: int = 1, error: CodedError | None = None) -> Response:
    services = get_services(request)
    found = await services.people.members(visitor.sees_people_of, today(), PageRequest(number, HANDOUT_ROWS))
    inviting = may_manage("staff", visitor.readers())
    return page(
        request,
        "handout.html",
        200 if error is None else error.http_status,
        people=[(one, _way_in(one)) for one in found.rows],
        pager=Pager(found, urls.HANDOUT),
        without_mail=await services.people.without_mail(visitor.sees_people_of, today()) if inviting else (),
        address=services.settings.address or str(request.base_url).rstrip("/"),
        today=today(),
        text="" if error is None else form_sentence(error),
    )


@router.get(urls.HANDOUT_DOWNLOAD)
async def handout_download(request: Request, visitor: AccountManager, extension: TableExtension) -> Response:
    """The whole list for a spreadsheet."""
    found = await get_services(request).people.members(visitor.sees_people_of, today(), ALL_ROWS)
    return await as_table(extension, "danh-sach-tai-khoan", await of_many(found.total, _table, found.rows))


def _table(people: Sequence[MemberLine]) -> Table:
    rows: list[dict[str, Cell]] = [
        {
            "unit": one.unit_name,
            "name": one.name,
            "office": one.office,
            "account_name": one.id if one.state in {"open", "invited"} else None,
            "way_in": _way_in(one),
        }
        for one in people
    ]
    return table_of(_("Accounts to hand out"), ("unit", "name", "office", "account_name", "way_in"), rows)


def _way_in(one: MemberLine) -> str:
    """How a person gets in, in words; no secret."""
    if one.state == "open":
        return _("has chosen a password")
    if one.state == "closed":
        return _("the account is closed")
    if one.invited and one.email:
        return _("by the link in the mail to {email}").format(email=one.email)
    if one.invited:
        return _("by the link on paper")
    return _("was not invited yet") if one.email else _("was not invited yet, has no mail address")


@router.post(urls.HANDOUT_LINKS)
async def print_links(request: Request, visitor: AccountManager) -> Response:
    """Make links for people without a mail address, once the visitor has confirmed it, and show them once."""
    form, services = await checked_form(request), get_services(request)
    require_inviter(visitor)
    if form.get("_confirmed") != "yes":
        return await _handout(request, visitor, error=InputError("links_not_confirmed"))
    chosen = set(map(str, form.getlist("person")))
    found = await services.people.without_mail(visitor.sees_people_of, today())
    people = [one for one in found if one.id in chosen]
    if not people:
        return await _handout(request, visitor, error=InputError("links_for_nobody"))
    try:
        for first in range(0, len(people), AT_A_TIME):
            await record_invitations(services, visitor, people[first : first + AT_A_TIME])
    except (Refused, PendingError, UnreachableError) as error:
        return await _handout(request, visitor, error=error)
    slips = []
    for one in people:
        url = await invitation_link(services, one.id)
        await note(services.application.ledger.pool, AccountChange.LINK_SHOWN, one.id, By(visitor.contact.id))
        slips.append((one, url, segno.make(url).svg_data_uri(scale=3)))
    return page(request, "links.html", slips=slips, until=datetime.now(UTC) + LIFETIMES["invitation"])
