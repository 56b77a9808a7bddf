"""Fields that are missing are asked for one by one, down to the parts of a part; problems are told in Vietnamese."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from cli.acting import complete, day_of, names_of, options
from cli.outcome import Exit, grid, interruptible, on_its_way, run, terminal
from domain.commands import parse_command
from domain.records import Command, Refused
from domain.scoring.scores import ScoreSelf
from domain.steps.commenting import AddComment
from domain.steps.extensions import GrantExtension
from domain.steps.membership import AssignRole
from errors import InputError
from i18n.messages import sentence

Ask = Any


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Answers that somebody types, in order; an unexpected question fails the test."""

    def answers(*lines: str) -> Iterator[str]:
        left = iter(lines)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("rich.console.Console.input", lambda *_a, **_k: next(left))
        return left

    return answers


def ask(act: type[Command], fields: dict[str, Any]) -> dict[str, Any]:
    complete(act, fields)
    return fields


def test_the_parts_of_a_field_are_asked_one_by_one(typed: Ask) -> None:
    left = typed("dong-da", "", "", "", "Bổ sung chỉ tiêu")
    fields = ask(AddComment, {})
    assert fields == {"by": {"unit": "dong-da"}, "text": "Bổ sung chỉ tiêu"}
    assert next(left, None) is None


def test_a_day_that_is_none_is_asked_for_again_and_nothing_else_is_lost(
    typed: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    left = typed("31/02/2026", "20/07/2026")
    fields = ask(GrantExtension, {"duty": "signature", "unit": "dong-da", "reason": "Sáp nhập"})
    assert fields["until"] == "20/07/2026"
    assert next(left, None) is None
    assert "31/02/2026" in capsys.readouterr().err


def test_a_list_is_asked_for_entry_by_entry(typed: Ask) -> None:
    left = typed(
        "dong-da",
        "y",
        "tieu-chi-1",
        "9,5",
        "",
        "",
        "",
        "n",
        "n",
        "",
        "y",
        "tieu-chi-2",
        "",
        "18",
        "20",
        "",
        "n",
        "y",
        "Báo cáo 12",
        "n",
        "Sửa",
        "n",
    )
    fields = ask(ScoreSelf, {})
    assert next(left, None) is None
    score = parse_command("score-self", {**fields, "sheet": [{**item, "reason": None} for item in fields["sheet"]]})
    assert isinstance(score, ScoreSelf)
    assert [(item.criterion, item.figures[:3], item.evidence) for item in score.sheet] == [
        ("tieu-chi-1", (Decimal("9.5"), None, None), ()),
        ("tieu-chi-2", (None, 18, 20), ("Báo cáo 12",)),
    ]


def test_a_unit_can_be_named_where_a_word_would_do_too(typed: Ask) -> None:
    typed("head", "dong-da", "elected")
    assert ask(AssignRole, {}) == {"role": "head", "holder": "dong-da", "manner": "elected"}


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(InputError) as missing:
        complete(GrantExtension, {"duty": "stance"})
    assert missing.value.facts["first"] == "until"


def test_a_day_is_read_as_it_is_written_here() -> None:
    assert day_of("20/07/2026") == day_of("2026-07-20") == date(2026, 7, 20)
    with pytest.raises(InputError):
        day_of("07/20/2026")
    for nonsense in ("0", "1577836800", "20200205T", "31/02/2026", "1,000"):
        with pytest.raises(InputError):
            day_of(nonsense)


def test_an_option_is_given_once_and_its_json_is_read_like_a_file() -> None:
    for extra, code in (
        (["--unit", "a", "--unit", "b"], "field_twice"),
        (["--sheet", '[{"criterion": "a", "points": 1, "points": 2}]'], "file_key_twice"),
        (["--sheet", "[" * 10_000 + "]" * 10_000], "field_too_deep"),
    ):
        with pytest.raises(InputError) as refused:
            options(ScoreSelf, extra)
        assert refused.value.code == code


def test_whoever_stops_at_a_prompt_has_cancelled(capsys: pytest.CaptureFixture[str]) -> None:
    async def stopped() -> None:
        raise EOFError

    assert run(stopped) == 130
    assert capsys.readouterr().err == "Đã hủy; chưa ghi gì.\n"


async def _handed_in_and_cut_off() -> int:
    on_its_way("11111111-2222-3333-4444-555555555555")
    raise KeyboardInterrupt


async def _cut_off() -> int:
    raise KeyboardInterrupt


async def _asked_and_cut_off() -> int:
    with interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)  # noqa: ASYNC251 - as `input` does: nothing but the signal ends it
        pytest.fail("the signal was only noted")
    return 0


def test_after_something_was_handed_in_nobody_says_that_nothing_was_entered(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(_cut_off) == 130
    assert "chưa ghi gì" in capsys.readouterr().err
    assert run(_handed_in_and_cut_off) == Exit.PENDING
    told = capsys.readouterr().err
    assert "--command-id 11111111-2222-3333-4444-555555555555" in told
    assert "chưa ghi gì" not in told
    assert run(_cut_off) == 130, "the next command begins anew"


def test_ctrl_c_at_a_prompt_ends_the_command() -> None:
    assert run(_asked_and_cut_off) == 130


def test_a_field_whose_name_is_an_option_has_another() -> None:
    assert options(Command.KNOWN["take-stance"], ["--on-draft", "plan", "--stance=agreed"]) == {
        "on": "plan",
        "stance": "agreed",
    }
    own = {"on", "effective", "source", "meeting", "command_id", "file", "json", "as", "yes"}
    for act in Command.KNOWN.values():
        assert not own & set(names_of(act)), act.NAME


def test_what_people_wrote_is_shown_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    table = grid("a")
    table.add_row("[diễn tập] [bold]x[/red]")
    terminal().print(table)
    assert "[diễn tập] [bold]x[/red]" in capsys.readouterr().out


def test_what_is_wrong_is_told_in_vietnamese() -> None:
    with pytest.raises(Refused) as refused:
        parse_command("extend", {"duty": "stance", "until": "hôm qua", "reason": "0" * 64})
    told = sentence(refused.value.code, refused.value.facts)
    assert told == "“gia hạn”, đến ngày: hãy gõ ngày/tháng/năm, ví dụ 20/07/2026 (nhận được 'hôm qua')."
