"""A rehearsed city: wards, people and clusters, each with all that it hands in up to the middle of the year.

Only plans: nothing here reads a clock or a ledger, so the same file gives the same city. `application.city_player`
plays it on a real engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from application.city_script import CityFile, ScriptedBatch, Stage, moment_of, script
from application.persons import PersonEntry
from application.slugs import slug_of
from application.year_file import YearFile
from domain.city_year import ClusterPlan
from domain.units import Unit


@dataclass(frozen=True, slots=True)
class PlannedCluster:
    """A cluster of the city, how far it is, and all that it hands in."""

    plan: ClusterPlan
    stage: Stage
    number_in_stage: int
    batches: tuple[ScriptedBatch, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """The members in their order: the first is the head, the second the deputy."""
        return tuple(unit.id for unit in self.plan.units)

    @property
    def acts(self) -> int:
        """How many acts it hands in."""
        return sum(len(batch.acts) for batch in self.batches)


@dataclass(frozen=True, slots=True)
class PlannedCity:
    """A city from a seed."""

    file: CityFile
    people: tuple[PersonEntry, ...]
    clusters: tuple[PlannedCluster, ...]

    @property
    def year_file(self) -> YearFile:
        """The file that starts its year."""
        file = self.file
        return YearFile(
            organiser=file.organiser,
            organiser_name=file.organiser_name,
            year=file.year,
            plan=file.plan,
            edition=file.edition,
            clusters=tuple(cluster.plan for cluster in self.clusters),
        )

    def cluster(self, stage: Stage, number: int) -> PlannedCluster:
        """The cluster with this number among those that are equally far."""
        return next(one for one in self.clusters if (one.stage, one.number_in_stage) == (stage, number))

    @property
    def begins(self) -> datetime:
        """When the rehearsal begins."""
        return moment_of(self.file.year, 1, 12, 8)

    @property
    def now(self) -> datetime:
        """The moment at which the rehearsal stops, and a visitor goes on."""
        return moment_of(self.file.year, 7, 16, 9)


def officer_of(unit: str) -> str:
    """The id of a unit's officer."""
    return f"cb-{unit}"


def plan_city(file: CityFile) -> PlannedCity:
    """Return the city that the file's seed gives."""
    random = Random(file.seed)  # noqa: S311 - the same city each time is meant
    wards = _wards(file, random)
    stages = [stage for stage, count in file.clusters.items() for _ in range(count)]
    random.shuffle(stages)
    clusters, taken, numbers = [], 0, dict.fromkeys(file.clusters, 0)
    for index, stage in enumerate(stages):
        size = len(wards) // len(stages) + (index < len(wards) % len(stages))
        units = tuple(wards[taken : taken + size])
        taken += size
        plan = ClusterPlan(id=f"cum-{index + 1}", name=f"Cụm thi đua số {index + 1}", units=units)
        batches = script(file, random, [unit.id for unit in units], stage, numbers[stage])
        clusters.append(PlannedCluster(plan, stage, numbers[stage], batches))
        numbers[stage] += 1
    people = tuple(_officer(file, random, unit) for unit in wards)
    return PlannedCity(file, people, tuple(clusters))


def _wards(file: CityFile, random: Random) -> list[Unit]:
    pairs = [f"{one} {other}" for one in file.names.first for other in file.names.second]
    chosen = random.sample(pairs, file.wards)
    return [Unit(id=f"phuong-{slug_of(name)}", name=f"Ủy ban MTTQ Việt Nam phường {name}") for name in chosen]


def _officer(file: CityFile, random: Random, unit: Unit) -> PersonEntry:
    names = file.names
    name = f"{random.choice(names.families)} {random.choice(names.middles)} {random.choice(names.given)}"
    person = officer_of(unit.id)
    return PersonEntry(
        id=person,
        unit=unit.id,
        name=f"{name} (diễn tập)",
        office="cán bộ thi đua",
        email=f"{person}@example.invalid",
        phone=f"024 0000 {random.randrange(10_000):04}",
    )
