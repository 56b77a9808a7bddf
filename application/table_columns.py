"""Which column of a table is what: the usual heads of offices, and what a person chose for each column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase

from application.tables import Rows
from i18n.sorting import folded

UNUSED = "-"
"""What a person chooses for a column that is not read."""


def _plain(title: str) -> str:
    """A title in lower case without diacritics, signs, words in brackets, and "tên" in front."""
    words = re.sub(r"[^a-z0-9]+", " ", re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", folded(title))).strip()
    return words.removeprefix("ten ").removesuffix(" ten") or words


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """What the columns of a kind of table can hold, in any order, and how offices call them.

    `usual` are the titles, with "|" between them, without words in brackets and without "tên" in front.
    """

    columns: tuple[str, ...]
    required: tuple[str, ...]
    usual: Mapping[str, str]

    def column_of(self, title: str) -> str:
        """Return the column that a title names, `UNUSED` for one that is never read, "" for an unknown one."""
        return _by_title(self).get(_plain(title), "")


@lru_cache
def _by_title(known: Vocabulary) -> Mapping[str, str]:
    usual = {column: known.usual.get(column, "") for column in (*known.columns, UNUSED)}
    return {
        plain: column
        for column, heads in usual.items()
        for head in (column, *heads.split("|"))
        if (plain := _plain(head))
    }


_HEAD_WITHIN = 10
_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that is read as `column` ("" for one that nobody knows, `UNUSED`)."""

    index: int
    title: str
    column: str
    samples: tuple[str, ...]

    @property
    def letter(self) -> str:
        """Its name in a spreadsheet."""
        return ("A" if self.index >= len(ascii_uppercase) else "") + ascii_uppercase[self.index % len(ascii_uppercase)]


@dataclass(frozen=True, slots=True)
class Head:
    """The row of a table that names its columns; `line` counts from 1."""

    line: int
    columns: tuple[Column, ...]
    known: Vocabulary

    def repeated_in(self, row: list[str]) -> bool:
        """Whether a row is this one again, as at the top of each printed page."""
        return [cell.casefold() for cell in row] == [one.title.casefold() for one in self.columns[: len(row)]]

    @property
    def missing(self) -> tuple[str, ...]:
        """The required columns that no column is read as."""
        found = {one.column for one in self.columns}
        return tuple(name for name in self.known.required if name not in found)

    @property
    def unknown(self) -> tuple[Column, ...]:
        """Columns with a title that are neither read nor said to be unused."""
        return tuple(one for one in self.columns if one.title and not one.column)

    @property
    def width(self) -> int:
        """The number of columns up to the last with a title or a meaning; cells beyond belong to none."""
        return max((one.index + 1 for one in self.columns if one.title or one.column), default=0)

    def indexes(self) -> dict[str, int]:
        """Where each column that is read stands."""
        return {one.column: one.index for one in self.columns if one.column in self.known.columns}


def find_head(known: Vocabulary, rows: Rows, choices: Mapping[int, str]) -> Head:
    """Return the head of a table, looked for in its first ten rows, and what its columns are.

    `choices` are the columns that a person chose, by index. Of two columns with the same meaning the first is read.
    """
    first = [number for number, row in enumerate(rows) if row][:_HEAD_WITHIN]
    names = {number: sum(known.column_of(cell) != "" for cell in rows[number]) for number in first}
    # Of a head in two rows, with cells merged over both, the second one names more; without any the first row is it.
    line = max(first, key=lambda number: (names[number], -number), default=0)
    titles = [" ".join(cell.split()) for cell in rows[line]] if rows else []
    width = max((len(row) for row in rows[line:]), default=0)
    titles += [""] * (width - len(titles))
    taken = set(choices.values())
    columns: list[Column] = []
    for index, title in enumerate(titles):
        column = choices.get(index)
        if column is None:
            column = known.column_of(title) if title else ""
            column = "" if column in taken and column != UNUSED else column
            taken.add(column)
        samples = [row[index] for row in rows[line + 1 :] if index < len(row) and row[index]]
        columns.append(Column(index, title, column, tuple(dict.fromkeys(samples[:50]))[:_SAMPLES]))
    return Head(line + 1, tuple(columns), known)
