"""Acts as forms: the inputs of an act, made from its own fields, so that a new act needs no form of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from application.fields import FieldKind, FormField, form_fields
from application.form_values import input_text
from domain.records import Command
from i18n.fields import field_label
from i18n.messages import word
from i18n.words import kind_of

NOT_ON_PAGES = frozenset({"instead"})
"""Fields that hold a whole act: a page corrects an act on that act's own form."""

_DOCUMENT = frozenset({"title", "number", "issued", "issuer", "text"})


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a form: a leaf, a group of inputs, or a list of rows."""

    path: str
    label: str
    kind: FieldKind
    required: bool
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    parts: tuple[Input, ...] = ()
    rows: tuple[Input, ...] = ()
    many: bool = False
    optional_group: bool = False
    takes_files: bool = False
    """Files can be handed in with it; references to them stand behind its text."""


def inputs(
    act: type[Command], values: Mapping[str, Any], more: Iterable[str] = (), *, with_text: bool = False
) -> tuple[Input, ...]:
    """The inputs of an act, filled with what was typed; `more` names lists that want another row.

    `with_text`: a document's own text is typed here, too.
    """
    wanted = frozenset(more)
    return tuple(
        _input(field, field.name, values.get(field.name), wanted, with_text=with_text)
        for field in form_fields(act)
        if field.name not in NOT_ON_PAGES
    )


def _input(field: FormField, path: str, value: Any, more: frozenset[str], *, with_text: bool) -> Input:
    label = field_label(field.name)
    if field.many:
        entries = list(value) if isinstance(value, list) else []
        count = len(entries) + (1 if path in more or (field.required and not entries) else 0)
        one = field.as_one(field.name)
        rows = tuple(
            _input(one, f"{path}.{n}", entries[n] if n < len(entries) else None, more, with_text=with_text)
            for n in range(count)
        )
        return Input(path, label, field.kind, field.required, "", rows=rows, many=True)
    if field.parts:
        inner = value if isinstance(value, Mapping) else {}
        parts = tuple(
            _input(part, f"{path}.{part.name}", inner.get(part.name), more, with_text=with_text) for part in field.parts
        )
        if {part.name for part in field.parts} == _DOCUMENT and not with_text and not inner.get("text"):
            parts = tuple(part for part in parts if not part.path.endswith(".text"))
        if {part.name for part in field.parts} == _DOCUMENT:
            parts = tuple(replace(one, takes_files=one.path.endswith(".title")) for one in parts)
        return Input(path, label, field.kind, field.required, "", parts=parts, optional_group=not field.required)
    words = kind_of(field.choice_type)
    choices = tuple((choice, word(words, choice) if words else choice) for choice in field.choices)
    return Input(path, label, field.kind, field.required, input_text(value), choices)
