"""What the common jobs cost in pages, clicks and keys, counted in a real browser: none may cost more than it does."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser
from web_help import Site

from tools import jobs


async def test_no_job_costs_more_pages_clicks_or_keys_than_it_may(site: Site, browser: Browser, tmp_path: Path) -> None:
    office = await jobs.Preparation(site.app).office(tmp_path)
    await jobs.invite_newcomer(site.app, site.services.accounts, office)
    found = await jobs.measure(browser, site.address, office)
    print(f"\n{jobs.table(found)}")
    assert jobs.failures(found) == []


def test_one_click_too_many_is_noticed() -> None:
    found = {job.name: job.most for job in jobs.JOBS}
    assert jobs.failures(found) == []
    found["sign"] = jobs.Cost(2, 4, 18)
    assert jobs.failures(found) == ["sign: 2, 4, 18"]
    assert "2, 4, 18 (above)" in jobs.table(found)
