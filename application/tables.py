"""Reads pasted or uploaded tables, CSV and XLSX, as text.

A workbook is an untrusted file, so a child process opens it (`application.work`) and returns plain cells. Only as much
of a table is read as may be used.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pydantic import TypeAdapter

from application.work import CHILDREN, WorkFailedError, WorkTooLongError, answer_as_child
from errors import InputError

MOST_ROWS = 5_000
MOST_COLUMNS = 30
MOST_CHARS = 500
MOST_LINE = 2 * MOST_COLUMNS * MOST_CHARS
"""Characters of a line of text."""

SECONDS = 20
FILE_BYTES = 5_000_000
_ZIP = b"PK\x03\x04"

Rows = list[list[str]]
_ROWS = TypeAdapter(Rows)


async def rows_of(body: bytes) -> Rows:
    """Return the rows of a pasted or uploaded table.

    Raises:
        InputError: the table is too large or unreadable.
    """
    if len(body) > FILE_BYTES:
        raise InputError("table_too_large", most=FILE_BYTES // 1_000_000)
    return await _workbook(body) if body.startswith(_ZIP) else _text(body)


def _text(body: bytes) -> Rows:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("table_not_text") from None
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max("\t;,", key=first.count)
    rows: Rows = []
    blank = 0
    try:
        for row in csv.reader(_lines(text), delimiter=delimiter):
            if len(row) > MOST_COLUMNS or any(cell.strip() for cell in row):
                rows.append(row)
            else:
                blank += 1
            if len(rows) > MOST_ROWS or blank > MOST_ROWS or len(row) > MOST_COLUMNS:
                break
    except csv.Error as error:
        raise InputError("table_unreadable", problem=str(error)) from None
    if blank > MOST_ROWS:
        raise InputError("table_too_long", most=MOST_ROWS)
    return _bounded(rows)


def _lines(text: str) -> Iterator[str]:
    """The lines of a table, none of them longer than its columns may be.

    Raises:
        InputError: `table_line_too_long`.
    """
    for line in io.StringIO(text, newline=""):
        if len(line) > MOST_LINE:
            raise InputError("table_line_too_long", most=MOST_LINE)
        yield line


async def _workbook(body: bytes) -> Rows:
    try:
        return _bounded(await CHILDREN.run(__name__, body, _ROWS, seconds=SECONDS))
    except WorkTooLongError:
        raise InputError("table_unreadable", problem="too slow") from None
    except WorkFailedError:
        raise InputError("table_unreadable", problem="XLSX") from None


def _bounded(rows: Rows) -> Rows:
    if any(len(row) > MOST_COLUMNS for row in rows):
        raise InputError("table_too_wide", most=MOST_COLUMNS)
    if len(rows) > MOST_ROWS:
        raise InputError("table_too_long", most=MOST_ROWS)
    return [[cell.strip()[:MOST_CHARS] for cell in row] for row in rows if any(cell.strip() for cell in row)]


def _open(body: bytes) -> Rows:
    """Return the first sheet's cells as text. Formulas are not computed: their stored results are read."""
    from openpyxl import load_workbook  # noqa: PLC0415 - the child only

    sheet = load_workbook(io.BytesIO(body), read_only=True, data_only=True).worksheets[0]
    return [
        ["" if cell is None else str(cell)[: 2 * MOST_CHARS] for cell in row[:MOST_COLUMNS]]
        for row in sheet.iter_rows(max_row=MOST_ROWS + 1, values_only=True)
    ]


if __name__ == "__main__":
    answer_as_child(_open)
