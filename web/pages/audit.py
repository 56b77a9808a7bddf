"""What an auditor needs: the timeline, a time machine, two moments compared, the register of deviations, the chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from application.fields import parse_day
from application.verification import chain_warning
from audit.replay import Replay, SurenessIndex, digests_in, replay, replay_as_json
from domain.access import Matter
from domain.codec import plain, state_digest
from domain.cycle import State
from domain.deviations import deviations
from domain.obligations import obligations, steps
from domain.rules import Edition
from domain.types import CLOCK, Event, day_ending
from i18n import _
from i18n.messages import day, word
from i18n.page_texts import STEPS
from i18n.sorting import folded
from i18n.state_text import deviation_text, state_lines
from i18n.timeline import describe
from web.act_view import may_be_corrected
from web.auth import Cycle, Visitor, reads, reads_cycle
from web.pages.board import lines_for
from web.render import as_csv, as_json, page
from web.services import Services, services

router = APIRouter(include_in_schema=False)
History = Annotated[Cycle, Depends(reads_cycle(Matter.HISTORY))]
Auditor = Annotated[Visitor, Depends(reads(Matter.HISTORY))]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One event as the timeline tells it."""

    version: int
    position: int
    type: str
    text: str
    first: str
    last: str
    recorded: Any
    actor: str
    unit: str
    stand_in_for: str | None
    sureness: str
    source: str
    meeting: str | None
    corrected_by: int | None
    digest: str
    command: str
    room: str
    who: str


async def entries_of(work: Services, cycle: Cycle) -> list[TimelineRow]:
    """The whole timeline of a cycle."""
    texts = await work.office.texts.get(digests_in([plain(told.event) for _row, told in cycle.history]))
    corrected = cycle.state.corrections.corrected
    people = await work.office.people.names({row.actor for row, _told in cycle.history})
    return [
        TimelineRow(
            row.version,
            row.position,
            row.type,
            describe(told, cycle.names, texts),
            day(row.happened_earliest),
            day(day_ending(told.meta.happened.latest)) if row.happened_earliest != row.happened_latest else "",
            row.recorded_at,
            row.actor,
            row.unit,
            row.stand_in_for,
            row.provenance,
            row.source,
            row.meeting,
            corrected.get(row.version),
            row.digest.hex(),
            str(row.command_id),
            Event.KNOWN[row.type].__module__.rsplit(".", 1)[-1],
            _("the clock") if row.actor == CLOCK else people.get(row.actor, row.actor),
        )
        for row, told in cycle.history
    ]


@router.get("/cum/{organiser}/{year}/{cluster}/so")
async def timeline(
    request: Request, cycle: History, don_vi: str = "", chac: str = "", tim: str = "", loai: str = ""
) -> Response:
    """Everything that was recorded, in order, in plain sentences; by unit, sureness, kind and words."""
    entries = await entries_of(services(request), cycle)
    shown = [
        one
        for one in entries
        if don_vi in {"", one.unit}
        and chac in {"", one.sureness}
        and loai in {"", one.room}
        and folded(tim) in folded(one.text)
    ]
    filters = {"don_vi": don_vi, "chac": chac, "tim": tim, "loai": loai}
    return page(
        request,
        "timeline.html",
        cycle=cycle,
        entries=shown,
        all=len(entries),
        filters=filters,
        rooms={name: _(text) for name, text in STEPS.items() if name in {one.room for one in entries}},
        units=sorted({one.unit for one in entries if one.unit}),
        correctable=may_be_corrected(cycle),
        broken=chain_warning([row for row, _told in cycle.history]),
    )


@router.get("/cum/{organiser}/{year}/{cluster}/so.json")
async def timeline_json(request: Request, cycle: History) -> Response:
    """The timeline as JSON."""
    rows = [asdict(one) for one in await entries_of(services(request), cycle)]
    return as_json(rows, f"{_file(cycle.stream)}-so")


@router.get("/cum/{organiser}/{year}/{cluster}/so.csv")
async def timeline_csv(request: Request, cycle: History) -> Response:
    """The timeline as CSV."""
    rows = [asdict(one) for one in await entries_of(services(request), cycle)]
    return as_csv(rows, f"{_file(cycle.stream)}-so")


@dataclass(frozen=True, slots=True)
class CycleAtMoment:
    """A moment of a cycle: after so many acts, or at the end of a day; as had been recorded by a day."""

    version: int | None
    at: date | None
    known_on: date | None

    def words(self) -> str:
        """How it is called."""
        if self.at is not None:
            return _("end of {day}").format(day=day(self.at))
        if self.known_on is not None:
            return _("as known on {day}").format(day=day(self.known_on))
        return _("after act {number}").format(number=self.version)


