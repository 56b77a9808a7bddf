"""An organiser's own rules on the pages: brought in, changed, checked, tried out."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from conftest import NewInstallation, open_app
from edition_help import FULL, brought_in, file_of, form_fields, key_of, reached, secretary, upload
from engine_help import CITY, open_cycle, units
from file_help import docx_of
from speech import RULES as SPEECH_RULES
from temporalio.client import Client
from web_help import PASSWORD, Site, a_site

from accounts.edition_drafts import EditionDrafts
from application.criteria_workbook import criteria_workbook
from application.edition_checks import check_edition
from application.edition_parts import PARTS
from application.edition_texts import values_of
from application.trial_sheets import kinds_of, trial_rows, units_of
from cli import scoring
from domain.rules import Edition
from domain.scoring.calculation import UnitSheet, calculate_scores
from errors import QuotaError
from i18n.messages import number
from resources import RULES
from web import urls

REAL = sorted(file for file in RULES.glob("real/*.yaml") if not file.stem.endswith(".sheet"))


@pytest.fixture(scope="module")
async def site(
    client: Client, new_installation: NewInstallation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """One site for all of them: each works on drafts and cycles of its own."""
    outbox = tmp_path_factory.mktemp("outbox")
    async with open_app(client, new_installation, sandboxed=False) as app, a_site(app, outbox) as found:
        yield found


# Whole editions ---------------------------------------------------------------------------------------------------


async def test_the_real_tables_made_on_the_pages_compute_the_same(site: Site, tmp_path: Path) -> None:
    visitor = await secretary(site)
    for file in REAL:
        values = values_of(file.read_text(), file.name)
        names: dict[str, str] = {}
        if file.stem == "dong-nai-2026":
            stream = await open_cycle(site.app, SPEECH_RULES, members=units(2))
            assert stream
            await reached(site)
            names = {"xa-b": "Đơn vị 1"}
        head = {name: value for name, value in values.items() if name not in {"criteria", "sources", "total"}}
        key = await brought_in(visitor, yaml.safe_dump(head, allow_unicode=True))
        table = urls.criteria_table_url(key)
        await visitor.get(table)
        await upload(visitor, table, "bang.xlsx", criteria_workbook(values, names), _step="look")
        assert "Nhập bảng này" in visitor.page, file.stem
        fields = form_fields(visitor.page, table)
        assert ("_total" in fields) is ("total" in values)
        await visitor.post(table, **{**fields, "_step": "take"})
        assert visitor.at == urls.criteria_url(key)
        text = await file_of(visitor, key)
        assert await file_of(visitor, await brought_in(visitor, text)) == text, "a second round changes nothing"
        saved = tmp_path / f"{file.stem}.yaml"
        saved.write_text(text)
        assert await scoring.check(saved, as_json=True) == 0
        edition, before = Edition.model_validate(yaml.safe_load(text)), Edition.model_validate(values)
        assert edition.total == before.total
        ids = dict(zip(before.leaves(), edition.leaves(), strict=True))
        sheets = yaml.safe_load(file.with_name(f"{file.stem}.sheet.yaml").read_text())["units"]
        wanted = calculate_scores(before, [UnitSheet.model_validate(one) for one in sheets])
        for unit in sheets:
            unit["unit"] = {"xa-b": "don-vi-1"}.get(unit["unit"], unit["unit"])
            for entry in unit["entries"]:
                entry["criterion"] = ids[entry["criterion"]]
                if "met" in entry:
                    entry["met"] = ["dat-yeu-cau"] if entry["met"] else []
        results = calculate_scores(edition, [UnitSheet.model_validate(one) for one in sheets])
        assert [(one.total, one.rank, one.passed) for one in results] == [
            (one.total, one.rank, one.passed) for one in wanted
        ]
        await visitor.get(urls.edition_trial_url(key))
        trial = trial_fields(edition, sheets)
        await visitor.post(urls.edition_trial_url(key), **trial)
        totals = re.findall(r"<strong>([^<]*)</strong>", visitor.page.partition('id="result"')[2])
        assert totals == [number(one.total) for one in wanted], file.stem


def trial_fields(edition: Edition, sheets: list[dict[str, Any]]) -> dict[str, str]:
    """The trial's inputs that say what sheets say."""
    numbers = {row.criterion.id: row.number for row in trial_rows(edition) if row.number is not None}
    found = {"_units": str(len(sheets))}
    for n, sheet in enumerate(sheets):
        if sheet["unit"] in units_of(edition):
            found[f"u.{n}.unit"] = str(units_of(edition).index(sheet["unit"]))
        if sheet.get("kind") in kinds_of(edition):
            found[f"u.{n}.kind"] = str(kinds_of(edition).index(sheet["kind"]))
        for entry in sheet["entries"]:
            start = f"u.{n}.rows.{numbers[entry['criterion']]}"
            for name, value in entry.items():
                if name == "met":
                    found |= {f"{start}.met.x": "-"} | {f"{start}.met.{m}": one for m, one in enumerate(value)}
                elif name != "criterion":
                    found[f"{start}.{name}"] = str(value)
    return found


