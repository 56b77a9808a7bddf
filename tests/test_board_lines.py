"""The board's pages: joined they are the whole list, whatever the filters; what is not shown is not read."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from board_help import CODES, NAMES, NOW, ORGANISERS, STEPS, made_up_lines, write_lines

from cli.session import Session
from i18n.sorting import alphabetical, folded
from ledger.paging import ALL_ROWS, Paged, PageRequest
from projections.board import glance
from projections.board_lines import BoardLines, BoardMatter, DeviationFilter, LateFilter, LateState, LineFilter
from projections.board_table import OWN_TABLES, Board, DeviationState
from projections.home_lines import HomeLines, TaskQuery

Line = dict[str, Any]
YEARS = (2024, 2025, 2026)
LATE_STATES: tuple[LateState, ...] = ("reminded", "not-reminded", "asked", "silent")
STATES: tuple[DeviationState, ...] = ("open", "acknowledged", "settled")
CODE_NAMES = {"head_nominated": "cum truong", "late_signature": "ky muon"}


def _in_order(lines: list[Line]) -> list[Line]:
    by_name = sorted(lines, key=lambda line: (alphabetical(line["cluster"]), str(line["cycle"])))
    return sorted(by_name, key=lambda line: str(line["cycle"]).split("/")[1], reverse=True)


def _fits(line: Line, wanted: LineFilter) -> bool:
    """The filters of the board as rules in Python: what SQL has to find."""
    organiser, year, _cluster = line["cycle"].split("/")
    matters: dict[BoardMatter | None, bool] = {
        None: True,
        "late": bool(glance(line, NOW).overdue),
        "asked": bool(line["extensions_asked"]),
        "escalated": bool(line["escalations"]),
        "deviating": bool(line["deviations"]["open"]),
        "open": line["filed"] is None,
    }
    return (
        wanted.organiser in {None, organiser}
        and wanted.year in {None, year}
        and wanted.step in {None, line["step"]}
        and wanted.words in folded(f"{line['cluster']} {line['cycle']}")
        and matters[wanted.matter]
    )


async def _joined(page: Callable[[PageRequest], Awaitable[Paged[Any]]], size: int) -> list[Any]:
    """All pages of a list one after another, and the count that each of them names."""
    found = await page(PageRequest(1, size))
    rows = [*found.rows]
    while found.next is not None:
        assert len(found.rows) == size
        total = found.total
        found = await page(PageRequest(found.next, size))
        assert found.total == total
        rows.extend(found.rows)
    assert len(rows) == found.total
    return rows


def _as_stored(lines: list[Line]) -> list[Line]:
    """Lines without what has tables of its own, such as their deviations, and with whether another has their name."""

    def has_namesake(line: Line) -> bool:
        return any(
            one["cluster"] == line["cluster"] and one["cycle"].split("/")[0] != line["cycle"].split("/")[0]
            for one in lines
        )

    return [
        {
            **{name: value for name, value in line.items() if name not in OWN_TABLES},
            "namesake": has_namesake(line),
        }
        for line in lines
    ]


async def test_pages_joined_are_the_whole_list_for_random_filters(app: Session) -> None:
    lines = made_up_lines(1, 9, YEARS)
    await write_lines(app.ledger.pool, lines)
    board, seen, stored = BoardLines(app.ledger.pool), [0, 0, 0, 0], _as_stored(lines)
    dice = random.Random(2)  # noqa: S311 - data of a test
    for _ in range(60):
        organiser, year = dice.choice([None, *ORGANISERS]), dice.choice([None, None, "2025", "1999"])
        size = dice.choice([1, 4, 50])
        words = dice.choice(["", "", "dong da", "cum-1", folded(dice.choice(NAMES)), "khong co"])
        step = dice.choice([None, None, *STEPS])
        matter: BoardMatter | None = dice.choice([None, "late", "asked", "escalated", "deviating", "open"])
        wanted = LineFilter(organiser, year, step, matter, words)
        whole = [line for line in _in_order(stored) if _fits(line, wanted)]
        assert await _joined(lambda asked, wanted=wanted: board.board_page(wanted, NOW, asked), size) == whole  # type: ignore[misc]
        seen[0] += len(whole)

        duty, became = dice.choice([None, None, "signature", "stance"]), dice.choice([None, None, *LATE_STATES])
        overdue = LateFilter(organiser, year, duty, became, words)
        late = [
            (line, owed)
            for line in _in_order(stored)
            if _fits(line, LineFilter(organiser, year, words=words))
            for owed in glance(line, NOW).overdue
            if _is_late_so(line, owed, overdue)
        ]
        found = await _joined(lambda asked, o=overdue: board.late_page(o, NOW, asked), size)  # type: ignore[misc]
        assert found == late
        assert await board.count_late_units(overdue, NOW) == len({owed["unit"] for _line, owed in late})
        seen[1] += len(late)

        state = dice.choice([None, *STATES])
        sought = DeviationFilter(
            organiser, year, state, dice.choice(["", "ky muon", "phuong 3", "unknown"]), CODE_NAMES
        )
        found = await _joined(lambda asked, s=sought: board.deviations_page(s, asked), size)  # type: ignore[misc]
        assert [(one.cycle, one.found["key"]) for one in found] == [*_deviating(lines, sought)]
        seen[2] += len(found)

        unit = f"don-vi-{dice.randrange(8)}"
        found = await _joined(lambda asked, u=unit: board.tasks_page(u, asked), size)  # type: ignore[misc]
        assert found == _tasks(stored, unit)
        seen[3] += len(found)
    assert min(seen) > 40, seen


def _is_late_so(line: Line, owed: Line, wanted: LateFilter) -> bool:
    reminded = any(owed["unit"] in one["units"] and one["duty"] == owed["duty"] for one in line["chased"])
    asked = any((one["unit"], one["duty"]) == (owed["unit"], owed["duty"]) for one in line["extensions_asked"])
    states: dict[LateState | None, bool] = {
        None: True,
        "reminded": reminded,
        "not-reminded": not reminded,
        "asked": asked,
        "silent": not asked,
    }
    return wanted.duty in {None, owed["duty"]} and states[wanted.state]


def _deviating(lines: list[Line], sought: DeviationFilter) -> Iterator[tuple[str, str]]:
    for line in [one for one in _in_order(lines) if _fits(one, LineFilter(sought.organiser, sought.year))]:
        for one in line["found"]:
            state = "settled" if one["settled"] else "acknowledged" if one["acknowledged"] else "open"
            about = line["names"].get(one["facts"].get("unit", ""), one["facts"].get("unit", ""))
            text = folded(f"{CODE_NAMES.get(one['code'], one['code'])} {about} {line['cluster']}")
            if sought.state in {None, state} and sought.words in text:
                yield line["cycle"], one["key"]


def _tasks(lines: list[Line], unit: str) -> list[tuple[Line, Any]]:
    found = [
        (line, owed)
        for line in sorted(lines, key=lambda line: (alphabetical(line["cluster"]), str(line["cycle"])))
        for owed in line["open"]
        if owed["unit"] == unit
    ]
    return sorted(
        found, key=lambda one: (one[1]["due"] is None, datetime.fromisoformat(one[1]["due"] or NOW.isoformat()))
    )


async def test_a_page_after_the_last_is_the_last_for_people_and_empty_for_programs(app: Session) -> None:
    await write_lines(app.ledger.pool, made_up_lines(3, 5, (2026,), ORGANISERS[:1]))
    board = BoardLines(app.ledger.pool)
    last = await board.board_page(LineFilter(), NOW, PageRequest(99, 2))
    assert (last.number, last.pages, last.total, len(last.rows), last.next, last.previous) == (3, 3, 5, 1, None, 2)
    after = await board.board_page(LineFilter(), NOW, PageRequest(99, 2, clamped=False))
    assert (after.number, after.total, after.rows, after.next, after.previous) == (99, 5, (), None, 3)
    nothing = await board.board_page(LineFilter(year="1999"), NOW, PageRequest(7, 2))
    assert (nothing.number, nothing.pages, nothing.total, nothing.first) == (1, 1, 0, 0)


async def test_a_rebuild_and_a_correction_leave_no_task_and_no_deviation_behind(app: Session) -> None:
    pool, board = app.ledger.pool, Board(app.ledger, app.texts)
    (line,) = made_up_lines(11, 1, (2026,), ORGANISERS[:1])
    task = {"unit": "don-vi-1", "duty": "stance", "subject": None, "due": None, "waits_for": [], "extended": False}
    await write_lines(pool, [{**line, "filed": None, "open": [{**task, "article": None}] * 3}])
    assert (await board.tasks_page("don-vi-1")).total == 3
    await write_lines(pool, [{**line, "open": [], "found": []}])
    assert (await board.tasks_page("don-vi-1")).total == 0
    assert await board.count_deviations(DeviationFilter()) == 0
    await write_lines(pool, [line])
    await board.forget()
    assert await pool.fetchval("select count(*) from projections.deviation") == 0


class Counted:
    """A pool that notes how many rows its queries fetch, and how many PostgreSQL looks at for them in tables."""

    def __init__(self, pool: Any) -> None:
        self._pool, self.fetched, self.looked_at = pool, 0, 0

    async def fetch(self, query: str, *arguments: Any) -> Any:
        (row,) = await self._pool.fetch(f"explain (analyze, format json) {query}", *arguments)
        self.looked_at += sum(_scanned(json.loads(row[0])[0]["Plan"]))
        rows = await self._pool.fetch(query, *arguments)
        self.fetched += len(rows)
        return rows

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        return await self._pool.fetchval(query, *arguments)


def _scanned(plan: dict[str, Any]) -> Iterator[int]:
    if "Relation Name" in plan:
        seen = (
            plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        )
        yield round(seen * plan["Actual Loops"])
    for part in plan.get("Plans", ()):
        yield from _scanned(part)


PAGES: dict[str, Callable[[BoardLines, PageRequest], Awaitable[Any]]] = {
    "board": lambda board, asked: board.board_page(LineFilter(ORGANISERS[1]), NOW, asked),
    "board of an auditor": lambda board, asked: board.board_page(LineFilter(), NOW, asked),
    "late units": lambda board, asked: board.late_page(LateFilter(ORGANISERS[1]), NOW, asked),
    "late units of an auditor": lambda board, asked: board.late_page(LateFilter(), NOW, asked),
    "tasks": lambda board, asked: board.tasks_page(ORGANISERS[1], asked),
    "deviations": lambda board, asked: board.deviations_page(DeviationFilter(ORGANISERS[1]), asked),
    "years": lambda board, _asked: board.years(),
}


HOME_PAGES: dict[str, Callable[[HomeLines, PageRequest], Awaitable[Any]]] = {
    "home: ready": lambda home, asked: home.tasks(TaskQuery(ORGANISERS[1], ready=True), asked, brief=True),
    "home: waits": lambda home, asked: home.tasks(TaskQuery(ORGANISERS[1], ready=False), asked, brief=True),
    "home: deviations": lambda home, asked: home.deviations(ORGANISERS[1], asked),
    "home: asking": lambda home, asked: home.asking(ORGANISERS[1], asked),
    "home: escalated": lambda home, asked: home.escalated(ORGANISERS[1], asked),
    "home: clusters": lambda home, asked: home.clusters(ORGANISERS[1], asked),
    "home: done": lambda home, _asked: home.done("don-vi-1", 5),
}


async def test_what_a_page_reads_does_not_grow_with_years_or_clusters(app: Session) -> None:
    """Rows that reach the process, and rows that PostgreSQL looks at: no more for ten years than for one."""
    pool, work = app.ledger.pool, dict[str, list[tuple[int, int]]]()
    for clusters, years in ((12, (2026,)), (60, tuple(range(2017, 2027)))):
        lines = made_up_lines(5, clusters, years)
        for line in lines:  # every cycle has tasks that are late, and deviations
            line["open"] = [
                *line["open"],
                *({**_late_task(), "unit": unit} for unit in (*line["members"], *ORGANISERS)),
                {**_late_task(), "unit": ORGANISERS[1], "waits_for": ["don-vi-1"]},
            ]
        await write_lines(pool, lines)
        async with pool.acquire() as connection:
            # The indexes must serve the order: tables of a test are so small that the planner may well sort them.
            await connection.execute("set enable_sort = off; set enable_seqscan = off; set enable_hashjoin = off")
            for name, read in PAGES.items():
                counted = Counted(connection)
                await read(BoardLines(counted), PageRequest(2, 5))  # type: ignore[arg-type]
                work.setdefault(name, []).append((counted.fetched, counted.looked_at))
            for name, read_home in HOME_PAGES.items():
                counted = Counted(connection)
                await read_home(HomeLines(counted), PageRequest(2, 5))  # type: ignore[arg-type]
                work.setdefault(name, []).append((counted.fetched, counted.looked_at))
            await connection.execute("reset all")
    few = {name: looked for name, (_first, (fetched, looked)) in work.items() if fetched <= 10 and looked <= 60}
    assert few.keys() == {**PAGES, **HOME_PAGES}.keys(), work


def _late_task() -> Line:
    return {
        "duty": "stance",
        "subject": None,
        "due": "2026-01-02T00:00:00+00:00",
        "waits_for": [],
        "extended": False,
        "article": None,
    }


@pytest.mark.parametrize(
    ("total", "asked", "shown"),
    [
        (0, PageRequest(3, 10), (1, 1, 0, 0)),
        (101, PageRequest(2, 50), (2, 3, 51, 100)),
        (101, PageRequest(3, 50), (3, 3, 101, 101)),
        (101, PageRequest(0, 50), (1, 3, 1, 50)),
        (101, ALL_ROWS, (1, 1, 1, 101)),
    ],
)
def test_a_page_says_which_of_how_many_rows_it_has(total: int, asked: PageRequest, shown: tuple[int, ...]) -> None:
    found = Paged.of(range(total), asked)
    assert (found.number, found.pages, found.first, found.last) == shown
    assert set(CODES) - set(CODE_NAMES) == {"unknown-code"}
