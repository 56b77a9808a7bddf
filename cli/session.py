"""An installation as a command opens it: the engine as far as it is needed, and an office in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.application import Application
from application.bootstrap import bootstrap
from application.engine import EngineClient, RefusedError
from cli.outcome import on_its_way, refused
from errors import InputError
from ledger.postgres import PostgresLedger, open_ledger
from ledger.signing import BatchItem, Signer
from local.engine import Endpoints, EnginePart, open_engine
from local.installation import Installation, is_founded
from local.paths import Paths, paths
from vault.persons import Contact, People
from vault.texts import Texts

if TYPE_CHECKING:
    from ledger.receipts import Receipt


@dataclass(slots=True)
class Session(Application):
    """An office that knows its machine."""

    paths: Paths
    endpoints: Endpoints
    installed: Installation

    async def submit_items(
        self,
        stream: str,
        person: Contact,
        items: Sequence[BatchItem],
        *,
        strength: str,
        stand_in_for: str | None = None,
    ) -> Receipt:
        """See `Application.submit_items`; from here on a Ctrl-C cannot say that nothing was entered."""
        on_its_way(str(items[0].command_id))
        # Not `super()`: a dataclass with slots is another class than the one that this method was written in.
        try:
            return await Application.submit_items(
                self, stream, person, items, strength=strength, stand_in_for=stand_in_for
            )
        except RefusedError:
            refused()
            raise

    @classmethod
    def of(
        cls,
        paths: Paths,
        endpoints: Endpoints,
        installed: Installation,
        ledger: PostgresLedger,
        engine_client: EngineClient | None,
    ) -> Session:
        """An office of this installation."""
        signer = Signer(installed.id, ledger.epoch, installed.key, installed.private)
        texts, people = Texts(ledger.pool), People(ledger.pool)
        return cls(signer, installed.rehearsal, ledger, texts, people, engine_client, paths, endpoints, installed)


@asynccontextmanager
async def session(
    need: EnginePart, say: Callable[[str], None], *, rehearsal: bool = False, founded: bool = False
) -> AsyncIterator[Session]:
    """Open the installation of this environment; found one where there is none, unless it must be `founded` already.

    Raises:
        EngineUnavailableError, UnreachableError, OSError
        InputError: there is none in the folder.
    """
    where = paths()
    if founded and not is_founded(where.data):
        raise InputError("no_installation", folder=str(where.data))
    async with AsyncExitStack() as stack:
        endpoints, installed = await stack.enter_async_context(
            open_engine(where, bootstrap, need=need, say=say, rehearsal=rehearsal)
        )
        ledger = await open_ledger(endpoints.database_url, installed.id, writing=False)
        stack.push_async_callback(ledger.close)
        engine_client: EngineClient | None = None
        if need != "ledger":
            from workflows.client import TemporalClient, open_client  # noqa: PLC0415 - readers must not pay for it

            client = await stack.enter_async_context(open_client(endpoints.temporal or "", endpoints.namespace))
            engine_client = TemporalClient(client)
        yield Session.of(where, endpoints, installed, ledger, engine_client)
        engine_client = None
