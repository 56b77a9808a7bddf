"""Fixtures: for each process of the run one PostgreSQL and one built Temporal server, in a temporary folder.

Tests that stop the database or the worker start their own.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import shown_texts
from argon2 import PasswordHasher
from engine_help import copy_database, drop_database, queue_of
from hypothesis import settings
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from accounts import passwords
from activities.ledger import LedgerActivities
from application.bootstrap import bootstrap
from application.key_ring import KeyRing
from cli.session import Session
from domain.steps import clock
from ledger.postgres import open_ledger
from ledger.protocol import Ledger
from ledger.setup import apply_schema, make_roles
from local.certificates import CERTIFICATES, Authority, Certificates
from local.engine import Endpoints
from local.installation import Installation, installation_in
from local.installing import prepare_ledger
from local.paths import Paths, paths
from local.postgres import PostgresServer, create_database
from local.temporal import NAMESPACE, TemporalServer, start_temporal
from vault.texts import Texts
from workflows.city_year import CityYear
from workflows.client import TemporalClient
from workflows.cluster_cycle import ClusterCycle
from workflows.installation import InstallationStream
from workflows.interceptor import worker_options
from workflows.messages import DATA_CONVERTER
from workflows.post import Post
from workflows.unknown import Unknown

if TYPE_CHECKING:
    from playwright.async_api import Browser
    from web_help import Site


# Every connection would read the certificates of the system anew, though no server of a test has one.
os.environ.setdefault("PGSSLMODE", "disable")
settings.register_profile("thidua", deadline=None)  # no test depends on how fast the machine is
settings.load_profile("thidua")
shown_texts.install()


LONG = (
    "test_web_closed",
    "test_accessibility",
    "test_characters",
    "test_bad_input",
    "test_faults",
    "test_all_fields",
    "test_browser",
    "test_jobs",
    "test_edition_pages",
    "test_web_api",
    "test_adding_an_act",
    "test_kills",
    "test_supervisor",
    "test_web_rights",
    "test_export",
    "test_engine",
    "test_web",
    "test_keys",
    "test_answers",
    "test_golden",
)
"""The files that take longest, longest first. A process runs whole files: begun late, one keeps the other waiting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first, the others in their order."""
    order = {f"{name}.py": number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


UNMEASURED = frozenset(f"{name}.py" for name in ("test_mail", "test_shown_texts", "test_wording", "test_words"))
"""Files that need no engine, take long, and are not about domain or ledger."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tests that need an engine do not count for the coverage of domain and ledger, which have tests of their own.

    To measure it costs as much again as half of such a test, its set-up included; others as much again as all of it.
    """
    plugin = item.config.pluginmanager.getplugin("_cov")
    coverage = plugin.cov_controller if plugin is not None else None
    is_measured = "temporal" not in getattr(item, "fixturenames", ()) and item.path.name not in UNMEASURED
    if coverage is None or is_measured:
        return (yield)
    coverage.pause()
    try:
        return (yield)
    finally:
        coverage.resume()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """What pages, mails, feeds, downloads and commands show during a test holds none of the program's own names.

    A test that shows them on purpose has the mark `shows_keys`, with the reason.
    """
    shown_texts.COLLECTED.clear()
    yield
    found = shown_texts.report(shown_texts.COLLECTED)
    if found and item.get_closest_marker("shows_keys") is None:
        listed = "\n".join(f"{one.key} ({one.surface} {one.where}): {one.beside}" for one in found)
        pytest.fail(f"users read names that only the program uses:\n{listed}", pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> None:
    """Passwords of people who live for a test cost next to nothing. What they cost is in `test_accounts.py`."""
    passwords._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords._UNKNOWN = passwords._HASHER.hash("nobody's")


PASSWORDS = passwords._HASHER
"""What stores passwords outside tests."""


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """The folder of this process of the run, which has servers of its own."""
    if named := os.environ.get("THIDUA_TEST_FOLDER"):
        folder = Path(named) / os.environ.get("PYTEST_XDIST_WORKER", "alone")
        folder.mkdir(mode=0o755)
        yield folder
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp", ignore_cleanup_errors=True) as temporary:
        Path(temporary).chmod(0o755)
        yield Path(temporary)


def _print(text: str) -> None:
    print(text, flush=True)


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL server of this run."""
    server = PostgresServer(folder / "postgresql", paths().cache, folder / "postgresql.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def authority(folder: Path) -> Authority:
    """What has signed the certificates of Temporal and its clients."""
    made = Authority.make()
    made.write(Certificates(folder / CERTIFICATES))
    return made


@pytest.fixture(scope="session")
async def temporal(folder: Path, postgres: PostgresServer, authority: Authority) -> AsyncIterator[TemporalServer]:
    """The built Temporal server on it."""
    os.environ["THIDUA_TEMPORAL"] = "built"
    server = await start_temporal(postgres, paths().make().cache, folder, folder, _print, skips_time=True)
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def client(temporal: TemporalServer) -> Client:
    """A client of its namespace."""
    tls = temporal.tls.config() if temporal.tls else None
    return await Client.connect(temporal.address, namespace=NAMESPACE, data_converter=DATA_CONVERTER, tls=tls)


NewLedger = Callable[[], Awaitable[Endpoints]]
NewInstallation = Callable[..., Awaitable[tuple[Endpoints, Installation, Paths]]]


@pytest.fixture(scope="session")
async def empty_ledger(postgres: PostgresServer) -> str:
    """The name of a database with the schema and nothing else. To copy it costs less than to make each anew."""
    name = "empty_ledger"
    await create_database(postgres, name)
    await apply_schema(postgres.url(name))
    return name


@pytest.fixture(scope="session")
async def new_installation(folder: Path, postgres: PostgresServer, empty_ledger: str) -> NewInstallation:
    """Makes installations, each with a ledger of its own."""

    async def make(*, rehearsal: bool = True) -> tuple[Endpoints, Installation, Paths]:
        name = f"t{uuid4().hex[:12]}"
        where = Paths(folder / name, paths().cache, folder / name / "logs").make()
        installed = installation_in(where.data, rehearsal=rehearsal)
        owner = postgres.url(name)
        await copy_database(owner, empty_ledger)
        await make_roles(owner)  # who may connect is not copied
        app, reader, web = await prepare_ledger(owner, bootstrap, installed)
        return Endpoints(app, reader, owner, web, None, NAMESPACE, {}), installed, where

    return make


@asynccontextmanager
async def running_worker(
    client: Client,
    ledger: Ledger,
    texts: Texts,
    installed: Installation,
    queue: str,
    *,
    sandboxed: bool = True,
    **options: object,
) -> AsyncIterator[LedgerActivities]:
    """Run a worker in this process on a queue of its own, in the sandbox (ADR 5) or as the program does."""
    keys = KeyRing(ledger, installed.id, 1)
    await keys.refresh()
    acts = LedgerActivities(ledger, texts, keys, **options)  # type: ignore[arg-type]
    async with Worker(
        client,
        task_queue=queue,
        workflows=[ClusterCycle, CityYear, InstallationStream, Post, Unknown],
        activities=[acts.load, acts.append, acts.run_due_timers, acts.edition, acts.recall],
        workflow_runner=SandboxedWorkflowRunner() if sandboxed else UnsandboxedWorkflowRunner(),
        **worker_options(keys),
    ):
        yield acts


@asynccontextmanager
async def open_app(
    client: Client, new_installation: NewInstallation, *, rehearsal: bool = True, sandboxed: bool = True
) -> AsyncIterator[Session]:
    """Open an installation with a worker and a client, as the command line does; its database is dropped at the end."""
    endpoints, installed, where = await new_installation(rehearsal=rehearsal)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(drop_database, endpoints.owner_url)
        ledger = await open_ledger(endpoints.database_url, installed.id)
        stack.push_async_callback(ledger.close)
        queue = queue_of(installed)
        texts = Texts(ledger.pool)
        await stack.enter_async_context(running_worker(client, ledger, texts, installed, queue, sandboxed=sandboxed))
        session = Session.of(where, endpoints, installed, ledger, TemporalClient(client, queue))
        stack.push_async_callback(session.close)
        yield session


@pytest.fixture
async def app(
    request: pytest.FixtureRequest, client: Client, new_installation: NewInstallation
) -> AsyncIterator[Session]:
    """An installation of its own for a test. Tests of pages leave the sandbox to those of the engine."""
    async with open_app(client, new_installation, sandboxed="site" not in request.fixturenames) as session:
        yield session


@pytest.fixture
def any_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workflows of cycles may have any id that begins with the stream's name: so one can have two."""

    def stream_of(_type: str, id_: str) -> str:
        return "/".join(id_.split("/")[:3])

    for module in ("workflows.stream", "workflows.messages", "activities.callers"):
        monkeypatch.setattr(f"{module}.stream_of", stream_of)


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds of the post that wait a moment only."""
    for name, value in {"post.WAIT_S": 0.2, "post.HEARTBEAT_S": 0.1, "post_delivery.AWAY_S": 0.01}.items():
        monkeypatch.setattr(f"activities.{name}", value)
    monkeypatch.setattr("activities.post_delivery.GATHER_S", 0.0)


@pytest.fixture
async def site(app: Session, tmp_path: Path) -> AsyncIterator[Site]:
    """A web process for `app`, on a port of its own."""
    from web_help import a_site  # noqa: PLC0415 - it needs what stands below

    async with a_site(app, tmp_path / "outbox") as opened:
        yield opened


@pytest.fixture
async def real_site(client: Client, new_installation: NewInstallation, tmp_path: Path) -> AsyncIterator[Site]:
    """As `site`, of an installation that is no rehearsal."""
    from web_help import a_site  # noqa: PLC0415 - as above

    async with (
        open_app(client, new_installation, rehearsal=False, sandboxed=False) as real,
        a_site(real, tmp_path / "outbox") as opened,
    ):
        yield opened


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    from browser_help import a_browser  # noqa: PLC0415 - most tests need none

    async with a_browser() as opened:
        yield opened


@pytest.fixture
def elsewhere(client: Client, new_installation: NewInstallation) -> Callable[[], AbstractAsyncContextManager[Session]]:
    """Opens another, empty installation. Both share the database roles, so the first can only read afterwards."""
    return lambda: open_app(client, new_installation)


async def eventually(check: Callable[[], Awaitable[bool]], deadline_s: float = 30.0) -> None:
    """Poll `check` until it returns True."""
    end = asyncio.get_running_loop().time() + deadline_s
    while not await check():
        assert asyncio.get_running_loop().time() < end, "the condition was not met in time"
        await asyncio.sleep(0.05)


@pytest.fixture
def clock_that_knew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of a cycle in real time issues what was due long before: as if the cycle had been opened then."""
    monkeypatch.setattr(clock, "COMMANDS_EXPIRE", timedelta(days=1000))
