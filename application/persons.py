"""Validation of persons before they are entered in the vault, mail addresses included."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, ValidationError, model_validator

from application.fields import clean_line, input_error
from domain.problems import invalid
from domain.records import NO_PERSONS
from domain.types import FrozenModel, Label, PersonId, UnitId

_ATOM, _NAME = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@{_NAME}(\.{_NAME})*")


def is_mail_address(text: str) -> bool:
    """Return whether every mail server accepts it: a dot-atom and a host name in ASCII, without quotes (RFC 5321)."""
    return _ADDRESS.fullmatch(text) is not None


def _address(text: str) -> str:
    if not is_mail_address(text):
        raise invalid("mail_address")
    return text


MailAddress = Annotated[Label, AfterValidator(_address)]


class PersonEntry(FrozenModel):
    """A person to be entered."""

    id: PersonId
    unit: UnitId
    name: Label
    office: Label | None = None
    email: MailAddress | None = None
    phone: Label | None = None

    @model_validator(mode="after")
    def _is_not_reserved(self) -> PersonEntry:
        if self.id in NO_PERSONS:
            raise invalid("reserved_id", person=self.id)
        return self


def parse_person(**fields: str | None) -> PersonEntry:
    """Return a person from typed fields, without what came along when they were copied (`clean_text`).

    Raises:
        InputError: a field is invalid; the error names it.
    """
    clean = {name: value and clean_line(value, name).text for name, value in fields.items()}
    try:
        return PersonEntry.model_validate(clean)
    except ValidationError as error:
        raise input_error(error) from None
