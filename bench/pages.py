"""Pages over ten years of a city: open loops of 5 and of 20 requests a second against the real web process."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import httpx

from accounts.store import Accounts
from application.score_workbook import ScoreBook, score_workbook
from application.yaml_files import read_model
from bench import years
from bench.harness import BenchRow, resident_kb
from bench.logins import logins, make_people
from cli.session import Session, session
from domain.administration import MakeAccount
from domain.rules import Edition
from domain.scoring.calculation import UnitSheet
from domain.scoring.methods import ScoreEntry
from ledger.connection import Pool, open_pool
from ledger.postgres import open_ledger
from projections.board_table import Board
from projections.search import SearchIndex
from resources import RULES
from vault.persons import NewPerson

RATE = 20
SECONDS = 40
CALM_RATE = 5
"""Where requests seldom wait for each other: what a page itself takes."""

CALM_SECONDS = 80
ACTS = 60
CHUNK = 200
PEOPLE = [
    "/nguoi-dung",
    "/nguoi-dung?trang=40",
    "/nguoi-dung?tim=le+thi+dung",
    "/nguoi-dung?don_vi=1-1",
    "/nguoi-dung?tinh=invited&tai_khoan=staff",
]
PAPERS = ("plan", "covenant")
PASSWORD = "bench bench bench"  # noqa: S105 - of accounts that live for a bench


@dataclass(slots=True)
class Load:
    """Requests of one kind: paths, the person who sends them, times in seconds, sizes in bytes."""

    name: str
    person: str
    paths: Sequence[str]
    target_ms: float
    took: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def percentile(self, percent: int) -> float:
        """A percentile of the times, in milliseconds."""
        ranked = sorted(self.took)
        return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)] * 1000


async def log_in(address: str, person: str) -> httpx.AsyncClient:
    """Return a browser in which a person has logged in."""
    client = httpx.AsyncClient(base_url=address, timeout=60, follow_redirects=True)
    page = (await client.get("/dang-nhap")).text
    token = re.search(r'name="_form" value="(\w+)"', page)
    form = {"_form": token.group(1) if token else "", "person": person, "_password": PASSWORD}
    await client.post("/dang-nhap", data=form)
    return client


async def make_accounts(app: Session, clusters: int) -> None:
    """Enter a secretary, an auditor, and an officer for about eight units."""
    pool = await open_pool(app.endpoints.owner_url)
    accounts = Accounts(pool)
    people = [("thu-ky", years.CITY, "secretariat"), ("kiem-tra", "thanh-tra", "auditor")]
    people += [
        (f"cb-{years.unit(c, 0)}", years.unit(c, 0), "staff") for c in range(1, clusters + 1, max(1, clusters // 8))
    ]
    for person, unit, kind in people:
        await app.people.enter(person, unit, person)
        if await accounts.get(person) is None:
            until = date.max if kind == "auditor" else None
            await app.administer(MakeAccount(person=person, kind=kind, until=until))
            await accounts.set_password(person, PASSWORD)
    await _staff(app, pool, clusters)
    pool.terminate()


async def _staff(app: Session, pool: Pool, clusters: int) -> None:
    """Enter two officers of every unit, with accounts that are not used."""
    families, given = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng"), ("An", "Bình", "Cường", "Dung", "Đức", "Hà", "Ý")
    units = [years.unit(cluster, place) for cluster in range(1, clusters + 1) for place in range(years.MEMBERS)]
    people = [
        NewPerson(
            f"nv-{unit}-{number}",
            unit,
            f"{families[n % len(families)]} Thị {given[(n + number) % len(given)]}",
            "Chuyên viên",
            f"nv-{unit}-{number}@example.invalid",
            f"09{n:05}{number:03}",
        )
        for n, unit in enumerate(units)
        for number in (1, 2)
    ]
    for start in range(0, len(people), CHUNK):
        await asyncio.gather(*(app.people.add(one) for one in people[start : start + CHUNK]))
    await pool.executemany(
        "insert into accounts.account (person, kind) values ($1, 'staff') on conflict do nothing",
        [(one.id,) for one in people],
    )


async def _open_loop(
    loads: Sequence[Load], clients: dict[str, httpx.AsyncClient], rate: int = RATE, seconds: int = SECONDS
) -> None:
    """Send `rate` requests a second, whether or not earlier ones have been answered. Only these are noted."""
    for load in loads:
        load.took.clear()
        load.sizes.clear()
    random.seed(7)
    tasks: list[asyncio.Task[None]] = []

    async def request(load: Load) -> None:
        started = time.perf_counter()
        answer = await clients[load.person].get(random.choice(load.paths))  # noqa: S311 - which page does not matter
        load.took.append(time.perf_counter() - started)
        load.sizes.append(len(answer.content))
        if answer.status_code != 200:
            raise RuntimeError(f"{load.name}: {answer.status_code}")

    begun = time.perf_counter()
    for number in range(rate * seconds):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(request(loads[number % len(loads)])))
    await asyncio.gather(*tasks)


def _percentiles(load: Load, rate: int) -> tuple[BenchRow, BenchRow]:
    p95 = load.percentile(95)
    return (
        BenchRow(f"{load.name}, p50 at {rate} requests/s", load.percentile(50), "ms"),
        BenchRow(
            f"… p95, {len(load.took)} requests",
            p95,
            "ms",
            target=f"under {load.target_ms:.0f} ms",
            met=p95 < load.target_ms,
        ),
    )


async def _workbook(client: httpx.AsyncClient, year: int, clusters: int) -> BenchRow:
    """How long the board of a year takes as a workbook."""
    started = time.perf_counter()
    answer = await client.get(f"/bang.xlsx?nam={year}")
    took = time.perf_counter() - started
    answer.raise_for_status()
    name = f"board of {clusters} clusters as a workbook, {len(answer.content) / 1000:.0f} kB"
    return BenchRow(name, took, "s", target="under 20 s", met=took < 20)


def _formula_workbook() -> BenchRow:
    """How long the workbook with formulas of a large cluster takes: twice the units and criteria of the grid."""
    units, leaves = 30, 80
    groups = [
        {
            "id": f"g{group}",
            "title": f"Nhóm {group}",
            "max": 100,
            "children": [{"id": f"c{group}-{n}", "title": f"Tiêu chí {group}.{n}", "max": 10} for n in range(10)],
        }
        for group in range(leaves // 10)
    ]
    classes = [{"id": "xs", "title": "Xuất sắc", "share": "0.2"}, {"id": "tot", "title": "Tốt", "least": 300}]
    rules = Edition.model_validate({"id": "b", "title": "B", "criteria": groups, "scoring": {"classes": classes}})
    chance = random.Random(7)  # noqa: S311 - any points
    sheets = [
        UnitSheet(
            unit=f"u{n}",
            entries=tuple(
                ScoreEntry(criterion=leaf, points=Decimal(chance.randint(0, 20)) / 2) for leaf in rules.leaves()
            ),
        )
        for n in range(units)
    ]
    names = {one.unit: f"Phường {one.unit}" for one in sheets}
    started = time.perf_counter()
    body = score_workbook(ScoreBook("Cụm 1, 2026", rules, sheets, names))
    took = time.perf_counter() - started
    name = f"workbook with formulas, {units} units x {leaves} criteria, {len(body) / 1000:.0f} kB"
    return BenchRow(name, took, "s", target="under 1 s", met=took < 1)


async def _score_workbook(client: httpx.AsyncClient, year: int, clusters: int, process: int) -> list[BenchRow]:
    """How long the points of all clusters of a year take as a workbook, and how much more memory the process takes."""
    before, peak, started = resident_kb(process), 0, time.perf_counter()
    asked = asyncio.create_task(client.get(f"/bang/diem.xlsx?nam={year}", timeout=120))
    while not asked.done():
        peak = max(peak, resident_kb(process))
        await asyncio.sleep(0.05)
    took, answer = time.perf_counter() - started, asked.result()
    answer.raise_for_status()
    name = f"points of {clusters} clusters as a workbook, {len(answer.content) / 1000:.0f} kB"
    grown = (peak - before) / 1000
    return [
        BenchRow(name, took, "s", target="under 20 s", met=took < 20),
        BenchRow("… by which the process of the pages grows", grown, "MB", target="under 200 MB", met=grown < 200),
    ]


async def _acts(client: httpx.AsyncClient, cluster: int, year: int) -> list[float]:
    """Return the times from submitting a comment to its receipt's page, in seconds."""
    path, took = f"/cum/{years.CITY}/{year}/cum-{cluster}/lam/comment", []
    for number in range(ACTS):
        page = (await client.get(path)).text
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.rsplit("<form", 1)[-1]))
        fields = {**hidden, "by.unit": years.unit(cluster, 0), "text": f"Ý kiến {number}", "_step": "send"}
        started = time.perf_counter()
        answer = await client.post(path, data=fields)
        took.append(time.perf_counter() - started)
        if "/bien-nhan/" not in str(answer.url):
            raise RuntimeError(f"no receipt: {answer.status_code}")
    return took


