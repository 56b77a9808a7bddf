"""Pages without a browser: logging in, acting, receipts, what happens when something is away."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from email.parser import BytesParser
from email.policy import default
from io import BytesIO
from pathlib import Path

import asyncpg
import pyotp
import pytest
from account_help import make_account
from conftest import eventually
from engine_help import CITY, YEAR, assert_ledger_verifies, event_names, open_cycle, submit, units
from icalendar import Calendar
from openpyxl import Workbook
from speech import RULES
from web_help import Site, shown_secret

from accounts.logins import today
from accounts.store import Accounts
from application.csv_escaping import escape_cell
from application.downloads import Table, csv_text
from application.tables import table_of
from domain.times import ICT
from workflows.client import TemporalClient, open_client


async def test_a_unit_signs_on_a_page(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    an = await site.log_in("an")
    assert an.at == "/viec"
    assert "Cụm, 2026" in an.page
    assert "Theo: Điều" in an.page
    way = f"/cum/{stream}/lam/sign"
    await an.get(f"{way}?unit=don-vi-1")
    await an.post(way, **an.hidden(), _step="look")
    assert "ký giao ước" in an.page.lower()
    # The summary is a page of its own: Back and Reload show it, and ask nobody to send a form again.
    await an.get(f"{way}?_xem=1")
    assert "Điều sau sẽ được ghi vào sổ" in an.page
    await an.post(way, **an.hidden(), _step="send", _password="wrong")
    assert an.status == 422
    await an.post(way, **an.hidden(), _step="send", _password="mot cau dai de nho")
    assert an.at.startswith(f"/cum/{stream}/bien-nhan/")
    assert "Nguyễn Thị An" in an.page
    await an.get(f"{way}?_xem=1")
    assert ("Xem tóm tắt" in an.page, "Điều sau sẽ được ghi vào sổ" in an.page) == (True, False)
    await assert_ledger_verifies(site.app)


async def test_two_of_a_unit_do_the_same_at_once(site: Site) -> None:
    """One act, two clear answers, no text lost, though the session of one had just ended."""
    stream = await open_cycle(site.app, RULES, members=units(3))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch"}})
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await site.person("binh", "don-vi-1", name="Lê Văn Bình")
    an, binh = await site.log_in("an"), await site.log_in("binh")
    way = f"/cum/{stream}/lam/take-stance"
    typed = {"unit": "don-vi-1", "stance": "agreed", "text": "Chúng tôi nhất trí với toàn bộ dự thảo."}
    for one in (an, binh):
        await one.get(f"{way}?unit=don-vi-1")
        await one.post(way, **{**one.hidden(), **typed}, _step="look")
    await site.services.accounts.end_all("binh")
    carried = binh.hidden()
    await an.post(way, **an.hidden(), _step="send")
    assert "Đã ghi vào sổ" in an.page
    # Bình's session has ended: nothing is lost, and nothing is sent by logging in.
    await binh.post(way, **carried, _step="send")
    assert (binh.status, "Những gì bạn gõ vẫn được giữ" in binh.page) == (401, True)
    await binh.post("/dang-nhap", **binh.hidden(), person="binh", _password="mot cau dai de nho")
    assert "Chúng tôi nhất trí" in binh.page
    await binh.post(way, **{**binh.hidden(), "_step": "edit"})
    assert "Chúng tôi nhất trí với toàn bộ dự thảo." in binh.page
    await binh.post(way, **{**binh.hidden(), **typed}, _step="look")
    await binh.post(way, **binh.hidden(), _step="send")
    assert "Nguyễn Thị An đã ghi việc này lúc" in binh.page
    rows = [row for row, _told in await site.app.history(stream) if row.type == "StanceTaken"]
    assert [(row.actor, row.unit) for row in rows] == [("an", "don-vi-1")]


async def test_a_form_from_elsewhere_is_refused(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    await an.get("/viec")
    answer = await an.http.post(f"/cum/{stream}/lam/comment", data={"text": "x", "_step": "send", "_form": "0" * 64})
    assert answer.status_code == 403
    assert "CommentAdded" not in [row.type for row, _told in await site.app.history(stream)]


async def test_a_stand_in_signs_with_both_names(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await site.person("binh", "don-vi-1", name="Lê Văn Bình")
    an, binh = await site.log_in("an"), await site.log_in("binh")
    await an.get("/toi")
    day = today().strftime("%d/%m/%Y")
    await an.post("/toi", _do="stand-in", person="binh", since=day, until=day)
    await binh.get("/toi")
    await binh.post("/toi", _do="act-for", person="an")
    assert "thay cho Nguyễn Thị An" in binh.page
    way = f"/cum/{stream}/lam/comment"
    await binh.get(way)
    await binh.post(way, **{**binh.hidden(), "text": "Nhất trí."}, _step="look")
    await binh.post(way, **binh.hidden(), _step="send")
    assert "thay cho Nguyễn Thị An" in binh.page
    row = (await site.app.history(stream))[-1][0]
    assert (row.actor, row.unit, row.stand_in_for) == ("binh", "don-vi-1", "an")
    await an.get("/toi")
    await an.post("/toi", _do="end-stand-in", person="binh")
    await binh.get("/viec")
    assert "thay cho" not in binh.page
    await assert_ledger_verifies(site.app)


async def test_failed_logins_come_more_slowly_and_lock_nobody_out(site: Site) -> None:
    await site.person("an", "don-vi-1")
    rival = await site.log_in("ai-do")
    for _ in range(6):
        await rival.get("/dang-nhap")
        await rival.post("/dang-nhap", person="an", _password="sai")
        assert rival.status == 401
    assert await site.app.ledger.pool.fetchval("select failed_passwords from accounts.account where person = 'an'") == 6
    an = await site.log_in("an")
    assert an.at == "/viec"


async def test_codes_are_asked_of_the_secretariat_outside_rehearsals_and_each_is_good_once(real_site: Site) -> None:
    site = real_site
    await site.person("thu-ky", CITY, "secretariat")
    visitor = await site.log_in("thu-ky")
    assert visitor.at == "/ma-mot-lan"
    await visitor.get("/bang")
    assert visitor.at == "/ma-mot-lan"
    secret = await visitor.begin_codes()
    code = pyotp.TOTP(secret).now()
    await visitor.post("/ma-mot-lan", _new="000000" if code != "000000" else "111111")
    assert visitor.status == 422
    assert shown_secret(visitor.page) == secret
    await visitor.post("/ma-mot-lan", _new=code)
    assert "Mã dự phòng" in visitor.page
    await visitor.get("/")
    assert visitor.at == "/viec"
    again = await site.log_in("thu-ky")
    assert again.at == "/dang-nhap"
    await again.post("/dang-nhap", person="thu-ky", _password="mot cau dai de nho", _code=pyotp.TOTP(secret).now())
    assert again.status == 401, "the code was used to set it up"


async def test_every_answer_has_the_headers_of_safety_and_loads_nothing_from_elsewhere(site: Site) -> None:
    await site.person("thu-ky", CITY, "secretariat")
    visitor = await site.log_in("thu-ky")
    for path in ("/bang", "/khong-co", "/static/desk.css", "/healthz"):
        answer = await visitor.http.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert re.findall(r'(?:src|href)="(?:https?:)?//', answer.text) == []
        assert "<script>" not in answer.text
    cookie = next(c for c in visitor.http.cookies.jar if c.name == "thidua")
    assert cookie.has_nonstandard_attr("HttpOnly")


async def test_the_web_can_sign_and_not_append(site: Site) -> None:
    connection = await asyncpg.connect(site.app.endpoints.web_url)
    for statement in (
        "select ledger.append(" + "'{}', " * 20 + "1)",
        "insert into ledger.event select * from ledger.event",
        "update vault.person set name = 'x'",
        "delete from accounts.read_log",
        "delete from vault.text",
        "insert into projections.cursor values ('x', 1)",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_a_year_from_a_workbook(site: Site) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["cụm", "đơn vị", "người liên hệ", "thư điện tử"])
    sheet.append(["Cụm thi đua số 7", "Phường Đống Đa", "Đào Thị Ô", "o@example.invalid"])
    sheet.append(["Cụm thi đua số 7", "Phường Láng Hạ", "", ""])
    out = BytesIO()
    book.save(out)
    rows = (await table_of(out.getvalue())).rows
    assert rows[1][:2] == ["Cụm thi đua số 7", "Phường Đống Đa"]
    await site.person("thu-ky", CITY, "secretariat")
    visitor = await site.log_in("thu-ky")
    await visitor.get("/bat-dau-nam")
    token = visitor.hidden()["_form"]
    typed = {"_form": token, "year": "2031", "organiser_name": "MTTQ", "edition": "specimen-2020.yaml"}
    answer = await visitor.http.post("/bat-dau-nam", data=typed, files={"file": ("nam.xlsx", out.getvalue())})
    assert answer.status_code == 200
    assert "Phường Đống Đa" in answer.text
    assert "chưa có ai để liên hệ" in answer.text
    for wrong in (b"PK\x03\x04 no workbook", b"\xff\xfe\x00", b"ten;gia\n1;2"):
        answer = await visitor.http.post("/bat-dau-nam", data=typed, files={"file": ("nam.xlsx", wrong)})
        assert answer.status_code == 422


def test_no_cell_is_a_formula_where_another_sign_separates_cells() -> None:
    for value, escaped in (
        ("a;=1+1", "a;'=1+1"),
        ("a; @b;c", "a;' @b;c"),
        ("a\n=1", "a\n'=1"),
        ("a\r\n-1", "a\r\n'-1"),
        (" =1", "' =1"),
        ("a;b - c", "a;b - c"),
    ):
        assert escape_cell(value) == escaped
    text = csv_text(Table("", ("a", "c"), [("b;=1", 5)]))
    assert text == '\ufeff"a";"c"\r\n"b;\'=1";"5"\r\n'


def test_no_cell_of_a_table_is_a_formula() -> None:
    assert [escape_cell(value) for value in ("=1+1", "+84", "-x", "@a", "Đống Đa", 5, None)] == [
        "'=1+1",
        "'+84",
        "'-x",
        "'@a",
        "Đống Đa",
        5,
        "",
    ]


async def test_what_is_written_without_diacritics_is_found(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, CITY, "admit-unit", {"unit": "dong-da", "name": "Quận Đống Đa"})
    await submit(site.app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch hoà giải"}})
    await site.person("an", "don-vi-1")
    await site.person("la", "don-vi-la")
    an, la = await site.log_in("an"), await site.log_in("la")

    async def finds(words: str, wanted: str) -> bool:
        return wanted in await an.get(f"/tim?q={words}")

    await eventually(lambda: finds("dong da", "Quận Đống Đa"))
    for words in ("ke hoach hoà", "hoa giai", "KẾ HOẠCH", "kế hoạch hòa"):
        assert await finds(words, "Kế hoạch hoà giải"), words
    assert "Quận Đống Đa" not in await la.get("/tim?q=dong da")
    assert "Không tìm thấy" in await an.get("/tim?q=' or 1=1 --")


async def test_a_calendar_follows_a_deadline_that_moves(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    await an.get("/toi")
    await an.post("/toi", _do="calendar")
    way = re.search(r"/lich/\S+?\.ics", an.page)
    assert way is not None

    async def days() -> set[str]:
        body = Calendar.from_ical((await an.http.get(way.group(0))).content)
        return {event["dtstart"].dt.isoformat() for event in body.walk("VEVENT") if "sign" in str(event["url"])}

    async def is_there() -> bool:
        return bool(await days())

    await eventually(is_there)
    before = await days()
    await submit(site.app, stream, CITY, "extend", {"duty": "signature", "until": f"{YEAR}-12-24", "reason": "Lũ."})

    async def moved() -> bool:
        return await days() == {f"{YEAR}-12-24"} != before

    await eventually(moved)
    await an.get("/toi")
    await an.post("/toi", _do="calendar")
    assert (await an.http.get(way.group(0))).status_code == 404, "the address before is void"


async def test_without_the_engine_pages_read_on_and_nothing_typed_is_lost(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    inside = site.services.application
    async with open_client("127.0.0.1:9", "thidua", None, lazy=True) as nobody:
        inside.client = TemporalClient(nobody)
        for path in ("/viec", f"/cum/{stream}", f"/cum/{stream}/lam/comment", "/readyz"):
            await an.get(path)
            assert an.status == 200, path
        way = f"/cum/{stream}/lam/comment"
        await an.get(way)
        fields = {**an.hidden(), "by.unit": "don-vi-1", "text": "Một ý kiến dài."}
        await an.post(way, **fields, _step="send")
        assert (an.status, "Một ý kiến dài." in an.page) == (503, True)
        inside.client = site.app.client
        command = an.hidden()["_id"]
        await an.post(way, **{**fields, "_form": an.hidden()["_form"]}, _step="send")
        assert "Đã ghi vào sổ" in an.page
        assert command in an.page
        del nobody


async def test_without_the_database_one_calm_page_keeps_what_was_typed(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    way = f"/cum/{stream}/lam/comment"
    await an.get(way)
    fields = {**an.hidden(), "by.unit": "don-vi-1", "text": "Một ý kiến dài."}
    owner = await asyncpg.connect(site.app.endpoints.owner_url)
    name = await owner.fetchval("select current_database()")
    await owner.execute("alter role thidua_web nologin")
    ended = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'thidua_web'"
    await owner.fetch(ended, name)
    try:
        await an.post(way, **fields, _step="send")
        assert an.status == 503
        assert "Một ý kiến dài." in an.page
        assert "Thử lại" in an.page
        assert "Traceback" not in an.page
        again = an.hidden()
        await an.get("/viec")
        assert an.status == 503
        await an.get("/readyz")
        assert an.status == 503
    finally:
        await owner.execute("alter role thidua_web login")
        await owner.close()
    await an.get(way)
    again["_form"] = an.hidden()["_form"]
    await an.post(way, **{**again, "_step": "send"})
    assert "Đã ghi vào sổ" in an.page


async def test_files_are_taken_by_what_they_are_and_given_back_as_attachments(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    for person, unit in (("an", "don-vi-1"), ("binh", "don-vi-2"), ("la", "don-vi-la")):
        await site.person(person, unit)
    an, binh, la = [await site.log_in(person) for person in ("an", "binh", "la")]
    await an.get("/tep")
    token = {"_form": an.hidden()["_form"]}
    pdf = b"%PDF-1.7 bang chung"
    for name, body in (("x.pdf", b"<script>alert(1)</script>"), ("x.pdf", b""), ("x.exe", b"MZ\x90")):
        assert (await an.http.post("/tep", data=token, files={"file": (name, body)})).status_code == 422
    answer = await an.http.post("/tep", data=token, files={"file": ("../../Báo cáo.pdf.html", pdf)})
    way = re.search(r"tep/[0-9a-f]{64}/[\w.%-]+", answer.text)
    assert way is not None
    assert way.group(0).endswith(".pdf")
    # Until an act names it, it is its unit's own.
    assert (await an.http.get(f"/{way.group(0)}")).content == pdf
    assert (await binh.http.get(f"/{way.group(0)}")).status_code == 403
    report = {"unit": "don-vi-1", "report": {"title": f"Báo cáo {way.group(0)}"}}
    await submit(site.app, stream, "don-vi-1", "report-midyear", report)
    last = await site.app.ledger.last_position()
    await eventually(lambda: site.services.board.wait_until_reached(last))
    given = await binh.http.get(f"/{way.group(0)}")
    assert given.content == pdf
    assert given.headers["content-disposition"].startswith("attachment")
    assert (await la.http.get(f"/{way.group(0)}")).status_code == 403


async def test_english_by_a_switch(site: Site) -> None:
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    assert '<html lang="vi">' in an.page
    await an.get("/ngon-ngu/en?ve=/viec")
    assert (an.at, '<html lang="en">' in an.page, "Nothing to do now." in an.page) == ("/viec", True, True)
    await an.get("/ngon-ngu/en?ve=//evil.example/")
    assert an.at in {"/", "/viec"}


async def test_the_secretariat_reminds_extends_and_escalates_from_the_board(site: Site) -> None:
    first = await open_cycle(site.app, RULES, members=units(2))
    second = await open_cycle(site.app, RULES, members=["don-vi-8", "don-vi-9"])
    for stream in (first, second):
        await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
        await submit(site.app, stream, CITY, "step-to", {"now": datetime(YEAR, 4, 1, 9, tzinfo=ICT).isoformat()})
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    visitor = await site.log_in("thu-ky")
    await visitor.get("/bang/don-doc")
    assert "024 0000 0000" in visitor.page
    assert "Đề nghị đơn vị khẩn trương thực hiện" in visitor.page
    token = visitor.hidden()["_form"]
    called = {"_task": f"{first}|signature|don-vi-1", "text": "Hẹn thứ Sáu."}
    await visitor.post("/bang/don-doc", **called, _do="telephoned")
    assert "Đã ghi việc nhắc 1 đơn vị" in visitor.page
    assert "qua điện thoại" in visitor.page
    assert "UnitsReminded" in [row.type for row, _told in await site.app.history(first)]
    both = {"_form": token, "cycle": [first, second]}
    reminded = len(await event_names(site.app, second))
    answer = await visitor.http.post("/bang", data={**both, "_do": "remind"})
    assert "Sẽ gửi 1 thư nhắc cho 1 đơn vị." in answer.text
    assert "xin gọi điện: Đơn vị 2, Đơn vị 8, Đơn vị 9" in answer.text
    assert len(await event_names(site.app, second)) == reminded, "nothing is sent before it is confirmed"
    answer = await visitor.http.post("/bang", data={**both, "_do": "send-reminders"})
    assert "Đã gửi 1 thư nhắc cho 1 đơn vị." in answer.text
    assert (await event_names(site.app, second))[reminded:] == ["UnitsReminded"] * 2
    answer = await visitor.http.post(
        "/bang", data={**both, "_do": "extend", "duty": "signature", "until": "30/04/2026", "reason": ""}
    )
    assert "Chưa ghi lý do" in answer.text
    answer = await visitor.http.post(
        "/bang", data={**both, "_do": "extend", "duty": "signature", "until": "30/04/2026", "reason": "Mưa lũ."}
    )
    assert "Đã gia hạn cho 2 cụm" in answer.text
    for stream in (first, second):
        state, _rules = await site.app.state(stream)
        assert {extension.until.isoformat() for extension in state.deadlines.extensions.values()} == {"2026-04-30"}
    # One signature covers both cycles' acts, and shows no other's content.
    rows = [(await site.app.history(stream))[-1][0] for stream in (first, second)]
    kept = [await site.app.ledger.command(row.command_digest or b"") for row in rows]
    assert len({one.batch_digest for one in kept if one is not None}) == 1
    csv = (await visitor.http.get("/bang.csv?loc=tre")).text
    assert csv.count("\n") == 3
    await assert_ledger_verifies(site.app)


async def test_what_was_decided_is_found_by_nobody_before_it_is_published(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    decision = {"decision": {"number": "77/QĐ", "title": "Quyết định kín"}, "grants": []}
    await submit(site.app, stream, CITY, "decide-awards", decision)
    await site.person("an", "don-vi-1")
    await site.person("thu-ky", CITY, "secretariat")
    an, secretary = await site.log_in("an"), await site.log_in("thu-ky")

    async def found() -> bool:
        return "Quyết định kín" in await secretary.get("/tim?q=quyet dinh kin")

    await eventually(found)
    assert "Quyết định kín" not in await an.get("/tim?q=quyet dinh kin")
    assert "77/QĐ" not in await an.get(f"/cum/{stream}")


async def test_another_sites_form_reaches_nothing(site: Site) -> None:
    """Neither at once, nor by way of the login page, nor by the button that tries again."""
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    visitor = await site.log_in("quan-tri")
    await visitor.get("/nguoi-dung")
    evil = {"name": "Kẻ gian", "unit": CITY, "kind": "secretariat", "administrator": "yes", "_form": "x"}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await visitor.http.post("/nguoi-dung", data=evil, headers=headers)
        assert (answer.status_code, "Kẻ gian" in answer.text) == (403, False)
    answer = await visitor.http.post("/nguoi-dung", data=evil)
    assert (answer.status_code, "Kẻ gian" in answer.text) == (403, False)
    stranger = await site.log_in("ai-do")
    answer = await stranger.http.post("/nguoi-dung", data=evil)
    assert (answer.status_code, "Kẻ gian" in answer.text) == (401, False)
    assert "Kẻ gian" not in {one.name for one in await site.app.people.everyone()}


async def test_after_a_login_that_ran_out_nothing_but_a_form_is_shown_again(site: Site) -> None:
    await site.person("thu-ky", CITY, "secretariat")
    visitor = await site.log_in("thu-ky")
    await visitor.get("/nguoi-dung")
    token = re.search(r'name="_form" value="(\w+)"', visitor.page)
    assert token is not None
    await site.services.accounts.end_all("thu-ky")
    typed = {"_form": token.group(1), "name": "Lê Thị Bảy", "unit": "don-vi-1", "kind": "staff"}
    answer = await visitor.http.post("/nguoi-dung", data=typed)
    assert (answer.status_code, "Lê Thị Bảy" in answer.text) == (401, True)
    visitor.page = answer.text
    await visitor.post("/dang-nhap", **visitor.hidden(), person="thu-ky", _password="mot cau dai de nho")
    assert "Lê Thị Bảy" in visitor.page
    assert 'action="/nguoi-dung"' not in visitor.page


async def test_minutes_reach_no_cycle_that_is_not_theirs(site: Site) -> None:
    mine = await open_cycle(site.app, RULES, members=units(2))
    other = await open_cycle(site.app, RULES, members=["don-vi-8", "don-vi-9"])
    await submit(site.app, mine, CITY, "assign-role", {"role": "head", "holder": "don-vi-1", "manner": "elected"})
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    way = f"/cum/{mine}/hoi-nghi"
    await an.get(way)
    typed = {**an.hidden(), "id": "h1", "_on": "01/01/2026", "kind": "other"}
    await an.post(way, **typed, _other=other)
    assert (an.status, "Đơn vị 8" in an.page) == (422, False)
    await an.post(way, **typed)
    assert an.at == f"{way}/h1"
    await an.get(f"{way}/h1?phan=khen-thuong")
    assert "Đơn vị 8" not in an.page
    await an.get(f"/cum/{mine}/lam/cross-check?unit=don-vi-2")
    assert an.status == 200


async def test_a_second_click_in_bulk_reminds_once(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await submit(site.app, stream, CITY, "step-to", {"now": datetime(YEAR, 4, 1, 9, tzinfo=ICT).isoformat()})
    await site.person("thu-ky", CITY, "secretariat")
    visitor = await site.log_in("thu-ky")
    await visitor.get("/bang?loc=tre")
    await site.person("an", "don-vi-1")
    await visitor.post("/bang", **{**visitor.hidden(), "cycle": stream, "_do": "remind"})
    fields = {**visitor.hidden(), "cycle": stream, "_do": "send-reminders"}
    for _ in range(2):
        answer = await visitor.http.post("/bang", data=fields)
        assert "Đã gửi 1 thư nhắc cho 1 đơn vị." in answer.text
    told = [told for _row, told in await site.app.history(stream) if told.event.NAME == "UnitsReminded"]
    assert len(told) == len({one.event.duty for one in told}) > 0


async def test_a_comment_is_answered_under_it_and_a_report_taken_back(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, "don-vi-2", "comment", {"by": {"unit": "don-vi-2"}, "text": "Chỉ tiêu quá cao."})
    await submit(site.app, stream, "don-vi-2", "comment", {"by": {"unit": "don-vi-2"}, "text": "Điều 2 trùng."})
    await submit(site.app, stream, "don-vi-1", "report-midyear", {"unit": "don-vi-1", "report": {"title": "BC"}})
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    way = f"/cum/{stream}/lam/comment"
    await an.get(f"{way}?answers=1")
    await an.post(f"{way}?answers=1", **{**an.hidden(), "answers": "1", "text": "Đã giảm một nửa."}, _step="look")
    await an.post(f"{way}?answers=1", **an.hidden(), _step="send")
    await an.get(f"/cum/{stream}")
    first, answer, second = (an.page.index(text) for text in ("Chỉ tiêu quá cao", "↳", "Điều 2 trùng"))
    assert first < answer < second
    way = f"/cum/{stream}/lam/withdraw-report"
    await an.get(f"{way}?unit=don-vi-1")
    await an.post(f"{way}?unit=don-vi-1", **an.hidden(), _step="send")
    assert "rút báo cáo sơ kết" in an.page
    state, _rules = await site.app.state(stream)
    assert state.midyear == {}
    await assert_ledger_verifies(site.app)


async def test_evidence_and_a_scan_are_handed_in_with_their_act(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    await site.person("thu-ky", CITY, "secretariat")
    an, secretary = await site.log_in("an"), await site.log_in("thu-ky")
    way = f"/cum/{stream}/lam/score-self"
    await an.get(f"{way}?unit=don-vi-1")
    leaves = list(RULES.leaves())
    fields = {**an.hidden(), "unit": "don-vi-1", "_step": "look"}
    for number, leaf in enumerate(leaves):
        fields.update({f"sheet.{number}.criterion": leaf, f"sheet.{number}.points": "7,5"})
    file = {"_file.sheet.0.evidence": ("Minh chứng.pdf", b"%PDF-1.7 x")}
    answer = await an.http.post(f"{way}?unit=don-vi-1", data=fields, files={"_file.sheet.0.evidence": ("x.exe", b"MZ")})
    assert (answer.status_code, "7,5" in answer.text) == (422, True)
    answer = await an.http.post(f"{way}?unit=don-vi-1", data=fields, files=file)
    assert "Điều sau sẽ được ghi vào sổ" in answer.text
    an.page = answer.text
    await an.post(f"{way}?unit=don-vi-1", **an.hidden(), _step="send")
    assert "Đã ghi vào sổ" in an.page
    await secretary.get(f"/cum/{stream}/bang-diem/don-vi-1")
    link = re.search(r'href="(/tep/[0-9a-f]{64}/[\w.%-]+)"', secretary.page)
    assert link is not None
    assert (await secretary.http.get(link.group(1))).content == b"%PDF-1.7 x"


async def test_one_figure_that_cannot_be_is_named_and_the_others_still_add_up(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    way = f"/cum/{stream}/lam/score-self?unit=don-vi-1"
    await an.get(way)
    first, *rest = RULES.leaves().values()
    fields = {**an.hidden(), "unit": "don-vi-1", "sheet.0.criterion": first.id, "sheet.0.points": "999"}
    for number, leaf in enumerate(rest, start=1):
        fields.update({f"sheet.{number}.criterion": leaf.id, f"sheet.{number}.points": "1,5"})
    await an.post(way, **fields, _step="look")
    total = str(Decimal("1.5") * len(rest)).rstrip("0").rstrip(".").replace(".", ",")
    assert an.status == 422
    assert f"{first.title}: 999 điểm" in an.page
    assert f"<strong>{total}</strong>" in an.page
    await an.post(way, **{**fields, "sheet.0.points": "1,5"}, _step="look")
    assert "Điều sau sẽ được ghi vào sổ" in an.page


async def test_the_first_account_is_made_by_the_operator_and_its_invitation_is_good_once(site: Site) -> None:
    accounts = Accounts(site.app.ledger.pool)  # the command line's role
    await site.app.people.enter("moi", CITY, "Người Mới")
    await make_account(site.app, "moi", "secretariat", administrator=True)
    void, secret = await accounts.invite("moi"), await accounts.invite("moi")
    visitor = await site.log_in("ai-do")
    assert "đã dùng rồi hoặc đã quá hạn" in await visitor.get(f"/loi-moi/{void}")
    way = f"/loi-moi/{secret}"
    await visitor.get(way)
    await visitor.post(way, _password="ngan", _again="ngan")
    assert "ít nhất 10 ký tự" in visitor.page
    await visitor.post(way, _password="mot cau dai de nho", _again="mot cau khac han")
    assert "khác nhau" in visitor.page
    await visitor.post(way, _password="mot cau dai de nho", _again="mot cau dai de nho")
    assert visitor.at == "/viec"
    assert "đã dùng rồi hoặc đã quá hạn" in await visitor.get(way)
    newcomer = await site.log_in("moi")
    assert newcomer.at == "/viec"


async def test_an_auditor_is_warned_of_a_changed_stream(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    await site.person("kiem-tra", "thanh-tra", "auditor")
    auditor = await site.log_in("kiem-tra")
    pages = (f"/cum/{stream}/so", f"/cum/{stream}/thoi-diem")
    assert [("CẢNH BÁO" in await auditor.get(page)) for page in pages] == [False, False]
    owner = await asyncpg.connect(site.app.endpoints.owner_url)
    await owner.execute("alter table ledger.event disable trigger append_only")
    change = (
        "update ledger.event set body = convert_to(replace(convert_from(body, 'UTF8'), $2, $3), 'UTF8') "
        "where stream = $1"
    )
    await owner.execute(change, stream, '"agreed"', '"changes-requested"')
    assert [("CẢNH BÁO" in await auditor.get(page)) for page in pages] == [True, True]
    await owner.execute(change, stream, '"changes-requested"', '"whatever"')
    await owner.close()
    assert [("không đọc được" in await auditor.get(page)) for page in pages] == [True, True]


async def test_an_auditor_takes_away_what_is_shown(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    await site.person("kiem-tra", "thanh-tra", "auditor")
    http = (await site.log_in("kiem-tra")).http
    way = f"/cum/{stream}"
    for path in ("so", "thoi-diem", "so-sanh"):
        for kind in ("json", "csv"):
            answer = await http.get(f"{way}/{path}.{kind}")
            assert answer.status_code == 200, (path, kind)
            assert answer.headers["content-disposition"].startswith("attachment"), (path, kind)
    compared = (await http.get(f"{way}/so-sanh.json?tu=1&den=2")).json()
    lines = [row["line"] for row in compared]
    assert lines[0] == "Đơn vị 1: thống nhất (diễn tập)"
    assert "khi chưa trình dự thảo" in lines[1]
    assert lines[2:] == ["mục số 2: Đơn vị 1: thống nhất. · Ngày diễn ra: 01/01/2026"]


async def test_an_invitation_is_in_the_language_of_its_account(site: Site, tmp_path: Path) -> None:
    await open_cycle(site.app, RULES, members=units(1))
    await site.person("thu-ky", CITY, "secretariat")
    subjects = {"vi": "Tài khoản của bạn trong Sổ Thi Đua", "en": "Your account in Sổ Thi Đua"}
    for language in subjects:
        await site.person(f"cb-{language}", "don-vi-1")
        await site.services.accounts.prefer(f"cb-{language}", language=language, digest="each")
    secretary = await site.log_in("thu-ky")

    async def listed() -> bool:
        return "cb-en" in await secretary.get("/nguoi-dung")

    await eventually(listed)
    for language in subjects:
        await secretary.get("/nguoi-dung")
        await secretary.post(f"/nguoi-dung/cb-{language}", **secretary.hidden(), _do="invite")
        assert f"cb-{language}@example.invalid" in secretary.page
    mails = [BytesParser(policy=default).parsebytes(file.read_bytes()) for file in (tmp_path / "outbox").glob("*.eml")]
    assert {mail["To"]: mail["Subject"] for mail in mails} == {
        f"cb-{language}@example.invalid": subject for language, subject in subjects.items()
    }
    texts = {mail["To"]: mail.get_content() for mail in mails}
    assert "Choose a password on the page below" in texts["cb-en@example.invalid"]
    assert "Choose a password on the page below" not in texts["cb-vi@example.invalid"]
