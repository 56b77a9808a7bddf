"""`thidua account`: makes accounts, above all that of the first administrator; resets one; renews the key of codes."""

from __future__ import annotations

import os
from datetime import datetime
from typing import get_args

from accounts import Kind
from accounts.codes import rotate_key as rotate
from accounts.store import Accounts
from application.fields import parse_day
from application.persons import parse_person
from cli.outcome import Exit, answer, say, terminal
from cli.session import Session, session
from domain.administration import ChangeAccountKind, InviteToAccount, MakeAccount, ResetLogin
from domain.times import ICT
from errors import InputError
from i18n import _, ngettext
from local.account_keys import ACCOUNT_KEY_FILE, AccountKeys
from web.settings import site_address


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
        if await Accounts(app.ledger.pool).get(person) is not None:
            raise InputError("account_exists", person=person)
        await app.administer(MakeAccount(person=person, kind=kind, administrator=administrator, until=last_day))
        await app.administer(InviteToAccount(person=person))
        url = _invitation_url(app, await Accounts(app.ledger.pool).invite(person))
    found = {"person": person, "kind": kind, "administrator": administrator, "invitation": url}
    answer(found, as_json=as_json, show=lambda: _show_invitation(person, url))
    return Exit.DONE


async def change_kind(person: str, *, kind: str, administrator: bool, as_json: bool) -> int:
    """Make an account one of another kind. Its logins and tokens end."""
    if kind not in get_args(Kind):
        raise InputError("field_bad", place="--kind", found=kind)
    async with session("ledger", say, founded=True) as app:
        account = await Accounts(app.ledger.pool).must(person)
        if kind == "auditor" and account.until is None:
            raise InputError("auditor_needs_end")
        await app.administer(ChangeAccountKind(person=person, kind=kind, administrator=administrator))
    found = {"person": person, "kind": kind, "administrator": administrator}
    answer(found, as_json=as_json, show=lambda: terminal().print(_("Done.")))
    return Exit.DONE


async def reset(person: str, *, as_json: bool) -> int:
    """Make password and codes of an account void and end all its access; print where a new password is chosen."""
    async with session("ledger", say, founded=True) as app:
        accounts = Accounts(app.ledger.pool)
        await accounts.must(person)
        await app.administer(ResetLogin(person=person))
        url = _invitation_url(app, await accounts.invite(person))
    answer({"person": person, "invitation": url}, as_json=as_json, show=lambda: _show_invitation(person, url))
    return Exit.DONE


async def rotate_key(*, as_json: bool) -> int:
    """Encrypt the secrets of all one-time codes again, under a new key. Safe to interrupt, and to run again."""
    async with session("ledger", say, founded=True) as app:
        count = await rotate(app.ledger.pool, AccountKeys(app.paths.data / ACCOUNT_KEY_FILE))
    text = ngettext(
        "{count} secret was encrypted again under a new key. Back {file} up anew.",
        "{count} secrets were encrypted again under a new key. Back {file} up anew.",
        count,
    ).format(count=count, file=ACCOUNT_KEY_FILE)
    answer({"encrypted": count}, as_json=as_json, show=lambda: terminal().print(text, soft_wrap=True))
    return Exit.DONE


def _invitation_url(app: Session, secret: str) -> str:
    own = os.environ.get("THIDUA_WEB_ADDRESS") or app.endpoints.web_address or site_address(os.environ)
    return f"{own.rstrip('/')}/loi-moi/{secret}"


def _show_invitation(person: str, url: str) -> None:
    text = _("{person} chooses a password here, once, within a week (while the pages run): {way}")
    terminal().print(text.format(person=person, way=url), soft_wrap=True)
