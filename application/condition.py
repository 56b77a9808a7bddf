"""The condition of an installation, as its operator watches it: measured once for pages, command line and metrics.

Each figure is a fact about the database, the files or the parts that this process reaches. What cannot be measured is
None, and the others are measured all the same. What a figure means, and from when on it is bad, is in `judgement`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from accounts.figures import AccountFigures, account_figures
from application.metrics import program_version
from domain.codec import UnknownEventError
from domain.installation import POST_STREAM, STREAM
from domain.law import LAW
from domain.post import DigestFailed, NoticeFailed, NoticeSkipped, cursor
from errors import InputError
from ledger.connection import DATABASE_ERRORS, is_lost
from ledger.figures import LedgerFigures, ledger_figures, recorded_after, recorded_today
from ledger.mapping import to_envelope
from ledger.postgres import PostgresLedger
from local.last_backup import LAST_BACKUP, LastBackup, last_backup
from local.paths import DATA_DISK, DATABASE_DISK
from projections import board_table, search
from projections.cursors import positions

DISKS: Mapping[str, str] = {"data": DATA_DISK, "database": DATABASE_DISK}
"""The settings of disks, by what lies there."""

MEASURED_S = 4.0
"""Deadline of what the database is asked."""

_NOT_SENT = (NoticeFailed.NAME, DigestFailed.NAME, NoticeSkipped.NAME)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Disk:
    """Free and total space, in bytes, of the disk on which something lies."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far something is behind the ledger: events, and since when the first of them stands there."""

    events: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class SystemCondition:
    """What was measured. Seconds and days are floats, space is in bytes.

    `parts`: whether each part answers, as far as it was asked. `clock_ahead_s`: by how much this machine's clock is
    ahead of the database's. `lags`: of the projections "board" and "search", of "accounts" and of the "post".
    `not_sent`: notices of the last 24 hours that could not be mailed. `backup` is None where nothing tells of backups.
    """

    at: datetime
    parts: Mapping[str, bool]
    disks: Mapping[str, Disk]
    certificate_days: float | None
    backup: LastBackup | None = None
    ledger: LedgerFigures | None = None
    accounts: AccountFigures | None = None
    lags: Mapping[str, Lag] = field(default_factory=dict)
    not_sent: int | None = None
    clock_ahead_s: float | None = None
    version: str = field(default_factory=program_version)
    law: int = LAW


Asked = Mapping[str, Callable[[], Awaitable[bool]]]
"""For each part that can be asked whether it answers, the question."""

Ends = Callable[[], datetime | None]


async def measured(
    ledger: PostgresLedger | None, asked: Asked, certificates_end: Ends | None, env: Mapping[str, str] = os.environ
) -> SystemCondition:
    """Measure an installation.

    Args:
        ledger: None where no database can be reached.
        asked: parts to ask, beside the database.
        certificates_end: tells when those end that this process shows to the engine; None without any.
        env: names the folders of `DISKS`, and the note of the last backup.
    """
    names, questions = list(asked), [one() for one in asked.values()]
    answers: Sequence[Any]
    figures, answers = await asyncio.gather(_figures(ledger), asyncio.gather(*questions, return_exceptions=True))
    parts = {name: answer is True for name, answer in zip(names, answers, strict=True)}
    found = SystemCondition(
        at=datetime.now(UTC),
        parts=parts,
        disks=_disks(env),
        certificate_days=await asyncio.to_thread(_days_left, certificates_end),
        backup=last_backup(Path(note)) if (note := env.get(LAST_BACKUP)) else None,
    )
    if ledger is None:
        return found
    if figures is None:
        return replace(found, parts={"postgresql": False, **parts})
    return replace(found, parts={"postgresql": True, **parts}, **figures)


async def _figures(ledger: PostgresLedger | None) -> dict[str, Any] | None:
    """Measure what the database knows; None where it does not answer, or there is none."""
    try:
        return await _of_database(ledger) if ledger is not None else None
    except DATABASE_ERRORS as error:
        if not is_lost(error):
            log.exception("not measured")
        return None


async def _of_database(ledger: PostgresLedger) -> dict[str, Any]:
    """Measure what the database knows.

    Raises:
        OSError, asyncpg.PostgresError: it does not answer, or not in time.
    """
    async with asyncio.timeout(MEASURED_S):
        begun, local = time.monotonic(), datetime.now(UTC)
        own = await ledger_figures(ledger.pool)
        halfway = (time.monotonic() - begun) / 2
        accounts = await account_figures(ledger.pool)
        return {
            "ledger": own,
            "accounts": accounts,
            "lags": await _lags(ledger, own, accounts),
            "not_sent": await recorded_today(ledger.pool, POST_STREAM, _NOT_SENT),
            "clock_ahead_s": (local - own.now).total_seconds() + halfway,
        }


async def _lags(ledger: PostgresLedger, own: LedgerFigures, accounts: AccountFigures) -> dict[str, Lag]:
    found = {}
    for name, position in (await positions(ledger.pool, (board_table.NAME, search.NAME))).items():
        found[name] = Lag(max(0, own.position - position), await recorded_after(ledger.pool, position))
    behind = max(0, (own.own_version or 0) - accounts.followed)
    found["accounts"] = Lag(behind, await _recorded_at(ledger, accounts.followed + 1) if behind else None)
    read = await _read_by_post(ledger)
    since = await recorded_after(ledger.pool, read, but=POST_STREAM)
    found["post"] = Lag(max(0, own.position - read) if since else 0, since)
    return found


async def _recorded_at(ledger: PostgresLedger, version: int) -> datetime | None:
    row = await ledger.row(STREAM, version)
    return row.recorded_at if row is not None else None


async def _read_by_post(ledger: PostgresLedger) -> int:
    """Return up to which position the post has read, as its last event says; 0 where it says nothing."""
    last = await ledger.last(POST_STREAM)
    try:
        return cursor(to_envelope(last)) if last is not None else 0
    except (UnknownEventError, ValueError):  # the post itself looks further back
        return 0


def _disks(env: Mapping[str, str]) -> dict[str, Disk]:
    found = {}
    for name, setting in DISKS.items():
        if folder := env.get(setting):
            try:
                usage = shutil.disk_usage(Path(folder))
            except OSError:
                continue
            found[name] = Disk(usage.free, usage.total)
    return found


def _days_left(certificates_end: Ends | None) -> float | None:
    """Return for how many days the certificates still hold, with their fractions; None where there are none to read."""
    try:
        last = certificates_end() if certificates_end is not None else None
    except InputError:
        return None
    return None if last is None else (last - datetime.now(UTC)).total_seconds() / 86_400


def seconds_since(since: datetime | None, condition: SystemCondition) -> float:
    """How long ago something was recorded, by the database's clock; 0 where there is nothing."""
    if since is None or condition.ledger is None:
        return 0.0
    return max(0.0, (condition.ledger.now - since).total_seconds())
