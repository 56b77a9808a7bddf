"""The system's Chromium without a screen, driven by Playwright: people who only use pages."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tools.browser import SWITCHES

ROOT = Path(__file__).parent.parent
UNFOLD = """name => { for (const one of document.querySelectorAll(`main [name="${name}"]`)) {
    for (let box = one.closest("details"); box; box = box.parentElement.closest("details")) box.open = true; } }"""


def chromium() -> str:
    """Debian's Chromium; installed when it is missing."""
    if named := os.environ.get("CHROMIUM"):
        return named
    found = subprocess.run(["sh", "tools/chromium.sh"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - the shell of the machine
    return found.stdout.strip().splitlines()[-1]


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=list(SWITCHES))
        yield browser
        await browser.close()


@dataclass(slots=True)
class User:
    """Somebody at a browser."""

    page: Page
    address: str
    password: str
    typed: list[str] = field(default_factory=list)
    """What was typed into text boxes, not chosen from a list."""

    async def goto(self, path: str) -> None:
        answer = await self.page.goto(self.address + path)
        assert answer is not None
        assert answer.ok, (path, answer.status, await self.page.inner_text("main"))

    async def fill(self, fields: Mapping[str, str]) -> None:
        """Fill inputs by name, opening what is folded."""
        for name, value in fields.items():
            box = self.page.locator(f'main [name="{name}"]:not([type=hidden])').first
            await self.page.evaluate(UNFOLD, name)
            if await box.evaluate("one => one.tagName") == "SELECT":
                await box.select_option(value)
            elif await box.get_attribute("type") in {"checkbox", "radio"}:
                await box.set_checked(bool(value))
            else:
                await box.fill(value)
                if name != "id":  # what programs call it, shown to nobody
                    self.typed.append(value)

    async def press(self, name: str) -> None:
        """Press a button by its words, and wait for what comes."""
        async with self.page.expect_navigation(wait_until="domcontentloaded"):
            await self.page.locator("main").get_by_role("button", name=re.compile(name)).first.click()

    async def add_row(self, name: str) -> None:
        """Press a button that adds a row of a list: in the page, or without a script on a new one."""
        await self.page.locator("main").get_by_role("button", name=re.compile(name)).first.click()
        await self.page.wait_for_load_state()

    async def read(self, *paths: str) -> str:
        """The words of pages and of those that follow on each, in one line."""
        words = list[str]()
        for path in paths:
            await self.goto(path)
            while True:
                words.append(await self.page.inner_text("main"))
                following = self.page.locator("main a[rel=next]")
                if not await following.count():
                    break
                await following.first.click()
        return " ".join(" ".join(words).split())

    async def act(self, path: str, fields: Mapping[str, str], *, binding: bool = False) -> str:
        """Do one act: form, summary, receipt. Returns the receipt's text."""
        await self.goto(path)
        await self.fill(fields)
        await self.press("Xem tóm tắt")
        assert "Điều sau sẽ được ghi vào sổ" in await self.page.inner_text("main"), await self.page.inner_text("main")
        if binding:
            await self.page.fill("#f-password", self.password)
        await self.press("Ghi vào sổ")
        text = await self.page.inner_text("main")
        assert "/bien-nhan/" in self.page.url, text
        return text


@asynccontextmanager
async def a_user(browser: Browser, address: str, person: str, password: str, **context: Any) -> AsyncIterator[User]:
    """Somebody who logs in on the first page."""
    # Without movement: colours are those of the page, at whatever moment somebody looks.
    made = await browser.new_context(locale="vi-VN", reduced_motion="reduce", **context)
    made.set_default_timeout(20_000)
    page = await made.new_page()
    user = User(page, address, password)
    await user.goto("/dang-nhap")
    await page.fill("#person", person)
    await page.fill("#password", password)
    await user.press("Đăng nhập")
    assert "/dang-nhap" not in page.url, await page.inner_text("main")
    yield user
    await made.close()
