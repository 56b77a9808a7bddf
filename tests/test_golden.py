"""Decisions are those of the golden corpus; the corpus is written anew only when that is allowed (`golden.py`).

`make test` decides the recorded years and each fifth random year, `make soak` all of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import golden
import pytest
from golden import CHANGELOG, FILE, RANDOM_YEARS, Corpus, NotRenewedError, decided, is_released, named, renewed

from domain import law
from domain.cycle import _COMPOSITION
from domain.records import Event, Refused
from domain.steps.commenting import WithdrawStance
from domain.steps.drafting import PresentDraft
from domain.types import Document

STRIDE = 1 if os.environ.get("THIDUA_SOAK") else 5
MOST_BYTES = 200_000


def otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change a decision: every draft that is presented is another one."""
    decides: Any = _COMPOSITION.decides
    as_before = decides[PresentDraft]

    def changed(*arguments: Any) -> Iterator[Event]:
        for event in as_before(*arguments):
            yield event.model_copy(update={"document": Document(title="Bản khác")})

    monkeypatch.setitem(decides, PresentDraft, changed)


def test_decisions_are_those_of_the_corpus() -> None:
    kept = Corpus.read(FILE)
    changed = kept.changed(decided(range(0, RANDOM_YEARS, STRIDE)))
    assert not changed, f"decided otherwise: {named(changed)}. See CONTRIBUTING.md, Changing a decision"
    assert kept.law == law.LAW, "the law has another number: run `make golden`"


def test_the_changelog_tells_of_the_corpus() -> None:
    line = Corpus.read(FILE).changelog
    assert golden.stands_in(line, CHANGELOG.read_text()), f"CHANGELOG.md lacks the line: * {line}"


def test_the_corpus_is_whole_and_small() -> None:
    kept = Corpus.read(FILE)
    assert FILE.stat().st_size < MOST_BYTES
    random = [case for case in kept.digests if case.startswith(golden.RANDOM)]
    assert random == [f"{golden.RANDOM} {number}" for number in range(RANDOM_YEARS)]
    recorded = golden.recorded_cases()
    assert [case for case in kept.digests if case not in random] == list(recorded)
    assert {name.split()[0] for name in recorded} == {"demo", "cases", "year", "acts"}
    assert len(set(kept.digests.values())) > len(kept.digests) * 0.99, "hardly two are alike"


def test_random_years_reach_the_end_and_most_acts() -> None:
    events = [{one.event.NAME for one in golden.random_case(number).history} for number in range(40)]
    assert len(set().union(*events)) > 50
    assert sum("ResultsPublished" in names for names in events) > 20
    assert sum("UnitsRanked" in names for names in events) > 10


def test_a_changed_decision_is_named_by_its_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    otherwise(monkeypatch)
    changed = Corpus.read(FILE).changed(decided(range(20)))
    assert "demo mttq-hanoi/2020/cum-1" in changed
    assert any(case.startswith("cases ") for case in changed)
    assert "random years" in named(changed)
    presented = [n for n in range(20) if "DraftPresented" in {one.event.NAME for one in golden.random_case(n).history}]
    assert [case for case in changed if case.startswith(golden.RANDOM)] == [f"{golden.RANDOM} {n}" for n in presented]


def test_one_refusal_more_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    decides: Any = _COMPOSITION.decides

    def refuses(*_arguments: Any) -> Iterator[Event]:
        raise Refused("too_late")

    monkeypatch.setitem(decides, WithdrawStance, refuses)
    assert Corpus.read(FILE).changed(decided(range(20)))


OLD = Corpus(1, "old", {"demo a": "1", "random year 0": "2"})
NEW = {"demo a": "1", "random year 0": "3"}


@pytest.mark.parametrize(
    ("number", "released", "now", "told"),
    [
        (1, False, NEW, "Decisions by law 1 (corpus {mark}), otherwise or new: random years 0."),
        (2, False, NEW, "Decisions by law 2 (corpus {mark}), otherwise or new: random years 0."),
        (2, True, NEW, "Decisions by law 2 (corpus {mark}), otherwise or new: random years 0."),
        (1, True, OLD.digests, "old"),
        (1, True, {**OLD.digests, "demo b": "4"}, "Decisions by law 1 (corpus {mark}), otherwise or new: demo b."),
        (2, True, OLD.digests, "Decisions by law 2 (corpus {mark}), none are otherwise."),
        (1, True, NEW, None),
        (1, True, {"demo a": "1"}, None),
        (0, False, NEW, None),
    ],
)
def test_after_a_release_only_a_raised_number_renews_the_corpus(
    number: int, released: bool, now: dict[str, str], told: str | None
) -> None:
    if told is None:
        with pytest.raises(NotRenewedError, match=r"random years 0|law 1"):
            renewed(OLD, now, number, released=released)
        return
    new = renewed(OLD, now, number, released=released)
    mark = new.changelog.split("corpus ")[-1][:8]
    assert (new.law, new.digests, new.changelog) == (number, now, told.format(mark=mark))


@pytest.mark.parametrize(
    ("changelog", "released"),
    [
        ("# Changes\n\n## 0.1.0, unreleased\n\n### Words\n", False),
        ("# Changes\n\n## 0.1.0, 2027-01-15\n", True),
        ("# Changes\n\n## 0.2.0, unreleased\n\n## 0.1.0, 2027-01-15\n", True),
    ],
)
def test_a_release_is_a_version_with_a_day_in_the_changelog(changelog: str, released: bool) -> None:
    assert is_released(changelog) is released


def test_make_golden_refuses_after_a_release(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole command, on a corpus of its own, with and without a release, with and without a raised number."""
    changelog, file = tmp_path / "CHANGELOG.md", tmp_path / "decisions.json"
    monkeypatch.setattr(golden, "CHANGELOG", changelog)
    monkeypatch.setattr(golden, "FILE", file)
    monkeypatch.setattr(golden, "RANDOM_YEARS", 3)
    monkeypatch.setattr(golden, "recorded_cases", dict)
    changelog.write_text("## 0.1.0, unreleased\n")
    assert golden.main([]) is None
    first = Corpus.read(file)
    otherwise(monkeypatch)
    changelog.write_text("## 0.1.0, 2027-01-15\n")
    error = golden.main([])
    assert error is not None
    assert "random years" in error
    assert Corpus.read(file) == first, "nothing is written"
    changelog.write_text("## 0.1.0, unreleased\n")
    assert golden.main([]) is None
    assert (Corpus.read(file).law, Corpus.read(file) == first) == (law.LAW, False)
    file.unlink()
    first.write(file)
    changelog.write_text("## 0.1.0, 2027-01-15\n")
    monkeypatch.setattr(law, "LAW", law.LAW + 1)
    capsys.readouterr()
    assert golden.main([]) is None
    assert Corpus.read(file).law == law.LAW
    assert Corpus.read(file).changelog in capsys.readouterr().out
    assert golden.main(["--show", "random year 1"]) is None
    assert "CycleOpened" in capsys.readouterr().out
