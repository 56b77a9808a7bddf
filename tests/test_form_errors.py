"""Every form with wrong input: the page stays with what was typed, and says which line, which field, and what to do.

A page's title then begins with "Lỗi", its first message is focused and links to the field, and the field is marked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from uuid import uuid4

import pytest
from account_help import close_account
from conftest import eventually
from engine_help import CITY, open_cycle, submit, units
from minutes_help import Keeper
from speech import RULES
from web_help import PASSWORD, Site, Visitor

from domain.records import Command
from web import urls

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "web" / "templates"


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a page says of wrong input: the sentence, the marked field, and what the field still holds."""

    text: str
    marked: tuple[str, ...]
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Element:
    """An element of a page: its attributes, its text with that of the elements inside, and the ones around it."""

    tag: str
    attributes: dict[str, str]
    around: tuple[Element, ...]
    text: str = ""


class Elements(HTMLParser):
    """Reads a page as a list of its elements."""

    VOID = frozenset({"input", "img", "br", "meta", "link", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.all: list[Element] = []
        self._open: list[Element] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append(Element(tag, {name: value or "" for name, value in attrs}, tuple(self._open)))
        if tag not in self.VOID:
            self._open.append(self.all[-1])

    def handle_endtag(self, tag: str) -> None:
        while any(one.tag == tag for one in self._open) and self._open.pop().tag != tag:
            pass

    def handle_data(self, data: str) -> None:
        for one in self._open:
            one.text += data


def told(page: str) -> Complaint:
    """Read a page that came back, and check that its parts belong together."""
    found = Elements(page).all
    ids = {one.attributes["id"] for one in found if "id" in one.attributes}
    title = next(one.text for one in found if one.tag == "title")
    assert title.startswith("Lỗi: "), title
    box = next(one for one in found if one.attributes.get("id") == "loi")
    assert (box.attributes["role"], box.attributes["tabindex"]) == ("alert", "-1")
    assert next(one for one in found if "autofocus" in one.attributes) is box, "the message is focused, not a field"
    links = [one.attributes["href"].removeprefix("#") for one in found if one.tag == "a" and box in one.around]
    assert set(links) <= ids, links
    marked = [one.attributes for one in found if one.attributes.get("aria-invalid") == "true"]
    described = {name for one in marked for name in one["aria-describedby"].split()}
    assert described <= ids, described
    kept = {
        one.attributes["name"]: _value(one, found) for one in found if one.tag in FIELDS and "name" in one.attributes
    }
    return Complaint(" ".join(box.text.split()), tuple(one["name"] for one in marked), kept)


FIELDS = ("input", "textarea", "select")


def _value(one: Element, page: list[Element]) -> str:
    if one.tag == "select":
        inside = (option for option in page if one in option.around and "selected" in option.attributes)
        return next((option.attributes.get("value", option.text) for option in inside), "")
    return one.text if one.tag == "textarea" else one.attributes.get("value", "")


async def _is_on_board(site: Site, stream: str) -> bool:
    return stream in [one for one, _name, _year in await site.services.board.open_cycles(CITY)]


@pytest.fixture
async def stream(site: Site) -> str:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    return stream


async def status_of(visitor: Visitor, path: str) -> int:
    await visitor.get(path)
    return visitor.status


async def secretary(site: Site) -> Visitor:
    await site.person("thu", CITY, "secretariat", administrator=True)
    return await site.log_in("thu")


class TestActs:
    async def looked(self, visitor: Visitor, stream: str, act: str, **typed: str) -> Complaint:
        path = urls.act_url(stream, act)
        await visitor.get(path)
        await visitor.post(path, **{**visitor.hidden(), **typed, "_step": "look"})
        assert visitor.status == 422, visitor.page
        return told(visitor.page)

    async def test_a_score_names_the_line_of_its_criterion(self, site: Site, stream: str) -> None:
        await site.person("an", "don-vi-1")
        an = await site.log_in("an")
        path = urls.act_url(stream, "score-self", unit="don-vi-1")
        await an.get(path)
        sheet = {f"sheet.{n}.criterion": name for n, name in enumerate(("a1", "a2", "b"))}
        # The first line stays empty, so the lines that are sent are other ones than those of the page.
        typed = {**sheet, "unit": "don-vi-1", "sheet.1.points": "mười", "sheet.2.points": "1.5.5"}
        await an.post(path, **{**an.hidden(), **typed, "_step": "look"})
        found = told(an.page)
        assert an.status == 422
        assert "Dòng “A2”: hãy gõ số, ví dụ 9,5" in found.text
        assert "Dòng “B”: 1.5.5" in found.text, "all of it at once"
        assert found.marked == ("sheet.1.points", "sheet.2.points")
        assert (found.kept["sheet.1.points"], found.kept["sheet.2.points"]) == ("mười", "1.5.5")
        assert an.page.count('href="#s-1-points"') == 1
        typed |= {"sheet.0.points": "41", "sheet.1.points": "9", "sheet.2.points": "9"}
        await an.post(path, **{**an.hidden(), **typed, "_step": "look"})
        assert (told(an.page).marked, "A1: 41 điểm, nhưng chỉ được từ 0 đến 40" in an.page) == (
            ("sheet.0.points",),
            True,
        )

    async def test_a_score_grid_names_each_cell(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        path = urls.grid_url(stream, "appraised")
        await thu.get(path)
        typed = {"don-vi-1.a1.points": "41", "don-vi-2.a2.points": "mười", "don-vi-2.b.points": "9"}
        await thu.post(path, **{**thu.hidden_in(path), **typed, "_step": "enter"})
        found = told(thu.page)
        assert thu.status == 422
        for text in ("Đơn vị 1, A1: 41 điểm", "Đơn vị 2, A2: hãy gõ số", "Đơn vị 2, A1: chưa có điểm"):
            assert text in found.text
        assert set(typed.items()) <= set(found.kept.items()), "and keeps what was typed"
        assert {"don-vi-1.a1.points", "don-vi-2.a2.points"} <= set(found.marked)
        await thu.post(path, **{**thu.hidden_in(path), "don-vi-1.a1.points": "0", "_on": "31/02/2026", "_step": "save"})
        typed = {f"don-vi-1.{name}.points": "9" for name in ("a1", "a2", "b")}
        for _ in range(2):  # the first time the page says what would be entered
            await thu.post(path, **{**thu.hidden_in(path), **typed, "_on": "31/02/2026", "_step": "enter"})
        assert (thu.status, told(thu.page).marked[-1]) == (422, "_on")

    async def test_each_field_is_named_as_on_the_page(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        found = await self.looked(
            thu, stream, "present-draft", **{"document.title": "Quy chế", "document.issued": "31/02/2026"}
        )
        assert "Loại: chưa ghi; mục này bắt buộc" in found.text
        assert "Văn bản, Ngày ban hành: Ngày 31/02/2026 không có; hãy gõ ngày/tháng/năm" in found.text
        assert set(found.marked) == {"kind", "document.issued"}
        assert found.kept["document.issued"] == "31/02/2026"

    async def test_a_row_of_a_list_is_named_by_its_number(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        typed = {"id": "co", "subject": "co", "method": "secret-ballot", "cast": "5"}
        typed |= {
            "choices.0.unit": "don-vi-1",
            "choices.0.votes": "3",
            "choices.1.unit": "don-vi-2",
            "choices.1.votes": "hai",
        }
        found = await self.looked(thu, stream, "record-ballot", **typed)
        assert "Lựa chọn và số phiếu, dòng 2, Số phiếu: hãy gõ số nguyên, ví dụ 12" in found.text
        assert found.marked == ("choices.1.votes",)
        assert found.kept["choices.1.votes"] == "hai"
        typed |= {"choices.1.votes": "2", "handed_out": "4"}
        found = await self.looked(thu, stream, "record-ballot", **typed)
        assert found.text == "Thu về 5 phiếu, nhưng chỉ phát ra 4 phiếu."

    async def test_the_day_and_the_source_beside_the_act(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        typed = {"by.unit": "don-vi-1", "text": "Chỉ tiêu quá cao."}
        found = await self.looked(thu, stream, "comment", **typed, _on="31/02/2026")
        assert "Ngày 31/02/2026 không có; hãy gõ ngày/tháng/năm" in found.text
        assert (found.marked, found.kept["_on"], found.kept["text"]) == (("_on",), "31/02/2026", "Chỉ tiêu quá cao.")
        found = await self.looked(thu, stream, "comment", **typed, _source="x" * 500)
        assert found.marked == ("_source",)

    @pytest.mark.parametrize(
        "act", ["comment", "take-stance", "record-meeting", "decide-awards", "ask-extension", "extend"]
    )
    async def test_a_form_that_was_left_empty(self, site: Site, stream: str, act: str) -> None:
        thu = await secretary(site)
        found = await self.looked(thu, stream, act)
        assert found.marked or act == "decide-awards", found
        assert "bắt buộc" in found.text or act in {"comment", "decide-awards"}, found

    async def test_fields_within_a_field_that_holds_a_word(self, site: Site, stream: str) -> None:
        """Everybody can type an address: what it holds for a field may have another shape than the field."""
        await site.person("an", "don-vi-1")
        asked = "&".join(f"{name}.x=1" for name in ("unit", "duty", "by", "by.unit", "decision.issued", "grants", "on"))
        for visitor in (await secretary(site), await site.log_in("an")):
            found = {act: await status_of(visitor, f"{urls.act_url(stream, act)}?{asked}") for act in Command.KNOWN}
            assert not {act: status for act, status in found.items() if status >= 500}

    async def test_the_password_of_the_summary(self, site: Site, stream: str) -> None:
        await site.person("an", "don-vi-1")
        an = await site.log_in("an")
        path = urls.act_url(stream, "sign", unit="don-vi-1")
        await an.get(path)
        await an.post(path, **{**an.hidden(), "unit": "don-vi-1", "number": "1", "_step": "look"})
        await an.post(path, **an.hidden(), _step="send", _password="sai mật khẩu")
        assert told(an.page).marked == ("_password",)

    async def test_the_reason_of_a_correction(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        path = urls.correct_as_act_url(stream, "present-draft", 2)
        await thu.get(path)
        typed = {"kind": "covenant", "document.title": "Giao ước mới"}
        await thu.post(path, **{**thu.hidden(), **typed, "_reason": "", "_step": "look"})
        found = told(thu.page)
        assert (found.marked, found.kept["document.title"]) == (("_reason",), "Giao ước mới")


class TestMinutes:
    async def test_the_head_of_the_minutes(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        await thu.get(urls.meetings_url(stream))
        await thu.post(urls.meetings_url(stream), _on="31/02/2026", kind="launching", name="Phát động")
        found = told(thu.page)
        assert (thu.status, found.marked, found.kept["name"]) == (422, ("_on",), "Phát động")
        await thu.post(urls.meetings_url(stream), _on="01/01/2026", name="Phát động")
        assert told(thu.page).marked == ("kind",)
        keeper = await Keeper.begins(site, "thu", stream, _on="01/01/2026")
        await keeper.sees("people")
        page = await keeper.presses(**{"head.attendance": "đông"})
        assert 'value="đông" inputmode="decimal"' in page
        assert 'id="f-head-attendance-why"' in page, "what is saved as it is typed is told at its line"

    async def test_an_act_of_the_minutes_and_the_password(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        keeper = await Keeper.begins(site, "thu", stream, "hop", _on="01/01/2026")
        await keeper.sees("papers")
        act = await keeper.adds("acts.present-draft")
        body = {"_form": token(keeper.visitor), "_cell": f"{act} x", f"{act}.kind": "plan", "_step": "save"}
        files = {f"_file.{act}.document.title": ("van-ban.exe", b"MZ")}
        keeper.visitor._keep(await keeper.visitor.http.post(keeper.url, data=body, files=files))
        assert (keeper.visitor.status, told(keeper.page).marked) == (413, ()) or keeper.visitor.status == 422
        await keeper.sees("papers")
        await keeper.presses(**{f"{act}.kind": "covenant", f"{act}.document.title": "Giao ước"})
        await keeper.sees("signing")
        await keeper.presses(**{"sign.don-vi-1": "each"})
        await keeper.enters("sai")
        assert (keeper.visitor.status, told(keeper.page).marked) == (422, ("_password",))
        await keeper.sees("awards")
        act = await keeper.adds("acts.nominate")
        await keeper.presses(**{f"{act}.unit": "don-vi-1"})
        assert "Đề nghị khen thưởng" in await keeper.sees("check")
        await thu.get(urls.meetings_url(stream))


def token(visitor: Visitor) -> str:
    found = re.search(r'name="_form" value="(\w+)"', visitor.page)
    assert found is not None
    return found.group(1)


class TestAccounts:
    async def test_the_login(self, site: Site) -> None:
        await site.person("an", "don-vi-1")
        an = await site.log_in("khong-co")
        found = told(an.page)
        assert (found.marked, found.kept["person"]) == (("_password",), "khong-co")
        assert "tài khoản không bị khóa" in found.text
        await close_account(site.app, "an")
        an = await site.log_in("an")
        assert told(an.page).marked == ("person",)

    async def test_an_invitation(self, site: Site) -> None:
        await site.person("an", "don-vi-1")
        secret = await site.services.accounts.invite("an")
        visitor = await site.log_in("khong-co")
        path = urls.invitation_url(secret)
        for typed, marked in (
            ({"_password": "ngắn", "_again": "ngắn"}, ("_password",)),
            ({"_password": "mot cau rat dai de nho", "_again": "cau khac"}, ("_again",)),
        ):
            await visitor.get(path)
            await visitor.post(path, **typed)
            assert (visitor.status, told(visitor.page).marked) == (422, marked)

    async def test_codes(self, site: Site) -> None:
        await site.person("an", "don-vi-1")
        an = await site.log_in("an")
        await an.get(urls.CODE)
        await an.post(urls.CODE, _do="begin", _password="sai")
        assert told(an.page).marked == ("_password",)
        await an.begin_codes()
        await an.post(urls.CODE, _do="set-up", _new="000000")
        assert told(an.page).marked == ("_new",)

    @pytest.mark.parametrize(
        ("typed", "marked"),
        [
            ({"_do": "contact", "name": "", "email": "an@example.invalid"}, "name"),
            ({"_do": "contact", "name": "An", "email": "an-tại-phường"}, "email"),
            ({"_do": "contact", "name": "An", "email": "moi@example.invalid", "_password": "sai"}, "_password"),
            ({"_do": "password", "_password": "sai", "_new": "x" * 12, "_again": "x" * 12}, "_password"),
            ({"_do": "password", "_password": PASSWORD, "_new": "một câu dài mới", "_again": "câu khác"}, "_again"),
            ({"_do": "password", "_password": PASSWORD, "_new": "ngắn", "_again": "ngắn"}, "_new"),
            ({"_do": "stand-in", "person": "binh", "since": "31/02/2026", "until": "01/03/2030"}, "since"),
            ({"_do": "stand-in", "person": "binh", "since": "01/03/2030", "until": ""}, "until"),
            ({"_do": "stand-in", "person": "", "since": "01/03/2030", "until": "02/03/2030"}, "person"),
            ({"_do": "token", "name": "máy", "scope": "read", "_password": "sai"}, "_password"),
            ({"_do": "token", "name": "", "scope": "read", "_password": PASSWORD}, "name"),
        ],
        ids=lambda value: value if isinstance(value, str) else value["_do"],
    )
    async def test_ones_own_page(self, site: Site, typed: dict[str, str], marked: str) -> None:
        for person in ("an", "binh"):
            await site.person(person, "don-vi-1")
        an = await site.log_in("an")
        await an.get(urls.ME)
        await an.post(urls.ME, **typed)
        found = told(an.page)
        assert found.marked == (marked,)
        shown = {name: value for name, value in typed.items() if not name.startswith("_") and value}
        assert set(shown.values()) <= set(re.findall(r'value="([^"]*)"', unescape(an.page))), shown

    async def test_people(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        await thu.get(urls.PEOPLE)
        right = {"name": "Nguyễn Văn Bình", "unit": "don-vi-1", "kind": "staff"}
        for wrong, marked in (
            ({"name": ""}, "name"),
            ({"email": "binh-tại-phường"}, "email"),
            ({"kind": "auditor"}, "until"),
            ({"until": "31/02/2030"}, "until"),
            ({"until": "01/01/2020"}, "until"),
            ({"unit": "Phường Không Có"}, "unit"),
        ):
            await thu.post(urls.PEOPLE, **{**right, **wrong})
            found = told(thu.page)
            assert (thu.status, found.marked) == (422, (marked,)), wrong
            assert found.kept["name"] == {**right, **wrong}["name"]
        await site.person("binh", "don-vi-1")
        await thu.get(urls.person_url("binh"))
        for typed, marked in (
            ({"_do": "contact", "name": "", "email": ""}, "name"),
            ({"_do": "until", "until": "hôm qua"}, "until"),
            ({"_do": "stand-in", "person": "", "since": "", "until": ""}, "person"),
        ):
            await thu.post(urls.person_url("binh"), **typed)
            assert (thu.status, told(thu.page).marked) in {(422, (marked,)), (422, ())}, typed


class TestSecretariat:
    async def test_the_board(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        await thu.get(urls.BOARD)
        await thu.post(urls.BOARD, _id=str(uuid4()), _do="extend", duty="signature", until="31/02/2026", reason="lý do")
        assert told(thu.page).text == "Hãy chọn ít nhất một cụm."
        more = {"_id": str(uuid4()), "_do": "extend", "cycle": stream, "duty": "signature"}
        await thu.post(urls.BOARD, **more, until="31/02/2026", reason="Chờ hội nghị")
        found = told(thu.page)
        assert (found.marked, found.kept["until"], found.kept["reason"]) == (("until",), "31/02/2026", "Chờ hội nghị")
        assert "Ngày 31/02/2026 không có; hãy gõ ngày/tháng/năm" in found.text
        await thu.post(urls.BOARD, **more, until="31/12/2026", reason="")
        assert told(thu.page).marked == ("reason",)

    async def test_the_first_page(self, site: Site, stream: str) -> None:
        for unit in ("don-vi-1", "don-vi-2"):
            report = {"unit": unit, "report": {"title": "Báo cáo"}}
            await submit(site.app, stream, unit, "report-midyear", report)
        until = {"until": "2026-12-25", "reason": "Chờ số liệu."}
        await submit(site.app, stream, "don-vi-1", "ask-extension", {"unit": "don-vi-1", "duty": "self-score", **until})
        thu = await secretary(site)

        async def is_shown() -> bool:
            return "Chờ số liệu." in await thu.get(urls.TASKS)

        await eventually(is_shown)
        await thu.post(urls.TASKS, _do="accept")
        assert (thu.status, told(thu.page).text) == (422, "Hãy đánh dấu ít nhất một dòng.")
        line = {"_line": f"{stream}|1|don-vi-1", "_duty": "self-score"}
        await thu.post(urls.TASKS, _do="refuse", **line, reason=" ")
        assert (thu.status, told(thu.page).marked) == (422, ("reason",))
        await thu.post(urls.TASKS, _do="refuse", _line="sai", reason="x")
        assert thu.status == 422

    async def test_the_late_units(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        await thu.get(urls.LATE_UNITS)
        await thu.post(urls.LATE_UNITS, _do="remind")
        assert thu.status == 422
        await thu.post(urls.LATE_UNITS, _do="telephoned", _task="sai")
        assert thu.status == 422

    async def test_the_beginning_of_a_year(self, site: Site) -> None:
        thu = await secretary(site)
        await thu.get(urls.NEW_YEAR)
        head = "cụm;đơn vị\nCụm 1;Phường A"
        right = {"year": "2027", "organiser_name": "Thành phố", "edition": "specimen-2020.yaml", "table": head}
        for wrong, marked, words in (
            ({"year": "hai nghìn"}, "year", "Năm"),
            ({"plan_issued": "31/02/2027"}, "plan_issued", "Ngày 31/02/2027 không có"),
            ({"table": ""}, "table", "Hãy dán bảng"),
            ({"table": "a;b\n" + ";".join("x" * 41)}, "table", "nhiều nhất 30 cột"),
            ({"table": "a;b\n" + "1;2\n" * 5_001}, "table", "nhiều nhất 5000 dòng"),
        ):
            await thu.post(urls.NEW_YEAR, **{**right, **wrong}, _step="look")
            found = told(thu.page)
            assert (thu.status, found.marked, words in found.text) == (422, (marked,), True), (wrong, found.text)
            assert found.kept["organiser_name"] == "Thành phố"
        files = {"file": ("bang.csv", "cụm".encode("utf-16"))}
        thu._keep(await thu.http.post(urls.NEW_YEAR, data={"_form": token(thu), **right}, files=files))
        assert told(thu.page).text == "Chưa rõ cột nào là: đơn vị. Hãy chọn nội dung của từng cột ở dưới."
        files = {"file": ("bang.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")}
        thu._keep(await thu.http.post(urls.NEW_YEAR, data={"_form": token(thu), **right}, files=files))
        assert told(thu.page).text.startswith("Tệp này không phải dạng .xlsx, ví dụ là .xls của Excel cũ.")

    async def test_rules(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        await thu.get(urls.EDITIONS)
        await thu.post(urls.EDITIONS, _do="file")
        assert told(thu.page).marked == ("file",)
        await thu.post(urls.EDITIONS, _do="empty")
        key = thu.at.rpartition("/")[2]
        await thu.post(urls.edition_text_url(key, "lich"), text="period: [", _step="save")
        found = told(thu.page)
        assert (thu.status, found.marked, "Dòng 1" in found.text) == (422, ("text",), True)
        assert found.kept["text"].strip() == "period: ["
        await thu.post(urls.edition_part_url(key, "lich"), **{"period.first.day": "41", "_step": "check"})
        assert 'aria-describedby="f-period-first-day-why"' in thu.page
        table = "Tiêu chí\tĐiểm\nMột\tmười\n"
        await thu.post(urls.criteria_table_url(key), table=table, _step="take")
        found = told(thu.page)
        assert (thu.status, found.marked, "Ô B2" in found.text) == (422, ("table",), True)
        assert found.kept["table"].strip() == table.strip()
        await thu.post(urls.criterion_url(key, "moi"), number="7", _step="save")
        found = told(thu.page)
        assert (thu.status, "cần có tên" in found.text, found.kept["number"]) == (422, True, "7")
        adoption = urls.edition_adoption_url(key)
        page = {"_id": str(uuid4()), "number": "9/QĐ"}
        await eventually(lambda: _is_on_board(site, stream))
        await thu.post(adoption, **page, effective="hôm nay", cycle=stream, _step="look")
        found = told(thu.page)
        assert (thu.status, found.marked, found.kept["number"]) == (422, ("effective",), "9/QĐ")
        await thu.post(adoption, **page, cycle=stream, _step="look")
        sent = thu.hidden_in(adoption)
        await thu.post(adoption, **{**sent, "_step": "send", "_password": "sai"})
        assert (thu.status, told(thu.page).marked) == (422, ("_password",))

    async def test_files(self, site: Site) -> None:
        await site.person("an", "don-vi-1")
        an = await site.log_in("an")
        await an.get(urls.FILES)
        an._keep(await an.http.post(urls.FILES, data={"_form": token(an)}, files={"file": ("a.exe", b"MZ")}))
        assert told(an.page).marked == ("file",)


class TestPapers:
    async def test_a_comment_without_words_and_a_signature_with_a_wrong_password(self, site: Site, stream: str) -> None:
        await site.person("an", "don-vi-1")
        an = await site.log_in("an")
        path = urls.draft_url(stream, "covenant")
        for step, typed, marked in (
            ("comment", {"text": " ", "by.unit": "don-vi-1", "on": "covenant"}, "text"),
            ("sign", {"_password": "không phải mật khẩu"}, "_password"),
        ):
            await an.get(path)
            form = next(one for one in an.page.split("<form")[1:] if f'value="{step}"' in one.split("</form>")[0])
            hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.split("</form>")[0]))
            await an.post(path, **{**hidden, **typed}, _step=step)
            found = told(an.page)
            assert (an.status, found.marked) == (422, (marked,)), (step, found.text)


class TestFilters:
    async def test_days_of_the_time_machine_and_of_comparisons(self, site: Site, stream: str) -> None:
        thu = await secretary(site)
        for path, name in (
            (urls.moment_url(stream, day="31/02/2026"), urls.DAY),
            (urls.moment_url(stream, known_on="hôm qua"), urls.KNOWN_ON),
            (urls.comparison_url(stream, first="hôm qua"), urls.FROM),
            (urls.comparison_url(stream, second="31/02/2026"), urls.TO),
        ):
            await thu.get(path)
            found = told(thu.page)
            assert (thu.status, found.marked) == (422, (name,)), path
            assert found.kept[name] in {"31/02/2026", "hôm qua"}


WITHOUT_TYPED_FIELDS = {
    "base.html": "logs out",
    "carried.html": "carries what was typed before a login",
    "error.html": "carries what was typed",
    "forgotten.html": "any text is taken; the answer tells nothing of accounts",
    "handout.html": "boxes to tick",
    "other_form.html": "leads to the login, which tells what is wrong",
    "remind.html": "a button",
    "roles.html": "buttons",
    "verify.html": "a button",
    "edition.html": "buttons, and a box to tick",
    "edition_trial.html": "a trial: nothing is kept, and each figure says what is wrong with it (test_edition_pages)",
    "year_look.html": "a button",
    "year_open.html": "a button",
}
TESTED = {
    "_answers.html",
    "act.html",
    "board.html",
    "code.html",
    "compare.html",
    "edition_adoption.html",
    "edition_criterion.html",
    "edition_look.html",
    "edition_part.html",
    "edition_table.html",
    "edition_text.html",
    "editions.html",
    "files.html",
    "grid.html",
    "invitation.html",
    "late.html",
    "login.html",
    "look.html",
    "me.html",
    "minutes.html",
    "minutes_new.html",
    "moment.html",
    "paper.html",
    "people.html",
    "person.html",
    "year.html",
}


def test_every_form_is_tested_here_or_takes_nothing_that_can_be_wrong() -> None:
    """A new form belongs into one of the sets: those that mark their fields import the macros for it."""
    forms = {file.name: text for file in TEMPLATES.glob("*.html") if 'method="post"' in (text := file.read_text())}
    assert set(forms) | {"compare.html", "moment.html"} == TESTED | set(WITHOUT_TYPED_FIELDS)
    for name in TESTED:
        text = (TEMPLATES / name).read_text()
        assert "bad(" in text or "wrong(faulty" in text or "faulty)" in text, name


def test_a_page_without_these_parts_is_found_out() -> None:
    page = '<title>Biểu mẫu</title><div id="loi" role="alert" tabindex="-1" autofocus>x</div>'
    with pytest.raises((AssertionError, StopIteration)):
        told(page)
    page = page.replace("<title>", "<title>Lỗi: ")
    assert told(page).text == "x"
    for broken in (
        page.replace(" autofocus", ""),
        page.replace(">x<", '><a href="#weg">x</a><'),
        page + '<input name="a" aria-invalid="true" aria-describedby="weg">',
    ):
        with pytest.raises((AssertionError, StopIteration)):
            told(broken)
