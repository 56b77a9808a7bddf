"""Entering an act from a page: submit it, tell of a signature, drop its draft; the receipt's version comes back."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from application.application import CommandInput
from application.visits import VisitedCycle
from web.cookies import cookie_secret
from web.services import get_services
from web.signing_mail import tell_of_signature


@dataclass(frozen=True, slots=True)
class SubmittedAct:
    """An act that stands in the register. `known`: it had been entered before."""

    version: int
    known: bool


async def enter(
    request: Request, cycle: VisitedCycle, command: CommandInput, *, confirmed: bool, draft: str
) -> SubmittedAct:
    """Enter a command. `confirmed`: the password was asked for once more. `draft`: under which path its form is kept.

    Raises:
        InputError, GateClosedError, Refused, PendingError, UnreachableError
    """
    services, visitor = get_services(request), cycle.visitor
    receipt = await services.application.submit(cycle.stream, visitor.submitter(confirmed=confirmed), [command])
    await tell_of_signature(services, visitor.contact, [command], receipt)
    versions = receipt.outcomes[0].versions
    await services.drafts.drop(visitor.contact.id, draft)
    rows = await services.application.ledger.load(cycle.stream, versions[0] - 1) if versions else ()
    if rows:
        await services.accounts.moved_to(cookie_secret(request), rows[0].position)
    return SubmittedAct(versions[0], not rows or rows[0].command_id != command.command_id)
