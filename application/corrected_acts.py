"""Which facts of a cycle stand there by a correction, and which acts were corrected: lists mark both.

A state holds what stands, not how it came to stand, so this is read from the events that the visitor may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from application.act_view import may_open
from application.application import Application
from application.event_texts import IN_LISTS, event_texts
from application.visits import History, VisitedCycle
from domain.records import Event
from domain.steps.corrections import ActCorrected
from ledger.events import RecordedEvent


@dataclass(frozen=True, slots=True)
class CorrectedAct:
    """A correction in words: the acts that it takes back, and those that it puts in their place."""

    version: int
    row: RecordedEvent
    wrong: tuple[str, ...]
    instead: tuple[str, ...]
    reason: str
    may_open: bool
    """The visitor may open its receipt."""


@dataclass(frozen=True)
class CycleCorrections:
    """The corrections among the events of a cycle that a visitor may read."""

    cycle: VisitedCycle

    @cached_property
    def history(self) -> History:
        """The events that the visitor may read."""
        return self.cycle.readable_history()

    @cached_property
    def by_command(self) -> dict[UUID, tuple[RecordedEvent, ActCorrected]]:
        """The corrections, by the id of their command."""
        return {row.command_id: (row, one.event) for row, one in self.history if isinstance(one.event, ActCorrected)}

    @cached_property
    def _put_in_place(self) -> list[tuple[Event, int]]:
        """The events that corrections put in the place of wrong ones and that stand, with the correction's version."""
        taken_back = {version for _row, event in self.by_command.values() for version in event.versions}
        return [
            (envelope.event, self.by_command[row.command_id][0].version)
            for row, envelope in self.history
            if row.command_id in self.by_command
            and row.version not in taken_back
            and not isinstance(envelope.event, ActCorrected)
        ]

    @cached_property
    def replacing(self) -> dict[int, int]:
        """By the version of each event that stands in the place of a wrong one, the version of the correction."""
        return {
            row.version: self.by_command[row.command_id][0].version
            for row, envelope in self.history
            if row.command_id in self.by_command and not isinstance(envelope.event, ActCorrected)
        }

    def of(self, name: str, **fields: Any) -> int | None:
        """Return the version of the correction by which an event stands: of this name, with these fields; or None."""
        for event, version in reversed(self._put_in_place):
            if name == event.NAME and all(getattr(event, field, None) == value for field, value in fields.items()):
                return version
        return None

    def may_open(self, version: int) -> bool:
        """Return whether the visitor may open the receipt of a correction."""
        found = self.cycle.by_version.get(version)
        return found is not None and may_open(self.cycle, found[0])

    def latest(self, most: int) -> list[int]:
        """Return the versions of the latest corrections."""
        return sorted((row.version for row, _event in self.by_command.values()), reverse=True)[:most]

    async def in_words(self, application: Application, among: Iterable[int]) -> Sequence[CorrectedAct]:
        """Return the corrections with these versions in words, the latest first."""
        wanted = set(among)
        chosen = [pair for pair in self.by_command.values() if pair[0].version in wanted]
        versions = {version for _row, event in chosen for version in event.versions}
        commands = {row.command_id for row, _event in chosen}
        told = [
            (row, one)
            for row, one in self.history
            if row.version in versions or (row.command_id in commands and not isinstance(one.event, ActCorrected))
        ]
        words = await event_texts(application, self.cycle.background, (one for _row, one in told), most=IN_LISTS)
        texts = await application.texts.get({event.reason for _row, event in chosen})
        by_version = {row.version: str(text) for (row, _one), text in zip(told, words, strict=True)}
        return [
            CorrectedAct(
                row.version,
                row,
                tuple(by_version[version] for version in event.versions if version in by_version),
                tuple(
                    by_version[other.version]
                    for other, one in told
                    if other.command_id == row.command_id and other.version > row.version
                ),
                texts.get(event.reason, "…"),
                may_open(self.cycle, row),
            )
            for row, event in sorted(chosen, key=lambda pair: pair[0].version, reverse=True)
        ]
