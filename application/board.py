"""The city board and the register of deviations over all cycles, for one visitor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from application.visits import Visitor
from i18n import _
from i18n.messages import day, word
from projections.board import glance
from projections.board_table import Board

WAIT_S = 1.0
"""Seconds that a page waits at most for what its visitor has just entered."""


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
    late: tuple[LateTask, ...]
    open_deviations: int
    remarks: int
    asked: tuple[tuple[str, str, str], ...]
    """Extensions that were asked for: unit, its name, duty."""
    escalations: tuple[tuple[str, tuple[str, ...]], ...]
    """Escalations that were proposed: duty, names of the units."""
    rehearsed: bool
    filed: bool


def _board_row(line: Mapping[str, Any], now: datetime) -> BoardRow:
    seen, names = glance(dict(line), now), line["names"]
    return BoardRow(
        cycle=line["cycle"],
        cluster=line["cluster"],
        year=line["year"],
        step=line["step"],
        next_due=seen.next_due,
        now=datetime.fromisoformat(line["now"]) if line["now"] else now,
        waiting_for=tuple(names.get(unit, unit) for unit in seen.waiting_for),
        late=tuple(
            LateTask(
                owed["unit"],
                names.get(owed["unit"], owed["unit"]),
                owed["duty"],
                names.get(owed["subject"], owed["subject"] or ""),
                datetime.fromisoformat(owed["due"]),
                _last_reminder(line, owed),
                bool(owed["waits_for"]),
            )
            for owed in seen.overdue
        ),
        open_deviations=line["deviations"]["open"],
        remarks=line["deviations"]["remarks"],
        asked=tuple(
            (one["unit"], names.get(one["unit"], one["unit"]), one["duty"]) for one in line["extensions_asked"]
        ),
        escalations=tuple(
            (one["duty"], tuple(names.get(unit, unit) for unit in one["units"])) for one in line["escalations"]
        ),
        rehearsed=line["rehearsed"],
        filed=line["filed"] is not None,
    )


def _last_reminder(line: Mapping[str, Any], owed: Mapping[str, Any]) -> str:
    reminders = [one for one in line["chased"] if owed["unit"] in one["units"] and one["duty"] == owed["duty"]]
    if not reminders:
        return ""
    last = reminders[-1]
    return _("{when} {how}").format(when=day(last["on"]), how=word("channel", last["channel"]))


async def board_rows(board: Board, visitor: Visitor, year: str | None) -> list[BoardRow]:
    """The rows that the visitor may see: an auditor sees all, the secretariat its own organiser's."""
    now = datetime.now(UTC)
    return [_board_row(line, now) for line in await _lines(board, visitor, year)]


async def _lines(board: Board, visitor: Visitor, year: str | None) -> list[dict[str, Any]]:
    own = "" if visitor.login.account.kind == "auditor" else f"{visitor.unit}/"
    return [line for line in await board.lines(year) if line["cycle"].startswith(own)]


async def deviation_rows(board: Board, visitor: Visitor, year: str | None) -> list[dict[str, Any]]:
    """The register of deviations over all cycles that the visitor may see, as JSON values."""
    rows = []
    for line in await _lines(board, visitor, year):
        for one in line["found"]:
            about = one["facts"].get("unit") or one["facts"].get("subject") or ""
            rows.append(
                {
                    "cycle": line["cycle"],
                    "cluster": line["cluster"],
                    "year": line["year"],
                    "key": one["key"],
                    "what": word("deviation", one["code"]),
                    "article": one["article"] or "",
                    "on": one["on"] or "",
                    "unit": line["names"].get(about, about),
                    "state": _("settled")
                    if one["settled"]
                    else _("acknowledged")
                    if one["acknowledged"]
                    else _("open"),
                    "rehearsed": line["rehearsed"],
                }
            )
    return rows


async def wait_until_reached(board: Board, position: int) -> None:
    """Wait until the board holds everything up to a position of the ledger, `WAIT_S` seconds at most."""
    end = asyncio.get_running_loop().time() + WAIT_S
    while not await board.has_reached(position):
        if asyncio.get_running_loop().time() > end:
            return
        await asyncio.sleep(0.05)
