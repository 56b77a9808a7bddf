"""Pages without a browser: logging in, acting, receipts, what happens when something is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from engine_help import CITY, open_cycle, say, units, whole
from speech import RULES
from web_help import Site, a_site

from cli.session import Session


@pytest.fixture
async def site(office: Session, tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(office, tmp_path / "outbox") as found:
        yield found


async def test_a_unit_signs_on_a_page(site: Site) -> None:
    stream = await open_cycle(site.office, RULES, members=units(3))
    await say(site.office, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await site.person("an", "don-vi-1", name="Nguyễn Thị An")
    an = await site.log_in("an")
    assert an.at == "/viec"
    assert "Cụm, 2026" in an.page
    way = f"/cum/{stream}/lam/sign"
    await an.get(f"{way}?unit=don-vi-1")
    await an.post(way, **an.hidden(), _step="look")
    assert "ký giao ước" in an.page.lower()
    await an.post(way, **an.hidden(), _step="send", _password="wrong")
    assert an.status == 422
    await an.post(way, **an.hidden(), _step="send", _password="mot cau dai de nho")
    assert an.at.startswith(f"/cum/{stream}/bien-nhan/")
    assert "Nguyễn Thị An" in an.page
    await whole(site.office)
