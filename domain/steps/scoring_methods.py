"""Ways to score one criterion: from what a sheet says of it to points.

Each way is data of a rules edition. What a source leaves open stays open: a way then answers `Undetermined`, and
only a recorded ruling (points by hand, with a reason) can close it. Sources of the kinds: docs/rules.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from domain import limits
from domain.problems import invalid
from domain.types import FrozenModel, Label, Points, Slug, decimal_comma

Amount = Annotated[
    Decimal,
    Field(ge=0, le=limits.AMOUNT_MAX, decimal_places=limits.AMOUNT_DECIMALS, allow_inf_nan=False),
    BeforeValidator(decimal_comma),
]
"""A measured quantity: an actual result, a target, a share in percent."""

RoundingMode = Literal["half-up", "half-even", "down", "up"]
_MODES = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN, "down": ROUND_DOWN, "up": ROUND_UP}


class Rounding(FrozenModel):
    """How a figure is rounded: to `places` decimals, or to a multiple of `step` (0.5 for half points)."""

    places: Annotated[int, Field(ge=0, le=limits.POINTS_DECIMALS)] = 2
    mode: RoundingMode = "half-up"
    step: Annotated[Points, Field(gt=0)] | None = None

    def of(self, value: Decimal) -> Decimal:
        """The rounded figure."""
        if self.step is not None:
            return (value / self.step).quantize(Decimal(1), rounding=_MODES[self.mode]) * self.step
        return value.quantize(Decimal(1).scaleb(-self.places), rounding=_MODES[self.mode])


@dataclass(frozen=True, slots=True)
class Undetermined:
    """Points that nobody can work out: `code` says why, for a sentence."""

    code: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Best:
    """The best of the cluster in one criterion: the highest ratio of actual to target, the highest actual."""

    ratio: Decimal | None = None
    actual: Decimal | None = None


class ScoreEntry(FrozenModel):
    """What a sheet says of one criterion: points given by hand, or the figures that its way works from."""

    criterion: Slug
    points: Points | None = None
    actual: Amount | None = None
    target: Amount | None = None
    count: Amount | None = None
    met: tuple[Slug, ...] | None = Field(default=None, max_length=limits.CONDITIONS_PER_CRITERION)
    evidence: tuple[Label, ...] = Field(default=(), max_length=20)

    @property
    def figures(self) -> tuple[object, ...]:
        """All that is said of the criterion, to see whether two rounds differ."""
        return self.points, self.actual, self.target, self.count, self.met

    @property
    def ratio(self) -> Decimal | None:
        """Actual to target, where both are known and there is a target."""
        return self.actual / self.target if self.actual is not None and self.target else None


Answer = Decimal | Undetermined


def _missing(name: str) -> Undetermined:
    return Undetermined("figure_missing", (("figure", name),))


class ByHand(FrozenModel):
    """Somebody gives points from `least` to the maximum, in multiples of `step` where one is stated."""

    way: Literal["hand"] = "hand"
    least: Points = Decimal(0)
    step: Annotated[Points, Field(gt=0)] | None = None

    def points(self, known: ScoreEntry, most: Decimal | None, best: Best) -> Answer:
        return _missing("points") if known.points is None else known.points


class Linear(FrozenModel):
    """Points in proportion to actual/target. `ceiling` is what over-fulfilment can reach; None stops at the maximum."""

    way: Literal["linear"]
    ceiling: Points | None = None

    def points(self, known: ScoreEntry, most: Decimal | None, best: Best) -> Answer:
        if most is None:
            return Undetermined("maximum_unknown")
        if known.ratio is None:
            return _missing("actual" if known.actual is None else "target")
        return min(most * known.ratio, most if self.ceiling is None else self.ceiling)


class Threshold(FrozenModel):
    """From this value on, these points."""

    at_least: Amount
    points: Points


class Stepped(FrozenModel):
    """The points of the highest step that is reached; below the lowest, none."""

    way: Literal["steps"]
    of: Literal["actual", "percent"] = "actual"
    steps: Annotated[tuple[Threshold, ...], Field(min_length=1, max_length=limits.STEPS_PER_CRITERION)]

    @model_validator(mode="after")
    def _falling(self) -> Stepped:
        starts = [step.at_least for step in self.steps]
        if starts != sorted(starts, reverse=True) or len(set(starts)) != len(starts):
            raise invalid("steps_not_falling")
        return self

    def points(self, known: ScoreEntry, most: Decimal | None, best: Best) -> Answer:
        value = _value(known, self.of)
        if isinstance(value, Undetermined):
            return value
        return next((step.points for step in self.steps if value >= step.at_least), Decimal(0))


class Band(FrozenModel):
    """From `low` to `high`, both included (None: no end): a change of the points, or the points themselves.

    `above`: `low` itself is not of it, so that "above 0 to 10" can follow "0".
    """

    low: Amount
    above: bool = False
    high: Amount | None = None
    change: Points | None = None
    points: Points | None = None

    @model_validator(mode="after")
    def _one(self) -> Band:
        if (self.change is None) == (self.points is None):
            raise invalid("band_gives_one")
        if self.high is not None and (self.high < self.low or (self.above and self.high == self.low)):
            raise invalid("band_backwards")
        return self

    def holds(self, value: Decimal) -> bool:
        """True for a value of the band."""
        begun = value > self.low if self.above else value >= self.low
        return begun and (self.high is None or value <= self.high)


class Banded(FrozenModel):
    """Bands with gaps between them. A cliff is a band without end that gives 0 points.

    Between two bands a value is undetermined, unless the edition states how the value is rounded before it is looked
    up (`value_rounding`).
    """

    way: Literal["bands"]
    of: Literal["actual", "percent"] = "actual"
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=limits.STEPS_PER_CRITERION)]
    value_rounding: Rounding | None = None

    @model_validator(mode="after")
    def _rising(self) -> Banded:
        for before, after in zip(self.bands, self.bands[1:], strict=False):
            touches = before.high is not None and after.above and after.low == before.high
            if before.high is None or (after.low <= before.high and not touches):
                raise invalid("bands_overlap", first=before.low, second=after.low)
        return self

    def gaps(self) -> Iterator[tuple[Decimal, Decimal]]:
        """The open intervals between neighbouring bands in which the source says nothing."""
        for before, after in zip(self.bands, self.bands[1:], strict=False):
            if before.high is not None and before.high != after.low:
                yield before.high, after.low

    def points(self, known: ScoreEntry, most: Decimal | None, best: Best) -> Answer:
        value = _value(known, self.of)
        if isinstance(value, Undetermined):
            return value
        if self.value_rounding is not None:
            value = self.value_rounding.of(value)
        for band in self.bands:
            if band.holds(value):
                if band.points is not None:
                    return band.points
                if most is None:
                    return Undetermined("maximum_unknown")
                return most + (band.change or 0)
        return Undetermined("between_bands", (("value", str(value)),))


class Condition(FrozenModel):
    """One of the things that must hold."""

    id: Slug
    title: Label


class AllOrNothing(FrozenModel):
    """The maximum when every condition is met, else nothing."""

    way: Literal["all-or-nothing"]
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=limits.CONDITIONS_PER_CRITERION)]

    def points(self, known: ScoreEntry, most: Decimal | None, best: Best) -> Answer:
        if most is None:
            return Undetermined("maximum_unknown")
        if known.met is None:
            return _missing("met")
        return most if {condition.id for condition in self.conditions} <= set(known.met) else Decimal(0)


class Counted(FrozenModel):
    """So many points each (a penalty: fewer than none), up to the maximum or, for a penalty, down to `least`."""

    way: Literal["count"]
    each: Points
    least: Points = Decimal(0)

    def points(self, known: ScoreEntry, most: Decimal | None, best: Best) -> Answer:
        if known.count is None:
            return _missing("count")
        found = known.count * self.each + Decimal(0)  # 0 times a penalty is not "minus nothing"
        return max(self.least, found if most is None else min(most, found))


class RelativeToBest(FrozenModel):
    """Points by where the unit stands between its target and the best of the cluster.

    Below the target `at_target` of the maximum in proportion; at the target just that; above it the rest in proportion
    to the leader's surplus; the leader, and whoever is within `tolerance` of its ratio, the maximum. Without a target:
    the actual result in proportion to the highest one.
    """

    way: Literal["relative"]
    at_target: Annotated[Decimal, BeforeValidator(decimal_comma), Field(gt=0, lt=1)] = Decimal("0.5")
    tolerance: Annotated[Decimal, BeforeValidator(decimal_comma), Field(ge=0, lt=1)] = Decimal(0)

    def points(self, known: ScoreEntry, most: Decimal | None, best: Best) -> Answer:
        if most is None:
            return Undetermined("maximum_unknown")
        if known.actual is None:
            return _missing("actual")
        if not known.target:
            return most * known.actual / best.actual if best.actual else Undetermined("nobody_leads")
        ratio, standard = known.actual / known.target, most * self.at_target
        if ratio <= 1 or best.ratio is None or best.ratio <= 1:
            return standard * min(ratio, Decimal(1))
        if best.ratio - ratio <= self.tolerance:
            return most
        return standard + (most - standard) * (ratio - 1) / (best.ratio - 1)


Way = Annotated[
    ByHand | Linear | Stepped | Banded | AllOrNothing | Counted | RelativeToBest, Field(discriminator="way")
]


def _value(known: ScoreEntry, of: str) -> Decimal | Undetermined:
    if known.actual is None:
        return _missing("actual")
    if of == "actual":
        return known.actual
    return _missing("target") if known.ratio is None else known.ratio * 100
