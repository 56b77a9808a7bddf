"""Score tables: every way, caps and floors, classes and ranks; the five real rules with examples worked by hand."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from application.yaml_files import read_model
from cli.scoring import score
from domain.records import Refused
from domain.rules import Edition, edition_of
from domain.scoring.calculation import SheetFile, UnitSheet, calculate_scores
from domain.scoring.methods import BestInCluster, ScoreEntry, ScoringMethod, Undetermined
from domain.scoring.remarks import remarks
from domain.scoring.results import UnitResult
from errors import InputError

ROOT = Path(__file__).parent.parent
REAL = ROOT / "rules" / "real"
WAY: TypeAdapter[Any] = TypeAdapter(ScoringMethod)


def points(way: dict[str, Any], known: dict[str, Any], most: int | None = 10, best: BestInCluster | None = None) -> str:
    """What a way gives, as text; an open value by its code."""
    found = WAY.validate_python(way).points(
        ScoreEntry.model_validate({"criterion": "x", **known}),
        None if most is None else Decimal(most),
        best or BestInCluster(),
    )
    return found.code if isinstance(found, Undetermined) else f"{found.normalize():f}"


def edition(criteria: list[dict[str, Any]], **more: Any) -> Edition:
    named = [{"title": one["id"], **one} for one in criteria]
    return Edition.model_validate({"id": "e", "title": "E", "criteria": named, **more})


def sheet(unit: str, given_: dict[str, dict[str, Any]], **more: Any) -> UnitSheet:
    entries = [{"criterion": criterion, **known} for criterion, known in given_.items()]
    return UnitSheet.model_validate({"unit": unit, "entries": entries, **more})


def by_unit(results: tuple[UnitResult, ...]) -> dict[str, UnitResult]:
    return {result.unit: result for result in results}


class TestWays:
    def test_linear_stops_at_the_maximum_or_at_its_ceiling(self) -> None:
        assert points({"way": "linear"}, {"actual": "80", "target": "100"}) == "8"
        assert points({"way": "linear"}, {"actual": "150", "target": "100"}) == "10"
        assert points({"way": "linear", "ceiling": 12}, {"actual": "150", "target": "100"}) == "12"
        assert points({"way": "linear"}, {"actual": "80"}) == "figure_missing"
        assert points({"way": "linear"}, {"actual": "80", "target": "100"}, most=None) == "maximum_unknown"

    def test_steps(self) -> None:
        way = {
            "way": "steps",
            "of": "percent",
            "steps": [{"at_least": 100, "points": 8}, {"at_least": 80, "points": 6}],
        }
        assert [points(way, {"actual": a, "target": 50}) for a in (50, 40, 39)] == ["8", "6", "0"]
        with pytest.raises(ValidationError, match="steps_not_falling"):
            WAY.validate_python({"way": "steps", "steps": [{"at_least": 1, "points": 1}, {"at_least": 2, "points": 2}]})

    def test_a_value_between_two_bands_is_undetermined_unless_the_edition_rounds(self) -> None:
        bands = [
            {"low": 0, "high": 0, "change": 0},
            {"low": 1, "high": 10, "change": -2},
            {"low": 11, "high": 20, "change": -4},
        ]
        way: dict[str, Any] = {"way": "bands", "bands": [*bands, {"low": 21, "points": 0}]}
        assert [points(way, {"actual": a}) for a in (0, 10, 11, 25)] == ["10", "8", "6", "0"]
        assert points(way, {"actual": "10.5"}) == "between_bands"
        closed = {**way, "value_rounding": {"places": 0, "mode": "half-up"}}
        assert points(closed, {"actual": "10.5"}) == "6"
        table = edition([{"id": "a", "max": 10, "way": way}, {"id": "b", "max": 10, "way": closed}])
        assert edition_of(table.model_dump_json()) == table
        codes = [(r.criterion, r.code) for r in remarks(table.criteria, table.scoring, None) if r.criterion]
        assert set(codes) == {("a", "gap_open"), ("b", "gap_closed")}

    def test_a_ruling_closes_what_a_way_leaves_open(self) -> None:
        way = {"way": "bands", "bands": [{"low": 1, "high": 10, "points": 8}, {"low": 11, "high": 20, "points": 6}]}
        table = edition([{"id": "a", "max": 10, "way": way}], total=10)
        (found,) = calculate_scores(table, [sheet("u", {"a": {"actual": "10.5"}})])
        assert (found.total, found.complete) == (Decimal(0), False)
        (ruled,) = calculate_scores(table, [sheet("u", {"a": {"actual": "10.5", "points": "7"}})])
        assert (ruled.total, ruled.complete) == (Decimal(7), True)
        (decided,) = calculate_scores(table, [sheet("u", {"a": {"actual": "11", "points": "7"}})])
        assert decided.total == 6, "a ruling does not overrule the way"

    def test_overlapping_bands_are_no_bands(self) -> None:
        for second in ({"low": 10, "points": 1}, {"low": 3, "points": 1}):
            with pytest.raises(ValidationError, match="bands_overlap"):
                WAY.validate_python({"way": "bands", "bands": [{"low": 1, "high": 10, "points": 2}, second]})

    def test_all_or_nothing(self) -> None:
        way = {"way": "all-or-nothing", "conditions": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]}
        assert [points(way, {"met": met}) for met in (["a", "b"], ["a"], [])] == ["10", "0", "0"]
        assert points(way, {}) == "figure_missing"

    def test_count_is_capped_both_ways(self) -> None:
        assert [points({"way": "count", "each": "2.5"}, {"count": c}) for c in (0, 3, 9)] == ["0", "7.5", "10"]
        penalty = {"way": "count", "each": -2, "least": -10}
        assert [points(penalty, {"count": c}, most=None) for c in (0, 3, 9)] == ["0", "-6", "-10"]

    def test_relative_to_the_best(self) -> None:
        best, way = BestInCluster(Decimal("1.5"), Decimal(40)), {"way": "relative", "tolerance": "0.0001"}
        known = [{"actual": a, "target": 100} for a in (80, 100, 125, 150)]
        assert [points(way, one, best=best) for one in known] == ["4", "5", "7.5", "10"]
        assert points(way, {"actual": "149.995", "target": 100}, best=best) == "10"
        assert points(way, {"actual": 10}, best=best) == "2.5"
        assert points(way, {"actual": 0}) == "nobody_leads"


class TestTables:
    def test_a_group_is_capped_and_says_so(self) -> None:
        parts = [{"id": n, "title": n, "max": 8} for n in ("a", "b")]
        table = edition([{"id": "g", "max": 10, "children": parts}], total=10)
        (found,) = calculate_scores(table, [sheet("u", {"a": {"points": 8}, "b": {"points": 7}})])
        assert (found.total, found.lines[0].capped_from) == (10, 15)
        assert [r.code for r in remarks(table.criteria, table.scoring, table.total)] == ["parts_exceed"]

    def test_a_bonus_goes_above_and_has_its_own_cap(self) -> None:
        table = edition(
            [{"id": "a", "max": 97}, {"id": "b", "max": 20, "part": "bonus"}],
            scoring={"bonus_cap": 10, "stated_base": 97},
        )
        (found,) = calculate_scores(table, [sheet("u", {"a": {"points": 97}, "b": {"points": 15}})])
        assert (found.base, found.bonus, found.total) == (97, 10, 107)

    @pytest.mark.parametrize(
        ("given_", "code"),
        [
            ({"a": {"points": "10.5"}}, "points_out_of_range"),
            ({"a": {"points": "-1"}}, "points_out_of_range"),
            ({"a": {"points": "1.25"}}, "points_not_in_steps"),
            ({"z": {"points": 1}}, "no_such_criterion"),
        ],
    )
    def test_what_cannot_be_is_refused(self, given_: dict[str, Any], code: str) -> None:
        table = edition([{"id": "a", "max": 10, "way": {"way": "hand", "step": "0.5"}}])
        with pytest.raises(Refused, match=code):
            calculate_scores(table, [sheet("u", given_)])

    def test_a_floor_and_a_pass_mark_by_kind(self) -> None:
        table = edition(
            [{"id": "a", "max": 50, "least_share": "0.5"}, {"id": "b", "max": 50, "least_share": "0.5"}],
            total=100,
            scoring={"pass_marks": [{"least": 60, "kinds": ["mien-nui"]}, {"least": 80}]},
        )

        def passed(a: int, b: int, kind: str | None) -> bool | None:
            (found,) = calculate_scores(table, [sheet("u", {"a": {"points": a}, "b": {"points": b}}, kind=kind)])
            return found.passed

        assert passed(40, 25, "mien-nui") is True
        assert passed(40, 25, None) is False
        assert passed(50, 24, "mien-nui") is False, "below the floor of one standard"

    def test_a_criterion_for_one_unit_and_an_exemption(self) -> None:
        table = edition(
            [
                {"id": "a", "max": 10, "units": ["b"]},
                {"id": "c", "max": 10, "exempt_kinds": ["dao"], "exempt_gives": "maximum"},
            ]
        )
        found = by_unit(
            calculate_scores(
                table,
                [
                    sheet("a", {"c": {"points": 5}}),
                    sheet("b", {"a": {"points": 9}, "c": {"points": 5}}),
                    sheet("d", {}, kind="dao"),
                ],
            )
        )
        assert {unit: result.total for unit, result in found.items()} == {"a": 5, "b": 14, "d": 10}

    def test_ties_share_a_rank_unless_the_edition_breaks_them(self) -> None:
        criteria = [{"id": "a", "max": 10}, {"id": "b", "max": 10}]
        sheets = [
            sheet("x", {"a": {"points": 9}, "b": {"points": 8}}),
            sheet("y", {"a": {"points": 8}, "b": {"points": 9}}),
            sheet("z", {"a": {"points": 1}, "b": {"points": 1}}),
        ]
        assert [r.rank for r in calculate_scores(edition(criteria), sheets)] == [1, 1, 3]
        assert [r.rank for r in calculate_scores(edition(criteria, scoring={"ties_by": ["b"]}), sheets)] == [2, 1, 3]

    def test_classes_by_points_or_by_share_of_the_units(self) -> None:
        classes = [
            {"id": "xs", "title": "Xuất sắc", "share": "0.2"},
            {"id": "tot", "title": "Tốt", "least": 80},
            {"id": "con-lai", "title": "Còn lại"},
        ]
        table = edition([{"id": "a", "max": 100}], total=100, scoring={"classes": classes})
        sheets = [sheet(f"u{n}", {"a": {"points": 95 - 5 * n}}) for n in range(5)]
        assert [r.class_ for r in calculate_scores(table, sheets)] == ["xs", "tot", "tot", "tot", "con-lai"]

    def test_who_is_excluded_is_not_ranked_and_leads_nobody(self) -> None:
        table = edition([{"id": "a", "max": 10, "way": {"way": "relative"}}])
        sheets = [
            sheet("x", {"a": {"actual": 100, "target": 10}}, excluded="Có đơn vị bị kỷ luật"),
            sheet("y", {"a": {"actual": 20, "target": 10}}),
        ]
        found = by_unit(calculate_scores(table, sheets))
        assert (found["x"].rank, found["y"].rank, found["y"].total) == (None, 1, 10)


class TestRealRules:
    @pytest.mark.parametrize("file", sorted(REAL.glob("*[0-9i].yaml")), ids=lambda file: file.stem)
    def test_an_edition_survives_its_storage(self, file: Path) -> None:
        table = read_model(file, Edition)
        assert edition_of(table.model_dump_json()) == table

    def results(self, name: str) -> dict[str, UnitResult]:
        table = read_model(REAL / f"{name}.yaml", Edition)
        return by_unit(calculate_scores(table, read_model(REAL / f"{name}.sheet.yaml", SheetFile).units))

    def codes(self, name: str) -> set[str]:
        table = read_model(REAL / f"{name}.yaml", Edition)
        return {remark.code for remark in remarks(table.criteria, table.scoring, table.total)}

    def test_guidance_82_is_known_in_part(self) -> None:
        assert self.codes("mttw-82-2017") == {"parts_unseen", "total_unseen"}
        assert (self.results("mttw-82-2017")["tinh-a"].total, self.results("mttw-82-2017")["tinh-a"].complete) == (
            Decimal("1.5"),
            False,
        )

    def test_decree_122_calls_nothing_passed_while_its_maxima_are_unknown(self) -> None:
        (found,) = self.results("nd122-2018").values()
        assert (found.total, found.pass_mark, found.passed) == (64, 60, None)

    def test_the_formulas_of_quang_tri(self) -> None:
        found = self.results("quang-tri")
        first = {unit: [result.facts[c] for c in ("g1-1", "g1-2", "g2-1")] for unit, result in found.items()}
        assert first == {"a": [10, 8, 10], "b": [Decimal("7.5"), 4, 15], "c": [4, 2, 0]}
        assert (found["b"].bonus, found["c"].penalty) == (5, -6)
        assert self.codes("quang-tri") == {"depends_on_others", "total_unstated"}

    def test_the_youth_union_adds_up(self) -> None:
        (found,) = self.results("tw-doan-2021").values()
        assert (found.base, found.bonus, found.total) == (Decimal("381.5"), 35, Decimal("416.5"))
        assert self.codes("tw-doan-2021") == {"parts_unseen"}

    def test_dong_nai_has_a_bonus_for_a_criterion_and_a_criterion_for_one_commune(self) -> None:
        found = self.results("dong-nai-2026")
        assert {u: (r.base, r.bonus) for u, r in found.items()} == {
            "xa-a": (Decimal("62.5"), 1),
            "xa-b": (Decimal("69.5"), 0),
        }


def test_the_example_of_the_documentation_is_what_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "rules.md").read_text(), re.DOTALL)
    for name, block in zip(("edition", "sheet"), blocks, strict=True):
        (tmp_path / name).write_text(block)
    table = read_model(tmp_path / "edition", Edition)
    assert [one.code for one in remarks(table.criteria, table.scoring, table.total)] == ["share_needs_units"]
    first, second = calculate_scores(table, read_model(tmp_path / "sheet", SheetFile).units)
    assert (first.total, first.facts["tin-bai"], first.facts["hoi-nghi"]) == (86, Decimal("15.5"), 18)
    assert (first.rank, first.class_, first.passed, second.rank) == (1, "tot", True, None)


# Properties ---------------------------------------------------------------------------------------------------------

quarter = st.integers(0, 400).map(lambda n: Decimal(n) / 4)
tables = st.lists(
    st.tuples(st.integers(1, 100), st.integers(1, 100), st.sampled_from(["base", "bonus"])), min_size=1, max_size=6
)


@settings(max_examples=150, deadline=None)
@given(tables, st.data())
def test_totals_keep_their_caps_and_the_order_of_entry_never_matters(
    shape: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    criteria = [
        {
            "id": f"g{n}",
            "max": cap,
            "part": part,
            "children": [{"id": f"g{n}-{k}", "title": "x", "max": most, "part": part} for k in range(2)],
        }
        for n, (cap, most, part) in enumerate(shape)
    ]
    table = edition(criteria, scoring={"bonus_cap": 7})
    leaves = [leaf for top in table.criteria for leaf in top.leaves()]
    sheets = []
    for unit in ("x", "y", "z"):
        given_ = {leaf.id: {"points": min(data.draw(quarter), leaf.max or 0)} for leaf in leaves}
        sheets.append(sheet(unit, given_))
    results = calculate_scores(table, sheets)
    cap = sum((top.max or 0 for top in table.criteria if top.part == "base"), Decimal(0))
    for result in results:
        assert 0 <= result.base <= cap
        assert 0 <= result.bonus <= 7
        assert result.total == result.base + result.bonus
    mixed = data.draw(st.permutations(sheets))
    turned = [one.model_copy(update={"entries": one.entries[::-1]}) for one in mixed]
    assert by_unit(calculate_scores(table, turned)) == by_unit(results)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 300)), min_size=1, max_size=6))
def test_relative_points_stay_within_the_maximum_and_the_leader_has_it(figures: list[tuple[int, int]]) -> None:
    table = edition([{"id": "a", "max": 10, "way": {"way": "relative"}}])
    results = calculate_scores(
        table, [sheet(f"u{n}", {"a": {"actual": a, "target": t}}) for n, (a, t) in enumerate(figures)]
    )
    assert all(0 <= result.total <= 10 for result in results)
    best = max(Decimal(a) / Decimal(t) for a, t in figures)
    if best > 1:
        leaders = [n for n, (a, t) in enumerate(figures) if Decimal(a) / Decimal(t) == best]
        assert all(results[n].total == 10 for n in leaders)


@settings(max_examples=100, deadline=None)
@given(st.lists(quarter, min_size=1, max_size=20))
def test_decimals_stay_exact(values: list[Decimal]) -> None:
    table = edition([{"id": f"c{n}", "max": 100} for n in range(len(values))])
    (found,) = calculate_scores(table, [sheet("u", {f"c{n}": {"points": str(v)} for n, v in enumerate(values)})])
    assert found.total == sum(values, Decimal(0))


def test_a_band_may_begin_above_its_lower_end() -> None:
    bands = [
        {"low": 0, "high": 0, "points": 30},
        {"low": 0, "above": True, "high": 10, "points": 20},
        {"low": 11, "high": 20, "points": 10},
        {"low": 20, "above": True, "points": 0},
    ]
    way: Any = TypeAdapter(ScoringMethod).validate_python({"way": "bands", "bands": bands})

    def points(actual: str) -> Any:
        return way.points(ScoreEntry(criterion="a", actual=actual), Decimal(30), BestInCluster())

    assert [points(value) for value in ("0", "0.5", "10", "11", "20", "20.1")] == [30, 20, 20, 10, 10, 0]
    assert isinstance(points("10.5"), Undetermined)
    assert list(way.gaps()) == [(10, 11)], "the one gap that the source leaves"
    for wrong in ({"low": 0, "high": 10, "points": 1}, {"low": 0, "above": True, "high": 0, "points": 1}):
        with pytest.raises(ValidationError):
            TypeAdapter(ScoringMethod).validate_python(
                {"way": "bands", "bands": [{"low": 0, "high": 0, "points": 2}, wrong]}
            )


@pytest.mark.parametrize(
    "criterion",
    [
        {"id": "tru", "title": "Trừ", "part": "penalty", "way": {"way": "count", "each": 2, "least": -10}},
        {"id": "a", "title": "A", "max": 60, "way": {"way": "linear", "ceiling": 50}},
    ],
)
def test_a_criterion_that_cannot_be_meant_is_refused(criterion: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"penalty_adds|ceiling_below_maximum"):
        Edition.model_validate({"id": "x", "title": "X", "criteria": [criterion]})


async def test_a_wrong_sheet_is_refused_by_its_unit_and_line(tmp_path: Path) -> None:
    sheet = tmp_path / "s.yaml"
    sheet.write_text("units:\n  - unit: a\n  - unit: b\n    entries:\n      - {criterion: khong-co, points: 1}\n")
    rules = ROOT / "rules" / "real" / "quang-tri.yaml"
    with pytest.raises(InputError) as wrong:
        await score(rules, sheet, as_json=True)
    assert (wrong.value.code, wrong.value.facts["unit"]) == ("sheet_refused", "b")
    assert wrong.value.path.endswith("s.yaml:3")
    sheet.write_text("units:\n\t- unit: a\n")
    with pytest.raises(InputError) as tab:
        await score(rules, sheet, as_json=True)
    assert (tab.value.code, tab.value.path.rpartition(":")[2]) == ("file_tab", "2")
