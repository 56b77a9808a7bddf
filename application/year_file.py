"""The file that starts a city's year, and the use case that carries it out: plan, clusters, all cycles opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid5

from pydantic import Field, model_validator

from application.application import Application, CommandInput
from application.gate import Submitter
from application.persons import PersonEntry
from application.yaml_files import edition_file, read_model
from domain import limits
from domain.city_year import ClusterPlan, OrderOpening
from domain.problems import invalid, repeated
from domain.rules import Edition
from domain.steps.lifecycle import ClockMode, CycleOpened
from domain.streams import cycle_stream, year_stream
from domain.times import When, start_of
from domain.types import Document, FrozenModel, Label, Provenance, UnitId
from errors import InputError
from vault.persons import Contact
from vault.texts import ERASED

if TYPE_CHECKING:
    from ledger.receipts import Receipt

COMMANDS = UUID("0b7a2f5e-3c53-5a51-8a55-7a4f3f0f2c90")


class YearFile(FrozenModel):
    """A city's year. `edition` is the name of a file in the same folder."""

    organiser: UnitId
    organiser_name: Label
    year: Annotated[int, Field(ge=1945, le=2200, strict=True)]
    cycle: Label | None = None
    plan: Document
    edition: Label
    people: tuple[PersonEntry, ...] = Field(default=(), max_length=limits.CLUSTERS_PER_YEAR * limits.UNITS_PER_CLUSTER)
    clusters: tuple[ClusterPlan, ...] = Field(min_length=1, max_length=limits.CLUSTERS_PER_YEAR)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> YearFile:
        if doubled := repeated(cluster.id for cluster in self.clusters):
            raise invalid("cluster_twice", name=next(one.name for one in self.clusters if one.id == doubled[0]))
        units = [unit for cluster in self.clusters for unit in cluster.units]
        if doubled := repeated(unit.id for unit in units):
            raise invalid("unit_in_two_clusters", name=next(one.name for one in units if one.id == doubled[0]))
        return self

    @model_validator(mode="after")
    def _people_are_valid(self) -> YearFile:
        known = {self.organiser, *(unit.id for cluster in self.clusters for unit in cluster.units)}
        seen: set[str] = set()
        for person in self.people:
            if person.unit not in known and person.office is None:
                raise invalid("unit_of_nobody", name=person.name, unit=person.unit)
            if person.id in seen:
                raise invalid("person_twice", name=person.name)
            seen.add(person.id)
        return self

    @property
    def cycle_name(self) -> str:
        """The middle part of the names of its streams."""
        return self.cycle or str(self.year)


def read_year(file: Path) -> tuple[YearFile, Edition]:
    """Read a year file and the edition that it names.

    Raises:
        InputError
    """
    year = read_model(file, YearFile)
    return year, read_model(edition_file(file.parent, year.edition), Edition)


