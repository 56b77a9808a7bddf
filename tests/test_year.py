"""The law of a cycle, told as cases: drafting, comments, signing, mid-year, scores, conclusion."""

from __future__ import annotations

from datetime import date

import pytest
from speech import CITY, DIGEST, NOW, RULES, TEXT, UNITS, Case, day, opening

from domain.cycle import COMMANDS
from domain.deviations import deviations
from domain.duties import Duty
from domain.notices import notices
from domain.obligations import tasks
from domain.records import Command, Refused
from domain.rules import Edition
from domain.scoring.scores import (
    AppraiseScores,
    CrossCheck,
    ScoreRound,
    ScoreSelf,
    SheetItem,
    WithdrawScore,
    calculated_scores,
)
from domain.steps.commenting import AddComment, TakeStance, TakeStanceTogether, WithdrawComment, WithdrawStance
from domain.steps.conclusion import ChooseNext, DecideAwards, Grant, Nominate, PublishResults, RankUnits, Submit
from domain.steps.corrections import AcknowledgeDeviation, CorrectAct
from domain.steps.drafting import PresentDraft
from domain.steps.lifecycle import AdoptEdition, ChangeCalendar, CloseDuty, FileCycle, ReopenCycle, ReopenDuty, StepTo
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import AdmitUnit, AssignRole, NameOverseer, ReleaseUnit
from domain.steps.midyear import AcceptReport, AnswerCorrection, ReportMidyear, SendBack, WithdrawReport
from domain.steps.signing import DeclineToSign, NameWitnesses, SignCovenant, SignJointly
from domain.steps.targets import RegisterTargets
from domain.strengths import Strength
from domain.times import When
from domain.types import Document, Participant, Person, Provenance
from i18n import in_language
from i18n.timeline import describe

HEAD, DEPUTY, THIRD = UNITS
PAPER = Document(title="Giao ước")


def drafted(**options) -> Case:
    case = Case(**options)
    case.when(AssignRole(role="head", holder=HEAD, manner="elected")).happened("RoleAssigned")
    for kind in ("plan", "bylaws", "covenant"):
        case.when(PresentDraft(kind=kind, document=PAPER, presented_by=DEPUTY), by=HEAD).happened("DraftPresented")
    return case


def sheet(*points: str, reason: str | None = None) -> tuple[SheetItem, ...]:
    return tuple(
        SheetItem(criterion=name, points=value, reason=reason)
        for name, value in zip(("a1", "a2", "b"), points, strict=True)
    )


def codes(case: Case) -> set[str]:
    return {deviation.code for deviation in deviations(case.state, case.rules)}


class TestFrame:
    def test_a_cycle_is_opened_once(self) -> None:
        Case().when(opening()).refused("cycle_is_open")

    def test_nothing_is_said_before_the_opening(self) -> None:
        Case(opened=False).when(FileCycle()).refused("cycle_not_open")

    def test_another_organiser_cannot_open_it(self) -> None:
        Case(opened=False).when(opening(), by="mttq-hue").refused("not_yours")

    def test_time_does_not_go_back(self) -> None:
        Case().step(day(2, 1)).when(StepTo(now=day(1, 15))).refused("time_goes_back")

    def test_real_time_cannot_be_stepped(self) -> None:
        Case(opened=False).when(opening("wall")).when(StepTo(now=day(5, 1))).refused("calendar_not_stepped")

    def test_a_running_calendar_stays(self) -> None:
        Case().when(ChangeCalendar(clock="wall", since=NOW)).refused("calendar_is_running")

    def test_a_backfilled_register_is_handed_over_to_real_time(self) -> None:
        case = Case(opened=False).when(opening("backfill"))
        case.when(ChangeCalendar(clock="backfill", since=NOW)).refused("calendar_is_backfill")
        case.when(ChangeCalendar(clock="wall", since=day(1, 2))).happened("CalendarChanged")

    def test_backfill_cannot_be_left_for_an_earlier_day(self) -> None:
        case = Case(opened=False).when(opening("backfill"))
        case.when(FileCycle(), happened=When.on(date(2026, 3, 1))).happened()
        case.when(ReopenCycle(reason=TEXT), happened=When.on(date(2026, 3, 1))).happened("CycleReopened")
        case.when(ChangeCalendar(clock="wall", since=day(2, 1))).refused("time_goes_back")

    def test_backfill_wants_to_know_when(self) -> None:
        Case(opened=False).when(opening("backfill")).when(FileCycle()).refused("when_is_missing")

    def test_an_edition_is_adopted_once(self) -> None:
        case = Case().when(AdoptEdition(edition=DIGEST)).refused("edition_in_force")
        case.when(AdoptEdition(edition="f" * 64)).happened("EditionAdopted")
        assert case.state.lifecycle.editions == (DIGEST, "f" * 64)

    def test_a_filed_cycle_takes_only_what_is_left_to_say(self) -> None:
        case = drafted().when(FileCycle()).happened("CycleFiled")
        case.when(FileCycle()).refused("cycle_is_filed")
        case.when(SignCovenant(unit=HEAD), by=HEAD).refused("cycle_is_filed")
        case.when(ReopenCycle(reason=TEXT)).happened("CycleReopened")
        case.when(ReopenCycle(reason=TEXT)).refused("cycle_is_not_filed")
        case.when(SignCovenant(unit=HEAD), by=HEAD).happened("CovenantSigned")

    def test_a_hard_close_ends_the_units_own_right_only(self) -> None:
        case = drafted().when(CloseDuty(duty=Duty.SIGNATURE)).happened("DutyClosed")
        case.when(CloseDuty(duty=Duty.SIGNATURE)).refused("duty_is_closed")
        case.when(SignCovenant(unit=THIRD), by=THIRD).refused("duty_closed")
        case.when(SignCovenant(unit=THIRD), by=CITY).happened("CovenantSigned")
        case.when(ReopenDuty(duty=Duty.SIGNATURE, reason=TEXT)).happened("DutyReopened")
        case.when(ReopenDuty(duty=Duty.SIGNATURE, reason=TEXT)).refused("duty_is_open")
        case.when(SignCovenant(unit=DEPUTY), by=DEPUTY).happened("CovenantSigned")


