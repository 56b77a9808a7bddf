"""Minutes that are being written: their cells as they stand, which of them a visitor may write, and what is saved.

All who may record a meeting in the cycle share them. What they decide for another year is kept from whoever does not
keep the minutes of that year, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from uuid import uuid4

from accounts.shared_drafts import LATEST, SharedCell
from application.fields import parse_day
from application.minutes import PARTS, is_near, other_cycle, require_minutes_keeper
from application.minutes_cells import (
    DROPPED,
    HEAD,
    HEAD_FIELDS,
    ON,
    OTHER,
    SEED,
    SHEET,
    TAKEN_OUT,
    TICKED,
    WRITER,
    Minutes,
    act_in,
    inside,
    scope_in,
    scope_of,
)
from application.visits import VisitedCycle
from errors import InputError, QuotaError
from web import quotas, urls
from web.services import Services

STANCES = ("agreed", "agreed-in-substance", "changes-requested")
CHECK = "check"
"""The last part of the page: what would be recorded, and the button that does it."""

PAGE_PARTS = (*PARTS, CHECK)
_PRESENT_S = 20


@dataclass(frozen=True)
class OpenMinutes:
    """Minutes with their draft. `other` is the year that they open, where the visitor keeps its minutes, too.

    `saved` are the cells that the visitor may see, by path, those that were emptied or sent among them.
    `elsewhere`: they decide for a year whose minutes the visitor does not keep.
    """

    cycle: VisitedCycle
    other: VisitedCycle | None
    minutes: Minutes
    draft: str
    saved: Mapping[str, SharedCell]
    writers: Sequence[str]
    revision: int
    elsewhere: bool
    unkept: frozenset[str] = frozenset()
    """The cells that the page shows as they were sent just now, and that could not be kept."""

    @property
    def person(self) -> str:
        """Who writes."""
        return self.cycle.visitor.contact.id

    @property
    def cycles(self) -> tuple[VisitedCycle, ...]:
        """The cycles that the visitor writes for."""
        return (self.cycle,) if self.other is None else (self.cycle, self.other)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The names of the units of the cycles that the visitor writes for."""
        return {unit: name for one in reversed(self.cycles) for unit, name in one.names.items()}

    def cycle_of(self, path: str) -> VisitedCycle:
        """The cycle that a cell is for."""
        return self.other if scope_in(path) and self.other is not None else self.cycle

    def value(self, path: str) -> str:
        """What a cell holds, or what the page shows in it; "" for an empty one."""
        return self.minutes.cells.get(path, "")

    def kept(self, path: str) -> str:
        """What a cell holds; "" for an empty one."""
        if path in self.unkept:
            return self.saved[path].value if path in self.saved else ""
        return self.value(path)

    def showing(self, unkept: Mapping[str, str]) -> OpenMinutes:
        """The same minutes as a page shows them, with texts in their cells that could not be kept."""
        cells = {**self.minutes.cells, **unkept}
        return replace(self, minutes=replace(self.minutes, cells=cells), unkept=frozenset(unkept))

    @property
    def is_dropped(self) -> bool:
        """Somebody has thrown them away; they can be put back."""
        return bool(self.value(DROPPED))

    @cached_property
    def taken_out(self) -> Mapping[str, SharedCell]:
        """The cells that were taken out and can be put back, by path, with what they held."""
        start = f"{TAKEN_OUT}."
        return {
            path.removeprefix(start): cell
            for path, cell in self.saved.items()
            if path.startswith(start) and cell.value and not cell.sent
        }

    @cached_property
    def _units(self) -> Mapping[str, frozenset[str]]:
        return {one.stream: frozenset(unit for unit, _name in one.members()) for one in self.cycles}

    def writes_scope(self, scope: str) -> bool:
        """Whether the visitor may write what is decided under a scope: that of the minutes, or of the other cycle."""
        return not scope or (self.other is not None and scope == scope_of(self.other.stream))

    def accepts(self, path: str) -> bool:
        """Whether the visitor may write a cell: rows and acts are begun by a button, and then are known."""
        scope = scope_in(path)
        if path.startswith(f"{TAKEN_OUT}.") or not self.writes_scope(scope):
            return False
        units = self._units[self.cycle_of(path).stream]
        match inside(path):
            case ("on",) | ("other",):
                return not scope and not (path == OTHER and self.elsewhere)
            case ("head", name):
                return not scope and name in HEAD_FIELDS and not HEAD_FIELDS[name].many
            case ("head", name, _row):
                return not scope and name in HEAD_FIELDS and HEAD_FIELDS[name].many and path in self.saved
            case ("present", unit):
                return not scope and unit in units
            case ("stance" | "sign", unit):
                return unit in units
            case ("acts", _act, _id):
                return path in self.saved
        return inside(path) == (SHEET,)


