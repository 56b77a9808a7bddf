"""From report to decision: what is decided on stands beside the form, and nothing is sent but what was shown."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from engine_help import CITY, event_names, open_cycle, submit, units
from speech import RULES, Case, day
from web_help import PASSWORD, Site, Visitor

from domain.records import Command
from domain.rules import Edition
from domain.steps.conclusion import DecideAwards, Submit
from domain.steps.drafting import PresentDraft
from domain.steps.targets import RegisterTargets
from domain.times import When
from web.act_summary import day_of_document

EDITION = RULES.model_copy(
    update={"awards": Edition.model_validate({**RULES.model_dump(mode="json"), "awards": [
        {"id": "co", "title": "Cờ thi đua", "quota": 1}, {"id": "bk", "title": "Bằng khen", "quota": 2}
    ]}).awards}
)  # fmt: skip


async def a_cycle(site: Site, month: int = 7, of: int = 1) -> str:
    stream = await open_cycle(site.app, EDITION, members=units(3))
    await submit(site.app, stream, CITY, "step-to", {"now": day(month, of).isoformat()})
    await site.person("thu-ky", CITY, "secretariat", name="Lê Thị Thư")
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    return stream


async def reported(site: Site, stream: str, of: int = 12) -> None:
    """Unit 1 has registered a target and reported, two days late, with a file."""
    target = {"id": "quy", "title": "Vận động quỹ đạt 105 %"}
    await submit(site.app, stream, "don-vi-1", "register-targets", {"unit": "don-vi-1", "targets": [target]})
    await submit(site.app, stream, CITY, "step-to", {"now": day(7, of).isoformat()})
    file = f"Báo cáo sơ kết tep/{'ab' * 32}/anh.png"
    report = {"title": file, "number": "31/BC", "text": "Vận động được 41 triệu đồng."}
    await submit(site.app, stream, "don-vi-1", "report-midyear", {"unit": "don-vi-1", "report": report})


def words(page: str) -> str:
    """The words of a page's main part, in one line."""
    main = page.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def fields_of(visitor: Visitor) -> dict[str, str]:
    """All fields of the page's last form that hold something, chosen options too."""
    form = re.sub(r"<template.*?</template>", "", visitor.page.rsplit("<form", 1)[-1], flags=re.DOTALL)
    inputs = dict(re.findall(r'<input (?:id="[^"]*" )?name="([^"]+)"[^>]*? value="([^"]*)"', form))
    chosen = re.findall(r'<select [^>]*name="([^"]+)"(.*?)</select>', form, re.DOTALL)
    for name, options in chosen:
        found = re.search(r'<option value="([^"]*)" selected', options)
        inputs[name] = found.group(1) if found else ""
    return {**inputs, **visitor.hidden()}


async def test_a_report_is_read_and_accepted_on_one_page(site: Site) -> None:
    stream = await a_cycle(site)
    await reported(site, stream)
    secretary = await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/accept-report?unit=don-vi-1"
    shown = words(await secretary.get(way))
    for text in ("31/BC", "41 triệu đồng", "quỹ đạt 105 %", "anh.png", "Đơn vị 1", "trễ, hạn hết ngày 10/07/2026"):
        assert text in shown, text
    assert "Báo cáo của Đơn vị 1 đã được chấp nhận" in shown, "what would be recorded, before it is sent"
    await secretary.post(way, **fields_of(secretary), _step="shown")
    assert "/bien-nhan/" in secretary.at
    assert "Báo cáo của Đơn vị 1 đã được chấp nhận" in words(secretary.page)
    assert (await event_names(site.app, stream))[-1] == "ReportAccepted"


async def test_a_report_is_sent_back_from_beside_it(site: Site) -> None:
    stream = await a_cycle(site)
    await reported(site, stream)
    secretary = await site.log_in("thu-ky")
    page = await secretary.get(f"/cum/{stream}/lam/accept-report?unit=don-vi-1")
    form = page.partition('class="other"')[2].partition("</form>")[0]
    way = unescape(re.search(r'action="([^"]+)"', form).group(1))  # type: ignore[union-attr]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    await secretary.post(way, **{**hidden, "text": "Thiếu số liệu quỹ.", "_step": "look"})
    assert "Trả lại báo cáo của Đơn vị 1: Thiếu số liệu quỹ." in words(secretary.page), secretary.page
    await secretary.post(way, **secretary.hidden(), _step="send")
    assert (await event_names(site.app, stream))[-1] == "ReportSentBack"
    again = await secretary.get(f"/cum/{stream}/lam/send-back?unit=don-vi-1")
    assert "41 triệu đồng" in again, "the report stands beside this form, too"
    assert "/lam/accept-report?unit=don-vi-1" in again


