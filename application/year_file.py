"""The file that starts a city's year, and how it is carried out: plan, clusters, and every cycle opened at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid5

from pydantic import Field, model_validator

from application.application import Application, CommandInput
from application.persons import PersonEntry
from domain import limits
from domain.city_year import ClusterPlan
from domain.problems import invalid, repeated
from domain.rules import Edition
from domain.steps.lifecycle import ClockMode, CycleOpened
from domain.streams import cycle_stream, year_stream
from domain.types import Document, FrozenModel, Label, Provenance, UnitId, When, start_of
from errors import InputError
from vault.persons import Contact
from vault.texts import ERASED

if TYPE_CHECKING:
    from ledger.receipts import Receipt

COMMANDS = UUID("0b7a2f5e-3c53-5a51-8a55-7a4f3f0f2c90")


class YearFile(FrozenModel):
    """A city's year. `edition` is a file beside this one."""

    organiser: UnitId
    organiser_name: Label
    year: Annotated[int, Field(ge=1945, le=2200, strict=True)]
    cycle: Label | None = None
    plan: Document
    edition: Label
    people: tuple[PersonEntry, ...] = Field(default=(), max_length=limits.CLUSTERS_PER_YEAR * limits.UNITS_PER_CLUSTER)
    clusters: tuple[ClusterPlan, ...] = Field(min_length=1, max_length=limits.CLUSTERS_PER_YEAR)

    @model_validator(mode="after")
    def _each_once(self) -> YearFile:
        if doubled := repeated(cluster.id for cluster in self.clusters):
            raise invalid("cluster_twice", cluster=doubled[0])
        if doubled := repeated(unit.id for cluster in self.clusters for unit in cluster.units):
            raise invalid("unit_in_two_clusters", unit=doubled[0])
        return self

    @model_validator(mode="after")
    def _people_fit(self) -> YearFile:
        known = {self.organiser, *(unit.id for cluster in self.clusters for unit in cluster.units)}
        seen: set[str] = set()
        for person in self.people:
            if person.unit not in known and person.office is None:
                raise invalid("unit_of_nobody", person=person.id, unit=person.unit)
            if person.id in seen:
                raise invalid("person_twice", person=person.id)
            seen.add(person.id)
        return self

    @property
    def cycle_name(self) -> str:
        """The middle part of its streams' names."""
        return self.cycle or str(self.year)


async def start_year(
    app: Application,
    year: YearFile,
    edition: Edition,
    person: Contact,
    *,
    clock: ClockMode,
    starts: datetime,
    strength: str = "os-account",
    provenance: Provenance | None = None,
    issued: When | None = None,
) -> Receipt:
    """Issue the plan, arrange the clusters, open every cycle: one signature over all of it.

    The same file again changes nothing, and tries again what failed: command ids follow from what is said, and a
    cycle that is open is left alone.
    """
    if person.unit != year.organiser:
        raise InputError("not_the_organiser", person=person.id, unit=person.unit, organiser=year.organiser)
    digest = await app.texts.put_edition(edition.model_dump_json())
    stream = year_stream(year.organiser, year.cycle_name)
    clusters = [cluster.model_dump(mode="json") for cluster in year.clusters]
    common: dict[str, Any] = {"organiser": year.organiser, "organiser_name": year.organiser_name, "year": year.year}

    def said(stream: str, act: str, fields: dict[str, Any]) -> CommandInput:
        seed = f"{app.signer.installation}\n{stream}\n{act}\n{sorted(fields.items())!r}"
        return CommandInput(stream, act, fields, uuid5(COMMANDS, seed), happened=issued, provenance=provenance)

    plan = year.plan.model_dump(mode="json")
    acts = [
        said(stream, "issue-year-plan", {**common, "plan": plan, "edition": digest}),
        said(stream, "arrange-clusters", {"clusters": clusters}),
        said(stream, "order-opening", {"clusters": [cluster.id for cluster in year.clusters]}),
    ]
    open_already = await _open_already(app, year)
    for cluster in year.clusters:
        if cycle_stream(year.organiser, year.cycle_name, cluster.id) in open_already:
            continue
        fields = {
            **common,
            "cluster_name": cluster.name,
            "units": [unit.model_dump() for unit in cluster.units],
            "unnamed": cluster.unnamed,
            "overseer": cluster.overseer.model_dump(mode="json") if cluster.overseer else None,
            "year_plan": plan,
            "edition": digest,
            "clock": clock,
            "starts": starts.isoformat(),
        }
        acts.append(said(cycle_stream(year.organiser, year.cycle_name, cluster.id), "open-cycle", fields))
    return await app.submit(stream, person, acts, strength=strength)


