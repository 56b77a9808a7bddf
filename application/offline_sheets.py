"""A unit's score sheet to fill in without a connection, as a workbook. `offline_reading` reads it back.

The file says whose it is: cluster and year, unit, round, edition, and a code of all four. Rows are known by their
number, and by the criterion's title where the number is gone. What cannot be used is told by its cell.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic_core import PydanticCustomError
from xlsxwriter import Workbook

from application.formula_sheets import FormulaSheet
from application.score_sheets import Sheet, SheetRow
from application.tables import LONG_CHARS
from application.visits import VisitedCycle
from domain.cycle import CYCLE
from domain.file_references import without_references
from domain.numbers import read_number
from domain.scoring.calculation import bounds
from domain.scoring.methods import AllOrNothing
from i18n import N_, _
from i18n.columns import COLUMNS
from i18n.fields import field_label
from i18n.values import round_title

TYPED_FIGURES = ("points", "actual", "target", "count", "met")
TEXTS = ("reason", "evidence")
"""What a row can hold, in the order of the columns."""

LABELS = {
    "cluster": N_("Cluster"),
    "unit": N_("Unit"),
    "round": N_("Round"),
    "edition": N_("Rules"),
    "code": N_("Code"),
}
"""What the head of the file says, in the order in which it is compared with the page."""


def offline_sheet(cycle: VisitedCycle, sheet: Sheet) -> bytes:
    """Return the sheet as a workbook (XLSX): cells that are not to be filled in are locked."""
    facts = facts_of(cycle, sheet)
    page = FormulaSheet(round_title(sheet.round, sheet.names).capitalize(), set(), heading=len(facts) + 2)
    leaves = [row for row in sheet.rows if row.number is not None]
    columns = [name for name in TYPED_FIGURES if any(name in row.figures for row in leaves)]
    rounds = list(dict.fromkeys(name for row in leaves for name, _points, _evidence in row.before))
    heads = [_(COLUMNS[name]) for name in ("ordinal", "criterion", "least", "most")]
    heads += [round_title(name, sheet.names) for name in rounds]
    first = len(heads)
    page.head([_("Score sheet")], [*heads, *(field_label(name) for name in (*columns, *TEXTS))])
    for line, (name, text) in enumerate(facts.items(), start=1):
        page.put(line, 0, _(LABELS[name]), "line")
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
    page.put(at, 1, node.numbered_title, look, min(row.depth, 8))
    least, most = (None, node.max) if row.number is None else bounds(node)
    page.put(at, 2, least, "head number" if row.number is None else "number")
    page.put(at, 3, most, "head number" if row.number is None else "number")
    page.put(at, 0, "" if row.number is None else str(row.number + 1), look)
    before = {name: points for name, points, _evidence in row.before}
    for column, name in enumerate(rounds, start=4):
        page.put(at, column, _number_or_text(before.get(name, "")), "number" if name in before else look)
    for column, name in enumerate((*columns, *TEXTS), start=first):
        if row.number is None or (name in columns and (name == "met" or name not in row.figures)):
            page.put(at, column, "", look)
        elif name in TEXTS:
            text = _text_of(row.typed.get(name))
            fits = len(text) < LONG_CHARS  # what does not is on the page only, and stays as it is there
            page.put(at, column, text if fits else "", "input text" if fits else look)
        else:
            page.put(at, column, _number_or_text(row.typed.get(name, "")), "input number")
            checks.append((at, column, _check(name, least, most)))
    at += 1
    if "met" in row.figures and isinstance(node.way, AllOrNothing):
        given = row.typed.get("met") or ()
        met = {given} if isinstance(given, str) else set(given)
        for number, one in enumerate(node.way.conditions, start=1):
            for column in range(first + len(columns) + len(TEXTS)):
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


def facts_of(cycle: VisitedCycle, sheet: Sheet) -> dict[str, str]:
    """What the head of the file says, by the names of `LABELS`."""
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