async def start_year(
    app: Application,
    year: YearFile,
    edition: Edition,
    submitter: Submitter,
    *,
    clock: ClockMode,
    starts: datetime,
    provenance: Provenance | None = None,
    issued: When | None = None,
) -> Receipt:
    """Issue the plan, arrange the clusters and open every cycle, in one signed batch.

    Submitting the same file again changes nothing and repeats only what failed: command ids are derived from the
    content, and open cycles are skipped.

    Raises:
        InputError: the person is not of the organiser, or an open cycle has other units than the file.
        GateClosedError: as `check_may_start`.
    """
    if submitter.unit != year.organiser:
        raise InputError(
            "not_the_organiser", person=submitter.contact.id, unit=submitter.unit, organiser=year.organiser
        )
    await check_may_start(app, submitter, year)
    digest = await app.texts.put_edition(edition.model_dump_json())
    stream = year_stream(year.organiser, year.cycle_name)
    clusters = [cluster.model_dump(mode="json") for cluster in year.clusters]
    common: dict[str, Any] = {"organiser": year.organiser, "organiser_name": year.organiser_name, "year": year.year}

    def command_input(stream: str, act: str, fields: dict[str, Any]) -> CommandInput:
        seed = f"{app.gate.installation}\n{stream}\n{act}\n{sorted(fields.items())!r}"
        return CommandInput(stream, act, fields, uuid5(COMMANDS, seed), happened=issued, provenance=provenance)

    plan = year.plan.model_dump(mode="json")
    inputs = [
        command_input(stream, "issue-year-plan", {**common, "plan": plan, "edition": digest}),
        command_input(stream, "arrange-clusters", {"clusters": clusters}),
        command_input(stream, "order-opening", {"clusters": [cluster.id for cluster in year.clusters]}),
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
        inputs.append(command_input(cycle_stream(year.organiser, year.cycle_name, cluster.id), "open-cycle", fields))
    return await app.submit(stream, submitter, inputs)


async def check_may_start(app: Application, submitter: Submitter, year: YearFile) -> None:
    """Check that the gate is open for the year's start, before anything of it is stored.

    Raises:
        GateClosedError
    """
    stream = year_stream(year.organiser, year.cycle_name)
    await app.gate.check(submitter, [CommandInput(stream, OrderOpening.NAME, {})])


async def check_open_cycles(app: Application, year: YearFile) -> None:
    """Check that open cycles have the same units as the file, before anything of the file is entered.

    Raises:
        InputError: `cluster_differs`.
    """
    await _open_already(app, year)


async def _open_already(app: Application, year: YearFile) -> set[str]:
    """Return the streams of the file's clusters that exist, after checking their units."""
    streams, open_already = {stream for stream, _tip in await app.ledger.streams()}, set[str]()
    for cluster in year.clusters:
        if (cycle := cycle_stream(year.organiser, year.cycle_name, cluster.id)) in streams:
            await _check_same_units(app, cycle, cluster)
            open_already.add(cycle)
    return open_already


async def _check_same_units(app: Application, cycle: str, cluster: ClusterPlan) -> None:
    """Refuse a file with other units than an open cycle: a file does not change open cycles."""
    (_row, first), *_rest = await app.history(cycle)
    opened = first.event
    if isinstance(opened, CycleOpened) and opened.units != cluster.units:
        found = ", ".join(f"{unit.id} {unit.name}" for unit in opened.units)
        raise InputError("cluster_differs", cluster=cluster.id, found=found)


async def may_enter(app: Application, person: str, organiser: str, people: Sequence[PersonEntry]) -> None:
    """Check that a person may enter a file for the organiser.

    The first person of an organiser may come with the file itself. Later ones must be entered before.

    Raises:
        InputError: the person is unknown, or of another unit.
        GateClosedError: the person is an auditor.
    """
    await app.gate.check_person(person)
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
    """Enter the people of a file and return the person who submits it.

    `salts` are those of an exported file, by person, in hex: with them the commitments stay the same.

    Raises:
        InputError: as `may_enter` and `enter_people`.
    """
    await may_enter(app, person, organiser, people)
    await enter_people(app, people, salts)
    return await app.person(person)


async def enter_people(app: Application, people: Sequence[PersonEntry], salts: Mapping[str, str] | None = None) -> None:
    """Enter the people of a file. A file does not change persons who are entered already.

    Raises:
        InputError: a person is entered already with another unit or name; a name before a correction is none.
    """
    former = await app.people.former_names(entry.id for entry in people)
    for entry in people:
        before = await app.people.get(entry.id)
        for name in ("unit", "name"):
            known = {getattr(entry, name), ERASED}
            if name == "name" and (entry.id, entry.name) in former:
                continue
            if before is not None and getattr(before, name) not in known:
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


def default_start(year: int, edition: Edition, now: datetime) -> datetime:
    """Return the first day of the period, or now if it has begun: nothing due before the start counts as late."""
    return max(start_of(edition.period.first.of(year)), now)
