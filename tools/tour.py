"""Pictures of every main page in two sizes, and docs/tour.md, which tells what they show. `make tour`.

Plays the demo in a folder that is thrown away, and drives Debian's Chromium. The pictures go to the folder that is
printed: the repository holds only the README's, which is the top of one of them.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright

from application.rehearsal_roles import Part, RehearsalRoles
from tools.browser import SWITCHES

ROOT = Path(__file__).parent.parent
CYCLE = "/cum/mttq-hanoi/2020/cum-1"
SIZES = {"wide": (1280, 800), "phone": (360, 740)}
README_PICTURE, README_SIZE, README_COLOURS = "city-tasks-wide.png", (1280, 980), 64
SECRETARIAT, STAFF, AUDITOR = "cb-mttq-hanoi", "cb-long-bien", "kiem-tra-dien-tap"
PAGES: tuple[tuple[str, str, str, str], ...] = (
    ("roles", SECRETARIAT, "/dien-tap", "The demo's first page: whom to be, with one click, and three things to try."),
    ("home", SECRETARIAT, "/viec", "The secretariat's first page: what needs an answer, clusters by step, tasks."),
    ("board", SECRETARIAT, "/bang", "The city board: steps, next deadlines, whom each waits for, what is late."),
    ("late", SECRETARIAT, "/bang/don-doc", "Late units with a telephone number and a text that is ready for a chat."),
    ("year", SECRETARIAT, "/bat-dau-nam", "Starting a year from a table that is pasted or uploaded."),
    (
        "editions",
        SECRETARIAT,
        "/ban-quy-dinh",
        "The organiser's own rules, those in the register, those of the program.",
    ),
    ("edition", SECRETARIAT, "/ban-quy-dinh/quang-tri", "An edition in its parts, with what the check says."),
    (
        "edition-criteria",
        SECRETARIAT,
        "/ban-quy-dinh/quang-tri/tieu-chi",
        "A table of criteria with remarks beside them.",
    ),
    ("edition-trial", SECRETARIAT, "/ban-quy-dinh/quang-tri/cham-thu", "A trial sheet of three made-up units."),
    ("edition-force", SECRETARIAT, "/ban-quy-dinh/specimen-2024/ap-dung", "Putting rules in force in clusters."),
    ("cluster", SECRETARIAT, CYCLE, "A cluster's year: what needs an answer first, an index, then all of it."),
    ("samples", SECRETARIAT, "/mau", "Samples of all parts of the pages, in rehearsals."),
    ("targets", STAFF, f"{CYCLE}/lam/register-targets?unit=long-bien", "A list in a form: rows are added in the page."),
    ("appraise", SECRETARIAT, f"{CYCLE}/lam/appraise?unit=long-bien", "Appraising, with the unit's own points beside."),
    ("grid", SECRETARIAT, f"{CYCLE}/cham-diem/appraised", "The sheets of all units as one grid, saved cell by cell."),
    ("own-sheet", STAFF, f"{CYCLE}/cham-diem/self", "A unit's own sheet as a list, with its evidence."),
    ("minutes", SECRETARIAT, f"{CYCLE}/hoi-nghi?kind=final", "Minutes that are begun, and those that begin anew."),
    ("people", SECRETARIAT, "/nguoi-dung", "People, accounts, stand-ins."),
    ("inbox", STAFF, "/viec", "What a unit can do, what waits for others, what it has done (here: all is done)."),
    ("who", STAFF, "/toi/vai-tro", "Who one is here, and what one may do, in plain words."),
    ("draft", STAFF, f"{CYCLE}/du-thao/covenant", "A paper in its versions, changes marked, comments beside."),
    ("act", STAFF, f"{CYCLE}/lam/file-complaint", "One act on one page."),
    ("sheet", STAFF, f"{CYCLE}/bang-diem/long-bien", "A score sheet in all rounds."),
    ("charts", SECRETARIAT, f"{CYCLE}/bieu-do-diem", "The scores of a cluster in charts, each with its table."),
    ("unit-years", STAFF, f"{CYCLE}/bieu-do-diem/long-bien", "A unit's totals and ranks over the years."),
    ("me", STAFF, "/toi", "One's own page: stand-in, mail, calendar, password, tokens."),
    ("guide", STAFF, "/tro-giup/can-bo", "A guide, in Vietnamese."),
    ("timeline", AUDITOR, f"{CYCLE}/so", "Everything that was recorded, in plain sentences."),
    ("moment", AUDITOR, f"{CYCLE}/thoi-diem?sau=20", "The time machine."),
    ("compare", AUDITOR, f"{CYCLE}/so-sanh?tu=05/02/2020&den=01/08/2020", "Two moments compared."),
    ("deviations", AUDITOR, "/diem-khac", "The register of deviations over all clusters."),
    ("verify", AUDITOR, "/kiem-tra", "Verifying the chain."),
)


CITY_PAGES: tuple[tuple[str, Part, str, str], ...] = (
    (
        "city-tasks",
        "secretary",
        "/viec",
        "The rehearsed city in mid-year: what the secretariat has to do.",
    ),
    ("city-board", "secretary", "/bang", "Its board: twenty clusters, some late, some that ask for more time."),
    ("city-late", "secretary", "/bang/don-doc", "Its late wards."),
    ("city-search", "secretary", "/tim?q=phuong", "Search over clusters, wards, papers, comments and people."),
    ("city-people", "secretary", "/nguoi-dung", "Its people; who was not invited yet is invited by one button."),
    ("city-accounts", "secretary", "/nguoi-dung/danh-sach/tai-khoan", "The list of accounts to hand out."),
    ("city-cluster", "head", "/cum/{cycle}", "A cluster that is signing its covenant, as its head sees it."),
    ("city-sign", "head", "/cum/{cycle}/lam/sign?unit={unit}", "Signing the covenant."),
    ("city-inbox", "officer", "/viec", "What a ward has to do whose report is late."),
    ("city-report", "officer", "/cum/{cycle}/lam/report-midyear?unit={unit}", "Sending the mid-year report."),
    ("city-minutes", "minutes-keeper", "/cum/{cycle}/hoi-nghi?kind=mid-year", "The mid-year meeting's minutes."),
    ("city-minutes-people", "minutes-keeper", "{minutes}?phan=thanh-phan", "Who was there, all ticked by one button."),
    ("city-minutes-vote", "minutes-keeper", "{minutes}?phan=bieu-quyet", "A vote as a table that the law checks."),
    ("city-minutes-check", "minutes-keeper", "{minutes}?phan=kiem-tra", "What the minutes would record."),
    ("city-deviations", "auditor", "/diem-khac", "The deviations of the city, some acknowledged."),
)
"""As somebody whom the demo's first page offers; cluster and unit are theirs."""


