"""The mail to a person whose account signs soon after its login was renewed: their mailbox may be a stranger's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from accounts.log import SOON, AccountChange, By, Renewal, note
from application.account_log import RENEWED
from application.application import CommandInput
from i18n import _, in_language
from i18n.acts import act_name
from ledger.receipts import Receipt
from vault.persons import Contact
from web import urls
from web.account_mail import AccountMail, send_until
from web.render import moment
from web.services import Services

log = structlog.get_logger()


async def tell_of_signature(
    services: Services, person: Contact, commands: Sequence[CommandInput], receipt: Receipt
) -> None:
    """Tell a person of acts that bind and were entered in their name soon after their login was renewed.

    The mail is sent after the answer, again while the mail server is away. The log of accounts says whether it was
    taken.
    """
    signed = [
        (one, outcome.versions[0])
        for one, outcome in zip(commands, receipt.outcomes, strict=True)
        if not outcome.known and outcome.versions and await services.application.gate.binds(one)
    ]
    if not signed or (renewal := await services.account_log.renewal(person.id)) is None:
        return
    task = asyncio.create_task(_tell(services, person, signed, renewal))
    services.mails.add(task)
    task.add_done_callback(services.mails.discard)


async def _tell(
    services: Services, person: Contact, signed: Sequence[tuple[CommandInput, int]], renewal: Renewal
) -> None:
    try:
        mailed = await _send(services, person, signed, renewal)
        for one, version in signed:
            await note(
                services.application.ledger.pool,
                AccountChange.SIGNATURE_TOLD,
                person.id,
                By(person.id),
                act=one.act,
                cycle=one.stream,
                version=str(version),
                mail=mailed,
            )
    except Exception:  # no caller waits for this task, and the answer was given
        log.exception("mail of a signature")


async def _send(
    services: Services, person: Contact, signed: Sequence[tuple[CommandInput, int]], renewal: Renewal
) -> bool:
    account = await services.accounts.get(person.id)
    if person.email is None or account is None:
        return False
    titles = await services.board.titles({one.stream for one, _version in signed})
    with in_language(account.language):
        subject = _("Signed in your name soon after your login was renewed")
        listed = "\n".join(
            "- "
            + _("{act}: {cluster}, act number {number}").format(
                act=act_name(one.act), cluster=titles.get(one.stream, _("a cluster")), number=version
            )
            + f"\n  {services.settings.address}{urls.receipt_url(one.stream, version)}"
            for one, version in signed
        )
        text = _(
            "{name}, your login was renewed on {when} ({how}). Since then this was entered in your name:\n\n{listed}"
            "\n\nIf that was you, there is nothing to do. If not, tell the secretariat at once, and choose a new "
            "password."
        )
        body = text.format(name=person.name, when=moment(renewal.at), how=_(RENEWED[renewal.change]), listed=listed)
    return await send_until(services, person.email, AccountMail(subject, body), datetime.now(UTC) + SOON)