class TestWhoMayAndWhen:
    def test_a_unit_speaks_for_itself_only(self) -> None:
        drafted().when(SignCovenant(unit=DEPUTY), by=THIRD).refused("not_yours")

    def test_a_stranger_says_nothing(self) -> None:
        drafted().when(SignCovenant(unit=DEPUTY), by="quan-khac").refused("not_yours")

    def test_the_head_keeps_the_minutes(self) -> None:
        drafted().when(SignCovenant(unit=THIRD), by=HEAD).happened("CovenantSigned")

    def test_a_unit_cannot_date_its_own_act_back(self) -> None:
        earlier = When.on(date(2025, 12, 1))
        drafted().when(SignCovenant(unit=THIRD), by=THIRD, happened=earlier).refused("not_yours_to_date")

    def test_the_secretariat_can(self) -> None:
        case = drafted().step(day(5, 1))
        case.when(SignCovenant(unit=THIRD), by=CITY, happened=When.on(date(2026, 2, 1))).happened()
        assert case.state.signing.signatures[THIRD].when.day == date(2026, 2, 1)

    def test_nothing_happens_in_the_future(self) -> None:
        drafted().when(SignCovenant(unit=THIRD), happened=When.on(date(2026, 2, 1))).refused("in_the_future")

    def test_what_a_rehearsal_writes_is_marked(self) -> None:
        case = drafted().when(SignCovenant(unit=THIRD), provenance=Provenance(kind="stated", source="báo"))
        assert {told.meta.provenance.kind for told in case.history} == {"rehearsed"}

    def test_the_overseer_comments(self) -> None:
        case = drafted().when(NameOverseer(overseer=Person(id="ba-huong"))).happened("OverseerNamed")
        comment = AddComment(by=Participant(person=Person(id="ba-huong")), text=TEXT)
        case.when(comment, by="thanh-uy", actor="ba-huong").happened("CommentAdded")
        case.when(comment, by="thanh-uy", actor="ong-khac").refused("not_yours")

    def test_the_organiser_needs_more_than_a_password(self) -> None:
        case = drafted()
        case.when(PresentDraft(kind="plan", document=Document(title="2")), strength=Strength.PASSWORD)
        case.refused("organiser_needs_code")
        case.when(SignCovenant(unit=THIRD), by=THIRD, strength=Strength.PASSWORD).happened()
        for enough in (Strength.PASSWORD_AND_CODE, Strength.TOKEN_TO_ACT, Strength.OS_ACCOUNT, Strength.REHEARSAL):
            case.when(PresentDraft(kind="plan", document=Document(title=enough.value)), strength=enough).happened()

    def test_the_scope_of_a_token_holds_for_corrections_and_what_they_put_in_place(self) -> None:
        case = drafted().when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD).happened()
        stance = len(case.history)
        case.when(SignCovenant(unit=THIRD), by=THIRD, strength=Strength.TOKEN_TO_ACT).refused("token_too_weak")
        case.when(TakeStance(unit=DEPUTY, stance="agreed"), by=DEPUTY, strength=Strength.TOKEN_TO_READ)
        case.refused("token_too_weak")
        signing = CorrectAct(version=stance, reason=TEXT, instead={"act": "sign", "unit": THIRD})
        case.when(signing, by=THIRD, strength=Strength.TOKEN_TO_ACT).refused("token_too_weak")
        case.when(SignCovenant(unit=THIRD), by=THIRD, strength=Strength.TOKEN_TO_SIGN).happened()
        out = CorrectAct(version=len(case.history), reason=TEXT)
        case.when(out, by=THIRD, strength=Strength.TOKEN_TO_ACT).refused("token_too_weak")
        case.when(out, by=THIRD, strength=Strength.TOKEN_TO_SIGN).happened("ActCorrected")

    def test_only_the_clock_was_authenticated_by_nothing(self) -> None:
        drafted().when(SignCovenant(unit=THIRD), by=THIRD, strength=None).refused("unknown_strength")


