"""A cluster's page: the year as a picture, tasks by unit, papers in versions, meetings, scores, awards, deviations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from application.act_view import latest_acts
from application.comment_threads import threads
from application.corrected_acts import CycleCorrections
from application.event_texts import event_texts
from application.extension_requests import requests_of
from application.permitted_acts import permitted_acts
from application.recorded_acts import recorded_acts, standing_acts, steps_of
from application.score_tables import criteria_in_order, reasons_in, score_table, score_tables
from application.visits import VisitedCycle, Visitor
from application.work import of_many
from audit.replay import digests_in
from domain.access import Matter
from domain.codec import plain
from domain.dates import as_iso
from domain.due_dates import Obligation
from domain.duties import Duty
from domain.obligations import (
    DUTIES_OF_STEP,
    covenants_to_sign,
    current_step,
    obligations,
    steps,
)
from domain.scoring.scores import calculated_scores
from errors import InputError
from i18n import _
from i18n.page_texts import STEPS
from i18n.state_text import deviation_text
from i18n.values import Words, person_named, round_title, target_told, total_told, unnamed_units, voice
from ledger.paging import Paged, PageRequest
from projections.board import title_of
from web import urls
from web.auth import reads, reads_cycle
from web.downloads import TableExtension, as_table
from web.paging import PageNumber, Pager
from web.render import page
from web.services import get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]
COMMENTS = "y-kien"
"""The anchor of the comments on a page."""
ACTS = "da-ghi"
"""The anchor of the acts that stand."""

MOST_CORRECTIONS = 20
"""How many corrections the page lists; the timeline has all."""

MOST_LATEST = 10
"""How many of its latest acts a unit sees on the page."""


@dataclass(frozen=True, slots=True)
class StepPicture:
    """A step in the picture of the year."""

    name: str
    state: str
    """done, now or coming; stated or not-stated in a year that is entered afterwards."""
    when: str
    due: datetime | None
    done: int
    all: int
    unnamed: int | str
    """How many units it waits for, too, that no source names."""


@router.get(urls.CYCLES)
async def mine(
    request: Request,
    visitor: Annotated[Visitor, Depends(reads(Matter.OWN))],
    number: Annotated[PageNumber, Query(alias=urls.PAGE)] = 1,
) -> Response:
    """The clusters that the visitor's unit belongs to, over all years, and those that the visitor oversees."""
    board = get_services(request).board
    await board.wait_until_reached(visitor.login.position)
    found = await board.cycles_page(visitor.unit, PageRequest(number), overseer=visitor.contact.id)
    return page(request, "mine.html", title_of=title_of, lines=found.rows, pager=Pager(found, urls.CYCLES))


@router.get(urls.CYCLE)
async def cluster(
    request: Request,
    cycle: ReadableCycle,
    number: Annotated[PageNumber, Query(alias=urls.COMMENTS_PAGE)] = 1,
    acts_number: Annotated[PageNumber, Query(alias=urls.ACTS_PAGE)] = 1,
    step: Annotated[str, Query(alias=urls.EVENT_STEP)] = "",
) -> Response:
    """Everything about one cluster's year."""
    state, events = cycle.readable_state(), len(cycle.history)
    readable = cycle.readable
    owed, found = await of_many(events, lambda: (readable.obligations, readable.deviations))
    latest = latest_acts(cycle, MOST_LATEST)
    shown = Paged.of(await of_many(events, threads, state.comments.comments.values()), PageRequest(number))
    corrections = CycleCorrections(cycle)
    to_sign = covenants_to_sign(state, cycle.rules)
    stored = get_services(request).application.texts
    comments = state.comments
    stances = (*comments.stances.values(), *comments.collective_stances)
    texts = {
        **await stored.get(
            {one.comment.text for one in shown.rows} | {one.text for one in stances if one.text is not None}
        ),
        **await stored.get(digests_in([plain(one) for one in _answers(cycle)])),
    }
    application = get_services(request).application
    words = await event_texts(application, cycle.background, [envelope for _row, envelope in latest])
    acts = await recorded_acts(application, cycle, PageRequest(acts_number), step)
    acts_stay = {urls.COMMENTS_PAGE: number if number > 1 else "", urls.EVENT_STEP: step}
    comments_stay = {urls.ACTS_PAGE: acts_number if acts_number > 1 else "", urls.EVENT_STEP: step}
    return page(
        request,
        "cluster.html",
        cycle=cycle,
        state=state,
        year=tuple(_year(cycle)),
        to_sign=to_sign,
        covenants=[
            (kind, signing)
            for kind, signing in (("covenant", state.signing), ("term-covenant", state.term_signing))
            if kind in to_sign or signing.first_signed is not None
        ],
        permitted={act.NAME for act in permitted_acts(cycle)},
        tasks=[
            (cycle.names.get(one.bearer, one.bearer), one, _task_url(cycle, one), _is_closed(cycle, one))
            for one in owed
            if one.done is None and state.lifecycle.filed is None
        ],
        requests=await requests_of(cycle, stored),
        unsigned=[one.bearer for one in owed if one.duty is Duty.SIGNATURE and one.done is None],
        corrections=corrections,
        corrected_acts=await corrections.in_words(
            get_services(request).application, corrections.latest(MOST_CORRECTIONS)
        ),
        all_corrections=len(corrections.by_command),
        scores=await of_many(events, score_table, cycle),
        names=cycle.names,
        threads=shown.rows,
        comments_pager=Pager(shown, urls.cycle_url(cycle.stream), comments_stay, urls.COMMENTS_PAGE, COMMENTS),
        texts=texts,
        acts=acts.rows,
        acts_pager=Pager(acts, urls.cycle_url(cycle.stream), acts_stay, urls.ACTS_PAGE, ACTS),
        acts_steps={name: _(STEPS[name]) for name in steps_of(standing_acts(cycle))},
        acts_step=step,
        person_named=person_named,
        words_of=Words(cycle.background.titled, texts),
        total_told=total_told,
        target_told=target_told,
        round_title=round_title,
        voice=voice,
        unnamed_units=unnamed_units,
        deviations=[(one, deviation_text(one, cycle.names)) for one in found],
        closed=not readable.everything,
        wide=True,
        latest=[
            (row, one.sentence, state.corrections.corrected.get(row.version))
            for (row, _envelope), one in zip(latest, words, strict=True)
        ],
    )


