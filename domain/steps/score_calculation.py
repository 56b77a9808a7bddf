"""From sheets to totals, classes and ranks, under the score table of an edition.

All units of a cluster are reckoned together, because a rule can be relative to the best of them: one late correction
then moves the others, too. The order of entry never matters; figures are decimals, rounded only where the edition
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from domain import limits
from domain.problems import invalid, repeated
from domain.rules import Edition
from domain.steps.criteria import Criterion, ScoreClass, Scoring, remarks
from domain.steps.scoring_methods import Best, RelativeToBest, Rounding, ScoreEntry, Undetermined
from domain.types import FrozenModel, Label, Refused, Slug, UnitId


class UnitSheet(FrozenModel):
    """One unit's sheet. `excluded` is the cause for which the unit is not considered."""

    unit: UnitId
    kind: Slug | None = None
    excluded: Label | None = None
    entries: tuple[ScoreEntry, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)

    @model_validator(mode="after")
    def _once(self) -> UnitSheet:
        if doubled := repeated(entry.criterion for entry in self.entries):
            raise invalid("criterion_stands_twice", criterion=", ".join(sorted(doubled)))
        return self


class SheetFile(FrozenModel):
    """The sheets of a cluster, as a file."""

    units: Annotated[tuple[UnitSheet, ...], Field(min_length=1, max_length=limits.UNITS_PER_CLUSTER)]

    @model_validator(mode="after")
    def _once(self) -> SheetFile:
        if doubled := repeated(sheet.unit for sheet in self.units):
            raise invalid("units_twice", units=", ".join(sorted(doubled)))
        return self


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """A criterion's points: None with the reason in `open` where nobody can work them out."""

    criterion: str
    title: str
    depth: int
    points: Decimal | None
    most: Decimal | None
    open: Undetermined | None = None
    floor_missed: bool = False
    capped_from: Decimal | None = None


@dataclass(frozen=True, slots=True)
class UnitResult:
    """One unit's reckoning. `total` is of what could be worked out; `complete` says whether that is all of it."""

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
        """Base, bonus and penalty."""
        return self.base + self.bonus + self.penalty

    @property
    def passed(self) -> bool | None:
        """None while something is open, or where no mark and no floor is set."""
        floors = any(line.floor_missed for line in self.lines)
        if floors:
            return False
        if not self.complete or self.pass_mark is None:
            return None
        return self.total >= self.pass_mark


def calculate_scores(edition: Edition, sheets: Sequence[UnitSheet]) -> tuple[UnitResult, ...]:
    """Every unit's result, in the order of the sheets.

    Raises:
        Refused: a sheet names a criterion that takes no points, or gives points that cannot be.
    """
    leaves = edition.leaves()
    for sheet in sheets:
        for entry in sheet.entries:
            if entry.criterion not in leaves:
                raise Refused("no_such_criterion", criterion=entry.criterion, edition=edition.id)
    best, whole = _best(leaves, sheets), table_is_complete(edition)
    results = tuple(_Unit(edition, sheet, best).result(whole=whole) for sheet in sheets)
    return _classed(edition.scoring, _ranked(edition.scoring, results))


def table_is_complete(edition: Edition) -> bool:
    """False when the table itself lacks points or maxima."""
    lacking = {"maximum_unknown", "parts_unseen", "total_unseen"}
    return not any(r.code in lacking for r in remarks(edition.criteria, edition.scoring, edition.total))


def _best(leaves: Mapping[str, Criterion], sheets: Iterable[UnitSheet]) -> dict[str, Best]:
    found: dict[str, Best] = {}
    for sheet in sheets:
        for entry in sheet.entries:
            leaf = leaves[entry.criterion]
            if (
                sheet.excluded is None
                and isinstance(leaf.way, RelativeToBest)
                and leaf.concerns(sheet.unit, sheet.kind)
            ):
                before = found.get(leaf.id, Best())
                found[leaf.id] = Best(_higher(before.ratio, entry.ratio), _higher(before.actual, entry.actual))
    return found