async def pages(folder: Path, clusters: int = years.CLUSTERS, count: int = years.YEARS) -> list[BenchRow]:
    """Load the years, rebuild the projections, and measure the pages."""
    os.environ.update(THIDUA_DATA=str(folder / "data"), THIDUA_LOGS=str(folder / "logs"), THIDUA_TEMPORAL="built")
    rules = read_model(RULES / "specimen-2020.yaml", Edition)
    rows: list[BenchRow] = []
    # A rehearsal asks for no one-time code: without one the secretariat sees only the page that sets it up.
    async with session("ledger", print, rehearsal=True) as app:
        digest = await app.texts.put_edition(rules.model_dump_json())
        ledger = await open_ledger(app.endpoints.database_url, app.installed.id)
        installed = app.installed
        signer = installed.cli.signer(ledger.epoch)
        started = time.perf_counter()
        events = await years.load(ledger, rules, digest, signer, clusters, count)
        rows.append(BenchRow(f"loaded through decide and store, {clusters} clusters × {count} years", events, "events"))
        rows.append(BenchRow("… of it", events / (time.perf_counter() - started), "events/s"))
        board = Board(ledger, app.texts)
        await board.forget()
        started = time.perf_counter()
        await board.catch_up()
        rate = events / (time.perf_counter() - started)
        rows.append(BenchRow("read models from position 0", rate, "events/s", target="30,000/s", met=rate >= 30_000))
        started = time.perf_counter()
        await SearchIndex(ledger).catch_up()
        rows.append(BenchRow("search index from position 0", events / (time.perf_counter() - started), "events/s"))
        await make_accounts(app, clusters)
        await make_people(app, years.unit(1, 0))
        await ledger.close()
    async with session("web", print, rehearsal=True) as app:
        rows.extend(await _measure_pages(app, clusters))
    return rows


