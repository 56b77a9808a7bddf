"""The city board: every cluster at a glance, filters to bookmark, reminding and more time for many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from application.application import CommandInput
from application.engine import UnreachableError
from application.fields import parse_day
from domain.access import Matter
from domain.obligations import DUTIES_OF_STEP
from domain.rules import Duty
from domain.types import Refused, day_ending
from errors import CodedError, InputError
from i18n import _
from i18n.messages import day, sentence, word
from i18n.sorting import folded
from projections.board import glance
from web.auth import Visitor, checked_form, reads
from web.pages.home import until_fresh, until_reached
from web.render import as_csv, page
from web.services import Services, services

router = APIRouter(include_in_schema=False)
Watcher = Annotated[Visitor, Depends(reads(Matter.BOARD))]
Chaser = Annotated[Visitor, Depends(reads(Matter.PEOPLE))]

AT_ONCE = 8
PER_PAGE = 40
"""Lines on a page: a page stays small, and forty are what somebody looks through."""


@dataclass(frozen=True, slots=True)
class Late:
    """Something that a unit owes and has not done in time."""

    unit: str
    name: str
    duty: str
    subject: str
    due: datetime
    asked: str
    """How and when it was last reminded by hand, in words."""
    waits: bool
    """Somebody else must act first: reminding would help nobody."""


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A cluster as the board shows it."""

    cycle: str
    cluster: str
    year: int
    step: str
    next_due: datetime | None
    now: datetime
    waiting_for: tuple[str, ...]
    late: tuple[Late, ...]
    open_deviations: int
    remarks: int
    asked: tuple[tuple[str, str, str], ...]
    escalations: tuple[tuple[str, tuple[str, ...]], ...]
    rehearsed: bool
    filed: bool


def line_of(line: Mapping[str, Any], now: datetime) -> BoardRow:
    """A stored line at a moment."""
    seen, names = glance(dict(line), now), line["names"]
    return BoardRow(
        cycle=line["cycle"],
        cluster=line["cluster"],
        year=line["year"],
        step=line["step"],
        next_due=seen.next_due,
        now=datetime.fromisoformat(line["now"]) if line["now"] else now,
        waiting_for=tuple(names.get(one, one) for one in seen.waiting_for),
        late=tuple(
            Late(
                o["unit"],
                names.get(o["unit"], o["unit"]),
                o["duty"],
                names.get(o["subject"], o["subject"] or ""),
                datetime.fromisoformat(o["due"]),
                _asked(line, o),
                bool(o["waits_for"]),
            )
            for o in seen.overdue
        ),
        open_deviations=line["deviations"]["open"],
        remarks=line["deviations"]["remarks"],
        asked=tuple((a["unit"], names.get(a["unit"], a["unit"]), a["duty"]) for a in line["extensions_asked"]),
        escalations=tuple((e["duty"], tuple(names.get(u, u) for u in e["units"])) for e in line["escalations"]),
        rehearsed=line["rehearsed"],
        filed=line["filed"] is not None,
    )


def _asked(line: Mapping[str, Any], owed: Mapping[str, Any]) -> str:
    times = [c for c in line["chased"] if owed["unit"] in c["units"] and c["duty"] == owed["duty"]]
    return (
        _("{when} {how}").format(when=day(times[-1]["on"]), how=word("channel", times[-1]["channel"])) if times else ""
    )


async def lines_for(work: Services, visitor: Visitor, year: str | None) -> list[BoardRow]:
    """The lines that somebody may see: an auditor all of them, the secretariat its own organiser's."""
    now = datetime.now(UTC)
    own = None if visitor.login.account.kind == "auditor" else f"{visitor.unit}/"
    return [line_of(line, now) for line in await work.board.lines(year) if own is None or line["cycle"].startswith(own)]


@router.get("/bang")
async def board(
    request: Request, visitor: Watcher, nam: str = "", buoc: str = "", loc: str = "", tim: str = "", trang: int = 1
) -> Response:
    """All clusters; by year (`nam`), step (`buoc`), what is the matter (`loc`), and words of the name (`tim`)."""
    return await _board(request, visitor, {"nam": nam, "buoc": buoc, "loc": loc, "tim": tim}, at=trang)


