"""Which unit cross-checks which: as the edition or an assigning act says; without either, nobody, and a remark."""

from __future__ import annotations

from typing import Any, ClassVar

from speech import CITY, RULES, UNITS, Case, day

from domain.access import Reader, is_open_deviation, readable_versions
from domain.deviations import deviations
from domain.duties import Duty
from domain.obligations import obligations
from domain.rules import Edition
from domain.scoring.scores import CrossCheck, ScoreSelf, SheetItem
from domain.steps.cross_checks import AssignCrossChecks, CrossCheckPair
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import AdmitUnit, AssignRole, ReleaseUnit
from i18n import in_language
from i18n.timeline import describe

FIRST, SECOND, THIRD = UNITS
MEMBER = frozenset({Reader.MEMBER})
SHEET = tuple(SheetItem(criterion=name, points="1") for name in ("a1", "a2", "b"))


def case(**changes: Any) -> Case:
    return Case(rules=Edition.model_validate({**RULES.model_dump(), **changes}))


def pairs(*names: tuple[str, str]) -> AssignCrossChecks:
    return AssignCrossChecks(pairs=tuple(CrossCheckPair(by=by, unit=unit) for by, unit in names))


def checked_by(one: Case) -> dict[str, str]:
    owed = [o for o in obligations(one.state, one.rules) if o.duty is Duty.CROSS_CHECK]
    return {o.bearer: o.subject for o in owed}


def codes(one: Case) -> set[str]:
    return {deviation.code for deviation in deviations(one.state, one.rules)}


def readers_of_the_score(unit: str, one: Case) -> set[str]:
    one.when(ScoreSelf(unit=unit, sheet=SHEET), by=unit).happened()
    version = one.history[-1].meta.version
    return {name for name in UNITS if version in readable_versions(one.history, name, MEMBER, one.state, one.rules)}


def test_without_a_word_nobody_checks_and_a_remark_says_so() -> None:
    silent = case(cross_checks=None)
    assert checked_by(silent) == {}
    assert "cross_checks_open" in codes(silent)
    assert is_open_deviation("cross_checks_open")
    assert readers_of_the_score(SECOND, silent) == {SECOND}


def test_an_edition_that_asks_for_no_cross_check_needs_no_remark() -> None:
    assert "cross_checks_open" not in codes(case(cross_checks=None, deadlines=()))
    rounds = [{"id": "self", "title": "Tự chấm", "by": "own"}]
    assert checked_by(case(rounds=rounds)) == {}


def test_each_checks_the_next_where_the_edition_says_so() -> None:
    one = case()
    assert checked_by(one) == {FIRST: SECOND, SECOND: THIRD, THIRD: FIRST}
    assert "cross_checks_open" not in codes(one)
    assert readers_of_the_score(SECOND, one) == {SECOND, FIRST}


def test_of_two_each_checks_the_other_only_where_the_edition_says_so() -> None:
    for method, expected in (("next-in-list", {FIRST: SECOND, SECOND: FIRST}), (None, {})):
        two = case(cross_checks=method).step(day(2, 1)).when(ReleaseUnit(unit=THIRD)).happened()
        assert checked_by(two.step(day(2, 2))) == expected


def test_an_act_assigns_and_counts_before_the_edition() -> None:
    one = case().when(pairs((FIRST, THIRD), (FIRST, SECOND)), by=FIRST).refused("not_yours")
    one.when(pairs((THIRD, FIRST), (THIRD, SECOND)), by=CITY).happened("CrossChecksAssigned")
    owed = [(o.bearer, o.subject) for o in obligations(one.state, one.rules) if o.duty is Duty.CROSS_CHECK]
    assert owed == [(THIRD, FIRST), (THIRD, SECOND)]
    assert readers_of_the_score(SECOND, one) == {SECOND, THIRD}
    with in_language("vi"):
        assert "chấm" in describe(next(e for e in one.history if e.event.NAME == "CrossChecksAssigned"), {}, {})


def test_head_or_deputy_assigns_only_as_a_meeting_decided() -> None:
    one = case().when(AssignRole(role="head", holder=FIRST, manner="elected")).happened()
    one.when(pairs((FIRST, THIRD)), by=FIRST).refused("enter_what_meeting_decided")
    assert readers_of_the_score(THIRD, one) == {THIRD, SECOND}
    one.when(RecordMeeting(id="hop", kind="other"), by=FIRST).happened()
    one.when(pairs((FIRST, THIRD)), by=FIRST, meeting="hop").happened("CrossChecksAssigned")