def _moment(cycle: Cycle, sau: int | None, ngay: str, biet: str) -> CycleAtMoment:
    last = len(cycle.history)
    at, known = _day(ngay), _day(biet)
    if at is None and known is None:
        return CycleAtMoment(max(0, min(last if sau is None else sau, last)), None, None)
    return CycleAtMoment(None, at, known)


def _day(text: str) -> date | None:
    return parse_day(text) if text.strip() else None


async def _editions(work: Services, cycle: Cycle) -> Mapping[str, Edition]:
    found = {}
    for digest in cycle.state.lifecycle.editions:
        edition = await work.office.edition(digest)
        if edition is not None:
            found[digest] = edition
    return found


async def seen_at(work: Services, cycle: Cycle, version: int | None, at: date | None, known_on: date | None) -> Replay:
    """The state at a moment."""
    everything = version is None and at is None and known_on is None
    moment = CycleAtMoment(len(cycle.history) if everything else version, at, known_on)
    return (await _seen(work, cycle, moment))[0]


async def _seen(work: Services, cycle: Cycle, moment: CycleAtMoment) -> tuple[Replay, list[str]]:
    """The state at a moment, and what stood then in lines."""
    now = moment.version == len(cycle.history)
    if now:  # folded already, for the page
        found = Replay(cycle.stream, cycle.state, cycle.rules, len(cycle.history), len(cycle.history), (), _sure(cycle))
    else:
        rows = [row for row, _told in cycle.history]
        found = replay(
            cycle.stream,
            rows,
            await _editions(work, cycle),
            at=moment.at,
            version=moment.version,
            known_on=moment.known_on,
        )
    if not found.events:
        return found, []
    texts = await work.office.texts.get(_texts_of(found.state))
    names = {**cycle.names, **found.state.membership.names}
    lines = list(state_lines(found.state, texts, cycle.names, found.sure.by_event))
    lines.extend(
        f"{_('deviation')}: {deviation_text(one, names, found.sure.by_day)}"
        for one in deviations(found.state, found.rules)
    )
    return found, lines


def _sure(cycle: Cycle) -> SurenessIndex:
    return SurenessIndex.of(told for _row, told in cycle.history)


def _without(lines: list[str], others: list[str]) -> list[str]:
    """The lines that are not among the others."""
    known = set(others)
    return [line for line in lines if line not in known]


def _texts_of(state: State) -> set[str]:
    """The texts that the lines of a state show: those of comments."""
    return {comment.text for comment in state.comments.comments.values()}


@router.get("/cum/{organiser}/{year}/{cluster}/thoi-diem")
async def time_machine(
    request: Request, cycle: History, sau: int | None = None, ngay: str = "", biet: str = ""
) -> Response:
    """The state as it was, and what has changed since."""
    work, moment = services(request), _moment(cycle, sau, ngay, biet)
    then, lines = await _seen(work, cycle, moment)
    _now, today = await _seen(work, cycle, CycleAtMoment(len(cycle.history), None, None))
    last = next((pair for pair in cycle.history if pair[0].version == then.last_version), None)
    texts = await work.office.texts.get(digests_in([plain(last[1].event)])) if last is not None else {}
    return page(
        request,
        "moment.html",
        cycle=cycle,
        moment=moment,
        found=then,
        lines=lines,
        last=len(cycle.history),
        since=_without(today, lines),
        gone=_without(lines, today),
        entry=describe(last[1], cycle.names, texts) if last is not None else "",
        possible=then.possible,
        digest=state_digest(then.state),
        ngay=ngay,
        biet=biet,
        broken=chain_warning([row for row, _told in cycle.history]),
        steps=steps(obligations(then.state, then.rules), then.rules) if then.events else (),
    )


@router.get("/cum/{organiser}/{year}/{cluster}/thoi-diem.json")
async def moment_json(
    request: Request, cycle: History, sau: int | None = None, ngay: str = "", biet: str = ""
) -> Response:
    """The state at a moment as JSON."""
    work = services(request)
    found, _lines = await _seen(work, cycle, _moment(cycle, sau, ngay, biet))
    texts = await work.office.texts.get(digests_in(plain(found.state)))
    return as_json(replay_as_json(found, texts), f"{_file(cycle.stream)}-{found.last_version}")


@router.get("/cum/{organiser}/{year}/{cluster}/thoi-diem.csv")
async def moment_csv(
    request: Request, cycle: History, sau: int | None = None, ngay: str = "", biet: str = ""
) -> Response:
    """What stood at a moment, a line each, as CSV."""
    moment = _moment(cycle, sau, ngay, biet)
    found, lines = await _seen(services(request), cycle, moment)
    rows = [{"moment": moment.words(), "line": line} for line in lines]
    return as_csv(rows, f"{_file(cycle.stream)}-{found.last_version}")


