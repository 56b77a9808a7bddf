"""A table of criteria as offices have it, read into an edition's criteria, with what is wrong by its cell.

Groups come from the numbering or the indents (`criteria_numbering`), bonus and penalty lines from their column, their
heading or a minus. What a table has no column for stays as it was of a criterion that the edition has already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from textwrap import shorten
from typing import Any

from pydantic_core import PydanticCustomError
from xlsxwriter.utility import xl_rowcol_to_cell

from application.criteria_columns import (
    CELLS,
    GROUP,
    MOST,
    NUMBER,
    PART,
    TABLE,
    TITLE,
    UNITS,
    WAY,
    CellError,
    CriteriaColumn,
    read_part,
    read_points,
    read_way,
)
from application.criteria_numbering import Outline, split_number
from application.edition_checks import nodes_of
from application.edition_texts import Values
from application.pasted_text import clean_text
from application.table_columns import UNUSED, Head, find_head
from application.tables import MOST_CHARS, Rows
from domain import limits
from domain.numbers import whole_number
from errors import InputError
from i18n import _, ngettext
from i18n.messages import problem_in_words, word
from i18n.sorting import folded

_TOTAL = ("tong cong", "tong diem", "cong tong", "tong so diem", "tong so")
_BONUS = ("diem thuong", "diem cong", "thuong diem", "cong diem", "tieu chi thuong", "tieu chi cong")
_PENALTY = ("diem tru", "tru diem", "tieu chi tru", "cac truong hop tru")
_ALWAYS = frozenset({"id", "number", "title", "max", "part", "children"})
_MOST_FAULTS = 40
_HERE_CHARS = 40


@dataclass
class CriteriaTable:
    """What a table holds. Nothing of it is used while there are `faults`.

    `total` is the total that its last line states; None: it has none. `kept` is how many criteria were known.
    """

    head: Head
    criteria: list[Values] = field(default_factory=list)
    total: Any = None
    faults: list[InputError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    count: int = 0
    kept: int = 0

    @property
    def is_total_without_bonus(self) -> bool:
        """Whether the total of the last line is nearer to the points without bonus than to those with it."""
        points = dict.fromkeys(("base", "bonus"), Decimal(0))
        for top in self.criteria:
            if (part := top.get("part", "base")) in points:
                points[part] += Decimal(str(top.get("max", 0)))
        total, base = Decimal(str(self.total or 0)), points["base"]
        return bool(points["bonus"]) and abs(total - base) <= abs(total - base - points["bonus"])


def read_criteria(
    rows: Rows, choices: Mapping[int, str], before: Mapping[str, Any], names: Mapping[str, str]
) -> CriteriaTable:
    """Return what the rows of a table hold. `before` is the edition as it is, `names` are those of units, by id.

    Raises:
        InputError: `table_empty`; `table_head`: no column holds the criteria.
    """
    if not any(rows):
        raise InputError("table_empty", "table")
    head = find_head(TABLE, rows, choices)
    if head.missing:
        raise InputError("table_head", "table", missing=", ".join(head.missing))
    return _CriteriaReading(head, before, names).read(rows)


class _CriteriaReading:
    """The reading of one table, row by row."""

    def __init__(self, head: Head, before: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._table, self._columns, self._outline = CriteriaTable(head), head.indexes(), Outline()
        self._units = {folded(name): unit for unit, name in names.items()}
        self._known = dict[tuple[str, ...], list[Values]]()
        for _place, _depth, node in nodes_of(before):
            for child in (one for one in node.get("children") or () if isinstance(one, Mapping)):
                self._known.setdefault((_plain(node, "title"), *_named(child)), []).append(dict(child))
            self._known.setdefault(_named(node), []).append(node)
            self._known.setdefault(_named(node)[1:], []).append(node)
        self._taken = set[str]()
        self._ids = {str(node.get("id")) for _place, _depth, node in nodes_of(before)}
        self._open: list[Values] = []
        self._group = ""
        self._numbered = False
        self._here = ""
        """The beginning of the row that is read, by which a person finds it."""

    def read(self, rows: Rows) -> CriteriaTable:
        """Read all rows under the head; lines count from 1."""
        table = self._table
        used: set[str] = set()
        for line, row in enumerate(rows[table.head.line :], start=table.head.line + 1):
            if len(table.faults) >= _MOST_FAULTS:
                break
            if any(cell.strip() for cell in row) and not table.head.repeated_in(row):
                self._row(line, row)
        for _place, _depth, node in nodes_of({"criteria": table.criteria}):
            table.count += 1
            if "id" in node and str(node["id"]) in used:
                node.pop("id")
            used.add(str(node.get("id", "")))
        self._give_ids(used)
        if table.count > limits.CRITERIA_PER_EDITION:
            table.faults.append(InputError("criteria_too_many", "table", most=limits.CRITERIA_PER_EDITION))
        if not table.count and not table.faults:
            table.faults.append(InputError("criteria_none", "table"))
        self._note_columns()
        table.faults[_MOST_FAULTS:] = []
        return table

    def _note_columns(self) -> None:
        """Tell which columns are missing or were not read."""
        table = self._table
        if MOST not in self._columns:
            table.notes.append(_("The table has no column of points: every maximum is unknown."))
        for column in table.head.unknown:
            told = _("The column “{title}” was not read: nobody knows what it holds. Choose it below if it matters.")
            table.notes.append(told.format(title=column.title[:60]))
        if unused := [column.title[:60] for column in table.head.columns if column.title and column.column == UNUSED]:
            table.notes.append(_("Columns that are not taken in: {titles}").format(titles=", ".join(unused)))

    def _give_ids(self, used: set[str]) -> None:
        for place, _depth, node in nodes_of({"criteria": self._table.criteria}):
            if not node.get("id"):
                plain = "-".join(str(number + 1) for number in place)
                found = next(one for one in self._candidates(plain) if one not in used and one not in self._ids)
                used.add(found)
                node["id"] = found
            ordered = {"id": node["id"], **node}
            node.clear()
            node.update(ordered)

    @staticmethod
    def _candidates(plain: str) -> Iterator[str]:
        yield plain
        number = 2
        while True:
            yield f"{plain}-moi{number}"
            number += 1

    # Cells ----------------------------------------------------------------------------------

    def _fault(self, line: int, name: str, what: str) -> None:
        cell = xl_rowcol_to_cell(line - 1, self._columns.get(name, self._columns[TITLE]))
        if self._here:
            self._table.faults.append(InputError("sheet_cell_of", "table", cell=cell, title=self._here, what=what))
        else:
            self._table.faults.append(InputError("sheet_cell", "table", cell=cell, what=what))

    def _cell(self, line: int, row: list[str], name: str) -> str:
        """The clean text of a cell; "" for an empty one and one that cannot be used, which is told."""
        column = self._columns.get(name)
        text = row[column] if column is not None and column < len(row) else ""
        if len(text) >= MOST_CHARS:
            self._fault(line, name, _("the text is too long for a cell; type it on the page"))
            return ""
        try:
            return clean_text(text, one_line=True).text
        except PydanticCustomError as error:
            self._fault(line, name, problem_in_words(error.type, {**(error.context or {}), "line": line}))
            return ""

    def _row(self, line: int, row: list[str]) -> None:
        here = " ".join(
            row[self._columns[name]] for name in (NUMBER, TITLE) if self._columns.get(name, len(row)) < len(row)
        )
        self._here = shorten(here, _HERE_CHARS, placeholder="…")
        number, text = self._cell(line, row, NUMBER), self._cell(line, row, TITLE)
        most, group = self._cell(line, row, MOST), self._cell(line, row, GROUP)
        if not text and number and not most:
            number, text = "", number  # a heading in the first column, over the width of the table
        title = text
        if not number:
            number, title = split_number(text)
        if group and group != self._group:
            self._group, self._outline, self._open = group, Outline(), []
            self._add({"title": group}, 0, line)
        if not title:
            if most or number:
                self._fault(line, TITLE, _("the criterion is missing"))
            return
        if folded(title).startswith(_TOTAL) and not number:
            self._total(line, most)
            return
        indent = len(row[self._columns[TITLE]]) - len(row[self._columns[TITLE]].lstrip(" ")) if text else 0
        depth = self._outline.depth(number, indent) + bool(self._group)
        if depth >= limits.CRITERIA_DEPTH:
            self._fault(line, NUMBER if NUMBER in self._columns else TITLE, _("the groups are nested too deep"))
            return
        above = _plain(self._open[depth - 1], "title") if 0 < depth <= len(self._open) else ""
        node = self._node(line, row, number, title, self._match(above, number, title))
        self._add(node, depth, line)

    def _total(self, line: int, text: str) -> None:
        if text:
            try:
                self._table.total = read_points(text)
            except CellError as error:
                self._fault(line, MOST, str(error))

    def _add(self, node: Values, depth: int, line: int) -> None:
        del self._open[depth:]
        if self._open:
            parent = self._open[-1]
            if "part" not in node and parent.get("part", "base") != "base":
                node["part"] = parent["part"]
            parent.setdefault("children", []).append(node)
            if isinstance(parent.get("way"), Mapping):  # a group takes no points itself
                parent.pop("way")
        else:
            self._table.criteria.append(node)
        if len(node["title"]) > limits.LABEL_CHARS:
            most = limits.LABEL_CHARS
            self._fault(line, TITLE, _("the text has more than {most} characters").format(most=most))
        self._open.append(node)

    def _match(self, above: str, number: str, title: str) -> Values | None:
        """The known criterion that a row is: of the same group, else of the same number, else of the same title."""
        number = "" if number in _BULLETS else number.rstrip(".):/ ")
        named = (folded(number), folded(title))
        for key in ((above, *named), named, named[1:]):
            for one in self._known.get(key, ()):
                if str(one.get("id")) not in self._taken:
                    self._taken.add(str(one.get("id")))
                    return one
        return None

    def _node(self, line: int, row: list[str], number: str, title: str, known: Values | None) -> Values:
        node: Values = {}
        if known is not None:
            self._table.kept += 1
            held = {one.path[0] for one in CELLS if one.name in self._columns} | _ALWAYS
            held |= {"way"} if WAY in self._columns else set()
            node = {name: value for name, value in known.items() if name == "id" or name not in held}
        if number and number not in _BULLETS:
            node["number"] = number.rstrip(".):/ ")
        node["title"] = title
        self._points(line, row, node)
        self._way(line, row, node, known)
        for column in CELLS:
            if (
                column.name in self._columns
                and column.path[0] != "way"
                and (text := self._cell(line, row, column.name))
            ):
                self._put(line, column, node, text)
        return node

    def _points(self, line: int, row: list[str], node: Values) -> None:
        """The kind of points of a row and how many: by its column, its heading, or the sign of its points."""
        part, points = self._part(line, row, node["title"]), None
        if text := self._cell(line, row, MOST):
            try:
                points = read_points(text)
            except CellError as error:
                self._fault(line, MOST, str(error))
        if points is not None and str(points).startswith("-"):
            plain = str(points)[1:]
            whole = whole_number(plain)
            points, part = plain if whole is None else whole, part or "penalty"
            if part != "penalty":
                self._fault(line, MOST, _("points with a minus are for penalties only"))
        if points is not None and not str(points).strip("0."):
            self._fault(line, MOST, _("0 points: leave the cell empty where the maximum is not known"))
        elif points is not None:
            node["max"] = points
        if part:
            node["part"] = part

    def _part(self, line: int, row: list[str], title: str) -> str:
        """The kind of points that a row names in its column, or else by its heading; "" for none."""
        plain = folded(title)
        if text := self._cell(line, row, PART):
            try:
                return read_part(text)
            except CellError as error:
                self._fault(line, PART, str(error))
        return "bonus" if plain.startswith(_BONUS) else "penalty" if plain.startswith(_PENALTY) else ""

    def _way(self, line: int, row: list[str], node: Values, known: Values | None) -> None:
        """The scoring method of a row with its figures; the figures of another method are told."""
        name = ""
        if text := self._cell(line, row, WAY):
            try:
                name = read_way(text)
            except CellError as error:
                self._fault(line, WAY, str(error))
                return
        cells = [(one, text) for one in CELLS if one.path[0] == "way" and (text := self._cell(line, row, one.name))]
        if not name and cells and WAY not in self._columns:
            name = cells[0][0].ways[0]
        if not name and cells and {one.path for one, _text in cells} <= {("way", "step"), ("way", "least")}:
            name = "hand"
        before = known.get("way") if known is not None else None
        before = before if isinstance(before, Mapping) and before.get("way") == name else {}
        held = {one.path[1] for one in CELLS if one.name in self._columns and one.path[0] == "way"}
        way: Values = {"way": name, **{key: value for key, value in before.items() if key not in held | {"way"}}}
        for column, text in cells:
            if name not in column.ways:
                told = ", ".join(word("scoring_method", one) for one in column.ways)
                self._fault(line, column.name, _("this figure is only for the way: {ways}").format(ways=told))
            else:
                self._put(line, column, {"way": way}, text)
        if "conditions" in way and isinstance(before.get("conditions"), list):
            ids = {str(one.get("title")): one.get("id") for one in before["conditions"] if isinstance(one, Mapping)}
            way["conditions"] = [{**one, "id": ids.get(one["title"], one["id"])} for one in way["conditions"]]
        if name and (name != "hand" or len(way) > 1):
            node["way"] = way

    def _put(self, line: int, column: CriteriaColumn, node: Values, text: str) -> None:
        try:
            value = self._units_in(text) if column is UNITS else column.read(text)
        except CellError as error:
            self._fault(line, column.name, str(error))
            return
        inner = node
        for part in column.path[:-1]:
            inner = inner.setdefault(part, {})
        if value not in (False, [], ""):
            inner[column.path[-1]] = value

    def _units_in(self, text: str) -> list[str]:
        found: list[str] = []
        for name in filter(None, (one.strip() for one in text.replace("\n", ";").split(";"))):
            unit = self._units.get(folded(name))
            if unit is None:
                raise CellError(_("no unit is called “{name}”").format(name=name[:60]))
            found.append(unit)
        return found


def _plain(node: Mapping[str, Any], name: str) -> str:
    return folded(str(node.get(name, "")))


def _named(node: Mapping[str, Any]) -> tuple[str, str]:
    return _plain(node, "number"), _plain(node, "title")


_BULLETS = frozenset("-–+•*●▪◦➢✓")


def taken_over(table: CriteriaTable, before: Mapping[str, Any]) -> str:
    """Return in words what a table would change of the criteria of an edition."""
    had = sum(1 for _one in nodes_of(before))
    read = ngettext("{count} line was read.", "{count} lines were read.", table.count).format(count=table.count)
    if not had:
        return read
    told = _("{kept} of them stood in the table of criteria before; {gone} that stood there are not among them.")
    return f"{read} {told.format(kept=table.kept, gone=max(had - table.kept, 0))}"
