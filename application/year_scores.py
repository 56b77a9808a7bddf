"""The points of all clusters of a year as one workbook: cluster by cluster, so that memory does not grow with them."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import IO, Any, overload

from application.application import Application
from application.downloads import Cell, Table
from application.score_tables import NO_SCORES, criterion_points, score_table
from application.visits import VisitedCycle, Visitor, open_cycle
from application.work import of_many
from domain.access import Matter
from i18n import _
from i18n.columns import headings
from i18n.values import round_title

Row = tuple[Cell, ...]


class SpooledRows(Sequence[Row]):
    """Rows in a temporary file, read back in order. Parts of them are rows again; a single row is not asked for."""

    def __init__(self, file: IO[bytes], parts: list[tuple[int, int]], first: int = 0, last: int | None = None) -> None:
        self._file, self._parts = file, parts
        total = sum(count for _offset, count in parts)
        self._first, self._last = min(first, total), min(total if last is None else last, total)

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows behind those that are there."""
        self._file.seek(0, 2)
        self._parts.append((self._file.tell(), len(rows)))
        pickle.dump(rows, self._file)
        self._last += len(rows)

    def __len__(self) -> int:
        return self._last - self._first

    def __iter__(self) -> Iterator[Row]:
        before = 0
        for offset, count in self._parts:
            if before < self._last and before + count > self._first:
                self._file.seek(offset)
                rows = pickle.load(self._file)  # noqa: S301 - what `add` wrote, in a file without a name
                yield from rows[max(0, self._first - before) : self._last - before]
            before += count

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> SpooledRows: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, int):
            return next(iter(self[index : index + 1]))
        start, stop, _step = index.indices(len(self))
        return SpooledRows(self._file, self._parts, self._first + start, self._first + stop)


@asynccontextmanager
async def year_score_tables(
    application: Application, visitor: Visitor, streams: Sequence[str]
) -> AsyncIterator[tuple[Table, Table]]:
    """The totals of all units of some cycles, and their points by criterion, as far as the visitor may see them.

    Cycles that the visitor may not read are left out. The tables can be read while the context lasts.

    Raises:
        NotFoundError: `no_such_cycle`.
    """
    totals: list[tuple[str, str, dict[str, Cell], int | None]] = []
    rounds: dict[str, None] = {}
    with tempfile.TemporaryFile() as file:
        spooled = SpooledRows(file, [])
        for stream in streams:
            cycle = await open_cycle(application, stream, visitor)
            if cycle.may(Matter.CYCLE):
                found, points = await of_many(len(cycle.history), _points, cycle)
                rounds |= dict.fromkeys(title for _unit, by_round, _rank in found for title in by_round)
                totals += [(cycle.state.lifecycle.cluster_name, *one) for one in found]
                spooled.add(points)
        cluster, unit, rank = headings(("cluster", "unit", "rank"))
        rows = [(name, of, *(cells.get(title) for title in rounds), place) for name, of, cells, place in totals]
        by_criterion = headings(("cluster", "unit", "ordinal", "criterion", "level", "most", "round", "points"))
        yield (
            Table(_("Points of all units"), (cluster, unit, *rounds, rank), rows),
            Table(_("Points by criterion"), by_criterion, spooled),
        )


def _points(cycle: VisitedCycle) -> tuple[list[tuple[str, dict[str, Cell], int | None]], list[Row]]:
    """Of each unit the totals by round and the rank; and the points by criterion, a row for each that was given."""
    found = score_table(cycle) or NO_SCORES
    titles = [round_title(name, cycle.names) for name in found.rounds]
    gap = _("closed") if found.closed else None
    totals: list[tuple[str, dict[str, Cell], int | None]] = [
        (cycle.names.get(of, of), dict(zip(titles, (gap if one is None else one for one in cells), strict=True)), rank)
        for of, cells, rank in found.rows
    ]
    name = cycle.state.lifecycle.cluster_name
    return totals, [(name, *row) for row in criterion_points(cycle, found.results)]
