"""The engine of one data folder: PostgreSQL, then Temporal, then a worker. The process that starts it stops it.

`thidua up` keeps it running and leaves its addresses in `engine.json`; another command finds them there. Without it,
a command starts the engine for itself, holding the folder's lock, and stops it at the end.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urlsplit

from i18n import _
from ledger.protocol import Stopped
from ledger.setup import address_of
from local.account_keys import ACCOUNT_KEY_FILE
from local.certificates import ClientTls
from local.installation import Installation, installation_in
from local.installing import DATABASE, Bootstrap, found_ledger, installation_for, look_at_ledger
from local.key_files import LOG_KEY_FILE, WEB_KEY_FILE
from local.last_backup import LAST_BACKUP, LAST_BACKUP_FILE
from local.ownership import check_ledger_kept
from local.paths import (
    CHECKPOINTS,
    DATA_DISK,
    DATABASE_DISK,
    OUTBOX,
    POSTGRESQL,
    ROLES_FILE,
    Paths,
    is_rehearsal,
)
from local.postgres import PostgresServer, create_database
from local.process import EngineUnavailableError, Server, free_ports, port_answers, start_server, wait_until
from local.questions import Question, answers, database_answers, grpc_answers, host_and_port, http_answers
from local.supervisor import SupervisedPart, Supervisor
from resources import CHILD_ENVIRONMENT

LOCK = "engine.lock"
LOCK_POLL_S = 0.1
ADDRESSES = "engine.json"
"""Where `thidua up` tells other commands how to reach its engine."""

WORKER_DEADLINE_S = 60.0
WEB_PORT = 8320
POSTGRES_PORT = 5432
WATCH_S = 1.0
NEEDS: Mapping[str, tuple[str, ...]] = {
    "postgresql": (),
    "temporal": ("postgresql",),
    "worker": ("postgresql", "temporal"),
    "web": ("postgresql",),
}
"""The parts without which a part cannot start."""

FORGETS_WITH: Mapping[str, tuple[str, ...]] = {"temporal": ("postgresql",)}
"""Temporal's databases commit asynchronously: after a crash its server remembers what they have lost (ADR 21)."""

_OF_BOTH = (
    "THIDUA_SMTP",
    "THIDUA_SENDER",
    "THIDUA_LANG",
    "THIDUA_LOG_FORMAT",
    DATA_DISK,
    DATABASE_DISK,
    LAST_BACKUP,
    "OTEL_",
)
"""What settings of worker and web begin with."""

WORKER, ELSEWHERE = "THIDUA_WORKER", "elsewhere"
"""A setting, and its value where a worker of the same Temporal runs already: then a command starts none of its own. A
second one would take part in the post, and put mails where nobody looks."""

EnginePart = Literal["ledger", "temporal", "worker", "web"]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses and process ids of the running parts; None for a part that does not run."""

    database_url: str
    reader_url: str
    owner_url: str
    web_url: str
    temporal: str | None
    namespace: str
    pids: dict[str, int]
    web_address: str | None = None
    worker_health: str | None = None
    """Host and port at which the worker says that it polls."""
    tls: dict[str, str] = field(default_factory=dict)
    """What clients show to Temporal, as their environment sets it; empty where a rehearsal's server takes everybody."""


@asynccontextmanager
async def open_engine(
    paths: Paths,
    bootstrap: Bootstrap,
    *,
    need: EnginePart,
    report: Report,
    rehearsal: bool = False,
    reads: bool = False,
) -> AsyncIterator[tuple[Endpoints, Installation]]:
    """Use the engine of a data folder, with at least the parts that `need` names, while the context lasts.

    An installation is founded where there is none. Who only `reads` needs one, and changes neither schema nor
    passwords.

    Raises:
        EngineUnavailableError: a part could not be started, or ended or hung again and again while the context lasted;
            `code` and `facts` tell which and why.
        InputError: as `check_new` and `check_own`: folder or database are another installation's; as `start_temporal`.
        LedgerError: the database cannot be used.
    """
    paths.make()
    async with AsyncExitStack() as stack:
        if (running := running_engine(paths)) is not None:
            yield running, installation_in(paths.data)
            return
        lock = await _lock(paths, report)
        if isinstance(lock, Endpoints):
            yield lock, installation_in(paths.data)
            return
        stack.callback(lock.close)
        # Addresses without a lock are left over from a process that was killed.
        (paths.data / ADDRESSES).unlink(missing_ok=True)
        endpoints, installed, supervisor = await _start(
            stack, paths, None if reads else bootstrap, need=need, report=report, rehearsal=rehearsal
        )
        async with _supervised(supervisor):
            yield endpoints, installed


