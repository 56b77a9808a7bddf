"""Every route with every role, of the right unit and of another, compared with the domain's table of reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from account_help import in_tables
from engine_help import CITY, open_cycle, submit, units
from fastapi.routing import APIRoute
from speech import RULES
from web_help import Site

from accounts.logins import today
from domain.access import MAY_READ, Matter, readers
from domain.administration import LastDaySet
from ledger.paging import PageRequest
from web.api import router as api_router
from web.auth import MATTERS
from web.pages import routers

PUBLIC = {
    "/dang-nhap",
    "/loi-moi/{secret}",
    "/mat-khau-moi/{secret}",
    "/quen-mat-khau",
    "/ngon-ngu/{language}",
    "/tro-giup",
    "/tro-giup/{name}",
    "/lich/{secret}.ics",
    "/dang-xuat",
    "/dien-tap",
    "/mau",
}
"""What nobody needs a login for; the secret in the address, or in the form, is what opens it."""

ROLES: dict[str, tuple[str, str, bool]] = {
    "thu-ky": (CITY, "secretariat", False),
    "quan-tri": (CITY, "secretariat", True),
    "thu-ky-noi-khac": ("mttq-noi-khac", "secretariat", False),
    "can-bo": ("don-vi-1", "staff", False),
    "can-bo-noi-khac": ("don-vi-la", "staff", False),
    "phu-trach": ("lanh-dao", "staff", False),
    "kiem-tra": ("thanh-tra", "auditor", False),
}
"""Account, unit, kind, administrator."""


OF_OWN_UNIT = ("/bien-nhan/{version}", "/sua/{version}")
"""Of a cycle that one may read, but only what one's own unit entered."""


def routes() -> Iterator[tuple[APIRoute, str]]:
    """Every route of pages and of the interface, with what goes before its path."""
    for router in routers():
        yield from ((route, "") for route in router.routes if isinstance(route, APIRoute))
    yield from ((route, "/api/v1") for route in api_router.routes if isinstance(route, APIRoute))


def guards(dependant: Any) -> Iterator[Any]:
    for one in dependant.dependencies:
        if one.call in MATTERS:
            yield MATTERS[one.call]
        yield from guards(one)


def test_every_route_names_what_it_shows() -> None:
    unguarded = {route.path for route, _before in routes() if not list(guards(route.dependant))}
    assert unguarded == PUBLIC
    assert {matter for route, _before in routes() for matter in guards(route.dependant)} >= set(MAY_READ) - {
        Matter.ALL_SCORES
    }


