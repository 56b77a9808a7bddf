"""A worker that is killed at one point of the post's work, as by a power cut. It is run as a process.

THIDUA_KILL names the point; without it the worker lives. Its post and its queue are its own, so that it can share a
Temporal server with other tests, and it waits for seconds where a real one waits for minutes.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio.common import RetryPolicy

import accounts.outgoing
import activities.post
import activities.post_delivery
import worker
import workflows.post
import workflows.runs
from accounts.outgoing import Outgoing
from domain.installation import POST_STREAM
from ledger.postgres import PostgresLedger
from mail.smtp import SmtpMailer

POINT = os.environ.get("THIDUA_KILL", "")


def kill_after(owner: Any, method: str, point: str, when: Callable[[tuple[Any, ...], Any], bool]) -> None:
    """End this process once the method has done its work, where its arguments and answer are the wanted ones."""
    real: Callable[..., Awaitable[Any]] = getattr(owner, method)

    async def killed(*args: Any, **options: Any) -> Any:
        answer = await real(*args, **options)
        if point == POINT and when(args, answer):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, method, killed)


def always(_args: tuple[Any, ...], _answer: Any) -> bool:
    return True


def appends(name: str) -> Callable[[tuple[Any, ...], Any], bool]:
    """Whether the post has appended an event of this type."""

    def found(args: tuple[Any, ...], _answer: Any) -> bool:
        (part, *_others) = args[1].parts
        return part.stream == POST_STREAM and any(draft.type == name for draft in part.events)

    return found


kill_after(Outgoing, "put", "put", always)
kill_after(PostgresLedger, "append", "part", appends("NoticeGathered"))
kill_after(Outgoing, "take", "taken", always)
kill_after(SmtpMailer, "send", "accepted", always)
kill_after(Outgoing, "settle", "settled", always)
kill_after(PostgresLedger, "append", "recorded", appends("NoticeSent"))

activities.post.EVENTS_IN_PART = 2
activities.post.HEARTBEAT_S = 0.2
activities.post_delivery.GATHER_S = 0.0
accounts.outgoing.LEASE = timedelta(seconds=1)
workflows.post.SILENCE = timedelta(seconds=2)
workflows.post.RETRY = RetryPolicy(initial_interval=timedelta(seconds=0.1), backoff_coefficient=1.0)
NAME = f"post-{os.environ['THIDUA_INSTALLATION']}"
workflows.runs.POST = workflows.post.WORKFLOW_ID = NAME


async def leave_others(*_parts: Any) -> None:
    """The cycles run on the queue of the test's own worker: comparing would take them over."""


for name, value in {
    "TASK_QUEUE": NAME,
    "Runs": partial(workflows.runs.Runs, task_queue=NAME),
    "compare_runs": leave_others,
}.items():
    setattr(worker, name, value)
asyncio.run(worker.main())
