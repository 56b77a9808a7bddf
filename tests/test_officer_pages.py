"""What an officer of a ward and a head read: what waits, until when, who is missing, what can be undone."""

from __future__ import annotations

import html
import re

from conftest import eventually
from engine_help import CITY, submit
from test_paper_page import present
from test_task_flow import a_cycle, shown
from web_help import Site

REPORT = {"unit": "don-vi-1", "report": {"title": "Báo cáo sơ kết"}}
MORE_TIME = {"unit": "don-vi-1", "duty": "self-score", "until": "2026-11-25", "reason": "Chờ số liệu."}


async def test_an_officer_sees_deadlines_what_waits_and_what_can_be_taken_back(site: Site) -> None:
    stream = await a_cycle(site, 7, 9)
    an = await site.log_in("an")
    form = await an.get(f"/cum/{stream}/lam/report-midyear?unit=don-vi-1")
    assert "Hạn: nộp báo cáo sơ kết" in form
    assert "10/07/2026" in form
    form = await an.get(f"/cum/{stream}/lam/ask-extension?unit=don-vi-1&duty=self-score")
    assert "Thành phố xem xét và trả lời" in form
    offered = form.partition('name="duty"')[2].partition("</select>")[0]
    assert ("self-score" in offered, "appraisal" in offered) == (True, False)

    await submit(site.app, stream, "don-vi-1", "report-midyear", REPORT)
    report = len(await site.app.history(stream))
    await submit(site.app, stream, "don-vi-1", "ask-extension", MORE_TIME)
    page = await shown(an, "/viec", "xin gia hạn “tự chấm điểm” đến 25/11/2026")
    assert "chấp nhận báo cáo sơ kết nộp ngày 09/07/2026" in page
    assert "Rút báo cáo để nộp bản khác" in await an.get(f"/cum/{stream}/bien-nhan/{report}")
    assert "sổ tự ghi theo lịch" in await an.get(f"/cum/{stream}/da-ghi")
    await submit(site.app, stream, CITY, "accept-report", {"unit": "don-vi-1"})
    assert "để nộp bản khác" not in await an.get(f"/cum/{stream}/bien-nhan/{report}"), "it is accepted"

    async def waits_for_the_request_only() -> bool:
        waits = (await an.get("/viec")).partition('id="dang-cho"')[2].partition('id="vua-lam"')[0]
        return "xin gia hạn" in waits and "chấp nhận báo cáo" not in waits

    await eventually(waits_for_the_request_only)


async def test_who_is_missing_is_named_and_reminded_and_only_own_comments_are_taken_back(site: Site) -> None:
    stream = await a_cycle(site, 2, 1, members=3)
    await present(site, stream)
    await submit(site.app, stream, "don-vi-2", "sign", {"unit": "don-vi-2"})
    secretary, an = await site.log_in("thu-ky"), await site.log_in("an")
    await secretary.get(f"/cum/{stream}")
    link = re.search(r'href="([^"]+)">Gửi nhắc 2 đơn vị', secretary.page)
    assert link is not None
    form = await secretary.get(html.unescape(link.group(1)))
    assert [f'value="{unit}" selected' in form for unit in ("don-vi-1", "don-vi-2", "don-vi-3")] == [True, False, True]
    for at, unit in enumerate(("don-vi-1", "don-vi-2")):
        await submit(
            site.app, stream, unit, "comment", {"by": {"unit": unit}, "text": f"Ý kiến {at}", "on": "covenant"}
        )
    form = await an.get(f"/cum/{stream}/lam/withdraw-comment")
    offered = form.partition('name="number"')[2].partition("</select>")[0]
    assert ("Đơn vị 1" in offered, "Đơn vị 2" in offered) == (True, False)
    page = await secretary.get(f"/cum/{stream}/du-thao/covenant")
    link = re.search(r'href="([^"]+)">Sửa từ bản 1, trình bản 2', page)
    assert link is not None
    form = await secretary.get(html.unescape(link.group(1)))
    assert "Vận động quỹ đạt 100 %." in form
    assert 'value="Giao ước thi đua"' in form
