"""A trial of an edition: sheets of made-up units, calculated by the law as any sheet is. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from application.score_sheets import FIGURES, titled
from domain.numbers import whole_number
from domain.problems import first_problem
from domain.records import Refused
from domain.rules import Edition
from domain.scoring.calculation import UnitSheet, calculate_scores, refused_entries
from domain.scoring.criteria import Criterion
from domain.scoring.methods import ScoreEntry
from domain.scoring.results import CriterionLine, UnitResult
from domain.types import TYPED
from i18n.messages import problem_in_words, sentence

MOST_UNITS = 6
"""Units of a trial: what depends on others, such as the best of a cluster, needs some."""

_ENTRY: TypeAdapter[ScoreEntry] = TypeAdapter(ScoreEntry)


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A criterion of the table: a group (`number` is None), or a leaf with the figures that its method takes."""

    criterion: Criterion
    depth: int
    number: int | None
    figures: tuple[str, ...]


@dataclass
class TrialSheets:
    """The sheets as they were typed (by unit, then by the number of the row), and what follows for each unit."""

    rows: tuple[TrialRow, ...]
    typed: list[Mapping[int, Mapping[str, Any]]]
    results: list[UnitResult | None] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    """What is wrong with a figure, by the name of its input."""

    @property
    def told(self) -> list[tuple[int, str, str]]:
        """What is wrong: the number of the unit from 1 on, the criterion's title, and why."""
        titles = {str(row.number): row.criterion.title for row in self.rows}
        places = [(name.split("."), text) for name, text in self.problems.items()]
        return [(int(path[1]) + 1, titles.get(path[3], ""), text) for path, text in places]

    def line(self, unit: int, criterion: str) -> CriterionLine | None:
        """Return what a unit got for a criterion."""
        return self._lines[unit].get(criterion)

    @cached_property
    def _lines(self) -> list[dict[str, CriterionLine]]:
        return [{one.criterion: one for one in result.lines} if result else {} for result in self.results]


def trial_rows(edition: Edition) -> tuple[TrialRow, ...]:
    """Return the rows of an edition's sheet, groups among them."""
    return tuple(_rows(edition))


def _rows(edition: Edition) -> Iterator[TrialRow]:
    count, stack = 0, [(node, 0) for node in reversed(edition.criteria)]
    while stack:
        node, depth = stack.pop()
        if node.children:
            yield TrialRow(node, depth, None, ())
            stack.extend((child, depth + 1) for child in reversed(node.children))
        else:
            yield TrialRow(node, depth, count, FIGURES.get(node.way.way, ("points",)))
            count += 1


def units_of(edition: Edition) -> tuple[str, ...]:
    """Return the units that criteria are limited to."""
    return tuple(dict.fromkeys(unit for node in _nodes(edition.criteria) for unit in node.units))


def kinds_of(edition: Edition) -> tuple[str, ...]:
    """Return the kinds of units that the edition treats in their own way."""
    found = [kind for node in _nodes(edition.criteria) for kind in (*node.kinds, *node.exempt_kinds)]
    found += [kind for mark in edition.scoring.pass_marks for kind in mark.kinds]
    return tuple(dict.fromkeys(found))


def _nodes(criteria: tuple[Criterion, ...]) -> Iterator[Criterion]:
    for node in criteria:
        yield node
        yield from _nodes(node.children)


def trial_of(edition: Edition, units: list[Mapping[str, Any]]) -> TrialSheets:
    """Calculate a trial. Each of the `units` has `unit`, `kind`, `facts`, and `rows`: figures by the row's number.

    A figure that cannot be used is told and left out; it takes nothing away from the others.
    """
    rows = trial_rows(edition)
    leaves = {str(row.number): row for row in rows if row.number is not None}
    found = TrialSheets(rows, [])
    sheets: list[UnitSheet] = []
    for number, one in enumerate(units):
        typed = {
            int(n): dict(cell)
            for n, cell in (one.get("rows") or {}).items()
            if n in leaves and isinstance(cell, Mapping)
        }
        found.typed.append(typed)
        sheets.append(_sheet(edition, one, number, typed, leaves, found))
    results = calculate_scores(edition, sheets)
    found.results = [result if sheet.entries else None for sheet, result in zip(sheets, results, strict=True)]
    return found


def _sheet(
    edition: Edition,
    one: Mapping[str, Any],
    number: int,
    typed: Mapping[int, Mapping[str, Any]],
    leaves: Mapping[str, TrialRow],
    found: TrialSheets,
) -> UnitSheet:
    said = one.get("facts")
    facts: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    base = UnitSheet(
        unit=_chosen(units_of(edition), one.get("unit")) or f"thu-{number + 1}",
        kind=_chosen(kinds_of(edition), one.get("kind")),
        facts={fact.id: bool(facts.get(str(n))) for n, fact in enumerate(edition.scoring.facts)},
    )
    names: dict[str, str] = {}
    entries: list[ScoreEntry] = []
    for row, cell in typed.items():
        criterion = leaves[str(row)].criterion.id
        name = f"u.{number}.rows.{row}.{leaves[str(row)].figures[0]}"
        entry = _entry(criterion, cell, f"u.{number}.rows.{row}", found)
        if entry is not None:
            entries.append(entry)
            names[criterion] = name
    refused = refused_entries(edition, base.model_copy(update={"entries": tuple(entries)}))
    for criterion, error in refused.items():
        found.problems[names[criterion]] = _refusal(error, edition)
    return base.model_copy(update={"entries": tuple(one for one in entries if one.criterion not in refused)})


def _chosen(known: tuple[str, ...], number: Any) -> str | None:
    """What a form chose of a list, by its number; None where it chose nothing."""
    at = whole_number(number)
    return known[at] if at is not None and at < len(known) else None


def _entry(criterion: str, cell: Mapping[str, Any], path: str, found: TrialSheets) -> ScoreEntry | None:
    """The entry of a row; None where nothing of it can be used."""
    figures = {
        name: value for name, value in cell.items() if name in ScoreEntry.model_fields and value not in (None, "")
    }
    if isinstance(figures.get("met"), Mapping):
        figures["met"] = list(figures["met"].values())
    if "met" in figures:
        figures["met"] = [one for one in figures["met"] if one and one != "-"]
    if not figures:
        return None
    try:
        return _ENTRY.validate_python({"criterion": criterion, **figures}, context=TYPED)
    except ValidationError as error:
        problem = first_problem(error)
        place = ".".join(map(str, problem["place"]))
        found.problems[f"{path}.{place}"] = problem_in_words(str(problem["problem"]), problem["given"])
        return None


def _refusal(error: Refused, edition: Edition) -> str:
    return sentence(error.code, titled(error.facts, edition))
