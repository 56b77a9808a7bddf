"""A year that is entered afterwards from what sources tell: it makes no work, and silence is no neglect."""

from __future__ import annotations

from datetime import date

import pytest
from speech import CITY, DIGEST, NOW, RULES, TEXT, UNITS, Case, day, opening

from domain.deviations import deviations
from domain.duties import Duty
from domain.obligations import current_step, obligations, steps, tasks
from domain.rules import Edition
from domain.scoring.scores import ScoreSelf, SheetItem
from domain.steps.conclusion import RankUnits
from domain.steps.letters import AnswerLetter, RecordLetter
from domain.steps.lifecycle import AdoptEdition, ChangeCalendar, FileCycle, ReopenCycle
from domain.steps.membership import AssignRole
from domain.steps.signing import SignCovenant, SignJointly
from domain.summaries import step_values
from domain.times import When
from domain.types import Participant, Provenance
from i18n import in_language
from i18n.state_text import state_lines
from projections.board import glance, line_of

HEAD, DEPUTY, THIRD = UNITS
NEWS = Provenance(kind="stated", source="bao-vi-du")
ON = When.on(date(2026, 4, 20))


def told(rules: Edition = RULES) -> Case:
    """A past year of which one source tells that one unit signed, after the day that the edition sets."""
    case = Case(opened=False, rules=rules).when(opening("backfill"), by=CITY, provenance=NEWS).happened()
    return case.when(SignJointly(units=(HEAD,)), happened=ON, provenance=NEWS).happened()


def codes(case: Case) -> set[str]:
    return {one.code for one in deviations(case.state, case.rules)}


class TestNoWork:
    def test_nobody_has_a_task_and_nothing_is_overdue(self) -> None:
        case = told()
        assert [tasks(case.state, case.rules, unit) for unit in (*UNITS, CITY)] == [()] * 4
        assert not any(one.overdue(NOW) for one in obligations(case.state, case.rules))

    def test_what_was_done_is_still_seen_to_be_late(self) -> None:
        case = told()
        (owed,) = obligations(case.state, case.rules)
        assert (owed.duty, owed.bearer, owed.late) == (Duty.SIGNATURE, HEAD, True)
        assert "late_act" in codes(case)

    def test_the_board_shows_no_open_and_no_overdue_duty(self) -> None:
        line = line_of("m/2026/c", told().state, RULES)
        assert (line["step"], line["open"], glance(line, NOW).overdue, glance(line, NOW).waiting_for) == (
            "past",
            [],
            (),
            (),
        )

    def test_a_year_that_goes_on_afterwards_has_its_tasks(self) -> None:
        case = told().when(ChangeCalendar(clock="wall", since=day(5, 1))).happened()
        assert Duty.SIGNATURE in {one.duty for one in tasks(case.state, case.rules, DEPUTY)}
        assert current_step(steps(case.state, case.rules)) == "plan-draft"
        assert {one.told for one in steps(case.state, case.rules)} == {None}


class TestSteps:
    def test_a_step_is_told_or_not_told(self) -> None:
        case = told()
        progress = steps(case.state, case.rules)
        assert {one.name: one.told for one in progress} == {
            "plan-draft": False,
            "comments": False,
            "signing": True,
            "midyear-check": False,
            "final-evaluation": False,
        }
        assert {one.waiting_for for one in progress} == {()}
        signing = next(one for one in progress if one.name == "signing")
        values = {"step": "signing", "done": "2026-04-20", "waiting_for": [], "told": True, "unnamed": 0}
        assert step_values(signing) == values
        assert current_step(progress) == "past"


class TestFiled:
    def test_it_still_takes_what_a_source_tells(self) -> None:
        case = told().when(FileCycle(), happened=When.on(date(2026, 10, 1)), provenance=NEWS).happened()
        role = AssignRole(role="head", holder=HEAD, manner="unknown")
        case.when(role, happened=ON).refused("cycle_is_filed")
        case.when(role, happened=ON, provenance=Provenance(kind="stated")).refused("cycle_is_filed")
        case.when(role, happened=ON, provenance=NEWS).happened("RoleAssigned")
        case.when(FileCycle(), happened=ON, provenance=NEWS).refused("cycle_is_filed")
        case.when(ReopenCycle(reason=TEXT), happened=When.on(date(2026, 10, 2))).happened()

    def test_a_year_that_was_kept_as_it_happened_does_not(self) -> None:
        case = Case().when(FileCycle()).happened()
        case.when(AssignRole(role="head", holder=HEAD, manner="unknown"), provenance=NEWS).refused("cycle_is_filed")


class TestSilence:
    """What no source tells of is no deviation: neither that it was left out, nor that it was not answered."""

    def test_regulations_and_appraisals(self) -> None:
        case = told()
        for unit in UNITS:
            sheet = tuple(SheetItem(criterion=name, points="1") for name in ("a1", "a2", "b"))
            case.when(ScoreSelf(unit=unit, sheet=sheet), happened=ON, provenance=NEWS).happened()
        case.when(RankUnits(), happened=ON, provenance=NEWS).happened()
        assert not codes(case) & {"bylaws_late", "ranked_before_appraisal", "cross_checks_open"}
        live = told().when(ChangeCalendar(clock="wall", since=day(5, 1))).happened()
        assert codes(live) >= {"bylaws_late"}

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("direction", "no source tells of an answer"),
            ("guidance-request", "no source tells of an answer"),
            ("official-letter", "asks for no answer"),
            ("conclusions-notice", "asks for no answer"),
        ],
    )
    def test_an_answer(self, kind: str, words: str) -> None:
        letter = RecordLetter(id="cv-1", kind=kind, sender=Participant(unit=CITY), text=TEXT)
        case = told().when(letter, happened=ON, provenance=NEWS).happened()
        assert "letter_unanswered" not in codes(case)
        assert any(words in line for line in lines(case)), lines(case)

    def test_letters_of_a_year_that_goes_on(self) -> None:
        case = Case()
        for kind in ("direction", "report"):
            case.when(RecordLetter(id=kind, kind=kind, sender=Participant(unit=CITY), text=TEXT)).happened()
        case.when(AnswerLetter(letter="direction", by=Participant(unit=HEAD), text=TEXT, done=False)).happened()
        found = [line for line in lines(case) if "direction:" in line or "report:" in line]
        assert ["asks for no answer" in line for line in found] == [False, True]
        assert "letter_unanswered" in codes(case)


def lines(case: Case) -> list[str]:
    with in_language("en"):
        return list(state_lines(case.state, {}))


def test_an_edition_that_comes_later_makes_no_work() -> None:
    case = told().when(AdoptEdition(edition="f" * 64), happened=ON, provenance=NEWS).happened()
    assert (case.state.lifecycle.editions, tasks(case.state, case.rules, DEPUTY)) == ((DIGEST, "f" * 64), ())
    case.when(SignCovenant(unit=DEPUTY), happened=ON, provenance=NEWS).refused("nothing_presented")
