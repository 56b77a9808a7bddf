"""A year's clusters and units as a table, one row for each unit, read into a year file with remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from application.pasted_text import clean_text
from application.persons import is_mail_address
from application.slugs import slug_of
from application.tables import Rows
from application.year_file import YearFile
from domain.commands import CommandPayload
from domain.cycle import CYCLE
from domain.obligations import obligations
from domain.problems import first_problem
from domain.records import Command
from domain.rules import Edition
from domain.state import members_and_organiser
from domain.steps.lifecycle import OpenCycle
from domain.streams import cycle_stream
from domain.strengths import Strength
from domain.times import day_ending
from errors import InputError
from i18n.sorting import folded

COLUMNS = (
    "cụm",
    "đơn vị",
    "mã đơn vị",
    "loại",
    "phụ trách cụm",
    "người liên hệ",
    "chức vụ",
    "thư điện tử",
    "điện thoại",
)
"""The columns of the table, in any order; the first two are required."""


@dataclass(frozen=True, slots=True)
class ExpectedTask:
    """A future obligation of a unit. `subject` is the unit that it is about, "" for the bearer itself."""

    unit: str
    subject: str
    duty: str
    due: datetime | None


@dataclass(frozen=True, slots=True)
class ClusterPreview:
    """The expected tasks and reminders of one cluster."""

    id: str
    name: str
    units: tuple[tuple[str, str], ...]
    overseer: str
    tasks: tuple[ExpectedTask, ...]
    reminders: int


@dataclass(slots=True)
class TableResult:
    """The year file of a table, and remarks (line, code, facts) on entries that are probably wrong.

    `changes` counts what was changed in the cells of each column that the person should know of.
    """

    year: YearFile
    remarks: list[tuple[int, str, Mapping[str, Any]]]
    changes: Mapping[str, Mapping[str, int]]


def read_table(rows: Rows, head: Mapping[str, Any]) -> TableResult:
    """Read a table into a year file. `head` holds organiser, organiser_name, year, plan and edition.

    Cells are cleaned as all text that is pasted (`clean_text`).

    Raises:
        InputError: a required column or cell is missing, a cell cannot be kept, or the year is invalid.
    """
    if not rows:
        raise InputError("table_empty")
    changes: dict[str, Counter[str]] = {}
    indexes = {folded(_clean(cell, 1, "", {})): index for index, cell in enumerate(rows[0])}
    columns = {name: indexes.get(folded(name)) for name in COLUMNS}
    if columns["cụm"] is None or columns["đơn vị"] is None:
        raise InputError("table_head", expected="; ".join(COLUMNS), found="; ".join(rows[0])[:120])
    clusters: dict[str, dict[str, Any]] = {}
    people: list[dict[str, Any]] = []
    remarks: list[tuple[int, str, Mapping[str, Any]]] = []
    for line, row in enumerate(rows[1:], start=2):
        cells = {
            name: _clean(row[i], line, name, changes) if i is not None and i < len(row) else ""
            for name, i in columns.items()
        }
        _add_row(line, cells, clusters, people, remarks)
    _add_remarks(clusters, people, remarks)
    file = {**head, "clusters": list(clusters.values()), "people": people}
    try:
        return TableResult(YearFile.model_validate(file), remarks, changes)
    except ValidationError as error:
        problem = first_problem(error)
        path = ".".join(map(str, problem.pop("place")))
        raise InputError("table_wrong", place=path, **problem) from None


def _clean(cell: str, line: int, column: str, changes: dict[str, Counter[str]]) -> str:
    """Return a cell as one clean line, and count what was changed in its column.

    Raises:
        InputError: `table_cell_bad`: it holds what cannot be kept.
    """
    try:
        found = clean_text(cell, one_line=True)
    except PydanticCustomError as error:
        # The line is that of the table: a cell is one line.
        given = {**(error.context or {}), "line": str(line)}
        raise InputError("table_cell_bad", column=column, line=line, problem=error.type, given=given) from None
    if found.changes:
        changes.setdefault(column, Counter()).update(found.changes)
    return found.text


def _add_row(
    line: int,
    cells: Mapping[str, str],
    clusters: dict[str, dict[str, Any]],
    people: list[dict[str, Any]],
    remarks: list[tuple[int, str, Mapping[str, Any]]],
) -> None:
    for name in ("cụm", "đơn vị"):
        if not cells[name]:
            raise InputError("table_cell_missing", line=line, column=name)
    cluster = clusters.setdefault(
        slug_of(cells["cụm"]).replace("cum-thi-dua-so-", "cum-"),
        {"id": slug_of(cells["cụm"]).replace("cum-thi-dua-so-", "cum-"), "name": cells["cụm"], "units": []},
    )
    unit = slug_of(cells["mã đơn vị"] or cells["đơn vị"])
    kind = slug_of(cells["loại"]) if cells["loại"] else None
    cluster["units"].append({"id": unit, "name": cells["đơn vị"], "kind": kind})
    if cells["phụ trách cụm"]:
        overseer = cluster.setdefault("overseer", {"office": cells["phụ trách cụm"]})
        if overseer["office"] != cells["phụ trách cụm"]:
            remarks.append((line, "overseers_differ", {"cluster": cluster["name"], "found": cells["phụ trách cụm"]}))
    if cells["người liên hệ"]:
        _add_contact(line, unit, cells, people, remarks)


def _add_contact(
    line: int,
    unit: str,
    cells: Mapping[str, str],
    people: list[dict[str, Any]],
    remarks: list[tuple[int, str, Mapping[str, Any]]],
) -> None:
    person = {
        "id": f"{unit}-{slug_of(cells['người liên hệ'])}"[:60].strip("-"),
        "unit": unit,
        "name": cells["người liên hệ"],
    }
    for name, column in (("office", "chức vụ"), ("email", "thư điện tử"), ("phone", "điện thoại")):
        if cells[column]:
            person[name] = cells[column]
    if person["id"] not in {entry["id"] for entry in people}:
        people.append(person)
    if "email" in person and not is_mail_address(person["email"]):
        remarks.append((line, "bad_email", {"found": person.pop("email")}))
    elif not cells["thư điện tử"]:
        remarks.append((line, "contact_without_mail", {"person": cells["người liên hệ"]}))


def _add_remarks(
    clusters: Mapping[str, dict[str, Any]],
    people: list[dict[str, Any]],
    remarks: list[tuple[int, str, Mapping[str, Any]]],
) -> None:
    """Remark on entries that are allowed but mostly wrong."""
    counts = Counter(unit["id"] for cluster in clusters.values() for unit in cluster["units"])
    remarks.extend((0, "unit_twice_in_table", {"unit": unit}) for unit, count in counts.items() if count > 1)
    units_with_contact = {person["unit"] for person in people}
    for cluster in clusters.values():
        if len(cluster["units"]) == 1:
            remarks.append((0, "cluster_of_one", {"cluster": cluster["name"]}))
        if "overseer" not in cluster:
            remarks.append((0, "cluster_without_overseer", {"cluster": cluster["name"]}))
        missing = [unit["name"] for unit in cluster["units"] if unit["id"] not in units_with_contact]
        if missing:
            remarks.append((0, "units_without_contact", {"cluster": cluster["name"], "whom": ", ".join(missing)}))


def preview_clusters(year: YearFile, edition: Edition, digest: str, starts: datetime) -> list[ClusterPreview]:
    """Return the tasks and the number of reminders of every cluster, as the cycle's decider computes them."""
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
        ExpectedTask(names[one.bearer], names.get(one.subject, one.subject), one.duty.value, one.due) for one in owed
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


def overdue_at_start(previews: list[ClusterPreview], now: datetime) -> list[tuple[str, str]]:
    """Return the duties whose last day has passed before the year starts, as (duty, day), each once."""
    overdue = {
        (task.duty, day_ending(task.due).isoformat())
        for preview in previews
        for task in preview.tasks
        if task.due is not None and task.due <= now
    }
    return sorted(overdue)
