"""A new version of a draft: answers and signatures are of the version that they were given to."""

from __future__ import annotations

from typing import Any

from engine_help import CITY, open_cycle, submit, units
from speech import RULES
from test_paper_page import present
from test_task_flow import to_summary
from web_help import Site


async def say(site: Site, stream: str, whose: str, act: str, **fields: Any) -> None:
    await submit(site.app, stream, whose, act, fields)


async def test_a_new_version_has_no_answers_yet_and_its_summary_says_what_was_said_of_the_one_before(
    site: Site,
) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await site.person("an", "don-vi-1")
    await site.person("thu-ky", CITY, "secretariat")
    await present(site, stream)
    await say(site, stream, "don-vi-1", "take-stance", unit="don-vi-1", stance="agreed", on="covenant")
    await say(site, stream, "don-vi-2", "take-stance", unit="don-vi-2", stance="agreed")
    await say(site, stream, "don-vi-2", "sign", unit="don-vi-2")
    an, secretary = await site.log_in("an"), await site.log_in("thu-ky")
    assert "Ai đã trả lời bản 1 (2/3)" in await an.get(f"/cum/{stream}/du-thao/covenant")
    await say(
        site,
        stream,
        "don-vi-1",
        "comment",
        by={"unit": "don-vi-1"},
        text="Xin sửa.",
        on="covenant",
        asks_for_change=True,
    )
    page = await an.get(f"/cum/{stream}/du-thao/covenant")
    assert page.count("; sau đó đề nghị sửa ngày") == 2, "in the table and in the bar"

    way = f"/cum/{stream}/lam/present-draft?kind=covenant"
    fields = {"kind": "covenant", "document.title": "Giao ước", "document.text": "Điều 1 mới."}
    await to_summary(secretary, way, **fields)
    assert "2 đơn vị đã trả lời bản 1" in secretary.page
    assert "Đã ký bản 1: " in secretary.page
    await secretary.post(way, **secretary.hidden(), _step="send")

    page = await an.get(f"/cum/{stream}/du-thao/covenant")
    assert "Ai đã trả lời bản 2 (0/3)" in page
    table = page.partition('<table class="stack">')[2].partition("</table>")[0]
    assert table.count("chưa trả lời bản 2") == 2
    assert table.count("chưa trả lời<") == 1
    assert "về bản 1" in table
    assert "0/3 đơn vị đã trả lời bản 2" in await an.get(f"/cum/{stream}/du-thao")
    assert "1 đơn vị ký bản khác bản mới nhất (bản 2)" in await an.get(f"/cum/{stream}")
    await say(site, stream, "don-vi-3", "take-stance", unit="don-vi-3", stance="agreed", on="covenant")
    page = await an.get(f"/cum/{stream}/du-thao/covenant")
    assert "Ai đã trả lời bản 2 (1/3)" in page
    table = page.partition('<table class="stack">')[2].partition("</table>")[0]
    assert table.index("chưa trả lời bản 2") < table.index("✓ thống nhất"), "the missing stand first"


async def test_an_answer_to_a_comment_stands_with_the_paper_of_that_comment_only(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    for kind in ("plan", "bylaws"):
        await present(site, stream, kind=kind)
    await say(site, stream, "don-vi-2", "comment", by={"unit": "don-vi-2"}, text="Điều 2 trùng.", on="bylaws")
    await say(site, stream, "don-vi-1", "comment", by={"unit": "don-vi-1"}, text="Xin tiếp thu.", answers=1)
    an = await site.log_in("an")
    assert "Xin tiếp thu." in await an.get(f"/cum/{stream}/du-thao/bylaws")
    assert "Ý kiến (2)" in an.page
    assert "mọi văn bản" not in an.page
    assert "Xin tiếp thu." not in await an.get(f"/cum/{stream}/du-thao/plan")
