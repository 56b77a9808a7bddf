"""Periods other than the calendar year, and what `rules check` says of dates, covenants and cross-checks."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from speech import DIGEST, RULES, Case, day, opening

from application.year_file import default_start
from domain.deviations import deviations
from domain.due_dates import usual_due
from domain.duties import Duty
from domain.edition_remarks import edition_remarks
from domain.rules import Adoption, Deadline, Edition, Period, PeriodDay, YearDay, in_force
from domain.steps.lifecycle import AdoptEdition
from domain.steps.meetings import RecordMeeting
from domain.times import When, end_of, start_of
from i18n import in_language
from i18n.editions import year_day
from i18n.messages import sentence

SCHOOL_YEAR = {"first": {"month": 9, "day": 1}, "last": {"year": 1, "month": 5, "day": 31}}


def edition(**changes: Any) -> Edition:
    return Edition.model_validate({**RULES.model_dump(mode="json"), **changes})


def due(duty: str, day_: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"duty": duty, "due": day_, "article": "Điều 1", **more}


class TestPeriods:
    def test_it_is_the_calendar_year_unless_the_edition_says_otherwise(self) -> None:
        assert (Period().first.of(2026), Period().last.of(2026)) == (date(2026, 1, 1), date(2026, 12, 31))

    def test_dates_follow_from_the_period(self) -> None:
        rules = edition(
            period=SCHOOL_YEAR,
            deadlines=[
                due("draft", {"counted_from": "first-day", "days": 14}),
                due("self-score", {"counted_from": "last-day", "days": -10}),
                due("filing", {"year": 2, "month": 1, "day": 15}),
            ],
        )
        expected = {
            Duty.DRAFT: date(2026, 9, 15),
            Duty.SELF_SCORE: date(2027, 5, 21),
            Duty.FILING: date(2028, 1, 15),
        }
        assert {duty: usual_due(duty, 2026, rules) for duty in expected} == {
            duty: end_of(last) for duty, last in expected.items()
        }

    def test_a_day_off_is_avoided_here_too(self) -> None:
        rules = edition(deadlines=[due("draft", {"counted_from": "first-day", "days": 2}, if_day_off="next")])
        assert usual_due(Duty.DRAFT, 2026, rules) == end_of(date(2026, 1, 5)), "3 January 2026 is a Saturday"

    def test_it_ends_after_it_begins(self) -> None:
        with pytest.raises(ValidationError, match="range_backwards"):
            Period(first=YearDay(month=9, day=1), last=YearDay(month=5, day=31))

    @pytest.mark.parametrize(("on", "late"), [(date(2027, 5, 31), False), (date(2027, 6, 1), True)])
    def test_a_final_meeting_is_late_after_the_period(self, on: date, *, late: bool) -> None:
        case = Case(opened=False, rules=edition(period=SCHOOL_YEAR)).when(opening("backfill"))
        final = RecordMeeting(id="tk", kind="final")
        case.when(final, happened=When.on(on), issued=day(12, 1, year=2027)).happened()
        assert ("final_next_year" in {one.code for one in deviations(case.state, case.rules)}) is late

    def test_a_year_begins_with_its_period(self) -> None:
        rules = edition(period=SCHOOL_YEAR)
        assert default_start(2026, rules, day(3, 1)) == start_of(date(2026, 9, 1))
        assert default_start(2026, rules, day(10, 1)) == day(10, 1)

    def test_days_of_rules_in_words(self) -> None:
        with in_language("vi"):
            assert year_day(YearDay(month=3, day=5)) == "05/03"
            assert year_day(YearDay(year=1, month=1, day=15)) == "15/01 năm sau"
            assert year_day(YearDay(year=2, month=1, day=15)) == "15/01 năm sau nữa"
            assert year_day(PeriodDay(counted_from="last-day", days=-10)) == "10 ngày trước ngày cuối kỳ"
            assert year_day(PeriodDay(counted_from="first-day", days=14)) == "14 ngày sau ngày đầu kỳ"
            assert year_day(PeriodDay(counted_from="last-day", days=0)) == "ngày cuối kỳ"


class TestValidity:
    def adopted(self, valid_from: str) -> set[str]:
        case = Case(opened=False).when(opening("backfill"))
        case.when(AdoptEdition(edition="f" * 64), happened=When.on(date(2026, 7, 1))).happened()
        since = start_of(date(2026, 7, 1))
        rules = in_force(
            (Adoption(DIGEST), Adoption("f" * 64, since)), {DIGEST: RULES, "f" * 64: edition(valid_from=valid_from)}
        )
        return {one.code for one in deviations(case.state, rules)}

    def test_an_edition_adopted_before_it_is_valid_is_a_deviation(self) -> None:
        assert "edition_out_of_time" in self.adopted("02/07/2026")
        assert "edition_out_of_time" not in self.adopted("01/07/2026")


CHECKED = (
    ({"deadlines": [due("self-score", {"month": 11, "day": 10})]}, "due_before_period_ends"),
    ({"deadlines": [due("midyear-report", {"month": 6, "day": 15})]}, "due_before_period_ends"),
    (
        {"deadlines": [due("self-score", {"month": 11, "day": 10}, figures_until={"month": 11, "day": 11})]},
        "figures_after_due",
    ),
    ({"covenants": ["term-covenant"]}, "term_without_years"),
    ({"covenant_years": {"first": 2022, "last": 2026}}, "years_without_term"),
    ({"covenants": [], "deadlines": [due("signature", {"month": 3, "day": 15})]}, "deadline_without_covenant"),
    ({"issued": "2026-05-15", "valid_from": "01/01/2026"}, "in_force_before_its_date"),
    ({"awards": [{"id": "co", "title": "Cờ", "share": "0.2"}]}, "share_needs_units"),
    ({"cross_checks": None, "deadlines": [due("cross-check", {"month": 11, "day": 20})]}, "cross_checks_by_act"),
)


@pytest.mark.parametrize(("changes", "code"), CHECKED)
def test_rules_check_names_it(changes: dict[str, Any], code: str) -> None:
    (found,) = edition_remarks(edition(**{"deadlines": [], **changes}))
    assert found.code == code
    for language in ("vi", "en"):
        with in_language(language):
            assert not sentence(found.code, dict(found.facts)).startswith(code)


def test_rules_check_is_silent_where_all_is_said() -> None:
    figures = {"figures_until": {"month": 10, "day": 31}}
    whole = edition(
        deadlines=[
            due("self-score", {"month": 11, "day": 10}, **figures),
            due("midyear-report", {"month": 7, "day": 10}),
            due("signature", {"month": 3, "day": 15}),
        ],
        covenants=["covenant", "term-covenant"],
        covenant_years={"first": 2022, "last": 2026},
        issued="2025-12-15",
        valid_from="01/01/2026",
    )
    assert edition_remarks(whole) == ()


def test_a_deadline_reads_both_kinds_of_days() -> None:
    for written in ({"month": 3, "day": 15}, {"counted_from": "last-day", "days": -3}):
        read = Deadline.model_validate(due("draft", written))
        assert Deadline.model_validate_json(read.model_dump_json()) == read
    for wrong in ({"month": 3, "day": 15, "days": 1}, {"counted_from": "middle", "days": 1}, {}):
        with pytest.raises(ValidationError):
            Deadline.model_validate(due("draft", wrong))
