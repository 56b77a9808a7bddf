"""What real years bring: letters, targets, mergers, early ends, terms, two covenants, differing sources, many hands."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic_core import ValidationError
from speech import CITY, RULES, TEXT, UNITS, Case, day

from domain.cycle import CYCLE
from domain.deviations import Deviation, deviations
from domain.duties import Duty
from domain.obligations import extensible, obligations
from domain.records import Command
from domain.rules import Edition
from domain.steps.commenting import TakeStance
from domain.steps.conclusion import ChooseNext
from domain.steps.corrections import CorrectAct, NoteDisagreement, SourceStatement
from domain.steps.drafting import PresentDraft
from domain.steps.letters import AnswerLetter, RecordLetter, RecordSiteCheck
from domain.steps.lifecycle import FileCycle, ReceiveYearPlan
from domain.steps.meetings import Presenter, RecordMeeting
from domain.steps.membership import AdmitUnit, AssignRole, ReleaseUnit
from domain.steps.signatories import Signatories, Signatory
from domain.steps.signing import SignCovenant, SignJointly
from domain.steps.succession import CloseEarly, DissolveUnit, HandOver, MergeUnits, SplitUnit, TakeOver
from domain.steps.targets import (
    AcceptRegistration,
    Content,
    RegisterTargets,
    ReportResult,
    ReturnRegistration,
    StateContents,
    Target,
)
from domain.times import When
from domain.types import Document, Participant, Person
from domain.units import SampledPlace, Unit
from i18n.timeline import describe

HEAD, DEPUTY, THIRD = UNITS
PAPER = Document(number="12/QĐ")
ORGANISER = Participant(unit=CITY)
NEW = Unit(id="phuong-moi", name="Phường mới", kind="phuong")


def found(case: Case, code: str) -> list[Deviation]:
    return [d for d in deviations(case.state, case.rules) if d.code == code]


def rules(**changes: Any) -> Edition:
    return Edition.model_validate({**RULES.model_dump(mode="json"), **changes})


class TestLetters:
    def test_a_request_waits_for_its_answer(self) -> None:
        letter = RecordLetter(
            id="xin-hd", kind="guidance-request", sender=Participant(unit=HEAD), recipients=(ORGANISER,), document=PAPER
        )
        case = Case().when(letter, by=HEAD).happened("LetterRecorded").when(letter, by=HEAD).already()
        case.when(letter.model_copy(update={"document": Document(number="13/CV")}), by=HEAD).refused("id_is_taken")
        assert [d.facts["letter"] for d in found(case, "letter_unanswered")] == ["xin-hd"]
        case.when(AnswerLetter(letter="xin-hd", by=ORGANISER, document=PAPER)).happened("LetterAnswered")
        assert not found(case, "letter_unanswered"), "a register that cries about everything is read by nobody"

    def test_a_direction_to_several_is_followed_by_each(self) -> None:
        to = (Participant(unit=HEAD), Participant(unit=THIRD))
        direction = RecordLetter(id="cd", kind="direction", sender=ORGANISER, recipients=to, answer_by="10/01/2026")
        case = Case().when(direction).when(AnswerLetter(letter="cd", by=Participant(unit=DEPUTY)), by=DEPUTY)
        case.when(AnswerLetter(letter="cd", by=Participant(unit=HEAD)), by=HEAD).happened()
        assert found(case, "letter_unanswered")
        assert not found(case, "answered_late")
        case.when(AnswerLetter(letter="cd", by=Participant(unit=THIRD)), by=THIRD).happened()
        assert not found(case, "letter_unanswered")
        late = (
            Case().when(direction).step(day(2, 1)).when(AnswerLetter(letter="cd", by=Participant(unit=HEAD)), by=HEAD)
        )
        assert found(late.happened(), "answered_late")

    def test_a_direction_is_followed_step_by_step(self) -> None:
        case = Case().when(RecordLetter(id="chi-dao", kind="direction", sender=ORGANISER, text=TEXT))
        case.when(
            AnswerLetter(letter="chi-dao", by=Participant(unit=THIRD), text=TEXT, done=False), by=THIRD
        ).happened()
        assert found(case, "letter_unanswered")
        case.when(AnswerLetter(letter="chi-dao", by=Participant(unit=THIRD), text="b" * 64), by=THIRD).happened()
        assert not found(case, "letter_unanswered")

    def test_an_answer_may_come_before_its_letter_and_into_a_filed_year(self) -> None:
        case = Case().when(FileCycle()).when(AnswerLetter(letter="sau", by=ORGANISER, document=PAPER)).happened()
        assert [d.facts["letter"] for d in found(case, "answer_without_letter")] == ["sau"]
        case.when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD).refused("cycle_is_filed")

    def test_a_letter_comes_from_its_sender(self) -> None:
        Case().when(RecordLetter(id="rong", kind="guidance-request", sender=ORGANISER)).happened()
        foreign = RecordLetter(id="cv", kind="other-letter", sender=Participant(unit=HEAD), document=PAPER)
        Case().when(foreign, by=THIRD).refused("not_yours")

    def test_a_check_on_the_spot_samples_places(self) -> None:
        check = RecordSiteCheck(id="kt-1", unit=THIRD, places=(SampledPlace(name="Tổ dân phố 5"),), findings=TEXT)
        case = Case().when(check).happened("SiteChecked").when(check).already()
        assert case.state.letters.checks["kt-1"].event.places[0].name == "Tổ dân phố 5"
        case.when(check.model_copy(update={"findings": None})).refused("id_is_taken")


class TestTargets:
    REGISTERED = RegisterTargets(
        unit=THIRD, titles=("Cờ thi đua",), targets=(Target(id="nha", title="Nhà", amount="10"),)
    )

    def test_a_registration_goes_back_and_is_accepted(self) -> None:
        case = Case()
        case.when(self.REGISTERED, by=THIRD).happened("TargetsRegistered").when(self.REGISTERED, by=THIRD).already()
        case.when(ReturnRegistration(unit=THIRD, reason=TEXT)).happened().when(
            ReturnRegistration(unit=THIRD, reason=TEXT)
        ).already()
        case.when(self.REGISTERED, by=THIRD).happened().when(AcceptRegistration(unit=THIRD)).happened()
        case.when(AcceptRegistration(unit=THIRD)).already()
        assert case.state.targets.registration_status(THIRD) == "accepted"
        Case().when(RegisterTargets(unit=THIRD), by=THIRD).refused("nothing_registered")

    def test_contents_are_countable_without_their_text(self) -> None:
        told = StateContents(stated=9, indicators=47, contents=tuple(Content(title=f"Nội dung {n}") for n in range(7)))
        case = Case().when(told).happened("ContentsStated")
        assert found(case, "contents_differ")[0].facts == {"draft": "covenant", "seen": 7, "stated": 9}
        assert found(Case().when(StateContents(stated=9, listed=7)), "contents_differ"), "counted, not typed in"
        assert not found(Case().when(StateContents(stated=9)), "contents_differ"), "no list, nothing to compare"

    def test_a_result_says_how_exact_it_is_and_up_to_when(self) -> None:
        result = ReportResult(title="Nhà Đại đoàn kết", amount="120", measure="nhà", exactness="more-than")
        case = Case().step(day(11, 1)).when(result).happened("ResultReported")
        assert case.state.targets.results[0].event.unit is None, "of the whole cluster"
        late = result.model_copy(update={"cut_off": date(2026, 12, 31)})
        case.when(late).refused("cut_off_to_come")
        case.when(late.model_copy(update={"exactness": "estimated", "unit": THIRD}), by=THIRD).happened()

    def test_the_paper_may_come_after_its_acceptance(self) -> None:
        case = Case(clock="backfill").when(AcceptRegistration(unit=THIRD), happened=When.on(date(2026, 5, 2)))
        assert found(case.happened(), "accepted_unregistered")
        case.when(self.REGISTERED, happened=When.on(date(2026, 4, 20))).happened()
        assert not found(case, "accepted_unregistered")
        assert case.state.targets.registration_status(THIRD) == "accepted"
        case.when(self.REGISTERED.model_copy(update={"titles": ("Bằng khen",)}), happened=When.on(date(2026, 6, 1)))
        assert case.happened().state.targets.registration_status(THIRD) == "registered", (
            "a later one waits for its own answer"
        )


class TestSuccession:
    def test_units_merge_and_the_new_one_is_bound(self) -> None:
        case = Case(rules=rules(inherits=["signature", "role", "registration"]))
        case.when(PresentDraft(kind="covenant", document=PAPER)).when(SignJointly())
        case.when(AssignRole(role="head", holder=HEAD, manner="elected"))
        case.when(TestTargets.REGISTERED, by=THIRD).step(day(7, 1))
        case.when(MergeUnits(units=(HEAD, THIRD), into=NEW, basis=PAPER)).happened("UnitsSucceeded")
        assert case.state.membership.members() == (DEPUTY, NEW.id)
        assert case.state.membership.kinds[NEW.id] == "phuong"
        assert case.state.membership.holder("head") == NEW.id
        signature = case.state.signing.signatures[NEW.id]
        assert (signature.sureness, signature.inferred_from) == ("rehearsed", len(case.history))
        assert case.state.targets.registrations[NEW.id].event.titles == ("Cờ thi đua",)
        assert {o.bearer for o in obligations(case.state, case.rules) if o.duty == Duty.SELF_SCORE} == {DEPUTY, NEW.id}
        case.when(SignCovenant(unit=HEAD), by=CITY).already()

    def test_nothing_is_inherited_where_no_rule_says_so(self) -> None:
        case = Case().when(PresentDraft(kind="covenant", document=PAPER)).when(SignJointly())
        case.when(AssignRole(role="head", holder=HEAD, manner="elected")).when(TestTargets.REGISTERED, by=THIRD)
        case.happened().step(day(7, 1))
        case.when(MergeUnits(units=(HEAD, THIRD), into=NEW)).happened()
        assert NEW.id not in case.state.signing.signatures
        assert NEW.id not in case.state.targets.registrations
        assert case.state.membership.holder("head") == HEAD, "a role ends by an act, not by itself"

    def test_one_may_take_in_the_other(self) -> None:
        case = (
            Case()
            .step(day(7, 1))
            .when(MergeUnits(units=(HEAD, THIRD), into=Unit(id=HEAD, name="Đống Đa mới")))
            .happened()
        )
        assert case.state.membership.members() == (HEAD, DEPUTY)
        assert case.state.membership.names[HEAD] == "Đống Đa mới"

    def test_a_unit_splits_or_is_dissolved(self) -> None:
        case = Case().step(day(7, 1)).when(SplitUnit(unit=THIRD, into=(NEW, Unit(id="khac", name="Khác")))).happened()
        assert case.state.membership.members() == (HEAD, DEPUTY, NEW.id, "khac")
        case.when(SplitUnit(unit=THIRD, into=(NEW, Unit(id="khac", name="Khác")))).refused("not_a_member")
        case.when(DissolveUnit(unit="khac", outside=("phường ngoài cụm",))).happened()
        assert case.state.membership.members() == (HEAD, DEPUTY, NEW.id)
        case.when(MergeUnits(units=(HEAD, HEAD), into=NEW)).refused("named_twice")

    def test_it_holds_from_the_day_it_takes_effect(self) -> None:
        case = Case(clock="backfill").when(
            MergeUnits(units=(HEAD, THIRD), into=NEW), happened=When.on(date(2026, 6, 16)), effective=date(2026, 7, 1)
        )
        stays = case.happened().state.membership.stays
        assert stays[NEW.id][0].since == stays[HEAD][0].until == day(7, 1, 0)
        june = When.on(date(2026, 6, 20))
        case.when(PresentDraft(kind="covenant", document=PAPER), happened=june)
        case.when(SignCovenant(unit=HEAD), happened=june).happened()
        case.when(SignCovenant(unit=NEW.id), happened=june).refused("not_a_member")

    def test_a_cluster_ends_early_and_another_goes_on(self) -> None:
        case = (
            Case()
            .step(day(3, 1))
            .when(CloseEarly(reason=TEXT, handed_to=(f"{CITY}/2026/cum-moi",)))
            .happened("ClosedEarly")
        )
        assert {o.duty for o in obligations(case.state, case.rules) if o.done is None} == {Duty.FILING}
        case.when(CloseEarly(reason=TEXT)).refused("closed_already").when(FileCycle()).happened()
        other = Case().when(TakeOver(predecessors=(f"{CITY}/2026/cum-1",))).happened("TakenOver")
        other.when(TakeOver(predecessors=(f"{CITY}/2026/cum-1",))).refused("taken_over_already")
        assert other.state.lifecycle.predecessors == (f"{CITY}/2026/cum-1",)

    def test_who_did_not_sign_does_not_sign_by_taking_in_one_who_did(self) -> None:
        case = Case(rules=rules(inherits=["signature"])).when(PresentDraft(kind="covenant", document=PAPER))
        case.when(SignCovenant(unit=THIRD), by=THIRD).happened().step(day(7, 1))
        case.when(MergeUnits(units=(HEAD, THIRD), into=Unit(id=HEAD, name="Đống Đa"))).happened()
        assert HEAD not in case.state.signing.signatures
        case.when(SplitUnit(unit=THIRD, into=(NEW, Unit(id=THIRD, name=THIRD)))).refused("not_a_member")

    def test_a_unit_that_splits_and_goes_on_hands_its_signature_on(self) -> None:
        case = Case(rules=rules(inherits=["signature"])).when(PresentDraft(kind="covenant", document=PAPER))
        case.when(SignCovenant(unit=THIRD), by=THIRD).happened().step(day(7, 1))
        case.when(SplitUnit(unit=THIRD, into=(NEW, Unit(id=THIRD, name=THIRD)))).happened()
        assert case.state.signing.signatures[NEW.id].sureness == "rehearsed"
        assert THIRD in case.state.membership.members()

    def test_who_stood_in_for_a_time_hands_nothing_on(self) -> None:
        case = Case(clock="backfill", rules=rules(inherits=["role"]))
        january, march = When.on(date(2026, 1, 5)), When.on(date(2026, 3, 1))
        case.when(AssignRole(role="head", holder=HEAD, manner="elected"), happened=january)
        stand_in = AssignRole(role="head", holder=THIRD, manner="assigned", until="2026-03-31", stands_in_for=HEAD)
        case.when(stand_in, happened=march).happened()
        case.when(MergeUnits(units=(HEAD, DEPUTY), into=NEW), happened=When.on(date(2026, 7, 1))).happened()
        holds = case.state.membership.holder
        assert [holds("head", day(m, 15)) for m in (2, 3, 5, 8)] == [HEAD, THIRD, HEAD, NEW.id]
        assert {o.bearer for o in extensible(case.state, case.rules) if o.duty == Duty.FINAL_MEETING} == {NEW.id}

    def test_until_it_takes_effect_the_old_units_are_the_members(self) -> None:
        case = Case(clock="backfill").when(
            PresentDraft(kind="covenant", document=PAPER), happened=When.on(date(2026, 6, 1))
        )
        told = {"happened": When.on(date(2026, 6, 20)), "effective": date(2026, 7, 1)}
        case.when(MergeUnits(units=(HEAD, THIRD), into=NEW), **told).happened()
        case.when(AssignRole(role="head", holder=NEW.id, manner="elected"), **told).happened("RoleAssigned")
        case.when(SignJointly(), happened=When.on(date(2026, 6, 30))).happened()
        assert set(case.state.signing.signatures) == {HEAD, DEPUTY, THIRD}

    def test_every_part_of_a_history_can_be_folded(self) -> None:
        case = Case(rules=rules(inherits=["signature", "role", "registration"]))
        case.when(PresentDraft(kind="covenant", document=PAPER)).when(SignJointly()).happened()
        case.when(AssignRole(role="head", holder=HEAD, manner="elected")).when(
            TestTargets.REGISTERED, by=THIRD
        ).happened()
        case.step(day(7, 1)).when(MergeUnits(units=(HEAD, THIRD), into=NEW)).happened()
        case.when(ReturnRegistration(unit=NEW.id, reason=TEXT)).happened()
        for leave_out in range(len(case.history)):
            CYCLE.fold(told for n, told in enumerate(case.history) if n != leave_out)


class TestTerms:
    def test_a_stand_in_holds_the_role_for_a_time(self) -> None:
        case = Case(clock="backfill")
        january = When.on(date(2026, 1, 5))
        case.when(AssignRole(role="head", holder=HEAD, manner="elected"), happened=january)
        stand_in = AssignRole(role="head", holder=THIRD, manner="assigned", until="2026-05-31", stands_in_for=HEAD)
        case.when(stand_in, happened=When.on(date(2026, 4, 1)), effective=date(2026, 4, 10)).happened()
        holds = case.state.membership.holder
        assert [holds("head", day(m, d)) for m, d in ((2, 1), (4, 5), (4, 20), (6, 2))] == [HEAD, HEAD, THIRD, HEAD]
        case.when(stand_in.model_copy(update={"holder": DEPUTY, "until": date(2026, 1, 1)}), happened=january).refused(
            "term_ends_before"
        )

    def test_a_head_may_speak_in_their_term_only(self) -> None:
        case = Case()
        case.when(AssignRole(role="head", holder=HEAD, manner="elected", until="2026-02-28")).step(day(2, 20))
        case.when(RecordMeeting(id="a", kind="other"), by=HEAD).happened().step(day(3, 2))
        case.when(RecordMeeting(id="b", kind="other"), by=HEAD).refused("not_yours")

    def test_a_deputy_without_a_head(self) -> None:
        case = Case().when(AssignRole(role="deputy", holder=THIRD, manner="elected")).happened()
        assert (case.state.membership.holder("head"), case.state.membership.holder("deputy")) == ("unknown", THIRD)


class TestTwoCovenants:
    def test_a_year_and_a_term_are_signed_together(self) -> None:
        case = Case().when(PresentDraft(kind="covenant", document=PAPER))
        case.when(PresentDraft(kind="term-covenant", document=Document(title="Giao ước nhiệm kỳ"), term="2017-2022"))
        case.when(SignJointly()).happened().when(SignJointly(covenant="term-covenant")).happened()
        assert set(case.state.signing.signatures) == set(case.state.term_signing.signatures) == set(UNITS)
        assert case.state.drafts["term-covenant"][0].term == "2017-2022"
        case.when(SignCovenant(unit=THIRD, covenant="term-covenant"), by=THIRD).already()

    def test_one_does_not_stand_for_the_other(self) -> None:
        case = Case().when(PresentDraft(kind="covenant", document=PAPER)).when(SignCovenant(unit=THIRD), by=THIRD)
        assert not case.state.term_signing.signatures
        case.when(SignCovenant(unit=THIRD, covenant="term-covenant"), by=THIRD).refused("nothing_presented")


class TestHands:
    HANDS = Signatories(
        prepared=(Participant(person=Person(office="chuyên viên")),),
        signed=(Signatory(person=Person(office="Phó Chủ tịch"), capacity="TM."),),
        on_behalf_of=Participant(unit=HEAD),
    )

    def test_they_stand_beside_the_act_and_go_with_it(self) -> None:
        case = (
            Case()
            .when(ReceiveYearPlan(year_plan=PAPER), signatories=self.HANDS)
            .happened("YearPlanReceived", "HandsNamed")
        )
        assert case.state.signatories[2].signed[0].capacity == "TM"
        case.when(CorrectAct(version=2, reason=TEXT)).happened("ActCorrected")
        assert not case.state.signatories

    def test_they_are_no_way_around_what_carries_the_register(self) -> None:
        case = Case().when(FileCycle(), signatories=self.HANDS).happened("CycleFiled", "HandsNamed")
        for version in (2, 3):
            case.when(CorrectAct(version=version, reason=TEXT)).refused("not_correctable")
        assert case.state.lifecycle.filed is not None

    def test_a_unit_may_name_hands_when_it_corrects_itself(self) -> None:
        case = Case().when(RegisterTargets(unit=THIRD, titles=("Cờ",)), by=THIRD)
        instead = {"act": "register-targets", "unit": THIRD, "titles": ["Bằng khen"]}
        case.when(CorrectAct(version=2, reason=TEXT, instead=instead), by=THIRD, signatories=self.HANDS)
        case.happened("ActCorrected", "TargetsRegistered", "HandsNamed")
        case.when(CorrectAct(version=4, reason=TEXT), by=THIRD, signatories=self.HANDS).happened(
            "ActCorrected", "HandsNamed"
        )

    def test_nobody_is_no_hand(self) -> None:
        with pytest.raises(ValidationError):
            Signatories()


def test_a_meeting_as_it_was() -> None:
    told = RecordMeeting(
        id="tk",
        kind="final",
        attendance=45,
        postponed_from="12/12/2026",
        chairs=(ORGANISER,),
        opened_by=ORGANISER,
        concluded_by=Participant(group="Thường trực"),
        presenters=(Presenter(by=Participant(unit=HEAD), paper="Báo cáo"),),
        guests=(Participant(group="Lãnh đạo phường"),),
        unclear=(Participant(group="đồng chí A"),),
    )
    held = Case().when(told).happened("MeetingHeld").state.meetings["tk"].event
    assert held.postponed_from == When.on(date(2026, 12, 12))
    assert type(held).model_validate_json(held.model_dump_json()) == held, "stored and read again"


def test_sources_that_differ_are_both_kept() -> None:
    told = NoteDisagreement(
        about="số chỉ tiêu", told=(SourceStatement(source="a", says="15"), SourceStatement(source="b", says="16"))
    )
    case = Case().when(told).happened("DisagreementNoted").when(told).refused("disagreement_is_noted")
    (one,) = found(case, "sources_disagree")
    assert (one.article, one.facts["told"]) == (None, "a: 15; b: 16")


def test_every_body_has_a_number_series_of_its_own() -> None:
    def paper(title: str, issuer: str | None = "Cụm thi đua") -> Document:
        return Document(number="01/KH-CTĐ", title=title, issuer=issuer)

    case = Case().when(PresentDraft(kind="plan", document=paper("Kế hoạch")))
    case.when(PresentDraft(kind="bylaws", document=paper("Quy chế", "Ủy ban MTTQ tỉnh")))
    case.when(PresentDraft(kind="criteria", document=paper("Tiêu chí", None))).happened()
    case.when(PresentDraft(kind="term-covenant", document=paper("Giao ước nhiệm kỳ", None))).happened()
    assert not found(case, "number_used_twice")
    case.when(PresentDraft(kind="covenant", document=paper("Giao ước"))).happened()
    assert [d.facts["about"] for d in found(case, "number_used_twice")] == ["Kế hoạch; Giao ước"]


def test_a_year_plan_may_come_after_the_opening() -> None:
    case = Case().when(ReceiveYearPlan(year_plan=PAPER)).happened("YearPlanReceived")
    assert case.state.lifecycle.year_plan == PAPER
    case.when(ReceiveYearPlan(year_plan=PAPER)).refused("year_plan_known")


def test_a_cluster_that_does_not_go_on_names_who_does() -> None:
    case = Case().when(HandOver(handed_to=(f"{CITY}/2027/cum-3", f"{CITY}/2027/cum-5"))).happened("HandedOver")
    assert case.state.lifecycle.handed_to == (f"{CITY}/2027/cum-3", f"{CITY}/2027/cum-5")
    case.when(HandOver(handed_to=(f"{CITY}/2027/cum-3",))).refused("taken_over_already")
    assert {o.duty for o in obligations(case.state, case.rules) if o.done is None} > {Duty.FILING}, "its year goes on"


def test_a_unit_may_leave_and_come_back() -> None:
    case = Case(clock="backfill").when(
        PresentDraft(kind="covenant", document=PAPER), happened=When.on(date(2026, 1, 5))
    )
    case.when(ReleaseUnit(unit=THIRD), happened=When.on(date(2026, 3, 1))).happened()
    case.when(AdmitUnit(unit=THIRD, name=THIRD), happened=When.on(date(2026, 6, 1))).happened()
    membership = case.state.membership
    told = [When.on(date(2026, month, 15)) for month in (2, 4, 7)]
    assert [THIRD in membership.members_on(when) for when in told] == [True, False, True]
    case.when(SignCovenant(unit=THIRD), happened=told[1]).refused("not_a_member")
    case.when(SignCovenant(unit=THIRD), happened=told[0]).happened("CovenantSigned")


def test_a_unit_that_joins_may_be_of_a_kind() -> None:
    case = Case().when(AdmitUnit(unit="xa", name="Xã", kind="xa")).happened()
    assert case.state.membership.kinds == {"xa": "xa"}


@pytest.mark.parametrize(
    "act", [RecordLetter(id="a", kind="report", sender=Participant(unit="noi-khac"), document=PAPER)]
)
def test_letters_come_from_bodies_elsewhere(act: Command) -> None:
    Case().when(act).happened("LetterRecorded")


def test_a_signing_without_a_paper_is_recorded_and_seen() -> None:
    case = Case().when(SignJointly()).happened("CovenantSignedJointly")
    assert set(case.state.signing.signatures) == set(UNITS)
    assert [d.settled for d in found(case, "signed_unpresented")] == [False]
    case.when(PresentDraft(kind="covenant", document=PAPER)).happened()
    assert [d.settled for d in found(case, "signed_unpresented")] == [True], "the paper came later"
    Case().when(SignJointly(number=1)).refused("nothing_presented")
    Case().when(SignCovenant(unit=THIRD), by=THIRD).refused("nothing_presented")


def test_nobody_may_be_chosen() -> None:
    case = Case().when(ChooseNext(role="deputy", unit="vacant", manner="unknown")).happened("NextChosen")
    assert case.state.conclusion.next["deputy"] == "vacant"


@pytest.mark.parametrize(
    "known", [{"title": "Quy chế"}, {"number": "5/QĐ"}, {"issued": "05/03/2026"}, {"issuer": "Sở Nội vụ"}]
)
def test_a_document_may_be_known_by_as_little_as_its_date(known: dict[str, Any]) -> None:
    document = Document.model_validate(known)
    case = Case().when(PresentDraft(kind="covenant", document=document)).when(SignJointly()).happened()
    sentence = describe(case.history[1], {}, {})
    assert not sentence.endswith(": -."), sentence
    with pytest.raises(ValidationError):
        Document()
