"""What breaks in an office: the worker is killed, PostgreSQL goes away, Temporal's database is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from conftest import eventually
from engine_help import (
    CITY,
    YEAR,
    assert_ledger_verifies,
    drop_database,
    enter_staff,
    event_names,
    open_cycle,
    state_of,
    units,
)
from soak import SOAK
from speech import RULES
from temporalio.client import Client

from application.application import CommandInput
from application.engine import PendingError
from application.gate import at_command_line
from cli.session import Session, session
from domain.codec import state_digest
from domain.installation import STREAM
from local import engine as local_engine
from local.certificates import ClientTls
from local.engine import Endpoints
from local.paths import Paths, paths
from local.postgres import PostgresServer, create_database
from local.process import Server
from local.temporal import DATABASES, ROLE
from workflows.client import open_client
from workflows.messages import workflow_of
from workflows.runs import POST

KILLS, CYCLES = (60, 8) if SOAK else (6, 2)
OUTAGE_S = 30.0 if SOAK else 10.0
CACHE = paths().cache


@pytest.fixture
def place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A data folder of the test's own, as the environment names it."""
    home = folder / f"faults-{uuid4().hex[:8]}"
    monkeypatch.setenv("THIDUA_DATA", str(home / "data"))
    monkeypatch.setenv("THIDUA_LOGS", str(home / "logs"))
    monkeypatch.setenv("THIDUA_TEMPORAL", "built")
    return Paths(home / "data", CACHE, home / "logs")


async def prepared(
    app: Session, stream: str, unit: str, act: str, fields: dict[str, Any]
) -> tuple[UUID, Callable[[], Any]]:
    """An act that is signed while the ledger can still be read."""
    person = await enter_staff(app, unit)
    item = await app.item(CommandInput(stream, act, fields))
    signed = await app.gate.sign(at_command_line(person), [item])

    async def submit() -> Any:
        return await app.submit_signed(stream, signed)

    return item.command_id, submit


async def until_done(submit: Callable[[], Any]) -> Any:
    """Hand in again with the same command id for as long as the answer is pending."""
    for _ in range(12):
        with contextlib.suppress(PendingError):
            return await submit()
    pytest.fail("still pending")


async def test_the_worker_is_killed_after_the_commit_again_and_again_and_every_act_happens_once(
    place: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = 0

    async def crash_and_restart(endpoints: Endpoints, app: Session, stop: asyncio.Event) -> None:
        nonlocal kills
        worker: Server | None = None
        while not stop.is_set():
            if worker is None or worker.process.poll() is not None:
                if worker is not None:
                    kills += 1
                worker = await asyncio.to_thread(crashing, place, endpoints, app, 0.4 if kills < KILLS else 0.0)
            await asyncio.sleep(0.02)
        if worker is not None:
            await asyncio.to_thread(worker.stop)

    async with session("temporal", print, rehearsal=True) as app:
        stop = asyncio.Event()
        supervisor = asyncio.create_task(crash_and_restart(app.endpoints, app, stop))
        members = units(15)
        done: Counter[str] = Counter()

        async def live(number: int) -> None:
            cluster = f"cum-{number}"
            stream = f"{CITY}/{YEAR}/{cluster}"
            digest = await app.texts.put_edition(RULES.model_dump_json())
            opening = {
                "organiser": CITY,
                "organiser_name": "T",
                "cluster_name": cluster,
                "year": YEAR,
                "edition": digest,
                "units": [{"id": u, "name": u} for u in members],
                "clock": "stepped",
                "starts": f"{YEAR}-01-01T00:00:00+07:00",
            }
            acts = [
                (CITY, "open-cycle", opening),
                (CITY, "present-draft", {"kind": "covenant", "document": {"title": "G"}}),
            ]
            acts += [(u, "sign", {"unit": u}) for u in members]
            acts += [(u, "take-stance", {"unit": u, "stance": "agreed"}) for u in members]
            acts += [(u, "report-midyear", {"unit": u, "report": {"title": "B"}}) for u in members]
            for unit, act, fields in acts:
                _id, submit = await prepared(app, stream, unit, act, fields)
                await until_done(submit)
                done[stream] += 1

        try:
            async with asyncio.TaskGroup() as cycles:
                for number in range(1, CYCLES + 1):
                    cycles.create_task(live(number))
        finally:
            stop.set()
            await supervisor
        print(f"\nkilled {kills} times, {done.total()} acts")
        for stream in done:
            counted = Counter(await event_names(app, stream))
            assert counted == {
                "CycleOpened": 1,
                "DraftPresented": 1,
                "CovenantSigned": 15,
                "StanceTaken": 15,
                "MidyearReported": 15,
            }
        await assert_ledger_verifies(app)
    assert kills >= KILLS
    assert "Diverged" not in "".join(log.read_text() for log in place.logs.glob("*.log") if log.name != "temporal.log")


def crashing(place: Paths, endpoints: Endpoints, app: Session, odds: float) -> Server:
    real = local_engine.start_server

    def start(name: str, command: list[str], **options: Any) -> Server:
        env = {**options.pop("env"), "THIDUA_CRASH": str(odds)}
        script = Path(__file__).with_name("crashing_worker.py")
        return real(name, [sys.executable, str(script)], env=env, **options)

    local_engine.start_server = start  # type: ignore[assignment]
    try:
        return local_engine.start_worker(place, endpoints, app.installed)
    finally:
        local_engine.start_server = real


async def test_the_ledger_is_away_for_a_while(place: Paths, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the ledger's PostgreSQL: Temporal lives on. Acts wait or are pending; afterwards each stands once."""
    apart = PostgresServer(place.data.parent / "apart", CACHE, place.logs / "apart.log")
    apart.start()
    try:
        await create_database(apart, "ledger")
        monkeypatch.setenv("DATABASE_URL", apart.url("ledger"))
        async with session("worker", print, rehearsal=True) as app:
            stream, acts = await _six_signatures(app)
            port = apart.port
            apart.stop()
            handing = [asyncio.create_task(until_done(submit)) for _id, submit in acts]
            await asyncio.sleep(OUTAGE_S)
            assert not any(task.done() for task in handing), "nothing can be true while the ledger is away"
            apart.start(port)
            receipts = await asyncio.gather(*handing)
            assert all(receipt.outcomes[0].versions for receipt in receipts)
            assert Counter(await event_names(app, stream))["CovenantSigned"] == 6
            await assert_ledger_verifies(app)
    finally:
        apart.stop()


async def _six_signatures(app: Session) -> tuple[str, list[tuple[UUID, Callable[[], Any]]]]:
    members = units(6)
    stream = await open_cycle(app, RULES, members=members)
    _id, draft = await prepared(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "G"}})
    await draft()
    return stream, [await prepared(app, stream, unit, "sign", {"unit": unit}) for unit in members]


