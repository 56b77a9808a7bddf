"""A place to measure in: servers of its own, in a folder that is thrown away; and how a row of the table looks."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from local.paths import paths
from local.postgres import PostgresServer

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One figure: what, in which unit, against what, and the target where there is one."""

    what: str
    value: float
    unit: str
    against: str = ""
    other: float | None = None
    target: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the other's."""
        return self.value / self.other if self.other else None

    def as_json(self) -> dict[str, object]:
        """For the file."""
        return {**asdict(self), "ratio": self.ratio}


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach, thrown away."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def server() -> Iterator[tuple[PostgresServer, Path]]:
    """A PostgreSQL server for one bench."""
    with scratch() as folder:
        running = PostgresServer(folder / "postgresql", paths().make().cache, folder / "postgresql.log").start()
        try:
            yield running, folder
        finally:
            running.stop()


async def rate(count: int, work: Callable[[], Awaitable[object]]) -> float:
    """How many of `count` a second."""
    started = time.perf_counter()
    await work()
    return count / (time.perf_counter() - started)


def median(values: list[float]) -> float:
    """The middle of the rounds."""
    return statistics.median(values)
