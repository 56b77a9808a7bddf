"""Calculates totals, classes and ranks from score sheets, under the score table of an edition.

All units of a cluster are calculated together, because a rule can be relative to the best unit: a late correction of
one unit can change the others. The order of the sheets does not matter. Figures are decimals, and are rounded only as
the edition says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Protocol

from pydantic import Field, model_validator

from domain import limits
from domain.problems import invalid, repeated
from domain.records import Refused
from domain.scoring.criteria import Criterion, Scoring
from domain.scoring.methods import (
    COMPARING,
    BestInCluster,
    ByHand,
    PointsOrUndetermined,
    ScoreEntry,
    Undetermined,
    as_shown,
)
from domain.scoring.remarks import lacks_points, most_possible
from domain.scoring.results import CriterionLine, UnitResult
from domain.scoring.standing import Candidate, with_classes, with_ranks
from domain.types import FrozenModel, Label, Slug, UnitId


class CalculationRules(Protocol):
    """What the calculation reads of a rules edition."""

    @property
    def id(self) -> str: ...

    @property
    def criteria(self) -> tuple[Criterion, ...]: ...

    @property
    def scoring(self) -> Scoring: ...

    @property
    def total(self) -> Decimal | None:
        """The total as the source states it, bonus included."""

    def leaves(self) -> Mapping[str, Criterion]:
        """Return the criteria that receive points, by id."""


class UnitSheet(FrozenModel):
    """One unit's sheet. `excluded` is the reason why the unit is not considered; None: it is considered."""

    unit: UnitId
    kind: Slug | None = None
    excluded: Label | None = None
    entries: tuple[ScoreEntry, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)

    facts: dict[Slug, bool] = Field(default={}, max_length=limits.CLASSES_PER_EDITION)
    """The facts that classes depend on, as far as they are known."""
    ruled_class: Slug | None = None
    """The class by a recorded ruling. It counts only where the edition leaves the class undetermined."""

    @model_validator(mode="after")
    def _check_unique(self) -> UnitSheet:
        if doubled := repeated(entry.criterion for entry in self.entries):
            raise invalid("criterion_stands_twice", criterion=", ".join(sorted(doubled)))
        return self


class SheetFile(FrozenModel):
    """The sheets of a cluster, as a file."""

    units: Annotated[tuple[UnitSheet, ...], Field(min_length=1, max_length=limits.UNITS_PER_CLUSTER)]

    @model_validator(mode="after")
    def _check_unique(self) -> SheetFile:
        if doubled := repeated(sheet.unit for sheet in self.units):
            raise invalid("units_twice", units=", ".join(sorted(doubled)))
        return self


class ResultOfUnit(Protocol):
    """Calculates a unit's result without rank and class; one that keeps results can stand in its place."""

    def __call__(
        self, table: CalculationRules, sheet: UnitSheet, best: Mapping[str, BestInCluster], *, whole: bool
    ) -> UnitResult: ...


def result_of_unit(
    table: CalculationRules, sheet: UnitSheet, best: Mapping[str, BestInCluster], *, whole: bool
) -> UnitResult:
    """Return a unit's result without rank and class: it follows from these four and from nothing else.

    Raises:
        Refused: `points_out_of_range` or `points_not_in_steps`.
    """
    return _UnitCalculation(table, sheet, best).result(whole=whole)


def calculate_scores(
    table: CalculationRules, sheets: Sequence[UnitSheet], result_of: ResultOfUnit = result_of_unit
) -> tuple[UnitResult, ...]:
    """Return every unit's result, in the order of the sheets.

    Raises:
        Refused: `no_such_criterion`, `points_out_of_range` or `points_not_in_steps`.
    """
    leaves = table.leaves()
    for sheet in sheets:
        for entry in sheet.entries:
            if entry.criterion not in leaves:
                raise Refused("no_such_criterion", criterion=entry.criterion, edition=table.id)
    by_percent = table.scoring.classes_of == "percent"
    best, whole = _best_in_cluster(leaves, sheets), table_is_complete(table)
    results = with_ranks(table.scoring, [result_of(table, sheet, best, whole=whole) for sheet in sheets])
    candidates = [
        Candidate(
            result,
            sheet.kind,
            sheet.facts,
            sheet.ruled_class,
            most_possible(table.criteria, table.scoring, sheet.unit, sheet.kind)[0] if by_percent else None,
        )
        for result, sheet in zip(results, sheets, strict=True)
    ]
    return with_classes(table.criteria, table.scoring, candidates)


