"""The first page: three groups, what the secretariat answers there, many lines at once, the header on a telephone."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from uuid import uuid4

import httpx
from browser_help import a_user
from conftest import eventually
from engine_help import CITY, event_names, open_cycle, submit, units
from playwright.async_api import Browser
from speech import RULES
from test_task_flow import REPORT, a_cycle, shown, step, to_summary
from web_help import PASSWORD, Site, Visitor

from application.application import CommandInput
from application.gate import Submitter
from application.many_acts import submit_lines
from domain.steps.midyear import ReportAccepted
from domain.strengths import Strength
from web import urls

ASKED = {"unit": "don-vi-1", "duty": "midyear-report", "until": "2026-07-25", "reason": "Chờ số liệu của quận."}

ASKED_LATER = {**ASKED, "unit": "don-vi-2", "duty": "self-score", "until": "2026-11-25"}


async def reporting(site: Site, members: int = 5, *, title: str = REPORT) -> str:
    """A cycle in July: all members but the first have reported, and the first asks for more time."""
    stream = await a_cycle(site, 7, 9, members)
    for unit in units(members)[1:]:
        await submit(site.app, stream, unit, "report-midyear", {"unit": unit, "report": {"title": title}})
    await submit(site.app, stream, "don-vi-1", "ask-extension", ASKED)
    return stream


def lines_of(page: str, name: str) -> list[str]:
    """The values of the boxes of a name."""
    return [html.unescape(one) for one in re.findall(rf'type="checkbox" name="{name}" value="([^"]*)"', page)]


def page_id(page: str) -> str:
    found = re.search(r'name="_id" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


async def send(visitor: Visitor, do: str, *, to: str = "/viec", **fields: str | Sequence[str]) -> httpx.Response:
    """Press a button of the page that was read last."""
    token = re.search(r'name="_form" value="(\w+)"', visitor.page)
    assert token is not None
    return await visitor.http.post(to, data={"_form": token.group(1), "_do": do, **fields})


def counts(page: str) -> dict[str, int]:
    """The number beside each heading, by its anchor."""
    return {
        anchor: int(number)
        for anchor, number in re.findall(r'<h[23] id="([\w-]+)">[^<]+<span class="count">(\d+)</span>', page)
    }


async def test_three_groups_each_with_its_number_and_the_number_in_the_menu(site: Site) -> None:
    stream = await a_cycle(site, 2, 1)
    an = await site.log_in("an")
    page = await shown(an, "/viec", "Chờ Thành phố: ")
    found = counts(page)
    waits = page.partition('id="dang-cho"')[2].partition("</section>")[0]
    assert found["dang-cho"] == len(re.findall(r'<li class="task', waits)) > 0
    assert "<details>" in waits, "what waits for others is folded"
    assert found["lam-duoc"] == len(re.findall(r'<li class="task', page.partition('id="dang-cho"')[0]))
    later = page.partition('id="con-xa"')[2].partition("</section>")[0]
    assert found["con-xa"] == len(re.findall(r'<li class="task-later', later)) > 0, (
        "what is due in months is not counted"
    )
    assert found["vua-lam"] == 0
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})

    async def can_be_signed() -> bool:
        page = await an.get("/viec")
        return "don_vi=don-vi-1#ky" in page and counts(page)["lam-duoc"] == found["lam-duoc"] + 2

    await eventually(can_be_signed)
    menu = re.search(r'id="so-viec"> <span class="count">(\d+)', await an.get("/cum"))
    assert menu is not None
    assert int(menu.group(1)) == found["lam-duoc"] + 2, "the menu of each page tells it"
    await submit(site.app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    page = await shown(an, "/viec", '<span class="count">1</span></h2><ul class="plain lines"><li>✓')
    assert counts(page)["da-xong"] == 1
    assert "✓ 01/02/2026 · Cho ý kiến về dự thảo" in page


async def test_a_step_is_due_on_the_same_day_wherever_it_is_told(site: Site) -> None:
    """The last day of what is open in it, also where one unit has more time than the others."""
    stream = await a_cycle(site, 2, 1)
    more = {"unit": "don-vi-2", "duty": "midyear-report", "until": "2026-08-25", "reason": "Chờ số liệu."}
    await submit(site.app, stream, CITY, "extend", more)
    secretary = await site.log_in("thu-ky")
    assert "hạn 25/08/2026</small>" in await secretary.get(f"/cum/{stream}")
    assert "hạn 25/08</td>" in await shown(secretary, "/viec", "hạn 25/08")


async def test_what_a_person_and_their_unit_entered_is_done_lately_and_leads_to_its_receipt(site: Site) -> None:
    stream = await a_cycle(site, 2, 1)
    await submit(site.app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch"}})
    an = await site.log_in("an")
    way, said = f"/cum/{stream}/lam/comment", "Bổ sung chỉ tiêu về hoà giải ở cơ sở."
    await to_summary(an, way, **{"by.unit": "don-vi-1", "text": said, "on": "plan"})
    await an.post(way, **an.hidden(), _step="send")
    assert "/bien-nhan/" in an.at
    version = an.at.rpartition("/")[2]
    page = await an.get("/viec")
    lately = page.partition('id="vua-lam"')[2].partition("</section>")[0]
    assert f'href="/cum/{stream}/bien-nhan/{version}">Đơn vị 1: Bổ sung chỉ tiêu về hoà giải ở cơ sở.</a>' in lately
    assert ("chính bạn ghi" in lately, counts(page)["vua-lam"]) == (True, 1)
    await site.person("chi", "don-vi-1")
    await site.person("dung", "don-vi-2")
    for number in range(2, 13):
        await submit(site.app, stream, "don-vi-1", "comment", {"by": {"unit": "don-vi-1"}, "text": f"Ý {number}."})

    async def has_all() -> bool:
        return counts(await an.get("/viec/da-ghi")).get("vua-lam") is None and "Ý 12." in an.page

    await eventually(has_all)
    told = re.findall(r"Đơn vị 1: (Ý \d+|Bổ sung)", an.page)
    assert told == [*(f"Ý {number}" for number in range(12, 1, -1)), "Bổ sung"], "the latest first"
    page = await an.get("/viec")
    assert (counts(page)["vua-lam"], 'href="/viec/da-ghi"' in page) == (10, True)
    chi, dung = await site.log_in("chi"), await site.log_in("dung")
    page = await chi.get("/viec/da-ghi")
    assert ("Đơn vị 1: Ý 12." in page, "chính bạn ghi" in page) == (True, False), "a colleague's"
    assert "Đơn vị 1: Ý" not in await dung.get("/viec/da-ghi"), "another unit's are not among them"
    secretary = await site.log_in("thu-ky")
    assert "Kế hoạch" in await secretary.get("/viec/da-ghi")
    assert "Ngày diễn tập chuyển sang" not in secretary.page, "that time goes on in a rehearsal is nobody's work"
    await site.person("em", CITY, kind="staff")
    em = await site.log_in("em")
    assert "Kế hoạch" not in await em.get("/viec/da-ghi"), "who is no secretariat does not read what it entered"


async def test_what_waits_for_others_has_a_page_of_its_own(site: Site) -> None:
    await a_cycle(site, 2, 1)
    an = await site.log_in("an")
    total = counts(await shown(an, "/viec", "Chờ Thành phố: "))["dang-cho"]
    page = await an.get("/viec/cho-noi-khac")
    assert len(re.findall(r'<li class="task-waits"', page)) == total > 0


async def test_a_request_is_granted_with_one_button_and_refused_with_a_reason(site: Site) -> None:
    stream = await reporting(site, 2)
    await submit(site.app, stream, "don-vi-2", "ask-extension", ASKED_LATER)
    secretary = await site.log_in("thu-ky")
    page = await shown(secretary, "/viec", 'id="gia-han">Đơn vị xin gia hạn, chờ trả lời <span class="count">2</span>')
    assert re.search(r"thêm 15 ngày.*Chờ số liệu của quận.", page, re.DOTALL)
    lines = [html.unescape(one) for one in re.findall(r'name="_line" value="([^"]+)"', page)]
    first = next(one for one in lines if one.endswith("don-vi-1"))
    granted = {"_line": first, "_duty": "midyear-report", "_until": "2026-07-25", "_id": page_id(page)}
    answer = await send(secretary, "grant", **granted)
    assert "Đơn vị 1: gia hạn đến 25/07/2026 để nộp báo cáo sơ kết" in answer.text
    assert (answer.status_code, counts(answer.text)["gia-han"]) == (200, 1)
    state, _rules = await site.app.state(stream)
    (extension,) = state.deadlines.extensions.values()
    assert extension.until.isoformat() == "2026-07-25"
    before = await event_names(site.app, stream)
    again = await send(secretary, "grant", **granted)
    assert (again.status_code, await event_names(site.app, stream)) == (200, before), (
        "a second click does nothing twice"
    )
    second = next(one for one in lines if one.endswith("don-vi-2"))
    refused = {"_line": second, "_duty": "self-score", "_id": page_id(again.text)}
    answer = await send(secretary, "refuse", **refused)
    assert (answer.status_code, "Chưa ghi lý do" in answer.text) == (422, True)
    assert 'open><summary class="button">Không đồng ý' in answer.text, "the line is open, with its input"
    assert await event_names(site.app, stream) == before
    answer = await send(secretary, "refuse", **refused, reason="Đã có đủ số liệu.")
    assert "Không có việc nào" in answer.text or "gia-han" not in counts(answer.text)
    assert (await event_names(site.app, stream))[len(before) :] == ["ExtensionRefused"]


async def test_two_people_answer_one_request(site: Site) -> None:
    stream = await reporting(site, 2)
    secretary = await site.log_in("thu-ky")
    page = await shown(secretary, "/viec", "Chờ số liệu của quận.")
    line = re.search(r'name="_line" value="([^"]+)"', page)
    assert line is not None
    refused = {"unit": "don-vi-1", "duty": "midyear-report", "reason": "Không đủ lý do."}
    await submit(site.app, stream, CITY, "refuse-extension", refused)
    before = await event_names(site.app, stream)
    typed = {"_line": html.unescape(line.group(1)), "_duty": "midyear-report", "reason": "Muộn", "_id": page_id(page)}
    answer = await send(secretary, "refuse", **typed)
    assert (answer.status_code, await event_names(site.app, stream)) == (409, before)
    assert "Đã ghi 0 trên 1 dòng" in answer.text


async def test_reports_are_accepted_together_and_each_line_says_what_became_of_it(site: Site) -> None:
    stream = await reporting(site)
    secretary = await site.log_in("thu-ky")
    page = await shown(secretary, "/viec", 'id="bao-cao">Báo cáo chờ chấp nhận <span class="count">4</span>')
    lines, id_ = lines_of(page, "_report"), page_id(page)
    assert REPORT in page
    answer = await send(secretary, "accept", _id=id_)
    assert (answer.status_code, "Hãy đánh dấu ít nhất một dòng" in answer.text) == (422, True)
    # One of them is replaced after the page was shown: it is not accepted unread.
    new = {"unit": "don-vi-3", "report": {"title": "Báo cáo mới"}}
    await submit(site.app, stream, "don-vi-3", "report-midyear", new)
    before = len(await event_names(site.app, stream))
    answer = await send(secretary, "accept", _report=lines, _id=id_)
    assert "Đã ghi 3 trên 4 dòng" in answer.text
    failed = re.search(r"<li>Đơn vị 3: chấp nhận báo cáo sơ kết.*?<strong>(.+?)</strong>", answer.text)
    assert failed is not None, answer.text
    assert (await event_names(site.app, stream))[before:] == ["ReportAccepted"] * 3
    assert [one for one in lines_of(answer.text, "_report") if one.endswith("don-vi-3")]
    # Sent again: what is recorded is not recorded twice.
    answer = await send(secretary, "accept", _report=lines, _id=id_)
    assert (await event_names(site.app, stream))[before:] == ["ReportAccepted"] * 3
    page = await secretary.get("/viec")
    answer = await send(secretary, "accept", _report=lines_of(page, "_report"), _id=page_id(page))
    assert "Đã ghi vào sổ:" in answer.text
    state, _rules = await site.app.state(stream)
    assert all(one.accepted for unit, one in state.midyear.items() if unit != "don-vi-1")


async def test_deviations_are_acknowledged_with_one_reason(site: Site) -> None:
    stream = await a_cycle(site, 7, 20, 5)
    for unit in units(5):
        await submit(site.app, stream, unit, "report-midyear", {"unit": unit, "report": {"title": REPORT}})
    secretary = await site.log_in("thu-ky")
    await shown(secretary, "/viec", 'id="noi-dung-khac"')

    async def all_there() -> bool:
        return counts(await secretary.get("/viec"))["noi-dung-khac"] >= 5

    await eventually(all_there)
    lines = lines_of(secretary.page, "_deviation")
    id_ = page_id(secretary.page)
    links = re.findall(r'href="(/cum/[^"]+/so\?[^"]+)"', await secretary.get("/diem-khac"))
    links = [html.unescape(one) for one in links if urls.timeline_url(stream) in one]
    assert len(links) >= 5
    for link in set(links):
        assert '<li value="' in await secretary.get(link), f"no entry that a deviation is about: {link}"
    answer = await send(secretary, "acknowledge", _deviation=lines, _id=id_)
    assert (answer.status_code, "Chưa ghi lý do" in answer.text) == (422, True)
    assert answer.text.count(' name="_deviation"') == answer.text.count(" checked"), "what was ticked stays ticked"
    before = len(await event_names(site.app, stream))
    typed = {"_deviation": lines, "reason": "Bão lớn, cả thành phố nộp muộn.", "_id": page_id(answer.text)}
    answer = await send(secretary, "acknowledge", **typed)
    assert f"Đã ghi {len(lines)} trên {len(lines)} dòng" in answer.text
    assert "noi-dung-khac" not in counts(answer.text)
    assert (await event_names(site.app, stream))[before:] == ["DeviationAcknowledged"] * len(lines)
    await send(secretary, "acknowledge", **typed)
    assert len(await event_names(site.app, stream)) == before + len(lines)


async def test_a_line_of_another_organiser_is_refused_and_holds_up_no_other(site: Site) -> None:
    stream = await reporting(site, 3)
    secretary = await site.log_in("thu-ky")
    page = await shown(secretary, "/viec", 'id="bao-cao"')
    lines = ["mttq-khac/2026/cum-1|1|don-vi-2", "x|y|z", *lines_of(page, "_report")]
    answer = await send(secretary, "accept", _report=lines, _id=page_id(page))
    assert "Đã ghi 2 trên 4 dòng" in answer.text
    assert (await event_names(site.app, stream)).count(ReportAccepted.NAME) == 2
    answer = await send(secretary, "accept", _report="không phải dòng", _id=uuid4().hex)
    assert answer.status_code == 422


async def test_ticked_late_units_get_letters_or_more_time(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await step(site, stream, 4, 1)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    secretary = await site.log_in("thu-ky")
    page = await shown(secretary, "/bang/don-doc", "Đơn vị 3")
    lines = [one for one in lines_of(page, "_task") if "|signature|" in one]
    assert len(lines) == 3
    before = await event_names(site.app, stream)
    answer = await send(secretary, "remind", to="/bang/don-doc", _task=lines[:2], _id=page_id(page))
    assert "Sẽ gửi 1 thư nhắc cho 1 đơn vị." in answer.text
    assert await event_names(site.app, stream) == before, "nothing is sent before it is confirmed"
    carried = re.findall(r'name="_task" value="([^"]+)"', answer.text)
    assert [html.unescape(one) for one in carried] == lines[:2]
    answer = await send(secretary, "send-reminders", to="/bang/don-doc", _task=lines[:2], _id=page_id(page))
    assert "Đã gửi 1 thư nhắc cho 1 đơn vị." in answer.text
    assert (await event_names(site.app, stream))[len(before) :] == ["UnitsReminded"]
    more = {"_task": lines[1:], "until": "30/04/2026", "reason": "Mưa lũ."}
    answer = await send(secretary, "extend", to="/bang/don-doc", **{**more, "until": "31/04/2026"}, _id=page_id(page))
    assert (answer.status_code, answer.text.count(" checked")) == (422, 2)
    answer = await send(secretary, "extend", to="/bang/don-doc", **more, _id=page_id(page))
    assert "Đã ghi 2 trên 2 dòng" in answer.text
    state, _rules = await site.app.state(stream)
    assert {unit for (_duty, unit) in state.deadlines.extensions} == {"don-vi-2", "don-vi-3"}


async def test_who_is_not_the_secretariat_answers_nothing(site: Site) -> None:
    stream = await reporting(site, 2)
    an = await site.log_in("an")
    page = await shown(an, "/viec", "lam/")
    assert "tra-loi" not in page
    answer = await send(an, "accept", _report=f"{stream}|1|don-vi-2")
    assert answer.status_code == 403
    assert "ReportAccepted" not in await event_names(site.app, stream)


async def test_one_click_grants_in_the_page_and_two_refuse(site: Site, browser: Browser) -> None:
    stream = await reporting(site, 3)
    await submit(site.app, stream, "don-vi-2", "ask-extension", ASKED_LATER)
    await shown(await site.log_in("thu-ky"), "/viec", 'chờ trả lời <span class="count">2</span>')
    async with a_user(browser, site.address, "thu-ky", PASSWORD) as user:
        await user.goto("/viec")
        await user.page.evaluate("document.body.dataset.same = 'page'")
        count = user.page.locator("#so-viec .count").first
        before = await count.inner_text()
        await user.page.get_by_role("button", name=re.compile("Đồng ý.*Đơn vị 1")).click()
        said = user.page.locator("#da-tra-loi")
        await said.get_by_text("gia hạn đến 25/07/2026").wait_for()
        assert await user.page.evaluate("document.body.dataset.same") == "page", "the page stays"
        assert await user.page.evaluate("document.activeElement.id") == "da-tra-loi", "what changed is heard"
        assert await count.inner_text() != before
        row = user.page.locator("li.row-line", has_text="Đơn vị 2").first
        await row.locator("summary").click()
        await row.locator("input[name=reason]").fill("Đã có đủ số liệu.")
        await row.get_by_role("button", name="Không đồng ý").click()
        await said.get_by_text("không gia hạn").wait_for()
        assert await user.page.evaluate("document.body.dataset.same") == "page"
        # All at once: one click ticks them, one accepts them.
        await user.page.get_by_label("chọn cả 2 dòng").check()
        await user.page.get_by_role("button", name="Chấp nhận các báo cáo đã đánh dấu").click()
        await said.get_by_text("Đã ghi 2 trên 2 dòng").wait_for()
        # The login is gone: the answer of the page is a login, which is shown, and nothing vanishes silently.
        await submit(site.app, stream, "don-vi-1", "ask-extension", {**ASKED, "until": "2026-07-28"})
        await shown(await site.log_in("thu-ky"), "/viec", "28/07/2026")
        await user.goto("/viec")
        await site.services.accounts.end_all("thu-ky")
        await user.page.get_by_role("button", name=re.compile("Đồng ý.*Đơn vị 1")).click()
        await user.page.locator("#person").wait_for()


async def test_without_a_script_the_answers_are_pages(site: Site, browser: Browser) -> None:
    await reporting(site, 3)
    await shown(await site.log_in("thu-ky"), "/viec", 'id="bao-cao"')
    async with a_user(browser, site.address, "thu-ky", PASSWORD, java_script_enabled=False) as user:
        await user.goto("/viec")
        assert not await user.page.locator("[data-all=_report]").is_visible()
        await user.press("chọn cả 2 dòng")
        assert await user.page.locator("[name=_report]:checked").count() == 2
        await user.press("Chấp nhận các báo cáo đã đánh dấu")
        assert "Đã ghi 2 trên 2 dòng" in await user.page.inner_text("main")
        await user.press("Đồng ý")
        assert "gia hạn đến 25/07/2026" in await user.page.inner_text("main")


async def test_the_header_is_one_line_and_its_menu_opens_by_keyboard(site: Site, browser: Browser) -> None:
    await a_cycle(site, 7, 9)
    for person in ("an", "thu-ky"):
        for scripted in (True, False):
            context = {"viewport": {"width": 360, "height": 740}, "java_script_enabled": scripted}
            async with a_user(browser, site.address, person, PASSWORD, **context) as user:
                await user.goto("/viec")
                box = await user.page.locator("header").bounding_box()
                assert box is not None
                assert box["height"] <= 90, person
                links = user.page.get_by_role("navigation", name="Chính").get_by_role("link")
                assert await links.count() == 0, "folded"
                await user.page.locator("header summary").focus()
                await user.page.keyboard.press("Enter")
                await links.first.wait_for()
                await user.page.keyboard.press("Tab")
                assert await links.first.evaluate("one => one.matches(':focus')") if scripted else True
                assert await user.page.locator("header .me").is_visible()
        async with a_user(browser, site.address, person, PASSWORD) as user:
            await user.goto("/viec")
            assert not await user.page.locator("header summary").is_visible()
            assert await user.page.get_by_role("navigation", name="Chính").get_by_role("link").count() > 1
            top = await user.page.locator("header .top").bounding_box()
            assert top is not None
            assert top["height"] <= 70, person


async def test_many_commands_pass_the_gate_one_by_one(site: Site) -> None:
    """A line that its submitter may not enter is refused by the gate, and told."""
    stream = await reporting(site, 3)
    contact = await site.app.person("an")
    inputs = [
        CommandInput(stream, "sign", {"unit": "don-vi-1"}),
        CommandInput(stream, "comment", {"by": {"unit": "don-vi-1"}, "text": "Đồng tình."}),
        CommandInput(stream, "accept-report", {"unit": "don-vi-2"}),
    ]
    application = site.services.application
    errors = await submit_lines(application, Submitter(contact, Strength.PASSWORD), inputs)
    assert [error and error.code for error in errors] == ["password_needed", None, "not_yours"]
