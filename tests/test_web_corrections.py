"""Putting a wrong act right on a page: its own form as it was filled in, or taken out; nobody else's."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import uuid4

from browser_help import ROOT
from engine_help import CITY, YEAR, assert_ledger_verifies, enter_staff, open_cycle, submit, units
from speech import RULES
from web_help import Site

from application.application import CommandInput
from application.command_to_form import form_of_row, to_form_values
from application.form_values import as_typed
from application.gate import at_command_line
from application.scenario import play
from audit.replay import digests_in
from cli.session import Session
from domain.commands import CommandPayload
from domain.times import When, start_of
from domain.types import Provenance
from web.act_form import ActForm, parse_act_form
from web.forms import Input, inputs


async def scored(site: Site) -> tuple[str, int]:
    """A cycle in which unit 1 has scored itself, with the place of that act."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    sheet = [{"criterion": leaf, "points": "7.50"} for leaf in RULES.leaves()]
    await submit(site.app, stream, "don-vi-1", "score-self", {"unit": "don-vi-1", "sheet": sheet})
    return stream, len(await site.app.history(stream))


async def test_a_unit_enters_its_sheet_again_as_it_should_be(site: Site) -> None:
    stream, wrong = await scored(site)
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    await an.get(f"/cum/{stream}/bien-nhan/{wrong}")
    assert f"/cum/{stream}/sua/{wrong}" in an.page
    await an.get(f"/cum/{stream}/sua/{wrong}")
    way = f"/cum/{stream}/lam/score-self?_sua={wrong}"
    assert way in an.page
    await an.get(way)
    assert 'value="7,5"' in an.page
    fields = {**an.hidden(), "unit": "don-vi-1"}
    for number, leaf in enumerate(RULES.leaves()):
        fields.update({f"sheet.{number}.criterion": leaf, f"sheet.{number}.points": "8,25"})
    await an.post(way, **fields, _step="look")
    assert an.status == 422, "no reason was given"
    assert 'value="8,25"' in an.page
    await an.post(way, **{**an.hidden(), **fields, "_reason": "Cộng nhầm."}, _step="look")
    assert "Cộng nhầm." in an.page
    await an.post(way, **an.hidden(), _step="send")
    assert "Đã ghi vào sổ" in an.page
    state, _rules = await site.app.state(stream)
    assert {str(item.points) for item in state.scores["don-vi-1", "self"].sheet} == {"8.25"}
    assert set(state.corrections.corrected) == {wrong}
    await an.get(f"/cum/{stream}/bien-nhan/{wrong}")
    assert f"/sua/{wrong}" not in an.page
    await an.get(f"/cum/{stream}/sua/{wrong}")
    assert (an.status, "đã được đính chính" in an.page) == (409, True)
    await assert_ledger_verifies(site.app)


async def test_what_should_not_stand_is_taken_out(site: Site) -> None:
    stream, wrong = await scored(site)
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    await secretary.get(f"/cum/{stream}/so")
    assert f"/cum/{stream}/sua/{wrong}" in secretary.page
    assert f'/cum/{stream}/sua/1"' not in secretary.page, "the opening carries the register itself"
    await secretary.get(f"/cum/{stream}/sua/{wrong}")
    way = f"/cum/{stream}/lam/correct?version={wrong}"
    assert way in secretary.page
    await secretary.get(way)
    assert "Mục ghi sai" in secretary.page
    fields = {**secretary.hidden(), "version": str(wrong), "reason": "Bảng của đơn vị khác."}
    await secretary.post(way, **fields, _step="look")
    await secretary.post(way, **secretary.hidden(), _step="send")
    assert "Đã ghi vào sổ" in secretary.page
    state, _rules = await site.app.state(stream)
    assert state.scores == {}


