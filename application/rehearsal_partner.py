"""The others of a rehearsed city: while a visitor acts for one person, the people around that person answer.

A unit that is given more time sends its report, one that gets its report back answers, units that are reminded do
what they owe, another unit signs after a visitor has, and two answer a new draft. No act is made for a person whom a
visitor may be. What the partner enters itself is not answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from application.application import CommandInput
from application.city_player import CityPlayer
from application.gate import at_command_line
from application.rehearsed_city import PlannedCluster, officer_of
from domain.duties import Duty
from domain.records import Event
from domain.state import State
from domain.steps.drafting import DraftPresented
from domain.steps.extensions import ExtensionGranted
from domain.steps.manual_reminders import UnitsReminded
from domain.steps.midyear import ReportSentBack
from domain.steps.signing import CovenantSigned
from errors import CodedError

LOOKS_EVERY_S = 2.0
ANSWERING_A_DRAFT = 2

Answer = tuple[str, str, dict[str, Any]]
"""A unit that answers, its act and the fields."""


@dataclass(slots=True)
class RehearsalPartner:
    """Answers for everybody but the `visitors`, which are units."""

    player: CityPlayer
    visitors: frozenset[str]
    _read: dict[str, int] = field(default_factory=dict)
    _own: set[tuple[str, int]] = field(default_factory=set)

    async def run(self) -> None:
        """Look for what visitors did, and answer, until cancelled."""
        await self.note_read()
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            with suppress(CodedError, OSError):  # the demo goes on while a part of it is away
                await self.answer_all()

    async def note_read(self) -> None:
        """Take what stands in the ledger now as answered."""
        self._read = {stream: tip.version for stream, tip in await self.player.app.ledger.streams()}

    async def answer_all(self) -> int:
        """Answer once what is new; return how many acts were entered."""
        clusters = {self.player.stream(cluster): cluster for cluster in self.player.city.clusters}
        entered = 0
        for stream, tip in await self.player.app.ledger.streams():
            if stream in clusters and tip.version > self._read.get(stream, 0):
                entered += await self._answer(stream, clusters[stream])
        return entered

    async def _answer(self, stream: str, cluster: PlannedCluster) -> int:
        rows = await self.player.app.history(stream)
        state, _rules = await self.player.app.state(stream)
        new = [
            envelope.event
            for row, envelope in rows
            if row.version > self._read.get(stream, 0) and (stream, row.version) not in self._own
        ]
        self._read[stream] = rows[-1][0].version
        entered = 0
        for unit, act, fields in self._answers(new, state, cluster):
            with suppress(CodedError):  # it was done already, or no longer fits
                person = at_command_line(await self.player.app.person(officer_of(unit)))
                receipt = await self.player.app.submit(stream, person, [CommandInput(stream, act, fields)])
                self._own.update((stream, version) for one in receipt.outcomes for version in one.versions)
                entered += 1
        return entered

    def _answers(self, new: Sequence[Event], state: State, cluster: PlannedCluster) -> Iterator[Answer]:
        others = [unit for unit in cluster.units if unit not in self.visitors]
        for event in new:
            match event:
                case ExtensionGranted(duty=Duty.MIDYEAR_REPORT, unit=str(unit)) if unit in others:
                    yield self._report(unit)
                case ReportSentBack(unit=unit) if unit in others:
                    yield unit, "answer-correction", {"unit": unit, "text": self.player.city.file.reasons["answered"]}
                case UnitsReminded(units=units, duty=duty):
                    yield from (found for unit in units if unit in others for found in self._owed(unit, duty))
                case CovenantSigned():
                    signed = {*state.signing.signatures, *state.signing.declined}
                    yield from ((unit, "sign", {"unit": unit}) for unit in [u for u in others if u not in signed][:1])
                case DraftPresented():
                    for unit in others[-ANSWERING_A_DRAFT:]:
                        yield unit, "take-stance", {"unit": unit, "stance": "agreed"}
                case _:
                    pass

    def _report(self, unit: str) -> Answer:
        report = self.player.city.file.report.model_dump(mode="json", exclude_none=True)
        return unit, "report-midyear", {"unit": unit, "report": report}

    def _owed(self, unit: str, duty: Duty) -> Iterator[Answer]:
        """What a reminded unit does."""
        if duty is Duty.MIDYEAR_REPORT:
            yield self._report(unit)
        elif duty is Duty.SIGNATURE:
            yield unit, "sign", {"unit": unit}
        elif duty is Duty.STANCE:
            yield unit, "take-stance", {"unit": unit, "stance": "agreed"}
