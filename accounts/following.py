"""Brings the accounts' tables after the events of the installation's stream: the event is the record, tables follow.

Every process that records administration follows at once, and the worker follows again and again. So what a process
left undone that died after the event is done by the next one. A step may be repeated: the version up to which the
tables have followed changes in the same transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from accounts.logins import end_all_access, end_logins, end_logins_and_tokens, void_codes, void_links
from accounts.stand_ins import StandIn, end_stand_ins, store_stand_in
from domain.administration import (
    AccountClosed,
    AccountKindChanged,
    AccountMade,
    AccountOpened,
    CodesRemoved,
    InvitedToAccount,
    LastDaySet,
    LoginReset,
    StandInEnded,
    StandInNamed,
)
from domain.installation import STREAM
from domain.records import Event, EventEnvelope
from i18n import installation_language
from ledger.connection import Connection, Pool
from ledger.mapping import to_envelope
from ledger.protocol import Ledger, load_all


async def follow(pool: Pool, ledger: Ledger) -> int:
    """Carry out what the ledger records and the tables do not show yet; return the version that they show now."""
    followed: int = await pool.fetchval("select version from accounts.followed")
    # Loaded before the transaction: who waits for the lock must hold no other connection that is needed for it.
    rows = await load_all(ledger, STREAM, followed)
    if not rows:
        return followed
    async with pool.acquire() as connection, connection.transaction():
        followed = await connection.fetchval("select version from accounts.followed for update")
        for row in rows:
            if row.version > followed and row.type in _STEPS:
                await carry_out(connection, to_envelope(row), row.recorded_at)
        await connection.execute("update accounts.followed set version = $1 where version < $1", rows[-1].version)
    return rows[-1].version


async def carry_out(connection: Connection, envelope: EventEnvelope[Event], at: datetime) -> None:
    """Bring the tables after one event, which was recorded `at`. An event that concerns no table changes nothing."""
    if (step := _STEPS.get(envelope.event.NAME)) is not None:
        await step(connection, envelope, at)


async def _make(connection: Connection, envelope: EventEnvelope[AccountMade], at: datetime) -> None:
    """Make the account, in the installation's language until the person chooses one.

    Where the vault has lost the person, nothing is made; no person could be invited.
    """
    event = envelope.event
    await connection.execute(
        "insert into accounts.account (person, kind, administrator, until, language, made_at) "
        "select id, $2, $3, $4, $5, $6 from vault.person where id = $1 "
        "on conflict (person) do update set kind = $2, administrator = $3, until = $4, disabled_at = null",
        event.person,
        event.kind,
        event.administrator,
        event.until,
        installation_language(),
        at,
    )


async def _void_links(connection: Connection, envelope: EventEnvelope[InvitedToAccount], _at: datetime) -> None:
    await void_links(connection, envelope.event.person)


async def _close(connection: Connection, envelope: EventEnvelope[AccountClosed], at: datetime) -> None:
    """Closing ends logins, tokens, calendar and links."""
    await connection.execute(
        "update accounts.account set disabled_at = $2 where person = $1", envelope.event.person, at
    )
    await end_all_access(connection, envelope.event.person)


async def _open(connection: Connection, envelope: EventEnvelope[AccountOpened], _at: datetime) -> None:
    await connection.execute("update accounts.account set disabled_at = null where person = $1", envelope.event.person)


async def _set_last_day(connection: Connection, envelope: EventEnvelope[LastDaySet], _at: datetime) -> None:
    event = envelope.event
    await connection.execute("update accounts.account set until = $2 where person = $1", event.person, event.until)


async def _change_kind(connection: Connection, envelope: EventEnvelope[AccountKindChanged], _at: datetime) -> None:
    event = envelope.event
    await connection.execute(
        "update accounts.account set kind = $2, administrator = $3 where person = $1",
        event.person,
        event.kind,
        event.administrator,
    )
    await end_logins_and_tokens(connection, event.person)


async def _reset(connection: Connection, envelope: EventEnvelope[LoginReset], _at: datetime) -> None:
    """Make password and codes void, end all access, forget known devices."""
    person = envelope.event.person
    await connection.execute("update accounts.account set password = null where person = $1", person)
    await void_codes(connection, person)
    await connection.execute("delete from accounts.known_source where person = $1", person)
    await end_all_access(connection, person)


async def _remove_codes(connection: Connection, envelope: EventEnvelope[CodesRemoved], _at: datetime) -> None:
    await void_codes(connection, envelope.event.person)
    await end_logins(connection, envelope.event.person)


async def _name_stand_in(connection: Connection, envelope: EventEnvelope[StandInNamed], _at: datetime) -> None:
    event = envelope.event
    named = StandIn(event.person, event.for_person, event.since, event.until, envelope.meta.actor)
    await store_stand_in(connection, named)


async def _end_stand_in(connection: Connection, envelope: EventEnvelope[StandInEnded], _at: datetime) -> None:
    await end_stand_ins(connection, envelope.event.person, envelope.event.for_person)


_STEPS: Mapping[str, Callable[[Connection, EventEnvelope[Any], datetime], Awaitable[None]]] = {
    AccountMade.NAME: _make,
    InvitedToAccount.NAME: _void_links,
    AccountClosed.NAME: _close,
    AccountOpened.NAME: _open,
    LastDaySet.NAME: _set_last_day,
    AccountKindChanged.NAME: _change_kind,
    LoginReset.NAME: _reset,
    CodesRemoved.NAME: _remove_codes,
    StandInNamed.NAME: _name_stand_in,
    StandInEnded.NAME: _end_stand_in,
}
