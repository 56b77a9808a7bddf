"""Work that can be slow, beside the event loop of the process that answers people.

What grows faster than its input, or opens an untrusted file, is done by a child process: at most `PROCESSES` at a time,
with a deadline, after which the child is killed. Long work of ours on data of the ledger, whose length is bounded by
what was recorded, is done by a few threads: it takes its time, and others are answered meanwhile. So many pieces of
work may wait for a child or a thread, and no more.

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
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from pydantic import TypeAdapter, ValidationError

from errors import AwayError
from resources import CHILD_ENVIRONMENT

PROCESSES = 2
"""Children at a time."""

WAITING = 8
"""Pieces of work that wait for a child; the next is refused with `too_busy`."""

WAIT_S = 20.0
"""What has waited for a child for so long is refused with `too_busy`, too. The deadline of the child comes on top."""

ANSWER_BYTES = 32_000_000
"""A child that answers more is killed: its memory is bounded, and so is that of this process."""

MEMORY = 1_000_000_000
"""Bytes of address space of a child."""

THREADS = 4
WAITING_FOR_THREADS = 100
"""Pieces of work that wait for a thread; the next is refused with `too_busy`."""

FEW = 200
"""Work on fewer things, such as events, is done at once: a thread would cost more than it saves."""

T = TypeVar("T")
P = ParamSpec("P")


class TooBusyError(AwayError):
    """So many pieces of work wait already that another would only wait longer."""

    def __init__(self) -> None:
        super().__init__("too_busy")


class WorkFailedError(Exception):
    """A child gave no answer of the expected shape: what it was given is not what it expects, or is too much for it."""


class WorkTooLongError(WorkFailedError):
    """A child gave no answer within its deadline and was killed."""


class Children:
    """The children of one process: so many at a time, and so many pieces of work that wait, each for a bounded time."""

    def __init__(self, processes: int = PROCESSES, waiting: int = WAITING, wait_s: float = WAIT_S) -> None:
        self._slots, self._most, self._taken = asyncio.Semaphore(processes), processes + waiting, 0
        self._wait_s = wait_s

    async def run(self, module: str, sent: bytes, shape: TypeAdapter[T], *, seconds: float) -> T:
        """Run `module`, which calls `answer_as_child`, on some bytes; return what its function returned.

        `shape` says what that must be: a child that an untrusted file took over can answer anything.

        Raises:
            TooBusyError, WorkTooLongError, WorkFailedError
        """
        if self._taken >= self._most:
            raise TooBusyError
        self._taken += 1
        try:
            await self._wait_for_slot()
            try:
                out = await _in_child(module, sent, seconds)
            finally:
                self._slots.release()
        finally:
            self._taken -= 1
        try:
            return shape.validate_json(out)
        except ValidationError:
            raise WorkFailedError(module) from None

    async def _wait_for_slot(self) -> None:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._slots.acquire()
        except TimeoutError:
            raise TooBusyError from None


CHILDREN = Children()
"""Those of this process."""


async def _in_child(module: str, sent: bytes, seconds: float) -> bytes:
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
    if child.stdin is None or child.stdout is None:
        raise WorkFailedError(module)
    try:
        async with asyncio.timeout(seconds):
            _sent, out = await asyncio.gather(_give(child.stdin, sent), _take(child, child.stdout))
    except TimeoutError:
        raise WorkTooLongError(module) from None
    finally:
        if child.returncode is None:  # too slow, too long an answer, or the visitor has gone
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if out is None or child.returncode != 0:
        raise WorkFailedError(module)
    return out


async def _give(to: asyncio.StreamWriter, sent: bytes) -> None:
    with contextlib.suppress(ConnectionError):  # it has ended without reading: its exit code tells
        to.write(sent)
        await to.drain()
    to.close()


async def _take(child: asyncio.subprocess.Process, answer: asyncio.StreamReader) -> bytes | None:
    """The answer of a child that has ended; None when it is too long, and the child is killed."""
    out = bytearray()
    while part := await answer.read(65_536):
        out += part
        if len(out) > ANSWER_BYTES:
            child.kill()
            return None
    await child.wait()
    return bytes(out)


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


class Threads:
    """So many threads, and so many pieces of work that wait for one; `waiting` None: as many as come."""

    def __init__(self, name: str, threads: int, waiting: int | None) -> None:
        self._threads = ThreadPoolExecutor(threads, name)
        self._most, self._taken, self._lock = None if waiting is None else threads + waiting, 0, threading.Lock()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a thread, in the language of the caller.

        Raises:
            TooBusyError
        """
        with self._lock:
            if self._most is not None and self._taken >= self._most:
                raise TooBusyError
            self._taken += 1
        done = self._threads.submit(partial(copy_context().run, function, *args, **kwargs))
        # Not when its caller goes: a piece of work that has begun goes on without one.
        done.add_done_callback(self._ended)
        return await asyncio.wrap_future(done)

    def _ended(self, _done: Future[Any]) -> None:
        with self._lock:
            self._taken -= 1


LONG_WORK = Threads("work", THREADS, WAITING_FOR_THREADS)
"""For work whose time goes by what was recorded or sent."""


async def beside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function in a thread of those for long work, in the language of the caller.

    Raises:
        TooBusyError
    """
    return await LONG_WORK.run(function, *args, **kwargs)


async def of_many(count: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function whose time goes by the number of some things: at once for a `FEW` of them, else in a thread."""
    return function(*args, **kwargs) if count < FEW else await beside(function, *args, **kwargs)
