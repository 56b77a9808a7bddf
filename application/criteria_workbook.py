"""The table of criteria as a workbook: of an edition, to be changed there and brought back, and as a template."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from xlsxwriter import Workbook

from application.criteria_columns import CELLS, MOST, NUMBER, PART, TITLE, WAY, cell_of, part_cell, way_cell
from application.edition_checks import nodes_of
from application.edition_texts import Values
from application.formula_sheets import FormulaSheet
from domain import limits
from i18n import _
from i18n.edition_fields import edition_choices
from i18n.messages import word
from i18n.words import WORDS


def criteria_workbook(values: Mapping[str, Any], names: Mapping[str, str], *, with_all: bool = False) -> bytes:
    """Return the table of criteria as a workbook (XLSX) that `read_criteria` reads; `with_all`: with every column."""
    nodes = list(nodes_of(values))
    cells = [one for one in CELLS if with_all or any(cell_of(node, one, names) for _place, _depth, node in nodes)]
    has_parts = with_all or any(part_cell(node) for _place, _depth, node in nodes)
    has_ways = with_all or any(way_cell(node) or node.get("way") for _place, _depth, node in nodes)
    fixed = [NUMBER, TITLE, MOST, *([PART] if has_parts else []), *([WAY] if has_ways else [])]
    sheet = FormulaSheet(_("Table of criteria"), set(), heading=0)
    sheet.head([], [*fixed, *(one.name for one in cells)])
    for at, (_place, depth, node) in enumerate(nodes, start=1):
        look = "head text" if node.get("children") else "text"
        told = {
            NUMBER: str(node.get("number", "")),
            TITLE: str(node.get("title", "")),
            MOST: _shown_points(node.get("max")),
            PART: part_cell(node),
            WAY: "" if node.get("children") else _way_or_hand(node),
        }
        for column, name in enumerate(fixed):
            sheet.put(at, column, told[name], look, min(depth, 8) if name == TITLE else 0)
        for column, one in enumerate(cells, start=len(fixed)):
            sheet.put(at, column, cell_of(node, one, names), look)
    if values.get("total") is not None:
        sheet.put(len(nodes) + 1, 1, _TOTAL_LINE, "head text")
        sheet.put(len(nodes) + 1, 2, _shown_points(values["total"]), "head text")
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True}) as book:
        written = book.add_worksheet(sheet.title)
        sheet.write(written, {}, book)
        checks = {
            PART: [words for _value, words in edition_choices("part")],
            WAY: [word("scoring_method", one) for one in WORDS["scoring_method"].words],
        }
        for name, words in checks.items():
            if name in fixed:
                column = fixed.index(name)
                check = {"validate": "list", "source": words, "ignore_blank": True, "show_error": False}
                written.data_validation(1, column, limits.CRITERIA_PER_EDITION, column, check)
    return out.getvalue()


_TOTAL_LINE = "Tổng cộng"
"""As the heads of the columns: in Vietnamese, in which tables of criteria are written."""


def _way_or_hand(node: Mapping[str, Any]) -> str:
    """The way of a criterion, also points by hand where it has figures of its own."""
    return way_cell(node) or (word("scoring_method", "hand") if node.get("way") else "")


def _shown_points(value: Any) -> str:
    return "" if value is None else str(value).replace(".", ",")


EXAMPLE: Values = {
    "total": 110,
    "criteria": [
        {
            "id": "1",
            "number": "I",
            "title": "Công tác tuyên truyền",
            "max": 40,
            "children": [
                {
                    "id": "1-1",
                    "number": "1",
                    "title": "Tin, bài được đăng",
                    "max": 20,
                    "way": {"way": "count", "each": "0.5"},
                },
                {"id": "1-2", "number": "2", "title": "Hội nghị tuyên truyền", "max": 20, "way": {"way": "linear"}},
            ],
        },
        {"id": "2", "number": "II", "title": "Phong trào thi đua", "max": 60, "way": {"way": "hand", "step": "0.5"}},
        {"id": "3", "number": "III", "title": "Điểm thưởng: cách làm sáng tạo", "part": "bonus", "max": 10},
        {
            "id": "4",
            "number": "IV",
            "title": "Điểm trừ: báo cáo muộn",
            "part": "penalty",
            "max": 5,
            "way": {"way": "count", "each": -1},
        },
    ],
}
"""What the template shows: a table as offices have it."""
