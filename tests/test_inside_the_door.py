"""What a stranger can do who holds a certificate: nothing is forged, no stream stops, nothing that he starts lasts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from conftest import NewInstallation, eventually, open_app, running_worker
from engine_help import CITY, YEAR, enter_staff, event_names, open_cycle, queue_of, submit, units
from liar import LyingCycle
from speech import RULES
from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from application.application import CommandInput
from application.engine import PendingError, RefusedError
from application.gate import at_command_line
from cli.session import Session
from domain.installation import STREAM
from domain.limits import COMMANDS_PER_BATCH
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Appended, Behind
from ledger.signing import BatchItem, Header, SignedBatch
from workflows.client import TemporalClient
from workflows.cluster_cycle import ClusterCycle
from workflows.interceptor import worker_options
from workflows.messages import (
    AppendAnswer,
    AppendRequest,
    EventMessage,
    LoadRequest,
    RecallRequest,
    event_message,
    workflow_of,
)
from workflows.post import WORKFLOW_ID, Post
from workflows.unknown import Unknown

PAPER = {"title": "Giao ước"}
JSON = {"encoding": b"json/plain"}


@pytest.fixture(scope="module")
async def app(client: Client, new_installation: NewInstallation) -> AsyncIterator[Session]:
    """One installation for all of them: they leave it as it was."""
    async with open_app(client, new_installation) as opened:
        yield opened


async def ready(app: Session, count: int = 3) -> tuple[str, list[str]]:
    members = units(count)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": PAPER})
    return stream, members


async def signed(app: Session, *items: BatchItem, unit: str = CITY) -> SignedBatch:
    """Sign whatever the items are, as an officer of the unit."""
    gate, person = app.gate, await enter_staff(app, unit)
    real = gate.check

    async def unchecked(*_asked: Any, **_options: Any) -> None: ...

    gate.check = unchecked  # type: ignore[method-assign]
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("application.gate._command", lambda item: item)
            return await gate.sign(at_command_line(person), items)
    finally:
        gate.check = real  # type: ignore[method-assign]


async def signature_of(app: Session, stream: str, unit: str) -> SignedBatch:
    """A good batch: a unit signs the covenant."""
    return await signed(app, await app.item(CommandInput(stream, "sign", {"unit": unit})), unit=unit)


def payload(text: str | bytes, **metadata: bytes) -> RawValue:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return RawValue(Payload(metadata=metadata or JSON, data=data))


async def run_of(handle: WorkflowHandle[Any, Any]) -> str | None:
    return (await handle.describe()).run_id


async def failed_tasks(handle: WorkflowHandle[Any, Any]) -> int:
    """How often a task of a workflow failed: it is then given out again and again."""
    events = (await handle.fetch_history()).events
    return sum(event.HasField("workflow_task_failed_event_attributes") for event in events)


# Updates ----------------------------------------------------------------------------------------------------------


def changed(batch: SignedBatch, **values: Any) -> str:
    """The JSON of a batch with other values."""
    items = [{"stream": i.stream, "command_id": str(i.command_id), "payload": i.payload} for i in batch.items]
    return json.dumps({"header": batch.header, "signature": batch.signature, "items": items} | values)


def in_item(batch: SignedBatch, **values: Any) -> str:
    (item,) = json.loads(changed(batch))["items"]
    return changed(batch, items=[item | values])


def in_header(batch: SignedBatch, **values: Any) -> str:
    return changed(batch, header=json.dumps(json.loads(batch.header) | values))


def many(batch: SignedBatch, count: int) -> str:
    (item,) = json.loads(changed(batch))["items"]
    return changed(batch, items=[item | {"command_id": str(uuid4())} for _ in range(count)])


Poison = Callable[[SignedBatch], Any]
POISON: dict[str, Poison] = {
    "no signature": lambda b: changed(b, signature=""),
    "zz": lambda b: changed(b, signature="zz"),
    "a false signature": lambda b: changed(b, signature="00" * 64),
    "half a signature": lambda b: changed(b, signature=b.signature[:127]),
    "a signature in capitals": lambda b: changed(b, signature="AB" * 64),
    "a number for a signature": lambda b: changed(b, signature=7),
    "half a character": lambda b: changed(b, signature="\ud800"),
    "half a character in bytes": lambda b: changed(b).replace(b.signature, "\ud800"),
    "a header that is no JSON": lambda b: changed(b, header="zz"),
    "a header that is a list": lambda b: changed(b, header="[]"),
    "a deep header": lambda b: changed(b, header="[" * 100_000),
    "a long header": lambda b: in_header(b, unit="x" * 400_000),
    "a key that is a list": lambda b: in_header(b, key=[]),
    "a key that nobody knows": lambda b: in_header(b, key="khoa-la"),
    "another installation": lambda b: in_header(b, installation="x"),
    "another epoch": lambda b: in_header(b, epoch=2),
    "an epoch without end": lambda b: changed(b, header=b.header.replace('"epoch":1', '"epoch":' + "9" * 5_000)),
    "a position below nothing": lambda b: in_header(b, read=[-1, "00" * 32]),
    "a position above all": lambda b: in_header(b, read=[2**64, "00" * 32]),
    "a year above all": lambda b: in_header(b, expires="9999-12-31T23:59:59-14:00"),
    "the clock": lambda b: in_header(b, actor="clock"),
    "nobody": lambda b: in_header(b, actor=""),
    "no items": lambda b: changed(b, items=[]),
    "items that are none": lambda b: changed(b, items={"a": 1}),
    "too many items": lambda b: many(b, COMMANDS_PER_BATCH + 1),
    "many items": lambda b: many(b, COMMANDS_PER_BATCH),
    "an item twice": lambda b: changed(b, items=json.loads(changed(b))["items"] * 2),
    "an id that is none": lambda b: in_item(b, command_id="zz"),
    "an id that is a number": lambda b: in_item(b, command_id=-(10**40)),
    "a payload that is a list": lambda b: in_item(b, payload=[]),
    "another payload": lambda b: in_item(b, payload="zz"),
    "a deep payload": lambda b: in_item(b, payload="[" * 100_000),
    "a long payload": lambda b: in_item(b, payload="x" * 1_500_000),
    "a payload of ten megabytes": lambda b: in_item(b, payload="x" * 10_000_000),
    "no name": lambda b: in_item(b, stream=""),
    "a path": lambda b: in_item(b, stream="../../x"),
    "a long name": lambda b: in_item(b, stream="a-" * 1_000 + "a/b/c"),
    "the post's stream": lambda b: in_item(b, stream="post"),
    "another stream": lambda b: in_item(b, stream="mttq-khac/2026/cum-1"),
    "a field too many": lambda b: changed(b, more=1) if b.header == "" else changed(b, header=None),
    "nothing": lambda _: "null",
    "a text": lambda _: '"zz"',
    "deep in itself": lambda _: '{"header":' * 50_000,
    "no JSON": lambda _: "{",
    "no text": lambda _: b"\xff\xfe",
    "a strange spelling": lambda b: payload(changed(b), encoding=b"zz/plain"),
    "no spelling": lambda b: payload(changed(b), other=b"x"),
    "null": lambda _: payload(b"", encoding=b"binary/null"),
    "bytes": lambda b: payload(changed(b), encoding=b"binary/plain"),
}


async def refusal(handle: WorkflowHandle[Any, Any], *arguments: Any, name: str = "submit") -> str:
    """Send an update that must be refused; return by what."""
    try:
        await handle.execute_update(name, args=list(arguments), rpc_timeout=timedelta(seconds=15))
    except WorkflowUpdateFailedError as error:
        cause = error.cause
        return f"{cause.type}: {cause.message[:60]}" if isinstance(cause, ApplicationError) else repr(cause)
    except RPCError as error:
        return error.status.name
    pytest.fail("it was taken")


def as_payload(made: Any) -> RawValue:
    return made if isinstance(made, RawValue) else payload(made)


async def test_poisonous_updates_are_refused_while_units_act(app: Session, client: Client) -> None:
    count = len(POISON) // 2
    stream, members = await ready(app, count)
    handle = client.get_workflow_handle(stream)
    before, run, good = await event_names(app, stream), await run_of(handle), await signature_of(app, stream, CITY)
    refused: dict[str, str] = {}

    async def poisons() -> None:
        for name, make in POISON.items():
            refused[name] = await refusal(handle, as_payload(make(good)))
        refused["no argument"] = await refusal(handle)
        refused["two"] = await refusal(handle, payload("{}"), payload("{}"))
        refused["another update"] = await refusal(handle, payload("{}"), name="submit-all")

    async def acts() -> None:
        for unit in members:
            await submit(app, stream, unit, "sign", {"unit": unit})

    async with asyncio.TaskGroup() as both:
        both.create_task(poisons())
        both.create_task(acts())
    assert await event_names(app, stream) == [*before, *["CovenantSigned"] * count]
    assert await run_of(handle) == run, "the run goes on"
    assert await failed_tasks(handle) == 0
    told = {
        "zz": "NotSigned: malformed",
        "a false signature": "NotSigned: bad_signature",
        "another payload": "NotSigned: not_covered",
        "a long payload": "NotSigned: batch_too_long",
        "a key that nobody knows": "KeysUnread: unknown_key",
    }
    assert {name: refused[name] for name in told} == told
    assert "Deadline" not in "".join(refused.values()), refused


@pytest.mark.parametrize("kind", ["year", "installation"])
async def test_years_and_installation_refuse_them_too(app: Session, client: Client, kind: str) -> None:
    stream = f"{CITY}/2026-{uuid4().hex[:8]}" if kind == "year" else STREAM
    if kind == "year":
        await _issue_plan(app, stream)
    type_, id_ = workflow_of(stream, app.installed.id)
    handle = client.get_workflow_handle(id_)
    if kind == "installation":
        await client.start_workflow(type_, stream, id=id_, task_queue=queue_of(app.installed))
    good, run, before = await signature_of(app, f"{CITY}/{YEAR}/x", CITY), await run_of(handle), await app.ledger.tip()
    for make in POISON.values():
        await refusal(handle, as_payload(make(good)))
    for signal in ("reload", "zz"):
        await handle.signal(signal, args=[payload("{"), 1])
    unsigned = replace(good, signature="00" * 64)
    assert await refusal(handle, unsigned) == "NotSigned: bad_signature"
    assert await run_of(handle) == run
    assert await failed_tasks(handle) == 0
    assert await app.ledger.tip() == before


async def _issue_plan(app: Session, stream: str) -> None:
    digest = await app.texts.put_edition(RULES.model_dump_json())
    fields = {"organiser": CITY, "organiser_name": "T", "year": YEAR, "plan": {"number": "1/KH"}, "edition": digest}
    await submit(app, stream, CITY, "issue-year-plan", fields)


NONSENSE = ["zz", "[" * 100_000, "{}", '{"act":"sign","fields":7}', '{"act":"zz","fields":{}}', ""]


@pytest.mark.parametrize("text", NONSENSE, ids=["zz", "deep", "empty", "no fields", "another act", "nothing"])
async def test_nonsense_that_is_signed_is_refused_and_stops_nothing(app: Session, client: Client, text: str) -> None:
    """A key that was stolen signs anything."""
    stream, members = await ready(app)
    handle = client.get_workflow_handle(stream)
    assert (await refusal(handle, await signed(app, BatchItem(stream, uuid4(), text)))).startswith("Refused: ")
    assert await failed_tasks(handle) == 0
    assert (await submit(app, stream, members[0], "sign", {"unit": members[0]})).outcomes[0].versions


# What is known ----------------------------------------------------------------------------------------------------


async def test_who_has_no_valid_signature_is_not_told_what_is_known(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    batch, handle = await signature_of(app, stream, members[0]), client.get_workflow_handle(stream)
    await app.submit_signed(stream, batch)
    again = await handle.execute_update("submit", batch)
    assert again["outcomes"][0]["known"], "the control: who has the signature is told"
    assert await refusal(handle, replace(batch, signature="00" * 64)) == "NotSigned: bad_signature"
    for key, told in (("khoa-la", "KeysUnread: unknown_key"), (_key(batch), "NotSigned: bad_signature")):
        header = json.dumps(json.loads(batch.header) | {"key": key, "strength": "x"})
        assert await refusal(handle, replace(batch, header=header)) == told


def _key(batch: SignedBatch) -> str:
    return Header.parse(batch.header).key


@workflow.defn(name="ClusterCycle")
class Forger:
    """A workflow of somebody else's with the name of ours; it asks our activities on our task queue."""

    @workflow.run
    async def run(self, queue: str, name: str, request: Any) -> None:
        await workflow.execute_activity(name, request, task_queue=queue, start_to_close_timeout=timedelta(seconds=20))


