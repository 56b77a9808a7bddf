"""What the charts of scores show, as far as a visitor may see it: each with the rows of the table beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from application.application import Application
from application.pictures import Chart, Series
from application.score_tables import results_by_round
from application.visits import VisitedCycle, Visitor, open_cycle
from application.work import of_many
from domain.access import Matter
from domain.scoring.methods import Rounding, as_shown
from domain.scoring.remarks import most_possible
from domain.scoring.results import UnitResult
from domain.scoring.scores import calculated_scores
from i18n import _
from i18n.messages import number
from i18n.values import round_title

FEWEST_UNITS = 3
"""Of fewer units there is nothing to distribute."""

MOST_YEARS = 10
_MOST_BANDS, _MOST_TICKS = 8, 8
_PERCENT = (0, 20, 40, 60, 80, 100)
_WIDTHS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
_TWO_PLACES = Rounding(places=2)


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """A criterion of the first level: its number in the chart, and its points in each round."""

    number: int
    title: str
    most: Decimal | None
    points: tuple[Decimal | None, ...]
    in_chart: bool
    """False for what takes away, and where the most is not known: it is no part of a whole."""


@dataclass(frozen=True, slots=True)
class ByCriterion:
    """Points by criterion and round: of one unit, or the mean of those that the visitor sees; `units` are so many."""

    rounds: tuple[str, ...]
    rows: tuple[CriterionRow, ...]
    units: int
    chart: Chart


@dataclass(frozen=True, slots=True)
class TotalsBand:
    """A range of totals, the lower end included, the upper one not (in the last band it is), with how many units."""

    title: str
    units: int


@dataclass(frozen=True, slots=True)
class ChartedUnit:
    """A unit with its rank, where it has one, and its total."""

    number: int
    rank: int | None
    unit: str
    total: Decimal


@dataclass(frozen=True, slots=True)
class YearOfUnit:
    """A unit's result in one cycle; what is None is not there, or not open to the visitor."""

    stream: str
    cluster: str
    year: int
    total: Decimal | None
    most: Decimal | None
    rank: int | None
    units: int
    class_: str | None

    @property
    def percent(self) -> Decimal | None:
        """The total in percent of the most without bonus."""
        return _percent(self.total, self.most)


def by_criterion(cycle: VisitedCycle, unit: str = "") -> ByCriterion | None:
    """The points of the criteria of the first level in each round; None where the visitor sees none."""
    rules = cycle.rules
    if not rules.leaves() or not cycle.readable_state().scores:
        return None
    results = {
        name: [one for one in found.values() if unit in {"", one.unit}]
        for name, found in results_by_round(cycle).items()
    }
    results = {name: found for name, found in results.items() if found}
    if not results:
        return None
    rows = tuple(
        CriterionRow(
            at,
            node.title,
            node.max,
            tuple(_mean(found, node.id) for found in results.values()),
            node.max is not None and node.part != "penalty",
        )
        for at, node in enumerate(rules.criteria, start=1)
    )
    titles, drawn = tuple(round_title(name, cycle.names) for name in results), [row for row in rows if row.in_chart]
    chart = Chart(
        "criteria",
        _("Points by criterion and round"),
        _("Points in percent of the maximum of each criterion; the numbers are those of the table."),
        [str(row.number) for row in drawn],
        [Series(title, [_percent(row.points[at], row.most) for row in drawn]) for at, title in enumerate(titles)],
        "lying bars",
        _PERCENT,
    )
    return ByCriterion(titles, rows, len({one.unit for found in results.values() for one in found}), chart)


def ranked_units(cycle: VisitedCycle) -> tuple[tuple[ChartedUnit, ...], Chart] | None:
    """The units by rank: as it was recorded, else as calculated; None while it is closed, or there are no totals."""
    state = cycle.readable_state()
    recorded = {one.unit: one.rank for one in state.conclusion.ranking}
    if not (recorded or cycle.readable.everything):
        return None
    results = _effective(cycle)
    found = sorted(
        ((recorded.get(unit) if recorded else one.rank, unit, one.total) for unit, one in results.items()),
        key=lambda row: (row[0] is None, row[0] or 0, -row[2]),
    )
    if not found:
        return None
    rows = tuple(ChartedUnit(at, rank, unit, total) for at, (rank, unit, total) in enumerate(found, start=1))
    chart = Chart(
        "ranks",
        _("Totals by rank"),
        _("The total of each unit, the best rank first; the numbers are those of the table."),
        [str(row.number) for row in rows],
        [Series(_("Total"), [row.total for row in rows])],
        "lying bars",
    )
    return rows, chart


