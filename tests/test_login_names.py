"""Logging in by the account's name, the mail address or the telephone number; and right after choosing a password."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import timedelta

import pyotp
from account_help import close_account, make_account
from web_help import PASSWORD, Site

from accounts.attempts import Guess, Lane


async def enter(site: Site, person: str, email: str | None, phone: str | None) -> None:
    await site.app.people.enter(person, "don-vi-1", f"Trần {person.title()}", email=email, phone=phone)
    await make_account(site.app, person, "staff")
    await site.services.accounts.set_password(person, PASSWORD)


async def attempt(site: Site, account: str, password: str = PASSWORD) -> tuple[int, str, str]:
    """Log in; returns status, address and what is shown."""
    visitor = await site.log_in("ai-do")
    await visitor.get("/dang-nhap")
    await visitor.post("/dang-nhap", person=account, _password=password)
    return visitor.status, visitor.at, _shown(visitor.page).replace(account, "…")


async def test_a_mail_address_or_a_number_of_one_person_is_an_account(site: Site) -> None:
    await enter(site, "an", "An.Tran@example.vn", "+84 912 345 678")
    for account in ("an", " AN ", "an.tran@EXAMPLE.vn", "0912345678", "0912.345.678", "+84 912 345 678"):
        assert (await attempt(site, account))[:2] == (200, "/viec"), account
    for account in ("n.tran@example.vn", "912345678", "%", "0912", "an\0", "\ufffd@x.vn", "9" * 500, "@"):
        status, at, _shown = await attempt(site, account)
        assert (status in {401, 422}, at) == (True, "/dang-nhap"), account


async def test_what_two_accounts_share_opens_none_and_tells_nothing(site: Site) -> None:
    await enter(site, "an", "vanphong@example.vn", "024 3825 0000")
    await enter(site, "binh", "vanphong@example.vn", "024 3825 0000")
    unknown = await attempt(site, "khong-co@example.vn")
    assert "nhiều người dùng chung" in unknown[2]
    for account in ("vanphong@example.vn", "02438250000"):
        assert await attempt(site, account) == unknown
        assert await attempt(site, account, "một mật khẩu khác") == unknown
    assert (await attempt(site, "an"))[:2] == (200, "/viec")
    await close_account(site.app, "binh")
    assert (await attempt(site, "vanphong@example.vn"))[:2] == (200, "/viec"), "the other one is closed"


async def test_attempts_by_all_names_of_an_account_count_together(site: Site) -> None:
    await enter(site, "an", "an@example.vn", "0912345678")
    names = ("an", "an@example.vn", "0912345678", "+84912345678")
    for name in names:
        assert (await attempt(site, name, "một mật khẩu khác"))[0] == 401
    found = await site.services.throttle.attempts.failures(Lane(Guess.PASSWORD, person="an"), timedelta(hours=1))
    assert found.count == len(names)


async def test_mails_by_all_names_of_a_person_count_together(site: Site) -> None:
    await enter(site, "an", "an@example.vn", "0912345678")
    assert await site.services.throttle.may_mail("an")
    visitor = await site.log_in("ai-do")
    for name in ("an", "an@example.vn", "0912345678", "+84912345678"):
        await visitor.get("/quen-mat-khau")
        await visitor.post("/quen-mat-khau", person=name)
        await asyncio.gather(*site.services.mails)
    lane = Lane(Guess.MAIL, person="an")
    assert (await site.services.throttle.attempts.failures(lane, timedelta(hours=1))).count == 3
    assert not await site.services.throttle.may_mail("an")


async def test_who_has_codes_is_in_after_the_code_only(real_site: Site) -> None:
    await real_site.person("an", "don-vi-1")
    an = await real_site.log_in("an")
    secret = await an.begin_codes()
    await an.post("/ma-mot-lan", _new=pyotp.TOTP(secret).now())
    other = await real_site.log_in("ai-do")
    way = f"/loi-moi/{await real_site.services.accounts.invite('an')}"
    await other.get(way)
    await other.post(way, _password="mot cau dai khac han")
    assert other.at == "/dang-nhap"
    assert "Đã lưu mật khẩu" in other.page
    assert "thidua" not in other.http.cookies
    assert "Đã lưu mật khẩu" not in await other.get("/dang-nhap")


def _shown(page: str) -> str:
    """The text of the main part of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.split("<main", 1)[-1])).split())
