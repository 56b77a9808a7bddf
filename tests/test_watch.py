"""The watch of the database: it goes on past any error, and no connection is left that nobody has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from conftest import eventually
from structlog.testing import capture_logs

from ledger import watch as module
from ledger.watch import DatabaseWatch


class Connection:
    """What the watch uses of a connection."""

    def __init__(self, *questions: Exception | None) -> None:
        self.questions, self.closed, self.asked = list(questions), False, 0

    async def fetchval(self, _statement: str) -> int:
        self.asked += 1
        if self.questions and (error := self.questions.pop(0)) is not None:
            raise error
        return 1

    def terminate(self) -> None:
        self.closed = True


def opens(monkeypatch: pytest.MonkeyPatch, opening: Callable[..., Awaitable[Any]]) -> None:
    monkeypatch.setattr(module, "open_connection", opening)


async def test_any_error_of_a_question_is_logged_and_the_next_one_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = [Connection(TimeoutError()), Connection(ValueError("not understood")), Connection()]
    opened = list[Connection]()

    async def opening(*_arguments: Any, **_options: Any) -> Connection:
        opened.append(connections[len(opened)])
        return opened[-1]

    opens(monkeypatch, opening)
    watch = DatabaseWatch("", ask_s=0)
    with capture_logs() as logs:
        async with watch.running():
            await eventually(lambda: _true(connections[2].asked))
    assert [one.closed for one in connections] == [True, True, True]
    assert not watch.away
    assert [(one["log_level"], one["event"]) for one in logs] == [
        ("warning", "the database does not answer"),
        ("error", "our bug"),
        ("info", "the database answers again"),
    ]


async def test_a_connection_that_is_opened_as_the_database_goes_is_not_given_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch, connection = DatabaseWatch(""), Connection()

    async def opening(*_arguments: Any, **_options: Any) -> Connection:
        asyncio.get_running_loop().call_soon(watch._cut)
        return connection

    opens(monkeypatch, opening)
    with pytest.raises(ConnectionError):
        await watch.connect()
    assert connection.closed


async def test_a_cancelled_caller_leaves_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cancelled when the connection is open already, and before it gets it."""
    watch, connection = DatabaseWatch(""), Connection()
    callers = list[asyncio.Task[Any]]()

    async def opening(*_arguments: Any, **_options: Any) -> Connection:
        asyncio.get_running_loop().call_soon(callers[0].cancel)
        return connection

    opens(monkeypatch, opening)
    callers.append(asyncio.create_task(watch.connect()))
    with pytest.raises(asyncio.CancelledError):
        await callers[0]
    await eventually(lambda: _true(connection.closed))


async def _true(found: object) -> bool:
    return bool(found)
