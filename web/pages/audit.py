"""What an auditor asks: the timeline, the state as it was, two moments compared, the register of deviations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from application.act_view import may_be_corrected
from application.board import deviation_rows
from application.fields import optional_day, parse_day
from application.moments import Moment, StateAt, differences, moment_values, replayed, state_at
from application.timeline import TimelineEntry, sentences, timeline_of
from application.verification import chain_warning
from application.visits import VisitedCycle, Visitor
from domain.access import Matter
from domain.codec import state_digest
from domain.obligations import steps
from i18n import _
from i18n.page_texts import STEPS
from i18n.sorting import folded
from web import urls
from web.auth import reads, reads_cycle
from web.downloads import Extension, as_csv, as_download, as_json
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
CycleHistory = Annotated[VisitedCycle, Depends(reads_cycle(Matter.HISTORY))]
HistoryReader = Annotated[Visitor, Depends(reads(Matter.HISTORY))]

_MOST_DIGITS = 6
"""A number of more digits is a day without separators, and no version."""


class TimelineFilters(BaseModel):
    """What the timeline shows: events of a unit, with a sureness, of a step, whose sentences hold words."""

    unit: str = Field("", alias=urls.UNIT)
    sureness: str = Field("", alias=urls.SURENESS)
    words: str = Field("", alias=urls.WORDS)
    step: str = Field("", alias=urls.EVENT_STEP)

    def fits(self, one: TimelineEntry) -> bool:
        """Whether an entry is shown."""
        return (
            self.unit in {"", one.row.unit}
            and self.sureness in {"", one.row.provenance}
            and self.step in {"", one.step}
            and folded(self.words) in folded(one.text)
        )


@router.get(urls.TIMELINE)
async def timeline(request: Request, cycle: CycleHistory, filters: Annotated[TimelineFilters, Query()]) -> Response:
    """Everything that was recorded, in order, in plain sentences; by unit, sureness, step and words."""
    entries = await timeline_of(get_services(request).application, cycle)
    found_steps = {one.step for one in entries}
    return page(
        request,
        "timeline.html",
        cycle=cycle,
        entries=[one for one in entries if filters.fits(one)],
        all=len(entries),
        filters=filters,
        steps={name: _(text) for name, text in STEPS.items() if name in found_steps},
        units=sorted({one.row.unit for one in entries if one.row.unit}),
        correctable=may_be_corrected(cycle),
        broken=chain_warning(cycle.rows),
    )


@router.get(urls.TIMELINE_DOWNLOAD)
async def timeline_download(request: Request, cycle: CycleHistory, extension: Extension) -> Response:
    """The timeline as JSON or CSV."""
    entries = await timeline_of(get_services(request).application, cycle)
    return as_download([one.values() for one in entries], f"{_file_name(cycle)}-so", extension)


class MomentQuery(BaseModel):
    """A moment as an address names it: after a version, at the end of a day, or as had been recorded by a day."""

    version: int | None = Field(None, alias=urls.AFTER_VERSION)
    day: str = Field("", alias=urls.DAY)
    known_on: str = Field("", alias=urls.KNOWN_ON)

    def moment(self, cycle: VisitedCycle) -> Moment:
        """The moment; versions that the cycle does not have become its first or last.

        Raises:
            InputError: a day cannot be read.
        """
        at, known_on = optional_day(self.day), optional_day(self.known_on)
        if at is not None or known_on is not None:
            return Moment(None, at, known_on)
        last = len(cycle.history)
        return Moment(last if self.version is None else max(0, min(self.version, last)))


@router.get(urls.MOMENT)
async def time_machine(request: Request, cycle: CycleHistory, query: Annotated[MomentQuery, Query()]) -> Response:
    """The state as it was, and what has changed since."""
    application, moment = get_services(request).application, query.moment(cycle)
    then = await state_at(application, cycle, moment)
    now = await state_at(application, cycle, Moment.now(cycle))
    found = then.replay
    last = [envelope for row, envelope in cycle.history if row.version == found.last_version]
    entry = await sentences(application.texts, last, cycle.names)
    return page(
        request,
        "moment.html",
        cycle=cycle,
        moment=moment,
        found=found,
        lines=then.lines,
        last=len(cycle.history),
        since=now.only_here(then),
        gone=then.only_here(now),
        entry=entry[0] if entry else "",
        digest=state_digest(found.state),
        query=query,
        download={"version": moment.version}
        if moment.version is not None
        else {"day": query.day, "known_on": query.known_on},
        broken=chain_warning(cycle.rows),
        steps=steps(found.state, found.rules) if found.events else (),
    )


@router.get(urls.MOMENT_DOWNLOAD)
async def moment_download(
    request: Request, cycle: CycleHistory, extension: Extension, query: Annotated[MomentQuery, Query()]
) -> Response:
    """The state at a moment as JSON, or what stood then, a line each, as CSV."""
    application, moment = get_services(request).application, query.moment(cycle)
    if extension == "json":
        found = await replayed(application, cycle, moment)
        return as_json(await moment_values(application, found), f"{_file_name(cycle)}-{found.last_version}")
    then = await state_at(application, cycle, moment)
    rows = [{"moment": moment.words(), "line": line} for line in then.lines]
    return as_csv(rows, f"{_file_name(cycle)}-{then.replay.last_version}")


class ComparisonQuery(BaseModel):
    """Two moments as an address names them: each a day, or the number of an act."""

    first: str = Field("", alias=urls.FROM)
    second: str = Field("", alias=urls.TO)


async def _compared(request: Request, cycle: VisitedCycle, query: ComparisonQuery) -> tuple[StateAt, StateAt]:
    application = get_services(request).application
    first, second = _moment_in(cycle, query.first, 0), _moment_in(cycle, query.second, len(cycle.history))
    return await state_at(application, cycle, first), await state_at(application, cycle, second)


def _moment_in(cycle: VisitedCycle, text: str, default: int) -> Moment:
    """The moment that a text names.

    Raises:
        InputError: it is neither a number nor a day.
    """
    text = text.strip()
    if not text:
        return Moment(default)
    if text.isdigit() and len(text) <= _MOST_DIGITS:
        return Moment(min(int(text), len(cycle.history)))
    return Moment(None, parse_day(text))


@router.get(urls.COMPARISON)
async def compare(request: Request, cycle: CycleHistory, query: Annotated[ComparisonQuery, Query()]) -> Response:
    """Two moments compared: what stood only at the first, what only at the second."""
    first, second = await _compared(request, cycle, query)
    return page(
        request,
        "compare.html",
        cycle=cycle,
        first=first.moment,
        second=second.moment,
        query=query,
        only_before=first.only_here(second),
        only_after=second.only_here(first),
        both=len(set(first.lines) & set(second.lines)),
    )


@router.get(urls.COMPARISON_DOWNLOAD)
async def compare_download(
    request: Request, cycle: CycleHistory, extension: Extension, query: Annotated[ComparisonQuery, Query()]
) -> Response:
    """Two moments compared, as JSON or CSV."""
    rows = differences(*await _compared(request, cycle, query))
    return as_download(rows, f"{_file_name(cycle)}-so-sanh", extension)


def _file_name(cycle: VisitedCycle) -> str:
    return cycle.stream.replace("/", "-")


# Over all clusters ------------------------------------------------------------------------


class DeviationFilters(BaseModel):
    """Which deviations are shown: of a year, in a state, with words."""

    year: str = Field("", alias=urls.YEAR)
    state: str = Field("", alias=urls.STATE)
    words: str = Field("", alias=urls.WORDS)


@router.get(urls.DEVIATIONS)
async def deviations(
    request: Request, visitor: HistoryReader, filters: Annotated[DeviationFilters, Query()]
) -> Response:
    """Deviations over all clusters."""
    board, words = get_services(request).board, folded(filters.words)
    rows = await deviation_rows(board, visitor, filters.year or None)
    fitting = [
        row
        for row in rows
        if filters.state in {"", row["state"]} and words in folded(f"{row['what']} {row['unit']} {row['cluster']}")
    ]
    return page(
        request,
        "deviations.html",
        rows=fitting,
        all=len(rows),
        filters=filters,
        years=await board.years(),
        states=sorted({row["state"] for row in rows}),
        wide=True,
    )


@router.get(urls.DEVIATIONS_DOWNLOAD)
async def deviations_download(
    request: Request,
    visitor: HistoryReader,
    extension: Extension,
    year: Annotated[str, Query(alias=urls.YEAR)] = "",
) -> Response:
    """The register of deviations as JSON or CSV."""
    rows = await deviation_rows(get_services(request).board, visitor, year or None)
    return as_download(rows, "diem-khac-quy-dinh", extension)