async def _measure_pages(app: Session, clusters: int) -> list[BenchRow]:
    address, year = app.endpoints.web_address or "", datetime.now(UTC).year
    sampled = list(range(1, clusters + 1, max(1, clusters // 8)))
    officer = f"cb-{years.unit(sampled[0], 0)}"
    clients = {person: await log_in(address, person) for person in ("thu-ky", "kiem-tra", officer)}
    cycles = [f"/cum/{years.CITY}/{year - back}/cum-{cluster}" for cluster in sampled for back in (0, 1)]
    late = ["/bang/don-doc", f"/bang/don-doc?nam={year}", *(f"/bang/don-doc?trang={n}" for n in (2, 7, 100, 9999))]
    board = ["/bang", f"/bang?nam={year}", f"/bang?nam={year}&loc=tre", "/bang?trang=30", "/bang?tim=so+33"]
    loads = [
        Load("inbox", officer, ["/viec"], 50),
        Load("late units", "thu-ky", late, 50),
        Load("city board", "thu-ky", board, 50),
        Load("first page of the secretariat", "thu-ky", ["/viec", "/viec?trang=3", "/viec?trang-cum=2"], 50),
        Load("what waits for others", "thu-ky", ["/viec/cho-noi-khac", "/viec/cho-noi-khac?trang=3"], 50),
        Load("clusters of the secretariat", "thu-ky", ["/cum", "/cum?trang=60"], 100),
        Load("deviations", "kiem-tra", ["/diem-khac", f"/diem-khac?nam={year - 1}&tim=so+33"], 100),
        Load("new minutes", "thu-ky", [f"{cycle}/hoi-nghi" for cycle in cycles], 100),
        Load("timeline", "kiem-tra", [f"{cycle}/so{query}" for cycle in cycles for query in ("", "?trang=3")], 150),
        Load("search", "thu-ky", [f"/tim?q=phuong+{years.unit(cluster, 1)}" for cluster in sampled], 100),
        Load("files, drafts, own page", officer, ["/tep", "/ban-nhap", "/toi"], 100),
        Load("log of reading", "thu-ky", ["/nhat-ky-doc", "/nhat-ky-doc?trang=3"], 100),
        Load("cluster page", "thu-ky", cycles, 100),
        Load("paper page", officer, [f"{cycles[back]}/du-thao/{kind}" for back in (0, 1) for kind in PAPERS], 50),
        Load("people", "thu-ky", PEOPLE, 50),
        Load("time machine", "kiem-tra", [f"{cycle}/thoi-diem?sau={n}" for cycle in cycles for n in (20, 60)], 150),
    ]
    await _open_loop(loads, clients)  # warm
    await _open_loop(loads, clients, CALM_RATE, CALM_SECONDS)
    rows = [row for load in loads for row in _percentiles(load, CALM_RATE)]
    await _open_loop(loads, clients)
    rows += [row for load in loads for row in _percentiles(load, RATE)]
    largest = max(max(load.sizes) for load in loads)
    rows.append(BenchRow("largest of these pages", largest / 1000, "kB", target="150 kB", met=largest <= 150_000))
    took = sorted(await _acts(clients[officer], sampled[0], year))
    p95 = took[int(len(took) * 0.95)] * 1000
    rows.append(BenchRow("an act, from the click to the receipt, p95", p95, "ms", target="under 300 ms", met=p95 < 300))
    rows.append(await _workbook(clients["thu-ky"], year, clusters))
    rows.append(_formula_workbook())
    rows += await _score_workbook(clients["thu-ky"], year - 1, clusters, app.endpoints.pids["web"])
    rows.extend(await logins(address, loads, clients))
    for client in clients.values():
        await client.aclose()
    return rows