def table_is_complete(table: CalculationRules) -> bool:
    """True when the table lacks no points or maxima."""
    return not lacks_points(table.criteria, table.scoring, table.total)


def _best_in_cluster(leaves: Mapping[str, Criterion], sheets: Iterable[UnitSheet]) -> dict[str, BestInCluster]:
    """Return what units are compared with, by criterion; units that are not considered set nothing."""
    entries: dict[str, list[ScoreEntry]] = {}
    for sheet in sheets:
        for entry in sheet.entries:
            leaf = leaves[entry.criterion]
            if sheet.excluded is None and isinstance(leaf.way, COMPARING) and leaf.concerns(sheet.unit, sheet.kind):
                entries.setdefault(leaf.id, []).append(entry)
    return {criterion: _best_of(found) for criterion, found in entries.items()}


def _best_of(entries: list[ScoreEntry]) -> BestInCluster:
    ratios = [entry.ratio for entry in entries if entry.ratio is not None]
    actuals = [entry.actual for entry in entries if entry.actual is not None]
    return BestInCluster(max(ratios, default=None), max(actuals, default=None), _mean(ratios), _mean(actuals))


def _mean(values: list[Decimal]) -> Decimal | None:
    # Sorted: the order of the sheets must not change the last digit.
    return sum(sorted(values), Decimal(0)) / len(values) if values else None


class _UnitCalculation:
    """The calculation of one unit's result: walks the tree of criteria and collects its lines."""

    def __init__(self, table: CalculationRules, sheet: UnitSheet, best: Mapping[str, BestInCluster]) -> None:
        self._table, self._sheet, self._best = table, sheet, best
        self._entries = {entry.criterion: entry for entry in sheet.entries}
        self._lines: list[CriterionLine] = []

    def result(self, *, whole: bool) -> UnitResult:
        """Return the unit's result; `whole` is False when the table itself is incomplete."""
        scoring, sums = self._table.scoring, {"base": Decimal(0), "bonus": Decimal(0), "penalty": Decimal(0)}
        for top in self._table.criteria:
            for part, points in self._walk(top, 0).items():
                sums[part] += points
        if scoring.bonus_cap is not None:
            sums["bonus"] = min(sums["bonus"], scoring.bonus_cap)
        if scoring.penalty_least is not None:
            sums["penalty"] = max(sums["penalty"], scoring.penalty_least)
        return UnitResult(
            unit=self._sheet.unit,
            lines=tuple(self._lines),
            base=as_shown(sums["base"]),
            bonus=as_shown(sums["bonus"]),
            penalty=as_shown(sums["penalty"]),
            total=as_shown(sum(sums.values(), Decimal(0)), scoring.total_rounding),
            pass_mark=scoring.pass_mark(self._sheet.kind),
            excluded=self._sheet.excluded,
            complete=whole and all(line.undetermined is None for line in self._lines),
            facts={line.criterion: line.points for line in self._lines if line.points is not None},
        )

    def _walk(self, node: Criterion, depth: int) -> dict[str, Decimal]:
        """Return the node's points by part, and append its lines: a parent's line stands before its children's.

        The maximum of a parent caps the sum of its children in the parent's own part.
        """
        if not node.concerns(self._sheet.unit, self._sheet.kind):
            return {}
        rounding = node.rounding or self._table.scoring.rounding
        if not node.children:
            points = self._leaf_points(node)
            if isinstance(points, Undetermined):
                self._lines.append(_line(node, depth, undetermined=points))
                return {}
            points = points if rounding is None else rounding.apply(points)
            self._lines.append(_line(node, depth, points, floor_missed=self._misses_floor(node, points)))
            return {node.part: points}
        index = len(self._lines)
        parts = [self._walk(child, depth + 1) for child in node.children]
        sums: dict[str, Decimal] = {}
        for part in ("base", "bonus", "penalty"):
            found = [points[part] for points in parts if part in points]
            if found:
                sums[part] = sum(found, Decimal(0)) if node.take == "sum" else max(found, key=abs)
        own = sums.get(node.part, Decimal(0))
        capped = _capped(node, own)
        undetermined = next((line.undetermined for line in self._lines[index:] if line.undetermined is not None), None)
        missed = self._misses_floor(node, capped)
        line = _line(node, depth, capped, undetermined=undetermined, floor_missed=missed)
        self._lines.insert(index, replace(line, capped_from=as_shown(own) if capped != own else None))
        return {**sums, node.part: capped}

    def _misses_floor(self, node: Criterion, points: Decimal) -> bool:
        if node.least_share is None:
            return False
        return node.falls_short(points, node.least_share, self._sheet.kind, self._table.scoring.rounding)

    def _leaf_points(self, node: Criterion) -> PointsOrUndetermined:
        if node.is_exempt(self._sheet.kind):
            given = node.max if node.exempt_gives == "maximum" else Decimal(0)
            return Undetermined("maximum_unknown") if given is None else given
        entry = self._entries.get(node.id)
        if entry is None:
            # Without an entry, a bonus or a penalty is 0; points that every unit must have are undetermined.
            return Undetermined("no_entry") if node.part == "base" else Decimal(0)
        return _points(node, entry, self._best.get(node.id, BestInCluster()))