async def test_each_part_is_saved_as_it_is_shown(site: Site) -> None:
    visitor = await secretary(site)
    text = FULL
    key = await brought_in(visitor, text)
    before = Edition.model_validate(yaml.safe_load(await file_of(visitor, key)))
    assert "Áp dụng…" in visitor.page
    for part in PARTS:
        for address in (urls.edition_part_url(key, part.id), urls.edition_text_url(key, part.id)):
            await visitor.get(address)
            assert visitor.status == 200, address
            if part.id == urls.CRITERIA_PART and "van-ban" not in address:
                continue
            await visitor.post(address, **{**form_fields(visitor.page, address), "_step": "save"})
            assert "Đã lưu" in visitor.page, address
            after = Edition.model_validate(yaml.safe_load(await file_of(visitor, key)))
            assert after == before, address
    await visitor.get(urls.criteria_url(key))
    for place in re.findall(rf'href="{urls.criteria_url(key)}/([0-9-]+)"', visitor.page):
        address = urls.criterion_url(key, place)
        await visitor.get(address)
        await visitor.post(address, **{**form_fields(visitor.page, address), "_step": "save"})
        assert "Đã lưu" in visitor.page, place
    assert Edition.model_validate(yaml.safe_load(await file_of(visitor, key))) == before


async def test_what_is_wrong_is_kept_told_at_its_place_and_not_put_in_force(site: Site) -> None:
    visitor = await secretary(site)
    stored = await site.app.texts.editions()
    key = await brought_in(visitor, FULL)
    part = urls.edition_part_url(key, "thoi-han")
    await visitor.get(part)
    fields = form_fields(visitor.page, part)
    folded = re.findall(r'<details class="row-folded"( open)?><summary>([^<]*)</summary>', visitor.page)
    assert folded == [
        ("", "Trình dự thảo: 15/02 · 1 điểm khác các hạn khác"),
        ("", "Tự chấm điểm: 10 ngày trước ngày cuối kỳ · 4 điểm khác các hạn khác"),
        ("", "Quyết định khen thưởng: 31/01 năm sau"),
    ]
    await visitor.post(part, **{**fields, "deadlines.0.due.day": "31", "deadlines.0.due.month": "2", "_step": "save"})
    assert 'id="f-deadlines-0-due-why"' in visitor.page
    assert visitor.page.count('<details class="row-folded" open>') == 1, "what is wrong is not hidden"
    fields = form_fields(visitor.page, part)
    await visitor.post(part, **{**fields, "deadlines.1.remind_days_before.0": "ba", "_step": "save"})
    assert 'id="f-deadlines-1-remind_days_before-0-why"' in visitor.page
    await visitor.get(urls.edition_url(key))
    assert "2 chỗ sai" in visitor.page
    assert "Áp dụng…" not in visitor.page
    await visitor.get(urls.edition_adoption_url(key))
    assert "Chưa áp dụng được" in visitor.page
    await visitor.post(urls.edition_adoption_url(key), _id=str(uuid4()), _all="yes", _step="send", _password=PASSWORD)
    assert visitor.status == 422
    await visitor.get(urls.edition_trial_url(key))
    assert "Chỉ chấm thử được" in visitor.page
    typed = {"year": "2140", "organiser_name": "Thành phố", "edition": key, "table": "cụm;đơn vị\nCụm 1;Phường A\n"}
    await visitor.get(urls.new_year_with(key))
    assert f'<option value="{key}" selected>' in visitor.page
    await visitor.post(urls.NEW_YEAR, **typed, _step="look")
    assert (visitor.status, "còn chỗ sai" in visitor.page) == (422, True)
    assert await site.app.texts.editions() == stored, "nothing of it was stored"


