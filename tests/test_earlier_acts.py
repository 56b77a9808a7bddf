"""The second person is told who came first, and when, as far as they may know it."""

from __future__ import annotations

import ast
import re

from engine_help import CITY, open_cycle, submit, units
from speech import RULES, TEXT, Case, day
from test_task_flow import step
from web_help import PASSWORD, Site, Visitor

from application.readable import ReadablePart
from domain.access import Reader
from domain.duties import Duty
from domain.records import Refused
from domain.steps.extensions import AskExtension, GrantExtension, RefuseExtension
from resources import ROOT

NOTHING_BEFORE = {
    "answers_too_deep", "calendar_not_stepped",
    "cast_beyond_handed_out", "change_needs_reason", "changed_since", "checks_itself",
    "class_is_determined", "correction_stands_alone", "criteria_missing", "criterion_twice", "cut_off_to_come",
    "cycle_not_open", "duty_has_no_deadline", "duty_is_done", "duty_not_owed", "each_needs_reason",
    "edition_in_force", "edition_without_criteria", "figure_missing", "grant_needs_reason", "in_the_future",
    "malformed_act", "meeting_must_decide", "more_than_unnamed", "named_and_unnamed", "named_twice",
    "no_such_act", "no_such_award", "no_such_class_here", "no_such_cluster", "no_such_complaint", "no_such_criterion",
    "no_such_deviation", "no_such_unit", "no_such_version", "no_year_plan", "nobody_acts", "nobody_can_be_ranked",
    "nobody_signs", "not_a_cycle_name", "not_correctable", "not_yours", "not_yours_to_date", "nothing_nominated",
    "nothing_presented", "nothing_registered", "points_not_in_steps", "points_out_of_range", "round_has_its_act",
    "stance_on_no_version", "tally_differs", "tally_without_choices", "term_ends_before", "too_many_versions",
    "unit_has_no_score", "unit_in_two_clusters", "unknown_act", "unknown_strength", "votes_beyond_voters",
    "when_is_missing", "cluster_twice", "enter_what_meeting_decided", "not_the_checker",
    # Of the installation's stream, which no page of a cycle tells of.
    "account_exists", "auditor_needs_end", "key_gone", "key_incomplete", "key_known", "last_day_past",
    "last_day_was", "last_key", "no_such_key", "not_read_yet", "not_yours_to_manage", "stand_in_dates",
    "stand_in_unknown", "unknown_person",
}  # fmt: skip
"""Refusals of which no earlier act is the cause, or that find it by other means (`changed_since`, `duty_is_done`)."""


