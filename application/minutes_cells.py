"""The minutes of a meeting as cells: each field, row and act that is edited on its own is one, under a path.

Minutes are a draft that all keepers of the cycle's minutes share. What they decide for another cycle, the year that the
meeting opens, stands under the scope of that cycle, so that only those see and write it who keep its minutes, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import uuid4

from application.fields import FormField, form_fields
from application.form_values import as_fields, flattened, nested
from domain.numbers import whole_number
from domain.records import Command
from domain.steps.meetings import RecordMeeting

ON = "on"
OTHER = "other"
SEED = "seed"
"""Seeds the ids of the commands, so that the same minutes are entered once."""

DROPPED = "dropped"
HEAD, PRESENT, STANCE, SIGN, SHEET, ACTS = "head", "present", "stance", "sign", "sheet", "acts"
WRITER, TAKEN_OUT = "by", "gone"
"""Before a person who has written, and before the path of a cell that was taken out, with what it held."""

TICKED = "yes"
JOINT, EACH = "joint", "each"

_FIELDS: Mapping[str, FormField] = {field.name: field for field in form_fields(RecordMeeting) if field.name != "id"}
NOTES = "notes"
PAPERS, DISCUSSION, CONCLUSIONS, RESOLUTIONS = KINDS_OF_NOTES = ("papers", "discussion", "conclusions", "resolutions")
"""What minutes ask for by itself and the register keeps among the notes of the meeting."""

HEAD_FIELDS: Mapping[str, FormField] = {
    **_FIELDS,
    **{name: replace(_FIELDS[NOTES], name=name, kind="text") for name in KINDS_OF_NOTES},
}
"""The fields of the meeting itself that minutes ask for, by name."""

_SCOPE = re.compile(r"(n[0-9a-f]{16}\.)?(.*)", re.DOTALL)


def scope_of(stream: str) -> str:
    """What the paths begin with of what is decided for another cycle than that of the minutes."""
    return f"n{sha256(stream.encode()).hexdigest()[:16]}."


def scope_in(path: str) -> str:
    """The scope of another cycle that a path begins with; "" for what belongs to the cycle of the minutes."""
    found = _SCOPE.fullmatch(path.removeprefix(f"{TAKEN_OUT}."))
    return (found and found[1]) or ""


def inside(path: str) -> tuple[str, ...]:
    """The parts of a path behind its scope."""
    return tuple(path.removeprefix(scope_in(path)).split("."))


def group_text(typed: Mapping[str, str]) -> str:
    """What a cell of several inputs holds: those that were filled in, by their names inside the cell, as JSON."""
    flat = flattened(nested(typed.items()))
    return json.dumps(flat, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def group_of(value: str) -> dict[str, Any]:
    """What was typed into a cell of several inputs, nested; {} where it holds nothing, or nothing that can be read."""
    try:
        found = json.loads(value or "{}")
    except (ValueError, RecursionError):
        return {}
    return nested(found.items()) if isinstance(found, dict) else {}


def field_of(path: str) -> FormField | None:
    """The field of the meeting that a cell is of, or one row of; None for other cells."""
    head, *rest = inside(path)
    field = HEAD_FIELDS.get(rest[0]) if head == HEAD and rest else None
    if field is None or len(rest) > (_ROW_DEPTH if field.many else 1):
        return None
    return field.as_one(field.name) if field.many and len(rest) == _ROW_DEPTH else field


_ROW_DEPTH = 2


def is_group(path: str) -> bool:
    """Whether a cell holds several inputs: an act, a paper, a participant."""
    parts = inside(path)
    field = field_of(path)
    return parts[0] in {ACTS, SHEET} or (field is not None and bool(field.parts))


def is_row_or_act(path: str) -> bool:
    """Whether a cell was begun by a button, and can be taken out."""
    return act_in(path) is not None or (field_of(path) is not None and len(inside(path)) == _ACT_DEPTH)


def act_in(path: str) -> type[Command] | None:
    """The act that a cell holds; None for other cells."""
    parts = inside(path)
    return Command.KNOWN.get(parts[1]) if parts[0] == ACTS and len(parts) == _ACT_DEPTH else None


_ACT_DEPTH = 3


@dataclass(frozen=True, slots=True)
class MinutesAct:
    """An act of the minutes: its cell's path, the cycle that it is for, its name, and what was typed, nested."""

    path: str
    stream: str
    act: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Minutes:
    """The minutes of a meeting of a cycle: what its cells hold, by path, without the empty ones."""

    id: str
    stream: str
    cells: Mapping[str, str]

    @property
    def on(self) -> str:
        """The day of the meeting, as it was typed."""
        return self.cells.get(ON, "")

    @property
    def other(self) -> str:
        """The stream of another cycle that the meeting decides for, too: the year it opens; "" for none."""
        return self.cells.get(OTHER, "")

    @property
    def streams(self) -> tuple[str, ...]:
        """The cycles that it decides for."""
        return (self.stream, self.other) if self.other else (self.stream,)

    def scope(self, stream: str) -> str:
        """What the paths of a cycle's cells begin with."""
        return "" if stream == self.stream else scope_of(stream)

    @cached_property
    def head(self) -> dict[str, Any]:
        """The fields of the meeting itself, as they were typed, without the rows in which nothing was."""
        found: dict[str, Any] = {}
        for name, field in HEAD_FIELDS.items():
            if field.many:
                value: Any = [row for _path, row in self.rows(name) if row]
            else:
                typed = self.cells.get(f"{HEAD}.{name}", "")
                value = group_of(typed) if field.parts else typed
            if value:
                found[name] = value
        return found

    def rows(self, name: str) -> list[tuple[str, Any]]:
        """The rows of a list of the meeting: the path of each, and what was typed into it."""
        start, field = f"{HEAD}.{name}.", HEAD_FIELDS[name]
        paths = sorted(path for path in self.cells if path.startswith(start))
        return [(path, group_of(self.cells[path]) if field.parts else _line(self.cells[path])) for path in paths]

    @property
    def present(self) -> list[str]:
        """The units that are ticked as present."""
        return [path.partition(".")[2] for path in sorted(self.cells) if path.startswith(f"{PRESENT}.")]

    def answers(self, stream: str, what: str) -> dict[str, str]:
        """What units answered in a cycle, by unit: their stances, or how they signed."""
        start = f"{self.scope(stream)}{what}."
        return {path.removeprefix(start): value for path, value in self.cells.items() if path.startswith(start)}

    def sheet(self, stream: str) -> dict[str, Any]:
        """The joint sheet that units of a cycle signed, as a document."""
        return group_of(self.cells.get(f"{self.scope(stream)}{SHEET}", ""))

    def acts(self, stream: str) -> list[MinutesAct]:
        """The acts for a cycle in the order in which they were begun."""
        start = f"{self.scope(stream)}{ACTS}."
        found = [(path.rpartition(".")[2], path) for path in self.cells if path.startswith(start)]
        acts = [(path, act_in(path)) for _number, path in sorted(found)]
        return [MinutesAct(path, stream, act.NAME, group_of(self.cells[path])) for path, act in acts if act is not None]

    @property
    def count(self) -> int:
        """How many acts it holds."""
        return sum(act_in(path) is not None for path in self.cells)

    def next_path(self, start: str) -> str:
        """The path of a new row or act: they stand in the order of their numbers, and no two people make the same."""
        rows = (path.rpartition(".")[2].partition("-")[0] for path in self.cells)
        number = max((whole_number(one) or 0 for one in rows), default=0) + 1
        return f"{start}.{number:04}-{uuid4().hex[:6]}"


EMPTY_ROW = '""'
"""What a row of one line holds in which nothing was typed yet."""


def _line(value: str) -> str:
    return "" if value == EMPTY_ROW else value


def fields_of(one: MinutesAct) -> dict[str, Any]:
    """An act's fields from what was typed."""
    return as_fields(Command.KNOWN[one.act], one.values)


def words_in(values: Any) -> Iterator[str]:
    """All texts that stand in what was typed."""
    if isinstance(values, Mapping):
        for entry in values.values():
            yield from words_in(entry)
    elif isinstance(values, (list, tuple)):
        for entry in values:
            yield from words_in(entry)
    elif values:
        yield str(values)
