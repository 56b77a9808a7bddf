"""A unit's score sheet is saved as a workbook, filled in elsewhere and read into the form: nothing is sent by it."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from typing import Any

import httpx
from engine_help import CITY, open_cycle, submit, units
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from web_help import Site, Visitor

from application.spreadsheets import WORKBOOK
from domain.rules import Edition

RULES = Edition.model_validate(
    {
        "id": "ngoai-tuyen",
        "title": "Quy chế thử",
        "cross_checks": "next-in-list",
        "criteria": [
            {
                "id": "a",
                "title": "Nhóm A",
                "max": 60,
                "children": [
                    {"id": "a1", "title": "=Tuyên truyền", "max": "10.5", "number": "I.1"},
                    {"id": "a2", "title": "Tin, bài", "max": 20, "way": {"way": "count", "each": "0.5"}},
                    {
                        "id": "a3",
                        "title": "Nền nếp",
                        "max": 30,
                        "way": {
                            "way": "all-or-nothing",
                            "conditions": [{"id": "k1", "title": "Đủ báo cáo"}, {"id": "k2", "title": "Đúng hạn"}],
                        },
                    },
                ],
            },
            {"id": "b", "title": "Thi đua", "max": 40, "way": {"way": "linear"}},
            {"id": "t", "title": "Vi phạm", "part": "penalty", "max": 5},
        ],
        "total": "100",
    }
)
Change = Callable[[Worksheet], Any]


def form_of(stream: str, unit: str = "don-vi-1", act: str = "score-self") -> str:
    return f"/cum/{stream}/lam/{act}?unit={unit}"


async def saved(visitor: Visitor, form: str) -> bytes:
    """The sheet as the link of the form's page saves it."""
    page = await visitor.get(form)
    link = re.search(r'href="([^"]+/bang-cham\.xlsx[^"]*)"', page)
    assert link is not None
    answer = await visitor.http.get(html.unescape(link.group(1)))
    assert (answer.status_code, answer.headers["content-type"]) == (200, WORKBOOK)
    return answer.content


