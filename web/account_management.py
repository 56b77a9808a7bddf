"""What both pages of people need: which accounts a visitor manages, the last day of one, and how an error is told."""

from __future__ import annotations

from datetime import date
from typing import get_args

from accounts import Account, Kind
from accounts.log import By
from accounts.logins import today
from application.engine import PendingError, UnreachableError
from application.fields import optional_day
from application.visits import Visitor
from domain.access import may_manage
from domain.administration import InviteToAccount
from domain.records import Refused
from errors import HTTP_STATUSES, CodedError, InputError
from errors import Kind as ErrorKind
from i18n import _
from projections.people import STATES
from web.account_mail import invite
from web.administrators import administrator
from web.services import Services

TOLD = (InputError, Refused, PendingError, UnreachableError)
"""Errors that the form tells itself, with what was typed."""


def form_status(error: CodedError | None) -> int:
    """The status of a form that is shown again; without an error, something is to be chosen or confirmed."""
    return HTTP_STATUSES[ErrorKind.INPUT] if error is None else error.http_status


def managed_kinds(visitor: Visitor) -> list[str]:
    """The kinds of accounts that a visitor may make."""
    return [kind for kind in get_args(Kind) if may_manage(kind, visitor.readers())]


def state_words() -> dict[str, str]:
    """The states of an account in words, by their keys."""
    words = (_("account in use"), _("invited"), _("account closed"), _("no account"))
    return dict(zip(STATES, words, strict=True))


def last_day(kind: str, text: str) -> date | None:
    """Read the last day of an account; None for one without.

    Raises:
        InputError: `auditor_needs_end`, `last_day_past`, or the text is no day.
    """
    until = optional_day(text, "until")
    if kind == "auditor" and until is None:
        raise InputError("auditor_needs_end")
    if until is not None and until < today():
        raise InputError("last_day_past", day=until)
    return until


def require_days_left(account: Account) -> None:
    """Refuse to open or invite where the last day is over: the login would be refused.

    Raises:
        InputError: `last_day_was`.
    """
    if account.until is not None and account.until < today():
        raise InputError("last_day_was", day=account.until)


async def record_and_invite(services: Services, visitor: Visitor, person: str, email: str | None) -> str:
    """Record that a person is invited, and send the invitation; returns a sentence.

    Raises:
        GateClosedError, RefusedError, PendingError, UnreachableError
    """
    await services.administration.record(administrator(visitor), InviteToAccount(person=person))
    return await invite(services, person, email, By(visitor.contact.id))
