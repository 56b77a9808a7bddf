"""The tables of the board, one line for each cycle with its tasks and deviations, kept up to date with the ledger.

Cursor and lines change in one transaction, under the projection's lock. A reader may call `catch_up` before it reads:
then it sees what its own act has changed, also when no worker runs.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import structlog

from domain.dates import from_iso
from domain.duties import Duty
from domain.streams import is_cycle
from i18n.sorting import folded, natural_key
from ledger.connection import BOARD_LOCK, DATABASE_ERRORS, Connection
from ledger.events import RecordedEvent
from ledger.postgres import PostgresLedger
from projections import cursors
from projections.board import FAR_DAYS, line_of
from projections.board_lines import BoardLines, DeviationState
from projections.known_editions import KnownEditions
from projections.people import write_units
from projections.stream_states import StreamStates, without_cycle_collector
from vault.texts import Texts

log = structlog.get_logger()
NAME = "board"
WAIT_S = 1.0
"""Seconds that a page waits at most for what its visitor has just entered."""

PAGE = 2_000
"""Events that are read at once."""

REBUILD_PAGE = 20_000
"""The same for a rebuild: a line is computed once for each stream of a page, so larger pages compute fewer lines."""


_LINE = (
    "stream",
    "organiser",
    "year",
    "position",
    "line",
    "units",
    "filed",
    "cluster",
    "sort_key",
    "cycle_year",
    "words",
    "step",
    "rehearsed",
    "late_from",
    "asked",
    "escalated",
    "open_deviations",
    "heat",
    "version",
)
_WRITE_LINE = (
    f"insert into projections.board ({', '.join(_LINE)}) "  # noqa: S608 - ours
    f"values ({', '.join(f'${n}' for n in range(1, len(_LINE) + 1))}) on conflict (stream) do update "
    f"set {', '.join(f'{name} = excluded.{name}' for name in _LINE[1:])}"
)


def _units_of(line: dict[str, Any]) -> list[str]:
    """Return the units of a cycle, and its overseer as @person."""
    return [*line["names"], *([f"@{line['overseer']}"] if line["overseer"] else [])]


_ALWAYS = datetime.min.replace(tzinfo=UTC)
"""Before every deadline."""


def _dues(line: dict[str, Any]) -> list[datetime | None]:
    return [datetime.fromisoformat(owed["due"]) if owed["due"] else None for owed in line["open"]]


def _late_from(line: dict[str, Any]) -> list[datetime | None]:
    """Return for each open task from which real time on it is overdue; see `late_from` in projections/schema.sql."""
    dues = _dues(line)
    if not line["now"]:
        return dues
    now = datetime.fromisoformat(line["now"])
    return [_ALWAYS if due is not None and due <= now else None for due in dues]


OWN_TABLES = frozenset({"found", "done", "heat"})
"""Parts of a line that are not stored in it, but in tables or columns of their own."""


async def write_line(
    connection: Connection, stream: str, position: int, line: dict[str, Any], *, version: int = 0
) -> None:
    """Write a cycle's line in place of the one before, with its tasks and deviations. `OWN_TABLES` leave the line.

    `version`: that of the cycle's last event that the line knows.
    """
    whole, line = line, {name: value for name, value in line.items() if name not in OWN_TABLES}
    await _write_board(connection, stream, (position, version), line, whole["heat"])
    await _write_open_tasks(connection, stream, line)
    await _write_done_tasks(connection, stream, whole["done"])
    await _write_deviations(connection, stream, line, whole["found"])


async def _write_board(
    connection: Connection, stream: str, last: tuple[int, int], line: dict[str, Any], heat: list[dict[str, Any]]
) -> None:
    position, version = last
    organiser, year = stream.split("/")[:2]
    line["namesake"] = bool(
        await connection.fetchval(
            "select exists (select from projections.board where cluster = $1 and organiser <> $2)",
            line["cluster"],
            organiser,
        )
    )
    if line["namesake"]:
        await connection.execute(
            "update projections.board set line = jsonb_set(line, '{namesake}', 'true') "
            "where cluster = $1 and organiser <> $2 and not (line ->> 'namesake')::boolean",
            line["cluster"],
            organiser,
        )
    await connection.execute(
        _WRITE_LINE,
        stream,
        organiser,
        year,
        position,
        json.dumps(line, ensure_ascii=False),
        _units_of(line),
        line["filed"] is not None,
        line["cluster"],
        natural_key(line["cluster"]),
        line["year"],
        folded(f"{line['cluster']} {stream}"),
        line["step"],
        line["rehearsed"],
        min((since for since in _late_from(line) if since is not None), default=None),
        len(line["extensions_asked"]),
        len(line["escalations"]),
        line["deviations"]["open"],
        json.dumps(heat, ensure_ascii=False),
        version,
    )


async def _write_open_tasks(connection: Connection, stream: str, line: dict[str, Any]) -> None:
    organiser, year = stream.split("/")[:2]
    await connection.execute("delete from projections.open_task where stream = $1", stream)
    await connection.execute(
        "insert into projections.open_task "
        "(stream, number, organiser, year, unit, due, late_from, duty, ready, near_from, sort_key) "
        "select $1, t.number - 1, $2, $3, t.unit, t.due, t.late_from, t.duty, t.ready, t.near_from, $10 "
        "from unnest($4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::boolean[], $9::timestamptz[]) "
        "with ordinality t (unit, due, late_from, duty, ready, near_from, number)",
        stream,
        organiser,
        year,
        [owed["unit"] for owed in line["open"]],
        _dues(line),
        _late_from(line),
        [owed["duty"] for owed in line["open"]],
        _ready(line),
        _near_from(line),
        natural_key(line["cluster"]),
    )


def _near_from(line: dict[str, Any]) -> list[datetime | None]:
    """Return for each open task from which real time on it is not far: `near_from` in projections/schema.sql."""
    now = datetime.fromisoformat(line["now"]) if line["now"] else None
    return [_near(owed["duty"], due, now) for owed, due in zip(line["open"], _dues(line), strict=True)]


def _near(duty: str, due: datetime | None, now: datetime | None) -> datetime | None:
    if due is None or duty == Duty.MIDYEAR_ACCEPTANCE:
        return _ALWAYS
    near = due - FAR_DAYS
    if now is None:
        return near
    return _ALWAYS if near <= now else None


def _ready(line: dict[str, Any]) -> list[bool]:
    """Return for each open task whether its unit can do something about it now: `ready` in projections/schema.sql."""
    asked = {(one["unit"], one["duty"]) for one in line["extensions_asked"]}
    shut = {(unit, duty) for duty in line["closed"] for unit in line["members"]} & asked
    return [not owed["waits_for"] and (owed["unit"], owed["duty"]) not in shut for owed in line["open"]]


async def _write_done_tasks(connection: Connection, stream: str, done: dict[str, list[dict[str, Any]]]) -> None:
    await connection.execute("delete from projections.done_task where stream = $1", stream)
    await connection.execute(
        "insert into projections.done_task (stream, unit, latest, done) "
        "select $1, d.unit, d.latest, d.done "
        "from unnest($2::text[], $3::timestamptz[], $4::jsonb[]) d (unit, latest, done)",
        stream,
        list(done),
        [from_iso(tasks[0]["on"]).latest for tasks in done.values()],
        [json.dumps(tasks, ensure_ascii=False) for tasks in done.values()],
    )


async def _write_deviations(
    connection: Connection, stream: str, line: dict[str, Any], found: list[dict[str, Any]]
) -> None:
    organiser, year = stream.split("/")[:2]
    names = [line["names"].get(about, about) for about in map(_about, found)]
    await connection.execute("delete from projections.deviation where stream = $1", stream)
    await connection.execute(
        "insert into projections.deviation "
        "(stream, number, organiser, year, code, state, unit, words, found, waiting, sort_key) "
        "select $1, d.number - 1, $2, $3, d.code, d.state, d.unit, d.words, d.found, d.waiting, $10 "
        "from unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::boolean[]) "
        "with ordinality d (code, state, unit, words, found, waiting, number)",
        stream,
        organiser,
        year,
        [one["code"] for one in found],
        [_state_of(one) for one in found],
        names,
        [folded(f"{name} {line['cluster']}") for name in names],
        [json.dumps(one, ensure_ascii=False) for one in found],
        [bool(one["article"]) and _state_of(one) == "open" and line["filed"] is None for one in found],
        natural_key(line["cluster"]),
    )


def _about(deviation: dict[str, Any]) -> str:
    """Return the id of the unit that a deviation is about; "" where it is about none."""
    facts = deviation["facts"]
    return str(facts.get("unit") or facts.get("subject") or "")


def _state_of(deviation: dict[str, Any]) -> DeviationState:
    return "settled" if deviation["settled"] else "acknowledged" if deviation["acknowledged"] else "open"


class Board(BoardLines):
    """The board over all cycles, kept up to date. Rules editions are read from `texts`."""

    def __init__(self, ledger: PostgresLedger, texts: Texts) -> None:
        super().__init__(ledger.pool)
        self._ledger, self._editions = ledger, KnownEditions(texts)
        self._states = StreamStates(ledger)
        self._stands_at = -1

    async def catch_up(self) -> int:
        """Bring the lines up to the ledger's last event; return its position."""
        last_position = await self._ledger.last_position()
        if await cursors.position_of(self._ledger.pool, NAME) == last_position:
            return last_position
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            position = await cursors.locked_position(connection, NAME, BOARD_LOCK)
            with nullcontext() if position else without_cycle_collector():
                position = await self._project(connection, position, PAGE if position else REBUILD_PAGE)
            await cursors.advance(connection, NAME, position)
        return position

    async def _project(self, connection: Connection, position: int, size: int) -> int:
        """Write the lines of all streams with events above a position; return the last position."""
        while page := await self._ledger.read(position, size):
            touched: dict[str, list[RecordedEvent]] = {}
            for row in page:
                if is_cycle(row.stream):
                    touched.setdefault(row.stream, []).append(row)
            for rows in touched.values():
                await self._write(connection, rows)
            position = page[-1].position
        return position

    async def _write(self, connection: Connection, rows: list[RecordedEvent]) -> None:
        stream, position = rows[-1].stream, rows[-1].position
        try:
            state = await self._states.after(*rows)
            line = line_of(stream, state, await self._editions.in_force(state))
        except DATABASE_ERRORS:
            raise  # nothing is wrong with the cycle: the next catch-up tries again
        except Exception:
            # This cycle keeps its old line; the other cycles get their new ones.
            log.exception("no line", stream=stream, position=position)
            return
        await write_line(connection, stream, position, line, version=rows[-1].version)
        await write_units(connection, stream, line)

    async def wait_until_reached(self, position: int) -> bool:
        """Wait until the lines are computed up to a position, `WAIT_S` seconds at most; True when they are.

        While no worker computes them only the first reader waits: the next ones are answered at once,
        until the lines move on again.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + WAIT_S
        while (reached := await cursors.position_of(self._ledger.pool, NAME)) < position:
            if reached == self._stands_at:
                return False
            if clock() > end:
                self._stands_at = reached
                return False
            await asyncio.sleep(0.05)
        return True

    async def forget(self) -> None:
        """Delete all lines; the next `catch_up` rebuilds them from the ledger."""
        async with self._ledger.pool.acquire() as connection, connection.transaction():
            await connection.execute("delete from projections.board")  # its tasks and deviations follow
            await connection.execute("delete from projections.organiser_unit")
            await cursors.reset(connection, NAME)
