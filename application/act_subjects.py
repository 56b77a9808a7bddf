"""What an act is about: the recorded acts that its actor must have read, in words, to stand beside the act's form.

They follow from the command's own record (`Command.READS`), so a new command needs no code here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.act_view import may_open, names_actor
from application.application import Application
from application.event_texts import event_texts
from application.met_deadlines import MetDeadline, met_by
from application.visits import VisitedCycle
from domain.file_references import references_in
from domain.records import Command, Event
from domain.times import When
from domain.types import Document
from i18n.timeline import EventText
from ledger.events import RecordedEvent

MOST = 30
"""Of more acts the latest are shown: the cluster's page has all of them."""

_SHOWN_OTHERWISE = ("draft", "stance", "scores", "score", "extension")
"""Papers have a page of their own, scores a sheet in the form, a request for more time a card."""

_READ_AGAINST: Mapping[str, str] = {"midyear": "registration"}
"""A report is read by others against what its unit had registered; the unit itself is not shown it again."""

_HANDED_IN = "midyear"
"""What units hand in by a last day: late or not is shown with it."""


@dataclass(frozen=True, slots=True)
class SubjectAct:
    """One recorded act in words: what was handed in or decided, by whom, when, late or not."""

    version: int
    told: EventText
    payload: str
    """As it is stored; references to files are found in it."""
    unit: str
    """The name of the unit that entered it."""
    person: str
    """Who entered it; "" for readers who are not told."""
    happened: When
    recorded_at: datetime
    deadlines: tuple[MetDeadline, ...]
    may_open: bool
    is_bare: bool
    """A report of which neither the text nor a file was handed in."""


async def subject_of(
    application: Application, cycle: VisitedCycle, act: type[Command], values: Mapping[str, Any]
) -> tuple[SubjectAct, ...]:
    """The acts that the form of an act is about, the first ones first; of what the visitor may read only."""
    subjects = frozenset(_subjects(act, values, cycle.visitor.unit))
    if not subjects:
        return ()
    wrong = cycle.readable_state().corrections.corrected
    found = [
        (row, envelope)
        for row, envelope in cycle.readable_history()
        if (changes := type(envelope.event).SUBJECTS) is not None
        and subjects & set(changes(envelope.event))
        and row.version not in wrong
    ][-MOST:]
    told = await event_texts(application, cycle.background, (envelope for _row, envelope in found))
    people = await application.people.names({row.actor for row, _one in found if names_actor(cycle, row)})
    return tuple(
        [
            SubjectAct(
                row.version,
                words,
                row.payload,
                cycle.names.get(row.unit, ""),
                people.get(row.actor, "") if names_actor(cycle, row) else "",
                envelope.meta.happened,
                row.recorded_at,
                await _deadlines(cycle, row, subjects),
                may_open(cycle, row),
                _is_bare(envelope.event, row.payload),
            )
            for (row, envelope), words in zip(found, told, strict=True)
        ]
    )


def _is_bare(event: Event, payload: str) -> bool:
    report = getattr(event, "report", None)
    return isinstance(report, Document) and report.text is None and not references_in(payload)


async def _deadlines(cycle: VisitedCycle, row: RecordedEvent, subjects: frozenset[str]) -> tuple[MetDeadline, ...]:
    handed_in = any(_matter(subject) == _HANDED_IN for subject in subjects)
    return await met_by(cycle, [row]) if handed_in else ()


def _subjects(act: type[Command], values: Mapping[str, Any], own: str) -> Iterator[str]:
    """Yield what the act reads, as far as the form says it, and what that is read against."""
    if act.READS is None:
        return
    typed = {name: values.get(name, field.default) for name, field in act.model_fields.items()}
    for subject in act.READS(act.model_construct(**typed)):
        if (matter := _matter(subject)) not in _SHOWN_OTHERWISE:
            yield subject
            if (other := _READ_AGAINST.get(matter)) is not None and subject != f"{matter}/{own}":
                yield subject.replace(matter, other, 1)


def _matter(subject: str) -> str:
    return subject.partition("/")[0]
