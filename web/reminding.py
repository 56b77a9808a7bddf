"""Reminding by letter from a page: how many letters would go to whom, before one is sent, and what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from accounts.logins import today
from application.application import CommandInput
from application.reminders import Reach, Reminder, reach_of
from application.visits import Visitor
from i18n import _, ngettext
from i18n.messages import counted
from web.answers import command_id
from web.render import page
from web.services import Services, get_services


async def announce(
    request: Request,
    visitor: Visitor,
    reminders: Sequence[Reminder],
    carried: Sequence[tuple[str, Any]],
    form_id: str,
    action: str,
    back: str,
) -> Response:
    """How many letters would go to whom: nothing is sent yet. `carried` are the fields that the form sends on."""
    return page(
        request,
        "remind.html",
        reminders=reminders,
        reach=await reach_of_all(get_services(request), visitor, reminders),
        carried=[*carried, ("_id", form_id)],
        action=action,
        back=back,
    )


async def reach_of_all(services: Services, visitor: Visitor, reminders: Sequence[Reminder]) -> Reach:
    """Whom reminders reach, but for the visitor."""
    units = [pair for one in reminders for pair in zip(one.units, one.names, strict=True)]
    application = services.application
    return await reach_of(application.ledger.pool, application.people, units, today(), but=visitor.contact.id)


def reminding(
    reminders: Sequence[Reminder], form_id: str, channel: str = "message", text: str = ""
) -> list[CommandInput]:
    """The commands of reminders."""
    more = {"text": text} if text else {}
    return [
        CommandInput(
            one.cycle,
            "remind-units",
            {"units": list(one.units), "duty": one.duty.value, "channel": channel, **more},
            command_id(form_id, "remind", channel, one.cycle, one.duty.value, *one.units),
        )
        for one in reminders
    ]


def letters_sent(reach: Reach) -> str:
    """What was sent, and whom one must telephone."""
    text = ngettext("{count} reminder was sent to {units}.", "{count} reminders were sent to {units}.", reach.letters)
    sent = text.format(count=reach.letters, units=counted("unit", reach.units))
    without = _("Nobody there gets mail; please telephone: {units}").format(units=", ".join(reach.without))
    return f"{sent} {without}" if reach.without else sent