class TestMembership:
    def test_a_unit_joins_and_leaves(self) -> None:
        case = drafted().when(AdmitUnit(unit="tay-ho", name="Tây Hồ")).happened("UnitAdmitted")
        case.when(AdmitUnit(unit="tay-ho", name="Tây Hồ")).refused("is_a_member")
        case.when(SignCovenant(unit="tay-ho"), by="tay-ho").happened()
        case.step(day(3, 1)).when(ReleaseUnit(unit="tay-ho")).happened("UnitReleased")
        case.step(day(4, 1)).when(TakeStance(unit="tay-ho", stance="agreed"), by=CITY).refused("not_a_member")
        case.when(ReleaseUnit(unit="tay-ho")).refused("not_a_member")
        assert case.state.membership.members() == UNITS

    def test_a_released_unit_can_still_have_signed_before(self) -> None:
        case = drafted().step(day(3, 1)).when(ReleaseUnit(unit=THIRD)).happened().step(day(4, 1))
        case.when(SignCovenant(unit=THIRD), happened=When.on(date(2026, 2, 1))).happened("CovenantSigned")

    def test_the_head_can_be_unknown_and_can_change(self) -> None:
        case = Case().when(AssignRole(role="head", holder="unknown", manner="unknown")).happened()
        case.when(AssignRole(role="head", holder="unknown", manner="unknown")).refused("role_is_held")
        case.step(day(5, 1)).when(AssignRole(role="head", holder=THIRD, manner="appointed")).happened()
        assert case.state.membership.holder("head", day(4, 1)) == "unknown"
        assert case.state.membership.holder("head") == THIRD

    def test_a_term_entered_late_takes_its_place(self) -> None:
        case = Case().step(day(5, 1)).when(AssignRole(role="head", holder=THIRD, manner="appointed")).happened()
        earlier = AssignRole(role="head", holder=HEAD, manner="elected")
        case.when(earlier, happened=When.on(date(2026, 2, 1))).happened()
        assert case.state.membership.holder("head") == THIRD
        assert case.state.membership.holder("head", day(3, 1)) == HEAD

    def test_a_stranger_cannot_be_head(self) -> None:
        Case().when(AssignRole(role="head", holder="quan-khac", manner="elected")).refused("not_a_member")


class TestComments:
    def test_the_same_stance_twice_is_one(self) -> None:
        stance = TakeStance(unit=THIRD, stance="agreed")
        case = drafted().when(stance, by=THIRD).happened("StanceTaken")
        case.when(stance, by=THIRD).already()

    def test_a_stance_is_replaced_and_withdrawn(self) -> None:
        case = drafted().when(TakeStance(unit=THIRD, stance="changes-requested"), by=THIRD).happened()
        case.when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD).happened()
        assert case.state.comments.stances[THIRD, ""].stance == "agreed"
        case.when(WithdrawStance(unit=THIRD), by=THIRD).happened("StanceWithdrawn")
        case.when(WithdrawStance(unit=THIRD), by=THIRD).refused("no_stance")

    def test_what_all_say_together_is_one_event(self) -> None:
        case = drafted().when(TakeStanceTogether(stance="agreed-in-substance", group="các đại biểu")).happened()
        assert case.names()[-1] == "StanceTakenTogether"
        assert case.state.comments.stances == {}
        assert case.state.comments.stances_of(THIRD, lambda _when: True) != ()
        assert case.state.comments.stances_of(THIRD, lambda _when: False) == ()

    def test_a_comment_is_withdrawn_by_whose_it_is(self) -> None:
        comment = AddComment(by=Participant(unit=THIRD), text=TEXT)
        case = drafted().when(comment, by=THIRD).happened("CommentAdded")
        case.when(comment, by=THIRD).already()
        case.when(WithdrawComment(number=1), by=DEPUTY).refused("not_yours")
        case.when(WithdrawComment(number=1), by=THIRD).happened("CommentWithdrawn")
        case.when(WithdrawComment(number=1), by=THIRD).refused("no_such_comment")


class TestSigning:
    def test_nothing_can_be_signed_before_it_is_presented(self) -> None:
        Case().when(SignCovenant(unit=THIRD), by=THIRD).refused("nothing_presented")

    def test_nothing_is_signed_twice(self) -> None:
        case = drafted().when(SignCovenant(unit=THIRD), by=THIRD).happened("CovenantSigned")
        case.when(SignCovenant(unit=THIRD), by=THIRD).already()
        case.when(PresentDraft(kind="covenant", document=Document(title="Bản 2")), by=HEAD).happened()
        case.when(SignCovenant(unit=THIRD), by=THIRD).refused("signed_already")
        case.when(SignJointly(units=(THIRD,))).refused("signed_already")

    def test_only_a_version_that_exists(self) -> None:
        drafted().when(SignCovenant(unit=THIRD, number=7), by=THIRD).refused("no_such_version")

    def test_signatures_from_a_joint_sheet_are_inferred(self) -> None:
        case = Case(opened=False).when(opening("backfill"))
        on = {"happened": When.on(date(2026, 2, 5))}
        case.when(PresentDraft(kind="covenant", document=PAPER), **on).happened()
        case.when(SignJointly(), **on).happened("CovenantSignedJointly")
        case.when(NameWitnesses(witnesses=(Participant(group="lãnh đạo quận"),)), **on).happened("WitnessesNamed")
        signatures = case.state.signing.signatures
        assert set(signatures) == set(UNITS)
        assert {s.sureness for s in signatures.values()} == {"inferred"}
        assert case.names().count("CovenantSigned") == 0

    def test_a_later_version_is_linked_to_the_signed_one(self) -> None:
        case = drafted().when(SignJointly(units=UNITS)).happened()
        case.when(PresentDraft(kind="covenant", document=Document(title="Bản chỉnh sửa")), by=HEAD).happened()
        assert case.state.drafts["covenant"][-1].reissues == 1

    def test_who_declines_may_sign_later(self) -> None:
        case = drafted().when(DeclineToSign(unit=THIRD, reason=TEXT), by=THIRD).happened("SigningDeclined")
        case.when(DeclineToSign(unit=THIRD, reason=TEXT), by=THIRD).already()
        assert "unit_declined" in codes(case)
        case.when(SignCovenant(unit=THIRD), by=THIRD).happened()
        assert all(d.settled for d in deviations(case.state, case.rules) if d.code == "unit_declined")
        case.when(DeclineToSign(unit=THIRD, reason=TEXT), by=THIRD).refused("signed_already")

    def test_the_same_draft_again_is_one(self) -> None:
        drafted().when(PresentDraft(kind="plan", document=PAPER), by=HEAD).already()


