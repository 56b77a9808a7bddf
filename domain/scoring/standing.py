"""Ranks and classes of the units of a cluster, from their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby

from domain.scoring.classes import ClassCondition, ScoreClass, gap_around, highest_below, places_of
from domain.scoring.criteria import Criterion, Scoring
from domain.scoring.methods import Undetermined, as_shown
from domain.scoring.results import UnitResult


def with_ranks(scoring: Scoring, results: Sequence[UnitResult]) -> tuple[UnitResult, ...]:
    """Rank the units that are considered and whose results are complete.

    A unit is ahead with a total that is higher by more than the tolerance; within it, the criteria of `ties_by` decide.
    Units share a rank when equally many are ahead of them, and the ranks that they take up are left out: 1, 1, 3.
    """
    ranked = [result for result in results if result.unranked is None]

    def is_ahead(a: UnitResult, b: UnitResult) -> bool:
        if abs(a.total - b.total) > scoring.tie_tolerance:
            return a.total > b.total
        for criterion in scoring.ties_by:
            points_a, points_b = a.facts.get(criterion, Decimal(0)), b.facts.get(criterion, Decimal(0))
            if points_a != points_b:
                return points_a > points_b
        return False

    ahead = {result.unit: sum(is_ahead(other, result) for other in ranked) for result in ranked}
    return tuple(
        replace(result, rank=1 + sum(count < ahead[result.unit] for count in ahead.values()))
        if result.unit in ahead
        else result
        for result in results
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit's result, and what its class depends on beside it.

    `kind` is the unit's kind, `facts` are the known facts about it, `ruled` the class by a ruling, `reachable` the most
    points that it can reach without bonus (None: it cannot be said, or classes do not go by it).
    """

    result: UnitResult
    kind: str | None
    facts: Mapping[str, bool]
    ruled: str | None
    reachable: Decimal | None


def with_classes(
    criteria: tuple[Criterion, ...], scoring: Scoring, candidates: Sequence[Candidate]
) -> tuple[UnitResult, ...]:
    """Give each unit the first class that it fits, or the reason why its class is undetermined."""
    if not scoring.classes:
        return tuple(candidate.result for candidate in candidates)
    return _Classing(criteria, scoring, candidates).results()