@pytest.mark.parametrize("typed", ["31/2/2026", "hết năm 2026", "99999-01-01", "T9"])
async def test_a_day_that_is_none_stays_in_its_field_with_what_is_wrong(site: Site, typed: str) -> None:
    visitor = await secretary(site)
    key = await brought_in(visitor, "id: ngay\ntitle: Ngày sai\nrounds: [1, [2], {id: [x]}]\nawards: 5\n")
    address = urls.edition_part_url(key, "van-ban")
    for step in ("check", "save"):
        await visitor.get(address)
        await visitor.post(address, **{**form_fields(visitor.page, address), "issued": typed, "_step": step})
        assert visitor.status == 200
        assert form_fields(visitor.page, address)["issued"] == typed
        assert 'id="f-issued-why"' in visitor.page
    for other in (urls.edition_url(key), urls.edition_text_url(key, "van-ban")):
        await visitor.get(other)
        assert visitor.status == 200, other
        assert typed in html.unescape(visitor.page)
    for other in (urls.edition_adoption_url(key), *(urls.edition_part_url(key, part.id) for part in PARTS)):
        await visitor.get(other)
        assert visitor.status == 200, other


async def test_a_year_is_started_with_own_rules_as_they_were_looked_at(site: Site) -> None:
    visitor = await secretary(site)
    key = await brought_in(visitor, FULL)
    typed = {"year": "2141", "organiser_name": "Thành phố", "edition": key, "table": "cụm;đơn vị\nCụm 1;Phường A\n"}
    await visitor.post(urls.NEW_YEAR, **typed, _step="look")
    assert visitor.status == 200
    seal = visitor.hidden_in(urls.NEW_YEAR_START)["_seal"]
    part = urls.edition_part_url(key, "khen-thuong")
    await visitor.get(part)
    await visitor.post(part, **{**form_fields(visitor.page, part), "awards.0.quota": "7", "_step": "save"})
    await visitor.post(urls.NEW_YEAR_START, _seal=seal)
    assert visitor.at == urls.NEW_YEAR, "the rules are others by now"


# Tables -----------------------------------------------------------------------------------------------------------


