"""Data as texts to be saved: JSON, and CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from application.csv_escaping import escape_cell


def json_text(data: Any) -> str:
    """Data as JSON that people can read; instants and days in ISO form."""
    return json.dumps(data, ensure_ascii=False, indent=2, default=str)


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a byte order mark, which spreadsheets need for UTF-8; no cell is read as a formula.

    All cells are quoted: where ";" separates lists, one inside a cell would begin another.
    """
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(rows[0] if rows else ())
    writer.writerows([escape_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()
