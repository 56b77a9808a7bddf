"""A score grid as it stands: the register's sheets with what was typed since, shared by all who may enter the act."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

from pydantic_core import PydanticCustomError
from starlette.datastructures import FormData

from accounts.shared_drafts import VALUE_CHARACTERS, SharedCell
from application.fields import unusable_text
from application.pasted_text import Changes, clean_text
from application.score_grid import ScoreGrid, UnitFigures
from application.score_sheets import most_points
from application.typed_sheets import EVIDENCE, MET, REASON, TypedSheet
from application.work import of_many
from errors import CodedError, InputError
from i18n import _, ngettext
from i18n.cleaning import cleaning_notes
from i18n.messages import day, number, sentence
from ledger.paging import Paged, PageRequest
from web import urls
from web.act_form import error_text
from web.error_answers import printable, unstorable_text
from web.render import clock_time
from web.services import Services

CELLS_ON_PAGE = 1_500
"""So many cells a page has at most, unless one unit alone has more."""

UNITS_ON_PAGE = 25

MINE = "_mine"
"""The button that keeps one's own value in a conflict: its value is the cell's path, a blank, and the value."""

_CELLS_OF_A_PIECE = 4
"""So many cells take as long as one event of a cycle."""


@dataclass(frozen=True)
class OpenGrid:
    """A grid with its draft: `saved` were typed at any time, `recorded` stand in the register, both by path.

    `unkept` were sent just now and cannot be kept: the page shows them, and nothing follows from them.
    """

    grid: ScoreGrid
    draft: str
    saved: Mapping[str, SharedCell]
    recorded: Mapping[str, str]
    unkept: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def cells(self) -> Mapping[str, SharedCell]:
        """What was typed and not sent, by path."""
        return {path: one for path, one in self.saved.items() if not one.sent}

    @property
    def person(self) -> str:
        """Who fills it in."""
        return self.grid.cycle.visitor.contact.id

    @property
    def revision(self) -> int:
        """The revision of the cell that was saved last; 0 where none was."""
        return max((one.revision for one in self.saved.values()), default=0)

    @cached_property
    def values(self) -> Mapping[str, str]:
        """What each cell holds; cells that hold nothing are left out."""
        typed = {path: one.value for path, one in self.cells.items()}
        return {path: value for path, value in {**self.recorded, **typed}.items() if value}

    def text_of(self, path: str) -> str:
        """What the page shows in a cell."""
        return self.unkept.get(path, self.values.get(path, ""))

    @cached_property
    def touched(self) -> frozenset[str]:
        """The units for which something was typed that the register does not have."""
        changed = (path for path, one in self.cells.items() if one.value != self.recorded.get(path, ""))
        return frozenset(path.partition(".")[0] for path in changed)

    @cached_property
    def typed(self) -> Mapping[str, TypedSheet]:
        """The sheets as they were typed, by unit."""
        return self.grid.typed(self.values)

    @cached_property
    def figures(self) -> Mapping[str, UnitFigures]:
        """What follows from the cells, by unit."""
        return self.grid.figures(self.typed, self.touched)

    async def settle(self) -> None:
        """Work out what follows from the cells: beside the event loop, where there are many."""
        await of_many(len(self.grid.units) * len(self.grid.criteria) // _CELLS_OF_A_PIECE, lambda: self.figures)

    def sheets(self, units: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
        """The sheets of units as their acts take them: a row for each criterion in which something was typed."""
        return {unit: [{"criterion": name, **row} for name, row in self.typed[unit].rows.items()] for unit in units}

    def ready(self, shown: Iterable[str]) -> tuple[str, ...]:
        """Those of some units whose sheets can be entered."""
        return tuple(unit for unit in shown if self.figures[unit].ready)

    def mark(self, shown: Iterable[str]) -> str:
        """A digest of what would be entered for some units; "" where that is nothing."""
        sheets = self.sheets(self.ready(shown))
        return sha256(json.dumps(sheets, sort_keys=True).encode()).hexdigest()[:32] if sheets else ""

    def changes(self, posted: Mapping[str, str]) -> dict[str, str]:
        """Those of the posted cells that hold something else by now."""
        return {path: value for path, value in posted.items() if value != self.values.get(path, "")}

    def proposed(self, what: str, shown: Iterable[str]) -> dict[str, str]:
        """What earlier rounds propose: for one cell, or for the empty ones of a unit, or of all shown units."""
        unit, dot, _rest = what.partition(".")
        if dot:
            found = self.grid.proposed(unit) if unit in self.grid.units else {}
            return {path: value for path, value in found.items() if path.startswith(f"{what}.")}
        units = [one for one in shown if what in {one, "all"}]
        found = {path: value for one in units for path, value in self.grid.proposed(one).items()}
        return {path: value for path, value in found.items() if path not in self.values}

    def shown(self, unit: str, page: int) -> Paged[str]:
        """The units of a page; only one where it is named."""
        if unit in self.grid.units:
            return Paged.of((unit,), PageRequest(1, 1))
        most = max(1, CELLS_ON_PAGE // max(1, len(self.grid.columns)))
        return Paged.of(self.grid.units, PageRequest(page, min(UNITS_ON_PAGE, most)))


async def open_grid(services: Services, grid: ScoreGrid, unkept: Mapping[str, str] | None = None) -> OpenGrid:
    """Open a grid with what was typed and not sent."""
    name = draft_name(grid)
    saved = {one.path: one for one in await services.shared.cells(name) if one.path in grid.paths}
    texts = await services.application.texts.get(grid.own_reasons)
    return OpenGrid(grid, name, saved, grid.recorded(texts), unkept or {})


def draft_name(grid: ScoreGrid) -> str:
    """The name of a grid's draft: all who enter the act for the visitor's unit share it."""
    return f"{urls.grid_url(grid.cycle.stream, grid.round)} {grid.cycle.visitor.unit}"


@dataclass(frozen=True, slots=True)
class PostedCells:
    """The cells that a form holds, as they are kept, and what was changed in pasted texts, in sentences.

    `unkept` are cells whose text cannot be kept, as they were typed, `faults` why, in sentences; both by path.
    """

    cells: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unkept: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def posted_cells(grid: ScoreGrid, form: FormData, body: Mapping[str, str]) -> PostedCells:
    """Read the cells of a form, and the one that a button keeps with one's own value (`MINE`).

    One that cannot be kept does not hold up the others.
    """
    found = PostedCells()
    mine, _blank, own = body.get(MINE, "").partition(" ")
    for path in grid.paths.intersection([*body, mine]):
        name = path.rpartition(".")[2]
        value = (own if path == mine else body[path]).replace("\r\n", "\n").strip()
        if name == MET and path != mine:
            value = "\n".join(str(one) for one in form.getlist(path) if one)
        try:
            found.cells[path], changes = _kept(name, value)
        except InputError as error:
            found.unkept[path] = printable(value)
            found.faults[path] = sentence(error.code, error.facts)
        else:
            found.notes.extend(cleaning_notes({name: changes}) if changes else ())
    return found


def _kept(name: str, value: str) -> tuple[str, Changes]:
    """A cell's text as it is kept, and what was changed in it.

    Raises:
        InputError: `unstorable_text`, `bad_character`, `text_too_long`.
    """
    if len(value) > VALUE_CHARACTERS:
        raise InputError("text_too_long", found=len(value), most=VALUE_CHARACTERS)
    if (unstorable := unstorable_text(value)) is not None:
        raise unstorable
    if name not in {EVIDENCE, REASON}:
        return value, {}
    try:
        clean = clean_text(value)
    except PydanticCustomError as error:
        raise unusable_text(error, name) from None
    return clean.text, clean.changes


def state_of(opened: OpenGrid, shown: Iterable[str], since: int, names: Mapping[str, str]) -> dict[str, Any]:
    """What a script shows anew: the cells that were saved since a revision, and what follows for all units."""
    units = tuple(shown)
    later = [one for one in opened.saved.values() if one.revision > since]
    return {
        "revision": opened.revision,
        "version": len(opened.grid.cycle.history),
        "saved": saved_sign(),
        "mark": opened.mark(units),
        "bar": bar_text(opened, units),
        "button": button_text(opened, units),
        "ready": ready_lines(opened, units),
        "reasons": reasons_mark(opened, units),
        "units": {unit: _unit_state(opened.figures[unit], told=opened.grid.reads_earlier) for unit in units},
        "cells": [
            {
                "path": one.path,
                "value": opened.values.get(one.path, "") if one.sent else one.value,
                "mine": one.person == opened.person,
                "text": _("{person} wrote {value} at {time}: {where}").format(
                    person=names.get(one.person, _("Somebody")),
                    value=shown_value(one.value),
                    time=clock_time(one.at),
                    where=opened.grid.where(one.path),
                ),
            }
            for one in sorted(later, key=lambda one: one.revision)
        ],
    }


def _unit_state(one: UnitFigures, *, told: bool) -> dict[str, Any]:
    """What follows from a unit's sheet; `told`: the visitor may know which values differ from earlier rounds."""
    return {
        "total": "-" if one.total is None else number(one.total),
        "count": count_text(one),
        "rank": str(one.rank or "-"),
        "class": one.class_ or "-",
        "spread": "-" if one.spread is None else number(one.spread),
        "problems": one.problems,
        "differing": one.differing if told else (),
        "unexplained": one.unexplained,
    }


