"""Totals, ranks and classes: what is compared is what is shown, and nothing is decided that the edition leaves open."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from speech import DIGEST, RULES, TEXT, UNITS, Case, opening

from domain.deviations import deviations
from domain.rules import AwardRule, Edition
from domain.scoring.calculation import UnitSheet, calculate_scores
from domain.scoring.classes import Share, places_of
from domain.scoring.methods import ScoreEntry
from domain.scoring.remarks import remarks
from domain.scoring.results import UnitResult
from domain.scoring.scores import ScoreSelf, SelfScored, SheetItem
from domain.steps.conclusion import Nominate, RankUnits, RuleClass
from domain.steps.voting import RecordBallot, outcomes


def edition(criteria: list[dict[str, Any]], total: Any = None, **scoring: Any) -> Edition:
    named = [{"title": one["id"], **one} for one in criteria]
    return Edition.model_validate({"id": "e", "title": "E", "criteria": named, "total": total, "scoring": scoring})


def of_points(table: Edition, *points: Any, **more: Any) -> tuple[UnitResult, ...]:
    """Results of units whose whole sheet is one criterion by hand, in the order of the points."""
    criterion = table.criteria[0].id
    sheets = [
        {"unit": f"u{n}", "entries": [] if one is None else [{"criterion": criterion, "points": str(one)}], **more}
        for n, one in enumerate(points)
    ]
    return calculate_scores(table, [UnitSheet.model_validate(sheet) for sheet in sheets])


def codes(table: Edition) -> list[str]:
    return [remark.code for remark in remarks(table.criteria, table.scoring, table.total)]


class TestPenalties:
    TABLE = edition([{"id": "a", "max": 100}, {"id": "tru", "part": "penalty", "max": 10}], 100)

    @pytest.mark.parametrize("typed", ["5", "-5", "–5", "−5", "—5", "- 5", "‑5"])
    def test_a_penalty_takes_away_however_its_minus_is_typed(self, typed: str) -> None:
        entries = [{"criterion": "a", "points": 90}, {"criterion": "tru", "points": typed}]
        (found,) = calculate_scores(self.TABLE, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
        assert (found.penalty, found.total) == (-5, 85)

    def test_it_takes_no_more_than_its_maximum(self) -> None:
        entries = [{"criterion": "a", "points": 90}, {"criterion": "tru", "points": "-10.5"}]
        with pytest.raises(Exception, match="points_out_of_range"):
            calculate_scores(self.TABLE, [UnitSheet.model_validate({"unit": "u", "entries": entries})])

    def test_what_a_method_computes_is_bounded_too(self) -> None:
        ways: list[tuple[dict[str, Any], dict[str, Any]]] = [
            ({"way": "count", "each": -4}, {"count": 3}),
            ({"way": "steps", "steps": [{"at_least": 1, "points": 12}]}, {"actual": 1}),
            ({"way": "linear", "ceiling": "none"}, {"actual": 3, "target": 2}),
        ]
        for way, known in ways:
            table = edition([{"id": "a", "max": 100}, {"id": "tru", "part": "penalty", "max": 10, "way": way}], 100)
            entries = [{"criterion": "a", "points": 90}, {"criterion": "tru", **known}]
            (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
            assert found.total == 80, way

    def test_a_group_of_penalties_is_bounded_by_its_maximum(self) -> None:
        parts = [{"id": n, "title": n, "part": "penalty", "max": 8} for n in ("t1", "t2")]
        table = edition([{"id": "a", "max": 100}, {"id": "t", "part": "penalty", "max": 10, "children": parts}], 100)
        entries = [{"criterion": "a", "points": 90}, *({"criterion": n, "points": 8} for n in ("t1", "t2"))]
        (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
        assert (found.total, found.lines[1].capped_from) == (80, -16)

    @pytest.mark.parametrize("typed", ["5", "-5", "–5"])
    def test_the_least_of_all_penalties_takes_away_however_it_is_typed(self, typed: str) -> None:
        table = edition(
            [{"id": "a", "max": 100}, {"id": "tru", "part": "penalty", "max": 10}], 100, penalty_least=typed
        )
        entries = [{"criterion": "a", "points": 90}, {"criterion": "tru", "points": 8}]
        (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
        assert (found.penalty, found.total) == (-5, 85)

    @pytest.mark.parametrize("way", [{"way": "hand", "least": 5}, {"way": "count", "each": -1, "least": "5"}])
    def test_a_least_that_every_penalty_is_below_is_refused(self, way: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match="least_penalty_adds"):
            edition([{"id": "a", "max": 100}, {"id": "tru", "part": "penalty", "way": way}], 100)

    def test_without_a_least_a_counted_penalty_takes_all_away_and_is_remarked(self) -> None:
        way = {"way": "count", "each": -2}
        table = edition([{"id": "a", "max": 100}, {"id": "tru", "part": "penalty", "way": way}], 100)
        entries = [{"criterion": "a", "points": 90}, {"criterion": "tru", "count": 9}]
        (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
        assert found.total == 72
        assert codes(table) == ["penalty_unbounded"]


THIRDS = [{"id": n, "max": 10, "way": {"way": "linear"}} for n in ("a", "b", "c")]
ONE = [{"id": "a", "max": 100}]
SHARES = [
    {"id": "xs", "title": "XS", "share": "0.2"},
    {"id": "tot", "title": "T", "share": "0.3"},
    {"id": "k", "title": "K"},
]


class TestRounding:
    def results(self, **scoring: Any) -> UnitResult:
        table = edition(THIRDS, 30, **scoring)
        entries = [{"criterion": n, "actual": 1, "target": 3} for n in ("a", "b", "c")]
        (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
        return found

    def test_three_thirds_of_ten_are_ten(self) -> None:
        found = self.results(pass_marks=[{"least": 10}])
        assert (str(found.total), found.passed, str(found.lines[0].points)) == ("10", True, "3.3333")

    def test_what_the_edition_rounds_is_compared_as_it_is_shown(self) -> None:
        found = self.results(pass_marks=[{"least": 10}], rounding={"places": 2})
        assert (str(found.total), found.passed) == ("9.99", False)
        found = self.results(pass_marks=[{"least": 10}], rounding={"places": 2}, total_rounding={"places": 1})
        assert (str(found.total), found.passed) == ("10", True)

    def test_a_half_is_rounded_up_although_a_division_came_before(self) -> None:
        table = edition([{"id": "a", "max": "7.5", "way": {"way": "linear"}}], "7.5", rounding={"places": 0})
        sheet = UnitSheet.model_validate({"unit": "u", "entries": [{"criterion": "a", "actual": 1, "target": 3}]})
        assert calculate_scores(table, [sheet])[0].total == 3

    def test_a_floor_is_rounded_like_the_points(self) -> None:
        table = edition([{"id": "a", "max": "33.33", "least_share": "0.5"}], "33.33", rounding={"places": 1})
        assert [one.lines[0].floor_missed for one in of_points(table, "16.6", "16.7")] == [True, False]

    def test_a_stated_sum_of_rounded_maxima_is_whole(self) -> None:
        thirds = [{"id": n, "max": "33.33"} for n in ("a", "b", "c")]
        assert codes(edition(thirds, 100)) == ["total_rounded"]
        assert codes(edition(thirds, 101)) == ["total_unseen"]
        assert codes(edition([{"id": n, "max": "33"} for n in ("a", "b", "c")], 100)) == ["total_unseen"]
        whole = {"id": "g", "max": 100, "children": [{**one, "title": "x"} for one in thirds]}
        assert codes(edition([whole], 100)) == ["parts_rounded"]
        entries = [{"criterion": n, "points": "33.33"} for n in ("a", "b", "c")]
        (found,) = calculate_scores(edition(thirds, 100), [UnitSheet.model_validate({"unit": "u", "entries": entries})])
        assert found.complete


class TestRanks:
    def test_ties_within_the_tolerance_take_up_the_ranks_behind_them(self) -> None:
        table = edition(ONE, 100, tie_tolerance="0.01")
        assert [one.rank for one in of_points(table, "90.02", "90.01", "90", "89.99")] == [1, 1, 3, 4]
        assert [one.rank for one in of_points(table, 90, "89.99", "89.99", 80)] == [1, 1, 1, 4]

    def test_what_is_undetermined_is_not_ranked_and_says_why(self) -> None:
        found = of_points(edition(ONE, 100), 50, None, 0)
        assert [(one.rank, one.unranked) for one in found] == [(1, None), (None, "no_entry"), (2, None)]
        partial = edition([{"id": "a"}], 100)
        assert [(one.rank, one.unranked) for one in of_points(partial, 50)] == [(None, "table_incomplete")]

    @given(st.lists(st.decimals("0", "3", places=2), min_size=1, max_size=12), st.sampled_from(["0", "0.01", "0.5"]))
    @settings(max_examples=200)
    def test_ranks_count_whom_they_stand_behind(self, points: list[Decimal], tolerance: str) -> None:
        found = of_points(edition(ONE, 100, tie_tolerance=tolerance), *points)
        ranks = [one.rank or 0 for one in found]
        for rank in ranks:
            assert rank == 1 + sum(other < rank for other in ranks)
        for a, b in zip(found, points, strict=True):
            for other, higher in zip(found, points, strict=True):
                if higher - b > Decimal(tolerance):
                    assert (other.rank or 0) <= (a.rank or 0)
                if higher == b:
                    assert other.rank == a.rank


def named(id_: str, **ends: Any) -> dict[str, Any]:
    """A class with its ends."""
    return {"id": id_, "title": id_.upper(), **ends}


CLASSES = [
    {"id": "xs", "title": "Xuất sắc", "least": 91, "most": 100},
    {"id": "tot", "title": "Tốt", "least": 81, "most": 90},
    {"id": "kha", "title": "Khá", "least": 71, "under": 81},
    {"id": "yeu", "title": "Yếu", "most": 70},
]


class TestClasses:
    def given_(self, *points: Any, facts: dict[str, bool] | None = None, **scoring: Any) -> list[str | None]:
        table = edition(ONE, 100, **{"classes": CLASSES, **scoring})
        more = {"facts": facts} if facts is not None else {}
        found = of_points(table, *points, **more)
        return [f"?{one.class_open.code}" if one.class_open is not None else one.class_ for one in found]

    def test_classes_have_two_ends_and_a_gap_is_named(self) -> None:
        given_ = self.given_(91, "90.5", 90, 81, "80.9", "70.5", 70)
        assert given_ == ["xs", "?between_classes", "tot", "tot", "kha", "?between_classes", "yeu"]
        open_ = remarks((), edition(ONE, 100, classes=CLASSES).scoring, None)
        assert [dict(one.facts)["low"] for one in open_ if one.code == "class_gap_open"] == ["70", "90"]

    def test_a_rounded_total_falls_into_no_gap(self) -> None:
        assert self.given_("90.5", "70.5", total_rounding={"places": 0}) == ["xs", "kha"]
        table = edition(ONE, 100, classes=CLASSES, total_rounding={"places": 0})
        assert set(codes(table)) == {"class_gap_closed"}

    def test_a_ruling_decides_where_the_edition_does_not(self) -> None:
        table = edition(ONE, 100, classes=CLASSES)
        assert [one.class_ for one in of_points(table, "90.5", 85, ruled_class="xs")] == ["xs", "tot"]

    def test_an_incomplete_total_has_no_class_and_says_so(self) -> None:
        assert self.given_(None) == ["?result_incomplete"]

    @pytest.mark.parametrize(
        ("condition", "facts", "class_"),
        [
            ({"fact": "ky-luat", "holds": False}, {"ky-luat": False}, "xs"),
            ({"fact": "ky-luat", "holds": False}, {"ky-luat": True}, "tot"),
            ({"fact": "ky-luat", "holds": False, "otherwise": "none"}, {"ky-luat": True}, None),
            ({"fact": "ky-luat", "holds": False}, {}, "?fact_unknown"),
            ({"fact": "ky-luat", "holds": False, "classes": ["tot"]}, {"ky-luat": True}, "xs"),
        ],
    )
    def test_conditions_are_data(self, condition: dict[str, Any], facts: dict[str, bool], class_: str | None) -> None:
        more = {"facts": [{"id": "ky-luat", "title": "Có cán bộ bị kỷ luật"}], "class_conditions": [condition]}
        assert edition(ONE, 100, classes=CLASSES, **more)
        table = edition(ONE, 100, classes=CLASSES, **more)
        (found,) = of_points(table, 95, facts=facts)
        assert (f"?{found.class_open.code}" if found.class_open else found.class_) == class_

    def test_no_criterion_below_half(self) -> None:
        criteria = [{"id": "a", "max": 90}, {"id": "b", "max": 10}]
        condition = {"classes": ["xs"], "each_share": "1/2"}
        table = edition(criteria, 100, classes=CLASSES, class_conditions=[condition])

        def of(b: str) -> str | None:
            entries = [{"criterion": "a", "points": 90}, {"criterion": "b", "points": b}]
            (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
            return found.class_

        assert [of("5"), of("4.99")] == ["xs", "tot"]

    def test_a_second_class_by_share_is_given_of_those_that_are_left(self) -> None:
        assert self.given_(*range(100, 90, -1), classes=SHARES) == [*["xs"] * 2, *["tot"] * 3, *["k"] * 5]
        left = [SHARES[0], {**SHARES[1], "share": "1/2", "share_of": "left"}, SHARES[2]]
        assert self.given_(*range(100, 90, -1), classes=left).count("tot") == 4
        top = [SHARES[0], {**SHARES[1], "share": "1/2", "from_top": True}, SHARES[2]]
        assert self.given_(*range(100, 90, -1), classes=top).count("tot") == 3

    def test_a_tie_at_the_cut_off_needs_a_decision(self) -> None:
        points = (100, 99, 99, 97, 96, 95, 94, 93, 92, 91)
        assert self.given_(*points, classes=SHARES)[:4] == ["xs", "?tie_at_cutoff", "?tie_at_cutoff", "tot"]

    def test_classes_of_percent_make_80_of_80_as_good_as_100_of_100(self) -> None:
        criteria = [{"id": "a", "max": 80}, {"id": "b", "max": 20, "exempt_kinds": ["dao"]}]
        sheets = [
            {"unit": "x", "entries": [{"criterion": "a", "points": 80}, {"criterion": "b", "points": 20}]},
            {"unit": "y", "kind": "dao", "entries": [{"criterion": "a", "points": 80}]},
        ]
        given_ = [UnitSheet.model_validate(sheet) for sheet in sheets]
        by_points = edition(criteria, 100, classes=CLASSES)
        assert [one.class_ for one in calculate_scores(by_points, given_)] == ["xs", "kha"]
        assert {"total_of_kind_differs", "class_unreachable_for"} <= set(codes(by_points))
        percent = edition(criteria, 100, classes=CLASSES, classes_of="percent")
        assert [one.class_ for one in calculate_scores(percent, given_)] == ["xs", "xs"]
        assert not {"total_of_kind_differs", "class_unreachable_for"} & set(codes(percent))

    @pytest.mark.parametrize(
        ("classes", "code"),
        [
            ([{"id": "a", "title": "A", "least": 101}], "class_unreachable"),
            ([{"id": "a", "title": "A", "least": 50}, {"id": "b", "title": "B", "least": 80}], "class_never_given"),
            ([{"id": "a", "title": "A"}, {"id": "b", "title": "B", "least": 80}], "class_never_given"),
            ([named("a", most=90), named("b", most=90), named("c")], "class_never_given"),
            ([named("a", most=90), named("b", most=70), named("c")], "class_never_given"),
            ([named("a", least=60), named("b", under=60), named("c", least=50, most=70)], "class_never_given"),
            ([named("a", share="1"), named("b", least=50)], "class_never_given"),
            ([named("a", most=90)], "totals_above_classes"),
            ([{"id": "a", "title": "A", "passed": True}], "class_needs_pass_mark"),
            ([{"id": "a", "title": "A", "share": "1/3"}], "share_needs_units"),
        ],
    )
    def test_a_class_that_is_never_given_is_found(self, classes: list[dict[str, Any]], code: str) -> None:
        assert codes(edition(ONE, 100, classes=classes)) == [code]

    def test_a_class_that_no_rounded_total_meets_is_found(self) -> None:
        classes = [named("a", least=90), named("b", least="80.2", most="80.8"), named("c", under=90)]
        assert codes(edition(ONE, 100, classes=classes)) == [], "no gap either: the last one takes what lies around"
        assert codes(edition(ONE, 100, classes=classes, total_rounding={"places": 0})) == ["class_never_reached"]

    def test_a_class_that_only_a_condition_gives_is_given(self) -> None:
        classes = [named("a", least=50), named("b", least=80), named("c")]
        condition = {"classes": ["a"], "each_share": "1/2"}
        assert codes(edition(ONE, 100, classes=classes, class_conditions=[condition])) == []
        assert codes(edition(ONE, 100, classes=classes, class_conditions=[{**condition, "otherwise": "none"}])) == [
            "class_never_given"
        ]

    def test_of_classes_for_units_that_pass_one_hides_another_only_above_the_pass_mark(self) -> None:
        classes = [named("a", least=80, passed=True), named("b", least=60, passed=True), named("c")]
        for mark, found in ((70, []), (85, ["class_never_given"])):
            assert codes(edition(ONE, 100, classes=classes, pass_marks=[{"least": mark}])) == found

    def test_a_total_above_all_classes_waits_for_a_ruling(self) -> None:
        """A bonus lifts a total above 100, and a share has no place left: neither is no class by itself."""
        table = edition([*ONE, {"id": "b", "max": 10, "part": "bonus"}], 100, classes=CLASSES)
        entries = [{"criterion": "a", "points": 99}, {"criterion": "b", "points": 2}]
        (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
        assert found.class_open is not None
        assert (found.class_, found.class_open.code) == (None, "above_classes")
        assert dict(found.class_open.facts) == {"value": "101", "lower": "Xuất sắc"}
        assert "totals_above_classes" in codes(table)
        full = [named("xs", share="0.2", least=90), named("tot", most="89.9"), named("kha", most=60)]
        assert self.given_(95, 92, 91, 80, 50, classes=full) == ["xs", *["?above_classes"] * 2, "tot", "tot"]
        assert self.given_(50, classes=CLASSES[:2]) == [None], "below all classes there is none"

    def test_each_share_is_compared_as_it_is_shown(self) -> None:
        """A third of ten is a third of ten; and what is rounded to 5 of 10 is half of it."""
        for share, actual, rounding, class_ in (
            ("1/3", 1, None, "xs"),
            ("1/3", "0.9999", None, "tot"),
            ("0.46", "1.35", {"places": 0}, "xs"),
            ("0.46", "1.34", {"places": 0}, "tot"),
        ):
            linear = {"id": "b", "max": 10, "way": {"way": "linear"}, "rounding": rounding}
            condition = {"classes": ["xs"], "each_share": share}
            classes = [named("xs", least=80), named("tot")]
            table = edition([{"id": "a", "max": 90}, linear], 100, classes=classes, class_conditions=[condition])
            entries = [{"criterion": "a", "points": 90}, {"criterion": "b", "actual": actual, "target": 3}]
            (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
            assert found.class_ == class_, (share, actual)

    def test_a_unit_does_not_miss_what_it_is_exempt_from(self) -> None:
        criteria = [{"id": "a", "max": 80}, {"id": "b", "max": 20, "exempt_kinds": ["dao"], "least_share": "0.5"}]
        condition = {"each_share": "0.5", "otherwise": "none"}
        table = edition(criteria, 100, classes=[named("xs")], class_conditions=[condition], pass_marks=[{"least": 60}])
        for kind, passed, class_ in (("dao", True, "xs"), ("bo", False, None)):
            entries = [{"criterion": "a", "points": 80}, *([] if kind == "dao" else [{"criterion": "b", "points": 9}])]
            given_ = UnitSheet.model_validate({"unit": "u", "kind": kind, "entries": entries})
            (found,) = calculate_scores(table, [given_])
            assert (found.passed, found.class_) == (passed, class_)

    @pytest.mark.parametrize(
        ("scoring", "problem"),
        [
            ({"classes": [{"id": "a", "title": "A", "least": 5, "most": 4}]}, "class_backwards"),
            ({"classes": [{"id": "a", "title": "A", "least": 5, "under": 5}]}, "class_backwards"),
            ({"classes": [{"id": "a", "title": "A", "most": 5, "under": 6}]}, "class_end_is_one"),
            ({"class_conditions": [{"fact": "x"}]}, "no_such_fact"),
            ({"class_conditions": [{"each_share": "0.5", "classes": ["z"]}]}, "no_such_class"),
            ({"class_conditions": [{}]}, "condition_is_one"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, scoring: dict[str, Any], problem: str) -> None:
        with pytest.raises(ValidationError, match=problem):
            edition(ONE, 100, **scoring)


class TestShares:
    def test_shares_are_exact(self) -> None:
        assert [places_of("1/3", n, "down") for n in (2, 3, 8, 9)] == [0, 1, 2, 3]
        assert [places_of(Decimal("0.2"), 4, how) for how in ("down", "half-up", "up")] == [0, 1, 1]
        assert AwardRule(id="x", title="X", share="1/3").most(9) == 3
        assert AwardRule.model_validate({"id": "x", "title": "X", "share": "0,2"}).most(10) == 2

    def test_no_share_is_more_than_all(self) -> None:
        share: TypeAdapter[Any] = TypeAdapter(Share)
        for wrong in ("4/3", "0", "1.1", "x"):
            with pytest.raises(ValidationError):
                share.validate_python(wrong)


class TestWhatIsExpressible:
    def test_an_end_can_be_left_open(self) -> None:
        table = edition([{"id": "a", "max": 10, "way": {"way": "linear", "ceiling": "none"}}], 10)
        sheet = UnitSheet.model_validate({"unit": "u", "entries": [{"criterion": "a", "actual": 5, "target": 2}]})
        assert calculate_scores(table, [sheet])[0].total == 25

    def test_one_bonus_excludes_another(self) -> None:
        parts = [{"id": n, "title": n, "part": "bonus", "max": 5} for n in ("b1", "b2")]
        table = edition(
            [{"id": "a", "max": 100}, {"id": "b", "part": "bonus", "max": 5, "take": "highest", "children": parts}],
            100,
        )
        entries = [{"criterion": "a", "points": 90}, {"criterion": "b1", "points": 3}, {"criterion": "b2", "points": 2}]
        (found,) = calculate_scores(table, [UnitSheet.model_validate({"unit": "u", "entries": entries})])
        assert (found.bonus, found.total) == (3, 93)
        assert codes(table) == []

    def test_relative_to_the_mean(self) -> None:
        table = edition([{"id": "a", "max": 10, "way": {"way": "mean"}}], 10)
        sheets = [
            UnitSheet(unit=unit, entries=(ScoreEntry(criterion="a", actual=Decimal(actual)),))
            for unit, actual in (("u", 10), ("v", 20), ("w", 30))
        ]
        assert [one.total for one in calculate_scores(table, sheets)] == [5, 10, 10]

    def test_a_label_is_printed_before_the_title(self) -> None:
        assert edition([{"id": "c1-1", "number": "C1.1", "max": 10}], 10).criteria[0].number == "C1.1"


# In a cycle ---------------------------------------------------------------------------------------------------

HEAD, DEPUTY, THIRD = UNITS


def cluster(**changes: Any) -> Case:
    """A cluster under the test rules with some changes."""
    return Case(rules=Edition.model_validate({**RULES.model_dump(), **changes}))


def scored(case: Case, *sheets: dict[str, Any]) -> Case:
    for unit, sheet in zip(UNITS, sheets, strict=False):
        items = tuple(SheetItem.model_validate({"criterion": criterion, **known}) for criterion, known in sheet.items())
        case.when(ScoreSelf(unit=unit, sheet=items), by=unit).happened("SelfScored")
    return case


def whole(points: int) -> dict[str, Any]:
    return {"a1": {"points": min(points, 40)}, "a2": {"points": 0}, "b": {"points": max(points - 40, 0)}}


def codes_of(case: Case) -> list[str]:
    return [one.code for one in deviations(case.state, case.rules) if one.code != "ranked_before_appraisal"]


BANDED = {
    "criteria": [
        {"id": "a", "title": "A", "max": 60},
        {
            "id": "b",
            "title": "B",
            "max": 40,
            "way": {"way": "bands", "bands": [{"low": 0, "high": 10, "points": 20}, {"low": 11, "points": 40}]},
        },
    ]
}


class TestInACycle:
    def test_a_unit_with_open_points_is_named_and_not_ranked(self) -> None:
        case = scored(
            cluster(**BANDED),
            {"a": {"points": 10}, "b": {"actual": 5}},
            {"a": {"points": 60}, "b": {"actual": "10.5"}},
            {"a": {"points": 0}, "b": {"actual": 0}},
        )
        case.when(RankUnits()).happened("UnitsRanked", "UnitUnranked")
        assert [(one.unit, one.rank) for one in case.state.conclusion.ranking] == [(HEAD, 1), (THIRD, 2)]
        assert case.state.conclusion.unranked == {DEPUTY: "points-open"}

    def test_ranking_anew_forgets_who_had_no_rank(self) -> None:
        self.test_a_unit_with_open_points_is_named_and_not_ranked()
        case = scored(cluster(**BANDED), *({"a": {"points": n}, "b": {"actual": "10.5"}} for n in (1, 2, 3)))
        case.when(RankUnits()).refused("nobody_can_be_ranked")
        items = (
            SheetItem(criterion="a", points=Decimal(1)),
            SheetItem(criterion="b", actual=Decimal("10.5"), points=Decimal(30)),
        )
        case.when(ScoreSelf(unit=HEAD, sheet=items), by=HEAD).happened()
        case.when(RankUnits()).happened("UnitsRanked", "UnitUnranked", "UnitUnranked")
        assert [(one.unit, one.total) for one in case.state.conclusion.ranking] == [(HEAD, 31)]

    def test_points_under_a_penalty_are_recorded_with_their_minus(self) -> None:
        criteria = [{"id": "a", "title": "A", "max": 100}, {"id": "t", "title": "T", "part": "penalty", "max": 5}]
        case = scored(cluster(criteria=criteria), {"a": {"points": 90}, "t": {"points": "5"}})
        (told,) = [one.event for one in case.history if isinstance(one.event, SelfScored)]
        assert [item.points for item in told.sheet] == [90, -5]
        items = (SheetItem(criterion="a", points=Decimal(90)), SheetItem(criterion="t", points=Decimal(-5)))
        case.when(ScoreSelf(unit=HEAD, sheet=items), by=HEAD).already()

    CLASSED: ClassVar[dict[str, Any]] = {"scoring": {"classes": CLASSES}}

    def test_a_class_in_a_gap_waits_for_a_ruling(self) -> None:
        case = scored(
            cluster(**self.CLASSED), whole(80), whole(75), {**whole(40), "a2": {"points": 10}, "b": {"points": "20.5"}}
        )
        ruling = RuleClass(unit=THIRD, to="kha", reason=TEXT)
        case.when(RuleClass(unit=HEAD, to="tot", reason=TEXT)).refused("class_is_determined")
        case.when(RuleClass(unit=THIRD, to="gioi", reason=TEXT)).refused("no_such_class_here")
        case.when(RankUnits()).happened()
        assert codes_of(case) == ["class_between"]
        case.when(ruling, by=DEPUTY).refused("not_yours")
        case.when(ruling).happened("ClassRuled").when(ruling).already()
        assert codes_of(case) == []
        assert {unit: one.class_ for unit, one in case.state.results(case.rules).items()}[THIRD] == "kha"
        case.when(RuleClass(unit=THIRD, to="none", reason=DIGEST)).happened("ClassRuled")

    def test_a_quota_that_divides_a_rank_without_a_vote_is_flagged(self) -> None:
        case = scored(cluster(), whole(80), whole(80), whole(70)).when(RankUnits()).happened()
        case.when(Nominate(unit=DEPUTY, award="co")).happened()
        assert codes_of(case) == ["tie_at_quota"]
        vote = RecordBallot.model_validate(
            {
                "id": "v",
                "subject": "co",
                "method": "secret-ballot",
                "choices": [{"unit": DEPUTY, "votes": 2}, {"unit": HEAD, "votes": 1}],
                "cast": 3,
            }
        )
        case.when(vote).happened()
        assert codes_of(case) == []

    def test_a_share_of_units_that_nobody_counted_or_that_gives_no_place_divides_no_rank(self) -> None:
        for share, unnamed in (("1/3", None), ("1/3", "unknown"), ("0.2", None)):
            rules = Edition.model_validate(
                {**RULES.model_dump(), "awards": [{"id": "co", "title": "Cờ", "share": share}]}
            )
            case = Case(opened=False, rules=rules).when(opening().model_copy(update={"unnamed": unnamed})).happened()
            scored(case, whole(80), whole(80), whole(70)).when(RankUnits()).when(Nominate(unit=HEAD, award="co"))
            found = {"tie_at_quota"} if (share, unnamed) == ("1/3", None) else set()
            assert {*codes_of(case.happened())} & {"tie_at_quota"} == found

    def test_a_quota_that_divides_no_rank_is_not(self) -> None:
        case = scored(cluster(), whole(80), whole(79), whole(70)).when(RankUnits()).happened()
        case.when(Nominate(unit=HEAD, award="co")).happened()
        assert "tie_at_quota" not in codes_of(case)

    @pytest.mark.parametrize(
        ("votes", "names", "tied"),
        [((5, 5), 1, True), ((5, 4), 1, False), ((5, 3, 3), 2, True), ((5, 5, 3), 2, False), ((0, 0), 1, False)],
    )
    def test_equal_votes_for_the_last_place_have_no_winner(
        self, votes: tuple[int, ...], names: int, tied: bool
    ) -> None:
        rule = {"subject": "head", "method": "show-of-hands", "threshold": "0.3", "strict": False, "base": "cast"}
        case = cluster(votes=[{**rule, "article": "Điều 4"}])
        choices = [{"unit": unit, "votes": n} for unit, n in zip(UNITS, votes, strict=False)]
        fields = {"id": "v", "subject": "head", "method": "show-of-hands", "choices": choices, "names": names}
        case.when(RecordBallot.model_validate({**fields, "cast": sum(votes) if names == 1 else 8})).happened()
        assert ("vote_tied" in codes_of(case)) is tied
        (recorded,) = case.state.ballots.values()
        assert any(one.carried is None for one in outcomes(recorded, case.rules)) is (tied or not sum(votes))
        again = {**fields, "id": "v2", "round": 2, "names": 1, "cast": 3}
        again["choices"] = [{"unit": HEAD, "votes": 2}, {"unit": DEPUTY, "votes": 1}]
        case.when(RecordBallot.model_validate(again)).happened()
        assert "vote_tied" not in codes_of(case), "a later round decides"

    def test_a_council_has_a_least_number_of_members(self) -> None:
        rule = {"subject": "co", "method": "secret-ballot", "threshold": "0.5", "base": "cast", "article": "Điều 9"}
        case = cluster(votes=[{**rule, "least_members": 5}])
        fields = {"id": "v", "subject": "co", "method": "secret-ballot", "choices": [{"unit": HEAD, "votes": 4}]}
        case.when(RecordBallot.model_validate({**fields, "cast": 4, "present": 4})).happened()
        assert codes_of(case) == ["quorum_missed"]
        case.when(RecordBallot.model_validate({**fields, "id": "w", "cast": 4, "present": 5})).happened()
        assert codes_of(case) == ["quorum_missed"], "the second vote misses nothing"
