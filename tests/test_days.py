"""Days and instants: what is certainly before what, which act is late, and the day that people say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speech import CITY, RULES, TEXT, UNITS, Case, day, opening

from cli.keys import _when
from domain import post
from domain.cycle import CYCLE
from domain.dates import parse_when
from domain.deviations import deviations
from domain.due_dates import Obligation, correction_due
from domain.duties import Duty
from domain.obligations import covenants_to_sign, current_step, extensible, obligations, steps
from domain.records import Refused
from domain.rules import Edition
from domain.steps.commenting import TakeStance
from domain.steps.drafting import PresentDraft
from domain.steps.extensions import AskExtension, GrantExtension, RefuseExtension
from domain.steps.letters import AnswerLetter, RecordLetter
from domain.steps.lifecycle import ChangeCalendar, FileCycle, StepTo
from domain.steps.meetings import RecordMeeting
from domain.steps.membership import AdmitUnit, AssignRole, ReleaseUnit
from domain.steps.signing import DeclineToSign, SignCovenant, SignJointly
from domain.steps.succession import CloseEarly
from domain.steps.targets import ReportResult
from domain.summaries import obligation_values
from domain.times import ICT, When, end_of
from domain.types import Document, Participant
from i18n import in_language
from i18n.messages import sentence
from i18n.state_text import state_lines
from i18n.timeline import describe

HEAD, DEPUTY, THIRD = UNITS
PAPER = Document(title="Giao ước")
LAST_DAY = date(2026, 3, 15)
"""The last day of the signature in the test edition."""


def on(text: str) -> dict[str, When]:
    """Return the circumstance of an act that happened on a day, month or year, as a source writes it."""
    return {"happened": parse_when(text)}


def backfilled() -> Case:
    case = Case(opened=False).when(opening("backfill"))
    return case.when(PresentDraft(kind="covenant", document=PAPER), **on("01/02/2026")).happened()


def keys(case: Case) -> set[str]:
    return {deviation.key for deviation in deviations(case.state, case.rules)}


class TestOrder:
    @pytest.mark.parametrize(
        ("first", "then"),
        [
            ("31/03/2026", "01/04/2026"),
            ("03/2026", "04/2026"),
            ("2025", "01/2026"),
            ("31/03/2026", "04/2026"),
            ("2026-03-31T15:00+07:00", "01/04/2026"),
            ("2026-04-01T00:00+07:00", "01/04/2026"),  # 24:00 sharp of 31 March
            ("2026-03-31T15:00+07:00", "2026-03-31T15:01+07:00"),
        ],
    )
    def test_the_order_of_two_ranges_is_certain(self, first: str, then: str) -> None:
        assert parse_when(first).before(parse_when(then))
        assert not parse_when(then).before(parse_when(first))

    @pytest.mark.parametrize(
        ("first", "then"),
        [
            ("31/03/2026", "31/03/2026"),
            ("31/03/2026", "03/2026"),
            ("03/2026", "31/03/2026..01/04/2026"),
            ("2026", "01/04/2026"),
            ("2026-03-31T15:00+07:00", "2026-03-31T15:00+07:00"),
            ("31/03/2026", "2026-04-01T00:00+07:00"),  # both of 31 March
            ("31/03/2026", "2026-03-31T15:00+07:00"),
        ],
    )
    def test_the_order_of_two_ranges_is_open(self, first: str, then: str) -> None:
        assert not parse_when(first).before(parse_when(then))
        assert not parse_when(then).before(parse_when(first))

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.dates(date(2020, 1, 1), date(2029, 12, 31)), min_size=4, max_size=4))
    def test_days_are_ordered_as_their_dates(self, days: list[date]) -> None:
        first, then = When.on(*sorted(days[:2])), When.on(*sorted(days[2:]))
        assert first.before(then) == (max(days[:2]) < min(days[2:]))


class TestLate:
    @pytest.mark.parametrize(
        ("when", "late"),
        [
            ("15/03/2026", False),
            ("2026-03-15T23:59+07:00", False),
            ("2026-03-16T00:00+07:00", False),  # 24:00 sharp
            ("2026-03-16T00:00:01+07:00", True),
            ("16/03/2026", True),
            ("17/03/2026", True),
            ("03/2026", False),  # perhaps in time
            ("04/2026", True),
            ("2026", False),
            ("15/03/2026..16/03/2026", False),
            ("16/03/2026..20/03/2026", True),
        ],
    )
    def test_a_signature_is_late_from_the_day_after_the_last(self, when: str, *, late: bool) -> None:
        case = backfilled().when(SignCovenant(unit=THIRD), **on(when)).happened()
        assert (f"late/signature/{THIRD}/" in keys(case)) is late

    @settings(max_examples=60, deadline=None)
    @given(st.dates(date(2026, 2, 1), date(2026, 5, 31)), st.integers(0, 40))
    def test_an_act_of_days_is_late_when_its_first_day_is(self, first: date, more: int) -> None:
        case = backfilled().when(SignCovenant(unit=THIRD), happened=When.on(first, first + timedelta(days=more)))
        assert (f"late/signature/{THIRD}/" in keys(case)) is (first > LAST_DAY)

    def test_an_extension_granted_on_the_day_after_the_act_does_not_make_it_timely(self) -> None:
        case = backfilled().when(SignCovenant(unit=THIRD), **on("16/03/2026")).happened()
        more = GrantExtension(duty=Duty.SIGNATURE, until=date(2026, 3, 31), reason=TEXT)
        case.when(more, **on("17/03/2026")).happened()
        assert f"late/signature/{THIRD}/" in keys(case)

    def test_an_answer_on_the_day_after_the_last_is_late(self) -> None:
        for when, late in (("10/04/2026", False), ("11/04/2026", True)):
            case = backfilled()
            letter = RecordLetter(
                id="cv-1",
                kind="direction",
                sender=Participant(unit=CITY),
                document=PAPER,
                answer_by=date(2026, 4, 10),
            )
            case.when(letter, **on("01/04/2026")).happened()
            case.when(AnswerLetter(letter="cv-1", by=Participant(unit=HEAD), document=PAPER), **on(when)).happened()
            assert ("letter-late/cv-1" in keys(case)) is late

    @pytest.mark.parametrize(("asked", "last"), [("15/07/2026", date(2026, 7, 22)), ("07/2026", date(2026, 8, 7))])
    def test_a_correction_is_due_after_the_last_day_on_which_it_can_have_been_asked_for(
        self, asked: str, last: date
    ) -> None:
        assert correction_due(parse_when(asked), RULES) == end_of(last)

    def test_figures_are_not_cut_off_on_the_day_after_the_report(self) -> None:
        for cut_off, code in ((date(2026, 6, 30), None), (date(2026, 7, 1), "cut_off_to_come")):
            result = ReportResult(unit=THIRD, title="Nhà", amount="5", measure="nhà", cut_off=cut_off)
            case = backfilled().when(result, **on("06/2026"))
            _ = case.happened() if code is None else case.refused(code)

    def test_a_final_meeting_is_late_from_1_january(self) -> None:
        for when, late in (
            ("31/12/2026", False),
            ("2027-01-01T00:00+07:00", False),
            ("12/2026..01/2027", False),
            ("01/01/2027", True),
            ("01/2027", True),
        ):
            case = backfilled()
            case.when(RecordMeeting(id="tk", kind="final"), issued=day(6, 1, year=2027), **on(when)).happened()
            assert ("final-next-year" in keys(case)) is late, when


class TestStaysAndTerms:
    def test_a_unit_is_no_member_on_the_day_before_it_joins(self) -> None:
        case = backfilled().when(AdmitUnit(unit="tay-ho", name="Tây Hồ"), **on("01/04/2026")).happened()
        case.when(SignCovenant(unit="tay-ho"), **on("31/03/2026")).refused("not_a_member")
        case.when(SignCovenant(unit="tay-ho"), **on("01/04/2026")).happened()

    def test_a_unit_is_no_member_on_the_day_after_it_leaves(self) -> None:
        case = backfilled().when(ReleaseUnit(unit=THIRD), **on("31/03/2026")).happened()
        case.when(SignCovenant(unit=THIRD), **on("01/04/2026")).refused("not_a_member")
        case.when(SignCovenant(unit=THIRD), **on("31/03/2026")).happened()

    def test_who_becomes_head_on_the_next_day_is_not_head_yet(self) -> None:
        case = backfilled().when(AssignRole(role="head", holder=HEAD, manner="elected"), **on("01/04/2026"))
        case.when(SignJointly(units=UNITS), **on("31/03/2026")).happened()
        assert "head-unknown" in keys(case)

    def test_the_last_day_of_a_term_belongs_to_it(self) -> None:
        term = AssignRole(role="head", holder=HEAD, manner="elected", until=date(2026, 3, 31))
        case = backfilled().when(term, **on("01/02/2026")).happened()
        case.when(SignJointly(units=UNITS), **on("31/03/2026")).happened()
        assert "head-unknown" not in keys(case)


def test_what_is_due_is_due_at_the_end_of_its_last_day() -> None:
    owed = [one for one in obligations(Case().state, Case().rules) if one.duty is Duty.SIGNATURE]
    assert {one.due for one in owed} == {end_of(LAST_DAY)}


class TestDaysAsPeopleSayThem:
    """An act of a day is stored up to 24:00, which is 0:00 of the next day: nobody may read the next day's date."""

    DECEMBER_20: ClassVar = {"happened": When.on(date(2026, 12, 20)), "issued": day(12, 30)}

    def test_filed_on_20_december_is_filed_on_that_day(self) -> None:
        case = backfilled().when(FileCycle(), **self.DECEMBER_20).happened()
        (filing,) = [one for one in extensible(case.state, case.rules) if one.duty is Duty.FILING]
        assert obligation_values(filing)["done"] == "2026-12-20"
        case.when(FileCycle(), **self.DECEMBER_20).refused("cycle_is_filed")
        assert case.outcome.facts["on"] == "2026-12-20"
        assert "20/12/2026" in sentence(case.outcome.code, case.outcome.facts)
        case.when(SignCovenant(unit=HEAD), **self.DECEMBER_20).refused("cycle_is_filed")
        assert case.outcome.facts["on"] == "2026-12-20"

    def test_what_is_stored_at_night_is_of_the_day_in_viet_nam(self) -> None:
        row: Any = SimpleNamespace(recorded_at=datetime(2026, 12, 20, 18, tzinfo=UTC), position=7)
        with in_language("vi"):
            assert "21/12/2026" in _when(row)

    def test_a_cluster_closed_early_on_20_december_was_closed_on_that_day(self) -> None:
        case = backfilled().when(CloseEarly(reason=TEXT), **self.DECEMBER_20).happened()
        case.when(CloseEarly(reason=TEXT), **self.DECEMBER_20).refused("closed_already")
        assert case.outcome.facts["on"] == "2026-12-20"

    def test_a_register_stands_at_the_day_of_its_last_act(self) -> None:
        case = backfilled().when(RecordMeeting(id="tk", kind="final"), **self.DECEMBER_20).happened()
        case.when(ChangeCalendar(clock="wall", since=day(12, 19))).refused("time_goes_back")
        assert "20/12/2026" in sentence(case.outcome.code, case.outcome.facts)
        case = Case().when(StepTo(now=day(1, 1, 0, year=2026))).refused("time_goes_back")
        assert "01/01/2026" in sentence(case.outcome.code, case.outcome.facts), "an instant at 0:00 is of its own day"

    def test_a_term_until_31_march_is_shown_until_that_day(self) -> None:
        term = AssignRole(role="head", holder=HEAD, manner="elected", until=date(2026, 3, 31))
        case = backfilled().when(term, **on("01/02/2026")).happened()
        (line,) = [line for line in state_lines(case.state, {}) if "01/02/2026" in line and "31/03/2026" in line]
        assert "01/04/2026" not in line

    @settings(max_examples=100, deadline=None)
    @given(st.dates(date(2020, 1, 1), date(2029, 12, 31)), st.integers(0, 40))
    def test_the_first_and_the_last_day_of_a_range_are_those_it_was_made_of(self, first: date, more: int) -> None:
        last = first + timedelta(days=more)
        when = When.on(first, last)
        assert (when.day, when.last_day) == (first, last)
        assert When.at(when.earliest).last_day == first


