"""Inviting many people at once: who was not invited yet, and the job that records their invitations and sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from accounts.log import By
from accounts.logins import today
from application.error_mapping import coded_error
from application.visits import ForbiddenError, Visitor
from domain.access import may_manage
from domain.administration import InviteToAccount, MakeAccount
from domain.records import Command
from errors import InternalError, Kind
from i18n.messages import sentence
from projections.people import MemberLine, Uninvited
from web.account_mail import invite_by_mail
from web.administrators import administrator
from web.services import Services

log = structlog.get_logger()

AT_A_TIME = 25
"""So many people are recorded as invited in one batch, and then get their mails."""

NAMED_MOST = 40
"""So many people without a mail address are named on the page; the list to hand out has them all."""

REFUSED_IN_A_ROW = 3
"""After so many mails in a row that the mail server did not take, the rest are not invited."""


@dataclass(slots=True)
class Inviting:
    """Invitations that are being sent, to `total` people; persons are told by name and unit."""

    total: int
    by: str
    request: str
    sent: int = 0
    not_sent: list[str] = field(default_factory=list)
    done: bool = False
    stopped: str = ""


def require_inviter(visitor: Visitor) -> None:
    """Refuse those who may not make accounts of staff.

    Raises:
        ForbiddenError
    """
    if not may_manage("staff", visitor.readers()):
        raise ForbiddenError("not_yours_to_manage")


async def uninvited(services: Services, visitor: Visitor) -> Uninvited | None:
    """How many the visitor can invite all at once; None for visitors who may not invite."""
    if not may_manage("staff", visitor.readers()):
        return None
    return await services.people.uninvited(visitor.sees_people_of, today(), NAMED_MOST)


async def invite_all(services: Services, visitor: Visitor, people: Sequence[MemberLine], job: Inviting) -> None:
    """Invite people by mail in batches, recorded first, then sent; `job` is told how far it is.

    The link of an invitation that was not sent is void.
    """
    in_a_row = 0
    try:
        # Those who were invited meanwhile, by another click, have their mail.
        left = {one.id for one in await services.people.uninvited_by_mail(visitor.sees_people_of, today())}
        people = [one for one in people if one.id in left]
        job.total = len(people)
        for first in range(0, len(people), AT_A_TIME):
            some = people[first : first + AT_A_TIME]
            await record_invitations(services, visitor, some)
            for one in some:
                if in_a_row < REFUSED_IN_A_ROW and await invite_by_mail(services, one.id, By(visitor.contact.id)):
                    job.sent, in_a_row = job.sent + 1, 0
                    continue
                in_a_row += 1
                await services.accounts.withdraw_links(one.id)
                job.not_sent.append(f"{one.name}, {one.unit_name}")
            if in_a_row >= REFUSED_IN_A_ROW:
                job.not_sent += [f"{one.name}, {one.unit_name}" for one in people[first + AT_A_TIME :]]
                break
    except Exception as error:
        found = coded_error(error) or InternalError("our_bug_web", request=job.request)
        if found.kind is Kind.OURS:
            log.exception("people not invited")
        job.stopped = sentence(found.code, found.facts)
    job.done = True


async def record_invitations(services: Services, visitor: Visitor, people: Sequence[MemberLine]) -> None:
    """Record that people are invited; who has no account gets one of staff.

    Raises:
        GateClosedError, RefusedError, PendingError, UnreachableError
    """
    commands: list[Command] = []
    for one in people:
        if one.state == "none":
            commands.append(MakeAccount(person=one.id, kind="staff"))
        commands.append(InviteToAccount(person=one.id))
    await services.administration.record(administrator(visitor), *commands)
