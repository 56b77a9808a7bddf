"""What is withdrawn is named wherever the withdrawal is told, and its form is offered again, filled in."""

from __future__ import annotations

import html
import re
from datetime import date
from uuid import UUID

from engine_help import CITY, open_cycle, submit, unit_name, units
from speech import RULES
from web_help import Site

from domain.records import Event, EventEnvelope, Meta
from domain.steps.commenting import StanceTaken, StanceWithdrawn
from domain.steps.corrections import ActCorrected
from domain.times import When
from domain.types import Provenance
from domain.withdrawals import withdrawals
from web import urls

FIRST, SECOND = units(2)
REPORT = {"title": "Báo cáo sơ kết sáu tháng", "number": "12/BC-MTTQ"}
CLAIMED = [{"criterion": name, "points": points} for name, points in (("a1", "30"), ("a2", "15"), ("b", "35"))]


def versions(page: str) -> list[str]:
    return re.findall(r"\(mục số (\d+) trong sổ\)", page)


async def test_a_withdrawn_report_is_named_and_can_be_handed_in_again(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", FIRST)
    await site.person("binh", SECOND)
    await site.person("lan", CITY, "secretariat")
    for document in ({"title": "Bản cũ"}, REPORT):
        await submit(site.app, stream, FIRST, "report-midyear", {"unit": FIRST, "report": document})
    version = str((await site.app.history(stream))[-1][0].version)
    an = await site.log_in("an")
    form = urls.act_url(stream, "withdraw-report", unit=FIRST)
    await an.get(form)
    await an.post(form, **{**an.hidden_in(form), "unit": FIRST, "_step": "look"})
    summary = html.unescape(an.page)
    assert (REPORT["number"] in summary, versions(summary)) == (True, [version]), "what would be recorded"
    await an.post(an.at, **{**an.hidden(), "_step": "send"})
    receipt = html.unescape(an.page)
    assert "/bien-nhan/" in an.at, receipt
    assert (REPORT["number"] in receipt, version in versions(receipt)) == (True, True)
    again = re.search(r'href="([^"]*report-midyear[^"]*_lai=\d+)"', receipt)
    assert again is not None
    page = html.unescape(await an.get(again[1]))
    for value in REPORT.values():
        assert f'value="{value}"' in page
    assert 'value="Bản cũ"' not in page
    lan = await site.log_in("lan")
    assert version in versions(html.unescape(await lan.get(urls.timeline_url(stream))))
    binh = await site.log_in("binh")
    await binh.get(again[1])
    assert (binh.status, REPORT["number"] in binh.page) == (403, False), "it is another unit's"
    await an.get(urls.act_url(stream, "report-midyear", _lai=1))
    assert an.status == 403


async def test_a_withdrawn_sheet_is_filled_in_again_and_told_to_its_readers_only(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", FIRST)
    evidence = [{**CLAIMED[0], "evidence": ["34/BC-MTTQ"]}, *CLAIMED[1:]]
    await submit(site.app, stream, FIRST, "score-self", {"unit": FIRST, "sheet": evidence})
    version = (await site.app.history(stream))[-1][0].version
    an, path = await site.log_in("an"), urls.grid_url(stream, "self")
    await an.get(path)
    assert "Điền lại phiếu đã rút" not in an.page
    await submit(site.app, stream, FIRST, "withdraw-score", {"unit": FIRST})
    page = await an.get(path)
    assert f"Điền lại phiếu đã rút (mục số {version} trong sổ)" in page
    assert f'name="{FIRST}.a1.points" value=""' in page
    await an.post(path, **{**an.hidden_in(path), "_take": "all"})
    assert f'name="{FIRST}.a1.points" value="30"' in an.page
    assert "34/BC-MTTQ" in an.page
    assert unit_name(FIRST) in an.page


def test_what_is_withdrawn_is_the_act_that_stood() -> None:
    def at(version: int, event: Event) -> EventEnvelope[Event]:
        when = When.on(date(2026, 2, 1))
        return EventEnvelope(event, Meta(version, "an", FIRST, when, Provenance(kind="stated"), UUID(int=version)))

    agreed = StanceTaken(unit=FIRST, stance="agreed")
    plan = StanceTaken(unit=FIRST, stance="changes-requested", on="plan")
    wrong = ActCorrected(versions=(3,), reason="0" * 64)
    withdrawn = StanceWithdrawn(unit=FIRST, on=None)
    history = [at(1, agreed), at(2, plan), at(3, agreed), at(4, wrong), at(5, withdrawn), at(6, withdrawn)]
    assert [(one.by.meta.version, one.what.meta.version) for one in withdrawals(history)] == [(5, 1)]
