"""A cluster's scores as a workbook that computes: a summary, a sheet for each unit, and one for ranks and classes.

Caps, sums, totals, ranks and classes are formulas. Each is computed here as a spreadsheet would; where that is not what
the program says (halves that are rounded to the even digit, totals that count as equal), the value stands there with a
note. Points that come from figures, facts that a person states and rulings are values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from application.formula_sheets import FormulaSheet, formula_workbook, program_says
from application.formulas import Cell, Node, Number, call, op, total
from application.score_standing import StandingCells, StandingSheet, UnitCells, below, rounded
from application.visits import VisitedCycle
from domain.rules import Edition
from domain.scoring.calculation import UnitSheet, calculate_scores, table_is_complete
from domain.scoring.criteria import Criterion
from domain.scoring.methods import AllOrNothing, ByHand, ScoreEntry
from domain.scoring.results import CriterionLine, UnitResult
from domain.scoring.scores import sheets_of
from i18n import _
from i18n.columns import headings
from i18n.fields import field_label
from i18n.messages import number, sentence

_FIRST = 4
"""The row of the first criterion or unit, counted from 0."""

_CRITERION, _MOST, _FIGURES, _POINTS, _NOTE = range(5)
"""The columns of a unit's sheet."""


@dataclass(frozen=True, slots=True)
class ScoreBook:
    """What a workbook is made of: the sheets that count, under the edition in force; names of units by id.

    `closed`: some sheets are closed to the reader, so ranks and classes are not given.
    """

    title: str
    rules: Edition
    sheets: Sequence[UnitSheet]
    names: Mapping[str, str]
    closed: bool = False


def book_of(cycle: VisitedCycle) -> ScoreBook:
    """Return the scores that count in a cycle, as far as the visitor may see them."""
    sheets = sheets_of(cycle.readable_state(), cycle.rules) if cycle.rules.leaves() else []
    return ScoreBook(cycle.name, cycle.rules, sheets, cycle.names, not cycle.readable.everything)


def score_workbook(book: ScoreBook) -> bytes:
    """Return a cluster's scores as a workbook (XLSX) in the language in use."""
    results = calculate_scores(book.rules, book.sheets)
    pairs = sorted(
        zip(book.sheets, results, strict=True),
        key=lambda pair: (pair[1].rank is None, pair[1].rank or 0, book.names.get(pair[0].unit, "")),
    )
    used = set[str]()
    summary = FormulaSheet(_("Points of all units"), used)
    standing = FormulaSheet(_("Ranks and classes"), used)
    units = [_UnitSheet(book, sheet, result, used) for sheet, result in pairs]
    whole = table_is_complete(book.rules) and not book.closed
    found = [
        UnitCells(one.sheet, one.result, row, one.total, one.missing, one.floors, one.cells)
        for row, one in enumerate(units, start=_FIRST)
    ]
    ranked = StandingSheet(standing, book.title, book.rules, found).fill() if whole else []
    _fill_summary(summary, book, units, ranked)
    return formula_workbook([summary, *(one.page for one in units), *([standing] if ranked else [])])


def _fill_summary(
    page: FormulaSheet,
    book: ScoreBook,
    units: Sequence[_UnitSheet],
    ranked: Sequence[StandingCells],
) -> None:
    unit, rank = headings(("unit", "rank"))
    heads = (unit, _("base"), _("bonus"), _("penalty"), _("Total"), _("criteria without points"), rank)
    page.head((_("Points of all units"), book.title, book.rules.title), (*heads, _("class"), _("note")))
    for index, one in enumerate(units):
        row, result, notes = _FIRST + index, one.result, list[str]()
        page.put(row, 0, one.name, "head text")
        for column, cell in enumerate((*one.sums, one.total, one.missing), start=1):
            page.put(row, column, cell, "number")
        rank_, class_ = (ranked[index].rank, ranked[index].class_) if ranked else _standing_of(result, book)
        page.put(row, 6, rank_, "number")
        page.put(row, 7, class_, "text")
        if result.unranked is not None and not book.closed:
            notes.append(sentence(result.unranked))
        why = result.class_open or result.class_because
        if why is not None and not book.closed and why.code != "result_incomplete":
            notes.append(sentence(why.code, dict(why.facts)))
        if ranked and ranked[index].note:
            notes.append(ranked[index].note)
        page.put(row, 8, "; ".join(notes))