async def test_nothing_is_sent_but_what_was_shown(site: Site) -> None:
    stream = await a_cycle(site)
    await reported(site, stream)
    secretary = await site.log_in("thu-ky")
    before = await event_names(site.app, stream)
    way = f"/cum/{stream}/lam/extend?unit=don-vi-2&duty=self-score&until=20%2F11%2F2026&reason=V%C3%AC%20l%C5%A9"
    await secretary.get(way)
    fields = fields_of(secretary)
    assert fields["_shown"]
    await secretary.post(way, **{**fields, "until": "30/11/2026", "reason": "Vì lũ"}, _step="shown")
    assert secretary.status == 409
    shown = words(secretary.page)
    assert "Chưa gửi gì: hãy xem lại một lần nữa" in shown
    assert "30/11/2026" in shown, "it shows what would be recorded now"
    assert await event_names(site.app, stream) == before
    await secretary.post(way, **secretary.hidden(), _step="send")
    assert "/bien-nhan/" in secretary.at
    assert len(await event_names(site.app, stream)) == len(before) + 1


async def test_a_form_that_has_shown_nothing_sends_nothing(site: Site) -> None:
    stream = await a_cycle(site)
    await reported(site, stream)
    secretary = await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/accept-report"
    await secretary.get(way)
    fields = {**fields_of(secretary), "unit": "don-vi-1"}
    assert "_shown" not in fields
    await secretary.post(way, **fields, _step="shown")
    assert "Báo cáo của Đơn vị 1 đã được chấp nhận" in words(secretary.page), "the summary comes first"
    assert "ReportAccepted" not in await event_names(site.app, stream)


async def test_what_comes_between_is_told_before_sending(site: Site) -> None:
    stream = await a_cycle(site)
    await reported(site, stream)
    secretary = await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/accept-report?unit=don-vi-1"
    await secretary.get(way)
    fields = fields_of(secretary)
    newer = {"number": "99/BC", "text": "Sửa lại số liệu."}
    await submit(site.app, stream, "don-vi-1", "report-midyear", {"unit": "don-vi-1", "report": newer})
    await secretary.post(way, **fields, _step="shown")
    assert secretary.status == 422
    assert "99/BC" in words(secretary.page)
    assert "ReportAccepted" not in await event_names(site.app, stream)


async def test_a_form_sent_twice_enters_once(site: Site) -> None:
    stream = await a_cycle(site)
    await reported(site, stream)
    secretary = await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/accept-report?unit=don-vi-1"
    form = await secretary.get(way)
    fields = fields_of(secretary)
    await secretary.post(way, **fields, _step="shown")
    receipt = secretary.at
    secretary.page = form
    await secretary.post(way, **fields, _step="shown")
    assert secretary.at == receipt
    assert (await event_names(site.app, stream)).count("ReportAccepted") == 1


async def test_what_cannot_be_entered_has_no_button(site: Site) -> None:
    stream = await a_cycle(site)
    await reported(site, stream)
    await submit(site.app, stream, CITY, "accept-report", {"unit": "don-vi-1"})
    secretary = await site.log_in("thu-ky")
    page = await secretary.get(f"/cum/{stream}/lam/accept-report?unit=don-vi-1")
    assert 'name="_shown"' not in page
    assert "đã được chấp nhận" in words(page)
    assert 'class="other"' not in page, "nor can it be sent back"


async def nominated(site: Site, stream: str) -> None:
    await submit(site.app, stream, CITY, "step-to", {"now": day(12, 1).isoformat()})
    for unit, award in (("don-vi-2", "co"), ("don-vi-3", "bk")):
        await submit(site.app, stream, CITY, "nominate", {"unit": unit, "award": award})


async def test_submitting_shows_the_nominations(site: Site) -> None:
    stream = await a_cycle(site)
    await nominated(site, stream)
    secretary = await site.log_in("thu-ky")
    shown = words(await secretary.get(f"/cum/{stream}/lam/submit"))
    assert "Đề nghị Đơn vị 2: Cờ thi đua" in shown, shown
    assert "Đề nghị Đơn vị 3: Bằng khen" in shown


