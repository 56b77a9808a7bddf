"""Scenarios: plays years from data files on a real engine, for the demo, tests and benches.

What a source states is entered on a backfill calendar, with its source. The rest of the year, which no document tells,
is played on the stepped calendar of a rehearsal, and every event of it is marked as rehearsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid5

from pydantic import Field

from application.application import Application, CommandInput
from application.gate import at_command_line
from application.persons import PersonEntry
from application.sources import Source
from application.yaml_files import edition_file, read_model
from application.year_file import YearFile, enter_people, start_year
from domain.rules import Edition
from domain.streams import cycle_stream
from domain.times import ICT, When, start_of
from domain.types import FrozenModel, Label, Points, Provenance, Slug
from errors import InputError
from vault.persons import Contact

IDS = UUID("c7a0c0de-4a3f-5d0a-9f0e-2b6a1d9a7b11")

Sheet = dict[Slug, Points]
Stage = Literal["stated", "rehearsed"]
Progress = Callable[[Stage, str, int], None]
"""Called when a stage begins, with the scenario's title and the number of acts in the stage."""


class Stated(FrozenModel):
    """An act that a source states, or that is inferred from something (`inferred_from`)."""

    act: Label
    on: date
    until: date | None = None
    source: Label | None = None
    inferred_from: Label | None = None
    meeting: Slug | None = None
    fields: dict[str, Any] = Field(default_factory=dict)


class ScenarioMoment(FrozenModel):
    """A moment of the rehearsed year. `year` is 0 for the cycle's year, 1 for the year after it."""

    year: Literal[0, 1] = 0
    month: int
    day: int
    hour: int = 9

    def of(self, year: int) -> datetime:
        """Return the moment in the cycle of `year`."""
        return datetime.combine(date(year + self.year, self.month, self.day), time(self.hour), ICT)


class Rehearsed(FrozenModel):
    """An act of the rehearsed year.

    `by` says who acts: the secretariat, the head (or else the secretariat, while no head is known), or units by their
    number in the cluster, counted from 1, each for itself. With `each`, one act is entered about each of these units.
    In fields, $unit stands for the unit, $next for the one after it in the list, $self, $cross-checked and $appraised
    for the unit's sheets, $unit-3 for the third unit, $day-07-20 for that day of the cycle's year.
    """

    at: ScenarioMoment
    act: Label
    by: Literal["secretariat", "head", "units"] | tuple[int, ...]
    each: tuple[int, ...] | Literal["units"] | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    meeting: Slug | None = None


class ChangedPoints(FrozenModel):
    """Points of a later round that differ from those of the round before, and why."""

    points: Points
    reason: Label


class RehearsedYear(FrozenModel):
    """The acts of the rehearsed year. The sheets are by the unit's number in the cluster."""

    acts: tuple[Rehearsed, ...]
    self_scores: dict[int, Sheet]
    cross_checked: dict[int, dict[Slug, ChangedPoints]] = Field(default_factory=dict)
    appraised: dict[int, dict[Slug, ChangedPoints]] = Field(default_factory=dict)


class Scenario(FrozenModel):
    """A scenario file."""

    title: Label
    sources: tuple[Source, ...]
    year: YearFile
    cluster: Slug
    opened: Stated
    people: tuple[PersonEntry, ...] = ()
    stated: tuple[Stated, ...]
    rehearse: Label | None = None
    rehearse_from: ScenarioMoment | None = None


@dataclass(frozen=True, slots=True)
class Played:
    """The stream of a played scenario, and how many acts were submitted."""

    stream: str
    acts: int


