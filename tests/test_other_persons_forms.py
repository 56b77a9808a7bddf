"""Forms of somebody else in the same browser, forms after a logout, and forms that save themselves and cannot."""

from __future__ import annotations

import re

import httpx
from engine_help import CITY, event_names, open_cycle, units
from speech import RULES
from web_help import PASSWORD, Site, Visitor

TYPED = "Đề nghị bỏ tiêu chí 3, vì trùng với tiêu chí 7."


async def a_form(site: Site, person: str = "an") -> tuple[Visitor, str, dict[str, str]]:
    """A comment that somebody has begun to type: the browser, where the form is, and what it would send."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person(person, "don-vi-1", name="Nguyễn Thị An")
    await site.person("binh", "don-vi-1", name="Lê Văn Bình")
    await site.person("la", "don-vi-la", name="Người Lạ")
    browser, way = await site.log_in(person), f"/cum/{stream}/lam/comment"
    await browser.get(way)
    return browser, way, {**browser.hidden(), "by.unit": "don-vi-1", "text": TYPED}


async def log_in(browser: Visitor, person: str) -> None:
    """Another tab of the same browser: a logout, and a login."""
    await browser.get("/viec")
    await browser.post("/dang-xuat")
    await browser.get("/dang-nhap")
    await browser.post("/dang-nhap", person=person, _password=PASSWORD)
    assert browser.at == "/viec"


def own_form(page: str, button: str) -> dict[str, str]:
    """The hidden fields of the form with this button."""
    form = next(one for one in page.split("<form")[1:] if button in one.split("</form>")[0])
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.split("</form>")[0]))


async def count_drafts(site: Site, person: str) -> int:
    found: int = await site.services.application.ledger.pool.fetchval(
        "select count(*) from accounts.draft where person = $1", person
    )
    return found


async def test_a_form_of_somebody_else_records_nothing_and_loses_no_text(site: Site) -> None:
    browser, way, fields = await a_form(site)
    stream = way.removeprefix("/cum/").removesuffix("/lam/comment")
    await log_in(browser, "binh")
    for step in ("send", "look", "save", "drop"):
        await browser.post(way, **fields, _step=step)
        assert (browser.status, TYPED in browser.page) == (409, True), step
        assert "do Nguyễn Thị An mở" in browser.page
        assert "Lê Văn Bình đang đăng nhập" in browser.page
    assert "CommentAdded" not in await event_names(site.app, stream)
    assert await count_drafts(site, "binh") == await count_drafts(site, "an") == 0
    offered = browser.page
    # The right person logs in on that page, and finds the form as it was left.
    await browser.post("/dang-nhap", **own_form(offered, "_password"), _password="sai")
    assert (browser.status, TYPED in browser.page) == (401, True)
    await browser.post("/dang-nhap", **own_form(offered, "_password"), _password=PASSWORD)
    assert (browser.status, TYPED in browser.page) == (200, True)
    again = own_form(browser.page, "text")
    assert again["_id"] == fields["_id"], "the same command: sent twice it does nothing twice"
    await browser.post(way, **again)
    assert f"{TYPED}</textarea>" in browser.page
    assert await count_drafts(site, "an") == 1
    # Or the one who is logged in takes the text over, as a command of their own.
    await log_in(browser, "binh")
    await browser.post(way, **fields, _step="send")
    mine = own_form(browser.page, "Chuyển sang cho tôi")
    assert "_id" not in mine
    await browser.post(way, **mine)
    assert (browser.status, f"{TYPED}</textarea>" in browser.page) == (200, True)
    assert "CommentAdded" not in await event_names(site.app, stream), "nothing is sent by it"
    await browser.post(way, **browser.hidden(), text=TYPED, _step="send")
    assert (await site.app.history(stream))[-1][0].actor == "binh"


async def test_whoever_may_not_even_read_the_page_is_told_the_same(site: Site) -> None:
    browser, way, fields = await a_form(site)
    await log_in(browser, "la")
    await browser.post(way, **fields, _step="send")
    assert (browser.status, TYPED in browser.page, "do Nguyễn Thị An mở" in browser.page) == (409, True, True)
    assert "Chuyển sang cho tôi" not in browser.page, "it is no page of theirs"


async def test_the_login_keeps_the_text_and_gives_it_to_its_own_person_only(site: Site) -> None:
    browser, way, fields = await a_form(site)
    await browser.post("/dang-xuat", _form=fields["_form"])
    await browser.post(way, **fields, _step="send")
    assert (browser.status, TYPED in browser.page, 'value="an"' in browser.page) == (401, True, True)
    asked = own_form(browser.page, "_password")
    await browser.post("/dang-nhap", **asked, person="an", _password="sai")
    assert (browser.status, TYPED in browser.page) == (401, True)
    await browser.post("/dang-nhap", **asked, person="binh", _password=PASSWORD)
    assert (browser.status, TYPED in browser.page) == (409, True)
    assert "do Nguyễn Thị An mở" in browser.page
    assert await count_drafts(site, "binh") == 0
    assert "Lê Văn Bình" in await browser.get("/toi"), "the login itself is good"


async def test_a_form_outlives_a_logout_of_its_own_person(site: Site) -> None:
    browser, way, fields = await a_form(site)
    await log_in(browser, "an")
    await browser.post(way, **fields, _step="look")
    assert (browser.status, "Điều sau sẽ được ghi vào sổ" in browser.page) == (200, True)


async def test_a_token_is_good_in_its_browser_only_and_cannot_be_made_up(site: Site) -> None:
    browser, way, fields = await a_form(site)
    other = await site.log_in("binh")
    for token in (fields["_form"], fields["_form"][:64] + b"binh".hex(), "x", "", "ấ" * 70, fields["_form"][:64]):
        await other.post(way, **{**fields, "_form": token}, _step="send")
        assert (other.status, TYPED in other.page) == (403, False), token
    await browser.get("/viec")
    secret = browser.http.cookies["thidua_forms"]
    assert secret not in browser.page


async def test_a_form_that_saves_itself_is_told_at_once_why_it_is_not_saved(site: Site) -> None:
    browser, way, fields = await a_form(site)

    async def saved(**more: str) -> tuple[int, str]:
        typed = {**fields, "_step": "save", **more}
        answer = await browser.http.post(way, data=typed, headers={"HX-Request": "true"})
        assert "<html" not in answer.text, (answer.status_code, answer.text[-900:])
        return answer.status_code, answer.text

    status, part = await saved()
    assert (status, "Chưa gửi." in part, "data-autosave-failed" in part) == (200, True, False)
    before = await site.services.drafts.load("an", way)
    assert before is not None
    await browser.get("/viec")
    await browser.post("/dang-xuat")
    status, part = await saved(text="khác")
    assert (status, "Chưa lưu." in part, "/dang-nhap" in part) == (401, True, True)
    await log_in(browser, "binh")
    status, part = await saved(text="khác")
    assert (status, "do Nguyễn Thị An mở" in part) == (409, True)
    assert await count_drafts(site, "binh") == 0
    await log_in(browser, "an")
    for much, wanted in (("x" * 5_000_000, 413), ("x" * 12_100_000, 413)):
        status, part = await saved(text=much)
        assert (status, "Chưa lưu." in part) == (wanted, True)
    assert await site.services.drafts.load("an", way) == before, "the last one that could be saved stays"
    status, part = await saved(text=TYPED)
    assert (status, "Chưa gửi." in part) == (200, True)


async def test_minutes_that_save_themselves_say_so(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    await secretary.get(f"/cum/{stream}/hoi-nghi?kind=final")
    await secretary.post(f"/cum/{stream}/hoi-nghi", kind="final", name="Tổng kết", _on="01/01/2026")
    assert "/hoi-nghi/hn-" in secretary.at
    data = {**secretary.hidden(), "_step": "save", "_cell": "present.don-vi-1 x", "present.don-vi-1": "yes"}
    answer = await secretary.http.post(secretary.at, data=data, headers={"HX-Request": "true"})
    assert (answer.status_code, "Tự động lưu lúc" in answer.json()["saved"]) == (200, True)


async def test_who_must_set_up_codes_first_loses_nothing_typed(real_site: Site) -> None:
    site = real_site
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    await secretary.get("/nguoi-dung")
    await secretary.post("/nguoi-dung", name="Lê Thị Bảy", unit=CITY)
    assert (secretary.status, "Lê Thị Bảy" in secretary.page, "/ma-mot-lan" in secretary.page) == (403, True, True)
    await secretary.get("/nguoi-dung")
    assert secretary.at == "/ma-mot-lan"


async def test_after_a_logout_the_browser_is_told_to_forget_its_pages(site: Site) -> None:
    await site.person("an", "don-vi-1")
    browser = await site.log_in("an")
    await browser.get("/viec")
    token = own_form(browser.page, "Đăng xuất")["_form"]
    answer: httpx.Response = await browser.http.post("/dang-xuat", data={"_form": token}, follow_redirects=False)
    assert (answer.status_code, answer.headers["clear-site-data"]) == (303, '"cache"')
    assert answer.headers["cache-control"] == "no-store"
