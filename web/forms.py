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
from domain.numbers import whole_number
from domain.records import Command
from domain.steps.letters import RecordLetter, RecordSiteCheck
from domain.steps.lifecycle import REHEARSAL_CLOCK
from domain.steps.meetings import RecordMeeting
from domain.steps.targets import RegisterTargets
from domain.steps.voting import RecordBallot
from i18n.fields import field_label, label_of_one
from i18n.messages import word
from i18n.words import kind_of

NOT_ON_PAGES = frozenset({"instead"})
"""Fields that hold a whole act: a page corrects an act on that act's own form."""

_SUPERSEDED = frozenset({"online"})
"""Fields of older records that another one tells in full: they are asked for only where something stands in them."""

_MADE_IDS: Mapping[str, Mapping[str, str]] = {
    RecordBallot.NAME: {"id": "bq"},
    RecordLetter.NAME: {"id": "cv"},
    RecordMeeting.NAME: {"id": "hn"},
    RecordSiteCheck.NAME: {"id": "kt"},
    RegisterTargets.NAME: {"targets.id": "ct"},
}
"""The acts that give a thing its id, which only programs use, with the path of the id without the numbers of rows.

A page makes one that begins so.
"""

MOST_ROWS_AT_ONCE = 20
"""So many rows a button adds at most."""

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
    """The page itself has made its value; no visitor needs to see it."""
    blank: Input | None = None
    """Of a list: a row in which nothing is typed, with `index` in the place of its number, for a script to copy."""
    index: str = ""
    summary: str = ""
    """A row of a long list that stands folded under this text; "": it stands open."""
    focus: bool = False
    """The page opens with the focus here: on the first input of a new row, or on the button of a list that lost one."""

    @property
    def has_focus(self) -> bool:
        """Whether the page opens with the focus on it, or inside it."""
        return self.focus or any(one.has_focus for one in (*self.parts, *self.rows))

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
    back_to: str = "",
    start: str = "",
) -> tuple[Input, ...]:
    """The inputs of an act, filled with what was typed. The names of the inputs begin with `start`.

    `more` names lists that want another row, or "targets 5" for so many. `with_text`: a document's own text is typed
    here, too. `rehearsal`: the installation is one, so a rehearsal's clock can be chosen. `back_to` is the list that a
    row was taken out of.
    """
    fields = [field for field in form_fields(act) if is_asked(field.name, values)]
    found = inputs_of(fields, values, more, with_text=with_text, act=act.NAME, start=start)
    made = {start + path: beginning for path, beginning in _MADE_IDS.get(act.NAME, {}).items()}
    shown = tuple(_back_to(_with_made_ids(one, made), back_to) for one in found)
    return shown if rehearsal else tuple(map(_without_rehearsal, shown))


