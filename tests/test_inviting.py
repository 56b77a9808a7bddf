"""Inviting all at once, the list to hand out, and links on paper, which are for people without a mail address alone."""

from __future__ import annotations

import asyncio
import html
import io
import re
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest
from conftest import eventually
from engine_help import CITY, open_cycle, units
from openpyxl import load_workbook
from speech import RULES
from web_help import PASSWORD, Site, Visitor

from ledger.paging import ALL_ROWS
from mail import MailServerAwayError
from projections import people
from web import urls
from web.inviting import Inviting


async def a_city(site: Site, count: int) -> Visitor:
    """A cycle of three units with people who have no account: the last one has no mail address."""
    await open_cycle(site.app, RULES, members=units(3))
    for number in range(count):
        mail = f"nguoi-{number}@example.invalid" if number < count - 1 else None
        unit, name = f"don-vi-{number % 3 + 1}", f"Lê Văn {chr(65 + number)}"
        await site.app.people.enter(f"nguoi-{number}", unit, name, email=mail, phone="0912345678")
    await site.app.people.enter("lanh-dao", CITY, "Phạm Thị Lãnh", email="lanh-dao@example.invalid")
    await site.person("thu-ky", CITY, "secretariat")

    async def known() -> bool:
        return "don-vi-1" in dict(await site.services.people.units(CITY))

    await eventually(known)
    return await site.log_in("thu-ky")


def mails(folder: Path) -> dict[str, str]:
    """The link in the mail to each address."""
    found = {}
    for file in (folder / "outbox").glob("*.eml"):
        mail = BytesParser(policy=default).parsebytes(file.read_bytes())
        (found[mail["To"]],) = re.findall(r"/loi-moi/[\w-]+", mail.get_content())
    return found


def shown(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page.split("<main", 1)[-1])).split())


async def invite_all(secretary: Visitor, seal: str) -> str:
    """Press the button; returns what is shown when all is done."""
    await secretary.post(urls.INVITE_ALL, _seal=seal)

    async def over() -> bool:
        return "Xem đã đến đâu" not in await secretary.get(secretary.at)

    await eventually(over)
    return shown(secretary.page)


async def test_all_are_invited_by_one_button_and_told_before_and_after(site: Site, tmp_path: Path) -> None:
    secretary = await a_city(site, 16)
    before = shown(await secretary.get(urls.PEOPLE))
    assert "16 người chưa được mời" in before
    assert "Mời tất cả 15 người qua thư" in before
    assert "1 người không có địa chỉ thư điện tử: Lê Văn P (Đơn vị 1)" in before
    assert "Phạm Thị Lãnh (" not in before, "people of the organiser are invited one by one"
    (seal,) = re.findall(r'name="_seal" value="(\w+)"', secretary.page)
    assert "Đã gửi 15 trong 15 thư mời" in await invite_all(secretary, seal)
    found = mails(tmp_path)
    assert set(found) == {f"nguoi-{number}@example.invalid" for number in range(15)}
    one = await site.log_in("ai-do")
    await one.get(found["nguoi-3@example.invalid"])
    await one.post(found["nguoi-3@example.invalid"], _password=PASSWORD)
    assert (one.at, "Lê Văn D" in one.page) == ("/viec", True)
    assert "1 người chưa được mời" in shown(await secretary.get(urls.PEOPLE))
    await secretary.post(urls.INVITE_ALL, _seal=seal)
    assert secretary.at == urls.PEOPLE, "the button was for others"
    assert len(mails(tmp_path)) == 15
    log = (await site.services.account_log.page(ALL_ROWS, "nguoi-3")).rows
    assert [(entry.change, entry.by.person) for entry in reversed(log)] == [
        ("made", "thu-ky"),
        ("invited", "thu-ky"),
        ("password-chosen", "nguoi-3"),
    ]


async def test_who_could_not_be_reached_is_named_and_offered_again(site: Site) -> None:
    secretary = await a_city(site, 6)
    taken: list[str] = []
    mailer = site.services.mailer
    assert mailer is not None

    class Broken:
        async def send(self, message: EmailMessage) -> None:
            taken.append(message.get_content())
            if len(taken) > 1:
                raise MailServerAwayError

    site.services.mailer = Broken()  # type: ignore[assignment]
    await secretary.get(urls.PEOPLE)
    told = await invite_all(secretary, secretary.hidden_in(urls.INVITE_ALL)["_seal"])
    assert "Đã gửi 1 trong 5 thư mời" in told
    assert len(taken) == 4, "three in a row were not taken: no more is tried"
    named = re.search("Không gửi được thư cho (.*) Những người này chưa được mời", told)
    assert named is not None
    assert named[1].count("Lê Văn") == 4
    site.services.mailer = mailer
    assert "Mời tất cả 4 người qua thư" in shown(await secretary.get(urls.PEOPLE))
    void = re.findall(r"/loi-moi/[\w-]+", taken[1])
    assert (await secretary.http.get(void[0])).status_code == 404, "a link that was not sent opens nothing"


async def test_of_many_people_some_are_invited_at_a_time(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "MOST_INVITED", 3)
    secretary = await a_city(site, 6)
    before = shown(await secretary.get(urls.PEOPLE))
    assert "Từ 3 người trở lên chưa được mời" in before
    assert "Mời 3 người đầu tiên qua thư" in before
    told = await invite_all(secretary, secretary.hidden_in(urls.INVITE_ALL)["_seal"])
    assert "Đã gửi 3 trong 3 thư mời" in told
    assert len(mails(tmp_path)) == 3
    assert "Mời 2 người đầu tiên qua thư" in shown(await secretary.get(urls.PEOPLE)), "one of three has no address"
    await invite_all(secretary, secretary.hidden_in(urls.INVITE_ALL)["_seal"])
    assert len(mails(tmp_path)) == 5
    assert "1 người chưa được mời" in shown(await secretary.get(urls.PEOPLE))


