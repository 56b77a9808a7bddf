"""What sources tell of clusters and meetings: level, re-cutting, kinds of units, second kinds, forms, odd dates."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from speech import CITY, DIGEST, RULES, UNITS, Case, opening

from application.recording.file import RecordFile
from application.recording.plan import Plan
from domain.deviations import deviations
from domain.duties import Duty
from domain.obligations import obligations
from domain.rules import NO_RULES, Edition
from domain.steps.lifecycle import OpenCycle
from domain.steps.meetings import RecordMeeting
from domain.steps.naming import NameUnit
from domain.steps.signing import SignJointly
from domain.steps.targets import RegisterTargets
from domain.times import When
from domain.types import Provenance
from i18n import in_language
from i18n.state_text import deviation_text, state_lines
from i18n.timeline import describe, event_text
from i18n.values import Words

HEAD, DEPUTY, THIRD = UNITS
NEWS = Provenance(kind="stated", source="bao-vi-du")


def sentence(case: Case, language: str = "en") -> str:
    with in_language(language):
        return describe(case.history[-1], {}, {})


def lines(case: Case, language: str = "en") -> list[str]:
    with in_language(language):
        return [line.strip() for line in state_lines(case.state, {})]


def opened(**fields: Any) -> Case:
    act = OpenCycle.model_validate({**dict(opening()), **fields})
    return Case(opened=False).when(act, by=CITY).happened()


class TestClusters:
    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({}, "The cycle 2026 is opened for Cụm 1."),
            ({"level": "commune"}, "The cycle 2026 is opened for Cụm 1 (commune level)."),
            (
                {"regrouped": "bỏ cấp huyện"},
                "The cycle 2026 is opened for Cụm 1. Clusters were regrouped: bỏ cấp huyện.",
            ),
            (
                {"level": "district", "regrouped": "sáp nhập"},
                "The cycle 2026 is opened for Cụm 1 (district level). Clusters were regrouped: sáp nhập.",
            ),
        ],
    )
    def test_level_and_why_it_was_cut_anew(self, fields: dict[str, Any], told: str) -> None:
        case = opened(**fields)
        assert sentence(case) == told
        assert ("level: district level" in lines(case)) is (fields.get("level") == "district")
        assert ("clusters were regrouped: sáp nhập" in lines(case)) is (fields.get("regrouped") == "sáp nhập")

    def test_what_is_not_told_is_not_written(self) -> None:
        event = opened().history[0].event
        assert not {"level", "regrouped", "unnamed_kinds"} & set(event.model_dump())

    def test_kinds_of_units_that_are_not_named(self) -> None:
        kinds = [{"kind": "xã", "count": 5}, {"kind": "phường", "count": "unknown"}]
        case = opened(unnamed=8, unnamed_kinds=kinds)
        assert "and 8 units not named (5 xã, unknown phường)" in lines(case)
        case.when(NameUnit(unit="tay-ho", name="Tây Hồ")).happened()
        assert "and 7 units not named" in lines(case), "of which kind it was counted, nobody says"
        with pytest.raises(ValidationError, match="kinds_beyond_unnamed"):
            opened(unnamed=4, unnamed_kinds=kinds)
        with pytest.raises(ValidationError, match="kinds_beyond_unnamed"):
            opened(unnamed_kinds=kinds)
        assert opened(unnamed=5, unnamed_kinds=kinds).state.lifecycle.unnamed == 5
        assert opened(unnamed="unknown", unnamed_kinds=kinds).state.lifecycle.unnamed == "unknown"


class TestMeetings:
    def test_a_second_kind_counts_as_well(self) -> None:
        act = RecordMeeting(id="hn", kind="quarterly", also="final", held="both", place="Hà Nội")
        case = Case().when(act).happened()
        assert sentence(case) == "A meeting is held (quarterly meeting, final meeting, in person and online): Hà Nội."
        assert sentence(case, "vi").count("trực tiếp kết hợp trực tuyến") == 1
        done = {one.duty for one in obligations(case.state, case.rules) if one.done is not None}
        assert Duty.FINAL_MEETING in done
        assert Duty.FINAL_MEETING not in {
            one.duty
            for one in obligations(Case().when(RecordMeeting(id="hn", kind="quarterly")).state, RULES)
            if one.done is not None
        }

    def test_how_many_people_nearly(self) -> None:
        act = RecordMeeting(id="hn", kind="final", attendance=100, attendance_exactness="nearly")
        assert any(", present: nearly 100 (" in line for line in lines(Case().when(act).happened()))
        exact = RecordMeeting(id="hn", kind="final", attendance=100)
        assert any(", present: 100 (" in line for line in lines(Case().when(exact).happened()))
        assert "attendance_exactness" not in exact.model_dump()

    def test_a_count_of_thousands_is_written_in_groups_like_an_amount(self) -> None:
        act = RecordMeeting.model_validate({"id": "hn", "kind": "final", "attendance": "1.250", "of_year": 2026})
        case = Case().when(act).happened()
        assert any("1.250 người" in line for line in lines(case, "vi"))
        with in_language("vi"):
            told = [str(one) for one in event_text(case.history[-1], Words({}, {})).details]
        assert any(one.endswith(": 1.250") for one in told)
        assert not any("2.026" in one for one in told), "a year is no count"

    def test_where_no_version_was_presented_no_number_is_told(self) -> None:
        case = Case().when(SignJointly()).happened()
        assert not [one for one in event_text(case.history[-1], Words({}, {})).details if one.lines == ("0",)]

    def test_a_target_of_at_least_five(self) -> None:
        target = {"id": "nha", "title": "Nhà", "amount": 5, "measure": "nhà", "exactness": "at-least"}
        act = RegisterTargets.model_validate({"unit": HEAD, "targets": [target]})
        case = Case().when(act, by=HEAD).happened()
        assert case.state.targets.registrations[HEAD].event.targets[0].exactness == "at-least"


class TestUnusualDates:
    """Without a deadline of an edition, what is odd by its date is asked about."""

    def case(self, rules: Edition = NO_RULES) -> Case:
        return Case(opened=False, rules=rules).when(opening("backfill"), by=CITY, provenance=NEWS).happened()

    def codes(self, case: Case) -> set[str]:
        return {one.code for one in deviations(case.state, case.rules)} & {"meeting_unusual", "signing_unusual"}

    @pytest.mark.parametrize(
        ("kind", "on", "odd"),
        [
            ("mid-year", When.on(date(2026, 5, 31)), True),
            ("mid-year", When.on(date(2026, 6, 1)), False),
            ("mid-year", When.on(date(2026, 7, 31)), False),
            ("mid-year", When.on(date(2026, 8, 1)), True),
            ("mid-year", When.on(date(2026, 1, 1), date(2026, 12, 31)), False),
            ("mid-year", When.on(date(2026, 7, 1), date(2026, 8, 31)), False),
            ("launching", When.on(date(2026, 3, 31)), False),
            ("launching", When.on(date(2026, 4, 1)), True),
            ("launching", When.on(date(2025, 12, 20)), False),
            ("final", When.on(date(2026, 9, 30)), True),
            ("final", When.on(date(2026, 10, 1)), False),
            ("thematic", When.on(date(2026, 8, 1)), False),
        ],
    )
    def test_meetings(self, kind: str, on: When, *, odd: bool) -> None:
        act = RecordMeeting.model_validate({"id": "hn", "kind": kind})
        case = self.case().when(act, happened=on, provenance=NEWS).happened()
        assert self.codes(case) == ({"meeting_unusual"} if odd else set())
        second = RecordMeeting.model_validate({"id": "hn", "kind": "other", "also": kind})
        case = self.case().when(second, happened=on, provenance=NEWS).happened()
        assert self.codes(case) == ({"meeting_unusual"} if odd else set())

    @pytest.mark.parametrize(("on", "odd"), [(date(2026, 3, 31), False), (date(2026, 4, 1), True)])
    def test_the_covenant(self, on: date, *, odd: bool) -> None:
        case = self.case().when(SignJointly(), happened=When.on(on), provenance=NEWS).happened()
        assert self.codes(case) == ({"signing_unusual"} if odd else set())

    def test_the_deadline_of_an_edition_counts(self) -> None:
        case = self.case(RULES).when(SignJointly(), happened=When.on(date(2026, 4, 1)), provenance=NEWS).happened()
        meeting = RecordMeeting(id="hn", kind="mid-year")
        case.when(meeting, happened=When.on(date(2026, 8, 1)), provenance=NEWS).happened()
        assert self.codes(case) == set()

    def test_the_period_counts(self) -> None:
        period = {"first": {"month": 9, "day": 1}, "last": {"month": 8, "day": 31, "year": 1}}
        rules = Edition.model_validate({"id": "nam-hoc", "title": "Năm học", "period": period})
        for on, odd in ((date(2026, 11, 30), False), (date(2026, 12, 1), True)):
            case = self.case(rules)
            case.when(SignJointly(), happened=When.on(on), provenance=NEWS, issued=When.on(date(2027, 1, 1)).earliest)
            assert self.codes(case.happened()) == ({"signing_unusual"} if odd else set())

    def test_it_is_a_remark_in_words(self) -> None:
        meeting = RecordMeeting(id="hn", kind="mid-year")
        case = self.case().when(meeting, happened=When.on(date(2026, 8, 12)), provenance=NEWS).happened()
        (found,) = [one for one in deviations(case.state, case.rules) if one.code == "meeting_unusual"]
        with in_language("en"):
            assert deviation_text(found, {}) == (
                "held at an unusual time of the year: is the date right?: remark "
                "(mid-year meeting, usual from 01/06/2026, until 31/07/2026)"
            )

    def test_a_meeting_of_the_other_year_is_asked_about_there(self) -> None:
        meeting = RecordMeeting(id="hn", kind="final", of_year=2025)
        case = self.case().when(meeting, happened=When.on(date(2026, 2, 1)), provenance=NEWS).happened()
        assert self.codes(case) == set()


class TestFiles:
    def file(self, cluster: dict[str, Any], meeting: dict[str, Any]) -> RecordFile:
        return RecordFile.model_validate(
            {
                "organiser": CITY,
                "organiser_name": "Thành phố",
                "year": 2025,
                "cluster": {"id": "cum-1", "name": "Cụm 1", **cluster},
                "meetings": [{"id": "hn", "kind": "tổng kết", "on": "15/12/2025", **meeting}],
            }
        )

    def test_values_in_vietnamese_and_in_english(self) -> None:
        for level, also, held, exactness in (
            ("cấp xã", "chuyên đề", "kết hợp", "gần"),
            ("commune", "thematic", "both", "nearly"),
            ("Cấp  Xã", "Chuyên đề", "Kết hợp", "Gần"),
        ):
            file = self.file(
                {
                    "unnamed": 8,
                    "unnamed_kinds": [{"kind": "xã", "count": 8}],
                    "level": level,
                    "regrouped": "bỏ cấp huyện",
                },
                {"also": also, "held": held, "attendance": 100, "attendance_exactness": exactness},
            )
            plan = Plan(file, {"this": DIGEST}, None)
            opening_act = plan.opening("this", When.on(date(2025, 1, 1)), None)[0].input.fields
            opened = OpenCycle.model_validate(opening_act)
            assert (opened.level, opened.regrouped, opened.unnamed_kinds[0].count) == ("commune", "bỏ cấp huyện", 8)
            (group,) = plan.groups()
            meeting = RecordMeeting.model_validate(group.acts[0].input.fields)
            assert (meeting.also, meeting.held, meeting.attendance_exactness) == ("thematic", "both", "nearly")

    def test_what_is_wrong_is_refused_by_its_field(self) -> None:
        with pytest.raises(ValidationError, match=r"cluster\.level"):
            self.file({"unnamed": 1, "level": "cấp làng"}, {})
        with pytest.raises(ValidationError, match=r"meetings\.0\.held"):
            self.file({"unnamed": 1}, {"held": "qua thư"})
        with pytest.raises(ValidationError, match="kinds_beyond_unnamed"):
            self.file({"unnamed": 1, "unnamed_kinds": [{"kind": "xã", "count": 2}]}, {})

    def test_without_them_a_file_says_nothing_new(self) -> None:
        plan = Plan(self.file({"unnamed": 1}, {}), {"this": DIGEST}, None)
        fields = plan.opening("this", When.on(date(2025, 1, 1)), None)[0].input.fields
        assert not {"level", "regrouped", "unnamed_kinds"} & set(fields)
        assert plan.groups()[0].acts[0].input.fields == {"id": "hn", "kind": "final"}
        assert plan.groups()[0].acts[0].input.provenance == Provenance(kind="unsourced")
