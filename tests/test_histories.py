"""Histories recorded earlier still replay: a change that would break running cycles fails here.

When it fails and the change is wanted: raise ENGINE_EPOCH in workflows/stream.py, record anew with
`THIDUA_RECORD=1 make test`, say so in the changes. The worker starts runs of the earlier epoch again.
"""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from account_help import make_account
from conftest import eventually
from engine_help import CITY, YEAR, enter_staff, open_cycle, submit, units
from speech import RULES
from temporalio.client import Client, WorkflowHistory
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Replayer, Worker
from temporalio.workflow import NondeterminismError

from activities.post import PostActivities
from application.administration import Administration
from application.engine import RefusedError
from application.gate import at_command_line
from application.year_file import YearFile, start_year
from cli.session import Session
from domain.administration import CloseAccount, MakeAccount, OpenAccount, ResetLogin
from domain.installation import STREAM
from domain.times import ICT, start_of
from mail.folder import FolderMailer
from workflows.city_year import CityYear
from workflows.cluster_cycle import ClusterCycle
from workflows.installation import InstallationStream
from workflows.messages import DATA_CONVERTER, workflow_of
from workflows.post import WORKFLOW_ID, Post
from workflows.stream import ENGINE_EPOCH

FOLDER = Path(__file__).parent / "histories"
KINDS = ("cycle", "year", "installation", "post")
MEND = "A running cycle would break. If the change is wanted: raise ENGINE_EPOCH and record anew."


def file_of(kind: str) -> Path:
    return FOLDER / f"{kind}-epoch-{ENGINE_EPOCH}.json"


def replayer() -> Replayer:
    return Replayer(workflows=[ClusterCycle, CityYear, InstallationStream, Post], data_converter=DATA_CONVERTER)


async def replays(kind: str, history: WorkflowHistory) -> None:
    """What ran just now replays; with THIDUA_RECORD it becomes what was recorded."""
    await replayer().replay_workflow(history)
    if "THIDUA_RECORD" in os.environ:
        FOLDER.mkdir(exist_ok=True)
        file_of(kind).write_text(json.dumps(history.to_json_dict(), separators=(",", ":")) + "\n")


async def test_a_cycle_that_runs_now_replays(app: Session, client: Client) -> None:
    members = units(3)
    stream = await open_cycle(app, RULES, members=members)
    await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    for unit in members:
        await submit(app, stream, unit, "sign", {"unit": unit})
    await submit(app, stream, CITY, "step-to", {"now": datetime(YEAR, 7, 30, 9, tzinfo=ICT).isoformat()})
    await submit(app, stream, members[0], "correct", {"version": 3, "reason": "Ký nhầm"})
    await replays("cycle", await client.get_workflow_handle(stream).fetch_history())


async def test_a_year_that_runs_now_replays(app: Session, client: Client) -> None:
    cycle = f"2026-{uuid4().hex[:8]}"
    clusters = [
        {"id": f"cum-{n}", "name": f"Cụm {n}", "units": [{"id": f"u-{n}-{k}", "name": f"Đơn vị {k}"} for k in range(2)]}
        for n in range(3)
    ]
    year = YearFile.model_validate(
        {
            "organiser": CITY,
            "organiser_name": "T",
            "year": YEAR,
            "cycle": cycle,
            "plan": {"title": "KH"},
            "edition": "-",
            "clusters": clusters,
        }
    )
    person = await enter_staff(app, CITY)
    receipt = await start_year(
        app, year, RULES, at_command_line(person), clock="stepped", starts=start_of(date(YEAR, 1, 1))
    )
    assert receipt.failed == []
    await app.answers.settle(20)
    handle = client.get_workflow_handle(f"{CITY}/{cycle}")
    info = (await handle.describe()).raw_description.workflow_execution_info
    first = client.get_workflow_handle(f"{CITY}/{cycle}", run_id=info.first_run_id)
    await replays("year", await first.fetch_history())


async def test_an_installation_that_runs_now_replays(app: Session, client: Client) -> None:
    """Its stream was written by others, too, and it refuses."""
    secretary = await enter_staff(app, CITY)
    administrator = Administration(app)
    await make_account(app, secretary.id, "secretariat")
    for person in ("an", "binh"):
        await app.people.enter(person, "don-vi-1", person)
        await administrator.record(at_command_line(secretary), MakeAccount(person=person, kind="staff"))
    await app.administer(CloseAccount(person="an"))
    await administrator.record(at_command_line(secretary), OpenAccount(person="an"))
    with pytest.raises(RefusedError, match="not_yours_to_manage"):
        await administrator.record(at_command_line(secretary), ResetLogin(person=secretary.id))
    _name, id_ = workflow_of(STREAM, app.installed.id)
    await replays("installation", await client.get_workflow_handle(id_).fetch_history())


async def test_a_post_that_runs_now_replays(
    app: Session, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.post.WAIT_S", 0.1)
    queue = f"post-{uuid4().hex[:8]}"
    delivering = PostActivities(
        app.ledger, app.people, app.texts, FolderMailer(tmp_path), "so@example.invalid", lambda *_: ""
    )
    async with Worker(client, task_queue=queue, workflows=[Post], activities=[delivering.deliver]):
        # In place of one that a worker of another test has left.
        handle = await client.start_workflow(
            Post.run,
            id=WORKFLOW_ID,
            task_queue=queue,
            id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        )

        async def delivered() -> bool:
            events = (await handle.fetch_history()).events
            return sum(event.HasField("activity_task_completed_event_attributes") for event in events) >= 3

        await eventually(delivered)
        history = await handle.fetch_history()
        await handle.terminate()
    await replays("post", history)


def recorded(kind: str, change: tuple[str, str] | None = None) -> WorkflowHistory:
    text = file_of(kind).read_text()
    if change is not None:
        assert change[0] in text
        text = text.replace(*change)
    return WorkflowHistory.from_json(id_in(text), text)


def id_in(text: str) -> str:
    """The id of the workflow with a history."""
    id_: str = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    return id_


@pytest.mark.parametrize("kind", KINDS)
async def test_recorded_histories_replay(kind: str) -> None:
    result = await replayer().replay_workflow(recorded(kind), raise_on_replay_failure=False)
    assert result.replay_failure is None, MEND


@pytest.mark.parametrize("kind", ["cycle", "year", "installation"])
async def test_a_history_that_does_not_fit_is_noticed(kind: str) -> None:
    """The negative control: had the workflow's local activities answered in another order, the replay would say so."""
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(exchanged(kind))


async def test_a_post_that_would_do_something_else_is_noticed() -> None:
    """As above: had it called another activity."""
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(recorded("post", ('"deliver"', '"fetch"')))


def exchanged(kind: str) -> WorkflowHistory:
    """The recorded history with its local activities' results exchanged."""
    data = json.loads(file_of(kind).read_text())
    markers = [event for event in data["events"] if "markerRecordedEventAttributes" in event]
    first, second = (event["markerRecordedEventAttributes"]["details"] for event in (markers[0], markers[-1]))
    first["data"], second["data"] = second["data"], first["data"]
    text = json.dumps(data)
    return WorkflowHistory.from_json(id_in(text), text)