def count_text(one: UnitFigures) -> str:
    """How much of a sheet is filled in; "" of a whole one."""
    if one.complete:
        return ""
    return ngettext("{filled} of {count} criterion", "{filled} of {count} criteria", one.of).format(
        filled=one.filled, count=one.of
    )


def shown_value(value: str) -> str:
    """A cell's value in a sentence."""
    return f"“{value}”" if value else _("nothing")


def saved_sign(at: datetime | None = None) -> str:
    """That everything is saved, and when; now where no time is named."""
    return _("✓ saved at {time}").format(time=clock_time(at))


def bar_text(opened: OpenGrid, shown: Iterable[str]) -> str:
    """What would be recorded, and what is not ready, in one line."""
    figures = [opened.figures[unit] for unit in shown]
    if len(figures) == 1 and not figures[0].ready and figures[0].unit not in opened.touched:
        recorded = opened.grid.cycle.readable_state().scores.get((figures[0].unit, opened.grid.round))
        if recorded is not None:
            text = _("Entered into the register on {day}, act number {number}")
            return text.format(day=day(recorded.when), number=recorded.version)
    begun = [one for one in figures if one.unit in opened.touched and not one.ready]
    wrong = sum(len(one.problems) for one in figures)
    unexplained = sum(len(one.unexplained) for one in begun)
    ready = sum(one.ready for one in figures)
    if len(opened.grid.units) == 1 and opened.grid.round == "self":  # who fills in one sheet counts its criteria
        text = ngettext(
            "{filled} of {count} criterion filled in", "{filled} of {count} criteria filled in", figures[0].of
        )
        told = [text.format(filled=figures[0].filled, count=figures[0].of)]
    else:
        told = [
            ngettext("{count} unit is ready", "{count} units are ready", ready).format(count=ready),
            ngettext("{count} begun", "{count} begun", len(begun)).format(count=len(begun)) if begun else "",
        ]
    parts = [
        *told,
        ngettext("{count} wrong cell", "{count} wrong cells", wrong).format(count=wrong) if wrong else "",
        ngettext("{count} change without a reason", "{count} changes without a reason", unexplained).format(
            count=unexplained
        )
        if unexplained
        else "",
    ]
    return " · ".join(part for part in parts if part)


