"""A part of a rules edition in a few words, for lists: each field with its label and what it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from application.edition_checks import nodes_of
from application.edition_parts import BY_ID, CRITERIA, CRITERION_FIELDS, EditionPart, fields_of, part_values
from application.fields import FormField
from domain.rules import PeriodDay, YearDay
from i18n import _, ngettext
from i18n.edition_fields import NO_CEILING, edition_choices, edition_label
from i18n.editions import year_day
from i18n.messages import typed_day, typed_number, word
from i18n.words import kind_of

_SHOWN = 8
"""Entries of a list that are named; the others are counted."""

_SILENT = frozenset({"id"})


def summary_of(
    values: Mapping[str, Any], part: EditionPart, most: int = _SHOWN
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what a part holds: (label, lines), without fields that hold nothing; of a list `most` entries by name."""
    if part is CRITERIA:
        return tuple(_criteria(values))
    held = part_values(values, part)
    fields = [one for field in fields_of(part) for one in (field.parts if field.name == "scoring" else (field,))]
    scoring = held.get("scoring")
    inside = {**held, **(scoring if isinstance(scoring, dict) else {})}
    return tuple(
        (edition_label(field.name), tuple(lines))
        for field in fields
        if field.name in inside and (lines := list(_lines(field, inside[field.name], values, most)))
    )


def entries_of(values: Mapping[str, Any], part: EditionPart) -> Iterator[tuple[str, str, str]]:
    """Yield what a part holds, all of it: (label, key, text); entries of a list one by one, each with a key of its own.

    The key is the same in another edition's entry about the same thing. The table of criteria is left out.
    """
    held = part_values(values, part)
    for field in fields_of(part):
        if part is CRITERIA:
            return
        inside = held.get(field.name)
        fields = field.parts if field.name == "scoring" else (field,)
        source = inside if field.name == "scoring" and isinstance(inside, Mapping) else held
        for one in fields:
            yield from _entries(one, source.get(one.name), values)


_DUE: TypeAdapter[YearDay | PeriodDay] = TypeAdapter(YearDay | PeriodDay)
_LIKE_OTHERS = ("if_day_off", "remind_days_before", "escalate_days_after", "close_days_after", "figures_until")
"""What most deadlines of an edition have in common."""


def deadline_titles(values: Mapping[str, Any]) -> list[str]:
    """Return for each deadline which task is due when, and how much of it is other than with most of the others."""
    held = values.get("deadlines")
    entries = [one if isinstance(one, Mapping) else {} for one in held] if isinstance(held, list) else []
    (field,) = fields_of(BY_ID["thoi-han"])
    parts = {part.name: part for part in field.parts}

    def told(entry: Mapping[str, Any], name: str) -> str:
        default = parts[name].default
        return _text(parts[name], entry.get(name, default if isinstance(default, str) else None), values, field.name)

    usual = {name: Counter(told(one, name) for one in entries).most_common(1)[0][0] for name in _LIKE_OTHERS if entries}
    found = []
    for one in entries:
        title = ": ".join(text for text in (told(one, "duty"), _due(one.get("due")) or told(one, "due")) if text)
        other = sum(told(one, name) != usual[name] for name in _LIKE_OTHERS)
        count = ngettext(
            "{count} thing other than with most deadlines", "{count} things other than with most deadlines", other
        ).format(count=other)
        found.append(" · ".join(filter(None, (title[:1].upper() + title[1:], count if other else ""))))
    return found


def _due(value: Any) -> str:
    """The day of a deadline in words; "" for what is no such day yet."""
    try:
        return year_day(_DUE.validate_python(value))
    except ValidationError:
        return ""


