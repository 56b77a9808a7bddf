"""The rows of a table of criteria on pages, and the words that their template needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from application.edition_checks import Finding, nodes_of
from application.edition_summary import criterion_lines
from application.edition_texts import Values
from i18n.edition_fields import edition_choices
from i18n.messages import typed_number

CriteriaRow = tuple[str, int, Values, tuple[str, ...], list[Finding]]
"""A criterion: its place, depth, values, what is said of it, what was found in it."""

CRITERIA_WORDS: Mapping[str, Any] = {
    "part_word": lambda part: dict(edition_choices("part")).get(str(part), ""),
    "shown_number": typed_number,
}
"""What the table's template says numbers and kinds of points with."""


def criteria_rows(
    values: Mapping[str, Any], findings: Iterable[Finding], names: Mapping[str, str]
) -> list[CriteriaRow]:
    """Return the rows of an edition's criteria; `names` are those of units, by id."""
    found: dict[str, list[Finding]] = {}
    for one in findings:
        if one.criterion:
            found.setdefault(one.criterion, []).append(one)
    return [
        ("-".join(map(str, place)), depth, node, criterion_lines(node, names), found.get(str(node.get("id")), []))
        for place, depth, node in nodes_of(values)
    ]
