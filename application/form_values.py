"""Between what is typed into a form and an act's fields.

Names of inputs are paths (`document.title`, `sheet.0.points`). Names that begin with an underscore belong to the form,
not to the act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from application.fields import FormField, form_fields
from domain.numbers import whole_number
from domain.records import Command
from i18n.messages import typed_day, typed_number

MAX_DEPTH = 8
MAX_ROWS = 400


def nested(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The fields that were typed, nested by their paths; lists in order; without empty values."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        if name.startswith("_") or not isinstance(value, str) or name.count(".") > MAX_DEPTH:
            continue
        inner = root
        *path, last = name.split(".")
        for part in path:
            step = inner.setdefault(part, {})
            if not isinstance(step, dict):
                break
            inner = step
        else:
            inner[last] = value
    cleaned = _cleaned(root)
    return cleaned if isinstance(cleaned, dict) else {}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\r\n", "\n").strip() or None
    if not isinstance(value, dict):
        return value
    numbered = {number: entry for key, entry in value.items() if (number := whole_number(key)) is not None}
    if numbered and len(numbered) == len(value):
        ordered = sorted(numbered.items())[:MAX_ROWS]
        return [kept for _n, entry in ordered if (kept := _cleaned(entry)) is not None]
    found = {name: kept for name, entry in value.items() if (kept := _cleaned(entry)) is not None}
    return found or None


def as_fields(act: type[Command], values: Mapping[str, Any]) -> dict[str, Any]:
    """An act's fields from what was typed: flags become true; numbers stay text, which the act itself reads."""
    return typed_fields(form_fields(act), values)


def typed_fields(fields: Iterable[FormField], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of fields from what was typed (`as_fields`)."""
    return {name: _typed_as(field, values[name]) for field in fields if (name := field.name) in values}


def without_empty_rows(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without the rows of a score sheet in which nothing was typed."""
    found = dict(values)
    if isinstance(found.get("sheet"), list):
        found["sheet"] = [
            entry for entry in found["sheet"] if not isinstance(entry, Mapping) or set(entry) - {"criterion"}
        ]
    return found


def _typed_as(field: FormField, value: Any) -> Any:
    if field.many and isinstance(value, list):
        return [_typed_as(field.as_one(field.name), entry) for entry in value]
    if field.many and isinstance(value, str):
        return [part for line in value.splitlines() if (part := line.strip())]
    if field.parts and isinstance(value, Mapping):
        return {name: _typed_as(part, value[name]) for part in field.parts if (name := part.name) in value}
    if field.kind == "flag":
        return value == "yes"
    return value


def as_typed(act: type[Command], fields: Mapping[str, Any]) -> dict[str, Any]:
    """An act's fields as a person would type them: days as dd/mm/yyyy, figures with a comma."""
    return shown_fields(form_fields(act), fields)


def shown_fields(asked: Iterable[FormField], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of fields as a person would type them (`as_typed`)."""
    known = {field.name: field for field in asked}
    return {name: _as_typed(known[name], value) for name, value in values.items() if name in known}


def _as_typed(field: FormField, value: Any) -> Any:
    if isinstance(value, list):
        return [_as_typed(field.as_one(field.name), entry) for entry in value]
    if isinstance(value, Mapping) and field.parts:
        asked = {part.name: part for part in field.parts}
        return {name: _as_typed(asked[name], entry) for name, entry in value.items() if name in asked}
    if value in field.choices or not isinstance(value, (str, int)):
        return value
    if field.kind == "day":
        return typed_day(value)
    return typed_number(value) if field.kind == "number" else value


def input_text(value: Any) -> str:
    """A value as its input holds it."""
    return "" if value is None else ("yes" if value is True else str(value))


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Fields as the inputs that would send them; the inverse of `nested`."""
    found: dict[str, str] = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            found.update(flattened(value, f"{path}."))
        elif isinstance(value, (list, tuple)):
            found.update(flattened({str(n): entry for n, entry in enumerate(value)}, f"{path}."))
        elif value is not None:
            found[path] = input_text(value)
    return found
