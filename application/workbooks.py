"""The child process that opens a workbook (XLSX): the cells of its first visible sheet, as a person sees them.

Nothing in a workbook is run or followed: macros and links are not loaded, formulas are not computed. The XML of the
sheet is looked through first, so that a sheet with too many rows is refused before its cells become objects, and what
openpyxl does not tell as it reads row by row is known: merged cells, hidden rows, formulas without a stored result.
"""

from __future__ import annotations

import io
import math
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

from application.tables import MOST_ROWS, SheetAnswer
from application.work import answer_as_child
from domain.numbers import write_number
from vault.file_kinds import ODT

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

UNPACKED_BYTES = 400_000_000
"""So much a workbook may unpack to; the child's memory is bounded all the same."""

_MOST_MERGED = 20_000
_MOST_INDENTED = 15
"""Steps by which a cell is indented; Excel takes 250."""

_DECIMALS = 10
"""Decimals of a figure; what binary fractions leave behind them goes."""

_NO_DIGIT = re.compile(r"[^0-9]")


class _TooLongError(Exception):
    """The sheet has more rows with something in them than a table may have."""


@dataclass(slots=True)
class _Outline:
    """What the XML of a sheet tells before its cells are read. Rows and columns count from 1."""

    last: int = 0
    """The last row that holds something."""

    filled: int = 0
    hidden: int = 0
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    """Formulas whose result is not stored."""

    merged: list[str] = field(default_factory=list)


class _OutlineReader:
    """Collects an outline from the events of expat."""

    def __init__(self) -> None:
        self.outline = _Outline()
        self._row = self._column = 0
        self._is_hidden = self._row_counted = False
        self._text: list[str] | None = None
        self._formula: str | None = None
        self._has_value = False

    def read(self, source: Any) -> _Outline:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.ParseFile(source)
        return self.outline

    def _start(self, name: str, given: dict[str, str]) -> None:
        match name.rpartition(" ")[2]:
            case "row":
                self._row = int(given.get("r", self._row + 1))
                self._column, self._row_counted = 0, False
                self._is_hidden = given.get("hidden") in {"1", "true"}
            case "c":
                self._column = _column_of(given["r"]) if "r" in given else self._column + 1
                self._formula, self._has_value = None, False
            case "f" | "v" | "t":
                self._text = []
            case "mergeCell" if len(self.outline.merged) < _MOST_MERGED:
                self.outline.merged.append(given.get("ref", ""))

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, name: str) -> None:
        match name.rpartition(" ")[2]:
            case "f":
                self._formula, self._text = "".join(self._text or ()), None
            case "v" | "t":
                self._has_value = self._has_value or bool("".join(self._text or ()).strip())
                self._text = None
            case "c":
                self._cell()

    def _cell(self) -> None:
        if self._formula is not None and not self._has_value:
            self.outline.formulas[self._row, self._column] = self._formula
        elif not self._has_value:
            return
        self.outline.last = max(self.outline.last, self._row)
        if not self._row_counted:
            self._row_counted = True
            self.outline.filled += 1
            self.outline.hidden += self._is_hidden
            if self.outline.filled > MOST_ROWS:
                raise _TooLongError


def _refuse_doctype(*_given: Any) -> None:
    raise ValueError("a sheet has no document type")


def _column_of(reference: str) -> int:
    number = 0
    for letter in reference:
        if not letter.isalpha():
            break
        number = number * 26 + ord(letter.upper()) - 64
    return number


_TYPE_WITHIN = 200
"""OpenDocument stores its type first and uncompressed: within so many bytes."""


def _problem_of(body: bytes) -> str:
    """The code of why an archive is no workbook that can be read, "" for one that may be."""
    try:
        with ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
    except BadZipFile:
        return "table_broken"
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        is_workbook = "xl/workbook.bin" in names or (
            "content.xml" in names and ODT.media_type.encode() not in body[:_TYPE_WITHIN]
        )
        return "table_old_workbook" if is_workbook else "table_no_table"
    return "table_too_much" if sum(part.file_size for part in parts) > UNPACKED_BYTES else ""


def _open(sent: bytes) -> dict[str, Any]:
    """What a workbook holds; the line before it says how many characters of a cell are used."""
    chars, _line_end, body = sent.partition(b"\n")
    if problem := _problem_of(body):
        return asdict(SheetAnswer([], problem=problem))
    from openpyxl import load_workbook  # noqa: PLC0415 - the child only

    book = load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
    try:
        return asdict(_sheet(book, int(chars)))
    except _TooLongError:
        return asdict(SheetAnswer([], problem="table_too_long"))


def _sheet(book: Workbook, chars: int) -> SheetAnswer:
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    filled = []
    for sheet in visible[:10]:
        with sheet._get_source() as source:  # type: ignore[attr-defined]  # noqa: SLF001 - the part of the archive
            outline = _OutlineReader().read(source)
        if outline.last:
            filled.append((sheet, outline))
    if not filled:
        return SheetAnswer([], problem="table_empty")
    sheet, outline = filled[0]
    sheet.reset_dimensions()  # some programs write A1 for any sheet
    most = 2 * chars  # the blanks around it do not count
    rows = [[_indented(cell)[:most] for cell in row] for row in sheet.iter_rows(max_row=outline.last)]
    for (row, column), formula in outline.formulas.items():
        _put(rows, row, column, f"={formula}"[:most])
    for area in outline.merged:
        _fill_down(rows, area)
    return SheetAnswer(rows, outline.hidden, sheet.title, tuple(other.title for other, _outline in filled[1:]))


def _indented(cell: Any) -> str:
    """The text of a cell, with blanks before it as far as its format indents it."""
    text, indent = _text(cell.value), 0.0
    if text and isinstance(cell.value, str) and cell.has_style:
        with suppress(IndexError, TypeError):  # of a style that the workbook does not have
            indent = cell.alignment.indent
    return " " * (2 * min(int(indent), _MOST_INDENTED)) + text


def _text(value: object) -> str:
    """A cell as a person sees it: days as day/month/year, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y}" if value.time() == time() else f"{value:%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        # As a person would type it: 1.125 has one reading only with another zero behind it.
        return write_number(Decimal(repr(round(value, _DECIMALS))), ".")
    return str(value)


def _put(rows: list[list[str]], row: int, column: int, text: str) -> None:
    if row <= len(rows):
        cells = rows[row - 1]
        cells.extend([""] * (column - len(cells)))
        cells[column - 1] = text


def _fill_down(rows: list[list[str]], area: str) -> None:
    """What stands in merged cells stands in each of their rows."""
    first, _colon, last = area.partition(":")
    column = _column_of(first)
    top, bottom = (int(_NO_DIGIT.sub("", end) or 0) for end in (first, last))
    if 0 < top < bottom and 0 < top <= len(rows) and 0 < column <= len(rows[top - 1]):
        for row in range(top + 1, min(bottom, len(rows)) + 1):
            _put(rows, row, column, rows[top - 1][column - 1])


if __name__ == "__main__":
    answer_as_child(_open)