class TestMidyear:
    def test_a_report_goes_back_and_forth(self) -> None:
        case = drafted().when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD).happened("MidyearReported")
        case.when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD).already()
        case.when(AnswerCorrection(unit=THIRD, text=TEXT), by=THIRD).refused("no_correction_asked")
        case.when(SendBack(unit=THIRD, text=TEXT), by=HEAD).happened("ReportSentBack")
        case.when(SendBack(unit=THIRD, text=TEXT), by=HEAD).already()
        case.when(SendBack(unit=THIRD, text="b" * 64), by=HEAD).refused("correction_is_open")
        case.when(AnswerCorrection(unit=THIRD, text=TEXT, report=Document(number="2/BC")), by=THIRD).happened()
        case.when(AcceptReport(unit=THIRD), by=HEAD).refused("not_yours")
        case.when(AcceptReport(unit=THIRD)).happened("ReportAccepted")
        case.when(AcceptReport(unit=THIRD)).refused("report_is_accepted")
        case.when(SendBack(unit=THIRD, text=TEXT)).refused("report_is_accepted")
        case.when(ReportMidyear(unit=THIRD, report=Document(title="mới")), by=THIRD).refused("report_is_accepted")

    def test_there_is_nothing_to_send_back(self) -> None:
        drafted().when(SendBack(unit=THIRD, text=TEXT)).refused("no_report")


