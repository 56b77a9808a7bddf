"""What a task says and offers: deadlines on summary and receipt, closed and waiting tasks, more time with reasons."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import eventually
from engine_help import CITY, event_names, open_cycle, submit, units
from speech import RULES, day
from test_web_api import bearer
from web_help import Site, Visitor

from domain.steps.lifecycle import ChangeCalendar
from web.forms import inputs

REPORT = "Báo cáo sơ kết số 1"


async def a_cycle(site: Site, month: int, of: int, members: int = 2) -> str:
    """A rehearsed cycle at a day of the year, with somebody of unit 1 and of the secretariat."""
    stream = await open_cycle(site.app, RULES, members=units(members))
    await step(site, stream, month, of)
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await site.person("thu-ky", CITY, "secretariat", name="Lê Thị Thư")
    return stream


async def step(site: Site, stream: str, month: int, of: int) -> None:
    await submit(site.app, stream, CITY, "step-to", {"now": day(month, of).isoformat()})


async def shown(visitor: Visitor, path: str, text: str) -> str:
    """A page, once it holds a text: the board follows the ledger."""

    async def holds() -> bool:
        return text in await visitor.get(path)

    await eventually(holds)
    return visitor.page


def before_the_register(page: str) -> str:
    """A page without its list of what was entered: there every request and every answer stays."""
    return page.partition('<section class="card" id="da-ghi"')[0]


async def to_summary(visitor: Visitor, way: str, **fields: str) -> None:
    await visitor.get(way)
    await visitor.post(way, **{**visitor.hidden(), **fields}, _step="look")
    assert visitor.status == 200, visitor.page


async def test_a_deadline_that_passes_after_the_summary_is_told_before_sending_and_on_the_receipt(site: Site) -> None:
    stream = await a_cycle(site, 7, 9)
    an, way = await site.log_in("an"), f"/cum/{stream}/lam/report-midyear"
    await to_summary(an, way, unit="don-vi-1", **{"report.title": REPORT})
    assert "Trong hạn: nộp báo cáo sơ kết, hạn hết ngày 10/07/2026" in an.page
    await step(site, stream, 7, 11)
    await an.post(way, **an.hidden(), _step="send")
    assert (an.status, "Hạn đã qua kể từ khi bạn xem tóm tắt" in an.page) == (409, True)
    assert "Đã quá hạn" in an.page
    assert "MidyearReported" not in await event_names(site.app, stream)
    await an.post(way, **an.hidden(), _step="send")
    assert (an.status, "Ghi sau hạn: nộp báo cáo sơ kết, hạn hết ngày 10/07/2026" in an.page) == (200, True)
    assert (await event_names(site.app, stream)).count("MidyearReported") == 1


async def test_what_comes_in_time_says_so_on_summary_receipt_and_interface(site: Site) -> None:
    stream = await a_cycle(site, 7, 9)
    an, way = await site.log_in("an"), f"/cum/{stream}/lam/report-midyear"
    act = {"act": "report-midyear", "fields": {"unit": "don-vi-1", "report": {"title": REPORT}}}
    headers = await bearer(site, "an", "act")
    tried = (await an.http.post(f"/api/v1/cycles/{stream}/acts/try", json=act, headers=headers)).json()
    assert [(one["duty"], one["late"]) for one in tried["deadlines"]] == [("midyear-report", False)]
    await to_summary(an, way, unit="don-vi-1", **{"report.title": REPORT})
    await an.post(way, **an.hidden(), _step="send")
    assert "Trong hạn: nộp báo cáo sơ kết, hạn hết ngày 10/07/2026." in an.page
    assert "Ghi sau hạn" not in an.page


async def test_after_a_hard_close_the_task_says_so_and_offers_what_is_left(site: Site) -> None:
    stream = await a_cycle(site, 7, 25)
    an = await site.log_in("an")
    page = await shown(an, "/viec", "Đã ngừng nhận")
    card = next(one for one in page.split('<li class="task') if "Đã ngừng nhận" in one)
    assert "lam/report-midyear" not in card
    assert "lam/ask-extension" in card
    assert "hãy đề nghị thư ký" in await an.get(f"/cum/{stream}")
    assert "lam/report-midyear" not in an.page
    assert "Đã ngừng nhận: nộp báo cáo sơ kết" in await an.get(f"/cum/{stream}/lam/report-midyear?unit=don-vi-1")
    assert "lam/ask-extension?unit=don-vi-1&amp;duty=midyear-report" in an.page
    tasks = (await an.http.get("/api/v1/tasks", headers=await bearer(site, "an", "read"))).json()
    (closed,) = [one for one in tasks if one["duty"] == "midyear-report" and one["cycle"] == stream]
    assert (closed["closed"], closed["way"]) == (True, None)
    await submit(site.app, stream, CITY, "reopen-duty", {"duty": "midyear-report", "reason": "Đơn vị xin nộp bù."})

    async def is_open() -> bool:
        return "lam/report-midyear" in await an.get("/viec")

    await eventually(is_open)


async def test_a_task_that_waits_says_for_whom_and_what_and_offers_nothing(site: Site) -> None:
    stream = await a_cycle(site, 2, 1)
    an = await site.log_in("an")
    page = await shown(an, "/viec", "Chờ Thành phố: ")
    cards = [one for one in page.split('<li class="task')[1:] if "Chờ Thành phố: " in one]
    assert cards
    assert all(re.search("Chờ Thành phố: trình [^.]+", one) for one in cards)
    assert not any("<a " in one.split("</li>")[0] for one in cards), "nothing to press"
    assert "viec=stance&amp;don_vi=don-vi-1" not in await an.get(f"/cum/{stream}")
    tasks = (await an.http.get("/api/v1/tasks", headers=await bearer(site, "an", "read"))).json()
    (stance,) = [one for one in tasks if one["duty"] == "stance" and one["cycle"] == stream]
    assert (stance["way"], stance["more_time"], stance["awaited"]) == (None, None, "draft")
    await submit(site.app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch"}})
    await shown(an, "/viec", "viec=stance&amp;don_vi=don-vi-1")


async def test_done_lists_only_who_owed_it(site: Site) -> None:
    stream = await a_cycle(site, 2, 1, members=3)
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await submit(site.app, stream, "don-vi-2", "take-stance", {"unit": "don-vi-2", "stance": "agreed"})
    await submit(site.app, stream, "don-vi-2", "sign", {"unit": "don-vi-2"})
    await step(site, stream, 3, 20)  # after the days of stance and signature
    await submit(site.app, stream, CITY, "admit-unit", {"unit": "don-vi-9", "name": "Đơn vị mới"})
    an = await site.log_in("an")
    page = await shown(an, "/viec", "đã làm: Đơn vị 2")
    assert "đã làm: Đơn vị 2<" in page
    assert "Đơn vị mới" not in page
    page = await shown(an, f"/cum/{stream}", "Chưa ký")
    unsigned = next(line for line in page.splitlines() if "Chưa ký" in line)
    assert ("Đơn vị 3" in unsigned, "Đơn vị mới" in unsigned) == (True, False)


async def test_day_and_reason_stand_where_a_request_is_answered_and_the_answer_reaches_the_unit(site: Site) -> None:
    stream = await a_cycle(site, 7, 9)
    request = {"unit": "don-vi-1", "duty": "midyear-report", "until": "2026-07-25", "reason": "Chờ số liệu của quận."}
    await submit(site.app, stream, "don-vi-1", "ask-extension", request)
    secretary, an = await site.log_in("thu-ky"), await site.log_in("an")
    form = f"/cum/{stream}/lam/refuse-extension?unit=don-vi-1&duty=midyear-report"
    for path in ("/viec", "/bang", f"/cum/{stream}", form):
        page = await shown(secretary, path, "Chờ số liệu của quận.")
        assert "25/07/2026" in page, path
    for path in ("/viec", "/bang", f"/cum/{stream}"):
        await secretary.get(path)
        assert "lam/extend?unit=don-vi-1&amp;duty=midyear-report&amp;until=25%2F07%2F2026" in secretary.page, path
        refused = 'name="_do" value="refuse"' if path == "/viec" else "lam/refuse-extension?unit=don-vi-1"
        assert refused in secretary.page, path
    csv = (await secretary.http.get("/bang.csv")).text
    assert "Chờ số liệu của quận." in csv
    card = await shown(an, "/viec", "Chờ số liệu của quận.")
    assert "đến 25/07/2026" in card
    answer = {"unit": "don-vi-1", "duty": "midyear-report", "reason": "Số liệu đã có từ tuần trước."}
    await submit(site.app, stream, CITY, "refuse-extension", answer)
    for path in ("/viec", f"/cum/{stream}"):
        page = await shown(an, path, "Số liệu đã có từ tuần trước.")
        assert re.search("(?i)không được gia hạn", page), path
    await submit(site.app, stream, "don-vi-1", "ask-extension", {**request, "reason": "Mất điện ba ngày."})
    grant = {"unit": "don-vi-1", "duty": "midyear-report", "until": "2026-07-20", "reason": "Đúng là mất điện."}
    await submit(site.app, stream, CITY, "extend", grant)
    for path in ("/viec", f"/cum/{stream}"):
        page = await shown(an, path, "Đúng là mất điện.")
        assert "20/07/2026" in page, path
        assert "Số liệu đã có từ tuần trước." not in before_the_register(page), "the later answer counts"


async def test_a_request_whose_duty_is_done_is_closed(site: Site) -> None:
    stream = await a_cycle(site, 7, 9)
    request = {"unit": "don-vi-1", "duty": "midyear-report", "until": "2026-07-25", "reason": "Chờ số liệu của quận."}
    await submit(site.app, stream, "don-vi-1", "ask-extension", request)
    secretary = await site.log_in("thu-ky")
    await shown(secretary, "/viec", "Chờ số liệu của quận.")
    await submit(site.app, stream, "don-vi-1", "report-midyear", {"unit": "don-vi-1", "report": {"title": REPORT}})

    async def is_closed() -> bool:
        return "Chờ số liệu của quận." not in await secretary.get("/viec")

    await eventually(is_closed)
    for path in ("/bang", f"/cum/{stream}"):
        assert "Chờ số liệu của quận." not in before_the_register(await secretary.get(path)), path


async def _offers(site: Site) -> set[bool]:
    """Whether the interface offers the tools of a rehearsal, by its list of acts and by its description."""
    await site.person("an", "don-vi-1")
    http = (await site.log_in("an")).http
    acts = (await http.get("/api/v1/acts", headers=await bearer(site, "an", "read"))).json()
    described = (await http.get("/api/v1/openapi.json")).text
    assert "take-stance" in described
    return {"step-to" in {act["act"] for act in acts}, "StepToRequest" in described, '"step-to"' in described}


async def test_a_rehearsals_tools_are_offered_in_a_rehearsal(site: Site) -> None:
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    for clock, offered in (("stepped", True), ("wall", False)):
        stream = await open_cycle(site.app, RULES, members=units(2), clock=clock)
        assert ("lam/step-to" in await secretary.get(f"/cum/{stream}/lam")) is offered, clock
    assert await _offers(site) == {True}


async def test_a_real_installation_offers_none_of_them(real_site: Site) -> None:
    assert await _offers(real_site) == {False}
    for rehearsal in (True, False):
        (clock_input,) = [one for one in inputs(ChangeCalendar, {}, rehearsal=rehearsal) if one.path == "clock"]
        assert ("stepped" in {value for value, _text in clock_input.choices}) is rehearsal


@pytest.mark.parametrize("rehearsal", [True, False])
def test_the_command_line_offers_a_rehearsals_tools_in_a_rehearsal_only(rehearsal: bool, tmp_path: Path) -> None:
    (tmp_path / "installation.json").write_text(json.dumps({"rehearsal": rehearsal}))
    environment = {**os.environ, "THIDUA_DATA": str(tmp_path), "COLUMNS": "200"}

    def printed(*arguments: str) -> str:
        command = [sys.executable, "-m", "cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert (re.search(r"^\W*demo\b", printed("--help"), re.MULTILINE) is not None) is rehearsal
    assert ("step-to" in {one["act"] for one in json.loads(printed("acts", "--json"))}) is rehearsal


async def test_every_empty_list_says_what_to_do_next(site: Site) -> None:
    stream = await a_cycle(site, 1, 5)
    await site.person("la", "don-vi-la", name="Người Lạ")
    await site.person("kt", CITY, "auditor", name="Kiểm Tra", administrator=True)
    pages = {
        "la": ("/viec", "/cum", "/ban-nhap", "/tep", "/tim?q=khongcogi"),
        "thu-ky": ("/ban-nhap", "/bang?tim=khongcogi", "/diem-khac?tim=khongcogi", "/nguoi-dung?tim=khongcogi"),
        "kt": (
            f"/cum/{stream}/so?tim=khongcogi",
            f"/cum/{stream}/lam",
            "/nhat-ky-doc?tai-xuong=1",
            "/nhat-ky-tai-khoan?nguoi=khongcogi",
            "/nhat-ky-tai-khoan/ky-sau-cap-lai",
        ),
    }
    for person, paths in pages.items():
        visitor = await site.log_in(person)
        for path in paths:
            page = await visitor.get(path)
            block = page.partition('class="empty"')[2].partition("</div>")[0]
            assert 'class="button" href="/' in block, (person, path)


async def test_who_is_logged_in_now_stands_on_a_form_that_came_back(site: Site) -> None:
    stream = await a_cycle(site, 1, 5)
    await site.person("binh", "don-vi-1", name="Lê Văn Bình")
    browser, way = await site.log_in("an"), f"/cum/{stream}/lam/comment"
    await browser.get(way)
    fields = {**browser.hidden(), "by.unit": "don-vi-1", "text": "Nhất trí."}
    await browser.get("/viec")
    await browser.post("/dang-xuat")
    await browser.get("/dang-nhap")
    await browser.post("/dang-nhap", person="binh", _password="mot cau dai de nho")
    await browser.post(way, **fields, _step="look")
    offered = browser.page
    assert "Đang đăng nhập: Lê Văn Bình (Đơn vị 1)" in offered
    form = next(one for one in offered.split("<form")[1:] if "Chuyển sang cho tôi" in one.split("</form>")[0])
    mine = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.split("</form>")[0]))
    await browser.post(way, **mine)
    assert "Đang đăng nhập: Lê Văn Bình (Đơn vị 1)" in browser.page, "the form that was taken over says whose it is now"
