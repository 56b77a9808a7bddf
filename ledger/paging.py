"""Pages of long lists: which rows a reader asks for, and the rows that a query gives, with the count of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ledger.connection import Pool

ROWS = 50
"""Rows on a page: as many as a person looks through."""

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The page that a reader asks for. Without a `size` it holds all rows.

    `clamped`: a page after the last one is the last one, as readers of pages expect; otherwise it is empty, so that a
    program that goes on to the next page comes to an end.
    """

    number: int = 1
    size: int | None = ROWS
    clamped: bool = True

    def within(self, total: int) -> PageRequest:
        """The page that is shown of so many rows."""
        last = _pages(total, self.size)
        return replace(self, number=max(1, min(self.number, last) if self.clamped else self.number))

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return (self.number - 1) * self.size if self.size is not None else 0


ALL_ROWS = PageRequest(1, None)
"""The whole list, for downloads and programs that want it in one."""


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """The rows of a page, and how many there are in all."""

    rows: tuple[T, ...]
    total: int
    asked: PageRequest

    @classmethod
    def of(cls, rows: Sequence[T], asked: PageRequest) -> Paged[T]:
        """A page of rows that are at hand."""
        asked = asked.within(len(rows))
        end = None if asked.size is None else asked.offset + asked.size
        return cls(tuple(rows[asked.offset : end]), len(rows), asked)

    def map(self, change: Callable[[T], U]) -> Paged[U]:
        """The page with each row changed."""
        return Paged(tuple(map(change, self.rows)), self.total, self.asked)

    def with_rows(self, rows: Iterable[U]) -> Paged[U]:
        """The page with other rows in the place of its own."""
        return Paged(tuple(rows), self.total, self.asked)

    @property
    def number(self) -> int:
        """Which page it is, from 1."""
        return self.asked.number

    @property
    def pages(self) -> int:
        """How many pages there are, at least 1."""
        return _pages(self.total, self.asked.size)

    @property
    def first(self) -> int:
        """The number of its first row among all rows, from 1; 0 when it is empty."""
        return self.asked.offset + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The number of its last row among all rows; 0 when it is empty."""
        return self.asked.offset + len(self.rows) if self.rows else 0

    @property
    def next(self) -> int | None:
        """The number of the next page; None after the last."""
        return self.number + 1 if self.number < self.pages else None

    @property
    def previous(self) -> int | None:
        """The number of the page before; None before the first."""
        return min(self.number - 1, self.pages) if self.number > 1 else None


def _pages(total: int, size: int | None) -> int:
    return max(1, -(-total // size)) if size is not None else 1


class Conditions:
    """Conditions of a query with their arguments. A condition names an argument as {}; as {0} to name it twice.

    The first arguments may be given at once: those that conditions name by their place, such as $1.
    """

    def __init__(self, *arguments: Any) -> None:
        self.arguments: list[Any] = list(arguments)
        self._conditions: list[str] = []

    def add(self, condition: str, *arguments: Any) -> None:
        """Add a condition, unless an argument of it is None."""
        if any(argument is None for argument in arguments):
            return
        first = len(self.arguments) + 1
        self.arguments.extend(arguments)
        self._conditions.append(condition.format(*(f"${first + n}" for n in range(len(arguments)))))

    def where(self) -> str:
        """Return the condition that all of them make."""
        return " and ".join(self._conditions) or "true"


async def fetch_page(
    pool: Pool, asked: PageRequest, columns: str, source: str, order: str, *arguments: Any, once: bool = False
) -> Paged[Any]:
    """Return a page of a query's rows: `select columns from source order by order`, with the count of all rows.

    Args:
        pool: where the query is run.
        asked: which page.
        columns: of each row.
        source: tables and condition; must name every argument, because the count has no other part.
        order: of the rows.
        arguments: those of `source`.
        once: look at all rows once, for the count and for the page. It is faster where no index has the rows in order,
            or where the condition costs more than the order.
    """
    limit, offset = f"${len(arguments) + 1}", f"${len(arguments) + 2}"
    ordered = f"from {source} order by {order} limit {limit}::bigint offset {offset}::bigint"
    if once:
        query = f"select {columns}, count(*) over () as rows_in_all {ordered}"
        rows = await pool.fetch(query, *arguments, asked.size, max(0, asked.offset))
        if rows:  # otherwise the page is behind the last one, or there is none
            return Paged(tuple(rows), rows[0]["rows_in_all"], asked)
    total = int(await pool.fetchval(f"select count(*) from {source}", *arguments))  # noqa: S608 - ours
    asked = asked.within(total)
    rows = await pool.fetch(f"select {columns} {ordered}", *arguments, asked.size, asked.offset)
    return Paged(tuple(rows), total, asked)