def _codes() -> set[str]:
    """The codes of all refusals that the domain raises."""
    found = set[str]()
    for file in (ROOT / "domain").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused" and node.args:
                found |= {one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
    return found


def test_each_refusal_that_an_earlier_act_causes_finds_it() -> None:
    from domain.earlier_acts import EARLIER  # noqa: PLC0415 - what is tested

    assert _codes() - NOTHING_BEFORE - set(EARLIER) == set(), "say which act stands behind it, or that none does"
    assert set(EARLIER) - _codes() == set()
    for code, earlier in EARLIER.items():
        for event in earlier.events:
            for names in earlier.fields.values():
                assert set(names) & set(event.model_fields), (code, event)


def test_the_act_that_stands_is_found_and_one_of_another_unit_is_not() -> None:
    from domain.earlier_acts import earlier_act  # noqa: PLC0415 - what is tested

    ask = AskExtension(unit="ba-dinh", duty=Duty.STANCE, until=day(3, 1).date(), reason=TEXT)
    grant = GrantExtension(unit="ba-dinh", duty=Duty.STANCE, until=day(3, 1).date(), reason=TEXT)
    other = GrantExtension(unit="dong-da", duty=Duty.STANCE, until=day(3, 1).date(), reason=TEXT)
    case = Case().when(ask, by="ba-dinh").when(grant, actor="nguoi-dau").happened().when(other, actor="khac").happened()
    case.when(RefuseExtension(unit="ba-dinh", duty=Duty.STANCE, reason=TEXT)).refused("extension_not_asked")
    assert isinstance(case.outcome, Refused)
    found = earlier_act(case.outcome.code, case.outcome.facts, case.history)
    assert found is not None
    assert found.meta.actor == "nguoi-dau"
    never = {"unit": "hoan-kiem", "duty": "stance"}
    assert earlier_act("extension_not_asked", never, case.history) is None


async def test_of_an_act_that_is_closed_nothing_is_told(site: Site) -> None:
    from application.earlier_acts import add_earlier_act  # noqa: PLC0415 - what is tested

    stream = await open_cycle(site.app, RULES, members=units(4))
    sheet = [{"criterion": leaf, "points": "7.50"} for leaf in RULES.leaves()]
    await submit(site.app, stream, "don-vi-1", "score-self", {"unit": "don-vi-1", "sheet": sheet})
    await submit(site.app, stream, CITY, "appraise", {"unit": "don-vi-1", "sheet": sheet})
    history = await site.app.history(stream)
    state, rules = await site.app.state(stream)
    rows = {row.version: row for row, _envelope in history}
    for unit, who, told in (
        ("don-vi-3", Reader.MEMBER, False),
        ("don-vi-1", Reader.MEMBER, False),
        (CITY, Reader.SECRETARIAT, True),
    ):
        refusal = Refused("score_is_appraised", unit="don-vi-1")
        envelopes = tuple(envelope for _row, envelope in history)
        part = ReadablePart(unit, frozenset({who}), envelopes, state, rules)
        await add_earlier_act(refusal, rows, part, site.app.people)
        assert ("earlier_version" in refusal.facts) is told, unit


async def _refused(visitor: Visitor, way: str, **fields: str) -> str:
    await visitor.get(way)
    await visitor.post(way, **{**visitor.hidden(), **fields}, _step="look")
    return visitor.page


async def test_the_second_of_two_secretaries_is_told_who_answered_and_when(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await step(site, stream, 7, 9)
    request = {"unit": "don-vi-1", "duty": "midyear-report", "until": "2026-07-25", "reason": "Chờ số liệu."}
    await submit(site.app, stream, "don-vi-1", "ask-extension", request)
    for person, name in (("thu-ky", "Lê Thị Thư"), ("pho", "Phạm Văn Phó")):
        await site.person(person, CITY, "secretariat", name=name)
    first, second = await site.log_in("thu-ky"), await site.log_in("pho")
    way = f"/cum/{stream}/lam/extend?unit=don-vi-1&duty=midyear-report"
    refuse = f"/cum/{stream}/lam/refuse-extension?unit=don-vi-1&duty=midyear-report"
    fields = {"unit": "don-vi-1", "duty": "midyear-report", "reason": "Được."}
    await second.get(refuse)
    typed = {**second.hidden(), **fields, "reason": "Không được."}
    await second.post(refuse, **typed, _step="look")
    assert second.status == 200
    await first.get(way)
    await first.post(way, **{**first.hidden(), **fields, "until": "25/07/2026"}, _step="look")
    await first.post(way, **first.hidden(), _step="send")
    assert "Đã ghi vào sổ" in first.page
    await second.post(refuse, **second.hidden(), _step="send")
    told = r"Lê Thị Thư \(Thành phố\) đã ghi lúc \d\d/\d\d/\d{4} \d\d:\d\d \(mục số \d+ trong sổ\)"
    assert second.status == 422
    assert re.search(told, second.page), second.page
    page = await _refused(second, way, **fields, until="25/07/2026")
    assert re.search(told, page), "granted twice"


async def test_a_member_is_told_the_unit_of_another_and_the_person_of_its_own(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, "don-vi-1", "report-midyear", {"unit": "don-vi-1", "report": {"title": "Báo cáo"}})
    await site.person("thu-ky", CITY, "secretariat", name="Lê Thị Thư")
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await site.person("binh", "don-vi-1", name="Trần Văn Bình")
    secretary, an, binh = [await site.log_in(person) for person in ("thu-ky", "an", "binh")]
    await secretary.get(way := f"/cum/{stream}/lam/accept-report?unit=don-vi-1")
    await secretary.post(way, **{**secretary.hidden(), "unit": "don-vi-1"}, _step="send")
    assert "Đã ghi vào sổ" in secretary.page
    page = await _refused(an, f"/cum/{stream}/lam/withdraw-report", unit="don-vi-1")
    assert "Thành phố đã ghi lúc" in page
    assert "Lê Thị Thư" not in page, "who acts for another unit is for readers of the history"
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước 2"}})
    await an.get(way := f"/cum/{stream}/lam/sign?unit=don-vi-1&number=1")
    await an.post(way, **{**an.hidden(), "unit": "don-vi-1", "number": "1"}, _step="look")
    await an.post(way, **an.hidden(), _password=PASSWORD, _step="send")
    assert "Đã ghi vào sổ" in an.page, an.page
    page = await _refused(binh, f"/cum/{stream}/lam/sign?unit=don-vi-1&number=2", unit="don-vi-1", number="2")
    assert "Nguyễn Thị An (Đơn vị 1) đã ghi lúc" in page


async def test_what_the_secretariat_had_entered_for_a_unit_opens_as_a_receipt_for_it(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch"}})
    await submit(site.app, stream, CITY, "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await site.person("cu", "don-vi-2", name="Đỗ Văn Cư")
    an, other = await site.log_in("an"), await site.log_in("cu")
    await an.get(way := f"/cum/{stream}/lam/take-stance")
    await an.post(way, **{**an.hidden(), "unit": "don-vi-1", "stance": "agreed"}, _step="send")
    assert an.status == 200, an.page
    assert "Thành phố đã ghi việc này lúc" in an.page
    await other.get(an.at)
    assert other.status == 403, "it is not about their unit"
