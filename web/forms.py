"""Acts as forms: from an act's own fields to inputs, and from what was sent back to fields. A new act needs nothing.

Names of inputs are paths (`document.title`, `sheet.0.points`). What begins with an underscore belongs to the form, not
to the act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.datastructures import FormData

from application.fields import FieldKind, FormField, form_fields
from domain.types import Command
from i18n.fields import field_label
from i18n.messages import day, number, word
from i18n.words import kind_of

DEEPEST = 8
MOST_ROWS = 400
NOT_ON_PAGES = frozenset({"instead"})
"""What holds a whole act: on pages the form of that act itself says what is right."""

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


def inputs(
    act: type[Command], values: Mapping[str, Any], more: Iterable[str] = (), *, with_text: bool = False
) -> tuple[Input, ...]:
    """The inputs of an act, filled with what was typed; `more` names lists that want another row.

    `with_text`: a document's own text is typed here, too.
    """
    wanted = frozenset(more)
    return tuple(
        _input(question, question.name, values.get(question.name), wanted, with_text=with_text)
        for question in form_fields(act)
        if question.name not in NOT_ON_PAGES
    )


def _input(question: FormField, path: str, value: Any, more: frozenset[str], *, with_text: bool) -> Input:
    label = field_label(question.name)
    if question.many:
        entries = list(value) if isinstance(value, list) else []
        count = len(entries) + (1 if path in more or (question.required and not entries) else 0)
        one = question.as_one(question.name)
        rows = tuple(
            _input(one, f"{path}.{n}", entries[n] if n < len(entries) else None, more, with_text=with_text)
            for n in range(count)
        )
        return Input(path, label, question.kind, question.required, "", rows=rows, many=True)
    if question.parts:
        inner = value if isinstance(value, Mapping) else {}
        parts = tuple(
            _input(part, f"{path}.{part.name}", inner.get(part.name), more, with_text=with_text)
            for part in question.parts
        )
        if {part.name for part in question.parts} == _DOCUMENT and not with_text and not inner.get("text"):
            parts = tuple(part for part in parts if not part.path.endswith(".text"))
        return Input(
            path, label, question.kind, question.required, "", parts=parts, optional_group=not question.required
        )
    words = kind_of(question.choice_type)
    choices = tuple((choice, word(words, choice) if words else choice) for choice in question.choices)
    return Input(path, label, question.kind, question.required, _shown(value), choices)


def _shown(value: Any) -> str:
    return "" if value is None else ("yes" if value is True else str(value))


def typed(form: FormData | Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were typed: nested, lists in order, nothing that says nothing."""
    root: dict[str, Any] = {}
    items = form.multi_items() if isinstance(form, FormData) else form.items()
    for name, value in items:
        if name.startswith("_") or not isinstance(value, str) or name.count(".") > DEEPEST:
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
    if value and all(key.isdigit() for key in value):
        ordered = sorted(value.items(), key=lambda pair: int(pair[0]))[:MOST_ROWS]
        return [kept for _n, entry in ordered if (kept := _cleaned(entry)) is not None]
    found = {name: kept for name, entry in value.items() if (kept := _cleaned(entry)) is not None}
    return found or None


def as_fields(act: type[Command], values: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed as an act's fields: flags become true, numbers of votes and the like stay text for the law."""
    return {
        name: _typed_as(question, values[name]) for question in form_fields(act) if (name := question.name) in values
    }


def _typed_as(question: FormField, value: Any) -> Any:
    if question.many and isinstance(value, list):
        return [_typed_as(question.as_one(question.name), entry) for entry in value]
    if question.many and isinstance(value, str):
        return [part for line in value.splitlines() if (part := line.strip())]
    if question.parts and isinstance(value, Mapping):
        return {name: _typed_as(part, value[name]) for part in question.parts if (name := part.name) in value}
    if question.kind == "flag":
        return value == "yes"
    return value


def as_typed(act: type[Command], fields: Mapping[str, Any]) -> dict[str, Any]:
    """An act's fields as somebody here would type them: days as dd/mm/yyyy, figures with a comma."""
    asked = {question.name: question for question in form_fields(act)}
    return {name: _as_typed(asked[name], value) for name, value in fields.items() if name in asked}


def _as_typed(question: FormField, value: Any) -> Any:
    if isinstance(value, list):
        return [_as_typed(question.as_one(question.name), entry) for entry in value]
    if isinstance(value, Mapping) and question.parts:
        asked = {part.name: part for part in question.parts}
        return {name: _as_typed(asked[name], entry) for name, entry in value.items() if name in asked}
    if value in question.choices or not isinstance(value, (str, int)):
        return value
    if question.kind == "day":
        return day(str(value))
    return number(Decimal(value)) if question.kind == "number" else value


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Fields as the inputs that would send them: for a form that carries what was typed over a page in between."""
    found: dict[str, str] = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            found.update(flat(value, f"{path}."))
        elif isinstance(value, (list, tuple)):
            found.update(flat({str(n): entry for n, entry in enumerate(value)}, f"{path}."))
        elif value is not None:
            found[path] = _shown(value)
    return found