def _answers(cycle: VisitedCycle) -> tuple[object, ...]:
    """The answers to requests for more time, with their reasons."""
    deadlines = cycle.readable_state().deadlines
    return (*deadlines.extensions.values(), *deadlines.refused_requests.values())


def _is_closed(cycle: VisitedCycle, one: Obligation) -> bool:
    """Whether the hard close has come for a member's duty: then the unit cannot do it by itself."""
    return one.duty in cycle.state.lifecycle.closed and one.bearer != cycle.state.lifecycle.organiser


def _task_url(cycle: VisitedCycle, one: Obligation) -> str:
    """The page on which a task is done; "" for visitors who may not do it, and where it cannot be done now."""
    visitor = cycle.visitor
    if one.waits_for or (_is_closed(cycle, one) and visitor.unit == one.bearer):
        return ""
    if visitor.unit not in {one.bearer, cycle.state.lifecycle.organiser} or visitor.login.account.kind == "auditor":
        return ""
    return urls.task_url(cycle.stream, one.duty, one.bearer, one.subject)


def _year(cycle: VisitedCycle) -> Iterator[StepPicture]:
    # How many duties are done is open to all; when, only as far as the visitor may read it.
    found, owed = (
        steps(cycle.readable_state(), cycle.rules, cycle.readable.obligations),
        obligations(cycle.state, cycle.rules),
    )
    current = current_step(found)
    for step in found:
        mine = [one for one in owed if one.duty in DUTIES_OF_STEP[step.name]]
        if not mine and step.done is None and step.told is None and not step.unnamed:
            continue  # no unit owes it this year
        done, due = [one for one in mine if one.done is not None], [one.due for one in mine if one.due is not None]
        if step.told is None:
            state = "done" if step.done is not None else "now" if step.name == current else "coming"
        else:
            state = "stated" if step.told else "not-stated"
        when = as_iso(step.done) if step.done is not None else ""
        yield StepPicture(step.name, state, when, max(due) if due else None, len(done), len(mine), step.unnamed)


@router.get(urls.SCORES)
async def scores(request: Request, cycle: ReadableCycle) -> Response:
    """The totals of all units, as far as the reader may see them: a sheet to print and to sign."""
    found = await of_many(len(cycle.history), score_table, cycle)
    return page(
        request,
        "scores.html",
        cycle=cycle,
        state=cycle.readable_state(),
        scores=found,
        names=cycle.names,
        round_title=round_title,
        total_told=total_told,
        words_of=Words(cycle.background.titled, {}),
        wide=True,
    )


@router.get(urls.SCORES_DOWNLOAD)
async def scores_download(request: Request, cycle: ReadableCycle, extension: TableExtension) -> Response:
    """The totals of all units for a spreadsheet; a workbook has the points by criterion on a sheet of their own."""
    texts = await get_services(request).application.texts.get(reasons_in(cycle))
    tables = await of_many(len(cycle.history), score_tables, cycle, texts)
    return await as_table(extension, f"{cycle.stream.replace('/', '-')}-diem", *tables)


@router.get(urls.SCORE_SHEET)
async def sheet(request: Request, cycle: ReadableCycle, unit: str) -> Response:
    """A unit's score sheet in all rounds side by side, as far as the reader may see them."""
    state, rules = cycle.readable_state(), cycle.rules
    if unit not in cycle.names:
        raise InputError("no_such_unit", unit=unit, known=", ".join(name for _unit, name in cycle.units()))
    order = rules.rounds_in_order(r for of, r in state.scores if of == unit)
    rounds = [name for name in order if (unit, name) in state.scores]
    entries = {name: {item.criterion: item for item in state.scores[unit, name].sheet} for name in rounds}
    texts = await get_services(request).application.texts.get(
        {item.reason for sheet in entries.values() for item in sheet.values() if item.reason}
    )
    totals = {name: found for name in rounds if (found := calculated_scores(state, rules, name).get(unit)) is not None}
    results = {name: {line.criterion: line for line in found.lines} for name, found in totals.items()}
    return page(
        request,
        "sheet.html",
        cycle=cycle,
        unit=unit,
        rounds=rounds,
        entries=entries,
        texts=texts,
        results=results,
        totals=totals,
        nodes=list(criteria_in_order(rules.criteria)),
        wide=True,
        sure=max((state.scores[unit, name].sureness for name in rounds), default=None),
    )