class TestMeetingsOfTwoYears:
    """A meeting counts for the cycle that it closes, launches or reviews, although it decides for another one, too."""

    def case(self) -> Case:
        closing = RecordMeeting(id="tk-2025", kind="final", of_year=2025)
        return backfilled().when(closing, **on("15/01/2026")).happened("MeetingHeld")

    def final(self, case: Case) -> Obligation:
        (owed,) = [one for one in extensible(case.state, case.rules) if one.duty is Duty.FINAL_MEETING]
        return owed

    def test_the_meeting_that_closed_the_year_before_is_not_this_years_final_meeting(self) -> None:
        assert self.final(self.case()).done is None

    def test_this_years_own_final_meeting_counts_and_is_late(self) -> None:
        own = RecordMeeting(id="tk-2026", kind="final")
        case = self.case().when(own, issued=day(6, 1, year=2027), **on("10/02/2027")).happened()
        assert self.final(case).done == When.on(date(2027, 2, 10))
        assert "final-next-year" in keys(case)

    def test_a_meeting_that_names_the_cycles_own_year_counts(self) -> None:
        case = backfilled().when(RecordMeeting(id="tk", kind="final", of_year=2026), **on("15/10/2026"))
        assert self.final(case.happened()).done is not None


class TestACovenantForATerm:
    def signed(self, **changes: Any) -> Case:
        case = Case(opened=False, rules=Edition.model_validate({**RULES.model_dump(), **changes}))
        case.when(opening("backfill"))
        case.when(PresentDraft(kind="term-covenant", document=PAPER), **on("01/02/2026")).happened()
        return case.when(SignCovenant(unit=HEAD, covenant="term-covenant"), **on("05/02/2026")).happened()

    def unsigned(self, case: Case) -> set[str]:
        owed = [one for one in extensible(case.state, case.rules) if one.duty is Duty.SIGNATURE]
        return {one.bearer for one in owed if one.done is None}

    def test_whoever_signed_it_has_signed(self) -> None:
        case = self.signed()
        assert covenants_to_sign(case.state, case.rules) == ("term-covenant",)
        assert self.unsigned(case) == {DEPUTY, THIRD}

    def test_beside_a_covenant_of_the_year_it_is_another_paper(self) -> None:
        case = self.signed().when(PresentDraft(kind="covenant", document=PAPER), **on("06/02/2026")).happened()
        assert self.unsigned(case) == {*UNITS}

    def test_its_sentences_say_which_covenant_it_is(self) -> None:
        case = self.signed().when(SignJointly(units=(DEPUTY,), covenant="term-covenant"), **on("06/02/2026"))
        case.happened().when(DeclineToSign(unit=THIRD, reason=TEXT, covenant="term-covenant"), **on("07/02/2026"))
        told = [describe(one, {}, {}) for one in case.happened().history if "Sign" in one.event.NAME]
        assert len(told) == 3
        with in_language("vi"):
            assert all("theo giai đoạn" in describe(one, {}, {}) for one in case.history if "Sign" in one.event.NAME)
        with in_language("en"):
            assert all("for a term" in describe(one, {}, {}) for one in case.history if "Sign" in one.event.NAME)

    def test_what_is_odd_about_it_is_told_like_of_the_other(self) -> None:
        """Where no covenant for the year is signed, this one stands in its place."""
        case = Case(opened=False, rules=Edition.model_validate({**RULES.model_dump(), "deadlines": ()}))
        case.when(opening("backfill")).when(SignJointly(covenant="term-covenant"), **on("05/2026")).happened()
        assert keys(case) == {"signed-unpresented/term", "head-unknown", "unusual/signing"}
        case = self.signed().when(
            TakeStance(unit=THIRD, stance="changes-requested", on="term-covenant"), **on("01/02/2026")
        )
        case.happened().when(DeclineToSign(unit=THIRD, reason=TEXT, covenant="term-covenant"), **on("06/02/2026"))
        case.happened().when(PresentDraft(kind="bylaws", document=PAPER), **on("06/02/2026"))
        assert {"signed-text-open/term", "bylaws-late", f"declined/{THIRD}/term"} <= keys(case.happened())

    def test_what_is_asked_of_one_covenant_is_not_open_in_the_other(self) -> None:
        case = self.signed().when(PresentDraft(kind="covenant", document=PAPER), **on("01/02/2026"))
        case.when(TakeStance(unit=THIRD, stance="changes-requested", on="term-covenant"), **on("01/02/2026")).happened()
        case.when(SignCovenant(unit=HEAD), **on("05/02/2026")).happened()
        assert {key for key in keys(case) if "text-open" in key} == {"signed-text-open/term"}
        case.when(TakeStance(unit=DEPUTY, stance="changes-requested", on="plan"), **on("01/02/2026"))
        case.happened()
        assert {key for key in keys(case) if "text-open" in key} == {"signed-text-open", "signed-text-open/term"}

    def test_in_the_midst_of_its_term_the_year_does_not_wait_at_the_signing(self) -> None:
        years = {"covenants": ["term-covenant"], "covenant_years": {"first": 2024, "last": 2028}}
        case = Case(rules=Edition.model_validate({**RULES.model_dump(), **years}))
        case.when(AssignRole(role="head", holder=HEAD, manner="elected"))
        for kind in ("plan", "bylaws", "covenant"):
            case.when(PresentDraft(kind=kind, document=PAPER)).happened()
        for unit in UNITS:
            case.when(TakeStance(unit=unit, stance="agreed"), by=unit).happened()
        assert current_step(steps(case.state, case.rules)) == "midyear-check"
        assert current_step(steps(CYCLE.empty(), case.rules)) == "plan-draft"

    def test_one_of_five_years_is_signed_in_the_first_and_not_owed_in_the_others(self) -> None:
        for first, owed in ((2026, {DEPUTY, THIRD}), (2024, set())):
            years = {"covenants": ["term-covenant"], "covenant_years": {"first": first, "last": first + 4}}
            assert self.unsigned(self.signed(**years)) == owed

    def test_both_are_owed_where_the_edition_says_so(self) -> None:
        case = self.signed(covenants=["covenant", "term-covenant"])
        assert self.unsigned(case) == {*UNITS}
        case.when(PresentDraft(kind="covenant", document=PAPER), **on("06/02/2026"))
        case.when(SignCovenant(unit=HEAD), **on("07/02/2026")).happened()
        assert self.unsigned(case) == {DEPUTY, THIRD}


