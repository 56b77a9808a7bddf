"""The engine of one data folder: PostgreSQL, then Temporal, then a worker; whoever starts it stops it.

`thidua up` keeps it running and leaves its addresses in `engine.json`; another command finds them there. Without it,
a command starts the engine for itself, holding the folder's lock, and stops it at the end.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urlsplit

from i18n import _
from ledger.events import RecordedEvent
from ledger.postgres import open_ledger
from ledger.protocol import Append
from ledger.setup import apply_schema, claim, set_role_password
from local.installation import ROLES, WEB_KEY_FILE, Installation, installation_in
from local.paths import Paths
from local.postgres import PostgresServer, create_database
from local.process import EngineUnavailableError, Server, free_ports, port_answers, start_server, wait_until
from resources import CHILD_ENVIRONMENT

DATABASE = "thidua"
LOCK = "engine.lock"
LOCK_POLL_S = 0.1
ADDRESSES = "engine.json"
"""Where `thidua up` tells other commands how to reach its engine."""

WORKER_DEADLINE_S = 60.0
WEB_PORT = 8320
POSTGRES_PORT = 5432
WATCH_S = 1.0

EnginePart = Literal["ledger", "temporal", "worker", "web"]
Report = Callable[[str], None]
Bootstrap = Callable[[Installation, tuple[RecordedEvent, ...]], Append | None]
"""What must be appended to the installation's own stream, which holds these rows, so that its keys are known."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the running parts answer; None for a part that does not run."""

    database_url: str
    reader_url: str
    owner_url: str
    web_url: str
    temporal: str | None
    namespace: str
    pids: dict[str, int]
    web_address: str | None = None


@asynccontextmanager
async def open_engine(
    paths: Paths, bootstrap: Bootstrap, *, need: EnginePart, say: Report, rehearsal: bool = False
) -> AsyncIterator[tuple[Endpoints, Installation]]:
    """The engine with at least the parts needed, for as long as the context lasts.

    Raises:
        EngineUnavailableError: a part could not be started; `code` and `facts` say which and why.
    """
    paths.make()
    async with AsyncExitStack() as stack:
        if (running := running_engine(paths)) is not None:
            yield running, installation_in(paths.data)
            return
        lock = await _lock(paths, say)
        if isinstance(lock, Endpoints):
            yield lock, installation_in(paths.data)
            return
        stack.callback(lock.close)
        # Whoever left addresses here held the lock: it was killed before it could take them away.
        (paths.data / ADDRESSES).unlink(missing_ok=True)
        endpoints, installed = await _start(stack, paths, bootstrap, need=need, say=say, rehearsal=rehearsal)
        yield endpoints, installed


async def serve(paths: Paths, endpoints: Endpoints, stop: asyncio.Event) -> None:
    """Leave the addresses for other commands while waiting for `stop`; a part that was started again has another id."""
    file, told = paths.data / ADDRESSES, dict[str, int]()
    try:
        while not stop.is_set():
            if told != endpoints.pids:
                told = dict(endpoints.pids)
                _leave(file, endpoints)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WATCH_S)
    finally:
        file.unlink(missing_ok=True)


def _leave(file: Path, endpoints: Endpoints) -> None:
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({**asdict(endpoints), "pid": os.getpid()}, out)
    draft.rename(file)


def running_engine(paths: Paths) -> Endpoints | None:
    """The engine that `thidua up` keeps running on this folder, if it does: it holds the folder's lock."""
    try:
        found = json.loads((paths.data / ADDRESSES).read_text())
        if not _lives(found.pop("pid")):
            return None
    except (OSError, ValueError, KeyError):
        return None
    with try_lock(paths) as mine:
        return None if mine else Endpoints(**found)


