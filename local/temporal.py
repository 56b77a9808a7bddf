"""A Temporal server without Docker, by the first way that works on this machine.

1. `TEMPORAL_ADDRESS`: a server that this program does not run.
2. The server built before, in the cache folder, on the embedded PostgreSQL.
3. A `temporal` command on the PATH, or the SDK's own download: a development server on SQLite. Rehearsals only.
4. Build the official server from the Go module proxy, once; the Go toolchain is a wheel.

If none works, the error tells why each was skipped. `THIDUA_TEMPORAL=built` allows only 2 and 4: tests need the built
server, because only that one can skip time.

A client that reaches a Temporal server can stop every cycle. So the built one takes mutual TLS (`certificates.py`),
and a server that lets others in serves rehearsals only.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from errors import InputError
from i18n import _, ngettext
from local.certificates import CERTIFICATES, Certificates, ClientTls
from local.paths import paths
from local.postgres import (
    Addressed,
    PostgresServer,
    create_database,
    forget_members,
    give_password,
    note_of_database,
    note_on_database,
)
from local.process import EngineUnavailableError, Server, on_free_ports, port_answers, start_server, wait_until
from local.questions import answers, grpc_answers
from resources import GO_LOCK

NAMESPACE = "thidua"
RETENTION_DAYS = 3
SERVER_VERSION = "1.32.2"
SERVER_MODULES = ("go.temporal.io/server/cmd/server", "go.temporal.io/server/cmd/tools/sql")
HISTORY_SHARDS = 4
NAMESPACE_DEADLINE_S = 60
BUILD_REPORT_S = 15
ROLE = "temporal"
"""The role that owns Temporal's databases, and may connect to no other one."""

ROLE_SETTINGS = {"synchronous_commit": "off"}
"""Temporal's commits do not wait for the disk: what a crash takes is started again from the ledger (ADR 21)."""

DATABASES = {"temporal": "temporal", "temporal_visibility": "visibility"}
"""Temporal's databases, each with the name of its schema."""

DYNAMIC_CONFIG = """\
# Ten updates in flight per workflow is the server's default; a cluster's signing hour has more.
history.maxInFlightUpdates:
  - value: 0
# The ports by which the server's parts find each other ask for a certificate, too: a foreign member would get tasks.
system.enableRingpopTLS:
  - value: true
# Stop at once: without `thidua up`, the server is stopped after each command.
frontend.shutdownDrainDuration:
  - value: 0s
history.shutdownDrainDuration:
  - value: 0s
matching.shutdownDrainDuration:
  - value: 0s
"""
TIME_SKIPPING = """\
# Tests of real deadlines let the server's clock jump.
frontend.WorkflowTimeSkippingEnabled:
  - value: true
system.workflowTimeSkippingEnabled:
  - value: true
"""

SERVICES = ("FRONTEND", "HISTORY", "MATCHING", "WORKER")

Report = Callable[[str], None]


