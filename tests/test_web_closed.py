"""What is closed before publication, on every route with every role: found by whom the event's record allows, only.

The routes come from the application's own table; a new route without an address to visit fails.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, cached_property
from http import HTTPStatus
from itertools import islice
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from account_help import make_account
from closed_cycle import (
    CHECKED,
    CHECKER,
    DEPUTY,
    FORMER,
    HEAD,
    MEETING,
    SUBJECT,
    ClosedCycle,
    leaves,
    marked_cycle,
    marks_in,
)
from conftest import eventually
from engine_help import CITY, submit, units
from shown_texts import of_workbook
from soak import SOAK
from test_web_rights import guards, routes
from web_help import Site

from accounts import Kind
from accounts.logins import today
from accounts.stand_ins import StandIn
from application.application import CommandInput
from application.command_preview import preview
from application.spreadsheets import WORKBOOK
from application.visits import VisitedCycle, open_cycle
from domain.access import Reader, is_open_to_members, readable_versions
from domain.codec import plain
from domain.cycle import CYCLE
from domain.notice_kinds import OVERSEER
from domain.notices import notices
from domain.records import Event
from domain.rules import Edition
from i18n.notices import Circumstances, message_of
from web import urls
from web.app import build
from web.auth import form_token, visitor_of
from web.cookies import FORMS, LOGIN

STRANGER, OFFICE = "don-vi-la", "lanh-dao"

PEOPLE: Mapping[str, tuple[str, Kind, bool]] = {
    "thu-ky": (CITY, "secretariat", False),
    "thu-ky-quan-tri": (CITY, "secretariat", True),
    "nhan-vien-thanh-pho": (CITY, "staff", False),
    "thu-ky-noi-khac": ("mttq-noi-khac", "secretariat", False),
    "can-bo-1": (CHECKER, "staff", False),
    "can-bo-2": (SUBJECT, "staff", False),
    "dong-nghiep-2": (SUBJECT, "staff", False),
    "can-bo-3": (CHECKED, "staff", False),
    "thu-ky-3": (CHECKED, "secretariat", False),
    "can-bo-4": (HEAD, "staff", False),
    "can-bo-5": (DEPUTY, "staff", False),
    "can-bo-cu": (FORMER, "staff", False),
    "nguoi-ngoai": (STRANGER, "staff", False),
    "quan-tri": (STRANGER, "staff", True),
    "phu-trach": (OFFICE, "staff", False),
    "thay-phu-trach": (OFFICE, "staff", False),
    "thay-2": (SUBJECT, "staff", False),
    "kiem-tra": ("thanh-tra", "auditor", False),
}
"""Account, unit, kind, administrator."""
STANDS_IN = {"thay-phu-trach": "phu-trach", "thay-2": "can-bo-2"}

TOGETHER = (("thu-ky", "thu-ky-quan-tri"), ("can-bo-2", "dong-nghiep-2", "thay-2"), ("can-bo-3", "thu-ky-3"))
"""People who read the same, as they are of one unit. They share the routes, but each visits some of each matter;
of a route with many addresses each visits a part, and all of them together visit every one."""

MANY, SHARES = 4, 3
"""Of a route with more addresses than `MANY`, others visit one in three, and the next person another one."""

WHOLE = ("/tep/{digest}/{name}",)
"""What stands at each address of these routes stands nowhere else, so everybody visits all of them."""

ENDS_THE_LOGIN = {"/dang-xuat", "/dang-nhap"}
"""Forms that are not sent here: they end the visitor's login."""


@dataclass(slots=True)
class Visit:
    """Somebody who reads everything that they can reach; `found` are the marks, with the first address of each."""

    person: str
    http: httpx.AsyncClient
    token: str = ""
    form: str = ""
    found: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    broken: list[str] = field(default_factory=list)

    async def read(self, cycle: ClosedCycle, method: str, path: str, **sent: Any) -> httpx.Response:
        """Ask for an address, and note the marks in the answer."""
        answer = await self.http.request(method, path, **sent)
        self.requests += 1
        text = f"{answer.headers}\n{_read(answer)}"
        for mark in cycle.found_in(text) - marks_in(json.dumps([path, sent], default=str)):
            self.found.setdefault(mark, f"{method} {path}")
        if answer.status_code >= 500:
            self.broken.append(f"{method} {path}")
        return answer


