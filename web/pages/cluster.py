"""A cluster's page, which opens on what matters to its reader, and the lists that it shows the beginning of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from application.act_view import latest_acts, may_be_corrected, may_open, names_actor
from application.cluster_overview import answers_to, by_duty, is_closed, open_tasks, proposed, waiting_for_answer
from application.comment_threads import threads
from application.corrected_acts import CycleCorrections
from application.event_texts import event_texts
from application.excerpts import CHARS
from application.extension_requests import requests_of
from application.permitted_acts import permitted_acts
from application.recorded_acts import gaps_below, recorded_acts, standing_acts, steps_of
from application.score_grid import grid_rounds
from application.score_tables import score_table
from application.visits import VisitedCycle
from application.work import of_many
from domain.access import Matter
from domain.dates import as_iso
from domain.due_dates import Obligation
from domain.duties import Duty
from domain.obligations import DUTIES_OF_STEP, covenants_to_sign, current_step, steps
from domain.rules import NO_RULES
from errors import InputError
from i18n import N_, _
from i18n.editions import edition_title
from i18n.page_texts import STEPS
from i18n.state_text import deviation_text, says_its_day
from i18n.values import Words, person_named, round_title, target_told, total_told, unnamed_units, voice
from ledger.paging import Paged, PageRequest
from web import urls
from web.auth import reads_cycle
from web.checks import Number
from web.paging import PageNumber, Pager
from web.render import page
from web.services import Services, get_services

router = APIRouter(include_in_schema=False)
ReadableCycle = Annotated[VisitedCycle, Depends(reads_cycle(Matter.CYCLE))]

MOST_CORRECTIONS = 5
"""How many corrections the page lists; the timeline has all."""

MOST_LATEST = 5
"""How many of its latest acts a unit sees on the page."""

MOST_RECORDED = 6
"""How many of the latest entries the page shows; a page of their own has all."""

MOST_COMMENTS = 4
"""How many of the latest comments the page shows; a page of their own has all."""

SECTIONS = {
    "mine": ("cua-toi", N_("Your unit")),
    "needs": ("can-tra-loi", N_("Needs an answer")),
    "tasks": ("viec", N_("Open tasks")),
    "papers": ("van-ban", N_("Papers")),
    "comments": ("y-kien", N_("Stances and comments")),
    "registrations": ("dang-ky", N_("Registrations")),
    "signatures": ("chu-ky", N_("Signatures")),
    "meetings": ("hoi-nghi", N_("Meetings")),
    "reports": ("so-ket", N_("Mid-year reports")),
    "scores": ("diem", N_("Scores")),
    "results": ("ket-qua", N_("Ranking and awards")),
    "deviations": ("diem-khac", N_("Deviations from the rules")),
    "members": ("thanh-vien", N_("Members and roles")),
    "recorded": ("da-ghi", N_("What is in the register")),
}
"""The sections of the page in their usual order: by the end of its template's name, the anchor and the title."""

_FIRST = {"auditor": ("recorded", "deviations"), "secretariat": ("needs",), "staff": ("mine", "needs")}
"""What comes first, by the kind of the reader's account."""


@dataclass(frozen=True, slots=True)
class PageSection:
    """A section of the page; `count` stands in the index: None where nothing is counted."""

    name: str
    anchor: str
    title: str
    count: int | None


@dataclass(frozen=True, slots=True)
class StepPicture:
    """A step in the picture of the year."""

    name: str
    state: str
    """done, now or coming; stated or not-stated in a year that is entered afterwards."""
    when: str
    due: datetime | None
    """The last day of what is not done yet, as on the secretariat's first page."""
    done: int
    all: int
    unnamed: int | str
    """How many units it waits for, too, that no source names."""


