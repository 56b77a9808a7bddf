"""The workflows that run, compared with those that must: starts what is missing, and again what another engine runs.

The ledger says what must run. Temporal may have lost it: a stranger terminated it, its databases were dropped, or a
crash of PostgreSQL took a start that was committed asynchronously (ADR 21).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from domain.installation import STREAM
from workflows.client import AWAY
from workflows.messages import TASK_QUEUE, TASK_TIMEOUT, workflow_of
from workflows.post import WORKFLOW_ID
from workflows.stream import ENGINE_EPOCH, EPOCH_MEMO, MEMO

POST = WORKFLOW_ID
"""The stream of the post, which has no decider, and the id of its workflow."""

PARALLEL = 16
"""Workflows that are started at once."""

ANSWER_S = timedelta(seconds=10)

Streams = Mapping[str, bool]
"""Streams that a workflow decides, each with whether it is open."""


_Kind = tuple[str, str, object]
"""Type, task queue and engine epoch of a run."""


@dataclass(slots=True)
class StartedRuns:
    """The streams whose workflows were started: `missing` did not run, `replaced` ran on another engine.

    With an `error` there are others that could not be started.
    """

    missing: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    error: RPCError | None = None

    def __bool__(self) -> bool:
        return bool(self.missing or self.replaced)


@dataclass(frozen=True, slots=True)
class _Expected:
    """A workflow of ours. A filed cycle need not run, but may: while a command for it is decided."""

    name: str
    id: str
    stream: str
    must_run: bool

    @property
    def arguments(self) -> list[str]:
        return [] if self.stream == POST else [self.stream]


def is_away(error: BaseException) -> bool:
    """True when Temporal cannot be reached, or does not answer now: trying again can help."""
    return isinstance(error, RPCError) and error.status in {RPCStatusCode.RESOURCE_EXHAUSTED, *AWAY}


class Runs:
    """The workflows of one installation: its post, its own stream, its years and cycles."""

    def __init__(self, client: Client, installation: str, task_queue: str = TASK_QUEUE) -> None:
        self._client, self._installation, self._task_queue = client, installation, task_queue

    async def start_own(self) -> None:
        """Start the workflows that every installation has, unless they run.

        Raises:
            RPCError
        """
        for one in self._expected({STREAM: True}):
            await self._start(one, WorkflowIDConflictPolicy.USE_EXISTING)

    async def compare(self, streams: Callable[[], Awaitable[Streams]], *, anew: bool = False) -> StartedRuns:
        """Start what should run and does not, and again what another engine runs: of another epoch, or not ours.

        With `anew` all of them are started again from the ledger. Several processes may do this at once.

        Raises:
            RPCError: the list cannot be had.
        """
        # First what runs, then what is open: a cycle that is filed in between is not started again.
        running = await self._running()
        started, left = StartedRuns(), self._expected(await streams())
        await asyncio.gather(*(self._check(left, running, started, anew=anew) for _ in range(PARALLEL)))
        return started

    def _expected(self, streams: Streams) -> Iterator[_Expected]:
        yield _Expected("Post", POST, POST, must_run=True)
        for stream, is_open in streams.items():
            yield _Expected(*workflow_of(stream, self._installation), stream, must_run=is_open)

    async def _running(self) -> dict[str, set[_Kind]]:
        """Return of what kind the runs are that Temporal lists, by the workflow's id."""
        found: dict[str, set[_Kind]] = {}
        async for run in self._client.list_workflows('ExecutionStatus = "Running"', rpc_timeout=ANSWER_S):
            found.setdefault(run.id, set()).add(await _kind(run))
        return found

    async def _check(
        self, left: Iterator[_Expected], running: Mapping[str, set[_Kind]], started: StartedRuns, *, anew: bool
    ) -> None:
        """Check those that are left, one after another; stop when Temporal is away."""
        for one in left:
            kinds = running.get(one.id, set())
            if not anew and (self._own_kind(one) in kinds or not (kinds or one.must_run)):
                continue
            try:
                await self._start_again(one, started, anew=anew)
            except RPCError as error:
                started.error = error
                if is_away(error):
                    return

    async def _start_again(self, one: _Expected, started: StartedRuns, *, anew: bool) -> None:
        """Start one that the list shows otherwise than expected. The list is behind: what is so now is asked first."""
        now = await self._kind_now(one.id)
        if now == self._own_kind(one) and not anew:
            return
        if one.must_run:
            policy = WorkflowIDConflictPolicy
            await self._start(one, policy.USE_EXISTING if now is None else policy.TERMINATE_EXISTING)
            (started.missing if now is None else started.replaced).append(one.stream)
        elif now is not None:
            with suppress(RPCError):  # it has ended meanwhile
                await self._client.get_workflow_handle(one.id).terminate("another engine", rpc_timeout=ANSWER_S)

    def _own_kind(self, one: _Expected) -> _Kind:
        return one.name, self._task_queue, ENGINE_EPOCH

    async def _kind_now(self, id_: str) -> _Kind | None:
        """Return of what kind the run of a workflow is; None when there is none."""
        try:
            run = await self._client.get_workflow_handle(id_).describe(rpc_timeout=ANSWER_S)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return None
            raise
        return await _kind(run) if run.status == WorkflowExecutionStatus.RUNNING else None

    async def _start(self, one: _Expected, policy: WorkflowIDConflictPolicy) -> None:
        await self._client.start_workflow(
            one.name,
            args=one.arguments,
            id=one.id,
            task_queue=self._task_queue,
            # The post keeps the server's own: its activity runs for minutes, and no caller waits for its tasks.
            task_timeout=None if one.stream == POST else TASK_TIMEOUT,
            id_conflict_policy=policy,
            memo=MEMO,
            rpc_timeout=ANSWER_S,
        )


async def _kind(run: WorkflowExecution) -> _Kind:
    return run.workflow_type, run.task_queue, await run.memo_value(EPOCH_MEMO, None)