def _read(answer: httpx.Response) -> str:
    """What stands in an answer; a workbook is a compressed file, in which no mark would be found."""
    if answer.headers.get("content-type") == WORKBOOK and answer.status_code == HTTPStatus.OK:
        return "\n".join(of_workbook(answer.content))
    return answer.content.decode(errors="replace")


@dataclass
class Addresses:
    """The addresses to visit of each route."""

    cycle: ClosedCycle

    def of(self, path: str) -> Iterator[str]:
        """The addresses of a route; a KeyError says that a new one has none here."""
        organiser, year, cluster = self.cycle.stream.split("/")
        stream = {"organiser": organiser, "year": year, "cluster": cluster}
        for parts in self._parts(path):
            values = {**stream, **parts}
            query = values.pop("?", "")
            names = set(re.findall(r"{(\w+)}", path))
            assert names <= set(values), f"{path} is a new route: say which addresses of it are visited"
            yield path.format(**{name: values[name] for name in names}) + (f"?{query}" if query else "")

    def _parts(self, path: str) -> list[dict[str, str]]:
        """The values of a route's parameters; "?" is the query."""
        ending = next((ending for ending in self.parts if path.endswith(ending)), None)
        return [{}] if ending is None else self.parts[ending]

    @cached_property
    def parts(self) -> dict[str, list[dict[str, str]]]:
        """By the end of a route's path, the values to visit it with."""
        closed, last = list(self.cycle.marks), len(self.cycle.history)
        moments = [f"sau={version}" for version in (self.cycle.named("AwardsDecided")[0], last - 1)]
        spans = [{"extension": "json", "?": query} for query in (*moments, f"tu=1&den={last}")]
        spans += [{"extension": extension, "?": ""} for extension in ("csv", "xlsx")]
        # Of each kind of event the first and the last: the first is the one that was corrected or taken back.
        kinds = {self.cycle.envelopes[version - 1].event.NAME for version in closed}
        named = {version for kind in kinds for version in (self.cycle.named(kind)[0], self.cycle.named(kind)[-1])}
        versions = [{"version": str(version)} for version in sorted(named)]
        # The page repeats what was typed, so only the beginning of a mark is typed.
        searched = [{"?": f"q={words}"} for words in ("dauvet0", "dauvet1", "dauvet2", "diem")]
        kept = [{"meeting": "nhap", "?": f"phan={slug}"} for slug in urls.MINUTES_PARTS.values()]
        files = [{"digest": one.digest, "name": one.name} for one in self.cycle.files]
        rounds = [{"round": name} for name in ("self", "cross-checked", "appraised")]
        cells = [{**one, "unit": unit, "criterion": "a"} for one in rounds for unit in (SUBJECT, CHECKED)]
        return {
            "/bien-nhan/{version}": versions,
            "/sua/{version}": versions,
            "/muc/{version}": versions,
            "/lam/{act}": list(self._forms()),
            "/lam/{act}/bang-cham.xlsx": list(self._forms()),
            "/cham-diem/{round}": [*rounds, *({**one, "?": f"don_vi={SUBJECT}"} for one in rounds)],
            "/cham-diem/{round}/thay-doi": [{**one, "?": "tu=0"} for one in rounds],
            "/cham-diem/{round}/ly-do": rounds,
            "/o/{unit}/{criterion}": cells,
            "/bang-diem/{unit}": [{"unit": unit} for unit in (*units(6), CITY)],
            "/bieu-do-diem": [{}, *({"?": f"don_vi={unit}"} for unit in units(6))],
            "/bieu-do-diem/{unit}": [{"unit": unit} for unit in units(6)],
            "/tep/{digest}/{name}": files,
            "/tep/{digest}/{name}/xem": files,
            "/tep/{digest}/{name}/trang/{number}": [{**one, "number": "1"} for one in files],
            "/thoi-diem": spans,
            "/so-sanh": spans,
            "/thoi-diem.{extension}": spans,
            "/so-sanh.{extension}": spans,
            ".{extension}": [{"extension": extension} for extension in ("json", "csv", "xlsx")],
            "/moment": [{}, {"?": f"version={last - 1}"}],
            "/tim": searched,
            "/search": searched,
            "/du-thao/{kind}": [{"kind": "covenant"}],
            "/bao-cao/{unit}": [{"unit": unit} for unit in (SUBJECT, CHECKED)],
            "/bao-cao/{unit}/toan-van": [{"unit": SUBJECT}],
            "/toan-van/{number}": [{"kind": "covenant", "number": "1"}],
            "/y-kien/{number}": [{"number": "1"}],
            "/{cluster}/quy-dinh": [{}, {"?": f"{urls.EDITION_NUMBER}=1"}],
            "/ban-quy-dinh/{edition}": [{"edition": "specimen-2020"}],
            "/{edition}/tep.yaml": [{"edition": "specimen-2020"}],
            "/{edition}/phan/{part}": [{"edition": "specimen-2020", "part": "lich"}],
            "/{edition}/van-ban/{part}": [{"edition": "specimen-2020", "part": "lich"}],
            "/{edition}/tieu-chi": [{"edition": "specimen-2020"}],
            "/{edition}/nhap-bang": [{"edition": "specimen-2020"}],
            "/{edition}/bang-tieu-chi.xlsx": [{"edition": "specimen-2020"}],
            "/tieu-chi/{place}": [{"edition": "specimen-2020", "place": "0"}],
            "/{edition}/cham-thu": [{"edition": "specimen-2020"}],
            "/{edition}/ap-dung": [{"edition": "specimen-2020"}],
            "/hoi-nghi/{meeting}": kept,
            "/hoi-nghi/{meeting}/thay-doi": [{**one, "?": f"{one['?']}&tu=0"} for one in kept],
            "/bien-ban/{meeting}": [{"meeting": MEETING}],
            "/{job}": [{"job": "x"}],
            "/ket-qua.json": [{"job": "x"}],
            "/nguoi-dung/{person}": [{"person": "can-bo-1"}],
            "/tro-giup/{name}": [{"name": "dang-nhap"}],
        }

    def _forms(self) -> Iterator[dict[str, str]]:
        """Forms of acts: empty, begun with what stands, and as they were filled in."""
        yield from ({"act": act} for act in (*_ACT_OF.values(), "nominate", "rank", "correct", "withdraw-score"))
        for act in ("score-self", "cross-check", "appraise", "score-round"):
            yield from ({"act": act, "?": f"unit={unit}&by={HEAD}&round=moi"} for unit in (SUBJECT, CHECKED))
        for row, envelope in self.cycle.history:
            if row.version in self.cycle.marks and envelope.event.NAME in _ACT_OF:
                yield {"act": _ACT_OF[envelope.event.NAME], "?": f"_sua={row.version}"}


