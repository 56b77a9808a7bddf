"""The supervisor of the engine: asks each part whether it answers, and starts again what has ended or hangs.

A part that is only busy must not be killed for it. So it must miss several questions in a row, for some time, and
while another part that it needs does not answer it is not judged at all. After the pause before a start it is asked
once more. A supervisor whose own event loop was held up judges none: the question may have been late, not the answer.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from i18n import _
from local.process import EngineUnavailableError, Server
from local.questions import Question, answers

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """When the supervisor asks, when it judges, and when it gives up; seconds."""

    watch_s: float = 1.0
    """How often it looks whether a process has ended; a part that does not answer is asked again as often."""
    ask_s: float = 5.0
    """How often a part that answers is asked."""
    answer_s: float = 5.0
    """Deadline of an answer."""
    misses: int = 4
    silent_s: float = 20.0
    """A part hangs that has missed so many questions in a row and has not answered for so long."""
    start_s: float = 90.0
    """So long a part may take until its first answer."""
    late_s: float = 0.5
    """The supervisor's own event loop was held up when a turn of it took so much longer than asked for."""
    pauses_s: tuple[float, ...] = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0)
    """Before the first start again, the second, and so on; after the last one the supervisor gives up."""
    steady_s: float = 60.0
    """A part that has run for so long and answers begins with the first pause again."""


@dataclass(slots=True)
class SupervisedPart:
    """A part of the engine. `server` is None for one that this process did not start: it is only asked."""

    name: str
    question: Question
    server: Server | None = None
    needs: tuple[str, ...] = ()
    """Names of parts without which it cannot start or answer."""
    forgets_with: tuple[str, ...] = ()
    """Names of parts that may lose what this one remembers: it is started again after each of them."""
    is_ready: Question | None = None
    """Asked before a part that needs this one is started again: while it recovers from a crash it only answers."""
    is_outdated: bool = False
    """One of those was started again, and this one was not yet."""
    answers: bool = True
    misses: int = 0
    starts: int = 0
    """Starts again in a row."""
    has_answered: bool = True
    answered_at: float = field(default_factory=time.monotonic)
    started_at: float = field(default_factory=time.monotonic)
    asked_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Keeps the parts of one engine going. `pids` are the process ids by part, which other commands read."""

    def __init__(
        self, parts: Sequence[SupervisedPart], pids: dict[str, int], report: Report, patience: Patience | None = None
    ) -> None:
        self._parts = {part.name: part for part in parts}
        self._pids, self._report, self._patience = pids, report, patience or Patience()
        self._held_up_at = -math.inf

    async def run(self) -> None:
        """Watch until cancelled.

        Raises:
            EngineUnavailableError: `part_given_up`: a part ended or hung again after each start.
        """
        tasks = [asyncio.create_task(self._keep(part)) for part in self._parts.values()]
        tasks.append(asyncio.create_task(self._watch_own_loop()))
        try:
            done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError, EngineUnavailableError):
                    await task

    async def _keep(self, part: SupervisedPart) -> None:
        patience = self._patience
        while True:
            await asyncio.sleep(patience.watch_s)
            if part.server is not None and part.server.has_ended:
                part.answers = False
                if await self._can_be_started(part):
                    await self._start_again(part, _("{name} had ended; started again (its log: {log})"))
                continue
            if part.is_outdated:
                if await self._can_be_started(part):
                    await self._spawn(part, _("{name} was started again, too (its log: {log})"))
                continue
            if part.answers and time.monotonic() - part.asked_at < patience.ask_s:
                continue
            part.asked_at = time.monotonic()
            if await answers(part.question, patience.answer_s):
                self._note_answer(part)
                continue
            for _turn in range(4):
                await asyncio.sleep(0)  # the watch of this loop goes first: its timer wakes it some turns later
            if self._hangs(part):
                await self._start_again(part, _("{name} did not answer; started again (its log: {log})"))

    async def _watch_own_loop(self) -> None:
        late_s = self._patience.late_s
        while True:
            begun = time.monotonic()
            await asyncio.sleep(late_s)
            if time.monotonic() - begun > 2 * late_s:
                self._held_up_at = time.monotonic()

    def _can_be_judged(self, part: SupervisedPart) -> bool:
        return all(self._parts[name].answers for name in part.needs if name in self._parts)

    async def _can_be_started(self, part: SupervisedPart) -> bool:
        """Whether a part would find what it needs. A database that recovers would end it at once."""
        if not self._can_be_judged(part):
            return False
        needed = [self._parts[name].is_ready for name in part.needs if name in self._parts]
        found = [await answers(ready, self._patience.answer_s) for ready in needed if ready is not None]
        return all(found)

    def _note_answer(self, part: SupervisedPart) -> None:
        part.answers, part.has_answered, part.misses = True, True, 0
        part.answered_at = time.monotonic()
        if part.answered_at - part.started_at > self._patience.steady_s:
            part.starts = 0

    def _hangs(self, part: SupervisedPart) -> bool:
        """Note a missed question; return whether the part must be started again."""
        part.answers = False
        if part.server is None or part.server.has_ended:
            return False
        if not self._can_be_judged(part) or self._held_up_at >= part.asked_at:
            part.misses, part.answered_at = 0, time.monotonic()
            return False
        part.misses += 1
        silent = time.monotonic() - part.answered_at
        allowed = self._patience.silent_s if part.has_answered else self._patience.start_s
        return part.misses >= self._patience.misses and silent >= allowed

    async def _start_again(self, part: SupervisedPart, said: str) -> None:
        server, pauses = part.server, self._patience.pauses_s
        if server is None or server.stopped:
            return
        if part.starts >= len(pauses):
            raise EngineUnavailableError("part_given_up", name=part.name, log=str(server.log), times=part.starts)
        await asyncio.sleep(pauses[part.starts])
        if await self._need_not_start(part, server):
            return
        part.starts += 1
        await self._spawn(part, said)

    async def _spawn(self, part: SupervisedPart, said: str) -> None:
        """Start a part again, and let those know that remember what it may have lost."""
        server = part.server
        if server is None:
            return
        try:
            await asyncio.to_thread(server.start_again)
        except OSError as error:  # no memory, no more processes, a full disk: it may pass
            self._report(_("{name} could not be started again: {problem}").format(name=part.name, problem=error))
            return
        if server.stopped:
            return
        self._pids[part.name] = server.pid
        part.misses, part.has_answered, part.answers = 0, False, False
        part.started_at = part.answered_at = part.asked_at = time.monotonic()
        part.is_outdated = False
        for other in self._parts.values():
            other.is_outdated |= part.name in other.forgets_with and other.server is not None
        self._report(said.format(name=part.name, log=server.log))

    async def _need_not_start(self, part: SupervisedPart, server: Server) -> bool:
        """Whether a part came round during the pause, or cannot be judged any more."""
        if server.has_ended:
            return False
        if await answers(part.question, self._patience.answer_s):
            self._note_answer(part)
            return True
        if not self._can_be_judged(part):
            part.misses, part.answered_at = 0, time.monotonic()
            return True
        return False
