"""Scoring methods: each computes the points of one criterion from its entry in a sheet.

A method is data of a rules edition. When the source does not determine the points, the method returns `Undetermined`,
and only a recorded ruling (points by hand, with a reason) decides. docs/rules.md gives the source of each method.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from domain import limits
from domain.problems import invalid
from domain.types import Amount, FrozenModel, IsKey, Label, Points, Slug, decimal_comma

RoundingMode = Literal["half-up", "half-even", "down", "up"]
_MODES = {"half-up": ROUND_HALF_UP, "half-even": ROUND_HALF_EVEN, "down": ROUND_DOWN, "up": ROUND_UP}


_NOISE = Decimal(1).scaleb(-12)


def without_noise(value: Decimal) -> Decimal:
    """Return a computed figure without what division left behind its 12th decimal.

    Three thirds of ten are ten: only then can a figure be rounded, or compared with another one.
    """
    return value.quantize(_NOISE)


class Rounding(FrozenModel):
    """How a figure is rounded: to `places` decimals, or to a multiple of `step` (0.5 for half points)."""

    places: Annotated[int, Field(ge=0, le=limits.POINTS_DECIMALS)] = 2
    mode: RoundingMode = "half-up"
    step: Annotated[Points, Field(gt=0)] | None = None

    def apply(self, value: Decimal) -> Decimal:
        """Return the rounded figure."""
        value = without_noise(value)
        if self.step is not None:
            return (value / self.step).quantize(Decimal(1), rounding=_MODES[self.mode]) * self.step
        return value.quantize(Decimal(1).scaleb(-self.places), rounding=_MODES[self.mode])


_SHOWN = Rounding(places=limits.POINTS_DECIMALS)


def as_shown(value: Decimal, rounding: Rounding | None = None) -> Decimal:
    """Return points as a reader is shown them: rounded as the edition says, and to the decimals that points have.

    What is shown is what is compared. Zeros at the end are left out.
    """
    shown = (rounding or _SHOWN).apply(value)
    return shown.quantize(Decimal(1)) if shown == shown.to_integral_value() else shown.normalize()


@dataclass(frozen=True, slots=True)
class Undetermined:
    """The reason why points are not determined: a code and facts for a translated sentence."""

    code: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BestInCluster:
    """The highest ratio actual/target and the highest actual result of a cluster in one criterion, and their means."""

    ratio: Decimal | None = None
    actual: Decimal | None = None
    mean_ratio: Decimal | None = None
    mean_actual: Decimal | None = None


class ScoreEntry(FrozenModel):
    """A sheet's entry for one criterion: points by hand, or the figures from which the method computes them.

    `met` are the ids of the conditions that hold. `evidence` names documents.
    """

    criterion: Annotated[Slug, IsKey("criterion")]
    points: Points | None = None
    actual: Amount | None = None
    target: Amount | None = None
    count: Amount | None = None
    met: tuple[Annotated[Slug, IsKey("condition")], ...] | None = Field(
        default=None, max_length=limits.CONDITIONS_PER_CRITERION
    )
    evidence: tuple[Label, ...] = Field(default=(), max_length=20)

    @property
    def figures(self) -> tuple[object, ...]:
        """The figures without evidence, to compare two rounds."""
        return self.points, self.actual, self.target, self.count, self.met

    @property
    def ratio(self) -> Decimal | None:
        """`actual / target`; None when one is unknown or the target is 0."""
        return self.actual / self.target if self.actual is not None and self.target else None


PointsOrUndetermined = Decimal | Undetermined


def _missing_figure(name: str) -> Undetermined:
    return Undetermined("figure_missing", (("figure", name),))


class Method(FrozenModel):
    """What all methods have in common."""

    def limit(self, name: Literal["ceiling", "least", "step"]) -> Any:
        """Return what the method says of its points by the name of a field; None where it has no such field.

        It is asked for each entry of each sheet: a field that is not there must not cost an exception.
        """
        return self.__dict__.get(name)


class ByHand(Method):
    """Points by hand, from `least` to the maximum, in multiples of `step` where one is stated."""

    way: Literal["hand"] = "hand"
    least: Points = Decimal(0)
    step: Annotated[Points, Field(gt=0)] | None = None

    def points(self, entry: ScoreEntry, maximum: Decimal | None, best: BestInCluster) -> PointsOrUndetermined:
        return _missing_figure("points") if entry.points is None else entry.points


class Linear(Method):
    """Points in proportion to actual/target, up to `ceiling`; None: up to the maximum; "none": without an end."""

    way: Literal["linear"]
    ceiling: Points | Literal["none"] | None = None

    def points(self, entry: ScoreEntry, maximum: Decimal | None, best: BestInCluster) -> PointsOrUndetermined:
        if maximum is None:
            return Undetermined("maximum_unknown")
        if entry.ratio is None:
            return _missing_figure("actual" if entry.actual is None else "target")
        points = maximum * entry.ratio
        return points if self.ceiling == "none" else min(points, self.ceiling or maximum)


class Threshold(FrozenModel):
    """The points for values from `at_least` on."""

    at_least: Amount
    points: Points


class Stepped(Method):
    """The points of the highest step that the value reaches; 0 below the lowest."""

    way: Literal["steps"]
    of: Literal["actual", "percent"] = "actual"
    steps: Annotated[tuple[Threshold, ...], Field(min_length=1, max_length=limits.STEPS_PER_CRITERION)]

    @model_validator(mode="after")
    def _check_falling(self) -> Stepped:
        starts = [step.at_least for step in self.steps]
        if starts != sorted(starts, reverse=True) or len(set(starts)) != len(starts):
            raise invalid("steps_not_falling")
        return self

    def points(self, entry: ScoreEntry, maximum: Decimal | None, best: BestInCluster) -> PointsOrUndetermined:
        value = _value(entry, self.of)
        if isinstance(value, Undetermined):
            return value
        return next((step.points for step in self.steps if value >= step.at_least), Decimal(0))


class Band(FrozenModel):
    """A range of values from `low` to `high`, both included (None: no upper end), with its points.

    Either `points`, or `change`: a difference to the maximum. `above` excludes `low`, so that "above 0 to 10" can
    follow "0".
    """

    low: Amount
    above: bool = False
    high: Amount | None = None
    change: Points | None = None
    points: Points | None = None

    @model_validator(mode="after")
    def _check_exactly_one(self) -> Band:
        if (self.change is None) == (self.points is None):
            raise invalid("band_gives_one")
        if self.high is not None and (self.high < self.low or (self.above and self.high == self.low)):
            raise invalid("band_backwards")
        return self

    def holds(self, value: Decimal) -> bool:
        """True when the value is in the band."""
        begun = value > self.low if self.above else value >= self.low
        return begun and (self.high is None or value <= self.high)


class Banded(Method):
    """Points by bands, in rising order. Gaps between bands are allowed.

    A value in a gap is undetermined, unless the edition states how values are rounded first (`value_rounding`). For
    values above a limit that give 0 points, the last band has no upper end.
    """

    way: Literal["bands"]
    of: Literal["actual", "percent"] = "actual"
    bands: Annotated[tuple[Band, ...], Field(min_length=1, max_length=limits.STEPS_PER_CRITERION)]
    value_rounding: Rounding | None = None

    @model_validator(mode="after")
    def _check_rising(self) -> Banded:
        for band, following in zip(self.bands, self.bands[1:], strict=False):
            touches = band.high is not None and following.above and following.low == band.high
            if band.high is None or (following.low <= band.high and not touches):
                raise invalid("bands_overlap", first=band.low, second=following.low)
        return self

    def gaps(self) -> Iterator[tuple[Decimal, Decimal]]:
        """Yield the open intervals between neighbouring bands, in which the source gives no points."""
        for band, following in zip(self.bands, self.bands[1:], strict=False):
            if band.high is not None and band.high != following.low:
                yield band.high, following.low

    def points(self, entry: ScoreEntry, maximum: Decimal | None, best: BestInCluster) -> PointsOrUndetermined:
        value = _value(entry, self.of)
        if isinstance(value, Undetermined):
            return value
        if self.value_rounding is not None:
            value = self.value_rounding.apply(value)
        for band in self.bands:
            if band.holds(value):
                if band.points is not None:
                    return band.points
                if maximum is None:
                    return Undetermined("maximum_unknown")
                return maximum + (band.change or 0)
        return Undetermined("between_bands", (("value", str(value)),))


class Condition(FrozenModel):
    """One condition of an all-or-nothing criterion."""

    id: Slug
    title: Label


class AllOrNothing(Method):
    """The maximum when every condition is met, otherwise 0."""

    way: Literal["all-or-nothing"]
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=limits.CONDITIONS_PER_CRITERION)]

    def points(self, entry: ScoreEntry, maximum: Decimal | None, best: BestInCluster) -> PointsOrUndetermined:
        if maximum is None:
            return Undetermined("maximum_unknown")
        if entry.met is None:
            return _missing_figure("met")
        return maximum if {condition.id for condition in self.conditions} <= set(entry.met) else Decimal(0)


class Counted(Method):
    """`count` times `each` (negative for a penalty), limited by the maximum and `least`; None: no least."""

    way: Literal["count"]
    each: Points
    least: Points | None = None

    def points(self, entry: ScoreEntry, maximum: Decimal | None, best: BestInCluster) -> PointsOrUndetermined:
        if entry.count is None:
            return _missing_figure("count")
        points = entry.count * self.each + Decimal(0)  # + 0 turns -0 into 0
        points = points if maximum is None else min(maximum, points)
        return points if self.least is None else max(self.least, points)


class RelativeToBest(Method):
    """Points by the ratio actual/target, compared with the highest ratio of the cluster.

    - Up to the target: `at_target` of the maximum, in proportion to the ratio.
    - Above it: that share, and the rest of the maximum in proportion to the surplus over the best unit's surplus.
    - Within `tolerance` of the highest ratio: the maximum.
    - Without a target: the maximum in proportion to the highest actual result.
    """

    way: Literal["relative"]
    at_target: Annotated[Decimal, BeforeValidator(decimal_comma), Field(gt=0, lt=1)] = Decimal("0.5")
    tolerance: Annotated[Decimal, BeforeValidator(decimal_comma), Field(ge=0, lt=1)] = Decimal(0)

    def points(self, entry: ScoreEntry, maximum: Decimal | None, best: BestInCluster) -> PointsOrUndetermined:
        if maximum is None:
            return Undetermined("maximum_unknown")
        if entry.actual is None:
            return _missing_figure("actual")
        if not entry.target:
            return maximum * entry.actual / best.actual if best.actual else Undetermined("nobody_leads")
        ratio, standard = entry.actual / entry.target, maximum * self.at_target
        if ratio <= 1 or best.ratio is None or best.ratio <= 1:
            return standard * min(ratio, Decimal(1))
        if without_noise(best.ratio - ratio) <= self.tolerance:
            return maximum
        return standard + (maximum - standard) * (ratio - 1) / (best.ratio - 1)


class RelativeToMean(Method):
    """Points in proportion to the cluster's mean, from which on the maximum is given: of the ratios, or of the results.

    Ratios are compared where the entry has a target.
    """

    way: Literal["mean"]

    def points(self, entry: ScoreEntry, maximum: Decimal | None, best: BestInCluster) -> PointsOrUndetermined:
        if maximum is None:
            return Undetermined("maximum_unknown")
        if entry.actual is None:
            return _missing_figure("actual")
        value, mean = (entry.ratio, best.mean_ratio) if entry.target else (entry.actual, best.mean_actual)
        if value is None or not mean:
            return Undetermined("nobody_leads")
        return min(maximum, maximum * value / mean)


ScoringMethod = Annotated[
    ByHand | Linear | Stepped | Banded | AllOrNothing | Counted | RelativeToBest | RelativeToMean,
    Field(discriminator="way"),
]
COMPARING = (RelativeToBest, RelativeToMean)
"""The methods by which a unit's points depend on the other units of its cluster."""


def _value(entry: ScoreEntry, of: str) -> Decimal | Undetermined:
    if entry.actual is None:
        return _missing_figure("actual")
    if of == "actual":
        return entry.actual
    return _missing_figure("target") if entry.ratio is None else entry.ratio * 100
