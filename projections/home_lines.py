"""What the first page of a person reads: tasks by what can be done, what waits for the secretariat, how far cycles are.

Each list is one look into an index, and comes in pages: what a page costs does not grow with clusters and years.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from msgspec.json import decode

from domain.duties import Duty
from i18n import language
from ledger.connection import Pool
from ledger.paging import Conditions, Paged, PageRequest, fetch_page
from projections.board import ListedCycle, ListedVersion
from projections.board_lines import BRIEF, LISTED, Line, listed

_BY_NAME = "year desc, sort_key, stream"


@dataclass(frozen=True, slots=True)
class TaskQuery:
    """Which open tasks of a unit: those that it can do something about, or the others; None for both, in this order.

    `far`: only those whose last day is far, or only the others; None for both. `only`: of a duty. `but`: without what
    can be done of a duty.
    """

    unit: str
    ready: bool | None
    far: bool | None = None
    only: Duty | None = None
    but: Duty | None = None


@dataclass(frozen=True, slots=True)
class DoneTasks(ListedCycle):
    """The latest duties that a unit has done in a cycle, with how its cluster is named."""

    names: Mapping[str, str]
    done: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ClusterHeat(ListedCycle):
    """How far a cycle is in each step, as `_heat` in projections/board.py tells it. `now` is that of its own clock."""

    now: datetime | None
    steps: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class WaitingDeviation(ListedVersion):
    """A deviation that nobody has acknowledged, with the names that its words need; `version` is that of the cycle."""

    names: Mapping[str, str]
    found: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SentLine(ListedCycle):
    """What a unit has sent in a cycle and its organiser has not answered: a mid-year report, requests for more time.

    `report` is None where none waits to be accepted.
    """

    organiser: str
    report: Mapping[str, Any] | None
    asked: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class OwnAct(ListedCycle):
    """What somebody of a unit has entered: its sentence in the reader's language, with "…" in the place of a text.

    `on` is the day on which it happened, `text` the digest of its text. `corrected` and `withdrawn` are the versions of
    the acts that took it back.
    """

    version: int
    sentence: str
    actor: str
    on: date | None
    text: str | None
    corrected: int | None
    withdrawn: int | None


MOST_ACTS = 500
"""So many of the latest acts of a unit can be looked through here; the others stand on the pages of its cycles."""

_OWN_ACTS = f"""(
    select * from projections.search_entry where unit = $1 and position is not null
    order by position desc limit {MOST_ACTS}
) e join projections.board b using (stream)
where b.units @> array[$1::text] and (b.organiser <> $1 or $2)"""  # noqa: S608 - ours

_REPORT_WAITS = '$.open[*] ? (@.duty == "midyear-acceptance" && @.subject == $unit && @.waits_for.size() == 0)'
_ASKED = "$.extensions_asked[*] ? (@.unit == $unit)"

MOST_SENT = 50
"""In so many cycles at most what a unit has sent is looked for."""

MOST_COUNTED = 999
"""The menu of each page has this count: more than this is not counted."""


class HomeLines:
    """The lists of first pages, as `pool` may read them."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def count(self, unit: str, *, organises: bool) -> int:
        """Return how many tasks a unit can do now, counted up to one more than `MOST_COUNTED`.

        `organises`: with what it answers.
        """
        some = (
            f"select from projections.open_task where unit = $1 and ready and near_from <= $2 limit {MOST_COUNTED + 1}"
        )
        found = int(await self._pool.fetchval(f"select count(*) from ({some}) few", unit, datetime.now(UTC)))  # noqa: S608 - ours
        return found + sum(await self.to_answer(unit)) if organises else found

    async def to_answer(self, organiser: str) -> tuple[int, int, int]:
        """Return how many requests, escalations and deviations an organiser answers; the last up to `MOST_COUNTED`."""
        asked, escalated = (
            f"(select coalesce(sum({name}), 0)::integer from projections.board where organiser = $1 and {name} > 0)"  # noqa: S608 - ours
            for name in ("asked", "escalated")
        )
        some = f"select from projections.deviation where organiser = $1 and waiting limit {MOST_COUNTED + 1}"
        deviating = f"(select count(*)::integer from ({some}) few)"  # noqa: S608 - ours
        ((requests, escalations, deviations),) = await self._pool.fetch(
            f"select {asked}, {escalated}, {deviating}", organiser
        )
        return requests, escalations, deviations

    async def tasks(
        self, wanted: TaskQuery, asked: PageRequest, *, brief: bool
    ) -> Paged[tuple[Line, Mapping[str, Any]]]:
        """Return a page of a unit's tasks, each with the line of its cycle: earliest due first, undated ones last.

        `brief`: the lines hold only what lists of many cycles show.
        """
        conditions = Conditions()
        conditions.add("unit = {}", wanted.unit)
        if wanted.ready is not None:
            conditions.add("ready" if wanted.ready else "not ready")
        if wanted.far is not None:
            near = "near_from <= {}"
            conditions.add(f"({near}) is not true" if wanted.far else near, datetime.now(UTC))
        conditions.add("duty = {}", wanted.only)
        conditions.add("(duty <> {} or not ready)", wanted.but)
        by_due, arguments = "due, sort_key, stream, number", conditions.arguments
        order = by_due if wanted.ready is not None else f"ready desc, {by_due}"
        found = await fetch_page(
            self._pool,
            asked,
            "stream, number",
            f"projections.open_task where {conditions.where()}",
            order,
            *arguments,
        )
        wanted_tasks = [(row["stream"], row["number"]) for row in found.rows]
        tasks = await self._with_tasks(wanted_tasks, brief=brief)
        return found.with_rows(tasks[at] for at in wanted_tasks if at in tasks)

    async def _with_tasks(
        self, wanted: Sequence[tuple[str, int]], *, brief: bool
    ) -> dict[tuple[str, int], tuple[Line, Mapping[str, Any]]]:
        """Return tasks by stream and number. Each line is read once, with its tasks: both are of the same moment."""
        rows = await self._pool.fetch(
            f"select b.stream, {BRIEF if brief else 'line'} as line, b.version, "  # noqa: S608 - ours
            "(select jsonb_object_agg(number, b.line #> array['open', number]) from unnest(numbers) number) as tasks "
            "from (select stream, array_agg(number) as numbers from unnest($1::text[], $2::text[]) w (stream, number) "
            "group by stream) wanted join projections.board b using (stream)",
            [stream for stream, _number in wanted],
            [str(number) for _stream, number in wanted],
        )
        found: dict[tuple[str, int], tuple[Line, Mapping[str, Any]]] = {}
        for row in rows:
            line = decode(row["line"])
            line["version"] = row["version"]
            for number, task in decode(row["tasks"]).items():
                if task is not None:  # since the list was read, the line may have got another
                    found[row["stream"], int(number)] = (line, task)
        return found

    async def done(self, unit: str, most: int) -> list[DoneTasks]:
        """Return what a unit has done in the `most` cycles in which it has done something last, the latest first."""
        rows = await self._pool.fetch(
            f"select {LISTED}, d.done, b.line -> 'names' as names "  # noqa: S608 - ours
            "from projections.done_task d join projections.board b using (stream) "
            "where d.unit = $1 order by d.latest desc, d.stream limit $2",
            unit,
            most,
        )
        return [DoneTasks(*listed(row), decode(row["names"]), tuple(decode(row["done"]))) for row in rows]

    async def acts(self, unit: str, asked: PageRequest, *, organises: bool) -> Paged[OwnAct]:
        """Return a page of what a unit has entered last in the cycles that it may read, the latest first.

        `organises`: with what it entered as the organiser, which others of its people than the secretariat do not read.
        """
        columns = f"{LISTED}, e.ref, e.titles, e.actor, e.at, e.text, e.corrected, e.withdrawn"
        found = await fetch_page(self._pool, asked, columns, _OWN_ACTS, "e.position desc", unit, organises, once=True)
        return found.map(
            lambda row: OwnAct(
                *listed(row),
                int(row["ref"]),
                decode(row["titles"])[language()],
                row["actor"],
                row["at"],
                row["text"],
                row["corrected"],
                row["withdrawn"],
            )
        )

    async def sent(self, unit: str) -> list[SentLine]:
        """Return what a unit has sent and what is not answered yet, by the cycle."""
        rows = await self._pool.fetch(
            f"select {LISTED}, "  # noqa: S608 - ours
            "case when jsonb_path_exists(b.line, $2::text::jsonpath, of.unit) then b.line -> 'reports' -> $1 end "
            "as report, jsonb_path_query_array(b.line, $3::text::jsonpath, of.unit) as asked "
            "from projections.board b, lateral (select jsonb_build_object('unit', $1::text) as unit) of "
            f"where b.units @> array[$1::text] and b.organiser <> $1 and not b.filed order by {_BY_NAME} limit $4",
            unit,
            _REPORT_WAITS,
            _ASKED,
            MOST_SENT,
        )
        found = (
            SentLine(
                *listed(row),
                row["organiser_name"] or "",
                decode(row["report"]) if row["report"] else None,
                tuple(decode(row["asked"])),
            )
            for row in rows
        )
        return [one for one in found if one.report is not None or one.asked]

    async def asking(self, organiser: str, asked: PageRequest) -> Paged[Line]:
        """Return a page of an organiser's lines in which a unit asks for more time."""
        return await self._lines(organiser, "asked > 0", asked)

    async def escalated(self, organiser: str, asked: PageRequest) -> Paged[Line]:
        """Return a page of an organiser's lines in which an escalation is proposed."""
        return await self._lines(organiser, "escalated > 0", asked)

    async def _lines(self, organiser: str, matter: str, asked: PageRequest) -> Paged[Line]:
        source = f"projections.board where organiser = $1 and {matter}"
        found = await fetch_page(self._pool, asked, "line, version", source, _BY_NAME, organiser)
        return found.map(lambda row: {**decode(row["line"]), "version": row["version"]})

    async def deviations(self, organiser: str, asked: PageRequest) -> Paged[WaitingDeviation]:
        """Return a page of the deviations of cycles that are not filed which wait for the secretariat."""
        order = "d.year desc, d.sort_key, d.stream, d.number"
        found = await fetch_page(
            self._pool,
            asked,
            f"{LISTED}, d.found, b.version, b.line -> 'names' as names",
            "projections.deviation d join projections.board b using (stream) where d.organiser = $1 and d.waiting",
            order,
            organiser,
        )
        return found.map(
            lambda row: WaitingDeviation(
                *listed(row),
                row["version"],
                decode(row["names"]),
                decode(row["found"]),
            )
        )

    async def deviations_of(self, streams: list[str], keys: list[str]) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Return deviations of some cycles by stream and key."""
        rows = await self._pool.fetch(
            "select stream, found from projections.deviation where stream = any($1) and found ->> 'key' = any($2)",
            streams,
            keys,
        )
        told = ((row["stream"], decode(row["found"])) for row in rows)
        return {(stream, found["key"]): found for stream, found in told}

    async def clusters(self, organiser: str, asked: PageRequest) -> Paged[ClusterHeat]:
        """Return a page of an organiser's cycles that are not filed, with how far each is."""
        found = await fetch_page(
            self._pool,
            asked,
            f"{LISTED}, b.heat, b.line ->> 'now' as now",
            "projections.board b where b.organiser = $1 and not b.filed",
            _BY_NAME,
            organiser,
        )
        return found.map(
            lambda row: ClusterHeat(
                *listed(row),
                datetime.fromisoformat(row["now"]) if row["now"] else None,
                tuple(decode(row["heat"])),
            )
        )

    async def late_clusters(self, organiser: str, now: datetime) -> int:
        """Return in how many of an organiser's cycles something is late."""
        query = "select count(*) from projections.board where organiser = $1 and late_from <= $2"
        return int(await self._pool.fetchval(query, organiser, now))
