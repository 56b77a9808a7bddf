"""Logins on pages: attackers are slowed and people are not; forgotten passwords; codes; what auditors see of it."""

from __future__ import annotations

import asyncio
import re
import threading
import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import asyncpg
import httpx
import pyotp
import pytest
from account_help import close_account, make_account
from conftest import eventually
from engine_help import CITY, open_cycle, units
from speech import RULES
from web_help import PASSWORD, TLS, Site, Visitor, shown_secret

from accounts.logins import today
from accounts.passwords import PasswordWork
from domain.strengths import Strength
from errors import InputError
from ledger.paging import PageRequest

WRONG = "sai mat khau"  # of anybody
HOUR = 3600.0
"""A second of the limits, where a test wants every pause to be too long to wait for: then attempts can be counted."""


async def stranger(site: Site, network: str = "198.51.100.1") -> Visitor:
    """A browser that nobody has logged in with, behind a proxy that names its address."""
    visitor = Visitor(httpx.AsyncClient(base_url=site.address, follow_redirects=True, timeout=60, verify=TLS))
    visitor.http.headers["X-Forwarded-For"] = network
    site.browsers.append(visitor)
    await visitor.get("/dang-nhap")
    return visitor


async def guess(visitor: Visitor, person: str, network: str = "", password: str = WRONG, code: str = "") -> int:
    """Try a password, from another network when one is named; returns the status of the answer."""
    if network:
        visitor.http.headers["X-Forwarded-For"] = network
    await visitor.post("/dang-nhap", person=person, _password=password, _code=code)
    if visitor.status == 200 and visitor.at == "/dang-nhap":
        raise AssertionError(visitor.page)
    return visitor.status


async def failed_before(site: Site, count: int) -> None:
    """As many guesses at as many accounts, each from a network of its own."""
    await site.services.application.ledger.pool.execute(
        "insert into accounts.attempt (guess, person, network) "
        "select 'password', 'la-' || n, '192.0.2.' || n from generate_series(1, $1::int) n",
        count,
    )


async def failures_were(site: Site, ago: timedelta) -> None:
    """As if so much time had gone by since all failures."""
    owner = await asyncpg.connect(site.app.endpoints.owner_url)
    await owner.execute("update accounts.attempt set at = at - $1::interval", ago)
    await owner.close()


def refused(status: int) -> bool:
    return status == 429


# Guessing ---------------------------------------------------------------------------------------------------------


async def test_spraying_many_accounts_from_one_address_is_slowed_as_guessing_at_one(site: Site) -> None:
    """35 accounts, or one: three are tried, then a pause. Before, 35 accounts were tried without any."""
    for number in range(35):
        await site.app.people.enter(f"can-bo-{number}", f"don-vi-{number}", f"Cán bộ {number}")
        await make_account(site.app, f"can-bo-{number}", "staff")
    site.services.throttle.unit_s = HOUR
    spray = await stranger(site)
    sprayed = Counter([await guess(spray, f"can-bo-{number}") for number in range(35)])
    assert sprayed == {401: 3, 429: 32}
    one = await stranger(site, "198.51.100.2")
    assert Counter([await guess(one, "can-bo-0") for _ in range(35)]) == sprayed
    # All at once, from another address, each with a browser of its own.
    many = [await stranger(site, "198.51.100.3") for _ in range(35)]
    at_once = await asyncio.gather(*(guess(each, f"can-bo-{number}") for number, each in enumerate(many)))
    assert Counter(at_once) == sprayed
    answer = await many[0].http.post("/dang-nhap", data={"person": "can-bo-1", **many[0].hidden()})
    assert (answer.status_code, "Tài khoản không bị khóa" in answer.text) == (429, True)
    assert int(answer.headers["Retry-After"]) > 60