_ACT_OF = {
    "SelfScored": "score-self",
    "CrossChecked": "cross-check",
    "ScoresAppraised": "appraise",
    "RoundScored": "score-round",
    "AwardsDecided": "decide-awards",
    "AwardHeld": "hold-award",
    "AwardReleased": "release-award",
    "AwardAnnulled": "annul-award",
    "AwardReturned": "record-return",
    "ComplaintFiled": "file-complaint",
    "ComplaintAnswered": "answer-complaint",
    "DeviationAcknowledged": "acknowledge",
}


@asynccontextmanager
async def visits(site: Site) -> AsyncIterator[list[Visit]]:
    """Everybody, logged in, in the process of the test; the last one without a login."""
    services, app = site.services, build(site.services)
    services.throttle.unit_s = 0.0  # everybody asks for a new password: nobody need wait here
    found = []
    for person in PEOPLE:
        secret = await services.accounts.open(person, "rehearsal")
        if person in STANDS_IN:
            await services.accounts.stand_in(secret, STANDS_IN[person])
        token = await services.accounts.new_token(person, "thử", "sign", 1)
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://test", timeout=60
        )
        http.cookies.set(LOGIN, secret)
        http.cookies.set(FORMS, secret)
        found.append(Visit(person, http, token, form_token(secret, person)))
    nobody = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://test"
    )
    found.append(Visit("", nobody))
    try:
        yield found
    finally:
        for visit in found:
            await visit.http.aclose()


