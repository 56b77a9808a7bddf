"""Plays a rehearsed city on a real engine: clusters side by side, each on its own stepped clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from application.application import Application, CommandInput
from application.city_script import SECRETARIAT, CityFile
from application.engine import PendingError
from application.gate import at_command_line
from application.rehearsal_roles import RehearsalRole
from application.rehearsed_city import PlannedCity, PlannedCluster, officer_of, plan_city
from application.yaml_files import edition_file, read_model
from application.year_file import enter_people, start_year
from domain.deviations import deviations
from domain.rules import Edition
from domain.streams import cycle_stream
from errors import InputError
from ledger.receipts import Receipt
from vault.persons import Contact

IDS = UUID("5b0f5d0e-6a58-5a0c-8a44-6a3c0f2f7d21")
CLUSTERS_AT_ONCE = 16

TIMES_ASKED = 3
"""How often the same commands are submitted while a slow machine gives no answer in time."""

Progress = Callable[[int, int], None]
"""Called as acts are entered, with how many are and how many there will be."""


@dataclass(slots=True)
class CityPlayer:
    """Plays one city. Played again, it changes nothing."""

    app: Application
    city: PlannedCity
    edition: Edition
    pilot: Edition
    progress: Progress
    done: int = 0
    _contacts: dict[str, Contact] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many acts the script has, without those that move the clock."""
        return sum(cluster.acts for cluster in self.city.clusters)

    def stream(self, cluster: PlannedCluster) -> str:
        """The stream of a cluster."""
        return cycle_stream(self.city.file.organiser, str(self.city.file.year), cluster.plan.id)

    async def play(self) -> None:
        """Enter the people, open the year and play all clusters.

        Raises:
            InputError: a cycle was not opened.
            Refused, RefusedError, PendingError, UnreachableError: as from `Application.submit`.
        """
        await self._enter_people()
        await self._open()
        pilot = await self.app.texts.put_edition(self.pilot.model_dump_json())
        slots = asyncio.Semaphore(CLUSTERS_AT_ONCE)

        async def play_cluster(cluster: PlannedCluster) -> None:
            async with slots:
                await self._play(cluster, pilot)

        async with asyncio.TaskGroup() as group:
            for cluster in self.city.clusters:
                group.create_task(play_cluster(cluster))

    def roles(self, auditor: str) -> tuple[RehearsalRole, ...]:
        """Whom a visitor may be: people who have something to do, and the auditor."""
        city, organiser = self.city, self.city.file.organiser
        reported, late, signing = city.cluster("midyear", 0), city.cluster("midyear", 1), city.cluster("signing", 0)
        head, deputy, waiting = signing.units[0], reported.units[1], late.units[-3]
        names = {organiser: city.file.organiser_name} | {
            unit.id: unit.name for cluster in city.clusters for unit in cluster.plan.units
        }
        return tuple(
            RehearsalRole(part=part, person=person, cycle=self.stream(cluster), unit=unit, unit_name=names[unit])
            for part, person, cluster, unit in (
                ("secretary", officer_of(organiser), reported, organiser),
                ("head", officer_of(head), signing, head),
                ("officer", officer_of(waiting), late, waiting),
                ("minutes-keeper", officer_of(deputy), reported, deputy),
                ("auditor", auditor, late, organiser),
            )
        )

    async def _enter_people(self) -> None:
        file = self.city.file
        await enter_people(self.app, self.city.people)
        for person in self.city.people:
            self._contacts[person.unit] = await self.app.person(person.id)
        self._contacts[SECRETARIAT] = await self.app.people.enter(
            officer_of(file.organiser),
            file.organiser,
            f"Thư ký diễn tập {file.organiser_name}",
            office="cán bộ diễn tập",
            email=f"{officer_of(file.organiser)}@example.invalid",
        )

    async def _open(self) -> None:
        submitter = at_command_line(self._contacts[SECRETARIAT])
        year, begins = self.city.year_file, self.city.begins
        receipt = await _answered(
            lambda: start_year(self.app, year, self.edition, submitter, clock="stepped", starts=begins)
        )
        if receipt.failed:
            failed = receipt.failed[0]
            raise InputError(failed.code, failed.stream, **failed.facts)

    async def _play(self, cluster: PlannedCluster, pilot: str) -> None:
        stream, now, versions = self.stream(cluster), self.city.begins, dict[str, int]()
        if cluster.stage == "scoring":
            await self._submit(stream, SECRETARIAT, [("adopt-edition", {"edition": pilot})], "pilot", None)
        for index, batch in enumerate(cluster.batches):
            now = await self._step(stream, now, batch.at)
            acts = [(act, _with_version(fields, versions)) for act, fields in batch.acts]
            entered = await self._submit(stream, batch.by, acts, index, batch.meeting)
            versions |= entered
            self.done += len(acts)
            self.progress(self.done, self.total)
        await self._step(stream, now, self.city.now)
        if cluster.number_in_stage % 2:
            await self._acknowledge(stream)

    async def _step(self, stream: str, before: datetime, now: datetime) -> datetime:
        if now > before:
            await self._submit(stream, SECRETARIAT, [("step-to", {"now": now.isoformat()})], now.isoformat(), None)
        return max(now, before)

    async def _acknowledge(self, stream: str) -> None:
        """The secretariat has seen the first deviation of the cluster. Once is enough, when it is played again."""
        state, rules = await self.app.state(stream)
        found = [one for one in deviations(state, rules) if one.article and not one.settled]
        if found and not state.corrections.acknowledged:
            fields = {"key": found[0].key, "reason": self.city.file.reasons["acknowledged"]}
            await self._submit(stream, SECRETARIAT, [("acknowledge", fields)], "acknowledged", None)

    async def _submit(
        self, stream: str, by: str, acts: list[tuple[str, dict[str, Any]]], name: object, meeting: str | None
    ) -> dict[str, int]:
        """Submit acts together; return the version of the first event of each, by the act."""
        inputs = [
            CommandInput(stream, act, fields, self._id(stream, name, number), meeting=meeting)
            for number, (act, fields) in enumerate(acts)
        ]
        submitter = at_command_line(self._contacts[by])
        receipt = await _answered(lambda: self.app.submit(stream, submitter, inputs))
        outcomes = zip(acts, receipt.outcomes, strict=True)
        return {act: outcome.versions[0] for (act, _fields), outcome in outcomes if outcome.versions}

    def _id(self, *parts: object) -> UUID:
        return uuid5(IDS, "\n".join((self.app.gate.installation, *map(str, parts))))


async def _answered(submit: Callable[[], Awaitable[Receipt]]) -> Receipt:
    """Submit commands until there is an answer. Their ids stay the same, so nothing is entered twice."""
    for _ in range(TIMES_ASKED - 1):
        with suppress(PendingError):
            return await submit()
    return await submit()


def _with_version(fields: Any, versions: dict[str, int]) -> dict[str, Any]:
    """The fields of an act; `of`, the name of an earlier act, becomes that act's version."""
    if "of" not in fields:
        return dict(fields)
    return {**{name: value for name, value in fields.items() if name != "of"}, "version": versions[fields["of"]]}


def city_player(app: Application, path: Path, progress: Progress = lambda _done, _total: None) -> CityPlayer:
    """The player of the city that a file describes.

    Raises:
        InputError: the file, or an edition that it names, is wrong.
    """
    file = read_model(path, CityFile)
    edition = read_model(edition_file(path.parent, file.edition), Edition)
    pilot = read_model(edition_file(path.parent, file.pilot_edition), Edition)
    return CityPlayer(app, plan_city(file), edition, pilot, progress)
