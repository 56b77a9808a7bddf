"""Pictures of every main page in two sizes, and docs/tour.md, which tells what they show. `make tour`.

Plays the demo in a folder that is thrown away, and drives Debian's Chromium. The pictures go to the folder that is
printed: the repository holds no binaries.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, async_playwright

ROOT = Path(__file__).parent.parent
CYCLE = "/cum/mttq-hanoi/2020/cum-1"
SIZES = {"wide": (1280, 800), "phone": (360, 740)}
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECRETARIAT, STAFF, AUDITOR = "cb-mttq-hanoi", "cb-long-bien", "kiem-tra-dien-tap"
PAGES: tuple[tuple[str, str, str, str], ...] = (
    ("roles", SECRETARIAT, "/dien-tap", "The demo's first page: whom to be, with one click, and three things to try."),
    ("home", SECRETARIAT, "/viec", "The secretariat's first page: what needs an answer, clusters by step, tasks."),
    ("board", SECRETARIAT, "/bang", "The city board: steps, next deadlines, whom each waits for, what is late."),
    ("late", SECRETARIAT, "/bang/don-doc", "Late units with a telephone number and a text that is ready for a chat."),
    ("year", SECRETARIAT, "/bat-dau-nam", "Starting a year from a table that is pasted or uploaded."),
    ("cluster", SECRETARIAT, CYCLE, "A cluster's year: what needs an answer first, an index, then all of it."),
    ("samples", SECRETARIAT, "/mau", "Samples of all parts of the pages, in rehearsals."),
    ("targets", STAFF, f"{CYCLE}/lam/register-targets?unit=long-bien", "A list in a form: rows are added in the page."),
    ("appraise", SECRETARIAT, f"{CYCLE}/lam/appraise?unit=long-bien", "Appraising, with the unit's own points beside."),
    ("minutes", SECRETARIAT, f"{CYCLE}/hoi-nghi?kind=final", "Meeting mode: the meeting itself."),
    ("people", SECRETARIAT, "/nguoi-dung", "People, accounts, stand-ins."),
    ("inbox", STAFF, "/viec", "What a unit can do, what waits for others, what it has done (here: all is done)."),
    ("draft", STAFF, f"{CYCLE}/du-thao/covenant", "A paper in its versions, changes marked, comments beside."),
    ("act", STAFF, f"{CYCLE}/lam/file-complaint", "One act on one page."),
    ("sheet", STAFF, f"{CYCLE}/bang-diem/long-bien", "A score sheet in all rounds."),
    ("me", STAFF, "/toi", "One's own page: stand-in, mail, calendar, password, tokens."),
    ("guide", STAFF, "/tro-giup/can-bo", "A guide, in Vietnamese."),
    ("timeline", AUDITOR, f"{CYCLE}/so", "Everything that was recorded, in plain sentences."),
    ("moment", AUDITOR, f"{CYCLE}/thoi-diem?sau=20", "The time machine."),
    ("compare", AUDITOR, f"{CYCLE}/so-sanh?tu=05/02/2020&den=01/08/2020", "Two moments compared."),
    ("deviations", AUDITOR, "/diem-khac", "The register of deviations over all clusters."),
    ("verify", AUDITOR, "/kiem-tra", "Verifying the chain."),
)


async def pictures(browser: Browser, address: str, password: str, target: Path) -> None:
    """Take all of them."""
    for size, (width, height) in SIZES.items():
        for person in (SECRETARIAT, STAFF, AUDITOR):
            context = await browser.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
            page = await context.new_page()
            await page.goto(f"{address}/dang-nhap")
            await page.fill("#person", person)
            await page.fill("#password", password)
            await page.click("main button")
            for name, who, path, _text in PAGES:
                if who == person:
                    await page.goto(address + path)
                    await page.screenshot(path=target / f"{name}-{size}.png", full_page=True)
            await context.close()


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
    print(f"{len(PAGES) * len(SIZES)} pictures in {target}")


async def tour(program: str, target: Path) -> None:
    """Serve the demo, and take the pictures."""
    from cli import demo  # noqa: PLC0415 - it reads its folders from the environment

    async with (
        demo.served(lambda text: print(text, file=sys.stderr)) as (address, password),
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        await pictures(browser, address, password, target)
        await browser.close()


HEAD = """# A tour of the pages

`make tour` plays the demo, takes these pictures in two sizes (1280 and 360 px wide) and prints their folder. They
are not kept here: the repository holds no binaries.

| picture | as | address | what it shows |
| --- | --- | --- | --- |
"""


def document() -> str:
    """What each picture shows."""
    return HEAD + "".join(
        f"| `{name}-wide.png`, `{name}-phone.png` | {person} | `{path}` | {text} |\n"
        for name, person, path, text in PAGES
    )


if __name__ == "__main__":
    main()
