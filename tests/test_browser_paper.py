"""The page of a paper in a browser: answered with few clicks, files shown in it, several sent one after another."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from browser_help import User, a_user
from conftest import eventually
from engine_help import CITY, open_cycle, submit, units
from file_help import docx, pdf, picture
from playwright.async_api import Browser, Page, expect
from speech import RULES
from web_help import PASSWORD, Site

from web import urls

FIRST = """Điều 1. Vận động nhân dân thực hiện các phong trào thi đua yêu nước gắn với nhiệm vụ chính trị của phường.
Điều 2. Quỹ "Vì người nghèo" vận động đạt 100 % kế hoạch năm; xây, sửa ít nhất 2 nhà Đại đoàn kết.
Điều 3. Hội nghị đại biểu nhân dân bàn việc xây dựng cộng đồng dân cư: 100 % khu dân cư tổ chức trước 30/4.
Điều 4. Báo cáo sơ kết trước 15/07, báo cáo tổng kết và tự chấm điểm trước 30/11."""
SECOND = FIRST.replace("đạt 100 %", "đạt từ 105 %").replace(
    "chính trị của phường.", "chính trị của phường; mỗi phường có ít nhất một mô hình mới được công nhận."
)
SIZES = ((1280, 800), (360, 740))


async def a_paper(site: Site) -> str:
    """A covenant in two versions with a PDF and a Word document, comments of three units and what they answered."""
    stream = await open_cycle(site.app, RULES, members=units(4))
    for number in (1, 2, 3):
        await site.person(f"cb-{number}", f"don-vi-{number}", name=f"Cán bộ Phường {number}")
    await site.person("thu-ky", CITY, "secretariat", name="Trần Thị Thư Ký")
    put = site.services.files.put
    scan = await put("giao-ước-2026.pdf", pdf(3, "Giao uoc thi dua, trang"), unit=CITY, person="thu-ky")
    word = await put("giao-ước-2026.docx", docx(SECOND.split("\n")), unit=CITY, person="thu-ky")
    title = "Giao ước thi đua năm 2026"
    documents = (
        {"title": title, "text": FIRST},
        {"title": f"{title} {scan.reference} {word.reference}", "text": SECOND},
    )
    for document in documents:
        await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": document})
    about = {"on": "covenant", "draft_version": 2}
    too_high = {"by": {"unit": "don-vi-2"}, "text": "105 % cao so với năm 2025; đề nghị giữ 100 %.", "paragraph": 2}
    await submit(site.app, stream, "don-vi-2", "comment", {**about, **too_high, "asks_for_change": True})
    answer = {"by": {"unit": "don-vi-3"}, "text": "Thống nhất tại hội nghị 27/02.", "answers": 1}
    await submit(site.app, stream, "don-vi-3", "comment", {**about, **answer})
    whole = {"by": {"unit": "don-vi-3"}, "text": "Cơ bản thống nhất, đề nghị nêu rõ nguồn kinh phí."}
    await submit(site.app, stream, "don-vi-3", "comment", {**about, **whole})
    agreed = {"unit": "don-vi-3", "stance": "agreed", "on": "covenant", "number": 2}
    await submit(site.app, stream, "don-vi-3", "take-stance", agreed)
    return stream


async def faults(user: User, name: str, width: int) -> list[str]:
    results = await Axe().run(user.page)
    found = [f"{name}: {one['id']}: {one['nodes'][0]['html'][:160]}" for one in results.response["violations"]]
    wide = await user.page.evaluate("document.documentElement.scrollWidth")
    return [*found, *([f"{name}: {wide} px wide"] if wide > width else [])]


async def are_drawn(page: Page) -> bool:
    drawn = "all => all.every(one => one.complete && one.naturalWidth > 900)"
    return bool(await page.locator(".pictures img").evaluate_all(drawn))


async def picture_of(user: User, name: str) -> None:
    """Keep a picture in the folder that is named, to be looked at."""
    if folder := os.environ.get("THIDUA_PICTURES"):
        await user.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def test_a_paper_is_read_commented_agreed_and_signed_in_two_sizes(site: Site, browser: Browser) -> None:
    stream = await a_paper(site)
    found: list[str] = []
    for person, (width, height) in zip(("cb-1", "cb-2"), SIZES, strict=True):
        size: dict[str, Any] = {"viewport": {"width": width, "height": height}}
        async with a_user(browser, site.address, person, PASSWORD, **size) as user:
            page, unit = user.page, f"don-vi-{person[-1]}"
            task = "stance" if person == "cb-1" else "signature"
            await user.goto(urls.task_url(stream, task, unit))
            await expect(page.locator(".pictures img")).to_have_count(3, timeout=30_000)
            for one in await page.locator(".pictures img").all():
                await one.scroll_into_view_if_needed()
            await eventually(partial(are_drawn, page))
            await expect(page.locator(".paper-text")).to_contain_text("Điều 4. Báo cáo sơ kết", timeout=30_000)
            assert await page.locator(".para.changed ins").count() == 2
            found += await faults(user, f"paper {width}", width)
            await page.evaluate("scrollTo(0, 0)")
            await picture_of(user, f"paper-{width}")
            await page.click(
                ".para:nth-of-type(2) a.n" if await page.locator(".para:nth-of-type(2) a.n").count() else "a.n"
            )
            assert await page.input_value("#f-paragraph"), "the number of the paragraph is filled in by a click"
            await page.fill("#f-text", f"Ý kiến ở khổ {width}.")
            await user.press("Gửi góp ý")
            assert "Đã ghi vào sổ" in await page.inner_text("main") or await page.locator("[data-done]").count()
            await user.press("Thống nhất bản 2")
            await page.fill("#f-password", PASSWORD)
            await page.get_by_role("button", name="Ký bản 2").click()
            await expect(page.locator("#ky")).to_have_count(0)
            found += await faults(user, f"signed {width}", width)
            await picture_of(user, f"paper-signed-{width}")
    names = [envelope.event.NAME for _row, envelope in await site.app.history(stream)]
    assert (names.count("CommentAdded"), names.count("StanceTaken"), names.count("CovenantSigned")) == (5, 3, 2)
    assert found == []


async def test_without_javascript_the_paper_is_answered_and_its_files_are_a_link_away(
    site: Site, browser: Browser
) -> None:
    stream = await a_paper(site)
    size: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "java_script_enabled": False}
    async with a_user(browser, site.address, "cb-1", PASSWORD, **size) as user:
        page = user.page
        await user.goto(urls.task_url(stream, "stance", "don-vi-1"))
        await page.get_by_role("link", name="Góp ý về đoạn 2").or_(page.locator("#doan-2 a.n")).first.click()
        assert await page.input_value("#f-paragraph") == "2"
        await page.fill("#f-text", "Đề nghị giữ 100 %.")
        await user.press("Gửi góp ý")
        await user.press("Thống nhất bản 2")
        await page.fill("#f-password", PASSWORD)
        await user.press("Ký bản 2")
        names = [envelope.event.NAME for _row, envelope in await site.app.history(stream)]
        assert (names.count("CommentAdded"), names.count("StanceTaken"), names.count("CovenantSigned")) == (4, 2, 1)
        await page.locator("#tep").get_by_role("link", name="Xem").first.click()
        await expect(page.locator(".pictures img")).to_have_count(3, timeout=30_000)


@pytest.mark.parametrize("script", [True, False])
async def test_several_files_of_an_act_are_sent_with_and_without_javascript(
    site: Site, browser: Browser, tmp_path: Path, script: bool
) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("cb-1", "don-vi-1")
    files = {"bao-cao.pdf": pdf(), "so-lieu.docx": docx(["a"]), "ảnh.png": picture()}
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    async with a_user(browser, site.address, "cb-1", PASSWORD, java_script_enabled=script) as user:
        await user.goto(f"/cum/{stream}/lam/report-midyear?unit=don-vi-1")
        await user.fill({"report.title": "Báo cáo 6 tháng"})
        await user.page.set_input_files("[name='_file.report.title']", [tmp_path / name for name in files])
        if script:
            await expect(user.page.locator(".files li")).to_have_count(3, timeout=30_000)
            posted = await user.page.evaluate(
                "performance.getEntriesByType('resource').filter(one => one.initiatorType === 'xmlhttprequest').length"
            )
            assert posted >= 3, "each in a request of its own"
        await user.press("Xem tóm tắt")
        text = await user.page.inner_text("main")
        assert [name for name in files if name not in text] == []
        await user.press("Ghi vào sổ")
    (report,) = [one.event for _row, one in await site.app.history(stream) if one.event.NAME == "MidyearReported"]
    assert report.report.title.count("tep/") == 3
