"""A person on the way into the book, from wherever: what an entry must be, mail address included."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, ValidationError, model_validator

from application.fields import input_error
from domain.problems import invalid
from domain.types import RESERVED, FrozenModel, Label, PersonId, UnitId

_ATOM, _NAME = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_NAME}(\.{_NAME})*")


def is_mail_address(text: str) -> bool:
    """Whether every mail server takes it: a dot-atom and a host name (RFC 5321), in ASCII, without quotes."""
    return _ADDRESS.fullmatch(text) is not None


def _address(text: str) -> str:
    if not is_mail_address(text):
        raise invalid("mail_address")
    return text


MailAddress = Annotated[Label, AfterValidator(_address)]


class PersonEntry(FrozenModel):
    """A person to be entered in the book."""

    id: PersonId
    unit: UnitId
    name: Label
    office: Label | None = None
    email: MailAddress | None = None
    phone: Label | None = None

    @model_validator(mode="after")
    def _a_person(self) -> PersonEntry:
        if self.id in RESERVED:
            raise invalid("reserved_id", person=self.id)
        return self


def parse_person(**fields: str | None) -> PersonEntry:
    """An entry from what was typed.

    Raises:
        InputError: a field cannot be used; it is named.
    """
    try:
        return PersonEntry.model_validate(fields)
    except ValidationError as error:
        raise input_error(error) from None
