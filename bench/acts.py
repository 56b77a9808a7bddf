"""Whole acts on the real engine: against a bare update, memory of idle cycles, and fifty clusters' rehearsed years."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio import workflow
from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from application.application import CommandInput
from application.scenario import RehearsedYear, Scenario, ScenarioPlayer
from application.yaml_files import read_model
from application.year_file import YearFile, start_year
from bench.harness import ROUNDS, BenchRow, median
from cli.session import Session, session
from domain.rules import Edition
from vault.persons import Contact
from workflows.messages import RUNS_IN_MEMORY

ACTS = 40
IDLE = 1_000
KEPT = 300
CLUSTERS = 50
ROOT = Path(__file__).parent.parent


@workflow.defn(name="Bare")
class Bare:
    """A workflow with an update that does nothing."""

    @workflow.run
    async def run(self) -> None:
        """Wait for ever."""
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def nothing(self, payload: str) -> str:
        """Answer."""
        return payload


async def against_a_bare_update(open_: Session) -> list[BenchRow]:
    """One act from desk to ledger and back, one at a time, then 16 at once over 16 cycles."""
    person, edition = await _office(open_)
    streams = await _open(open_, person, edition, 16)
    client = await Client.connect(open_.endpoints.temporal or "", namespace=open_.endpoints.namespace)
    ours, bare, ours_rate, bare_rate = [], [], [], []
    async with Worker(client, task_queue="bare", workflows=[Bare], workflow_runner=UnsandboxedWorkflowRunner()):
        for _ in range(ROUNDS):
            ours.append(median([await _timed(_act(open_, person, streams[0])) for _ in range(ACTS)]))
            bare.append(median([await _timed(_bare(client, 0)) for _ in range(ACTS)]))
            ours_rate.append(await _together(lambda n: _act(open_, person, streams[n])))
            bare_rate.append(await _together(lambda n: _bare(client, n)))
    p50, p50_bare = median(ours) * 1000, median(bare) * 1000
    together, together_bare = median(ours_rate), median(bare_rate)
    return [
        BenchRow(
            "one act, p50", p50, "ms", "bare update-with-start, p50", p50_bare, "at most 1.6", p50 / p50_bare <= 1.6
        ),
        BenchRow(
            "acts, 16 at once over 16 cycles",
            together,
            "acts/s",
            "bare updates, 16 at once",
            together_bare,
            "0.5",
            together / together_bare >= 0.5,
        ),
    ]


async def _timed(work: Any) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _together(work: Any) -> float:
    async def line(number: int) -> None:
        for _ in range(ACTS // 2):
            await work(number)

    started = time.perf_counter()
    await asyncio.gather(*(line(number) for number in range(16)))
    return 16 * (ACTS // 2) / (time.perf_counter() - started)


async def _act(open_: Session, person: Contact, stream: str) -> None:
    fields = {"id": f"h-{uuid4().hex[:12]}", "kind": "other"}
    await open_.submit(stream, person, [CommandInput(stream, "record-meeting", fields)], strength="rehearsal")


async def _bare(client: Client, number: int) -> None:
    start: Any = WithStartWorkflowOperation(
        Bare.run, id=f"bare-{number}", task_queue="bare", id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING
    )
    await client.execute_update_with_start_workflow(Bare.nothing, "x" * 300, start_workflow_operation=start)


async def _office(open_: Session) -> tuple[Contact, Edition]:
    person = await open_.people.enter("thu-ky", "bench", "Thư ký")
    return person, read_model(ROOT / "rules" / "specimen-2020.yaml", Edition)


async def _open(open_: Session, person: Contact, edition: Edition, count: int, year: int = 2030) -> list[str]:
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
    await start_year(open_, file, edition, person, clock="wall", starts=starts)
    return [f"bench/{year}/cum-{n}" for n in range(count)]


async def idle_memory(open_: Session) -> list[BenchRow]:
    """The worker's memory before and after a thousand cycles of six units are open and idle."""
    person, edition = await _office(open_)
    pid = open_.endpoints.pids["worker"]
    await _open(open_, person, edition, 20, 2050)
    figures = [_resident(pid)]
    for part in range(IDLE // 100):
        await _open(open_, person, edition, 100, 2051 + part)
        await asyncio.sleep(1)
        figures.append(_resident(pid))
    kept, each = (figures[KEPT // 100] - figures[0]) / KEPT, (figures[-1] - figures[0]) / IDLE
    return [
        BenchRow(f"worker memory, each of the first {KEPT} idle cycles, all kept", kept, "kB"),
        BenchRow(
            f"worker memory, each of {IDLE} idle cycles ({RUNS_IN_MEMORY} runs kept)",
            each,
            "kB",
            target="at most 64 kB",
            met=each <= 64,
        ),
    ]


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


async def fifty_years(open_: Session) -> list[BenchRow]:
    """Fifty clusters' whole rehearsed years, sixteen at a time."""
    scenario = read_model(ROOT / "scenarios" / "2020-cum-1.yaml", Scenario)
    edition = read_model(ROOT / "rules" / "specimen-2020.yaml", Edition)
    rest = read_model(ROOT / "scenarios" / "rest-of-the-year.yaml", RehearsedYear)
    slots = asyncio.Semaphore(16)
    acts = 0

    async def one(number: int) -> None:
        nonlocal acts
        cluster = scenario.year.clusters[0].model_copy(update={"id": f"cum-{number}"})
        mine = scenario.model_copy(
            update={
                "cluster": cluster.id,
                "year": scenario.year.model_copy(update={"clusters": (cluster,), "cycle": f"2020-{number}"}),
            }
        )
        async with slots:
            player = ScenarioPlayer(open_, mine, f"bench-{number}")
            await player.enter_people()
            await player.open(edition)
            await player.enter_stated()
            if scenario.rehearse_from is not None:
                await player.rehearse(rest, scenario.rehearse_from)
            acts += player.acts

    started = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(1, CLUSTERS + 1)))
    seconds = time.perf_counter() - started
    events = len([1 for _s, tip in await open_.ledger.streams() for _ in range(tip.version)])
    return [
        BenchRow("50 clusters' rehearsed years", acts / seconds, "acts/s"),
        BenchRow("… of which events in the ledger", events, "events"),
    ]


async def engine(folder: Path) -> list[BenchRow]:
    """All of it on one engine."""
    os.environ.update(THIDUA_DATA=str(folder / "data"), THIDUA_LOGS=str(folder / "logs"), THIDUA_TEMPORAL="built")
    rows: list[BenchRow] = []
    for number, benches in enumerate(((against_a_bare_update, fifty_years), (idle_memory,))):
        # Memory on a worker of its own: the others' runs would make room for it.
        os.environ["THIDUA_DATA"] = str(folder / f"data-{number}")
        async with session("worker", print, rehearsal=True) as open_:
            for bench in benches:
                rows.extend(await bench(open_))
    return rows
