"""The inputs of a part of a rules edition: made from its fields, with the labels and choices that editions have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, get_args

from application.edition_checks import nodes_of
from application.edition_parts import CRITERION_FIELDS, EditionPart, fields_of
from application.edition_summary import deadline_titles
from application.edition_texts import Values
from application.fields import FormField
from application.form_values import shown_fields, typed_fields
from application.titled_choices import Choices
from domain.scoring.methods import COMPARING, AllOrNothing, Banded, ByHand, Counted, Linear, Stepped
from i18n import LANGUAGES, _, in_language
from i18n.edition_fields import NO_CEILING, edition_choices, edition_label
from i18n.fields import label_of_one
from i18n.messages import typed_number, word
from i18n.words import WORDS
from web.forms import Input, field_name, inputs_of

_ROUND = "rounds"
_GROUP_ONLY = frozenset({"take", "partial"})
_LEAF_ONLY = frozenset({"way", "rounding", "exempt_kinds", "exempt_gives"})
_METHODS = {
    get_args(one.model_fields["way"].annotation)[0]: one
    for one in (ByHand, Linear, Stepped, Banded, AllOrNothing, Counted, *COMPARING)
}
"""The scoring methods by their names."""

HAND = "hand"


def part_inputs(
    part: EditionPart, values: Mapping[str, Any], more: Iterable[str], whole: Mapping[str, Any]
) -> tuple[tuple[Input, ...], Mapping[str, Choices]]:
    """The inputs of a part with what its fields hold, and what can be chosen in them; `whole` is the whole edition."""
    fields = fields_of(part)
    shown = _with_defaults(fields, shown_fields(fields, _without_days(values)))
    inputs = tuple(_labelled(one, "") for one in inputs_of(fields, _in_words(shown), more))
    return tuple(_folded(one, values) for one in inputs), choices_in(fields, whole)


def _folded(one: Input, values: Mapping[str, Any]) -> Input:
    """The deadlines folded, each under what it says in short: open, they are twenty screens of a telephone."""
    if one.path != "deadlines":
        return one
    titles = deadline_titles(values)
    titles += [""] * (len(one.rows) - len(titles))
    return replace(one, rows=tuple(replace(row, summary=title) for row, title in zip(one.rows, titles, strict=False)))


def criterion_inputs(
    node: Mapping[str, Any], more: Iterable[str], whole: Mapping[str, Any]
) -> tuple[tuple[Input, ...], Mapping[str, Choices]]:
    """The inputs of one criterion: of a group without its way, of any other with the figures of its way only."""
    fields = criterion_fields(node)
    shown = _with_defaults(fields, shown_fields(fields, _without_days(node)))
    return tuple(_labelled(one, "") for one in inputs_of(fields, _in_words(shown), more)), choices_in(fields, whole)


def criterion_fields(node: Mapping[str, Any]) -> tuple[FormField, ...]:
    """The fields that a criterion has: a group's, or a leaf's with those of its way."""
    is_group = bool(node.get("children"))
    left_out = _LEAF_ONLY if is_group else _GROUP_ONLY
    return tuple(_of_way(field, node) for field in CRITERION_FIELDS if field.name not in left_out)


def _of_way(field: FormField, node: Mapping[str, Any]) -> FormField:
    if field.name != "way":
        return field
    way = node.get("way")
    name = way.get("way") if isinstance(way, Mapping) else HAND
    known = _METHODS.get(str(name), ByHand).model_fields
    return replace(field, required=True, parts=tuple(part for part in field.parts if part.name in known))


def typed_part(fields: tuple[FormField, ...], values: Mapping[str, Any]) -> Values:
    """What was typed into the inputs of fields, as the values of the file."""
    return _with_flags(fields, typed_fields(fields, _as_kept(values)))


def _with_flags(fields: Iterable[FormField], values: Mapping[str, Any]) -> Values:
    """The values with what a form says by sending nothing: boxes of which none is ticked."""
    found = dict(values)
    for field in fields:
        value = found.get(field.name)
        if field.default is True and not value:
            found[field.name] = False
        elif isinstance(field.default, tuple) and value is None:
            found[field.name] = []
        elif field.parts and isinstance(value, list):
            found[field.name] = [_with_flags(field.parts, one) if isinstance(one, Mapping) else one for one in value]
        elif field.parts and isinstance(value, Mapping):
            found[field.name] = _with_flags(field.parts, value)
        elif field.parts and not field.many and (lists := _unsaid(field.parts)):
            found[field.name] = {name: [] for name in lists}
    return found


def _with_defaults(fields: Iterable[FormField], values: Mapping[str, Any]) -> Values:
    """The values with what holds where they say nothing, of what is there."""
    found = dict(values)
    for field in fields:
        value = found.get(field.name)
        if field.default not in (None, False) and field.name not in found:
            found[field.name] = _default(field)
        elif field.parts and isinstance(value, list):
            found[field.name] = [_with_defaults(field.parts, one) if isinstance(one, Mapping) else one for one in value]
        elif field.parts and isinstance(value, Mapping):
            found[field.name] = _with_defaults(field.parts, value)
        elif field.parts and not field.many and (lists := _unsaid(field.parts)):
            found[field.name] = {name: _default(part) for name, part in lists.items()}
    return found


def _unsaid(parts: Iterable[FormField]) -> dict[str, FormField]:
    """The lists of a group that is not there which hold something all the same."""
    return {part.name: part for part in parts if isinstance(part.default, tuple)}


def _default(field: FormField) -> Any:
    value = field.default
    if isinstance(value, tuple):
        return list(map(str, value))
    return typed_number(value) if field.kind == "number" else value


def _without_days(values: Any) -> Any:
    """The values with days as texts: a file that is read has days."""
    if isinstance(values, Mapping):
        return {name: _without_days(one) for name, one in values.items()}
    if isinstance(values, list):
        return [_without_days(one) for one in values]
    return values.isoformat() if isinstance(values, date) else values


def _in_words(values: Mapping[str, Any]) -> Values:
    """The values with words in the place of what stands for no number, and kinds of units as words."""
    return {name: _said(name, value, words=True) for name, value in values.items()}


def _as_kept(values: Mapping[str, Any]) -> Values:
    return {name: _said(name, value, words=False) for name, value in values.items()}


def _said(name: str, value: Any, *, words: bool) -> Any:
    if isinstance(value, Mapping):
        return {inner: _said(inner, one, words=words) for inner, one in value.items()}
    if isinstance(value, list):
        return [_said(name, one, words=words) for one in value]
    if name == "ceiling" and isinstance(value, str):
        if words:
            return _(NO_CEILING) if value == "none" else value
        return "none" if value.strip().casefold() in _no_ceiling() else value
    if name in {"kinds", "exempt_kinds"} and isinstance(value, str) and words:
        return value.replace("-", " ")
    return value


def _no_ceiling() -> set[str]:
    found: set[str] = set()
    for language in LANGUAGES:
        with in_language(language):
            found.add(_(NO_CEILING).casefold())
    return found


def _labelled(one: Input, inside: str) -> Input:
    """An input with the label that its field has in editions, and those inside it."""
    name = field_name(one.path)
    label = edition_label(name, inside)
    is_row = one.path.rpartition(".")[2] != name
    is_made = name == "id" and inside != _ROUND
    return replace(
        one,
        label=label_of_one(label) if is_row else label,
        made=is_made,
        required=one.required and name != "id",
        parts=tuple(_labelled(part, name) for part in one.parts),
        rows=tuple(_labelled(row, inside) for row in one.rows),
        blank=None if one.blank is None else _labelled(one.blank, inside),
        takes_files=False,
    )


def choices_in(fields: Iterable[FormField], whole: Mapping[str, Any]) -> Mapping[str, Choices]:
    """What can be chosen in the fields of a part and those inside it, by their names."""
    found: dict[str, Choices] = {}
    for inside, field in _all_fields(fields, ""):
        name = field.name
        choices = edition_choices(name, inside)
        if name in {"criteria", "ties_by"} and field.many and not field.parts:
            choices = _leaves(whole)
        elif name == "classes" and inside == "class_conditions":
            choices = _titles(whole, "classes")
        elif name == "fact":
            choices = _titles(whole, "facts")
        elif name == "subject":
            roles = tuple((one, word("vote_subject", one)) for one in WORDS["vote_subject"].words)
            choices = (*roles, *_entries(whole.get("awards")))
        elif name == "way" and inside == "way":
            choices = tuple((one, word("scoring_method", one)) for one in WORDS["scoring_method"].words)
        if choices:
            found[name] = choices
    return found


def _all_fields(fields: Iterable[FormField], inside: str) -> Iterator[tuple[str, FormField]]:
    for field in fields:
        yield inside, field
        yield from _all_fields(field.parts, field.name)


def _leaves(whole: Mapping[str, Any]) -> Choices:
    nodes = [node for _place, _depth, node in nodes_of(whole) if not node.get("children")]
    return tuple((str(node.get("id")), str(node.get("title", ""))) for node in nodes)


def _titles(whole: Mapping[str, Any], name: str) -> Choices:
    scoring = whole.get("scoring")
    return _entries(scoring.get(name)) if isinstance(scoring, Mapping) else ()


def _entries(entries: Any) -> Choices:
    known = [one for one in entries if isinstance(one, Mapping)] if isinstance(entries, list) else []
    return tuple((str(one.get("id")), str(one.get("title", ""))) for one in known)