def draft_name(cycle: VisitedCycle, meeting: str) -> str:
    """The name of the shared draft of minutes."""
    return urls.minutes_url(cycle.stream, meeting)


async def open_minutes(services: Services, cycle: VisitedCycle, meeting: str) -> OpenMinutes:
    """Open minutes that were begun.

    Raises:
        ForbiddenError: the visitor keeps no minutes of this cycle.
        InputError: `no_such_minutes`.
    """
    require_minutes_keeper(cycle)
    draft = draft_name(cycle, meeting)
    cells = await services.shared.cells(draft)
    values = {one.path: one.value for one in cells if one.value}
    if SEED not in values:
        raise InputError("no_such_minutes", meeting=meeting)
    other = await other_cycle(services.application, cycle.visitor, values.get(OTHER, ""))
    scopes = {"", scope_of(other.stream)} if other is not None else {""}
    seen = {one.path: one for one in cells if scope_in(one.path) in scopes}
    shown = {path: one.value for path, one in seen.items() if one.value}
    return OpenMinutes(
        cycle,
        other,
        Minutes(meeting, cycle.stream, shown if other is not None else {**shown, OTHER: ""}),
        draft,
        seen,
        [one.path.partition(".")[2] for one in cells if one.path.startswith(f"{WRITER}.") and one.value],
        max(one.revision for one in cells),
        elsewhere=other is None and bool(values.get(OTHER)),
    )


async def other_years(services: Services, cycle: VisitedCycle) -> list[tuple[str, str]]:
    """The open cycles that a meeting can decide for, too, and whose minutes the visitor keeps: stream and name.

    The next year of the same cluster comes first, the same year of other clusters last.
    """
    organiser, visitor = cycle.state.lifecycle.organiser, cycle.visitor
    found = await services.board.open_cycles(organiser)
    if visitor.unit != organiser:
        theirs = {stream for stream, _at in await services.board.streams_of(visitor.unit)}
        found = [
            one
            for one in found
            if one[0] in theirs and await other_cycle(services.application, visitor, one[0]) is not None
        ]
    year = cycle.state.lifecycle.year
    names = {stream: name for stream, name, _year in found}

    def rank(one: tuple[str, str, int]) -> tuple[bool, bool]:
        return one[1] != names.get(cycle.stream), one[2] != year + 1

    found.sort(key=lambda one: (one[2] == year, *rank(one)))
    return [(stream, f"{name}, {of_year}") for stream, name, of_year in found if stream != cycle.stream]


@dataclass(frozen=True, slots=True)
class BegunMinutes:
    """Minutes of a cycle that were begun and not entered, as a list tells them."""

    meeting: str
    kind: str
    name: str
    on: str
    saved: datetime
    dropped: bool


async def begun_minutes(services: Services, cycle: VisitedCycle) -> list[BegunMinutes]:
    """The minutes of a cycle that were begun and not entered, the latest first."""
    start, found = f"{urls.meetings_url(cycle.stream)}/", []
    for draft, saved in (await services.shared.begun(start))[: quotas.MINUTES]:
        values = {one.path: one.value for one in await services.shared.cells(draft)}
        meeting = draft.removeprefix(start)
        if SEED in values and meeting not in cycle.state.meetings:
            kind, name = values.get(f"{HEAD}.kind", ""), values.get(f"{HEAD}.name", "")
            dropped = bool(values.get(DROPPED))
            found.append(BegunMinutes(meeting, kind, name, values.get(ON, ""), saved, dropped))
    return found


def begun_near(begun: Iterable[BegunMinutes], kind: str, on: date) -> list[BegunMinutes]:
    """Those of begun minutes that can be of the same meeting: of one kind, and of one day or near it."""
    return [one for one in begun if not one.dropped and one.kind == kind and _is_near(one.on, on)]