@asynccontextmanager
async def _supervised(supervisor: Supervisor) -> AsyncIterator[None]:
    """Run the supervisor while the context lasts; end the context with its error when it gives up."""
    owner, watch = asyncio.current_task(), asyncio.create_task(supervisor.run())

    def given_up() -> BaseException | None:
        return None if not watch.done() or watch.cancelled() else watch.exception()

    watch.add_done_callback(lambda _task: owner.cancel() if owner is not None and given_up() else None)
    try:
        yield
    except asyncio.CancelledError:
        if (error := given_up()) is not None and owner is not None:
            owner.uncancel()
            raise error from None
        raise
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError, EngineUnavailableError):
            await watch


async def serve(paths: Paths, endpoints: Endpoints, stop: asyncio.Event) -> None:
    """Write the addresses for other commands until `stop` is set, again when a restarted part has a new process id."""
    file, written = paths.data / ADDRESSES, dict[str, int]()
    try:
        while not stop.is_set():
            if written != endpoints.pids:
                written = dict(endpoints.pids)
                _write_addresses(file, endpoints)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WATCH_S)
    finally:
        file.unlink(missing_ok=True)


def _write_addresses(file: Path, endpoints: Endpoints) -> None:
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({**asdict(endpoints), "pid": os.getpid()}, out)
    draft.rename(file)


def running_engine(paths: Paths) -> Endpoints | None:
    """Return the engine that `thidua up` keeps running on this folder; None if there is none."""
    try:
        addresses_ = json.loads((paths.data / ADDRESSES).read_text())
        if not _is_alive(addresses_.pop("pid")):
            return None
    except (OSError, ValueError, KeyError):
        return None
    with try_lock(paths) as is_free:
        return None if is_free else Endpoints(**addresses_)


