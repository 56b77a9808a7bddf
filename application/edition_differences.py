"""What an edition changes of another one, before and after: criterion by criterion, and line by line of all else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from application.edition_checks import nodes_of
from application.edition_parts import CRITERIA, PARTS, EditionPart
from application.edition_summary import criterion_lines, entries_of
from application.edition_texts import values_of_edition
from domain.rules import Edition
from i18n import _
from i18n.edition_fields import edition_choices
from i18n.messages import typed_number

MOST = 40
"""So many differences of a part are told; the others are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a line says before and after; "" where it says nothing."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PartDifferences:
    """The differences in a part; `more` are not told."""

    part: EditionPart
    told: tuple[Difference, ...]
    more: int


def differences(before: Edition, after: Edition, names: Mapping[str, str]) -> tuple[PartDifferences, ...]:
    """Return what differs, by part in the usual order, without the part's own papers. `names` are those of units."""
    old, new = values_of_edition(before), values_of_edition(after)
    found: list[PartDifferences] = []
    for part in PARTS[1:]:
        told = tuple(_criteria(old, new, names) if part is CRITERIA else _entries(old, new, part))
        if told:
            found.append(PartDifferences(part, told[:MOST], max(0, len(told) - MOST)))
    return tuple(found)


def _entries(old: Mapping[str, Any], new: Mapping[str, Any], part: EditionPart) -> Iterator[Difference]:
    before = {key: (label, text) for label, key, text in entries_of(old, part)}
    after = {key: (label, text) for label, key, text in entries_of(new, part)}
    yield from _compared(before, after)


def _criteria(old: Mapping[str, Any], new: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Difference]:
    yield from _compared(_by_id(old, names), _by_id(new, names))


def _compared(before: Mapping[str, tuple[str, str]], after: Mapping[str, tuple[str, str]]) -> Iterator[Difference]:
    for key in dict.fromkeys((*after, *before)):
        (label, was), (now_label, now) = before.get(key, ("", "")), after.get(key, ("", ""))
        if was != now:
            yield Difference(now_label or label, was, now)
        elif now_label != label:  # a criterion that only has another title
            yield Difference(now_label or label, label, now_label)


def _by_id(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Each criterion by its id: number and title, and what is said of it."""
    found: dict[str, tuple[str, str]] = {}
    kinds = dict(edition_choices("part"))
    for _place, _depth, node in nodes_of(values):
        title = " ".join(str(node[name]) for name in ("number", "title") if node.get(name))
        most = _("at most {points}").format(points=typed_number(node["max"])) if node.get("max") is not None else ""
        part = kinds.get(str(node.get("part", "base")), "") if node.get("part", "base") != "base" else ""
        lines = [text for text in (most, part, *criterion_lines(node, names)) if text]
        found[str(node.get("id"))] = (title, "; ".join(lines))
    return found
