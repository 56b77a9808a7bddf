"""Reading the board: which lines, tasks and deviations a reader asks for is decided in SQL, a page at a time.

Of the rows that are not shown only the count is made.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec.json import decode

from ledger.connection import Pool
from ledger.paging import ALL_ROWS, Conditions, Paged, PageRequest, fetch_page
from projections.board import ListedCycle, title_of

Line: TypeAlias = dict[str, Any]
"""A cycle's line, as `line_of` in projections/board.py makes it."""

BoardMatter = Literal["late", "asked", "escalated", "deviating", "open"]
DeviationState = Literal["open", "acknowledged", "settled"]

_MATTERS: Mapping[BoardMatter, str] = {
    "late": "late_from <= {}",
    "asked": "asked > 0",
    "escalated": "escalated > 0",
    "deviating": "open_deviations > 0",
    "open": "not filed",
}
_ORDER = "year desc, sort_key, stream"
NAMED = "b.cluster, b.line ->> 'organiser_name' as organiser_name, (b.line ->> 'namesake')::boolean as namesake"
"""The columns that a cluster's title is made of (`title_of`)."""

LISTED = f"b.stream, {NAMED}, b.cycle_year, b.rehearsed"
"""The columns that a `ListedCycle` is made of (`listed`)."""

BRIEF = "line - '{open,steps,chased,done_by,duties_done,escalations,deviations}'::text[]"
"""A line without what lists of many cycles do not show."""


