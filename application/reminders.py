"""Reminders by message to the late units of many cycles: what would be entered, and who would get mail.

The numbers are shown before a reminder is sent, and said after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from accounts.recipients import recipients
from application.board import rows_of
from application.visits import Visitor
from domain.duties import Duty
from ledger.connection import Pool
from projections.board_lines import BoardLines
from vault.persons import People
from vault.texts import Texts


@dataclass(frozen=True, slots=True)
class Reminder:
    """A reminder of a duty to the units of a cycle that are late with it; `names` are theirs.

    `asked` are the names of those that have asked for more time, and have no answer.
    """

    cycle: str
    cluster: str
    year: int
    duty: Duty
    units: tuple[str, ...]
    names: tuple[str, ...]
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom reminders reach: every person gets one mail. `without` are the names of units without readers of mail."""

    letters: int
    units: int
    without: tuple[str, ...]


async def late_reminders(board: BoardLines, texts: Texts, visitor: Visitor, streams: Sequence[str]) -> list[Reminder]:
    """The reminders that are due in some cycles, but for the visitor's own unit: no unit reminds itself.

    A task that waits for another unit is left out.
    """
    rows, found = await rows_of(board, texts, visitor, streams), []
    for stream in streams:
        late = (
            [one for one in rows[stream].late_tasks() if not one.waits and one.unit != visitor.unit]
            if stream in rows
            else []
        )
        for duty in dict.fromkeys(one.duty for one in late):
            units = {one.unit: one.name for one in late if one.duty == duty}
            asked = dict.fromkeys(one.name for one in late if one.duty == duty and one.asked_until is not None)
            row, of = rows[stream], Duty(duty)
            found.append(Reminder(stream, row.cluster, row.year, of, tuple(units), tuple(units.values()), tuple(asked)))
    return found


async def reach_of(pool: Pool, people: People, units: Iterable[tuple[str, str]], on: date, but: str) -> Reach:
    """Whom a message to units reaches, each with its name. `but` is the person who reminds."""
    names = dict(units)
    contacts, reached, letters = await people.of_units(names), set(), set()
    everybody = [contact for unit in contacts for contact in contacts[unit]]
    for one in await recipients(pool, everybody, on, but=but):
        letters.add(one.contact.id)
        reached.add(one.contact.unit)
    return Reach(len(letters), len(reached), tuple(name for unit, name in names.items() if unit not in reached))