async def test_nobody_puts_right_what_is_not_theirs(site: Site) -> None:
    stream, wrong = await scored(site)
    await site.person("binh", "don-vi-2")
    await site.person("kiem-tra", "thanh-tra", "auditor")
    binh, auditor = await site.log_in("binh"), await site.log_in("kiem-tra")
    for path in (f"sua/{wrong}", f"bien-nhan/{wrong}", f"lam/score-self?_sua={wrong}"):
        await binh.get(f"/cum/{stream}/{path}")
        assert (binh.status, "7,5" in binh.page) == (403, False), path
    await binh.get(f"/cum/{stream}/lam/correct?version={wrong}")
    assert ("Mục ghi sai" in binh.page, "7,5" in binh.page) == (False, False), "the form, and nothing of the act"
    way = f"/cum/{stream}/lam/score-self?_sua={wrong}"
    await binh.get(f"/cum/{stream}/lam/score-self")
    await binh.post(way, **{**binh.hidden(), "_sua": str(wrong), "_reason": "x", "unit": "don-vi-2"}, _step="send")
    assert binh.status == 403
    await auditor.get(f"/cum/{stream}/so")
    assert "/sua/" not in auditor.page
    await auditor.get(f"/cum/{stream}/sua/{wrong}")
    assert auditor.status == 409
    assert (await site.app.history(stream))[-1][0].version == wrong


def sent_by(one: Input) -> dict[str, str]:
    """What a browser sends of an input as the page shows it."""
    inner = {path: value for part in (*one.parts, *one.rows) for path, value in sent_by(part).items()}
    return inner if one.parts or one.rows or one.many else {one.path: one.value}


async def test_every_act_of_a_real_year_comes_back_as_it_was_said(app: Session) -> None:
    """Opening each act's form anew and sending it as it is shown says the same, with the same circumstances."""
    await play(app, ROOT / "scenarios" / "2020-cum-1.yaml", cycle="2020-dinh-chinh")
    history = await app.history("mttq-hanoi/2020-dinh-chinh/cum-1")
    seen, differs = set(), list[tuple[str, Any, Any]]()
    for row, _told in history:
        said = await form_of_row(app, row)
        if said is None or row.command_id in seen or row.type == "CycleOpened":
            continue
        seen.add(row.command_id)
        form = ActForm(said.act, as_typed(said.act, said.fields), uuid4(), corrects=row.version, reason="Thử.")
        shown = {path: value for one in inputs(said.act, form.values) for path, value in sent_by(one).items()}
        item = await app.item(
            said.with_circumstances(parse_act_form(said.act, {**shown, **form.extras}).command_input(row.stream), row)
        )
        command = CommandPayload.model_validate_json(item.payload)
        again = command.fields["instead"]
        assert again.pop("act") == said.act.NAME
        told = to_form_values(again, await app.texts.get(digests_in(again)))
        sure = command.provenance.kind if command.provenance is not None else row.provenance
        if (told, sure, command.meeting) != (said.fields, row.provenance, row.meeting):
            differs.append((said.act.NAME, told, said.fields))
    assert differs == []
    assert len({row.type for row, _told in history if row.command_id in seen}) > 20
    assert len(seen) > 50


