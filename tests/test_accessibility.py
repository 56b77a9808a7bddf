"""Pages that everybody can use: axe on every page in two sizes, keyboard, zoom, nothing wider than a telephone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pyotp
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from browser_help import ROOT, User, a_browser, a_user
from conftest import NewInstallation, open_app
from engine_help import submit
from playwright.async_api import Browser
from temporalio.client import Client
from web_help import PASSWORD, Site, a_site, shown_secret

from application.rehearsal_roles import RehearsalRole, RehearsalRoles
from application.scenario import play
from resources import RULES
from web import urls

CITY = "mttq-hanoi"
CYCLE = f"/cum/{CITY}/2020-axe/cum-1"
DRAFT = "0123456789ab"
"""The key of a draft of rules."""

PAGES = {
    "thu-ky": (
        "/viec",
        "/viec/ban-in",
        "/viec/cho-noi-khac",
        "/viec/da-ghi",
        "/toi/vai-tro",
        "/ban-nhap",
        "/bang",
        "/bang/don-doc",
        "/bat-dau-nam",
        "/ban-quy-dinh",
        "/ban-quy-dinh/specimen-2020",
        "/ban-quy-dinh/quang-tri/tieu-chi",
        "/ban-quy-dinh/quang-tri/cham-thu",
        "/ban-quy-dinh/specimen-2020/ap-dung",
        f"/ban-quy-dinh/{DRAFT}",
        f"/ban-quy-dinh/{DRAFT}/phan/thoi-han",
        f"/ban-quy-dinh/{DRAFT}/phan/lich",
        f"/ban-quy-dinh/{DRAFT}/van-ban/thoi-han",
        f"/ban-quy-dinh/{DRAFT}/nhap-bang",
        f"/ban-quy-dinh/{DRAFT}/tieu-chi/0-1",
        "/nguoi-dung",
        "/tinh-trang",
        "/nguoi-dung/danh-sach/tai-khoan",
        "/toi",
        "/tim?q=dong+da",
        CYCLE,
        f"{CYCLE}/lam",
        f"{CYCLE}/lam/appraise?unit=long-bien",
        f"{CYCLE}/cham-diem/appraised",
        f"{CYCLE}/cham-diem/appraised?don_vi=long-bien",
        f"{CYCLE}/lam/record-ballot",
        f"{CYCLE}/hoi-nghi",
        f"{CYCLE}/lam/comment",
        f"{CYCLE}/lam/decide-awards",
        f"{CYCLE}/bien-nhan/5",
        "/nhat-ky-doc",
        f"{CYCLE}/sua/10",
        f"{CYCLE}/lam/correct?version=10",
        f"{CYCLE}/bien-ban/hn-2020-02-05",
        f"{CYCLE}/lam/register-targets?unit=long-bien",
        "/mau",
    ),
    "can-bo": (
        "/viec",
        "/cum",
        CYCLE,
        f"{CYCLE}/quy-dinh",
        f"{CYCLE}/y-kien",
        f"{CYCLE}/da-ghi",
        f"{CYCLE}/muc/5",
        f"{CYCLE}/lam/sign?unit=long-bien",
        f"{CYCLE}/lam/score-self?unit=long-bien",
        f"{CYCLE}/cham-diem/self",
        f"{CYCLE}/lam/ask-extension?unit=long-bien",
        f"{CYCLE}/du-thao/covenant",
        f"{CYCLE}/bang-diem/long-bien",
        f"{CYCLE}/bang-diem",
        f"{CYCLE}/bieu-do-diem",
        f"{CYCLE}/bieu-do-diem/long-bien",
        "/tro-giup/can-bo",
        "/tep",
        "/ma-mot-lan",
        "/khong-co-trang",
    ),
    "kiem-tra": (
        "/diem-khac",
        "/kiem-tra",
        CYCLE,
        f"{CYCLE}/so",
        f"{CYCLE}/thoi-diem?sau=20",
        f"{CYCLE}/so-sanh?tu=05/02/2020",
        "/nhat-ky-tai-khoan",
    ),
}
TELEPHONE = {"width": 360, "height": 740}
SIZES = ((1280, 800), (TELEPHONE["width"], TELEPHONE["height"]))
VIOLATIONS = "axe.run({resultTypes: ['violations']}).then(found => found.violations)"

BROKEN = """() => { const main = document.querySelector("main"); main.innerHTML = "<img src=x><input><p>Mờ</p><hr>";
    main.querySelector("hr").style.width = "500px";
    main.querySelector("p").style.color = "#bbb"; }"""
"""What is wrong in both sizes or in one; the faint words stand where an opened menu would cover them."""


@pytest.fixture(scope="module")
async def site(
    client: Client, new_installation: NewInstallation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    outbox = tmp_path_factory.mktemp("outbox")
    async with open_app(client, new_installation, sandboxed=False) as app, a_site(app, outbox) as found:
        await play(app, ROOT / "scenarios" / "2020-cum-1.yaml", cycle="2020-axe")
        # A filed year has no forms.
        await submit(app, f"{CITY}/2020-axe/cum-1", CITY, "reopen-cycle", {"reason": "Bổ sung."})
        await found.person("thu-ky", CITY, "secretariat", administrator=True)
        await found.person("can-bo", "long-bien")
        await found.person("kiem-tra", "thanh-tra", "auditor")
        await found.services.edition_drafts._pool.execute(
            "insert into accounts.edition_draft (organiser, id, title, body, maker, person) "
            "values ($1, $2, 'Thử', $3, 'thu-ky', 'thu-ky')",
            CITY,
            DRAFT,
            (RULES / "specimen-2020.yaml").read_text(),
        )
        await app.people.enter("khong-thu", "long-bien", "Trần Không Thư")
        roles = offered_roles(f"{CITY}/2020-axe/cum-1")
        file = outbox / "roles.json"
        file.write_text(roles.model_dump_json())
        found.services.settings = replace(found.services.settings, roles_file=file)
        yield found


def offered_roles(cycle: str) -> RehearsalRoles:
    """One person whom a visitor may be."""
    role = RehearsalRole(part="officer", person="can-bo", cycle=cycle, unit="long-bien", unit_name="Quận Long Biên")
    return RehearsalRoles(password=PASSWORD, roles=(role,), documented=(cycle,))


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with a_browser() as found:
        yield found


async def faults(user: User, path: str) -> list[str]:
    await user.page.goto(user.address + path)
    return await faults_here(user, path)


async def faults_here(user: User, path: str) -> list[str]:
    """What is wrong with the page that is shown, in each size. No script asks for the size, so one load serves both.

    The menu stays closed: on a telephone it would cover the top of the page, which axe could not judge.
    """
    await user.page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(one => one.open = true)")
    await user.page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for width, height in SIZES:
        await user.page.set_viewport_size({"width": width, "height": height})
        found += [
            f"{path} at {width}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:120]}"
            for one in await user.page.evaluate(VIOLATIONS)
        ]
        wide = await user.page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{path} at {width}: {wide} px wide")
    size = len(await user.page.content())
    if size > 150_000:
        found.append(f"{path}: {size} bytes")
    return found


async def test_axe_finds_nothing_and_no_page_is_wider_than_its_screen(site: Site, browser: Browser) -> None:
    found: list[str] = []
    for person, paths in PAGES.items():
        async with a_user(browser, site.address, person, PASSWORD) as user:
            for path in paths:
                found.extend(await faults(user, path))
    assert found == [], "\n".join(found)


async def test_axe_finds_nothing_in_the_opened_menu(site: Site, browser: Browser) -> None:
    found: list[dict[str, str]] = []
    for person in PAGES:
        async with a_user(browser, site.address, person, PASSWORD, viewport=TELEPHONE) as user:
            await user.goto("/toi")
            await user.page.click(".menu > summary")
            await user.page.locator(".menu nav a").first.wait_for()
            await user.page.evaluate(AXE_SCRIPT)
            found += await user.page.evaluate(VIOLATIONS.replace("axe.run(", "axe.run('.top', "))
            name = user.page.locator(".me > a")
            cut = await name.evaluate("one => one.scrollWidth > one.clientWidth + 1")
            assert not cut, "the name stands whole"
    assert found == []


async def test_axe_finds_nothing_on_the_pages_between(site: Site, browser: Browser) -> None:
    """Summaries, errors, minutes, previews, the login and an invitation: what only a form leads to.

    The forms are filled in on a telephone: that is the size of which a check leaves the window.
    """
    found: list[str] = []
    async with a_user(browser, site.address, "can-bo", PASSWORD) as user:
        await user.goto("/ma-mot-lan")
        found += await faults_here(user, "codes before the password")
        await user.fill({"_password": PASSWORD})
        await user.press("Hiện mã QR")
        await user.fill({"_new": pyotp.TOTP(shown_secret(await user.page.content())).now()})
        await user.press("Cài đặt")
        found += await faults_here(user, "recovery codes")
        found += await faults(user, "/ma-mot-lan")
        await site.services.accounts.remove_own_codes("can-bo")
    async with a_user(browser, site.address, "can-bo", PASSWORD, viewport=TELEPHONE) as user:
        await user.goto(f"{CYCLE}/lam/file-complaint")
        await user.fill({"text": "Đề nghị xem lại."})
        await user.press("Xem tóm tắt")
        found += await faults_here(user, "summary")
        await user.goto(f"{CYCLE}/lam/ask-extension?unit=long-bien&duty=signature")
        await user.fill({"until": "khi nào rảnh", "reason": "Bận."})
        await user.press("Xem tóm tắt")
        assert "Đến ngày:" in await user.page.inner_text("main [role=alert]")
        found += await faults_here(user, "an error")
    async with a_user(browser, site.address, "thu-ky", PASSWORD) as user:
        await user.goto(f"{CYCLE}/hoi-nghi?kind=other")
        await user.fill({"_on": "01/02/2021"})
        await user.press("Mở biên bản|lập biên bản khác")
        place = user.page.url
        for part in urls.MINUTES_PARTS.values():
            await user.page.goto(f"{place}?phan={part}")
            for act in ("record-ballot", "nominate", "head.guests"):
                if await (button := user.page.locator(f'button[name=_add][value$="{act}"]')).count():
                    await button.click()
                    await user.page.locator(f'[data-cell*="{act}."]').first.wait_for()
            found += await faults_here(user, f"minutes, {part}")
        await user.goto("/bat-dau-nam")
        await user.fill({"year": "2033", "organiser_name": "MTTQ", "table": "cụm\tđơn vị\nCụm 9\tPhường Một"})
        await user.press("Xem trước năm thi đua")
        assert "chưa có ai để liên hệ ở Phường Một" in await user.page.inner_text("main")
        found += await faults_here(user, "preview")
        secret = await site.services.accounts.invite("can-bo")
        found += await faults(user, f"/loi-moi/{secret}")
        await user.page.context.clear_cookies()
        found += await faults(user, "/dang-nhap")
        found += await faults(user, "/quen-mat-khau")
    assert found == [], "\n".join(found)


async def test_axe_finds_nothing_on_what_begins_a_year(site: Site, browser: Browser) -> None:
    """Days of a year begun late, invitations, links on paper, and the first page of a demo."""
    found: list[str] = []
    async with a_user(browser, site.address, "thu-ky", PASSWORD) as user:
        await user.goto("/bat-dau-nam")
        await user.fill({"year": "2023", "organiser_name": "MTTQ", "table": "cụm\tđơn vị\nCụm 9\tPhường Một"})
        await user.press("Xem trước năm thi đua")
        assert "Hạn mới cho việc đã qua hạn" in await user.page.inner_text("main")
        found += await faults_here(user, "days of a year begun late")
        await user.goto("/nguoi-dung/danh-sach/tai-khoan")
        await user.fill({"person": "yes", "_confirmed": "yes"})
        await user.press("Hiện liên kết một lần")
        found += await faults_here(user, "links on paper")
        await site.app.people.enter("moi", "long-bien", "Lê Mới", email="moi@example.invalid")
        await user.goto("/nguoi-dung")
        await user.press("Mời tất cả")
        found += await faults_here(user, "invitations")
        await user.page.context.clear_cookies()
        found += await faults(user, "/dien-tap")
        assert await user.page.locator("main button.main").count() == 1
    assert found == [], "\n".join(found)


async def test_axe_would_find_something(site: Site, browser: Browser) -> None:
    async with a_user(browser, site.address, "can-bo", PASSWORD) as user:
        await user.goto("/viec")
        await user.page.evaluate(BROKEN)
        found = await faults_here(user, "broken")
    for fault in ("image-alt", "label", "color-contrast"):
        for width, _height in SIZES:
            assert any(f"at {width}: {fault}" in one for one in found), (fault, width)
    assert [one[:13] for one in found if one.endswith("px wide")] == ["broken at 360"]


async def test_an_act_by_keyboard_alone(site: Site, browser: Browser) -> None:
    """From the first key to the receipt without a mouse; the focus is seen at every stop."""
    async with a_user(browser, site.address, "can-bo", PASSWORD) as user:
        page = user.page
        await page.goto(f"{user.address}{CYCLE}/lam/file-complaint")
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        await page.keyboard.press("Enter")
        for _ in range(60):
            await page.keyboard.press("Tab")
            seen = await page.evaluate(
                "[document.activeElement.name, getComputedStyle(document.activeElement).outlineStyle,"
                " document.activeElement.value]"
            )
            assert seen[1] != "none", seen
            if seen[0] == "text":
                await page.keyboard.type("Đề nghị xem lại điểm.")
            if seen[0] == "_step" and seen[2] == "look":
                break
        async with page.expect_navigation(wait_until="domcontentloaded"):
            await page.keyboard.press("Enter")
        for _ in range(30):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.value") == "send":
                break
        async with page.expect_navigation(wait_until="domcontentloaded"):
            await page.keyboard.press("Enter")
        assert "Đã ghi vào sổ" in await page.inner_text("main")


async def test_twice_as_large_still_fits(site: Site, browser: Browser) -> None:
    """200 % zoom of a 1280 px window is a window of 640 px."""
    async with a_user(browser, site.address, "thu-ky", PASSWORD, viewport={"width": 640, "height": 400}) as user:
        for path in ("/bang", CYCLE, f"{CYCLE}/lam/appraise?unit=long-bien"):
            await user.goto(path)
            assert await user.page.evaluate("document.documentElement.scrollWidth") <= 640, path
