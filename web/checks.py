"""Types of single values in addresses, and checks of single fields that people type into forms of the pages' own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from application.fields import clean_line
from domain.numbers import MOST_DIGITS, whole_number
from domain.problems import invalid
from errors import InputError


def _number(value: Any) -> int:
    number = whole_number(value) if isinstance(value, str) else value
    if not isinstance(number, int):
        raise invalid("int_parsing")
    return number


Number = Annotated[int, BeforeValidator(_number), Field(ge=0, lt=10**MOST_DIGITS)]
"""A whole number in an address. Every route takes numbers as this type: a test looks."""


def checked(adapter: TypeAdapter[str], value: str, field: str) -> str:
    """The value as its type takes it, without what came along when it was copied (`clean_text`).

    Raises:
        InputError: `field_bad`, with the name of the field; `bad_character`.
    """
    clean = clean_line(value, field).text
    try:
        return adapter.validate_python(clean)
    except ValidationError:
        raise InputError("field_bad", place=field, found=value[:80]) from None
