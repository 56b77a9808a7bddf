"""What becomes of awards: holds, annulments years later in a filed cycle, complaints; papers that come late."""

from __future__ import annotations

import pytest
from speech import TEXT, UNITS, Case

from domain.cycle import CYCLE
from domain.deviations import deviations
from domain.notices import notices
from domain.records import Command
from domain.steps.awards import (
    AnnulAward,
    AnswerComplaint,
    FileComplaint,
    HandOverObject,
    HoldAward,
    RecordReturn,
    ReleaseAward,
)
from domain.steps.commenting import TakeStance
from domain.steps.conclusion import DecideAwards, Grant, Nominate, Submit
from domain.steps.lifecycle import FileCycle
from domain.types import Document, Participant

HEAD, DEPUTY, THIRD = UNITS
PAPER = Document(number="12/QĐ")
FLAG = {"unit": THIRD, "award": "co"}


def granted() -> Case:
    case = Case().when(Nominate(unit=THIRD, award="co")).when(Submit(submission=PAPER)).happened()
    return case.when(DecideAwards(decision=PAPER, grants=(Grant(unit=THIRD, award="co"),))).happened()


def open_codes(case: Case) -> set[str]:
    return {d.code for d in deviations(case.state, case.rules) if not d.settled}


def test_a_hold_is_no_refusal_and_ends() -> None:
    case = Case().when(HoldAward(**FLAG, cause="discipline", reason=TEXT)).happened("AwardHeld")
    case.when(HoldAward(**FLAG, cause="discipline", reason=TEXT)).already()
    assert [(n.NAME, n.to) for n in notices(case.history[-1], case.state)] == [("award_held", THIRD)]
    case.when(Nominate(unit=THIRD, award="co")).when(Submit(submission=PAPER)).happened()
    case.when(ReleaseAward(**FLAG, reason=TEXT)).happened().when(ReleaseAward(**FLAG, reason=TEXT)).refused(
        "award_not_held"
    )
    case.when(DecideAwards(decision=PAPER, grants=(Grant(unit=THIRD, award="co"),))).happened()
    assert "granted_while_held" not in open_codes(case)


def test_what_is_decided_during_a_hold_is_seen() -> None:
    case = Case().when(HoldAward(**FLAG, cause="complaint", reason=TEXT)).when(Nominate(unit=THIRD, award="co"))
    case.when(DecideAwards(decision=PAPER, grants=(Grant(unit=THIRD, award="co"),))).happened()
    assert "granted_while_held" in open_codes(case)


def test_a_rotating_flag_changes_hands() -> None:
    flag = HandOverObject(object="cờ luân lưu", unit=THIRD, given_by=HEAD)
    case = Case().when(flag).happened("ObjectHandedOver").when(flag).refused("object_is_there")
    case.when(HandOverObject(object="cờ luân lưu", unit=DEPUTY)).happened()
    assert case.state.awards.objects == {"cờ luân lưu": DEPUTY}


def test_an_award_is_annulled_and_returned_in_a_filed_cycle() -> None:
    case = granted().when(FileCycle()).happened()
    case.when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD).refused("cycle_is_filed")
    case.when(AnnulAward(**FLAG, decision=PAPER, reason=TEXT)).happened("AwardAnnulled")
    case.when(AnnulAward(**FLAG, decision=PAPER, reason=TEXT)).refused("award_is_annulled")
    case.when(RecordReturn(**FLAG, what="money", amount="1000000")).happened("AwardReturned")
    case.when(RecordReturn(**FLAG, what="object")).happened().when(RecordReturn(**FLAG, what="object")).refused(
        "award_is_returned"
    )
    assert case.state.lifecycle.filed is not None
    assert not open_codes(case) & {"annulled_ungranted", "returned_unannulled"}


def test_papers_that_come_late_are_remarks() -> None:
    case = Case().when(RecordReturn(**FLAG, what="object")).happened()
    assert "returned_unannulled" in open_codes(case)
    case.when(AnnulAward(**FLAG, decision=PAPER, reason=TEXT)).happened()
    assert "returned_unannulled" not in open_codes(case)
    assert "annulled_ungranted" in open_codes(case)
    case.when(DecideAwards(decision=PAPER, grants=(Grant(unit=THIRD, award="co"),), reason=TEXT)).happened()
    assert "annulled_ungranted" not in open_codes(case)


def test_a_complaint_stays_open_until_it_is_answered() -> None:
    case = Case().when(FileComplaint(by=Participant(unit=THIRD), text=TEXT), by=THIRD).happened("ComplaintFiled")
    case.when(FileComplaint(by=Participant(unit=THIRD), text=TEXT), by=THIRD).already()
    assert "complaint" in open_codes(case)
    case.when(AnswerComplaint(number=2, text=TEXT)).refused("no_such_complaint")
    case.when(AnswerComplaint(number=1, text=TEXT)).happened()
    assert "complaint" not in open_codes(case)


@pytest.mark.parametrize(
    "act",
    [
        HoldAward(**FLAG, cause="discipline", reason=TEXT),
        AnnulAward(**FLAG, decision=PAPER, reason=TEXT),
        RecordReturn(**FLAG, what="object"),
        AnswerComplaint(number=1, text=TEXT),
    ],
)
def test_only_the_level_above_decides(act: Command) -> None:
    Case().when(act, by=THIRD).refused("not_yours")


def test_any_part_of_the_story_folds() -> None:
    case = granted().when(HoldAward(**FLAG, cause="discipline", reason=TEXT)).when(ReleaseAward(**FLAG, reason=TEXT))
    case.when(FileComplaint(by=Participant(group="nhân dân"), text=TEXT)).when(
        AnswerComplaint(number=1, text=TEXT)
    ).happened()
    for left_out in range(len(case.history)):
        CYCLE.fold([*case.history[:left_out], *case.history[left_out + 1 :]])
    assert CYCLE.fold(case.history) == case.state


def test_an_annulment_may_be_told_without_its_decision() -> None:
    granted().when(AnnulAward(**FLAG)).happened("AwardAnnulled")
