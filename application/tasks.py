"""A unit's open tasks in all of its cycles, as task list, calendar and JSON interface give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ledger.paging import ALL_ROWS, Paged, PageRequest
from projections.board import title_of
from projections.board_lines import BoardLines


@dataclass(frozen=True, slots=True)
class TaskCard:
    """One open task of a unit."""

    cycle: str
    cluster: str
    year: int
    duty: str
    subject: str
    """The name of the unit that the task is about; "" where it is about none."""
    subject_id: str
    unit: str
    due: datetime | None
    now: datetime
    extended: bool
    waits_for: tuple[str, ...]
    """Names of the units that must act first."""
    answered: tuple[str, ...]
    """Names of the other members that have done theirs."""
    owed_by: int
    """How many units still owe the same duty."""
    asked: bool
    """The unit has asked for more time."""
    article: str | None
    rehearsed: bool

    @property
    def overdue(self) -> bool:
        """Its time is over."""
        return self.due is not None and self.now >= self.due


async def tasks_page(
    board: BoardLines, unit: str, asked: PageRequest = ALL_ROWS, *, dated: bool = False
) -> Paged[TaskCard]:
    """A page of a unit's open tasks, overdue first, then by date; undated ones last.

    `dated`: only those that have a deadline.
    """
    now = datetime.now(UTC)
    found = await board.tasks_page(unit, asked, dated=dated)
    return found.map(lambda one: _task(*one, unit, now))


def _task(line: Mapping[str, Any], owed: Mapping[str, Any], unit: str, now: datetime) -> TaskCard:
    names = line["names"]
    owing = {other["unit"] for other in line["open"] if other["duty"] == owed["duty"]}
    members = line["members"]
    return TaskCard(
        cycle=line["cycle"],
        cluster=title_of(line),
        year=line["year"],
        duty=owed["duty"],
        subject=names.get(owed["subject"], owed["subject"] or ""),
        subject_id=owed["subject"] or "",
        unit=unit,
        due=datetime.fromisoformat(owed["due"]) if owed["due"] else None,
        now=datetime.fromisoformat(line["now"]) if line["now"] else now,
        extended=owed["extended"],
        waits_for=tuple(names.get(one, one) for one in owed["waits_for"]),
        answered=tuple(names[one] for one in members if one not in owing and one != unit) if unit in members else (),
        owed_by=len(owing),
        asked={"unit": unit, "duty": owed["duty"]} in line["extensions_asked"],
        rehearsed=line["rehearsed"],
        article=owed["article"],
    )
