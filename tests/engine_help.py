"""Opens cycles and submits commands in engine tests, as the command line does."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from application.application import CommandInput
from application.gate import at_command_line
from audit.verify import verify
from cli.session import Session
from domain.rules import Edition
from domain.streams import cycle_stream, folded
from domain.times import start_of
from local.installation import Installation
from vault.persons import Contact
from workflows.messages import TASK_QUEUE

CITY = "mttq-hanoi"
YEAR = 2026


def units(count: int) -> list[str]:
    return [f"don-vi-{n}" for n in range(1, count + 1)]


def unit_name(unit: str) -> str:
    """The name of a unit of the tests: never its id, so that a page that shows an id is noticed."""
    return unit.replace("don-vi-", "Đơn vị ").replace("-", " ").capitalize()


def queue_of(installed: Installation) -> str:
    """The task queue of a test's own worker."""
    return f"{TASK_QUEUE}-{installed.id}"


async def copy_database(owner_url: str, of: str) -> None:
    """Make a database as a copy of another one, to which nobody is connected."""
    server, _slash, name = owner_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'create database "{name}" template "{of}" strategy file_copy')
    await connection.close()


async def drop_database(owner_url: str) -> None:
    """Drop a database: what hundreds of tests leave would fill the memory in which `make test` may keep them."""
    server, _slash, name = owner_url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f'drop database if exists "{name}" with (force)')
    await connection.close()


async def open_cycle(
    app: Session,
    rules: Edition,
    *,
    members: list[str],
    clock: str = "stepped",
    cluster: str | None = None,
    starts: Any = None,
) -> str:
    """Open one cycle by its own command and return its stream. Ids differ, so tests can share a Temporal server."""
    stream = cycle_stream(CITY, str(YEAR), cluster or f"cum-{uuid4().hex[:8]}")
    digest = await app.texts.put_edition(rules.model_dump_json())
    fields = {
        "organiser": CITY,
        "organiser_name": "Thành phố",
        "cluster_name": "Cụm",
        "year": YEAR,
        "edition": digest,
        "units": [{"id": unit, "name": unit_name(unit)} for unit in members],
        "clock": clock,
        "starts": (starts or start_of(date(YEAR, 1, 1))).isoformat(),
    }
    await submit(app, stream, CITY, "open-cycle", fields)
    return stream


async def enter_staff(app: Session, unit: str, number: int = 1) -> Contact:
    return await app.people.enter(f"cb-{unit}-{number}", unit, f"Cán bộ {number}", email=f"cb-{unit}@example.invalid")


async def submit(
    app: Session,
    stream: str,
    unit: str,
    act: str,
    fields: dict[str, Any],
    *,
    number: int = 1,
    command: UUID | None = None,
) -> Any:
    """Submit a command of a unit's officer; return the receipt when the engine, too, has done with it."""
    command_input = CommandInput(stream, act, fields, command or uuid4())
    receipt = await app.submit(stream, at_command_line(await enter_staff(app, unit, number)), [command_input])
    await app.answers.settle(20)
    return receipt


async def event_names(app: Session, stream: str) -> list[str]:
    return [row.type for row, _envelope in await app.history(stream)]


async def state_of(app: Session, stream: str) -> Any:
    found = folded(stream)
    found.fold(envelope for _row, envelope in await app.history(stream))
    return found.state


async def assert_ledger_verifies(app: Session) -> None:
    """Assert that the verification of the ledger finds no problem."""
    report = await verify(app.ledger, app.edition, app.installed.id, app.ledger.epoch)
    assert report.problems == []
