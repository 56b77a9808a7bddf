"""Answers come from the ledger: as soon as it holds a command, whatever becomes of the engine, and never before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import liar
import pytest
from conftest import eventually
from engine_help import CITY, YEAR, enter_staff, event_names, open_cycle, queue_of, submit, units
from liar import lying_engine
from speech import RULES
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from web_help import PASSWORD, Site

from application.application import Application, CommandInput
from application.engine import PendingError, RefusedError, UnreachableError
from application.gate import at_command_line
from cli.session import Session
from ledger.events import RecordedEvent
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Appended, Behind, Diverged
from ledger.receipts import Receipt
from ledger.signing import SignedBatch
from web import urls
from workflows.client import TemporalClient, open_client
from workflows.cluster_cycle import ClusterCycle

PAPER = {"title": "Giao ước"}
NEVER_S = 1_000.0


async def ready(app: Session, count: int = 3, **options: Any) -> tuple[str, list[str]]:
    members = units(count)
    stream = await open_cycle(app, RULES, members=members, **options)
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": PAPER})
    return stream, members


def meeting(stream: str, name: str, command: UUID | None = None) -> CommandInput:
    return CommandInput(stream, "record-meeting", {"id": name, "kind": "other"}, command or uuid4())


def signing(stream: str, unit: str) -> CommandInput:
    return CommandInput(stream, "sign", {"unit": unit})


async def signed(app: Application, *inputs: CommandInput, unit: str = CITY) -> SignedBatch:
    person = await app.people.enter(f"cb-{unit}-1", unit, "Cán bộ 1")
    return await app.gate.sign(at_command_line(person), [await app.item(one) for one in inputs])


class Silent:
    """The real engine, whose answer gets lost."""

    def __init__(self, client: Any) -> None:
        self._client, self.answered = client, asyncio.Event()

    async def submit(self, stream: str, batch: SignedBatch) -> Receipt:
        await self._client.submit(stream, batch)
        self.answered.set()
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
async def nobody() -> AsyncIterator[TemporalClient]:
    """A client of a server that is not there."""
    async with open_client("127.0.0.1:9", "thidua", None, lazy=True) as client:
        yield TemporalClient(client)


# Nothing but the ledger says "recorded" ---------------------------------------------------------------------------


@pytest.mark.parametrize("known", [False, True])
async def test_what_a_false_worker_acknowledges_is_pending(
    app: Session, client: Client, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    stream, members = await ready(app)
    before = await event_names(app, stream)
    monkeypatch.setattr(liar, "KNOWN", known)
    batch = await signed(app, signing(stream, members[0]), unit=members[0])
    real = app.client
    async with lying_engine(client, stream) as false:
        assert (await false.submit(stream, batch)).outcomes[0].versions == [1], "the control: it does acknowledge"
        app.client = false
        with pytest.raises(PendingError):
            await app.submit_signed(stream, batch)
        inputs = [meeting(stream, "hop-1")]
        ((_stream, error),) = await app.submit_to_each(at_command_line(await enter_staff(app, CITY)), inputs)
        assert isinstance(error, PendingError)
    assert await event_names(app, stream) == before
    app.client = real
    assert (await app.submit_signed(stream, batch)).outcomes[0].versions == [3], "the control: it can be recorded"


async def test_a_page_and_the_interface_tell_no_receipt_of_a_false_worker_and_the_draft_stays(
    site: Site, client: Client
) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("an", "don-vi-1")
    an = await site.log_in("an")
    token = await site.services.accounts.new_token("an", "thử", "sign", 1)
    head, path, inside = (
        {"Authorization": f"Bearer {token}"},
        urls.act_url(stream, "comment"),
        site.services.application,
    )
    body = {"act": "comment", "fields": {"by": {"unit": "don-vi-1"}, "text": "Ý kiến khác"}}
    async with lying_engine(client, stream) as inside.client:
        await an.get(path)
        fields = {**an.hidden(), "by.unit": "don-vi-1", "text": "Ý kiến dài", "_step": "send"}
        await an.post(path, **fields)
        assert (an.status, fields["_id"] in an.page, "Ý kiến dài" in an.page) == (503, True, True)
        assert "Đã ghi vào sổ" not in an.page
        answer = await an.http.post(f"/api/v1/cycles/{stream}/acts", json=body, headers=head)
        assert (answer.status_code, answer.json()["code"]) == (503, "pending")
    kept = await site.services.drafts.load("an", path)
    assert kept is not None
    assert kept[0]["text"] == "Ý kiến dài"
    assert await event_names(site.app, stream) == ["CycleOpened"]
    inside.client = site.app.client
    await an.post(path, **fields)
    assert (an.status, "Đã ghi vào sổ" in an.page) == (200, True)
    assert await site.services.drafts.load("an", path) is None, "the control: it goes with the receipt"
    answer = await an.http.post(f"/api/v1/cycles/{stream}/acts", json=body, headers=head)
    assert answer.status_code == 201


async def test_minutes_of_which_a_false_worker_says_that_they_are_recorded_stay_a_draft(
    site: Site, client: Client
) -> None:
    stream = await open_cycle(site.app, RULES, members=units(2))
    await site.person("thu-ky", CITY, "secretariat")
    secretary, inside = await site.log_in("thu-ky"), site.services.application
    begin, path = f"/cum/{stream}/hoi-nghi", urls.minutes_url(stream, "hop-1")
    await secretary.get(begin)
    await secretary.post(begin, **{**secretary.hidden(), "id": "hop-1", "_on": f"01/01/{YEAR}", "kind": "other"})
    assert secretary.at == path
    await secretary.get(urls.minutes_url(stream, "hop-1", part="check"))
    fields = {"_step": "enter", "_password": PASSWORD}
    async with lying_engine(client, stream) as inside.client:
        await secretary.post(path, **secretary.hidden() | fields)
        assert secretary.status == 503
    assert not any(one.sent for one in await site.services.shared.cells(path))
    inside.client = site.app.client
    await secretary.post(path, **secretary.hidden() | fields)
    assert secretary.status == 200
    assert all(one.sent for one in await site.services.shared.cells(path)), "the control"
    assert (await event_names(site.app, stream))[-1] == "MeetingHeld"


async def test_what_says_something_recorded_again_is_known_when_the_ledger_says_so(
    app: Session, client: Client
) -> None:
    """A second signature of a unit is no new event: its command stands nowhere, and the decision is made again."""
    stream, members = await ready(app)
    first = await submit(app, stream, members[0], "sign", {"unit": members[0]})
    again = await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert (again.outcomes[0].known, again.outcomes[0].versions) == (True, first.outcomes[0].versions)
    new, said_before = meeting(stream, "hop-1"), signing(stream, members[0])
    both = await app.submit_signed(stream, await signed(app, new, said_before))
    assert [(one.known, one.versions) for one in both.outcomes] == [(False, [4]), (True, [3])]
    async with lying_engine(client, stream) as app.client:
        kept = await app.submit_signed(stream, await signed(app, signing(stream, members[0]), unit=members[0]))
        assert (kept.outcomes[0].known, kept.outcomes[0].versions) == (True, [3]), "true, whoever says it"
        with pytest.raises(PendingError):
            await app.submit_signed(stream, await signed(app, signing(stream, members[1]), unit=members[1]))


async def test_a_command_id_with_other_content_is_reused_whatever_the_engine_says(
    app: Session, client: Client, nobody: TemporalClient
) -> None:
    stream, members = await ready(app)
    command = uuid4()
    await submit(app, stream, members[0], "sign", {"unit": members[0]}, command=command)
    real = app.client
    same = CommandInput(stream, "sign", {"unit": members[0]}, command)
    payload = CommandInput(stream, "take-stance", {"unit": members[0], "stance": "agreed"}, command)
    async with lying_engine(client, stream) as false:
        for engine in (nobody, false, real):
            app.client = engine
            for other, unit in ((payload, members[0]), (same, CITY)):
                with pytest.raises(RefusedError) as refused:
                    await app.submit_signed(stream, await signed(app, other, unit=unit))
                assert (refused.value.code, refused.value.facts) == ("command_reused", {"command": str(command)})
            kept = await app.submit_signed(stream, await signed(app, same, unit=members[0]))
            assert (kept.outcomes[0].known, kept.outcomes[0].versions) == (True, [3]), "the control"
    app.client = nobody
    with pytest.raises(UnreachableError):
        await app.submit_signed(stream, await signed(app, signing(stream, members[1]), unit=members[1]))


async def test_a_refusal_comes_from_the_engine(app: Session) -> None:
    stream, members = await ready(app)
    before = await event_names(app, stream)
    with pytest.raises(RefusedError) as refused:
        await submit(app, stream, members[0], "sign", {"unit": members[1]})
    assert refused.value.code == "not_yours"
    assert await event_names(app, stream) == before


async def test_a_batch_of_which_a_part_is_known_waits_for_the_engine(app: Session) -> None:
    stream, _members = await ready(app)
    first, second = meeting(stream, "hop-1"), meeting(stream, "hop-2")
    await app.submit_signed(stream, await signed(app, first))
    held = Held(app.client)
    app.client = held
    waiting = asyncio.create_task(app.submit_signed(stream, await signed(app, first, second)))
    await held.begun.wait()
    looks = Looks(app.ledger)
    await eventually(lambda: looks.at_least(2))
    assert not waiting.done()
    held.go_on.set()
    assert [(one.known, one.versions) for one in (await waiting).outcomes] == [(True, [3]), (False, [4])]
    wrong = CommandInput(stream, "sign", {"unit": "quan-khac"})
    with pytest.raises(RefusedError) as refused:
        await app.submit_signed(stream, await signed(app, first, wrong))
    assert refused.value.index == 1


class Held:
    """The real engine, which begins when it is let."""

    def __init__(self, client: Any) -> None:
        self._client, self.begun, self.go_on = client, asyncio.Event(), asyncio.Event()

    async def submit(self, stream: str, batch: SignedBatch) -> Any:
        self.begun.set()
        await self.go_on.wait()
        return await self._client.submit(stream, batch)


class Looks:
    """Counts the queries for commands, and what they ask for."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self.asked: list[Collection[tuple[str, UUID]]] = []
        real = ledger.of_commands

        async def of_commands(commands: Collection[tuple[str, UUID]]) -> tuple[RecordedEvent, ...]:
            self.asked.append(commands)
            return await real(commands)

        ledger.of_commands = of_commands  # type: ignore[method-assign]

    async def at_least(self, count: int) -> bool:
        return len(self.asked) >= count