def _is_near(text: str, on: date) -> bool:
    try:
        return is_near(parse_day(text), on)
    except InputError:
        return False


async def begin_minutes(services: Services, cycle: VisitedCycle, meeting: str, head: Mapping[str, str]) -> None:
    """Begin minutes with the cells of their head; those that were begun under this id stay as they are.

    Raises:
        QuotaError: `too_many_minutes`.
    """
    draft, begun = draft_name(cycle, meeting), await begun_minutes(services, cycle)
    if any(one.meeting == meeting for one in begun):
        return
    if len(begun) >= quotas.MINUTES:
        raise QuotaError("too_many_minutes", most=quotas.MINUTES)
    cells = {**{path: value for path, value in head.items() if value}, SEED: str(uuid4())}
    person = cycle.visitor.contact.id
    await services.shared.save(draft, {**cells, f"{WRITER}.{person}": TICKED}, read=0, person=person)


# Writing ------------------------------------------------------------------------------------------------------------


async def save_cells(
    services: Services,
    opened: OpenMinutes,
    values: Mapping[str, str],
    read: int,
    *,
    own_tabs: bool = False,
) -> tuple[SharedCell, ...]:
    """Save cells as `SharedDrafts.save`, all that are not in conflict; returns those that are.

    Raises:
        QuotaError: `not_kept`.
    """
    if not values:
        return ()
    conflicts = await services.shared.save(
        opened.draft,
        values,
        read=read,
        person=opened.person,
        apart=True,
        own_tabs=own_tabs,
        longest=quotas.MINUTES_CELL_CHARACTERS,
    )
    if opened.person not in opened.writers and len(conflicts) < len(values):
        writer = {f"{WRITER}.{opened.person}": TICKED}
        await services.shared.save(opened.draft, writer, read=LATEST, person=opened.person)
    return conflicts


async def add_cell(services: Services, opened: OpenMinutes, start: str, value: str) -> str:
    """Begin a row or an act under the path `start`; returns the path of its cell.

    Raises:
        QuotaError: `too_many_acts_in_minutes`, `not_kept`.
    """
    path = opened.minutes.next_path(start)
    begun = sum(one.startswith(f"{start}.") for one in opened.saved)  # those that were taken out, too
    if max(begun, opened.minutes.count if act_in(path) is not None else 0) >= quotas.ACTS_IN_MINUTES:
        raise QuotaError("too_many_acts_in_minutes", most=quotas.ACTS_IN_MINUTES)
    await save_cells(services, opened, {path: value}, LATEST)
    return path


async def take_out(services: Services, opened: OpenMinutes, path: str, left: str = "") -> None:
    """Take a row or an act out, or leave so much of it; what it held is kept, to be put back."""
    held = opened.value(path)
    if held:
        await save_cells(services, opened, {path: left, f"{TAKEN_OUT}.{path}": held}, LATEST)


async def put_back(services: Services, opened: OpenMinutes, path: str) -> None:
    """Put back what was taken out of a cell."""
    if (cell := opened.taken_out.get(path)) is not None:
        await save_cells(services, opened, {path: cell.value, f"{TAKEN_OUT}.{path}": ""}, LATEST)


async def drop_minutes(services: Services, opened: OpenMinutes, *, dropped: bool) -> None:
    """Throw minutes away, or put them back: their cells stay."""
    await save_cells(services, opened, {DROPPED: TICKED if dropped else ""}, LATEST)


# Who writes ---------------------------------------------------------------------------------------------------------


def _room(draft: str, part: str) -> str:
    """Under what is noted that somebody has a part of minutes open."""
    return f"{draft} {part}"


async def note_presence(services: Services, opened: OpenMinutes, part: str) -> None:
    """Note that the visitor has a part of the minutes open."""
    version = len(opened.cycle.history)
    await services.shared.look(_room(opened.draft, part), opened.person, revision=opened.revision, version=version)


async def colleagues(services: Services, opened: OpenMinutes) -> dict[str, str]:
    """Who else has the minutes open now: the part, by person."""
    since = datetime.now(UTC) - timedelta(seconds=_PRESENT_S)
    rooms = {_room(opened.draft, part): part for part in PAGE_PARTS}
    found = await services.shared.looking(list(rooms), since)
    return {person: rooms[room] for room, person in found if person != opened.person}
