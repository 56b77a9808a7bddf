"""The sheet of a cluster's workbook that computes ranks and classes, column by column, as `domain.scoring.standing`.

A column for each thing that they depend on, and one for each class, from the best one down: it carries on what was
settled before, so the last one holds each unit's class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from application.formula_sheets import FormulaSheet, program_says
from application.formulas import Cell, Node, Number, Phrase, Range, Value, call, joined, op
from domain import limits
from domain.rules import Edition
from domain.scoring.calculation import UnitSheet
from domain.scoring.classes import ClassCondition, ScoreClass, places_of
from domain.scoring.criteria import Criterion
from domain.scoring.methods import Rounding, as_shown
from domain.scoring.remarks import most_possible
from domain.scoring.results import UnitResult
from domain.titles import title_key, titles_of_rules
from i18n import _
from i18n.columns import headings
from i18n.messages import number

NO_CLASS, OPEN_CLASS, _FITS = "-", "?", "+"
"""What stands for a class that there is none, that is open, and that the unit fits while places are counted."""

_CLEAN = 10
"""Decimals to which sums are rounded before anything is decided by them: what binary fractions leave behind goes."""


@dataclass(frozen=True, slots=True)
class UnitCells:
    """A unit, the row of its line, and what stands in its own sheet: total, criteria without points, floors, points."""

    sheet: UnitSheet
    result: UnitResult
    row: int
    total: Cell
    missing: Node
    floors: Sequence[Node]
    points: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class StandingCells:
    """Where a unit's rank and class stand, and the note on those that are no formulas."""

    rank: Node
    class_: Node | str
    note: str


def rounded(part: Node, rounding: Rounding | None) -> Node:
    """Return a part of a formula rounded as points are shown (`as_shown`)."""
    how = rounding or Rounding(places=limits.POINTS_DECIMALS)
    name = {"half-up": "ROUND", "half-even": "ROUND", "down": "ROUNDDOWN", "up": "ROUNDUP"}[how.mode]
    clean = call("ROUND", part, _CLEAN)
    if how.step is None:
        return call(name, clean, how.places)
    steps = call(name, call("ROUND", op(clean, "/", how.step), _CLEAN), 0)
    return call("ROUND", op(steps, "*", how.step), _CLEAN)


def below(node: Criterion, cell: Node, share: Decimal | str, kind: str | None, usual: Rounding | None) -> list[Node]:
    """Return whether the points in a cell are below a share of their maximum; nothing where they cannot be."""
    if node.max is None or node.is_exempt(kind):
        return []
    asked, rounding = Fraction(share) * Fraction(node.max), node.rounding or usual
    least = as_shown(Decimal(asked.numerator) / asked.denominator, rounding)
    return [op(rounded(cell, rounding), "<", least)]