async def check_open_cycles(app: Application, year: YearFile) -> None:
    """Whether the cycles that are open already were opened with the same units.

    Raises:
        InputError: one was not; said before anything of the file is entered.
    """
    await _open_already(app, year)


async def _open_already(app: Application, year: YearFile) -> set[str]:
    known, found = {stream for stream, _head in await app.ledger.streams()}, set[str]()
    for cluster in year.clusters:
        if (cycle := cycle_stream(year.organiser, year.cycle_name, cluster.id)) in known:
            await _must_be_the_same(app, cycle, cluster)
            found.add(cycle)
    return found


async def _must_be_the_same(app: Application, cycle: str, cluster: ClusterPlan) -> None:
    """An open cycle is not re-arranged by a file: whoever edits it must not believe that it was."""
    (_row, first), *_rest = await app.history(cycle)
    opened = first.event
    if isinstance(opened, CycleOpened) and opened.units != cluster.units:
        found = ", ".join(f"{unit.id} {unit.name}" for unit in opened.units)
        raise InputError("cluster_differs", cluster=cluster.id, found=found)


async def may_enter(app: Application, person: str, organiser: str, people: Sequence[PersonEntry]) -> None:
    """Whether somebody may enter a file for the organiser, being entered or standing in the file.

    Raises:
        InputError: unknown, or of another unit. The first secretary comes with the first file; later ones cannot
            enter themselves.
    """
    entered = await app.people.get(person)
    if entered is None and await app.people.of_unit(organiser):
        raise InputError("unknown_person", person=person)
    unit = entered.unit if entered else next((p.unit for p in people if p.id == person), None)
    if unit is None:
        raise InputError("unknown_person", person=person)
    if unit != organiser:
        raise InputError("not_the_organiser", person=person, unit=unit, organiser=organiser)


async def enter_file_people(
    app: Application,
    person: str,
    organiser: str,
    people: Sequence[PersonEntry],
    salts: Mapping[str, str] | None = None,
) -> Contact:
    """Who enters a file, with the file's people entered in the book. `salts` come from the register they are from.

    Raises:
        InputError: as `may_enter`, or somebody of the file is entered otherwise.
    """
    await may_enter(app, person, organiser, people)
    await enter_people(app, people, salts)
    return await app.person(person)


async def enter_people(app: Application, people: Sequence[PersonEntry], salts: Mapping[str, str] | None = None) -> None:
    """Enter the file's people in the book.

    Raises:
        InputError: somebody is entered already under another unit or name; nobody is changed by a file.
    """
    for entry in people:
        before = await app.people.get(entry.id)
        for name in ("unit", "name"):
            if before is not None and getattr(before, name) not in {getattr(entry, name), ERASED}:
                raise InputError("person_differs", person=entry.id, field=name, found=getattr(before, name))
    for entry in people:
        salt = (salts or {}).get(entry.id)
        await app.people.enter(
            entry.id,
            entry.unit,
            entry.name,
            office=entry.office,
            email=entry.email,
            phone=entry.phone,
            salt=bytes.fromhex(salt) if salt else None,
        )


def default_start(year: int, now: datetime) -> datetime:
    """1 January, or now when the year is under way: what was due before the register existed is not called late."""
    return max(start_of(date(year, 1, 1)), now)
