"""The supervisor: a part that hangs is started again, a busy one is not, and one that never recovers is given up."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from conftest import eventually
from engine_help import CITY, assert_ledger_verifies, open_cycle, state_of, submit, units
from speech import RULES
from temporalio.client import Client
from temporalio.worker import Worker

from application.heartbeat import Heartbeat
from cli.session import session
from local import engine
from local.engine import parts_that_answer
from local.process import EngineUnavailableError, Server, start_server
from local.questions import answers, grpc_answers, http_answers
from local.supervisor import Patience, SupervisedPart, Supervisor
from worker import note_polls
from workflows.cluster_cycle import ClusterCycle

QUICK = Patience(watch_s=0.02, ask_s=0.02, answer_s=0.5, misses=3, silent_s=0.0, start_s=0.5, pauses_s=(0.0,) * 3)


def sleeper(folder: Path) -> Server:
    return start_server("part", [sys.executable, "-c", "import time; time.sleep(600)"], log=folder / "part.log")


def scripted(*said: bool) -> Callable[[], Awaitable[bool]]:
    """Answers in this order; the last one from then on."""
    left = list(said)

    async def question() -> bool:
        return left.pop(0) if len(left) > 1 else left[0]

    return question


async def test_a_part_that_misses_a_few_questions_is_left_alone(tmp_path: Path) -> None:
    server, asked = sleeper(tmp_path), [0]

    async def question() -> bool:
        asked[0] += 1
        return asked[0] % 3 == 0  # twice busy, then it answers, for ever

    supervisor = Supervisor([SupervisedPart("part", question, server)], {}, print, QUICK)
    pid, watch = server.pid, asyncio.create_task(supervisor.run())
    await eventually(lambda: _true(asked[0] > 30))
    watch.cancel()
    assert server.pid == pid
    server.stop()


async def test_a_part_is_not_judged_while_one_that_it_needs_does_not_answer(tmp_path: Path) -> None:
    server, asked = sleeper(tmp_path), [0]

    async def silent() -> bool:
        asked[0] += 1
        return False

    parts = [SupervisedPart("database", scripted(False)), SupervisedPart("part", silent, server, ("database",))]
    watch = asyncio.create_task(Supervisor(parts, {}, print, QUICK).run())
    pid = server.pid
    await eventually(lambda: _true(asked[0] > 30))
    watch.cancel()
    assert server.pid == pid
    server.stop()


async def test_a_part_is_not_judged_by_a_supervisor_that_was_held_up_itself(tmp_path: Path) -> None:
    server, asked = sleeper(tmp_path), [0]

    async def late_question() -> bool:
        asked[0] += 1
        time.sleep(0.05)  # noqa: ASYNC251 - what holds the event loop up: an engine that decides thousands of commands
        return False

    patience = replace(QUICK, late_s=0.01)
    watch = asyncio.create_task(Supervisor([SupervisedPart("part", late_question, server)], {}, print, patience).run())
    pid = server.pid
    await eventually(lambda: _true(asked[0] > 30))
    watch.cancel()
    assert server.pid == pid
    server.stop()


async def test_who_remembers_what_another_part_may_have_lost_is_started_again_after_it(tmp_path: Path) -> None:
    """Once, when the other one answers, and without counting as a part that fails."""
    servers = {name: sleeper(tmp_path) for name in ("database", "engine", "reader")}
    back, said = asyncio.Event(), list[str]()

    async def database_answers() -> bool:
        return back.is_set() or servers["database"].pid == before["database"]

    parts = [
        SupervisedPart("database", database_answers, servers["database"]),
        SupervisedPart("engine", scripted(True), servers["engine"], ("database",), ("database",)),
        SupervisedPart("reader", scripted(True), servers["reader"], ("database",)),
    ]
    before = {name: server.pid for name, server in servers.items()}
    patience = replace(QUICK, start_s=30.0)
    watch = asyncio.create_task(Supervisor(parts, {}, said.append, patience).run())
    os.kill(before["database"], signal.SIGKILL)
    await eventually(lambda: _true(servers["database"].pid != before["database"]))
    assert servers["engine"].pid == before["engine"], "not before the database answers"
    back.set()
    await eventually(lambda: _true(servers["engine"].pid != before["engine"] and parts[1].answers))
    second = servers["engine"].pid
    asked = parts[1].asked_at
    await eventually(lambda: _true(parts[1].asked_at > asked))
    assert (servers["engine"].pid, servers["reader"].pid) == (second, before["reader"])
    assert ([part.starts for part in parts], len(said)) == ([1, 0, 0], 2)
    watch.cancel()
    for server in servers.values():
        server.stop()


async def test_a_part_that_never_answers_is_given_up_with_a_sentence(tmp_path: Path) -> None:
    server, said = sleeper(tmp_path), list[str]()
    supervisor = Supervisor([SupervisedPart("part", scripted(False), server)], {}, said.append, QUICK)
    with pytest.raises(EngineUnavailableError, match="part_given_up") as given_up:
        await supervisor.run()
    assert (given_up.value.exit_code, given_up.value.facts["times"], len(said)) == (3, 3, 3)
    server.stop()


async def test_a_given_up_part_ends_the_engine_with_its_error(tmp_path: Path) -> None:
    server = sleeper(tmp_path)
    supervisor = Supervisor([SupervisedPart("part", scripted(False), server)], {}, print, QUICK)
    with pytest.raises(EngineUnavailableError, match="part_given_up"):
        async with engine._supervised(supervisor):
            await asyncio.Event().wait()
    server.stop()


async def test_a_process_that_accepts_and_says_nothing_does_not_answer() -> None:
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    address = "{}:{}".format(*silent.sockets[0].getsockname())
    assert not await answers(partial(grpc_answers, address), 0.2)
    assert not await answers(partial(http_answers, address), 0.2)
    silent.close()
    assert not await answers(partial(http_answers, address), 0.2), "nor one that refuses"


async def http_server(host: str, said: bytes) -> tuple[asyncio.Server, str]:
    """A server that answers whatever it is asked with these bytes; and its address as it is written."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(serve, host, 0, family=socket.AF_UNSPEC)
    port = server.sockets[0].getsockname()[1]
    return server, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_process_is_asked_over_http_under_the_address_that_is_written(host: str) -> None:
    for status, well in ((200, True), (503, False)):
        server, address = await http_server(host, f"HTTP/1.1 {status} X\r\n\r\n".encode())
        assert await answers(partial(http_answers, address)) is well
        server.close()


