"""A cluster's page: what it opens on for each reader, how short it stays, and where the rest of its lists stands."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from browser_help import a_user
from engine_help import CITY, enter_staff, open_cycle, submit, unit_name, units
from playwright.async_api import Browser
from speech import RULES, UNITS
from test_task_flow import a_cycle
from test_year import HEAD, drafted, sheet
from web_help import PASSWORD, Site

from application.application import CommandInput
from application.excerpts import excerpt
from application.gate import at_command_line
from application.score_tables import score_table
from domain.scoring.scores import ScoreSelf
from domain.steps.conclusion import RankUnits
from domain.steps.meetings import RecordMeeting
from web import urls

MEMBERS = 40
LONG = "Đề nghị bỏ tiêu chí 3, vì trùng với tiêu chí 7.\n" * 4_000
SIZES = {1280: 4_800, 360: 8_000}
"""Widths of windows, and the most pixels that the page is high in one, with 40 units and a comment of 200 kB."""


async def many(site: Site, stream: str, acts: list[tuple[str, dict[str, Any]]]) -> None:
    """Enter acts of the organiser."""
    officer = await enter_staff(site.app, CITY)
    for first in range(0, len(acts), 40):
        inputs = [CommandInput(stream, act, fields, uuid4()) for act, fields in acts[first : first + 40]]
        await site.app.submit(stream, at_command_line(officer), inputs)


async def a_large_cluster(site: Site) -> str:
    stream = await open_cycle(site.app, RULES, members=units(MEMBERS))
    acts: list[tuple[str, dict[str, Any]]] = [
        ("present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    ]
    acts += [("take-stance", {"unit": unit, "stance": "agreed", "on": "covenant"}) for unit in units(MEMBERS - 1)]
    acts += [
        ("comment", {"by": {"unit": unit}, "text": LONG[: 200 if n else None]}) for n, unit in enumerate(units(12))
    ]
    acts += [
        ("register-targets", {"unit": unit, "targets": [{"id": f"ct-{n}", "title": f"Nhà {n}"} for n in range(6)]})
        for unit in units(MEMBERS)
    ]
    await many(site, stream, acts)
    return stream


def order(page: str) -> list[str]:
    """The anchors of the page's sections in their order."""
    return re.findall(r'<section class="card" id="([\w-]+)"', page)


def section(page: str, anchor: str) -> str:
    return page.partition(f'id="{anchor}" aria-labelledby')[2].partition("</section>")[0]


async def test_forty_units_and_a_comment_of_200_kb_stay_short(site: Site, browser: Browser) -> None:
    stream = await a_large_cluster(site)
    await site.person("thu-ky", CITY, "secretariat", administrator=True)
    for width, most in SIZES.items():
        viewport = {"width": width, "height": 800}
        async with a_user(browser, site.address, "thu-ky", PASSWORD, viewport=viewport) as user:
            await user.goto(f"/cum/{stream}")
            height = "document.documentElement.scrollHeight"
            assert await user.page.evaluate(height) < most, width
            assert len((await user.page.content()).encode()) < 150_000
            index = user.page.locator(".index ul")
            assert await index.is_visible() == (width == 1280), "open beside it, folded on a telephone"
            await user.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert await user.page.evaluate(height) > most, "the measure sees what is folded"
            await user.page.get_by_role("link", name="Xem cả 12 ý kiến").click()
            await user.page.get_by_role("link", name="Đọc toàn văn").first.click()
            assert "tiêu chí 7" in await user.page.inner_text("main")
            assert len(await user.page.inner_text("main")) > len(LONG) * 0.9


async def test_each_reader_sees_first_what_matters_to_them(site: Site) -> None:
    stream = await a_cycle(site, 7, 9)
    asked = {"unit": "don-vi-1", "duty": "midyear-report", "until": "30/07/2026", "reason": "Chưa đủ số liệu."}
    await submit(site.app, stream, "don-vi-1", "ask-extension", asked)
    await site.person("kiem-tra", "thanh-tra", "auditor")
    path = f"/cum/{stream}"
    secretary, auditor, an = [await site.log_in(one) for one in ("thu-ky", "kiem-tra", "an")]
    assert order(await secretary.get(path))[0] == "can-tra-loi"
    needs = section(secretary.page, "can-tra-loi")
    assert "Chưa đủ số liệu." in needs
    assert (
        urls.act_url(stream, "refuse-extension", unit="don-vi-1", duty="midyear-report").replace("&", "&amp;") in needs
    )
    assert order(await auditor.get(path))[:2] == ["da-ghi", "diem-khac"]
    assert urls.timeline_url(stream) in section(auditor.page, "da-ghi")
    assert order(await an.get(path))[0] == "cua-toi"
    own = section(an.page, "cua-toi")
    assert "Thư ký chưa trả lời" in own
    assert urls.task_url(stream, "midyear-report", "don-vi-1") in own
    assert "can-tra-loi" not in order(an.page), "a member answers nothing"
    await submit(site.app, stream, CITY, "extend", {**asked, "reason": "Đồng ý, vì bão."})
    own = section(await an.get(path), "cua-toi")
    assert "Được gia hạn đến 30/07/2026" in own
    assert "Đồng ý, vì bão." in own
    assert "Thư ký chưa trả lời" not in own
    others = section(await auditor.get(path), "viec")
    assert order(auditor.page).count("cua-toi") == 0
    assert unit_name("don-vi-2") in others


