"""Accounts from the command line: the first administrator is made here, by whoever runs the installation."""

from __future__ import annotations

import os
from typing import get_args

from accounts import Kind
from accounts.store import Accounts
from application.fields import parse_day
from application.persons import parse_person
from cli.outcome import Exit, answer, say, terminal
from cli.session import session
from errors import InputError
from i18n import _

ADDRESS = "http://127.0.0.1:8320"


async def create(
    person: str,
    unit: str,
    name: str,
    *,
    kind: str,
    administrator: bool,
    email: str | None,
    until: str | None,
    as_json: bool,
) -> int:
    """Enter a person, make an account, and give the address where a password is chosen."""
    if kind not in get_args(Kind):
        raise InputError("field_bad", place="--kind", found=kind)
    entry = parse_person(id=person, unit=unit, name=name, email=email)
    last = None
    if until is not None:
        last = parse_day(until)
    if kind == "auditor" and last is None:
        raise InputError("auditor_needs_end")
    async with session("ledger", say) as open_:
        contact = await open_.people.enter(person, unit, entry.name, email=entry.email)
        if (contact.unit, contact.name) != (unit, entry.name):
            raise InputError("person_differs", person=person, field="name", found=contact.name)
        accounts = Accounts(open_.ledger.pool)
        await accounts.make(person, kind, administrator=administrator, until=last)  # type: ignore[arg-type]
        secret = await accounts.invite(person)
        served = open_.endpoints.web_address or ADDRESS
    way = f"{os.environ.get('THIDUA_WEB_ADDRESS', served).rstrip('/')}/loi-moi/{secret}"
    text = _("{person} chooses a password here, once, within a week (while `thidua up` runs): {way}")
    answer(
        {"person": person, "kind": kind, "administrator": administrator, "invitation": way},
        as_json=as_json,
        show=lambda: terminal().print(text.format(person=person, way=way), soft_wrap=True),
    )
    return Exit.DONE
