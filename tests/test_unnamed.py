"""Units that a source counts without naming: they sign and have totals, and no act of one of them is invented."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from speech import CITY, UNITS, Case, opening

from domain.deviations import deviations
from domain.steps.conclusion import BareTotal, RecordTotals
from domain.steps.drafting import PresentDraft
from domain.steps.lifecycle import OpenCycle
from domain.steps.signing import SignJointly
from domain.types import Document
from domain.units import Unit

HEAD, DEPUTY, THIRD = UNITS


def cluster(unnamed: int | str, units: tuple[str, ...] = UNITS) -> Case:
    named = tuple(Unit(id=unit, name=unit) for unit in units)
    act = OpenCycle.model_validate({**dict(opening()), "units": named, "unnamed": unnamed})
    case = Case(opened=False).when(act, by=CITY).happened()
    return case.when(PresentDraft(kind="covenant", document=Document(title="Giao ước"))).happened()


def totals(*points: str, **more: object) -> RecordTotals:
    return RecordTotals.model_validate({"round": "cụm", "totals": [{"total": p} for p in points], **more})


def test_all_of_them_sign_together_and_nobody_is_invented() -> None:
    case = cluster(5).when(SignJointly()).happened("CovenantSignedJointly")
    assert (set(case.state.signing.signatures), case.state.signing.unnamed) == (set(UNITS), 5)
    case.when(SignJointly(units=(), unnamed=1)).refused("more_than_unnamed")


def test_some_of_them_sign_before_the_others() -> None:
    case = cluster(5).when(SignJointly(units=(HEAD,), unnamed=2)).happened()
    case.when(SignJointly(units=(DEPUTY,), unnamed=3)).happened()
    assert (len(case.state.signing.signatures), case.state.signing.unnamed) == (2, 5)
    case.when(SignJointly(units=())).refused("nobody_signs")


def test_how_many_they_are_may_be_unknown() -> None:
    case = cluster("unknown", (HEAD,)).when(SignJointly()).happened("CovenantSignedJointly")
    assert (set(case.state.signing.signatures), case.state.signing.unnamed) == ({HEAD}, "unknown")
    case.when(totals(*"123456789")).happened("TotalsRecorded")
    assert cluster("unknown").when(SignJointly(units=(HEAD,), unnamed=9)).happened().state.signing.unnamed == 9


def test_a_cluster_of_nobody_is_none() -> None:
    fields = opening().model_dump()
    with pytest.raises(ValidationError, match="nobody_in_cluster"):
        OpenCycle.model_validate({**fields, "units": ()})
    assert OpenCycle.model_validate({**fields, "units": (), "unnamed": 4}).unnamed == 4


def test_totals_without_sheets_or_names() -> None:
    case = cluster(4, ()).when(totals("89", "88,25", "87", "87,25", scale=100)).happened("TotalsRecorded")
    assert [str(one.total) for one in case.state.conclusion.totals["cụm"]] == ["89", "88.25", "87", "87.25"]
    case.when(totals("89")).refused("totals_are_recorded")
    case.when(totals("1", "2", "3", "4", "5", round="huyện")).refused("more_than_unnamed")
    case.when(totals("89", "87", round="huyện")).happened()
    assert set(case.state.conclusion.totals) == {"cụm", "huyện"}, "no round overwrites another"
    case.when(totals("101", round="tỉnh", scale=100)).happened("TotalsRecorded")
    assert [one.code for one in deviations(case.state, case.rules)] == ["total_above_scale"]


def test_a_named_total_is_of_a_member_and_stands_once() -> None:
    twice = RecordTotals(round="r", totals=(BareTotal(unit=HEAD, total="1"), BareTotal(unit=HEAD, total="2")))
    Case().when(twice).refused("named_twice")
    Case().when(RecordTotals(round="r", totals=(BareTotal(unit="quan-khac", total="1"),))).refused("not_a_member")