async def enter_people(site: Site) -> None:
    for person, (unit, kind, administrator) in PEOPLE.items():
        await site.app.people.enter(person, unit, person)
        await make_account(site.app, person, kind, administrator=administrator)
    for person, absent in STANDS_IN.items():
        until = today() + timedelta(days=1)
        await site.services.stand_ins.name(StandIn(person, absent, today(), until, absent))


async def visit_all(site: Site, cycle: ClosedCycle, visit: Visit, only: tuple[str, ...] = ()) -> None:
    """Visit every route: pages with the login, the interface with the token, forms with what opens them again."""
    addresses, nothing = Addresses(cycle), not cycle.all_marks() & await allowed(site, cycle, visit)
    calendar = await site.services.calendars.new(visit.person) if visit.person else "x"
    bearer = {"Authorization": f"Bearer {visit.token}"} if visit.token else {}
    for route, before in routes():
        path = before + route.path.replace("{secret}.ics", f"{calendar}.ics").replace("{secret}", "x").replace(
            "{language}", "vi"
        )
        if route.path in ENDS_THE_LOGIN or (only and not route.path.endswith(only)):
            continue
        for method in sorted(route.methods - {"HEAD"}):
            # Of a closed cycle, one address of a route is as closed as the next. Files and search are not of it.
            few = 1 if nothing and "{cluster}" in route.path else None
            person = "" if only else visit.person
            for address in islice(own_part(person, before + route.path, list(addresses.of(path))), few):
                if method == "GET":
                    await visit.read(cycle, "GET", address, headers=bearer if before else {})
                elif before:
                    if not address.endswith(("/acts", "/acts/try")):
                        await visit.read(cycle, method, address, headers=bearer, json={})
                else:
                    form = {"_form": visit.form, "_step": "edit", "_do": "nothing"}
                    await visit.read(cycle, method, address, data=form)
                    if "?" in address:
                        break
    for body in trials(cycle) if not only else ():
        await visit.read(cycle, "POST", f"/api/v1/cycles/{cycle.stream}/acts/try", headers=bearer, json=body)


@cache
def turns() -> dict[str, int]:
    """Of each route by its path, how many routes that show the same matter come before it."""
    before_it: Counter[object] = Counter()
    found = {}
    for route, before in routes():
        matter = next(iter(guards(route.dependant)), None)
        found[before + route.path] = before_it[matter]
        before_it[matter] += 1
    return found


def own_part(person: str, path: str, addresses: list[str]) -> list[str]:
    """The addresses of a route that a person visits: all of them with `make soak`, and for nobody."""
    group = next((group for group in TOGETHER if person in group), ())
    turn = turns()[path]
    if SOAK or not person or (turn == 0 and len(addresses) == 1):
        return addresses
    if group:
        return addresses[(group.index(person) + turn) % len(group) :: len(group)]
    if len(addresses) <= MANY or path.endswith(WHOLE):
        return addresses
    return addresses[list(PEOPLE).index(person) % SHARES :: SHARES]


def found_by(everybody: list[Visit]) -> dict[str, set[str]]:
    """The marks that each person found, and those who read the same."""
    found = {visit.person: set(visit.found) for visit in everybody}
    for group in TOGETHER:
        found |= dict.fromkeys(group, set().union(*(found[person] for person in group)))
    return found


def trials(cycle: ClosedCycle) -> Iterator[dict[str, Any]]:
    """Acts that are only tried: what a dry run tells must not tell what is closed."""
    sheet = [{"criterion": leaf, "points": "1"} for leaf in "ad"]
    yield {"act": "rank"}
    yield {"act": "nominate", "fields": {"unit": CHECKED, "award": "co"}}
    yield {"act": "withdraw-score", "fields": {"unit": SUBJECT}}
    yield {"act": "score-self", "fields": {"unit": SUBJECT, "sheet": sheet}}
    yield {"act": "score-round", "fields": {"unit": SUBJECT, "round": "moi", "sheet": sheet}}
    for name in ("SelfScored", "RoundScored", "AwardsDecided", "ComplaintFiled", "ActCorrected"):
        yield {"act": "correct", "fields": {"version": cycle.named(name)[-1], "reason": "sai"}}


