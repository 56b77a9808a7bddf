"""The city board, the late units and the register of deviations over all cycles, for one visitor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from application.downloads import Cell, Table, day_cell, table_of
from application.extension_requests import ExtensionRequest
from application.visits import Visitor
from domain.dates import from_iso
from domain.deviations import Deviation
from domain.times import day_ending
from i18n import _
from i18n.messages import day, word
from i18n.sorting import folded
from i18n.state_text import deviation_told
from i18n.words import WORDS
from ledger.paging import ALL_ROWS, Paged, PageRequest
from projections.board import glance, title_of
from projections.board_lines import BoardLines, DeviationFilter, DeviationState, LateFilter, LineFilter
from vault.texts import Texts


@dataclass(frozen=True, slots=True)
class LateTask:
    """An obligation that a unit has not done in time."""

    unit: str
    name: str
    duty: str
    subject: str
    due: datetime
    asked: str
    """How and when the unit was last reminded by hand, in words."""
    waits: bool
    """Another unit must act first: a reminder would not help."""
    asked_until: date | None
    """The day until which the unit has asked for more time, and has no answer."""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A cluster as the board shows it."""

    cycle: str
    cluster: str
    year: int
    step: str
    next_due: datetime | None
    now: datetime
    waiting_for: tuple[str, ...]
    line: Mapping[str, Any]
    overdue: tuple[Mapping[str, Any], ...]
    """Its line, and what is overdue on it: `late_tasks` says it in words."""
    open_deviations: int
    remarks: int
    asked: tuple[ExtensionRequest, ...]
    """Extensions that were asked for and not answered yet."""
    escalations: tuple[tuple[str, tuple[str, ...]], ...]
    """Escalations that were proposed: duty, names of the units."""
    rehearsed: bool
    filed: bool

    def late_tasks(self, most: int | None = None) -> tuple[LateTask, ...]:
        """The overdue tasks, or the first of them: a row of an old year can have hundreds."""
        return tuple(_late_task(self.line, owed) for owed in self.overdue[:most])


def _board_row(line: Mapping[str, Any], now: datetime, texts: Mapping[str, str]) -> BoardRow:
    seen, names = glance(dict(line), now), line["names"]
    return BoardRow(
        cycle=line["cycle"],
        cluster=title_of(line),
        year=line["year"],
        step=line["step"],
        next_due=seen.next_due,
        now=own_now(line, now),
        waiting_for=tuple(names.get(unit, unit) for unit in seen.waiting_for),
        line=line,
        overdue=seen.overdue,
        open_deviations=line["deviations"]["open"],
        remarks=line["deviations"]["remarks"],
        asked=tuple(request_on(line, one, texts) for one in line["extensions_asked"]),
        escalations=tuple(
            (one["duty"], tuple(names.get(unit, unit) for unit in one["units"])) for one in line["escalations"]
        ),
        rehearsed=line["rehearsed"],
        filed=line["filed"] is not None,
    )


def request_on(line: Mapping[str, Any], asked: Mapping[str, Any], texts: Mapping[str, str]) -> ExtensionRequest:
    """A request on a line; `texts` has its reason."""
    unit, duty = asked["unit"], asked["duty"]
    dues = [one["due"] for one in line["open"] if (one["unit"], one["duty"]) == (unit, duty) and one["due"]]
    return ExtensionRequest(
        unit,
        line["names"].get(unit, unit),
        duty,
        date.fromisoformat(asked["until"]),
        texts.get(asked["reason"], "…"),
        datetime.fromisoformat(min(dues)) if dues else None,
        duty in line["closed"],
    )