@dataclass(slots=True)
class TemporalServer:
    """A server that answers at `address`, with our namespace. `how` is "given", "development" or "built".

    `tls` is what its clients show. One that `is_open` takes everybody.
    """

    address: str
    how: str
    namespace: str = NAMESPACE
    tls: ClientTls | None = None
    is_open: bool = False
    server: Server | None = None
    development: WorkflowEnvironment | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id; None if this process did not start it."""
        return self.server.pid if self.server else None

    async def stop(self) -> None:
        """Stop the server, if this process started it."""
        if self.server is not None:
            await asyncio.to_thread(self.server.stop)
        if self.development is not None:
            await self.development.shutdown()


async def start_temporal(
    postgres: PostgresServer,
    cache: Path,
    logs: Path,
    data: Path,
    report: Report,
    *,
    rehearsal: bool = False,
    skips_time: bool = False,
) -> TemporalServer:
    """Return a server with our namespace, started by the first way that works.

    A server that takes everybody is good enough for a `rehearsal`. `skips_time` lets clients of a built server move its
    clock, for tests.

    Raises:
        EngineUnavailableError: no way worked, and the facts tell why each was skipped; or the server of
            `TEMPORAL_ADDRESS` does not answer or lacks the namespace.
        InputError: `temporal_open`: that server takes everybody, and this is no rehearsal; or, as `ClientTls`, what is
            set for it cannot be used.
    """
    only_built = os.environ.get("THIDUA_TEMPORAL") == "built"
    skipped: list[str] = []
    if (address := os.environ.get("TEMPORAL_ADDRESS")) and not only_built:
        server = await _given_server(address, os.environ.get("TEMPORAL_NAMESPACE", NAMESPACE), report)
        return _only_for_rehearsals(server, report, rehearsal=rehearsal)
    skipped.append("TEMPORAL_ADDRESS is not set")
    home = cache / f"temporal-{SERVER_VERSION}"
    if not (home / "server").exists() and not only_built:
        skipped.append(f"no server in {home}")
        if not rehearsal:
            skipped.append("a development server takes everybody who reaches it")
        elif (started := await _development_server(cache, data, skipped, report)) is not None:
            return _only_for_rehearsals(started, report, rehearsal=rehearsal)
    try:
        await asyncio.to_thread(_build_once, home, cache, logs, report)
    except (OSError, subprocess.CalledProcessError) as error:
        skipped.append(f"building the server failed: {error} (see {logs / 'temporal-build.log'})")
        raise EngineUnavailableError("no_temporal", reasons="; ".join(skipped)) from error
    config = data / "temporal-dynamic.yaml"
    config.write_text(DYNAMIC_CONFIG + (TIME_SKIPPING if skips_time else ""))
    return await _built_server(home, postgres, logs, config, Certificates(data / CERTIFICATES))


def _only_for_rehearsals(server: TemporalServer, report: Report, *, rehearsal: bool) -> TemporalServer:
    """Return a server that takes everybody, with a warning, for a rehearsal; others as they are."""
    if server.is_open:
        if not rehearsal:
            raise InputError("temporal_open", address=server.address)
        report(
            _(
                "WARNING: whoever reaches the Temporal server at {address} can stop every cycle. It is good enough for "
                "rehearsals only."
            ).format(address=server.address)
        )
    return server


async def _is_open(address: str, tls: ClientTls | None) -> bool:
    """Whether a server takes somebody who shows no certificate."""
    if tls is None:
        return True
    stranger = tls.context(shows_certificate=False)
    return await answers(partial(grpc_answers, address)) or await answers(
        partial(grpc_answers, address, stranger, tls.name)
    )


async def _given_server(address: str, namespace: str, report: Report) -> TemporalServer:
    report(
        _("Temporal: {address}, namespace {namespace} (TEMPORAL_ADDRESS)").format(address=address, namespace=namespace)
    )
    tls = ClientTls.of(os.environ)
    try:
        client = await Client.connect(address, namespace=namespace, tls=tls.config() if tls else None)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    except RuntimeError:
        raise EngineUnavailableError("temporal_away", address=address) from None
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise EngineUnavailableError("no_namespace", address=address, namespace=namespace) from None
        raise EngineUnavailableError("temporal_refuses", address=address, problem=error.message) from error
    return TemporalServer(address, "given", namespace, tls, is_open=await _is_open(address, tls))


async def _development_server(cache: Path, data: Path, skipped: list[str], report: Report) -> TemporalServer | None:
    on_path = shutil.which("temporal")
    if on_path is None:
        skipped.append("no `temporal` command on the PATH")
    try:
        environment = await WorkflowEnvironment.start_local(
            namespace=NAMESPACE,
            ip="127.0.0.1",
            download_dest_dir=str(cache),
            dev_server_existing_path=on_path,
            dev_server_database_filename=str(data / "temporal.sqlite"),
            dev_server_extra_args=["--dynamic-config-value", "history.maxInFlightUpdates=0"],
        )
    except RuntimeError as error:
        skipped.append(f"the SDK's download failed ({str(error).splitlines()[0][:120]})")
        return None
    address = environment.client.service_client.config.target_host
    report(_("Temporal: development server at {address}").format(address=address))
    return TemporalServer(address, "development", development=environment, is_open=True)


async def _built_server(
    home: Path, postgres: PostgresServer, logs: Path, config: Path, certificates: Certificates
) -> TemporalServer:
    certificates.renew()
    settings = _sql_environment(postgres, await make_databases(postgres))
    await _update_schemas(home, postgres, settings, logs)
    await forget_members(postgres, "temporal")
    settings |= certificates.server_environment() | {"DYNAMIC_CONFIG_FILE_PATH": str(config)}
    server, port = await asyncio.to_thread(
        on_free_ports, 2 * len(SERVICES) + 1, lambda ports: _start_listening(ports, home, settings, logs)
    )
    address, tls = f"127.0.0.1:{port}", certificates.client_tls
    if not await register_namespace(address, tls, lambda: server.process.poll() is None):
        server.stop()
        raise EngineUnavailableError("server_slow", name="temporal", log=str(server.log), seconds=NAMESPACE_DEADLINE_S)
    return TemporalServer(address, "built", tls=tls, server=server)


def _start_listening(ports: list[int], home: Path, settings: dict[str, str], logs: Path) -> tuple[Server, int]:
    """Start a server whose services listen on these ports; return it and the port of its frontend."""
    free = iter(ports)
    service_ports = {f"{name}_{kind}_PORT": str(next(free)) for name in SERVICES for kind in ("GRPC", "MEMBERSHIP")}
    env = {
        **settings,
        **service_ports,
        "FRONTEND_HTTP_PORT": str(next(free)),
        "DB": "postgres12_pgx",
        "NUM_HISTORY_SHARDS": str(HISTORY_SHARDS),
        "BIND_ON_IP": "127.0.0.1",
        "LOG_LEVEL": "warn",
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
    }
    server = start_server(
        # Who shows a certificate may do everything: there is no authorizer behind it.
        "temporal",
        [str(home / "server"), "--allow-no-auth", "start"],
        log=logs / "temporal.log",
        env=env,
    )
    # The services start one after another, and each binds its ports when it starts.
    wait_until(lambda: all(port_answers(int(port)) for port in service_ports.values()), server)
    return server, int(service_ports["FRONTEND_GRPC_PORT"])


async def register_namespace(address: str, tls: ClientTls, runs: Callable[[], bool] = lambda: True) -> bool:
    """Register our namespace, unless it is; return whether the server answers for it in time.

    The frontend listens before it can serve, so this tries until it answers, as long as the server `runs`.

    Raises:
        InputError: as `ClientTls.config`.
    """
    deadline = time.monotonic() + NAMESPACE_DEADLINE_S
    while True:
        try:
            client = await Client.connect(address, tls=tls.config())
            request = RegisterNamespaceRequest(namespace=NAMESPACE)
            request.workflow_execution_retention_period.FromSeconds(RETENTION_DAYS * 86_400)
            await client.workflow_service.register_namespace(request)
        except RPCError as error:
            if error.status == RPCStatusCode.ALREADY_EXISTS:
                return True
        except RuntimeError:
            pass  # not listening yet
        else:
            break
        if time.monotonic() > deadline or not runs():
            return False
        await asyncio.sleep(0.1)
    # The services know a new namespace only after their registry has refreshed, so wait until one answers for it.
    while time.monotonic() < deadline:
        try:
            await (await Client.connect(address, namespace=NAMESPACE, tls=tls.config())).count_workflows()
        except RPCError:
            await asyncio.sleep(0.1)
        else:
            break
    return True


def _sql_environment(postgres: PostgresServer, password: str) -> dict[str, str]:
    # In the environment, because every user of the machine can see a process's arguments.
    return {
        "POSTGRES_SEEDS": "127.0.0.1",
        "DB_PORT": str(postgres.port),
        "POSTGRES_USER": ROLE,
        "POSTGRES_PWD": password,
        "SQL_PLUGIN": "postgres12_pgx",
        "SQL_HOST": "127.0.0.1",
        "SQL_PORT": str(postgres.port),
        "SQL_USER": ROLE,
        "SQL_PASSWORD": password,
    }


async def make_databases(server: Addressed, password: str | None = None) -> str:
    """Create Temporal's databases under a role of their own; return its password, the given one or a new one."""
    password = await give_password(server, ROLE, ROLE_SETTINGS, password)
    for database in DATABASES:
        await create_database(server, database, owner=ROLE)
    return password


