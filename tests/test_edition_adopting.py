"""An organiser's own rules put in force on the pages: the summary, the receipts, where they can be read afterwards."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator

import pytest
import yaml
from conftest import NewInstallation, open_app
from edition_help import FULL, brought_in, file_of, form_fields, posted, reached, secretary, send, shown_pairs
from engine_help import CITY, open_cycle, submit, units
from speech import RULES as SPEECH_RULES
from temporalio.client import Client
from web_help import PASSWORD, Site, Visitor, a_site

from application.edition_differences import differences
from application.edition_facts import copy_title, is_copy
from domain.rules import Edition
from i18n import in_language
from web import urls


@pytest.fixture(scope="module")
async def site(
    client: Client, new_installation: NewInstallation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """One site for all of them: each works on drafts and cycles of its own."""
    async with open_app(client, new_installation) as app, a_site(app, tmp_path_factory.mktemp("outbox")) as found:
        yield found


async def test_rules_come_into_force_in_all_chosen_clusters_or_in_none(site: Site) -> None:
    visitor = await secretary(site)
    streams = [await open_cycle(site.app, SPEECH_RULES, members=units(2)) for _n in range(2)]
    await reached(site)
    key = await brought_in(visitor, FULL)
    address = urls.edition_adoption_url(key)
    await visitor.get(address)
    fields = {
        name: value for name, value in form_fields(visitor.page, address).items() if name not in {"_all", "cycle"}
    }
    assert (fields["number"], fields["title"], fields["effective"]) == ("9/QĐ", "Quy định thử", "01/01/2026")
    fields["effective"] = ""
    await visitor.post(address, **{**fields, "_step": "look"})
    assert (visitor.status, "đánh dấu các cụm" in visitor.page) == (422, True)
    await visitor.post(address, **{**fields, "_all": "yes", "effective": "01/01/2190", "_step": "look"})
    assert (visitor.status, "Chưa đến ngày" in visitor.page) == (422, True)
    await visitor.post(
        address, **{**fields, "_all": "yes", "number": "", "title": "", "issued": "01/02/2026", "_step": "look"}
    )
    assert (visitor.status, "số hoặc tên văn bản" in visitor.page) == (422, True)
    stored = await site.app.texts.editions()
    await posted(visitor, address, {**fields, "cycle": streams, "_step": "look"})
    assert visitor.status == 200
    assert visitor.page.count("Ảnh hưởng đến ai") == 2
    assert visitor.page.count("Thay đổi so với “") == 1, "of the same rules in both clusters"
    assert ">Tay</th>" in visitor.page
    assert "Có hiệu lực từ lúc ghi" in visitor.page
    assert "Quy định thử" in visitor.page
    assert await site.app.texts.editions() == stored, "nothing is stored before it is entered"
    sent = shown_pairs(visitor.page)
    assert [name for name, _value in sent].count("cycle") == 2
    await send(visitor, address, sent)
    assert (visitor.status, "mật khẩu" in visitor.page) == (422, True)
    await send(visitor, address, sent, _password="khong phai")
    assert visitor.status == 422
    part = urls.edition_part_url(key, "khen-thuong")
    await visitor.get(part)
    award = form_fields(visitor.page, part)
    await visitor.post(part, **{**award, "awards.0.quota": "9", "_step": "save"})
    await send(visitor, address, sent, _password=PASSWORD)
    assert visitor.status == 409, "the rules are others than those that were shown"
    assert [len(await site.app.history(stream)) for stream in streams] == [1, 1]
    sent = shown_pairs(visitor.page)
    await send(visitor, address, sent, _password=PASSWORD)
    assert visitor.status == 200
    assert "Đã áp dụng ở 2 cụm" in visitor.page
    for stream in streams:
        state, rules = await site.app.state(stream)
        assert (len(state.lifecycle.adoptions), rules.title) == (1, "Quy định thử")
        assert rules.awards[0].quota == 9
        assert urls.receipt_url(stream, 2) in visitor.page
    await send(visitor, address, sent, _password=PASSWORD)
    assert [len(await site.app.history(stream)) for stream in streams] == [2, 2], "a second click enters nothing twice"
    assert "Đã áp dụng ở 2 cụm" in visitor.page
    await refused_in_one(site, visitor, address, streams[0])
    await told_where_it_is_in_force(site, visitor, key, streams)


async def told_where_it_is_in_force(site: Site, visitor: Visitor, key: str, streams: list[str]) -> None:
    """The draft's page and the list say where, when and by whom; members read the rules; changes do not reach them."""
    await reached(site)
    await visitor.get(urls.edition_url(key))
    receipts = re.search(rf'href="({re.escape(urls.edition_adoption_url(key))}[^"]*)">Các biên nhận', visitor.page)
    assert receipts is not None
    for told in ("Đã áp dụng</h2>", "Nguyễn Thu Ky", "Sửa bản đang soạn này không làm thay đổi"):
        assert told in visitor.page, told
    assert "Bản đang soạn đã được sửa" not in visitor.page
    assert all(f'href="{urls.cycle_rules_url(stream)}"' in visitor.page for stream in streams)
    await visitor.get(html.unescape(receipts.group(1)))
    assert "Đã áp dụng ở 2 cụm" in visitor.page
    await visitor.get(urls.EDITIONS)
    assert visitor.page.count("▸ đang áp dụng năm") > 1, "the draft, and the edition in the register"
    part = urls.edition_part_url(key, "khen-thuong")
    await visitor.get(part)
    await visitor.post(part, **{**form_fields(visitor.page, part), "awards.0.title": "Cờ đã đổi tên", "_step": "save"})
    await visitor.get(urls.edition_url(key))
    assert "Bản đang soạn đã được sửa sau lần áp dụng đó" in visitor.page
    await site.person("doc-quy-dinh", "don-vi-1")
    await site.person("nguoi-la", "don-vi-la")
    member, stranger = await site.log_in("doc-quy-dinh"), await site.log_in("nguoi-la")
    await member.get(urls.cycle_url(streams[0]))
    assert f'Quy định đang áp dụng: <a href="{urls.cycle_rules_url(streams[0])}">“Quy định thử” (9/QĐ)' in member.page
    await member.get(urls.cycle_rules_url(streams[0]))
    assert (member.status, "Đủ hồ sơ" in member.page, "Cờ đã đổi tên" in member.page) == (200, True, False)
    await member.get(urls.cycle_rules_url(streams[0], 1))
    assert (member.status, "không còn áp dụng" in member.page) == (200, True)
    await member.get(urls.cycle_rules_url(streams[0], 3))
    assert member.status == 404
    await stranger.get(urls.cycle_rules_url(streams[0]))
    assert stranger.status == 403


