"""Details of the law that a year of acts passes over: each was changed once, and no other test noticed it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError
from speech import RULES, TEXT, UNITS, Case, day

from domain.due_dates import OFFICE_OPENS, alarm
from domain.duties import Duty
from domain.obligations import obligations
from domain.rights import is_binding
from domain.rules import Edition
from domain.scoring.classes import ShareRounding, places_of
from domain.steps.commenting import TakeStance
from domain.steps.drafting import PresentDraft
from domain.steps.membership import AssignRole
from domain.steps.midyear import ReportMidyear, SendBack
from domain.steps.signing import SignCovenant
from domain.steps.succession import MergeUnits
from domain.steps.targets import RegisterTargets, Target
from domain.times import When, end_of, start_of
from domain.types import Amount, Document
from domain.units import Unit

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


@pytest.mark.parametrize(
    ("units", "how", "places"),
    [
        (3, "down", 1),
        (2, "down", 0),
        (2, "half-up", 1),
        (3, "half-up", 1),
        (3, "up", 1),
        (1, "half-up", 0),
        (1, "up", 1),
        (6, "half-up", 2),
        (4, "half-up", 1),
    ],
)
def test_a_third_of_a_cluster_is_whole_places(units: int, how: ShareRounding, places: int) -> None:
    assert places_of("1/3", units, how) == places


def test_a_role_of_an_unknown_day_began_in_its_range_and_one_of_a_known_day_then() -> None:
    def begun(when: When, **more: date) -> When | None:
        case = Case(clock="backfill").when(
            AssignRole(role="head", holder=UNIT, manner="elected"), happened=when, **more
        )
        return case.happened().state.membership.terms["head"][0].begun

    month = When.on(date(2026, 2, 1), date(2026, 2, 28))
    assert begun(month) == month
    assert begun(When.on(date(2026, 2, 3))) is None
    assert begun(month, effective=date(2026, 3, 1)) is None


def test_a_merged_unit_signed_what_the_last_of_its_units_signed() -> None:
    one, other, *_ = UNITS
    case = Case(rules=Edition.model_validate({**RULES.model_dump(), "inherits": ["signature"]}))
    for version, unit in enumerate((other, one), start=1):
        case.when(PresentDraft(kind="covenant", document=Document(title=f"Bản {version}"))).happened()
        case.when(SignCovenant(unit=unit), by=unit).happened().step(day(3, version))
    by = case.state.signing.signatures
    case.when(MergeUnits(units=(other, one), into=Unit(id="moi", name="Mới"))).happened("UnitsSucceeded")
    heir = case.state.signing.signatures["moi"]
    assert (heir.number, heir.when) == (by[one].number, by[one].when) == (2, by[one].when)
    assert by[one].when != by[other].when


def test_of_several_changes_that_were_not_read_the_last_is_told() -> None:
    def paper(title: str) -> PresentDraft:
        return PresentDraft(kind="covenant", document=Document(title=title))

    case = Case().when(paper("Bản 1")).happened()
    read = len(case.history)
    case.when(paper("Bản 2")).happened()
    case.when(TakeStance(unit=UNIT, stance="agreed", on="covenant"), by=UNIT).happened("StanceTaken")
    case.when(TakeStance(unit=UNIT, stance="changes-requested", on="covenant"), by=UNIT, based_on=read).refused(
        "changed_since"
    )
    assert case.outcome.facts["version"] == len(case.history)  # type: ignore[union-attr]


@pytest.mark.parametrize("typed", ["٣", "1_000", "３"])
def test_a_number_has_the_digits_of_here(typed: str) -> None:
    amount: TypeAdapter[Decimal] = TypeAdapter(Amount)
    with pytest.raises(ValidationError):
        amount.validate_python(typed)
