"""Changes of the tree of criteria in the values of an edition: each returns new values and leaves the old ones."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from application.edition_checks import Place, nodes_of
from application.edition_texts import Values, as_file

_CHILDREN = "children"


def node_at(values: Mapping[str, Any], place: Place) -> Values | None:
    """Return the criterion at a place; None where there is none."""
    return next((node for found, _depth, node in nodes_of(values) if found == place), None) if place else None


def _siblings(values: Values, place: Place) -> list[Any]:
    """The list that a place stands in."""
    found: list[Any] = values.setdefault("criteria", [])
    for number in place[:-1]:
        found = found[number].setdefault(_CHILDREN, [])
    return found


def replaced(values: Mapping[str, Any], place: Place, node: Mapping[str, Any]) -> Values:
    """Return the values with another criterion at a place; what is in the one that stands there stays in it."""
    there, found = node_at(values, place), deepcopy(dict(values))
    if there is None:
        return found
    kept = {name: there[name] for name in ("id", _CHILDREN) if name in there}
    own = {name: value for name, value in node.items() if name not in {"id", _CHILDREN}}
    _siblings(found, place)[place[-1]] = deepcopy({**own, **kept})
    return as_file(found)


def added(values: Mapping[str, Any], within: Place, node: Mapping[str, Any]) -> Values:
    """Return the values with one more criterion: the last one of a group, or of the table."""
    found = deepcopy(dict(values))
    parent = node_at(found, within)
    if parent is None:
        within, entries = (), found.setdefault("criteria", [])
    else:
        parent.pop("way", None)  # a group takes no points itself
        entries = parent.setdefault(_CHILDREN, [])
    taken = {str(one.get("id")) for _place, _depth, one in nodes_of(found)}
    place = "-".join(str(number + 1) for number in (*within, len(entries)))
    free = next(one for one in (place, *(f"{place}-moi{n}" for n in range(2, len(taken) + 3))) if one not in taken)
    own = {name: value for name, value in node.items() if name not in {"id", _CHILDREN}}
    if parent is not None and parent.get("part") and "part" not in own:
        own["part"] = parent["part"]
    entries.append({"id": free, **deepcopy(own)})
    return as_file(found)


def without(values: Mapping[str, Any], place: Place) -> Values:
    """Return the values without the criterion at a place, and without what is in it."""
    found = deepcopy(dict(values))
    if node_at(found, place) is not None:
        del _siblings(found, place)[place[-1]]
    return as_file(found)


def moved(values: Mapping[str, Any], place: Place, *, up: bool) -> Values:
    """Return the values with a criterion one place further up or down in its group."""
    found = deepcopy(dict(values))
    if node_at(found, place) is None:
        return found
    entries, at = _siblings(found, place), place[-1]
    to = at - 1 if up else at + 1
    if 0 <= to < len(entries):
        entries[at], entries[to] = entries[to], entries[at]
    return as_file(found)