def button_text(opened: OpenGrid, shown: Iterable[str]) -> str:
    """The words of the button that enters what is ready."""
    count = len(opened.ready(shown))
    if not count:
        return _("Enter into the register")
    return ngettext("Enter {count} unit into the register", "Enter {count} units into the register", count).format(
        count=count
    )


def ready_lines(opened: OpenGrid, shown: Iterable[str]) -> list[str]:
    """What would be entered: each unit whose sheet is ready, with its total, and how many values were changed."""
    found = []
    for unit in opened.ready(shown):
        one = opened.figures[unit]
        name = opened.grid.cycle.names.get(unit, "")
        most, total = most_points(opened.grid.cycle, unit), "-" if one.total is None else number(one.total)
        text = _("{unit}: {total} points") if most is None else _("{unit}: {total} of {most} points")
        told = text.format(unit=name, total=total, most=None if most is None else number(most))
        changed = len(one.differing) if opened.grid.reads_earlier else 0
        more = ngettext("{count} value changed", "{count} values changed", changed).format(count=changed)
        found.append(f"{told}, {more}" if changed else told)
    return found


def reasons_mark(opened: OpenGrid, shown: Iterable[str]) -> str:
    """Tells a script whether its list of changes that need a reason is the one of now."""
    return " ".join(f"{unit}.{name}" for unit in shown for name in opened.figures[unit].differing)


def wrong_cells(opened: OpenGrid, shown: Iterable[str]) -> list[tuple[str, str]]:
    """What keeps begun sheets from being entered: the cell's path, and what is wrong with it."""
    found: dict[str, str] = {}
    for unit in shown:
        one = opened.figures[unit]
        found |= one.problems
        if one.ready or unit not in opened.touched:
            continue
        for name in one.missing if opened.grid.needs_all else ():
            found.setdefault(opened.grid.first_path(unit, name), _("no points yet"))
        for name in one.unexplained:
            found[f"{unit}.{name}.{REASON}"] = _("a reason is missing for the change")
    return list(found.items())


def refused_unit(error: CodedError, units: Sequence[str]) -> str:
    """The unit whose sheet a refusal is about; "" where it is about none."""
    index = getattr(error, "index", None)
    return units[index] if index is not None and index < len(units) else ""


def error_told(opened: OpenGrid, error: CodedError, units: Sequence[str]) -> str:
    """The sentence of an error; a refusal of one sheet names its unit."""
    text, unit = error_text(error, opened.grid.cycle), refused_unit(error, units)
    return f"{opened.grid.cycle.names.get(unit, '')}: {text}" if unit else text
