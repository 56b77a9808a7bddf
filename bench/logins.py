"""Logins: how long one takes while 20 a second are tried, and what that does to other pages.

Two floods, each with a network of its own for every attempt, so that none is slowed by the network it comes from: right
passwords (each costs a whole check), and wrong ones (most are refused before they cost one).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import Protocol

import httpx

from accounts.store import Accounts
from bench.harness import BenchRow
from cli.session import Session
from domain.administration import MakeAccount
from ledger.connection import open_pool
from vault.persons import People

RATE = 20
SECONDS = 20
PEOPLE = 60
PASSWORD = "bench bench bench"  # noqa: S105 - of accounts that live for a bench
TARGET_MS = 400


class PageLoad(Protocol):
    """Pages that are asked for meanwhile."""

    @property
    def person(self) -> str:
        """Who asks."""

    @property
    def paths(self) -> Sequence[str]:
        """The addresses."""


async def make_people(app: Session, unit: str) -> None:
    """Make the accounts that log in."""
    pool = await open_pool(app.endpoints.owner_url)
    accounts = Accounts(pool)
    for number in range(PEOPLE):
        person = f"dang-nhap-{number}"
        await People(pool).enter(person, unit, person)
        if await accounts.get(person) is None:
            await app.administer(MakeAccount(person=person, kind="staff"))
            await accounts.set_password(person, PASSWORD)
    pool.terminate()


class Browser:
    """A login page that was opened once, and from which logins are sent."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client, self._token, self._cookies, self._numbers = client, "", "", count()

    async def open(self) -> None:
        """Open the login page."""
        answer = await self._client.get("/dang-nhap")
        found = re.search(r'name="_form" value="(\w+)"', answer.text)
        self._token = found.group(1) if found else ""
        self._cookies = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
        self._client.cookies.clear()

    async def log_in(self, password: str, network: str, device: str = "") -> tuple[float, httpx.Response]:
        """Send a login of the next person; return how long it took, and the answer."""
        person = f"dang-nhap-{next(self._numbers) % PEOPLE}"
        started = time.perf_counter()
        answer = await self._client.post(
            "/dang-nhap",
            data={"_form": self._token, "person": person, "_password": password},
            headers={"X-Forwarded-For": network, "Cookie": self._cookies + device},
        )
        self._client.cookies.clear()
        return time.perf_counter() - started, answer


async def logins(address: str, loads: Sequence[PageLoad], clients: dict[str, httpx.AsyncClient]) -> list[BenchRow]:
    """Measure other pages alone, then with each flood, and the logins of the floods."""
    # A browser that logs in opens a connection. So none is reused just when the server closes it.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        browser = Browser(client)
        await browser.open()
        numbers, right, known, answers = count(), list[float](), list[float](), list[int]()

        def network() -> str:
            number = next(numbers)
            return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

        async def right_login() -> None:
            took, answer = await browser.log_in(PASSWORD, network())
            right.append(took)
            if answer.status_code != 303:
                raise RuntimeError(f"login: {answer.status_code}")

        async def wrong_login() -> None:
            _took, answer = await browser.log_in("wrong wrong wrong", network())
            answers.append(answer.status_code)

        own = Browser(client)
        await own.open()
        _took, first = await own.log_in(PASSWORD, "192.0.2.1")
        device = f"; thidua_device={first.cookies['thidua_device']}"

        async def known_login() -> None:
            fresh = Browser(client)
            fresh._token, fresh._cookies = own._token, own._cookies  # noqa: SLF001 - the same page, the first person
            took, answer = await fresh.log_in(PASSWORD, "192.0.2.1", device)
            known.append(took)
            if answer.status_code != 303:
                raise RuntimeError(f"login of a known device: {answer.status_code}")

        alone = await _pages(loads, clients)
        with_right = await _pages(loads, clients, (RATE, right_login))
        with_wrong = await _pages(loads, clients, (RATE, wrong_login), (2, known_login))
    p95_right, p95_known = _p95(right), _p95(known)
    checked = sum(status == 401 for status in answers)
    return [
        BenchRow(
            f"login, p95 with {RATE} right ones a second from as many places",
            p95_right,
            "ms",
            target=f"under {TARGET_MS} ms",
            met=p95_right < TARGET_MS,
        ),
        BenchRow(
            f"login on a known device, p95 with {RATE} wrong ones a second",
            p95_known,
            "ms",
            target=f"under {TARGET_MS} ms",
            met=p95_known < TARGET_MS,
        ),
        _ratio(f"other pages, p95 with {RATE} right logins a second", with_right, alone),
        _ratio(f"other pages, p95 with {RATE} wrong logins a second", with_wrong, alone),
        BenchRow(f"of {len(answers)} wrong logins, checked", checked, "passwords"),
    ]


def _ratio(what: str, value: float, alone: float) -> BenchRow:
    return BenchRow(what, value, "ms", "alone", alone, "at most doubled", value <= 2 * alone)


def _p95(took: Sequence[float]) -> float:
    ranked = sorted(took)
    return ranked[min(len(ranked) - 1, int(len(ranked) * 0.95))] * 1000


Flood = tuple[int, Callable[[], Awaitable[None]]]
"""How many a second, and what each is."""


async def _pages(loads: Sequence[PageLoad], clients: dict[str, httpx.AsyncClient], *floods: Flood) -> float:
    """The 95th percentile of pages in milliseconds, ten a second, while floods go on."""
    took: list[float] = []
    pages = count()

    async def a_page() -> None:
        number = next(pages)
        load = loads[number % len(loads)]
        started = time.perf_counter()
        path = load.paths[number // len(loads) % len(load.paths)]
        answer = await clients[load.person].get(path, headers={"Connection": "close"})
        took.append(time.perf_counter() - started)
        answer.raise_for_status()

    await asyncio.gather(_at_rate(RATE // 2, a_page), *(_at_rate(rate, what) for rate, what in floods))
    return _p95(took)


async def _at_rate(rate: int, what: Callable[[], Awaitable[None]]) -> None:
    """Do something so often, whether or not earlier ones have ended. What still waits ten seconds later is left."""
    tasks: list[asyncio.Task[None]] = []
    begun = time.perf_counter()
    for number in range(rate * SECONDS):
        await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        tasks.append(asyncio.ensure_future(what()))
    done, left = await asyncio.wait(tasks, timeout=10)
    for task in left:
        task.cancel()
    for task in done:
        task.result()
