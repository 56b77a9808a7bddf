"""What follows from a year file before it starts: the tasks and reminders of each cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from application.year_file import YearFile
from domain.commands import CommandPayload
from domain.cycle import CYCLE
from domain.obligations import obligations
from domain.records import Command
from domain.rules import Edition
from domain.state import members_and_organiser
from domain.steps.lifecycle import OpenCycle
from domain.streams import cycle_stream
from domain.strengths import Strength


@dataclass(frozen=True, slots=True)
class ExpectedTask:
    """A future obligation of a unit. `subject` is the unit that it is about, "" for the bearer itself.

    `lapsed`: the rules' last day, where it has passed before the year starts; then `due` is None.
    """

    unit: str
    subject: str
    duty: str
    due: datetime | None
    lapsed: datetime | None


@dataclass(frozen=True, slots=True)
class ClusterPreview:
    """The expected tasks and reminders of one cluster."""

    id: str
    name: str
    units: tuple[tuple[str, str], ...]
    overseer: str
    tasks: tuple[ExpectedTask, ...]
    reminders: int


def preview_clusters(year: YearFile, edition: Edition, starts: datetime) -> list[ClusterPreview]:
    """Return the tasks and the number of reminders of every cluster, as the cycle's decider computes them."""
    digest = sha256(edition.model_dump_json().encode()).hexdigest()
    return [_preview(year, number, edition, digest, starts) for number in range(len(year.clusters))]


def _preview(year: YearFile, number: int, edition: Edition, digest: str, starts: datetime) -> ClusterPreview:
    cluster = year.clusters[number]
    command: Command = OpenCycle(
        organiser=year.organiser,
        organiser_name=year.organiser_name,
        cluster_name=cluster.name,
        year=year.year,
        units=cluster.units,
        unnamed=cluster.unnamed,
        overseer=cluster.overseer,
        year_plan=year.plan,
        edition=digest,
        clock="wall",
        starts=starts,
    )
    stream = cycle_stream(year.organiser, year.cycle_name, cluster.id)
    authenticated = CommandPayload.of(command).authenticated(
        stream, UUID(int=0), actor="-", unit=year.organiser, issued=starts, strength=Strength.OS_ACCOUNT
    )
    state = CYCLE.fold(CYCLE.decide(authenticated, CYCLE.empty(), edition, 0))
    names = members_and_organiser(state)
    owed = [obligation for obligation in obligations(state, edition) if obligation.done is None]
    deadlines = [edition.deadline(obligation.duty) for obligation in owed if obligation.due]
    reminders = sum(len(deadline.remind_days_before) for deadline in deadlines if deadline is not None)
    tasks = tuple(
        ExpectedTask(names[one.bearer], names.get(one.subject, one.subject), one.duty.value, one.due, one.lapsed)
        for one in owed
    )
    people = {person.id: person.name for person in year.people}
    overseer = cluster.overseer.office or people.get(cluster.overseer.id or "") if cluster.overseer is not None else ""
    return ClusterPreview(
        cluster.id,
        cluster.name,
        tuple((unit.id, unit.name) for unit in cluster.units),
        overseer or "",
        tasks,
        reminders,
    )
