"""A unit's score sheet to fill in without a connection: made as a workbook, and read back as what a form would hold.

The file says whose it is: cluster and year, unit, round, edition, and a code of all four. Rows are known by their
number, and by the criterion's title where the number is gone. What cannot be used is told by its cell.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell

from application.formula_sheets import FormulaSheet
from application.score_sheets import Sheet, SheetRow, titled
from application.tables import MOST_CHARS, Rows
from application.visits import VisitedCycle
from domain.cycle import CYCLE
from domain.file_references import without_references
from domain.numbers import read_number, whole_number
from domain.problems import first_problem
from domain.scoring.calculation import bounds, refused_entries
from domain.scoring.methods import AllOrNothing
from domain.scoring.scores import SheetItem
from domain.scoring.scores import sheet_of as unit_sheet
from domain.types import TYPED
from errors import InputError
from i18n import LANGUAGES, N_, _, in_language
from i18n.columns import COLUMNS
from i18n.fields import field_label
from i18n.messages import problem_in_words, sentence
from i18n.sorting import folded
from i18n.values import round_title

_ITEM: TypeAdapter[SheetItem] = TypeAdapter(SheetItem)
_FIGURES = ("points", "actual", "target", "count", "met")
_TEXTS = ("reason", "evidence")
_LABELS = {
    "cluster": N_("Cluster"),
    "unit": N_("Unit"),
    "round": N_("Round"),
    "edition": N_("Rules"),
    "code": N_("Code"),
}
"""What the head of the file says, in the order in which it is compared with the page."""

_MOST_NAMED = 3
"""Criteria that are named where some are missing."""

_HEAD_ROWS = 30
"""The headings are looked for in so many rows."""

_YES, _NO = frozenset({"x", "co", "1", "yes", "✓", "v", "dat"}), frozenset({"", "0", "khong", "no", "-"})
"""What says that a condition is met, and that it is not."""


# Making it --------------------------------------------------------------------------------------------------------


def offline_sheet(cycle: VisitedCycle, sheet: Sheet) -> bytes:
    """Return the sheet as a workbook (XLSX): cells that are not to be filled in are locked."""
    facts = _facts(cycle, sheet)
    page = FormulaSheet(round_title(sheet.round, sheet.names).capitalize(), set(), heading=len(facts) + 2)
    leaves = [row for row in sheet.rows if row.number is not None]
    columns = [name for name in _FIGURES if any(name in row.figures for row in leaves)]
    rounds = list(dict.fromkeys(name for row in leaves for name, _points, _evidence in row.before))
    heads = [_(COLUMNS[name]) for name in ("ordinal", "criterion", "least", "most")]
    heads += [round_title(name, sheet.names) for name in rounds]
    first = len(heads)
    page.head([_("Score sheet")], [*heads, *(field_label(name) for name in (*columns, *_TEXTS))])
    for line, (name, text) in enumerate(facts.items(), start=1):
        page.put(line, 0, _(_LABELS[name]), "line")
        page.put(line, 2, text, "line")
    page.put(
        len(facts) + 1, 0, _("Fill in the yellow cells, save, and choose the file on the page of the form."), "line"
    )
    checks: list[tuple[int, int, Mapping[str, Any]]] = []
    at = page.heading + 1
    for row in sheet.rows:
        at = _put_row(page, at, row, (rounds, columns, first), checks)
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True}) as book:
        written = book.add_worksheet(page.title)
        page.write(written, {}, book)
        written.protect("", {"format_columns": True, "format_rows": True, "select_locked_cells": True})
        for line, column, check in checks:
            written.data_validation(line, column, line, column, {**check, "ignore_blank": True})
    return out.getvalue()


def _put_row(
    page: FormulaSheet,
    at: int,
    row: SheetRow,
    layout: tuple[Sequence[str], Sequence[str], int],
    checks: list[tuple[int, int, Mapping[str, Any]]],
) -> int:
    """Put a criterion into the sheet; returns the next row."""
    rounds, columns, first = layout
    node, look = row.criterion, "head text" if row.number is None else "text"
    title = f"{node.number} {node.title}" if node.number else node.title
    page.put(at, 1, title, look, min(row.depth, 8))
    least, most = (None, node.max) if row.number is None else bounds(node)
    page.put(at, 2, least, "head number" if row.number is None else "number")
    page.put(at, 3, most, "head number" if row.number is None else "number")
    page.put(at, 0, "" if row.number is None else str(row.number + 1), look)
    before = {name: points for name, points, _evidence in row.before}
    for column, name in enumerate(rounds, start=4):
        page.put(at, column, _number_or_text(before.get(name, "")), "number" if name in before else look)
    for column, name in enumerate((*columns, *_TEXTS), start=first):
        if row.number is None or (name in columns and (name == "met" or name not in row.figures)):
            page.put(at, column, "", look)
        elif name in _TEXTS:
            page.put(at, column, _text_of(row.typed.get(name)), "input text")
        else:
            page.put(at, column, _number_or_text(row.typed.get(name, "")), "input number")
            checks.append((at, column, _check(name, least, most)))
    at += 1
    if "met" in row.figures and isinstance(node.way, AllOrNothing):
        given = row.typed.get("met") or ()
        met = {given} if isinstance(given, str) else set(given)
        for number, one in enumerate(node.way.conditions, start=1):
            for column in range(first + len(columns) + len(_TEXTS)):
                page.put(at, column, "", "text")
            page.put(at, 0, f"{(row.number or 0) + 1}.{number}", "text")
            page.put(at, 1, one.title, "text", min(row.depth + 1, 8))
            column = first + columns.index("met")
            page.put(at, column, "x" if one.id in met else "", "input text")
            checks.append((at, column, {"validate": "list", "source": ["x"]}))
            at += 1
    return at


def _check(name: str, least: Decimal | None, most: Decimal | None) -> Mapping[str, Any]:
    """What a program lets a person type into a cell: points within their bounds, any other figure from 0 on."""
    if name != "points":
        least, most = Decimal(0), None
    told = {
        "error_title": _("Score sheet"),
        "error_message": _("A number within the bounds of this line, such as 9,5."),
    }
    if least is None and most is None:
        return {"validate": "decimal", "criteria": ">=", "value": -1_000_000, **told}
    if least is None or most is None:
        return {
            "validate": "decimal",
            "criteria": "<=" if least is None else ">=",
            "value": float(most or least or 0),
            **told,
        }
    # Points that are taken away may be typed without their minus.
    return {
        "validate": "decimal",
        "criteria": "between",
        "minimum": float(least),
        "maximum": float(max(most, -least)),
        **told,
    }


def _number_or_text(value: Any) -> Decimal | str:
    try:
        return Decimal(read_number(str(value)))
    except (ArithmeticError, PydanticCustomError):
        return str(value or "")


def _text_of(value: Any) -> str:
    """The text of a field as it was typed; files are named on the page only."""
    text = "\n".join(value) if isinstance(value, (list, tuple)) else str(value or "")
    return without_references(text).strip()


def _facts(cycle: VisitedCycle, sheet: Sheet) -> dict[str, str]:
    """What the head of the file says, by the names of `_LABELS`."""
    adoptions = CYCLE.adoptions(cycle.state)
    edition = adoptions[-1].edition if adoptions else ""
    digest = hashlib.sha256(f"{cycle.stream}\n{sheet.unit}\n{sheet.round}\n{edition}".encode()).hexdigest().upper()
    return {
        "cluster": f"{cycle.name}, {cycle.state.lifecycle.organiser_name}",
        "unit": cycle.names.get(sheet.unit, ""),
        "round": round_title(sheet.round, sheet.names),
        "edition": cycle.rules.title,
        "code": " ".join(digest[start : start + 4] for start in range(0, 16, 4)),
    }


# Reading it back --------------------------------------------------------------------------------------------------


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
    _require_ours(rows[:heading], _facts(cycle, sheet))
    return _Reading(cycle, sheet, columns).read(rows, heading + 1)


def _headings(rows: Rows) -> tuple[int, dict[str, int]] | None:
    """The row of the headings, and the column of each by its name; None where there is none."""
    names: dict[str, str] = {}
    for language in LANGUAGES:
        with in_language(language):
            names |= {folded(_(COLUMNS[name])): name for name in ("ordinal", "criterion")}
            names |= {folded(field_label(name)): name for name in (*_FIGURES, *_TEXTS)}
    for at, row in enumerate(rows[:_HEAD_ROWS]):
        columns = {
            names[text]: column for column, cell in reversed(list(enumerate(row))) if (text := folded(cell)) in names
        }
        if {"ordinal", "criterion"} <= set(columns) and set(columns) & set(_FIGURES):
            return at, columns
    return None


def _require_ours(head: Rows, facts: Mapping[str, str]) -> None:
    labels: dict[str, str] = {}
    for language in LANGUAGES:
        with in_language(language):
            labels |= {folded(_(label)): name for name, label in _LABELS.items()}
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
        if folded(told.get(name, "")) != folded(facts[name][:MOST_CHARS]):
            raise InputError(
                "sheet_of_another", label=_(_LABELS[name]).lower(), found=told.get(name) or "-", wanted=facts[name]
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
        self._groups = {folded(_numbered(row)) for row in self.sheet.rows if row.number is None}
        self._by_title: dict[str, list[int]] = {}
        for number, row in self._leaves.items():
            self._by_title.setdefault(folded(_numbered(row)), []).append(number)
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
        filled = {name: text for name in (*_FIGURES, *_TEXTS) if (text := self._cell(row, name))}
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
            if len(text) >= MOST_CHARS:
                self._fault(line, name, _("the text is too long for a cell; type it on the page"))
            elif name in _TEXTS:
                typed[name] = text
            elif name not in row.figures or name == "met":
                self._fault(line, name, _("this criterion takes no such figure"))
            elif (problem := self._problem(row, {name: text})) is not None:
                self._fault(line, name, problem)
            else:
                typed[name] = text
        figures = {name: text for name, text in typed.items() if name not in _TEXTS}
        if figures and (refused := self._refused(row, figures)) is not None:
            self._fault(line, next(iter(figures)), refused)
        if typed and row.number is not None:
            self.entries.values.setdefault(row.number, {}).update(typed)

    def _problem(self, row: SheetRow, figures: Mapping[str, str]) -> str | None:
        """What is wrong with a figure as it is typed, in words."""
        try:
            _ITEM.validate_python({"criterion": row.criterion.id, **figures}, context=TYPED)
        except ValidationError as error:
            found = first_problem(error)
            return problem_in_words(str(found["problem"]), found["given"])
        return None

    def _refused(self, row: SheetRow, figures: Mapping[str, str]) -> str | None:
        """Why the criterion does not take these figures, in words."""
        item = _ITEM.validate_python({"criterion": row.criterion.id, **figures}, context=TYPED)
        refused = refused_entries(self.cycle.rules, unit_sheet(self.sheet.unit, (item,), self.cycle.state))
        return next((sentence(one.code, titled(one.facts, self.cycle.rules)) for one in refused.values()), None)


def _numbered(row: SheetRow) -> str:
    node = row.criterion
    return f"{node.number} {node.title}" if node.number else node.title


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
