"""Two clusters of one name and the same members, under two organisers, are told apart wherever a cluster is named."""

from __future__ import annotations

import re
from datetime import date
from uuid import uuid4

from conftest import eventually
from engine_help import CITY, open_cycle, submit, unit_name, units
from icalendar import Calendar
from speech import RULES, Case
from web_help import Site

from cli.session import Session
from domain.notices import notices
from domain.streams import cycle_stream
from domain.times import start_of
from i18n.notices import Circumstances, message_of
from ledger.paging import PageRequest
from projections.board import title_of
from projections.board_lines import LineFilter

OTHER = "mttq-khac"
CLUSTER = "Cụm"
HERE, THERE = f"{CLUSTER} (Thành phố), 2026", f"{CLUSTER} (Tỉnh khác), 2026"


async def open_there(app: Session, members: list[str]) -> str:
    """Open the other organiser's cycle, of the same cluster's name and units."""
    stream = cycle_stream(OTHER, "2026", f"cum-{uuid4().hex[:8]}")
    digest = await app.texts.put_edition(RULES.model_dump_json())
    fields = {
        "organiser": OTHER,
        "organiser_name": "Tỉnh khác",
        "cluster_name": CLUSTER,
        "year": 2026,
        "edition": digest,
        "units": [{"id": unit, "name": unit_name(unit)} for unit in members],
        "clock": "stepped",
        "starts": start_of(date(2026, 1, 1)).isoformat(),
    }
    await submit(app, stream, OTHER, "open-cycle", fields)
    return stream


def shown(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", page.split("<main", 1)[1])


async def test_lists_tasks_feeds_and_search_tell_them_apart(site: Site, app: Session) -> None:
    members = units(2)
    here = await open_cycle(app, RULES, members=members)
    await site.person("an", members[0])
    await site.person("kiem-tra", "thanh-tra-tinh", "auditor")
    an, board = await site.log_in("an"), site.services.board

    async def lists(wanted: int) -> bool:
        return len(await board.lines(unit=members[0])) == wanted

    await eventually(lambda: lists(1))
    assert f"{CLUSTER}, 2026" in shown(await an.get("/cum"))
    assert "(Thành phố)" not in shown(an.page), "there is only one of this name"
    there = await open_there(app, members)
    await eventually(lambda: lists(2))
    assert await board.titles({here, there}) == {here: HERE, there: THERE}
    for path in ("/cum", "/viec", "/tim?q=don+vi+1"):
        for title in (HERE, THERE):
            assert title in shown(await an.get(path)), (path, title)
    await an.get(f"/cum/{there}/lam/comment")
    await an.post(f"/cum/{there}/lam/comment", _step="save", text="Tôi viết dở")
    assert THERE in shown(await an.get("/ban-nhap"))
    auditor = await site.log_in("kiem-tra")
    assert shown(await auditor.get("/bang")).count("(Tỉnh khác)") == 1
    assert "(Thành phố)" in shown(auditor.page)
    found = await board.board_page(LineFilter(), start_of(date(2026, 1, 1)), PageRequest())
    assert {title_of(line) for line in found.rows} == {f"{CLUSTER} (Thành phố)", f"{CLUSTER} (Tỉnh khác)"}
    await an.get("/toi")
    await an.post("/toi", _do="calendar")
    address = re.search(r"https?://[^<\s]*(/lich/[^<\s]+\.ics)", an.page)
    assert address is not None, shown(an.page)
    feed = (await an.http.get(address.group(1))).content
    summaries = [str(entry["SUMMARY"]) for entry in Calendar.from_ical(feed).walk("VEVENT")]
    assert summaries
    assert len(summaries) == len(set(summaries))
    assert sum("Tỉnh khác" in one for one in summaries) == sum("Thành phố" in one for one in summaries) > 0
    assert await board.has_namesake(CLUSTER, CITY)
    assert not await board.has_namesake("Cụm khác", CITY)


def test_the_subject_of_a_mail_tells_them_apart() -> None:
    case = Case()
    notice = notices(case.history[0], case.state)[0]
    plain, _body = message_of(notice, case.state, case.rules, rehearsed=False)
    named, body = message_of(notice, case.state, case.rules, rehearsed=False, told=Circumstances(namesake=True))
    lifecycle = case.state.lifecycle
    assert plain.startswith(f"{lifecycle.cluster_name}: ")
    assert named.startswith(f"{lifecycle.cluster_name} ({lifecycle.organiser_name}): ")
    assert f"{lifecycle.cluster_name}, {lifecycle.year}\n{lifecycle.organiser_name}" in body
