"""What minutes keep among the notes of the meeting, printed again as it was typed."""

from __future__ import annotations

from typing import Any

import pytest
from minutes_help import minutes_cells

from application.minutes import notes_by_kind, notes_of
from application.minutes_cells import CONCLUSIONS, NOTES, RESOLUTIONS, Minutes

LONG = " ".join(["Giao cụm trưởng hoàn thiện hồ sơ;"] * 12)


@pytest.mark.parametrize(
    "typed",
    [
        {NOTES: ["Họp kín", "Bản gốc lưu ở phường"], CONCLUSIONS: [LONG], RESOLUTIONS: ["Thông qua", "Hai dòng\nnữa"]},
        {CONCLUSIONS: [f"{LONG}\nDòng sau"]},
    ],
)
def test_notes_are_told_by_kind_as_they_were_typed(typed: dict[str, Any]) -> None:
    notes = [note for _path, note in notes_of(Minutes("hn", "s", minutes_cells("01/01/2026", typed)))]
    assert {name: texts for name, texts in notes_by_kind(notes).items() if texts} == typed


def test_a_note_behind_a_resolution_is_a_line_of_its_own() -> None:
    assert notes_by_kind(["Nghị quyết: Thông qua", "Họp kín"])[RESOLUTIONS] == ["Thông qua\nHọp kín"]
