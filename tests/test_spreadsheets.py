"""What comes out for a spreadsheet: workbooks and CSV, read back and compared with the pages."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from board_help import ORGANISERS, made_up_lines, write_lines
from conftest import eventually
from engine_help import CITY, open_cycle, submit, units
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from speech import RULES
from web_help import Site

from application.downloads import Cell, Table, csv_text, day_cell, spoken_phone
from application.spreadsheets import MOST_TITLE, MOST_UNITS, workbook
from application.year_scores import SpooledRows
from i18n import in_language

TEXTS = (
    *("=1+1", "+84 24 3825 0000", "-5", "@SUM(A1)", "\t=1", "0912345678", "1.2", "3/4", "1e5", "TRUE", "#N/A"),
    *("https://example.vn", "mailto:a@example.vn", "{=1}", "Đống Đa; \"Ba Đình\", 'x'", " hai  dấu cách ", "a\nb"),
    *("_x0041_", "Lớp\x0bhai", "𝟙" * 3, "'dấu nháy"),
)
"""Texts that a program could take for something else."""


def read(body: bytes) -> dict[str, list[list[Any]]]:
    return {
        sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)]
        for sheet in load_workbook(io.BytesIO(body)).worksheets
    }


def a_table(rows: Sequence[Sequence[Cell]], headings: tuple[str, ...] = ("chữ", "giá trị")) -> Table:
    return Table("Bảng thử", headings, rows)


def test_texts_days_and_numbers_are_what_they_were() -> None:
    instant = datetime(2026, 7, 20, 17, 30, tzinfo=UTC)  # half past midnight of the next day in Việt Nam
    values: dict[Cell, Any] = {
        date(2026, 7, 20): datetime(2026, 7, 20),  # noqa: DTZ001 - as openpyxl reads a day
        instant: datetime(2026, 7, 21, 0, 30),  # noqa: DTZ001 - as above
        Decimal("85.50"): 85.5,
        12: 12,
        None: None,
        "": None,
        date(1890, 1, 2): "02/01/1890",
    }
    body = workbook([a_table([(one, one) for one in TEXTS]), a_table([(one, None) for one in values])])
    first, second = load_workbook(io.BytesIO(body)).worksheets
    cells = [cell for row in first.iter_rows(min_row=2) for cell in row]
    assert [unescape(cell.value) for cell in cells] == [text for one in TEXTS for text in (one, one)]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert not any(cell.hyperlink for cell in cells)
    assert [row[0].value for row in second.iter_rows(min_row=2)] == list(values.values())
    assert second["A2"].number_format == "dd/mm/yyyy"
    assert second["A3"].number_format == "dd/mm/yyyy hh:mm"
    assert (first.freeze_panes, first.print_title_rows, first.page_setup.paperSize) == ("A2", "$1:$1", 9)
    assert "&P" in first.oddFooter.right.text


def test_what_a_sheet_cannot_hold_is_cut_and_says_so() -> None:
    body = workbook(
        [
            Table("Cụm: [1/2] * một tên dài hơn ba mươi mốt chữ?", ("a",), [("😀" * MOST_UNITS,), ("\ufffe\uffffx",)]),
            Table("Cụm  1 2    một tên dài hơn ba mươi mốt chữ?", ("=a",), []),
            Table("'", ("a",), [("x",)]),
        ]
    )
    found = read(body)
    assert len({title.casefold() for title in found}) == 3
    assert all(len(title) <= MOST_TITLE and not re.search(r"[\[\]:*?/\\]", title) for title in found)
    long = next(iter(found.values()))
    assert long[1][0].endswith("😀 …")
    assert len(long[1][0].encode("utf-16-le")) <= 2 * MOST_UNITS
    assert long[2] == ["x"]
    assert list(found.values())[1] == [["=a"]]


def test_a_csv_file_opens_in_columns_where_numbers_have_a_comma() -> None:
    with in_language("vi"):
        text = csv_text(
            a_table([("Đống Đa; =1", Decimal("1085.50")), (None, date(2026, 7, 5)), ("-x", 7), ('"', Decimal(100))])
        )
    assert text.startswith('\ufeff"chữ";"giá trị"\r\n')
    assert "sep=" not in text
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert rows[1:] == [["Đống Đa;' =1", "1085,5"], ["", "05/07/2026"], ["'-x", "7"], ['"', "100"]]


def test_days_and_telephone_numbers_as_people_write_them() -> None:
    assert [day_cell(one) for one in ("05/07/2026", "07/2026", "2026", "")] == [
        date(2026, 7, 5),
        "07/2026",
        "2026",
        None,
    ]
    said = {"0912345678": "0912 345 678", "02438250000": "02438 250 000", "+84912345678": "+84912345678", "": ""}
    assert {one: spoken_phone(one) for one in said} == said


LIBREOFFICE = next(
    (one for one in (os.environ.get("SOFFICE"), shutil.which("soffice"), shutil.which("libreoffice")) if one), ""
)
is_tried = Path(LIBREOFFICE).is_file()
opened_by_libreoffice = pytest.mark.skipif(
    not is_tried,
    reason="NOT TRIED: LibreOffice is not on this machine; openpyxl alone has read the files back (make soak gets it)",
)


def plain(sheets: dict[str, list[list[Any]]]) -> dict[str, list[list[Any]]]:
    """Cells without the escapes of the format, of which programs write more or fewer."""
    return {
        title: [[unescape(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
        for title, rows in sheets.items()
    }


def saved_again(folder: Path, body: bytes, extension: str = "xlsx") -> dict[str, list[list[Any]]]:
    """What LibreOffice finds in a file: it opens it as a Vietnamese office does, and saves it as a workbook."""
    file = folder / f"bang.{extension}"
    file.write_bytes(body)
    # ";" between cells, '"' around them, UTF-8, Vietnamese (the code of the language), quoted cells are texts
    save_again(folder, [file], *([] if extension == "xlsx" else ["--infilter=CSV:59,34,76,1,,1066,true,false"]))
    return read((folder / "out" / "bang.xlsx").read_bytes())


def save_again(folder: Path, files: Sequence[Path], *how: str) -> None:
    """Let LibreOffice open files and save each as a workbook in the folder `out`."""
    home = f"-env:UserInstallation=file://{folder}/home"
    command = [
        LIBREOFFICE,
        home,
        "--headless",
        *how,
        "--convert-to",
        "xlsx",
        "--outdir",
        f"{folder}/out",
        *map(str, files),
    ]
    done = subprocess.run(command, check=False, timeout=120, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("Error")) == (0, 0), done.stderr


@opened_by_libreoffice
def test_libreoffice_finds_in_a_workbook_what_was_written(tmp_path: Path) -> None:
    # What looks like an escape of the format is read right, and saved again without its own escape.
    texts = a_table([(one, one) for one in TEXTS if one.isprintable() and not one.startswith("_x")])
    others = [date(2026, 7, 20), datetime(2026, 7, 20, 17, 30, tzinfo=UTC), Decimal("85.50"), 12, date(1890, 1, 2)]
    body = workbook([texts, a_table([(str(number), one) for number, one in enumerate(others)])])
    assert plain(saved_again(tmp_path, body)) == plain(read(body))


@opened_by_libreoffice
def test_libreoffice_finds_in_a_csv_file_what_was_written(tmp_path: Path) -> None:
    with in_language("vi"):
        body = csv_text(a_table([("Đống Đa; “x”", "0912 345 678"), ('"', "a\nb"), ("Ủy ban", "-")]))
    (rows,) = saved_again(tmp_path, body.encode(), "csv").values()
    assert rows == [["chữ", "giá trị"], ["Đống Đa; “x”", "0912 345 678"], ['"', "a\nb"], ["Ủy ban", "'-"]]


@pytest.mark.shows_keys("made-up lines hold codes that no version knows")
async def test_workbooks_hold_what_the_pages_show(site: Site, tmp_path: Path) -> None:
    lines = made_up_lines(7, 30, (2025, 2026), ORGANISERS)
    for line in lines:
        for task in line["open"]:
            task["duty"] = "stance"
    await write_lines(site.app.ledger.pool, lines)
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")

    async def sheets(path: str) -> dict[str, list[list[Any]]]:
        answer = await secretary.http.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-disposition"].endswith('.xlsx"')
        found = read(answer.content)
        if is_tried:
            assert plain(saved_again(tmp_path, answer.content)) == plain(found), path
        return found

    own = [line for line in lines if line["cycle"].startswith(f"{CITY}/2026/")]
    found = await sheets("/bang.xlsx?nam=2026")
    assert list(found) == ["Bảng theo dõi", "Việc quá hạn"]
    (title, heading), rows = board_rows(found["Bảng theo dõi"])
    assert (title, heading[:5]) == ("Bảng theo dõi", ["cụm", "năm", "cụm trưởng", "bước", "hạn sắp tới"])
    assert len(rows) == len(own)
    assert all(isinstance(row[1], int) and isinstance(row[4], datetime | None) for row in rows)
    assert any(row[4] for row in rows)
    # Each overdue task that the board counts stands on the second sheet.
    (_title, heading), late = board_rows(found["Việc quá hạn"])
    assert sum(row[6] for row in rows) == len(late) > 0
    days = heading.index("số ngày quá hạn")
    assert all(row[days] >= 0 for row in late)
    assert any(row[days] > 0 for row in late)
    ((tasks_title, tasks),) = (await sheets("/viec.xlsx")).items()
    assert tasks_title == "Việc phải làm"
    owed = [task for line in lines for task in line["open"] if task["unit"] == CITY]
    # What the secretariat answers stands first, reports to accept among it; what waits for others at the end.
    states = [row[1] for row in tasks[1:]]
    answers, others = states.count("chờ trả lời"), [one for one in states if one != "chờ trả lời"]
    assert states[:answers] == ["chờ trả lời"] * answers
    assert answers
    assert len(others) == len(owed)
    asked = sum(len(line["extensions_asked"]) for line in lines if line["cycle"].startswith(f"{CITY}/"))
    assert asked == sum(row[7] is not None for row in tasks[1 : answers + 1])
    ((_title, deviations),) = (await sheets("/diem-khac.xlsx?nam=2026")).items()
    assert len(deviations) - 1 == sum(len(line["found"]) for line in own)
    ((_title, people),) = (await sheets("/nguoi-dung.xlsx?tim=thu-ky")).items()
    assert [row[:5] for row in people[1:]] == [
        ["Nguyễn Thu Ky", people[1][1], "cán bộ", "024 0000 0000", "thu-ky@example.invalid"]
    ]
    for path in ("/bang", "/viec", "/diem-khac", "/nguoi-dung"):
        assert f'href="{path}.xlsx' in await secretary.get(path)


def board_rows(sheet: list[list[Any]]) -> tuple[tuple[Any, list[Any]], list[list[Any]]]:
    """The title of a sheet and its headings, and the rows under them."""
    at = next(n for n, row in enumerate(sheet) if row[0] == "cụm")
    return (sheet[0][0], sheet[at]), sheet[at + 1 :]


async def test_points_of_all_clusters_of_a_year_are_one_workbook(site: Site) -> None:
    streams = [await open_cycle(site.app, RULES, members=units(count)) for count in (2, 3, 2)]
    for stream, points in zip(streams[:2], ("12.5", "7.25"), strict=True):
        sheet = [{"criterion": leaf, "points": points} for leaf in ("a1", "a2", "b")]
        await submit(site.app, stream, "don-vi-1", "score-self", {"unit": "don-vi-1", "sheet": sheet})
    await submit(site.app, streams[1], CITY, "appraise", {"unit": "don-vi-1", "sheet": sheet})
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("khac", "mttq-khac", "secretariat")
    secretary, other = await site.log_in("thu-ky"), await site.log_in("khac")
    assert other.status == 200, "the board of a register without a year has no points to save"

    async def known() -> bool:
        return (await secretary.get("/bang")).count("Cụm</a>") == 3

    await eventually(known)
    assert 'href="/bang/diem.xlsx?nam=2026"' in secretary.page
    found = read((await secretary.http.get("/bang/diem.xlsx?nam=2026")).content)
    assert list(found) == ["Bảng tổng hợp điểm", "Điểm theo tiêu chí"]
    heading, *totals = found["Bảng tổng hợp điểm"]
    assert heading == ["cụm", "đơn vị", "tự chấm", "thẩm định", "thứ hạng"]
    given = sorted((row[2], row[3]) for row in totals if row[2] is not None)
    assert given == [(21.75, 21.75), (37.5, None)]
    heading, *points_ = found["Điểm theo tiêu chí"]
    assert heading == ["cụm", "đơn vị", "TT", "tiêu chí", "cấp", "điểm tối đa", "vòng chấm", "điểm"]
    for round_, total in (("tự chấm", 37.5), ("thẩm định", 21.75)):
        of_round = [row for row in points_ if row[6] == round_ and row[7] is not None]
        leaves = [row[7] for row in of_round if str(row[4]).startswith("tiêu chí")]
        assert sum(leaves) == sum(row[7] for row in of_round if row[4] == "tổng"), of_round
        assert total in [row[7] for row in of_round if row[4] == "tổng"]
    assert Counter((row[6], row[7]) for row in points_ if row[7] in {12.5, 7.25}) == {
        ("tự chấm", 12.5): 3,
        ("tự chấm", 7.25): 3,
        ("thẩm định", 7.25): 3,
    }
    assert (await secretary.http.get("/bang/diem.csv")).text.count("Đơn vị 1") == 2
    nothing = read((await other.http.get("/bang/diem.xlsx?nam=2026")).content)
    assert [len(rows) for rows in nothing.values()] == [1, 1], "another organiser's points"


def test_rows_in_a_file_are_read_back_in_parts() -> None:
    with tempfile.TemporaryFile() as file:
        rows = SpooledRows(file, [])
        for first in (0, 3, 3, 7):
            rows.add([(n, f"dòng {n}") for n in range(first, first + 4)])
        whole = list(rows)
        assert len(rows) == len(whole) == 16
        for start, stop in ((0, 16), (2, 5), (4, 4), (7, 99), (15, 16)):
            assert list(rows[start:stop]) == whole[start:stop]
            assert len(rows[start:stop]) == len(whole[start:stop])
            assert list(rows[2:14][start:stop]) == whole[2:14][start:stop]
        assert rows[5] == whole[5]


async def test_points_come_out_as_far_as_they_are_open_and_every_download_is_logged(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    for unit, points in (("don-vi-1", ("12.5", "3", "10")), ("don-vi-3", ("7.25", "0", "1"))):
        sheet = [{"criterion": leaf, "points": one} for leaf, one in zip(("a1", "a2", "b"), points, strict=True)]
        await submit(site.app, stream, unit, "score-self", {"unit": unit, "sheet": sheet})
    await site.person("an", "don-vi-1")
    await site.person("kiem-tra", "thanh-tra", "auditor")
    an, auditor = await site.log_in("an"), await site.log_in("kiem-tra")
    whole = read((await auditor.http.get(f"/cum/{stream}/bang-diem.xlsx")).content)
    own = read((await an.http.get(f"/cum/{stream}/bang-diem.xlsx")).content)
    assert list(whole) == list(own) == ["Bảng tổng hợp điểm", "Điểm theo tiêu chí"]
    assert [row[1] for row in whole["Bảng tổng hợp điểm"][1:]] == [25.5, None, 8.25]
    assert [row[1] for row in own["Bảng tổng hợp điểm"][1:]] == [25.5, "chưa công khai", "chưa công khai"]
    assert {row[0] for row in own["Điểm theo tiêu chí"][1:]} == {"Đơn vị 1"}
    assert 7.25 in [row[5] for row in whole["Điểm theo tiêu chí"]]
    text = (await an.http.get(f"/cum/{stream}/bang-diem.csv")).text
    assert '"Đơn vị 1";"25,5"' in text
    assert not {"7,25", "8,25"} & set(re.findall(r"[\d,]+", text))
    page = await an.get(f"/cum/{stream}/bang-diem")
    assert ("25,5" in page, "8,25" in page) == (True, False)
    await an.http.get("/viec.xlsx")
    log = await auditor.get("/nhat-ky-doc")
    told = re.sub(r"<[^>]+>|\s+", " ", log)
    assert told.count("Bảng tổng hợp điểm, tải về dạng bảng") >= 3
    assert "Việc phải làm, tải về dạng bảng" in told
