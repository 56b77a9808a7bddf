"""What a wrong recording file is answered: line, field, the nearest names, in the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_recording import SECRETARY, Copy

from application.recording.file import RecordFile
from application.recording.run import record_file
from application.yaml_files import read_model
from cli.outcome import explain
from cli.session import Session
from errors import InputError
from i18n import in_language
from i18n.messages import sentence
from i18n.nearest import nearest

FILE = """\
organiser: o
organiser_name: "O"
year: 2023
cluster:
  id: c
  name: "C"
  units:
    - {id: an-binh, name: "An Bình"}
sources:
  - {id: bao, title: "Báo"}
meetings:
  - id: tk
    kind: tổng kết
    on: 15/12/2023
    source: bao
    acts:
      - act: cho ý kiến về dự thảo
        fields:
          unit: an-binh
          stance: agreed
"""


def answer_to(folder: Path, old: str, new: str, language: str = "vi") -> str:
    assert old in FILE
    file = folder / "f.yaml"
    file.write_text(FILE.replace(old, new))
    with in_language(language), pytest.raises(InputError) as wrong:
        read_model(file, RecordFile)
    with in_language(language):
        return explain(wrong.value)[1].removeprefix(str(folder))


def test_the_control_the_file_is_whole(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(FILE)
    assert read_model(tmp_path / "f.yaml", RecordFile).meetings[0].acts[0].act == "take-stance"


STANCE = "act: cho ý kiến về dự thảo"


@pytest.mark.parametrize(
    ("old", "new", "start", "parts"),
    [
        (STANCE, "act: cho y kien ve du thao", "/f.yaml:17: Hội nghị 1, việc 1, tên việc", [f"gần nhất: {STANCE[5:]}"]),
        (STANCE, "act: take-stanse", "/f.yaml:17: ", [f"gần nhất: {STANCE[5:]}"]),
        ("    source: bao\n", "    sorce: bao\n", "/f.yaml:15: Hội nghị 1, `sorce`", ["`source` (nguồn)"]),
        ("    source: bao\n", "    địa điểm: X\n", "/f.yaml:15: ", ["gần nhất: `place` (địa điểm)"]),
        ("kind: tổng kết", "kind: tong ket", "/f.yaml:13: Hội nghị 1, loại", ["gần nhất: tổng kết"]),
        ("    source: bao\n", "    source: bap\n", "/f.yaml:15: Hội nghị 1, nguồn", ["gần nhất: bao"]),
        ("    source: bao\n", "    cycle: next\n", "/f.yaml:15: Hội nghị 1, năm thi đua", ["`next`"]),
        ('name: "An Bình"', "name: Xã An Bình: cũ", "/f.yaml:8: ", ["dấu hai chấm", "ngoặc kép"]),
        ("    source: bao\n", "    place: Hội trường: tầng 2\n", "/f.yaml:15: ", ["dấu hai chấm", "ngoặc kép"]),
        ("    source: bao\n", "    notes: [a: b]\n", "/f.yaml:15: Hội nghị 1, ghi chú, mục 1", ["dấu hai chấm"]),
        ('name: "An Bình"', "name: An Bình, xã", "/f.yaml:8: ", ["dấu phẩy", "ngoặc kép"]),
        ("    source: bao\n", "   source: bao\n", "/f.yaml:15: ", ["thụt dòng"]),
        ('"C"', '"C', "/f.yaml:", ["ngoặc kép"]),
        ("on: 15/12/2023", "on: 31/02/2023", "/f.yaml:14: Hội nghị 1, ngày xảy ra", ["20/07/2026"]),
        (
            "units:\n    - {id: an-binh",
            "unit:\n    - {id: an-binh",
            "/f.yaml:7: Cụm thi đua, đơn vị",
            ["`units` (các đơn vị)"],
        ),
    ],
)
def test_a_message_names_line_field_and_what_was_meant(
    tmp_path: Path, old: str, new: str, start: str, parts: list[str]
) -> None:
    said = answer_to(tmp_path, old, new)
    assert said.startswith(start), said
    for part in parts:
        assert part in said, said


def test_an_english_reader_gets_english_names(tmp_path: Path) -> None:
    assert "(nearest: `take-stance`, " in answer_to(tmp_path, STANCE, "act: cho y kien ve du thao", "en")
    assert "(nearest: `source` (source))" in answer_to(tmp_path, "    source: bao\n", "    sorce: bao\n", "en")
    assert "(nearest: final)" in answer_to(tmp_path, "kind: tổng kết", "kind: fina", "en")


def test_nothing_is_offered_where_nothing_is_like_it(tmp_path: Path) -> None:
    assert nearest("xyz", ["ký giao ước", "sign"]) == ()
    said = answer_to(tmp_path, STANCE, "act: xyz")
    assert "gần nhất" not in said
    assert "…" not in said


@pytest.mark.parametrize(
    ("old", "new", "line", "parts"),
    [
        ("unit: ea-hleo, award: bang-khen", "unit: ea-hleoo, award: bang-khen", 27, ["gần nhất: ea-hleo"]),
        (
            "unit: ea-hleo, award: bang-khen",
            "unit: ea-hleo, aword: bang-khen",
            27,
            ["aword", "`award` (hình thức khen thưởng)"],
        ),
        ("role: head", "role: truong", 28, ["Vai trò: ", "`head` (cụm trưởng)"]),
    ],
)
async def test_a_refused_act_names_its_line_its_field_and_what_was_meant(
    app: Session, tmp_path: Path, old: str, new: str, line: int, parts: list[str]
) -> None:
    copy = Copy(tmp_path, "DL-C6-2015-final")
    with pytest.raises(InputError) as stopped:
        await record_file(app, copy.but(old, new), SECRETARY, dry_run=True)
    assert stopped.value.path.endswith(f":{line}"), stopped.value
    why = str(stopped.value.facts["why"])
    for part in parts:
        assert part in why, why


async def test_the_line_is_that_of_the_field(app: Session, tmp_path: Path) -> None:
    copy = Copy(tmp_path, "DL-C6-2015-final")
    act = """\
      - act: ghi tổng điểm
        fields:
          round: "tự chấm"
          totals:
            - {total: "96,5"}
            - {total: "1.250"}
