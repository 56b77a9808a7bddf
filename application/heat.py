"""How far a cycle is, as a row of cells that each have words: a step that is done, under way, late, or not begun."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from domain.times import day_ending
from i18n import _, ngettext
from i18n.messages import day, word
from ledger.paging import Paged, PageRequest
from projections.board import ListedCycle
from projections.home_lines import ClusterHeat, HomeLines

Level = Literal["done", "most", "some", "late", "none"]


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A step of a cycle in words, and which colour it has."""

    step: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class HeatRow(ListedCycle):
    """A cycle: its steps, and the next day on which something is due."""

    cells: tuple[HeatCell, ...]
    next_due: datetime | None
    late: int
    """How many tasks are late."""
    now: datetime


async def heat_page(home: HomeLines, organiser: str, asked: PageRequest) -> Paged[HeatRow]:
    """A page of an organiser's cycles that are not filed: how far each is."""
    now = datetime.now(UTC)
    return (await home.clusters(organiser, asked)).map(lambda one: _row(one, one.now or now))


def _row(cluster: ClusterHeat, now: datetime) -> HeatRow:
    dues = [sorted(map(datetime.fromisoformat, step["dues"])) for step in cluster.steps]
    late = [bisect_right(of_step, now) for of_step in dues]
    cells = [
        HeatCell(step["step"], *_level_and_text(step, of_step, late_in_step, cluster.year))
        for step, of_step, late_in_step in zip(cluster.steps, dues, late, strict=True)
    ]
    return HeatRow(
        cluster.cycle,
        cluster.cluster,
        cluster.year,
        cluster.rehearsed,
        tuple(cells),
        min((of_step[n] for of_step, n in zip(dues, late, strict=True) if n < len(of_step)), default=None),
        sum(late),
        now,
    )


def _level_and_text(step: Mapping[str, Any], dues: Sequence[datetime], late: int, year: int) -> tuple[Level, str]:
    """How a step is shown. `dues` are when its open tasks are due, in order; the first `late` of them are late."""
    if step["done"] is not None:
        return "done", f"✓ {_short(step['done'], year)}"
    if not step["duties"]:
        return "none", _("not owed")
    begun = any(done for _duty, done, _of in step["duties"])
    duty, done, of = next((one for one in step["duties"] if one[1] < one[2]), step["duties"][-1])
    told = _progress(duty, done, of)
    if late:
        return "late", f"{told} · ⚠ {ngettext('{count} task late', '{count} tasks late', late).format(count=late)}"
    if not begun:
        return "none", _("due {day}").format(day=_short(day_ending(dues[-1]).isoformat(), year)) if dues else told
    share = sum(one[1] for one in step["duties"]) / sum(one[2] for one in step["duties"])
    return ("most" if share >= _MOST else "some"), told


_MOST = 0.75


def _progress(duty: str, done: int, of: int) -> str:
    """How many units have done a duty; of a duty that one unit has, what it waits for."""
    short = word("duty_short", duty)
    return f"{done}/{of} {short}" if of > 1 else _("not yet: {duty}").format(duty=short)


def _short(iso: str, year: int) -> str:
    """A date without the year, where that is the cycle's own."""
    return day(iso).removesuffix(f"/{year}")
