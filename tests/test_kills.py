"""Worker, Temporal, PostgreSQL and web are killed under eight people who act: nothing is lost or happens twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from account_help import make_account
from conftest import eventually, running_worker
from engine_help import CITY, assert_ledger_verifies, enter_staff, open_cycle, units
from soak import SOAK
from speech import RULES

from accounts.store import Accounts
from application.administration import Administration
from application.application import CommandInput
from application.gate import at_command_line
from cli.session import Session, session
from domain.administration import MakeAccount
from domain.installation import STREAM
from errors import HTTP_STATUSES, CodedError, Kind
from ledger.connection import is_lost, open_pool
from local import engine
from local import postgres as local_postgres
from local.certificates import ClientTls
from local.supervisor import Patience, Supervisor
from workflows.client import open_client
from workflows.messages import TASK_QUEUE, TASK_TIMEOUT, workflow_of

KILLS = 60 if SOAK else 4
PARTS = ("postgresql", "worker", "web", "temporal")
CLIENTS = 8
PAUSE_S = 0.1
"""Between two acts of one person."""

LAST_OF_START = 2
"""Events of a run whose first task waits: started, and scheduled."""

SEED = int(os.environ.get("SEED", "17"))


@dataclass(slots=True)
class Person:
    """Comments again and again, each time until there is a receipt, always under the same command id."""

    stream: str
    unit: str
    submit: Callable[[CommandInput], Awaitable[bool]]
    """Returns whether there is a receipt; False where it shall be tried again."""
    recorded: dict[UUID, float] = field(default_factory=dict)
    """When each receipt was had."""
    longest: float = 0.0

    async def live(self, stop: asyncio.Event) -> None:
        """Act until told to stop; the act that is begun is brought to its end."""
        while not stop.is_set():
            number = len(self.recorded)
            text = f"Ý kiến {number} của {self.unit}"
            act = CommandInput(self.stream, "comment", {"by": {"unit": self.unit}, "text": text}, uuid4())
            begun = time.monotonic()
            while not await self.submit(act):
                assert time.monotonic() - begun < 120, "no receipt in two minutes"
                await asyncio.sleep(PAUSE_S)
            self.recorded[act.command_id] = time.monotonic()
            self.longest = max(self.longest, time.monotonic() - begun)
            await asyncio.sleep(PAUSE_S)


def passes(error: Exception) -> bool:
    """Whether the same act may be tried again."""
    return is_lost(error) or (isinstance(error, CodedError) and error.kind in {Kind.PENDING, Kind.AWAY})


async def by_engine(app: Session, submitter: Any, act: CommandInput) -> bool:
    """As the command line does it."""
    try:
        await app.submit(act.stream, submitter, [act])
    except Exception as error:
        if not passes(error):
            raise
        return False
    return True


async def by_web(http: httpx.AsyncClient, act: CommandInput) -> bool:
    """As a program does it over the JSON interface of the pages."""
    body = {"act": act.act, "fields": act.fields, "command_id": str(act.command_id)}
    try:
        answer = await http.post(f"/api/v1/cycles/{act.stream}/acts", json=body)
    except httpx.TransportError:
        return False
    assert answer.status_code in {201, HTTP_STATUSES[Kind.AWAY]}, answer.text
    return answer.status_code == 201


async def people(app: Session) -> list[Person]:
    """Two people for each of four cycles: one at the command line, one at the pages' interface."""
    pool = await open_pool(app.endpoints.web_url)
    found = []
    for _ in range(CLIENTS // 2):
        stream = await open_cycle(app, RULES, members=units(2))
        contact = await enter_staff(app, "don-vi-1")
        found.append(Person(stream, "don-vi-1", partial(by_engine, app, at_command_line(contact))))
        clerk = (await app.people.enter(f"cb-{uuid4().hex[:8]}", "don-vi-2", "Cán bộ")).id
        await make_account(app, clerk)
        token = await Accounts(pool).new_token(clerk, "thử", "act", 1)
        http = httpx.AsyncClient(
            base_url=app.endpoints.web_address or "", timeout=60, headers={"Authorization": f"Bearer {token}"}
        )
        found.append(Person(stream, "don-vi-2", partial(by_web, http)))
    pool.terminate()
    return found


async def test_every_part_is_killed_again_and_again_and_every_act_happens_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, said, chance = folder / "kills", list[str](), random.Random(SEED)  # noqa: S311 - moments, no secret
    monkeypatch.setenv("THIDUA_DATA", str(home / "data"))
    monkeypatch.setenv("THIDUA_LOGS", str(home / "logs"))
    # What is killed by us is no part that always ends at once.
    patience = Patience(watch_s=0.1, ask_s=0.5, steady_s=1.0)
    monkeypatch.setattr(engine, "Supervisor", partial(Supervisor, patience=patience))
    async with session("web", said.append, rehearsal=True) as app:
        everybody, stop = await people(app), asyncio.Event()
        begun = time.monotonic()
        kills: list[tuple[str, float]] = []

        async def kill() -> None:
            for number in range(KILLS):
                part = PARTS[number % len(PARTS)]
                pids = app.endpoints.pids
                pid, before = pids[part], [len(one.recorded) for one in everybody]
                os.kill(pid, signal.SIGKILL)
                kills.append((part, time.monotonic()))

                async def goes_on(part: str = part, pid: int = pid, before: list[int] = before) -> bool:
                    acted = all(len(one.recorded) > count for one, count in zip(everybody, before, strict=True))
                    return acted and app.endpoints.pids[part] != pid

                await eventually(goes_on, 120)
                await asyncio.sleep(chance.random())  # the next one comes at another moment
            stop.set()

        async with asyncio.TaskGroup() as group:
            for person in everybody:
                group.create_task(person.live(stop))
            group.create_task(kill())
        took = time.monotonic() - begun
        receipts = sorted(at for person in everybody for at in person.recorded.values())
        gaps = list(zip([begun, *receipts], receipts, strict=False))
        after = dict.fromkeys(PARTS, 0.0)
        for (part, moment), (_next, until) in pairwise([*kills, ("", receipts[-1])]):
            after[part] = max(after[part], *(end - start for start, end in gaps if moment < end <= until))
        longest = max(person.longest for person in everybody)
        print(
            f"\n{KILLS} kills in {took:.0f} s, {len(receipts)} acts; longest act {longest:.1f} s; longest silence "
            f"{max(after.values()):.1f} s, after the kill of "
            + ", ".join(f"{part} {seconds:.1f} s" for part, seconds in after.items())
        )
        for stream in {person.stream for person in everybody}:
            ids = [row.command_id for row, _envelope in await app.history(stream) if row.type == "CommentAdded"]
            acknowledged = [id_ for person in everybody if person.stream == stream for id_ in person.recorded]
            assert sorted(ids) == sorted(acknowledged), "none lost, none doubled"
        await assert_ledger_verifies(app)
    assert "Diverged" not in (home / "logs" / "worker.log").read_text()


async def test_a_run_goes_on_whose_last_moment_was_lost_with_the_database(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL crashes after a task was done and before its commit was written to disk; Temporal itself lives on.

    Temporal remembers the task as done, its database as waiting: nobody would do it again.
    """
    home = folder / "moment"
    monkeypatch.setenv("THIDUA_DATA", str(home / "data"))
    monkeypatch.setenv("THIDUA_LOGS", str(home / "logs"))
    # The moment lasts long enough to be met.
    monkeypatch.setitem(local_postgres.SETTINGS, "wal_writer_delay", "10000ms")
    async with session("temporal", print, rehearsal=True) as app:
        secretary = await enter_staff(app, CITY)
        await make_account(app, secretary.id, "secretariat")
        await app.people.enter("an", "don-vi-1", "An")
        tls = ClientTls.of(app.endpoints.tls)
        async with open_client(app.endpoints.temporal or "", app.endpoints.namespace, tls) as client:
            name, id_ = workflow_of(STREAM, app.installed.id)
            run = await client.start_workflow(name, STREAM, id=id_, task_queue=TASK_QUEUE, task_timeout=TASK_TIMEOUT)
            # A commit of the ledger takes all that was committed before it to the disk.
            await app.texts.put("Văn bản")

            async def is_done() -> bool:
                return (await run.describe()).history_length > LAST_OF_START

            assert not await is_done()
            async with running_worker(client, app.ledger, app.texts, app.installed, TASK_QUEUE):
                await eventually(is_done)
                pid = app.endpoints.pids["postgresql"]
                os.kill(pid, signal.SIGKILL)

                async def is_recorded() -> bool:
                    try:
                        act = MakeAccount(person="an", kind="staff")
                        await Administration(app).record(at_command_line(secretary), act)
                    except Exception as error:
                        if not passes(error):
                            raise
                        return False
                    return True

                await eventually(is_recorded, 90)
                assert app.endpoints.pids["postgresql"] != pid