@dataclass
class StandingSheet:
    """The sheet as it grows, for the units in the order of their lines."""

    page: FormulaSheet
    title: str
    rules: Edition
    units: Sequence[UnitCells]
    _headings: list[str] = field(default_factory=list)

    def fill(self) -> list[StandingCells]:
        """Write the sheet; returns what the summary shows, in the order of the units."""
        # The name of a unit is that of its sheet.
        self._column(headings(("unit",))[0], [one.total.sheet for one in self.units])
        considered = self._column(_("considered"), [float(one.result.excluded is None) for one in self.units])
        ranked = self._column(
            _("ranked"),
            [
                call("IF", call("AND", op(there, "=", 1), op(one.missing, "=", 0)), 1, 0)
                for there, one in zip(considered, self.units, strict=True)
            ],
        )
        totals = self._column(_("Total"), [one.total for one in self.units])
        ranks, notes = self._ranks(ranked, totals)
        classes = self._classes(considered, totals, ranks) if self.rules.scoring.classes else None
        self.page.head((self.page.wanted, self.title, self.rules.title), self._headings)
        found = []
        for index, note in enumerate(notes):
            class_, instead = (NO_CLASS, None) if classes is None else classes[index]
            told = [note] if note else []
            told += [f"{_('class')}: {program_says(instead)}"] if instead is not None else []
            found.append(StandingCells(ranks[index], class_, "; ".join(told)))
        return found

    def _column(self, heading: str, contents: Sequence[Value | Decimal | Node]) -> list[Cell]:
        column = len(self._headings)
        self._headings.append(heading)
        look = "text" if column == 0 else "number"
        return [
            self.page.put(one.row, column, content, look) for one, content in zip(self.units, contents, strict=True)
        ]

    def _checked(
        self, heading: str, formulas: Sequence[Node], expected: Sequence[Decimal | str]
    ) -> tuple[list[Cell], list[Value]]:
        """A column of formulas whose results are known; what they give otherwise stands beside, None for the others."""
        column = len(self._headings)
        self._headings.append(heading)
        found = [
            self.page.computed(one.row, column, formula, right)
            for one, formula, right in zip(self.units, formulas, expected, strict=True)
        ]
        return [cell for cell, _instead in found], [instead for _cell, instead in found]

    # Ranks --------------------------------------------------------------------------------

    def _ranks(self, ranked: Sequence[Cell], totals: Sequence[Cell]) -> tuple[list[Cell], list[str]]:
        """A unit's rank is one more than the ranked units that are ahead of it."""
        titles, scoring = titles_of_rules(self.rules), self.rules.scoring
        compared = [totals]
        for criterion in scoring.ties_by:
            cells = [one.points.get(criterion) for one in self.units]
            points: list[Node] = [Number(0) if cell is None else rounded(cell, None) for cell in cells]
            compared.append(self._column(titles.get(title_key("criterion", criterion), criterion), points))
        formulas = []
        for index, own in enumerate(ranked):
            ahead: Node | None = None
            for column in reversed(compared):
                more, same = op(Range(column), ">", column[index]), op(Range(column), "=", column[index])
                ahead = more if ahead is None else op(more, "+", op(same, "*", ahead))
            counted = call("SUMPRODUCT", op(Range(ranked), "*", ahead or Number(0)))
            formulas.append(call("IF", op(own, "=", 1), op(1, "+", counted), NO_CLASS))
        expected = [NO_CLASS if one.result.rank is None else Decimal(one.result.rank) for one in self.units]
        (rank,) = headings(("rank",))
        cells_, instead = self._checked(rank, formulas, expected)
        return cells_, ["" if one is None else f"{rank}: {program_says(one)}{self._tolerance()}" for one in instead]

    def _tolerance(self) -> str:
        tolerance = self.rules.scoring.tie_tolerance
        if not tolerance:
            return ""
        return " (" + _("totals that differ by {points} at most count as equal").format(points=number(tolerance)) + ")"

    # Classes ------------------------------------------------------------------------------

    def _classes(
        self, considered: Sequence[Cell], totals: Sequence[Cell], ranks: Sequence[Cell]
    ) -> list[tuple[Node, Value]]:
        scoring = self.rules.scoring
        values = list(totals) if scoring.classes_of == "points" else self._percents(totals)
        passed = self._passed(totals) if any(one.passed for one in scoring.classes) else []
        conditions = [(one, self._condition(one)) for one in scoring.class_conditions]
        open_ = self._open()
        settled = self._column(
            _("without a total"),
            [
                call("IF", op(there, "=", 0), NO_CLASS, call("IF", op(one.missing, ">", 0), open_[index], ""))
                for index, (there, one) in enumerate(zip(considered, self.units, strict=True))
            ],
        )
        for number_, class_ in enumerate(scoring.classes):
            fitting = [
                self._fits(
                    number_, class_, values[index], passed[index] if passed else Number(0), conditions, index, open_
                )
                for index in range(len(self.units))
            ]
            column = [
                call("IF", op(before, "<>", ""), before, fits) for before, fits in zip(settled, fitting, strict=True)
            ]
            if class_.share is None:
                settled = self._column(class_.title, column)
            else:
                settled = self._shared(class_, settled, column, ranks, open_)
        titles = scoring.class_titles
        ends = [call("IF", op(one, "<>", ""), one, self._outside(values[n], open_[n])) for n, one in enumerate(settled)]
        expected = [
            titles.get(one.result.class_ or "", NO_CLASS) if one.result.class_open is None else OPEN_CLASS
            for one in self.units
        ]
        cells, instead = self._checked(_("class"), ends, expected)
        return list(zip(cells, instead, strict=True))

    def _percents(self, totals: Sequence[Cell]) -> list[Cell]:
        scoring, found = self.rules.scoring, list[Node]()
        for cell, one in zip(totals, self.units, strict=True):
            most, _bonus = most_possible(self.rules.criteria, scoring, one.sheet.unit, one.sheet.kind)
            percent = rounded(op(op(cell, "*", 100), "/", most), scoring.total_rounding) if most else Number(0)
            found.append(percent)
        return self._column(_("percent of what the unit can reach"), found)

    def _passed(self, totals: Sequence[Cell]) -> list[Cell]:
        found = list[Node]()
        for cell, one in zip(totals, self.units, strict=True):
            floors = op(joined("+", one.floors), "=", 0) if one.floors else op(0, "=", 0)
            mark = one.result.pass_mark
            reached = Number(0) if mark is None else op(cell, ">=", mark)
            found.append(call("IF", call("AND", floors, op(one.missing, "=", 0), reached), 1, 0))
        return self._column(_("pass mark and floors reached"), found)

    def _condition(self, one: ClassCondition) -> list[Cell]:
        """Whether each unit fulfils a condition: 1, 0, or "?" where no unit has said it."""
        if one.fact is not None:
            title = next(fact.title for fact in self.rules.scoring.facts if fact.id == one.fact)
            stated = [unit.sheet.facts.get(one.fact) for unit in self.units]
            contents: list[Value] = [OPEN_CLASS if fact is None else float(fact is one.holds) for fact in stated]
            heading = _("{fact}: as a person states it").format(fact=title)
            return self._column(heading, contents)
        found, usual = list[Node](), self.rules.scoring.rounding
        for unit in self.units:
            short = [
                part
                for node in self.rules.criteria
                if node.part == "base" and node.id in unit.points
                for part in below(node, unit.points[node.id], one.each_share or Decimal(0), unit.sheet.kind, usual)
            ]
            found.append(call("IF", op(joined("+", short), ">", 0), 0, 1) if short else Number(1))
        return self._column(_("each criterion has {share} of its maximum").format(share=one.each_share), found)

    def _open(self) -> list[Node]:
        """What a unit gets whose class is open: that of a ruling, where there is one."""
        titles = self.rules.scoring.class_titles
        ruled = [None if one.sheet.ruled_class is None else titles.get(one.sheet.ruled_class) for one in self.units]
        if not any(ruled):
            return [Phrase(OPEN_CLASS)] * len(self.units)
        cells = self._column(_("class by a ruling"), ruled)
        return [call("IF", op(cell, "<>", ""), cell, OPEN_CLASS) for cell in cells]

    def _fits(
        self,
        at: int,
        class_: ScoreClass,
        value: Node,
        passed: Node,
        conditions: Sequence[tuple[ClassCondition, Sequence[Cell]]],
        index: int,
        open_: Sequence[Node],
    ) -> Node:
        """What a class makes of a unit without one: the class, a lower one, an open one, or nothing."""
        classes = self.rules.scoring.classes
        lower = classes[at + 1].title if at + 1 < len(classes) else NO_CLASS
        found: Node = Phrase(class_.title if class_.share is None else _FITS)
        for condition, cells in reversed(conditions):
            if condition.classes and class_.id not in condition.classes:
                continue
            missed = NO_CLASS if condition.otherwise == "none" else lower if class_.share is None else ""
            found = call("IF", op(cells[index], "=", 0), missed, found)
            if condition.fact is not None:
                found = call("IF", op(cells[index], "=", OPEN_CLASS), open_[index], found)
        asked: list[Node] = [op(passed, "=", 1)] if class_.passed else []
        asked += [op(value, ">=", class_.least)] if class_.least is not None else []
        asked += [op(value, "<=", class_.most)] if class_.most is not None else []
        asked += [op(value, "<", class_.under)] if class_.under is not None else []
        return call("IF", call("AND", *asked), found, "") if asked else found

    def _shared(
        self,
        class_: ScoreClass,
        before: Sequence[Cell],
        fitting: Sequence[Node],
        ranks: Sequence[Cell],
        open_: Sequence[Node],
    ) -> list[Cell]:
        """The columns of a class for a share of the units: who fits, how many places there are, who gets one."""
        fits = self._column(_("{name}: fits").format(name=class_.title), fitting)
        places = self._places(class_, before, fits)
        marked, found = op(Range(fits), "=", _FITS), list[Node]()
        for index, rank in enumerate(ranks):
            upto = call("SUMPRODUCT", op(marked, "*", op(Range(ranks), "<=", rank)))
            better = call("SUMPRODUCT", op(marked, "*", op(Range(ranks), "<", rank)))
            cut = call("IF", op(better, "<", places[index]), open_[index], "")
            given = call("IF", op(upto, "<=", places[index]), class_.title, cut)
            found.append(call("IF", op(fits[index], "=", _FITS), given, fits[index]))
        return self._column(class_.title, found)

    def _places(self, class_: ScoreClass, before: Sequence[Cell], fits: Sequence[Cell]) -> list[Cell]:
        share, counts = class_.share or Decimal(0), {"all": len(self.units)}
        counts["considered"] = sum(one.result.excluded is None for one in self.units)
        if class_.share_of in counts:
            places: Node = Number(places_of(share, counts[class_.share_of], class_.share_rounding))
        else:
            exact, left = Fraction(share), call("SUMPRODUCT", op(op(Range(before), "=", ""), "*", 1))
            part: Node = call("ROUND", op(op(left, "*", exact.numerator), "/", exact.denominator), _CLEAN)
            if class_.share_rounding == "half-up":
                part = op(part, "+", Decimal("0.5"))
            places = call("ROUNDUP" if class_.share_rounding == "up" else "ROUNDDOWN", part, 0)
        if class_.from_top:
            others = [op(Range(fits), "<>", one) for one in ("", NO_CLASS, OPEN_CLASS, _FITS)]
            places = op(places, "-", call("SUMPRODUCT", joined("*", others)))
        return self._column(_("{name}: places").format(name=class_.title), [places] * len(self.units))

    def _outside(self, value: Node, open_: Node) -> Node:
        """What a unit gets that no class took: an open class where it lies above one, none below all of them."""
        ends: list[Node] = [op(value, ">", one.most) for one in self.rules.scoring.classes if one.most is not None]
        ends += [op(value, ">=", one.under) for one in self.rules.scoring.classes if one.under is not None]
        return call("IF", call("OR", *ends), open_, NO_CLASS) if ends else Phrase(NO_CLASS)
