"""A web process on a database of its own, over a cycle of thousands of events; and whether a page froze it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from account_help import account_in_tables
from conftest import eventually
from speech import RULES
from web_help import TLS, Visitor

from accounts.store import Accounts
from application.bootstrap import bootstrap
from bench.years import _Year
from domain.times import start_of
from ledger.connection import open_pool
from ledger.events import StreamTip
from ledger.postgres import PostgresLedger, open_ledger
from ledger.protocol import Append, Part
from local.account_keys import ACCOUNT_KEY_FILE
from local.installation import Installation, installation_in
from local.installing import prepare_ledger
from local.key_files import WEB_KEY_FILE
from local.paths import paths
from local.postgres import PostgresServer, create_database
from local.process import Server, free_ports, start_server
from projections.board_table import Board
from resources import CHILD_ENVIRONMENT, ROOT
from vault.persons import People
from vault.texts import Texts

CITY, CYCLE, PASSWORD = "mttq-hanoi", "/cum/mttq-hanoi/2026/cum-1", "mot cau dai de nho"
STREAM = f"{CITY}/2026/cum-1"


@dataclass(slots=True)
class House:
    """A database server, a web process on it, and people who may log in."""

    address: str
    folder: Path
    web: Server
    postgres: PostgresServer
    visitors: dict[str, Visitor] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    """Tokens of forms by person."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Tokens of the JSON interface by person."""

    async def visitor(self, person: str) -> Visitor:
        """A person who has logged in."""
        if person in self.visitors:
            return self.visitors[person]
        visitor = Visitor(httpx.AsyncClient(base_url=self.address, follow_redirects=True, timeout=120, verify=TLS))
        self.visitors[person] = visitor
        await visitor.get("/dang-nhap")
        await visitor.post("/dang-nhap", person=person, _password=PASSWORD)
        assert visitor.status == 200, visitor.page
        await visitor.get("/toi")
        self.tokens[person] = visitor.page.split('name="_form" value="', 1)[1].split('"', 1)[0]
        return visitor


@asynccontextmanager
async def a_house(folder: Path, events: int, temporal: str = "127.0.0.1:1") -> AsyncIterator[House]:
    """Start PostgreSQL and the web process, with one cycle of so many events and drafts of the greatest length."""
    async with AsyncExitStack() as stack:
        postgres = PostgresServer(folder / "postgresql", paths().cache, folder / "postgresql.log")
        await asyncio.to_thread(postgres.start)
        stack.push_async_callback(asyncio.to_thread, postgres.stop)
        await create_database(postgres, "thidua")
        installed = installation_in(folder, rehearsal=True)
        app, _reader, web = await prepare_ledger(postgres.url("thidua"), bootstrap, installed)
        ledger = await open_ledger(app, installed.id)
        await _fill(ledger, installed, events)
        owner = await open_pool(postgres.url("thidua"))
        secrets = await _people(owner)
        owner.terminate()
        await ledger.close()
        (folder / "outbox").mkdir()
        (port,) = free_ports(1)
        environment = {
            **CHILD_ENVIRONMENT,
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "THIDUA_WEB_DATABASE_URL": web,
            "THIDUA_TEMPORAL_ADDRESS": temporal,
            "THIDUA_NAMESPACE": "thidua",
            "THIDUA_WEB_KEY_FILE": str(folder / WEB_KEY_FILE),
            "THIDUA_ACCOUNT_KEY_FILE": str(folder / ACCOUNT_KEY_FILE),
            "THIDUA_OUTBOX": str(folder / "outbox"),
            "THIDUA_WEB_PORT": str(port),
            "THIDUA_WEB_ADDRESS": f"http://127.0.0.1:{port}",
        }
        command = [sys.executable, str(ROOT / "tests" / "freezing_web.py")]
        server = start_server("web", command, log=folder / "web.log", env=environment)
        stack.push_async_callback(asyncio.to_thread, server.stop)
        house = House(f"http://127.0.0.1:{port}", folder, server, postgres, secrets=secrets)
        stack.push_async_callback(_close, house)
        await eventually(lambda: _is_up(house.address))
        yield house


async def _close(house: House) -> None:
    for visitor in house.visitors.values():
        await visitor.http.aclose()


