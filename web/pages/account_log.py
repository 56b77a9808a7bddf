"""What was done to accounts, and the timeline of the register itself, for auditors and administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from accounts.log import SOON
from application.account_log import RENEWED, act_of_event, soon_signed, told
from application.timeline import installation_timeline
from application.verification import chain_warning
from application.visits import Visitor
from domain.access import Matter
from domain.installation import STREAM
from i18n import _
from ledger.paging import PageRequest
from web import urls
from web.auth import reads
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)


@router.get(urls.ACCOUNT_LOG)
async def account_log(
    request: Request,
    _visitor: Annotated[Visitor, Depends(reads(Matter.ACCOUNT_LOG))],
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
    person: Annotated[str, Query(alias=urls.PERSON_OF, max_length=80)] = "",
) -> Response:
    """The log, the newest entries first: all, or those that were done to or by one person."""
    services = get_services(request)
    found = await services.account_log.page(PageRequest(number), person)
    entries = found.rows
    people = {person} | {one.person for one in entries} | {one.by.person for one in entries if one.by.person}
    people |= {one.facts["for_person"] for one in entries if "for_person" in one.facts}
    names = await services.application.people.names(people)
    return page(
        request,
        "account_log.html",
        rows=[(one, told(one, names), names.get(one.person) or _("a person without a name here")) for one in entries],
        pager=Pager(found, urls.ACCOUNT_LOG, {urls.PERSON_OF: person}),
        person=person,
        name=names.get(person) or _("a person without a name here"),
        wide=True,
    )


@router.get(urls.INSTALLATION_TIMELINE)
async def timeline(
    request: Request,
    _visitor: Annotated[Visitor, Depends(reads(Matter.ACCOUNT_LOG))],
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
) -> Response:
    """Every event of the installation's own stream, with its digests, in the order in which they were recorded."""
    application = get_services(request).application
    rows = [row for row, _envelope in await application.history(STREAM)]
    found = await installation_timeline(application, PageRequest(number))
    return page(
        request,
        "installation_timeline.html",
        entries=found.rows,
        pager=Pager(found, urls.INSTALLATION_TIMELINE),
        broken=chain_warning(rows, _("the register itself")),
    )


@router.get(urls.SOON_SIGNED)
async def signed_soon(
    request: Request,
    _visitor: Annotated[Visitor, Depends(reads(Matter.ACCOUNT_LOG))],
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
) -> Response:
    """What was signed soon after a login was renewed."""
    services = get_services(request)
    found = await soon_signed(services.account_log, PageRequest(number))
    names = await services.application.people.names({one.person for one in found.rows})
    titles = await services.board.titles({one.stream for one in found.rows})
    return page(
        request,
        "soon_signed.html",
        rows=[
            (
                one,
                names.get(one.person, ""),
                act_of_event(one.type),
                _(RENEWED[one.renewal.change]),
                titles.get(one.stream, ""),
            )
            for one in found.rows
        ],
        pager=Pager(found, urls.SOON_SIGNED),
        hours=int(SOON.total_seconds() // 3600),
        wide=True,
    )
