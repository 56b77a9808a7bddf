"""What waits for an answer of the secretariat, each with what is needed to decide: requests, reports, deviations.

A page of each list is read from the projections; no cycle is loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from application.board import found_deviation, own_now, reasons_on, request_on
from application.extension_requests import ExtensionRequest
from application.tasks import ToAnswer
from domain.duties import Duty
from domain.times import day_ending
from i18n.acts import act_name
from i18n.messages import word
from i18n.state_text import deviation_text, says_its_day
from ledger.paging import Paged, PageRequest
from projections.board import ListedVersion, title_of
from projections.board_lines import Line
from projections.home_lines import HomeLines, TaskQuery
from vault.texts import Texts

SHOWN_CHARS = 300
"""Of a report that is a text, so much stands where it is accepted."""


@dataclass(frozen=True, slots=True)
class AskedTime(ListedVersion):
    """A request for more time, with its cycle. `more_days`: how many days it asks for beyond the last day."""

    request: ExtensionRequest
    more_days: int | None
    now: datetime


@dataclass(frozen=True, slots=True)
class ReportToAccept(ListedVersion):
    """A mid-year report that waits to be accepted: what was handed in and when, and until when it is to be accepted."""

    unit: str
    name: str
    title: str
    number: str
    begins: str
    """The beginning of a report that is a text; "" for one that has none."""
    on: str
    answered: str
    """When the unit answered a correction that was asked for; "" where none was."""
    due: datetime | None
    now: datetime

    @property
    def overdue(self) -> bool:
        """Whether it should have been accepted by now."""
        return self.due is not None and self.now >= self.due


@dataclass(frozen=True, slots=True)
class ProposedEscalation(ListedVersion):
    """An escalation that the clock proposes: which units are late with a duty."""

    duty: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenDeviation(ListedVersion):
    """A deviation that nobody has acknowledged, in words."""

    key: str
    text: str
    on: str
    """Its date, where the text does not say it; "" otherwise."""


async def asked_times(
    home: HomeLines, texts: Texts, organiser: str, asked: PageRequest
) -> Paged[tuple[AskedTime, ...]]:
    """A page of the cycles in which units ask for more time, each with the requests."""
    now = datetime.now(UTC)
    found = await home.asking(organiser, asked)
    reasons = await reasons_on(texts, found.rows)
    return found.map(lambda line: tuple(_asked_time(line, one, reasons, now) for one in line["extensions_asked"]))


def _asked_time(line: Line, one: Mapping[str, Any], reasons: Mapping[str, str], now: datetime) -> AskedTime:
    request = request_on(line, one, reasons)
    more = (request.until - day_ending(request.due)).days if request.due is not None else None
    return AskedTime(**_of(line), request=request, more_days=more, now=own_now(line, now))


def _of(line: Line) -> dict[str, Any]:
    """What every line of these lists says of its cycle."""
    return {
        "cycle": line["cycle"],
        "cluster": title_of(line),
        "year": line["year"],
        "rehearsed": line["rehearsed"],
        "version": line["version"],
    }


async def reports_to_accept(home: HomeLines, texts: Texts, organiser: str, asked: PageRequest) -> Paged[ReportToAccept]:
    """A page of the reports that wait to be accepted by an organiser, what is due first."""
    now = datetime.now(UTC)
    found = await home.tasks(TaskQuery(organiser, ready=True, only=Duty.MIDYEAR_ACCEPTANCE), asked, brief=True)
    digests = {digest for line, owed in found.rows if (digest := _report(line, owed).get("text"))}
    words = await texts.get(digests)
    return found.map(lambda one: _report_to_accept(*one, words, now))


def _report(line: Line, owed: Mapping[str, Any]) -> Mapping[str, Any]:
    report: Mapping[str, Any] = line["reports"].get(owed["subject"], {})
    return report


def _report_to_accept(line: Line, owed: Mapping[str, Any], words: Mapping[str, str], now: datetime) -> ReportToAccept:
    report, unit = _report(line, owed), owed["subject"] or ""
    text = words.get(report.get("text") or "", "")
    return ReportToAccept(
        **_of(line),
        unit=unit,
        name=line["names"].get(unit, unit),
        title=report.get("title") or "",
        number=report.get("number") or "",
        begins=text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS].rstrip()}…",
        on=report.get("on") or "",
        answered=report.get("answered") or "",
        due=datetime.fromisoformat(owed["due"]) if owed["due"] else None,
        now=own_now(line, now),
    )


async def proposed_escalations(
    home: HomeLines, organiser: str, asked: PageRequest
) -> Paged[tuple[ProposedEscalation, ...]]:
    """A page of the cycles in which escalations are proposed, each with them."""
    found = await home.escalated(organiser, asked)
    return found.map(
        lambda line: tuple(
            ProposedEscalation(
                **_of(line),
                duty=one["duty"],
                units=tuple(line["names"].get(unit, unit) for unit in one["units"]),
            )
            for one in line["escalations"]
        )
    )


async def all_to_answer(home: HomeLines, texts: Texts, organiser: str, asked: PageRequest) -> list[ToAnswer]:
    """What an organiser answers, in the order of its first page: `asked` of each kind."""
    requests, reports, escalations, deviations = await asyncio.gather(
        asked_times(home, texts, organiser, asked),
        reports_to_accept(home, texts, organiser, asked),
        proposed_escalations(home, organiser, asked),
        open_deviations(home, organiser, asked),
    )
    extend, accept, escalate, acknowledge = map(
        act_name, ("extend", "accept-report", "confirm-escalation", "acknowledge")
    )
    return [
        *(
            ToAnswer(*_listed(one), f"{extend}: {word('duty', one.request.duty)}", *_until(one.request))
            for row in requests.rows
            for one in row
        ),
        *(ToAnswer(*_listed(one), accept, one.name, one.due) for one in reports.rows),
        *(
            ToAnswer(*_listed(one), f"{escalate}: {word('duty', one.duty)}", ", ".join(one.units))
            for row in escalations.rows
            for one in row
        ),
        *(ToAnswer(*_listed(one), f"{acknowledge}: {one.text}", "") for one in deviations.rows),
    ]


def _until(request: ExtensionRequest) -> tuple[str, datetime | None, date]:
    return request.name, request.due, request.until


def _listed(one: ListedVersion) -> tuple[str, str, int, bool]:
    return one.cycle, one.cluster, one.year, one.rehearsed


async def open_deviations(home: HomeLines, organiser: str, asked: PageRequest) -> Paged[OpenDeviation]:
    """A page of the deviations that an organiser has not acknowledged, of cycles that are not filed."""
    found = await home.deviations(organiser, asked)
    return found.map(
        lambda one: OpenDeviation(
            one.cycle,
            one.cluster,
            one.year,
            one.rehearsed,
            one.version,
            one.found["key"],
            deviation_in_words(one.found, one.names),
            "" if says_its_day(one.found["code"]) else one.found["on"] or "",
        )
    )


def deviation_in_words(found: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """A deviation as a projection holds it, in one line."""
    return deviation_text(found_deviation(found), {**names, **found.get("titles", {})})