async def test_guesses_at_one_account_from_many_addresses_are_slowed_and_a_customer_of_ipv6_is_one(site: Site) -> None:
    await site.person("an", "don-vi-1")
    site.services.throttle.unit_s = HOUR
    attacker = await stranger(site)
    answers = [await guess(attacker, "an", f"198.51.100.{number}") for number in range(40)]
    assert Counter(answers) == {401: 10, 429: 30}
    answers = [await guess(attacker, f"can-bo-{number}", f"2001:db8:7:7::{number:x}") for number in range(40)]
    assert Counter(answers) == {401: 3, 429: 37}


async def test_guesses_in_all_are_bounded(site: Site) -> None:
    site.services.throttle.unit_s = HOUR
    attacker = await stranger(site)
    await failed_before(site, 95)
    answers = [await guess(attacker, f"ai-{n}", f"203.0.113.{n}") for n in range(12)]
    assert Counter(answers) == {401: 5, 429: 7}


async def test_a_rival_is_not_stopped_by_guesses_at_the_account(site: Site) -> None:
    """A device that had logged in is not slowed by others; a strange one is, until a new password is chosen by mail."""
    await site.person("an", "don-vi-1")
    an, moved = await stranger(site, "198.51.100.1"), await stranger(site, "198.51.100.1")
    assert (await guess(an, "an", password=PASSWORD), an.at) == (200, "/viec")
    site.services.throttle.unit_s = HOUR
    attacker = await stranger(site)
    for number in range(12):
        await guess(attacker, "an", f"203.0.113.{number}")
    await failed_before(site, 120)
    for _ in range(5):
        await guess(attacker, "an", "198.51.100.1")  # from the very address of the person
    await an.post("/dang-xuat")
    assert (await guess(an, "an", "192.0.2.9", password=PASSWORD), an.at) == (200, "/viec")
    assert "Trước lần này có" in an.page
    # The known address without the device waits for failures from this address only; another address for all.
    assert [refused(await guess(moved, "an", one, PASSWORD)) for one in ("198.51.100.1", "192.0.2.77")] == [True, True]
    secret = await site.services.accounts.forgotten("an")
    await moved.get(f"/mat-khau-moi/{secret}")
    await moved.post(f"/mat-khau-moi/{secret}", _password="mot cau khac han", _again="mot cau khac han")
    assert moved.at == "/viec"
    await moved.post("/dang-xuat")
    assert (await guess(moved, "an", password="mot cau khac han"), moved.at) == (200, "/viec")
    # Failures on one's own device count on it, and on it alone.
    answers = [await guess(moved, "an") for _ in range(6)]
    assert Counter(answers) == {401: 3, 429: 3}
    assert (await guess(an, "an", password="mot cau khac han"), an.at) == (200, "/viec")


async def test_codes_have_a_bound_of_their_own_wherever_they_come_from(real_site: Site) -> None:
    site = real_site
    await site.person("an", "don-vi-1")
    an = await stranger(site)
    await guess(an, "an", password=PASSWORD)
    secret = await an.begin_codes()
    await an.post("/ma-mot-lan", _new=pyotp.TOTP(secret).now())
    assert "Mã dự phòng" in an.page
    recovery = re.findall(r"<code>([\w-]+)</code>", an.page)
    site.services.throttle.unit_s = HOUR
    attacker = await stranger(site)
    assert await guess(attacker, "an", password=PASSWORD) == 401, "no code is no guess"
    wrong = [f"{number:06}" for number in range(30) if pyotp.TOTP(secret).verify(f"{number:06}") is False]
    answers = [await guess(attacker, "an", f"203.0.113.{n}", PASSWORD, code) for n, code in enumerate(wrong)]
    assert Counter(answers) == {401: 5, 429: len(wrong) - 5}
    # A link by mail opens no more guesses.
    link, changed = await site.services.accounts.forgotten("an"), "mot cau khac han"
    await attacker.get(f"/mat-khau-moi/{link}")
    await attacker.post(f"/mat-khau-moi/{link}", _password=changed, _again=changed)
    assert attacker.at == "/dang-nhap"
    assert await guess(attacker, "an", password=changed, code=wrong[0]) == 429
    # The person's own device waits for the short pause only, and says that somebody knows the password.
    await failures_were(site, timedelta(hours=1))
    assert (await guess(an, "an", password=changed, code=recovery[0]), an.at) == (200, "/viec")
    assert "có người đã biết mật khẩu của bạn" in an.page
    await an.get("/toi")
    assert "Còn 9 mã dự phòng." in an.page
    await failures_were(site, timedelta(hours=1))
    assert await guess(an, "an", password=changed, code=recovery[0]) == 401, "it was used"


