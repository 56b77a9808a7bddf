"""What an installation takes: memory of each part when it is new and with ten years, disk for each event."""

from __future__ import annotations

import os
from pathlib import Path

import asyncpg

from application.yaml_files import read_model
from bench import years
from bench.harness import BenchRow
from bench.pages import log_in, make_accounts
from cli.session import Session, session
from domain.rules import Edition
from ledger.postgres import open_ledger
from local.temporal import DATABASES
from projections.board_table import Board
from projections.search import SearchIndex
from resources import RULES

CLUSTERS = 20
"""Of a city with some 500 units."""

VISITS = 30
PAGES = ("/bang", "/viec", "/diem-khac", "/tim?q=giao+uoc")

_SCHEMAS = """
    select n.nspname as schema, sum(pg_total_relation_size(c.oid))::bigint as bytes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('ledger', 'vault', 'projections', 'accounts') and c.relkind = 'r'
    group by n.nspname order by n.nspname
"""


async def sizing(folder: Path, count: int = years.YEARS) -> list[BenchRow]:
    """Measure a new installation, load the years, and measure it again."""
    os.environ.update(THIDUA_DATA=str(folder / "data"), THIDUA_LOGS=str(folder / "logs"), THIDUA_TEMPORAL="built")
    rules = read_model(RULES / "specimen-2020.yaml", Edition)
    async with session("web", print, rehearsal=True) as app:
        rows = _memory(app, "new")
    async with session("ledger", print, rehearsal=True) as app:
        digest = await app.texts.put_edition(rules.model_dump_json())
        ledger = await open_ledger(app.endpoints.database_url, app.installed.id)
        signer = app.installed.cli.signer(ledger.epoch)
        events = await years.load(ledger, rules, digest, signer, CLUSTERS, count)
        rows.append(BenchRow(f"{CLUSTERS} clusters × {count} years", events, "events"))
        await Board(ledger, app.texts).catch_up()
        await SearchIndex(ledger).catch_up()
        await make_accounts(app, CLUSTERS)
        await ledger.close()
        rows += await _disk(app.endpoints.owner_url, events)
    async with session("web", print, rehearsal=True) as app:
        rows += _memory(app, f"{count} years, just started")
        client = await log_in(app.endpoints.web_address or "", "thu-ky")
        for _visit in range(VISITS):
            for path in PAGES:
                (await client.get(path)).raise_for_status()
        await client.aclose()
        rows += _memory(app, f"{count} years, {VISITS * len(PAGES)} pages read")
    return rows


async def _disk(owner_url: str, events: int) -> list[BenchRow]:
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("vacuum (full, analyze)")
        schemas = await connection.fetch(_SCHEMAS)
        engine = await connection.fetchval(
            "select sum(pg_database_size(datname)) from pg_database where datname = any($1)", list(DATABASES)
        )
    finally:
        await connection.close()
    rows = [BenchRow(f"disk for an event, {row['schema']}", row["bytes"] / events, "bytes") for row in schemas]
    rows.append(BenchRow("disk for an event, all", sum(row["bytes"] for row in schemas) / events, "bytes"))
    return [*rows, BenchRow("disk of Temporal's databases, new", float(engine) / 1e6, "MB")]


def _memory(app: Session, when: str) -> list[BenchRow]:
    rows = [
        BenchRow(f"memory of {name}, {when}", sum(map(_proportional_kb, _tree(pid))) / 1_000, "MB")
        for name, pid in app.endpoints.pids.items()
    ]
    return [*rows, BenchRow(f"memory of all parts, {when}", sum(row.value for row in rows), "MB")]


def _tree(pid: int) -> list[int]:
    """A process and all that it has started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        children = (task / "children").read_text().split()
        found += [one for child in children for one in _tree(int(child))]
    return found


def _proportional_kb(pid: int) -> int:
    """The memory of a process in kB; what several share is divided among them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
