"""Tables as offices have them: files, heads, cells; each file of `data/tables` has its outcome here."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from file_help import odt
from hypothesis import given
from hypothesis import strategies as some
from openpyxl import Workbook

from application.contact_cells import mended_phone
from application.table_columns import UNUSED
from application.tables import MOST_ROWS, ReadTable, Rows, rows_of_text, table_of, text_of
from application.year_columns import find_year_head
from application.year_table import TableResult, read_table
from errors import InputError
from i18n import in_language
from i18n.cleaning import cleaning_notes
from i18n.messages import sentence
from vault.persons import Contact

FILES = Path(__file__).parent / "data" / "tables"
HEAD = {
    "organiser": "mttq",
    "organiser_name": "MTTQ",
    "year": 2026,
    "plan": {"title": "Kế hoạch"},
    "edition": "specimen-2020.yaml",
}
FOUR = {"Cụm 1": ["Phường A", "Phường B"], "Cụm 2": ["Phường C", "Phường D"]}
USUAL = ("STT", "Tên cụm", "Tên đơn vị", "Email", "SĐT", "Chức danh")


def clusters(found: TableResult) -> dict[str, list[str]]:
    return {cluster.name: [unit.name for unit in cluster.units] for cluster in found.year.clusters}


def codes(found: TableResult) -> list[tuple[int, str]]:
    """The remarks on single cells."""
    of_the_whole = {"cluster_of_one", "cluster_without_overseer", "units_without_contact"}
    return [(line, code) for line, code, _facts in found.remarks if code not in of_the_whole]


async def read(body: bytes, choices: Mapping[int, str] | None = None) -> TableResult:
    return read_table((await table_of(body)).rows, HEAD, choices)


async def refused(body: bytes) -> InputError:
    with pytest.raises(InputError) as found:
        await read(body)
    with in_language("vi"):
        said = sentence(found.value.code, found.value.facts)
    assert found.value.code not in said
    assert "{" not in said
    return found.value


def workbook(*rows: list[Any]) -> Workbook:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    return book


def saved(book: Workbook) -> bytes:
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def csv(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


class TestFiles:
    @pytest.mark.parametrize(
        "name",
        [
            "a1-dimension-A1.xlsx",
            "a2-merged.xlsx",
            "a2-title-row.xlsx",
            "a2-hidden-first.xlsx",
            "a3-41-columns.csv",
            "a3-sep.csv",
            "a3-unicode-text-utf16.txt",
        ],
    )
    async def test_is_read(self, name: str) -> None:
        found = await read((FILES / name).read_bytes())
        assert (clusters(found), codes(found)) == (FOUR, [])

    async def test_lines_are_counted_as_the_person_sees_them(self) -> None:
        found = await refused((FILES / "a2-blank-lines.csv").read_bytes())
        assert (found.code, found.facts) == ("table_cell_missing", {"line": 4, "column": "đơn vị"})
        book = workbook(["Danh sách"], [], ["cụm", "đơn vị"], [], ["Cụm 1"])
        assert (await refused(saved(book))).facts["line"] == 5

    async def test_lost_letters_are_told_with_what_to_do(self) -> None:
        found = await refused((FILES / "a3-windows-1258.csv").read_bytes())
        assert (found.code, found.facts) == ("table_letters_lost", {"line": 1, "words": "c?m, v?, m?"})

    async def test_old_workbooks_are_told_with_what_to_do(self) -> None:
        assert (await refused((FILES / "a3-old.xls").read_bytes())).code == "table_old_workbook"

    async def test_a_formula_without_a_result_is_named_and_can_be_typed_over(self) -> None:
        table = await table_of((FILES / "a4-phones-formula-date.xlsx").read_bytes())
        with pytest.raises(InputError) as found:
            read_table(table.rows, HEAD)
        assert (found.value.code, found.value.facts["line"]) == ("table_formula", 4)
        text = text_of(table.rows).replace('=CONCATENATE("Phường"," C")', "Phường C")
        mended = read_table(await rows_of_text(text), HEAD)
        assert [(person.name, person.office, person.email, person.phone) for person in mended.year.people] == [
            ("Trần Văn Thử", "PCT", "thu1@example.vn", "0912345678"),
            ("Lê Thị Thử", "CV", "thu2@example.vn", "0912 345 678"),
            ("Võ Thử", None, "thu3@example.vn", None),
        ]
        assert codes(mended) == [(4, "day_in_column")]
        with in_language("vi"):
            assert cleaning_notes(mended.changes) == [
                "Điện thoại: đã thêm lại số 0 đầu cho 1 số mà bảng tính làm mất.",
                "Thư điện tử: đã bỏ 1 ký tự không nhìn thấy.",
            ]

    async def test_a_second_mail_address_does_not_move_the_cells_behind_it(self) -> None:
        found = await read((FILES / "a4-two-mails.csv").read_bytes())
        (person,) = found.year.people
        assert (person.email, person.phone, person.office) == ("b@example.vn", "0912345678", "CV")
        assert codes(found) == [(2, "more_mails")]

    async def test_what_was_previewed_is_what_is_opened(self) -> None:
        table = await table_of((FILES / "a5-quotes.xlsx").read_bytes())
        assert await rows_of_text(text_of(table.rows)) == table.rows
        assert clusters(read_table(table.rows, HEAD)) == {
            '"Đoàn kết" cụm 1': ["Phường A"],
            '"Hoa Sen': ["Phường B"],
            "Cụm 2": ["Phường C"],
            "Cụm '3'": ["Phường D"],
        }

    async def test_long_names_have_ids_of_their_own(self) -> None:
        found = await read((FILES / "a6-long-names.csv").read_bytes())
        assert [unit.id for unit in found.year.clusters[0].units] == [
            "mttq-phuong-thanh-xuan",
            "mttq-phuong-thanh-liet",
        ]

    async def test_a_second_contact_is_taken(self) -> None:
        found = await read((FILES / "a6-two-contacts.csv").read_bytes())
        assert [(one.name, one.email) for one in found.year.people] == [
            ("Nguyễn Thị Hà", "ha1@example.vn"),
            ("Nguyễn Thị Hạ", "ha2@example.vn"),
        ]
        assert (clusters(found), codes(found)) == ({"Cụm 1": ["Phường A"]}, [])


class TestEncodings:
    TEXT = "Cụm thi đua;Đơn vị\r\nCụm 1;Phường Ngã Tư Sở\r\nCụm 1;Xã Đông Mỹ"

    def expected(self) -> dict[str, list[str]]:
        return {"Cụm 1": ["Phường Ngã Tư Sở", "Xã Đông Mỹ"]}

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    async def test_of_unicode(self, encoding: str) -> None:
        assert clusters(await read(self.TEXT.encode(encoding))) == self.expected()

    async def test_of_vietnamese_windows(self) -> None:
        assert clusters(await read(windows_1258(self.TEXT))) == self.expected()

    async def test_old_fonts_are_told_by_name(self) -> None:
        found = await refused("Côm thi ®ua;§¬n vÞ\r\nCôm sè 1;Phêng Hoµn KiÕm".encode("latin-1"))
        assert found.code in {"table_cell_bad", "table_head"}
        found = await refused("cum;don vi\r\nCum 1;Phßng tæng hîp b¸o c¸o".encode("latin-1"))
        assert (found.code, found.facts["problem"]) == ("table_cell_bad", "old_font")

    async def test_utf_8_that_passed_for_western(self) -> None:
        mixed = self.TEXT.encode().decode("latin-1").encode()
        assert (await refused(mixed)).code == "table_letters_lost"

    async def test_bytes_without_meaning(self) -> None:
        assert (await refused(b"\xff\xfe\x00")).code == "table_encoding"

    async def test_question_marks_are_no_lost_letters(self) -> None:
        found = await read(csv("cụm;đơn vị;ghi chú", "Cụm 1;Phường A;Đã gửi thư chưa? Hỏi lại"))
        assert clusters(found) == {"Cụm 1": ["Phường A"]}


def windows_1258(text: str) -> bytes:
    """As Vietnamese Windows writes: letters with hat or horn, and tones behind them."""
    out = bytearray()
    for char in text:
        try:
            out += char.encode("cp1258")
        except UnicodeEncodeError:
            first, tone = unicodedata.normalize("NFD", char)[:-1], unicodedata.normalize("NFD", char)[-1]
            if tone not in "\u0300\u0301\u0303\u0309\u0323":  # the tone stands below, the hat above
                parts = unicodedata.normalize("NFD", char)
                tone = next(mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323")
                first = parts.replace(tone, "")
            out += unicodedata.normalize("NFC", first).encode("cp1258") + tone.encode("cp1258")
    return bytes(out)


class TestText:
    @pytest.mark.parametrize("line", ["sep=,", '"sep=,"', "sep=,,,"])
    async def test_the_line_that_names_the_separator_is_none_of_the_table(self, line: str) -> None:
        table = await table_of(csv(line, "cụm,đơn vị", '"Cụm 1; 2",Phường A'))
        assert table.rows == [["cụm", "đơn vị"], ["Cụm 1; 2", "Phường A"]]

    async def test_names_with_commas_do_not_make_a_separator_of_it(self) -> None:
        table = await table_of(csv("DANH SÁCH, NĂM 2026", "cụm;đơn vị", "Cụm 1, 2;Phường A, B, C", "Cụm 1, 2;Phường D"))
        assert table.rows[2] == ["Cụm 1, 2", "Phường A, B, C"]

    async def test_quotation_marks(self) -> None:
        table = await table_of(csv('a;"b;c"', '"x""y";"Hoa Sen', '"Đoàn kết" 1;2', '"một\nhai";""', "", 'cuối;"'))
        assert table.rows == [
            ["a", "b;c"],
            ['x"y', '"Hoa Sen'],
            ['"Đoàn kết" 1', "2"],
            ["một\nhai"],
            [],
            ["cuối", '"'],
        ]

    @given(
        some.lists(some.lists(some.text(some.sampled_from("\"'ab;, 1=\u0111\n"), max_size=6), max_size=4), max_size=6)
    )
    async def test_a_table_as_text_is_the_same_table(self, rows: Rows) -> None:
        first = await rows_of_text(text_of(rows))
        assert await rows_of_text(text_of(first)) == first
        flat = [[" ".join(cell.split()) for cell in row] for row in rows]
        assert [[cell for cell in row if cell] for row in first] == [
            [cell for cell in row if cell] for row in flat[: len(first)]
        ]

    async def test_too_many_rows_or_columns(self) -> None:
        assert (await refused(b"a;b\n" * (MOST_ROWS + 1))).code == "table_too_long"
        assert (await refused(b"\n" * 100_000)).code == "table_too_long"
        assert (await refused(b"a;" * 31 + b"b")).code == "table_too_wide"
        assert (await refused(b'"";' * 100_000)).code == "table_line_too_long"


class TestWorkbooks:
    async def test_hidden_rows_and_other_sheets_are_told(self) -> None:
        book = workbook(["cụm", "đơn vị"], ["Cụm 1", "Phường A"], ["Cụm 1", "Phường B"])
        book.active.row_dimensions[3].hidden = True  # type: ignore[union-attr]
        book.create_sheet("Khác").append(["x"])
        book.create_sheet("Trống")
        secret = book.create_sheet("Ẩn")
        secret.append(["x"])
        secret.sheet_state = "hidden"
        table = await table_of(saved(book))
        assert table.rows[2] == ["Cụm 1", "Phường B"]
        assert table.remarks == (
            (0, "sheets_not_read", {"sheet": "Sheet", "others": "Khác"}),
            (0, "rows_hidden", {"count": 1}),
        )

    async def test_cells_are_as_a_person_sees_them(self) -> None:
        table = await table_of(saved(workbook(["a"], [datetime(2026, 3, 1)], [912345678.0], [7.5], [True])))  # noqa: DTZ001
        assert table.rows == [["a"], ["01/03/2026"], ["912345678"], ["7.5"], ["True"]]

    async def test_heads_over_two_rows(self) -> None:
        book = workbook(
            ["TT", "Tên cụm", "Tên đơn vị", "Liên hệ"],
            ["", "", "", "Họ và tên", "Email"],
            [1, "Cụm 1", "Phường A", "An", "a@x.vn"],
        )
        for area in ("A1:A2", "B1:B2", "C1:C2", "D1:E1"):
            book.active.merge_cells(area)  # type: ignore[union-attr]
        found = await read(saved(book))
        assert (clusters(found), codes(found)) == ({"Cụm 1": ["Phường A"]}, [])
        assert [(one.name, one.email) for one in found.year.people] == [("An", "a@x.vn")]

    async def test_rows_with_nothing_but_a_format_are_none(self) -> None:
        book = workbook(["cụm", "đơn vị"], ["Cụm 1", "Phường A"])
        body = with_sheet(saved(book), b"</sheetData>", b'<row r="900000"><c r="A900000" s="0"/></row></sheetData>')
        assert len((await table_of(body)).rows) == 2

    async def test_a_million_rows(self) -> None:
        rows = b"".join(b"<row><c><v>1</v></c></row>" for _ in range(1_000_000))
        body = with_sheet(saved(workbook(["cụm", "đơn vị"])), b"</sheetData>", rows + b"</sheetData>")
        assert (await refused(body)).code == "table_too_long"

    async def test_macros_and_links_are_neither_run_nor_followed(self) -> None:
        body = saved(workbook(["cụm", "đơn vị"], ["Cụm 1", "Phường A"]))
        with_more = BytesIO(body)
        with ZipFile(with_more, "a") as archive:
            archive.writestr("xl/vbaProject.bin", b"\0" * 100)
            archive.writestr("xl/externalLinks/externalLink1.xml", "<externalLink/>")
        assert clusters(await read(with_more.getvalue())) == {"Cụm 1": ["Phường A"]}

    async def test_bombs(self) -> None:
        out = BytesIO()
        with ZipFile(out, "w", ZIP_DEFLATED) as archive:
            archive.writestr("xl/workbook.xml", "<workbook/>")
            with archive.open("xl/worksheets/sheet1.xml", "w") as part:
                for _ in range(450):
                    part.write(b" " * 1_000_000)
        assert (await refused(out.getvalue())).code == "table_too_much"
        entities = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "x">]><worksheet '
        body = saved(workbook(["cụm", "đơn vị"], ["Cụm 1", "Phường A"]))
        assert (await refused(with_sheet(body, b"<worksheet ", entities))).code == "table_broken"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"PK\x03\x04 no workbook", "table_broken"),
            (b"%PDF-1.7", "table_no_table"),
            (b"<html><table><tr><td>c", "table_web_page"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "table_locked"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "table_no_table"),
        ],
    )
    async def test_other_files(self, body: bytes, code: str) -> None:
        assert (await refused(body)).code == code

    @pytest.mark.parametrize(
        ("name", "code"), [("xl/workbook.bin", "table_old_workbook"), ("word/document.xml", "table_no_table")]
    )
    async def test_other_archives(self, name: str, code: str) -> None:
        out = BytesIO()
        with ZipFile(out, "w") as archive:
            archive.writestr(name, "x")
        assert (await refused(out.getvalue())).code == code

    async def test_a_text_of_opendocument_is_no_workbook(self) -> None:
        assert (await refused(odt("<text:p>1. Tiêu chí</text:p>"))).code == "table_no_table"


def with_sheet(body: bytes, old: bytes, new: bytes) -> bytes:
    """A workbook whose first sheet has other XML."""
    out = BytesIO()
    with ZipFile(BytesIO(body)) as source, ZipFile(out, "w", ZIP_DEFLATED) as copy:
        for name in source.namelist():
            part = source.read(name)
            copy.writestr(name, part.replace(old, new) if name == "xl/worksheets/sheet1.xml" else part)
    return out.getvalue()


class TestHeads:
    async def test_usual_heads(self) -> None:
        found = await read(
            csv(";".join((*USUAL, "Họ và tên (đầu mối)")), "1;Cụm 1;Phường A;a@x.vn;0912345678;Chủ tịch;Nguyễn Văn An")
        )
        (person,) = found.year.people
        assert (person.name, person.office, person.email, person.phone) == (
            "Nguyễn Văn An",
            "Chủ tịch",
            "a@x.vn",
            "0912345678",
        )
        assert codes(found) == []

    async def test_what_is_not_recognised_is_asked_column_by_column(self) -> None:
        body = csv("Nhóm thi đua;Tên;Cụm trưởng", "Cụm 1;Phường A;x")
        found = await refused(body)
        assert (found.code, found.facts["missing"]) == ("table_head", "cụm, đơn vị")
        head = find_year_head((await table_of(body)).rows, {})
        assert [(one.title, one.column, one.samples) for one in head.columns] == [
            ("Nhóm thi đua", "", ("Cụm 1",)),
            ("Tên", "", ("Phường A",)),
            ("Cụm trưởng", "", ("x",)),
        ]
        chosen = await read(body, {0: "cụm", 1: "đơn vị"})
        assert (clusters(chosen), codes(chosen)) == ({"Cụm 1": ["Phường A"]}, [(0, "column_not_read")])
        assert codes(await read(body, {0: "cụm", 1: "đơn vị", 2: UNUSED})) == []

    async def test_a_choice_is_stronger_than_a_title(self) -> None:
        body = csv("cụm;đơn vị;Tên đơn vị đầy đủ", "Cụm 1;A;Phường A")
        assert clusters(await read(body, {2: "đơn vị"})) == {"Cụm 1": ["Phường A"]}

    async def test_a_head_that_is_repeated_is_no_row(self) -> None:
        found = await read(csv("cụm;đơn vị", "Cụm 1;Phường A", "CỤM;ĐƠN VỊ", "Cụm 1;Phường B"))
        assert clusters(found) == {"Cụm 1": ["Phường A", "Phường B"]}

    async def test_a_head_alone(self) -> None:
        assert (await refused(csv("cụm;đơn vị"))).code == "table_without_units"


class TestRows:
    async def test_a_cluster_stands_for_the_rows_below(self) -> None:
        found = await read(csv("cụm;đơn vị", "Cụm 1;Phường A", ";Phường B", "Cụm 2;Phường C", ";Phường D"))
        assert clusters(found) == FOUR
        assert found.changes == {"cụm": {"from_above": 2}}
        assert (await refused(csv("cụm;đơn vị", ";Phường A"))).facts == {"line": 2, "column": "cụm"}

    async def test_clusters_spelled_two_ways_are_two(self) -> None:
        found = await read(csv("cụm;đơn vị", "Cụm 1;Phường A", "Cum 1;Phường B", "Cụm  1;Phường C"))
        assert clusters(found) == {"Cụm 1": ["Phường A", "Phường C"], "Cum 1": ["Phường B"]}
        assert [cluster.id for cluster in found.year.clusters] == ["cum-1", "cum-1-2"]
        assert codes(found) == [(3, "clusters_alike")]

    async def test_units_of_the_same_name(self) -> None:
        found = await read(csv("cụm;đơn vị", "Cụm 1;Phường A", "Cụm 1;Phường A", "Cụm 1;phường A"))
        assert (clusters(found), codes(found)) == (
            {"Cụm 1": ["Phường A", "phường A"]},
            [(3, "unit_twice_in_table"), (4, "units_alike")],
        )
        elsewhere = await refused(csv("cụm;đơn vị", "Cụm 1;Phường A", "Cụm 2;Phường A"))
        assert (elsewhere.code, elsewhere.facts["first"]) == ("table_unit_elsewhere", 2)
        by_code = await read(csv("cụm;đơn vị;mã", "Cụm 1;Xã Tân Hòa;th-1", "Cụm 2;Xã Tân Hòa;th-2"))
        assert [unit.id for one in by_code.year.clusters for unit in one.units] == ["th-1", "th-2"]

    async def test_a_code_is_that_of_the_unit_in_each_of_its_rows(self) -> None:
        head = "cụm;đơn vị;mã;họ tên;email"
        for first, second in (("a-1", ""), ("", "a-1")):
            rows = csv(head, f"Cụm 1;Phường A;{first};An;a@x.vn", f"Cụm 1;Phường A;{second};Bình;b@x.vn")
            found = await read(rows)
            assert (clusters(found), len(found.year.people)) == ({"Cụm 1": ["Phường A"]}, 2)

    async def test_namesakes(self) -> None:
        head = "cụm;đơn vị;họ tên;email;sđt"
        twins = await read(csv(head, "Cụm 1;Phường A;Lê An;a@x.vn;", "Cụm 1;Phường A;Lê An;b@x.vn;"))
        assert ([one.email for one in twins.year.people], codes(twins)) == (["a@x.vn", "b@x.vn"], [(3, "namesakes")])
        once = await read(csv(head, "Cụm 1;Phường A;Lê An;a@x.vn;", "Cụm 1;Phường A;Lê An;a@x.vn;"))
        assert (len(once.year.people), codes(once)) == (1, [(3, "unit_twice_in_table")])

    async def test_account_names_are_short_and_of_one_person_each(self) -> None:
        rows = (
            await table_of(
                csv(
                    "cụm;đơn vị;họ tên;email",
                    "Cụm 1;Phường A;Nguyễn Thị Hà;a@x.vn",
                    "Cụm 1;Phường B;Ngô Thúy Hạ;b@x.vn",
                    "Cụm 1;Phường C;Nguyễn Thị Hà;c@x.vn",
                    "Cụm 1;Phường C;Nguyễn Thị Hà;d@x.vn",
                )
            )
        ).rows
        assert [one.id for one in read_table(rows, HEAD).year.people] == ["hant", "hant2", "hant3", "hant4"]
        entered = [
            Contact("cu", "phuong-c", "Nguyễn Thị Hà", None, "d@x.vn", None, ""),
            Contact("hant", "mttq", "Hoàng An Nam Tú", None, None, None, ""),
        ]
        found = read_table(rows, HEAD, None, entered)
        assert [one.id for one in found.year.people] == ["hant2", "hant3", "hant4", "cu"]
        assert [one.id for one in read_table(rows, HEAD, None, found_as_entered(found)).year.people] == [
            one.id for one in found.year.people
        ]

    async def test_contacts_that_cannot_be_taken_whole(self) -> None:
        head = "cụm;đơn vị;họ tên;chức danh;email;sđt"
        found = await read(
            csv(
                head,
                "Cụm 1;Phường A;;CT;a@x.vn;",
                "Cụm 1;Phường B;An;#N/A;không có;9,12E+08",
                "Cụm 1;Phường C;Bình;CT;b@x.vn;c@x.vn",
            )
        )
        assert codes(found) == [
            (2, "contact_without_name"),
            (3, "formula_without_result"),
            (3, "bad_email"),
            (3, "bad_phone"),
            (4, "more_mails"),
        ]
        assert [(one.name, one.email, one.phone) for one in found.year.people] == [
            ("An", None, None),
            ("Bình", "b@x.vn", None),
        ]

    @pytest.mark.parametrize(
        ("typed", "number"),
        [
            ("912345678", ("0912345678", True)),
            ("912.345.678", ("0912345678", True)),
            ("2438250000", ("02438250000", True)),
            ("84912345678", ("+84912345678", True)),
            ("+84 912 345 678", ("+84 912 345 678", False)),
            ("'0912 345 678", ("0912 345 678", False)),
            ("024 3825 0000 máy lẻ 12", ("024 3825 0000 máy lẻ 12", False)),
            ("9.12346E+08", None),
            ("chưa có", None),
        ],
    )
    def test_telephone_numbers(self, typed: str, number: tuple[str, bool] | None) -> None:
        assert mended_phone(typed) == number


def found_as_entered(found: TableResult) -> list[Contact]:
    """The people of a file as they are entered: the same file again names the same persons."""
    return [Contact(one.id, one.unit, one.name, None, one.email, None, "") for one in found.year.people]


def test_remarks_are_sentences() -> None:
    table = ReadTable([["cụm", "đơn vị"], ["Cụm 1", "Phường A"], ["Cum 1", "Phường B"]])
    found = read_table(table.rows, HEAD)
    with in_language("vi"):
        said = [sentence(code, facts) for _line, code, facts in found.remarks]
    assert said[0] == "“Cum 1” và “Cụm 1” viết khác nhau nên sổ coi là hai cụm. Có phải là một cụm không?"
