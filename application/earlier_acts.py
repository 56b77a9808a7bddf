"""Who came first: what a refusal tells the second person of the act before theirs.

The person is named to readers of the whole history and to the person's own unit; everybody else who may read the act is
told the unit. Of an act that is closed to them they are told nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from application.readable import ReadablePart
from domain.access import Matter, may_read
from domain.earlier_acts import earlier_act
from domain.records import CLOCK, Refused
from domain.state import members_and_organiser
from i18n.earlier_acts import AT, UNIT, VERSION, WHO
from ledger.events import RecordedEvent
from vault.persons import People


async def add_earlier_act(
    refusal: Refused, rows: Mapping[int, RecordedEvent], part: ReadablePart, people: People
) -> None:
    """Add to a refusal's facts who did what it tells of, and when, as far as the reader of `part` may know it.

    `rows` are those of the cycle by version. An act that is not stored yet, such as one of the same minutes, adds
    nothing.
    """
    found = earlier_act(refusal.code, refusal.facts, part.envelopes)
    if found is None or found.meta.version not in part.versions:
        return
    if (row := rows.get(found.meta.version)) is None:
        return
    refusal.facts.update(await _facts(row, part, people))


async def _facts(row: RecordedEvent, part: ReadablePart, people: People) -> dict[str, Any]:
    names = await people.names({row.actor})
    is_named = row.actor == CLOCK or row.unit == part.unit or may_read(Matter.HISTORY, part.who)
    return {
        WHO: (CLOCK if row.actor == CLOCK else names.get(row.actor, "")) if is_named else "",
        UNIT: members_and_organiser(part.whole).get(row.unit, ""),
        AT: row.recorded_at.isoformat(),
        VERSION: row.version,
    }
