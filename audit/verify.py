"""Verification of a whole ledger: no row was changed, and an authorised command or a deadline explains every event.

It has two parts. The first reads all events in order: positions, times, digests, links, and the Merkle tree, whose root
is compared with checkpoints (`audit/chain.py`). The second goes stream by stream: signatures and decisions
(`audit/streams.py`), in several processes where the ledger is large.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from audit.chain import Chain, check_chain
from audit.keys import KeyHistory, key_history
from audit.marks import Marks
from audit.report import StreamReport, VerificationReport, first_problems
from audit.streams import EditionOf, NamedOutside, StreamChecker, Tip, stream_tips
from domain import law
from ledger.protocol import Ledger

Progress = Callable[[int, int, int], None]
"""The part (1 or 2), how many events of it are done, and how many there are about."""


class StreamPool(Protocol):
    """Checks many streams side by side (`audit.processes.StreamProcesses`)."""

    def check(self, tips: dict[str, Tip]) -> AsyncIterator[tuple[str, StreamReport]]:
        """Yield what is found in each stream, in any order."""


PoolOf = Callable[[KeyHistory], AbstractAsyncContextManager[StreamPool]]


async def verify(  # noqa: PLR0913 - one for each source of what is compared
    ledger: Ledger,
    edition_of: EditionOf,
    installation_id: str,
    epoch: int,
    *,
    marks: Marks | None = None,
    root_key: str | None = None,
    outside: NamedOutside | None = None,
    pool_of: PoolOf | None = None,
    progress: Progress = lambda _part, _done, _all: None,
) -> VerificationReport:
    """Check the whole ledger.

    Args:
        ledger: what is checked.
        edition_of: returns a rules edition by digest.
        installation_id: the id that the ledger must belong to.
        epoch: its writer epoch.
        marks: the checkpoints that it is compared with.
        root_key: the installation's first public key in hex, if the auditor has it from another source.
        outside: checks the texts, persons and files that events name; without it they are not checked.
        pool_of: makes the processes for the second part; without it this process does it.
        progress: is called now and then.
    """
    marks = marks or Marks()
    about = await ledger.last_position()
    chain = await check_chain(ledger, marks.sizes, lambda done: progress(1, done, max(about, done)))
    report = VerificationReport(chain.events, len(chain.tips), law=law.LAW, root=chain.tree.root().hex())
    own = StreamReport()
    keys = await key_history(ledger, installation_id, epoch, root_key, own)
    report.add(own)
    await _check_streams(ledger, edition_of, keys, outside, pool_of, chain, report, progress)
    if outside is not None:
        report.beside.extend(await outside.check_commands(chain.commands))
    differing, report.compared = marks.compare(chain.roots, chain.events)
    report.problems = first_problems([*chain.problems, *differing, *report.problems])
    report.beside.extend(marks.beside)
    return report


async def _check_streams(
    ledger: Ledger,
    edition_of: EditionOf,
    keys: KeyHistory,
    outside: NamedOutside | None,
    pool_of: PoolOf | None,
    chain: Chain,
    report: VerificationReport,
    progress: Progress,
) -> None:
    tips, done = stream_tips(chain.tips), 0
    if pool_of is None:
        checker = StreamChecker(ledger, edition_of, keys, outside)
        for name, tip in tips.items():
            report.add(await checker.check(name, tip))
            done += tip.version
            progress(2, done, chain.events)
            await asyncio.sleep(0)
        return
    async with pool_of(keys) as pool:
        async for name, found in pool.check(tips):
            report.add(found)
            done += tips[name].version
            progress(2, done, chain.events)