async def test_those_with_an_address_are_invited_when_many_before_them_have_none(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "MOST_INVITED", 1)
    secretary = await a_city(site, 2)
    await site.app.people.enter("dung-dau", "don-vi-1", "An Đứng Đầu", phone="0912345678")
    before = shown(await secretary.get(urls.PEOPLE))
    assert "3 người chưa được mời" in before
    assert "An Đứng Đầu" in before
    assert "Đã gửi 1 trong 1 thư mời" in await invite_all(secretary, secretary.hidden_in(urls.INVITE_ALL)["_seal"])
    assert set(mails(tmp_path)) == {"nguoi-0@example.invalid"}


async def test_two_clicks_send_each_invitation_once(site: Site, tmp_path: Path) -> None:
    secretary = await a_city(site, 6)
    await secretary.get(urls.PEOPLE)
    form = secretary.hidden_in(urls.INVITE_ALL)
    await asyncio.gather(*(secretary.http.post(urls.INVITE_ALL, data=form) for _ in range(3)))

    async def over() -> bool:
        return all(job.done for _id, job in site.services.jobs.of_kind(Inviting))

    await eventually(over)
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 5


async def test_the_list_to_hand_out_names_accounts_and_holds_no_secret(site: Site, tmp_path: Path) -> None:
    secretary = await a_city(site, 4)
    await secretary.get(urls.PEOPLE)
    await invite_all(secretary, secretary.hidden_in(urls.INVITE_ALL)["_seal"])
    page = await secretary.get(urls.HANDOUT)
    book = await secretary.http.get(urls.handout_url("xlsx"))
    rows = [list(row) for row in load_workbook(io.BytesIO(book.content)).worksheets[0].iter_rows(values_only=True)]
    assert rows[0] == ["đơn vị", "họ và tên", "chức vụ", "tên tài khoản", "cách vào"]
    assert [(row[0], row[1], row[3], row[4]) for row in rows[1:]] == [
        ("Đơn vị 1", "Lê Văn A", "nguoi-0", "theo liên kết trong thư gửi tới nguoi-0@example.invalid"),
        ("Đơn vị 1", "Lê Văn D", None, "chưa được mời, không có địa chỉ thư"),
        ("Đơn vị 2", "Lê Văn B", "nguoi-1", "theo liên kết trong thư gửi tới nguoi-1@example.invalid"),
        ("Đơn vị 3", "Lê Văn C", "nguoi-2", "theo liên kết trong thư gửi tới nguoi-2@example.invalid"),
    ]
    for link in mails(tmp_path).values():
        assert link not in page
    assert "/loi-moi/" not in page


async def test_links_on_paper_are_for_those_without_a_mail_address_alone(site: Site) -> None:
    secretary = await a_city(site, 4)
    await secretary.get(urls.HANDOUT)
    await secretary.post(urls.HANDOUT_LINKS, person="nguoi-3")
    assert (secretary.status, "/loi-moi/" in secretary.page) == (422, False), "it was not confirmed"
    await secretary.post(urls.HANDOUT_LINKS, person="nguoi-0", _confirmed="yes")
    assert (secretary.status, "/loi-moi/" in secretary.page) == (422, False), "who has a mail address gets a mail"
    await secretary.post(urls.HANDOUT_LINKS, person="thu-ky", _confirmed="yes")
    assert (secretary.status, "/loi-moi/" in secretary.page) == (422, False)
    await secretary.post(urls.HANDOUT_LINKS, person="nguoi-3", _confirmed="yes")
    (link,) = re.findall(r"/loi-moi/[\w-]+", shown(secretary.page))
    assert "Lê Văn D" in secretary.page
    log = (await site.services.account_log.page(ALL_ROWS, "nguoi-3")).rows
    assert [(entry.change, entry.by.person) for entry in log] == [
        ("link-shown", "thu-ky"),
        ("invited", "thu-ky"),
        ("made", "thu-ky"),
    ]
    assert link not in await secretary.get(urls.HANDOUT)
    one = await site.log_in("ai-do")
    await one.get(link)
    await one.post(link, _password=PASSWORD)
    assert (one.at, "Lê Văn D" in one.page) == ("/viec", True)
    await secretary.get(urls.HANDOUT)
    await secretary.post(urls.HANDOUT_LINKS, person="nguoi-3", _confirmed="yes")
    assert secretary.status == 422, "who has a password keeps it"


@pytest.mark.shows_keys("the page of a refusal repeats what was sent")
async def test_who_invites_nobody_sees_and_sends_nothing(site: Site) -> None:
    await a_city(site, 4)
    await site.person("kiem-tra", "thanh-tra", "auditor")
    await site.person("khac", "mttq-khac", "secretariat")
    for person in ("kiem-tra", "khac"):
        visitor = await site.log_in(person)
        await visitor.get(urls.PEOPLE)
        assert "Mời tất cả" not in visitor.page
        await visitor.post(urls.HANDOUT_LINKS, person="nguoi-3", _confirmed="yes")
        assert "/loi-moi/" not in visitor.page
        await visitor.get(urls.PEOPLE)
        await visitor.post(urls.INVITE_ALL, _seal="x")
        assert not site.services.jobs.of_kind(Inviting)