def is_asked(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a form asks for a field of an act, by its name and what was typed."""
    return name not in NOT_ON_PAGES and (name not in _SUPERSEDED or bool(values.get(name)))


def inputs_of(
    fields: Iterable[FormField],
    values: Mapping[str, Any],
    more: Iterable[str] = (),
    *,
    with_text: bool = False,
    act: str = "",
    start: str = "",
) -> tuple[Input, ...]:
    """The inputs of fields, filled with what was typed; `more` and `start` as for `inputs`, `act` as labels say it."""
    wanted = dict(map(_wanted, filter(None, more)))
    return tuple(
        _input(field, start + field.name, values.get(field.name), wanted, with_text=with_text, act=act)
        for field in fields
    )


def field_input(field: FormField, path: str, value: Any, *, act: str = "") -> Input:
    """The input of one field, or of one row of a list, under a name of its own."""
    one = _input(field, path, value, {}, with_text=False, act=act)
    return one if act else replace(one, label=label_of_one(one.label))


def _wanted(text: str) -> tuple[str, int]:
    """A list, and how many rows it wants."""
    path, _blank, count = text.partition(" ")
    return path, max(1, min(whole_number(count) or 1, MOST_ROWS_AT_ONCE))


def new_id(act: type[Command]) -> str:
    """An id for what an act enters: a meeting, a ballot, a letter."""
    return _new_id(_MADE_IDS[act.NAME]["id"])


def made_id(act: type[Command]) -> dict[str, str]:
    """The id that a page makes for what an act enters, as the form holds it; nothing for other acts."""
    return {"id": new_id(act)} if "id" in _MADE_IDS.get(act.NAME, {}) else {}


def _new_id(beginning: str) -> str:
    return f"{beginning}-{uuid4().hex[:6]}"


def without_made(act: type[Command], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without the rows in which nothing was typed: they hold nothing but what the page made."""
    found = dict(values)
    for path in _MADE_IDS.get(act.NAME, {}):
        name, _dot, made = path.partition(".")
        if made and isinstance(found.get(name), list):
            found[name] = [row for row in found[name] if not isinstance(row, Mapping) or set(row) - {made}]
            if not found[name]:
                del found[name]
    return found


def _with_made_ids(one: Input, made: Mapping[str, str]) -> Input:
    """An input with the ids that the page makes, also in the rows of a list and in its blank row."""
    if not made:
        return one
    name = ".".join(part for part in one.path.split(".") if not _is_number(part))
    if name in made and not (one.many or one.parts):
        # A script copies the blank row: each copy has the number of its row behind what this page made.
        numbers = "".join(f"-{part}" for part in one.path.split(".") if part.startswith("__"))
        return replace(one, value=one.value or _new_id(made[name]) + numbers, made=True)
    return replace(
        one,
        parts=tuple(_with_made_ids(part, made) for part in one.parts),
        rows=tuple(_with_made_ids(row, made) for row in one.rows),
        blank=None if one.blank is None else _with_made_ids(one.blank, made),
    )


def _back_to(one: Input, path: str) -> Input:
    """An input with the focus on the list of this path, where it is that list or holds it."""
    if not path or not (path == one.path or path.startswith(f"{one.path}.")):
        return one
    if path == one.path:
        return replace(one, focus=True)
    return replace(
        one,
        parts=tuple(_back_to(part, path) for part in one.parts),
        rows=tuple(_back_to(row, path) for row in one.rows),
    )


def _focused(one: Input) -> Input:
    """A row with the focus on its first input."""
    if one.many or not one.parts:
        return replace(one, focus=True)
    at = next((n for n, part in enumerate(one.parts) if not part.path.endswith(".id")), 0)
    return replace(one, parts=(*one.parts[:at], _focused(one.parts[at]), *one.parts[at + 1 :]))


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


def field_name(path: str) -> str:
    """The name of the field that an input is of: the last part of its path that is not the number of a row."""
    return next((part for part in reversed(path.split(".")) if not _is_number(part)), path)


def _is_number(part: str) -> bool:
    return whole_number(part) is not None or part.startswith("__")


def is_chosen(name: str) -> bool:
    """Whether an input of a form holds what is chosen from a list: a value that says nothing to who reads it back."""
    return name.rpartition(".")[2] in _chosen()


def _row(field: FormField, path: str, value: Any, more: Mapping[str, int], *, with_text: bool) -> Input:
    """A row of a list: an entry of it, or one in which nothing is typed."""
    row = _input(field, path, value, more, with_text=with_text)
    return replace(row, label=label_of_one(row.label))


def _input(
    field: FormField, path: str, value: Any, more: Mapping[str, int], *, with_text: bool, act: str = ""
) -> Input:
    """`act`: its own field, and none inside another one; then its label may be the act's own."""
    label = field_label(field.name, act)
    if field.many:
        entries = list(value) if isinstance(value, list) else []
        count = len(entries) + (more.get(path, 0) or (1 if field.required and not entries else 0))
        one = field.as_one(field.name)
        rows = [
            _row(one, f"{path}.{n}", entries[n] if n < len(entries) else None, more, with_text=with_text)
            for n in range(count)
        ]
        if path in more:
            rows[len(entries)] = _focused(rows[len(entries)])
        index = f"__{path.count('.__')}__"
        blank = _row(one, f"{path}.{index}", None, {}, with_text=with_text)
        return Input(path, label, field.kind, field.required, "", rows=tuple(rows), many=True, blank=blank, index=index)
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