def _standing_of(result: UnitResult, book: ScoreBook) -> tuple[str, str]:
    """Rank and class where no formula says them: they are closed, or the table itself lacks points."""
    if book.closed:
        return _("closed"), _("closed")
    return "-", book.rules.scoring.class_titles.get(result.class_ or "", "-") if result.class_open is None else "?"


@dataclass
class _UnitSheet:
    """A unit's sheet: criteria with their points, caps and sums as formulas, and the notes beside them."""

    book: ScoreBook
    sheet: UnitSheet
    result: UnitResult
    used: set[str]
    page: FormulaSheet = field(init=False)
    cells: dict[str, Cell] = field(default_factory=dict)
    """By criterion, where its points stand."""
    sums: tuple[Cell, Cell, Cell] = field(init=False)
    total: Cell = field(init=False)
    missing: Node = field(init=False)
    floors: list[Node] = field(default_factory=list)
    """For each criterion with a floor, whether it is below it."""

    def __post_init__(self) -> None:
        self.name = self.book.names.get(self.sheet.unit, self.sheet.unit)
        self.page = FormulaSheet(self.name, self.used)
        self._lines = {line.criterion: line for line in self.result.lines}
        self._entries = {entry.criterion: entry for entry in self.sheet.entries}
        self._row, self._leaves = _FIRST, list[Cell]()
        criterion, most, figures, points = headings(("criterion", "most", "figures", "points"))
        self.page.head(
            (self.name, self.book.title, self.book.rules.title), (criterion, most, figures, points, _("note"))
        )
        parts = [self._walk(top, 0) for top in self.book.rules.criteria]
        self._sum_up({part: [one[part] for one in parts if part in one] for part in ("base", "bonus", "penalty")})
        counted = [call("COUNT", *self._leaves[at : at + 200]) for at in range(0, len(self._leaves), 200)]
        self.missing = op(len(self._leaves), "-", total(counted))

    def _walk(self, node: Criterion, depth: int) -> dict[str, Node]:
        """Write a criterion and those below it; returns the points by part, as `calculate_scores` sums them."""
        line = self._lines.get(node.id)
        if line is None:  # it does not concern the unit
            return {}
        row, look = self._row, "head" if node.children else ""
        self._row += 1
        self.page.put(row, _CRITERION, node.numbered_title, f"{look} text".strip(), min(depth, 8))
        most = self.page.put(row, _MOST, node.max if node.max is not None else "?", f"{look} number".strip())
        if not node.children:
            return {node.part: self._leaf(node, line, row)}
        parts = [self._walk(child, depth + 1) for child in node.children]
        own = {
            part: _combined(node, part, found)
            for part in ("base", "bonus", "penalty")
            if (found := [one[part] for one in parts if part in one])
        }
        points = own.get(node.part, Number(0))
        if node.max is not None:
            points = call("MAX", points, op(0, "-", most)) if node.part == "penalty" else call("MIN", points, most)
        self.page.put(row, _FIGURES, "", "head text")
        cell = self._computed(row, points, line.points or Decimal(0), f"head {_width(line)}", _why(node, line))
        self._keep(node, cell)
        return {**own, node.part: cell}

    def _leaf(self, node: Criterion, line: CriterionLine, row: int) -> Cell:
        entry = self._entries.get(node.id)
        exact = line.exact if line.undetermined is None else None
        cell = self.page.put(row, _POINTS, exact, _width(line))
        by_hand = entry is None or (isinstance(node.way, ByHand) or entry.points is not None)
        note = [] if by_hand or exact is None else [_("computed from the figures")]
        if node.is_exempt(self.sheet.kind):
            note = [_("the unit is exempt from it")]
        self.page.put(row, _FIGURES, "" if entry is None else _figures(node, entry))
        self.page.put(row, _NOTE, "; ".join((*note, *_why(node, line))))
        self._leaves.append(cell)
        self._keep(node, cell)
        return cell

    def _keep(self, node: Criterion, cell: Cell) -> None:
        self.cells[node.id] = cell
        usual = self.book.rules.scoring.rounding
        if node.least_share is not None:
            self.floors += below(node, cell, node.least_share, self.sheet.kind, usual)

    def _computed(self, row: int, formula: Node, expected: Decimal, look: str, notes: Sequence[str] = ()) -> Cell:
        cell, instead = self.page.computed(row, _POINTS, formula, expected, look)
        told = [] if instead is None else [program_says(instead)]
        self.page.put(row, _NOTE, "; ".join((*notes, *told)), "head text")
        return cell

    def _sum_up(self, parts: Mapping[str, Sequence[Node]]) -> None:
        scoring, cells = self.book.rules.scoring, list[Cell]()
        caps = {"bonus": ("MIN", scoring.bonus_cap), "penalty": ("MAX", scoring.penalty_least)}
        expected = {"base": self.result.base, "bonus": self.result.bonus, "penalty": self.result.penalty}
        for part, title in (("base", _("base")), ("bonus", _("bonus")), ("penalty", _("penalty"))):
            row, points = self._row, total(parts[part])
            limit, most = caps.get(part, ("", None))
            self.page.put(row, _CRITERION, title, "head text")
            cap = self.page.put(row, _MOST, most, "head number")
            self.page.put(row, _FIGURES, "", "head text")
            if most is not None:
                points = call(limit, points, cap)
            cells.append(self._computed(row, points, expected[part], "head number"))
            self._row += 1
        self.sums = (cells[0], cells[1], cells[2])
        self.page.put(self._row, _CRITERION, _("Total"), "head text")
        for column in (_MOST, _FIGURES):
            self.page.put(self._row, column, "", "head text")
        points = rounded(call("SUM", *cells), scoring.total_rounding)
        self.total = self._computed(self._row, points, self.result.total, "head number")