class TestScores:
    def test_rounds_stand_beside_each_other(self) -> None:
        case = drafted().when(ScoreSelf(unit=THIRD, sheet=sheet("38.25", "19.5", "40")), by=THIRD).happened()
        case.when(ScoreSelf(unit=THIRD, sheet=sheet("38.25", "19.5", "40")), by=THIRD).already()
        changed = sheet("38", "19.5", "40", reason=TEXT)
        case.when(CrossCheck(unit=THIRD, by=DEPUTY, sheet=changed), by=DEPUTY).happened("CrossChecked")
        case.when(AppraiseScores(unit=THIRD, sheet=changed)).happened("ScoresAppraised")
        totals = {
            round_: str(calculated_scores(case.state, case.rules, round_)[THIRD].total)
            for round_ in ("self", "cross-checked", "appraised")
        }
        assert totals == {"self": "97.75", "cross-checked": "97.5", "appraised": "97.5"}
        case.when(ScoreSelf(unit=THIRD, sheet=sheet("1", "1", "1")), by=THIRD).refused("score_is_appraised")

    @pytest.mark.parametrize(
        ("points", "code"),
        [(("40.01", "1", "1"), "points_out_of_range"), (("-1", "1", "1"), "points_out_of_range")],
    )
    def test_points_stay_within_their_criterion(self, points: tuple[str, ...], code: str) -> None:
        drafted().when(ScoreSelf(unit=THIRD, sheet=sheet(*points)), by=THIRD).refused(code)

    def test_a_sheet_is_whole(self) -> None:
        case = drafted()
        one = SheetItem(criterion="b", points="1")
        case.when(ScoreSelf(unit=THIRD, sheet=(one,)), by=THIRD).refused("criteria_missing")
        case.when(ScoreSelf(unit=THIRD, sheet=(one, one)), by=THIRD).refused("criterion_twice")
        case.when(ScoreSelf(unit=THIRD, sheet=(SheetItem(criterion="a", points="1"),)), by=THIRD).refused(
            "no_such_criterion"
        )

    def test_a_claim_is_taken_back_until_others_have_scored(self) -> None:
        case = drafted().when(ScoreSelf(unit=THIRD, sheet=sheet("38", "19", "40")), by=THIRD)
        case.when(WithdrawScore(unit=HEAD), by=HEAD).refused("no_score")
        case.when(WithdrawScore(unit=THIRD), by=THIRD).happened("SelfScoreWithdrawn")
        assert case.state.scores == {}
        case.when(ScoreSelf(unit=THIRD, sheet=sheet("37", "19", "40")), by=THIRD).happened("SelfScored")
        case.when(AppraiseScores(unit=THIRD, sheet=sheet("37", "19", "40"))).happened("ScoresAppraised")
        case.when(WithdrawScore(unit=THIRD), by=THIRD).refused("scored_upon")

    def test_a_report_is_taken_back_until_it_is_accepted(self) -> None:
        case = drafted().when(ReportMidyear(unit=THIRD, report=Document(title="BC")), by=THIRD)
        case.when(WithdrawReport(unit=THIRD), by=THIRD).happened("ReportWithdrawn")
        assert case.state.midyear == {}
        case.when(WithdrawReport(unit=THIRD), by=THIRD).refused("no_report")
        case.when(ReportMidyear(unit=THIRD, report=Document(title="BC")), by=THIRD)
        case.when(AcceptReport(unit=THIRD)).happened("ReportAccepted")
        case.when(WithdrawReport(unit=THIRD), by=THIRD).refused("report_is_accepted")

    def test_a_rival_takes_a_score_back_only_as_a_meeting_decided(self) -> None:
        case = drafted().when(AssignRole(role="deputy", holder=DEPUTY, manner="elected")).happened()
        case.when(ScoreSelf(unit=THIRD, sheet=sheet("38", "19", "40")), by=THIRD).happened()
        for rival in (HEAD, DEPUTY):
            case.when(WithdrawScore(unit=THIRD), by=rival).refused("meeting_must_decide")
            case.when(WithdrawScore(unit=THIRD), by=rival, meeting="chua-ghi").refused("meeting_must_decide")
            case.when(ScoreSelf(unit=THIRD, sheet=sheet("1", "1", "1")), by=rival).refused("meeting_must_decide")
        case.when(RecordMeeting(id="hop", kind="other"), by=HEAD).happened()
        case.when(ScoreSelf(unit=THIRD, sheet=sheet("37", "19", "40")), by=HEAD, meeting="hop").happened("SelfScored")
        case.when(WithdrawScore(unit=THIRD), by=DEPUTY, meeting="hop").happened("SelfScoreWithdrawn")
        assert [(n.NAME, n.to) for n in notices(case.history[-1], case.state)] == [("own_act_withdrawn", THIRD)]
        with in_language("en"):
            text = describe(case.history[-1], {THIRD: "Ba Đình"}, {})
        assert text == "By decision of the meeting, the self-score of Ba Đình is taken back."
        assert [o.duty for o in tasks(case.state, case.rules, THIRD)].count(Duty.SELF_SCORE) == 1, "it is owed again"

    def test_the_organiser_and_the_unit_itself_need_no_meeting(self) -> None:
        case = drafted()
        for by in (CITY, THIRD):
            case.when(ScoreSelf(unit=THIRD, sheet=sheet("38", "19", "40")), by=THIRD).happened()
            case.when(WithdrawScore(unit=THIRD), by=by).happened("SelfScoreWithdrawn")
        assert notices(case.history[-1], case.state) == (), "nobody is told of what they did themselves"

    def test_a_rival_enters_a_first_score_for_a_unit_which_is_told(self) -> None:
        case = drafted().when(ScoreSelf(unit=THIRD, sheet=sheet("38", "19", "40")), by=HEAD).happened()
        assert [(n.NAME, n.to) for n in notices(case.history[-1], case.state)] == [("own_act_replaced", THIRD)]

    def test_a_rival_touches_no_report_stance_registration_or_check_of_another_unit(self) -> None:
        case = drafted()
        own: list[tuple[Command, Command]] = [
            (ReportMidyear(unit=THIRD, report=PAPER), WithdrawReport(unit=THIRD)),
            (ReportMidyear(unit=THIRD, report=PAPER), ReportMidyear(unit=THIRD, report=Document(title="khác"))),
            (TakeStance(unit=THIRD, stance="agreed"), WithdrawStance(unit=THIRD)),
            (TakeStance(unit=THIRD, stance="agreed"), TakeStance(unit=THIRD, stance="changes-requested")),
            (RegisterTargets(unit=THIRD, titles=("Cờ",)), RegisterTargets(unit=THIRD, titles=("Bằng khen",))),
            (
                CrossCheck(unit=HEAD, by=THIRD, sheet=sheet("38", "19", "40")),
                CrossCheck(unit=HEAD, by=THIRD, sheet=sheet("1", "1", "1")),
            ),
        ]
        for said, _undone in own:
            case.when(said, by=THIRD)
        for _said, undone in own:
            case.when(undone, by=HEAD).refused("meeting_must_decide")
        case.when(RecordMeeting(id="hop", kind="other"), by=HEAD).happened()
        for said, undone in own:
            case.when(said, by=THIRD)
            case.when(undone, by=HEAD, meeting="hop").happened()

    def test_a_rival_corrects_another_units_act_only_as_a_meeting_decided(self) -> None:
        case = drafted().when(SignCovenant(unit=THIRD), by=THIRD).happened()
        version, entered_by = len(case.history), {one.meta.version: one.meta.unit for one in case.history}
        case.when(CorrectAct(version=version, reason=TEXT), by=HEAD).refused("meeting_must_decide")
        case.when(RecordMeeting(id="hop", kind="other"), by=HEAD).happened()
        case.when(CorrectAct(version=version, reason=TEXT), by=HEAD, meeting="hop").happened("ActCorrected")
        told = [(n.NAME, n.to) for n in notices(case.history[-1], case.state, entered_by)]
        assert ("own_act_corrected", THIRD) in told
        case.when(SignCovenant(unit=THIRD), by=HEAD).happened()
        case.when(CorrectAct(version=len(case.history), reason=TEXT), by=HEAD).happened("ActCorrected")

    def test_a_comment_answers_another(self) -> None:
        case = drafted().when(AddComment(by=Participant(unit=THIRD), text=TEXT), by=THIRD)
        answer = AddComment(by=Participant(unit=HEAD), text="b" * 64, answers=1)
        case.when(answer, by=HEAD).happened("CommentAdded")
        assert case.state.comments.comments[2].answers == 1
        case.when(answer.model_copy(update={"answers": 9, "text": "c" * 64}), by=HEAD).refused("no_such_comment")

    def test_a_change_carries_its_reason(self) -> None:
        case = drafted().when(ScoreSelf(unit=THIRD, sheet=sheet("38", "19", "40")), by=THIRD).happened()
        case.when(AppraiseScores(unit=THIRD, sheet=sheet("37", "19", "40"))).refused("change_needs_reason")

    def test_only_the_assigned_checker_checks_and_nobody_replaces_its_check(self) -> None:
        case = drafted().when(AssignRole(role="deputy", holder=DEPUTY, manner="elected")).happened()
        claimed, lower = sheet("38", "19", "40"), sheet("1", "1", "1", reason=TEXT)
        case.when(ScoreSelf(unit=DEPUTY, sheet=claimed), by=DEPUTY).happened()
        for other in (claimed, lower, sheet("1", "19", "40")):  # the same answer, whether it is equal or not
            case.when(CrossCheck(unit=DEPUTY, by=THIRD, sheet=other), by=THIRD).refused("not_the_checker")
            case.when(CrossCheck(unit=DEPUTY, by=THIRD, sheet=other), by=HEAD).refused("meeting_must_decide")
        case.when(CrossCheck(unit=DEPUTY, by=HEAD, sheet=claimed), by=HEAD).happened()
        for other in (claimed, lower):
            case.when(CrossCheck(unit=DEPUTY, by=THIRD, sheet=other), by=THIRD).refused("meeting_must_decide")
        case.when(CrossCheck(unit=DEPUTY, by=HEAD, sheet=claimed), by=HEAD).already()
        case.when(RecordMeeting(id="hop", kind="other"), by=HEAD).happened()
        case.when(CrossCheck(unit=DEPUTY, by=THIRD, sheet=lower), by=THIRD, meeting="hop").happened()
        case.when(CrossCheck(unit=DEPUTY, by=HEAD, sheet=lower), by=HEAD).refused("meeting_must_decide")
        case.when(CrossCheck(unit=DEPUTY, by=HEAD, sheet=lower)).happened("CrossChecked")

    def test_a_refusal_tells_no_closed_points(self) -> None:
        case = drafted().when(RecordMeeting(id="hop", kind="other"), by=HEAD).happened()
        rounds = [{"id": one, "title": one, "by": "own"} for one in ("self", "cross-checked", "chung")]
        case.rules = Edition.model_validate({**RULES.model_dump(), "rounds": rounds})
        claimed = sheet("38", "19", "40")
        case.when(ScoreSelf(unit=DEPUTY, sheet=claimed), by=DEPUTY).happened()
        for guess in (claimed, sheet("1", "19", "40")):
            case.when(ScoreSelf(unit=THIRD, sheet=claimed), by=THIRD)
            case.when(ScoreSelf(unit=THIRD, sheet=guess), by=HEAD).refused("meeting_must_decide")
            case.when(ScoreRound(unit=THIRD, round="chung", sheet=guess), by=HEAD).refused("each_needs_reason")
            case.when(CrossCheck(unit=THIRD, by=HEAD, sheet=guess), by=HEAD, meeting="hop").refused("each_needs_reason")
        for one in claimed:
            case.when(ScoreRound(unit=THIRD, round="chung", sheet=(one,)), by=HEAD).refused("each_needs_reason")
        changed = ScoreRound(unit=THIRD, round="chung", sheet=sheet("1", "19", "40"))
        case.when(changed).refused("change_needs_reason")
        explained = sheet("38", "19", "40", reason=TEXT)
        for _ in range(2):  # recorded again: whether it equals a closed sheet is not told
            case.when(ScoreRound(unit=THIRD, round="chung", sheet=explained), by=HEAD).happened("RoundScored")
        case.when(ScoreSelf(unit=HEAD, sheet=claimed), by=HEAD).happened()
        case.when(ScoreRound(unit=HEAD, round="chung", sheet=claimed), by=HEAD).happened("RoundScored")

    def test_nobody_checks_itself(self) -> None:
        case = drafted()
        case.when(CrossCheck(unit=THIRD, by=THIRD, sheet=sheet("1", "1", "1")), by=THIRD).refused("checks_itself")
        case.when(CrossCheck(unit=THIRD, by=DEPUTY, sheet=sheet("1", "1", "1")), by=THIRD).refused("not_yours")

    def test_a_nan_is_no_score(self) -> None:
        for text in ("NaN", "Infinity", "1.00001", "1e9"):
            with pytest.raises(ValueError, match="points"):
                SheetItem(criterion="b", points=text)


