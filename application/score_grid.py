"""A round's score sheets of several units as one grid: who scores whom, what was typed so far, what follows from it.

Totals, classes and ranks are the law's own (`domain.scoring`). Nothing is read that is closed to the visitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial
from itertools import takewhile
from typing import Any

from application.kept import KeptValues
from application.permitted_acts import allowed_acts, year_takes
from application.score_sheets import item_as_typed, titled
from application.typed_sheets import EVIDENCE, REASON, TypedSheet, figures_of, typed_sheet
from application.visits import ForbiddenError, VisitedCycle
from domain.duties import Duty
from domain.obligations import cross_checkers
from domain.records import Command, Refused
from domain.rules import USUAL_ROUNDS
from domain.scoring.calculation import (
    CalculationRules,
    UnitSheet,
    calculate_scores,
    refused_entries,
    result_of_unit,
)
from domain.scoring.criteria import Criterion
from domain.scoring.methods import BestInCluster
from domain.scoring.results import UnitResult
from domain.scoring.scores import (
    SelfScored,
    SheetItem,
    act_of_round,
    calculated_scores,
    compared_items,
    differing,
    sheet_of,
)
from errors import NotFoundError
from i18n import _, language
from i18n.messages import sentence, typed_number
from i18n.values import round_title

_TOTALS = KeptValues[Any, Mapping[str, Decimal]](200)
"""Totals of recorded rounds, which stay until something is recorded: the key has the last event, and who reads."""


_Result = tuple[UnitSheet, Mapping[str, BestInCluster], UnitResult]

_RESULTS = KeptValues[Any, _Result](2_000)
"""Results of units, each with the sheet that it follows from: of those of a grid one has changed at a time."""

_BEFORE = KeptValues[Any, Mapping[tuple[str, str], str]](200)
"""What stands below the cells of a grid, as `_TOTALS`."""


def grid_rounds(cycle: VisitedCycle) -> tuple[str, ...]:
    """Return the rounds in which the visitor scores somebody, in their order."""
    if not cycle.rules.leaves():
        return ()
    own = allowed_acts(cycle)
    declared = [rule.id for rule in cycle.rules.rounds] or list(USUAL_ROUNDS)
    return tuple(one for one in declared if act_of_round(one) in own and _scored_units(cycle, one))


def _scored_units(cycle: VisitedCycle, round_: str) -> tuple[str, ...]:
    """The members that the visitor's unit scores in a round, where it may enter the round's act."""
    unit, members = cycle.visitor.unit, cycle.state.membership.members()
    if round_ == "self":
        return (unit,) if unit in members else ()
    if round_ == "cross-checked":
        checked = cross_checkers(cycle.state, cycle.rules)
        return tuple(one for one in members if checked.get(one) == unit)
    return tuple(members)


def grid_of(cycle: VisitedCycle, round_: str) -> ScoreGrid:
    """Return the grid of a round for the visitor.

    Raises:
        NotFoundError: the edition has no such round.
        ForbiddenError: the visitor scores no unit in it.
    """
    if not cycle.rules.has_round(round_):
        raise NotFoundError("page_not_found")
    if round_ not in grid_rounds(cycle):
        raise ForbiddenError("not_yours_to_say")
    return ScoreGrid(cycle, round_, _scored_units(cycle, round_), cycle.rules.leaves_of_round(round_))


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """What follows from a unit's sheet as it stands. Figures that are not determined yet are None.

    `problems` are sentences by cell; `missing` are criteria without an entry, `unexplained` those whose change still
    needs a reason. `ready`: the sheet can be entered into the register.
    """

    unit: str
    filled: int
    of: int
    total: Decimal | None
    complete: bool
    rank: int | None
    class_: str
    spread: Decimal | None
    problems: Mapping[str, str]
    missing: tuple[str, ...]
    differing: tuple[str, ...]
    unexplained: tuple[str, ...]
    without_evidence: tuple[str, ...]
    ready: bool


@dataclass(frozen=True)
class ScoreGrid:
    """Units by criteria of one round, as a visitor fills them in. A cell's path is `unit.criterion.figure`."""

    cycle: VisitedCycle
    round: str
    units: tuple[str, ...]
    criteria: tuple[Criterion, ...]

    @property
    def act(self) -> type[Command]:
        """The act by which a unit's sheet is entered."""
        return act_of_round(self.round)

    @property
    def columns(self) -> tuple[tuple[Criterion, str], ...]:
        """The columns: each criterion with a figure that is typed for it."""
        return tuple((one, figure) for one in self.criteria for figure in figures_of(one))

    @cached_property
    def index_of(self) -> Mapping[str, int]:
        """The index of each criterion by its id."""
        return {one.id: index for index, one in enumerate(self.criteria)}

    @cached_property
    def is_whole(self) -> bool:
        """Whether all members are scored: only then ranks and classes can be told."""
        return len(self.units) > 1 and self.units == tuple(self.cycle.state.membership.members())

    @property
    def reads_earlier(self) -> bool:
        """Whether the visitor reads all earlier rounds: who does not is not told which values differ from them."""
        organiser = self.cycle.visitor.unit == self.cycle.state.lifecycle.organiser
        return organiser or self.round in {"self", "cross-checked"}

    @property
    def closed(self) -> Duty | None:
        """The duty that is closed, where the visitor's unit can no longer do it here."""
        duty, lifecycle = self.act.CLOSED_BY, self.cycle.state.lifecycle
        is_own = self.cycle.visitor.unit != lifecycle.organiser
        return duty if is_own and duty in lifecycle.closed else None

    @property
    def takes_entries(self) -> bool:
        """Whether the register takes sheets of this round: neither the duty is closed nor the year filed."""
        return self.closed is None and year_takes(self.cycle, self.act)

    @property
    def needs_all(self) -> bool:
        """Whether a sheet needs an entry for each criterion; a round of the edition can score some of them."""
        return self.round in USUAL_ROUNDS

    def of_unit(self, unit: str) -> tuple[Criterion, ...]:
        """The criteria that take an entry for a unit."""
        return self._asked[unit]

    @cached_property
    def _asked(self) -> Mapping[str, tuple[Criterion, ...]]:
        kinds, found = self.cycle.readable_state().kind_of, dict[str, tuple[Criterion, ...]]()
        for unit in self.units:
            kind = kinds(unit)
            found[unit] = tuple(one for one in self.criteria if one.is_asked_of(unit, kind))
        return found

    @cached_property
    def paths(self) -> frozenset[str]:
        """The paths of all cells."""
        return frozenset(
            f"{unit}.{one.id}.{name}"
            for unit in self.units
            for one in self.of_unit(unit)
            for name in (*figures_of(one), EVIDENCE, REASON)
        )

    def first_path(self, unit: str, criterion: str) -> str:
        """The path of the first figure of a criterion."""
        index = self.index_of.get(criterion)
        figure = "points" if index is None else figures_of(self.criteria[index])[0]
        return f"{unit}.{criterion}.{figure}"

    def where(self, path: str) -> str:
        """A cell in words: unit and criterion."""
        unit, criterion, _figure = path.split(".")
        return f"{self.cycle.names.get(unit, unit)}, {self.title_of(criterion)}"

    def title_of(self, criterion: str) -> str:
        """The title of a criterion."""
        return self.criteria[self.index_of[criterion]].title

    # What stands in the register ----------------------------------------------------------------------------------

    @cached_property
    def before(self) -> Mapping[str, tuple[str, ...]]:
        """By unit the earlier rounds that the visitor may read, in their order."""
        scores, rules = self.cycle.readable_state().scores, self.cycle.rules
        in_order = {
            unit: rules.rounds_in_order(name for of, name in scores if of == unit or name == self.round)
            for unit in self.units
        }
        return {
            unit: tuple(
                name
                for name in takewhile(lambda one: one != self.round, rounds)
                if (unit, name) in scores and scores[unit, name].sheet
            )
            for unit, rounds in in_order.items()
        }

    def item_before(self, unit: str, round_: str, criterion: str) -> SheetItem | None:
        """What an earlier round says of a unit's criterion, as far as the visitor may read it."""
        return self._items_before.get((unit, round_), {}).get(criterion)

    @cached_property
    def told_before(self) -> Mapping[tuple[str, str], str]:
        """The figures of the earlier rounds as they stand below a cell, by unit and criterion."""

        def tell() -> Mapping[tuple[str, str], str]:
            return {
                (unit, one.id): " · ".join(points_before(self.item_before(unit, name, one.id)) for name in names)
                for unit, names in self.before.items()
                for one in self.criteria
            }

        cycle = self.cycle
        key = (cycle.history[-1][0].digest, cycle.visitor.unit, cycle.readers, self.round, self.units, language())
        return _BEFORE.of(key, tell)

    @cached_property
    def _items_before(self) -> Mapping[tuple[str, str], Mapping[str, SheetItem]]:
        scores = self.cycle.readable_state().scores
        return {
            (unit, name): {item.criterion: item for item in scores[unit, name].sheet}
            for unit, names in self.before.items()
            for name in names
        }

    @cached_property
    def totals_before(self) -> Mapping[str, Mapping[str, Decimal]]:
        """The totals of the earlier rounds, by round and unit."""
        cycle, rounds = self.cycle, dict.fromkeys(name for names in self.before.values() for name in names)
        last = cycle.history[-1][0]

        def totals(name: str) -> Mapping[str, Decimal]:
            results = calculated_scores(cycle.readable_state(), cycle.rules, name)
            return {unit: one.total for unit, one in results.items()}

        seen_by = (last.digest, cycle.visitor.unit, cycle.readers)
        return {name: _TOTALS.of((*seen_by, name), partial(totals, name)) for name in rounds}

    def recorded(self, texts: Mapping[str, str]) -> dict[str, str]:
        """The cells of sheets of this round that stand in the register; `texts` has the reasons by digest."""
        found: dict[str, str] = {}
        for unit in self.units:
            scored = self.cycle.readable_state().scores.get((unit, self.round))
            for item in scored.sheet if scored is not None else ():
                values = _as_cells(item)
                if item.reason is not None:
                    values[REASON] = texts.get(item.reason, "")
                found.update({f"{unit}.{item.criterion}.{name}": value for name, value in values.items()})
        return {path: value for path, value in found.items() if path in self.paths}

    @property
    def own_reasons(self) -> set[str]:
        """The digests of the reasons on the sheets of this round."""
        scores = self.cycle.readable_state().scores
        sheets = (scores[unit, self.round].sheet for unit in self.units if (unit, self.round) in scores)
        return {item.reason for sheet in sheets for item in sheet if item.reason}

    @cached_property
    def _compared(self) -> Mapping[str, tuple[SheetItem, ...]]:
        state, rules = self.cycle.readable_state(), self.cycle.rules
        return {unit: compared_items(unit, self.round, state, rules) for unit in self.units}

    def withdrawn(self, unit: str) -> tuple[int, tuple[SheetItem, ...]]:
        """The unit's own sheet that it has withdrawn and not handed in anew, with its version; 0 and () for none."""
        if self.round != "self" or (unit, self.round) in self.cycle.readable_state().scores:
            return 0, ()
        own = [
            (meta.version, event.sheet)
            for event, meta in self.cycle.background.withdrawn.values()
            if isinstance(event, SelfScored) and event.unit == unit
        ]
        return max(own, default=(0, ()), key=lambda pair: pair[0])

    def has_proposals(self, unit: str) -> bool:
        """Whether earlier rounds propose anything for a unit."""
        return bool(self._compared[unit])

    def proposed(self, unit: str) -> dict[str, str]:
        """The cells that the earlier rounds propose for a unit, or its withdrawn sheet, as they would be typed."""
        _version, withdrawn = self.withdrawn(unit)
        return {
            path: value
            for item in withdrawn or self._compared[unit]
            for name, value in _as_cells(item).items()
            if (name != EVIDENCE or withdrawn) and (path := f"{unit}.{item.criterion}.{name}") in self.paths
        }

    # What follows from what was typed -----------------------------------------------------------------------------

    def typed(self, values: Mapping[str, str]) -> dict[str, TypedSheet]:
        """The sheets as they were typed, by unit; `values` are the cells."""
        return {unit: typed_sheet(unit, self.of_unit(unit), self.cycle.rules, values) for unit in self.units}

    def figures(self, typed: Mapping[str, TypedSheet], touched: Iterable[str]) -> dict[str, UnitFigures]:
        """What follows from the sheets, by unit; `touched` are the units that have something to enter."""
        results, changed = self._results(typed), set(touched)
        return {unit: self._figures(unit, one, results.get(unit), unit in changed) for unit, one in typed.items()}

    def _results(self, typed: Mapping[str, TypedSheet]) -> dict[str, UnitResult]:
        """The results of all units together; a figure that cannot be used takes no total of the others away."""
        try:
            return self._calculated({unit: one.items for unit, one in typed.items() if one.items})
        except Refused:
            for unit, one in typed.items():
                self._leave_out_unusable(unit, one)
        return self._calculated({unit: one.items for unit, one in typed.items() if one.items})

    def _calculated(self, items: Mapping[str, tuple[SheetItem, ...]]) -> dict[str, UnitResult]:
        state = self.cycle.readable_state()
        sheets: Sequence[UnitSheet] = [sheet_of(unit, found, state) for unit, found in items.items()]
        return {one.unit: one for one in calculate_scores(self.cycle.rules, sheets, self._kept_result)}

    def _kept_result(
        self, table: CalculationRules, sheet: UnitSheet, best: Mapping[str, BestInCluster], *, whole: bool
    ) -> UnitResult:
        """A unit's result, calculated where its sheet, the rules or the best of the cluster are others by now."""
        key = (self.cycle.stream, self.cycle.history[-1][0].digest, self.cycle.readers, self.round, sheet.unit)
        if (kept := _RESULTS.get(key)) is not None and kept[:2] == (sheet, best):
            return kept[2]
        return _RESULTS.put(key, (sheet, best, result_of_unit(table, sheet, best, whole=whole)))[2]

    def _leave_out_unusable(self, unit: str, typed: TypedSheet) -> None:
        refused = refused_entries(self.cycle.rules, sheet_of(unit, typed.items, self.cycle.readable_state()))
        for criterion, error in refused.items():
            text = sentence(error.code, titled(error.facts, self.cycle.rules))
            typed.problems[self.first_path(unit, criterion)] = self._at_its_cell(criterion, text)
        typed.items = tuple(one for one in typed.items if one.criterion not in refused)

    def _at_its_cell(self, criterion: str, text: str) -> str:
        """A sentence about a criterion without its title, which the cell has."""
        rest = text.removeprefix(f"{self.title_of(criterion)}: ") if criterion in self.index_of else text
        return rest[:1].upper() + rest[1:]

    def _figures(self, unit: str, typed: TypedSheet, result: UnitResult | None, touched: bool) -> UnitFigures:
        problems, asked = dict(typed.problems), self.of_unit(unit)
        base = [one.id for one in asked if one.part == "base"]
        missing = tuple(one for one in base if one not in typed.rows)
        for line in result.lines if result is not None else ():
            open_ = line.undetermined
            if open_ is not None and open_.code == "figure_missing" and line.criterion in typed.rows:
                path = f"{unit}.{line.criterion}.{dict(open_.facts)['figure']}"
                text = sentence(open_.code, {**dict(open_.facts), "criterion": line.title})
                problems.setdefault(path, self._at_its_cell(line.criterion, text))
        changed = self._changed(unit, typed)
        unexplained = tuple(one for one in changed if self.reads_earlier and REASON not in typed.rows[one])
        is_complete = result is not None and result.complete and not missing and not problems
        owed = missing if self.needs_all else ()
        return UnitFigures(
            unit,
            filled=sum(one in typed.rows for one in base),
            of=len(base),
            total=None if result is None else result.total,
            complete=is_complete,
            rank=result.rank if result is not None and is_complete and self.is_whole else None,
            class_=self._class(result) if result is not None and is_complete and self.is_whole else "",
            spread=self._spread(unit, result if is_complete else None),
            problems=problems,
            missing=missing,
            differing=changed,
            unexplained=unexplained,
            without_evidence=tuple(one for one in typed.rows if not self._has_evidence(unit, one, typed.rows[one])),
            ready=touched and bool(typed.rows) and not (owed or problems or unexplained),
        )

    def _changed(self, unit: str, typed: TypedSheet) -> tuple[str, ...]:
        """The criteria whose value differs from what it is compared with; all, where that is closed to the visitor."""
        if not self.reads_earlier:
            return tuple(typed.rows)
        earlier = self._compared[unit]
        known = {item.criterion for item in earlier}
        # A round of the edition can score what no earlier one has: that is no change.
        return tuple(
            one.criterion for one in differing(typed.items, earlier) if self.needs_all or one.criterion in known
        )

    def _class(self, result: UnitResult) -> str:
        if result.class_open is not None:
            return _("undetermined")
        return self.cycle.rules.scoring.class_titles.get(result.class_ or "", "")

    def _spread(self, unit: str, result: UnitResult | None) -> Decimal | None:
        """How far the totals of this round and the earlier ones lie apart; None where there is one only."""
        totals = [of_round[unit] for of_round in self.totals_before.values() if unit in of_round]
        totals += [] if result is None else [result.total]
        return max(totals) - min(totals) if len(totals) > 1 else None

    def _has_evidence(self, unit: str, criterion: str, row: Mapping[str, Any]) -> bool:
        """Whether the unit's own evidence, or that of this sheet, is there."""
        before = (self.item_before(unit, name, criterion) for name in self.before[unit])
        return EVIDENCE in row or any(item is not None and item.evidence for item in before)

    def round_name(self, round_: str = "") -> str:
        """The title of a round; of this one, where none is named."""
        return round_title(round_ or self.round, self.cycle.names)


def unit_of(path: str) -> str:
    """The unit of a cell's path."""
    return path.partition(".")[0]


def _as_cells(item: SheetItem) -> dict[str, str]:
    """An entry of the register as the cells would be typed."""
    values = {name: value for name, value in item_as_typed(item).items() if name != "criterion"}
    lists = {name: "\n".join(value) for name, value in values.items() if isinstance(value, list)}
    return {name: lists.get(name, str(value)) for name, value in values.items() if value != []}


def points_before(item: SheetItem | None) -> str:
    """The figure of an earlier round, as people write it; "-" where there is none."""
    figures = item.figures if item is not None else ()
    return next((typed_number(one) for one in figures if isinstance(one, Decimal)), "-")
