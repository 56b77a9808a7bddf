"""Scenarios: years acted out from data files, every act through the desk like anybody's.

What a source states is entered on a backfill calendar with its source. The rest of the year, which no document
tells, is stepped through on a rehearsal calendar and marked as rehearsed in every event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid5

from pydantic import Field

from application.application import CommandInput
from application.persons import PersonEntry
from application.yaml_files import edition_file, read_model
from application.year_file import YearFile, enter_people, start_year
from cli.session import Session
from domain.rules import Edition
from domain.streams import cycle_stream
from domain.types import ICT, FrozenModel, Label, Points, Provenance, Slug, When, start_of
from errors import InputError
from i18n import _, ngettext
from vault.persons import Contact

STRENGTH = "rehearsal"
IDS = UUID("c7a0c0de-4a3f-5d0a-9f0e-2b6a1d9a7b11")

Sheet = dict[Slug, Points]
Say = Callable[[str], None]


class Stated(FrozenModel):
    """An act that a source tells of; `inferred_from` when it only must have been so."""

    act: Label
    on: date
    until: date | None = None
    source: Label | None = None
    inferred_from: Label | None = None
    meeting: Slug | None = None
    fields: dict[str, Any] = Field(default_factory=dict)


class ScenarioMoment(FrozenModel):
    """A moment of the rehearsed year; `year` 1 is the year after the cycle's."""

    year: Literal[0, 1] = 0
    month: int
    day: int
    hour: int = 9

    def of(self, year: int) -> datetime:
        """The instant, in the cycle that begins in `year`."""
        return datetime.combine(date(year + self.year, self.month, self.day), time(self.hour), ICT)


class Rehearsed(FrozenModel):
    """An act of the rehearsed year.

    `by` is the secretariat, the head (the secretariat where no head is known), or units by their place in the
    cluster, each for itself. In fields, $unit, $next, $self, $cross-checked and $appraised stand for the unit, the
    next one of the list, and the unit's sheets; $unit-3 for the third unit; $day-07-20 for that day of the year.
    """

    at: ScenarioMoment
    act: Label
    by: Literal["secretariat", "head", "units"] | tuple[int, ...]
    each: tuple[int, ...] | Literal["units"] | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    meeting: Slug | None = None


class Change(FrozenModel):
    """A changed value of a later round, with the reason that goes with it."""

    points: Points
    reason: Label


class RehearsedYear(FrozenModel):
    """What nobody wrote down, acted out. Sheets by the unit's place in the cluster."""

    acts: tuple[Rehearsed, ...]
    self_scores: dict[int, Sheet]
    cross_checked: dict[int, dict[Slug, Change]] = Field(default_factory=dict)
    appraised: dict[int, dict[Slug, Change]] = Field(default_factory=dict)


class Source(FrozenModel):
    """Where the stated facts come from; `misprints` were noted, not copied."""

    id: Label
    title: Label
    published: date | None = None
    address: Label | None = None
    misprints: tuple[Label, ...] = ()


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
    """What a scenario left behind."""

    stream: str
    acts: int


async def play(session: Session, file: Path, say: Say, *, cycle: str | None = None) -> Played:
    """Carry a scenario out. Carried out before, it changes nothing. `cycle` gives its year another name.

    Raises:
        InputError: the file is wrong. Refusals and engine trouble pass through from the desk.
    """
    scenario = read_model(file, Scenario)
    if cycle is not None:
        scenario = scenario.model_copy(update={"year": scenario.year.model_copy(update={"cycle": cycle})})
    edition = read_model(edition_file(file.parent, scenario.year.edition), Edition)
    rest = read_model(file.parent / scenario.rehearse, RehearsedYear) if scenario.rehearse else None
    play_ = _Play(session, scenario, file.stem, say)
    await play_.enter_people()
    say(
        ngettext("{title}: {count} stated act", "{title}: {count} stated acts", len(scenario.stated)).format(
            title=scenario.title, count=len(scenario.stated)
        )
    )
    await play_.open(edition)
    await play_.state()
    if rest is not None and scenario.rehearse_from is not None:
        say(_("{title}: rehearsing the rest of the year").format(title=scenario.title))
        await play_.rehearse(rest, scenario.rehearse_from)
    return Played(play_.stream, play_.acts)


