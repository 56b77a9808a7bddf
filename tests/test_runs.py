"""What runs is compared with what must: missing workflows are started, those of another engine are started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date
from functools import partial
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog.testing
from conftest import NewInstallation, eventually
from engine_help import CITY, YEAR, assert_ledger_verifies, enter_staff, open_cycle, queue_of, submit, units
from speech import RULES
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from application.gate import at_command_line
from application.year_file import YearFile, start_year
from cli.session import Session
from domain.installation import STREAM
from domain.times import start_of
from ledger.connection import DATABASE_ERRORS, LOCK_CLASS, RUNS_LOCK
from ledger.turn import Turn
from projections.board_table import Board
from projections.open_streams import decided_streams
from worker import compare_runs
from workflows.messages import workflow_of
from workflows.runs import POST, Runs, StartedRuns
from workflows.stream import ENGINE_EPOCH, EPOCH_MEMO, MEMO


async def compared(app: Session, client: Client, **options: Any) -> StartedRuns:
    """What the worker does every 30 s."""
    await Board(app.ledger, app.texts).catch_up()
    runs = Runs(client, app.installed.id, queue_of(app.installed))
    started = await runs.compare(partial(decided_streams, app.ledger), **options)
    assert started.error is None
    return started


async def runs_of(client: Client, id_: str) -> list[WorkflowExecution]:
    """The runs of a workflow that Temporal lists, whatever became of them."""
    return [run async for run in client.list_workflows(f'WorkflowId = "{id_}"')]


@pytest.fixture(autouse=True)
async def no_other_post(client: Client) -> AsyncIterator[None]:
    """The post's workflow is one of the whole server, which tests share."""
    yield
    with suppress(RPCError):
        await client.get_workflow_handle(POST).terminate()


async def settled(app: Session, client: Client) -> None:
    """Start what a test's installation lacks, so that what is started afterwards is what the test took away."""
    await compared(app, client)

    async def nothing_listed() -> bool:
        return not await compared(app, client)

    await eventually(nothing_listed)


async def test_what_was_terminated_runs_again_and_what_runs_is_left_alone(app: Session, client: Client) -> None:
    streams = [await open_cycle(app, RULES, members=units(2)) for _ in range(3)]
    await settled(app, client)
    own = workflow_of(STREAM, app.installed.id)[1]
    for id_ in (*streams[:2], own, POST):
        await client.get_workflow_handle(id_).terminate()
    found: set[str] = set()

    async def all_found() -> bool:
        started = await compared(app, client)
        assert started.replaced == []
        found.update(started.missing)
        return found == {*streams[:2], STREAM, POST}

    await eventually(all_found)
    assert not await compared(app, client), "just started: a list that is behind doubles nothing"
    assert len(await runs_of(client, streams[2])) == 1, "the control: it was not touched"
    for stream in streams:
        await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "G"}})
    await assert_ledger_verifies(app)


async def test_a_filed_cycle_is_not_started_and_a_reopened_one_is(app: Session, client: Client) -> None:
    stream = await open_cycle(app, RULES, members=units(2))
    await submit(app, stream, CITY, "file-cycle", {})
    handle = client.get_workflow_handle(stream)
    await handle.result()
    await compared(app, client)
    assert len(await runs_of(client, stream)) == 1
    await submit(app, stream, CITY, "reopen-cycle", {"reason": "Sót"})
    await handle.terminate()

    async def is_started() -> bool:
        return (await compared(app, client)).missing == [stream]

    await eventually(is_started)


FOREIGN: list[tuple[str, str, dict[str, int] | None]] = [
    ("ClusterCycle", "", {EPOCH_MEMO: ENGINE_EPOCH - 1}),
    ("ClusterCycle", "", {EPOCH_MEMO: ENGINE_EPOCH + 1}),
    ("ClusterCycle", "", None),
    ("ClusterCycle", "-cua-nguoi-la", MEMO),
    ("CityYear", "", MEMO),
]
"""Of another epoch, of a version that did not say it, on a stranger's queue, of another type."""


async def test_a_run_of_another_engine_is_started_again_from_the_ledger(app: Session, client: Client) -> None:
    own, *streams = [await open_cycle(app, RULES, members=units(2)) for _ in range(1 + len(FOREIGN))]
    await settled(app, client)
    for stream, (name, queue, memo) in zip(streams, FOREIGN, strict=True):
        await client.start_workflow(
            name,
            stream,
            id=stream,
            task_queue=queue_of(app.installed) + queue,
            memo=memo,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        )
    found: set[str] = set()

    async def all_replaced() -> bool:
        started = await compared(app, client)
        found.update(started.replaced, started.missing)  # one of another type ends by itself
        return found == set(streams)

    await eventually(all_replaced)
    assert len(await runs_of(client, own)) == 1, "the control"
    for stream in streams:
        await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "G"}})
    await assert_ledger_verifies(app)


async def test_a_filed_cycle_that_another_engine_runs_is_ended(app: Session, client: Client) -> None:
    stream = await open_cycle(app, RULES, members=units(2))
    await submit(app, stream, CITY, "file-cycle", {})
    await client.get_workflow_handle(stream).result()
    foreign = await client.start_workflow("ClusterCycle", stream, id=stream, task_queue="cua-nguoi-la")

    async def has_ended() -> bool:
        await compared(app, client)
        return (await foreign.describe()).status == WorkflowExecutionStatus.TERMINATED

    await eventually(has_ended)


