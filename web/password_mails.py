"""Mails with a link for a new password, sent after the answer: its time tells nothing of who has an account."""

from __future__ import annotations

import asyncio

import structlog

from accounts.passwords import BusyError
from i18n import _, in_language
from vault.persons import Contact
from web import urls
from web.account_mail import send
from web.auth import today
from web.services import Services

log = structlog.get_logger()

MOST_AT_A_TIME = 20


def ask_for_mail(services: Services, person: str) -> None:
    """Send a link to a person, or to the persons with a mail address, in the background; nothing where there is none.

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
        for contact in await _persons(services, asked):
            await _send_link(services, contact)
    except Exception:  # no request waits for this task, and the answer was given
        log.exception("mail for a new password")


async def _persons(services: Services, asked: str) -> list[Contact]:
    book = services.application.people
    if "@" in asked:
        return [one for one in await book.everyone() if (one.email or "").lower() == asked]
    found = await book.get(asked)
    return [] if found is None else [found]


async def _send_link(services: Services, contact: Contact) -> None:
    """Send a link to one person, if their account is open and not an auditor's."""
    account = await services.accounts.get(contact.id)
    if account is None or account.kind == "auditor" or not account.open_on(today()):
        return
    if contact.email is None or services.mailer is None:
        return
    await services.throttle.mail_is_sent(contact.id)
    url = services.settings.address + urls.new_password_url(await services.accounts.forgotten(contact.id))
    with in_language(account.language):
        subject = _("A new password for Sổ Thi Đua")
        text = _(
            "A new password was asked for the account “{person}”. Choose it here; the address works once, for an hour:"
            "\n\n{way}\n\nOne-time codes stay as they are. If it was not you, do nothing: the password stays."
        )
    if not await send(services, contact.email, subject, text.format(person=contact.id, way=url)):
        log.warning("mail for a new password was not sent")