class _Play:
    def __init__(self, session: Session, scenario: Scenario, name: str, say: Say) -> None:
        self.session, self.scenario, self.name, self.say = session, scenario, name, say
        year = scenario.year
        self.stream = cycle_stream(year.organiser, year.cycle_name, scenario.cluster)
        self.acts = 0
        self._now: datetime | None = None
        cluster = next((c for c in year.clusters if c.id == scenario.cluster), None)
        if cluster is None:
            raise InputError("no_such_cluster", cluster=scenario.cluster)
        self.units = [unit.id for unit in cluster.units]
        self._head: str | None = None
        self._contacts: dict[str, Contact] = {}

    async def enter_people(self) -> None:
        year = self.scenario.year
        await enter_people(self.session, (*year.people, *self.scenario.people))
        cluster = next(c for c in year.clusters if c.id == self.scenario.cluster)
        for unit in cluster.units:
            await self._staff(unit.id, f"Cán bộ diễn tập {unit.name}")
        await self._staff(year.organiser, f"Thư ký diễn tập {year.organiser_name}")

    async def _staff(self, unit: str, name: str) -> None:
        self._contacts[unit] = await self.session.people.enter(
            f"cb-{unit}", unit, name, office="cán bộ diễn tập", email=f"cb-{unit}@example.invalid"
        )

    @property
    def secretariat(self) -> Contact:
        return self._contacts[self.scenario.year.organiser]

    async def open(self, edition: Edition) -> None:
        opened = self.scenario.opened
        receipt = await start_year(
            self.session,
            self.scenario.year,
            edition,
            self.secretariat,
            clock="backfill",
            starts=start_of(opened.on),
            strength=STRENGTH,
            provenance=_provenance(opened),
            issued=When.on(opened.on, opened.until),
        )
        if failed := [f for f in receipt.failed if f.stream == self.stream]:
            raise InputError(failed[0].code, failed[0].stream, **failed[0].facts)

    async def state(self) -> None:
        """Enter the stated acts: those of one meeting travel together."""
        group: list[CommandInput] = []
        for number, stated in enumerate(self.scenario.stated):
            if group and group[-1].meeting != stated.meeting:
                await self._hand_in(self.secretariat, group)
                group = []
            said = CommandInput(
                self.stream,
                stated.act,
                stated.fields,
                self._id("stated", number),
                happened=When.on(stated.on, stated.until),
                provenance=_provenance(stated),
                meeting=stated.meeting,
            )
            if stated.act == "assign-role" and stated.fields.get("role") == "head":
                holder = str(stated.fields.get("holder"))
                self._head = holder if holder in self.units else None
            group.append(said)
        if group:
            await self._hand_in(self.secretariat, group)

    async def rehearse(self, rest: RehearsedYear, since: ScenarioMoment) -> None:
        begin = since.of(self.scenario.year.year)
        fields = {"clock": "stepped", "since": begin.isoformat()}
        await self._hand_in(
            self.secretariat, [CommandInput(self.stream, "change-calendar", fields, self._id("clock", 0))]
        )
        self._now = begin
        for number, act in enumerate(rest.acts):
            await self._step(act.at.of(self.scenario.year.year))
            for contact, place in self._sayers(act):
                fields = self._filled(act.fields, place, rest)
                said = CommandInput(
                    self.stream, act.act, fields, self._id("rehearsed", number, place), meeting=act.meeting
                )
                await self._hand_in(contact, [said])

    async def _step(self, now: datetime) -> None:
        if self._now is not None and now <= self._now:
            return
        self._now = now
        said = CommandInput(self.stream, "step-to", {"now": now.isoformat()}, self._id("step", now.isoformat()))
        await self._hand_in(self.secretariat, [said])

    def _sayers(self, act: Rehearsed) -> Iterator[tuple[Contact, int]]:
        """Who says it, about the unit at which place (0 when it is about none)."""
        everyone = tuple(range(1, len(self.units) + 1))
        if act.by in {"secretariat", "head"}:
            head = self._contacts[self._head] if act.by == "head" and self._head else self.secretariat
            for place in everyone if isinstance(act.each, str) else act.each or (0,):
                yield head, place
        else:
            for place in everyone if isinstance(act.by, str) else act.by:
                yield self._contacts[self.units[place - 1]], place

    def _filled(self, value: Any, place: int, rest: RehearsedYear) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(entry, place, rest) for name, entry in value.items()}
        if isinstance(value, list):
            return [self._filled(entry, place, rest) for entry in value]
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        return self._word(value[1:], place, rest)

    def _word(self, word: str, place: int, rest: RehearsedYear) -> Any:
        after = place % len(self.units) + 1
        if word == "unit":
            return self.units[place - 1]
        if word == "next":
            return self.units[after - 1]
        if word.startswith("unit-"):
            return self.units[int(word.removeprefix("unit-")) - 1]
        if word.startswith("day-"):
            return f"{self.scenario.year.year}-{word.removeprefix('day-')}"
        if word == "self":
            return [{"criterion": c, "points": str(p)} for c, p in rest.self_scores[place].items()]
        if word == "cross-checked":
            return _sheet(rest.self_scores[after], rest.cross_checked.get(after, {}))
        if word == "appraised":
            checked = {c: change.points for c, change in rest.cross_checked.get(place, {}).items()}
            return _sheet({**rest.self_scores[place], **checked}, rest.appraised.get(place, {}))
        raise InputError("unknown_word", word=word)

    async def _hand_in(self, person: Contact, said: list[CommandInput]) -> None:
        await self.session.submit(self.stream, person, said, strength=STRENGTH)
        self.acts += len(said)

    def _id(self, *parts: object) -> UUID:
        return uuid5(IDS, "\n".join((self.session.installed.id, self.stream, self.name, *map(str, parts))))


def _sheet(before: Sheet, changes: dict[Slug, Change]) -> list[dict[str, Any]]:
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