async def test_what_no_form_asks_for_is_kept(site: Site) -> None:
    """The text of a document, from when an act holds, how sure it is: a correction of one field changes one field."""
    stream = await open_cycle(site.app, RULES, members=units(2), clock="backfill")
    secretary = await enter_staff(site.app, CITY)
    fields = {
        "role": "head",
        "holder": "don-vi-1",
        "manner": "elected",
        "basis": {"number": "3/BB", "text": "Toàn văn."},
    }
    said = CommandInput(
        stream,
        "assign-role",
        fields,
        happened=When.on(date(YEAR, 2, 1)),
        effective=date(YEAR, 1, 15),
        provenance=Provenance(kind="inferred", source="biên bản"),
    )
    await site.app.submit(stream, at_command_line(secretary), [said])
    wrong = (await site.app.history(stream))[-1][0]
    await site.person("thu-ky", CITY, "secretariat")
    visitor = await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/assign-role?_sua={wrong.version}"
    await visitor.get(way)
    assert "Toàn văn." in visitor.page
    shown = dict(re.findall(r'name="(basis[.]\w+)"[^>]*value="([^"]*)"', visitor.page))
    typed = {
        "role": "head",
        "holder": "don-vi-1",
        "manner": "introduced",
        "basis.text": "Toàn văn.",
        "_reason": "Nhầm.",
    }
    await visitor.post(way, **{**visitor.hidden(), **shown, **typed, "_source": "biên bản"}, _step="look")
    assert "Điều sau sẽ được ghi vào sổ" in visitor.page
    await visitor.post(way, **visitor.hidden(), _step="send")
    row, told = (await site.app.history(stream))[-1]
    assert (row.type, told.event.manner) == ("RoleAssigned", "introduced")
    assert (row.effective, row.provenance, row.source) == (wrong.effective, "inferred", "biên bản")
    assert row.happened_earliest == wrong.happened_earliest
    assert await site.app.texts.get([told.event.basis.text]) == {told.event.basis.text: "Toàn văn."}


async def test_day_and_source_of_a_rehearsed_act_come_back(site: Site) -> None:
    """The form shows both; a correction of something else keeps both, and what is typed there takes their place."""
    stream = await open_cycle(site.app, RULES, members=units(2), starts=start_of(date(YEAR, 3, 1)))
    secretary = await enter_staff(site.app, CITY)
    said = CommandInput(
        stream,
        "assign-role",
        {"role": "head", "holder": "don-vi-1", "manner": "elected"},
        happened=When.on(date(YEAR, 2, 1), date(YEAR, 2, 3)),
        provenance=Provenance(kind="stated", source="Biên bản số 3"),
    )
    await site.app.submit(stream, at_command_line(secretary), [said])
    wrong = (await site.app.history(stream))[-1][0]
    assert (wrong.provenance, wrong.source) == ("rehearsed", "Biên bản số 3")
    await site.person("thu-ky", CITY, "secretariat")
    visitor = await site.log_in("thu-ky")
    for manner, changed, day, source in (
        ("introduced", {}, wrong.happened_earliest, "Biên bản số 3"),
        (
            "elected",
            {"_on": f"04/02/{YEAR}", "_source": "Biên bản số 4"},
            start_of(date(YEAR, 2, 4)),
            "Biên bản số 4",
        ),
    ):
        version = (await site.app.history(stream))[-1][0].version
        way = f"/cum/{stream}/lam/assign-role?_sua={version}"
        await visitor.get(way)
        assert f'name="_on" value="01/02/{YEAR} - 03/02/{YEAR}"' in visitor.page
        assert 'name="_source" value="Biên bản số 3"' in visitor.page
        shown = dict(re.findall(r'name="(_on|_source)" value="([^"]*)"', visitor.page))
        typed = {"role": "head", "holder": "don-vi-1", "manner": manner, "_reason": "Nhầm.", **shown, **changed}
        await visitor.post(way, **{**visitor.hidden(), **typed}, _step="look")
        await visitor.post(way, **visitor.hidden(), _step="send")
        row, told = (await site.app.history(stream))[-1]
        assert (row.type, told.event.manner, row.source) == ("RoleAssigned", manner, source)
        assert row.happened_earliest == day


async def test_a_slip_in_the_number_locks_no_form(site: Site) -> None:
    stream, _wrong = await scored(site)
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/correct"
    for slip in ("999", "9" * 5000, "hai"):
        await secretary.get(way)
        await secretary.post(way, **{**secretary.hidden(), "version": slip, "reason": "Thử"}, _step="save")
        await secretary.get(way)
        assert (secretary.status, "Xóa bản nháp" in secretary.page) == (200, True), slip[:9]
