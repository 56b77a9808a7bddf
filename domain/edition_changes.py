"""What a rules edition changes of the one before it, for the timeline: dates one by one, other parts by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from domain.duties import Duty
from domain.rules import Edition, PeriodDay, YearDay

Part = Literal[
    "papers",
    "criteria-and-total",
    "scoring",
    "rounds",
    "award-rules",
    "vote-rules",
    "calendar",
    "inheritance",
    "articles",
    "remainder",
]

_PARTS: dict[Part, tuple[str, ...]] = {
    "papers": ("required_drafts", "covenants", "covenant_years", "papers", "replaces"),
    "criteria-and-total": ("criteria", "total"),
    "scoring": ("scoring",),
    "rounds": ("rounds", "cross_checks"),
    "award-rules": ("awards",),
    "vote-rules": ("votes",),
    "calendar": ("calendar", "period", "answer_correction_days", "answer_correction_in"),
    "inheritance": ("inherits",),
    "articles": ("articles",),
}
_NAMES_IT = frozenset({"id", "title", "number", "issued", "issuer", "specimen", "sources", "deadlines"})
"""Fields that name the edition, and the deadlines, which are told one by one."""


@dataclass(frozen=True, slots=True)
class DeadlineChange:
    """A deadline that another edition moves, adds (`before` is None) or drops (`after` is None)."""

    duty: Duty
    before: YearDay | PeriodDay | None
    after: YearDay | PeriodDay | None


def changed_deadlines(before: Edition, after: Edition) -> Iterator[DeadlineChange]:
    """Yield the deadlines that differ, in the order of the year."""
    for duty in Duty:
        earlier, later = _day(duty, before), _day(duty, after)
        if earlier != later:
            yield DeadlineChange(duty, earlier, later)


def _day(duty: Duty, edition: Edition) -> YearDay | PeriodDay | None:
    deadline = edition.deadline(duty)
    return None if deadline is None else deadline.due


def changed_parts(before: Edition, after: Edition) -> Iterator[Part]:
    """Yield the other parts that differ."""
    named = {field for fields in _PARTS.values() for field in fields} | _NAMES_IT
    others = tuple(field for field in Edition.model_fields if field not in named)
    for part, fields in {**_PARTS, "remainder": others}.items():
        if any(getattr(before, field) != getattr(after, field) for field in fields):
            yield part
