"""A unit's score sheet as it is typed into the cells of a grid, in the shape that the law takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from application.score_sheets import FIGURES, typed_item
from domain.problems import first_problem
from domain.rules import Edition
from domain.scoring.criteria import Criterion
from domain.scoring.scores import SheetItem, signed_sheet
from i18n.messages import problem_in_words

EVIDENCE, REASON, MET = "evidence", "reason", "met"

_REMEMBERED_CHARS = 200


def figures_of(criterion: Criterion) -> tuple[str, ...]:
    """The figures that are typed for a criterion."""
    return FIGURES.get(criterion.way.way, ("points",))


@dataclass(slots=True)
class TypedSheet:
    """A unit's sheet as it was typed, in the shape that the law takes, with what cannot be used.

    `rows` are by criterion, as the act takes them; `problems` are sentences by cell.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    items: tuple[SheetItem, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)


def typed_sheet(unit: str, criteria: Iterable[Criterion], rules: Edition, values: Mapping[str, str]) -> TypedSheet:
    """Read the cells of a unit: `values` are those of all units, by path; `criteria` are those that take an entry."""
    found, items = TypedSheet(), []
    for criterion in criteria:
        start = f"{unit}.{criterion.id}"
        names = (*figures_of(criterion), EVIDENCE, REASON)
        row = {name: text for name in names if (text := values.get(f"{start}.{name}", "").strip())}
        if not row:
            continue
        found.rows[criterion.id] = row
        try:
            items.append(_item(criterion.id, tuple(pair for pair in row.items() if pair[0] != REASON)))
        except ValidationError as error:
            problem = first_problem(error)
            name = str(problem["place"][0]) if problem["place"] else "points"
            found.problems[f"{start}.{name}"] = problem_in_words(problem["problem"], problem["given"])
    found.items = signed_sheet(tuple(items), rules)
    return found


def _item(criterion: str, row: tuple[tuple[str, str], ...]) -> SheetItem:
    """What was typed for a criterion as the law takes it, without the reason: a text, which the vault holds.

    Of hundreds of cells one has changed since the last time: the others are remembered, unless they are long.

    Raises:
        ValidationError
    """
    make = _made if sum(len(text) for _name, text in row) <= _REMEMBERED_CHARS else _made.__wrapped__
    return make(criterion, row)


@lru_cache(maxsize=5_000)
def _made(criterion: str, row: tuple[tuple[str, str], ...]) -> SheetItem:
    entry: dict[str, Any] = {"criterion": criterion, **dict(row)}
    if MET in entry:
        entry[MET] = entry[MET].split()
    if EVIDENCE in entry:
        entry[EVIDENCE] = [line for part in entry[EVIDENCE].splitlines() if (line := part.strip())]
    return typed_item(entry)
