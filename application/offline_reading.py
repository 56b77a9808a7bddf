"""Reads a score sheet that was filled in offline: what a form would hold, and what its person must mend, by cell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from xlsxwriter.utility import xl_rowcol_to_cell

from application.offline_sheets import LABELS, TEXTS, TYPED_FIGURES, facts_of
from application.score_sheets import Sheet, SheetRow, titled, typed_item
from application.tables import LONG_CHARS, Rows
from application.visits import VisitedCycle
from domain.numbers import whole_number
from domain.problems import first_problem
from domain.scoring.calculation import refused_entries
from domain.scoring.methods import AllOrNothing
from domain.scoring.scores import sheet_of as unit_sheet
from errors import InputError
from i18n import LANGUAGES, _, in_language
from i18n.columns import COLUMNS
from i18n.fields import field_label
from i18n.messages import problem_in_words, sentence
from i18n.sorting import folded

_MOST_NAMED = 3
"""Criteria that are named where some are missing."""

_HEAD_ROWS = 30
"""The headings are looked for in so many rows."""

_YES, _NO = frozenset({"x", "co", "1", "yes", "✓", "v", "dat"}), frozenset({"", "0", "khong", "no", "-"})
"""What says that a condition is met, and that it is not."""


@dataclass
class OfflineEntries:
    """What a file holds: the values of each row by the row's number; what its person must mend, and may want to know.

    Nothing of it is used while there are `faults`.
    """

    values: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: list[InputError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_offline_sheet(cycle: VisitedCycle, sheet: Sheet, rows: Rows) -> OfflineEntries:
    """Return what the rows of a file hold for the sheet of a form.

    Raises:
        InputError: `sheet_not_ours`; `sheet_of_another`, `sheet_of_other_rules`: it belongs to another form.
    """
    found = _headings(rows)
    if found is None:
        raise InputError("sheet_not_ours")
    heading, columns = found
    _require_ours(rows[:heading], facts_of(cycle, sheet))
    return _Reading(cycle, sheet, columns).read(rows, heading + 1)


def _headings(rows: Rows) -> tuple[int, dict[str, int]] | None:
    """The row of the headings, and the column of each by its name; None where there is none."""
    names: dict[str, str] = {}
    for language in LANGUAGES:
        with in_language(language):
            names |= {folded(_(COLUMNS[name])): name for name in ("ordinal", "criterion")}
            names |= {folded(field_label(name)): name for name in (*TYPED_FIGURES, *TEXTS)}
    for at, row in enumerate(rows[:_HEAD_ROWS]):
        columns = {
            names[text]: column for column, cell in reversed(list(enumerate(row))) if (text := folded(cell)) in names
        }
        if {"ordinal", "criterion"} <= set(columns) and set(columns) & set(TYPED_FIGURES):
            return at, columns
    return None


def _require_ours(head: Rows, facts: Mapping[str, str]) -> None:
    labels: dict[str, str] = {}
    for language in LANGUAGES:
        with in_language(language):
            labels |= {folded(_(label)): name for name, label in LABELS.items()}
    told: dict[str, str] = {}
    for row in head:
        cells = [cell for cell in row if cell]
        if len(cells) > 1 and (name := labels.get(folded(cells[0]))) is not None:
            told[name] = cells[1]
    if told.get("code") == facts["code"]:
        return
    if not told:
        raise InputError("sheet_not_ours")
    for name in ("cluster", "unit", "round", "edition"):
        if folded(told.get(name, "")) != folded(facts[name][:LONG_CHARS]):
            raise InputError(
                "sheet_of_another", label=_(LABELS[name]).lower(), found=told.get(name) or "-", wanted=facts[name]
            )
    raise InputError("sheet_of_other_rules", title=facts["edition"])


@dataclass
class _Reading:
    """The reading of the rows under the headings."""

    cycle: VisitedCycle
    sheet: Sheet
    columns: Mapping[str, int]
    entries: OfflineEntries = field(default_factory=OfflineEntries)

    def __post_init__(self) -> None:
        self._leaves = {row.number + 1: row for row in self.sheet.rows if row.number is not None}
        self._groups = {folded(row.criterion.numbered_title) for row in self.sheet.rows if row.number is None}
        self._by_title: dict[str, list[int]] = {}
        for number, row in self._leaves.items():
            self._by_title.setdefault(folded(row.criterion.numbered_title), []).append(number)
        self._seen: dict[int, int] = {}

    def read(self, rows: Rows, first: int) -> OfflineEntries:
        """Read all of them; lines count from 1."""
        for line, row in enumerate(rows[first:], start=first + 1):
            if any(row):
                self._row(line, row)
        missing = [one for number, one in self._leaves.items() if number not in self._seen]
        if missing and not self.entries.faults:
            titles = ", ".join(f"“{one.criterion.title}”" for one in missing[:_MOST_NAMED])
            titles += ", …" if len(missing) > _MOST_NAMED else ""
            told = _("The file has no row for {titles}; what stands in the form for it stays.")
            self.entries.notes.append(told.format(titles=titles))
        if not self.entries.values and not self.entries.faults:
            self.entries.faults.append(InputError("sheet_empty"))
        return self.entries

    def _cell(self, row: Sequence[str], name: str) -> str:
        column = self.columns.get(name, len(row))
        return row[column].strip() if column < len(row) else ""

    def _fault(self, line: int, name: str, what: str) -> None:
        cell = xl_rowcol_to_cell(line - 1, self.columns.get(name, 0))
        self.entries.faults.append(InputError("sheet_cell", cell=cell, what=what))

    def _row(self, line: int, row: Sequence[str]) -> None:
        ordinal, title = self._cell(row, "ordinal"), self._cell(row, "criterion")
        filled = {name: text for name in (*TYPED_FIGURES, *TEXTS) if (text := self._cell(row, name))}
        whole, part = (whole_number(one) for one in (ordinal.partition(".")[0], ordinal.partition(".")[2]))
        if whole is not None and part is not None:
            self._condition(line, whole, part, filled)
            return
        number = self._number(line, ordinal, title, told=bool(filled))
        if number is None:
            return
        if number in self._seen:
            self._fault(
                line, "ordinal", _("the criterion stands in line {line} already").format(line=self._seen[number])
            )
            return
        self._seen[number] = line
        self._fill(line, self._leaves[number], filled)

    def _number(self, line: int, ordinal: str, title: str, *, told: bool) -> int | None:
        """The number of the criterion of a row; None for a row that holds nothing of one."""
        number = whole_number(ordinal)
        same = self._by_title.get(folded(title), [])
        if number in self._leaves and number is not None:
            if number in same:
                return number
            if same:
                self._fault(line, "criterion", _("the number and the criterion do not belong together"))
                return None
            wanted = self._leaves[number].criterion.title
            text = _("Line {line}: the criterion is called “{found}” there; it was read as “{wanted}”.")
            self.entries.notes.append(text.format(line=line, found=title, wanted=wanted))
            return number
        if len(same) == 1:
            return same[0]
        if told and folded(title) not in self._groups:
            self._fault(line, "criterion", _("this criterion is not in the unit's score sheet"))
        elif told:
            self._fault(line, "criterion", _("nothing is filled in for a group of criteria"))
        return None

    def _condition(self, line: int, number: int, part: int, filled: Mapping[str, str]) -> None:
        node = self._leaves[number].criterion if number in self._leaves else None
        if node is None or not isinstance(node.way, AllOrNothing) or not 0 < part <= len(node.way.conditions):
            if filled:
                self._fault(line, "ordinal", _("this criterion is not in the unit's score sheet"))
            return
        text = folded(filled.get("met", ""))
        if text in _YES:
            self.entries.values.setdefault(number - 1, {}).setdefault("met", {})[part - 1] = node.way.conditions[
                part - 1
            ].id
        elif text not in _NO:
            self._fault(line, "met", _("an x where the condition is met, nothing where it is not"))

    def _fill(self, line: int, row: SheetRow, filled: Mapping[str, str]) -> None:
        typed: dict[str, Any] = {}
        for name, text in filled.items():
            if len(text) >= LONG_CHARS:
                self._fault(line, name, _("the text is too long for a cell; type it on the page"))
            elif name in TEXTS:
                typed[name] = text
            elif name not in row.figures or name == "met":
                self._fault(line, name, _("this criterion takes no such figure"))
            elif (problem := self._problem(row, {name: text})) is not None:
                self._fault(line, name, problem)
            else:
                typed[name] = text
        figures = {name: text for name, text in typed.items() if name not in TEXTS}
        if figures and (refused := self._refused(row, figures)) is not None:
            self._fault(line, next(iter(figures)), refused)
        if typed and row.number is not None:
            self.entries.values.setdefault(row.number, {}).update(typed)

    def _problem(self, row: SheetRow, figures: Mapping[str, str]) -> str | None:
        """What is wrong with a figure as it is typed, in words."""
        try:
            typed_item({"criterion": row.criterion.id, **figures})
        except ValidationError as error:
            found = first_problem(error)
            return problem_in_words(str(found["problem"]), found["given"])
        return None

    def _refused(self, row: SheetRow, figures: Mapping[str, str]) -> str | None:
        """Why the criterion does not take these figures, in words."""
        item = typed_item({"criterion": row.criterion.id, **figures})
        refused = refused_entries(self.cycle.rules, unit_sheet(self.sheet.unit, (item,), self.cycle.state))
        return next((sentence(one.code, titled(one.facts, self.cycle.rules)) for one in refused.values()), None)


def typed_values(entries: OfflineEntries, rows: Iterable[SheetRow]) -> Iterator[tuple[str, str]]:
    """The inputs of a form that hold what was read: name and value, for the rows that the file fills in."""
    for row in rows:
        if row.number is None or row.number not in entries.values:
            continue
        start = f"sheet.{row.number}"
        yield f"{start}.criterion", row.criterion.id
        for name, value in entries.values[row.number].items():
            if name == "met":
                yield from ((f"{start}.met.{number}", one) for number, one in value.items())
            else:
                yield f"{start}.{name}", value