YEAR_ACTS: list[tuple[str, str, dict[str, Any]]] = [
    (CITY, "present-draft", {"kind": "covenant", "document": {"title": "G"}}),
    *[(u, "sign", {"unit": u}) for u in units(3)],
    (CITY, "step-to", {"now": f"{YEAR}-07-05T09:00:00+07:00"}),
    (units(3)[0], "report-midyear", {"unit": units(3)[0], "report": {"title": "B"}}),
    # Here Temporal's database is lost.
    (CITY, "step-to", {"now": f"{YEAR}-07-25T09:00:00+07:00"}),
    (CITY, "report-midyear", {"unit": units(3)[1], "report": {"title": "B"}}),
    (CITY, "correct", {"version": 3, "reason": "Ký nhầm"}),
    (CITY, "step-to", {"now": f"{YEAR}-12-20T09:00:00+07:00"}),
    (CITY, "file-cycle", {}),
]
LOST_AFTER = 6


async def test_everything_is_terminated_and_temporals_databases_are_dropped_in_the_middle_of_a_year(
    place: Paths,
) -> None:
    """The next start brings all back by itself, and the year ends as it would have ended."""
    async with session("worker", print, rehearsal=True) as app:
        kept = await open_cycle(app, RULES, members=units(3), cluster="cum-1")
        lost = await open_cycle(app, RULES, members=units(3), cluster="cum-2")
        for unit, act, fields in YEAR_ACTS:
            await (await prepared(app, kept, unit, act, fields))[1]()
        for unit, act, fields in YEAR_ACTS[:LOST_AFTER]:
            await (await prepared(app, lost, unit, act, fields))[1]()
        await app.answers.settle(20)
        own = workflow_of(STREAM, app.installed.id)[1]
        async with a_client(app) as client:
            for id_ in (lost, own, POST):
                await client.get_workflow_handle(id_).terminate()
    server = PostgresServer(place.data / "postgresql", CACHE, place.logs / "postgresql.log")
    await asyncio.to_thread(server.start)
    for database in DATABASES:
        await drop_database(server.url(database))
    # As an operator might do who wants to be helpful: an empty database without schema.
    await create_database(server, "temporal", owner=ROLE)
    server.stop()
    async with session("worker", print, rehearsal=True) as app:
        begun = asyncio.get_running_loop().time()
        async with a_client(app) as client:

            async def all_run_again() -> bool:
                return {run.id async for run in client.list_workflows('ExecutionStatus = "Running"')} == {
                    lost,
                    own,
                    POST,
                }

            await eventually(all_run_again, 60)
        print(f"\nback {asyncio.get_running_loop().time() - begun:.1f} s after the start")
        for unit, act, fields in YEAR_ACTS[LOST_AFTER:]:
            await (await prepared(app, lost, unit, act, fields))[1]()
        assert await event_names(app, lost) == await event_names(app, kept)
        assert state_digest(await state_of(app, lost)) == state_digest(await state_of(app, kept))
        still_open = await open_cycle(app, RULES, members=units(3), cluster="cum-3")
        await assert_ledger_verifies(app)
    assert "runs again from the ledger" in (place.logs / "worker.log").read_text()
    done = await asyncio.to_thread(
        subprocess.run,
        [Path(sys.executable).with_name("thidua"), "resume", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["started"]) == {STREAM, still_open}, "a filed cycle has no run"


def a_client(app: Session) -> AbstractAsyncContextManager[Client]:
    return open_client(app.endpoints.temporal or "", app.endpoints.namespace, ClientTls.of(app.endpoints.tls))
