"""Data as texts to be saved: JSON, and tables as CSV. Workbooks are made by `application.spreadsheets`."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from application.csv_escaping import escape_cell
from domain.times import ICT
from i18n.columns import headings
from i18n.messages import day, number

Cell: TypeAlias = str | int | Decimal | date | datetime | None
"""A value in a table: text, a number, a day, an instant. None: the cell is empty."""


class Strong(str):
    """A text that a workbook shows in bold."""

    __slots__ = ()


SEPARATOR = ";"
"""Between the cells of a CSV file. Where numbers have a decimal comma, as in Vietnamese, Excel cuts lines at ";"."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that people save. `title` names its sheet in a workbook; each row has a cell for each heading.

    `above`: lines that a workbook shows above the headings.
    """

    title: str
    headings: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    above: tuple[str, ...] = ()


def table_of(
    title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Cell]], above: tuple[str, ...] = ()
) -> Table:
    """Return rows by the names of their columns as a table with the headings of `i18n.columns`.

    Raises:
        KeyError: a column has no heading, or a row lacks one.
    """
    return Table(title, headings(columns), [[row[name] for name in columns] for row in rows], above)


def day_cell(written: str) -> date | str | None:
    """A day as people write it (dd/mm/yyyy) as a cell; what is known by month or year only is a text."""
    if (found := _DAY.fullmatch(written)) is None:
        return written or None
    return date(int(found[3]), int(found[2]), int(found[1]))


_DAY = re.compile("([0-9]{2})/([0-9]{2})/([0-9]{4})")


def spoken_phone(phone: str) -> str:
    """A telephone number in groups, as it is said: a row of digits would lose its first 0 where a CSV is opened."""
    return _IN_GROUPS.sub(r"\1 \2 \3", phone)


_IN_GROUPS = re.compile(r"^([0-9]+)([0-9]{3})([0-9]{3})$")


def json_text(data: Any) -> str:
    """Data as JSON that people can read; instants and days in ISO form."""
    return json.dumps(data, ensure_ascii=False, indent=2, default=str)


def csv_text(table: Table) -> str:
    """A table as CSV with a byte order mark, which spreadsheets need for UTF-8; no cell is read as a formula.

    No line "sep=": Excel that finds one no longer heeds the mark, and garbles the letters.
    All cells are quoted: where "," separates lists, one inside a cell would begin another.
    """
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, delimiter=SEPARATOR)
    writer.writerow([escape_cell(heading) for heading in table.headings])
    writer.writerows([escape_cell(_written(value)) for value in row] for row in table.rows)
    return out.getvalue()


def _written(value: Cell) -> str | int | None:
    """A cell as people write it. Numbers have no groups of thousands, which a spreadsheet could take for decimals."""
    if isinstance(value, datetime):
        return f"{value.astimezone(ICT):%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal):
        return number(value, grouped=False)
    return value
