"""Mails with a link for a new password, sent after the answer: its time tells nothing of who has an account."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import structlog

from accounts.invitations import LIFETIMES
from accounts.logins import today
from accounts.passwords import BusyError
from i18n import in_language
from vault.persons import Contact
from web.account_mail import new_password_mail, send_until
from web.services import Services

log = structlog.get_logger()

MOST_AT_A_TIME = 20


def ask_for_mail(services: Services, person: str) -> None:
    """Send a link to a person, or to the persons with a mail address or number, in the background.

    Nothing is sent where there is none, or where the person got enough of them by whatever name.

    Raises:
        BusyError: so many are being sent already.
    """
    tasks = services.mails
    if len(tasks) >= MOST_AT_A_TIME:
        raise BusyError
    task = asyncio.create_task(_send(services, person))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _send(services: Services, asked: str) -> None:
    try:
        for person in await services.accounts.accounts_named(asked, today()):
            contact = await services.application.people.get(person)
            if contact is not None and await services.throttle.may_mail(person):
                await _send_link(services, contact)
    except Exception:  # no request waits for this task, and the answer was given
        log.exception("mail for a new password")


async def _send_link(services: Services, contact: Contact) -> None:
    """Send a link to one person, if their account is open and not an auditor's."""
    account = await services.accounts.get(contact.id)
    if account is None or account.kind == "auditor" or not account.open_on(today()):
        return
    if contact.email is None or services.mailer is None:
        return
    await services.throttle.mail_is_sent(contact.id)
    secret, asked = await services.accounts.forgotten(contact.id), datetime.now(UTC)
    with in_language(account.language):
        mail = new_password_mail(services, contact.id, secret, asked)
    until = asked + LIFETIMES["forgotten"]
    if not await send_until(services, contact.email, mail, until):
        log.warning("mail for a new password was not sent")
