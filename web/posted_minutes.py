"""A form of minutes as it was sent: the cells that it holds, as they are kept, and those that cannot be.

Where two have changed different parts of one cell, both changes are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qsl

from starlette.datastructures import FormData

from application.form_values import flattened
from application.merged_cells import merged
from application.minutes_cells import (
    EACH,
    EMPTY_ROW,
    HEAD,
    JOINT,
    PRESENT,
    SIGN,
    STANCE,
    TICKED,
    field_of,
    group_of,
    group_text,
    inside,
    is_group,
)
from i18n.messages import sentence
from web import quotas
from web.act_files import put_together
from web.error_answers import printable, unstorable_text
from web.open_minutes import STANCES, OpenMinutes

CELL = "_cell"
"""The hidden field beside the inputs of a cell: its path, a blank, and the mark of what the page showed there."""

MINE = "_mine"
"""The button that keeps one's own value in a conflict: its value is the cell's path, a blank, and the value."""

_TAKEN = {STANCE: frozenset(STANCES), SIGN: frozenset({EACH, JOINT}), PRESENT: frozenset({TICKED})}


def mark_of(value: str) -> str:
    """What a form carries of a value that it shows, to tell whether it was changed there."""
    return sha256(value.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class PostedMinutes:
    """The cells that a form holds, as they are kept, by path.

    `unkept` are those that cannot be kept, as they were typed; `faults` says why, by the name of the input.
    """

    cells: dict[str, str] = field(default_factory=dict)
    unkept: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def posted_cells(opened: OpenMinutes, form: FormData, body: Mapping[str, str], *, changed: bool) -> PostedMinutes:
    """The cells that a form holds; with `changed` only those that its page showed otherwise.

    Among them is the one that a button keeps with one's own value, after a conflict. One that cannot be kept does not
    hold up the others. Its time grows with the form: each cell is read once, and each input belongs to one.

    Raises:
        InputError: `unstorable_text`, of what stands in no cell.
    """
    named = (str(one).partition(" ") for one in form.getlist(CELL))
    marks = {path: mark for path, _blank, mark in named if opened.accepts(path)}
    inputs: dict[str, dict[str, str]] = {path: {} for path in marks}
    outside: dict[str, str] = {}
    for name, value in body.items():
        around = [path for path in paths_around(name) if path in inputs]
        for path in around:
            inputs[path][name] = value
        if not around:
            outside[name] = value
    if (unstorable := unstorable_text(outside)) is not None:
        raise unstorable
    found = PostedMinutes()
    for path, mark in marks.items():
        value = cell_text(path, inputs[path])
        if faults := _faults_of(value, inputs[path]):
            found.faults.update(faults)
            found.unkept[path] = cell_text(path, {name: printable(one) for name, one in inputs[path].items()})
        elif not changed or mark_of(value) != mark:
            found.cells[path] = value
    path, _blank, own = body.get(MINE, "").partition(" ")
    if opened.accepts(path):
        found.cells[path] = kept_text(path, own)
    return found


def _faults_of(value: str, inputs: Mapping[str, str]) -> dict[str, str]:
    """Why a cell with these inputs cannot be kept, by the name of the input that is at fault."""
    wrong = {name: error for name, text in inputs.items() if (error := unstorable_text({name: text})) is not None}
    faults = {name: sentence(error.code, error.facts) for name, error in wrong.items()}
    if not faults and len(value) > quotas.MINUTES_CELL_CHARACTERS:
        longest = max(inputs, key=lambda name: len(inputs[name]))
        most = quotas.MINUTES_CELL_CHARACTERS
        faults[longest] = sentence("text_too_long", {"found": len(value), "most": most})
    return faults


BASE = "_base."
"""Before the path of a cell of several inputs: what the page had there when it was last the same as what is kept."""


def with_theirs(opened: OpenMinutes, typed: Mapping[str, str], body: Mapping[str, str]) -> dict[str, str]:
    """Those of the typed cells in which a colleague has changed other parts meanwhile, with both changes."""
    found = {}
    for path, mine in typed.items():
        theirs = opened.kept(path)
        if is_group(path) and theirs and (sent := body.get(f"{BASE}{path}")) is not None:
            inputs = dict(parse_qsl(sent, keep_blank_values=True))
            put_together(inputs)
            if (both := merged(cell_text(path, inputs), mine, theirs)) is not None:
                found[path] = both
    return found


def all_known(opened: OpenMinutes, form: FormData) -> bool:
    """Whether the visitor may write all cells that a form holds: those that are not known are not saved."""
    return all(opened.accepts(path) for path in {str(one).partition(" ")[0] for one in form.getlist(CELL)})


_PATH_PARTS = 4
"""Of the longest path: a scope, and the three of an act."""


def paths_around(name: str) -> list[str]:
    """The paths of the cells that the input of a name can stand in, the longest first."""
    parts = name.split(".", _PATH_PARTS)[:_PATH_PARTS]
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def cell_text(path: str, body: Mapping[str, str]) -> str:
    """What a cell holds by the inputs of a form."""
    if is_group(path):
        start = f"{path}."
        return group_text({name.removeprefix(start): value for name, value in body.items() if name.startswith(start)})
    return line_text(path, body.get(path, ""))


def kept_text(path: str, own: str) -> str:
    """What a cell holds by a value that a page had from us, or from anybody: never more than can be typed into it."""
    return group_text(flattened(group_of(own))) if is_group(path) else line_text(path, own)


def line_text(path: str, typed: str) -> str:
    """What a cell of one input holds by what was typed into it; of a closed choice, nothing else than one of them."""
    value = typed.replace("\r\n", "\n").strip()
    if (taken := _TAKEN.get(inside(path)[0])) is not None:
        return value if value in taken else ""
    is_row = (field := field_of(path)) is not None and not field.many and len(inside(path)) > len((HEAD, "name"))
    return value or (EMPTY_ROW if is_row else "")
