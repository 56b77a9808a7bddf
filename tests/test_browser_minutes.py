"""Minutes in a browser: two people write at once, a vote in place, nothing is overwritten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from browser_help import User, a_user
from engine_help import CITY, YEAR, open_cycle, units
from playwright.async_api import Browser, Route, expect
from speech import RULES
from web_help import PASSWORD, Site

from web import urls

FIRST, SECOND = units(2)


@asynccontextmanager
async def two_keepers(site: Site, browser: Browser) -> AsyncIterator[tuple[User, User, str, str]]:
    """Two secretaries with minutes that the first has begun: both, the cycle, the minutes."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    for person in ("lan", "minh"):
        await site.person(person, CITY, "secretariat")
    async with (
        a_user(browser, site.address, "lan", PASSWORD) as lan,
        a_user(browser, site.address, "minh", PASSWORD) as minh,
    ):
        await lan.goto(urls.meetings_url(stream, kind="final"))
        await lan.fill({"_on": f"01/01/{YEAR}"})
        await lan.press("Mở biên bản")
        yield lan, minh, stream, lan.page.url.rpartition("/")[2]


async def test_two_people_write_the_same_minutes(site: Site, browser: Browser) -> None:
    async with two_keepers(site, browser) as (lan, minh, stream, meeting):
        await minh.goto(urls.minutes_url(stream, meeting, part="people"))
        await expect(minh.page.locator("#present")).to_have_text("Nguyễn Lan đang ở phần: Hội nghị")
        # Who types goes on typing; what the other one has written comes in beside it.
        await lan.goto(urls.minutes_url(stream, meeting, part="people"))
        await lan.page.get_by_role("button", name="Có mặt cả").click()
        await minh.page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(minh.page.locator(f'[name="present.{SECOND}"]')).to_be_checked()
        await minh.page.get_by_role("button", name="Thêm: khách mời").click()
        guest = minh.page.locator('[data-cell^="head.guests."] [name$=".group"]')
        await guest.fill("Ban Dân vận")
        await lan.page.fill('[name="head.attendance"]', "41")
        await expect(lan.page.locator("#saved-at")).to_contain_text("Tự động lưu lúc")
        await lan.page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(lan.page.locator('[data-cell^="head.guests."] [name$=".group"]')).to_have_value("Ban Dân vận")
        # A conflict shows both, and is chosen.
        await minh.page.context.set_offline(True)
        await minh.page.fill('[name="head.attendance"]', "42")
        await minh.page.locator("#saved").get_by_text("Chưa lưu: mất kết nối").wait_for()
        async with lan.page.expect_response(lambda answer: answer.request.method == "POST"):
            await lan.page.fill('[name="head.attendance"]', "43")
        await minh.page.context.set_offline(False)
        await minh.page.locator("#conflicts").get_by_text("Nguyễn Lan đã ghi “43”").wait_for()
        await expect(minh.page.locator('[name="head.attendance"]')).to_have_value("43")
        await minh.page.get_by_role("button", name="Vẫn dùng giá trị của tôi").click()
        await lan.page.evaluate("dispatchEvent(new Event('focus'))")
        await expect(lan.page.locator('[name="head.attendance"]')).to_have_value("42")
        # What was written over is told with both values to who had written it.
        await lan.page.locator("#conflicts").get_by_text("Trước đó bạn ghi “43”").wait_for()
        await lan.page.get_by_role("button", name="Giữ giá trị của người kia").click()
        await expect(lan.page.locator("#saved-at")).to_contain_text("Tự động lưu lúc")
        # A row is taken out after a question, and put back.
        row = minh.page.locator('[data-cell^="head.guests."]')
        await row.locator(".take-out summary").click()
        await row.locator("button[name=_out]").click()
        await expect(row).to_have_count(0)
        await minh.page.locator(".gone summary").click()
        await minh.page.get_by_role("button", name="Khôi phục").click()
        await expect(guest).to_have_value("Ban Dân vận")
        # Reload shows the same; both are entered once.
        await minh.page.reload()
        await expect(guest).to_have_value("Ban Dân vận")
        await lan.goto(urls.minutes_url(stream, meeting, part="check"))
        await lan.press("Ghi tất cả vào sổ")
        assert "/bien-ban/" in lan.page.url
        await lan.page.go_back()
        await lan.page.wait_for_url("**/bien-ban/**")
        await minh.page.evaluate("dispatchEvent(new Event('focus'))")
        await minh.page.locator("#saved").get_by_text("Biên bản này đã được ghi vào sổ").wait_for()


