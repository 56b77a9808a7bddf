"""The clock as an actor: reminders, overdue acts, escalation, extensions, hard closes, in order and once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from speech import CITY, TEXT, UNITS, Case, day, opening

from domain.city_year import CITY_YEAR
from domain.cycle import CYCLE
from domain.deviations import deviations
from domain.due_dates import escalation, next_office_hours, reminders, usual_due
from domain.duties import Duty
from domain.late_escalations import late_still
from domain.obligations import current_step, obligations, steps, tasks
from domain.rules import NO_RULES, Edition
from domain.steps.clock import MarkOverdue
from domain.steps.commenting import TakeStance
from domain.steps.drafting import PresentDraft
from domain.steps.escalation import ConfirmEscalation
from domain.steps.extensions import AskExtension, GrantExtension, RefuseExtension
from domain.steps.lifecycle import ReopenDuty
from domain.steps.membership import AssignRole
from domain.steps.midyear import ReportMidyear, SendBack
from domain.times import ICT, When
from domain.types import Document
from projections.board import line_of

HEAD, DEPUTY, THIRD = UNITS
PAPER = Document(title="Bản")


def test_the_clock_speaks_in_order_and_once() -> None:
    case = Case().when(AssignRole(role="head", holder=HEAD, manner="elected"))
    case.when(PresentDraft(kind="plan", document=PAPER)).step(day(3, 3))
    said = [t for t in case.history if t.event.NAME in {"UnitReminded", "DeadlinePassed", "EscalationProposed"}]
    assert [t.meta.happened.latest for t in said] == sorted(t.meta.happened.latest for t in said)
    assert case.names().count("UnitReminded") == 6  # two leads for three units
    assert case.names().count("EscalationProposed") == 1
    before = len(case.history)
    assert CYCLE.due(case.state, case.rules, day(3, 3)) is None
    case.until(day(3, 3))
    assert len(case.history) == before


def test_nobody_is_reminded_of_what_waits_for_another() -> None:
    case = Case().step(day(2, 20))
    assert not [t for t in case.history if t.event.NAME == "UnitReminded" and t.event.duty is Duty.STANCE]


def test_who_has_answered_is_left_alone() -> None:
    case = (
        Case().when(PresentDraft(kind="plan", document=PAPER)).when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD)
    )
    case.step(day(3, 1))
    told = {t.event.unit for t in case.history if t.event.NAME == "DeadlinePassed" and t.event.duty is Duty.STANCE}
    assert told == {HEAD, DEPUTY}


def test_the_last_day_ends_at_midnight_in_vietnam() -> None:
    case = Case().step(day(7, 10, hour=23)).when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD)
    case.step(day(7, 11, hour=0)).when(ReportMidyear(unit=DEPUTY, report=PAPER), by=DEPUTY)
    case.step(day(7, 11, hour=1)).when(ReportMidyear(unit=HEAD, report=PAPER), by=HEAD)
    owed = {o.bearer: o for o in obligations(case.state, case.rules) if o.duty is Duty.MIDYEAR_REPORT}
    assert [owed[unit].late for unit in (THIRD, DEPUTY, HEAD)] == [False, False, True]
    assert "late/midyear-report/dong-da/" in {d.key for d in deviations(case.state, case.rules)}


def test_an_extension_moves_the_deadline_and_stays_visible() -> None:
    case = Case().step(day(7, 1))
    ask = AskExtension(unit=THIRD, duty=Duty.MIDYEAR_REPORT, until=date(2026, 7, 20), reason=TEXT)
    case.when(ask, by=THIRD).happened("ExtensionAsked").when(ask, by=THIRD).refused("extension_is_asked")
    grant = GrantExtension(unit=THIRD, duty=Duty.MIDYEAR_REPORT, until=date(2026, 7, 20), reason=TEXT)
    case.when(grant, by=THIRD).refused("not_yours")
    case.when(grant).happened("ExtensionGranted")
    assert case.state.deadlines.extension_requests == {}
    case.step(day(7, 12))
    late = {
        t.event.unit for t in case.history if t.event.NAME == "DeadlinePassed" and t.event.duty is Duty.MIDYEAR_REPORT
    }
    assert late == {HEAD, DEPUTY}
    (task,) = [t for t in tasks(case.state, case.rules, THIRD) if t.duty is Duty.MIDYEAR_REPORT]
    assert task.extended
    assert not task.overdue(day(7, 12))
    case.when(GrantExtension(duty=Duty.MIDYEAR_REPORT, until=date(2026, 7, 5), reason=TEXT)).refused(
        "extension_is_no_extension"
    )


def test_an_extension_for_all() -> None:
    case = Case().when(GrantExtension(duty=Duty.MIDYEAR_REPORT, until=date(2026, 7, 31), reason=TEXT)).happened()
    assert {o.extended for o in obligations(case.state, case.rules) if o.duty is Duty.MIDYEAR_REPORT} == {True}


def test_an_extension_is_refused_with_its_reason() -> None:
    case = Case().when(RefuseExtension(unit=THIRD, duty=Duty.STANCE, reason=TEXT)).refused("extension_not_asked")
    case.when(AskExtension(unit=THIRD, duty=Duty.STANCE, until=date(2026, 3, 5), reason=TEXT), by=THIRD).happened()
    case.when(RefuseExtension(unit=THIRD, duty=Duty.STANCE, reason=TEXT)).happened("ExtensionRefused")
    assert case.state.deadlines.extension_requests == {}


def test_only_what_is_owed_and_dated_is_extended() -> None:
    case = Case()
    case.when(AskExtension(unit=THIRD, duty=Duty.DRAFT, until=date(2026, 3, 5), reason=TEXT), by=THIRD).refused(
        "duty_not_owed"
    )
    case.when(GrantExtension(duty=Duty.FILING, until=date(2027, 3, 5), reason=TEXT)).refused("duty_has_no_deadline")


def test_escalation_goes_out_only_when_confirmed() -> None:
    case = Case().when(ConfirmEscalation(duty=Duty.STANCE)).refused("nothing_to_escalate")
    case.step(day(3, 3)).when(ConfirmEscalation(duty=Duty.STANCE)).happened("EscalationConfirmed")
    case.when(ConfirmEscalation(duty=Duty.STANCE)).already()


def test_an_escalation_is_offered_of_those_that_are_late_still() -> None:
    """The proposal stays; who has done it or has more time is not offered, until that has passed, too."""
    case = Case().when(PresentDraft(kind="plan", document=PAPER)).step(day(3, 3))

    def offered() -> tuple[str, ...]:
        line = {
            one["duty"]: one["units"] for one in line_of("mttq-tp/2026/cum-1", case.state, case.rules)["escalations"]
        }
        found = late_still(case.state.deadlines, obligations(case.state, case.rules))
        assert line == {duty.value: list(units) for duty, units in found.items()}
        return found.get(Duty.STANCE, ())

    assert offered() == (HEAD, DEPUTY, THIRD)
    case.when(TakeStance(unit=THIRD, stance="agreed"), by=THIRD).happened()
    assert offered() == (HEAD, DEPUTY)
    case.when(GrantExtension(unit=DEPUTY, duty=Duty.STANCE, until=date(2026, 3, 20), reason=TEXT)).happened()
    assert offered() == (HEAD,)
    case.step(day(3, 21))
    assert offered() == (HEAD, DEPUTY)
    case.when(ConfirmEscalation(duty=Duty.STANCE)).happened()
    assert offered() == ()


def test_the_clock_closes_what_the_rules_close() -> None:
    case = Case().step(day(7, 22))
    assert "DutyClosed" in case.names()
    case.when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD).refused("duty_closed")
    case.when(ReportMidyear(unit=THIRD, report=PAPER), by=CITY).happened()


def test_a_reopened_duty_stays_open_and_the_clock_goes_on() -> None:
    case = Case().step(day(7, 22)).when(ReopenDuty(duty=Duty.MIDYEAR_REPORT, reason=TEXT)).happened()
    case.step(day(11, 12))
    assert Duty.MIDYEAR_REPORT not in case.state.lifecycle.closed
    assert any(t.event.NAME == "DeadlinePassed" and t.event.duty is Duty.SELF_SCORE for t in case.history)


def test_more_time_after_the_deed_does_not_make_it_timely() -> None:
    case = Case().step(day(7, 12)).when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD).happened()
    late = {d.key for d in deviations(case.state, case.rules)}
    assert f"late/midyear-report/{THIRD}/" in late
    more = {"duty": Duty.MIDYEAR_REPORT, "until": date(2026, 9, 1), "reason": TEXT}
    case.when(GrantExtension(unit=THIRD, **more)).refused("duty_is_done")
    case.when(AskExtension(unit=THIRD, **more), by=THIRD).refused("duty_is_done")
    case.step(day(7, 13)).when(GrantExtension(**more)).happened()
    assert late <= {d.key for d in deviations(case.state, case.rules)}
    extended = {o.bearer: o.extended for o in obligations(case.state, case.rules) if o.duty is Duty.MIDYEAR_REPORT}
    assert extended == {HEAD: True, DEPUTY: True, THIRD: False}


def test_a_unit_that_nobody_knows_is_named_as_such() -> None:
    Case().when(TakeStance(unit="khong-co", stance="agreed"), by=THIRD).refused("no_such_unit")


def test_a_date_beyond_the_calendar_is_no_date() -> None:
    for until in (date(9999, 12, 31), date(1, 1, 1)):
        with pytest.raises(ValueError, match="until"):
            GrantExtension(duty=Duty.STANCE, until=until, reason=TEXT)
    with pytest.raises(ValueError, match="date_bounds"):
        When.on(date(1, 1, 2))


def test_who_was_in_time_and_thinks_again_is_not_late() -> None:
    case = Case().step(day(7, 1)).when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD).happened()
    case.step(day(7, 15)).when(ReportMidyear(unit=THIRD, report=Document(title="Bản 2")), by=THIRD).happened()
    assert not [d for d in deviations(case.state, case.rules) if d.code == "late_act" and d.facts["unit"] == THIRD]


def test_a_correction_has_a_deadline_of_its_own() -> None:
    case = Case().step(day(6, 1)).when(ReportMidyear(unit=THIRD, report=PAPER), by=THIRD)
    case.when(SendBack(unit=THIRD, text=TEXT)).happened().step(day(6, 10))
    about = [(t.event.NAME, t.event.unit) for t in case.history if getattr(t.event, "duty", None) is Duty.CORRECTION]
    assert about == [("UnitReminded", THIRD), ("DeadlinePassed", THIRD)]


def test_only_the_clock_says_what_the_clock_says() -> None:
    Case().when(MarkOverdue(duty=Duty.STANCE, unit=THIRD, subject=None, due=day(2, 25))).refused("not_yours")


def test_a_backfilled_register_reminds_nobody() -> None:
    case = Case(opened=False).when(opening("backfill"))
    assert CYCLE.next_due(case.state, case.rules) is None


def test_without_rules_nothing_is_dated() -> None:
    case = Case(rules=NO_RULES)
    assert {o.due for o in obligations(case.state, NO_RULES)} == {None}
    assert CYCLE.next_due(case.state, NO_RULES) is None


def test_steps_are_derived() -> None:
    case = Case()
    assert current_step(steps(case.state, case.rules)) == "plan-draft"
    for kind in ("plan", "bylaws", "covenant"):
        case.when(PresentDraft(kind=kind, document=PAPER)).happened()
    assert current_step(steps(case.state, case.rules)) == "comments"
    assert [s.name for s in steps(case.state, case.rules) if s.done] == ["plan-draft"]


def test_before_the_opening_nobody_owes_anything() -> None:
    assert obligations(CYCLE.empty(), NO_RULES) == ()
    assert CITY_YEAR.next_due(CITY_YEAR.empty(), NO_RULES) is None
    assert CITY_YEAR.due(CITY_YEAR.empty(), NO_RULES, day(1, 1)) is None


# Days off -------------------------------------------------------------------------------------------------------


def rules_of(duty: str, **deadline: object) -> Edition:
    """An edition with one deadline, in which the office is closed on weekends and from 2 to 4 September 2026."""
    return Edition.model_validate(
        {
            "id": "nghi",
            "title": "Bản có ngày nghỉ",
            "calendar": {"days_off": [{"first": "2026-09-02", "last": "2026-09-04", "title": "Quốc khánh"}]},
            "deadlines": [{"duty": duty, "article": "Điều 1", **deadline}],
        }
    )


def reminded(rules: Edition, year: int = 2026) -> list[tuple[int, str]]:
    """How many days before the clock reminds, and when."""
    duty = rules.deadlines[0].duty
    due = usual_due(duty, year, rules)
    assert due is not None
    return [(days, f"{instant.astimezone(ICT):%a %d/%m %H:%M}") for days, instant in reminders(duty, due, rules)]


def test_a_reminder_of_a_day_off_comes_on_the_working_day_before() -> None:
    # 6 September 2026 is a Sunday after a holiday from Wednesday to Friday.
    last = {"month": 9, "day": 6}
    assert reminded(rules_of("midyear-report", due=last, remind_days_before=[14, 1])) == [
        (1, "Tue 01/09 08:00"),
        (14, "Fri 21/08 08:00"),
    ]
    assert reminded(rules_of("midyear-report", due={"month": 7, "day": 10}, remind_days_before=[3])) == [
        (3, "Tue 07/07 08:00")
    ]


def test_two_reminders_of_one_day_become_one() -> None:
    rules = rules_of("midyear-report", due={"month": 9, "day": 6}, remind_days_before=[5, 3, 2, 1, 0])
    assert reminded(rules) == [(0, "Tue 01/09 08:00")]
    case = Case(rules=rules).step(day(9, 1, hour=9))
    told = [t.event.unit for t in case.history if t.event.NAME == "UnitReminded"]
    assert sorted(told) == sorted(UNITS)
    case.step(day(9, 8))
    assert len([t for t in case.history if t.event.NAME == "UnitReminded"]) == len(UNITS), "and no second time"


@pytest.mark.parametrize(
    ("last", "after", "proposed"),
    [
        ({"month": 7, "day": 10}, 0, "14/07"),  # a Friday: Monday is the first working day
        ({"month": 7, "day": 10}, 3, "14/07"),
        ({"month": 7, "day": 10}, 8, "20/07"),  # a Saturday would be the eighth day
        ({"month": 9, "day": 1}, 1, "08/09"),  # before the holiday and a weekend
        ({"month": 7, "day": 6}, 5, "13/07"),
    ],
)
def test_an_escalation_waits_for_the_second_working_day(last: dict[str, int], after: int, proposed: str) -> None:
    rules = rules_of("midyear-report", due=last, escalate_days_after=after)
    due = usual_due(Duty.MIDYEAR_REPORT, 2026, rules)
    assert due is not None
    instant = escalation(Duty.MIDYEAR_REPORT, due, rules)
    assert instant is not None
    assert f"{instant.astimezone(ICT):%d/%m %H:%M}" == f"{proposed} 08:00"
    case = Case(rules=rules).step(instant - timedelta(seconds=1))
    assert "EscalationProposed" not in case.names()
    assert "EscalationProposed" in case.step(instant).names()


@pytest.mark.parametrize(
    ("instant", "begins"),
    [
        (day(9, 1, hour=9), day(9, 1, hour=9)),
        (day(9, 1, hour=0), day(9, 1, hour=8)),
        (day(9, 1, hour=17), day(9, 7, hour=8)),
        (day(9, 5, hour=10), day(9, 7, hour=8)),
    ],
)
def test_a_mail_of_midnight_waits_for_office_hours(instant: datetime, begins: datetime) -> None:
    calendar = rules_of("midyear-report", due={"month": 9, "day": 6}).calendar
    assert next_office_hours(instant, calendar) == begins
