"""Work beside the event loop: bounded queues, bounded answers, and no answer of a child that is believed unseen."""

from __future__ import annotations

import asyncio
import threading

import pytest
from conftest import eventually
from pydantic import TypeAdapter

from application.work import Children, Threads, TooBusyError, WorkFailedError, WorkTooLongError
from resources import CHILD_ENVIRONMENT, ROOT

CHILD, NUMBERS = "strange_child", TypeAdapter(list[int])


@pytest.fixture(autouse=True)
def _child_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{CHILD_ENVIRONMENT.get('PYTHONPATH', '')}:{ROOT / 'tests'}"
    monkeypatch.setitem(CHILD_ENVIRONMENT, "PYTHONPATH", path)  # type: ignore[arg-type]


async def test_an_answer_of_the_shape_is_returned_and_no_other() -> None:
    children = Children()
    assert await children.run(CHILD, b"[1, 2]", NUMBERS, seconds=60) == [1, 2]
    for answer in (b"", b"no JSON", b"[1, [2]]", b"{}", b"[" * 100_000):
        with pytest.raises(WorkFailedError):
            await children.run(CHILD, answer, NUMBERS, seconds=60)


async def test_an_answer_without_an_end_is_cut_off() -> None:
    with pytest.raises(WorkFailedError) as found:
        await Children().run(CHILD, b"much", NUMBERS, seconds=60)
    assert not isinstance(found.value, WorkTooLongError)


async def test_a_child_that_takes_too_long_is_killed() -> None:
    with pytest.raises(WorkTooLongError):
        await Children().run(CHILD, b"sleep", NUMBERS, seconds=0.5)


async def test_the_wait_for_a_child_has_an_end_and_frees_its_place() -> None:
    children = Children(processes=1, waiting=1, wait_s=0.1)
    slow = asyncio.create_task(children.run(CHILD, b"sleep", NUMBERS, seconds=60))
    await asyncio.sleep(0)
    for _ in range(2):  # the second time the place must be free again
        with pytest.raises(TooBusyError):
            await children.run(CHILD, b"[1]", NUMBERS, seconds=60)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await children.run(CHILD, b"[1]", NUMBERS, seconds=60) == [1]
    assert children._taken == 0


async def test_so_many_pieces_of_work_wait_for_a_thread_and_no_more() -> None:
    threads, go = Threads("test", 1, 1), threading.Event()
    begun = threading.Event()

    def work() -> str:
        begun.set()
        assert go.wait(60)
        return "done"

    first = asyncio.create_task(threads.run(work))
    await eventually(lambda: _true(begun.is_set()))
    second = asyncio.create_task(threads.run(work))
    await asyncio.sleep(0)
    with pytest.raises(TooBusyError):
        await threads.run(work)
    first.cancel()  # its thread works on: its place is not free
    await asyncio.wait([first])
    with pytest.raises(TooBusyError):
        await threads.run(work)
    go.set()
    assert await second == "done"
    await eventually(lambda: _true(threads._taken == 0))
    assert await threads.run(work) == "done"


async def _true(found: object) -> bool:
    return bool(found)
