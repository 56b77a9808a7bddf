"""A cluster's page: the year as a picture, tasks by unit, papers in versions, meetings, scores, awards, deviations."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from audit.replay import digests_in
from domain.access import Matter, may_see_deviation, may_see_sheet
from domain.codec import plain
from domain.deviations import deviations
from domain.obligations import DUTIES_OF_STEP, Obligation, current_step, obligations, steps
from domain.steps.commenting import Comment
from domain.steps.scores import calculated_scores
from errors import InputError
from i18n.messages import number
from i18n.state_text import deviation_text
from i18n.timeline import describe, voice
from web.act_view import lately
from web.auth import Cycle, Visitor, reads, reads_cycle
from web.pages.home import until_fresh
from web.permitted_acts import permitted_acts
from web.render import page
from web.services import services
from web.task_links import task_link

router = APIRouter(include_in_schema=False)
Seen = Annotated[Cycle, Depends(reads_cycle(Matter.CYCLE))]
LATELY = 10
"""How many of a unit's own acts its page lists."""


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step in the picture of the year."""

    name: str
    state: str
    """done, now or coming."""
    when: str
    due: datetime | None
    done: int
    all: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Totals of each unit in each round, as far as the reader may see them; None where it may not."""

    rounds: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str | None, ...], int | None], ...]


@router.get("/cum")
async def mine(request: Request, visitor: Annotated[Visitor, Depends(reads(Matter.OWN))]) -> Response:
    """The clusters that the visitor's unit belongs to, over all years."""
    work = services(request)
    await until_fresh(work, visitor)
    lines = await work.board.lines(unit=visitor.unit)
    seen = {line["cycle"] for line in lines}
    overseen = await work.board.lines(unit=f"@{visitor.contact.id}")
    return page(request, "mine.html", lines=[*lines, *(one for one in overseen if one["cycle"] not in seen)])


@router.get("/cum/{organiser}/{year}/{cluster}")
async def cluster(request: Request, cycle: Seen) -> Response:
    """Everything about one cluster's year."""
    state, work = cycle.state, services(request)
    owed = obligations(state, cycle.rules)
    open_ = [one for one in owed if one.done is None] if state.lifecycle.filed is None else []
    own = lately(cycle, LATELY)
    said = [*state.comments.comments.values(), *(told.event for _row, told in own)]
    texts = await work.office.texts.get(digests_in([plain(one) for one in said]))
    can = {act.NAME for act in permitted_acts(cycle)}
    return page(
        request,
        "cluster.html",
        cycle=cycle,
        state=state,
        year=tuple(_year(cycle, owed)),
        can=can,
        tasks=[(cycle.names.get(one.bearer, one.bearer), one, _way(cycle, one)) for one in open_],
        scores=_scores(cycle),
        names=cycle.names,
        threads=threads(state.comments.comments.values()),
        texts=texts,
        voice=voice,
        deviations=[
            (one, deviation_text(one, cycle.names))
            for one in deviations(state, cycle.rules)
            if may_see_deviation(one.code, cycle.readers, state)
        ],
        closed=state.conclusion.published is None and not cycle.may(Matter.ALL_SCORES),
        awards={one.id: one.title for one in cycle.rules.awards},
        wide=True,
        lately=[
            (row, describe(told, cycle.names, texts), state.corrections.corrected.get(row.version)) for row, told in own
        ],
        sure="rehearsed" if state.lifecycle.rehearsed else "stated",
    )


def _way(cycle: Cycle, one: Obligation) -> str:
    """Where it is done, for whoever may do it."""
    visitor = cycle.visitor
    if visitor.unit not in {one.bearer, cycle.state.lifecycle.organiser} or visitor.login.account.kind == "auditor":
        return ""
    return task_link(cycle.stream, {"duty": one.duty.value, "unit": one.bearer, "subject": one.subject})


def _year(cycle: Cycle, owed: tuple[Obligation, ...]) -> Iterator[StepSeen]:
    found = steps(owed, cycle.rules)
    current = current_step(found)
    for step in found:
        mine = [one for one in owed if one.duty in DUTIES_OF_STEP[step.name]]
        done, due = [one for one in mine if one.done is not None], [one.due for one in mine if one.due is not None]
        state = "done" if step.done is not None else "now" if step.name == current else "coming"
        when = step.done.day.isoformat() if step.done is not None else ""
        yield StepSeen(step.name, state, when, max(due) if due else None, len(done), len(mine))


