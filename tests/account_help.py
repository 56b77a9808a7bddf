"""Accounts of tests: made and changed as the operator of the machine does, or in the tables alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from accounts.following import carry_out
from accounts.logins import today
from cli.session import Session
from domain.administration import AccountKind, AccountMade, CloseAccount, MakeAccount
from domain.records import Event, EventEnvelope, Meta
from domain.times import When
from domain.types import Provenance
from ledger.connection import Pool


async def make_account(
    app: Session, person: str, kind: AccountKind = "staff", *, administrator: bool = False, until: date | None = None
) -> None:
    """An account of a person who is entered. An auditor without a last day gets one in a year."""
    until = until or (today() + timedelta(days=365) if kind == "auditor" else None)
    await app.administer(MakeAccount(person=person, kind=kind, administrator=administrator, until=until))


async def close_account(app: Session, person: str) -> None:
    await app.administer(CloseAccount(person=person))


async def in_tables(pool: Pool, event: Event, by: str = "thu-ky") -> None:
    """What the tables make of an event, for tests that have no ledger to record it in."""
    now = datetime.now(UTC)
    meta = Meta(1, by, "", When.at(now), Provenance(kind="stated"), uuid4())
    async with pool.acquire() as connection, connection.transaction():
        await carry_out(connection, EventEnvelope(event, meta), now)


async def account_in_tables(pool: Pool, person: str, kind: AccountKind = "staff") -> None:
    await in_tables(pool, AccountMade(person=person, kind=kind, administrator=False, until=None))
