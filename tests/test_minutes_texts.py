"""What minutes keep among the notes of the meeting, printed again as it was typed."""

from __future__ import annotations

from typing import Any

import pytest
from minutes_help import minutes_cells

from application.minutes import notes_by_kind, notes_of
from application.minutes_cells import CONCLUSIONS, NOTES, RESOLUTIONS, Minutes
from i18n import LANGUAGES, in_language
from i18n.messages import number_ranges

LONG = " ".join(["Giao cụm trưởng hoàn thiện hồ sơ;"] * 12)


@pytest.mark.parametrize(
    "typed",
    [
        {NOTES: ["Họp kín", "Bản gốc lưu ở phường"], CONCLUSIONS: [LONG], RESOLUTIONS: ["Thông qua", "Hai dòng\nnữa"]},
        {CONCLUSIONS: [f"{LONG}\nDòng sau"]},
        {CONCLUSIONS: [f"{'Thực hiện đúng ' * 18}theo Nghị định 30/2020/NĐ-CP của Chính phủ."]},
    ],
)
def test_notes_are_told_by_kind_as_they_were_typed(typed: dict[str, Any]) -> None:
    notes = [note for _path, note in notes_of(Minutes("hn", "s", minutes_cells("01/01/2026", typed)))]
    assert {name: texts for name, texts in notes_by_kind(notes).items() if texts} == typed


def test_notes_are_told_by_kind_in_each_language() -> None:
    """Who entered them may have read another language."""
    for language in LANGUAGES:
        with in_language(language):
            assert notes_by_kind(["Nghị quyết: Thông qua"])[RESOLUTIONS] == ["Thông qua"]
            assert notes_by_kind(["Resolution: Thông qua"])[RESOLUTIONS] == ["Thông qua"]


def test_numbers_of_entries_are_listed_by_what_follows_each_other() -> None:
    assert [number_ranges(some) for some in ([5], [7, 5, 6, 3], [12, 13, 340])] == ["5", "3, 5-7", "12-13, 340"]


def test_a_note_behind_a_resolution_is_a_line_of_its_own() -> None:
    assert notes_by_kind(["Nghị quyết: Thông qua", "Họp kín"])[RESOLUTIONS] == ["Thông qua\nHọp kín"]
