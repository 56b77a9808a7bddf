"""The score table of a rules edition: the tree of criteria, and the rules that turn points into totals and classes.

A table can be incomplete ("15 of 90 points seen"): unknown maxima stay unknown, and remarks say what is missing. When a
source contradicts itself, its figures stay as printed and a remark says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from domain import limits
from domain.problems import invalid
from domain.scoring.methods import Banded, ByHand, Counted, RelativeToBest, Rounding, ScoringMethod
from domain.types import FrozenModel, Label, Points, Slug, UnitId, decimal_comma

Kinds = Annotated[tuple[Slug, ...], Field(max_length=limits.KINDS_PER_RULE)]
Share = Annotated[Decimal, BeforeValidator(decimal_comma), Field(gt=0, le=1)]
Part = Literal["base", "bonus", "penalty"]


class Criterion(FrozenModel):
    """A node of the score tree: leaves take points; a parent's maximum caps the sum of its children.

    `max` None: the source does not say. `way` is the scoring method of a leaf. `least_share` is the floor: the points
    must reach this share of the maximum. `units` and `kinds` limit a criterion to some units; units of `exempt_kinds`
    need no entry, and get nothing or the maximum (`exempt_gives`). `contents` and `conditions` are counts that the
    source states.
    """

    id: Slug
    title: Label
    max: Annotated[Points, Field(gt=0)] | None = None
    children: tuple[Criterion, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    part: Part = "base"
    way: ScoringMethod = ByHand()
    rounding: Rounding | None = None
    least_share: Share | None = None
    units: tuple[UnitId, ...] = Field(default=(), max_length=limits.UNITS_PER_CLUSTER)
    kinds: Kinds = ()
    exempt_kinds: Kinds = ()
    exempt_gives: Literal["nothing", "maximum"] = "nothing"
    partial: bool = False
    """True when some of its children are missing from the table."""

    source: Label | None = None
    contents: PositiveInt | None = None
    conditions: PositiveInt | None = None

    @model_validator(mode="after")
    def _check_consistent(self) -> Criterion:
        if self.part == "penalty" and isinstance(self.way, Counted) and self.way.each > 0:
            raise invalid("penalty_adds", criterion=self.id, each=self.way.each)
        ceiling = getattr(self.way, "ceiling", None)
        if ceiling is not None and self.max is not None and ceiling < self.max:
            raise invalid("ceiling_below_maximum", criterion=self.id, ceiling=ceiling, max=self.max)
        return self

    def leaves(self) -> Iterator[Criterion]:
        """Yield the criteria that take points, in order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def concerns(self, unit: str, kind: str | None) -> bool:
        """True when the criterion applies to the unit."""
        return (not self.units or unit in self.units) and (not self.kinds or kind in self.kinds)


class PassMark(FrozenModel):
    """The total that units of these kinds must reach; without kinds, all units."""

    least: Points
    kinds: Kinds = ()


class ScoreClass(FrozenModel):
    """A class of results, for a least total or for the best share of the units; the first that fits counts."""

    id: Slug
    title: Label
    least: Points | None = None
    share: Share | None = None
    share_of: Literal["all", "considered"] = "all"
    share_rounding: Literal["down", "half-up", "up"] = "down"
    passed: bool = False
    """True: only for units that reach their pass mark and floors."""

    @model_validator(mode="after")
    def _check_one_bound(self) -> ScoreClass:
        if self.least is not None and self.share is not None:
            raise invalid("class_by_one")
        return self


class Scoring(FrozenModel):
    """Rounding, caps, pass marks, classes and tie-breaks of a score table.

    `rounding` applies to the points of each criterion that has no rounding of its own. `penalty_least` is the lowest
    sum of penalties, at most 0. `ties_by` lists criteria that break ties, first one first. The `stated_` fields are
    what the source states for the whole table.
    """

    rounding: Rounding | None = None
    bonus_cap: Points | None = None
    penalty_least: Points | None = None
    pass_marks: tuple[PassMark, ...] = Field(default=(), max_length=limits.KINDS_PER_RULE)
    classes: tuple[ScoreClass, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    ties_by: tuple[Slug, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    tie_tolerance: Annotated[Decimal, BeforeValidator(decimal_comma), Field(ge=0)] = Decimal(0)
    stated_base: Points | None = None
    stated_contents: PositiveInt | None = None
    stated_conditions: PositiveInt | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """A gap or contradiction in a score table: a code with facts, and the criterion that it is about."""

    code: str
    criterion: str | None
    facts: tuple[tuple[str, str], ...]


def remarks(criteria: tuple[Criterion, ...], scoring: Scoring, total: Decimal | None) -> tuple[Remark, ...]:
    """Return what is unknown, undetermined or contradictory in a table. Nothing is repaired."""
    found: list[Remark] = []
    for top in criteria:
        found.extend(_criterion_remarks(top))
    found.extend(_total_remarks(criteria, scoring, total))
    found.extend(_count_remarks(criteria, scoring))
    return tuple(found)


def _remark(code: str, criterion: str | None = None, /, **facts: object) -> Remark:
    return Remark(code, criterion, tuple((name, str(fact)) for name, fact in facts.items()))


def _criterion_remarks(node: Criterion) -> Iterator[Remark]:
    if node.max is None and node.part != "penalty":
        yield _remark("maximum_unknown", node.id)
    if isinstance(node.way, Banded):
        for low, high in node.way.gaps():
            closed = "gap_closed" if node.way.value_rounding is not None else "gap_open"
            yield _remark(closed, node.id, low=low, high=high)
    if isinstance(node.way, RelativeToBest):
        yield _remark("depends_on_others", node.id)
    known = [child.max for child in node.children if child.max is not None and child.part == "base"]
    if node.max is not None and known:
        seen = sum(known, Decimal(0))
        if seen > node.max:
            yield _remark("parts_exceed", node.id, seen=seen, stated=node.max)
        elif seen < node.max:
            yield _remark("parts_unseen" if node.partial else "parts_fall_short", node.id, seen=seen, stated=node.max)
    for child in node.children:
        yield from _criterion_remarks(child)


def _total_remarks(criteria: tuple[Criterion, ...], scoring: Scoring, total: Decimal | None) -> Iterator[Remark]:
    if not criteria:
        return
    base = sum((top.max for top in criteria if top.max is not None and top.part == "base"), Decimal(0))
    bonus = sum((top.max for top in criteria if top.max is not None and top.part == "bonus"), Decimal(0))
    bonus = bonus if scoring.bonus_cap is None else min(bonus, scoring.bonus_cap)
    unknown = sum(top.max is None and top.part == "base" for top in criteria)
    stated = scoring.stated_base if scoring.stated_base is not None else total
    if stated is None:
        yield _remark("total_unstated", seen=base)
    elif base != stated:
        yield _remark("total_unseen" if base < stated else "total_exceeds", seen=base, stated=stated, unknown=unknown)
    if scoring.stated_base is not None and total is not None and base + bonus != total:
        yield _remark("total_with_bonus_differs", seen=base + bonus, stated=total)


def _count_remarks(criteria: tuple[Criterion, ...], scoring: Scoring) -> Iterator[Remark]:
    for name, stated in (("contents", scoring.stated_contents), ("conditions", scoring.stated_conditions)):
        seen = sum(getattr(top, name) or 0 for top in criteria)
        if stated is not None and seen != stated:
            yield _remark("count_differs", what=name, seen=seen, stated=stated)