def test_where_nobody_is_assigned_a_member_checks_only_as_a_meeting_decided() -> None:
    one = case(cross_checks=None).when(RecordMeeting(id="hop", kind="other")).happened()
    check = CrossCheck(unit=SECOND, by=FIRST, sheet=SHEET)
    one.when(check, by=FIRST).refused("not_the_checker").when(check, by=FIRST, meeting="hop").happened()
    one.when(CrossCheck(unit=THIRD, by=FIRST, sheet=SHEET)).happened()


def test_an_assignment_is_replaced_as_a_whole_and_names_each_unit_once() -> None:
    one = case().when(pairs((FIRST, SECOND))).happened().when(pairs((FIRST, SECOND))).refused("cross_checks_are_so")
    one.when(pairs((SECOND, FIRST))).happened()
    assert checked_by(one) == {SECOND: FIRST}
    one.when(pairs((FIRST, FIRST))).refused("checks_itself")
    one.when(pairs((FIRST, SECOND), (THIRD, SECOND))).refused("named_twice")
    one.when(pairs((FIRST, "quan-khac"))).refused("not_a_member")


def test_whoever_leaves_checks_nobody_and_is_checked_by_nobody() -> None:
    one = case().when(pairs((FIRST, SECOND), (THIRD, FIRST))).happened().step(day(2, 1))
    one.when(ReleaseUnit(unit=THIRD)).happened().step(day(2, 2))
    assert checked_by(one) == {FIRST: SECOND}


def sheets(one: Case, *, until: str = THIRD) -> Case:
    for unit in UNITS[: UNITS.index(until) + 1]:
        one.when(ScoreSelf(unit=unit, sheet=SHEET), by=unit).happened()
    return one


def owed_checks(one: Case) -> set[tuple[str, str, bool]]:
    """Who checks whom, and whether it is done."""
    owed = [o for o in obligations(one.state, one.rules) if o.duty is Duty.CROSS_CHECK]
    return {(o.bearer, o.subject, o.done is not None) for o in owed}


class TestWhoComesAndGoes:
    OPEN: ClassVar = {(FIRST, SECOND, False), (SECOND, THIRD, False), (THIRD, FIRST, False)}
    NEW: ClassVar = AdmitUnit(unit="tay-ho", name="Tây Hồ")

    def test_a_unit_of_december_takes_over_no_check_that_was_due_in_november(self) -> None:
        one = sheets(case().step(day(11, 1))).step(day(12, 1)).when(self.NEW).happened()
        assert owed_checks(one) == self.OPEN
        one.when(ScoreSelf(unit="tay-ho", sheet=SHEET), by="tay-ho").happened()
        assert owed_checks(one) == self.OPEN, "nor by scoring itself all the same"

    def test_a_unit_that_joins_in_time_checks_and_is_checked(self) -> None:
        one = case().step(day(9, 1)).when(self.NEW).happened()
        assert checked_by(one) == {FIRST: SECOND, SECOND: THIRD, THIRD: "tay-ho", "tay-ho": FIRST}

    def test_a_late_check_is_that_of_its_checker_whoever_is_in_the_list_now(self) -> None:
        one = sheets(case().step(day(11, 1))).step(day(11, 25))
        one.when(CrossCheck(unit=FIRST, by=THIRD, sheet=SHEET), by=THIRD).happened().step(day(12, 1)).when(self.NEW)
        for _ in range(2):
            late = {(d.facts["unit"], d.facts["subject"]) for d in deviations(one.state, one.rules) if "late" in d.key}
            assert late == {(THIRD, FIRST)}
            one.when(ReleaseUnit(unit=THIRD))
        assert THIRD not in one.state.members()

    def test_whoever_leaves_after_the_day_moves_no_check_to_another_unit(self) -> None:
        one = sheets(case().step(day(11, 1))).step(day(11, 25)).when(ReleaseUnit(unit=THIRD)).happened()
        assert owed_checks(one) == {(FIRST, SECOND, False)}
        assert "cross_checks_open" not in codes(one)
        before = sheets(case().step(day(11, 1))).step(day(11, 5)).when(ReleaseUnit(unit=THIRD)).happened()
        assert owed_checks(before.step(day(11, 6))) == {(FIRST, SECOND, False), (SECOND, FIRST, False)}

    def test_without_dates_a_unit_that_joins_when_all_have_scored_moves_nothing(self) -> None:
        one = sheets(case(deadlines=())).step(day(9, 1)).when(self.NEW).happened()
        assert owed_checks(one) == self.OPEN
        early = sheets(case(deadlines=()), until=SECOND).step(day(9, 1)).when(self.NEW).happened()
        assert (THIRD, "tay-ho", False) in owed_checks(early)