class TestOverdue:
    """An obligation is overdue from its due instant on, while it is open; without a due instant it never is."""

    @pytest.mark.parametrize(
        ("due", "done", "now", "overdue"),
        [
            (day(3, 1), None, day(3, 1) - timedelta(seconds=1), False),
            (day(3, 1), None, day(3, 1), True),
            (day(3, 1), None, day(3, 2), True),
            (day(3, 1), When.at(day(3, 5)), day(3, 6), False),
            (None, None, day(3, 6), False),
        ],
    )
    def test_from_the_due_instant_on(self, due: Any, done: When | None, now: Any, overdue: bool) -> None:
        owed = Obligation(Duty.SIGNATURE, HEAD, "", due, done)
        assert owed.overdue(now) is overdue
        assert owed.late is (done is not None)

    def test_a_year_entered_afterwards_goes_from_its_first_day_to_its_last(self) -> None:
        first, last = day(12, 1, 0, year=2025), end_of(date(2026, 3, 2))
        for order in (("01/12/2025", "02/03/2026"), ("02/03/2026", "01/12/2025")):
            case = Case(opened=False).when(opening("backfill"), **on("01/03/2026"))
            for text in order:
                case.when(RecordMeeting(id=f"hop-{text[:2]}", kind="launching"), **on(text)).happened()
            assert (case.state.lifecycle.clock_since, case.state.lifecycle.now) == (first, last)