async def test_a_strange_answer_is_a_miss_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    server, address = await http_server("127.0.0.1", b"x" * 1_000_000)
    assert not await answers(partial(http_answers, address))
    assert "a question failed" in caplog.text
    server.close()


async def test_a_part_that_answers_again_during_the_pause_is_left_alone(tmp_path: Path) -> None:
    server, said = sleeper(tmp_path), list[str]()
    pid, asked = server.pid, [0]

    async def question() -> bool:
        asked[0] += 1
        return asked[0] > QUICK.misses  # it misses as many as are allowed, and then it answers

    watch = asyncio.create_task(Supervisor([SupervisedPart("part", question, server)], {}, said.append, QUICK).run())
    await eventually(lambda: _true(asked[0] > 3 * QUICK.misses))
    watch.cancel()
    assert (server.pid, said) == (pid, [])
    server.stop()


async def test_a_start_that_fails_counts_and_is_tried_again(tmp_path: Path) -> None:
    server, said, pids = sleeper(tmp_path), list[str](), dict[str, int]()
    spawn, failures = server.spawn, [OSError("no memory")] * 2

    def failing() -> subprocess.Popen[bytes]:
        if failures:
            raise failures.pop()
        return spawn()

    server.spawn = failing
    part = SupervisedPart("part", scripted(True), server)
    watch = asyncio.create_task(Supervisor([part], pids, said.append, QUICK).run())
    os.kill(server.pid, signal.SIGKILL)
    await eventually(lambda: _true(pids or watch.done()))
    assert not watch.done()
    watch.cancel()
    assert (part.starts, pids, len(said)) == (3, {"part": server.pid}, 3)
    assert ["no memory" in line for line in said] == [True, True, False]
    server.stop()


async def test_the_worker_says_whether_temporal_has_seen_it_poll(client: Client) -> None:
    now, heartbeat = time.monotonic(), Heartbeat()
    heartbeat._polled_at = now - 1_000
    await note_polls(client, heartbeat, "hang-khong-ai-doc")
    assert not heartbeat.polls, "nobody polls this queue"
    async with Worker(client, task_queue="hang-co-nguoi-doc", workflows=[ClusterCycle]):

        async def polls() -> bool:
            await note_polls(client, heartbeat, "hang-co-nguoi-doc")
            return heartbeat.polls

        await eventually(polls)


async def test_every_part_that_hangs_is_started_again_and_nothing_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All four hang at once: the database comes first, what needs it after it."""
    home, said = folder / "hangs", list[str]()
    monkeypatch.setenv("THIDUA_DATA", str(home / "data"))
    monkeypatch.setenv("THIDUA_LOGS", str(home / "logs"))
    patience = Patience(watch_s=0.2, ask_s=0.5, answer_s=4.0, misses=2, silent_s=4.0)
    monkeypatch.setattr(engine, "Supervisor", partial(Supervisor, patience=patience))
    async with session("web", said.append, rehearsal=True) as app:
        stream = await open_cycle(app, RULES, members=units(2))
        before = dict(app.endpoints.pids)
        assert set(before) == {"postgresql", "temporal", "worker", "web"}
        assert all((await parts_that_answer(app.endpoints)).values())
        for name in os.environ.get("THIDUA_HANGS", "postgresql,temporal,worker,web").split(","):
            os.kill(before[name], signal.SIGSTOP)

        async def all_new() -> bool:
            pids = app.endpoints.pids
            return all(pids[name] != pid for name, pid in before.items()) and all(
                (await parts_that_answer(app.endpoints)).values()
            )

        await eventually(all_new, 240)
        assert (await state_of(app, stream)).lifecycle.opened
        draft = {"kind": "plan", "document": {"title": "Kế hoạch"}}
        await submit(app, stream, CITY, "present-draft", draft)
        await assert_ledger_verifies(app)


async def _true(found: object) -> bool:
    return bool(found)
