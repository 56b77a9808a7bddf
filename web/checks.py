"""Checks of single fields that people type into forms of the pages' own."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from errors import InputError


def checked(adapter: TypeAdapter[str], value: str, field: str) -> str:
    """The value as its type takes it.

    Raises:
        InputError: `field_bad`, with the name of the field.
    """
    try:
        return adapter.validate_python(value)
    except ValidationError:
        raise InputError("field_bad", place=field, found=value[:80]) from None
