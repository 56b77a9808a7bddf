"""What the worker repeats: after appends, at once but not too often; errors end nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from conftest import eventually
from engine_help import CITY, open_cycle, submit, units
from speech import RULES

import application.upkeep
from application.upkeep import Upkeep
from cli.session import Session
from errors import InputError


async def present(app: Session, stream: str, number: int) -> None:
    """Enter an act that is another one each time."""
    fields = {"kind": "covenant", "document": {"title": f"Giao ước {number}"}}
    await submit(app, stream, CITY, "present-draft", fields)


def upkeep_of(app: Session) -> Upkeep:
    return Upkeep(app.ledger, lambda error: isinstance(error, ConnectionError), (InputError,))


class Counted:
    """Work that counts its runs; those that are named raise an error."""

    def __init__(self, *errors: Exception | None) -> None:
        self.runs, self._errors = 0, list(errors)

    async def __call__(self) -> None:
        self.runs += 1
        if self._errors and (error := self._errors.pop(0)) is not None:
            raise error

    def reached(self, count: int) -> Callable[[], Awaitable[bool]]:
        async def reached() -> bool:
            return self.runs >= count

        return reached


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application.upkeep, "AWAY_S", 0.01)
    monkeypatch.setattr(application.upkeep, "POLL_S", 600.0)


async def test_an_append_starts_the_work_and_many_in_the_pause_start_it_once(app: Session) -> None:
    stream = await open_cycle(app, RULES, members=units(2))
    at_once, rarely = Counted(), Counted()
    upkeep = upkeep_of(app)
    upkeep.after_appends(0.0, "at once", at_once)
    upkeep.after_appends(0.5, "rarely", rarely)
    async with upkeep.running():
        await eventually(at_once.reached(1))  # for what was appended before
        await eventually(rarely.reached(1))
        before = at_once.runs, rarely.runs
        for number in range(4):
            more = at_once.runs + 1
            await present(app, stream, number)
            await eventually(at_once.reached(more))
        await eventually(rarely.reached(before[1] + 1))
        assert rarely.runs - before[1] < at_once.runs - before[0]
    runs = at_once.runs
    await present(app, stream, 4)
    assert at_once.runs == runs, "nothing is repeated after the context"


async def test_what_follows_looks_also_when_no_notice_comes(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def deaf(_told: Callable[[], None]):  # type: ignore[no-untyped-def]
        yield asyncio.Event()

    monkeypatch.setattr(app.ledger, "notices", deaf)
    monkeypatch.setattr(application.upkeep, "POLL_S", 0.01)
    work = Counted()
    upkeep = upkeep_of(app)
    upkeep.after_appends(0.0, "work", work)
    async with upkeep.running():
        await eventually(work.reached(3))


async def test_an_error_ends_neither_the_work_nor_another_and_what_is_away_is_tried_soon(app: Session) -> None:
    failing = Counted(ValueError("unknown"), InputError("no_address"), ConnectionError(), None)
    away = Counted(None, ConnectionError(), ConnectionError())
    upkeep = upkeep_of(app)
    upkeep.every(0.0, "failing", failing)
    upkeep.every(600.0, "away", away, first_s=0.0)
    rarely = Counted()
    upkeep.every(600.0, "rarely", rarely)
    async with upkeep.running():
        await eventually(failing.reached(6))
        await eventually(away.reached(1))
    assert away.runs == 1, "it did its work, and pauses"
    assert rarely.runs == 0, "the pause comes first"

    upkeep = upkeep_of(app)
    away = Counted(ConnectionError(), ConnectionError(), None)
    upkeep.every(600.0, "away", away, first_s=0.0)
    async with upkeep.running():
        await eventually(away.reached(3))