def refused_entries(table: CalculationRules, sheet: UnitSheet) -> dict[str, Refused]:
    """Return why criteria of a sheet do not take their figures, whatever other units have; by criterion.

    One look at each entry, where `calculate_scores` stops at the first.
    """
    leaves, found = table.leaves(), dict[str, Refused]()
    for entry in sheet.entries:
        leaf = leaves.get(entry.criterion)
        if leaf is None:
            found[entry.criterion] = Refused("no_such_criterion", criterion=entry.criterion, edition=table.id)
        elif leaf.is_asked_of(sheet.unit, sheet.kind):
            try:
                _points(leaf, entry, _best_of([entry]) if isinstance(leaf.way, COMPARING) else BestInCluster())
            except Refused as error:
                found[entry.criterion] = error
    return found


def _line(
    node: Criterion,
    depth: int,
    points: Decimal | None = None,
    *,
    undetermined: Undetermined | None = None,
    floor_missed: bool = False,
) -> CriterionLine:
    shown = None if points is None else as_shown(points)
    return CriterionLine(
        node.id, node.title, depth, shown, node.max, undetermined, floor_missed, part=node.part, exact=points
    )


def _points(node: Criterion, entry: ScoreEntry, best: BestInCluster) -> PointsOrUndetermined:
    """Return the points of an entry by the criterion's scoring method; those of a penalty are never above 0.

    When the method leaves them undetermined, a ruling counts: points by hand in the entry.

    Raises:
        Refused: `points_out_of_range`, `points_not_in_steps`.
    """
    points = node.way.points(entry, node.max, best)
    is_typed = isinstance(node.way, ByHand)
    if isinstance(points, Undetermined):
        if entry.points is None:
            return points
        points, is_typed = entry.points, True
    step = node.way.limit("step")
    if node.part == "penalty":
        points = signed(node, points)
        if not is_typed:
            points = _capped(node, points)
    least, most = bounds(node)
    if (least is not None and points < least) or (most is not None and points > most):
        raise Refused(
            "points_out_of_range",
            criterion=node.id,
            points=points,
            least="-" if least is None else least,
            max="-" if most is None else most,
        )
    if step is not None and points % step:
        raise Refused("points_not_in_steps", criterion=node.id, points=points, step=step)
    return points


def signed(node: Criterion, points: Decimal) -> Decimal:
    """Return typed points with the sign of their criterion: "5" under a penalty takes 5 points away."""
    return -abs(points) + Decimal(0) if node.part == "penalty" else points


def bounds(node: Criterion) -> tuple[Decimal | None, Decimal | None]:
    """Return the least and the most points of a leaf; None: no such bound."""
    least = node.way.limit("least")
    if node.part == "penalty":
        lowest = [bound for bound in (least or None, None if node.max is None else -node.max) if bound is not None]
        return max(lowest, default=None), Decimal(0)
    ceiling = node.way.limit("ceiling")
    return least or Decimal(0), None if ceiling == "none" else ceiling or node.max


def _capped(node: Criterion, points: Decimal) -> Decimal:
    """Return points within the maximum of their criterion; a penalty takes no more away than that."""
    if node.max is None:
        return points
    return max(points, -node.max) if node.part == "penalty" else min(points, node.max)
