"""What pages owe to the browser: the copy of what is typed, and sheets of paper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from browser_help import User, a_user
from engine_help import CITY, open_cycle, submit, units
from playwright.async_api import Browser, expect
from playwright.async_api import Error as BrowserError
from speech import RULES
from web_help import PASSWORD, Site

TYPED = "Chúng tôi đề nghị bỏ tiêu chí 3, vì trùng với tiêu chí 7."


@asynccontextmanager
async def an_after_the_line_was_down(site: Site, browser: Browser) -> AsyncIterator[tuple[User, str]]:
    """Somebody has typed a comment while the line was down; it is back. With where the form is."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    path = f"/cum/{stream}/lam/comment"
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        await an.goto(path)
        await an.page.context.set_offline(True)
        await an.fill({"text": TYPED})
        with pytest.raises(BrowserError):
            await an.page.reload()
        await an.page.context.set_offline(False)
        yield an, path


async def test_what_was_typed_survives_a_line_that_was_down(site: Site, browser: Browser) -> None:
    async with an_after_the_line_was_down(site, browser) as (an, path):
        assert await site.services.drafts.load("an", path) is None, "the register has not heard of it"
        await an.goto(path)
        assert await an.page.locator("[name=text]").input_value() == TYPED
        await an.press("Xem tóm tắt")
        await an.press("Ghi vào sổ")
        assert "/bien-nhan/" in an.page.url
        await an.goto(path)
        assert await an.page.locator("[name=text]").input_value() == "", "what the register has is not offered again"


async def test_without_the_copy_it_would_be_lost(site: Site, browser: Browser) -> None:
    """The negative control of the test above."""
    async with an_after_the_line_was_down(site, browser) as (an, path):
        await an.goto("/viec")
        await an.page.evaluate("localStorage.clear()")
        await an.goto(path)
        assert await an.page.locator("[name=text]").input_value() == ""


async def test_what_has_been_put_right_is_marked_no_more_while_the_rest_still_is(site: Site, browser: Browser) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        await an.goto(f"/cum/{stream}/lam/comment")
        await an.fill({"text": TYPED, "paragraph": "hai", "draft_version": "một"})
        await an.press("Xem tóm tắt")
        marked, told = an.page.locator("form.act [aria-invalid]"), an.page.locator("#loi li")
        await expect(marked).to_have_count(2)
        await expect(told).to_have_count(2)
        await an.fill({"paragraph": ""})
        await expect(marked).to_have_count(1)
        assert await marked.get_attribute("name") == "draft_version"
        await expect(told).to_have_count(1)
        await expect(an.page.locator(".why-wrong")).to_have_count(1)
        await an.fill({"draft_version": ""})
        await expect(marked).to_have_count(0)
        await expect(an.page.locator("#loi")).to_have_count(0)


async def test_paper_shows_what_was_recorded_and_no_buttons(site: Site, browser: Browser) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    held = {"id": "hn-1", "kind": "launching", "name": "Hội nghị ký giao ước", "place": "Hà Nội"}
    await submit(site.app, stream, CITY, "record-meeting", held)
    await site.person("thu-ky", CITY, "secretariat")
    pages = {  # each with what is seen on paper
        "/bang": "table",
        f"/cum/{stream}": "h1",
        f"/cum/{stream}/bang-diem/don-vi-1": "h1",
        f"/cum/{stream}/bien-ban/hn-1": ".official-title",
        f"/cum/{stream}/so": ".timeline",
    }
    async with a_user(browser, site.address, "thu-ky", PASSWORD) as secretary:
        for path, what in pages.items():
            await secretary.goto(path)
            shown = await secretary.page.locator("header nav, main button, main .buttons").evaluate_all(VISIBLE)
            assert shown, (path, "on a screen there are buttons")
            await secretary.page.emulate_media(media="print")
            assert await secretary.page.locator("header nav, main button, main .buttons").evaluate_all(VISIBLE) == []
            assert await secretary.page.locator(what).first.is_visible(), path
            await secretary.page.emulate_media(media="screen")


VISIBLE = (
    "all => all.filter(one => one.checkVisibility() && one.offsetWidth > 1).map(one => one.outerHTML.slice(0, 80))"
)


async def test_a_form_says_at_once_that_it_is_not_saved_and_again_that_it_is(site: Site, browser: Browser) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    await site.person("binh", "don-vi-1")
    path = f"/cum/{stream}/lam/comment"
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        await an.goto(path)
        saved = an.page.locator("#saved")
        await an.page.context.set_offline(True)
        await an.fill({"text": TYPED})
        await saved.get_by_text("Chưa lưu: mất kết nối").wait_for()
        await an.page.context.set_offline(False)
        await saved.get_by_text("Tự động lưu lúc").wait_for()
        draft = await site.services.drafts.load("an", path)
        assert draft is not None
        assert draft[0]["text"] == TYPED
        kept = await an.page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('thidua:'))")
        assert kept == [], "what the register has needs no copy"
        # Another tab: a logout, and the login of somebody else. What is typed on is not saved, and stays.
        await site.services.accounts.end_all("an")
        await an.page.fill("#f-text", f"{TYPED} Thêm.")
        await saved.get_by_text("đăng nhập ở tab khác").wait_for()
        async with an.page.context.expect_page() as opened:
            await saved.get_by_role("link").click()
        tab = User(await opened.value, site.address, PASSWORD)
        await tab.page.fill("#person", "binh")
        await tab.page.fill("#password", PASSWORD)
        await tab.press("Đăng nhập")
        await an.page.fill("#f-text", f"{TYPED} Thêm nữa.")
        await saved.get_by_text("do Nguyễn An mở").wait_for()
        await tab.goto(path)
        assert await tab.page.locator("[name=text]").input_value() == "", "it is not theirs to see"
        assert await site.services.drafts.load("binh", path) is None
        # The right person is back: the form is offered what was not saved.
        await tab.page.get_by_role("button", name="Đăng xuất").click()
        await tab.goto("/dang-nhap")
        await tab.page.fill("#person", "an")
        await tab.page.fill("#password", PASSWORD)
        await tab.press("Đăng nhập")
        await tab.goto(path)
        assert await tab.page.locator("[name=text]").input_value() == TYPED
        await tab.page.get_by_role("button", name="Đưa vào biểu mẫu").click()
        assert await tab.page.locator("[name=text]").input_value() == f"{TYPED} Thêm nữa."
        await tab.page.locator("#saved").get_by_text("Tự động lưu lúc").wait_for()


async def test_back_after_a_logout_shows_nothing(site: Site, browser: Browser) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        for path in ("/toi", f"/cum/{stream}/lam/comment"):
            await an.goto(path)
        await an.page.get_by_role("button", name="Đăng xuất").click()
        await an.page.wait_for_url("**/dang-nhap")
        for _ in range(3):
            await an.page.go_back()
            await an.page.wait_for_url("**/dang-nhap*")
            assert "Nguyễn Thị An" not in await an.page.content()
            if "den=" not in an.page.url:
                break


async def test_a_page_that_the_browser_kept_is_asked_for_anew(site: Site, browser: Browser) -> None:
    """Browsers may keep pages that they were told not to store: the script does not trust them."""
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    async with a_user(browser, site.address, "an", PASSWORD) as an:
        await an.goto("/toi")
        await site.services.accounts.end_all("an")
        async with an.page.expect_navigation(wait_until="domcontentloaded"):
            await an.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        assert "/dang-nhap" in an.page.url
        assert "Nguyễn Thị An" not in await an.page.content()
