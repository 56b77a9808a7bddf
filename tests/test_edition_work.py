"""Rules editions that are read, written, checked and tried out in a child process: as in this one, or not at all."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
import yaml
from edition_help import FULL

from application import edition_work as work
from application.edition_checks import check_edition
from application.edition_texts import values_of
from application.trial_sheets import trial_of
from domain.rules import Edition
from errors import InputError

WRONG = "id: x\ntitle: X\nissued: 31/02/2026\ntotal: 10\ncriteria: [{id: a, title: A, max: muoi, way: {way: steps}}]\n"
UNITS: list[dict[str, Any]] = [{"rows": {"0": {"actual": "90"}, "4": {"points": "7,25"}, "5": {"points": "x"}}}, {}]


@pytest.fixture
def in_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked for is much."""
    monkeypatch.setattr(work, "CHARS_BESIDE", -1)
    monkeypatch.setattr(work, "FIGURES_BESIDE", -1)


@pytest.mark.usefixtures("in_child")
async def test_a_child_answers_what_this_process_would() -> None:
    values, edition = values_of(FULL, "a.yaml"), Edition.model_validate(yaml.safe_load(FULL))
    wrong = values_of(WRONG, "b.yaml")
    read, checked = await asyncio.gather(work.read_edition(FULL, "a.yaml"), work.checked_edition(values, {}))
    faulty, tried = await asyncio.gather(work.checked_edition(wrong, {}), work.tried_edition(edition, UNITS))
    assert read == values
    assert read["issued"] == date(2026, 1, 5), "a day, and no text"
    assert (checked, checked.digest) == (check_edition(values, {}), check_edition(values, {}).digest)
    assert checked.edition is not None
    assert (faulty, faulty.edition) == (check_edition(wrong, {}), None)
    assert tried == trial_of(edition, UNITS)
    assert tried.problems


@pytest.mark.usefixtures("in_child")
async def test_what_is_wrong_with_a_text_is_told_by_a_child_too() -> None:
    text = "id: x\n title: y\n"
    with pytest.raises(InputError) as here:
        values_of(text, "a.yaml")
    with pytest.raises(InputError) as there:
        await work.read_edition(text, "a.yaml")
    assert (there.value.code, there.value.path) == (here.value.code, here.value.path)
    assert there.value.facts == here.value.facts


@pytest.mark.usefixtures("in_child")
async def test_a_child_that_takes_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "SECONDS", 0.01)
    values = values_of(FULL, "a.yaml")
    (only,) = (await work.checked_edition(values, {})).wrong
    assert "quá lâu" in only.text
    for asked in (
        work.read_edition(FULL, "a.yaml"),
        work.written_edition(values),
        work.tried_edition(Edition.model_validate(yaml.safe_load(FULL)), []),
    ):
        with pytest.raises(InputError) as refused:
            await asked
        assert refused.value.code == "edition_takes_too_long"