async def test_activities_answer_workflows_of_ours_only(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    batch = await signature_of(app, stream, members[0])
    before = await event_names(app, stream)
    asked = {
        "load": LoadRequest(stream, 0),
        "edition": (await app.history(stream))[0][1].event.edition,  # type: ignore[attr-defined]
        "recall": RecallRequest(batch),
        "append": AppendRequest([], batch),
        "run_due_timers": LoadRequest(stream, 0),
    }
    await client.get_workflow_handle(stream).terminate()
    async with Worker(client, task_queue="forger", workflows=[Forger], workflow_runner=UnsandboxedWorkflowRunner()):
        for name, request in asked.items():
            with pytest.raises(WorkflowFailureError) as failed:
                # It has the id of a cycle, too.
                await client.execute_workflow(
                    Forger.run, args=[queue_of(app.installed), name, request], id=stream, task_queue="forger"
                )
            cause = failed.value.cause
            assert isinstance(cause, ActivityError)
            assert isinstance(cause.cause, ApplicationError)
            assert cause.cause.message == "not_local", name
    assert await event_names(app, stream) == before
    assert (await app.submit_signed(stream, batch)).outcomes[0].versions == [3], "the control: ours is answered"


# Signals, queries, starts, ends -----------------------------------------------------------------------------------


async def test_signals_and_queries_of_any_kind_stop_nothing(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    handle = client.get_workflow_handle(stream)
    run = await run_of(handle)
    for name in ("reload", "zz", "", "__temporal_x"):
        for arguments in ([], [1], [payload("{")], [payload(b"\xff"), payload("1", encoding=b"zz")]):
            with suppress(RPCError):  # no name at all
                await handle.signal(name, args=arguments)
    for name in ("status", "zz"):
        with pytest.raises((WorkflowQueryFailedError, RPCError)):
            await handle.query(name, args=[payload("{")])
    assert (await submit(app, stream, members[0], "sign", {"unit": members[0]})).outcomes[0].versions
    assert (await run_of(handle), await failed_tasks(handle)) == (run, 0)


async def test_nothing_lasts_that_a_stranger_starts(app: Session, client: Client) -> None:
    stream, _members = await ready(app)
    new = f"{CITY}/{YEAR}/cum-{uuid4().hex[:8]}"
    year = f"{CITY}/2026-{uuid4().hex[:8]}"
    before = await app.ledger.tip()
    starts: dict[str, tuple[str, str, list[Any]]] = {
        "a name that is none": ("ClusterCycle", "zz", ["zz"]),
        "a path": ("ClusterCycle", "../../x", ["../../x"]),
        "a long name": ("ClusterCycle", "a/b/" + "c" * 230, ["a/b/" + "c" * 230]),
        "a cycle without an event": ("ClusterCycle", new, [new]),
        "a year without an event": ("CityYear", year, [year]),
        "another id": ("ClusterCycle", f"{stream}/second", [stream]),
        "another stream": ("ClusterCycle", f"{new}-2", [stream]),
        "another type": ("CityYear", f"{new}-3", [f"{new}-3"]),
        "a year as a cycle": ("ClusterCycle", f"{year}-2", [f"{year}-2"]),
        "another installation": ("InstallationStream", f"{STREAM}/la", [STREAM]),
        "the installation as a year": ("CityYear", f"{STREAM}/la-2", [f"{STREAM}/la-2"]),
        "no argument": ("ClusterCycle", f"{new}-4", []),
        "two arguments": ("ClusterCycle", f"{new}-5", [f"{new}-5", 2]),
        "a number": ("ClusterCycle", f"{new}-6", [6]),
        "no JSON": ("ClusterCycle", f"{new}-7", [payload("{")]),
        "a strange spelling": ("CityYear", f"{year}-8", [payload("1", encoding=b"zz")]),
        "a type that there is not": ("Forger", f"{new}-9", [payload("{")]),
    }
    handles = [
        await client.start_workflow(type_, args=arguments, id=id_, task_queue=queue_of(app.installed))
        for type_, id_, arguments in starts.values()
    ]
    for name, handle in zip(starts, handles, strict=True):

        async def ended(handle: WorkflowHandle[Any, Any] = handle) -> bool:
            return (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING

        try:
            await eventually(ended, 10)
        except AssertionError:
            await handle.terminate()
            pytest.fail(f"it lasts: {name}")
    assert await app.ledger.tip() == before


async def test_an_opening_that_is_refused_leaves_no_run_and_the_next_one_opens(app: Session, client: Client) -> None:
    stream = f"{CITY}/{YEAR}/cum-{uuid4().hex[:8]}"
    with pytest.raises(RefusedError):
        await submit(app, stream, CITY, "file-cycle", {})
    handle = client.get_workflow_handle(stream)

    async def ended() -> bool:
        return (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED

    await eventually(ended)
    opened = await open_cycle(app, RULES, members=units(2), cluster=stream.rsplit("/", 1)[1])
    assert await event_names(app, opened) == ["CycleOpened"]
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


async def test_a_post_that_is_another_ends_and_ours_goes_on(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflows.post.PAUSE", timedelta(milliseconds=100))
    rounds = 0

    @activity.defn(name="deliver")
    async def deliver() -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            raise ApplicationError("never again", non_retryable=True)
        await asyncio.sleep(0)
        return 0

    queue = f"post-{uuid4().hex[:8]}"
    async with liars_worker(client, queue, workflows=[Post, Unknown], activities=[deliver], **ends_runs()):
        for id_, arguments in ((f"{queue}-2", []), (f"{queue}-3", [payload("{")])):
            other = await client.start_workflow("Post", args=arguments, id=id_, task_queue=queue)
            with pytest.raises(WorkflowFailureError):
                await asyncio.wait_for(other.result(), 10)
        handle = await client.start_workflow("Post", id=WORKFLOW_ID, task_queue=queue)
        await handle.signal("reload", args=[payload("{")])

        async def many_rounds() -> bool:
            return rounds > 4

        try:
            await eventually(many_rounds, 10)
            assert (await failed_tasks(handle), await run_of(handle)) == (0, handle.first_execution_run_id)
        finally:
            await handle.terminate()


def ends_runs() -> dict[str, Any]:
    """What every worker has, without the check of signatures."""
    return {k: v for k, v in worker_options(None).items() if k != "interceptors"}  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["terminate", "cancel"])
async def test_what_was_ended_runs_again_with_the_next_act(app: Session, client: Client, ending: str) -> None:
    stream, members = await ready(app)
    handle = client.get_workflow_handle(stream)
    await getattr(handle, ending)()
    assert (await submit(app, stream, members[0], "sign", {"unit": members[0]})).outcomes[0].versions == [3]


# A worker of his own on the queue ---------------------------------------------------------------------------------


@pytest.fixture
def own_queue(app: Session) -> str:
    """A queue that has one worker at a time, so that it is known which one works."""
    return f"{queue_of(app.installed)}-{uuid4().hex[:8]}"


def liars_worker(client: Client, queue: str, **options: Any) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        workflow_runner=UnsandboxedWorkflowRunner(),
        sticky_queue_schedule_to_start_timeout=timedelta(milliseconds=200),
        **options,
    )


async def start(client: Client, stream: str, queue: str) -> WorkflowHandle[Any, Any]:
    await client.get_workflow_handle(stream).terminate("in the way")
    return await client.start_workflow("ClusterCycle", stream, id=stream, task_queue=queue)


async def test_a_run_of_a_foreign_worker_starts_again_when_he_is_gone(
    app: Session, client: Client, own_queue: str
) -> None:
    """Its history has nothing of what ours does: it does not fit."""
    stream, members = await ready(app)
    batch = await signature_of(app, stream, members[0])
    async with liars_worker(client, own_queue, workflows=[LyingCycle]):
        handle = await start(client, stream, own_queue)
        await handle.execute_update("submit", batch)
    assert (await event_names(app, stream))[-1] == "DraftPresented"
    async with running_worker(client, app.ledger, app.texts, app.installed, own_queue):
        receipt = await TemporalClient(client, own_queue).submit(stream, batch)
    assert receipt.outcomes[0].versions == [3]
    assert (await event_names(app, stream))[-1] == "CovenantSigned"


class Liar:
    """Activities of somebody else's: they tell our workflows of another cycle's events, and write nothing."""

    def __init__(self, app: Session, stream: str, other: str) -> None:
        self._app, self._stream, self._other, self.told = app, stream, other, asyncio.Event()

    @activity.defn(name="load")
    async def load(self, request: LoadRequest) -> list[EventMessage]:
        self.told.set()
        rows = await self._app.ledger.load(self._other, request.after)
        messages = [event_message(row) for row in rows]
        return [replace(one, body=one.body.replace(self._other, self._stream)) for one in messages]

    @activity.defn(name="edition")
    async def edition(self, _digest: str) -> str:
        return RULES.model_dump_json()

    @activity.defn(name="run_due_timers")
    async def run_due_timers(self, _request: LoadRequest) -> AppendAnswer:
        return AppendAnswer("silent", [])

    @activity.defn(name="append")
    async def append(self, request: AppendRequest) -> AppendAnswer:
        return AppendAnswer("appended", [])


async def test_what_a_foreign_worker_told_a_run_is_not_believed_when_he_is_gone(
    app: Session, client: Client, own_queue: str
) -> None:
    """The run's history holds events that the ledger has not: acts were refused for ever, or the stream diverged."""
    stream, members = await ready(app)
    other = await open_cycle(app, RULES, members=["don-vi-khac"])
    await submit(app, other, CITY, "record-meeting", {"id": "hop-1", "kind": "other"})
    liar = Liar(app, stream, other)
    acts = [liar.load, liar.edition, liar.run_due_timers, liar.append]
    async with liars_worker(client, own_queue, workflows=[ClusterCycle], activities=acts, **ends_runs()):
        handle = await start(client, stream, own_queue)

        async def believes() -> bool:
            return bool((await handle.query("status")).get("version") == 2)

        await eventually(believes)
    async with running_worker(client, app.ledger, app.texts, app.installed, own_queue):
        ours = TemporalClient(client, own_queue)
        # This unit is no member in what the run was told.
        assert (await ours.submit(stream, await signature_of(app, stream, members[0]))).outcomes[0].versions == [3]
        wrong = await signed(app, await app.item(CommandInput(stream, "sign", {"unit": "don-vi-khac"})))
        with pytest.raises(RefusedError):
            await ours.submit(stream, wrong)
        assert await run_of(handle) == handle.first_execution_run_id, "it is the same run"
    assert (await event_names(app, stream))[2:] == ["CovenantSigned"]


# Our own mistakes -------------------------------------------------------------------------------------------------


def breaking(patch: pytest.MonkeyPatch, unit: str, error: Exception) -> None:
    """Let the appends of a unit's commands fail."""
    append = PostgresLedger.append

    async def fail(ledger: PostgresLedger, request: Append) -> Appended | Behind:
        if any(command.unit == unit for _, command in request.commands):
            raise error
        return await append(ledger, request)

    patch.setattr(PostgresLedger, "append", fail)


async def test_an_append_that_fails_by_our_mistake_refuses_its_batch_and_the_next_goes_on(
    app: Session, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, members = await ready(app)
    breaking(monkeypatch, members[0], KeyError("ours"))
    handle = client.get_workflow_handle(stream)
    assert (await refusal(handle, await signature_of(app, stream, members[0]))).startswith("Refused: undecidable")
    with pytest.raises(RefusedError) as refused:
        await asyncio.wait_for(submit(app, stream, members[0], "sign", {"unit": members[0]}), 10)
    assert (refused.value.code, refused.value.facts["kind"]) == ("undecidable", "KeyError")
    assert (await submit(app, stream, members[1], "sign", {"unit": members[1]})).outcomes[0].versions == [3]
    assert await failed_tasks(client.get_workflow_handle(stream)) == 0


async def test_an_append_that_has_no_end_in_time_is_pending_and_the_next_goes_on(
    app: Session, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, members = await ready(app)
    monkeypatch.setattr("workflows.stream_state.UPDATE_TIME", timedelta(seconds=2))
    breaking(monkeypatch, members[0], ConnectionResetError("away"))
    handle = client.get_workflow_handle(stream)
    assert await refusal(handle, await signature_of(app, stream, members[0])) == "Pending: pending"
    with pytest.raises(PendingError):
        await TemporalClient(client, queue_of(app.installed)).submit(
            stream, await signature_of(app, stream, members[0])
        )
    assert (await submit(app, stream, members[1], "sign", {"unit": members[1]})).outcomes[0].versions == [3]


async def test_a_mistake_of_ours_in_the_workflow_refuses_its_batch_and_the_state_is_loaded_anew(
    app: Session, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, members = await ready(app)
    handle = client.get_workflow_handle(stream)

    async def fail(*_: Any) -> None:
        raise KeyError("ours")

    with monkeypatch.context() as broken:
        broken.setattr("workflows.stream_state.StreamState.apply", fail)
        assert await refusal(handle, await signature_of(app, stream, members[0])) == "Refused: undecidable"
    # Its event stands in the ledger, although the state here has not folded it.
    again = await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert (again.outcomes[0].known, again.outcomes[0].versions) == (True, [3])
    assert (await submit(app, stream, members[1], "sign", {"unit": members[1]})).outcomes[0].versions == [4]
    assert await failed_tasks(handle) == 0


async def test_what_comes_after_the_append_refuses_nothing(
    app: Session, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, members = await ready(app)

    async def fail(*_: Any) -> None:
        raise KeyError("ours")

    batch, handle = await signature_of(app, stream, members[0]), client.get_workflow_handle(stream)
    real = PostgresLedger.append

    async def append_and_break(ledger: PostgresLedger, request: Append) -> Appended | Behind:
        answer = await real(ledger, request)
        monkeypatch.setattr("workflows.stream_state.StreamState.run_due_timers", fail)
        return answer

    with monkeypatch.context() as broken:
        broken.setattr(PostgresLedger, "append", append_and_break)
        assert (await handle.execute_update("submit", batch))["outcomes"][0]["versions"] == [3]
    monkeypatch.undo()
    monkeypatch.setattr("workflows.stream.PAUSE", timedelta(milliseconds=100))
    assert (await submit(app, stream, members[1], "sign", {"unit": members[1]})).outcomes[0].versions == [4]


async def test_a_stream_that_cannot_be_loaded_is_loaded_again_and_acts_are_pending(
    app: Session, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, members = await ready(app)
    handle = client.get_workflow_handle(stream)
    await handle.terminate()
    monkeypatch.setattr("workflows.stream.PAUSE", timedelta(milliseconds=100))
    monkeypatch.setattr("workflows.stream.UPDATE_TIME", timedelta(seconds=1))
    batch = await signature_of(app, stream, members[0])

    async def fail(*_: Any) -> None:
        raise KeyError("ours")

    with monkeypatch.context() as broken:
        broken.setattr(PostgresLedger, "load", fail)
        started = await client.start_workflow("ClusterCycle", stream, id=stream, task_queue=queue_of(app.installed))
        assert await refusal(handle, batch) == "Pending: pending"
    assert (await app.submit_signed(stream, batch)).outcomes[0].versions == [3]
    assert await run_of(handle) == started.first_execution_run_id
    assert await failed_tasks(handle) == 0


async def test_an_opening_that_the_append_refuses_is_listed_and_the_others_are_open(app: Session) -> None:
    year = f"{CITY}/2026-{uuid4().hex[:8]}"
    await _issue_plan(app, year)
    digest = await app.texts.put_edition(RULES.model_dump_json())

    def opening(cluster: str, edition: str) -> CommandInput:
        fields = {
            "organiser": CITY,
            "organiser_name": "T",
            "cluster_name": cluster,
            "year": YEAR,
            "edition": edition,
            "units": [{"id": "a", "name": "A"}],
            "clock": "stepped",
            "starts": f"{YEAR}-01-01T00:00:00+07:00",
        }
        return CommandInput(f"{year}/{cluster}", "open-cycle", fields)

    person = at_command_line(await enter_staff(app, CITY))
    receipt = await app.submit(year, person, [opening("cum-1", "f" * 64), opening("cum-2", digest)])
    assert [(one.stream, one.code) for one in receipt.failed] == [(f"{year}/cum-1", "edition_missing")]
    assert await event_names(app, f"{year}/cum-2") == ["CycleOpened"]
