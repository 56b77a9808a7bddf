"""Commands on the real engine: compared with a bare update, memory of idle cycles, fifty rehearsed years."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from temporalio import workflow
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from application.application import CommandInput
from application.gate import at_command_line
from application.scenario import RehearsedYear, Scenario, ScenarioPlayer
from application.yaml_files import read_model
from application.year_file import YearFile, start_year
from bench.harness import ROUNDS, BenchRow, median, resident_kb, server
from cli.session import Session, session
from domain.rules import Edition
from local.paths import paths
from local.postgres import PostgresServer
from local.temporal import ROLE, start_temporal
from vault.persons import Contact
from workflows.messages import RUNS_IN_MEMORY

ACTS = 40
IDLE = 1_000
CLIENT = "client"
KEPT_IN_MEMORY = 300
"""So many idle cycles all fit into the worker's cache of runs."""

CLUSTERS = 50
ROOT = Path(__file__).parent.parent


@workflow.defn(name="Bare")
class Bare:
    """A workflow with an update that does nothing, to compare with."""

    @workflow.run
    async def run(self) -> None:
        """Wait without end."""
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def nothing(self, payload: str) -> str:
        """Return the payload."""
        return payload


async def against_a_bare_update(app: Session) -> list[BenchRow]:
    """Measure commands from client to durable receipt: one at a time, then 16 at once over 16 cycles.

    One act is measured up to its receipt from the ledger, then its update may end before the next one begins; for
    comparison also up to the update's answer. Bare updates go to a server with Temporal's stock settings, on a
    PostgreSQL of its own.
    """
    person, edition = await _secretary(app)
    streams = await _open(app, person, edition, 16)
    ours, updates, bare, ours_rate, bare_rate = [], [], [], [], []
    used: list[Counter[str]] = []
    async with (
        _stock_server() as client,
        Worker(client, task_queue="bare", workflows=[Bare], workflow_runner=UnsandboxedWorkflowRunner()),
    ):
        for _ in range(ROUNDS):
            ours.append(median([await _timed_alone(app, _act(app, person, streams[0])) for _ in range(ACTS)]))
            updates.append(median([await _timed(_act_by_update(app, person, streams[0])) for _ in range(ACTS)]))
            bare.append(median([await _timed(_bare(client, 0)) for _ in range(ACTS)]))
            before = _processor_time(app)
            ours_rate.append(await _rate_of_16(lambda n: _act(app, person, streams[n])))
            await app.answers.settle(10)
            used.append(_processor_time(app) - before)
            bare_rate.append(await _rate_of_16(lambda n: _bare(client, n)))
    p50, p50_update, p50_bare = median(ours) * 1000, median(updates) * 1000, median(bare) * 1000
    rate, rate_bare = median(ours_rate), median(bare_rate)
    parts = {name: median([one[name] for one in used]) / (16 * (ACTS // 2)) for name in ("worker", "temporal", CLIENT)}
    return [
        BenchRow(
            "one act, p50", p50, "ms", "bare update-with-start, p50", p50_bare, "at most 1.3", p50 / p50_bare <= 1.3
        ),
        BenchRow("… up to the update's answer, p50", p50_update, "ms", "bare update-with-start, p50", p50_bare),
        BenchRow(
            "acts, 16 at once over 16 cycles",
            rate,
            "acts/s",
            "bare updates, 16 at once",
            rate_bare,
            "0.5",
            rate / rate_bare >= 0.5,
        ),
        BenchRow(
            "… processor time an act: worker, Temporal and client",
            sum(parts.values()),
            "ms",
            target="at most 11",
            met=sum(parts.values()) <= 11,
        ),
        *(BenchRow(f"… … {name}", parts[name], "ms") for name in parts),
    ]


@asynccontextmanager
async def _stock_server() -> AsyncIterator[Client]:
    """Start a Temporal server with its stock settings beside the installation's, on a PostgreSQL of its own."""
    with server() as (postgres, folder):
        for name in ("logs", "data"):
            (folder / name).mkdir()
        temporal = await start_temporal(postgres, paths().make().cache, folder / "logs", folder / "data", print)
        try:
            await _forget_settings(postgres)
            tls = temporal.tls.config() if temporal.tls else None
            yield await Client.connect(temporal.address, namespace=temporal.namespace, tls=tls)
        finally:
            await temporal.stop()


async def _forget_settings(postgres: PostgresServer) -> None:
    """Take back what Temporal's role was given for speed; its sessions begin anew."""
    connection = await asyncpg.connect(postgres.url())
    try:
        await connection.execute(f"alter role {ROLE} reset all")
        await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", ROLE)
    finally:
        await connection.close()


def _processor_time(app: Session) -> Counter[str]:
    """Return the processor time, in ms, that worker, Temporal server and this process have used."""
    pids = {name: app.endpoints.pids[name] for name in ("worker", "temporal")} | {CLIENT: os.getpid()}
    found = Counter[str]()
    for name, pid in pids.items():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found[name] = (int(fields[11]) + int(fields[12])) * 1000 // os.sysconf("SC_CLK_TCK")
    return found


async def _timed(work: Any) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _timed_alone(app: Session, work: Any) -> float:
    """Time the work, and wait until its update has ended: the next act shall not wait for it."""
    seconds = await _timed(work)
    await app.answers.settle(10)
    return seconds


async def _rate_of_16(work: Any) -> float:
    async def worker(number: int) -> None:
        for _ in range(ACTS // 2):
            await work(number)

    started = time.perf_counter()
    await asyncio.gather(*(worker(number) for number in range(16)))
    return 16 * (ACTS // 2) / (time.perf_counter() - started)


async def _act(app: Session, person: Contact, stream: str) -> None:
    fields = {"id": f"h-{uuid4().hex[:12]}", "kind": "other"}
    await app.submit(stream, at_command_line(person), [CommandInput(stream, "record-meeting", fields)])


async def _act_by_update(app: Session, person: Contact, stream: str) -> None:
    """An act as it is answered by the engine's word alone."""
    fields = {"id": f"h-{uuid4().hex[:12]}", "kind": "other"}
    item = await app.item(CommandInput(stream, "record-meeting", fields))
    if app.client is not None:
        await app.client.submit(stream, await app.gate.sign(at_command_line(person), [item]))


async def _bare(client: Client, number: int) -> None:
    start: Any = WithStartWorkflowOperation(
        Bare.run, id=f"bare-{number}", task_queue="bare", id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
    )
    await client.execute_update_with_start_workflow(Bare.nothing, "x" * 300, start_workflow_operation=start)


async def _secretary(app: Session) -> tuple[Contact, Edition]:
    person = await app.people.enter("thu-ky", "bench", "Thư ký")
    return person, read_model(ROOT / "rules" / "specimen-2020.yaml", Edition)


async def _open(app: Session, person: Contact, edition: Edition, count: int, year: int = 2030) -> list[str]:
    clusters = [
        {"id": f"cum-{n}", "name": f"Cụm {n}", "units": [{"id": f"u-{n}-{k}", "name": f"Đơn vị {k}"} for k in range(6)]}
        for n in range(count)
    ]
    file = YearFile.model_validate(
        {
            "organiser": "bench",
            "organiser_name": "Bench",
            "year": year,
            "plan": {"number": "1/KH"},
            "edition": "-",
            "clusters": clusters,
        }
    )
    starts = datetime.now(UTC) + timedelta(days=3_000)
    await start_year(app, file, edition, at_command_line(person), clock="wall", starts=starts)
    return [f"bench/{year}/cum-{n}" for n in range(count)]


async def idle_memory(app: Session) -> list[BenchRow]:
    """Measure the worker's memory before and after a thousand cycles of six units are opened."""
    person, edition = await _secretary(app)
    pid = app.endpoints.pids["worker"]
    await _open(app, person, edition, 20, 2050)
    figures = [resident_kb(pid)]
    for part in range(IDLE // 100):
        await _open(app, person, edition, 100, 2051 + part)
        await asyncio.sleep(1)
        figures.append(resident_kb(pid))
    per_kept, per_idle = (
        (figures[KEPT_IN_MEMORY // 100] - figures[0]) / KEPT_IN_MEMORY,
        (figures[-1] - figures[0]) / IDLE,
    )
    return [
        BenchRow(f"worker memory, each of the first {KEPT_IN_MEMORY} idle cycles, all kept", per_kept, "kB"),
        BenchRow(
            f"worker memory, each of {IDLE} idle cycles ({RUNS_IN_MEMORY} runs kept)",
            per_idle,
            "kB",
            target="at most 64 kB",
            met=per_idle <= 64,
        ),
    ]


async def fifty_years(app: Session) -> list[BenchRow]:
    """Play fifty clusters' whole rehearsed years, sixteen at a time."""
    scenario = read_model(ROOT / "scenarios" / "2020-cum-1.yaml", Scenario)
    edition = read_model(ROOT / "rules" / "specimen-2020.yaml", Edition)
    rest = read_model(ROOT / "scenarios" / "rest-of-the-year.yaml", RehearsedYear)
    slots = asyncio.Semaphore(16)
    acts = 0

    async def play_year(number: int) -> None:
        nonlocal acts
        cluster = scenario.year.clusters[0].model_copy(update={"id": f"cum-{number}"})
        own_scenario = scenario.model_copy(
            update={
                "cluster": cluster.id,
                "year": scenario.year.model_copy(update={"clusters": (cluster,), "cycle": f"2020-{number}"}),
            }
        )
        async with slots:
            player = ScenarioPlayer(app, own_scenario, f"bench-{number}")
            await player.enter_people()
            await player.open(edition)
            await player.enter_stated()
            if scenario.rehearse_from is not None:
                await player.rehearse(rest, scenario.rehearse_from)
            acts += player.acts

    started = time.perf_counter()
    await asyncio.gather(*(play_year(number) for number in range(1, CLUSTERS + 1)))
    seconds = time.perf_counter() - started
    events = len([1 for _s, tip in await app.ledger.streams() for _ in range(tip.version)])
    return [
        BenchRow("50 clusters' rehearsed years", acts / seconds, "acts/s"),
        BenchRow("… of which events in the ledger", events, "events"),
    ]


async def engine(folder: Path) -> list[BenchRow]:
    """Run all benchmarks of the engine."""
    os.environ.update(THIDUA_DATA=str(folder / "data"), THIDUA_LOGS=str(folder / "logs"), THIDUA_TEMPORAL="built")
    rows: list[BenchRow] = []
    for number, benches in enumerate(((against_a_bare_update, fifty_years), (idle_memory,))):
        # A worker of its own for memory: runs of the other benchmarks would have grown the heap already.
        os.environ["THIDUA_DATA"] = str(folder / f"data-{number}")
        async with session("worker", print, rehearsal=True) as app:
            for bench in benches:
                rows.extend(await bench(app))
    return rows
