"""Calculates totals, classes and ranks from score sheets, under the score table of an edition.

All units of a cluster are calculated together, because a rule can be relative to the best unit: a late correction of
one unit can change the others. The order of the sheets does not matter. Figures are decimals, and are rounded only as
the edition says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated, Protocol

from pydantic import Field, model_validator

from domain import limits
from domain.problems import invalid, repeated
from domain.records import Refused
from domain.scoring.criteria import Criterion, ScoreClass, Scoring, remarks
from domain.scoring.methods import BestInCluster, RelativeToBest, Rounding, ScoreEntry, Undetermined
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


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """A criterion's points, or the reason why they are undetermined.

    `capped_from` is the sum before the maximum was applied, where it was higher.
    """

    criterion: str
    title: str
    depth: int
    points: Decimal | None
    maximum: Decimal | None
    undetermined: Undetermined | None = None
    floor_missed: bool = False
    capped_from: Decimal | None = None


@dataclass(frozen=True, slots=True)
class UnitResult:
    """One unit's result. `complete` False: the sums leave out points that are undetermined, or the table lacks some.

    `facts` are the points by criterion.
    """

    unit: str
    lines: tuple[CriterionLine, ...]
    base: Decimal
    bonus: Decimal
    penalty: Decimal
    complete: bool
    pass_mark: Decimal | None
    excluded: str | None
    rank: int | None = None
    class_: str | None = None
    facts: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """The sum of base, bonus and penalty."""
        return self.base + self.bonus + self.penalty

    @property
    def passed(self) -> bool | None:
        """Whether the unit reaches floors and pass mark; None when incomplete, or without a pass mark."""
        if any(line.floor_missed for line in self.lines):
            return False
        if not self.complete or self.pass_mark is None:
            return None
        return self.total >= self.pass_mark


def calculate_scores(table: CalculationRules, sheets: Sequence[UnitSheet]) -> tuple[UnitResult, ...]:
    """Return every unit's result, in the order of the sheets.

    Raises:
        Refused: `no_such_criterion`, `points_out_of_range` or `points_not_in_steps`.
    """
    leaves = table.leaves()
    for sheet in sheets:
        for entry in sheet.entries:
            if entry.criterion not in leaves:
                raise Refused("no_such_criterion", criterion=entry.criterion, edition=table.id)
    best, whole = _best_in_cluster(leaves, sheets), table_is_complete(table)
    results = tuple(_UnitCalculation(table, sheet, best).result(whole=whole) for sheet in sheets)
    return _with_classes(table.scoring, _with_ranks(table.scoring, results))


def table_is_complete(table: CalculationRules) -> bool:
    """True when the table lacks no points or maxima."""
    lacking = {"maximum_unknown", "parts_unseen", "total_unseen"}
    return not any(r.code in lacking for r in remarks(table.criteria, table.scoring, table.total))


def _best_in_cluster(leaves: Mapping[str, Criterion], sheets: Iterable[UnitSheet]) -> dict[str, BestInCluster]:
    best: dict[str, BestInCluster] = {}
    for sheet in sheets:
        for entry in sheet.entries:
            leaf = leaves[entry.criterion]
            if (
                sheet.excluded is None
                and isinstance(leaf.way, RelativeToBest)
                and leaf.concerns(sheet.unit, sheet.kind)
            ):
                current = best.get(leaf.id, BestInCluster())
                best[leaf.id] = BestInCluster(
                    _higher(current.ratio, entry.ratio), _higher(current.actual, entry.actual)
                )
    return best


def _higher(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return max((value for value in (a, b) if value is not None), default=None)


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
        mark = next((m.least for m in scoring.pass_marks if not m.kinds or self._sheet.kind in m.kinds), None)
        return UnitResult(
            unit=self._sheet.unit,
            lines=tuple(self._lines),
            base=sums["base"],
            bonus=sums["bonus"],
            penalty=sums["penalty"],
            pass_mark=mark,
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
        if not node.children:
            line = self._leaf(node, depth)
            self._lines.append(line)
            return {} if line.points is None else {node.part: line.points}
        index = len(self._lines)
        sums: dict[str, Decimal] = {}
        for child in node.children:
            for part, points in self._walk(child, depth + 1).items():
                sums[part] = sums.get(part, Decimal(0)) + points
        base = sums.get(node.part, Decimal(0))
        capped = base if node.max is None else min(base, node.max)
        undetermined = next((line.undetermined for line in self._lines[index:] if line.undetermined is not None), None)
        line = CriterionLine(
            node.id, node.title, depth, capped, node.max, undetermined, capped_from=base if capped != base else None
        )
        self._lines.insert(index, replace(line, floor_missed=_below_floor(node, capped)))
        return {**sums, node.part: capped}

    def _leaf(self, node: Criterion, depth: int) -> CriterionLine:
        line = CriterionLine(node.id, node.title, depth, None, node.max)
        if self._sheet.kind is not None and self._sheet.kind in node.exempt_kinds:
            given = node.max if node.exempt_gives == "maximum" else Decimal(0)
            return replace(line, points=given, undetermined=Undetermined("maximum_unknown") if given is None else None)
        entry = self._entries.get(node.id)
        if entry is None:
            # Without an entry, a bonus or a penalty is 0; points that every unit must have are undetermined.
            return (
                replace(line, points=Decimal(0))
                if node.part != "base"
                else replace(line, undetermined=Undetermined("no_entry"))
            )
        points = _points(node, entry, self._best.get(node.id, BestInCluster()))
        if isinstance(points, Undetermined):
            return replace(line, undetermined=points)
        rounding = node.rounding or self._table.scoring.rounding
        points = points if rounding is None else rounding.apply(points)
        return replace(line, points=points, floor_missed=_below_floor(node, points))


def _points(node: Criterion, entry: ScoreEntry, best: BestInCluster) -> Decimal | Undetermined:
    """Return the points of an entry by the criterion's scoring method.

    When the method leaves them undetermined, a ruling counts: points by hand in the entry.
    """
    points = node.way.points(entry, node.max, best)
    if isinstance(points, Undetermined) and entry.points is not None:
        points = entry.points
    if isinstance(points, Undetermined):
        return points
    least = getattr(node.way, "least", Decimal(0)) if node.part != "penalty" else None
    ceiling = getattr(node.way, "ceiling", None) or node.max
    if (least is not None and points < least) or (ceiling is not None and points > ceiling):
        raise Refused("points_out_of_range", criterion=node.id, points=points, least=least or 0, max=ceiling)
    step = getattr(node.way, "step", None)
    if step is not None and points % step:
        raise Refused("points_not_in_steps", criterion=node.id, points=points, step=step)
    return points


def _below_floor(node: Criterion, points: Decimal) -> bool:
    return node.least_share is not None and node.max is not None and points < node.max * node.least_share


def _with_ranks(scoring: Scoring, results: tuple[UnitResult, ...]) -> tuple[UnitResult, ...]:
    """Rank the units that are not excluded; equal totals share a rank unless the edition breaks ties."""
    considered = [r for r in results if r.excluded is None]

    def is_ahead(a: UnitResult, b: UnitResult) -> bool:
        if abs(a.total - b.total) > scoring.tie_tolerance:
            return a.total > b.total
        for criterion in scoring.ties_by:
            points_a, points_b = a.facts.get(criterion, Decimal(0)), b.facts.get(criterion, Decimal(0))
            if points_a != points_b:
                return points_a > points_b
        return False

    return tuple(
        r if r.excluded is not None else replace(r, rank=1 + sum(is_ahead(other, r) for other in considered))
        for r in results
    )


def _with_classes(scoring: Scoring, results: tuple[UnitResult, ...]) -> tuple[UnitResult, ...]:
    """Give each unit the first class that it fits."""
    considered = sum(r.excluded is None for r in results)

    def fits(class_: ScoreClass, r: UnitResult) -> bool:
        if r.excluded is not None or not r.complete or (class_.passed and r.passed is not True):
            return False
        if class_.least is not None:
            return r.total >= class_.least
        if class_.share is not None:
            base = considered if class_.share_of == "considered" else len(results)
            last_rank = Rounding(places=0, mode=class_.share_rounding).apply(class_.share * base)
            return r.rank is not None and r.rank <= last_rank
        return True

    return tuple(
        replace(r, class_=next((class_.id for class_ in scoring.classes if fits(class_, r)), None)) for r in results
    )
