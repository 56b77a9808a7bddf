"""The board's lines: what was kept up event by event is what a rebuild from the ledger gives."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from engine_help import CITY, open_cycle, submit, units
from speech import RULES

from cli.session import Session
from projections import board_table, cursors
from projections.board_table import Board
from projections.stream_states import without_cycle_collector


async def _lines(board: Board) -> list[dict[str, Any]]:
    await board.catch_up()
    return await board.lines()


async def test_a_rebuild_gives_what_was_kept_up(app: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    members = units(3)
    board = Board(app.ledger, app.texts)
    streams = [await open_cycle(app, RULES, members=members) for _ in range(2)]
    for stream in streams:
        await submit(app, stream, CITY, "present-draft", {"kind": "covenant", "document": {"title": "Giao ước"}})
    await _lines(board)
    kept_up: list[dict[str, Any]] = []
    for member in members:
        signed = [await submit(app, stream, member, "sign", {"unit": member}) for stream in streams]
        await _lines(board)
        (version,) = signed[0].outcomes[0].versions
        await submit(app, streams[0], member, "correct", {"version": version, "reason": "Ký nhầm bản"})
        kept_up = await _lines(board)
    assert [line["duties_done"].get("signature", 0) for line in kept_up if line["cycle"] in streams] in ([0, 3], [3, 0])
    # Pages of one event and of all: a correction comes with what it corrects, and long after it.
    for size in (1, 4, 20_000):
        monkeypatch.setattr(board_table, "REBUILD_PAGE", size)
        fresh = Board(app.ledger, app.texts)
        await fresh.forget()
        assert await _lines(fresh) == kept_up


async def test_only_the_first_reader_waits_for_lines_that_nobody_computes(
    app: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board(app.ledger, app.texts)
    await open_cycle(app, RULES, members=units(2))
    last = await board.catch_up()
    assert await board.wait_until_reached(last)
    monkeypatch.setattr(cursors, "WAIT_S", 0.0)
    assert not await board.wait_until_reached(last + 1)
    monkeypatch.setattr(cursors, "WAIT_S", 3600.0)
    async with asyncio.timeout(30):
        assert not await board.wait_until_reached(last + 1)
        await open_cycle(app, RULES, members=units(2))
        last = await board.catch_up()
        assert await board.wait_until_reached(last)
        # The lines have moved on, so the next reader waits again.
        waiting = asyncio.create_task(board.wait_until_reached(last + 1))
        await open_cycle(app, RULES, members=units(2))
        await board.catch_up()
        assert await waiting


def test_the_collector_comes_back_whatever_happens() -> None:
    def fail() -> None:
        with without_cycle_collector():
            assert not gc.isenabled()
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert gc.isenabled()
