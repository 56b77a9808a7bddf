"""The score table of a rules edition: the tree of criteria, and what is done with their points.

A table can be incomplete ("15 of 90 points seen"): unknown maxima stay unknown, and the table says what it lacks. Where
a source disagrees with itself, its figures stand as printed and the disagreement is a remark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from domain import limits
from domain.problems import invalid
from domain.steps.scoring_methods import Banded, ByHand, Counted, RelativeToBest, Rounding, Way
from domain.types import FrozenModel, Label, Points, Slug, UnitId, decimal_comma

Kinds = Annotated[tuple[Slug, ...], Field(max_length=limits.KINDS_PER_RULE)]
Share = Annotated[Decimal, BeforeValidator(decimal_comma), Field(gt=0, le=1)]
Part = Literal["base", "bonus", "penalty"]


class Criterion(FrozenModel):
    """A node of the score tree: points are given to leaves; a parent's maximum bounds its children.

    `max` None: the source does not say. `least_share` is the floor: this share of the maximum must be reached.
    `units` and `kinds` limit a criterion to some units; units of `exempt_kinds` owe nothing for it, and get the maximum
    where `exempt_gives` says so. `contents` and `conditions` are counts that the source states.
    """

    id: Slug
    title: Label
    max: Annotated[Points, Field(gt=0)] | None = None
    children: tuple[Criterion, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    part: Part = "base"
    way: Way = ByHand()
    rounding: Rounding | None = None
    least_share: Share | None = None
    units: tuple[UnitId, ...] = Field(default=(), max_length=limits.UNITS_PER_CLUSTER)
    kinds: Kinds = ()
    exempt_kinds: Kinds = ()
    exempt_gives: Literal["nothing", "maximum"] = "nothing"
    partial: bool = False
    """Some of its parts were not seen."""

    source: Label | None = None
    contents: PositiveInt | None = None
    conditions: PositiveInt | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Criterion:
        if self.part == "penalty" and isinstance(self.way, Counted) and self.way.each > 0:
            raise invalid("penalty_adds", criterion=self.id, each=self.way.each)
        ceiling = getattr(self.way, "ceiling", None)
        if ceiling is not None and self.max is not None and ceiling < self.max:
            raise invalid("ceiling_below_maximum", criterion=self.id, ceiling=ceiling, max=self.max)
        return self

    def leaves(self) -> Iterator[Criterion]:
        """The criteria that take points, in order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()

    def concerns(self, unit: str, kind: str | None) -> bool:
        """False for a unit that this criterion is not for."""
        return (not self.units or unit in self.units) and (not self.kinds or kind in self.kinds)


class PassMark(FrozenModel):
    """What a unit of these kinds must reach; of every kind where none is named."""

    least: Points
    kinds: Kinds = ()


class ScoreClass(FrozenModel):
    """A class apart from the rank: by points, or the best share of the units; the first that fits counts."""

    id: Slug
    title: Label
    least: Points | None = None
    share: Share | None = None
    share_of: Literal["all", "considered"] = "all"
    share_rounding: Literal["down", "half-up", "up"] = "down"
    passed: bool = False
    """Only for units that reach their pass mark and floors."""

    @model_validator(mode="after")
    def _bounded(self) -> ScoreClass:
        if self.least is not None and self.share is not None:
            raise invalid("class_by_one")
        return self


class Scoring(FrozenModel):
    """What is done with the points. `rounding` is of a criterion's points, unless it has its own.

    `stated_contents`, `stated_conditions` are counts that the source gives for the whole table.
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
    """Something about a table that its reader must know: a code with facts, and the criterion it is about."""

    code: str
    criterion: str | None
    facts: tuple[tuple[str, str], ...]


def remarks(criteria: tuple[Criterion, ...], scoring: Scoring, total: Decimal | None) -> tuple[Remark, ...]:
    """What is unknown, open or contradictory in a table; nothing of it is repaired."""
    found: list[Remark] = []
    for top in criteria:
        found.extend(_of(top))
    found.extend(_sums(criteria, scoring, total))
    found.extend(_counts(criteria, scoring))
    return tuple(found)


def _remark(code: str, criterion: str | None = None, /, **facts: object) -> Remark:
    return Remark(code, criterion, tuple((name, str(fact)) for name, fact in facts.items()))


def _of(node: Criterion) -> Iterator[Remark]:
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
        yield from _of(child)


def _sums(criteria: tuple[Criterion, ...], scoring: Scoring, total: Decimal | None) -> Iterator[Remark]:
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


def _counts(criteria: tuple[Criterion, ...], scoring: Scoring) -> Iterator[Remark]:
    for name, stated in (("contents", scoring.stated_contents), ("conditions", scoring.stated_conditions)):
        seen = sum(getattr(top, name) or 0 for top in criteria)
        if stated is not None and seen != stated:
            yield _remark("count_differs", what=name, seen=seen, stated=stated)