def test_a_weekly_digest_goes_out_on_monday_at_seven() -> None:
    friday = datetime(2026, 11, 20, 9, tzinfo=ICT)
    assert post.digest_due(friday, "weekly") == datetime(2026, 11, 23, 7, tzinfo=ICT)
    assert post.digest_due(friday, "daily") == datetime(2026, 11, 21, 7, tzinfo=ICT)
    before_office = datetime(2026, 11, 23, 0, 17, tzinfo=ICT)
    assert post.digest_due(before_office, "daily") == datetime(2026, 11, 23, 7, tzinfo=ICT)
    assert post.digest_due(before_office, "weekly") == datetime(2026, 11, 23, 7, tzinfo=ICT)
    assert post.digest_due(before_office.replace(hour=7), "weekly") == datetime(2026, 11, 30, 7, tzinfo=ICT)


def test_a_refused_request_keeps_the_day_that_was_asked_for() -> None:
    case = Case()
    case.when(AskExtension(unit=HEAD, duty=Duty.MIDYEAR_REPORT, until=date(2026, 8, 1), reason=TEXT), by=HEAD)
    case.when(RefuseExtension(unit=HEAD, duty=Duty.MIDYEAR_REPORT, reason=TEXT)).happened()
    refused = case.state.deadlines.refused_requests[HEAD, Duty.MIDYEAR_REPORT]
    assert (refused.until, refused.reason) == (date(2026, 8, 1), TEXT)
    assert not case.state.deadlines.extension_requests


