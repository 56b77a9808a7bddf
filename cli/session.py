"""An installation as a command opens it: the engine as far as it is needed, and an office in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.outcome import on_its_way, refused
from desk import Desk, RefusedError
from documents.postgres import Texts
from eventstore.postgres import PostgresLedger, open_ledger
from eventstore.signing import Order, Signer
from local.engine import Endpoints, Need, engine
from local.installation import Installation, is_founded
from local.places import Places, places
from office.fields import InputError
from office.founding import founding
from office.office import Office
from people.postgres import Contact, People

if TYPE_CHECKING:
    from activities.wire import Receipt


@dataclass(slots=True)
class Session(Office):
    """An office that knows its machine."""

    places: Places
    endpoints: Endpoints
    installed: Installation

    async def hand_over(
        self, stream: str, person: Contact, orders: Sequence[Order], *, strength: str, stand_in_for: str | None = None
    ) -> Receipt:
        """See `Office.hand_over`; from here on a Ctrl-C cannot say that nothing was entered."""
        on_its_way(str(orders[0].command_id))
        # Not `super()`: a dataclass with slots is another class than the one that this method was written in.
        try:
            return await Office.hand_over(self, stream, person, orders, strength=strength, stand_in_for=stand_in_for)
        except RefusedError:
            refused()
            raise

    @classmethod
    def of(
        cls, places: Places, endpoints: Endpoints, installed: Installation, ledger: PostgresLedger, desk: Desk | None
    ) -> Session:
        """An office of this installation."""
        signer = Signer(installed.id, ledger.epoch, installed.key, installed.private)
        texts, people = Texts(ledger.pool), People(ledger.pool)
        return cls(signer, installed.rehearsal, ledger, texts, people, desk, places, endpoints, installed)


@asynccontextmanager
async def session(
    need: Need, say: Callable[[str], None], *, rehearsal: bool = False, founded: bool = False
) -> AsyncIterator[Session]:
    """Open the installation of this environment; found one where there is none, unless it must be `founded` already.

    Raises:
        EngineUnavailableError, UnreachableError, OSError
        InputError: there is none in the folder.
    """
    where = places()
    if founded and not is_founded(where.data):
        raise InputError("no_installation", folder=str(where.data))
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
