"""The engine's door: who has no certificate of the installation gets nothing from Temporal, on none of its ports."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import stranger
from conftest import NewInstallation, open_app
from engine_help import CITY, drop_database, open_cycle, submit, units
from speech import RULES
from temporalio.client import Client

from application.engine import UnreachableError
from errors import InputError
from ledger.postgres import DURABLE_SETTINGS
from local import temporal as local_temporal
from local.certificates import CERTIFICATES, SERVER_NAME, Authority, Certificates, ClientTls
from local.postgres import (
    PostgresServer,
    create_database,
    give_password,
    note_of_database,
    note_on_database,
)
from local.process import EngineUnavailableError, free_ports
from local.questions import answers, grpc_answers
from local.temporal import (
    DATABASES,
    DYNAMIC_CONFIG,
    ROLE,
    ROLE_SETTINGS,
    SERVER_VERSION,
    TIME_SKIPPING,
    TemporalServer,
    start_temporal,
)
from resources import CHILD_ENVIRONMENT
from worker import _tls
from workflows.client import open_client

STRANGER = "54321"
"""The number of a user that owns nothing; PostgreSQL runs as another one."""

GREETING = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""How a gRPC server begins."""

Came = dict[str, dict[str, str]]


def pair(pem: bytes, folder: Path, name: str) -> Path:
    file = folder / name
    file.touch(mode=0o600)
    file.write_bytes(pem)
    return file


async def tries(user: str, wishes: dict[str, Any]) -> Came:
    """Run the stranger's program."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, stranger.__file__, user, json.dumps(wishes)],
        env={**CHILD_ENVIRONMENT, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    found: Came = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
async def came(
    client: Client, new_installation: NewInstallation, temporal: TemporalServer, authority: Authority, folder: Path
) -> AsyncIterator[Came]:
    """What came of the stranger's acts: without a certificate, with one of his own, and with the right one."""
    async with open_app(client, new_installation) as app:
        stream = await open_cycle(app, RULES, members=units(2))
        known, own = Certificates(folder / CERTIFICATES), Authority.make().issue("client.thidua").decode()
        public, right = known.authority.read_text(), authority.issue("client.thidua").decode()
        private = [known.server, known.client, app.paths.data / "installation.json", app.paths.data / "web-key.json"]
        wishes: dict[str, Any] = {
            "address": temporal.address,
            "namespace": temporal.namespace,
            "workflow": stream,
            "queue": "thidua",
            "files": [str(file) for file in private],
            "ways": {
                "plainly": None,
                "without a certificate": (public, None, None),
                "with his own": (public, own, own),
            },
        }
        # Only root can become another user. Others see the same at the door, and the files by their modes.
        found = await tries(STRANGER if os.geteuid() == 0 else "", wishes)
        await submit(app, stream, CITY, "present-draft", {"kind": "plan", "document": {"title": "Kế hoạch"}})
        control = wishes | {"files": [], "ways": {"with the right one": (public, right, right)}}
        yield await tries("", control) | found


ACTS = ("list", "read", "signal", "update", "start", "take a task", "work", "terminate")


@pytest.mark.parametrize("act", ACTS)
def test_a_stranger_is_refused_at_the_door(came: Came, act: str) -> None:
    for way in ("plainly", "without a certificate", "with his own"):
        assert came[way][act] != "done", way
        assert came[way][act].startswith(("RuntimeError", "UNAVAILABLE", "UNKNOWN", "CANCELLED")), came[way][act]


@pytest.mark.parametrize("act", ACTS)
def test_the_control_the_same_program_does_it_with_the_right_certificate(came: Came, act: str) -> None:
    assert set(came["with the right one"]) == set(ACTS)
    assert came["with the right one"][act] == "done"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_stranger_cannot_read_keys_and_passwords(came: Came) -> None:
    assert len(came["files"]) == 4
    assert set(came["files"].values()) == {"PermissionError"}


# Certificates -----------------------------------------------------------------------------------------------------


async def is_let_in(temporal: TemporalServer, folder: Path, pem: bytes, file: Path) -> bool:
    shown = pair(pem, file.parent, file.name)
    tls = ClientTls(shown, shown, Certificates(folder / CERTIFICATES).authority, SERVER_NAME)
    try:
        async with open_client(temporal.address, temporal.namespace, tls) as opened:
            await opened.count_workflows()
            del opened
    except UnreachableError:
        return False
    return True


async def test_an_expired_or_foreign_certificate_is_refused(
    temporal: TemporalServer, folder: Path, authority: Authority, tmp_path: Path
) -> None:
    expired = authority.issue("client.thidua", until=datetime.now(UTC) - timedelta(minutes=1))
    assert await is_let_in(temporal, folder, authority.issue("client.thidua"), tmp_path / "right.pem")
    assert not await is_let_in(temporal, folder, expired, tmp_path / "expired.pem")
    assert not await is_let_in(temporal, folder, Authority.make().issue("client.thidua"), tmp_path / "foreign.pem")