async def play(
    app: Application, path: Path, progress: Progress = lambda _stage, _title, _count: None, *, cycle: str | None = None
) -> Played:
    """Play a scenario file. Played again, it changes nothing. `cycle` gives its year another name.

    Raises:
        InputError: the file is wrong.
        Refused, RefusedError, PendingError, UnreachableError: as from `Application.submit`.
    """
    scenario = read_model(path, Scenario)
    if cycle is not None:
        scenario = scenario.model_copy(update={"year": scenario.year.model_copy(update={"cycle": cycle})})
    edition = read_model(edition_file(path.parent, scenario.year.edition), Edition)
    rest = read_model(path.parent / scenario.rehearse, RehearsedYear) if scenario.rehearse else None
    player = ScenarioPlayer(app, scenario, path.stem)
    await player.enter_people()
    progress("stated", scenario.title, len(scenario.stated))
    await player.open(edition)
    await player.enter_stated()
    if rest is not None and scenario.rehearse_from is not None:
        progress("rehearsed", scenario.title, len(rest.acts))
        await player.rehearse(rest, scenario.rehearse_from)
    return Played(player.stream, player.acts)


class ScenarioPlayer:
    """Plays one scenario. Call the methods in their order here. `name` goes into the ids of its commands."""

    def __init__(self, app: Application, scenario: Scenario, name: str) -> None:
        self._app, self._scenario, self._name = app, scenario, name
        year = scenario.year
        self.stream = cycle_stream(year.organiser, year.cycle_name, scenario.cluster)
        self.acts = 0
        self._now: datetime | None = None
        cluster = next((one for one in year.clusters if one.id == scenario.cluster), None)
        if cluster is None:
            raise InputError("no_such_cluster", cluster=scenario.cluster)
        self._cluster = cluster
        self._units = [unit.id for unit in cluster.units]
        self._head: str | None = None
        self._contacts: dict[str, Contact] = {}

    async def enter_people(self) -> None:
        """Enter the people of the file, and one made-up officer for each unit and for the organiser."""
        year = self._scenario.year
        await enter_people(self._app, (*year.people, *self._scenario.people))
        for unit in self._cluster.units:
            await self._enter_officer(unit.id, f"Cán bộ diễn tập {unit.name}")
        await self._enter_officer(year.organiser, f"Thư ký diễn tập {year.organiser_name}")

    async def _enter_officer(self, unit: str, name: str) -> None:
        self._contacts[unit] = await self._app.people.enter(
            f"cb-{unit}", unit, name, office="cán bộ diễn tập", email=f"cb-{unit}@example.invalid"
        )

    @property
    def _secretariat(self) -> Contact:
        return self._contacts[self._scenario.year.organiser]

    async def open(self, edition: Edition) -> None:
        """Start the year, which opens the cycle.

        Raises:
            InputError: the cycle was not opened.
        """
        opened = self._scenario.opened
        receipt = await start_year(
            self._app,
            self._scenario.year,
            edition,
            at_command_line(self._secretariat),
            clock="backfill",
            starts=start_of(opened.on),
            provenance=_provenance(opened),
            issued=When.on(opened.on, opened.until),
        )
        if failed := [one for one in receipt.failed if one.stream == self.stream]:
            raise InputError(failed[0].code, failed[0].stream, **failed[0].facts)

    async def enter_stated(self) -> None:
        """Enter the stated acts. Neighbours of the same meeting are submitted together."""
        group: list[CommandInput] = []
        for index, stated in enumerate(self._scenario.stated):
            if group and group[-1].meeting != stated.meeting:
                await self._submit(self._secretariat, group)
                group = []
            command_input = CommandInput(
                self.stream,
                stated.act,
                stated.fields,
                self._id("stated", index),
                happened=When.on(stated.on, stated.until),
                provenance=_provenance(stated),
                meeting=stated.meeting,
            )
            if stated.act == "assign-role" and stated.fields.get("role") == "head":
                holder = str(stated.fields.get("holder"))
                self._head = holder if holder in self._units else None
            group.append(command_input)
        if group:
            await self._submit(self._secretariat, group)
        await self._name_sources()

    async def _name_sources(self) -> None:
        """Enter the titles of the sources, so that readers meet these and not the ids of the file."""
        last = self._scenario.stated[-1] if self._scenario.stated else self._scenario.opened
        for index, source in enumerate(self._scenario.sources):
            fields = source.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            naming = CommandInput(
                self.stream,
                "name-source",
                fields,
                self._id("source", index),
                happened=When.on(last.on, last.until),
                provenance=Provenance(kind="stated", source=source.id),
            )
            await self._submit(self._secretariat, [naming])

    async def rehearse(self, rest: RehearsedYear, since: ScenarioMoment) -> None:
        """Change to the stepped calendar and play the rest of the year."""
        year = self._scenario.year.year
        begin = since.of(year)
        fields = {"clock": "stepped", "since": begin.isoformat()}
        change = CommandInput(self.stream, "change-calendar", fields, self._id("clock", 0))
        await self._submit(self._secretariat, [change])
        self._now = begin
        for index, act in enumerate(rest.acts):
            await self._step(act.at.of(year))
            for contact, number in self._actors(act):
                fields = self._filled(act.fields, number, rest)
                command_id = self._id("rehearsed", index, number)
                await self._submit(
                    contact, [CommandInput(self.stream, act.act, fields, command_id, meeting=act.meeting)]
                )

    async def _step(self, now: datetime) -> None:
        if self._now is not None and now <= self._now:
            return
        self._now = now
        command_id = self._id("step", now.isoformat())
        await self._submit(
            self._secretariat, [CommandInput(self.stream, "step-to", {"now": now.isoformat()}, command_id)]
        )

    def _actors(self, act: Rehearsed) -> Iterator[tuple[Contact, int]]:
        """Yield who acts, and the number of the unit that the act is about; 0 for an act about no unit."""
        all_units = tuple(range(1, len(self._units) + 1))
        if act.by in {"secretariat", "head"}:
            contact = self._contacts[self._head] if act.by == "head" and self._head else self._secretariat
            for number in all_units if isinstance(act.each, str) else act.each or (0,):
                yield contact, number
        else:
            for number in all_units if isinstance(act.by, str) else act.by:
                yield self._contacts[self._units[number - 1]], number

    def _filled(self, value: Any, number: int, rest: RehearsedYear) -> Any:
        """Return a field with its $ words replaced, for the unit with this number."""
        if isinstance(value, dict):
            return {name: self._filled(entry, number, rest) for name, entry in value.items()}
        if isinstance(value, list):
            return [self._filled(entry, number, rest) for entry in value]
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        return self._word(value[1:], number, rest)

    def _word(self, word: str, number: int, rest: RehearsedYear) -> Any:
        following = number % len(self._units) + 1
        if word == "unit":
            return self._units[number - 1]
        if word == "next":
            return self._units[following - 1]
        if word.startswith("unit-"):
            return self._units[int(word.removeprefix("unit-")) - 1]
        if word.startswith("day-"):
            return f"{self._scenario.year.year}-{word.removeprefix('day-')}"
        if word == "self":
            return [{"criterion": c, "points": str(p)} for c, p in rest.self_scores[number].items()]
        if word == "cross-checked":
            return _sheet(rest.self_scores[following], rest.cross_checked.get(following, {}))
        if word == "appraised":
            checked = {c: change.points for c, change in rest.cross_checked.get(number, {}).items()}
            return _sheet({**rest.self_scores[number], **checked}, rest.appraised.get(number, {}))
        raise InputError("unknown_word", word=word)

    async def _submit(self, person: Contact, inputs: list[CommandInput]) -> None:
        await self._app.submit(self.stream, at_command_line(person), inputs)
        self.acts += len(inputs)

    def _id(self, *parts: object) -> UUID:
        return uuid5(IDS, "\n".join((self._app.gate.installation, self.stream, self._name, *map(str, parts))))


def _sheet(before: Sheet, changes: dict[Slug, ChangedPoints]) -> list[dict[str, Any]]:
    return [
        {"criterion": c, "points": str(changes[c].points), "reason": changes[c].reason}
        if c in changes
        else {"criterion": c, "points": str(points)}
        for c, points in before.items()
    ]


def _provenance(stated: Stated) -> Provenance:
    if stated.inferred_from is not None:
        return Provenance(kind="inferred", source=stated.inferred_from)
    return Provenance(kind="stated", source=stated.source or "")
