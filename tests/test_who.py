"""Who somebody is here, in plain words: their unit, their parts in the clusters, what they may do, and their guide."""

from __future__ import annotations

from engine_help import CITY, submit
from test_task_flow import a_cycle, shown
from web_help import Site


async def test_a_newcomer_reads_who_they_are_and_what_they_may_do(site: Site) -> None:
    stream = await a_cycle(site, 2, 1)
    an = await site.log_in("an")
    page = await shown(an, "/toi/vai-tro", f'href="/cum/{stream}"')
    for told in ("Đơn vị 1", "Cán bộ đơn vị", "Làm việc của đơn vị mình", "Việc đơn vị còn phải làm"):
        assert told in page, told
    assert "đơn vị của bạn là thành viên" in page or "đơn vị của bạn là cụm trưởng" in page
    assert 'href="/tro-giup/can-bo"' in page
    head = {"role": "head", "holder": "don-vi-1", "manner": "appointed"}
    await submit(site.app, stream, CITY, "assign-role", head)
    await site.person("binh", "don-vi-2")
    page = await shown(an, "/toi/vai-tro", "đơn vị của bạn là cụm trưởng")
    assert "ghi những gì hội nghị đã quyết định" in page
    assert 'href="/tro-giup/bien-ban"' in page, "who keeps the minutes has a guide for them"
    binh = await site.log_in("binh")
    page = await shown(binh, "/toi/vai-tro", "cụm trưởng: Đơn vị 1")
    assert ("ghi những gì hội nghị" in page, 'href="/tro-giup/bien-ban">Hướng dẫn' in page) == (False, False)


async def test_the_secretary_and_the_auditor_are_told_what_is_theirs(site: Site) -> None:
    await site.person("thu-ky", CITY, kind="secretariat")
    secretary = await site.log_in("thu-ky")
    page = await secretary.get("/toi/vai-tro")
    assert ("Mở năm thi đua cho các cụm" in page, "Làm việc của đơn vị mình" in page) == (True, False)
    assert 'href="/tro-giup/thu-ky"' in await secretary.get("/viec"), "the first page leads to the own guide"
    await site.person("kiem-tra", CITY, kind="auditor")
    auditor = await site.log_in("kiem-tra")
    page = await auditor.get("/toi/vai-tro")
    assert ("Bạn không thay đổi gì" in page, "Mở năm thi đua" in page) == (True, False)
    assert 'aria-current="page">Người kiểm tra</a>' in await auditor.get("/tro-giup/kiem-tra")
