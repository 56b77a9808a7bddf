"""The classes of results that a rules edition has, and the shares of units that a class or an award takes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from domain import limits
from domain.problems import invalid
from domain.types import FrozenModel, Label, Points, Slug, decimal_comma


def _require_part(share: str) -> str:
    if Fraction(share) > 1:
        raise invalid("share_beyond_all", share=share)
    return share


Ratio = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?/[1-9][0-9]?$"), AfterValidator(_require_part)]
"""A share that no decimal number expresses exactly, such as 2/3."""

Share = Annotated[Decimal, BeforeValidator(decimal_comma), Field(gt=0, le=1)] | Ratio
ShareRounding = Literal["down", "half-up", "up"]


def places_of(share: Decimal | str, units: int, rounding: ShareRounding) -> int:
    """Return how many of `units` a share is. It is exact: 1/3 of 9 is 3."""
    exact = Fraction(share) * units
    if rounding == "half-up":
        exact += Fraction(1, 2)
    whole = exact.numerator // exact.denominator
    return whole + 1 if rounding == "up" and whole != exact else whole


class UnitFact(FrozenModel):
    """A fact about a unit that classes depend on and points do not tell, such as "somebody was disciplined"."""

    id: Slug
    title: Label


class ClassCondition(FrozenModel):
    """What a unit of these classes (empty: of every class) must fulfil, and its class when it does not.

    Either `each_share`, a share of the maximum that each criterion of the first level must reach; or `fact`, a declared
    fact that must be as `holds` says. `otherwise`: the next lower class, or no class.
    """

    classes: tuple[Slug, ...] = Field(default=(), max_length=limits.CLASSES_PER_EDITION)
    each_share: Share | None = None
    fact: Slug | None = None
    holds: bool = True
    otherwise: Literal["one-down", "none"] = "one-down"
    article: Label | None = None

    @model_validator(mode="after")
    def _check_exactly_one(self) -> ClassCondition:
        if (self.each_share is None) == (self.fact is None):
            raise invalid("condition_is_one")
        return self


class ScoreClass(FrozenModel):
    """A class of results, for totals between two ends or for the best share of the units; the first that fits counts.

    `least` and `most` belong to the class; `under` does not. Without an upper end, the class goes up to those above it.
    A share is one of `all` units, of the `considered` ones, or of those that are `left` without a class; it goes to the
    best of those that are left. `from_top`: units in better classes count into it.
    """

    id: Slug
    title: Label
    least: Points | None = None
    most: Points | None = None
    under: Points | None = None
    share: Share | None = None
    share_of: Literal["all", "considered", "left"] = "all"
    share_rounding: ShareRounding = "down"
    from_top: bool = False
    passed: bool = False
    """True: only for units that reach their pass mark and floors."""

    @model_validator(mode="after")
    def _check_consistent(self) -> ScoreClass:
        if self.most is not None and self.under is not None:
            raise invalid("class_end_is_one")
        if self.least is not None and self.is_below(self.least):
            raise invalid("class_backwards")
        return self

    @property
    def by_points(self) -> bool:
        """True when the class has an end."""
        return self.least is not None or self.most is not None or self.under is not None

    @property
    def has_upper_end(self) -> bool:
        """True when totals can lie above the class."""
        return self.most is not None or self.under is not None

    def is_below(self, total: Decimal) -> bool:
        """True when the total is above the upper end of the class."""
        return (self.most is not None and total > self.most) or (self.under is not None and total >= self.under)

    def holds(self, total: Decimal) -> bool:
        """True when the total lies between the ends of the class."""
        return (self.least is None or total >= self.least) and not self.is_below(total)


def gap_around(classes: tuple[ScoreClass, ...], total: Decimal) -> tuple[ScoreClass, ScoreClass] | None:
    """Return the classes below and above a total that lies between two of them; None when it does not."""
    below = [one for one in classes if one.is_below(total)]
    above = [one for one in classes if one.least is not None and total < one.least]
    if not below or not above:
        return None
    return max(below, key=_upper_end), min(above, key=lambda one: one.least or Decimal(0))


def highest_below(classes: tuple[ScoreClass, ...], total: Decimal) -> ScoreClass | None:
    """Return the highest class that ends below a total; None when the total lies above none."""
    return max((one for one in classes if one.is_below(total)), key=_upper_end, default=None)


def gaps(classes: tuple[ScoreClass, ...]) -> Iterator[tuple[ScoreClass, ScoreClass]]:
    """Yield neighbouring classes (lower, upper) between which totals belong to none."""
    lower: ScoreClass | None = None
    for upper in sorted((one for one in classes if one.by_points), key=lambda one: one.least or Decimal(0)):
        starts = upper.least or Decimal(0)
        if lower is not None and lower.has_upper_end and _upper_end(lower) < starts:
            yield lower, upper
        # A class that lies within a wider one leaves no gap behind it.
        if lower is None or (
            lower.has_upper_end and not (upper.has_upper_end and _upper_end(upper) < _upper_end(lower))
        ):
            lower = upper


def _upper_end(one: ScoreClass) -> Decimal:
    return one.most if one.most is not None else one.under or Decimal(0)
