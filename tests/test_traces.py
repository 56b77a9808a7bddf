"""What auditors see: signatures soon after a login was renewed, what was read and taken out, what was corrected."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from conftest import eventually
from engine_help import CITY, open_cycle, submit, units
from post_help import Recorder
from speech import RULES
from test_web_api import bearer
from test_web_rights import routes
from web_help import PASSWORD, Site, Visitor

from accounts.log import AccountChange, By, Door, note
from cli.session import Session
from web import urls


async def _auditor(site: Site) -> Visitor:
    await site.person("kt", CITY, "auditor", name="Kiểm Tra Viên")
    return await site.log_in("kt")


async def _sign(visitor: Visitor, stream: str, unit: str) -> str:
    await visitor.get(way := f"/cum/{stream}/lam/sign?unit={unit}&number=1")
    await visitor.post(way, **{**visitor.hidden(), "unit": unit, "number": "1"}, _step="look")
    await visitor.post(way, **visitor.hidden(), _password=PASSWORD, _step="send")
    assert "Đã ghi vào sổ" in visitor.page, visitor.page
    return visitor.at


def _mails(outbox: Path, to: str) -> list[str]:
    found = [BytesParser(policy=policy.default).parsebytes(one.read_bytes()) for one in outbox.glob("*.eml")]
    return [f"{one['Subject']}\n{one.get_content()}" for one in found if to in str(one["To"])]


async def test_a_signature_soon_after_a_login_was_made_anew_is_told_and_shown(site: Site, tmp_path: Path) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    people = {"an": "Nguyễn Thị An", "binh": "Trần Văn Bình", "cu": "Đỗ Văn Cư"}
    for n, (person, name) in enumerate(people.items(), start=1):
        await site.person(person, f"don-vi-{n}", name=name)
    pool = site.services.application.ledger.pool
    await note(pool, AccountChange.PASSWORD_RESET, "an", By("an", Door.LINK))
    await note(pool, AccountChange.CODES_SET_UP, "binh", By("binh"))  # the first ones of the account
    for n, person in enumerate(people, start=1):
        await _sign(await site.log_in(person), stream, f"don-vi-{n}")
    auditor = await _auditor(site)

    async def is_told() -> bool:
        return "Đã báo người đó bằng thư" in await auditor.get("/nhat-ky-tai-khoan?nguoi=an")

    await eventually(is_told)
    (mail,) = _mails(tmp_path / "outbox", "an@example.invalid")
    assert "Có việc được ký dưới tên bạn ngay sau khi cấp lại thông tin đăng nhập" in mail
    assert "lấy mật khẩu mới qua thư" in mail
    assert f"/cum/{stream}/bien-nhan/" in mail
    assert not _mails(tmp_path / "outbox", "binh@example.invalid") + _mails(tmp_path / "outbox", "cu@example.invalid")
    await auditor.get("/nhat-ky-tai-khoan")
    assert 'href="/nhat-ky-tai-khoan/ky-sau-cap-lai"' in auditor.page
    page = await auditor.get("/nhat-ky-tai-khoan/ky-sau-cap-lai")
    rows = [row for row in page.split("<tr>") if "Cụm, 2026" in row and stream in row]
    assert len(rows) == 1
    assert "Nguyễn Thị An" in rows[0]
    assert "lấy mật khẩu mới qua thư" in rows[0]
    assert re.search(r"(?i)ký giao ước", rows[0])
    (link,) = re.findall(rf'href="(/cum/{stream}/bien-nhan/\d+)"', rows[0])
    assert "Đơn vị 1" in await auditor.get(link)


async def test_the_mail_of_a_signature_waits_for_a_mail_server_that_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.account_mail.FIRST_PAUSE_S", 0.05)
    site.services.mailer = mailer = Recorder()
    mailer.away = True
    stream = await open_cycle(site.app, RULES, members=units(1))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await note(site.services.application.ledger.pool, AccountChange.PASSWORD_RESET, "an", By("an", Door.LINK))
    await _sign(await site.log_in("an"), stream, "don-vi-1")

    async def waits() -> bool:
        return bool(site.services.deferred_mails)

    await eventually(waits)
    mailer.away = False

    async def is_sent() -> bool:
        return len(mailer.mails) == 1

    await eventually(is_sent)


async def test_new_codes_after_a_reset_and_a_signature_taken_back_count(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    pool, an = site.services.application.ledger.pool, await site.log_in("an")
    signed = await _sign(an, stream, "don-vi-1")
    await note(pool, AccountChange.CODES_SET_UP, "an", By("an"))
    auditor = await _auditor(site)
    assert stream not in await auditor.get("/nhat-ky-tai-khoan/ky-sau-cap-lai")
    await note(pool, AccountChange.CODES_SET_UP, "an", By("an"))  # others than before
    version = signed.rsplit("/", 1)[-1]
    await an.get(way := f"/cum/{stream}/lam/correct?version={version}")
    await an.post(way, **{**an.hidden(), "version": version, "reason": "Ký nhầm."}, _step="look")
    await an.post(way, **an.hidden(), _password=PASSWORD, _step="send")
    assert "Đã ghi vào sổ" in an.page
    rows = (await auditor.get("/nhat-ky-tai-khoan/ky-sau-cap-lai")).split("<tr>")
    (row,) = [one for one in rows if stream in one]
    assert "cài mã xác thực mới" in row


async def test_who_read_what_stands_there_in_words(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2), cluster="cum-nhat-ky")
    auditor = await _auditor(site)
    pages = {
        f"/cum/{stream}": "Trang của cụm",
        f"/cum/{stream}/so": "Diễn biến",
        f"/cum/{stream}/bang-diem/don-vi-1": "Bảng điểm",
        f"/cum/{stream}/bien-nhan/1": "Biên nhận",
        "/bang": "Bảng theo dõi",
    }
    for path in pages:
        await auditor.get(path)
        assert auditor.status == 200, path
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")

    async def is_known() -> bool:
        return "Cụm, 2026" in await secretary.get("/nhat-ky-doc")

    await eventually(is_known)
    table = secretary.page.partition("<tbody>")[2].partition("</tbody>")[0]
    for title in pages.values():
        assert title in table, title
    assert "Cụm, 2026; Đơn vị 1" in table, "the unit by its name"
    assert "Cụm, 2026; mục số 1" in table
    assert "Kiểm Tra Viên" in table
    assert not re.search(r"/cum/|/bang|mttq-hanoi|cum-nhat-ky|\bkt\b", table), "no address and no id"


def test_every_page_that_is_read_has_a_title() -> None:
    from web.reading_words import API, TITLES  # noqa: PLC0415 - what is tested

    mounted = {f"{before}{route.path}" for route, before in routes()}
    unlogged = {
        urls.FILE,
        urls.FILE_PREVIEW,
        urls.FILE_PAGE,
        urls.HELP,
        urls.GUIDE,
        urls.LANGUAGE,
        urls.LOGIN,
        urls.LOGOUT,
        urls.FORGOTTEN,
    }
    unlogged |= {urls.ROLES, urls.INVITATION, urls.NEW_PASSWORD, urls.CALENDAR, "/healthz", "/readyz"}
    unlogged |= {path for path in mounted if path.endswith("openapi.json")}
    assert {path for path in mounted if path not in unlogged} - set(TITLES) == set()
    assert any(path.startswith(API) for path in mounted)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/bang.csv", "Bảng theo dõi, tải về dạng bảng"),
        ("/bang.xlsx", "Bảng theo dõi, tải về dạng bảng"),
        ("/viec.xlsx", "Việc phải làm, tải về dạng bảng"),
        ("/nguoi-dung.xlsx", "Người dùng, tải về dạng bảng"),
        ("/cum/{}/bang-diem.xlsx", "Bảng tổng hợp điểm, tải về dạng bảng"),
        ("/diem-khac.json", "Nội dung khác quy định, tải về dạng tệp"),
        ("/cum/{}/so.csv", "Diễn biến, tải về dạng tệp"),
        ("/cum/{}/thoi-diem.json", "Sổ tại một thời điểm, tải về dạng tệp"),
        ("/cum/{}/so-sanh.csv", "So sánh hai thời điểm, tải về dạng tệp"),
    ],
)
def test_downloads_have_titles(path: str, title: str) -> None:
    from i18n import _, in_language  # noqa: PLC0415 - the language is set here
    from web.reading_words import _matched  # noqa: PLC0415 - what is tested

    with in_language("vi"):
        assert _(_matched(path.format("mttq-hanoi/2026/cum-1"))[0]) == title


async def test_what_anybody_takes_out_is_logged_in_words(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    for person, unit, kind in (("thu-ky", CITY, "secretariat"), ("an", "don-vi-1", "staff")):
        await site.person(person, unit, kind, name={"thu-ky": "Lê Thị Thư", "an": "Nguyễn Thị An"}[person])  # type: ignore[arg-type]
    secretary, an, auditor = await site.log_in("thu-ky"), await site.log_in("an"), await _auditor(site)
    for path in ("/bang.csv", f"/cum/{stream}/so.json"):
        assert (await secretary.http.get(path)).status_code == 200
    await an.get(f"/cum/{stream}")  # read, not taken out
    read = await bearer(site, "an", "read")
    for path in (f"/api/v1/cycles/{stream}", "/api/v1/me"):
        assert (await an.http.get(path, headers=read)).status_code == 200
    await an.get("/tep")
    files = {"file": ("minh-chung.pdf", b"%PDF-1.4 thu", "application/pdf")}
    token = an.hidden()["_form"]
    assert (await an.http.post("/tep", data={"_form": token}, files=files)).status_code == 200
    page = await an.get("/tep")
    (link,) = set(re.findall(r'href="(/tep/[0-9a-f]{64}/[^"/]+)"', page))
    assert (await an.http.get(link)).status_code == 200
    assert (await an.http.get(re.sub("[0-9a-f]{64}", "0" * 64, link))).status_code == 404

    async def is_known() -> bool:
        return "Cụm, 2026" in await auditor.get("/nhat-ky-doc?tai-xuong=1")

    await eventually(is_known)
    rows = auditor.page.partition("<tbody>")[2].split("<tr>")

    def said(name: str) -> list[str]:
        cells = [re.sub(r"<[^>]+>", " ", one) for one in rows if name in one and "Bảng tổng" not in one]
        return [" ".join(one.split()) for one in cells]

    assert len([one for one in said("Lê Thị Thư") if "Bảng theo dõi, tải về dạng bảng" in one]) == 1
    assert len([one for one in said("Lê Thị Thư") if "Diễn biến, tải về dạng tệp" in one]) == 1
    own = said("Nguyễn Thị An")
    assert len([one for one in own if "lấy ra bằng phần mềm" in one]) == 1, own
    assert len([one for one in own if "Một tệp" in one and "tải xuống dạng tệp" in one]) == 1, own
    assert len(own) == 2, own
    assert not any("minh-chung" in one for one in rows)


async def test_what_the_command_line_takes_out_is_logged(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cli import auditing, exporting  # noqa: PLC0415 - a terminal, beside the pages

    stream = await open_cycle(site.app, RULES, members=units(1))

    @asynccontextmanager
    async def opened(*_known: object, **_named: object) -> AsyncIterator[Session]:
        yield site.app

    for module in (auditing, exporting):
        monkeypatch.setattr(module, "session", opened)
    assert await exporting.export_record(stream, tmp_path / "nam.yaml") == 0
    for as_json in (True, False):  # what a terminal shows leaves the register no more than a page does
        await auditing.timeline(stream, as_json=as_json)
        await auditing.replay_(stream, None, None, None, as_json=as_json)
    auditor = await _auditor(site)

    async def is_known() -> bool:
        return "Cụm, 2026" in await auditor.get("/nhat-ky-doc?tai-xuong=1")

    await eventually(is_known)
    rows = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in auditor.page.split("<tr>")]
    operator = [row for row in rows if "Người vận hành máy chủ" in row]
    titles = ("Tệp ghi chép năm của cụm", "Diễn biến, tải về dạng tệp", "Sổ tại một thời điểm, tải về dạng tệp")
    assert [sum(title in row for row in operator) for title in titles] == [1, 1, 1], rows
    assert len(operator) == len(titles)


@dataclass(frozen=True)
class Corrected:
    """A cycle in which a report of unit 1, with a file, and a meeting were corrected."""

    stream: str
    wrong_report: int
    by_report: int
    by_meeting: int

    def mark(self, version: int) -> str:
        return f'href="/cum/{self.stream}/bien-nhan/{version}">mục số {version}<'


async def corrected_cycle(site: Site, an: Visitor) -> Corrected:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await an.get("/tep")
    files = {"file": ("bao-cao.pdf", b"%PDF-1.4 " + stream.encode(), "application/pdf")}
    await an.http.post("/tep", data={"_form": an.hidden()["_form"]}, files=files)
    (reference,) = set(re.findall(r"(tep/[0-9a-f]{64}/bao-cao\.pdf)", await an.get("/tep")))
    report = {"unit": "don-vi-1", "report": {"number": "77/BC-MT", "title": f"Sơ kết {reference}"}}
    await submit(site.app, stream, "don-vi-1", "report-midyear", report)
    wrong_report = len(await site.app.history(stream))
    meeting = {"id": "hn-1", "kind": "launching", "place": "Hội trường cũ"}
    await submit(site.app, stream, CITY, "record-meeting", meeting)
    wrong_meeting = len(await site.app.history(stream))
    instead = {"act": "record-meeting", **meeting, "place": "Hội trường mới"}
    fields = {"version": wrong_meeting, "reason": "Ghi nhầm nơi họp.", "instead": instead}
    await submit(site.app, stream, CITY, "correct", fields)
    by_meeting = wrong_meeting + 1
    again = {"act": "report-midyear", **report, "report": {"number": "78/BC-MT", "title": "Sơ kết lần hai"}}
    fields = {"version": wrong_report, "reason": "Nộp nhầm tệp.", "instead": again}
    await submit(site.app, stream, CITY, "correct", fields)
    by_report = len(await site.app.history(stream)) - 1
    return Corrected(stream, wrong_report, by_report, by_meeting)


async def test_a_corrected_act_is_marked_wherever_it_is_listed(site: Site) -> None:
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await site.person("cu", "don-vi-2", name="Đỗ Văn Cư")
    await site.person("thu-ky", CITY, "secretariat")
    secretary, an, other = [await site.log_in(person) for person in ("thu-ky", "an", "cu")]
    cycle = await corrected_cycle(site, an)
    stream, wrong_report, by_report, by_meeting = cycle.stream, cycle.wrong_report, cycle.by_report, cycle.by_meeting
    mark = cycle.mark

    async def holds(visitor: Visitor, path: str, *wanted: str) -> None:
        async def check() -> bool:
            await visitor.get(path)
            return all(one in visitor.page for one in ("đã đính chính", *wanted))

        await eventually(check)

    await holds(an, "/tim?q=77", mark(by_report))
    await holds(secretary, "/tim?q=77", mark(by_report))
    await holds(secretary, "/tim?q=hoi truong cu", mark(by_meeting))
    await holds(an, "/tep", mark(by_report))
    await holds(secretary, f"/cum/{stream}/so", mark(by_report), mark(by_meeting))
    await holds(secretary, f"/cum/{stream}", mark(by_meeting), "Hội trường cũ", "Ghi nhầm nơi họp.", "Nộp nhầm tệp.")
    line = next(one for one in secretary.page.splitlines() if "Hội trường mới" in one and "bien-ban/hn-1" in one)
    assert mark(by_meeting) in line, "the list of meetings"
    await holds(secretary, f"/cum/{stream}/bien-ban/hn-1", mark(by_meeting))
    await holds(secretary, f"/cum/{stream}/bien-nhan/{wrong_report}", mark(by_report), "Nộp nhầm tệp.")
    await holds(secretary, f"/cum/{stream}/so-sanh?tu={wrong_report}&den={by_report + 1}", mark(by_report))
    await holds(secretary, f"/cum/{stream}/thoi-diem?sau={wrong_report}", mark(by_report))
    rows = (await secretary.http.get(f"/cum/{stream}/so-sanh.json?tu={wrong_report}&den={by_report + 1}")).json()
    assert any("đã đính chính" in one["only"] and "Nộp nhầm tệp." in one["line"] for one in rows)
    csv = (await secretary.http.get(f"/cum/{stream}/thoi-diem.csv?sau={wrong_report}")).text
    assert "sau đó đã đính chính" in csv
    found = (await secretary.http.get("/api/v1/search?q=77", headers=await bearer(site, "an", "read"))).json()
    assert {one["corrected"] for one in found if one["stream"] == stream} == {by_report}
    # The unit whose act it was opens the correction; another member is told that there is one.
    await an.get(f"/cum/{stream}/bien-nhan/{by_report}")
    assert (an.status, "Nộp nhầm tệp." in an.page) == (200, True)
    await other.get(f"/cum/{stream}")
    assert "đã đính chính" in other.page
    assert mark(by_report) not in other.page
    await other.get(f"/cum/{stream}/bien-nhan/{by_report}")
    assert other.status == 403
