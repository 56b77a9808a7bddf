"""A signature and a stance are of the version that was read; a change since of the same matter refuses an act."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from speech import CITY, TEXT, UNITS, Case, day, opening

from domain.access import is_open_deviation
from domain.commands import CommandPayload, parse_command
from domain.cycle import COMMANDS, CYCLE
from domain.dates import parse_when
from domain.deviations import deviations
from domain.duties import Duty
from domain.notices import notices
from domain.obligations import extensible
from domain.records import Command, Event
from domain.scoring.scores import AppraiseScores, ScoreSelf, SheetItem
from domain.steps.commenting import AddComment, TakeStance, WithdrawComment
from domain.steps.conclusion import ChooseNext, DecideAwards, Grant, Nominate
from domain.steps.corrections import CorrectAct
from domain.steps.drafting import PresentDraft
from domain.steps.extensions import GrantExtension
from domain.steps.lifecycle import ChangeCalendar, CloseDuty
from domain.steps.membership import AssignRole
from domain.steps.midyear import AcceptReport, ReportMidyear, SendBack
from domain.steps.signing import DeclineToSign, SignCovenant, SignJointly
from domain.types import Document, Participant
from i18n.timeline import describe

HEAD, DEPUTY, THIRD = UNITS
SHEET = tuple(SheetItem(criterion=name, points="1") for name in ("a1", "a2", "b"))


def paper(title: str, kind: str = "covenant") -> PresentDraft:
    return PresentDraft(kind=kind, document=Document(title=title))


def says(unit: str, text: str, **more: Any) -> AddComment:
    return AddComment(by=Participant(unit=unit), text=text, **more)


def presented() -> Case:
    return Case().when(paper("Bản 1")).happened()


class TestSigned:
    def test_nothing_is_signed_unread(self) -> None:
        case = presented()
        read = len(case.history)
        case.when(paper("Bản 2")).happened().when(SignCovenant(unit=THIRD), by=THIRD, based_on=read)
        case.refused("changed_since")
        assert case.outcome.facts["version"] == read + 1
        assert (case.outcome.facts["unit"], case.outcome.facts["actor"]) == (CITY, f"cb-{CITY}")
        case.when(SignCovenant(unit=THIRD), by=THIRD, based_on=len(case.history)).happened("CovenantSigned")
        assert case.state.signing.signatures[THIRD].number == 2

    def test_what_came_since_about_something_else_does_not_matter(self) -> None:
        case = presented()
        read = len(case.history)
        case.when(paper("Kế hoạch", "plan")).happened().when(AssignRole(role="head", holder=HEAD, manner="elected"))
        case.when(SignCovenant(unit=THIRD), by=THIRD, based_on=read).happened("CovenantSigned")

    def test_whoever_says_nothing_of_what_was_read_states_a_fact(self) -> None:
        case = presented().when(paper("Bản 2")).happened()
        case.when(SignCovenant(unit=THIRD)).happened("CovenantSigned")

    def test_the_same_again_is_the_same_whatever_came_since(self) -> None:
        case = presented()
        read = len(case.history)
        case.when(SignCovenant(unit=THIRD, number=1), by=THIRD, based_on=read).happened().when(paper("Bản 2"))
        case.when(SignCovenant(unit=THIRD, number=1), by=THIRD, based_on=read).already()

    @pytest.mark.parametrize(
        "command",
        [SignJointly(units=(THIRD,)), DeclineToSign(unit=THIRD, reason=TEXT), TakeStance(unit=THIRD, stance="agreed")],
    )
    def test_the_others_who_answer_a_draft_have_read_it_too(self, command: Command) -> None:
        case = presented()
        read = len(case.history)
        case.when(paper("Bản 2")).happened().when(command, based_on=read).refused("changed_since")

    def test_a_corrected_draft_is_another_one(self) -> None:
        case = presented()
        version = read = len(case.history)
        right = {"act": "present-draft", "kind": "covenant", "document": {"title": "Bản đúng"}}
        case.when(CorrectAct(version=version, reason=TEXT, instead=right)).happened()
        case.when(SignCovenant(unit=THIRD), by=THIRD, based_on=read).refused("changed_since")
        taken_out = presented().when(paper("Bản 2")).happened()
        read = len(taken_out.history)
        taken_out.when(CorrectAct(version=read, reason=TEXT)).happened()
        taken_out.when(SignCovenant(unit=THIRD), by=THIRD, based_on=read).refused("changed_since")

    def test_a_signature_of_an_earlier_day_is_of_the_version_of_that_day(self) -> None:
        case = Case(opened=False).when(opening("backfill"))
        case.when(paper("Bản 1"), happened=parse_when("01/02/2026")).happened()
        case.when(paper("Bản 2"), happened=parse_when("01/04/2026")).happened()
        case.when(SignCovenant(unit=THIRD), happened=parse_when("10/03/2026")).happened()
        assert case.state.signing.signatures[THIRD].number == 1


class TestStances:
    def test_a_stance_names_the_version_that_was_read(self) -> None:
        case = presented().when(TakeStance(unit=THIRD, stance="agreed", on="covenant"), by=THIRD).happened()
        assert case.history[-1].event.number == 1
        assert "1" in describe(case.history[-1], {}, {})
        case.when(TakeStance(unit=THIRD, stance="agreed", on="covenant"), by=THIRD).already()
        case.when(paper("Bản 2")).when(TakeStance(unit=THIRD, stance="agreed", on="covenant"), by=THIRD).happened()
        assert case.state.comments.stances[THIRD, "covenant"].number == 2
        case.when(TakeStance(unit=DEPUTY, stance="agreed", on="covenant", number=1), by=DEPUTY).happened()
        case.when(TakeStance(unit=HEAD, stance="agreed", on="covenant", number=3)).refused("no_such_version")
        case.when(TakeStance(unit=HEAD, stance="agreed", number=1)).refused("stance_on_no_version")

    def test_a_stance_where_nothing_is_presented_is_told_and_does_no_task(self) -> None:
        case = Case().when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD).happened()
        assert self.open(case) == {*UNITS}
        found = [one for one in deviations(case.state, case.rules) if one.code == "stance_unpresented"]
        assert [one.facts["unit"] for one in found] == [THIRD]
        assert is_open_deviation("stance_unpresented")
        case.step(day(1, 10)).when(paper("Bản 1")).happened()
        assert self.open(case) == {*UNITS}, "it was taken before"
        case.step(day(1, 11)).when(TakeStance(unit=THIRD, stance="agreed", on="covenant"), by=THIRD).happened()
        assert self.open(case) == {HEAD, DEPUTY}

    def test_a_source_that_tells_of_a_stance_need_not_tell_of_the_draft(self) -> None:
        case = Case(opened=False).when(opening("backfill"))
        case.when(TakeStance(unit=THIRD, stance="agreed"), happened=parse_when("10/03/2026")).happened()
        assert self.open(case) == {HEAD, DEPUTY}
        assert "stance_unpresented" not in {one.code for one in deviations(case.state, case.rules)}
        case.when(ChangeCalendar(clock="wall", since=day(4, 1))).happened()
        assert self.open(case) == {HEAD, DEPUTY}, "it stays what the source tells"
        case.when(TakeStance(unit=HEAD, stance="agreed"), by=HEAD).happened()
        assert self.open(case) == {HEAD, DEPUTY}, "in real time a draft must be presented first"

    def test_a_comment_does_the_same_task(self) -> None:
        case = Case().when(says(HEAD, "d" * 64), by=HEAD).happened()
        assert self.open(case) == {*UNITS}, "no draft was presented"
        case.step(day(1, 10)).when(paper("Bản 1")).happened()
        case.step(day(1, 11)).when(says(THIRD, "a" * 64), by=THIRD).happened("CommentAdded")
        assert self.open(case) == {HEAD, DEPUTY}
        case.when(says(DEPUTY, "b" * 64, answers=2), by=DEPUTY).happened()
        assert self.open(case) == {HEAD, DEPUTY}, "an answer is about the other's comment"
        case.when(says(DEPUTY, "c" * 64, on="covenant"), by=DEPUTY).happened()
        assert self.open(case) == {HEAD}
        case.when(WithdrawComment(number=4), by=DEPUTY).happened()
        assert self.open(case) == {HEAD, DEPUTY}, "it is owed again"
        case.when(TakeStance(unit=DEPUTY, stance="agreed"), by=DEPUTY).happened()
        assert self.open(case) == {HEAD}

    def test_a_comment_of_a_person_or_a_group_is_no_units(self) -> None:
        case = presented().when(AddComment(by=Participant(group="các đơn vị"), text=TEXT)).happened()
        assert self.open(case) == {*UNITS}

    def test_who_has_commented_is_reminded_of_nothing(self) -> None:
        case = presented().when(says(THIRD, TEXT), by=THIRD).happened().step(day(3, 1))
        told = [one.event for one in case.history if one.event.NAME in {"UnitReminded", "DeadlinePassed"}]
        assert {one.unit for one in told if one.duty is Duty.STANCE} == {HEAD, DEPUTY}

    def test_both_acts_end_when_the_task_is_closed(self) -> None:
        case = presented().when(CloseDuty(duty=Duty.STANCE)).happened()
        case.when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD).refused("duty_closed")
        case.when(says(THIRD, TEXT), by=THIRD).refused("duty_closed")
        case.when(says(THIRD, TEXT)).happened("CommentAdded")

    def test_the_unit_is_told_when_its_comment_is_taken_back(self) -> None:
        case = presented().when(says(THIRD, TEXT), by=THIRD).happened()
        case.when(WithdrawComment(number=1)).happened()
        told = [(one.NAME, one.to) for one in notices(case.history[-1], case.state)]
        assert told == [("own_act_withdrawn", THIRD)]
        own = presented().when(says(THIRD, TEXT), by=THIRD).happened().when(WithdrawComment(number=1), by=THIRD)
        assert notices(own.history[-1], own.state) == ()

    def open(self, case: Case) -> set[str]:
        owed = [one for one in extensible(case.state, case.rules) if one.duty is Duty.STANCE]
        return {one.bearer for one in owed if one.done is None}


class TestTwoAtOnce:
    """Two who have read the same state: the second one is told what changed, and by whom."""

    def both(self, case: Case, first: Command, second: Command, **by: Any) -> None:
        read = len(case.history)
        case.when(first, actor="thu-ky-1", based_on=read, **by).happened()
        case.when(second, actor="thu-ky-2", based_on=read, **by).refused("changed_since")
        assert case.outcome.facts["actor"] == "thu-ky-1"
        case.when(second, actor="thu-ky-2", based_on=len(case.history), **by).happened()

    def test_two_heads_are_not_appointed_at_once(self) -> None:
        first, second = (AssignRole(role="head", holder=unit, manner="appointed") for unit in (HEAD, DEPUTY))
        self.both(Case(), first, second)

    def test_an_extension_is_not_granted_twice(self) -> None:
        grants = [
            GrantExtension(duty=Duty.SIGNATURE, unit=THIRD, until=date(2026, 4, last), reason=TEXT) for last in (1, 30)
        ]
        self.both(Case(), *grants)
        for_all = GrantExtension(duty=Duty.SIGNATURE, until=date(2026, 5, 30), reason=TEXT)
        self.both(Case(), grants[0], for_all)
        self.both(Case(), for_all, grants[1].model_copy(update={"until": date(2026, 6, 30)}))

    def test_extensions_of_other_units_and_duties_do_not_meet(self) -> None:
        case = Case()
        read = len(case.history)
        for unit, duty in ((THIRD, Duty.SIGNATURE), (HEAD, Duty.SIGNATURE), (THIRD, Duty.STANCE)):
            more = GrantExtension(duty=duty, unit=unit, until=date(2026, 6, 30), reason=TEXT)
            case.when(more, based_on=read).happened()

    def test_awards_are_not_decided_twice(self) -> None:
        case = Case().when(Nominate(unit=HEAD, award="co")).happened()
        grants = (Grant(unit=HEAD, award="co"),)
        first, second = (DecideAwards(decision=Document(number=number), grants=grants) for number in ("1/QĐ", "2/QĐ"))
        read = len(case.history)
        case.when(first, based_on=read).happened().when(second, based_on=read)
        case.refused(case.outcome.code)
        assert case.outcome.code in {"changed_since", "awards_are_decided"}

    def test_the_next_head_is_chosen_once(self) -> None:
        self.both(Case(), *(ChooseNext(role="head", unit=unit, manner="elected") for unit in (HEAD, DEPUTY)))

    def test_a_report_is_not_accepted_when_another_has_sent_it_back(self) -> None:
        case = Case().when(ReportMidyear(unit=THIRD, report=Document(title="BC")), by=THIRD).happened()
        self.both(case, SendBack(unit=THIRD, text=TEXT), AcceptReport(unit=THIRD))

    def test_scores_are_appraised_as_they_were_read(self) -> None:
        case = Case().when(ScoreSelf(unit=THIRD, sheet=SHEET), by=THIRD).happened()
        read = len(case.history)
        more = tuple(item.model_copy(update={"points": item.points + 1}) for item in SHEET)
        case.when(ScoreSelf(unit=THIRD, sheet=more), by=THIRD).happened()
        case.when(AppraiseScores(unit=THIRD, sheet=more), based_on=read).refused("changed_since")


def test_the_payload_carries_it_only_where_it_is_known() -> None:
    command = SignCovenant(unit=THIRD)
    assert "based_on" not in CommandPayload.of(command).model_dump_json()
    carried = CommandPayload.of(command, based_on=7).model_dump_json()
    assert CommandPayload.model_validate_json(carried).based_on == 7


def test_what_is_read_is_changed_by_some_event() -> None:
    """A subject that no event changes would protect nothing: the patterns of both are compared by their first word."""
    changed = {subject.split("/")[0] for event in Event.KNOWN.values() for subject in _subjects(event.SUBJECTS)}
    for command in COMMANDS:
        for subject in _subjects(command.READS):
            assert subject.split("/")[0] in changed, (command.NAME, subject)
    assert {command.NAME for command in COMMANDS if command.READS} >= {"sign", "take-stance", "assign-role", "extend"}


class _Any:
    def __getattr__(self, name: str) -> str:
        return name


def _subjects(find: Any) -> tuple[str, ...]:
    return () if find is None else find(_Any())


def test_a_folded_history_knows_the_same_changes_as_a_running_state() -> None:
    case = presented().when(AssignRole(role="head", holder=HEAD, manner="elected")).when(paper("Bản 2")).happened()
    running = CYCLE.empty()
    for envelope in case.history:
        running = CYCLE.evolve(running, envelope)
    assert running.changes == CYCLE.fold(case.history).changes == case.state.changes != {}
    half = CYCLE.fold(case.history[2:], CYCLE.fold(case.history[:2]))
    assert half.changes == running.changes
    assert parse_command("sign", {"unit": THIRD}).READS is not None
