"""Tables as a workbook (XLSX) that an office opens, sorts, adds up and prints."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook

from application.downloads import Cell, Strong, Table
from domain.times import ICT

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""The media type."""

MOST_ROWS = 1_000_000
"""Rows of a sheet; Excel takes 1,048,576. What is left goes on in the next sheet."""

MOST_UNITS = 32_767
"""UTF-16 units of a cell, of which Excel takes no more."""

MOST_TITLE = 31
"""Characters of a sheet's name, of which Excel takes no more."""

_WIDEST, _NARROWEST = 60, 8
"""Characters of a column; longer texts are wrapped."""

_FIRST_DAY = date(1900, 3, 1)
"""Excel knows no earlier day for certain: it counts 29/02/1900, which never was. Earlier days are texts."""

_LANDSCAPE_COLUMNS = 5
"""Tables of more columns are printed on the long side."""

_NO_TITLE = re.compile(r"[\[\]:*?/\\]")
_CUT = " …"
_UNWRITABLE = re.compile("[\ufffe\uffff\ud800-\udfff]")
"""Characters that no XML holds."""


def workbook(tables: Sequence[Table]) -> bytes:
    """Return tables as sheets of a workbook.

    Texts stay texts, also those that look like a formula, a number or an address. Rows are written one by one into a
    file beside (`constant_memory`), so memory does not grow with them.
    """
    out, used = io.BytesIO(), set[str]()
    with Workbook(out, {"constant_memory": True}) as book:
        formats = _formats(book)
        for table in tables:
            parts = range(0, max(len(table.rows), 1), MOST_ROWS)
            for at in parts:
                _write(book, formats, sheet_title(table.title, used), table, table.rows[at : at + MOST_ROWS])
    return out.getvalue()


def _formats(book: Any) -> dict[str, Any]:
    border = {"border": 1, "border_color": "#B9AEA3", "valign": "top"}
    return {
        "heading": book.add_format({**border, "bold": True, "text_wrap": True, "bg_color": "#EFE8DF"}),
        "text": book.add_format({**border, "num_format": "@", "text_wrap": True}),
        "above": book.add_format({"bold": True}),
        "strong": book.add_format({**border, "num_format": "@", "text_wrap": True, "bold": True}),
        "number": book.add_format(border),
        "day": book.add_format({**border, "num_format": "dd/mm/yyyy", "align": "left"}),
        "instant": book.add_format({**border, "num_format": "dd/mm/yyyy hh:mm", "align": "left"}),
    }


def sheet_title(wanted: str, used: set[str]) -> str:
    """A name for a sheet that Excel takes, and that no other sheet has."""
    plain = _NO_TITLE.sub(" ", wanted).strip(" '")[:MOST_TITLE].strip(" '") or "1"
    title, number = plain, 1
    while title.casefold() in used:
        number += 1
        end = f" ({number})"
        title = plain[: MOST_TITLE - len(end)] + end
    used.add(title.casefold())
    return title


def _write(book: Any, formats: dict[str, Any], title: str, table: Table, rows: Sequence[Sequence[Cell]]) -> None:
    sheet = book.add_worksheet(title)
    top = len(table.above)
    _lay_out(sheet, table, top, len(rows))
    for at, line in enumerate(table.above):
        sheet.write_string(at, 0, plain_text(line), formats["above"])
    widths = [width_of(heading) for heading in table.headings]
    for column, heading in enumerate(table.headings):
        sheet.write_string(top, column, plain_text(heading), formats["heading"])
    for at, row in enumerate(rows, top + 1):
        for column, value in enumerate(row):
            widths[column] = max(widths[column], _write_cell(sheet, formats, at, column, value))
    for column, width in enumerate(widths):
        sheet.set_column(column, column, max(_NARROWEST, min(width + 2, _WIDEST)))


def _lay_out(sheet: Any, table: Table, top: int, rows: int) -> None:
    """How a sheet is filtered, scrolls and prints. `top`: the row of its headings."""
    if rows:
        sheet.autofilter(top, 0, top + rows, len(table.headings) - 1)
    print_on_a4(sheet, table.title, top, len(table.headings))


def print_on_a4(sheet: Any, title: str, heading: int, columns: int) -> None:
    """Lay a sheet out: the row of headings stays in sight and stands on every page, no column is cut, pages count."""
    sheet.freeze_panes(heading + 1, 0)
    sheet.set_paper(9)  # A4
    if columns > _LANDSCAPE_COLUMNS:
        sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(heading)
    sheet.set_margins(left=0.8, right=0.6, top=0.7, bottom=0.7)
    sheet.set_footer("&L" + title.replace("&", "&&")[:100] + "&R&P / &N")


def _write_cell(sheet: Any, formats: dict[str, Any], row: int, column: int, value: Cell) -> int:
    """Write a cell; returns how wide it is."""
    if value is None or value == "":
        sheet.write_blank(row, column, None, formats["text"])
        return 0
    if isinstance(value, datetime):
        there = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        sheet.write_datetime(row, column, there.astimezone(ICT).replace(tzinfo=None), formats["instant"])
        return 16
    if isinstance(value, date) and value >= _FIRST_DAY:
        sheet.write_datetime(row, column, value, formats["day"])
        return 10
    if isinstance(value, (int, Decimal)):
        sheet.write_number(row, column, value, formats["number"])
        return len(str(value))
    text = plain_text(f"{value:%d/%m/%Y}" if isinstance(value, date) else value)
    sheet.write_string(row, column, text, formats["strong" if isinstance(value, Strong) else "text"])
    return width_of(text)


def plain_text(text: str) -> str:
    """A text as a cell holds it: with line breaks of one kind, and cut where Excel would refuse the file."""
    text = _UNWRITABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MOST_UNITS:
        return text
    return units[: 2 * (MOST_UNITS - len(_CUT))].decode("utf-16-le", "ignore") + _CUT


def width_of(text: str) -> int:
    """Return how many characters the longest line of a text has."""
    return max((len(line) for line in text[:500].split("\n")), default=0)
