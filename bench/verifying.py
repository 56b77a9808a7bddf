"""Verification and checkpoints over a million events, and the state of a long stream at any moment.

The first part, checkpoints and memory are measured on a ledger of plain events, which is quick to make; the second part
on clusters' years as the decider decides them. Their signatures lie in the past, so that each is found to have expired:
that takes no time to speak of.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from nacl.signing import SigningKey

from application.verification import PROCESSES, verify_all
from audit.beside import Erasures
from audit.chain import check_chain
from audit.keys import KeyHistory
from audit.processes import stream_processes
from audit.replay import replay
from audit.streams import stream_tips
from bench import years
from bench.harness import ROUNDS, BenchRow, median
from bench.ledgers import NOW, draft, ledger
from domain.installation import KeyHolder, KeyRole, NamedKey
from domain.rules import NO_RULES, Edition
from domain.steps.commenting import StanceTaken
from domain.steps.lifecycle import CycleOpened
from domain.units import Unit
from ledger.checkpoints import CheckpointFile, CheckpointLog
from ledger.events import StreamTip
from ledger.notes import Ed25519Signer
from ledger.postgres import PostgresLedger
from ledger.protocol import Append, Part, load_all
from ledger.signing import Signer
from local.postgres import PostgresServer
from vault.texts import Texts

EVENTS = int(os.environ.get("BENCH_EVENTS", "1_000_000"))
STREAM_EVENTS = 100
NEW_EVENTS = 1_000
LONG_EVENTS = 800
YEARS = 2
CLUSTERS = 24
MEGABYTE = 1_000_000


async def verifying(server: PostgresServer, folder: Path, rules: Edition) -> list[BenchRow]:
    """Measure all of it."""
    async with ledger(server, "million") as opened:
        await _fill(opened, EVENTS)
        rows = [await _first_part(opened), *await _checkpoints(opened, folder), await _memory(opened)]
    async with ledger(server, "decided") as opened:
        rows += await _second_part(opened, rules)
        rows.append(await _moment(opened))
    return rows


async def _fill(opened: PostgresLedger, count: int) -> None:
    """Append plain events, in streams of a hundred."""
    slots = asyncio.Semaphore(16)

    async def stream(number: int) -> None:
        async with slots:
            events = tuple(draft() for _ in range(STREAM_EVENTS))
            await opened.append(Append((Part(f"w-{number}-{uuid4().hex[:8]}", StreamTip(), events),)))

    for start in range(0, count // STREAM_EVENTS, 1_000):
        await asyncio.gather(*(stream(n) for n in range(start, min(start + 1_000, count // STREAM_EVENTS))))


async def _first_part(opened: PostgresLedger) -> BenchRow:
    started = time.perf_counter()
    chain = await check_chain(opened, frozenset())
    value = chain.events / (time.perf_counter() - started)
    what = f"verify, first part, {chain.events:,} events"
    return BenchRow(what, value, "events/s", target="100000", met=value >= 100_000)


async def _checkpoints(opened: PostgresLedger, folder: Path) -> list[BenchRow]:
    signer = Ed25519Signer("bench/verifying", SigningKey.generate())
    log = CheckpointLog(opened.pool, CheckpointFile(folder / "checkpoints.jsonl"), signer)
    started = time.perf_counter()
    await log.advance()
    first, took = time.perf_counter() - started, list[float]()
    for _ in range(ROUNDS):
        await _fill(opened, NEW_EVENTS)
        started = time.perf_counter()
        await log.advance()
        took.append((time.perf_counter() - started) * 1_000)
    value = median(took)
    return [
        BenchRow(f"checkpoint, {NEW_EVENTS:,} new over {EVENTS:,} events", value, "ms", target="50", met=value <= 50),
        BenchRow("the first checkpoint, of all of them", first, "s"),
    ]


async def _memory(opened: PostgresLedger) -> BenchRow:
    """Verify in processes of its own, and return how much memory they had at most, together."""
    done = asyncio.Event()

    async def verified() -> None:
        await verify_all(opened, "million", processes=PROCESSES)
        done.set()

    task, most = asyncio.create_task(verified()), 0
    before = _resident(os.getpid())
    while not done.is_set():
        most = max(most, sum(map(_resident, [os.getpid(), *_children(os.getpid())])))
        await asyncio.sleep(0.2)
    await task
    value = most / MEGABYTE
    what = f"verify, memory of {PROCESSES + 1} processes; this one had {before / MEGABYTE:.0f} before"
    return BenchRow(what, value, "MB", target="400", met=value <= 400)


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _children(process: int) -> Iterator[int]:
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            # PostgreSQL's server is a child of this process, too, and has children of its own.
            if b"audit.processes" in Path(f"/proc/{child}/cmdline").read_bytes():
                yield int(child)


async def _second_part(opened: PostgresLedger, rules: Edition) -> list[BenchRow]:
    signer = Signer("decided", 1, "entry-1", SigningKey.generate())
    digest = await Texts(opened.pool).put_edition(rules.model_dump_json())
    await years.load(opened, rules, digest, signer, CLUSTERS, YEARS)
    chain = await check_chain(opened, frozenset())
    key = NamedKey("entry-1", bytes(signer.private.verify_key), KeyRole.ENTRY, KeyHolder.CLI)
    keys = KeyHistory("decided", 1, changes=[(0, {key.key: key})])
    tips, rows = stream_tips(chain.tips), []
    for processes in (1, 2):
        async with stream_processes(opened.url, processes, Erasures())(keys) as pool:
            # The first stream waits until the children have started.
            names = list(tips)
            async for _ in pool.check({name: tips[name] for name in names[:processes]}):
                pass
            started, events = time.perf_counter(), 0
            async for name, _found in pool.check({name: tips[name] for name in names[processes:]}):
                events += tips[name].version
            value = events / (time.perf_counter() - started)
        rows.append(BenchRow(f"verify, second part, {events:,} events, {processes} processes", value, "events/s"))
    return rows


async def _moment(opened: PostgresLedger) -> BenchRow:
    """Load and replay a stream of 800 events up to a version, as the time machine does."""
    units = tuple(Unit(id=f"u-{n}", name="Đơn vị") for n in range(6))
    opening = CycleOpened(
        organiser="mttq-hanoi",
        organiser_name="T",
        cluster_name="C",
        year=2026,
        units=units,
        overseer=None,
        year_plan=None,
        edition="e" * 64,
        clock="wall",
        starts=NOW,
    )
    stances = [StanceTaken(unit=f"u-{n % 6}", stance="agreed", on=None, text="a" * 64) for n in range(LONG_EVENTS - 1)]
    stream, tip = "mttq-hanoi/2026/dai", StreamTip()
    drafts = [draft(event) for event in (opening, *stances)]
    for start in range(0, LONG_EVENTS, 400):
        answer = await opened.append(Append((Part(stream, tip, tuple(drafts[start : start + 400])),)))
        tip = answer.events[-1].tip  # type: ignore[union-attr]
    took = []
    for version in range(LONG_EVENTS - ROUNDS * 3, LONG_EVENTS, 3):
        started = time.perf_counter()
        replay(stream, await load_all(opened, stream), {"e" * 64: NO_RULES}, version=version)
        took.append((time.perf_counter() - started) * 1_000)
    value = median(took)
    return BenchRow(f"state of a stream of {LONG_EVENTS} events", value, "ms", target="30", met=value <= 30)
