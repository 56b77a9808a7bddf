"""What an auditor asks: the timeline, the state as it was, two moments compared, the register of deviations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from application.act_view import may_be_corrected
from application.board import DeviationQuery, count_deviations, deviations_page, deviations_table, state_words
from application.downloads import table_of
from application.event_texts import IN_LISTS, event_texts
from application.fields import optional_day, parse_day
from application.moments import Moment, StateAt, corrections_between, differences, moment_values, state_at
from application.timeline import TimelineFilter, step_of, step_of_act, timeline_of, timeline_table
from application.verification import chain_warning
from application.visits import VisitedCycle, Visitor
from application.work import of_many
from domain.access import Matter
from domain.codec import state_digest
from domain.deviations import BROUGHT_BY, CODES_OF_KEYS
from domain.duties import Duty
from domain.numbers import whole_number
from domain.obligations import DUTY_COMMANDS, steps
from errors import InputError
from i18n import _
from i18n.page_texts import STEPS
from ledger.paging import Paged, PageRequest
from web import urls
from web.auth import reads, reads_cycle
from web.checks import Number
from web.downloads import Extension, as_json, as_table
from web.form_problems import faulty_field, form_sentence
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
CycleHistory = Annotated[VisitedCycle, Depends(reads_cycle(Matter.HISTORY))]
HistoryReader = Annotated[Visitor, Depends(reads(Matter.HISTORY))]

DEVIATIONS_FILE = "diem-khac-quy-dinh"
_MOST_DIGITS = 6
"""A number of more digits is a day without separators, and no version."""


class TimelineFilters(BaseModel):
    """What the timeline shows: events of a unit, with a sureness, of a step, whose sentences hold words; which page."""

    unit: str = Field("", alias=urls.UNIT)
    sureness: str = Field("", alias=urls.SURENESS)
    words: str = Field("", alias=urls.WORDS)
    step: str = Field("", alias=urls.EVENT_STEP)
    oldest_first: str = Field("", alias=urls.OLDEST_FIRST)
    page: PageNumber = Field(1, alias=urls.PAGE)

    def link(self, cycle: VisitedCycle, **changed: str) -> str:
        """The address of the timeline as it is filtered, with some of it changed."""
        return urls.with_query(
            urls.timeline_url(cycle.stream), {**self.model_dump(by_alias=True, exclude={"page"}), **changed}
        )


@router.get(urls.TIMELINE)
async def timeline(request: Request, cycle: CycleHistory, filters: Annotated[TimelineFilters, Query()]) -> Response:
    """Everything that was recorded, in plain sentences, the newest first; by unit, sureness, step and words."""
    newest_first = not filters.oldest_first
    wanted = TimelineFilter(filters.unit, filters.sureness, filters.step, filters.words, newest_first)
    found = await wanted.page(get_services(request).application, cycle, PageRequest(filters.page), IN_LISTS)
    rows = [row for row, _envelope in await of_many(len(cycle.history), cycle.readable_history)]
    found_steps = {step_of(row) for row in rows}
    return page(
        request,
        "timeline.html",
        cycle=cycle,
        entries=found.rows,
        all=len(rows),
        pager=Pager(found, urls.timeline_url(cycle.stream), filters.model_dump(by_alias=True, exclude={"page"})),
        filters=filters,
        newest_first=newest_first,
        other_order=filters.link(cycle, **{urls.OLDEST_FIRST: "1" if newest_first else ""}),
        steps={name: _(text) for name, text in STEPS.items() if name in found_steps},
        units=sorted({row.unit for row in rows if row.unit}),
        correctable=may_be_corrected(cycle),
        broken=await of_many(len(cycle.history), chain_warning, cycle.rows, cycle.name),
    )


@router.get(urls.TIMELINE_DOWNLOAD)
async def timeline_download(request: Request, cycle: CycleHistory, extension: Extension) -> Response:
    """The timeline as JSON, or for a spreadsheet."""
    entries = await timeline_of(get_services(request).application, cycle)
    name = f"{_file_name(cycle)}-so"
    if extension == "json":
        return await as_json(await of_many(len(entries), lambda: [one.values() for one in entries]), name)
    return await as_table(extension, name, await of_many(len(entries), timeline_table, entries))


class MomentQuery(BaseModel):
    """A moment as an address names it: after a version, at the end of a day, or as had been recorded by a day."""

    version: Number | None = Field(None, alias=urls.AFTER_VERSION)
    day: str = Field("", alias=urls.DAY)
    known_on: str = Field("", alias=urls.KNOWN_ON)
    page: PageNumber = Field(1, alias=urls.PAGE)
    changes_page: PageNumber = Field(1, alias=urls.CHANGES_PAGE)

    def moment(self, cycle: VisitedCycle) -> Moment:
        """The moment; versions that the cycle does not have become its first or last.

        Raises:
            InputError: a day cannot be read.
        """
        at, known_on = optional_day(self.day, urls.DAY), optional_day(self.known_on, urls.KNOWN_ON)
        if at is not None or known_on is not None:
            return Moment(None, at, known_on)
        last = len(cycle.history)
        return Moment(last if self.version is None else min(self.version, last))


def _changes(first: StateAt, second: StateAt, number: int) -> Paged[tuple[bool, str]]:
    """A page of the lines that stand at one of two moments only: (at the second, line), those of the second first."""
    found = [(True, line) for line in second.only_here(first)] + [(False, line) for line in first.only_here(second)]
    return Paged.of(found, PageRequest(number))


def _other(number: int) -> int | str:
    """The page of the other list, as the links of a list keep it; the first one is left out of addresses."""
    return number if number > 1 else ""


@router.get(urls.MOMENT)
async def time_machine(request: Request, cycle: CycleHistory, query: Annotated[MomentQuery, Query()]) -> Response:
    """The state as it was, and what has changed since."""
    application = get_services(request).application
    try:
        moment, wrong = query.moment(cycle), None
    except InputError as error:  # the page stays, with what was typed and the state as it is now
        moment, wrong = Moment.now(cycle), error
    then = await state_at(application, cycle, moment, IN_LISTS)
    now = await state_at(application, cycle, Moment.now(cycle), IN_LISTS)
    found = then.replay
    last = [envelope for row, envelope in cycle.history if row.version == found.last_version]
    entry = await event_texts(application, cycle.background, last, most=IN_LISTS)
    address = (
        {"version": moment.version} if moment.version is not None else {"day": query.day, "known_on": query.known_on}
    )
    path = urls.moment_url(cycle.stream)
    lines, changes = Paged.of(then.lines, PageRequest(query.page)), _changes(then, now, query.changes_page)
    stays = query.model_dump(by_alias=True, exclude={"page", "changes_page"})
    return page(
        request,
        "moment.html",
        200 if wrong is None else wrong.http_status,
        text="" if wrong is None else form_sentence(wrong),
        faulty="" if wrong is None else faulty_field(wrong),
        cycle=cycle,
        moment=moment,
        found=found,
        lines=lines.rows,
        lines_pager=Pager(lines, path, {**stays, urls.CHANGES_PAGE: _other(query.changes_page)}),
        last=len(cycle.history),
        changes=changes.rows,
        corrections=await corrections_between(application, cycle, then, now),
        changes_pager=Pager(changes, path, {**stays, urls.PAGE: _other(query.page)}, urls.CHANGES_PAGE),
        entry=str(entry[0]) if entry else "",
        digest=await of_many(found.events, state_digest, found.state),
        query=query,
        download=address,
        broken=await of_many(len(cycle.history), chain_warning, cycle.rows, cycle.name),
        steps=steps(found.state, found.rules) if found.events else (),
    )


@router.get(urls.MOMENT_DOWNLOAD)
async def moment_download(
    request: Request, cycle: CycleHistory, extension: Extension, query: Annotated[MomentQuery, Query()]
) -> Response:
    """The state at a moment as JSON, or what stood then, a line each, for a spreadsheet."""
    application, moment = get_services(request).application, query.moment(cycle)
    then = await state_at(application, cycle, moment)
    if extension == "json":
        return await as_json(await moment_values(application, then), f"{_file_name(cycle)}-{then.replay.last_version}")
    now = await state_at(application, cycle, Moment.now(cycle))
    since = _("corrected since: act number {number}")
    rows = [
        *({"moment": moment.words(), "line": line} for line in then.lines),
        *(
            {"moment": since.format(number=one.version), "line": " ".join((*one.wrong, one.reason))}
            for one in await corrections_between(application, cycle, then, now)
        ),
    ]
    table = table_of(_("Time machine"), ("moment", "line"), rows)
    return await as_table(extension, f"{_file_name(cycle)}-{then.replay.last_version}", table)


class ComparisonQuery(BaseModel):
    """Two moments as an address names them: each a day, or the number of an act."""

    first: str = Field("", alias=urls.FROM)
    second: str = Field("", alias=urls.TO)
    page: PageNumber = Field(1, alias=urls.PAGE)
    changes_page: PageNumber = Field(1, alias=urls.CHANGES_PAGE)


async def _compared(
    request: Request, cycle: VisitedCycle, query: ComparisonQuery, most: int | None = None
) -> tuple[StateAt, StateAt]:
    application = get_services(request).application
    first = _moment_in(cycle, query.first, 0, urls.FROM)
    second = _moment_in(cycle, query.second, len(cycle.history), urls.TO)
    return await state_at(application, cycle, first, most), await state_at(application, cycle, second, most)


def _moment_in(cycle: VisitedCycle, text: str, default: int, path: str) -> Moment:
    """The moment that a text names, which was typed into the field `path`.

    Raises:
        InputError: it is neither a number nor a day.
    """
    text = text.strip()
    if not text:
        return Moment(default)
    if len(text) <= _MOST_DIGITS and (version := whole_number(text)) is not None:
        return Moment(min(version, len(cycle.history)))
    return Moment(None, parse_day(text, path))


@router.get(urls.COMPARISON)
async def compare(request: Request, cycle: CycleHistory, query: Annotated[ComparisonQuery, Query()]) -> Response:
    """Two moments compared: what stood only at the first, what only at the second."""
    wrong = None
    try:
        first, second = await _compared(request, cycle, query, IN_LISTS)
    except InputError as error:  # the page stays, with what was typed and the whole year compared
        wrong = error
        first, second = await _compared(request, cycle, ComparisonQuery(), IN_LISTS)
    before = Paged.of(first.only_here(second), PageRequest(query.page))
    after = Paged.of(second.only_here(first), PageRequest(query.changes_page))
    path = urls.comparison_url(cycle.stream)
    stays = query.model_dump(by_alias=True, exclude={"page", "changes_page"})
    return page(
        request,
        "compare.html",
        200 if wrong is None else wrong.http_status,
        text="" if wrong is None else form_sentence(wrong),
        faulty="" if wrong is None else faulty_field(wrong),
        cycle=cycle,
        first=first.moment,
        second=second.moment,
        query=query,
        only_before=before.rows,
        before_pager=Pager(before, path, {**stays, urls.CHANGES_PAGE: _other(query.changes_page)}),
        only_after=after.rows,
        after_pager=Pager(after, path, {**stays, urls.PAGE: _other(query.page)}, urls.CHANGES_PAGE),
        both=len(set(first.lines) & set(second.lines)),
        corrections=await corrections_between(get_services(request).application, cycle, first, second),
    )


@router.get(urls.COMPARISON_DOWNLOAD)
async def compare_download(
    request: Request, cycle: CycleHistory, extension: Extension, query: Annotated[ComparisonQuery, Query()]
) -> Response:
    """Two moments compared, as JSON or for a spreadsheet."""
    first, second = await _compared(request, cycle, query)
    corrections = await corrections_between(get_services(request).application, cycle, first, second)
    rows = differences(first, second, corrections)
    name = f"{_file_name(cycle)}-so-sanh"
    if extension == "json":
        return await as_json(rows, name)
    return await as_table(extension, name, table_of(_("Compare two moments"), ("only", "line"), rows))


def _file_name(cycle: VisitedCycle) -> str:
    return cycle.stream.replace("/", "-")


# Over all clusters ------------------------------------------------------------------------


class DeviationFilters(BaseModel):
    """Which deviations are shown: of a year, in a state (its code, or the word for it), with words."""

    year: str = Field("", alias=urls.YEAR)
    state: str = Field("", alias=urls.STATE)
    words: str = Field("", alias=urls.WORDS)

    def wanted(self) -> DeviationQuery:
        """What is asked of the register."""
        return DeviationQuery(self.year or None, self.state, self.words)


class DeviationsQuery(DeviationFilters):
    """The filters, and which page."""

    page: PageNumber = Field(1, alias=urls.PAGE)


@router.get(urls.DEVIATIONS)
async def deviations(
    request: Request, visitor: HistoryReader, filters: Annotated[DeviationsQuery, Query()]
) -> Response:
    """Deviations over all clusters, each with the entries that can have brought it."""
    board, texts = get_services(request).board, get_services(request).application.texts
    found = await deviations_page(board, texts, visitor, filters.wanted(), PageRequest(filters.page))
    return page(
        request,
        "deviations.html",
        rows=[(row, _entries_url(row)) for row in found.rows],
        all=await count_deviations(board, visitor, filters.year or None),
        pager=Pager(found, urls.DEVIATIONS, filters.model_dump(by_alias=True, exclude={"page"})),
        filters=filters,
        years=await board.years(),
        states=state_words(),
        wide=True,
    )


def _entries_url(row: Mapping[str, Any]) -> str:
    """The entries of a cycle that can have brought a deviation: of the step of the acts that bring it, of its unit."""
    kind, _slash, rest = str(row["key"]).partition("/")
    acts = {act for code in CODES_OF_KEYS.get(kind, ()) for act in BROUGHT_BY[code]}
    if (duty := rest.partition("/")[0]) in set(Duty):
        acts = set(DUTY_COMMANDS[Duty(duty)].done_by)
    found = {step_of_act(act) for act in acts}
    step = found.pop() if len(found) == 1 else ""
    return urls.with_query(urls.timeline_url(row["cycle"]), {urls.EVENT_STEP: step, urls.WORDS: row["unit"]})


@router.get(urls.DEVIATIONS_DOWNLOAD)
async def deviations_download(
    request: Request, visitor: HistoryReader, extension: Extension, filters: Annotated[DeviationFilters, Query()]
) -> Response:
    """The register of deviations that fit, as JSON or for a spreadsheet."""
    services = get_services(request)
    found = await deviations_page(services.board, services.application.texts, visitor, filters.wanted())
    if extension == "json":
        return await as_json(list(found.rows), DEVIATIONS_FILE)
    return await as_table(extension, DEVIATIONS_FILE, await of_many(found.total, deviations_table, found.rows))