# What becomes of the engine after the commit ----------------------------------------------------------------------


async def test_a_receipt_comes_though_the_update_still_runs(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, members = await ready(app)
    release, append = asyncio.Event(), PostgresLedger.append

    async def commit_and_hang(ledger: PostgresLedger, request: Append) -> Appended | Behind:
        answer = await append(ledger, request)
        await release.wait()
        return answer

    monkeypatch.setattr(PostgresLedger, "append", commit_and_hang)
    batch = await signed(app, signing(stream, members[0]), unit=members[0])
    receipt = await app.submit_signed(stream, batch)
    assert (receipt.outcomes[0].known, receipt.outcomes[0].versions) == (False, [3])
    assert len(app.answers._running) == 1, "the engine has not answered"
    release.set()
    await app.close()
    assert not app.answers._running


@pytest.mark.parametrize("to_the_end", [False, True])
async def test_an_update_that_fails_after_the_commit_is_recorded(
    app: Session, monkeypatch: pytest.MonkeyPatch, to_the_end: bool
) -> None:
    stream, members = await ready(app)
    append = PostgresLedger.append

    async def commit_and_fail(ledger: PostgresLedger, request: Append) -> Appended | Behind:
        await append(ledger, request)
        raise Diverged("read_diverged", position=0)

    monkeypatch.setattr(PostgresLedger, "append", commit_and_fail)
    batch = await signed(app, signing(stream, members[0]), unit=members[0])
    assert app.client is not None
    receipt = await app.answers.submit(app.client, stream, batch, to_the_end=to_the_end)
    assert (receipt.outcomes[0].known, receipt.outcomes[0].versions) == (False, [3])
    other = await signed(app, signing(stream, members[1]), unit=members[1])
    with pytest.raises(Diverged):
        await app.client.submit(stream, other)
    monkeypatch.undo()


async def test_an_answer_that_gets_lost_is_made_up_by_the_ledger(app: Session) -> None:
    stream, members = await ready(app)
    app.client = Silent(app.client)
    batch = await signed(app, signing(stream, members[0]), unit=members[0])
    assert (await asyncio.wait_for(app.submit_signed(stream, batch), 20)).outcomes[0].versions == [3]
    await app.answers.close(0)


async def test_what_somebody_has_read_is_no_ground_for_a_refusal(app: Session, client: Client, any_id: None) -> None:
    """A receipt can come before the workflow has folded the event; another run stands for what it has missed."""
    members = units(2)
    stream = await open_cycle(app, RULES, members=members)
    draft = CommandInput(stream, "present-draft", {"kind": "covenant", "document": PAPER})
    queue = f"thidua-{app.installed.id}"
    other = await client.start_workflow(ClusterCycle.run, stream, id=f"{stream}/other", task_queue=queue)
    await other.execute_update("submit", await signed(app, draft))
    receipt = await app.submit_signed(stream, await signed(app, signing(stream, members[0]), unit=members[0]))
    assert (receipt.outcomes[0].known, receipt.outcomes[0].versions) == (False, [3])
    again = await signed(app, signing(stream, members[0]), unit=members[0])
    said: Receipt = await other.execute_update("submit", again, result_type=Receipt)
    assert (said.outcomes[0].known, said.outcomes[0].versions) == (True, [3])
    with pytest.raises(RefusedError) as refused:
        await app.submit_signed(stream, await signed(app, signing(stream, "quan-khac")))
    assert refused.value.code == "no_such_unit", "the control"
    # What was recorded and is corrected meanwhile is not recorded before.
    await other.execute_update(
        "submit", await signed(app, CommandInput(stream, "correct", {"version": 3, "reason": "Nhầm"}))
    )
    anew = await app.submit_signed(stream, await signed(app, signing(stream, members[0]), unit=members[0]))
    assert (anew.outcomes[0].known, anew.outcomes[0].versions) == (False, [5])
    await other.terminate()


async def test_who_steps_a_rehearsal_sees_what_has_become_due(app: Session) -> None:
    stream, _members = await ready(app)
    step = CommandInput(stream, "step-to", {"now": f"{YEAR}-12-20T09:00:00+07:00"})
    await app.submit_signed(stream, await signed(app, step))
    assert not app.answers._running, "the update has ended"
    names = await event_names(app, stream)
    assert "DeadlinePassed" in names[names.index("TimeStepped") :]


# Notices ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def owner_of(app: Session) -> AsyncIterator[asyncpg.Connection[Any]]:
    owner = await asyncpg.connect(app.endpoints.owner_url)
    try:
        yield owner
    finally:
        await owner.close()


LISTENING = "from pg_stat_activity where datname = current_database() and query = 'LISTEN \"ledger\"'"


def listening(owner: asyncpg.Connection[Any], count: int) -> Callable[[], Any]:
    async def check() -> bool:
        return bool(await owner.fetchval(f"select count(*) {LISTENING}") == count)

    return check


async def test_one_connection_listens_and_one_query_looks_for_all_that_wait(app: Session) -> None:
    stream, _members = await ready(app)
    batches = [await signed(app, meeting(stream, f"hop-{number}")) for number in range(8)]
    looks = Looks(app.ledger)
    app.ledger.recorded._poll_s = NEVER_S
    async with owner_of(app) as owner:
        waiting = [app.ledger.recorded.waiting(batch) for batch in batches]
        standings = [one.__enter__() for one in waiting]
        await eventually(listening(owner, 1))
        app.ledger.recorded._note_append()  # what has been looking since the last act, or is new, looks once now
        await eventually(lambda: looks.at_least(1))
        looks.asked.clear()
        assert app.client is not None
        await app.client.submit(stream, batches[0])
        await asyncio.wait_for(standings[0].decided, 10)
        assert [len(asked) for asked in looks.asked] == [8]
        assert [one.decided.done() for one in standings] == [True, *[False] * 7]
        for one in waiting:
            one.__exit__(None, None, None)
        await eventually(listening(owner, 1))


async def test_a_lost_notice_is_made_up_by_the_poll(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, members = await ready(app)
    batches = [await signed(app, signing(stream, unit), unit=unit) for unit in members]
    silent = app.client = Silent(app.client)
    async with owner_of(app) as owner:
        await eventually(listening(owner, 1))
        real = PostgresLedger.notices

        @asynccontextmanager
        async def none(_ledger: PostgresLedger, _appended: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
            raise ConnectionError
            yield asyncio.Event()

        monkeypatch.setattr(PostgresLedger, "notices", none)
        await owner.fetch(f"select pg_terminate_backend(pid) {LISTENING}")
        await eventually(listening(owner, 0))
        assert (await asyncio.wait_for(app.submit_signed(stream, batches[0]), 20)).outcomes[0].versions == [3]
        monkeypatch.setattr(PostgresLedger, "notices", real)
        assert (await asyncio.wait_for(app.submit_signed(stream, batches[1]), 20)).outcomes[0].versions == [4]
        with app.ledger.recorded.waiting(await signed(app, meeting(stream, "hop-1"))):
            await eventually(listening(owner, 1))
        # The control: without notices and without the poll nothing is found.
        monkeypatch.setattr(PostgresLedger, "notices", none)
        await owner.fetch(f"select pg_terminate_backend(pid) {LISTENING}")
        await eventually(listening(owner, 0))
        task = app.ledger.recorded._task
        assert task is not None
        await task  # it looks no more, as nobody waits
        app.ledger.recorded._poll_s = NEVER_S
        silent.answered.clear()
        blind = asyncio.create_task(app.submit_signed(stream, batches[2]))
        await silent.answered.wait()
        assert await event_names(app, stream) == ["CycleOpened", "DraftPresented", *["CovenantSigned"] * 3]
        assert not blind.done()
        blind.cancel()
        with pytest.raises(asyncio.CancelledError):
            await blind
    await app.answers.close(0)


async def test_an_answer_waits_while_the_ledger_is_away_and_is_pending_in_the_end(
    app: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, members = await ready(app)
    batch = await signed(app, signing(stream, members[0]), unit=members[0])
    real, failures = app.ledger.of_commands, 3

    async def away(commands: Collection[tuple[str, UUID]]) -> tuple[RecordedEvent, ...]:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ConnectionError
        return await real(commands)

    monkeypatch.setattr(app.ledger, "of_commands", away, raising=True)
    assert (await app.submit_signed(stream, batch)).outcomes[0].versions == [3]
    failures = 1_000_000
    monkeypatch.setattr("application.answers.ANSWER_DEADLINE_S", 0.5)
    monkeypatch.setattr("application.answers.LOOK_S", 0.5)
    other = await signed(app, signing(stream, members[1]), unit=members[1])
    with pytest.raises(PendingError):
        await app.submit_signed(stream, other)
    failures = 0
    assert (await app.submit_signed(stream, other)).outcomes[0].versions == [4]


# What was surely not sent -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError("the bridge is gone"), TimeoutError()])
async def test_an_error_after_sending_is_pending_and_one_before_is_not(
    app: Session, nobody: TemporalClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    stream, members = await ready(app)
    batch = await signed(app, signing(stream, members[0]), unit=members[0])
    with pytest.raises(UnreachableError):
        await nobody.submit(stream, batch)
    send = TemporalClient._send

    async def send_and_fail(client: TemporalClient, stream: str, batch: SignedBatch) -> Receipt:
        await send(client, stream, batch)
        raise error

    monkeypatch.setattr(TemporalClient, "_send", send_and_fail)
    assert app.client is not None
    with pytest.raises(PendingError) as pending:
        await app.client.submit(stream, batch)
    assert pending.value.facts == {"command": str(batch.items[0].command_id)}
    assert (await app.submit_signed(stream, batch)).outcomes[0].versions == [3]


async def test_the_webs_role_reads_what_an_answer_needs_and_writes_nothing(site: Site) -> None:
    inside = site.services.application
    stream, _members = await ready(site.app)
    assert "thidua_web" in inside.ledger.url
    person = at_command_line(await enter_staff(site.app, CITY))
    assert (await inside.submit(stream, person, [meeting(stream, "hop-1")])).outcomes[0].versions == [3]
    for statement in (
        "insert into ledger.command values (decode(repeat('00', 32), 'hex'), '', '', '')",
        "update ledger.event set body = body",
        "delete from ledger.event",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await inside.ledger.pool.execute(statement)


def test_nothing_but_the_answers_asks_the_engine() -> None:
    root = Path(__file__).parent.parent
    files = [file for folder in ("application", "cli", "web") for file in (root / folder).rglob("*.py")]
    asking = [str(file.relative_to(root)) for file in files if re.search(r"client\.submit\(", file.read_text())]
    assert asking == ["application/answers.py"]


class Cutting:
    """A client of Temporal whose connection is cut some times while it is being made."""

    def __init__(self, client: Client, times: int) -> None:
        self._client, self.times = client, times
        self.service_client = self

    async def check_health(self) -> bool:
        if self.times:
            self.times -= 1
            raise RPCError("operation was canceled", RPCStatusCode.CANCELLED, b"")
        return await self._client.service_client.check_health()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.mark.parametrize(("times", "recorded"), [(2, True), (100, False)])
async def test_a_connection_that_is_cut_while_it_is_made_is_tried_again(
    app: Session, client: Client, monkeypatch: pytest.MonkeyPatch, times: int, recorded: bool
) -> None:
    monkeypatch.setattr("workflows.client.RESEND_S", 0.01)
    stream = await open_cycle(app, RULES, members=units(2))
    cutting: Any = Cutting(client, times)
    app.client = TemporalClient(cutting, queue_of(app.installed))
    fields = {"kind": "covenant", "document": {"title": "Giao ước"}}
    if recorded:
        await submit(app, stream, CITY, "present-draft", fields)
    else:
        with pytest.raises(UnreachableError):
            await submit(app, stream, CITY, "present-draft", fields)
    assert ("DraftPresented" in await event_names(app, stream)) == recorded