"""
    first = copy.text[: copy.text.index("    acts:\n")].count("\n") + 2
    with pytest.raises(InputError) as stopped:
        await record_file(app, copy.but("    acts:\n", "    acts:\n" + act), SECRETARY, dry_run=True)
    assert stopped.value.path.endswith(f":{first + 5}"), stopped.value
    assert "tổng điểm 2, tổng điểm" in str(stopped.value.facts["why"])


async def test_a_dry_run_reads_the_file_back_as_the_timeline_will(app: Session, tmp_path: Path) -> None:
    copy = Copy(tmp_path, "DN-C2-2022-final")
    tried = await record_file(app, copy.file, SECRETARY, dry_run=True)
    assert len(tried["told"]) == tried["counts"]["entered"]
    assert all(one["texts"] for one in tried["told"])
    assert "…" not in " ".join(text for one in tried["told"] for text in one["texts"])
    lines = copy.text.splitlines()
    assert all(one["line"] is None or lines[one["line"] - 1].strip() for one in tried["told"])
    done = await record_file(app, copy.file, SECRETARY)
    assert "told" not in done
    from application.event_texts import Background, event_texts  # noqa: PLC0415

    stream = done["cycles"][0]["cycle"]
    state, rules = await app.state(stream)
    names = {**state.membership.names, state.lifecycle.organiser: state.lifecycle.organiser_name}
    names |= await app.people.names({SECRETARY})
    history = await app.history(stream)
    envelopes = [envelope for _row, envelope in history]
    recorded = await event_texts(app, Background(envelopes, rules, names), envelopes)
    said = [text for one in tried["told"] if one["cycle"] == stream for text in one["texts"]]
    assert said == [one.sentence for one in recorded]
    beside = [one for act in tried["told"] if act["cycle"] == stream for one in act["details"]]
    assert beside == [[*map(str, (*one.details, *one.circumstances))] for one in recorded]
    again = await record_file(app, copy.file, SECRETARY, dry_run=True)
    assert {one["entry"] for one in again["told"]} == {"known"}
    assert [text for one in again["told"] if one["cycle"] == stream for text in one["texts"]] == said


def test_dates_in_messages_are_day_month_year() -> None:
    from i18n.problems import PROBLEMS  # noqa: PLC0415

    for text in PROBLEMS.values():
        assert not re.search(r"\d{4}-\d{2}-\d{2}(?!T)", str(text)), text
    assert "05/02/2020" in sentence("not_a_date", {"found": "x"})
