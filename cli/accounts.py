"""`thidua account create`: makes accounts, above all that of the first administrator, for the operator."""

from __future__ import annotations

import os
from datetime import datetime
from typing import get_args

from accounts import Kind
from accounts.store import Accounts
from application.fields import parse_day
from application.persons import parse_person
from cli.outcome import Exit, answer, say, terminal
from cli.session import session
from domain.times import ICT
from errors import InputError
from i18n import _

ADDRESS = "http://127.0.0.1:8320"
"""Where the web pages are served when no engine runs now and THIDUA_WEB_ADDRESS is not set."""


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
    """Enter a person, make an account, and print the URL where the person chooses a password."""
    if kind not in get_args(Kind):
        raise InputError("field_bad", place="--kind", found=kind)
    entry = parse_person(id=person, unit=unit, name=name, email=email)
    last_day = None if until is None else parse_day(until)
    if kind == "auditor" and last_day is None:
        raise InputError("auditor_needs_end")
    if last_day is not None and last_day < datetime.now(ICT).date():
        raise InputError("last_day_past", day=last_day)
    async with session("ledger", say) as app:
        contact = await app.people.enter(person, unit, entry.name, email=entry.email)
        for field in ("unit", "name", *(("email",) if entry.email is not None else ())):
            if getattr(contact, field) != getattr(entry, field):
                # A person who is entered already is not changed by entering the person again.
                raise InputError("person_differs", person=person, field=field, found=getattr(contact, field) or "-")
        accounts = Accounts(app.ledger.pool)
        await accounts.make(person, kind, administrator=administrator, until=last_day)  # type: ignore[arg-type]
        secret = await accounts.invite(person)
        address = app.endpoints.web_address or ADDRESS
    url = f"{os.environ.get('THIDUA_WEB_ADDRESS', address).rstrip('/')}/loi-moi/{secret}"
    text = _("{person} chooses a password here, once, within a week (while `thidua up` runs): {way}")
    answer(
        {"person": person, "kind": kind, "administrator": administrator, "invitation": url},
        as_json=as_json,
        show=lambda: terminal().print(text.format(person=person, way=url), soft_wrap=True),
    )
    return Exit.DONE
