"""A rules edition as a file: from the text of a file to plain values, and back to the one text that they have.

The same values always give the same text, which `thidua rules check` reads. Values that an edition does not take stay
as they were typed: a draft may be unfinished.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from application.fields import FormField, form_fields, parse_day
from application.slugs import slug_of
from application.yaml_files import read_yaml_bytes
from domain import limits
from domain.numbers import is_canonical, read_number, whole_number, write_number
from domain.rules import Edition, edition_of
from domain.scoring.criteria import Criterion
from errors import InputError

Values = dict[str, Any]
"""An edition as it is read of a file, before it is checked."""

_WIDTH = 110
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,8})")
_SLUGS = frozenset({"kinds", "exempt_kinds"})
"""Lists of kinds of units: people type words."""

_TITLED = frozenset({"rounds", "awards", "classes", "facts", "conditions"})
"""Lists whose entries have an id and a title: an id that is missing is made from the title."""

_CHILDREN = "children"

MOST_VALUES = 15_000
"""Values that the file of an edition may hold, lists and tables counted: work on one grows with them."""

MOST_ENTRIES = limits.CRITERIA_PER_EDITION
"""Entries of one list."""


def values_of(text: str, name: str) -> Values:
    """Return the values of a file's text; errors name the file `name`.

    Raises:
        InputError: it is no YAML, or no table of names and values (`edition_no_table`), or it holds too much.
    """
    found, _lines = read_yaml_bytes(text.encode(), Path(name)) if text else ({}, {})
    if not isinstance(found, dict):
        raise InputError("edition_no_table", name)
    check_amount(found, name)
    return as_file(found)


def check_amount(values: Mapping[str, Any], name: str) -> None:
    """Check that values are no more than an edition may hold; errors name the file `name`.

    Raises:
        InputError: `edition_list_too_long`, `edition_too_much`.
    """
    left: list[Any] = [values]
    seen = 0
    while left:
        one = left.pop()
        seen += 1
        if isinstance(one, (list, tuple)) and len(one) > MOST_ENTRIES:
            raise InputError("edition_list_too_long", name, found=len(one), most=MOST_ENTRIES)
        if seen + len(left) > MOST_VALUES:
            raise InputError("edition_too_much", name, most=MOST_VALUES)
        if isinstance(one, Mapping):
            left.extend(one.values())
        elif isinstance(one, (list, tuple)):
            left.extend(one)


def text_of(values: Mapping[str, Any]) -> str:
    """Return the text of values that `as_file` made; empty for none."""
    return yaml.safe_dump(dict(values), allow_unicode=True, sort_keys=False, width=_WIDTH) if values else ""


def values_of_stored(body: str) -> Values:
    """Return the values of a stored edition, without what an edition has by default."""
    return values_of_edition(edition_of(body))


def values_of_edition(edition: Edition) -> Values:
    """Return the values of an edition, without what an edition has by default."""
    return as_file(_without_defaults(edition))


def _without_defaults(model: BaseModel) -> Values:
    """The values of a model without those that it has by default: except where without them it would be another one."""
    found = model.model_dump(mode="json", exclude_defaults=True)
    for name, value in model:
        if name not in found:
            continue
        if isinstance(value, BaseModel):
            inside = _without_defaults(value)
            # A group that says nothing of its own says that it is there; a scoring method is known by its name.
            found[name] = inside or value.model_dump(mode="json", exclude_none=True)
            if "way" in type(value).model_fields:
                found[name] = {"way": getattr(value, "way"), **inside}  # noqa: B009 - of several classes
        elif isinstance(value, tuple):
            found[name] = [
                _without_defaults(one) if isinstance(one, BaseModel) else dumped
                for one, dumped in zip(value, found[name], strict=True)
            ]
    return found


def as_file(values: Mapping[str, Any]) -> Values:
    """Return values in the order and the writing of the file: numbers and days in one way, nothing that is empty."""
    return _parts(form_fields(Edition), values)


def _parts(fields: tuple[FormField, ...], values: Mapping[str, Any]) -> Values:
    asked = {field.name: field for field in fields}
    order = [*(name for name in asked if name in values), *(name for name in values if name not in asked)]
    found: Values = {}
    for name in order:
        value = values[name]
        kept = _value(asked[name], value) if name in asked else _plain(value)
        # An empty list says something where without it another one holds.
        says_none = kept == [] and name in asked and isinstance(asked[name].default, tuple)
        if says_none or kept not in (None, "", [], {}):
            found[name] = kept
    return found


def _value(field: FormField, value: Any) -> Any:
    if field.name in {"criteria", _CHILDREN} and isinstance(value, list):
        return [
            _parts(form_fields(Criterion), one) if isinstance(one, Mapping) else _value(_LINE, one) for one in value
        ]
    if field.many and isinstance(value, (list, tuple)):
        one = field.as_one(field.name)
        entries = [kept for entry in value if (kept := _value(one, entry)) not in (None, "", {})]
        return _with_ids(entries) if field.name in _TITLED else entries
    if field.parts and isinstance(value, Mapping):
        return _parts(field.parts, value)
    if isinstance(value, str):
        return _leaf(field, value)
    return _plain(value)


_LINE = FormField("", required=False, choices=(), parts=(), many=False, closed=False)


def _plain(value: Any) -> Any:
    """A value that no field is known for, or of another shape than its field."""
    if isinstance(value, Decimal):
        return str(value)
    return value if value is None or isinstance(value, (str, int, list, dict, date)) else str(value)


def _leaf(field: FormField, text: str) -> Any:
    text = text.strip()
    if field.name in _SLUGS:
        return slug_of(text, "")
    if field.kind == "flag" or text in field.choices:
        return {"yes": True, "true": True, "false": False}.get(
            text, text if whole_number(text) is None else _number(text)
        )
    if field.kind == "number":
        return _number(text)
    if field.kind == "day":
        try:
            return parse_day(text)
        except InputError:
            return text
    return text


def _number(text: str) -> Any:
    """A number as the file has it: a whole one as a number, others as text, as no binary fraction is exact.

    What is no plain number, such as 1e20000000, stays as it was typed.
    """
    try:
        read = read_number(text)
        written = write_number(Decimal(read), ".")
    except (PydanticCustomError, ArithmeticError):
        return text
    if not is_canonical(written):
        return text
    return int(written) if _WHOLE.fullmatch(written) else written


def _with_ids(entries: list[Any]) -> list[Any]:
    """Entries with an id each: from the title, and another one than those of the entries before."""
    taken = {str(one.get("id")) for one in entries if isinstance(one, Mapping)}
    found: list[Any] = []
    numbers: dict[str, int] = {}
    for one in entries:
        if isinstance(one, Mapping) and not one.get("id") and isinstance(one.get("title"), str):
            made = new_id(one["title"], taken, numbers)
            taken.add(made)
            found.append({"id": made, **{name: value for name, value in one.items() if name != "id"}})
        else:
            found.append(one)
    return found


def new_id(title: str, taken: Collection[str], numbers: dict[str, int] | None = None) -> str:
    """Return an id from a title that is none of those that are taken.

    `numbers` remembers the last number of each beginning, so that a list of namesakes is not counted through for each.
    """
    plain = slug_of(title, "muc")
    if plain not in taken:
        return plain
    start = plain[:55]
    first = 2 if numbers is None else numbers.get(start, 2)
    number = next(n for n in count(first) if f"{start}-{n}" not in taken)
    if numbers is not None:
        numbers[start] = number + 1
    return f"{start}-{number}"


def mark_of(values: Any) -> str:
    """Return a short text that differs where values differ."""
    return sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:32]
