"""Results of units: the lines of their criteria, their sums, rank and class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from domain.scoring.methods import Undetermined


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """A criterion's points, or the reason why they are undetermined.

    `capped_from` is the sum before the maximum was applied, where it was higher. `exact` are the points as they are
    summed up: what is shown has fewer decimals.
    """

    criterion: str
    title: str
    depth: int
    points: Decimal | None
    maximum: Decimal | None
    undetermined: Undetermined | None = None
    floor_missed: bool = False
    capped_from: Decimal | None = None
    part: str = "base"
    exact: Decimal | None = None


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
    total: Decimal
    """Base, bonus and penalty, rounded as the edition says: what is shown is what is compared."""
    rank: int | None = None
    class_: str | None = None
    class_open: Undetermined | None = None
    """Why the class is undetermined. None: it is not, or there are no classes."""
    class_because: Undetermined | None = None
    """The condition by which the class is lower than the total, or is none."""
    facts: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def unranked(self) -> str | None:
        """The code of the reason why the unit has no rank; None when it has one."""
        if self.excluded is not None:
            return "unit_not_considered"
        if self.complete:
            return None
        open_line = next((line.undetermined for line in self.lines if line.undetermined is not None), None)
        return "table_incomplete" if open_line is None else open_line.code

    @property
    def passed(self) -> bool | None:
        """Whether the unit reaches floors and pass mark; None when incomplete, or without a pass mark."""
        if any(line.floor_missed for line in self.lines):
            return False
        if not self.complete or self.pass_mark is None:
            return None
        return self.total >= self.pass_mark