class TestConclusion:
    def ranked(self) -> Case:
        case = drafted()
        case.when(RankUnits()).refused("unit_has_no_score")
        for unit, points in zip(UNITS, ("40", "38", "38"), strict=True):
            case.when(ScoreSelf(unit=unit, sheet=sheet(points, "20", "40")), by=unit).happened()
        case.when(RankUnits(), by=HEAD).refused("enter_what_meeting_decided")
        case.when(RankUnits(), by=HEAD, meeting="chua-ghi").refused("enter_what_meeting_decided")
        case.when(RecordMeeting(id="hop-xep-hang", kind="other"), by=HEAD).happened()
        return case.when(RankUnits(), by=HEAD, meeting="hop-xep-hang").happened("UnitsRanked")

    def test_equal_totals_share_a_rank(self) -> None:
        case = self.ranked()
        assert [(p.unit, p.rank) for p in case.state.conclusion.ranking] == [(HEAD, 1), (DEPUTY, 2), (THIRD, 2)]
        assert "ranked_before_appraisal" in codes(case)

    def test_nominations_keep_the_quota_and_show_the_conflict(self) -> None:
        case = self.ranked()
        case.when(Submit(submission=PAPER), by=HEAD).refused("nothing_nominated")
        case.when(Nominate(unit=HEAD, award="co"), by=HEAD).happened("UnitNominated")
        case.when(Nominate(unit=HEAD, award="co"), by=HEAD).already()
        case.when(Nominate(unit=THIRD, award="co"), by=HEAD).happened()
        assert "quota_exceeded" in {d.code for d in deviations(case.state, case.rules)}, "it happens, and is seen"
        case.when(Nominate(unit=THIRD, award="huan-chuong"), by=HEAD).refused("no_such_award")
        assert "head_nominated" in codes(case)

    def test_the_level_above_decides(self) -> None:
        case = self.ranked().when(Nominate(unit=HEAD, award="co"), by=HEAD).happened()
        case.when(Submit(submission=PAPER), by=HEAD).happened("NominationsSubmitted")
        case.when(RankUnits()).refused("nominations_are_submitted")
        grant = (Grant(unit=THIRD, award="co"),)
        case.when(DecideAwards(decision=PAPER, grants=grant)).refused("grant_needs_reason")
        case.when(DecideAwards(decision=PAPER, grants=grant, reason=TEXT)).happened("AwardsDecided")
        assert "granted_unnominated" in codes(case)
        case.when(PublishResults()).happened("ResultsPublished")
        case.when(PublishResults()).refused("results_are_published")
        case.when(ChooseNext(role="head", unit=DEPUTY, manner="handed-over"), by=HEAD).happened("NextChosen")

    def test_a_final_meeting_in_the_next_year_is_seen(self) -> None:
        case = drafted().step(day(3, 26, year=2027)).when(RecordMeeting(id="tk", kind="final"), by=HEAD)
        case.when(RecordMeeting(id="tk", kind="final"), by=HEAD).already()
        case.when(RecordMeeting(id="tk", kind="final", online=True), by=HEAD).refused("meeting_is_recorded")
        assert "final_next_year" in codes(case)


