"""The points of a cycle's units side by side, as far as a visitor may see them: for pages and spreadsheets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from application.downloads import Cell, Strong, Table
from application.visits import VisitedCycle
from domain.file_references import with_file_names
from domain.scoring.criteria import Criterion
from domain.scoring.results import UnitResult
from domain.scoring.scores import calculated_scores
from i18n import _
from i18n.columns import headings
from i18n.values import round_title


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Totals of each unit in each round, of the sheets that the reader may see.

    Of each unit: its id, its totals in the order of the rounds, its rank. A total that is not there is None; where
    `closed`, it may be there and closed to the reader.
    """

    results: Mapping[str, Mapping[str, UnitResult]]
    """By round, in the order of the rounds, and by unit."""

    rows: tuple[tuple[str, tuple[Decimal | None, ...], int | None], ...]
    closed: bool

    @property
    def rounds(self) -> tuple[str, ...]:
        """The rounds, in their order."""
        return tuple(self.results)


NO_SCORES = ScoreTable({}, (), closed=False)


def score_table(cycle: VisitedCycle) -> ScoreTable | None:
    """The totals that the visitor may see; None where there is none, or no criterion takes points.

    Ranked units come first, in the order of their ranks.
    """
    state = cycle.readable_state()
    results = results_by_round(cycle)
    if not results:
        return None
    ranks = {ranked.unit: ranked.rank for ranked in state.conclusion.ranking}
    rows = []
    for unit in state.membership.members():
        found = [of_round.get(unit) for of_round in results.values()]
        totals = tuple(None if one is None else one.total for one in found)
        rows.append((unit, totals, ranks.get(unit)))
    rows.sort(key=lambda row: (row[2] is None, row[2] or 0))
    return ScoreTable(results, tuple(rows), not cycle.readable.everything)


def results_by_round(cycle: VisitedCycle) -> Mapping[str, Mapping[str, UnitResult]]:
    """The results by round, in the order of the rounds, and by unit; none where no criterion takes points."""
    state, rules = cycle.readable_state(), cycle.rules
    names = {name for _unit, name in state.scores} if rules.leaves() else set()
    return {name: calculated_scores(state, rules, name) for name in rules.rounds_in_order(names) if name in names}


def criteria_in_order(criteria: Iterable[Criterion], depth: int = 0) -> Iterator[tuple[int, Criterion]]:
    """Criteria with those below them, each with how deep it stands."""
    for node in criteria:
        yield depth, node
        yield from criteria_in_order(node.children, depth + 1)


def reasons_in(cycle: VisitedCycle) -> set[str]:
    """The digests of the reasons that stand on the sheets which the visitor may see."""
    return {item.reason for one in cycle.readable_state().scores.values() for item in one.sheet if item.reason}


def score_tables(cycle: VisitedCycle, texts: Mapping[str, str]) -> tuple[Table, Table]:
    """The totals, and the points by criterion, for a spreadsheet. `texts` has the reasons by digest."""
    found = score_table(cycle) or NO_SCORES
    rounds = tuple(round_title(name, cycle.names) for name in found.rounds)
    gap = _("closed") if found.closed else None
    unit, rank = headings(("unit", "rank"))
    totals = [
        (cycle.names.get(of, of), *(gap if one is None else one for one in cells), place)
        for of, cells, place in found.rows
    ]
    criteria = headings(("unit", "ordinal", "criterion", "level", "most"))
    return (
        Table(_("Points of all units"), (unit, *rounds, rank), totals),
        Table(
            _("Points by criterion"),
            (*criteria, *rounds, *headings(("evidence",))),
            list(_by_criterion(cycle, found.results, texts)),
        ),
    )


def criterion_points(
    cycle: VisitedCycle, results_of: Mapping[str, Mapping[str, UnitResult]]
) -> Iterator[tuple[Cell, ...]]:
    """The points that were given in the rounds, and behind those of each unit its total.

    Unit, number, criterion, level, at most, round, points.
    """
    nodes = list(criteria_in_order(cycle.rules.criteria))
    for name, results in results_of.items():
        title = round_title(name, cycle.names)
        for unit, unit_name in cycle.members():
            if (result := results.get(unit)) is None:
                continue
            lines = {line.criterion: line.points for line in result.lines}
            given = [(depth, node, points) for depth, node in nodes if (points := lines.get(node.id)) is not None]
            yield from ((unit_name, *_criterion(depth, node), title, points) for depth, node, points in given)
            if given:
                yield (unit_name, *_total(), title, result.total)


def _criterion(depth: int, node: Criterion) -> tuple[Cell, ...]:
    """Number, title, level and maximum. What has criteria below it is bold, and told apart by its level."""
    level = _("group, level {number}") if node.children else _("criterion, level {number}")
    title = Strong(node.title) if node.children else node.title
    return node.number, title, level.format(number=depth + 1), node.max


def _total() -> tuple[Cell, ...]:
    return None, Strong(_("Total")), _("total"), None


def _by_criterion(
    cycle: VisitedCycle, results: Mapping[str, Mapping[str, UnitResult]], texts: Mapping[str, str]
) -> Iterator[tuple[Cell, ...]]:
    state, rounds = cycle.readable_state(), tuple(results)
    for unit, name in cycle.members():
        lines: dict[str, dict[str, Decimal | None]] = {
            of: {line.criterion: line.points for line in results[of][unit].lines}
            for of in rounds
            if unit in results[of]
        }
        if not lines:
            continue
        entries = [(of, item) for of in rounds if (unit, of) in state.scores for item in state.scores[unit, of].sheet]
        for depth, node in criteria_in_order(cycle.rules.criteria):
            told = [
                text
                for of, item in entries
                if item.criterion == node.id
                for text in (
                    *(with_file_names(one) for one in item.evidence),
                    *([f"{round_title(of, cycle.names)}: {texts.get(item.reason, '…')}"] if item.reason else []),
                )
            ]
            points = (lines.get(of, {}).get(node.id) for of in rounds)
            yield (name, *_criterion(depth, node), *points, "\n".join(told))
        totals = (results[of][unit].total if unit in results[of] else None for of in rounds)
        yield (name, *_total(), *totals, None)