NO_BARS = ".bar, #tra-loi > #da-tra-loi { position: static !important }"
"""What stays at the edge of a window would lie in the middle of a picture of the whole page."""

MINUTES = "{minutes}"
"""In place of the address of minutes, which are begun while the pictures are taken."""


def shots(roles: RehearsalRoles) -> dict[str, list[tuple[str, str]]]:
    """The name and the address of each picture, by who sees the page."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, person, path, _text in PAGES:
        found.setdefault(person, []).append((name, path))
    by_part = {role.part: role for role in roles.roles}
    for name, part, path, _text in CITY_PAGES:
        role = by_part[part]
        found.setdefault(role.person, []).append((name, path.format(cycle=role.cycle, unit=role.unit, minutes=MINUTES)))
    return found


async def pictures(browser: Browser, address: str, roles: RehearsalRoles, target: Path) -> None:
    """Take all of them."""
    minutes, begin = "", next(path for name, path in chain(*shots(roles).values()) if name == "city-minutes")
    for size, (width, height) in SIZES.items():
        for person, pages in shots(roles).items():
            context = await browser.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
            page = await context.new_page()
            await page.goto(f"{address}/dang-nhap")
            await page.fill("#person", person)
            await page.fill("#password", roles.password)
            await page.click("main button")
            for name, path in pages:
                if MINUTES in path:
                    minutes = minutes or await begun_minutes(page, address + begin)
                await page.goto(address + path.replace(MINUTES, minutes.removeprefix(address)))
                await page.screenshot(path=target / f"{name}-{size}.png", full_page=True, style=NO_BARS)
            await context.close()


async def begun_minutes(page: Page, begin: str) -> str:
    """Begin minutes with all units and a vote; returns their address."""
    await page.goto(begin)
    await page.fill("#when-on", "01/07/2026")
    await page.click("main button.main")
    if await page.locator("button[name=_sure]").count():
        await page.click("button[name=_sure]")
    place = page.url.partition("?")[0]
    await page.goto(f"{place}?phan=thanh-phan")
    await page.click("[name=_all]")
    await page.locator(".seat input:checked").first.wait_for()
    await page.goto(f"{place}?phan=bieu-quyet")
    await page.click("[name=_add]")
    path = await page.locator(".vote").get_attribute("data-cell")
    for name in ("subject", "method"):
        await page.select_option(f"[name='{path}.{name}']", index=1)
    for number, votes in enumerate(("9", "5")):
        await page.select_option(f"[name='{path}.choices.{number}.unit']", index=number + 1)
        await page.fill(f"[name='{path}.choices.{number}.votes']", votes)
    for name, papers in (("handed_out", "15"), ("cast", "15"), ("blank", "1"), ("spoiled", "0")):
        await page.fill(f"[name='{path}.{name}']", papers)
    await page.get_by_text("9 + 5 + 1 = 15").first.wait_for()
    return place


def main() -> None:
    """Play, serve, take pictures, write the document."""
    found = subprocess.run(["sh", "tools/chromium.sh"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - the shell of the machine
    program = found.stdout.strip().splitlines()[-1]
    target = Path(tempfile.mkdtemp(prefix="thidua-tour-"))
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        os.environ.update(THIDUA_DATA=f"{made}/data", THIDUA_LOGS=f"{made}/logs")
        asyncio.run(tour(program, target))
    (ROOT / "docs" / "tour.md").write_text(document(), encoding="utf-8")
    first = Image.open(target / README_PICTURE).crop((0, 0, *README_SIZE)).convert("RGB")
    first.quantize(README_COLOURS).save(ROOT / "docs" / "home.png", optimize=True)
    print(f"{(len(PAGES) + len(CITY_PAGES)) * len(SIZES)} pictures in {target}")


async def tour(program: str, target: Path) -> None:
    """Serve the demo, and take the pictures."""
    from cli import demo  # noqa: PLC0415 - it reads its folders from the environment

    async with (
        demo.served(lambda text: print(text, file=sys.stderr)) as (address, roles),
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        await pictures(browser, address, roles, target)
        await browser.close()


HEAD = """# A tour of the pages

`make tour` plays the demo, takes these pictures in two sizes (1280 and 360 px wide) and prints their folder. They
are not kept here, except the top of `city-tasks-wide.png`, which the README shows. Those whose name begins with "city"
are of the rehearsed city, as somebody whom the demo's first page offers.

| picture | as | address | what it shows |
| --- | --- | --- | --- |
"""


def document() -> str:
    """What each picture shows."""
    return HEAD + "".join(
        f"| `{name}-wide.png`, `{name}-phone.png` | {person} | `{path}` | {text} |\n"
        for name, person, path, text in (*PAGES, *CITY_PAGES)
    )


if __name__ == "__main__":
    main()
