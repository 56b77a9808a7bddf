"""What the benchmarks share: temporary folders and servers, and the rows of the result table."""

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
    """One figure in `unit`; `other` is the figure of what it is compared with. `met` tells if the target is met."""

    what: str
    value: float
    unit: str
    against: str = ""
    other: float | None = None
    target: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """`value` divided by `other`."""
        return self.value / self.other if self.other else None

    def as_json(self) -> dict[str, object]:
        """Return the row as JSON values."""
        return {**asdict(self), "ratio": self.ratio}


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a temporary folder that PostgreSQL's system user can reach."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def server() -> Iterator[tuple[PostgresServer, Path]]:
    """Start a PostgreSQL server for one benchmark."""
    with scratch() as folder:
        running = PostgresServer(folder / "postgresql", paths().make().cache, folder / "postgresql.log").start()
        try:
            yield running, folder
        finally:
            running.stop()


async def rate(count: int, work: Callable[[], Awaitable[object]]) -> float:
    """Return operations per second, when `work` does `count` of them."""
    started = time.perf_counter()
    await work()
    return count / (time.perf_counter() - started)


def median(values: list[float]) -> float:
    """Return the median of the rounds."""
    return statistics.median(values)


def resident_kb(pid: int) -> int:
    """Return the resident memory of a process, in kB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0