def distribution(cycle: VisitedCycle) -> tuple[tuple[TotalsBand, ...], Chart] | None:
    """How many units have totals in which range; None while some are closed to the visitor, or there are too few."""
    totals = [one.total for one in _effective(cycle).values()]
    if not cycle.readable.everything or len(totals) < FEWEST_UNITS:
        return None
    least, most = min(totals), max(totals)
    width = next((one for one in _WIDTHS if (most // one) - (least // one) < _MOST_BANDS), _WIDTHS[-1])
    ends = [Decimal(end) * width for end in range(int(least // width), int(most // width) + 2)]
    bands = tuple(
        TotalsBand(f"{number(low)} – {number(high)}", sum(low <= total < high for total in totals))
        for low, high in pairwise(ends)
    )
    chart = Chart(
        "distribution",
        _("Distribution of the totals"),
        _("How many units have a total in each range."),
        [one.title for one in bands],
        [Series(_("units"), [one.units for one in bands])],
        "lying bars",
        _ticks(0, max(one.units for one in bands)),
    )
    return bands, chart


async def years_of(application: Application, visitor: Visitor, streams: Sequence[str], unit: str) -> list[YearOfUnit]:
    """A unit's results in some cycles, the earliest first, as far as the visitor may see them."""
    found = []
    for stream in streams[:MOST_YEARS]:
        cycle = await open_cycle(application, stream, visitor)
        if cycle.may(Matter.CYCLE):
            found.append(await of_many(len(cycle.history), _year_of, cycle, unit))
    return sorted(found, key=lambda one: (one.year, one.cluster, one.stream))


def year_charts(years: Sequence[YearOfUnit]) -> list[Chart]:
    """A chart of the totals and one of the ranks, of the years that have them."""
    charts = []
    totals = [one for one in years if one.percent is not None]
    if totals:
        charts.append(
            Chart(
                "totals",
                _("Totals over the years"),
                _("The total of each year, in percent of the most that the unit could reach without bonus."),
                _labels(totals),
                [Series(_("Total"), [one.percent for one in totals])],
                ticks=(*_PERCENT, 120) if any((one.percent or 0) > 100 for one in totals) else _PERCENT,  # noqa: PLR2004
            )
        )
    ranks = [one for one in years if one.rank is not None]
    if ranks:
        last = max(max(one.rank or 0, one.units) for one in ranks)
        charts.append(
            Chart(
                "years-ranks",
                _("Ranks over the years"),
                _("The rank of each year; the first stands on top."),
                _labels(ranks),
                [Series(_("rank"), [one.rank for one in ranks])],
                "ranks",
                _ticks(1, last),
            )
        )
    return charts


def _labels(years: Sequence[YearOfUnit]) -> list[str]:
    """The years; where the unit was in two clusters in one year, counted through."""
    seen: dict[int, int] = {}
    labels = []
    for one in years:
        seen[one.year] = seen.get(one.year, 0) + 1
        labels.append(str(one.year) if seen[one.year] == 1 else f"{one.year} ({seen[one.year]})")
    return labels


def _year_of(cycle: VisitedCycle, unit: str) -> YearOfUnit:
    state, rules = cycle.readable_state(), cycle.rules
    results, conclusion = _effective(cycle), state.conclusion
    own = results.get(unit)
    total, most, rank, class_ = None, None, None, None
    if own is not None:
        total = own.total
        most, _bonus = most_possible(rules.criteria, rules.scoring, unit, state.kind_of(unit))
        if cycle.readable.everything:
            rank = own.rank
            class_ = rules.scoring.class_titles.get(own.class_ or "")
    else:
        read_out = [
            (round_, one.total)
            for round_, totals in conclusion.totals.items()
            for one in totals
            if one.unit == unit and isinstance(one.total, Decimal)
        ]
        if read_out:
            round_, total = read_out[-1]
            most = conclusion.scales.get(round_)
    rank = next((one.rank for one in conclusion.ranking if one.unit == unit), rank)
    lifecycle = state.lifecycle
    return YearOfUnit(
        cycle.stream,
        lifecycle.cluster_name,
        lifecycle.year,
        total,
        most,
        rank,
        len(state.membership.members()),
        class_,
    )


def _effective(cycle: VisitedCycle) -> Mapping[str, UnitResult]:
    """The results that count, without the units that are not considered."""
    if not cycle.rules.leaves():
        return {}
    found = calculated_scores(cycle.readable_state(), cycle.rules)
    return {unit: one for unit, one in found.items() if one.excluded is None}


def _mean(results: Sequence[UnitResult], criterion: str) -> Decimal | None:
    points = [one.facts[criterion] for one in results if criterion in one.facts]
    return as_shown(sum(points, Decimal(0)) / len(points), _TWO_PLACES) if points else None


def _percent(points: Decimal | None, most: Decimal | None) -> Decimal | None:
    return None if points is None or not most else as_shown(abs(points) * 100 / most, _TWO_PLACES)


def _ticks(first: int, last: int) -> list[int]:
    """Whole numbers from `first` to `last`, or somewhat beyond it: at most `_MOST_TICKS`."""
    step = next(one for one in _WIDTHS if (last - first) / one < _MOST_TICKS)
    ticks = list(range(first, last + step, step))
    return ticks if len(ticks) > 1 else [first, first + step]