async def opened_by(site: Site, cycle: ClosedCycle, visit: Visit) -> VisitedCycle:
    """The cycle as a page opens it for a visitor."""
    request: Any = SimpleNamespace(
        cookies=dict(visit.http.cookies),
        app=SimpleNamespace(state=SimpleNamespace(services=site.services)),
        scope={},
    )
    visitor = await visitor_of(request)
    assert visitor is not None
    return await open_cycle(site.app, cycle.stream, visitor)  # type: ignore[arg-type]


async def allowed(site: Site, cycle: ClosedCycle, visit: Visit) -> set[str]:
    """The marks that the record of the events allows a visitor to find, and those of their own drafts."""
    own = cycle.drafts.get(visit.person, set())
    if not visit.person:
        return own
    opened = await opened_by(site, cycle, visit)
    versions = readable_versions(cycle.envelopes, opened.visitor.unit, opened.readers, opened.state, opened.rules)
    return own | cycle.of(versions)


def standing(cycle: ClosedCycle) -> set[str]:
    """The marks in the state: those of acts that were not corrected or withdrawn."""
    said = json.dumps([*leaves(plain(CYCLE.fold(cycle.envelopes)), cycle.texts)], ensure_ascii=False)
    return marks_in(said) & cycle.all_marks()


async def until_projected(site: Site) -> None:
    """Wait until board and search index have everything."""
    last, pool = await site.app.ledger.last_position(), site.app.ledger.pool

    async def reached() -> bool:
        return await pool.fetchval("select min(position) from projections.cursor") >= last

    await eventually(reached)


def assert_every_closed_field_has_a_mark(cycle: ClosedCycle) -> None:
    """A new closed event, or a new field of one, must be entered by `marked_cycle`."""
    closed = {
        event
        for event in Event.KNOWN.values()
        if not is_open_to_members(event) and event.__module__.startswith(("domain.steps.", "domain.scoring."))
    }
    filled, unmarked = set(), set()
    for envelope in cycle.envelopes:
        if type(envelope.event) not in closed:
            continue
        for name, value in plain(dict(envelope.event)).items():
            if value is not None:
                filled.add((envelope.event.NAME, name))
            found = leaves({name: value}, cycle.texts)
            unmarked |= {(envelope.event.NAME, leaf) for leaf in found if leaf != "co" and not marks_in(leaf)}
    assert unmarked == set()
    assert filled == {(event.NAME, name) for event in closed for name in event.model_fields}


def assert_mails_tell_nothing_closed(cycle: ClosedCycle, rules: Edition) -> None:
    """Notices of a cycle in real time: what goes to a member before publication."""
    told = 0
    for envelope in cycle.envelopes:
        history = [one for one in cycle.envelopes if one.meta.version <= envelope.meta.version]
        state = CYCLE.fold(history)
        for notice in notices(envelope, state):
            if notice.to in {OVERSEER, CITY}:
                continue
            subject, body = message_of(notice, state, rules, rehearsed=True, told=Circumstances(texts=cycle.texts))
            who = frozenset({Reader.ANYBODY, Reader.MEMBER})
            may = cycle.of(readable_versions(history, notice.to, who, state, rules))
            # A unit is told which of its own awards is held back: the kind of notice says so.
            own = {str(getattr(notice, "award", ""))} if notice.BEFORE_PUBLICATION else set()
            assert cycle.found_in(f"{subject} {body}") <= may | own, notice
            told += 1
    assert told > 10