async def test_our_clients_do_not_speak_to_a_server_with_a_foreign_certificate(tmp_path: Path) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        await writer.drain()

    ours = Certificates(tmp_path / "ours")
    ours.make()
    for made, spoken_to in ((Authority.make(), False), (None, True)):
        shown = pair(made.issue(SERVER_NAME, serves=True), tmp_path, "foreign.pem") if made else ours.server
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(shown)
        server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
        address = "{}:{}".format(*server.sockets[0].getsockname())
        tls = ours.client_tls
        assert await answers(partial(grpc_answers, address, tls.context(), tls.name)) is spoken_to
        if made:
            with pytest.raises(UnreachableError):
                async with open_client(address, "thidua", tls):
                    pass
        server.close()


def listening_ports(pid: int) -> set[int]:
    """The ports on which a process listens."""
    links = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()]
    sockets = {link[8:-1] for link in links if link.startswith("socket:")}
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rsplit(":", 1)[1], 16) for row in rows if row[3] == "0A" and row[9] in sockets}


async def is_taken(port: int, tls: ssl.SSLContext) -> bool:
    """Whether a port goes on with a TLS connection after it has seen what the client shows."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=SERVER_NAME)
    except OSError:
        return False
    try:
        # A server that refuses says so at once; one that goes on waits for our first byte, or greets.
        await asyncio.wait_for(reader.read(1), 0.5)
    except TimeoutError:
        return True
    except OSError:
        return False
    else:
        return not reader.at_eof()
    finally:
        writer.transport.abort()


async def test_every_port_of_the_server_asks_for_a_certificate(temporal: TemporalServer) -> None:
    """The ports by which its parts find each other, too."""
    assert temporal.pid is not None
    assert temporal.tls is not None
    ports = listening_ports(temporal.pid)
    assert len(ports) == 9
    for port in ports:
        assert not await answers(partial(grpc_answers, f"127.0.0.1:{port}"), 1), "it does not speak plainly"
        assert await is_taken(port, temporal.tls.context()), port
        assert not await is_taken(port, temporal.tls.context(shows_certificate=False)), port


def test_keys_are_their_owners_only_and_certificates_are_renewed_in_time(tmp_path: Path) -> None:
    found = Certificates(tmp_path / "certificates")
    until = found.make()
    assert timedelta(days=700) < until - datetime.now(UTC) < timedelta(days=800)
    assert {file.stat().st_mode & 0o777 for file in found.folder.iterdir()} == {0o600}
    assert found.folder.stat().st_mode & 0o777 == 0o700
    before = found.client.read_text()
    found.renew()
    found.make_missing()
    assert found.client.read_text() == before, "what holds long enough is left"

    def spoil_mode() -> None:
        found.client.chmod(0o644)

    def spoil_key() -> None:
        other = Certificates(tmp_path / "other")
        other.make()
        found.client.write_bytes(other.client.read_bytes())

    def run_out() -> None:
        Authority.make(datetime.now(UTC) + timedelta(days=300)).write(found)

    def remove() -> None:
        found.authority.unlink()

    for spoil in (spoil_mode, spoil_key, run_out, remove, lambda: found.server.write_text("x")):
        spoil()
        before = found.client.read_text()
        found.renew()
        assert found.client.read_text() != before
        assert found.last_moment() is not None


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    found = Certificates(tmp_path / "certificates")
    found.make()
    assert found.client_tls.config().client_cert
    found.client.chmod(0o640)
    with pytest.raises(InputError, match="key_file_open"):
        found.client_tls.config()
    found.client.unlink()
    for use in (found.client_tls.config, found.client_tls.context):
        with pytest.raises(InputError, match="key_file_missing"):
            use()


def test_what_a_client_shows_is_set_whole_or_not_at_all(tmp_path: Path) -> None:
    shown = Certificates(tmp_path).client_tls
    assert ClientTls.of(shown.environment()) == shown
    assert ClientTls.of({}) is None
    for name in ("TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH"):
        half = {key: value for key, value in shown.environment().items() if key != name}
        with pytest.raises(InputError, match="temporal_tls_half"):
            ClientTls.of(half)


# Servers that take everybody --------------------------------------------------------------------------------------


async def test_a_server_that_takes_everybody_is_found_out(
    temporal: TemporalServer, tmp_path: Path, folder: Path
) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        await writer.drain()

    ours = Certificates(tmp_path / "ours")
    ours.make()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ours.server)
    for tls in (None, context):
        server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=tls)
        address = "{}:{}".format(*server.sockets[0].getsockname())
        assert await local_temporal._is_open(address, ours.client_tls)
        server.close()
    assert await local_temporal._is_open(temporal.address, None)
    assert not await local_temporal._is_open(temporal.address, temporal.tls)


def test_a_server_that_takes_everybody_serves_rehearsals_only_and_with_a_warning() -> None:
    said: list[str] = []
    open_, closed = TemporalServer("x:1", "given", is_open=True), TemporalServer("x:1", "given")
    assert local_temporal._only_for_rehearsals(open_, said.append, rehearsal=True) is open_
    assert len(said) == 1
    assert "x:1" in said[0]
    for rehearsal in (True, False):
        assert local_temporal._only_for_rehearsals(closed, said.append, rehearsal=rehearsal) is closed
    assert len(said) == 1
    with pytest.raises(InputError, match="temporal_open") as refused:
        local_temporal._only_for_rehearsals(open_, said.append, rehearsal=False)
    assert refused.value.exit_code == 2


async def test_a_development_server_is_not_asked_for_real_years(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    async def development(*_known: object) -> None:
        asked.append(True)

    def build(*_known: object) -> None:
        raise OSError("not here")

    monkeypatch.delenv("THIDUA_TEMPORAL", raising=False)
    monkeypatch.setattr(local_temporal, "_development_server", development)
    monkeypatch.setattr(local_temporal, "_build_once", build)
    for rehearsal in (False, True):
        with pytest.raises(EngineUnavailableError, match="no_temporal") as none:
            await start_temporal(postgres, tmp_path, tmp_path, tmp_path, print, rehearsal=rehearsal)
        assert ("a development server takes everybody" in none.value.facts["reasons"]) is not rehearsal
        assert asked == [True] * rehearsal


@pytest.mark.parametrize("program", ["worker", "web"])
async def test_without_a_certificate_worker_and_web_serve_rehearsals_only(
    new_installation: NewInstallation, program: str
) -> None:
    endpoints, installed, where = await new_installation(rehearsal=False)
    (port,) = free_ports(1)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", program],
        env={
            **CHILD_ENVIRONMENT,
            "PATH": "/usr/bin:/bin",
            "THIDUA_LANG": "en",
            "THIDUA_DATABASE_URL": endpoints.database_url,
            "THIDUA_WEB_DATABASE_URL": endpoints.web_url,
            "THIDUA_TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
            "THIDUA_NAMESPACE": "thidua",
            "THIDUA_INSTALLATION": installed.id,
            "THIDUA_WEB_KEY_FILE": str(where.data / "web-key.json"),
            "THIDUA_ACCOUNT_KEY_FILE": str(where.data / "account-key.json"),
            "THIDUA_OUTBOX": str(where.data / "outbox"),
            "THIDUA_WEB_PORT": str(port),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"{program}: Whoever reaches the Temporal server at 127.0.0.1:{port} can stop every cycle" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_control_a_rehearsal_needs_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("THIDUA_TEMPORAL_ADDRESS", "x:1")
    assert _tls(rehearsal=True) is None
    with pytest.raises(SystemExit):
        _tls(rehearsal=False)


def test_time_is_skipped_in_tests_only(folder: Path, temporal: TemporalServer) -> None:
    assert "Skipping" not in DYNAMIC_CONFIG
    assert (folder / "temporal-dynamic.yaml").read_text() == DYNAMIC_CONFIG + TIME_SKIPPING


# Temporal's databases ---------------------------------------------------------------------------------------------

SCHEMAS = ("ledger", "vault", "accounts", "projections")


async def as_temporal(postgres: PostgresServer, database: str) -> Any:
    """A connection with Temporal's role, on a server where nobody else uses the role's password."""
    url = postgres.url(database)
    password = await give_password(postgres, f"{ROLE}_test")
    return await asyncpg.connect(url, user=f"{ROLE}_test", password=password)


async def test_temporals_databases_are_its_roles_own_and_the_role_can_nothing_else(
    temporal: TemporalServer, postgres: PostgresServer
) -> None:
    owner = await asyncpg.connect(postgres.url())
    role = await owner.fetchrow("select * from pg_roles where rolname = $1", ROLE)
    assert not any(role[may] for may in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls"))
    assert await owner.fetchval("select count(*) from pg_auth_members where member = $1::regrole", ROLE) == 0
    owned = await owner.fetch("select datname from pg_database where datdba = $1::regrole order by 1", ROLE)
    assert [row["datname"] for row in owned] == ["temporal", "temporal_visibility"]
    used = await owner.fetch("select distinct usename from pg_stat_activity where datname like 'temporal%'")
    assert [row["usename"] for row in used] == [ROLE], "the server connects as this role"
    await owner.close()


async def test_temporals_role_cannot_read_or_write_the_ledger(
    temporal: TemporalServer, postgres: PostgresServer, new_installation: NewInstallation
) -> None:
    endpoints, _installed, _where = await new_installation()
    name = endpoints.owner_url.rsplit("/", 1)[1]
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await as_temporal(postgres, name)
    owner = await asyncpg.connect(endpoints.owner_url)
    # Even if it could connect: every table, and every function that changes one.
    await owner.execute(f'grant connect on database "{name}" to "{ROLE}_test"')
    tables = await owner.fetch(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname = any($1)", list(SCHEMAS)
    )
    functions = await owner.fetch(
        "select p.oid::regprocedure::text as name from pg_proc p where p.pronamespace::regnamespace::text = any($1)",
        list(SCHEMAS),
    )
    assert len(tables) > 20
    assert len(functions) > 5
    inside = await as_temporal(postgres, name)
    for row in tables:
        for statement in ("select * from {}", "delete from {}", "truncate {}", "insert into {} default values"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await inside.execute(statement.format(row["name"]))
    for row in functions:
        granted = "select has_function_privilege($1, $2::regprocedure, 'execute')"
        usable = "select has_schema_privilege($1, $2, 'usage')"
        schema = row["name"].split(".", 1)[0]
        assert not (
            await owner.fetchval(granted, f"{ROLE}_test", row["name"])
            and await owner.fetchval(usable, f"{ROLE}_test", schema)
        ), row["name"]
    await inside.close()
    assert await owner.fetchval("select count(*) from ledger.event") > 0, "the owner reads it"
    await owner.execute(f'revoke connect on database "{name}" from "{ROLE}_test"')
    await owner.close()


async def test_temporals_commits_do_not_wait_for_the_disk_and_the_ledgers_do(
    temporal: TemporalServer, postgres: PostgresServer, new_installation: NewInstallation
) -> None:
    endpoints, _installed, _where = await new_installation()
    owner = await asyncpg.connect(postgres.url())
    assert await owner.fetchval("select rolconfig from pg_roles where rolname = $1", ROLE) == ["synchronous_commit=off"]
    own_settings = await owner.fetch("select setdatabase, setrole::regrole::text as role from pg_db_role_setting")
    assert {(row["setdatabase"], row["role"]) for row in own_settings} == {(0, ROLE)}, "of one role and no database"
    await owner.close()
    for url in (endpoints.database_url, endpoints.web_url, endpoints.reader_url, endpoints.owner_url):
        connection = await asyncpg.connect(url)
        assert {name: await connection.fetchval(f"show {name}") for name in DURABLE_SETTINGS} == DURABLE_SETTINGS
        await connection.close()
    password = await give_password(postgres, f"{ROLE}_late", ROLE_SETTINGS)
    late = await asyncpg.connect(postgres.url(), user=f"{ROLE}_late", password=password)
    assert await late.fetchval("show synchronous_commit") == "off"
    await late.execute("set synchronous_commit to default")
    assert await late.fetchval("show synchronous_commit") == "off", "every session begins so"
    await late.close()
    owner = await asyncpg.connect(postgres.url())
    await owner.execute(f'drop role "{ROLE}_late"')
    await owner.close()


async def test_what_is_said_of_a_database_goes_with_it(postgres: PostgresServer) -> None:
    """So a schema is made again in a database that somebody has made again, and nobody must delete a file for it."""
    await create_database(postgres, "t_noted")
    assert await note_of_database(postgres, "t_noted") is None
    await note_on_database(postgres, "t_noted", "schema of Temporal 1.2.3")
    assert await note_of_database(postgres, "t_noted") == "schema of Temporal 1.2.3"
    await drop_database(postgres.url("t_noted"))
    await create_database(postgres, "t_noted")
    assert await note_of_database(postgres, "t_noted") is None
    await drop_database(postgres.url("t_noted"))
    for database in DATABASES:
        assert await note_of_database(postgres, database) in {None, f"schema of Temporal {SERVER_VERSION}"}


async def test_a_database_of_temporal_that_was_dropped_is_known_to_be_new(postgres: PostgresServer) -> None:
    await give_password(postgres, f"{ROLE}_test")
    assert await create_database(postgres, "t_dropped", owner=f"{ROLE}_test")
    assert not await create_database(postgres, "t_dropped", owner=f"{ROLE}_test")
    await drop_database(postgres.url("t_dropped"))
    assert await create_database(postgres, "t_dropped", owner=f"{ROLE}_test")
    await drop_database(postgres.url("t_dropped"))
