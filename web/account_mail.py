"""Mails about accounts: invitations, and the word to an old address that it is no longer used."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from accounts.log import By
from i18n import _, in_language, installation_language
from mail import DeferredError, MailServerAwayError, UndeliverableError, UnknownOutcomeError
from web import urls
from web.services import Services


async def invite(services: Services, person: str, email: str | None, by: By) -> str:
    """Send an invitation in the language of its account; returns a sentence.

    Without a mail address, the sentence holds the link to pass on.
    """
    contact = await services.application.people.get(person)
    name = contact.name if contact is not None else person
    url = services.settings.address + urls.invitation_url(await services.accounts.invite(person, by=by))
    if email is None or services.mailer is None:
        return _("No mail address: give {person} this address, it works once, for a week: {way}").format(
            person=name, way=url
        )
    with in_language((await services.accounts.must(person)).language):
        subject = _("Your account in Sổ Thi Đua")
        text = _("Your account is “{person}”. Choose a password here; the address works once, for a week:\n\n{way}")
    if not await send(services, email, subject, text.format(person=person, way=url)):
        return _("The mail could not be sent. Give {person} this address, it works once: {way}").format(
            person=name, way=url
        )
    return _("{person} is entered, and an invitation is on its way to {email}.").format(person=name, email=email)


async def tell_old_address(services: Services, person: str, old: str) -> bool:
    """Tell a mail address that it is no longer the person's; returns whether the mail was sent.

    The new address is not in it: the old one may be read by others by now.
    """
    account = await services.accounts.get(person)
    with in_language(account.language if account is not None else installation_language()):
        subject = _("Your mail address in Sổ Thi Đua was changed")
        text = _(
            "The mail address of the account “{person}” was changed; this one gets no more mail. "
            "If that was not you, and you know nothing of it, tell the secretariat at once."
        )
    return await send(services, old, subject, text.format(person=person))


async def send(services: Services, to: str, subject: str, text: str) -> bool:
    """Send a mail; returns whether the mail server took it."""
    if services.mailer is None:
        return False
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = services.settings.sender, to, subject
    message["Message-ID"], message["Date"] = make_msgid(domain="thidua"), format_datetime(datetime.now(UTC))
    message.set_content(text)
    try:
        await services.mailer.send(message)
    except (MailServerAwayError, DeferredError, UndeliverableError, UnknownOutcomeError):
        return False
    return True