async def a_vote(user: User, stream: str, meeting: str) -> tuple[str, str]:
    """Begin a vote; return the address of the votes and the path of its cell."""
    votes = urls.minutes_url(stream, meeting, part="votes")
    await user.goto(votes)
    await user.page.get_by_role("button", name="Ghi kết quả biểu quyết").click()
    path = await user.page.locator(".vote").get_attribute("data-cell")
    assert path is not None
    return votes, path


async def test_two_people_add_a_choice_to_one_vote_at_once(site: Site, browser: Browser) -> None:
    async with two_keepers(site, browser) as (lan, minh, stream, meeting):
        votes, path = await a_vote(lan, stream, meeting)
        await minh.goto(votes)
        await minh.page.context.set_offline(True)
        await minh.page.fill(f'[name="{path}.choices.1.words"]', "Không ai")
        await minh.page.locator("#saved").get_by_text("Chưa lưu: mất kết nối").wait_for()
        async with lan.page.expect_response(lambda answer: answer.request.method == "POST"):
            await lan.page.fill(f'[name="{path}.choices.0.words"]', "Cả hai")
        await lan.page.fill(f'[name="{path}.cast"]', "15")
        await minh.page.context.set_offline(False)
        await minh.page.locator("#said").get_by_text("Phần của cả hai đều được giữ").wait_for(state="attached")
        await lan.page.locator("h1").click()
        for user in (minh, lan):
            await user.page.evaluate("dispatchEvent(new Event('focus'))")
            await expect(user.page.locator(f'[name="{path}.choices.0.words"]')).to_have_value("Không ai")
            await expect(user.page.locator(f'[name="{path}.choices.1.words"]')).to_have_value("Cả hai")
            await expect(user.page.locator(f'[name="{path}.cast"]')).to_have_value("15")
            await expect(user.page.locator("#conflicts > *")).to_have_count(0)


async def test_what_is_typed_while_the_page_still_loads_is_saved(site: Site, browser: Browser) -> None:
    async with two_keepers(site, browser) as (lan, minh, stream, meeting):
        votes, path = await a_vote(lan, stream, meeting)
        typed = asyncio.Event()

        async def late(route: Route) -> None:
            await typed.wait()
            await route.continue_()

        await minh.page.route("**/minutes*.js*", late)
        await minh.page.goto(site.address + votes, wait_until="commit")
        await minh.page.fill(f'[name="{path}.choices.0.words"]', "Cả hai")
        async with minh.page.expect_response(lambda answer: answer.request.method == "POST"):
            typed.set()
        async with minh.page.expect_response(lambda answer: answer.request.method == "POST"):
            await minh.page.fill(f'[name="{path}.cast"]', "15")
        await expect(minh.page.locator("#saved-at")).to_contain_text("Tự động lưu lúc")
        await minh.page.reload()
        await expect(minh.page.locator(f'[name="{path}.choices.0.words"]')).to_have_value("Cả hai")
        await expect(minh.page.locator(f'[name="{path}.cast"]')).to_have_value("15")


async def test_what_is_typed_into_a_row_that_a_colleague_takes_out_is_told_and_can_be_kept(
    site: Site, browser: Browser
) -> None:
    async with two_keepers(site, browser) as (lan, minh, stream, meeting):
        people = urls.minutes_url(stream, meeting, part="people")
        await lan.goto(people)
        await lan.page.get_by_role("button", name="Thêm: khách mời").click()
        guest = lan.page.locator('[data-cell^="head.guests."] [name$=".group"]')
        await guest.fill("Ban Dân vận")
        await expect(lan.page.locator("#saved-at")).to_contain_text("Tự động lưu lúc")
        await minh.goto(people)
        row = minh.page.locator('[data-cell^="head.guests."]')
        await row.locator(".take-out summary").click()
        await row.locator("button[name=_out]").click()
        await expect(row).to_have_count(0)

        # Who writes goes on while the page hears that the row is gone.
        heard = []

        async def slow(route: Route) -> None:
            if "thay-doi" not in route.request.url and route.request.method == "GET" and not heard:
                heard.append(route.request.url)
                await guest.press_sequentially(" Trung ương")
            await route.continue_()

        await lan.page.route("**/hoi-nghi/**", slow)
        await lan.page.evaluate("dispatchEvent(new Event('focus'))")
        await lan.page.locator("#conflicts").get_by_text("Ban Dân vận Trung ương").wait_for()
        await expect(lan.page.locator("#saved-at")).not_to_contain_text("Tự động lưu lúc")
        assert heard
        await lan.page.get_by_role("button", name="Vẫn dùng giá trị của tôi").click()
        await expect(guest).to_have_value("Ban Dân vận Trung ương")