@contextmanager
def try_lock(paths: Paths) -> Iterator[bool]:
    """Hold the folder's lock for a moment, if nobody else does."""
    paths.make()
    with (paths.data / LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


async def _lock(paths: Paths, say: Report) -> IO[str] | Endpoints:
    """The folder's lock, once nobody else has it; or the engine of `thidua up`, which holds it, once it is up."""
    handle, told = (paths.data / LOCK).open("w"), False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if (running := running_engine(paths)) is not None:
                handle.close()
                return running
            if not told:
                say(_("waiting for another command that uses {folder}").format(folder=paths.data))
                told = True
            await asyncio.sleep(LOCK_POLL_S)
        else:
            return handle


async def _start(
    stack: AsyncExitStack, paths: Paths, bootstrap: Bootstrap, *, need: EnginePart, say: Report, rehearsal: bool
) -> tuple[Endpoints, Installation]:
    installed = installation_in(paths.data, rehearsal=rehearsal)
    pids: dict[str, int] = {}
    postgres = PostgresServer(paths.data / "postgresql", paths.cache, paths.logs / "postgresql.log")
    owner, name = os.environ.get("DATABASE_URL"), None
    if owner is None:
        await _start_postgres(stack, postgres, pids)
        await create_database(postgres, DATABASE)
        owner, name = postgres.url(DATABASE), str(paths.data)
    database, reader, web = await _prepare_ledger(owner, bootstrap, installed, name)
    address, namespace, temporal = None, "thidua", None
    if need != "ledger":
        # Imported here: a command that only reads must not pay for the engine's client.
        from local.temporal import start_temporal  # noqa: PLC0415

        if postgres.server is None and "TEMPORAL_ADDRESS" not in os.environ:
            await _start_postgres(stack, postgres, pids)
        server = await start_temporal(postgres, paths.cache, paths.logs, paths.data, say)
        stack.push_async_callback(server.stop)
        address, namespace = server.address, server.namespace
        temporal = server.server
        if server.pid:
            pids["temporal"] = server.pid
    endpoints = Endpoints(database, reader, owner, web, address, namespace, pids)
    watched = [found for found in (postgres.server, temporal) if found is not None]
    if need in {"worker", "web"}:
        log = paths.logs / "worker.log"
        seen = len(log.read_text()) if log.exists() else 0
        worker = start_worker(paths, endpoints, installed)
        stack.push_async_callback(asyncio.to_thread, worker.stop)
        await _worker_ready(worker, seen)
        pids["worker"] = worker.pid
        watched.append(worker)
    if need == "web":
        pages, endpoints = start_web(paths, endpoints)
        stack.push_async_callback(asyncio.to_thread, pages.stop)
        port = int((endpoints.web_address or "").rsplit(":", 1)[1])
        await asyncio.to_thread(wait_until, lambda: port_answers(port), pages)
        pids["web"] = pages.pid
        watched.append(pages)
    watch = asyncio.create_task(_keep_alive(watched, pids, say))
    stack.push_async_callback(_cancelled, watch)
    return endpoints, installed


async def _keep_alive(servers: list[Server], pids: dict[str, int], say: Report) -> None:
    """Start again what ends by itself: a Temporal server ends when its database is away, a worker when it crashes."""
    while True:
        await asyncio.sleep(WATCH_S)
        for server in servers:
            if server.revive():
                pids[server.name] = server.pid
                say(_("{name} had ended; started again (its log: {log})").format(name=server.name, log=server.log))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _start_postgres(stack: AsyncExitStack, postgres: PostgresServer, pids: dict[str, int]) -> None:
    await asyncio.to_thread(postgres.start)
    stack.push_async_callback(asyncio.to_thread, postgres.stop)
    if postgres.server is not None:
        pids["postgresql"] = postgres.server.pid


async def _prepare_ledger(
    owner: str, bootstrap: Bootstrap, installed: Installation, name: str | None = None
) -> tuple[str, str, str]:
    """Prepare schema, roles and the installation's keys; return the addresses for application, reader and web.

    `name` is what an error calls the database; by default its address.

    Raises:
        LedgerError: `schema_differs`: another version of the program made the database.
    """
    await apply_schema(owner, name)
    for role in ROLES:
        await set_role_password(owner, role, installed.passwords[role])
    await claim(owner, installed.id)
    ledger = await open_ledger(owner, installed.id)
    try:
        if (request := bootstrap(installed, await ledger.load("installation"))) is not None:
            await ledger.append(request)
    finally:
        await ledger.close()
    return tuple(_as_role(owner, role, installed.passwords[role]) for role in ROLES)  # type: ignore[return-value]


def _as_role(url: str, role: str, password: str) -> str:
    scheme, rest = url.split("://", 1)
    return f"{scheme}://{role}:{password}@{rest.rsplit('@', 1)[-1]}"


def start_worker(paths: Paths, endpoints: Endpoints, installed: Installation) -> Server:
    """Start a worker process for these endpoints."""
    log = paths.logs / "worker.log"
    env = {
        **CHILD_ENVIRONMENT,
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "THIDUA_DATABASE_URL": endpoints.database_url,
        "THIDUA_TEMPORAL_ADDRESS": endpoints.temporal or "",
        "THIDUA_NAMESPACE": endpoints.namespace,
        "THIDUA_INSTALLATION": installed.id,
        "THIDUA_OUTBOX": str(paths.data / "outbox"),
        "THIDUA_CHECKPOINTS": str(paths.data / "checkpoints"),
        **{
            name: value
            for name, value in os.environ.items()
            if name.startswith(("THIDUA_SMTP", "THIDUA_SENDER", "THIDUA_LANG", "THIDUA_METRICS"))
        },
    }
    return start_server("worker", [sys.executable, "-m", "worker"], log=log, env=env)


def start_web(paths: Paths, endpoints: Endpoints) -> tuple[Server, Endpoints]:
    """Start a web process for these endpoints, on THIDUA_WEB_PORT, or on a free port when that is taken.

    Raises:
        EngineUnavailableError: the port that was asked for is taken.
    """
    asked = os.environ.get("THIDUA_WEB_PORT")
    port = int(asked or WEB_PORT)
    if port_answers(port):
        if asked is not None:
            raise EngineUnavailableError("port_taken", port=port)
        (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    env = {
        **CHILD_ENVIRONMENT,
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "THIDUA_WEB_DATABASE_URL": endpoints.web_url,
        "THIDUA_TEMPORAL_ADDRESS": endpoints.temporal or "",
        "THIDUA_NAMESPACE": endpoints.namespace,
        "THIDUA_WEB_KEY_FILE": str(paths.data / WEB_KEY_FILE),
        "THIDUA_OUTBOX": str(paths.data / "outbox"),
        **{
            name: value
            for name, value in os.environ.items()
            if name.startswith(
                ("THIDUA_SMTP", "THIDUA_SENDER", "THIDUA_LANG", "THIDUA_WEB_ADDRESS", "THIDUA_WEB_METRICS")
            )
        },
        "THIDUA_WEB_PORT": str(port),
    }
    server = start_server("web", [sys.executable, "-m", "web"], log=paths.logs / "web.log", env=env)
    return server, replace(endpoints, web_address=address)


async def _worker_ready(worker: Server, seen: int) -> None:
    """Wait until the worker says so in its log, behind what earlier ones have written (`seen` characters)."""
    deadline = asyncio.get_running_loop().time() + WORKER_DEADLINE_S
    while "ready" not in worker.log.read_text()[seen:]:
        if worker.process.poll() is not None:
            raise EngineUnavailableError("server_ended", name="worker", log=str(worker.log))
        if asyncio.get_running_loop().time() > deadline:
            raise EngineUnavailableError("server_slow", name="worker", log=str(worker.log), seconds=WORKER_DEADLINE_S)
        await asyncio.sleep(0.05)


def parts_that_answer(endpoints: Endpoints) -> dict[str, bool]:
    """Which parts answer now, for `thidua status`: servers on their port, processes that listen nowhere by living."""
    found = {
        name: port_answers(int(at.rsplit(":", 1)[1]), at.rsplit(":", 1)[0]) for name, at in addresses(endpoints).items()
    }
    return found | {name: _lives(pid) for name, pid in endpoints.pids.items() if name not in found}


def addresses(endpoints: Endpoints) -> dict[str, str]:
    """Host and port of each part that listens. No password is in them."""
    database = urlsplit(endpoints.owner_url)
    found = {"postgresql": f"{database.hostname or '127.0.0.1'}:{database.port or POSTGRES_PORT}"}
    if endpoints.temporal:
        found["temporal"] = endpoints.temporal
    if endpoints.web_address:
        found["web"] = endpoints.web_address.removeprefix("http://")
    return found


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, so it lives
    return True
