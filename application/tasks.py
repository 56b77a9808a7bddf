"""A unit's open tasks in all of its cycles, as task list, calendar and JSON interface give them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from application.downloads import Cell, Table, table_of
from domain.dates import from_iso
from domain.duties import Duty
from domain.times import day_ending
from i18n import _
from i18n.messages import word
from ledger.paging import ALL_ROWS, Paged, PageRequest
from projections.board import ListedCycle, title_of
from projections.board_lines import BoardLines
from projections.home_lines import HomeLines, TaskQuery
from vault.texts import Texts


@dataclass(frozen=True, slots=True)
class TaskCard:
    """One open task of a unit."""

    cycle: str
    cluster: str
    year: int
    duty: str
    subject: str
    """The name of the unit that the task is about; "" where it is about none."""
    subject_id: str
    unit: str
    unit_name: str
    organiser: str
    """The name of the organiser of the cycle."""
    due: datetime | None
    alarm: datetime | None
    """When a calendar reminds of it: in office hours of the working day before."""
    now: datetime
    extended: bool
    waits_for: tuple[str, ...]
    """Names of the units that must act first."""
    awaited: str
    """The duty that these units must do first; "" where the task waits for none."""
    closed: bool
    """The hard close has come: the unit can no longer do it by itself."""
    answered: tuple[str, ...]
    """Names of the other members that owed it, too, and have done theirs."""
    owing: tuple[str, ...]
    """Names of the units that still owe the same duty, its own among them."""
    asked: bool
    """The unit has asked for more time."""
    asked_until: date | None
    asked_why: str
    """The day that the unit asked for, and its reason."""
    extended_why: str
    """The reason of the extension, where the deadline was extended."""
    refused_why: str
    """The reason why the last request for more time was refused; "" where none was."""
    article: str | None
    rehearsed: bool
    member: bool
    """The unit is a member of the cluster, not its organiser or overseer."""

    @property
    def owed_by(self) -> int:
        """How many units still owe the same duty."""
        return len(self.owing)

    @property
    def overdue(self) -> bool:
        """Its time is over."""
        return self.due is not None and self.now >= self.due

    @property
    def waits(self) -> bool:
        """It waits for an act of others: what they owe, or that they open it again."""
        return bool(self.waits_for) or (self.closed and self.asked)

    @property
    def can_be_done(self) -> bool:
        """The unit can do it now: it waits for no other act, and is not closed."""
        return not self.waits_for and not self.closed


@dataclass(frozen=True, slots=True)
class ToAnswer(ListedCycle):
    """What an organiser answers, as a row of its list of tasks: what it is, about whom, until when."""

    task: str
    about: str
    due: datetime | None = None
    asked_until: date | None = None


@dataclass(frozen=True, slots=True)
class ClusterTasks:
    """Tasks of a unit in one cycle."""

    cycle: str
    title: str
    rehearsed: bool
    tasks: tuple[TaskCard, ...]


@dataclass(frozen=True, slots=True)
class DoneTask(ListedCycle):
    """A duty that a unit has done."""

    duty: str
    subject: str
    on: str
    """The date, as it is known."""
    late: bool


@dataclass(frozen=True, slots=True)
class SentMatter(ListedCycle):
    """What a unit has sent and its organiser, `organiser` by name, has not answered: a report, or a request.

    `until` is the day that a request for more time for `duty` asks for; None: a mid-year report, handed in `on`.
    """

    organiser: str
    duty: str
    on: str
    until: date | None


LATELY_DONE = 10
"""The duties done last that a page of tasks shows."""


_COLUMNS = ("due", "state", "task", "about", "cluster", "year", "waiting_for", "asked_until", "article", "how_sure")


def tasks_table(answers: Sequence[ToAnswer], tasks: Sequence[TaskCard]) -> Table:
    """What an organiser answers, and tasks, for a spreadsheet."""
    rows: list[dict[str, Cell]] = [
        {
            "due": day_ending(one.due) if one.due is not None else None,
            "state": _("waits for your answer"),
            "task": one.task,
            "about": one.about,
            "cluster": one.cluster,
            "year": one.year,
            "waiting_for": "",
            "asked_until": one.asked_until,
            "article": None,
            "how_sure": _how_sure(one.rehearsed),
        }
        for one in answers
    ]
    rows += [
        {
            "due": day_ending(one.due) if one.due is not None else None,
            "state": _state(one),
            "task": word("duty", one.duty),
            "about": one.subject,
            "cluster": one.cluster,
            "year": one.year,
            "waiting_for": "; ".join(one.waits_for),
            "asked_until": one.asked_until,
            "article": one.article,
            "how_sure": _how_sure(one.rehearsed),
        }
        for one in tasks
    ]
    return table_of(_("Tasks"), _COLUMNS, rows)


def _how_sure(rehearsed: bool) -> str:
    return word("sureness", "rehearsed" if rehearsed else "stated")


def _state(task: TaskCard) -> str:
    """Whether a task can be done, and whether its time is over."""
    if task.closed:
        can = _("closed; ask the secretariat")
    else:
        can = _("waits for other units") if task.waits_for else _("can be done now")
    return f"{_('overdue')}; {can}" if task.overdue else can


async def tasks_page(
    board: BoardLines, texts: Texts, unit: str, asked: PageRequest = ALL_ROWS, *, dated: bool = False
) -> Paged[TaskCard]:
    """A page of a unit's open tasks, overdue first, then by date; undated ones last.

    `dated`: only those that have a deadline.
    """
    now = datetime.now(UTC)
    found = await board.tasks_page(unit, asked, dated=dated)
    digests = {digest for line, owed in found.rows for digest in _reasons(line, owed, unit).values() if digest}
    words = await texts.get(digests)
    return found.map(lambda one: _task(*one, unit, now, words))


async def listed_tasks(
    home: HomeLines, texts: Texts, wanted: TaskQuery, asked: PageRequest, *, brief: bool = False
) -> Paged[TaskCard]:
    """A page of those open tasks of a unit that fit, overdue first, then by date; undated ones last.

    `brief`: without what other units have done of the same duty, which lists of many cycles do not show.
    """
    now = datetime.now(UTC)
    found = await home.tasks(wanted, asked, brief=brief)
    digests = {digest for line, owed in found.rows for digest in _reasons(line, owed, wanted.unit).values() if digest}
    words = await texts.get(digests)
    return found.map(lambda one: _task(*one, wanted.unit, now, words))


def by_cluster(tasks: Iterable[TaskCard]) -> list[ClusterTasks]:
    """Tasks grouped by cluster: those that the unit is a member of come first, then by what is due first."""
    groups: dict[str, list[TaskCard]] = {}
    for one in tasks:
        groups.setdefault(one.cycle, []).append(one)
    found = [
        ClusterTasks(cycle, f"{of[0].cluster}, {of[0].year}", of[0].rehearsed, tuple(of))
        for cycle, of in groups.items()
    ]
    return sorted(found, key=lambda group: not group.tasks[0].member)


async def lately_done(home: HomeLines, unit: str) -> list[DoneTask]:
    """What a unit has done last, in all of its cycles, the latest first."""
    found = [
        (
            from_iso(one["on"]).latest,
            DoneTask(
                of.cycle,
                of.cluster,
                of.year,
                of.rehearsed,
                one["duty"],
                of.names.get(one["subject"], one["subject"] or ""),
                one["on"],
                one["late"],
            ),
        )
        for of in await home.done(unit, LATELY_DONE)
        for one in of.done
    ]
    found.sort(key=lambda pair: pair[0], reverse=True)
    return [one for _latest, one in found[:LATELY_DONE]]


async def sent_matters(home: HomeLines, unit: str) -> list[SentMatter]:
    """What a unit has sent and what waits for its organisers, cycle by cycle."""
    found: list[SentMatter] = []
    for line in await home.sent(unit):
        of = (line.cycle, line.cluster, line.year, line.rehearsed, line.organiser)
        if line.report is not None:
            on = line.report["answered"] or line.report["on"]
            found.append(SentMatter(*of, Duty.MIDYEAR_REPORT.value, on, None))
        found.extend(SentMatter(*of, one["duty"], "", date.fromisoformat(one["until"])) for one in line.asked)
    return found


def _reasons(line: Mapping[str, Any], owed: Mapping[str, Any], unit: str) -> dict[str, str]:
    """The digests of the reasons that were given about more time for a task."""
    duty = owed["duty"]
    return {
        "asked": next((one["reason"] for one in _of(line["extensions_asked"], unit, duty)), ""),
        "refused": next((one["reason"] for one in _of(line["extensions_refused"], unit, duty)), ""),
        "extended": owed["extended_why"] or "",
    }


def _of(entries: Sequence[Mapping[str, Any]], unit: str, duty: str) -> Iterator[Mapping[str, Any]]:
    return (one for one in entries if (one["unit"], one["duty"]) == (unit, duty))


def _task(
    line: Mapping[str, Any], owed: Mapping[str, Any], unit: str, now: datetime, texts: Mapping[str, str]
) -> TaskCard:
    names, why = line["names"], _reasons(line, owed, unit)
    asked = next(_of(line["extensions_asked"], unit, owed["duty"]), None)
    done = line.get("done_by", {}).get(owed["duty"], ())
    owing = dict.fromkeys(other["unit"] for other in line.get("open", ()) if other["duty"] == owed["duty"])
    members = line["members"]
    return TaskCard(
        cycle=line["cycle"],
        cluster=title_of(line),
        year=line["year"],
        duty=owed["duty"],
        subject=names.get(owed["subject"], owed["subject"] or ""),
        subject_id=owed["subject"] or "",
        unit=unit,
        unit_name=names.get(unit, unit),
        organiser=names.get(line["cycle"].partition("/")[0], ""),
        alarm=datetime.fromisoformat(owed["alarm"]) if owed.get("alarm") else None,
        due=datetime.fromisoformat(owed["due"]) if owed["due"] else None,
        now=datetime.fromisoformat(line["now"]) if line["now"] else now,
        extended=owed["extended"],
        waits_for=tuple(names.get(one, one) for one in owed["waits_for"]),
        awaited=owed["awaited"] or "",
        closed=owed["duty"] in line["closed"] and unit in members,
        answered=tuple(names[one] for one in done if one in members and one != unit) if unit in members else (),
        owing=tuple(names.get(one, one) for one in owing),
        asked=asked is not None,
        asked_until=date.fromisoformat(asked["until"]) if asked is not None else None,
        asked_why=texts.get(why["asked"], ""),
        extended_why=texts.get(why["extended"], ""),
        refused_why=texts.get(why["refused"], ""),
        rehearsed=line["rehearsed"],
        article=owed["article"],
        member=unit in members,
    )