def _higher(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return max((value for value in (one, other) if value is not None), default=None)


class _Unit:
    """One sheet on its way through the tree."""

    def __init__(self, edition: Edition, sheet: UnitSheet, best: Mapping[str, Best]) -> None:
        self._edition, self._sheet, self._best = edition, sheet, best
        self._entries = {entry.criterion: entry for entry in sheet.entries}
        self._lines: list[CriterionLine] = []

    def result(self, *, whole: bool) -> UnitResult:
        """The unit's result; `whole` says that the table lacks nothing."""
        scoring, sums = self._edition.scoring, {"base": Decimal(0), "bonus": Decimal(0), "penalty": Decimal(0)}
        for top in self._edition.criteria:
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
            complete=whole and all(line.open is None for line in self._lines),
            facts={line.criterion: line.points for line in self._lines if line.points is not None},
        )

    def _walk(self, node: Criterion, depth: int) -> dict[str, Decimal]:
        """Points of the node by part; children's come before the cap of their parent."""
        if not node.concerns(self._sheet.unit, self._sheet.kind):
            return {}
        if not node.children:
            line = self._leaf(node, depth)
            self._lines.append(line)
            return {} if line.points is None else {node.part: line.points}
        place = len(self._lines)
        sums: dict[str, Decimal] = {}
        for child in node.children:
            for part, points in self._walk(child, depth + 1).items():
                sums[part] = sums.get(part, Decimal(0)) + points
        base = sums.get(node.part, Decimal(0))
        capped = base if node.max is None else min(base, node.max)
        opens = next((line.open for line in self._lines[place:] if line.open is not None), None)
        line = CriterionLine(
            node.id, node.title, depth, capped, node.max, opens, capped_from=base if capped != base else None
        )
        self._lines.insert(place, replace(line, floor_missed=_below_floor(node, capped)))
        return {**sums, node.part: capped}

    def _leaf(self, node: Criterion, depth: int) -> CriterionLine:
        line = CriterionLine(node.id, node.title, depth, None, node.max)
        if self._sheet.kind is not None and self._sheet.kind in node.exempt_kinds:
            given = node.max if node.exempt_gives == "maximum" else Decimal(0)
            return replace(line, points=given, open=Undetermined("maximum_unknown") if given is None else None)
        entry = self._entries.get(node.id)
        if entry is None:
            # A bonus or a penalty of which nothing is said is none; what everybody owes stays open.
            return (
                replace(line, points=Decimal(0))
                if node.part != "base"
                else replace(line, open=Undetermined("no_entry"))
            )
        found = _points(node, entry, self._best.get(node.id, Best()))
        if isinstance(found, Undetermined):
            return replace(line, open=found)
        rounding = node.rounding or self._edition.scoring.rounding
        points = found if rounding is None else rounding.of(found)
        return replace(line, points=points, floor_missed=_below_floor(node, points))


def _points(node: Criterion, entry: ScoreEntry, best: Best) -> Decimal | Undetermined:
    """A ruling, points given by hand where a way leaves a value open, closes it; otherwise the way decides."""
    found = node.way.points(entry, node.max, best)
    if isinstance(found, Undetermined) and entry.points is not None:
        found = entry.points
    if isinstance(found, Undetermined):
        return found
    least = getattr(node.way, "least", Decimal(0)) if node.part != "penalty" else None
    ceiling = getattr(node.way, "ceiling", None) or node.max
    if (least is not None and found < least) or (ceiling is not None and found > ceiling):
        raise Refused("points_out_of_range", criterion=node.id, points=found, least=least or 0, max=ceiling)
    step = getattr(node.way, "step", None)
    if step is not None and found % step:
        raise Refused("points_not_in_steps", criterion=node.id, points=found, step=step)
    return found


def _below_floor(node: Criterion, points: Decimal) -> bool:
    return node.least_share is not None and node.max is not None and points < node.max * node.least_share


def _ranked(scoring: Scoring, results: tuple[UnitResult, ...]) -> tuple[UnitResult, ...]:
    """Ranks among the considered; equal totals share one unless the edition breaks ties."""
    considered = [r for r in results if r.excluded is None]

    def ahead(one: UnitResult, other: UnitResult) -> bool:
        if abs(one.total - other.total) > scoring.tie_tolerance:
            return one.total > other.total
        for criterion in scoring.ties_by:
            mine, theirs = one.facts.get(criterion, Decimal(0)), other.facts.get(criterion, Decimal(0))
            if mine != theirs:
                return mine > theirs
        return False

    return tuple(
        r if r.excluded is not None else replace(r, rank=1 + sum(ahead(other, r) for other in considered))
        for r in results
    )


def _classed(scoring: Scoring, results: tuple[UnitResult, ...]) -> tuple[UnitResult, ...]:
    considered = sum(r.excluded is None for r in results)

    def fits(one: ScoreClass, r: UnitResult) -> bool:
        if r.excluded is not None or not r.complete or (one.passed and r.passed is not True):
            return False
        if one.least is not None:
            return r.total >= one.least
        if one.share is not None:
            base = considered if one.share_of == "considered" else len(results)
            places = Rounding(places=0, mode=one.share_rounding).of(one.share * base)
            return r.rank is not None and r.rank <= places
        return True

    return tuple(replace(r, class_=next((one.id for one in scoring.classes if fits(one, r)), None)) for r in results)
