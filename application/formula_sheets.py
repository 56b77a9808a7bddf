"""Sheets of a workbook whose cells can be formulas, each with its result: what differs is told.

Texts stay texts, also those that begin like a formula.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook

from application.formulas import Cell, Node, Value
from application.spreadsheets import plain_text, print_on_a4, sheet_title, width_of
from domain.scoring.methods import as_shown
from i18n import _
from i18n.messages import number

_WIDEST, _NARROWEST = 52, 7
"""Characters of a column."""

_BORDER = {"border": 1, "border_color": "#B9AEA3", "valign": "top"}
_HEAD = {"bold": True, "bg_color": "#EFE8DF"}
_TEXT = {"num_format": "@", "text_wrap": True}
FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14, "num_format": "@"},
    "line": {"num_format": "@"},
    "heading": {**_BORDER, **_HEAD, "text_wrap": True},
    "text": {**_BORDER, **_TEXT},
    "number": _BORDER,
    "long": {**_BORDER, "num_format": "0.0000"},
    "head text": {**_BORDER, **_TEXT, **_HEAD},
    "head number": {**_BORDER, **_HEAD},
    "head long": {**_BORDER, **_HEAD, "num_format": "0.0000"},
    "input text": {**_BORDER, **_TEXT, "locked": False, "bg_color": "#FFFBE6"},
    "input number": {**_BORDER, "locked": False, "bg_color": "#FFFBE6"},
}
"""The looks of cells by name. `long` is a figure with more decimals than are shown."""


@dataclass(frozen=True, slots=True)
class _Placed:
    cell: Cell
    look: str
    depth: int


@dataclass
class FormulaSheet:
    """A sheet as it grows. `used` are the names of the workbook's sheets; `heading` is the row of the headings."""

    wanted: str
    used: set[str]
    heading: int = 3
    placed: list[_Placed] = field(default_factory=list)
    columns: int = 0
    title: str = ""

    def __post_init__(self) -> None:
        self.title = sheet_title(self.wanted, self.used)

    def put(self, row: int, column: int, content: Value | Decimal | Node, look: str = "text", depth: int = 0) -> Cell:
        """Put a value or a formula into a cell; `depth` indents it."""
        found = float(content) if isinstance(content, (Decimal, int)) else content
        cell = Cell(self.title, row, column, found)
        self.placed.append(_Placed(cell, look, depth))
        return cell

    def computed(
        self, row: int, column: int, formula: Node, expected: Decimal | str, look: str = "number"
    ) -> tuple[Cell, Value]:
        """Put a formula into a cell; where it does not give what is expected, that value.

        Returns the cell, and what the formula gives in place of what is expected; None where it gives that.
        """
        try:
            found = Cell(self.title, row, column, formula).result
        except (TypeError, ZeroDivisionError):
            found = "?"
        if _shown(found) == expected:
            return self.put(row, column, formula, look), None
        return self.put(row, column, expected, look), found

    def head(self, lines: Sequence[str], headings: Sequence[str]) -> None:
        """Put the lines above the table, and its headings, which stand in the row `heading`."""
        for row, line in enumerate(lines):
            self.put(row, 0, line, "line" if row else "title")
        for column, text in enumerate(headings):
            self.put(self.heading, column, text, "heading")
        self.columns = len(headings)

    def write(self, sheet: Any, formats: dict[tuple[str, int], Any], book: Any) -> None:
        """Write the sheet into a workbook that is open."""
        print_on_a4(sheet, self.wanted, self.heading, self.columns)
        widths = [_NARROWEST] * self.columns
        for one in self.placed:
            cell, look = one.cell, formats.get((one.look, one.depth))
            if look is None:
                look = formats[one.look, one.depth] = book.add_format({**FORMATS[one.look], "indent": one.depth})
            shown = _write(sheet, cell, look)
            if cell.row >= self.heading:
                widths[cell.column] = max(widths[cell.column], min(_WIDEST, width_of(shown) + 2 + one.depth))
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)


def formula_workbook(sheets: Sequence[FormulaSheet]) -> bytes:
    """Return sheets as a workbook (XLSX)."""
    out, formats = io.BytesIO(), dict[tuple[str, int], Any]()
    with Workbook(out, {"in_memory": True}) as book:
        for one in sheets:
            one.write(book.add_worksheet(one.title), formats, book)
    return out.getvalue()


def program_says(instead: Value) -> str:
    """The note beside a value of the program where a formula would give another one."""
    told = number(as_shown(Decimal(repr(instead)))) if isinstance(instead, float) else instead or "-"
    return _("the program's value; a formula would give {value}").format(value=told)


def _write(sheet: Any, cell: Cell, look: Any) -> str:
    """Write a cell; returns what is seen of it."""
    content, result = cell.content, cell.result
    if isinstance(content, Node):
        sheet.write_formula(cell.row, cell.column, "=" + content.text(cell.sheet), look, result)
        return "" if result is None else f"{_shown(result)}"
    if content is None or content == "":
        sheet.write_blank(cell.row, cell.column, None, look)
        return ""
    if isinstance(content, str):
        text = plain_text(content)
        sheet.write_string(cell.row, cell.column, text, look)
        return text
    sheet.write_number(cell.row, cell.column, content, look)
    return f"{_shown(content)}"


def _shown(value: Value) -> Decimal | str:
    return as_shown(Decimal(repr(value))) if isinstance(value, float) else value or ""
