"""The score table of a rules edition: the tree of criteria, and the rules that turn points into totals and classes.

A table can be incomplete ("15 of 90 points seen"): unknown maxima stay unknown, and remarks say what is missing. When a
source contradicts itself, its figures stay as printed and a remark says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, model_validator

from domain import limits
from domain.problems import invalid, repeated
from domain.scoring.classes import ClassCondition, ScoreClass, Share, UnitFact
from domain.scoring.methods import ByHand, Counted, Rounding, ScoringMethod, as_shown
from domain.types import FrozenModel, Label, Points, Slug, UnitId, decimal_comma

Kinds = Annotated[tuple[Slug, ...], Field(max_length=limits.KINDS_PER_RULE)]
Part = Literal["base", "bonus", "penalty"]


class Criterion(FrozenModel):
    """A node of the score tree: leaves take points; a parent's maximum caps the sum of its children.

    `number` is what the source prints before the title, such as "C1.1" or "II". `max` None: the source does not say.
    The maximum of a penalty is the most that it takes away. `take` "highest": only the child with the most points
    counts (of penalties, the one that takes most away), because one excludes the others. `way` is the scoring method
    of a leaf. `least_share` is the floor: the points must reach this share of the maximum. `units` and `kinds` limit a
    criterion to some units; units of `exempt_kinds` need no entry, and get nothing or the maximum (`exempt_gives`).
    `contents` and `conditions` are counts that the source states.
    """

    id: Slug
    number: Label | None = None
    title: Label
    max: Annotated[Points, Field(gt=0)] | None = None
    take: Literal["sum", "highest"] = "sum"
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
        least = self.way.limit("least")
        if self.part == "penalty" and least is not None and least > 0:
            raise invalid("least_penalty_adds", criterion=self.id, least=least)
        ceiling = self.way.limit("ceiling")
        if isinstance(ceiling, Decimal) and self.max is not None and ceiling < self.max:
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

    def is_exempt(self, kind: str | None) -> bool:
        """True when units of the kind need no entry."""
        return kind is not None and kind in self.exempt_kinds

    @property
    def numbered_title(self) -> str:
        """The title behind the criterion's number in the edition, where it has one."""
        return f"{self.number} {self.title}" if self.number else self.title

    def is_asked_of(self, unit: str, kind: str | None) -> bool:
        """True when the unit's sheet takes an entry for the criterion."""
        return self.concerns(unit, kind) and not self.is_exempt(kind)

    def falls_short(self, points: Decimal, share: Decimal | str, kind: str | None, usual: Rounding | None) -> bool:
        """True when points are below a share of the maximum; both are rounded like the points of the criterion.

        `usual` is the rounding of criteria without one of their own. What a unit is exempt from, it does not miss.
        """
        if self.max is None or self.is_exempt(kind):
            return False
        asked, rounding = Fraction(share) * Fraction(self.max), self.rounding or usual
        return as_shown(points, rounding) < as_shown(Decimal(asked.numerator) / asked.denominator, rounding)


class PassMark(FrozenModel):
    """The total that units of these kinds must reach; without kinds, all units."""

    least: Points
    kinds: Kinds = ()


class Scoring(FrozenModel):
    """Rounding, caps, pass marks, classes and tie-breaks of a score table.

    `rounding` applies to the points of each criterion that has no rounding of its own, `total_rounding` to a unit's
    total before it is compared with anything. `penalty_least` is the lowest sum of penalties: "5" and "-5" both mean
    that they take no more than 5 away. `classes_of`:
    classes go by the points of the total, or by its percentage of the most that the unit can reach without bonus.
    `ties_by` lists criteria that break ties, first one first. The `stated_` fields are what the source states for the
    whole table.
    """

    rounding: Rounding | None = None
    total_rounding: Rounding | None = None
    bonus_cap: Points | None = None
    penalty_least: Annotated[Points, AfterValidator(lambda points: -abs(points) + Decimal(0))] | None = None
    pass_marks: tuple[PassMark, ...] = Field(default=(), max_length=limits.KINDS_PER_RULE)
    classes: tuple[ScoreClass, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    classes_of: Literal["points", "percent"] = "points"
    class_conditions: tuple[ClassCondition, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    facts: tuple[UnitFact, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    ties_by: tuple[Slug, ...] = Field(default=(), max_length=limits.CRITERIA_PER_EDITION)
    tie_tolerance: Annotated[Decimal, BeforeValidator(decimal_comma), Field(ge=0)] = Decimal(0)
    stated_base: Points | None = None
    stated_contents: PositiveInt | None = None
    stated_conditions: PositiveInt | None = None

    @model_validator(mode="after")
    def _check_names(self) -> Scoring:
        classes, facts = {one.id for one in self.classes}, {fact.id for fact in self.facts}
        for condition in self.class_conditions:
            if unknown := [name for name in condition.classes if name not in classes]:
                raise invalid("no_such_class", name=unknown[0])
            if condition.fact is not None and condition.fact not in facts:
                raise invalid("no_such_fact", name=condition.fact)
        if doubled := repeated([*(one.id for one in self.classes), *(f"/{fact.id}" for fact in self.facts)]):
            raise invalid("named_again", names=", ".join(name.removeprefix("/") for name in doubled))
        return self

    @property
    def class_titles(self) -> Mapping[str, str]:
        """The titles of the classes, by id."""
        return {one.id: one.title for one in self.classes}

    def pass_mark(self, kind: str | None) -> Decimal | None:
        """Return the total that units of a kind must reach; None when the table says nothing."""
        return next((mark.least for mark in self.pass_marks if not mark.kinds or kind in mark.kinds), None)
