"""A cluster's scores as a workbook that computes: its formulas give what the program says, also in LibreOffice."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import yaml
from openpyxl import load_workbook
from openpyxl.formula.tokenizer import Tokenizer
from test_results import edition
from test_spreadsheets import opened_by_libreoffice, read, save_again

from application.score_standing import NO_CLASS, OPEN_CLASS
from application.score_workbook import ScoreBook, score_workbook
from application.yaml_files import read_model
from domain.rules import Edition
from domain.scoring.calculation import UnitSheet, calculate_scores
from domain.scoring.methods import as_shown
from i18n import in_language
from resources import RULES

REAL = sorted(RULES.glob("real/*.sheet.yaml"))


def of_file(file: Path) -> ScoreBook:
    """The sheets of a file in `rules/real`, under the edition beside it."""
    rules = read_model(file.with_name(file.name.replace(".sheet", "")), Edition)
    sheets = [UnitSheet.model_validate(one) for one in yaml.safe_load(file.read_text())["units"]]
    return made(rules, sheets)


def made(rules: Edition, sheets: Sequence[UnitSheet]) -> ScoreBook:
    return ScoreBook("Cụm 1, 2026", rules, sheets, {one.unit: f"=Đơn vị '{one.unit}'" for one in sheets})


def by_points(rules: Edition, *points: dict[str, Any], **more: Any) -> ScoreBook:
    """Units u0, u1, … with these points by criterion; `more` are fields of every sheet."""
    return made(
        rules,
        [
            UnitSheet.model_validate(
                {
                    "unit": f"u{n}",
                    "entries": [{"criterion": name, "points": str(value)} for name, value in one.items()],
                    **more,
                }
            )
            for n, one in enumerate(points)
        ],
    )


def of_a(rules: Edition, *points: Any, **more: Any) -> ScoreBook:
    return by_points(rules, *({} if one is None else {"a": one} for one in points), **more)


CLASSES = [{"id": "xs", "title": 'Xuất "sắc"', "least": 90}, {"id": "tot", "title": "Tốt", "least": 70}]
SHARED = [
    {"id": "xs", "title": "Xuất sắc", "share": "0.2", "least": 80},
    {"id": "tot", "title": "Tốt", "share": "1/2", "share_of": "left", "share_rounding": "half-up"},
    {"id": "kha", "title": "Khá", "share": "0.9", "share_of": "considered", "share_rounding": "up", "from_top": True},
]
PARTS = [
    {"id": "g", "max": 30, "children": [{"id": n, "title": n, "max": 20} for n in ("g1", "g2")]},
    {"id": "h", "max": 40, "take": "highest", "children": [{"id": n, "title": n, "max": 40} for n in ("h1", "h2")]},
    {
        "id": "k",
        "max": 30,
        "children": [{"id": "k1", "title": "k1", "max": 30}, {"id": "kt", "title": "kt", "part": "bonus"}],
    },
    {"id": "b", "part": "bonus", "max": 10},
    {
        "id": "t",
        "part": "penalty",
        "max": 8,
        "children": [{"id": n, "title": n, "part": "penalty"} for n in ("t1", "t2")],
    },
]


def editions() -> Iterator[tuple[str, ScoreBook]]:
    """Cases beside those of `rules/real`: each thing that ranks and classes depend on."""
    one = [{"id": "a", "max": 100}]
    yield (
        "halves",
        of_a(edition(one, 100, total_rounding={"places": 0, "mode": "half-up"}), "80.5", "0.5", "81.5", "80.4"),
    )
    yield (
        "halves to the even digit",
        of_a(edition(one, 100, total_rounding={"places": 0, "mode": "half-even"}), "80.5", "81.5", "80.4"),
    )
    yield (
        "half points",
        of_a(edition(one, 100, total_rounding={"step": "0.5", "mode": "down"}), "80.74", "80.75", "9.99"),
    )
    yield "ties", of_a(edition(one, 100, tie_tolerance="0.01"), "90.02", "90.01", "90", "89.99", "50", None)
    tied = edition([{"id": "a", "max": 50}, {"id": "c", "max": 50}, {"id": "d", "max": 50}], 150, ties_by=["c", "d"])
    yield (
        "ties by criteria",
        by_points(
            tied, *({"a": a, "c": c, "d": d} for a, c, d in ((10, 5, 5), (5, 10, 5), (5, 5, 10), (5, 10, 5), (0, 0, 0)))
        ),
    )
    yield "classes", of_a(edition(one, 100, classes=CLASSES), "90", "89.99", "70", "69.9", None)
    gap = [{**CLASSES[0], "most": 95}, {"id": "tot", "title": "Tốt", "least": 70, "under": 80}]
    yield "gaps", of_a(edition(one, 100, classes=gap), "96", "95", "85", "79.99", "80", "3")
    yield "ruled", of_a(edition(one, 100, classes=gap), "96", "95", "85", "3", None, ruled_class="tot")
    yield "shares", of_a(edition(one, 100, classes=SHARED), *(str(95 - 3 * n) for n in range(11)))
    yield "shares with ties", of_a(edition(one, 100, classes=SHARED), 95, 95, 95, 90, 88, 88, 70, 70, 12, 12, None)
    percent = edition(
        [{"id": "a", "max": 150}, {"id": "c", "max": 50, "kinds": ["lon"]}], 150, classes=CLASSES, classes_of="percent"
    )
    yield "percent", of_a(percent, "135", "134.9", "105", "10")
    floors = edition(
        [{"id": "a", "max": 60, "least_share": "1/3"}, {"id": "c", "max": 40}],
        100,
        pass_marks=[{"least": 60}],
        classes=[{**CLASSES[0], "least": 60, "passed": True}, {"id": "tot", "title": "Tốt", "least": 10}],
        class_conditions=[{"classes": ["xs"], "each_share": "0.5"}],
    )
    yield (
        "floors and conditions",
        by_points(
            floors, *({"a": a, "c": c} for a, c in ((60, 40), (19.99, 40), (40, 19), (30, 30), (5, 4), (20, 40)))
        ),
    )
    facts = edition(
        one,
        100,
        classes=CLASSES,
        facts=[{"id": "ky-luat", "title": "Có người bị kỷ luật"}],
        class_conditions=[{"fact": "ky-luat", "holds": False, "otherwise": "none"}],
    )
    for known in ({"ky-luat": True}, {"ky-luat": False}, {}):
        yield f"facts {known}", of_a(facts, 95, 75, 20, None, facts=known)
    yield "an excluded unit", of_a(edition(one, 100, classes=SHARED), 95, 90, excluded="Đang bị xem xét")
    parts = edition(PARTS, 100, bonus_cap="12", penalty_least="-5", classes=CLASSES)
    yield (
        "parts",
        by_points(
            parts,
            {"g1": 20, "g2": 15, "h1": 10, "h2": 35, "k1": 30, "kt": 5, "b": 10, "t1": 3, "t2": 7},
            {"g1": "9.1", "g2": "9.2", "h1": 40, "h2": 0, "k1": "0.3"},
            {"g1": 20, "g2": 20, "h1": 40, "k1": 30, "b": 1},
        ),
    )


CASES = [*((file.stem, file) for file in REAL), *editions()]


@pytest.fixture(params=[case for _name, case in CASES], ids=[name for name, _case in CASES])
def book(request: pytest.FixtureRequest) -> ScoreBook:
    return of_file(request.param) if isinstance(request.param, Path) else request.param


def of_units(sheets: dict[str, list[list[Any]]]) -> dict[str, list[Any]]:
    """The lines of the summary by the name of the unit."""
    return {row[0]: row for row in next(iter(sheets.values()))[4:]}


def shown(value: Any) -> Any:
    return as_shown(Decimal(repr(value))) if isinstance(value, (int, float)) else value


def told(book: ScoreBook) -> dict[str, list[Any]]:
    """What the program says: base, bonus, penalty, total, rank, class."""
    titles = {one.id: one.title for one in book.rules.scoring.classes}
    return {
        book.names[one.unit]: [
            *(shown(float(part)) for part in (one.base, one.bonus, one.penalty, one.total)),
            NO_CLASS if one.rank is None else one.rank,
            OPEN_CLASS if one.class_open is not None else titles.get(one.class_ or "", NO_CLASS),
        ]
        for one in calculate_scores(book.rules, book.sheets)
    }


def found_in(sheets: dict[str, list[list[Any]]]) -> dict[str, list[Any]]:
    return {
        unit: [*(shown(cell) for cell in row[1:5]), shown(row[6]), row[7]] for unit, row in of_units(sheets).items()
    }


def values(body: bytes) -> dict[str, list[list[Any]]]:
    """The stored results of a workbook."""
    return {
        sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)]
        for sheet in load_workbook(io.BytesIO(body), data_only=True).worksheets
    }


def test_what_stands_in_the_workbook_is_what_the_program_says(book: ScoreBook) -> None:
    with in_language("vi"):
        assert found_in(values(score_workbook(book))) == told(book)


IS_VALUE = {"halves to the even digit": 1, "ties": 1}
"""The cases in which a formula cannot say it, with how many values have the note."""


def test_only_what_a_formula_cannot_say_is_a_value(request: pytest.FixtureRequest, book: ScoreBook) -> None:
    with in_language("vi"):
        sheets = read(score_workbook(book))
    notes = [
        cell
        for rows in sheets.values()
        for row in rows
        for cell in row
        if isinstance(cell, str) and "do phần mềm tính" in cell
    ]
    assert len(notes) == next((n for name, n in IS_VALUE.items() if request.node.name.endswith(f"[{name}]")), 0), notes
    for row in of_units(sheets).values():
        assert all(str(cell).startswith("=") for cell in row[1:6])


def test_a_formula_refers_to_its_own_criteria(book: ScoreBook) -> None:
    """The cells in a sum are those of the criteria below, by their titles; the cap is that of the line."""
    sheets = {sheet.title: sheet for sheet in load_workbook(io.BytesIO(score_workbook(book))).worksheets}
    below = {}

    def note(nodes: Any) -> None:
        for node in nodes:
            below[node.title] = {child.title for child in node.children}
            note(node.children)

    note(book.rules.criteria)
    seen = 0
    for unit in book.sheets:
        sheet = sheets[next(title for title in sheets if title == book.names[unit.unit].strip("'")[:31])]
        for row in sheet.iter_rows(min_row=5):
            title, formula = row[0].value, str(row[3].value)
            if title not in below or not formula.startswith("=") or not below[title]:
                continue
            operands = [
                one.value for one in Tokenizer(formula).items if one.type == "OPERAND" and one.subtype == "RANGE"
            ]
            cells = [one for one in operands if one.startswith("D")]
            assert {sheet[f"A{one[1:]}"].value for one in cells} <= below[title]
            assert [one for one in operands if not one.startswith("D")] in ([], [f"B{row[0].row}"])
            seen += 1
    assert seen or not any(below.values())


def test_texts_are_texts_and_sheets_are_printed_on_a4(book: ScoreBook) -> None:
    found = load_workbook(io.BytesIO(score_workbook(book)))
    for sheet in found.worksheets:
        assert sheet.page_setup.paperSize == 9
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.print_title_rows == "$4:$4"
        texts = [cell for row in sheet.iter_rows() for cell in row if str(cell.value).startswith("=Đơn vị")]
        assert all(cell.data_type in {"s", "inlineStr"} for cell in texts)
    assert len({one.title for one in found.worksheets}) == len(found.worksheets)


def without_results(body: bytes) -> bytes:
    """The same workbook without the stored results of its formulas: a program must compute them."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(body)) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename.startswith("xl/worksheets/"):
                data = re.sub(rb' t="str"(?=><f>)', b"", data)
                data = re.sub(rb"(<f>[^<]*</f>)<v>[^<]*</v>", rb"\1", data)
                assert b"</f><v>" not in data
            new.writestr(part.filename, data)
    return out.getvalue()


@opened_by_libreoffice
def test_libreoffice_computes_what_the_program_says(tmp_path: Path) -> None:
    """All cases, the five real editions among them, each computed anew."""
    books = [of_file(case) if isinstance(case, Path) else case for _name, case in CASES]
    files = [tmp_path / f"{n}.xlsx" for n in range(len(books))]
    with in_language("vi"):
        for file, book in zip(files, books, strict=True):
            file.write_bytes(without_results(score_workbook(book)))
    save_again(tmp_path, files)
    found = {
        name: found_in(values((tmp_path / "out" / f"{n}.xlsx").read_bytes())) for n, (name, _case) in enumerate(CASES)
    }
    assert found == {name: told(book) for (name, _case), book in zip(CASES, books, strict=True)}
