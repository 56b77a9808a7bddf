"""What pages owe to the browser: the copy of what is typed, and sheets of paper."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from browser_help import User, a_user
from engine_help import CITY, open_cycle, submit, units
from playwright.async_api import Browser
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


async def test_paper_shows_what_was_recorded_and_no_buttons(site: Site, browser: Browser) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    held = {"id": "hn-1", "kind": "launching", "name": "Hội nghị ký giao ước", "place": "Hà Nội"}
    await submit(site.app, stream, CITY, "record-meeting", held)
    await site.person("thu-ky", CITY, "secretariat")
    pages = {
        "/bang": "table",
        f"/cum/{stream}": "h1",
        f"/cum/{stream}/bang-diem/don-vi-1": "h1",
        f"/cum/{stream}/bien-ban/hn-1": "h1",
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
