"""Child processes that check streams side by side. Each has an interpreter and a connection of its own.

A child is this module, run as a program. It reads a line of settings and then the name of a stream with its tip a line,
and answers each with a line of JSON. It ends when its input ends, so none outlives the process that started it. The
database's address comes by the input, because others can see a command line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from audit.beside import Erasures, Vault
from audit.keys import KeyHistory
from audit.report import StreamReport
from audit.streams import StreamChecker, Tip
from domain.rules import Edition, edition_of
from ledger.postgres import open_ledger
from resources import CHILD_ENVIRONMENT
from vault.texts import Texts

LINE_BYTES = 10_000_000
"""The most bytes of an answer: the problems of one stream."""

_REPORT: TypeAdapter[StreamReport] = TypeAdapter(StreamReport)


class VerificationStoppedError(Exception):
    """A child has ended before its work was done."""


@dataclass(frozen=True, slots=True)
class ChildSettings:
    """What a child needs to know."""

    url: str
    keys: KeyHistory
    erasures: Erasures

    def as_line(self) -> bytes:
        """Return the settings as a line."""
        erased = {"texts": sorted(self.erasures.texts), "persons": sorted(self.erasures.persons)}
        return json.dumps({"url": self.url, "keys": self.keys.as_json(), "erased": erased}).encode() + b"\n"

    @classmethod
    def of_line(cls, line: str) -> ChildSettings:
        """Return the settings of a line."""
        data = json.loads(line)
        erased = Erasures(frozenset(data["erased"]["texts"]), frozenset(data["erased"]["persons"]))
        return cls(data["url"], KeyHistory.from_json(data["keys"]), erased)


class StreamProcesses:
    """Some children that run until the context ends."""

    def __init__(self, children: list[asyncio.subprocess.Process]) -> None:
        self._children = children

    async def check(self, tips: dict[str, Tip]) -> AsyncIterator[tuple[str, StreamReport]]:
        """Yield what is found in each stream. A child gets the next one when it has answered.

        Raises:
            VerificationStoppedError
        """
        waiting = iter(tips.items())
        running = {
            asyncio.create_task(_ask(child, name, tip)): child
            for child, (name, tip) in zip(self._children, waiting, strict=False)
        }
        try:
            while running:
                done, _rest = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    child = running.pop(task)
                    yield task.result()
                    if (following := next(waiting, None)) is not None:
                        running[asyncio.create_task(_ask(child, *following))] = child
        finally:
            for task in running:
                task.cancel()


def stream_processes(
    url: str, count: int, erasures: Erasures
) -> Callable[[KeyHistory], AbstractAsyncContextManager[StreamProcesses]]:
    """Return what starts so many children on the ledger at an address."""

    @asynccontextmanager
    async def started(keys: KeyHistory) -> AsyncIterator[StreamProcesses]:
        settings = ChildSettings(url, keys, erasures).as_line()
        children = [await _start(settings) for _ in range(count)]
        try:
            yield StreamProcesses(children)
        finally:
            for child in children:
                if child.returncode is None:
                    child.kill()
                await child.wait()

    return started


async def _start(settings: bytes) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-s",
        "-m",
        "audit.processes",
        env=CHILD_ENVIRONMENT,
        cwd="/",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    if child.stdin is None:
        raise VerificationStoppedError
    child.stdin.write(settings)
    return child


async def _ask(child: asyncio.subprocess.Process, name: str, tip: Tip) -> tuple[str, StreamReport]:
    if child.stdin is None or child.stdout is None:
        raise VerificationStoppedError
    try:
        child.stdin.write(json.dumps([name, tip.version, tip.digest.hex()]).encode() + b"\n")
        await child.stdin.drain()
        line = await child.stdout.readline()
    except ConnectionError:
        line = b""
    if not line.endswith(b"\n"):
        raise VerificationStoppedError
    return name, _REPORT.validate_json(line)


async def _work() -> None:
    settings = ChildSettings.of_line(sys.stdin.readline())
    os.nice(5)
    ledger = await open_ledger(settings.url, settings.keys.installation, writing=False)
    texts = Texts(ledger.pool)

    async def edition(digest: str) -> Edition | None:
        body = await texts.edition(digest)
        return edition_of(body) if body else None

    checker = StreamChecker(ledger, edition, settings.keys, Vault(ledger.pool, settings.erasures))
    while line := await asyncio.to_thread(sys.stdin.readline):
        name, version, digest = json.loads(line)
        found: Any = await checker.check(name, Tip(version, bytes.fromhex(digest)))
        sys.stdout.write(_REPORT.dump_json(found).decode() + "\n")
        sys.stdout.flush()
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(_work())
