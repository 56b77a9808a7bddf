"""Pages on paper: A4 sheets on which nothing is cut, folded or laid out for a telephone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from board_help import ORGANISERS, made_up_lines, write_lines
from browser_help import ROOT, User, a_browser, a_user
from conftest import NewInstallation, open_app
from playwright.async_api import Browser
from temporalio.client import Client
from web_help import PASSWORD, Site, a_site

from application.scenario import play

CITY = "mttq-hanoi"
CYCLE = f"/cum/{CITY}/2020-giay/cum-1"
SHEETS = {
    CYCLE: "Thành viên",
    f"{CYCLE}/bang-diem": "Người lập biểu",
    f"{CYCLE}/bien-ban/hn-2020-02-05": "Chủ trì hội nghị",
    "/viec": "Việc phải làm",
    "/viec/ban-in": "Danh sách việc phải làm",
    "/bang": "Bảng theo dõi",
    "/diem-khac": "Nội dung khác quy định",
}
"""Pages that an office prints, and words that stand on each sheet."""

A4 = {"width": 654, "height": 945}
"""What is left of a sheet between its margins, in CSS pixels (96 an inch)."""

FAULTS = """() => {
  const shown = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getBoundingClientRect().height > 0;
  const right = (one) => one.getBoundingClientRect().right;
  const style = (one) => getComputedStyle(one).display;
  const all = (selector, wrong) => [...document.querySelectorAll(selector)].filter(wrong);
  // Minutes stand alone on the paper, and tell what the list above them does.
  const alone = (one) => one.closest("main").querySelector(":scope > .official") && !one.closest(".official");
  const faults = {
    control: all("button, .button, .top nav, .do, footer, .filters, input:not([type=hidden])", shown),
    head: all("thead", (one) => style(one) !== "table-header-group"),
    card: all("td, tbody th", (one) => shown(one) && style(one) !== "table-cell"),
    cut: all("main *", (one) => shown(one) && !one.closest(".hidden") && right(one) > innerWidth + 1),
    folded: all("main details:not(:has(form, input), nav *) li", (one) => !shown(one) && !alone(one)),
  };
  const told = (kind, found) => found.map((one) => `${kind}: ${one.outerHTML.slice(0, 90)}`);
  return Object.entries(faults).flatMap(([kind, found]) => told(kind, found));
}"""


@pytest.fixture(scope="module")
async def site(
    client: Client, new_installation: NewInstallation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    outbox = tmp_path_factory.mktemp("outbox")
    async with open_app(client, new_installation, sandboxed=False) as app, a_site(app, outbox) as found:
        await play(app, ROOT / "scenarios" / "2020-cum-1.yaml", cycle="2020-giay")
        lines = made_up_lines(7, 40, (2024, 2025, 2026), ORGANISERS)
        for line in lines:
            for task in line["open"]:
                task["duty"] = "stance"
        await write_lines(found.app.ledger.pool, lines)
        await found.person("thu-ky", CITY, "secretariat", administrator=True)
        yield found


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with a_browser() as found:
        yield found


@pytest.mark.shows_keys("made-up lines hold codes that no version knows")
async def test_a_moment_names_a_source_by_its_title(site: Site) -> None:
    """Also at a moment before somebody has entered the title."""
    reader = await site.log_in("thu-ky")
    page = await reader.get(f"{CYCLE}/thoi-diem?sau=12")
    assert "Ban Thường trực Ủy ban MTTQ quận Long Biên ký kết" in page
    assert "Nguồn: long-bien-2020" not in page


async def on_paper(user: User, path: str) -> list[str]:
    """What is wrong with a page on paper."""
    await user.goto(path)
    await user.page.emulate_media(media="print")
    found: list[str] = await user.page.evaluate(FAULTS)
    await user.page.emulate_media(media="screen")
    return [f"{path}: {one}" for one in found]


@pytest.mark.shows_keys("made-up lines hold codes that no version knows")
async def test_sheets_are_no_telephone_pages_and_nothing_is_cut(site: Site, browser: Browser) -> None:
    found: list[str] = []
    async with a_user(browser, site.address, "thu-ky", PASSWORD, viewport=A4) as user:
        for path, words in SHEETS.items():
            found += await on_paper(user, path)
            await user.page.emulate_media(media="print")
            assert words in await user.page.inner_text("body"), path
            await user.page.emulate_media(media="screen")
    assert found == [], "\n".join(found)


@pytest.mark.shows_keys("made-up lines hold codes that no version knows")
async def test_a_list_goes_on_over_sheets_of_a4(site: Site, browser: Browser) -> None:
    async with a_user(browser, site.address, "thu-ky", PASSWORD) as user:
        for path, width, height in (("/diem-khac", 595, 842), ("/bang", 842, 595)):
            await user.goto(path)
            body = await user.page.pdf(prefer_css_page_size=True)
            boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", body)
            assert len(boxes) > 1, path
            assert {(round(float(one)), round(float(two))) for one, two in boxes} >= {(width, height)}, path


@pytest.mark.shows_keys("made-up lines hold codes that no version knows")
async def test_the_check_finds_what_it_looks_for(site: Site, browser: Browser) -> None:
    async with a_user(browser, site.address, "thu-ky", PASSWORD, viewport=A4) as user:
        await user.goto("/bang")
        found: list[str] = await user.page.evaluate(FAULTS)  # as a narrow screen shows it
    assert {one.partition(":")[0] for one in found} == {"control", "card", "head", "folded"}
