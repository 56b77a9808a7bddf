"""What units do together, named or only counted: sentences, steps, the state in words, and a name that comes later."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from speech import CITY, RULES, TEXT, UNITS, Case, day, opening

from domain.deviations import deviations
from domain.duties import Duty
from domain.obligations import StepProgress, obligations, steps, tasks
from domain.records import Command
from domain.scoring.scores import ScoreSelf, ScoreSelfTogether, SheetItem
from domain.steps.commenting import TakeStanceTogether
from domain.steps.corrections import CorrectAct
from domain.steps.drafting import PresentDraft
from domain.steps.letters import RecordSiteCheck
from domain.steps.lifecycle import OpenCycle
from domain.steps.membership import AdmitUnit
from domain.steps.midyear import AcceptReport, ReportMidyear, ReportMidyearTogether
from domain.steps.naming import NameUnit
from domain.steps.signing import SignCovenant, SignJointly
from domain.steps.targets import AcceptRegistration, RegisterTargets, RegisterTogether
from domain.times import When
from domain.types import Document
from domain.units import Unit
from i18n import in_language
from i18n.state_text import deviation_text, state_lines
from i18n.timeline import describe

HEAD, DEPUTY, THIRD = UNITS
LATER = NameUnit(unit="tay-ho", name="Tây Hồ")
TOGETHER: list[Command] = [
    SignJointly(),
    RegisterTogether(titles=("Cờ thi đua",)),
    ReportMidyearTogether(),
    ScoreSelfTogether(),
]


def cluster(unnamed: int | str | None, units: tuple[str, ...] = (HEAD,), *, drafts: bool = True) -> Case:
    named = tuple(Unit(id=unit, name=unit) for unit in units)
    act = OpenCycle.model_validate({**dict(opening()), "units": named, "unnamed": unnamed})
    case = Case(opened=False).when(act, by=CITY).happened()
    for kind in ("plan", "bylaws", "covenant") if drafts else ():
        case.when(PresentDraft(kind=kind, document=Document(title="Bản"))).happened()
    return case


def sentence(case: Case, language: str = "en", names: dict[str, str] | None = None) -> str:
    with in_language(language):
        return describe(case.history[-1], names or {HEAD: "Đống Đa", "tay-ho": "Tây Hồ"}, {})


def lines(case: Case, language: str = "en") -> list[str]:
    with in_language(language):
        return [line.strip() for line in state_lines(case.state, {})]


def step(case: Case, name: str) -> StepProgress:
    return next(one for one in steps(case.state, case.rules) if one.name == name)


class TestSentences:
    @pytest.mark.parametrize(
        ("unnamed", "units", "who"),
        [
            (3, (HEAD,), "Đống Đa and 3 units not named"),
            (1, (HEAD,), "Đống Đa and 1 unit not named"),
            ("unknown", (HEAD,), "Đống Đa and units that are not named"),
            (8, (), "8 units not named"),
            (None, (HEAD,), "Đống Đa"),
        ],
    )
    def test_who_acts_is_always_named_or_counted(
        self, unnamed: int | str | None, units: tuple[str, ...], who: str
    ) -> None:
        case = cluster(unnamed, units)
        ends = [
            " sign version 1 of the covenant together.",
            " register together: Cờ thi đua.",
            " hand in their mid-year reports.",
            " score themselves.",
        ]
        for act, end in zip(TOGETHER, ends, strict=True):
            assert sentence(case.when(act).happened()) == who + end

    def test_a_text_that_was_not_presented_has_no_number(self) -> None:
        case = cluster(2, drafts=False).when(SignJointly()).happened()
        assert sentence(case) == "Đống Đa and 2 units not named sign the covenant together."
        assert sentence(case, "vi") == "Đống Đa và 2 đơn vị chưa nêu tên cùng ký giao ước."
        case.when(SignJointly(covenant="term-covenant")).happened()
        assert sentence(case, "vi") == "Đống Đa và 2 đơn vị chưa nêu tên cùng ký giao ước theo giai đoạn."

    def test_without_titles_a_registration_names_none(self) -> None:
        assert sentence(cluster(2).when(RegisterTogether()).happened(), "vi").endswith("cùng đăng ký thi đua.")

    def test_the_state_in_words(self) -> None:
        case = cluster(3)
        for act in TOGETHER:
            case.when(act).happened()
        found = lines(case)
        assert "and 3 units not named" in found, "the members"
        assert "3 units not named: registered" in found
        assert "3 units not named: hand in the mid-year report, handed in" in found
        assert "3 units not named: self-score" in found


class TestSteps:
    def test_a_step_is_done_when_the_unnamed_units_did_it(self) -> None:
        case = cluster(4, ()).when(SignJointly()).happened()
        assert step(case, "signing").done is not None
        assert (step(case, "comments").done, step(case, "comments").unnamed) == (None, 4)
        case.when(TakeStanceTogether(stance="agreed", group="các đại biểu")).happened()
        assert step(case, "comments").done is not None

    def test_it_waits_for_those_who_did_not(self) -> None:
        case = cluster(3).when(SignCovenant(unit=HEAD), by=HEAD).happened()
        assert (step(case, "signing").done, step(case, "signing").waiting_for) == (None, ())
        assert step(case, "signing").unnamed == 3
        case.when(SignJointly(units=(), unnamed=2)).happened()
        assert (step(case, "signing").done, step(case, "signing").unnamed) == (None, 1)
        case.when(SignJointly(units=(), unnamed=1)).happened()
        assert step(case, "signing").done is not None

    @pytest.mark.parametrize(
        ("told", "open_"),
        [
            ([SignJointly()], 0),
            ([SignJointly(units=(HEAD,), unnamed=2)], 0),
            ([SignJointly(units=(HEAD,))], "unknown"),
        ],
    )
    def test_where_nobody_counts_them(self, told: list[Command], open_: int | str) -> None:
        case = cluster("unknown")
        for act in told:
            case.when(act).happened()
        assert step(case, "signing").unnamed == open_

    def test_reports_and_scores(self) -> None:
        case = cluster(3).when(ReportMidyearTogether()).happened().when(ScoreSelfTogether()).happened()
        case.when(AcceptReport(unit=HEAD)).happened("ReportAccepted")
        assert step(case, "midyear-check").done is not None
        done = {one.duty for one in obligations(case.state, case.rules) if one.done is not None}
        assert {Duty.MIDYEAR_REPORT, Duty.MIDYEAR_ACCEPTANCE, Duty.SELF_SCORE} <= done
        assert not {one.duty for one in tasks(case.state, case.rules, HEAD)} & {Duty.MIDYEAR_REPORT, Duty.SELF_SCORE}

    def test_what_they_did_late_is_listed(self) -> None:
        case = cluster(3, ()).step(day(8, 1))
        case.when(ReportMidyearTogether()).happened()
        found = [one for one in deviations(case.state, case.rules) if one.code == "late_act"]
        assert [(one.facts["duty"], one.facts["unnamed"], one.article) for one in found] == [
            (Duty.MIDYEAR_REPORT, 3, "Điều 4")
        ]
        with in_language("en"):
            assert "3 units not named" in deviation_text(found[0], {})
        early = cluster(3, ()).step(day(7, 1)).when(ReportMidyearTogether()).happened()
        assert not [one for one in deviations(early.state, early.rules) if one.code == "late_act"]


class TestEachAndAll:
    def test_a_unit_that_did_it_by_itself_is_not_in_the_way(self) -> None:
        case = cluster(2, UNITS).when(SignCovenant(unit=HEAD), by=HEAD).happened()
        case.when(SignJointly()).happened("CovenantSignedJointly")
        assert case.state.signing.signatures[HEAD].sureness == "rehearsed"
        assert case.state.signing.signatures[HEAD].version < case.history[-1].meta.version
        assert set(case.state.signing.signatures) == set(UNITS)
        case.when(SignJointly(units=(HEAD,))).refused("signed_already")

    def test_its_own_paper_comes_later_and_counts(self) -> None:
        case = cluster(2).when(ReportMidyearTogether()).happened().when(ScoreSelfTogether()).happened()
        case.when(RegisterTogether(titles=("Cờ",))).happened()
        first = case.state.midyear[HEAD].when
        case.when(ReportMidyear(unit=HEAD, report=Document(title="Báo cáo")), by=HEAD).happened("MidyearReported")
        assert (case.state.midyear[HEAD].document, case.state.midyear[HEAD].first) == (Document(title="Báo cáo"), first)
        sheet = tuple(SheetItem(criterion=name, points="1") for name in ("a1", "a2", "b"))
        case.when(ScoreSelf(unit=HEAD, sheet=sheet), by=HEAD).happened("SelfScored")
        case.when(RegisterTargets(unit=HEAD, titles=("Bằng khen",)), by=HEAD).happened("TargetsRegistered")
        case.when(ReportMidyearTogether()).happened()
        assert case.state.midyear[HEAD].document == Document(title="Báo cáo"), "a joint act replaces no own paper"
        assert case.state.scores[HEAD, "self"].sheet == sheet
        assert case.state.targets.registrations[HEAD].event.titles == ("Bằng khen",)

    def test_a_joint_registration_can_be_accepted(self) -> None:
        case = cluster(None, UNITS).when(RegisterTogether(units=(HEAD,))).happened()
        case.when(AcceptRegistration(unit=HEAD)).happened().when(AcceptRegistration(unit=DEPUTY)).happened()
        found = deviations(case.state, case.rules)
        assert [one.facts["unit"] for one in found if one.code == "accepted_unregistered"] == [DEPUTY]

    @pytest.mark.parametrize("act", [RegisterTogether(), ReportMidyearTogether(), ScoreSelfTogether()])
    def test_nobody_is_counted_twice(self, act: Command) -> None:
        some = act.model_copy(update={"units": (), "unnamed": 2})
        case = cluster(3).when(some).happened().when(act).happened()
        assert [one.event.unnamed for one in case.history[-2:]] == [2, 1], "the units: those who are left"
        case.when(act).happened()
        assert case.history[-1].event.unnamed is None
        case.when(some).refused("more_than_unnamed")

    @pytest.mark.parametrize("act", [RegisterTogether, ReportMidyearTogether, ScoreSelfTogether])
    def test_who_cannot_have_taken_part(self, act: type[Command]) -> None:
        def of(**fields: Any) -> Command:
            return act.model_validate(fields)

        cluster(2).when(of(units=("quan-khac",))).refused("not_a_member")
        cluster(2).when(of(units=(HEAD, HEAD))).refused("named_twice")
        cluster(2).when(of(units=(), unnamed=3)).refused("more_than_unnamed")
        cluster(None).when(of(units=(), unnamed=1)).refused("more_than_unnamed")
        cluster(2).when(of(units=())).refused("nobody_acts")
        cluster(2).when(of(), by=HEAD).refused("not_yours")


class TestNaming:
    def test_what_was_done_by_all_stays_done(self) -> None:
        case = cluster(2)
        for act in TOGETHER:
            case.when(act).happened()
        signed = case.state.signing.signatures[HEAD].when
        before = {one.name: one.done for one in steps(case.state, case.rules)}
        case.step(day(12, 1)).when(LATER).happened("UnitNamed")
        assert sentence(case) == "A unit that was not named so far is Tây Hồ."
        assert (case.state.lifecycle.unnamed, case.state.signing.unnamed) == (1, 1)
        assert case.state.signing.signatures["tay-ho"].when == signed
        assert case.state.targets.registrations["tay-ho"].event.titles == ("Cờ thi đua",)
        assert {"tay-ho"} <= set(case.state.midyear) & {unit for unit, _round in case.state.scores}
        assert step(case, "signing").done == before["signing"]
        assert not [one for one in deviations(case.state, case.rules) if one.facts.get("unit") == "tay-ho"]
        assert case.state.membership.could_be_member("tay-ho", When.on(date(2026, 1, 1))), "a member all along"
        case.when(NameUnit(unit="ha-dong", name="Hà Đông")).happened()
        assert (case.state.lifecycle.unnamed, case.state.signing.unnamed) == (None, 0)
        assert step(case, "signing").done == before["signing"]
        case.when(NameUnit(unit="thua", name="Thừa")).refused("nobody_is_unnamed")

    def test_who_of_some_did_it_is_not_guessed(self) -> None:
        case = cluster(3).when(SignJointly(units=(HEAD,), unnamed=2)).happened()
        case.when(LATER).happened()
        assert "tay-ho" not in case.state.signing.signatures
        assert (case.state.lifecycle.unnamed, case.state.signing.unnamed) == (2, 2)
        case.when(SignCovenant(unit="tay-ho")).happened("CovenantSigned")

    def test_of_an_unknown_number_there_are_always_more(self) -> None:
        case = cluster("unknown").when(SignJointly()).happened().when(LATER).happened()
        assert "tay-ho" in case.state.signing.signatures
        assert (case.state.lifecycle.unnamed, case.state.signing.unnamed) == ("unknown", "unknown")
        some = cluster("unknown").when(SignJointly(units=(HEAD,), unnamed="unknown")).happened().when(LATER).happened()
        assert "tay-ho" not in some.state.signing.signatures

    def test_what_comes_after_the_name_includes_it(self) -> None:
        case = cluster(2).when(LATER).happened().when(SignJointly()).happened()
        assert set(case.state.signing.signatures) == {HEAD, "tay-ho"}
        assert case.state.signing.unnamed == 1

    def test_what_is_taken_back_is_not_shared(self) -> None:
        case = cluster(2).when(ReportMidyearTogether()).happened()
        version = case.history[-1].meta.version
        case.when(LATER).happened().when(CorrectAct(version=version, reason=TEXT)).happened("ActCorrected")
        assert not case.state.midyear
        assert "tay-ho" in case.state.membership.members()

    def test_who_is_known_is_not_named_again(self) -> None:
        case = cluster(2).when(LATER).happened()
        case.when(LATER).refused("is_a_member")
        case.when(NameUnit(unit=CITY, name="Thành phố")).refused("is_a_member")
        case.when(AdmitUnit(unit="tay-ho", name="Tây Hồ")).refused("is_a_member")
        case.when(NameUnit(unit="x", name="X"), by=HEAD).refused("not_yours")


class TestSiteChecks:
    def test_units_that_the_source_does_not_name(self) -> None:
        check = RecordSiteCheck(id="kt", unit="unknown", unnamed=8, places_per_unit=2)
        case = cluster(8).when(check).happened("SiteChecked")
        assert sentence(case) == "Checked on the spot: 8 units not named, 2 places of each."
        assert sentence(case, "vi") == "Kiểm tra thực tế: 8 đơn vị chưa nêu tên, mỗi đơn vị 2 nơi."
        case.when(check).already()
        case.when(RecordSiteCheck(id="k2", unit="unknown")).happened()
        assert sentence(case) == "Checked on the spot: units that are not named."
        case.when(RecordSiteCheck(id="k3", unit=HEAD, unnamed=2)).refused("named_and_unnamed")
        case.when(RecordSiteCheck(id="k3", unit="quan-khac")).refused("no_such_unit")
        case.when(RecordSiteCheck(id="k3", unit=HEAD, places_per_unit=1)).happened()
        assert sentence(case) == "Checked on the spot: Đống Đa, 1 place of each."


def test_a_cluster_that_is_named_waits_for_nobody_else() -> None:
    case = Case()
    assert {one.unnamed for one in steps(case.state, RULES)} == {0}
