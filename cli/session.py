"""An installation as a command opens it: the engine as far as it is needed, and an office in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from desk import Desk
from documents.postgres import Texts
from eventstore.postgres import PostgresLedger, open_ledger
from eventstore.signing import Signer
from local.engine import Endpoints, Need, engine
from local.installation import Installation
from local.places import Places, places
from office.founding import founding
from office.office import Office
from people.postgres import People


@dataclass(slots=True)
class Session(Office):
    """An office that knows its machine."""

    places: Places
    endpoints: Endpoints
    installed: Installation

    @classmethod
    def of(
        cls, places: Places, endpoints: Endpoints, installed: Installation, ledger: PostgresLedger, desk: Desk | None
    ) -> Session:
        """An office of this installation."""
        signer = Signer(installed.id, ledger.epoch, installed.key, installed.private)
        texts, people = Texts(ledger.pool), People(ledger.pool)
        return cls(signer, installed.rehearsal, ledger, texts, people, desk, places, endpoints, installed)


@asynccontextmanager
async def session(need: Need, say: Callable[[str], None], *, rehearsal: bool = False) -> AsyncIterator[Session]:
    """Open the installation of this environment.

    Raises:
        EngineUnavailableError, UnreachableError, OSError
    """
    where = places()
    async with AsyncExitStack() as stack:
        endpoints, installed = await stack.enter_async_context(
            engine(where, founding, need=need, say=say, rehearsal=rehearsal)
        )
        ledger = await open_ledger(endpoints.database_url, installed.id, writing=False)
        stack.push_async_callback(ledger.close)
        desk: Desk | None = None
        if need != "ledger":
            from desk.temporal import TemporalDesk, open_client  # noqa: PLC0415 - readers must not pay for it

            client = await stack.enter_async_context(open_client(endpoints.temporal or "", endpoints.namespace))
            desk = TemporalDesk(client)
        yield Session.of(where, endpoints, installed, ledger, desk)
        desk = None
