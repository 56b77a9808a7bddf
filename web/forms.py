"""Acts as forms: the inputs of an act, made from its own fields, so that a new act needs no form of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import uuid4

from application.fields import FieldKind, FormField, form_fields
from application.form_values import input_text
from domain.cycle import ENTERED_BY_PERSONS
from domain.records import Command
from domain.steps.letters import RecordLetter
from domain.steps.lifecycle import REHEARSAL_CLOCK
from domain.steps.meetings import RecordMeeting
from domain.steps.voting import RecordBallot
from i18n.fields import field_label
from i18n.messages import word
from i18n.words import kind_of

NOT_ON_PAGES = frozenset({"instead"})
"""Fields that hold a whole act: a page corrects an act on that act's own form."""

_MADE_IDS: Mapping[str, str] = {RecordBallot.NAME: "bq", RecordLetter.NAME: "cv", RecordMeeting.NAME: "hn"}
"""The acts that give a thing its id, which only programs use: a page makes one that begins so."""

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
    made: bool = False
    """The page itself has made its value; nobody needs to see it."""

    def is_faulty(self, faulty: Iterable[str]) -> bool:
        """Whether one of these paths is this input or stands inside it."""
        return any(path == self.path or path.startswith(f"{self.path}.") for path in faulty)


def inputs(
    act: type[Command],
    values: Mapping[str, Any],
    more: Iterable[str] = (),
    *,
    with_text: bool = False,
    rehearsal: bool = False,
) -> tuple[Input, ...]:
    """The inputs of an act, filled with what was typed; `more` names lists that want another row.

    `with_text`: a document's own text is typed here, too. `rehearsal`: the installation is one, so a rehearsal's clock
    can be chosen.
    """
    wanted = frozenset(more)
    found = (
        _input(field, field.name, values.get(field.name), wanted, with_text=with_text, act=act.NAME)
        for field in form_fields(act)
        if field.name not in NOT_ON_PAGES
    )
    shown = (_with_made_id(one, act) for one in found)
    return tuple(shown if rehearsal else map(_without_rehearsal, shown))


def new_id(act: type[Command]) -> str:
    """An id for what an act enters: a meeting, a ballot, a letter."""
    return f"{_MADE_IDS[act.NAME]}-{uuid4().hex[:6]}"


def _with_made_id(one: Input, act: type[Command]) -> Input:
    if one.path != "id" or act.NAME not in _MADE_IDS:
        return one
    return replace(one, value=one.value or new_id(act), made=True)


def _without_rehearsal(one: Input) -> Input:
    """An input without the choice of a rehearsal's clock."""
    if one.path != "clock":
        return one
    return replace(one, choices=tuple(choice for choice in one.choices if choice[0] != REHEARSAL_CLOCK))


@lru_cache
def _chosen() -> frozenset[str]:
    """The names of fields whose values are chosen and not typed, in every act that has one."""
    leaves = {(one.name, _is_chosen(one)) for act in ENTERED_BY_PERSONS for one in _leaves(form_fields(act))}
    typed = {name for name, chosen in leaves if not chosen}
    return frozenset({name for name, chosen in leaves if chosen} - typed) | {
        "award",
        "criterion",
        "cycle",
        "id",
        "key",
        "kind",
        "letter",
    }


def _leaves(fields: Iterable[FormField]) -> Iterator[FormField]:
    for field in fields:
        yield from _leaves(field.parts) if field.parts else (field,)


def _is_chosen(field: FormField) -> bool:
    return field.kind in {"unit", "flag"} or bool(field.choices)


def is_chosen(name: str) -> bool:
    """Whether an input of a form holds what is chosen from a list: a value that says nothing to who reads it back."""
    return name.rpartition(".")[2] in _chosen()


def _input(field: FormField, path: str, value: Any, more: frozenset[str], *, with_text: bool, act: str = "") -> Input:
    """`act`: its own field, and none inside another one; then its label may be the act's own."""
    label = field_label(field.name, act)
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
