"""Stand-ins: who may act for whom. Only persons of one unit, with accounts of one kind, stand in for each other.

Reading follows the account and acting the unit, and a stand-in must gain neither. It is checked when a stand-in is
named, when the stand-in begins to act, and on every request: persons move, and accounts change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from accounts.logins import today
from application.fields import optional_day
from errors import InputError
from vault.persons import Contact
from web.auth import may_stand_in
from web.services import Services


async def stand_in_asked(services: Services, absent: Contact, typed: Mapping[str, str]) -> tuple[Contact, date, date]:
    """Read who is to stand in (`person`) for an absent person, from which day to which (`since`, `until`).

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
    return other, since, until