async def test_every_route_with_every_role(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    await submit(site.app, stream, CITY, "name-overseer", {"overseer": {"office": "Phó Chủ tịch"}})
    for person, (unit, kind, administrator) in ROLES.items():
        await site.person(person, unit, kind, administrator=administrator)  # type: ignore[arg-type]
    await submit(site.app, stream, CITY, "name-overseer", {"overseer": {"id": "phu-trach"}})
    await submit(site.app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    organiser, year, cluster = stream.split("/")
    state, _rules = await site.app.state(stream)
    values = {
        "organiser": organiser,
        "year": year,
        "cluster": cluster,
        "act": "comment",
        "version": "1",
        "meeting": "x",
        "unit": "don-vi-1",
        "kind": "covenant",
        "job": "x",
        "person": "can-bo",
        "number": "moi",
        "digest": "x",
        "name": "x",
        "extension": "csv",
        "round": "appraised",
        "criterion": "a1",
        "edition": "specimen-2020",
        "part": "lich",
        "place": "0",
    }
    differs = []
    seen = 0
    for person, (unit, kind, administrator) in ROLES.items():
        visitor = await site.log_in(person)
        assert visitor.at != "/dang-nhap", person
        secret = await site.services.accounts.new_token(person, "thử", "read", 1)
        own_page = await visitor.get("/toi")  # whose token every form of this login takes
        for route, before in routes():
            matters = list(guards(route.dependant))
            if not matters:
                continue
            of_cycle = "{cluster}" in route.path
            who = readers(
                person,
                unit,
                kind,
                administrator=administrator,
                stream=stream if of_cycle else None,
                state=state if of_cycle else None,
            )
            wanted = all(MAY_READ[matter] & who for matter in matters)
            for method in route.methods - {"HEAD"}:
                path = before + route.path.format(**values)
                if before:
                    answer = await visitor.http.request(
                        method,
                        path,
                        headers={"Authorization": f"Bearer {secret}"},
                        json={"act": "x"},
                        params={"q": "x"},
                    )
                    allowed = not (answer.status_code == 403 and answer.json()["code"] == "not_yours_to_read")
                elif method == "GET":
                    await visitor.get(path)
                    allowed = "Bạn không có quyền xem" not in visitor.page
                else:
                    visitor.page = own_page
                    await visitor.post(path, _step="edit", _do="nothing")
                    allowed = "Bạn không có quyền xem" not in visitor.page
                seen += 1
                if allowed != wanted and not (route.path.endswith(OF_OWN_UNIT) and wanted):
                    differs.append((person, method, path, "seen" if allowed else "closed"))
    assert differs == []
    assert seen > 300


async def test_nobody_reads_without_a_login(site: Site) -> None:
    visitor = await site.log_in("ai-do")
    for path in ("/viec", "/bang", "/nguoi-dung", "/kiem-tra", "/tim?q=a", "/cum/mttq-hanoi/2026/cum-1"):
        await visitor.get(path)
        assert visitor.at == "/dang-nhap", path
    answer = await visitor.http.get("/api/v1/board")
    assert (answer.status_code, answer.json()["code"]) == (401, "token_needed")


async def test_an_auditors_access_ends_by_date_and_reading_is_logged(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("kiem-tra", "thanh-tra", "auditor")
    visitor = await site.log_in("kiem-tra")
    await visitor.get(f"/cum/{stream}/so")
    assert visitor.status == 200
    await visitor.get(f"/cum/{stream}/lam/comment")
    assert visitor.status == 403
    readings = await site.services.read_log.page(PageRequest())
    assert f"/cum/{stream}/so" in {one.path for one in readings.rows}
    # A header of the sender's hides nothing.
    await visitor.http.get(f"/cum/{stream}/so", headers={"HX-Request": "true"})
    again = await site.services.read_log.page(PageRequest())
    assert [one.path for one in again.rows].count(f"/cum/{stream}/so") == 2
    await in_tables(
        site.services.application.ledger.pool, LastDaySet(person="kiem-tra", until=today() - timedelta(days=1))
    )
    await visitor.get("/viec")
    assert visitor.at == "/dang-nhap"


async def test_points_of_others_are_closed_until_publication(site: Site) -> None:
    stream = await open_cycle(site.app, RULES, members=units(3))
    sheet = [{"criterion": leaf.id, "points": "7"} for leaf in RULES.leaves().values()]
    for unit in units(3):
        await submit(site.app, stream, unit, "score-self", {"unit": unit, "sheet": sheet})
        await submit(site.app, stream, CITY, "appraise", {"unit": unit, "sheet": sheet})
    await site.person("mot", "don-vi-1")
    one = await site.log_in("mot")
    secret = await site.services.accounts.new_token("mot", "thử", "read", 1)
    head = {"Authorization": f"Bearer {secret}"}

    async def rounds() -> set[str]:
        answer = await one.http.get(f"/api/v1/cycles/{stream}", headers=head)
        return set(answer.json()["state"]["scores"])

    # Its own claim, and the claim of the unit that it cross-checks; nothing of the third, nothing appraised.
    assert await rounds() == {"don-vi-1|self", "don-vi-2|self"}
    await one.get(f"/cum/{stream}/bang-diem/don-vi-3")
    assert "Chưa có nội dung nào bạn được xem" in one.page
    await submit(site.app, stream, CITY, "decide-awards", {"decision": {"number": "1/QĐ"}, "grants": []})
    await submit(site.app, stream, CITY, "publish", {})
    assert len(await rounds()) == 6