async def _differences(work: Services, cycle: Cycle, tu: str, den: str) -> list[dict[str, str]]:
    """What stood at one of two moments only."""
    rows: list[dict[str, str]] = []
    first, second = _either(cycle, tu, 0), _either(cycle, den, len(cycle.history))
    _one, before = await _seen(work, cycle, first)
    _two, after = await _seen(work, cycle, second)
    for moment, lines, others in ((first, before, after), (second, after, before)):
        rows.extend({"only": moment.words(), "line": line} for line in _without(lines, others))
    return rows


@router.get("/cum/{organiser}/{year}/{cluster}/so-sanh.json")
async def compare_json(request: Request, cycle: History, tu: str = "", den: str = "") -> Response:
    """Two moments compared, as JSON."""
    return as_json(await _differences(services(request), cycle, tu, den), f"{_file(cycle.stream)}-so-sanh")


@router.get("/cum/{organiser}/{year}/{cluster}/so-sanh.csv")
async def compare_csv(request: Request, cycle: History, tu: str = "", den: str = "") -> Response:
    """Two moments compared, as CSV."""
    return as_csv(await _differences(services(request), cycle, tu, den), f"{_file(cycle.stream)}-so-sanh")


@router.get("/cum/{organiser}/{year}/{cluster}/so-sanh")
async def compare(request: Request, cycle: History, tu: str = "", den: str = "") -> Response:
    """Two moments compared: what stood only at the first, what only at the second. A day, or the number of an act."""
    work = services(request)
    first, second = _either(cycle, tu, 0), _either(cycle, den, len(cycle.history))
    _one, before = await _seen(work, cycle, first)
    _two, after = await _seen(work, cycle, second)
    return page(
        request,
        "compare.html",
        cycle=cycle,
        first=first,
        second=second,
        tu=tu,
        den=den,
        only_before=_without(before, after),
        only_after=_without(after, before),
        both=len(set(before) & set(after)),
    )


def _either(cycle: Cycle, text: str, default: int) -> CycleAtMoment:
    plain_text = text.strip()
    if not plain_text:
        return CycleAtMoment(default, None, None)
    if plain_text.isdigit() and len(plain_text) < 7:  # noqa: PLR2004 - longer ones are dates
        return CycleAtMoment(min(int(plain_text), len(cycle.history)), None, None)
    return CycleAtMoment(None, _day(plain_text), None)


# Over all clusters ------------------------------------------------------------------------


async def deviations_of(work: Services, visitor: Visitor, year: str | None) -> list[dict[str, Any]]:
    """The register of deviations over all cycles that somebody may see."""
    allowed = {line.cycle for line in await lines_for(work, visitor, year)}
    rows = []
    for line in await work.board.lines(year):
        for one in line["found"] if line["cycle"] in allowed else ():
            about = one["facts"].get("unit") or one["facts"].get("subject") or ""
            state = _("settled") if one["settled"] else _("acknowledged") if one["acknowledged"] else _("open")
            rows.append(
                {
                    "cycle": line["cycle"],
                    "cluster": line["cluster"],
                    "year": line["year"],
                    "key": one["key"],
                    "what": word("deviation", one["code"]),
                    "article": one["article"] or "",
                    "on": one["on"] or "",
                    "unit": line["names"].get(about, about),
                    "state": state,
                    "rehearsed": line["rehearsed"],
                }
            )
    return rows


@router.get("/diem-khac")
async def corrections(request: Request, visitor: Auditor, nam: str = "", tinh: str = "", tim: str = "") -> Response:
    """Deviations over all clusters."""
    work = services(request)
    rows = await deviations_of(work, visitor, nam or None)
    states = sorted({row["state"] for row in rows})
    shown = [
        row
        for row in rows
        if tinh in {"", row["state"]} and folded(tim) in folded(f"{row['what']} {row['unit']} {row['cluster']}")
    ]
    filters = {"nam": nam, "tinh": tinh, "tim": tim}
    years = await work.board.years()
    return page(
        request, "deviations.html", rows=shown, all=len(rows), filters=filters, years=years, states=states, wide=True
    )


@router.get("/diem-khac.csv")
async def register_csv(request: Request, visitor: Auditor, nam: str = "") -> Response:
    """The register of deviations as CSV."""
    return as_csv(await deviations_of(services(request), visitor, nam or None), "diem-khac-quy-dinh")


@router.get("/diem-khac.json")
async def register_json(request: Request, visitor: Auditor, nam: str = "") -> Response:
    """The register of deviations as JSON."""
    return as_json(await deviations_of(services(request), visitor, nam or None), "diem-khac-quy-dinh")


def _file(stream: str) -> str:
    return stream.replace("/", "-")