@router.get(urls.CYCLE)
async def cluster(
    request: Request,
    cycle: ReadableCycle,
    number: Annotated[PageNumber, Query(alias=urls.COMMENTS_PAGE)] = 1,
    acts_number: Annotated[PageNumber, Query(alias=urls.ACTS_PAGE)] = 1,
    step: Annotated[str, Query(alias=urls.EVENT_STEP)] = "",
) -> Response:
    """A cluster's year: first what its reader has to do or to answer, then all of it, long lists by their beginning."""
    if number > 1:  # addresses of lists that stood on this page
        return RedirectResponse(urls.comments_url(cycle.stream, number), 303)
    if acts_number > 1 or step:
        return RedirectResponse(urls.recorded_url(cycle.stream, step, acts_number), 303)
    services, state, events = get_services(request), cycle.readable_state(), len(cycle.history)
    readable = cycle.readable
    owed, found, year = await of_many(events, lambda: (readable.obligations, readable.deviations, tuple(_year(cycle))))
    tasks, permitted = open_tasks(cycle), frozenset(act.NAME for act in permitted_acts(cycle))
    own = [one for one in tasks if one.bearer == cycle.visitor.unit]
    answers = answers_to(cycle, cycle.visitor.unit) if _is_member(cycle) else []
    waiting = waiting_for_answer(cycle, permitted, found)
    comments = await of_many(events, threads, state.comments.comments.values())
    shown_comments = comments[-MOST_COMMENTS:]
    texts = await _beginnings(services, cycle, [one.comment for one in shown_comments], [one.text for one in answers])
    corrections, latest = CycleCorrections(cycle), latest_acts(cycle, MOST_LATEST)
    application = services.application
    acts = await recorded_acts(application, cycle, PageRequest(1, MOST_RECORDED), most=CHARS)
    words = await event_texts(application, cycle.background, [envelope for _row, envelope in latest], most=CHARS)
    to_sign = covenants_to_sign(state, cycle.rules)
    requests = await requests_of(cycle, application.texts)
    scores = await of_many(events, score_table, cycle)
    counts = {
        "mine": len(own) if own or answers or latest else None,
        "needs": len(requests) * ("extend" in permitted) + _count(waiting),
        "tasks": len(tasks),
        "comments": len(comments) + len(state.comments.stances) + len(state.comments.collective_stances),
        "registrations": len(state.targets.registrations),
        "meetings": len(state.meetings),
        "reports": len(state.midyear),
        "deviations": len(found),
        "members": len(state.membership.members()),
        "recorded": acts.total,
    }
    return page(
        request,
        "cluster.html",
        cycle=cycle,
        state=state,
        rules_title=edition_title(cycle.rules) if cycle.rules.id != NO_RULES.id else "",
        names=cycle.names,
        past=state.lifecycle.clock == "backfill",
        permitted=permitted,
        sections=_sections(cycle, counts, scores=scores is not None),
        year=year,
        tasks=by_duty(tasks),
        own=own,
        answers=answers,
        waiting=waiting,
        late_still=proposed(cycle),
        requests=requests,
        task_url=lambda one: _task_url(cycle, one),
        is_closed=lambda one: is_closed(cycle, one),
        comments=shown_comments,
        all_comments=len(comments),
        to_sign=to_sign,
        covenants=[
            (kind, signing)
            for kind, signing in (("covenant", state.signing), ("term-covenant", state.term_signing))
            if kind in to_sign or signing.first_signed is not None
        ],
        unsigned=[one.bearer for one in owed if one.duty is Duty.SIGNATURE and one.done is None],
        scores=scores,
        grids=[(urls.grid_url(cycle.stream, one), round_title(one, cycle.names)) for one in grid_rounds(cycle)],
        ranking=sorted(state.conclusion.ranking, key=lambda one: one.rank),
        deviations=[(one, deviation_text(one, cycle.names)) for one in found],
        says_its_day=says_its_day,
        corrections=corrections,
        corrected_acts=await corrections.in_words(application, corrections.latest(MOST_CORRECTIONS)),
        all_corrections=len(corrections.by_command),
        latest=[
            (row, one.sentence, state.corrections.corrected.get(row.version))
            for (row, _envelope), one in zip(latest, words, strict=True)
        ],
        acts=acts.rows,
        all_acts=acts.total,
        texts=texts,
        person_named=person_named,
        words_of=Words(cycle.background.titled, texts),
        total_told=total_told,
        target_told=target_told,
        round_title=round_title,
        voice=voice,
        unnamed_units=unnamed_units,
        wide=True,
    )


@router.get(urls.COMMENTS)
async def comments(
    request: Request, cycle: ReadableCycle, number: Annotated[PageNumber, Query(alias=urls.COMMENTS_PAGE)] = 1
) -> Response:
    """All stances and comments of a cycle, page by page."""
    found = await of_many(len(cycle.history), threads, cycle.readable_state().comments.comments.values())
    shown = Paged.of(found, PageRequest(number))
    return page(
        request,
        "comments.html",
        cycle=cycle,
        state=cycle.readable_state(),
        names=cycle.names,
        comments=shown.rows,
        pager=Pager(shown, urls.comments_url(cycle.stream), parameter=urls.COMMENTS_PAGE),
        corrections=CycleCorrections(cycle),
        permitted={act.NAME for act in permitted_acts(cycle)},
        texts=await _beginnings(get_services(request), cycle, [one.comment for one in shown.rows]),
        voice=voice,
    )


@router.get(urls.RECORDED)
async def recorded(
    request: Request,
    cycle: ReadableCycle,
    number: Annotated[PageNumber, Query(alias=urls.ACTS_PAGE)] = 1,
    step: Annotated[str, Query(alias=urls.EVENT_STEP)] = "",
) -> Response:
    """What stands in the register of a cycle, the latest first: of one topic or of all."""
    acts = await recorded_acts(get_services(request).application, cycle, PageRequest(number), step)
    topics = await of_many(len(cycle.history), lambda: steps_of(standing_acts(cycle)))
    # A list of one topic leaves out the numbers of the others.
    gaps = {} if step else await of_many(len(cycle.history), gaps_below, cycle, acts.rows)
    return page(
        request,
        "recorded.html",
        cycle=cycle,
        acts=acts.rows,
        gaps=gaps,
        correctable=may_be_corrected(cycle),
        pager=Pager(acts, urls.recorded_url(cycle.stream), {urls.EVENT_STEP: step}, urls.ACTS_PAGE),
        topics={name: _(STEPS[name]) for name in topics},
        topic=step,
    )


