"""Tables of criteria as offices have them: groups by numbering or indents, numbers, what is wrong by its cell."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from openpyxl import Workbook
from openpyxl.styles import Alignment

from application.criteria_moves import added, moved, node_at, replaced, without
from application.criteria_numbering import Outline, split_number
from application.criteria_table import CriteriaTable, read_criteria
from application.criteria_workbook import EXAMPLE, criteria_workbook
from application.edition_checks import MOST_FINDINGS, all_remarks, check_edition, nodes_of
from application.edition_parts import BY_ID, PARTS, fields_of, part_values, with_part
from application.edition_texts import MOST_ENTRIES, Values, as_file, text_of, values_of, values_of_stored
from application.fields import FormField
from application.tables import rows_of_text, table_of
from application.tables import text_of as table_text
from application.yaml_files import read_model
from cli import scoring
from domain.rules import Edition
from domain.scoring.calculation import UnitSheet, calculate_scores
from errors import InputError
from i18n.messages import sentence
from i18n.words import kind_of
from resources import RULES
from web.edition_inputs import part_inputs

REAL = sorted(file for file in RULES.glob("real/*.yaml") if not file.stem.endswith(".sheet"))
ALL = sorted([*RULES.glob("*.yaml"), *REAL])
UNITS = {"xa-b": "Xã B"}


def values_in(file: Path) -> Values:
    return values_of(file.read_text(), file.name)


async def read(body: bytes, before: Values | None = None, **choices: str) -> CriteriaTable:
    rows = (await table_of(body, indents=True)).rows
    return read_criteria(rows, {int(n[1:]): name for n, name in choices.items()}, before or {}, UNITS)


def pasted(*rows: Sequence[str]) -> bytes:
    return "\n".join("\t".join(row) for row in rows).encode()


def told(table: CriteriaTable) -> list[str]:
    return [sentence(one.code, one.facts) for one in table.faults]


def tree(nodes: Any) -> list[Any]:
    return [[node.get("number", ""), node["title"], *tree(node.get("children", ()))] for node in nodes]


# The five real tables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
@pytest.mark.parametrize("way", ["workbook", "paste", "again"])
async def test_a_real_table_that_is_brought_in_computes_the_same(file: Path, way: str) -> None:
    values = values_in(file)
    body = criteria_workbook(values, UNITS)
    if way == "paste":
        rows = (await table_of(body, indents=True)).rows
        body = table_text(rows).encode()
        assert await rows_of_text(body.decode(), indents=True) == rows
    found = await read(body, values if way == "again" else None)
    assert (told(found), found.notes) == ([], [])
    made = {**values, "criteria": found.criteria}
    assert found.total == values.get("total")
    edition, before = Edition.model_validate(made), read_model(file, Edition)
    ids = dict(zip(before.leaves(), edition.leaves(), strict=True))
    if way == "again":
        assert made == values, "what the edition has already keeps its ids"
    sheets = yaml.safe_load(file.with_name(f"{file.stem}.sheet.yaml").read_text())["units"]
    wanted = calculate_scores(before, [UnitSheet.model_validate(one) for one in sheets])
    for unit in sheets:
        for entry in unit["entries"]:
            if "met" in entry and way != "again":
                entry["met"] = ["dat-yeu-cau"] if entry["met"] else []
            entry["criterion"] = ids[entry["criterion"]]
    results = calculate_scores(edition, [UnitSheet.model_validate(one) for one in sheets])
    for one, other in zip(results, wanted, strict=True):
        assert (one.total, one.base, one.bonus, one.penalty) == (other.total, other.base, other.bonus, other.penalty)
        assert (one.rank, one.complete, one.passed) == (other.rank, other.complete, other.passed)
        assert [line.points for line in one.lines] == [line.points for line in other.lines]
    assert [(one.code, one.facts) for one in all_remarks(edition)] == [
        (one.code, one.facts) for one in all_remarks(before)
    ]


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.stem)
def test_the_text_of_an_edition_stays_the_same_and_says_the_same(file: Path) -> None:
    values = values_in(file)
    text = text_of(values)
    assert text_of(values_of(text, "x.yaml")) == text
    edition = read_model(file, Edition)
    assert Edition.model_validate(values) == edition
    assert Edition.model_validate(values_of_stored(edition.model_dump_json())) == edition
    for part in PARTS:
        assert with_part(values, part, part_values(values, part)) == values


def test_every_field_of_an_edition_belongs_to_one_part() -> None:
    named = [name for part in PARTS for name in (*part.fields, *part.in_text)]
    assert len(named) == len(set(named))
    assert {name.partition(".")[0] for name in named} == set(Edition.model_fields)
    inside = {name.partition(".")[2] for name in named if name.startswith("scoring.")}
    assert inside == set(Edition.model_fields["scoring"].annotation.model_fields)  # type: ignore[union-attr]


# Groups -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "depths"),
    [
        ("I 1 1.1 1.2 2 a) b) II 1 2 III - - IV V", "0 1 2 2 1 2 2 0 1 1 0 1 1 0 0"),
        ("A I 1 a b c d đ e 2 II B I C D", "0 1 2 3 3 3 3 3 3 2 1 0 1 0 0"),
        ("1 1.1 1.1.1 1.1.2 1.2 2 2.1", "0 1 2 2 1 0 1"),
        ("1 - - + + - 2", "0 1 1 2 2 1 0"),
        ("C1 C1.1 C1.2 C2", "0 1 1 0"),
        ("I. 1. 2. h) i) k) II.", "0 1 1 2 2 2 0"),
    ],
)
def test_depth_follows_from_numbering(numbers: str, depths: str) -> None:
    outline = Outline()
    assert [outline.depth(one, 0) for one in numbers.split()] == list(map(int, depths.split()))


def test_depth_follows_from_indents_where_there_is_no_number() -> None:
    outline = Outline()
    assert [outline.depth("", indent) for indent in (0, 2, 2, 4, 2, 0, 2)] == [0, 1, 1, 2, 1, 0, 1]


@pytest.mark.parametrize(
    ("text", "number", "title"),
    [
        ("1.1. Tuyên truyền", "1.1", "Tuyên truyền"),
        ("Phần I: Chung", "Phần I", "Chung"),
        ("a) Vận động", "a", "Vận động"),
        ("- Giám sát", "-", "Giám sát"),
        ("3 năm liền", "", "3 năm liền"),
        ("100% cán bộ tham gia", "", "100% cán bộ tham gia"),
    ],
)
def test_a_number_before_a_title_is_known(text: str, number: str, title: str) -> None:
    assert split_number(text) == (number, title)


async def test_a_table_as_an_office_has_it() -> None:
    found = await read(
        pasted(
            ["BẢNG TIÊU CHÍ THI ĐUA NĂM 2026"],
            ["TT", "Nội dung thi đua", "Điểm chuẩn", "Ghi chú"],
            ["I", "Nhiệm vụ chính trị", "40 điểm"],
            ["1", "Tuyên truyền", "12,5"],
            ["2", "Vận động", "tối đa 27,5"],
            ["II", "Tổ chức", "60"],
            ["", "- Họp đủ", "0-30"],
            ["", "- Báo cáo đủ", "30đ"],
            ["TT", "Nội dung thi đua", "Điểm chuẩn", "Ghi chú"],
            ["III", "Điểm thưởng", "10"],
            ["1", "Mô hình mới", "5"],
            ["IV", "Điểm trừ"],
            ["1", "Báo cáo muộn", "-2"],
            ["2", "Sai số liệu", "3"],
            ["", "Tổng cộng", "110"],
        )
    )
    assert told(found) == []
    assert tree(found.criteria) == [
        ["I", "Nhiệm vụ chính trị", ["1", "Tuyên truyền"], ["2", "Vận động"]],
        ["II", "Tổ chức", ["", "Họp đủ"], ["", "Báo cáo đủ"]],
        ["III", "Điểm thưởng", ["1", "Mô hình mới"]],
        ["IV", "Điểm trừ", ["1", "Báo cáo muộn"], ["2", "Sai số liệu"]],
    ]
    nodes = [node for _place, _depth, node in nodes_of({"criteria": found.criteria})]
    assert [node.get("max") for node in nodes] == [40, "12.5", "27.5", 60, 30, 30, 10, 5, None, 2, 3]
    assert [node.get("part", "base") for node in nodes][-5:] == ["bonus", "bonus", "penalty", "penalty", "penalty"]
    assert found.total == 110
    assert check_edition({"id": "x", "title": "X", "criteria": found.criteria, "total": 110}, {}).wrong == ()


async def test_groups_from_a_column_of_their_own_and_from_indents_of_a_workbook() -> None:
    found = await read(pasted(["Nhóm", "Tiêu chí", "Điểm"], ["A", "Một", "10"], ["A", "Hai", "5"], ["B", "Ba", "5"]))
    assert tree(found.criteria) == [["", "A", ["", "Một"], ["", "Hai"]], ["", "B", ["", "Ba"]]]
    book = Workbook()
    sheet = book.active
    for title, indent in (("Nội dung", 0), ("Nhóm một", 0), ("Việc một", 1), ("Việc hai", 1), ("Nhóm hai", 0)):
        sheet.append([title, None if title == "Nội dung" else 5])
        sheet.cell(sheet.max_row, 1).alignment = Alignment(indent=indent)
    sheet["B1"] = "Điểm"
    out = io.BytesIO()
    book.save(out)
    indented = await read(out.getvalue())
    assert tree(indented.criteria) == [["", "Nhóm một", ["", "Việc một"], ["", "Việc hai"]], ["", "Nhóm hai"]]
    typed = await read("Tiêu chí\tĐiểm\nNhóm\t10\n  Việc một\t5\n\u00a0\u00a0Việc hai\t5\n".encode())
    assert tree(typed.criteria) == [["", "Nhóm", ["", "Việc một"], ["", "Việc hai"]]]


# What is wrong ----------------------------------------------------------------------------------------------------


async def test_what_is_wrong_is_told_by_its_cell_all_at_once() -> None:
    found = await read(
        pasted(
            ["Số", "Tiêu chí", "Điểm tối đa", "Loại điểm", "Cách chấm", "Điểm mỗi lần", "Chỉ cho đơn vị"],
            ["1", "Một", "mười"],
            ["2", "Hai", "1.250"],
            ["3", "", "5"],
            ["4", "Bốn", "-5", "cơ bản"],
            ["5", "Năm", "5", "lạ", "theo ý"],
            ["6", "Sáu", "5", "", "chấm tay", "2"],
            ["7", "Bảy", "5", "", "", "", "Xã Lạ"],
            ["8", "x" * 301, "5"],
            ["9", "Chín", "0"],
        )
    )
    text = "\n".join(told(found))
    for cell in ("C2", "C3", "B4", "C5", "D6", "E6", "F7", "G8", "B9", "C10"):
        assert f"Ô {cell} (" in text, cell
    assert "Ô C2 (1 Một): “mười” không phải là số" in text
    assert "Xã Lạ" in text
    assert "1250" in text or "1,250" in text, "what can mean two numbers is asked about"


@pytest.mark.parametrize(("last", "without"), [("100", True), ("105", False), ("90", True)])
async def test_the_total_of_a_table_with_bonus_lines_is_the_one_that_it_is_nearer_to(last: str, without: bool) -> None:
    rows = [["I", "Chính", "100"], ["II", "Điểm thưởng", "5"], ["", "Tổng cộng", last]]
    found = await read(pasted(["Số", "Tiêu chí", "Điểm tối đa"], *rows))
    assert found.is_total_without_bonus is without


def test_remarks_on_the_total_say_what_is_lacking_in_numbers_as_people_write_them() -> None:
    criteria = [{"id": "a", "title": "A", "max": "79.5"}, {"id": "b", "title": "B", "max": 5, "part": "bonus"}]
    values = {"id": "x", "title": "X", "criteria": criteria}
    (one,) = (one for one in check_edition({**values, "total": 100}, {}).remarks if "tổng ghi" in one.text)
    assert "79,5 điểm" in one.text
    assert "thiếu 20,5 điểm" in one.text
    assert not [one for one in check_edition({**values, "total": "84.5"}, {}).remarks if "84,5" in one.text]


@pytest.mark.parametrize(("total", "capped", "told"), [(110, None, False), (112, None, True), (104, 4, False)])
async def test_a_total_that_holds_the_bonus_lacks_nothing_on_the_page_and_in_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], total: int, capped: int | None, told: bool
) -> None:
    criteria = [{"id": "a", "title": "A", "max": 100}, {"id": "b", "title": "B", "max": 10, "part": "bonus"}]
    values = {"id": "x", "title": "X", "criteria": criteria, "total": total}
    values |= {"scoring": {"bonus_cap": capped}} if capped is not None else {}
    file = tmp_path / "x.yaml"
    file.write_text(text_of(values))
    assert await scoring.check(file, as_json=False) == 0
    said = " ".join(capsys.readouterr().out.split())
    on_page = [one.text for one in check_edition(values, {}).remarks]
    assert ("thiếu 12 điểm" in said, any("thiếu 12 điểm" in one for one in on_page)) == (told, told)
    assert told or not on_page


async def test_long_cells_are_refused_and_reading_ends_with_the_most_faults() -> None:
    blanks = " " * 480
    rows = [[str(n), f"Tiêu chí {n}", f"tối đa{blanks}x"] for n in range(1, 90)]
    found = await read(pasted(["Số", "Tiêu chí", "Điểm tối đa", "Ghi chú"], *rows))
    assert len(told(found)) == 40
    assert "không phải là số" in told(found)[0]
    short = await read(pasted(["Số", "Tiêu chí", "Điểm tối đa", "Ghi chú"], ["1", "Một", f"tối đa{blanks}10"]))
    assert short.criteria[0]["max"] == 10
    assert "Cột không nhập: Ghi chú" in short.notes


async def test_tables_of_other_shapes_are_refused_or_asked_about() -> None:
    with pytest.raises(InputError) as nothing:
        await read(b"")
    assert nothing.value.code == "table_empty"
    with pytest.raises(InputError) as head:
        await read(pasted(["a", "b"], ["c", "d"]))
    assert head.value.code == "table_head"
    chosen = await read(pasted(["a", "b"], ["Một", "9,5"]), _0="tiêu chí", _1="điểm tối đa")
    assert (chosen.criteria[0]["title"], chosen.criteria[0]["max"]) == ("Một", "9.5")
    only = await read(pasted(["Tiêu chí"], ["Một"]))
    assert len(only.notes) == 1
    assert [one.code for one in (await read(pasted(["Tiêu chí", "Điểm"]))).faults] == ["criteria_none"]
    many = await read(pasted(["Tiêu chí", "Điểm"], *([f"Việc {n}", "1"] for n in range(501))))
    assert [one.code for one in many.faults] == ["criteria_too_many"]
    deep = await read(pasted(["Tiêu chí", "Điểm"], *([f"{' ' * n}Việc {n}", "1"] for n in range(12))))
    assert [one.code for one in deep.faults] == ["sheet_cell_of"] * 4


async def test_what_a_table_has_no_column_for_stays() -> None:
    before = as_file(
        {
            "criteria": [
                {
                    "id": "cu",
                    "title": "Một",
                    "max": 10,
                    "rounding": {"places": 1},
                    "way": {"way": "steps", "steps": [{"at_least": 80, "points": 10}]},
                },
                {"id": "bo", "title": "Hai", "max": 5},
            ]
        }
    )
    found = await read(pasted(["Tiêu chí", "Điểm"], ["Một", "12"], ["Mới", "3"]), before)
    assert found.criteria[0] == {**before["criteria"][0], "max": 12}
    assert (found.count, found.kept) == (2, 1)
    assert found.criteria[1]["id"] not in {"cu", "bo"}


async def test_the_template_can_be_read_itself() -> None:
    found = await read(criteria_workbook(EXAMPLE, {}, with_all=True))
    assert (told(found), found.notes) == ([], [])
    made = {"id": "x", "title": "X", "criteria": found.criteria, "total": found.total}
    check = check_edition(made, {})
    assert check.wrong == ()
    assert found.criteria == as_file(EXAMPLE)["criteria"]


# Checks -----------------------------------------------------------------------------------------------------------


def test_what_is_wrong_stands_at_its_part_and_its_field() -> None:
    values = as_file(
        {
            "id": "x",
            "title": "X",
            "deadlines": [
                {"duty": "draft", "due": {"month": 2, "day": 31}, "article": "1"},
                {"duty": "stance", "due": {"counted_from": "last-day", "days": "nhiều"}, "article": "1"},
            ],
            "criteria": [
                {
                    "id": "a",
                    "title": "Nhóm",
                    "children": [
                        {"id": "b", "title": "Bậc", "max": 5, "way": {"way": "steps", "steps": [{"at_least": "x"}]}}
                    ],
                }
            ],
            "rounds": [{"id": "self", "title": "Tự chấm", "by": "own", "criteria": ["khong-co"]}],
            "scoring": {"classes": [{"title": "Tốt", "least": 90, "most": 80}]},
            "awards": [{"title": "Cờ", "quota": 1, "share": "0.5"}],
        }
    )
    check = check_edition(values, {})
    assert check.edition is None
    found = {(one.part.id, one.path) for one in check.wrong}
    assert found == {
        ("thoi-han", "deadlines.0.due"),
        ("thoi-han", "deadlines.1.due.days"),
        ("tieu-chi", "criteria.0.children.0.way.steps.0.at_least"),
        ("tieu-chi", "criteria.0.children.0.way.steps.0.points"),
        ("xep-loai", "scoring.classes.0"),
        ("khen-thuong", "awards.0"),
    }
    assert {one.criterion for one in check.of(BY_ID["tieu-chi"])} == {"b"}
    mended = with_part(values, BY_ID["thoi-han"], {})
    mended = with_part(mended, BY_ID["xep-loai"], {})
    mended = with_part(mended, BY_ID["khen-thuong"], {})
    mended["criteria"][0]["children"][0].pop("way")
    (last,) = check_edition(mended, {}).wrong
    assert (last.part.id, last.path) == ("vong-cham", "")


def test_a_number_that_is_none_of_a_person_stays_as_it_was_typed() -> None:
    text = "total: 1e20000000\ncriteria:\n- {id: a, title: A, max: '1e20000000'}\n"
    values = values_of(text, "x")
    assert (values["total"], values["criteria"][0]["max"]) == ("1e20000000", "1e20000000")
    assert len(text_of(values)) < 200
    (inputs, _choices) = part_inputs(BY_ID["cach-tinh"], part_values(values, BY_ID["cach-tinh"]), (), values)
    assert all(len(str(one.value)) < 20 for one in inputs)


def test_ids_are_made_whatever_stands_in_a_list() -> None:
    found = as_file({"rounds": [1, [2], {"id": ["x"]}, *({"title": "Vòng"} for _n in range(3))]})["rounds"]
    assert [one["id"] for one in found[2:]] == [["x"], "vong", "vong-2", "vong-3"]


def test_of_many_findings_the_first_are_told_and_the_others_counted() -> None:
    lists = {name: [{"x": 1}] * MOST_ENTRIES for name in ("rounds", "awards", "votes")}
    *told, last = check_edition({"id": "x", "title": "X", **lists}, {}).wrong
    assert len(told) == MOST_FINDINGS
    assert re.search("[0-9]{3}", last.text)


@pytest.mark.parametrize("text", ["rounds: [" + "{x: 1}," * 501 + "]", "a: [" + ("[" + "1," * 499 + "],") * 40 + "]"])
def test_more_than_an_edition_needs_is_refused_before_it_is_checked(text: str) -> None:
    with pytest.raises(InputError, match=r"edition_list_too_long|edition_too_much"):
        values_of(text, "x")


def test_an_edition_of_very_many_kinds_is_told_of_the_first_ones() -> None:
    criteria = [{"id": f"a{n}", "title": "A", "max": 1, "kinds": [f"k{n}-{m}" for m in range(20)]} for n in range(300)]
    scoring = {"pass_marks": [{"least": 400}]}
    found = check_edition({"id": "x", "title": "X", "criteria": criteria, "scoring": scoring}, {})
    assert found.edition is not None
    assert 100 < len(found.remarks) <= MOST_FINDINGS + 1


def test_each_code_of_a_remark_has_its_part() -> None:
    source = (Path(__file__).parent.parent / "application" / "edition_checks.py").read_text()
    codes = set()
    for name in ("domain/scoring/remarks.py", "domain/edition_remarks.py"):
        text = (Path(__file__).parent.parent / name).read_text()
        codes |= set(re.findall(r'_remark\("([a-z_]+)"(?!, node)', text))
        codes |= set(re.findall(r'"((?:class|pass_mark|gap|total|parts)_[a-z_]+)"', text))
    of_criteria = {"parts_fall_short", "parts_unseen", "total_of_kind_differs", "share_needs_units", "gap_closed"}
    of_criteria |= {"gap_open", "parts_exceed", "parts_rounded", "penalty_unbounded", "maximum_unknown"}
    assert {one for one in codes if f'"{one}"' not in source} <= of_criteria | {"depends_on_others", "pass_marks"}


def test_the_inputs_of_a_part_offer_what_its_fields_take() -> None:
    """Choices have words, and each is one that the field takes."""
    for part in PARTS:
        inputs, choices = part_inputs(part, {}, (), {})
        asked = [one for field in fields_of(part) for one in leaves_of(field)]
        assert inputs
        for field in asked:
            offered = {value for value, _text in choices.get(field.name, ())}
            if field.closed and field.choices and offered:
                assert offered == set(field.choices), (part.id, field.name)
            elif field.closed and field.choices:
                assert kind_of(field.choice_type) is not None, (part.id, field.name)


def leaves_of(field: FormField) -> list[FormField]:
    return [one for part in field.parts for one in leaves_of(part)] if field.parts else [field]


# Moves ------------------------------------------------------------------------------------------------------------


def test_moves_leave_everything_else_as_it_was() -> None:
    values = as_file(EXAMPLE)
    down = moved(values, (0,), up=False)
    assert [node["id"] for node in down["criteria"]] == ["2", "1", "3", "4"]
    assert moved(down, (1,), up=True) == values
    assert moved(values, (0,), up=True) == values
    assert [node["id"] for node in without(values, (0, 0))["criteria"][0]["children"]] == ["1-2"]
    other = replaced(values, (0,), {"title": "Khác", "max": 50})
    assert (node_at(other, (0,)) or {})["title"] == "Khác"
    assert (node_at(other, (0,)) or {})["children"] == values["criteria"][0]["children"]
    more = added(values, (1,), {"title": "Con", "max": 3})
    assert (node_at(more, (1, 0)) or {}) == {"id": "2-1", "title": "Con", "max": 3}
    assert "way" not in (node_at(more, (1,)) or {})
    assert (node_at(added(values, (3,), {"title": "Trừ nữa"}), (3, 0)) or {})["part"] == "penalty"
    assert values == as_file(EXAMPLE)
