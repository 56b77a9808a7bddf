"""Acts that stand in a cycle's history: what they say in words, and whether the visitor could put them right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.replay import digests_in
from domain.access import Matter
from domain.codec import plain
from domain.cycle import correctable
from domain.steps.corrections import CorrectAct
from domain.types import Event, EventEnvelope, Refused
from errors import InputError
from i18n.timeline import describe
from ledger.events import RecordedEvent
from web.auth import Cycle, ForbiddenError
from web.permitted_acts import permitted_acts
from web.services import Services


@dataclass(frozen=True, slots=True)
class ActView:
    """An act: its rows, from the one that was asked for, and each in a sentence."""

    rows: tuple[RecordedEvent, ...]
    sentences: tuple[str, ...]

    @property
    def first(self) -> RecordedEvent:
        """The row that was asked for."""
        return self.rows[0]


def row_at(cycle: Cycle, version: int) -> RecordedEvent:
    """The row at a place of the history, for whoever may read it: the unit that entered it, and who reads all of it.

    Raises:
        InputError: there is none.
        ForbiddenError: it is not the visitor's to read.
    """
    row = next((row for row, _told in cycle.history if row.version == version), None)
    if row is None:
        raise InputError("no_such_act", version=version)
    if not _readable(cycle, row):
        raise ForbiddenError("not_yours_to_read")
    return row


async def act_view(work: Services, cycle: Cycle, version: int) -> ActView:
    """The act at a place of the history, in words.

    Raises:
        InputError, ForbiddenError: as `row_at`.
    """
    row = row_at(cycle, version)
    same = [(one, told) for one, told in cycle.history if one.command_id == row.command_id]
    texts = await work.office.texts.get(digests_in([plain(told.event) for _row, told in same]))
    return ActView(
        (row, *(one for one, _told in same if one.version != version)),
        tuple(describe(told, cycle.names, texts) for _row, told in same),
    )


def why_not_corrected(cycle: Cycle) -> Mapping[int, Refused | None]:
    """By its place, why the visitor could not correct what they may read; None for what they could."""
    if CorrectAct not in permitted_acts(cycle):
        return {row.version: Refused("not_yours", act=CorrectAct.NAME) for row, _told in cycle.history}
    visitor, told = cycle.visitor, [one for _row, one in cycle.history]
    found = correctable(told, cycle.state, visitor.contact.id, visitor.unit, cycle.now)
    return {row.version: found[row.version] for row, _told in cycle.history if _readable(cycle, row)}


def _readable(cycle: Cycle, row: RecordedEvent) -> bool:
    return cycle.visitor.unit == row.unit or cycle.may(Matter.HISTORY)


def may_be_corrected(cycle: Cycle) -> frozenset[int]:
    """The places of what the visitor may read and could correct."""
    return frozenset(version for version, refusal in why_not_corrected(cycle).items() if refusal is None)


def lately(cycle: Cycle, most: int) -> list[tuple[RecordedEvent, EventEnvelope[Event]]]:
    """What the visitor's unit entered last, the latest first: one row for each act."""
    acts = {row.command_id: (row, told) for row, told in reversed(cycle.history) if row.unit == cycle.visitor.unit}
    return list(acts.values())[:most]
