"""Formulas of a workbook: one tree that is written for a spreadsheet, and computed here as a spreadsheet computes it.

So a workbook can be compared with the program before it leaves: the result of each formula is known when it is written.
Figures are binary floating point, as spreadsheets have them. A formula uses the few functions of `_FUNCTIONS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from functools import cached_property
from typing import TypeAlias

from xlsxwriter.utility import xl_rowcol_to_cell

Value: TypeAlias = float | str | None
"""What a cell holds; None: nothing."""

Result: TypeAlias = Value | list[Value]
"""What a formula gives: of a range, a list."""

MOST_ARGUMENTS = 200
"""Arguments of a function; Excel takes 255."""


class Node(ABC):
    """A part of a formula."""

    @abstractmethod
    def text(self, sheet: str) -> str:
        """Return it as it is written in a cell of the sheet."""

    @property
    @abstractmethod
    def result(self) -> Result:
        """What a spreadsheet computes."""


@dataclass(frozen=True)
class Number(Node):
    """A figure."""

    value: Decimal | int

    def text(self, sheet: str) -> str:  # noqa: ARG002 - as all nodes
        """See `Node`."""
        return f"{Decimal(self.value):f}"

    @property
    def result(self) -> float:
        """See `Node`."""
        return float(self.value)


@dataclass(frozen=True)
class Phrase(Node):
    """A text."""

    value: str

    def text(self, sheet: str) -> str:  # noqa: ARG002 - as all nodes
        """See `Node`."""
        return '"' + self.value.replace('"', '""') + '"'

    @property
    def result(self) -> str:
        """See `Node`."""
        return self.value


@dataclass(frozen=True)
class Cell(Node):
    """A cell of a sheet, with a value or a formula. Rows and columns count from 0."""

    sheet: str
    row: int
    column: int
    content: Value | Node = field(compare=False, hash=False)

    def text(self, sheet: str) -> str:
        """See `Node`."""
        return _prefix(self.sheet, sheet) + str(xl_rowcol_to_cell(self.row, self.column))

    @cached_property
    def result(self) -> Value:
        """See `Node`."""
        found = self.content.result if isinstance(self.content, Node) else self.content
        if isinstance(found, list):
            raise TypeError("a cell holds one value")
        return found


@dataclass(frozen=True)
class Range(Node):
    """Cells of one column, one under the other."""

    cells: Sequence[Cell]

    def text(self, sheet: str) -> str:
        """See `Node`."""
        first, last = self.cells[0], self.cells[-1]
        ends = (xl_rowcol_to_cell(one.row, one.column, row_abs=True, col_abs=True) for one in (first, last))
        return _prefix(first.sheet, sheet) + ":".join(ends)

    @property
    def result(self) -> list[Value]:
        """See `Node`."""
        return [one.result for one in self.cells]


@dataclass(frozen=True)
class Call(Node):
    """A function with its arguments."""

    name: str
    arguments: tuple[Node, ...]

    def text(self, sheet: str) -> str:
        """See `Node`."""
        return f"{self.name}({','.join(one.text(sheet) for one in self.arguments)})"

    @property
    def result(self) -> Value:
        """See `Node`."""
        return _FUNCTIONS[self.name]([one.result for one in self.arguments])


@dataclass(frozen=True)
class Operation(Node):
    """Two parts with an operator between them; of ranges, row by row."""

    sign: str
    left: Node
    right: Node

    def text(self, sheet: str) -> str:
        """See `Node`."""
        return f"({self.left.text(sheet)}{self.sign}{self.right.text(sheet)})"

    @property
    def result(self) -> Result:
        """See `Node`."""
        left, right = self.left.result, self.right.result
        if not isinstance(left, list) and not isinstance(right, list):
            return _operate(self.sign, left, right)
        count = len(left) if isinstance(left, list) else len(right) if isinstance(right, list) else 1
        pairs = zip(_as_list(left, count), _as_list(right, count), strict=True)
        return [_operate(self.sign, one, other) for one, other in pairs]


def call(name: str, *arguments: Node | Decimal | int | str) -> Call:
    """Return a function of these arguments."""
    return Call(name, tuple(map(_node, arguments)))


def op(left: Node | Decimal | int | str, sign: str, right: Node | Decimal | int | str) -> Operation:
    """Return an operation of two parts."""
    return Operation(sign, _node(left), _node(right))


def joined(sign: str, parts: Sequence[Node]) -> Node:
    """Return parts with an operator between them, from left to right. There must be one."""
    found = parts[0]
    for part in parts[1:]:
        found = Operation(sign, found, part)
    return found


def total(parts: Sequence[Node]) -> Node:
    """Return the sum of parts; that of none is 0."""
    sums = [call("SUM", *parts[at : at + MOST_ARGUMENTS]) for at in range(0, len(parts), MOST_ARGUMENTS)]
    return joined("+", sums) if sums else Number(0)


def _node(part: Node | Decimal | int | str) -> Node:
    if isinstance(part, Node):
        return part
    return Phrase(part) if isinstance(part, str) else Number(part)


def _prefix(sheet: str, seen_from: str) -> str:
    return "" if sheet == seen_from else "'" + sheet.replace("'", "''") + "'!"


def _as_list(value: Result, count: int) -> list[Value]:
    return value if isinstance(value, list) else [value] * count


def _flat(values: Sequence[Result]) -> list[Value]:
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def _figure(value: Value) -> float:
    """Return a value that is reckoned with: an empty cell is 0, a text is an error in a spreadsheet."""
    if isinstance(value, str):
        raise TypeError("a text in a sum")
    return value or 0.0


def _compare(left: Value, right: Value) -> int:
    """Return how two values stand to each other; a text comes after every figure."""
    if left is None:
        left = "" if isinstance(right, str) else 0.0
    if right is None:
        right = "" if isinstance(left, str) else 0.0
    if isinstance(left, str) and isinstance(right, str):
        one, two = left.casefold(), right.casefold()
        return (one > two) - (one < two)
    if isinstance(left, str) or isinstance(right, str):
        return 1 if isinstance(left, str) else -1
    return (left > right) - (left < right)


_COMPARISONS: Mapping[str, Callable[[int], bool]] = {
    "=": lambda found: found == 0,
    "<>": lambda found: found != 0,
    ">": lambda found: found > 0,
    "<": lambda found: found < 0,
    ">=": lambda found: found >= 0,
    "<=": lambda found: found <= 0,
}


def _operate(sign: str, left: Value, right: Value) -> Value:
    if sign == "&":
        return f"{left or ''}{right or ''}"
    if sign in _COMPARISONS:
        return float(_COMPARISONS[sign](_compare(left, right)))
    one, two = _figure(left), _figure(right)
    match sign:
        case "+":
            return one + two
        case "-":
            return one - two
        case "*":
            return one * two
        case "/":
            return one / two
    raise ValueError(sign)


def _rounded(values: Sequence[Result], mode: str) -> float:
    value, places = (_figure(one) for one in _flat(values))
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-int(places)), rounding=mode))


def _numbers(values: Sequence[Result]) -> list[float]:
    """The figures among values: a function of many takes no notice of texts and of empty cells."""
    return [one for one in _flat(values) if isinstance(one, (int, float))]


def _if(values: Sequence[Result]) -> Value:
    condition, yes, no = _flat(values)
    return yes if _figure(condition) else no


_FUNCTIONS: Mapping[str, Callable[[Sequence[Result]], Value]] = {
    "SUM": lambda values: float(sum(_numbers(values))),
    "SUMPRODUCT": lambda values: float(sum(_numbers(values))),
    "MIN": lambda values: float(min(_numbers(values), default=0)),
    "MAX": lambda values: float(max(_numbers(values), default=0)),
    "COUNT": lambda values: float(len(_numbers(values))),
    "AND": lambda values: float(all(_figure(one) for one in _flat(values))),
    "OR": lambda values: float(any(_figure(one) for one in _flat(values))),
    "IF": _if,
    "ROUND": lambda values: _rounded(values, ROUND_HALF_UP),
    "ROUNDUP": lambda values: _rounded(values, ROUND_UP),
    "ROUNDDOWN": lambda values: _rounded(values, ROUND_DOWN),
}
"""What the functions give; SUMPRODUCT is used with one range only."""
