"""A web process's inside on a port of its own, over an office; people with accounts; a browser without a screen."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn
from account_help import make_account
from conftest import eventually
from fastapi import FastAPI
from shown_texts import collecting
from starlette.routing import Mount

from accounts import Kind
from application.application import Application
from application.gate import Gate
from cli.session import Session
from ledger.postgres import open_ledger
from ledger.watch import DatabaseWatch
from local.account_keys import ACCOUNT_KEY_FILE
from local.key_files import WEB_KEY_FILE, KeyFile
from mail.settings import MailSettings
from projections.board_table import Board
from projections.search import SearchIndex
from vault.persons import Contact, People
from vault.texts import Texts
from web.app import build
from web.pages.year import YearOpening
from web.services import Services, services_of
from web.settings import Settings

PASSWORD = "mot cau dai de nho"  # of people who live for a test

TLS = ssl.create_default_context()
"""Every client would read all the certificates of the system anew, though sites on loopback have none."""

_IDLE: dict[bool, list[FastAPI]] = {False: [], True: []}
"""Applications that no site uses now, by whether they are for rehearsals."""


@contextmanager
def application_of(services: Services) -> Iterator[FastAPI]:
    """The web application around services. To make one takes a quarter of a second: it is given to the next site."""
    idle = _IDLE[services.application.rehearsal]
    app = idle.pop() if idle else build(services)
    mounted = (one.app for one in app.routes if isinstance(one, Mount) and isinstance(one.app, FastAPI))
    for one in (app, *mounted):
        one.state.services = services
    yield app
    idle.append(app)  # not after an error: then the next site has a new one


@dataclass(slots=True)
class Site:
    """A site that answers at `address`."""

    address: str
    services: Services
    app: Session
    browsers: list[Visitor] = field(default_factory=list)

    async def person(
        self, person: str, unit: str, kind: Kind = "staff", *, name: str = "", administrator: bool = False
    ) -> Contact:
        """Somebody with an account."""
        contact = await self.app.people.enter(
            person,
            unit,
            name or person_name(person),
            office="cán bộ",
            email=f"{person}@example.invalid",
            phone="024 0000 0000",
        )
        if await self.services.accounts.get(person) is None:
            await make_account(self.app, person, kind, administrator=administrator)
            await self.services.accounts.set_password(person, PASSWORD)
        return contact

    async def log_in(self, person: str) -> Visitor:
        """Somebody who has logged in, without a browser."""
        visitor = Visitor(httpx.AsyncClient(base_url=self.address, follow_redirects=True, timeout=60, verify=TLS))
        self.browsers.append(visitor)
        await visitor.get("/dang-nhap")
        await visitor.post("/dang-nhap", person=person, _password=PASSWORD)
        return visitor


@dataclass(slots=True)
class Visitor:
    """Somebody who reads pages and sends forms."""

    http: httpx.AsyncClient
    page: str = ""
    status: int = 0
    at: str = ""

    async def get(self, path: str) -> str:
        return self._keep(await self.http.get(path))

    async def post(self, path: str, **fields: str) -> str:
        """Send fields with the token of the page that was read last."""
        found = re.search(r'name="_form" value="(\w+)"', self.page)
        token = found.group(1) if found else ""
        return self._keep(await self.http.post(path, data={"_form": token, **fields}))

    async def begin_codes(self) -> str:
        """Begin to set up one-time codes; returns the secret that is shown after the password."""
        await self.get("/ma-mot-lan")
        await self.post("/ma-mot-lan", _do="begin", _password=PASSWORD)
        return shown_secret(self.page)

    def hidden_in(self, action: str) -> dict[str, str]:
        """The hidden fields of the form that is sent to an address."""
        form = self.page.split(f'action="{action}"', 1)[-1].split("</form>", 1)[0]
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))

    def hidden(self) -> dict[str, str]:
        """The hidden fields of the last form of the page, as a browser would send them."""
        form = re.sub(r"<template.*?</template>", "", self.page.rsplit("<form", 1)[-1], flags=re.DOTALL)
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))

    def _keep(self, answer: httpx.Response) -> str:
        self.page, self.status, self.at = answer.text, answer.status_code, answer.url.path
        return self.page


def shown_secret(page: str) -> str:
    """The secret for one-time codes that a page shows."""
    found = re.search(r'id="secret">([A-Z2-7]+)<', page)
    assert found is not None
    return found.group(1)


def person_name(person: str) -> str:
    """The name of somebody of the tests: never the id, so that a page that shows an id is noticed."""
    return f"Nguyễn {person.replace('-', ' ').title()}"


@asynccontextmanager
async def a_site(app: Session, outbox: Path) -> AsyncIterator[Site]:
    """Serve the pages of an office with the web's own role and key."""
    async with AsyncExitStack() as stack:
        key = app.installed.web
        watch = DatabaseWatch(app.endpoints.web_url)
        ledger = await open_ledger(app.endpoints.web_url, app.installed.id, writing=False, watch=watch)
        stack.push_async_callback(ledger.close)
        await stack.enter_async_context(watch.running())
        gate = Gate(KeyFile(app.paths.data / WEB_KEY_FILE, "web", key.installation), ledger, rehearsal=key.rehearsal)
        inside = Application(gate, ledger, Texts(ledger.pool), People(ledger.pool), app.client)
        stack.push_async_callback(inside.close)
        key_file = app.paths.data / ACCOUNT_KEY_FILE
        settings = Settings("", "", "", Path(), MailSettings(outbox), account_key_file=key_file)
        services = services_of(inside, settings)
        services.throttle.unit_s = 0.01
        web = stack.enter_context(application_of(services))
        server = uvicorn.Server(uvicorn.Config(collecting(web), port=0, log_level="error", access_log=False))
        serving = asyncio.create_task(server.serve())
        await eventually(_started(server))
        port = server.servers[0].sockets[0].getsockname()[1]
        projector = asyncio.create_task(_project(app))
        site = Site(f"http://127.0.0.1:{port}", services, app)
        try:
            yield site
        finally:
            for visitor in site.browsers:
                await visitor.http.aclose()
            projector.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await projector
            server.should_exit = True
            await serving


def _started(server: uvicorn.Server) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return server.started

    return check


async def _project(app: Session) -> None:
    """What the worker's projector does: soon after an append, and now and then."""
    board, search = Board(app.ledger, app.texts), SearchIndex(app.ledger)
    done, pauses = -1, 0
    while True:
        last, pauses = await app.ledger.last_position(), pauses + 1
        if last != done or pauses > 20:
            await board.catch_up()
            await search.catch_up()
            done, pauses = last, 0
        await asyncio.sleep(0.05)


async def year_opened(site: Site, visitor: Visitor) -> YearOpening:
    """The job whose page the visitor sees, when all cycles of the year are open."""
    id_ = visitor.at.rsplit("/", 1)[-1]

    async def over() -> bool:
        return site.services.jobs.get(id_, YearOpening).done

    await eventually(over)
    return site.services.jobs.get(id_, YearOpening)