async def test_a_decision_starts_from_the_nominations_and_leads_to_the_handing_over(site: Site) -> None:
    stream = await a_cycle(site)
    await nominated(site, stream)
    await submit(site.app, stream, CITY, "submit", {"submission": {"number": "07/TTr"}})
    secretary = await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/decide-awards"
    shown = words(await secretary.get(way))
    assert "07/TTr" in shown
    fields = {**fields_of(secretary), "decision.number": "412/QĐ", "decision.issued": "30/11/2026"}
    assert [fields[f"grants.{n}.{one}"] for n in (0, 1) for one in ("unit", "award")] == [
        "don-vi-2",
        "co",
        "don-vi-3",
        "bk",
    ]
    # As a browser with a script does: the summary is kept up with what is typed.
    saved = await secretary.http.post(way, data={**fields, "_step": "save"}, headers={"HX-Request": "true"})
    assert "412/QĐ" in saved.text
    fields["_shown"] = re.search(r'name="_shown" value="(\w+)"', saved.text).group(1)  # type: ignore[union-attr]
    await secretary.post(way, **fields, _step="shown")
    assert secretary.status == 422, "a decision binds: it needs the password"
    await secretary.post(way, **secretary.hidden(), _step="send", _password="no such password")
    assert secretary.status == 422
    assert "AwardsDecided" not in await event_names(site.app, stream)
    await secretary.post(way, **secretary.hidden(), _step="send", _password=PASSWORD)
    receipt = words(secretary.page)
    assert "412/QĐ" in receipt, receipt
    for text in ("Đơn vị 2: Cờ thi đua", "Đơn vị 3: Bằng khen"):
        assert text in receipt, "the receipt says what was decided"
    state, _rules = await site.app.state(stream)
    assert state.conclusion.decided == When.on(date(2026, 11, 30)), "the day of the document"
    hand_over = [unescape(one) for one in re.findall(r'href="([^"]+/lam/hand-over-object[^"]+)"', secretary.page)]
    assert len(hand_over) == 2
    await secretary.get(hand_over[0])
    await secretary.post(hand_over[0], **fields_of(secretary), _step="shown")
    assert (await event_names(site.app, stream))[-1] == "ObjectHandedOver"
    assert "đã trao" in words(secretary.page)
    assert len(re.findall(r"/lam/hand-over-object", secretary.page)) == 1, "the other one is still to be handed over"


async def test_a_decision_stays_closed_to_members_on_these_pages(site: Site) -> None:
    stream = await a_cycle(site)
    await submit(site.app, stream, CITY, "assign-role", {"role": "head", "holder": "don-vi-1", "manner": "elected"})
    await nominated(site, stream)
    grants = [{"unit": "don-vi-2", "award": "co"}]
    await submit(site.app, stream, CITY, "decide-awards", {"decision": {"number": "412/QĐ"}, "grants": grants})
    head = await site.log_in("an")
    page = await head.get(f"/cum/{stream}/lam/hand-over-object")
    assert head.status == 200
    assert "Khen thưởng theo quyết định" not in page
    assert "412/QĐ" not in await head.get(f"/cum/{stream}/lam/submit")
    await submit(site.app, stream, CITY, "publish", {})
    assert "Khen thưởng theo quyết định" in await head.get(f"/cum/{stream}/lam/hand-over-object")


async def test_the_choice_of_acts_is_searched_without_a_script(site: Site) -> None:
    stream = await a_cycle(site)
    secretary = await site.log_in("thu-ky")
    everything = re.findall(r"/lam/([\w-]+)\"", await secretary.get(f"/cum/{stream}/lam"))
    found = re.findall(r"/lam/([\w-]+)\"", await secretary.get(f"/cum/{stream}/lam?tim=khen+thuong"))
    assert "decide-awards" in found
    assert set(found) < set(everything)
    none = words(await secretary.get(f"/cum/{stream}/lam?tim=khongcogi"))
    assert "Không có việc nào bạn được ghi ở đây" in none


async def test_three_targets_are_registered_on_one_page(site: Site) -> None:
    stream = await a_cycle(site)
    an = await site.log_in("an")
    way = f"/cum/{stream}/lam/register-targets?unit=don-vi-1"
    await an.get(way)
    fields = fields_of(an)
    assert [f"targets.{n}.title" in an.page for n in range(4)] == [True, True, True, False]
    fields |= {f"targets.{n}.title": f"Chỉ tiêu số {n + 1}" for n in (0, 2)}
    await an.post(way, **fields, _step="look")
    shown = words(an.page)
    assert "Chỉ tiêu số 1" in shown, shown
    assert "Chỉ tiêu số 3" in shown, "the row between was left empty"
    await an.post(way, **an.hidden(), _step="send")
    assert (await event_names(site.app, stream))[-1] == "TargetsRegistered"


@pytest.mark.parametrize(
    ("act", "field", "counts"),
    [
        (DecideAwards, "decision", True),
        (Submit, "submission", True),
        (PresentDraft, "document", False),
        (RegisterTargets, "document", False),
    ],
)
def test_only_what_an_act_issues_gives_it_a_day(act: type[Command], field: str, counts: bool) -> None:
    """A registration of 5 April is late, though its paper is of March; a draft counts from when it was presented."""
    case = Case().until(day(4, 5))
    cycle: Any = SimpleNamespace(state=case.state, visitor=SimpleNamespace(unit=CITY), now=day(4, 5))
    found = day_of_document(cycle, act, {field: {"issued": "20/03/2026"}})
    assert found == (date(2026, 3, 20) if counts else None)
    assert day_of_document(cycle, act, {field: {"issued": {"x": "1"}}}) is None