def changed(body: bytes, change: Change) -> bytes:
    book = load_workbook(io.BytesIO(body))
    change(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def columns(sheet: Worksheet) -> dict[str, str]:
    """The letter of each column by its heading."""
    head = next(row for row in sheet.iter_rows() if row[0].value == "TT")
    return {str(cell.value).lower(): cell.column_letter for cell in head}


def line_of(sheet: Worksheet, title: str) -> int:
    return next(row[1].row for row in sheet.iter_rows() if row[1].value == title)


def fill(sheet: Worksheet, **more: Any) -> None:
    """Fill in a whole sheet."""
    at = columns(sheet)

    def put(title: str, column: str, value: Any) -> None:
        sheet[f"{at[column]}{line_of(sheet, title)}"] = value

    put("I.1 =Tuyên truyền", "điểm", 9.125)
    put("I.1 =Tuyên truyền", "lý do", "=lý do của ô\ndòng hai")
    put("I.1 =Tuyên truyền", "minh chứng", "12/BC\n13/BC")
    put("Tin, bài", "số lần, số lượng", 31)
    put("Đủ báo cáo", "điều kiện đạt", "x")
    put("Đúng hạn", "điều kiện đạt", "Có")
    put("Thi đua", "kết quả thực hiện", "18,5")
    put("Thi đua", "chỉ tiêu", 20)
    put("Vi phạm", "điểm", -2)


async def sent(visitor: Visitor, form: str, body: bytes, name: str = "bang.xlsx") -> httpx.Response:
    """Choose a file on the form's page and press the button that reads it."""
    await visitor.get(form)
    fields = {**visitor.hidden(), "unit": re.search("unit=([^&]+)", form)[1], "_step": "offline"}  # type: ignore[index]
    answer = await visitor.http.post(form, data=fields, files={"_offline": (name, body)})
    visitor.page, visitor.status = answer.text, answer.status_code
    return answer


def values_in(page: str) -> dict[str, str]:
    """What the inputs of the sheet hold."""
    found = dict(re.findall(r'<input id="s-[^"]*" name="(sheet[^"]+)" value="([^"]*)"', page))
    areas = re.findall(r'<textarea id="s-[^"]*" name="(sheet[^"]+)"[^>]*>([^<]*)</textarea>', page)
    boxes = re.findall(r'<input type="checkbox" id="s-[^"]*" name="(sheet[^"]+)" value="([^"]*)" checked', page)
    return {name: html.unescape(value) for name, value in (*found.items(), *areas, *boxes) if value}


FILLED = {
    "sheet.0.points": "9.1250",
    "sheet.0.reason": "=lý do của ô\ndòng hai",
    "sheet.0.evidence": "12/BC\n13/BC",
    "sheet.1.count": "31",
    "sheet.2.met.0": "k1",
    "sheet.2.met.1": "k2",
    "sheet.3.actual": "18,5",
    "sheet.3.target": "20",
    "sheet.4.points": "-2",
}


async def test_a_sheet_goes_out_comes_back_and_is_sent_from_the_form(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await site.person("an", "don-vi-1")
    an, form = await site.log_in("an"), form_of(stream)
    body = await saved(an, form)
    sheet = load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    assert sheet.protection.sheet
    at, line = columns(sheet), line_of(sheet, "I.1 =Tuyên truyền")
    assert [sheet[f"{letter}{line}"].value for letter in "ABCD"] == ["1", "I.1 =Tuyên truyền", 0, 10.5]
    open_cells = {cell.coordinate for row in sheet.iter_rows() for cell in row if not cell.protection.locked}
    assert {f"{at['điểm']}{line}", f"{at['lý do']}{line}", f"{at['minh chứng']}{line}"} <= open_cells
    assert not {f"{letter}{line}" for letter in ("A", "B", "C", "D", at["số lần, số lượng"])} & open_cells
    checks = {str(one.sqref): one for one in sheet.data_validations.dataValidation}
    assert (checks[f"{at['điểm']}{line}"].formula1, checks[f"{at['điểm']}{line}"].formula2) == ("0.0", "10.5")

    await sent(an, form, changed(body, fill))
    assert an.status == 200, re.findall(r'id="loi".*?</div>', an.page, re.DOTALL)
    assert values_in(an.page) == FILLED
    assert "Đã đọc 5 tiêu chí từ tệp. Chưa gửi gì." in an.page
    assert await site.app.state(stream) is not None
    assert (await site.app.state(stream))[0].scores == {}, "nothing is sent by reading a file"
    assert values_in(await an.get(form)) == FILLED, "it is kept as a draft"
    # Saved once more, the sheet holds what the form holds, and reads the same.
    again = await saved(an, form)
    await sent(an, form, again)
    assert values_in(an.page) == {**FILLED, "sheet.0.points": "9.1250", "sheet.3.actual": "18.5"}
    fields = {**an.hidden(), **values_in(an.page), "_step": "send"}
    await an.post(form, **fields)
    assert "/bien-nhan/" in an.at, an.page[:2000]
    scored = (await site.app.state(stream))[0].scores["don-vi-1", "self"].sheet
    assert [float(item.points) for item in scored if item.points is not None] == [9.125, -2]
    assert "9,125" in await an.get(f"/cum/{stream}/bang-diem/don-vi-1")


async def test_the_programs_own_long_texts_come_back_whole(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await site.person("an", "don-vi-1")
    an, form = await site.log_in("an"), form_of(stream)
    long, longer = "lý do " * 200, "y" * 20_000
    await sent(an, form, changed(await saved(an, form), fill))
    typed = {**values_in(an.page), "sheet.0.reason": long.strip(), "sheet.1.reason": longer}
    await an.post(form, **{**an.hidden(), **typed, "_step": "save"})
    body = await saved(an, form)
    fields = {**an.hidden(), **typed, "unit": "don-vi-1", "_step": "offline"}
    answer = await an.http.post(form, data=fields, files={"_offline": ("bang.xlsx", body)})
    an.page = answer.text
    assert answer.status_code == 200, re.findall(r'id="loi".*?</div>', an.page, re.DOTALL)
    assert {name: values_in(an.page)[name] for name in ("sheet.0.reason", "sheet.1.reason")} == {
        "sheet.0.reason": long.strip(),
        "sheet.1.reason": longer,
    }, "one that fits no cell stays as it is on the page"


async def test_what_cannot_be_used_is_told_by_its_cell_and_nothing_is_taken(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await site.person("an", "don-vi-1")
    an, form = await site.log_in("an"), form_of(stream)
    body = await saved(an, form)

    def spoil(sheet: Worksheet) -> None:
        fill(sheet)
        at = columns(sheet)
        sheet[f"{at['điểm']}{line_of(sheet, 'I.1 =Tuyên truyền')}"] = 11
        sheet[f"{at['số lần, số lượng']}{line_of(sheet, 'Tin, bài')}"] = "nhiều"
        sheet[f"{at['điều kiện đạt']}{line_of(sheet, 'Đúng hạn')}"] = "có lẽ"
        sheet[f"{at['điểm']}{line_of(sheet, 'Thi đua')}"] = 3
        sheet[f"{at['lý do']}{line_of(sheet, 'Vi phạm')}"] = "x" * 20_001
        sheet[f"{at['chỉ tiêu']}{line_of(sheet, 'Thi đua')}"] = "=1+"

    await sent(an, form, changed(body, spoil))
    assert an.status == 422
    told = html.unescape(re.sub(r"<[^>]+>", " ", an.page[an.page.index('id="loi"') :].split("</div>")[0]))
    at = columns(load_workbook(io.BytesIO(body)).active)  # type: ignore[arg-type]
    for title, column in (
        ("I.1 =Tuyên truyền", "điểm"),
        ("Tin, bài", "số lần, số lượng"),
        ("Đúng hạn", "điều kiện đạt"),
        ("Thi đua", "điểm"),
        ("Vi phạm", "lý do"),
        ("Thi đua", "chỉ tiêu"),
    ):
        line = line_of(load_workbook(io.BytesIO(body)).active, title)  # type: ignore[arg-type]
        assert f"Ô {at[column]}{line}:" in told, (title, column, told)
    assert values_in(an.page) == {}, "nothing is half entered"
    for change, text in (
        (lambda _sheet: None, "Tệp chưa được điền ô nào."),
        (lambda sheet: sheet.delete_rows(8), "không phải bảng chấm điểm tải từ đây"),
        (lambda sheet: sheet.delete_rows(1, 7), "không phải bảng chấm điểm tải từ đây"),
    ):
        await sent(an, form, changed(body, change))
        assert (an.status, text in html.unescape(an.page)) == (422, True), text
    await sent(an, form, b"%PDF-1.7 ...", "bang.pdf")
    assert (an.status, "không phải bảng" in html.unescape(an.page)) == (422, True)
    for hostile in (b"PK\x03\x04 broken", _large()):
        await sent(an, form, hostile)
        assert an.status == 422
    await an.get(form)
    await an.post(form, **{**an.hidden(), "_step": "offline"})
    assert "Hãy chọn tệp đã điền." in an.page


def _large() -> bytes:
    """A workbook with more rows than are read."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for number in range(6_000):
        sheet.append([number])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def test_rows_that_were_moved_or_renamed_are_read_and_told(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await site.person("an", "don-vi-1")
    an, form = await site.log_in("an"), form_of(stream)
    body = await saved(an, form)

    def move(sheet: Worksheet) -> None:
        fill(sheet)
        sheet[f"B{line_of(sheet, 'Tin, bài')}"] = "Tin bài (sửa tên)"
        sheet[f"A{line_of(sheet, 'Thi đua')}"] = None
        sheet.delete_rows(line_of(sheet, "Vi phạm"))
        sheet.insert_rows(line_of(sheet, "I.1 =Tuyên truyền"), 3)

    await sent(an, form, changed(body, move))
    assert an.status == 200
    assert values_in(an.page) == {name: value for name, value in FILLED.items() if not name.startswith("sheet.4")}
    said = html.unescape(an.page)
    assert "tệp ghi tiêu chí là “Tin bài (sửa tên)”; đã đọc là “Tin, bài”" in said
    assert "Tệp không có dòng của “Vi phạm”" in said

    def mix(sheet: Worksheet) -> None:
        fill(sheet)
        sheet[f"B{line_of(sheet, 'Tin, bài')}"] = "Thi đua"

    await sent(an, form, changed(body, mix))
    assert (an.status, "số thứ tự và tên tiêu chí không khớp nhau" in an.page) == (422, True)


async def test_a_sheet_of_another_form_is_refused(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    other_rules = RULES.model_copy(update={"title": "Quy chế khác"})
    elsewhere = await open_cycle(site.app, other_rules, members=units(3))
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    form = form_of(stream, "don-vi-2", "appraise")
    for other, label in (
        (form_of(stream, "don-vi-1", "appraise"), "đơn vị"),
        (form_of(stream, "don-vi-2"), "vòng chấm"),
        (form_of(elsewhere, "don-vi-2", "appraise"), "quy chế"),
    ):
        body = changed(await saved(secretary, other), fill)
        await sent(secretary, form, body)
        said = html.unescape(secretary.page)
        assert (secretary.status, f"Tệp này thuộc bảng chấm khác: {label}" in said) == (422, True), said[
            said.index('id="loi"') :
        ][:400]
        assert values_in(secretary.page) == {}

    def last_year(sheet: Worksheet) -> None:
        fill(sheet)
        cell = next(row[2] for row in sheet.iter_rows() if row[0].value == "Cụm")
        cell.value = str(cell.value).replace("2026", "2025")
        next(row[2] for row in sheet.iter_rows() if row[0].value == "Mã bảng").value = "0000"

    await sent(secretary, form, changed(await saved(secretary, form), last_year))
    assert (secretary.status, "Tệp này thuộc bảng chấm khác: cụm" in html.unescape(secretary.page)) == (422, True)
    # The same title, other contents.
    changed_rules = Edition.model_validate({**RULES.model_dump(mode="json"), "total": None})
    digest = await site.app.texts.put_edition(changed_rules.model_dump_json())
    body = changed(await saved(secretary, form), fill)
    await submit(site.app, stream, CITY, "adopt-edition", {"edition": digest})
    await sent(secretary, form, body)
    assert (secretary.status, "đã thay đổi sau khi tải tệp" in secretary.page) == (422, True)


async def test_an_appraiser_sees_earlier_rounds_in_the_sheet_and_others_get_none(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    item = {"criterion": "a1", "points": "7.5"}
    rest = [{"criterion": "a2", "count": "3"}, {"criterion": "a3", "met": ["k1"]}]
    sheet = [item, *rest, {"criterion": "b", "actual": "1", "target": "2"}]
    await submit(site.app, stream, "don-vi-2", "score-self", {"unit": "don-vi-2", "sheet": sheet})
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("ba", "don-vi-3")
    secretary, third = await site.log_in("thu-ky"), await site.log_in("ba")
    found = load_workbook(io.BytesIO(await saved(secretary, form_of(stream, "don-vi-2", "appraise")))).active
    assert found is not None
    at, line = columns(found), line_of(found, "I.1 =Tuyên truyền")
    assert found[f"{at['tự chấm']}{line}"].value == 7.5
    path = f"/cum/{stream}/lam/cross-check/bang-cham.xlsx?unit=don-vi-2&by=don-vi-3"
    closed = load_workbook(io.BytesIO((await third.http.get(path)).content)).active
    assert closed is not None
    assert "tự chấm" not in columns(closed), "don-vi-3 does not check don-vi-2"
    assert (await third.http.get(f"/cum/{stream}/lam/appraise/bang-cham.xlsx?unit=don-vi-2")).status_code == 403
    assert (await secretary.http.get(f"/cum/{stream}/lam/comment/bang-cham.xlsx")).status_code == 404
    assert (await secretary.http.get(f"/cum/{stream}/lam/appraise/bang-cham.xlsx")).status_code == 404
