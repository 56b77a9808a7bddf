"""Starting a year on its pages: what is looked at is what is opened, and columns are asked for."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from conftest import eventually
from engine_help import CITY
from web_help import Site, Visitor

from application.last_year import last_year
from web import urls
from web.pages.year import YearOpening

FILES = Path(__file__).parent / "data" / "tables"
TYPED = {"organiser_name": "Ủy ban MTTQ thành phố", "edition": "specimen-2020.yaml"}


async def secretary(site: Site) -> Visitor:
    await site.person("thu-ky", CITY, "secretariat")
    visitor = await site.log_in("thu-ky")
    await visitor.get(urls.NEW_YEAR)
    return visitor


async def upload(visitor: Visitor, name: str, year: str) -> str:
    fields = {"_form": visitor.hidden()["_form"], "_step": "look", "year": year, **TYPED}
    files = {"file": (name, (FILES / name).read_bytes())}
    return visitor._keep(await visitor.http.post(urls.NEW_YEAR, data=fields, files=files))


async def opened(site: Site, visitor: Visitor) -> None:
    """Press the last button of the preview, and wait until the cycles are open."""
    await visitor.post(urls.NEW_YEAR_START, **visitor.hidden())
    job = site.services.jobs.get(visitor.at.rsplit("/", 1)[-1], YearOpening)

    async def over() -> bool:
        return job.done

    await eventually(over)
    assert (job.stopped, job.failed) == ("", [])


def names(page: str) -> list[str]:
    return [html.unescape(name) for name in re.findall(r"<h2>([^<]+)</h2><p>Lãnh đạo phụ trách", page)]


async def test_what_is_opened_is_what_was_previewed(site: Site) -> None:
    visitor = await secretary(site)
    await upload(visitor, "a5-quotes.xlsx", "2101")
    looked_at = ['"Đoàn kết" cụm 1', '"Hoa Sen', "Cụm 2", "Cụm '3'"]
    assert names(visitor.page) == looked_at
    await visitor.get(urls.NEW_YEAR_LOOK)
    assert names(visitor.page) == looked_at
    await visitor.get(urls.NEW_YEAR)
    typed = html.unescape(re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", visitor.page, re.DOTALL)[0])
    await visitor.post(urls.NEW_YEAR, _step="look", year="2101", table=typed.replace("\n", "\r\n"), **TYPED)
    assert names(visitor.page) == looked_at
    await opened(site, visitor)
    found = await last_year(site.app, CITY)
    assert found is not None
    assert (found.year, list(dict.fromkeys(row[0] for row in found.rows[1:]))) == (2101, looked_at)


async def test_the_last_year_is_a_start(site: Site) -> None:
    visitor = await secretary(site)
    assert "Dùng lại các cụm" not in visitor.page
    await upload(visitor, "a6-long-names.csv", "2105")
    before = names(visitor.page)
    await opened(site, visitor)
    await visitor.get(urls.NEW_YEAR)
    assert f'value="{TYPED["organiser_name"]}"' in visitor.page
    assert 'value="2106"' in visitor.page
    assert "Dùng lại các cụm của năm 2105" in visitor.page
    await visitor.post(urls.NEW_YEAR, _step="last", year="2106", table="", **TYPED)
    assert names(visitor.page) == before
    await opened(site, visitor)
    first, second = [(await last_year(site.app, CITY, before=year)) for year in (2106, None)]
    assert first is not None
    assert second is not None
    assert (first.rows, first.year, second.year) == (second.rows, 2105, 2106)


async def test_columns_that_are_not_recognised_are_asked_for(site: Site) -> None:
    visitor = await secretary(site)
    table = "Nhóm thi đua\tTên phường\tCụm trưởng\nCụm 1\tPhường A\tx\nCụm 1\tPhường B\ty"
    await visitor.post(urls.NEW_YEAR, _step="look", year="2102", table=table, **TYPED)
    assert visitor.status == 422
    assert "Chưa rõ cột nào là: cụm." in visitor.page
    assert 'name="column-0"' in visitor.page
    choices = {"column-0": "cụm", "column-2": ""}
    await visitor.post(urls.NEW_YEAR, _step="look", year="2102", table=table, **TYPED, **choices)
    assert names(visitor.page) == ["Cụm 1"]
    assert "Cột “Cụm trưởng” không được đọc" in html.unescape(visitor.page)
    seal = re.findall(r'name="_seal" value="(\w+)"', visitor.page)[0]
    again = {"column-0": "cụm", "column-1": "đơn vị", "column-2": "người liên hệ", "_seal": seal, "_step": "columns"}
    await visitor.post(urls.NEW_YEAR, **again, remarks="{", table="")
    assert (visitor.status, "2 người" in visitor.page) == (200, True)
    await visitor.post(urls.NEW_YEAR, **again)
    assert visitor.at == urls.NEW_YEAR, "the seal is that of an earlier preview"
    assert 'name="column-0"' not in visitor.page


async def test_remarks_on_a_file_stand_on_each_page_of_its_preview(site: Site) -> None:
    visitor = await secretary(site)
    await upload(visitor, "a4-two-mails.csv", "2103")
    assert "Có nhiều địa chỉ thư: sổ lấy b@example.vn, không lấy c@example.vn." in visitor.page
    await visitor.get(urls.NEW_YEAR_LOOK)
    assert "Có nhiều địa chỉ thư" in visitor.page


@pytest.mark.parametrize("name", ["a3-old.xls", "a3-windows-1258.csv", "a2-blank-lines.csv"])
async def test_a_file_that_is_refused_loses_nothing(site: Site, name: str) -> None:
    visitor = await secretary(site)
    await upload(visitor, name, "2104")
    assert visitor.status == 422
    assert 'value="2104"' in visitor.page
    assert "Ủy ban MTTQ thành phố" in visitor.page