async def _update_schemas(home: Path, postgres: PostgresServer, settings: dict[str, str], logs: Path) -> None:
    """Update the schemas of both databases to this server's version.

    Which version a schema is of stands on the database itself, so that nobody has to delete it with a database.
    """
    done = f"schema of Temporal {SERVER_VERSION}"
    for database, schema in DATABASES.items():
        if await note_of_database(postgres, database) != done:
            await asyncio.to_thread(_update_schema, home, database, schema, settings, logs)
            await note_on_database(postgres, database, done)


def _update_schema(home: Path, database: str, schema: str, settings: dict[str, str], logs: Path) -> None:
    log = logs / "temporal-schema.log"
    for step in (["setup-schema", "-v", "0.0"], ["update-schema", "--schema-name", f"postgresql/v12/{schema}"]):
        with log.open("ab") as out:
            subprocess.run(  # noqa: S603 - fixed program, no shell
                [str(home / "sql"), "--db", database, *step],
                env={**settings, "PATH": "/usr/bin:/bin"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                # `setup-schema` fails if an aborted run has done it; `update-schema` must succeed.
                check=step[0] == "update-schema",
            )


@contextmanager
def _locked(path: Path, report: Report) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(_("waiting for another command that builds the Temporal server ({path})").format(path=path))
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(report: Report) -> None:
    """Build the server now, unless this machine has it already.

    Raises:
        OSError, subprocess.CalledProcessError
    """
    folders = paths().make()
    _build_once(folders.cache / f"temporal-{SERVER_VERSION}", folders.cache, folders.logs, report)


def _build_once(home: Path, cache: Path, logs: Path, report: Report) -> None:
    if (home / "server").exists():
        return
    with _locked(cache / "temporal-build.lock", report):
        if (home / "server").exists():
            return
        report(
            _("Temporal server {version}: built once from source, three to five minutes on two cores").format(
                version=SERVER_VERSION
            )
        )
        started = time.monotonic()
        go = _go_toolchain(cache, logs)
        draft = cache / f"temporal-{SERVER_VERSION}.{os.getpid()}"
        build_folder = cache / "go-build"
        env = {
            **os.environ,
            "PATH": f"{go.parent}:{os.environ.get('PATH', '')}",
            "CGO_ENABLED": "0",
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-modcacherw",
            "GOBIN": str(draft),
            "GOPATH": str(build_folder / "path"),
            "GOCACHE": str(build_folder / "cache"),
        }
        with (logs / "temporal-build.log").open("ab") as out:
            build = subprocess.Popen(  # noqa: S603 - fixed program, no shell
                [
                    str(go),
                    "install",
                    "-ldflags",
                    "-s -w",
                    "-tags",
                    "disable_grpc_modules",
                    *(f"{module}@v{SERVER_VERSION}" for module in SERVER_MODULES),
                ],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
            _wait_for_build(build, started, build_folder, report)
        if build.returncode:
            raise subprocess.CalledProcessError(build.returncode, "go install")
        draft.rename(home)
        shutil.rmtree(build_folder, ignore_errors=True)
        shutil.rmtree(cache / "go-toolchain", ignore_errors=True)
        report(_("Temporal server built in {seconds} s").format(seconds=round(time.monotonic() - started)))


def _wait_for_build(build: subprocess.Popen[bytes], started: float, build_folder: Path, report: Report) -> None:
    try:
        while True:
            try:
                build.wait(BUILD_REPORT_S)
            except subprocess.TimeoutExpired:
                modules = build_folder / "path" / "pkg" / "mod" / "cache" / "download"
                fetched = sum(1 for _ in modules.rglob("*.zip")) if modules.exists() else 0
                seconds = round(time.monotonic() - started)
                report(
                    ngettext(
                        "  … {seconds} s, {count} module fetched", "  … {seconds} s, {count} modules fetched", fetched
                    ).format(seconds=seconds, count=fetched)
                )
            else:
                return
    except BaseException:
        build.kill()
        raise


def _go_toolchain(cache: Path, logs: Path) -> Path:
    """Install the Go compiler from its wheel into a virtual environment of its own; return the path of `go`."""
    home = cache / "go-toolchain"
    with (logs / "temporal-build.log").open("ab") as out:
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True, stdout=out, stderr=out)  # noqa: S603 - as below
        subprocess.run(  # noqa: S603 - fixed program, no shell
            [
                str(home / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "--no-deps",
                "--requirement",
                str(GO_LOCK),
            ],
            check=True,
            stdout=out,
            stderr=out,
        )
    return home / "bin" / "go"
