"""Mails about accounts: invitations, a new password, and the word to an old address that it is no longer used.

They are sent at once and not kept: their links are secrets, of which only digests are stored. Who causes a mail learns
whether the mail server took it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import uuid4

from accounts.invitations import LIFETIMES
from accounts.log import By
from i18n import _, in_language, installation_language
from i18n.notices import mail_text
from mail import DeferredError, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from mail.messages import compose
from vault.persons import Contact
from vault.texts import ERASED
from web import urls
from web.render import moment
from web.services import Services

MOST_DEFERRED = 200
"""Mails that wait for another try, because the mail server is away or refuses their recipient for now."""

FIRST_PAUSE_S = 60.0
"""Seconds until a mail that was refused for now is tried again; each further pause is twice as long."""


@dataclass(frozen=True, slots=True)
class AccountMail:
    """What a mail about an account says, in the language of its addressee."""

    subject: str
    what: str
    lines: tuple[tuple[str, str], ...] = ()
    more: str = ""

    def text(self) -> str:
        """The text of the mail."""
        return mail_text(self.what, self.lines, [self.more])


async def invite(services: Services, person: str, email: str | None, by: By) -> str:
    """Send an invitation, which was recorded before, in the language of its account; returns a sentence.

    Without a mail address, the sentence holds the link to pass on.
    """
    contact = await services.application.people.get(person)
    name = contact.name if contact is not None else person
    url = await invitation_link(services, person)
    if email is None or services.mailer is None:
        return _("No mail address: give {person} this link; it works once, within a week: {way}").format(
            person=name, way=url
        )
    if not await _send_invitation(services, person, email, url, by):
        return _("The mail could not be sent. Give {person} this link; it works once: {way}").format(
            person=name, way=url
        )
    return _("{person} is entered, and an invitation is on its way to {email}.").format(person=name, email=email)


async def invitation_link(services: Services, person: str) -> str:
    """A new link to choose a password with; the invitation was recorded before. Earlier links are void."""
    return services.settings.address + urls.invitation_url(await services.accounts.invite(person))


async def invite_by_mail(services: Services, person: str, by: By) -> bool:
    """Send an invitation, which was recorded before, by mail; returns whether the mail server took it.

    The link is not shown. Without a mail address nothing is sent.
    """
    contact = await services.application.people.get(person)
    if contact is None or contact.email is None:
        return False
    return await _send_invitation(services, person, contact.email, await invitation_link(services, person), by)


async def _send_invitation(services: Services, person: str, email: str, url: str, by: By) -> bool:
    until = datetime.now(UTC) + LIFETIMES["invitation"]
    account = await services.accounts.must(person)
    with in_language(account.language):
        does = _("You do emulation work for your unit in the register.")
        reads = _("You look into the register as an auditor.")
        mail = AccountMail(
            _("Your account in Sổ Thi Đua"),
            _("Your account is “{person}”. Choose a password on the page below; the link works once.").format(
                person=person
            ),
            (
                (_("Until"), moment(until)),
                (_("Reason"), reads if account.kind == "auditor" else does),
                (_("Sent by"), await _named(services, by.person)),
                (_("Page"), url),
            ),
        )
    return await send(services, email, mail)


def new_password_mail(services: Services, person: str, secret: str, asked: datetime) -> AccountMail:
    """The mail with a link for a new password, in the language in use."""
    return AccountMail(
        _("A new password for Sổ Thi Đua"),
        _(
            "A new password was asked for the account “{person}”. Choose it on the page below; the link works once."
        ).format(person=person),
        (
            (_("Until"), moment(asked + LIFETIMES["forgotten"])),
            (_("Reason"), _("Somebody asked for it on the login page at {at}.").format(at=moment(asked))),
            (_("Page"), services.settings.address + urls.new_password_url(secret)),
        ),
        _("One-time codes stay as they are. If it was not you, do nothing: the password stays."),
    )


async def tell_old_address(services: Services, person: str, old: str, by: By) -> bool:
    """Tell a mail address that it is no longer the person's; returns whether the mail was sent.

    The new address is not in it: the old one may be read by others by now.
    """
    account = await services.accounts.get(person)
    with in_language(account.language if account is not None else installation_language()):
        mail = AccountMail(
            _("Your mail address in Sổ Thi Đua was changed"),
            _("The mail address of the account “{person}” was changed; this one gets no more mail.").format(
                person=person
            ),
            ((_("Changed by"), await _named(services, by.person)), (_("Changed at"), moment(datetime.now(UTC)))),
            _("If that was not you, and you know nothing of it, tell the secretariat at once."),
        )
    return await send(services, old, mail)


async def _named(services: Services, person: str | None) -> str:
    """Who did it, in words; "" for the operator."""
    contact: Contact | None = await services.application.people.get(person) if person is not None else None
    if contact is None or contact.name == ERASED:
        return ""
    return ", ".join(filter(None, (contact.name, contact.office, contact.phone, contact.email)))


def _message(services: Services, to: str, mail: AccountMail) -> EmailMessage:
    return compose(
        sender=services.settings.mail.sender,
        to=to,
        subject=mail.subject,
        text=mail.text(),
        identity=uuid4(),
        at=datetime.now(UTC),
    )


async def send(services: Services, to: str, mail: AccountMail) -> bool:
    """Send a mail; returns whether the mail server took it."""
    if services.mailer is None:
        return False
    try:
        await services.mailer.send(_message(services, to, mail))
    except (MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError):
        return False
    return True


async def send_until(services: Services, to: str, mail: AccountMail, until: datetime) -> bool:
    """Send a mail in a task of its own, again after growing pauses while the server is away or refuses it for now.

    It gives up where too many mails wait for another try; returns whether the mail server took it.
    """
    if services.mailer is None:
        return False
    message, pause_s = _message(services, to, mail), FIRST_PAUSE_S
    while True:
        try:
            await services.mailer.send(message)
        except (MailServerAwayError, DeferredError):
            if datetime.now(UTC) + timedelta(seconds=pause_s) >= until or not _waits(services):
                return False
            await asyncio.sleep(pause_s)
            pause_s *= 2
        except (UndeliverableError, UnknownOutcomeError):
            return False
        else:
            return True


def _waits(services: Services) -> bool:
    """Count the running task among the mails that wait for another try; False where too many do."""
    task = asyncio.current_task()
    if task is None or task in services.deferred_mails:
        return task is not None
    services.mails.discard(task)
    if len(services.deferred_mails) >= MOST_DEFERRED:
        return False
    services.deferred_mails.add(task)
    task.add_done_callback(services.deferred_mails.discard)
    return True