async def test_an_entry_to_correct_is_chosen_among_ones_own(site: Site) -> None:
    stream = await a_cycle(site, 2, 3)
    await submit(site.app, stream, "don-vi-1", "comment", {"by": {"unit": "don-vi-1"}, "text": "Nhất trí."})
    await submit(site.app, stream, "don-vi-2", "comment", {"by": {"unit": "don-vi-2"}, "text": "Chưa rõ."})
    an = await site.log_in("an")
    choices = await an.get(urls.acts_url(stream))
    assert urls.recorded_url(stream) in choices
    entries = re.split("<li>", await an.get(urls.recorded_url(stream)))
    offered = {
        text: "Ghi sai, cần đính chính" in one for one in entries for text in ("Nhất trí.", "Chưa rõ.") if text in one
    }
    assert offered == {"Nhất trí.": True, "Chưa rõ.": False}


async def test_escalation_is_proposed_of_those_that_are_late_still(site: Site) -> None:
    """The proposal stays in the register; the page lists of its units those that have done nothing since then."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await submit(site.app, stream, CITY, "step-to", {"now": "2026-03-10T08:00:00+07:00"})
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    for done, late in ((None, units(2)), ("don-vi-1", ["don-vi-2"]), ("don-vi-2", [])):
        if done is not None:
            await submit(site.app, stream, done, "take-stance", {"unit": done, "stance": "agreed"})
        page = await secretary.get(urls.cycle_url(stream))
        rows = [row for row in re.findall(r"<li.*?</li>", page, re.DOTALL) if "confirm-escalation" in row]
        assert [unit for unit in units(2) if any(unit_name(unit) in row for row in rows)] == late
        assert len(rows) == bool(late)
        form = await secretary.get(urls.act_url(stream, "confirm-escalation", duty="stance"))
        assert "Cụm chưa phân công lãnh đạo phụ trách" in form
        told = re.search("Trong số này, (.+?) không còn trễ", form)
        assert [unit for unit in units(2) if told and unit_name(unit) in told.group(1)] == [
            unit for unit in units(2) if unit not in late
        ]


async def test_who_may_not_see_accounts_is_asked_for_no_id(site: Site) -> None:
    """A form offers such a visitor themselves by name; others are written in words."""
    stream = await a_cycle(site, 2, 3)
    an = await site.log_in("an")
    form = await an.get(urls.act_url(stream, "comment"))
    part = form.partition('id="f-by-person"')[2].partition("</details>")[0]
    assert re.findall(r'<option value="([\w-]*)"', part) == ["", "an"]
    assert ("Họ và tên" in part, "Mã</label>" in part) == (True, False)


async def test_lists_have_pages_of_their_own_and_old_addresses_lead_there(site: Site) -> None:
    stream = await a_cycle(site, 2, 3)
    await submit(site.app, stream, "don-vi-2", "comment", {"by": {"unit": "don-vi-2"}, "text": "Nhất trí."})
    an = await site.log_in("an")
    for query, leads_to in (
        ("?trang-y-kien=2", f"/cum/{stream}/y-kien"),
        ("?trang-da-ghi=2", f"/cum/{stream}/da-ghi"),
        ("?loai=commenting", f"/cum/{stream}/da-ghi"),
    ):
        await an.get(f"/cum/{stream}{query}")
        assert (an.status, an.at) == (200, leads_to)
    assert "Nhất trí." in an.page
    version = re.search(rf'href="/cum/{stream}/muc/(\d+)"', an.page)
    assert version is not None
    await an.get(f"/cum/{stream}/muc/{version.group(1)}")
    assert "Nhất trí." in an.page
    assert "/bien-nhan/" not in an.page, "the receipt is not another unit's"
    await an.get(f"/cum/{stream}/muc/999")
    assert an.status == 422


def test_ranked_units_stand_in_the_order_of_their_ranks() -> None:
    case = drafted()
    for unit, points in zip(UNITS, ("20", "40", "38"), strict=True):
        case.when(ScoreSelf(unit=unit, sheet=sheet(points, "20", "40")), by=unit).happened()

    def found() -> list[tuple[str, int | None]]:
        visited: Any = SimpleNamespace(
            readable_state=lambda: case.state, rules=case.rules, readable=SimpleNamespace(everything=True)
        )
        table = score_table(visited)
        assert table is not None
        return [(unit, rank) for unit, _cells, rank in table.rows]

    assert found() == [(unit, None) for unit in UNITS], "no ranks, so the order of the members"
    case.when(RecordMeeting(id="hop-xep-hang", kind="other"), by=HEAD).happened()
    case.when(RankUnits(), by=HEAD, meeting="hop-xep-hang").happened("UnitsRanked")
    assert found() == [(UNITS[1], 1), (UNITS[2], 2), (UNITS[0], 3)]


def test_an_excerpt_is_short_in_letters_and_in_lines() -> None:
    assert excerpt("Nhất trí.") == ("Nhất trí.", False)
    assert excerpt("Nhất trí.\n") == ("Nhất trí.\n".rstrip(), False)
    letters = excerpt("từ " * 1_000)
    assert letters.cut
    assert 300 < len(letters.text) <= 400
    lines = excerpt("a\n" * 1_000)
    assert (lines.cut, lines.text.count("\n")) == (True, 4)
    assert excerpt("x" * 500) == ("x" * 400, True)
