"""Work that can be slow, beside the event loop of the process that answers people.

What grows faster than its input, or opens an untrusted file, is done by a child process: at most `PROCESSES` at a time,
with a deadline, after which the child is killed. Long work of ours on data of the ledger, whose length is bounded by
what was recorded, is done by a few threads: it takes its time, and others are answered meanwhile.

A child does one piece of work and ends, so nothing of one person's data stays for the next, and there is nothing to
repair after a child was killed. It has limited memory, a lower priority and none of this process's secrets: its
environment holds only the folder of our modules. It answers JSON, which unlike pickle cannot make this process run
code.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from errors import AwayError
from resources import CHILD_ENVIRONMENT

PROCESSES = 2
"""Children at a time."""

WAITING = 8
"""Pieces of work that wait for a child; the next is refused with `too_busy`."""

MEMORY = 1_000_000_000
"""Bytes of address space of a child."""

THREADS = 4
FEW = 200
"""Work on fewer things, such as events, is done at once: a thread would cost more than it saves."""

T = TypeVar("T")
P = ParamSpec("P")

_threads = ThreadPoolExecutor(THREADS, "work")


class TooBusyError(AwayError):
    """So many pieces of work wait already that another would only wait longer."""

    def __init__(self) -> None:
        super().__init__("too_busy")


class WorkFailedError(Exception):
    """A child ended without an answer: what it was given is not what it expects, or needs too much memory."""


class WorkTooLongError(WorkFailedError):
    """A child gave no answer within its deadline and was killed."""


class Children:
    """The children of one process: so many at a time, and so many pieces of work that wait."""

    def __init__(self, processes: int = PROCESSES, waiting: int = WAITING) -> None:
        self._slots, self._most, self._taken = asyncio.Semaphore(processes), processes + waiting, 0

    async def run(self, module: str, sent: bytes, *, seconds: float) -> Any:
        """Run `module`, which calls `answer_as_child`, on some bytes; return what its function returned, as JSON.

        Raises:
            TooBusyError, WorkTooLongError, WorkFailedError
        """
        if self._taken >= self._most:
            raise TooBusyError
        self._taken += 1
        try:
            async with self._slots:
                return await _in_child(module, sent, seconds)
        finally:
            self._taken -= 1


CHILDREN = Children()
"""Those of this process."""


async def _in_child(module: str, sent: bytes, seconds: float) -> Any:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-s",
        "-m",
        module,
        env={**CHILD_ENVIRONMENT, "THIDUA_CHILD_SECONDS": str(int(seconds) + 1)},
        cwd="/",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(seconds):
            out, _err = await child.communicate(sent)
    except TimeoutError:
        raise WorkTooLongError(module) from None
    finally:
        if child.returncode is None:  # too slow, or the visitor has gone
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode != 0:
        raise WorkFailedError(module)
    return json.loads(out)


def answer_as_child(function: Callable[[bytes], Any]) -> None:
    """What a module does that is run as a child: limit itself, read, work, answer."""
    seconds = int(os.environ["THIDUA_CHILD_SECONDS"])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    os.nice(5)
    gc.disable()  # the process ends with its answer
    answer = function(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(answer, ensure_ascii=False))


async def beside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a thread, in the language of the caller."""
    call = partial(copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_threads, call)


async def of_many(count: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function whose time goes by the number of some things: at once for a `FEW` of them, else in a thread."""
    return function(*args, **kwargs) if count < FEW else await beside(function, *args, **kwargs)