async def test_closed_facts_are_found_where_their_record_allows_and_nowhere_else(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    await enter_people(site)
    cycle = await marked_cycle(site)
    await until_projected(site)
    assert_every_closed_field_has_a_mark(cycle)
    assert_mails_tell_nothing_closed(cycle, (await site.app.state(cycle.stream))[1])
    counts: Counter[str] = Counter()
    async with visits(site) as everybody:
        await _visit(site, cycle, everybody, counts)
        found = found_by(everybody)
        # The marks can be found: by those who read everything all of them, by each unit what stands of its own.
        assert found["thu-ky"] >= cycle.all_marks()
        assert found["kiem-tra"] >= standing(cycle)
        assert found["phu-trach"] >= standing(cycle)
        for visit in everybody:
            assert found[visit.person] >= await allowed(site, cycle, visit) & standing(cycle), visit.person
        scores = {
            unit: cycle.of(_current_scores(cycle, unit, "SelfScored")) - cycle.totals for unit in (SUBJECT, CHECKED)
        }
        assert all(scores.values())
        # In both directions: the checker reads its subject, and the subject what it checks; not the reverse.
        assert found["can-bo-1"] >= scores[SUBJECT]
        assert found["can-bo-2"] >= scores[SUBJECT] | scores[CHECKED]
        assert not found["can-bo-1"] & scores[CHECKED]
        assert not found["can-bo-3"] & scores[SUBJECT]
        for nobody in ("", "nguoi-ngoai", "quan-tri", "thu-ky-noi-khac", "nhan-vien-thanh-pho", "thay-phu-trach"):
            assert found[nobody] == cycle.drafts.get(nobody, set())
        by_person = {visit.person: visit for visit in everybody}
        await _previews(site, cycle, by_person)

        await submit(site.app, cycle.stream, CITY, "publish", {})
        await until_projected(site)
        cycle.history = await site.app.history(cycle.stream)
        for visit in everybody:
            visit.found.clear()
        members = [by_person[person] for person in ("can-bo-3", "can-bo-5", "can-bo-cu")]
        await _visit(site, cycle, [*members, by_person["nguoi-ngoai"]], counts, only=AFTER_PUBLICATION)
        assert by_person["nguoi-ngoai"].found == {}
        for visit in members:
            assert set(visit.found) >= standing(cycle), visit.person
            documents = {mark for mark, at in visit.found.items() if "/tim" in at}
            assert documents
    counts["markers"], counts["roles"] = len(cycle.all_marks()), len(everybody)
    counts["routes"] = len({before + route.path for route, before in routes()})
    with capsys.disabled():
        print(f"\nclosed facts: {dict(sorted(counts.items()))}")


AFTER_PUBLICATION = ("/tim", "/cycles/{organiser}/{year}/{cluster}", "/bang-diem/{unit}", "/tep/{digest}/{name}")
"""The routes on which members find, after publication, what was closed."""


async def _visit(
    site: Site, cycle: ClosedCycle, visits_: list[Visit], counts: Counter[str], only: tuple[str, ...] = ()
) -> None:
    """Visit, and compare what was found with what the record allows."""
    wrong = []
    for visit in visits_:
        before = visit.requests
        await visit_all(site, cycle, visit, only)
        counts["requests"] += visit.requests - before
        may = await allowed(site, cycle, visit)
        # A figure that follows from what is open, such as a spread of totals, can look like a mark: it is nobody's.
        wrong += [(visit.person, mark, at) for mark, at in visit.found.items() if mark in cycle.given() - may]
        assert visit.broken == [], visit.person
    assert wrong == []


def _current_scores(cycle: ClosedCycle, unit: str, name: str) -> list[int]:
    state = CYCLE.fold(cycle.envelopes)
    return [
        one.meta.version
        for one in cycle.envelopes
        if isinstance(one.event, Event.KNOWN[name])
        and state.scores.get((unit, "self")) is not None
        and state.scores[unit, "self"].version == one.meta.version
    ]


async def _previews(site: Site, cycle: ClosedCycle, by_person: Mapping[str, Visit]) -> None:
    """A dry run tells the head, a rival, neither totals nor what the decision grants; the secretariat it does."""
    told = {}
    for person in ("can-bo-4", "thu-ky"):
        opened = await opened_by(site, cycle, by_person[person])
        ranked = await preview(site.app, opened, CommandInput(cycle.stream, "rank", {}, meeting=MEETING))
        nominate = CommandInput(cycle.stream, "nominate", {"unit": CHECKED, "award": "co"})
        nominated = await preview(site.app, opened, nominate)
        told[person] = (cycle.found_in(str(ranked.events)), nominated.gone, nominated.events[0].text)
    totals, gone, text = told["can-bo-4"]
    assert (totals, gone) == (set(), ())
    assert "đề nghị" in text.lower() or CHECKED in text
    totals, gone, _text = told["thu-ky"]
    assert len(totals) == 2
    assert len(gone) == 1