def _combined(node: Criterion, part: str, found: Sequence[Node]) -> Node:
    """The points of the children in one part: their sum, or the most of them."""
    if node.take == "sum":
        return total(found)
    if part == "penalty":
        return call("MIN", *found)
    most, least = call("MAX", *found), call("MIN", *found)
    return call("IF", op(most, ">=", op(0, "-", least)), most, least)


def _width(line: CriterionLine) -> str:
    return "number" if line.exact is None or line.exact == line.points else "long"


def _why(node: Criterion, line: CriterionLine) -> list[str]:
    found = []
    if line.undetermined is not None and not node.children:
        facts = {"criterion": node.title, **dict(line.undetermined.facts)}
        found.append(sentence(line.undetermined.code, facts))
    if line.capped_from is not None:
        found.append(_("capped, the parts give {points}").format(points=number(line.capped_from)))
    if line.floor_missed:
        found.append(_("below its floor"))
    return found


def _figures(node: Criterion, entry: ScoreEntry) -> str:
    """The figures of an entry in words; of points by hand, nothing."""
    names = ("actual", "target", "count")
    told = [
        f"{field_label(name).lower()}: {number(value)}" for name in names if (value := getattr(entry, name)) is not None
    ]
    if isinstance(node.way, AllOrNothing) and entry.met is not None:
        met = [one.title for one in node.way.conditions if one.id in entry.met]
        told.append(f"{field_label('met').lower()}: {', '.join(met) or '-'}")
    return "; ".join(told)
