"""Units that join, take over or come late: what they owe, and what the clock says of a time before it could know."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import CITY, DIGEST, NOW, RULES, TEXT, UNITS, Case, day, opening

from domain.codec import plain, state_digest
from domain.deviations import deviations
from domain.duties import Duty
from domain.obligations import current_step, obligations, steps, tasks
from domain.records import Command
from domain.rules import NO_RULES, Edition
from domain.steps.commenting import TakeStance, TakeStanceTogether, WithdrawStance
from domain.steps.drafting import PresentDraft
from domain.steps.extensions import GrantExtension
from domain.steps.lifecycle import ChangeCalendar, FileCycle, OpenCycle, ReopenCycle, StepTo
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import AdmitUnit, AssignRole, ReleaseUnit
from domain.steps.midyear import ReportMidyear, SendBack
from domain.steps.signing import SignCovenant, SignJointly
from domain.steps.succession import MergeUnits, SplitUnit
from domain.times import ICT, When, end_of
from domain.types import Document
from domain.units import Unit

HEAD, DEPUTY, THIRD = UNITS
PAPER = Document(title="Giao ước")
NEW = "tay-ho"
ADMISSION = AdmitUnit(unit=NEW, name="Tây Hồ")
HEIR = Unit(id="phuong-moi", name="Phường mới")


def drafted(**options) -> Case:
    case = Case(**options).when(AssignRole(role="head", holder=HEAD, manner="elected"))
    for kind in ("plan", "bylaws", "covenant"):
        case.when(PresentDraft(kind=kind, document=PAPER)).happened()
    return case


def owed_by(unit: str, case: Case) -> dict[Duty, datetime | None]:
    """Return the open duties of a unit with their due dates."""
    return {one.duty: one.due for one in tasks(case.state, case.rules, unit)}


def by_the_clock(unit: str, case: Case) -> list[str]:
    """Return what the clock recorded of a unit."""
    said = {"UnitReminded", "DeadlinePassed"}
    return [e.event.NAME for e in case.history if e.event.NAME in said and e.event.unit == unit]


class TestAdmitted:
    def test_a_unit_of_1_september_owes_nothing_of_february_to_july(self) -> None:
        case = drafted().step(day(9, 1)).when(ADMISSION).happened()
        assert set(owed_by(NEW, case)) == {Duty.SELF_SCORE, Duty.CROSS_CHECK}
        case.until(day(9, 1))
        assert by_the_clock(NEW, case) == []
        case.step(day(11, 11))
        assert by_the_clock(NEW, case) == ["DeadlinePassed"], "the self-score of 10 November"

    def test_the_organiser_does_not_wait_for_a_report_that_is_not_owed(self) -> None:
        case = drafted().step(day(9, 1)).when(ADMISSION).happened()
        about = [one for one in obligations(case.state, case.rules) if one.subject == NEW]
        assert Duty.MIDYEAR_ACCEPTANCE not in {one.duty for one in about}
        case.when(ReportMidyear(unit=NEW, report=PAPER)).happened()
        about = [one for one in obligations(case.state, case.rules) if one.subject == NEW]
        assert Duty.MIDYEAR_ACCEPTANCE in {one.duty for one in about}

    def test_what_it_does_all_the_same_is_done_and_not_late(self) -> None:
        case = drafted().step(day(9, 1)).when(ADMISSION).step(day(9, 10))
        case.when(SignCovenant(unit=NEW), by=NEW).happened()
        (signed,) = [o for o in obligations(case.state, case.rules) if o.bearer == NEW and o.duty is Duty.SIGNATURE]
        assert (signed.done is not None, signed.due, signed.late) == (True, None, False)
        assert not [one for one in deviations(case.state, case.rules) if one.facts.get("unit") == NEW]

    @pytest.mark.parametrize(("joined", "owed"), [(date(2026, 3, 15), True), (date(2026, 3, 16), False)])
    def test_who_joins_on_the_last_day_owes_it_and_who_joins_on_the_next_does_not(
        self, joined: date, *, owed: bool
    ) -> None:
        case = Case(opened=False).when(opening("backfill")).when(ADMISSION, happened=When.on(joined)).happened()
        case.when(ChangeCalendar(clock="wall", since=day(3, 17))).happened()
        assert (Duty.SIGNATURE in owed_by(NEW, case)) is owed

    def test_an_extension_makes_it_owed_with_a_date_of_its_own(self) -> None:
        case = drafted().step(day(9, 1)).when(ADMISSION).happened()
        more = GrantExtension(duty=Duty.SIGNATURE, unit=NEW, until=date(2026, 9, 30), reason=TEXT)
        case.when(more).happened("ExtensionGranted")
        assert owed_by(NEW, case)[Duty.SIGNATURE] == end_of(date(2026, 9, 30))
        early = more.model_copy(update={"until": date(2026, 3, 15)})
        case.when(early).refused("extension_is_no_extension")

    def test_what_all_agreed_before_it_came_is_not_its_stance(self) -> None:
        case = drafted(rules=NO_RULES).when(TakeStanceTogether(stance="agreed", group="các đơn vị")).happened()
        case.step(day(9, 1)).when(ADMISSION).happened()
        done = [o.bearer for o in obligations(case.state, NO_RULES) if o.duty is Duty.STANCE and o.done]
        assert done == [*UNITS]

    def test_without_dates_a_duty_that_all_had_done_is_not_owed_by_who_comes_later(self) -> None:
        case = drafted(rules=NO_RULES).when(SignJointly(units=UNITS)).happened().step(day(9, 1)).when(ADMISSION)
        assert Duty.SIGNATURE not in owed_by(NEW, case)
        assert Duty.SELF_SCORE in owed_by(NEW, case), "nobody has done it yet"
        part = drafted(rules=NO_RULES).when(SignJointly(units=(HEAD,))).happened().step(day(9, 1)).when(ADMISSION)
        assert Duty.SIGNATURE in owed_by(NEW, part)

    def test_a_unit_that_comes_again_begins_anew(self) -> None:
        case = drafted().step(day(2, 1)).when(ReleaseUnit(unit=THIRD)).happened()
        case.step(day(9, 1)).when(AdmitUnit(unit=THIRD, name="Ba Đình")).happened()
        assert Duty.SIGNATURE not in owed_by(THIRD, case)

    @settings(max_examples=60, deadline=None)
    @given(st.dates(date(2026, 1, 2), date(2026, 12, 31)))
    def test_on_whatever_day_it_joins_nothing_is_due_or_told_before(self, joined: date) -> None:
        case = drafted().step(datetime.combine(joined, datetime.min.time(), ICT).replace(hour=9)).when(ADMISSION)
        at = len(case.history)
        case.happened().until(case.state.lifecycle.now).step(day(12, 31, 23))
        assert all(due is None or due > day(joined.month, joined.day) for due in owed_by(NEW, case).values())
        assert all(e.meta.happened.earliest >= day(joined.month, joined.day) for e in case.history[at:])


class TestHeirs:
    def merged(self, *inherits: str, acts: tuple = ()) -> Case:
        rules = Edition.model_validate({**RULES.model_dump(), "inherits": inherits})
        case = drafted(rules=rules)
        for act in acts:
            case.when(act, by=act.unit).happened()
        case.step(day(7, 1)).when(MergeUnits(units=(DEPUTY, THIRD), into=HEIR)).happened()
        return case.until(day(7, 1))

    def test_an_heir_of_1_july_owes_nothing_of_february(self) -> None:
        case = self.merged()
        assert Duty.STANCE not in owed_by(HEIR.id, case)
        assert Duty.SIGNATURE not in owed_by(HEIR.id, case)
        assert Duty.MIDYEAR_REPORT in owed_by(HEIR.id, case), "due on 10 July"
        assert by_the_clock(HEIR.id, case) == []

    def test_duties_are_inherited_where_the_edition_says_so(self) -> None:
        case = self.merged("duties")
        assert owed_by(HEIR.id, case)[Duty.SIGNATURE] == end_of(date(2026, 3, 15))
        assert by_the_clock(HEIR.id, case) == [], "the clock could not know it in March"

    def test_an_heir_that_was_a_member_keeps_its_own_duties(self) -> None:
        case = drafted().step(day(7, 1))
        case.when(MergeUnits(units=(DEPUTY, THIRD), into=Unit(id=DEPUTY, name="Hoàn Kiếm"))).happened()
        assert Duty.SIGNATURE in owed_by(DEPUTY, case)

    def test_a_signature_is_inherited_as_done_and_not_late(self) -> None:
        signed = (SignCovenant(unit=DEPUTY), SignCovenant(unit=THIRD))
        case = self.merged("signature", acts=signed)
        (one,) = [o for o in obligations(case.state, case.rules) if o.bearer == HEIR.id and o.duty is Duty.SIGNATURE]
        assert (one.done is not None, one.late) == (True, False)

    def test_all_heirs_of_a_split_are_free_alike(self) -> None:
        other = Unit(id="phuong-hai", name="Phường hai")
        case = drafted().step(day(7, 1)).when(SplitUnit(unit=THIRD, into=(HEIR, other))).happened()
        assert {frozenset(owed_by(unit.id, case)) for unit in (HEIR, other)} == {
            frozenset({Duty.MIDYEAR_REPORT, Duty.SELF_SCORE, Duty.CROSS_CHECK})
        }

    @pytest.mark.parametrize("leaves", [ReleaseUnit(unit=HEAD), MergeUnits(units=(HEAD, DEPUTY), into=HEIR)])
    def test_a_head_that_is_gone_owes_nothing_for_the_cluster(self, leaves: Command) -> None:
        case = drafted().step(day(7, 1)).when(leaves).happened()
        bearers = {
            o.bearer for o in obligations(case.state, case.rules) if o.duty in {Duty.FINAL_MEETING, Duty.SUBMISSION}
        }
        assert bearers == {CITY}, "until another head is named"

    def test_a_unit_that_is_gone_owes_no_correction_and_is_not_reminded(self) -> None:
        case = drafted().step(day(7, 1)).when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD).happened()
        case.when(SendBack(unit=THIRD, text=TEXT)).happened()
        assert Duty.CORRECTION in owed_by(THIRD, case)
        said = len(by_the_clock(THIRD, case))
        case.when(MergeUnits(units=(DEPUTY, THIRD), into=HEIR)).happened().step(day(7, 20))
        assert (owed_by(THIRD, case), len(by_the_clock(THIRD, case))) == ({}, said)
        assert Duty.MIDYEAR_REPORT in owed_by(HEIR.id, case), "the successor reports for itself"

    def test_the_draft_is_owed_by_the_cluster_whoever_its_head_is(self) -> None:
        case = Case().step(day(7, 1)).when(ADMISSION).when(AssignRole(role="head", holder=NEW, manner="appointed"))
        assert owed_by(NEW, case.happened())[Duty.DRAFT] == end_of(date(2026, 2, 15))


def opened(clock: str, starts: datetime, issued: datetime, *, rules: Edition = RULES) -> Case:
    command = OpenCycle(
        organiser=CITY,
        organiser_name="Thành phố",
        cluster_name="Cụm 1",
        year=2026,
        units=tuple(Unit(id=unit, name=unit) for unit in UNITS),
        edition=DIGEST,
        clock=clock,
        starts=starts,
    )
    return Case(opened=False, rules=rules).when(command, issued=issued).happened()


class TestLateAndEarlyOpening:
    def test_a_cycle_opened_in_june_owes_its_first_steps_without_a_date(self) -> None:
        case = opened("wall", day(6, 1), day(6, 1)).until(day(6, 2))
        assert owed_by(CITY, case)[Duty.DRAFT] is None
        assert {owed_by(unit, case)[Duty.SIGNATURE] for unit in UNITS} == {None}
        assert case.names() == ["CycleOpened"]
        assert current_step(steps(case.state, case.rules)) == "plan-draft"
        case.when(GrantExtension(duty=Duty.SIGNATURE, until=date(2026, 7, 1), reason=TEXT), issued=day(6, 2))
        assert {owed_by(unit, case.happened())[Duty.SIGNATURE] for unit in UNITS} == {end_of(date(2026, 7, 1))}

    def test_the_clock_says_nothing_of_the_months_before_the_opening_was_entered(self) -> None:
        case = opened("wall", day(1, 1, 0), day(6, 1)).until(day(6, 2))
        assert owed_by(CITY, case)[Duty.DRAFT] == end_of(date(2026, 2, 15)), "it ran since January"
        assert case.names() == ["CycleOpened"]
        assert case.until(day(7, 8)).names().count("UnitReminded") == 3, "of the reports of 10 July"

    def test_a_cycle_opened_in_december_for_the_next_year_waits_for_its_dates(self) -> None:
        case = opened("wall", day(1, 1, 0), datetime(2025, 12, 10, 9, tzinfo=ICT)).until(day(2, 14))
        assert case.names() == ["CycleOpened"]
        assert case.until(day(2, 17)).names().count("DeadlinePassed") == 1

    def test_a_past_year_is_judged_by_its_dates_although_its_opening_is_inferred(self) -> None:
        case = opened("backfill", day(3, 20), day(6, 1))
        case.when(PresentDraft(kind="covenant", document=PAPER), happened=When.on(date(2026, 3, 20)))
        case.when(SignJointly(), happened=When.on(date(2026, 3, 20))).happened()
        assert {d.code for d in deviations(case.state, case.rules)} >= {"late_act"}


class TestWhatTheClockCouldKnow:
    """It never issues what an act made due at an instant before that act."""

    def test_a_draft_presented_late_brings_no_reminders_of_an_earlier_day(self) -> None:
        case = Case().step(day(3, 1)).when(PresentDraft(kind="plan", document=PAPER)).happened().until(day(3, 1))
        assert "UnitReminded" not in [e.event.NAME for e in case.history if e.meta.happened.earliest < day(2, 28)]

    def test_a_stance_withdrawn_after_its_day_brings_no_mark_of_that_day(self) -> None:
        case = drafted().step(day(2, 20)).when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD).happened()
        case.step(day(3, 1)).when(WithdrawStance(unit=THIRD), by=THIRD).happened().step(day(3, 5))
        passed = [e.event for e in case.history if e.event.NAME == "DeadlinePassed" and e.event.duty is Duty.STANCE]
        assert {event.unit for event in passed} == {HEAD, DEPUTY}
        assert Duty.STANCE in owed_by(THIRD, case), "it owes one again, and everybody sees since when"

    def test_a_year_that_was_filed_for_months_is_not_caught_up_with(self) -> None:
        case = opened("wall", day(1, 1, 0), day(1, 1, 0)).until(day(2, 20))
        case.when(FileCycle(), issued=day(2, 20)).happened()
        before = len(case.history)
        case.when(ReopenCycle(reason=TEXT), issued=day(8, 1)).happened().until(day(8, 1))
        assert [e.event.NAME for e in case.history[before:]] == ["CycleReopened"]
        case.until(day(11, 11))
        assert "DeadlinePassed" in [e.event.NAME for e in case.history[before:]]

    def test_an_act_appended_together_with_a_step_of_time_does_not_silence_the_clock(self) -> None:
        for together, marks in ((True, 2), (False, 0)):
            case = drafted()
            case.when(StepTo(now=day(3, 1)), recorded=NOW + timedelta(days=1)).happened()
            stored = NOW + timedelta(days=1 if together else 2)
            case.when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD, recorded=stored).happened().until(day(3, 1))
            passed = [e.event for e in case.history if e.event.NAME == "DeadlinePassed"]
            assert len([event for event in passed if event.duty is Duty.STANCE]) == marks

    def test_of_an_act_in_real_time_the_clock_still_says_what_fell_due_while_it_was_on_its_way(self) -> None:
        case = opened("wall", day(1, 1, 0), day(1, 1, 0))
        due = end_of(date(2026, 2, 15))
        late = case.when(RecordMeeting(id="hop", kind="other"), issued=due, recorded=due + timedelta(minutes=59))
        assert late.happened().until(due + timedelta(hours=1)).names()[-1] == "DeadlinePassed"
        case = opened("wall", day(1, 1, 0), day(1, 1, 0))
        case.when(RecordMeeting(id="hop", kind="other"), issued=due, recorded=due + timedelta(minutes=61)).happened()
        assert case.until(due + timedelta(hours=2)).names()[-1] == "MeetingHeld"


def test_what_the_clock_remembers_is_no_fact_of_the_year() -> None:
    first, again = Case(), Case(opened=False).when(opening(), recorded=NOW + timedelta(days=9))
    assert state_digest(first.state) == state_digest(again.happened().state)
    assert "clock_memory" not in plain(first.state)