async def test_several_at_once_start_each_workflow_once(app: Session, client: Client) -> None:
    streams = [await open_cycle(app, RULES, members=units(2)) for _ in range(4)]
    await settled(app, client)
    for stream in streams:
        await client.get_workflow_handle(stream).terminate()

    async def all_listed_as_ended() -> bool:
        runs = [run for stream in streams for run in await runs_of(client, stream)]
        return {run.status for run in runs} == {WorkflowExecutionStatus.TERMINATED}

    await eventually(all_listed_as_ended)
    started = await asyncio.gather(*(compared(app, client) for _ in range(4)))
    assert {stream for one in started for stream in one.missing} == set(streams)

    async def each_once() -> bool:
        return [len(await runs_of(client, stream)) for stream in streams] == [2] * 4

    await eventually(each_once)


async def test_years_and_what_they_open_are_of_this_epoch_and_stay_so_in_new_runs(app: Session, client: Client) -> None:
    """A year goes on in a new run after it has opened cycles, which are its children."""
    clusters = [
        {"id": f"cum-{n}", "name": f"Cụm {n}", "units": [{"id": f"u-{n}", "name": f"Đơn vị {n}"}]} for n in range(2)
    ]
    year = f"{YEAR}-{uuid4().hex[:8]}"
    head = {"organiser": CITY, "organiser_name": "T", "year": YEAR, "cycle": year, "plan": {"title": "KH"}}
    file = YearFile.model_validate({**head, "edition": "-", "clusters": clusters})
    person = at_command_line(await enter_staff(app, CITY))
    await start_year(app, file, RULES, person, clock="stepped", starts=start_of(date(YEAR, 1, 1)))
    await app.answers.settle(20)
    started = await compared(app, client)
    assert not {f"{CITY}/{year}", *(f"{CITY}/{year}/cum-{n}" for n in range(2))} & {*started.missing, *started.replaced}
    for stream, runs in ((f"{CITY}/{year}", 2), (f"{CITY}/{year}/cum-0", 1)):

        async def are_listed(stream: str = stream, runs: int = runs) -> bool:
            return len(await runs_of(client, stream)) == runs

        await eventually(are_listed)
        assert {await run.memo_value(EPOCH_MEMO, None) for run in await runs_of(client, stream)} == {ENGINE_EPOCH}


async def test_the_board_may_be_behind(app: Session, client: Client) -> None:
    """Which cycles are open does not depend on how far the board is."""
    board = Board(app.ledger, app.texts)
    open_, filed, reopened, refiled = [await open_cycle(app, RULES, members=units(1)) for _ in range(4)]
    own = {STREAM: True}
    assert await decided_streams(app.ledger) == {**own, open_: True, filed: True, reopened: True, refiled: True}
    for stream in (filed, reopened):
        await submit(app, stream, CITY, "file-cycle", {})
    await board.catch_up()
    await submit(app, reopened, CITY, "reopen-cycle", {"reason": "Sót"})
    await submit(app, refiled, CITY, "file-cycle", {})
    expected = {**own, open_: True, filed: False, reopened: True, refiled: False}
    assert await decided_streams(app.ledger) == expected
    await board.catch_up()
    assert await decided_streams(app.ledger) == expected


async def test_one_worker_of_several_compares_and_another_when_it_has_ended(new_installation: NewInstallation) -> None:
    endpoints, _installed, _where = await new_installation()
    first, second = Turn(endpoints.database_url, RUNS_LOCK), Turn(endpoints.database_url, RUNS_LOCK)
    assert [await first.is_mine(), await second.is_mine(), await first.is_mine()] == [True, False, True]
    first.close()

    async def has_passed() -> bool:
        return await second.is_mine()

    await eventually(has_passed)
    assert not await first.is_mine()
    assert (first.was_lost, second.was_lost) == (False, False)
    first.close()
    second.close()


async def test_after_the_database_was_lost_every_run_is_started_again(app: Session, client: Client) -> None:
    """Temporal may remember what its databases have lost, and wait for tasks that nobody will send."""
    stream = await open_cycle(app, RULES, members=units(1))
    await settled(app, client)
    turn, board = Turn(app.ledger.url, RUNS_LOCK), Board(app.ledger, app.texts)
    work = partial(compare_runs, Runs(client, app.installed.id, queue_of(app.installed)), app.ledger, board, turn)
    with structlog.testing.capture_logs() as logs:
        await work()
        await work()
        assert logs == [], "where nothing is started, nothing is said"
        owner = await asyncpg.connect(app.endpoints.owner_url)
        await owner.execute(
            "select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database "
            "where d.datname = current_database() and l.locktype = 'advisory' and classid = $1 and objid = $2",
            LOCK_CLASS,
            RUNS_LOCK,
        )
        await owner.close()
        with pytest.raises(DATABASE_ERRORS):
            await work()
        await work()
        await work()
    assert [(log["event"], log["missing"], log["database_was_away"]) for log in logs] == [
        ("runs again from the ledger", 0, True)
    ]
    assert set(logs[0]["streams"]) == {stream, STREAM, POST}
    turn.close()
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "G"}})
