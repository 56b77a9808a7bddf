"""Histories recorded earlier still replay: a change that would break running cycles fails here.

When it fails and the change is wanted: raise ENGINE_EPOCH in workflows/register.py, record anew with
`THIDUA_RECORD=1 make test`, say in the changes that `thidua resume` must be run after the update.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest
from engine_help import CITY, YEAR, open_cycle, say, units
from speech import RULES
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from activities.wire import DATA_CONVERTER
from cli.session import Session
from domain.kernel import ICT
from workflows.city_year import CityYear
from workflows.cluster_cycle import ClusterCycle
from workflows.register import ENGINE_EPOCH

FOLDER = Path(__file__).parent / "histories"
RECORDED = FOLDER / f"cycle-epoch-{ENGINE_EPOCH}.json"
MEND = "A running cycle would break. If the change is wanted: raise ENGINE_EPOCH, record anew, run `thidua resume`."


def replayer() -> Replayer:
    return Replayer(workflows=[ClusterCycle, CityYear], data_converter=DATA_CONVERTER)


async def test_what_runs_now_replays(office: Session, client: Client) -> None:
    """The year that the recorded history holds, run anew; with THIDUA_RECORD it becomes the recorded one."""
    members = units(3)
    stream = await open_cycle(office, RULES, members=members)
    await say(office, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    for unit in members:
        await say(office, stream, unit, "sign", {"unit": unit})
    await say(office, stream, CITY, "step-to", {"now": datetime(YEAR, 7, 30, 9, tzinfo=ICT).isoformat()})
    await say(office, stream, members[0], "correct", {"version": 3, "reason": "Ký nhầm"})
    history = await client.get_workflow_handle(stream).fetch_history()
    await replayer().replay_workflow(history)
    if "THIDUA_RECORD" in os.environ:
        FOLDER.mkdir(exist_ok=True)
        RECORDED.write_text(json.dumps(history.to_json_dict(), separators=(",", ":")) + "\n")


def recorded(change: tuple[str, str] | None = None) -> WorkflowHistory:
    text = RECORDED.read_text()
    if change is not None:
        assert change[0] in text
        text = text.replace(*change)
    return WorkflowHistory.from_json("mttq-hanoi/2026/cum-1", text)


async def test_recorded_histories_replay() -> None:
    result = await replayer().replay_workflow(recorded(), raise_on_replay_failure=False)
    assert result.replay_failure is None, MEND


async def test_a_history_that_does_not_fit_is_noticed() -> None:
    """The negative control: had the workflow called another activity, the replay would say so."""
    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(
            recorded(('"load"', '"fetch"')) if '"load"' in RECORDED.read_text() else without_a_marker()
        )


def without_a_marker() -> WorkflowHistory:
    """The recorded history with its local activities' results exchanged."""
    data = json.loads(RECORDED.read_text())
    markers = [event for event in data["events"] if "markerRecordedEventAttributes" in event]
    first, second = (event["markerRecordedEventAttributes"]["details"] for event in (markers[0], markers[-1]))
    first["data"], second["data"] = second["data"], first["data"]
    return WorkflowHistory.from_json("mttq-hanoi/2026/cum-1", json.dumps(data))
