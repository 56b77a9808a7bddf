"""The workflows on the real server: many people at once, refusals, forgeries, deadlines by skipped time, reloading."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from conftest import eventually, running_worker
from engine_help import CITY, YEAR, enter_staff, event_names, open_cycle, state_of, submit, units
from speech import RULES
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from application.application import CommandInput
from application.engine import RefusedError
from application.gate import at_command_line
from application.year_file import YearFile, start_year
from cli import outcome
from cli.session import Session
from domain.codec import state_digest
from domain.records import EventEnvelope, Meta, Refused
from domain.steps.signing import CovenantSigned
from domain.streams import cycle_stream
from domain.times import ICT, When
from domain.types import Provenance
from ledger.events import LedgerTip
from ledger.mapping import to_draft
from ledger.postgres import PostgresLedger, open_ledger
from ledger.protocol import Diverged
from ledger.signing import BatchItem, SignedBatch
from workflows.city_year import CityYear
from workflows.client import TemporalClient
from workflows.cluster_cycle import ClusterCycle
from workflows.messages import (
    DATA_CONVERTER,
    AppendAnswer,
    AppendRequest,
    DraftMessage,
    PartMessage,
)

PAPER = {"title": "Giao ước"}


async def ready(app: Session, count: int = 3, **options: Any) -> tuple[str, list[str]]:
    members = units(count)
    stream = await open_cycle(app, RULES, members=members, **options)
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": PAPER})
    return stream, members


async def test_an_act_goes_there_and_back(app: Session) -> None:
    stream, members = await ready(app)
    receipt = await submit(app, stream, members[0], "sign", {"unit": members[0]})
    (row,) = await app.ledger.load(stream, receipt.outcomes[0].versions[0] - 1)
    assert (row.type, row.actor, row.unit, row.provenance) == (
        "CovenantSigned",
        "cb-don-vi-1-1",
        "don-vi-1",
        "rehearsed",
    )


async def test_a_refusal_comes_back_with_code_and_facts_and_writes_nothing(app: Session) -> None:
    stream, members = await ready(app)
    before = await event_names(app, stream)
    with pytest.raises(RefusedError) as refused:
        await submit(app, stream, members[0], "sign", {"unit": members[1]})
    assert refused.value.code == "not_yours"
    with pytest.raises(RefusedError) as missing:
        await submit(app, stream, members[0], "sign", {"unit": members[0], "number": 9})
    assert (missing.value.code, missing.value.facts["number"]) == ("no_such_version", 9)
    assert await event_names(app, stream) == before


async def test_what_cannot_be_said_leaves_no_text_behind(app: Session) -> None:
    stream, members = await ready(app)
    text = "Câu này không được nằm lại."
    said = CommandInput(stream, "comment", {"by": {"unit": members[0]}, "text": text, "asks_for_change": "maybe"})
    with pytest.raises(Refused, match="malformed_act"):
        await app.item(said)
    assert await app.texts.digest_of(text) is None
    await app.item(replace(said, fields={**said.fields, "asks_for_change": True}))
    assert await app.texts.digest_of(text) is not None, "the control: a good one is stored"


async def test_what_was_handed_in_is_on_its_way_until_it_is_refused(app: Session) -> None:
    stream, members = await ready(app)
    outcome.refused()
    await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert len(outcome._on_its_way) == 1
    with pytest.raises(RefusedError):
        await submit(app, stream, members[0], "sign", {"unit": members[1]})
    assert outcome._on_its_way == []


async def test_a_batch_is_all_or_nothing(app: Session) -> None:
    stream, members = await ready(app)
    before = await event_names(app, stream)
    good = CommandInput(stream, "take-stance", {"unit": members[0], "stance": "agreed"})
    bad = CommandInput(stream, "sign", {"unit": "quan-khac"})
    with pytest.raises(RefusedError) as refused:
        await app.submit(stream, at_command_line(await enter_staff(app, CITY)), [good, bad])
    assert refused.value.index == 1
    assert await event_names(app, stream) == before


async def test_the_same_command_twice_is_one_act(app: Session) -> None:
    stream, members = await ready(app)
    command = uuid4()
    first = await submit(app, stream, members[0], "sign", {"unit": members[0]}, command=command)
    again = await submit(app, stream, members[0], "sign", {"unit": members[0]}, command=command)
    assert again.outcomes[0].known
    assert again.outcomes[0].versions == first.outcomes[0].versions


async def test_a_known_command_that_says_something_else_is_refused(app: Session) -> None:
    stream, members = await ready(app)
    command = uuid4()
    await submit(app, stream, members[0], "sign", {"unit": members[0]}, command=command)
    with pytest.raises(RefusedError) as refused:
        await submit(app, stream, members[0], "take-stance", {"unit": members[0], "stance": "agreed"}, command=command)
    assert refused.value.code == "command_reused"


async def test_nobody_is_the_clock(app: Session) -> None:
    stream, members = await ready(app)
    person = replace(await enter_staff(app, CITY), id="clock")
    with pytest.raises(RefusedError) as refused:
        await app.submit(stream, at_command_line(person), [CommandInput(stream, "close-duty", {"duty": "signature"})])
    assert refused.value.code == "malformed"
    assert members


async def test_an_edition_that_is_not_stored_is_not_adopted(app: Session) -> None:
    stream, members = await ready(app)
    with pytest.raises(RefusedError) as refused:
        await submit(app, stream, CITY, "adopt-edition", {"edition": "f" * 64})
    assert refused.value.code == "edition_missing"
    await submit(app, stream, members[0], "sign", {"unit": members[0]})


async def test_sixty_four_people_of_fifteen_units_in_the_same_second(app: Session) -> None:
    stream, members = await ready(app, 15)

    def acts(place: int) -> tuple[str, str, dict[str, Any]]:
        unit = members[place % 15]
        return [
            (unit, "sign", {"unit": unit}),
            (unit, "take-stance", {"unit": unit, "stance": "agreed"}),
            (unit, "report-midyear", {"unit": unit, "report": {"title": "Báo cáo"}}),
        ][(place // 15) % 3]

    people = [(*acts(n), n) for n in range(64)]
    for unit, _act, _fields, number in people:
        await enter_staff(app, unit, number)
    receipts = await asyncio.gather(
        *(submit(app, stream, u, a, f, number=n) for u, a, f, n in people), return_exceptions=True
    )
    assert [r for r in receipts if isinstance(r, BaseException)] == []
    assert all(receipt.outcomes[0].versions for receipt in receipts)
    counted = Counter(await event_names(app, stream))
    assert (counted["CovenantSigned"], counted["StanceTaken"], counted["MidyearReported"]) == (15, 15, 15)
    state = await state_of(app, stream)
    assert set(state.signing.signatures) == set(members)


async def test_the_clock_speaks_when_a_rehearsal_steps(app: Session) -> None:
    stream, _members = await ready(app)
    await submit(app, stream, CITY, "step-to", {"now": datetime(YEAR, 3, 20, 9, tzinfo=ICT).isoformat()})
    rows = [row for row, _told in await app.history(stream)]
    clock = [row for row in rows if row.actor == "clock"]
    assert {row.type for row in clock} == {"UnitReminded", "DeadlinePassed", "EscalationProposed"}
    assert all(row.command_digest is None for row in clock)
    assert [row.happened_latest for row in clock] == sorted(row.happened_latest for row in clock)


async def test_a_correction_is_folded_by_the_running_workflow(app: Session) -> None:
    stream, members = await ready(app)
    receipt = await submit(app, stream, members[0], "sign", {"unit": members[0]})
    wrong = receipt.outcomes[0].versions[0]
    await submit(app, stream, members[0], "correct", {"version": wrong, "reason": "Ký nhầm bản"})
    await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert (await event_names(app, stream))[-2:] == ["ActCorrected", "CovenantSigned"]


async def test_a_filed_cycle_has_no_run_and_still_answers(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    signed = await submit(app, stream, members[0], "sign", {"unit": members[0]})
    await submit(app, stream, CITY, "file-cycle", {})

    async def closed() -> bool:
        return (await client.get_workflow_handle(stream).describe()).close_time is not None

    await eventually(closed)
    with pytest.raises(RefusedError) as refused:
        await submit(app, stream, members[1], "sign", {"unit": members[1]})
    assert refused.value.code == "cycle_is_filed"
    await submit(app, stream, CITY, "correct", {"version": signed.outcomes[0].versions[0], "reason": "Nhầm"})
    assert (await event_names(app, stream))[-1] == "ActCorrected"


async def test_a_year_opens_every_cycle_with_one_command_and_again_changes_nothing(app: Session) -> None:
    organiser = f"mttq-{uuid4().hex[:8]}"
    clusters = [
        {"id": f"cum-{n}", "name": f"Cụm {n}", "units": [{"id": f"u{n}-{k}", "name": "Đơn vị"} for k in range(3)]}
        for n in range(1, 9)
    ]
    file = YearFile.model_validate(
        {
            "organiser": organiser,
            "organiser_name": "Thành phố",
            "year": YEAR,
            "plan": {"number": "1/KH"},
            "edition": "e.yaml",
            "clusters": clusters,
        }
    )
    person = await enter_staff(app, organiser)
    starts = datetime.now(UTC) + timedelta(days=400)
    receipt = await start_year(app, file, RULES, at_command_line(person), clock="wall", starts=starts)
    assert receipt.failed == []
    opened = [stream for stream, _head in await app.ledger.streams() if stream.startswith(f"{organiser}/{YEAR}/")]
    assert len(opened) == 8
    position = (await app.ledger.read(0, 10_000))[-1].position
    again = await start_year(app, file, RULES, at_command_line(person), clock="wall", starts=starts)
    assert again.failed == []
    assert (await app.ledger.read(0, 10_000))[-1].position == position


async def test_a_cycle_that_cannot_be_opened_is_listed_and_the_others_are_open(app: Session) -> None:
    organiser = f"mttq-{uuid4().hex[:8]}"
    stream = f"{organiser}/{YEAR}"
    person = await enter_staff(app, organiser)
    digest = await app.texts.put_edition(RULES.model_dump_json())
    common = {"organiser": organiser, "organiser_name": "T", "year": YEAR}
    unit = [{"id": "a", "name": "A"}]

    def opening(cluster: str, organiser_said: str) -> CommandInput:
        fields = {
            **common,
            "organiser": organiser_said,
            "cluster_name": cluster,
            "units": unit,
            "edition": digest,
            "clock": "wall",
            "starts": (datetime.now(UTC) + timedelta(days=400)).isoformat(),
        }
        return CommandInput(cycle_stream(organiser, str(YEAR), cluster), "open-cycle", fields)

    plan = CommandInput(stream, "issue-year-plan", {**common, "plan": {"number": "1/KH"}, "edition": digest})
    other = CommandInput(f"mttq-khac/{YEAR}/cum-1", "open-cycle", opening("cum-2", organiser).fields)
    receipt = await app.submit(stream, at_command_line(person), [plan, opening("cum-1", organiser), other])
    assert [(f.stream, f.code) for f in receipt.failed] == [(f"mttq-khac/{YEAR}/cum-1", "not_a_cycle_name")]
    assert (await event_names(app, f"{organiser}/{YEAR}/cum-1")) == ["CycleOpened"]
    of_the_year = CommandInput(f"{organiser}/{YEAR}/cum-1", "order-opening", {"clusters": ["cum-1"]})
    receipt = await app.submit(stream, at_command_line(person), [of_the_year])
    assert [(f.stream, f.code) for f in receipt.failed] == [(f"{organiser}/{YEAR}/cum-1", "not_yours")]


# Forgeries by someone who reaches Temporal, and nothing else ------------------------------------------------------


def forged(stream: str, unit: str) -> tuple[SignedBatch, AppendRequest]:
    command = uuid4()
    payload = json.dumps({"act": "sign", "fields": {"unit": unit}})
    header = json.dumps(
        {
            "format": "thidua-command-2",
            "installation": "x",
            "key": "entry-1",
            "epoch": 1,
            "actor": f"cb-{unit}",
            "commitment": None,
            "unit": unit,
            "stand_in_for": None,
            "strength": "os-account",
            "issued": datetime.now(UTC).isoformat(),
            "expires": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
            "read": [0, "00" * 32],
            "orders": [[stream, str(command), BatchItem(stream, uuid4(), payload).payload_digest]],
        }
    )
    batch = SignedBatch(header, "00" * 64, (BatchItem(stream, command, payload),))
    happened = When.at(datetime(2026, 2, 1, tzinfo=ICT))
    meta = Meta(1, f"cb-{unit}", unit, happened, Provenance(kind="stated"), command)
    draft = DraftMessage(0, to_draft(EventEnvelope(CovenantSigned(unit=unit, number=1), meta)))
    return batch, AppendRequest([PartMessage(stream, 0, "", [draft])], batch)


async def test_a_plain_update_without_a_signature_is_refused(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    before = await event_names(app, stream)
    batch, _request = forged(stream, members[0])
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await client.get_workflow_handle(stream).execute_update("submit", batch)
    assert isinstance(failed.value.cause, ApplicationError)
    assert (failed.value.cause.type, failed.value.cause.message) == ("NotSigned", "other_installation")
    assert await event_names(app, stream) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stand_in_for", 7),
        ("stand_in_for", "\ud800"),
        ("actor", 5),
        ("unit", []),
        ("key", []),
        ("issued", "x"),
    ],
)
async def test_an_impossible_header_is_refused_and_stops_no_stream(
    app: Session, client: Client, field: str, value: object
) -> None:
    stream, members = await ready(app)
    batch, _request = forged(stream, members[0])
    header = json.dumps(json.loads(batch.header) | {field: value})
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await client.get_workflow_handle(stream).execute_update("submit", replace(batch, header=header))
    assert isinstance(failed.value.cause, ApplicationError)
    assert (failed.value.cause.type, failed.value.cause.message) == ("NotSigned", "malformed")
    receipt = await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert receipt.outcomes[0].versions


async def test_a_signature_of_another_command_does_not_help(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    person = await enter_staff(app, members[0])
    item = BatchItem(stream, uuid4(), '{"act":"take-stance","fields":{"unit":"don-vi-1","stance":"agreed"}}')
    real = await app.gate.sign(at_command_line(person), [item])
    other = BatchItem(stream, item.command_id, '{"act":"sign","fields":{"unit":"don-vi-1"}}')
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await client.get_workflow_handle(stream).execute_update(
            "submit", SignedBatch(real.header, real.signature, (other,))
        )
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.message == "not_covered"


async def test_a_command_that_had_read_another_ledger_is_refused(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, members = await ready(app)
    before = await app.ledger.tip()

    async def other(_ledger: PostgresLedger) -> LedgerTip:
        return replace(before, digest=bytes(32))

    monkeypatch.setattr(PostgresLedger, "tip", other)
    with pytest.raises(Diverged) as refused:
        await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert (refused.value.code, refused.value.facts) == ("read_diverged", {"position": before.position})
    monkeypatch.undo()
    assert (await submit(app, stream, members[0], "sign", {"unit": members[0]})).outcomes[0].versions


async def test_what_makes_no_body_is_refused_and_the_stream_goes_on(
    app: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, members = await ready(app)
    monkeypatch.setattr("ledger.bodies.BODY_BYTES", 100)
    with pytest.raises(RefusedError) as refused:
        await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert (refused.value.code, refused.value.facts["most"]) == ("body_too_long", 100)
    monkeypatch.undo()
    assert (await submit(app, stream, members[0], "sign", {"unit": members[0]})).outcomes[0].versions


async def test_an_expired_command_is_refused_but_a_known_one_keeps_its_receipt(
    app: Session, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, members = await ready(app)
    for module in ("ledger.signing", "activities.ledger"):
        monkeypatch.setattr(f"{module}.LIFETIME", timedelta(0))
    with pytest.raises(RefusedError) as refused:
        await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert refused.value.code == "expired"
    monkeypatch.undo()
    command = uuid4()
    await submit(app, stream, members[0], "sign", {"unit": members[0]}, command=command)
    for module in ("ledger.signing", "activities.ledger"):
        monkeypatch.setattr(f"{module}.LIFETIME", timedelta(0))
    assert (await submit(app, stream, members[0], "sign", {"unit": members[0]}, command=command)).outcomes[0].known


@workflow.defn(name="Forger")
class Forger:
    """A workflow of somebody else's, calling our append from our task queue."""

    @workflow.run
    async def run(self, queue: str, request: AppendRequest) -> str:
        answer: AppendAnswer = await workflow.execute_activity(
            "append", request, task_queue=queue, result_type=AppendAnswer, start_to_close_timeout=timedelta(seconds=20)
        )
        return answer.status