@contextmanager
def try_lock(paths: Paths) -> Iterator[bool]:
    """Hold the folder's lock, if it is free; yield whether it was."""
    paths.make()
    with (paths.data / LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


async def _lock(paths: Paths, report: Report) -> IO[str] | Endpoints:
    """Wait for the folder's lock and return it, or the engine of `thidua up` once that runs and holds the lock."""
    handle, is_reported = (paths.data / LOCK).open("w"), False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if (running := running_engine(paths)) is not None:
                handle.close()
                return running
            if not is_reported:
                report(_("waiting for another command that uses {folder}").format(folder=paths.data))
                is_reported = True
            await asyncio.sleep(LOCK_POLL_S)
        else:
            return handle


async def _start(
    stack: AsyncExitStack,
    paths: Paths,
    bootstrap: Bootstrap | None,
    *,
    need: EnginePart,
    report: Report,
    rehearsal: bool,
) -> tuple[Endpoints, Installation, Supervisor]:
    installed = await installation_for(paths, os.environ.get("DATABASE_URL"), rehearsal=rehearsal)
    pids: dict[str, int] = {}
    postgres = PostgresServer(paths.data / POSTGRESQL, paths.cache, paths.logs / "postgresql.log")
    owner, name = os.environ.get("DATABASE_URL"), str(paths.data)
    if owner is None:
        owner = await _start_own_database(stack, paths, installed, postgres, pids, reads=bootstrap is None)
    else:
        name = address_of(owner)
    if bootstrap is None:
        database, reader, web = await look_at_ledger(paths, installed, owner, name)
    else:
        database, reader, web = await found_ledger(paths, installed, owner, bootstrap, name, reading=need == "ledger")
    address, namespace, temporal, tls = None, "thidua", None, dict[str, str]()
    if need != "ledger":
        # Imported here, because loading Temporal's client would slow down commands that only read.
        from local.temporal import start_temporal  # noqa: PLC0415 - as said above

        if postgres.server is None and "TEMPORAL_ADDRESS" not in os.environ:
            await _start_postgres(stack, postgres, pids)
        server = await start_temporal(
            postgres, paths.cache, paths.logs, paths.data, report, rehearsal=installed.rehearsal
        )
        stack.push_async_callback(server.stop)
        address, namespace = server.address, server.namespace
        temporal = server.server
        tls = server.tls.environment() if server.tls else {}
        if server.pid:
            pids["temporal"] = server.pid
    endpoints = Endpoints(database, reader, owner, web, address, namespace, pids, tls=tls)
    servers = {child.name: child for child in (postgres.server, temporal) if child is not None}
    if need == "web" or (need == "worker" and os.environ.get(WORKER) != ELSEWHERE):
        endpoints = replace(endpoints, worker_health=f"127.0.0.1:{free_ports(1)[0]}")
        log = paths.logs / "worker.log"
        log_start = len(log.read_text()) if log.exists() else 0
        port = _web_port() if need == "web" else None
        worker = start_worker(paths, endpoints, installed, port)
        stack.push_async_callback(asyncio.to_thread, worker.stop)
        await _wait_for_worker(worker, log_start)
        pids["worker"] = worker.pid
        servers["worker"] = worker
    if need == "web":
        pages, endpoints = start_web(paths, endpoints, port)
        stack.push_async_callback(asyncio.to_thread, pages.stop)
        host, port = host_and_port(addresses(endpoints)["web"])
        await asyncio.to_thread(wait_until, lambda: port_answers(port, host), pages)
        pids["web"] = pages.pid
        servers["web"] = pages
    return endpoints, installed, Supervisor(_parts(endpoints, servers), pids, report)


def _parts(endpoints: Endpoints, servers: Mapping[str, Server]) -> list[SupervisedPart]:
    """The parts of an engine, each with its question; those that this process did not start are only asked."""
    ready: dict[str, Question] = {"postgresql": partial(database_answers, endpoints.owner_url, while_starting=False)}
    return [
        SupervisedPart(name, asks, servers.get(name), NEEDS[name], FORGETS_WITH.get(name, ()), ready.get(name))
        for name, asks in questions(endpoints).items()
    ]


def questions(endpoints: Endpoints) -> dict[str, Question]:
    """The question that tells whether a part answers, for each part that there is."""
    found: dict[str, Question] = {"postgresql": partial(database_answers, endpoints.owner_url)}
    if endpoints.temporal:
        tls = ClientTls.of(endpoints.tls)
        shown = (tls.context(), tls.name) if tls else ()
        found["temporal"] = partial(grpc_answers, endpoints.temporal, *shown)
    if endpoints.worker_health:
        found["worker"] = partial(http_answers, endpoints.worker_health)
    if endpoints.web_address:
        found["web"] = partial(http_answers, endpoints.web_address.removeprefix("http://"))
    return found


async def _start_own_database(
    stack: AsyncExitStack,
    paths: Paths,
    installed: Installation,
    postgres: PostgresServer,
    pids: dict[str, int],
    *,
    reads: bool,
) -> str:
    """Start the embedded PostgreSQL and return the owner's address of our database; who only `reads` makes none."""
    if postgres.is_new:
        check_ledger_kept(paths, installed, str(paths.data))
        if reads:
            raise Stopped("no_ledger")
    await _start_postgres(stack, postgres, pids)
    if not reads:
        await create_database(postgres, DATABASE)
    return postgres.url(DATABASE)


async def _start_postgres(stack: AsyncExitStack, postgres: PostgresServer, pids: dict[str, int]) -> None:
    await asyncio.to_thread(postgres.start)
    stack.push_async_callback(asyncio.to_thread, postgres.stop)
    if postgres.server is not None:
        pids["postgresql"] = postgres.server.pid


def start_worker(paths: Paths, endpoints: Endpoints, installed: Installation, web_port: int | None = None) -> Server:
    """Start a worker process for these endpoints. Its mails link to the pages on `web_port`, or to the usual port."""
    log = paths.logs / "worker.log"
    env = {
        **CHILD_ENVIRONMENT,
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "THIDUA_DATABASE_URL": endpoints.database_url,
        "THIDUA_TEMPORAL_ADDRESS": endpoints.temporal or "",
        "THIDUA_NAMESPACE": endpoints.namespace,
        **endpoints.tls,
        "THIDUA_INSTALLATION": installed.id,
        "THIDUA_OUTBOX": str(paths.data / OUTBOX),
        "THIDUA_CHECKPOINTS": str(paths.data / CHECKPOINTS),
        "THIDUA_LOG_KEY_FILE": str(paths.data / LOG_KEY_FILE),
        **({"THIDUA_WORKER_HEALTH": str(host_and_port(endpoints.worker_health)[1])} if endpoints.worker_health else {}),
        **_environment("THIDUA_METRICS"),
        **_environment("THIDUA_WEB_ADDRESS", "THIDUA_WEB_HOST", "THIDUA_WEB_PORT"),
        **_of_both(paths),
        **({"THIDUA_WEB_PORT": str(web_port)} if web_port is not None else {}),
    }
    return start_server("worker", [sys.executable, "-m", "worker"], log=log, env=env)


def _of_both(paths: Paths) -> dict[str, str]:
    """Return the settings that worker and web have in common, and the disks and the note of backups that they watch."""
    found = {
        DATA_DISK: str(paths.data),
        **({} if is_rehearsal(paths.data) else {LAST_BACKUP: str(paths.data / LAST_BACKUP_FILE)}),
        **({} if "DATABASE_URL" in os.environ else {DATABASE_DISK: str(paths.data / POSTGRESQL)}),
    }
    return {**found, **_environment(*_OF_BOTH)}


def _environment(*prefixes: str) -> dict[str, str]:
    """Return the settings of this process whose names begin so."""
    return {name: value for name, value in os.environ.items() if name.startswith(prefixes)}


def _reachable(host: str) -> str:
    """Return where a server that listens on `host` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on


def _web_port() -> int:
    """Return the port for the pages: THIDUA_WEB_PORT or the default port; if that is taken, a free one.

    Raises:
        EngineUnavailableError: THIDUA_WEB_PORT is taken.
    """
    requested = os.environ.get("THIDUA_WEB_PORT")
    port = int(requested or WEB_PORT)
    if port_answers(port, _web_host()):
        if requested:
            raise EngineUnavailableError("port_taken", port=port)
        (port,) = free_ports(1)
    return port


def _web_host() -> str:
    return _reachable(os.environ.get("THIDUA_WEB_HOST") or "127.0.0.1")


def start_web(paths: Paths, endpoints: Endpoints, port: int | None = None) -> tuple[Server, Endpoints]:
    """Start a web process for these endpoints, on a port or on the one that is set or free.

    It listens on THIDUA_WEB_HOST, by default on loopback.

    Raises:
        EngineUnavailableError: THIDUA_WEB_PORT is taken.
    """
    port, host = port or _web_port(), _web_host()
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    env = {
        **CHILD_ENVIRONMENT,
        # All that the operator sets for pages, but for what is this engine's own.
        **_environment("THIDUA_WEB_", "THIDUA_METRICS_HOST"),
        **_of_both(paths),
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "THIDUA_WEB_DATABASE_URL": endpoints.web_url,
        "THIDUA_TEMPORAL_ADDRESS": endpoints.temporal or "",
        "THIDUA_NAMESPACE": endpoints.namespace,
        **endpoints.tls,
        "THIDUA_WEB_KEY_FILE": str(paths.data / WEB_KEY_FILE),
        "THIDUA_ACCOUNT_KEY_FILE": str(paths.data / ACCOUNT_KEY_FILE),
        "THIDUA_OUTBOX": str(paths.data / OUTBOX),
        "THIDUA_WEB_PORT": str(port),
    }
    if is_rehearsal(paths.data):
        env["THIDUA_WEB_ROLES_FILE"] = str(paths.data / ROLES_FILE)
    server = start_server("web", [sys.executable, "-m", "web"], log=paths.logs / "web.log", env=env)
    return server, replace(endpoints, web_address=address)


async def _wait_for_worker(worker: Server, log_start: int) -> None:
    """Wait until the worker logs "ready". Earlier workers wrote the first `log_start` characters of the log."""
    deadline = asyncio.get_running_loop().time() + WORKER_DEADLINE_S
    while "ready" not in worker.log.read_text()[log_start:]:
        if worker.process.poll() is not None:
            raise EngineUnavailableError("server_ended", name="worker", log=str(worker.log))
        if asyncio.get_running_loop().time() > deadline:
            raise EngineUnavailableError("server_slow", name="worker", log=str(worker.log), seconds=WORKER_DEADLINE_S)
        await asyncio.sleep(0.05)


async def parts_that_answer(endpoints: Endpoints) -> dict[str, bool]:
    """Return which parts answer their question now."""
    asked = questions(endpoints)
    found = await asyncio.gather(*map(answers, asked.values()))
    return dict(zip(asked, found, strict=True))


def addresses(endpoints: Endpoints) -> dict[str, str]:
    """Return host and port of each part that listens, without passwords."""
    database = urlsplit(endpoints.owner_url)
    hosts = {"postgresql": f"{database.hostname or '127.0.0.1'}:{database.port or POSTGRES_PORT}"}
    if endpoints.temporal:
        hosts["temporal"] = endpoints.temporal
    if endpoints.web_address:
        hosts["web"] = endpoints.web_address.removeprefix("http://")
    return hosts


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # a process of another user, so it is alive
    return True
