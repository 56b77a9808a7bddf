"""A whole year of a cluster, by pages alone, in a real browser: secretariat, units, minutes keeper, auditor.

One unit reads without JavaScript, one on a screen of 360 px. `make test` takes three units, `make soak` six.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack
from email import message_from_bytes, policy
from pathlib import Path

from browser_help import User, a_user
from conftest import eventually
from playwright.async_api import Browser
from soak import SOAK
from web_help import PASSWORD, Site

PAPERS = {"plan": "Kế hoạch", "bylaws": "Quy chế", "covenant": "Giao ước"}
COUNT = 6 if SOAK else 3
UNITS = ("hoan-kiem", "cua-nam", "dong-da", "lang-ha", "ba-dinh", "tay-ho")[:COUNT]
NAMES = ("Hoàn Kiếm", "Cửa Nam", "Đống Đa", "Láng Hạ", "Ba Đình", "Tây Hồ")[:COUNT]
CITY = "mttq-hanoi"
CYCLE = f"/cum/{CITY}/2026/cum-so-1"
SHEET = {"nv-1": "19", "nv-2": "18,5", "ct-1": "14", "ct-2": "14,25", "cb": "28"}


def table() -> str:
    rows = [
        f"Cụm số 1\tUỷ ban MTTQ phường {name}\t{unit}\tPhó Chủ tịch" for unit, name in zip(UNITS, NAMES, strict=True)
    ]
    return "\n".join(["cụm\tđơn vị\tmã đơn vị\tphụ trách cụm", *rows])


async def start_year(secretary: User) -> None:
    await secretary.goto("/bat-dau-nam")
    await secretary.fill({"year": "2026", "organiser_name": "Ủy ban MTTQ thành phố", "plan_number": "37/KH-MTTQ-BTT"})
    await secretary.fill({"table": table()})
    await secretary.press("Xem trước năm thi đua")
    assert "1 cụm" in await secretary.page.inner_text("main")
    await secretary.press("Mở năm thi đua cho 1 cụm")

    async def opened() -> bool:
        await secretary.page.reload()
        return "Đã mở năm thi đua cho mọi cụm" in await secretary.page.inner_text("main")

    await eventually(opened)


def mails(outbox: Path) -> set[bytes]:
    return {file.read_bytes() for file in outbox.glob("*.eml")}


async def invite(secretary: User, browser: Browser, outbox: Path, unit: str, kind: str = "staff") -> str:
    """Enter somebody, who takes the invitation up by the address in the mail."""
    before = mails(outbox)
    await secretary.goto("/nguoi-dung")
    name = f"Nguyễn Thị {unit.replace('-', ' ').title()}"
    fields = {"name": name, "unit": unit, "email": f"{unit}-{kind}@example.invalid", "kind": kind}
    await secretary.fill({**fields, "until": "31/12/2027"} if kind == "auditor" else fields)
    await secretary.press("Ghi và mời")
    (mail,) = mails(outbox) - before
    text = message_from_bytes(mail, policy=policy.default).get_content()
    way = re.search(r"/loi-moi/\S+", text)
    person = re.search(r"tài khoản “([\w-]+)”", text)
    assert way is not None
    assert person is not None
    page = await (await browser.new_context()).new_page()
    await page.goto(secretary.address + way.group(0))
    await page.fill("#password", PASSWORD)
    await page.click("button.main")
    return person.group(1)


def sheet(by: dict[str, str]) -> dict[str, str]:
    """Inputs of a score sheet, in the order of the table."""
    return {f"sheet.{n}.points": points for n, points in enumerate(by.values())}


async def others_read(readers: Sequence[User], typists: Sequence[User], *more: str) -> None:
    """Assert that every text that others typed comes back to each reader; the first reads the timeline, too."""
    paths = (CYCLE, f"{CYCLE}/da-ghi", *(f"{CYCLE}/du-thao/{kind}" for kind in PAPERS), *more)
    for reader in readers:
        read = await reader.read(*paths, *((f"{CYCLE}/so",) if reader is readers[0] else ()))
        texts = [text for one in typists if one is not reader for text in one.typed]
        assert [text for text in texts if " ".join(text.split()) not in read] == []
        assert len(texts) > 6 * COUNT


async def test_a_year_by_pages_alone(  # noqa: PLR0915 - a year is long
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    await site.person("thu-ky", CITY, "secretariat", name="Trần Thị Thư Ký", administrator=True)
    async with AsyncExitStack() as stack:
        secretary = await stack.enter_async_context(a_user(browser, site.address, "thu-ky", PASSWORD))
        await start_year(secretary)
        people = [await invite(secretary, browser, tmp_path / "outbox", unit) for unit in UNITS]
        auditor_id = await invite(secretary, browser, tmp_path / "outbox", "kiem-toan", "auditor")
        odd: dict[int, dict[str, object]] = {
            1: {"java_script_enabled": False},
            2: {"viewport": {"width": 360, "height": 740}},
        }
        staff = [
            await stack.enter_async_context(a_user(browser, site.address, person, PASSWORD, **odd.get(n, {})))
            for n, person in enumerate(people)
        ]
        head = staff[0]
        secretary.typed.clear()  # what follows is entered in the cycle

        # Roles and papers.
        await secretary.act(
            f"{CYCLE}/lam/assign-role",
            {
                "role": "head",
                "holder": UNITS[0],
                "manner": "elected",
                "basis.title": "Thông báo kết quả hội nghị tổng kết",
                "basis.number": "18/TB-MTTQ",
            },
        )
        for kind, title in PAPERS.items():
            await head.act(
                f"{CYCLE}/lam/present-draft",
                {"kind": kind, "document.title": title, "document.text": f"{title} thi đua năm 2026.\nĐiều 1."},
            )

        # Comments, stances, signatures.
        await staff[-1].act(
            f"{CYCLE}/lam/comment?on=covenant", {"text": "Cần chỉ tiêu cụ thể.", "asks_for_change": "yes"}
        )
        await head.act(
            f"{CYCLE}/lam/present-draft",
            {
                "kind": "covenant",
                "document.title": "Giao ước",
                "document.text": "Giao ước thi đua năm 2026.\nĐiều 1: chỉ tiêu.",
            },
        )
        await staff[-1].goto(f"{CYCLE}/du-thao/covenant")
        assert "chỉ tiêu." in await staff[-1].page.locator("ins").first.inner_text()
        for n, one in enumerate(staff):
            await one.goto("/viec")
            assert "Cụm số 1" in await one.page.inner_text("main")
            await one.act(
                f"{CYCLE}/lam/take-stance?unit={UNITS[n]}", {"stance": "agreed", "text": f"{NAMES[n]} nhất trí."}
            )
            text = await one.act(f"{CYCLE}/lam/sign?unit={UNITS[n]}", {}, binding=True)
            assert "Đã ghi vào sổ" in text

        # Mid-year.
        for n, one in enumerate(staff):
            await one.act(
                f"{CYCLE}/lam/report-midyear?unit={UNITS[n]}",
                {
                    "report.title": f"Báo cáo 6 tháng của {NAMES[n]}",
                    "report.number": f"{n + 31}/BC-MTTQ",
                    "report.text": f"Phường {NAMES[n]} vận động được {n + 41} triệu đồng.",
                },
            )
        await secretary.act(f"{CYCLE}/lam/send-back?unit={UNITS[-1]}", {"text": "Thiếu số liệu quỹ."})
        await staff[-1].act(f"{CYCLE}/lam/answer-correction?unit={UNITS[-1]}", {"text": "Đã bổ sung."})
        for unit in UNITS:
            await secretary.act(f"{CYCLE}/lam/accept-report?unit={unit}", {})

        # Scores.
        for n, one in enumerate(staff):
            mine = {**SHEET, "nv-1": str(19 - n)}
            await one.act(f"{CYCLE}/lam/score-self?unit={UNITS[n]}", sheet(mine))
        for n, one in enumerate(staff):
            await one.act(f"{CYCLE}/lam/cross-check?unit={UNITS[(n + 1) % COUNT]}&by={UNITS[n]}", {})
        for unit in UNITS:
            await secretary.act(f"{CYCLE}/lam/appraise?unit={unit}", {})
        await staff[1].goto(CYCLE)
        assert "Điểm của đơn vị khác chỉ xem được" in await staff[1].page.inner_text("main")

        # The final meeting, by the head's minutes.
        await head.goto(f"{CYCLE}/hoi-nghi?kind=final")
        await head.fill({"_on": "01/11/2026", "kind": "final"})
        await head.press("Mở biên bản")
        await head.fill({"head.place": "Trụ sở UBND phường Hoàn Kiếm"})
        await head.press("Sang phần: Thành phần")
        await head.page.get_by_role("button", name="Có mặt cả").click()
        await head.page.locator("#attending-count", has_text=f"{COUNT}/{COUNT} đơn vị").wait_for()
        for part, act, fields in (
            ("Xếp hạng, đề nghị khen thưởng", "Xếp hạng", {}),
            ("", "Đề nghị khen thưởng", {"unit": UNITS[1], "award": "co-thi-dua"}),
            (
                "Biểu quyết",
                "Ghi kết quả biểu quyết",
                {
                    "subject": "head",
                    "method": "show-of-hands",
                    "handed_out": str(COUNT),
                    "cast": str(COUNT),
                    "choices.0.unit": UNITS[1],
                    "choices.0.votes": str(COUNT),
                },
            ),
            ("Cụm trưởng, cụm phó năm sau", "", {"role": "head", "unit": UNITS[1], "manner": "elected"}),
        ):
            if part:
                async with head.page.expect_navigation():
                    await head.page.locator("#parts a", has_text=part).click()
            cards = head.page.locator(".act-card")
            count = await cards.count()
            await head.page.locator(".adding button", has_text=act).first.click()
            await cards.nth(count).wait_for()
            path = await cards.nth(count).get_attribute("data-cell")
            await head.fill({f"{path}.{name}": value for name, value in fields.items()})
            await head.page.locator("#saved-at", has_text="Tự động lưu lúc").wait_for()
        await head.page.locator("#parts a", has_text="Kiểm tra, ghi vào sổ").click()
        await head.page.get_by_role("button", name="Ghi tất cả vào sổ").wait_for()
        assert "đủ tất cả, hoặc không mục nào" in await head.page.inner_text("main"), await head.page.inner_text("main")
        await head.press("Ghi tất cả vào sổ")
        assert "/bien-ban/" in head.page.url, await head.page.inner_text("main")
        minutes = head.page.url.removeprefix(site.address)

        # Up, decided, published, filed.
        await head.act(
            f"{CYCLE}/lam/submit",
            {"submission.title": "Tờ trình", "submission.number": "01/TTr"},
            binding=True,
        )
        await secretary.goto(f"{CYCLE}/lam/decide-awards")
        await secretary.add_row("Thêm: khen thưởng")
        await secretary.fill(
            {
                "decision.title": "Quyết định",
                "decision.number": "02/QĐ",
                "reason": "Dẫn đầu cả năm.",
                "grants.0.unit": UNITS[1],
                "grants.0.award": "co-thi-dua",
            }
        )
        await secretary.press("Xem tóm tắt")
        await secretary.page.fill("#f-password", PASSWORD)
        await secretary.press("Ghi vào sổ")
        await staff[1].goto(CYCLE)
        assert "02/QĐ" not in await staff[1].page.inner_text("main")
        await secretary.act(f"{CYCLE}/lam/publish", {}, binding=True)
        await staff[1].goto(CYCLE)
        assert "02/QĐ" in await staff[1].page.inner_text("main")
        await secretary.act(f"{CYCLE}/lam/file-cycle", {}, binding=True)

        auditor = await stack.enter_async_context(a_user(browser, site.address, auditor_id, PASSWORD))
        await others_read((auditor, staff[1], staff[2]), (secretary, *staff), minutes)
        await audits(auditor)


async def audits(auditor: User) -> None:
    await auditor.goto(f"{CYCLE}/so")
    assert await auditor.page.locator("ol.timeline > li").count() > 6 * COUNT
    await auditor.goto(f"{CYCLE}/thoi-diem?sau=10")
    assert "Thay đổi từ đó đến nay" in await auditor.page.inner_text("main")
    await auditor.goto("/kiem-tra")
    await auditor.press("Bắt đầu")
    await auditor.page.get_by_text("Mọi thứ trong sổ khớp với nhau").wait_for()
