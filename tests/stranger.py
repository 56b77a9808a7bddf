"""A program of another user of the machine, who tries to do at Temporal's door what a client may do.

    python stranger.py USER WISHES

USER is the number of the user that it becomes, or empty. WISHES is JSON: the server's address, namespace, workflow and
queue; files that it would like to read; and ways in, by name: an authority's certificate, and a certificate with its
key, as PEM, each of which may be missing. It prints what came of each act on each way: "done", or why not.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.api.common.v1 import WorkflowExecution, WorkflowType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.update.v1 import Input, Meta, Request
from temporalio.api.workflowservice import v1
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode, TLSConfig
from temporalio.worker import Worker

WAITS_S = 3.0
"""How long it waits for a task: a client that is let in at the door waits for one in vain."""


def acts(namespace: str, workflow: str, queue: str) -> dict[str, tuple[str, Any]]:
    """What it tries: the name of a call, and its request. The last one ends the workflow."""
    one = WorkflowExecution(workflow_id=workflow)
    update = Request(meta=Meta(update_id="x"), input=Input(name="submit"))
    return {
        "list": ("list_workflow_executions", v1.ListWorkflowExecutionsRequest(namespace=namespace)),
        "read": (
            "get_workflow_execution_history",
            v1.GetWorkflowExecutionHistoryRequest(namespace=namespace, execution=one),
        ),
        "signal": (
            "signal_workflow_execution",
            v1.SignalWorkflowExecutionRequest(namespace=namespace, workflow_execution=one, signal_name="reload"),
        ),
        "update": (
            "update_workflow_execution",
            v1.UpdateWorkflowExecutionRequest(namespace=namespace, workflow_execution=one, request=update),
        ),
        "start": (
            "start_workflow_execution",
            v1.StartWorkflowExecutionRequest(
                namespace=namespace,
                workflow_id=f"{workflow}-cua-nguoi-la",
                request_id="x",
                workflow_type=WorkflowType(name="ClusterCycle"),
                task_queue=TaskQueue(name=queue),
            ),
        ),
        "take a task": (
            "poll_workflow_task_queue",
            v1.PollWorkflowTaskQueueRequest(namespace=namespace, task_queue=TaskQueue(name=f"{queue}-cua-nguoi-la")),
        ),
        "terminate": (
            "terminate_workflow_execution",
            v1.TerminateWorkflowExecutionRequest(namespace=namespace, workflow_execution=one),
        ),
    }


async def what_came(work: Any) -> str:
    """Return "done" when the server has dealt with a call, even by refusing its content; else why it did not."""
    try:
        await work
    except RPCError as error:
        # A call that waits for a task ends with its time.
        inside = {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.NOT_FOUND}
        return "done" if error.status in inside else f"{error.status.name}: {error.message}"
    except (RuntimeError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    return "done"


async def own_worker(address: str, namespace: str, queue: str, tls: Any) -> None:
    """Work on a queue for a moment."""
    client = await Client.connect(address, namespace=namespace, tls=tls)

    async with Worker(client, task_queue=queue, activities=[append]):
        pass


@activity.defn
async def append(_request: Any) -> str:
    """Acknowledge whatever comes."""
    return "forged"


def reading(file: Path) -> str:
    """Try to read a file."""
    try:
        file.read_bytes()
    except OSError as error:
        return type(error).__name__
    return "done"


async def main(wishes: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Try everything on every way."""
    where = wishes["address"], wishes["namespace"]
    found: dict[str, dict[str, str]] = {"files": {}}
    for file in map(Path, wishes["files"]):
        found["files"][str(file)] = reading(file)
    for name, way in wishes["ways"].items():
        tls: Any = False
        if way is not None:
            authority, certificate, key = (text.encode() if text else None for text in way)
            tls = TLSConfig(authority, "temporal.thidua", certificate, key)
        client = await Client.connect(where[0], namespace=where[1], tls=tls, lazy=True)
        found[name] = {
            act: await what_came(
                getattr(client.workflow_service, call)(request, retry=False, timeout=timedelta(seconds=WAITS_S))
            )
            for act, (call, request) in acts(where[1], wishes["workflow"], wishes["queue"]).items()
        }
        found[name]["work"] = await what_came(own_worker(*where, f"{wishes['queue']}-cua-nguoi-la", tls))
    return found


if __name__ == "__main__":
    user, asked = sys.argv[1:]
    if user:
        # Everything is imported by now: the other user may not be able to reach this program's files.
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    print(json.dumps(asyncio.run(main(json.loads(asked)))), flush=True)
    os._exit(0)  # threads of the SDK's bridge may still run, and crash the interpreter at its end