def test_of_two_that_have_signed_the_first_is_named_with_its_version() -> None:
    case = Case(clock="wall")
    for version, unit in enumerate((HEAD, DEPUTY), 1):
        paper = Document(title=f"Giao ước {version}")
        case.when(
            PresentDraft(kind="covenant", document=paper), issued=day(3, 1), **on(f"0{version}/02/2026")
        ).happened()
        case.when(SignCovenant(unit=unit, number=version), issued=day(3, 1), **on(f"1{version}/02/2026")).happened()
    case.when(SignJointly(units=(HEAD, DEPUTY)), issued=day(3, 1), **on("20/02/2026")).refused("signed_already")
    assert isinstance(case.outcome, Refused)
    assert case.outcome.facts == {"unit": HEAD, "number": 1}


def test_the_first_of_three_stances_keeps_its_day() -> None:
    case = (
        Case(clock="wall")
        .when(PresentDraft(kind="plan", document=Document(title="KH")), issued=day(3, 1), **on("01/02/2026"))
        .happened()
    )
    for of, stance in ((3, "changes-requested"), (5, "agreed"), (9, "changes-requested")):
        command = TakeStance.model_validate({"unit": THIRD, "stance": stance, "on": "plan"})
        case.when(command, issued=day(3, 1), **on(f"0{of}/02/2026")).happened()
    (taken,) = case.state.comments.stances.values()
    assert taken.first is not None
    assert (taken.first.day, taken.when.day) == (date(2026, 2, 3), date(2026, 2, 9))