class _Classing:
    """The distribution of the classes: goes through them from the best one down, over the units without a class."""

    def __init__(self, criteria: tuple[Criterion, ...], scoring: Scoring, candidates: Sequence[Candidate]) -> None:
        self._criteria = {criterion.id: criterion for criterion in criteria}
        self._scoring, self._candidates = scoring, candidates
        self._considered = sum(one.result.excluded is None for one in candidates)
        self._classed: dict[str, UnitResult] = {}

    def results(self) -> tuple[UnitResult, ...]:
        for candidate in self._candidates:
            result = candidate.result
            if result.unranked is not None:
                open_ = None if result.excluded is not None else Undetermined("result_incomplete")
                self._settle(candidate, None, open_)
        for index, class_ in enumerate(self._scoring.classes):
            self._give(index, class_)
        for candidate in self._left():
            self._settle(candidate, None, self._outside(self._value(candidate)))
        return tuple(self._classed[candidate.result.unit] for candidate in self._candidates)

    def _outside(self, value: Decimal) -> Undetermined | None:
        """Return why a value that no class takes is undetermined; None below all classes: then there is no class."""
        if (around := gap_around(self._scoring.classes, value)) is not None:
            return _between(*around, value)
        if (lower := highest_below(self._scoring.classes, value)) is not None:
            return Undetermined("above_classes", (("value", str(value)), ("lower", lower.title)))
        return None

    def _left(self) -> list[Candidate]:
        return [one for one in self._candidates if one.result.unit not in self._classed]

    def _value(self, candidate: Candidate) -> Decimal:
        """Return what classes go by: points, or the percentage of the points that the unit can reach."""
        total = candidate.result.total
        if self._scoring.classes_of == "points":
            return total
        percent = total * 100 / candidate.reachable if candidate.reachable else Decimal(0)
        return as_shown(percent, self._scoring.total_rounding)

    def _give(self, index: int, class_: ScoreClass) -> None:
        left = self._left()
        fitting = []
        for candidate in left:
            if (class_.passed and candidate.result.passed is not True) or not class_.holds(self._value(candidate)):
                continue
            missed = self._missed(candidate, class_)
            if missed is None:
                fitting.append(candidate)
            elif isinstance(missed, Undetermined):
                self._settle(candidate, None, missed)
            elif class_.share is None or missed.otherwise == "none":
                self._settle(candidate, self._lower(index, missed), because=_because(missed, self._scoring))
        if class_.share is None:
            for candidate in fitting:
                self._settle(candidate, class_.id)
        else:
            self._give_share(class_, fitting, len(left))

    def _give_share(self, class_: ScoreClass, fitting: list[Candidate], left: int) -> None:
        units = {"all": len(self._candidates), "considered": self._considered, "left": left}[class_.share_of]
        places = places_of(class_.share or Decimal(0), units, class_.share_rounding)
        if class_.from_top:
            places -= sum(result.class_ is not None for result in self._classed.values())
        fitting.sort(key=_rank_of)
        for _rank, tied in groupby(fitting, key=_rank_of):
            group = list(tied)
            if len(group) <= places:
                for candidate in group:
                    self._settle(candidate, class_.id)
                places -= len(group)
                continue
            if places > 0:
                facts = (("name", class_.title), ("places", str(places)), ("units", str(len(group))))
                for candidate in group:
                    self._settle(candidate, None, Undetermined("tie_at_cutoff", facts))
            return

    def _missed(self, candidate: Candidate, class_: ScoreClass) -> ClassCondition | Undetermined | None:
        """Return the first condition of a class that a unit does not fulfil, or why that cannot be said."""
        for condition in self._scoring.class_conditions:
            if condition.classes and class_.id not in condition.classes:
                continue
            if condition.fact is not None:
                holds = candidate.facts.get(condition.fact)
                if holds is None:
                    return Undetermined("fact_unknown", (("fact", _title_of(self._scoring, condition.fact)),))
                if holds is not condition.holds:
                    return condition
            elif condition.each_share is not None and self._is_below(candidate, condition.each_share):
                return condition
        return None

    def _is_below(self, candidate: Candidate, share: Decimal | str) -> bool:
        """Return whether one of the criteria of the first level is below a share of its maximum."""
        return any(
            self._criteria[line.criterion].falls_short(line.points, share, candidate.kind, self._scoring.rounding)
            for line in candidate.result.lines
            if line.depth == 0 and line.part == "base" and line.points is not None
        )

    def _lower(self, index: int, missed: ClassCondition) -> str | None:
        if missed.otherwise == "none" or index + 1 >= len(self._scoring.classes):
            return None
        return self._scoring.classes[index + 1].id

    def _settle(
        self,
        candidate: Candidate,
        class_: str | None,
        open_: Undetermined | None = None,
        *,
        because: Undetermined | None = None,
    ) -> None:
        if open_ is not None and candidate.ruled is not None:
            class_, open_ = candidate.ruled, None
        self._classed[candidate.result.unit] = replace(
            candidate.result, class_=class_, class_open=open_, class_because=because
        )


def _rank_of(candidate: Candidate) -> int:
    return candidate.result.rank or 0


def _between(lower: ScoreClass, upper: ScoreClass, value: Decimal) -> Undetermined:
    return Undetermined("between_classes", (("value", str(value)), ("lower", lower.title), ("upper", upper.title)))


def _because(missed: ClassCondition, scoring: Scoring) -> Undetermined:
    if missed.fact is None:
        return Undetermined("class_lowered_by_share", (("share", str(missed.each_share)),))
    code = "class_lowered_without" if missed.holds else "class_lowered_by"
    return Undetermined(code, (("fact", _title_of(scoring, missed.fact)),))


def _title_of(scoring: Scoring, fact: str) -> str:
    return next(one.title for one in scoring.facts if one.id == fact)