async def reasons_on(texts: Texts, lines: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The reasons of the requests on some lines, by digest."""
    return await texts.get({one["reason"] for line in lines for one in line["extensions_asked"]})


def own_now(line: Mapping[str, Any], now: datetime) -> datetime:
    """The business time of a cycle: that of its own clock, or the real one."""
    return datetime.fromisoformat(line["now"]) if line["now"] else now


def _late_task(line: Mapping[str, Any], owed: Mapping[str, Any]) -> LateTask:
    names = line["names"]
    return LateTask(
        owed["unit"],
        names.get(owed["unit"], owed["unit"]),
        owed["duty"],
        names.get(owed["subject"], owed["subject"] or ""),
        datetime.fromisoformat(owed["due"]),
        _last_reminder(line, owed),
        bool(owed["waits_for"]),
        _asked_until(line, owed),
    )


def _asked_until(line: Mapping[str, Any], owed: Mapping[str, Any]) -> date | None:
    asked = (one for one in line["extensions_asked"] if (one["unit"], one["duty"]) == (owed["unit"], owed["duty"]))
    return next((date.fromisoformat(one["until"]) for one in asked), None)


def _last_reminder(line: Mapping[str, Any], owed: Mapping[str, Any]) -> str:
    reminders = [one for one in line["chased"] if owed["unit"] in one["units"] and one["duty"] == owed["duty"]]
    if not reminders:
        return ""
    last = reminders[-1]
    return _("{when} {how}").format(when=day(last["on"]), how=word("channel", last["channel"]))


@dataclass(frozen=True, slots=True)
class LateUnit:
    """An overdue obligation with the cycle that it is in. `now` is the business time of the cycle."""

    cycle: str
    cluster: str
    year: int
    now: datetime
    task: LateTask


def organiser_of(visitor: Visitor) -> str | None:
    """Whose cycles the visitor sees on the board: an auditor all (None), the secretariat its own organiser's."""
    return None if visitor.login.account.kind == "auditor" else visitor.unit


async def board_page(
    board: BoardLines, texts: Texts, visitor: Visitor, wanted: LineFilter, asked: PageRequest = ALL_ROWS
) -> Paged[BoardRow]:
    """The rows of the board that fit, as far as the visitor may see them."""
    now = datetime.now(UTC)
    found = await board.board_page(replace(wanted, organiser=organiser_of(visitor)), now, asked)
    reasons = await reasons_on(texts, found.rows)
    return found.map(lambda line: _board_row(line, now, reasons))


def board_tables(rows: Sequence[BoardRow]) -> tuple[Table, Table]:
    """Rows of the board, and the overdue tasks that they name, for a spreadsheet."""
    days = {day_ending(row.now) for row in rows}
    above = tuple(_("As of {day}").format(day=day(one)) for one in days if len(days) == 1)
    lines: list[dict[str, Cell]] = [
        {
            "cluster": row.cluster,
            "year": row.year,
            "head": row.line["names"].get(row.line["head"] or "", ""),
            "step": word("step", row.step),
            "next_deadline": day_ending(row.next_due) if row.next_due else None,
            "waiting_for": "; ".join(row.waiting_for),
            "overdue": len(row.overdue),
            "deviations": row.open_deviations,
            "extensions_asked": "; ".join(
                _("{unit}: {duty}, until {day}. {reason}").format(
                    unit=one.name, duty=word("duty", one.duty), day=day(one.until), reason=one.reason
                )
                for one in row.asked
            ),
            "how_sure": _how_sure(row.rehearsed),
        }
        for row in rows
    ]
    late: list[dict[str, Cell]] = [
        {
            "cluster": row.cluster,
            "year": row.year,
            "unit": one.name,
            "task": word("duty", one.duty),
            "about": one.subject,
            "due": day_ending(one.due),
            "days_late": (day_ending(row.now) - day_ending(one.due)).days,
            "reminded": one.asked,
            "how_sure": _how_sure(row.rehearsed),
        }
        for row in rows
        for one in row.late_tasks()
    ]
    board, overdue = _("City board"), _("Overdue tasks")
    return (
        table_of(board, _BOARD_COLUMNS, lines, (board, *above)),
        table_of(overdue, _LATE_COLUMNS, late, (overdue, *above)),
    )


_BOARD_COLUMNS = (
    *("cluster", "year", "head", "step", "next_deadline", "waiting_for", "overdue", "deviations", "extensions_asked"),
    "how_sure",
)
_LATE_COLUMNS = ("cluster", "year", "unit", "task", "about", "due", "days_late", "reminded", "how_sure")


def _how_sure(rehearsed: bool) -> str:
    return word("sureness", "rehearsed" if rehearsed else "stated")


async def count_clusters(board: BoardLines, visitor: Visitor, year: str | None) -> int:
    """How many rows the board has for the visitor, in a year or in all."""
    return await board.count(LineFilter(organiser_of(visitor), year), datetime.now(UTC))


async def rows_of(board: BoardLines, texts: Texts, visitor: Visitor, streams: Sequence[str]) -> dict[str, BoardRow]:
    """The rows of some cycles, by stream, as far as the visitor may see them."""
    now, lines = datetime.now(UTC), await board.lines_of(streams, organiser_of(visitor))
    reasons = await reasons_on(texts, lines.values())
    return {stream: _board_row(line, now, reasons) for stream, line in lines.items()}


async def late_page(
    board: BoardLines, visitor: Visitor, wanted: LateFilter, asked: PageRequest
) -> tuple[Paged[LateUnit], int]:
    """The overdue obligations that fit, as far as the visitor may see them, and of how many units they are.

    They come in the order of the board.
    """
    now, seen = datetime.now(UTC), replace(wanted, organiser=organiser_of(visitor))
    found, units = await board.late_page(seen, now, asked), await board.count_late_units(seen, now)
    late = found.map(
        lambda one: LateUnit(one[0]["cycle"], title_of(one[0]), one[0]["year"], own_now(one[0], now), _late_task(*one))
    )
    return late, units


@dataclass(frozen=True, slots=True)
class DeviationQuery:
    """Which deviations: of a year, in a state (its code, or the word for it), with words."""

    year: str | None = None
    state: str = ""
    words: str = ""


STATES: tuple[DeviationState, ...] = ("open", "acknowledged", "settled")


def state_words() -> dict[DeviationState, str]:
    """The word for each state of a deviation."""
    return {"open": _("open"), "acknowledged": _("acknowledged"), "settled": _("settled")}


async def deviations_page(
    board: BoardLines, texts: Texts, visitor: Visitor, query: DeviationQuery, asked: PageRequest = ALL_ROWS
) -> Paged[dict[str, Any]]:
    """The register of deviations over all cycles that the visitor may see, as JSON values."""
    states = state_words()
    state = next((one for one in STATES if query.state in {one, states[one]}), None)
    if query.state and state is None:
        return Paged.of((), asked)
    names = {code: folded(word("deviation", code)) for code in WORDS["deviation"].words} if query.words else None
    wanted = DeviationFilter(organiser_of(visitor), query.year, state, folded(query.words), names)
    found = await board.deviations_page(wanted, asked)
    reasons = await texts.get({reason for one in found.rows if (reason := one.found.get("reason"))})
    return found.map(
        lambda one: {
            "cycle": one.cycle,
            "cluster": one.cluster,
            "year": one.year,
            "key": one.found["key"],
            "what": deviation_told(found_deviation(one.found), {**one.names, **one.found.get("titles", {})}),
            "article": one.found["article"] or "",
            "on": one.found["on"] or "",
            "unit": one.unit,
            "state": states[one.state],
            "reason": reasons.get(one.found.get("reason") or "", ""),
            "rehearsed": one.rehearsed,
        }
    )


def found_deviation(found: Mapping[str, Any]) -> Deviation:
    """A deviation as a projection holds it."""
    on = from_iso(found["on"]) if found["on"] else None
    return Deviation(found["key"], found["code"], found["article"], on, found["facts"], settled=found["settled"])


def deviations_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of `deviations_page` for a spreadsheet."""
    told: list[dict[str, Cell]] = [
        {
            **row,
            "on": day_cell(day(row["on"])) if row["on"] else None,
            "how_sure": _how_sure(row["rehearsed"]),
        }
        for row in rows
    ]
    columns = ("cluster", "year", "what", "article", "on", "unit", "state", "reason", "how_sure")
    return table_of(_("Deviations from the rules"), columns, told)


async def count_deviations(board: BoardLines, visitor: Visitor, year: str | None) -> int:
    """How many deviations the register has for the visitor, in a year or in all."""
    return await board.count_deviations(DeviationFilter(organiser_of(visitor), year))
