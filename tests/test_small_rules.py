"""Small rules of the law at their boundaries: each was changed once at random, and no other test noticed it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from pydantic import BaseModel, ValidationError
from speech import CITY, NOW, RULES, TEXT, UNITS, Case, day

from domain.city_year import CITY_YEAR, IssueYearPlan
from domain.commands import AuthenticatedCommand
from domain.decider import _yielded
from domain.due_dates import OFFICE_CLOSES, OFFICE_OPENS, Obligation, next_office_hours
from domain.duties import Duty
from domain.field_names import problem_of
from domain.installation import is_rehearsal
from domain.joint_acts import SharedAct, UnitNamed, UnnamedAct
from domain.limits import CRITERIA_DEPTH
from domain.notice_kinds import OverdueOfUnitNotice, RemindedNotice
from domain.notices import notices
from domain.numbers import MOST_ZEROS, write_number
from domain.obligations import steps
from domain.problems import first_problem
from domain.records import Command, Refused
from domain.references import references
from domain.rules import Edition
from domain.scoring.calculation import UnitSheet, calculate_scores
from domain.scoring.classes import gaps
from domain.scoring.criteria import Criterion, Scoring
from domain.scoring.methods import Band, Banded, BestInCluster, RelativeToMean, Rounding, ScoreEntry, Undetermined
from domain.scoring.remarks import most_possible, remarks
from domain.scoring.scores import ScoreSelfTogether
from domain.steps import together
from domain.steps.commenting import TakeStanceTogether
from domain.steps.conclusion import BareTotal, RecordTotals
from domain.steps.corrections import CorrectAct
from domain.steps.drafting import PresentDraft
from domain.steps.escalation import ConfirmEscalation
from domain.steps.lifecycle import ChangeCalendar
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import NameOverseer
from domain.steps.midyear import ReportMidyear, SendBack
from domain.steps.signatories import Signatories
from domain.steps.succession import HandOver, TakenOver
from domain.steps.targets import RegisterTargets
from domain.strengths import Strength
from domain.times import When, start_of
from domain.titles import title_key, titles_of_acts
from domain.types import Document, Participant, Person, Text
from domain.units import Unit

UNIT, SECOND, *_ = UNITS


# Numbers, days and hours --------------------------------------------------------------------------------------------


def test_a_number_is_written_out_up_to_the_most_zeros() -> None:
    smallest = Decimal(1).scaleb(-MOST_ZEROS)
    assert write_number(smallest) == "0," + "0" * (MOST_ZEROS - 1) + "1"
    assert write_number(smallest / 10) == str(smallest / 10)
    assert write_number(Decimal(1).scaleb(MOST_ZEROS)) == "1" + "0" * MOST_ZEROS


def test_after_office_hours_the_next_ones_begin_on_the_next_working_day() -> None:
    thursday, friday, monday = (start_of(date(2026, 3, day)) for day in (12, 13, 16))
    assert next_office_hours(thursday + OFFICE_CLOSES, RULES.calendar) == friday + OFFICE_OPENS
    assert next_office_hours(friday + OFFICE_CLOSES, RULES.calendar) == monday + OFFICE_OPENS
    assert next_office_hours(friday, RULES.calendar) == friday + OFFICE_OPENS
    assert next_office_hours(friday + OFFICE_OPENS, RULES.calendar) == friday + OFFICE_OPENS


# Criteria and their remarks -----------------------------------------------------------------------------------------


def criteria(*nodes: dict[str, Any], **scoring: Any) -> tuple[Edition, Scoring]:
    told = [{"title": node["id"].upper(), **node} for node in nodes]
    edition = Edition.model_validate({"id": "thu", "title": "Thử", "criteria": told, "scoring": scoring})
    return edition, edition.scoring


def codes(edition: Edition) -> list[str]:
    return [one.code for one in remarks(edition.criteria, edition.scoring, None)]


def test_the_most_of_a_group_without_a_maximum_is_the_sum_of_its_parts() -> None:
    parts = [{"id": name, "title": name, "max": "10"} for name in ("a1", "a2")]
    edition, scoring = criteria({"id": "a", "children": parts}, {"id": "b", "max": "5"})
    assert most_possible(edition.criteria, scoring, UNIT, None) == (Decimal(25), Decimal(0))
    edition, scoring = criteria(
        {"id": "a", "take": "highest", "children": [*parts, {**parts[0], "id": "a3", "max": "7"}]}
    )
    assert most_possible(edition.criteria, scoring, UNIT, None) == (Decimal(10), Decimal(0))


def test_a_bonus_without_a_maximum_gives_as_much_as_its_cap() -> None:
    bonus = {"id": "t", "part": "bonus"}
    edition, scoring = criteria({"id": "a", "max": "10"}, bonus, bonus_cap="5")
    assert most_possible(edition.criteria, scoring, UNIT, None) == (Decimal(10), Decimal(5))
    edition, scoring = criteria({"id": "a", "max": "10"}, bonus)
    assert most_possible(edition.criteria, scoring, UNIT, None) == (Decimal(10), Decimal(0))


def test_a_bonus_counts_up_to_its_cap() -> None:
    edition, scoring = criteria({"id": "a", "max": "10"}, {"id": "t", "part": "bonus", "max": "9"}, bonus_cap="5")
    assert most_possible(edition.criteria, scoring, UNIT, None) == (Decimal(10), Decimal(5))


def test_a_gap_in_which_a_rounded_total_can_lie_is_open() -> None:
    for least, code in (("82", "class_gap_open"), ("81", "class_gap_closed")):
        classes = [{"id": "b", "title": "B", "most": "80"}, {"id": "a", "title": "A", "least": least}]
        edition, _scoring = criteria({"id": "c", "max": "100"}, classes=classes, total_rounding={"places": 0})
        assert [one for one in codes(edition) if one.startswith("class_gap")] == [code]


def test_a_band_in_percent_holds_what_lies_above_its_lower_end() -> None:
    bands = (Band(low="90", high="100", points="1"), Band(low="100", above=True, points="2"))
    method = Banded(way="bands", of="percent", bands=bands)
    entries = [ScoreEntry(criterion="a", target=Decimal(200), actual=Decimal(actual)) for actual in (200, 201)]
    assert [method.points(entry, None, BestInCluster()) for entry in entries] == [Decimal(1), Decimal(2)]
    assert not bands[1].holds(Decimal(100))
    assert bands[1].holds(Decimal(101))


@pytest.mark.parametrize(
    ("way", "unbounded"),
    [
        ({}, True),
        ({"way": {"way": "hand", "least": "-3"}}, False),
        ({"way": {"way": "hand", "least": "0"}}, True),
        ({"way": {"way": "count", "each": "-1"}}, True),
        ({"way": {"way": "count", "each": "-1", "least": "-4"}}, False),
    ],
)
def test_a_penalty_is_bounded_by_its_least_points(way: dict[str, Any], unbounded: bool) -> None:
    edition, _scoring = criteria({"id": "a", "max": "10"}, {"id": "p", "part": "penalty", **way})
    assert ("penalty_unbounded" in codes(edition)) is unbounded


@pytest.mark.parametrize(("least", "reached"), [("105", True), ("105.01", False)])
def test_in_percent_the_bonus_counts_by_what_can_be_reached_without_it(least: str, reached: bool) -> None:
    top = {"id": "x", "title": "Xuất sắc", "least": least}
    edition, _scoring = criteria(
        {"id": "a", "max": "80"}, {"id": "t", "part": "bonus", "max": "4"}, classes_of="percent", classes=[top]
    )
    assert ("class_unreachable" in codes(edition)) is not reached


def test_a_pass_mark_out_of_reach_says_what_can_be_reached_with_the_bonus() -> None:
    bonus = {"id": "t", "part": "bonus", "max": "4"}
    edition, scoring = criteria({"id": "a", "max": "80"}, bonus, pass_marks=[{"least": "90"}])
    (found,) = (one for one in remarks(edition.criteria, scoring, None) if one.code == "pass_mark_unreachable")
    assert dict(found.facts) == {"least": "90", "most": "84"}


def test_of_two_classes_that_end_alike_the_gap_is_told_of_the_narrower() -> None:
    bounds = {"wide": ("50", "80"), "narrow": ("70", "80"), "top": ("90", None)}
    classes = [{"id": name, "title": name, "least": least, "most": most} for name, (least, most) in bounds.items()]
    _edition, scoring = criteria({"id": "a", "max": "100"}, classes=classes)
    assert [(lower.id, upper.id) for lower, upper in gaps(scoring.classes)] == [("narrow", "top")]


@pytest.mark.parametrize(("share", "hidden"), [("1/2", False), ("1", True)])
def test_only_a_class_for_all_takes_those_of_the_next_one(share: str, hidden: bool) -> None:
    classes = [{"id": "a", "title": "A", "share": share}, {"id": "b", "title": "B"}]
    edition, _scoring = criteria({"id": "c", "max": "100"}, classes=classes)
    assert ("class_never_given" in codes(edition)) is hidden


def test_a_class_between_the_ends_of_others_is_reached() -> None:
    ends = ({"most": "80"}, {"under": "90"}, {})
    classes = [{"id": f"c{place}", "title": "C", **bounds} for place, bounds in enumerate(ends)]
    assert not [code for code in codes(criteria({"id": "c", "max": "100"}, classes=classes)[0]) if "class" in code]


def test_of_two_criteria_that_a_round_lacks_the_first_is_told() -> None:
    rounds = [{"id": "v", "title": "Vòng", "by": "own", "criteria": ["x", "a", "y"]}]
    told = {"id": "thu", "title": "Thử", "criteria": [{"id": "a", "title": "A", "max": "5"}], "rounds": rounds}
    with pytest.raises(ValidationError) as refused:
        Edition.model_validate(told)
    problem = first_problem(refused.value)
    assert (problem["problem"], problem["given"]["criterion"]) == ("round_of_no_criterion", "x")


def test_criteria_nest_as_deep_as_the_bound() -> None:
    def nested(depth: int) -> dict[str, Any]:
        node: dict[str, Any] = {"id": f"c{depth}", "title": "C", "max": "1"}
        for level in range(depth - 1, 0, -1):
            node = {"id": f"c{level}", "title": "C", "children": [node]}
        return node

    criteria(nested(CRITERIA_DEPTH))
    with pytest.raises(ValidationError) as refused:
        criteria(nested(CRITERIA_DEPTH + 1))
    assert refused.value.errors()[0]["type"] == "criteria_too_deep"


def test_without_a_mean_nobody_leads() -> None:
    method, entry = RelativeToMean(way="mean"), ScoreEntry(criterion="a", actual=Decimal(5))
    assert method.points(entry, Decimal(10), BestInCluster(mean_actual=Decimal(10))) == Decimal(5)
    for mean in (None, Decimal(0)):
        assert method.points(entry, Decimal(10), BestInCluster(mean_actual=mean)) == Undetermined("nobody_leads")


# What is said of faults ---------------------------------------------------------------------------------------------


def faults(name: str, fields: dict[str, Any]) -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        Command.KNOWN[name].model_validate(fields)
    return refused.value


def test_only_of_an_unknown_field_the_possible_ones_are_told() -> None:
    command = PresentDraft
    unknown = problem_of(faults(command.NAME, {"kind": "plan", "document": {"title": "A", "tilte": "B"}}), command)
    assert (unknown["given"]["field"], "title" in unknown["given"]["fields"]) == ("tilte", True)
    wrong = problem_of(faults(command.NAME, {"kind": "quite-another", "document": {"title": "A"}}), command)
    assert "fields" not in wrong["given"]


def test_of_two_faults_the_first_is_told() -> None:
    found = first_problem(faults("present-draft", {"kind": "quite-another", "document": {"title": ["A"]}}))
    assert found["place"] == ("kind",)


def test_a_figure_that_yaml_took_apart_is_recognised_by_the_last_name() -> None:
    target = {"id": "a", "title": "A", "5": None}
    problem = first_problem(faults("register-targets", {"unit": UNIT, "targets": [target]}))
    assert (problem["problem"], problem["place"]) == ("figure_unquoted", ("targets", 0, "5"))
    problem = first_problem(faults("present-draft", {"kind": "plan", "document": {"title": "A", "B c": None}}))
    assert problem["problem"] == "text_unquoted"


def test_a_person_is_referred_to_by_id_and_commitment() -> None:
    named = Participant(person=Person(id="lan", commitment="c" * 64))
    assert references(named) == (set(), {("lan", "c" * 64)})
    for person in (Person(office="Chủ tịch"), Person(id="lan")):
        assert references(Participant(person=person)) == (set(), set())


class Table(BaseModel):
    """A model whose fields nobody has looked through yet: what was found of a model is kept."""

    text: Text | None = None
    title: str = ""
    people: tuple[Participant, ...] | None = None
    by_name: dict[str, Participant] = {}


def test_what_lists_and_tables_refer_to_is_found() -> None:
    named = Participant(person=Person(id="lan", commitment="c" * 64))
    assert references(Table(text=TEXT, title="A")) == ({TEXT}, set())
    assert references(Table(people=(named,))) == (set(), {("lan", "c" * 64)})
    assert references(Table(by_name={"a": named})) == (set(), {("lan", "c" * 64)})


# Acts ---------------------------------------------------------------------------------------------------------------


def test_units_that_were_handed_over_are_not_handed_over_twice() -> None:
    cycles = (f"{CITY}/2027/cum-3", f"{CITY}/2027/cum-5")
    case = Case().when(HandOver(handed_to=cycles)).happened("HandedOver")
    case.when(HandOver(handed_to=cycles)).refused("taken_over_already")
    case.when(HandOver(handed_to=(*cycles, f"{CITY}/2027/cum-6"))).happened("HandedOver")


def test_a_predecessor_that_no_source_names_is_told_as_that() -> None:
    def told(*predecessors: str) -> str:
        return str(TakenOver.SENTENCE(TakenOver(predecessors=predecessors, basis=None))[0])  # type: ignore[operator]

    assert "no source names" in told("unknown")
    assert "no source names" not in told(f"{CITY}/2025/cum-1")


def test_of_two_units_with_two_totals_the_first_is_told() -> None:
    totals = tuple(BareTotal(unit=unit, total="1") for unit in (SECOND, UNIT, UNIT, SECOND))
    case = Case().when(RecordTotals(round="r", totals=totals)).refused("named_twice")
    assert case.outcome.facts == {"name": SECOND}  # type: ignore[union-attr]


def test_the_calendar_of_a_year_that_was_entered_afterwards_goes_on_where_it_stands() -> None:
    case = Case(clock="backfill")
    now = case.state.lifecycle.now
    assert isinstance(now, datetime)
    case.when(ChangeCalendar(clock="wall", since=now - timedelta(seconds=1))).refused("time_goes_back")
    case.when(ChangeCalendar(clock="wall", since=now)).happened("CalendarChanged")


def test_a_unit_named_later_is_one_of_those_who_did_it_and_nothing_else() -> None:
    evolve = together.decider.evolves[UnitNamed]
    done = When.on(date(2026, 3, 1))
    event = UnitNamed(unit=Unit(id="moi", name="Mới"), shares=(SharedAct(act="signature", versions=(3,), on=done),))

    def left(*unnamed: int | str) -> list[int | str]:
        acts = {"signature": tuple(UnnamedAct(count, done, 3) for count in unnamed)}  # type: ignore[arg-type]
        found = evolve(acts, event, SimpleNamespace(version=9))  # type: ignore[arg-type]
        return [one.unnamed for one in found["signature"]]

    assert evolve({}, event, SimpleNamespace(version=9)) == {}  # type: ignore[arg-type]
    assert left(3) == [2]
    assert left(4, 1) == [4], "all of the last were named"
    assert left("unknown") == ["unknown"]


def test_a_cross_check_without_a_deadline_holds_no_step_up() -> None:
    case = Case()
    without = RULES.model_copy(
        update={"deadlines": tuple(one for one in RULES.deadlines if one.duty is not Duty.CROSS_CHECK)}
    )
    open_ = Obligation(Duty.CROSS_CHECK, UNIT, SECOND, None, None, extended=False)
    assert any(one.waiting_for for one in steps(case.state, RULES, [open_]))
    assert not any(one.waiting_for for one in steps(case.state, without, [open_]))


def test_a_notice_of_a_duty_says_when_it_is_due() -> None:
    case = Case().when(ReportMidyear(unit=UNIT, report=Document(title="Báo cáo")), by=UNIT).happened()
    case.when(SendBack(unit=UNIT, text=TEXT)).happened()
    (with_rules,), (without,) = (
        notices(case.history[-1], case.state, rules=RULES),
        notices(case.history[-1], case.state),
    )
    assert with_rules.due is not None  # type: ignore[attr-defined]
    assert without.due is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(("clock", "sureness"), [("stepped", "rehearsed"), ("backfill", "inferred")])
def test_a_joint_self_score_is_inferred_for_each_unit_except_in_a_rehearsal(clock: str, sureness: str) -> None:
    case = Case(clock=clock)
    case.when(ScoreSelfTogether(units=(UNIT,)), happened=When.on(date(2026, 1, 1))).happened()
    assert case.state.scores[UNIT, "self"].sureness == sureness


def test_a_stance_is_of_the_draft_that_it_names() -> None:
    stance = TakeStanceTogether(stance="agreed", group="Tổ 1")
    for on, subject in ((None, "draft"), ("plan", "draft/plan")):
        taken = stance.model_copy(update={"on": on})
        assert TakeStanceTogether.READS is not None
        assert TakeStanceTogether.READS(taken) == (subject,)


def test_a_meeting_with_a_name_is_called_by_it() -> None:
    case = Case().when(RecordMeeting(id="hop", kind="other", name="Họp tổng kết")).happened()
    case.when(RecordMeeting(id="khac", kind="other")).happened()
    assert titles_of_acts(case.state) == {title_key("meeting", "hop"): "Họp tổng kết"}


def test_who_is_told_of_a_confirmed_escalation() -> None:
    def told(case: Case) -> list[tuple[str, str]]:
        return [(type(one).__name__, one.to) for one in notices(case.history[-1], case.state, rules=RULES)]

    late = Case().step(day(3, 3)).when(ConfirmEscalation(duty=Duty.STANCE)).happened()
    assert {name for name, _to in told(late)} == {"EscalatedToNobodyNotice"}
    led = Case().when(NameOverseer(overseer=Person(id="ba-huong"))).happened()
    led.step(day(3, 3)).when(ConfirmEscalation(duty=Duty.STANCE)).happened()
    names = [name for name, _to in told(led)]
    assert (names[0], set(names[1:])) == ("EscalationConfirmedNotice", {"EscalatedNotice"})


def test_a_notice_asks_for_the_duty_of_its_unit() -> None:
    due = start_of(date(2026, 3, 1))
    own = RemindedNotice(to=UNIT, duty=Duty.CROSS_CHECK, subject=SECOND, due=due)
    assert own.asks == (Duty.CROSS_CHECK, UNIT, SECOND)
    other = OverdueOfUnitNotice(to=CITY, unit=UNIT, duty=Duty.STANCE, subject=None, due=due)
    assert other.asks == (Duty.STANCE, UNIT, "")


def test_only_the_founding_makes_a_rehearsal() -> None:
    assert not is_rehearsal(UnitNamed(unit=Unit(id="a", name="A"), shares=()))


def test_the_organisers_year_needs_the_code() -> None:
    act = IssueYearPlan(organiser=CITY, organiser_name="T", year=2026, plan=Document(number="37/KH"), edition="a" * 64)
    weak = AuthenticatedCommand(f"{CITY}/2026", act, "x", CITY, NOW, uuid4(), Strength.PASSWORD)
    with pytest.raises(Refused, match="organiser_needs_code"):
        CITY_YEAR.decide(weak, CITY_YEAR.empty(), RULES, 0)


def test_a_decision_yields_events_and_nothing_else() -> None:
    def decide() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match="names no events"):
        _yielded(decide)  # type: ignore[arg-type]


def test_criteria_stand_as_deep_as_they_nest_and_count_from_nothing() -> None:
    bare = {"id": "c", "title": "C", "part": "bonus", "max": "3"}
    edition, _scoring = criteria({"id": "a", "children": [{"id": "b", "children": [bare], "title": "B"}]})
    entries = (ScoreEntry(criterion="c", points=Decimal(2)),)
    (result,) = calculate_scores(edition, [UnitSheet(unit=UNIT, entries=entries)])
    assert [(line.criterion, line.depth, line.points) for line in result.lines] == [
        ("a", 0, Decimal(0)),
        ("b", 1, Decimal(0)),
        ("c", 2, Decimal(2)),
    ]


@pytest.mark.parametrize(("own", "usual", "short"), [(0, None, False), (None, 0, False), (1, 0, True), (None, 1, True)])
def test_a_share_is_rounded_as_the_criterion_is(own: int | None, usual: int | None, short: bool) -> None:
    """4.6 of a half of 9.3, which is 4.65: alike without decimals, less with one."""
    rounding = None if own is None else {"places": own}
    told = {"id": "a", "title": "A", "max": "9.3", **({"rounding": rounding} if rounding else {})}
    found = Criterion.model_validate(told)
    of_all = None if usual is None else Rounding(places=usual)
    assert found.falls_short(Decimal("4.6"), "1/2", None, of_all) is short


def test_what_replaces_an_act_may_lack_who_prepared_it() -> None:
    prepared = Signatories(prepared=(Participant(person=Person(office="chuyên viên")),))
    first = RegisterTargets(unit=SECOND, titles=("Cờ",))
    case = Case().when(first, by=SECOND, signatories=prepared).happened("TargetsRegistered", "HandsNamed")
    instead = {"act": "register-targets", "unit": SECOND, "titles": ["Bằng khen"]}
    case.when(CorrectAct(version=2, reason=TEXT, instead=instead), by=SECOND)
    case.happened("ActCorrected", "TargetsRegistered")
