"""How a person is called and reached: read from a form, and corrected by the person or by those who manage accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from pydantic import TypeAdapter

from accounts.corrections import noting, recorded
from accounts.log import By
from application.fields import clean_line
from application.persons import is_mail_address
from domain.administration import ContactField
from domain.types import Label
from errors import InputError
from i18n import _
from i18n.cleaning import cleaning_notes
from vault.persons import Contact
from web.account_mail import tell_old_address
from web.checks import checked
from web.services import Services

LABEL: TypeAdapter[str] = TypeAdapter(Label)


@dataclass(frozen=True, slots=True)
class ContactFields:
    """What a form says of a person."""

    name: str
    office: str | None
    email: str | None
    phone: str | None
    notes: tuple[str, ...] = ()
    """What was changed in them."""


def contact_fields(typed: Mapping[str, str]) -> ContactFields:
    """Read the fields of a form.

    Raises:
        InputError: `field_bad`, `bad_character`, `bad_email`.
    """
    clean = {name: clean_line(typed.get(name) or "", name) for name in ("name", "office", "email", "phone")}
    email = clean["email"].text or None
    if email is not None and not is_mail_address(email):
        raise InputError("bad_email", found=email[:80])
    office, phone = (checked(LABEL, text, name) if (text := clean[name].text) else None for name in ("office", "phone"))
    name = checked(LABEL, clean["name"].text, "name")
    notes = cleaning_notes({name: one.changes for name, one in clean.items() if one.changes})
    return ContactFields(name, office, email, phone, tuple(notes))


def changed_fields(before: Contact, fields: ContactFields) -> tuple[ContactField, ...]:
    """The names of the fields that a correction changes."""
    names: tuple[ContactField, ...] = get_args(ContactField)
    return tuple(name for name in names if getattr(before, name) != getattr(fields, name))


async def correct_contact(services: Services, by: By, before: Contact, fields: ContactFields) -> str:
    """Correct a person, as far as something differs; returns a sentence.

    What a person corrects themselves is noted; the correction by another stands in the ledger by now.

    Another mail address makes open invitations void, because they were sent to the old one, which is told.
    """
    changed = await services.application.people.correct(
        before.id,
        name=fields.name,
        office=fields.office,
        email=fields.email,
        phone=fields.phone,
        then=noting(before.id) if by.person == before.id else recorded(before.id),
    )
    if not changed:
        return _("Nothing was changed: it stands so already.")
    good = " ".join((_("Corrected: {name}.").format(name=fields.name), *fields.notes))
    old = before.email if "email" in changed else None
    if old is not None and await tell_old_address(services, before.id, old, by):
        good += " " + _("The old address was told by mail; invitations that were sent to it are void.")
    return good