@router.get("/bang.csv")
async def board_csv(
    request: Request, visitor: Watcher, nam: str = "", buoc: str = "", loc: str = "", tim: str = ""
) -> Response:
    """The same lines for a spreadsheet."""
    filters = {"nam": nam, "buoc": buoc, "loc": loc, "tim": tim}
    rows = [
        {
            "cycle": line.cycle,
            "cluster": line.cluster,
            "year": line.year,
            "step": word("step", line.step),
            "next_deadline": day(day_ending(line.next_due)) if line.next_due else "",
            "waiting_for": "; ".join(line.waiting_for),
            "overdue": len(line.late),
            "deviations": line.open_deviations,
            "extensions_asked": len(line.asked),
            "how_sure": word("sureness", "rehearsed" if line.rehearsed else "stated"),
        }
        for line in await lines_for(services(request), visitor, nam or None)
        if _fits(line, filters)
    ]
    return as_csv(rows, "bang-thanh-pho")


async def _board(
    request: Request,
    visitor: Visitor,
    filters: Mapping[str, str],
    *,
    outcome: Sequence[Any] = (),
    text: str = "",
    at: int = 1,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    work = services(request)
    await until_fresh(work, visitor)
    years = await work.board.years()
    found = await lines_for(work, visitor, filters["nam"] or None)
    shown = [line for line in found if _fits(line, filters)]
    pages = max(1, -(-len(shown) // PER_PAGE))
    at = max(1, min(at, pages))
    return page(
        request,
        "board.html",
        lines=shown[(at - 1) * PER_PAGE : at * PER_PAGE],
        fitting=len(shown),
        all=len(found),
        at=at,
        pages=pages,
        years=years,
        filters=filters,
        steps=[*DUTIES_OF_STEP, "filed"],
        wide=True,
        outcome=outcome,
        text=text,
        id=uuid4(),
        typed=typed or {},
        acts=visitor.may(Matter.PEOPLE),
        duties=[one.value for one in Duty],
        query=urlencode({name: value for name, value in filters.items() if value}),
    )


def _fits(line: BoardRow, filters: Mapping[str, str]) -> bool:
    wanted = {
        "": True,
        "tre": bool(line.late),
        "gia-han": bool(line.asked),
        "bao": bool(line.escalations),
        "khac": bool(line.open_deviations),
        "dang-mo": not line.filed,
    }
    named = folded(filters["tim"]) in folded(f"{line.cluster} {line.cycle}")
    return wanted.get(filters["loc"], True) and named and filters["buoc"] in {"", line.step}


@router.get("/bang/don-doc")
async def late_units(request: Request, visitor: Chaser, nam: str = "") -> Response:
    """Whoever is late, with a telephone number and a text that is ready for a chat."""
    return await _late(request, visitor, nam)


async def _late(request: Request, visitor: Visitor, year: str, *, outcome: Sequence[Any] = ()) -> Response:
    work = services(request)
    await until_fresh(work, visitor)
    rows = []
    for line in await lines_for(work, visitor, year or None):
        for late in line.late:
            contacts = await work.office.people.of_unit(late.unit)
            rows.append((line, late, contacts, _chat(line, late)))
    return page(request, "late.html", rows=rows, outcome=outcome, id=uuid4(), wide=True)


def _chat(line: BoardRow, late: Late) -> str:
    """A text for a chat, in the reader's language."""
    text = _("{cluster}, {year}: please {duty}. It was due on {due}. The secretariat asks you to do it soon.")
    return text.format(
        cluster=line.cluster, year=line.year, duty=word("duty", late.duty), due=day(day_ending(late.due))
    )


@router.post("/bang/don-doc")
async def chased(request: Request, visitor: Chaser) -> Response:
    """Đã nhắc: one late unit was reminded, by telephone or by a message."""
    form = await checked_form(request)
    stream, unit, duty = (str(form.get(name, "")) for name in ("cycle", "unit", "duty"))
    fields: dict[str, Any] = {"units": [unit], "duty": duty, "channel": str(form.get("channel", "telephone"))}
    if note := str(form.get("text", "")).strip():
        fields["text"] = note
    said = [
        CommandInput(stream, "remind-units", fields, _command(form, "remind", stream, duty, unit, fields["channel"]))
    ]
    outcome = await many(services(request), visitor, said)
    await _note_position(request, visitor)
    return await _late(request, visitor, str(form.get("nam", "")), outcome=outcome)


@router.post("/bang")
async def for_many(request: Request, visitor: Chaser) -> Response:
    """Remind the late units of the chosen clusters, or give all of them more time: one signature over all of it."""
    form = await checked_form(request)
    work, chosen = services(request), [str(one) for one in form.getlist("cycle")]
    filters = {name: str(form.get(name, "")) for name in ("nam", "buoc", "loc", "tim")}
    typed = {"cycle": chosen, **{name: str(form.get(name, "")) for name in ("until", "reason", "duty")}}
    if not chosen:
        return await _board(request, visitor, filters, text=sentence("nothing_chosen"), typed=typed)
    if form.get("_do") not in {"remind", "extend"}:
        return await _board(request, visitor, filters, typed=typed)
    try:
        said = await _for_each(work, visitor, chosen, form)
    except (InputError, Refused) as error:
        return await _board(request, visitor, filters, text=sentence(error.code, error.facts), typed=typed)
    outcome = await many(work, visitor, said)
    await _note_position(request, visitor)
    return await _board(request, visitor, filters, outcome=outcome)


async def _for_each(work: Services, visitor: Visitor, chosen: Sequence[str], form: Any) -> list[CommandInput]:
    """What is said of each chosen cluster.

    Raises:
        InputError: a date cannot be read, or a reason is missing.
    """
    if str(form.get("_do")) == "extend":
        until = parse_day(str(form.get("until", "")))
        if not (reason := str(form.get("reason", "")).strip()):
            raise InputError("reason_missing")
        fields = {"duty": str(form.get("duty", "")), "until": until.isoformat(), "reason": reason}
        return [
            CommandInput(stream, "extend", fields, _command(form, "extend", stream, fields["duty"]))
            for stream in chosen
        ]
    lines = {line.cycle: line for line in await lines_for(work, visitor, None)}
    said = []
    for stream in chosen:
        late = [one for one in lines[stream].late if not one.waits] if stream in lines else []
        for duty in dict.fromkeys(one.duty for one in late):
            units = list(dict.fromkeys(one.unit for one in late if one.duty == duty))
            told = {"units": units, "duty": duty, "channel": "message"}
            said.append(CommandInput(stream, "remind-units", told, _command(form, "remind", stream, duty)))
    if not said:
        raise InputError("nobody_is_late")
    return said


def _command(form: Any, *parts: str) -> UUID:
    """The command's id: of the page that was shown, so that a second click does nothing twice."""
    return uuid5(NAMESPACE_URL, "/".join((str(form.get("_id", "")), *parts)))


async def many(work: Services, visitor: Visitor, said: Sequence[CommandInput]) -> list[tuple[str, str]]:
    """Say acts in many cycles under one signature; each cycle's outcome, in words, "" where it was entered."""
    items = [await work.office.item(one) for one in said]
    batch = work.office.sign(
        visitor.signs_as, items, visitor.login.strength, visitor.absent.id if visitor.absent else None
    )
    slots, client = asyncio.Semaphore(AT_ONCE), work.office.client

    async def one(stream: str) -> tuple[str, str]:
        async with slots:
            try:
                if client is None:
                    raise UnreachableError
                await client.submit(stream, batch.only(stream))
            except CodedError as error:
                return stream, sentence(error.code, error.facts)
        return stream, ""

    return list(await asyncio.gather(*(one(stream) for stream in dict.fromkeys(order.stream for order in items))))


async def _note_position(request: Request, visitor: Visitor) -> None:
    """Wait until the board holds what was just entered, and let later pages wait, too."""
    work = services(request)
    last_position = await work.office.ledger.last_position()
    await work.accounts.moved_to(visitor.secret, last_position)
    await until_reached(work, last_position)