def listed(row: Mapping[str, Any]) -> tuple[str, str, int, bool]:
    """The values of a `ListedCycle`, from the columns `LISTED`."""
    return row["stream"], title_of(row), row["cycle_year"], row["rehearsed"]


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which cycles: of an organiser, a year, at a step, with a matter, whose name or stream holds words.

    `words` are in lower case without diacritics (`i18n.sorting.folded`).
    """

    organiser: str | None = None
    year: str | None = None
    step: str | None = None
    matter: BoardMatter | None = None
    words: str = ""


LateState = Literal["reminded", "not-reminded", "asked", "silent"]
"""Whether somebody has reminded a unit of its overdue task by hand, and whether it has asked for more time."""

_ASKED = (
    "exists (select from projections.board b where b.stream = t.stream and b.line -> 'extensions_asked' @> "
    "jsonb_build_array(jsonb_build_object('unit', t.unit, 'duty', t.duty)))"
)
_REMINDED = (
    "exists (select from projections.board b where b.stream = t.stream and b.line -> 'chased' @> "
    "jsonb_build_array(jsonb_build_object('units', jsonb_build_array(t.unit), 'duty', t.duty)))"
)
_LATE_STATES: Mapping[LateState, str] = {
    "reminded": _REMINDED,
    "not-reminded": f"not {_REMINDED}",
    "asked": _ASKED,
    "silent": f"not {_ASKED}",
}


@dataclass(frozen=True, slots=True)
class LateFilter:
    """Which overdue tasks: of an organiser, a year, a duty, in a state, in cycles whose name or stream holds words.

    `words` are in lower case without diacritics (`i18n.sorting.folded`).
    """

    organiser: str | None = None
    year: str | None = None
    duty: str | None = None
    state: LateState | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class DeviationFilter:
    """Which deviations: of an organiser, a year, in a state, with words in what it is, about whom and where.

    `words` are in lower case without diacritics. What a deviation is called depends on the reader's language, so
    `names` has the name of each code in lower case without diacritics; it is looked at only when there are words.
    """

    organiser: str | None = None
    year: str | None = None
    state: DeviationState | None = None
    words: str = ""
    names: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class FoundDeviation(ListedCycle):
    """A deviation with its cycle.

    `cluster` is how the cluster is named, `unit` the name of the unit that it is about; `found` has the rest, and
    `names` the names of the cycle's units.
    """

    state: DeviationState
    unit: str
    found: dict[str, Any]
    names: Mapping[str, str]


class BoardLines:
    """The lines of the board, with the tasks and deviations of their cycles, as `pool` may read them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # Lines --------------------------------------------------------------------------------

    async def lines(self, year: str | None = None, *, unit: str | None = None, open_only: bool = False) -> list[Line]:
        """Return all lines, the newest year first, then by name in natural order.

        Args:
            year: only the cycles of this year.
            unit: only the cycles of this unit; "@person" for those with this overseer.
            open_only: only the cycles that are not filed.
        """
        query = (
            "select line from projections.board where ($1::text is null or year = $1) "  # noqa: S608 - ours
            f"and ($2::text is null or units @> array[$2]) and not ($3 and filed) order by {_ORDER}"
        )
        return [decode(row["line"]) for row in await self._pool.fetch(query, year, unit, open_only)]

    async def board_page(self, wanted: LineFilter, now: datetime, asked: PageRequest = ALL_ROWS) -> Paged[Line]:
        """Return a page of the lines that fit, in the order of `lines`. `now` decides which are late."""
        conditions = _lines_that_fit(wanted, now)
        source = f"projections.board where {conditions.where()}"
        found = await fetch_page(self._pool, asked, "line", source, _ORDER, *conditions.arguments)
        return found.map(lambda row: decode(row["line"]))

    async def count(self, wanted: LineFilter, now: datetime) -> int:
        """Return how many lines fit."""
        conditions = _lines_that_fit(wanted, now)
        query = f"select count(*) from projections.board where {conditions.where()}"  # noqa: S608 - ours
        return int(await self._pool.fetchval(query, *conditions.arguments))

    async def lines_of(self, streams: Sequence[str], organiser: str | None = None) -> dict[str, Line]:
        """Return the lines of some cycles, by stream; of an organiser, if one is named."""
        query = (
            "select stream, line from projections.board where stream = any($1) and ($2::text is null or organiser = $2)"
        )
        rows = await self._pool.fetch(query, list(streams), organiser)
        return {row["stream"]: decode(row["line"]) for row in rows}

    async def titles(self, streams: Collection[str]) -> dict[str, str]:
        """Return how the clusters of some cycles are named, with their years, by stream."""
        query = f"select b.stream, b.cycle_year, {NAMED} from projections.board b where b.stream = any($1)"  # noqa: S608 - ours
        rows = await self._pool.fetch(query, list(streams))
        return {row["stream"]: f"{title_of(row)}, {row['cycle_year']}" for row in rows}

    async def has_namesake(self, cluster: str, organiser: str) -> bool:
        """Return whether another organiser has a cluster of this name."""
        query = "select exists (select from projections.board where cluster = $1 and organiser <> $2)"
        return bool(await self._pool.fetchval(query, cluster, organiser))

    async def cycles_page(self, unit: str, asked: PageRequest, *, overseer: str | None = None) -> Paged[Line]:
        """Return a page of a unit's cycles (`BRIEF`); after them those that a person oversees, if one is named."""
        conditions = Conditions()
        conditions.add("units && {}::text[]", [unit, *([f"@{overseer}"] if overseer is not None else [])])
        source = f"projections.board where {conditions.where()}"
        order = f"(units @> ($1::text[])[1:1]) desc, {_ORDER}"
        found = await fetch_page(self._pool, asked, f"{BRIEF} as line", source, order, *conditions.arguments)
        return found.map(lambda row: decode(row["line"]))

    async def open_cycles(self, organiser: str) -> list[tuple[str, str, int]]:
        """Return an organiser's cycles that are not filed, in the board's order: stream, cluster's name, year."""
        query = (
            "select stream, cluster, cycle_year from projections.board where organiser = $1 and not filed "  # noqa: S608 - ours
            f"order by {_ORDER}"
        )
        return [tuple(row) for row in await self._pool.fetch(query, organiser)]

    async def editions_of(self, organiser: str) -> list[tuple[str, str, int, list[tuple[str, datetime | None]]]]:
        """Return an organiser's cycles in the board's order: stream, cluster's name, year, rules editions.

        The editions are named by digest, each with the instant from which on it counts, the one in force last.
        """
        query = (
            "select stream, cluster, cycle_year, line -> 'editions' as editions from projections.board "  # noqa: S608 - ours
            f"where organiser = $1 order by {_ORDER}"
        )
        return [
            (
                row["stream"],
                row["cluster"],
                row["cycle_year"],
                [
                    (digest, datetime.fromisoformat(since) if since else None)
                    for digest, since in decode(row["editions"] or "[]")
                ],
            )
            for row in await self._pool.fetch(query, organiser)
        ]

    async def streams_of(self, unit: str) -> list[tuple[str, datetime]]:
        """Return a unit's cycles, each with the time of its last recorded event, the latest first."""
        query = (
            "select b.stream, e.recorded_at from projections.board b join ledger.event e on e.position = b.position "
            "where b.units @> array[$1] order by b.position desc"
        )
        return [(row["stream"], row["recorded_at"]) for row in await self._pool.fetch(query, unit)]

    async def knows_unit(self, unit: str) -> bool:
        """Return True for a unit that some cycle has."""
        query = "select exists (select from projections.board where units @> array[$1::text])"
        return bool(await self._pool.fetchval(query, unit))

    async def shared_cycles(self, unit: str, other: str, person: str) -> list[str]:
        """Return the cycles that two units belong to, and those of the first one that a person oversees."""
        query = (
            "select stream from projections.board where units @> array[$1::text] and units && $2::text[] "  # noqa: S608 - ours
            f"order by {_ORDER}"
        )
        return [row["stream"] for row in await self._pool.fetch(query, unit, [other, f"@{person}"])]

    async def names_of(self, unit: str) -> tuple[str, ...]:
        """Return the names that a unit has in its cycles."""
        query = (
            "select distinct line -> 'names' ->> $1 as name from projections.board where units @> array[$1::text] "
            "order by name"
        )
        return tuple(row["name"] for row in await self._pool.fetch(query, unit) if row["name"])

    async def years(self) -> list[str]:
        """Return the years that have cycles, the newest first. It costs one look into the index for each year."""
        rows = await self._pool.fetch(
            "with recursive found (year) as ((select max(year) from projections.board) union all "
            "select (select max(b.year) from projections.board b where b.year < f.year) "
            "from found f where f.year is not null) select year from found where year is not null"
        )
        return [row["year"] for row in rows]

    # Tasks --------------------------------------------------------------------------------

    async def late_page(
        self, wanted: LateFilter, now: datetime, asked: PageRequest
    ) -> Paged[tuple[Line, dict[str, Any]]]:
        """Return a page of the overdue tasks that fit, each with its cycle's line, in the order of the board."""
        return await self._tasks(_late(wanted, now), asked, f"{_ORDER}, number")

    async def count_late_units(self, wanted: LateFilter, now: datetime) -> int:
        """Return how many units have an overdue task that fits."""
        conditions = _late(wanted, now)
        query = f"select count(distinct unit) from projections.open_task t where {conditions.where()}"  # noqa: S608 - ours
        return int(await self._pool.fetchval(query, *conditions.arguments))

    async def tasks_page(
        self, unit: str, asked: PageRequest = ALL_ROWS, *, dated: bool = False
    ) -> Paged[tuple[Line, dict[str, Any]]]:
        """Return a page of a unit's open tasks, each with the line of its cycle: earliest due first, undated ones last.

        `dated`: only those that have a deadline.
        """
        conditions = Conditions()
        conditions.add("unit = {}", unit)
        if dated:
            conditions.add("due is not null")
        return await self._tasks(conditions, asked, "due, sort_key, stream, number")

    async def _tasks(
        self, conditions: Conditions, asked: PageRequest, order: str
    ) -> Paged[tuple[Line, dict[str, Any]]]:
        """Return tasks with their lines. Each line is read once, and with its tasks: both are of the same moment."""
        arguments = conditions.arguments
        total = int(
            await self._pool.fetchval(
                f"select count(*) from projections.open_task t where {conditions.where()}",  # noqa: S608 - ours
                *arguments,
            )
        )
        asked = asked.within(total)
        rows = await self._pool.fetch(
            f"with shown as (select stream, number, row_number() over (order by {order}) as place "  # noqa: S608 - ours
            f"from projections.open_task t where {conditions.where()} order by {order} "
            f"limit ${len(arguments) + 1}::bigint offset ${len(arguments) + 2}::bigint) "
            "select b.line, array_agg(s.number) as numbers, array_agg(s.place) as places "
            "from shown s join projections.board b on b.stream = s.stream group by b.stream",
            *arguments,
            asked.size,
            asked.offset,
        )
        found: list[tuple[int, Line, dict[str, Any]]] = []
        for row in rows:
            line = decode(row["line"])
            numbered = zip(row["places"], row["numbers"], strict=True)
            found.extend((place, line, line["open"][number]) for place, number in numbered)
        found.sort(key=lambda one: one[0])
        return Paged(tuple((line, owed) for _place, line, owed in found), total, asked)

    # Deviations ---------------------------------------------------------------------------

    async def deviations_page(self, wanted: DeviationFilter, asked: PageRequest = ALL_ROWS) -> Paged[FoundDeviation]:
        """Return a page of the deviations that fit, in the order of the board's lines."""
        conditions = _deviations_that_fit(wanted)
        found = await fetch_page(
            self._pool,
            asked,
            f"d.*, {NAMED}, b.cycle_year, b.rehearsed, b.line -> 'names' as names",
            f"projections.deviation d left join projections.board b using (stream) where {conditions.where()}",
            "d.year desc, d.sort_key, d.stream, d.number",
            *conditions.arguments,
        )
        return found.map(_found_deviation)

    async def count_deviations(self, wanted: DeviationFilter) -> int:
        """Return how many deviations fit."""
        conditions = _deviations_that_fit(wanted)
        query = f"select count(*) from projections.deviation d where {conditions.where()}"  # noqa: S608 - ours
        return int(await self._pool.fetchval(query, *conditions.arguments))


