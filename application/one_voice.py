"""Persons of minutes who are told in several ways at once, by unit, name and office: the register takes one.

A name with its office and unit is one person, and so it is recorded: the unit stands behind the office.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from application.fields import FormField

_WAYS = frozenset({"unit", "person", "group"})
"""The parts of a participant, of whom one is recorded."""


def as_one_voice(
    fields: Iterable[FormField], values: Mapping[str, Any], names: Mapping[str, str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The values of fields with each participant told in one way, and those that had been told in several.

    `names` are those of units. Two names for one person stay as they are: that is a mistake, which the act tells.
    """
    joined: list[dict[str, Any]] = []
    known = {field.name: field for field in fields}
    return {name: _told(known.get(name), value, names, joined) for name, value in values.items()}, joined


def _told(field: FormField | None, value: Any, names: Mapping[str, str], joined: list[dict[str, Any]]) -> Any:
    if field is None or not field.parts:
        return value
    if isinstance(value, list):
        return [_told(field, entry, names, joined) for entry in value]
    if not isinstance(value, Mapping):
        return value
    parts = {part.name: part for part in field.parts}
    if parts.keys() != _WAYS:
        return {name: _told(parts.get(name), entry, names, joined) for name, entry in value.items()}
    if (one := _as_one(value, names)) is None:
        return value
    joined.append(one)
    return one


def _as_one(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any] | None:
    """A participant as it is recorded; None where it is told in one way, or in two that name two."""
    typed, group = value.get("person"), value.get("group")
    person = typed if isinstance(typed, Mapping) else {}
    unit = names.get(str(value.get("unit") or ""), "")
    if len(_WAYS & value.keys()) == 1 or ("unit" in value and not unit) or (group and person.get("id")):
        return None
    behind = ", ".join(filter(None, (person.get("office"), unit)))
    if group:
        return {"group": f"{group}, {behind}"}
    return {"person": {**person, "office": behind}}


def in_words(joined: Iterable[Mapping[str, Any]], people: Mapping[str, str]) -> Iterator[str]:
    """Yield participants that were told in several ways as they are recorded; `people` are names of persons by id."""
    for one in joined:
        person = one.get("person", {})
        name, office = people.get(person.get("id", ""), ""), person.get("office", "")
        yield str(one.get("group") or (f"{name} ({office})" if name else office))
