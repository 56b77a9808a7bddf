"""What a process repeats beside its work: at fixed times, or after appends to the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog
from prometheus_client import Counter, Gauge, Histogram

from errors import CodedError
from i18n.messages import sentence
from ledger.notices import AnnouncesAppends, wake_on_appends

AWAY_S = 2.0
"""The pause after a failure: a database that was away for a moment is not waited for a whole pause."""

POLL_S = 5.0
"""What follows the ledger runs so often although no notice came: one can be lost with its connection."""

_SECONDS = Histogram(
    "thidua_upkeep_seconds",
    "Time of one run of what a process repeats, such as a projection",
    ("upkeep",),
    buckets=(0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30, 120),
)
_FAILURES = Counter("thidua_upkeep_failures", "Runs that failed; they are repeated", ("upkeep",))
_DONE = Gauge("thidua_upkeep_done_timestamp_seconds", "When a run last came to its end", ("upkeep",))

log = structlog.get_logger()

Work = Callable[[], Awaitable[object]]


class Upkeep:
    """Tasks of one process, which end neither each other nor the process: their errors are logged.

    Args:
        ledger: announces appends.
        is_passing: whether an error says that something is away which comes back.
        told: errors whose sentence says what to do.
    """

    def __init__(
        self, ledger: AnnouncesAppends, is_passing: Callable[[BaseException], bool], told: tuple[type[CodedError], ...]
    ) -> None:
        self._ledger, self._is_passing, self._told = ledger, is_passing, told
        self._tasks: list[asyncio.Task[None]] = []
        self._followers: list[asyncio.Event] = []

    def every(self, pause_s: float, name: str, work: Work, *, first_s: float | None = None) -> None:
        """Repeat work with pauses; the first comes before it, because a worker may run for one command only."""
        self._tasks.append(asyncio.create_task(self._repeat(name, work, pause_s, first_s, None)))

    def after_appends(self, pause_s: float, name: str, work: Work) -> None:
        """Do work when something was appended, but not sooner than after the pause: many appends cost one run."""
        wake = asyncio.Event()
        self._followers.append(wake)
        self._tasks.append(asyncio.create_task(self._repeat(name, work, pause_s, None, wake)))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it up while the context lasts."""
        self._tasks.append(asyncio.create_task(self._listen()))
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()

    async def _listen(self) -> None:
        while True:
            await wake_on_appends(self._ledger, self._note_append)
            await asyncio.sleep(AWAY_S)

    def _note_append(self) -> None:
        for follower in self._followers:
            follower.set()

    async def _repeat(
        self, name: str, work: Work, pause_s: float, first_s: float | None, wake: asyncio.Event | None
    ) -> None:
        await asyncio.sleep(pause_s if first_s is None else first_s)
        while True:
            if wake is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), POLL_S)
                wake.clear()
            try:
                with _SECONDS.labels(name).time():
                    await work()
                _DONE.labels(name).set_to_current_time()
            except self._told as error:
                _FAILURES.labels(name).inc()
                log.warning(sentence(error.code, error.facts), upkeep=name)
            except Exception as error:
                _FAILURES.labels(name).inc()
                is_passing = self._is_passing(error)
                if is_passing:
                    log.warning("waits", upkeep=name, reason=type(error).__name__)
                else:
                    log.exception("upkeep", upkeep=name)
                await asyncio.sleep(AWAY_S)
                if is_passing:
                    if wake is not None:
                        wake.set()
                    continue
            await asyncio.sleep(pause_s)
