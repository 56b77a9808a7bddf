"""Remarks on a score table: what is unknown, undetermined, contradictory or impossible in it. Nothing is repaired."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import chain, pairwise

from domain.scoring.classes import ScoreClass, ShareRounding, gaps, highest_below, places_of
from domain.scoring.criteria import Criterion, Scoring
from domain.scoring.methods import COMPARING, Banded, Counted, as_shown

_SMALLEST_SHARES_UP_TO = 200


@dataclass(frozen=True, slots=True)
class Remark:
    """A gap or contradiction in a score table: a code with facts, and the criterion that it is about."""

    code: str
    criterion: str | None
    facts: tuple[tuple[str, str], ...]


def remarks(criteria: tuple[Criterion, ...], scoring: Scoring, total: Decimal | None) -> tuple[Remark, ...]:
    """Return what is unknown, undetermined or contradictory in a table."""
    found: list[Remark] = []
    for top in criteria:
        found.extend(_criterion_remarks(top))
    found.extend(_total_remarks(criteria, scoring, total))
    found.extend(_count_remarks(criteria, scoring))
    found.extend(_class_remarks(criteria, scoring))
    return tuple(found)


def lacks_points(criteria: tuple[Criterion, ...], scoring: Scoring, total: Decimal | None) -> bool:
    """True when points or maxima of a table are unknown, or were not seen."""
    found = chain(chain.from_iterable(map(_criterion_remarks, criteria)), _total_remarks(criteria, scoring, total))
    return any(one.code in _LACKING for one in found)


_LACKING = frozenset({"maximum_unknown", "parts_unseen", "total_unseen"})


_MOST_GROUPS = 100


def most_possible(
    criteria: Iterable[Criterion], scoring: Scoring, unit: str, kind: str | None
) -> tuple[Decimal | None, Decimal]:
    """Return the most points that a unit can reach: without bonus (None: it cannot be said), and by bonus."""
    sums: dict[str, Decimal | None] = {"base": Decimal(0), "bonus": Decimal(0)}
    for top in criteria:
        for part, points in _most_of(top, unit, kind).items():
            before = sums[part]
            sums[part] = None if points is None or before is None else before + points
    bonus, cap = sums["bonus"], scoring.bonus_cap
    if bonus is None:
        return sums["base"], Decimal(0) if cap is None else cap
    return sums["base"], bonus if cap is None else min(bonus, cap)


def _most_of(node: Criterion, unit: str, kind: str | None) -> dict[str, Decimal | None]:
    if node.part == "penalty" or not node.concerns(unit, kind):
        return {}
    if not node.children:
        if kind is not None and kind in node.exempt_kinds and node.exempt_gives == "nothing":
            return {node.part: Decimal(0)}
        ceiling = node.way.limit("ceiling")
        return {node.part: None if ceiling == "none" else ceiling or node.max}
    sums: dict[str, Decimal | None] = {}
    for child in node.children:
        for part, points in _most_of(child, unit, kind).items():
            before = sums.get(part, Decimal(0))
            if points is None or before is None:
                sums[part] = None
            else:
                sums[part] = max(before, points) if node.take == "highest" else before + points
    own = sums.get(node.part, Decimal(0))
    if node.max is not None:
        own = node.max if own is None or node.partial else min(own, node.max)
    return {**sums, node.part: own}


def first_place(share: Decimal | str, rounding: ShareRounding) -> int | None:
    """Return from how many units on a share gives a place; None when that is many."""
    return next((n for n in range(1, _SMALLEST_SHARES_UP_TO) if places_of(share, n, rounding)), None)


def _remark(code: str, criterion: str | None = None, /, **facts: object) -> Remark:
    return Remark(code, criterion, tuple((name, str(fact)) for name, fact in facts.items()))


def _criterion_remarks(node: Criterion) -> Iterator[Remark]:
    if node.max is None and node.part != "penalty":
        yield _remark("maximum_unknown", node.id)
    if isinstance(node.way, Banded):
        for low, high in node.way.gaps():
            closed = "gap_closed" if node.way.value_rounding is not None else "gap_open"
            yield _remark(closed, node.id, low=low, high=high)
    if isinstance(node.way, COMPARING):
        yield _remark("depends_on_others", node.id)
    if node.part == "penalty" and not node.children and node.max is None and not _is_bounded(node):
        yield _remark("penalty_unbounded", node.id)
    yield from _part_remarks(node)
    for child in node.children:
        yield from _criterion_remarks(child)


def _part_remarks(node: Criterion) -> Iterator[Remark]:
    """Compare the maximum of a node with those of its parts."""
    known = [child.max for child in node.children if child.max is not None and child.part == node.part]
    if node.max is not None and known and node.part != "penalty":
        seen = max(known) if node.take == "highest" else sum(known, Decimal(0))
        if _equal_as_printed(seen, node.max, known):
            if seen != node.max:
                yield _remark("parts_rounded", node.id, seen=seen, stated=node.max)
        elif seen > node.max:
            yield _remark("parts_exceed", node.id, seen=seen, stated=node.max)
        else:
            yield _remark("parts_unseen" if node.partial else "parts_fall_short", node.id, seen=seen, stated=node.max)


def _is_bounded(node: Criterion) -> bool:
    least = node.way.limit("least")
    return (least is not None and least < 0) if not isinstance(node.way, Counted) else least is not None


def _equal_as_printed(seen: Decimal, stated: Decimal, parts: Iterable[Decimal]) -> bool:
    """Whether a stated sum fits its parts as far as these were rounded for print: 3 x 33.33 is 100."""
    rounded = [-int(exponent) for part in parts if (exponent := part.normalize().as_tuple().exponent) < 0]  # type: ignore[operator]
    slack = Decimal(len(rounded)) * Decimal(5).scaleb(-max(rounded) - 1) if rounded else Decimal(0)
    return abs(seen - stated) <= slack


def _total_remarks(criteria: tuple[Criterion, ...], scoring: Scoring, total: Decimal | None) -> Iterator[Remark]:
    if not criteria:
        return
    maxima = [top.max for top in criteria if top.max is not None and top.part == "base"]
    base = sum(maxima, Decimal(0))
    bonus = sum((top.max for top in criteria if top.max is not None and top.part == "bonus"), Decimal(0))
    bonus = bonus if scoring.bonus_cap is None else min(bonus, scoring.bonus_cap)
    unknown = sum(top.max is None and top.part == "base" for top in criteria)
    stated = scoring.stated_base if scoring.stated_base is not None else total
    if stated is None:
        yield _remark("total_unstated", seen=base)
    elif not unknown and base != stated and _equal_as_printed(base, stated, maxima):
        yield _remark("total_rounded", seen=base, stated=stated)
    elif base != stated:
        yield _remark("total_unseen" if base < stated else "total_exceeds", seen=base, stated=stated, unknown=unknown)
    if scoring.stated_base is not None and total is not None and base + bonus != total:
        yield _remark("total_with_bonus_differs", seen=base + bonus, stated=total)


def _count_remarks(criteria: tuple[Criterion, ...], scoring: Scoring) -> Iterator[Remark]:
    for name, stated in (("contents", scoring.stated_contents), ("conditions", scoring.stated_conditions)):
        seen = sum(getattr(top, name) or 0 for top in criteria)
        if stated is not None and seen != stated:
            yield _remark("count_differs", what=name, seen=seen, stated=stated)


def _class_remarks(criteria: tuple[Criterion, ...], scoring: Scoring) -> Iterator[Remark]:
    for lower, upper in gaps(scoring.classes):
        low, high = lower.most if lower.most is not None else lower.under, upper.least
        closed = scoring.total_rounding is not None and not _holds_rounded(scoring, low, high)
        code = "class_gap_closed" if closed else "class_gap_open"
        yield _remark(code, lower=lower.title, upper=upper.title, low=low, high=high)
    yield from _hidden_classes(scoring)
    for one in scoring.classes:
        if one.share is not None and one.share_of != "left":
            least = first_place(one.share, one.share_rounding)
            if least is not None and least > 1:
                yield _remark("share_needs_units", name=one.title, least=least)
        if one.passed and not scoring.pass_marks:
            yield _remark("class_needs_pass_mark", name=one.title)
    yield from _reach_remarks(criteria, scoring)


def _holds_rounded(scoring: Scoring, low: Decimal | None, high: Decimal | None) -> bool:
    """Whether a rounded total can lie between two classes."""
    rounding = scoring.total_rounding
    if rounding is None or low is None or high is None:
        return True
    step = rounding.step or Decimal(1).scaleb(-rounding.places)
    following = rounding.apply(low) + (step if rounding.apply(low) <= low else 0)
    return following < high


def _hidden_classes(scoring: Scoring) -> Iterator[Remark]:
    """Find classes that no total reaches: classes before them take all of theirs, or no rounded total lies in them."""
    # A condition that is not fulfilled gives the next lower class, too.
    lowering = [condition for condition in scoring.class_conditions if condition.otherwise == "one-down"]
    totals = _sample_totals(scoring)
    for index, one in enumerate(scoring.classes):
        if index and any(not c.classes or scoring.classes[index - 1].id in c.classes for c in lowering):
            continue
        own = [total for total in totals if one.holds(total) and (not one.passed or _can_pass(total, scoring))]
        takers = {_taker(total, one, scoring.classes[:index]) for total in own}
        if not own and not one.passed:
            yield _remark("class_never_reached", name=one.title)
        elif own and None not in takers:
            earlier = ", ".join(taker.title for taker in scoring.classes if taker in takers)
            yield _remark("class_never_given", name=one.title, earlier=earlier)


def _sample_totals(scoring: Scoring) -> list[Decimal]:
    """Return totals that stand for all: each end of a class, what lies between two ends, below and above all."""
    ends = {end for one in scoring.classes for end in (one.least, one.most, one.under) if end is not None}
    ends |= {mark.least for mark in scoring.pass_marks}
    ordered = sorted(ends) or [Decimal(0)]
    between = [(low + high) / 2 for low, high in pairwise(ordered)]
    rounded = {as_shown(total, scoring.total_rounding) for total in (*ordered, *between)}
    return sorted({*rounded, ordered[0] - 1, ordered[-1] + 1})


def _can_pass(total: Decimal, scoring: Scoring) -> bool:
    return any(total >= mark.least for mark in scoring.pass_marks)


def _taker(total: Decimal, one: ScoreClass, before: Iterable[ScoreClass]) -> ScoreClass | None:
    """Return the first class before `one` that takes every unit of a total which `one` could take; None: none does."""
    for earlier in before:
        takes_all = Fraction(earlier.share) == 1 and not earlier.by_points if earlier.share is not None else True
        if takes_all and earlier.holds(total) and (one.passed or not earlier.passed):
            return earlier
    return None


def _reach_remarks(criteria: tuple[Criterion, ...], scoring: Scoring) -> Iterator[Remark]:
    """Find classes and pass marks that units of a kind cannot reach, and kinds whose possible total is another one."""
    usual, _usual_bonus = most_possible(criteria, scoring, "", None)
    by_points = scoring.classes_of == "points" and any(one.by_points for one in scoring.classes)
    for name, unit, kind in _groups(criteria, scoring):
        base, bonus = most_possible(criteria, scoring, unit, kind)
        if base is None or not criteria:
            continue
        whose = {"whose": name} if name else {}
        most = Decimal(100) + (bonus * 100 / base if base else 0) if scoring.classes_of == "percent" else base + bonus
        if not name and scoring.classes and all(one.is_below(most) for one in scoring.classes):
            highest = highest_below(scoring.classes, most)
            yield _remark("totals_above_classes", most=most, name=highest.title if highest else "")
        for one in scoring.classes:
            if one.least is not None and one.least > most:
                code = "class_unreachable_for" if name else "class_unreachable"
                yield _remark(code, name=one.title, least=one.least, most=most, **whose)
        mark = scoring.pass_mark(kind)
        if mark is not None and mark > base + bonus:
            code = "pass_mark_unreachable_for" if name else "pass_mark_unreachable"
            yield _remark(code, least=mark, most=base + bonus, **whose)
        if name and by_points and usual is not None and base != usual:
            yield _remark("total_of_kind_differs", most=base, usual=usual, **whose)


def _groups(criteria: Iterable[Criterion], scoring: Scoring) -> Iterator[tuple[str, str, str | None]]:
    """Yield (name, unit, kind) of those whom the table treats in their own way; first of all others, without a name.

    Of a table that names more kinds or units than `_MOST_GROUPS`, the first ones: each is calculated by itself.
    """
    kinds = {kind for mark in scoring.pass_marks for kind in mark.kinds}
    units: set[str] = set()
    left = list(criteria)
    while left:
        node = left.pop()
        kinds.update(node.kinds, node.exempt_kinds)
        units.update(node.units)
        left.extend(node.children)
    yield "", "", None
    yield from ((kind, "", kind) for kind in sorted(kinds)[:_MOST_GROUPS])
    yield from ((unit, unit, None) for unit in sorted(units)[:_MOST_GROUPS])