def _scores(cycle: Cycle) -> Scores | None:
    state, rules = cycle.state, cycle.rules
    if not state.scores or not rules.leaves():
        return None
    rounds = tuple(
        name for name in rules.rounds_in_order(r for _u, r in state.scores) if any(r == name for _u, r in state.scores)
    )
    totals = {name: calculated_scores(state, rules, name) for name in rounds}
    ranks = {place.unit: place.rank for place in state.conclusion.ranking}
    rows = []
    for unit in state.membership.members():
        cells: list[str | None] = []
        for name in rounds:
            seen = may_see_sheet(unit, name, cycle.visitor.unit, cycle.readers, state)
            result = totals[name].get(unit)
            cells.append(None if not seen else "-" if result is None else number(result.total))
        rows.append((unit, tuple(cells), ranks.get(unit)))
    return Scores(rounds, tuple(rows))


@router.get("/cum/{organiser}/{year}/{cluster}/bang-diem/{unit}")
async def sheet(request: Request, cycle: Seen, unit: str) -> Response:
    """A unit's score sheet in all rounds side by side, as far as the reader may see them."""
    state, rules = cycle.state, cycle.rules
    if unit not in cycle.names:
        raise InputError("no_such_unit", unit=unit, known=", ".join(sorted(cycle.names)))
    order = rules.rounds_in_order(r for of, r in state.scores if of == unit)
    rounds = [
        name
        for name in order
        if (unit, name) in state.scores and may_see_sheet(unit, name, cycle.visitor.unit, cycle.readers, state)
    ]
    entries = {name: {item.criterion: item for item in state.scores[unit, name].sheet} for name in rounds}
    texts = await services(request).office.texts.get(
        {item.reason for sheet in entries.values() for item in sheet.values() if item.reason}
    )
    results = {
        name: {line.criterion: line for line in found.lines}
        for name in rounds
        if (found := calculated_scores(state, rules, name).get(unit)) is not None
    }
    totals = {name: found for name in rounds if (found := calculated_scores(state, rules, name).get(unit)) is not None}
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
        nodes=list(_nodes(rules.criteria, 0)),
        wide=True,
        sure=max((state.scores[unit, name].sureness for name in rounds), default=None),
    )


def _nodes(criteria: Any, depth: int) -> Iterator[tuple[int, Any]]:
    for node in criteria:
        yield depth, node
        yield from _nodes(node.children, depth + 1)


@router.get("/cum/{organiser}/{year}/{cluster}/du-thao/{kind}")
async def draft(request: Request, cycle: Seen, kind: str, tu: int = 0, den: int = 0) -> Response:
    """A paper in its versions; what changed between two of them is marked. Comments on it beside."""
    versions = cycle.state.drafts.get(kind, ())  # type: ignore[call-overload]
    if not versions:
        raise InputError("nothing_presented", kind=kind)
    numbers = [one.number for one in versions]
    new = den if den in numbers else numbers[-1]
    old = tu if tu in numbers else max(1, new - 1)
    comments = [c for c in cycle.state.comments.comments.values() if c.on in {None, kind}]
    texts = await services(request).office.texts.get(
        {one.document.text for one in versions if one.document.text} | {c.text for c in comments}
    )
    by_number = {one.number: texts.get(one.document.text or "", "") for one in versions}
    return page(
        request,
        "draft.html",
        cycle=cycle,
        kind=kind,
        versions=versions,
        old=old,
        new=new,
        texts=texts,
        marked=list(marked(by_number[old], by_number[new])),
        threads=threads(comments),
        voice=voice,
        names=cycle.names,
        stances=[
            s
            for s in (*cycle.state.comments.stances.values(), *cycle.state.comments.collective_stances)
            if s.on in {None, kind}
        ],
        can={act.NAME for act in permitted_acts(cycle)},
        sure=versions[-1].sureness,
    )


@dataclass(frozen=True, slots=True)
class InThread:
    """A comment in its thread: how deep it answers."""

    comment: Comment
    depth: int


def threads(comments: Iterable[Comment]) -> list[InThread]:
    """Comments with their answers under them, in the order they came; an answer to one not shown stands for itself."""
    shown = [one for one in comments if not one.withdrawn]
    numbers = {one.number for one in shown}
    found: list[InThread] = []

    def take(one: Comment, depth: int) -> None:
        found.append(InThread(one, depth))
        for answer in shown:
            if answer.answers == one.number:
                take(answer, depth + 1)

    for one in shown:
        if one.answers not in numbers:
            take(one, 0)
    return found


def marked(old: str, new: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Two texts line by line, word by word: (line's kind, [(same, ins or del, words)])."""
    before, after = old.splitlines(), new.splitlines()
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (("same", [("same", line)]) for line in after[j1:j2])
        else:
            yield "changed", list(_words("\n".join(before[i1:i2]), "\n".join(after[j1:j2])))


def _words(old: str, new: str) -> Iterator[tuple[str, str]]:
    before, after = old.split(" "), new.split(" ")
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield "same", " ".join(after[j1:j2])
        if tag in {"delete", "replace"}:
            yield "del", " ".join(before[i1:i2])
        if tag in {"insert", "replace"}:
            yield "ins", " ".join(after[j1:j2])
