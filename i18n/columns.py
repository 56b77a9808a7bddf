"""The headings of tables that people save as files for a spreadsheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from i18n import NC_, _

COLUMNS: Mapping[str, str] = {
    "absent": NC_("column", "stands in for"),
    "act": NC_("column", "number of the act"),
    "article": NC_("column", "article"),
    "cluster": NC_("column", "cluster"),
    "corrected_by": NC_("column", "corrected by act"),
    "details": NC_("column", "details"),
    "deviations": NC_("column", "open deviations"),
    "digest": NC_("column", "digest"),
    "extensions_asked": NC_("column", "extensions asked for"),
    "how_sure": NC_("column", "how sure"),
    "line": NC_("column", "what stands there"),
    "moment": NC_("column", "moment"),
    "next_deadline": NC_("column", "next deadline"),
    "on": NC_("column", "date"),
    "only": NC_("column", "only at this moment"),
    "organiser": NC_("column", "organiser"),
    "overdue": NC_("column", "overdue tasks"),
    "position": NC_("column", "position in the register"),
    "recorded": NC_("column", "recorded at"),
    "source": NC_("column", "source"),
    "state": NC_("column", "state"),
    "step": NC_("column", "step"),
    "text": NC_("column", "what happened"),
    "unit": NC_("column", "unit"),
    "waiting_for": NC_("column", "waiting for"),
    "what": NC_("column", "deviation"),
    "who": NC_("column", "entered by"),
    "year": NC_("column", "year"),
}


def with_headings(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows by headings in the language in use.

    Raises:
        KeyError: a column has no heading.
    """
    return [{_(COLUMNS[name]): value for name, value in row.items()} for row in rows]