def _entries(field: FormField, value: Any, whole: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    label = edition_label(field.name)
    if field.many and field.parts and isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _entry(field, number, entry, whole)
    elif field.parts and isinstance(value, Mapping):
        for part in field.parts:
            if text := _text(part, value.get(part.name), whole, field.name):
                told = edition_label(part.name, field.name)
                yield f"{label}: {told[:1].lower()}{told[1:]}", f"{field.name} {part.name}", text
    elif text := _text(field, value, whole):
        yield label, field.name, text


def _entry(field: FormField, number: int, entry: Any, whole: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """An entry of a list: called by what it is about, with what else it says."""
    if not (text := _text(field.as_one(field.name), entry, whole)):
        return
    keys = [name for name in _KEYS if isinstance(entry, Mapping) and name in entry]
    named = [one for one in field.parts if one.name in _NAMES and isinstance(entry, Mapping) and one.name in entry]
    name = _text(named[0], entry[named[0].name], whole, field.name) if named else ""
    key = f"{field.name} {entry[keys[0]] if keys else number}"
    if name and text.startswith(name):
        yield name[:1].upper() + name[1:], key, text.removeprefix(name).lstrip(", ") or name
    else:
        yield edition_label(field.name), key, text


_KEYS = ("duty", "id", "subject", "title", "part")
"""Fields that say what an entry of a list is about."""

_NAMES = ("duty", "title", "subject")
"""Those of them that people know it by."""


def _criteria(values: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    nodes = [(depth, node) for _place, depth, node in nodes_of(values)]
    if not nodes:
        return
    leaves = sum(1 for _depth, node in nodes if not node.get("children"))
    count = ngettext("{count} criterion", "{count} criteria", leaves).format(count=leaves)
    tops = [node for depth, node in nodes if depth == 0]
    lines = [_top(node) for node in tops[:_SHOWN]]
    yield count, tuple(lines if len(tops) <= _SHOWN else [*lines, _more(len(tops) - _SHOWN)])


def _top(node: Mapping[str, Any]) -> str:
    text = " ".join(str(node[name]) for name in ("number", "title") if node.get(name))
    return f"{text}: {typed_number(node['max'])}" if node.get("max") is not None else text


def _more(count: int) -> str:
    return _("and {count} more").format(count=count)


def _lines(field: FormField, value: Any, whole: Mapping[str, Any], most: int) -> Iterator[str]:
    if field.many and isinstance(value, list):
        one = field.as_one(field.name)
        shown = [text for entry in value[:most] if (text := _text(one, entry, whole))]
        if field.parts:
            yield from shown
        elif shown:
            yield ", ".join(shown)
        if len(value) > most:
            yield _more(len(value) - most)
    elif text := _text(field, value, whole):
        yield text


def _text(field: FormField, value: Any, whole: Mapping[str, Any], inside: str = "") -> str:
    if isinstance(value, Mapping):
        is_day = {"month", "day"} <= set(value)
        return _year_day(value) if is_day else ", ".join(_parts(field, value, whole))
    if isinstance(value, list):
        one = field.as_one(field.name)
        return ", ".join(text for entry in value if (text := _text(one, entry, whole, inside)))
    if value is None or field.name in _SILENT:
        return ""
    words = dict(edition_choices(field.name, inside))
    if str(value) in field.choices or str(value) in words:
        kind = kind_of(field.choice_type)
        return words.get(str(value)) or (word(kind, value) if kind else "")
    return _leaf(field, value, whole)


def _leaf(field: FormField, value: Any, whole: Mapping[str, Any]) -> str:
    if field.kind == "flag":
        return _("yes") if value is True else _("no")
    if field.kind == "day":
        return typed_day(value)
    return typed_number(value) if field.kind == "number" else _titled(str(value), field.name, whole)


def _parts(field: FormField, value: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[str]:
    """The parts of an entry: its title or what it is first, others with their labels."""
    for part in field.parts:
        if part.name not in value or not (text := _text(part, value[part.name], whole, field.name)):
            continue
        plain = part.name in {"title", "duty", "subject", "due", "part", "document", "method", "number", "year"}
        yield text if plain else f"{edition_label(part.name, field.name).lower()}: {text}"


def _year_day(value: Mapping[str, Any]) -> str:
    text = f"{value['day']!s:0>2}/{value['month']!s:0>2}"
    year = dict(edition_choices("year")).get(str(value.get("year", 0)), "")
    return f"{text} ({year})" if value.get("year") else text


def _titled(text: str, name: str, whole: Mapping[str, Any]) -> str:
    """The title of what an id stands for; kinds of units as words."""
    if name in {"kinds", "exempt_kinds"}:
        return text.replace("-", " ")
    if name in {"criteria", "ties_by"}:
        return next((str(node.get("title")) for _p, _d, node in nodes_of(whole) if node.get("id") == text), "")
    if name == "subject":
        awards = whole.get("awards")
        known = {str(one.get("id")): str(one.get("title")) for one in _tables(awards)}
        return known.get(text) or word("vote_subject", text)
    if name in {"classes", "fact"}:
        scoring = whole.get("scoring")
        lists = [scoring.get("classes"), scoring.get("facts")] if isinstance(scoring, Mapping) else []
        entries = [one for found in lists for one in _tables(found)]
        return next((str(one.get("title")) for one in entries if one.get("id") == text), "")
    return text


def _tables(entries: Any) -> list[Mapping[str, Any]]:
    """The entries of a list that are tables of names and values; none of what is no list."""
    return [one for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []


def criterion_lines(node: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is said of a criterion beside its number, title and points; `names` are those of units, by id."""
    fields = {field.name: field for field in CRITERION_FIELDS}
    found: list[str] = []
    way = node.get("way")
    if not node.get("children"):
        name = way.get("way", "hand") if isinstance(way, Mapping) else "hand"
        parts = [_way_part(fields["way"], inner, value) for inner, value in _inner(way) if inner != "way"]
        told = ", ".join(part for part in parts if part)
        found.append(word("scoring_method", name) + (f" ({told})" if told else ""))
    for name, field in fields.items():
        if name in {"number", "title", "max", "part", "way"} or name not in node:
            continue
        if name == "units" and isinstance(node[name], list):
            found.append(f"{edition_label(name)}: {', '.join(names.get(str(one), str(one)) for one in node[name])}")
        elif text := _text(field, node[name], {}):
            found.append(f"{edition_label(name)}: {text}" if field.kind != "flag" else edition_label(name))
    return tuple(found)


def _inner(way: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(way, Mapping):
        yield from way.items()


def _way_part(field: FormField, name: str, value: Any) -> str:
    """A figure of a scoring method; lists are counted."""
    part = next((one for one in field.parts if one.name == name), None)
    label = edition_label(name, "way").lower()
    if isinstance(value, list):
        if name == "conditions":
            return "; ".join(str(one.get("title", "")) for one in value[:_SHOWN] if isinstance(one, Mapping))
        return f"{label}: {len(value)}"
    if value == "none":
        return f"{label}: {_(NO_CEILING)}"
    text = "" if part is None else _text(part, value, {}, "way")
    return f"{label} {text}" if text else ""
