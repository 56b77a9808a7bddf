"""The servers of one machine: ports that another process takes in between, a Temporal server that is not ours."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import asyncpg
import pytest
from conftest import eventually, paths
from engine_help import CITY, assert_ledger_verifies, open_cycle, submit, units
from speech import RULES
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest, RegisterNamespaceRequest
from temporalio.client import Client

from cli.session import session
from local import process
from local.engine import serve
from local.postgres import PostgresServer
from local.process import EngineUnavailableError, free_ports
from local.temporal import NAMESPACE, TemporalServer, start_temporal


@contextmanager
def somebody_elses_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_ports(1)[0]))
        taken.listen()
        yield taken.getsockname()[1]


def at_first(port: int, place: int = 0) -> Callable[[int], list[int]]:
    """Ports of which one is taken, the first time; free ones afterwards."""
    calls = 0

    def ports(count: int) -> list[int]:
        nonlocal calls
        calls += 1
        found = free_ports(count)
        if calls == 1:
            found[place] = port
        return found

    return ports


def test_postgresql_starts_elsewhere_when_its_port_was_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = PostgresServer(folder / "taken", paths().cache, folder / "taken.log")
    with somebody_elses_port() as port:
        monkeypatch.setattr(process, "free_ports", at_first(port))
        try:
            assert server.start().port != port
        finally:
            server.stop()
        monkeypatch.setattr(process, "free_ports", at_first(port))
        monkeypatch.setattr(process, "TRIES", 1)
        with pytest.raises(EngineUnavailableError, match="server_ended"):
            server.start()


@pytest.mark.parametrize("place", [0, 1, -1], ids=["frontend", "membership", "http"])
async def test_temporal_starts_elsewhere_when_a_port_was_taken(
    folder: Path, temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    assert temporal.how == "built"
    where = folder / f"taken-temporal-{place}"
    where.mkdir()
    postgres = PostgresServer(where / "postgresql", paths().cache, where / "postgresql.log").start()
    said: list[str] = []
    try:
        with somebody_elses_port() as port:
            # PostgreSQL runs already; the next ports are for Temporal.
            monkeypatch.setattr(process, "free_ports", at_first(port, place))
            server = await start_temporal(postgres, paths().cache, where, where, said.append)
            assert server.how == "built"
            await server.stop()
            log = (where / "temporal.log").read_text()
            assert "address already in use" in log, "the first try met the taken port"
    finally:
        postgres.stop()


async def test_addresses_that_a_killed_engine_left_behind_mislead_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folder / "killed"
    monkeypatch.setenv("THIDUA_DATA", str(home / "data"))
    monkeypatch.setenv("THIDUA_LOGS", str(home / "logs"))
    async with session("ledger", print, rehearsal=True) as app:
        left = {**asdict(app.endpoints), "pid": 1}
    (home / "data" / "engine.json").write_text(json.dumps(left))
    async with session("ledger", print) as app:
        assert await app.ledger.last_position() > 0
    assert not (home / "data" / "engine.json").exists()


@pytest.mark.parametrize(
    ("language", "says"), [("en", "start with a new data folder"), ("vi", "hãy bắt đầu với thư mục dữ liệu mới")]
)
async def test_a_data_folder_of_another_schema_is_named_and_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, language: str, says: str
) -> None:
    home = folder / f"differs-{language}"
    monkeypatch.setenv("THIDUA_DATA", str(home / "data"))
    monkeypatch.setenv("THIDUA_LOGS", str(home / "logs"))
    monkeypatch.setenv("THIDUA_LANG", language)
    async with session("ledger", print, rehearsal=True) as app:
        owner = await asyncpg.connect(app.endpoints.owner_url)
        await owner.execute("update ledger.baseline set digest = 'of another state'")
        await owner.close()
    for _ in range(2):
        done = await asyncio.to_thread(
            subprocess.run,
            [str(Path(sys.executable).with_name("thidua")), "board"],
            env=dict(os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (3, "", False)
        # A line of the terminal may end between two words.
        text = " ".join(done.stderr.split())
        assert says in text
        assert f"{home}/data" in text.replace(" ", "")


async def test_a_command_waits_for_an_engine_that_is_coming_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, said, stop = folder / "coming", list[str](), asyncio.Event()
    monkeypatch.setenv("THIDUA_DATA", str(home / "data"))
    monkeypatch.setenv("THIDUA_LOGS", str(home / "logs"))
    async with session("ledger", print, rehearsal=True) as app:
        other = asyncio.create_task(_head(said))
        await eventually(lambda: _true(said))
        serving = asyncio.create_task(serve(app.paths, app.endpoints, stop))
        assert await other > 0
        stop.set()
        await serving
    assert len(said) == 1, "it says once that it waits"


async def _head(said: list[str]) -> int:
    async with session("ledger", said.append) as app:
        return await app.ledger.last_position()


async def _true(found: object) -> bool:
    return bool(found)


@pytest.fixture
def not_ours(folder: Path, temporal: TemporalServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that is told of a Temporal server."""
    home = folder / "given"
    monkeypatch.delenv("THIDUA_TEMPORAL")
    for name, value in {
        "THIDUA_DATA": str(home / "data"),
        "THIDUA_LOGS": str(home / "logs"),
        "TEMPORAL_ADDRESS": temporal.address,
        "TEMPORAL_NAMESPACE": "cua-nguoi-khac",
        **(temporal.tls.environment() if temporal.tls else {}),
    }.items():
        monkeypatch.setenv(name, value)
    return home


async def test_a_temporal_server_that_is_not_ours_carries_a_cycle(not_ours: Path, client: Client) -> None:
    with pytest.raises(EngineUnavailableError, match="no_namespace"):
        async with session("worker", print, rehearsal=True):
            pass
    wanted = RegisterNamespaceRequest(namespace="cua-nguoi-khac")
    wanted.workflow_execution_retention_period.FromSeconds(86_400)
    await client.workflow_service.register_namespace(wanted)
    async with session("worker", print, rehearsal=True) as app:
        stream = await open_cycle(app, RULES, members=units(2))
        await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch"}})
        await assert_ledger_verifies(app)
        assert "temporal" not in app.endpoints.pids, "no server of ours was started"
    assert (await client.workflow_service.get_system_info(GetSystemInfoRequest())).server_version, "and theirs goes on"


async def test_a_command_starts_no_worker_where_one_runs_elsewhere(
    not_ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", NAMESPACE)
    monkeypatch.setenv("THIDUA_WORKER", "elsewhere")
    async with session("worker", print, rehearsal=True) as app:
        assert "worker" not in app.endpoints.pids


async def test_a_temporal_server_that_does_not_answer_is_named(not_ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
    with pytest.raises(EngineUnavailableError, match="temporal_away"):
        async with session("worker", print, rehearsal=True):
            pass
