"""One cell of several inputs that two people have changed: what becomes of it where they changed different parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from application.form_values import flattened
from application.minutes_cells import group_of, group_text


class _ClashError(Exception):
    """Both have changed the same part, each otherwise."""


def merged(base: str, mine: str, theirs: str) -> str | None:
    """Return what a cell holds with both changes of `base`; None where they changed the same part otherwise.

    Rows that both have added stand one after the other, mine first.
    """
    try:
        found = _merged(group_of(base), group_of(mine), group_of(theirs))
    except _ClashError:
        return None
    return group_text(flattened(found))


def _merged(base: Any, mine: Any, theirs: Any) -> Any:
    if theirs in (base, mine):
        return mine
    if mine == base:
        return theirs
    values = (base, mine, theirs)
    if all(one is None or isinstance(one, Mapping) for one in values):
        old, own, other = (one or {} for one in values)
        names = dict.fromkeys((*own, *other))
        found = {name: _merged(old.get(name), own.get(name), other.get(name)) for name in names}
        return {name: value for name, value in found.items() if value is not None}
    if all(one is None or isinstance(one, list) for one in values):
        return _merged_rows(*(one or [] for one in values))
    raise _ClashError


_WHOM = ("unit", "person", "office", "words")
"""What says whom a row is about. Where one has changed it, the other has typed about somebody else."""


def _merged_row(base: Any, mine: Any, theirs: Any) -> Any:
    if mine != base and theirs not in (base, mine):
        rows = (base, mine, theirs)
        if None in (mine, theirs) or any(not isinstance(row, Mapping) for row in rows):
            raise _ClashError
        if any(row.get(name) != base.get(name) for row in (mine, theirs) for name in _WHOM):
            raise _ClashError
    return _merged(base, mine, theirs)


def _merged_rows(base: list[Any], mine: list[Any], theirs: list[Any]) -> list[Any]:
    own, own_new = _changes(base, mine)
    other, other_new = _changes(base, theirs)
    found: list[Any] = []
    for at in range(len(base) + 1):
        found += own_new[at]
        found += [row for row in other_new[at] if row not in own_new[at]]
        if at < len(base):
            row = _merged_row(base[at], own[at], other[at])
            found += [] if row is None else [row]
    return found


def _changes(base: list[Any], rows: list[Any]) -> tuple[list[Any], list[list[Any]]]:
    """What became of each row of `base`, None where it was taken out; and the rows that were added before each."""
    stands: list[Any] = [None] * len(base)
    added: list[list[Any]] = [[] for _ in range(len(base) + 1)]
    old, new = ([json.dumps(row, sort_keys=True) for row in one] for one in (base, rows))
    for _tag, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        both = min(last - first, end - start)
        stands[first : first + both] = rows[start : start + both]
        added[last] += rows[start + both : end]
    return stands, added
