"""People on pages: entering, correcting, standing in, and whose people a secretariat sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import asyncpg
import pytest
from account_help import in_tables, make_account
from conftest import eventually
from engine_help import CITY, enter_staff, open_cycle, submit, units
from hypothesis import given
from hypothesis import strategies as st
from speech import RULES
from web_help import PASSWORD, Site, Visitor

from accounts.corrections import noting
from accounts.logins import today
from accounts.stand_ins import StandIn
from application.persons import parse_person
from application.verification import verify_all
from application.year_file import enter_people
from audit.report import BesideProblem, VerificationReport
from domain.administration import LastDaySet
from i18n.sorting import by_given_name, name_key
from ledger.paging import ALL_ROWS
from projections.people import write_units
from vault.persons import folded_phone


def vn(days: int) -> str:
    return (today() + timedelta(days=days)).strftime("%d/%m/%Y")


async def a_city(site: Site, count: int = 2) -> str:
    """A cycle with units whose people the secretariat of `CITY` sees; another organiser beside it."""
    stream = await open_cycle(site.app, RULES, members=units(count))

    async def known() -> bool:
        return "don-vi-1" in dict(await site.services.people.units(CITY))

    await eventually(known)
    return stream


def mails(folder: Path) -> Iterator[tuple[str, str]]:
    for file in (folder / "outbox").glob("*.eml"):
        mail = BytesParser(policy=default).parsebytes(file.read_bytes())
        yield mail["To"], mail["Subject"]


async def logged(site: Site, person: str, kind: str = "") -> list[tuple[str, str | None, dict[str, str]]]:
    """What the log has of a person, of the changes whose name begins with `kind`."""
    entries = (await site.services.account_log.page(ALL_ROWS, person)).rows
    return [(one.change, one.by.person, dict(one.facts)) for one in entries if one.change.startswith(kind)]


async def enter(visitor: Visitor, **fields: str) -> str:
    await visitor.get("/nguoi-dung")
    return await visitor.post("/nguoi-dung", **fields)


async def verified(site: Site) -> VerificationReport:
    return await verify_all(site.app.ledger, site.app.installed.id)


async def test_entering_a_person_again_changes_nothing(site: Site, tmp_path: Path) -> None:
    await a_city(site)
    await site.person("quan-tri", CITY, "secretariat", name="Trần Quản Trị", administrator=True)
    await site.person("thu-ky", CITY, "secretariat", name="Lê Thư Ký")
    before = await site.app.people.get("quan-tri")
    secretary = await site.log_in("thu-ky")
    again = {"name": "Trần Quản Trị", "unit": CITY, "kind": "staff", "email": "ke-gian@example.invalid"}
    for fields in (again, {**again, "id": "quan-tri"}, {**again, "name": "TRAN  quan tri"}):
        await enter(secretary, **fields)
        assert (secretary.status, "chưa ghi và chưa thay đổi" in secretary.page) == (422, True)
        assert 'href="/nguoi-dung/quan-tri"' in secretary.page, "the way to correct"
        assert "ke-gian@example.invalid" in secretary.page, "nothing typed is lost"
    assert await site.app.people.get("quan-tri") == before
    # A person of the same name is entered all the same, once that is said; the other is not touched.
    confirmed = {**again, "_not_these": "quan-tri"}
    await secretary.post("/nguoi-dung", **{**confirmed, "id": "quan-tri"})
    assert (secretary.status, "đã có người dùng" in secretary.page) == (422, True)
    await secretary.post("/nguoi-dung", **confirmed)
    assert secretary.status == 200
    entered = await site.app.people.get("tran-quan-tri")
    assert entered is not None
    assert (entered.email, await site.app.people.get("quan-tri")) == ("ke-gian@example.invalid", before)
    assert {to for to, _subject in mails(tmp_path)} == {"ke-gian@example.invalid"}
    # The same telephone number or mail address under another name is warned of, too.
    for same in ({"phone": "+84 2400000000"}, {"email": "THU-KY@example.invalid"}):
        await enter(secretary, name="Người Khác Hẳn", unit="don-vi-1", kind="staff", **same)
        assert (secretary.status, "Lê Thư Ký" in secretary.page) == (422, True), same
    assert [change for change, *_ in await logged(site, "tran-quan-tri")] == ["invited", "made"]


async def test_the_secretariat_corrects_the_people_of_its_units_and_no_others(site: Site, tmp_path: Path) -> None:
    stream = await a_city(site)
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("dong-nghiep", CITY, "secretariat")
    await site.person("la", "don-vi-la")
    signer = await enter_staff(site.app, "don-vi-1")
    await submit(site.app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    await make_account(site.app, signer.id, "staff")
    void = await site.services.accounts.invite(signer.id)
    secretary, way = await site.log_in("thu-ky"), f"/nguoi-dung/{signer.id}"
    await secretary.get(way)
    new = {"name": "Nguyễn Đã Sửa", "office": "Phó Chủ tịch", "email": "moi@example.invalid", "phone": "024 1"}
    await secretary.post(way, **new, _do="contact")
    assert (secretary.status, "Nguyễn Đã Sửa" in secretary.page) == (200, True)
    after = await site.app.people.get(signer.id)
    assert after is not None
    assert {name: getattr(after, name) for name in new} == new
    assert after.commitment != signer.commitment
    assert await site.services.accounts.invited(void) is None, "it was sent to the old address"
    assert list(mails(tmp_path)) == [(signer.email, "Địa chỉ thư của bạn trong Sổ Thi Đua đã thay đổi")]
    fields = {"fields": "name, office, email, phone"}
    assert await logged(site, signer.id, "contact") == [("contact-changed", "thu-ky", fields)]
    # What was signed under the former name is still verified, and so is what is signed under the new one.
    await submit(site.app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed-in-substance"})
    report = await verified(site)
    assert (report.problems, report.beside) == ([], [])
    # Never of administrators; the mail address, which opens the account, only of accounts that they manage.
    for person, change in (("quan-tri", {"name": "Khác"}), ("dong-nghiep", {"email": "khac@example.invalid"})):
        contact = await site.app.people.get(person)
        assert contact is not None
        typed = {
            "name": contact.name,
            "office": "cán bộ",
            "email": f"{person}@example.invalid",
            "phone": "024 0000 0000",
        }
        await secretary.post(f"/nguoi-dung/{person}", **{**typed, **change}, _do="contact")
        assert (secretary.status, await site.app.people.get(person)) == (403, contact)
    await secretary.get("/nguoi-dung")
    await secretary.post("/nguoi-dung/la", name="Khác", _do="contact")
    assert (secretary.status, "la@example.invalid" in secretary.page) == (404, False)
    administrator = await site.log_in("quan-tri")
    await administrator.get("/nguoi-dung/la")
    await administrator.post("/nguoi-dung/la", name="Lạ Đã Sửa", _do="contact")
    assert "Lạ Đã Sửa" in administrator.page


async def test_a_changed_name_in_the_database_is_still_found(site: Site) -> None:
    """The negative control: former names excuse corrections, and nothing else."""
    stream = await open_cycle(site.app, RULES, members=units(1))
    signer = await enter_staff(site.app, "don-vi-1")
    await submit(site.app, stream, "don-vi-1", "take-stance", {"unit": "don-vi-1", "stance": "agreed"})
    await site.app.people.correct(
        signer.id, name="Tên Đúng", office=None, email=None, phone=None, then=noting(signer.id)
    )
    assert (await verified(site)).beside == []
    owner = await asyncpg.connect(site.app.endpoints.owner_url)
    renamed = [BesideProblem("person_renamed", signer.id)]
    await owner.execute("update vault.former_name set name = 'Người khác'")
    assert (await verified(site)).beside == renamed
    await owner.execute("delete from vault.former_name")
    assert (await verified(site)).beside == renamed
    await owner.close()
    web = site.services.application.ledger.pool
    for forbidden in (
        "update vault.person set name = 'x'",
        "update vault.former_name set name = 'x'",
        "delete from vault.former_name",
        "insert into vault.former_name (person, commitment) values ('x', 'y')",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await web.execute(forbidden)
    assert await site.app.people.erase(signer.id)
    assert await site.app.people.former_commitments([signer.id]) == set()


async def test_people_correct_themselves_and_the_mail_address_with_the_password(site: Site, tmp_path: Path) -> None:
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    an = await site.log_in("an")
    await an.get("/toi")
    own = {"name": "Nguyễn Thị Ân", "office": "cán bộ", "email": "an@example.invalid", "phone": "0912 345 678"}
    await an.post("/toi", **own, _do="contact")
    assert (an.status, "<h1>Nguyễn Thị Ân</h1>" in an.page) == (200, True)
    await an.post("/toi", **{**own, "email": "ke-gian@example.invalid"}, _do="contact", _password="sai")
    assert (an.status, "ke-gian@example.invalid" in an.page) == (422, True)
    contact = await site.app.people.get("an")
    assert contact is not None
    assert (contact.email, contact.phone) == ("an@example.invalid", "0912 345 678")
    await an.post("/toi", **{**own, "email": "an.moi@example.invalid"}, _do="contact", _password=PASSWORD)
    assert an.status == 200
    assert list(mails(tmp_path)) == [("an@example.invalid", "Địa chỉ thư của bạn trong Sổ Thi Đua đã thay đổi")]
    assert [(by, facts["fields"]) for _change, by, facts in await logged(site, "an", "contact")] == [
        ("an", "email"),
        ("an", "name, phone"),
    ]


async def test_a_last_day_in_the_past_is_refused_where_it_is_entered(site: Site) -> None:
    await a_city(site)
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    await site.person("kiem-tra", "thanh-tra", "auditor")
    await in_tables(site.app.ledger.pool, LastDaySet(person="kiem-tra", until=today()))
    administrator = await site.log_in("quan-tri")
    typed = {"name": "Kiểm Tra Viên", "unit": "thanh-tra", "kind": "auditor"}
    await enter(administrator, **typed, until=vn(-1))
    assert (administrator.status, f"{vn(-1)} đã qua" in administrator.page) == (422, True)
    assert await site.app.people.get("kiem-tra-vien") is None
    await enter(administrator, **typed, until=vn(0))
    assert administrator.status == 200, "today is a day of access"
    way = "/nguoi-dung/kiem-tra"
    await administrator.get(way)
    await administrator.post(way, _do="until", until=vn(-1))
    assert (administrator.status, f"{vn(-1)} đã qua" in administrator.page) == (422, True)
    account = await site.services.accounts.must("kiem-tra")
    assert account.until == today()
    # Opening, or inviting to, an account whose last day is over would be of no use.
    await in_tables(
        site.services.application.ledger.pool, LastDaySet(person="kiem-tra", until=today() - timedelta(days=3))
    )
    for step in ("open", "invite"):
        await administrator.post(way, _do=step)
        assert (administrator.status, vn(-3) in administrator.page) == (422, True), step
    await site.person("an", CITY, "secretariat")
    for since, until, says in ((-3, -1, "đã qua"), (3, 1, "ngày"), (0, 0, "")):
        await administrator.get("/toi")
        await administrator.post("/toi", _do="stand-in", person="an", since=vn(since), until=vn(until))
        assert (administrator.status == 422, says in administrator.page) == (until < max(since, 0), True)


async def test_only_persons_of_one_unit_stand_in_for_each_other(site: Site) -> None:
    await a_city(site)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await site.person("binh", "don-vi-1", name="Lê Văn Bình")
    await site.person("chi", "don-vi-2", name="Trần Thị Chi")
    an, binh, secretary = await site.log_in("an"), await site.log_in("binh"), await site.log_in("thu-ky")
    days = {"since": vn(0), "until": vn(2)}
    for visitor, way in ((an, "/toi"), (secretary, "/nguoi-dung/an")):
        await visitor.get(way)
        assert "Trần Thị Chi" not in visitor.page, "a colleague of another unit is no choice"
        for other in ("chi", "thu-ky", "an", "khong-co"):
            await visitor.post(way, _do="stand-in", person=other, **days)
            assert visitor.status == 422, (way, other)
    assert await site.services.stand_ins.list() == ()
    await binh.get("/toi")
    await binh.post("/toi", _do="act-for", person="an")
    assert (binh.status, "thay cho" in binh.page) == (422, False), "nobody has named a stand-in"
    await secretary.post("/nguoi-dung/an", _do="stand-in", person="binh", **days)
    assert secretary.status == 200
    await binh.post("/toi", _do="act-for", person="an")
    assert "thay cho Nguyễn Thị An" in binh.page
    owner = await asyncpg.connect(site.app.endpoints.owner_url)
    await owner.execute("update vault.person set unit = 'don-vi-2' where id = 'binh'")
    assert "thay cho" not in await binh.get("/toi"), "who has moved stands in no more"
    await binh.post("/toi", _do="act-for", person="an")
    assert binh.status == 422
    await owner.execute("update vault.person set unit = 'don-vi-1' where id = 'binh'")
    assert "thay cho Nguyễn Thị An" in await binh.get("/toi")
    await owner.close()
    await secretary.post("/nguoi-dung/an", _do="end-stand-in", person="binh")
    assert "thay cho" not in await binh.get("/toi")
    named = {"for_person": "an", "since": today().isoformat(), "until": (today() + timedelta(days=2)).isoformat()}
    assert await logged(site, "binh", "stand-in") == [
        ("stand-in-ended", "thu-ky", {"for_person": "an"}),
        ("stand-in-named", "thu-ky", named),
    ]


async def test_people_of_other_organisers_are_not_listed(site: Site) -> None:
    stream = await a_city(site)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("quan-tri", CITY, "secretariat", administrator=True)
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    await site.person("bi-mat", "don-vi-la", name="Phan Bí Mật")
    await site.person("bi-mat-2", "don-vi-la", name="Phan Bí Mật Hai")
    await site.person("phu-trach", "lanh-dao", name="Ngô Phụ Trách")
    await submit(site.app, stream, CITY, "name-overseer", {"overseer": {"id": "phu-trach"}})
    await site.services.stand_ins.name(StandIn("bi-mat", "bi-mat-2", today(), today(), "bi-mat-2"))
    secretary, administrator = await site.log_in("thu-ky"), await site.log_in("quan-tri")

    async def overseer_is_listed() -> bool:
        return "Ngô Phụ Trách" in await secretary.get("/nguoi-dung")

    await eventually(overseer_is_listed)
    ways = [
        "/nguoi-dung",
        "/nguoi-dung?tim=bi+mat",
        "/nguoi-dung?don_vi=don-vi-la",
        "/nguoi-dung/bi-mat",
        "/tim?q=bi+mat",
        f"/cum/{stream}/lam/name-overseer",
        f"/cum/{stream}/hoi-nghi?kind=final",
        "/toi",
    ]
    for way in ways:
        await secretary.get(way)
        assert "Bí Mật" not in secretary.page, way
    assert "Bí Mật" in await administrator.get("/nguoi-dung?tim=bi+mat"), "the control: they are there"
    assert "Nguyễn Thị An" in await secretary.get("/tim?q=thi+an")
    assert "Nguyễn Thị An" in await secretary.get(f"/cum/{stream}/lam/name-overseer"), "one's own are suggested"
    token = await site.services.accounts.new_token("thu-ky", "thử", "read", 1)
    answer = await secretary.http.get("/api/v1/people", headers={"Authorization": f"Bearer {token}"})
    assert "Nguyễn Thị An" in answer.text
    assert "Bí Mật" not in answer.text
    fields = {"name": "Ai Đó", "unit": "don-vi-1", "kind": "staff", "id": "bi-mat"}
    await enter(secretary, **fields)
    assert (secretary.status, "đã có người dùng" in secretary.page, "Phan" in secretary.page) == (422, True, False)
    await enter(secretary, name="Ai Đó", unit="don-vi-la", kind="staff")
    assert (secretary.status, await site.app.people.get("ai-do")) == (422, None)
    for step in ("invite", "close", "contact", "stand-in", "make"):
        await secretary.post("/nguoi-dung/bi-mat", _do=step, name="x")
        assert (secretary.status, "Bí Mật" in secretary.page) == (404, False), step


async def test_naming_a_unit_of_another_organiser_gives_no_power_over_its_people(site: Site) -> None:
    await a_city(site)
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("quan-tri", CITY, "auditor", administrator=True)
    for person, unit in (("an", "don-vi-1"), ("binh", "don-vi-2"), ("truong-ban", "mttq-khac"), ("giam-sat", "la")):
        await site.person(person, unit)
    claims = [("mttq-khac", "don-vi-1"), ("mttq-khac", "mttq-khac"), (CITY, "mttq-khac"), (CITY, "@giam-sat")]
    connection = await asyncpg.connect(site.app.endpoints.owner_url)
    for organiser, unit in claims:
        overseer = unit[1:] if unit[0] == "@" else None
        line = {"names": {} if overseer else {unit: unit}, "overseer": overseer}
        await write_units(connection, f"{organiser}/2026/x", line)
    await connection.close()
    secretary = await site.log_in("thu-ky")
    assert set(dict(await site.services.people.units(CITY))) & {"don-vi-1", "don-vi-2", "mttq-khac"} == {"don-vi-2"}
    for person, allowed in (("an", 403), ("truong-ban", 403), ("giam-sat", 403), ("binh", 200)):
        page = await secretary.get(f"/nguoi-dung/{person}")
        assert (f"{person}@example.invalid" in page) == (allowed == 200), person
        for fields in ({"_do": "contact", "name": "Khác"}, {"_do": "close"}):
            await secretary.post(f"/nguoi-dung/{person}", **fields)
            assert secretary.status == allowed, (person, fields)
    await enter(secretary, name="Ai Đó", unit="don-vi-1", kind="staff")
    assert (secretary.status, await site.app.people.get("ai-do")) == (422, None)
    auditor = await site.log_in("quan-tri")
    await auditor.get("/nguoi-dung/binh")
    await auditor.post("/nguoi-dung/binh", _do="contact", name="Khác Nữa")
    assert auditor.status == 403


async def test_the_list_comes_in_pages_and_is_searched_without_diacritics(site: Site) -> None:
    await a_city(site)
    await site.person("thu-ky", CITY, "secretariat", name="Lê Thư Ký")
    entries = [
        parse_person(id=f"nguoi-{n}", unit="don-vi-1", name=f"Nguyễn Văn Số {n}", email=f"so{n}@example.invalid")
        for n in range(10, 70)
    ]
    await enter_people(site.app, [*entries, parse_person(id="dung", unit="don-vi-2", name="Đỗ Thị Dung")])
    secretary = await site.log_in("thu-ky")

    async def shown(query: str = "") -> tuple[int, bool]:
        await secretary.get(f"/nguoi-dung{query}")
        return secretary.page.count('<th scope="row">'), "Đỗ Thị Dung" in secretary.page

    first, second = await shown(), await shown("?trang=2")
    assert (first[0], first[0] + second[0]) == (50, 60 + 3)  # two more: the secretaries
    assert await shown("?tim=do+thi+DUNG") == (1, True)
    assert await shown("?tim=so17@EXAMPLE") == (1, False)
    assert await shown("?don_vi=don-vi-2") == (1, True)
    assert await shown("?tim=khong+co+ai") == (0, False)
    assert (await shown("?tai_khoan=secretariat"))[0] == 1
    assert (await shown("?tinh=open"))[0] == 1
    assert (await shown("?trang=999999999999"))[0] == second[0], "after the last page comes the last"
    some, rest = await shown("?tim=nguyen+van"), await shown("?tim=nguyen+van&trang=2")
    assert (some[0], some[0] + rest[0]) == (50, 60)
    assert (await shown("?tim=nguyen+van&trang=999"))[0] == rest[0]
    await shown()
    assert len(secretary.page.encode()) < 60_000
    # A unit is found by its name, and typed in part it is asked for.
    await enter(secretary, name="Mới Một", unit="don-vi", kind="staff")
    assert (secretary.status, '<option value="don-vi-2">' in secretary.page) == (422, True)
    assert "Mới Một" in secretary.page
    await secretary.post("/nguoi-dung", name="Mới Một", unit="DON-VI-2", kind="staff")
    assert secretary.status == 200
    entered = await site.app.people.get("moi-mot")
    assert entered is not None
    assert entered.unit == "don-vi-2"


@given(st.lists(st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxy áàảãạ", min_size=1, max_size=12), max_size=8))
def test_names_are_sorted_by_bytes_as_by_their_key(names: list[str]) -> None:
    assert sorted(names, key=name_key) == sorted(names, key=by_given_name)
    assert sorted(names, key=lambda one: name_key(one).encode()) == sorted(names, key=by_given_name)


def test_a_telephone_number_is_the_same_with_and_without_the_prefix_of_the_country() -> None:
    assert {folded_phone(one) for one in ("0912 345 678", "+84 912.345.678", "84912345678")} == {"0912345678"}
    assert folded_phone("8400") == "8400"
    assert folded_phone("máy lẻ 12") == "12"
