"""Starting a year on its pages: what is looked at is what is opened, and columns are asked for."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from engine_help import CITY
from speech import RULES
from web_help import Site, Visitor, year_opened

from application.fields import parse_day
from application.last_year import last_year
from application.year_days import proposed_days
from cli import acting
from cli.outcome import Exit
from cli.session import Session
from domain.due_dates import usual_due
from domain.duties import Duty
from domain.obligations import obligations
from domain.times import ICT, day_ending, start_of
from web import urls

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
    job = await year_opened(site, visitor)
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


async def test_a_year_begun_late_proposes_days_and_no_task_is_overdue(site: Site) -> None:
    visitor = await secretary(site)
    table = "cụm\tđơn vị\nCụm 1\tPhường A\nCụm 1\tPhường B\nCụm 2\tPhường C\nCụm 2\tPhường D"
    today = datetime.now(ICT).date()
    year = today.year - 1
    await visitor.post(urls.NEW_YEAR, _step="look", year=str(year), table=table, **TYPED)
    assert "Hạn mới cho việc đã qua hạn" in visitor.page
    fields = re.findall(r'name="day-([\w-]+)" form="open" class="day" value="([\d/]*)"', visitor.page)
    days = {Duty(name): parse_day(text) for name, text in fields}
    assert len(days) > 5
    assert list(days.values()) == sorted(days.values())
    assert min(days.values()) > today
    assert "chưa có hạn" not in visitor.page
    seal = visitor.hidden_in(urls.NEW_YEAR_START)["_seal"]
    typed = {f"day-{name}": text for name, text in fields}
    await visitor.post(urls.NEW_YEAR_START, _seal=seal, **{**typed, "day-signature": "01/02/2003"})
    assert visitor.status == 422
    assert 'value="01/02/2003" aria-invalid="true"' in visitor.page
    assert "Ký giao ước: Ngày 01/02/2003 đã qua" in html.unescape(visitor.page)
    seal = visitor.hidden_in(urls.NEW_YEAR_START)["_seal"]
    await visitor.post(urls.NEW_YEAR_START, _seal=seal, **{**typed, "day-stance": ""})
    job = await year_opened(site, visitor)
    assert (job.stopped, job.failed) == ("", [])
    for cluster in ("cum-1", "cum-2"):
        state, rules = await site.app.state(f"{CITY}/{year}/{cluster}")
        owed = [one for one in obligations(state, rules) if one.done is None]
        assert not [one for one in owed if one.overdue(datetime.now(UTC))]
        due = {one.duty: one.due and day_ending(one.due) for one in owed}
        assert due == {duty: None if duty is Duty.STANCE else on for duty, on in days.items()} | {
            duty: on for duty, on in due.items() if duty not in days
        }
    reason = f"Năm thi đua bắt đầu ngày {today:%d/%m/%Y}, khi hạn theo quy chế đã qua."
    assert reason in await visitor.get(f"/cum/{CITY}/{year}/cum-1/so")


async def test_a_year_in_time_proposes_no_days(site: Site) -> None:
    visitor = await secretary(site)
    table = "cụm\tđơn vị\nCụm 1\tPhường A\nCụm 1\tPhường B"
    await visitor.post(urls.NEW_YEAR, _step="look", year="2150", table=table, **TYPED)
    assert visitor.status == 200
    assert "Hạn mới cho việc" not in visitor.page


@pytest.mark.parametrize("begins", [(2, 20), (5, 4), (7, 14), (11, 26)])
def test_proposed_days_are_working_days_before_the_next_day_of_the_rules(begins: tuple[int, int]) -> None:
    starts = start_of(date(2026, *begins))
    due = {duty: one for duty in Duty if (one := usual_due(duty, 2026, RULES)) is not None}
    lapsed = [duty for duty, one in due.items() if one <= starts]
    found = list(proposed_days(lapsed, 2026, RULES, starts).values())
    assert len(found) == len(lapsed) > 0
    assert found == sorted(found)
    coming = [day_ending(one) for one in due.values() if one > starts]
    assert all(date(2026, *begins) < one <= min(coming, default=date.max) for one in found)
    assert all(RULES.calendar.works(one) or one in coming for one in found)


@pytest.mark.parametrize("name", ["a3-old.xls", "a3-windows-1258.csv", "a2-blank-lines.csv"])
async def test_a_file_that_is_refused_loses_nothing(site: Site, name: str) -> None:
    visitor = await secretary(site)
    await upload(visitor, name, "2104")
    assert visitor.status == 422
    assert 'value="2104"' in visitor.page
    assert "Ủy ban MTTQ thành phố" in visitor.page


async def test_the_command_line_sets_the_proposed_days_when_told_to(
    real_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = real_site.app
    year = datetime.now(ICT).year - 1
    file = tmp_path / "year.yaml"
    file.write_text(
        f"""organiser: mttq-tinh
organiser_name: Ủy ban MTTQ tỉnh
year: {year}
plan: {{title: Kế hoạch, number: 1/KH, issued: {year}-01-20}}
edition: specimen-2020.yaml
people: [{{id: thu-ky, unit: mttq-tinh, name: Trần Thị Thư Ký}}]
clusters:
  - {{id: cum-1, name: Cụm 1, units: [{{id: p-a, name: Phường A}}, {{id: p-b, name: Phường B}}]}}
"""
    )

    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[Session]:
        yield app

    monkeypatch.setattr("cli.acting.session", opened)

    async def start(*, propose_days: bool) -> dict[str, str]:
        assert await acting.year_start(file, "thu-ky", propose_days=propose_days, as_json=True) == Exit.DONE
        lapsed = json.loads(capsys.readouterr().out)["lapsed"]
        assert {one["set"] for one in lapsed} == {propose_days}
        return {one["duty"]: one["proposed"] for one in lapsed}

    async def days() -> dict[str, str]:
        state, rules = await app.state(f"mttq-tinh/{year}/cum-1")
        owed = [one for one in obligations(state, rules) if one.done is None]
        return {one.duty.value: day_ending(one.due).isoformat() for one in owed if one.due is not None}

    proposed = await start(propose_days=False)
    assert len(proposed) > 5
    assert await days() == {}
    assert await start(propose_days=True) == proposed
    assert await days() == proposed
    assert await acting.year_start(file, "thu-ky", propose_days=True, as_json=False) == Exit.DONE
    assert "Đã qua ngày theo quy chế:" in capsys.readouterr().out
