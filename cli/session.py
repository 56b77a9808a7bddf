"""Opens the installation of this machine for a command: the parts of the engine that it needs, and the application."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.read_log import ReadLog
from application.administration import Administration, DirectEngine
from application.application import Application
from application.bootstrap import bootstrap
from application.engine import EngineClient, RefusedError
from application.gate import Gate, GateClosedError, Submitter, operator
from application.logs import to_stderr
from application.refusals import facts_in_words
from cli.outcome import on_its_way, refused
from domain.access import Matter
from domain.records import OPERATOR, Command
from errors import InputError
from ledger.postgres import PostgresLedger, open_ledger
from ledger.signing import BatchItem
from local.certificates import ClientTls
from local.engine import Endpoints, EnginePart, open_engine
from local.installation import Installation, is_founded
from local.key_files import CLI_KEY_FILE, KeyFile
from local.paths import Paths, paths
from vault.persons import People
from vault.texts import Texts
from web.settings import check_settings

if TYPE_CHECKING:
    from ledger.receipts import Receipt


@dataclass(slots=True)
class Session(Application):
    """The application, with the folders, endpoints and keys of the installation on this machine."""

    paths: Paths
    endpoints: Endpoints
    installed: Installation

    async def submit_items(self, stream: str, submitter: Submitter, items: Sequence[BatchItem]) -> Receipt:
        """See `Application.submit_items`. From here on, Ctrl-C no longer means that nothing was entered."""
        on_its_way(str(items[0].command_id))
        # Not `super()`: `dataclass(slots=True)` makes a new class, and `super()` would refer to the first one.
        try:
            return await Application.submit_items(self, stream, submitter, items)
        except RefusedError as error:
            refused()
            error.facts = dict(await facts_in_words(self, stream, error.facts))
            raise
        except GateClosedError:
            refused()
            raise

    async def administer(self, command: Command) -> None:
        """Record what the operator of the machine does to accounts. No workflow engine is needed (`DirectEngine`).

        Raises:
            RefusedError
        """
        await Administration(self, DirectEngine(self.ledger)).record(operator(), command)

    async def note_export(self, path: str) -> None:
        """Write into the read log that the operator takes out of a cycle what an address of the pages names."""
        await ReadLog(self.ledger.pool).add(OPERATOR, Matter.HISTORY.value, path, exported=True)

    @classmethod
    def of(
        cls,
        paths: Paths,
        endpoints: Endpoints,
        installed: Installation,
        ledger: PostgresLedger,
        engine_client: EngineClient | None,
    ) -> Session:
        """Return the session of an installation. Without `engine_client` it only reads."""
        key_file = KeyFile(paths.data / CLI_KEY_FILE, "cli", installed.id)
        gate = Gate(key_file, ledger, rehearsal=installed.rehearsal)
        texts, people = Texts(ledger.pool), People(ledger.pool)
        return cls(gate, ledger, texts, people, engine_client, paths, endpoints, installed)


@asynccontextmanager
async def session(
    need: EnginePart,
    say: Callable[[str], None],
    *,
    rehearsal: bool = False,
    founded: bool = False,
    reads: bool = False,
) -> AsyncIterator[Session]:
    """Open the installation of this environment. If there is none, make one, unless it must be `founded`.

    A command that only `reads` needs one that is founded, and does not change the database's schema and passwords.

    Raises:
        EngineUnavailableError, UnreachableError, LedgerError, OSError
        InputError: there is no installation, and it must be `founded`; or folder or database are another one's.
    """
    to_stderr()
    dirs = paths()
    if (founded or reads) and not is_founded(dirs.data):
        raise InputError("no_installation", folder=str(dirs.data))
    if need == "web":
        check_settings(os.environ)
    async with AsyncExitStack() as stack:
        endpoints, installed = await stack.enter_async_context(
            open_engine(dirs, bootstrap, need=need, report=say, rehearsal=rehearsal, reads=reads)
        )
        ledger = await open_ledger(endpoints.database_url, installed.id, writing=False)
        stack.push_async_callback(ledger.close)
        engine_client: EngineClient | None = None
        if need != "ledger":
            from workflows.client import TemporalClient, open_client

            client = await stack.enter_async_context(
                open_client(endpoints.temporal or "", endpoints.namespace, ClientTls.of(endpoints.tls))
            )
            engine_client = TemporalClient(client)
        opened = Session.of(dirs, endpoints, installed, ledger, engine_client)
        stack.push_async_callback(opened.close)
        yield opened
        engine_client = None
