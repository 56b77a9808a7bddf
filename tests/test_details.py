"""Details of the law that a year of acts passes over: each was changed once, and no other test noticed it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError
from speech import RULES, TEXT, UNITS, Case

from domain.due_dates import OFFICE_OPENS, alarm
from domain.duties import Duty
from domain.obligations import obligations
from domain.rights import is_binding
from domain.steps.midyear import ReportMidyear, SendBack
from domain.steps.targets import RegisterTargets, Target
from domain.times import end_of, start_of
from domain.types import Amount, Document

UNIT, *_ = UNITS


def test_a_calendar_reminds_in_office_hours_of_the_working_day_before() -> None:
    monday, friday = date(2026, 3, 16), date(2026, 3, 13)
    assert alarm(end_of(monday), RULES) == start_of(friday) + OFFICE_OPENS


def test_of_two_targets_named_twice_the_first_is_told() -> None:
    targets = tuple(Target(id=name, title=name.upper()) for name in ("b", "a", "a", "b"))
    case = Case().when(RegisterTargets(unit=UNIT, targets=targets), by=UNIT).refused("named_twice")
    assert case.outcome.facts == {"name": "b"}  # type: ignore[union-attr]


def test_acceptance_waits_for_the_report_and_then_for_its_correction() -> None:
    def awaited(case: Case) -> set[Duty | None]:
        found = [one for one in obligations(case.state, RULES) if one.duty is Duty.MIDYEAR_ACCEPTANCE]
        return {one.awaited for one in found if one.subject == UNIT}

    case = Case()
    assert awaited(case) == {Duty.MIDYEAR_REPORT}
    case.when(ReportMidyear(unit=UNIT, report=Document(title="Báo cáo")), by=UNIT).happened("MidyearReported")
    assert awaited(case) == {None}
    case.when(SendBack(unit=UNIT, text=TEXT)).happened()
    assert awaited(case) == {Duty.CORRECTION}


@pytest.mark.parametrize(
    ("act", "fields", "binding"),
    [
        ("take-stance", {}, False),
        ("sign", {}, True),
        ("no-such-act", {}, False),
        ("correct", {"instead": {"act": "take-stance"}}, False),
        ("correct", {"instead": {"act": "sign"}}, True),
        ("correct", {"instead": None}, False),
        ("take-stance", {"instead": {"act": "sign"}}, False),
    ],
)
def test_what_binds(act: str, fields: dict[str, object], binding: bool) -> None:
    assert is_binding(act, fields) is binding


@pytest.mark.parametrize("typed", ["٣", "1_000", "３"])
def test_a_number_has_the_digits_of_here(typed: str) -> None:
    amount: TypeAdapter[Decimal] = TypeAdapter(Amount)
    with pytest.raises(ValidationError):
        amount.validate_python(typed)