@router.get(urls.ENTRY)
async def entry(request: Request, cycle: ReadableCycle, version: Number) -> Response:
    """One entry in full for all who may read it; who entered it only for those who learn that (`names_actor`).

    Raises:
        InputError: there is none that the visitor may read.
    """
    pair = next((one for one in cycle.readable_history() if one[0].version == version), None)
    if pair is None:
        raise InputError("no_such_act", version=version)
    row, envelope = pair
    application = get_services(request).application
    (told,) = await event_texts(application, cycle.background, [envelope])
    names = names_actor(cycle, row)
    return page(
        request,
        "entry.html",
        cycle=cycle,
        row=row,
        told=told,
        corrected=cycle.readable_state().corrections.corrected.get(version),
        may_open=may_open(cycle, row),
        who=await application.people.get(row.actor) if names else None,
        of_unit=cycle.names.get(row.unit, "") if names else "",
        sure=row.provenance,
    )


def _is_member(cycle: VisitedCycle) -> bool:
    return cycle.visitor.unit in cycle.readable_state().membership.members()


def _count(waiting: Any) -> int:
    parts = (waiting.escalations, waiting.reports, waiting.complaints)
    return sum(len(one) for one in parts) + (1 if waiting.deviations else 0)


def _sections(cycle: VisitedCycle, counts: dict[str, int | None], *, scores: bool) -> list[PageSection]:
    """The sections that have something to show, those that matter most to the reader first."""
    first = _FIRST[cycle.visitor.login.account.kind]
    left_out = {name for name in ("needs", "registrations") if not counts[name]}
    left_out |= {"mine"} if counts["mine"] is None or "mine" not in first else set()
    left_out |= set() if scores or cycle.readable_state().conclusion.totals else {"scores"}
    left_out |= set() if counts["reports"] or cycle.readable_state().together else {"reports"}
    order = (*first, *(name for name in SECTIONS if name not in first))
    shown = [(name, *SECTIONS[name]) for name in order if name not in left_out]
    return [PageSection(name, anchor, _(title), counts.get(name)) for name, anchor, title in shown]


async def _beginnings(
    services: Services, cycle: VisitedCycle, comments: Iterable[Any], others: Iterable[str | None] = ()
) -> dict[str, str]:
    """The beginnings of the texts of stances, comments and answers, by digest: a little more than lists show."""
    said = cycle.readable_state().comments
    stances: Sequence[Any] = (*said.stances.values(), *said.collective_stances)
    deadlines = cycle.readable_state().deadlines
    wanted = {one.text for one in (*comments, *stances)} | set(others)
    wanted |= {one.reason for one in deadlines.extensions.values()}
    wanted |= {one.reason for one in deadlines.refused_requests.values()}
    return await services.application.texts.get({one for one in wanted if one}, CHARS + 1)


def _task_url(cycle: VisitedCycle, one: Obligation) -> str:
    """The page on which a task is done; "" for visitors who may not do it, and where it cannot be done now."""
    visitor = cycle.visitor
    if one.waits_for or (is_closed(cycle, one) and visitor.unit == one.bearer):
        return ""
    if visitor.unit not in {one.bearer, cycle.state.lifecycle.organiser} or visitor.login.account.kind == "auditor":
        return ""
    if one.duty in urls.ON_GRIDS and visitor.unit != one.bearer:  # a grid is filled in for one's own unit
        return urls.form_of_task_url(cycle.stream, one.duty, one.bearer, one.subject)
    return urls.task_url(cycle.stream, one.duty, one.bearer, one.subject)


def _year(cycle: VisitedCycle) -> Iterable[StepPicture]:
    # How many duties are done is open to all; when, only as far as the visitor may read it.
    found = steps(cycle.readable_state(), cycle.rules, cycle.readable.obligations)
    current = current_step(found)
    for step in found:
        mine = [one for one in cycle.readable.owed if one.duty in DUTIES_OF_STEP[step.name]]
        if not mine and step.done is None and step.told is None and not step.unnamed:
            continue  # no unit owes it this year
        done = [one for one in mine if one.done is not None]
        due = [one.due for one in mine if one.due is not None and one.done is None]
        if step.told is None:
            state = "done" if step.done is not None else "now" if step.name == current else "coming"
        else:
            state = "stated" if step.told else "not-stated"
        when = as_iso(step.done) if step.done is not None else ""
        yield StepPicture(step.name, state, when, max(due) if due else None, len(done), len(mine), step.unnamed)
