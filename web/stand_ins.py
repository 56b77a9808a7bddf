"""Stand-ins: who may act for whom. Only persons of one unit, with accounts of one kind, stand in for each other.

Reading follows the account and acting the unit, and a stand-in must gain neither. It is checked when a stand-in is
named, when the stand-in begins to act, and on every request: persons move, and accounts change.
"""

from __future__ import annotations

from collections.abc import Mapping

from accounts.log import By
from accounts.stand_ins import StandIn
from application.fields import optional_day
from errors import InputError
from vault.persons import Contact
from web.auth import may_stand_in, today
from web.services import Services


async def name_stand_in(services: Services, by: By, absent: Contact, typed: Mapping[str, str]) -> Contact:
    """Let a person (`person`) stand in for an absent one on some days (`since`, `until`); returns the stand-in.

    Raises:
        InputError: `stand_in_unknown`, `stand_in_dates`, `stand_in_past`.
    """
    other = await services.application.people.get(typed.get("person", ""))
    if other is None or not await may_stand_in(services, other, absent):
        raise InputError("stand_in_unknown")
    since, until = optional_day(typed.get("since", ""), "since"), optional_day(typed.get("until", ""), "until")
    if since is None or until is None or until < since:
        raise InputError("stand_in_dates", "until" if since else "since")
    if until < today():
        raise InputError("last_day_past", "until", day=until)
    await services.stand_ins.name(StandIn(other.id, absent.id, since, until, by.person or ""))
    return other


async def end_stand_in(services: Services, by: By, absent: Contact, person: str) -> None:
    """End all stand-ins of a person for an absent one."""
    await services.stand_ins.end(person, absent.id, by=by)