async def test_an_own_workflow_that_calls_the_append_is_refused(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    before = await event_names(app, stream)
    _handed, request = forged(stream, members[0])
    ours = f"thidua-{app.installed.id}"
    async with Worker(client, task_queue="forger", workflows=[Forger], workflow_runner=UnsandboxedWorkflowRunner()):
        with pytest.raises(WorkflowFailureError) as failed:
            await client.execute_workflow(Forger.run, args=[ours, request], id=f"forger-{uuid4()}", task_queue="forger")
    cause = failed.value.cause
    assert isinstance(cause, ActivityError)
    assert isinstance(cause.cause, ApplicationError)
    assert cause.cause.message == "not_local"
    assert await event_names(app, stream) == before


async def test_the_append_as_a_standalone_activity_is_refused(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    before = await event_names(app, stream)
    _handed, request = forged(stream, members[0])
    with pytest.raises(Exception, match="Activity") as failed:
        await client.execute_activity(
            "append",
            request,
            id=f"standalone-{uuid4()}",
            task_queue=f"thidua-{app.installed.id}",
            start_to_close_timeout=timedelta(seconds=20),
            result_type=AppendAnswer,
        )
    assert isinstance(failed.value.__cause__, ApplicationError)
    assert failed.value.__cause__.message == "not_local"
    assert await event_names(app, stream) == before


async def test_the_append_itself_would_work_for_a_signed_command(app: Session) -> None:
    """The negative control of the forgeries: what they lack is the signature, nothing else."""
    stream, members = await ready(app)
    await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert (await event_names(app, stream))[-1] == "CovenantSigned"


# Time -------------------------------------------------------------------------------------------------------------


async def test_deadlines_fire_on_the_engines_own_timers(app: Session, client: Client) -> None:
    """A wall-clock cycle lives through 150 skipped days; the ledger's time follows the server's."""
    start = datetime.now(UTC)
    skipped = timedelta()

    async def now() -> datetime:
        return datetime.now(UTC) + skipped

    queue = f"time-{app.installed.id}"
    first = start.astimezone(ICT).date()
    soon = first + timedelta(days=20)
    rules = RULES.model_copy(
        update={
            "deadlines": tuple(
                d.model_copy(
                    update={
                        "due": d.due.model_copy(
                            update={"month": soon.month, "day": min(soon.day, 28), "year": soon.year - first.year}
                        )
                    }
                )
                for d in RULES.deadlines
                if d.duty == "signature"
            )
        }
    )
    async with running_worker(client, app.ledger, app.texts, app.installed, queue, now=now):
        skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
        engine_client = TemporalClient(skipper.client, queue)
        session = Session.of(app.paths, app.endpoints, app.installed, app.ledger, engine_client)
        digest = await session.texts.put_edition(rules.model_dump_json())
        stream = cycle_stream(CITY, str(first.year), f"cum-{uuid4().hex[:8]}")
        fields = {
            "organiser": CITY,
            "organiser_name": "T",
            "cluster_name": "C",
            "year": first.year,
            "edition": digest,
            "units": [{"id": "a", "name": "A"}],
            "clock": "wall",
            "starts": start.isoformat(),
        }
        await session.submit(
            stream, at_command_line(await enter_staff(session, CITY)), [CommandInput(stream, "open-cycle", fields)]
        )
        skipped = timedelta(days=40)
        await skipper.fast_forward(client.get_workflow_handle(stream), timedelta(days=40))

        async def overdue() -> bool:
            return "DeadlinePassed" in await event_names(session, stream)

        await eventually(overdue, 60)
    rows = [row for row, _told in await session.history(stream) if row.type == "DeadlinePassed"]
    assert len(rows) == 1
    assert rows[0].provenance == "stated"


# Reloading --------------------------------------------------------------------------------------------------------


async def test_a_terminated_run_is_no_loss(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    await submit(app, stream, members[0], "sign", {"unit": members[0]})
    before = state_digest(await state_of(app, stream))
    await client.get_workflow_handle(stream).terminate()
    receipt = await submit(app, stream, members[0], "sign", {"unit": members[0]})
    assert receipt.outcomes[0].known
    assert state_digest(await state_of(app, stream)) == before


async def test_two_runs_on_one_stream_are_arbitrated_by_the_ledger(app: Session, client: Client, any_id: None) -> None:
    """Two Temporal installations on one ledger: slow, but correct."""
    stream, members = await ready(app, 6)
    queue = f"second-{app.installed.id}"
    second = await open_ledger(app.endpoints.database_url, app.installed.id)
    async with running_worker(client, second, app.texts, app.installed, queue):
        handle = await client.start_workflow(ClusterCycle.run, stream, id=f"{stream}/second", task_queue=queue)
        for place, unit in enumerate(members):
            if place % 2:
                item = await app.item(CommandInput(stream, "sign", {"unit": unit}))
                signed = await app.gate.sign(at_command_line(await enter_staff(app, unit)), [item])
                await handle.execute_update("submit", signed)
            else:
                await submit(app, stream, unit, "sign", {"unit": unit})
        await handle.terminate()
    await second.close()
    assert Counter(await event_names(app, stream))["CovenantSigned"] == 6


async def test_what_ran_can_be_replayed(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    for unit in members:
        await submit(app, stream, unit, "sign", {"unit": unit})
    await submit(app, stream, CITY, "step-to", {"now": datetime(YEAR, 7, 30, 9, tzinfo=ICT).isoformat()})
    history = await client.get_workflow_handle(stream).fetch_history()
    await Replayer(workflows=[ClusterCycle, CityYear], data_converter=DATA_CONVERTER).replay_workflow(history)


async def test_the_workflow_runs_in_the_strict_sandbox(app: Session, client: Client) -> None:
    """Own modules pass through; what is left inside must still be allowed there."""
    stream, members = await ready(app)
    history = await client.get_workflow_handle(stream).fetch_history()
    strict = Replayer(
        workflows=[ClusterCycle, CityYear], data_converter=DATA_CONVERTER, workflow_runner=SandboxedWorkflowRunner()
    )
    await strict.replay_workflow(history)
    assert members


async def loads(client: Client, stream: str) -> int:
    """How many pages of a stream its workflow has loaded so far: each stays in its history at Temporal."""
    events = (await client.get_workflow_handle(stream).fetch_history()).events
    markers = [event.marker_recorded_event_attributes for event in events if event.HasField(MARKER)]
    return sum(
        b'"load"' in payload.data for one in markers for each in one.details.values() for payload in each.payloads
    )


MARKER = "marker_recorded_event_attributes"


async def test_a_correction_loads_the_stream_once(app: Session, client: Client) -> None:
    stream, members = await ready(app)
    await submit(app, stream, members[0], "take-stance", {"unit": members[0], "stance": "agreed"})
    wrong = (await app.history(stream))[-1][0].version
    before = await loads(client, stream)
    assert before > 0
    await submit(app, stream, members[0], "correct", {"version": wrong, "reason": "Nhầm"})
    assert await loads(client, stream) == before + 2, "its events, and that there are no more"
    # What comes after a loss loads it once, too, although it holds a correction.
    await client.get_workflow_handle(stream).terminate()
    await submit(app, stream, members[1], "take-stance", {"unit": members[1], "stance": "agreed"})
    assert await loads(client, stream) == 2
    assert state_digest(await state_of(app, stream)) is not None
