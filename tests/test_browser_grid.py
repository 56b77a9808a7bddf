"""The score grid in a browser: two appraisers at once, keys, a block from a spreadsheet, a telephone."""

from __future__ import annotations

from browser_help import User, a_user
from engine_help import CITY, open_cycle, submit, units
from playwright.async_api import Browser, expect
from speech import RULES
from web_help import PASSWORD, Site

from web import urls

FIRST, SECOND = units(2)
PASTE = """text => {
    const data = new DataTransfer();
    data.setData("text", text);
    const pasted = { clipboardData: data, bubbles: true, cancelable: true };
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", pasted));
}"""


def cell(unit: str, criterion: str) -> str:
    return f'[name="{unit}.{criterion}.points"]'


async def saved(user: User) -> None:
    await user.page.locator("#saved-at", has_text="Tự động lưu lúc").wait_for()


async def looks_twice(user: User, units_ready: int) -> None:
    """Who clicks twice on what shows what would be recorded has entered nothing; one click leads to its heading."""
    await user.page.locator("#look").dblclick()
    await expect(user.page.locator("#will-list li")).to_have_count(units_ready)
    assert "/cham-diem/" in user.page.url
    await user.page.locator("#look").click()
    await expect(user.page.locator("#will-head")).to_be_focused()


async def enters_two(user: User) -> None:
    await looks_twice(user, 2)
    await user.press("Ghi bảng điểm của 2 đơn vị")
    assert "Đã ghi vào sổ: 2 đơn vị" in await user.page.inner_text("main")


async def test_two_appraisers_at_once_keys_and_a_pasted_block(site: Site, browser: Browser) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    for unit in units(2):
        claimed = [{"criterion": name, "points": points} for name, points in (("a1", "30"), ("a2", "15"), ("b", "35"))]
        await submit(site.app, stream, unit, "score-self", {"unit": unit, "sheet": claimed})
    for person in ("lan", "minh"):
        await site.person(person, CITY, "secretariat")
    path = urls.grid_url(stream, "appraised")
    async with (
        a_user(browser, site.address, "lan", PASSWORD) as lan,
        a_user(browser, site.address, "minh", PASSWORD) as minh,
    ):
        await lan.goto(path)
        await minh.goto(path)
        # Keys: Enter goes down, the arrow to the right; Ctrl+D takes what is proposed.
        await lan.page.click(cell(FIRST, "a1"))
        await lan.page.keyboard.type("29")
        await lan.page.keyboard.press("Enter")
        await lan.page.keyboard.press("Control+d")
        await lan.page.locator(f"{cell(SECOND, 'a1')}").and_(lan.page.locator(":focus")).wait_for()
        await expect(lan.page.locator(cell(SECOND, "a1"))).to_have_value("30")
        await lan.page.keyboard.press("ArrowRight")
        assert await lan.page.evaluate("document.activeElement.name") == f"{SECOND}.a2.points"
        await saved(lan)
        # The other one sees it, and is told of a conflict with both values.
        await minh.page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(minh.page.locator(cell(FIRST, "a1"))).to_have_value("29")
        await minh.page.context.set_offline(True)
        await minh.page.fill(cell(FIRST, "a2"), "14")
        await minh.page.locator("#saved").get_by_text("Chưa lưu: mất kết nối").wait_for()
        await lan.page.fill(cell(FIRST, "a2"), "13")
        await saved(lan)
        await expect(lan.page.locator(f'[data-unit="{FIRST}"] [data-of=total]')).to_have_text("42")
        await minh.page.context.set_offline(False)
        await minh.page.locator("#conflicts").get_by_text("Nguyễn Lan đã ghi “13”").wait_for()
        assert await minh.page.input_value(cell(FIRST, "a2")) == "13"
        await minh.page.get_by_role("button", name="Vẫn dùng giá trị của tôi").click()
        await lan.page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(lan.page.locator(cell(FIRST, "a2"))).to_have_value("14")
        # A block that does not fit changes no cell; one that fits fills all of its cells.
        await lan.page.click(cell(FIRST, "a2"))
        await lan.page.evaluate(PASTE, "1\t2\t3\n4\t5\t6")
        await lan.page.locator("#saved").get_by_text("Khối dán có 2 dòng và 3 cột").wait_for()
        assert await lan.page.input_value(cell(FIRST, "a2")) == "14"
        await lan.page.evaluate(PASTE, "15\t35\n15\t35\n")
        await lan.page.locator("#enter", has_text="Ghi bảng điểm của 1 đơn vị").wait_for()
        # A text that cannot be kept is told beside it, until it is typed anew.
        reason = lan.page.locator("#reasons textarea").first
        await reason.fill("Thiếu\ue123 báo cáo")
        await lan.page.locator("#reasons .why-wrong").get_by_text("có ký tự không dùng được").wait_for()
        await lan.page.locator("#saved-at", has_text="Chưa lưu").wait_for()
        await reason.fill("Thiếu một báo cáo")
        await expect(lan.page.locator("#reasons .why-wrong")).to_have_count(0)
        await lan.page.locator("#enter", has_text="Ghi bảng điểm của 2 đơn vị").wait_for()
        await lan.page.click(cell(FIRST, "a1"))
        await lan.page.locator("#cell").get_by_text("chưa có minh chứng").wait_for()
        await enters_two(lan)
        await minh.page.evaluate("dispatchEvent(new Event('focus'))")
        await minh.page.get_by_text("Sổ có mục mới từ khi mở trang này").wait_for()


async def test_a_units_own_sheet_on_a_telephone(site: Site, browser: Browser) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", FIRST)
    async with a_user(browser, site.address, "an", PASSWORD, viewport={"width": 360, "height": 740}) as an:
        await an.goto(urls.grid_url(stream, "self"))
        assert await an.page.evaluate("document.documentElement.scrollWidth") <= 360
        for points in ("40", "21", "35"):
            await an.page.keyboard.type(points)
            await an.page.keyboard.press("Enter")
        await an.page.get_by_text("21 điểm, nhưng chỉ được từ 0 đến 20").first.wait_for()
        # The sheet becomes whole under a finger that taps again and again where nothing could be entered yet.
        bar = await an.page.locator("#look").bounding_box()
        assert bar is not None
        await an.page.fill(cell(FIRST, "a2"), "20")
        for _ in range(4):
            await an.page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
        await an.page.locator("#enter", has_text="Ghi bảng điểm của 1 đơn vị").wait_for()
        await expect(an.page.locator("#will-head")).to_be_focused()
        for _ in range(2):
            await an.page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
        assert (FIRST, "self") not in (await site.app.state(stream))[0].scores
        assert "/cham-diem/" in an.page.url
        await an.press("Ghi bảng điểm của 1 đơn vị")
        assert "/bien-nhan/" in an.page.url
