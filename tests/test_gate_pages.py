"""Ways past the gate that were once open, tried through pages and the interface by accounts that have no right."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from conftest import eventually
from engine_help import CITY, YEAR, enter_staff, event_names, open_cycle, submit, unit_name, units
from speech import RULES
from web_help import Site, Visitor

from accounts.logins import today
from accounts.stand_ins import StandIn
from application.minutes_cells import scope_of
from domain.streams import cycle_stream
from domain.times import start_of

OTHER = "mttq-khac"
"""An organiser whose unit is a member, and the head, of a cluster of the city."""


async def own_cycle(site: Site, organiser: str) -> str:
    """A cycle of another organiser."""
    stream = cycle_stream(organiser, str(YEAR), f"cum-{uuid4().hex[:8]}")
    fields = {
        "organiser": organiser,
        "organiser_name": "Nơi khác",
        "cluster_name": "Cụm",
        "year": YEAR,
        "edition": await site.app.texts.put_edition(RULES.model_dump_json()),
        "units": [{"id": unit, "name": unit_name(unit)} for unit in units(2)],
        "clock": "stepped",
        "starts": start_of(date(YEAR, 1, 1)).isoformat(),
    }
    await submit(site.app, stream, organiser, "open-cycle", fields)
    return stream


async def test_staff_of_an_organiser_do_not_act_as_its_secretariat_in_the_second_cycle_of_minutes(site: Site) -> None:
    first = await open_cycle(site.app, RULES, members=[OTHER, *units(2)])
    await submit(site.app, first, CITY, "assign-role", {"role": "head", "holder": OTHER, "manner": "elected"})
    second = await own_cycle(site, OTHER)
    before = await event_names(site.app, second)
    await site.person("can-bo-khac", OTHER)
    await site.person("thu-ky-khac", OTHER, "secretariat")
    staff, secretary = await site.log_in("can-bo-khac"), await site.log_in("thu-ky-khac")
    for visitor, entered in ((staff, False), (secretary, True)):
        await minutes_for_both(visitor, first, second)
        assert (await event_names(site.app, second) != before) is entered, visitor.page[-2000:]


async def minutes_for_both(visitor: Visitor, first: str, second: str) -> None:
    """Keep minutes of the first cycle with an act of the second, and enter them."""
    meeting = f"hop-{uuid4().hex[:6]}"
    begin, page = f"/cum/{first}/hoi-nghi", f"/cum/{first}/hoi-nghi/{meeting}"
    await visitor.get(begin)
    await visitor.post(begin, id=meeting, kind="other", _on="01/01/2026", _other=second)
    await visitor.get(page)
    await visitor.post(page, _add=f"{scope_of(second)}acts.assign-role")
    typed = {"role": "deputy", "holder": "don-vi-1", "manner": "elected"}
    for cell in re.findall(r'data-cell="(n\w+\.acts[^"]+)"', visitor.page):
        await visitor.post(
            page, _cell=f"{cell} x", _revision="999999999", **{f"{cell}.{name}": value for name, value in typed.items()}
        )
    await visitor.get(f"{page}?phan=kiem-tra")
    await visitor.post(page, **visitor.hidden(), _step="enter")


async def test_accounts_of_other_kinds_give_no_more_time_by_the_board(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    before = await event_names(site.app, stream)
    wanted: dict[str, Any] = {
        "cycle": stream,
        "_do": "extend",
        "duty": "draft",
        "until": "01/03/2026",
        "reason": "Bão.",
    }
    for person, kind in (("kiem-tra", "auditor"), ("can-bo-quan-tri", "staff")):
        await site.person(person, CITY, kind, administrator=True)  # type: ignore[arg-type]
        visitor = await site.log_in(person)
        await visitor.get("/toi")
        await visitor.post("/bang", **wanted)
        assert await event_names(site.app, stream) == before, person
        await visitor.get("/toi")
        await visitor.post("/bang/don-doc", _task=f"{stream}|draft|don-vi-1", _do="telephoned")
        assert await event_names(site.app, stream) == before, person
        await visitor.get("/toi")
        await visitor.post("/viec", _line=f"{stream}||don-vi-1", _do="grant", _duty="draft", _until="2027-03-01")
        assert (visitor.status, await event_names(site.app, stream)) == (403, before), person
    await site.person("thu-ky", CITY, "secretariat")
    secretary = await site.log_in("thu-ky")
    await secretary.get("/toi")
    await secretary.post("/bang", **wanted)
    assert await event_names(site.app, stream) == [*before, "ExtensionGranted"]


async def test_an_auditor_who_is_an_administrator_makes_and_changes_no_account(site: Site) -> None:
    await open_cycle(site.app, RULES, members=units(2))
    await site.person("kiem-tra", "thanh-tra", "auditor", administrator=True)
    await site.person("mot", "don-vi-1")
    auditor = await site.log_in("kiem-tra")
    await auditor.get("/nguoi-dung")
    await auditor.post("/nguoi-dung", id="moi", name="Người Mới", unit="don-vi-1", kind="staff")
    assert await site.services.accounts.get("moi") is None
    await auditor.get("/nguoi-dung")
    await auditor.post("/nguoi-dung/mot", _do="close")
    account = await site.services.accounts.get("mot")
    assert account is not None
    assert not account.disabled


async def test_a_token_that_may_not_sign_takes_no_signature_out(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await submit(site.app, stream, "don-vi-1", "sign", {"unit": "don-vi-1"})
    (row, _event) = (await site.app.history(stream))[-1]
    await site.person("mot", "don-vi-1")
    http = (await site.log_in("ai-do")).http
    body = {"act": "correct", "fields": {"version": row.version, "reason": "Ký nhầm."}}
    for scope, status in (("read", 403), ("act", 403), ("sign", 201)):
        secret = await site.services.accounts.new_token("mot", "thử", scope, 1)  # type: ignore[arg-type]
        head = {"Authorization": f"Bearer {secret}"}
        answer = await http.post(f"/api/v1/cycles/{stream}/acts", headers=head, json=body)
        assert answer.status_code == status, (scope, answer.text)
        if status == 403:
            assert answer.json()["code"] == "token_too_weak"


async def test_a_rival_takes_a_score_back_with_the_meeting_that_decided_it(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await submit(site.app, stream, CITY, "assign-role", {"role": "head", "holder": "don-vi-1", "manner": "elected"})
    sheet = [{"criterion": leaf.id, "points": "7"} for leaf in RULES.leaves().values()]
    await submit(site.app, stream, "don-vi-2", "score-self", {"unit": "don-vi-2", "sheet": sheet})
    await site.person("truong", "don-vi-1")
    await site.person("hai", "don-vi-2")
    head, way = await site.log_in("truong"), f"/cum/{stream}/lam/withdraw-score"
    await head.get(way)
    assert ("Hội nghị đã quyết định" in head.page, "chưa ghi hội nghị nào" in head.page) == (True, True)
    await head.post(way, **{**head.hidden(), "unit": "don-vi-2"}, _step="look")
    assert (head.status, "Đây là việc của chính" in head.page) == (422, True)
    meeting = {"id": "hop", "kind": "thematic", "name": "Họp cụm"}
    await submit(site.app, stream, "don-vi-1", "record-meeting", meeting)
    await head.get(way)
    assert '<option value="hop">Họp cụm' in head.page
    await head.post(way, **{**head.hidden(), "unit": "don-vi-2", "_meeting": "hop"}, _step="look")
    assert "Theo quyết định của hội nghị, bảng tự chấm điểm" in head.page
    await head.post(way, **head.hidden(), _step="send")
    assert "Đã ghi vào sổ" in head.page
    (row, _event) = (await site.app.history(stream))[-1]
    assert (row.type, row.unit, row.meeting) == ("SelfScoreWithdrawn", "don-vi-1", "hop")
    member = await site.log_in("hai")
    await member.get("/viec")
    assert "tự chấm điểm" in member.page.lower()
    await member.get(f"/cum/{stream}/lam/withdraw-score")
    assert "Hội nghị đã quyết định" not in member.page, "a unit takes its own back without a meeting"


async def test_who_stands_in_for_a_secretary_is_of_the_secretariat(site: Site) -> None:
    """The pages name only stand-ins of the same kind; here the row is there all the same."""
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("can-bo", CITY)
    await site.person("thu-ky-hai", CITY, "secretariat")
    for person, status in (("can-bo", 403), ("thu-ky-hai", 200)):
        stand_in = StandIn(person, "thu-ky", today(), today() + timedelta(days=1), "thu-ky")
        await site.services.stand_ins.name(stand_in)
        visitor = await site.log_in(person)
        await visitor.get("/toi")
        await visitor.post("/toi", _do="act-for", person="thu-ky")
        way = f"/cum/{stream}/lam/receive-year-plan"
        await visitor.get(way)
        await visitor.post(way, **{**visitor.hidden(), "year_plan.title": "Kế hoạch năm"}, _step="send")
        assert visitor.status == status, person
    (row, _event) = (await site.app.history(stream))[-1]
    assert (row.actor, row.unit, row.stand_in_for) == ("thu-ky-hai", CITY, "thu-ky")


async def test_a_year_that_a_stand_in_starts_names_whom_they_stand_in_for(site: Site) -> None:
    await site.person("thu-ky", CITY, "secretariat")
    await site.person("thu-ky-hai", CITY, "secretariat")
    await enter_staff(site.app, CITY)
    stand_in = StandIn("thu-ky-hai", "thu-ky", today(), today() + timedelta(days=1), "thu-ky")
    await site.services.stand_ins.name(stand_in)
    visitor = await site.log_in("thu-ky-hai")
    await visitor.get("/toi")
    await visitor.post("/toi", _do="act-for", person="thu-ky")
    await visitor.get("/bat-dau-nam")
    table = "cụm\tđơn vị\nCụm 1\tĐơn vị Một\nCụm 1\tĐơn vị Hai"
    year = "2031"
    await visitor.post(
        "/bat-dau-nam", year=year, organiser_name="Thành phố", edition="specimen-2020.yaml", table=table, _step="look"
    )
    await visitor.post("/bat-dau-nam/mo", **visitor.hidden())

    async def started() -> bool:
        return len(await site.app.ledger.load(f"{CITY}/{year}")) == 3

    await eventually(started)
    rows = await site.app.ledger.load(f"{CITY}/{year}")
    assert [(row.actor, row.stand_in_for) for row in rows] == [("thu-ky-hai", "thu-ky")] * 3
