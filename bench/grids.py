"""Score grids: 20 people fill in the sheets of 15 units in 40 criteria at once, and open the page meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from accounts.store import Accounts
from application.application import CommandInput
from application.gate import at_command_line
from bench.harness import BenchRow
from bench.pages import PASSWORD, log_in
from cli.session import Session, session
from domain.administration import MakeAccount
from domain.rules import Edition
from domain.streams import cycle_stream
from ledger.connection import open_pool
from web import urls

CITY = "bench-city"
UNITS, TOPS, LEAVES, PEOPLE = 15, 8, 5, 20
SAVES_A_SECOND, SECONDS = 10, 30
"""Each of the people leaves a cell every other second."""


_LATEST = "999999999"
"""As who has read everything: this is no bench of conflicts."""


def _edition() -> Edition:
    tops = [
        {
            "id": f"n{top}",
            "title": f"Nội dung thi đua số {top}",
            "max": "12.5",
            "children": [
                {"id": f"n{top}-{leaf}", "title": f"Tiêu chí {top}.{leaf}: kết quả thực hiện", "max": "2.5"}
                for leaf in range(LEAVES)
            ],
        }
        for top in range(TOPS)
    ]
    return Edition.model_validate(
        {"id": "bench", "title": "Đo tốc độ", "criteria": tops, "total": "100", "cross_checks": "next-in-list"}
    )


async def _cycle(app: Session, rules: Edition) -> str:
    """A cycle whose units have scored themselves and each other."""
    stream, digest = cycle_stream(CITY, "2026", "cum-diem"), await app.texts.put_edition(rules.model_dump_json())
    units = [f"dv-{number}" for number in range(UNITS)]
    opening = {
        "organiser": CITY,
        "organiser_name": "Thành phố",
        "cluster_name": "Cụm",
        "year": 2026,
        "edition": digest,
        "units": [{"id": unit, "name": f"Phường {unit}"} for unit in units],
        "clock": "wall",
        "starts": datetime.now(UTC).isoformat(),
    }
    sheet = [{"criterion": name, "points": "2.25"} for name in rules.leaves()]
    await _enter(app, stream, CITY, "open-cycle", opening)
    for unit in units:
        await _enter(app, stream, unit, "score-self", {"unit": unit, "sheet": sheet})
    for by, unit in zip(units, [*units[1:], units[0]], strict=True):
        await _enter(app, stream, by, "cross-check", {"unit": unit, "by": by, "sheet": sheet})
    return stream


async def _enter(app: Session, stream: str, unit: str, act: str, fields: dict[str, Any]) -> None:
    person = await app.people.enter(f"cb-{unit}", unit, f"Cán bộ {unit}")
    await app.submit(stream, at_command_line(person), [CommandInput(stream, act, fields)])


async def _appraisers(app: Session) -> list[str]:
    pool = await open_pool(app.endpoints.owner_url)
    people = [f"tham-dinh-{number}" for number in range(PEOPLE)]
    for person in people:
        await app.people.enter(person, CITY, person)
        await app.administer(MakeAccount(person=person, kind="secretariat"))
        await Accounts(pool).set_password(person, PASSWORD)
    pool.terminate()
    return people


async def grids(folder: Path) -> list[BenchRow]:
    """Measure the page and the saving of cells."""
    os.environ.update(THIDUA_DATA=str(folder / "data"), THIDUA_LOGS=str(folder / "logs"), THIDUA_TEMPORAL="built")
    async with session("web", print, rehearsal=True) as app:
        rules = _edition()
        path = urls.grid_url(await _cycle(app, rules), "appraised")
        address = app.endpoints.web_address or ""
        clients = [await log_in(address, person) for person in await _appraisers(app)]
        pages = await asyncio.gather(*(client.get(path) for client in clients))
        tokens = [_token(page.text) for page in pages]
        size = len(pages[0].content)
        cells = [f"dv-{unit}.{name}.points" for unit in range(UNITS) for name in rules.leaves()]
        await _typing(clients, tokens, path, cells, 5)  # warm
        saved, opened = await _typing(clients, tokens, path, cells, SECONDS)
        for client in clients:
            await client.aclose()
    name = f"grid of {UNITS} units × {TOPS * LEAVES} criteria, {size / 1000:.0f} kB"
    return [
        BenchRow(f"a cell is saved, {PEOPLE} people typing, p50", _percentile(saved, 50), "ms"),
        _row("… p95", saved, 50),
        BenchRow(f"{name}, meanwhile, p50", _percentile(opened, 50), "ms"),
        _row("… p95", opened, 100),
    ]


async def _typing(
    clients: list[httpx.AsyncClient], tokens: list[str], path: str, cells: list[str], seconds: int
) -> tuple[list[float], list[float]]:
    """Save cells at a steady pace, and open the page once a second; returns the times of both in seconds."""
    dice, saved, opened = random.Random(7), list[float](), list[float]()  # noqa: S311 - which cell does not matter

    async def save(who: int, cell: str, value: str) -> None:
        body = {"_form": tokens[who], "_revision": _LATEST, "_step": "save", cell: value}
        saved.append(await _took(clients[who].post(path, data=body, headers={"HX-Request": "true"})))

    async def look(who: int) -> None:
        opened.append(await _took(clients[who].get(path)))

    begun, tasks = time.perf_counter(), list[asyncio.Task[None]]()
    for number in range(seconds * SAVES_A_SECOND):
        await asyncio.sleep(max(0.0, begun + number / SAVES_A_SECOND - time.perf_counter()))
        value = f"{dice.randrange(0, 250) / 100:g}".replace(".", ",")
        tasks.append(asyncio.create_task(save(number % PEOPLE, dice.choice(cells), value)))
        if number % SAVES_A_SECOND == 0:
            tasks.append(asyncio.create_task(look(dice.randrange(PEOPLE))))
    await asyncio.gather(*tasks)
    return saved, opened


async def _took(asked: Any) -> float:
    started = time.perf_counter()
    answer = await asked
    answer.raise_for_status()
    return time.perf_counter() - started


def _token(page: str) -> str:
    found = re.search(r'name="_form" value="(\w+)"', page)
    return found.group(1) if found else ""


def _percentile(took: list[float], percent: int) -> float:
    ranked = sorted(took)
    return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)] * 1000


def _row(name: str, took: list[float], target: float) -> BenchRow:
    p95 = _percentile(took, 95)
    return BenchRow(f"{name}, {len(took)} requests", p95, "ms", target=f"under {target:.0f} ms", met=p95 < target)
