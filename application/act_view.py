"""Acts that stand in a cycle's history: each in words, and whether the visitor may correct it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from application.application import Application
from application.event_texts import event_texts
from application.permitted_acts import permitted_acts
from application.visits import ForbiddenError, VisitedCycle
from domain.access import Matter
from domain.cycle import correctable
from domain.records import Event, EventEnvelope, Refused
from domain.steps.corrections import ActCorrected, CorrectAct
from errors import InputError
from i18n.timeline import EventText
from ledger.events import RecordedEvent


@dataclass(frozen=True, slots=True)
class ActView:
    """An act: its rows, the one that was asked for first, and its events in words."""

    rows: tuple[RecordedEvent, ...]
    told: tuple[EventText, ...]

    @property
    def first(self) -> RecordedEvent:
        """The row that was asked for."""
        return self.rows[0]


def row_at(cycle: VisitedCycle, version: int) -> RecordedEvent:
    """The row with a version, for visitors who may open its receipt.

    Raises:
        InputError: there is none.
        ForbiddenError: the visitor may not read it.
    """
    row = next((row for row in cycle.rows if row.version == version), None)
    if row is None:
        raise InputError("no_such_act", version=version)
    if not may_open(cycle, row):
        raise ForbiddenError("not_yours_to_read")
    return row


async def act_view(application: Application, cycle: VisitedCycle, version: int) -> ActView:
    """The act that the row with a version belongs to, in words.

    Raises:
        InputError, ForbiddenError: as `row_at`.
    """
    row = row_at(cycle, version)
    same = [(one, envelope) for one, envelope in cycle.readable_history() if one.command_id == row.command_id]
    return ActView(
        (row, *(one for one, _envelope in same if one.version != version)),
        await event_texts(application, cycle.background, (envelope for _row, envelope in same)),
    )


def why_not_corrected(cycle: VisitedCycle) -> Mapping[int, Refused | None]:
    """By version, why the visitor may not correct a row that they may read; None for rows that they may correct."""
    if CorrectAct not in permitted_acts(cycle):
        return {row.version: Refused("not_yours", act=CorrectAct.NAME) for row in cycle.rows}
    visitor, envelopes = cycle.visitor, [envelope for _row, envelope in cycle.history]
    found = correctable(envelopes, cycle.state, visitor.contact.id, visitor.unit, cycle.now)
    return {row.version: found[row.version] for row in cycle.rows if may_open(cycle, row)}


def may_open(cycle: VisitedCycle, row: RecordedEvent) -> bool:
    """Whether the visitor may open the receipt of a row that they may read.

    The unit that entered it may, the unit that it is about, and readers of the whole history; of a correction also the
    units whose acts it takes back.
    """
    if row.version not in cycle.readable.versions:
        return False
    return names_actor(cycle, row) or _concerns(cycle, row)


def names_actor(cycle: VisitedCycle, row: RecordedEvent) -> bool:
    """Whether the visitor learns which person entered a row: of their own unit, or as a reader of the whole history."""
    return cycle.visitor.unit == row.unit or cycle.may(Matter.HISTORY)


def _concerns(cycle: VisitedCycle, row: RecordedEvent) -> bool:
    """Whether a row is about the visitor's unit, or corrects a row that is its own or about it."""
    unit, event = cycle.visitor.unit, cycle.by_version[row.version][1].event
    if isinstance(event, ActCorrected):
        wrong = (cycle.by_version[version][0] for version in event.versions)
        return any(one.unit == unit or _concerns(cycle, one) for one in wrong)
    return getattr(event, "unit", None) == unit or unit in (getattr(event, "units", None) or ())


def may_be_corrected(cycle: VisitedCycle) -> frozenset[int]:
    """The versions of the rows that the visitor may read and correct."""
    return frozenset(version for version, refusal in why_not_corrected(cycle).items() if refusal is None)


def latest_acts(cycle: VisitedCycle, most: int) -> list[tuple[RecordedEvent, EventEnvelope[Event]]]:
    """The acts that the visitor's unit entered last, the latest first: one row for each act."""
    unit = cycle.visitor.unit
    own = [pair for pair in cycle.readable_history() if pair[0].unit == unit]
    acts = {row.command_id: (row, envelope) for row, envelope in reversed(own)}
    return list(acts.values())[:most]