def _lines_that_fit(wanted: LineFilter, now: datetime) -> Conditions:
    conditions = Conditions()
    conditions.add("organiser = {}", wanted.organiser)
    conditions.add("year = {}", wanted.year)
    conditions.add("step = {}", wanted.step)
    conditions.add("strpos(words, {}) > 0", wanted.words or None)
    if wanted.matter is not None:
        matter = _MATTERS[wanted.matter]
        conditions.add(matter, *([now] if "{}" in matter else []))
    return conditions


def _late(wanted: LateFilter, now: datetime) -> Conditions:
    conditions = Conditions()
    conditions.add("late_from <= {}", now)
    conditions.add("organiser = {}", wanted.organiser)
    conditions.add("year = {}", wanted.year)
    conditions.add("duty = {}", wanted.duty)
    of_name = "exists (select from projections.board b where b.stream = t.stream and strpos(b.words, {}) > 0)"
    conditions.add(of_name, wanted.words or None)
    if wanted.state is not None:
        conditions.add(_LATE_STATES[wanted.state])
    return conditions


def _deviations_that_fit(wanted: DeviationFilter) -> Conditions:
    conditions = Conditions()
    conditions.add("d.organiser = {}", wanted.organiser)
    conditions.add("d.year = {}", wanted.year)
    conditions.add("d.state = {}", wanted.state)
    if wanted.words:
        names = json.dumps(wanted.names or {}, ensure_ascii=False)
        haystack = "coalesce({}::jsonb ->> d.code, d.code) || ' ' || d.words"
        conditions.add(f"strpos({haystack}, {{}}) > 0", names, wanted.words)
    return conditions


def _found_deviation(row: Mapping[str, Any]) -> FoundDeviation:
    found = decode(row["found"])
    return FoundDeviation(*listed(row), row["state"], row["unit"], found, decode(row["names"]))
