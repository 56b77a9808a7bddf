"""What an edition can say beyond points: rounds of its own, kinds of units, quotas, working days, how long it holds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from speech import CITY, RULES, TEXT, UNITS, Case, day

from domain.deviations import deviations
from domain.due_dates import day_of_rule
from domain.duties import Duty
from domain.obligations import obligations
from domain.rules import Deadline, Edition, YearDay
from domain.scoring.scores import AppraiseScores, ScoreRound, ScoreSelf, SheetItem, calculated_scores, effective_score
from domain.steps.conclusion import ExcludeUnit, Nominate, RankUnits
from domain.steps.lifecycle import OpenCycle
from domain.steps.midyear import ReportMidyear, SendBack
from domain.times import When, end_of
from domain.types import FrozenModel, Participant
from domain.units import Unit
from domain.workdays import Calendar

HEAD, DEPUTY, THIRD = UNITS
WHOLE = (
    SheetItem(criterion="a1", points="30"),
    SheetItem(criterion="a2", points="10"),
    SheetItem(criterion="b", points="20"),
)
PAPER = {"title": "Báo cáo"}


def rules(**changes: Any) -> Edition:
    return Edition.model_validate({**RULES.model_dump(mode="json"), **changes})


def codes(case: Case) -> set[str]:
    return {d.code for d in deviations(case.state, case.rules)}


TEAMS = rules(
    rounds=[
        {"id": "self", "title": "Tự chấm", "by": "own"},
        {"id": "ban-to-chuc", "title": "Ban Tổ chức", "by": "team", "criteria": ["a1", "a2"], "article": "Điều 7"},
        {"id": "van-phong", "title": "Văn phòng", "by": "team", "criteria": ["b"]},
        {"id": "decided", "title": "Quyết định", "by": "organiser"},
    ]
)


class TestRounds:
    def scored(self) -> Case:
        return Case(rules=TEAMS).step(day(11, 1)).when(ScoreSelf(unit=THIRD, sheet=WHOLE), by=THIRD).happened()

    def test_of_each_criterion_the_last_round_that_speaks_of_it_counts(self) -> None:
        case = self.scored()
        one = SheetItem(criterion="a1", points="25", reason=TEXT)
        case.when(ScoreRound(unit=THIRD, round="ban-to-chuc", sheet=(one,))).happened("RoundScored")
        case.when(
            ScoreRound(unit=THIRD, round="van-phong", sheet=(SheetItem(criterion="b", points="40", reason=TEXT),))
        ).happened()
        assert str(calculated_scores(case.state, case.rules)[THIRD].total) == "75"
        assert {i.criterion: str(i.points) for i in effective_score(THIRD, case.state.scores, case.rules)} == {
            "a1": "25",
            "a2": "10",
            "b": "40",
        }
        assert str(calculated_scores(case.state, case.rules, "self")[THIRD].total) == "60", (
            "no round overwrites another"
        )
        case.when(ScoreRound(unit=THIRD, round="ban-to-chuc", sheet=(one,))).already()
        assert not codes(case) & {"scored_beyond_round", "round_undeclared"}

    def test_the_order_of_the_edition_counts_not_that_of_entry(self) -> None:
        case = self.scored()
        decided = SheetItem(criterion="a1", points="1", reason=TEXT)
        case.when(ScoreRound(unit=THIRD, round="decided", sheet=(decided,))).happened()
        case.when(
            ScoreRound(unit=THIRD, round="ban-to-chuc", sheet=(SheetItem(criterion="a1", points="40", reason=TEXT),))
        ).happened()
        assert str(calculated_scores(case.state, case.rules)[THIRD].total) == "31"

    def test_what_is_not_a_rounds_is_seen(self) -> None:
        case = self.scored().when(
            ScoreRound(unit=THIRD, round="van-phong", sheet=(SheetItem(criterion="a1", points="9", reason=TEXT),))
        )
        (seen,) = [d for d in deviations(case.happened().state, case.rules) if d.code == "scored_beyond_round"]
        assert (seen.article, seen.facts["round"]) == (None, "van-phong")
        case.when(
            ScoreRound(unit=THIRD, round="phuc-tra", sheet=(SheetItem(criterion="b", points="19", reason=TEXT),))
        ).happened()
        assert "round_undeclared" in codes(case)
        assert str(calculated_scores(case.state, case.rules)[THIRD].total) == "39", (
            "what is not declared counts less than what is"
        )

    def test_a_change_gives_its_reason_and_named_rounds_have_their_act(self) -> None:
        case = self.scored()
        case.when(ScoreRound(unit=THIRD, round="decided", sheet=(SheetItem(criterion="a1", points="9"),))).refused(
            "change_needs_reason"
        )
        case.when(ScoreRound(unit=THIRD, round="appraised", sheet=WHOLE)).refused("round_has_its_act")
        case.when(
            ScoreRound(unit=THIRD, round="decided", sheet=(SheetItem(criterion="b", points="41", reason=TEXT),))
        ).refused("points_out_of_range")

    def test_a_score_after_the_ranking_is_seen(self) -> None:
        case = Case().step(day(11, 1))
        for unit in UNITS:
            case.when(ScoreSelf(unit=unit, sheet=WHOLE), by=unit).when(
                AppraiseScores(unit=unit, sheet=WHOLE)
            ).happened()
        case.when(RankUnits()).happened()
        assert "scored_after_ranking" not in codes(case)
        changed = tuple(item.model_copy(update={"points": item.points - 1, "reason": TEXT}) for item in WHOLE)
        case.step(day(11, 5)).when(AppraiseScores(unit=THIRD, sheet=changed)).happened()
        assert "scored_after_ranking" in codes(case)

    def test_without_declared_rounds_the_last_whole_sheet_counts_alone(self) -> None:
        table = rules(
            criteria=[{"id": "a", "title": "A", "max": 50}, {"id": "cong", "title": "Cộng", "max": 10, "part": "bonus"}]
        )
        case = Case(rules=table).step(day(11, 1))
        claimed = (SheetItem(criterion="a", points=40), SheetItem(criterion="cong", points=10))
        case.when(ScoreSelf(unit=THIRD, sheet=claimed), by=THIRD).happened()
        case.when(AppraiseScores(unit=THIRD, sheet=(SheetItem(criterion="a", points=40),))).happened()
        assert str(calculated_scores(case.state, table)[THIRD].total) == "40", (
            "an appraiser who leaves a bonus out drops it"
        )

    def test_who_scored_is_compared_with_who_should(self) -> None:
        case = (
            self.scored()
            .when(ScoreRound(unit=THIRD, round="decided", by=Participant(group="ai đó"), sheet=WHOLE))
            .happened()
        )
        assert "scored_by_other" in codes(case)
        assert "scored_by_other" not in codes(self.scored().when(ScoreRound(unit=THIRD, round="decided", sheet=WHOLE)))

    def test_an_earlier_rounds_late_paper_needs_no_reason_for_what_came_after(self) -> None:
        case = self.scored()
        case.when(
            ScoreRound(unit=THIRD, round="decided", sheet=(SheetItem(criterion="a1", points=1, reason=TEXT),))
        ).happened()
        same = SheetItem(criterion="a1", points=30)
        case.when(ScoreRound(unit=THIRD, round="ban-to-chuc", sheet=(same,))).happened()

    def test_nobody_owes_a_round_that_is_not_declared(self) -> None:
        owed = {o.duty for o in obligations(self.scored().state, TEAMS)}
        assert owed & {Duty.SELF_SCORE, Duty.CROSS_CHECK, Duty.APPRAISAL} == {Duty.SELF_SCORE}
        owed = {o.duty for o in obligations(Case().state, RULES)}
        assert owed >= {Duty.SELF_SCORE, Duty.CROSS_CHECK, Duty.APPRAISAL}, (
            "where none are declared, the usual ones are"
        )

    def test_a_round_of_no_criterion_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="round_of_no_criterion"):
            rules(rounds=[{"id": "x", "title": "X", "by": "team", "criteria": ["khong-co"]}])


class TestKinds:
    RULES = rules(
        criteria=[
            {"id": "chung", "title": "Chung", "max": 50},
            {"id": "phuong", "title": "Riêng phường", "max": 50, "kinds": ["phuong"]},
            {"id": "xa", "title": "Miễn cho phường", "max": 50, "exempt_kinds": ["phuong"], "exempt_gives": "maximum"},
        ],
        scoring={"pass_marks": [{"least": 90, "kinds": ["xa"]}, {"least": 60}]},
        total=None,
        awards=[{"id": "co", "title": "Cờ", "kinds": ["phuong"], "article": "Điều 3"}],
    )

    def case(self) -> Case:
        units = (Unit(id=HEAD, name="P", kind="phuong"), Unit(id=THIRD, name="X", kind="xa"))
        case = Case(rules=self.RULES, opened=False)
        opening = OpenCycle(
            organiser=CITY,
            organiser_name="TP",
            cluster_name="Cụm",
            year=2026,
            units=units,
            edition="e" * 64,
            clock="stepped",
            starts=day(1, 1, 0),
        )
        return case.when(opening).happened().step(day(11, 1))

    def test_each_kind_is_scored_by_what_is_its_own(self) -> None:
        case = (
            self.case()
            .when(ScoreSelf(unit=HEAD, sheet=(SheetItem(criterion="chung", points=40),)), by=HEAD)
            .refused("criteria_missing")
        )
        sheet = (SheetItem(criterion="chung", points=40), SheetItem(criterion="phuong", points=30))
        case.when(ScoreSelf(unit=HEAD, sheet=sheet), by=HEAD).happened()
        sheet = (SheetItem(criterion="chung", points=45), SheetItem(criterion="xa", points=40))
        case.when(ScoreSelf(unit=THIRD, sheet=sheet), by=THIRD).happened()
        found = calculated_scores(case.state, case.rules)
        assert {u: (str(r.total), str(r.pass_mark)) for u, r in found.items()} == {
            HEAD: ("120", "60"),
            THIRD: ("85", "90"),
        }

    def test_an_award_for_another_kind_is_seen(self) -> None:
        case = (
            self.case()
            .when(Nominate(unit=THIRD, award="co"))
            .happened()
            .when(Nominate(unit=HEAD, award="co"))
            .happened()
        )
        assert [d.facts["unit"] for d in deviations(case.state, case.rules) if d.code == "award_of_other_kind"] == [
            THIRD
        ]

    def test_who_is_out_has_no_rank_and_is_seen_when_nominated(self) -> None:
        case = (
            self.case()
            .when(ExcludeUnit(unit=THIRD, reason=TEXT))
            .happened()
            .when(ExcludeUnit(unit=THIRD, reason=TEXT))
            .refused("unit_is_excluded")
        )
        case.when(
            ScoreSelf(
                unit=HEAD, sheet=(SheetItem(criterion="chung", points=45), SheetItem(criterion="phuong", points=40))
            )
        )
        case.when(RankUnits()).happened("UnitsRanked")
        case.when(
            ScoreSelf(unit=THIRD, sheet=(SheetItem(criterion="chung", points=45), SheetItem(criterion="xa", points=40)))
        )
        assert calculated_scores(case.state, case.rules)[THIRD].rank is None
        assert "nominated_excluded" in codes(case.when(Nominate(unit=THIRD, award="co")).happened())


@pytest.mark.parametrize(
    ("quota", "nominated", "seen"),
    [
        ({"quota": 1}, 1, False),
        ({"quota": 1}, 2, True),
        ({"share": "0.5"}, 1, False),
        ({"share": "0.5"}, 2, True),
        ({"share": "0.5", "share_rounding": "up"}, 2, False),
        ({}, 3, False),
    ],
)
def test_a_quota_is_a_number_or_a_share(quota: dict[str, Any], nominated: int, seen: bool) -> None:
    case = Case(rules=rules(awards=[{"id": "co", "title": "Cờ", **quota}]))
    for unit in UNITS[:nominated]:
        case.when(Nominate(unit=unit, award="co")).happened()
    assert ("quota_exceeded" in codes(case)) is seen


class TestWorkingDays:
    TET = Calendar.model_validate(
        {
            "days_off": [{"first": "14/02/2026", "last": "22/02/2026", "title": "Tết"}],
            "worked": ["28/02/2026"],
        }
    )

    def test_a_deadline_moves_off_a_holiday(self) -> None:
        for if_off, expected in (("stays", 15), ("next", 23), ("previous", 13)):
            deadline = {"duty": "draft", "due": {"month": 2, "day": 15}, "if_day_off": if_off, "article": "Điều 1"}
            case = Case(rules=rules(deadlines=[deadline], calendar=self.TET.model_dump(mode="json")))
            (owed,) = [o for o in obligations(case.state, case.rules) if o.duty == Duty.DRAFT]
            assert owed.due == When.on(date(2026, 2, expected)).latest, if_off

    def test_working_days_are_counted(self) -> None:
        assert self.TET.after(date(2026, 2, 12), 2) == date(2026, 2, 23)
        assert self.TET.after(date(2026, 2, 27), 1) == date(2026, 2, 28), "a Saturday that is worked instead"
        for unit, last in (("days", 17), ("working-days", 25)):
            case = Case(
                rules=rules(
                    answer_correction_in=unit, answer_correction_days=5, calendar=self.TET.model_dump(mode="json")
                )
            )
            case.step(day(2, 12)).when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD)
            case.when(SendBack(unit=THIRD, text=TEXT)).happened()
            (owed,) = [o for o in obligations(case.state, case.rules) if o.duty == Duty.CORRECTION]
            assert owed.due == When.on(date(2026, 2, last + 1 if unit == "working-days" else last)).latest

    def test_a_list_of_holidays_with_a_slip_is_refused(self) -> None:
        off = {"first": "30/04/2026", "last": "01/05/2026", "title": "30/4"}
        for days_off in (
            [off, {"first": "01/05/2026", "title": "1/5"}],
            [{**off, "last": "01/05/2027"}],
            [{**off, "last": "01/04/2026"}],
        ):
            with pytest.raises(ValidationError):
                rules(calendar={"days_off": days_off})


class WorkingDaysAfter(FrozenModel):
    after: YearDay
    working_days: int


class OtherDeadline(Deadline):
    due: YearDay | WorkingDaysAfter


class OtherEdition(Edition):
    deadlines: tuple[OtherDeadline, ...] = ()


def test_another_rule_for_a_last_day_is_a_class_in_the_schema_and_one_function() -> None:
    @day_of_rule.register
    def _(rule: WorkingDaysAfter, year: int, calendar: Calendar) -> date:
        return calendar.after(rule.after.of(year), rule.working_days)

    due = {"after": {"month": 6, "day": 30}, "working_days": 10}
    deadline = {"duty": "midyear-report", "due": due, "article": "Điều 4", "remind_days_before": [1]}
    table = OtherEdition.model_validate({"id": "x", "title": "X", "required_drafts": [], "deadlines": [deadline]})
    case = Case(rules=table)
    (owed, *_) = (one for one in obligations(case.state, table) if one.duty is Duty.MIDYEAR_REPORT)
    assert (owed.due, owed.article) == (end_of(date(2026, 7, 14)), "Điều 4"), "4, 5, 11 and 12 July 2026 are days off"
    case.step(day(7, 15))
    assert {envelope.event.NAME for envelope in case.history} >= {"UnitReminded", "DeadlinePassed"}
    with pytest.raises(TypeError, match="no day is worked out for str"):
        day_of_rule("30/06", 2026, Calendar())


def test_an_edition_that_was_not_in_force_is_seen() -> None:
    assert "edition_out_of_time" in codes(Case(rules=rules(valid_until="31/12/2025")))
    assert "edition_out_of_time" in codes(Case(rules=rules(valid_from="2027-01-01")))
    assert "edition_out_of_time" not in codes(Case(rules=rules(valid_from="2026-06-01", valid_until="2026-12-31")))
    with pytest.raises(ValidationError, match="range_backwards"):
        rules(valid_from="2027-01-01", valid_until="2026-01-01")