class TestRegister:
    def test_signing_an_unfinished_text_is_a_remark_until_it_is_reissued(self) -> None:
        case = drafted().when(TakeStanceTogether(stance="agreed-in-substance", group="đại biểu")).happened()
        case.when(SignJointly()).happened()
        (found,) = [d for d in deviations(case.state, case.rules) if d.code == "signed_text_open"]
        assert (found.article, found.settled) == (None, False)
        case.step(day(1, 20)).when(PresentDraft(kind="covenant", document=Document(title="v2")), by=HEAD)
        assert all(d.settled for d in deviations(case.state, case.rules) if d.code == "signed_text_open")

    def test_a_deviation_names_its_article(self) -> None:
        case = Case().when(PresentDraft(kind="covenant", document=PAPER)).happened().when(SignJointly()).happened()
        found = {d.code: d.article for d in deviations(case.state, case.rules)}
        assert found["bylaws_late"] == "Điều 9"
        assert found["head_unknown"] is None

    def test_only_the_acknowledgement_is_an_event(self) -> None:
        case = Case().when(PresentDraft(kind="covenant", document=PAPER)).when(SignJointly())
        case.when(AcknowledgeDeviation(key="bylaws-late", reason=TEXT)).happened("DeviationAcknowledged")
        case.when(AcknowledgeDeviation(key="bylaws-late", reason=TEXT)).refused("deviation_is_acknowledged")
        case.when(AcknowledgeDeviation(key="khong-co", reason=TEXT)).refused("no_such_deviation")
        assert next(d for d in deviations(case.state, case.rules) if d.key == "bylaws-late").acknowledged

    def test_a_correction_leaves_the_wrong_act_out(self) -> None:
        case = drafted().when(SignCovenant(unit=THIRD), by=THIRD).happened()
        version = len(case.history)
        case.when(CorrectAct(version=version, reason=TEXT), by=DEPUTY).refused("not_yours")
        case.when(CorrectAct(version=version, reason=TEXT), by=THIRD).happened("ActCorrected")
        assert THIRD not in case.state.signing.signatures
        assert case.state.corrections.corrected == {version: version + 1}
        case.when(CorrectAct(version=version, reason=TEXT), by=THIRD).refused("act_is_corrected")
        case.when(SignCovenant(unit=THIRD), by=THIRD).happened("CovenantSigned")

    def test_a_correction_can_say_what_was_right(self) -> None:
        case = drafted().when(SignCovenant(unit=THIRD), by=HEAD).happened()
        instead = {"act": "sign", "unit": DEPUTY, "number": 1}
        case.when(CorrectAct(version=len(case.history), reason=TEXT, instead=instead), by=HEAD)
        case.happened("ActCorrected", "CovenantSigned")
        assert set(case.state.signing.signatures) == {DEPUTY}

    def test_a_correction_takes_the_date_of_what_it_corrects(self) -> None:
        case = drafted().step(day(2, 1)).when(SignCovenant(unit=THIRD), by=THIRD).happened().step(day(6, 1))
        signed = next(t for t in case.history if t.event.NAME == "CovenantSigned")
        case.when(CorrectAct(version=signed.meta.version, reason=TEXT), by=THIRD).happened()
        assert case.history[-1].meta.happened == signed.meta.happened

    def test_a_unit_cannot_date_its_own_act_back_by_a_correction(self) -> None:
        case = drafted().step(day(7, 20)).when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD).happened()
        report = {"act": "report-midyear", "unit": THIRD, "report": {"title": "mới"}}
        wrong = CorrectAct(version=len(case.history), reason=TEXT, instead=report)
        case.when(wrong, by=THIRD, happened=When.on(date(2026, 7, 5))).refused("not_yours_to_date")
        signing = wrong.model_copy(update={"instead": {"act": "sign", "unit": THIRD}})
        case.when(signing, by=THIRD).refused("not_yours_to_date")
        case.when(wrong, by=THIRD).happened("ActCorrected", "MidyearReported")

    def test_the_organisers_acts_are_the_organisers_to_correct(self) -> None:
        case = drafted().when(ReportMidyear(unit=HEAD, report=PAPER), by=HEAD).when(AcceptReport(unit=HEAD)).happened()
        case.when(CorrectAct(version=len(case.history), reason=TEXT), by=HEAD).refused("not_yours")
        case.when(CorrectAct(version=len(case.history), reason=TEXT)).happened("ActCorrected")

    def test_a_correction_of_a_correction_is_no_act(self) -> None:
        case = drafted().when(SignCovenant(unit=THIRD), by=THIRD)
        inner = {"act": "correct", "version": 1, "reason": TEXT}
        case.when(CorrectAct(version=len(case.history), reason=TEXT, instead=inner), by=THIRD)
        case.refused("correction_stands_alone")

    def test_a_filed_cycle_is_corrected_with_what_was_right(self) -> None:
        case = drafted().when(SignCovenant(unit=THIRD), by=HEAD).happened()
        version = len(case.history)
        case.when(FileCycle()).happened()
        right = CorrectAct(version=version, reason=TEXT, instead={"act": "sign", "unit": DEPUTY})
        case.when(right).happened("ActCorrected", "CovenantSigned")

    def test_what_carries_the_register_is_not_corrected(self) -> None:
        case = drafted()
        case.when(CorrectAct(version=1, reason=TEXT)).refused("not_correctable")
        case.when(CorrectAct(version=99, reason=TEXT)).refused("no_such_act")

    def test_a_wrong_correction_changes_nothing(self) -> None:
        case = drafted().when(SignCovenant(unit=THIRD), by=HEAD).happened()
        wrong = CorrectAct(version=len(case.history), reason=TEXT, instead={"act": "sign", "unit": "quan-khac"})
        case.when(wrong, by=HEAD).refused("no_such_unit")
        case.when(wrong.model_copy(update={"instead": {"act": "nhay"}}), by=HEAD).refused("unknown_act")
        case.when(wrong.model_copy(update={"instead": {"act": "sign"}}), by=HEAD).refused("malformed_act")


def test_a_refusal_keeps_its_facts() -> None:
    refused = Refused("no_such_award", award="co", edition="test")
    assert (refused.code, refused.facts) == ("no_such_award", {"award": "co", "edition": "test"})


def test_commands_of_other_streams_are_refused() -> None:
    others = [command for command in Command.KNOWN.values() if command not in COMMANDS]
    assert {command.NAME for command in others} >= {"issue-year-plan", "order-opening"}
    for command in others:
        Case().when(command.model_construct()).refused("not_yours")
    case = Case().when(PresentDraft(kind="covenant", document=Document(title="G"))).happened("DraftPresented")
    instead = {"act": "order-opening", "clusters": ["cum-1"]}
    case.when(CorrectAct(version=case.history[-1].meta.version, reason=TEXT, instead=instead)).refused("not_yours")