async def test_every_place_that_asks_for_a_password_has_the_same_bound(real_site: Site) -> None:
    """A stolen session guesses no password: not for a token, not for another password, not by the code page."""
    site = real_site
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    await an.post("/ma-mot-lan", _new=pyotp.TOTP(await an.begin_codes()).now())
    site.services.throttle.unit_s = HOUR
    statuses = []
    for path, fields in (
        ("/toi", {"_do": "token", "name": "thử"}),
        ("/toi", {"_do": "password", "_new": "mot cau khac", "_again": "mot cau khac"}),
        ("/ma-mot-lan", {"_do": "off", "_code": "000000"}),
        ("/toi", {"_do": "token", "name": "thử"}),
        ("/ma-mot-lan", {"_do": "recovery", "_code": "000000"}),
    ):
        await an.get(path)
        await an.post(path, **fields, _password="sai mat khau")
        statuses.append(an.status)
    assert statuses == [422, 422, 422, 429, 429]


async def test_wrong_secrets_are_slowed_and_right_ones_never(site: Site) -> None:
    await site.person("an", "don-vi-1")
    token = await site.services.accounts.new_token("an", "thử", "read", 1)
    link = await site.services.accounts.invite("an")
    site.services.throttle.unit_s = HOUR
    visitor = await stranger(site)
    statuses = Counter[int]()
    for number in range(15):
        for path, headers in (
            (f"/loi-moi/{number}", {}),
            (f"/lich/{number}.ics", {}),
            ("/api/v1/tasks", {"Authorization": f"Bearer td_{number}"}),
        ):
            answer = await visitor.http.get(path, headers=headers)
            statuses[answer.status_code] += 1
    assert statuses == {404: 7, 401: 3, 429: 35}
    assert (await visitor.http.get(f"/loi-moi/{link}")).status_code == 200
    answer = await visitor.http.get("/api/v1/tasks", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


async def test_a_login_flood_says_so_and_stops_no_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    work, gate = PasswordWork(most=2), threading.Event()
    monkeypatch.setattr("accounts.store.PASSWORD_WORK", work)
    flood = [asyncio.create_task(work.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    visitor = await stranger(site)
    assert await guess(visitor, "an", password=PASSWORD) == 503
    assert "Đang có nhiều người đăng nhập" in visitor.page
    assert 'value="an"' in visitor.page
    for path in ("/viec", "/toi", "/healthz", "/dang-nhap"):
        assert (await an.http.get(path)).status_code == 200
    gate.set()
    await asyncio.gather(*flood)
    assert (await guess(visitor, "an", password=PASSWORD), visitor.at) == (200, "/viec")
    pool = site.services.application.ledger.pool
    assert await pool.fetchval("select count(*) from accounts.attempt") == 0, "what was not checked did not fail"


# After a login ----------------------------------------------------------------------------------------------------


async def test_after_a_login_the_page_says_what_failed_since_the_last_one(site: Site) -> None:
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    assert "sai mật khẩu" not in an.page
    for _ in range(2):
        await guess(an, "an")
    await guess(an, "an", password=PASSWORD)
    assert "Trước lần này có 2 lần gõ sai mật khẩu." in an.page
    assert re.search(r"Lần đăng nhập trước: \d\d/\d\d/\d{4} \d\d:\d\d\.", an.page)
    await an.get("/ngon-ngu/en?ve=/viec")
    assert "Before this one, 2 attempts failed with a wrong password." in an.page
    await guess(an, "an", password=PASSWORD)
    assert "wrong password" not in an.page


# Passwords --------------------------------------------------------------------------------------------------------


async def test_a_password_of_ones_own_unit_is_refused_where_it_is_chosen(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    del stream
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    an = await site.log_in("an")

    async def listed() -> bool:
        return bool(await site.services.board.lines(unit="don-vi-1"))

    await eventually(listed)
    for password, says in (
        ("Nguyễn Thị An", "chỉ gồm tên bạn"),
        ("don-vi-1 don-vi-1", "chỉ gồm tên bạn"),
        ("matkhau123456", "quá dễ đoán"),
        ("dài" * 400, "nhiều nhất 1000 ký tự"),
    ):
        await an.get("/toi")
        await an.post("/toi", _do="password", _password=PASSWORD, _new=password, _again=password)
        assert (an.status, says in an.page) == (422, True), password
    # Spaces belong to a password; another keyboard sends the same letters in other characters.
    await an.get("/toi")
    await an.post("/toi", _do="password", _password=PASSWORD, _new=" cơm tấm ngõ Huế ", _again=" cơm tấm ngõ Huế ")
    assert an.status == 200
    composed = unicodedata.normalize("NFD", " cơm tấm ngõ Huế ")
    other = await stranger(site)
    assert (await guess(other, "an", password=composed), other.at) == (200, "/viec")


async def _mails(outbox: Path, count: int) -> list[tuple[str, str, str]]:
    """To, subject and text of the mails, once there are so many."""

    async def there() -> bool:
        return len(list(outbox.glob("*.eml"))) >= count  # noqa: ASYNC240

    await eventually(there)
    files = list(outbox.glob("*.eml"))  # noqa: ASYNC240
    found = [BytesParser(policy=default).parsebytes(file.read_bytes()) for file in files]
    return [(mail["To"], mail["Subject"], mail.get_content()) for mail in found]


async def test_a_forgotten_password_is_replaced_by_mail(real_site: Site, tmp_path: Path) -> None:
    site = real_site
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    secret = await an.begin_codes()
    await an.post("/ma-mot-lan", _new=pyotp.TOTP(secret).now())
    await site.person("kiem-tra", "thanh-tra", "auditor")
    await site.person("dong", "don-vi-1")
    await close_account(site.app, "dong")
    await site.app.people.enter("khong-thu", "don-vi-1", "Không Thư")
    await make_account(site.app, "khong-thu", "staff")
    visitor = await stranger(site)
    assert "/quen-mat-khau" in visitor.page
    answers = set()
    for asked in ("khong-co", "kiem-tra", "dong", "khong-thu", "AN@example.invalid", "la@example.invalid"):
        await visitor.get("/quen-mat-khau")
        assert "Hãy xin thư mời mới ở thư ký" in visitor.page
        await visitor.post("/quen-mat-khau", person=asked)
        answers.add((visitor.status, re.sub(r'name="_form" value="\w+"', "", visitor.page)))
    assert len(answers) == 1, "the answer does not tell who has an account"

    async def all_are_sent() -> bool:
        return not site.services.mails

    await eventually(all_are_sent)
    ((to, subject, text),) = await _mails(tmp_path / "outbox", 1)
    assert (to, subject) == ("an@example.invalid", "Đặt lại mật khẩu Sổ Thi Đua")
    counted = "select count(*) from accounts.attempt where guess = $1"
    pool = site.services.application.ledger.pool
    assert [await pool.fetchval(counted, kind) for kind in ("forgotten", "mail")] == [6, 1], "only mails that are sent"
    link = re.search(r"http://\S+(/mat-khau-moi/\S+)", text)
    assert link is not None
    scanner = httpx.AsyncClient(base_url=site.address, headers={"X-Forwarded-For": "192.0.2.200"})
    for method in ("GET", "HEAD", "GET"):
        assert (await scanner.request(method, link[1])).status_code == 200, "looking uses nothing up"
    await scanner.aclose()
    await visitor.get(link[1])
    await visitor.post(link[1], _password="ngan", _again="ngan")
    assert visitor.status == 422
    await visitor.post(link[1], _password="mot cau khac han", _again="mot cau khac han")
    assert visitor.at == "/dang-nhap"
    await an.get("/viec")
    assert an.at == "/dang-nhap", "other logins ended"
    await visitor.get(link[1])
    assert visitor.status == 404
    await visitor.get("/dang-nhap")
    assert await guess(visitor, "an", password="mot cau khac han") == 401, "the one-time code stays"
    code = pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30))
    assert (await guess(visitor, "an", password="mot cau khac han", code=code), visitor.at) == (200, "/viec")


async def test_mails_for_a_new_password_are_bounded(site: Site, tmp_path: Path) -> None:
    await site.person("an", "don-vi-1")
    site.services.throttle.unit_s = 1.0
    visitor = await stranger(site)
    statuses: dict[str, list[int]] = {}
    for asked in ("an", "khong-co"):
        for number in range(5):
            visitor.http.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            await visitor.get("/quen-mat-khau")
            await visitor.post("/quen-mat-khau", person=asked)
            statuses.setdefault(asked, []).append(visitor.status)
    assert statuses["an"] == statuses["khong-co"] == [200, 200, 200, 429, 429]
    assert len(await _mails(tmp_path / "outbox", 3)) == 3
    visitor.http.headers["X-Forwarded-For"] = "203.0.113.99"
    answers = []
    for number in range(25):
        await visitor.post("/quen-mat-khau", person=f"ai-{number}")
        answers.append(visitor.status)
    assert Counter(answers) == {200: 20, 429: 5}


# Codes ------------------------------------------------------------------------------------------------------------


async def test_codes_are_changed_and_turned_off_with_password_and_code_only(real_site: Site) -> None:
    site = real_site
    await site.person("an", "don-vi-1")
    await site.person("thu-ky", CITY, "secretariat")
    an = await site.log_in("an")
    first = await an.begin_codes()
    assert shown_secret(await an.get("/ma-mot-lan")) == first, "a reload shows the same secret"
    await an.post("/ma-mot-lan", _new=pyotp.TOTP(first).now())
    recovery = re.findall(r"<code>([\w-]+)</code>", an.page)
    assert len(recovery) == 10
    await an.get("/ma-mot-lan")
    assert not any(one in an.page for one in recovery), "they are shown once"
    assert 'id="secret"' not in an.page
    other = await an.begin_codes()
    proof = {"_password": PASSWORD, "_code": recovery[1]}
    for missing in ({**proof, "_password": ""}, {**proof, "_code": ""}):
        await an.post("/ma-mot-lan", _do="off", **missing)
        assert an.status == 422
        await an.post("/ma-mot-lan", _do="set-up", _new=pyotp.TOTP(other).now(), **missing)
        assert an.status == 422
    assert (await site.services.accounts.must("an")).totp
    await an.post("/ma-mot-lan", _do="set-up", _new=pyotp.TOTP(other).now(), **proof)
    assert "Mã dự phòng" in an.page
    fresh = re.findall(r"<code>([\w-]+)</code>", an.page)
    assert not await site.services.codes.fits("an", pyotp.TOTP(first).now())
    assert not await site.services.codes.fits("an", recovery[2])
    await an.get("/ma-mot-lan")
    await an.post("/ma-mot-lan", _do="recovery", _password=PASSWORD, _code=fresh[0])
    again = re.findall(r"<code>([\w-]+)</code>", an.page)
    assert not set(again) & set(fresh)
    await an.get("/ma-mot-lan")
    elsewhere = await site.services.accounts.open("an", Strength.PASSWORD_AND_CODE)
    await an.post("/ma-mot-lan", _do="off", _password=PASSWORD, _code=again[0])
    assert not (await site.services.accounts.must("an")).totp
    assert await site.services.accounts.login(elsewhere) is None, "a login with codes does not outlast them"
    await an.get("/toi")
    mine = await site.services.accounts.login(an.http.cookies["thidua"])
    assert (an.at, mine is not None and mine.strength) == ("/toi", Strength.PASSWORD)
    # Who must have codes cannot turn them off, not even by a form that the page does not show.
    secretary = await site.log_in("thu-ky")
    await secretary.post("/ma-mot-lan", _new=pyotp.TOTP(await secretary.begin_codes()).now())
    code = re.findall(r"<code>([\w-]+)</code>", secretary.page)[0]
    assert "Tắt mã xác thực" not in await secretary.get("/ma-mot-lan")
    await secretary.post("/ma-mot-lan", _do="off", _password=PASSWORD, _code=code)
    assert (await site.services.accounts.must("thu-ky")).totp


async def test_a_new_secret_of_codes_is_shown_to_the_login_that_gave_the_password_only(real_site: Site) -> None:
    site = real_site
    await site.person("an", "don-vi-1")
    an, stolen = await site.log_in("an"), await site.log_in("an")
    for fields in ({}, {"_password": "sai mat khau"}):
        await stolen.get("/ma-mot-lan")
        await stolen.post("/ma-mot-lan", _do="begin", **fields)
        assert (stolen.status, 'id="secret"' in stolen.page) == (422, False)
    secret = await an.begin_codes()
    assert 'id="secret"' not in await stolen.get("/ma-mot-lan")
    await stolen.post("/ma-mot-lan", _new=pyotp.TOTP(secret).now())
    assert (stolen.status, 'id="secret"' in stolen.page) == (422, False)
    assert not (await site.services.accounts.must("an")).totp
    await an.get("/ma-mot-lan")
    await an.post("/ma-mot-lan", _new=pyotp.TOTP(secret).now())
    assert (await site.services.accounts.must("an")).totp


async def test_codes_that_are_set_up_while_a_password_is_checked_are_asked_for(
    real_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is read again after the password, and once more in the transaction that opens the login."""
    site = real_site
    await site.person("an", "don-vi-1")
    an, other = await site.log_in("an"), await stranger(site)
    secret = await an.begin_codes()
    accounts, password_fits = site.services.accounts, site.services.accounts.password_fits

    async def slowly(person: str, password: str) -> bool:
        fits = await password_fits(person, password)
        monkeypatch.undo()
        await an.post("/ma-mot-lan", _new=pyotp.TOTP(secret).now())
        return fits

    monkeypatch.setattr(accounts, "password_fits", slowly)
    await other.post("/dang-nhap", person="an", _password=PASSWORD)
    assert (await accounts.must("an")).totp
    assert (other.status, other.at, "thidua" in other.http.cookies) == (401, "/dang-nhap", False)
    with pytest.raises(InputError, match="code_missing"):
        await accounts.open("an", Strength.PASSWORD)


async def test_a_login_without_a_code_is_none_of_an_account_that_has_codes(real_site: Site) -> None:
    site = real_site
    await site.person("an", "don-vi-1")
    an, weak = await site.log_in("an"), await stranger(site)
    await an.post("/ma-mot-lan", _new=pyotp.TOTP(await an.begin_codes()).now())
    weak.http.cookies.set("thidua", await site.services.accounts.open("an", Strength.PASSWORD, asks_code=False))
    for path in ("/toi", "/ma-mot-lan", "/viec"):
        await weak.get(path)
        assert weak.at == "/dang-nhap", path
    assert await an.get("/toi")
    assert an.at == "/toi"


async def test_tokens_that_act_are_made_by_logins_with_a_code_only(real_site: Site) -> None:
    site = real_site
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    for scope, status in (("read", 200), ("act", 422), ("sign", 422)):
        await an.get("/toi")
        await an.post("/toi", _do="token", name="thử", scope=scope, _password=PASSWORD)
        assert (an.status, "td_" in an.page) == (status, status == 200), scope
    await an.post("/ma-mot-lan", _new=pyotp.TOTP(await an.begin_codes()).now())
    for scope in ("act", "sign"):
        await an.get("/toi")
        await an.post("/toi", _do="token", name="thử", scope=scope, _password=PASSWORD)
        assert (an.status, "td_" in an.page) == (200, True), scope


# The log ----------------------------------------------------------------------------------------------------------


async def test_auditors_and_administrators_read_in_words_what_was_done_to_accounts(site: Site) -> None:
    await site.person("quan-tri", CITY, "secretariat", name="Trần Quản Trị", administrator=True)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("kiem-tra", "thanh-tra", "auditor")
    await site.person("an", CITY, name="Nguyễn Thị An")
    await site.person("binh", CITY, name="Lê Văn Bình")
    admin, an = await site.log_in("quan-tri"), await site.log_in("an")
    until = today() + timedelta(days=9)
    for step, fields in (
        ("invite", {}),
        ("until", {"until": f"{until:%d/%m/%Y}"}),
        ("close", {}),
        ("open", {}),
        ("code", {}),
    ):
        await admin.get("/nguoi-dung")
        await admin.post("/nguoi-dung/binh", _do=step, **fields)
        assert admin.status == 200, step
    await an.get("/toi")
    await an.post("/toi", _do="stand-in", person="binh", since=f"{today():%d/%m/%Y}", until=f"{until:%d/%m/%Y}")
    await an.post("/toi", _do="end-stand-in", person="binh")
    await an.post("/toi", _do="calendar")
    await an.post("/toi", _do="token", name="thử", scope="read", _password=PASSWORD)
    await an.post("/toi", _do="password", _password=PASSWORD, _new="mot cau khac han", _again="mot cau khac han")
    auditor = await site.log_in("kiem-tra")
    for reader in (auditor, admin):
        await reader.get("/nhat-ky-tai-khoan")
        assert reader.status == 200
        for sentence in (
            "Trần Quản Trị đã mời Lê Văn Bình đặt mật khẩu.",
            f"Trần Quản Trị đã đổi ngày cuối của tài khoản Lê Văn Bình, đến {until:%d/%m/%Y}.",
            "Trần Quản Trị đã khóa tài khoản của Lê Văn Bình.",
            "Trần Quản Trị đã mở lại tài khoản của Lê Văn Bình.",
            "Trần Quản Trị đã bỏ mã xác thực của Lê Văn Bình.",
            f"Nguyễn Thị An đã cử Lê Văn Bình thay cho Nguyễn Thị An, từ {today():%d/%m/%Y} đến {until:%d/%m/%Y}.",
            "Nguyễn Thị An đã chấm dứt việc Lê Văn Bình làm thay Nguyễn Thị An.",
            "Nguyễn Thị An đã tạo địa chỉ lịch mới.",
            "Nguyễn Thị An đã tạo mã truy cập cho phần mềm: chỉ đọc",
            "Nguyễn Thị An đã đổi mật khẩu của mình.",
            "Người vận hành máy chủ đã lập tài khoản cho Trần Quản Trị: thư ký thành phố, người quản trị.",
        ):
            assert sentence in reader.page, sentence
        for id_ in ("stand-in-named", "password-changed", "command-line"):
            assert id_ not in reader.page
    assert "/nhat-ky-tai-khoan" in {one.path for one in (await site.services.read_log.page(PageRequest())).rows}
    await auditor.get("/nhat-ky-tai-khoan?nguoi=an")
    assert ("đã đóng" in auditor.page, "đã tạo địa chỉ lịch mới" in auditor.page) == (False, True)
    for path in ("?trang=0", "?trang=x", "?trang=9999999999999999999"):
        answer = await auditor.http.get(f"/nhat-ky-tai-khoan{path}")
        assert (answer.status_code, "đã tạo địa chỉ lịch mới" in answer.text) == (200, True), "a page as in other lists"
    assert (await auditor.http.get("/nhat-ky-tai-khoan?nguoi=" + "x" * 100)).status_code == 422
    assert "/nhat-ky-tai-khoan" in await auditor.get("/kiem-tra")
    assert "/nhat-ky-tai-khoan" in await admin.get("/nguoi-dung")
    secretary = await site.log_in("thu-ky")
    assert "/nhat-ky-tai-khoan" not in await secretary.get("/nguoi-dung")
    for nobody in (secretary, await site.log_in("an")):
        await nobody.get("/nhat-ky-tai-khoan")
        assert nobody.at == "/dang-nhap" or nobody.status == 403