def test_a_copy_says_so_until_its_title_is_changed() -> None:
    first = copy_title("Quy định", ["Quy định"])
    second = copy_title(first, ["Quy định", first])
    assert (first, second) == ("Quy định (bản sao)", "Quy định (bản sao 2)")
    assert copy_title(second, ["Quy định", first, second]) == "Quy định (bản sao 3)"
    assert [is_copy(one) for one in ("Quy định", first, second, "Quy định (2)")] == [False, True, True, False]
    with in_language("en"):
        assert is_copy(first), "in whatever language it is looked at"


def test_differences_name_what_stood_before_and_what_stands_now() -> None:
    before = Edition.model_validate(yaml.safe_load(FULL))
    changed = yaml.safe_load(FULL)
    changed["criteria"][1]["max"] = 35
    changed["criteria"][2]["title"] = "Điểm thưởng"
    del changed["criteria"][3]
    changed["criteria"][0]["children"].append({"id": "a5", "title": "Mới", "max": 5})
    changed["deadlines"][0]["due"]["day"] = 20
    changed["scoring"]["classes"][0]["least"] = 85
    after = Edition.model_validate(changed)
    found = {one.part.id: one.told for one in differences(before, after, {})}
    assert set(found) == {"tieu-chi", "xep-loai", "thoi-han"}
    by_title = {one.what: one for one in found["tieu-chi"]}
    assert set(by_title) == {"Tay", "Điểm thưởng", "Trừ", "Mới"}
    assert ("40" in by_title["Tay"].before, "35" in by_title["Tay"].after) == (True, True)
    assert (by_title["Điểm thưởng"].before, by_title["Điểm thưởng"].after) == ("Thưởng", "Điểm thưởng")
    assert (by_title["Trừ"].after, by_title["Mới"].before) == ("", "")
    (due,) = found["thoi-han"]
    assert due.what == "Trình dự thảo"
    assert ("15/02" in due.before, "20/02" in due.after) == (True, True)
    (best,) = found["xep-loai"]
    assert ("80" in best.before, "85" in best.after) == (True, True)
    assert differences(before, before, {}) == ()


async def refused_in_one(site: Site, visitor: Visitor, address: str, other: str) -> None:
    """The same rules once more are refused in one cluster: then they do not come into force in another either."""
    third = await open_cycle(site.app, SPEECH_RULES, members=units(2))
    await reached(site)
    await visitor.get(address)
    fields = {
        name: value for name, value in form_fields(visitor.page, address).items() if name not in {"_all", "cycle"}
    }
    await posted(visitor, address, {**fields, "effective": "01/01/2026", "cycle": [other, third], "_step": "look"})
    assert visitor.status == 422
    assert "không ghi được" in visitor.page
    assert "Có hiệu lực từ 01/01/2026" in visitor.page
    assert len(await site.app.history(third)) == 1
    await submit(site.app, third, CITY, "file-cycle", {})


async def test_a_sheet_of_the_year_before_does_not_fit_the_new_rules(site: Site) -> None:
    visitor = await secretary(site)
    key = await brought_in(visitor, FULL)
    edition = Edition.model_validate(yaml.safe_load(await file_of(visitor, key)))
    stream = await open_cycle(site.app, edition, members=units(2))
    await site.person("mot", "don-vi-1")
    officer = await site.log_in("mot")
    sheet = f"/cum/{stream}/lam/score-self/bang-cham.xlsx?unit=don-vi-1"
    body = (await officer.http.get(sheet)).content
    changed = edition.model_copy(update={"title": "Quy định năm sau"})
    digest = await site.app.texts.put_edition(changed.model_dump_json())
    await submit(site.app, stream, CITY, "adopt-edition", {"edition": digest})
    form = f"/cum/{stream}/lam/score-self?unit=don-vi-1"
    await officer.get(form)
    data = {**officer.hidden(), "unit": "don-vi-1", "_step": "offline"}
    officer._keep(await officer.http.post(form, data=data, files={"_offline": ("phieu.xlsx", body)}))
    assert officer.status == 422
    assert "Quy định thử" in officer.page