async def test_a_table_with_faults_takes_nothing_and_stays_in_the_form(site: Site) -> None:
    visitor = await secretary(site)
    key = await brought_in(visitor, FULL)
    before = await file_of(visitor, key)
    table = urls.criteria_table_url(key)
    await visitor.get(table)
    await visitor.post(table, **visitor.hidden_in(table), table="TT\tTiêu chí\tĐiểm\n1\tMột\tmười\n", _step="take")
    assert visitor.status == 422
    assert "Ô C2 (" in visitor.page
    assert "mười" in form_fields(visitor.page, table)["table"]
    await visitor.post(table, **visitor.hidden_in(table), table="a\tb\nc\t9,5\n", _step="take")
    assert "Cột nào là" in visitor.page or "tiêu chí" in visitor.page
    choices = {"column-0": "tiêu chí", "column-1": "điểm tối đa"}
    await visitor.post(table, **visitor.hidden_in(table), table="a\tb\nc\t9,5\n", **choices, _step="look")
    assert visitor.status == 200
    await visitor.post(table, **visitor.hidden_in(table), table="", _step="take")
    assert visitor.status == 422
    await upload(visitor, table, "cu.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, _step="take")
    assert visitor.status == 422
    assert await file_of(visitor, key) == before
    template = await visitor.http.get(urls.CRITERIA_TEMPLATE)
    await upload(visitor, table, "mau.xlsx", template.content, _step="look")
    assert "Nhập bảng này" in visitor.page
    own = await visitor.http.get(urls.criteria_file_url(key))
    await upload(visitor, table, "bang.xlsx", own.content, _step="look")
    assert visitor.status == 200


async def test_criteria_are_added_moved_and_taken_out(site: Site) -> None:
    visitor = await secretary(site)
    await visitor.post(urls.EDITIONS, _do="empty")
    key = key_of(visitor)
    new = urls.criterion_url(key, "moi")
    await visitor.get(new)
    await visitor.post(new, **{**form_fields(visitor.page, new), "title": "", "_step": "save"})
    assert (visitor.status, "cần có tên" in visitor.page) == (422, True)
    for title, points in (("Nhóm", "40"), ("Việc", "9,5")):
        await visitor.get(new)
        await visitor.post(new, **{**form_fields(visitor.page, new), "title": title, "max": points, "_step": "save"})
        assert visitor.at == urls.criteria_url(key)
    await visitor.get(urls.criterion_url(key, "moi", trong="0"))
    child = {**form_fields(visitor.page, new), "title": "Con", "max": "40", "way.way": "count"}
    await visitor.post(new, **{**child, "_step": "way"})
    assert 'name="way.each"' in visitor.page
    child = form_fields(visitor.page, new)
    assert (child["title"], child["_into"]) == ("Con", "0")
    await visitor.post(new, **{**child, "way.each": "2,5", "_step": "save"})
    down = urls.criterion_url(key, "0")
    await visitor.get(down)
    await visitor.post(down, **{**form_fields(visitor.page, down), "_step": "down"})
    found = yaml.safe_load(await file_of(visitor, key))["criteria"]
    assert [one["title"] for one in found] == ["Việc", "Nhóm"]
    assert found[0]["max"] == "9.5"
    assert found[1]["children"][0]["way"] == {"way": "count", "each": "2.5"}
    out = urls.criterion_url(key, "1")
    await visitor.get(out)
    await visitor.post(out, **{**form_fields(visitor.page, out), "_step": "out"})
    assert len(yaml.safe_load(await file_of(visitor, key))["criteria"]) == 1
    await visitor.get(urls.criterion_url(key, "7"))
    assert visitor.status == 404


# Several writers, and who may ----------------------------------------------------------------------------------------


async def test_two_writers_are_told_and_nothing_is_overwritten(site: Site) -> None:
    one = await secretary(site)
    two = await secretary(site, "thu-ky-hai")
    key = await brought_in(one, FULL)
    part, other = urls.edition_part_url(key, "khen-thuong"), urls.edition_part_url(key, "lich")
    for visitor in (one, two):
        await visitor.get(part)
    await one.post(part, **{**form_fields(one.page, part), "awards.0.quota": "3", "_step": "save"})
    mine = {**form_fields(two.page, part), "awards.0.quota": "5"}
    await two.get(other)
    await two.post(other, **{**form_fields(two.page, other), "_step": "save"})
    assert "Đã lưu" in two.page, "another part is in nobody's way"
    await two.post(part, **{**mine, "_step": "save"})
    assert two.status == 409
    assert "Nguyễn Thu Ky đã lưu phần này" in two.page
    assert yaml.safe_load(await file_of(one, key))["awards"][0]["quota"] == 3
    again = form_fields(two.page, part)
    assert again["awards.0.quota"] == "5"
    await two.post(part, **{**again, "_step": "save"})
    assert yaml.safe_load(await file_of(one, key))["awards"][0]["quota"] == 5
    # A criterion, the text, the table, and deleting.
    criterion, text, table = (
        urls.criterion_url(key, "0"),
        urls.edition_text_url(key, "tieu-chi"),
        urls.criteria_table_url(key),
    )
    forms = {}
    for address in (text, table, criterion, urls.edition_url(key)):
        await two.get(address)
        forms[address] = two.hidden() if address == urls.edition_url(key) else form_fields(two.page, address)
    await one.get(criterion)
    await one.post(criterion, **{**form_fields(one.page, criterion), "title": "Tên khác", "_step": "save"})
    stands = await file_of(one, key)
    for address, extra in (
        (criterion, {"title": "Của tôi", "_step": "save"}),
        (text, {"_step": "save"}),
        (table, {"table": "Tiêu chí\tĐiểm\nMột\t5\n", "_step": "take"}),
        (urls.edition_url(key), {"_do": "delete", "_sure": "yes"}),
    ):
        await two.post(address, **{**forms[address], **extra})
        assert two.status == 409, address
    assert await file_of(one, key) == stands


async def test_only_the_own_secretariat_sees_a_draft(site: Site) -> None:
    mine = await secretary(site)
    key = await brought_in(mine, FULL)
    await site.person("noi-khac", "mttq-noi-khac", "secretariat")
    other = await site.log_in("noi-khac")
    for address in (
        urls.edition_url(key),
        urls.edition_file_url(key),
        urls.criteria_url(key),
        urls.edition_trial_url(key),
    ):
        await other.get(address)
        assert other.status == 404, address
    await other.get(urls.EDITIONS)
    assert key not in other.page
    for of_program in ("specimen-2020", "quang-tri"):
        await mine.get(urls.edition_url(of_program))
        assert mine.status == 200
        await mine.get(urls.edition_part_url(of_program, "lich"))
        assert mine.status == 404
        await mine.get(urls.criteria_url(of_program))
        assert mine.status == 200
    await mine.post(urls.edition_url("quang-tri"), _do="copy")
    copy = key_of(mine)
    assert Edition.model_validate(yaml.safe_load(await file_of(mine, copy))).criteria
    await mine.post(urls.edition_url(copy), **{**mine.hidden_in(urls.edition_url(copy)), "_do": "delete"})
    assert mine.status == 422
    revision = re.search(r'name="_revision" value="(\d+)"', mine.page)
    assert revision is not None
    await mine.post(urls.edition_url(copy), _do="delete", _sure="yes", _revision=revision.group(1))
    assert mine.at == urls.EDITIONS
    await mine.get(urls.edition_url(copy))
    assert mine.status == 404


NO_RULES = (
    ("trong.yaml", b"  \n", "không phải là tệp quy định"),
    ("danh-sach.yaml", b"- a\n- b\n", "không phải là tệp quy định"),
    ("hong.yaml", b"id: x\n  title: y\n", "Dòng 2"),
    ("hai-lan.yaml", b"id: x\nid: y\n", "Dòng 2"),
    ("anh.yaml", b"\xff\xfe\x00", "UTF-8"),
    ("nam.yaml", b"year: 2027\nclusters: []\n", "không có mục nào của bản quy định"),
    ("tieu-chi.docx", docx_of(b"<a/>"), "là tệp loại Word"),
    ("tieu-chi.pdf", b"%PDF-1.7\n", "là tệp loại PDF"),
    ("tieu-chi.png", b"\x89PNG\r\n\x1a\n", "là tệp loại PNG"),
    ("tat-ca.zip", b"PK\x05\x06" + bytes(18), "Hãy giải nén"),
    ("cu.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ".xls của Excel cũ"),
    ("danh-sach.csv", "tên;tuổi\nan;5\n".encode(), "không phải là tệp quy định"),
)


async def test_an_edition_is_checked_once_for_each_revision(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = await secretary(site)
    checked, read = [], []

    def counted_reading(text: str, name: str) -> Any:
        read.append(name)
        return values_of(text, name)

    monkeypatch.setattr("application.edition_work.values_of", counted_reading)

    def counted(values: Any, names: Any) -> Any:
        checked.append(values.get("title"))
        return check_edition(values, names)

    monkeypatch.setattr("application.edition_work.check_edition", counted)
    key = await brought_in(visitor, "id: mot-lan\ntitle: Chỉ xét một lần\n")
    for address in (urls.EDITIONS, urls.EDITIONS, urls.edition_url(key), urls.edition_url(key)):
        await visitor.get(address)
        assert visitor.status == 200
    assert checked.count("Chỉ xét một lần") == 1
    assert read.count("Chỉ xét một lần") == 1


async def test_a_file_that_holds_no_rules_is_refused(site: Site) -> None:
    visitor = await secretary(site)
    key = await brought_in(visitor, FULL)
    await visitor.get(urls.EDITIONS)
    before = await site.services.edition_drafts.list(CITY)
    for name, body, told in NO_RULES:
        await upload(visitor, urls.EDITIONS, name, body, _do="file")
        assert visitor.status == 422, name
        assert told in html.unescape(visitor.page), name
    await upload(visitor, urls.EDITIONS, "quy-che.docx", docx_of(b"<a/>"), _do="file")
    assert f'href="{urls.criteria_table_url(key)}"' in visitor.page, "where the table of a Word file is pasted"
    await visitor.post(urls.EDITIONS, _do="file")
    assert visitor.status == 422
    assert await site.services.edition_drafts.list(CITY) == before
    table = urls.criteria_table_url(key)
    for name, body, told in (
        ("quy-dinh.yaml", FULL.encode(), "Đây là tệp YAML"),
        ("tieu-chi.docx", docx_of(b"<a/>"), "Đây là tệp loại Word"),
        ("anh.jpg", b"\xff\xd8\xff", "Đây là tệp loại JPEG"),
    ):
        await visitor.get(table)
        await upload(visitor, table, name, body, _step="look")
        assert (visitor.status, told in html.unescape(visitor.page)) == (422, True), name


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
async def test_a_table_in_the_place_of_rules_begins_rules_that_wait_for_it(site: Site, kind: str) -> None:
    visitor = await secretary(site)
    values = {"criteria": [{"id": "a", "title": "Một", "max": 60}, {"id": "b", "title": "Hai", "max": 40}]}
    lines = "Tiêu chí;Điểm tối đa\nMột;60\nHai;40\n".encode()
    body = criteria_workbook(values, {}) if kind == "xlsx" else lines
    await upload(visitor, urls.EDITIONS, f"Bảng_điểm {kind}.{kind}", body, _do="file")
    key = key_of(visitor)
    table = urls.criteria_table_url(key)
    for _again in range(2):  # loading the page again loses nothing
        assert (visitor.status, visitor.at, "Nhập bảng này" in visitor.page) == (200, table, True)
        assert f"“Bảng_điểm {kind}.{kind}” là bảng" in html.unescape(visitor.page)
        await visitor.get(table)
    await visitor.post(table, **{**form_fields(visitor.page, table), "_step": "take"})
    assert visitor.at == urls.criteria_url(key)
    found = yaml.safe_load(await file_of(visitor, key))
    assert (found["title"], [one["title"] for one in found["criteria"]]) == (f"Bảng điểm {kind}", ["Một", "Hai"])
    await visitor.get(table)
    assert "Nhập bảng này" not in visitor.page


async def test_drafts_of_an_organiser_are_bounded(site: Site) -> None:
    drafts = EditionDrafts(site.services.application.ledger.pool, 1, 100)
    await drafts.add("mot-noi", "A", "id: a\n", "thu-ky")
    for body, code in (("id: b\n", "editions_full"), ("x" * 101, "not_kept")):
        with pytest.raises(QuotaError) as refused:
            await drafts.add("mot-noi", "B", body, "thu-ky")
        assert refused.value.code == code
