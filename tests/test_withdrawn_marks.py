"""What a withdrawal changes on pages: the entry that it takes back is marked, and what is open again is told before."""

from __future__ import annotations

from conftest import eventually
from engine_help import CITY, submit
from test_task_flow import a_cycle, to_summary
from web_help import Site

REPORT = {"unit": "don-vi-1", "report": {"title": "Báo cáo sơ kết số 1"}}


async def test_a_withdrawn_report_is_marked_wherever_it_stands_and_what_is_open_again_is_told_before(
    site: Site,
) -> None:
    stream = await a_cycle(site, 7, 16)
    await submit(site.app, stream, "don-vi-1", "report-midyear", REPORT)
    an = await site.log_in("an")
    first = len(await site.app.history(stream))
    way = f"/cum/{stream}/lam/withdraw-report?unit=don-vi-1"
    await to_summary(an, way, unit="don-vi-1")
    assert "trở lại tình trạng chưa nộp: nộp báo cáo sơ kết" in an.page
    assert "quá hạn" in an.page
    assert "Nội dung khác quy định không còn tính, vì mục liên quan đã rút" in an.page
    assert "được xử lý xong" not in an.page
    await an.post(way, **an.hidden(), _step="send")
    withdrawal = len(await site.app.history(stream))
    assert f'rút lại: <a href="/cum/{stream}/muc/{first}">' in an.page
    await submit(site.app, stream, "don-vi-1", "report-midyear", {**REPORT, "report": {"title": "Báo cáo bản hai"}})
    again = len(await site.app.history(stream))
    for path in (f"/bien-nhan/{first}", f"/muc/{first}", "/da-ghi"):
        page = await an.get(f"/cum/{stream}{path}")
        mark = page.partition(">đã rút ngày 16/07/2026")[2].partition("</span>")[0]
        assert f'/muc/{withdrawal}"' in mark, path
        assert f'thay bằng bản nộp ngày 16/07/2026 (<a href="/cum/{stream}/muc/{again}"' in mark, path
    assert "Đã ghi vào sổ." not in await an.get(f"/cum/{stream}/bien-nhan/{first}")
    assert "nộp thay bản đã rút ngày" in await an.get(f"/cum/{stream}/bien-nhan/{again}")
    assert "Đã ghi vào sổ." in an.page

    async def is_marked() -> bool:
        line = next((one for one in (await an.get("/tim?q=so+ket+so+1")).splitlines() if "sơ kết số 1" in one), "")
        return f'đã rút: <a href="/cum/{stream}/bien-nhan/{withdrawal}"' in line

    await eventually(is_marked)
    assert "đã rút:" not in await an.get("/tim?q=bao+cao+ban+hai"), "what was handed in anew stands"
    await submit(site.app, stream, CITY, "correct", {"version": withdrawal, "reason": "Nhầm."})

    async def is_unmarked() -> bool:
        return "đã rút:" not in await an.get("/tim?q=so+ket+so+1") and "sơ kết số 1" in an.page

    await eventually(is_unmarked)
