"""The deadlines of the duties that an act does: on its summary, before it is sent, and on its receipt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.readable import ReadablePart
from application.visits import VisitedCycle
from application.work import of_many
from domain.cycle import CYCLE, EVENTS_OF
from domain.due_dates import Obligation
from domain.obligations import DUTY_COMMANDS
from domain.records import Command, Event, EventEnvelope
from ledger.events import RecordedEvent

_DOING = frozenset(
    event for commands in DUTY_COMMANDS.values() for one in commands.done_by for event in EVENTS_OF.get(one, ())
)
"""Events by which a duty can be done."""


@dataclass(frozen=True, slots=True)
class MetDeadline:
    """A duty that an act does, and when it was due. `late`: the act comes after that."""

    duty: str
    bearer: str
    subject: str
    due: datetime
    late: bool


def met_deadlines(before: Iterable[Obligation], after: Iterable[Obligation]) -> tuple[MetDeadline, ...]:
    """Return the deadlines of the duties that are open in `before` and done in `after`."""
    open_ = {(one.duty, one.bearer, one.subject) for one in before if one.done is None}
    return tuple(
        MetDeadline(one.duty.value, one.bearer, one.subject, one.due, one.late)
        for one in after
        if one.done is not None and one.due is not None and (one.duty, one.bearer, one.subject) in open_
    )


def reopened(before: Iterable[Obligation], after: Iterable[Obligation]) -> tuple[Obligation, ...]:
    """Return the duties, as they stand in `after`, that were done in `before` and are open again."""
    done = {(one.duty, one.bearer, one.subject) for one in before if one.done is not None}
    return tuple(one for one in after if one.done is None and (one.duty, one.bearer, one.subject) in done)


def owed_by_form(cycle: VisitedCycle, act: type[Command], values: Mapping[str, Any]) -> tuple[Obligation, ...]:
    """Return the open duties with a deadline that a form is about: what its act does, or what its field `duty` names.

    They are those of the unit that the form names, else of the visitor's; and the visitor's about that unit.
    """
    by = values.get("by")
    unit = _word(values, "unit") or (_word(by, "unit") if isinstance(by, Mapping) else "")
    own = cycle.visitor.unit
    whose = {(unit or own, ""), *([(own, unit)] if unit else [])}
    if "duty" in act.model_fields:
        duties = frozenset({_word(values, "duty")})
    elif values.get("answers"):  # an answer to a comment does no duty
        return ()
    else:
        duties = frozenset(duty.value for duty, commands in DUTY_COMMANDS.items() if act in commands.done_by)
    return tuple(
        one
        for one in cycle.readable.obligations
        if one.done is None and one.due is not None and one.duty in duties and (one.bearer, one.subject) in whose
    )


def _word(values: Mapping[str, Any], name: str) -> str:
    """A field of a form; "" where the form has a list or fields within it."""
    found = values.get(name)
    return found if isinstance(found, str) else ""


async def met_by(cycle: VisitedCycle, rows: Sequence[RecordedEvent]) -> tuple[MetDeadline, ...]:
    """Return the deadlines of the duties that a recorded act did, as they stood when it was entered.

    `rows` are those of the act.
    """
    first, last = min(row.version for row in rows), max(row.version for row in rows)
    readable = [envelope for _row, envelope in cycle.readable_history() if envelope.meta.version <= last]
    if not any(type(one.event) in _DOING for one in readable if one.meta.version >= first):
        return ()

    def found() -> tuple[MetDeadline, ...]:
        earlier = [one for one in readable if one.meta.version < first]
        return met_deadlines(_part(cycle, earlier).obligations, _part(cycle, readable).obligations)

    return await of_many(len(readable), found)


def _part(cycle: VisitedCycle, envelopes: Sequence[EventEnvelope[Event]]) -> ReadablePart:
    """The cycle as it stood after these events."""
    return ReadablePart(cycle.visitor.unit, cycle.readers, envelopes, CYCLE.fold(envelopes), cycle.rules)
