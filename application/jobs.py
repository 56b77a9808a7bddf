"""Jobs that go on in the background of a process, while pages and programs ask how far they are."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import uuid4

from errors import NotFoundError

KEPT = 20
"""The oldest job is forgotten when there are more."""

J = TypeVar("J")


class Jobs:
    """The jobs of one process. A restart forgets them."""

    def __init__(self) -> None:
        self._jobs: dict[str, Any] = {}
        self._running: set[asyncio.Task[None]] = set()

    def start(self, job: object, work: Coroutine[Any, Any, None]) -> str:
        """Run `work`, which notes its progress in `job`; returns the job's id."""
        id_ = uuid4().hex
        while len(self._jobs) >= KEPT:
            self._jobs.pop(next(iter(self._jobs)))
        self._jobs[id_] = job
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return id_

    def of_kind(self, kind: type[J]) -> list[tuple[str, J]]:
        """The jobs of a kind as they are now, each with its id, the oldest first."""
        return [(id_, copy.copy(job)) for id_, job in self._jobs.items() if isinstance(job, kind)]

    def get(self, id_: str, kind: type[J]) -> J:
        """A job of a kind as it is now: a copy, since a page is made of it while the job goes on.

        Raises:
            NotFoundError: `no_such_job`.
        """
        job = self._jobs.get(id_)
        if not isinstance(job, kind):
            raise NotFoundError("no_such_job")
        return copy.copy(job)