async def _is_up(address: str) -> bool:
    try:
        async with httpx.AsyncClient(base_url=address, timeout=5) as client:
            return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _fill(ledger: PostgresLedger, installed: Installation, events: int) -> None:
    texts = Texts(ledger.pool)
    edition = await texts.put_edition(RULES.model_dump_json())
    signer = installed.cli.signer(ledger.epoch)
    year, now = _Year(STREAM, RULES, signer), datetime.now(UTC)
    opening = {
        "organiser": CITY,
        "organiser_name": "Thành phố",
        "cluster_name": "Cụm 1",
        "year": 2026,
        "edition": edition,
        "units": [{"id": f"don-vi-{n}", "name": f"Đơn vị {n}"} for n in range(1, 4)],
        "clock": "stepped",
        "starts": start_of(date(2026, 1, 1)).isoformat(),
    }
    year.issue(CITY, "open-cycle", opening, now)
    for number in (1, 2):
        digest = await texts.put(unlike_text(number))
        year.issue(CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch", "text": digest}}, now)
    for number in range(events):
        unit = f"don-vi-{1 + number % 3}"
        year.issue(unit, "comment", {"by": {"unit": unit}, "text": f"{number:064x}"}, now)  # erased
    tip = StreamTip()
    for first in range(0, len(year.drafts), 400):
        part = tuple(year.drafts[first : first + 400])
        ids = {draft.command_id for draft in part}
        commands = tuple(pair for pair in year.commands if pair[0] in ids)
        answer = await ledger.append(Append((Part(STREAM, tip, part),), commands))
        tip = answer.events[-1].tip  # type: ignore[union-attr]
    await Board(ledger, texts).catch_up()


def unlike_text(seed: int) -> str:
    """A text of nearly the greatest length, in lines of one word, that has little in common with one of another seed.

    The few words that there are stand in another order, which is what makes a comparison slow.
    """
    words = [f"{int(sha256(f'{seed}/{n}'.encode()).hexdigest()[:4], 16) % 50}" for n in range(60_000)]
    return "\n".join(" ".join(words[n : n + 3]) for n in range(0, len(words), 3))


async def _people(pool: Any) -> dict[str, str]:
    """Enter people with accounts; return their tokens of the JSON interface."""
    secrets = {}
    people, accounts = People(pool), Accounts(pool)
    for person, unit, kind in (
        ("thu-ky", CITY, "secretariat"),
        ("can-bo", "don-vi-1", "staff"),
        ("kiem-tra", "thanh-tra", "auditor"),
    ):
        await people.enter(person, unit, person)
        await account_in_tables(pool, person, kind)  # type: ignore[arg-type]
        await accounts.set_password(person, PASSWORD)
        secrets[person] = await accounts.new_token(person, "máy", "sign", 1)
    return secrets


# Freezing ---------------------------------------------------------------------------------------------------------

TURNS = 100
"""Turns of an echo on loopback between two questions: the clock of this test, which is as slow as the machine is."""

WAITING = 40
"""So many questions wait at once: then the server is frozen."""


class Echo:
    """A server of this process that sends back what it gets."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Echo]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._reader, self._writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield self
        self._writer.close()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while byte := await reader.read(1):
            writer.write(byte)
        writer.close()

    async def turns(self, count: int) -> None:
        for _ in range(count):
            self._writer.write(b".")
            await self._reader.readexactly(1)


@dataclass(slots=True)
class Answered:
    """What came of a page: its status, questions answered before it, and how many waited at once."""

    status: int
    before: int
    waiting: int
    text: str = ""

    @property
    def froze(self) -> bool:
        return self.waiting >= WAITING


async def asked_meanwhile(
    house: House, page: Awaitable[httpx.Response], note: Callable[[int, int], object] = lambda _before, _waiting: None
) -> Answered:
    """Ask `/healthz` again and again while a page is answered.

    `note` is told each time how many questions were answered, and how many wait.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with (
        Echo().open() as echo,
        httpx.AsyncClient(base_url=house.address, timeout=120, limits=limits) as client,
    ):
        await client.get("/healthz")
        loading = asyncio.ensure_future(page)
        questions: set[asyncio.Task[httpx.Response]] = set()
        before = most = 0
        while not loading.done():
            questions.add(asyncio.create_task(client.get("/healthz")))
            await echo.turns(TURNS)
            done = {one for one in questions if one.done()}
            before += 0 if loading.done() else len(done)
            questions -= done
            most = max(most, len(questions))
            note(before, len(questions))
        answer = await loading
        for one in questions:
            assert (await one).status_code == 200
        return Answered(answer.status_code, before, most, answer.text)
